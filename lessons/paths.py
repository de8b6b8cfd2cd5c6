"""How far is it, and which way? Shortest paths by breadth-first search and by Dijkstra's algorithm.

    found = shortest_paths(graph, "a")          # from one node to all
    found.distance, found.path("z")             # (n,) and the labels on the way

Where the graph is unweighted a path is as long as its number of edges, where it is weighted its weights are
lengths, zero allowed. Paths follow the direction of edges. Self-loops never lie on a shortest path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from math import inf

import numpy as np
from numpy.typing import NDArray

from lessons._checks import not_negative
from lessons.errors import UnknownLabel
from lessons.graph import Graph, Label, as_graph

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

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
        if target not in self._rows:
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
    Of all nodes from which a shortest path comes to v, the one that was settled first is before v: the nearest to
    the source, and of equally near ones the smallest row, unless lengths of zero had it wait for the others. It was
    settled earlier than v, so that going back from node to node always ends at the source.

    Raises ValueError for a negative length, naming the edge, and KeyError for a source that is no node.

    >>> graph = as_graph([("a", "z", 5), ("a", "b", 1), ("b", "z", 2)], nodes="abcz")
    >>> found = shortest_paths(graph, "a")
    >>> found.distance, found.path("z")
    (array([ 0.,  1., inf,  3.]), ['a', 'b', 'z'])

    Notebook: 06_centrality_and_flow. Source: see `dijkstra_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    row = graph.index(source)
    distance, before = _by_definition(graph, row)
    return ShortestPaths(source, distance, before, graph.nodes)


# ---------------------------------------------------------------------------------------- in plain Python


def _by_definition(graph: Graph, source: int) -> tuple[Floats, Rows]:
    """distance (n,) and before (n,)."""
    if graph.weights is not None:
        found = dijkstra_definition(_with_lengths(graph), source)
        return np.array(found[0]), np.array(found[1], np.int32)
    distance = np.array(bfs_definition(_successors(graph), source))
    u, v = graph.sources, graph.indices
    last = (distance[u] + 1 == distance[v]) & (distance[v] < inf)  # arcs that end a shortest path
    before = np.full(graph.n, -1, np.int32)
    before[v[last][::-1]] = u[last][::-1]  # the smallest row is written last, and stays
    return distance, before


def _successors(graph: Graph) -> list[list[int]]:
    ends, indices = graph.indptr.tolist(), graph.indices.tolist()
    return [indices[ends[u] : ends[u + 1]] for u in range(graph.n)]


def _with_lengths(graph: Graph) -> list[list[tuple[int, float]]]:
    assert graph.weights is not None
    ends, arcs = graph.indptr.tolist(), list(zip(graph.indices.tolist(), graph.weights.tolist(), strict=True))
    return [arcs[ends[u] : ends[u + 1]] for u in range(graph.n)]
