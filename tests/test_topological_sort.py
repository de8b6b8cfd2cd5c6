"""The order against networkx's and graphlib's, schedules against all schedules, each speed against the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from itertools import chain, pairwise, permutations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from speeds import COMPILED, both_speeds, chooser, each_speed

import lessons.compiled
import lessons.compiled.cycles
import lessons.compiled.topological_sort as kernels
from lessons import Graph, as_graph
from lessons import topological_sort as module
from lessons.errors import CycleError
from lessons.model import ComputationalGraph
from lessons.topological_sort import (
    CriticalPath,
    Schedule,
    critical_path,
    cycle_definition,
    generations,
    kahn_definition,
    list_schedule,
    spans_definition,
    topological_sort,
)

choose = chooser(kernels, module)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)


@st.composite
def digraphs(draw: st.DrawFn) -> Graph:
    """Up to 12 nodes under shuffled labels, with and without cycles and self-loops."""
    n = draw(st.integers(0, 12))
    nodes = draw(st.permutations([f"v{i}" for i in range(n)]))
    ends = st.sampled_from(nodes) if nodes else st.nothing()
    edges = draw(st.lists(st.tuples(ends, ends), max_size=24)) if nodes else []
    if draw(st.booleans()):  # every edge forward in a hidden order: no cycle
        hidden = sorted(nodes)
        edges = [(min(e, key=hidden.index), max(e, key=hidden.index)) for e in edges if e[0] != e[1]]
    return as_graph(edges, nodes=nodes, directed=True)


@st.composite
def dags(draw: st.DrawFn, max_nodes: int = 9) -> Graph:
    """Graphs without cycles, their hidden order shuffled, from no edge at all to every pair."""
    n = draw(st.integers(0, max_nodes))
    hidden = draw(st.permutations(range(n)))
    pairs = [(hidden[i], hidden[j]) for j in range(n) for i in range(j)]
    edges = draw(st.one_of(st.just(pairs), st.lists(st.sampled_from(pairs), max_size=20))) if pairs else []
    return as_graph(edges, n=n, directed=True)


@st.composite
def tasks(draw: st.DrawFn, max_nodes: int = 9) -> tuple[Graph, list[int]]:
    """Whole durations, whose sums are exact, zeros and ties among them."""
    graph = draw(dags(max_nodes))
    return graph, draw(st.lists(st.integers(0, 4), min_size=graph.n, max_size=graph.n))


# ------------------------------------------------------------------------------------------------ order


@settings(max_examples=300)
@given(digraphs())
def test_order_or_cycle(graph: Graph) -> None:
    oracle = graph.to_networkx()
    if not nx.is_directed_acyclic_graph(oracle):
        for cycle in at_both_speeds(lambda: cycle_of(graph)):
            assert_cycle(graph, cycle)
        return
    for order in at_both_speeds(lambda: topological_sort(graph)):
        place = {label: i for i, label in enumerate(order)}
        assert sorted(order) == sorted(graph.nodes)
        assert all(place[u] < place[v] for u, v in graph.edges())
        assert order == list(nx.lexicographical_topological_sort(oracle, key=graph.index))


def cycle_of(graph: Graph) -> list[str]:
    with pytest.raises(CycleError) as caught:
        topological_sort(graph)
    return caught.value.cycle


def assert_cycle(graph: Graph, cycle: list[str]) -> None:
    """It is one, begins with its smallest row, and none through some node of it is shorter."""
    assert len(cycle) == len(set(cycle)) >= 1
    edges = set(graph.edges())
    assert all(edge in edges for edge in pairwise([*cycle, cycle[0]]))
    assert cycle[0] == min(cycle, key=graph.index)
    ways = graph.to_networkx()
    shortest = [
        1 + min(nx.shortest_path_length(ways, v, u) for v in ways[u] if nx.has_path(ways, v, u)) for u in cycle
    ]
    assert len(cycle) in shortest


@settings(max_examples=150)
@given(digraphs())
def test_three_speeds_hold_together(graph: Graph) -> None:
    """The definitions, the kernels, and the kernels' source run as Python."""
    successors = [graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist() for u in range(graph.n)]
    order = kahn_definition(successors, graph.in_degrees().tolist())
    left = sorted(set(range(graph.n)) - set(order))
    cycle = cycle_definition(successors, left) if left else []
    waiting = np.isin(np.arange(graph.n), left)
    lasts = np.arange(1.0, graph.n + 1)
    for first_order, short_cycle, spans in fast_forms():
        placed = np.empty(graph.n, np.int32)
        count = first_order(graph.indptr, graph.indices, np.empty(graph.n + 1, np.int64), placed)
        assert placed[:count].tolist() == order
        if left:
            found = np.empty(graph.n, np.int32)
            assert found[: short_cycle(graph.indptr, graph.indices, waiting, found)].tolist() == cycle
        else:
            earliest, tail = np.zeros(graph.n), np.zeros(graph.n)
            spans(graph.indptr, graph.indices, placed, lasts, earliest, tail)
            assert (earliest.tolist(), tail.tolist()) == spans_definition(successors, order, lasts.tolist())


