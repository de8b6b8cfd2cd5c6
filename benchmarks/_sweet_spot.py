"""What the published runs of networks on graphs show: means, spreads, the sweet spot, fits and correlations.

The runs are read from the paper's code; see `lessons.datasets.published_runs`. The table has C, L, edges, mean
error and spread after the last epoch of each graph, and mean errors after other epochs; and what the paper says of
all of them, computed anew by its procedure, that of the notebook in its code where the text leaves it open:

- Spread: over seeds, divided by their number. Last epoch, not the best one.
- Best graph: the one that is told as the best. Of the perceptron that is the third in order of mean errors, two of
  which are equal; see `BEST`. One of the two equal best of CNN-6 is told.
- Sweet spot of a task: the box around graphs that are not clearly worse than the best (one-sided t-test, 0.05). Of
  the perceptron not graphs but cells of a 15 x 15 grid are compared, with all runs in them; the box is around
  their centres. The common one: where all six boxes overlap, to two decimals where runs in it are told.
- Missing runs, of two tasks one each: the run of seed 1 counts twice. After epochs 3 and 100, for the correlation
  between them, only runs that there are count.
- Correlations between tasks: over cells of a 15 x 15 grid, with the complete graph in one of its own.
- Fits: parabolas by least squares through means of graphs with C from 0.4 to 0.6, or with L from 2 to 2.5.

What the paper does not have is told beside it: how reliable means are, how much of the error and of the density C
and L tell (density: pairs of nodes that are joined), and what graphs chosen by four seeds reach in the fifth.

`measured` gives the table that `lessons/data/sweet_spot.json` holds; `report` puts it in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks._harness import provenance
from lessons._published_runs import CELL_MEANS, TASKS, cell_means
from lessons.datasets import (
    PublishedErrors,
    PublishedRuns,
    published_graphs,
    published_runs,
    recorded,
)
from lessons.graph_measures import batch_measures
from lessons.random_graphs import ws_flex, ws_flex_words
from lessons.relational_budgets import FAMILIES, cost, match_width
from lessons.sweet_spot import (
    Box,
    Groups,
    agreement,
    clearly_worse,
    held_out,
    in_cells,
    inside,
    overlap,
    quadratic,
    reliability,
    share_of_variance,
    sweet_spot,
)

SOURCE = (
    "runs of github.com/facebookresearch/graph2nn at b112eb6 (MIT License, Copyright (c) Facebook, Inc. and its "
    "affiliates), see lessons.datasets.published_runs"
)
BEST = {"mlp": 3552, "cnn6": 27, "resnet34": 37, "resnet34_sep": 36, "resnet50": 22, "efficientnet": 42}
PUBLISHED = {
    "source": "J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks, ICML 2020, "
    "arXiv:2007.06559",
    "complete graph": "33.34 +- 0.36",
    "best graph": "32.05 +- 0.14",
    "sweet spot": {"C": [0.43, 0.50], "L": [1.82, 2.28]},
    "in the sweet spot": "32.50 +- 0.33",
    "52 graphs against 3942": 0.90,
    "epoch 3 against 100": 0.93,
    "multiply-adds": "2.89e6 on slides; the program and the widths of its networks say 2364416",
}
ON_IMAGENET = tuple(task for task in TASKS if task != "mlp")
EARLY = 3  # the epoch that is told to be enough
TOPS = (1, 3, 10, 30, 100, 300, 1000)
DIGITS = 6  # decimals that are recorded of errors
PLACES = 9  # decimals of C and L by which graphs and cells are known again

Errors = dict[str, PublishedErrors]
Figures = dict[str, list[float]]

# ---------------------------------------------------------------------------------------- what is recorded


def task_table(runs: PublishedRuns) -> dict[str, Any]:
    """Of a task: of each graph C, L, density, mean error and spread; what the paper has where a run broke off."""
    last = runs.errors[-1]
    groups, published = (Groups.of(runs.C, runs.L, errors) for errors in (last, twice(last)))
    gaps = np.flatnonzero(np.isnan(last).any(axis=1)).tolist()
    return {
        "n": runs.n,
        "runs": last.shape[1],
        "best": BEST[runs.task],
        "epochs": runs.epochs.tolist(),
        "broke off": [
            {"row": row, "published mean": published.mean[row], "published std": published.std[row]}
            for row in gaps
        ],
        **{name: getattr(groups, name).tolist() for name in ("C", "L", "mean", "std")},
        "edges": (runs.density * runs.n * (runs.n - 1) / 2).round().astype(int).tolist(),
        "by epoch": np.nanmean(runs.errors[:-1], axis=2).tolist(),  # after the last it is `mean`
    }


def twice(errors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(G, S) with the run of the first seed in the place of missing ones."""
    return np.where(np.isnan(errors), errors[:, :1], errors)


