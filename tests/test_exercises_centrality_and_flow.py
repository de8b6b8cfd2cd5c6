"""The exercises of notebook 06: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import reduce
from itertools import combinations, pairwise
from math import inf, isinf

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of
from scipy.sparse import csr_array

import lessons.exercises as machinery
from lessons import as_graph
from lessons.centrality import betweenness_definition
from lessons.exercises import centrality_and_flow as module
from lessons.exercises import check
from lessons.exercises.centrality_and_flow import (
    bottleneck,
    first_try,
    is_flow,
    mended,
    one_round,
    path_length,
)
from lessons.flow_networks import max_flow

TOPIC = Topic("centrality_and_flow")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
pytestmark = pytest.mark.usefixtures("first_attempt")


# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_list_of_steps": "one number",
    "_not_a_number": "one number",
    "_missing_raises": "without an error",
    "_none": "returns something",
    "_round_trip": "path of one node",
    "_no_way_for_one": "path of one node",
    "_edges_counted": "as its steps together",
    "_backwards": "as its steps together",
    "_last_step_lost": "as its steps together",
    "_ends_only": "as its steps together",
    "_shortest": "as its steps together",
    "_largest_step": "as its steps together",
    "_zero_is_missing": "of length 0",
    "_each_edge_once": "each time",
    "_missing_is_zero": "is missing",
    "_stops_at_the_gap": "is missing",
    "_minus_one": "is missing",
    "_both_ways": "one-way",
    "_by_node": "flat list",
    "_ranked": "gets 0",
    "_start_counted": "gets 0",
    "_never_reset": "gets 0",
    "_added_on_the_way": "of two edges",
    "_halved": "of two edges",
    "_as_a_share": "of two edges",
    "_no_one": "of two edges",
    "_last_forgotten": "of two edges",
    "_ratio_turned": "several shortest paths",
    "_paths_counted": "several shortest paths",
    "_first_path_only": "several shortest paths",
    "first_try": "longer than two edges",
    "_no_further": "longer than two edges",
    "_shared_among_predecessors": "longer than two edges",
    "_by_number": "longer than two edges",
    "_successors_for_predecessors": "go one way",
    "_sum_only": "flat list",
    "_one_for_the_jumps": "nothing made",
    "_whole_to_each": "nothing made",
    "_jumps_alike": "the rest by jumps",
    "_damping_turned": "the rest by jumps",
    "_no_jumps": "the rest by jumps",
    "_whole_then_scaled": "the rest by jumps",
    "_against_the_edges": "the rest by jumps",
    "_as_it_goes": "the rest by jumps",
    "_dangling_lost": "is not lost",
    "_dangling_to_the_others": "is not lost",
    "_scaled_at_the_end": "goes where jumps go",
    "_dangling_stays": "goes where jumps go",
    "_dangling_to_all_alike": "goes where jumps go",
    "_dangling_undamped": "is not lost",
    "_searched_for_each_node": "more than three times",
    "_edges_to_everybody": "once for each edge of u",
    "_room_of_each": "one finite number",
    "_sends_it": "left as they were",
    "_flow_for_room": "narrowest edge",
    "_back_up_to_the_capacity": "narrowest edge",
    "_sum_of_room": "narrowest edge",
    "_widest": "narrowest edge",
    "_first_step": "narrowest edge",
    "_last_step": "narrowest edge",
    "_one_step_short": "narrowest edge",
    "_capacity_only": "no longer free",
    "_full_ones_skipped": "no longer free",
    "_edges_must_exist": "without an error",
    "_no_way_back": "against an edge",
    "_missing_has_no_end": "against an edge",
    "_back_what_is_free": "against an edge",
    "_back_taken_away": "against an edge",
    "_one_or_the_other": "both give room",
    "_back_first": "both give room",
    "_the_larger": "both give room",
    "_names_the_leaks": "True or False",
    "_clips_in_place": "left as they were",
    "_no_flow": "right flows are let through",
    "_conserved_everywhere": "right flows are let through",
    "_something_must_flow": "right flows are let through",
    "_never_full": "right flows are let through",
    "_nothing_enters_the_source": "right flows are let through",
    "_first_and_last_are_the_ends": "right flows are let through",
    "_directed_only": "right flows are let through",
    "_signs_lost": "right flows are let through",
    "_any_flow": "capacity is refused",
    "_conservation_only": "capacity is refused",
    "_some_edge_fits": "capacity is refused",
    "_one_side_only": "less than 0",
    "_undirected_only": "less than 0",
    "_backwards_without_end": "backwards, too",
    "_capacities_only": "more goes out",
    "_what_leaves_arrives": "more goes out",
    "_leaks_cancel": "more goes out",
    "_only_what_is_lost": "more goes out",
    "_last_node_decides": "more goes out",
    "_exact": "rounding",
    "_exactly_within": "rounding",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    assert {answer.__name__ for exercise in EXERCISES.values() for answer in exercise.wrong} == set(FAILS)


@pytest.mark.parametrize("name", ["_searched_for_each_node", "_edges_to_everybody"])
def test_only_the_cost_of_these_is_wrong(name):
    for case in cases(3):
        assert module._is_round(getattr(module, name)(*case), *case)


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys)


# ------------------------------------------------------------------------------ other answers


def by_a_loop(lengths, path):
    total = 0
    for u, v in pairwise(path):
        if v not in lengths[u]:
            return float("inf")
        total += lengths[u][v]
    return total


def from_the_end(lengths, path):
    if len(path) == 1:
        return 0
    *rest, u, v = path
    return from_the_end(lengths, [*rest, u]) + lengths[u].get(v, np.inf)


def with_an_except(lengths, path):
    try:
        return sum(Fraction(lengths[u][v]) for u, v in pairwise(path))
    except KeyError:
        return inf


def by_networkx(lengths, path):
    graph = nx.DiGraph()
    graph.add_nodes_from(lengths)
    graph.add_weighted_edges_from((u, v, w) for u in lengths for v, w in lengths[u].items())
    return nx.path_weight(graph, path, "weight") if nx.is_path(graph, path) else inf


def networkx_of(successors):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(successors)))
    graph.add_edges_from((u, v) for u, around in enumerate(successors) for v in around)
    return graph


def betweenness_of_networkx(successors):
    found = nx.betweenness_centrality(networkx_of(successors), normalized=False)
    return [found[v] for v in range(len(successors))]


def pair_by_pair(successors):
    """All shortest paths, one after another, in fractions."""
    graph, found = networkx_of(successors), [Fraction(0)] * len(successors)
    for s in graph:
        for t in set(nx.descendants(graph, s)) - {s}:
            paths = list(nx.all_shortest_paths(graph, s, t))
            for path in paths:
                for v in path[1:-1]:
                    found[v] += Fraction(1, len(paths))
    return found


def farthest_first(successors):
    """No stack: nodes sorted by their distance."""
    graph, found = networkx_of(successors), np.zeros(len(successors))
    for s in graph:
        d, S = nx.single_source_shortest_path_length(graph, s), []
        sigma, delta = Counter({s: 1}), Counter()
        for w in sorted(d, key=d.get):
            sigma[w] += sum(sigma[v] for v in graph.pred[w] if d.get(v, inf) == d[w] - 1)
            S.append(w)
        for w in sorted(d, key=d.get, reverse=True):
            for v in graph.pred[w]:
                if d.get(v, inf) == d[w] - 1:
                    delta[v] += sigma[v] / sigma[w] * (1 + delta[w])
        for v in set(d) - {s}:
            found[v] += delta[v]
    return found


def in_arrays(indptr, indices, x, damping, jump):
    held, degree = np.array(x), np.diff(indptr)
    share = held / np.maximum(degree, 1)
    arrives = np.bincount(indices, np.repeat(share, degree), minlength=len(held))
    return damping * (arrives + held[degree == 0].sum() * jump) + (1 - damping) * jump


def by_scipy(indptr, indices, x, damping, jump):
    n, degree = len(x), np.diff(indptr)
    P = csr_array((np.repeat(1 / np.maximum(degree, 1), degree), np.array(indices), indptr), (n, n))
    along = P.T @ np.asarray(x)
    return (damping * along + (1 - damping * along.sum()) * jump).tolist()  # x sums to 1: what is left jumps


def in_a_list(indptr, indices, x, damping, jump):
    new = [0.0] * len(x)
    jumps = 0.0
    for u in range(len(x)):
        k = int(indptr[u + 1] - indptr[u])
        jumps += x[u] * (1 - damping if k else 1)
        for place in range(indptr[u], indptr[u + 1]):
            new[indices[place]] += damping * x[u] / k
    return [new[v] + jumps * jump[v] for v in range(len(x))]


def residual(capacity, flow, path):
    """The residual network as a table, then the least entry."""
    room = Counter()
    for u, row in capacity.items():
        for v, most in row.items():
            room[u, v] += most - flow[u][v]
            room[v, u] += flow[u][v]
    return min(room[step] for step in pairwise(path))


def by_cases(capacity, flow, path):
    least = inf
    for u, v in pairwise(path):
        room = 0
        if v in capacity[u]:
            room += capacity[u][v] - flow[u][v]
        if u in capacity[v]:
            room += flow[v][u]
        if room < least:
            least = room
    return least


def reduced(capacity, flow, path):
    room = module._room
    return reduce(min, (Fraction(room(capacity, flow, *step)) for step in pairwise(path)))


def node_by_node(graph, source, target, flow):
    for x, most in zip(flow, graph.edge_weights, strict=True):
        if x > most + 1e-9 or x < (-1e-9 if graph.directed else -most - 1e-9):
            return False
    for node in graph.nodes:
        enters = sum(x for (u, v), x in zip(graph.edges(), flow, strict=True) if v == node)
        leaves = sum(x for (u, v), x in zip(graph.edges(), flow, strict=True) if u == node)
        if node not in (source, target) and abs(enters - leaves) > 1e-9:
            return False
    return True


def by_incidence(graph, source, target, flow):
    B = np.zeros((graph.n, graph.m))
    tails, heads = graph.edge_rows.T
    B[tails, np.arange(graph.m)] -= 1
    B[heads, np.arange(graph.m)] += 1
    inner = [row for row in range(graph.n) if row not in (graph.index(source), graph.index(target))]
    low = 0 if graph.directed else -graph.edge_weights
    fits = np.all(flow <= graph.edge_weights + 1e-8) and np.all(low - 1e-8 <= flow)
    return fits and np.allclose((B @ flow)[inner], 0)


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_a_loop, "right"),
        (1, from_the_end, "right"),
        (1, with_an_except, "right"),
        (1, by_networkx, "right"),
        (1, lambda *given: np.float64(path_length(*given)), "right"),
        (1, lambda *given: np.array(path_length(*given)), "right"),
        (1, lambda *given: str(path_length(*given)), "wrong"),
        (1, lambda *given: -path_length(*given), "wrong"),
        (
            1,
            lambda lengths, path: path_length(lengths, path) if path_length(lengths, path) < inf else 1e9,
            "wrong",
        ),
        (1, lambda lengths, path: path_length(lengths, list(dict.fromkeys(path))), "wrong"),
        (2, betweenness_definition, "right"),
        (2, betweenness_of_networkx, "right"),
        (2, pair_by_pair, "right"),
        (2, farthest_first, "right"),
        (2, lambda successors: tuple(mended(successors)), "right"),
        (2, lambda successors: [mended(successors)], "wrong"),
        (2, lambda successors: mended(successors)[::-1], "wrong"),
        (2, lambda successors: [round(x) for x in mended(successors)], "wrong"),
        (3, in_arrays, "right"),
        (3, by_scipy, "right"),
        (3, in_a_list, "right"),
        (3, lambda *given: one_round(*given)[::-1], "wrong"),
        (3, lambda *given: np.diag(one_round(*given)), "wrong"),
        (3, lambda *given: one_round(*given) + 1e-6, "wrong"),
        (3, lambda *given: dict(enumerate(one_round(*given))), "wrong"),
        (4, residual, "right"),
        (4, by_cases, "right"),
        (4, reduced, "right"),
        (4, lambda *given: bottleneck(*given) > 0, "wrong"),
        (4, lambda *given: bottleneck(*given) + 1e-3, "wrong"),
        (4, lambda capacity, flow, path: bottleneck(capacity, flow, path[::-1]), "wrong"),
        (4, lambda *given: max(bottleneck(*given), 0.5), "wrong"),
        (5, node_by_node, "right"),
        (5, by_incidence, "right"),
        (5, lambda *given: int(is_flow(*given)), "wrong"),
        (5, lambda *given: not is_flow(*given), "wrong"),
        (5, lambda graph, s, t, flow: is_flow(graph, t, s, flow), "right"),  # the same three demands
        (5, lambda graph, s, t, flow: is_flow(graph, s, s, flow), "wrong"),
        (5, lambda graph, s, t, flow: is_flow(graph, s, t, flow) and len(flow) < 9, "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ on graphs that nobody is judged on


def random_digraph(rng, n, density):
    return [[v for v in range(n) if v != u and rng.random() < density] for u in range(n)]


@pytest.mark.parametrize("seed", range(100, 110))
def test_mended_is_networkx_s_betweenness_and_sums_as_its_reasons_say(seed):
    rng = np.random.default_rng(seed)
    successors = random_digraph(rng, int(rng.integers(2, 20)), rng.uniform(0.05, 0.4))
    assert mended(successors) == pytest.approx(betweenness_of_networkx(successors))
    assert mended(successors) == pytest.approx(betweenness_definition(successors))
    lengths = dict(nx.all_pairs_shortest_path_length(networkx_of(successors)))
    longer = [d - 1 for row in lengths.values() for d in row.values() if d > 0]
    assert sum(mended(successors)) == pytest.approx(sum(longer))


@pytest.mark.parametrize("seed", range(100, 130))
def test_the_bug_shows_exactly_where_a_shortest_path_has_three_edges(seed):
    rng = np.random.default_rng(seed)
    successors = random_digraph(rng, int(rng.integers(2, 9)), rng.uniform(0.1, 0.9))
    lengths = dict(nx.all_pairs_shortest_path_length(networkx_of(successors)))
    longest = max(d for row in lengths.values() for d in row.values())
    same = first_try(successors) == pytest.approx(mended(successors))
    assert same == (longest <= 2)


def test_the_first_try_ranks_the_karate_club_soundly():
    club = nx.karate_club_graph()
    successors = [sorted(club[v]) for v in range(34)]
    tops = [np.argsort(function(successors))[::-1][:5].tolist() for function in (first_try, mended)]
    assert tops[0] == tops[1]
    sums = [sum(function(successors)) for function in (first_try, mended)]
    assert sums == pytest.approx([966, 1580])


def random_web(rng, n):
    """Node 0 and perhaps others have no edges out."""
    return as_graph([(u, v) for u in range(1, n) for v in range(n) if rng.random() < 0.2], n=n, directed=True)


@pytest.mark.parametrize("seed", range(100, 106))
def test_rounds_end_at_networkx_s_pagerank_also_when_what_is_lost_is_made_up_for_in_the_end(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    graph, jump = random_web(rng, n), rng.dirichlet(np.ones(n))
    x = lost = np.full(n, 1 / n)
    for _ in range(300):
        x = one_round(graph.indptr, graph.indices, x, 0.85, jump)
        lost = module._dangling_lost(graph.indptr, graph.indices, lost, 0.85, jump)
    wanted = nx.pagerank(graph.to_networkx(), 0.85, dict(enumerate(jump)), max_iter=1000, tol=1e-14)
    assert x == pytest.approx([wanted[v] for v in range(n)])
    assert lost / lost.sum() == pytest.approx(x)


def network(rng, n, directed):
    pairs = combinations(range(n), 2) if not directed else ((u, v) for u in range(n) for v in range(n) if u != v)
    edges = [(u, v, int(rng.integers(1, 9))) for u, v in pairs if rng.random() < 0.5]
    return as_graph(edges, n=n, directed=directed)


@pytest.mark.parametrize("seed", range(100, 108))
def test_bottlenecks_sent_until_no_path_has_room_make_a_largest_flow(seed):
    rng = np.random.default_rng(seed)
    graph = network(rng, int(rng.integers(3, 9)), directed=True).to_networkx()
    capacity = {u: {v: data["weight"] for v, data in graph[u].items()} for u in graph}
    flow = {u: dict.fromkeys(row, 0) for u, row in capacity.items()}
    value, last = 0, len(capacity) - 1
    while path := module._random_path(rng, module._around(capacity, flow, True), 0, last):
        amount = bottleneck(capacity, flow, path)
        assert amount > 0
        value += amount
        for u, v in pairwise(path):
            back = min(amount, flow[v].get(u, 0))
            if back:
                flow[v][u] -= back
            if amount > back:
                flow[u][v] += amount - back
    assert value == nx.maximum_flow_value(graph, 0, last, capacity="weight")


@pytest.mark.parametrize("seed", range(100, 110))
def test_the_library_s_flows_are_flows_and_spoilt_ones_are_not(seed):
    rng = np.random.default_rng(seed)
    graph = network(rng, int(rng.integers(4, 12)), directed=bool(seed % 2))
    last = graph.n - 1
    flow = max_flow(graph, 0, last).flow
    assert is_flow(graph, 0, last, flow)
    inner = [e for e, ends in enumerate(graph.edges()) if not {0, last} <= set(ends)]
    for e in inner:
        spoilt = flow.copy()
        spoilt[e] += 0.5
        assert not is_flow(graph, 0, last, spoilt)
    assert not is_flow(graph, 0, last, flow * 100) or not flow.any()


# ------------------------------------------------------------------------------ the page


def test_the_page_shows_the_function_that_is_judged():
    assert TOPIC.shown(first_try) == [code_of(first_try)]


def test_mended_is_the_first_try_but_for_one_line():
    tried, right = code_of(first_try).splitlines(), code_of(mended).splitlines()
    differ = [pair for pair in zip(tried[1:], right[1:], strict=True) if pair[0] != pair[1]]
    assert [(a.strip(), b.strip()) for a, b in differ] == [("for w in S:", "for w in reversed(S):")]


# ------------------------------------------------------------------------------ the cases


def test_paths_meet_gaps_zeros_loops_and_single_nodes():
    kinds = Counter()
    for lengths, path in cases(1):
        steps = list(pairwise(path))
        whole = all(v in lengths[u] for u, v in steps)
        kinds["one node"] += not steps
        kinds["whole"] += whole and len(steps) > 1
        kinds["a length of 0"] += whole and any(lengths[u][v] == 0 for u, v in steps)
        kinds["an edge twice"] += whole and len(set(steps)) < len(steps)
        kinds["a gap"] += not whole
        kinds["a way back only"] += any(v not in lengths[u] and u in lengths[v] for u, v in steps)
        kinds["no way back either"] += any(v not in lengths[u] and u not in lengths[v] for u, v in steps)
        kinds["a gap at the end"] += not whole and all(v in lengths[u] for u, v in steps[:-1])
        assert isinf(path_length(lengths, path)) == (not whole)
    assert min(kinds.values()) >= 6, kinds


def test_graphs_come_both_ways_first_and_have_ties_and_long_paths():
    given = [successors for (successors,) in cases(2)]
    ways = [module._one_way_last(successors) for successors in given]
    assert ways == sorted(ways)
    kinds = Counter((module._both(g), module._longest(g) > 2, module._single(g)) for g in given)
    assert {kind for kind in kinds if kind[0]} == {(True, a, b) for a in (True, False) for b in (True, False)}
    assert sum(not module._both(g) for g in given) >= 15
    assert sum(first_try(g) != pytest.approx(mended(g)) for g in given) >= 10


def test_rounds_have_dangling_nodes_that_hold_something_and_jumps_of_all_kinds():
    kinds = Counter()
    for indptr, indices, x, damping, jump in cases(3):
        dangling = np.diff(indptr) == 0
        assert x.uncounted.sum() == pytest.approx(1)
        assert jump.sum() == pytest.approx(1)
        kinds["none"] += not dangling.any()
        kinds["some that hold"] += x.uncounted[dangling].sum() > 0
        kinds["all alike"] += np.ptp(jump) == 0
        kinds["not alike"] += np.ptp(jump) > 0
        kinds["many of many"] += dangling.sum() >= 4 and len(jump) >= 8
        kinds["to itself"] += any(u in indices.uncounted[a:b] for u, (a, b) in enumerate(pairwise(indptr)))
        assert 0 < damping < 1
    assert min(kinds.values()) >= 6, kinds


def test_rooms_meet_every_kind_of_step_with_and_without_room():
    given = cases(4)
    stages = [(module._stage(*case), len(case[0])) for case in given]
    assert stages == sorted(stages)
    kinds = Counter((module._stage(*case), bottleneck(*case) > 0) for case in given)
    assert min(kinds[stage, True] for stage in range(4)) >= 6, kinds
    assert min(kinds[1, False], kinds[2, False]) >= 6, kinds
    for capacity, flow, path in given:
        assert [path[0], path[-1], len(set(path))] == ["s", "t", len(path)]
        assert all(0 <= flow[u][v] <= most for u in capacity for v, most in capacity[u].items())


def test_flows_have_every_fault_alone_and_right_ones_of_every_kind():
    kinds = Counter()
    for graph, source, target, flow in cases(5):
        faults = module._faults_of(graph, source, target, flow)
        kinds[frozenset(faults), graph.directed] += 1
        right = not faults
        net = module._net(graph, flow)
        around = [e for e, ends in enumerate(graph.edges()) if source in ends]
        carried = sum(abs(flow[e]) for e in around)
        assert faults or net[target] > -1e-9
        kinds["into the source"] += right and carried > abs(net[source]) + 0.1
        kinds["full"] += right and bool((flow == graph.edge_weights).any())
        kinds["backwards"] += right and bool((flow < -0.1).any())
        kinds["nothing"] += right and not flow.any()
        kinds["rounded"] += module._is_rounded(graph, source, target, flow)
    alone = [("over", True), ("over", False), ("leak", True), ("leak", False)]
    alone += [("below zero", True), ("over backwards", False)]
    for fault, directed in alone:
        assert kinds[frozenset({fault}), directed] >= 4, (fault, directed, kinds)
    assert kinds[frozenset(), True] >= 20
    assert kinds[frozenset(), False] >= 20
    assert min(kinds[name] for name in ("into the source", "full", "backwards", "nothing", "rounded")) >= 6, kinds


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._round_trip, "is the *last* node"),
        (1, module._zero_is_missing, "a length is *true*"),
        (1, module._each_edge_once, "a set or a dictionary of steps"),
        (1, module._both_ways, "is an edge from v to u a way from u to v"),
        (1, module._missing_raises, "lengths[u] has only those v as keys"),
        (1, module._missing_is_zero, "a second argument, for what is missing"),
        (2, first_try, "Node 1 lies before two of them"),
        (2, module._halved, "s to t and t to s are two pairs"),
        (2, module._first_path_only, "only when a node is seen for the first time"),
        (2, module._never_reset, "left in delta from the s before"),
        (2, module._successors_for_predecessors, "instead of looking among the successors"),
        (3, module._dangling_lost, "your loop over its edges does nothing"),
        (3, module._scaled_at_the_end, "Or did you scale everything"),
        (3, module._dangling_to_all_alike, "on all alike"),
        (3, module._whole_to_each, "divided by the number of u's edges"),
        (3, module._searched_for_each_node, "nobody needs to search"),
        (3, module._edges_to_everybody, "something for every other node"),
        (4, module._capacity_only, "of capacity 3 that carries 2"),
        (4, module._edges_must_exist, "A missing edge has capacity 0 and carries 0"),
        (4, module._no_way_back, "take 2 of what it carries off it"),
        (4, module._one_or_the_other, "Look for an `else`"),
        (4, module._sum_of_room, "a sum, the largest, the first?"),
        (5, module._leaks_cancel, "one that loses what another one makes"),
        (5, module._signs_lost, "read a number below zero"),
        (5, module._first_and_last_are_the_ends, "places among graph.nodes do not"),
        (5, module._undirected_only, "against a one-way edge"),
        (5, module._exact, "0.1 + 0.2 is not 0.3"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("centrality_and_flow-1", module._missing_is_zero)
    assert "not: lengths={'a': {'b': 2.0}, 'b': {}}, path=['b', 'a']\nYour" in capsys.readouterr().out
    check("centrality_and_flow-2", first_try)
    assert "not: successors=[[1], [0, 2], [1, 3], [2]]\nYour" in capsys.readouterr().out
    check("centrality_and_flow-3", module._dangling_lost)
    assert "not: indptr=[0, 0], indices=[], x=[1.], damping=0.85, jump=[1.]\nYour" in capsys.readouterr().out
    check("centrality_and_flow-4", module._one_or_the_other)
    told = "capacity={'s': {'t': 2.0}, 't': {'s': 3.0}}, flow={'s': {'t': 0.5}, 't': {'s': 1.0}}, path=['s', 't']"
    assert f"not: {told}\nYour function returned: 1.5\n" in capsys.readouterr().out
    check("centrality_and_flow-5", module._directed_only)
    told = "n=3, m=3, undirected, weighted: a–s 2, a–t 2.5, s–t 1), source='s', target='t', flow=[-2., 2., 0.]"
    assert f"not: graph=Graph({told}\nYour function returned: False\n" in capsys.readouterr().out


def test_a_missing_edge_that_raises_is_met_before_the_general_hints(capsys):
    for number, answer in ((1, module._missing_raises), (4, module._edges_must_exist)):
        out = TOPIC.every_hint(number, answer, capsys)
        assert "Your function raised KeyError: 'a'\n" in out
        assert "That is no error" in out
        assert "Compare the names" not in out


def exact_and_one_way(graph, source, target, flow):
    net = module._net(graph, flow)
    fits = ((flow >= 0) & (flow <= graph.edge_weights)).all()
    return bool(fits) and not any(net[v] for v in graph.nodes if v not in (source, target))


def test_a_property_hears_of_rounding_last():
    given = cases(5)
    first = [module._is_rounded(*case) for case in given].index(True)
    assert not any(module._faults_of(*case) for case in given[first:])
    assert FAILS["_directed_only"] in verdict(5, exact_and_one_way).failed.says


def test_every_case_of_a_flow_is_told_with_all_its_edges():
    for graph, *_ in cases(5):
        told = machinery._short(graph)
        assert told.endswith(f"{graph.edges()[-1][1]} {graph.edge_weights[-1]:g})")


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    draw = {number: EXERCISES[f"centrality_and_flow-{number}"].draw for number in range(1, 6)}
    fig, _ = draw[1]({"a": {"b": 2.0}, "b": {}}, ["b", "a"])
    assert fig.axes[0].get_title() == "path: b → a"
    fig, alt = draw[2]([[1], [0, 2], [1, 3], [2]])
    assert "undirected" in alt
    assert "0 at 0, 4 at 1" in alt
    fig, _ = draw[3](*cases(3)[-1])
    assert fig.axes[0].get_title().startswith("x beside each node, damping 0.")
    capacity = {"s": {"t": 2.0, "a": 1.0}, "a": {}, "t": {"s": 3.0}}
    fig, _ = draw[4](capacity, {"s": {"t": 0.5, "a": 0.0}, "a": {}, "t": {"s": 1.0}}, ["s", "t"])
    assert fig.axes[0].get_title() == "carried/capacity: s→t 0.5/2, t→s 1/3"
    graph = as_graph([("s", "t", 2.0)], nodes=["s", "t"])
    fig, alt = draw[5](graph, "s", "t", np.array([-1.5]))
    assert fig.axes[0].get_title() == "carried/capacity: s–t -1.5/2"
    assert alt.endswith("with the edge s – t. Written above: carried/capacity: s–t -1.5/2.")
