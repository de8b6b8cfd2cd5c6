"""Biased walks: steps against exact chances by chi-squared tests, those against the rule in plain Python."""

from __future__ import annotations

import re
from collections.abc import Hashable
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import chi2
from speeds import both_speeds, chooser, each_speed
from strategies import graphs

import lessons.compiled.walks as kernels
from lessons import Graph, as_graph
from lessons import biased_walks as module
from lessons.biased_walks import random_walks, step_chances, step_chances_definition
from lessons.errors import UnknownLabel

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

choose = chooser(kernels, module)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)

PLAIN = st.integers(0, 8).map(lambda quarters: quarters / 4)
EXTREME = st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1.0, 3.0, 1e9, 1e300, 1.7e308])
BIASES = st.sampled_from([1e-270, 1e-3, 0.25, 1.0, 4.0, 1e3, 1e270])


def arcs_of(graph: Graph) -> dict[tuple[int, int], float]:
    """{(u, v): weight} for every arc, by rows."""
    weights = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    pairs = zip(graph.sources.tolist(), graph.indices.tolist(), strict=True)
    return dict(zip(pairs, weights.tolist(), strict=True))


def chances_by_rule(graph: Graph, t: int | None, v: int, p: float, q: float) -> list[float]:
    """The chance of each row by the paper's rule, straight from a dictionary of arcs."""
    arcs = arcs_of(graph)
    heaviest = max((w for (u, _), w in arcs.items() if u == v), default=0.0) or 1.0
    masses = [arcs.get((v, x), 0.0) / heaviest for x in range(graph.n)]
    if t is not None:
        for x in range(graph.n):
            masses[x] *= 1 / p if x == t else (1.0 if (t, x) in arcs else 1 / q)
    total = sum(masses)
    return [mass / total if total else 0.0 for mass in masses]


# ------------------------------------------------------------------------------------------------ exact chances


@given(graph=st.one_of(graphs(weight=PLAIN), graphs(weight=EXTREME)), p=BIASES, q=BIASES)
def test_exact_chances_follow_the_rule(graph: Graph, p: float, q: float) -> None:
    nodes = graph.nodes
    for t, v in [*((None, v) for v in range(graph.n)), *arcs_of(graph)]:
        chances = step_chances(graph, None if t is None else nodes[t], nodes[v], p=p, q=q)
        assert (chances.shape, chances.dtype) == ((graph.n,), np.float64)
        np.testing.assert_allclose(chances, chances_by_rule(graph, t, v, p, q), rtol=1e-12)
        leaves = any(u == v and weight > 0 for (u, _), weight in arcs_of(graph).items())
        assert chances.sum() == pytest.approx(float(leaves), abs=1e-12)


@given(graph=graphs(weighted=False), p=BIASES, q=BIASES)
def test_the_definition_gives_the_exact_chances_of_the_successors(graph: Graph, p: float, q: float) -> None:
    successors = [graph.indices[i:j].tolist() for i, j in pairwise(graph.indptr.tolist())]
    nodes = graph.nodes
    for t, v in [*((None, v) for v in range(graph.n)), *arcs_of(graph)]:
        found = step_chances_definition(successors, t, v, p, q)
        exact = step_chances(graph, None if t is None else nodes[t], nodes[v], p=p, q=q)
        np.testing.assert_allclose(found, exact[successors[v]], rtol=1e-12)
        assert len(found) == len(successors[v])


@given(graph=graphs(directed=False, weight=PLAIN), p=BIASES, q=BIASES)
def test_where_undirected_the_rule_of_the_authors_program_is_the_same(graph: Graph, p: float, q: float) -> None:
    """There x is near where an edge leads from x to t, and it is asked whether x is t before that."""
    peer = graph.to_networkx()
    for u, v in graph.edges():
        for t, current in ((u, v), (v, u)):
            masses = []
            for x in graph.nodes:
                weight = peer[current][x].get("weight", 1.0) if peer.has_edge(current, x) else 0.0
                masses.append(weight / p if x == t else weight if peer.has_edge(x, t) else weight / q)
            expected = np.array(masses) / (sum(masses) or 1.0)
            np.testing.assert_allclose(step_chances(graph, t, current, p=p, q=q), expected, rtol=1e-12)


