"""Build what Binder would build, without Docker: `python tools/binder_build.py [NOTEBOOK ...]`.

A clean clone; the Python and the Jupyter packages of Binder's base image; `binder/requirements.txt`; `postBuild`;
JupyterLab through `start`; then the notebooks (all, unless some are named), each on one core, with its peak
memory. Exit status 1 and a line that says what is wrong, else 0. Takes the network and about two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# repo2docker 2026.4, Python 3.12
BASE = ["jupyterlab==4.4.9", "notebook==7.4.7", "jupyter_server==2.17.0", "ipywidgets==8.1.7", "ipykernel==7.0.1"]
GUARANTEED, KILLED_AT = 450, 2048  # MB, for the server and all kernels of one reader on mybinder.org
SERVER = 150  # MB that JupyterLab itself takes

COUNT_COMPILED = """
import importlib, pkgutil
import lessons.compiled
names = [module.name for module in pkgutil.iter_modules(lessons.compiled.__path__, "lessons.compiled.")]
kernels = {k for name in names for k in vars(importlib.import_module(name)).values() if hasattr(k, "stats")}
cold = sorted(kernel.__name__ for kernel in kernels if kernel.stats.cache_misses)
print(len(kernels), "kernels; compiled anew:", ", ".join(cold) or "none")
raise SystemExit(bool(cold) or not kernels)
"""

EXECUTE = """
import json, resource, sys, time
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
start = time.monotonic()
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
seconds = time.monotonic() - start
kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the kernel, which has ended
print(json.dumps({"seconds": round(seconds, 1), "mb": kilobytes // 1024}))
"""


class Problem(Exception):
    """What Binder would stumble over."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, print a line for each step; 1 if Binder could not do the same, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", help="names such as 00_start_here (all, unless some are named)")
    parser.add_argument(
        "--python", help="an interpreter of the version in runtime.txt (found by name if not given)"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="binder-") as folder:
        try:
            build(Path(folder), options.python, options.notebooks)
        except Problem as problem:
            print(f"PROBLEM: {problem}")
            return 1
    return 0


def build(folder: Path, interpreter: str | None, names: Sequence[str]) -> None:
    """All steps in order, inside `folder`. Raises Problem at the first that fails."""
    home, venv = folder / "home", folder / "venv"
    run("clean clone", ["git", "clone", "-q", "--no-hardlinks", ROOT, home], timeout=120)
    python = venv / "bin" / "python"
    run("environment", [interpreter or find_python(home), "-m", "venv", venv], timeout=120)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run("base image", [*pip, *BASE], timeout=600)
    run("binder/requirements.txt", [*pip, "-r", "binder/requirements.txt"], cwd=home, timeout=900)
    run("pip check", [python, "-m", "pip", "check"], timeout=120)
    base_image_is_kept(python)
    binder = environment(home, venv)
    run("binder/postBuild", ["binder/postBuild"], cwd=home, env=binder, timeout=600)
    run("numba's cache is warm", ["binder/start", python, "-c", COUNT_COMPILED], cwd=home, env=binder, timeout=120)
    notebooks = find_notebooks(home, names)
    open_lab(home, binder, notebooks)
    for notebook in notebooks:
        execute(home, binder, python, notebook)


def run(
    what: str,
    command: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """The output of a command, whose name and seconds are printed. Raises Problem where it fails or hangs."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, timeout=timeout, text=True, stdin=subprocess.DEVNULL, capture_output=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{what}: {error}") from error
    if done.returncode:
        raise Problem(f"{what}: exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    print(f"{what}: {time.monotonic() - start:.0f} s", flush=True)
    return done.stdout


def find_python(home: Path) -> str:
    """The interpreter that binder/runtime.txt names. Raises Problem where it is not on this machine."""
    name = (home / "binder" / "runtime.txt").read_text(encoding="utf-8").strip().replace("-", "")
    path = shutil.which(name)
    if path is None:
        raise Problem(f"{name} is not on the path: give an interpreter of this version with --python")
    return path


def environment(home: Path, venv: Path) -> dict[str, str]:
    """The variables of a process on Binder: the clone is the home, nothing of ours is inherited by Jupyter."""
    dropped = ("PYTHON", "JUPYTER", "VIRTUAL_ENV", "NUMBA_", "LESSONS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"HOME": str(home), "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def base_image_is_kept(python: Path) -> None:
    """Raises Problem where our requirements replaced a package of the base image."""
    have = run("versions", [python, "-m", "pip", "list", "--format=json"], timeout=120)
    versions = {package["name"].replace("-", "_"): package["version"] for package in json.loads(have)}
    wanted = dict(pin.split("==") for pin in BASE)
    replaced = {name: versions[name] for name, version in wanted.items() if versions[name] != version}
    if replaced:
        raise Problem(f"binder/requirements.txt replaces packages of the base image: {replaced}")


def find_notebooks(home: Path, names: Sequence[str]) -> list[str]:
    """Paths below `home`. Raises Problem for a name without a notebook, and where there is none at all."""
    every = sorted(path.stem for path in (home / "notebooks").glob("*.ipynb"))
    missing = [name for name in names if name not in every]
    if missing or not every:
        raise Problem(f"no notebook {', '.join(missing) or 'at all'}; there are: {', '.join(every) or 'none'}")
    return [f"notebooks/{name}.ipynb" for name in names or every]


# ---------------------------------------------------------------------------------------- as a reader meets it


def open_lab(home: Path, env: dict[str, str], notebooks: Sequence[str]) -> None:
    """Raises Problem where JupyterLab does not start through `start`, or does not find a notebook."""
    start = time.monotonic()
    with lab(home, env) as address:
        wait_for(address.format("status"), seconds=60)
        for notebook in notebooks:
            wait_for(address.format(f"contents/{notebook}"), seconds=10)
    print(f"JupyterLab through binder/start: {time.monotonic() - start:.0f} s", flush=True)


@contextmanager
def lab(home: Path, env: dict[str, str]) -> Iterator[str]:
    """A server on a free port of this machine, stopped at the end; yields the address of its "{}" interface."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = ["binder/start", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={token}"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, cwd=home, env=env, **quiet)
    try:
        yield f"http://127.0.0.1:{port}/api/{{}}?token={token}"
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


def wait_for(address: str, seconds: float) -> None:
    """Ask until there is an answer. Raises Problem where it is an error, or none comes in time."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            raise Problem(f"JupyterLab answers {address} with {error}") from error
        except OSError as error:
            if time.monotonic() > end:
                raise Problem(f"no answer from JupyterLab at {address}") from error
            time.sleep(0.3)


def execute(home: Path, env: dict[str, str], python: Path, notebook: str) -> None:
    """Run a notebook on one core. Raises Problem where it fails, or Binder would kill its kernel."""
    one_core = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    command = [home / "binder" / "start", *one_core, python, "-W", "ignore", "-c", EXECUTE, Path(notebook).name]
    told = json.loads(run(notebook, command, cwd=home / "notebooks", env=env, timeout=900).splitlines()[-1])
    total = told["mb"] + SERVER
    print(f"  {told['seconds']} s on one core, kernel {told['mb']} MB at its peak")
    if total > KILLED_AT:
        raise Problem(f"{notebook}: {told['mb']} MB and {SERVER} for the server; Binder ends it at {KILLED_AT} MB")
    if total > GUARANTEED:
        print(f"  with the server {total} MB, above the {GUARANTEED} MB that Binder guarantees")


if __name__ == "__main__":
    sys.exit(main())
