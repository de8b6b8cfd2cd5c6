"""Who is visited most by someone who walks along the edges and now and then jumps: PageRank.

    pagerank(graph)                                        # (n,) shares of the visits, which sum to 1
    pagerank(graph, personalisation=[1, 0, 0])             # all jumps lead to the first of three nodes
    random_walk_visits(graph, 10_000)                      # (n,) the same by walking, counted

An edge u -> v is a vote of u for v, and a weight is its strength. `graph` is anything that `as_graph` reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, finite_rows, not_negative, whole, zero_or_more
from lessons._device import Device, array_module, compiled, sparse_beside, to_host
from lessons._rng import Seed, key_of, start, uniform
from lessons.errors import ConvergenceError
from lessons.graph import Graph, as_graph

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

COMPILED_FROM = 300_000  # nodes, arcs and visits; below, this takes less time than loading numba, half a second
ROUND = 30  # nodes and arcs: what a round costs besides them. The slowest graphs take some 30 / (1 - a) rounds
FLOOR, HIGHEST_FLOOR = 8 * 2.0**-52, 1e-3  # see `pagerank`; about 6 is the most that was seen


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
    x = [1 / n for _ in range(n)]
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
    iterations: int = 1_000_000,
    device: Device = "cpu",
) -> Floats:
    """The share of time x (n,) that an endless walk spends at each node; aligned with `graph.nodes`, sums to 1.

    With chance `damping` (a, 0 <= a < 1) the walk goes along an edge of its node, drawn by weight; else it jumps
    to a node drawn from `personalisation` v: (n,) numbers, zero or more, not all zero, each node alike where None.
    Where no edge leaves a node, or all weigh 0, it jumps at once. With P[i, j] the chance of the edge i -> j,

        x = a (P^T x + (x_i summed over nodes i without edges) v) + (1 - a) v

    `tolerance` bounds |x - exact|_1, up to rounding. A round of this equation brings any two distributions
    together by the factor a at least; so if it changes x by r, x is at most |r|_1 / (1 - a) from the answer.

    Rounding sets a floor: 8 * 2.2e-16 * sqrt(d) / (1 - a)^2 with d the most edges that lead to one node, and at
    most 0.001. A round adds up d numbers, which errs by some 2.2e-16 sqrt(d); such errors, each of them left to
    fade by the factor a, keep x moving by 1 / (1 - a) times as much; and the bound is that over 1 - a once more. A
    smaller `tolerance` counts as the floor, which is 8e-14 sqrt(d) by default, but 2e-7 sqrt(d) at 0.9999.

    O(n + m) in each of at most `iterations` rounds. Power iteration takes log(tolerance) / log(a) of them, 142 by
    default, where it is slowest, and 329,000 at 0.9999 if that tolerance were to be had. For large graphs, damping
    near 1, and once it is loaded, compiled relaxation usually takes fewer, far fewer where a slow graph is
    undirected. Both end in the rounds allowed by default up to a damping of 0.9999.

    With `device="gpu"` CuPy iterates: so far run on a stand-in for its arrays only, on no card.

    Raises ImportError without CuPy, RuntimeError without a device; ValueError for a negative weight, for a damping
    of 1 or more, and for a personalisation that is not (n,) numbers as above; ConvergenceError where the rounds
    are too few.

    >>> pagerank(as_graph([("a", "b"), ("c", "b")], nodes="abc", directed=True), damping=0.5).round(6)
    array([0.25, 0.5 , 0.25])

    Notebook: 06_centrality_and_flow. References: S. Brin, L. Page, The anatomy of a large-scale hypertextual Web
    search engine, Computer Networks and ISDN Systems 30, 1998, doi:10.1016/S0169-7552(98)00110-X; D. F. Gleich,
    PageRank beyond the Web, SIAM Review 57 (3), 2015, doi:10.1137/140976649.
    """
    array_module(device)
    graph, a = not_negative(as_graph(graph), "a random walk"), _below_one(damping)
    tolerance, iterations = above_zero("tolerance", tolerance), whole("iterations", iterations)
    v = _shares(graph, personalisation)
    if graph.n == 0:
        return v
    kernels = None if device == "gpu" else _kernels(graph.n + len(graph.indices) + ROUND / (1 - a))
    if kernels is None:
        return _power_iteration(graph, a, v, tolerance, iterations, device)
    return _relaxation(kernels, graph, a, v, tolerance, iterations)


def _power_iteration(
    graph: Graph, a: float, v: Floats, tolerance: float, iterations: int, device: Device = "cpu"
) -> Floats:
    """The equation of `pagerank`, put into itself."""
    from scipy.sparse import csr_array

    P, degrees = _chances(graph)
    along = a / degrees[graph.sources] if P is None else a * P
    arrived: Any = csr_array((along, graph.indices, graph.indptr), shape=(graph.n, graph.n)).T
    xp = array_module(device)
    stuck, v = xp.asarray(np.flatnonzero(degrees == 0)), xp.asarray(v)
    arrived = arrived if xp is np else sparse_beside(arrived.tocsr(), v)
    x, distance = v, 1.0
    tolerance = _within_reach(tolerance, a, np.bincount(graph.indices))
    for _ in range(iterations):
        new = arrived @ x
        new += (a * x[stuck].sum() + 1 - a) * v
        new /= new.sum()
        distance = float(abs(new - x).sum()) * a / (1 - a)
        x = new
        if distance <= tolerance:
            return to_host(x)
    raise ConvergenceError("PageRank", distance, iterations)


def _relaxation(
    kernels: ModuleType, graph: Graph, a: float, v: Floats, tolerance: float, iterations: int
) -> Floats:
    """The linear system y = a P^T y + b v, solved row by row; x is y over its sum.

    Where stuck walkers go only changes b, the scale of y. One row after the other is made right by the newest
    values of the others (Gauss-Seidel), or, where undirected, moved `omega` times as far (successive
    over-relaxation): P^T times the degrees is symmetric there, so any 0 < omega < 2 converges. This one is the
    best for bipartite graphs, whose eigenvalues come in pairs, and good for others.

    A sweep that meets row after row lacking s[i] leaves the residual r = b v + a P^T y - y with |r|_1 <= (|1 -
    omega| + a omega) |s|_1: the first part stays in a row, the second is what changing it brings to others. (A row
    with a self-loop of chance p changes by omega s / (1 - a p), and brings 1 - p of that to others.) Put into the
    equation of `pagerank`, x = y / sum(y) is changed by (r - sum(r) v) / sum(y), at most 2 |r|_1 / sum(y).

    Source: D. M. Young, Iterative methods for solving partial difference equations of elliptic type, Transactions
    of the American Mathematical Society 76 (1), 1954, doi:10.1090/S0002-9947-1954-0059635-7.
    """
    P, degrees = _chances(graph)
    first, tails, P = _by_head(graph, P)
    omega = 1.0 if graph.directed else 2 / (1 + (1 - a * a) ** 0.5)
    y, distance = _first_guess(graph, a, v), np.ones(1)
    scale = degrees if P.size == 0 else (degrees > 0).astype(np.float64)
    tolerance = _within_reach(tolerance, a, np.diff(first))
    taken = kernels.relax(first, tails, P, scale, v, a, omega, tolerance, iterations, y, distance)
    if not distance[0] <= tolerance:
        raise ConvergenceError("PageRank", float(distance[0]), int(taken))
    y = np.maximum(y, 0.0)  # the answer has nothing below 0, so this is no further from it, its sum made 1 too
    return y / y.sum()


def _within_reach(tolerance: float, a: float, arriving: NDArray[np.int64]) -> float:
    """The tolerance, but not below the floor of rounding; `arriving` is how many arcs lead to each row."""
    floor = FLOOR * max(int(arriving.max(initial=1)), 1) ** 0.5 / (1 - a) ** 2
    return max(tolerance, min(floor, HIGHEST_FLOOR))


def _by_head(graph: Graph, P: Floats | None) -> tuple[NDArray[np.int64], Rows, Floats]:
    """The arcs by the row that they lead to, and their chances (none where every edge of a row is as likely)."""
    chances = np.empty(0) if P is None else P
    if P is None and not graph.directed:
        return graph.indptr, graph.indices, chances
    from lessons.compiled.graph import turned

    found = np.empty(graph.n + 1, np.int64), np.empty(len(graph.indices), np.int32), np.empty_like(chances)
    turned(graph.indptr, graph.indices, chances, *found)
    return found


def _first_guess(graph: Graph, a: float, v: Floats) -> Floats:
    """Jumps, then, where undirected, the shares of a walk that never jumps: in proportion to the degrees."""
    if graph.directed or v.min() < v.max() or not len(graph.indices):
        return v.copy()  # so that what no jump leads to stays 0
    if graph.weights is None:
        degrees = np.diff(graph.indptr)
    else:
        degrees = np.bincount(graph.sources, graph.weights / (graph.weights.max() or 1.0), graph.n)
    return v + a / (1 - a) * float(v[degrees > 0].sum()) * degrees / (degrees.sum() or 1.0)


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
    each O(log degree) where weighted. Compiled for long work; only then more threads help.

    Raises ValueError for a negative weight, for a damping of 1 or more, for a personalisation that `pagerank`
    would refuse, and for less than one walk or thread; TypeError where these two are not whole.

    >>> graph = as_graph([("a", "b"), ("c", "b")], nodes="abc", directed=True)
    >>> shares = random_walk_visits(graph, 10_000, damping=0.5) / 10_000 * 0.5
    >>> bool(np.abs(shares - pagerank(graph, damping=0.5)).max() < 0.02)
    True

    Notebook: 06_centrality_and_flow.
    """
    graph, a = not_negative(as_graph(graph), "a random walk"), _below_one(damping)
    walks, threads, key = whole("walks", walks), whole("threads", threads), key_of(seed)
    jump = np.empty(0) if personalisation is None else np.cumsum(_shares(graph, personalisation))
    if graph.n == 0:
        return np.zeros(0, np.int64)
    kernels = _kernels(graph.n + len(graph.indices) + walks / (1 - a))
    if kernels is None:
        return _walked(graph, walks, a, jump.tolist(), key)
    sums = graph.kept("walks.row_sums", lambda: row_sums(kernels, graph))

    def part(i: int) -> NDArray[np.int64]:
        counts = np.zeros(graph.n, np.int64)
        ends = walks * i // threads, walks * (i + 1) // threads
        kernels.visits(graph.indptr, graph.indices, sums, jump, a, np.uint64(key), *ends, counts)
        return counts

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(part, range(threads)), np.zeros(graph.n, np.int64))


