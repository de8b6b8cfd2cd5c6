"""The exercises: what a learner reads for each kind of answer; and each exercise of each topic is sound."""

from __future__ import annotations

import json
import math
import pickle
import re
import subprocess
import sys
import types
from copy import deepcopy
from dataclasses import replace
from itertools import cycle, pairwise

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

import lessons.exercises as machinery
from lessons import as_graph, course
from lessons.errors import UnknownLabel
from lessons.exercises import (
    Counted,
    Exercise,
    Property,
    assert_right,
    check,
    exercises_of,
    hint,
    judge,
    once,
    problems,
    solution,
    topics,
    use,
    variant,
)

# ------------------------------------------------------------------------------ two exercises made up


def some_lists(rng):
    for size in range(40):
        yield (rng.integers(0, 9, size).tolist(),)


def largest_two(numbers):
    ordered = sorted(numbers, reverse=True)
    return ordered[:2]


def all_sorted(numbers):
    return sorted(numbers, reverse=True)


TWO = Property(
    "at most two numbers come back", lambda found, numbers: len(found) == min(2, len(numbers)), tuple("abc")
)
LARGEST = Property(
    "nothing larger is left behind",
    lambda found, numbers: found == largest_two(numbers),
    ("look up", "there", "sort"),
)
IMPLEMENT = Exercise(
    id="made_up-1",
    level="core",
    form="implement",
    difficulty=1,
    importance=2,
    minutes=5,
    cases=some_lists,
    properties=(TWO, LARGEST),
    reference=largest_two,
    wrong=(
        lambda numbers: numbers[:2],
        all_sorted,
        lambda numbers: sorted(numbers)[:2],
        lambda numbers: [max(numbers)] * 2,
    ),
    why="Sorted downwards, the two largest come first.",
    after="Needed by 05.",
)
PREDICT = Exercise(
    id="made_up-2",
    level="warm-up",
    form="predict",
    difficulty=1,
    importance=1,
    minutes=2,
    cases=once,
    properties=(Property("it is the root of 16", lambda answer: answer**2 == 16 and answer > 0, ("x", "y", "z")),),
    reference=4,
    wrong=(8, -4, 256, 2),
    why="4 * 4 = 16.",
)


pytestmark = pytest.mark.usefixtures("first_attempt")


@pytest.fixture
def made_up(monkeypatch):
    """Put exercises in the place of a topic called made_up."""

    def put(*exercises):
        module = types.ModuleType("lessons.exercises.made_up")
        module.EXERCISES = exercises
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(machinery, "topics", lambda: ["made_up"])

    put(IMPLEMENT, PREDICT)
    return put


def printed(capsys, id, answer):
    check(id, answer)
    out, err = capsys.readouterr()
    assert err == ""
    assert "Traceback" not in out
    return out


# ------------------------------------------------------------------------------ stubs


def dots(numbers): ...


def passes(numbers):
    pass


def only_text(numbers):
    """Write me."""


def gives_dots(numbers):
    return ...


def raises(numbers):
    raise NotImplementedError


@pytest.mark.parametrize("stub", [..., None, dots, passes, only_text, gives_dots, raises])
def test_a_stub_is_not_attempted_yet(made_up, capsys, stub):
    assert printed(capsys, "made_up-1", stub) == "made_up-1: not attempted yet\n"


@pytest.mark.parametrize("stub", [..., None, [..., ...], (1, ...)])
def test_a_value_with_dots_left_is_not_attempted_yet(made_up, capsys, stub):
    assert printed(capsys, "made_up-2", stub) == "made_up-2: not attempted yet\n"


def test_a_forgotten_return_is_no_stub_and_told(made_up, capsys):
    def forgetful(numbers):
        sorted(numbers, reverse=True)[:2]

    out = printed(capsys, "made_up-1", forgetful)
    assert "not yet\nWhat must hold: your function returns something\n" in out
    assert "Your function returned: None\nHint 1 of 3 (direction): A function that reaches its end" in out


def test_none_is_an_answer_where_the_reference_gives_it():
    def largest(numbers):
        return max(numbers) if numbers else None

    same = Property("it is the largest", lambda found, numbers: found == largest(numbers), ("a", "b", "c"))
    exercise = replace(IMPLEMENT, reference=largest, properties=(same,))
    assert judge(exercise, largest).status == "right"
    assert judge(exercise, lambda numbers: print(end="")).failed is same


def test_a_stub_takes_no_hint(made_up, capsys):
    check("made_up-1", ...)
    assert "Hint 2" not in printed(capsys, "made_up-1", sorted)


# ------------------------------------------------------------------------------ right and wrong


def test_right_says_on_how_many_cases_and_what_for(made_up, capsys):
    assert printed(capsys, "made_up-1", largest_two) == "made_up-1: right on 40 cases\nNeeded by 05.\n"
    assert printed(capsys, "made_up-2", 4) == "made_up-2: right\n"