def rounded(table: Any) -> Any:
    """The same with as many decimals as are recorded; of C and L all, as many graphs lie where cells meet."""
    if isinstance(table, dict):
        return {name: value if name in ("C", "L") else rounded(value) for name, value in table.items()}
    if isinstance(table, list):
        return [rounded(each) for each in table]
    return round(table, DIGITS) if isinstance(table, float) else table


# ---------------------------------------------------------------------------------------- findings, from means


def findings(errors: Errors, brains: dict[str, Any]) -> Figures:
    """Every figure that means and spreads are enough for, by name; `brains` as `_relational_graphs` has them."""
    return {
        **of_the_perceptron(errors["mlp"]),
        **of_a_spot(errors),
        **of_smoothness(errors["mlp"]),
        **of_quickness(errors),
        **of_other_tasks(errors),
        **of_brains(brains),
        **of_chance(errors["mlp"]),
    }


def of_the_perceptron(mlp: PublishedErrors) -> Figures:
    """The complete graph, the one that is told as the best, the one with the lowest mean, and the best cell."""
    groups, lowest = mlp.groups, int(np.argmin(mlp.groups.mean))
    best, cells = groups[mlp.best], in_cells(groups)
    cell = cells[int(np.argmin(cells.mean))]
    return {
        "complete_graph_error": _told(groups[-1]),
        "best_graph_error": _told(best),
        "best_graph_C_L": [*best.C, *best.L],
        "lowest_mean_error": [*_told(groups[lowest]), lowest],
        "mlp_per_graph_spot": [*sweet_spot(groups, mlp.best)],
        "mlp_best_cell": [*_steps(cell), *cell.runs, *cell.mean],
        "mlp_cell_spot": [*sweet_spot(cells), int((~clearly_worse(cells)).sum())],
    }


def _told(groups: Groups) -> list[float]:
    return [value for pair in zip(groups.mean, groups.std, strict=True) for value in pair]


def _steps(cell: Groups) -> tuple[int, int]:
    """Which step of C and of L a cell of 15 x 15 is, from 1."""
    return round(cell.C[0] * 15 + 0.5), round((cell.L[0] - 1) * 15 / 3.5 + 0.5)


def spots(errors: Errors) -> dict[str, Box]:
    """The sweet spot of each task: of cells for the perceptron, of graphs on ImageNet."""
    boxes = {task: sweet_spot(errors[task].as_published, errors[task].best) for task in ON_IMAGENET}
    return {"mlp": sweet_spot(in_cells(errors["mlp"].groups)), **boxes}


def of_a_spot(errors: Errors) -> Figures:
    """Each task on ImageNet, the box that all tasks have in common, and the perceptron's runs in it."""
    boxes = spots(errors)
    found: Figures = {}
    for task in ON_IMAGENET:
        told = errors[task]
        found[f"{_short(task)}_complete_and_best"] = _told(told.as_published[[-1, told.best]])
        found[f"{_short(task)}_spot"] = [*boxes[task]]
    common = overlap(boxes.values()) or Box(1, 0, 1, 0)
    groups = errors["mlp"].groups
    there = groups[inside(Box(*(round(end, 2) for end in common)), groups.C, groups.L)]
    found["consistent_sweet_spot"] = [*common]
    return found | {"sweet_spot_mlp_error": [len(there), *_told(there.pooled())]}


def _short(task: str) -> str:
    return task.replace("_", "")


