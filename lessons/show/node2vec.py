"""The pictures of notebook 09: the chances of a step, walks, where vectors lie, clusters, scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.biased_walks import step_chances
from lessons.graph import Graph, as_graph
from lessons.show import FAINT, INK, PALETTE, PAPER, STROKES, canvas, mean_and_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Scores = Mapping[str, Mapping[str, Sequence[float]]]
Floats = NDArray[np.float64]

FIVE = np.array([[0, 0.5], [1, 0.5], [0.5, 1.2], [2, 0.9], [2, 0.1]], float)  # where t v a b c stand
NODE = 13.0  # radius of a disc, in points
MARKS, LINES = "os^Dv*Ph", ("-", "--", "-.", ":")
_BEHIND_TEXT = {"boxstyle": "round,pad=0.12", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.9}
WIDEST = 9.0  # points, of the arrow of a step that is certain


# ---------------------------------------------------------------------------------------- one step


def draw_bias(graph: object, at: ArrayLike, previous: Hashable, current: Hashable, p: float, q: float) -> Picture:
    """The chances of the step after `previous` -> `current`: arrows as wide as their chances, which stand on them.

    The step that was taken is dotted; the node where the walk stands is filled.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    chance = graph.by_node(step_chances(graph, previous, current, p=p, q=q))
    fig, axis = canvas(3.6, 2.6)
    t, v = graph.index(previous), graph.index(current)
    _lines(axis, at, graph.edge_rows, colors=FAINT, linewidths=1.0)
    _arrow(axis, at[t], at[v], color=PALETTE[5], linewidth=1.6, linestyle=":", connectionstyle="arc3,rad=0.35")
    for label, share in chance.items():
        if share > 0:
            _draw_chance(axis, at[v], at[graph.index(label)], float(share))
    _draw_nodes(axis, graph, at, filled=v)
    axis.set_title(f"p = {p:g}, q = {q:g}", fontsize=13, color=INK)
    told = ", ".join(f"{label} {share:.3g}" for label, share in chance.items() if share > 0)
    on = f"goes on to {told}" if told else "ends there"
    return fig, f"The walk came from {previous} to {current}; with p = {p:g}, q = {q:g} it {on}."


def _draw_chance(axis: Any, start: Floats, end: Floats, share: float) -> None:
    _arrow(axis, start, end, color=PALETTE[0], linewidth=0.6 + WIDEST * share)
    where = start + 0.52 * (end - start)
    axis.annotate(f"{share:.3g}", where, ha="center", va="center", fontsize=11, bbox=_BEHIND_TEXT, zorder=5)


# ---------------------------------------------------------------------------------------- whole walks


def draw_walk(graph: object, at: ArrayLike, walk: Sequence[int], groups: ArrayLike, title: str = "") -> Picture:
    """A walk, by rows, over a graph: its steps as thick lines, the nodes that it sees filled, larger the oftener.

    `groups` (n,) are whole numbers; how many of them the walk sees is told after the title. A cross marks
    the start.
    """
    graph, at, groups = as_graph(graph), np.asarray(at, float), np.asarray(groups)
    rows = np.array([row for row in walk if row >= 0])
    fig, axis = canvas(3.2, 3.4)
    _lines(axis, at, graph.edge_rows, colors=FAINT, linewidths=0.6)
    _lines(axis, at, np.column_stack([rows[:-1], rows[1:]]), colors=PALETTE[0], linewidths=1.8)
    visits = np.bincount(rows, minlength=graph.n)
    seen = visits > 0
    axis.scatter(*at[~seen].T, s=22, color=PAPER, edgecolors=FAINT, linewidths=0.8, zorder=3)
    axis.scatter(*at[seen].T, s=22 + 14 * visits[seen], color=PALETTE[1], edgecolors=INK, linewidths=0.8, zorder=3)
    axis.plot(*at[rows[0]], "x", color=INK, markersize=7, zorder=4)
    _frame(axis)
    found, parts = int(seen.sum()), f"{len(np.unique(groups[seen]))} of {len(np.unique(groups))} groups"
    axis.set_title(f"{title}: {parts}" if title else parts, fontsize=13, color=INK)
    nodes = f"{len(rows)} node{'' if len(rows) == 1 else 's'}"
    return fig, f"A walk of {nodes} sees {found} of {graph.n} nodes, in {parts}."


def clique_places(cliques: int, size: int) -> Floats:
    """(cliques * size, 2) where to draw a ring of cliques, as networkx numbers its nodes: a circle of circles.

    >>> clique_places(2, 1).round(3).tolist()
    [[1.36, 0.0], [-1.36, 0.0]]
    """
    around = 2 * np.pi * np.arange(cliques) / cliques
    within = around[:, None] + 2 * np.pi * np.arange(size) / size
    circles = [np.stack([np.cos(angle), np.sin(angle)], axis=-1) for angle in (around, within)]
    return (circles[0][:, None] + 0.36 * circles[1]).reshape(-1, 2)


