"""Pictures of a `Graph`: nodes as discs with their labels, edges as lines or arrows.

figure(*draw_graph(graph))
figure(*draw_graph(graph, values=ranks, marked=["a"], title="Who matters?"))
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import Graph, Label
from lessons.show import FAINT, INK, PALE_YELLOW, PALETTE, PAPER, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NODE = 13.0  # radius of a disc, in points
FEW = 300  # nodes; above, a layout by forces takes seconds and labels cannot be read


def draw_graph(
    graph: Graph,
    *,
    positions: ArrayLike | None = None,
    values: Mapping[Label, Any] | None = None,
    marked: Collection[Label] = (),
    title: str = "",
    alt: str = "",
    size: tuple[float, float] = (5.0, 3.2),
) -> tuple[Figure, str]:
    """Draw a graph: -> (figure, alt text), by default one that lists its edges.

    `positions` (n, 2) in the order of `nodes`, else `layout(graph)`; `values` are written beside their nodes;
    `marked` nodes are filled and have a double rim. Edge weights stand on the edges of small graphs. O(n + m),
    and O(n^3) for the layout of up to 300 nodes.

    >>> from lessons import as_graph
    >>> fig, alt = draw_graph(as_graph([("a", "b")], nodes=["a", "b"], directed=True))
    >>> alt
    'A directed graph of 2 nodes with the edge a → b.'
    """
    fig, axes = canvas(*size)
    draw_on(axes, graph, positions=positions, values=values or {}, marked=marked)
    axes.set_title(title, fontsize=11, color=INK)
    return fig, alt or described(graph, values)


def draw_on(
    axes: Any,
    graph: Graph,
    *,
    positions: ArrayLike | None = None,
    values: Mapping[Label, Any] | None = None,
    marked: Collection[Label] = (),
) -> None:
    """Draw a graph on axes that are there already; see `draw_graph`."""
    at = layout(graph) if positions is None else np.asarray(positions, float)
    axes.set_axis_off()
    axes.margins(0.16)
    if not graph.n:
        axes.text(0.5, 0.5, "no nodes", ha="center", va="center", color=INK, transform=axes.transAxes)
        return
    if graph.n > FEW:
        _draw_many(axes, graph, at)
        return
    axes.scatter(*at.T, s=0)
    _draw_edges(axes, graph, at)
    for row, label in enumerate(graph.nodes):
        _draw_node(axes, str(label), at[row], label in marked)
        if values and label in values:
            _draw_value(axes, values[label], at[row], _free_direction(graph, at, row))


def layout(graph: Graph) -> NDArray[np.float64]:
    """(n, 2) where to draw each node, the same at every call.

    Up to 300 nodes by Kamada and Kawai's springs if connected, else on a circle; larger graphs by `spread`.

    >>> from lessons import as_graph
    >>> layout(as_graph([], n=2)).round(3).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    import networkx

    if graph.n > FEW:
        return spread(graph)
    plain = graph.to_undirected().to_networkx()
    if graph.n > 2 and networkx.is_connected(plain):
        found = networkx.kamada_kawai_layout(plain, weight=None)
        return np.array([found[label] for label in graph.nodes])
    angle = 2 * np.pi * np.arange(graph.n) / max(graph.n, 1)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def spread(graph: Graph, rounds: int = 200, seed: int = 7) -> NDArray[np.float64]:
    """(n, 2) places for a large graph: edges pull their ends together, random pairs push each other apart.

    The forces are those of UMAP's layout with both of its curve parameters at 1; O(rounds (n + m)).

    Source: L. McInnes, J. Healy, J. Melville, UMAP, 2018, arXiv:1802.03426, section 3.2.
    """
    rng = np.random.default_rng(seed)
    ends = np.concatenate([graph.edge_rows, graph.edge_rows[:, ::-1]])
    at = _smoothed(graph, rng)
    for turn in range(rounds):
        away = np.column_stack([np.repeat(ends[:, 0], 4), rng.integers(0, graph.n, 4 * len(ends))])
        push = _force(at, away, lambda square: 2 / ((0.01 + square) * (1 + square)))
        pull = _force(at, ends, lambda square: -2 / (1 + square))
        at = at + (1 - turn / rounds) * (push + pull)
    return at


def _smoothed(graph: Graph, rng: np.random.Generator) -> NDArray[np.float64]:
    """A start: noise averaged over neighbours many times, so that near nodes begin near."""
    A = graph.to_undirected().to_scipy()
    mean = A.multiply(1 / np.maximum(A.sum(axis=1), 1)[:, None]).tocsr()
    noise = rng.standard_normal((graph.n, 2))
    for _ in range(100):
        noise = (noise + mean @ noise) / 2
        noise = np.linalg.qr(noise - noise.mean(axis=0))[0]
    return noise * np.sqrt(graph.n) * 3


def _force(at: NDArray[np.float64], pairs: NDArray[Any], strength: Any) -> NDArray[np.float64]:
    """(n, 2) the sum over pairs (i, j) of strength(distance²) times the step from j to i, each at most 4."""
    step = at[pairs[:, 0]] - at[pairs[:, 1]]
    step = np.clip(strength((step**2).sum(axis=1))[:, None] * step, -4, 4)
    return np.column_stack([np.bincount(pairs[:, 0], step[:, axis], len(at)) for axis in (0, 1)])