def test_near_is_where_an_edge_leads_to_from_the_previous_node() -> None:
    graph = as_graph(
        [("t", "v"), ("v", "to"), ("v", "from"), ("t", "to"), ("from", "t")],
        nodes=["t", "v", "to", "from"],
        directed=True,
    )
    np.testing.assert_allclose(step_chances(graph, "t", "v", q=4.0), [0, 0, 0.8, 0.2])


def test_an_edge_of_weight_0_brings_nodes_near_but_is_never_taken() -> None:
    edges = [("t", "v", 2.0), ("v", "a", 1.0), ("v", "b", 1.0), ("v", "c", 0.0), ("t", "a", 0.0)]
    graph = as_graph(edges, nodes="tvabc", directed=True)
    np.testing.assert_allclose(step_chances(graph, "t", "v", q=4.0), [0, 0, 0.8, 0.2, 0])
    np.testing.assert_allclose(step_chances(graph, "t", "a", q=4.0), np.zeros(5))  # joined, and a dead end


# ------------------------------------------------------------------------------------------------ what a walk is


@given(
    graph=st.one_of(graphs(weight=PLAIN), graphs(weight=EXTREME)),
    p=BIASES,
    q=BIASES,
    length=st.integers(1, 6),
    rounds=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_each_step_is_an_edge_and_a_walk_ends_only_where_none_leads_on(
    graph: Graph, p: float, q: float, length: int, rounds: int, seed: int
) -> None:
    arcs = {pair for pair, weight in arcs_of(graph).items() if weight > 0}
    leading_on = {u for u, _ in arcs}

    def walks_on(threads: int) -> Rows:
        fresh = Graph(graph.indptr, graph.indices, graph.weights, directed=graph.directed)
        return random_walks(fresh, length, walks_per_node=rounds, p=p, q=q, seed=seed, threads=threads)

    found = [walks for threads in (1, 2, 3) for walks in at_both_speeds(lambda: walks_on(threads))]  # noqa: B023
    assert all((walks == found[0]).all() for walks in found)
    assert (found[0].shape, found[0].dtype) == ((rounds * graph.n, length), np.int32)
    assert found[0][:, 0].tolist() == list(range(graph.n)) * rounds
    for walk in found[0].tolist():
        end = walk.index(-1) if -1 in walk else length
        assert walk[end:] == [-1] * (length - end)
        assert arcs.issuperset(pairwise(walk[:end]))
        assert end == length or walk[end - 1] not in leading_on


@given(
    graph=graphs(weight=PLAIN).filter(lambda graph: graph.n > 0),
    places=st.lists(st.integers(0, 6), max_size=5),
    seed=st.integers(0, 99),
)
def test_a_walk_belongs_to_its_seed_round_and_start(graph: Graph, places: list[int], seed: int) -> None:
    bias = {"p": 0.25, "q": 4.0, "seed": seed}
    n, rows = graph.n, [place % graph.n for place in places]
    starts = [graph.nodes[row] for row in rows]
    for many in at_both_speeds(lambda: random_walks(graph, 6, walks_per_node=3, **bias)):
        for few in at_both_speeds(lambda: random_walks(graph, 6, walks_per_node=2, **bias)):
            assert (few == many[: 2 * n]).all()
        for some in at_both_speeds(lambda: random_walks(graph, 6, walks_per_node=3, starts=iter(starts), **bias)):
            assert (some == many.reshape(3, n, 6)[:, rows].reshape(-1, 6)).all()
        for short in at_both_speeds(lambda: random_walks(graph, 4, walks_per_node=3, **bias)):
            assert (short == many[:, :4]).all()


def test_seeds_differ_and_so_do_rounds_and_starts(speed: str) -> None:
    graph = as_graph(nx.complete_graph(12))
    walks = random_walks(graph, 12, walks_per_node=4, seed=1)
    assert (walks == random_walks(graph, 12, walks_per_node=4, seed=1)).all()
    assert len(np.unique(walks[:, 1:], axis=0)) == 48  # 11^11 are as likely
    others = [random_walks(graph, 12, walks_per_node=4, seed=seed) for seed in (2, None, None)]
    assert len({walks.tobytes(), *(other.tobytes() for other in others)}) == 4
    rng = np.random.default_rng(1)
    assert (random_walks(graph, 12, seed=rng) != random_walks(graph, 12, seed=rng)).any()


def test_labels_and_graphs_of_other_libraries_are_read(speed: str) -> None:
    edges = [("a", "c", 2.0), ("c", "b", 0.5), ("c", "d", 1.0), ("d", "a", 3.0)]
    graph = as_graph(edges, nodes="abcd", directed=True)
    peer = nx.DiGraph()
    peer.add_nodes_from("abcd")
    peer.add_weighted_edges_from(edges)
    options = {"walks_per_node": 5, "p": 0.5, "q": 2.0, "seed": 3}
    walks = random_walks(graph, 7, **options)
    assert (random_walks(peer, 7, **options) == walks).all()
    assert (random_walks(csr_array(graph.to_dense()), 7, **options) == walks).all()
    assert random_walks(peer, 7, starts=["d", "b"], walks_per_node=2)[:, 0].tolist() == [3, 1, 3, 1]
    assert sorted(peer.edges(data="weight")) == sorted(edges)


def test_graphs_without_a_step(speed: str) -> None:
    assert random_walks(as_graph([], n=0), 5).shape == (0, 5)
    assert random_walks(as_graph([(0, 1)], n=2), 5, starts=[]).shape == (0, 5)
    for graph in (as_graph([], n=2), as_graph([(0, 1, 0.0)], n=2), as_graph([(0, 1, 0.0), (1, 1, 0.0)], n=2)):
        assert random_walks(graph, 3, walks_per_node=1).tolist() == [[0, -1, -1], [1, -1, -1]]
    assert random_walks(as_graph([(0, 0)], n=1), 4, walks_per_node=2, p=1e3).tolist() == [[0] * 4] * 2
    assert random_walks(as_graph([(0, 1)], n=2), 4, walks_per_node=1, p=1e270).tolist() == [[0, 1] * 2, [1, 0] * 2]


def test_the_graph_is_left_alone(speed: str) -> None:
    weights = np.array([2.0, 0.5])
    graph = Graph(np.array([0, 1, 2]), np.array([1, 0], np.int32), weights, directed=True)
    before = hash(graph)
    random_walks(graph, 5)
    step_chances(graph, 0, 1)
    assert hash(graph) == before
    assert graph.weights is not None
    assert graph.weights.tolist() == [2.0, 0.5] == weights.tolist()


# ------------------------------------------------------------------------------------------------ its chances


def excess(seen: Rows, chances: Floats) -> tuple[float, int]:
    """Chi-squared of rows seen against their chances, and its degrees of freedom; rare outcomes count as one."""
    counts, expected = np.bincount(seen, minlength=len(chances)), len(seen) * chances
    assert not counts[chances == 0].any()
    frequent = expected >= 5
    counts = np.append(counts[frequent], counts[~frequent].sum())
    expected = np.append(expected[frequent], expected[~frequent].sum())
    if expected[-1] < 5:  # too rare even together
        assert counts[-1] <= 25  # a chance of 1e-10
        counts[0], expected[0] = counts[0] + counts[-1], expected[0] + expected[-1]
        counts, expected = counts[:-1], expected[:-1]
    return float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1


def off(graph: Graph, walks: Rows, p: float, q: float, step: int) -> float:
    """How unlikely these rows after `step` steps are, for the two before them: a chance, by chi-squared."""
    total, freedom = 0.0, 0
    before, current, following = walks[:, step - 2], walks[:, step - 1], walks[:, step]
    for t, v in arcs_of(graph):
        seen = following[(before == t) & (current == v)]
        if len(seen) > 5 and seen[0] >= 0:
            more = excess(seen, np.array(chances_by_rule(graph, t, v, p, q)))
            total, freedom = total + more[0], freedom + more[1]
    return float(chi2.sf(total, freedom)) if freedom else 1.0


def ring_of_cliques() -> nx.Graph:
    return nx.ring_of_cliques(3, 4)


LOOPS = [(0, 0, 1.0), (0, 1, 2.0), (1, 1, 0.5), (1, 2, 1.0), (2, 0, 4.0), (2, 3, 0.0), (1, 3, 3.0), (3, 3, 0.0)]
SMALL = {
    "cliques": as_graph(ring_of_cliques()),
    "karate, weighted": as_graph(nx.karate_club_graph()),
    "loops and zeros": as_graph(LOOPS, n=4),
    "wheel": as_graph(nx.wheel_graph(7)),
    "directed": as_graph(
        [(0, 1), (1, 0), (1, 2), (2, 0), (0, 3), (1, 3), (3, 1), (1, 4), (4, 0), (2, 1), (3, 2), (4, 1), (1, 1)],
        n=5,
        directed=True,
    ),
    "directed, loops and zeros": as_graph([*LOOPS, (3, 1, 2.0), (1, 0, 1.0), (3, 0, 1.0)], n=4, directed=True),
    "far apart weights": as_graph([(0, 1, 1e-3), (0, 2, 1.0), (1, 2, 30.0), (2, 3, 0.1), (0, 3, 5.0)], n=4),
}
SETTINGS = [(1.0, 1.0), (0.25, 4.0), (4.0, 0.25), (1e-3, 1.0), (1.0, 1e-3), (1e3, 1e3), (1e-3, 1e3), (1e3, 1e-3)]


@pytest.mark.parametrize(("p", "q"), SETTINGS)
@pytest.mark.parametrize("name", SMALL)
def test_the_second_step_has_its_exact_chances(speed: str, name: str, p: float, q: float) -> None:
    """For each pair of nodes before it; steps that follow the same pair in different walks are independent."""
    graph = SMALL[name]
    rounds = (60_000 if speed == "compiled" else 1_500) // graph.n
    walks = random_walks(graph, 3, walks_per_node=rounds, p=p, q=q, seed=100)
    assert off(graph, walks, p, q, step=2) > 1e-4


@pytest.mark.parametrize("name", SMALL)
def test_the_first_step_goes_by_weight(speed: str, name: str) -> None:
    graph = SMALL[name]
    rounds = (60_000 if speed == "compiled" else 3_000) // graph.n
    walks = random_walks(graph, 2, walks_per_node=rounds, p=1e-3, q=1e3, seed=101)
    total, freedom = 0.0, 0
    for v in range(graph.n):
        seen = walks[walks[:, 0] == v, 1]
        if seen[0] >= 0:
            more = excess(seen, np.array(chances_by_rule(graph, None, v, 1.0, 1.0)))
            total, freedom = total + more[0], freedom + more[1]
    assert chi2.sf(total, freedom) > 1e-4


@pytest.mark.parametrize(("p", "q"), [(0.25, 4.0), (4.0, 0.25), (1.0, 1e3)])
def test_later_steps_have_their_exact_chances_too(speed: str, p: float, q: float) -> None:
    for graph in (SMALL["cliques"], SMALL["directed"]):
        rounds = (40_000 if speed == "compiled" else 1_500) // graph.n
        walks = random_walks(graph, 12, walks_per_node=rounds, p=p, q=q, seed=102)
        for step in (3, 4, 11):
            assert off(graph, walks, p, q, step=step) > 1e-4


def test_without_bias_a_walk_is_one_of_first_order(speed: str) -> None:
    """Where it stands after k steps is row `start` of P^k."""
    graph = SMALL["karate, weighted"]
    A = graph.to_dense()
    P = A / A.sum(axis=1, keepdims=True)
    walks = random_walks(graph, 6, walks_per_node=4_000, starts=[0, 16], seed=103)
    for step in range(1, 6):
        for start in (0, 16):
            seen = walks[walks[:, 0] == start, step]
            assert chi2.sf(*excess(seen, np.linalg.matrix_power(P, step)[start])) > 1e-4


def test_a_star_whose_hub_would_reject_nearly_every_draw(speed: str) -> None:
    """From a leaf the hub leads back, or away with q = 1000: as many trials as leaves rarely accept one."""
    leaves, rounds = 40, 2_000 if speed == "compiled" else 200
    graph = as_graph(nx.star_graph(leaves))
    for p, q in [(1e3, 1e3), (1e6, 1e3), (1.0, 1e3)]:
        walks = random_walks(
            graph, 3, walks_per_node=rounds // 20, p=p, q=q, starts=range(1, leaves + 1), seed=104
        )
        back = (walks[:, 0] == walks[:, 2]).sum()
        chance = (1 / p) / (1 / p + (leaves - 1) / q)
        assert abs(back - len(walks) * chance) < 4 * np.sqrt(len(walks) * chance * (1 - chance)) + 4
    near = as_graph([*nx.star_graph(leaves).edges, (1, 2)], n=leaves + 1)  # from 1, only 2 is near: 1000 to 1
    walks = random_walks(near, 3, walks_per_node=rounds, p=1e9, q=1e3, starts=[1], seed=105)
    third = walks[walks[:, 1] == 0, 2]
    expected = len(third) * 1000 / (1000 + leaves - 2)
    assert abs((third == 2).sum() - expected) < 4 * np.sqrt(expected * (leaves - 2) / 1000)


# ------------------------------------------------------------------------------------------------ at the door


def test_large_work_is_compiled_small_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, *, when: asked.append(when))
    graph = as_graph([(0, 1)], n=2)
    random_walks(graph, 10)
    monkeypatch.setattr(module, "COMPILED_FROM", 204)  # 2 nodes, 2 arcs, 200 steps
    random_walks(graph, 10)
    random_walks(graph, 10, starts=[0])
    assert asked == [False, True, False]


