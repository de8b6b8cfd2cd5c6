"""The command `lessons`: lab, list, run, progress, doctor, sweep.

lessons lab                    # the course in JupyterLab; the reader's own copy, where it was installed
lessons lab 05                 # the same, at a lesson
lessons list                   # the lessons in order
lessons run 02 --write         # execute a notebook, put seconds and memory on its card
lessons progress               # the exercises that you have passed, and the next one of each lesson
lessons doctor                 # is everything here?
lessons sweep --out runs.sqlite      # train networks on many graphs; stopped or killed, it goes on
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import math
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons import _progress, course
from lessons._device import array_module
from lessons._process import peak_mb
from lessons.course import Lesson
from lessons.errors import DataMissing, UnknownLabel, require

DISTRIBUTION = "graph-lessons"
NEEDED = ("", "course")  # the core, and the extra without which notebooks do not run
CELL_SECONDS = 300  # a cell that takes longer hangs


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the answer is the exit status: 0, 1 if something failed, 2 for misuse."""
    parser = _parser()
    told = parser.parse_args(arguments)
    try:
        if told.command == "lab":
            return lab(*_folder_and_lesson(told.where), open_it=not told.no_open)
        if told.command == "run":
            return run(told.lesson, write=told.write)
        if told.command == "sweep":
            return sweep(told)
        if told.command == "progress":
            return progress(reset=told.reset)
        return doctor() if told.command == "doctor" else show_lessons()
    except UnknownLabel as error:
        parser.error(str(error))
    except (ImportError, DataMissing, ValueError) as error:
        print(f"lessons: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our lines has seen enough: `lessons list | head -3`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lessons", description="The graphs inside neural networks, in notebooks.")
    parser.add_argument("--version", action="version", version=f"{DISTRIBUTION} {_version(DISTRIBUTION)}")
    commands = parser.add_subparsers(dest="command", required=True)
    lab = commands.add_parser("lab", help="open the course in JupyterLab")
    where = "a lesson's id or number, to begin there; or a folder, to put your copy in: files you changed stay"
    lab.add_argument("where", nargs="?", help=where)
    lab.add_argument("--no-open", action="store_true", help="copy only, and say how to open it")
    commands.add_parser("list", help="the lessons in order")
    run = commands.add_parser("run", help="execute notebooks; print seconds and peak memory")
    run.add_argument("lesson", nargs="*", help="an id, a number or a notebook's path; all lessons unless told")
    run.add_argument("--write", action="store_true", help="put seconds and memory on the notebooks' cards")
    done = commands.add_parser("progress", help="the exercises that you have passed, kept on this machine only")
    done.add_argument("--reset", action="store_true", help="delete the file that they are kept in")
    commands.add_parser("doctor", help="check that all that the lessons need is here")
    _add_sweep(commands.add_parser("sweep", help="train networks on many graphs; stopped or killed, it goes on"))
    return parser


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    add = sweep.add_argument
    add("--out", type=Path, required=True, help="the file that results are written to, runs.sqlite")
    add(
        "--data",
        choices=("digits", "cifar10", "cifar10-jpeg"),
        default="digits",
        help="what they learn (%(default)s)",
    )
    add("--noise", type=float, default=0.0, help="standard deviation of noise, for the digits (%(default)s)")
    add("--graphs", type=int, default=52, help="52, 449 or 3942, or the first few of the 52 (%(default)s)")
    add("--seeds", type=int, default=5, help="networks on each graph (%(default)s)")
    add("--epochs", type=int, help="of training (30 on the digits, 200 on CIFAR-10)")
    add("--batch", type=int, help="networks that are trained together (8 on the digits, 1 on CIFAR-10)")
    add("--workers", type=int, default=1, help="processes of this machine (%(default)s)")
    add("--scheduler", metavar="ADDRESS", help="of a dask cluster that works instead: tcp://...")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="what computes (%(default)s)")
    add("--max-seconds", type=float, default=math.inf, help="stop then; the same command goes on")


# ---------------------------------------------------------------------------------------- lab and list


def _folder_and_lesson(where: str | None) -> tuple[Path | None, Lesson | None]:
    """What `lessons lab` was told; a number that is no lesson is no folder either: it raises UnknownLabel."""
    if where is None or Path(where).is_dir():
        return (Path(where) if where else None), None
    try:
        return None, course.find(where)
    except UnknownLabel:
        if where.isdecimal():
            raise
        return Path(where), None


