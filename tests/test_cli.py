"""The command, in process and as the reader runs it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from lessons import cli, course
from lessons.sweep import Outcome

CARD = "# Try it\n\n| Card | |\n| --- | --- |\n| Runs in | to be measured |"


def put(folder: Path, name: str, *code: str, budget_mb: int = 500) -> Path:
    """The notebook of a lesson: a card, and code cells."""
    cells = [nbformat.v4.new_markdown_cell(CARD), *map(nbformat.v4.new_code_cell, code)]
    told = {"id": name[3:], "requires": [], "budget_mb": budget_mb}
    path = folder / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"lessons": told}), path)
    return path


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "lessons.cli", *map(str, arguments)]
    surroundings = {**os.environ, **environment}
    return subprocess.run(line, capture_output=True, text=True, timeout=120, env=surroundings)


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Notebooks that an installed wheel carries; the reader is in an empty folder."""
    carried, here = tmp_path / "_notebooks", tmp_path / "here"
    carried.mkdir()
    here.mkdir()
    put(carried, "00_start_here")
    put(carried, "02_topological_sort")
    monkeypatch.setattr(course, "notebooks", lambda: carried)
    monkeypatch.setattr(course, "PLANNED", (course.Lesson(3, "a_lesson_more", "Come later"),))
    monkeypatch.chdir(here)
    return carried


def test_nothing_heavy_is_imported() -> None:
    program = "import sys, lessons.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"scipy", "networkx", "numba", "matplotlib", "tqdm", "pooch", "nbclient", "nbformat", "jupyterlab"}
    assert not heavy & set(done.stdout.split())


# ---------------------------------------------------------------------------------------- list


def test_list() -> None:
    done = command("list")
    assert done.returncode == 0
    rows = done.stdout.splitlines()[1:]
    assert [row.split()[1] for row in rows] == [lesson.id for lesson in course.lessons()]


