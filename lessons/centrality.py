"""Which nodes and edges do shortest paths run through? Betweenness, exact and from a sample.

    betweenness(graph)                          # (n,) for each node the shortest paths through it
    edge_betweenness(graph)                     # (m,) the same for each edge
    sampled_betweenness(graph, samples=200)     # from some sources only, with how far off it may be

Where the graph is weighted, its weights are lengths. Self-loops never lie on a shortest path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import pairwise
from math import ceil, inf, log, sqrt
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lessons._checks import above_zero, not_negative, whole
from lessons._device import compiled
from lessons._rng import Seed, key_of, uniforms
from lessons.errors import CycleError
from lessons.graph import Graph, as_graph
from lessons.topological_sort import topological_sort

Floats = NDArray[np.float64]
Rows = NDArray[np.integer]
# over sources s: delta_s of each row (k,), its square (k,), what each arc carries (arcs,) or nothing (0,)
Sums = tuple[Floats, Floats, Floats]

COMPILED_FROM = 1_000_000  # sources times nodes and arcs; below, plain Python takes about a second at most
CHUNKS = 32  # of sources; answers are added chunk by chunk, whatever the number of threads

# ---------------------------------------------------------------------------------------- definition


def count_paths_definition(
    successors: Sequence[Sequence[int]], s: int
) -> tuple[list[int], list[list[int]], list[int], list[int]]:
    """The first half of Brandes' algorithm, in the letters of his paper: S, P, sigma and d of the row s. O(n + m).

    `successors[v]` are the rows that v has an edge to, each once. S lists the rows as they were reached, P[w] the
    rows before w on shortest paths from s; sigma[w] is how many such paths there are, d[w] their length, -1 where
    there is none. Q is the queue.

    >>> count_paths_definition([[1, 2], [3], [3], []], 0)
    ([0, 1, 2, 3], [[], [0], [0], [1, 2]], [1, 1, 1, 2], [0, 1, 1, 2])
    """
    n = len(successors)
    S: list[int] = []
    P: list[list[int]] = [[] for _ in range(n)]
    sigma, d = [0] * n, [-1] * n
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
    return S, P, sigma, d


def betweenness_definition(successors: Sequence[Sequence[int]]) -> list[float]:
    """Brandes' algorithm: for each row, over all ordered pairs (s, t), the share of shortest paths through it.

    delta[v] is the share of v in the paths from s to all t; the rest as in `count_paths_definition`. O(n m).

    On the path 0 - 1 - 2 both ordered pairs of its ends go through 1.

    >>> betweenness_definition([[1], [0, 2], [1]])
    [0.0, 2.0, 0.0]

    Notebook: 06_centrality_and_flow. Source: U. Brandes, A faster algorithm for betweenness centrality, Journal of
    Mathematical Sociology 25 (2), 2001, pages 163-177, algorithm 1, doi:10.1080/0022250X.2001.9990249.
    """
    C_B = [0.0] * len(successors)
    for s in range(len(successors)):
        S, P, sigma, _ = count_paths_definition(successors, s)
        delta = [0.0] * len(successors)
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
    `normalised` divides by the number of pairs of other nodes, so that values lie in 0 ... 1. Pairs without a path
    count for nobody. Weights are lengths, zero allowed; paths tie where their lengths, added from the source on as
    float64, are equal: exact for whole numbers and their quarters, while 0.1 + 0.2 is not 0.3. A sum above the
    largest float is no path.

    O(n m), with lengths O(n m log n). Undirected graphs lose their hanging trees first, whose part has a closed
    form. The same bits on any number of `threads`, which share out the sources.

    Raises ValueError for a negative length, naming the edge, and where edges of length 0 form a directed cycle
    (one undirected edge does): then shortest paths are without number. Where arcs of length 0 form none, their
    number is finite, and right here.

    >>> betweenness(as_graph([(0, 1), (1, 2), (2, 3)], n=4))
    array([0., 2., 2., 0.])

    Notebook: 06_centrality_and_flow. Sources: see `betweenness_definition`; for lengths, section 4 there.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    through, _ = _exact(graph, threads, over_arcs=False)
    through /= 1 if graph.directed else 2
    return through / _pairs(graph, graph.n - 1) if normalised else through


def edge_betweenness(graph: object, *, normalised: bool = False, threads: int = 1) -> Floats:
    """(m,) for each edge of `graph.edges()`, summed over pairs of nodes, the share of shortest paths over it.

    As `betweenness`, except that pairs with the ends of the edge count too; `normalised` divides by all pairs.

    >>> edge_betweenness(as_graph([(0, 1), (1, 2), (2, 3)], n=4))
    array([3., 4., 3.])

    Notebook: 06_centrality_and_flow. Source: U. Brandes, On variants of shortest-path betweenness centrality and
    their generic computation, Social Networks 30 (2), 2008, pages 136-145, doi:10.1016/j.socnet.2007.11.001.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    _, over = _exact(graph, threads, over_arcs=True)
    over /= 1 if graph.directed else 2
    return over / _pairs(graph, graph.n) if normalised else over


