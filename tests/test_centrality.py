"""Betweenness against all paths of small graphs, networkx and igraph; its sample against its own bound."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speeds import both_speeds, chooser, each_speed

import lessons.compiled
import lessons.compiled.centrality as kernels
from lessons import Graph, as_graph
from lessons import centrality as module
from lessons._rng import key_of, uniforms
from lessons.centrality import (
    betweenness,
    betweenness_definition,
    edge_betweenness,
    sampled_betweenness,
    samples_for,
)


def choose(speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chooser(kernels, module)(speed, monkeypatch)
    monkeypatch.setattr(module, "CHUNKS", 2)  # so that on small graphs too a source follows another


speed = each_speed(choose)
at_both_speeds = both_speeds(choose)


@st.composite
def graphs(draw: st.DrawFn, lengths: st.SearchStrategy[float] | None, max_nodes: int = 10) -> Graph:
    """Directed and not, in pieces, with self-loops, under shuffled labels that are no rows."""
    n = draw(st.integers(0, max_nodes))
    nodes = draw(st.permutations([f"v{i}" for i in range(n)]))
    directed = draw(st.booleans())
    ends = st.sampled_from(nodes) if nodes else st.nothing()
    edges = draw(st.lists(st.tuples(ends, ends), max_size=3 * n)) if nodes else []
    if lengths is None:
        return as_graph(edges, nodes=nodes, directed=directed, parallel="max")
    triples = [(u, v, draw(lengths)) for u, v in edges]
    return as_graph(triples, nodes=nodes, directed=directed, parallel="min")


UNWEIGHTED = graphs(None)
TIES = graphs(st.integers(1, 3))
ZEROS = graphs(st.sampled_from([0, 0, 1, 2]), max_nodes=6)


def through_all_paths(graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    """The oracle for zero lengths: every simple path between every two nodes, looked at."""
    ways = graph.to_networkx()
    edge = {ends: i for i, ends in enumerate(graph.edges())}
    if not graph.directed:
        edge |= {(v, u): i for (u, v), i in edge.items()}
    through, over = np.zeros(graph.n), np.zeros(graph.m)
    for s, t in ((s, t) for s in graph.nodes for t in graph.nodes if s != t):
        paths = [list(pairwise(path)) for path in nx.all_simple_paths(ways, s, t)]
        sums = [sum(graph.edge_weights[edge[step]] for step in path) for path in paths]
        shortest = [path for path, total in zip(paths, sums, strict=True) if total == min(sums)]
        for path in shortest:
            for u, v in path:
                over[edge[u, v]] += 1 / len(shortest)
                through[graph.index(v)] += (v != t) / len(shortest)
    half = 1 if graph.directed else 2
    return through / half, over / half


def of_networkx(graph: Graph, normalised: bool) -> tuple[list[float], list[float]]:
    oracle = graph.to_networkx()
    weight = None if graph.weights is None else "weight"
    through = nx.betweenness_centrality(oracle, normalized=normalised, weight=weight)
    over = nx.edge_betweenness_centrality(oracle, normalized=normalised, weight=weight)
    both_ways = over | {(v, u): share for (u, v), share in over.items() if not graph.directed}
    return [through[node] for node in graph.nodes], [both_ways[ends] for ends in graph.edges()]


# ------------------------------------------------------------------------------------------------ exact


@settings(max_examples=150)
@given(UNWEIGHTED)
def test_definition_counts_every_ordered_pair(graph: Graph) -> None:
    successors = [graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist() for u in range(graph.n)]
    through, _ = of_networkx(graph, normalised=False)
    assert np.allclose(betweenness_definition(successors), np.multiply(through, 1 if graph.directed else 2))


@settings(max_examples=150)
@given(st.one_of(UNWEIGHTED, TIES), st.booleans())
def test_as_networkx(graph: Graph, normalised: bool) -> None:
    through, over = of_networkx(graph, normalised)
    for found in at_both_speeds(lambda: betweenness(graph, normalised=normalised)):
        assert found.shape == (graph.n,)
        assert np.allclose(found, through, rtol=1e-12, atol=1e-12)
    for found in at_both_speeds(lambda: edge_betweenness(graph, normalised=normalised)):
        assert found.shape == (graph.m,)
        assert np.allclose(found, over, rtol=1e-12, atol=1e-12)


def zero_cycle(graph: Graph) -> bool:
    ends = [(u, v) for (u, v), length in graph.by_edge(graph.edge_weights).items() if length == 0 and u != v]
    ways = nx.DiGraph()
    ways.add_edges_from(ends)
    return bool(ends) and (not graph.directed or not nx.is_directed_acyclic_graph(ways))


@settings(max_examples=200)
@given(ZEROS)
def test_zero_lengths_as_all_paths_tell(graph: Graph) -> None:
    if zero_cycle(graph):
        for function in (betweenness, edge_betweenness, lambda graph: sampled_betweenness(graph, 2)):
            with pytest.raises(ValueError, match="edges of length 0 form a cycle"):
                function(graph)
        return
    through, over = through_all_paths(graph)
    for found in at_both_speeds(lambda: betweenness(graph)):
        assert np.allclose(found, through, rtol=1e-12, atol=1e-12)
    for found in at_both_speeds(lambda: edge_betweenness(graph)):
        assert np.allclose(found, over, rtol=1e-12, atol=1e-12)


def test_networkx_miscounts_zero_lengths(speed: str) -> None:
    """Two paths of equal length lead to t, through a alone and through b and a; networkx settles a before b."""
    edges = [("s", "a", 1), ("s", "b", 1), ("b", "a", 0), ("a", "t", 1)]
    graph = as_graph(edges, nodes=["s", "a", "b", "t"], directed=True)
    assert betweenness(graph).tolist() == [0, 2, 1, 0]  # b: half of s -> a and half of s -> t
    assert of_networkx(graph, normalised=False)[0] == [0, 2, 0, 0]
    assert edge_betweenness(graph).tolist() == [1, 2, 3, 3]  # s - a, s - b, a - t, b - a


def test_cycles_of_length_zero_are_named() -> None:
    with pytest.raises(ValueError, match=r"form a cycle, 'a' -> 'b' -> 'a': shortest paths are without number"):
        betweenness(as_graph([("a", "b", 0.0), ("b", "c", 1.0)], nodes=["a", "b", "c"]))
    ring = [(3, 4, 0.0), (4, 5, 0.0), (5, 3, 0.0)]
    with pytest.raises(ValueError, match=r"form a cycle, 3 -> 4 -> 5 -> 3"):
        edge_betweenness(as_graph(ring, n=6, directed=True))
    assert betweenness(as_graph([(0, 0, 0.0), (0, 1, 1.0), (1, 2, 1.0)], n=3)).tolist() == [0, 1, 0]


@pytest.mark.parametrize("function", [betweenness, edge_betweenness, lambda graph: sampled_betweenness(graph, 2)])
def test_negative_lengths_are_named(function: Callable[[object], object]) -> None:
    with pytest.raises(ValueError, match=r"edge \('a', 'b'\) has weight -1.0: a shortest path needs weights >= 0"):
        function(as_graph([("a", "b", -1.0)], nodes=["a", "b"]))


def test_lengths_that_rounding_swallows(speed: str) -> None:
    """To 1 + 1e-30, which is 1, both ways round the triangle: finite, and every pair has its path."""
    graph = as_graph([(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1e-30), (2, 3, 1.0)], n=4)
    through, over = betweenness(graph), edge_betweenness(graph)
    assert through[0] == through[3] == 0
    assert 1 <= through[1] + through[2] <= 3.5
    assert over[3] == 3


@given(graphs(st.sampled_from([1.0, 2.0, 1e-30])))
def test_what_rounding_swallows_is_the_same_at_both_speeds(graph: Graph) -> None:
    for function in (betweenness, edge_betweenness):
        answers = list(at_both_speeds(lambda: function(graph)))  # noqa: B023
        assert np.isfinite(answers).all()
        assert np.allclose(answers[0], answers[-1], rtol=1e-12, atol=1e-12)


def test_distances_beyond_floats_are_no_paths(speed: str) -> None:
    graph = as_graph([(0, 1, 1e308), (1, 2, 1e308), (2, 3, 1.0)], n=4, directed=True)
    assert betweenness(graph).tolist() == [0, 0, 1, 0]  # 1 -> 3, while 0 -> 2 is too long for a number


def test_small_cases(speed: str) -> None:
    empty, one = as_graph([], n=0), as_graph([(0, 0)], n=1)
    assert betweenness(empty).shape == edge_betweenness(empty).shape == (0,)
    assert betweenness(one, normalised=True).tolist() == edge_betweenness(one, normalised=True).tolist() == [0]
    pair = as_graph([(0, 1)], n=2)
    assert betweenness(pair, normalised=True).tolist() == [0, 0]
    assert edge_betweenness(pair, normalised=True).tolist() == [1]
    complete = nx.complete_graph(7)
    assert betweenness(complete).tolist() == [0] * 7
    assert edge_betweenness(complete).tolist() == [1] * 21
    star = nx.star_graph(6)
    assert betweenness(star).tolist() == [15] + [0] * 6
    assert betweenness(star, normalised=True)[0] == 1


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("lengths", [False, True])
def test_a_large_graph_of_uneven_degrees(directed: bool, lengths: bool) -> None:
    """Here levels are pulled as well as pushed, both ways, which small graphs do not need."""
    graph = uneven(n=200, m=1_200, directed=directed, lengths=lengths)
    through, over = of_networkx(graph, normalised=True)
    for found in at_both_speeds(lambda: betweenness(graph, normalised=True)):
        assert np.allclose(found, through, rtol=1e-10, atol=1e-14)
    for found in at_both_speeds(lambda: edge_betweenness(graph, normalised=True)):
        assert np.allclose(found, over, rtol=1e-10, atol=1e-14)


def uneven(n: int, m: int, directed: bool, lengths: bool) -> Graph:
    rng = np.random.default_rng(7)
    pairs = np.unique((n * rng.random((m, 2)) ** 3).astype(int), axis=0)
    triples = np.column_stack([pairs, rng.integers(1, 6, len(pairs))]) if lengths else pairs
    return as_graph(triples, n=n, directed=directed, parallel="max")


def test_a_large_clique_a_node_and_a_small_clique(speed: str) -> None:
    """From the large one the node between is pulled, and then pulls: nothing of the clique may be left to it."""
    cliques = nx.disjoint_union(nx.complete_graph(30), nx.complete_graph(4))
    graph = as_graph([*cliques.edges(), (0, 34), (34, 30)], n=35)
    through, over = of_networkx(graph, normalised=False)
    assert np.allclose(betweenness(graph), through, rtol=1e-12)
    assert np.allclose(edge_betweenness(graph), over, rtol=1e-12)


@settings(max_examples=60)
@given(st.integers(1, 40), st.randoms(use_true_random=False), st.booleans())
def test_forests_have_a_closed_form(n: int, random, lengths: bool) -> None:
    """Nothing is left to search, at whatever node the leaves are first taken off."""
    rows = list(range(n))
    random.shuffle(rows)
    edges = [(rows[i], rows[random.randrange(i)]) for i in range(1, n) if random.random() < 0.9]
    graph = as_graph([(u, v, 2.5) for u, v in edges] if lengths else edges, n=n)
    through, over = of_networkx(graph, normalised=False)
    assert betweenness(graph).tolist() == through
    assert edge_betweenness(graph).tolist() == over
    trees = module._hanging_trees(graph)
    assert trees.size.sum() == n
    assert (trees.through / 2).tolist() == through


def test_trees_on_a_ring_are_not_searched() -> None:
    """Six nodes round, a path of two on one and three leaves on another; what is searched are the six."""
    edges = [(i, (i + 1) % 6) for i in range(6)] + [(0, 6), (6, 7), (3, 8), (3, 9), (3, 10)]
    graph = as_graph(edges, n=11)
    trees = module._hanging_trees(graph)
    assert trees.size.tolist() == [3, 1, 1, 4, 1, 1, 0, 0, 0, 0, 0]
    for found in at_both_speeds(lambda: betweenness(graph)):
        assert np.allclose(found, of_networkx(graph, normalised=False)[0], rtol=1e-14)


@pytest.mark.parametrize("lengths", [False, True])
def test_more_paths_than_a_float_can_count(lengths: bool, speed: str) -> None:
    """Through 700 layers of three run 3^699 paths; each node carries a third of what lies deeper."""
    layers = np.arange(2_100).reshape(700, 3)
    pairs = np.concatenate([[(u, v) for u in a for v in b] for a, b in pairwise(layers)])
    graph = as_graph(np.column_stack([pairs, np.ones(len(pairs))]) if lengths else pairs, n=2_100, directed=True)
    net = module._network(graph, np.arange(2_100))
    with np.errstate(all="raise"):
        through, squares, over = module._from_sources(
            net, np.ones(2_100), np.array([0]), np.ones(1), threads=1, over_arcs=True
        )
    deeper = np.repeat(np.arange(699, -1, -1), 3)
    carried = np.where(np.arange(2_100) < 3, 0, deeper)
    assert np.allclose(through, carried, rtol=1e-10, atol=0)
    assert np.allclose(squares, carried**2, rtol=1e-10, atol=0)
    expected = np.where(pairs[:, 0] == 0, 1 + deeper[pairs[:, 1]], (1 + deeper[pairs[:, 1]]) / 3)
    expected[(pairs[:, 0] == 1) | (pairs[:, 0] == 2)] = 0
    assert np.allclose(over, expected, rtol=1e-10, atol=0)


# ------------------------------------------------------------------------------------------------ speeds


def of_sample(graph: object, **options) -> np.ndarray:
    found = sampled_betweenness(graph, 50, **options)
    return np.concatenate([found.betweenness, found.standard_error])


@pytest.mark.parametrize("lengths", [False, True])
def test_threads_change_no_bit(lengths: bool, speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = uneven(n=120, m=600, directed=False, lengths=lengths)
    monkeypatch.setattr(module, "CHUNKS", 32)
    for function in (betweenness, edge_betweenness, of_sample):
        alone = function(graph)
        assert alone.any()
        for threads in (2, 3, 7):
            assert np.array_equal(function(graph, threads=threads), alone)


@pytest.mark.parametrize("function", [betweenness, edge_betweenness, of_sample])
def test_bad_threads(function: Callable) -> None:
    with pytest.raises(ValueError, match="threads=0: at least 1"):
        function(as_graph([(0, 1)], n=2), threads=0)
    with pytest.raises(TypeError, match=r"threads=1.5: a whole number"):
        function(as_graph([], n=0), threads=1.5)


@pytest.mark.parametrize("lengths", [False, True])
def test_kernels_run_as_python_too(lengths: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where numba is missing the sources of the kernels are what runs in the browser's tests."""
    graph = uneven(n=40, m=160, directed=True, lengths=lengths)
    expected = [edge_betweenness(graph), betweenness(graph)]
    for name in ("by_levels", "by_lengths"):
        source = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lessons.compiled._as_python(getattr(source, "py_func", source)))
    monkeypatch.setattr(module, "compiled", lambda room, *, when: kernels)
    assert np.allclose(edge_betweenness(graph), expected[0], rtol=1e-12)
    assert np.allclose(betweenness(graph), expected[1], rtol=1e-12)


