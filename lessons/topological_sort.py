"""Put the nodes of a directed graph in an order in which every edge points forward, or show why none exists.

    order = topological_sort(graph)              # labels; CycleError holds a cycle where no order exists
    generations(graph)                           # what can be done at the same time
    critical_path(graph, durations).length       # how long everything takes with help without end
    list_schedule(graph, 3, durations).makespan  # and with three workers

Whatever is a tie goes to the smaller row of the graph. `graph` is anything that `as_graph` reads, a
`ComputationalGraph` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from numbers import Integral, Real
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._device import compiled
from lessons.errors import CycleError
from lessons.graph import Graph, Label, as_graph

COMPILED_FROM = 50_000  # nodes and arcs; below, plain Python takes milliseconds, and loading numba half a second


# ---------------------------------------------------------------------------------------- definitions


def kahn_definition(successors: Sequence[Sequence[int]], in_degrees: Sequence[int]) -> list[int]:
    """Kahn's algorithm: rows in the first of all right orders; those behind a cycle are left out.

    `successors[u]` are the rows that u has an edge to. Each edge is looked at once, when the row that it leaves
    gets its place. O(m + n log n).

    >>> kahn_definition([[2], [2], []], [0, 0, 2])
    [0, 1, 2]
    """
    waits_for = list(in_degrees)  # how many rows must still come before this one
    ready = [row for row, count in enumerate(waits_for) if count == 0]  # ascending, so it is a heap already
    order = []
    while ready:
        u = heappop(ready)
        order.append(u)
        for v in successors[u]:
            waits_for[v] -= 1
            if waits_for[v] == 0:
                heappush(ready, v)
    return order


def cycle_definition(successors: Sequence[Sequence[int]], waiting: Sequence[int]) -> list[int]:
    """A cycle among rows that all wait for each other, backwards: each has an edge from the next one. O(n + m).

    Each of these rows has a predecessor that waits too, so a walk backwards never ends: it must come back to a
    row that it has seen. Of the cycles through that row, a shortest one is found breadth first.

    >>> cycle_definition([[1], [2], [0]], [0, 1, 2])
    [0, 2, 1]
    """
    before: dict[int, int] = {}
    for u in waiting:
        for v in successors[u]:
            before.setdefault(v, u)
    row, seen = waiting[0], set[int]()
    while row not in seen:
        seen.add(row)
        row = before[row]
    before = _breadth_first(successors, row)
    cycle = [row]
    while before[cycle[-1]] != row:
        cycle.append(before[cycle[-1]])
    return cycle


def _breadth_first(successors: Sequence[Sequence[int]], row: int) -> dict[int, int]:
    """From which row each one is reached first, until this row itself is."""
    before: dict[int, int] = {}
    queue = [row]
    for u in queue:
        for v in successors[u]:
            if v not in before:
                before[v] = u
                queue.append(v)
        if row in before:
            break
    return before


def spans_definition(
    successors: Sequence[Sequence[int]], order: Sequence[int], durations: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The longest way to each row, without it, and from each row, with it; `order` is a right one. O(n + m).

    >>> spans_definition([[1], []], [0, 1], [2.0, 3.0])
    ([0.0, 2.0], [5.0, 3.0])
    """
    earliest, tail = [0.0] * len(order), [0.0] * len(order)
    for u in order:
        for v in successors[u]:
            earliest[v] = max(earliest[v], earliest[u] + durations[u])
    for u in reversed(order):
        tail[u] = durations[u] + max((tail[v] for v in successors[u]), default=0.0)
    return earliest, tail


# ---------------------------------------------------------------------------------------- order and generations


def topological_sort(graph: object) -> list[Label]:
    """The nodes in an order in which each comes after everything that has an edge to it, by Kahn's algorithm.

    Ties: of the nodes that are ready, the one in the smallest row of the graph comes first. So the answer is
    unique (the first of all orders, compared row by row), and nodes that are given in a right order keep it.

    `graph` is anything that `as_graph` reads, directed; the answer lists each label once. O(m + n log n):
    each edge is visited once. Compiled for large graphs, which finds the smallest ready row in three steps.

    Raises CycleError with a directed cycle (a self-loop is a cycle of one), a shortest one through one of its
    nodes; ValueError if the graph is undirected.

    >>> edges = [("dry", "wear"), ("wash", "dry")]
    >>> topological_sort(as_graph(edges, nodes=["wear", "dry", "wash"], directed=True))
    ['wash', 'dry', 'wear']
    >>> topological_sort(as_graph([(3, 0)], n=4, directed=True))     # 0 waits for 3; 1 and 2 wait for nothing
    [1, 2, 3, 0]

    Notebook: 02_topological_sort. Reference: A. B. Kahn, Topological sorting of large networks,
    Communications of the ACM 5 (11), 1962, pages 558-562, doi:10.1145/368996.369025.
    """
    graph = as_graph(graph, directed=True)
    return _labels(graph, _order(graph))