def _exact(graph: Graph, threads: int, *, over_arcs: bool) -> tuple[Floats, Floats]:
    """What runs through each node (n,) and over each edge (m,), over all ordered pairs."""
    zero_order = _zero_order(graph)
    trees = _hanging_trees(graph)
    net = _network(graph, zero_order[trees.size[zero_order] > 0])
    size = trees.size[net.rows].astype(np.float64)
    through, _, over = _from_sources(net, size, np.arange(len(size)), size, threads, over_arcs=over_arcs)
    trees.through[net.rows] += through
    by_edge = np.bincount(net.edges, over, minlength=graph.m) if over_arcs else 0.0
    return trees.through, trees.over + by_edge


def _pairs(graph: Graph, n: int) -> int:
    """How many pairs n nodes form, ordered where the graph is directed; 1 where none do."""
    return max(n * (n - 1) // (1 if graph.directed else 2), 1)


# ---------------------------------------------------------------------------------------- from a sample


@dataclass(frozen=True, eq=False)
class SampledBetweenness:
    """An estimate of `betweenness` (n,) from `samples` sources, and two answers to how far off it may be.

    `standard_error` (n,) is estimated from the same sample, for one node at a time; a node that no path of it ran
    through has 0, which does not mean that it is exact. `error` is a bound: with the confidence asked for, no node
    at all is further off. All three are in the same units.
    """

    betweenness: Floats
    standard_error: Floats
    error: float
    samples: int


def sampled_betweenness(
    graph: object,
    samples: int,
    *,
    normalised: bool = False,
    confidence: float = 0.95,
    seed: Seed = 0,
    threads: int = 1,
) -> SampledBetweenness:
    """Betweenness from the paths of a few sources: `samples`, 2 or more, drawn uniformly with replacement.

    Each source s gives delta_s(v), what v carries of the paths from s; n times their mean is an unbiased estimate
    of the sum over all n sources. Since 0 <= delta_s(v) <= n - 2, Hoeffding's inequality for each of n nodes
    bounds the chance that some node is off by more than `error`, normalised, by
    2 n exp(-2 samples (error (n - 1) / n)^2).

    O(samples m), with lengths O(samples m log n). The same bits on any number of `threads`. Raises as
    `betweenness`, and ValueError for fewer than 2 samples or a confidence not between 0 and 1.

    >>> star = as_graph([(0, leaf) for leaf in range(1, 101)], n=101)
    >>> found = sampled_betweenness(star, samples_for(101, error=0.1), normalised=True)
    >>> found.samples, round(found.error, 3), bool(abs(found.betweenness[0] - 1) <= found.error)
    (424, 0.1, True)

    Notebook: 06_centrality_and_flow. Sources: U. Brandes, C. Pich, Centrality estimation in large networks,
    International Journal of Bifurcation and Chaos 17 (7), 2007, pages 2303-2318, doi:10.1142/S0218127407018403;
    W. Hoeffding, Probability inequalities for sums of bounded random variables, Journal of the American
    Statistical Association 58, 1963, pages 13-30, theorem 2, doi:10.1080/01621459.1963.10500830.
    """
    graph = not_negative(as_graph(graph), "a shortest path")
    n, pairs = graph.n, _pairs(graph, graph.n - 1)
    samples = whole("samples", samples, least=2)
    error = _deviation(n, confidence) / sqrt(samples) * (1 if normalised else pairs)
    net = _network(graph, _zero_order(graph))
    drawn = (uniforms(key_of(seed), [0], samples)[0] * n).astype(np.int64)
    sources, times = np.unique(np.argsort(net.rows)[drawn] if n else drawn[:0], return_counts=True)
    through, squares, _ = _from_sources(net, np.ones(n), sources, times.astype(np.float64), threads)
    variance = np.maximum(squares - through**2 / samples, 0) / (samples - 1)
    mean, spread = np.zeros(n), np.zeros(n)
    mean[net.rows], spread[net.rows] = through / samples, np.sqrt(variance / samples)
    scale = n / (1 if graph.directed else 2) / (pairs if normalised else 1)
    return SampledBetweenness(scale * mean, scale * spread, error, samples)


def samples_for(n: int, error: float, confidence: float = 0.95) -> int:
    """How many sources `sampled_betweenness` needs so that no node is off by more than `error`, normalised.

    `n` nodes; the number grows with log n / error^2. Where it is above n, `betweenness` costs less and is exact.
    Raises ValueError for an error or a confidence that is not between 0 and 1.

    >>> samples_for(1_000_000, error=0.05)
    3501

    Notebook: 06_centrality_and_flow. Source: see `sampled_betweenness`.
    """
    n, error = whole("n", n, least=0), above_zero("error", error, below=1)
    return max(2, ceil((_deviation(n, confidence) / error) ** 2))


def _deviation(n: int, confidence: float) -> float:
    """The error bound, normalised, times the root of the number of samples; 0 where no node can lie between."""
    confidence = above_zero("confidence", confidence, below=1)
    return n / (n - 1) * sqrt(log(2 * n / (1 - confidence)) / 2) if n > 2 else 0.0


# ---------------------------------------------------------------------------------------- what is searched


@dataclass(frozen=True)
class _Network:
    """The arcs among some rows of a graph, without self-loops, in CSR; row i here is `rows[i]` of the graph.

    `lengths` (arcs,), or None where all are one; `edges` (arcs,) which edge of the graph each arc is.
    """

    rows: Rows
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    lengths: Floats | None
    edges: NDArray[np.int64]
    directed: bool

    @cached_property
    def backward(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """indptr and indices of the arcs turned round."""
        if not self.directed:
            return self.indptr, self.indices
        k = len(self.rows)
        sources = np.repeat(np.arange(k, dtype=np.int32), np.diff(self.indptr))
        ends = np.cumsum(np.bincount(self.indices, minlength=k))
        return np.concatenate([[0], ends]), sources[np.argsort(self.indices, kind="stable")]

    @cached_property
    def successors(self) -> list[list[tuple[int, float, int]]]:
        """For each row (row of a successor, length, arc), for plain Python."""
        lengths = [1.0] * len(self.indices) if self.lengths is None else self.lengths.tolist()
        arcs = list(zip(self.indices.tolist(), lengths, range(len(lengths)), strict=True))
        return [arcs[start:end] for start, end in pairwise(self.indptr.tolist())]


def _network(graph: Graph, rows: Rows) -> _Network:
    """The arcs of the graph among these rows, in this order."""
    place = np.full(graph.n, -1, np.int64)
    place[rows] = np.arange(len(rows))
    u, v = place[graph.sources], place[graph.indices]
    arcs = np.flatnonzero((u >= 0) & (v >= 0) & (u != v))
    arcs = arcs[np.lexsort((v[arcs], u[arcs]))]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(u[arcs], minlength=len(rows)))])
    lengths = None if graph.weights is None else graph.weights[arcs]
    return _Network(rows, indptr, v[arcs].astype(np.int32), lengths, graph.edge_ids[arcs], graph.directed)


