"""Build a JupyterLite site, on which some lessons run in the browser alone: `python tools/lite.py [DIR]`.

    python tools/lite.py lite                      # then serve it, and open its address with /lab behind it
    python -m http.server --directory lite

An extra, not the course: whoever opens a notebook there loads Python and its packages from the CDN of Pyodide
(ipywidgets from PyPI), nothing is compiled, and only the lessons in LESSONS are on it. Outside of a browser these
take less than a minute without numba; they need no package that Pyodide lacks, and start no thread. The tests run
them so, and look at the site with the CDN blocked. A run on Pyodide itself is not among the tests.

The build needs no network. JupyterLite comes with the extra `docs`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lessons import course

ROOT = Path(__file__).resolve().parents[1]
LESSONS = (
    "start_here",
    "backpropagation",
    "laplacian_regularization",
    "graph_signals",
    "spectral_gcn",
    "neural_capacitance",
)
NEEDED = ("build", "hatchling", "jupyterlite_core", "jupyterlite_pyodide_kernel")
KERNEL = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {"appName": "graph-lessons in the browser (needs the Pyodide CDN)"},
}
OPTIONS = ("--apps", "lab", "--contents", "files", "--no-sourcemaps", "--no-unused-shared-packages")

LABEL = """\
**In your browser alone.** This copy of the lesson runs on [Pyodide](https://pyodide.org), which is loaded from its
CDN (and ipywidgets from PyPI) when the next cell runs; without a connection nothing happens. Nothing is compiled
here, so it takes several times as long as the card says. What you change is kept by this browser only. The whole
course runs in JupyterLab."""

# the wheel wants numba, which Pyodide lacks, and pooch, which a browser cannot use: its requirements are left out
INSTALL = """\
%pip install -q --no-deps graph-lessons
%pip install -q numpy scipy networkx tqdm matplotlib scikit-learn pillow ipywidgets"""


def main() -> None:
    """Build into the folder that the command line names, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("lite"), help="made anew; lite, unless told")
    print(build(parser.parse_args().folder))


def build(folder: Path) -> Path:
    """Build the site into `folder`, in the place of a site that was there.

    Raises FileExistsError where the folder holds something else, ImportError where a package is missing,
    RuntimeError with what was printed where a build fails.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(f"{', '.join(missing)} not installed: pip install 'graph-lessons[docs,test]'")
    if folder.exists() and any(folder.iterdir()) and not (folder / "jupyter-lite.json").exists():
        raise FileExistsError(f"{folder} holds something else than such a site: name another folder")
    with tempfile.TemporaryDirectory(prefix="lite-") as work:
        write_sources(Path(work))
        run("build", "--wheel", "--no-isolation", "--outdir", str(Path(work, "pypi")), str(ROOT))
        run("jupyterlite_core", "build", "--lite-dir", work, "--output-dir", str(Path(work, "site")), *OPTIONS)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.move(Path(work, "site"), folder)
    return folder


def write_sources(work: Path) -> None:
    """What JupyterLite builds from: its settings, and the lessons as the reader finds them."""
    (work / "jupyter-lite.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    (work / "files").mkdir()
    (work / "files" / "READ_ME.md").write_text(f"# graph-lessons\n\n{LABEL}\n", encoding="utf-8")
    for id in LESSONS:
        path = course.find(id).path
        if path is None:
            raise ValueError(f"{id} has no notebook")
        copied = in_browser(json.loads(path.read_text(encoding="utf-8")))
        text = json.dumps(copied, indent=1, ensure_ascii=False) + "\n"
        (work / "files" / path.name).write_text(text, encoding="utf-8")


def in_browser(notebook: dict[str, Any]) -> dict[str, Any]:
    """A copy that runs there: labelled, with the cell that installs, and told which kernel to take."""
    title, *rest = [cell for cell in notebook["cells"] if "colab" not in cell["metadata"].get("tags", [])]
    label = {"cell_type": "markdown", "id": "lite-label", "metadata": {}, "source": LABEL}
    install = {"cell_type": "code", "id": "lite-install", "metadata": {}, "source": INSTALL}
    cells = [title, label, {**install, "execution_count": None, "outputs": []}, *rest]
    return {**notebook, "metadata": {**notebook["metadata"], "kernelspec": KERNEL}, "cells": cells}


def run(module: str, *arguments: str) -> None:
    """Run a Python module as a program. Raises RuntimeError with what it printed where it fails."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module}: exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")


if __name__ == "__main__":
    main()
