"""The exercises of notebook 09: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from fractions import Fraction
from itertools import accumulate, pairwise, product

import networkx as nx
import numpy as np
import pytest
from exercised import Topic, code_of
from hypothesis import given
from hypothesis import strategies as st

from lessons import as_graph
from lessons.biased_walks import random_walks, step_chances
from lessons.exercises import check
from lessons.exercises import node2vec as module
from lessons.exercises.node2vec import (
    alpha,
    are_walks,
    dialogue_walk,
    mended_walk,
    quick_walk,
    slow_walk,
    step_weights,
)

TOPIC = Topic("node2vec")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases

pytestmark = pytest.mark.usefixtures("first_attempt")

# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_times_p_and_q": "divided by p",
    "_p_for_q": "divided by p",
    "_q_for_the_near": "edges from and to",
    "_without_p": "divided by p",
    "_without_q": "divided by q",
    "_against_the_edge": "one way only",
    "_either_way": "one way only",
    "_far_from_where_it_is": "divided by q",
    "_loops_first": "divided by p",
    "_stays_for_goes_back": "divided by p",
    "_by_weights_above_0": "an edge all the same",
    "_alpha_only": "divided by p",
    "_both_edges": "edges from and to",
    "_first_step_far": "first step",
    "_first_step_alike": "first step",
    "_from_itself": "first step",
    "_no_first_step": "without an error",
    "_as_chances": "first step",
    "_of_the_one_before": "a dictionary",
    "_only_where_it_may_go": "a dictionary",
    "_without_names": "a dictionary",
    "_written_in": "left as they were",
    "dialogue_walk": "without an error",
    "_first_step_only": "without an error",
    "_first_step_and_direction": "without an error",
    "_dead_ends_too": "*from* walk[-2]",
    "_near_either_way": "*from* walk[-2]",
    "_round_the_end": "weigh the same",
    "_the_first_for_the_one_before": "weigh the same",
    "_first_step_far_away": "weigh the same",
    "_one_too_far_back": "1/p back",
    "_the_last_for_the_one_before": "1/p back",
    "_from_the_start": "1/p back",
    "_near_where_it_is": "1/p back",
    "_loop_at_t_first": "1/p back",
    "_p_and_q_swapped": "1/p back",
    "_steps_from_the_one_before": "is chosen, once",
    "_filled_up": "is chosen, once",
    "_starts_twice": "is chosen, once",
    "_ends_at_leaves": "shorter than",
    "_one_step_more": "begins with `start`",
    "_without_the_start": "begins with `start`",
    "_the_end_as_an_index": "True for good walks",
    "_against": "True for good walks",
    "_by_ones": "True for good walks",
    "_no_step_stays": "True for good walks",
    "_never_ends": "True for good walks",
    "_ends_where_none_arrives": "True for good walks",
    "_any_row": "True for good walks",
    "_all_at_once": "True for good walks",
    "_first_row": "no edge joins",
    "_first_steps": "no edge joins",
    "_in_either_direction": "against an edge",
    "_ends_ignored": "edges leave its last node",
    "_ends_dropped": "edges leave its last node",
    "_ends_anywhere": "edges leave its last node",
    "_last_column_missing": "edges leave its last node",
    "_some_step": "edges leave its last node",
    "_may_begin_ended": "not even begun",
    "_may_rise_again": "not even begun",
    "_any_number": "without an error",
    "_below_n_only": "is no node",
    "_largest_first": "without an error",
    "_for_each_step": "True or False",
    "slow_walk": "a few at each step",
    "_rows_copied_once": "a few at each step",
    "_tables_kept": "a few at each step",
    "_bound_too_large": "a few at each step",
    "_stays_when_refused": "each step is an edge",
    "_bound_of_one": "chances of slow_walk",
    "_bound_by_p": "chances of slow_walk",
    "_bound_by_q": "chances of slow_walk",
    "_back_when_refused": "chances of slow_walk",
    "_first_when_refused": "chances of slow_walk",
    "_keeps_all": "chances of slow_walk",
    "_weights_turned_over": "chances of slow_walk",
    "_p_for_q_and_q_for_p": "chances of slow_walk",
    "_all_are_near": "chances of slow_walk",
    "_none_is_near": "chances of slow_walk",
    "_first_of_its_kind": "chances of slow_walk",
    "_never_back": "chances of slow_walk",
    "_never_keeps": "without an error",
    "_a_node_for_a_list": "without an error",
    "_one_node_more": "`length` nodes",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    made = [answer for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)]
    named = {name for name, value in vars(module).items() if any(value is answer for answer in made)}
    assert named == set(FAILS)
    assert len(made) == len(named) + 2, "the two that always say the same"


ODD = [{}, {0: 1}, {"b": "1"}, [0], [0, 0, 0, -5], (True,), [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, "4"], [[1] * 6]]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, exercise in EXERCISES.items():
        check(id, (lambda *_: ...) if callable(exercise.reference) else ...)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def by_the_library(successors, previous, current, p, q):
    """Its chances, times what they must sum to."""
    edges = [(u, v, w) for u, row in successors.items() for v, w in row.items()]
    graph = as_graph(edges, nodes=list(successors), directed=True)
    scale = sum(step_weights(successors, previous, current, p, q).values())
    chances = graph.by_node(step_chances(graph, previous, current, p=p, q=q) * scale)
    return {x: chances[x] for x in successors[current]}


def by_networkx_distances(successors, previous, current, p, q):
    graph = nx.DiGraph([(u, v) for u, row in successors.items() for v in row])
    far = {} if previous is None else nx.single_source_shortest_path_length(graph, previous)
    factor = {0: 1 / p, 1: 1.0, 2: 1 / q}
    return {x: w * (1.0 if previous is None else factor[far[x]]) for x, w in successors[current].items()}


def in_numpy_numbers(successors, previous, current, p, q):
    return {x: np.float64(w) for x, w in step_weights(successors, previous, current, p, q).items()}


def chances_for_weights(successors, start, length, p, q, choose):
    """Normalised, in another order, and with the name that the dialogue uses."""
    walk, previous = [start], None
    for _ in range(length - 1):
        current = walk[-1]
        nodes = sorted(successors[current])
        if not nodes:
            break
        weights = np.ones(len(nodes))
        if previous is not None:
            weights[[x not in successors[previous] for x in nodes]] = 1 / q
            weights[[x == previous for x in nodes]] = 1 / p
        previous = current
        walk.append(choose(nodes, weights / weights.sum()))
    return np.array(walk)


def by_recursion(successors, start, length, p, q, choose):
    def rest(before, here, more):
        nodes = successors[here]
        if more == 0 or not nodes:
            return [here]
        near = nodes if before is None else successors[before]
        weights = [1 / p if x == before else 1 if x in near else 1 / q for x in nodes]
        return [here, *rest(here, choose(nodes, weights), more - 1)]

    return rest(None, start, length - 1)


def a_loop_at_the_start_is_a_way_back(successors, start, length, p, q, choose):
    return module._round_the_end(successors, start, length, p, q, choose)


def by_masks(walks, A):
    n, on = len(A), walks >= 0
    if walks.size == 0:
        return True
    if walks.min() < -1 or walks.max() >= n or not on[:, 0].all() or (on[:, 1:] > on[:, :-1]).any():
        return False
    u, v = walks[:, :-1], walks[:, 1:]
    steps, ends = on[:, 1:], on[:, :-1] & ~on[:, 1:]
    return bool((A[u[steps], v[steps]] > 0).all() and not A[u[ends]].any())


def by_networkx_edges(walks, A):
    graph = nx.from_numpy_array(A, create_using=nx.DiGraph)
    for row in walks.tolist():
        text = ["end" if node == -1 else node for node in row]
        if text[0] == "end" or any(node != "end" and node not in graph for node in text):
            return False
        for u, v in pairwise(text):
            if v == "end" and u != "end" and graph.out_degree(u):
                return False
            if v != "end" and not graph.has_edge(u, v):
                return False
    return np.True_


def with_a_last_resort(neighbours, joined, start, length, p, q, random):
    """As the authors would: draw again, fifty times at most, then by the table."""
    walk = [start]
    most = max(1 / p, 1, 1 / q)
    while len(walk) < length:
        here, before = neighbours[walk[-1]], walk[-2:-1]
        for _ in range(50):
            x = here[int(random() * len(here))]
            if not before or random() <= alpha(joined, before, x, p, q) / most:
                break
        else:
            nodes = here.tolist()
            up_to = list(accumulate(alpha(joined, before, x, p, q) for x in nodes))
            x = nodes[bisect(up_to, random() * up_to[-1])]
        walk.append(int(x))
    return walk


def the_way_back_apart(neighbours, joined, start, length, p, q, random):
    """The one neighbour with 1/p drawn first, so that the bound is that of the others: at most 2 parts a round."""
    walk = [start]
    while len(walk) < length:
        here, before = neighbours[walk[-1]], walk[-2:-1]
        if not before:
            walk.append(int(here[int(random() * len(here))]))
            continue
        others = max(1, 1 / q)
        if random() * (1 / p + len(here) * others) < 1 / p:
            walk += before
            continue
        x = int(here[int(random() * len(here))])
        if [x] != before and random() * others < alpha(joined, before, x, p, q):
            walk.append(x)
    return walk


def back_by_its_edge(successors, previous, current, p, q):
    """Right only where the edge back is there."""
    if previous is None:
        return dict(successors[current])
    return step_weights(successors, previous, current, p, q) | {previous: successors[current][previous] / p}


def none_before_the_first(successors, start, length, p, q, choose):
    """None stands for the node before, and is looked up."""
    return module._mended(lambda walk: walk[-2] if len(walk) > 1 else "none")(
        successors, start, length, p, q, choose
    )


def asks_an_array(walks, A):
    return walks.size == 0 or bool((walks < 0) | (walks >= 0))


def place_not_whole(neighbours, joined, start, length, p, q, random):
    return [start, neighbours[start].tolist()[random() * len(neighbours[start])]]


def half_of_it(neighbours, joined, start, length, p, q, random):
    """Reads half of the neighbours at each step."""
    walk = quick_walk(neighbours, joined, start, length, p, q, random)
    for v in walk:
        neighbours[v][: len(neighbours[v]) // 2]
    return walk


def never_to_the_last(neighbours, joined, start, length, p, q, random):
    """random() * (d - 1): the last neighbour of a row is never drawn, unless it is the only one."""
    cut = [row[:-1] if len(row) > 2 else row for row in neighbours]
    return quick_walk(cut, joined, start, length, p, q, random)


SIX = [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 4]


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_the_library, "right"),
        (1, by_networkx_distances, "right"),
        (1, in_numpy_numbers, "right"),
        (1, lambda *a: {x: w * 1j for x, w in step_weights(*a).items()}, "wrong"),
        (1, lambda *a: {x: str(w) for x, w in step_weights(*a).items()}, "wrong"),
        (1, lambda *a: {x: 2 * w for x, w in step_weights(*a).items()}, "wrong"),
        (1, lambda *a: step_weights(*a) | {"z": 0.0}, "wrong"),
        (2, chances_for_weights, "right"),
        (2, by_recursion, "right"),
        (2, lambda *a: tuple(mended_walk(*a)), "right"),
        (2, a_loop_at_the_start_is_a_way_back, "wrong"),
        (2, lambda *a: mended_walk(*a)[:-1] or a[1:2], "wrong"),
        (2, lambda successors, start, length, p, q, choose: [start], "wrong"),
        (2, lambda successors, start, *_: successors[start], "wrong"),
        (3, tuple(SIX), "right"),
        (3, np.array(SIX), "right"),
        (3, [Fraction(1, 4), Fraction(1, 2), Fraction(1, 17), Fraction(1, 17), 0.5, 4], "right"),
        (3, [Fraction(1, 4), Fraction(1, 2), *[Fraction(1, 17)] * 2, Fraction(1, 2), Fraction(4)], "right"),
        (3, [0.25, 0.5, 0.0588, 0.0588, 0.5, 4], "right"),
        (3, [0.25, 0.5, 0.059, 0.058, 0.5, 4], "right"),
        (3, [0.25, 0.5, 0.0588, 0.06, 0.5, 4], "wrong"),
        (3, [0.25, 0.5, 0.062, 0.0588, 0.5, 4], "wrong"),
        (3, [0.25, 0.5, 0.0588, Fraction(1, 18), 0.5, 4], "wrong"),
        (3, [0.25, 0.5, 0.0588, 0.0588, 0.5, 3.99], "wrong"),
        (3, ["1/4", "1/2", "1/17", "1/17", "1/2", "4"], "wrong"),
        (4, by_masks, "right"),
        (4, by_networkx_edges, "right"),
        (4, lambda walks, A: int(are_walks(walks, A)), "wrong"),
        (4, lambda walks, A: not are_walks(walks, A), "wrong"),
        (4, lambda walks, A: are_walks(walks, A.T), "wrong"),
        (4, lambda walks, A: are_walks(walks, A + np.eye(len(A))), "wrong"),
        (5, with_a_last_resort, "right"),
        (5, the_way_back_apart, "right"),
        (5, lambda *a: np.array(quick_walk(*a)), "right"),
        (5, half_of_it, "wrong"),
        (5, never_to_the_last, "wrong"),
        (5, lambda *a: quick_walk(*a[:4], 1.0, 1.0, a[6]), "wrong"),
        (5, lambda *a: [a[2]] * a[3], "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_weights_are_in_proportion_to_the_library_s_chances_on_every_case():
    for successors, previous, current, p, q in cases(1):
        weights = step_weights(successors, previous, current, p, q)
        edges = [(u, v, w) for u, row in successors.items() for v, w in row.items()]
        graph = as_graph(edges, nodes=list(successors), directed=True)
        chances = graph.by_node(step_chances(graph, previous, current, p=p, q=q))
        total = sum(weights.values())
        assert chances == pytest.approx(
            {x: weights.get(x, 0.0) / total if total else 0.0 for x in graph.nodes}, abs=1e-12
        )


@given(n=st.integers(1, 8), density=st.floats(0, 1), seed=st.integers(0, 2**32 - 1), directed=st.booleans())
def test_the_library_s_walks_are_walks_and_with_one_step_changed_are_not(n, density, seed, directed):
    rng = np.random.default_rng(seed)
    A = rng.integers(1, 5, (n, n)) * (rng.random((n, n)) < density).astype(float)
    A = A if directed else np.triu(A) + np.triu(A, 1).T
    graph = as_graph(np.argwhere(A if directed else np.triu(A)), n=n, directed=directed)
    walks = random_walks(graph, 6, walks_per_node=2, p=0.25, q=4.0, seed=seed)
    assert are_walks(walks, A)
    assert by_masks(walks, A)
    i, k = rng.integers(len(walks)), rng.integers(6)
    changed = walks.copy()
    changed[i, k] = rng.integers(-2, n + 1)
    assert are_walks(changed, A) == by_masks(changed, A) == (not module._fault(changed, A))


def test_the_mended_walk_goes_as_the_library_does():
    """A choice that really draws: how often each step is taken after each, beside the library's exact chances."""
    successors = {0: [1, 2], 1: [0, 2, 3], 2: [0, 3], 3: [2, 3]}
    graph = as_graph([(u, v) for u, row in successors.items() for v in row], n=4, directed=True)
    rng = np.random.default_rng(100)

    def choose(nodes, weights):
        return nodes[int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights), side="right"))]

    walk = mended_walk(successors, 0, 20_000, 0.25, 3.0, choose)
    taken = Counter(zip(walk, walk[1:], walk[2:], strict=False))
    for t, v in sorted({(t, v) for t, v, _ in taken}):
        counts = np.array([taken[t, v, x] for x in range(4)])
        chances = step_chances(graph, t, v, p=0.25, q=3.0)
        spread = np.sqrt(counts.sum() * chances * (1 - chances))
        assert (np.abs(counts - counts.sum() * chances) <= 5 * spread).all()


