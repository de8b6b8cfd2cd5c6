"""The pictures of notebook 06: ways, scores, flows and cuts, the neurons of a network, what pruning costs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.flow_networks import augmenting_path_definition
from lessons.graph import Graph, Label, as_graph
from lessons.show import FAINT, INK, PALE_BLUE, PALETTE, PAPER, STROKES, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lessons.flow_networks import MaxFlow
    from lessons.offloading import Split

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]
Steps = Collection[tuple[Label, Label]]

SIX = np.array([[0, 0.5], [1, 1], [1, 0], [2, 0], [2, 1], [3, 0.5]], float)  # where s a b c d t stand
NODE = 12.0  # radius of a disc, in points
SOURCE, OTHER = PALE_BLUE, PAPER  # the two sides of a cut; a thick rim tells them apart too
MARKS, LINES = "os^Dv*", ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)))
CLEAR = 0.05  # of accuracy; smaller leads may turn round on another machine


# ---------------------------------------------------------------------------------------- a network of six


def draw_ways(graph: object, at: ArrayLike, ways: Mapping[str, Sequence[Label]]) -> Picture:
    """Paths through a graph with lengths, a panel for each: thick arrows, with edges and length in the title."""
    graph, at = as_graph(graph), np.asarray(at, float)
    fig, axes = canvas(6.4, 2.5, columns=len(ways))
    length, told = graph.by_edge(graph.edge_weights), []
    for axis, (name, path) in zip(np.atleast_1d(axes), ways.items(), strict=True):
        steps = list(pairwise(path))
        total = f"{len(steps)} edges, length {sum(length[step] for step in steps):g}"
        _draw_edges(axis, graph, at, np.zeros(graph.m), {edge: f"{w:g}" for edge, w in length.items()}, steps)
        _draw_nodes(axis, graph, at, thick=path)
        axis.set_title(f"{name}: {total}", fontsize=10, color=INK)
        told.append(f"{name} {' → '.join(map(str, path))} ({total})")
    return fig, f"A graph of {graph.n} nodes with lengths on its edges. Thick: {', '.join(told)}."


# ---------------------------------------------------------------------------------------- flows and cuts


def draw_flow(graph: object, at: ArrayLike, flow: ArrayLike, side: Collection[Label] = ()) -> Picture:
    """A flow on a small directed graph: "flow/capacity" on each edge, as thick as it carries.

    `side` are the nodes on the source's side of a cut: they are filled, with a thick rim, and the edges that lead
    out of it are dashed.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    fig, axis = canvas(4.8, 2.7)
    carried, capacity = graph.by_edge(flow), graph.by_edge(graph.edge_weights)
    crossing = [(u, v) for u, v in graph.edges() if u in side and v not in side]
    words = {edge: f"{carried[edge]:g}/{capacity[edge]:g}" for edge in graph.edges()}
    _draw_edges(axis, graph, at, flow, words, dashed=crossing)
    _draw_nodes(axis, graph, at, thick=side)
    told = ", ".join(f"{u} → {v} {words[u, v]}" for u, v in graph.edges())
    if not crossing:
        return fig, f"A flow, as flow/capacity: {told}."
    cut = " and ".join(f"{u} → {v}" for u, v in crossing)
    return fig, (
        f"A flow, as flow/capacity: {told}. Dashed, a cut: {cut} lead out of {', '.join(map(str, side))}, "
        f"with {sum(carried[edge] for edge in crossing):g} of {sum(capacity[edge] for edge in crossing):g}."
    )


