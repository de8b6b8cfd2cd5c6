"""`check` keeps what it said in a file of the reader's, and `lessons progress` counts it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lessons import _progress, exercises
from lessons.cli import execute, main
from lessons.course import lessons, read_lesson
from lessons.exercises import check, exercises_of

SAVE_OUTPUTS = Path(__file__).resolve().parents[1] / "tools" / "save_outputs.py"


@pytest.fixture(autouse=True)
def no_hints_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked here counts as no attempt elsewhere, and the other way round."""
    monkeypatch.setattr(exercises, "_hinted", {})
    monkeypatch.setattr(exercises, "_failed_last", {})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.txt"
    monkeypatch.setenv("LESSONS_PROGRESS", str(path))
    return path


def row_of(id: str, told: str) -> str:
    """The row of a lesson in what was printed."""
    title = next(lesson.title for lesson in lessons() if lesson.id == id)
    (row,) = (line for line in told.splitlines() if f"  {title}  " in line)
    return row


def test_the_suite_keeps_nothing() -> None:
    assert os.environ["LESSONS_PROGRESS"] == ""
    assert _progress.path() is None
    check("start_here-1", [0, 1, 11])
    assert _progress.passed() == set()


def test_it_is_kept_in_the_home_folder_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LESSONS_PROGRESS")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert _progress.path() == tmp_path / ".lessons-progress.txt"


def test_what_check_says_is_counted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = exercises_of("start_here")
    check(first.id, ...)
    assert not file.exists()
    check(first.id, first.reference)
    check(second.id, first.reference)
    assert [line.split()[1:] for line in file.read_text().splitlines()] == [
        [first.id, "right"],
        [second.id, "wrong"],
    ]
    assert _progress.passed() == {first.id}
    capsys.readouterr()
    assert main(["progress"]) == 0
    told = capsys.readouterr().out
    row = row_of("start_here", told)
    assert f"1 of {len(exercises_of('start_here'))}  {second.id} (" in row
    assert row.endswith(str(sum(exercise.minutes for exercise in exercises_of("start_here")[1:])))
    assert f"  0 of {len(exercises_of('topological_sort'))}  " in row_of("topological_sort", told)
    assert str(file) in told


def test_a_right_answer_stays_right(file: Path) -> None:
    first = exercises_of("start_here")[0]
    check(first.id, first.reference)
    check(first.id, first.wrong[0])
    assert _progress.passed() == {first.id}


def test_a_lesson_that_is_done_has_no_next(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = exercises_of("topological_sort")
    for exercise in asked:
        _progress.keep(exercise.id, right=True)
    _progress.keep("an exercise of an older edition".replace(" ", "_"), right=True)
    assert main(["progress"]) == 0
    assert row_of("topological_sort", capsys.readouterr().out).endswith(f"{len(asked)} of {len(asked)}")


def test_damaged_lines_count_for_nothing(file: Path) -> None:
    file.write_bytes(b"2026-11-22 start_here-1 right\n\xff\xfe\nright\n2026-11-22 start_here-2 rig")
    assert _progress.passed() == {"start_here-1"}


@pytest.mark.parametrize("place", ["no such folder/progress.txt", "."])
def test_a_file_that_cannot_be_written_stops_no_answer(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESSONS_PROGRESS", str(tmp_path / place))
    first = exercises_of("start_here")[0]
    check(first.id, first.reference)
    assert "right" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESSONS_PROGRESS", str(tmp_path / "no such folder" / "progress.txt"))
    assert main(["progress"]) == 0
    assert "Nothing is kept: " in capsys.readouterr().out
    monkeypatch.setenv("LESSONS_PROGRESS", str(tmp_path / "progress.txt"))
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)  # its home is read-only
    assert main(["progress"]) == 0
    assert f"Nothing is kept: {tmp_path / 'progress.txt'} cannot be written" in capsys.readouterr().out


def test_a_notebook_that_we_run_is_nobodys_progress(file: Path) -> None:
    code = "from lessons.exercises import check\ncheck('start_here-1', [0, 1, 11, 100])"
    told = {"lessons": {"id": "small", "requires": []}}
    cells = [nbformat.v4.new_markdown_cell("# Small"), nbformat.v4.new_code_cell(code)]
    path = file.parent / "20_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=told), path)
    assert execute(read_lesson(path)).error is None
    runpy.run_path(str(SAVE_OUTPUTS))["save_outputs"](path)
    assert "start_here-1: right" in path.read_text(encoding="utf-8")
    assert not file.exists()


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESSONS_PROGRESS", str(tmp_path))
    assert main(["progress"]) == 1
    assert f"lessons: {tmp_path} cannot be read" in capsys.readouterr().err


def test_many_processes_at_a_time_lose_nothing(file: Path) -> None:
    code = """
import sys
from lessons._progress import keep
for k in range(200):
    keep(f"{sys.argv[1]}-{k}", right=True)
"""
    processes = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert _progress.passed() == {f"{name}-{k}" for name in "ab" for k in range(200)}


def test_reset(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress", "--reset"]) == 0
    assert "nothing to delete" in capsys.readouterr().out
    _progress.keep("start_here-1", right=True)
    assert main(["progress", "--reset"]) == 0
    assert capsys.readouterr().out == f"deleted {file}\n"
    assert not file.exists()


def test_where_nothing_is_kept_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress"]) == 0
    assert "LESSONS_PROGRESS is empty" in capsys.readouterr().out
