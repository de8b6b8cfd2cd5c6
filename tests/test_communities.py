"""Communities against sums over all pairs, networkx and plain Python; what holds of each of them."""

from __future__ import annotations

from itertools import combinations
from math import nan

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import graphs

from lessons import Graph, _rng, as_graph, communities, local_moves
from lessons.communities import (
    adjusted_rand,
    aggregate,
    connected_communities,
    leiden,
    leiden_definition,
    louvain,
    louvain_definition,
    modularity,
    modularity_definition,
    move_gain,
)
from lessons.errors import UnknownLabel

QUARTERS = st.integers(0, 12).map(lambda quarters: quarters / 4)  # of which 0 joins nothing
RESOLUTIONS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0, 1.5, 4.0])
CLOSE = 1e-12
BOTH = pytest.mark.parametrize("find", [louvain, leiden])
TWO = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
DIVIDED = [0, 0, 0, 1, 1, 1]


def undirected(max_nodes: int = 9) -> st.SearchStrategy[Graph]:
    return graphs(directed=False, max_nodes=max_nodes, weight=QUARTERS)


@st.composite
def divided(draw: st.DrawFn, max_nodes: int = 9) -> tuple[Graph, list[int]]:
    """A graph and any communities of it, perhaps with numbers that nobody has."""
    graph = draw(undirected(max_nodes))
    return graph, draw(st.lists(st.integers(0, max(graph.n - 1, 0)), min_size=graph.n, max_size=graph.n))