def test_wrong_says_what_where_and_one_hint_more_each_time(made_up, capsys):
    def first_two(numbers):
        return numbers[:2]

    cases = [numbers for (numbers,) in some_lists(np.random.default_rng(machinery.SEED))]
    smallest = next(numbers for numbers in cases if numbers[:2] != largest_two(numbers))
    head = (
        "made_up-1: not yet\nWhat must hold: nothing larger is left behind\n"
        f"Smallest input found where it does not: numbers={smallest}\n"
        f"Your function returned: {smallest[:2]}\n"
    )
    hints = [
        "Hint 1 of 3 (direction): look up\n",
        "Hint 2 of 3 (location): there\n",
        "Hint 3 of 3 (near-code): sort\n",
    ]
    for shown in (1, 2, 3, 3):
        assert printed(capsys, "made_up-1", first_two) == head + "".join(hints[:shown])


def test_another_property_begins_with_its_own_first_hint(made_up, capsys):
    check("made_up-1", lambda numbers: numbers[:2])
    out = printed(capsys, "made_up-1", all_sorted)
    assert "Hint 1 of 3 (direction): a\n" in out
    assert "Hint 2" not in out
    assert "Hint 2 of 3 (location): there" in printed(capsys, "made_up-1", lambda numbers: numbers[:2])


def test_hint_goes_on_where_the_last_answer_failed(made_up, capsys):
    hint("made_up-1")
    assert capsys.readouterr().out == "Hint 1 of 3 (direction): a\n"
    check("made_up-1", lambda numbers: numbers[:2])
    capsys.readouterr()
    hint("made_up-1")
    assert capsys.readouterr().out.endswith("Hint 2 of 3 (location): there\n")


def test_solution_prints_code_or_value_and_why(made_up, capsys):
    solution("made_up-1")
    code = "def largest_two(numbers):\n    ordered = sorted(numbers, reverse=True)\n    return ordered[:2]\n"
    assert capsys.readouterr().out == f"{code}\n{IMPLEMENT.why}\n"
    solution("made_up-2")
    assert capsys.readouterr().out == "4\n\n4 * 4 = 16.\n"


@pytest.mark.parametrize(
    ("annotated", "bare"),
    [
        (
            "def f(a: int, *b: A['->'], c: B[C, D] = 3, **d: E) -> F[G]:\n    ...",
            "def f(a, *b, c = 3, **d):\n    ...",
        ),
        (
            "def f(\n    a: A,  # é: an A\n    b,\n) -> B:\n    ...",
            "def f(\n    a,  # é: an A\n    b,\n):\n    ...",
        ),
        ("é: str = 'é'; x: A = {1: 2}[1:]", "é = 'é'; x = {1: 2}[1:]"),
        ("def f():\n    x: A\n    return (lambda: 0)", "def f():\n    x: A\n    return (lambda: 0)"),
    ],
)
def test_annotations_are_cut_out_and_nothing_else(annotated, bare):
    assert machinery._without_annotations(annotated) == bare


def test_a_function_for_a_value_and_a_value_for_a_function_are_told(made_up, capsys):
    out = printed(capsys, "made_up-1", [5, 4])
    assert "What must hold: the answer is a function, not a value\nYour answer: [5, 4]\nHint 1" in out
    out = printed(capsys, "made_up-2", math.sqrt)
    assert "What must hold: the answer is a value, not a function\nYour answer: sqrt\nHint 1" in out


def test_a_value_that_could_be_called_is_a_value():
    """As networkx's edges can: `graph.edges(data=True)`."""
    joined = Property("0 and 1 are joined", lambda pairs: (0, 1) in pairs, tuple("abc"))
    asked = replace(PREDICT, reference=[(0, 1)], properties=(joined,))
    assert judge(asked, nx.path_graph(2).edges).status == "right"
    assert judge(asked, nx.empty_graph(2).edges).failed is joined
    assert judge(asked, nx.path_graph).failed is machinery.VALUE_WANTED


@pytest.mark.parametrize("id", ["made_up-9", "made_up", "mad_up-1", "", 3, "os.path-1"])
def test_an_unknown_id_names_the_nearest(made_up, id):
    for ask in (hint, solution, lambda id: check(id, 4)):
        with pytest.raises(UnknownLabel, match=r"^no exercise .*; the nearest is 'made_up-\d'$") as caught:
            ask(id)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_unknown_number_does_not_need_the_other_topics(made_up, monkeypatch):
    monkeypatch.setattr(machinery, "topics", lambda: ["made_up", "broken"])
    with pytest.raises(UnknownLabel, match="the nearest is 'made_up-1'"):
        hint("made_up-11")