def fast_forms() -> list[list[Callable]]:
    compiled = [kernels.first_order, lessons.compiled.cycles.short_cycle, kernels.spans]
    return [compiled, [lessons.compiled._as_python(getattr(form, "py_func", form)) for form in compiled]]


@pytest.mark.parametrize(
    ("edges", "n", "order"),
    [
        ([], 0, []),
        ([], 1, [0]),
        ([], 3, [0, 1, 2]),
        ([(2, 1), (1, 0)], 3, [2, 1, 0]),
        ([(3, 0), (1, 2)], 5, [1, 2, 3, 0, 4]),  # two parts and an isolated node
        ([(0, 3), (2, 1)], 4, [0, 2, 1, 3]),  # 3 is ready before 1 is, and yet comes after it
        ([(i, j) for i in range(6) for j in range(i)], 6, [5, 4, 3, 2, 1, 0]),
        ([(64, 4096), (4096, 3), (8191, 0)], 8192, [1, 2, *range(4, 4097), 3, *range(4097, 8192), 0]),
    ],
)
def test_small_graphs(edges: list[tuple[int, int]], n: int, order: list[int], speed: str) -> None:
    assert topological_sort(as_graph(edges, n=n, directed=True)) == order


def test_blocks_that_are_emptied_and_filled_again(speed: str) -> None:
    """Rows far apart become ready in turn: the smallest is found beyond words and blocks that are empty."""
    n = 270_000
    jumps = [269_999, 0, 200_000, 5, 262_144, 262_143, 70, 269_998]  # the first of them is the last of all rows
    graph = as_graph(list(pairwise(jumps)), n=n, directed=True)
    assert topological_sort(graph) == [*np.setdiff1d(np.arange(n), jumps).tolist(), *jumps]


def test_a_large_random_graph_is_sorted_as_graphlib_allows(speed: str) -> None:
    n, m = 20_000, 100_000
    rng = np.random.default_rng(7)
    ends = np.sort(rng.integers(0, n, (m, 2)), axis=1)
    edges = rng.permutation(n)[ends[ends[:, 0] < ends[:, 1]]]
    graph = as_graph(edges, n=n, directed=True)
    order = topological_sort(graph)
    assert order == list(nx.lexicographical_topological_sort(graph.to_networkx()))
    sorter = TopologicalSorter({v: graph.reverse.neighbors(v) for v in range(n)})
    sorter.prepare()
    ready: set[int] = set()
    for node in order:
        ready |= set(sorter.get_ready())
        assert node == min(ready)
        ready.remove(node)
        sorter.done(node)


def test_a_right_order_is_kept(speed: str) -> None:
    rng = np.random.default_rng(7)
    ends = np.sort(rng.integers(0, 400, (900, 2)), axis=1)
    graph = as_graph(ends[ends[:, 0] < ends[:, 1]], n=400, directed=True)
    assert topological_sort(graph) == list(range(400))


@given(dags())
def test_each_edge_is_looked_at_once(graph: Graph) -> None:
    looks: list[tuple[int, int]] = []

    class Counted(list[int]):
        def __iter__(self) -> Iterator[int]:
            for v in super().__iter__():
                looks.append((self.row, v))
                yield v

    successors = []
    for u in range(graph.n):
        successors.append(Counted(graph.neighbors(u)))
        successors[-1].row = u
    kahn_definition(successors, graph.in_degrees().tolist())
    assert sorted(looks) == graph.edges()


