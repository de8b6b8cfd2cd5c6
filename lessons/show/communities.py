"""The pictures of notebook 08: communities, how moves make them, what tears them, where they cannot be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.communities import Communities, leiden, modularity
from lessons.graph import Graph, as_graph
from lessons.show import FAINT, GREY, INK, PAPER, STROKES, canvas, mean_and_error
from lessons.show.graph import layout
from lessons.show.graph_partitioning import COLOURS, SHAPES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]
Moves = Sequence[tuple[int, int]]  # node, the community where it goes

THIN, THICK = 0.3, 1.3  # points: an edge between communities, one inside
PLAIN, MARKED = 0.6, 2.4  # points: the rim of a node, and of one that is pointed out
CLEAR = 3.0  # standard errors from which on two means are said to differ
ALONE = 1  # nodes of a community that is drawn empty
NAMED = 4  # nodes from which on a community is named
ASKED, MOST = 1_000, 100_000  # products: as many as the text asks about; more are hardly ever made


# ---------------------------------------------------------------------------------------- communities of a graph


def draw_communities(
    graph: object, at: ArrayLike, divisions: Mapping[str, ArrayLike], *, named: bool = False, scored: bool = True
) -> Picture:
    """Divisions (n,) of one graph, side by side: shape and colour tell the community, edges inside are thicker.

    A community looks like the one of the first division with which it shares most nodes. Each division has its
    number of communities and, if `scored`, its modularity in the title. `named`: of each community of four nodes
    or more, the node with most edges has a thick rim, and its label stands at the side.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    wide = 6.4 if len(divisions) > 1 or named else 3.6
    fig, axes = canvas(wide, 3.6 if len(divisions) > 1 or not named else 4.6, columns=len(divisions))
    told, first = [], np.asarray(next(iter(divisions.values())))
    for axis, (name, division) in zip(np.atleast_1d(axes), divisions.items(), strict=True):
        groups = alike(division, first)
        _draw_groups(axis, graph, at, groups)
        if named:
            _name_the_first(axis, graph, at, groups)
        said = _count(groups) + (f", Q {modularity(graph, groups):.3f}" if scored else "")
        axis.set_title(f"{name}\n{said}", fontsize=10, color=INK)
        told.append(f"{name} {said}")
    return fig, f"{graph.n:,} nodes, the community of each told by shape and colour. {'; '.join(told)}."


def alike(groups: ArrayLike, like: ArrayLike) -> NDArray[np.int64]:
    """(n,) the same groups under the numbers of another division: of the group with which each shares most nodes.

    Each number is given once, so that as many nodes as possible keep theirs; groups that are left have new ones.

    >>> alike([0, 0, 0, 1, 1], [4, 2, 2, 0, 0]).tolist()
    [2, 2, 2, 0, 0]
    """
    from scipy.optimize import linear_sum_assignment

    labels, own = np.unique(groups, return_inverse=True)
    theirs = np.asarray(like)
    shared = np.zeros((len(labels), int(theirs.max(initial=-1)) + 1 + len(labels)), np.int64)
    np.add.at(shared, (own, theirs), 1)
    return np.asarray(linear_sum_assignment(shared, maximize=True)[1][own], np.int64)


def _count(groups: NDArray[Any]) -> str:
    k = len(np.unique(groups))
    return f"{k:,} communit{'y' if k == 1 else 'ies'}"


def _draw_groups(axis: Any, graph: Graph, at: Floats, groups: NDArray[Any], area: float | None = None) -> None:
    """Nodes by the shape and colour of their group, those alone in theirs empty; edges inside are thicker."""
    _draw_edges(axis, at, graph.edge_rows, groups)
    labels, sizes = np.unique(groups, return_counts=True)
    area = area or float(np.clip(9000 / max(graph.n, 1), 12, 70))
    for label, size in zip(labels.tolist(), sizes, strict=True):
        look = _look(label) if size > ALONE else {"marker": "o", "color": PAPER}
        axis.scatter(*at[groups == label].T, s=area, edgecolors=INK, linewidths=PLAIN, zorder=3, **look)
    axis.set_axis_off()
    axis.set_aspect("equal")
    axis.margins(0.06)


def _look(label: int) -> dict[str, str]:
    return {"marker": SHAPES[label % len(SHAPES)], "color": COLOURS[label % len(COLOURS)]}