def test_an_unknown_topic_is_looked_for_in_all_topics():
    with pytest.raises(UnknownLabel, match="the nearest is 'start_here-2'"):
        hint("strat_here-2")


# ------------------------------------------------------------------------------ answers that misbehave


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda numbers: 1 // 0, "ZeroDivisionError: integer division or modulo by zero"),
        (lambda: [], "TypeError: "),
        (lambda numbers: numbers[0], "IndexError: list index out of range"),
        (lambda numbers: numbers.nothing, "AttributeError: "),
    ],
)
def test_an_error_is_told_as_such(made_up, capsys, answer, told):
    out = printed(capsys, "made_up-1", answer)
    assert out.startswith("made_up-1: not yet\nWhat must hold: your code runs without an error\n")
    assert f"numbers=[]\nYour function raised {told}" in out
    assert "Hint 1 of 3 (direction): The message above names what went wrong" in out


MISSING = replace(machinery.RUNS, hints=("nothing there", "look", "ask"))


def test_an_error_that_the_exercise_names_has_hints_of_its_own(made_up, capsys):
    made_up(replace(IMPLEMENT, raised={LookupError: MISSING}))
    for shown in (1, 2):
        out = printed(capsys, "made_up-1", lambda numbers: numbers[0])
        assert "What must hold: your code runs without an error\n" in out
        assert "Your function raised IndexError: list index out of range\nHint 1 of 3 (direction): nothing" in out
        assert ("(location): look\n" in out) == (shown == 2)
    hint("made_up-1")
    assert capsys.readouterr().out.endswith("Hint 3 of 3 (near-code): ask\n")
    out = printed(capsys, "made_up-1", lambda numbers: 1 // 0)
    assert "Hint 1 of 3 (direction): The message above names what went wrong" in out
    assert "Hint 2" not in out


def test_hints_on_errors_are_judged_as_all_others_are():
    asked = replace(IMPLEMENT, raised={IndexError: MISSING})
    assert problems(asked) == ["no wrong answer fails this property first: your code runs without an error"]
    asked = replace(asked, wrong=(*asked.wrong, lambda numbers: [numbers[0], numbers[1]]))
    assert problems(asked) == []
    (told,) = problems(replace(asked, raised={IndexError: replace(MISSING, hints=("a", "b"))}))
    assert told == "2 hints: 3 are needed for: your code runs without an error"


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (
            as_graph([("s", "t", 2.5), ("t", "s", 3)], nodes="st", directed=True),
            "2, directed, weighted: s→t 2.5, t→s 3)",
        ),
        (as_graph([(0, 1), (1, 2)], n=3), "Graph(n=3, m=2, undirected: 0–1, 1–2)"),
        (as_graph([(0, 0, 1e-12)], n=1), "Graph(n=1, m=1, undirected, weighted: 0–0 1e-12)"),
        (as_graph([], n=2), "Graph(n=2, m=0, undirected)"),
    ],
)
def test_a_graph_is_told_with_its_edges(made_up, capsys, graph, told):
    assert f"{told}\nHint 1" in printed(capsys, "made_up-1", lambda numbers: graph)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda numbers: 5, "Your function returned: 5"),
        (lambda numbers: np.zeros((2, 2)), "Your function returned: [[0., 0.], [0., 0.]]"),
        (lambda numbers: object(), "Your function returned: <object object>"),
        (lambda numbers: (n for n in numbers), "Your function returned: <generator object "),
        (lambda numbers: [np.int64(3), np.float64(0.5)], "Your function returned: [3, 0.5]"),
        (lambda numbers: np.array([1, 2]).all(), "Your function returned: True"),
        (lambda numbers: [0] * 10_000, "0, 0 ..."),
        (lambda numbers: Shy(), "Your function returned: a Shy that cannot be shown"),
        (lambda numbers: len, "Your function returned: len"),
    ],
)
def test_odd_answers_are_told_in_a_line(made_up, capsys, answer, told):
    out = printed(capsys, "made_up-1", answer)
    assert out.startswith("made_up-1: not yet\nWhat must hold: at most two numbers come back\n")
    assert told in out
    assert " at 0x" not in out
    assert max(map(len, out.splitlines())) < 300


def test_an_iterator_given_as_the_value_is_a_list(capsys):
    out = printed(capsys, "start_here-5", (pair for pair in [(0, 1), (1, 0)]))
    assert "What must hold: heard(A, x) is not what the nodes hear" in out
    assert "Your answer: [(0, 1), (1, 0)]\n" in out
    assert status("start_here-5", zip([0, 1], [1, 2], strict=True)) == "right"
    assert status("start_here-1", cycle([0])) == "wrong"  # and comes to an end


