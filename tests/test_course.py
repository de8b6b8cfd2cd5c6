"""The map, copies for a reader, cards."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lessons import course
from lessons.course import MANIFEST, Lesson, copy_notebooks, write_card
from lessons.errors import CycleError, DataMissing, FormatError, UnknownLabel
from lessons.topological_sort import topological_sort


def put(folder: Path, name: str, *requires: str, cells: tuple[str, ...] = ("# Title",), **told: Any) -> Path:
    """A notebook of a lesson, as nbformat writes it."""
    metadata = {"lessons": {"id": name[3:], "requires": list(requires), **told}}
    markdown = [nbformat.v4.new_markdown_cell(text) for text in cells]
    path = folder / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=markdown, metadata=metadata), path)
    return path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the notebooks of the test: nothing is planned."""
    monkeypatch.setattr(course, "PLANNED", ())


# ---------------------------------------------------------------------------------------- the real map


def test_planned_lessons_have_no_notebook() -> None:
    written = {path.name for path in course.notebooks().glob("*.ipynb")}
    both = [lesson.id for lesson in course.PLANNED if f"{lesson.number:02d}_{lesson.id}.ipynb" in written]
    assert not both, f"{both} have their notebooks: take them out of PLANNED"


def test_the_course_is_in_order() -> None:
    lessons = course.lessons()
    place = {lesson.id: i for i, lesson in enumerate(lessons)}
    numbers = [lesson.number for lesson in lessons]
    assert numbers == list(range(len(lessons))), "from 0, none left out"
    assert all(place[required] < place[lesson.id] for lesson in lessons for required in lesson.requires)
    assert course.graph().nodes == tuple(topological_sort(course.graph()))


def test_the_order_is_that_of_our_own_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(course, "topological_sort", lambda graph: asked.append(graph) or topological_sort(graph))
    order = [lesson.id for lesson in course.lessons()]
    assert [topological_sort(graph) for graph in asked] == [order]


def test_every_lesson_after_the_first_has_what_it_requires_on_the_map() -> None:
    edges = {(required, lesson.id) for lesson in course.lessons() for required in lesson.requires}
    assert set(course.graph().edges()) == edges
    assert ("graph_partitioning", "communities") in edges
    assert not any(lesson.requires for lesson in course.lessons() if lesson.number <= 1)


def test_tracks_go_forward_and_leave_nothing_out() -> None:
    tracks = course.tracks()
    assert list(tracks) == ["inside a network", "signals", "cut and embed"]
    assert all(a.number < b.number for track in tracks.values() for a, b in pairwise(track))
    on_a_track = {lesson.id for track in tracks.values() for lesson in track}
    ids = {lesson.id for lesson in course.lessons()}
    assert ids - on_a_track == {"start_here"}, "add the number to a track in lessons/course.py"


# ---------------------------------------------------------------------------------------- maps made up


def test_a_notebook_is_the_only_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Lesson(13, "neural_capacitance", "Watch it learn", ("relational_graphs",))
    monkeypatch.setattr(course, "PLANNED", (planned,))
    cells = ("A picture first.", "# Order things  \n\nand more", "# Another heading")
    path = put(tmp_path, "02_topological_sort", cells=cells, minutes=[20, 25], budget_mb=300)
    put(tmp_path, "03_backpropagation", "topological_sort")
    put(tmp_path, "04_laplacian_regularization", "backpropagation")
    put(tmp_path, "05_graph_partitioning", "topological_sort", "laplacian_regularization")
    put(tmp_path, "06_centrality_and_flow", "topological_sort", "backpropagation")
    put(tmp_path, "07_graph_signals", "laplacian_regularization")
    put(tmp_path, "11_relational_graphs", "backpropagation", "centrality_and_flow")
    (tmp_path / "Untitled.ipynb").write_text("not a lesson's name, so never read")
    lesson = course.find("topological_sort", tmp_path)
    assert lesson == Lesson(2, "topological_sort", "Order things", (), path, (20, 25), 300)
    assert course.find("neural_capacitance", tmp_path) == planned


@pytest.mark.usefixtures("alone")
def test_the_number_breaks_ties(tmp_path: Path) -> None:
    """A queue that is first in, first out would take 04 before 03: 04 is ready earlier."""
    for name, *requires in [("00_a",), ("01_b",), ("02_c", "b"), ("03_d", "c"), ("04_e", "a")]:
        put(tmp_path, name, *requires)
    assert [lesson.id for lesson in course.lessons(tmp_path)] == ["a", "b", "c", "d", "e"]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ([("01_first", "frist")], "first requires 'frist', which is no lesson; the nearest is 'first'"),
        ([("01_a", "b"), ("02_b",)], "a has number 1, but requires b, which has 2"),
        ([("01_a",), ("01_b",)], "a and b both have the number 1"),
        ([("01_a",), ("02_a",)], "'a' is there twice"),
    ],
)
def test_wrong_maps(tmp_path: Path, names: list[tuple[str, ...]], problem: str) -> None:
    for name, *requires in names:
        put(tmp_path, name, *requires)
    with pytest.raises(ValueError, match=problem):
        course.lessons(tmp_path)


