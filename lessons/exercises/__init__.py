"""Exercises that answer back: `check` an answer, ask for a `hint`, read the `solution`.

    check("start_here-4", neighbors)    # right; or what must hold, and the smallest input where it does not
    hint("start_here-4")                # the next hint, without checking
    solution("start_here-4")            # the code, and why it is so

The exercises of a topic are the tuple `EXERCISES` of `exercises/<topic>.py`, with the ids `<topic>-1`,
`<topic>-2` ... An `Exercise` is made of a generator, properties with hints, a reference, and wrong answers
that people really give; `problems` says what is amiss with one, and the tests ask it about all of them.
"""

from __future__ import annotations

import ast
import dis
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate, islice
from typing import Any, Literal

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, NDArray

from lessons import _progress
from lessons._rng import key_of
from lessons.errors import UnknownLabel
from lessons.graph import Graph

SEED = 7  # of every exercise's generator: the same cases for everybody
STAGES = ("direction", "location", "near-code")
CASES = range(30, 201)  # how many an exercise with a function as its answer has
WIDTH = 200  # characters of a value that is shown
LISTED = 1000  # values taken from an answer that is an iterator: it may have no end

Level = Literal["warm-up", "core", "stretch"]
Form = Literal["implement", "predict", "property", "complexity", "spot the bug"]
OneToThree = Literal[1, 2, 3]

_hinted: dict[tuple[str, Property], int] = {}  # hints given so far, by exercise and property
_failed_last: dict[str, Property] = {}  # by exercise
_seed: int | None = None  # of the exercises' data in this notebook; None: everybody's


# -------------------------------------------------------------------------------- for the learner


def check(id: str, answer: object) -> None:
    """Print whether the answer is right; if not: what must hold, the smallest input found where it does not,
    what the answer did there, and one hint more than the last time.

    `answer` is a function or a value, as the exercise asks. An untouched stub is "not attempted yet". An
    error inside the learner's function is told, not raised. Costs one call of the function a case. What it said
    is kept in a file of the learner's, for `lessons progress`; nothing leaves the machine.

    Raises UnknownLabel for an id that no exercise has.

    >>> check("start_here-1", ...)
    start_here-1: not attempted yet
    >>> check("start_here-1", [0, 1, 11])
    start_here-1: not yet
    What must hold: the answer is a flat list of four numbers: what each node hears, in the order of the nodes
    Your answer: [0, 1, 11]
    Hint 1 of 3 (direction): Every node gets a number, also one that hears nothing; all in one pair of brackets.

    Notebook: 00_start_here, and every exercise of the others.
    """
    exercise = find(id, _seed)
    verdict = judge(exercise, answer)
    if verdict.status == "untouched":
        print(f"{id}: not attempted yet")
        return
    _progress.keep(id, right=verdict.failed is None)
    if verdict.failed is None:
        print(f"{id}: right{_on_cases(verdict.cases)}\n{exercise.after}".rstrip())
    else:
        _failed_last[id] = verdict.failed
        print("\n".join([f"{id}: not yet", *_told(exercise, verdict, verdict.failed)]))
        _draw(exercise, verdict)
        _print_hints(exercise, verdict.failed)


def hint(id: str) -> None:
    """Print the hints so far and the next one, on what the last answer failed; before any answer, on what the
    exercise asks first. Raises UnknownLabel for an id that no exercise has.

    >>> hint("start_here-2")
    Hint 1 of 3 (direction): A vector of this matrix has one number for each of its three columns.
    """
    exercise = find(id, _seed)
    _print_hints(exercise, _failed_last.get(id, exercise.properties[0]))


def solution(id: str) -> None:
    """Print the code or value of the reference, to be pasted into a notebook, and why. Raises UnknownLabel for
    an id that no exercise has.

    >>> solution("start_here-4")
    def neighbors(indptr, indices, i):
        return indices[indptr[i] : indptr[i + 1]]
    <BLANKLINE>
    Row i of A is the piece of indices between two entries of indptr. The next row starts where this one
    ends, so indptr has one entry more than there are nodes, and the last row needs no special case.
    """
    exercise = find(id, _seed)
    print(f"{code_of(exercise.reference)}\n\n{textwrap.fill(exercise.why, WIDTH // 2)}")