DOORS = {
    "walks": lambda graph, **options: random_walks(graph, 3, **options),
    "chances": lambda graph, **options: step_chances(graph, None, "a", **options),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["p", "q"])
def test_p_and_q_are_asked_for_by_name(door: str, name: str) -> None:
    graph = as_graph([("a", "b")], nodes="ab")
    for value in (0, -1.0, float("nan"), float("inf"), 1e-271, 5e-324, 1e271):
        with pytest.raises(ValueError, match=re.escape(f"{name}={value!r}: ")):
            DOORS[door](graph, **{name: value})
    for wrong in ("1", None, True, 1j):
        with pytest.raises(TypeError, match=f"^{name}="):
            DOORS[door](graph, **{name: wrong})
    for value in (1e-270, 1e270, 2, np.float32(0.5)):
        assert len(DOORS[door](graph, **{name: value}))


@pytest.mark.parametrize("door", DOORS)
def test_a_negative_weight_is_named(door: str) -> None:
    graph = as_graph([("a", "b", -2.0)], nodes="ab")
    with pytest.raises(ValueError, match=r"\('a', 'b'\) has weight -2.0: a random walk needs weights >= 0"):
        DOORS[door](graph)


@pytest.mark.parametrize("name", ["length", "walks_per_node", "threads"])
def test_numbers_of_things_are_whole_and_at_least_1(name: str) -> None:
    graph = as_graph([(0, 1)], n=2)
    for value in (0, -3):
        with pytest.raises(ValueError, match=f"^{name}={value}: at least 1"):
            random_walks(graph, **{"length": 3, name: value})
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError, match=f"^{name}="):
            random_walks(graph, **{"length": 3, name: wrong})


def test_unknown_nodes_and_pairs_without_an_edge_are_named() -> None:
    graph = as_graph([("anna", "bert"), ("bert", "carl")], nodes=["anna", "bert", "carl"], directed=True)
    unknown: list[Hashable] = ["berta", "ana"]
    with pytest.raises(UnknownLabel, match="'berta'; the nearest is 'bert'"):
        random_walks(graph, 3, starts=unknown)
    with pytest.raises(UnknownLabel, match="'ana'; the nearest is 'anna'"):
        step_chances(graph, "ana", "bert")
    with pytest.raises(UnknownLabel, match="'carla'"):
        step_chances(graph, None, "carla")
    for t, v in [("bert", "anna"), ("anna", "carl"), ("anna", "anna")]:
        with pytest.raises(ValueError, match=f"no edge leads from '{t}' to '{v}'"):
            step_chances(graph, t, v)
    with pytest.raises(ValueError, match="seed=-1"):
        random_walks(graph, 3, seed=-1)