@pytest.mark.usefixtures("alone")
def test_lessons_that_require_each_other(tmp_path: Path) -> None:
    put(tmp_path, "01_a", "b")
    put(tmp_path, "02_b", "a")
    with pytest.raises(CycleError, match="'a' -> 'b' -> 'a'"):
        course.lessons(tmp_path)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (None, '"id" must be "a"'),
        ({"id": "b", "requires": []}, '"id" must be "a".*"b"'),
        ({"id": "a"}, '"requires" must be a list'),
        ({"id": "a", "requires": "b"}, '"requires" must be a list'),
        ({"id": "a", "requires": [], "minutes": [20]}, '"minutes" must be two whole numbers'),
        ({"id": "a", "requires": [], "budget_mb": "500"}, '"budget_mb" must be a whole number'),
    ],
)
def test_wrong_metadata(tmp_path: Path, told: object, problem: str) -> None:
    path = put(tmp_path, "01_a")
    content = json.loads(path.read_text())
    content["metadata"]["lessons"] = told
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"01_a.ipynb: {problem}"):
        course.read_lesson(path)


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is named like"):
        course.read_lesson(tmp_path / "topological_sort.ipynb")
    with pytest.raises(ValueError, match=r"01_a\.ipynb: no heading"):
        course.read_lesson(put(tmp_path, "01_a", cells=("## Too deep",)))
    (tmp_path / "01_a.ipynb").write_text('{"cells": [],\n oops')
    with pytest.raises(FormatError, match="line 2: no notebook"):
        course.read_lesson(tmp_path / "01_a.ipynb")
    (tmp_path / "01_a.ipynb").write_text("[]")
    with pytest.raises(FormatError, match="no cells"):
        course.read_lesson(tmp_path / "01_a.ipynb")


@pytest.mark.parametrize("name", ["6", "06", "centrality_and_flow", "06_centrality_and_flow.ipynb"])
def test_find(name: str) -> None:
    assert course.find(name).number == 6


def test_find_names_the_nearest() -> None:
    with pytest.raises(UnknownLabel) as caught:
        course.find("topologicl_sort")
    assert caught.value.nearest == "topological_sort"


def test_carried_notebooks_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "_PACKAGE", tmp_path / "lessons")
    with pytest.raises(DataMissing, match="pip install"):
        course.notebooks()
    (tmp_path / "notebooks").mkdir()
    assert course.notebooks() == tmp_path / "notebooks"
    (tmp_path / "lessons/_notebooks").mkdir(parents=True)
    assert course.notebooks() == tmp_path / "lessons/_notebooks"


# ---------------------------------------------------------------------------------------- copies for a reader


class Reader:
    """A reader's folder, and the notebooks that our package carries, one of which changes with versions."""

    def __init__(self, folder: Path) -> None:
        self.ours, self.mine = folder / "ours", folder / "new" / "mine"
        self.ours.mkdir()
        self.carry("version 1")
        (self.ours / "01_b.ipynb").write_text("always the same")
        (self.ours / "notes.txt").write_text("not a notebook")

    def carry(self, version: str) -> None:
        (self.ours / "00_a.ipynb").write_text(version)

    def copy(self) -> tuple[str, str | None]:
        """What became of 00_a; 01_b is there whatever happens."""
        first, second = copy_notebooks(self.mine, self.ours)
        assert (first.path.name, second.path) == ("00_a.ipynb", self.mine / "01_b.ipynb")
        assert second.path.read_text() == "always the same"
        return first.action, first.beside.name if first.beside else None

    def __getitem__(self, name: str) -> str:
        return (self.mine / name).read_text()

    def __setitem__(self, name: str, text: str) -> None:
        self.mine.mkdir(parents=True, exist_ok=True)
        (self.mine / name).write_text(text)

    def stamps(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in self.mine.iterdir()}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_copies_and_a_second_call_changes_nothing(reader: Reader) -> None:
    assert reader.copy() == ("copied", None)
    assert reader["00_a.ipynb"] == "version 1"
    before = reader.stamps()
    assert set(before) == {"00_a.ipynb", "01_b.ipynb", MANIFEST}
    assert reader.copy() == ("same", None)
    assert reader.stamps() == before


def test_an_untouched_old_copy_is_updated(reader: Reader) -> None:
    reader.copy()
    reader.carry("version 2")
    assert reader.copy() == ("updated", None)
    assert reader["00_a.ipynb"] == "version 2"
    reader.carry("version 3")
    assert reader.copy() == ("updated", None)


