"""What CONTRIBUTING.md tells to do can be done: its files are there, its example runs, its commands are ours."""

from __future__ import annotations

import re
import sys
import textwrap
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = [textwrap.dedent(code) for code in re.findall(r"^   ```python\n(.*?)^   ```$", PAGE, re.M | re.S)]


def test_the_files_that_it_names_are_there():
    named = set(re.findall(r"\b((?:lessons|tests|tools|notebooks|benchmarks)/[\w/]+\.(?:py|ipynb|md))", PAGE))
    others = {name for name in named if "degrees" not in name}
    assert {"tools/save_outputs.py", "tests/test_floors.py"} <= others
    assert [name for name in sorted(others) if not (ROOT / name).is_file()] == []


def test_the_constants_that_it_names_are_there():
    from lessons import course

    assert "NOT_COMPARED = {" in (ROOT / "tests/test_notebooks.py").read_text(encoding="utf-8")
    assert course._TRACKS
    assert isinstance(course.PLANNED, tuple)


def test_the_example_passes_its_own_tests(monkeypatch: pytest.MonkeyPatch):
    module, tests = EXAMPLES
    degrees = types.ModuleType("lessons.degrees")
    exec(module, degrees.__dict__)
    monkeypatch.setitem(sys.modules, "lessons.degrees", degrees)
    names: dict[str, object] = {"__name__": "test_degrees"}
    exec(tests, names)
    ran = [names[name]() for name in list(names) if name.startswith("test_")]  # type: ignore[operator]
    assert len(ran) == 2
