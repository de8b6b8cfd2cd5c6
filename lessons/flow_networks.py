"""Send as much as fits from one end of a network to the other, and see where it chokes.

    found = max_flow(graph, "s", "t")              # weights are capacities
    found.value, found.cut                         # the most that flows, and the edges that allow no more
    min_node_cut(graph, "s", "t")                  # the nodes that must go to part the ends

An edge u -> v carries at most its weight from u to v, one unit where the graph is unweighted; an undirected edge
as much either way. What flows into a node flows out of it, at all but the sources and the targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import finite_rows, not_negative
from lessons.graph import Graph, Label, as_graph

Rows = NDArray[np.int32]
Capacities = Sequence[Mapping[int, float]]  # {v: how much u -> v can carry} for each row u


# ---------------------------------------------------------------------------------------- definitions


def augmenting_path_definition(room: Capacities, source: int, target: int) -> list[tuple[int, int]] | None:
    """A path with the fewest arcs along which more can flow, as its arcs; None where there is none. O(n + m).

    >>> augmenting_path_definition([{1: 0.0, 2: 3.0}, {}, {1: 2.0}], 0, 1)
    [(0, 2), (2, 1)]
    """
    before = {source: source}
    queue = [source]
    for u in queue:
        for v, left in room[u].items():
            if left > 0 and v not in before:
                before[v] = u
                queue.append(v)
    if target not in before:
        return None
    path, v = [], target
    while v != source:
        path.append((before[v], v))
        v = before[v]
    return path[::-1]


def max_flow_definition(capacity: Capacities, source: int, target: int) -> tuple[float, list[dict[int, float]]]:
    """The most that flows from source to target, and the room that is left on each arc, backwards arcs included.

    What flows along u -> v can be sent back: it is room on v -> u. So the flow on u -> v is capacity - room, where
    that is above 0. The rows that the source still reaches along arcs with room are one side of a minimum cut.
    O(n m) paths of O(n + m) each.

    >>> value, room = max_flow_definition([{1: 3, 2: 1}, {2: 1, 3: 1}, {3: 3}, {}], 0, 3)
    >>> value, room[0]
    (3, {1: 1, 2: 0})
    """
    room: list[dict[int, float]] = [dict(row) for row in capacity]
    for u, row in enumerate(capacity):
        for v in row:
            room[v].setdefault(u, 0)
    value: float = 0
    while path := augmenting_path_definition(room, source, target):
        least = min(room[u][v] for u, v in path)
        for u, v in path:
            room[u][v] -= least
            room[v][u] += least
        value += least
    return value, room


# ---------------------------------------------------------------------------------------- flows


@dataclass(frozen=True, eq=False)
class MaxFlow:
    """A maximum flow and the minimum cut that proves it.

    `value` flows from the sources to the targets in all. `flow` (m,), in the order of `graph.edges()`: how much
    runs along each edge; on an undirected edge below 0 where it runs from its second end to its first. `reached`
    (n,): whether more could flow from a source to this node; such nodes are the smallest source side of a minimum
    cut.
    """

    graph: Graph = field(repr=False)
    value: float
    flow: NDArray[np.float64] = field(repr=False)
    reached: NDArray[np.bool_] = field(repr=False)

    @property
    def source_side(self) -> list[Label]:
        """The labels of the nodes that are `reached`."""
        return [self.graph.nodes[row] for row in np.flatnonzero(self.reached).tolist()]

    @property
    def cut(self) -> list[tuple[Label, Label]]:
        """The edges from the source side to the rest, each as (from, to): their capacities sum to `value`."""
        sides = self.reached[self.graph.edge_rows]
        crossing = sides[:, 0] & ~sides[:, 1]
        if not self.graph.directed:
            crossing |= ~sides[:, 0] & sides[:, 1]
        ends = self.graph.edge_rows[crossing]
        ends = np.where(self.reached[ends[:, :1]], ends, ends[:, ::-1])
        return [(self.graph.nodes[u], self.graph.nodes[v]) for u, v in ends.tolist()]

    @property
    def through(self) -> NDArray[np.float64]:
        """(n,) how much flows through each node: what enters it, or what leaves it where that is more."""
        tails, heads = self.graph.edge_rows.T
        back = self.flow < 0
        amount, n = np.abs(self.flow), self.graph.n
        leaves = np.bincount(np.where(back, heads, tails), amount, n)
        return np.maximum(leaves, np.bincount(np.where(back, tails, heads), amount, n))


def max_flow(graph: object, source: Label | list[Label], target: Label | list[Label]) -> MaxFlow:
    """The most that can flow from source to target, how it flows, and the minimum cut that allows no more.

    Weights are capacities, one each where the graph is unweighted. A list of labels means several sources or
    targets, each of which gives or takes whatever comes. The value and the cut are unique, the flow is not; whole
    capacities (their sum below 2^53) give whole flows, exactly, and others are right up to rounding.

    Dinic's algorithm, O(n^2 m) at the very worst and far from it in practice: phases in which flow takes shortest
    paths only, searched from both ends at once.

    Raises ValueError for a negative capacity, ends that coincide or are none, and capacities that sum to no float;
    UnknownLabel.

    >>> pipes = as_graph([("s", "a", 3), ("s", "b", 1), ("a", "b", 1), ("a", "t", 1), ("b", "t", 3)],
    ...                  nodes="sabt", directed=True)
    >>> found = max_flow(pipes, "s", "t")
    >>> found.value, found.flow.tolist(), found.source_side, found.cut
    (3.0, [2.0, 1.0, 1.0, 1.0, 2.0], ['s', 'a'], [('s', 'b'), ('a', 'b'), ('a', 't')])

    Notebook: 06_centrality_and_flow. Sources: L. R. Ford and D. R. Fulkerson, Maximal flow through a network,
    Canadian Journal of Mathematics 8, 1956, pages 399-404, DOI 10.4153/CJM-1956-045-5; E. A. Dinic, Algorithm for
    solution of a problem of maximum flow in networks with power estimation, Soviet Mathematics Doklady 11, 1970,
    pages 1277-1280.
    """
    graph = not_negative(as_graph(graph), "a flow")
    sources, targets = _rows(graph, source, "source"), _rows(graph, target, "target")
    both = np.intersect1d(sources, targets)
    if len(both):
        raise ValueError(f"{graph.nodes[both[0]]!r} is a source and a target: no cut can part it from itself")
    return _solve(graph, sources, targets)


def min_node_cut(
    graph: object,
    source: Label | list[Label],
    target: Label | list[Label],
    *,
    node_weights: ArrayLike | None = None,
) -> list[Label]:
    """The nodes, as few as can be, whose removal leaves no path from source to target; in the order of nodes.

    With `node_weights` (n,), zero or more, it is the lightest set instead. Of several the one nearest to the
    source. As many paths as there are nodes in it share no node but their ends (Menger): each node is split into
    an entry and an exit, joined by an arc of its weight, so that a cut of arcs is one of nodes. Edge weights do
    not count. Cost as `max_flow`.

    Raises ValueError where an edge joins source and target, for weights that are negative or not finite, and what
    `max_flow` does.

    >>> graph = as_graph([("s", "a"), ("s", "b"), ("a", "c"), ("b", "c"), ("c", "t")], nodes="sabct")
    >>> min_node_cut(graph, "s", "t")
    ['c']

    Notebook: 06_centrality_and_flow. Source: K. Menger, Zur allgemeinen Kurventheorie, Fundamenta Mathematicae 10,
    1927, pages 96-115.
    """
    graph = as_graph(graph)
    weights = _node_weights(graph, node_weights)
    sources, targets = _rows(graph, source, "source"), _rows(graph, target, "target")
    joined = np.isin(graph.sources, sources) & np.isin(graph.indices, targets)
    if joined.any():
        arc = int(np.argmax(joined))
        ends = graph.nodes[graph.sources[arc]], graph.nodes[graph.indices[arc]]
        raise ValueError(f"edge {ends!r} joins source and target: no other nodes can part them")
    if len(both := np.intersect1d(sources, targets)):
        raise ValueError(f"{graph.nodes[both[0]]!r} is a source and a target: no nodes can part it from itself")
    found = _solve(_split(graph, weights), 2 * sources + 1, 2 * targets)
    cut = found.reached[0::2] & ~found.reached[1::2]
    return [graph.nodes[row] for row in np.flatnonzero(cut).tolist()]


# ---------------------------------------------------------------------------------------- helpers


def _solve(graph: Graph, sources: Rows, targets: Rows) -> MaxFlow:
    """The maximum flow between rows; by the kernels whatever the size, so that equal graphs have equal flows."""
    from lessons.compiled import flow_networks as kernels
    from lessons.compiled.graph import turned

    n, arcs = graph.n, len(graph.indices)
    capacity = np.ones(arcs) if graph.weights is None else graph.weights
    with np.errstate(over="ignore"):
        total = capacity.sum()
    if not np.isfinite(total):
        raise ValueError("the capacities sum to more than a float can hold: give them in a larger unit")
    if 2 * arcs > np.iinfo(np.int32).max:
        raise ValueError(f"{arcs:,} arcs: with those against them they are more than 2^31")
    starts, tails, none = np.empty(n + 1, np.int64), np.empty(arcs, np.int32), np.empty(0)
    turned(graph.indptr, graph.indices, none, starts, tails, none)
    first, head, back, place = (np.empty(size, np.int32) for size in (n + 1, 2 * arcs, 2 * arcs, arcs))
    room, carried, label, flow = np.empty(2 * arcs), np.zeros(2 * arcs), np.zeros(n, np.int32), np.empty(arcs)
    kernels.residual(graph.indptr, graph.indices, capacity, starts, tails, first, head, room, back, place)
    value = float(kernels.augment(first, head, room, carried, back, sources, targets, label))
    kernels.flows(capacity, carried, place, flow)
    flow = np.maximum(flow, 0.0) if graph.directed else np.maximum(flow, -capacity)[graph.sources <= graph.indices]
    return MaxFlow(graph, value, flow, label > 0)


def _split(graph: Graph, weights: NDArray[np.float64]) -> Graph:
    """Each node as an entry 2 v and an exit 2 v + 1, joined by an arc of its weight; edges that are never cut."""
    starts = np.arange(graph.n) + graph.indptr[:-1]  # where the arc from entry to exit stands, in each row
    indices = np.insert(2 * graph.indices, graph.indptr[:-1], 2 * np.arange(graph.n, dtype=np.int32) + 1)
    with np.errstate(over="ignore"):  # which `_solve` refuses
        capacity = np.full(len(indices), weights.sum() + 1.0)
    capacity[starts] = weights
    indptr = np.append(np.column_stack([starts, starts + 1]).ravel(), len(indices))
    return Graph(indptr, indices, capacity, directed=True)


def _rows(graph: Graph, given: Label | list[Label], name: str) -> Rows:
    """The rows of a label, or of a list of them, each once."""
    if isinstance(given, set | np.ndarray):
        raise TypeError(f"{name}={given!r}: one label, or a list of several")
    labels = given if isinstance(given, list) else [given]
    if not labels:
        raise ValueError(f"{name}=[]: a label is needed, or a list of some")
    return np.unique(np.array([graph.index(label) for label in labels], np.int32))


def _node_weights(graph: Graph, given: ArrayLike | None) -> NDArray[np.float64]:
    if given is None:
        return np.ones(graph.n)
    weights = finite_rows("node_weights", given, graph.nodes, "node")
    if weights.ndim != 1:
        raise ValueError(f"node_weights of shape {weights.shape}: one number each, ({graph.n},)")
    if (weights < 0).any():
        at = int(np.argmax(weights < 0))
        raise ValueError(f"node_weights at node {graph.nodes[at]!r} is {weights[at]}: a number >= 0 each")
    return weights
