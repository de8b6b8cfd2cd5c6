"""The pictures of notebook 02: Kahn's sort, generations, a cycle, memory along an order, a schedule."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lessons.computational_graphs import levels
from lessons.errors import CycleError
from lessons.graph import Graph, Label, as_graph
from lessons.show import FAINT, INK, PALE_BLUE, PALE_GREY, PALE_ORANGE, PALETTE, PAPER, STROKES, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lessons.memory import Memory
    from lessons.topological_sort import Schedule

Picture = tuple["Figure", str]
Place = NDArray[np.float64]  # (2,)

BOX = (0.86, 0.56)  # width and height of a node, where columns and rows are one apart
PLAIN = {"facecolor": PAPER, "linewidth": 1.2}
DONE = {"facecolor": PALE_BLUE, "linewidth": 1.2}
READY = {"facecolor": PALE_ORANGE, "linewidth": 2.6}
WAITING = {"facecolor": PAPER, "linewidth": 1.0, "linestyle": (0, (4, 3))}


# ---------------------------------------------------------------------------------------- graphs


def draw_kahn(graph: object, step: int) -> Picture:
    """Kahn's sort after some steps, from the top down: nodes that are placed, with their number in the order;
    nodes that are ready; how many each other one waits for. Edges that are crossed out are faint.
    """
    graph = as_graph(graph, directed=True)
    placed, waits_for = kahn_after(graph, step)
    at = _places(_without_cycles(graph))
    fig, axes = canvas(3.2, 3.9)
    words, looks = {}, {}
    for label, count in waits_for.items():
        if label in placed:
            words[label], looks[label] = f"{label}\n{_ordinal(placed.index(label) + 1)}", DONE
        else:
            words[label] = f"{label}\n{f'waits for {count}' if count else 'ready'}"
            looks[label] = WAITING if count else READY
    _draw_edges(axes, graph, at, faint=placed)
    _draw_nodes(axes, words, looks, at, fontsize=11.5)
    return fig, _told_kahn(graph, placed, waits_for)


def kahn_after(graph: Graph, steps: int) -> tuple[list[Label], dict[Label, int]]:
    """The nodes that Kahn's sort has placed after some steps, and how many nodes each one still waits for."""
    placed: list[Label] = []
    waits_for = {label: len(graph.predecessors(label)) for label in graph.nodes}
    for _ in range(steps):
        ready = [label for label in graph.nodes if not waits_for[label] and label not in placed]
        if not ready:
            break
        placed.append(ready[0])
        for label in graph.neighbors(ready[0]):
            waits_for[label] -= 1
    return placed, waits_for


def _told_kahn(graph: Graph, placed: list[Label], waits_for: Mapping[Label, int]) -> str:
    order = ", ".join(map(str, placed)) or "nothing"
    rest = [label for label in graph.nodes if label not in placed]
    if not rest:
        return f"All {graph.n} nodes are placed: {order}."
    ready = ", ".join(str(label) for label in rest if not waits_for[label]) or "nothing, so the rest is a deadlock"
    return f"{len(placed)} of {graph.n} nodes are placed: {order}. Ready: {ready}."


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def draw_generations(graph: object) -> Picture:
    """A graph without cycles from left to right, a column for each generation."""
    graph = as_graph(graph, directed=True)
    level, at = levels(graph), _places(graph, down=False)
    fig, axes = canvas(6.4, 0.9 + 0.75 * max(np.bincount(level)))
    for column in range(level.max() + 1):
        if column % 2:
            axes.axvspan(column - 0.5, column + 0.5, color=PALE_GREY, linewidth=0, zorder=0)
        axes.annotate(column, (column, 1), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points")
    _draw_edges(axes, graph, at, down=False)
    _draw_nodes(axes, {label: str(label) for label in graph.nodes}, {}, at, fontsize=10)
    named = "; ".join(
        f"{column}: {', '.join(str(graph.nodes[row]) for row in np.flatnonzero(level == column))}"
        for column in range(level.max() + 1)
    )
    return fig, f"The generations as columns: {named}. Every edge leads to the right."


def draw_cycle(graph: object, cycle: Sequence[Label]) -> Picture:
    """A directed graph with a cycle: the edges along `cycle` thick and dashed, its nodes with a heavy rim."""
    graph = as_graph(graph, directed=True)
    turns = list(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True))
    at = _places(min((_without_cycles(graph, turn) for turn in turns), key=lambda rest: levels(rest).max()))
    fig, axes = canvas(4.2, 4.2)
    _draw_edges(axes, graph, at, thick=turns)
    looks = {label: READY if label in cycle else PLAIN for label in graph.nodes}
    _draw_nodes(axes, {label: str(label) for label in graph.nodes}, looks, at, fontsize=10, margin=0.75)
    walk = " → ".join(map(str, [*cycle, cycle[0]]))
    return fig, f"A directed graph; the thick dashed edges {walk} lead round in a circle, so no order exists."