def draw_augmented(graph: object, at: ArrayLike, source: Label, target: Label, step: int) -> Picture:
    """The flow after some augmenting paths; the last is marked: thick where it adds, dotted where it takes back.

    Where no path is left, the cut that the source's side makes is dashed instead.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    flow, path, sent, side = augmented(graph, source, target, step)
    carried, capacity = graph.by_edge(flow), graph.by_edge(graph.edge_weights)
    words = {edge: f"{carried[edge]:g}/{capacity[edge]:g}" for edge in graph.edges()}
    back = [(v, u) for u, v in path if (u, v) not in capacity]
    cut = [(u, v) for u, v in graph.edges() if u in side and v not in side]
    fig, axis = canvas(3.6, 2.9)
    _draw_edges(axis, graph, at, flow, words, [edge for edge in path if edge in capacity], cut, back, fontsize=11)
    _draw_nodes(axis, graph, at, thick=side)
    total = f"{sum(x for (u, _), x in carried.items() if u == source):g}"
    if side:
        title, alt = f"no path left: {total} flow", f"{total} flow, and no path is left{_told_cut(side, cut)}."
    else:
        title, alt = _told_path(path, sent, back, total)
    axis.set_title(title, fontsize=12, color=INK)
    return fig, alt


def _told_cut(side: Collection[Label], cut: Steps) -> str:
    if not cut:
        return f": no edge leads out of {', '.join(map(str, side))}"
    return f". The cut, dashed: {' and '.join(f'{u} → {v}' for u, v in cut)}, all full"


def _told_path(path: Sequence[tuple[Label, Label]], sent: float, back: Steps, total: str) -> tuple[str, str]:
    if not path:
        return "nothing flows yet", "Nothing flows yet, and every edge has all its room."
    way = " → ".join(str(u) for u, _ in path) + f" → {path[-1][1]}"
    taken = "".join(f", {sent:g} of them by taking back what {u} → {v} carried" for u, v in back)
    return f"{way}: +{sent:g}", f"The path {way} adds {sent:g}{taken}, so that {total} flow in all."


def augmented(
    graph: Graph, source: Label, target: Label, steps: int
) -> tuple[Floats, list[tuple[Label, Label]], float, list[Label]]:
    """The flow (m,) after so many augmenting paths; the last path, as edges; what it added; and, where no path was
    left for the last of them, the nodes that the source still reaches.

    >>> augmented(as_graph([("s", "t", 3)], nodes="st", directed=True), "s", "t", 1)
    (array([3.]), [('s', 't')], 3.0, [])
    """
    s, t, nodes = graph.index(source), graph.index(target), graph.nodes
    room: list[dict[int, float]] = [{} for _ in nodes]
    for (u, v), capacity in zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True):
        room[u][v] = room[u].get(v, 0.0) + capacity
        room[v].setdefault(u, 0.0)
    path, sent, side = [], 0.0, []
    for _ in range(steps):
        found = augmenting_path_definition(room, s, t)
        path, sent = found or [], min((room[u][v] for u, v in found), default=0.0) if found else 0.0
        if found is None:
            side = _reached(room, s)
            break
        for u, v in path:
            room[u][v] -= sent
            room[v][u] += sent
    flow = [
        w - room[u][v] for (u, v), w in zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)
    ]
    steps_taken = [(nodes[u], nodes[v]) for u, v in path]
    return np.maximum(flow, 0.0), steps_taken, sent, [nodes[row] for row in side]


def _reached(room: Sequence[Mapping[int, float]], source: int) -> list[int]:
    reached = [source]
    for u in reached:
        reached += [v for v, left in room[u].items() if left > 0 and v not in reached]
    return sorted(reached)


# ---------------------------------------------------------------------------------------- people


def draw_people(graph: object, at: ArrayLike, scores: Mapping[str, ArrayLike], top: int = 5) -> Picture:
    """Scores of one graph, side by side: the area of a node is its score; those that score most have a thick rim,
    and a line leads to their names.
    """
    graph, at = as_graph(graph), np.asarray(at, float)
    fig, axes = canvas(3.2 * len(scores), 3.5, columns=len(scores))
    told = []
    for axis, (name, values) in zip(np.atleast_1d(axes), scores.items(), strict=True):
        values = np.asarray(values, float)
        first = np.lexsort((np.arange(graph.n), -values.round(9)))[:top].tolist()
        sizes = 8 + 420 * values / (values.max(initial=0.0) or 1.0)
        _lines(axis, at, graph.edge_rows, color=FAINT, linewidths=0.5)
        axis.scatter(*at.T, s=sizes, color=PALETTE[4], edgecolors=INK, linewidths=0.6, zorder=3)
        _frame(axis, at)
        axis.scatter(*at[first].T, s=sizes[first], color="none", edgecolors=INK, linewidths=2, zorder=3)
        _name(axis, at, sizes, {row: f"{place} {graph.nodes[row]}" for place, row in enumerate(first, 1)})
        axis.set_title(name, fontsize=10, color=INK)
        told.append(f"{name} {', '.join(str(graph.nodes[row]) for row in first)}")
    return fig, f"{graph.n} nodes, the area of each its score. First in each picture: {'; '.join(told)}."


def _name(axis: Any, at: Floats, sizes: Floats, names: Mapping[int, str]) -> None:
    """Names above, below or beside their discs, where they meet the fewest other names, then the fewest other
    named discs; a line leads from disc to name.
    """
    box = {"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8}
    discs = axis.transData.transform(at[list(names)])
    taken: list[Floats] = []
    for k, (row, name) in enumerate(names.items()):
        out, wide, high = np.sqrt(sizes[row]) / 2 * 100 / 72 + 8, 6.2 * len(name), 14.0
        ways = [(0, out + high / 2), (0, -out - high / 2), (out + wide / 2, 0), (-out - wide / 2, 0)]
        places = discs[k] + np.array(ways)
        blocks = taken, np.delete(discs, k, axis=0)  # names above all
        met = [
            [sum((abs(place - it) <= (wide, high)).all() for it in them) for them in blocks] for place in places
        ]
        taken.append(places[met.index(min(met))])
        where = axis.transData.inverted().transform(taken[-1])
        axis.plot(*zip(at[row], where, strict=True), color=INK, linewidth=0.8, zorder=3)
        axis.text(*where, name, ha="center", va="center", fontsize=8, zorder=4, bbox=box)


# ---------------------------------------------------------------------------------------- neurons


def draw_neurons(graph: Graph, found: MaxFlow) -> Picture:
    """The hidden neurons of a `neuron_graph`, a panel for each layer: what enters a neuron as a bar to the left,
    what leaves it to the right, filled as far as flow goes through; hatched where the minimum cut takes its edges.
    """
    layer = np.array([label[0] for label in graph.nodes])
    tails, heads = graph.edge_rows.T
    cut = found.reached[tails] & ~found.reached[heads]
    last = int(layer.max(initial=0))
    fig, axes = canvas(6.4, 3.6, columns=last - 1)
    for k, axis in enumerate(np.atleast_1d(axes), 1):
        rows = np.flatnonzero(layer == k)
        rows = rows[np.lexsort((rows, -found.through[rows]))]
        for sign, ends in ((-1, heads), (1, tails)):
            strength = np.bincount(ends, graph.edge_weights, graph.n).astype(np.float64)[rows]
            taken = np.bincount(ends[cut], minlength=graph.n)[rows] > 0
            _bars(axis, sign * strength, sign * found.through[rows], taken)
        _both_ways(axis, f"hidden layer {k}")
    sizes = ", ".join(map(str, np.bincount(layer)))
    taken_from = ", ".join(str(k) for k in np.unique(layer[tails[cut]]).tolist())
    return fig, (
        f"For each hidden neuron of a network of {sizes} a bar of what enters and one of what leaves, filled "
        f"as far as flow goes. The minimum cut, hatched, takes edges out of layer {taken_from or 'none'}."
    )


def _both_ways(axis: Any, title: str) -> None:
    """An axis of amounts to the left and to the right of zero."""
    axis.axvline(0, color=INK, linewidth=1.2)
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter(lambda x, _: f"{abs(x):g}")
    axis.set_yticks([])
    axis.set_title(title, fontsize=10, color=INK)
    for word, side in (("enters   ", "right"), ("   leaves", "left")):
        axis.annotate(word, (0, -0.12), xycoords=("data", "axes fraction"), ha=side, va="center", fontsize=10)
    axis.set_xlabel(" ", fontsize=10)


def _bars(axis: Any, strength: Floats, through: Floats, cut: NDArray[np.bool_]) -> None:
    """A bar for each neuron as long as its strength, filled as far as flow goes through it."""
    places = np.arange(len(strength))
    axis.barh(places, strength, 0.8, color=PAPER, edgecolor=INK, linewidth=0.5)
    filled = axis.barh(places, through, 0.8, color=PALETTE[4], edgecolor=INK, linewidth=0.5)
    for bar, full in zip(filled, cut, strict=True):
        bar.set(hatch="/////" if full else "", facecolor=PALETTE[1] if full else PALETTE[4])


def draw_pruning(fractions: Sequence[float], runs: Mapping[str, ArrayLike], chance: float = 0.1) -> Picture:
    """Accuracy over the share of hidden neurons that were removed: mean and standard deviation over networks.

    `runs` maps a way to choose them to an array (networks, fractions); the dotted line is what guessing gets.
    """
    fig, axis = canvas(6.2, 3.4)
    shift = 0.006 * np.diff(fractions).mean() / 0.1
    for k, (name, values) in enumerate(runs.items()):
        values = np.asarray(values, float)
        axis.errorbar(
            100 * (np.asarray(fractions) + shift * (k - (len(runs) - 1) / 2)), 100 * values.mean(axis=0),
            100 * values.std(axis=0, ddof=1), label=name, color=STROKES[k], marker=MARKS[k],
            linestyle=LINES[k], markersize=5, capsize=2.5, linewidth=1.4,
        )  # fmt: skip
    axis.axhline(100 * chance, color=INK, linestyle=":", linewidth=1)
    axis.set(xlabel="hidden neurons removed [%]", ylabel="test images read right [%]", ylim=(0, 102))
    axis.legend(frameon=False, fontsize=9)
    return fig, _told_pruning(fractions, runs)


def _told_pruning(fractions: Sequence[float], runs: Mapping[str, ArrayLike]) -> str:
    """Names who is clearly ahead of the next, or behind the last but one, where about half are removed."""
    at = int(np.argmin(np.abs(np.asarray(fractions) - 0.5)))
    means = {name: float(np.asarray(values)[:, at].mean()) for name, values in runs.items()}
    ranked = sorted(means, key=means.__getitem__, reverse=True)
    told = []
    if len(ranked) > 1 and means[ranked[0]] - means[ranked[1]] > CLEAR:
        told.append(f'"{ranked[0]}" is clearly ahead')
    if len(ranked) > 1 and means[ranked[-2]] - means[ranked[-1]] > CLEAR:
        told.append(f'"{ranked[-1]}" is clearly behind')
    where = f"With {fractions[at]:.0%} removed,"
    return (
        f"Accuracy over the share of hidden neurons removed, mean and spread over networks, by {', '.join(runs)}. "
        f"{where} {' and '.join(told) or 'none is clearly ahead'}."
    )


# ---------------------------------------------------------------------------------------- samples


def draw_sampled(samples: Sequence[int], errors: ArrayLike, bounds: ArrayLike) -> Picture:
    """The largest error of sampled betweenness over the number of samples, both axes logarithmic: the runs, their
    mean, the error bound, and the slope of 1/sqrt(samples).

    `errors` is (runs, len(samples)), `bounds` (len(samples),), in one unit.
    """
    errors, bounds = np.asarray(errors, float), np.asarray(bounds, float)
    fig, axis = canvas(5.6, 3.1)
    for run in errors:
        axis.loglog(samples, run, ".", color=PALETTE[0], markersize=4, alpha=0.6)
    mean = errors.mean(axis=0)
    axis.loglog(samples, mean, color=PALETTE[0], marker="o", label="largest error: runs and mean")
    axis.loglog(samples, bounds, color=PALETTE[5], linestyle="--", marker="s", markersize=4, label="bound")
    slope = mean[0] * np.sqrt(samples[0] / np.asarray(samples, float))
    axis.loglog(samples, slope, color=INK, linestyle=":", label="slope of 1/√samples")
    axis.set_xticks(list(samples), [f"{count:,}" for count in samples])
    axis.minorticks_off()
    axis.set(xlabel="samples", ylabel="error of betweenness")
    axis.legend(frameon=False, fontsize=9, loc="lower left")
    inside = int((errors <= bounds).sum())
    return fig, (
        f"The largest error over {samples[0]:,} to {samples[-1]:,} samples, and the bound, on logarithmic axes. "
        f"{inside} of {errors.size} errors lie below the bound."
    )


# ---------------------------------------------------------------------------------------- phone and server


def draw_split(seconds: ArrayLike, split: Split, title: str = "") -> Picture:
    """The time to the answer if the phone stops after k nodes: its work, sending, the server's work, stacked; a
    dashed line at the best split, which a minimum cut has found.

    `seconds` is (n + 1, 3), as `positions` gives them.
    """
    seconds = np.asarray(seconds, float)
    fig, axis = canvas(3.6, 2.9)
    k, parts, low = np.arange(len(seconds)), ("phone", "sending", "server"), np.zeros(len(seconds))
    for part, amount, colour, hatch in zip(parts, seconds.T, PALETTE, ("", "///", "..."), strict=False):
        look = {"facecolor": colour, "alpha": 0.45, "hatch": hatch, "edgecolor": INK, "linewidth": 0.3}
        axis.fill_between(k, low, low + amount, step="mid", label=part, **look)
        low = low + amount
    axis.axvline(len(split.phone), color=INK, linestyle="--", linewidth=2)
    n = len(seconds) - 1
    top = min(1.25 * max(seconds[0].sum(), seconds[-1].sum()), 4 * split.cost) or 1.0
    axis.set(xlim=(-0.03 * n, 1.03 * n), ylim=(0, top), xlabel="nodes on the phone", ylabel="seconds")
    axis.set_title(title, fontsize=12, color=INK)
    axis.legend(frameon=True, framealpha=0.9, fontsize=9, loc="upper center", ncols=3, handlelength=1.2)
    where = f"{len(split.phone)} of {n} nodes on the phone"
    sent = f"sends {split.bytes:,} bytes" if split.sent else "sends nothing"
    best = f"Best, dashed: {where}, which {sent}: {split.cost:.2g} s."
    return fig, f"Seconds to the answer over the nodes on the phone. {best}"


# ---------------------------------------------------------------------------------------- helpers


def _draw_edges(
    axis: Any,
    graph: Graph,
    at: Floats,
    amounts: ArrayLike,
    words: Mapping[tuple[Label, Label], str],
    thick: Steps = (),
    dashed: Steps = (),
    dotted: Steps = (),
    *,
    fontsize: float = 9,
) -> None:
    """Arrows as wide as their amounts, with words on them; `thick`, `dashed` and `dotted` ones are marked so."""
    from matplotlib.patches import FancyArrowPatch

    amounts = np.asarray(amounts, float)
    widest = float(amounts.max(initial=0.0)) or 1.0
    for (u, v), edge, amount in zip(graph.edge_rows.tolist(), graph.edges(), amounts.tolist(), strict=True):
        look: dict[str, Any] = {"linewidth": 0.8 + 2.2 * amount / widest, "color": INK if amount else FAINT}
        if edge in thick:
            look |= {"color": PALETTE[0], "linewidth": 4.0}
        if edge in dotted:
            look |= {"color": PALETTE[5], "linewidth": 4.0, "linestyle": (0, (0.8, 0.8))}
        if edge in dashed:
            look |= {"color": PALETTE[5], "linewidth": 3.0, "linestyle": (0, (2.5, 1.2))}
        arrow = FancyArrowPatch(
            at[u], at[v], arrowstyle="-|>,head_length=6,head_width=3" if graph.directed else "-",
            mutation_scale=1, shrinkA=NODE + 1, shrinkB=NODE + 1, zorder=2,
        )  # fmt: skip
        arrow.set(**look)
        axis.add_patch(arrow)
        if edge in words:
            box = {"boxstyle": "round,pad=0.12", "facecolor": PAPER, "edgecolor": "none"}
            middle = at[u] + 0.45 * (at[v] - at[u])
            axis.annotate(words[edge], middle, ha="center", va="center", fontsize=fontsize, bbox=box, zorder=5)


def _draw_nodes(axis: Any, graph: Graph, at: Floats, thick: Collection[Label] = ()) -> None:
    for label, where in zip(graph.nodes, at, strict=True):
        fill, rim = (SOURCE, 2.6) if label in thick else (OTHER, 1.1)
        axis.scatter(*where, s=(2 * NODE) ** 2, color=fill, edgecolors=INK, linewidths=rim, zorder=3)
        axis.annotate(str(label), where, ha="center", va="center", fontsize=10, zorder=4)
    _frame(axis, at)


def _lines(axis: Any, at: Floats, ends: NDArray[Any], **look: Any) -> None:
    from matplotlib.collections import LineCollection

    axis.add_collection(LineCollection(at[ends], zorder=1, **look))


def _frame(axis: Any, at: Floats) -> None:
    axis.set_axis_off()
    low, high = at.min(axis=0), at.max(axis=0)
    margin = 0.12 * np.maximum(high - low, 1e-9) + 0.02
    axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axis.set_ylim(low[1] - 1.6 * margin[1], high[1] + 1.6 * margin[1])
