"""The site: what its pages are made of; and the whole of it, built, read from its files and in a browser."""

from __future__ import annotations

import functools
import importlib
import json
import pkgutil
import re
import runpy
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from browser import audit, find_browser, launched
from test_floors import BESIDE

import lessons
from lessons import course

ROOT = Path(__file__).resolve().parents[1]
SITE = runpy.run_path(str(ROOT / "tools" / "site.py"))
pages, reference = SITE["pages"], SITE["reference"]
MADE_UP = "ada/graphs"


@pytest.fixture(scope="module")
def made() -> list[Any]:
    return [pages.lesson_page(lesson) for lesson in course.lessons()]


def notebook_page(tmp_path: Path, *cells: dict[str, Any]) -> Any:
    """A page of a made-up notebook."""
    path = tmp_path / "02_topological_sort.ipynb"
    told = {"lessons": {"id": "topological_sort", "requires": []}}
    title = {"cell_type": "markdown", "metadata": {}, "source": ["# Put it in order\n", "\n", "Why?"]}
    path.write_text(json.dumps({"cells": [title, *cells], "metadata": told}), encoding="utf-8")
    return pages.lesson_page(course.read_lesson(path), "launch here")


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [source], "outputs": list(outputs)}


def shown(text: str, html: str | None = None) -> dict[str, Any]:
    data = {"text/plain": [text]} | ({} if html is None else {"text/html": [html]})
    return {"output_type": "display_data", "data": data, "metadata": {}}


# ---------------------------------------------------------------------------------------- lessons


@pytest.mark.parametrize(
    ("written", "on_the_site"),
    [
        ("[a](#What-a-cut-costs)", "[a](#what-a-cut-costs)"),
        ("[a](#How-many-parts,-and-how-even?)", "[a](#how-many-parts-and-how-even)"),
        ("[a](#Erd%C5%91s-and-R%C3%A9nyi)", "[a](#erdős-and-rényi)"),
        ("[a](05_graph_partitioning.ipynb#Move-one)", "[a](05_graph_partitioning.ipynb#move-one)"),
        ("[a](05_graph_partitioning.ipynb)", "[a](05_graph_partitioning.ipynb)"),
        ("[a](https://example.org/#Top) `x[i](#k)`", "[a](https://example.org/#Top) `x[i](#k)`"),
    ],
)
def test_links_between_headings_follow_the_names_of_the_site(written: str, on_the_site: str) -> None:
    assert pages.with_links(written) == on_the_site
    assert pages.with_links(on_the_site) == on_the_site


def test_links_of_a_text_that_is_shown_elsewhere_lead_back_to_its_notebook() -> None:
    text = "[a](#Move-one) [b](00_start_here.ipynb) [c](https://example.org)"
    moved = pages.with_links(text, "notebooks/", "05_graph_partitioning.ipynb")
    assert moved.split() == [
        "[a](notebooks/05_graph_partitioning.ipynb#move-one)",
        "[b](notebooks/00_start_here.ipynb)",
        "[c](https://example.org)",
    ]


def test_a_lesson_loses_what_only_a_running_notebook_needs(tmp_path: Path) -> None:
    slider = shown("Controls to move, where this notebook runs: angle, n < 3")
    page = notebook_page(
        tmp_path,
        code("%pip install course", tags=("colab",)),
        code("# NBVAL_IGNORE_OUTPUT\nexplore(draw)", slider),
        code("# NBVAL_IGNORE_OUTPUT\nexplore(draw)", slider),
    )
    title, first, second = page.notebook["cells"]
    assert title["source"] == "# Put it in order\n\nlaunch here\n\nWhy?"
    assert first["source"] == second["source"] == "explore(draw)"
    notes = [cell["outputs"][0]["data"]["text/html"] for cell in (first, second)]
    assert all("<em>angle, n &lt; 3</em>" in note for note in notes)
    assert ["You miss no fact" in note for note in notes] == [True, False]