def test_a_changed_copy_is_kept(reader: Reader) -> None:
    reader.copy()
    reader["00_a.ipynb"] = "mine"
    assert reader.copy() == ("kept", None)  # there is nothing newer to offer
    reader.carry("version 2")
    assert reader.copy() == ("kept", "00_a.new.ipynb")
    assert (reader["00_a.ipynb"], reader["00_a.new.ipynb"]) == ("mine", "version 2")
    before = reader.stamps()
    assert reader.copy() == ("kept", None)
    assert reader.stamps() == before


def test_the_copy_beside_is_the_readers_too(reader: Reader) -> None:
    reader.copy()
    reader["00_a.ipynb"] = "mine"
    reader.carry("version 2")
    reader.copy()
    reader.carry("version 3")
    assert reader.copy() == ("kept", "00_a.new.ipynb")
    assert reader["00_a.new.ipynb"] == "version 3"
    reader["00_a.new.ipynb"] = "mine as well"
    reader.carry("version 4")
    assert reader.copy() == ("kept", "00_a.new.new.ipynb")
    texts = [reader[f"00_a{new}.ipynb"] for new in ("", ".new", ".new.new")]
    assert texts == ["mine", "mine as well", "version 4"]


def test_an_unknown_file_is_kept(reader: Reader) -> None:
    reader["00_a.ipynb"] = "here before us"
    assert reader.copy() == ("kept", "00_a.new.ipynb")
    assert (reader["00_a.ipynb"], reader["00_a.new.ipynb"]) == ("here before us", "version 1")


def test_a_deleted_file_comes_back(reader: Reader) -> None:
    reader.copy()
    (reader.mine / "00_a.ipynb").unlink()
    assert reader.copy() == ("copied", None)
    assert reader["00_a.ipynb"] == "version 1"


@pytest.mark.parametrize("damage", ["", "{", "[]", "3", '{"00_a.ipynb": 5}', "\x80"])
def test_a_damaged_manifest_never_costs_a_file(reader: Reader, damage: str) -> None:
    reader.copy()
    (reader.mine / MANIFEST).write_bytes(damage.encode("latin-1"))
    reader.carry("version 2")
    assert reader.copy() == ("kept", "00_a.new.ipynb")  # it may be the reader's: nobody knows any more
    assert reader["00_a.ipynb"] == "version 1"
    assert reader.copy() == ("kept", None)


def test_a_lost_manifest_knows_an_equal_file_again(reader: Reader) -> None:
    reader.copy()
    (reader.mine / MANIFEST).unlink()
    assert reader.copy() == ("same", None)
    reader.carry("version 2")
    assert reader.copy() == ("updated", None)


def test_what_an_older_course_put_there_stays_known(reader: Reader) -> None:
    reader.copy()
    (reader.ours / "00_a.ipynb").rename(reader.ours / "00_z.ipynb")
    copy_notebooks(reader.mine, reader.ours)
    assert set(json.loads(reader[MANIFEST])) == {"00_a.ipynb", "00_z.ipynb", "01_b.ipynb"}


# ---------------------------------------------------------------------------------------- cards

CARD = """Ünïcode – | no table |

| Card | |
| --- | --- |
| You need | 01 |
| Runs in | to be measured |
| Module | `m` |

| Runs in | a second table |"""


@pytest.mark.parametrize(
    ("took", "row"),
    [
        ((5.6, 181.0, 2, "2026-11"), "about 6 s, 190 MB (2 cores, 2026-11)"),
        ((0.2, 190.0, 1, "2027-01"), "about 1 s, 190 MB (1 core, 2027-01)"),
    ],
)
def test_write_card_changes_one_row(tmp_path: Path, took: tuple[float, float, int, str], row: str) -> None:
    path = put(tmp_path, "01_a", cells=("# Title", CARD, "| Runs in | another table |"))
    before = path.read_text("utf-8")
    write_card(path, *took)
    assert path.read_text("utf-8") == before.replace("to be measured", row)
    write_card(path, *took)
    assert path.read_text("utf-8") == before.replace("to be measured", row)


def test_write_card_keeps_a_source_of_one_string(tmp_path: Path) -> None:
    path = put(tmp_path, "01_a")
    content = {"cells": [{"cell_type": "markdown", "source": CARD}]}
    path.write_text(json.dumps(content))
    write_card(path, 3.0, 100.0, 2, "2026-11")
    assert json.loads(path.read_text())["cells"][0]["source"].count("about 3 s, 100 MB") == 1


@pytest.mark.parametrize("cells", [("# No table",), ("| a | b |", CARD)])
def test_write_card_without_a_card(tmp_path: Path, cells: tuple[str, ...]) -> None:
    path = put(tmp_path, "01_a", cells=cells)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"01_a.ipynb: its first table has no row \| Runs in"):
        write_card(path, 3.0, 100.0, 2, "2026-11")
    assert path.read_bytes() == before
