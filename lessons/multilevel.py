"""The multilevel method, phase by phase: make a graph small, cut the small one, carry the cut back, refine it.

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

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _rng
from lessons._checks import whole
from lessons.cuts import Parts, Weights, heaviest_allowed, parts_of, weights_of
from lessons.flows import refine_by_flows
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import undirected
from lessons.packing import pack

T = TypeVar("T")
U = TypeVar("U")
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
    """(n,) a partner for each node, or itself: each takes a free neighbour to which its edge is heavy. O(m).

    Nodes choose in random order, those with few neighbours first, the largest w^2 / weight of the neighbour, so
    that none grows too heavy. Where more than a fifth of the nodes find nobody, as the leaves of a star, two that
    share a neighbour are partners, too.

    >>> from lessons import as_graph
    >>> heavy_edge_matching(as_level(as_graph([(0, 1, 5), (1, 2, 1), (2, 3, 5)], n=4)))
    array([1, 0, 3, 2], dtype=int32)

    Notebook: 05_graph_partitioning. Source: Karypis and Kumar 1998, section 3.1 (named above).
    """
    return _matching(level, _rng.key_of(seed), PARTLESS, int(level.vertex_weights.sum()))


def _matching(level: Level, stream: int, parts: Ints, heaviest: int) -> Ints:
    from lessons.compiled import coarsening

    order, mate = np.empty(level.n, np.int32), np.empty(level.n, np.int32)
    coarsening.visiting_order(level.indptr, stream, order)
    free = coarsening.match(*level.arrays, parts, heaviest, order, mate)
    if free > LEFT_OVER * level.n:
        coarsening.match_two_hops(level.indptr, level.indices, level.vertex_weights, parts, heaviest, order, mate)
    return mate


def contract(level: Level, mate: ArrayLike) -> tuple[Level, Level]:
    """The level, which now knows where its nodes went, and the coarser one, where each pair is one node. O(n + m).

    A pair weighs what both weigh; edges that now join the same two nodes are one, and the one within a pair is
    gone. Each pair is numbered by its smaller node. Raises ValueError unless `mate` (n,) is a matching:
    mate[mate[v]] = v.

    >>> from lessons import as_graph
    >>> path = as_level(as_graph([(0, 1), (1, 2), (2, 3)], n=4))
    >>> path, pairs = contract(path, [1, 0, 3, 2])
    >>> path.coarse_of, pairs.vertex_weights, pairs.graph.edges()
    (array([0, 0, 1, 1], dtype=int32), array([2, 2]), [(0, 1)])

    Notebook: 05_graph_partitioning.
    """
    pairs = np.asarray(mate)
    nodes = np.arange(level.n)
    if pairs.shape != (level.n,) or pairs.dtype.kind not in "iu":
        raise ValueError(
            f"mate of shape {pairs.shape}, {pairs.dtype}: the number of a partner for each node is needed"
        )
    inside = np.clip(pairs, 0, max(level.n - 1, 0))
    strange = (inside != pairs) | (inside[inside] != nodes)
    if strange.any():
        v = int(np.argmax(strange))
        raise ValueError(f"mate[{v}] is {pairs[v]}, whose mate {v} is not: no matching")
    return _contracted(level, pairs.astype(np.int32))


def _contracted(level: Level, mate: Ints) -> tuple[Level, Level]:
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
    """The levels from the graph down to one of about `nodes` nodes, or of as many as matching can reach. O(m).

    No pair weighs more than 1.5 times its share of the coarsest level. Raises ValueError for a directed graph, a
    negative weight, nodes < 1.

    >>> from lessons.datasets import path_graph
    >>> [level.n for level in coarsen(path_graph(64), nodes=20)][0]
    64

    Notebook: 05_graph_partitioning.
    """
    whole("nodes", nodes, 1)
    return _coarsened(as_level(graph, vertex_weights), nodes, _rng.key_of(seed))


def _coarsened(level: Level, nodes: int, key: int, parts: Ints = PARTLESS) -> list[Level]:
    heaviest = max(int(1.5 * level.vertex_weights.sum() / nodes), 1)
    levels = [level]
    while levels[-1].n > nodes:
        mate = _matching(levels[-1], _rng.start(key, len(levels)), parts, heaviest)
        finer, coarse = _contracted(levels[-1], mate)
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


# ---------------------------------------------------------------------------------------- how much is tried


@dataclass(frozen=True)
class Effort:
    """How much is tried: `starts` partitions from nothing, which are then combined.

    At the coarsest level, the best of at most `initial` partitions by bisections, each the best of `tries`; or of
    as few as cost, roughly, `first` times as much as all the rest that is done without flows. At each level,
    `together` passes of one search from the whole border, which gives up `patience` moves after the best cut; then
    `apart` passes of a search from each of its nodes, on levels with at most this share, `below`, of the finest
    level's arcs; then `flows` passes of cuts between two parts, in a `corridor` of this share of each.
    """

    starts: int
    initial: int
    first: float
    tries: int
    together: int
    patience: int
    apart: int
    patience_apart: int
    below: float
    flows: int = 0
    corridor: float = 0.0


EFFORTS = {
    "fast": Effort(1, 8, 1 / 8, 4, 3, 50, 1, 12, 1 / 8),
    "eco": Effort(1, 8, 2.0, 4, 2, 50, 1, 12, 1 / 8, flows=1, corridor=0.15),
    "strong": Effort(4, 8, 4.0, 4, 2, 50, 1, 12, 1 / 8, flows=2, corridor=0.15),
}
SPARE = 0.02  # by how much parts may be too heavy at least, while the graph is coarse
FEW = 2_000  # of graphs with fewer nodes, every level is small, and another start costs little
TINY = 200  # such graphs are searched thoroughly
SMALL = 100_000  # below so many arcs, they may cost as much as for so many


@dataclass(frozen=True)
class _Task:
    """What is asked: k parts of the finest level, none above `limit`, with this effort."""

    finest: Level
    k: int
    limit: int
    effort: Effort

    @property
    def depth(self) -> int:
        """Bisections, one after the other, that make k parts."""
        return max((self.k - 1).bit_length(), 1)

    @property
    def nodes(self) -> int:
        """The coarsest level has about as many: 20 to 60 for each part."""
        return max(20 * self.k, min(self.finest.n // (40 * self.depth), 60 * self.k), 150)

    @property
    def room(self) -> float:
        """How much heavier than its share a part may be."""
        return self.k * self.limit / max(int(self.finest.vertex_weights.sum()), 1) - 1

    @property
    def thorough(self) -> bool:
        """Whether nothing is left out: the graph is tiny, or only swaps fit the limit."""
        return self.finest.n < TINY or self.room * self.finest.n < 2 * self.k

    def limit_at(self, level: Level) -> int:
        """The limit at a level; at coarser ones, where hardly a move would fit, SPARE at least and half a node."""
        if level.n == self.finest.n:
            return self.limit
        loose = int((1 + SPARE) * self.finest.vertex_weights.sum() / self.k)
        return max(self.limit, loose) + int(level.vertex_weights.max()) // 2

    def searches_apart(self, level: Level) -> bool:
        """Whether searches from each node of the border pay: on small levels, or where only swaps are allowed."""
        small = len(level.indices) <= self.effort.below * len(self.finest.indices)
        return small or self.thorough or self.finest.n < FEW


# ---------------------------------------------------------------------------------------- a cut and its border


@dataclass(eq=False)
class _Cut:
    """Parts on their way down: `border[:count]` holds all nodes with neighbours in other parts, perhaps others."""

    parts: Parts
    loads: Weights
    border: Ints
    count: int

    @classmethod
    def of(cls, level: Level, parts: Parts, k: int) -> _Cut:
        """The parts of a level, of whose border nothing is known."""
        from lessons.compiled import refinement

        loads = np.zeros((k, 4), np.int64)
        refinement.weigh(level.vertex_weights, parts, loads)
        return cls(parts, loads, np.arange(level.n, dtype=np.int32), level.n)

    @property
    def above(self) -> bool:
        """Whether a part is heavier than its limit."""
        return bool((self.loads[:, 0] > self.loads[:, 2]).any())

    def rank(self, level: Level) -> tuple[bool, int]:
        """The smaller, the better."""
        from lessons.compiled import refinement

        return self.above, refinement.cut_of(level.indptr, level.indices, level.edge_weights, self.parts)

    def improve(self, level: Level, task: _Task, key: int, apart: bool = True) -> None:
        """Keep to the limit; then search, together, and apart where that pays."""
        effort = task.effort
        self.loads[:, 2] = task.limit_at(level)
        self._rebalance(level)
        self._search(level, effort.together, effort.patience, False, task.thorough, key)
        if apart and task.searches_apart(level):
            self._search(level, effort.apart, effort.patience_apart, True, task.thorough, key)

    def flow(self, level: Level, task: _Task) -> None:
        """Cut anew between parts that touch."""
        passes, corridor = task.effort.flows, task.effort.corridor
        if passes:
            self.count = refine_by_flows(level, self.parts, self.loads, self.border, self.count, passes, corridor)

    def _rebalance(self, level: Level) -> None:
        from lessons.compiled import refinement

        for everywhere in (False, True):
            if not self.above:
                return
            if everywhere:
                self.border, self.count = np.arange(level.n, dtype=np.int32), level.n
            self.count = refinement.rebalance(*level.arrays, self.parts, self.loads, self.border, self.count)

    def _search(self, level: Level, passes: int, patience: int, apart: bool, thorough: bool, key: int) -> None:
        from lessons.compiled import refinement

        if passes:
            self.count = refinement.refine(
                *level.arrays,
                self.parts,
                self.loads,
                self.border,
                self.count,
                passes,
                patience,
                apart,
                thorough,
                key,
            )

    def project(self, level: Level) -> None:
        """Carry the parts down to this level, whose nodes know theirs of the next."""
        from lessons.compiled import refinement

        marked = np.zeros(len(self.parts), np.bool_)
        marked[self.border[: self.count]] = True
        parts, border = np.empty(level.n, np.int32), np.empty(level.n, np.int32)
        self.count = refinement.project(level.coarse_of, self.parts, marked, parts, border, self.loads)
        self.parts, self.border = parts, border


# ---------------------------------------------------------------------------------------- the first partition


def initial_partition(level: Level, k: int, imbalance: float = 0.03, *, seed: _rng.Seed = 0) -> Parts:
    """Parts of a small graph by bisection, bisection of the halves, ...; the best of some, refined. O(m log k).

    Where nodes are too heavy, parts may be above L_max, or empty: finer levels have more room.

    Raises ValueError unless 1 <= k <= n.

    >>> from lessons.datasets import path_graph
    >>> sorted(initial_partition(as_level(path_graph(8)), 2).tolist())
    [0, 0, 0, 0, 1, 1, 1, 1]

    Notebook: 05_graph_partitioning.
    """
    task = _task(level, k, imbalance)
    return _initial(level, task, _rng.key_of(seed)).parts


def _initial(level: Level, task: _Task, key: int) -> _Cut:
    arcs = max(len(task.finest.indices), SMALL)
    affordable = int(task.effort.first * arcs / (max(len(level.indices), 1) * task.depth))
    cuts = []
    for number in range(min(max(affordable, 1), task.effort.initial)):
        stream = _rng.start(key, number)
        cuts.append(_Cut.of(level, _bisected(level, task, stream), task.k))
        cuts[-1].improve(level, task, stream, apart=False)
    best = min(cuts, key=lambda cut: cut.rank(level)) if len(cuts) > 1 else cuts[0]
    best.improve(level, task, key)
    return best


def _bisected(level: Level, task: _Task, key: int) -> Parts:
    """0 ... k - 1 becomes two, of ceil(k / 2) and floor(k / 2) parts, and so on."""
    from lessons.compiled import refinement

    parts = np.empty(level.n, np.int32)
    spare = (1 + max(task.room, 0.0)) ** (1 / task.depth) - 1
    refinement.bisect_again_and_again(
        *level.arrays, task.k, spare, task.effort.tries, 60, task.thorough, key, parts
    )
    return parts


# ---------------------------------------------------------------------------------------- carried back and refined


def project(level: Level, parts: ArrayLike) -> Parts:
    """(n,) the parts of a level's nodes: each has that of the node which it went into. O(n).

    Raises ValueError for the coarsest level, whose nodes went nowhere, and for parts of another number.
    """
    if level.coarse_of is None:
        raise ValueError("the coarsest level has its parts already: project those to the next finer one")
    known = np.asarray(parts, np.int32)
    if known.shape != (int(level.coarse_of.max(initial=-1)) + 1,):
        raise ValueError(f"parts of shape {known.shape}: one for each node of the next coarser level is needed")
    return known[level.coarse_of]


def refine(level: Level, parts: ArrayLike, k: int, imbalance: float = 0.03, *, seed: _rng.Seed = 0) -> Parts:
    """Better parts: nodes of the border move where that cuts least, even at a loss, and back to the best moment.

    No part gets heavier than L_max, and from one that is, nodes are moved. O(m) a pass, times a logarithm. Raises
    ValueError for parts that do not fit the level, and k not in 1 ... n.

    >>> from lessons.datasets import path_graph
    >>> refine(as_level(path_graph(6)), [0, 0, 1, 0, 1, 1], 2)
    array([0, 0, 0, 1, 1, 1], dtype=int32)

    Notebook: 05_graph_partitioning. Source: Fiduccia and Mattheyses 1982, DOI 10.1109/DAC.1982.1585498.
    """
    task = _task(level, k, imbalance)
    cut = _Cut.of(level, parts_of(level, parts, k), k)
    cut.improve(level, task, _rng.key_of(seed))
    return cut.parts


def _task(level: Level, k: int, imbalance: float) -> _Task:
    if not isinstance(level, Level):
        raise TypeError(f"{type(level).__name__}: a Level is needed; as_level(graph) is the finest")
    whole("k", k, 1, level.n)
    return _Task(level, k, limit_of(level.vertex_weights, k, imbalance), EFFORTS["fast"])


# ---------------------------------------------------------------------------------------- all of it


def best_partition(level: Level, k: int, limit: int, effort: Effort, key: int, threads: int = 1) -> Parts:
    """The best of the effort's starts, combined; no part is empty, nor heavier than `limit`."""
    task = _Task(level, k, limit, effort)
    starts = effort.starts + (level.n < FEW)
    keys = [_rng.start(key, number) for number in range(starts)]
    cuts = in_parallel(partial(_started, task), keys, threads)
    best, *others = sorted(cuts, key=lambda cut: cut.rank(level)) if len(cuts) > 1 else cuts
    for number, other in enumerate(others):
        best = _combined(task, _rng.start(key, starts + number), best, other)
    return best.parts


