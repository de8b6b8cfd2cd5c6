"""The multilevel method, phase by phase: make the graph small, cut the small one, carry the cut back and refine it.

    levels = coarsen(graph, nodes=100)                      # finest, ..., coarsest
    parts = initial_partition(levels[-1], k=4)
    for level in reversed(levels[:-1]):
        parts = refine(level, project(level, parts), k=4)

The kernels of `lessons.compiled.coarsening` and `lessons.compiled.refinement` do the work, the functions here say
in which order.

Source: G. Karypis and V. Kumar, A fast and high quality multilevel scheme for partitioning irregular graphs, SIAM
Journal on Scientific Computing 20 (1), 1998, pages 359-392, DOI 10.1137/S1064827595287997.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _rng
from lessons._checks import whole
from lessons.cuts import Parts, Weights, heaviest_allowed, parts_of, weights_of
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import undirected
from lessons.packing import pack

Ints = NDArray[np.int32]

WHOLE = 2**30  # the sum of all edge weights within the kernels, where the caller's are not whole numbers below it
PARTLESS = np.empty(0, np.int32)
SHRINK = 0.95  # a coarser level of more nodes than this share is not worth having
LEFT_OVER = 0.2  # where more nodes find no partner, two-hop matching is tried


@dataclass(frozen=True, eq=False)
class Level:
    """A graph among the coarser and coarser ones: its arrays, and where its nodes went.

    Attributes: `indptr` (n + 1,), `indices` (arcs,) and `edge_weights` (arcs,) in compressed sparse rows, without
    self-loops, rows not sorted; `vertex_weights` (n,); `coarse_of` (n,) the node of the next level that each went
    into, None at the coarsest. Weights are whole numbers.
    """

    indptr: NDArray[np.int64]
    indices: Ints
    edge_weights: Ints
    vertex_weights: Weights
    coarse_of: Ints | None = None

    @property
    def n(self) -> int:
        """The number of nodes."""
        return len(self.vertex_weights)

    @property
    def nodes(self) -> range:
        """The labels of the nodes: their rows."""
        return range(self.n)

    @property
    def graph(self) -> Graph:
        """The same as a `Graph`, with its weights."""
        from scipy.sparse import csr_array

        arrays = self.edge_weights.astype(np.float64), self.indices, self.indptr
        return as_graph(csr_array(arrays, shape=(self.n, self.n)), directed=False)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], Ints, Ints, Weights]:
        """What every kernel takes first."""
        return self.indptr, self.indices, self.edge_weights, self.vertex_weights


def limit_of(weights: Weights, k: int, imbalance: float) -> int:
    """L_max, or the weight of all nodes where that is less: no part is heavier, and kernels count in int64.

    >>> limit_of(np.array([1, 2, 3]), 2, 1e300)
    6
    """
    return min(heaviest_allowed(weights, k, imbalance), int(weights.sum()))


def as_level(graph: object, vertex_weights: ArrayLike | None = None) -> Level:
    """The finest level. O(n + m).

    Self-loops and edges of weight 0 are left out, as no cut counts them. Edge weights that are whole numbers of a
    sum below 2^30 stay as they are; others become multiples of a 2^30th of their sum, at least one.
    """
    graph = undirected(graph)
    return Level(*_edges(graph), weights_of(graph, vertex_weights))


def _edges(graph: Graph) -> tuple[NDArray[np.int64], Ints, Ints]:
    weights = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    kept = (graph.sources != graph.indices) & (weights > 0)
    if kept.all():
        return graph.indptr, graph.indices, _whole_numbers(weights)
    indptr = np.append(0, np.cumsum(kept))[graph.indptr]
    return indptr, graph.indices[kept], _whole_numbers(weights[kept])


def _whole_numbers(weights: NDArray[np.float64]) -> Ints:
    """The weights of all arcs, two for each edge, as `as_level` says."""
    if weights.max(initial=0.0) < WHOLE and weights.sum() < 2 * WHOLE and (weights == np.floor(weights)).all():
        return weights.astype(np.int32)
    shares = weights / weights.max()  # first, as the sum may be no float64, nor one divided by it
    return np.maximum(np.rint(shares * (2 * WHOLE / shares.sum())), 1.0).astype(np.int32)


# ---------------------------------------------------------------------------------------- smaller and smaller


def heavy_edge_matching(level: Level, seed: _rng.Seed = 0) -> Ints:
    """(n,) a partner for each node, or itself: nodes choose, in random order, the free neighbour of heaviest edge."""
    return _matching(level, _rng.key_of(seed), PARTLESS, int(level.vertex_weights.sum()))


def _matching(level: Level, stream: int, parts: Ints, heaviest: int) -> Ints:
    from lessons.compiled import coarsening

    order, mate = np.empty(level.n, np.int32), np.empty(level.n, np.int32)
    coarsening.visiting_order(level.indptr, stream, order)
    free = coarsening.match(*level.arrays, parts, heaviest, order, mate)
    if free > LEFT_OVER * level.n:
        coarsening.match_two_hops(level.indptr, level.indices, level.vertex_weights, parts, heaviest, order, mate)
    return mate


def contract(level: Level, mate: Ints) -> tuple[Level, Level]:
    """The level, which now knows where its nodes went, and the coarser one, where each pair is one node."""
    from lessons.compiled import coarsening

    coarse_of = np.empty(level.n, np.int32)
    n, arcs = coarsening.number_pairs(mate, coarse_of), len(level.indices)
    indptr, indices = np.empty(n + 1, np.int64), np.empty(arcs, np.int32)
    edges, vertices = np.empty(arcs, np.int32), np.empty(n, np.int64)
    arcs = coarsening.contract(*level.arrays, mate, coarse_of, indptr, indices, edges, vertices)
    return replace(level, coarse_of=coarse_of), Level(indptr, indices[:arcs], edges[:arcs], vertices)


def coarsen(
    graph: object, nodes: int = 100, *, seed: _rng.Seed = 0, vertex_weights: ArrayLike | None = None
) -> list[Level]:
    """The levels from the graph down to one of about `nodes` nodes, or of as many as matching can reach."""
    return _coarsened(as_level(graph, vertex_weights), nodes, _rng.key_of(seed))


def _coarsened(level: Level, nodes: int, key: int, parts: Ints = PARTLESS) -> list[Level]:
    heaviest = max(int(1.5 * level.vertex_weights.sum() / nodes), 1)
    levels = [level]
    while levels[-1].n > nodes:
        mate = _matching(levels[-1], _rng.start(key, len(levels)), parts, heaviest)
        finer, coarse = contract(levels[-1], mate)
        if coarse.n > SHRINK * finer.n:
            break
        if parts.size:
            parts = coarse_parts(finer, coarse.n, parts)
        levels[-1:] = [finer, coarse]
    return levels


def coarse_parts(level: Level, n: int, parts: Ints) -> Ints:
    """The parts of the n nodes of the next level, where pairs are within parts."""
    coarse = np.empty(n, np.int32)
    coarse[level.coarse_of] = parts
    return coarse


# ---------------------------------------------------------------------------------------- the first partition


@dataclass(frozen=True)
class Effort:
    """How much is tried: `starts` partitions from nothing, each with `cycles` that coarsen it again and refine it.

    At the coarsest level, the best of `initial` partitions by bisections, each the best of `tries`. At each level,
    `together` passes of one search from the whole border, then `apart` passes of one from each of its nodes; a
    search gives up `patience` and `patience_apart` moves after the best cut.
    """

    starts: int
    cycles: int
    initial: int
    tries: int
    together: int
    patience: int
    apart: int
    patience_apart: int


EFFORTS = {
    "fast": Effort(1, 0, 4, 4, 4, 50, 0, 0),
    "eco": Effort(1, 1, 4, 4, 2, 50, 1, 12),
    "strong": Effort(2, 3, 8, 6, 3, 100, 2, 25),
}


def initial_partition(level: Level, k: int, imbalance: float = 0.03, *, seed: _rng.Seed = 0) -> Parts:
    """Parts of a small graph by bisection, and bisection of the halves: the best of four times four, refined."""
    whole("k", k, 1, level.n)
    limit = limit_of(level.vertex_weights, k, imbalance)
    return _initial(level, k, limit, imbalance, EFFORTS["fast"], _rng.key_of(seed)).parts


@dataclass(eq=False)
class _Cut:
    """Parts on their way down: `border[:count]` holds all nodes with neighbours in other parts, perhaps others."""

    parts: Parts
    loads: Weights
    border: Ints
    count: int

    @classmethod
    def of(cls, level: Level, parts: Parts, limits: ArrayLike, k: int) -> _Cut:
        from lessons.compiled import refinement

        loads = np.zeros((k, 3), np.int64)
        loads[:, refinement.LIMIT] = limits
        refinement.weigh(level.vertex_weights, parts, loads)
        return cls(parts, loads, np.arange(level.n, dtype=np.int32), level.n)

    def refine(self, level: Level, passes: int, patience: int, apart: bool, stream: int) -> None:
        from lessons.compiled import refinement

        if passes:
            self.count = refinement.refine(
                *level.arrays, self.parts, self.loads, self.border, self.count, passes, patience, apart, stream
            )

    def above(self) -> bool:
        """Whether a part is heavier than its limit."""
        return bool((self.loads[:, 0] > self.loads[:, 2]).any())

    def rebalance(self, level: Level) -> None:
        from lessons.compiled import refinement

        if self.above():
            refinement.rebalance(*level.arrays, self.parts, self.loads)
            self.border, self.count = np.arange(level.n, dtype=np.int32), level.n

    def project(self, level: Level) -> None:
        """Carry the parts down to this level, whose nodes know theirs of the next."""
        from lessons.compiled import refinement

        marked = np.zeros(len(self.parts), np.bool_)
        marked[self.border[: self.count]] = True
        parts, border = np.empty(level.n, np.int32), np.empty(level.n, np.int32)
        self.count = refinement.project(level.coarse_of, self.parts, marked, parts, border)
        self.parts, self.border = parts, border

    def cut(self, level: Level) -> int:
        from lessons.compiled import refinement

        return refinement.cut_of(level.indptr, level.indices, level.edge_weights, self.parts)


def _initial(level: Level, k: int, limit: int, imbalance: float, effort: Effort, key: int) -> _Cut:
    best = None
    for i in range(effort.initial):
        stream = _rng.start(key, 1000 + i)
        cut = _Cut.of(level, _bisected(level, k, imbalance, effort.tries, stream), limit, k)
        _improve(cut, level, effort, stream)
        rank = cut.above(), cut.cut(level)
        if best is None or rank < best[0]:
            best = rank, cut
    return best[1]


def _improve(cut: _Cut, level: Level, effort: Effort, stream: int) -> None:
    cut.rebalance(level)
    cut.refine(level, effort.together, effort.patience, False, stream)
    cut.refine(level, effort.apart, effort.patience_apart, True, stream + 1)


def _bisected(level: Level, k: int, imbalance: float, tries: int, key: int) -> Parts:
    """Parts by recursive bisection: part 0 ... k - 1 becomes two, of ceil(k / 2) and floor(k / 2), and so on."""
    parts = np.zeros(level.n, np.int32)
    depth = max((k - 1).bit_length(), 1)
    spare = (1 + min(imbalance, k)) ** (1 / depth) - 1  # k is room for all nodes in one part
    todo = [(0, k)]
    while todo:
        first, last = todo.pop()
        if last - first == 1:
            continue
        ids, piece = _piece(level, parts, first)
        left = (last - first + 1) // 2
        if piece.n:
            halves = _halves(piece, left / (last - first), spare, tries, _rng.start(key, first * 65536 + last))
            parts[ids[halves == 1]] = first + left
        todo += [(first, first + left), (first + left, last)]
    return parts


def _piece(level: Level, parts: Parts, part: int) -> tuple[Ints, Level]:
    from lessons.compiled import refinement

    n, arcs = int(np.count_nonzero(parts == part)), len(level.indices)
    if n == level.n:
        return np.arange(n, dtype=np.int32), level
    ids, local = np.empty(n, np.int32), np.empty(level.n, np.int32)
    indptr, indices = np.empty(n + 1, np.int64), np.empty(arcs, np.int32)
    edges, vertices = np.empty(arcs, np.int32), np.empty(n, np.int64)
    refinement.extract(*level.arrays, parts, part, ids, indptr, indices, edges, vertices, local)
    arcs = int(indptr[-1])
    return ids, Level(indptr, indices[:arcs], edges[:arcs], vertices)


def _halves(level: Level, share: float, spare: float, tries: int, key: int) -> Parts:
    """A multilevel bisection, part 0 of this share of the weight."""
    from lessons.compiled import refinement

    total = int(level.vertex_weights.sum())
    target = round(share * total)
    limits = np.array([min(max(int((1 + spare) * goal), goal), total) for goal in (target, total - target)])
    levels = _coarsened(level, 100, key)
    coarsest = levels[-1]
    loose = np.maximum(limits, np.array([target, total - target]) + int(coarsest.vertex_weights.max()))
    parts = np.empty(coarsest.n, np.int32)
    refinement.bisect(*coarsest.arrays, target, int(loose[0]), int(loose[1]), tries, 60, _rng.start(key, 0), parts)
    cut = _Cut.of(coarsest, parts, loose, 2)
    for finer in reversed(levels[:-1]):
        loose = np.maximum(limits, np.array([target, total - target]) + int(finer.vertex_weights.max()))
        cut.project(finer)
        cut.loads[:, 2] = loose
        cut.rebalance(finer)
        cut.refine(finer, 3, 50, False, _rng.start(key, finer.n))
    return cut.parts


# ---------------------------------------------------------------------------------------- carried back and refined


def project(level: Level, parts: ArrayLike) -> Parts:
    """(n,) the parts of a level's nodes: each has that of the node which it went into."""
    return np.asarray(parts, np.int32)[level.coarse_of]


