"""Cut a model into stages, one for each of several devices in a row.

found = pipeline_partition(model, k=4)       # every edge forward, even work, few bytes between the stages
found.stages, found.work, found.sent
equal_depth(model, k=4)                      # the naive split, to compare
pipeline_of(model, stages)                   # your own stages, by the same count
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import nsmallest
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import whole, zero_or_more
from lessons.computational_graphs import depth, levels, multiply_adds, not_counted, tensors_read
from lessons.cuts import parts_of, weights_of
from lessons.graph import Graph, as_graph
from lessons.model import ComputationalGraph, as_model
from lessons.topological_sort import generations, topological_sort

Counts = NDArray[np.int64]
Unit = Literal["multiply-adds", "vertex weights", "nodes"]

STATES = 20_000  # sets of nodes that are looked at, unless told
NEVER = 2**62  # more than any work or bytes; twice as much is still an int64


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A model in k stages, and what they cost.

    `stages` (n,) int32, in the order of `model.nodes`: the stage of each node, 0 ... k - 1. `work` (k,) of each
    stage, in the `unit` said. `sent` (k - 1,) bytes from each stage to the next. `most` is the work that no stage
    was allowed to exceed, None where none was asked for; `optimal` tells that every size is known, and no stages
    within it send fewer bytes in all. `nodes_left_out` have unknown work, `tensors_left_out` unknown bytes: both
    count as 0.
    """

    stages: NDArray[np.int32]
    work: Counts
    sent: Counts
    unit: Unit
    most: int | None = None
    optimal: bool = False
    nodes_left_out: int = 0
    tensors_left_out: int = 0

    @property
    def bytes(self) -> int:
        """All that is sent."""
        return int(self.sent.sum())

    @property
    def slowest(self) -> float:
        """The work of the slowest stage over the mean of all: 1.0 is even. 1.0 where there is no work."""
        mean = self.work.mean()
        return float(self.work.max() / mean) if mean else 1.0

    def __str__(self) -> str:
        proof = "; none as even send fewer" if self.optimal else ""
        left_out = not_counted(self.nodes_left_out, self.tensors_left_out)
        return (
            f"{len(self.work)} stages, the slowest with {self.slowest:.3f} of the mean {self.unit}, "
            f"{self.bytes:,} bytes sent{proof}{left_out}"
        )


# ---------------------------------------------------------------------------------------- what stages cost


def pipeline_of(
    model: ComputationalGraph, stages: ArrayLike, *, vertex_weights: ArrayLike | None = None
) -> Pipeline:
    """What stages of your own cost: `stages` (n,), in the order of `model.nodes`, 0 ... k - 1, none of them empty.

    From a stage to the next are sent the tensors that were computed there or before and are read after, and the
    inputs of the model that were read there or before and are read again after: each once, in bytes of its type,
    whoever reads it. So a tensor that skips a stage is sent twice. Not sent are weights, which lie where they are
    read, nor an output of the model for its own sake; a view (Reshape ...) counts like any tensor.

    The work of a node is its `multiply_adds`, or `vertex_weights` (n,), whole numbers such as microseconds
    measured. Where all of these are 0 or unknown, each node counts as 1. O(size of the model).

    Raises ValueError for an edge that points backward, an empty stage, or a node that reads what nothing gives;
    CycleError where there is no order; TypeError for what is no model.

    >>> model = ComputationalGraph()
    >>> x = model.input("x", (1, 10))
    >>> h = model.add("Gemm", x, model.weight("W", shape=(10, 500)), name="wide")
    >>> model.output(model.add("Gemm", h, model.weight("V", shape=(500, 8)), name="narrow"))
    >>> found = pipeline_of(model, [0, 1])
    >>> found.work, found.sent                                     # 500 float32
    (array([5000, 4000]), array([2000]))

    Notebook: 05_graph_partitioning.
    """
    return _Flow(model, vertex_weights).cost(stages)