def test_an_iterator_that_fails_is_told(capsys):
    out = printed(capsys, "start_here-5", ((0, 1 // k) for k in [1, 0]))
    assert "What must hold: your code runs without an error\nYour answer raised ZeroDivisionError: " in out


class Shy:
    def __repr__(self):
        raise RuntimeError("no")


def test_endless_recursion_is_told(made_up, capsys):
    def again(numbers):
        return again(numbers)

    assert "Your function raised RecursionError" in printed(capsys, "made_up-1", again)


def test_not_implemented_on_a_later_case_is_no_stub(made_up, capsys):
    def half(numbers):
        if len(numbers) > 1:
            raise NotImplementedError("long lists")
        return list(numbers)

    assert "Your function raised NotImplementedError: long lists" in printed(capsys, "made_up-1", half)


def test_warnings_of_an_answer_stay_quiet(made_up, capsys):
    def noisy(numbers):
        np.float64(1.0) / np.float64(0.0)
        return largest_two(numbers)

    assert "right" in printed(capsys, "made_up-1", noisy)


def in_place(numbers):
    numbers.sort(reverse=True)
    return numbers[:2]


def test_a_changed_argument_is_told_even_if_the_result_is_right(made_up, capsys):
    out = printed(capsys, "made_up-1", in_place)
    assert "What must hold: the arguments are left as they were" in out
    numbers = out.partition("numbers=[")[2].partition("]")[0].split(", ")
    assert numbers != sorted(numbers, reverse=True)  # what is shown is the input, not what became of it
    assert "Hint 1 of 3 (direction): Something in your function writes into what it was given." in out


def to_zero(array):
    array[...] = 0


def forget_edge(graph):
    graph.remove_edge(0, 1)


def to_zero_inside(parts):
    parts["deep"][0][:] = 0


@pytest.mark.parametrize(
    ("argument", "change", "look"),
    [
        (np.arange(3.0), to_zero, np.sum),
        (np.array([0.0, math.nan]), to_zero, np.sum),
        (as_graph([(0, 1)], n=2).indices, to_zero, np.sum),  # read-only, but the copy is not
        (csr_array(np.eye(3)), lambda matrix: to_zero(matrix.data), lambda matrix: matrix @ np.ones(3)),
        (nx.path_graph(3), forget_edge, lambda graph: (list(graph.adj), list(graph.edges), nx.degree(graph))),
        ({"deep": [np.ones(2)]}, to_zero_inside, len),
        ({1, 2}, lambda nodes: nodes.pop(), sorted),
        (as_graph([(0, 1)], n=2), None, lambda graph: graph.reverse.sources),
        (Counted([1, 2]), lambda array: to_zero(array[1:]), lambda array: array[0] + sum(array)),
        (math.sin, None, lambda f: f(1.0)),
    ],
)
def test_changes_are_seen_and_looking_is_none(argument, change, look):
    anything = Property("anything", lambda result, argument: True, ("a", "b", "c"))
    exercise = replace(IMPLEMENT, cases=lambda rng: [(argument,)], properties=(anything,))
    assert judge(exercise, lambda given: (look(given), "seen")).status == "right"
    if change is not None:
        assert judge(exercise, lambda given: (change(given), "seen")).failed is machinery.LEFT_AS_WERE


def test_a_property_that_raises_does_not_hold(made_up, capsys):
    made_up(replace(PREDICT, id="made_up-1"))
    assert "not yet\nWhat must hold: it is the root of 16\nYour answer: 'four'" in printed(
        capsys, "made_up-1", "four"
    )
    ambiguous = Property("x", lambda answer: answer == 4, ("a", "b", "c"))
    assert judge(replace(PREDICT, properties=(ambiguous,)), np.array([4, 4])).status == "wrong"


# ------------------------------------------------------------------------------ other forms


def test_a_predicate_is_judged_on_good_and_bad_objects():
    def lists(rng):
        for size in range(1, 31):
            yield (rng.integers(0, 3, size).tolist(),)
            yield (list(range(size)),)

    def is_sorted(numbers):
        return all(a <= b for a, b in pairwise(numbers))

    tells = Property("it tells good from bad", lambda said, numbers: said == is_sorted(numbers), ("a", "b", "c"))
    exercise = replace(
        IMPLEMENT,
        form="property",
        cases=lists,
        properties=(tells,),
        reference=is_sorted,
        wrong=(
            lambda numbers: True,
            lambda numbers: False,
            lambda numbers: numbers[0] <= numbers[-1],
            lambda numbers: all(a < b for a, b in pairwise(numbers)),
        ),
        why="Neighbours in order are enough, since order is transitive.",
    )
    assert problems(exercise) == []


@pytest.mark.parametrize(
    ("read", "reads"),
    [
        (lambda array: array[1], [0, 1, 0]),
        (lambda array: array[-1], [0, 0, 1]),
        (lambda array: array[1:], [0, 1, 1]),
        (lambda array: array[[0, 0]], [2, 0, 0]),
        (lambda array: array[np.array([True, False, True])], [1, 0, 1]),
        (lambda array: list(array), [1, 1, 1]),
        (lambda array: 5 in array, [1, 0, 0]),
        (lambda array: array == 5, [1, 1, 1]),
        (lambda array: 2 * array, [1, 1, 1]),
        (lambda array: np.argsort(array), [1, 1, 1]),
        (lambda array: np.bincount(array), [1, 1, 1]),
        (lambda array: array.argsort(), [1, 1, 1]),
        (lambda array: array.tolist(), [1, 1, 1]),
        (lambda array: np.asarray(array, float), [1, 1, 1]),
        (lambda array: [len(array), *array.shape, array.size, array.ndim], [0, 0, 0]),
        (lambda array: deepcopy(array)[0], [0, 0, 0]),
    ],
)
def test_every_read_is_counted(read, reads):
    counted, plain = Counted([5, 0, 3]), np.array([5, 0, 3])
    assert np.array_equal(read(counted), read(plain))
    assert counted.reads.tolist() == reads


def test_a_counted_array_has_an_end_and_cannot_be_written():
    counted = Counted([5, 0, 3])
    given = np.array([5, 0, 3])
    Counted(given)[:2][:] = 1
    assert given.tolist() == [5, 0, 3]
    with pytest.raises(IndexError):
        counted[3]
    with pytest.raises(TypeError):
        counted[0] = 1
    with pytest.raises(AttributeError):
        counted.missing()


# ------------------------------------------------------------------------------ pictures


@pytest.fixture
def shown(monkeypatch):
    import lessons.show

    pictures = []
    monkeypatch.setattr(lessons.show, "figure", lambda fig, alt: pictures.append((fig, alt)))
    monkeypatch.setattr(machinery, "_in_notebook", lambda: True)
    return pictures


def test_the_smallest_failing_input_is_drawn_in_a_notebook_only(made_up, shown, monkeypatch, capsys):
    made_up(replace(IMPLEMENT, draw=lambda numbers: ("picture", f"Bars of {len(numbers)} numbers.")))
    check("made_up-1", all_sorted)
    assert shown == [("picture", "Bars of 3 numbers.")]
    check("made_up-1", largest_two)
    check("made_up-1", ...)
    check("made_up-1", 3)
    monkeypatch.setattr(machinery, "_in_notebook", lambda: False)
    check("made_up-1", sorted)
    assert len(shown) == 1
    assert "not drawn" not in capsys.readouterr().out


def test_a_picture_that_fails_takes_nothing_with_it(made_up, shown, capsys):
    made_up(replace(IMPLEMENT, draw=lambda numbers: 1 / 0))
    out = printed(capsys, "made_up-1", sorted)
    assert "(not drawn: division by zero)\nHint 1" in out


@pytest.mark.parametrize(("kernel", "drawn"), [(object(), True), (None, False)])
def test_a_notebook_is_a_shell_with_a_kernel(monkeypatch, kernel, drawn):
    shell = types.SimpleNamespace(kernel=kernel)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert machinery._in_notebook() is drawn
    monkeypatch.delitem(sys.modules, "IPython")
    assert machinery._in_notebook() is False


def test_checking_outside_a_notebook_imports_no_pictures():
    code = (
        "import sys; from lessons.exercises import check; check('start_here-4', lambda *a: 0); "
        "print(sorted({'matplotlib', 'IPython', 'lessons.show', 'networkx', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.endswith("\n[]\n")
    assert run.stderr == ""


# ------------------------------------------------------------------------------ what makes an exercise sound


def test_a_sound_exercise_has_no_problems():
    assert problems(IMPLEMENT) == []
    assert problems(PREDICT) == []


def says(hint):
    return (replace(TWO, hints=("a", "b", hint)), LARGEST)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"reference": all_sorted}, "the reference fails"),
        ({"cases": lambda rng: [([1, 2],)] * 29}, "29 cases"),
        ({"cases": lambda rng: [([1, 2],)] * 201}, "201 cases"),
        ({"cases": lambda rng: []}, "0 cases"),
        ({"wrong": IMPLEMENT.wrong[:3]}, "3 wrong answers"),
        ({"wrong": (*IMPLEMENT.wrong, largest_two)}, "a wrong answer is not rejected: largest_two"),
        ({"wrong": (*IMPLEMENT.wrong, dots)}, "a wrong answer is not rejected: dots"),
        ({"wrong": IMPLEMENT.wrong[1:2] * 4}, "no wrong answer fails this property first: nothing larger"),
        ({"properties": (replace(TWO, hints=("a", "b")), LARGEST)}, "2 hints"),
        ({"properties": says("def largest_two(numbers): ... return it[:2]")}, None),
        (
            {"properties": says("do ordered=sorted( numbers,reverse=True )")},
            "gives a line of the reference away",
        ),
    ],
)
def test_problems_names_the_fault(fault, told):
    found = problems(replace(IMPLEMENT, **fault))
    if told is None:  # the head is known anyway
        assert found == []
    else:
        assert any(told in problem for problem in found), found


