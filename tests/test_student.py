"""`tools/student.py`: copies with stubs only, copies with answers that pass hidden tests, nbgrader to the end."""

from __future__ import annotations

import csv
import os
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lessons import course
from lessons.exercises import assert_right, exercises_of, find, variant

student = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "student.py"))
main, student_copy, instructor_copy, faults = map(
    student.get, ("main", "student_copy", "instructor_copy", "faults")
)

PATHS = sorted(course.notebooks().glob("[0-9][0-9]_*.ipynb"))
EACH = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
SORTS = course.notebooks() / "02_topological_sort.ipynb"
START = course.notebooks() / "00_start_here.ipynb"
SEED = 8


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def cell_of(notebook, words):
    return next(cell for cell in notebook.cells if words in cell.source)


@pytest.fixture
def spoilt(tmp_path):
    """The notebook 02 with words of it replaced."""

    def put(old, new):
        text = SORTS.read_text(encoding="utf-8")
        assert old in text
        (tmp_path / SORTS.name).write_text(text.replace(old, new), encoding="utf-8")
        return tmp_path / SORTS.name

    return put


# ------------------------------------------------------------------------------ what --check asks


@EACH
def test_notebooks_hold_stubs_and_instructors_copies_every_reference(path):
    assert list(faults(path, SEED, run=False)) == []


def test_references_pass_their_hidden_tests():
    assert list(faults(SORTS, SEED)) == []


@pytest.mark.full
@EACH
@pytest.mark.parametrize("seed", [None, SEED])
def test_all_references_pass_their_hidden_tests(path, seed):
    assert list(faults(path, seed)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("order = ...  ", "order = [1, 3, 0, 5, 2, 4]  ", "topological_sort-1 is not a stub"),
        (
            'def peak(order, reads, size):\\n",\n    "    ...',
            'def peak(order, reads, size):\\n",\n    "    return 0',
            "-4 is not a stub",
        ),
        ("order = ...  ", "### BEGIN SOLUTION order = ...  ", "a mark of the instructor's copy"),
    ],
)
def test_what_is_no_stub_is_told(spoilt, old, new, told):
    found = list(faults(spoilt(old, new), run=False))
    assert any(told in fault for fault in found), found


def test_a_reference_that_is_not_right_is_told(monkeypatch):
    monkeypatch.setitem(
        faults.__globals__,
        "code_of",
        lambda reference: "[0, 1, 2, 3, 4, 5]\n" if isinstance(reference, list) else "def f():\n    return 0",
    )
    monkeypatch.setitem(faults.__globals__, "_assignments", lambda names, reference: [f"{names} = [0, 1]"])
    found = list(faults(SORTS))
    assert len(found) == 4
    assert all("does not pass its hidden test: AssertionError: topological_sort-" in fault for fault in found)


def test_an_exercise_without_a_stub_or_a_statement_is_told(spoilt):
    with pytest.raises(ValueError, match='no cell has check\\("topological_sort-1"'):
        list(faults(spoilt('check(\\"topological_sort-1', 'other(\\"topological_sort-1')))


def test_a_statement_that_does_not_say_its_numbers_is_told(tmp_path):
    for old, new, told in [
        ("1, 10, 100 and 1000. What", "what they like. What", "must say each of"),
        ("**Self-check 1** (warm-up", "**Self-check one** (warm-up", "add the statement of start_here-1"),
    ]:
        text = START.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / START.name
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ValueError, match=told):
            student_copy(path, SEED)


# ------------------------------------------------------------------------------ copies


