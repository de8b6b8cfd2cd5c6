"""WS-flex against its rule on networkx graphs, the others against exact chances, both speeds alike."""

from __future__ import annotations

import os
import pickle
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from itertools import combinations, permutations
from math import comb, inf, nan, prod

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import example, given
from hypothesis import strategies as st
from networkx.generators.harary_graph import hnm_harary_graph
from scipy.stats import chisquare
from speeds import both_speeds, chooser, each_speed

import lessons.compiled.random_graphs as kernels
from lessons import Graph, as_graph
from lessons import random_graphs as module
from lessons.datasets import published_graphs
from lessons.errors import InfeasibleError
from lessons.graph_measures import batch_measures
from lessons.random_graphs import (
    barabasi_albert,
    erdos_renyi,
    harary,
    planted_partition,
    watts_strogatz,
    ws_flex,
    ws_flex_definition,
    ws_flex_words,
)

choose = chooser(kernels, module)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)

Edges = frozenset[tuple[int, int]]

ATTEMPTS = 100
BITS = 1 << np.arange(64, dtype=np.uint64)
GENERATORS: dict[str, Callable[..., Graph]] = {
    "ws_flex": lambda n, seed: ws_flex(n, 4.5, 0.4, seed),
    "watts_strogatz": lambda n, seed: watts_strogatz(n, 4, 0.4, seed),
    "erdos_renyi": lambda n, seed: erdos_renyi(n, 2 * n, seed),
    "barabasi_albert": lambda n, seed: barabasi_albert(n, 3, seed),
    "planted_partition": lambda n, seed: planted_partition(n, 2, 5, 1, seed)[0],
}

needs_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


# ------------------------------------------------------------------------------------------------ WS-flex


def grown(n: int, k: float, p: float, rng: random.Random) -> nx.Graph:
    """One attempt by the published rule, word by word."""
    graph = nx.empty_graph(n)
    each, more = divmod(round(n * k / 2), n)
    owned = [each + 1 if u < more else each for u in range(n)]
    for u in range(n):
        for step in range(1, owned[u] + 1):
            graph.add_edge(u, (u + step) % n)
    nodes = list(graph)
    for u in nodes:
        for step in range(1, owned[u] + 1):
            if rng.random() < p:
                w = rng.choice(nodes)
                while w == u or graph.has_edge(u, w):
                    w = rng.choice(nodes)
                    if graph.degree(u) >= n - 1:
                        break
                else:
                    graph.remove_edge(u, (u + step) % n)  # raises where that edge were gone
                    graph.add_edge(u, w)
    return graph


@cache
def connected(n: int, k: float, p: float, seed: int) -> tuple[nx.Graph | None, int]:
    """The first connected graph of one running stream, or None, and how many were grown."""
    rng = random.Random(seed)
    for attempt in range(1, ATTEMPTS + 1):
        graph = grown(n, k, p, rng)
        if nx.is_connected(graph):
            return graph, attempt
    return None, ATTEMPTS


def words_of(graph: nx.Graph) -> list[int]:
    """Bit j of word i: whether i and j are joined."""
    return [sum(1 << j for j in graph[i]) for i in range(len(graph))]


SEEDS = st.one_of(st.integers(0, 99), st.integers(0, 2**32 + 9), st.integers(2**32, 2**130))
CHANCES = st.one_of(st.sampled_from([0.0, 1e-3, 0.05, 0.5, 0.97, 1.0]), st.floats(0, 1))


@st.composite
def settings(draw: st.DrawFn, most: int = 80) -> tuple[int, float, float, int]:
    """n, k, p, seed of a WS-flex graph; k is whole, half a number, or real."""
    n = draw(st.integers(3, most))
    degrees = [st.integers(2, n - 1), st.integers(4, 2 * n - 2).map(lambda k: k / 2), st.floats(2, n - 1)]
    return n, draw(st.one_of(degrees)), draw(CHANCES), draw(SEEDS)


@given(settings())
@example((3, 2, 1.0, 0))
@example((4, 3, 1.0, 0))
@example((4, 2.5, 1.0, 1))
@example((5, 3.6, 1.0, 2**70))
@example((64, 8.192064, 0.128063, 4))
@example((65, 64, 0.5, 3))
@example((64, 62.999, 1.0, 3))
def test_ws_flex_has_the_edges_of_the_published_rule(setting: tuple[int, float, float, int]) -> None:
    n, k, *_ = setting
    wanted, _ = connected(*setting)
    for found in at_both_speeds(lambda: outcome(*setting)):
        if wanted is None:
            assert found is None
            continue
        assert found == as_graph(wanted)
        assert (found.n, found.m, found.directed, found.weights) == (n, round(n * k / 2), False, None)