# ---------------------------------------------------------------------------------------- vectors


def draw_vectors(graph: object, vectors: ArrayLike, groups: ArrayLike, title: str = "") -> Picture:
    """Where the vectors (n, d) of a graph's nodes lie, in the two directions in which they spread most.

    Edges are drawn between them, and each of the `groups` (n,) has a colour and a mark.

    The alt text says whether groups lie apart: whether a node's nearest in the picture is of its group for at
    least nine in ten of them, or at most for half.
    """
    Z, groups = in_plane(vectors), np.asarray(groups)
    fig, axis = canvas(3.2, 3.2)
    _lines(axis, Z, as_graph(graph).edge_rows, colors=FAINT, linewidths=0.5)
    for k, group in enumerate(np.unique(groups)):
        look = {"marker": MARKS[k % len(MARKS)], "color": PALETTE[k % len(PALETTE)]}
        axis.scatter(*Z[groups == group].T, s=42, edgecolors=INK, linewidths=0.6, zorder=3, **look)
    _frame(axis)
    axis.set_title(title, fontsize=13, color=INK)
    return (
        fig,
        f"{len(Z):,} nodes, where their vectors lie: the {len(np.unique(groups))} groups {_told(Z, groups)}.",
    )


def in_plane(vectors: ArrayLike) -> Floats:
    """(n, 2) the coordinates along the two directions in which vectors (n, d) spread most.

    >>> in_plane([[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]).tolist()
    [[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    """
    Z = np.asarray(vectors, float)
    Z = Z - Z.mean(axis=0)
    axes = np.linalg.svd(Z, full_matrices=False)[2][:2]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    return Z @ (axes * signs[:, None]).T + 0.0


def _told(Z: Floats, groups: NDArray[Any]) -> str:
    apart = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    share = float(np.mean(groups[apart.argmin(axis=1)] == groups))
    if share >= 0.9:
        return "lie apart"
    return "are mixed" if share <= 0.5 else "lie partly apart"


def draw_clusters(graph: object, at: ArrayLike, clusterings: Mapping[str, ArrayLike]) -> Picture:
    """Several clusterings (n,) of one graph, side by side: a colour and a mark for each cluster, largest first."""
    graph, at = as_graph(graph), np.asarray(at, float)
    fig, axes = canvas(6.4, 3.4, columns=len(clusterings))
    for axis, (name, clusters) in zip(np.atleast_1d(axes), clusterings.items(), strict=True):
        clusters = np.asarray(clusters)
        labels, sizes = np.unique(clusters, return_counts=True)
        _lines(axis, at, graph.edge_rows, colors=FAINT, linewidths=0.5)
        for k, cluster in enumerate(labels[np.argsort(-sizes, kind="stable")]):
            look = {"marker": MARKS[k % len(MARKS)], "color": PALETTE[k % len(PALETTE)]}
            axis.scatter(*at[clusters == cluster].T, s=40, edgecolors=INK, linewidths=0.6, zorder=3, **look)
        _frame(axis)
        axis.set_title(name, fontsize=10, color=INK)
    return fig, f"A graph of {graph.n} nodes, a colour and a mark for each cluster: {'; '.join(clusterings)}."


# ---------------------------------------------------------------------------------------- scores


def draw_scores(scores: Scores, axis: str, chance: float, clear: float, beside: Scores | None = None) -> Picture:
    """Scores of several ways on several tasks, a panel for each: runs as small marks, means as large ones.

    `scores` maps a task to the runs of each way, and a way may be missing; a dashed line stands at chance. The
    means of `beside`, of the same ways and tasks, are hollow circles. All panels share one scale. The alt text
    names the ways that are not behind the best by more than `clear`.
    """
    ways = list(dict.fromkeys(way for runs in scores.values() for way in runs))
    fig, axes = canvas(6.4, 0.8 + 0.3 * len(ways), columns=len(scores))
    told = []
    for k, (panel, (task, runs)) in enumerate(zip(np.atleast_1d(axes), scores.items(), strict=True)):
        for way, values in runs.items():
            place = ways.index(way)
            panel.scatter(values, np.full(len(values), place), s=9, color=PALETTE[0], alpha=0.5, linewidths=0)
            panel.plot(np.mean(values), place, "D", color=PALETTE[1], markersize=7, markeredgecolor=INK)
        for way, values in (beside or {}).get(task, {}).items():
            panel.plot(np.mean(values), ways.index(way), "o", color="none", markersize=7, markeredgecolor=INK)
        panel.axvline(chance, color=PALETTE[5], linestyle="--", linewidth=1.2)
        panel.set_yticks(range(len(ways)), [] if k else ways)
        panel.set(xlabel=axis, ylim=(len(ways) - 0.5, -0.5))
        panel.set_title(task, fontsize=10, color=INK)
        means = {way: float(np.mean(values)) for way, values in runs.items()}
        ahead = [way for way in means if means[way] >= max(means.values()) - clear]
        told.append(f"{' and '.join(ahead)} in {task}")
    limits = [panel.get_xlim() for panel in np.atleast_1d(axes)]
    for panel in np.atleast_1d(axes):
        panel.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    return (
        fig,
        f"{axis} of {len(ways)} ways; chance is {chance:g}. Ahead, or not clearly behind: {'; '.join(told)}.",
    )