def test_the_dialogue_stops_at_its_first_step():
    with pytest.raises(IndexError):
        dialogue_walk({0: [1], 1: [0]}, 0, 2, 1.0, 1.0, lambda nodes, weights: nodes[0])
    assert dialogue_walk({0: [1], 1: [0]}, 0, 1, 1.0, 1.0, None) == [0]


@pytest.mark.parametrize("loop", [False, True])
def test_an_index_that_goes_round_is_right_unless_there_is_a_loop(loop):
    row = [0, 1, 2] if loop else [1, 2]
    given = [[], []]
    for asked, walk in zip(given, (module._round_the_end, mended_walk), strict=True):
        walk(
            {0: row, 1: [0], 2: [0]},
            0,
            2,
            0.25,
            4.0,
            lambda nodes, weights, asked=asked: asked.append(weights) or nodes[0],
        )
    assert (given[0] == given[1]) is not loop


def test_no_wrong_number_is_as_near_as_a_rounded_one_may_be():
    """The nearest of the wrong answers' chances is 1/16 for 1/17: four times as far off as is let pass."""
    right = EXERCISES["node2vec-3"].reference[:5]
    lists = [answer for answer in EXERCISES["node2vec-3"].wrong if isinstance(answer, list)]
    off = [abs(number / wanted - 1) for answer in lists for number, wanted in zip(answer, right, strict=False)]
    coarse = 0.06 * 17 - 1
    assert min(far for far in off if far > 1e-12 and far != pytest.approx(coarse)) == pytest.approx(1 / 16)
    assert module.ROUNDED < coarse < 1 / 16
    assert max(abs(17 * rounded - 1) for rounded in (0.059, 0.0588, 0.058)) < module.ROUNDED < 1 / 16 / 4


