"""The runs published beside "Graph structure of neural networks": which graph reached which test error, and when.

The files lie as in its code, see `lessons._graph2nn`: for each task, seed and epoch one that names graphs and one
with the results of each, in the order in which they happened to end. `lessons/data/published_runs.sha256` lists
what is read here, as `sha256sum` does; names only once where each epoch has the same.
`datasets.published_runs` gives what they hold.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lessons._downloads import fetched
from lessons._graph2nn import URL, graph_list, read_array
from lessons.errors import FormatError

Setting = tuple[float, float, float]  # of a graph: k / n, p, seed, as in the names

RESULTS = "analysis/final_results"
EPOCHS = (1, 2, 3, 4, 5, 10, 20, 50, 90, 100)  # of the ImageNet tasks; more are published than are read here
COMPLETE: Setting = (1.0, 0.0, 1.0)  # how the names tell the complete graph
SHARE, P, SEED = 4, 5, 7  # columns of the names
ERROR, NODES, WIDTH, TRAINED_FROM = 3, 5, 6, 7  # columns of the results
MOST_WIDE = 100_000


class Part(NamedTuple):
    """Runs that lie together: the names of their folder and of its files, and the seeds they were trained from."""

    folder: str
    stem: str
    seeds: tuple[int, ...]


class Task(NamedTuple):
    """A kind of network on a data set: which list of graphs it had, the epochs told of it, and its parts."""

    graphs: tuple[int, int]
    epochs: tuple[int, ...]
    parts: tuple[Part, ...]


def _on_imagenet(network: str, graphs: tuple[int, int] = (64, 52), first: str = "_seed1") -> Task:
    """Three seeds in a folder each; in that of the first seed `first` ends the names of the files."""
    name = f"{network}_imagenet"
    ends = (first, "_seed2", "_seed3")
    parts = (Part(f"{name}_seed{seed}", name + end, (seed,)) for seed, end in enumerate(ends, start=1))
    return Task(graphs, EPOCHS, tuple(parts))


TASKS = {
    "mlp": Task((64, 3942), (200,), (Part("mlp_cifar10", "mlp_cifar10", (1, 2, 3, 4, 5)),)),
    "cnn6": _on_imagenet("cnn6"),
    "resnet34": _on_imagenet("resnet34", first=""),
    "resnet34_sep": _on_imagenet("resnet34_sep", first=""),
    "resnet50": _on_imagenet("resnet50", first=""),
    "efficientnet": _on_imagenet("efficientnet", (16, 48)),
}
CELL_MEANS = ("mlp", "resnet34", "resnet34_sep", "resnet50")  # tasks of which means of cells are published


@cache
def sums() -> dict[str, str]:
    """The SHA-256 of every file that is read here, by its path."""
    lines = Path(__file__).with_name("data").joinpath("published_runs.sha256").read_text(encoding="ascii")
    return {path: total for total, path in (line.split("  ") for line in lines.splitlines())}


def settings(task: str) -> NDArray[np.float64]:
    """(G, 6) of each graph of a task, see `_graph2nn.COLUMNS`; k / n and p are rounded as in the names of runs.

    The complete graph is the last, as it is told there: k / n = 1, p = 0, seed 1. Raises as `graph_list`.
    """
    rows = graph_list(*TASKS[task].graphs)
    rows[:, 1:3] = rows[:, 1:3].round(6)
    return np.vstack([rows, [rows[0, 0], *COMPLETE, 1, 1]])


def all_runs(task: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """errors (E, G, S) in percent, nan where a run is missing, and width (G,) in units or channels.

    Graphs as in `settings`; `width` is that of the first stage, the same with every seed. Raises as `fetched`, and
    FormatError for files that hold no such runs.
    """
    rows = settings(task)
    paths = _task_files(task)
    epochs = [
        np.concatenate([_runs_of(paths, part, epoch, rows) for part in TASKS[task].parts], axis=1)
        for epoch in TASKS[task].epochs
    ]
    every = np.array(epochs)  # (E, G, S, 2)
    width = np.nanmin(every[..., 1], axis=(0, 2))
    if (np.nanmax(every[..., 1], axis=(0, 2)) != width).any():
        raise FormatError(next(iter(paths)), None, "and those beside it tell two widths of a graph")
    return every[..., 0], width.astype(np.int64)


def cell_means(task: str) -> NDArray[np.float64]:
    """(53,) the published mean errors of cells of a 15 x 15 grid, by L, then by C, the complete graph's first.

    Of a task in `CELL_MEANS`. Raises as `fetched`, and FormatError for a file that holds no such means.
    """
    data = "cifar10" if task == "mlp" else "imagenet"
    file = f"{RESULTS}/npys/{task}_{data}_resolution52.npy"
    path = _fetched(task, {file: sums()[file]})[file]
    return read_array(path, "numbers", what="an array (cells,) of float64")


# ---------------------------------------------------------------------------------------- files


def _task_files(task: str) -> dict[str, Path]:
    folders = tuple(f"{RESULTS}/{part.folder}/" for part in TASKS[task].parts)
    return _fetched(task, {path: total for path, total in sums().items() if path.startswith(folders)})


def _fetched(task: str, wanted: dict[str, str]) -> dict[str, Path]:
    command = f"""python -c "from lessons.datasets import published_runs; published_runs('{task}')\""""
    return fetched("graph2nn", wanted, URL, name=f"The archive of {task} runs", command=command)