def _without_cycles(graph: Graph, first: tuple[Label, Label] | None = None) -> Graph:
    """The graph without the edge `first` and, as long as it has cycles, without one edge of each."""
    edges = [edge for edge in graph.edges() if edge != first]
    while True:
        rest = as_graph(edges, nodes=graph.nodes, directed=True)
        try:
            levels(rest)
        except CycleError as error:
            edges.remove((error.cycle[-1], error.cycle[0]))
        else:
            return rest


def _places(graph: Graph, down: bool = True) -> dict[Label, Place]:
    """Where each node stands: its level counts rows from the top, or columns from the left; in a level, nodes
    are sorted by the mean place of their predecessors, so that fewer edges cross."""
    level = levels(graph)
    side: dict[Label, float] = {}
    for this in range(level.max(initial=-1) + 1):
        here = [graph.nodes[row] for row in np.flatnonzero(level == this)]
        mean = {label: np.mean([side[u] for u in graph.predecessors(label)] or [0]) for label in here}
        here.sort(key=mean.__getitem__)  # stable: ties stay in the order of the rows
        side.update({label: place - (len(here) - 1) / 2 for place, label in enumerate(here)})
    steps = dict(zip(graph.nodes, level.tolist(), strict=True))
    return {v: np.array([side[v], -steps[v]] if down else [steps[v], -side[v]], float) for v in graph.nodes}