def ring(size, cliques=4):
    return as_graph(module._ring_of_cliques(cliques, size), n=cliques * size)


def test_the_predicted_chances_are_the_library_s():
    graph = ring(5)
    seen = [(1, 2, 0.25, 1), (1, 4, 0.25, 5), (1, 4, 4.0, 5), (4, 5, 0.25, 4), (4, 5, 4.0, 4)]
    found = [step_chances(graph, t, v, p=1.0, q=q)[x] for t, v, q, x in seen]
    assert found == pytest.approx(EXERCISES["node2vec-3"].reference[:5])


def steps_until_it_leaves(graph, size, q):
    """The mean number of steps until a walk from any node of clique 0 is in another, from the exact chances."""
    inside = range(size)
    pairs = [(t, v) for t, v in product(inside, inside) if t != v]
    P = np.zeros((len(pairs), len(pairs)))
    for k, (t, v) in enumerate(pairs):
        chances = step_chances(graph, t, v, p=1.0, q=q)
        for x in inside:
            if chances[x] > 0:
                P[k, pairs.index((v, x))] = chances[x]
    left = dict(zip(pairs, np.linalg.solve(np.eye(len(pairs)) - P, np.ones(len(pairs))), strict=True))
    firsts = [step_chances(graph, None, v) for v in inside]
    means = [1 + sum(row[x] * left[v, x] for x in inside if x != v) for v, row in zip(inside, firsts, strict=True)]
    return float(np.mean(means))