def _draw_edges(axis: Any, at: Floats, edges: NDArray[Any], groups: NDArray[Any]) -> None:
    from matplotlib.collections import LineCollection

    inside = groups[edges[:, 0]] == groups[edges[:, 1]]
    for here, colour, width in ((~inside, FAINT, THIN), (inside, GREY, THICK)):
        axis.add_collection(LineCollection(list(at[edges[here]]), colors=colour, linewidths=width, zorder=1))
    axis.autoscale_view()


def _name_the_first(axis: Any, graph: Graph, at: Floats, groups: NDArray[Any]) -> None:
    """A thick rim round the best connected of each community, and its label in a legend, which hides no node."""
    degrees = graph.degrees()
    for label, size in zip(*np.unique(groups, return_counts=True), strict=True):
        rows = np.flatnonzero(groups == label)
        first = int(rows[np.argmax(degrees[rows])])
        if size >= NAMED:
            look = _look(int(label)) | {"label": str(graph.nodes[first])}
            axis.scatter(*at[first], s=100, edgecolors=INK, linewidths=MARKED, zorder=4, **look)
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=10, labelspacing=0.8)


def draw_moves(graph: object, at: ArrayLike, moves: Moves, step: int) -> Picture:
    """A graph after some of these moves, from every node alone; round the node that moved last there is a ring."""
    graph, at = as_graph(graph), np.asarray(at, float)
    groups = after_moves(graph.n, moves, step)
    fig, axis = canvas(3.2, 3.5)
    _draw_groups(axis, graph, at, groups)
    if step:
        ring = {"facecolors": "none", "edgecolors": INK, "linewidths": MARKED}
        axis.scatter(*at[moves[step - 1][0]], s=190, zorder=2, clip_on=False, **ring)  # below nodes, to hide none
    said = f"{_count(groups)}, Q {modularity(graph, groups):+.3f}"
    axis.set_title(f"after {step} moves\n{said}", fontsize=12, color=INK)
    return fig, f"{graph.n:,} nodes after {step} moves, {said}."


def after_moves(n: int, moves: Moves, step: int) -> Communities:
    """(n,) the communities after the first `step` moves, numbered anew by their first nodes.

    >>> after_moves(4, [(1, 0), (2, 3)], 2).tolist()
    [0, 0, 1, 1]
    """
    groups = np.arange(n)
    for node, community in moves[:step]:
        groups[node] = community
    _, first, found = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[found].astype(np.int32)


def draw_levels(graph: object, at: ArrayLike, levels: Sequence[ArrayLike]) -> Picture:
    """What Louvain works on: the graph, and its communities of each level as the nodes of the next.

    `levels` are communities (n,) of the graph's nodes. The area of a node is the number of nodes in it, the width
    of an edge its weight; self-loops are not drawn. A node has the colour of its largest part on the level before.
    """
    from matplotlib.collections import LineCollection

    graph, at = as_graph(graph), np.asarray(at, float)
    fig, axes = canvas(6.4, 2.9, columns=1 + len(levels))
    told, seen = [], np.asarray(levels[0]) if levels else np.arange(graph.n)
    for axis, level in zip(np.atleast_1d(axes), [np.arange(graph.n), *levels], strict=True):
        groups = np.asarray(level)
        size = np.bincount(groups)
        where = np.column_stack([np.bincount(groups, x) / size for x in at.T])
        ends, weights = _between(graph, groups)
        axis.add_collection(LineCollection(list(where[ends]), colors=FAINT, linewidths=0.6 * weights, zorder=1))
        colour = [PAPER] * graph.n
        if len(size) < graph.n:
            seen = alike(groups, seen)
            colour = [COLOURS[seen[groups == k][0] % len(COLOURS)] for k in range(len(size))]
        axis.scatter(*where.T, s=30 * size, c=colour, edgecolors=INK, linewidths=PLAIN, zorder=2, clip_on=False)
        axis.set_axis_off()
        axis.set_aspect("equal")
        axis.margins(0.15)
        axis.autoscale_view()
        said = f"{len(size)} nodes, Q {modularity(graph, groups):+.3f}"
        axis.set_title(said.replace(", ", "\n"), fontsize=10, color=INK)
        told.append(said)
    return (
        fig,
        f"A graph on {len(told)} levels, the communities of each are the nodes of the next: {'; '.join(told)}.",
    )


