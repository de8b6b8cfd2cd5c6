"""The pictures of notebook 01: convolutions, ribbons and profiles of large models, neurons, costs that grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lessons.computational_graphs import levels, multiply_adds, parameters, total
from lessons.graph import Graph
from lessons.model import ComputationalGraph, Node
from lessons.show import FAINT, INK, PALER_BLUE, PALETTE, PAPER, STROKES, canvas
from lessons.show.graph import draw_on
from lessons.show.model import draw_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "draw_convolution",
    "draw_growth",
    "draw_model",
    "draw_neurons",
    "draw_profile",
    "draw_ribbon",
    "draw_sharing",
]

Picture = tuple["Figure", str]

# what an operator does, by its name; each kind has its own row below a ribbon, so that colour is not the only cue
KINDS = {
    "multiply": {"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "Attention"},
    "normalise": {"BatchNormalization", "LayerNormalization", "InstanceNormalization", "LRN", "RMSNormalization"},
    "activate": {"Relu", "Sigmoid", "Tanh", "Gelu", "Erf", "Clip", "LeakyRelu", "Softmax", "HardSwish", "Elu"},
    "pool": {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean"},
    "join": {"Add", "Sub", "Mul", "Div", "Concat", "Sum"},
}
COLOURS = dict(zip([*KINDS, "other"], (*STROKES[:5], FAINT), strict=True))


# ---------------------------------------------------------------------------------------- one convolution


def draw_convolution(kernel: int = 3, stride: int = 1, padding: int = 0, size: int = 7) -> Picture:
    """A square image, its padding, and every place where a kernel stops: one number of the result for each."""
    stops = (size + 2 * padding - kernel) // stride + 1
    corners = [-padding + stride * k for k in range(stops)]
    fig, axes = canvas(3.2, 3.4)
    _cells(axes, -padding, size + padding, linestyle=":", facecolor=PAPER, edgecolor=INK)
    _cells(axes, 0, size, facecolor=PALER_BLUE, edgecolor=INK)
    _window(axes, corners[-1], kernel, edgecolor=PALETTE[5], hatch="\\\\")
    _window(axes, corners[0], kernel, edgecolor=PALETTE[0], hatch="//")
    middles = [corner + kernel / 2 for corner in corners]
    axes.plot(*np.array([(x, y) for x in middles for y in middles]).T, "o", color=INK, markersize=5)
    axes.set(xlim=(-2.1, size + 2.1), ylim=(size + 2.1, -2.1), aspect="equal")
    axes.set_title(f"({size} + 2·{padding} − {kernel}) // {stride} + 1 = {stops}", fontsize=13, color=INK)
    alt = (
        f"An image of {size} × {size} cells with {padding} of padding around it: a kernel of {kernel} × {kernel} "
        f"at stride {stride} stops at {stops} × {stops} places."
    )
    return fig, alt


def _cells(axes: Any, start: int, stop: int, **look: Any) -> None:
    from matplotlib.patches import Rectangle

    for x in range(start, stop):
        for y in range(start, stop):
            axes.add_patch(Rectangle((x, y), 1, 1, linewidth=0.7, **look))
    axes.set_axis_off()


def _window(axes: Any, corner: int, kernel: int, **look: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((corner, corner), kernel, kernel, fill=False, linewidth=2.2, **look))


# ---------------------------------------------------------------------------------------- a large model


def draw_ribbon(model: ComputationalGraph, title: str = "") -> Picture:
    """A whole model, one column a level: its height is how many numbers the nodes there give.

    Arcs are the tensors that skip levels. Below, a row for each kind of operator has a mark wherever it occurs.
    """
    level, sizes = levels(model), _sizes(model)
    last = int(level.max(initial=0)) + 1
    fig, (ribbon, rows) = canvas(6.4, 4.0, rows=2)
    ribbon.get_gridspec().set_height_ratios([3, 1.4])
    top = np.bincount(level, sizes, minlength=last)
    filled = -top / 2
    for kind in COLOURS:
        mine = np.array([_kind(node) == kind for node in model.nodes])
        height = np.bincount(level[mine], sizes[mine], minlength=last)
        ribbon.bar(np.arange(last), height, 1.0, bottom=filled, color=COLOURS[kind], linewidth=0)
        filled = filled + height
    skips = _skips(model, level)
    _arcs(ribbon, skips, top)
    _rows(rows, model, level)
    ribbon.set(yticks=[], xticks=[], xlim=(-1, last))
    ribbon.spines[["left", "bottom"]].set_visible(False)
    ribbon.set_title(title, fontsize=10, color=INK)
    largest = int(np.argmax(top))
    arcs = f"{len(skips)} arc{'' if len(skips) == 1 else 's'} where a tensor skips levels"
    alt = (
        f"{model.name or 'A model'} as a ribbon of {last} levels, with {arcs}. "
        f"Most numbers, {int(top[largest]):,}, come out of level {largest}."
    )
    return fig, alt


def _sizes(model: ComputationalGraph) -> NDArray[np.int64]:
    """For each node, the elements of what it gives; 0 where that is not known."""
    tensors = model.tensors
    return np.array([sum(tensors[t].size or 0 for t in node.outputs if t) for node in model.nodes], np.int64)


def _kind(node: Node) -> str:
    return next((kind for kind, ops in KINDS.items() if node.op in ops and not node.domain), "other")


def _skips(model: ComputationalGraph, level: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The levels at both ends of each edge that passes at least one level."""
    ends = level[model.to_graph().edge_rows]
    return [(int(u), int(v)) for u, v in ends if v > u + 1]


