"""The teacher's pages: what is generated is up to date, and what is written names only what is in its lesson."""

from __future__ import annotations

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lessons import course
from lessons.course import Lesson
from lessons.exercises import exercises_of, topics

ROOT = Path(__file__).resolve().parents[1]
TOOL = runpy.run_path(str(ROOT / "tools" / "teaching.py"))
LESSONS = course.lessons()
README = TOOL["PAGES"] / "README.md"
EXERCISE = re.compile(r"`([a-z0-9_]+-\d+)`")
NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\d|(?<![\w.,])\d")


@pytest.fixture(params=LESSONS, ids=lambda lesson: lesson.id)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return request.param


@pytest.fixture
def written(lesson: Lesson) -> dict[str, str]:
    """The parts that are written by hand: {heading: text}, each text in one line a paragraph."""
    text = TOOL["page_of"](lesson).read_text(encoding="utf-8").split("<!-- /generated -->\n")[1]
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def items(text: str, mark: str) -> list[str]:
    """The items of a list, each in one line."""
    return [" ".join(item.split()) for item in re.split(rf"^{mark} ", text, flags=re.MULTILINE)[1:]]


@cache
def sections_of(lesson: Lesson) -> dict[str, Any]:
    return {section.title: section for section in TOOL["sections"](lesson.path)}


def bold(text: str) -> list[str]:
    return [" ".join(name.split()) for name in re.findall(r"\*\*(.+?)\*\*", text, re.DOTALL)]


def told_by(lesson: Lesson) -> str:
    """All that a lesson says: the sources of its notebook, its outputs in words, and wrong answers to it."""
    assert lesson.path is not None
    cells = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    texts = [cell["source"] for cell in cells]
    texts += [output.get("text", output.get("data", {}).get("text/plain", "")) for output in outputs]
    wrong = [answer for exercise in exercises_of(lesson.id) for answer in exercise.wrong if not callable(answer)]
    return "\n".join(["".join(text) for text in texts] + [repr(answer) for answer in wrong])


# ---------------------------------------------------------------------------------------- the pages


def test_each_lesson_has_its_page_and_no_page_is_left_over() -> None:
    pages = {path.name for path in TOOL["PAGES"].glob("*.md")}
    assert pages == {"README.md", *(TOOL["page_of"](lesson).name for lesson in LESSONS)}


def test_the_generated_part_is_what_the_tool_writes(lesson: Lesson) -> None:
    page = TOOL["page_of"](lesson).read_text(encoding="utf-8")
    assert TOOL["with_generated"](page, lesson) == page, "run python tools/teaching.py"


def test_the_minutes_to_read_are_those_of_the_card(lesson: Lesson) -> None:
    assert lesson.path is not None
    assert lesson.minutes is not None
    found = TOOL["sections"](lesson.path)
    minutes = TOOL["minutes_to_read"](found, lesson.minutes[0])
    assert sum(minutes[: len(TOOL["main_line"](found))]) == lesson.minutes[0]
    assert min(minutes) >= 0


def test_each_exercise_stands_in_one_section(lesson: Lesson) -> None:
    placed = [id for section in TOOL["sections"](lesson.path) for id in section.exercises]
    assert sorted(placed) == sorted(exercise.id for exercise in exercises_of(lesson.id))


def test_the_written_parts_are_all_there(written: dict[str, str]) -> None:
    assert tuple(written) == TOOL["WRITTEN"]
    misconceptions, questions, short, projected = written.values()
    assert 3 <= len(items(misconceptions, "-")) <= 5
    assert len(items(questions, r"\d+\.")) == questions.count("*Answer:*") == 3
    assert [re.findall(r"^\*(\d+) minutes:\*", item) for item in items(short, "-")] == [["45"], ["90"]]
    assert len(items(projected, r"\d+\.")) == 3


def test_what_is_named_in_bold_is_a_section(lesson: Lesson, written: dict[str, str]) -> None:
    named = [name for text in written.values() for name in bold(text)]
    assert [name for name in named if name not in sections_of(lesson)] == []


def test_each_misconception_is_met_somewhere(lesson: Lesson, written: dict[str, str]) -> None:
    met = [item for item in items(written["Misconceptions to expect"], "-") if EXERCISE.search(item)]
    assert len(met) >= 3, "exercises meet most of them"
    for item in items(written["Misconceptions to expect"], "-"):
        assert EXERCISE.search(item) or bold(item), item


def test_exercises_that_are_named_exist(lesson: Lesson, written: dict[str, str]) -> None:
    named = EXERCISE.findall("".join(written.values()))
    assert set(named) <= {exercise.id for exercise in exercises_of(lesson.id)}


def test_what_is_projected_is_a_figure_of_the_section_that_it_is_said_to_be_in(
    lesson: Lesson, written: dict[str, str]
) -> None:
    titles = sections_of(lesson)
    for item in items(written["What to project"], r"\d+\."):
        place = re.match(r"\*\*(.+?)\*\*, (the slider of )?`(\w+)`", item)
        assert place, f"**Section**, `figure` or the slider of `figure`: {item}"
        shown = [figure for figure in titles[place[1]].figures if figure.name == place[3]]
        assert shown, f"{place[3]} is not drawn in {place[1]}"
        assert not place[2] or any(figure.pictures == 0 for figure in shown), f"{place[3]} has no slider"


