"""Colours that all can tell apart, from one palette, and controls that the text tells of.

Pages are used without a mouse and heard in tests/test_browser.py and tests/test_site.py.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import is_color_like, to_rgb

from lessons import course, show

ROOT = Path(__file__).resolve().parents[1]
SHOW = ROOT / "lessons" / "show"
NOTEBOOKS = sorted(course.notebooks().glob("*.ipynb"))


# ---------------------------------------------------------------------------------------- colours

# How linear red, green and blue reach readers who lack one kind of cones (Machado and others, 2009, severity 1).
EYES = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
APART = 15  # in CIELAB, where 2 is just seen side by side; the nearest of Okabe and Ito's eight are 16 apart


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.1)."""
    dark, light = sorted(float(XYZ[1] @ linear(colour)) + 0.05 for colour in (one, other))
    return light / dark


def seen(colour: str, eyes: Any) -> np.ndarray:
    """CIELAB of a colour as these eyes see it."""
    xyz = XYZ @ np.clip(np.asarray(eyes) @ linear(colour), 0, 1) / XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colour", [show.INK, show.GREY])
def test_text_can_be_read(colour: str) -> None:
    assert contrast(colour, show.PAPER) >= 4.5


@pytest.mark.parametrize("colour", [show.INK, show.GREY, show.FAINT, *show.STROKES, *show.TEN])
def test_lines_and_small_marks_can_be_seen(colour: str) -> None:
    assert contrast(colour, show.PAPER) >= 3


@pytest.mark.parametrize(
    "colour", [show.PALE_BLUE, show.PALER_BLUE, show.PALE_ORANGE, show.PALE_YELLOW, show.PALE_GREY]
)
def test_text_can_be_read_on_a_pale_ground(colour: str) -> None:
    assert contrast(show.INK, colour) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colours", [show.PALETTE, show.STROKES], ids=["PALETTE", "STROKES"])
def test_all_readers_tell_the_colours_apart(colours: Sequence[str], eyes: str) -> None:
    places = {colour: seen(colour, EYES[eyes]) for colour in colours}
    near = [pair for pair in combinations(colours, 2) if np.linalg.norm(places[pair[0]] - places[pair[1]]) < APART]
    assert near == []


def literal_colours(source: str) -> list[str]:
    """Colours and colour maps that a source names itself, shades of grey given as a number left out."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    words = [
        text for text in texts if isinstance(text, str) and len(text) > 1 and not re.fullmatch(r"[-\d.]+", text)
    ]
    return [word for word in words if word != "none" and (is_color_like(word) or word in colormaps)]


def test_literal_colours_are_found() -> None:
    source = (
        """draw("#ff0000", "C1", color="red", cmap="Blues", fill="none", size="12", mark="o", name="no colour")"""
    )
    assert literal_colours(source) == ["#ff0000", "C1", "red", "Blues"]


@pytest.mark.parametrize("path", sorted(SHOW.glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_pictures_take_their_colours_from_the_palette(path: Path) -> None:
    assert literal_colours(path.read_text(encoding="utf-8")) == []


# ---------------------------------------------------------------------------------------- controls in the text


def explored(cells: list[dict[str, Any]]) -> Iterator[tuple[int, ast.Call]]:
    """Every explore(...) of a notebook, with the place of its cell."""
    for at, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            yield from ((at, call) for call in calls("explore", "".join(cell["source"])))


def calls(name: str, source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def beside(cells: list[dict[str, Any]], at: int) -> str:
    """The two text cells before a place and the two after it."""
    texts = [(k, "".join(cell["source"])) for k, cell in enumerate(cells) if cell["cell_type"] == "markdown"]
    before, after = [text for k, text in texts if k < at], [text for k, text in texts if k > at]
    return "\n\n".join(before[-2:] + after[:2])


def drawings(source: str, functions: dict[str, str]) -> set[str]:
    """The functions of `show` that code draws with, by itself or by functions that the notebook defines."""
    found = set(re.findall(r"show\.(draw_\w+)", source))
    for name, body in functions.items():
        if re.search(rf"\b{name}\b", source) and body != source:
            found |= drawings(body, {other: text for other, text in functions.items() if other != name})
    return found


def defined(cells: list[dict[str, Any]]) -> dict[str, str]:
    """What the notebook gives names to, functions and partial(...), and the code behind them."""
    named: dict[str, str] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            for node in ast.parse("".join(cell["source"])).body:
                if isinstance(node, ast.FunctionDef):
                    named[node.name] = ast.unparse(node)
                elif isinstance(node, ast.Assign) and "show.draw_" in ast.unparse(node):
                    named |= {
                        target.id: ast.unparse(node) for target in node.targets if isinstance(target, ast.Name)
                    }
    return named


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return json.loads(request.param.read_text(encoding="utf-8"))["cells"]


def test_each_control_is_named_in_the_text_beside_it(cells: list[dict[str, Any]]) -> None:
    found = list(explored(cells))
    assert found, "every notebook has something to move"
    settings = [(at, str(keyword.arg)) for at, call in found for keyword in call.keywords]
    assert [name for at, name in settings if f"`{name}`" not in beside(cells, at)] == []


def test_before_each_slider_stand_pictures_of_the_same_drawing(cells: list[dict[str, Any]]) -> None:
    named = defined(cells)
    for at, call in explored(cells):
        sources = ["".join(cell["source"]) for cell in cells[:at] if cell["cell_type"] == "code"]
        still = [
            ast.unparse(shown) for text in sources for kind in ("panel", "figure") for shown in calls(kind, text)
        ]
        drawn = drawings(ast.unparse(call.args[0]), named)
        assert drawn, ast.unparse(call)
        assert drawn & set().union(*(drawings(text, named) for text in still)), ast.unparse(call)