def _arcs(axes: Any, skips: Sequence[tuple[int, int]], top: NDArray[Any]) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    longest, thin = max((v - u for u, v in skips), default=1), len(skips) > 100
    for u, v in skips:
        high = max(top[u : v + 1]) / 2 + top.max() / 2 * ((v - u) / longest) ** 0.75
        points = [(u, top[u] / 2), (u, high), (v, high), (v, top[v] / 2)]
        curve = Path(points, [Path.MOVETO] + [Path.CURVE4] * 3)
        axes.add_patch(PathPatch(curve, fill=False, edgecolor=INK, linewidth=0.4 if thin else 0.8))
    axes.autoscale_view()


def _rows(axes: Any, model: ComputationalGraph, level: NDArray[np.int64]) -> None:
    kinds = [_kind(node) for node in model.nodes]
    present = [kind for kind in COLOURS if kind in kinds]
    for row, kind in enumerate(present):
        where = [at for at, other in zip(level.tolist(), kinds, strict=True) if other == kind]
        axes.vlines(where, row - 0.4, row + 0.4, color=COLOURS[kind], linewidth=1.6)
    axes.set_yticks(range(len(present)), present, fontsize=8)
    axes.set(ylim=(len(present) - 0.4, -0.6), xlim=(-1, int(level.max(initial=0)) + 1))
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("level: edges on a longest path from the input", fontsize=9)


def draw_profile(model: ComputationalGraph, title: str = "") -> Picture:
    """Shares of parameters (up) and multiply-adds (down) at each level, and where half of each is reached."""
    level = levels(model)
    learnt, products = _shares(parameters(model), level), _shares(multiply_adds(model), level)
    halves = [int(np.searchsorted(np.cumsum(share), 0.5)) for share in (learnt, products)]
    fig, axes = canvas(6.4, 3.4)
    axes.bar(range(len(learnt)), 100 * learnt, 1.0, color=PALETTE[0])
    axes.bar(
        range(len(products)), -100 * products, 1.0, color=PALETTE[1], hatch="////", edgecolor=INK, linewidth=0.3
    )
    high = 100 * max(learnt.max(), products.max()) * 1.25
    for sign, half, name in ((1, halves[0], "parameters"), (-1, halves[1], "multiply-adds")):
        axes.plot([half, half], [0, sign * high], color=INK, linestyle="--", linewidth=1)
        aside = "right" if half > len(learnt) / 2 else "left"
        words = f" half of the {name}: level {half} "
        axes.text(half, sign * high, words, ha=aside, va="top" if sign > 0 else "bottom", fontsize=9, color=INK)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g} %")
    axes.set(xlabel="level", ylim=(-high * 1.02, high * 1.02), xlim=(-1, len(learnt)))
    axes.set_title(title, fontsize=10, color=INK)
    alt = (
        f"Shares of {model.name or 'a model'} at each of {len(learnt)} levels, parameters above the line and "
        f"multiply-adds below. Half of the multiply-adds are done by level {halves[1]}, half of the parameters "
        f"are met only by level {halves[0]}."
    )
    return fig, alt


