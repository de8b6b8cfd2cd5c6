"""README.md against what it tells of: its commands, its map, its files."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from lessons import course

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_two_commands_each_set_up_all_they_need():
    lab, test = re.findall(r"```bash\n(.+)\n```", README)
    for command, extra in ((lab, "lab"), (test, "test")):
        assert command.startswith(
            f'python3 -m venv .venv && .venv/bin/python -m pip install -q -c constraints.txt -e ".[{extra}]" && '
        )
        assert extra in PROJECT["optional-dependencies"]
    assert lab.endswith("&& .venv/bin/lessons lab")
    assert test.endswith("&& .venv/bin/python -m pytest")


def test_the_map_is_the_map():
    rows = re.findall(r"^\| (\d\d) \| (\S+) \| (.+?) \| (.*?) ?\|$", README, re.MULTILINE)
    number = {lesson.id: lesson.number for lesson in course.lessons()}
    expected = [
        (
            f"{lesson.number:02d}",
            lesson.id if lesson.path else f"*{lesson.id}*",
            lesson.title,
            " ".join(f"{number[required]:02d}" for required in lesson.requires),
        )
        for lesson in course.lessons()
    ]
    assert rows == expected


def test_the_tracks_are_the_tracks():
    for name, track in course.tracks().items():
        assert f"*{name}* {' '.join(f'{lesson.number:02d}' for lesson in track)}" in README


def test_its_files_are_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file()


@pytest.mark.parametrize("name", ["constraints.txt", "binder/constraints.txt", "pyproject.toml"])
def test_pins_carry_names_and_versions_only(name):
    assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_every_dependency_is_pinned():
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    wanted = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    names = {re.match(r"[A-Za-z0-9_.-]+", want)[0].lower() for want in wanted}
    assert names - {"graph-lessons"} <= pinned
