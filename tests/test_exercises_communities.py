"""The exercises of notebook 08: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from collections import Counter, deque
from itertools import product

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of
from scipy.sparse import csr_array

from lessons import as_graph
from lessons.communities import adjusted_rand, connected_communities, leiden, modularity
from lessons.communities import move_gain as move_gain_of_the_library
from lessons.exercises import SEED, Counted, check
from lessons.exercises import communities as module
from lessons.exercises.communities import (
    CLIQUE,
    EIGHT,
    FOUND,
    LONG,
    MEAN_DEGREE,
    MOST_READS,
    aggregated,
    double_sum,
    from_two_sums,
    mended,
    move_gain,
    ring_of_cliques,
    split,
)
from lessons.exercises.graph_partitioning import _graph
from lessons.random_graphs import planted_partition

TOPIC = Topic("communities")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases

pytestmark = pytest.mark.usefixtures("first_attempt")

# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_each_community": "one number",
    "_nan_without_edges": "without edges",
    "_edges_not_asked": "without an error",
    "_sorted_in_place": "left as they were",
    "_inside_only": "all nodes in one community",
    "_total_over_m": "all nodes in one community",
    "_inside_over_2m": "all nodes in one community",
    "_one_end": "all nodes in one community",
    "_inside_at_both_ends": "all nodes in one community",
    "_not_squared": "the sum over all communities",
    "_square_of_the_sum": "the sum over all communities",
    "_number_of_communities": "the sum over all communities",
    "_only_with_edges_inside": "the sum over all communities",
    "_mean_of_communities": "the sum over all communities",
    "_other_sign": "the sum over all communities",
    "_never_negative": "the sum over all communities",
    "_rounded": "the sum over all communities",
    "_inner_totals": "the sum over all communities",
    "_edges_counted": "as much as it weighs",
    "_weights_in_m_only": "as much as it weighs",
    "_loops_skipped": "both of its ends",
    "_loop_with_one_end": "both of its ends",
    "_loop_not_inside": "both of its ends",
    "_loop_twice_inside": "both of its ends",
    "_is_it_better": "one number",
    "_totals_changed": "left as they were",
    "_node_moved": "left as they were",
    "_own_not_asked": "stays where it is",
    "_never_left": "that was alone",
    "_left_the_other_way": "that was alone",
    "_all_others_left": "that was alone",
    "_all_joined": "that was alone",
    "_without_chance": "that was alone",
    "_half_of_the_edges": "that was alone",
    "_chance_twice": "that was alone",
    "_chance_halved": "that was alone",
    "_times_m": "that was alone",
    "_turned_round": "that was alone",
    "_joins_as_if_alone": "leaves for an empty community",
    "_empty_not_allowed": "leaves for an empty community",
    "_edges_never_left": "leaves for an empty community",
    "_node_for_community": "leaves for an empty community",
    "_never_a_loss": "leaves for an empty community",
    "_left_for_empty_only": "to leave, and then to join",
    "_without_weights": "as much as it weighs",
    "_neighbours_counted": "as much as it weighs",
    "_degree_once": "moves along",
    "_degree_without_loop": "moves along",
    "_loop_left": "moves along",
    "_loop_joined": "moves along",
    "_table": "a list with a dictionary",
    "_as_edges": "a list with a dictionary",
    "_a_row_for_each_node": "a list with a dictionary",
    "_loops_taken_out": "left as they were",
    "_one_way": "in the dictionaries of both",
    "_upwards_only": "in the dictionaries of both",
    "_everything_halved": "between two communities it weighs",
    "_last_edge": "between two communities it weighs",
    "_heaviest_edge": "between two communities it weighs",
    "_both_from_each_end": "between two communities it weighs",
    "aggregated": "the self-loop weighs",
    "_inside_lost": "the self-loop weighs",
    "_inside_doubled": "the self-loop weighs",
    "_old_loops_only": "the self-loop weighs",
    "_old_loops_doubled": "the self-loop weighs",
    "_edges_for_weights": "as much as it weighs",
    "_loops_halved_too": "that the graph already has",
    "_old_loops_lost": "that the graph already has",
    "_old_loops_twice": "that the graph already has",
    "_lists_of_nodes": "a whole number from 0 on",
    "_without_edges_left_out": "a whole number from 0 on",
    "_in_place": "left as they were",
    "_components": "nodes of two communities",
    "_numbered_in_each": "nodes of two communities",
    "_all_alone": "neighbours of one community",
    "_one_step": "neighbours of one community",
    "_from_an_earlier_neighbour": "neighbours of one community",
    "_as_they_are": "each piece is connected",
    "_through_others": "each piece is connected",
    "_first_piece_and_rest": "each piece is connected",
    "_community_by_community": "by first appearance",
    "_named_by_first_node": "by first appearance",
    "_first_keeps_its_number": "by first appearance",
    "_counted_from_1": "by first appearance",
    "_each_community_scans_all": "times at most",
    "_each_node_searches": "times at most",
    "_marked_late": "times at most",
    "_recursive": "without an error",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    made = [answer for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)]
    named = {name for name, value in vars(module).items() if any(value is answer for answer in made)}
    assert named == set(FAILS)
    assert len(made) == len(named)


ODD = [
    {},
    {0: 1},
    (True,),
    [*EIGHT[:7]],
    [[1] * 8],
    1.5,
    True,
    (1, 2, None),
    [{0: "1"}],
    [{0: 1.0, "x": 2}],
    [{-1: 1}],
]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, exercise in EXERCISES.items():
        check(id, (lambda *_: ...) if callable(exercise.reference) else ...)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def by_networkx(edges, communities):
    graph = nx.Graph()
    graph.add_nodes_from(range(len(communities)))
    graph.add_weighted_edges_from(edges)
    groups = [{u for u, own in enumerate(communities) if own == c} for c in set(communities)]
    return nx.community.modularity(graph, groups) if edges else 0


def by_library(edges, communities):
    return modularity(as_graph(edges, n=len(communities)), communities)


def by_matrices(edges, communities):
    """Of S^T A S with both ends of a loop in A: the diagonal holds inside twice, the rows the totals."""
    n = len(communities)
    A, S = np.zeros((n, n)), np.eye(n)[communities]
    for u, v, w in edges:
        A[[u, v], [v, u]] += w * (1 + (u == v))
    joined = S.T @ A @ S
    ends = joined.sum()
    return (joined.trace() - (joined.sum(axis=1) ** 2).sum() / ends) / ends if ends else 0


def in_whole_numbers(edges, communities):
    return int(from_two_sums(edges, communities))


def by_leaving_and_joining(around, communities, totals, m, node, to):
    """Out of the old community into one of its own, then into the new one."""
    own, degree = communities[node], sum(around.values()) + around.get(node, 0)
    if to == own:
        return np.float64(0)
    weight = {c: sum(w for u, w in around.items() if communities[u] == c and u != node) for c in (own, to)}
    leave = -weight[own] / m + degree * (totals[own] - degree) / (2 * m**2)
    return leave + weight[to] / m - degree * totals[to] / (2 * m**2)


def by_community_of_one_s_own(around, communities, totals, m, node, to):
    """Without a question about to == own: the node is taken out of the totals first, in a copy."""
    without = list(totals)
    without[communities[node]] -= sum(around.values()) + around.get(node, 0)
    reached = Counter()
    for u, w in around.items():
        reached[communities[u]] += w * (u != node)
    won = reached[to] - reached[communities[node]]
    chance = (totals[communities[node]] - without[communities[node]]) * (without[to] - without[communities[node]])
    return won / m - chance / (2 * m * m)


def each_edge_halved(neighbours, communities):
    """An edge inside counts by halves, from each of its ends, and a loop whole."""
    joined = [{} for _ in set(communities)]
    for u, around in enumerate(neighbours):
        for v, w in around.items():
            a, b = communities[u], communities[v]
            joined[a][b] = joined[a].get(b, 0) + (w / 2 if a == b and u != v else w)
    return joined


def with_zeros(neighbours, communities):
    """All pairs, those without an edge too."""
    joined = mended(neighbours, communities)
    return tuple({b: row.get(b, 0) for b in range(len(joined))} for row in joined)


def by_queue(indptr, indices, communities):
    piece, pieces = [None] * len(communities), 0
    for start in range(len(piece)):
        if piece[start] is None:
            piece[start], waiting = pieces, deque([start])
            while waiting:
                u = waiting.popleft()
                for v in map(int, indices[indptr[u] : indptr[u + 1]]):
                    if piece[v] is None and communities[v] == communities[u]:
                        piece[v] = pieces
                        waiting.append(v)
            pieces += 1
    return piece


def by_union(indptr, indices, communities):
    """Each node points to an earlier one of its piece, or to itself."""
    first = list(range(len(communities)))

    def root(u):
        while first[u] != u:
            first[u] = first[first[u]]
            u = first[u]
        return u

    for u in range(len(communities)):
        for v in indices[indptr[u] : indptr[u + 1]]:
            if communities[u] == communities[v]:
                a, b = sorted((root(u), root(int(v))))
                first[b] = a
    order = {}
    return np.array([order.setdefault(root(u), len(order)) for u in range(len(communities))])


def by_scipy(indptr, indices, communities):
    from scipy.sparse.csgraph import connected_components

    n = len(communities)
    sources = np.repeat(np.arange(n), np.diff(indptr))
    inside = (communities[sources] == communities[indices]).astype(float)
    within = csr_array((inside, np.array(indices), indptr.copy()), shape=(n, n))
    within.eliminate_zeros()
    _, piece = connected_components(within, directed=False)
    return piece


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_networkx, "right"),
        (1, by_library, "right"),
        (1, by_matrices, "right"),
        (1, double_sum, "right"),
        (1, in_whole_numbers, "wrong"),
        (1, lambda *given: [from_two_sums(*given)], "wrong"),
        (1, lambda *given: str(from_two_sums(*given)), "wrong"),
        (1, lambda *given: from_two_sums(*given) == 0, "wrong"),
        (2, by_leaving_and_joining, "right"),
        (2, by_community_of_one_s_own, "right"),
        (2, lambda *given: np.array(move_gain(*given)), "right"),
        (2, lambda *given: -move_gain(*given), "wrong"),
        (2, lambda *given: [move_gain(*given)], "wrong"),
        (3, each_edge_halved, "right"),
        (3, with_zeros, "right"),
        (3, lambda *given: dict(enumerate(mended(*given))), "wrong"),
        (3, lambda *given: mended(*given)[::-1], "wrong"),
        (4, list(EIGHT), "right"),
        (4, EIGHT, "right"),
        (4, np.array(EIGHT), "right"),
        (4, [10.0, 15, 22.0, 44, 9 + 3.0, 0.0, 3 / 10, 18], "right"),
        (4, [*EIGHT[:6], 0.31, 18], "wrong"),
        (4, [*EIGHT[:5], False, 0.3, 19], "wrong"),
        (5, by_queue, "right"),
        (5, by_union, "right"),
        (5, by_scipy, "right"),
        (5, lambda *given: split(*given).astype(float), "wrong"),
        (5, lambda *given: split(*given)[None], "wrong"),
        (5, lambda *given: split(*given)[::-1], "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_modularity_is_the_library_s_and_networkx_s():
    for edges, communities in cases(1):
        wanted = from_two_sums(edges, communities)
        assert double_sum(edges, communities) == pytest.approx(wanted, abs=1e-12)
        assert by_library(edges, communities) == pytest.approx(wanted, abs=1e-12)
        assert by_networkx(edges, communities) == pytest.approx(wanted, abs=1e-12)


@pytest.fixture(scope="module")
def moves():
    """(edges, communities, node, to) of each case of exercise 2."""
    return list(module._starts(np.random.default_rng(SEED)))


def test_a_gain_is_the_modularity_after_less_the_modularity_before(moves):
    assert len(moves) == len(cases(2))
    for (edges, communities, node, to), given in zip(moves, cases(2), strict=True):
        after = [to if u == node else own for u, own in enumerate(communities)]
        wanted = by_networkx(edges, after) - by_networkx(edges, communities)
        assert move_gain(*given) == pytest.approx(wanted, abs=1e-12)


def test_a_gain_is_the_library_s(moves):
    for (edges, communities, node, to), given in zip(moves, cases(2), strict=True):
        graph = as_graph(edges, n=len(communities))
        assert move_gain(*given) == pytest.approx(
            move_gain_of_the_library(graph, communities, node, to), abs=1e-12
        )


def edges_of(neighbours):
    return [(u, v, w) for u, around in enumerate(neighbours) for v, w in around.items() if u <= v]


def test_the_graph_of_communities_keeps_m_totals_and_modularity():
    for neighbours, communities in cases(3):
        edges, joined = edges_of(neighbours), edges_of(mended(neighbours, communities))
        assert sum(w for *_, w in joined) == pytest.approx(sum(w for *_, w in edges))
        k = max(communities) + 1
        degrees = _graph(neighbours).to_dense()
        degrees = degrees.sum(axis=1) + degrees.diagonal()
        totals = np.bincount(communities, degrees)
        coarse = as_graph(joined, n=k).to_dense()
        assert coarse.sum(axis=1) + coarse.diagonal() == pytest.approx(totals)
        assert from_two_sums(joined, list(range(k))) == pytest.approx(from_two_sums(edges, communities), abs=1e-12)


def test_the_slip_is_right_where_a_loop_is_counted_once():
    """As `why` says of a matrix that holds both ends of a loop, and of the first level."""
    for neighbours, communities in cases(3):
        S = np.eye(max(communities) + 1)[communities]
        with_both_ends = [
            {v: w * (1 + (u == v)) for v, w in around.items()} for u, around in enumerate(neighbours)
        ]
        A = _graph(with_both_ends).to_dense()
        found = module._as_table(aggregated(with_both_ends, communities))
        assert found == pytest.approx(S.T @ A @ S)
        if not any(u in around for u, around in enumerate(neighbours)):
            assert module._loops_halved_too(neighbours, communities) == mended(neighbours, communities)


def test_pieces_are_connected_and_never_lower_modularity():
    for indptr, indices, communities in cases(5):
        arcs = np.repeat(np.arange(len(communities)), np.diff(indptr)), indices.uncounted
        graph = as_graph(
            [(u, v) for u, v in zip(*map(np.ndarray.tolist, arcs), strict=True) if u <= v], n=len(communities)
        )
        piece = split(indptr, indices, communities)
        assert connected_communities(graph, piece).all()
        torn = not connected_communities(graph, communities).all()
        assert (len(set(piece.tolist())) > len(set(communities.tolist()))) == torn
        assert modularity(graph, piece) >= modularity(graph, communities) - 1e-12


# ------------------------------------------------------------------------------ the limits of exercise 4


def q_of_ring(cliques, together, resolution=1.0):
    """Of a ring of cliques, with so many neighbours in one community each time."""
    graph = as_graph(ring_of_cliques(cliques), n=cliques * CLIQUE)
    communities = np.repeat(np.arange(cliques), CLIQUE) // together
    return modularity(graph, communities, resolution=resolution)


def test_cliques_are_told_apart_in_a_short_ring_only():
    single, pairs = q_of_ring(10, 1), q_of_ring(10, 2)
    assert EIGHT[0] == (10 if single > pairs else 5)
    assert (single, pairs) == pytest.approx((10 / 11 - 1 / 10, 21 / 22 - 1 / 5))
    assert EIGHT[1] == (30 if q_of_ring(30, 1) > q_of_ring(30, 2) else 15)


@pytest.mark.parametrize(("resolution", "cliques"), [(1, EIGHT[2]), (2, EIGHT[3])])
def test_single_cliques_and_pairs_are_equal_at_the_limit_and_nowhere_else(resolution, cliques):
    better = [
        np.sign(round(q_of_ring(q, 1, resolution) - q_of_ring(q, 2, resolution), 9)) for q in range(4, 60, 2)
    ]
    assert better == [np.sign(cliques - q) for q in range(4, 60, 2)]


@pytest.mark.parametrize(("k", "c_in"), [(2, EIGHT[4]), (4, EIGHT[7])])
def test_c_in_is_at_the_threshold(k, c_in):
    c_out = (k * MEAN_DEGREE - c_in) / (k - 1)
    assert c_in - c_out == pytest.approx(k * np.sqrt(MEAN_DEGREE))


@pytest.fixture(scope="module")
def below():
    """(adjusted Rand index, modularity) of what Leiden finds at c_in = 11, c_out = 7, for some seeds."""
    found = []
    for seed in range(3):
        graph, planted = planted_partition(1000, 2, 11, 7, seed)
        communities = leiden(graph, seed=seed)
        found.append((adjusted_rand(communities, planted), modularity(graph, communities)))
    return np.array(found)


def test_below_the_threshold_leiden_finds_other_communities_of_high_modularity(below):
    assert abs(below[:, 0]).max() < 0.02
    assert {min(FOUND, key=lambda number: abs(number - q)) for q in below[:, 1]} == {EIGHT[6]}
    assert below[:, 1] == pytest.approx(0.32, abs=0.02)
    assert EIGHT[5] == 0


def test_far_above_the_threshold_the_groups_are_found():
    graph, planted = planted_partition(1000, 2, 17, 1, 7)
    assert adjusted_rand(leiden(graph, seed=7), planted) > 0.3


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    for number, stage in (
        (1, lambda edges, communities: module._stage(edges, len(communities))),
        (3, lambda neighbours, communities: module._stage(edges_of(neighbours), len(communities))),
        (5, lambda indptr, indices, communities: len(communities)),
    ):
        stages = [stage(*given) for given in cases(number)]
        assert stages == sorted(stages)


def test_moves_come_smallest_first(moves):
    stages = [module._stage(edges, len(communities)) for edges, communities, *_ in moves]
    assert stages == sorted(stages)


def test_communities_are_numbered_by_first_appearance():
    given = [communities for _, communities in [*cases(1), *cases(3)]]
    given += [communities for _, communities, *_ in cases(2)]
    given += [communities.tolist() for *_, communities in cases(5)]
    assert all(communities == module._numbered(communities) for communities in given)


def test_moves_are_of_every_kind(moves):
    met, lonely = Counter(), 0
    for edges, communities, node, to in moves:
        met["stays"] += communities[node] == to
        met["to an empty one"] += to not in communities
        met["from alone"] += communities.count(communities[node]) == 1 and to in communities
        met["loop"] += (node, node) in [edge[:2] for edge in edges]
        around = {communities[u + v - node] for u, v, _ in edges if node in (u, v)}
        met["a third community"] += bool(around - {communities[node], to})
        met["both"] += {communities[node], to} <= around and communities[node] != to
        lonely += not around
    assert min(met.values()) >= 20
    assert lonely


def test_graphs_have_loops_and_edges_inside_and_between():
    met = Counter()
    for neighbours, communities in cases(3):
        edges = edges_of(neighbours)
        inside = [u != v and communities[u] == communities[v] for u, v, _ in edges]
        loop = any(u == v for u, v, _ in edges)
        met["inside"] += any(inside)
        met["between"] += any(communities[u] != communities[v] for u, v, _ in edges)
        met["loop and inside"] += loop and any(inside)
        pairs = Counter(frozenset((communities[u], communities[v])) for u, v, _ in edges)
        met["several edges become one"] += max(pairs.values(), default=0) > 1
    assert min(met.values()) >= 10


def test_communities_are_torn_in_two_and_more_and_long_paths_are_met():
    met = Counter()
    for given in cases(5):
        piece, communities = split(*given), given[-1]
        pieces = Counter(dict(zip(piece.tolist(), communities.tolist(), strict=True)).values())
        met["torn"] += max(pieces.values()) > 1
        met["in three"] += max(pieces.values()) > 2
        met["whole"] += max(pieces.values()) == 1
        met["many communities"] += len(pieces) > MOST_READS
    assert min(met.values()) >= 10
    assert [len(communities) for *_, communities in cases(5)][-2:] == [LONG, LONG]


def test_reads_are_counted_to_the_limit():
    indptr, communities = np.array([0, 1, 2]), np.array([0, 0])
    for times, expected in product((MOST_READS - 1, MOST_READS), (True, False)):
        indices = Counted([1, 0])
        for _ in range(times + (not expected)):
            list(indices)
        within = (
            EXERCISES["communities-5"]
            .properties[-1]
            .holds(split(indptr, [1, 0], communities), indptr, indices, communities)
        )
        assert within == (times + (not expected) <= MOST_READS)


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._edges_not_asked, "return 0 in that case"),
        (1, module._nan_without_edges, "nan is not 0"),
        (1, module._one_end, "into the total at both ends"),
        (1, module._total_over_m, "both divisors"),
        (1, module._square_of_the_sum, "one for each community, before the sum"),
        (1, module._only_with_edges_inside, "they have a total, too"),
        (1, module._inner_totals, "they add to both totals"),
        (1, module._edges_counted, "where you add 1"),
        (1, module._loop_with_one_end, "w for each of two ends"),
        (2, module._own_not_asked, "must not be taken out on one side only"),
        (2, module._never_left, "nothing is left there"),
        (2, module._node_for_community, "who stays behind"),
        (2, module._joins_as_if_alone, "the edges to them are no longer inside"),
        (2, module._left_for_empty_only, "is to leave, and then to join"),
        (2, module._neighbours_counted, "take len(...)"),
        (2, module._degree_once, "though it stands in `around` once"),
        (2, module._loop_left, "where edges are won and lost"),
        (3, aggregated, "One of the two is enough"),
        (3, module._loops_halved_too, "Halve the edges inside only where u and v differ"),
        (3, module._one_way, "both visits are needed"),
        (3, module._both_from_each_end, "one visit, one dictionary"),
        (3, module._inside_lost, "Is it larger or smaller"),
        (3, module._edges_for_weights, "that are added up, not edges"),
        (4, [5, *EIGHT[1:]], "21/22 less 1/5"),
        (4, [10, 30, *EIGHT[2:]], "21/22 less 1/15"),
        (4, [10, 15, 21, *EIGHT[3:]], "They win 1/22 inside"),
        (4, [10, 15, 22, 22, *EIGHT[4:]], "lose 2 / q"),
        (4, [*EIGHT[:4], 15, *EIGHT[5:]], "c_in + c_out = 18"),
        (4, [*EIGHT[:5], 0.5, *EIGHT[6:]], "not 1 and not 0.5"),
        (4, [*EIGHT[:6], 0, 18], "not look for your groups"),
        (4, [*EIGHT[:7], 12], "one own group and three others"),
        (5, module._without_edges_left_out, "a lonely node is a piece of its own"),
        (5, module._components, "only if its community is the same"),
        (5, module._from_an_earlier_neighbour, "meet at a node that comes later"),
        (5, module._through_others, "paths through other communities"),
        (5, module._community_by_community, "The pieces are right, their numbers are not"),
        (5, module._each_community_scans_all, "a walk over all edges for each community"),
        (5, module._marked_late, "not when it is taken out"),
        (5, module._recursive, "until the list is empty"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted):
    failed = verdict(number, answer).failed
    assert hinted in " ".join([failed.says, *failed.hints])


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("communities-1", module._inside_only)
    assert "edges=[(0, 1, 1)], communities=[0, 0]\nYour function returned: 1" in capsys.readouterr().out
    check("communities-2", module._own_not_asked)
    out = capsys.readouterr().out
    assert "around={0: 1}, communities=[0, 1], totals=[1.0, 1.0, 0.0], m=1.0, node=1, to=1\n" in out
    check("communities-3", aggregated)
    out = capsys.readouterr().out
    assert "neighbours=[{1: 1}, {0: 1}], communities=[0, 0]\nYour function returned: [{0: 2}]" in out
    check("communities-5", module._as_they_are)
    out = capsys.readouterr().out
    assert "communities=[0, 0, 0]\nYour function returned: [0, 0, 0]" in out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["communities-1"].draw([(0, 1, 1), (1, 1, 2.0)], [0, 1])
    assert fig.axes[0].get_title() == "each node and its community\nself-loop at 1 weighs 2"
    assert alt.endswith("in 0 at 0, in 1 at 1.")
    fig, alt = EXERCISES["communities-2"].draw({1: 1.0, 0: 2.0}, [0, 1, 1], [5.0, 1.0, 0.0], 3.0, 0, 1)
    assert (
        fig.axes[0].get_title() == "node 0 moves from 0 to 1 (only its edges are drawn)\nself-loop at 0 weighs 2"
    )
    _, alt = EXERCISES["communities-3"].draw([{1: 1.0}, {0: 1.0, 1: 2.0}], [0, 0])
    assert "in 0" in alt
    fig, alt = EXERCISES["communities-4"].draw()
    assert alt.startswith("A ring of six cliques")
    fig, _ = EXERCISES["communities-5"].draw(*cases(5)[9])
    assert fig.axes[0].get_title() == "each node and its community"
    _, alt = EXERCISES["communities-5"].draw(*cases(5)[-1])
    assert alt == f"A path of {LONG} nodes, too long to be read."


def test_the_page_shows_the_function_that_is_judged():
    assert TOPIC.shown(aggregated) == [code_of(aggregated)]