def test_problems_of_a_value():
    (wanted,) = PREDICT.properties
    telling = replace(PREDICT, properties=(replace(wanted, hints=("a", "b", "it is 4")),))
    assert problems(telling) == ["a hint gives a line of the reference away: it is 4"]
    assert problems(replace(PREDICT, cases=lambda rng: [(), ()])) == [
        "2 cases: a function needs 30 to 200, a value one"
    ]


# ------------------------------------------------------------------------------ every exercise of every topic

EVERY = [exercise for topic in topics() for exercise in exercises_of(topic)]
ALL = pytest.mark.parametrize("exercise", EVERY, ids=lambda exercise: exercise.id)


def test_the_first_topic_is_there():
    assert "start_here" in topics()


@pytest.mark.parametrize("topic", topics())
def test_ids_are_the_topic_and_numbers_from_one(topic):
    ids = [exercise.id for exercise in exercises_of(topic)]
    assert ids == [f"{topic}-{number}" for number in range(1, len(ids) + 1)]
    assert ids


@ALL
def test_reference_passes_and_wrong_answers_fail(exercise):
    assert problems(exercise) == []


@ALL
def test_cases_are_the_same_for_everybody(exercise):
    one, other = (list(exercise.cases(np.random.default_rng(3))) for _ in range(2))
    assert machinery._same(one, other)