def refine(level: Level, parts: ArrayLike, k: int, imbalance: float = 0.03, *, seed: _rng.Seed = 0) -> Parts:
    """Better parts: nodes of the border move where the cut becomes smallest, and no part above L_max."""
    limit = limit_of(level.vertex_weights, k, imbalance)
    cut = _Cut.of(level, parts_of(level, parts, k), limit, k)
    _improve(cut, level, EFFORTS["fast"], _rng.key_of(seed))
    return cut.parts


def best_partition(
    level: Level, k: int, limit: int, imbalance: float, effort: Effort, key: int, threads: int = 1
) -> Parts:
    """The best of the effort's starts; no part is empty, nor heavier than `limit`."""
    with ThreadPoolExecutor(threads) as pool:  # kernels let other threads run
        starts = [
            pool.submit(_started, level, k, limit, imbalance, effort, _rng.start(key, s))
            for s in range(effort.starts)
        ]
    return min((start.result() for start in starts), key=lambda cut: (cut.above(), cut.cut(level))).parts


def _started(level: Level, k: int, limit: int, imbalance: float, effort: Effort, key: int) -> _Cut:
    cut = _cycle(level, k, limit, imbalance, effort, _rng.start(key, 0), PARTLESS)
    for cycle in range(1, effort.cycles + 1):
        cut = _cycle(level, k, limit, imbalance, effort, _rng.start(key, cycle), cut.parts)
    if cut.above() or not cut.loads[:, 1].all():
        cut = _mended(cut, level, k, limit)
        _improve(cut, level, effort, key)
    return cut


