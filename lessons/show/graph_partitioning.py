"""The pictures of notebook 05: parts of a mesh, gains, buckets, the levels of the multilevel method, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.cuts import edge_cut, imbalance
from lessons.graph import Graph, as_graph
from lessons.show import FAINT, INK, PALETTE, PAPER, SIGNED, STROKES, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lessons.multilevel import Level
    from lessons.pipeline import Pipeline

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]

# a part has a colour and a shape; their numbers have no common factor, so 35 parts are all different
COLOURS = PALETTE[:6] + PALETTE[7:]  # small marks in yellow cannot be seen
SHAPES = "os^Dv"
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "++++", "oooo")
CROWDED = 300  # nodes; of more, rims would hide their colour, and soft edges would fill the page's file
MANY = 1000  # nodes; of more, uncut edges cannot be told apart
NAMED = 12  # nodes; of more, the labels cannot be read
CHIP = {"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8}
NOWHERE = -(2**31)  # the gain of a node that is in no bucket
THIN, THICK = 0.5, 1.5  # points: an edge, an edge that is cut


# ---------------------------------------------------------------------------------------- parts of a graph


def draw_parts(
    graph: object, at: ArrayLike, parts: Mapping[str, ArrayLike], *, weights: ArrayLike | None = None
) -> Picture:
    """Partitions of one graph, side by side: shape and colour tell the part of a node, cut edges are thick.

    `at` (n, 2) is where nodes stand; the area of a node is its weight, where `weights` (n,) tells. A partition has
    its cut and the weight of its heaviest part, over its share, in its title.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    wide = 6.4 if len(parts) > 1 else 3.2
    fig, axes = canvas(wide, wide / len(parts) + 0.55, columns=len(parts))
    told = []
    for axis, (name, part) in zip(np.atleast_1d(axes), parts.items(), strict=True):
        part = np.asarray(part)
        _draw_nodes(axis, graph, at, part, weights)
        cut = f"{edge_cut(graph, part):,.6g}"
        above = f"{imbalance(graph, part, vertex_weights=weights):.0%}"
        words = f"{name}\n" * bool(name) + f"cut {cut}, heaviest +{above}"
        axis.set_title(words, fontsize=10 if len(parts) > 1 else 12, color=INK)
        told.append(f"{name or 'the cut'} {cut} ({above} above)")
    many = max((len(np.unique(part)) for part in parts.values()), default=0)
    alt = (
        f"{graph.n:,} nodes in up to {many} parts, told apart by shape and colour. Weight of the cut edges, and "
        f"of the heaviest part above its share: {', '.join(told)}."
    )
    return fig, alt


def _draw_nodes(axis: Any, graph: Graph, at: Floats, part: NDArray[Any], weights: ArrayLike | None = None) -> None:
    """Nodes by the shape and colour of their part, over edges that are thick where they are cut."""
    sizes, soft = _sizes(axis, graph.n, weights), graph.n <= CROWDED
    _draw_edges(axis, graph, at, part)
    for number, colour in _colours(graph, part).items():
        here = part == number
        axis.scatter(
            *at[here].T, s=sizes[here], marker=SHAPES[number % len(SHAPES)], color=COLOURS[colour],
            edgecolors=INK, linewidths=0.3 if soft else 0.0, antialiaseds=soft, zorder=3, clip_on=False,
        )  # fmt: skip
    if graph.n <= NAMED:
        for label, where in zip(graph.nodes, at, strict=True):
            axis.annotate(str(label), where, ha="center", va="center", fontsize=9, zorder=4, bbox=CHIP)
    _frame(axis, sizes)


def _colours(graph: Graph, part: NDArray[Any]) -> dict[int, int]:
    """The place in `COLOURS` of each part: its number, and with more parts than colours none of a neighbour's."""
    u, v = part[graph.edge_rows].reshape(-1, 2).T
    found: dict[int, int] = {}
    for number in np.unique(part).tolist():
        near = {found[other] for other in {*u[v == number].tolist(), *v[u == number].tolist()} if other in found}
        ways = [(number + k) % len(COLOURS) for k in range(len(COLOURS))]
        found[number] = next((way for way in ways if way not in near), ways[0])
    return found