def use(seed: int | None) -> None:
    """From here on `check`, `hint` and `solution` ask on the data that `variant` draws from a seed (0 or more);
    None goes back to everybody's. The line stands in the copies that `tools/student.py --seed` makes.

    Raises TypeError or ValueError for what is no seed.

    >>> use(seed=8)
    >>> solution("backpropagation-2")
    [...
    >>> use(seed=None)
    """
    global _seed
    if seed is not None:
        key_of(seed)  # raises
    _seed = seed


# -------------------------------------------------------------------------------- for the author


@dataclass(frozen=True, eq=False)
class Property:
    """What must hold of an answer: `says` in words, and `holds(result, *arguments)`.

    `result` is what the learner's function returned for the arguments, or the value that was asked for. An
    exception inside `holds` counts as "does not hold", so that it need not fear odd types. Of the three
    `hints` the first gives the direction, the second the place to look at, the third nearly the code.
    """

    says: str
    holds: Callable[..., Any]
    hints: tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise, `<topic>-<number>`. Where `reference` is a function, so is the answer; else it is a value.

    Its card, which the notebook tells beside the number: the `level`, the `form`, how hard it is (`difficulty`: 1
    follows from what was just read, 2 takes a thought, 3 an idea), how much of the course rests on it
    (`importance`: 1 is for those who want more, 2 rounds the lesson off, 3 is needed again), and `minutes`.

    `cases(rng)` yields tuples of arguments, smallest first; `once` where the answer is a value. Arguments may
    hold arrays (of SciPy too), lists, dictionaries, a `Graph`, and `Counted` arrays where reads are counted.
    `wrong` holds at least four wrong answers; `why` explains the reference; `draw(*arguments)` gives a figure
    of a case and its alt text; `after` says what the exercise is needed for. `raised` is asked before the
    general hints on errors: for an exception that has a meaning here, `{KeyError: replace(RUNS, hints=...)}`.
    `varied(rng)` gives the exercise on other numbers than those of the notebook; see `variant`.

    How the forms are made of these: *implement* has a function and its cases, *predict* a value; to *spot the
    bug* is to give an input on which a given function is wrong, or to mend it; for a *property* the cases are
    good and bad objects, and the answer tells them apart; for the *complexity* a case passes a `Counted`.
    """

    id: str
    level: Level
    form: Form
    difficulty: OneToThree
    importance: OneToThree
    minutes: int
    cases: Callable[[np.random.Generator], Iterable[tuple[Any, ...]]]
    properties: tuple[Property, ...]
    reference: Any
    wrong: tuple[Any, ...]
    why: str
    draw: Callable[..., tuple[Any, str]] | None = None
    after: str = ""
    raised: Mapping[type[Exception], Property] = field(default_factory=dict)
    varied: Callable[[np.random.Generator], Variant] | None = None


@dataclass(frozen=True, eq=False)
class Variant:
    """An exercise on other data, and what the notebook then says instead: {words of the exercise's statement, as
    they stand there: new words}, where a line may end at any blank."""

    exercise: Exercise
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What `judge` found: after how many cases, and for a wrong answer which property failed, on which
    arguments, and what the answer did there, in words."""

    status: Literal["untouched", "right", "wrong"]
    cases: int = 0
    failed: Property | None = None
    arguments: tuple[Any, ...] = ()
    told: str = ""