def _runs_of(paths: dict[str, Path], part: Part, epoch: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """See `read_runs`. Names are told once, those of the last epoch, where each epoch has the same."""
    start = f"{RESULTS}/{part.folder}/"
    names = (f"{start}names_{part.stem}_epoch{when}.npy" for when in (epoch, EPOCHS[-1]))
    results = f"{start}results_{part.stem}_epoch{epoch}.npy"
    return read_runs(next(paths[file] for file in names if file in paths), paths[results], part.seeds, rows)


def read_runs(
    names: Path, results: Path, seeds: tuple[int, ...], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(G, seeds, 2) error in percent and width of each run of the graphs in `rows`, see `settings`; nan for none.

    Raises FormatError for a file of another form, a graph that is not in `rows` or told twice, figures that no run
    has.
    """
    known = {setting: row for row, setting in enumerate(map(tuple, rows[:, 1:4].tolist()))}
    text = read_array(names, "text", 15, what="an array (graphs, 15) of text")
    places = [_place(names, line, known) for line in text[:, [SHARE, P, SEED]].tolist()]
    if len(set(places)) < len(places):
        raise FormatError(names, None, "tells of a graph twice")
    found = read_array(results, "numbers", len(seeds), 8, what=f"an array (graphs, {len(seeds)}, 8) of float64")
    if len(found) != len(places):
        raise FormatError(results, None, f"{len(found)} graphs, and {len(places)} in {names.name}")
    _check_figures(results, found, int(rows[0, 0]), seeds)
    table = np.full((len(rows), len(seeds), 2), np.nan)
    table[places] = found[..., [ERROR, WIDTH]]
    return table


def _place(path: Path, line: list[str], known: dict[Setting, int]) -> int:
    """The row of the graph whose k / n, p and seed these are."""
    try:
        return known[tuple(float(word) for word in line)]  # type: ignore[index]
    except (ValueError, KeyError) as error:
        raise FormatError(path, None, f"k / n, p and seed are {line}, which no graph of the list has") from error


def _check_figures(path: Path, found: NDArray[np.float64], n: int, seeds: tuple[int, ...]) -> None:
    """Raise FormatError with the first figures that no run of a network on n nodes has."""
    error, width = found[..., ERROR], found[..., WIDTH]
    good = (error >= 0) & (error <= 100) & (found[..., NODES] == n) & (found[..., TRAINED_FROM] == seeds)
    good &= (width >= 1) & (width <= MOST_WIDE) & (np.floor(width) == width)
    if not good.all():
        row, run = (int(place) for place in np.argwhere(~good)[0])
        told = found[row, run, [ERROR, NODES, WIDTH, TRAINED_FROM]].tolist()
        raise FormatError(path, None, f"run {run} of graph {row} has error, nodes, width and seed {told}")