@pytest.mark.parametrize("size", range(4, 10))
def test_a_large_q_stays_longest_in_a_clique(size):
    graph = ring(size)
    steps = [steps_until_it_leaves(graph, size, q) for q in (0.25, 1.0, 4.0)]
    assert steps == sorted(steps)
    assert len(set(steps)) == 3
    assert verdict(3, [*SIX[:5], (0.25, 1.0, 4.0)[int(np.argmax(steps))]]).status == "right"


@pytest.mark.parametrize("walker", [slow_walk, quick_walk])
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_both_walks_have_the_library_s_chances(walker, seed):
    edges = module._wheel(5)
    neighbours, joined, start, _, p, q, random = module._hub_case(np.random.default_rng(seed), edges, 0, 0.25, 4.0)
    walk = walker(neighbours, joined, start, 6_000, p, q, random)
    graph = as_graph(edges, n=6)
    taken = Counter(zip(walk, walk[1:], walk[2:], strict=False))
    for t, v in sorted({(t, v) for t, v, _ in taken}):
        counts = np.array([taken[t, v, x] for x in range(6)])
        chances = step_chances(graph, t, v, p=p, q=q)
        spread = np.sqrt(counts.sum() * chances * (1 - chances))
        assert (np.abs(counts - counts.sum() * chances) <= 5 * spread).all()