@ALL
def test_what_is_printed_is_text_for_every_answer(exercise, capsys):
    for answer in (*exercise.wrong, exercise.wrong[0], "odd", {}, [[]], 1e400, object(), lambda: 0, len, int):
        assert printed(capsys, exercise.id, answer).startswith(f"{exercise.id}: not yet\nWhat must hold: ")
    assert printed(capsys, exercise.id, exercise.reference).startswith(f"{exercise.id}: right")
    assert printed(capsys, exercise.id, ...) == f"{exercise.id}: not attempted yet\n"
    solution(exercise.id)
    assert capsys.readouterr().out.startswith(("def ", "[", "(", "{") if callable(exercise.reference) else "")


@ALL
def test_the_solution_can_be_pasted_and_is_right(exercise, capsys):
    solution(exercise.id)
    code = capsys.readouterr().out.rpartition("\n\n")[0]
    names = {"np": np}
    if callable(exercise.reference):
        exec(compile(code, "cell", "exec", dont_inherit=True), names)  # annotations are looked up
        answer = names[exercise.reference.__name__]
    else:
        answer = eval(code, names)
    assert printed(capsys, exercise.id, answer).startswith(f"{exercise.id}: right")


@ALL
def test_a_failing_case_can_be_drawn(exercise, shown):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    if exercise.draw is None:
        assert shown == []
        return
    cases = list(exercise.cases(np.random.default_rng(machinery.SEED)))
    for arguments in (cases[0], cases[-1]):
        fig, alt = exercise.draw(*arguments)
        assert fig.axes
        assert alt.endswith(".")


# ------------------------------------------------------------------------------ cards

TOPICS = pytest.mark.parametrize("topic", topics())
CARD = re.compile(
    r"\*\*(?:Exercise|Self-check) (\d+)\*\* "
    r"\(([a-z-]+), (\d+) minutes, difficulty ([1-3]) of 3, importance ([1-3]) of 3\)[:.]"
)