def lab(folder: Path | None = None, lesson: Lesson | None = None, *, open_it: bool = True) -> int:
    """Open the course in JupyterLab at a lesson, else at its first; the answer is JupyterLab's exit status.

    A checkout without `folder` is opened in place. Else the reader gets a copy in `folder` (`graph-lessons` here,
    unless told), where no file that the reader has changed is touched.

    Raises ImportError without JupyterLab.
    """
    carried = course.notebooks()
    if folder is None and carried.name == "notebooks":
        folder = carried
    folder = Path(DISTRIBUTION) if folder is None else folder
    if folder.resolve() != carried:
        _print_copied(folder, course.copy_notebooks(folder))
    first = folder / (lesson.path.name if lesson and lesson.path else "00_start_here.ipynb")
    if not open_it:
        print(f"Open it with: {sys.executable} -m jupyterlab {first}")
        return 0
    require("jupyterlab", "lab")
    print("JupyterLab starts, the first time for a minute; Ctrl-C here ends it", flush=True)
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return _foreground([sys.executable, "-m", "jupyterlab", str(first), *as_root])


def _print_copied(folder: Path, copied: Iterable[course.Copied]) -> None:
    for one in copied:
        if one.action == "kept":
            beside = f"; our newer version is beside it: {one.beside.name}" if one.beside else ""
            print(f"  kept     {one.path.name}, which you have changed{beside}")
        elif one.action != "same":
            print(f"  {one.action:8} {one.path.name}")
    print(f"Your notebooks are in {folder.resolve()}")


def _foreground(command: list[str]) -> int:
    """Run a command that has the terminal: Ctrl-C is for it, and we only wait."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call(command)
    finally:
        signal.signal(signal.SIGINT, before)


def show_lessons() -> int:
    """Print the lessons in order: number, id, title, what each requires, minutes to read and to do."""
    lessons = course.lessons()
    number = {lesson.id: f"{lesson.number:02d}" for lesson in lessons}
    rows = [("", "id", "title", "requires", "minutes")]
    for lesson in lessons:
        requires = " ".join(number[id] for id in lesson.requires)
        minutes = " + ".join(map(str, lesson.minutes)) if lesson.minutes else ""
        rows.append((number[lesson.id], lesson.id, lesson.title, requires, minutes if lesson.path else "to come"))
    _print_table(rows)
    return 0


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


# ---------------------------------------------------------------------------------------- run


@dataclass(frozen=True)
class Ran:
    """What executing a notebook took: seconds, and the kernel's peak memory in MB (None if it died); its error."""

    lesson: Lesson
    seconds: float
    megabytes: float | None
    error: str | None


def run(names: Sequence[str] = (), *, write: bool = False) -> int:
    """Execute notebooks one after the other and print what each took; the answer is 1 if one failed, else 0.

    `names` are ids, numbers or paths; none means all lessons that have a notebook. `write` puts seconds and
    memory on the cards of those that passed; nothing else in a notebook ever changes.

    Raises UnknownLabel for a name that is no lesson; ValueError for a lesson without a notebook; ImportError
    without nbclient.
    """
    require("nbclient", "lab")
    chosen = [_chosen(name) for name in names] or [lesson for lesson in course.lessons() if lesson.path]
    done = [execute(lesson) for lesson in chosen]
    _print_runs(done)
    if write:
        _write_cards(done)
    return int(any(one.error for one in done))


def _chosen(name: str) -> Lesson:
    if name.endswith(".ipynb") and Path(name).exists():
        return course.read_lesson(Path(name))
    lesson = course.find(name)
    if lesson.path is None:
        raise ValueError(f"{lesson.id} is to come: it has no notebook yet")
    return lesson


def execute(lesson: Lesson) -> Ran:
    """Execute a lesson's notebook in a kernel of its own, in an empty folder; a bar on stderr counts its cells."""
    nbclient, nbformat = require("nbclient", "lab"), require("nbformat", "lab")
    from tqdm import tqdm

    notebook = nbformat.read(lesson.path, as_version=4)
    cells = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    with tempfile.TemporaryDirectory() as folder, tqdm(total=len(cells), desc=lesson.id, unit="cell") as bar:
        resources = {"metadata": {"path": folder}}
        client = nbclient.NotebookClient(notebook, timeout=CELL_SECONDS, resources=resources)
        began = time.perf_counter()
        with client.setup_kernel(env=os.environ | {"LESSONS_PROGRESS": ""}):  # what we run is nobody's progress
            error = _execute_cells(client, cells, bar)
            return Ran(lesson, time.perf_counter() - began, _peak_of_kernel(client), error)