def test_what_is_counted_of_a_right_walk_spreads_as_a_normal_number_does():
    """The three deviations of right walks: rarely above 2, never near the bound."""
    rng = np.random.default_rng(100)
    off = []
    for number in range(40):
        p, q = module.BIASES[number % 4]
        neighbours, joined, start, length, p, q, random = module._hub_case(rng, module._wheel(5), 400, p, q)
        walk = slow_walk(neighbours, joined, start, length, p, q, random)
        off += module._deviations(walk, neighbours, joined, p, q)
    assert 0.02 < np.mean(np.array(off) > 2) < 0.09, "0.046 of normal numbers"
    assert max(off) < 4.5


@pytest.mark.parametrize("thrown_away", range(1, 4))
def test_a_right_walk_is_right_whatever_it_draws(thrown_away):
    def other_draws(*given):
        for _ in range(thrown_away):
            given[-1]()
        return quick_walk(*given)

    assert verdict(5, other_draws).status == "right"


def test_drawing_again_reads_as_often_as_the_text_says():
    for number, (p, q) in enumerate(module.BIASES):
        case = module._hub_case(np.random.default_rng(100 + number), module._wheel(300), 2_000, p, q)
        walk = quick_walk(*case)
        read = sum(int(row.reads.sum()) for row in case[0])
        wanted = module._reads_of_drawing(walk, case[0], case[1], p, q)
        assert read == pytest.approx(wanted, rel=0.1)
        assert wanted <= 2_000 * max(1 / p, 1, 1 / q) / min(1 / p, 1, 1 / q)
        assert read < 300 * 2_000 / 10


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    assert [len(given[0]) for given in cases(1)][4:] == sorted(len(given[0]) for given in cases(1)[4:])
    for number, place in ((4, 1), (5, 0)):
        sizes = [len(given[place]) for given in cases(number)]
        assert sizes[0] <= 2
        assert sizes[-1] == max(sizes)
    assert cases(2)[0][:3] == ({0: []}, 0, 1)


