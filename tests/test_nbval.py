"""What compares the notebooks sees what it must see, and nothing else: notebooks, each tampered with once."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]

CELLS = [
    "from matplotlib.figure import Figure\nfrom lessons.show import claim, figure, measured",
    "print(6 * 7)",
    'figure(Figure(figsize=(1, 1)), "An empty page.")',
    'measured("to think", [1.0, 2.0], "s")',
    'claim("what it comes to", 42, at_least=40)',
]

# name: (what is replaced in the saved notebook, by what, cells that must fail)
TAMPERED = {
    "as_saved": ("", "", []),
    "another_number": (r'"42\\n"', r'"43\\n"', ["Cell 1"]),
    "another_picture": ("base64,iVBOR", "base64,jVBOR", []),
    "another_alt_text": ("Figure: An empty page", "Figure: A blank page", ["Cell 2"]),
    "another_alt_attribute": ('alt=\\\\"An empty page', 'alt=\\\\"A blank page', ["Cell 2"]),
    "another_measurement": (r"1\.5 ± 0\.71", "9.9 ± 0.1", []),
    "another_unit": (r"</span> s", "</span> h", ["Cell 3"]),
    "another_bound": ("at least 40", "at least 41", ["Cell 4"]),
    "a_small_budget": (r'"budget_mb": 500', '"budget_mb": 1', ["memory"]),
}


@pytest.fixture(scope="module")
def saved():
    """A notebook as it is saved after a run."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "lessons": {"budget_mb": 500}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    NotebookClient(notebook, timeout=60).execute()
    return nbformat.writes(notebook)


@pytest.fixture(scope="module")
def failed(saved, tmp_path_factory):
    """Which cells fail in which notebook, all of them judged in one run with the project's own settings."""
    folder = tmp_path_factory.mktemp("tampered")
    for name, (old, new, _) in TAMPERED.items():
        text, count = re.subn(old, new, saved, count=1) if old else (saved, 1)
        assert count == 1, f"{name}: {old} is not in the notebook"
        assert json.loads(text)
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "conftest", "-p", "no:cacheprovider"]
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return re.findall(r"^FAILED \S*?(\w+)\.ipynb::(Cell \d+|memory)", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", TAMPERED)
def test_what_must_be_seen_is_seen(name, failed):
    assert [cell for notebook, cell in failed if notebook == name] == TAMPERED[name][2]