# ------------------------------------------------------------------------------------------------ cycles


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ([(1, 1)], [1]),
        ([(1, 0), (0, 1)], [0, 1]),
        ([(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)], [1, 2, 3]),
        ([(0, 2), (2, 3), (3, 0), (3, 4), (4, 0)], [0, 2, 3]),  # and not the longer one through 4
    ],
)
def test_cycles(edges: list[tuple[int, int]], cycle: list[int], speed: str) -> None:
    with pytest.raises(CycleError) as caught:
        topological_sort(as_graph(edges, n=5, directed=True))
    assert caught.value.cycle == cycle


def test_deep_chain_needs_no_recursion(speed: str) -> None:
    n = 100_000
    down = np.arange(n - 1, -1, -1)
    rows = np.column_stack([down[:-1], down[1:]])
    graph = as_graph(rows, n=n, directed=True)
    assert topological_sort(graph) == down.tolist()
    assert generations(graph)[:2] == [[n - 1], [n - 2]]
    with pytest.raises(CycleError) as caught:
        topological_sort(as_graph(np.vstack([rows, [[0, n - 1]]]), n=n, directed=True))
    assert caught.value.cycle == [0, *range(n - 1, 0, -1)]


EVERY = [
    topological_sort,
    generations,
    lambda graph: critical_path(graph, [1, 1, 1]),
    lambda graph: list_schedule(graph, 2, [1, 1, 1]),
]


@pytest.mark.parametrize("function", EVERY)
def test_every_door(function: Callable[[object], object], speed: str) -> None:
    function(nx.DiGraph([("c", "b"), ("b", "a")]))
    function(scipy.sparse.csr_array((3, 3)))
    with pytest.raises(ValueError, match="directed graph is needed"):
        function(nx.path_graph(3))
    with pytest.raises(TypeError, match="int"):
        function(5)
    with pytest.raises(CycleError, match="'c' -> 'b' -> 'c'"):
        function(nx.DiGraph([("c", "b"), ("b", "c"), ("a", "c")]))


def test_a_model_is_a_graph() -> None:
    model = ComputationalGraph()
    x = model.input("x", (1, 4))
    model.output(model.add("Add", model.add("Relu", x, name="late"), x, name="last"))
    assert topological_sort(model) == ["late", "last"]
    assert generations(model) == [["late"], ["last"]]


# ------------------------------------------------------------------------------------------------ what is compiled

SMALL = """
import sys
from lessons import as_graph
from lessons.topological_sort import critical_path, generations, list_schedule, topological_sort
graph = as_graph([(1, 0)], n=10, directed=True)
topological_sort(graph), generations(graph), critical_path(graph, [1] * 10), list_schedule(graph, 2, [1] * 10)
print("numba" in sys.modules)
topological_sort(as_graph([(1, 0)], n=50_000, directed=True))
print("numba" in sys.modules)
"""


