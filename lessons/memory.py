"""How much memory a computational graph takes in an order of its nodes, and in which order it takes least.

peak_memory(model)                           # bytes of its tensors, most of all while one node runs
memory_order(model)                          # an order of least peak, and whether that is proven
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import heappop, heappush, nsmallest
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lessons.graph import Graph, as_graph
from lessons.model import ComputationalGraph, Node, as_model
from lessons.operators import Tensor
from lessons.operators.execution import VIEWS
from lessons.topological_sort import topological_sort

BEAM = 32  # states that the heuristic of memory_order keeps after each node
CHILDREN = 2_000  # about as many next states it looks at for them


@dataclass(frozen=True, eq=False)
class Memory:
    """The memory that the tensors of a model take in one order.

    `peak` bytes are reached first while `node` runs (None where there are no nodes); `alive` (n,) int64 are the
    bytes alive while each node of `order` runs; `left_out` tensors have no known size and count as 0.
    """

    peak: int
    node: str | None
    alive: NDArray[np.int64]
    order: list[str]
    left_out: int = 0

    def __str__(self) -> str:
        where = "" if self.node is None else f" while {self.node!r} runs"
        missing = f" ({self.left_out} tensors of unknown size not counted)" if self.left_out else ""
        return f"{self.peak:,} bytes{where}{missing}"


@dataclass(frozen=True, eq=False)
class MemoryOrder:
    """An `order` of the nodes, its `memory`, and what is proven: no order has a peak below `lower_bound` bytes.

    `optimal` tells that the peak equals that bound, and that every size is known: no order needs less.
    """

    order: list[str]
    memory: Memory
    lower_bound: int
    optimal: bool

    def __str__(self) -> str:
        proof = "no order needs less" if self.optimal else f"every order needs at least {self.lower_bound:,}"
        return f"{self.memory}; {proof}"


# ---------------------------------------------------------------------------------------- memory


def peak_memory(model: ComputationalGraph, order: Sequence[str] | None = None) -> Memory:
    """The bytes alive while each node runs, in an order of node names; without one, in `topological_sort(model)`.

    Weights are not counted, nor what an operator needs for itself while it runs. An input of the graph is alive
    from the start to the end of the last node that reads it (one that nobody reads is not counted), an output
    to the end, every other tensor from the start of the node that computes it to the end of the last node that
    reads it, or of its own node where nobody does. So while a node runs, all it reads and all it gives is alive:
    nothing is computed in place. Operators that give their data another shape only (`VIEWS`: Reshape, Flatten,
    Squeeze, Dropout of a trained network ...) take no memory of their own: what they read lives until the last
    use of any of its shapes. O(size of the model).

    Raises ValueError for an order that lacks a node, has one twice or before what it needs, or where a node reads
    what nothing gives; UnknownLabel for a name that no node has; CycleError where there is no order.

    >>> model = ComputationalGraph()
    >>> x = model.input("x", (1000,), "float64")
    >>> h = model.add("Relu", x, name="wide")
    >>> model.output(model.add("Add", h, x, name="sum"))
    >>> memory = peak_memory(model)
    >>> memory.alive, print(memory)
    24,000 bytes while 'sum' runs
    (array([16000, 24000]), None)

    Notebook: 02_topological_sort.
    """
    storage = _Storage(as_model(model))
    return storage.simulate(default_order(model) if order is None else checked_order(order, model))


class _Storage:
    """The memory of a model: buffers by number, with their bytes, and which nodes, by row, make and read each.

    Rows are places in `model.nodes`. Tensors that only name another's data anew belong to its buffer; those of
    weights belong to none.
    """

    def __init__(self, model: ComputationalGraph) -> None:
        model.refuse_dangling()
        self.names = [node.name for node in model.nodes]
        self.rows = {name: row for row, name in enumerate(self.names)}
        self.size: list[int] = []
        self.left_out = 0
        self.makes: list[list[int]] = [[] for _ in self.names]
        self.reads: list[list[int]] = [[] for _ in self.names]
        self._tensors = model.tensors
        self.buffer: dict[str, int | None] = dict.fromkeys(model.weights)
        self.inputs = [self._new(tensor) for tensor in model.inputs]
        for name in default_order(model):
            self._place(model.node(name))
        self.kept = {self.buffer[tensor] for tensor in model.outputs if tensor in self.buffer}
        readers = Counter(buffer for read in self.reads for buffer in read)
        self.uses = [readers[buffer] + (buffer in self.kept) for buffer in range(len(self.size))]

    def _place(self, node: Node) -> None:
        """Tell what a node reads and makes, once all before it have been placed."""
        row = self.rows[node.name]
        read = (self.buffer[tensor] for tensor in node.inputs if tensor)
        self.reads[row] = list(dict.fromkeys(buffer for buffer in read if buffer is not None))
        for port, tensor in enumerate(node.outputs):
            if tensor and is_view(node, port):
                self.buffer[tensor] = self.buffer[node.inputs[0]]
            elif tensor:
                self.makes[row].append(self._new(tensor))

    def _new(self, tensor: str) -> int:
        size = self._tensors.get(tensor, Tensor()).bytes
        self.left_out += size is None
        self.size.append(size or 0)
        self.buffer[tensor] = len(self.size) - 1
        return len(self.size) - 1

    def simulate(self, order: list[str]) -> Memory:
        """The memory of an order that is known to be one."""
        size, uses = self.size, self.uses.copy()
        now = sum(size[buffer] for buffer in self.inputs if uses[buffer])
        alive = []
        for name in order:
            row = self.rows[name]
            now += sum(size[buffer] for buffer in self.makes[row])
            alive.append(now)
            now -= sum(size[buffer] for buffer in self.makes[row] if not uses[buffer])
            for buffer in self.reads[row]:
                uses[buffer] -= 1
                if not uses[buffer]:
                    now -= size[buffer]
        peak = max(alive, default=now)
        node = order[alive.index(peak)] if alive else None
        return Memory(peak, node, np.array(alive, np.int64), list(order), self.left_out)


def is_view(node: Node, port: int) -> bool:
    """Whether an output holds the data of the first input, and no memory of its own."""
    return (
        port == 0 and node.domain in ("", "ai.onnx") and node.op in VIEWS and bool(node.inputs and node.inputs[0])
    )


def default_order(model: ComputationalGraph) -> list[str]:
    return [str(name) for name in topological_sort(model)]


def checked_order(order: Iterable[str], model: ComputationalGraph) -> list[str]:
    """The order as a list, if each node stands in it once and after all that it needs."""
    graph = as_graph(model)
    order, place = list(order), dict[str, int]()
    for k, name in enumerate(order):
        graph.index(name)
        if place.setdefault(name, k) != k:
            raise ValueError(f"node {name!r} stands twice in the order, at {place[name]} and at {k}")
    if len(order) < graph.n:
        lacking = next(name for name in graph.nodes if name not in place)
        raise ValueError(f"node {lacking!r} is missing from the order, which has {len(order)} of {graph.n} nodes")
    for before, after in ((str(u), str(v)) for u, v in graph.edges()):
        if place[before] > place[after]:
            raise ValueError(f"node {after!r} stands before {before!r} in the order, and needs what that gives")
    return order


# ---------------------------------------------------------------------------------------- an order of least peak


def memory_order(model: ComputationalGraph, *, states: int = 200_000) -> MemoryOrder:
    """An order of least peak memory, as `peak_memory` counts it; proven, if at most `states` states suffice.

    A state is a set of executed nodes with all that they needed; its bytes do not depend on their order. So an
    order is a path from the empty set to the full one, and its peak the dearest step: best-first search finds
    the path whose dearest step is least, and every state that it has to visit on its way is a proof that no
    path is better than the dearest step so far. There may be 2**n states, but few where a network is narrow:
    those of parts in sequence add up, those of parts side by side multiply. Where they are too many, a beam
    search gives an order that need not be best, with a bound on how far from it.

    The order is never worse than `topological_sort(model)`, which it is where nothing is better, nor than the
    nodes as they stand in the model. O(states log states) times the nodes that are ready at once.

    >>> model = ComputationalGraph()
    >>> x = model.input("x", (1, 10))
    >>> wide = [model.add("Gemm", x, model.weight(f"W{k}", shape=(10, 500)), name=f"wide{k}") for k in (1, 2)]
    >>> ends = [model.add("ReduceSum", h, name=f"end{k}") for k, h in enumerate(wide, 1)]
    >>> model.output(model.add("Add", *ends, name="add"))
    >>> peak_memory(model, ["wide1", "wide2", "end1", "end2", "add"]).peak
    4040
    >>> best = memory_order(model)
    >>> best.order, best.memory.peak, best.optimal
    (['wide1', 'end1', 'wide2', 'end2', 'add'], 2044, True)

    Notebook: 02_topological_sort. Reference: R. Sethi, Complete register allocation problems, SIAM Journal on
    Computing 4 (3), 1975, pages 226-248, doi:10.1137/0204020 (to find the best order is NP-hard).
    """
    storage = _Storage(as_model(model))
    orders = [default_order(model), storage.names]
    found = [storage.simulate(order) for order in orders if _is_order(order, model)]
    steps = _Steps(storage, model)
    lower, best = steps.bound(), min(found, key=lambda memory: memory.peak)
    if best.peak > lower:
        rows, lower = _best_first(steps, lower, best.peak, states)
        if rows is None and lower < best.peak:
            rows = _beam(steps)
        if rows is not None:
            memory = storage.simulate([storage.names[row] for row in steps.complete(rows)])
            best = min(best, memory, key=lambda memory: memory.peak)
    return MemoryOrder(best.order, best, lower, best.peak == lower and not best.left_out)


def _is_order(order: list[str], model: ComputationalGraph) -> bool:
    try:
        return bool(checked_order(order, model) is not None)
    except ValueError:
        return False


class _State(NamedTuple):
    """Which nodes have run, and which could run now, as bits of two numbers; the bytes alive between nodes."""

    done: int
    ready: int
    alive: int


class _Steps:
    """What it costs to run a node after any set of others: the search space of `memory_order`.

    Some nodes wait until they are needed and never show up in it. Such a `late` node needs no node that is not
    late, and while it runs, nothing is freed: each buffer that it touches is kept to the end, or read by
    someone who needs this node. It is best run just before the first node that is not late and needs it. For
    take any order and move it there (or to the end, if there is none): the nodes that it is moved past have less
    in memory than they had, or as much, and itself, with all that it makes, has no more than that first node
    has then. So each node takes those that it is the first to need into its own step.
    """

    def __init__(self, storage: _Storage, model: ComputationalGraph) -> None:
        self.storage = storage
        graph = as_graph(model)
        self._before = [_row(graph.reverse, row) for row in range(graph.n)]
        self._after = [_row(graph, row) for row in range(graph.n)]
        self._order = [storage.rows[name] for name in default_order(model)]
        self.late = self._late(model)
        self.needs, self._late_for = self._needed()
        self._describe()

    # ---- what is known before the search

    def _late(self, model: ComputationalGraph) -> set[int]:
        """The rows of the nodes that can wait."""
        late: set[int] = set()
        needed = {tensor for node in model.nodes for tensor in node.inputs} | set(model.outputs)
        for row in self._order:
            node = model.node(self.storage.names[row])
            gives = {tensor for tensor in node.outputs if tensor}
            stays = {self.storage.buffer[tensor] for tensor in gives} | self.storage.kept
            frees = not (gives <= needed and stays.issuperset(self.storage.reads[row]))
            if not frees and late.issuperset(self._before[row]):
                late.add(row)
        return late

    def _needed(self) -> tuple[list[int], list[list[int]]]:
        """For each row the nodes that must have run, as bits, and the late ones that it takes along."""
        needs, takes = [0] * len(self._order), [list[int]() for _ in self._order]
        for row in self._order:
            for other in self._before[row]:
                if other in self.late:
                    takes[row] += [*takes[other], other]
                else:
                    needs[row] |= 1 << other
            takes[row] = list(dict.fromkeys(takes[row]))
        return needs, takes

    def _describe(self) -> None:
        """Of each row that is not late: bytes made, and made only for the while, what it may free, and when."""
        storage = self.storage
        readers, users = [0] * len(storage.size), defaultdict[int, int](int)
        for row in self.rows():
            for buffer in storage.reads[row]:
                readers[buffer] |= 1 << row
            for other in self._late_for[row]:
                users[other] |= 1 << row
        self._readers, self._users = readers, users
        self.makes, self._brings, self._frees, self._beside = {}, {}, {}, {}
        for row in self.rows():
            made = [storage.size[buffer] for buffer in storage.makes[row]]
            brought = [(sum(storage.size[b] for b in storage.makes[u]), users[u]) for u in self._late_for[row]]
            ends = [(storage.size[b], readers[b]) for b in storage.reads[row] if b not in storage.kept]
            ends += [(storage.size[b], 0) for b in storage.makes[row] if not storage.uses[b]]
            self.makes[row] = sum(made)
            self._brings[row] = [(size, mask) for size, mask in brought if size]
            self._frees[row] = [(size, mask) for size, mask in ends if size]
            self._beside[row] = reduce(or_, (mask for _, mask in ends), 0)

    def rows(self) -> Iterator[int]:
        """The rows of the nodes that are not late, each after those that it needs."""
        return (row for row in self._order if row not in self.late)

    # ---- the search space

    def start(self) -> _State:
        ready = sum(1 << row for row in self.rows() if not self.needs[row])
        size, uses = self.storage.size, self.storage.uses
        return _State(0, ready, sum(size[buffer] for buffer in self.storage.inputs if uses[buffer]))

    def take(self, state: _State, row: int) -> tuple[int, int]:
        """The bytes alive while a node runs, and after it."""
        high = state.alive + self.makes[row]
        for size, users in self._brings[row]:
            if not users & state.done:
                high += size
        low, done = high, state.done | 1 << row
        for size, readers in self._frees[row]:
            if not readers & ~done:
                low -= size
        return high, low

    def after(self, state: _State, row: int, alive: int) -> _State:
        done, ready = state.done | 1 << row, state.ready & ~(1 << row)
        for other in self._after[row]:
            if not self.needs[other] & ~done:
                ready |= 1 << other
        return _State(done, ready, alive)

    def forced(self, state: _State, limit: int) -> tuple[_State, list[int]]:
        """Run what is best run at once: nodes that leave no more in memory than before, within the limit.

        The limit is what the path has cost already, or must cost at least. Take any way on from here, and move
        such a node to its front. Then it stays within the limit. A node that it is moved before costs no more
        than it did: at that later time this node would have left no more in memory than before either, since
        with more nodes done it brings no more along and frees no less.
        """
        ran: list[int] = []
        waiting = state.ready
        while waiting:
            row = waiting.bit_length() - 1
            waiting ^= 1 << row
            high, low = self.take(state, row)
            if high <= limit and low <= state.alive:
                following = self.after(state, row, low)
                waiting |= following.ready & ~state.ready | self._beside[row] & following.ready
                state = following
                ran.append(row)
        return state, ran

    def complete(self, rows: Iterable[int]) -> list[int]:
        """An order of all nodes from one of those that are not late."""
        order: dict[int, None] = {}
        for row in rows:
            order.update(dict.fromkeys([*self._late_for[row], row]))
        return list(order | dict.fromkeys(self._order))

    # ---- what no order can avoid

    def bound(self) -> int:
        """Bytes that every order needs: the most, over all nodes, of what must be alive while it runs.

        That is what it makes, and every buffer that was made before it, or is an input, in every order, and
        that itself or a node that must come later reads. O(n) numbers of n bits, and as many steps a buffer.
        """
        storage, rows = self.storage, list(self.rows())
        need = np.zeros(len(storage.names), np.int64)
        need[rows] = [self.makes[row] for row in rows]
        for size, made, needed in zip(storage.size, *self._lives(), strict=True):
            if size and made & needed:
                need += size * _as_array(made & needed, len(need)).astype(np.int64)
        kept = sum(size for buffer, size in enumerate(storage.size) if buffer in storage.kept)
        return max(kept, int(need.max(initial=0)))

    def _lives(self) -> tuple[list[int], list[int]]:
        """For each buffer, as bits: the nodes before which it is made in every order, beside the one that makes
        it; and those that read it or must run before one that does."""
        storage, everyone = self.storage, (1 << len(self.storage.names)) - 1
        past, future = self._closures()
        made, needed = [0] * len(storage.size), [0] * len(storage.size)
        for row in self._order:
            for buffer in storage.makes[row]:
                users = bits(self._users[row])
                made[buffer] = _union(future, users) if row in self.late else future[row] ^ 1 << row
        for buffer, readers in enumerate(self._readers):
            needed[buffer] = everyone if buffer in storage.kept else _union(past, bits(readers))
        for buffer in storage.inputs:
            made[buffer] = everyone
        return made, needed

    def _closures(self) -> tuple[list[int], list[int]]:
        """For each row, as bits: the nodes that must run before it, and those that must run after; with itself."""
        past, future = ([1 << row for row in range(len(self._order))] for _ in "12")
        rows = list(self.rows())
        for row in rows:
            past[row] |= _union(past, bits(self.needs[row]))
        for row in reversed(rows):
            for other in bits(self.needs[row]):
                future[other] |= future[row]
        return past, future


def _best_first(steps: _Steps, lower: int, upper: int, states: int) -> tuple[list[int] | None, int]:
    """The order (rows) of least peak if that is below `upper`, and a peak that no order is below.

    The states wait in a heap by what the way to them cost; those of one cost by how many nodes are done, the
    most first, which finds the end early where one is within that cost. No order is below the cost of the state
    that comes out of the heap, since every state that was cheaper to reach has been there before.
    """
    start, ran = steps.forced(steps.start(), lower)
    came: dict[int, tuple[int, int | None, list[int]]] = {start.done: (lower, None, ran)}  # cost, from, by
    heap = [(lower, -start.done.bit_count(), start)]
    while heap:
        cost, _, state = heappop(heap)
        if not state.ready:
            return _walk(came, state.done), cost
        if len(came) > states:
            return None, cost
        if cost > came[state.done][0]:
            continue  # a cheaper way was found after this one
        for row in bits(state.ready):
            high, low = steps.take(state, row)
            peak = max(cost, high)
            if peak >= upper:
                continue
            following, ran = steps.forced(steps.after(state, row, low), peak)
            if following.done not in came or peak < came[following.done][0]:
                came[following.done] = peak, state.done, [row, *ran]
                heappush(heap, (peak, -following.done.bit_count(), following))
    return None, upper


def _walk(came: Mapping[int, tuple[int, int | None, list[int]]], done: int | None) -> list[int]:
    """The rows on the way to a state, first to last."""
    pieces = []
    while done is not None:
        _, done, ran = came[done]
        pieces.append(ran)
    return [row for ran in reversed(pieces) for row in ran]


def _beam(steps: _Steps) -> list[int]:
    """A good order (rows): of all sets of k nodes that can follow the best sets of k - 1, the best, for each k.

    Better is what cost less so far, then what leaves less in memory.
    """
    beam: list[tuple[int, _State, Any]] = [(0, steps.start(), None)]
    while beam[0][1].ready:
        found: dict[int, tuple[int, _State, Any]] = {}
        for cost, state, way in beam:
            for row in bits(state.ready):
                high, low = steps.take(state, row)
                done, peak = state.done | 1 << row, max(cost, high)
                if done not in found or peak < found[done][0]:
                    found[done] = peak, steps.after(state, row, low), (way, row)
            if len(found) > CHILDREN:
                break
        beam = nsmallest(BEAM, found.values(), key=lambda each: (each[0], each[1].alive))
    rows, way = [], beam[0][2]
    while way:
        way, row = way
        rows.append(row)
    return rows[::-1]


def bits(number: int) -> Iterator[int]:
    """The places of the ones of a number, from the lowest."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _union(sets: Sequence[int], members: Iterable[int]) -> int:
    return reduce(or_, (sets[member] for member in members), 0)


def _as_array(number: int, n: int) -> NDArray[np.uint8]:
    """The lowest n binary digits of a number, from the lowest."""
    digits = np.frombuffer(number.to_bytes(-(-n // 8), "little"), np.uint8)
    return np.unpackbits(digits, bitorder="little", count=n)


def _row(graph: Graph, row: int) -> list[int]:
    return graph.indices[graph.indptr[row] : graph.indptr[row + 1]].tolist()