def outcome(n: int, k: float, p: float, seed: int) -> Graph | None:
    """The graph, or None where no attempt is connected."""
    try:
        return ws_flex(n, k, p, seed)
    except InfeasibleError:
        return None


@pytest.mark.parametrize("n", [63, 64, 65, 128])
def test_ws_flex_around_whole_words(n: int, speed: str) -> None:
    """Sizes at which a draw of a node needs another bit, and at which a row needs another word."""
    for k in (2, 3, 6.5, n / 2 + 0.3):
        for p, seed in ((0.0, 0), (0.02, 2**32), (0.5, 7), (1.0, 2**64 + 1)):
            wanted, _ = connected(n, k, p, seed)
            assert outcome(n, k, p, seed) == (wanted if wanted is None else as_graph(wanted))
    for k in (n - 1.5, n - 1.001, n - 1):
        assert ws_flex(n, k, 0.03, n) == as_graph(connected(n, k, 0.03, n)[0])


@given(settings(20))
def test_one_attempt_of_the_definition(setting: tuple[int, float, float, int]) -> None:
    """Connected or not, and two of them draw one stream."""
    n, k, p, seed = setting
    ours, theirs = random.Random(seed), random.Random(seed)
    for _ in range(2):
        found = ws_flex_definition(n, k, p, ours)
        wanted = grown(n, k, p, theirs)
        assert found == [set(wanted[u]) for u in range(n)]
        assert ours.getstate() == theirs.getstate()


@pytest.mark.parametrize(
    ("n", "k", "m"),
    [(6, 2.5, 8), (6, 17 / 6, 8), (10, 2.1, 10), (10, 2.3, 12), (10, 2.5, 12), (10, 2.7, 14), (7, 3, 10)],
)
def test_half_an_edge_is_rounded_to_even(n: int, k: float, m: int, speed: str) -> None:
    for p in (0.0, 0.3):
        assert ws_flex(n, k, p, 0).m == m


@pytest.mark.parametrize(("n", "k"), [(12, 4), (13, 6), (12, 11), (13, 12), (3, 2)])
def test_without_rewiring_it_is_the_ring(n: int, k: int, speed: str) -> None:
    steps = range(1, k // 2 + 1 + k % 2)
    for seed in (0, 1):
        assert ws_flex(n, k, 0, seed) == as_graph(nx.circulant_graph(n, steps))


def test_the_first_nodes_own_one_edge_more(speed: str) -> None:
    graph = ws_flex(8, 4.75, 0, 0)  # 19 edges: two each, and a third for 0, 1 and 2
    lengths = Counter(min(v - u, u - v + 8) for u, v in graph.edges())
    assert lengths == {1: 8, 2: 8, 3: 3}
    assert {(0, 3), (1, 4), (2, 5)} <= set(graph.edges())


@pytest.mark.parametrize("n", [3, 4, 9, 16, 64, 70])
def test_where_all_are_joined_nothing_can_be_rewired(n: int, speed: str) -> None:
    assert ws_flex(n, n - 1, 1, 5) == as_graph(nx.complete_graph(n))
    rng = random.Random(5)
    ws_flex_definition(n, n - 1, 1, rng)
    theirs = random.Random(5)
    grown(n, n - 1, 1, theirs)
    assert rng.getstate() == theirs.getstate()  # two nodes are drawn before an edge is given up


@pytest.mark.parametrize(
    ("n", "seed", "attempt"), [(64, 0, 1), (64, 290, 5), (64, 146, 8), (200, 70, 10), (400, 57, 13), (400, 32, 17)]
)
def test_one_stream_runs_through_all_attempts(n: int, seed: int, attempt: int, speed: str) -> None:
    wanted, attempts = connected(n, 2, 1, seed)
    assert wanted is not None
    assert attempts == attempt
    assert ws_flex(n, 2, 1, seed) == as_graph(wanted)


def test_no_more_attempts_than_told(speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.ATTEMPTS == ATTEMPTS
    wanted = ws_flex(64, 2, 1, 290)
    monkeypatch.setattr(module, "ATTEMPTS", 5)
    assert ws_flex(64, 2, 1, 290) == wanted
    assert ws_flex_words(64, 2, 1, [0, 290]).shape == (2, 64)
    monkeypatch.setattr(module, "ATTEMPTS", 4)
    for call in (lambda: ws_flex(64, 2, 1, 290), lambda: ws_flex_words(64, 2, [0, 1], 290)):
        with pytest.raises(InfeasibleError, match=r"n=64, k=2.*, p=1.*: none of 4 graphs was connected"):
            call()


# ------------------------------------------------------------------------------------------------ its seeds


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**33 + 1, 2**64 - 1, 2**64, 10**40, 10**400])
def test_a_seed_is_that_of_pythons_random(seed: int, speed: str) -> None:
    assert ws_flex(30, 4.4, 0.5, seed) == as_graph(connected(30, 4.4, 0.5, seed)[0])