def _mended(cut: _Cut, level: Level, k: int, limit: int) -> _Cut:
    """Parts that keep to the limit, where moves one by one did not get there, and no empty ones."""
    parts = pack(level.vertex_weights, k, limit) if cut.above() else cut.parts
    counts = np.bincount(parts, minlength=k)
    same = parts[level.indices] == np.repeat(parts, np.diff(level.indptr))
    kept = np.add.reduceat(np.append(level.edge_weights * same, 0), level.indptr[:-1]) * (
        np.diff(level.indptr) > 0
    )
    empty = np.flatnonzero(counts == 0).tolist()
    for v in np.argsort(kept, kind="stable").tolist():  # those that cost least
        if empty and counts[parts[v]] > 1:
            counts[parts[v]] -= 1
            parts[v] = empty.pop()
    return _Cut.of(level, parts, limit, k)


def _cycle(level: Level, k: int, limit: int, imbalance: float, effort: Effort, key: int, parts: Parts) -> _Cut:
    depth = max((k - 1).bit_length(), 1)
    nodes = max(20 * k, min(level.n // (40 * depth), 60 * k), 150)
    levels = _coarsened(level, nodes, key, parts)
    if parts.size:
        for finer, coarser in zip(levels, levels[1:]):
            parts = coarse_parts(finer, coarser.n, parts)
        cut = _Cut.of(levels[-1], parts, limit, k)
        _improve(cut, levels[-1], effort, key)
    else:
        cut = _initial(levels[-1], k, limit, imbalance, effort, key)
    for i in range(len(levels) - 2, -1, -1):
        cut.project(levels[i])
        _improve(cut, levels[i], effort, _rng.start(key, i))
    return cut
