"""`tools/save_outputs.py` saves what a notebook shows, and nothing that changes from run to run."""

import json
import runpy
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

save_outputs = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "save_outputs.py"))[
    "save_outputs"
]


def put(folder, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    metadata = {"kernelspec": kernel, "lessons": {"id": "small"}, "widgets": {}, "toc": "of an editor"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "small.ipynb")
    return folder / "small.ipynb"


def test_outputs_are_saved_and_marks_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    draw = "from matplotlib.figure import Figure\ndef draw(k):\n    return Figure(figsize=(1, 1)), 'A page.'\n"
    widget = draw + "from lessons.show import explore; explore(draw, k=(1, 3))"
    path = put(tmp_path, "import os; print(os.environ.get('LESSONS_DATA'), os.listdir())", widget)
    save_outputs(path)
    first = path.read_text(encoding="utf-8")
    notebook = json.loads(first)
    assert set(notebook["metadata"]) == {"kernelspec", "lessons"}
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}, {}]
    assert notebook["cells"][0]["outputs"][0]["text"] == ["None ['small.ipynb']\n"], "in its folder, without data"
    (slider,) = notebook["cells"][1]["outputs"]
    assert set(slider["data"]) == {"text/plain"}, "the widget is gone with its kernel"
    assert notebook["cells"][1]["execution_count"] == 2


def test_text_printed_in_pieces_is_saved_in_one(tmp_path):
    path = put(tmp_path, "import time\nprint(1, flush=True); time.sleep(0.5); print(2)")
    save_outputs(path)
    outputs = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["outputs"]
    assert ["".join(output["text"]) for output in outputs] == ["1\n2\n"]


def test_a_notebook_that_fails_stays_as_it_was(tmp_path):
    path = put(tmp_path, "print(1)", "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        save_outputs(path)
    assert path.read_bytes() == before
