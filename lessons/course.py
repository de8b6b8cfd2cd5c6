"""The map of the course: its lessons, what each requires, and their order by our own Kahn sort.

    for lesson in lessons():
        print(lesson.number, lesson.title, lesson.requires)
    graph(), tracks()                  # the map as a Graph; three ways through it
    copy_notebooks(Path("my-course"))  # never over a notebook that its reader has changed

What a notebook says about itself is the only source. Its metadata hold
`"lessons": {"id": "...", "requires": ["...", ...], "minutes": [20, 25], "budget_mb": 500}`: the id is the
name of the file without its number, minutes are to read and to do; the title is its first heading.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from lessons._files import replacing
from lessons.errors import DataMissing, FormatError, UnknownLabel
from lessons.graph import Graph, as_graph
from lessons.topological_sort import topological_sort

MANIFEST = ".lessons.json"  # beside copied notebooks: the SHA-256 of what was put there
_PACKAGE = Path(__file__).resolve().parent
_NAME = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)\.ipynb")
_RUNS_IN = re.compile(r"^(\|[ *]*Runs in[ *]*\|).*\|[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Lesson:
    """One lesson of the course.

    `requires` holds ids; `path` is the notebook, None while it is to come; `minutes` are those to read and
    those to do, where told; `budget_mb` is the most memory that its kernel may take, in MB (10^6 bytes).
    """

    number: int
    id: str
    title: str
    requires: tuple[str, ...] = ()
    path: Path | None = None
    minutes: tuple[int, int] | None = None
    budget_mb: int = 500


# Lessons without a notebook yet. A row goes when its notebook comes.
PLANNED: tuple[Lesson, ...] = ()

_TRACKS = {
    "inside a network": (1, 2, 3, 6, 11, 12, 13),
    "signals": (4, 7, 8, 10),
    "cut and embed": (5, 6, 9),
}


# ---------------------------------------------------------------------------------------- the map


def lessons(folder: Path | None = None) -> list[Lesson]:
    """All lessons, planned ones too, in the order of the course: each after those that it requires.

    The order is `topological_sort`'s; where several lessons are ready, the smallest number comes first.
    `folder` holds the notebooks, unless told `notebooks()`.

    Raises ValueError for metadata that are not as above, a requirement that is no lesson, a number given
    twice or smaller than that of a required lesson; CycleError for lessons that require each other.

    >>> [lesson.id for lesson in lessons() if lesson.number in (1, 2, 3)]
    ['computational_graphs', 'topological_sort', 'backpropagation']
    """
    folder = notebooks() if folder is None else folder
    written = [read_lesson(path) for path in _files(folder)]
    ids = {lesson.id for lesson in written}
    known = written + [lesson for lesson in PLANNED if lesson.id not in ids]
    return _in_order(sorted(known, key=lambda lesson: lesson.number))


def graph(folder: Path | None = None) -> Graph:
    """The map as a directed `Graph` of ids, in the order of the course: an edge from each lesson to each that
    requires it.

    >>> ("topological_sort", "backpropagation") in graph().edges()
    True
    """
    return _as_map(lessons(folder))


def tracks(folder: Path | None = None) -> dict[str, list[Lesson]]:
    """Three ways through the course: {name of the track: its lessons, in order}.

    >>> {name: [lesson.number for lesson in track] for name, track in tracks().items()}["signals"]
    [4, 7, 8, 10]
    """
    by_number = {lesson.number: lesson for lesson in lessons(folder)}
    return {name: [by_number[number] for number in numbers] for name, numbers in _TRACKS.items()}


def find(name: str, folder: Path | None = None) -> Lesson:
    """The lesson with this id, number or file name.

    Raises UnknownLabel, a KeyError that names the nearest id.

    >>> find("2").id, find("02_topological_sort").number
    ('topological_sort', 2)
    """
    known = lessons(folder)
    plain = name.removesuffix(".ipynb")
    for lesson in known:
        number = f"{lesson.number:02d}"
        if plain in (lesson.id, number, str(lesson.number), f"{number}_{lesson.id}"):
            return lesson
    near = UnknownLabel(int(plain), [lesson.number for lesson in known]).nearest if plain.isdecimal() else None
    raise UnknownLabel(name, [lesson.id for lesson in known], near, what="lesson", advice="`lessons list` has all")


def notebooks() -> Path:
    """The folder of the notebooks: a checkout's own, or what an installed wheel carries.

    Raises DataMissing where there is neither.
    """
    for folder in (_PACKAGE / "_notebooks", _PACKAGE.parent / "notebooks"):
        if folder.is_dir():
            return folder
    raise DataMissing("The folder of the course's notebooks", "pip install --force-reinstall graph-lessons")


def read_lesson(path: Path) -> Lesson:
    """The lesson that a notebook says it is.

    Raises ValueError where it is not named like `02_topological_sort.ipynb`, has no heading, or its metadata
    are not as told above; FormatError where it is no notebook.
    """
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise ValueError(f"{path.name}: a lesson's notebook is named like 02_topological_sort.ipynb")
    content = _read_notebook(path)
    told = content.get("metadata", {}).get("lessons")
    problem = _problem(told, name[2])
    if problem:
        raise ValueError(f'{path.name}: {problem} in its metadata "lessons": {json.dumps(told)}')
    read_do = (told["minutes"][0], told["minutes"][1]) if "minutes" in told else None
    budget = told.get("budget_mb", Lesson.budget_mb)
    return Lesson(int(name[1]), name[2], _title(content, path), tuple(told["requires"]), path, read_do, budget)


def _problem(told: Any, id: str) -> str | None:
    """What is wrong with a notebook's metadata, if anything is."""
    if not isinstance(told, dict) or told.get("id") != id:
        return f'"id" must be "{id}", the name of the file without its number,'
    if not _is_list_of(told.get("requires"), str):
        return '"requires" must be a list of ids'
    if "minutes" in told and not (_is_list_of(told["minutes"], int) and len(told["minutes"]) == 2):
        return '"minutes" must be two whole numbers, to read and to do,'
    if not isinstance(told.get("budget_mb", 0), int):
        return '"budget_mb" must be a whole number'
    return None


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def _files(folder: Path) -> list[Path]:
    """The notebooks of lessons in a folder, by number; other notebooks may lie there too."""
    return sorted(path for path in folder.glob("*.ipynb") if _NAME.fullmatch(path.name))


