"""The pictures of notebook 11: conversations and their masks, the plane of C and L, widths, brain networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import Graph, as_graph
from lessons.relational_graphs import node_sizes
from lessons.show import FAINT, INK, PALE_BLUE, PALETTE, PAPER, STROKES, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]
Plane = tuple[ArrayLike, ArrayLike]  # C and L of some graphs

FIVE = np.array([[0, 1], [0, 0], [1, 0.5], [2, 0.5], [3, 0.5]], float)  # where a b c d e stand
HEARD = PALETTE[0]  # what a mask lets through
C_AXIS, L_AXIS = (0.0, 1.0), (1.0, 4.5)  # the plane that the paper divides into cells
DRAWN = 400  # rows and columns of a mask at most; of a larger one every second, third ...
BENT = 12  # nodes between the ends of an edge from which on it is bent as far as can be
MARKS = "osD^v*"
LINES = ("-", "--", ":")


# ---------------------------------------------------------------------------------------- conversations, masks


def draw_conversations(graphs: Mapping[str, object], masks: Mapping[str, ArrayLike]) -> Picture:
    """Graphs with their nodes on a circle, and below each the mask of a layer, coloured where a weight is.

    Edges are bent inwards, those to near nodes apart from each other. All masks are on one scale, so that equal
    areas are equal numbers of weights.
    """
    fig, axes = canvas(6.4, 5.0, columns=len(graphs), rows=2)
    told, most = [], max(np.shape(masks[name])[0] for name in graphs)
    for (above, below), (name, source) in zip(np.reshape(axes, (2, -1)).T, graphs.items(), strict=True):
        graph, mask = as_graph(source), np.asarray(masks[name], bool)
        _draw_circle(above, graph)
        above.set_title(f"{name}: {graph.m:,} edges", fontsize=11, color=INK)
        _draw_mask(below, mask, most)
        below.set_xlabel(f"{len(mask):,} units,\n{_share(mask.mean())} of the weights kept", fontsize=10)
        told.append(f"{name} {graph.m:,} edges, {len(mask):,} units, {_share(mask.mean())} of the weights")
    return fig, f"Graphs of {graph.n} nodes on a circle, and the masks of their layers: {'; '.join(told)}."


def draw_masks(masks: Mapping[str, ArrayLike], nodes: Sequence[object] = ()) -> Picture:
    """Masks side by side, dark where a weight is: rows hear, columns are heard. Names may have two lines.

    With `nodes`, lines part the units of one from those of the next, and all masks are on one scale.
    """
    fig, axes = canvas(6.4, 2.6, columns=len(masks))
    told, shapes = [], np.array([np.shape(mask) for mask in masks.values()])
    if nodes:
        np.atleast_1d(axes)[0].get_gridspec().set_width_ratios(shapes[:, 1])
    for axis, (name, given) in zip(np.atleast_1d(axes), masks.items(), strict=True):
        mask = np.asarray(given, bool)
        _draw_mask(axis, mask)
        if nodes:
            _part_nodes(axis, mask.shape, nodes)
            axis.set_ylim(shapes[:, 0].max() - 0.5, -0.5)
        axis.set_title(name, fontsize=10, color=INK)
        axis.set_ylabel("hears", loc="top")
        axis.set_xlabel("heard", loc="left")
        told.append(f"{' '.join(name.split())}, {int(mask.sum()):,} weights of {mask.size:,}")
    return fig, f"Masks, dark where a weight is: {'; '.join(told)}."


def _part_nodes(axis: Any, shape: tuple[int, ...], nodes: Sequence[object]) -> None:
    """Lines between the units of different nodes, and the names of the nodes beside."""
    ends = [np.cumsum([0, *node_sizes(width, len(nodes))]) - 0.5 for width in shape]
    axis.hlines(ends[0], ends[1][0], ends[1][-1], color=INK, linewidth=0.8, clip_on=False)
    axis.vlines(ends[1], ends[0][0], ends[0][-1], color=INK, linewidth=0.8, clip_on=False)
    axis.spines[:].set_visible(False)
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in ends]
    names = [str(node) for node in nodes]
    axis.set_yticks(middles[0], names)
    axis.set_xticks(middles[1], names)
    axis.tick_params(length=0, labelsize=9, labelbottom=False, labeltop=True)
    axis.xaxis.set_label_position("top")


def _draw_circle(axis: Any, graph: Graph) -> None:
    from matplotlib.collections import LineCollection

    angle = np.pi / 2 - 2 * np.pi * np.arange(graph.n) / max(graph.n, 1)
    at = np.column_stack([np.cos(angle), np.sin(angle)])
    thin = 0.12 if graph.m > 1000 else 0.35
    axis.add_collection(LineCollection(_bent(at, graph), colors=INK, linewidths=thin, zorder=1))
    axis.scatter(*at.T, s=12, color=HEARD, linewidths=0, zorder=2)
    axis.set(xticks=[], yticks=[], aspect="equal")
    axis.spines[:].set_visible(False)
    axis.margins(0.05)


def _bent(at: Floats, graph: Graph) -> list[Floats]:
    """Each edge as points of a curve that is bent towards the centre, the more the further its ends are apart."""
    ends, t = graph.edge_rows, np.linspace(0, 1, 17)[:, None]
    apart = abs(ends[:, 0] - ends[:, 1])
    steps = np.minimum(apart, graph.n - apart)
    pulled = at[ends].mean(axis=1) * np.maximum(1 - steps / BENT, 0)[:, None]
    return [
        (1 - t) ** 2 * at[u] + 2 * t * (1 - t) * towards + t**2 * at[v]
        for (u, v), towards in zip(ends, pulled, strict=True)
    ]


def _draw_mask(axis: Any, mask: NDArray[np.bool_], most: int | None = None) -> None:
    """Rows from the top; `most` rows and columns fit in, so that masks of several sizes are on one scale."""
    from matplotlib.colors import ListedColormap

    rows, columns = mask.shape
    box = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    step = -(-max(rows, columns) // DRAWN)
    look = {"cmap": ListedColormap([PAPER, HEARD]), "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    axis.imshow(mask[::step, ::step], extent=box, **look)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(most is None)
    axis.spines[:].set_color(FAINT)
    if most is not None:
        axis.plot([box[0], box[1], box[1], box[0], box[0]], [box[2], box[2], box[3], box[3], box[2]], color=FAINT)
        axis.set(xlim=(-0.03 * most, 1.03 * most), ylim=(1.03 * most, -0.03 * most))


def _share(value: float) -> str:
    """A share in whole per cent.

    >>> _share(0.126), _share(1.0)
    ('13%', '100%')
    """
    return f"{100 * value:.0f}%"


# ---------------------------------------------------------------------------------------- the plane of C and L


def cells(C: ArrayLike, L: ArrayLike, parts: int = 15) -> set[tuple[int, int]]:
    """The occupied cells of the plane, 0 <= C <= 1 and 1 <= L <= 4.5, each axis in `parts`; what lies outside
    is in none.

    A graph on an edge belongs to the higher cell, at the top to the last, however its digits were rounded.

    >>> sorted(cells([0.6, 1.0, 0.3], [2.0, 1.0, np.inf]))
    [(9, 4), (14, 0)]
    """
    C, L = np.asarray(C, float), np.asarray(L, float)
    up = (L - L_AXIS[0]) / (L_AXIS[1] - L_AXIS[0])
    inside = (up >= 0) & (up <= 1)
    both = np.column_stack([C[inside], up[inside]])
    at = np.minimum(np.floor(parts * both + 1e-9), parts - 1).astype(int)
    return set(map(tuple, at.tolist()))


def draw_coverage(planes: Mapping[str, Plane], parts: int = 15) -> Picture:
    """Which part of the plane each generator reaches: a dot for each graph, and the cells that hold one, shaded.

    `planes` maps a name, of six at most, to the C and L of its graphs. Unconnected ones, L infinite, are left out.
    """
    fig, axes = canvas(6.4, 4.4, columns=3, rows=2)
    told, spots = [], list(axes.flat)
    for axis, (name, (C, L)) in zip(spots, planes.items(), strict=False):
        found = cells(C, L, parts)
        _draw_cells(axis, found, parts)
        axis.plot(C, L, ".", color=INK, markersize=1.6, zorder=3)
        axis.set_title(f"{name}: {len(found)}", fontsize=10, color=INK)
        told.append(f"{name} {len(found)}")
    for axis in spots[len(planes) :]:
        axis.set_axis_off()
    for axis in (spots[0], spots[3]):
        axis.set_ylabel("L")
    for axis in spots[max(len(planes) - 3, 0) : len(planes)]:
        axis.set_xlabel("C")
    return fig, f"Cells of {parts} × {parts} in the plane of C and L that hold a graph: {', '.join(told)}."


def _draw_cells(axis: Any, found: set[tuple[int, int]], parts: int) -> None:
    from matplotlib.colors import ListedColormap

    held = np.zeros((parts, parts))
    for c, length in found:
        held[length, c] = 1
    look = {"cmap": ListedColormap([PAPER, PALE_BLUE]), "vmin": 0, "vmax": 1}
    axis.pcolormesh(np.linspace(*C_AXIS, parts + 1), np.linspace(*L_AXIS, parts + 1), held, **look)
    _frame(axis)


def _frame(axis: Any) -> None:
    axis.set(xlim=C_AXIS, ylim=L_AXIS, xticks=[0, 0.5, 1], yticks=[1, 2, 3, 4])
    axis.tick_params(labelsize=9)


def draw_rewired(mask: ArrayLike, C: float, L: float, width: int) -> Picture:
    """One graph: its mask, the place of its C and L in their plane, and the width that its budget allows."""
    fig, (above, below) = canvas(3.2, 5.6, rows=2)
    mask = np.asarray(mask, bool)
    _draw_mask(above, mask)
    above.set_title(f"width {width:,}", fontsize=13, color=INK)
    below.axhline(L, color=FAINT, linewidth=1)
    below.axvline(C, color=FAINT, linewidth=1)
    below.plot(C, L, "o", color=PALETTE[5], markersize=11, markeredgecolor=INK)
    _frame(below)
    below.set(xlabel="C", ylabel="L")
    below.set_title(f"C {C:.2f}, L {L:.2f}", fontsize=13, color=INK)
    below.tick_params(labelsize=11)
    return fig, f"A mask with {_share(mask.mean())} of all weights; C {C:.2f}, L {L:.2f}, width {width:,}."


# ---------------------------------------------------------------------------------------- rewiring, widths


def draw_rewiring(p: ArrayLike, curves: Mapping[str, ArrayLike]) -> Picture:
    """What rewiring changes, over p > 0, rising, on a logarithmic axis: each curve (len(p),) as a share of its
    first value. The alt text says where each ends."""
    fig, axis = canvas(6.4, 3.0)
    told = []
    for (name, values), colour, mark, line in zip(curves.items(), STROKES, MARKS, LINES, strict=False):
        share = np.asarray(values, float) / np.asarray(values, float)[0]
        axis.plot(p, share, line, color=colour, marker=mark, markersize=6, markeredgecolor=INK, label=name)
        told.append(f"{name} {100 * share[-1]:.0f}%")
    first = f"share of the value at p = {np.min(p):g}"
    axis.set(xscale="log", xlabel="p, the chance that an edge is rewired", ylabel=first, ylim=(0, 1.1))
    axis.legend(frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig, f"What is left when p rises from {np.min(p):g} to {np.max(p):g}: {', '.join(told)}."


def draw_widths(density: ArrayLike, width: ArrayLike, budget: ArrayLike, base: int = 512) -> Picture:
    """Widths that match a budget, over the share of weights that graphs leave, and a line `budget` through them:
    (2, points) of densities and widths."""
    fig, axis = canvas(5.2, 3.0)
    x, y, line = np.asarray(density, float), np.asarray(width), np.asarray(budget, float)
    axis.plot(*line, "-", color=PALETTE[5], linewidth=2, label="by the formula", zorder=1)
    axis.plot(x, y, "o", color=PALETTE[0], markersize=4, markeredgecolor=INK, markeredgewidth=0.4, label="graphs")
    axis.axhline(base, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    axis.set(xlabel="share of weights that the mask keeps", ylabel="width", xlim=(0, 1.02), ylim=(0, None))
    axis.legend(frameon=False, fontsize=10)
    return fig, (
        f"Widths of {len(x)} graphs over the share of weights that their masks keep, {_share(x.min())} to "
        f"{_share(x.max())}. They fall from {y.max():,} to {y.min():,}."
    )


# ---------------------------------------------------------------------------------------- brains, selection


def draw_brains(
    places: Mapping[str, Mapping[str, tuple[float, float]]], box: tuple[Sequence[float], Sequence[float]]
) -> Picture:
    """C and L of some networks under several definitions, {definition: {network: (C, L)}}.

    The first definition is a ring around what others may give as well. A line joins those of a network, its name
    stands where C is least. `box`, dashed: its limits in C and in L.
    """
    from matplotlib.patches import Rectangle

    fig, axis = canvas(6.4, 3.6)
    ring: dict[str, Any] = {"markersize": 14, "fillstyle": "none", "markeredgewidth": 1.8, "zorder": 4}
    for k, ((definition, found), colour, mark) in enumerate(zip(places.items(), STROKES, MARKS, strict=False)):
        look = ring | {"color": colour} if k == 0 else {"color": colour, "markersize": 8, "markeredgecolor": INK}
        axis.plot(*np.transpose(list(found.values())), mark, linestyle="none", label=definition, **look)
    for network in next(iter(places.values())):
        way = np.array([found[network] for found in places.values()])
        axis.plot(*way.T, "-", color=FAINT, linewidth=1, zorder=1)
        beside = {"xytext": (-12, 0), "textcoords": "offset points", "ha": "right", "va": "center"}
        axis.annotate(network.replace("_", ", "), way[way[:, 0].argmin()], fontsize=10, **beside)
    (c_low, c_high), (l_low, l_high) = box
    box_drawn = Rectangle(
        (c_low, l_low), c_high - c_low, l_high - l_low, fill=False, linestyle="--", edgecolor=INK
    )
    box_drawn.set_label("sweet spot")
    axis.add_patch(box_drawn)
    axis.set(xlabel="C", ylabel="L")
    axis.margins(0.25, 0.12)
    axis.legend(frameon=False, fontsize=9, loc="upper right")
    return fig, _told_brains(places, box)


def _told_brains(
    places: Mapping[str, Mapping[str, tuple[float, float]]], box: tuple[Sequence[float], Sequence[float]]
) -> str:
    inside = [
        f"{network} by {definition}"
        for definition, found in places.items()
        for network, at in found.items()
        if all(low <= value <= high for value, (low, high) in zip(at, box, strict=True))
    ]
    networks = ", ".join(next(iter(places.values())))
    return (
        f"C and L of {networks}, each by the definitions {', '.join(places)}. "
        f"Inside of the dashed box lie: {', '.join(inside) or 'none'}."
    )


def draw_selected(C: ArrayLike, L: ArrayLike, fine: ArrayLike, coarse: ArrayLike) -> Picture:
    """A sweep in the plane of C and L: faint circles for all its graphs, and those that were chosen.

    `fine` and `coarse` are their rows, drawn as dots and large circles.
    """
    fig, axis = canvas(5.4, 4.2)
    C, L = np.asarray(C, float), np.asarray(L, float)
    some, few = np.asarray(fine, int), np.asarray(coarse, int)
    grown = {"color": FAINT, "markersize": 4, "markeredgewidth": 0.5, "fillstyle": "none", "zorder": 1}
    axis.plot(C, L, "o", label="grown", **grown)
    axis.plot(C[some], L[some], "o", color=PALETTE[0], markersize=1.4, zorder=2, label="one a small cell")
    look = {"color": PALETTE[5], "markersize": 9, "fillstyle": "none", "linestyle": "none", "zorder": 3}
    axis.plot(C[few], L[few], "o", label="middles", **look)
    _frame(axis)
    axis.set(xlabel="C", ylabel="L")
    axis.legend(frameon=False, fontsize=9)
    return fig, (
        f"C and L of {len(C):,} graphs of a sweep, {len(some):,} of them marked as one of each small cell, and "
        f"{len(few)} as the middles of larger ones."
    )
