"""Who is visited most by someone who walks along the edges and now and then jumps: PageRank.

    pagerank(graph)                                        # (n,) shares of the visits, which sum to 1
    pagerank(graph, personalisation=[1, 0, 0])             # all jumps lead to the first of three nodes
    random_walk_visits(graph, 10_000)                      # (n,) the same by walking, counted

An edge u -> v is a vote of u for v, and a weight is its strength. `graph` is anything that `as_graph` reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, finite_rows, not_negative, whole, zero_or_more
from lessons._rng import Seed, key_of, start, uniform
from lessons.errors import ConvergenceError
from lessons.graph import Graph, as_graph

Floats = NDArray[np.float64]


# ---------------------------------------------------------------------------------------- definition


def pagerank_definition(successors: Sequence[Sequence[int]], damping: float, rounds: int) -> list[float]:
    """PageRank by power iteration: the share of walkers in each row after as many rounds, from equal shares on.

    `successors[u]` are the rows that u has an edge to. In a round each walker goes along an edge of its row, each
    as likely, with chance `damping`, and jumps to any row else, as it does from a row without edges. O(rounds (n +
    m)).

    >>> [round(share, 6) for share in pagerank_definition([[1], [0], [0]], damping=0.5, rounds=40)]
    [0.444444, 0.388889, 0.166667]
    """
    n = len(successors)
    x = [1 / n] * n
    for _ in range(rounds):
        arrived, stuck = [0.0] * n, 0.0
        for u, following in enumerate(successors):
            for v in following:
                arrived[v] += x[u] / len(following)
            if not following:
                stuck += x[u]
        x = [damping * (arrived[v] + stuck / n) + (1 - damping) / n for v in range(n)]
    return x


# ---------------------------------------------------------------------------------------- as a linear system


def pagerank(
    graph: object,
    *,
    damping: float = 0.85,
    personalisation: ArrayLike | None = None,
    tolerance: float = 1e-10,
    iterations: int = 10_000,
) -> Floats:
    """The share of time x (n,) that an endless walk spends at each node; aligned with `graph.nodes`, sums to 1.

    With chance `damping` (a, 0 <= a < 1) the walk goes along an edge of its node, drawn by weight; else it jumps
    to a node drawn from `personalisation` v: (n,) numbers, zero or more, not all zero, each node alike where None.
    Where no edge leaves a node, or all weigh 0, it jumps at once. With P[i, j] the chance of the edge i -> j,

        x = a (P^T x + (x_i summed over nodes i without edges) v) + (1 - a) v

    `tolerance` bounds the distance |x - exact|_1. A round of this equation brings any two distributions together
    by the factor a, so if it changes x by r, x is at most |r|_1 / (1 - a) away from the answer.

    Raises ValueError for a negative weight, 1 or more for `damping`, numbers that do not fit; ConvergenceError
    after as many `iterations`, each O(n + m).

    >>> pagerank(as_graph([("a", "b"), ("c", "b")], nodes="abc", directed=True), damping=0.5).round(6)
    array([0.25, 0.5 , 0.25])

    Notebook: 06_centrality_and_flow.
    """
    graph, a = not_negative(as_graph(graph), "a random walk"), _below_one(damping)
    tolerance, iterations = above_zero("tolerance", tolerance), whole("iterations", iterations)
    v = _shares(graph, personalisation)
    return _power_iteration(graph, a, v, tolerance, iterations)


def _power_iteration(graph: Graph, a: float, v: Floats, tolerance: float, iterations: int) -> Floats:
    weights, total = _strengths(graph)
    walk = total > 0
    per_weight = np.divide(a, total, out=np.zeros(graph.n), where=walk)
    x, distance = v, 1.0
    for _ in range(iterations):
        along = (x * per_weight)[graph.sources] * weights
        new = np.bincount(graph.indices, along, graph.n) + (a * x[~walk].sum() + 1 - a) * v
        distance = float(np.abs(new - x).sum()) * a / (1 - a)
        x = new / (new.sum() or 1.0)
        if distance <= tolerance:
            return x
    raise ConvergenceError("PageRank", distance, iterations)


# ---------------------------------------------------------------------------------------- as walks


def random_walk_visits(
    graph: object,
    walks: int,
    *,
    damping: float = 0.85,
    personalisation: ArrayLike | None = None,
    seed: Seed = 0,
    threads: int = 1,
) -> NDArray[np.int64]:
    """How often each node is visited (n,) by so many random walks; aligned with `graph.nodes`.

    Each walk starts at a node drawn from `personalisation`, which is its first visit, and goes on with chance
    `damping` along an edge drawn by weight (from a node without edges it jumps to one drawn from
    `personalisation`); else it ends. On average it makes 1 / (1 - damping) visits, and visits / walks *
    (1 - damping) is near `pagerank`: x = (1 - a) (I - a P^T)^-1 v sums a^k (P^T)^k v over all steps k. The spread
    of each share falls as 1 / sqrt(walks), so one more digit takes a hundred times as many walks.

    Each walk has random numbers of its own: the counts are the same on any number of threads. O(visits) draws,
    each O(log degree) where weighted.

    Raises what `pagerank` does; TypeError or ValueError unless walks >= 1 and threads >= 1.

    >>> graph = as_graph([("a", "b"), ("c", "b")], nodes="abc", directed=True)
    >>> shares = random_walk_visits(graph, 10_000, damping=0.5) / 10_000 * 0.5
    >>> bool(np.abs(shares - pagerank(graph, damping=0.5)).max() < 0.02)
    True

    Notebook: 06_centrality_and_flow.
    """
    graph, a = not_negative(as_graph(graph), "a random walk"), _below_one(damping)
    walks, threads = whole("walks", walks), whole("threads", threads)
    jump = list(accumulate(_shares(graph, personalisation).tolist()))
    ends, indices = graph.indptr.tolist(), graph.indices.tolist()
    weights = _strengths(graph)[0].tolist()
    rows = [list(accumulate(weights[first:end])) for first, end in pairwise(ends)]
    visits = [0] * graph.n
    key = key_of(seed)
    for walk in range(walks if graph.n else 0):
        stream, draw = start(key, walk), 2
        node = _drawn(jump, uniform(stream, 0))
        visits[node] += 1
        while uniform(stream, draw - 1) < a:
            reach = rows[node]
            at_random = uniform(stream, draw)
            stuck = not reach or reach[-1] == 0
            node = _drawn(jump, at_random) if stuck else indices[ends[node] + _drawn(reach, at_random)]
            visits[node] += 1
            draw += 2
    return np.array(visits, np.int64)


def _drawn(sums: list[float], at_random: float) -> int:
    """The first place whose sum lies above a random share of the last: never one that adds nothing."""
    return bisect_right(sums, at_random * sums[-1])


# ---------------------------------------------------------------------------------------- helpers


def _strengths(graph: Graph) -> tuple[Floats, Floats]:
    """The weights (arcs,), each row divided by a power of two, so that its largest is near 1; and row sums."""
    if graph.weights is None:
        return np.ones(len(graph.indices)), np.diff(graph.indptr).astype(np.float64)
    largest, filled = np.zeros(graph.n), np.diff(graph.indptr) > 0
    if filled.any():
        largest[filled] = np.maximum.reduceat(graph.weights, graph.indptr[:-1][filled])
    weights = np.ldexp(graph.weights, -np.frexp(largest)[1][graph.sources])
    return weights, np.bincount(graph.sources, weights, graph.n).astype(np.float64)


def _shares(graph: Graph, personalisation: ArrayLike | None) -> Floats:
    """(n,) where a jump leads, as chances."""
    if personalisation is None:
        return np.full(graph.n, 1 / max(graph.n, 1))
    v = finite_rows("personalisation", personalisation, graph.nodes, "node")
    if v.ndim != 1:
        raise ValueError(f"personalisation of shape {v.shape}: one number for each of {graph.n} nodes is needed")
    if (v < 0).any():
        row = int(np.argmax(v < 0))
        raise ValueError(f"personalisation at node {graph.nodes[row]!r} is {v[row]}: zero or more is needed")
    if graph.n and not v.any():
        raise ValueError("personalisation is 0 everywhere: at least one node must be above 0")
    v /= v.max(initial=0.0) or 1.0
    return v / (v.sum() or 1.0)


def _below_one(damping: float) -> float:
    a = zero_or_more("damping", damping)
    if a >= 1:
        raise ValueError(f"damping={damping!r}: below 1, or a walk never jumps and never ends")
    return a