def _zero_order(graph: Graph) -> Rows:
    """All rows, every arc of length 0 forward: then of rows at one distance the smaller may be settled first.

    Where there is no such arc, rows with many arcs come first: what is looked up most lies together in memory.
    Raises ValueError where arcs of length 0 form a cycle.
    """
    if graph.weights is None or (graph.weights > 0).all():
        return np.argsort(-np.diff(graph.indptr), kind="stable")
    rows = np.column_stack([graph.sources, graph.indices])[(graph.weights == 0) & (graph.sources != graph.indices)]
    try:
        return np.array(topological_sort(as_graph(rows, n=graph.n, directed=True)), np.int64)
    except CycleError as error:
        cycle = [graph.nodes[row] for row in error.cycle]
        names = " -> ".join(map(repr, [*cycle, cycle[0]]))
        raise ValueError(f"edges of length 0 form a cycle, {names}: shortest paths are without number") from None


@dataclass(frozen=True)
class _Trees:
    """What hangs on an undirected graph: trees that one edge holds, which no path between others runs through.

    `size` (n,) nodes of the trees that hang on each node, itself included; 0 where it was taken off with one.
    `through` (n,) and `over` (m,): the ordered pairs of which one end at least lies in a tree below node or edge.
    """

    size: NDArray[np.int64]
    through: Floats
    over: Floats


