"""The pictures of notebook 00: the map, messages, stretching, slopes, the three arrays, the digits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import Graph, Label
from lessons.show import AMOUNTS, FAINT, GREY, INK, INKED, PALE_ORANGE, PALER_BLUE, PALETTE, PAPER, TEN, canvas
from lessons.show.graph import draw_on, layout, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lessons.course import Lesson

Picture = tuple["Figure", str]

STRETCHER = np.array([[2.0, 1.0], [1.0, 2.0]])  # stretches (1, 1) by 3 and (1, -1) by 1
BOX = (0.94, 0.66)  # width and height of a lesson on the map


def draw_map(lessons: Sequence[Lesson]) -> Picture:
    """The map of the course: arrows lead right, from lessons to those that require them.

    An arrow that follows from others (01 -> 03, if 01 -> 02 -> 03) is left out.
    """
    fig, axes = canvas(6.4, 4.2)
    axes.set_axis_off()
    arrows = _needed_arrows(lessons)
    at = _map_positions(lessons, arrows)
    for start, end in arrows:
        _join(axes, at[start], at[end])
    for lesson in lessons:
        _draw_lesson(axes, lesson, at[lesson.id])
    corners = np.array(list(at.values()))
    axes.set_xlim(corners[:, 0].min() - 0.48, corners[:, 0].max() + 0.48)
    axes.set_ylim(corners[:, 1].min() - 0.4, corners[:, 1].max() + 0.4)
    alt = (
        "The lessons as boxes, arrows from each to those that require it, left out where a longer way says so. "
        "Every arrow points right, from a smaller number to a larger one."
    )
    return fig, alt


def _needed_arrows(lessons: Sequence[Lesson]) -> list[tuple[str, str]]:
    import networkx

    required = networkx.DiGraph((first, lesson.id) for lesson in lessons for first in lesson.requires)
    return sorted(networkx.transitive_reduction(required).edges())  # networkx gives them in the order of a set


def _map_positions(lessons: Sequence[Lesson], arrows: list[tuple[str, str]]) -> dict[str, NDArray[np.float64]]:
    """Column: the longest chain of requirements before a lesson. Height: that of where its arrows come from."""
    column: dict[str, int] = {}
    for lesson in lessons:  # in course order, so what it requires has its column already
        column[lesson.id] = 1 + max((column[required] for required in lesson.requires), default=-1)
    columns = [[lesson for lesson in lessons if column[lesson.id] == c] for c in range(max(column.values()) + 1)]
    most = max(len(here) for here in columns)
    at: dict[str, NDArray[np.float64]] = {}
    for c, here in enumerate(columns):
        from_above = {lesson.id: [at[u][1] for u, v in arrows if v == lesson.id] for lesson in here}
        here.sort(key=lambda lesson: -np.mean(from_above[lesson.id] or [0]))  # stable: ties keep course order
        for place, lesson in enumerate(here):
            at[lesson.id] = np.array([1.22 * c, most / 2 - (place + 0.5) * most / len(here)])
    return at


def _join(axes: Any, start: NDArray[np.float64], end: NDArray[np.float64]) -> None:
    from matplotlib.patches import FancyArrowPatch

    half = np.array([BOX[0] / 2, 0])
    head = "-|>,head_length=4,head_width=2"
    bow = "arc3,rad=0.15" if end[0] - start[0] > 2 else "arc3"  # round the boxes of the column between
    arrow = FancyArrowPatch(start + half, end - half, arrowstyle=head, connectionstyle=bow, shrinkA=0, shrinkB=0)
    arrow.set(color=INK, linewidth=0.9, zorder=1)
    axes.add_patch(arrow)


def _draw_lesson(axes: Any, lesson: Lesson, where: NDArray[np.float64]) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = where - np.array(BOX) / 2 + 0.05
    here = lesson.path is not None
    box = FancyBboxPatch(tuple(corner), BOX[0] - 0.1, BOX[1] - 0.1, boxstyle="round,pad=0.05")
    box.set(facecolor=PALER_BLUE if here else PAPER, edgecolor=INK, linestyle="-" if here else "--", zorder=2)
    axes.add_patch(box)
    words = lesson.id.replace("_", "\n")
    axes.text(*where, f"{lesson.number:02d}\n{words}", ha="center", va="center", fontsize=6.9, color=INK, zorder=3)


def draw_messages(graph: Graph, x: ArrayLike) -> Picture:
    """One round of messages: the signal before and, at the far ends of the edges, what each node hears."""
    signal = np.asarray(x, float)
    heard = graph.to_scipy().T @ signal
    fig, (before, after) = canvas(6.4, 2.8, columns=2)
    at = layout(graph)
    for axes, values, title in ((before, signal, "says: x"), (after, heard, "hears: A.T @ x")):
        draw_on(axes, graph, positions=at, values=graph.by_node(values))
        axes.set_title(title, fontsize=10, color=INK)
    said, told = listed(graph.by_node(signal), "{label} says {value}"), graph.by_node(heard)
    alt = f"The same graph twice: {said}. Along its edges, {listed(told, '{label} hears {value}')}."
    return fig, alt


def draw_stretch(angle: float) -> Picture:
    """A vector at an angle (degrees) and what the matrix [[2, 1], [1, 2]] makes of it."""
    v = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    Sv = STRETCHER @ v
    fig, axes = canvas(3.2, 3.2)
    for vector, colour, name, width in ((Sv, PALETTE[5], "S v", 2.0), (v, PALETTE[0], "v", 3.2)):
        look = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=vector, xytext=(0, 0), arrowprops=look)
        axes.annotate(name, vector + np.array([0.12, -0.35]), color=INK, fontsize=14)
    axes.set(xlim=(-1.6, 3.4), ylim=(-1.6, 3.4), aspect="equal")
    turned = np.degrees(np.arctan2(Sv[1], Sv[0]) - np.arctan2(v[1], v[0]))
    turned = (turned + 180) % 360 - 180
    axes.set_title(f"turned by {turned:.0f}°, length × {np.linalg.norm(Sv):.2f}", fontsize=13, color=INK)
    axes.tick_params(labelsize=12)
    how = "v is an eigenvector" if abs(turned) < 0.5 else f"S turns v by {turned:.0f} degrees"
    return fig, f"The vector v at {angle:g} degrees and S v, {np.linalg.norm(Sv):.2f} times as long; {how}."


def draw_slope(h: float) -> Picture:
    """The curve of x squared with its tangent at x = 1 and the secant to x = 1 + h."""
    fig, axes = canvas(3.2, 3.0)
    x = np.linspace(0, 2.2, 100)
    axes.plot(x, x**2, color=INK)
    axes.plot(x, 1 + 2 * (x - 1), color=PALETTE[2], linestyle="--", label="tangent, slope 2")
    secant = ((1 + h) ** 2 - 1) / h
    axes.plot(x, 1 + secant * (x - 1), color=PALETTE[5], label=f"secant, slope {secant:.2f}")
    axes.plot([1, 1 + h], [1, (1 + h) ** 2], "o", color=PALETTE[5])
    axes.set(xlim=(0, 2.2), ylim=(-0.5, 4.5), xlabel="x")
    axes.legend(fontsize=12, frameon=False, loc="upper left")
    axes.tick_params(labelsize=12)
    return (
        fig,
        f"The parabola x², its tangent at 1 and the secant over a step of {h:g}, of slope {secant:.2f}.",
    )


def draw_arrays(graph: Graph, marked: Label) -> Picture:
    """A small graph beside its arrays indptr, indices and weights, the row of one node marked."""
    fig, (left, right) = canvas(6.4, 3.0, columns=2)
    draw_on(left, graph, marked=[marked])
    row = graph.index(marked)
    first, last = int(graph.indptr[row]), int(graph.indptr[row + 1])
    _draw_array(right, "indptr", graph.indptr, 2, {row, row + 1})
    _draw_array(right, "indices", graph.indices, 1, set(range(first, last)))
    if graph.weights is not None:
        _draw_array(right, "weights", graph.weights, 0, set(range(first, last)))
    right.set_axis_off()
    right.set(xlim=(-0.2, max(len(graph.indices), graph.n + 1) + 0.2), ylim=(-0.6, 3.2))
    neighbours = ", ".join(str(label) for label in graph.neighbors(marked))
    alt = (
        f"A graph of {graph.n} nodes beside its arrays; entries {first} to {last - 1} of indices, "
        f"marked, are the neighbours {neighbours} of node {marked}."
    )
    return fig, alt


def _draw_array(axes: Any, name: str, values: NDArray[Any], height: float, marked: set[int]) -> None:
    """One array as a row of boxes, positions above them, marked boxes hatched and bold."""
    from matplotlib.patches import Rectangle

    axes.text(0, height + 0.76, name, fontsize=9, color=INK, family="monospace")
    for place, value in enumerate(values.tolist()):
        bold = place in marked
        box = Rectangle((place, height), 1, 0.5, facecolor=PALE_ORANGE if bold else PAPER, edgecolor=INK)
        box.set(linewidth=1.6 if bold else 0.8, zorder=3 if bold else 2)
        axes.add_patch(box)
        weight = "bold" if bold else "normal"
        middle = {"ha": "center", "va": "center", "color": INK, "zorder": 4}
        axes.text(place + 0.5, height + 0.25, f"{value:g}", fontsize=8.5, weight=weight, **middle)
        axes.text(place + 0.5, height + 0.61, place, fontsize=7, **(middle | {"color": GREY}))


def draw_two_nodes() -> Picture:
    """One edge 0 -> 1 as an adjacency matrix, row = source, and as a matrix that acts, row = receiver."""
    from lessons.graph import as_graph

    graph = as_graph([(0, 1)], n=2, directed=True)
    fig, (left, middle, right) = canvas(6.4, 2.2, columns=3)
    draw_on(left, graph, positions=[(0, 0), (1, 0)])
    left.set_title("the edge 0 → 1", fontsize=10, color=INK)
    _draw_matrix(middle, graph.to_dense(), "A: describes", "source", "target")
    _draw_matrix(right, graph.to_dense().T, "A.T: acts on x", "receiver", "source")
    alt = (
        "The edge from 0 to 1 is the entry A[0, 1], row = source. "
        "In A.T, which acts on a signal, it stands at [1, 0], row = receiver."
    )
    return fig, alt


def _draw_matrix(axes: Any, matrix: NDArray[np.float64], title: str, rows: str, columns: str) -> None:
    axes.imshow(matrix, cmap=AMOUNTS, vmin=0, vmax=2)
    for (i, j), value in np.ndenumerate(matrix):
        axes.text(j, i, f"{value:g}", ha="center", va="center", color=INK)
    axes.set(xticks=[0, 1], yticks=[0, 1], ylabel=rows)
    axes.set_xlabel(columns)
    axes.set_title(title, fontsize=10, color=INK)


# ---------------------------------------------------------------------------------------- the digits


def draw_digits(graph: Graph) -> Picture:
    """The neighbour graph of the digits, each digit drawn as its numeral."""
    from matplotlib.collections import LineCollection

    _, y = _digits()
    at = layout(graph)
    fig, axes = canvas(6.4, 5.4)
    axes.set_axis_off()
    axes.add_collection(LineCollection(at[graph.edge_rows], colors=FAINT, linewidths=0.4, zorder=1))
    for digit in range(10):
        here = at[y == digit]
        axes.scatter(*here.T, s=16, marker=f"${digit}$", color=TEN[digit], linewidths=0.1, zorder=2)
    axes.autoscale_view()
    alt = (
        "The neighbour graph of 1,797 digits, each drawn as its numeral. Equal numerals lie together, most of "
        "them in one large cluster, and few lines join different ones."
    )
    return fig, alt


def draw_neighbors(digit: int, graph: Graph) -> Picture:
    """A digit in the middle of up to eight of its neighbours in the graph, each under its label."""
    X, y = _digits()
    near = [int(other) for other in graph.neighbors(digit)]  # type: ignore[call-overload]
    shown = [*near[:4], digit, *near[4:8]] if len(near) >= 4 else [*near, digit]
    fig, axes = canvas(2.6, 3.2, columns=3, rows=3)
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, row in zip(axes.ravel(), shown, strict=False):
        axis.imshow(X[row].reshape(8, 8), cmap=INKED if row != digit else AMOUNTS, vmin=0, vmax=16)
        name = f"[{y[row]}]" if row == digit else f"{y[row]}" if y[row] == y[digit] else f"{y[row]} ≠"
        axis.set_title(name, fontsize=9, color=INK, weight="bold" if row == digit else "normal", pad=2)
    same = int((y[near] == y[digit]).sum())
    alt = (
        f"Image {digit}, labelled {y[digit]}, among {len(shown) - 1} of its {len(near)} neighbours; "
        f"with the same label: {same} of {len(near)}."
    )
    return fig, alt


@cache
def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from lessons.datasets import digits

    return digits()