def generations(graph: object) -> list[list[Label]]:
    """The nodes level by level: first those without predecessors, then each one level after its last predecessor.

    So the level of a node is the number of edges on a longest path to it, and nodes of one level do not wait for
    each other; within a level they are in the order of `graph.nodes`. O(n + m) after a topological sort.

    Raises CycleError with a directed cycle; ValueError if the graph is undirected.

    >>> edges = [("wash", "dry"), ("dry", "wear")]
    >>> generations(as_graph(edges, nodes=["wear", "dry", "wash", "iron"], directed=True))
    [['wash', 'iron'], ['dry'], ['wear']]

    Notebook: 02_topological_sort.
    """
    graph = as_graph(graph, directed=True)
    edges_before, _ = _spans(graph, _order(graph), np.ones(graph.n))
    depth = int(edges_before.max(initial=-1)) + 1
    levels = edges_before.astype(np.min_scalar_type(depth))  # NumPy sorts small integers by counting them
    labels = _labels(graph, np.argsort(levels, kind="stable"))
    ends = np.cumsum(np.bincount(levels, minlength=depth)).tolist()
    return [labels[start:end] for start, end in zip([0, *ends], ends, strict=False)]


# ---------------------------------------------------------------------------------------- time


@dataclass(frozen=True, eq=False)
class CriticalPath:
    """What decides how long everything takes: `path`, nodes that follow each other without a pause for `length`.

    `earliest` and `latest` (n,), in the order of `graph.nodes`: when each node can start at the earliest, and when
    it must at the latest if everything is to end at `length`. `slack` is the time between them, zero on the path.
    """

    path: list[Label]
    length: float
    earliest: NDArray[np.float64]
    latest: NDArray[np.float64]

    @property
    def slack(self) -> NDArray[np.float64]:
        """(n,) how long each node may be put off without delaying the end; exact up to rounding."""
        return self.latest - self.earliest


def critical_path(graph: object, durations: ArrayLike) -> CriticalPath:
    """The longest path of a directed graph without cycles, and the room that is left around it.

    `durations` (n,), in the order of `graph.nodes`: how long each node takes, a finite number of any unit, zero or
    more. An edge u -> v means that v starts when u has finished, or later. O(n + m) after a topological sort.

    The path runs from a node without predecessors to one without successors; of several that are longest it is the
    one with the smallest row at the first node where they differ.

    Raises CycleError with a directed cycle; ValueError for durations that are not as above, naming node and value.

    >>> tasks = as_graph([("dig", "build"), ("buy", "build")], nodes=["dig", "buy", "build"], directed=True)
    >>> found = critical_path(tasks, [3.0, 1.0, 5.0])
    >>> found.path, found.length, found.slack
    (['dig', 'build'], 8.0, array([0., 2., 0.]))

    Notebook: 02_topological_sort. Reference: J. E. Kelley, M. R. Walker, Critical-path planning and scheduling,
    Eastern Joint Computer Conference, 1959, pages 160-173, doi:10.1145/1460299.1460318.
    """
    graph = as_graph(graph, directed=True)
    lasts = _checked_durations(graph, durations)
    earliest, tail = _spans(graph, _order(graph), lasts)
    length = float((earliest + lasts).max(initial=0.0))
    path = _longest(graph, tail)
    latest = np.maximum(length - tail, earliest)  # what rounding may turn round
    latest[path] = earliest[path]
    return CriticalPath(_labels(graph, np.array(path, np.int32)), length, earliest, latest)