def _hanging_trees(graph: Graph) -> _Trees:
    """Take off nodes with one neighbour until there are none; O(n + m). A directed graph keeps all its nodes.

    Where t nodes hang below v in trees of t_1, t_2, ... nodes, and N nodes are connected to v, itself included, v
    lies between t^2 - sum t_i^2 ordered pairs below it and 2 t (N - 1 - t) of one below and one elsewhere. An edge
    that holds a tree of t lies between 2 t (N - t). Source: A. E. Sariyuce, E. Saule, K. Kaya, U. V. Catalyurek,
    Shattering and compressing networks for betweenness centrality, SIAM Data Mining 2013,
    doi:10.1137/1.9781611972832.76.
    """
    n, size, squares, over = graph.n, np.ones(graph.n, np.int64), np.zeros(graph.n, np.int64), np.zeros(graph.m)
    if graph.directed or n == 0:
        return _Trees(size, np.zeros(n), over)
    N = _component_sizes(graph)
    taken = []
    for v, u, edge in _leaves(graph):
        size[u] += size[v]
        squares[u] += size[v] ** 2
        over[edge] = 2.0 * size[v] * (N[v] - size[v])
        taken.append(v)
    t = size - 1
    through = (t**2 - squares + 2 * t * (N - 1 - t)).astype(np.float64)
    size[taken] = 0
    return _Trees(size, through, over)


def _leaves(graph: Graph) -> Iterator[tuple[int, int, int]]:
    """(node, its one neighbour, edge) of each node as it is taken off, which may leave the neighbour with one."""
    edges = np.flatnonzero(graph.edge_rows[:, 0] != graph.edge_rows[:, 1])
    first, second = graph.edge_rows[edges].T
    counts, rows, ids = np.zeros((3, graph.n), np.int64)
    for v, u in ((first, second), (second, first)):
        np.add.at(counts, v, 1)
        np.add.at(rows, v, u)
        np.add.at(ids, v, edges)
    # Of each node the number of its neighbours, the sum of their rows and the sum of its edges' ids. What is taken
    # off is subtracted, so where one neighbour is left the sums are its row and the id of the edge to it.
    degree, near, edge = counts.tolist(), rows.tolist(), ids.tolist()
    leaves = [v for v in range(graph.n) if degree[v] == 1]
    for v in leaves:
        if degree[v] == 1:  # and has not been its neighbour's one neighbour
            u, e = near[v], edge[v]
            yield v, u, e
            degree[v] = 0
            degree[u], near[u], edge[u] = degree[u] - 1, near[u] - v, edge[u] - e
            if degree[u] == 1:
                leaves.append(u)


