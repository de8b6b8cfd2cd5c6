"""Betweenness, PageRank, paths and maximum flows, each beside those who do the same.

Each call of ours gets a graph that keeps nothing yet, so that whatever it prepares, a flow's residual network for
one, is part of its time. igraph starts from its graph, SciPy from a matrix in CSR with indices of 32 bits.

PageRank of a graph with less than 300,000 nodes and arcs is computed without kernels, until something larger has
loaded them: the first case shows that, the others what they do. PageRank "by SciPy" is the power iteration with
its sparse product, as networkx does it, ended where the answer is known to be within 1e-10. Of a flow igraph is
asked for the value alone, which it tells sooner than the flow.

Networks: arcs between random nodes with capacities 1 to 99, from one node to one, from the node that most arcs
leave to the one that most enter, and from many nodes to as many, where the cut is not just the arcs of an end; and
pixels of an image, each with arcs to its neighbours and to one of two ends. Seeds from 100 on: tuned on others.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain, groupby
from statistics import geometric_mean
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks._harness import Call, Case, Row
from benchmarks._inputs import random_pairs, rmat_pairs, sized
from lessons import Graph, as_graph
from lessons.centrality import betweenness
from lessons.flow_networks import MaxFlow, max_flow
from lessons.paths import ShortestPaths, shortest_paths
from lessons.small_world import average_path_length, clustering
from lessons.walks import pagerank

DAMPING, TOLERANCE = 0.85, 1e-10
RANDOM = ("one to one", "hub to hub", "many to many")  # networks of random arcs
SEEDS = (100, 101, 102)

Floats = NDArray[np.float64]
Network = tuple[Graph, int, int]  # with capacities, a source and a target


def cases(scale: float) -> Iterator[Case]:
    kinds = betweenness_cases, pagerank_cases, path_cases, flow_cases
    for found in chain.from_iterable(kind(scale) for kind in kinds):
        yield found if scale == 1 else replace(found, repeats=1)


# ---------------------------------------------------------------------------------------- graphs


@lru_cache(maxsize=2)
def rmat(n: int, m: int, directed: bool = False, longest: int = 0) -> Graph:
    """An R-MAT graph; each arc turned round or not at random where directed; lengths 1 ... longest, if any."""
    rng = np.random.default_rng(3)
    pairs = rmat_pairs(1 << (n - 1).bit_length(), m, seed=3)
    pairs = pairs[(pairs < n).all(axis=1)]
    if directed:
        turned = rng.random(len(pairs)) < 0.5
        pairs[turned] = pairs[turned, ::-1]
    edges = np.column_stack([pairs, rng.integers(1, longest + 1, len(pairs))]) if longest else pairs
    return as_graph(edges, n=n, directed=directed)


@lru_cache(maxsize=2)
def uniform(n: int, m: int, directed: bool) -> Graph:
    return as_graph(random_pairs(n, m, seed=3), n=n, directed=directed)


def fresh(graph: Graph) -> Graph:
    """The same graph, keeping nothing."""
    return Graph(graph.indptr, graph.indices, graph.weights, directed=graph.directed)


def in_igraph(graph: Graph) -> Any:
    import igraph

    found = igraph.Graph(graph.n, graph.edge_rows.astype(np.intp), directed=graph.directed)
    if graph.weights is not None:
        found.es["weight"] = graph.edge_weights.tolist()
    return found


def in_scipy(graph: Graph, dtype: type = float) -> Any:
    from scipy.sparse import csr_matrix  # csgraph of old versions takes no csr_array

    data = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    arrays = data.astype(dtype), graph.indices.copy(), graph.indptr.astype(np.int32)  # its own, as it may write
    return csr_matrix(arrays, shape=(graph.n, graph.n))


def case(
    name: str,
    graph_of: Callable[[], Graph],
    function: Callable[..., Any],
    variant: str,
    peers: Mapping[str, Callable[[Callable[[], Graph]], Call]],
    right: Callable[[Callable[[], Graph], Any], bool],
    repeats: int,
    **options: Any,
) -> Case:
    """`function(graph, **options)` beside the peers, who get the maker of the graph, as `right` does."""
    graph = graph_of()
    return Case(
        input=name,
        n=graph.n,
        m=graph.m,
        function=function.__name__,
        variant=variant,
        ours=partial(by_lessons, graph_of, function, **options),
        peers={peer: partial(ready, graph_of) for peer, ready in peers.items()},
        right=partial(right, graph_of),
        repeats=repeats,
    )


def by_lessons(graph_of: Callable[[], Graph], function: Callable[..., Any], **options: Any) -> Call:
    graph = graph_of()
    return lambda: function(fresh(graph), **options)


def loaded(room: str, ready: Callable[[], Call]) -> Call:
    """The call once the kernels are there, which else load for large graphs only, or are charged with numba."""
    importlib.import_module(f"lessons.compiled.{room}")
    return ready()


def close(answer: ArrayLike, known: ArrayLike) -> bool:
    return np.shape(answer) == np.shape(known) and np.allclose(answer, known, rtol=1e-9, atol=1e-6)


# ---------------------------------------------------------------------------------------- betweenness


def betweenness_cases(scale: float) -> Iterator[Case]:
    """networkx on a small graph only: it would take a quarter of an hour on the large one."""
    igraph = {"igraph": betweenness_by_igraph}
    both = igraph | {"networkx": betweenness_by_networkx}
    small, large = (partial(rmat, *sized(n, 8 * n, scale)) for n in (512, 8_192))
    yield case("RMAT graph", small, betweenness, "one thread", both, is_betweenness, 5)
    for variant, threads in (("one thread", 1), ("two threads", 2)):
        yield case("RMAT graph", large, betweenness, variant, igraph, is_betweenness, 5, threads=threads)
    peak = case("RMAT graph", large, betweenness, "one thread", igraph, is_one_each, 1)
    yield replace(peak, quantity="memory", ours=partial(loaded, "centrality", peak.ours))


def betweenness_by_igraph(graph_of: Callable[[], Graph]) -> Call:
    return in_igraph(graph_of()).betweenness


def betweenness_by_networkx(graph_of: Callable[[], Graph]) -> Call:
    import networkx

    graph = graph_of().to_networkx()
    return lambda: list(networkx.betweenness_centrality(graph, normalized=False).values())


def is_betweenness(graph_of: Callable[[], Graph], answer: ArrayLike) -> bool:
    return close(answer, known_betweenness(graph_of))


def is_one_each(graph_of: Callable[[], Graph], answer: ArrayLike) -> bool:
    """Of what `is_betweenness` has seen before, in another process: it takes half a minute."""
    return bool(np.shape(answer) == (graph_of().n,) and np.isfinite(answer).all())


@lru_cache(maxsize=2)
def known_betweenness(graph_of: Callable[[], Graph]) -> Floats:
    """Brandes' algorithm as products with the adjacency matrix, 256 sources at a time."""
    A = in_scipy(graph_of())
    n = A.shape[0]
    return sum(dependencies(A, np.eye(n, min(256, n - first), -first)) for first in range(0, n, 256)) / 2