def in_parallel(function: Callable[[T], U], items: Sequence[T], threads: int) -> list[U]:
    """The answers for all items, in their order; kernels let other threads run."""
    if min(threads, len(items)) == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def _started(task: _Task, key: int) -> _Cut:
    """A partition from nothing."""
    levels = _coarsened(task.finest, task.nodes, key)
    cut = _uncoarsened(task, key, _initial(levels[-1], task, key), levels)
    if cut.above or not cut.loads[:, 1].all():
        cut = _mended(cut, task)
        cut.improve(task.finest, task, key)
    return cut


def _combined(task: _Task, key: int, cut: _Cut, other: _Cut) -> _Cut:
    """The cut, or a better one that was found where both differ: no edge that one of them cuts is contracted.

    So both are cuts of the coarsest level still, whose nodes are regions that both leave whole. Source: P. Sanders
    and C. Schulz, Distributed evolutionary graph partitioning, ALENEX 2012, pages 16-29, DOI
    10.1137/1.9781611972924.2.
    """
    both = np.unique(cut.parts.astype(np.int64) * task.k + other.parts, return_inverse=True)[1].astype(np.int32)
    levels = _coarsened(task.finest, task.nodes, key, both)
    parts = cut.parts
    for finer, coarser in pairwise(levels):
        parts = coarse_parts(finer, coarser.n, parts)
    child = _Cut.of(levels[-1], parts.copy(), task.k)
    child.improve(levels[-1], task, key)
    child = _uncoarsened(task, key, child, levels)
    return min(cut, child, key=lambda cut: cut.rank(task.finest))


def _uncoarsened(task: _Task, key: int, cut: _Cut, levels: list[Level]) -> _Cut:
    """Carry a cut of the coarsest level, where searches are done, back to the finest."""
    cut.flow(levels[-1], task)
    for level in reversed(levels[:-1]):
        cut.project(level)
        cut.improve(level, task, _rng.start(key, level.n))
        cut.flow(level, task)
    return cut


def _mended(cut: _Cut, task: _Task) -> _Cut:
    """Parts that keep to the limit, where moves one by one did not get there, and no empty ones."""
    level = task.finest
    parts = pack(level.vertex_weights, task.k, task.limit) if cut.above else cut.parts
    counts = np.bincount(parts, minlength=task.k)
    same = parts[level.indices] == np.repeat(parts, np.diff(level.indptr))
    held = np.append(0, np.cumsum(level.edge_weights * same, dtype=np.int64))
    empty = np.flatnonzero(counts == 0).tolist()
    for v in np.argsort(held[level.indptr[1:]] - held[level.indptr[:-1]], kind="stable").tolist():  # costs least
        if not empty:
            break
        if counts[parts[v]] > 1:
            counts[parts[v]] -= 1
            parts[v] = empty.pop()
    return _Cut.of(level, parts, task.k)