def once(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
    """The cases of an exercise whose answer is a value: one, without arguments."""
    yield ()


class Counted(NDArrayOperatorsMixin):
    """An array (k,) of which every read is counted, entry by entry, in `reads` (k,) int64.

    It behaves as a NumPy array that cannot be written; whatever looks at all entries (NumPy's functions, a
    method, `==`) is one read of each. A property looks at `uncounted`. What was copied out is not followed: a
    scan of the copy is free.

    >>> ends = Counted([2, 0, 1])
    >>> int(ends[0]), ends[1:].tolist(), int(np.max(ends)), len(ends)
    (2, [0, 1], 2, 3)
    >>> ends.reads.tolist()
    [2, 2, 2]
    """

    def __init__(self, values: ArrayLike) -> None:
        self.uncounted = np.array(values)
        self.reads = np.zeros(self.uncounted.shape, np.int64)

    def __len__(self) -> int:
        return len(self.uncounted)

    def __repr__(self) -> str:
        return repr(self.uncounted.tolist())

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer | slice):
            self.reads[key] += 1
        else:
            np.add.at(self.reads, key, 1)  # slower, but an array of places may name one twice
        return self.uncounted[key]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self.reads += 1
        return self.uncounted.astype(dtype or self.uncounted.dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        read = [np.asarray(value) if isinstance(value, Counted) else value for value in inputs]
        return getattr(ufunc, method)(*read, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy and NumPy ask for protocols that are not ours to offer
            raise AttributeError(name)
        free = name in ("shape", "size", "ndim", "dtype")
        return getattr(self.uncounted if free else np.asarray(self), name)


def judge(exercise: Exercise, answer: object) -> Verdict:
    """Try the answer on the cases, smallest first, up to the first property that fails; prints nothing.

    Each call gets its own deep copy of the arguments, and is told to leave it as it was. An iterator given as
    the value is judged as the list of what it yields.
    """
    if _is_blank(answer):
        return Verdict("untouched")
    if _is_function(answer) != callable(exercise.reference):
        wanted = FUNCTION_WANTED if callable(exercise.reference) else VALUE_WANTED
        return Verdict("wrong", failed=wanted, told=f"Your answer: {_short(answer)}")
    number = 0
    for number, arguments in enumerate(exercise.cases(np.random.default_rng(SEED)), 1):
        attempt = _attempt(answer, arguments)
        if number == 1 and _is_stub(answer, attempt):
            return Verdict("untouched")
        failed = _first_failure(exercise, arguments, attempt)
        if failed is not None:
            return Verdict("wrong", number, failed, arguments, attempt.told)
    return Verdict("right", number)


def assert_right(id: str, answer: object, seed: int | None = None) -> None:
    """What grading asks: nothing happens for a right answer to an exercise, on the data of `seed`.

    Raises AssertionError that says what must hold and does not; UnknownLabel for an id that no exercise has.

    >>> assert_right("start_here-1", [0, 1, 11])
    Traceback (most recent call last):
    AssertionError: start_here-1: the answer is a flat list of four numbers: what each node hears, in ...
    """
    verdict = judge(find(id, seed), answer)
    if verdict.status != "right":
        raise AssertionError(f"{id}: {verdict.failed.says if verdict.failed else 'not attempted yet'}")


@cache  # so that hints on a property go on where they were
def variant(exercise: Exercise, seed: int) -> Variant:
    """The exercise on the data of a seed, 0 or more: a value is asked for other numbers where the exercise has a
    `varied`; a function is tried on other cases, and on everybody's after them, so that no wrong answer gets by.

    Raises TypeError or ValueError for what is no seed.

    >>> variant(find("start_here-1"), 8).exercise.reference == find("start_here-1").reference
    False
    """
    if exercise.varied is not None:
        return exercise.varied(np.random.default_rng(key_of(seed)))
    own = key_of(seed)
    if not callable(exercise.reference):
        return Variant(exercise)

    def cases(rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        yield from exercise.cases(np.random.default_rng(own))
        yield from exercise.cases(rng)

    return Variant(replace(exercise, cases=cases))


def code_of(reference: Any) -> str:
    """A reference as it can be pasted into a notebook: a function without its annotations, or a value."""
    if not callable(reference):
        return repr(reference)
    return _without_annotations(textwrap.dedent(inspect.getsource(reference)).rstrip())


def topics() -> list[str]:
    """The topics that have exercises, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(id: str, seed: int | None = None) -> Exercise:
    """The exercise with this id, on the data of `seed`; only its own topic is imported, unless it has no such
    exercise. Raises UnknownLabel, with the nearest id."""
    topic = str(id).rpartition("-")[0]
    here = exercises_of(topic) if topic in topics() else ()
    for exercise in here:
        if exercise.id == id:
            return exercise if seed is None else variant(exercise, seed).exercise
    near = here or [exercise for topic in topics() for exercise in exercises_of(topic)]
    raise UnknownLabel(id, [exercise.id for exercise in near], what="exercise")


def exercises_of(topic: str) -> tuple[Exercise, ...]:
    """The exercises of a topic, in order.

    >>> [exercise.id for exercise in exercises_of("start_here")][:2]
    ['start_here-1', 'start_here-2']
    """
    module = importlib.import_module(f"{__name__}.{topic}")
    found: tuple[Exercise, ...] = module.EXERCISES
    return found


def problems(exercise: Exercise) -> list[str]:
    """What is amiss with an exercise, in words; empty for a good one.

    The reference must be right on a fair number of cases, each of at least four wrong answers be rejected,
    each property be failed by one of them, a stub be recognised, and no hint hold a line of the reference.
    """
    return [*_answer_problems(exercise), *_property_problems(exercise)]


# -------------------------------------------------------------------------------- judging


@dataclass(frozen=True)
class _Attempt:
    """One call of the answer: the arguments as it left them, its result or its error, and that in words."""

    given: tuple[Any, ...]
    result: Any
    error: Exception | None
    told: str


def _attempt(answer: Any, arguments: tuple[Any, ...]) -> _Attempt:
    kind, gave = ("function", " returned") if _is_function(answer) else ("answer", "")
    given = deepcopy(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's name a temporary file, another one in each run
            result = answer(*given) if _is_function(answer) else _listed(answer)
    except Exception as error:
        return _Attempt(given, None, error, f"Your {kind} raised {type(error).__name__}: {_line(str(error))}")
    return _Attempt(given, result, None, f"Your {kind}{gave}: {_short(result)}")


def _is_function(answer: object) -> bool:
    """Whether an answer is there to be called; networkx's `graph.edges` may be, and is a value all the same."""
    return callable(answer) and not isinstance(answer, Iterable)


def _listed(value: Any) -> Any:
    """A value that can be looked at more than once: of an iterator, the list."""
    return list(islice(value, LISTED)) if isinstance(value, Iterator) else value


def _first_failure(exercise: Exercise, arguments: tuple[Any, ...], attempt: _Attempt) -> Property | None:
    if not RUNS.holds(attempt.error):
        named = (wanted for kind, wanted in exercise.raised.items() if isinstance(attempt.error, kind))
        return next(named, RUNS)
    if not LEFT_AS_WERE.holds(arguments, attempt.given):
        return LEFT_AS_WERE
    if not RETURNS.holds(attempt.result) and _always_returns(exercise):
        return RETURNS
    failures = (p for p in exercise.properties if not _holds(p, attempt.result, attempt.given))
    return next(failures, None)


def _always_returns(exercise: Exercise) -> bool:
    """Whether None is never the right answer; where it sometimes is, a wrong None is not a forgotten return."""
    cases = exercise.cases(np.random.default_rng(SEED))
    return all(_attempt(exercise.reference, arguments).result is not None for arguments in cases)


def _holds(wanted: Property, result: Any, arguments: tuple[Any, ...]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(wanted.holds(result, *arguments))
    except Exception:
        return False  # a result so odd that it cannot even be looked at


def _same(before: Any, now: Any) -> bool:
    """Whether an argument is still what it was; the attributes count for objects that have them."""
    if before is now:
        return True
    if isinstance(before, Counted):
        return _same(before.uncounted, now.uncounted)
    if isinstance(before, np.ndarray):
        return (before.dtype, before.shape, before.tobytes()) == (now.dtype, now.shape, now.tobytes())
    if isinstance(before, list | tuple):
        return len(before) == len(now) and all(map(_same, before, now))
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_same(before[key], now[key]) for key in before)
    if hasattr(before, "__dict__"):  # networkx and SciPy add what they cached: only what was there is compared
        return all(_same(value, vars(now).get(name)) for name, value in vars(before).items())
    return bool(before == now)


# -------------------------------------------------------------------------------- stubs


def _is_blank(answer: Any) -> bool:
    """Whether a value is still the dots of its stub, or has dots left in it."""
    inside = answer if isinstance(answer, list | tuple) else ()
    return answer is None or answer is ... or any(part is ... for part in inside)


def _is_stub(answer: Any, attempt: _Attempt) -> bool:
    if type(attempt.error) is NotImplementedError or attempt.result is ...:
        return True
    nothing = attempt.error is None and attempt.result is None
    return nothing and inspect.isfunction(answer) and _does_nothing(answer)


def _does_nothing(function: Callable[..., Any]) -> bool:
    """Whether the body is only dots, `pass` or text; one that works and forgets its `return` is no stub."""
    steps = {step.opname for step in dis.get_instructions(function)}
    return steps <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}


# -------------------------------------------------------------------------------- what is always asked

FUNCTION_WANTED = Property(
    says="the answer is a function, not a value",
    holds=lambda answer: _is_function(answer),
    hints=(
        "check calls your function itself, on many inputs.",
        "Look at the second argument of check(...).",
        "Write the name of your function there, without parentheses behind it.",
    ),
)
VALUE_WANTED = Property(
    says="the answer is a value, not a function",
    holds=lambda answer: not _is_function(answer),
    hints=(
        "The exercise asks for a result, not for the way to it.",
        "Look at the second argument of check(...).",
        "Write the value itself there, or call your function and pass what it returns.",
    ),
)
RUNS = Property(
    says="your code runs without an error",
    holds=lambda error: error is None,
    hints=(
        "The message above names what went wrong; its last words are the most precise.",
        "Try the input above yourself, in a cell of its own: there the error shows its line.",
        "Compare the names in your code, and the number and order of its arguments, with what the exercise asks.",
    ),
)
RETURNS = Property(
    says="your function returns something",
    holds=lambda result: result is not None,
    hints=(
        "A function that reaches its end without a return gives back None.",
        "Look at the last line of your function, and of each branch: does every way through it end in a return?",
        "Write `return` before the result. What is printed is not returned, and sort or append return None.",
    ),
)
LEFT_AS_WERE = Property(
    says="the arguments are left as they were: they belong to the caller",
    holds=_same,
    hints=(
        "Something in your function writes into what it was given.",
        "Look for `argument[...] = `, `+=`, and methods that work in place, such as sort, pop and append.",
        "Begin with a copy of what you change: `mine = list(argument)`, or `mine = argument.copy()`.",
    ),
)


# -------------------------------------------------------------------------------- telling


def _told(exercise: Exercise, verdict: Verdict, failed: Property) -> list[str]:
    lines = [f"What must hold: {failed.says}"]
    if verdict.arguments:
        names = inspect.signature(exercise.reference).parameters
        pairs = zip(names, verdict.arguments, strict=True)
        shown = ", ".join(f"{name}={_short(value)}" for name, value in pairs)
        lines.append(f"Smallest input found where it does not: {shown}")
    return [*lines, verdict.told]


def _print_hints(exercise: Exercise, wanted: Property) -> None:
    key = exercise.id, wanted
    _hinted[key] = min(_hinted.get(key, 0) + 1, len(STAGES))
    for number, (stage, text) in enumerate(zip(STAGES, wanted.hints, strict=True), 1):
        if number <= _hinted[key]:
            print(f"Hint {number} of {len(STAGES)} ({stage}): {text}")


def _on_cases(cases: int) -> str:
    return f" on {cases} cases" if cases > 1 else ""


def _short(value: Any) -> str:
    """A value on one line, the same in every run: cut off, without addresses and NumPy's type names."""
    if isinstance(value, Counted):
        value = value.uncounted
    if inspect.isroutine(value) or isinstance(value, np.ufunc):
        return str(value.__name__)
    try:
        text = _text(value)
    except Exception:
        text = f"a {type(value).__name__} that cannot be shown"
    plain = re.sub(r"\bnp\.(True|False)_", r"\1", text)
    return _line(re.sub(r"\bnp\.\w+\(([^()]*)\)", r"\1", plain))


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _array_text(value)
    return _graph_text(value) if isinstance(value, Graph) else repr(value)


def _graph_text(graph: Graph) -> str:
    """With its edges and their weights: where nothing is drawn, the numbers of both say too little."""
    mark = "→" if graph.directed else "–"
    weights = [""] * graph.m if graph.weights is None else [f" {weight:g}" for weight in graph.edge_weights]
    edges = (f"{u}{mark}{v}{weight}" for (u, v), weight in zip(graph.edges(), weights, strict=True))
    return f"{repr(graph)[:-1]}: {', '.join(edges)})" if graph.m else repr(graph)


def _array_text(array: NDArray[Any]) -> str:
    if array.size or array.ndim == 1:
        return np.array2string(array, separator=", ")
    return f"an array of shape {array.shape}"  # NumPy writes [] for all that have no entries


def _line(text: str) -> str:
    line = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(text.split()))
    return line if len(line) <= WIDTH else f"{line[:WIDTH]} ..."


def _draw(exercise: Exercise, verdict: Verdict) -> None:
    """Show the failing case, in a notebook; a picture that fails is named and takes nothing else with it."""
    if exercise.draw is None or verdict.cases == 0 or not _in_notebook():
        return
    from lessons.show import figure

    try:
        figure(*exercise.draw(*verdict.arguments))
    except Exception as error:
        print(f"(not drawn: {_line(str(error))})")


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def _without_annotations(code: str) -> str:
    """The code, formatted as it was, without annotations: a notebook need not know the names in them."""
    text = code.encode()  # in bytes, as ast counts columns
    for start, end in sorted(_annotation_spans(text), reverse=True):
        text = text[:start] + text[end:]
    return text.decode()


def _annotation_spans(code: bytes) -> Iterator[tuple[int, int]]:
    """Where the annotations are, from behind what they annotate; a bare `x: int` is not, being nothing without."""
    lines = [0, *accumulate(map(len, code.splitlines(keepends=True)))]
    for node in ast.walk(ast.parse(code)):
        mark = b"->" if hasattr(node, "returns") else b":"
        annotation = getattr(node, "returns", None) or getattr(node, "annotation", None)
        if annotation is not None and getattr(node, "value", node) is not None:
            begin = code.rindex(mark, 0, lines[annotation.lineno - 1] + annotation.col_offset)
            yield len(code[:begin].rstrip()), lines[annotation.end_lineno - 1] + annotation.end_col_offset


# -------------------------------------------------------------------------------- judging the exercise


def _answer_problems(exercise: Exercise) -> Iterator[str]:
    verdict = judge(exercise, exercise.reference)
    if verdict.failed is not None:
        yield f"the reference fails: {verdict.failed.says}. {verdict.told}"
    elif verdict.cases not in (CASES if callable(exercise.reference) else (1,)):
        yield f"{verdict.cases} cases: a function needs {CASES[0]} to {CASES[-1]}, a value one"
    if len(exercise.wrong) < 4:
        yield f"{len(exercise.wrong)} wrong answers: at least 4 are needed"
    for answer in exercise.wrong:
        if judge(exercise, answer).status != "wrong":
            yield f"a wrong answer is not rejected: {_short(answer)}"
    if callable(exercise.reference) and judge(exercise, _not_written).status != "untouched":
        yield "a stub that raises NotImplementedError is not recognised"


def _property_problems(exercise: Exercise) -> Iterator[str]:
    failed = [judge(exercise, answer).failed for answer in exercise.wrong]
    telling = _telling_lines(exercise.reference)
    for wanted in (*exercise.properties, *exercise.raised.values()):
        if not any(wanted is other for other in failed):
            yield f"no wrong answer fails this property first: {wanted.says}"
        if len(wanted.hints) != len(STAGES):
            yield f"{len(wanted.hints)} hints: {len(STAGES)} are needed for: {wanted.says}"
        for text in wanted.hints:
            if any(line in _bare(text) for line in telling):
                yield f"a hint gives a line of the reference away: {text}"


def _telling_lines(reference: Any) -> list[str]:
    """The lines that say how: all of a value; of a function neither the head nor a bare `result = []`."""
    lines = [_bare(line) for line in code_of(reference).splitlines()]
    return [line for line in lines if not callable(reference) or (len(line) > 12 and not line.startswith("def"))]


def _bare(line: str) -> str:
    """A line of code without its blanks and without `return`."""
    return "".join(line.strip().removeprefix("return ").split())


def _not_written(*arguments: Any) -> Any:
    raise NotImplementedError