@pytest.mark.usefixtures("ours")
def test_list_tells_what_is_to_come(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    planned = course.Lesson(1, "first", "First"), course.Lesson(3, "third", "Third", ("first", "topological_sort"))
    monkeypatch.setattr(course, "PLANNED", planned)
    assert cli.main(["list"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.endswith("to come") for row in rows[:4]] == [False, True, False, True]
    assert rows[3].split()[-4:] == ["01", "02", "to", "come"]


# ---------------------------------------------------------------------------------------- lab


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been started."""
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "call", lambda line: commands.append(line) or 0)
    return commands


def test_lab_copies_and_opens(ours: Path, started: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab"]) == 0
    first = Path("graph-lessons/00_start_here.ipynb")
    assert first.read_bytes() == (ours / first.name).read_bytes()
    assert "copied   02_topological_sort.ipynb" in capsys.readouterr().out
    assert started[0][1:4] == ["-m", "jupyterlab", str(first)]


def test_lab_never_replaces_what_the_reader_changed(ours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab", "mine", "--no-open"]) == 0
    put(Path("mine"), "00_start_here", "my_answer = 42")
    put(ours, "00_start_here", "newer = True")
    capsys.readouterr()
    assert cli.main(["lab", "mine", "--no-open"]) == 0
    told = capsys.readouterr().out
    assert "kept     00_start_here.ipynb, which you have changed" in told
    assert "00_start_here.new.ipynb" in told
    assert "02_topological_sort" not in told
    assert f"Open it with: {sys.executable} -m jupyterlab mine" in told
    assert "my_answer" in Path("mine/00_start_here.ipynb").read_text()
    assert "newer" in Path("mine/00_start_here.new.ipynb").read_text()


@pytest.mark.parametrize("arguments", [["lab"], ["lab", "../notebooks"]])
def test_lab_opens_a_checkout_in_place(
    ours: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    checkout = ours.rename(ours.parent / "notebooks")
    monkeypatch.setattr(course, "notebooks", lambda: checkout)
    before = sorted(checkout.iterdir())
    assert cli.main(arguments) == 0
    assert Path(started[0][3]).resolve() == checkout / "00_start_here.ipynb"
    assert sorted(checkout.iterdir()) == before
    assert not list(Path.cwd().iterdir())


@pytest.mark.usefixtures("ours")
def test_lab_begins_at_a_lesson(started: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lab", "02"]) == 0
    assert started[0][3] == str(Path("graph-lessons/02_topological_sort.ipynb"))
    with pytest.raises(SystemExit):
        cli.main(["lab", "99"])
    assert "no lesson '99'" in capsys.readouterr().err
    assert not Path("99").exists()


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"graph-lessons {importlib.metadata.version('graph-lessons')}\n"


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(("user", "as_root"), [(0, True), (1000, False)])
def test_lab_as_root(started: list[list[str]], monkeypatch: pytest.MonkeyPatch, user: int, as_root: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    cli.main(["lab"])
    assert ("--allow-root" in started[0]) is as_root


@pytest.mark.usefixtures("ours", "started")
def test_lab_without_jupyterlab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "jupyterlab", None)  # type: ignore[arg-type]
    assert cli.main(["lab"]) == 1
    assert "pip install 'graph-lessons[lab]'" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console, not to a process")
def test_ctrl_c_is_left_to_the_command_in_front() -> None:
    """The command is not interrupted by being ours (it decides itself), we wait for it, and then listen again."""
    before = signal.getsignal(signal.SIGINT)
    program = "import os, signal, sys; os.kill(os.getppid(), signal.SIGINT)"
    own = "sys.exit(7 if signal.getsignal(signal.SIGINT) is signal.default_int_handler else 1)"
    assert cli._foreground([sys.executable, "-c", f"{program}; {own}"]) == 7
    assert signal.getsignal(signal.SIGINT) is before


# ---------------------------------------------------------------------------------------- run


def test_run_passes_fails_and_writes(tmp_path: Path) -> None:
    good = put(tmp_path, "01_good", "import os", "assert os.listdir() == [], 'an empty folder'")
    bad = put(tmp_path, "02_bad", "1 + 1", "1 / 0", "print('never')")
    before = good.read_text(), bad.read_bytes()
    done = command("run", good, bad, "--write")
    assert done.returncode == 1
    assert [row.split()[-1] for row in done.stdout.splitlines()[1:3]] == ["passed", "FAILED"]
    assert f"{bad}, code cell 2: ZeroDivisionError: division by zero" in done.stdout
    assert "good: 100%" in done.stderr
    assert "| 2/2" in done.stderr
    card = next(line for line in good.read_text().splitlines() if "Runs in" in line)
    assert f"{time.strftime('%Y-%m')}) |" in card
    lines = zip(before[0].splitlines(), good.read_text().splitlines(), strict=True)
    assert [new for old, new in lines if old != new] == [card]
    assert bad.read_bytes() == before[1]


def test_run_weighs_the_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(tmp_path, "01_heavy", "held = b'x' * 300_000_000", "del held", budget_mb=200)
    assert cli.main(["run", str(path)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:2] == ["01", "heavy"]
    assert 300 < float(row[3]) < 450
    assert row[4:] == ["200", "over", "its", "budget"]
    assert "to be measured" in path.read_text()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os, signal; os._exit(1)", "code cell 1: its kernel died"),
        ("import time; time.sleep(60)", "code cell 1: it ran for more than 2 s"),
    ],
)
def test_run_survives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, problem: str) -> None:
    monkeypatch.setattr(cli, "CELL_SECONDS", 2)
    ran = cli.execute(course.read_lesson(put(tmp_path, "01_hard", code)))
    assert ran.error is not None
    assert ran.error.startswith(problem)


def test_run_without_what_it_needs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "nbclient", None)  # type: ignore[arg-type]
    assert cli.main(["run"]) == 1
    assert "pip install 'graph-lessons[lab]'" in capsys.readouterr().err


@pytest.mark.usefixtures("ours")
def test_run_of_a_lesson_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "3"]) == 1
    assert "a_lesson_more is to come" in capsys.readouterr().err


def test_an_unknown_lesson_names_the_nearest() -> None:
    done = command("run", "topologicl_sort")
    assert done.returncode == 2
    assert "no lesson 'topologicl_sort'; the nearest is 'topological_sort'" in done.stderr
    assert "Traceback" not in done.stderr


# ---------------------------------------------------------------------------------------- doctor


def test_doctor_is_ready() -> None:
    done = command("doctor", LESSONS_DATA="", NUMBA_DISABLE_JIT="0")
    assert done.returncode == 0, done.stdout
    *lines, last = done.stdout.splitlines()
    assert last == "ready"
    assert all(line.startswith("ok") for line in lines)
    numpy = next(line for line in lines if " numpy " in line)
    assert numpy.split()[-1] == importlib.metadata.version("numpy")
    assert "numba compiles; its cache is in" in done.stdout
    assert re.search(r"LESSONS_DATA +not set", done.stdout)


@pytest.mark.parametrize(
    ("package", "extra"), [("onnx", "[course]'"), ("networkx", "graph-lessons"), ("scikit-learn", "[course]'")]
)
def test_doctor_names_a_missing_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str, extra: str
) -> None:
    _hide(monkeypatch, package)
    assert cli.missing() == [package]
    assert cli.main(["doctor"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"not ready: {package} (not installed: pip install ")
    assert last.endswith(f"{extra})")


def test_doctor_does_not_mind_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    _hide(monkeypatch, "jupyterlab")
    checks = {check.name: check for check in cli.environment()}
    assert checks["extra lab"].ok
    assert checks["extra lab"].detail.endswith("without jupyterlab: pip install 'graph-lessons[lab]'")


def _hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_doctor_without_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "DISTRIBUTION", "no-such-distribution")
    assert cli.missing() == ["no-such-distribution"]


def test_each_package_is_listed_with_the_smallest_extra_that_brings_it() -> None:
    requirements = ["numpy>=2", "numba; sys_platform != 'x'", "a>=1; extra == 'course'", 'b[c]; extra == "course"']
    requirements += ["a; extra == 'lab'", "b; extra == 'lab'", "d; (python_version > '3') and extra == 'lab'"]
    assert cli._extras(requirements) == {"": ["numpy", "numba"], "course": ["a", "b"], "lab": ["d"]}


def test_doctor_names_a_folder_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path / "nowhere"))
    assert cli.missing() == ["LESSONS_DATA"]
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    assert cli.missing() == []


def test_doctor_tells_what_stops_numba(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def njit(signature: str) -> None:
        raise RuntimeError("cannot cache: no locator\nand more")

    monkeypatch.setattr("numba.njit", njit)
    monkeypatch.setattr("numba.config.DISABLE_JIT", 0)
    assert cli.main(["doctor"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "not ready: compiler (numba: RuntimeError: cannot cache: no locator)"


def test_doctor_takes_a_compiler_that_is_switched_off() -> None:
    done = command("doctor", NUMBA_DISABLE_JIT="1", LESSONS_DATA="")
    assert done.returncode == 0
    assert "switched off by NUMBA_DISABLE_JIT" in done.stdout


def test_doctor_without_notebooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(course, "notebooks", lambda: tmp_path)
    assert cli.missing() == ["notebooks"]
    monkeypatch.undo()
    monkeypatch.setattr(course, "_PACKAGE", tmp_path)
    assert cli.missing() == ["notebooks"]


def test_a_reader_who_has_seen_enough_gets_no_traceback() -> None:
    listing = "import time; from lessons import cli; time.sleep(1); exit(cli.main(['list']))"
    command = f'"{sys.executable}" -c "{listing}" | true'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


# ---------------------------------------------------------------------------------------- sweep


def test_sweep_stops_goes_on_and_ends(tmp_path: Path) -> None:
    line = ["sweep", "--graphs", "2", "--seeds", "1", "--epochs", "1", "--noise", "1", "--batch", "2"]
    path = tmp_path / "runs.sqlite"
    first = command(*line, "--out", path, "--max-seconds", "0.001")
    assert (first.returncode, first.stdout) == (0, f"0 of 3 networks are in {path}; the same command goes on\n")
    second = command(*line, "--out", path)
    assert (second.returncode, second.stdout) == (0, f"3 of 3 networks are in {path}\n")
    assert "sweep: 100%" in second.stderr
    assert "3 of 3 networks" in second.stderr
    other = command(*line, "--epochs", "2", "--out", path)
    assert (other.returncode, other.stdout) == (1, "")
    assert f"lessons: {path} holds runs with recipe.epochs = 1, not 2" in other.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--noise", "-1"], "lessons: --noise=-1.0: a finite number, zero or more"),
        (["--data", "cifar10", "--noise", "1"], "lessons: --noise=1.0: for the digits only"),
        (["--graphs", "99"], "lessons: --graphs=99: 52, 449, 3942, or fewer than 52"),
        (["--max-seconds", "0"], "lessons: --max-seconds=0.0: above 0"),
        (["--workers", "0"], "lessons: --workers=0: at least 1"),
        (["--device", "gpu"], "lessons: --device='gpu': \"cpu\"; training has never run on a GPU"),
    ],
)
def test_sweep_names_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], problem: str
) -> None:
    assert cli.main(["sweep", "--out", str(tmp_path / "runs.sqlite"), *options]) == 1
    assert capsys.readouterr().err.startswith(problem)
    assert not list(tmp_path.iterdir())


def test_sweep_tells_what_failed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lessons.sweep.run_sweep", lambda *_, **options: Outcome(4, 1, 5))
    assert cli.main(["sweep", "--out", "runs.sqlite"]) == 0
    told = "4 of 5 networks are in runs.sqlite, 1 of which failed; the same command goes on\n"
    assert capsys.readouterr().out == told


def test_sweep_is_interrupted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lessons.sweep.run_sweep", interrupted)
    assert cli.main(["sweep", "--out", "runs.sqlite"]) == 130
    assert capsys.readouterr().err == "lessons: interrupted; the same command goes on\n"
