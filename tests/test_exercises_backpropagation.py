"""The exercises of notebook 03: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from itertools import chain, product

import numpy as np
import pytest
from exercised import Topic, code_of, refuses

import lessons.exercises as machinery
from lessons import backpropagation
from lessons.backpropagation import Tensor, Value, path_derivative
from lessons.exercises import check
from lessons.exercises.backpropagation import backward, early_backward, slope_at, sum_to

TOPIC = Topic("backpropagation")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
pytestmark = pytest.mark.usefixtures("first_attempt")


def plain(inputs):
    return [row.uncounted.tolist() for row in inputs]


# ------------------------------------------------------------------------------ each one is sound


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, [[Value(1.0)]])


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (3, "Your function raised RuntimeError: no"),
        (6, "gradient=6., shape=()\nYour function raised RuntimeError"),
    ],
)
def test_what_a_function_raises_is_named(number, told, capsys):
    check(f"backpropagation-{number}", refuses)
    assert told in capsys.readouterr().out


# ------------------------------------------------------------------------------ other answers


def with_arrays(inputs, slopes):
    gradients = np.zeros(len(inputs))
    gradients[-1] = 1
    for k in range(len(inputs) - 1, -1, -1):
        np.add.at(gradients, np.asarray(inputs[k]), gradients[k] * np.array(slopes[k], float))
    return gradients


def by_kahn(inputs, slopes):
    """Counts what each node waits for, then takes who is ready; two reads of a port."""
    waits_for = [0] * len(inputs)
    for row in inputs:
        for j in row:
            waits_for[j] += 1
    gradients = [0] * (len(inputs) - 1) + [1]
    ready = [k for k, count in enumerate(waits_for) if count == 0]
    while ready:
        k = ready.pop()
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
            waits_for[j] -= 1
            ready += [j] if waits_for[j] == 0 else []
    return tuple(gradients)


def asks_the_readers(inputs, slopes):
    """Turns the ports round first, then asks each node's readers, with a memory."""
    readers = [[] for _ in inputs]
    for k, row in enumerate(inputs):
        for j, slope in zip(row, slopes[k], strict=True):
            readers[j].append((k, slope))
    known = {len(inputs) - 1: 1.0}
    for j in range(len(inputs) - 2, -1, -1):
        known[j] = sum(known[k] * slope for k, slope in readers[j])
    return [known[j] for j in range(len(inputs))]


def three_reads(inputs, slopes):
    return by_kahn(inputs, slopes) if sum(sum(row) for row in inputs) >= 0 else []


def forgets_the_last_port(inputs, slopes):
    return backward([list(row)[:2] for row in inputs], [row[:2] for row in slopes])


def at_most_two_paths(inputs, slopes):
    """Right, except where more than two paths lead to the last node."""
    paths = paths_to_last([list(row) for row in inputs])
    return [g + (number > 2) for g, number in zip(backward(inputs, slopes), paths, strict=True)]


def slope_by_tape(x):
    leaf = Value(x)
    (leaf / (1 + leaf * leaf)).backward()
    return leaf.grad