def dependencies(A: Any, sources: Floats) -> Floats:
    """(n,) the paths from the sources, one a column of (n, k), through each node; A is symmetric."""
    paths, levels = sources.copy(), [sources > 0]
    while levels[-1].any():
        further = np.where(paths > 0, 0.0, A @ np.where(levels[-1], paths, 0.0))
        paths += further
        levels.append(further > 0)
    after = np.zeros_like(paths)
    for near, far in zip(levels[-2::-1], levels[:0:-1], strict=True):
        share = np.divide(1 + after, paths, out=np.zeros_like(paths), where=far)
        after += np.where(near, paths * (A @ share), 0.0)
    return np.where(sources > 0, 0.0, after).sum(axis=1)


# ---------------------------------------------------------------------------------------- PageRank


def pagerank_cases(scale: float) -> Iterator[Case]:
    fast = {"igraph": pagerank_by_igraph, "scipy": pagerank_by_scipy}
    every = fast | {"networkx": pagerank_by_networkx}
    options = {"damping": DAMPING, "tolerance": TOLERANCE}
    graph_of = partial(uniform, *sized(20_000, 45_000, scale), False)
    yield case("random graph", graph_of, pagerank, "without kernels", every, is_pagerank, 15, **options)
    for name, graph_of, peers, repeats in (
        ("random graph", partial(uniform, *sized(20_000, 45_000, scale), False), every, 15),
        ("random digraph", partial(uniform, *sized(20_000, 100_000, scale), True), every, 15),
        ("RMAT graph", partial(rmat, *sized(20_000, 160_000, scale)), every, 15),
        ("RMAT digraph", partial(rmat, *sized(20_000, 160_000, scale), True), every, 15),
        ("RMAT graph", partial(rmat, *sized(1_000_000, 8_000_000, scale)), fast, 3),
        ("RMAT digraph", partial(rmat, *sized(1_000_000, 8_000_000, scale), True), fast, 3),
    ):
        found = case(name, graph_of, pagerank, "one thread", peers, is_pagerank, repeats, **options)
        yield replace(found, ours=partial(loaded, "walks", found.ours))


