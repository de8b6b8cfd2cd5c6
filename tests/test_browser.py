"""Run All works in a real browser, every control moves its picture, by mouse and by keyboard, and axe-core finds
nothing serious; and the reader who says so is not blind.

The seconds of each move are printed. Notebook 00 and those that changed last in git are read; all of them with
LESSONS_BROWSER=all. Screenshots go to the folder that LESSONS_SHOTS names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from browser import audit, by_keyboard, find_browser, lab, launched, read

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SHOTS = Path(os.environ["LESSONS_SHOTS"]) if "LESSONS_SHOTS" in os.environ else None

LOOKS = [by_keyboard, audit] if find_spec("axe_playwright_python") else [by_keyboard]

Reader = Callable[..., list[str]]

pytestmark = pytest.mark.browser


def chosen() -> list[str]:
    """The names of the notebooks to read: 00 and what the last commit to the folder changed, or all."""
    every = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    if os.environ.get("LESSONS_BROWSER") == "all":
        return every
    command = ["git", "log", "-1", "--format=", "--name-only", "--", "*.ipynb"]
    try:
        last = subprocess.run(command, cwd=NOTEBOOKS, capture_output=True, text=True, timeout=60).stdout.split()
    except OSError:  # no git here
        last = []
    return [name for name in every if name.startswith("00_") or f"notebooks/{name}" in last]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Read a notebook by its name: the course's own (a copy) and those of MADE_UP lie in one folder."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(NOTEBOOKS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
    for name, source in MADE_UP.items():
        nbformat.write(made_up(source), folder / f"{name}.ipynb")
    with playwright.sync_playwright() as driver:
        executable = find_browser(driver)
        if executable is None:
            pytest.skip("neither Chromium nor Chrome is installed")
        with (
            launched(driver, executable) as browser,
            lab(folder, tmp_path_factory.mktemp("state")) as address,
        ):
            yield partial(read, browser, address, shots=SHOTS)


@pytest.mark.parametrize("name", chosen())
def test_run_all_then_every_control_moves_its_picture(
    reader: Reader, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{name}, from a move to its picture:")
        problems = reader(name, looks=LOOKS)
    assert problems == []


def test_axe_looks_at_what_is_read() -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed: nobody listens")
    assert audit in LOOKS


# ---------------------------------------------------------------------------------------- the reader sees

# A picture as our figures are shown, and controls wired to one.
SETUP = """
import base64
import ipywidgets
from IPython.display import HTML, display

def picture(k, alt="a bar"):
    bar = f'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="9"><rect width="{9 * k}" height="9"/></svg>'
    return f'<img alt="{alt}" src="data:image/svg+xml;base64,{base64.b64encode(bar.encode()).decode()}">'

def wired(*controls, draw=picture):
    box = ipywidgets.HTML(draw(*[control.value for control in controls]))
    def redraw(_):
        box.value = draw(*[control.value for control in controls])
    for control in controls:
        control.observe(redraw, "value")
    display(ipywidgets.VBox([*controls, box]))

def slider(value=1):
    return ipywidgets.IntSlider(value, 1, 9, description="k", continuous_update=False)
"""

MADE_UP = {
    "well": [
        "display(HTML(picture(1)))",
        "wired(slider())",
        "wired(slider(9), ipywidgets.Checkbox(True), draw=lambda k, dark: picture(k if dark else k // 2))",
        "wired(ipywidgets.Dropdown(options=[1, 2]))",
        "wired(ipywidgets.ToggleButtons(options=[1, 2]))",
        "wired(ipywidgets.ToggleButton(False))",
        "wired(ipywidgets.RadioButtons(options=[1, 2]))",
        "wired(ipywidgets.BoundedIntText(1, 0, 9))",
        "wired(ipywidgets.IntRangeSlider(value=(2, 5), max=9), draw=lambda ends: ''.join(map(picture, ends)))",
        "wired(slider(), draw=lambda k: f'<p>{k * k}</p>')",
        "_ = ipywidgets.interact(lambda k: display(HTML(picture(k))), k=slider())",
    ],
    "ours": [
        """from lessons.show import canvas, explore, measured