def test_numbers_that_are_written_are_in_the_lesson(lesson: Lesson, written: dict[str, str]) -> None:
    text = " ".join("\n".join(written.values()).split())
    text = re.sub(r"`[a-z0-9_]+-\d+`|\*\d+ minutes:\*|[Ll]essons? \d\d( and \d\d)*|\b0\d\b", "", text)
    text = re.sub(r"(?:^| )\d\.(?= \*\*| [A-Z\"])", " ", text)
    known = {number.removesuffix(".0") for number in NUMBER.findall(told_by(lesson))}
    told = {number.removesuffix(".0") for number in NUMBER.findall(text)}
    assert told - known == set()


# ---------------------------------------------------------------------------------------- how to run a course


def weeks(heading: str) -> list[tuple[list[int], list[str]]]:
    """The rows of the plan under a heading: numbers of lessons, ids of exercises."""
    text = README.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \d+ \| ([\d ]+?) \| (.+) \|$", text, re.MULTILINE)
    return [([int(number) for number in numbers.split()], EXERCISE.findall(asked)) for numbers, asked in rows]


@pytest.mark.parametrize(
    ("heading", "number", "left_out"), [("Six weeks", 6, {9, 10}), ("Thirteen weeks", 13, set())]
)
def test_a_plan_follows_what_lessons_require(heading: str, number: int, left_out: set[int]) -> None:
    by_number = {lesson.number: lesson for lesson in LESSONS}
    plan = weeks(heading)
    taken: list[str] = []
    for numbers, asked in plan:
        for lesson in (by_number[each] for each in numbers):
            assert set(lesson.requires) <= set(taken), f"{lesson.id} comes before what it requires"
            taken.append(lesson.id)
        here = {exercise.id for each in numbers for exercise in exercises_of(by_number[each].id)}
        assert asked
        assert set(asked) <= here
    assert len(plan) == number
    assert set(taken) == {lesson.id for lesson in LESSONS if lesson.number not in left_out}


def test_the_readme_states_the_rule_that_the_tool_follows() -> None:
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert f"{TOOL['WORDS_A_MINUTE']} words of prose, or {TOOL['LINES_A_MINUTE']} lines of code" in text


def test_links_lead_somewhere() -> None:
    for page in TOOL["PAGES"].glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
            if "://" not in target:
                there = page if not target else page.parent / target
                assert there.is_file(), f"{page.name}: {target}"
                assert not anchor or _has_heading(there, anchor), f"{page.name}: {target}#{anchor}"


def _has_heading(path: Path, anchor: str) -> bool:
    """In a notebook a link holds the heading itself, in Markdown its words in small letters."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        return anchor in {title.replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return anchor in {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}


def test_exercises_in_the_readme_exist() -> None:
    every = {exercise.id for topic in topics() for exercise in exercises_of(topic)}
    assert set(EXERCISE.findall(README.read_text(encoding="utf-8"))) <= every


# ---------------------------------------------------------------------------------------- the tool


def notebook(folder: Path, *cells: dict[str, Any]) -> Path:
    path = folder / "05_small.ipynb"
    path.write_text(json.dumps({"cells": list(cells)}), encoding="utf-8")
    return path


def prose(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": text.splitlines(keepends=True)}


def code(text: str, pictures: int = 0) -> dict[str, Any]:
    html = {"data": {"text/html": "<img src=''>" * pictures}}
    return {"cell_type": "code", "source": text.splitlines(keepends=True), "outputs": [html]}


def test_a_section_counts_what_stands_below_its_heading(tmp_path: Path) -> None:
    path = notebook(
        tmp_path,
        code("%pip install this"),
        prose("# Title"),
        prose("## One\n\n**Predict:** what?"),
        code('check("small-1", ...)\ncheck("small-1", 3)'),
        prose("### Part"),
        code("panel(lambda k: show.draw_k(k), k=settings)", pictures=3),
        code("explore(partial(show.draw_n, 3), n=(1, 4))\nfigure(*show.draw_a(1))", pictures=1),
        prose("## References\n\nA. Author, a book."),
    )
    title, one, part = TOOL["sections"](path)
    assert (title.title, title.cells, one.title, one.cells, one.predictions) == ("Title", 0, "One", 1, 1)
    assert one.exercises == ["small-1"]
    assert (part.level, part.cells, [str(figure) for figure in part.figures]) == (
        3,
        2,
        ["`draw_k` × 3", "`draw_n` slider", "`draw_a`"],
    )


def test_a_figure_without_a_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="drawn by a named function"):
        TOOL["sections"](notebook(tmp_path, prose("# Title"), code("figure(pictures[0])")))


def test_a_notebook_whose_main_line_does_not_end_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no section"):
        TOOL["main_line"](TOOL["sections"](notebook(tmp_path, prose("# Title\n\n## One"))))


@pytest.mark.parametrize("page", ["# Title\n", "<!-- /generated -->\n<!-- generated by tools/teaching.py -->\n"])
def test_a_page_without_its_comments_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match=r"00_start_here\.md needs one line"):
        TOOL["with_generated"](page, course.find("start_here"))


def test_a_missing_page_is_begun_and_a_written_one_keeps_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOOL["main"].__globals__, "PAGES", tmp_path)
    first = course.find("start_here")
    TOOL["main"]([first])
    page = tmp_path / "00_start_here.md"
    begun = page.read_text(encoding="utf-8")
    assert begun.startswith(TOOL["generated"](first))
    assert re.findall(r"^## (.+)$", begun, re.MULTILINE) == list(TOOL["WRITTEN"])
    page.write_text(begun.replace("# 00", "# 99") + "Ours.\n", encoding="utf-8")
    TOOL["main"]([first])
    assert page.read_text(encoding="utf-8") == begun + "Ours.\n"


def test_a_lesson_without_minutes_has_no_page() -> None:
    with pytest.raises(ValueError, match="small: a page needs its notebook"):
        TOOL["generated"](Lesson(14, "small", "Small"))
