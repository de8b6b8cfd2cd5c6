"""The exercises of notebook 05: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

import inspect
from collections import Counter
from fractions import Fraction
from itertools import chain, combinations, product

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of

from lessons import as_graph
from lessons.cuts import edge_cut, part_weights
from lessons.exercises import check
from lessons.exercises import graph_partitioning as module
from lessons.exercises.graph_partitioning import (
    COARSE,
    FINE,
    FINE_WEIGHTS,
    gain,
    is_partition,
    mended,
    one_pass,
    trade,
)

TOPIC = Topic("graph_partitioning")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
GROUPS, WEIGHTS, EDGES = [[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 8), (1, 2, 5), (2, 3, 2)]


pytestmark = pytest.mark.usefixtures("first_attempt")


# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_names_the_bad": "True or False",
    "_sorts_in_place": "left as they were",
    "_nothing": "are let through",
    "_in_order": "are let through",
    "_balanced": "are let through",
    "_next_ones_disjoint": "in two groups",
    "_everything": "twice in one group",
    "_all_are_there": "twice in one group",
    "_sets_of_groups": "twice in one group",
    "_disjoint": "without a part",
    "_as_many_and_the_sum": "without a part",
    "_as_many_and_the_ends": "without a part",
    "_as_many": "what is no node",
    "_others_too": "what is no node",
    "_counted_by_index": "what is no node",
    "_last_group_decides": "what is no node",
    "_empty_allowed": "empty group",
    "_one_full_is_enough": "empty group",
    "_the_parts_after": "one number",
    "_only_if_it_gains": "one number",
    "_moves_it": "left as they were",
    "_own_part_won": "where the node is already",
    "_own_part_lost": "where the node is already",
    "_old_cut_of_the_node": "where the node is already",
    "_turned_sign": "is no longer",
    "_new_cut": "is no longer",
    "_both_ends": "is no longer",
    "_only_what_is_won": "is cut now",
    "_never_below_zero": "is cut now",
    "_edges_counted": "as much as it weighs",
    "_whole_weights": "as much as it weighs",
    "_outside_less_inside": "third part",
    "_all_others_lost": "third part",
    "_of_the_other_part": "third part",
    "_loop_lost": "to itself",
    "_loop_won": "to itself",
    "_parts_only": "two things",
    "_in_place": "left as they were",
    "_any_size": "more than `most`",
    "_one_more_than_most": "more than `most`",
    "one_pass": "really fell",
    "_not_updated": "really fell",
    "_updated_the_other_way": "really fell",
    "_updated_before_the_move": "really fell",
    "_only_raised": "really fell",
    "_only_one_side_doubled": "really fell",
    "_without_weights": "really fell",
    "_never_back": "really fell",
    "_back_one_too_far": "really fell",
    "_back_one_too_little": "really fell",
    "_count_mended_at_the_end": "never larger than before",
    "_end_for_the_best": "best of its moment",
    "_no_move_at_a_loss": "goes on at a loss",
    "_not_locked": "goes on at a loss",
    "_count_mended_only": "goes on at a loss",
    "_stays": "best of its moment",
    "_cuts_only": "pairs of numbers",
    "_cut_before_size": "of the larger part",
    "_smaller_part": "of the larger part",
    "_how_uneven": "of the larger part",
    "_all_in_one_part": "of the larger part",
    "_first_part_s_size": "of the larger part",
    "_edges_for_weights": "split which exists",
    "_edges_twice": "split which exists",
    "_loops_cut": "split which exists",
    "_in_one_stretch": "most even",
    "_smallest_cut": "most even",
    "_every_split": "none of them is beaten",
    "_best_of_each_size": "none of them is beaten",
    "_running_best": "none of them is beaten",
    "_equal_cuts_kept": "none of them is beaten",
    "_less_than_the_size_before": "none of them is beaten",
    "_one_node_or_half": "none of them is beaten",
    "_most_even": "none is missing",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    named = {answer.__name__ for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)}
    assert named == set(FAILS)


ODD = [
    ([0, 1], "2"),
    ([[0]], [1], [(0, 0)]),
    (GROUPS, WEIGHTS, [(0, 1, 8), (-3, 2, 5), (2, 3, 2)]),
    (GROUPS, WEIGHTS, [(0, 1, np.inf), (1, 2, 5), (2, 3, 2)]),
]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def one_by_one(*arguments):
    """The right answers, as a generator: it can be looked at only once."""
    yield from trade(*arguments)


def test_a_generator_for_a_list_is_told_as_such():
    assert "a list of pairs" in verdict(5, one_by_one).failed.says
    assert verdict(5, lambda n, edges: list(one_by_one(n, edges))).status == "right"
    assert "two things" in verdict(3, lambda *given: iter(mended(*given))).failed.says


# ------------------------------------------------------------------------------ other answers


def counting(groups, n):
    there = Counter(chain.from_iterable(groups))
    return set(there) == set(range(n)) and set(there.values()) <= {1} and all(len(group) for group in groups)


def crossing_off(groups, n):
    left = set(range(n))
    for group in groups:
        if not group:
            return False
        for node in group:
            if node not in left:
                return False
            left.remove(node)
    return not left


def by_sets(groups, n):
    sets = [set(group) for group in groups]
    if sets == [] or set() in sets or set.union(*sets) != set(range(n)):
        return False
    return sum(map(len, groups)) == n


def in_arrays(groups, n):
    times = np.zeros(n, int)
    for group in groups:
        nodes = np.array(group)
        if len(nodes) == 0 or nodes.min() < 0 or nodes.max() >= n:
            return False
        np.add.at(times, nodes, 1)
    return (times == 1).all()


def whole_cut_twice(neighbours, parts, node, to):
    def cut(parts):
        return sum(
            w for u in range(len(parts)) for v, w in neighbours[u].items() if u < v and parts[u] != parts[v]
        )

    after = list(parts)
    after[node] = to
    return cut(parts) - cut(after)


def in_one_line(neighbours, parts, node, to):
    around = neighbours[node].items()
    return sum(w * ((parts[u] == to) - (parts[u] == parts[node])) for u, w in around if u != node)


def by_branches(neighbours, parts, node, to):
    if to == parts[node]:
        return 0
    total = 0
    for u, w in neighbours[node].items():
        if u == node:
            continue
        if parts[u] == to:
            total += w
        elif parts[u] == parts[node]:
            total -= w
    return total


def by_a_sum_for_each_part(neighbours, parts, node, to):
    others = [u for u in neighbours[node] if u != node]
    weights = [neighbours[node][u] for u in others]
    there = np.bincount(np.array(parts, int)[others], weights, minlength=max(*parts, to) + 1)
    return there[to] - there[parts[node]]


def by_the_library(neighbours, parts, node, to):
    graph = module._graph(neighbours)
    return edge_cut(graph, parts) - edge_cut(graph, module._moved(parts, node, to))


def in_fractions(neighbours, parts, node, to):
    return Fraction(gain(neighbours, parts, node, to))


def all_gains_anew(neighbours, parts, most):
    """No gains are kept at all."""
    now, free, best, total = list(parts), set(range(len(parts))), (0, list(parts)), 0
    while True:
        moves = [(gain(neighbours, now, v, 1 - now[v]), v) for v in free if now.count(1 - now[v]) < most]
        if not moves:
            return best[1], best[0]
        won, v = max(moves)
        free.discard(v)
        now[v] = 1 - now[v]
        total += won
        if total > best[0]:
            best = total, list(now)


def in_arrays_of_weights(neighbours, parts, most):
    n = len(parts)
    W = np.zeros((n, n))
    for u, around in enumerate(neighbours):
        W[u, list(around)] = list(around.values())
    sides = 2 * np.array(parts) - 1
    free, falls, states = np.ones(n, bool), [0.0], [sides.copy()]
    while True:
        room = np.where(sides > 0, (sides < 0).sum(), (sides > 0).sum()) < most
        if not (free & room).any():
            break
        gains = np.where(free & room, -sides * (W @ sides), -np.inf)
        v = gains.argmax()
        falls.append(falls[-1] + gains[v])
        sides[v] *= -1
        free[v] = False
        states.append(sides.copy())
    best = int(np.argmax(falls))
    return (states[best] + 1) // 2, falls[best]


def with_minus_the_gain(neighbours, parts, most):
    """The gain of the node that moved turns round as well: it is locked, so nobody looks."""
    found, fall = mended(neighbours, parts, most)
    return tuple(found), float(fall)


def many_passes(neighbours, parts, most):
    parts, total = list(parts), 0
    for _ in parts:
        parts, fall = mended(neighbours, parts, most)
        total += fall
    return parts, total


def the_very_best(neighbours, parts, most):
    ways = [way for way in product((0, 1), repeat=len(parts)) if max(sum(way), len(way) - sum(way)) <= most]
    best = min(ways, key=lambda way: module._cut(neighbours, way))
    return best, module._cut(neighbours, parts) - module._cut(neighbours, best)


def last_of_the_best(neighbours, parts, most):
    """`>=`: of two moments as good as each other the later one."""
    code = inspect.getsource(mended).replace("total > best", "total >= best")
    names = {}
    exec("from __future__ import annotations\n" + code, names)
    return names["mended"](neighbours, parts, most)


def by_choices(n, edges):
    best = {}
    for s in range(1, n // 2 + 1):
        for side in combinations(range(n), s):
            cut = sum(w for u, v, w in edges if (u in side) ^ (v in side))
            best[n - s] = min(best.get(n - s, float("inf")), cut)
    return [(s, best[s]) for s in best if all(best[t] > best[s] for t in best if t < s)]


def by_dominance(n, edges):
    splits = set()
    for part in product((0, 1), repeat=n):
        if 0 < sum(part) < n:
            splits.add((max(sum(part), n - sum(part)), sum(w for u, v, w in edges if part[u] != part[v])))
    return {a for a in splits if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in splits)}


def in_one_array(n, edges):
    parts = np.arange(1, 2 ** (n - 1))[:, None] >> np.arange(n) & 1
    u, v, w = np.array(edges).reshape(-1, 3).T
    cuts = (parts[:, u.astype(int)] != parts[:, v.astype(int)]) @ w
    sizes = np.maximum(parts.sum(axis=1), n - parts.sum(axis=1))
    order = np.lexsort((cuts, sizes))
    sizes, cuts = sizes[order], cuts[order]
    before = np.concatenate([[np.inf], np.minimum.accumulate(cuts)[:-1]])
    return np.column_stack([sizes, cuts])[cuts < before]


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, counting, "right"),
        (1, crossing_off, "right"),
        (1, by_sets, "right"),
        (1, in_arrays, "right"),
        (1, lambda groups, n: int(is_partition(groups, n)), "wrong"),
        (1, lambda groups, n: [is_partition(groups, n)], "wrong"),
        (1, lambda groups, n: not is_partition(groups, n), "wrong"),
        (1, lambda groups, n: is_partition(groups, n) and len(groups) < 6, "wrong"),
        (1, lambda groups, n: is_partition([[v % n for v in group] for group in groups], n), "wrong"),
        (1, lambda groups, n: is_partition([[abs(v) for v in group] for group in groups], n), "wrong"),
        (2, whole_cut_twice, "right"),
        (2, in_one_line, "right"),
        (2, by_branches, "right"),
        (2, by_a_sum_for_each_part, "right"),
        (2, by_the_library, "right"),
        (2, in_fractions, "right"),
        (2, lambda *given: np.float32(gain(*given)), "right"),
        (2, lambda *given: np.array(gain(*given)), "right"),
        (2, lambda *given: [gain(*given)], "wrong"),
        (2, lambda *given: gain(*given) + 0j, "wrong"),
        (2, lambda *given: gain(*given) + 1e-3, "wrong"),
        (2, lambda around, parts, v, to: gain(around, parts, v, to) + 1e-3 * (to != parts[v]), "wrong"),
        (2, lambda *given: str(gain(*given)), "wrong"),
        (2, lambda neighbours, parts, node, to: gain(neighbours, parts, to % len(parts), parts[node]), "wrong"),
        (3, all_gains_anew, "right"),
        (3, in_arrays_of_weights, "right"),
        (3, with_minus_the_gain, "right"),
        (3, many_passes, "right"),
        (3, the_very_best, "right"),
        (3, last_of_the_best, "right"),
        (3, lambda *given: list(mended(*given)), "right"),
        (3, lambda *given: (np.array(mended(*given)[0], bool), Fraction(mended(*given)[1])), "right"),
        (3, lambda *given: mended(*given)[::-1], "wrong"),
        (3, lambda *given: (mended(*given)[0], mended(*given)[1] + 1), "wrong"),
        (3, lambda neighbours, parts, most: (mended(neighbours, parts, most)[0], 0), "wrong"),
        (
            3,
            lambda neighbours, parts, most: mended(neighbours, [1 - p for p in parts], most),
            "right",
        ),  # names swap
        (4, (GROUPS, WEIGHTS, EDGES), "right"),
        (4, [GROUPS, WEIGHTS, EDGES], "right"),
        (4, (tuple(map(tuple, GROUPS)), np.array(WEIGHTS, float), np.array(EDGES)), "right"),
        (4, ([{2, 0}, {3, 1}, {5, 4}, {6}], WEIGHTS, [(1, 0, 8), (2, 1, 5), (3, 2, 2)]), "right"),
        (4, (GROUPS[::-1], WEIGHTS[::-1], [(3, 2, 8), (2, 1, 5), (1, 0, 2.0)]), "right"),
        (4, (GROUPS, WEIGHTS, {(0, 1): 8, (1, 2): 5, (2, 3): 2}), "right"),
        (4, iter((GROUPS, WEIGHTS, EDGES)), "right"),
        (4, (GROUPS[::-1], WEIGHTS, EDGES), "wrong"),
        (4, (GROUPS, WEIGHTS[::-1], EDGES), "wrong"),
        (4, (GROUPS, WEIGHTS, [*EDGES, (0, 1, 8)]), "wrong"),
        (4, (GROUPS, WEIGHTS, [*EDGES, (0, 2, 0)]), "wrong"),
        (4, (GROUPS, WEIGHTS), "wrong"),
        (4, (GROUPS, WEIGHTS, [(0, 1, "8"), (1, 2, "5"), (2, 3, "x")]), "wrong"),
        (4, (GROUPS, ..., EDGES), "untouched"),
        (5, by_choices, "right"),
        (5, by_dominance, "right"),
        (5, in_one_array, "right"),
        (5, lambda n, edges: trade(n, edges)[::-1], "right"),
        (5, lambda n, edges: [list(map(Fraction, pair)) for pair in trade(n, edges)], "right"),
        (5, lambda n, edges: trade(n, edges) * 2, "wrong"),
        (5, lambda n, edges: dict(trade(n, edges)), "wrong"),
        (5, lambda n, edges: [], "wrong"),
        (5, lambda n, edges: [(size, cut + 0.25) for size, cut in trade(n, edges)], "wrong"),
        (5, lambda n, edges: trade(n, edges)[:2], "wrong"),
        (5, lambda n, edges: trade(n, edges)[::2], "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ on graphs that nobody is judged on


def random_graph(rng, n, loops=0.2):
    pairs = [(u, v) for u, v in combinations(range(n), 2) if rng.random() < 0.4]
    pairs += [(u, u) for u in range(n) if rng.random() < loops]
    return [(u, v, int(rng.integers(1, 10))) for u, v in pairs]


def test_properties_of_groups_agree_on_everything_small():
    """All lists of at most three groups of at most two entries from -1 ... 3, for n = 3."""
    entries = [[], *([v] for v in range(-1, 4)), *map(list, product(range(-1, 4), repeat=2))]
    good = 0
    for k in (1, 2, 3):
        for groups in product(entries, repeat=k):
            found = is_partition(list(groups), 3)
            assert found == (not module._faults(list(groups), 3)), groups
            good += found
    assert good == 18, "3! orders of three single nodes; a pair in two orders beside the third, in two orders"


@pytest.mark.parametrize("seed", range(100, 110))
def test_a_gain_is_the_fall_of_the_library_s_cut(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 12))
    edges = random_graph(rng, n)
    graph, neighbours = as_graph(edges, n=n), module._neighbours(n, edges)
    parts = rng.integers(0, 4, n).tolist()
    for node, to in product(range(n), range(4)):
        after = [to if v == node else part for v, part in enumerate(parts)]
        assert gain(neighbours, parts, node, to) == edge_cut(graph, parts) - edge_cut(graph, after)


@pytest.mark.parametrize("seed", range(100, 110))
def test_a_mended_pass_is_a_pass_with_gains_computed_anew(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 14))
    edges = [(u, v, w + rng.random()) for u, v, w in random_graph(rng, n, loops=0)]  # no ties
    graph, neighbours = as_graph(edges, n=n), module._neighbours(n, edges)
    parts = (rng.permutation(n) % 2).tolist()
    found, fall = mended(neighbours, parts, n // 2 + 1)
    same, same_fall = all_gains_anew(neighbours, parts, n // 2 + 1)
    assert found == same
    assert fall == pytest.approx(same_fall)
    assert fall == pytest.approx(edge_cut(graph, parts) - edge_cut(graph, found))
    assert max(part_weights(graph, found, 2)) <= n // 2 + 1


def karate():
    club = nx.karate_club_graph()
    return [dict.fromkeys(club[v], 1) for v in range(34)], as_graph(list(club.edges), n=34)


def test_the_bug_is_silent_but_for_its_count_as_the_page_says():
    neighbours, graph = karate()
    cuts, miscounts = {one_pass: [], mended: []}, Counter()
    for seed in range(100, 160):
        parts = (np.random.default_rng(seed).permutation(34) % 2).tolist()
        for function in cuts:
            found, fall = function(neighbours, parts, 18)
            assert max(part_weights(graph, found, 2)) <= 18
            cuts[function].append(edge_cut(graph, found))
            assert cuts[function][-1] < edge_cut(graph, parts), "the cut falls"
            miscounts[function] += fall != edge_cut(graph, parts) - cuts[function][-1]
    assert miscounts[mended] == 0
    assert miscounts[one_pass] > 30
    assert np.mean(cuts[one_pass]) > 1.15 * np.mean(cuts[mended])


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_trade_is_what_the_library_measures_on_all_splits(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    edges = random_graph(rng, n)
    graph = as_graph(edges, n=n)
    for size, cut in trade(n, edges):
        ways = [way for way in product((0, 1), repeat=n) if max(part_weights(graph, way, 2)) <= size < n]
        assert min(edge_cut(graph, way) for way in ways) == cut
    assert set(trade(n, edges)) == by_dominance(n, edges)


def test_the_contraction_is_that_of_the_rule_and_keeps_every_cut():
    graph, mate = as_graph(FINE, n=7), {}
    for u in range(7):
        free = [(w, v) for v, w in module._neighbours(7, FINE)[u].items() if v not in mate]
        if u not in mate and free:
            ((_, v),) = [pair for pair in free if pair[0] == max(free)[0]]  # nobody has to choose among equals
            mate[u], mate[v] = v, u
    assert {frozenset({u, mate.get(u, u)}) for u in range(7)} == set(COARSE)
    groups, weights, edges = EXERCISES["graph_partitioning-4"].reference
    assert weights == [sum(FINE_WEIGHTS[v] for v in group) for group in groups]
    coarse = as_graph(edges, n=4)
    for parts in product((0, 1, 2), repeat=4):
        projected = [next(part for part, group in zip(parts, groups, strict=True) if v in group) for v in range(7)]
        assert edge_cut(coarse, parts) == edge_cut(graph, projected)
        below = part_weights(graph, projected, 3, vertex_weights=FINE_WEIGHTS)
        assert np.array_equal(part_weights(coarse, parts, 3, vertex_weights=weights), below)


def test_the_library_contracts_as_the_exercise_does():
    multilevel = pytest.importorskip("lessons.multilevel", reason="the multilevel method is not here")
    level = multilevel.as_level(as_graph(FINE, n=7), FINE_WEIGHTS)
    _, coarse = multilevel.contract(level, np.array([2, 3, 0, 1, 5, 4, 6], np.int32))
    assert sorted(coarse.vertex_weights.tolist()) == [1, 2, 3, 4]
    weights = coarse.vertex_weights
    ends = np.repeat(np.arange(4), np.diff(coarse.indptr))
    found = {
        (int(weights[u]), int(weights[v]), float(w))
        for u, v, w in zip(ends, coarse.indices, coarse.edge_weights, strict=True)
        if weights[u] < weights[v]
    }
    assert found == {(2, 3, 8.0), (3, 4, 5.0), (1, 4, 2.0)}, (
        "by the weights of their ends, which are all different"
    )


def test_the_example_of_the_page_for_a_trade():
    assert trade(4, [(0, 1, 1), (1, 2, 5), (2, 3, 2)]) == [(2, 3), (3, 1)]


# ------------------------------------------------------------------------------ the page


def test_the_page_shows_the_pass_that_is_judged():
    assert TOPIC.shown(one_pass) == [code_of(one_pass)]


def test_mended_is_the_pass_but_for_one_line():
    lines = code_of(one_pass).replace("one_pass", "mended").splitlines()
    differ = [pair for pair in zip(lines, code_of(mended).splitlines(), strict=True) if pair[0] != pair[1]]
    assert [pair[0].strip() for pair in differ] == ["gains[u] += w if parts[u] != parts[v] else -w"]


# ------------------------------------------------------------------------------ the cases


def test_groups_come_fewest_nodes_first_and_have_every_fault_alone_and_hidden():
    given = cases(1)
    assert [n for _, n in given] == sorted(n for _, n in given)
    faults = Counter(frozenset(module._faults(groups, n)) for groups, n in given)
    for alone in ("two groups", "one group twice", "missing", "outside", "empty"):
        assert faults[frozenset({alone})] >= 4, alone
    assert faults[frozenset()] >= 12
    assert faults[frozenset({"missing", "outside"})] >= 12
    assert (
        sum(total == n for groups, n in given if (total := sum(map(len, groups))) and module._faults(groups, n))
        > 30
    )
    assert sum(any(-1 in group for group in groups) for groups, _ in given) >= 6
    balanced = [groups for groups, n in given if not module._faults(groups, n)]
    assert any(max(map(len, groups)) > min(map(len, groups)) + 1 for groups in balanced)


def test_moves_meet_third_parts_weights_loops_and_lonely_nodes():
    given = cases(2)
    kinds = Counter()
    for neighbours, parts, node, to in given:
        around = {parts[u] for u in neighbours[node] if u != node}
        kinds["third"] += bool(around - {to, parts[node]})
        kinds["own part"] += to == parts[node]
        kinds["loop"] += node in neighbours[node]
        kinds["loop and move"] += node in neighbours[node] and to != parts[node]
        kinds["alone"] += not neighbours[node]
        kinds["weights"] += not set(neighbours[node].values()) <= {1}
        kinds["empty part"] += to not in parts
        kinds["loss"] += gain(neighbours, parts, node, to) < 0
        kinds["gain"] += gain(neighbours, parts, node, to) > 0
        kinds["four parts"] += len(set(parts)) == 4
    assert min(kinds.values()) >= 4, kinds
    levels = [module._harder_last((neighbours, parts)) for neighbours, parts, _, _ in given]
    assert levels == sorted(levels)


def test_no_pass_has_to_choose_between_moves_that_are_as_good():
    for neighbours, parts, most in cases(3):
        found, fall = all_gains_anew(neighbours, parts, most)
        mirrored = [dict(reversed(around.items())) for around in neighbours[::-1]]
        turned = [{len(parts) - 1 - u: w for u, w in around.items()} for around in mirrored]
        back, same = all_gains_anew(turned, parts[::-1], most)
        assert (found, fall) == (back[::-1], same), "with the nodes numbered the other way round"


def test_passes_start_where_nothing_gains_where_only_a_loss_leads_on_and_elsewhere():
    given = cases(3)
    stages = [module._stage(case) for case in given]
    assert stages == sorted(stages)
    stuck = [bool(module._nothing_gains(*case)) for case in given]
    won = [mended(*case)[1] > 0 for case in given]
    kinds = Counter(zip(stuck, won, strict=True))
    assert min(kinds[True, False], kinds[True, True], kinds[False, True]) >= 15, kinds
    assert all(sum(parts) <= most and len(parts) - sum(parts) <= most for _, parts, most in given)
    shows = [one_pass(*case) != mended(*case) for case in given]
    assert sum(shows) >= 25, "the bug shows"
    assert sum(shows) <= len(shows) - 25, "the bug does not always show"


def test_trades_have_steps_that_buy_nothing_and_dips():
    given = cases(5)
    sizes = [(n, len(edges)) for n, edges in given]
    assert sizes == sorted(sizes)
    assert sum(len(trade(n, edges)) < n // 2 for n, edges in given) >= 10
    assert sum(len(trade(n, edges)) > 1 for n, edges in given) >= 10
    assert any(len(trade(n, edges)) == 3 for n, edges in given)
    assert any(u == v for _, edges in given for u, v, _ in edges)


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._all_are_there, "it forgets how many times"),
        (1, module._counted_by_index, "count[-1] is the place of the last node"),
        (1, module._next_ones_disjoint, "compared with the next one only"),
        (1, module._as_many_and_the_sum, "the right sum"),
        (1, module._empty_allowed, "they find no fault"),
        (2, module._turned_sign, "Look at the sign"),
        (2, module._both_ends, "an edge that is in two dictionaries"),
        (2, module._outside_less_inside, '"not in mine" is not "in the new one"'),
        (2, module._own_part_lost, "no `elif` between"),
        (2, module._edges_counted, "Look at where you add 1"),
        (2, module._loop_lost, "Leave the neighbour out that is the node"),
        (3, one_pass, "From the one to the other: how far is that?"),
        (3, module._never_back, "other moves were kept than were counted"),
        (3, module._count_mended_only, "the gains by which moves are chosen"),
        (3, module._end_for_the_best, "is what you return the best moment of all?"),
        (3, module._no_move_at_a_loss, "The best of the moves is made whatever its gain is"),
        (3, module._one_more_than_most, "fewer than `most`"),
        (4, ([[0, 1], [2, 3], [4, 5], [6]], [3, 2, 4, 1], []), "Look at the edges of node 0"),
        (4, (GROUPS, [5, 5, 6, 1], EDGES), "the edge between the two has no say"),
        (4, (GROUPS, WEIGHTS, [(0, 1, 5), (1, 2, 4), (2, 3, 1)]), "Neither the heaviest"),
        (5, module._all_in_one_part, "it cuts nothing, and is no split"),
        (5, module._in_one_stretch, "neighbours in the numbering or not"),
        (5, module._running_best, "two pairs with the same cut"),
        (5, module._less_than_the_size_before, "below *all* cuts kept so far"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("graph_partitioning-1", module._counted_by_index)
    assert "not: groups=[[-1]], n=1\nYour function returned: True\n" in capsys.readouterr().out
    check("graph_partitioning-2", module._turned_sign)
    assert "not: neighbours=[{1: 1.0}, {0: 1.0}], parts=[0, 1], node=1, to=0\n" in capsys.readouterr().out
    check("graph_partitioning-3", one_pass)
    assert "parts=[0, 1, 0], most=2\nYour function returned: ([0, 0, 1], 1)\n" in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["graph_partitioning-2"].draw([{1: 2.0}, {0: 2.0, 1: 1.0}], [0, 3], 1, 0)
    assert fig.axes[0].get_title() == "node 1 moves to part 0"
    assert {"part 0", "part 3"} <= {text.get_text() for text in fig.axes[0].texts}
    assert "part 3" in alt
    fig, _ = EXERCISES["graph_partitioning-3"].draw(*cases(3)[0])
    assert fig.axes[0].get_title().startswith("before the pass: parts of at most ")
    fig, _ = EXERCISES["graph_partitioning-4"].draw()
    assert sum(text.get_text().startswith("weighs") for text in fig.axes[0].texts) == 7
