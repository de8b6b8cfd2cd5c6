"""Path lengths and clustering against networkx's, both speeds against each other."""

from __future__ import annotations

import tracemalloc
from math import inf, isclose

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from speeds import both_speeds, chooser, each_speed
from test_paths import ANY, WHOLE, networks

import lessons.compiled.paths as kernels
from lessons import Graph, as_graph, paths
from lessons import small_world as module
from lessons.small_world import average_path_length, clustering, spread_definition, triangles_definition

EVERY = st.one_of(networks(), networks(WHOLE), networks(ANY))


choose = chooser(kernels, module, paths)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)


# ------------------------------------------------------------------------------------------------ path length


def mean_over_pairs(graph: Graph) -> float | None:
    """That of networkx's distances between different nodes; None where there are none."""
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph.to_networkx()))
    found = [far for u, to in lengths.items() for v, far in to.items() if u != v]
    return sum(found) / len(found) if found else None


@given(EVERY)
def test_mean_over_pairs_with_a_path(graph: Graph) -> None:
    wanted = mean_over_pairs(graph) or 0.0
    for found in at_both_speeds(lambda: average_path_length(graph, reachable_only=True)):
        assert type(found) is float
        assert isclose(found, wanted, rel_tol=1e-13)


@given(EVERY)
def test_mean_over_all_pairs(graph: Graph) -> None:
    oracle = graph.to_networkx()
    whole = nx.is_strongly_connected(oracle) if graph.directed else nx.is_connected(oracle)
    if whole:
        wanted = nx.average_shortest_path_length(oracle, weight="weight") if graph.n > 1 else 0
        for found in at_both_speeds(lambda: average_path_length(graph)):
            assert isclose(found, wanted, rel_tol=1e-13)
        return
    with pytest.raises(ValueError, match="reachable_only=True for the mean") as caught:
        average_path_length(graph)
    _, u, _, v, _ = str(caught.value).split("'")
    assert not nx.has_path(oracle, u, v)