def _walked(graph: Graph, walks: int, a: float, jump: list[float], key: int) -> NDArray[np.int64]:
    """The walks in plain Python; `jump` are chances summed over the rows, none where all are as likely."""
    step, counts = _stepper(graph, jump), [0] * graph.n
    for walk in range(walks):
        stream, draw = start(key, walk), 2
        u = _leap(jump, graph.n, uniform(stream, 0))
        counts[u] += 1
        while uniform(stream, draw - 1) < a:
            u = step(u, uniform(stream, draw))
            counts[u] += 1
            draw += 2
    return np.array(counts, np.int64)


def _stepper(graph: Graph, jump: list[float]) -> Callable[[int, float], int]:
    """A function (row, random number) -> the row that a step from there leads to."""
    ends, indices = graph.indptr.tolist(), graph.indices.tolist()
    sums = graph.kept("walks.row_sums", lambda: row_sums(None, graph)).tolist()

    def step(u: int, at_random: float) -> int:
        first, end = ends[u], ends[u + 1]
        if first == end or (sums and sums[end - 1] == 0):
            return _leap(jump, graph.n, at_random)
        if not sums:
            return indices[first + int(at_random * (end - first))]
        return indices[bisect_right(sums, at_random * sums[end - 1], first, end)]  # never one that weighs 0

    return step


