"""The pictures of notebook 10: what a filter reaches, eigenvalues, smoothing and depth, recorded figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import Graph
from lessons.show import FAINT, INK, PALETTE, STROKES, TEN, canvas, mean_and_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]

BINS = 60  # of a histogram of eigenvalues
MARKS = "os^D"
STAYS = 8.0  # percentage points; a smaller change is none
LEAST = 1e-12  # energy that is drawn: the axis is logarithmic
ROUNDS = (0, 1, 10, 100)  # that have a label
LINES = ("-", "--", "-.", ":")


# ---------------------------------------------------------------------------------------- what a filter reaches


def draw_reach(graph: Graph, at: ArrayLike, row: ArrayLike, node: int) -> Picture:
    """What the filter takes for one node: `row` (n,) weighs the value of each, 0 where it is not seen.

    Circles are weights above zero, squares below, larger the farther from it; dots are nodes that are not seen.
    A cross marks the node.
    """
    at, row = np.asarray(at, float), np.asarray(row, float)
    fig, axis = canvas(3.2, 3.2)
    _draw_edges(axis, graph, at)
    axis.scatter(*at[row == 0].T, s=5, color=FAINT, linewidths=0, zorder=2)
    top = float(np.abs(row).max(initial=0.0)) or 1.0
    for mark, colour, here in (("o", PALETTE[1], row > 0), ("s", PALETTE[0], row < 0)):
        size = 9 + 110 * np.abs(row[here]) / top
        axis.scatter(*at[here].T, s=size, marker=mark, color=colour, edgecolors=INK, linewidths=0.6, zorder=3)
    axis.plot(*at[node], "x", color=INK, markersize=7, zorder=4)
    seen, hops = np.flatnonzero(row), _hops(graph, node)
    far = int(hops[seen].max(initial=0.0))
    axis.set_title(f"{len(seen)} of {graph.n}", fontsize=13, color=INK)
    edges = f"{far} edge{'' if far == 1 else 's'}"
    alt = f"What one of {graph.n} sensors takes from whom: it sees {len(seen)}, up to {edges} away."
    return fig, alt


def _draw_edges(axis: Any, graph: Graph, at: Floats) -> None:
    from matplotlib.collections import LineCollection

    axis.add_collection(LineCollection(list(at[graph.edge_rows]), colors=FAINT, linewidths=0.5, zorder=1))
    axis.set_axis_off()
    axis.set_aspect("equal")
    axis.margins(0.05)


def _hops(graph: Graph, node: int) -> Floats:
    from scipy.sparse.csgraph import shortest_path

    found: Floats = shortest_path(graph.to_scipy(), unweighted=True, indices=node)
    return found


# ---------------------------------------------------------------------------------------- eigenvalues


def draw_eigenvalues(spectra: Mapping[str, ArrayLike], low: float = -1.0, high: float = 2.0) -> Picture:
    """How many eigenvalues of several matrices lie where, between `low` and `high`: a histogram for each."""
    fig, axes = canvas(6.4, 0.5 + 1.05 * len(spectra), rows=len(spectra))
    edges, told = np.linspace(low, high, BINS + 1), []
    for axis, (name, values), colour in zip(np.atleast_1d(axes), spectra.items(), PALETTE, strict=False):
        lam = np.asarray(values, float)
        axis.hist(np.clip(lam, low, high), edges, color=colour, edgecolor=INK, linewidth=0.3)
        axis.set(xlim=(low - 0.05, high + 0.05), yticks=[])
        axis.set_title(name, fontsize=10, color=INK, loc="left", x=0.02, y=0.62)
        axis.tick_params(labelbottom=axis is np.atleast_1d(axes)[-1], pad=3)
        told.append(f"{name} {_plain(lam.min())} to {_plain(lam.max())}")
    np.atleast_1d(axes)[-1].set_xlabel("eigenvalue")
    size = np.size(next(iter(spectra.values())))
    return fig, f"Where the {size:,} eigenvalues lie: {', '.join(told)}."


def _plain(value: float) -> str:
    """Two digits, without a sign at zero.

    >>> _plain(-0.001), _plain(-0.39)
    ('0.00', '−0.39')
    """
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


# ---------------------------------------------------------------------------------------- smoothing


def draw_smoothed(Z: ArrayLike, y: ArrayLike, energies: Sequence[float], depth: int) -> Picture:
    """Images in two coordinates `Z` (n, 2), each drawn as its numeral, scaled to fit; below, the energy over the
    rounds of smoothing, `energies[k]` after k of them, and a dot at `depth`."""
    fig, (above, below) = canvas(3.2, 4.6, rows=2)
    Z, y = np.asarray(Z, float), np.asarray(y)
    for numeral in np.unique(y):
        above.scatter(*Z[y == numeral].T, marker=f"${numeral}$", s=16, linewidths=0, color=TEN[numeral % 10])
    above.set(xticks=[], yticks=[])
    above.set_title(f"{depth} round{'' if depth == 1 else 's'}", fontsize=13, color=INK)
    places, shown = np.arange(len(energies)), np.maximum(energies, LEAST)
    below.plot(1 + places, shown, color=PALETTE[0], linewidth=1.8)
    below.plot(1 + depth, shown[depth], "o", color=PALETTE[5], markersize=9, markeredgecolor=INK)
    below.set(xscale="log", yscale="log", xlabel="rounds", ylabel="energy")
    below.set_xticks([1 + rounds for rounds in ROUNDS], [str(rounds) for rounds in ROUNDS])
    below.minorticks_off()
    below.tick_params(labelsize=11)
    left = energies[depth] / (energies[0] or 1.0)
    return fig, (
        f"{len(y):,} digits after {depth} round{'' if depth == 1 else 's'} of smoothing, in two coordinates; "
        f"{_share(left)} of the energy is left."
    )


def _share(value: float) -> str:
    """Two digits that count.

    >>> _share(0.1234), _share(1.0), _share(0.000123)
    ('12%', 'all', '0.012%')
    """
    return "all" if value >= 0.995 else f"{100 * value:.2g}%"


def draw_depths(depths: Sequence[int], runs: Mapping[str, Sequence[Sequence[float]]], axis: str) -> Picture:
    """Accuracies over `depths`, evenly spaced: `runs` maps a way, of four at most, to a list of runs for each,
    empty where it was not tried.

    Lines join the means, small marks are the runs. The alt text tells of large changes only, from the first depth
    that was tried to the last, as small ones are not the same on every machine.
    """
    fig, axes = canvas(6.4, 3.0)
    told = []
    for (name, lists), colour, mark, line in zip(runs.items(), STROKES, MARKS, LINES, strict=False):
        places = [place for place, values in enumerate(lists) if len(values)]
        shares = [100 * np.asarray(lists[place]) for place in places]
        means = [float(values.mean()) for values in shares]
        axes.plot(places, means, line, color=colour, marker=mark, markersize=7, markeredgecolor=INK, label=name)
        for place, values in zip(places, shares, strict=True):
            axes.plot(np.full(len(values), place), values, mark, color=colour, markersize=3, alpha=0.5)
        told.append(f"{name} {_change(means[-1] - means[0])} from {depths[places[0]]} to {depths[places[-1]]}")
    axes.set_xticks(range(len(depths)), [str(depth) for depth in depths])
    axes.set(xlabel=axis, ylabel="right [%]", ylim=(0, 103))
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig, f"Share that is right, over {axis}: {', '.join(told)}."


def _change(points: float) -> str:
    """A change of percentage points in words.

    >>> _change(-32.0), _change(1.5)
    ('falls', 'stays')
    """
    if abs(points) < STAYS:
        return "stays"
    return "rises" if points > 0 else "falls"


# ---------------------------------------------------------------------------------------- recorded


def draw_recorded(table: Mapping[str, Any]) -> Picture:
    """Recorded accuracies on Cora and Citeseer: mean and standard error of ours, beside the published means.

    `table` is `recorded("spectral_gcn")`; spreading and propagation of labels, on the graph alone, have no seeds.
    """
    names = {"cora": "Cora", "citeseer": "Citeseer"}
    fig, axes = canvas(6.4, 3.6, columns=2)
    for axis, (data, name) in zip(axes, names.items(), strict=True):
        rows = [*table["planetoid"][data], *table["graph alone"][data]]
        _draw_rows(axis, table, data, rows)
        axis.set_yticks(range(len(rows)), rows if data == "cora" else [])
        axis.set(ylim=(len(rows) - 0.5, -0.5), xlabel="right [%]")
        axis.set_title(name, fontsize=10, color=INK)
    axes[0].legend(framealpha=1, edgecolor=INK, fontsize=9, loc="upper left")
    return fig, _told_recorded(table, names)


def _draw_rows(axis: Any, table: Mapping[str, Any], data: str, rows: Sequence[str]) -> None:
    places, published = np.arange(len(rows)), table["published"][data]
    mean, error = np.transpose([recorded_accuracy(table, data, model) for model in rows])
    look = {"color": PALETTE[0], "capsize": 4, "markersize": 6, "zorder": 3}
    axis.errorbar(mean, places, xerr=error, fmt="o", label="recorded", **look)
    axis.hlines(places, 0, 1, color=FAINT, linewidth=0.5, zorder=1, transform=axis.get_yaxis_transform())
    theirs = [(published[model], place) for place, model in enumerate(rows) if model in published]
    look = {"color": PALETTE[5], "fillstyle": "none", "markersize": 10, "zorder": 2}
    axis.plot(*np.transpose(theirs), "D", label="published", **look)


def _told_recorded(table: Mapping[str, Any], names: Mapping[str, str]) -> str:
    told = []
    for data, name in names.items():
        for model in ("renormalised", "MLP"):
            mean, error = recorded_accuracy(table, data, model)
            told.append(f"{model} {mean:.1f} ± {error:.1f} on {name}, published {table['published'][data][model]}")
    return f"Dots are recorded accuracies, diamonds published ones. In per cent: {'; '.join(told)}."


def recorded_accuracy(
    table: Mapping[str, Any], data: str, model: str, less: str | None = None
) -> tuple[float, float]:
    """Mean and standard error over the seeds, in per cent; of the difference to another model, where `less` names
    one. On the graph alone there are no seeds, and the error is 0."""
    if model in table["graph alone"][data]:
        return 100 * table["graph alone"][data][model] / table["of"], 0.0
    counts = np.array(table["planetoid"][data][model], float)
    if less is not None:
        counts -= table["planetoid"][data][less]
    return mean_and_error(100 * counts / table["of"])


def ahead(table: Mapping[str, Any], data: str, model: str, other: str) -> str:
    """By how many points a model is ahead of another over the same seeds, the standard error, and as published.

    A way on the graph alone is one number, so that the error is that of the model.
    """
    if other in table["graph alone"][data]:
        mean, error = recorded_accuracy(table, data, model)
        return f"{mean - recorded_accuracy(table, data, other)[0]:+6.2f} ± {error:.2f}"
    mean, error = recorded_accuracy(table, data, model, less=other)
    published = table["published"][data]
    return f"{mean:+6.2f} ± {error:.2f}, published {published[model] - published[other]:+.1f}"