def test_steps_meet_every_kind_of_next_node_and_loops():
    kinds = Counter(
        (module._kind(successors, previous, x), x == current)
        for successors, previous, current, _, _ in cases(1)
        for x in successors[current]
    )
    assert {kind for kind, _ in kinds} == {"first", "back", "near", "far", "one way", "by an edge of weight 0"}
    assert min(Counter(kind for kind, _ in kinds.elements()).values()) >= 5
    for successors, previous, current, p, q in cases(1):
        assert previous is None or successors[previous][current] > 0, "the walk has come along an edge"
        assert p != q
    assert any(previous == current for _, previous, current, _, _ in cases(1))
    assert any(not successors[current] for successors, _, current, _, _ in cases(1))
    assert any(0.0 in successors[current].values() for successors, _, current, _, _ in cases(1))


def test_walks_meet_first_steps_loops_dead_ends_and_directions():
    met = Counter()
    for successors, start, length, p, q, choose in cases(2):
        walk = mended_walk(successors, start, length, p, q, choose)
        met["short"] += len(walk) < length
        met["loop"] += start in successors[start] and length > 1
        met["one node"] += length == 1
        met["both ways"] += any(module._both_ways(successors, walk[:k]) for k in range(2, len(walk)))
        met["direction"] += any(not module._both_ways(successors, walk[:k]) for k in range(2, len(walk)))
    assert met["one node"] == 1
    assert min(met[kind] for kind in ("short", "loop", "both ways", "direction")) >= 3


def test_walkers_have_every_fault_alone_and_good_ones_of_every_kind():
    faults, ended, luck = Counter(), 0, 0
    for walks, A in cases(4):
        faults[module._fault(walks, A)] += 1
        kinds = {module._fault_of(row, A) for row in walks.tolist()} - {""}
        assert len(kinds) <= 1, "one fault only"
        good = not kinds
        ended += good and (walks == -1).any()
        luck += not good and kinds != {"no node"} and module._ends_ignored(walks, A)
    assert set(faults) == {"", *module.KINDS}
    assert min(faults.values()) >= 4
    assert faults[""] >= 20
    assert ended >= 5
    assert luck >= 10, "wrong, though each step that is looked up is an edge"
    shapes = {walks.shape for walks, _ in cases(4)}
    assert any(number == 0 for number, _ in shapes)
    assert any(length == 1 for _, length in shapes)