def test_pictures_go_to_files_and_keep_their_alt_text(made: list[Any]) -> None:
    for page in made:
        stored = page.lesson.path.read_text(encoding="utf-8").count("data:image/png;base64,")
        assert len(page.pictures) == stored > 0
        text = json.dumps(page.notebook)
        assert "base64" not in text
        assert all(picture.png.startswith(b"\x89PNG") and picture.alt for picture in page.pictures)
        ids = re.findall(r'<img id=\\"(figure-\d+)\\" alt=\\"[^"]+\\"', text)
        assert ids == [f"figure-{k}" for k in range(1, stored + 1)]


def test_a_lesson_is_launched_at_its_own_notebook_once_there_is_a_repository() -> None:
    lesson = course.find("graph_partitioning")
    told = pages.launch_links(lesson, MADE_UP, "1.2")
    assert (
        "https://mybinder.org/v2/gh/ada/graphs/v1.2?urlpath=lab/tree/notebooks/05_graph_partitioning.ipynb" in told
    )
    assert "https://colab.research.google.com/github/ada/graphs/blob/v1.2/notebooks/05_graph_partitioning" in told
    placeholder = pages.launch_links(lesson, "OWNER/REPOSITORY", "1.2")
    assert re.findall('href="(.*?)"', placeholder) == ["05_graph_partitioning.ipynb"]


# ---------------------------------------------------------------------------------------- the other pages