def test_a_seed_of_numpy_is_a_seed(speed: str) -> None:
    wanted = ws_flex(30, 4.4, 0.5, 11)
    for kind in (np.int64, np.uint8, np.uint64):
        assert ws_flex(30, 4.4, 0.5, kind(11)) == wanted
    assert ws_flex(np.int64(30), np.float64(4.4), np.float64(0.5), 11) == wanted


def test_pythons_own_random_numbers_are_left_alone(speed: str) -> None:
    random.seed(1)
    before, legacy = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    ws_flex(40, 5, 0.5, 9)
    for make in GENERATORS.values():
        make(20, None)
    assert random.getstate() == before
    assert np.random.get_state()[1].tolist() == legacy  # noqa: NPY002


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_one_graph_after_another(name: str) -> None:
    make = GENERATORS[name]

    def three() -> list[Graph]:
        rng = np.random.default_rng(5)
        return [make(30, rng) for _ in range(3)]

    runs = list(at_both_speeds(three))
    assert len(set(runs[0])) == 3
    assert all(run == runs[0] for run in runs)


@pytest.mark.parametrize("name", GENERATORS)
def test_no_seed_no_graph_twice(name: str) -> None:
    make = GENERATORS[name]
    assert make(40, None) != make(40, None)


@pytest.mark.parametrize("name", GENERATORS)
def test_one_seed_one_graph(name: str) -> None:
    make = GENERATORS[name]
    for n in (6, 40, 64, 100):
        for seed in (0, 1, 2**64 + 3):
            found = list(at_both_speeds(lambda n=n, seed=seed: make(n, seed)))
            assert all(graph == found[0] == make(n, seed) for graph in found)
        assert n < 40 or make(n, 0) != make(n, 1)


@pytest.mark.parametrize("name", GENERATORS)
def test_what_kind_of_graph_it_is(name: str) -> None:
    for graph in at_both_speeds(lambda: GENERATORS[name](25, 3)):
        assert isinstance(graph, Graph)
        assert (graph.nodes, graph.directed, graph.weights) == (tuple(range(25)), False, None)
        assert (graph.indptr.dtype, graph.indices.dtype) == (np.int64, np.int32)
        assert graph == as_graph(graph.to_networkx())
        assert pickle.loads(pickle.dumps(graph)) == graph
        assert not nx.number_of_selfloops(graph.to_networkx())


# ------------------------------------------------------------------------------------------------ many at once


@given(st.integers(3, 64), st.data())
def test_words_are_the_same_graphs(n: int, data: st.DataObject) -> None:
    row = st.tuples(st.floats(2, n - 1), CHANCES, st.integers(0, 2**40))
    rows = [row for row in data.draw(st.lists(row, max_size=4)) if connected(n, *row)[0] is not None]
    k, p = (np.array([row[i] for row in rows], float) for i in (0, 1))
    seed = np.array([row[2] for row in rows], np.int64)
    wanted = [words_of(connected(n, *row)[0]) for row in rows]
    for words in at_both_speeds(lambda: ws_flex_words(n, k, p, seed)):
        assert (words.shape, words.dtype) == ((len(rows), n), np.uint64)
        assert words.tolist() == wanted


def test_many_graphs_with_seeds_of_all_sizes_side_by_side(speed: str) -> None:
    """More than are seeded at once; some take more attempts than one."""
    seeds = [0, 2**40 + 1, 1, 2**32 - 1, 2**32, 2**63 + 5, 290, 146, 2**64 - 1, 113, 2, 142, 2**33, 3, 4, 2**50, 5]
    words = ws_flex_words(64, 2, 1, np.array(seeds, np.uint64))
    assert words.tolist() == [words_of(connected(64, 2, 1, seed)[0]) for seed in seeds]


def test_words_of_64_nodes_use_every_bit(speed: str) -> None:
    words = ws_flex_words(64, [63, 4.5, 40.1], 0.7, 3)
    assert words[0].tolist() == [2**64 - 1 - 2**i for i in range(64)]
    for k, row in zip((63, 4.5, 40.1), words, strict=True):
        assert ((row[:, None] & BITS) != 0).tolist() == (ws_flex(64, k, 0.7, 3).to_dense() != 0).tolist()


