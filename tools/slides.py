"""Make a talk of a lesson: `python tools/slides.py graph_partitioning [DIR]`, by id, number or file name.

    python tools/slides.py 5 slides         # writes slides/05_graph_partitioning.html and what it runs on
The folder opens in any browser, without a network; the key s shows the speaker's notes, and the page prints as a
handout with ?print-pdf behind its address. Nothing is executed: the talk shows the outputs that the notebook was
saved with. What becomes of a cell is told by its own metadata, `slideshow.slide_type` as Jupyter has it: slide,
subslide, fragment, skip or notes; a cell without it continues the slide above. JupyterLab's property inspector
edits them.

reveal.js comes from the package sphinx-revealjs, MathJax from sphinx-mathjax-offline, both in the extra `docs`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbconvert import SlidesExporter
from traitlets.config import Config

from lessons import course
from lessons._files import replacing
from lessons.course import Lesson
from lessons.errors import UnknownLabel

TYPES = ("-", "slide", "subslide", "fragment", "skip", "notes")
WIDTH, HEIGHT = 1280, 720  # of a slide; reveal.js scales it to the screen
MAIN_LINE_ENDS = "\n## Go further\n"
LINK_INTO_A_NOTEBOOK = re.compile(r"(?<!!)\[([^\]]+)\]\((?:\d\d_\w+\.ipynb)?(?:#[^)]*)?\)")

# {folder beside the talk: (package, where it keeps the files, which of them)}
REVEAL = ("dist/reveal.css", "dist/reveal.js", "dist/theme/white.css", "dist/theme/fonts/source-sans-pro/*")
REVEAL += ("plugin/notes/notes.js", "LICENSE")
MATHJAX = ("tex-chtml.js", "input/tex/extensions/*", "output/chtml/fonts/woff-v2/*")
SCRIPTS = {
    "reveal": ("sphinx-revealjs", "sphinx_revealjs/_static/revealjs", REVEAL),
    "mathjax": ("sphinx-mathjax-offline", "sphinx-mathjax-offline/static/mathjax", MATHJAX),
}

# nbconvert's own template asks CDNs for require.js, jQuery, mermaid and MathJax 2
TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block notebook_css -%}<style>{{ resources.talk.style }}</style>{%- endblock -%}
{%- block html_head_js_mathjax -%}
{%- if resources.talk.formulas -%}
<script>
MathJax = {tex: {inlineMath: [['$', '$']], processEscapes: true}, options: {enableMenu: false}};
</script>
<script src="mathjax/tex-chtml.js" defer></script>
{%- endif -%}
{%- endblock -%}
{%- block footer_js -%}
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>
// A slide is shown as large as it fits, code as large as its lines do; what is too long when smallest is scrolled.
const ZOOMS = [1.6, 1.45, 1.3, 1.2, 1.1, 1, 0.9, 0.8];
function fit({currentSlide: slide}) {
  if (Reveal.isPrintView()) return;
  const lines = [...slide.querySelectorAll('pre')].flatMap(pre => pre.textContent.split('\\n'));
  const longest = Math.max(1, ...lines.map(line => line.length).filter(length => length <= 115));
  slide.style.zoom = ZOOMS.find(zoom => {
    slide.style.zoom = zoom;
    return zoom * longest <= 104 && slide.scrollHeight <= slide.clientHeight;
  }) ?? ZOOMS.at(-1);
}
Reveal.on('ready', fit);
Reveal.on('slidechanged', fit);
Reveal.initialize({
  width: {{ resources.reveal.width }}, height: {{ resources.reveal.height }}, margin: 0.02, center: false,
  hash: true, slideNumber: 'c/t', transition: 'none', plugins: [RevealNotes],
});
</script>
{%- endblock -%}
"""