def of_smoothness(mlp: PublishedErrors) -> Figures:
    """Parabolas: how many graphs, the three factors, where it is lowest, and how much of the variance it tells."""
    groups = mlp.groups
    clustered, near = (groups.C >= 0.4) & (groups.C <= 0.6), (groups.L >= 2) & (groups.L <= 2.5)
    slices = {"L": (groups.L, clustered), "C": (groups.C, near)}
    return {
        f"mlp_quadratic_err_vs_{name}": [int(rows.sum()), *quadratic(x[rows], groups.mean[rows])]
        for name, (x, rows) in slices.items()
    }


def of_quickness(errors: Errors) -> Figures:
    """Few graphs beside all, in the cells of the 52; and means after three epochs beside those after the last."""
    groups = errors["mlp"].groups
    every, few = in_cells(groups[:-1], right=False), in_cells(groups[among(groups, 52)], right=False)
    some = in_cells(groups[among(groups, 449)], right=False)
    found = {"r_52_vs_3942": [agreement(few, every)]}
    found["r_449_vs_3942"] = [agreement(shared(some, few), every)]
    for task in ON_IMAGENET:
        told = errors[task]
        early, last = told.by_epoch[told.epochs == EARLY][0], told.by_epoch[-1]
        found[f"r_epoch{EARLY}_vs_100_{_short(task)}"] = [float(np.corrcoef(early, last)[0, 1])]
    return found


def among(groups: Groups, count: int) -> np.ndarray[Any, Any]:
    """(G,) True for the graphs of a published list, known by their C and L."""
    chosen = published_graphs(count)  # type: ignore[arg-type]
    return shared_places(groups, chosen.C, chosen.L)


def shared(groups: Groups, others: Groups) -> Groups:
    """Those of the groups that are where one of the others is."""
    return groups[shared_places(groups, others.C, others.L)]