def test_k_p_and_seeds_are_broadcast(speed: str) -> None:
    k, p, seed = [4, 5.5, 7], [0.0, 0.2, 1.0], [5, 6, 2**35]
    one = ws_flex_words(20, 4, 0.2, 5)
    assert one.shape == (1, 20)
    assert ws_flex_words(20, k, 0.2, 5)[0].tolist() == one[0].tolist()
    assert ws_flex_words(20, 4, p, 5)[1].tolist() == one[0].tolist()
    assert ws_flex_words(20, 4, 0.2, np.array(seed))[0].tolist() == one[0].tolist()
    each = [ws_flex_words(20, *row)[0].tolist() for row in zip(k, p, seed, strict=True)]
    assert ws_flex_words(20, k, np.array(p), seed).tolist() == each
    assert len({tuple(row) for row in each}) == 3


def test_large_work_is_compiled_small_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, *, when: asked.append((room, when)))
    monkeypatch.setattr(module, "COMPILED_FROM", 90)
    for n, k in ((20, 9), (20, 8.9)):
        ws_flex(n, k, 0.1, 0)
        ws_flex_words(n, [k / 2, k / 2], 0.1, 0)
    assert asked == [("random_graphs", True)] * 2 + [("random_graphs", False)] * 2


def test_a_matrix_of_bits_that_were_too_large_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in (40, 41):
        with monkeypatch.context() as patch:
            choose("compiled", patch)
            patch.setattr(module, "BITS_UP_TO", 40)
            patch.setattr(kernels, "ws_flex", None)
            if n == 40:
                with pytest.raises(TypeError, match="NoneType"):
                    ws_flex(n, 5, 0.3, 2)
            else:
                assert ws_flex(n, 5, 0.3, 2) == as_graph(connected(n, 5, 0.3, 2)[0])


def test_words_do_not_touch_what_they_are_given() -> None:
    k, p, seed = np.array([4.0, 5.5]), np.array([0.1, 1.0]), np.array([5, 6])
    for array in (k, p, seed):
        array.flags.writeable = False
    for words in at_both_speeds(lambda: ws_flex_words(20, k, p, seed)):
        words[0] = 0  # they are the caller's own
    assert (k.tolist(), p.tolist(), seed.tolist()) == ([4.0, 5.5], [0.1, 1.0], [5, 6])


# ------------------------------------------------------------------------------------------------ as published


def test_recorded_graphs_have_their_published_measures(speed: str) -> None:
    """All 449, and in plain Python every ninth."""
    listed = published_graphs(449)
    some = slice(None, None, 1 if speed == "compiled" else 9)
    as_published(*(column[some] for column in (listed.k, listed.p, listed.seed, listed.C, listed.L)))


@pytest.mark.data
@needs_data
def test_all_listed_graphs_have_their_published_measures() -> None:
    listed = published_graphs(3942)
    assert len(listed.k) == 3942
    as_published(listed.k, listed.p, listed.seed, listed.C, listed.L)


