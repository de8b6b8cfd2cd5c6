"""Write what names the repository, from pyproject.toml: `python tools/links.py`.

These are the badges of README.md, between its two comments, and the cell of each notebook that installs the course
on Colab. Owner and repository stand in `[tool.lessons]` and nowhere else; while they are the placeholder, no badge
is shown, and on Colab the cell says that there is nowhere to install from. Elsewhere it does nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from lessons import course
from lessons._files import replacing

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "OWNER/REPOSITORY"
FIRST = "notebooks/00_start_here.ipynb"
FOLDED = {"jupyter": {"source_hidden": True}, "slideshow": {"slide_type": "skip"}, "tags": ["colab"]}
BETWEEN = re.compile(r"(<!-- badges -->\n).*?(<!-- /badges -->)", re.DOTALL)


def links(repository: str, version: str) -> dict[str, str]:
    """Where the course opens: {"binder", "colab", "tests"} -> address; Binder and Colab at the version's tag.

    A tag, not the newest commit: Binder builds an image once for each commit that is asked for.

    Raises ValueError where `repository` is not of the form owner/name.

    >>> links("ada/graphs", "1.2")["binder"]
    'https://mybinder.org/v2/gh/ada/graphs/v1.2?urlpath=lab/tree/notebooks/00_start_here.ipynb'
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository = {repository!r} in pyproject.toml: it is written owner/name")
    return {
        "binder": f"https://mybinder.org/v2/gh/{repository}/v{version}?urlpath=lab/tree/{FIRST}",
        "colab": f"https://colab.research.google.com/github/{repository}/blob/v{version}/{FIRST}",
        "tests": f"https://github.com/{repository}/actions/workflows/test.yml",
    }


def badges(repository: str, version: str) -> str:
    """The badges in Markdown, a line each; nothing for the placeholder.

    >>> badges("OWNER/REPOSITORY", "1.2")
    ''
    """
    if repository == PLACEHOLDER:
        return ""
    to = links(repository, version)
    pictures = {
        "binder": ("Open on Binder", "https://mybinder.org/badge_logo.svg"),
        "colab": ("Open in Colab", "https://colab.research.google.com/assets/colab-badge.svg"),
        "tests": ("State of the tests", f"{to['tests']}/badge.svg"),
    }
    return "".join(f"[![{alt}]({picture})]({to[name]})\n" for name, (alt, picture) in pictures.items())


def with_badges(readme: str, project: dict[str, Any]) -> str:
    """The text of README.md with the badges that the parsed pyproject.toml asks for.

    Raises ValueError where the text has not exactly one pair of comments to write between.
    """
    if len(BETWEEN.findall(readme)) != 1:
        raise ValueError("README.md needs one line <!-- badges --> and below it one line <!-- /badges -->")
    lines = badges(project["tool"]["lessons"]["repository"], project["project"]["version"])
    return BETWEEN.sub(lambda found: found[1] + lines + found[2], readme)


def colab_cell(repository: str, version: str) -> str:
    """The source of the cell that installs the course where a notebook runs on Colab without it.

    >>> print(colab_cell("ada/graphs", "1.2"))
    from importlib.util import find_spec
    if "google.colab" in str(get_ipython()) and not find_spec("lessons"):
        %pip install -q "graph-lessons[course] @ git+https://github.com/ada/graphs@v1.2"
    """
    if repository == PLACEHOLDER:
        advice = f"upload, then %pip install graph_lessons-{version}-py3-none-any.whl[course]"
        install = f'raise ImportError("no repository yet: {advice}")'
    else:
        install = f'%pip install -q "graph-lessons[course] @ git+https://github.com/{repository}@v{version}"'
    test = 'if "google.colab" in str(get_ipython()) and not find_spec("lessons"):'
    return f"from importlib.util import find_spec\n{test}\n    {install}"


def with_colab_cell(notebook: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
    """The notebook with that cell, folded, before its first code cell; one that was there is replaced.

    A cell that was not there has not been run: `tools/save_outputs.py` runs the notebook.
    """
    source = colab_cell(project["tool"]["lessons"]["repository"], project["project"]["version"])
    found = [cell for cell in notebook["cells"] if "colab" in cell["metadata"].get("tags", [])]
    rest = [cell for cell in notebook["cells"] if cell not in found]
    at = next((at for at, cell in enumerate(rest) if cell["cell_type"] == "code"), len(rest))
    count = found[0]["execution_count"] if found else None
    cell = {"cell_type": "code", "execution_count": count, "id": "colab", "metadata": FOLDED, "outputs": []}
    cells = [*rest[:at], {**cell, "source": source.splitlines(keepends=True)}, *rest[at:]]
    return {**notebook, "cells": cells}


def main() -> None:
    """Rewrite README.md and the notebooks in place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    readme = with_badges((ROOT / "README.md").read_text(encoding="utf-8"), project)
    with replacing(ROOT / "README.md") as file:
        file.write(readme)
    for lesson in course.lessons(ROOT / "notebooks"):
        if lesson.path is not None:
            notebook = with_colab_cell(json.loads(lesson.path.read_text(encoding="utf-8")), project)
            with replacing(lesson.path) as file:
                file.write(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
