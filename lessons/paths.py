"""How far is it, and which way? Shortest paths by breadth-first search and by Dijkstra's algorithm.

    found = shortest_paths(graph, "a")          # from one node to all
    found.distance, found.path("z")             # (n,) and the labels on the way
    distances(graph, ["a", "b"])                # (2, n) from some nodes to all

Where the graph is unweighted a path is as long as its number of edges, where it is weighted its weights are
lengths, zero allowed. Paths follow the direction of edges. Self-loops never lie on a shortest path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import pairwise
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lessons._checks import not_negative
from lessons._device import compiled
from lessons.errors import UnknownLabel
from lessons.graph import Graph, Label, as_graph, check_dense

T = TypeVar("T")
Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

COMPILED_FROM = 1_000_000  # sources times nodes and arcs; below, plain Python takes less than loading numba


# ---------------------------------------------------------------------------------------- definitions


def bfs_definition(successors: Sequence[Sequence[int]], source: int) -> list[float]:
    """Breadth-first search: how many edges each row is away from `source`; inf where no path leads.

    `successors[u]` are the rows that u has an edge to. Each edge is looked at once. O(n + m).

    >>> bfs_definition([[1, 2], [2], [], [0]], 0)
    [0.0, 1.0, 1.0, inf]

    Notebook: 06_centrality_and_flow.
    """
    distance = [inf] * len(successors)
    distance[source] = 0.0
    queue = deque([source])
    while queue:
        u = queue.popleft()
        for v in successors[u]:
            if distance[v] == inf:  # reached for the first time
                distance[v] = distance[u] + 1
                queue.append(v)
    return distance


def dijkstra_definition(
    successors: Sequence[Sequence[tuple[int, float]]], source: int
) -> tuple[list[float], list[int]]:
    """Dijkstra's algorithm: the length of a shortest path to each row, and the row before it on one (-1: none).

    `successors[u]` are pairs, a row that u has an edge to and the length of that edge, zero or more. Ties are
    settled as in `shortest_paths`. O(m log m): each edge is looked at once, and puts at most one row on the heap.

    >>> dijkstra_definition([[(1, 5.0), (2, 1.0)], [], [(1, 2.0)]], 0)
    ([0.0, 3.0, 1.0], [-1, 2, 0])

    Notebook: 06_centrality_and_flow. Source: E. W. Dijkstra, A note on two problems in connexion with graphs,
    Numerische Mathematik 1, 1959, pages 269-271, problem 2, doi:10.1007/BF01386390.
    """
    distance, before = [inf] * len(successors), [-1] * len(successors)
    distance[source] = 0.0
    waiting = [(0.0, source)]
    while waiting:
        length, u = heappop(waiting)
        if length > distance[u]:  # a shorter way was found since, and u is settled
            continue
        for v, further in successors[u]:
            if length + further < distance[v]:
                distance[v], before[v] = length + further, u
                heappush(waiting, (distance[v], v))
    return distance, before


# ---------------------------------------------------------------------------------------- from one node, from some


@dataclass(frozen=True, eq=False)
class ShortestPaths:
    """Shortest paths from one node, `source`, to all; arrays are in the order of `nodes`, those of the graph.

    `distance` (n,): the length of a shortest path to each node, inf where there is none. `before` (n,): the row of
    the node before it on one, -1 at the source and where there is none.
    """

    source: Label
    distance: Floats
    before: Rows
    nodes: tuple[Label, ...]

    def path(self, target: Label) -> list[Label]:
        """The labels on a shortest path from `source` to `target`; O(its edges), and O(n) at the first call.

        Raises UnknownLabel, a KeyError, for a label that no node has, ValueError where no path leads.
        """
        if not isinstance(target, Hashable) or target not in self._rows:
            raise UnknownLabel(target, self.nodes)
        row = self._rows[target]
        if self.distance[row] == inf:
            raise ValueError(f"no path leads from {self.source!r} to {target!r}")
        rows = [row]
        while (row := int(self.before[row])) >= 0:
            rows.append(row)
        return [self.nodes[row] for row in reversed(rows)]

    @cached_property
    def _rows(self) -> dict[Label, int]:
        return {label: row for row, label in enumerate(self.nodes)}


def shortest_paths(graph: object, source: Label) -> ShortestPaths:
    """The shortest paths from one node to all, breadth first where unweighted, else by Dijkstra's algorithm.

    `graph` is anything that `as_graph` reads; an undirected edge can be walked either way. O(n + m) where it is
    unweighted, O((n + m) log n) where its weights are lengths, which are added from the source on as float64.

    Ties: nodes are settled in order of distance, of those that wait at the same distance the smallest row first.
    Of all nodes from which a shortest path comes to v, the one that is settled first is before v: the nearest to
    the source, and of equally near ones the smallest row, unless arcs of length zero had it wait for another. It
    is settled earlier than v, so that going back from node to node always ends at the source.

    Raises ValueError for a negative length, naming the edge, and KeyError for a source that is no node.

    >>> graph = as_graph([("a", "z", 5), ("a", "b", 1), ("b", "z", 2)], nodes="abcz")
    >>> found = shortest_paths(graph, "a")
    >>> found.distance, found.path("z")
    (array([ 0.,  1., inf,  3.]), ['a', 'b', 'z'])

    Notebook: 06_centrality_and_flow. Source: see `dijkstra_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    row = graph.index(source)
    distance, before = np.empty((1, graph.n)), np.empty(graph.n, np.int32)
    _search(graph, [row], distance, before)
    return ShortestPaths(source, distance[0], before, graph.nodes)


def distances(graph: object, sources: Sequence[Label] | None = None, *, force: bool = False) -> Floats:
    """(s, n) how far it is from each of the sources, or from all nodes, to all nodes; inf where no path leads.

    Row i holds the distances from `sources[i]`, or from `graph.nodes[i]` where none are given, as `shortest_paths`
    finds them. O(s (n + m)), with lengths O(s (n + m) log n), and 8 s n bytes.

    Raises ValueError for a negative length, and from all of more than 5,000 nodes, unless forced; TypeError for
    one label, a text too, in place of a list; KeyError for a source that is no node.

    >>> distances(as_graph([("a", "b"), ("b", "c")], nodes="abc", directed=True), ["b", "a"])
    array([[inf,  0.,  1.],
           [ 0.,  1.,  2.]])

    Notebook: 06_centrality_and_flow. Source: see `dijkstra_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    if isinstance(sources, str) or not (sources is None or isinstance(sources, Iterable)):
        raise TypeError(f"sources={sources!r}: a list of labels is needed, [{sources!r}] for one")
    if sources is None:
        check_dense(graph.n, force=force, instead="distances(graph, sources=[...])")
    rows = range(graph.n) if sources is None else [graph.index(label) for label in sources]
    distance = np.empty((len(rows), graph.n))
    _search(graph, rows, distance, np.empty(graph.n, np.int32))
    return distance