def _draw_edges(axis: Any, graph: Graph, at: Floats, part: NDArray[Any]) -> None:
    from matplotlib.collections import LineCollection

    cut = part[graph.edge_rows[:, 0]] != part[graph.edge_rows[:, 1]]
    soft = graph.n <= CROWDED
    for here, colour, width in ((~cut, FAINT, THIN), (cut, INK, THICK)):
        lines = list(at[graph.edge_rows[here]] if width == THICK or graph.n <= MANY else [])
        look = {"colors": colour, "linewidths": width, "antialiaseds": soft}
        axis.add_collection(LineCollection(lines, zorder=1 + (width > THIN), **look))


def _sizes(axis: Any, n: int, weights: ArrayLike | None) -> Floats:
    """(n,) the areas of nodes in square points: a fifth of the picture shared out by weight, or less if few."""
    width, height = _points(axis)
    weight = np.ones(n) if weights is None else np.asarray(weights, float)
    area = 0.2 * min(width, height) ** 2 * weight / max(float(weight.sum()), 1.0)
    largest = 260.0 if n <= NAMED else 120.0
    return np.maximum(area * min(1.0, largest / max(float(area.max(initial=0.0)), 1.0)), 1.5)


def _points(axis: Any) -> Floats:
    """Width and height of the room for a picture, in points."""
    grid = axis.get_subplotspec().get_gridspec()
    return 72 * axis.figure.get_size_inches() / [grid.ncols, grid.nrows]


def _frame(axis: Any, sizes: Floats) -> None:
    """No axes, and room for the largest node at the rim."""
    axis.set_axis_off()
    axis.set_aspect("equal")
    axis.margins(0.02 + float(sizes.max(initial=0.0)) ** 0.5 / (2 * _points(axis)[0]))
    axis.autoscale_view()


# ---------------------------------------------------------------------------------------- moves


def draw_sums(trails: Mapping[str, Sequence[float]], step: str) -> Picture:
    """What a row of moves has gained after each of them, a curve each; a square marks the first highest point."""
    fig, axis = canvas(5.6, 2.8)
    told = []
    for (name, sums), colour, mark in zip(trails.items(), STROKES, "o^vD", strict=False):
        best = int(np.argmax(sums))
        axis.plot(sums, color=colour, marker=mark, markersize=4, linewidth=1.4, label=name)
        axis.plot(best, sums[best], "s", color=INK, markersize=12, fillstyle="none")
        told.append(f"{name} {sums[best]:g} after {best}")
    axis.axhline(0, color=FAINT, linewidth=1, zorder=0)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel=step, ylabel="gained so far")
    axis.legend(frameon=False, fontsize=9)
    return fig, f"What the {step} of each pass have gained so far. Highest: {', '.join(told)}."


def draw_buckets(graph: object, at: ArrayLike, side: ArrayLike, most: int, moves: int) -> Picture:
    """A pass of Fiduccia and Mattheyses after some moves: a graph in two parts, circles and squares, and buckets.

    Below the graph, the nodes that may still move, by their gain; nodes that have moved are hatched, and in no
    bucket. See `fm_after`.
    """
    graph, at, begin = as_graph(graph), np.asarray(at, float), np.asarray(side)
    now, free, gains, changed = fm_after(graph, begin, most, moves)
    fig, (top, bottom) = canvas(3.2, 4.2, rows=2)
    top.get_gridspec().set_height_ratios([1.15, 1])
    _draw_edges(top, graph, at, now)
    for row, label in enumerate(graph.nodes):
        _chip(top, at[row], str(label), int(now[row]), bool(free[row]))
    top.set_axis_off()
    top.margins(0.12)
    told = f"{(~free).sum()} moved: cut {edge_cut(graph, now):g}"
    top.set_title(told, fontsize=13, color=INK)
    filled = _fill_buckets(bottom, graph, now, np.where(free, gains, NOWHERE), changed)
    listed = ", ".join(f"{gain:+d}: {' '.join(names)}" for gain, names in filled.items()) or "none"
    return fig, f"{told}. Nodes that may move, by gain: {listed}."