def one_axis_at_a_time(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(0)
    for axis, length in enumerate(shape):
        if gradient.shape[axis] != length:
            gradient = gradient.sum(axis, keepdims=True)
    return gradient


def by_multiplication(gradient, shape):
    return (
        np.multiply(gradient, 1) @ np.ones(2)
        if gradient.shape == (2, 2) and shape == (2,)
        else sum_to(gradient, shape)
    )


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, (36.0, 45.0, 15.0, 6.0, 1.0), "right"),
        (1, np.array([36, 45, 15, 6, 1]), "right"),
        (1, iter([36, 45, 15, 6, 1]), "right"),
        (1, [[36, 45, 15, 6, 1]], "wrong"),
        (1, ["36", "45", "15", "6", "1"], "wrong"),
        (1, [36 + 0j, 45, 15, 6, 1], "wrong"),
        (1, [36, 45, 15, 6.5, 1], "wrong"),
        (2, [5_000, 3 * 2_000, 2_000 + 40], "right"),
        (2, np.array([5e3, 6e3, 2.04e3]), "right"),
        (2, [5000, 6000, 2039], "wrong"),
        (3, with_arrays, "right"),
        (3, by_kahn, "right"),
        (3, asks_the_readers, "right"),
        (3, backward, "right"),
        (3, three_reads, "wrong"),
        (3, at_most_two_paths, "wrong"),
        (3, forgets_the_last_port, "wrong"),
        (3, lambda *given: [complex(g) for g in backward(*given)], "wrong"),
        (3, lambda *given: [*backward(*given), 0.0], "wrong"),
        (3, lambda *given: [str(g) for g in backward(*given)], "wrong"),
        (4, ([], [0], [1], [1, 2]), "right"),
        (4, [[], [0, 0], [1], (1, 2, 2)], "right"),
        (4, [[], [0], [0, 1], [1, 2]], "right"),
        (4, [np.array([], int), np.array([0]), np.array([1]), np.array([1, 2])], "right"),
        (4, [[], [0], [1], [2, 1]], "wrong"),
        (4, [[], [0], [1], [1, 3]], "wrong"),
        (4, [[], [0], [1], [1, -1]], "wrong"),
        (4, [[], [0], [1], [1, "2"]], "wrong"),
        (4, [[0], [0], [1], [1, 2]], "wrong"),
        (5, lambda x: 1 / (1 + x * x) - 2 * x * x / (1 + x * x) ** 2, "right"),
        (5, lambda x: np.float64(slope_at(x)), "right"),
        (5, lambda x: np.array(slope_at(x)), "right"),
        (5, lambda x: slope_by_tape(x), "right"),
        (5, lambda x: slope_by_tape(x) * 1j, "wrong"),
        (5, lambda x: Value(slope_at(x)), "wrong"),
        (5, lambda x: [slope_at(x)], "wrong"),
        (5, lambda x: slope_at(x) + 2e-6, "wrong"),
        (5, lambda x: slope_at(x) if abs(x) < 5 else 0.0, "wrong"),
        (5, lambda x: slope_at(x) if x >= 0 else -slope_at(x), "wrong"),
        (6, backpropagation.sum_to, "right"),
        (6, one_axis_at_a_time, "right"),
        (6, by_multiplication, "wrong"),
        (6, lambda gradient, shape: sum_to(gradient, shape).tolist(), "wrong"),  # nothing of shape (0, 3) is left
        (6, lambda gradient, shape: sum_to(gradient, shape) * 1j, "wrong"),
        (6, lambda gradient, shape: sum_to(gradient, shape).ravel(), "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


@pytest.mark.parametrize(
    "inputs",
    [
        [[], [0], [1], [1, 2], []],
        [[], [0], [1]],
        [[], [0], [1], [1, 2, 3]],
        [[0], [0], [1], [1, 2]],
        [[], [0], [1], [-1, 2]],
        [[], [0], [1], [1.5, 2]],
        ["", "0", "1", "12"],
        [0, 1, 2, 3],
        np.eye(4),
    ],
)
def test_what_is_no_graph_of_four_nodes_is_told_as_such(inputs):
    assert verdict(4, inputs).failed is EXERCISES["backpropagation-4"].properties[0]


# ------------------------------------------------------------------------------ held against the library


def test_the_slopes_by_hand_are_those_of_the_engine_and_of_all_paths():
    x, y = Value(3.0), Value(2.0)
    a = x * y
    b = a + x
    c = a * b
    c.backward()
    assert [node.grad for node in (x, y, a, b, c)] == EXERCISES["backpropagation-1"].reference
    assert [path_derivative(c, node) for node in (x, y)] == [36, 45]


def test_the_walk_back_is_that_of_the_engine():
    for inputs, slopes in cases(3):
        nodes = []
        for row, local in zip(plain(inputs), slopes, strict=True):
            parts = (nodes[j] * slope for j, slope in zip(row, local, strict=True))
            nodes.append(sum(parts, start=next(parts)) if row else Value(1.0))
        nodes[-1].backward()
        assert [node.grad for node in nodes] == backward(plain(inputs), slopes)


def test_the_slope_is_that_of_the_engine():
    assert all(np.isclose(slope_at(x), slope_by_tape(x), rtol=1e-12, atol=1e-15) for (x,) in cases(5))


def test_broadcasting_back_is_that_of_the_library_and_of_the_tensor():
    for gradient, shape in cases(6):
        found = sum_to(gradient, shape)
        x = Tensor(np.ones(shape))
        (x * np.ones(gradient.shape)).backward(gradient)
        assert found.shape == shape
        assert np.array_equal(found, x.grad)
        assert np.array_equal(found, backpropagation.sum_to(gradient, shape))


def paths_to_last(inputs):
    """How many paths lead from each node to the last: each of them walked."""
    ends = []
    stack = [len(inputs) - 1]
    while stack:
        ends.append(stack.pop())
        stack += inputs[ends[-1]]
    return [ends.count(k) for k in range(len(inputs))]


def graphs_of(n):
    """All graphs of n nodes with at most two ports each."""
    rows = [
        [list(ports) for ports in chain(*(product(range(k), repeat=size) for size in range(3)))] for k in range(n)
    ]
    return map(list, product(*rows))


def test_the_bug_shows_on_exactly_the_graphs_where_a_path_is_missing():
    shown = 0
    for inputs in graphs_of(4):
        bad = early_backward(inputs) != paths_to_last(inputs)
        assert verdict(4, inputs).status == ("right" if bad else "wrong"), inputs
        shown += bad
    assert shown > 1
    assert all(early_backward(inputs) == paths_to_last(inputs) for n in (1, 2, 3) for inputs in graphs_of(n))


def test_the_page_shows_the_function_that_is_judged():
    assert TOPIC.shown(early_backward) == [code_of(early_backward)]


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    sizes = [(len(inputs), sum(map(len, inputs))) for inputs, _ in cases(3)]
    assert sizes == sorted(sizes)
    sizes = [(gradient.size == 0, gradient.ndim) for gradient, _ in cases(6)]
    assert sizes == sorted(sizes)


def test_graphs_have_all_that_can_go_wrong():
    graphs = [plain(inputs) for inputs, _ in cases(3)]
    assert all(j < k for inputs in graphs for k, row in enumerate(inputs) for j in row)
    assert [[]] in graphs
    assert [[], []] in graphs
    assert any(len(set(row)) < len(row) for inputs in graphs for row in inputs), "a node read at two ports"
    assert any(len(set(row)) > 1 for inputs in graphs for row in inputs)
    leads = [(inputs, paths_to_last(inputs)) for inputs in graphs]
    assert any(row and not number for inputs, paths in leads for row, number in zip(inputs, paths, strict=True))
    assert any(
        not row and not number for inputs, paths in leads for row, number in zip(inputs, paths, strict=True)
    )
    assert max(max(paths) for _, paths in leads) == 2**11
    assert any(early_backward(inputs) != paths for inputs, paths in leads if len(inputs) < 6)


def test_places_are_nice_ones_first_then_random_ones_on_both_sides():
    places = [x for (x,) in cases(5)]
    assert places[:3] == [0, 1, -1]
    assert [abs(x) for x in places[3:]] == sorted(abs(x) for x in places[3:])
    assert min(places) < -4
    assert max(places) > 4
    assert sum(abs(abs(x) - 1) > 0.1 and abs(x) > 0.1 for x in places) > 30


def test_gradients_have_all_that_can_go_wrong():
    pairs = [(gradient.shape, shape) for gradient, shape in cases(6)]
    assert all(np.broadcast_shapes(shape, whole) == whole for whole, shape in pairs)
    assert any(whole and not shape for whole, shape in pairs)
    assert any(len(shape) < len(whole) and 1 in shape and whole != shape for whole, shape in pairs)
    assert any(0 in whole and 0 not in shape for whole, shape in pairs)
    assert any(0 in shape for _, shape in pairs)
    assert any(shape == whole for whole, shape in pairs)


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, [24, 27, 15, 6, 1], "after both parts of dc/da are there"),
        (1, [18, 27, 9, 6, 1], "dc/da = (value of b) + "),
        (2, [5000, 80_000, 2040], "one forward walk from each setting"),
        (2, [5000, 6000, 6120], "over the edges of (b) and the edges into the sum"),
        (3, three_reads, "hands on their sum, and is done"),
        (3, forgets_the_last_port, "by = or by +="),
        (4, [[], [0], [1], [2, 1]], "change the order of the ports of node 3"),
        (4, [[], [0], [0], [1, 2]], "Two ports of *one* node hand back together"),
        (5, lambda x: -slope_at(x), "minus u times the slope of v"),
        (5, lambda x: 1 / (1 + x * x), "it counts x times, with a minus"),
        (5, lambda x: (1 - x * x) / (1 + x * x), "the divisor is v²"),
        (6, by_multiplication, "lined up: from the right"),
        (6, lambda gradient, shape: sum_to(gradient, shape) / 2, "neither divide nor repeat"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_graph_is_said_as_lists(capsys):
    check("backpropagation-3", lambda inputs, slopes: [1.0] * len(inputs))
    assert "not: inputs=[[], []], slopes=[[], []]\nYour function returned: [1.0, 1.0]\n" in capsys.readouterr().out


def test_a_gradient_without_entries_is_said_with_its_shape(capsys):
    check("backpropagation-6", lambda gradient, shape: sum_to(gradient, shape) if gradient.size else refuses())
    assert "gradient=[], shape=(1,)" in capsys.readouterr().out
    check(
        "backpropagation-6",
        lambda gradient, shape: sum_to(gradient, shape) if gradient.ndim < 2 or gradient.size else 0,
    )
    assert "gradient=an array of shape (" in capsys.readouterr().out


def test_the_failing_graph_is_drawn_with_its_slopes():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    draw = EXERCISES["backpropagation-3"].draw
    twice = [machinery.Counted(np.array(row, np.int64)) for row in ([], [0, 0])]
    fig, alt = draw(twice, [[], [2, 3]])
    assert alt == "Nodes 0 to 1: 1 reads 0 with slope 2, 1 reads 0 with slope 3."
    assert "two ports added up" in fig.axes[0].get_title()
    assert "5" in {text.get_text() for text in fig.axes[0].texts}
    assert [row.reads.sum() for row in twice] == [0, 0], "looking at the case is not counted"
    once = [machinery.Counted(np.array(row, np.int64)) for row in ([], [0])]
    assert "added up" not in draw(once, [[], [2]])[0].axes[0].get_title()


def test_the_picture_of_the_five_nodes_shows_values_and_not_the_answer():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, _ = EXERCISES["backpropagation-1"].draw()
    assert {text.get_text() for text in fig.axes[0].texts} == {*"xyabc", "3", "2", "6", "9", "54"}
