"""The wheel, built here, unpacked elsewhere and used from a third folder, is the whole course."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_SHIPPED = {"__pycache__", ".ipynb_checkpoints"}
HEAVY = ["scipy", "networkx", "numba", "matplotlib", "pooch", "tqdm", "pandas", "sklearn", "onnx", "ipywidgets"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel, built without the network, was unpacked into."""
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:  # as pip would, but pip need not be in a reader's environment
        archive.extractall(folder / "installed")
    return folder / "installed"


def run(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_target(target: Path, code: str) -> Any:
    """What a program that sees the wheel and its dependencies, but not the checkout, prints as JSON.

    -S leaves out the files by which an editable install adds the checkout, -P the folder it is started in.
    """
    path = os.pathsep.join([str(target), sysconfig.get_path("platlib"), sysconfig.get_path("purelib")])
    return json.loads(run("-S", "-P", "-c", code, cwd=target.parent, env=os.environ | {"PYTHONPATH": path}))


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and not NOT_SHIPPED & set(path.parts)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_every_file_of_the_library_and_every_notebook_is_in_the_wheel(target: Path) -> None:
    installed = files(target / "lessons")
    notebooks = {name: installed.pop(name) for name in list(installed) if name.startswith("_notebooks/")}
    assert installed == files(ROOT / "lessons")
    assert notebooks == {f"_notebooks/{name}": content for name, content in files(ROOT / "notebooks").items()}
    assert "_notebooks/00_start_here.ipynb" in notebooks


def test_the_package_and_what_it_carries_come_from_the_wheel(target: Path) -> None:
    code = """if True:
        import importlib.resources, json, lessons
        root = importlib.resources.files("lessons")
        carried = sorted(path.name for path in root.joinpath("_notebooks").iterdir())
        print(json.dumps([lessons.__file__, root.joinpath("data").is_dir(), carried]))
    """
    file, data, carried = in_target(target, code)
    assert Path(file) == target / "lessons" / "__init__.py"
    assert data
    assert "00_start_here.ipynb" in carried


def test_importing_lessons_brings_nothing_heavier_than_numpy(target: Path) -> None:
    loaded = in_target(target, "import json, sys, lessons; print(json.dumps(sorted(sys.modules)))")
    assert "numpy" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_the_command_starts_and_knows_the_notebooks_it_carries(target: Path) -> None:
    code = """if True:
        import contextlib, io, json
        from importlib.metadata import distribution
        (command,) = distribution("graph-lessons").entry_points.select(group="console_scripts", name="lessons")
        main, said = command.load(), io.StringIO()
        with contextlib.redirect_stdout(said):
            status = main(["list"])
        print(json.dumps([main.__module__, main.__code__.co_filename, status or 0, said.getvalue()]))
    """
    module, file, status, said = in_target(target, code)
    assert (module, Path(file)) == ("lessons.cli", target / "lessons" / "cli.py")
    assert status == 0
    assert "start_here" in said
