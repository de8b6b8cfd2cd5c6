"""What the tests of every topic's exercises do with them.

TOPIC = Topic("graph_signals")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
verdict(2, answer).status                    # of an answer to exercise 2
for arguments in cases(2): ...               # what an answer to exercise 2 is tried on
TOPIC.failed_by(_turned)                     # what must hold, and does not of this one of the wrong answers
TOPIC.every_hint(2, answer, capsys)          # what is printed by the time that all hints are
TOPIC.tells_nonsense(id, capsys, [(1, 2)])   # asserts: of any nonsense, and of (1, 2) too
TOPIC.shown(f) == [code_of(f)]               # the notebook shows f once, and as it stands there
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lessons.exercises import SEED, STAGES, Exercise, Verdict, check, exercises_of, judge

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def refuses(*arguments: Any) -> Any:
    raise RuntimeError("no")


def recurses(*arguments: Any) -> Any:
    return recurses(*arguments)


def changes(*arguments: Any) -> int:
    """Empties the first list among the arguments."""
    next(given for given in arguments if isinstance(given, list) and given).clear()
    return 0


MISBEHAVED = (refuses, recurses, changes, lambda: 0, lambda *_: print(end=""))
NONSENSE = (
    [],
    [None],
    "36",
    ["0", "1"],
    [1] * 50,
    [True] * 6,
    [[1], [2, 3]],
    [(0, 1, 2)],
    [("0", "1")],
    {"x": 1},
    {1, 2},
    1j,
    *([1j] * size for size in (4, 5, 6)),
    np.nan,
    -np.inf,
    np.inf,
    *([np.nan] * size for size in (4, 5)),
    object(),
)
ENDLESS = (lambda: count(), lambda: (number for number in count()), lambda: iter(int, 1))


class Topic:
    """The exercises of a topic."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.exercises = {exercise.id: exercise for exercise in exercises_of(name)}

    def _exercise(self, number: int) -> Exercise:
        return self.exercises[f"{self.name}-{number}"]

    def verdict(self, number: int, answer: object) -> Verdict:
        return judge(self._exercise(number), answer)

    def cases(self, number: int) -> list[tuple[Any, ...]]:
        return list(self._exercise(number).cases(np.random.default_rng(SEED)))

    def failed_by(self, answer: object) -> str:
        """What the property says that one of the wrong answers fails first."""
        (exercise,) = (asked for asked in self.exercises.values() if any(answer is wrong for wrong in asked.wrong))
        failed = judge(exercise, answer).failed
        assert failed is not None
        return failed.says

    def every_hint(self, number: int, answer: object, capsys: pytest.CaptureFixture[str]) -> str:
        """What is printed by as many attempts as there are hints."""
        for _ in STAGES:
            check(f"{self.name}-{number}", answer)
        return capsys.readouterr().out

    def tells_nonsense(self, id: str, capsys: pytest.CaptureFixture[str], more: Iterable[Any] = ()) -> None:
        """Assert that nonsense is told in words and never as a traceback, each kind of it."""
        for answer in _nonsense(callable(self.exercises[id].reference), more):
            check(id, answer)
            out, err = capsys.readouterr()
            assert out.startswith(f"{id}: not yet\nWhat must hold: "), (answer, out)
            assert "Hint 1 of 3 (direction): " in out, (answer, out)
            assert "Traceback" not in out + err, (answer, out, err)

    def shown(self, function: Callable[..., Any]) -> list[str]:
        """The functions of this name in the notebook's cells, as `code_of` gives them."""
        found = list(NOTEBOOKS.glob(f"[0-9][0-9]_{self.name}.ipynb"))
        if not found:
            pytest.skip(f"there is no notebook of {self.name} beside the tests")
        cells = json.loads(found[0].read_text(encoding="utf-8"))["cells"]
        code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        trees = [ast.parse("".join(line for line in lines if line[:1] not in "%!")) for lines in code]
        steps = [step for tree in trees for step in tree.body]
        return [code_of(ast.unparse(step)) for step in steps if getattr(step, "name", "") == function.__name__]


def _nonsense(function: bool, more: Iterable[Any]) -> Iterator[Any]:
    """Answers to an exercise that asks for a function, or for a value; each iterator is made anew."""
    for value in (*NONSENSE, *more):
        yield (lambda *_, value=value: value) if function else value
    for make in ENDLESS:
        yield (lambda *_, make=make: make()) if function else make()
    yield from MISBEHAVED


def code_of(function: Callable[..., Any] | str) -> str:
    """What a function does: its names, arguments and statements, without annotations and text about it."""
    source = function if isinstance(function, str) else inspect.getsource(function)
    return ast.unparse(_Bare().visit(ast.parse(source)))


class _Bare(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        node.body = node.body[1:] if ast.get_docstring(node) else node.body
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        bare = ast.Assign([node.target], node.value) if node.value else node
        return ast.copy_location(bare, node)