# its selectors name .slides, to weigh more than those of the theme, which comes after it
STYLE = """
main { height: 100%; }
body {
  --r-main-font-size: 24px; --r-main-color: #222222; --r-link-color: #0072B2;
  --r-heading-color: #0072B2; --r-heading-text-transform: none; --r-heading-margin: 0 0 12px;
  --r-heading1-size: 60px; --r-heading2-size: 40px; --r-heading3-size: 30px; --r-block-margin: 10px;
}
.reveal .slides { text-align: left; line-height: 1.35; }
.reveal .slides section section { box-sizing: border-box; height: 100%; padding: 12px 32px; overflow-y: auto; }
.reveal .slides h1 { margin-top: 140px; }
.reveal .slides p { margin: 10px 0; }
.reveal .slides ul, .reveal .slides ol { display: block; padding-left: 1.2em; margin-left: 0; }
.reveal .slides code { font-size: 0.86em; background: #f2f2f2; padding: 0 0.15em; }
.reveal .slides pre { width: auto; margin: 8px 0; font-size: 18px; line-height: 1.3; box-shadow: none; }
.reveal .slides .highlight { background: #f7f7f7; border-left: 4px solid #56B4E9; padding: 2px 12px; }
.reveal .slides .highlight pre { white-space: pre-wrap; }
.reveal .slides .jp-CodeCell:has(img) .highlight pre { font-size: 15px; }
.reveal .slides .jp-OutputArea { padding-left: 16px; }
.reveal .slides .jp-OutputArea pre { margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.reveal .slides .jp-OutputArea img { display: block; margin: 6px auto; max-height: 420px; }
.reveal .slides .jp-OutputArea div:has(> figure) { margin: auto; }
.reveal .slides .jp-OutputArea figure img { margin: 0 auto; }
.reveal .slides table { font-size: 20px; margin: 8px 0; }
.reveal .slides table td, .reveal .slides table th { padding: 4px 12px; }
.reveal .slides thead:not(:has(th:not(:empty))) { display: none; }
.reveal .slide-number { font-size: 14px; left: 8px; right: auto; }
.reveal .controls { font-size: 6px; }
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the talk and print where it is; 1 and a line on stderr if there is no such lesson, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lesson", help="id, number or file name")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("slides"), help="slides, unless told")
    options = parser.parse_args(arguments)
    try:
        lesson = course.find(options.lesson)
    except UnknownLabel as error:
        print(error, file=sys.stderr)
        return 1
    print(build(lesson, options.folder))
    return 0


def build(lesson: Lesson, folder: Path) -> Path:
    """Write the talk of a lesson, and the scripts and fonts it needs beside it; the path of its page.

    Raises ValueError where a cell has a slide type that Jupyter does not know.
    """
    if lesson.path is None:
        raise ValueError(f"{lesson.id} has no notebook yet")
    notebook = nbformat.read(lesson.path, as_version=4)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{lesson.path.stem}.html"
    scripts = ["reveal", "mathjax"] if has_formulas(notebook) else ["reveal"]
    for name in scripts:
        copy_scripts(name, folder / name)
    with replacing(page) as file:
        file.write(talk(notebook, lesson.title))
    return page


def talk(notebook: nbformat.NotebookNode, title: str) -> str:
    """The page of a talk, from the notebook's saved outputs. Raises ValueError as `build` does."""
    check_types(notebook)
    colours = Config(CSSHTMLHeaderPreprocessor={"style": "xcode"})  # of Pygments, with 4.5:1 and more on grey
    exporter = SlidesExporter(
        config=colours,
        extra_loaders=[DictLoader({"talk.html.j2": TEMPLATE})],
        template_file="talk.html.j2",
        reveal_url_prefix="reveal",
        reveal_theme="white",
        reveal_width=str(WIDTH),
        reveal_height=str(HEIGHT),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    shown = {"style": STYLE, "formulas": has_formulas(notebook)}
    page, _ = exporter.from_notebook_node(for_talk(notebook, title), resources={"talk": shown})
    return page


def for_talk(notebook: nbformat.NotebookNode, title: str) -> nbformat.NotebookNode:
    """A copy whose text ends where the main line does, and has no links to what the talk does not hold."""
    copy = nbformat.from_dict(notebook)
    copy.metadata.title = title
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            text = cell.source.partition(MAIN_LINE_ENDS)[0]
            cell.source = LINK_INTO_A_NOTEBOOK.sub(r"\1", text)
    return copy


def slide_type(cell: Mapping[str, Any]) -> str:
    """What becomes of a cell; "-" continues the slide above it.

    >>> slide_type({"metadata": {"slideshow": {"slide_type": "fragment"}}}), slide_type({"metadata": {}})
    ('fragment', '-')
    """
    return str(cell["metadata"].get("slideshow", {}).get("slide_type") or "-")


def check_types(notebook: nbformat.NotebookNode) -> None:
    """Raises ValueError for a slide type that is not Jupyter's, which nbconvert would pass over in silence."""
    for at, cell in enumerate(notebook.cells):
        if slide_type(cell) not in TYPES:
            raise ValueError(f"cell {at}: no slide type {slide_type(cell)!r}; one of {', '.join(TYPES)}")


def has_formulas(notebook: nbformat.NotebookNode) -> bool:
    """Is there TeX between dollars in its text? Only then the talk brings MathJax."""
    return any("$" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def copy_scripts(name: str, folder: Path) -> None:
    """Copy reveal.js or MathJax out of the package that carries it.

    Raises ImportError with what to install where the package is missing.
    """
    package, within, patterns = SCRIPTS[name]
    try:
        source = Path(str(distribution(package).locate_file(within)))
    except PackageNotFoundError as error:
        advice = "pip install 'graph-lessons[docs]'"
        raise ImportError(f"{package} is not installed. Get it with: {advice}", name=package) from error
    for path in (found for pattern in patterns for found in sorted(source.glob(pattern))):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


if __name__ == "__main__":
    sys.exit(main())