def _execute_cells(client: Any, cells: Iterable[tuple[int, Any]], bar: Any) -> str | None:
    """Execute (index, cell) in turn -> None, or which cell failed, and how."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for count, (index, cell) in enumerate(cells, start=1):
        try:
            client.execute_cell(cell, index)
        except CellExecutionError as error:
            return f"code cell {count}: {error.ename}: {error.evalue}"
        except CellTimeoutError:
            return f"code cell {count}: it ran for more than {CELL_SECONDS} s"
        except DeadKernelError:
            return f"code cell {count}: its kernel died, as when memory runs out"
        bar.update()
    return None


def _peak_of_kernel(client: Any) -> float | None:
    try:
        return peak_mb(client.km.provisioner.pid)
    except ProcessLookupError:
        return None


def _print_runs(done: Sequence[Ran]) -> None:
    rows = [("", "lesson", "seconds", "peak MB", "budget MB", "")]
    for one in done:
        peak = "?" if one.megabytes is None else f"{one.megabytes:.0f}"
        over = one.megabytes is not None and one.megabytes > one.lesson.budget_mb
        verdict = "FAILED" if one.error else "over its budget" if over else "passed"
        number, budget = f"{one.lesson.number:02d}", str(one.lesson.budget_mb)
        rows.append((number, one.lesson.id, f"{one.seconds:.1f}", peak, budget, verdict))
    _print_table(rows)
    for one in done:
        if one.error:
            print(f"{one.lesson.path}, {one.error}")


def _write_cards(done: Iterable[Ran]) -> None:
    for one in done:
        if one.error is None and one.lesson.path is not None and one.megabytes is not None:
            month = time.strftime("%Y-%m")
            course.write_card(one.lesson.path, one.seconds, one.megabytes, _cores(), month)


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---------------------------------------------------------------------------------------- progress


def progress(*, reset: bool = False) -> int:
    """Print for each lesson how many exercises were passed, the next one, and the minutes left; or forget it all.

    The answer is 1 where the file cannot be read or deleted, else 0.
    """
    file = _progress.path()
    if file is None:
        print("LESSONS_PROGRESS is empty, so nothing is kept")
        return 0
    try:
        if reset:
            gone = _progress.forget()
            print(f"deleted {gone}" if gone else f"nothing to delete: there is no {file}")
            return 0
        passed, kept = _progress.passed(), _progress.can_keep(file)
    except OSError as error:
        print(f"lessons: {file} cannot be {'deleted' if reset else 'read'}: {error.strerror}", file=sys.stderr)
        return 1
    _print_table(_progress_rows(passed))
    if kept:
        print(f"Kept in {file}, on this machine only; lessons progress --reset deletes it")
    else:
        print(f"Nothing is kept: {file} cannot be written; let LESSONS_PROGRESS name a file that can")
    return 0


def _progress_rows(passed: set[str]) -> list[tuple[str, ...]]:
    from lessons.exercises import exercises_of, topics

    rows: list[tuple[str, ...]] = [("", "lesson", "passed", "next", "minutes left")]
    known = topics()
    for lesson in course.lessons():
        asked = exercises_of(lesson.id) if lesson.id in known else ()
        still = [exercise for exercise in asked if exercise.id not in passed]
        following = f"{still[0].id} ({still[0].level})" if still else ""
        minutes = str(sum(exercise.minutes for exercise in still)) if still else ""
        done = f"{len(asked) - len(still)} of {len(asked)}"
        rows.append((f"{lesson.number:02d}", lesson.title, done, following, minutes))
    return rows


# ---------------------------------------------------------------------------------------- sweep


def sweep(told: argparse.Namespace) -> int:
    """Train networks on many graphs; the answer is 0, stopped by --max-seconds too, 1 where something failed.

    130 after Ctrl-C. What is wrong with an option is told by its name.
    """
    from lessons.sweep import Settings, run_sweep

    names = ("seeds", "batch", "workers", "scheduler", "device", "max_seconds")
    options = {name: getattr(told, name) for name in names}
    try:
        settings = Settings.usual(told.data, graphs=told.graphs, noise=told.noise, epochs=told.epochs)
        done = run_sweep(settings, told.out, **options, progress=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        message = re.sub(r"^(\w+)=", lambda found: f"--{found[1].replace('_', '-')}=", str(error))
        print(f"lessons: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lessons: interrupted; the same command goes on", file=sys.stderr)
        return 130
    failed = f", {done.failed} of which failed" if done.failed else ""
    further = "" if done.stored == done.total else "; the same command goes on"
    print(f"{done.stored} of {done.total} networks are in {told.out}{failed}{further}")
    return 0


# ---------------------------------------------------------------------------------------- doctor


@dataclass(frozen=True)
class Check:
    """One thing that lessons may need: `ok` is False where a lesson would lack it; `detail` says what to do."""

    name: str
    ok: bool
    detail: str


def doctor() -> int:
    """Print the environment; the answer is 0 if the course can run here, else 1."""
    checks = environment()
    _print_table([("ok" if check.ok else "MISSING", check.name, check.detail) for check in checks])
    lacking = [f"{check.name} ({check.detail})" for check in checks if not check.ok]
    print(f"not ready: {'; '.join(lacking)}" if lacking else "ready")
    return int(bool(lacking))


def missing() -> list[str]:
    """The names of what the lessons need and this machine lacks: empty where all is well. Compiles nothing."""
    return [check.name for check in _basics() if not check.ok]


def environment() -> list[Check]:
    """What the lessons need and what they can use, on this machine. It compiles with numba: about 2 s."""
    return [*_basics(), _compiler(), _blas(), _gpu()]


def _basics() -> list[Check]:
    version = platform.python_version()
    python = Check("Python", sys.version_info >= (3, 11), f"{version}; the course needs 3.11 or later")
    return [python, *_packages(), _data(), _notebooks()]


def _packages() -> list[Check]:
    """A line for each package that the notebooks need, and one for each extra that they do not need."""
    try:
        extras = _extras(importlib.metadata.requires(DISTRIBUTION) or [])
    except importlib.metadata.PackageNotFoundError:
        return [Check(DISTRIBUTION, False, f"pip install {DISTRIBUTION}, or pip install -e . in a checkout")]
    needed = [_needed(name, extra) for extra in NEEDED for name in extras.pop(extra, [])]
    return needed + [_optional(extra, names) for extra, names in extras.items()]


def _extras(requirements: Sequence[str]) -> dict[str, list[str]]:
    """{extra: its packages}, "" for the core; a package of several extras is listed with the smallest."""
    members: dict[str, list[str]] = {}
    for line in requirements:
        name, extra = re.split(r"[^\w.-]", line)[0], re.search(r"extra == ['\"]([\w-]+)", line)
        if name != "numba" or sys.platform != "emscripten":
            members.setdefault(extra[1] if extra else "", []).append(name)
    seen: set[str] = set()
    for extra_name in sorted(members, key=lambda name: (name not in NEEDED, len(members[name]))):
        members[extra_name] = [name for name in members[extra_name] if name not in seen]
        seen.update(members[extra_name])
    return members


def _needed(name: str, extra: str) -> Check:
    version = _version(name)
    return Check(name, version is not None, version or f"not installed: {_command(extra)}")


def _optional(extra: str, names: Iterable[str]) -> Check:
    versions = {name: _version(name) for name in names}
    told = [f"{name} {version}" for name, version in versions.items() if version]
    absent = [name for name, version in versions.items() if not version]
    if absent:
        told.append(f"without {', '.join(absent)}: {_command(extra)}")
    return Check(f"extra {extra}", True, ", ".join(told))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _command(extra: str) -> str:
    return f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install {DISTRIBUTION}"


def _compiler() -> Check:
    """Does numba compile here, and can it keep what it compiled?"""
    if sys.platform == "emscripten":
        return Check("compiler", True, "none in the browser: kernels run as Python")
    try:
        numba: Any = importlib.import_module("numba")
        if numba.config.DISABLE_JIT:
            return Check("compiler", True, "switched off by NUMBA_DISABLE_JIT: kernels run as Python")
        numba.njit("i8(i8)")(lambda number: number + 1)
        kernels: Any = importlib.import_module("lessons.compiled.graph")
        return Check("compiler", True, f"numba compiles; its cache is in {kernels.mirror.stats.cache_path}")
    except Exception as error:  # whatever stops numba, this is the place to say so
        return Check("compiler", False, f"numba: {type(error).__name__}: {str(error).splitlines()[0]}")


def _blas() -> Check:
    """What multiplies matrices: threadpoolctl, which comes with scikit-learn, sees what really runs."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    blas = built["Build Dependencies"]["blas"]
    told = [f"{blas['name']} {blas['version']}", f"{_cores()} cores"]
    if importlib.util.find_spec("threadpoolctl"):
        for pool in importlib.import_module("threadpoolctl").threadpool_info():
            if pool["user_api"] == "blas":
                told.append(f"{pool.get('architecture', 'one')} kernel with {pool['num_threads']} threads")
    return Check("BLAS", True, ", ".join(dict.fromkeys(told)))


def _gpu() -> Check:
    try:
        runtime = array_module("gpu").cuda.runtime
        name = runtime.getDeviceProperties(0)["name"].decode()
    except (ImportError, RuntimeError):
        return Check("GPU", True, "none that CuPy can use; every lesson runs without")
    return Check("GPU", True, name)


def _data() -> Check:
    folder = os.environ.get("LESSONS_DATA")
    if not folder:
        return Check(
            "LESSONS_DATA", True, "not set: lessons run on what they carry; more is downloaded when asked"
        )
    found = Path(folder).is_dir()
    return Check("LESSONS_DATA", found, folder if found else f"{folder} is no folder: correct it or unset it")


def _notebooks() -> Check:
    try:
        lessons = course.lessons()
    except (DataMissing, ValueError) as error:
        return Check("notebooks", False, str(error))
    written = sum(lesson.path is not None for lesson in lessons)
    return Check("notebooks", written > 0, f"{written} of {len(lessons)} lessons in {course.notebooks()}")


if __name__ == "__main__":
    sys.exit(main())
