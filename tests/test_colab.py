"""One cell of each notebook installs the course on Colab, and does nothing elsewhere."""

from __future__ import annotations

import json
import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from lessons import course

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "tools" / "links.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COLAB = "<google.colab._shell.Shell object at 0x7f>"


class Shell:
    """Stands in for IPython's: tells where it runs, and keeps what is to be installed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.run: list[tuple[str, str]] = []

    def __str__(self) -> str:
        return self.name

    def run_line_magic(self, magic: str, line: str) -> None:
        self.run.append((magic, line))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, bool], Shell]:
    """Run the cell's source as IPython does, in a shell of this name, where the course is installed or not."""

    def run_in(source: str, name: str, installed: bool) -> Shell:
        shell = Shell(name)
        monkeypatch.setattr("importlib.util.find_spec", lambda module: module if installed else None)
        exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
        return shell

    return run_in


def test_on_colab_the_tag_of_the_version_is_installed(run: Callable[..., Shell]) -> None:
    shell = run(TOOL["colab_cell"]("ada/graphs", "1.2"), COLAB, installed=False)
    ((magic, line),) = shell.run
    assert magic == "pip"
    assert line == 'install -q "graph-lessons[course] @ git+https://github.com/ada/graphs@v1.2"'


@pytest.mark.parametrize("repository", ["ada/graphs", TOOL["PLACEHOLDER"]])
@pytest.mark.parametrize(
    ("name", "installed"), [(COLAB, True), ("<ipykernel.zmqshell.ZMQInteractiveShell>", False), ("None", False)]
)
def test_elsewhere_and_where_it_is_installed_nothing_happens(
    run: Callable[..., Shell], repository: str, name: str, installed: bool
) -> None:
    assert run(TOOL["colab_cell"](repository, "1.2"), name, installed).run == []


def test_without_a_repository_colab_is_told_what_to_do(run: Callable[..., Shell]) -> None:
    told = r"no repository yet: upload, then %pip install graph_lessons-1\.2-py3-none-any\.whl\[course\]$"
    with pytest.raises(ImportError, match=told):
        run(TOOL["colab_cell"](TOOL["PLACEHOLDER"], "1.2"), COLAB, installed=False)


def small(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_the_cell_is_put_before_the_first_code_and_replaced_there() -> None:
    text: dict[str, Any] = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title"]}
    code = {"cell_type": "code", "execution_count": 2, "id": "b", "metadata": {}, "outputs": [], "source": ["1"]}
    project = {"tool": {"lessons": {"repository": "ada/graphs"}}, "project": {"version": "1.2"}}
    first = TOOL["with_colab_cell"](small(text, code), project)
    assert [cell["id"] for cell in first["cells"]] == ["a", "colab", "b"]
    assert first["cells"][1]["execution_count"] is None
    first["cells"][1]["execution_count"] = 1
    project["project"]["version"] = "1.3"
    second = TOOL["with_colab_cell"](first, project)
    assert [cell["id"] for cell in second["cells"]] == ["a", "colab", "b"]
    assert second["cells"][1]["execution_count"] == 1
    assert "@v1.3" in "".join(second["cells"][1]["source"])


@pytest.mark.parametrize("lesson", course.lessons(), ids=lambda lesson: lesson.id)
def test_each_notebook_has_it_as_the_tool_writes_it_folded_and_of_three_lines(lesson: course.Lesson) -> None:
    notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
    assert TOOL["with_colab_cell"](notebook, PROJECT) == notebook, "run python tools/links.py"
    (cell,) = [cell for cell in notebook["cells"] if "colab" in cell["metadata"].get("tags", [])]
    assert cell["metadata"]["jupyter"] == {"source_hidden": True}
    assert len(cell["source"]) == 3
    assert cell["outputs"] == []
