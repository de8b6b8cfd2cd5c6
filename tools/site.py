"""Build the course's site into a folder: `python tools/site.py site`.

It needs the extra `docs`, asks no network and executes nothing: lessons show the outputs that their notebooks were
saved with, scripts, fonts and MathJax are copied from installed packages. A warning is an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import shutil
import sys
import tempfile
import tomllib
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tools"))  # at the end: nothing here shall stand before Python's own modules

import site_pages as pages  # noqa: E402
import site_reference as reference  # noqa: E402

from lessons import course  # noqa: E402

MARK = "_static/site.css"  # a file by which a folder is known to be a site of ours
MATHJAX = "sphinx-mathjax-offline"  # the package that carries it: Apache License 2.0, as MathJax itself
MATHJAX_FILES = (
    "tex-chtml.js",
    "output/chtml",
    "input/tex/extensions",
    "a11y",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
)


def build(folder: Path, repository: str | None = None) -> Path:
    """Build the whole site into `folder`, in place of an older one, and give the path of its first page.

    `repository` is like owner/name, unless told that of pyproject.toml; while that is the placeholder, no page
    shows where to launch its notebook.

    Raises FileExistsError where `folder` holds something else than a site, and RuntimeError with Sphinx's words
    where there is anything to warn of; what was there stays then.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise FileExistsError(f"{folder} holds something else than a site of this course: name another folder")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".site-") as beside:
        source, made = Path(beside) / "source", Path(beside) / "html"
        write_source(source, repository or project["tool"]["lessons"]["repository"], version)
        _run_sphinx(source, made, settings(version))
        _finish(made)
        if folder.exists():
            folder.rename(Path(beside) / "old")
        made.rename(folder)
    return folder / "index.html"


def write_source(source: Path, repository: str, version: str) -> None:
    """Write what Sphinx reads: pages, notebooks with their pictures taken out, styles."""
    (source / "_static").mkdir(parents=True)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = []
    for lesson in course.lessons():
        made.append(pages.lesson_page(lesson, pages.launch_links(lesson, repository, version)))
        pages.write_lesson(made[-1], source)
    texts = {
        "index.md": pages.home(readme, made),
        "map.md": pages.map_page(made),
        "gallery.md": pages.gallery(made, source),
        "exercises.md": pages.exercises_page(made),
        "own_code.md": pages.own_code(readme),
        "cite.md": pages.cite(readme, (ROOT / "CITATION.cff").read_text(encoding="utf-8")),
        MARK: pages.colours() + (ROOT / "docs" / "site.css").read_text(encoding="utf-8"),
    }
    for name, text in texts.items():
        (source / name).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "docs" / "digits.png", source / "_static")
    reference.write(source / "reference")
    _copy_mathjax(source / "_static" / "mathjax")


def settings(version: str) -> dict[str, Any]:
    """Sphinx's settings; there is no conf.py."""
    return {
        "project": "graph-lessons",
        "version": version,
        "release": version,
        "copyright": "the graph-lessons developers, MIT licence",
        "language": "en",
        "smartquotes": False,
        "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.mathjax"],
        "exclude_patterns": ["_static"],
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": ["dollarmath"],
        "myst_heading_anchors": 4,
        "mathjax_path": "mathjax/tex-chtml.js",
        "maximum_signature_line_length": 88,
        "add_module_names": False,
        "html_theme": "sphinx_book_theme",
        "html_title": "graph-lessons",
        "html_context": {"default_mode": "auto"},
        "html_static_path": ["_static"],
        "html_css_files": ["site.css"],
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_theme_options": {
            "pygments_light_style": "a11y-high-contrast-light",
            "pygments_dark_style": "a11y-high-contrast-dark",
            "use_download_button": False,
            "show_navbar_depth": 1,
            "home_page_in_toc": False,
            "navbar_persistent": [],
            "footer_content_items": ["copyright"],
        },
    }


def _run_sphinx(source: Path, made: Path, told: dict[str, Any]) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    said = io.StringIO()
    with warnings.catch_warnings(), patch_docutils(), docutils_namespace():
        for category in (DeprecationWarning, PendingDeprecationWarning):  # what themes still use is not ours
            warnings.simplefilter("ignore", category)
        app = Sphinx(source, None, made, made.parent / "doctrees", "html", told, io.StringIO(), said)
        docstrings = reference.Docstrings()
        app.connect("doctree-read", _mend_tables)
        app.connect("autodoc-process-docstring", docstrings.process)
        app.connect("autodoc-process-signature", docstrings.signature)
        app.connect("autodoc-skip-member", docstrings.skip)
        app.build()
    if said.getvalue():
        raise RuntimeError(f"Sphinx warns:\n{said.getvalue()}")


def _mend_tables(app: Any, document: Any) -> None:
    """Cards have an empty head, as Markdown wants one: drop it, their first column says what a row is."""
    from docutils import nodes

    for table in document.findall(nodes.tgroup):
        heads = list(table.findall(nodes.thead))
        if heads and not heads[0].astext().strip():
            table.remove(heads[0])
            next(table.findall(nodes.colspec))["stub"] = 1


def _copy_mathjax(folder: Path) -> None:
    """Copy the parts of MathJax that the pages load, or a reader's menu may."""
    found = importlib.util.find_spec(MATHJAX)
    if found is None or found.origin is None:
        raise RuntimeError(f"{MATHJAX} is not installed; get it with: python -m pip install -e .[docs]")
    carried = Path(found.origin).parent / "static" / "mathjax"
    for name in MATHJAX_FILES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (carried / name).is_dir():
            shutil.copytree(carried / name, target)
        else:
            shutil.copy(carried / name, target)


def _finish(made: Path) -> None:
    """Put the notebooks beside their pages, to be downloaded; mend the pages; drop what only Sphinx reads."""
    for page in made.rglob("*.html"):
        page.write_text(_mended(page.read_text(encoding="utf-8")), encoding="utf-8")
    for lesson in course.lessons():
        if lesson.path is not None:
            shutil.copy(lesson.path, made / "notebooks")
    for left in (".buildinfo", "objects.inv", "_static/webpack-macros.html", "_static/sbt-webpack-macros.html"):
        (made / left).unlink(missing_ok=True)
    (made / ".nojekyll").touch()  # without it GitHub Pages leaves out folders that begin with an underscore


# Buttons without a name and lists without terms, by Sphinx and its theme: who hears the page would stumble.
SPOKEN = ('<summary><span class="toctree-toggle"', '<summary aria-label="Pages"><span class="toctree-toggle"')
SPANS = {"<dl>": '<span class="parameters">', "<dd>": "<span>", "</dl>": "</span>", "</dd>": "</span>"}


def _mended(page: str) -> str:
    signature = r'(?s)<dt class="sig .*?</dt>'
    tag = "|".join(SPANS)
    return re.sub(signature, lambda found: re.sub(tag, lambda one: SPANS[one[0]], found[0]), page.replace(*SPOKEN))


def main() -> None:
    """Build into the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Build the course's site, offline, from the notebooks as saved.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "site", help="made anew; default: site/")
    parser.add_argument("--repository", metavar="OWNER/NAME", help="unless told, that of pyproject.toml")
    told = parser.parse_args()
    print(build(told.folder, told.repository))


if __name__ == "__main__":
    main()