def _title(content: dict[str, Any], path: Path) -> str:
    """The first heading of the notebook."""
    for cell in _markdown(content):
        heading = re.search(r"^# +(.+?) *$", "".join(cell["source"]), re.MULTILINE)
        if heading:
            return heading[1]
    raise ValueError(f"{path.name}: no heading; its first cell should start with # and the title")


def _in_order(by_number: Sequence[Lesson]) -> list[Lesson]:
    """Sorted along `requires`, the number breaking ties: rows are in the order of the numbers."""
    by_id = {lesson.id: lesson for lesson in by_number}
    order = [by_id[str(label)] for label in topological_sort(_as_map(by_number))]
    for first, second in pairwise(by_number):
        if first.number == second.number:
            raise ValueError(f"{first.id} and {second.id} both have the number {first.number}: give one another")
    for lesson in order:
        for required in (by_id[id] for id in lesson.requires):
            if required.number > lesson.number:
                raise ValueError(
                    f"{lesson.id} has number {lesson.number}, but requires {required.id}, which has "
                    f"{required.number}: give it a larger one"
                )
    return order


def _as_map(known: Sequence[Lesson]) -> Graph:
    ids = [lesson.id for lesson in known]
    for lesson in known:
        for required in lesson.requires:
            if required not in ids:
                nearest = UnknownLabel(required, ids).nearest
                raise ValueError(
                    f"{lesson.id} requires {required!r}, which is no lesson; the nearest is {nearest!r}"
                )
    edges = [(required, lesson.id) for lesson in known for required in lesson.requires]
    return as_graph(edges, nodes=ids, directed=True)


# ---------------------------------------------------------------------------------------- copies for a reader


@dataclass(frozen=True)
class Copied:
    """What became of one notebook of the reader's folder.

    `action` is "copied" (it was not there), "same" (nothing to do), "updated" (it was our old one, untouched)
    or "kept" (the reader has changed it); `beside` is then where our newer version was put, None if none was.
    """

    path: Path
    action: Literal["copied", "same", "updated", "kept"]
    beside: Path | None = None


def copy_notebooks(folder: Path, source: Path | None = None) -> list[Copied]:
    """Put the notebooks into a folder of the reader's, never over a file that the reader has changed.

    A manifest in the folder remembers what was put there. A file that still is what we put there is replaced
    by its new version; any other file of that name is the reader's and stays, and a version that this reader
    was not given before is put beside it as `NAME.new.ipynb`. What the reader deleted is put there again.
    """
    source = notebooks() if source is None else source
    folder.mkdir(parents=True, exist_ok=True)
    before = _read_manifest(folder)
    given = dict(before)
    copied = [_place(folder / path.name, path.read_bytes(), given) for path in _files(source)]
    if given != before:
        with replacing(folder / MANIFEST) as file:
            json.dump(given, file, indent=1, sort_keys=True)
    return copied


def _place(path: Path, content: bytes, given: dict[str, str]) -> Copied:
    """Put one notebook at `path` or beside it; `given` is {file name: SHA-256 of our last version}."""
    new, last = hashlib.sha256(content).hexdigest(), given.get(path.name)
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
    given[path.name] = new
    if found == new:
        return Copied(path, "same")
    if found is None or found == last:
        with replacing(path, "wb") as file:
            file.write(content)
        return Copied(path, "copied" if found is None else "updated")
    if last == new:
        return Copied(path, "kept")
    beside = _place(path.with_suffix(".new.ipynb"), content, given)
    return Copied(path, "kept", beside.beside or beside.path)


def _read_manifest(folder: Path) -> dict[str, str]:
    """What was put into the folder. A damaged manifest knows of nothing, so that nothing is replaced."""
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


# ---------------------------------------------------------------------------------------- cards


def write_card(path: Path, seconds: float, megabytes: float, cores: int, month: str) -> None:
    """Put what a run took on the notebook's card, the first table in it: its row `| Runs in | ... |`.

    Seconds are rounded, MB rounded up to tens; `month` is like 2026-11. Nothing else of the file changes.

    Raises ValueError where the first table has no such row.
    """
    content = _read_notebook(path)
    tables = (cell for cell in _markdown(content) if re.search(r"^\|", "".join(cell["source"]), re.MULTILINE))
    card: dict[str, Any] = next(tables, {"source": ""})
    took = f"about {max(1, round(seconds))} s, {math.ceil(megabytes / 10) * 10} MB"
    where = f"({cores} core{'s' if cores > 1 else ''}, {month})"
    text, found = _RUNS_IN.subn(rf"\1 {took} {where} |", "".join(card["source"]), count=1)
    if not found:
        raise ValueError(f"{path.name}: its first table has no row | Runs in | ... |; add it to the card")
    card["source"] = text if isinstance(card["source"], str) else text.splitlines(keepends=True)
    with replacing(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _markdown(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in content["cells"] if cell["cell_type"] == "markdown"]


def _read_notebook(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise FormatError(path, error.lineno, f"no notebook: {error.msg}") from error
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise FormatError(path, 1, "no notebook: it has no cells")
    return content