@st.composite
def worlds(draw: st.DrawFn, most: int = 40) -> Graph:
    """Larger graphs: sparse or dense, weighted or not, with loops, isolated nodes and, unweighted, many ties."""
    n, share = draw(st.integers(0, most)), draw(st.sampled_from([0.02, 0.05, 0.1, 0.3, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    ends = np.argwhere(np.triu(rng.random((n, n)) < share))
    if draw(st.booleans()):
        return as_graph(ends, n=n)
    weights = rng.integers(0, 9, len(ends)) if draw(st.booleans()) else rng.lognormal(sigma=3, size=len(ends))
    return as_graph(np.column_stack([ends, weights]), n=n)


def cliques(count: int, size: int) -> tuple[Graph, NDArray[np.int64]]:
    """A ring of cliques, each joined to the next by one edge; and the clique of each node."""
    edges = [(c * size + i, c * size + j) for c in range(count) for i, j in combinations(range(size), 2)]
    edges += [(c * size, (c + 1) % count * size + 1) for c in range(count)]
    return as_graph(edges, n=count * size), np.arange(count * size) // size


def holds_together(graph: Graph, members: set[int]) -> bool:
    """Whether a search from one of the rows, along edges that weigh something, reaches all of them."""
    weights = np.ones(len(graph.indices)) if graph.weights is None else graph.weights
    start = min(members)
    seen, waiting = {start}, [start]
    while waiting:
        u = waiting.pop()
        for arc in range(graph.indptr[u], graph.indptr[u + 1]):
            v = int(graph.indices[arc])
            if weights[arc] > 0 and v in members and v not in seen:
                seen.add(v)
                waiting.append(v)
    return seen == members


def sets_of(communities: NDArray[np.int32]) -> list[set[int]]:
    return [set(np.flatnonzero(communities == c).tolist()) for c in range(int(communities.max(initial=-1)) + 1)]


def numbered_by_first_nodes(answer: NDArray[np.int32], n: int) -> bool:
    assert (answer.shape, answer.dtype, answer.flags.writeable) == ((n,), np.int32, True)
    return list(dict.fromkeys(answer.tolist())) == list(range(len(set(answer.tolist()))))


# ------------------------------------------------------------------------------------------------ modularity


def test_modularity_by_hand():
    """Two triangles and an edge: 7 edges, 6 inside, the degrees of each add up to 7 of 14."""
    assert modularity(TWO, DIVIDED) == pytest.approx(6 / 7 - 2 * (7 / 14) ** 2, abs=CLOSE)
    assert modularity(TWO, DIVIDED, resolution=2) == pytest.approx(6 / 7 - 4 * (7 / 14) ** 2, abs=CLOSE)
    assert modularity(TWO, [0] * 6) == pytest.approx(0, abs=CLOSE)
    assert modularity(TWO, range(6)) == pytest.approx(-(4 * 2**2 + 2 * 3**2) / 14**2, abs=CLOSE)


@given(divided(), RESOLUTIONS)
@example((as_graph([(0, 0, 2.0), (0, 1, 3.0), (1, 2, 1.0), (2, 2, 0.5)], n=4), [0, 0, 1, 1]), 1.0)
@example((as_graph([(0, 0)], n=1), [0]), 1.0)
def test_modularity_is_its_definition_and_that_of_networkx(case, resolution):
    graph, communities = case
    Q = modularity(graph, communities, resolution=resolution)
    assert pytest.approx(modularity_definition(graph, communities, resolution), abs=CLOSE) == Q
    if graph.edge_weights.sum() > 0:
        groups = {c: {graph.nodes[v] for v in range(graph.n) if communities[v] == c} for c in communities}
        theirs = nx.community.modularity(graph.to_networkx(), list(groups.values()), resolution=resolution)
        assert pytest.approx(theirs, abs=CLOSE) == Q
    else:
        assert Q == 0.0
    if resolution == 1.0:
        assert -0.5 - CLOSE <= Q < 1


@given(divided(), RESOLUTIONS)
def test_communities_as_nodes_keep_degrees_and_modularity(case, resolution):
    graph, communities = case
    merged = aggregate(graph, communities)
    k = max(communities, default=-1) + 1
    assert (merged.n, merged.directed) == (k, False)
    assert merged.edge_weights.sum() == graph.edge_weights.sum()
    alone, before = (
        modularity(merged, range(k), resolution=resolution),
        modularity(graph, communities, resolution=resolution),
    )
    assert alone == pytest.approx(before, abs=CLOSE)


@given(divided(), st.data(), RESOLUTIONS)
def test_the_gain_of_a_move_is_the_difference_of_modularity(case, data, resolution):
    graph, communities = case
    if not graph.n:
        return
    row, community = data.draw(st.integers(0, graph.n - 1)), data.draw(st.integers(0, graph.n - 1))
    moved = [community if v == row else c for v, c in enumerate(communities)]
    gain = move_gain(graph, communities, graph.nodes[row], community, resolution=resolution)
    before, after = (modularity(graph, c, resolution=resolution) for c in (communities, moved))
    assert gain == pytest.approx(after - before, abs=CLOSE)


def test_a_move_to_a_community_that_nobody_has():
    assert move_gain(TWO, [0] * 6, 0, 77) == pytest.approx(modularity(TWO, [1, 0, 0, 0, 0, 0]), abs=CLOSE)
    assert move_gain(TWO, DIVIDED, 0, 0) == 0.0
    with pytest.raises(UnknownLabel, match="no node 9"):
        move_gain(TWO, DIVIDED, 9, 0)
    with pytest.raises(ValueError, match="community=-1: at least 0"):
        move_gain(TWO, DIVIDED, 0, -1)


@pytest.mark.parametrize("factor", [1e-300, 2.0**-60, 1e300])
def test_modularity_is_a_share_whatever_the_unit_of_the_weights(factor):
    graph = as_graph([(0, 1, factor), (1, 2, 2 * factor), (2, 2, factor)], n=3)
    known = modularity(as_graph([(0, 1, 1.0), (1, 2, 2.0), (2, 2, 1.0)], n=3), [0, 1, 1])
    assert modularity(graph, [0, 1, 1]) == pytest.approx(known, abs=CLOSE)
    assert move_gain(graph, [0, 1, 1], 0, 1) == pytest.approx(modularity(graph, [1, 1, 1]) - known, abs=CLOSE)
    for find in (louvain, leiden):
        assert find(graph).tolist() == find(as_graph([(0, 1, 1.0), (1, 2, 2.0), (2, 2, 1.0)], n=3)).tolist()


# ------------------------------------------------------------------------------------------------ the climbers


@settings(max_examples=150)
@given(undirected(12), RESOLUTIONS, st.integers(0, 99))
def test_the_climbers_make_the_moves_of_their_definitions(graph, resolution, seed):
    assert louvain(graph, resolution=resolution, seed=seed).tolist() == louvain_definition(graph, resolution, seed)
    for rounds in (1, 2, 3):
        found = leiden(graph, resolution=resolution, rounds=rounds, seed=seed)
        assert found.tolist() == leiden_definition(graph, resolution, rounds, seed)


@given(worlds(), st.integers(0, 99))
def test_on_larger_graphs_too(graph, seed):
    assert louvain(graph, seed=seed).tolist() == louvain_definition(graph, 1.0, seed)
    assert leiden(graph, seed=seed).tolist() == leiden_definition(graph, 1.0, 2, seed)


def test_kernels_and_definitions_have_the_same_constants():
    from lessons.compiled import communities as kernels

    assert (kernels.TIE, kernels.BLOCK) == (local_moves.TIE, local_moves.BLOCK)


def test_on_a_graph_of_more_nodes_than_one_block():
    rng = np.random.default_rng(0)
    ring = np.arange(2_500)
    graph = as_graph(
        np.vstack([np.column_stack([ring, (ring + 1) % 2_500]), rng.integers(2_500, size=(500, 2))]), n=2_500
    )
    assert graph.n > 2 * local_moves.BLOCK
    assert louvain(graph).tolist() == louvain_definition(graph)
    assert leiden(graph).tolist() == leiden_definition(graph)


@settings(max_examples=150)
@given(worlds(), RESOLUTIONS, st.integers(0, 99))
@example(as_graph([], n=5), 1.0, 0)
@example(as_graph([(v, v) for v in range(4)], n=4), 1.0, 0)
@example(as_graph([(v, (v + 1) % 24) for v in range(24)], n=24), 1.0, 0)
@example(as_graph([(0, v) for v in range(1, 9)], n=9), 1.0, 0)
@example(as_graph([(u, v) for u in range(4) for v in range(4, 8)], n=8), 1.0, 0)
@example(as_graph([(0, 1, 0.0), (1, 2, 0.0)], n=3), 0.0, 0)
@example(as_graph([(0, 1), (2, 3), (4, 5)], n=7), 0.0, 0)
def test_every_community_of_leiden_is_connected(graph, resolution, seed):
    for rounds in (1, 2, 4):
        found = leiden(graph, resolution=resolution, rounds=rounds, seed=seed)
        assert numbered_by_first_nodes(found, graph.n)
        assert all(holds_together(graph, members) for members in sets_of(found))
        assert connected_communities(graph, found).all()


@BOTH
@given(graph=worlds(most=20), resolution=RESOLUTIONS, seed=st.integers(0, 99))
def test_no_two_communities_gain_by_merging(find, graph, resolution, seed):
    found = find(graph, resolution=resolution, seed=seed)
    assert numbered_by_first_nodes(found, graph.n)
    Q = modularity(graph, found, resolution=resolution)
    for a, b in combinations(range(int(found.max(initial=-1)) + 1), 2):
        assert modularity(graph, np.where(found == b, a, found), resolution=resolution) <= Q + CLOSE


@given(worlds(most=20), RESOLUTIONS, st.integers(0, 99))
def test_where_nobody_moves_any_more_nobody_would_gain_by_moving(graph, resolution, seed):
    """Once is not enough: who was asked early may gain by what moved later, unless it was a neighbour."""
    near, degrees = local_moves.near_of(graph)
    order, found, before = local_moves.random_order(graph.n, seed), list(range(graph.n)), None
    while found != before:
        before = found
        found = local_moves.move_definition(near, degrees, found, order, resolution)
    Q = modularity(graph, found, resolution=resolution)
    for v in range(graph.n):
        for c in range(graph.n):
            moved = [c if u == v else d for u, d in enumerate(found)]
            assert modularity(graph, moved, resolution=resolution) <= Q + CLOSE


@given(worlds(most=20), RESOLUTIONS, st.integers(0, 99))
def test_parts_lie_within_communities_and_are_connected(graph, resolution, seed):
    near, degrees = local_moves.near_of(graph)
    order = local_moves.random_order(graph.n, seed)
    found = local_moves.move_definition(near, degrees, range(graph.n), order, resolution)
    part = local_moves.refine_definition(near, degrees, found, order, resolution)
    for members in sets_of(np.array(part, np.int32)):
        assert len({found[v] for v in members}) == 1
        assert holds_together(graph, members)


@BOTH
def test_what_everyone_sees_is_found(find):
    for count, size in [(2, 3), (5, 4), (12, 5)]:
        graph, known = cliques(count, size)
        for seed in range(5):
            assert find(graph, seed=seed).tolist() == known.tolist()


@BOTH
def test_the_resolution_limit_and_how_to_pass_it(find):
    """Of 40 cliques of 5, pairs have the larger modularity (k > sqrt(2 m), Fortunato and Barthelemy 2007)."""
    graph, known = cliques(40, 5)
    pairs = known // 2
    assert modularity(graph, pairs) > modularity(graph, known)
    merged = find(graph)
    assert modularity(graph, merged) > modularity(graph, known)
    assert merged.max() + 1 < 40
    assert find(graph, resolution=4).tolist() == known.tolist()


@BOTH
def test_a_resolution_of_0_gives_components_and_a_huge_one_single_nodes(find):
    graph = as_graph([(0, 1), (1, 2), (3, 4), (5, 5)], n=7)
    assert find(graph, resolution=0).tolist() == [0, 0, 0, 1, 1, 2, 3]
    assert find(graph, resolution=1e300).tolist() == list(range(7))


def test_karate():
    """The largest modularity of the club, unweighted, is known to be 0.4198 (Brandes et al. 2008, table 1)."""
    graph = as_graph(list(nx.karate_club_graph().edges), n=34)
    found = [modularity(graph, leiden(graph, seed=seed)) for seed in range(20)]
    assert max(found) == pytest.approx(0.41979, abs=1e-5)
    assert min(found) > 0.41
    assert min(modularity(graph, louvain(graph, seed=seed)) for seed in range(20)) > 0.38


def test_planted_communities_are_found():
    rng = np.random.default_rng(1)
    known = rng.integers(4, size=240)
    chance = np.where(known[:, None] == known, 0.3, 0.01)
    graph = as_graph(np.argwhere(np.triu(rng.random((240, 240)) < chance, 1)), n=240)
    for seed in range(3):
        assert adjusted_rand(leiden(graph, seed=seed), known) == 1.0
        assert adjusted_rand(louvain(graph, seed=seed), known) > 0.95


def grown(n: int, seed: int) -> Graph:
    """Each node is joined to an earlier one, to some of its neighbours and, now and then, to any earlier one."""
    rng = np.random.default_rng(seed)
    near: list[list[int]] = [[]]
    for v in range(1, n):
        u = int(rng.integers(v))
        mine = [u, *(x for x in near[u] if rng.random() < 0.4)]
        if rng.random() < 0.2 and (x := int(rng.integers(v))) not in mine:
            mine.append(x)
        near.append(mine[:])
        for x in mine:
            near[x].append(v)
    return as_graph([(u, v) for v in range(n) for u in near[v] if u < v], n=n)


def test_louvain_can_leave_a_community_in_pieces_and_leiden_does_not():
    """Once in some hundred such graphs: a node that held its community together has moved away."""
    graph = grown(200, seed=288)
    found = louvain(graph, seed=3)
    whole = connected_communities(graph, found)
    assert whole.tolist() == [holds_together(graph, members) for members in sets_of(found)]
    assert np.count_nonzero(~whole) == 1
    assert connected_communities(graph, leiden(graph, seed=3)).all()
    pieces = np.array(local_moves.pieces_definition(local_moves.near_of(graph)[0], found.tolist()))
    assert modularity(graph, pieces) > modularity(graph, found)  # apart they are better


@BOTH
def test_weights_count_and_zeros_join_nothing(find):
    square = [(0, 1), (1, 2), (2, 3), (3, 0)]
    weighted = as_graph([(u, v, w) for (u, v), w in zip(square, [5, 1, 5, 1], strict=True)], n=4)
    assert find(weighted).tolist() == [0, 0, 1, 1]
    zeros = as_graph([(u, v, w) for (u, v), w in zip(square, [5, 0, 5, 0], strict=True)], n=5)
    assert find(zeros).tolist() == find(as_graph([(0, 1), (2, 3)], n=5)).tolist() == [0, 0, 1, 1, 2]
    assert find(as_graph([(0, 1, 0.0)], n=2)).tolist() == [0, 1]


@BOTH
def test_graphs_of_little(find):
    for n in (0, 1, 3):
        assert find(as_graph([], n=n)).tolist() == list(range(n))
    assert find(as_graph([(0, 0), (1, 1)], n=2)).tolist() == [0, 1]


@BOTH
def test_weights_of_any_size_end(find):
    """Far apart, and whole numbers beyond what float64 counts."""
    rng = np.random.default_rng(3)
    ends = rng.integers(30, size=(60, 2))
    for weights in (10.0 ** rng.uniform(-300, 300, 60), rng.integers(2**50, 2**53, 60), np.full(60, 5e-324)):
        graph = as_graph(np.column_stack([ends, weights.astype(np.float64)]), n=30)
        found = find(graph)
        assert numbered_by_first_nodes(found, 30)
        assert modularity(graph, found) >= modularity(graph, range(30)) - CLOSE


@BOTH
def test_the_same_seed_gives_the_same_answer(find):
    graph = as_graph(np.random.default_rng(5).integers(200, size=(500, 2)), n=200)
    answers = [find(graph, seed=seed).tolist() for seed in range(5)]
    assert answers == [find(graph, seed=seed).tolist() for seed in range(5)]
    assert len({tuple(answer) for answer in answers}) > 1
    assert (
        find(graph, seed=np.random.default_rng(7)).tolist() == find(graph, seed=np.random.default_rng(7)).tolist()
    )
    assert numbered_by_first_nodes(find(graph, seed=None), 200)
    with pytest.raises(ValueError, match="seed=-1"):
        find(graph, seed=-1)


@BOTH
def test_labels_are_in_the_order_of_the_nodes(find):
    graph = as_graph([("d", "b"), ("a", "c")], nodes=["a", "b", "c", "d"])
    assert graph.by_node(find(graph)) == {"a": 0, "b": 1, "c": 0, "d": 1}


@settings(max_examples=20)
@given(st.integers(0, 3000), st.integers(0, 2**64 - 1))
def test_an_order_is_one_of_all_nodes_in_blocks(n, stream):
    order = local_moves.random_order(n, stream)
    assert communities._order(n, stream).tolist() == order
    for first in range(0, n, local_moves.BLOCK):
        assert sorted(order[first : first + local_moves.BLOCK]) == list(
            range(first, min(first + local_moves.BLOCK, n))
        )


def test_every_order_is_as_likely():
    counts: dict[tuple[int, ...], int] = {}
    for stream in range(24_000):
        order = tuple(local_moves.random_order(4, _rng.start(1, stream)))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert sum((count - 1_000) ** 2 / 1_000 for count in counts.values()) < 49.7  # chi-square, 23 degrees, 0.1 %


# ------------------------------------------------------------------------------------------------ what is found


def test_which_communities_are_connected():
    path = as_graph([(0, 1), (1, 2), (2, 3)], n=5)
    assert connected_communities(path, [0, 1, 1, 0, 3]).tolist() == [False, True, True, True]
    assert connected_communities(path, [0] * 5).tolist() == [False]
    assert connected_communities(as_graph([(0, 1, 0.0), (1, 1, 2.0)], n=2), [0, 0]).tolist() == [False]
    assert connected_communities(as_graph([], n=0), []).tolist() == []


@given(divided())
def test_connected_is_what_a_search_finds(case):
    graph, communities = case
    found = connected_communities(graph, communities)
    assert found.tolist() == [
        not members or holds_together(graph, members) for members in sets_of(np.array(communities, np.int32))
    ]


def rand_definition(one: list, other: list) -> float:
    """From all pairs: (together in both - expected) / (mean of both - expected)."""
    pairs = list(combinations(range(len(one)), 2))
    a, b = ([x[i] == x[j] for i, j in pairs] for x in (one, other))
    both, expected = sum(p and q for p, q in zip(a, b, strict=True)), sum(a) * sum(b) / max(len(pairs), 1)
    most = (sum(a) + sum(b)) / 2
    return 1.0 if most == expected else (both - expected) / (most - expected)


@given(st.integers(0, 9).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 3), min_size=n, max_size=n)] * 2)))
def test_the_adjusted_rand_index_counts_pairs(labels):
    one, other = labels
    assert adjusted_rand(one, other) == pytest.approx(rand_definition(one, other), abs=CLOSE)
    assert adjusted_rand(np.array(one), tuple(map(str, other))) == adjusted_rand(one, other)


