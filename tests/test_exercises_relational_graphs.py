"""The exercises of notebook 11: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from fractions import Fraction
from random import Random

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of
from scipy.sparse import csr_array

from lessons import as_graph
from lessons.exercises import LEFT_AS_WERE, RUNS, check
from lessons.exercises import relational_graphs as module
from lessons.exercises.relational_graphs import (
    Drawn,
    layer_mask,
    lossy_attempt,
    mended_attempt,
    one_round,
    quick_width,
    slow_width,
)
from lessons.graph_measures import batch_measures
from lessons.random_graphs import ws_flex, ws_flex_definition
from lessons.relational_budgets import FAMILIES, cost, match_width
from lessons.relational_graphs import exchange_definition, node_sizes, relational_mask

TOPIC = Topic("relational_graphs")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases

pytestmark = pytest.mark.usefixtures("first_attempt")

# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_itself_too": "hears nobody",
    "_itself_never": "itself only if it is listed",
    "_itself_twice": "hears nobody",
    "_who_hears_it": "hears nobody",
    "_either_way": "hears nobody",
    "_all_of_them": "hears nobody",
    "_first_only": "all of them and no others",
    "_places_for_nodes": "all of them and no others",
    "_turned_message": "message(v, u, x[u])",
    "_own_value": "all of them and no others",
    "_without_messages": "message(v, u, x[u])",
    "_message_from_itself": "message(v, u, x[u])",
    "_added_to_its_own": "all of them and no others",
    "_writes_into_x": "left as they were",
    "_one_after_another": "all speak at once",
    "_message_of_the_sum": "hears nobody",
    "_always_sums": "hears nobody",
    "_two_by_two": "without an error",
    "_one_by_one": "one value for each node",
    "_without_the_lonely": "one value for each node",
    "_the_lonely_keep_theirs": "hears nobody",
    "_the_lonely_get_0": "hears nobody",
    "_as_dictionary": "one value for each node",
    "_two_rounds": "message(v, u, x[u])",
    "_messages_unpacked": "without an error",
    "_rows_speak": "unit that hears",
    "_both_hear": "unit that hears",
    "_only_mutual": "unit that hears",
    "_not_itself": "own node",
    "_itself_by_the_loop": "own node",
    "_table_of_sums": "only True and False",
    "_weights_of_1_only": "whatever its weight",
    "_weights_above_0": "whatever its weight",
    "_sums_above_0": "whatever its weight",
    "_whole_weights": "whatever its weight",
    "_two_rounds_at_once": "nowhere else",
    "_who_is_not_heard": "own node",
    "_everybody": "nowhere else",
    "_upper_half": "nowhere else",
    "_senders_for_rows": "a row for each unit",
    "_rows_for_inputs": "a row for each unit",
    "_as_of_the_first": "a row for each unit",
    "_shared_out_evenly": "different numbers of units",
    "_dealt_like_cards": "own node",
    "_output_sizes_twice": "a row for each unit",
    "_unit_by_unit_at_home": "own node",
    "_a_loop_for_each_input": "own node",
    "_units_into_a_table_of_nodes": "without an error",
    "_node_by_node": "a row for each unit",
    "_loops_written_into_A": "left as they were",
    "lossy_attempt": "p = 0: a ring",
    "_half_of_k": "p = 0: a ring",
    "_half_of_k_cut_off": "p = 0: a ring",
    "_half_of_k_rounded_up": "p = 0: a ring",
    "_rest_forgotten": "p = 0: a ring",
    "_last_nodes_own_more": "p = 0: a ring",
    "_total_cut_off": "p = 0: a ring",
    "_both_sides": "p = 0: a ring",
    "_chance_turned_over": "p = 0: a ring",
    "_networkx_order": "in the order of the rule",
    "_farthest_first": "u - w comes",
    "_from_the_last_node": "in the order of the rule",
    "_may_take_v_again": "in the order of the rule",
    "_asked_before_any_draw": "drawn twice all the same",
    "_asked_before_the_second": "drawn twice all the same",
    "_only_one_try": "in the order of the rule",
    "_chosen_among_the_free": "in the order of the rule",
    "_chosen_among_the_others": "in the order of the rule",
    "_until_connected": "in the order of the rule",
    "_of_its_own_random": "in the order of the rule",
    "_ends_alone": "no edge is lost",
    "_free_of_v_for_free_of_u": "no edge is lost",
    "_nothing_removed": "no edge is lost",
    "_while_the_ring_grows": "no edge is lost",
    "_other_end_moves": "no edge is lost",
    "_may_take_itself": "nobody is joined to himself",
    "_v_still_holds_u": "two ends",
    "_w_does_not_know": "two ends",
    "_another_edge_goes": "u - w comes",
    "_as_edges": "a list of n sets",
    "_never_gives_up": "without an error",
    "_by_numpy_s_names": "without an error",
    "slow_width": "at most 40 times",
    "_stepped": "at most 40 times",
    "_by_tens": "at most 40 times",
    "_all_and_then_looked_up": "at most 40 times",
    "_stepped_up_only": "at most 40 times",
    "_scaled": "at least the budget",
    "_scaled_once": "at least the budget",
    "_stepped_to_the_other_side": "at least the budget",
    "_largest_below": "at least the budget",
    "_largest_at_most": "at least the budget",
    "_nearest": "at least the budget",
    "_up_to_512": "at least the budget",
    "_up_to_the_root_of_the_budget": "at least the budget",
    "_up_to_twice_the_least": "at least the budget",
    "_scaled_without_a_root": "one unit less",
    "_the_cost_itself": "one unit less",
    "_doubled": "one unit less",
    "_one_past_the_doubled": "one unit less",
    "_more_than_enough": "one unit less",
    "_not_rounded": "a whole number",
    "_halves_of_units": "without an error",
    "_never_halved": "without an error",
    "_from_0": "without an error",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    made = [answer for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)]
    named = {name for name, value in vars(module).items() if any(value is answer for answer in made)}
    assert named == set(FAILS)
    assert len(made) == len(named)


ODD = [{}, {0: 1}, [set()], [{0}, {1}], (True,), [0.25, 1024, 256, -1, -1, 0, 1, -1], [[1] * 9], 1.5, True]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, exercise in EXERCISES.items():
        check(id, (lambda *_: ...) if callable(exercise.reference) else ...)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def by_pairs_that_speak(hears, x, message, aggregate):
    gathered = [[] for _ in hears]
    for u in range(len(hears)):
        for v, heard in enumerate(hears):
            if u in heard:
                gathered[v].append(message(v, u, x[u]))
    return tuple(map(aggregate, gathered))


def of_a_generator(hears, x, message, aggregate):
    """Not a list, which `average` asks for its length."""
    return [aggregate(message(v, u, x[u]) for u in heard) for v, heard in enumerate(hears)]


def by_owners(A, sizes_out, sizes_in):
    to, of = (np.repeat(np.arange(len(A)), sizes) for sizes in (sizes_out, sizes_in))
    return [[bool(u == v or A[u, v]) for u in of] for v in to]


def by_blocks(A, sizes_out, sizes_in):
    blocks = [
        [np.full((rows, columns), i == j or A[j, i] != 0) for j, columns in enumerate(sizes_in)]
        for i, rows in enumerate(sizes_out)
    ]
    return np.block(blocks).astype(float)


def by_indicators(A, sizes_out, sizes_in):
    """Of 0 and 1, as products of matrices that say who owns what."""
    n = len(A)
    to, of = (np.eye(n).repeat(sizes, axis=0) for sizes in (sizes_out, sizes_in))
    return np.minimum(to @ ((A.T != 0) + np.eye(n)) @ of.T, 1)


def with_matrix_of_neighbours(n, k, p, random):
    """A table in the place of sets, `randrange` for `choice`, `for ... else` for the flag."""
    A = np.zeros((n, n), bool)
    quotient, rest = divmod(round(n * k / 2), n)
    ring = [(u, (u + s + 1) % n) for u in range(n) for s in range(quotient + (u < rest))]
    for u, v in ring:
        A[u, v] = A[v, u] = True
    for u, v in ring:
        if random.random() >= p:
            continue
        w = random.randrange(n)
        while w == u or A[u, w]:
            w = random.randrange(n)
            if A[u].sum() >= n - 1:
                break
        else:
            A[u, v] = A[v, u] = False
            A[u, w] = A[w, u] = True
    return [set(np.flatnonzero(row)) for row in A]


def by_the_published_rule(n, k, p, random):
    return [frozenset(near) for near in ws_flex_definition(n, k, p, random)]


def of_lists(n, k, p, random):
    return [sorted(near) for near in mended_attempt(n, k, p, random)]


def with_a_memory(cost, budget, least):
    """Halving what lies between two widths, and each cost is asked for once."""
    known = {}

    def enough(width):
        if width not in known:
            known[width] = cost(width)
        return known[width] >= budget

    step = 1
    while not enough(least + step - 1):
        step *= 2
    low, high = least + step // 2 - 1, least + step - 1
    if step == 1:
        return least
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return np.int64(high)


def published_search(cost, budget, least):
    """Fifteen guesses from 512 by a ratio of two digits, then unit steps."""
    width = max(512, least)
    for _ in range(15):
        width = max(least, round(width * round((budget / cost(width)) ** 0.5, 2)))
    step = 1 if cost(width) < budget else -1
    while width + step >= least and (cost(width + step) < budget) == (step > 0):
        width += step
    return width + (step > 0)


def rows_out_of_columns(A, sizes_out, sizes_in):
    """I of the input added to a mask that need not be square."""
    return layer_mask(A, sizes_out, sizes_in) | np.eye(sizes_in.sum(), dtype=bool)


NINE = [1 / 4, 1024, 256, -1, -1, 0, 1, -1, -1]


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, exchange_definition, "right"),
        (1, by_pairs_that_speak, "right"),
        (1, lambda *a: np.array(one_round(*a), dtype=object), "right"),
        (1, of_a_generator, "wrong"),
        (1, lambda *a: one_round(*a)[::-1], "wrong"),
        (1, lambda *a: [str(value) for value in one_round(*a)], "wrong"),
        (1, lambda *a: [*one_round(*a), 0], "wrong"),
        (2, by_owners, "right"),
        (2, by_blocks, "right"),
        (2, by_indicators, "right"),
        (2, lambda *a: layer_mask(*a) * 2, "wrong"),
        (2, lambda *a: layer_mask(*a)[::-1], "wrong"),
        (2, lambda *a: layer_mask(*a).astype(str), "wrong"),
        (2, rows_out_of_columns, "wrong"),
        (3, with_matrix_of_neighbours, "right"),
        (3, by_the_published_rule, "right"),
        (3, of_lists, "right"),
        (3, lambda *a: mended_attempt(*a)[:-1], "wrong"),
        (3, lambda *a: [[*near, *near] for near in mended_attempt(*a)], "wrong"),
        (3, lambda *a: [{v + 0.5 for v in near} for near in mended_attempt(*a)], "wrong"),
        (3, lambda n, k, p, random: mended_attempt(n, k, 0, random), "wrong"),
        (4, tuple(NINE), "right"),
        (4, np.array(NINE), "right"),
        (4, [Fraction(1, 4), 1024.0, *NINE[2:]], "right"),
        (4, [0.25, 1023, *NINE[2:]], "wrong"),
        (4, [0.26, *NINE[1:]], "wrong"),
        (4, [*NINE[:8], True], "wrong"),
        (5, with_a_memory, "right"),
        (5, lambda *a: float(quick_width(*a)), "right"),
        (5, lambda *a: quick_width(*a) + 1, "wrong"),
        (5, lambda *a: quick_width(*a) + 0.5, "wrong"),
        (5, lambda *a: str(quick_width(*a)), "wrong"),
        (5, published_search, "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_a_round_is_the_library_s_on_every_case():
    for case in cases(1):
        assert one_round(*case) == exchange_definition(*case)


def test_a_round_of_weighed_sums_is_a_product_with_a_masked_matrix():
    rng = np.random.default_rng(100)
    W, M = rng.standard_normal((5, 5)), rng.random((5, 5)) < 0.5
    hears = [np.flatnonzero(row).tolist() for row in M]
    x = rng.standard_normal(5).tolist()
    found = one_round(hears, x, lambda v, u, value: W[v, u] * value, sum)
    assert found == pytest.approx((W * M) @ x)


@pytest.mark.parametrize("directed", [False, True])
def test_masks_are_the_library_s_for_its_sizes(directed):
    rng = np.random.default_rng(100)
    for n_out, n_in in ((6, 6), (13, 9), (20, 31)):
        A = (rng.random((6, 6)) < 0.4).astype(float)
        A = A if directed else np.triu(A, 1) + np.triu(A, 1).T
        graph = as_graph(csr_array(A), directed=directed)
        found = layer_mask(A, node_sizes(n_out, 6), node_sizes(n_in, 6))
        assert np.array_equal(found, relational_mask(graph, n_out, n_in))


def test_an_attempt_is_the_library_s_with_the_same_draws():
    for n, k, p, random in cases(3):
        theirs = Drawn(random.seed)
        assert mended_attempt(n, k, p, random) == ws_flex_definition(n, k, p, theirs)
        assert random.drawn == theirs.drawn


def test_an_attempt_draws_as_python_does_and_makes_a_published_graph():
    """64 nodes, of a degree and a chance from the published sweep; an int is the seed of random.Random."""
    n, k, p, seed = 64, 64 * 0.128001, 0.128063, 4
    near = mended_attempt(n, k, p, Random(seed))
    assert near == mended_attempt(n, k, p, Drawn(seed))
    graph = as_graph([(u, v) for u, row in enumerate(near) for v in row if u < v], n=n)
    assert sorted(graph.edges()) == sorted(ws_flex(n, k, p, seed).edges())
    found = batch_measures([graph])
    assert (found.C[0], found.L[0]) == pytest.approx((0.44846, 2.47917), abs=1e-5)


def test_each_slip_alone_spoils_the_graph_that_k_asks_for():
    """What is said of the three: too few edges for a real k, edges lost for a neighbour drawn, one end left."""
    near = lossy_attempt(8, 2.8, 0.0, Random(0))
    assert sum(map(len, near)) / 2 == 8 < round(8 * 2.8 / 2)
    lost = [sum(map(len, module._ends_alone(8, 4, 0.5, Random(seed)))) / 2 for seed in range(20)]
    assert max(lost) <= 16
    assert min(lost) < 16
    near = module._v_still_holds_u(8, 4, 0.5, Random(0))
    assert not module._two_ends(near)
    for seed in range(20):
        lossy_attempt(8, 4, 0.5, Random(seed))  # and none of them stops it


@pytest.mark.parametrize("method", ["choice", "randrange"])
def test_what_is_drawn_is_drawn_as_python_draws_it(method):
    drawn, python = Drawn(5), Random(5)
    for _ in range(20):
        assert drawn.random() == python.random()
        argument = range(9) if method == "choice" else 9
        assert getattr(drawn, method)(argument) == getattr(python, method)(argument)
    assert [kind for kind, _ in drawn.drawn] == ["random", "choice"] * 20
    assert deepcopy(drawn).drawn == []
    assert deepcopy(drawn) == drawn != Drawn(6)
    assert drawn != 5


def measured(k, p, seeds=range(5)):
    found = batch_measures([ws_flex(64, k, p, seed) for seed in seeds])
    return found.C.mean(), found.L.mean()


def test_the_predicted_numbers_are_the_library_s():
    graph = ws_flex(64, 15, 0.0, 0)
    mask = relational_mask(graph, 1024)
    assert mask.mean() == 1 / 4
    assert mask.sum() == 512 * 512 == relational_mask(as_graph(nx.complete_graph(64)), 512).sum()
    assert mask.sum(axis=1).mean() == 256


def test_the_predicted_directions_are_those_of_the_measures():
    chances = [measured(15, p) for p in (0.0, 0.1, 1.0)]
    assert [C for C, _ in chances] == sorted((C for C, _ in chances), reverse=True)
    assert [L for _, L in chances] == sorted((L for _, L in chances), reverse=True)
    assert abs(chances[-1][0] - 15 / 63) < 0.05
    rings = [measured(k, 0.0, [0]) for k in range(8, 63, 6)]
    assert rings[0][0] == pytest.approx(9 / 14)
    assert (np.diff([C for C, _ in rings]) > 0).all()
    assert (np.diff([L for _, L in rings]) < 0).all()


def test_the_predicted_widths_stay_with_p_and_fall_with_k():
    trues = {relational_mask(ws_flex(64, 15, p, 3), 1024).sum() for p in (0.0, 0.3, 1.0)}
    assert trues == {512 * 512}
    widths = [match_width(ws_flex(64, k, 0.0, 0), "mlp")[0] for k in (8, 20, 40, 62)]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 4


@pytest.mark.parametrize("k", [8, 12.5, 31.7])
def test_the_width_found_is_the_one_that_the_library_matches(k):
    graph, budget = ws_flex(64, k, 0.2, 1), FAMILIES["mlp"].budget
    counted = module._counted("mlp", lambda width: cost(graph, "mlp", [width]).multiply_adds, 64)
    wanted = match_width(graph, "mlp")[0]
    assert quick_width(counted, budget, 64) == wanted
    assert counted.calls <= module.MOST
    assert published_search(counted, budget, 64) == wanted


def test_the_published_search_is_quick_on_its_own_networks_and_slow_where_the_dense_part_is_all():
    for costs, budget, least in cases(5):
        if costs.__name__ == "mlp_on_64_nodes":
            assert published_search(costs, budget, least) == quick_width(costs.count, budget, least)
            assert costs.calls <= module.MOST
        if costs.__name__ == "a_million_and_width":
            with pytest.raises(RuntimeError, match=f"{module.MOST} are enough"):
                published_search(costs, budget, least)


def test_both_widths_agree_on_every_case_that_the_slow_one_can_do():
    done = 0
    for costs, budget, least in cases(5):
        found = quick_width(costs, budget, least)
        assert costs.calls <= module.MOST
        assert costs.count(found) >= budget
        if found < least + 1_500:
            done += 1
            assert slow_width(costs, budget, least) == found
    assert done >= 40


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    for number, size in (
        (1, lambda hears, *_: len(hears)),
        (2, lambda A, *_: len(A)),
        (3, lambda n, *_: n),
        (5, lambda costs, budget, least: least if costs.__name__.startswith("layer") else 0),
    ):
        sizes = [size(*given) for given in cases(number)]
        sizes = [found for found in sizes if found]
        assert sizes == sorted(sizes)


def test_rounds_meet_who_hears_nobody_himself_and_only_others():
    met = Counter()
    for hears, x, message, aggregate in cases(1):
        met[message.__name__, aggregate.__name__] += 1
        met["nobody"] += [] in hears
        met["himself"] += any(v in heard for v, heard in enumerate(hears))
        met["earlier ones"] += not all(module._hears_later_ones(hears, v) for v in range(len(hears)))
        assert len(set(x)) == len(x)
        assert 0 not in x
    assert min(met.values()) >= 8
    assert len(met) == len(module.KINDS) + 3


def test_masks_meet_loops_weights_uneven_sizes_and_directions():
    met = Counter()
    for A, *sizes in cases(2):
        met["loop"] += bool(np.diag(A).any())
        met["weight"] += not np.isin(A, (0, 1)).all()
        met["negative loop"] += bool((np.diag(A) <= -1).any())
        met["uneven"] += not module._even(sizes)
        met["one way"] += not module._both_ways(A)
        met["not square"] += len(np.unique([owned.sum() for owned in sizes])) == 2
    assert min(met.values()) >= 5


def test_attempts_meet_full_nodes_half_edges_and_graphs_that_are_not_connected():
    met = Counter()
    for n, k, p, random in cases(3):
        owns = module._owned_edges(n, k)
        near = mended_attempt(n, k, p, random)
        graph = nx.Graph([(u, v) for u, row in enumerate(near) for v in row])
        draws = Counter(kind for kind, _ in random.drawn)
        met["uneven"] += len(set(owns)) > 1
        met["to even"] += (n * k / 2) % 1 == 0.5
        met["full"] += p > 0 and max(map(len, near)) == n - 1
        met["drawn again"] += draws["choice"] > round(n * k / 2)
        met["not connected"] += len(graph) < n or not nx.is_connected(graph)
        assert draws["random"] == round(n * k / 2)
        assert sum(map(len, near)) == 2 * round(n * k / 2)
        assert 2 <= k <= n - 2
    assert min(met.values()) >= 2, met
    assert min(met[kind] for kind in ("uneven", "full", "drawn again")) >= 20


def test_widths_meet_the_least_one_exact_budgets_and_wide_layers():
    met = Counter()
    for costs, budget, least in cases(5):
        found = quick_width(costs.count, budget, least)
        met["least"] += found == least
        met["exact"] += costs.count(found) == budget
        met["between"] += costs.count(found) > budget
        met["wide"] += found > 10_000
        assert (np.diff([costs.count(width) for width in range(least, least + 50)]) > 0).all(), "it rises"
    assert min(met.values()) >= 2


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._the_lonely_get_0, "get a 0"),
        (1, module._who_hears_it, "or whoever hears it"),
        (1, module._places_for_nodes, "a node of the list, or a place in it?"),
        (1, module._one_after_another, "which already has its new value"),
        (1, module._turned_message, "first who hears, then who speaks"),
        (1, module._messages_unpacked, "one list is not several messages"),
        (1, module._without_the_lonely, "without anybody to hear"),
        (2, module._rows_speak, "turn A round"),
        (2, module._not_itself, "is its diagonal True?"),
        (2, module._weights_above_0, "which of 2, 0.25 and -1.5 pass?"),
        (2, module._table_of_sums, "a loop with a 1 added to it"),
        (2, module._shared_out_evenly, "sizes_out[i] rows for node i"),
        (2, module._units_into_a_table_of_nodes, "which index is too large"),
        (3, lossy_attempt, "not even a whole one"),
        (3, module._ends_alone, "A set keeps one of two that are alike"),
        (3, module._v_still_holds_u, "Three nodes are concerned"),
        (3, module._never_gives_up, "what ends it where u has n - 1 neighbours?"),
        (3, module._asked_before_the_second, "Here a node u is joined to all others"),
        (3, module._asked_before_any_draw, "the rule asks after it has drawn again"),
        (3, module._networkx_order, "which edges come first"),
        (3, module._chosen_among_the_free, "whom w is drawn from"),
        (3, module._by_numpy_s_names, "not like NumPy's generators"),
        (3, module._may_take_itself, "u may be drawn, too"),
        (3, module._farthest_first, "which of u's edges come first"),
        (4, [15 / 64, *NINE[1:]], "besides its neighbours"),
        (4, [0.25, 2048, *NINE[2:]], "a root is to be drawn"),
        (4, [0.25, 1024, 16, *NINE[3:]], "Units are asked for, not nodes"),
        (4, [*NINE[:5], 1, *NINE[6:]], "before and after it is rewired"),
        (5, slow_width, "two calls for each binary digit"),
        (5, module._up_to_512, "always enough?"),
        (5, module._more_than_enough, "is the budget exactly"),
        (5, module._from_0, "where your search begins"),
        (5, module._halves_of_units, "A layer has a whole number of units"),
        (5, module._never_halved, "two bounds are neighbours"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted):
    failed = verdict(number, answer).failed
    assert hinted in " ".join([failed.says, *failed.hints])


def test_shapes_that_do_not_fit_are_told_of_as_units():
    failed = verdict(2, rows_out_of_columns).failed
    assert failed.says == RUNS.says
    assert "units are not nodes" in failed.hints[0]


def test_draws_do_not_count_as_changing_an_argument():
    assert verdict(3, mended_attempt).failed is None
    mine = Drawn(1)
    other = deepcopy(mine)
    other.random()
    assert LEFT_AS_WERE.holds((mine,), (other,))


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("relational_graphs-1", module._the_lonely_keep_theirs)
    out = capsys.readouterr().out
    assert "not: hears=[[]], x=[" in out
    assert "], message=as_said, aggregate=sum\nYour function returned: [" in out
    check("relational_graphs-2", module._not_itself)
    assert (
        "not: A=[[0.]], sizes_out=[1], sizes_in=[1]\nYour function returned: [[False]]" in capsys.readouterr().out
    )
    check("relational_graphs-3", lossy_attempt)
    out = capsys.readouterr().out
    assert "not: n=5, k=3.0, p=0.0, random=Random(" in out
    assert "Your function returned: [{1, 2, 3, 4}, {0, 2, 3, 4}, " in out
    check("relational_graphs-5", module._from_0)
    out = capsys.readouterr().out
    assert "not: cost=width_squared, budget=1, least=1\nYour function raised ValueError: cost(0): below 1" in out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["relational_graphs-1"].draw([[1], []], [3, 5], module.as_said, sum)
    assert fig.axes[0].get_title() == "before the round; as_said, sum"
    assert alt.startswith("A directed graph of 2 nodes with the edge 1 → 0")
    _, alt = EXERCISES["relational_graphs-2"].draw(
        np.array([[0, 2.0], [0, 0]]), np.array([1, 3]), np.array([2, 1])
    )
    assert "2 → 1" in alt
    fig, alt = EXERCISES["relational_graphs-3"].draw(5, 2.6, 0.0, Drawn(0))
    assert fig.axes[0].get_title() == "wanted for n = 5, k = 2.6, p = 0: 6 edges"
    assert alt.endswith("the edges 0 – 1, 0 – 2, 0 – 4, 1 – 2, 2 – 3, 3 – 4.")
    fig, _ = EXERCISES["relational_graphs-4"].draw()
    assert [axes.get_title() for axes in fig.axes] == ["10 nodes, k = 4, p = 0", "10 nodes, k = 4, p = 1"]
    for given in (cases(5)[0], cases(5)[20], cases(5)[-1]):
        fig, alt = EXERCISES["relational_graphs-5"].draw(*given)
        assert alt.endswith(f"at width {quick_width(given[0].count, *given[1:])}.")
        assert given[0].calls == 0, "looking at the case is not counted"


@pytest.mark.parametrize("function", [lossy_attempt, slow_width], ids=lambda function: function.__name__)
def test_the_page_shows_the_functions_that_are_judged(function):
    assert TOPIC.shown(function) == [code_of(function)]
