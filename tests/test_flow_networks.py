"""Flows: valid, no smaller than the least cut of all, which is proven by brute force, networkx and SciPy."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, as_graph
from lessons.datasets import grid_graph
from lessons.errors import UnknownLabel
from lessons.flow_networks import (
    MaxFlow,
    augmenting_path_definition,
    max_flow,
    max_flow_definition,
    min_node_cut,
)

QUARTERS = st.integers(0, 12).map(lambda quarters: quarters / 4)  # of which sums are exact
KINDS = pytest.mark.parametrize("directed", [True, False])


def two_ended(**options):
    """Graphs of two nodes at least: flow goes from the first to the last."""
    return graphs(max_nodes=7, **options).filter(lambda graph: graph.n >= 2)


ANY = st.booleans().flatmap(lambda directed: two_ended(directed=directed, weight=QUARTERS))
UNWEIGHTED = ANY.map(lambda graph: Graph(graph.indptr, graph.indices, directed=graph.directed))


def ends(graph: Graph):
    return graph.nodes[0], graph.nodes[-1]


def capacities(graph: Graph) -> np.ndarray:
    """(arcs,) the capacity of each arc."""
    return np.ones(len(graph.indices)) if graph.weights is None else graph.weights


def arcs(graph: Graph) -> list[tuple[int, int, float]]:
    """(u, v, capacity) of each arc, by rows; loops too."""
    return list(zip(graph.sources.tolist(), graph.indices.tolist(), capacities(graph).tolist(), strict=True))


def capacity_of(graph: Graph, side: np.ndarray) -> float:
    """What can leave the nodes of this side."""
    return float(capacities(graph)[side[graph.sources] & ~side[graph.indices]].sum())


def cuts(graph: Graph):
    """All sides that hold the first node and not the last."""
    for middle in itertools.product([False, True], repeat=graph.n - 2):
        yield np.array([True, *middle, False])


def rows_of_capacities(graph: Graph) -> list[dict[int, float]]:
    rows: list[dict[int, float]] = [{} for _ in range(graph.n)]
    for u, v, c in arcs(graph):
        if u != v:
            rows[u][v] = c
    return rows


def excess(graph: Graph, flow: np.ndarray) -> np.ndarray:
    """(n,) what enters each node less what leaves it."""
    tails, heads = graph.edge_rows.T
    return np.bincount(heads, flow, graph.n) - np.bincount(tails, flow, graph.n)


def check(found: MaxFlow, graph: Graph, sources: list[int], targets: list[int], rounding: float = 0.0) -> None:
    """A flow within the capacities that is conserved, and a cut that it fills."""
    assert found.flow.shape == (graph.m,)
    assert (np.abs(found.flow) <= graph.edge_weights + rounding).all()
    assert not graph.directed or (found.flow >= 0).all()
    over = excess(graph, found.flow)
    inner = np.setdiff1d(np.arange(graph.n), sources + targets)
    assert np.abs(over[inner]).max(initial=0.0) <= rounding
    assert abs(over[targets].sum() - found.value) <= rounding
    assert found.reached[sources].all()
    assert not found.reached[targets].any()
    assert abs(capacity_of(graph, found.reached) - found.value) <= rounding


# ------------------------------------------------------------------------------------------------ maximum flows


@given(ANY)
def test_the_flow_fills_the_least_of_all_cuts_and_its_side_is_the_smallest(graph):
    found = max_flow(graph, *ends(graph))
    check(found, graph, [0], [graph.n - 1])
    least = min(capacity_of(graph, side) for side in cuts(graph))
    assert found.value == least
    for side in cuts(graph):
        assert capacity_of(graph, side) > least or not (found.reached & ~side).any()


@given(st.one_of(ANY, UNWEIGHTED))
def test_the_definition_has_the_same_value_and_the_same_cut(graph):
    value, room = max_flow_definition(rows_of_capacities(graph), 0, graph.n - 1)
    found = max_flow(graph, *ends(graph))
    assert value == found.value
    reached = {0}
    for u in (queue := [0]):
        new = [v for v, left in room[u].items() if left > 0 and v not in reached]
        reached.update(new)
        queue += new
    assert reached == set(np.flatnonzero(found.reached).tolist())


@given(ANY)
def test_the_value_is_that_of_networkx(graph):
    theirs = graph.to_networkx()
    for *_, data in theirs.edges(data=True):
        data["capacity"] = data.get("weight", 1.0)
    assert max_flow(graph, *ends(graph)).value == nx.maximum_flow_value(theirs, *ends(graph))


@given(st.booleans().flatmap(lambda directed: two_ended(directed=directed, weight=st.floats(0, 1e6))))
def test_any_floats_are_capacities(graph):
    found = max_flow(graph, *ends(graph))
    check(found, graph, [0], [graph.n - 1], rounding=1e-9 * (1 + graph.edge_weights.sum()))


@given(ANY, st.data())
def test_several_sources_and_targets_are_joined_to_one_of_each(graph, data):
    where = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=graph.n, max_size=graph.n))
    where[0], where[-1] = 1, 2
    sources, targets = ([row for row in range(graph.n) if where[row] == kind] for kind in (1, 2))
    wide = graph.edge_weights.sum() + 1
    joined = [(u, v, c) for u, v, c in arcs(graph)]
    joined += [(graph.n, row, wide) for row in sources] + [(row, graph.n + 1, wide) for row in targets]
    one = max_flow(as_graph(joined, n=graph.n + 2, directed=True), graph.n, graph.n + 1)
    several = max_flow(graph, [graph.nodes[row] for row in sources], [graph.nodes[row] for row in targets])
    check(several, graph, sources, targets)
    assert several.value == one.value
    assert several.reached.tolist() == one.reached[: graph.n].tolist()


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_larger_networks_against_scipy(directed, seed):
    from scipy.sparse.csgraph import maximum_flow

    rng = np.random.default_rng(seed)
    pairs, capacity = rng.integers(0, 400, (2000, 2)), rng.integers(0, 50, 2000)
    pairs = np.vstack([pairs, [[0, v] for v in range(1, 60)], [[v, 399] for v in range(340, 399)]])
    edges = np.column_stack([pairs, np.append(capacity, np.full(118, 40))])
    graph = as_graph(edges, n=400, directed=directed)
    found = max_flow(graph, 0, 399)
    check(found, graph, [0], [399])
    assert found.value == maximum_flow(graph.to_scipy().astype(np.int32), 0, 399).flow_value > 0


def test_whole_capacities_flow_exactly_where_floats_would_round():
    big = float(2**52)
    graph = as_graph([(0, 1, big), (0, 2, 1), (1, 3, big - 3), (2, 3, 5)], n=4, directed=True)
    found = max_flow(graph, 0, 3)
    assert (found.value, found.flow.tolist()) == (big - 2, [big - 3, 1.0, big - 3, 1.0])


@KINDS
@pytest.mark.parametrize("wide", [1e9, 1e15, 1e18, 1e300])
def test_what_is_never_full_carries_the_rest_exactly(wide, directed):
    rng = np.random.default_rng(0)
    edges = [(f"i{i}", f"j{j}", rng.random()) for i in range(5) for j in range(5)]
    edges += [("s", f"i{i}", wide) for i in range(5)] + [(f"j{j}", "t", wide) for j in range(5)]
    nodes = ["s", *(f"{kind}{i}" for kind in "ij" for i in range(5)), "t"]
    graph = as_graph(edges, nodes=nodes, directed=directed)
    found = max_flow(graph, "s", "t")
    assert found.value == pytest.approx(sum(weight for *_, weight in edges[:25]))
    assert np.abs(excess(graph, found.flow)[1:-1]).max() < 1e-12
    assert (np.abs(found.flow) <= graph.edge_weights).all()
    assert found.through[0] == pytest.approx(found.value)


def test_the_greedy_flow_must_be_taken_back():
    # Breadth first takes 0-1-2-3 first only where no other path is as short; so its arcs are the only short ones.
    graph = as_graph([(0, 1), (0, 4), (4, 5), (5, 2), (1, 2), (1, 6), (6, 7), (7, 3), (2, 3)], n=8, directed=True)
    assert max_flow(graph, 0, 3).value == 2
    assert max_flow(graph, 0, 3).flow[graph.edges().index((1, 2))] == 0


def test_an_undirected_flow_has_a_sign():
    graph = as_graph([("b", "a", 2), ("b", "c", 3)], nodes="abc")
    assert max_flow(graph, "a", "c").flow.tolist() == [2.0, 2.0]
    assert max_flow(graph, "c", "a").flow.tolist() == [-2.0, -2.0]
    assert max_flow(graph, "c", "a").cut == [("b", "a")]


def test_a_long_chain_takes_as_many_steps():
    n = 50_000
    assert max_flow(as_graph(np.column_stack([np.arange(n - 1), np.arange(1, n)]), n=n), 0, n - 1).value == 1


def test_what_flows_through_each_node():
    graph = as_graph([("s", "a", 2), ("s", "b", 1), ("a", "t", 5), ("b", "t", 5)], nodes="sabt!", directed=True)
    assert max_flow(graph, "s", "t").through.tolist() == [3.0, 2.0, 1.0, 3.0, 0.0]
    assert max_flow(graph.to_undirected(), "t", "s").through.tolist() == [3.0, 2.0, 1.0, 3.0, 0.0]
    mixed = as_graph([("a", "s"), ("a", "t")], nodes="ast")  # against the first edge, along the second
    assert max_flow(mixed, "s", "t").through.tolist() == [1.0, 1.0, 1.0]


@KINDS
def test_loops_and_empty_edges_carry_nothing(directed):
    graph = as_graph([(0, 0, 7.0), (0, 1, 0.0), (1, 1, 3.0), (1, 2, 4.0)], n=4, directed=directed)
    found = max_flow(graph, 0, 2)
    assert (found.value, found.flow.tolist()) == (0.0, [0.0] * 4)
    assert (found.source_side, found.cut) == ([0], [(0, 1)])


def test_the_caller_keeps_what_was_given_and_equal_graphs_have_equal_flows():
    graph = grid_graph(6, 7)
    flow = max_flow(graph, 0, 41).flow
    assert np.array_equal(flow, max_flow(as_graph(graph.edges(), n=42), 0, 41).flow)
    assert graph == grid_graph(6, 7)


def test_repr_is_short():
    assert repr(max_flow(as_graph([(0, 1)], n=2), 0, 1)) == "MaxFlow(value=1.0)"


@pytest.mark.parametrize(
    ("source", "target", "error", "told"),
    [
        ("a", "a", ValueError, "'a' is a source and a target"),
        (["a", "b"], ["c", "b"], ValueError, "'b' is a source and a target"),
        ([], "b", ValueError, r"source=\[\]"),
        ("a", [], ValueError, r"target=\[\]"),
        ("aa", "b", UnknownLabel, "nearest is 'a'"),
        ("a", 1, UnknownLabel, "no node 1"),
        ({"a", "b"}, "c", TypeError, "or a list of several"),
        ("a", np.arange(2), TypeError, "or a list of several"),
    ],
)
@pytest.mark.parametrize("function", [max_flow, min_node_cut])
def test_ends_are_checked(function, source, target, error, told):
    with pytest.raises(error, match=told):
        function(as_graph([("a", "d")], nodes="abcd"), source, target)


@pytest.mark.parametrize(
    ("capacity", "told"), [(-1.0, r"edge \('a', 'b'\) has weight -1.0: a flow needs"), (1.7e308, "larger unit")]
)
def test_capacities_are_checked(capacity, told):
    with pytest.raises(ValueError, match=told):
        max_flow(as_graph([("a", "b", capacity), ("b", "c", 1.7e308)], nodes="abc"), "a", "b")


def test_weights_of_nodes_sum_to_a_float():
    with pytest.raises(ValueError, match="larger unit"):
        min_node_cut(as_graph([("a", "b"), ("b", "c")], nodes="abc"), "a", "c", node_weights=[1e308] * 3)


def test_a_path_that_is_there_is_found_and_one_that_is_not_is_not():
    room = [{1: 1, 2: 1}, {3: 0}, {1: 1, 3: 2}, {}]
    assert augmenting_path_definition(room, 0, 3) == [(0, 2), (2, 3)]
    assert augmenting_path_definition(room, 3, 0) is None


# ------------------------------------------------------------------------------------------------ node cuts


def parted(graph: Graph, removed: set[int]) -> bool:
    """Whether no path leads from the first row to the last without these rows."""
    seen, queue = {0}, [0]
    for u in queue:
        new = [v for v in graph.indices[graph.indptr[u] : graph.indptr[u + 1]].tolist() if v not in seen | removed]
        seen.update(new)
        queue += new
    return graph.n - 1 not in seen


@given(st.one_of(ANY, UNWEIGHTED), st.data())
def test_the_node_cut_is_the_lightest_of_all(graph, data):
    weights = data.draw(st.none() | st.lists(QUARTERS, min_size=graph.n, max_size=graph.n))
    if graph.n - 1 in graph.indices[: graph.indptr[1]]:
        with pytest.raises(ValueError, match="joins source and target"):
            min_node_cut(graph, *ends(graph), node_weights=weights)
        return
    cut = {graph.index(label) for label in min_node_cut(graph, *ends(graph), node_weights=weights)}
    each = np.ones(graph.n) if weights is None else np.array(weights)
    inner = range(1, graph.n - 1)
    sets = (set(nodes) for size in range(graph.n - 1) for nodes in itertools.combinations(inner, size))
    assert cut <= set(inner)
    assert parted(graph, cut)
    assert each[list(cut)].sum() == min(each[list(nodes)].sum() for nodes in sets if parted(graph, nodes))


@pytest.mark.parametrize("seed", range(5))
def test_as_many_nodes_as_networkx_cuts(seed):
    graph = as_graph(np.random.default_rng(seed).integers(0, 60, (200, 2)), n=60)
    theirs = graph.to_networkx()
    theirs.remove_edges_from(list(nx.selfloop_edges(theirs)))
    far = next(v for v in range(59, 0, -1) if not theirs.has_edge(0, v))
    assert len(min_node_cut(graph, 0, far)) == len(nx.minimum_node_cut(theirs, 0, far))


def test_a_cut_of_nodes_is_in_their_order_and_nearest_to_the_source():
    graph = as_graph([("s", "x"), ("s", "b"), ("x", "y"), ("b", "z"), ("y", "t"), ("z", "t")], nodes="tzyxbs")
    assert min_node_cut(graph, "s", "t") == ["x", "b"]
    assert min_node_cut(graph, "s", "t", node_weights=[1, 1, 1, 2, 3, 1]) == ["z", "y"]
    assert min_node_cut(graph, ["s", "x"], ["t", "z"]) == ["y", "b"]


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 1], [1, math.nan, 1], np.ones((3, 1)), "abc"])
def test_node_weights_are_checked(weights):
    with pytest.raises((ValueError, TypeError), match="node_weights"):
        min_node_cut(as_graph([("a", "b"), ("b", "c")], nodes="abc"), "a", "c", node_weights=weights)