def pagerank_by_igraph(graph_of: Callable[[], Graph]) -> Call:
    return partial(in_igraph(graph_of()).pagerank, damping=DAMPING)


def pagerank_by_scipy(graph_of: Callable[[], Graph]) -> Call:
    return partial(power_iteration, in_scipy(graph_of()), TOLERANCE)


def pagerank_by_networkx(graph_of: Callable[[], Graph]) -> Call:
    import networkx

    graph = graph_of().to_networkx()
    graph.graph.clear()
    change = TOLERANCE * (1 - DAMPING) / DAMPING / graph.number_of_nodes()  # it multiplies this by n again

    def call() -> list[float]:
        return list(networkx.pagerank(graph, DAMPING, tol=change, max_iter=1_000).values())

    return call


def power_iteration(A: Any, tolerance: float) -> Floats:
    """Ended where the exact answer is at most `tolerance` away: each round brings it nearer by the damping."""
    n, degree = A.shape[0], np.asarray(A.sum(axis=1)).ravel()
    stuck, share = degree == 0, DAMPING / np.maximum(degree, 1)
    into, x, change = A.T.tocsr(), np.full(n, 1 / n), np.inf
    while change > tolerance * (1 - DAMPING) / DAMPING:
        before = x
        x = into @ (x * share) + (DAMPING * x[stuck].sum() + 1 - DAMPING) / n
        change = np.abs(x - before).sum()
    return x


def is_pagerank(graph_of: Callable[[], Graph], answer: ArrayLike) -> bool:
    return bool(np.abs(np.asarray(answer) - known_pagerank(graph_of)).sum() <= TOLERANCE)


@lru_cache(maxsize=1)
def known_pagerank(graph_of: Callable[[], Graph]) -> Floats:
    return power_iteration(in_scipy(graph_of()), TOLERANCE / 1_000)


# ---------------------------------------------------------------------------------------- paths and triangles


def path_cases(scale: float) -> Iterator[Case]:
    steps = partial(uniform, *sized(100_000, 500_000, scale), False)
    lengths, small, large = (
        partial(rmat, *sized(n, 8 * n, scale), longest=longest)
        for n, longest in ((100_000, 20), (4_096, 0), (60_000, 0))
    )
    igraph = {"igraph": paths_by_igraph}
    both = igraph | {"scipy": paths_by_scipy}
    yield case("random graph", steps, shortest_paths, "by steps", igraph, is_distance, 15, source=0)
    yield case("RMAT graph", lengths, shortest_paths, "by lengths", both, is_distance, 7, source=0)
    peers = {"igraph": average_by_igraph, "scipy": average_by_scipy}
    yield case("RMAT graph", small, average_path_length, "one thread", peers, is_average, 5, reachable_only=True)
    peers = {"igraph": clustering_by_igraph}
    yield case("RMAT graph", large, clustering, "one thread", peers, is_clustering, 5)


def paths_by_igraph(graph_of: Callable[[], Graph]) -> Call:
    """Distances alone; ours tells the node before, too."""
    graph = graph_of()
    weights = None if graph.weights is None else "weight"
    return partial(in_igraph(graph).distances, 0, weights=weights)


def paths_by_scipy(graph_of: Callable[[], Graph]) -> Call:
    from scipy.sparse.csgraph import dijkstra

    return partial(dijkstra, in_scipy(graph_of()), indices=0, return_predecessors=True)