@given(networks(), st.data())
def test_spread_is_what_searches_from_each_find(graph: Graph, data: st.DataObject) -> None:
    sources = data.draw(st.lists(st.sampled_from(range(graph.n)), unique=True))
    successors = [[graph.index(v) for v in graph.neighbors(u)] for u in graph.nodes]
    found = [far for s in sources for far in paths.bfs_definition(successors, s) if 0 < far < inf]
    assert spread_definition(successors, sources) == (sum(found), len(found))


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("n", [63, 64, 65, 128, 150])
def test_more_sources_than_one_word_holds(n: int, directed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels with few nodes and with most of them, blocks that are full, just over, and not full."""
    monkeypatch.setattr(module, "BLOCK", 50)
    rng = np.random.default_rng(n)
    ring = np.column_stack([np.arange(n), np.roll(np.arange(n), -1)])
    chords = rng.integers(0, n, (3 * n, 2))
    for edges in (ring, ring[:-1], chords, np.vstack([ring, chords]), ring[:0]):
        merged = as_graph(edges, n=n, directed=directed)
        graph = Graph(merged.indptr, merged.indices, directed=directed)  # parallel edges were added
        wanted = mean_over_pairs(graph) or 0.0
        for found in at_both_speeds(lambda graph=graph: average_path_length(graph, reachable_only=True)):
            assert isclose(found, wanted, rel_tol=1e-13)


def test_no_pairs_no_length(speed: str) -> None:
    assert average_path_length(as_graph([], n=0)) == 0
    assert average_path_length(as_graph([(0, 0)], n=1)) == 0
    assert average_path_length(as_graph([], n=3), reachable_only=True) == 0
    assert average_path_length(as_graph([], n=70, directed=True), reachable_only=True) == 0


@pytest.mark.parametrize(
    ("edges", "named"),
    [
        ([("a", "b")], "'a' to 'c'"),
        ([("a", "b"), ("b", "c")], "'b' to 'a'"),
        ([("b", "a"), ("c", "b")], "'a' to 'b'"),
    ],
)
def test_two_nodes_without_a_path_are_named(edges: list[tuple[str, str]], named: str, speed: str) -> None:
    with pytest.raises(ValueError, match=f"no path leads from {named}"):
        average_path_length(as_graph(edges, nodes="abc", directed=True))


def test_known_worlds(speed: str) -> None:
    star = as_graph([("hub", leaf) for leaf in range(9)], nodes=["hub", *range(9)])
    assert average_path_length(star) == (2 * 9 + 2 * 9 * 8) / 90
    complete = as_graph(nx.complete_graph(70))
    assert average_path_length(complete) == 1
    assert clustering(complete).tolist() == [1] * 70
    ring = as_graph(nx.circulant_graph(20, [1, 2]))  # Watts and Strogatz: C = 3 (k - 2) / (4 (k - 1)), k = 4
    assert clustering(ring).tolist() == [0.5] * 20


def test_memory_is_not_that_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    choose("compiled", monkeypatch)
    n = 3_000
    ring = as_graph(nx.circulant_graph(n, [1, 2]))
    lengths = Graph(ring.indptr, ring.indices, np.ones(len(ring.indices)), directed=False)
    for graph in (ring, lengths):
        tracemalloc.start()
        average_path_length(graph)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < n * n  # bytes; an (n, n) array has eight times as many


# ------------------------------------------------------------------------------------------------ clustering


def no_loops(graph: Graph) -> nx.Graph:
    oracle = graph.to_networkx()
    oracle.remove_edges_from(list(nx.selfloop_edges(oracle)))
    return oracle


@given(EVERY)
def test_clustering_is_that_of_networkx(graph: Graph) -> None:
    wanted = list(nx.clustering(graph.to_networkx()).values())
    for found in at_both_speeds(lambda: clustering(graph)):
        assert found.dtype == np.float64
        assert found.tolist() == wanted


@given(EVERY)
def test_weighted_clustering_is_that_of_networkx(graph: Graph) -> None:
    oracle = no_loops(graph)
    for *_, data in oracle.edges(data=True):
        data.setdefault("weight", 1.0)
    heaviest = max(nx.get_edge_attributes(oracle, "weight").values(), default=0.0)
    wanted = list(nx.clustering(oracle, weight="weight").values()) if heaviest else [0.0] * graph.n
    for found in at_both_speeds(lambda: clustering(graph, weighted=True)):
        assert np.allclose(found, wanted, rtol=1e-12, atol=1e-14)
        assert (found >= 0).all()
        assert (found <= 1 + 1e-12).all()


@pytest.mark.parametrize("directed", [False, True])
def test_clustering_of_larger_graphs(directed: bool) -> None:
    rng = np.random.default_rng(11)
    ends = rng.integers(0, 300, (2_500, 2))
    ends[:800] //= rng.integers(1, 60, (800, 1))  # hubs
    graph = as_graph(np.hstack([ends, rng.integers(0, 9, (2_500, 1))]), n=300, directed=directed)
    oracle = no_loops(graph)
    for found in at_both_speeds(lambda: clustering(graph)):
        assert found.tolist() == list(nx.clustering(oracle).values())
    for found in at_both_speeds(lambda: clustering(graph, weighted=True)):
        assert np.allclose(found, list(nx.clustering(oracle, weight="weight").values()), rtol=1e-12)


@given(networks(WHOLE))
def test_triangles_definition(graph: Graph) -> None:
    if graph.directed:
        return
    A = graph.to_dense() * (1 - np.eye(graph.n))
    near = [
        {graph.index(v): float(A[u, graph.index(v)]) for v in graph.neighbors(graph.nodes[u])}
        for u in range(graph.n)
    ]
    assert triangles_definition(near) == (np.diag(A @ A @ A) / 2).tolist()


def test_a_self_loop_scales_nothing(speed: str) -> None:
    edges = [(0, 1, 1), (1, 2, 1), (2, 0, 1)]
    loop = as_graph([*edges, (1, 1, 8)], n=3)
    assert clustering(loop).tolist() == clustering(loop, weighted=True).tolist() == [1, 1, 1]
    networkx = nx.clustering(loop.to_networkx(), weight="weight")
    assert np.allclose(list(networkx.values()), 1 / 8)  # there it does


def test_empty_alone_and_without_weight(speed: str) -> None:
    for weighted in (False, True):
        assert clustering(as_graph([], n=0), weighted=weighted).shape == (0,)
        assert clustering(as_graph([], n=0, directed=True), weighted=weighted).shape == (0,)
        assert clustering(as_graph([(0, 0)], n=1), weighted=weighted).tolist() == [0]
    zeros = as_graph([(0, 1, 0), (1, 2, 0), (2, 0, 0)], n=3)
    assert clustering(zeros, weighted=True).tolist() == [0, 0, 0]
    assert clustering(zeros).tolist() == [1, 1, 1]


def test_negative_weights_are_named_where_they_are_looked_at(speed: str) -> None:
    graph = as_graph([("a", "b", 1), ("b", "c", -0.5), ("a", "c", 1)], nodes="abc")
    assert clustering(graph).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match=r"\('b', 'c'\) has weight -0.5: a geometric mean needs weights >= 0"):
        clustering(graph, weighted=True)
    with pytest.raises(ValueError, match=r"\('b', 'c'\) has weight -0.5: a shortest path needs weights >= 0"):
        average_path_length(graph)


def test_kernels_only_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, when: asked.append((room, when)))
    graph = as_graph([(0, 1), (1, 2)], n=3)  # 3 nodes and 4 arcs
    for least in (7, 8):
        monkeypatch.setattr(module, "SPREAD_FROM", 3 * least)
        monkeypatch.setattr(module, "TRIANGLES_FROM", least)
        average_path_length(graph)
        clustering(graph)
    assert asked == [("paths", True)] * 2 + [("paths", False)] * 2
