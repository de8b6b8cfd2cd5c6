"""Shuffles that keep degrees: what is kept, what is reached, and that all of it is as likely."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare
from speeds import chooser, each_speed
from strategies import graphs

import lessons.compiled.graph_shuffles as kernels
from lessons import Graph, _rng, as_graph, graph_shuffles
from lessons.graph_shuffles import degree_preserving_shuffle
from lessons.neurons import neuron_graph

choose = chooser(kernels, graph_shuffles)
speed = each_speed(choose)


def by_python(graph, swaps, within, seed):
    """The same, step by step: who may swap with whom is asked of all, and what is there is read anew each time."""
    rows = graph.edge_rows.tolist()
    classes = [0] * graph.n if within is None else list(within)
    loose = [i for i, (u, v) in enumerate(rows) if u != v]
    if not graph.directed:
        for i in loose:
            rows[i].sort(key=classes.__getitem__)
    kind = {i: tuple(classes[u] for u in rows[i]) for i in loose}
    loose.sort(key=lambda i: kind[i])
    alike = {i: [j for j in loose if kind[j] == kind[i]] for i in loose}

    def name(u, v):
        return (u, v) if graph.directed else frozenset((u, v))

    stream = _rng.start(_rng.key_of(seed), 0)
    for step in range(round(swaps * len(loose))):
        pick, other, turn = (_rng.uniform(stream, 3 * step + draw) for draw in range(3))
        i = loose[int(pick * len(loose))]
        j = alike[i][int(other * len(alike[i]))]
        (a, b), (c, d) = rows[i], rows[j]
        if not graph.directed and kind[i][0] == kind[i][1] and turn < 0.5:
            c, d = d, c
        there = {name(*row) for row in rows}
        if a != d and c != b and not {name(a, d), name(c, b)} & there:
            rows[i], rows[j] = [a, d], [c, b]
    weights = graph.edge_weights.tolist()
    edges = [(u, v) if graph.weights is None else (u, v, w) for (u, v), w in zip(rows, weights, strict=True)]
    made = as_graph(edges, n=graph.n, directed=graph.directed)
    return Graph(made.indptr, made.indices, made.weights, directed=made.directed, labels=graph.nodes)


def larger(number):
    """Twelve nodes with edges enough to swap, and classes that lie in no order."""
    rng = np.random.default_rng(number)
    ends = rng.integers(0, 12, (24, 2)).tolist()
    weights = rng.integers(1, 9, (24, 1)).tolist()
    edges = [(*end, *weight) for end, weight in zip(ends, weights, strict=True)] if number % 2 else ends
    graph = as_graph(edges, n=12, directed=number % 4 > 1, parallel="max")
    return graph, rng.choice([0.1, 1, 10]), rng.integers(0, 3, 12).tolist() if number % 3 else None, number


@st.composite
def any_kind(draw: st.DrawFn):
    graph = draw(graphs(max_nodes=9))
    classes = st.lists(st.integers(-1, 1), min_size=graph.n, max_size=graph.n)
    return graph, draw(st.sampled_from([0, 0.5, 3, 10.0])), draw(st.none() | classes), draw(st.integers(0, 99))


def tasks():
    return st.integers(0, 10_000).map(larger) | any_kind()


@given(tasks())
def test_both_speeds_are_the_definition(task):
    graph, swaps, within, seed = task
    wanted = by_python(graph, swaps, within, seed)
    for way in ("definition", "compiled"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                graph_shuffles, "compiled", lambda *_, way=way, **__: kernels if way == "compiled" else None
            )
            assert degree_preserving_shuffle(graph, swaps=swaps, within=within, seed=seed) == wanted


@given(tasks())
def test_what_is_kept(task):
    graph, swaps, within, seed = task
    shuffled = degree_preserving_shuffle(graph, swaps=swaps, within=within, seed=seed)
    assert (shuffled.m, shuffled.directed, shuffled.nodes) == (graph.m, graph.directed, graph.nodes)
    assert (shuffled.weights is None) == (graph.weights is None)
    assert sorted(shuffled.edge_weights) == sorted(graph.edge_weights)
    assert loops(shuffled) == loops(graph)
    classes = np.zeros(graph.n, int) if within is None else np.array(within, int)
    for one in set(classes.tolist()):
        here = classes == one
        A, B = (there(each) for each in (graph, shuffled))
        assert (A[:, here].sum(axis=1) == B[:, here].sum(axis=1)).all()
        assert (A[here].sum(axis=0) == B[here].sum(axis=0)).all()
    if graph.directed:  # quarters add up exactly
        assert (graph.to_dense().sum(axis=1) == shuffled.to_dense().sum(axis=1)).all()


def there(graph):
    return Graph(graph.indptr, graph.indices, directed=graph.directed).to_dense()


def loops(graph):
    return {edge: weight for edge, weight in graph.by_edge(graph.edge_weights).items() if edge[0] == edge[1]}


# ------------------------------------------------------------------------------------------------ the chances


def simple(n, degrees):
    """All undirected graphs of these degrees."""
    pairs = list(combinations(range(n), 2))
    found = combinations(pairs, sum(degrees) // 2)
    wanted = Counter(dict(enumerate(degrees)))
    return [edges for edges in found if Counter(v for edge in edges for v in edge) == wanted]


def derangements(n):
    """All directed graphs without self-loops in which each node has one edge out and one in."""
    found = permutations(range(n))
    return [tuple(enumerate(to)) for to in found if all(v != w for v, w in enumerate(to))]


UNEVEN, EVEN = simple(6, [3, 2, 2, 1, 1, 1]), simple(6, [2] * 6)  # EVEN: 60 rings, 10 pairs of triangles
LAYERED = [tuple((u, 4 + v) for u, v in enumerate(to)) for to in permutations(range(4))]


@pytest.mark.parametrize(
    ("n", "possible", "directed", "within"),
    [
        (6, UNEVEN, False, None),
        (6, EVEN, False, None),
        (4, derangements(4), True, None),
        (8, LAYERED, True, [0] * 4 + [1] * 4),
        (8, LAYERED, False, [1] * 4 + [0] * 4),
    ],
)
def test_all_graphs_of_these_degrees_are_as_likely(n, possible, directed, within, speed):
    graph = as_graph(list(possible[0]), n=n, directed=directed)
    made = [degree_preserving_shuffle(graph, swaps=12, within=within, seed=seed) for seed in range(1500)]
    counts = Counter(tuple(each.edges()) for each in made)
    assert set(counts) == {tuple(sorted(edges)) for edges in possible}
    assert chisquare(list(counts.values())).pvalue > 1e-3


# ------------------------------------------------------------------------------------------------ what stays


@pytest.mark.parametrize(
    "source",
    [
        nx.star_graph(5),
        nx.complete_graph(5),
        nx.cycle_graph(
            3, create_using=nx.DiGraph
        ),  # turned round it has the same degrees, but no swap leads there
        nx.empty_graph(4),
        nx.empty_graph(0),
        nx.path_graph(2),
        nx.Graph([(0, 0), (1, 1), (0, 1)]),
    ],
)
def test_graphs_without_another_stay(source, speed):
    graph = as_graph(source)
    assert degree_preserving_shuffle(graph, seed=1) == graph


def test_two_full_layers_stay(speed):
    graph = as_graph(nx.complete_bipartite_graph(2, 4))
    assert degree_preserving_shuffle(graph, within=[0, 0, 1, 1, 1, 1], seed=1) == graph


def test_layers_stay_layers(speed):
    rng = np.random.default_rng(3)
    graph = neuron_graph([rng.random(shape) * (rng.random(shape) < 0.3) for shape in ((20, 30), (10, 20))])
    layer = [k for k, _ in graph.nodes]
    shuffled = degree_preserving_shuffle(graph, within=layer, seed=0)
    assert shuffled != graph
    assert all(v[0] == u[0] + 1 for u, v in shuffled.edges())
    assert {u[0] for u, _ in shuffled.edges()} == {0, 1}
    without = degree_preserving_shuffle(graph, seed=0)
    assert not all(v[0] == u[0] + 1 for u, v in without.edges())


def test_weights_stay_with_their_source(speed):
    graph = as_graph([(0, 1, 5.0), (2, 3, 7.0)], n=4, directed=True)
    ends = {tuple(degree_preserving_shuffle(graph, seed=seed).edges()) for seed in range(8)}
    assert ends == {((0, 1), (2, 3)), ((0, 3), (2, 1))}
    for seed in range(8):
        assert degree_preserving_shuffle(graph, seed=seed).to_dense().sum(axis=1).tolist() == [5, 0, 7, 0]


def test_little_is_left_of_a_random_graph(speed):
    graph = as_graph(nx.gnm_random_graph(60, 200, seed=1))
    shuffled = degree_preserving_shuffle(graph, seed=0)
    both = set(graph.edges()) & set(shuffled.edges())
    assert 10 < len(both) < 45  # 200 of 1770 pairs: 23 by chance
    assert degree_preserving_shuffle(graph, swaps=0, seed=0) == graph
    once = degree_preserving_shuffle(graph, swaps=1 / 200, seed=4)
    assert len(set(graph.edges()) - set(once.edges())) == 2


def test_seeds():
    graph = as_graph(nx.cycle_graph(12))
    again = [degree_preserving_shuffle(graph, seed=seed) for seed in (3, 3, np.random.default_rng(3), 4)]
    assert again[0] == again[1]
    assert len(set(again)) == 3
    assert degree_preserving_shuffle(graph, seed=None) != degree_preserving_shuffle(graph, seed=None)
    assert degree_preserving_shuffle(graph) == degree_preserving_shuffle(nx.cycle_graph(12), seed=0)
    first, then = [(0, 1), (0, 4), (1, 2), (2, 4), (3, 9), (3, 10)], [(5, 6), (5, 11), (6, 7), (7, 8)]
    assert again[0].edges() == [*first, *then, (8, 11), (9, 10)]  # today and in every later version


def test_the_compiled_way_is_taken_where_it_pays(monkeypatch):
    asked = []
    monkeypatch.setattr(graph_shuffles, "compiled", lambda room, *, when: asked.append((room, when)))
    monkeypatch.setattr(graph_shuffles, "COMPILED_FROM", 120)
    degree_preserving_shuffle(nx.cycle_graph(12), seed=0)
    degree_preserving_shuffle(nx.cycle_graph(11), seed=0)
    assert asked == [("graph_shuffles", True), ("graph_shuffles", False)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"swaps": -1}, ValueError, "swaps=-1: a finite number, zero or more"),
        ({"swaps": np.nan}, ValueError, "swaps=nan"),
        ({"swaps": "many"}, TypeError, "swaps='many': a number is needed"),
        ({"within": [0, 1]}, ValueError, r"within of shape \(2,\) for 4 nodes: a class for each is needed"),
        ({"within": np.zeros((4, 1), int)}, ValueError, r"within of shape \(4, 1\)"),
        ({"within": [0.5] * 4}, TypeError, "within of type float64: a whole number for each node is needed"),
        ({"within": {0: 1}}, TypeError, "within by node"),
        ({"within": ["a"] * 4}, TypeError, "within is text: np.unique"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"seed": "x"}, TypeError, "seed='x'"),
    ],
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        degree_preserving_shuffle(nx.path_graph(4), **options)
