"""Pages of the site but for the reference: home, map, lessons, gallery, exercises, how to cite.

They are made from what the repository says anyway: README.md, the notebooks with their saved outputs, the map in
lessons.course, CITATION.cff. Only the choice of pictures stands beside them, in docs/gallery.toml.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import textwrap
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from links import FIRST, PLACEHOLDER, links

from lessons import course
from lessons.course import Lesson
from lessons.show import INK, PALETTE

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery.toml"
PICTURE = re.compile(
    r'<img alt="(?P<alt>[^"]*)" style="(?P<style>[^"]*)" src="data:image/png;base64,(?P<data>[^"]*)">'
)
LINK = re.compile(r"\]\((?P<page>\d\d_\w+\.ipynb)?(?:#(?P<heading>[^)\s]+))?\)")
EXERCISE = re.compile(r"^\*\*(?:Exercise|Self-check) (\d+)\b", re.MULTILINE)
SLIDERS = re.compile(r"Controls to move, where this notebook runs: (.*)")
THUMBNAIL = 480  # pixels wide


@dataclass
class Picture:
    """A figure of a lesson: its number on the page, from 1, its alt text and its PNG file."""

    number: int
    alt: str
    png: bytes


@dataclass
class Page:
    """A lesson on the site: the notebook as it goes there, and the pictures taken out of it."""

    lesson: Lesson
    notebook: dict[str, Any]
    pictures: list[Picture] = field(default_factory=list)
    sliders: int = 0  # outputs that were sliders

    @property
    def name(self) -> str:
        """The name of the page, as of the notebook's file."""
        return f"{self.lesson.number:02d}_{self.lesson.id}"


# ---------------------------------------------------------------------------------------- a lesson


