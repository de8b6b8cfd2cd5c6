"""What Binder builds from: pins that are ours, none that its base image has already, scripts that start."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"
SCRIPTS = ["binder/postBuild", "binder/start", ".ci/run"]


def pins(path: Path) -> set[str]:
    return {line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}


def names(lines: set[str] | list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def with_what_they_need(packages: set[str]) -> set[str]:
    """These packages and, from what is installed here, all they depend on."""
    found: set[str] = set()
    todo = set(packages)
    while todo:
        found.add(name := todo.pop())
        todo |= needs(name) - found
    return found


def needs(name: str) -> set[str]:
    try:
        lines = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:  # of another system or Python
        return set()
    return {
        canonicalize_name(line.name) for line in lines if not line.marker or line.marker.evaluate({"extra": ""})
    }


def test_every_pin_is_one_of_the_course_s_own_and_none_an_address() -> None:
    ours = pins(BINDER / "constraints.txt")
    assert ours <= pins(ROOT / "constraints.txt")
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line) for line in ours)


def test_nothing_is_pinned_that_comes_with_jupyter_in_the_base_image() -> None:
    jupyter = with_what_they_need({"jupyterlab", "ipywidgets", "ipykernel"})
    assert {"jupyter-server", "traitlets", "tornado", "widgetsnbextension"} <= jupyter
    assert names(pins(BINDER / "constraints.txt")) & jupyter == set()


def test_every_other_dependency_of_the_notebooks_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    direct = names(project["dependencies"] + project["optional-dependencies"]["course"])
    jupyter = with_what_they_need({"jupyterlab", "ipywidgets", "ipykernel"})
    assert with_what_they_need(direct) - jupyter <= names(pins(BINDER / "constraints.txt"))


def test_the_course_is_installed_without_a_server_of_its_own() -> None:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["-c constraints.txt", "-e .[course]"]
    course = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert not names(course["course"]) & {"jupyterlab", "notebook", "jupyter-server"}


def test_the_python_is_one_that_the_course_is_tested_with() -> None:
    version = re.fullmatch(r"python-(3\.\d+)\n", (BINDER / "runtime.txt").read_text(encoding="utf-8"))
    assert version is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Programming Language :: Python :: {version[1]}" in project["classifiers"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_have_an_interpreter_and_unix_line_ends(script: str) -> None:
    path = ROOT / script
    if not path.exists() and script == ".ci/run":
        pytest.skip("not in the source distribution")
    content = path.read_bytes()
    assert content.startswith(b"#!/bin/bash\n")
    assert b"\r" not in content


@pytest.mark.parametrize("script", SCRIPTS)
def test_git_keeps_scripts_executable(script: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    told = subprocess.run(
        ["git", "ls-files", "--stage", "--", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert told.stdout.startswith("100755 ")


def test_start_hands_over_to_what_it_is_given_with_one_thread_and_the_compiler_of_post_build() -> None:
    start, post_build = [(BINDER / name).read_text(encoding="utf-8") for name in ("start", "postBuild")]
    assert start.endswith('\nexec "$@"\n')
    assert all(f"{library}_NUM_THREADS=1" in start for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"))
    compiler = "\nexport NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=\n"
    assert compiler in start
    assert compiler in post_build