def draw_pairs(expected: ArrayLike, learned: ArrayLike, axes: tuple[str, str]) -> Picture:
    """What was learned of each pair over what was expected, a dot each, and the line on which both are equal.

    The alt text says whether dots lie near that line, as measured by the spread of what was expected.
    """
    expected, learned = np.ravel(expected), np.ravel(learned)
    fig, axis = canvas(4.2, 3.6)
    axis.scatter(expected, learned, s=10, color=PALETTE[0], alpha=0.5, linewidths=0)
    low, high = float(min(expected.min(), learned.min())), float(max(expected.max(), learned.max()))
    axis.plot([low, high], [low, high], "--", color=PALETTE[5], linewidth=1.4)
    axis.set(xlabel=axes[0], ylabel=axes[1])
    off = float(np.abs(learned - expected).mean() / (expected.std() or 1.0))
    near = "close to" if off <= 0.3 else "scattered about" if off <= 1.5 else "far from"
    return fig, f"{len(expected):,} pairs: {axes[1]} over {axes[0]}, {near} the line on which both are equal."


# ---------------------------------------------------------------------------------------- recorded


def draw_recorded(table: Mapping[str, Any]) -> Picture:
    """Recorded F1 on BlogCatalog over the share of nodes learned from: macro on the left, micro on the right.

    `table` is `recorded("node2vec")`. Lines join the means over seeds, whose bars are standard errors; crosses
    are published macro F1.
    """
    fig, axes = canvas(6.4, 3.8, columns=2)
    for axis, score in zip(axes, ("macro", "micro"), strict=True):
        for k, (way, rows) in enumerate(table["blogcatalog"].items()):
            look = {"color": STROKES[k % len(STROKES)], "fmt": f"{LINES[k % len(LINES)]}{MARKS[k % len(MARKS)]}"}
            mean, error = np.transpose([mean_and_error(row[score]) for row in rows.values()])
            axis.errorbar(list(map(float, rows)), mean, error, label=way, markersize=5, linewidth=1.4, **look)
        axis.set(xlabel="share of nodes learned from", title=f"{score} F1", ylim=(0, None))
    published = {way: value for way, value in table["published"].items() if way != "source"}
    axes[0].plot([0.5] * len(published), list(published.values()), "x", color=INK, markersize=8, label="published")
    for way, value in published.items():
        note: dict[str, Any] = {"fontsize": 8, "color": INK, "zorder": 5, "bbox": _BEHIND_TEXT}
        axes[0].annotate(way, (0.5, value), (9, -3), textcoords="offset points", **note)
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9
    )
    half = {way: mean_and_error(rows["0.5"]["macro"]) for way, rows in table["blogcatalog"].items()}
    told = ", ".join(f"{way} {mean:.3f}" for way, (mean, _) in half.items())
    theirs = ", ".join(f"{way} {value}" for way, value in published.items())
    return fig, f"Recorded F1 on BlogCatalog. Macro F1 with half of the nodes known: {told}; published: {theirs}."


# ---------------------------------------------------------------------------------------- helpers


def _arrow(axis: Any, start: Any, end: Any, **look: Any) -> None:
    from matplotlib.patches import FancyArrowPatch

    head = "-|>,head_length=7,head_width=4"
    patch = FancyArrowPatch(
        start, end, arrowstyle=head, mutation_scale=1, shrinkA=NODE + 1, shrinkB=NODE + 2, zorder=2
    )
    patch.set(**look)
    axis.add_patch(patch)


def _draw_nodes(axis: Any, graph: Graph, at: Floats, filled: int) -> None:
    for row, (label, where) in enumerate(zip(graph.nodes, at, strict=True)):
        fill, ink = (PALETTE[0], PAPER) if row == filled else (PAPER, INK)
        axis.scatter(*where, s=(2 * NODE) ** 2, color=fill, edgecolors=INK, linewidths=1.4, zorder=3)
        axis.annotate(str(label), where, ha="center", va="center", fontsize=11, color=ink, zorder=4)
    _frame(axis)
    axis.margins(0.18)


def _lines(axis: Any, at: Floats, ends: NDArray[Any], **look: Any) -> None:
    from matplotlib.collections import LineCollection

    axis.add_collection(LineCollection(list(at[ends]), zorder=1, **look))


def _frame(axis: Any) -> None:
    axis.set_axis_off()
    axis.set_aspect("equal")
    axis.margins(0.06)
