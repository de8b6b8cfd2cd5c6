"""A talk of every lesson: the notebook tells its slides, all fit on the screen, nothing comes from outside."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser import find_browser, launched

from lessons import course

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "slides.py"))
LESSONS = course.lessons()
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide();
  return slide.scrollHeight <= slide.clientHeight && slide.scrollWidth <= slide.clientWidth;
}"""


# ---------------------------------------------------------------------------------------- what notebooks say


@pytest.fixture(params=LESSONS, ids=lambda lesson: lesson.id)
def cells(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return json.loads(request.param.path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_a_talk_has_a_title_and_enough_slides_for_an_hour(cells: list[dict[str, Any]]) -> None:
    types = [TOOL["slide_type"](cell) for cell in cells]
    assert set(types) <= set(TOOL["TYPES"])
    assert types[0] == "slide"
    assert source(cells[0]).startswith("# ")
    assert 20 <= sum(kind in ("slide", "subslide") for kind in types) <= 40


def test_nothing_to_fill_in_no_slider_and_no_imports_are_shown(cells: list[dict[str, Any]]) -> None:
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    shown = [cell for cell in code if TOOL["slide_type"](cell) not in ("skip", "notes")]
    assert 10 <= len(shown) < len(code)
    for cell in shown:
        assert "explore(" not in source(cell)
        assert "rng = np.random.default_rng(7)" not in source(cell)
        assert "not attempted yet" not in json.dumps(cell["outputs"])


def test_a_section_of_the_main_line_begins_a_slide_and_the_talk_ends_with_it(cells: list[dict[str, Any]]) -> None:
    (last,) = [at for at, cell in enumerate(cells) if "## Go further" in source(cell)]
    sections = [cell for cell in cells[: last + 1] if "\n## " in f"\n{source(cell)}"]
    assert {TOOL["slide_type"](cell) for cell in sections} <= {"slide", "skip"}
    assert "## What you can now do" in source(cells[last])
    assert {TOOL["slide_type"](cell) for cell in cells[last + 1 :]} == {"skip"}


# ---------------------------------------------------------------------------------------- what is made of it


def markdown(text: str, kind: str = "-") -> nbformat.NotebookNode:
    return nbformat.v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}} if kind != "-" else {})


def made_up(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    output = nbformat.v4.new_output(
        "display_data", {"text/html": '<img alt="one dot" src="data:,">', "text/plain": ""}
    )
    figure = nbformat.v4.new_code_cell("draw()", outputs=[output])
    return nbformat.v4.new_notebook(cells=[markdown("# A title\n\nA question?", "slide"), figure, *cells])


def test_a_talk_shows_saved_outputs_keeps_notes_and_leaves_out_the_rest() -> None:
    page = TOOL["talk"](made_up(markdown("Say this.", "notes"), markdown("Not this.", "skip")), "A title")
    assert page.count('alt="one dot"') == 1
    assert "Say this." in page.partition('<aside class="notes">')[2].partition("</aside>")[0]
    assert "Not this." not in page
    assert page.count("<section") == 2  # a slide in its column


def test_a_talk_asks_nobody_outside() -> None:
    page = TOOL["talk"](made_up(markdown("[a paper](https://example.org/a.pdf)", "slide")), "A title")
    assert re.findall('https?:[^"]*', page) == ["https://example.org/a.pdf"]


def test_links_into_notebooks_become_text_and_the_talk_ends_where_the_main_line_does() -> None:
    text = "See [exercise 1](#Cut-it), [05](05_graph_partitioning.ipynb#Cut-it) and\n[that](https://example.org)."
    page = TOOL["talk"](made_up(markdown(f"{text}\n\n## Go further\n\nMore.", "slide")), "A title")
    assert 'See exercise 1, 05 and\n<a href="https://example.org">that</a>.' in page
    assert "Go further" not in page


def test_mathjax_comes_only_with_formulas() -> None:
    plain, formula = made_up(), made_up(markdown("$x^2$"))
    assert "mathjax" not in TOOL["talk"](plain, "").lower()
    assert 'src="mathjax/tex-chtml.js"' in TOOL["talk"](formula, "")


def test_a_slide_type_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"cell 2: no slide type 'slides'; one of -, slide, subslide"):
        TOOL["talk"](made_up(markdown("Text", "slides")), "")


def test_a_lesson_that_is_none_is_told_with_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TOOL["main"](["backprop", str(tmp_path / "made")]) == 1
    assert "no lesson 'backprop'; the nearest is 'backpropagation'" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_package_that_is_missing_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOOL["SCRIPTS"], "reveal", ("no-such-package", "", ("*",)))
    with pytest.raises(ImportError, match=r"no-such-package is not installed.*graph-lessons\[docs\]"):
        TOOL["copy_scripts"]("reveal", tmp_path)


# ---------------------------------------------------------------------------------------- on the screen


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A page of the size of a slide, in a browser that sees this machine's files and nothing else."""
    for package, _, _ in TOOL["SCRIPTS"].values():
        try:
            distribution(package)
        except PackageNotFoundError:
            pytest.skip(f"{package} is not installed: the extra docs brings it")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright.sync_playwright() as driver:
        executable = find_browser(driver)
        if executable is None:
            pytest.skip("neither Chromium nor Chrome is installed")
        with launched(driver, executable) as browser:
            yield browser.new_page(viewport={"width": TOOL["WIDTH"], "height": TOOL["HEIGHT"]})


@pytest.fixture
def opened(page: Any, tmp_path: Path) -> Iterator[Any]:
    """Open a notebook's talk; at the end nothing was asked of the outside, and nothing went wrong."""
    problems: list[str] = []
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:200]}"))
    page.on("pageerror", lambda error: problems.append(str(error)))

    def open_talk(lesson: course.Lesson) -> Any:
        page.goto(TOOL["build"](lesson, tmp_path / "talk").as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        return page

    yield open_talk
    assert problems == []


@pytest.mark.browser
@pytest.mark.full
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_every_slide_fits_on_the_screen(opened: Any, lesson: course.Lesson) -> None:
    page = opened(lesson)
    told = [TOOL["slide_type"](cell) for cell in nbformat.read(lesson.path, as_version=4).cells]
    assert page.evaluate("Reveal.getTotalSlides()") == sum(kind in ("slide", "subslide") for kind in told)
    too_long = []
    for at in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(f"Reveal.slide(...Object.values(Reveal.getIndices(Reveal.getSlides()[{at}])))")
        if not page.evaluate(MEASURE):
            too_long.append(page.evaluate("Reveal.getCurrentSlide().innerText")[:200])
    assert too_long == []


@pytest.mark.browser
@pytest.mark.full
def test_formulas_are_typeset_and_a_long_slide_scrolls(opened: Any, tmp_path: Path) -> None:
    notebook = made_up(markdown("$x^2$"), markdown("One line more.\n\n" * 60, "slide"))
    notebook.metadata.lessons = {"id": "small", "requires": []}
    nbformat.write(notebook, tmp_path / "20_small.ipynb")
    page = opened(course.read_lesson(tmp_path / "20_small.ipynb"))
    page.wait_for_selector("mjx-container")
    page.evaluate("Reveal.slide(1)")
    assert not page.evaluate(MEASURE)
    page.evaluate("Reveal.getCurrentSlide().scrollTop = 1e6")
    assert page.evaluate("Reveal.getCurrentSlide().scrollTop") > 100