# ---------------------------------------------------------------------------------------- at either speed


def _search(graph: Graph, sources: Sequence[int], distance: Floats, before: Rows) -> None:
    """Write to distance (s, n) how far it is from each source, and to before (n,) the ways from the last."""
    kernels = compiled("paths", when=len(sources) * (graph.n + len(graph.indices)) >= COMPILED_FROM)
    if kernels is None:
        _by_definition(graph, sources, distance, before)
        return
    for i, source in enumerate(sources):
        if graph.weights is None:
            kernels.breadth_first(graph.indptr, graph.indices, source, distance[i], before)
        else:
            kernels.dijkstra(graph.indptr, graph.indices, graph.weights, source, distance[i], before)


def _by_definition(graph: Graph, sources: Sequence[int], distance: Floats, before: Rows) -> None:
    """See `_search`."""
    if graph.weights is not None:
        pairs = _by_row(graph, list(zip(graph.indices.tolist(), graph.weights.tolist(), strict=True)))
        for i, source in enumerate(sources):
            distance[i], before[:] = dijkstra_definition(pairs, source)
        return
    successors = _by_row(graph, graph.indices.tolist())
    for i, source in enumerate(sources):
        distance[i] = bfs_definition(successors, source)
        before[:] = _smallest_before(graph, distance[i])


def _smallest_before(graph: Graph, distance: Floats) -> Rows:
    """(n,) for each row the smallest of the rows one edge nearer to the source that have an arc to it, or -1."""
    u, v = graph.sources, graph.indices
    last = (distance[u] + 1 == distance[v]) & (distance[v] < inf)  # arcs that end a shortest path
    before = np.full(graph.n, -1, np.int32)
    before[v[last][::-1]] = u[last][::-1]  # arcs are sorted by source: the smallest is written last, and stays
    return before


def _by_row(graph: Graph, of_arcs: list[T]) -> list[list[T]]:
    """What is told of each arc, one list for each row."""
    return [of_arcs[begin:end] for begin, end in pairwise(graph.indptr.tolist())]