def fm_after(
    graph: Graph, side: ArrayLike, most: int, moves: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Sides, nodes that may still move, gains, and when each gain changed, after some moves of a pass.

    Each part offers its move of largest gain, of several the one whose gain changed last, at the start that of the
    smallest row. Moves go out of the larger part, or to one that has fewer than `most` nodes; the larger gain
    first, then the larger row.
    """
    now, free = np.array(side, np.int64), np.ones(graph.n, np.bool_)
    changed = -np.arange(graph.n)
    for turn in range(1, moves + 1):
        gains, size = _gains(graph, now), np.bincount(now, minlength=2)
        offers = []
        for here in (0, 1):
            rows = np.flatnonzero(free & (now == here))
            if len(rows) and (size[here] >= size[1 - here] or size[1 - here] < most):
                row = int(rows[np.lexsort((changed[rows], gains[rows]))[-1]])
                offers.append((int(gains[row]), row))
        if not offers:
            break
        _, row = max(offers)
        now[row], free[row] = 1 - now[row], False
        changed[graph.indices[graph.indptr[row] : graph.indptr[row + 1]]] = turn  # of equal ones the last row
    return now, free, _gains(graph, now), changed


def _gains(graph: Graph, side: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) by how much the cut falls if a node goes to the other side."""
    apart = side[graph.sources] != side[graph.indices]
    weights = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    return np.rint(np.bincount(graph.sources, np.where(apart, weights, -weights), graph.n)).astype(np.int64)


def _fill_buckets(
    axis: Any, graph: Graph, side: NDArray[np.int64], gains: NDArray[np.int64], changed: NDArray[np.int64]
) -> dict[int, list[str]]:
    """Draw the buckets, the newest on top; the labels in each, from the highest gain and the top down."""
    reach = int(np.diff(graph.indptr).max(initial=1))
    filled: dict[int, list[str]] = {}
    for row in np.lexsort((changed, -gains)):
        if gains[row] != NOWHERE:
            names = filled.setdefault(int(gains[row]), [])
            _chip(axis, np.array([gains[row], len(names)]), str(graph.nodes[row]), int(side[row]), True)
            names.append(str(graph.nodes[row]))
    for gain in range(-reach, reach + 1):
        axis.plot(
            [gain - 0.42, gain - 0.42, gain + 0.42, gain + 0.42], [3, -0.5, -0.5, 3], color=FAINT, linewidth=1
        )
    axis.set(xlim=(-reach - 0.6, reach + 0.6), ylim=(-0.6, 4.2), yticks=[], xticks=range(-reach, reach + 1))
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(labelsize=11, length=0)
    axis.set_xlabel("gain", fontsize=12)
    return {gain: names[::-1] for gain, names in filled.items()}


def _chip(axis: Any, where: Floats, name: str, side: int, free: bool) -> None:
    """A node with its name: a circle on side 0, a square on side 1; filled while it may move."""
    fill = (PALETTE[0], PALETTE[1])[side] if free else PAPER
    axis.scatter(*where, s=300, marker=SHAPES[side], color=fill, edgecolors=INK, linewidths=1.2, zorder=3,
                 hatch=None if free else "//////", clip_on=False)  # fmt: skip
    box = {"boxstyle": "round,pad=0.08", "facecolor": PAPER, "edgecolor": "none"} if not free else None
    ink = PAPER if free and side == 0 else INK
    axis.annotate(name, where, ha="center", va="center", fontsize=11, color=ink, zorder=4, bbox=box)


def draw_cuts(cuts: Mapping[str, Sequence[float]], unit: str = "cut") -> Picture:
    """A row for each way to cut: a tick for each seed, below it a dot at the mean, with the standard deviation."""
    fig, axis = canvas(6.0, 0.8 + 0.45 * len(cuts))
    told = []
    for row, (name, values) in enumerate(cuts.items()):
        trials = np.asarray(values, float)
        spread = trials.std(ddof=1) if len(trials) > 1 else 0.0
        axis.plot(trials, np.full(len(trials), row + 0.16), "|", color=STROKES[row % len(STROKES)], markersize=9)
        axis.errorbar(trials.mean(), row - 0.16, xerr=spread, fmt="o", color=INK, capsize=4, markersize=5)
        told.append(f"{name} {trials.mean():,.0f} ± {spread:,.0f}")
    axis.set_yticks(range(len(cuts)), list(cuts))
    axis.set(xlim=(0, None), ylim=(len(cuts) - 0.5, -0.5), xlabel=unit)
    return fig, f"A tick for each seed, mean and standard deviation below it, of the {unit}: {', '.join(told)}."


# ---------------------------------------------------------------------------------------- levels


def places(levels: Sequence[Level], at: ArrayLike) -> list[Floats]:
    """Where the nodes of each level stand: a coarse node in the middle of its fine nodes, by their weight."""
    found = [np.asarray(at, float)]
    for fine, coarse in pairwise(levels):
        weight = np.maximum(np.asarray(fine.vertex_weights, float), 1e-9)
        into, n = np.asarray(fine.coarse_of), len(coarse.vertex_weights)
        sums = [np.bincount(into, weight * axis, n) for axis in found[-1].T]
        found.append(np.column_stack(sums) / np.bincount(into, weight, n)[:, None])
    return found


def draw_matching(level: Level, at: ArrayLike, mate: ArrayLike) -> Picture:
    """A matching: pairs are joined by a thick line, nodes that found no partner are squares."""
    from matplotlib.collections import LineCollection

    at, mate, graph = np.asarray(at, float), np.asarray(mate), level.graph
    rows, soft = np.arange(graph.n), graph.n <= CROWDED
    fig, axis = canvas(4.2, 4.2)
    sizes = _sizes(axis, graph.n, level.vertex_weights)
    axis.add_collection(
        LineCollection(list(at[graph.edge_rows]), colors=FAINT, linewidths=THIN, zorder=1, antialiaseds=soft)
    )
    pairs = np.column_stack([rows, mate])[rows < mate]
    axis.add_collection(LineCollection(list(at[pairs]), colors=PALETTE[0], linewidths=3.0, zorder=2))
    alone = rows == mate
    for here, mark, fill in ((~alone, "o", PALETTE[0]), (alone, "s", PALETTE[5])):
        axis.scatter(*at[here].T, s=sizes[here], marker=mark, color=fill, edgecolors=INK, linewidths=0.3, zorder=3)
    _frame(axis, sizes)
    axis.set_title(f"{len(pairs):,} pairs, {alone.sum():,} alone", fontsize=11, color=INK)
    alt = (
        f"{graph.n:,} nodes, of which {2 * len(pairs):,} are joined in pairs by thick lines along edges. "
        f"{alone.sum():,} squares found no partner."
    )
    return fig, alt


def draw_levels(levels: Sequence[Level], at: ArrayLike) -> Picture:
    """The levels as pictures of one graph: the area of a node is its weight, the width of an edge its weight."""
    fig, axes = _rows_of_three(len(levels))
    told = []
    for number, (axis, level, where) in enumerate(zip(axes, levels, places(levels, at), strict=True)):
        graph = level.graph
        _draw_level(axis, graph, where, _sizes(axis, graph.n, level.vertex_weights))
        axis.set_title(f"level {number}\n{graph.n:,} nodes, {graph.m:,} edges", fontsize=9, color=INK)
        told.append(f"{graph.n:,} and {graph.m:,}")
    alt = (
        f"The same graph on {len(levels)} levels, each coarser than the last. Nodes and edges: {'; '.join(told)}."
    )
    return fig, alt


def _rows_of_three(count: int) -> tuple[Figure, list[Any]]:
    fig, axes = canvas(6.4, 2.4 * -(-count // 3), columns=3, rows=-(-count // 3))
    for axis in np.ravel(axes)[count:]:
        axis.remove()
    return fig, list(np.ravel(axes)[:count])


def _draw_level(axis: Any, graph: Graph, at: Floats, sizes: Floats) -> None:
    from matplotlib.collections import LineCollection

    soft = graph.n <= CROWDED
    look = {"colors": FAINT, "linewidths": 0.4 * np.sqrt(graph.edge_weights), "antialiaseds": soft}
    axis.add_collection(LineCollection(list(at[graph.edge_rows]), zorder=1, **look))
    rim = {"edgecolors": INK, "linewidths": 0.3 if soft else 0.0, "antialiaseds": soft}
    axis.scatter(*at.T, s=sizes, color=PALETTE[0], zorder=2, clip_on=False, **rim)
    _frame(axis, sizes)


def draw_refined(level: Level, at: ArrayLike, before: ArrayLike, after: ArrayLike) -> Picture:
    """Parts of one level before and after refinement; rings are round the nodes that changed their part."""
    at, before, after = np.asarray(at, float), np.asarray(before), np.asarray(after)
    graph, weights = level.graph, level.vertex_weights
    fig, alt = draw_parts(graph, at, {"projected": before, "refined": after}, weights=weights)
    moved = before != after
    for axis in fig.axes:
        sizes = _sizes(axis, graph.n, weights)[moved] + 40
        x, y = at[moved].T
        axis.scatter(x, y, s=sizes, facecolors="none", edgecolors=PALETTE[5], linewidths=1.6, zorder=4)
    return fig, f"{alt[:-1]}; rings are round the {moved.sum():,} nodes that changed their part."


def draw_climb(levels: Sequence[Level], at: ArrayLike, parts: Sequence[ArrayLike]) -> Picture:
    """Parts on each of the levels, the coarsest first; `parts[j]` are those of `levels[j]`."""
    fig, axes = _rows_of_three(len(levels))
    where, told = places(levels, at), []
    for axis, number in zip(axes, reversed(range(len(levels))), strict=True):
        level, part = levels[number], np.asarray(parts[number])
        _draw_nodes(axis, level.graph, where[number], part, level.vertex_weights)
        cut = f"{edge_cut(level.graph, part):,.6g}"
        axis.set_title(f"level {number}: cut {cut}", fontsize=10, color=INK)
        told.append(f"level {number} {cut}")
    return fig, f"The parts on each level, from the coarsest to the finest. Their cuts: {', '.join(told)}."


# ---------------------------------------------------------------------------------------- go further


def draw_fiedler(graph: object, at: ArrayLike, vector: ArrayLike, parts: ArrayLike) -> Picture:
    """A signal on the nodes, circles above its median and squares below; beside it, two parts."""
    graph, at, vector = as_graph(graph), np.asarray(at, float), np.asarray(vector, float)
    fig, (left, right) = canvas(6.4, 3.6, columns=2)
    _draw_edges(left, graph, at, np.zeros(graph.n, int))
    sizes, top = _sizes(left, graph.n, None), float(np.abs(vector).max(initial=0.0)) or 1.0
    above = vector > np.median(vector)
    for here, mark in ((above, "o"), (~above, "s")):
        left.scatter(
            at[here, 0], at[here, 1], s=sizes[here], c=vector[here], marker=mark, cmap=SIGNED, vmin=-top, vmax=top,
            edgecolors=INK, linewidths=0.3, zorder=3,
        )  # fmt: skip
    _frame(left, sizes)
    left.set_title("the vector: circles above its median", fontsize=10, color=INK)
    _draw_nodes(right, graph, at, np.asarray(parts))
    right.set_title("the two parts", fontsize=10, color=INK)
    alt = (
        f"A signal on {graph.n:,} nodes that changes slowly from one end to the other, circles above its median, "
        "squares below; beside it, two parts."
    )
    return fig, alt


def draw_stages(ways: Mapping[str, Pipeline]) -> Picture:
    """Stages of a model, cut in several ways: a bar is the work of a stage, an arrow what it sends to the next.

    Dashed, an equal share of the work.
    """
    fig, axes = canvas(6.4, 1.6 * len(ways), rows=len(ways))
    top = max(float(np.max(way.work) / np.sum(way.work)) for way in ways.values())
    told = []
    for axis, (name, way) in zip(np.atleast_1d(axes), ways.items(), strict=True):
        share, sent = way.work / way.work.sum(), way.sent / 2**20
        _draw_bars(axis, share)
        _draw_arrows(axis, sent, top)
        axis.set(ylim=(-0.42 * top, 1.25 * top), xticks=[], xlim=(-0.6, len(share) - 0.4))
        axis.set_yticks([1 / len(share)], ["even\nshare"], fontsize=8)
        axis.tick_params(length=0)
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.set_title(f"{name}: {sent.sum():.2f} MiB sent in all", fontsize=10, color=INK)
        told.append(f"{name} {share.max():.1%} and {sent.sum():.2f} MiB")
    alt = f"The work of each stage as a bar. Largest share, and what is sent between stages: {'; '.join(told)}."
    return fig, alt


def _draw_bars(axis: Any, share: Floats) -> None:
    for stage, height in enumerate(share):
        look = {"color": PALETTE[stage % 8], "hatch": HATCHES[stage % 8], "edgecolor": INK, "linewidth": 0.8}
        axis.bar(stage, height, 0.55, **look)
        where = {"xytext": (0, 2), "textcoords": "offset points", "ha": "center", "bbox": CHIP}
        axis.annotate(f"{height:.1%}", (stage, height), **where, fontsize=9)
    axis.axhline(1 / len(share), color=INK, linestyle="--", linewidth=1, zorder=0)
    axis.axhline(0, color=INK, linewidth=0.8)


def _draw_arrows(axis: Any, sent: Floats, top: float) -> None:
    for stage, size in enumerate(sent):
        ends = {"xy": (stage + 0.85, -0.1 * top), "xytext": (stage + 0.15, -0.1 * top)}
        axis.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "color": INK})
        axis.annotate(f"{size:.2f} MiB", (stage + 0.5, -0.15 * top), ha="center", va="top", fontsize=8)
