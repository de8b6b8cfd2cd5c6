"""Which nodes and edges do shortest paths run through? Betweenness, exact and from a sample.

    betweenness(graph)                          # (n,) for each node the shortest paths through it
    edge_betweenness(graph)                     # (m,) the same for each edge

Where the graph is weighted, its weights are lengths. Self-loops never lie on a shortest path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf

import numpy as np
from numpy.typing import NDArray

from lessons._checks import not_negative, whole
from lessons.errors import CycleError
from lessons.graph import Graph, as_graph
from lessons.topological_sort import topological_sort

Floats = NDArray[np.float64]
Rows = NDArray[np.integer]
Arcs = list[list[tuple[int, float, int]]]  # for each row: (row of a successor, length, edge)

# ---------------------------------------------------------------------------------------- definition


def betweenness_definition(successors: Sequence[Sequence[int]]) -> list[float]:
    """Brandes' algorithm: for each row, over all ordered pairs (s, t), the share of shortest paths through it.

    `successors[v]` are the rows that v has an edge to, each once. The letters are those of the paper: S rows as
    they were reached, P[w] the rows before w on shortest paths from s, sigma[w] how many such paths there are,
    d[w] their length, Q the queue, delta[v] the share of v in the paths from s to all t. O(n m).

    On the path 0 - 1 - 2 both ordered pairs of its ends go through 1.

    >>> betweenness_definition([[1], [0, 2], [1]])
    [0.0, 2.0, 0.0]

    Notebook: 06_centrality_and_flow. Source: U. Brandes, A faster algorithm for betweenness centrality, Journal of
    Mathematical Sociology 25 (2), 2001, pages 163-177, algorithm 1, doi:10.1080/0022250X.2001.9990249.
    """
    n = len(successors)
    C_B = [0.0] * n
    for s in range(n):
        S: list[int] = []
        P: list[list[int]] = [[] for _ in range(n)]
        sigma, d, delta = [0] * n, [-1] * n, [0.0] * n
        sigma[s], d[s] = 1, 0
        Q = deque([s])
        while Q:
            v = Q.popleft()
            S.append(v)
            for w in successors[v]:
                if d[w] < 0:  # found for the first time
                    Q.append(w)
                    d[w] = d[v] + 1
                if d[w] == d[v] + 1:  # a shortest path to w goes through v
                    sigma[w] += sigma[v]
                    P[w].append(v)
        while S:  # rows in order of falling distance from s
            w = S.pop()
            for v in P[w]:
                delta[v] += sigma[v] / sigma[w] * (1 + delta[w])
            if w != s:
                C_B[w] += delta[w]
    return C_B


# ---------------------------------------------------------------------------------------- of every graph


def betweenness(graph: object, *, normalised: bool = False, threads: int = 1) -> Floats:
    """(n,) for each node, summed over pairs of other nodes, the share of their shortest paths that run through it.

    Each unordered pair counts once where the graph is undirected, each ordered pair where it is directed;
    `normalised` divides by how many pairs of other nodes there are, so that values lie in 0 ... 1. Weights are
    lengths, zero allowed. Pairs without a path count for nobody.

    Raises ValueError for a negative length, naming the edge, and where edges of length 0 form a directed cycle
    (one undirected edge of length 0 does): then shortest paths are without number.

    >>> betweenness(as_graph([(0, 1), (1, 2), (2, 3)], n=4))
    array([0., 2., 2., 0.])

    Notebook: 06_centrality_and_flow. Source: see `betweenness_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    whole("threads", threads)
    if graph.weights is None:
        ends, indices = graph.indptr.tolist(), graph.indices.tolist()
        through = np.array(betweenness_definition([indices[ends[u] : ends[u + 1]] for u in range(graph.n)]))
    else:
        through, _ = _plainly(graph)
    through = through.reshape(graph.n) / (1 if graph.directed else 2)
    return through / _pairs(graph, graph.n - 1) if normalised else through


def edge_betweenness(graph: object, *, normalised: bool = False, threads: int = 1) -> Floats:
    """(m,) for each edge of `graph.edges()`, summed over pairs of nodes, the share of their shortest paths.

    As `betweenness`, except that the ends of an edge count as pairs too; `normalised` divides by all pairs.

    >>> edge_betweenness(as_graph([(0, 1), (1, 2), (2, 3)], n=4))
    array([3., 4., 3.])

    Notebook: 06_centrality_and_flow. Source: see `betweenness_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    whole("threads", threads)
    _, over = _plainly(graph)
    over /= 1 if graph.directed else 2
    return over / _pairs(graph, graph.n) if normalised else over


