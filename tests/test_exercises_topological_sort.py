"""The exercises of notebook 02: other right answers are right, nearly right ones are not, hints fit."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from exercised import Topic

from lessons import as_graph
from lessons.exercises.topological_sort import SIX, first_sight
from lessons.topological_sort import generations, topological_sort

TOPIC = Topic("topological_sort")

pytestmark = pytest.mark.usefixtures("first_attempt")


def status(number, answer):
    return TOPIC.verdict(number, answer).status


def by_longest_paths(indptr, indices, n):
    """Through the arcs twice: once to count, once along an order."""
    waits_for, level = [0] * n, [0] * n
    for v in indices:
        waits_for[v] += 1
    order = [v for v in range(n) if not waits_for[v]]
    for u in order:
        for k in range(indptr[u], indptr[u + 1]):
            v = int(indices[k])
            level[v] = max(level[v], level[u] + 1)
            waits_for[v] -= 1
            if not waits_for[v]:
                order.append(v)
    return [{v for v in range(n) if level[v] == k} for k in range(max(level) + 1)]


def on_a_copy(indptr, indices, n):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    ends = np.asarray(indices)
    graph.add_edges_from((u, v) for u in range(n) for v in ends[indptr[u] : indptr[u + 1]].tolist())
    return tuple(np.array(wave)[::-1] for wave in nx.topological_generations(graph))


def three_reads(indptr, indices, n):
    return by_longest_paths(indptr, indices, n) if sum(indices) >= 0 else []


def with_an_empty_one(indptr, indices, n):
    return [*by_longest_paths(indptr, indices, n), set()]


def alive_at_each_step(order, reads, size):
    last = {u: k for k, v in enumerate(order) for u in reads[v]}
    return max(
        sum(size[u] for j, u in enumerate(order[: k + 1]) if last.get(u, len(order)) >= k or j == k)
        for k in range(len(order))
    )


def without_its_own_result(order, reads, size):
    return alive_at_each_step(order, reads, size) - size[order[-1]]


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, np.array([1, 3, 0, 5, 2, 4]), "right"),
        (1, iter([1, 3, 0, 5, 2, 4]), "right"),
        (1, "130524", "wrong"),
        (1, [[1, 3, 0, 5, 2, 4]], "wrong"),
        (2, by_longest_paths, "right"),
        (2, on_a_copy, "right"),
        (2, three_reads, "wrong"),
        (2, with_an_empty_one, "wrong"),
        (3, ((0, 1), (0, 2), (2, 1)), "right"),
        (3, np.array([[3, 0], [3, 1], [1, 0]]), "right"),
        (3, [(0, 1), (0, 2), (0, 3), (2, 1), (3, 2)], "right"),
        (3, [(0, 1), (0, 2), (2, 1), (1, 0)], "wrong"),
        (4, alive_at_each_step, "right"),
        (4, lambda *given: float(alive_at_each_step(*given)), "right"),
        (4, without_its_own_result, "wrong"),
        (4, lambda *given: [alive_at_each_step(*given)], "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert status(number, answer) == expected


def test_the_order_by_hand_is_the_one_of_the_library():
    graph = as_graph(SIX, n=6, directed=True)
    assert status(1, topological_sort(graph)) == "right"
    rules = {
        "queue": list(nx.topological_sort(graph.to_networkx())),
        "generations": [v for wave in generations(graph) for v in wave],
        "depth first": list(nx.dfs_postorder_nodes(graph.to_networkx()))[::-1],
    }
    assert {rule for rule, order in rules.items() if status(1, order) == "right"} == set()


def test_the_bug_shows_on_exactly_the_graphs_where_the_answer_is_no_order():
    pairs = [(u, v) for u in range(3) for v in range(3)]
    shown = 0
    for size in range(len(pairs) + 1):
        for edges in combinations(pairs, size):
            order = first_sight(as_graph(edges, n=3, directed=True))
            acyclic = nx.is_directed_acyclic_graph(nx.DiGraph(edges))
            bad = acyclic and any(order.index(u) > order.index(v) for u, v in edges)
            assert status(3, list(edges)) == ("right" if bad else "wrong"), edges
            shown += bad
    assert shown == 3, "from each of the three nodes, one shortcut past the larger of the others"


def test_cases_have_orders_and_come_smallest_first():
    sizes = [(n, len(indices)) for _, indices, n in TOPIC.cases(2)]
    assert sizes == sorted(sizes)
    for order, reads, size in TOPIC.cases(4):
        assert all(order.index(u) < k for k, v in enumerate(order) for u in reads[v])
        assert set(size) == set(order)


def test_some_nodes_read_a_result_twice_and_some_are_read_by_several():
    cases = TOPIC.cases(4)
    assert any(len(inputs) > len(set(inputs)) for _, reads, _ in cases for inputs in reads.values())
    read = [[u for inputs in reads.values() for u in set(inputs)] for _, reads, _ in cases]
    assert any(len(once) > len(set(once)) for once in read)


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, [1, 0, 2, 3, 5, 4], "Look at nodes 0 and 2"),
        (1, [1, 5, 3, 2, 0, 4], "Two nodes are ready at first"),
        (2, three_reads, "np.bincount"),
        (3, [(0, 1), (1, 2)], "Let 0 point to two nodes"),
        (4, without_its_own_result, "size"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)