def test_hubs_come_last_and_small_graphs_have_all_three_kinds_of_steps():
    kinds = Counter()
    for neighbours, joined, start, length, p, q, random in cases(5):
        assert sorted(joined(u, int(v)) for u, row in enumerate(neighbours) for v in row.uncounted)[0]
        if len(neighbours) < module.MANY:
            walk = slow_walk(neighbours, joined, start, length, p, q, random)
            kinds.update("back" if t == x else joined(t, x) for t, x in zip(walk, walk[2:], strict=False))
    assert len(kinds) == 3
    assert [len(given[0]) > module.MANY for given in cases(5)][-3:] == [True] * 3


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._against_the_edge, "that of previous, or that of x?"),
        (1, module._by_weights_above_0, "0.0 counts as False"),
        (1, module._from_itself, "also at a loop from current to itself"),
        (1, module._times_p_and_q, "A large p makes the way back rare. Does yours?"),
        (1, module._far_from_where_it_is, "from current all are one edge away"),
        (1, module._no_first_step, "before the first step, has no edges"),
        (1, module._no_first_step, "Ask for `previous is None` first"),
        (1, back_by_its_edge, "need not have its way back"),
        (1, module._first_step_alike, "the weight is left as it is"),
        (2, none_before_the_first, "None has no successors"),
        (2, dialogue_walk, "Look at walk[-2] when walk is [start]"),
        (2, module._first_step_only, "a walk that comes there is over"),
        (2, module._round_the_end, "Index -1 is the last one"),
        (2, module._steps_from_the_one_before, "The name `previous` deceives"),
        (2, module._dead_ends_too, "whose successors are looked through"),
        (3, ["1/4", *SIX[1:]], "quotation marks"),
        (3, [25, 50, 5.9, 5.9, 50, 4], "25 % is 0.25"),
        (3, [0.25, 0.5, 0.06, 0.06, 0.5, 4], "several fractions round to 0.06"),
        (3, [1 / 13, *SIX[1:]], "Is there one?"),
        (3, [*SIX[:2], 1 / 16, *SIX[3:]], "divide by the sum"),
        (4, module._the_end_as_an_index, "index -1 is the *last* node"),
        (4, module._any_number, "before you look them up in A"),
        (4, module._largest_first, "max and min of none are errors"),
        (4, asks_an_array, "make one truth value of many"),
        (4, module._below_n_only, "count negative indices from the end"),
        (5, slow_walk, "for a loop over neighbours, for a table"),
        (5, module._bound_by_q, "the largest that it can be"),
        (5, module._stays_when_refused, "what you append where a draw is not kept"),
        (5, module._a_node_for_a_list, "slow_walk hands alpha walk[-2:-1]"),
        (5, place_not_whole, "a place that is no whole number"),
        (5, module._never_keeps, "can it be true for every neighbour?"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted):
    failed = verdict(number, answer).failed
    assert hinted in " ".join([failed.says, *failed.hints])


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("node2vec-1", module._times_p_and_q)
    told = "not: successors={'a': {'a': 3.0}}, previous='a', current='a', p=2.0, q=0.5\n"
    assert f"{told}Your function returned: {{'a': 6.0}}\n" in capsys.readouterr().out
    check("node2vec-2", dialogue_walk)
    out = capsys.readouterr().out
    assert "not: successors={0: [1], 1: [0]}, start=" in out
    assert ", choose=choose\nYour function raised IndexError: list index out of range\n" in out
    check("node2vec-4", module._the_end_as_an_index)
    assert "not: walks=[[ 0, -1, -1]], A=[[0.]]\nYour function returned: False\n" in capsys.readouterr().out
    check("node2vec-5", module._stays_when_refused)
    assert "not: neighbours=[[1], [0]], joined=joined, start=0, length=400, p=" in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["node2vec-1"].draw({"a": {"b": 2.0}, "b": {}}, "a", "b", 0.5, 3.0)
    assert fig.axes[0].get_title() == "a → b, p = 0.5, q = 3"
    assert alt.startswith("A directed graph of 2 nodes with the edge a → b")
    fig, _ = EXERCISES["node2vec-1"].draw({"a": {}}, None, "a", 0.5, 3.0)
    assert fig.axes[0].get_title().startswith("first step from a")
    fig, _ = EXERCISES["node2vec-2"].draw(*cases(2)[4])
    assert fig.axes[0].get_title().startswith("from ")
    _, alt = EXERCISES["node2vec-3"].draw()
    assert "20 nodes" in alt
    walks, A = next(given for given in cases(4) if module._fault(*given) == "no edge" and len(given[1]) > 1)
    fig, _ = EXERCISES["node2vec-4"].draw(walks, A)
    assert fig.axes[0].get_title().endswith("]: no edge")
    fig, _ = EXERCISES["node2vec-4"].draw(np.array([[0]]), np.ones((1, 1)))
    assert fig.axes[0].get_title() == "walks"
    hub = cases(5)[-1]
    fig, alt = EXERCISES["node2vec-5"].draw(*hub)
    assert fig.axes[0].get_title().endswith("; the first 20 of 401 nodes")
    assert sum(int(row.reads.sum()) for row in hub[0]) == 0, "looking at the case is not counted"


@pytest.mark.parametrize("function", [dialogue_walk, slow_walk, alpha], ids=lambda function: function.__name__)
def test_the_page_shows_the_functions_that_are_judged(function):
    assert TOPIC.shown(function) == [code_of(function)]
