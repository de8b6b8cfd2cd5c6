"""Copies of the notebooks for a class: stubs to be filled, or with the answers, for the teacher and for grading.

    python tools/student.py copies                          # all lessons, stubs as they are, outputs cleared
    python tools/student.py copies --only 02 graph_partitioning
    python tools/student.py copies --seed 8                 # the exercises ask for other data; 7 is a seed, too
    python tools/student.py course --instructor --seed 8    # the same with the answers, as a course of nbgrader
    python tools/student.py --check                         # that all of this holds of the notebooks as they are

With `--seed` every function is tried on other cases, and of the lessons 00, 01, 03, 04, 07, 10, 11, 12 and 13 one
exercise asks for a value from other numbers, in its statement too. Everything else stays as it was: prose, claims
and figures. The copies say `use(seed=8)` after their setup cell, so that `check` knows. The answers are in the
instructor's copies of the same seed. `solution(...)` prints them in every copy: this is for practice, no exam.

The instructor's copies make a course of nbgrader (pip install 'graph-lessons[teach]'), one assignment a lesson,
`source/02_topological_sort/02_topological_sort.ipynb` and so on. Behind each stub stands the reference between
nbgrader's marks, then a locked cell with a hidden test, worth the exercise's difficulty in points. In that folder:

    nbgrader generate_assignment 02_topological_sort     # release/: what students get
    nbgrader autograde 02_topological_sort               # of submitted/NAME/02_topological_sort/*.ipynb
    nbgrader generate_feedback 02_topological_sort
    nbgrader export                                      # grades.csv
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from pprint import pformat

import nbformat
import numpy as np
from nbformat import NotebookNode

from lessons import course
from lessons._files import replacing
from lessons._rng import key_of
from lessons.exercises import Exercise, code_of, exercises_of, find, variant

WIDTH = 100  # columns of a value in a cell
MARKS = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
CONFIG = """# The settings of nbgrader for this course.
c = get_config()
c.CourseDirectory.course_id = "graph-lessons"
c.ClearSolutions.code_stub = {"python": "# your code here"}  # behind the stub's dots, so that a copy still runs
c.ExecutePreprocessor.timeout = 300  # seconds a cell
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; the exit code."""
    asked = _asked(arguments)
    try:
        if asked.seed is not None:
            key_of(asked.seed)
        wanted = [course.find(name) for name in asked.only] or course.lessons()
        paths = [lesson.path for lesson in wanted if lesson.path]
        return _report(paths, asked.seed) if asked.check else _write(asked, paths)
    except (FileExistsError, KeyError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def student_copy(path: Path, seed: int | None = None) -> NotebookNode:
    """The notebook without outputs and counts; of a seed, with that seed's data in its exercises.

    Raises ValueError where the notebook does not say what an exercise's variant is to replace.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if seed is not None:
        for exercise in _exercises(path):
            _retell(notebook, exercise, variant(exercise, seed).text)
        notebook.cells.insert(_after_setup(notebook), _use_cell(seed))
    return notebook


def instructor_copy(path: Path, seed: int | None = None) -> NotebookNode:
    """The student's copy with the reference in each stub and a hidden test behind it, as nbgrader marks them.

    Raises ValueError where an exercise has no stub.
    """
    notebook = student_copy(path, seed)
    for exercise in _exercises(path):
        place = _stub_at(notebook, exercise)
        stub = notebook.cells[place]
        answer = _answer_of(stub.source, exercise)
        stub.source = _solved(stub.source, find(exercise.id, seed))
        stub.metadata["nbgrader"] = _marked(exercise.id, solution=True)
        notebook.cells.insert(place + 1, _test_cell(exercise, answer, seed))
    for cell in notebook.cells:
        if cell.id == "exercise-data":
            cell.metadata["nbgrader"] = _marked(cell.id, locked=True)
    return notebook


def faults(path: Path, seed: int | None = None, run: bool = True) -> Iterator[str]:
    """What does not hold of a notebook and its copies, in words: stubs only; no outputs in the student's copy; in
    the instructor's each reference, which passes its hidden test (tried if `run`: seconds a lesson)."""
    notebook = nbformat.read(path, as_version=4)
    marked = [cell.id for cell in notebook.cells if MARKS[0] in cell.source or HIDDEN[0] in cell.source]
    yield from (f"{path.name}, cell {id}: a mark of the instructor's copy" for id in marked)
    for exercise in _exercises(path):
        stub = notebook.cells[_stub_at(notebook, exercise)].source
        if not _is_untouched(stub, exercise):
            yield f"{path.name}: {exercise.id} is not a stub: write ... in the place of the answer"
            return
    if any(cell.get("outputs") or cell.get("execution_count") for cell in student_copy(path, seed).cells):
        yield f"{path.name}: the student's copy has outputs"
    copied = instructor_copy(path, seed)
    for exercise in _exercises(path):
        yield from (f"{path.name}: {fault}" for fault in _copy_faults(copied, exercise, seed, run))