def _shares(counts: Sequence[int | None], level: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of the total at each level; what is not counted is left out."""
    sums = np.bincount(level, [count or 0 for count in counts])
    return sums / max(sums.sum(), 1)


# ---------------------------------------------------------------------------------------- neurons


def draw_neurons(graph: Graph, rounds: int = 3, heard: int = 0) -> Picture:
    """A relational graph, and the layers it stands for: one round of messages between two columns of neurons.

    Neurons that can have heard of neuron `heard`, along the edges and by staying where they are, are filled.
    """
    A = graph.to_scipy().T.astype(bool).toarray()
    reached = [np.arange(graph.n) == heard]
    for _ in range(rounds):
        reached.append(A @ reached[-1])
    fig, (left, right) = canvas(6.4, 2.9, columns=2)
    left.get_gridspec().set_width_ratios([1, 1.5])
    angle = np.pi / 2 - 2 * np.pi * np.arange(graph.n) / graph.n
    draw_on(left, graph, positions=np.column_stack([np.cos(angle), np.sin(angle)]), marked=[graph.nodes[heard]])
    left.set_aspect("equal")
    left.set_title("relational graph", fontsize=10, color=INK)
    _unrolled(right, A, reached)
    right.set_title(f"{rounds} rounds, {rounds} layers", fontsize=10, color=INK)
    told = ", ".join(str(int(known.sum())) for known in reached[1:])
    alt = (
        f"A relational graph of {graph.n} neurons with {graph.m} edges, and {rounds} rounds on it as layers of "
        f"a network. Round by round, {told} can have heard of neuron {heard}."
    )
    return fig, alt


def _unrolled(axes: Any, A: NDArray[np.bool_], reached: Sequence[NDArray[np.bool_]]) -> None:
    n = len(A)
    for column, known in enumerate(reached):
        for i, j in np.argwhere(A) if column else ():
            told = reached[column - 1][j]
            look = {"color": PALETTE[0], "linewidth": 1.6} if told else {"color": FAINT, "linewidth": 0.8}
            axes.plot([column - 1, column], [-j, -i], zorder=2 if told else 1, **look)
        filled = [PALETTE[0] if one else PAPER for one in known]
        axes.scatter([column] * n, -np.arange(n), s=90, c=filled, edgecolors=INK, linewidths=1.2, zorder=3)
    axes.set_axis_off()
    axes.margins(0.08, 0.12)


# ---------------------------------------------------------------------------------------- costs that grow


def draw_growth(build: Callable[[int], ComputationalGraph], size: int, start: int, unit: str = "") -> Picture:
    """Costs of a model at one size of its input, as multiples of those at the size `start`."""
    costs, first = _costs(build(size)), _costs(build(start))
    names, factors = list(costs), [costs[name] / first[name] for name in costs]
    fig, axes = canvas(3.2, 2.9)
    axes.barh(names, factors, height=0.35, color=PALETTE[:3], edgecolor=INK, hatch="//")
    for row, name in enumerate(names):
        words = f"{name}: × {factors[row]:.3g}"
        axes.text(0, row - 0.28, words, va="bottom", fontsize=13, color=INK)
    axes.set(xlim=(0, max(*factors, 4)), ylim=(2.4, -0.8), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(f"{size}{unit}", fontsize=13, color=INK)
    told = ", ".join(f"{name} {factor:.3g}" for name, factor in zip(names, factors, strict=True))
    return fig, f"Costs at {size}{unit}, as multiples of those at {start}{unit}: {told}."


def _costs(model: ComputationalGraph) -> dict[str, int]:
    learnt, products = total(parameters(model)).value, total(multiply_adds(model)).value
    return {"parameters": learnt, "multiply-adds": products, "activations": int(_sizes(model).sum())}


def draw_sharing(build: Callable[[int], ComputationalGraph], words: int) -> Picture:
    """Which part of a Transformer's multiply-adds multiplies activations by activations: that grows fastest."""
    model = build(words)
    weights = model.weights
    counts = [count or 0 for count in multiply_adds(model)]
    reads = [any(t in weights for t in node.inputs) for node in model.nodes]
    by_weights = sum(count for count, reads_one in zip(counts, reads, strict=True) if reads_one)
    between = sum(counts) - by_weights
    share = between / max(sum(counts), 1)
    fig, axes = canvas(3.4, 2.4)
    bars = axes.bar(["weights", "attention"], [100 * (1 - share), 100 * share], color=PALETTE[:2], edgecolor=INK)
    bars[1].set_hatch("//")
    axes.set(ylim=(0, 105))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.set_title(f"{words} words\n{sum(counts) / 1e9:.3g} billion", fontsize=12, color=INK)
    axes.tick_params(labelsize=11)
    alt = (
        f"At {words} words, {100 * (1 - share):.0f} % of the multiply-adds are with weights and "
        f"{100 * share:.0f} % between words, in attention."
    )
    return fig, alt
