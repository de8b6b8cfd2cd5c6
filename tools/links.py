"""Write the badges of README.md, between its two comments, from pyproject.toml: `python tools/links.py`.

Owner and repository stand in `[tool.lessons]` and nowhere else; while they are the placeholder,
no badge is shown.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "OWNER/REPOSITORY"
FIRST = "notebooks/00_start_here.ipynb"
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


def main() -> None:
    """Rewrite README.md in place."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    text = with_badges(readme.read_text(encoding="utf-8"), project)
    readme.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