def _draw_nodes(
    axes: Any,
    words: Mapping[Label, str],
    looks: Mapping[Label, dict[str, Any]],
    at: Mapping[Label, Place],
    fontsize: float,
    margin: float = 0.55,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    for label, text in words.items():
        corner = at[label] - np.array(BOX) / 2 + 0.05
        box = FancyBboxPatch(tuple(corner), BOX[0] - 0.1, BOX[1] - 0.1, boxstyle="round,pad=0.05")
        box.set(edgecolor=INK, zorder=3, **looks.get(label, PLAIN))
        axes.add_patch(box)
        axes.text(*at[label], text, ha="center", va="center", fontsize=fontsize, color=INK, zorder=4)
    corners = np.array(list(at.values())).reshape(-1, 2)
    axes.set_axis_off()
    axes.set_xlim(corners[:, 0].min(initial=0) - margin, corners[:, 0].max(initial=0) + margin)
    axes.set_ylim(corners[:, 1].min(initial=0) - 0.4, corners[:, 1].max(initial=0) + 0.4)


def _draw_edges(
    axes: Any,
    graph: Graph,
    at: Mapping[Label, Place],
    *,
    down: bool = True,
    faint: Collection[Label] = (),
    thick: Collection[tuple[Label, Label]] = (),
) -> None:
    """The edges as arrows; `faint` those that leave these nodes, `thick` and dashed these edges."""
    for u, v in graph.edges():
        if u == v:
            _draw_loop(axes, at[u])
        else:
            look: dict[str, Any] = {"color": FAINT if u in faint else INK, "linewidth": 1.2}
            if (u, v) in thick:
                look = {"color": PALETTE[5], "linewidth": 3.2, "linestyle": (0, (2.2, 1.1))}
            _draw_arrow(axes, at[u], at[v], down, look)


def _draw_arrow(axes: Any, start: Place, end: Place, down: bool, look: dict[str, Any]) -> None:
    """From the far side of one box to the near side of the other; round the boxes between, and back, in a bow."""
    from matplotlib.patches import FancyArrowPatch

    step = end - start
    along = -step[1] if down else step[0]
    aside = (0 if down else 1, np.array([BOX[0] / 2, 0] if down else [0, BOX[1] / 2]))
    half = np.array([0, -BOX[1] / 2] if down else [BOX[0] / 2, 0])
    bow = 0.45 if along > 1.5 and not step[aside[0]] else 0.0
    if along <= 0:  # against the order: along the outside
        out = -1.0 if (start + end)[aside[0]] <= 0 else 1.0
        start, end, half, bow = start + out * aside[1], end + out * aside[1], 0 * half, 0.55 * out
    arrow = FancyArrowPatch(
        start + half,
        end - half,
        arrowstyle="-|>,head_length=5,head_width=2.5",
        connectionstyle=f"arc3,rad={bow}",
        shrinkA=0,
        shrinkB=3,
        zorder=2,
    )
    arrow.set(**look)
    axes.add_patch(arrow)


def _draw_loop(axes: Any, where: Place) -> None:
    """A self-loop: a thick dashed ring at the right end of the box."""
    from matplotlib.patches import Ellipse

    ring = Ellipse((where[0] + BOX[0] / 2, where[1]), 0.3, 0.36, fill=False, edgecolor=PALETTE[5])
    ring.set(linewidth=3.2, linestyle=(0, (2.2, 1.1)), zorder=2)
    axes.add_patch(ring)


# ---------------------------------------------------------------------------------------- numbers along an order


def draw_memory(orders: Mapping[str, Memory], unit: str = "KiB") -> Picture:
    """Bytes alive at each step of several orders, side by side; the first highest step of each is marked.

    `orders` maps a name to what `peak_memory` found; `unit` is one of B, KiB, MiB. Up to eight steps are named.
    """
    size = {"B": 1, "KiB": 2**10, "MiB": 2**20}[unit]
    fig, axes = canvas(6.4, 2.7, columns=len(orders))
    top = max(memory.peak for memory in orders.values()) / size
    for axis, (name, memory), colour in zip(np.atleast_1d(axes), orders.items(), STROKES, strict=False):
        _draw_curve(axis, memory.alive / size, colour)
        axis.set(ylim=(0, 1.22 * top), ylabel=f"alive [{unit}]", xlabel="step")
        if len(memory.order) <= 8:
            axis.set_xlabel("")
            axis.set_xticks(range(1, len(memory.order) + 1), memory.order, fontsize=8)
        axis.set_title(name, fontsize=10, color=INK)
    told = ", ".join(f"{name} {_short(m.peak / size)} {unit} at {m.node}" for name, m in orders.items())
    return fig, f"Bytes alive at each step, one curve an order. The highest points: {told}."


def _draw_curve(axis: Any, values: NDArray[np.float64], colour: str) -> None:
    peak, edges = int(values.argmax()), np.arange(len(values) + 1) + 0.5
    axis.stairs(values, edges, fill=True, color=colour, alpha=0.3)
    axis.stairs(values, edges, color=colour, linewidth=1.4)
    axis.axhline(values[peak], color=INK, linestyle=":", linewidth=1)
    axis.plot(peak + 1, values[peak], "v", color=INK, markersize=6)
    left = peak + 1 > len(values) / 2  # the words stand where the mark does not
    where = ((0.02 if left else 1, values[peak]), (0, 3))
    words = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points", "fontsize": 9}
    axis.annotate(f"peak {_short(values[peak])}", *where, ha="left" if left else "right", **words)
    axis.set_xlim(0.5, len(values) + 0.5)


def _short(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def draw_visits(sizes: Sequence[int], counts: Mapping[str, Sequence[int]]) -> Picture:
    """Edge visits of several algorithms over the number of nodes, both axes logarithmic."""
    fig, axes = canvas(5.0, 2.9)
    for (name, values), colour, mark in zip(counts.items(), STROKES, "os^D", strict=False):
        axes.loglog(sizes, values, color=colour, marker=mark, label=name)
        axes.annotate(f"{values[-1]:,}", (sizes[-1], values[-1]), (5, -3), textcoords="offset points", fontsize=9)
    axes.set(xlabel="nodes", ylabel="edge visits", xlim=(sizes[0] * 0.8, sizes[-1] * 2.2))
    axes.legend(frameon=False, fontsize=9)
    told = ", ".join(f"{name} {values[-1]:,}" for name, values in counts.items())
    return fig, f"Edge visits over the number of nodes, on logarithmic axes. At {sizes[-1]:,} nodes: {told}."


# ---------------------------------------------------------------------------------------- a schedule


def draw_gantt(graph: object, schedule: Schedule, until: float | None = None, unit: str = "") -> Picture:
    """Who works on what, when: a row for each worker, a bar for each node of `graph`, named where there is room.

    Before the dashed line no schedule of so many workers can end. `until` is the end of the axis, so that
    pictures can be compared; `unit` that of the durations.
    """
    labels = as_graph(graph, directed=True).nodes
    end = until or schedule.makespan or 1.0
    fig, axis = canvas(3.2, 1.1 + 0.42 * schedule.workers)
    count = [0] * schedule.workers
    for row in np.lexsort((schedule.finish, schedule.start)):
        worker, start = int(schedule.worker[row]), schedule.start[row]
        length = schedule.finish[row] - start
        if length:
            colour = (PALE_BLUE, PALE_ORANGE)[count[worker] % 2]  # neighbours in a row differ
            axis.barh(worker, length, 0.8, start, color=colour, edgecolor=INK, linewidth=0.8)
            count[worker] += 1
        if length > 0.06 * len(str(labels[row])) * end:
            axis.text(start + length / 2, worker, str(labels[row]), ha="center", va="center", fontsize=11)
    axis.axvline(schedule.lower_bound, color=PALETTE[5], linestyle="--", linewidth=2)
    axis.set(xlim=(0, 1.03 * end), ylim=(schedule.workers - 0.5, -0.5), yticks=range(schedule.workers))
    axis.set_ylabel("worker", fontsize=12)
    axis.set_xlabel(unit, fontsize=12)
    axis.tick_params(labelsize=12)
    axis.set_title(f"ends at {_short(schedule.makespan)}", fontsize=13, color=INK)
    many = f"{schedule.workers} worker{'s' if schedule.workers > 1 else ''}"
    alt = (
        f"{len(labels)} nodes on {many} end at {_short(schedule.makespan)}. No schedule of so many workers ends "
        f"before the dashed line at {_short(schedule.lower_bound)}."
    )
    return fig, alt