def draw(k, t, name, dark):
    fig, axes = canvas(1, 1)
    axes.plot([k, 9 * t, ord(name) - ord("a"), dark])
    return fig, f"{k}, {t}, {name}, {dark}."
explore(draw, k=(1, 9), t=(0.0, 1.0, 0.25), name=["a", "b"], dark=True)
measured("pulse", [60, 61])""",
    ],
    "stopped": ["1 / 0"],
    "not for all": [
        "wired(slider())",
        "wired(ipywidgets.Checkbox(True, description='k', tabbable=False), draw=lambda k: picture(1 + k))",
        "display(HTML('<p style=\"color: #bbbbbb; background: white\">pale</p>'), HTML('<input type=\"text\">'))",
    ],
    "wrong": [
        "wired(slider(), draw=lambda k: '<pre class=\"lessons-error\">ValueError: at once</pre>')",
        "wired(slider(), draw=lambda k: picture(k) if k == 1 else '<p class=\"lessons-error\">Error: later</p>')",
        "_ = ipywidgets.interact(lambda k: print(1 / (3 - k)), k=slider())",
        "wired(slider(), draw=lambda k: picture(k if k == 1 else 1 / 0))",
        "display(ipywidgets.VBox([slider(), ipywidgets.HTML(picture(1))]))",
        "wired(slider(), slider(), draw=lambda k, unused: picture(k))",
        "wired(ipywidgets.Text('1'), draw=lambda text: picture(len(text)))",
        "display(HTML(picture(1, alt='')))",
        'display(HTML(\'<img alt="a square" src="https://example.org/square.png">\'))',
    ],
    "wrong once moved": [
        "wired(slider(), draw=lambda k: picture(k, alt='a square' if k == 1 else ' '))",
        "wired(slider(), draw=lambda k: picture(k) + f'<i style=\"background: url(https://example.org/{k})\">i</i>')",
    ],
}

REPORTED = {
    "stopped": [
        "1 code cells not executed",
        "error in code cell 2: ZeroDivisionError: division by zero",
    ],
    "wrong": [
        "1 images without alt text",
        "error in code cell 2: in a widget: ValueError: at once",
        "control 1 of code cell 2 was moved, and nothing changed",
        "control 1 of code cell 5 was moved, and nothing changed",
        "control 1 of code cell 6 was moved, and nothing changed",
        "control 2 of code cell 7 was moved, and nothing changed",
        "control 1 of code cell 8 is of a kind that this test cannot move",
        "error in code cell 3: in a widget: Error: later",
        "error in code cell 4: in a widget: ZeroDivisionError: division by zero",
        "asks the outside for https://example.org/square.png",
    ],
    "wrong once moved": [
        "1 images without alt text",
        "asks the outside for https://example.org/1",
        "asks the outside for https://example.org/2",
        "asks the outside for https://example.org/3",
    ],
}


def made_up(sources: list[str]) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in (SETUP, *sources, "'the end'")]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.full
def test_a_notebook_with_every_kind_of_control_is_well(reader: Reader) -> None:
    assert reader("well.ipynb") == []


def test_what_explore_shows_is_well_for_all(reader: Reader, capsys: pytest.CaptureFixture[str]) -> None:
    assert reader("ours.ipynb", looks=LOOKS) == []
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" s ")[2] for line in told] == [
        f" control {at} of code cell 2: {name}" for at, name in enumerate(("k", "t", "name", "dark"), 1)
    ]
    assert all(0 < float(line.split()[0]) < 20 for line in told)


def test_what_some_cannot_use_or_hear_is_reported(reader: Reader) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    without_ring, unreached, pale, nameless = reader("not for all.ipynb", patience=3, looks=LOOKS)
    assert without_ring == "control 1 of code cell 2 does not show that the keys are on it"
    assert unreached == "control 1 of code cell 3 is not reached by Tab"
    assert pale.startswith("color-contrast (serious)")
    assert nameless.startswith("label (critical)")


@pytest.mark.full
@pytest.mark.parametrize("name", REPORTED)
def test_what_is_wrong_is_reported_and_nothing_else(reader: Reader, name: str) -> None:
    assert reader(f"{name}.ipynb", patience=3) == REPORTED[name]
