"""Is it a small world? How far apart its nodes are on average, and whether neighbours of a node know each other.

    average_path_length(graph)          # over all ordered pairs of nodes
    clustering(graph).mean()            # 1 where all neighbours of each node are joined to each other

A small world has paths nearly as short as a random graph's while its nodes are clustered as on a lattice (D. J.
Watts, S. H. Strogatz, Collective dynamics of "small-world" networks, Nature 393, 1998, pages 440-442,
doi:10.1038/30918).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from lessons._checks import not_negative
from lessons._device import compiled
from lessons.graph import Graph, as_graph
from lessons.paths import distances, shortest_paths

Floats = NDArray[np.float64]
Rows = NDArray[np.integer]

BLOCK = 4_096  # sources that are searched from at once in plain Python: bits of one integer
LENGTHS_BLOCK = 64  # sources whose distances are held at once, where edges have lengths
SPREAD_FROM = 4_000_000  # nodes times nodes and arcs; below, plain Python takes less than loading numba, and
TRIANGLES_FROM = 300_000  # nodes and arcs


# ---------------------------------------------------------------------------------------- definitions


def spread_definition(successors: Sequence[Sequence[int]], sources: Sequence[int]) -> tuple[int, int]:
    """The number of edges from the sources to all rows they reach, summed over such pairs, and how many there are.

    Breadth-first search from all sources at once: bit k of `seen[v]` says that source k has reached row v, and of
    `now[v]` that it has just done so. What is new at v it passes on, whole words of bits at a time.

    From 0 it is one edge to 1 and two to 2, from 2 it is none at all.

    >>> spread_definition([[1], [2], []], [0, 2])
    (3, 2)

    Notebook: 06_centrality_and_flow. Source: M. Then, M. Kaufmann, F. Chirigati et al., The more the merrier:
    efficient multi-source graph traversal, Proceedings of the VLDB Endowment 8 (4), 2014, pages 449-460,
    doi:10.14778/2735496.2735507.
    """
    now = {source: 1 << k for k, source in enumerate(sources)}
    seen = [now.get(v, 0) for v in range(len(successors))]
    total, pairs, level = 0, 0, 0
    while now:
        new: dict[int, int] = {}
        for v, word in now.items():
            for w in successors[v]:
                if fresh := word & ~seen[w]:
                    new[w] = new.get(w, 0) | fresh
        now, level = new, level + 1
        for w, word in now.items():
            seen[w] |= word
            total += level * word.bit_count()
            pairs += word.bit_count()
    return total, pairs


def triangles_definition(near: Sequence[Mapping[int, float]]) -> list[float]:
    """For each row, over all triangles that it is in, the product of their three values: 1 each counts triangles.

    `near[u]` is {neighbour: value}, the same from either end. Each triangle is found once, at its largest row.

    >>> triangles_definition([{1: 1, 2: 1}, {0: 1, 2: 1}, {0: 1, 1: 1, 3: 1}, {2: 1}])
    [1.0, 1.0, 1.0, 0.0]

    Notebook: 06_centrality_and_flow.
    """
    below = [{v: value for v, value in around.items() if v < u} for u, around in enumerate(near)]
    sums = [0.0] * len(near)
    for u, around in enumerate(below):
        for v, value in around.items():
            for w in around.keys() & below[v].keys():
                product = value * below[v][w] * around[w]
                sums[u] += product
                sums[v] += product
                sums[w] += product
    return sums


# ---------------------------------------------------------------------------------------- path length


def average_path_length(graph: object, *, reachable_only: bool = False) -> float:
    """The mean distance over all ordered pairs of different nodes: L in the literature of small worlds.

    In edges, or in lengths where the graph is weighted, along the direction of edges. With `reachable_only` the
    mean is over the pairs that a path joins. 0.0 where there are no pairs. O(n (n + m)) at most, much less where
    searches from many nodes share their work; with lengths O(n (n + m) log n). Memory: O(n + m).

    Raises ValueError where a pair has no path, naming one, unless `reachable_only`; for a negative length too.

    >>> round(average_path_length(as_graph([("a", "b"), ("b", "c")], nodes="abc")), 6)
    1.333333

    Notebook: 06_centrality_and_flow. Source: see the top of this module; how it is computed: `spread_definition`.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    if graph.n < 2:
        return 0.0
    from_first = shortest_paths(graph, graph.nodes[0]).distance
    if not reachable_only:
        _check_connected(graph, from_first)
    if graph.weights is not None:
        total, pairs = _total_length(graph)
    else:
        order = np.argsort(from_first, kind="stable")  # near ones together: their searches share most
        total, pairs = _total_edges(graph, order)
    return total / pairs if pairs else 0.0


def _check_connected(graph: Graph, from_first: Floats) -> None:
    """Raise ValueError where not every node has a path to every other: all from the first, and it from all."""
    nodes = graph.nodes
    to_first = shortest_paths(graph.reverse, nodes[0]).distance if graph.directed else from_first
    for distance, first in ((from_first, True), (to_first, False)):
        if (distance == inf).any():
            other = nodes[int(np.argmax(distance))]
            ends = (nodes[0], other) if first else (other, nodes[0])
            raise ValueError(
                f"no path leads from {ends[0]!r} to {ends[1]!r}: "
                "pass reachable_only=True for the mean over pairs that a path joins"
            )


