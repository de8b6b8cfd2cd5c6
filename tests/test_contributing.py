"""What CONTRIBUTING.md tells to do can be done: its files are there, and what it shows of a lesson passes."""

from __future__ import annotations

import doctest
import importlib.util
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lessons import as_graph, course
from lessons.exercises import problems

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = [textwrap.dedent(code) for code in re.findall(r"^   ```python\n(.*?)^   ```$", PAGE, re.M | re.S)]
MODULE, TESTS, PICTURES, EXERCISES, NOTEBOOK = EXAMPLES


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a module of the code of a step, `lessons.degrees` being the first of them."""

    def load(name: str, code: str) -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    load("lessons.degrees", MODULE)
    return load


def test_the_files_that_it_names_are_there() -> None:
    named = re.findall(r"\b((?:docs|lessons|tests|tools|notebooks|benchmarks)/[\w/]+\.(?:py|ipynb|md|toml))", PAGE)
    others = {name for name in named if "degrees" not in name}
    assert {"tools/save_outputs.py", "tests/test_floors.py"} <= others
    assert [name for name in sorted(others) if not (ROOT / name).is_file()] == []


def test_the_constants_that_it_names_are_there() -> None:
    assert "NOT_COMPARED = {" in (ROOT / "tests/test_notebooks.py").read_text(encoding="utf-8")
    assert course._TRACKS
    assert isinstance(course.PLANNED, tuple)


def test_the_module_passes_its_examples_and_its_tests(load: Any) -> None:
    done = doctest.testmod(sys.modules["lessons.degrees"])
    assert (done.failed, done.attempted) == (0, 3)
    tests = vars(load("test_degrees", TESTS))
    ran = [tests[name]() for name in list(tests) if name.startswith("test_")]
    assert len(ran) == 2


def test_the_picture_tells_what_is_drawn(load: Any) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = load("pictures", PICTURES).draw_against(as_graph([(0, 1), (0, 2)], n=3))
    assert len(fig.axes) == 1
    assert alt == "A point for each of 3 nodes; 2 lie above the line where both are equal."


def test_the_exercise_is_sound(load: Any) -> None:
    assert [problems(exercise) for exercise in load("exercises", EXERCISES).EXERCISES] == [[]]


def test_the_notebook_that_is_begun_is_a_lesson(
    load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notebooks").mkdir()
    load("begin", NOTEBOOK)
    lesson = course.read_lesson(tmp_path / "notebooks" / "14_degrees.ipynb")
    assert (lesson.id, lesson.title) == ("degrees", "Ask your neighbours")
    assert set(lesson.requires) <= {other.id for other in course.lessons()}