def test_the_home_page_has_readmes_words_and_fails_where_they_are_gone(made: list[Any]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    home = pages.home(readme, made)
    assert pages.section(readme, "Two commands") in home
    assert "badges" not in home
    with pytest.raises(ValueError, match='no section "Two commands"'):
        pages.home(readme.replace("## Two commands", "## Commands"), made)


def test_the_map_has_a_box_for_each_lesson_and_none_lies_on_another() -> None:
    known = course.lessons()
    drawn = pages.draw_map(known)
    assert re.findall(r'href="notebooks/(\d\d)_(\w+)\.html"', drawn) == [
        (f"{one.number:02d}", one.id) for one in known
    ]
    boxes = [(int(x), int(y)) for x, y in re.findall(r'<rect x="(\d+)" y="(\d+)"', drawn)]
    wide, high = pages.BOX
    apart = [abs(x - u) >= wide or abs(y - v) >= high for x, y in boxes for u, v in boxes if (x, y) != (u, v)]
    assert all(apart)
    assert len(set(boxes)) == len(known)


def test_the_map_tells_tracks_requirements_and_titles_and_leaves_out_arrows_that_follow() -> None:
    known = course.lessons()
    text = pages.map_page([pages.Page(lesson, {}) for lesson in known])
    behind: dict[str, set[str]] = {}
    for lesson in known:
        behind[lesson.id] = set(lesson.requires).union(*(behind[needed] for needed in lesson.requires))
    implied = [set().union(*(behind[needed] for needed in lesson.requires)) for lesson in known]
    arrows = sum(len(set(lesson.requires) - follows) for lesson, follows in zip(known, implied, strict=True))
    assert text.count('class="arrow"') == arrows < sum(len(lesson.requires) for lesson in known)
    assert [name for name in course.tracks() if f"**{name.capitalize()}**" not in text] == []
    assert [lesson.title for lesson in known if f"[{lesson.number:02d} {lesson.title}](" not in text] == []


def test_the_gallery_has_a_figure_of_each_lesson(made: list[Any], tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow makes the thumbnails")
    text = pages.gallery(made, tmp_path)
    assert text.count("<li>") == text.count("<img alt=") == len(made)
    for page in made:
        number = int(re.search(rf"{page.name}\.html#figure-(\d+)", text)[1])
        assert 1 <= number <= len(page.pictures)
        assert (tmp_path / "_static" / "gallery" / f"{page.name}.png").stat().st_size < 100_000


def test_a_figure_of_the_gallery_that_is_gone_is_named(made: list[Any]) -> None:
    with pytest.raises(ValueError, match=r'gallery.toml: no figure of 00_start_here has "unicorn"'):
        pages.chosen(made[0], "unicorn")


def test_the_exercises_are_all_there_and_no_solution_is(made: list[Any]) -> None:
    text = pages.exercises_page(made)
    for page in made:
        ids = re.findall(r'check\(\\"(\w+-\d+)\\"', page.lesson.path.read_text(encoding="utf-8"))
        assert set(ids) <= set(re.findall(r'check\("(\w+-\d+)"', text))
        assert set(ids) == set(re.findall(rf"\(#({page.lesson.id}-\d+)\)", text))
    assert "solution(" not in text


def test_a_stub_without_its_statement_is_named(tmp_path: Path) -> None:
    page = notebook_page(tmp_path, code('check("topological_sort-1", ...)'))
    with pytest.raises(ValueError, match=r'02_topological_sort: no text "\*\*Exercise 1" before'):
        pages.exercises_page([page])


def test_how_to_cite_says_what_the_citation_file_says() -> None:
    pytest.importorskip("yaml", reason="PyYAML comes with MyST-NB")
    text = pages.cite("# T\n## Cite\nWords.\n", (ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "Words." in text
    assert "title   = {{graph-lessons: the graphs inside neural networks, and neural networks on graphs}}" in text


# ---------------------------------------------------------------------------------------- the reference


@pytest.fixture(scope="module")
def sections() -> dict[str, list[Any]]:
    return reference.pages()


def test_each_module_is_on_one_page() -> None:
    assert reference.TOPIC_OF == BESIDE
    known = {lesson.id for lesson in course.lessons()} | set(BESIDE) | {*reference.SHARED, *reference.KERNELS}
    modules = {module.name for module in pkgutil.iter_modules(lessons.__path__) if module.name[0] != "_"}
    assert modules - known == set(), "say in tools/site_reference.py on which page they are"
    assert known - modules == {"start_here"}


def test_each_public_function_of_each_module_is_in_the_reference_once(sections: dict[str, list[Any]]) -> None:
    told = Counter(value for parts in sections.values() for part in parts for value in part.members.values())
    assert {value: count for value, count in told.items() if count > 1} == {}
    public: set[Any] = set()
    for part in (part for parts in sections.values() for part in parts):
        public |= set(reference.public(importlib.import_module(part.module)).values())
    assert public == set(told)


def test_a_name_of_the_reference_is_where_it_can_be_imported_from(sections: dict[str, list[Any]]) -> None:
    for value, name in reference.names(sections).items():
        module, _, own = name.rpartition(".")
        assert getattr(importlib.import_module(module), own) is value


def test_formulas_belong_to_functions_and_each_lesson_has_some(sections: dict[str, list[Any]]) -> None:
    known = reference.formulas()
    names = set(reference.names(sections).values())
    assert set(known) - names == set(), "docs/formulas.toml names what the reference does not have"
    for page, parts in sections.items():
        here = {f"{part.module}.{name}" for part in parts for name in part.members}
        assert page == "shared" or here & set(known)


@pytest.mark.parametrize(
    ("plain", "lines"),
    [
        ("|x| * 2, d_i and `n`", [r"\|x\| \* 2, d\_i and ``n``"]),
        ("Some:\n- one\n  more\n- two\nrest", ["Some:", "", "- one", "  more", "- two", "", "rest"]),
        ("A `Path`s b", [r"A ``Path``\ s b"]),
        ("So:\n\n    a = b_c", ["So:", "", ".. code-block:: python", "   :force:", "", "   a = b_c"]),
        (">>> a_b\n1", [">>> a_b", "1"]),
        ("Raises ValueError", ["**Raises** ValueError"]),
        ("Notebook: 02_topological_sort.", ["**Notebook:** :doc:`/notebooks/02_topological_sort`."]),
        ("DOI 10.1038/x_1.", [r"DOI `10.1038/x\_1 <https://doi.org/10.1038/x_1>`__."]),
        ("arXiv:2007.06559, 2", ["`arXiv:2007.06559 <https://arxiv.org/abs/2007.06559>`__, 2"]),
    ],
)
def test_a_plain_docstring_becomes_markup_that_says_the_same(plain: str, lines: list[str]) -> None:
    assert reference.as_rst(plain, "lessons.graph") == lines


def test_names_in_docstrings_lead_to_where_they_are_documented(sections: dict[str, list[Any]]) -> None:
    known = reference.names(sections)
    (line,) = reference.as_rst("See `edge_cut`, `Graph.edges`, `partition` and `nothing`.", "lessons.cuts", known)
    assert line == (
        "See :py:obj:`edge_cut <lessons.graph_partitioning.edge_cut>`, "
        ":py:obj:`Graph.edges <lessons.graph.Graph.edges>`, "
        ":py:obj:`partition <lessons.graph_partitioning.partition>` and ``nothing``."
    )


# ---------------------------------------------------------------------------------------- all of it, as files


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of a made-up repository. It takes half a minute."""
    for package in ("sphinx", "myst_nb", "sphinx_book_theme"):
        pytest.importorskip(package, reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, ROOT / "tools" / "site.py", folder, "--repository", MADE_UP]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (run.returncode, run.stdout.strip()) == (0, str(folder / "index.html")), run.stderr
    return folder


class Links(HTMLParser):
    """The ids of a page, what it loads, where it leads, and images without alt text."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.silent = 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids |= {told[name] or "" for name in ("id", "name") if name in told}
        if tag in ("img", "script", "iframe", "source") and told.get("src"):
            self.loads.append(told["src"] or "")
        if tag == "link" and told.get("rel") not in ("canonical", "search", "index", "next", "prev"):
            self.loads.append(told.get("href") or "")
        if tag == "a" and told.get("href"):
            self.leads.append(told["href"] or "")
        self.silent += tag == "img" and not (told.get("alt") or "").strip()


@pytest.mark.full
def test_no_link_and_no_image_of_the_site_is_broken(site: Path) -> None:
    read = {page: Links(page) for page in sorted(site.rglob("*.html"))}
    assert len(read) > 35
    broken = []
    for page, links in read.items():
        for to in [*links.loads, *links.leads]:
            url = urlsplit(to)
            if url.scheme or url.netloc:
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            known = read[target].ids if target in read else {""}
            if not target.exists() or unquote(url.fragment) not in known | {"", "main-content", "search-input"}:
                broken.append(f"{page.relative_to(site)}: {to}")
    assert broken == []


@pytest.mark.full
def test_pages_load_nothing_from_elsewhere_and_every_image_has_alt_text(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        links = Links(page)
        assert [to for to in links.loads if urlsplit(to).netloc or to.startswith("data:")] == []
        assert links.silent == 0, page
        assert '<html lang="en"' in page.read_text(encoding="utf-8")


@pytest.mark.full
def test_a_built_lesson_has_its_launch_links_and_its_notebook(site: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    colab = f"https://colab.research.google.com/github/ada/graphs/blob/v{project['version']}/notebooks"
    for lesson in course.lessons():
        name = f"{lesson.number:02d}_{lesson.id}"
        links = Links(site / "notebooks" / f"{name}.html")
        assert f"{colab}/{name}.ipynb" in links.leads
        assert (site / "notebooks" / f"{name}.ipynb").read_bytes() == lesson.path.read_bytes()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="name another folder"):
        SITE["build"](tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.full
def test_a_warning_is_an_error(tmp_path: Path) -> None:
    for package in ("sphinx", "myst_nb", "sphinx_book_theme"):
        pytest.importorskip(package, reason="the extra docs is not installed")
    (tmp_path / "source" / "_static").mkdir(parents=True)
    (tmp_path / "source" / "_static" / "site.css").touch()
    (tmp_path / "source" / "index.md").write_text("# Home\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"Sphinx warns:\n.*nowhere.md"):
        SITE["_run_sphinx"](tmp_path / "source", tmp_path / "html", SITE["settings"]("1.2"))


# ---------------------------------------------------------------------------------------- all of it, in a browser


class Reader:
    """Opens pages of the site from this machine alone, and collects what goes wrong on them."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.address = browser, address
        self.problems: list[str] = []

    def open(self, name: str, width: int = 1280, theme: str = "light") -> Any:
        page = self.browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        page.route("**/*", self._gate)
        page.on("console", lambda told: self._note(name, told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(name, str(error)))
        page.on("response", lambda got: self._note(name, f"{got.status} {got.url}") if got.status >= 400 else None)
        page.goto(self.address + name)
        page.wait_for_function("async () => { await window.MathJax?.startup.promise; return true; }")
        return page

    def _gate(self, route: Any) -> None:
        if route.request.url.startswith((self.address, "data:")):
            route.continue_()
        else:
            self._note("outside", route.request.url)
            route.abort()

    def _note(self, name: str, problem: str) -> None:
        self.problems.append(f"{name}: {problem}")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *told: Any) -> None:
        pass


@pytest.fixture(scope="module")
def reader(site: Path) -> Iterator[Reader]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with playwright.sync_playwright() as driver:
            executable = find_browser(driver)
            if executable is None:
                pytest.skip("neither Chromium nor Chrome is installed")
            with launched(driver, executable) as browser:
                yield Reader(browser, f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()


def every_page() -> list[str]:
    names = [f"{lesson.number:02d}_{lesson.id}" for lesson in course.lessons()]
    beside = ["index", "map", "gallery", "exercises", "own_code", "cite", "genindex", "reference/index"]
    return [
        *(f"{name}.html" for name in beside),
        *(f"notebooks/{name}.html" for name in names),
        *(f"reference/{name}.html" for name in [*names[1:], "shared"]),
    ]


@pytest.mark.full
@pytest.mark.browser
def test_every_page_opens_without_an_error_fits_a_phone_and_asks_nobody(reader: Reader) -> None:
    wide = []
    for name in every_page():
        page = reader.open(name, width=390, theme="dark")
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        missing = page.evaluate(
            "[...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
        )
        if over > 0 or missing:
            wide.append(f"{name}: {over} pixels too wide, not shown: {missing}")
        page.close()
    assert wide == []
    assert reader.problems == []


@pytest.mark.full
@pytest.mark.browser
def test_mathematics_of_the_reference_is_typeset_and_fits(reader: Reader) -> None:
    count = 0
    for name in (name for name in every_page() if name.startswith("reference/")):
        page = reader.open(name)
        written, set_, wrong = (
            page.locator(what).count() for what in ("div.math", "div.math mjx-container", "mjx-merror")
        )
        wide = page.evaluate(
            "[...document.querySelectorAll('div.math mjx-container')]"
            ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.closest('dl').innerText)"
        )
        assert (set_, wrong, wide) == (written, 0, []), name
        count += set_
        page.close()
    assert count == len(reference.formulas())
    assert reader.problems == []


@pytest.mark.full
@pytest.mark.browser
def test_a_reader_finds_her_way(reader: Reader) -> None:
    page = reader.open("gallery.html")
    page.click("ul.gallery li:nth-child(6) a")
    assert "notebooks/05_graph_partitioning.html#figure-" in page.url
    page.goto(reader.address + "map.html")
    page.click(".course-map a >> text=Hear it")
    assert page.url.endswith("notebooks/07_graph_signals.html")
    page.goto(reader.address + "search.html?q=modularity")
    page.wait_for_selector("#search-results li a[href*='08_communities']")
    page.goto(reader.address + "exercises.html")
    page.click("text=graph partitioning-2 in its lesson")
    assert page.url.endswith("notebooks/05_graph_partitioning.html#graph-partitioning-2")
    page.close()
    assert reader.problems == []


HEARD = (
    "notebooks/00_start_here.html",
    "notebooks/05_graph_partitioning.html",
    "reference/05_graph_partitioning.html",
)


@pytest.mark.full
@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(reader: Reader, theme: str) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    problems = []
    for name in ["index.html", "map.html", "gallery.html", "exercises.html", *HEARD]:
        page = reader.open(name, theme=theme)
        problems += [f"{name}: {problem}" for problem in audit(page, ["body"])]
        page.close()
    assert problems == []