def _between(graph: Graph, groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pairs of different groups that edges join, and what these weigh together."""
    pairs = np.sort(groups[graph.edge_rows], axis=1)
    apart = pairs[:, 0] != pairs[:, 1]
    ends, of = np.unique(pairs[apart], axis=0, return_inverse=True)
    return ends, np.bincount(np.ravel(of), graph.edge_weights[apart], len(ends))


def draw_torn(graph: object, communities: ArrayLike, which: int) -> Picture:
    """One community with the nodes around it: its pieces by shape and colour, the others small and empty.

    Nodes outside that join two pieces or more have a thick rim and their names beside them; a piece is told in the
    legend by its first node.
    """
    graph, groups = as_graph(graph), np.asarray(communities)
    piece = _pieces(graph, groups == which)
    met = [np.unique(piece[around][piece[around] >= 0]) for around in _around(graph)]
    shown = np.flatnonzero([len(here) > 0 or own >= 0 for here, own in zip(met, piece, strict=True)])
    joins = np.array([len(here) > 1 for here in met])[shown] & (piece[shown] < 0)
    row = np.full(graph.n, -1)
    row[shown], piece = np.arange(len(shown)), piece[shown]
    edges = row[graph.edge_rows]
    edges = edges[(edges >= 0).all(axis=1) & (piece[edges] >= 0).any(axis=1)]
    at = layout(as_graph(edges, n=len(shown)))
    fig, axis = canvas(6.0, 3.6)
    _draw_edges(axis, at, edges, np.where(piece >= 0, -1, np.arange(len(shown))))
    for k in range(piece.max() + 1):
        look = _look(k) | {"label": _named(graph, shown[piece == k])}
        axis.scatter(*at[piece == k].T, s=70, edgecolors=INK, linewidths=PLAIN, zorder=3, **look)
    rim = np.where(joins, MARKED, PLAIN)[piece < 0]
    axis.scatter(*at[piece < 0].T, s=34, color=PAPER, edgecolors=INK, linewidths=rim, zorder=2)
    for v in np.flatnonzero(joins):
        _name_beside(axis, str(graph.nodes[shown[v]]), at[v], at.mean(axis=0))
    fig.legend(frameon=False, fontsize=9, loc="outside lower center")
    axis.set_axis_off()
    axis.margins(0.06)
    sizes = " and ".join(str(size) for size in np.bincount(piece[piece >= 0]))
    alt = (
        f"One community in {piece.max() + 1} pieces, of {sizes} nodes, with no edge between them. "
        f"Of the nodes around it, {joins.sum()}, with a thick rim, {'has' if joins.sum() == 1 else 'have'} "
        "neighbours in more than one piece."
    )
    return fig, alt


def _named(graph: Graph, rows: NDArray[np.int64]) -> str:
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    return f"{graph.nodes[rows[0]]}{more}"


def _name_beside(axis: Any, name: str, where: Floats, middle: Floats) -> None:
    """A name on the side of a node that is away from the middle of the picture."""
    side = "left" if where[0] >= middle[0] else "right"
    offset = (6 if side == "left" else -6, 9)
    axis.annotate(name, where, offset, textcoords="offset points", ha=side, va="center", fontsize=9, zorder=4)


def _around(graph: Graph) -> list[NDArray[np.int32]]:
    return [graph.indices[graph.indptr[v] : graph.indptr[v + 1]] for v in range(graph.n)]


def _pieces(graph: Graph, here: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) the connected piece of each of these nodes, by first appearance, -1 elsewhere."""
    piece, around = np.full(graph.n, -1), _around(graph)
    for start in np.flatnonzero(here):
        if piece[start] >= 0:
            continue
        stack, piece[start] = [int(start)], piece.max() + 1
        while stack:
            v = stack.pop()
            new = [u for u in around[v].tolist() if here[u] and piece[u] < 0]
            piece[new] = piece[v]
            stack += new
    return piece


# ---------------------------------------------------------------------------------------- limits


def draw_ring(cliques: int, size: int, resolution: float) -> Picture:
    """A ring of cliques, and the communities that Leiden finds in it at some resolution."""
    import networkx

    graph = as_graph(networkx.ring_of_cliques(cliques, size))
    groups = leiden(graph, resolution=resolution, seed=0)
    fig, axis = canvas(3.2, 3.7)
    _draw_groups(axis, graph, ring_places(cliques, size), groups, area=26)
    axis.set_title(f"{cliques} cliques, γ = {resolution:g}\n{_count(groups)}", fontsize=13, color=INK)
    return fig, f"A ring of {cliques} cliques at resolution {resolution:g}, in {_count(groups)}."


def ring_places(cliques: int, size: int) -> Floats:
    """(cliques * size, 2) where to draw a ring of cliques, as networkx numbers its nodes: a circle of circles.

    >>> ring_places(2, 1).round(3).tolist()
    [[1.36, 0.0], [-1.36, 0.0]]
    """
    around = 2 * np.pi * np.arange(cliques) / cliques
    within = around[:, None] + 2 * np.pi * np.arange(size) / size
    circles = [np.stack([np.cos(angle), np.sin(angle)], axis=-1) for angle in (around, within)]
    return (circles[0][:, None] + min(0.36, 2.2 / cliques) * circles[1]).reshape(-1, 2)


def draw_detection(
    panels: Mapping[str, tuple[Sequence[float], float, Mapping[str, ArrayLike]]], axis: str, unit: str
) -> Picture:
    """Curves of several ways over c_in - c_out, a panel for each case; dashed, the threshold.

    A case is its differences, its threshold, and for each way the runs (differences, runs): marks are means, bars
    their standard deviations.
    """
    fig, axes = canvas(6.4, 2.9, columns=len(panels))
    told = []
    for place, (title, (differences, threshold, ways)) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        said = []
        for (name, runs), colour, mark in zip(ways.items(), STROKES, "osD^", strict=False):
            values = np.asarray(runs, float)
            spread = values.std(axis=1, ddof=1)
            place.errorbar(differences, values.mean(axis=1), spread, color=colour, marker=mark, markersize=5,
                           capsize=3, linewidth=1.4, label=name)  # fmt: skip
            said.append(f"{name} {_first_above(differences, values.mean(axis=1))}")
        place.axvline(threshold, color=INK, linestyle="--", linewidth=1, label="threshold")
        place.set(ylim=(-0.08, 1.08), xlabel=axis)
        place.set_title(title, fontsize=10, color=INK)
        told.append(f"{title}, threshold {threshold:.3g}: {', '.join(said)}")
    np.atleast_1d(axes)[0].set_ylabel(unit)
    shown = np.atleast_1d(axes)[0].get_legend_handles_labels()
    fig.legend(*shown, frameon=False, fontsize=9, loc="outside lower center", ncols=len(shown[0]))
    return fig, f"{unit} over {axis}. First above a half, {'; '.join(told)}."


def _first_above(differences: Sequence[float], means: Floats) -> str:
    above = np.flatnonzero(means > 0.5)
    return f"at {differences[above[0]]:.3g}" if len(above) else "nowhere"


# ---------------------------------------------------------------------------------------- beside chance


def draw_rows(rows: Mapping[str, tuple[float, ArrayLike]], axis: str) -> Picture:
    """What a graph has, an open diamond, beside what its shuffles have, a tick each: a row for each graph."""
    fig, axes = canvas(6.0, 0.9 + 0.5 * len(rows))
    told = []
    for row, (name, (own, shuffled)) in enumerate(rows.items()):
        values = np.asarray(shuffled, float)
        axes.plot(values, np.full(len(values), row), "|", color=STROKES[0], markersize=16, markeredgewidth=0.7)
        axes.plot(own, row, "D", color=STROKES[1], fillstyle="none", markersize=9, markeredgewidth=1.6)
        told.append(f"{name} {own:.2f}, shuffled {values.mean():.2f} ± {values.std(ddof=1):.2f}")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=axis, xlim=(0, None))
    return fig, f"A diamond for each graph, ticks for its shuffles, by {axis}: {'; '.join(told)}."