def test_divisions_that_do_not_fit():
    with pytest.raises(ValueError, match="2 labels and 3: one for each node"):
        adjusted_rand([0, 1], [0, 1, 2])
    for wrong in ({0: 1}, {0, 1}, "aab", 7):
        with pytest.raises(TypeError, match=r"one is a .*: a sequence of labels is needed"):
            adjusted_rand(wrong, [0, 1])
    for wrong in ([{0, 1}, {2}], np.zeros((2, 2))):
        with pytest.raises(TypeError, match="other holds what is no label"):
            adjusted_rand([0, 1], wrong)


# ------------------------------------------------------------------------------------------------ at the door


CALLS = {
    "modularity": lambda graph: modularity(graph, [0, 0]),
    "move_gain": lambda graph: move_gain(graph, [0, 0], 0, 1),
    "louvain": louvain,
    "leiden": leiden,
    "aggregate": lambda graph: aggregate(graph, [0, 0]),
    "connected_communities": lambda graph: connected_communities(graph, [0, 0]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_graphs_that_have_no_communities_here(call):
    with pytest.raises(ValueError, match=r"to_undirected\(\)"):
        call(as_graph([(0, 1)], n=2, directed=True))
    with pytest.raises(ValueError, match=r"edge \(0, 1\) has weight -1.0: .* needs weights >= 0"):
        call(as_graph([(0, 1, -1.0)], n=2))
    with pytest.raises(TypeError):
        call("a graph")


@pytest.mark.parametrize(
    ("communities", "error", "told"),
    [
        ([0, 0, 1], ValueError, r"communities of shape \(3,\) for 6 nodes"),
        ([[0] * 6], ValueError, r"communities of shape \(1, 6\) for 6 nodes"),
        ([0, 0, 0, -1, 1, 1], ValueError, r"node 3 is in community -1: 0 \.\.\. 5 is needed"),
        ([0, 0, 0, 1, 6, 1], ValueError, r"node 4 is in community 6: 0 \.\.\. 5 is needed"),
        ([0, 0, 0, 1, 0.5, 1], ValueError, r"node 4 is in community 0\.5"),
        ([0, 0, 0, 1, nan, 1], ValueError, "node 4 is in community nan"),
        (["a"] * 6, TypeError, r"type <U1: .* np\.unique\(labels"),
        ([{0, 1, 2}, {3, 4, 5}], TypeError, "for each node, not one set a community"),
        (dict.fromkeys(range(6), 0), TypeError, "communities by node"),
    ],
)
def test_communities_that_do_not_fit(communities, error, told):
    for call in (modularity, aggregate, connected_communities, lambda *given: move_gain(*given, 0, 0)):
        with pytest.raises(error, match=told):
            call(TWO, communities)


def test_resolutions_and_rounds_that_are_none():
    for wrong in (-1.0, nan, float("inf")):
        for call in (louvain, leiden, CALLS["modularity"]):
            with pytest.raises(ValueError, match="resolution="):
                call(TWO, resolution=wrong) if call in (louvain, leiden) else modularity(
                    TWO, DIVIDED, resolution=wrong
                )
    for wrong, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match=f"rounds={wrong}"):
            leiden(TWO, rounds=wrong)