def _total_length(graph: Graph) -> tuple[float, int]:
    """The sum of all distances between different nodes that a path joins, and the number of such pairs."""
    total, pairs = 0.0, -graph.n  # from each node to itself the distance is 0, and no pair
    for begin in range(0, graph.n, LENGTHS_BLOCK):
        found = distances(graph, graph.nodes[begin : begin + LENGTHS_BLOCK])
        joined = found < inf
        total += float(found[joined].sum())
        pairs += int(np.count_nonzero(joined))
    return total, pairs


def _total_edges(graph: Graph, order: NDArray[np.int64]) -> tuple[int, int]:
    """See `_total_length`; from all rows, in this order."""
    kernels = compiled("paths", when=graph.n * (graph.n + len(graph.indices)) >= SPREAD_FROM)
    if kernels is not None:
        sums, back = np.zeros(2, np.int64), graph.reverse
        kernels.spread(graph.indptr, graph.indices, back.indptr, back.indices, order, sums)
        return int(sums[0]), int(sums[1])
    indices = graph.indices.tolist()
    successors = [indices[begin:end] for begin, end in pairwise(graph.indptr.tolist())]
    rows = order.tolist()
    blocks = [spread_definition(successors, rows[begin : begin + BLOCK]) for begin in range(0, graph.n, BLOCK)]
    return sum(total for total, _ in blocks), sum(pairs for _, pairs in blocks)


# ---------------------------------------------------------------------------------------- clustering


def clustering(graph: object, *, weighted: bool = False) -> Floats:
    """(n,) for each node, the share of pairs of its neighbours that are joined: C in talk of small worlds.

    0 where a node has fewer than two neighbours; self-loops never count. A node with d neighbours that is in T
    triangles has 2 T / (d (d - 1)) where the graph is undirected (Watts and Strogatz). On a directed one triangles
    count with all ways to point their edges: T / (d (d - 1) - 2 r), where T is half the diagonal of (A + A.T)^3, d
    counts edges in and out, and r neighbours with both (Fagiolo). With `weighted` a triangle counts not 1 but the
    geometric mean of its three weights, each over the largest of any edge that is no self-loop (Onnela et al.).
    Without it weights are not looked at; an edge of weight 0 is an edge either way. O(m^1.5).

    Raises ValueError for a negative weight, naming the edge, where they are looked at.

    >>> clustering(as_graph([(0, 1), (1, 2), (2, 0), (2, 3)], n=4))
    array([1.        , 1.        , 0.33333333, 0.        ])

    Notebook: 06_centrality_and_flow. Sources: see the top of this module; G. Fagiolo, Clustering in complex
    directed networks, Physical Review E 76, 2007, 026107, doi:10.1103/PhysRevE.76.026107; J.-P. Onnela, J.
    Saramaki, J. Kertesz, K. Kaski, Intensity and coherence of motifs in weighted complex networks, Physical Review
    E 71, 2005, 065103, doi:10.1103/PhysRevE.71.065103.
    """
    graph = as_graph(graph)
    if weighted:
        not_negative(graph, "a geometric mean")
    indptr, indices, values = _both_ways(graph, _roots(graph, weighted))
    sums = _triangles(indptr, indices, values)
    return sums / np.maximum(_pairs_of_neighbours(graph), 1)


def _roots(graph: Graph, weighted: bool) -> Floats:
    """(arcs,) the cube root of each weight over the largest that is no self-loop's, or 1: three make a mean."""
    if not weighted or graph.weights is None:
        return np.ones(len(graph.indices))
    largest = graph.weights[graph.sources != graph.indices].max(initial=0.0)
    return np.cbrt(graph.weights / largest) if largest > 0 else graph.weights


def _both_ways(graph: Graph, values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    """indptr, indices and values with each edge from either end; values of u -> v and v -> u are added."""
    if not graph.directed:
        return graph.indptr, graph.indices, values
    one = Graph(graph.indptr, graph.indices, values, directed=True).to_scipy()
    both = (one + one.T).tocsr()
    return both.indptr.astype(np.int64), both.indices.astype(np.int32), both.data


def _pairs_of_neighbours(graph: Graph) -> Floats:
    """(n,) what a node in as many triangles as it can be gets from `_triangles`."""
    apart = graph.sources != graph.indices
    u, v = graph.sources[apart], graph.indices[apart]
    out = np.bincount(u, minlength=graph.n)
    if not graph.directed:
        return out * (out - 1) / 2
    degree = out + np.bincount(v, minlength=graph.n)
    back = np.isin(v * np.int64(graph.n) + u, u * np.int64(graph.n) + v)
    mutual = np.bincount(u[back], minlength=graph.n)
    return (degree * (degree - 1) - 2 * mutual).astype(np.float64)


def _triangles(indptr: NDArray[np.int64], indices: NDArray[np.int32], values: Floats) -> Floats:
    """See `triangles_definition`."""
    n = len(indptr) - 1
    kernels = compiled("paths", when=n + len(indices) >= TRIANGLES_FROM)
    if kernels is None:
        pairs, ends = list(zip(indices.tolist(), values.tolist(), strict=True)), indptr.tolist()
        return np.array(triangles_definition([dict(pairs[begin:end]) for begin, end in pairwise(ends)]))
    order, sums = np.argsort(-np.diff(indptr), kind="stable"), np.empty(n)
    kernels.triangles(indptr, indices, values, order, sums)
    return sums
