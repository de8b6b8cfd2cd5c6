"""PageRank against a dense solve, networkx and igraph; walks against the exact mean and spread of their visits."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2
from speeds import COMPILED, SPEEDS, chooser, each_speed
from strategies import graphs

import lessons.compiled.walks as kernels
from lessons import Graph, as_graph
from lessons import walks as module
from lessons.errors import ConvergenceError
from lessons.walks import pagerank, pagerank_definition, random_walk_visits

Floats = NDArray[np.float64]


choose = chooser(kernels, module)
speed = each_speed(choose)


WEIGHTS = st.integers(0, 8).map(lambda quarters: quarters / 4)
DAMPINGS = st.sampled_from([0.0, 0.3, 0.85, 0.99])


@st.composite
def jumping(draw: st.DrawFn) -> tuple[Graph, Floats | None]:
    """Graphs of every kind, weights of 0 among them, and where jumps lead: None, or to some nodes more often."""
    graph = draw(graphs(weight=WEIGHTS))
    if not graph.n or draw(st.booleans()):
        return graph, None
    drawn = draw(st.lists(st.integers(0, 3), min_size=graph.n, max_size=graph.n).filter(any))
    return graph, np.array(drawn, np.float64)


def walk_matrix(graph: Graph, personalisation: Floats | None) -> tuple[Floats, Floats]:
    """P with the rows of stuck nodes replaced by v, and v: all of it dense."""
    v = np.ones(graph.n) if personalisation is None else personalisation
    v = v / v.sum()
    A = graph.to_dense()
    P = np.where(A.sum(axis=1, keepdims=True) > 0, A, v)
    return P / P.sum(axis=1, keepdims=True), v


def mean_visits(graph: Graph, personalisation: Floats | None, a: float) -> tuple[Floats, Floats]:
    """F = (I - a P)^-1, whose row u is how often a walk from u visits each node on average, and v."""
    P, v = walk_matrix(graph, personalisation)
    return np.linalg.inv(np.eye(graph.n) - a * P), v


# ------------------------------------------------------------------------------------------------ the definition


@given(graphs(weighted=False))
def test_the_definition_comes_near_the_answer_by_the_factor_of_damping(graph: Graph) -> None:
    successors = [graph.indices[i:j].tolist() for i, j in pairwise(graph.indptr.tolist())]
    if not successors:
        assert pagerank_definition([], 0.85, 3) == []
        return
    F, v = mean_visits(graph, None, 0.85)
    exact, start = 0.15 * v @ F, np.abs(v - 0.15 * v @ F).sum()
    for rounds in (0, 1, 5, 60):
        x = np.array(pagerank_definition(successors, 0.85, rounds))
        assert x.sum() == pytest.approx(1, abs=1e-12)
        assert np.abs(x - exact).sum() <= 0.85**rounds * start + 1e-13
    direct = np.array(pagerank_definition(successors, 0.85, 200))
    np.testing.assert_allclose(direct, pagerank(graph, tolerance=1e-13), atol=1e-13)


# ------------------------------------------------------------------------------------------------ the system


@pytest.mark.parametrize("speed", SPEEDS)
@given(case=jumping(), a=DAMPINGS, tolerance=st.sampled_from([0.5, 1e-2, 1e-4, 1e-10]))
def test_the_answer_is_as_near_to_a_dense_solve_as_told(
    speed: str, case: tuple[Graph, Floats | None], a: float, tolerance: float
) -> None:
    graph, personalisation = case
    with pytest.MonkeyPatch.context() as patch:
        choose(speed, patch)
        x = pagerank(graph, damping=a, personalisation=personalisation, tolerance=tolerance)
    assert (x.shape, x.dtype) == ((graph.n,), np.float64)
    assert (x >= 0).all()
    if graph.n:
        F, v = mean_visits(graph, personalisation, a)
        assert x.sum() == pytest.approx(1, abs=1e-12)
        assert np.abs(x - (1 - a) * v @ F).sum() <= tolerance + 1e-13


@pytest.mark.parametrize("speed", SPEEDS)
@given(case=jumping())
def test_the_answer_is_that_of_networkx(speed: str, case: tuple[Graph, Floats | None]) -> None:
    graph, personalisation = case
    jump = None if personalisation is None else graph.by_node(personalisation)
    expected = nx.pagerank(graph.to_networkx(), personalization=jump, tol=1e-14, max_iter=1_000)
    with pytest.MonkeyPatch.context() as patch:
        choose(speed, patch)
        found = graph.by_node(pagerank(graph, personalisation=personalisation, tolerance=1e-13))
    assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_larger_graph_is_that_of_igraph(speed: str, directed: bool, weighted: bool) -> None:
    igraph = pytest.importorskip("igraph", reason="igraph is not installed")
    rng = np.random.default_rng(7)
    pairs = np.minimum(rng.integers(0, 600, (2_000, 2)), rng.integers(0, 700, (2_000, 1)))
    pairs = pairs[directed | (pairs[:, 0] != pairs[:, 1])]  # igraph counts an undirected loop twice
    edges = np.column_stack([pairs, rng.random(len(pairs))]) if weighted else pairs
    graph = as_graph(edges, n=700, directed=directed, parallel="max")
    weights = graph.edge_weights.tolist() if weighted else None
    peer = igraph.Graph(n=700, edges=graph.edge_rows, directed=directed)
    for a in (0.5, 0.85, 0.97):
        expected = np.array(peer.pagerank(damping=a, weights=weights))
        assert np.abs(pagerank(graph, damping=a) - expected).sum() < 1e-9


RING = [(i, (i + 1) % 30) for i in range(30)]
NAMED = {
    "ring": as_graph(RING, n=30),
    "odd ring": as_graph(nx.cycle_graph(31)),
    "path": as_graph(nx.path_graph(40)),
    "star": as_graph(nx.star_graph(20)),
    "complete": as_graph(nx.complete_graph(9)),
    "complete bipartite": as_graph(nx.complete_bipartite_graph(3, 12)),
    "barbell": as_graph(nx.barbell_graph(6, 3)),
    "one loop": as_graph([(0, 0)], n=1),
    "isolated": as_graph([], n=5),
    "directed ring": as_graph(RING, n=30, directed=True),
    "directed ring against the rows": as_graph([(v, u) for u, v in RING], n=30, directed=True),
    "all into one": as_graph([(u, 0) for u in range(1, 20)], n=20, directed=True),
}


@pytest.mark.parametrize("a", [0.5, 0.99])
@pytest.mark.parametrize("name", NAMED)
def test_graphs_whose_errors_fade_slowly(speed: str, name: str, a: float) -> None:
    graph = NAMED[name]
    corner = np.eye(graph.n)[0]
    for personalisation in (None, corner):
        F, v = mean_visits(graph, personalisation, a)
        for tolerance in (1e-3, 1e-9):
            x = pagerank(graph, damping=a, personalisation=personalisation, tolerance=tolerance)
            assert np.abs(x - (1 - a) * v @ F).sum() <= tolerance
            assert (x >= 0).all()


def test_an_edge_is_a_vote_of_its_source(speed: str) -> None:
    graph = as_graph([("fan", "star"), ("admirer", "star")], nodes=["fan", "admirer", "star"], directed=True)
    assert graph.by_node(pagerank(graph, damping=0.5).round(6)) == {"fan": 0.25, "admirer": 0.25, "star": 0.5}


def test_a_rough_answer_has_nothing_below_0_either(speed: str) -> None:
    """On trees whose weights differ by powers of ten, over-relaxation swings below 0 before it settles."""
    for seed in range(120):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 60))
        tree = [(u, int(rng.integers(0, u)), 10.0 ** rng.integers(-6, 6)) for u in range(1, n)]
        graph, corner = as_graph(tree, n=n), np.eye(n)[0]
        F, _ = mean_visits(graph, corner, 0.99)
        for tolerance in (0.9, 0.3):
            x = pagerank(graph, damping=0.99, personalisation=corner, tolerance=tolerance)
            assert (x >= 0).all()
            assert np.abs(x - 0.01 * F[0]).sum() <= tolerance


@pytest.mark.parametrize("tolerance", [1e-1, 1e-3, 1e-10])
def test_where_no_jump_leads_nobody_is(speed: str, tolerance: float) -> None:
    graph = as_graph([("a", "b"), ("c", "d"), ("d", "e"), ("e", "f"), ("d", "f")], nodes="abcdefg")
    x = pagerank(graph, personalisation=[1, 0, 0, 0, 0, 0, 0], tolerance=tolerance)
    assert (x > 0).tolist() == [True, True, False, False, False, False, False]


def test_weights_may_be_as_large_and_as_small_as_a_float(speed: str) -> None:
    huge, tiny = 1.7e308, 5e-324
    edges = [(0, 1, huge), (0, 2, huge), (1, 0, tiny), (1, 2, 2 * tiny), (2, 0, huge), (2, 1, tiny)]
    plain = [(0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 2, 2), (2, 0, 1), (2, 1, 0)]
    extreme, graph = (as_graph(each, n=3, directed=True) for each in (edges, plain))
    np.testing.assert_allclose(pagerank(extreme), pagerank(graph), rtol=1e-9)
    assert (random_walk_visits(extreme, 300) == random_walk_visits(graph, 300)).all()
    for weight in (huge, tiny):
        ring = as_graph([(0, 1, weight), (1, 2, weight), (0, 2, weight)], n=3)
        np.testing.assert_allclose(pagerank(ring), 1 / 3, rtol=1e-9)
    jump = np.array([huge, huge, tiny])
    np.testing.assert_allclose(pagerank(graph, personalisation=jump, damping=0), [0.5, 0.5, 0])


def test_relaxation_takes_fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = np.random.default_rng(3).integers(0, 500, (1_500, 2))
    directed = as_graph(pairs, n=500, directed=True)  # some of its nodes lead to themselves only
    path = as_graph(nx.path_graph(500))
    choose("definition", monkeypatch)
    for graph, a, too_few in [(directed, 0.85, 110), (path, 0.85, 110), (path, 0.99, 2_000)]:
        with pytest.raises(ConvergenceError):
            pagerank(graph, damping=a, iterations=too_few)
    choose("compiled", monkeypatch)
    for graph, a, enough in [(directed, 0.85, 70), (path, 0.85, 40), (path, 0.99, 160)]:
        assert len(pagerank(graph, damping=a, iterations=enough)) == 500


NEAR_ONE = {
    "a loop, one node without edges": as_graph([(1, 1, 2)], n=2),
    "a loop, four nodes without edges": as_graph([(3, 3, 2)], n=5),
    "an edge and a loop": as_graph([(1, 4, 3), (3, 3, 1)], n=5),
    "two edges and a loop": as_graph([(1, 4, 3), (3, 3, 1), (0, 2, 1)], n=5),
    "an edge": as_graph([(0, 1)], n=2),
    "bipartite": as_graph(nx.complete_bipartite_graph(2, 5)),
    "two stars, a loop, a node without edges": as_graph([(0, 1), (0, 2), (3, 4), (3, 5), (6, 6), (4, 4)], n=8),
    "directed, with loops": as_graph([(0, 1, 2), (1, 0, 1), (1, 1, 3), (2, 2, 1), (2, 0, 1)], n=4, directed=True),
    "directed ring": as_graph([(1, 0), (2, 1), (3, 2), (0, 3)], n=4, directed=True),
}


LONG = [name for name in NEAR_ONE if not name.startswith("a loop")]  # a third of a million rounds by definition
NEAR_ONE_CASES = [
    pytest.param(
        speed, name, a, marks=[pytest.mark.full] * ((speed, a, name in LONG) == (SPEEDS[0], 0.9999, True))
    )
    for speed in SPEEDS
    for name in NEAR_ONE
    for a in (0.99, 0.999, 0.9999)
]


@pytest.mark.parametrize(("speed", "name", "a"), NEAR_ONE_CASES, indirect=["speed"])
def test_near_one_both_speeds_answer_as_near_as_rounding_lets_them(speed: str, name: str, a: float) -> None:
    graph = NEAR_ONE[name]
    floor = 8 * np.finfo(float).eps * np.bincount(graph.indices).max() ** 0.5 / (1 - a) ** 2
    for personalisation in (None, np.arange(graph.n, 0.0, -1.0), np.eye(graph.n)[-1]):
        F, v = mean_visits(graph, personalisation, a)
        x = pagerank(graph, damping=a, personalisation=personalisation)
        assert np.abs(x - (1 - a) * v @ F).sum() <= max(1e-10, floor)


@pytest.mark.parametrize("a", [0.5, 0.85, 0.99])
def test_a_tolerance_below_rounding_counts_as_the_floor(speed: str, a: float) -> None:
    for graph in (*NEAR_ONE.values(), NAMED["star"], NAMED["complete bipartite"], as_graph(nx.star_graph(3_000))):
        x = pagerank(graph, damping=a, tolerance=1e-300, iterations=6_000)
        if graph.n < 100:
            F, v = mean_visits(graph, None, a)
            assert np.abs(x - (1 - a) * v @ F).sum() < 1e-15 * graph.n / (1 - a) ** 2


def test_near_one_too_few_rounds_are_told_as_well(speed: str) -> None:
    for graph in (NEAR_ONE["an edge"], NEAR_ONE["bipartite"]):
        with pytest.raises(ConvergenceError, match="Allow more iterations"):
            pagerank(graph, damping=0.9999, personalisation=np.eye(graph.n)[0], iterations=2)


def test_too_few_rounds_are_told(speed: str) -> None:
    graph = as_graph(nx.path_graph(6))
    with pytest.raises(ConvergenceError, match="PageRank") as caught:
        pagerank(graph, iterations=3)
    assert caught.value.iterations == 3
    x = pagerank(graph, iterations=3, tolerance=min(1.5 * caught.value.residual, 0.9))
    assert np.abs(x - pagerank(graph)).sum() <= caught.value.residual > 1e-10


def test_the_graph_is_left_alone(speed: str) -> None:
    graph = as_graph([(0, 1, 2.0), (1, 2, 0.5)], n=3, directed=True)
    jump = np.array([1.0, 2.0, 5.0])
    before = hash(graph), graph.weights.copy(), jump.copy()
    pagerank(graph, personalisation=jump)
    random_walk_visits(graph, 10, personalisation=jump)
    assert hash(graph) == before[0]
    np.testing.assert_array_equal(graph.weights, before[1])
    np.testing.assert_array_equal(jump, before[2])


# ------------------------------------------------------------------------------------------------ walks


@given(case=jumping(), a=st.sampled_from([0.0, 0.5, 0.9]), seed=st.integers(0, 99))
def test_visits_are_the_same_at_every_speed_and_on_any_number_of_threads(
    case: tuple[Graph, Floats | None], a: float, seed: int
) -> None:
    graph, personalisation = case
    found = []
    for speed in SPEEDS if COMPILED else SPEEDS[:1]:
        with pytest.MonkeyPatch.context() as patch:
            choose(speed, patch)
            for threads in (1, 3):
                fresh = Graph(graph.indptr, graph.indices, graph.weights, directed=graph.directed)
                found.append(
                    random_walk_visits(
                        fresh, 20, damping=a, personalisation=personalisation, seed=seed, threads=threads
                    )
                )
    assert (found[0].shape, found[0].dtype) == ((graph.n,), np.int64)
    assert all((visits == found[0]).all() for visits in found)
    if graph.n:
        assert found[0].sum() == 20 if a == 0 else found[0].sum() >= 20


def test_more_walks_begin_with_the_same_ones(speed: str) -> None:
    graph = as_graph(nx.les_miserables_graph())
    few, more = (random_walk_visits(graph, walks, seed=5) for walks in (100, 140))
    assert (few <= more).all()
    assert (few < more).any()
    assert (random_walk_visits(graph, 100, seed=6) != few).any()
    rng = np.random.default_rng(1)
    assert (random_walk_visits(graph, 100, seed=rng) != random_walk_visits(graph, 100, seed=rng)).any()


CASES: dict[str, tuple[Graph, list[float] | None]] = {
    "undirected, weighted": (as_graph(nx.karate_club_graph()), None),
    "stuck": (as_graph([(0, 1), (1, 2), (2, 0), (2, 3), (4, 3), (0, 0)], n=5, directed=True), None),
    "personalised": (
        as_graph([(0, 1), (1, 2), (2, 0), (2, 3), (4, 3)], n=5, directed=True),
        [5, 0.5, 1, 0.2, 0.3],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_visits_have_the_mean_and_the_spread_that_they_should(speed: str, name: str) -> None:
    """With F = (I - a P)^-1, a walk visits i m_i times on average, m = v F, and i times j m_i F_ij + m_j F_ji.

    (Less m_i where j is i: J. G. Kemeny, J. L. Snell, Finite Markov Chains, 1960, chapter III.) So the distance of
    many walks' mean from m, measured by their covariance, is chi-squared with n degrees of freedom, and the sum of
    ten with 10 n, a spread of sqrt(20 n): it lies within three times that.
    """
    graph, jump = CASES[name]
    a, walks, seeds = 0.7, 1_000, range(100, 110)
    F, v = mean_visits(graph, None if jump is None else np.array(jump), a)
    m = v @ F
    together = m[:, None] * F
    covariance = together + together.T - np.diag(m) - np.outer(m, m)
    off = [random_walk_visits(graph, walks, damping=a, personalisation=jump, seed=s) / walks - m for s in seeds]
    distances = [walks * each @ np.linalg.solve(covariance, each) for each in off]
    freedom = graph.n * len(seeds)
    assert abs(sum(distances) - freedom) < 3 * np.sqrt(2 * freedom)
    assert max(distances) < chi2.isf(1e-4, graph.n)
    np.testing.assert_allclose((1 - a) * m, pagerank(graph, damping=a, personalisation=jump), atol=1e-9)


def test_rows_of_the_inverse_are_the_visits_from_each_start(speed: str) -> None:
    graph = as_graph([("a", "b", 3.0), ("b", "c", 1.0), ("a", "c", 2.0), ("c", "c", 1.0)], nodes="abc")
    walks, a = 4_000, 0.6
    F = np.linalg.inv(np.eye(3) - a * graph.to_dense() / graph.to_dense().sum(axis=1, keepdims=True))
    for row in range(3):
        visits = random_walk_visits(graph, walks, damping=a, personalisation=np.eye(3)[row], seed=100)
        spread = np.sqrt(F[row] * (2 * np.diag(F) - 1 - F[row]) / walks)
        assert (np.abs(visits / walks - F[row]) < 4 * spread).all()
        assert visits[row] >= walks


def test_an_edge_of_weight_0_is_never_taken(speed: str) -> None:
    edges = [(0, 1, 0.0), (0, 2, 1.0), (0, 3, 0.0), (2, 0, 1.0), (2, 4, 0.0), (5, 1, 0.0)]
    graph = as_graph(edges, n=6, directed=True)
    visits = random_walk_visits(graph, 500, damping=0.9, personalisation=[1, 0, 0, 0, 0, 1])
    assert (visits > 0).tolist() == [True, False, True, False, False, True]  # from 5 it jumps


@given(st.lists(WEIGHTS, min_size=1, max_size=8), WEIGHTS)
def test_a_place_is_drawn_as_bisect_does(steps: list[float], at_random: float) -> None:
    sums = np.cumsum([0.0, *steps, 0.0])
    for first in (0, 1):
        assert kernels.drawn(sums, first, len(sums), at_random) == bisect_right(sums.tolist(), at_random, first)


def test_many_walks_in_compiled_code_come_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    choose("compiled", monkeypatch)
    graph = as_graph(nx.les_miserables_graph())
    exact = pagerank(graph)
    few, many = (random_walk_visits(graph, walks, seed=100, threads=2) / walks * 0.15 for walks in (400, 160_000))
    assert np.abs(many - exact).sum() < np.abs(few - exact).sum() / 8  # 20 times, on average


def test_large_work_is_compiled_small_work_is_not() -> None:
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "compiled", lambda room, when: asked.append((room, when)))
        graph = as_graph(nx.path_graph(4))
        pagerank(graph)
        random_walk_visits(graph, 10)
        patch.setattr(module, "COMPILED_FROM", 10)
        pagerank(graph)
        random_walk_visits(graph, 10)
    assert asked == [("walks", False)] * 2 + [("walks", True)] * 2


# ------------------------------------------------------------------------------------------------ at the door


BOTH = [lambda graph, **options: pagerank(graph, **options), lambda graph, **o: random_walk_visits(graph, 5, **o)]


@pytest.mark.parametrize("call", BOTH, ids=["pagerank", "random_walk_visits"])
def test_what_is_asked_of_both(speed: str, call) -> None:  # type: ignore[no-untyped-def]
    graph = as_graph([("a", "b")], nodes=["a", "b"])
    with pytest.raises(ValueError, match=r"\('x', 'y'\) has weight -2.0: a random walk needs weights >= 0"):
        call(as_graph([("x", "y", -2.0)], nodes=["x", "y"]))
    for damping in (1, 1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match="damping"):
            call(graph, damping=damping)
    with pytest.raises(TypeError, match="damping"):
        call(graph, damping="0.85")
    with pytest.raises(ValueError, match=r"node 'b' is -1\.0"):
        call(graph, personalisation=[1, -1])
    with pytest.raises(ValueError, match="node 'a' is nan"):
        call(graph, personalisation=[float("nan"), 1])
    with pytest.raises(ValueError, match="0 everywhere"):
        call(graph, personalisation=[0, 0])
    for values in ([1, 2, 3], [[1], [2]]):
        with pytest.raises(ValueError, match="personalisation of shape"):
            call(graph, personalisation=values)
    with pytest.raises(TypeError, match=r"for node in graph\.nodes"):
        call(graph, personalisation={"a": 1})
    assert len(call(as_graph([], n=0))) == 0 == len(call(as_graph([], n=0), personalisation=[]))


def test_what_is_asked_of_each(speed: str) -> None:
    graph = as_graph([(0, 1)], n=2)
    for tolerance in (0, -1e-9, float("inf")):
        with pytest.raises(ValueError, match="tolerance"):
            pagerank(graph, tolerance=tolerance)
    with pytest.raises(ValueError, match="iterations=0"):
        pagerank(graph, iterations=0)
    with pytest.raises(ValueError, match="walks=0"):
        random_walk_visits(graph, 0)
    with pytest.raises(TypeError, match=r"walks=1\.5"):
        random_walk_visits(graph, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads=0"):
        random_walk_visits(graph, 1, threads=0)
    with pytest.raises(ValueError, match="seed=-1"):
        random_walk_visits(graph, 1, seed=-1)