def draw_nulls(panels: Mapping[str, Mapping[str, ArrayLike]], axis: str) -> Picture:
    """The same runs under several treatments, a panel for each measure: thin lines join what is of one run.

    The first row of a panel is what the others are compared with. The alt text tells no digits, which change with
    the machine: a row lies above or below the first where the mean difference is over three standard errors.
    """
    fig, axes = canvas(6.4, 0.75 + 0.5 * max(map(len, panels.values())), columns=len(panels))
    told = []
    for place, (title, rows) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        values = np.array([np.asarray(row, float) for row in rows.values()])
        place.plot(values, range(len(values)), color=FAINT, linewidth=0.4, zorder=1)
        for row, (runs, colour) in enumerate(zip(values, STROKES, strict=False)):
            place.plot(runs, np.full(len(runs), row), "|", color=colour, markersize=11, markeredgewidth=1.4)
            place.plot(runs.mean(), row, "o", color=INK, markersize=5)
        place.set_yticks(range(len(rows)), list(rows), fontsize=9)
        place.set(ylim=(len(rows) - 0.5, -0.5), xlabel=axis)
        place.set_title(title, fontsize=10, color=INK)
        first, *others = rows
        said = ", ".join(
            f"{name} {_beside(values[0], runs)}" for name, runs in zip(others, values[1:], strict=True)
        )
        told.append(f"{title}: beside {first}, {said}")
    return fig, f"{axis} of the same networks, runs as ticks and means as dots. {'; '.join(told)}."