def _leap(jump: list[float], n: int, at_random: float) -> int:
    return bisect_right(jump, at_random * jump[-1]) if jump else int(at_random * n)


# ---------------------------------------------------------------------------------------- helpers


def _kernels(work: float) -> ModuleType | None:
    """The compiled speed where it pays: for long work, and for any once it is loaded."""
    return compiled("walks", when=work >= COMPILED_FROM)


def _near_one(graph: Graph) -> Floats:
    """The weights (arcs,), each row divided by a power of two that brings its largest near 1: sums stay finite."""
    weights, filled = graph.weights, np.diff(graph.indptr) > 0
    if weights is None or not len(weights):
        return np.ones(len(graph.indices))
    largest = np.maximum.reduceat(weights, graph.indptr[:-1][filled])
    powers = np.repeat(np.frexp(largest)[1], np.diff(graph.indptr)[filled])
    return np.ldexp(weights, -powers)


def _chances(graph: Graph) -> tuple[Floats | None, Floats]:
    """P, the chance of each arc (arcs,), None where every edge of a row is as likely; and the sum of each row."""
    if graph.weights is None:
        return None, np.diff(graph.indptr).astype(np.float64)
    weights = _near_one(graph)
    total = np.bincount(graph.sources, weights, graph.n).astype(np.float64)
    return weights / np.where(total > 0, total, 1.0)[graph.sources], total


def row_sums(kernels: ModuleType | None, graph: Graph) -> Floats:
    """The running sums (arcs,) of the weights along each row; no entry where the graph is unweighted.

    The weights of each row are divided by a power of two first, so that no sum is infinite.
    """
    if graph.weights is None:
        return np.empty(0)
    weights = _near_one(graph)
    if kernels is None:
        rows = [accumulate(weights[first:end].tolist()) for first, end in pairwise(graph.indptr.tolist())]
        return np.array([total for row in rows for total in row])
    sums = np.empty(len(weights))
    kernels.row_sums(graph.indptr, weights, sums)
    return sums


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