def _pairs(graph: Graph, n: int) -> int:
    """How many pairs n nodes form, ordered where the graph is directed; 1 where none do."""
    return max(n * (n - 1) // (1 if graph.directed else 2), 1)


# ---------------------------------------------------------------------------------------- in plain Python


def _plainly(graph: Graph) -> tuple[Floats, Floats]:
    """What runs through each node, and over each edge, over all ordered pairs."""
    order = _zero_order(graph)
    arcs = _arcs(graph, order)
    through, over = np.zeros(graph.n), np.zeros(graph.m)
    for s in range(graph.n):
        S, P, sigma = _dijkstra(arcs, s)
        delta = [0.0] * graph.n
        for w in reversed(S):
            for v, edge in P[w]:
                share = sigma[v] / sigma[w] * (1 + delta[w])
                delta[v] += share
                over[edge] += share
        delta[s] = 0.0
        through[order] += delta
    return through, over


def _dijkstra(arcs: Arcs, s: int) -> tuple[list[int], list[list[tuple[int, int]]], list[int]]:
    """Rows as they are settled; for each the (row, edge)s before it on shortest paths, and the number of these.

    Of equal distances the smaller row is settled first, which is right for arcs of length 0: see `_zero_order`.
    """
    n = len(arcs)
    S: list[int] = []
    P: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    sigma, d, settled = [0] * n, [inf] * n, [False] * n
    sigma[s], d[s] = 1, 0.0
    Q = [(0.0, s)]
    while Q:
        _, v = heappop(Q)
        if settled[v]:
            continue
        settled[v] = True
        S.append(v)
        for w, length, edge in arcs[v]:
            if settled[w]:
                continue
            if d[v] + length < d[w]:
                d[w], sigma[w], P[w] = d[v] + length, 0, []
                heappush(Q, (d[w], w))
            if d[v] + length == d[w]:
                sigma[w] += sigma[v]
                P[w].append((v, edge))
    return S, P, sigma


def _arcs(graph: Graph, order: Rows) -> Arcs:
    """The arcs from each node, the nodes numbered as they stand in `order`."""
    place = np.empty(graph.n, np.int64)
    place[order] = np.arange(graph.n)
    lengths = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    arcs = list(zip(place[graph.indices].tolist(), lengths.tolist(), graph.edge_ids.tolist(), strict=True))
    return [arcs[graph.indptr[row] : graph.indptr[row + 1]] for row in order.tolist()]


def _zero_order(graph: Graph) -> Rows:
    """All rows, each arc of length 0 forward, so that of equal distances the row before is settled before.

    Raises ValueError where those arcs form a cycle.
    """
    if graph.weights is None or (graph.weights > 0).all():
        return np.arange(graph.n)
    rows = np.column_stack([graph.sources, graph.indices])[(graph.weights == 0) & (graph.sources != graph.indices)]
    try:
        return np.array(topological_sort(as_graph(rows, n=graph.n, directed=True)), np.int64)
    except CycleError as error:
        cycle = [graph.nodes[row] for row in error.cycle]
        names = " -> ".join(map(repr, [*cycle, cycle[0]]))
        raise ValueError(
            f"edges of length 0 lead round a cycle, {names}: shortest paths are without number"
        ) from None