# ---------------------------------------------------------------------------------------- the command line


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make copies of the notebooks for a class.")
    parser.add_argument("folder", nargs="?", type=Path, help="where the copies go")
    parser.add_argument("--only", nargs="+", default=[], metavar="LESSON", help="these, by number or id")
    parser.add_argument("--instructor", action="store_true", help="with answers and hidden tests, for nbgrader")
    parser.add_argument("--seed", type=int, help="of other data in the exercises, 0 or more")
    parser.add_argument("--force", action="store_true", help="replace copies that are there and differ")
    parser.add_argument("--check", action="store_true", help="write nothing; say what does not hold")
    asked = parser.parse_args(arguments)
    if asked.folder is None and not asked.check:
        parser.error("name the folder where the copies are to go")
    return asked


def _report(paths: Sequence[Path], seed: int | None) -> int:
    found = [fault for path in paths for fault in faults(path, seed)]
    print("\n".join(found) or f"{len(paths)} notebooks: stubs only, and every reference passes its hidden test")
    return 1 if found else 0


def _write(asked: argparse.Namespace, paths: Sequence[Path]) -> int:
    """Write the copies, all or none; one that is there and is not the same stays unless forced."""
    made = dict(_files(asked.folder, paths, asked.instructor, asked.seed))
    changed = [target for target, text in made.items() if target.exists() and target.read_text("utf-8") != text]
    if changed and not asked.force:
        raise FileExistsError(
            f"{changed[0]} is there, and differs: name another folder, or replace it with --force"
        )
    for target, text in made.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            file.write(text)
        print(target)
    return 0


def _files(folder: Path, paths: Sequence[Path], instructor: bool, seed: int | None) -> Iterator[tuple[Path, str]]:
    """Each file that is to be written, and what goes into it."""
    for path in paths:
        copied = instructor_copy(path, seed) if instructor else student_copy(path, seed)
        where = folder / "source" / path.stem if instructor else folder
        yield where / path.name, nbformat.writes(copied) + "\n"
    if instructor:
        yield folder / "nbgrader_config.py", CONFIG


# ---------------------------------------------------------------------------------------- other data


def _exercises(path: Path) -> tuple[Exercise, ...]:
    return exercises_of(course.read_lesson(path).id)


def _retell(notebook: NotebookNode, exercise: Exercise, text: Mapping[str, str]) -> None:
    """Replace words of an exercise's statement, each of which must stand there once."""
    words = {_plain(old): new for old, new in text.items()}
    seen: list[str] = []

    def instead(found: re.Match[str]) -> str:
        seen.append(_plain(found[0]))
        return words[seen[-1]]

    if words:
        either = re.compile("|".join(r"\s+".join(map(re.escape, old.split())) for old in words))
        for cell in _statement(notebook, exercise):
            cell.source = either.sub(instead, cell.source)
    if sorted(seen) != sorted(words):
        raise ValueError(f"{exercise.id}: its statement must say each of {list(words)} once, and says {seen}")


def _statement(notebook: NotebookNode, exercise: Exercise) -> list[NotebookNode]:
    """The cells from the one with the exercise's number to the one with its stub."""
    number = f" {exercise.id.rpartition('-')[2]}** ({exercise.level},"
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and number in cell.source:
            return list(notebook.cells[place : _stub_at(notebook, exercise) + 1])
    raise ValueError(f"no text has **Exercise{number} ...): add the statement of {exercise.id}")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _after_setup(notebook: NotebookNode) -> int:
    setup = (place for place, cell in enumerate(notebook.cells) if "from lessons.exercises import" in cell.source)
    return next(setup) + 1


def _use_cell(seed: int) -> NotebookNode:
    source = f"from lessons.exercises import use\n\nuse(seed={seed})    # the data of the exercises in this copy"
    return nbformat.v4.new_code_cell(source, id="exercise-data")


# ---------------------------------------------------------------------------------------- stubs and answers


def _stub_at(notebook: NotebookNode, exercise: Exercise) -> int:
    """The place of the first cell that checks an answer to the exercise."""
    asked = f'check("{exercise.id}"'
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and asked in cell.source:
            return place
    raise ValueError(f"no cell has {asked}, ...): add the stub of the exercise")


def _answer_of(source: str, exercise: Exercise) -> str:
    """What a stub hands over as the answer: a name, or several in parentheses."""
    calls = [step for step in ast.walk(ast.parse(source)) if isinstance(step, ast.Call)]
    (answer,) = (ast.unparse(call.args[1]) for call in calls if f"check('{exercise.id}'" in ast.unparse(call))
    return answer


