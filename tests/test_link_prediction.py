"""Hidden edges against networkx: what is left, what hangs together, and that each pair is as likely as another."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chisquare
from strategies import graphs

from lessons import Graph, as_graph
from lessons.errors import InfeasibleError
from lessons.link_prediction import _distinct, hide_edges, link_scores

SHARES = st.floats(0.01, 0.99)
SEEDS = st.integers(0, 2**32)


@st.composite
def dense_graphs(draw):
    """Graphs with as many cycles as a chance allows: with and without weights, loops and text for labels."""
    n, share = draw(st.integers(3, 9)), draw(st.floats(0.4, 1))
    rng = np.random.default_rng(draw(SEEDS))
    nodes = [f"node {row}" for row in rng.permutation(n)] if draw(st.booleans()) else list(range(n))
    loops = draw(st.booleans())
    edges = [(u, v) for row, u in enumerate(nodes) for v in nodes[row + (not loops) :] if rng.random() < share]
    if draw(st.booleans()):
        edges = [
            (*edge, weight) for edge, weight in zip(edges, rng.integers(-2, 3, len(edges)).tolist(), strict=True)
        ]
    return as_graph(edges, nodes=nodes)


GRAPHS = st.one_of(graphs(directed=False, max_nodes=9), dense_graphs())


def outside_of_a_forest(graph: Graph) -> int:
    """How many edges can be hidden: all but the self-loops and, of each component, one edge less than nodes."""
    other = graph.to_networkx()
    loops = nx.number_of_selfloops(other)
    return other.number_of_edges() - loops - (len(other) - nx.number_connected_components(other))


def pairs_without_an_edge(graph: Graph) -> set[tuple]:
    edges = set(graph.edges())
    return {pair for pair in combinations(graph.nodes, 2) if pair not in edges}


def possible(graph: Graph, part: float) -> int:
    """Some number of edges that can be hidden; none that can be rejects the graph."""
    most = min(outside_of_a_forest(graph), len(pairs_without_an_edge(graph)))
    assume(most > 0)
    return min(1 + int(part * most), most)


@given(dense_graphs(), SHARES, SEEDS)
def test_what_is_left_hidden_and_absent(graph, share, seed):
    count = possible(graph, share)
    share, absent = count / graph.m, pairs_without_an_edge(graph)
    task = hide_edges(graph, share, seed=seed)
    assert len(set(task.hidden)) == len(task.hidden) == len(set(task.absent)) == len(task.absent) == count
    assert set(task.absent) <= absent
    whole, left = graph.to_networkx(), task.graph.to_networkx()
    assert nx.number_connected_components(left) == nx.number_connected_components(whole)
    assert not any(u == v for u, v in task.hidden)
    assert set(task.hidden) <= set(graph.edges())
    whole.remove_edges_from(task.hidden)
    assert task.graph.nodes == graph.nodes
    assert nx.utils.graphs_equal(left, whole), "weights too"
    assert task.graph == as_graph(left), "its arrays are canonical"


@given(dense_graphs(), SEEDS)
def test_all_that_can_be_hidden_is_hidden_at_last(graph, seed):
    """And one more is not, whatever the graph."""
    most = min(outside_of_a_forest(graph), len(pairs_without_an_edge(graph)))
    assume(most > 0)
    task = hide_edges(graph, most / graph.m, seed=seed)
    assert len(task.hidden) == len(task.absent) == most
    assume(most + 1 < graph.m)
    with pytest.raises(InfeasibleError, match="Take a smaller share"):
        hide_edges(graph, (most + 1) / graph.m, seed=seed)


@given(dense_graphs(), SHARES)
def test_the_same_seed_gives_the_same_answer(graph, share):
    share = possible(graph, share) / graph.m
    first = hide_edges(graph, share, seed=5)
    assert hide_edges(graph, share, seed=5) == first
    assert hide_edges(graph.to_networkx(), share, seed=5) == first


def test_an_answer_that_is_the_same_on_every_machine():
    task = hide_edges(nx.karate_club_graph(), 0.05, seed=7)
    assert repr(task) == "HiddenEdges(Graph(n=34, m=74, undirected, weighted), hidden=4, absent=4)"
    assert task.hidden == [(27, 33), (2, 9), (23, 32), (32, 33)]
    assert task.absent == [(4, 29), (5, 7), (4, 25), (10, 28)]
    assert hide_edges(nx.karate_club_graph(), 0.05, seed=8) != task


def test_labels_and_weights_are_the_callers():
    graph = as_graph(
        [("b", "a", 2.0), ("a", "c", 0.0), ("c", "b", -1.5), ("c", "c", 4.0), ("b", "d", 1.0)], nodes="dcba"
    )
    for seed in range(20):
        task = hide_edges(graph, 0.2, seed=seed)
        assert task.hidden[0] in {("b", "a"), ("c", "a"), ("c", "b")}, "the smaller row first, no loop, no bridge"
        assert task.absent[0] in {("d", "c"), ("d", "a")}
        weights = graph.by_edge(graph.edge_weights)
        del weights[task.hidden[0]]
        assert task.graph.by_edge(task.graph.edge_weights) == weights


@pytest.mark.parametrize(("graph", "share"), [(nx.complete_graph(3), 0.1), (nx.empty_graph(0), 0.5)])
def test_a_share_that_comes_to_no_edge_is_refused(graph, share):
    with pytest.raises(ValueError, match=f"share={share}.*less than one: take a larger share"):
        hide_edges(graph, share)


# ---------------------------------------------------------------------------------------- as likely as another


def as_likely(found, choices):
    """Whether counts of what was found could come from equal chances; for fixed seeds, so the answer stands."""
    counts = Counter(found)
    assert set(counts) <= set(choices)
    return chisquare([counts[choice] for choice in choices]).pvalue > 0.01


def test_of_a_ring_each_edge_and_each_pair_is_as_likely():
    ring = as_graph(nx.cycle_graph(6))
    tasks = [hide_edges(ring, 1 / 6, seed=seed) for seed in range(1800)]
    assert as_likely([task.hidden[0] for task in tasks], ring.edges())
    assert as_likely([task.absent[0] for task in tasks], sorted(pairs_without_an_edge(ring)))


def test_the_first_of_many_is_as_likely_as_any():
    """Two times three nodes, each joined to the three others: all nine edges and all six pairs are alike."""
    graph = as_graph(nx.complete_bipartite_graph(3, 3))
    tasks = [hide_edges(graph, 4 / 9, seed=seed) for seed in range(1800)]
    assert as_likely([task.hidden[0] for task in tasks], graph.edges())
    assert as_likely([task.hidden[-1] for task in tasks], graph.edges())
    pairs = sorted(pairs_without_an_edge(graph))
    assert as_likely([task.absent[0] for task in tasks], pairs)
    assert as_likely([task.absent[-1] for task in tasks], pairs)


@pytest.mark.parametrize(("count", "below"), [(2, 4), (2, 9), (3, 5), (1, 4)])
def test_different_numbers_in_each_order_are_as_likely(count, below):
    """Few of many are drawn until they differ; many of few are put in order."""
    found = [tuple(_distinct(key, 0, count, below).tolist()) for key in range(4000)]
    assert as_likely(found, list(permutations(range(below), count)))


@pytest.mark.parametrize("n", [2_000, 70_000])
def test_among_many_pairs(n):
    rng = np.random.default_rng(n)
    graph = as_graph(rng.integers(0, n, (2 * n, 2)), n=n, parallel="max")
    task = hide_edges(graph, 0.3, seed=1)
    edges, hidden = set(graph.edges()), set(task.hidden)
    assert len(hidden) == len(set(task.absent)) == round(0.3 * graph.m)
    assert hidden <= edges
    assert not edges & set(task.absent)
    assert edges - hidden == set(task.graph.edges())
    u, v = np.array(task.absent).T
    assert (u < v).all()
    count = len(u)  # the smaller of two of n rows is n / 3 on average, and spreads by n / sqrt(18)
    assert abs(u.mean() - n / 3) < 4 * n / np.sqrt(18 * count)
    assert abs(v.mean() - 2 * n / 3) < 4 * n / np.sqrt(18 * count)


# ---------------------------------------------------------------------------------------- refused


def test_too_few_edges_outside_of_a_forest():
    kite = as_graph([(0, 1), (1, 2), (2, 3), (3, 0), (1, 3), (4, 5), (5, 5)], n=6)
    message = (
        "3 of 7 edges cannot be hidden: a spanning forest and self-loops stay, and only 2 edges are in neither"
    )
    with pytest.raises(InfeasibleError, match=message):
        hide_edges(kite, 3 / 7)


def test_too_few_pairs_without_an_edge():
    graph = nx.complete_graph(5)
    graph.remove_edge(0, 1)
    with pytest.raises(InfeasibleError, match=r"2 pairs without an edge are needed, .* only 1 among 5 nodes"):
        hide_edges(graph, 2 / 9)
    assert hide_edges(graph, 1 / 9).absent == [(0, 1)]


def test_a_directed_graph_is_refused():
    with pytest.raises(ValueError, match=r"directed: pass as_graph\(...\).to_undirected\(\)"):
        hide_edges(as_graph([(0, 1)], n=2, directed=True), 0.5)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan"), float("inf")])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(ValueError, match=f"share={share!r}: above 0 and below 1"):
        hide_edges(nx.cycle_graph(4), share)


@pytest.mark.parametrize("share", [True, "0.5", None])
def test_a_share_is_a_number(share):
    with pytest.raises(TypeError, match=f"share={share!r}: a number is needed"):
        hide_edges(nx.cycle_graph(4), share)


def test_a_seed_is_checked():
    with pytest.raises(ValueError, match="seed=-1: zero or more"):
        hide_edges(nx.cycle_graph(4), 0.25, seed=-1)


# ---------------------------------------------------------------------------------------- rules


@given(GRAPHS)
def test_rules_are_networkx_s(graph):
    plain = nx.Graph(graph.to_networkx().edges())
    plain.add_nodes_from(graph.nodes)
    plain.remove_edges_from(list(nx.selfloop_edges(plain)))
    pairs = list(permutations(graph.nodes, 2))
    found = link_scores(graph, pairs)
    steps = dict(nx.all_pairs_shortest_path_length(plain))
    A = nx.to_numpy_array(plain, graph.nodes)
    threes = np.linalg.matrix_power(A, 3)
    place = {node: row for row, node in enumerate(graph.nodes)}
    known = {
        "common neighbours": [len(list(nx.common_neighbors(plain, u, v))) for u, v in pairs],
        "Adamic-Adar": [score for *_, score in nx.adamic_adar_index(plain, pairs)],
        "paths of three": [threes[place[u], place[v]] for u, v in pairs],
        "fewest steps": [-steps[u].get(v, graph.n) for u, v in pairs],
        "degrees": [score for *_, score in nx.preferential_attachment(plain, pairs)],
    }
    for rule, scores in known.items():
        assert found[rule] == pytest.approx(np.array(scores, float)), rule


@given(GRAPHS.filter(lambda graph: graph.n > 0))
def test_the_rule_of_pagerank_counts_visits(graph):
    """From u, by the sum over steps; a walk ends where no edge leads on."""
    A = np.zeros((graph.n, graph.n))
    for u, v in graph.edge_rows:
        A[u, v] = A[v, u] = 1.0
    np.fill_diagonal(A, 0.0)
    P = 0.85 * A / np.maximum(A.sum(axis=1, keepdims=True), 1)
    visits, step = np.zeros_like(P), np.eye(graph.n)
    for _ in range(200):
        visits, step = visits + step, step @ P
    pairs = [(u, v) for u in graph.nodes for v in graph.nodes]
    assert link_scores(graph, pairs)["PageRank"] == pytest.approx((visits + visits.T).ravel(), abs=1e-9)


def test_rules_of_no_pair_and_of_wrong_graphs():
    assert all(len(scores) == 0 for scores in link_scores(nx.path_graph(3), []).values())
    with pytest.raises(KeyError, match="b"):
        link_scores(as_graph([("a", "c")], nodes="ac"), [("a", "b")])
    with pytest.raises(ValueError, match="to_undirected"):
        link_scores(nx.DiGraph([(0, 1)]), [(0, 1)])
    with pytest.raises(ValueError, match="5,001 nodes"):
        link_scores(nx.path_graph(5_001), [(0, 1)])
