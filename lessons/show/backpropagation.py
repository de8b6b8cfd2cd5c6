"""The pictures of notebook 03: slopes on edges, the walk backwards, tapes, errors, losses; a second opinion."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.backpropagation import Tensor, Value, tape
from lessons.graph import Graph, Label
from lessons.show import (
    FAINT,
    INK,
    INKED,
    PALE_BLUE,
    PALE_GREY,
    PALE_ORANGE,
    PALER_BLUE,
    PALETTE,
    PAPER,
    SHADES,
    STROKES,
    _display,
    canvas,
)
from lessons.show.model import written
from lessons.tape import tape_labels
from lessons.topological_sort import topological_sort

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]

FEW = 30  # values; a tape of more is too crowded to read
GAP, GAP_DOWN, LINE = 50.0, 26.0, 13.0  # points between two columns of boxes, two rows, two lines of text
PLAIN = {"facecolor": PAPER, "linewidth": 1.2}
LEAF = {"facecolor": PALER_BLUE, "linewidth": 1.2}
LEARNT = {"facecolor": PALE_GREY, "linewidth": 1.2, "linestyle": ":"}
DONE = {"facecolor": PALE_BLUE, "linewidth": 1.2}
READY = {"facecolor": PALE_ORANGE, "linewidth": 2.6}
WAITING = {"facecolor": PAPER, "linewidth": 1.0, "linestyle": (0, (4, 3))}


# ---------------------------------------------------------------------------------------- graphs


def draw_slopes(graph: Graph, values: Mapping[Label, Any]) -> Picture:
    """A computation from left to right: what each node holds; on each edge its weight, the local derivative."""
    boxes = {
        v: _Box((str(v), _short(values[v])), look=PLAIN if graph.predecessors(v) else LEAF) for v in graph.nodes
    }
    told = ", ".join(f"{u} → {v} {_short(slope)}" for (u, v), slope in _slopes(graph).items())
    held = ", ".join(f"{v} = {_short(values[v])}" for v in graph.nodes)
    edges = [(u, v, _short(slope)) for (u, v), slope in _slopes(graph).items()]
    return _drawn(
        boxes, edges
    ), f"A graph with the values {held}. On its edges stand the local derivatives: {told}."


def draw_walk(graph: Graph, step: int) -> Picture:
    """The walk backwards after some steps: what has arrived at each node, and how many parts are still to come.

    Nodes that have handed their parts on are blue; those whose gradient is complete yellow, with a thick rim.
    """
    gradient, waits, walked = walk_after(graph, step)
    boxes, told = {}, []
    for v in graph.nodes:
        look, state = (
            (DONE, "done")
            if v in walked
            else (WAITING, f"{waits[v]} to come")
            if waits[v]
            else (READY, "complete")
        )
        boxes[v] = _Box((str(v), _short(gradient[v]), state.center(9)), look=look)
        told.append(f"{v} {_short(gradient[v])} ({state})")
    edges = [(u, v, _short(slope)) for (u, v), slope in _slopes(graph).items()]
    faint = {(u, v) for u, v in graph.edges() if v in walked}
    return _drawn(
        boxes, edges, faint, down=True
    ), f"What has arrived after {len(walked)} of {graph.n} nodes: {', '.join(told)}."


def walk_after(graph: Graph, steps: int) -> tuple[dict[Label, float], dict[Label, int], list[Label]]:
    """What has arrived at each node after some steps of the walk backwards from the last node of the order, how
    many parts are still to come, and the nodes that have handed theirs on."""
    slopes, order = _slopes(graph), topological_sort(graph)[::-1]
    gradient: dict[Label, float] = dict.fromkeys(graph.nodes, 0.0)
    waits = {v: len(graph.neighbors(v)) for v in graph.nodes}
    gradient[order[0]] = 1.0
    for v in order[:steps]:
        for u in graph.predecessors(v):
            gradient[u] += slopes[u, v] * gradient[v]
            waits[u] -= 1
    return gradient, waits, order[:steps]


def draw_tape(output: Value | Tensor, alt: str = "") -> Picture:
    """What `output` was computed from: each value with its gradient, each edge with its slope.

    Of tensors, from top to bottom, the operations with the shapes of their results, and dotted what is learnt;
    what needs no gradient is not on the tape. O(n + m).

    Raises ValueError for more than 30 values.

    >>> x = Value(3.0, name="x")
    >>> y = x * x
    >>> y.backward()
    >>> draw_tape(y)[1]
    'A tape: x = 3 with gradient 6, mul 1 = 9 with gradient 1. Slopes: x → mul 1 3, x → mul 1 3.'

    Notebook: 03_backpropagation.
    """
    nodes = tape(output)
    if len(nodes) > FEW:
        raise ValueError(f"{len(nodes)} values are too many to read: draw the tape of a part, of at most {FEW}")
    labels = tape_labels(nodes)
    draw = _draw_tensors if isinstance(output, Tensor) else _draw_values
    fig, told = draw(nodes, labels)
    return fig, alt or told


def _draw_values(nodes: Sequence[Value], labels: Mapping[Value, str]) -> Picture:
    boxes = {
        labels[v]: _Box((labels[v], _short(v.data), f"grad {_short(v.grad)}"), look=PLAIN if v._edges else LEAF)
        for v in nodes
    }
    edges = [(labels[source], labels[v], _short(slope)) for v in nodes for source, slope in v._edges]
    held = ", ".join(f"{labels[v]} = {_short(v.data)} with gradient {_short(v.grad)}" for v in nodes)
    told = ", ".join(f"{u} → {v} {slope}" for u, v, slope in edges)
    return _drawn(boxes, edges), f"A tape: {held}. Slopes: {told}."


def _draw_tensors(nodes: Sequence[Tensor], labels: Mapping[Tensor, str]) -> Picture:
    shapes = {node: written(node.shape) if node.shape else "one number" for node in nodes}
    boxes = {
        labels[node]: _Box((node.name or node.op or "leaf", shapes[node]), look=PLAIN if node._edges else LEARNT)
        for node in nodes
    }
    edges = [(labels[source], labels[node], "") for node in nodes for source, _ in node._edges or ()]
    steps = ", ".join(f"{node.op} ({shapes[node]})" for node in nodes if node._edges)
    leaves = ", ".join(f"{node.name or 'a leaf'} ({shapes[node]})" for node in nodes if not node._edges)
    told = f"A tape of tensors, in the order of the computation: {steps or 'nothing'}. Learnt are {leaves}."
    return _drawn(boxes, edges, down=True), told


def _slopes(graph: Graph) -> dict[tuple[Label, Label], float]:
    return dict(zip(graph.edges(), graph.edge_weights.tolist(), strict=True))


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


# ---------------------------------------------------------------------------------------- curves


def draw_counts(sizes: Sequence[int], counts: Mapping[str, Sequence[int]], size: str, count: str) -> Picture:
    """Several counts over a size; the count on a logarithmic axis, the last ones written out."""
    fig, axes = canvas(5.0, 2.7)
    for (name, values), colour, mark in zip(counts.items(), STROKES, "os^D", strict=False):
        axes.semilogy(sizes, values, color=colour, marker=mark, markersize=5, label=name)
        axes.annotate(f"{values[-1]:,}", (sizes[-1], values[-1]), (7, -3), textcoords="offset points", fontsize=9)
    axes.set(xlabel=size, ylabel=count, xlim=(sizes[0] - 0.3, sizes[-1] + 0.18 * (sizes[-1] - sizes[0])))
    axes.legend(frameon=False, fontsize=9)
    told = ", ".join(f"{name} {values[-1]:,}" for name, values in counts.items())
    return fig, f"{count[0].upper()}{count[1:]} over {size}, on a logarithmic axis. At {sizes[-1]}: {told}."


def draw_step_errors(steps: ArrayLike, errors: Mapping[str, ArrayLike], best: Mapping[str, float]) -> Picture:
    """The error of central differences over their step, both axes logarithmic, a V for each precision; a dashed
    line, with its name, at each step that theory has as the `best`.
    """
    fig, axes = canvas(6.0, 3.2)
    for (name, values), colour, mark in zip(errors.items(), STROKES, "os^D", strict=False):
        axes.loglog(steps, np.maximum(values, 1e-17), color=colour, marker=mark, markersize=4.5, label=name)
        axes.axvline(best[name], color=colour, linestyle="--", linewidth=1.2)
        side = "right" if best[name] == min(best.values()) else "left"
        where = {"xycoords": ("data", "axes fraction"), "ha": side, "va": "bottom"}
        axes.annotate(f"eps^(1/3) of {name}", (best[name], 1.01), fontsize=9, color=INK, **where)
    axes.set(xlabel="step h", ylabel="error of the slope")
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    told = " and ".join(f"{step:.0e} in {name}" for name, step in best.items())
    alt = (
        "The error of the slope over the step, a V for each precision: a smaller step helps until rounding wins. "
        f"The bottoms lie near the dashed lines, at {told}."
    )
    return fig, alt


def draw_losses(losses: Sequence[float], rate: float, start: float) -> Picture:
    """The mean loss of each epoch at a learning rate, on a logarithmic axis; dotted, the loss of guessing.

    `start` is that loss; the alt text tells how it went in words that hold on every machine.
    """
    fig, axes = canvas(3.2, 2.9)
    shown = np.asarray(losses, float)
    axes.semilogy(np.arange(1, len(shown) + 1), shown, color=PALETTE[0], marker="o", markersize=4)
    axes.axhline(start, color=INK, linestyle=":", linewidth=1.2, label="guessing")
    axes.legend(frameon=False, fontsize=11, loc="lower left")  # where no curve passes
    axes.set(ylim=(0.01, 20), xlabel="epoch", ylabel="loss")
    axes.set_title(f"rate {rate:.3g}", fontsize=13, color=INK)
    return fig, f"The loss of each epoch at the learning rate {rate:.3g}: {_went(shown, start)}."


def _went(losses: NDArray[np.float64], start: float) -> str:
    if losses[-1] > 0.9 * start:
        return "it never gets far below that of guessing"
    return "it falls, but slowly" if losses[-1] > 0.2 * start else "it falls to a small part of that of guessing"


def draw_gradient_tiles(images: ArrayLike, gradient: ArrayLike) -> Picture:
    """A few 8 x 8 images, and the gradient of the weights (n, 64) that look at them, a tile for each row.

    Dark pixels: turning this weight up makes the loss smaller; light ones: larger; grey: it changes nothing.
    """
    seen, tiles = np.asarray(images).reshape(-1, 8, 8), np.asarray(gradient).reshape(-1, 8, 8)
    fig, (left, right) = canvas(6.4, 2.7, columns=2)
    left.get_gridspec().set_width_ratios([1, 3.6])
    left.imshow(_sheet(seen, 2, 0.0), cmap=INKED)
    left.set_title("what it sees", fontsize=10, color=INK)
    top = float(np.abs(tiles).max()) or 1.0
    shown = right.imshow(_sheet(tiles / top, 8, np.nan), cmap=SHADES, vmin=-1, vmax=1)
    right.set_title("how the loss changes with each weight", fontsize=10, color=INK)
    bar = fig.colorbar(shown, ax=right, shrink=0.8, aspect=12, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["falls", "not", "rises"], fontsize=9)
    for axis in (left, right):
        axis.set_axis_off()
    still = tiles.reshape(-1, 64) == 0
    alt = (
        f"{len(seen)} handwritten digits, and {len(tiles)} tiles of 64 pixels, one for each weight: dark where "
        "turning it up would make the loss fall, light where it would rise. Grey, where nothing changes, are "
        f"{still.all(axis=0).sum()} pixels in every tile, and {still.all(axis=1).sum()} tiles throughout."
    )
    return fig, alt


def _sheet(tiles: NDArray[Any], columns: int, between: float) -> NDArray[Any]:
    """Square tiles side by side in rows, a pixel apart."""
    rows = -(-len(tiles) // columns)
    size = tiles.shape[1] + 1
    sheet = np.full((rows * size - 1, columns * size - 1), between)
    for k, tile in enumerate(tiles):
        y, x = k // columns * size, k % columns * size
        sheet[y : y + size - 1, x : x + size - 1] = tile
    return sheet


def draw_segments(segments: Sequence[int], peaks: Sequence[int]) -> Picture:
    """Peak memory of a step over the number of segments that are computed again; the smallest is marked."""
    fig, axes = canvas(5.0, 2.7)
    mib = np.asarray(peaks) / 2**20
    axes.plot(segments, mib, color=PALETTE[0], marker="o")
    least = int(mib.argmin())
    axes.plot(segments[least], mib[least], marker="s", markersize=11, fillstyle="none", color=INK)
    axes.set_xscale("log", base=2)
    axes.set_xticks(segments, [str(count) for count in segments])
    axes.set(xlabel="segments (1: nothing is forgotten)", ylabel="peak [MiB]", ylim=(0, 1.1 * mib.max()))
    alt = (
        f"Peak memory of one step over the number of segments. It falls, is smallest in between, marked at "
        f"{segments[least]}, and rises again."
    )
    return fig, alt


# ---------------------------------------------------------------------------------------- a second opinion


def second_opinion(
    module: str,
    theirs: Callable[..., Sequence[ArrayLike]],
    inputs: Sequence[ArrayLike],
    ours: Sequence[ArrayLike],
    tolerance: float = 1e-5,
) -> None:
    """Compare our gradients with another library's, where that is installed; say so, where it is not.

    `theirs` imports all that it needs, takes the `inputs` as arrays, and gives its gradients; it is called only
    where `module` can be imported, in a process of its own, since such libraries take much memory. The saved text
    is the same in both cases; what happened here is told beside it, and no test compares that.

    Raises AssertionError where they differ by more than `tolerance`, relative to the largest entry.
    """
    found = "not installed, so nothing was compared"
    if importlib.util.find_spec(module):
        pairs = list(zip(_elsewhere(theirs, inputs), map(np.asarray, ours), strict=True))
        apart = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
        if not apart <= tolerance:
            raise AssertionError(f"{module} finds other gradients: {apart:.1e} apart, {tolerance:.0e} allowed")
        found = f"{len(pairs)} gradients agree to {apart:.1e}"
    what = f"second opinion of {module}, where it is installed"
    _display(
        {
            "text/plain": f"{what}: at most {tolerance:.0e} apart",
            "text/html": f'{what}: at most {tolerance:.0e} apart. <span class="measured">Here: {found}.</span>',
        }
    )


def _elsewhere(function: Callable[..., Any], inputs: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    """What a function that needs nothing from around it gives for arrays, in a Python process of its own."""
    source = textwrap.dedent(inspect.getsource(function))
    with TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(given, *inputs)
        call = f"{function.__name__}(*[given[name] for name in given.files])"
        program = f"import numpy as np\n{source}\ngiven = np.load({str(given)!r})\n"
        program += f"np.savez({str(found)!r}, *{call})"
        subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
        with np.load(found) as file:
            return [file[name] for name in file.files]


# ---------------------------------------------------------------------------------------- boxes and arrows


@dataclass(eq=False)
class _Box:
    """A box with lines of text, or without any: a bend of an arrow that passes a column.

    `along` is where it stands in the direction of the arrows, `across` its row; `length` and `breadth` are its
    size in these directions.
    """

    words: tuple[str, ...] = ()
    look: Mapping[str, Any] = field(default_factory=dict)
    level: int = 0
    along: float = 0.0
    across: float = 0.0
    length: float = 0.0
    breadth: float = 0.0


_Edges = Sequence[tuple[Any, Any, str]]  # from, to, what is written on it


def _drawn(
    boxes: Mapping[Any, _Box], edges: _Edges, faint: Set[tuple[Any, Any]] = frozenset(), *, down: bool = False
) -> Figure:
    """Boxes in columns and arrows to the right, or in rows and arrows down; lengths are in points."""
    _set_levels(boxes, edges)
    ways = [(u, v, text, _way(boxes[u], boxes[v])) for u, v, text in edges]
    everything = [*boxes.values(), *(bend for _, _, _, way in ways for bend in way[1:-1])]
    size = _place(everything, [way for _, _, _, way in ways], down)
    wide, high = size[::-1] if down else size
    fig, axes = canvas(wide / 72, high / 72)
    fig.set_layout_engine("none")
    axes.set_axis_off()
    axes.set(xlim=(0, wide), ylim=(high, 0), position=(0, 0, 1, 1))
    count, drawn = Counter((u, v) for u, v, _, _ in ways), Counter[tuple[Any, Any]]()
    for u, v, text, way in ways:
        aside = LINE * (drawn[u, v] - (count[u, v] - 1) / 2)
        drawn[u, v] += 1
        _arrow(axes, way, text, aside, FAINT if (u, v) in faint else INK, down)
    for box in boxes.values():
        _draw_box(axes, box, down)
    return fig


def _set_levels(boxes: Mapping[Any, _Box], edges: _Edges) -> None:
    """The longest way from a leaf; then what waits for nothing moves up to its first reader."""
    for _ in boxes:
        for u, v, _text in edges:
            boxes[v].level = max(boxes[v].level, boxes[u].level + 1)
    for u in {u for u, _, _ in edges} - {v for _, v, _ in edges}:
        boxes[u].level = min(boxes[w].level for start, w, _ in edges if start == u) - 1


def _way(start: _Box, end: _Box) -> list[_Box]:
    return [start, *(_Box(level=level) for level in range(start.level + 1, end.level)), end]


def _place(boxes: list[_Box], ways: list[list[_Box]], down: bool) -> tuple[float, float]:
    """Each beside the middle of those that it hears, so that few arrows cross; -> the extent along and across."""
    for box in boxes:
        wide = 18 + 6.2 * max(map(len, box.words), default=0)
        high = LINE * len(box.words) + 8 if box.words else 0.0
        box.length, box.breadth = (high, wide) if down else (wide, high)
    row = 14 + max(box.breadth for box in boxes)
    rows = Counter(box.level for box in boxes)
    across, at = row * max(rows.values()), 6.0
    for level in range(max(rows) + 1):
        here = _in_row([box for box in boxes if box.level == level], ways)
        length = max(box.length for box in here)
        for place, box in enumerate(here):
            box.along, box.across = at + length / 2, across / 2 + row * (place - (len(here) - 1) / 2)
            box.length = length
        at += length + (GAP_DOWN if down else GAP)
    return at - (GAP_DOWN if down else GAP) + 6, across


def _in_row(here: list[_Box], ways: list[list[_Box]]) -> list[_Box]:
    """Sorted by those that they hear; one that is alone in hearing anybody has the others on both sides."""
    hears = {box: [a.across for way in ways for a, b in pairwise(way) if b is box] for box in here}
    here.sort(key=lambda box: float(np.mean(hears[box] or [0.0])))
    rest = [box for box in here if not hears[box]]
    half = (len(rest) + 1) // 2
    return [*rest[:half], *here[len(rest) :], *rest[half:]] if len(rest) == len(here) - 1 else here


def _arrow(axes: Any, way: list[_Box], text: str, aside: float, colour: str, down: bool) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    start, *bends, end = way
    stops = [(start.along + start.length / 2, start.across + aside)]
    for bend in bends:  # straight beside the boxes that it passes
        stops += [(bend.along + side * bend.length / 2, bend.across + aside) for side in (-1, 1)]
    stops.append((end.along - end.length / 2, end.across + aside + _entry(way, down)))
    points, codes = [stops[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(stops):
        points += [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x1, y1)]
        codes += [Path.CURVE4] * 3
    path = Path([point[::-1] if down else point for point in points], codes)
    arrow = FancyArrowPatch(path=path, arrowstyle="-|>,head_length=5,head_width=2.5", shrinkA=0, shrinkB=0)
    arrow.set(color=colour, linewidth=1.2, zorder=2)
    axes.add_patch(arrow)
    if not text:
        return
    (x0, y0), (x1, y1) = stops[:2]
    where = (bends[0].along, bends[0].across + aside) if bends else (0.55 * x0 + 0.45 * x1, 0.55 * y0 + 0.45 * y1)
    box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none"}
    axes.text(*(where[::-1] if down else where), text, ha="center", va="center", fontsize=9, bbox=box, zorder=3)


def _entry(way: list[_Box], down: bool) -> float:
    """Arrows enter a box at the side that they come from."""
    return float(np.clip(way[-2].across - way[-1].across, *((-14, 14) if down else (-9, 9))))


def _draw_box(axes: Any, box: _Box, down: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = (box.across, box.along) if down else (box.along, box.across)
    wide, high = (box.breadth, box.length) if down else (box.length, box.breadth)
    patch = FancyBboxPatch((x - wide / 2, y - high / 2), wide, high, boxstyle="round,pad=0,rounding_size=5")
    patch.set(edgecolor=INK, zorder=3, **box.look)
    axes.add_patch(patch)
    for row, word in enumerate(box.words):
        look = {"weight": "normal" if row else "bold", "fontsize": 9.5, "color": INK, "zorder": 4}
        axes.text(x, y + LINE * (row - (len(box.words) - 1) / 2), word, ha="center", va="center_baseline", **look)
