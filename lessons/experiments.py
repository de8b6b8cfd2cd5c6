"""What experiments have found: the graphs and the runs that were published, our own, and recorded figures.

chosen = published_graphs(52)    # the settings of graphs that networks were made of, with their C and L
errors = published_errors("mlp") # what these networks got wrong; published_runs: run by run, downloaded once
ours = own_runs("digits", 1.5)   # and what networks of ours did
cortex = brain_network("cat")    # areas of a brain, and which leads to which; downloaded once
table = recorded("node2vec")     # figures that took long to measure

`lessons.datasets` has them too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lessons import _published_runs
from lessons._graph2nn import BRAINS, connections, graph_list
from lessons.errors import FormatError
from lessons.graph import Graph, as_graph
from lessons.sweet_spot import Groups


@dataclass(frozen=True, eq=False)
class GraphList:
    """Settings of WS-flex graphs of n nodes, as networks were made of them, and the published measures of each.

    For each of G graphs, all (G,): `k` its mean degree, `p` the chance that an edge is moved, `seed` of
    `random.Random`, `C` its mean clustering, `L` its mean shortest path in edges.
    """

    n: int
    k: NDArray[np.float64]
    p: NDArray[np.float64]
    seed: NDArray[np.int64]
    C: NDArray[np.float64]
    L: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.k)

    def __repr__(self) -> str:
        return f"GraphList({len(self)} graphs of {self.n} nodes)"


def published_graphs(count: Literal[52, 449, 3942]) -> GraphList:
    """The graphs of 64 nodes that You and others chose out of 2.7 million: spread evenly over C and L.

    3942 became multilayer perceptrons, 52 of them networks on ImageNet; 449 lie between, and hold the 52. Graph i
    is `ws_flex(64, k[i], p[i], seed[i])`. k / 64 and p are rounded to six decimals as in the published runs, which
    leaves every graph as it is.

    52 and 449 are shipped; 3942 is downloaded at the first call, 0.2 MB, unless LESSONS_DATA names a folder with
    `graph2nn/analysis/graphs_n64_3942.npy`. `lessons.graph_selection` chooses all of them anew.

    Raises ValueError for another count and where LESSONS_DATA names no folder, DataMissing where it is not here
    and cannot be downloaded, FormatError for a file other than that published.

    >>> chosen = published_graphs(52)
    >>> chosen, chosen.k[:2], chosen.seed[:2]
    (GraphList(52 graphs of 64 nodes), array([26.076672,  9.600256]), array([ 0, 16]))

    Notebook: 11_relational_graphs. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks,
    ICML 2020, arXiv:2007.06559; their code, see `lessons._graph2nn`.
    """
    if count not in (52, 449, 3942):
        raise ValueError(f"count={count!r}: 52, 449 or 3942")
    if count == 3942:
        columns = graph_list(64, 3942).T[1:]
    else:
        table = recorded("relational_graphs")["graphs"]
        rows = table["the 52"] if count == 52 else slice(None)
        columns = np.array([table[name] for name in ("k / n", "p", "seed", "C", "L")])[:, rows]
    share, p, seed, C, L = columns
    return GraphList(64, 64 * share.round(6), p.round(6), seed.astype(np.int64), C, L)


def brain_network(name: Literal["cat", "macaque_visual", "macaque_whole"]) -> Graph:
    """Areas of a cortex, and which sends fibres to which: i -> j where a fibre leads from area i to area j.

    Directed and unweighted, without self-loops: the cat's cortex (52 areas, 820 arcs), the visual cortex of the
    macaque (30, 308) and its whole cortex (71, 746), in which not every area reaches every other.

    Downloaded at the first call, 1 to 5 kB, unless LESSONS_DATA names a folder with
    `graph2nn/pycls/datasets/cat.txt`, `mcvisual.txt` and `mcwhole.txt`.

    Raises ValueError for another name and where LESSONS_DATA names no folder, DataMissing where it is not here and
    cannot be downloaded, FormatError for a file other than that published.

    Notebook: 11_relational_graphs. Sources: the files, see `published_graphs`; whose the maps are is not told
    there; by the numbers of areas and arcs they are J. W. Scannell et al., The connectional organization of the
    cortico-thalamic system of the cat, Cerebral Cortex 9(3), 1999, DOI 10.1093/cercor/9.3.277; D. J. Felleman, D.
    C. Van Essen, Distributed hierarchical processing in the primate cerebral cortex, Cerebral Cortex 1(1), 1991,
    DOI 10.1093/cercor/1.1.1 (with 311 arcs in the literature); M. P. Young, The organization of neural systems in
    the primate cerebral cortex, Proceedings of the Royal Society B 252, 1993, DOI 10.1098/rspb.1993.0040.

    >>> brain_network("worm")
    Traceback (most recent call last):
        ...
    ValueError: name='worm': one of ['cat', 'macaque_visual', 'macaque_whole']
    """
    if name not in BRAINS:
        raise ValueError(f"name={name!r}: one of {sorted(BRAINS)}")
    A = connections(name)
    return as_graph(np.argwhere(A), n=len(A), directed=True)


TaskName = Literal["mlp", "cnn6", "resnet34", "resnet34_sep", "resnet50", "efficientnet"]


@dataclass(frozen=True, eq=False)
class PublishedRuns:
    """Every published run of a task: `errors` (E, G, S), test errors in percent of G graphs with S seeds.

    Errors are told after each of `epochs` (E,), nan where a run is missing. For each graph, all (G,): `k` its mean
    degree, `p` and `seed` as in `GraphList`, `density` the share of pairs of its n nodes that are joined, `C` and
    `L`, and `width`, units or channels of the first stage of its networks. The complete graph is the last.
    """

    task: TaskName
    n: int
    k: NDArray[np.float64]
    p: NDArray[np.float64]
    seed: NDArray[np.int64]
    C: NDArray[np.float64]
    L: NDArray[np.float64]
    density: NDArray[np.float64]
    width: NDArray[np.int64]
    epochs: NDArray[np.int64]
    errors: NDArray[np.float64]

    def __repr__(self) -> str:
        epochs, graphs, seeds = self.errors.shape
        return f"PublishedRuns({self.task}: {graphs} graphs, {seeds} seeds, {epochs} epochs)"


def published_runs(task: TaskName) -> PublishedRuns:
    """The test errors of every network that You and others trained: what all their findings are drawn from.

    "mlp" is a multilayer perceptron on CIFAR-10, 3942 graphs with five seeds, told after epoch 200 alone. The
    others are networks on ImageNet, 52 graphs (48 of 16 nodes for "efficientnet") with three seeds, after ten of
    100 epochs (of those in between more is published). Of "resnet34_sep" and "efficientnet" one run each broke off
    between epochs 20 and 50.

    Downloaded at the first call, 4 MB for "mlp" and 0.2 to 0.5 MB for others, unless LESSONS_DATA names a folder
    with `graph2nn/analysis/final_results/`.

    Raises ValueError for another task and where LESSONS_DATA names no folder, DataMissing where it is not here and
    cannot be downloaded, FormatError for files other than those published.

    >>> published_runs("vit")
    Traceback (most recent call last):
        ...
    ValueError: task='vit': one of ['mlp', 'cnn6', 'resnet34', 'resnet34_sep', 'resnet50', 'efficientnet']

    Notebook: 12_sweet_spot. Source: see `published_graphs`.
    """
    nodes, share, p, seed, C, L = _published_runs.settings(_checked_task(task)).T
    errors, width = _published_runs.all_runs(task)
    n = int(nodes[0])
    k = np.append(n * share[:-1], n - 1)
    edges, pairs = (n * k / 2).round(), n * (n - 1) / 2
    epochs = np.array(_published_runs.TASKS[task].epochs)
    return PublishedRuns(task, n, k, p, seed.astype(np.int64), C, L, edges / pairs, width, epochs, errors)


def _checked_task(task: TaskName) -> TaskName:
    if task not in _published_runs.TASKS:
        raise ValueError(f"task={task!r}: one of {list(_published_runs.TASKS)}")
    return task


@dataclass(frozen=True, eq=False)
class PublishedErrors:
    """What is recorded of the runs of a task: `groups` of G graphs with the errors after the last epoch.

    The complete graph is the last. `density` (G,) the share of pairs of nodes that are joined; `best` the row that
    the paper tells as the best graph; `by_epoch` (E, G) mean errors after each of `epochs` (E,). Where a run broke
    off a group has one less, and the paper took the run of seed 1 a second time: `as_published` has it so.
    """

    task: TaskName
    groups: Groups
    as_published: Groups
    density: NDArray[np.float64]
    best: int
    epochs: NDArray[np.int64]
    by_epoch: NDArray[np.float64]

    @classmethod
    def of(cls, task: TaskName, table: dict[str, Any]) -> PublishedErrors:
        """What an entry of the recorded table holds: columns by name, and the rows where a run broke off."""
        C, L, mean, std, edges = (np.array(table[name], np.float64) for name in ("C", "L", "mean", "std", "edges"))
        density = edges / (table["n"] * (table["n"] - 1) / 2)
        runs = np.full(len(C), table["runs"])
        published = {"mean": mean.copy(), "std": std.copy(), "runs": runs.copy()}
        for gap in table["broke off"]:
            runs[gap["row"]] -= 1
            for name in ("mean", "std"):
                published[name][gap["row"]] = gap[f"published {name}"]
        groups, again = Groups(C, L, mean, std, runs), Groups(C, L, **published)
        by_epoch = np.array([*table["by epoch"], table["mean"]])
        return cls(task, groups, again, density, table["best"], np.array(table["epochs"]), by_epoch)

    def __repr__(self) -> str:
        return f"PublishedErrors({self.task}: {self.groups}, {len(self.epochs)} epochs)"


def published_errors(task: TaskName) -> PublishedErrors:
    """The mean and the spread of `published_runs`, which are shipped: nothing is downloaded.

    Raises ValueError for another task.

    >>> errors = published_errors("resnet34")
    >>> errors, errors.groups.mean[[errors.best, -1]].round(2)
    (PublishedErrors(resnet34: Groups(53 groups, 159 runs), 10 epochs), array([24.57, 25.73]))

    Notebook: 12_sweet_spot. Source: see `published_graphs`.
    """
    return PublishedErrors.of(task, recorded("sweet_spot")["tasks"][_checked_task(task)])


@dataclass(frozen=True, eq=False)
class OwnRuns:
    """Runs of ours: `errors` (G, S), test errors in percent after the last epoch of G graphs with seeds 1 to S.

    The graphs are the published 52, the complete one is the last; of each, all (G,), `C`, `L`, the `density`, the
    share of pairs of nodes that are joined, and the `width` of its networks. `by_epoch` (E, G) mean errors after
    each epoch. `command` is the one that made them.
    """

    data: str
    noise: float
    command: str
    C: NDArray[np.float64]
    L: NDArray[np.float64]
    density: NDArray[np.float64]
    width: NDArray[np.int64]
    errors: NDArray[np.float64]
    by_epoch: NDArray[np.float64]

    @property
    def groups(self) -> Groups:
        """Each graph with its runs."""
        return Groups.of(self.C, self.L, self.errors)

    def __repr__(self) -> str:
        graphs, seeds = self.errors.shape
        noise = f" with noise {self.noise:g}" if self.noise else ""
        return f"OwnRuns({self.data}{noise}: {graphs} graphs, {seeds} seeds, {len(self.by_epoch)} epochs)"


def own_runs(data: Literal["digits", "cifar10-jpeg"], noise: float = 0.0) -> OwnRuns:
    """What `lessons sweep` has found on this data, as recorded: the digits with noise 0, 0.75, 1.5 and 3, and a
    run on the JPEG copy of CIFAR-10 that was cut short, one seed and five epochs.

    Raises ValueError for runs that there are not, with those that there are.

    >>> own_runs("digits", noise=1.5)
    OwnRuns(digits with noise 1.5: 53 graphs, 20 seeds, 30 epochs)

    Notebook: 12_sweet_spot.
    """
    found = {(table["data"], table["noise"]): table for table in recorded("own_runs")["runs"]}
    if (data, noise) not in found:
        raise ValueError(f"data={data!r} with noise={noise}: one of {sorted(found)}")
    table, graphs = found[data, noise], published_graphs(52)
    C, L = np.append(graphs.C, 1.0), np.append(graphs.L, 1.0)
    density = np.append((graphs.n * graphs.k / 2).round() / (graphs.n * (graphs.n - 1) / 2), 1.0)
    width, wrong, by_epoch = (np.array(table[name]) for name in ("width", "wrong", "by epoch"))
    errors = 100 * wrong / table["rows"]
    return OwnRuns(data, noise, table["command"], C, L, density, width, errors, by_epoch)


# ---------------------------------------------------------------------------------------- recorded figures


def recorded(name: str) -> dict[str, Any]:
    """A table of figures that were measured once, where the data or the time were: `lessons/data/<name>.json`.

    Beside the figures it tells "source", "command", "date" and "machine". Raises ValueError for a name that there
    is not, with those that there are; FormatError for a file without these four.
    """
    tables = {path.stem: path for path in Path(__file__).with_name("data").glob("*.json")}
    if name not in tables:
        raise ValueError(f"name={name!r}: one of {sorted(tables)}")
    try:
        table = json.loads(tables[name].read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise FormatError(tables[name], error.lineno, error.msg) from error
    told = table if isinstance(table, dict) else {}
    lacking = [key for key in ("source", "command", "date", "machine") if not told.get(key)]
    if lacking:
        raise FormatError(tables[name], None, f"a recorded table without {', '.join(lacking)}")
    return table