def described(graph: Graph, values: Mapping[Label, Any] | None = None) -> str:
    """A graph in a sentence, its edges listed while they are few; the values of its nodes in another.

    >>> from lessons import as_graph
    >>> described(as_graph([(0, 1), (1, 2)], n=3), {0: 0.5})
    'An undirected graph of 3 nodes with the edges 0 – 1, 1 – 2. Written beside them: 0.5 at 0.'
    """
    written = "" if not values else f" Written beside them: {listed(values, '{value} at {label}')}."
    kind = "A directed" if graph.directed else "An undirected"
    nodes = f"{graph.n:,} node{'' if graph.n == 1 else 's'}"
    if not graph.m:
        return f"{kind} graph of {nodes} and no edges.{written}"
    if graph.m > 12:
        return f"{kind} graph of {nodes} and {graph.m:,} edges.{written}"
    line = "→" if graph.directed else "–"
    edges = ", ".join(f"{u} {line} {v}" for u, v in graph.edges())
    return f"{kind} graph of {nodes} with the edge{'' if graph.m == 1 else 's'} {edges}.{written}"


def listed(values: Mapping[Label, Any], form: str) -> str:
    """Labels and values in words, by a form such as "{label} hears {value}".

    >>> listed({"a": 1.0, "b": 0.25}, "{label} hears {value}")
    'a hears 1, b hears 0.25'
    """
    return ", ".join(form.format(label=label, value=_written(value)) for label, value in values.items())


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _free_direction(graph: Graph, at: NDArray[np.float64], row: int) -> NDArray[np.float64]:
    """The direction from a node, of eight, that is farthest from all of its edges."""
    ends = graph.edge_rows[(graph.edge_rows == row).any(axis=1)]
    steps = at[ends.sum(axis=1) - row] - at[row]
    steps = steps[(steps != 0).any(axis=1)]
    angles = np.pi / 4 * np.array([2, 1, 3, 0, 4, 7, 5, 6])  # of equal ones, above rather than below
    compass = np.column_stack([np.cos(angles), np.sin(angles)])
    if not len(steps):
        return compass[0]
    towards = compass @ (steps / np.linalg.norm(steps, axis=1, keepdims=True)).T
    return compass[np.argmin(towards.max(axis=1).round(6))]


def _draw_many(axes: Any, graph: Graph, at: NDArray[np.float64]) -> None:
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(at[graph.edge_rows], colors=FAINT, linewidths=0.3, alpha=0.5, zorder=1))
    axes.scatter(*at.T, s=4, color=PALETTE[0], linewidths=0, zorder=2)


def _draw_node(axes: Any, name: str, where: NDArray[np.float64], marked: bool) -> None:
    fill, ink = (PALETTE[0], PAPER) if marked else (PAPER, INK)
    axes.scatter(*where, s=(2 * NODE) ** 2, color=fill, edgecolors=INK, linewidths=1.4, zorder=3)
    if marked:
        axes.scatter(*where, s=(2 * NODE + 5) ** 2, facecolors="none", edgecolors=INK, linewidths=1.0, zorder=3)
    axes.annotate(name, where, ha="center", va="center", color=ink, fontsize=9, zorder=4)


def _draw_value(axes: Any, value: Any, where: NDArray[np.float64], aside: NDArray[np.float64]) -> None:
    box = {"boxstyle": "round,pad=0.15", "facecolor": PALE_YELLOW, "edgecolor": "none"}
    offset = (float(aside[0]) * (NODE + 14), float(aside[1]) * (NODE + 10))
    axes.annotate(
        _written(value), where, offset, textcoords="offset points", ha="center", va="center", fontsize=9, bbox=box
    )


def _draw_edges(axes: Any, graph: Graph, at: NDArray[np.float64]) -> None:
    from matplotlib.patches import FancyArrowPatch

    pairs = set(map(tuple, graph.edge_rows.tolist()))
    for (u, v), weight in zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True):
        if u == v:
            _draw_loop(axes, at[u])
        else:
            both_ways = graph.directed and (v, u) in pairs
            arrow = FancyArrowPatch(
                at[u],
                at[v],
                arrowstyle="-|>,head_length=5,head_width=2.5" if graph.directed else "-",
                connectionstyle="arc3,rad=0.18" if both_ways else "arc3",
                shrinkA=NODE,
                shrinkB=NODE,
                linewidth=1.2,
                color=INK,
                zorder=2,
            )
            axes.add_patch(arrow)
        if graph.weights is not None and graph.m <= 20:
            box = {"boxstyle": "round,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}
            axes.annotate(f"{weight:g}", (at[u] + at[v]) / 2, ha="center", va="center", fontsize=8, bbox=box)


def _draw_loop(axes: Any, where: NDArray[np.float64]) -> None:
    """A self-loop: a small ring that touches its node from above."""
    from matplotlib.offsetbox import AnnotationBbox, DrawingArea
    from matplotlib.patches import Circle

    area = DrawingArea(20, 20)
    area.add_artist(Circle((10, 10), 8, fill=False, edgecolor=INK, linewidth=1.2))
    ring = AnnotationBbox(
        area, tuple(where), xybox=(NODE * 0.9, NODE * 1.1), boxcoords="offset points", frameon=False, pad=0
    )
    ring.set_zorder(2)
    axes.add_artist(ring)