def shared_places(groups: Groups, C: np.ndarray[Any, Any], L: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    places = set(zip(C.round(PLACES).tolist(), L.round(PLACES).tolist(), strict=True))
    ours = zip(groups.C.round(PLACES).tolist(), groups.L.round(PLACES).tolist(), strict=True)
    return np.array([place in places for place in ours])


def of_other_tasks(errors: Errors) -> Figures:
    """How alike tasks are, over cells of 15 x 15, the complete graph in one of its own."""
    cells = {task: in_cells(errors[task].as_published, right=False) for task in CELL_MEANS}
    pairs = (
        ("mlp", "resnet34"),
        ("mlp", "resnet34_sep"),
        ("resnet34_sep", "resnet34"),
        ("resnet34_sep", "resnet50"),
        ("mlp", "resnet50"),
    )
    return {f"r_{_short(a)}_{_short(b)}": [agreement(cells[a], cells[b])] for a, b in pairs}


def of_brains(brains: dict[str, Any]) -> Figures:
    """Areas, arcs, C and L, by the definitions that come nearest to what is printed."""
    names = {"cat": "cat", "mcvisual": "macaque_visual", "mcwhole": "macaque_whole"}
    told = {short: brains[name] for short, name in names.items()}
    return {
        f"bio_{short}": [
            known["nodes"],
            known["arcs"],
            known["C"]["arcs among neighbours"],
            known["L"]["directed"],
        ]
        for short, known in told.items()
    }


def of_chance(mlp: PublishedErrors) -> Figures:
    """How reliable means are, and what cubics of C and L tell of error, density and its logarithm."""
    groups, density = mlp.groups[:-1], mlp.density[:-1]
    features = np.column_stack([groups.C, groups.L])
    told = [share_of_variance(features, y, 3) for y in (groups.mean, density, np.log(density))]
    return {
        "reliability_of_graph_means": [reliability(groups)],
        "cubic_C_L_R2_error_density_logdensity": told,
    }


# ---------------------------------------------------------------------------------------- findings, from runs


def from_runs(runs: PublishedRuns, errors: Errors) -> Figures:
    """The figures that means are not enough for; `runs` are the perceptron's."""
    top = held_out(runs.errors[-1, :-1], 10)
    return {
        "cellmean_mlp_recomputed": [cell_means_off("mlp", errors)],
        "regenerated_graphs_and_widths": [graphs_off(runs)],
        "budget": _budget(runs),
        "winners_curse_top10": [*top],
    }


def cell_means_off(task: str, errors: Errors) -> float:
    """By how much published means of cells differ from ours at most: 52 cells and the complete graph's."""
    ours = in_cells(errors[task].as_published, right=False)
    few = shared(ours, in_cells(errors["cnn6"].groups, right=False))
    return float(np.abs(few.mean - cell_means(task)).max())


def graphs_off(runs: PublishedRuns) -> int:
    """How many graphs, made anew, have another C, L or density, or another width at which their networks match."""
    settings = list(zip(runs.k[:-1], runs.p[:-1], runs.seed[:-1].tolist(), strict=True))
    graphs = [ws_flex(runs.n, *setting) for setting in settings]
    C, L = batch_measures(ws_flex_words(runs.n, *(np.array(column) for column in zip(*settings, strict=True))))
    off = (np.abs(C - runs.C[:-1]) > 10**-PLACES) | (np.abs(L - runs.L[:-1]) > 10**-PLACES)
    pairs = runs.n * (runs.n - 1) / 2
    for row, (graph, width) in enumerate(zip(graphs, runs.width.tolist()[:-1], strict=True)):
        off[row] |= graph.m != round(runs.density[row] * pairs) or match_width(graph, "mlp") != (width,)
    return int(off.sum())


def _budget(runs: PublishedRuns) -> list[float]:
    """Multiply-adds of the complete graph, by which share others cost more at most, least and largest width."""
    budget = FAMILIES["mlp"].budget
    settings = zip(runs.k[:-1], runs.p[:-1], runs.seed.tolist()[:-1], runs.width.tolist()[:-1], strict=True)
    costs = [cost(ws_flex(runs.n, k, p, seed), "mlp", (width,)).multiply_adds for k, p, seed, width in settings]
    over = [spent / budget - 1 for spent in costs]
    return [budget, max(over), int(runs.width.min()), int(runs.width.max())]


def curse(runs: PublishedRuns) -> dict[str, list[float]]:
    """For the best 1, 3, 10 ... graphs: their error by the seeds they were chosen by, and by the one left out."""
    found = [held_out(runs.errors[-1, :-1], top) for top in TOPS]
    return {"top": [*TOPS], "chosen": [f.chosen for f in found], "held out": [f.held_out for f in found]}


def measured() -> dict[str, Any]:
    """The whole table, in some ten seconds."""
    runs = {task: published_runs(task) for task in TASKS}  # type: ignore[arg-type]
    tables = {task: task_table(each) for task, each in runs.items()}
    errors = {task: PublishedErrors.of(task, table) for task, table in tables.items()}  # type: ignore[arg-type]
    brains = recorded("relational_graphs")["brains"]
    found = findings(errors, brains) | from_runs(runs["mlp"], errors)
    return provenance("sweet_spot", SOURCE, ("numpy", "scipy")) | {
        "published": PUBLISHED,
        "headlines": {name: [float(figure) for figure in figures] for name, figures in found.items()},
        "winner's curse": rounded(curse(runs["mlp"])),
        "tasks": {task: rounded(table) for task, table in tables.items()},
    }


# ---------------------------------------------------------------------------------------- in words


def report(table: dict[str, Any]) -> Iterator[str]:
    """The table's figures as lines of text, those of the paper beside them."""
    yield from _task_lines(table)
    yield f"\nfigures, {len(table['headlines'])} of them"
    for name, figures in table["headlines"].items():
        yield f"  {name:<40} {' '.join(f'{figure:.7g}' for figure in figures)}"
    yield "\nchosen by all seeds but one, and what they reach in that one"
    for top, chosen, left_out in zip(*table["winner's curse"].values(), strict=True):
        yield f"  best {top:<5} {chosen:.3f}   {left_out:.3f}"
    yield "\nprinted"
    for name, words in list(table["published"].items())[1:]:
        yield f"  {name}: {words}"


def _task_lines(table: dict[str, Any]) -> Iterator[str]:
    for task, told in table["tasks"].items():
        best, graphs = told["best"], len(told["mean"])
        lacking = f", {len(told['broke off'])} missing" if told["broke off"] else ""
        yield f"\n{task}: {graphs - 1} graphs and the complete one, {told['runs']} runs each{lacking}"
        for name, row in (("complete", -1), (f"best, row {best}", best)):
            yield f"  {name:<16} {told['mean'][row]:.2f} +- {told['std'][row]:.2f} %"