def _beside(first: Floats, other: Floats) -> str:
    """Where runs lie beside those they are paired with."""
    mean, error = mean_and_error(other - first)
    if abs(mean) <= CLEAR * error:
        return "the same"
    return "higher" if mean > 0 else "lower"


def draw_paid(sizes: Sequence[int], products: Mapping[str, Sequence[float]]) -> Picture:
    """After how many products each order of the nodes has paid, over the edges; MOST, more and inf are on top."""
    fig, axis = canvas(5.6, 3.2)
    for (name, values), colour, mark in zip(products.items(), STROKES, "os^D", strict=False):
        axis.loglog(sizes, np.minimum(values, MOST), color=colour, marker=mark, label=name, zorder=3)
    for height, said in ((ASKED, f"{ASKED:,}, as asked"), (MOST, f"{MOST:,} and more, or never")):
        axis.axhline(height, color=INK, linestyle=":", linewidth=1)
        place = {"xytext": (0, 3), "textcoords": "offset points", "ha": "right", "fontsize": 9}
        axis.annotate(said, (sizes[-1], height), **place)
    axis.set(xlabel="edges", ylabel="products", ylim=(None, 3 * MOST))
    axis.legend(frameon=False, fontsize=9, loc="lower left")
    names = " and ".join(products)
    return (
        fig,
        f"After how many products {names} have paid, as measured here, over {sizes[0]:,} to {sizes[-1]:,} edges.",
    )


# ---------------------------------------------------------------------------------------- notes of a graph


def draw_rays(Z: ArrayLike, groups: ArrayLike) -> Picture:
    """Two coordinates of each node, and the same brought to length 1: the group of each by shape and colour."""
    Z, groups = np.asarray(Z, float), np.asarray(groups)
    lengths = np.linalg.norm(Z, axis=1, keepdims=True)
    fig, axes = canvas(6.4, 3.2, columns=2)
    for axis, (name, X) in zip(axes, {"as they are": Z, "brought to length 1": Z / lengths}.items(), strict=True):
        axis.axhline(0, color=FAINT, linewidth=0.8)
        axis.axvline(0, color=FAINT, linewidth=0.8)
        for label in np.unique(groups).tolist():
            axis.scatter(*X[groups == label].T, s=26, edgecolors=INK, linewidths=0.4, zorder=3, **_look(label))
        axis.set(xticks=[], yticks=[], aspect="equal")
        axis.set_title(name, fontsize=10, color=INK)
    share = np.mean(_nearest_direction(Z / lengths, groups) == groups)
    alt = (
        f"{len(Z)} nodes of {len(np.unique(groups))} groups in two coordinates: each group lies along a ray, and "
        f"{share:.0%} of the nodes are nearest to the ray of their own."
    )
    return fig, alt


def _nearest_direction(unit: Floats, groups: NDArray[Any]) -> NDArray[Any]:
    """(n,) the group whose mean direction is nearest to that of each node."""
    labels = np.unique(groups)
    means = np.array([unit[groups == label].mean(axis=0) for label in labels])
    return labels[np.argmax(unit @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T, axis=1)]