def _longest(graph: Graph, tail: NDArray[np.float64]) -> list[int]:
    """The rows of the longest path; `argmax` gives the first of equals, and rows are sorted."""
    rows: NDArray[np.integer] = np.flatnonzero(graph.in_degrees() == 0)
    path = []
    while len(rows):
        u = int(rows[np.argmax(tail[rows])])
        path.append(u)
        rows = graph.indices[graph.indptr[u] : graph.indptr[u + 1]]
    return path


@dataclass(frozen=True, eq=False)
class Schedule:
    """Who does what, when. Arrays (n,) are in the order of `graph.nodes`.

    `start` and `finish` of each node, and its `worker`, 0 ... `workers` - 1; `order` lists the labels as they
    start. The last one finishes at `makespan`; no schedule of as many workers can end before `lower_bound`.
    """

    start: NDArray[np.float64]
    finish: NDArray[np.float64]
    worker: NDArray[np.int64]
    makespan: float
    workers: int
    lower_bound: float
    order: list[Label]


def list_schedule(
    graph: object,
    workers: int,
    durations: ArrayLike,
    *,
    priority: Literal["critical path", "row"] = "critical path",
) -> Schedule:
    """Share the nodes of a directed graph without cycles among workers, none of whom idles while a node is ready.

    Whenever a worker is free, the one with the smallest number takes the ready node of highest priority and works
    on it to its end: with "critical path" the node with the longest path from it to the end, itself included (on
    unit durations, Hu's highest level first), with "row" the one in the smallest row. `durations` (n,) as for
    `critical_path`; an edge u -> v means that v starts when u has finished, or later. O((n + m) log n).

    `lower_bound` is the larger of the critical path and the total work over the workers. The optimum lies between
    it and the makespan, and the makespan of any list is at most (2 - 1 / workers) times the optimum (Graham 1966).
    More workers or shorter durations can make it longer:

    >>> edges = [(1, 9), (4, 5), (4, 6), (4, 7), (4, 8)]
    >>> tasks = as_graph(edges, nodes=range(1, 10), directed=True)                 # Graham's example
    >>> durations = np.array([3, 2, 2, 2, 4, 4, 4, 4, 9])
    >>> list_schedule(tasks, 3, durations, priority="row").makespan
    12.0
    >>> list_schedule(tasks, 4, durations, priority="row").makespan                 # a fourth worker
    15.0
    >>> list_schedule(tasks, 3, durations - 1, priority="row").makespan             # everything takes one less
    13.0

    Raises CycleError with a directed cycle; ValueError for durations that are not as above, naming node and value,
    for less than one worker and another priority; TypeError for workers that are no integer.

    Notebook: 02_topological_sort. References: R. L. Graham, Bounds for certain multiprocessing anomalies, Bell
    System Technical Journal 45 (9), 1966, pages 1563-1581, doi:10.1002/j.1538-7305.1966.tb01709.x; Bounds on
    multiprocessing timing anomalies, SIAM Journal on Applied Mathematics 17 (2), 1969, pages 416-429,
    doi:10.1137/0117039; T. C. Hu, Parallel sequencing and assembly line problems, Operations Research 9 (6), 1961,
    pages 841-848, doi:10.1287/opre.9.6.841.
    """
    graph = as_graph(graph, directed=True)
    lasts = _checked_durations(graph, durations)
    workers = _checked_workers(workers)
    if priority not in ("critical path", "row"):
        raise ValueError(f'priority={priority!r}: "critical path" or "row"')
    earliest, tail = _spans(graph, _order(graph), lasts)
    by_rank = np.argsort(-tail if priority == "critical path" else np.zeros(graph.n), kind="stable")
    start, worker, order = _share_out(graph, workers, lasts.tolist(), by_rank)
    finish = start + lasts
    makespan = float(finish.max(initial=0.0))
    bound = max(float((earliest + lasts).max(initial=0.0)), float(lasts.sum()) / workers)
    bound = min(bound, makespan)  # which only rounding could leave below it
    return Schedule(start, finish, worker, makespan, workers, bound, _labels(graph, order))