def prose(topic):
    cells = json.loads(course.find(topic).path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@TOPICS
def test_every_lesson_has_each_level_and_a_bug_to_spot(topic):
    assert {exercise.level for exercise in exercises_of(topic)} == {"warm-up", "core", "stretch"}
    assert "spot the bug" in {exercise.form for exercise in exercises_of(topic)}


@TOPICS
def test_the_notebook_tells_the_card_of_each_exercise(topic):
    asked = [
        (
            exercise.id.rpartition("-")[2],
            exercise.level,
            exercise.minutes,
            exercise.difficulty,
            exercise.importance,
        )
        for exercise in exercises_of(topic)
    ]
    assert CARD.findall(prose(topic)) == [tuple(map(str, card)) for card in asked]


@TOPICS
def test_the_text_agrees_with_the_form_of_each_exercise(topic):
    told = {
        int(number): words for number, words in re.findall(r"(\d+)\*\* \([^)]*\): \*\*([a-z :,-]+)", prose(topic))
    }
    for number, exercise in enumerate(exercises_of(topic), 1):
        bug = "bug" in told.get(number, "")
        assert bug == (exercise.form == "spot the bug"), exercise.id


@TOPICS
def test_minutes_fit_what_the_lesson_s_card_says(topic):
    """On the main line most of the time to do goes into exercises; those below have minutes of their own."""
    main, _, below = prose(topic).partition("\n## Go further\n")
    minutes = sum(int(card[2]) for card in CARD.findall(main))
    _, to_do = course.find(topic).minutes
    assert 0.6 * to_do <= minutes <= to_do
    further = int(re.search(r"\*(\d+) minutes, and nothing later", below)[1])
    assert sum(int(card[2]) for card in CARD.findall(below)) <= further


# ------------------------------------------------------------------------------ other data

VARIED = pytest.mark.parametrize(
    "exercise", [exercise for exercise in EVERY if exercise.varied], ids=lambda e: e.id
)
FUNCTIONS = pytest.mark.parametrize("exercise", [e for e in EVERY if callable(e.reference)], ids=lambda e: e.id)


@VARIED
def test_a_value_asked_for_other_numbers_is_as_sound(exercise):
    drawn = [variant(exercise, seed) for seed in range(12)]
    assert [problems(other.exercise) for other in drawn] == [[]] * len(drawn)
    assert len({repr(other.exercise.reference) for other in drawn}) > 3
    assert {other.exercise.id for other in drawn} == {exercise.id}
    for other in drawn:
        told = " ".join(prose(exercise.id.rpartition("-")[0]).split())
        assert all(told.count(" ".join(words.split())) == 1 for words in other.text), other.text


@VARIED
def test_another_value_is_asked_with_the_same_words(exercise):
    other = variant(exercise, 3).exercise
    assert (other.level, other.form, other.minutes) == (exercise.level, exercise.form, exercise.minutes)
    assert len(other.properties) == len(exercise.properties)
    assert len(other.wrong) == len(exercise.wrong)


@pytest.mark.full
@FUNCTIONS
def test_functions_are_right_on_other_cases_too(exercise):
    for seed in (7, 8):
        other = variant(exercise, seed).exercise
        assert judge(other, exercise.reference).status == "right"
        drawn = len(list(other.cases(np.random.default_rng(machinery.SEED))))
        everybodys = len(list(exercise.cases(np.random.default_rng(machinery.SEED))))
        assert drawn - everybodys in machinery.CASES


def test_other_cases_come_first_and_everybodys_after_them():
    own = list(variant(IMPLEMENT, 8).exercise.cases(np.random.default_rng(machinery.SEED)))
    everybodys = list(some_lists(np.random.default_rng(machinery.SEED)))
    assert own[40:] == everybodys
    assert own[:40] != everybodys
    assert variant(PREDICT, 8).exercise is PREDICT


@pytest.fixture
def used(made_up):
    """Exercises with the data of seed 8, which are two other numbers in the second."""

    def ask(root):
        wanted = Property(f"it is the root of {root**2}", lambda answer: answer == root, ("x", "y", "z"))
        return replace(PREDICT, properties=(wanted,), reference=root, varied=lambda rng: machinery.Variant(ask(5)))

    made_up(IMPLEMENT, ask(4))
    yield use(8)
    use(None)


def test_a_seed_is_used_until_another_is(used, capsys):
    assert printed(capsys, "made_up-2", 5) == "made_up-2: right\n"
    assert printed(capsys, "made_up-1", largest_two).startswith("made_up-1: right on 80 cases\n")
    for shown in (1, 2, 3):
        out = printed(capsys, "made_up-2", 4)
        assert "What must hold: it is the root of 25\n" in out
        assert out.count("Hint") == shown, "hints go on, though the exercise is made anew"
    solution("made_up-2")
    assert capsys.readouterr().out.startswith("5\n")
    use(None)
    assert printed(capsys, "made_up-2", 4) == "made_up-2: right\n"


@pytest.mark.parametrize(("seed", "kind"), [(-1, ValueError), (1.5, TypeError), ("8", TypeError)])
def test_what_is_no_seed_is_told_and_not_used(seed, kind, capsys):
    with pytest.raises(kind, match="seed="):
        use(seed)
    with pytest.raises(kind, match="seed="):
        machinery.find("start_here-1", seed)
    assert machinery._seed is None


def test_assert_right_is_silent_or_raises(made_up):
    assert_right("made_up-2", 4)
    for answer, told in [(5, "made_up-2: it is the root of 16"), (..., "made_up-2: not attempted yet")]:
        with pytest.raises(AssertionError, match=f"^{told}$"):
            assert_right("made_up-2", answer)
    with pytest.raises(UnknownLabel):
        assert_right("made_up-3", 4)


# ------------------------------------------------------------------------------ other right answers


def status(id, answer):
    (exercise,) = [exercise for exercise in EVERY if exercise.id == id]
    return judge(exercise, answer).status


def stacked(indptr, indices, n):
    order = np.argsort(indices, kind="stable")
    sources = np.repeat(np.arange(n), np.diff(indptr))[order]
    return np.split(sources, np.cumsum(np.bincount(indices, minlength=n))[:-1])


def downwards(indptr, indices, n):
    found = [set() for _ in range(n)]
    for i in reversed(range(n)):
        for j in indices[indptr[i] : indptr[i + 1]].tolist():
            found[j].add(i)
    return found


def third_read(indptr, indices, n):
    return downwards(indptr, indices, n) if sum(indices) + sum(indices) >= 0 else []


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("start_here-1", [0, 1, 11, 100]),
        ("start_here-1", np.array([0.0, 1.0, 11.0, 100.0])),
        ("start_here-2", [1, 1.41, 1]),
        ("start_here-2", np.array([-0.5, -math.sqrt(0.5), -0.5])),
        ("start_here-2", [1e6, math.sqrt(2) * 1e6, 1e6]),
        ("start_here-3", lambda f, x: (f(x + 1e-4) - f(x - 1e-4)) / 2e-4),
        ("start_here-3", lambda f, x: (8 * (f(x + 1e-3) - f(x - 1e-3)) - f(x + 2e-3) + f(x - 2e-3)) / 12e-3),
        ("start_here-4", lambda indptr, indices, i: [int(j) for j in indices[indptr[i] : indptr[i + 1]]]),
        (
            "start_here-4",
            lambda indptr, indices, i: tuple(indices[k] for k in range(indptr[i], indptr[i + 1])),
        ),
        ("start_here-5", ((2, 1),)),
        ("start_here-5", np.array([[0, 1], [1, 2], [2, 0]])),
        ("start_here-5", [(0, 1), (1, 0), (1, 1), (1, 2)]),
        ("start_here-6", stacked),
        ("start_here-6", downwards),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert status(id, answer) == "right"


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("start_here-1", [0, 1, 11, 1000]),
        ("start_here-1", [0, 2, 11, 100]),
        ("start_here-2", [1, 1.4, 1]),
        ("start_here-2", [math.nan] * 3),
        ("start_here-3", lambda f, x: (f(x + 0.01) - f(x - 0.01)) / 0.02),
        ("start_here-5", [(0, -1)]),
        ("start_here-5", [(0.5, 1)]),
        ("start_here-5", [(0, 1), (0, 1), (1, 0)]),
        ("start_here-5", "01"),
        ("start_here-6", third_read),
    ],
)
def test_nearly_right_is_not_right(id, answer):
    assert status(id, answer) == "wrong"


