"""The badges of README.md follow the one line in pyproject.toml."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "tools" / "links.py"))
PAGE = "# Title\n<!-- badges -->\nold\n<!-- /badges -->\nText\n"


def project(repository: str) -> dict[str, Any]:
    return {"tool": {"lessons": {"repository": repository}}, "project": {"version": "1.2"}}


def test_binder_and_colab_open_notebook_00_at_the_tag_of_the_version() -> None:
    to = {name: urlsplit(link) for name, link in TOOL["links"]("ada/graphs", "1.2").items()}
    opened = parse_qs(to["binder"].query)["urlpath"][0].removeprefix("lab/tree/")
    assert (to["binder"].netloc, to["binder"].path) == ("mybinder.org", "/v2/gh/ada/graphs/v1.2")
    assert to["colab"].path == f"/github/ada/graphs/blob/v1.2/{opened}"
    assert opened == "notebooks/00_start_here.ipynb"


@pytest.mark.skipif(not (ROOT / ".github").is_dir(), reason="workflows are not in the source distribution")
def test_the_badge_of_the_tests_belongs_to_a_workflow_that_exists() -> None:
    workflow = urlsplit(TOOL["links"]("ada/graphs", "1.2")["tests"]).path.rpartition("/")[2]
    assert (ROOT / ".github" / "workflows" / workflow).is_file()


def test_a_repository_gets_three_badges_each_with_alt_text_and_link() -> None:
    page = TOOL["with_badges"](PAGE, project("ada/graphs"))
    assert page.startswith(
        "# Title\n<!-- badges -->\n[![Open on Binder](https://mybinder.org/badge_logo.svg)](https"
    )
    assert page.count("[![") == page.count("ada/graphs") - 1 == 3  # one picture is the repository's own
    assert page.endswith(")\n<!-- /badges -->\nText\n")
    assert TOOL["with_badges"](page, project("ada/graphs")) == page


def test_the_placeholder_leaves_nothing_between_the_comments() -> None:
    page = TOOL["with_badges"](PAGE, project("OWNER/REPOSITORY"))
    assert page == "# Title\n<!-- badges -->\n<!-- /badges -->\nText\n"


@pytest.mark.parametrize("page", ["# Title\n", PAGE + PAGE, "<!-- /badges -->\n<!-- badges -->\n"])
def test_a_page_without_one_pair_of_comments_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="one line <!-- badges -->"):
        TOOL["with_badges"](page, project("ada/graphs"))


@pytest.mark.parametrize("repository", ["ada", "https://github.com/ada/graphs", "ada/graphs x", ""])
def test_a_repository_that_is_not_owner_and_name_is_an_error(repository: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        TOOL["badges"](repository, "1.2")


def test_readme_is_as_the_tool_writes_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert TOOL["with_badges"](readme, pyproject) == readme
