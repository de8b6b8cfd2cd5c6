"""What a partition costs, against plain definitions, networkx and whole numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, as_graph
from lessons.cuts import (
    HEAVIEST,
    communication_volume,
    communication_volume_definition,
    edge_cut,
    edge_cut_definition,
    heaviest_allowed,
    imbalance,
    part_weights,
    parts_of,
    weights_of,
)
from lessons.datasets import grid_graph

WEIGHTS = st.integers(0, 12).map(lambda quarters: quarters / 4)  # their sums are exact in any order
MEASURES = [edge_cut, part_weights, imbalance, communication_volume]


@st.composite
def cuts(draw: st.DrawFn, max_parts: int = 4) -> tuple[Graph, np.ndarray, np.ndarray]:
    """An undirected graph, a part and a weight for each of its nodes."""
    graph = draw(graphs(directed=False, weight=WEIGHTS))
    parts, weights = (
        draw(st.lists(st.integers(0, most), min_size=graph.n, max_size=graph.n)) for most in (max_parts - 1, 9)
    )
    return graph, np.array(parts, np.int64), np.array(weights, np.int64)


# ---------------------------------------------------------------------------------------- the measures


@given(cuts())
def test_the_cut_is_its_definition(case):
    graph, parts, _ = case
    found = edge_cut(graph, parts)
    assert type(found) is float
    assert found == edge_cut_definition(graph, parts)
    A = graph.to_scipy().toarray()
    assert 2 * found == sum(A[i, j] for i in range(graph.n) for j in range(graph.n) if parts[i] != parts[j])


@given(cuts())
def test_the_volume_is_its_definition(case):
    graph, parts, _ = case
    found = communication_volume(graph, parts)
    assert type(found) is int
    assert found == communication_volume_definition(graph, parts)
    neighbours = graph.to_networkx().adj  # an edge of weight 0 is an edge: its value is sent
    part = dict(zip(graph.nodes, parts.tolist(), strict=True))
    assert found == len({(u, part[v]) for u in graph.nodes for v in neighbours[u] if part[v] != part[u]})


@given(cuts())
def test_two_parts_are_a_cut_of_networkx(case):
    graph, parts, _ = case
    side = {node for node, part in zip(graph.nodes, parts, strict=True) if part == 0}
    network = graph.to_networkx()
    for u, v in network.edges:
        network.edges[u, v].setdefault("weight", 1.0)
    assert edge_cut(graph, np.minimum(parts, 1)) == nx.cut_size(network, side, set(network) - side, "weight")


@given(cuts(), st.integers(0, 3))
def test_weights_of_parts_and_the_imbalance(case, spare):
    graph, parts, weights = case
    k = int(parts.max(initial=-1)) + 1
    by_hand = [sum(w for w, part in zip(weights.tolist(), parts, strict=True) if part == p) for p in range(k)]
    assert part_weights(graph, parts, vertex_weights=weights).tolist() == by_hand
    assert part_weights(graph, parts).tolist() == [int((parts == p).sum()) for p in range(k)]
    if k + spare:
        by_hand += [0] * spare
        share = math.ceil(Fraction(sum(by_hand), k + spare))
        wanted = Fraction(max(by_hand), share) - 1 if share else 0
        assert imbalance(graph, parts, k + spare, vertex_weights=weights) == float(wanted)
        assert part_weights(graph, parts, k + spare, vertex_weights=weights).tolist() == by_hand
    if not spare:
        assert imbalance(graph, parts, vertex_weights=weights) == (float(wanted) if k else 0.0)


@given(cuts(), st.randoms(use_true_random=False))
def test_names_of_parts_and_order_of_nodes_do_not_matter(case, random):
    graph, parts, weights = case
    named = np.array(random.sample(range(10), 4))[parts]
    order = random.sample(range(graph.n), graph.n)
    edges = [(*edge, w) for edge, w in zip(graph.edges(), graph.edge_weights, strict=True)]
    turned = as_graph(edges, nodes=[graph.nodes[i] for i in order])
    assert edge_cut(turned, named[order]) == edge_cut(graph, parts)
    assert communication_volume(turned, named[order]) == communication_volume(graph, parts)
    heavy = part_weights(turned, named[order], vertex_weights=weights[order]).max(initial=0)
    assert heavy == part_weights(graph, parts, vertex_weights=weights).max(initial=0)


@pytest.mark.parametrize("measure", MEASURES)
def test_whatever_describes_a_graph_is_taken_and_left_as_it_is(measure):
    network = nx.les_miserables_graph()
    before, parts = nx.Graph(network), np.arange(77) % 3
    wanted = measure(as_graph(network), parts)
    for source in (network, nx.to_scipy_sparse_array(network), sp.coo_matrix(nx.to_numpy_array(network))):
        assert np.array_equal(measure(source, parts.tolist()), wanted)
    assert nx.utils.graphs_equal(network, before)
    assert parts.tolist() == [i % 3 for i in range(77)]


def test_graphs_with_little_in_them():
    empty, alone = as_graph([], n=0), as_graph([], n=1)
    assert (edge_cut(empty, []), communication_volume(empty, []), imbalance(empty, [])) == (0.0, 0, 0.0)
    assert part_weights(empty, []).tolist() == []
    assert part_weights(empty, [], 2).tolist() == [0, 0]
    assert (edge_cut(alone, [0]), communication_volume(alone, [0]), imbalance(alone, [0])) == (0.0, 0, 0.0)
    assert imbalance(alone, [0], vertex_weights=[0]) == 0.0
    assert imbalance(alone, [1]) == 0.0  # a share of half a node is one node


def test_loops_are_never_cut_and_nothing_is_sent_along_them():
    graph = as_graph([(0, 0, 8.0), (0, 1, 2.0), (1, 1, 4.0)], n=2)
    assert edge_cut(graph, [0, 1]) == 2.0
    assert communication_volume(graph, [0, 1]) == 2


def test_a_grid_in_quarters():
    grid = grid_graph(4, 4)
    halves = np.tile([0, 0, 1, 1], 4)
    assert (edge_cut(grid, halves), communication_volume(grid, halves), imbalance(grid, halves)) == (4.0, 8, 0.0)
    parts = np.kron([[0, 1], [2, 3]], np.ones((2, 2), int)).ravel()
    assert (edge_cut(grid, parts), communication_volume(grid, parts), imbalance(grid, parts)) == (8.0, 16, 0.0)


def test_many_parts_do_not_run_over():
    """Node and part as one number need more than 32 bits."""
    n = 70_000
    path = as_graph(np.column_stack([np.arange(n - 1), np.arange(1, n)]), n=n)
    assert communication_volume(path, np.arange(n) % 2**16) == 2 * (n - 1)
    assert part_weights(path, np.arange(n)).tolist() == [1] * n


def test_weights_near_the_limit_stay_whole():
    """Summed as float64, 2^53 - 1 and 1 would be fine, and the sums of three such parts not told apart."""
    path = as_graph([(0, 1), (1, 2)], n=3)
    weights = [2**52 + 1, 2**52 - 3, 2]
    assert part_weights(path, [0, 1, 1], vertex_weights=weights).tolist() == [2**52 + 1, 2**52 - 1]
    assert heaviest_allowed(np.array(weights), 2, 0) == 2**52 + 1


def test_what_is_just_within_is_told_as_it_is_asked():
    """103 / 100 - 1 is above 0.03 in float64; the imbalance that is reported is not."""
    star = as_graph([], n=2)
    for share, spare in [(100, 3), (1000, 1), (10, 7), (100, 29)]:
        told = imbalance(star, [0, 1], vertex_weights=[share + spare, share - spare])
        assert told == spare / share


# ---------------------------------------------------------------------------------------- L_max


@pytest.mark.parametrize(
    ("weights", "k", "spare", "wanted"),
    [
        ([1] * 100, 1, 0.03, 103),  # 1.03 * 100 is 103.0 in float64, 0.07 * 100 is 7.000000000000001
        ([1] * 100, 1, 0.07, 107),
        ([1] * 100, 1, 0.29, 129),  # 0.29 * 100 is 28.999999999999996
        ([1] * 100, 1, 0.57, 157),
        ([1] * 100, 3, 0.0, 34),
        ([1] * 100, 3, 0.03, 35),  # floor(35.02)
        ([1] * 10, 10, 0.99, 1),
        ([5, 1, 1], 3, 0.0, 5),  # the heaviest vertex, though a share is 3
        ([0, 0], 2, 0.5, 0),
        ([], 1, 0.5, 0),
        ([3], 2, 1, 4),
        ([2**52, 2**52], 2, 0, 2**52),
        ([2**52 - 1, 2**52], 2, 0.5, 2**52 + 2**51),
        ([10**15] * 9, 1, 0.001, 9 * 10**15 + 9 * 10**12),
        ([7] * 10, 1, 1e-300, 70),
    ],
)
def test_the_heaviest_part_allowed(weights, k, spare, wanted):
    found = heaviest_allowed(np.array(weights, np.int64), k, spare)
    assert found == wanted
    assert type(found) is int


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=9), st.integers(1, 9), st.integers(0, 2000))
def test_the_heaviest_part_allowed_in_whole_numbers(weights, k, thousandths):
    share = -(-sum(weights) // k)
    wanted = max((1000 + thousandths) * share // 1000, *weights)
    for spare in (thousandths / 1000, np.float64(thousandths / 1000), Fraction(thousandths, 1000)):
        assert heaviest_allowed(np.array(weights), k, spare) == wanted


# ---------------------------------------------------------------------------------------- at the door

PATH = as_graph([("a", "b"), ("b", "c")], nodes=["a", "b", "c"])


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("parts", "kind", "problem"),
    [
        ([0, 1], ValueError, r"parts of shape \(2,\) for 3 nodes: one for each is needed"),
        ([[0, 1, 1]], ValueError, r"parts of shape \(1, 3\) for 3 nodes"),
        ([0, -1, 1], ValueError, "node 'b' is in part -1: a whole number from 0 on is needed"),
        ([0, 1, 0.5], ValueError, "node 'c' is in part 0.5: a whole number from 0 on is needed"),
        ([math.nan, 1, 1], ValueError, "node 'a' is in part nan"),
        ([0, math.inf, 1], ValueError, "node 'b' is in part inf"),
        ([0, 2**31 - 1, 1], ValueError, "node 'b' is in part 2147483647"),
        ({"a": 0, "b": 1, "c": 1}, TypeError, r"parts by node: \[parts\[node\] for node in graph.nodes\]"),
        (["0", "1", "1"], TypeError, "parts of type <U1: real numbers are needed"),
        (None, TypeError, "parts of type object"),
    ],
)
def test_parts_that_do_not_fit(measure, parts, kind, problem):
    with pytest.raises(kind, match=problem):
        measure(PATH, parts)


@pytest.mark.parametrize("measure", MEASURES)
def test_graphs_that_have_no_such_cut(measure):
    with pytest.raises(ValueError, match=r"this one is directed: pass as_graph\(...\).to_undirected\(\)"):
        measure(as_graph([(0, 1)], n=2, directed=True), [0, 1])
    with pytest.raises(ValueError, match=r"edge \(0, 1\) has weight -2.0"):
        measure(as_graph([(0, 1, -2.0)], n=2), [0, 1])
    with pytest.raises(TypeError):
        measure(7, [0])


@pytest.mark.parametrize("measure", [part_weights, imbalance])
@pytest.mark.parametrize(
    ("k", "kind", "problem"),
    [
        (2, ValueError, r"node 'c' is in part 2: 0 ... 1 is needed"),
        (0, ValueError, "k=0: at least 1"),
        (-1, ValueError, "k=-1: at least 1"),
        (3.0, TypeError, "k=3.0: a whole number is needed"),
        (True, TypeError, "k=True: a whole number is needed"),
    ],
)
def test_numbers_of_parts_that_do_not_fit(measure, k, kind, problem):
    with pytest.raises(kind, match=problem):
        measure(PATH, [0, 1, 2], k)


@pytest.mark.parametrize("measure", [part_weights, imbalance])
@pytest.mark.parametrize(
    ("weights", "kind", "problem"),
    [
        ([1, 2], ValueError, r"vertex_weights of shape \(2,\) for 3 nodes: one for each is needed"),
        ([1, -2, 1], ValueError, "node 'b' weighs -2: whole numbers, 0 or larger; scale and round"),
        ([1, 1, 0.5], ValueError, "node 'c' weighs 0.5: whole numbers"),
        ([math.nan, 1, 1], ValueError, "node 'a' weighs nan"),
        ([1, math.inf, 1], ValueError, "node 'b' weighs inf"),
        ([2**52, 2**52, 2**52], ValueError, r"vertex_weights sum to 1.35e\+16: 9007199254740992 at most"),
        ([2**63, 2**63, 2**63], ValueError, r"vertex_weights sum to 2.77e\+19"),  # in uint64 it would be 2^63
        ({"a": 1, "b": 1, "c": 1}, TypeError, "vertex_weights by node"),
        (["1", "1", "1"], TypeError, "vertex_weights of type <U1"),
    ],
)
def test_weights_that_are_none(measure, weights, kind, problem):
    with pytest.raises(kind, match=problem):
        measure(PATH, [0, 1, 1], vertex_weights=weights)


@pytest.mark.parametrize(
    ("k", "spare", "kind", "problem"),
    [
        (0, 0.1, ValueError, "k=0: at least 1"),
        (2, -0.1, ValueError, "imbalance=-0.1: a finite number, zero or more"),
        (2, math.inf, ValueError, "imbalance=inf"),
        (2, math.nan, ValueError, "imbalance=nan"),
        (2, "3 %", TypeError, "imbalance='3 %': a number is needed"),
        (2, None, TypeError, "imbalance=None: a number is needed"),
    ],
)
def test_allowances_that_are_none(k, spare, kind, problem):
    with pytest.raises(kind, match=problem):
        heaviest_allowed(np.ones(4, np.int64), k, spare)


def test_parts_and_weights_come_as_they_are_counted_and_are_not_the_callers():
    given_parts, given_weights = np.array([0, 1, 1], np.int32), np.array([1, 2, 3])
    parts, weights = parts_of(PATH, given_parts), weights_of(PATH, given_weights)
    assert (parts.dtype, weights.dtype) == (np.int32, np.int64)
    parts[:], weights[:] = 7, 7
    assert given_parts.tolist() == [0, 1, 1]
    assert given_weights.tolist() == [1, 2, 3]
    assert parts_of(PATH, [0.0, 1.0, True]).tolist() == [0, 1, 1]
    assert weights_of(PATH, np.array([1, HEAVIEST - 1, 0], np.uint64)).tolist() == [1, HEAVIEST - 1, 0]
    assert weights_of(PATH, None).tolist() == [1, 1, 1]