def _share_out(
    graph: Graph, workers: int, durations: list[float], by_rank: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.integer]]:
    """Start and worker of each row, and the rows as they start; `by_rank` lists them from the highest priority."""
    rows, successors, waits_for = by_rank.tolist(), _successors(graph), graph.in_degrees().tolist()
    rank = np.argsort(by_rank).tolist()
    start, worker, order = [0.0] * graph.n, [0] * graph.n, []
    ready = [rank[row] for row, count in enumerate(waits_for) if count == 0]
    heapify(ready)
    free = list(range(min(workers, graph.n)))
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        if ready and free and not (running and running[0][0] == now):  # whoever finishes now comes first
            u = rows[heappop(ready)]
            order.append(u)
            start[u], worker[u] = now, heappop(free)
            heappush(running, (now + durations[u], u))
            continue
        now, u = heappop(running)
        heappush(free, worker[u])
        for v in successors[u]:
            waits_for[v] -= 1
            if waits_for[v] == 0:
                heappush(ready, rank[v])
    return np.array(start), np.array(worker, np.int64), np.array(order, np.int64)


# ---------------------------------------------------------------------------------------- helpers


def _kernels(graph: Graph) -> ModuleType | None:
    """The compiled speed where it pays: for large graphs, and for every graph once it is loaded."""
    return compiled("topological_sort", when=graph.n + len(graph.indices) >= COMPILED_FROM)


def _order(graph: Graph) -> NDArray[np.int32]:
    """All rows, in the first of all right orders. Raises CycleError."""
    kernels = _kernels(graph)
    if kernels is None:
        order = np.array(kahn_definition(_successors(graph), graph.in_degrees().tolist()), np.int32)
    else:
        order = np.empty(graph.n, np.int32)
        order = order[: kernels.first_order(graph.indptr, graph.indices, np.empty(graph.n + 1, np.int64), order)]
    if len(order) < graph.n:
        raise CycleError(_labels(graph, _cycle(graph, order)))
    return order


def _cycle(graph: Graph, order: NDArray[np.int32]) -> NDArray[np.int32]:
    """The rows of a cycle among those that got no place, from its smallest row on."""
    waiting = np.ones(graph.n, np.bool_)
    waiting[order] = False
    if _kernels(graph) is None:
        cycle = np.array(cycle_definition(_successors(graph), np.flatnonzero(waiting).tolist()), np.int32)
    else:
        from lessons.compiled.cycles import short_cycle

        cycle = np.empty(graph.n, np.int32)
        cycle = cycle[: short_cycle(graph.indptr, graph.indices, waiting, cycle)]
    forward = cycle[::-1]
    return np.roll(forward, -int(np.argmin(forward)))


def _spans(
    graph: Graph, order: NDArray[np.int32], durations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """See `spans_definition`."""
    kernels = _kernels(graph)
    if kernels is None:
        earliest, tail = spans_definition(_successors(graph), order.tolist(), durations.tolist())
        return np.array(earliest), np.array(tail)
    found = np.zeros(graph.n), np.zeros(graph.n)
    kernels.spans(graph.indptr, graph.indices, order, durations, *found)
    return found


def _successors(graph: Graph) -> list[list[int]]:
    ends, indices = graph.indptr.tolist(), graph.indices.tolist()
    return [indices[ends[row] : ends[row + 1]] for row in range(graph.n)]


def _labels(graph: Graph, rows: NDArray[np.integer]) -> list[Label]:
    if graph._labels is None:
        return rows.tolist()
    nodes = graph.nodes
    return [nodes[row] for row in rows.tolist()]


def _checked_durations(graph: Graph, durations: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(durations)
    if given.shape != (graph.n,):
        raise ValueError(
            f"durations of shape {given.shape} for {graph.n} nodes: one number each, in the order of graph.nodes, "
            "such as [seconds[node] for node in graph.nodes]"
        )
    if given.dtype.kind not in "biuf":
        given = np.array([value if isinstance(value, Real) else np.nan for value in given.tolist()], np.float64)
    lasts = given.astype(np.float64)
    bad = ~(np.isfinite(lasts) & (lasts >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        value = np.asarray(durations)[row : row + 1].tolist()[0]
        unknown = "; where a count is not known, bind its lengths or estimate it" if value is None else ""
        raise ValueError(
            f"node {graph.nodes[row]!r} has the duration {value!r}, not a finite number, zero or more{unknown}"
        )
    return lasts


def _checked_workers(workers: int) -> int:
    if isinstance(workers, bool) or not isinstance(workers, Integral):
        raise TypeError(f"workers={workers!r}: a number of workers is an integer")
    if workers < 1:
        raise ValueError(f"workers={workers}: at least one is needed")
    return int(workers)