def is_distance(graph_of: Callable[[], Graph], answer: Any) -> bool:
    if isinstance(answer, ShortestPaths):
        return close(answer.distance, known_distance(graph_of))
    return close(answer[0], known_distance(graph_of))  # igraph: of the first source; SciPy: before predecessors


@lru_cache(maxsize=1)
def known_distance(graph_of: Callable[[], Graph]) -> Floats:
    from scipy.sparse.csgraph import dijkstra

    return dijkstra(in_scipy(graph_of()), indices=0)


def average_by_igraph(graph_of: Callable[[], Graph]) -> Call:
    return in_igraph(graph_of()).average_path_length


def average_by_scipy(graph_of: Callable[[], Graph]) -> Call:
    from scipy.sparse.csgraph import shortest_path

    A = in_scipy(graph_of())

    def call() -> float:
        distance = shortest_path(A, unweighted=True)
        return float(distance[np.isfinite(distance) & (distance > 0)].mean())

    return call


def is_average(graph_of: Callable[[], Graph], answer: float) -> bool:
    return close(answer, known_average(graph_of))


@lru_cache(maxsize=1)
def known_average(graph_of: Callable[[], Graph]) -> float:
    return float(average_by_scipy(graph_of)())


def clustering_by_igraph(graph_of: Callable[[], Graph]) -> Call:
    return partial(in_igraph(graph_of()).transitivity_local_undirected, mode="zero")


def is_clustering(graph_of: Callable[[], Graph], answer: ArrayLike) -> bool:
    return close(answer, known_clustering(graph_of))


@lru_cache(maxsize=1)
def known_clustering(graph_of: Callable[[], Graph]) -> Floats:
    """Closed walks of three steps over pairs of neighbours, a thousand rows of the product at a time."""
    A = in_scipy(graph_of())
    blocks = (A[first : first + 1_000] for first in range(0, A.shape[0], 1_000))
    closed = np.concatenate([np.asarray((rows @ A).multiply(rows).sum(axis=1)).ravel() for rows in blocks])
    degree = np.diff(A.indptr)
    return np.divide(closed, degree * (degree - 1), out=np.zeros(len(degree)), where=closed > 0)


# ---------------------------------------------------------------------------------------- flows


def flow_cases(scale: float) -> Iterator[Case]:
    random, grid = (max(100, round(n * scale)) for n in (50_000, 40_000))
    for kind, n in (*((kind, random) for kind in RANDOM), ("grid", grid)):
        for seed in SEEDS:
            yield flow_case(kind, n, seed)
    peak = flow_case("many to many", random, SEEDS[0])
    peers = {"scipy": peak.peers["scipy"]}
    yield replace(
        peak, quantity="memory", ours=partial(loaded, "flow_networks", peak.ours), peers=peers, repeats=1
    )


def flow_case(kind: str, n: int, seed: int) -> Case:
    graph = network(kind, n, seed)[0]
    return Case(
        input="grid network" if kind == "grid" else f"random network {kind}",
        n=graph.n,
        m=graph.m,
        function="max_flow",
        variant=f"seed {seed}",
        ours=partial(flow_by_lessons, kind, n, seed),
        peers={"igraph": partial(flow_by_igraph, kind, n, seed), "scipy": partial(flow_by_scipy, kind, n, seed)},
        right=partial(is_maximum, kind, n, seed),
        repeats=7,
    )


@lru_cache(maxsize=1)
def network(kind: str, n: int, seed: int) -> Network:
    return grid(round(n**0.5), seed) if kind == "grid" else random_network(kind, n, seed)