@pytest.mark.parametrize("id", ["start_here-1", "start_here-2"])
@pytest.mark.parametrize("shape", [np.transpose, np.atleast_2d, str, lambda row: row.T.tolist(), set])
def test_what_is_not_a_flat_list_is_told_as_such(id, shape, capsys):
    right = {"start_here-1": [[0, 1, 11, 100]], "start_here-2": [[1, math.sqrt(2), 1]]}[id]
    answer = shape(right[0]) if shape is set else shape(np.array(right))
    assert "What must hold: the answer is a flat list of " in printed(capsys, id, answer)
    assert "more than one pair" in printed(capsys, id, answer)


@pytest.mark.parametrize(
    ("id", "answer", "hinted"),
    [
        ("start_here-1", [0, 1, 11, 111], "Look at node 3"),
        ("start_here-1", [0, 1, 12, 112], "only what a node says is heard, not what it heard itself"),
        ("start_here-1", [0, 1, 12, 112], "Look at nodes 1 and 2"),
        ("start_here-2", [1, 1.4, 1], "to three digits at least"),
        ("start_here-3", lambda f, x: f(1) - f(0), "on a curve look at where you take f, and at the step"),
    ],
)
def test_hints_fit_what_went_wrong(id, answer, hinted, capsys):
    assert hinted in [printed(capsys, id, answer) for _ in machinery.STAGES][-1]


def test_a_zero_vector_is_told_as_such():
    (exercise,) = [exercise for exercise in EVERY if exercise.id == "start_here-2"]
    assert judge(exercise, (0, 0, 0)).failed is exercise.properties[0]


def test_graphs_come_smallest_first():
    for id in ("start_here-4", "start_here-6"):
        (exercise,) = [exercise for exercise in EVERY if exercise.id == id]
        cases = exercise.cases(np.random.default_rng(machinery.SEED))
        sizes = [(len(indptr), len(indices)) for indptr, indices, _ in cases]
        assert sizes == sorted(sizes)


def test_the_bug_shows_on_exactly_the_graphs_that_are_not_their_own_mirror():
    pairs = [(i, j) for i in range(3) for j in range(3)]
    for chosen in range(2**9):
        edges = [pair for k, pair in enumerate(pairs) if chosen >> k & 1]
        mirrored = {(j, i) for i, j in edges} == set(edges)
        assert status("start_here-5", edges) == ("wrong" if mirrored else "right")