SMALL = """
import sys
from lessons import as_graph
from lessons.centrality import betweenness
betweenness(as_graph([(i, i + 1) for i in range(99)], n=100))
print("numba" in sys.modules)
betweenness(as_graph([(i, (i + 1) % 2_000) for i in range(2_000)], n=2_000))
print("lessons.compiled.centrality" in sys.modules)
"""


def test_small_graphs_do_not_wait_for_numba() -> None:
    pytest.importorskip("numba")
    done = subprocess.run(
        [sys.executable, "-c", SMALL], env=os.environ, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["False", "False" if os.environ.get("NUMBA_DISABLE_JIT") == "1" else "True"]


def test_as_igraph_on_thousands_of_nodes() -> None:
    igraph = pytest.importorskip("igraph", reason="igraph is the oracle where networkx takes minutes")
    pytest.importorskip("numba")
    graph = uneven(n=1_500, m=8_000, directed=False, lengths=False)
    oracle = igraph.Graph(n=graph.n, edges=graph.edge_rows.tolist()).betweenness()
    assert np.allclose(betweenness(graph, threads=2), oracle, rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------------------ from a sample


def clubs() -> Graph:
    """The karate club: 34 nodes, of which two carry most."""
    return as_graph(list(nx.karate_club_graph().edges()), n=34)


def one_way() -> Graph:
    """0 -> 1 -> 2: a third of the sources gives node 1 all that a source can give, which is hard on the bound."""
    return as_graph([(0, 1), (1, 2)], n=3, directed=True)


@pytest.mark.parametrize(
    "graph", [clubs(), one_way(), uneven(60, 200, True, True)], ids=["club", "way", "lengths"]
)
def test_sample_is_unbiased_and_knows_its_spread(graph: Graph, speed: str) -> None:
    """400 samples of 20 sources: at each node their mean is within 5 of its standard errors of the exact answer.

    And the standard errors that the samples state are those that they have: squared, on average, to 15 per cent.
    """
    exact = betweenness(graph)
    found = [sampled_betweenness(graph, 20, seed=seed) for seed in range(400)]
    estimates = np.array([sample.betweenness for sample in found])
    spread = estimates.std(axis=0, ddof=1)
    assert (np.abs(estimates.mean(axis=0) - exact) <= 5 * spread / 20 + 1e-12).all()
    stated = np.mean([sample.standard_error**2 for sample in found], axis=0)
    carries = exact > 0.05 * exact.max()
    assert np.allclose(stated[carries], spread[carries] ** 2, rtol=0.25)
    assert abs(stated[carries].sum() / (spread[carries] ** 2).sum() - 1) < 0.15


def test_sample_is_of_the_rows_that_are_drawn(speed: str) -> None:
    """Source by source as networkx has them: mean, and spread of as many values as there are samples, less one."""
    graph = uneven(60, 200, True, True)
    rows = (uniforms(key_of(11), [0], 9)[0] * 60).astype(int).tolist()
    oracle = graph.to_networkx()
    delta = [nx.betweenness_centrality_subset(oracle, [s], list(range(60)), weight="weight") for s in rows]
    values = 60 * np.array([[each[v] for v in range(60)] for each in delta])
    found = sampled_betweenness(graph, 9, seed=11)
    assert np.allclose(found.betweenness, values.mean(axis=0), rtol=1e-12, atol=1e-12)
    assert np.allclose(found.standard_error, values.std(axis=0, ddof=1) / 3, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("confidence", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("graph", [clubs(), one_way()], ids=["club", "way"])
def test_no_node_is_further_off(graph: Graph, confidence: float, normalised: bool) -> None:
    """Of 300 samples at least the share that the confidence promises keeps the bound; half of it is broken."""
    exact = betweenness(graph, normalised=normalised)
    options = {"normalised": normalised, "confidence": confidence}
    found = [sampled_betweenness(graph, 12, seed=seed, **options) for seed in range(300)]
    off = np.array([np.abs(sample.betweenness - exact).max() for sample in found])
    bounds = {sample.error for sample in found}
    assert len(bounds) == 1
    assert (off <= max(bounds)).mean() >= confidence
    if graph.n == 3 and confidence < 0.9:
        assert (off <= max(bounds) / 2).mean() < 0.9  # the bound is no multiple of what is needed


def test_error_as_hoeffding_tells() -> None:
    graph = clubs()
    found = sampled_betweenness(graph, 100, normalised=True, confidence=0.9)
    assert 2 * 34 * np.exp(-2 * 100 * (found.error * 33 / 34) ** 2) == pytest.approx(0.1)
    assert sampled_betweenness(graph, 100, confidence=0.9).error == pytest.approx(found.error * 33 * 32 / 2)
    assert found.samples == 100
    assert sampled_betweenness(as_graph([(0, 1)], n=2), 2).error == 0


@pytest.mark.parametrize("n", [3, 34, 100_000])
@pytest.mark.parametrize("error", [0.3, 0.05])
@pytest.mark.parametrize("confidence", [0.5, 0.99])
def test_as_many_samples_as_needed(n: int, error: float, confidence: float) -> None:
    count = samples_for(n, error, confidence)
    bound = [2 * n * np.exp(-2 * k * (error * (n - 1) / n) ** 2) for k in (count - 1, count)]
    assert bound[1] <= 1 - confidence < bound[0]


def test_samples_in_small_and_normalised(speed: str) -> None:
    graph = clubs()
    plain, share = sampled_betweenness(graph, 30, seed=3), sampled_betweenness(graph, 30, seed=3, normalised=True)
    for name in ("betweenness", "standard_error", "error"):
        assert np.allclose(getattr(plain, name), np.multiply(getattr(share, name), 33 * 32 / 2))
    assert np.array_equal(sampled_betweenness(graph, 30, seed=3).betweenness, plain.betweenness)
    assert not np.array_equal(sampled_betweenness(graph, 30, seed=4).betweenness, plain.betweenness)
    assert sampled_betweenness(as_graph([], n=0), 2).betweenness.shape == (0,)
    assert sampled_betweenness(as_graph([], n=1), 2).standard_error.tolist() == [0]
    assert samples_for(0, 0.1) == samples_for(2, 0.1) == 2


def test_bad_samples() -> None:
    graph = one_way()
    with pytest.raises(ValueError, match="samples=1: at least 2"):
        sampled_betweenness(graph, 1)
    for confidence in (0, 1, float("nan")):
        with pytest.raises(ValueError, match=r"confidence=.*: above 0 and below 1"):
            sampled_betweenness(graph, 2, confidence=confidence)
    with pytest.raises(ValueError, match=r"error=0: above 0 and below 1"):
        samples_for(10, 0)
    with pytest.raises(TypeError, match=r"n=2.5: a whole number"):
        samples_for(2.5, 0.1)
    with pytest.raises(ValueError, match="seed=-1"):
        sampled_betweenness(graph, 2, seed=-1)