def _component_sizes(graph: Graph) -> NDArray[np.int64]:
    """(n,) how many nodes each node is connected to, itself included."""
    from scipy.sparse.csgraph import connected_components

    _, component = connected_components(graph.to_scipy(), directed=False)
    return np.bincount(component)[component]


# ---------------------------------------------------------------------------------------- the search, shared out


def _from_sources(
    net: _Network, weight: Floats, sources: Rows, times: Floats, threads: int, *, over_arcs: bool = False
) -> Sums:
    """Shortest paths from each source, which counts `times`, to all rows (k,), which count `weight` each."""
    kernels = compiled("centrality", when=len(sources) * (len(net.rows) + len(net.indices)) >= COMPILED_FROM)

    def search(part: Rows) -> Sums:
        if kernels is not None:
            sums = _zeros(net, over_arcs)
            _by_kernel(kernels, net, weight, sources[part], times[part], sums)
            if np.isfinite(sums[0]).all():
                return sums
        # 1,100 diamonds in a row have 2^1100 shortest paths: too many for a float, so the kernels leave NaN or
        # inf in sums[0]. Python's integers count them.
        sums = _zeros(net, over_arcs)
        _by_definition(net, weight.tolist(), sources[part].tolist(), times[part].tolist(), sums)
        return sums

    total = _zeros(net, over_arcs)
    parts = np.array_split(np.arange(len(sources)), max(1, min(CHUNKS, len(sources))))
    with ThreadPoolExecutor(whole("threads", threads)) as pool:
        for sums in pool.map(search, parts) if threads > 1 else map(search, parts):
            for so_far, more in zip(total, sums, strict=True):
                so_far += more
    return total


def _zeros(net: _Network, over_arcs: bool) -> Sums:
    k = len(net.rows)
    return np.zeros(k), np.zeros(k), np.zeros(len(net.indices) if over_arcs else 0)


def _by_kernel(
    kernels: ModuleType, net: _Network, weight: Floats, sources: Rows, times: Floats, sums: Sums
) -> None:
    """See `_by_definition`."""
    if net.lengths is None:
        kernels.by_levels(net.indptr, net.indices, *net.backward, weight, sources, times, *sums)
    else:
        kernels.by_lengths(net.indptr, net.indices, net.lengths, weight, sources, times, *sums)


def _by_definition(net: _Network, weight: list[float], sources: list[int], times: list[float], sums: Sums) -> None:
    """Add to the three sums what each source gives, in plain Python: Brandes' second half, rows weighted."""
    through, squares, over = sums
    for s, count in zip(sources, times, strict=True):
        S, P, sigma = _shortest_paths(net.successors, s)
        delta = [0.0] * len(weight)
        for w in reversed(S):
            for v, arc in P[w]:
                share = sigma[v] / sigma[w] * (weight[w] + delta[w])
                delta[v] += share
                if len(over):
                    over[arc] += count * share
        delta[s] = 0.0
        through += count * np.array(delta)
        squares += count * np.array(delta) ** 2


def _shortest_paths(
    successors: list[list[tuple[int, float, int]]], s: int
) -> tuple[list[int], list[list[tuple[int, int]]], list[int]]:
    """Brandes' first half, with Dijkstra's algorithm: S, P and sigma, where P[w] holds (row, arc) pairs.

    Of equal distances the smaller row is settled first, which is right for arcs of length 0: see `_zero_order`.
    """
    n = len(successors)
    S: list[int] = []
    P: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    sigma, d, settled = [0] * n, [inf] * n, [False] * n
    sigma[s], d[s] = 1, 0.0
    Q = [(0.0, s)]
    while Q:
        distance, v = heappop(Q)
        if settled[v]:
            continue
        settled[v] = True
        S.append(v)
        for w, length, arc in successors[v]:
            if settled[w] or distance + length > d[w]:
                continue
            if distance + length < d[w]:
                d[w], sigma[w], P[w] = distance + length, 0, []
                heappush(Q, (d[w], w))
            sigma[w] += sigma[v]
            P[w].append((v, arc))
    return S, P, sigma