def in_a_process(code: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split()


def test_small_graphs_do_not_wait_for_numba() -> None:
    pytest.importorskip("numba")
    assert in_a_process(SMALL) == ["False", "True"]


def test_without_numba_large_graphs_are_sorted_too() -> None:
    missing = "import sys\nsys.modules['numba'] = None\n"
    code = "from lessons.topological_sort import topological_sort as sort\nfrom lessons import as_graph\n"
    code += "print(sort(as_graph([(9, 0)], n=60_000, directed=True))[8:10])"
    assert in_a_process(missing + code) == ["[9,", "0]"]


def test_once_loaded_kernels_sort_small_graphs_too() -> None:
    expected = kernels if COMPILED else None
    assert module._kernels(as_graph([], n=2, directed=True)) is expected


# ------------------------------------------------------------------------------------------------ generations


@given(digraphs())
def test_generations_are_those_of_networkx(graph: Graph) -> None:
    oracle = graph.to_networkx()
    if nx.is_directed_acyclic_graph(oracle):
        wanted = [sorted(level, key=graph.index) for level in nx.topological_generations(oracle)]
        for found in at_both_speeds(lambda: generations(graph)):
            assert found == wanted


# ------------------------------------------------------------------------------------------------ critical path


def paths(graph: Graph) -> list[list[int]]:
    """All paths from a node without predecessors to one without successors."""
    ways: list[list[int]] = [[u] for u in range(graph.n) if not graph.predecessors(u)]
    done = []
    while ways:
        way = ways.pop()
        further = graph.neighbors(way[-1])
        ways += [[*way, v] for v in further]
        done += [] if further else [way]
    return done


@given(tasks(max_nodes=7))
def test_critical_path_is_the_longest_of_all(drawn: tuple[Graph, list[int]]) -> None:
    graph, durations = drawn
    every = paths(graph)
    lengths = [sum(durations[u] for u in way) for way in every]
    longest = min((way for way, length in zip(every, lengths, strict=True) if length == max(lengths)), default=[])
    for found in at_both_speeds(lambda: critical_path(graph, durations)):
        assert isinstance(found, CriticalPath)
        assert (found.path, found.length) == (longest, max(lengths, default=0))
        for u in range(graph.n):
            through = [way for way in every if u in way]
            before = [sum(durations[v] for v in way[: way.index(u)]) for way in through]
            after = [sum(durations[v] for v in way[way.index(u) :]) for way in through]
            assert (found.earliest[u], found.latest[u]) == (max(before), found.length - max(after))


@given(dags(), st.randoms(use_true_random=False))
def test_what_is_not_exact_keeps_its_order(graph: Graph, random) -> None:
    durations = [random.random() for _ in range(graph.n)]
    found = critical_path(graph, durations)
    assert (found.slack >= 0).all()
    assert [found.slack[u] for u in found.path] == [0] * len(found.path)
    weighted = nx.DiGraph([("start", u, {"weight": durations[u]}) for u in range(graph.n)])
    weighted.add_weighted_edges_from((u, v, durations[v]) for u, v in graph.edges())
    assert found.length == pytest.approx(nx.dag_longest_path_length(weighted, default_weight=0) if graph.n else 0)


@pytest.mark.parametrize(
    ("durations", "problem"),
    [
        ([1, -0.5, 2], "node 'b' has the duration -0.5"),
        ([1, 2, float("nan")], "node 'c' has the duration nan"),
        ([float("inf"), 2, 3], "node 'a' has the duration inf"),
        (
            [1, None, 2],
            "node 'b' has the duration None.*; where a count is not known, bind its lengths or estimate it",
        ),
        (["1", "2", "3"], "node 'a' has the duration '1'"),
        ([1, 2], r"shape \(2,\) for 3 nodes"),
        ({"a": 1, "b": 2, "c": 3}, r"shape \(\) for 3 nodes: one number each, in the order of graph.nodes"),
    ],
)
def test_bad_durations_are_named(durations: object, problem: str) -> None:
    graph = as_graph([("a", "b")], nodes="abc", directed=True)
    for call in (lambda: critical_path(graph, durations), lambda: list_schedule(graph, 1, durations)):
        with pytest.raises(ValueError, match=problem):
            call()


# ------------------------------------------------------------------------------------------------ schedules

PRIORITIES = st.sampled_from(["critical path", "row"])


def assert_works(graph: Graph, durations: list[int], found: Schedule) -> None:
    """Each node after its predecessors, one at a time a worker, and no worker idle while one is ready."""
    n = graph.n
    assert (found.finish == found.start + durations).all()
    assert set(found.worker.tolist()) <= set(range(found.workers))
    assert all(found.finish[u] <= found.start[v] for u, v in graph.edges())
    assert [found.start[u] for u in found.order] == sorted(found.start)
    assert sorted(found.order) == list(range(n))
    for worker in range(found.workers):
        turns = [u for u in found.order if found.worker[u] == worker]
        assert all(found.finish[u] <= found.start[v] for u, v in pairwise(turns))
    moments = sorted(set(found.start.tolist()) | set(found.finish.tolist()))
    for v in range(n):
        ready = max((found.finish[u] for u in graph.predecessors(v)), default=0)
        for t in moments:
            if ready <= t < found.start[v]:
                assert np.count_nonzero((found.start <= t) & (t < found.finish)) == found.workers


def optimum(graph: Graph, durations: list[int], workers: int) -> float:
    """The best of all schedules. In the order in which it starts them, each node may start as soon as what is
    before it has finished and somebody is free, so trying all orders finds it."""
    best = float(sum(durations))
    for order in permutations(range(graph.n)):
        place = {u: i for i, u in enumerate(order)}
        if any(place[u] > place[v] for u, v in graph.edges()):
            continue
        free, finish = [0.0] * workers, {}
        for u in order:
            begin = max([free[0], *(finish[v] for v in graph.predecessors(u))])
            finish[u] = begin + durations[u]
            free = sorted([finish[u], *free[1:]])
        best = min(best, max(finish.values(), default=0.0))
    return best


@settings(max_examples=200)
@given(tasks(), st.integers(1, 4), PRIORITIES)
def test_schedules_work(drawn: tuple[Graph, list[int]], workers: int, priority) -> None:
    graph, durations = drawn
    length, work = critical_path(graph, durations).length, sum(durations)
    for found in at_both_speeds(lambda: list_schedule(graph, workers, durations, priority=priority)):
        assert_works(graph, durations, found)
        assert found.makespan == max(found.finish, default=0)
        assert found.lower_bound == max(length, work / workers)
        assert found.lower_bound <= found.makespan <= work / workers + (1 - 1 / workers) * length + 1e-9


@settings(max_examples=60)
@given(tasks(max_nodes=5), st.integers(1, 3), PRIORITIES)
def test_graham_bound_on_the_optimum(drawn: tuple[Graph, list[int]], workers: int, priority) -> None:
    graph, durations = drawn
    found, best = list_schedule(graph, workers, durations, priority=priority), optimum(graph, durations, workers)
    assert found.lower_bound <= best <= found.makespan <= (2 - 1 / workers) * best


@given(tasks())
def test_one_worker_and_workers_enough(drawn: tuple[Graph, list[int]]) -> None:
    graph, durations = drawn
    assert list_schedule(graph, 1, durations).makespan == sum(durations)
    antichains = nx.antichains(nx.transitive_closure_dag(graph.to_networkx())) if graph.n else [[]]
    width = max(1, *(len(nodes) for nodes in chain(antichains, [[]])))
    found, alone = list_schedule(graph, width, durations), critical_path(graph, durations)
    assert found.makespan == found.lower_bound == alone.length
    assert found.start.tolist() == alone.earliest.tolist()


def test_priorities_and_ties() -> None:
    graph = as_graph([(2, 3)], n=4, directed=True)
    assert list_schedule(graph, 1, [1, 1, 1, 1], priority="row").order == [0, 1, 2, 3]
    assert list_schedule(graph, 1, [1, 1, 1, 1]).order == [2, 0, 1, 3]
    found = list_schedule(graph, 2, [1, 1, 1, 1])
    assert found.worker.tolist() == [1, 0, 0, 1]
    assert found.start.tolist() == [0, 1, 0, 1]


GRAHAM = [(1, 9), (4, 5), (4, 6), (4, 7), (4, 8)]
TAKES = np.array([3, 2, 2, 2, 4, 4, 4, 4, 9])


@pytest.mark.parametrize(
    ("nodes", "edges", "workers", "less", "makespan"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], GRAHAM, 3, 0, 12),
        ([1, 2, 4, 5, 6, 3, 9, 7, 8], GRAHAM, 3, 0, 14),  # another list
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], GRAHAM, 4, 0, 15),  # a worker more
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], GRAHAM, 3, 1, 13),  # everything shorter
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], [(1, 9), (4, 7), (4, 8)], 3, 0, 16),  # less to wait for
    ],
)
def test_graham_anomalies(nodes: list[int], edges: list, workers: int, less: int, makespan: int) -> None:
    graph = as_graph(edges, nodes=nodes, directed=True)
    durations = TAKES[np.array(nodes) - 1] - less
    assert list_schedule(graph, workers, durations, priority="row").makespan == makespan