def lesson_page(lesson: Lesson, launch: str = "") -> Page:
    """A lesson's notebook, made ready for the site; `launch` is Markdown that is put below its title."""
    assert lesson.path is not None
    notebook = json.loads(lesson.path.read_text(encoding="utf-8"))
    page = Page(lesson, notebook)
    notebook["metadata"]["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook["cells"] = [cell for cell in notebook["cells"] if "colab" not in cell["metadata"].get("tags", [])]
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = with_targets(with_links(text), lesson.id)
        elif cell["cell_type"] == "code":
            cell["source"] = text.removeprefix("# NBVAL_IGNORE_OUTPUT\n")
            cell["outputs"] = [_output(output, page) for output in cell["outputs"]]
    if launch:
        title, _, rest = notebook["cells"][0]["source"].partition("\n")
        notebook["cells"][0]["source"] = f"{title}\n\n{launch}\n{rest}"
    return page


def launch_links(lesson: Lesson, repository: str, version: str) -> str:
    """Where a lesson is opened, and its notebook downloaded, as a line of Markdown.

    While `repository` is the placeholder, it can only be downloaded.
    """
    name = f"{lesson.number:02d}_{lesson.id}.ipynb"
    told = [f'<a class="launch" href="{name}" download>Download the notebook</a>']
    if repository != PLACEHOLDER:
        to = links(repository, version)
        for label, where in (("Open on Binder", "binder"), ("Open in Colab", "colab")):
            address = to[where].replace(FIRST, f"notebooks/{name}")
            told.append(f'<a class="launch" href="{html.escape(address)}">{label}</a>')
    return " ".join(told)


def with_links(text: str, folder: str = "", page: str = "") -> str:
    """Markdown whose links to headings, as JupyterLab names them, are as the site names them.

    For text that is shown elsewhere, `folder` leads to the notebooks, and `page` is the one that it comes from.

    >>> with_links("[so](#What-a-cut-costs), [there](00_start_here.ipynb#One-notation,-always)")
    '[so](#what-a-cut-costs), [there](00_start_here.ipynb#one-notation-always)'
    """

    def on_the_site(found: re.Match[str]) -> str:
        to = found["page"] or page
        heading = f"#{slug(unquote(found['heading']))}" if found["heading"] else ""
        return f"]({folder if to else ''}{to}{heading})"

    return LINK.sub(on_the_site, text)


def slug(heading: str) -> str:
    """The name of a heading in links, as GitHub and MyST have it; hyphens may stand for spaces.

    >>> slug("How many parts, and how even?")
    'how-many-parts-and-how-even'
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def with_targets(text: str, topic: str) -> str:
    """Markdown with a target before each exercise, so that other pages can link to it."""
    return EXERCISE.sub(lambda found: f"({topic}-{found[1]})=\n{found[0]}", text)


def _output(output: dict[str, Any], page: Page) -> dict[str, Any]:
    """An output with its pictures in files of their own, and words where sliders cannot be."""
    data = output.get("data", {})
    sliders = SLIDERS.fullmatch("".join(data.get("text/plain", "")))
    if sliders:
        data["text/html"] = _slider_note(sliders[1], first=not page.sliders)
        page.sliders += 1
    elif "text/html" in data:
        data["text/html"] = PICTURE.sub(lambda found: _picture(found, page), "".join(data["text/html"]))
    return output


def _slider_note(names: str, first: bool) -> str:
    """What stands in the place of sliders, each by its name; why, only the first time."""
    note = f"In JupyterLab there are controls here: <em>{html.escape(names)}</em>."
    if first:
        note += " You miss no fact: the pictures above show the same at several settings."
        note += " To move them yourself, open the notebook."
    return f'<p class="slider-note">{note}</p>'


def _picture(found: re.Match[str], page: Page) -> str:
    """The tag of a picture that goes to a file; its id is what the gallery links to."""
    png = base64.b64decode(found["data"])
    picture = Picture(len(page.pictures) + 1, html.unescape(found["alt"]), png)
    page.pictures.append(picture)
    wide, high = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))  # as the PNG's header has them
    return (
        f'<img id="figure-{picture.number}" alt="{found["alt"]}" style="{found["style"]};height:auto" '
        f'width="{wide}" height="{high}" loading="lazy" src="../_static/figures/{_file(page, picture)}">'
    )


def _file(page: Page, picture: Picture) -> str:
    return f"{page.name}-{picture.number}.png"


def write_lesson(page: Page, source: Path) -> None:
    """Put a lesson and its pictures into Sphinx's source folder."""
    pictures = source / "_static" / "figures"
    pictures.mkdir(parents=True, exist_ok=True)
    for picture in page.pictures:
        (pictures / _file(page, picture)).write_bytes(picture.png)
    (source / "notebooks").mkdir(exist_ok=True)
    (source / "notebooks" / f"{page.name}.ipynb").write_text(json.dumps(page.notebook), encoding="utf-8")


# ---------------------------------------------------------------------------------------- home, from README.md


def sections(markdown: str) -> dict[str, str]:
    """A Markdown page by its second headings, {heading: text}; "" is what stands before the first.

    >>> sections("# T\\nlead\\n## A\\none\\n```\\n## no heading\\n```")
    {'': '# T\\nlead', 'A': 'one\\n```\\n## no heading\\n```'}
    """
    found, at, fenced = {"": ""}, "", False
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            at = line[3:].strip()
            found[at] = ""
        else:
            found[at] += line + "\n"
    return {heading: text.strip("\n") for heading, text in found.items()}


def section(markdown: str, heading: str) -> str:
    """One section of README.md.

    Raises ValueError where it has no such section: the site shows it.
    """
    told = sections(markdown)
    if heading not in told:
        raise ValueError(f'README.md has no section "{heading}", which the site shows; it has {list(told)[1:]}')
    return told[heading]


def home(readme: str, made: list[Page]) -> str:
    """The first page: README's title, lead and set-up, and where to go from here."""
    lead = re.sub(r"<!-- badges -->.*?<!-- /badges -->", "", section(readme, ""), flags=re.DOTALL)
    lead = lead.replace("docs/digits.png", "_static/digits.png")
    rows = "\n".join(f"   {page.lesson.number:02d} {page.lesson.title} <notebooks/{page.name}>" for page in made)
    return (
        f"{lead}\n\n"
        "Read it here with all its outputs: begin with [00](notebooks/00_start_here.ipynb), choose a way on the\n"
        "[map](map.md), look through the [gallery](gallery.md), try the [exercises](exercises.md). Sliders and\n"
        "exercises want a running notebook, on your machine by the first of these commands.\n\n"
        f"## Two commands\n\n{section(readme, 'Two commands')}\n\n"
        f"## What was not run\n\n{section(readme, 'What was not run')}\n\n"
        f"```{{toctree}}\n:hidden:\n:caption: The course\n\n   The map <map>\n{rows}\n```\n\n"
        "```{toctree}\n:hidden:\n:caption: Beside it\n\nGallery <gallery>\nExercises <exercises>\n"
        "In your own code <own_code>\nReference <reference/index>\nHow to cite <cite>\n```\n"
    )


def own_code(readme: str) -> str:
    """README's tour of the library."""
    return f"# In your own code\n\n{section(readme, 'In your own code')}\n"


# ---------------------------------------------------------------------------------------- the map


BOX, GAP = (176, 92), (12, 48)  # pixels of a box, and between boxes


def map_page(made: list[Page]) -> str:
    """The map of the course as a drawing whose boxes are links, the tracks, and what each lesson requires."""
    lessons = [page.lesson for page in made]
    text = (
        "# The map\n\nEach lesson stands below those that it requires; an arrow that follows from others is left\n"
    )
    text += "out. Lesson 00 tells what all others take for granted.\n\n"
    text += draw_map(lessons) + "\n\n## Three tracks\n\n"
    text += "Each is to be taken with what its lessons require.\n\n"
    for name, track in course.tracks().items():
        text += f"**{name.capitalize()}**: " + " · ".join(_link(lesson) for lesson in track) + "\n\n"
    text += "## Lesson by lesson\n\n| lesson | requires | minutes |\n|---|---|---|\n"
    by_id = {lesson.id: lesson for lesson in lessons}
    for lesson in lessons:
        needs = ", ".join(f"{by_id[id].number:02d}" for id in lesson.requires) or "nothing"
        read, do = lesson.minutes or ("?", "?")
        text += f"| {_link(lesson)} | {needs} | {read} to read, {do} to do |\n"
    return text


def _link(lesson: Lesson) -> str:
    return f"[{lesson.number:02d} {lesson.title}](notebooks/{lesson.number:02d}_{lesson.id}.ipynb)"


def draw_map(lessons: list[Lesson]) -> str:
    """The map as SVG: a box for each lesson, linked to its page, arrows down from what it requires."""
    import networkx

    whole = networkx.DiGraph()
    whole.add_nodes_from(lesson.id for lesson in lessons)
    whole.add_edges_from((needed, lesson.id) for lesson in lessons for needed in lesson.requires)
    arrows = sorted(networkx.transitive_reduction(whole).edges())
    at = _places(lessons, arrows)
    wide = max(x for x, _ in at.values()) + BOX[0] + 2
    high = max(y for _, y in at.values()) + BOX[1] + 2
    drawn = "".join(_arrow(at[first], at[second]) for first, second in arrows)
    drawn += "".join(_box(lesson, *at[lesson.id]) for lesson in lessons)
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    return (
        '<div class="course-map" role="group" aria-label="The map of the course, a link a lesson" tabindex="0">'
        f'<svg viewBox="-2 -2 {wide + 4:.0f} {high + 4:.0f}" width="{wide:.0f}" role="presentation">'
        f'<defs>{tip}<path d="M0 0 8 4 0 8z"/></marker></defs>{drawn}</svg></div>'
    )


def _places(lessons: list[Lesson], arrows: list[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Row: the longest chain of requirements before a lesson. Across: near those that it requires."""
    row: dict[str, int] = {}
    for lesson in lessons:  # in course order, so that what it requires has its row already
        row[lesson.id] = 1 + max((row[needed] for needed in lesson.requires), default=-1)
    rows = [[lesson.id for lesson in lessons if row[lesson.id] == r] for r in range(max(row.values()) + 1)]
    most = max(map(len, rows))
    at: dict[str, tuple[float, float]] = {}
    for r, here in enumerate(rows):
        above = {id: [at[first][0] for first, second in arrows if second == id] for id in here}
        here.sort(key=lambda id: sum(above[id]) / len(above[id]) if above[id] else 0)  # ties keep course order
        for place, id in enumerate(here):
            at[id] = ((place + (most - len(here)) / 2) * (BOX[0] + GAP[0]), r * (BOX[1] + GAP[1]))
    return at


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Down from one box to another; where rows lie between, straight down until the last gap."""
    x, y = start[0] + BOX[0] / 2, start[1] + BOX[1]
    u, v = end[0] + BOX[0] / 2, end[1] - 2
    turn = v + 2 - GAP[1]
    curve = f"C{x:.0f} {turn + 32:.0f} {u:.0f} {v - 32:.0f} {u:.0f} {v:.0f}"
    return f'<path class="arrow" d="M{x:.0f} {y:.0f}V{turn:.0f}{curve}"/>'


def _box(lesson: Lesson, x: float, y: float) -> str:
    lines = [f"{lesson.number:02d}", *textwrap.wrap(lesson.title, 18)]
    top = y + BOX[1] / 2 + 6 - 10 * (len(lines) - 1)
    words = "".join(
        f'<tspan x="{x + BOX[0] / 2:.0f}" y="{top + 20 * at:.0f}">{html.escape(line)} </tspan>'
        for at, line in enumerate(lines)
    )
    box = f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="6"/>'
    return f'<a href="notebooks/{lesson.number:02d}_{lesson.id}.html">{box}<text>{words}</text></a>'


# ---------------------------------------------------------------------------------------- the gallery


def chosen(page: Page, words: str) -> Picture:
    """The picture of a lesson whose alt text has these words, the first if there are several.

    Raises ValueError where there is none.
    """
    for picture in page.pictures:
        if words in picture.alt:
            return picture
    raise ValueError(f'{GALLERY.name}: no figure of {page.name} has "{words}" in its alt text; choose another')


def gallery(made: list[Page], source: Path) -> str:
    """The gallery: a telling figure of each lesson, with its alt text, that leads to its place."""
    words = tomllib.loads(GALLERY.read_text(encoding="utf-8"))
    folder = source / "_static" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    tiles = []
    for page in made:
        picture = chosen(page, words.get(page.lesson.id, ""))
        (folder / f"{page.name}.png").write_bytes(_thumbnail(picture.png))
        tiles.append(_tile(page, picture))
    lead = "A figure of each lesson. It leads to the place where the notebook draws it.\n\n"
    return f'# Gallery\n\n{lead}<ul class="gallery">\n{"".join(tiles)}</ul>\n'


def _tile(page: Page, picture: Picture) -> str:
    alt, title = html.escape(picture.alt), html.escape(page.lesson.title)
    return (
        f'<li><a href="notebooks/{page.name}.html#figure-{picture.number}">'
        f'<img alt="{alt}" loading="lazy" src="_static/gallery/{page.name}.png">'
        f'<span>{page.lesson.number:02d} {title}</span></a><p aria-hidden="true">{alt}</p></li>\n'
    )


def _thumbnail(png: bytes) -> bytes:
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return file.getvalue()


# ---------------------------------------------------------------------------------------- exercises


def exercises_page(made: list[Page]) -> str:
    """The statements of all exercises, with the stubs that `check` waits for; each leads to its place."""
    text = (
        "# Exercises\n\nWhat is asked, lesson by lesson. In the notebook `check` says in words whether an answer\n"
        "is right, on which smallest input it is not, and gives one more hint at each attempt; `solution` tells\n"
        "the answer and why.\n"
    )
    for page in made:
        text += f"\n## {page.lesson.number:02d} {page.lesson.title}\n"
        text += "".join(f"\n{_statement(page, id)}\n" for id in _asked(page))
    return text


def _asked(page: Page) -> list[str]:
    """The ids of a lesson's exercises, in the order of its notebook."""
    code = "\n".join(cell["source"] for cell in page.notebook["cells"] if cell["cell_type"] == "code")
    return list(dict.fromkeys(re.findall(r'check\("([a-z0-9_]+-\d+)"', code)))


def _statement(page: Page, id: str) -> str:
    """An exercise's statement and stub, as its notebook has them.

    Raises ValueError where the statement or the stub is not found.
    """
    cells = [(cell["cell_type"], cell["source"]) for cell in page.notebook["cells"]]
    start = f"({id})=\n"
    asked = next((at for at, (kind, text) in enumerate(cells) if kind == "markdown" and start in text), len(cells))
    stubs = [text for kind, text in cells[asked:] if kind == "code" and f'check("{id}"' in text]
    if not stubs:
        number = id.rpartition("-")[2]
        raise ValueError(f'{page.name}: no text "**Exercise {number}" before a cell with check("{id}", ...)')
    said = cells[asked][1].partition(start)[2]
    said = re.split(r"^(?:#|\(\w+-\d+\)=)", said, maxsplit=1, flags=re.MULTILINE)[0].strip()
    said = with_links(said, "notebooks/", f"{page.name}.ipynb")
    return f"{said}\n\n```python\n{stubs[0].strip()}\n```\n\n[{id.replace('_', ' ')} in its lesson](#{id})\n"


# ---------------------------------------------------------------------------------------- how to cite


def cite(readme: str, citation: str) -> str:
    """How to cite: README's words, the reference as text and as BibTeX, from CITATION.cff."""
    import yaml

    told = yaml.safe_load(citation)
    authors = ", ".join(author["name"] for author in told["authors"])
    year = str(told["date-released"])[:4]
    bibtex = "\n".join(
        [
            "@software{graph_lessons,",
            f"  title   = {{{{{told['title']}}}}},",
            f"  author  = {{{{{authors}}}}},",
            f"  version = {{{told['version']}}},",
            f"  year    = {{{year}}},",
            "}",
        ]
    )
    return (
        f"# How to cite\n\n{section(readme, 'Cite')}\n\n"
        f"> {authors} ({year}). *{told['title']}*, version {told['version']}.\n\n```bibtex\n{bibtex}\n```\n\n"
        f"CITATION.cff itself:\n\n```yaml\n{citation.strip()}\n```\n"
    )


# ---------------------------------------------------------------------------------------- colours


def colours() -> str:
    """The course's palette as CSS, for docs/site.css."""
    told = "".join(f"--lessons-{at}: {colour}; " for at, colour in enumerate(PALETTE))
    return f":root {{ {told}--lessons-ink: {INK}; }}\n"