def _stubs(source: str, exercise: Exercise) -> list[ast.stmt]:
    """The statements of a stub that are to be filled: a function, or one value for each name of the answer."""
    names = {step.id for step in ast.walk(ast.parse(_answer_of(source, exercise))) if isinstance(step, ast.Name)}
    return [step for step in ast.parse(source).body if names & set(_named(step))]


def _named(step: ast.stmt) -> list[str]:
    if isinstance(step, ast.FunctionDef):
        return [step.name]
    targets = step.targets if isinstance(step, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_untouched(source: str, exercise: Exercise) -> bool:
    stubs = _stubs(source, exercise)
    return bool(stubs) and all(map(_is_dots, stubs))


def _is_dots(step: ast.stmt) -> bool:
    """Whether a statement is a function whose body is dots, or gives a name dots, or a list of them."""
    if isinstance(step, ast.FunctionDef):
        return [ast.unparse(inner) for inner in step.body] == ["..."]
    value = step.value if isinstance(step, ast.Assign) else None
    parts = value.elts if isinstance(value, ast.List) else [value]
    return all(isinstance(part, ast.Constant) and part.value is ... for part in parts)


def _solved(source: str, exercise: Exercise) -> str:
    """The stub with the reference behind its dots, between nbgrader's marks."""
    lines, last = source.splitlines(), _stubs(source, exercise)[-1]
    if isinstance(last, ast.FunctionDef):
        answer = _body(code_of(exercise.reference))
    else:
        answer = _assignments(_answer_of(source, exercise), exercise.reference)
    indent = " " * (last.body[0].col_offset if isinstance(last, ast.FunctionDef) else 0)
    begin, end = (indent + mark for mark in MARKS)
    return "\n".join([*lines[: last.end_lineno], begin, *answer, end, *lines[last.end_lineno :]])


def _body(code: str) -> list[str]:
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    return code.splitlines()[function.body[0].lineno - 1 :]


def _assignments(names: str, reference: object) -> list[str]:
    """`name = value` for the name of an answer, or for each of several."""
    parsed = ast.parse(names, mode="eval").body
    if isinstance(parsed, ast.Tuple):
        assert isinstance(reference, tuple)
        pairs = [(ast.unparse(name), part) for name, part in zip(parsed.elts, reference, strict=True)]
    else:
        pairs = [(names, reference)]
    return "\n".join(f"{name} = {pformat(part, width=WIDTH)}" for name, part in pairs).splitlines()


# ---------------------------------------------------------------------------------------- as nbgrader wants it


def _marked(
    id: str, *, solution: bool = False, locked: bool = False, points: int | None = None
) -> dict[str, object]:
    """What nbgrader keeps in a cell's metadata, in the third version of its schema."""
    mark: dict[str, object] = {"schema_version": 3, "grade_id": id, "solution": solution, "locked": locked}
    mark |= {"grade": points is not None, "task": False}
    return mark if points is None else mark | {"points": points}


def _test_cell(exercise: Exercise, answer: str, seed: int | None) -> NotebookNode:
    points = exercise.difficulty
    own = "" if seed is None else f", seed={seed}"
    lines = [
        f"# {points} point{'s' if points > 1 else ''}, for a right answer to {exercise.id}",
        HIDDEN[0],
        "from lessons.exercises import assert_right",
        "",
        f'assert_right("{exercise.id}", {answer}{own})',
        HIDDEN[1],
    ]
    cell = nbformat.v4.new_code_cell("\n".join(lines), id=f"{exercise.id}-test")
    cell.metadata["nbgrader"] = _marked(cell.id, locked=True, points=points)
    return cell


# ---------------------------------------------------------------------------------------- checking


def _copy_faults(copied: NotebookNode, exercise: Exercise, seed: int | None, run: bool) -> Iterator[str]:
    """What does not hold of an exercise in the instructor's copy."""
    place = _stub_at(copied, exercise)
    stub, test = copied.cells[place], copied.cells[place + 1]
    if not all(mark in stub.source for mark in MARKS) or f'assert_right("{exercise.id}"' not in test.source:
        yield f"{exercise.id} has no reference, or no hidden test, in the instructor's copy"
        return
    if run:
        try:
            _try_test(stub.source, test.source, exercise)
        except Exception as error:
            yield f"{exercise.id}: the reference does not pass its hidden test: {type(error).__name__}: {error}"


def _try_test(stub: str, test: str, exercise: Exercise) -> None:
    """Run the filled part of a stub and its hidden test, with nothing of the notebook but NumPy."""
    names: dict[str, object] = {"np": np}
    last = _stubs(stub, exercise)
    code = ast.Module(body=last, type_ignores=[])
    exec(compile(code, exercise.id, "exec"), names)
    exec(compile(test, f"{exercise.id}-test", "exec"), names)


if __name__ == "__main__":
    sys.exit(main())