def as_published(k: np.ndarray, p: np.ndarray, seed: np.ndarray, C: np.ndarray, L: np.ndarray) -> None:
    words = ws_flex_words(64, k, p, seed)
    found = batch_measures(words)
    np.testing.assert_allclose(found.C, C, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.L, L, rtol=0, atol=1e-9)
    m = [sum(word.bit_count() for word in row) // 2 for row in words.tolist()]
    assert m == [round(degree * 32) for degree in k.tolist()]
    assert len({row.tobytes() for row in words}) == len(words)


# ------------------------------------------------------------------------------------------------ exact chances


def pair(u: int, v: int) -> tuple[int, int]:
    return (u, v) if u < v else (v, u)


def rewired(n: int, k: int, p: float) -> dict[Edges, float]:
    """{edges of a Watts-Strogatz graph: their chance}: lap by lap, an edge goes to any node not yet joined."""
    laps = range(1, k // 2 + 1)
    chances = {frozenset(pair(u, (u + lap) % n) for u in range(n) for lap in laps): 1.0}
    for lap in laps:
        for u in range(n):
            after: dict[Edges, float] = defaultdict(float)
            for edges, chance in chances.items():
                free = [w for w in range(n) if w != u and pair(u, w) not in edges]
                after[edges] += chance * (1 - p if free else 1)
                for w in free:
                    after[edges - {pair(u, (u + lap) % n)} | {pair(u, w)}] += chance * p / len(free)
            chances = after
    return dict(chances)


def attached(n: int, m: int) -> dict[Edges, float]:
    """{edges of a Barabasi-Albert graph: their chance}: m different nodes drawn by degree, one after another."""
    chances: dict[Edges, float] = {frozenset((0, leaf) for leaf in range(1, m + 1)): 1.0}
    for new in range(m + 1, n):
        after: dict[Edges, float] = defaultdict(float)
        for edges, chance in chances.items():
            degree = Counter(end for edge in edges for end in edge)
            for chosen in permutations(range(new), m):
                left = [2 * len(edges) - sum(degree[v] for v in chosen[:i]) for i in range(m)]
                share = prod(degree[v] / rest for v, rest in zip(chosen, left, strict=True))
                after[edges | {(v, new) for v in chosen}] += chance * share
        chances = after
    return dict(chances)


def uniform(n: int, m: int) -> dict[Edges, float]:
    """{m edges: their chance}."""
    return {frozenset(edges): 1 / comb(comb(n, 2), m) for edges in combinations(combinations(range(n), 2), m)}


EXACT = {
    "G(4, 2)": (uniform(4, 2), lambda seed: erdos_renyi(4, 2, seed)),
    "G(5, 1)": (uniform(5, 1), lambda seed: erdos_renyi(5, 1, seed)),
    "G(5, 7)": (uniform(5, 7), lambda seed: erdos_renyi(5, 7, seed)),
    "WS(4, 2, 0.5)": (rewired(4, 2, 0.5), lambda seed: watts_strogatz(4, 2, 0.5, seed)),
    "WS(5, 2, 1)": (rewired(5, 2, 1.0), lambda seed: watts_strogatz(5, 2, 1.0, seed)),
    "WS(6, 2, 0.2)": (rewired(6, 2, 0.2), lambda seed: watts_strogatz(6, 2, 0.2, seed)),
    "WS(6, 4, 0.7)": (rewired(6, 4, 0.7), lambda seed: watts_strogatz(6, 4, 0.7, seed)),
    "BA(4, 1)": (attached(4, 1), lambda seed: barabasi_albert(4, 1, seed)),
    "BA(5, 1)": (attached(5, 1), lambda seed: barabasi_albert(5, 1, seed)),
    "BA(5, 2)": (attached(5, 2), lambda seed: barabasi_albert(5, 2, seed)),
    "BA(6, 3)": (attached(6, 3), lambda seed: barabasi_albert(6, 3, seed)),
}


@pytest.mark.parametrize("name", EXACT)
def test_each_graph_has_its_exact_chance(name: str) -> None:
    """By a chi-squared test; graphs seen less than five times on average count as one."""
    chances, make = EXACT[name]
    assert sum(chances.values()) == pytest.approx(1)
    size = 2_000
    seen = Counter(frozenset(make(seed).edges()) for seed in range(size))
    assert seen.keys() <= {edges for edges, chance in chances.items() if chance}
    frequent = [edges for edges, chance in chances.items() if size * chance >= 5]
    counts = [seen[edges] for edges in frequent]
    expected = [size * chances[edges] for edges in frequent]
    counts, expected = [*counts, size - sum(counts)], [*expected, size - sum(expected)]
    if expected[-1] < 5:  # too rare even together
        assert counts[-1] <= 25  # a chance of 1e-10
        counts[0], expected[0] = counts[0] + counts.pop(), expected[0] + expected.pop()
    assert chisquare(counts, np.array(expected) * (size / sum(expected))).pvalue > 1e-4


# ------------------------------------------------------------------------------------------------ what each is


def simple(graph: Graph, n: int, m: int) -> nx.Graph:
    """The graph, which has n nodes, m edges, no edge twice and none from a node to itself."""
    assert (graph.n, graph.m, len(graph.indices)) == (n, m, 2 * m)
    assert len({pair(u, v) for u, v in graph.edges() if u != v}) == m
    return graph.to_networkx()


@given(st.integers(1, 90), st.data())
def test_erdos_renyi_has_m_edges(n: int, data: st.DataObject) -> None:
    m = data.draw(st.one_of(st.integers(0, comb(n, 2)), st.sampled_from([0, comb(n, 2), comb(n, 2) // 2])))
    simple(erdos_renyi(n, m, data.draw(SEEDS)), n, m)


def test_erdos_renyi_joins_each_pair_as_often() -> None:
    """Far from the whole and near it; 80 nodes need more than one word."""
    for n, m, rounds in ((80, 300, 200), (80, 3_000, 40), (12, 33, 400)):
        seen = sum(erdos_renyi(n, m, seed).to_dense() for seed in range(rounds))
        chance = m / comb(n, 2)
        counts = seen[np.triu_indices(n, 1)]
        spread = ((counts - rounds * chance) ** 2).sum() / (rounds * chance * (1 - chance))
        assert abs(spread - len(counts)) < 5 * np.sqrt(2 * len(counts))


@given(st.integers(3, 90), CHANCES, st.data())
def test_watts_strogatz_keeps_its_edges_in_number(n: int, p: float, data: st.DataObject) -> None:
    k, seed = 2 * data.draw(st.integers(1, (n - 1) // 2)), data.draw(SEEDS)
    found = watts_strogatz(n, k, p, seed)
    graph = simple(found, n, n * k // 2)
    assert min(dict(graph.degree).values()) >= k // 2  # each node keeps the near end of its own
    if p == 0:
        assert found == as_graph(nx.circulant_graph(n, range(1, k // 2 + 1)))


@pytest.mark.parametrize("p", [0.01, 0.3, 0.8, 1.0])
def test_watts_strogatz_rewires_a_share_p(p: float) -> None:
    """An edge rewired can meet a place on the ring that is free again, one in about n / k."""
    n, k = 1_000, 6
    lattice = nx.circulant_graph(n, range(1, k // 2 + 1))
    kept = sum(lattice.has_edge(u, v) for u, v in watts_strogatz(n, k, p, 8).edges())
    m = n * k / 2
    assert abs(kept - m * (1 - p)) < 4 * np.sqrt(m * p * (1 - p)) + 3 * m * p * k / n


def test_watts_strogatz_may_fall_apart() -> None:
    whole = [nx.is_connected(watts_strogatz(30, 2, 1.0, seed).to_networkx()) for seed in range(20)]
    assert len(set(whole)) == 2


@given(st.integers(2, 90), SEEDS, st.data())
def test_each_new_node_brings_m_edges(n: int, seed: int, data: st.DataObject) -> None:
    m = data.draw(st.integers(1, n - 1))
    graph = simple(barabasi_albert(n, m, seed), n, m * (n - m))
    assert nx.is_connected(graph)
    assert sorted(graph.subgraph(range(m + 1)).edges) == [(0, leaf) for leaf in range(1, m + 1)]
    assert [sum(v < new for v in graph[new]) for new in range(m + 1, n)] == [m] * (n - m - 1)


def test_the_rich_get_richer() -> None:
    """A node's mean degree grows as sqrt(n / its place) (Barabasi and Albert), not as a logarithm."""
    n, m, rounds = 400, 2, 60
    degrees = sum(barabasi_albert(n, m, seed).degrees() for seed in range(rounds)) / rounds
    for place in (25, 100):
        around = degrees[place - 5 : place + 6].mean()
        assert around == pytest.approx(m * np.sqrt(n / place), rel=0.15)


@pytest.mark.parametrize("n", range(1, 15))
def test_harary_is_that_of_networkx(n: int) -> None:
    for m in range(n - 1, comb(n, 2) + 1):
        graph = harary(n, m)
        assert graph == as_graph(hnm_harary_graph(n, m))
        simple(graph, n, m)


def test_larger_harary_graphs_are_joined_as_strongly_as_can_be() -> None:
    for n, m in ((64, 63), (64, 64), (64, 100), (64, 257), (64, 2_016), (65, 163), (65, 227), (129, 500)):
        assert harary(n, m) == as_graph(hnm_harary_graph(n, m))
    for n, m in ((20, 33), (21, 53), (17, 60)):
        assert nx.node_connectivity(harary(n, m).to_networkx()) == 2 * m // n


# ------------------------------------------------------------------------------------------------ planted groups


def by_kind(graph: Graph, groups: np.ndarray) -> tuple[int, int]:
    """How many edges lie inside groups, and how many between them."""
    u, v = graph.edge_rows.T
    inside = int((groups[u] == groups[v]).sum())
    return inside, graph.m - inside


@given(st.integers(1, 60), st.data())
def test_groups_are_as_equal_as_can_be(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n))
    c_in, c_out = (data.draw(st.one_of(st.sampled_from([0, n]), st.floats(0, n))) for _ in "io")
    graph, groups = planted_partition(n, k, c_in, c_out, data.draw(SEEDS))
    assert (groups.dtype, groups.tolist()) == (np.int32, sorted(groups.tolist()))
    sizes = np.bincount(groups)
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)
    assert (len(sizes), sizes.sum()) == (k, n)
    assert sizes[0] - sizes[-1] <= 1
    simple(graph, n, graph.m)
    pairs = sum(comb(size, 2) for size in sizes.tolist())
    for found, c, most in zip(by_kind(graph, groups), (c_in, c_out), (pairs, comb(n, 2) - pairs), strict=True):
        assert found <= most
        assert c not in (0, n) or found == most * (c == n)


def test_each_pair_of_nodes_has_its_chance() -> None:
    n, rounds = 11, 3_000
    graphs = [planted_partition(n, 3, 6, 2, seed) for seed in range(rounds)]
    groups = graphs[0][1]
    u, v = np.triu_indices(n, 1)
    chance = np.where(groups[u] == groups[v], 6 / n, 2 / n)
    joined = np.array([graph.to_dense()[u, v] for graph, _ in graphs])
    spread = ((joined.sum(axis=0) - rounds * chance) ** 2 / (rounds * chance * (1 - chance))).sum()
    assert abs(spread - len(u)) < 4 * np.sqrt(2 * len(u))
    together = np.cov(joined.T)[np.triu_indices(len(u), 1)] * np.sqrt(rounds)  # one pair says nothing of another
    assert np.abs(together).max() < 4.5 * 0.25


@pytest.mark.parametrize(
    ("n", "k", "c_in", "c_out"), [(20_000, 20, 240, 8), (9_999, 4, 3, 13), (5_000, 5_000, 9, 9)]
)
def test_large_ones_have_their_mean_degrees(n: int, k: int, c_in: float, c_out: float) -> None:
    graph, groups = planted_partition(n, k, c_in, c_out, 1)
    sizes = np.bincount(groups)
    pairs = int((sizes * (sizes - 1) // 2).sum())
    for found, c, count in zip(by_kind(graph, groups), (c_in, c_out), (pairs, comb(n, 2) - pairs), strict=True):
        assert abs(found - count * c / n) <= 4 * np.sqrt(count * c / n)
    assert 2 * graph.m / n == pytest.approx((c_in + (k - 1) * c_out) / k, rel=0.03)


def test_too_few_draws_are_followed_by_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ceil", lambda _: -9)  # one step at a time
    assert planted_partition(9, 2, 9, 9, 0)[0] == as_graph(nx.complete_graph(9))
    found = [by_kind(*planted_partition(40, 2, 12, 4, seed)) for seed in range(60)]
    for mean, pairs, chance in zip(np.mean(found, axis=0), (380, 400), (0.3, 0.1), strict=True):
        assert abs(mean - pairs * chance) < 4 * np.sqrt(pairs * chance * (1 - chance) / 60)


def test_chances_that_are_next_to_nothing() -> None:
    for c in (5e-324, 1e-300, 1e-12):
        assert planted_partition(50, 2, c, c, 0)[0] == as_graph([], n=50)


# ------------------------------------------------------------------------------------------------ at the door


FLEX: dict[str, Callable[..., object]] = {"graph": ws_flex, "words": ws_flex_words}


@pytest.mark.parametrize("door", FLEX)
@pytest.mark.parametrize(
    ("n", "k", "p", "seed", "error", "said"),
    [
        (2, 2, 0.5, 0, ValueError, "n=2"),
        (0, 2, 0.5, 0, ValueError, "n=0"),
        (-5, 2, 0.5, 0, ValueError, "n=-5"),
        (10.0, 4, 0.5, 0, TypeError, "n=10.0"),
        ("10", 4, 0.5, 0, TypeError, "n='10'"),
        (True, 4, 0.5, 0, TypeError, "n=True"),
        (10, 1.99, 0.5, 0, ValueError, "k=1.99"),
        (10, 9.01, 0.5, 0, ValueError, "k=9.01"),
        (10, -4, 0.5, 0, ValueError, "k=-4"),
        (10, nan, 0.5, 0, ValueError, "k=nan"),
        (10, inf, 0.5, 0, ValueError, "k=inf"),
        (10, "4", 0.5, 0, TypeError, "k"),
        (10, 4j, 0.5, 0, TypeError, "k"),
        (10, 4, -1e-9, 0, ValueError, "p=-1e-09"),
        (10, 4, 1.5, 0, ValueError, "p=1.5"),
        (10, 4, nan, 0, ValueError, "p=nan"),
        (10, 4, "0", 0, TypeError, "p"),
        (10, 4, None, 0, TypeError, "p"),
        (10, 4, 0.5, -1, ValueError, "seed=-1"),
        (10, 4, 0.5, 1.0, TypeError, "seed=1.0"),
        (10, 4, 0.5, "1", TypeError, "seed='1'"),
        (10, 4, 0.5, True, TypeError, "seed=True"),
    ],
)
def test_what_no_ws_flex_graph_has_is_named(
    door: str, n: int, k: float, p: float, seed: int, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match="^" + re.escape(said)):
        FLEX[door](n, k, p, seed)


def test_words_hold_64_nodes() -> None:
    with pytest.raises(ValueError, match=r"^n=65"):
        ws_flex_words(65, 4, 0.5, 0)
    with pytest.raises(ValueError, match=r"k=9\.5"):
        ws_flex_words(10, [4, 5, 9.5], 0.5, 0)
    with pytest.raises(ValueError, match=r"p=-0\.5"):
        ws_flex_words(10, 4, [0.5, -0.5, 2], 0)
    with pytest.raises(ValueError, match="seed=-3"):
        ws_flex_words(10, 4, 0.5, [1, -3])
    with pytest.raises(ValueError, match="shape"):
        ws_flex_words(10, [4, 5, 6], [0.5, 0.6], 0)
    for seed in (2**64, [1, 2**70], [0.5], np.random.default_rng(0), None):
        with pytest.raises(TypeError, match="seed"):
            ws_flex_words(10, 4, 0.5, seed)
    assert ws_flex_words(10, [], [], []).shape == (0, 10)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: watts_strogatz(10, 3, 0.5, 0), ValueError, "k=3"),
        (lambda: watts_strogatz(10, 10, 0.5, 0), ValueError, "k=10"),
        (lambda: watts_strogatz(9, -2, 0.5, 0), ValueError, "k=-2"),
        (lambda: watts_strogatz(9, 4.0, 0.5, 0), TypeError, "k=4.0"),
        (lambda: watts_strogatz(9.0, 4, 0.5, 0), TypeError, "n=9.0"),
        (lambda: watts_strogatz(9, 4, 1.01, 0), ValueError, "p=1.01"),
        (lambda: watts_strogatz(9, 4, nan, 0), ValueError, "p=nan"),
        (lambda: watts_strogatz(9, 4, "1", 0), TypeError, "p='1'"),
        (lambda: watts_strogatz(9, 4, 0.5, -1), ValueError, "seed=-1"),
        (lambda: erdos_renyi(5, 11, 0), ValueError, "m=11"),
        (lambda: erdos_renyi(5, -1, 0), ValueError, "m=-1"),
        (lambda: erdos_renyi(5, 2.0, 0), TypeError, "m=2.0"),
        (lambda: erdos_renyi(-1, 0, 0), ValueError, "n=-1"),
        (lambda: erdos_renyi("5", 0, 0), TypeError, "n='5'"),
        (lambda: erdos_renyi(5, 4, "seed"), TypeError, "seed='seed'"),
        (lambda: barabasi_albert(5, 0, 0), ValueError, "m=0"),
        (lambda: barabasi_albert(5, 5, 0), ValueError, "[nm]=5"),
        (lambda: barabasi_albert(5, 2.5, 0), TypeError, "m=2.5"),
        (lambda: barabasi_albert(1, 1, 0), ValueError, "[nm]=1"),
        (lambda: barabasi_albert(5, 2, -7), ValueError, "seed=-7"),
        (lambda: harary(5, 3), ValueError, "m=3"),
        (lambda: harary(5, 11), ValueError, "m=11"),
        (lambda: harary(0, 0), ValueError, "n=0"),
        (lambda: harary(5, 5.0), TypeError, "m=5.0"),
        (lambda: harary(5.5, 5), TypeError, "n=5.5"),
        (lambda: planted_partition(0, 1, 0, 0, 0), ValueError, "n=0"),
        (lambda: planted_partition(5, 6, 1, 1, 0), ValueError, "k=6: 1 to 5"),
        (lambda: planted_partition(5, 0, 1, 1, 0), ValueError, "k=0"),
        (lambda: planted_partition(5, 2, 5.1, 1, 0), ValueError, "c_in=5.1: 5 times a probability, from 0 to 5"),
        (lambda: planted_partition(5, 2, 1, -1, 0), ValueError, "c_out=-1"),
        (lambda: planted_partition(5, 2, nan, 1, 0), ValueError, "c_in=nan"),
        (lambda: planted_partition(5, 2, 1, "1", 0), TypeError, "c_out='1'"),
        (lambda: planted_partition(5, 2, 1, 1, "x"), TypeError, "seed='x'"),
    ],
)
def test_what_the_others_cannot_be_is_named(call: Callable[[], object], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match="^" + said):
        call()


def test_the_smallest_of_each(speed: str) -> None:
    assert ws_flex(3, 2, 1, 0) == watts_strogatz(3, 2, 1, 0) == as_graph(nx.complete_graph(3))
    assert erdos_renyi(1, 0, 0) == harary(1, 0) == as_graph([], n=1)
    assert erdos_renyi(2, 1, 0) == barabasi_albert(2, 1, 0) == harary(2, 1) == as_graph([(0, 1)], n=2)
    assert barabasi_albert(7, 6, 4) == as_graph(nx.star_graph(6))