def random_network(kind: str, n: int, seed: int) -> Network:
    """6 n arcs; of many sources, as of many targets, there is one for 50 nodes."""
    rng = np.random.default_rng(seed)
    ends, capacity = rng.integers(n, size=(6 * n, 2)), rng.integers(1, 100, 6 * n)
    source, target = 0, n - 1
    if kind == "hub to hub":
        source, target = (int(np.bincount(column, minlength=n).argmax()) for column in ends.T)
    if kind == "many to many":
        givers, takers = rng.permutation(n)[: 2 * (n // 50)].reshape(2, -1)
        source, target = n, n + 1
        given, taken = (np.column_stack(np.broadcast_arrays(*pair)) for pair in ((n, givers), (takers, n + 1)))
        ends, capacity = np.concatenate([ends, given, taken]), np.append(capacity, np.full(2 * len(givers), 1_000))
    apart = ends[:, 0] != ends[:, 1]
    arcs = np.column_stack([ends, capacity])[apart]
    return as_graph(arcs, n=max(n, source + 1, target + 1), directed=True), source, target


def grid(side: int, seed: int) -> Network:
    """Pixels of an image, brighter on its left: from the source to bright ones, from dark ones to the target."""
    rng = np.random.default_rng(seed)
    pixel = np.arange(side * side).reshape(side, side)
    beside = [(pixel[:, :-1], pixel[:, 1:]), (pixel[:-1], pixel[1:])]
    one, other = (np.concatenate([pair[end].ravel() for pair in beside]) for end in (0, 1))
    strength = rng.integers(1, 30, len(one))
    light = rng.integers(0, 40, side * side) + np.where(np.arange(side * side) % side < side // 2, 10, -10) - 20
    source, target = side * side, side * side + 1
    bright, dark = np.flatnonzero(light > 0), np.flatnonzero(light < 0)
    tails = np.concatenate([one, other, np.full(len(bright), source), dark])
    heads = np.concatenate([other, one, bright, np.full(len(dark), target)])
    capacity = np.concatenate([strength, strength, light[bright], -light[dark]])
    return as_graph(np.column_stack([tails, heads, capacity]), n=target + 1, directed=True), source, target


def flow_by_lessons(kind: str, n: int, seed: int) -> Call:
    graph, source, target = network(kind, n, seed)
    return lambda: max_flow(fresh(graph), source, target)


def flow_by_igraph(kind: str, n: int, seed: int) -> Call:
    graph, source, target = network(kind, n, seed)
    return partial(in_igraph(graph).maxflow_value, source, target, "weight")


def flow_by_scipy(kind: str, n: int, seed: int) -> Call:
    from scipy.sparse.csgraph import maximum_flow

    graph, source, target = network(kind, n, seed)
    A = in_scipy(graph, np.int32)
    return lambda: maximum_flow(A, source, target, method="dinic").flow_value


def is_maximum(kind: str, n: int, seed: int, answer: Any) -> bool:
    """Whether the value is that of SciPy, and a flow of ours one whose cut proves it."""
    if isinstance(answer, MaxFlow) and not is_proved(*network(kind, n, seed), answer):
        return False
    value = answer.value if isinstance(answer, MaxFlow) else answer
    return bool(value == known_value(kind, n, seed))


def is_proved(graph: Graph, source: int, target: int, found: MaxFlow) -> bool:
    """Whether it is a flow, and the capacities of its cut sum to its value: no other can be more."""
    tails, heads = graph.edge_rows.T
    net = np.bincount(tails, found.flow, graph.n) - np.bincount(heads, found.flow, graph.n)
    owed = np.zeros(graph.n)
    owed[[source, target]] = found.value, -found.value
    within = (found.flow >= 0) & (found.flow <= graph.edge_weights)
    cut = np.isin(tails, found.source_side) & ~np.isin(heads, found.source_side)
    return bool((net == owed).all() and within.all() and graph.edge_weights[cut].sum() == found.value)


@lru_cache(maxsize=1)
def known_value(kind: str, n: int, seed: int) -> float:
    return float(flow_by_scipy(kind, n, seed)())


# ---------------------------------------------------------------------------------------- what is asked for


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Our time over that of the best peer in each case, the seeds of a network in one line."""
    timed = [row for row in rows if row["quantity"] == "time"]
    for name, same in groupby(
        timed, key=lambda row: re.sub(r"(network.*) n=\S+ m=\S+ (\w+) seed \d+", r"\1 \2", row["case"])
    ):
        nearest = {
            row["case"]: row for row in sorted(same, key=lambda row: row["ratio"])
        }  # keeps the largest ratio
        ratios = [row["ratio"] for row in nearest.values()]
        spread = f", {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} seeds" if len(ratios) > 1 else ""
        best = " and ".join(sorted({row["peer"] for row in nearest.values()}))
        yield f"{name}: {geometric_mean(ratios):.2f} of {best}{spread}"
