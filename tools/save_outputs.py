"""Run notebooks and save them with their outputs, and nothing else that changes from run to run.

    python tools/save_outputs.py notebooks/00_start_here.ipynb ...

What a notebook shows is committed, and compared by the tests; times, widgets and the editor's marks are not. Where
a widget was, its text stays: the widget itself would be gone, and the page would say that its model is not found.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from lessons._files import replacing

WIDGET = "application/vnd.jupyter.widget-view+json"


def save_outputs(path: Path) -> None:
    """Execute one notebook in its own folder; it stays as it was if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    os.environ.pop("LESSONS_DATA", None)  # outputs are those of a reader without it
    os.environ["LESSONS_PROGRESS"] = ""  # and what is checked here is nobody's progress
    kept = {"store_widget_state": False, "coalesce_streams": True}  # text may come in pieces, as timing has it
    NotebookClient(notebook, timeout=600, resources=where, **kept).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    keep = ("kernelspec", "lessons")
    notebook.metadata = {key: notebook.metadata[key] for key in keep if key in notebook.metadata}
    with replacing(path) as file:
        file.write(nbformat.writes(notebook) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        save_outputs(Path(name))
        print(f"saved {name}")