@EACH
def test_students_get_the_notebook_without_outputs(path):
    copied = student_copy(path)
    assert sources(copied) == sources(nbformat.read(path, as_version=4))
    code = [cell for cell in copied.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    nbformat.validate(copied)


@EACH
def test_a_seed_changes_statements_and_nothing_else(path):
    plain, other = student_copy(path), student_copy(path, SEED)
    (added,) = (cell for cell in other.cells if cell.id == "exercise-data")
    assert added.source.startswith(f"from lessons.exercises import use\n\nuse(seed={SEED})")
    other.cells.remove(added)
    changed = [now.source for now, was in zip(other.cells, plain.cells, strict=True) if now.source != was.source]
    varied = [exercise for exercise in exercises_of(course.read_lesson(path).id) if exercise.varied]
    assert len(changed) == len(varied)
    for exercise, source in zip(varied, changed, strict=True):
        told = variant(exercise, SEED).text.values()
        assert all(" ".join(words.split()) in " ".join(source.split()) for words in told)


def test_most_lessons_that_ask_for_a_value_can_ask_for_another():
    asked = {topic: exercises_of(topic) for topic in map(topic_of, PATHS)}
    value = {topic for topic, every in asked.items() if any(not callable(one.reference) for one in every)}
    varied = {topic for topic, every in asked.items() if any(one.varied for one in every)}
    assert value - varied == {"topological_sort", "graph_partitioning", "communities", "node2vec"}


def topic_of(path):
    return course.read_lesson(path).id


@EACH
def test_instructors_get_answers_and_tests_as_nbgrader_marks_them(path):
    copied = instructor_copy(path, SEED)
    nbformat.validate(copied)
    marks = [cell.metadata["nbgrader"] for cell in copied.cells if "nbgrader" in cell.metadata]
    exercises = exercises_of(topic_of(path))
    assert {mark["schema_version"] for mark in marks} == {3}
    assert len({mark["grade_id"] for mark in marks}) == len(marks) == 2 * len(exercises) + 1
    points = {mark["grade_id"]: mark["points"] for mark in marks if mark["grade"]}
    assert points == {f"{exercise.id}-test": exercise.difficulty for exercise in exercises}
    assert all(mark["locked"] != mark["solution"] for mark in marks)
    assert "### BEGIN" not in "".join(sources(student_copy(path, SEED)))


def test_answers_are_those_of_the_seed():
    exercise = find("start_here-1", SEED)
    source = cell_of(instructor_copy(START, SEED), 'check("start_here-1"').source
    assert f"heard_by = {exercise.reference}\n" in source
    assert_right("start_here-1", exercise.reference, SEED)
    with pytest.raises(AssertionError, match=r"^start_here-1: a node hears the sum"):
        assert_right("start_here-1", find("start_here-1").reference, SEED)


def test_wrong_answers_and_stubs_fail_the_hidden_test():
    test = cell_of(instructor_copy(SORTS), 'assert_right("topological_sort-1"').source
    for answer, told in [(..., "not attempted yet"), ([1, 5, 3, 2, 0, 4], "the smallest is taken first")]:
        with pytest.raises(AssertionError, match=told):
            exec(test, {"order": answer})
    exec(test, {"order": [1, 3, 0, 5, 2, 4]})


# ------------------------------------------------------------------------------ the command line


def test_copies_are_written_and_no_work_is_lost(tmp_path, capsys):
    assert main([str(tmp_path), "--only", "02"]) == 0
    target = tmp_path / SORTS.name
    assert [path.name for path in tmp_path.iterdir()] == [SORTS.name]
    assert nbformat.read(target, as_version=4) == student_copy(SORTS)
    assert main([str(tmp_path), "--only", "topological_sort"]) == 0, "the same again is no loss"
    assert main([str(tmp_path), "--only", "00", "02", "--seed", "8"]) == 1
    assert "02_topological_sort.ipynb is there, and differs" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [SORTS.name], "all or none"
    assert main([str(tmp_path), "--only", "02", "--seed", "8", "--force"]) == 0
    assert nbformat.read(target, as_version=4) == student_copy(SORTS, 8)


def test_the_instructors_copies_are_a_course(tmp_path):
    assert main([str(tmp_path), "--instructor", "--only", "00", "02", "--seed", "8"]) == 0
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == [
        "nbgrader_config.py",
        "source/00_start_here/00_start_here.ipynb",
        "source/02_topological_sort/02_topological_sort.ipynb",
    ]


def test_checking_says_what_it_saw(capsys):
    assert main(["--check", "--only", "02"]) == 0
    assert capsys.readouterr().out.startswith("1 notebooks: stubs only, and every reference passes")


@pytest.mark.parametrize(
    ("arguments", "told"), [(["--only", "99"], "no lesson '99'"), (["--seed", "-1"], "seed=-1: zero or more")]
)
def test_bad_arguments_are_told(tmp_path, capsys, arguments, told):
    assert main([str(tmp_path / "copies"), *arguments]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "copies").exists()


def test_a_folder_is_wanted(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "name the folder" in capsys.readouterr().err


# ------------------------------------------------------------------------------ nbgrader, from end to end

WRONG = {  # the order of a queue; a sort that does not wait; memory that is never freed
    "topological_sort-1": "order = find('topological_sort-1').wrong[0]",
    "topological_sort-2": "my_generations = find('topological_sort-2').wrong[2]",
    "topological_sort-4": "peak = find('topological_sort-4').wrong[0]",
}


@pytest.fixture
def nbgrader(tmp_path):
    """A course with the lesson 02, and nbgrader's command run in it."""
    pytest.importorskip("nbgrader", reason="grading needs nbgrader: the teach extra")
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic
    folder = tmp_path / "course"
    assert main([str(folder), "--instructor", "--seed", "7", "--only", "02"]) == 0

    def run(*command):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=folder,
            env={**os.environ, **own},
            text=True,
            capture_output=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    return run


@pytest.mark.full
def test_nbgrader_makes_grades_and_exports(nbgrader):
    folder = nbgrader("generate_assignment", SORTS.stem)
    released = folder / "release" / SORTS.stem / SORTS.name
    check_release(nbformat.read(released, as_version=4))
    for name, answers in [("right", solved()), ("wrong", solved() | mistaken())]:
        hand_in(released, folder / "submitted" / name / SORTS.stem, answers)
    nbgrader("autograde", SORTS.stem)
    nbgrader("export")
    with open(folder / "grades.csv", encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: (float(row["score"]), float(row["max_score"])) for name, row in rows.items()} == {
        "right": (8.0, 8.0),
        "wrong": (2.0, 8.0),
    }


def check_release(notebook):
    """What students get: the stubs of the repository, and neither answers nor tests."""
    text = "\n".join(sources(notebook))
    assert "### BEGIN" not in text
    assert "assert_right" not in text
    for exercise in exercises_of("topological_sort"):
        stub = cell_of(student_copy(SORTS), f'check("{exercise.id}"').source
        given = cell_of(notebook, f'check("{exercise.id}"').source
        lines = [line for line in given.splitlines() if line.strip() != "# your code here"]
        assert lines == stub.splitlines()


def solved():
    """The filled stub of each exercise: {grade id: source}."""
    copied = instructor_copy(SORTS)
    return {
        exercise.id: cell_of(copied, f'check("{exercise.id}"').source
        for exercise in exercises_of("topological_sort")
    }


def mistaken():
    """Three known mistakes in the place of three answers."""
    return {id: f"from lessons.exercises import find\n\n{code}" for id, code in WRONG.items()}


def hand_in(released, folder, answers):
    """Put the released notebook with these answers where nbgrader looks for what was handed in."""
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if id in answers:
            cell.source = answers[id]
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / released.name)