def equal_depth(model: ComputationalGraph, k: int, *, vertex_weights: ArrayLike | None = None) -> Pipeline:
    """The naive split: k bands of as many levels each, up to one; see `levels`. O(size of the model).

    Work and bytes are counted as `pipeline_of` does, which tells what is raised; ValueError too unless k is
    1 ... depth(model).

    >>> from lessons.architectures import mlp
    >>> equal_depth(mlp([64, 32, 10]), 2).stages
    array([0, 0, 1], dtype=int32)

    Notebook: 05_graph_partitioning.
    """
    flow = _Flow(model, vertex_weights)
    height = depth(flow.graph)
    k = whole("k", k, 1, height)
    return flow.cost(levels(flow.graph) * k // height)


# ---------------------------------------------------------------------------------------- the best stages


def pipeline_partition(
    model: ComputationalGraph,
    k: int,
    imbalance: float = 0.05,
    *,
    vertex_weights: ArrayLike | None = None,
    states: int = STATES,
) -> Pipeline:
    """k stages, none empty, with every edge inside one or forward, even work, and as few bytes sent as possible.

    No stage has more work than (1 + `imbalance`) times the least that the slowest stage can have, over all ways
    to cut the model into k such stages: so some always fit. (A share of the mean may be out of reach: one node
    can be heavier.) Work and bytes are counted as `pipeline_of` does.

    The nodes of the first s stages are a set that has, with each node, all that it needs; what is sent after
    stage s follows from that set. So stages are a chain of such sets, each inside the next, and dynamic
    programming over all of them finds first the least possible work of the slowest stage, then the fewest bytes
    within the bound. There may be 2**n sets, but few where a network is narrow. Where they are more than
    `states`, only those are tried that orders of the nodes pass through, and those that a beam search finds to
    send least: then nothing is proven, and `optimal` is False.

    O(N) sets times the nodes ready at once, then O(N^2 n / 64) for N sets with a work that fits a stage.

    Raises ValueError unless k is 1 ... n and imbalance >= 0, and as `pipeline_of` does.

    >>> from lessons.architectures import resnet50
    >>> print(equal_depth(resnet50(), 8))
    8 stages, the slowest with 1.156 of the mean multiply-adds, 14,551,040 bytes sent
    >>> print(pipeline_partition(resnet50(), 8))
    8 stages, the slowest with 1.081 of the mean multiply-adds, 13,146,112 bytes sent; none as even send fewer

    Notebook: 05_graph_partitioning. References: J. Tarnawski et al., Efficient algorithms for device placement of
    DNN graph operators, NeurIPS 2020, arXiv:2006.16423 (dynamic programming over such sets); D. Narayanan et al.,
    PipeDream, SOSP 2019, doi:10.1145/3341301.3359646 (stages by dynamic programming); J. Herrmann et al.,
    Multilevel algorithms for acyclic partitioning of directed acyclic graphs, SIAM Journal on Scientific Computing
    41 (4), 2019, doi:10.1137/18M1176865 (the edge cut of such stages, for graphs too large for this).
    """
    flow = _Flow(model, vertex_weights)
    k = whole("k", k, 1, len(flow.work))
    spare = Fraction(repr(zero_or_more("imbalance", imbalance)))  # as it is written
    sets, complete = _sets(flow, whole("states", states, 0))
    least = _least_bottleneck(sets, k, int(flow.work.max()))
    most = least + math.floor(least * spare)
    found = flow.cost(_stages(_chain(sets, k, most, _sending), len(flow.work)))
    known = not found.nodes_left_out and not found.tensors_left_out
    return replace(found, most=most, optimal=complete and known)


# ---------------------------------------------------------------------------------------- what flows


class _Flow:
    """A model as its stages see it: what each node does, and which tensors go where. Rows as in `model.nodes`."""

    def __init__(self, model: ComputationalGraph, vertex_weights: ArrayLike | None) -> None:
        as_model(model).refuse_dangling()
        if not model.nodes:
            raise ValueError("a model without nodes has no stages: add some")
        self.graph = as_graph(model)
        self.order = topological_sort(self.graph)
        self.unit, self.work, self.nodes_left_out = _work(model, self.graph, vertex_weights)
        self.tensors = tensors_read(model)
        self.left_out = sum(tensor.bytes is None for tensor in self.tensors)

    def cost(self, stages: ArrayLike) -> Pipeline:
        """What `pipeline_of` tells, from its sentences."""
        stage = parts_of(self.graph, stages)
        nodes = np.bincount(stage)
        if not nodes.all():
            raise ValueError(f"stage {int(np.argmin(nodes))} is empty: number the stages 0, 1, 2 ...")
        backward = stage[self.graph.edge_rows[:, 0]] > stage[self.graph.edge_rows[:, 1]]
        if backward.any():
            u, v = (self.graph.nodes[row] for row in self.graph.edge_rows[np.argmax(backward)].tolist())
            raise ValueError(
                f"{u!r} in stage {stage[self.graph.index(u)]} gives what {v!r} in stage "
                f"{stage[self.graph.index(v)]} needs: no edge may point backward"
            )
        work, sent = np.zeros(len(nodes), np.int64), np.zeros(len(nodes) - 1, np.int64)
        np.add.at(work, stage, self.work)
        for tensor in self.tensors:
            # an input of the model is there as soon as someone has read it
            there = stage[tensor.readers].min() if tensor.maker is None else stage[tensor.maker]
            sent[there : stage[tensor.readers].max()] += tensor.bytes or 0
        return Pipeline(
            stage, work, sent, self.unit, nodes_left_out=self.nodes_left_out, tensors_left_out=self.left_out
        )


def _work(model: ComputationalGraph, graph: Graph, vertex_weights: ArrayLike | None) -> tuple[Unit, Counts, int]:
    """The unit of work, the work of each node, and of how many nodes it is unknown."""
    unit: Unit = "multiply-adds" if vertex_weights is None else "vertex weights"
    counts = multiply_adds(model) if vertex_weights is None else weights_of(graph, vertex_weights).tolist()
    total = sum(count or 0 for count in counts)
    if total >= NEVER // 2:
        raise ValueError(f"{total:.3g} {unit}: too many to count; give vertex_weights, scaled and rounded")
    if total == 0:
        return "nodes", np.ones(graph.n, np.int64), 0
    return unit, np.array([count or 0 for count in counts], np.int64), counts.count(None)


# ---------------------------------------------------------------------------------------- sets of nodes


class _State(NamedTuple):
    """A set of nodes with all that they need, and the nodes that may be added next, as bits of two numbers; how
    many it has, their work, and the bytes that are sent if a stage ends there."""

    done: int
    ready: int
    size: int
    work: int
    sent: int


class _Steps:
    """How a set grows by a node."""

    def __init__(self, flow: _Flow) -> None:
        n = flow.graph.n
        self.work: list[int] = flow.work.tolist()
        self._needs, self._after = [0] * n, [list[int]() for _ in range(n)]
        for u, v in flow.graph.edge_rows.tolist():
            self._needs[v] |= 1 << u
            self._after[u].append(v)
        self._touches = [list[tuple[int, int, int]]() for _ in range(n)]
        for tensor in flow.tensors:
            readers = sum(1 << row for row in tensor.readers)
            there = readers if tensor.maker is None else 1 << tensor.maker
            for row in _bits(there | readers):
                self._touches[row].append((tensor.bytes or 0, there, readers))
        ready = sum(1 << row for row in range(n) if not self._needs[row])
        self.first = _State(0, ready, 0, 0, 0)

    def grown(self, state: _State, row: int) -> _State:
        done = state.done | 1 << row
        ready = state.ready & ~(1 << row)
        for other in self._after[row]:
            if not self._needs[other] & ~done:
                ready |= 1 << other
        sent = state.sent
        for size, there, readers in self._touches[row]:
            crosses = bool(done & there) and bool(readers & ~done)
            crossed = bool(state.done & there) and bool(readers & ~state.done)
            sent += size * (crosses - crossed)
        return _State(done, ready, state.size + 1, state.work + self.work[row], sent)


class _Sets(NamedTuple):
    """N sets, sorted so that each comes after its subsets: `bits` (words, N) uint64, bit `row` for each node, and
    (N,) each of their number of nodes, `work`, and bytes `sent`. The first is empty, the last is everything."""

    bits: NDArray[np.uint64]
    size: Counts
    work: Counts
    sent: Counts


def _sets(flow: _Flow, states: int) -> tuple[_Sets, bool]:
    """All sets that may be the first stages, and True; where they are more than `states`, some, and False."""
    steps, n = _Steps(flow), flow.graph.n
    found = _walk(steps, n, states)
    if found is not None:
        return _packed(found, n), True
    by_level = generations(flow.graph)
    passed = set[int]()
    for order in (flow.order, [label for level in by_level for label in level], _depth_first(flow)):
        rows = np.array([1 << flow.graph.index(label) for label in order], object)
        passed.update(np.bitwise_or.accumulate(rows).tolist())
    width = min(states // 2, 10 * states // max(map(len, by_level))) // n  # sets kept, and sets looked at
    beam = _Beam(max(width, 1), passed)
    return _packed(_walk(steps, n, states, beam) or [], n), False


class _Beam(NamedTuple):
    """Which sets of a size are kept: the `width` that send least, and those in `always`."""

    width: int
    always: set[int]

    def kept(self, states: dict[int, _State]) -> dict[int, _State]:
        best = nsmallest(self.width, states.values(), key=lambda state: (state.sent, state.done))
        best += [state for done, state in states.items() if done in self.always]
        return {state.done: state for state in best}


def _walk(steps: _Steps, n: int, states: int, beam: _Beam | None = None) -> list[_State] | None:
    """The sets of each size, grown from those of the size before; None where they are too many without a beam."""
    level, found = {0: steps.first}, [steps.first]
    for _ in range(n):
        grown: dict[int, _State] = {}
        for state in level.values():
            for row in _bits(state.ready):
                if state.done | 1 << row not in grown:
                    grown[state.done | 1 << row] = steps.grown(state, row)
            if beam is None and len(found) + len(grown) > states:
                return None
        level = grown if beam is None else beam.kept(grown)
        found += level.values()
    return found


def _packed(states: list[_State], n: int) -> _Sets:
    states = sorted(states, key=lambda state: (state.work, state.size))
    words = -(-n // 64)
    raw = b"".join(state.done.to_bytes(8 * words, "little") for state in states)
    bits = np.frombuffer(raw, "<u8").astype(np.uint64).reshape(-1, words).T.copy()
    counts = np.array([(state.size, state.work, state.sent) for state in states], np.int64).T
    return _Sets(bits, *counts)


def _depth_first(flow: _Flow) -> list[object]:
    """An order that ends a branch before it begins the next: of the nodes ready, the one that became so last."""
    graph, order = flow.graph, list[object]()
    waits = graph.in_degrees().tolist()
    ready = [row for row in reversed(range(graph.n)) if not waits[row]]
    while ready:
        row = ready.pop()
        order.append(graph.nodes[row])
        for after in graph.indices[graph.indptr[row] : graph.indptr[row + 1]].tolist():
            waits[after] -= 1
            if not waits[after]:
                ready.append(after)
    return order


def _bits(number: int) -> Iterator[int]:
    """The places of its ones."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


# ---------------------------------------------------------------------------------------- chains of sets


class _Chain(NamedTuple):
    """Sets each inside the next, (words, k) bits, the last one everything; and what they cost, NEVER if there are
    none."""

    value: int
    bits: NDArray[np.uint64]


_Cost = Callable[[Counts, _Sets, Counts, int], Counts]  # of chains to set j, from those of the sets before it


def _sending(values: Counts, sets: _Sets, before: Counts, j: int) -> Counts:
    """Bytes add up."""
    return values + sets.sent[j]


def _slowest(values: Counts, sets: _Sets, before: Counts, j: int) -> Counts:
    """Of the stages' work the most counts."""
    return np.maximum(values, sets.work[j] - sets.work[before])


def _least_bottleneck(sets: _Sets, k: int, heaviest: int) -> int:
    """The least work of the slowest stage, over all chains of k stages.

    It is no less than the mean, nor than the heaviest node: chains are sought within a bound close to that, and
    where there are none, within a wider one.
    """
    lower, slack = max(-(-int(sets.work[-1]) // k), heaviest), 0
    while True:
        value = _chain(sets, k, lower + slack, _slowest).value
        if value < NEVER:
            return value
        slack = max(4 * slack, lower // 64, 1)


def _chain(sets: _Sets, k: int, most: int, cost: _Cost) -> _Chain:
    """The chain of k stages, of which none has more work than `most`, of least cost.

    Of equals the one whose first stages are larger: so a Relu stays with what it follows.
    """
    sets, first, last = _within(sets, k, most)
    best = np.full((k + 1, len(sets.work)), NEVER, np.int64)
    if not len(sets.work):
        return _Chain(NEVER, sets.bits)
    best[0, 0] = 0
    for j in range(1, len(sets.work)):
        before = _before(sets, first, last, most, j)
        if len(before):
            values = cost(best[first[j] - 1 : last[j], before], sets, before, j)
            best[first[j] : last[j] + 1, j] = np.minimum(values.min(axis=1), NEVER)
    value = int(best[k, -1])
    chosen = [len(sets.work) - 1]
    for stage in range(k - 1, 0, -1) if value < NEVER else ():
        j = chosen[-1]
        before = _before(sets, first, last, most, j)
        values = cost(best[stage, before], sets, before, j)
        chosen.append(int(before[np.flatnonzero(values == values.min())[-1]]))
    return _Chain(value, sets.bits[:, chosen[::-1]])


def _within(sets: _Sets, k: int, most: int) -> tuple[_Sets, Counts, Counts]:
    """The sets that stages may end with, and the first and the last number of stages that each can consist of:
    those before it and those after it must have room for all work, and a node each."""
    n, left = sets.size[-1], sets.work[-1] - sets.work
    first = np.maximum.reduce([-(-sets.work // most), sets.size > 0, k - (n - sets.size)])
    last = np.minimum.reduce([k - -(-left // most), sets.size, k - (sets.size < n)])
    kept = np.flatnonzero(first <= last)
    within = _Sets(sets.bits[:, kept], sets.size[kept], sets.work[kept], sets.sent[kept])
    return within, first[kept], last[kept]


def _before(sets: _Sets, first: Counts, last: Counts, most: int, j: int) -> Counts:
    """The sets inside set j that a stage between both may begin with."""
    start = np.searchsorted(sets.work[:j], sets.work[j] - most)
    near = start + np.flatnonzero((first[start:j] < last[j]) & (last[start:j] >= first[j] - 1))
    outside = sets.bits[:, near] & ~sets.bits[:, j, None]
    return near[~outside.any(axis=0)]


def _stages(chain: _Chain, n: int) -> NDArray[np.int32]:
    """The stage of each node: how many sets of the chain it is not in."""
    octets = np.ascontiguousarray(chain.bits.T, "<u8").view(np.uint8)
    inside = np.unpackbits(octets, axis=1, count=n, bitorder="little")
    return np.sum(inside == 0, axis=0, dtype=np.int32)