def test_bad_schedules_are_refused() -> None:
    graph = as_graph([], n=1, directed=True)
    for workers, error in ((0, ValueError), (-2, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match=f"workers={workers}"):
            list_schedule(graph, workers, [1])
    with pytest.raises(ValueError, match="priority='random'"):
        list_schedule(graph, 1, [1], priority="random")


def test_rounding_leaves_no_makespan_below_its_bound() -> None:
    durations = [0.1] * 10
    assert np.cumsum(durations)[-1] < np.sum(durations)  # one after the other, and pair by pair
    for workers in (1, 2, 3):
        found = list_schedule(as_graph([], n=10, directed=True), workers, durations)
        assert found.lower_bound <= found.makespan


def test_more_workers_than_memory() -> None:
    assert list_schedule(as_graph([], n=2, directed=True), 10**12, [1, 2]).makespan == 2


def test_a_large_schedule() -> None:
    n = 20_000
    rng = np.random.default_rng(7)
    ends = np.sort(rng.integers(0, n, (60_000, 2)), axis=1)
    graph = as_graph(ends[ends[:, 0] < ends[:, 1]], n=n, directed=True)
    found = list_schedule(graph, 7, rng.random(n))
    assert found.lower_bound <= found.makespan <= 1.01 * found.lower_bound
    assert (found.finish[graph.sources] <= found.start[graph.indices]).all()
