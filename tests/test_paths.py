"""Shortest paths against networkx's, their ties against the rule, both speeds against each other."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise
from math import inf

import networkx as nx
import numpy as np
import pytest
import scipy.sparse.csgraph
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from speeds import both_speeds, chooser, each_speed

import lessons.compiled.paths as kernels
from lessons import Graph, as_graph
from lessons import paths as module
from lessons.errors import UnknownLabel
from lessons.paths import ShortestPaths, bfs_definition, dijkstra_definition, distances, shortest_paths

WHOLE = st.integers(0, 3).map(float)  # ties and zeros in plenty
ANY = st.floats(0, 10, allow_subnormal=False)  # sums are rounded


choose = chooser(kernels, module)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)


@st.composite
def networks(draw: st.DrawFn, lengths: st.SearchStrategy[float] | None = None, least: int = 1) -> Graph:
    """Up to 12 nodes under shuffled labels, directed or not, with self-loops, in several pieces or in one."""
    n = draw(st.integers(least, 12))
    nodes = draw(st.permutations([f"v{i}" for i in range(n)]))
    ends = st.sampled_from(nodes) if nodes else st.nothing()
    edges = draw(st.lists(st.tuples(ends, ends), max_size=36)) if nodes else []
    if lengths is not None:
        edges = [(*edge, draw(lengths)) for edge in edges]
    return as_graph(edges, nodes=nodes, directed=draw(st.booleans()), parallel="min")


EVERY = st.one_of(networks(), networks(WHOLE), networks(ANY))


def length(graph: Graph, u: str, v: str) -> float:
    """That of the edge u -> v. Raises KeyError where there is none."""
    return graph.to_networkx()[u][v].get("weight", 1)


# ------------------------------------------------------------------------------------------------ distances


@given(EVERY, st.data())
def test_distances_are_those_of_networkx(graph: Graph, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(graph.nodes))
    oracle = nx.single_source_dijkstra_path_length(graph.to_networkx(), source)
    wanted = [oracle.get(node, inf) for node in graph.nodes]
    for found in at_both_speeds(lambda: shortest_paths(graph, source)):
        assert isinstance(found, ShortestPaths)
        assert found.distance.tolist() == wanted  # rounded alike: lengths are added from the source on
        assert (found.source, found.nodes) == (source, graph.nodes)
        assert (found.distance.dtype, found.before.dtype) == (np.float64, np.int32)
        assert not found.distance[graph.index(source)]


@given(EVERY)
def test_from_all_as_from_each(graph: Graph) -> None:
    wanted = [shortest_paths(graph, source).distance.tolist() for source in graph.nodes]
    for found in at_both_speeds(lambda: distances(graph)):
        assert found.tolist() == wanted
    some = graph.nodes[::-2]
    for found in at_both_speeds(lambda: distances(graph, some)):
        assert found.tolist() == wanted[::-2]


@given(networks())
def test_no_lengths_are_lengths_of_one(graph: Graph) -> None:
    ones = Graph(graph.indptr, graph.indices, np.ones(len(graph.indices)), directed=graph.directed)
    for u in range(graph.n):
        for one, other in zip(
            at_both_speeds(lambda u=u: shortest_paths(graph, graph.nodes[u])),
            at_both_speeds(lambda u=u: shortest_paths(ones, u)),
            strict=True,
        ):
            assert one.distance.tolist() == other.distance.tolist()
            assert one.before.tolist() == other.before.tolist()


@given(networks(ANY))
def test_definitions(graph: Graph) -> None:
    oracle = graph.to_networkx()
    rows = [[graph.index(v) for v in graph.neighbors(u)] for u in graph.nodes]
    pairs = [[(graph.index(v), length(graph, u, v)) for v in graph.neighbors(u)] for u in graph.nodes]
    for row, source in enumerate(graph.nodes):
        edges = nx.single_source_shortest_path_length(oracle, source)
        assert bfs_definition(rows, row) == [edges.get(v, inf) for v in graph.nodes]
        lengths = nx.single_source_dijkstra_path_length(oracle, source)
        assert dijkstra_definition(pairs, row)[0] == [lengths.get(v, inf) for v in graph.nodes]


# ------------------------------------------------------------------------------------------------ paths and ties


@given(EVERY, st.data())
def test_paths_are_as_long_as_they_say(graph: Graph, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(graph.nodes))
    for found in at_both_speeds(lambda: shortest_paths(graph, source)):
        assert (found.before[found.distance == inf] == -1).all()
        assert found.before[graph.index(source)] == -1
        for target, distance in zip(graph.nodes, found.distance, strict=True):
            if distance == inf:
                with pytest.raises(ValueError, match=f"no path leads from '{source}' to '{target}'"):
                    found.path(target)
                continue
            path = found.path(target)
            assert (path[0], path[-1], len(set(path))) == (source, target, len(path))
            so_far = 0.0
            for u, v in pairwise(path):
                so_far += length(graph, u, v)
            assert so_far == distance


def settled(graph: Graph, source: str) -> tuple[list[int], list[int]]:
    """The rule of ties word by word: -> the rows as they are settled, and the row before each."""
    oracle, (waiting, order) = graph.to_networkx(), ({source: 0.0}, [])
    while waiting:
        u = min(waiting, key=lambda node: (waiting[node], graph.index(node)))
        distance = {u: waiting.pop(u)}[u]
        order.append((distance, u))
        done = {node for _, node in order}
        for v in graph.neighbors(u):
            if v not in done:
                waiting[v] = min(waiting.get(v, inf), distance + length(graph, u, v))
    distance = {node: far for far, node in order}
    before = [-1] * graph.n
    for _, v in order[1:]:
        comes_from = [u for far, u in order if v in oracle[u] and far + length(graph, u, v) == distance[v]]
        before[graph.index(v)] = graph.index(next(u for u in comes_from if u != v))
    return [graph.index(node) for _, node in order], before


@given(st.one_of(networks(), networks(WHOLE)), st.data())
def test_ties_are_settled_as_told(graph: Graph, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(graph.nodes))
    order, before = settled(graph, source)
    place = {row: k for k, row in enumerate(order)}
    for found in at_both_speeds(lambda: shortest_paths(graph, source)):
        assert found.before.tolist() == before
        assert all(place[u] < place[v] for v, u in enumerate(before) if u >= 0)


@pytest.mark.parametrize(
    ("edges", "before"),
    [
        ([(0, 3), (0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (1, 4)], [-1, 0, 0, 0, 1]),
        ([(0, 1), (0, 2), (1, 4), (2, 3), (4, 5), (3, 5)], [-1, 0, 0, 2, 1, 3]),  # 4 is found before 3 is
        ([(0, 1, 1), (0, 2, 2), (2, 3, 1), (1, 3, 2)], [-1, 0, 0, 1, -1]),  # 1 is nearer than 2
        ([(0, 2, 1), (0, 1, 2), (2, 3, 2), (1, 3, 1)], [-1, 0, 0, 2, -1]),  # 2 is nearer than 1
        ([(0, 1, 0), (1, 2, 0), (2, 0, 0), (3, 1, 0)], [-1, 0, 0, 1, -1]),  # a cycle of zeros
        ([(0, 3, 1), (3, 1, 0), (0, 2, 1), (1, 4, 1), (2, 4, 1)], [-1, 3, 0, 0, 2]),  # 1 < 2, but it had to wait
    ],
)
def test_ties_by_hand(edges: list[tuple], before: list[int], speed: str) -> None:
    assert shortest_paths(as_graph(edges, n=len(before)), 0).before.tolist() == before


def test_a_cycle_of_zeros_ends(speed: str) -> None:
    n = 40
    ring = as_graph([(u, (u + 1) % n, 0.0) for u in range(n)], n=n, directed=True)
    found = shortest_paths(ring, 7)
    assert found.path(6) == [*range(7, n), *range(7)]
    assert not found.distance.any()


def test_self_loops_never_lie_on_a_path(speed: str) -> None:
    graph = as_graph([("a", "a", 0.0), ("a", "b", 1.0), ("b", "b", 0.0)], nodes="ab", directed=True)
    assert shortest_paths(graph, "a").path("b") == ["a", "b"]
    assert shortest_paths(as_graph([(0, 0), (0, 1), (1, 1)], n=2), 0).before.tolist() == [-1, 0]


# ------------------------------------------------------------------------------------------------ doors, sizes


def test_large_graphs_at_both_speeds() -> None:
    """Deep, broad and dense heaps: what twelve nodes do not reach."""
    rng = np.random.default_rng(7)
    ends = rng.integers(0, 2_000, (9_000, 2))
    ends[:3_000] //= rng.integers(1, 200, (3_000, 1))  # hubs
    lengths = rng.integers(0, 30, (9_000, 1))
    chain = np.column_stack([np.arange(999), np.arange(1, 1_000)])
    star = np.column_stack([np.zeros(999, int), np.arange(1, 1_000)])
    graphs = [as_graph(edges, n=2_000, directed=directed) for edges in (ends, chain, star) for directed in (0, 1)]
    graphs += [
        as_graph(np.hstack([ends, lengths]), n=2_000, directed=directed, parallel="min") for directed in (0, 1)
    ]
    graphs += [Graph(graph.indptr, graph.indices, directed=graph.directed) for graph in graphs]
    for graph in graphs:
        matrix = graph.to_scipy()
        matrix.data[matrix.data == 0] = 1e-300  # SciPy takes a stored zero for no edge
        wanted = scipy.sparse.csgraph.dijkstra(matrix, indices=0)
        found = list(at_both_speeds(lambda graph=graph: shortest_paths(graph, 0)))
        for one in found:
            assert np.allclose(one.distance, wanted, rtol=1e-12, atol=1e-250)
            assert one.before.tolist() == found[0].before.tolist()


def test_kernels_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, when: asked.append((room, when)))
    monkeypatch.setattr(module, "COMPILED_FROM", 20)
    graph = as_graph([(0, 1), (1, 2)], n=6)  # 6 nodes and 4 arcs
    distances(graph, [0])
    distances(graph, [0, 1])
    shortest_paths(graph, 0)
    assert asked == [("paths", False), ("paths", True), ("paths", False)]


def test_from_nowhere_to_nowhere(speed: str) -> None:
    empty, alone = as_graph([], n=0), as_graph([], nodes=["a"])
    assert distances(empty).shape == (0, 0)
    assert distances(empty, []).shape == (0, 0)
    assert distances(alone, []).shape == (0, 1)
    assert distances(alone).tolist() == [[0.0]]
    assert distances(as_graph([], n=2)).tolist() == [[0.0, inf], [inf, 0.0]]
    assert shortest_paths(alone, "a").path("a") == ["a"]
    assert distances(as_graph([(0, 1)], n=2), [1, 1]).tolist() == [[1.0, 0.0]] * 2


@pytest.mark.parametrize("call", [lambda graph: shortest_paths(graph, "a"), distances])
def test_negative_lengths_are_named(call: Callable[[Graph], object]) -> None:
    graph = as_graph([("a", "b", 1), ("b", "c", -0.5)], nodes="abc")
    with pytest.raises(ValueError, match=r"\('b', 'c'\) has weight -0.5: a shortest path needs weights >= 0"):
        call(graph)


def test_labels() -> None:
    graph = nx.DiGraph()
    graph.add_edges_from([("Valjean", "Cosette"), ("Cosette", "Marius")])
    found = shortest_paths(graph, "Valjean")
    assert found.path("Marius") == ["Valjean", "Cosette", "Marius"]
    for call in (
        lambda: found.path("Mario"),
        lambda: shortest_paths(graph, "Mario"),
        lambda: distances(graph, ["Mario"]),
    ):
        with pytest.raises(UnknownLabel, match="no node 'Mario'; the nearest is 'Marius'"):
            call()
    for call in (lambda: found.path(["z"]), lambda: shortest_paths(graph, ["z"])):
        with pytest.raises(UnknownLabel, match=r"no node \['z'\]"):
            call()
    with pytest.raises(UnknownLabel):
        shortest_paths(as_graph([(10, 20)], nodes=[10, 20]), 0)  # a label, never a row
    assert shortest_paths(as_graph([(10, 20)], nodes=[10, 20]), 20).path(10) == [20, 10]


@pytest.mark.parametrize("one", ["ab", "a", 0])
def test_one_label_is_no_list_of_sources(one: object) -> None:
    graph = as_graph([("a", "b"), ("b", "ab")], nodes=["a", "b", "ab"])
    with pytest.raises(TypeError, match=f"sources={one!r}: a list of labels is needed"):
        distances(graph, one)  # type: ignore[arg-type]


def test_all_from_all_of_many_nodes_only_if_forced(speed: str) -> None:
    many = as_graph([(0, 1)], n=5_001)
    with pytest.raises(ValueError, match=r"5,001 nodes .* use distances\(graph, sources=\[...\]\), or force=True"):
        distances(many)
    assert distances(many, [1])[0, :2].tolist() == [1.0, 0.0]


def test_an_answer_is_a_value() -> None:
    found = shortest_paths(as_graph([(0, 1)], n=2), 0)
    with pytest.raises(AttributeError):
        found.source = 1  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(found)).path(1) == [0, 1]
