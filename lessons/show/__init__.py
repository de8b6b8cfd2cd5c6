"""What a notebook shows: pictures with their alt text, sliders, claims that are checked, measurements.

    figure(fig, alt)                             # a picture, and what it shows in a sentence or two
    panel(draw, angle=(0, 20, 45))               # the same drawing at three settings, side by side
    explore(draw, angle=(0, 90))                 # the same drawing with a slider
    claim("edges that join equals", share, at_least=0.95)

A drawing function returns (figure, alt text) and draws on a matplotlib Figure of its own, made by `canvas`.
"""

from __future__ import annotations

import base64
import html
import io
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from lessons.errors import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[..., tuple["Figure", str]]

WIDTH = 640  # pixels on the page, at most
SHARPNESS = 2  # pixels stored for each pixel on the page

# All colours of the course: tests/test_accessibility.py computes that text has a contrast of 4.5 to the paper and
# lines of 3, and that colour-blind readers can tell them apart. Colour is never the only cue all the same.
PAPER = "#ffffff"
INK, GREY = "#222222", "#666666"  # text; words aside
FAINT = "#949494"  # lines and dots behind what matters
# Okabe and Ito's, for what has a rim or is large; those that a line or a small mark without a rim can have
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
STROKES = (PALETTE[0], PALETTE[5], PALETTE[2], PALETTE[3], PALETTE[7], "#8B0046")
# of ten kinds of marks, which their shape tells apart
TEN = (*STROKES[:4], "#B37A00", "#8B0046", "#7A6A00", "#666666", "#6A3D9A", "#8C564B")
PALE_BLUE, PALER_BLUE, PALE_ORANGE, PALE_YELLOW, PALE_GREY = "#cfe3f4", "#e8f2fb", "#fde7c2", "#fff3d6", "#f2f2f2"
AMOUNTS, SHADES, SIGNED = "Blues", "cividis", "PuOr_r"  # white to blue; dark to light; purple, white, orange
INKED, LIGHT = "gray_r", "gray"  # where large numbers are ink, or light

# ipywidgets shows by a slightly other blue which control the keyboard moves; this ring is seen, in dark pages too
FOCUS = (
    "<style>.jupyter-widgets :is(.noUi-handle, select, input):focus-visible"
    "{outline:3px solid currentColor !important;outline-offset:2px}</style>"
)


# ---------------------------------------------------------------------------------------- pictures


def canvas(width: float = 6.4, height: float = 3.6, columns: int = 1, rows: int = 1) -> tuple[Figure, Any]:
    """A figure of `width` x `height` inches at 100 pixels an inch, and its axes (an array if there are several).

    >>> fig, axes = canvas(6.4, 2.0, columns=2)
    >>> len(axes)
    2
    """
    require("matplotlib", "course")
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained", facecolor=PAPER)
    axes = fig.subplots(rows, columns)
    for axis in fig.axes:
        axis.spines[["top", "right"]].set_visible(False)
    return fig, axes


def figure(fig: Figure, alt: str) -> None:
    """Show a picture together with its alt text: what is drawn and what to conclude, in one or two sentences.

    The sentence reaches screen readers, stands in for the picture where there is none, and is compared by the
    tests of the notebooks. Raises ValueError for an alt text that is missing or longer.
    """
    _display({"text/plain": f"Figure: {_checked(alt)}", "text/html": _img(fig, alt, WIDTH)})


def panel(draw: Drawing, **settings: Sequence[Any]) -> None:
    """Show one drawing at several values of one setting, side by side: `panel(draw, angle=(0, 20, 45))`.

    Raises ValueError unless exactly one setting is given.
    """
    if len(settings) != 1:
        raise ValueError(f"panel varies one setting, not {len(settings)}: draw the others in")
    ((name, values),) = settings.items()
    pictures = [(f"{name} = {value}", *draw(**{name: value})) for value in values]
    lines = [f"Figure, {caption}: {_checked(alt)}" for caption, _, alt in pictures]
    cells = "".join(
        f'<figure style="margin:0;flex:1 1 0">{_img(fig, alt, WIDTH // len(pictures))}'
        f'<figcaption style="text-align:center">{html.escape(caption)}</figcaption></figure>'
        for caption, fig, alt in pictures
    )
    row = f'<div style="display:flex;gap:4px;max-width:{WIDTH}px">{cells}</div>'
    _display({"text/plain": "\n".join(lines), "text/html": row})


def explore(draw: Drawing, **settings: Any) -> None:
    """Show a drawing with a control for each setting; nothing happens where there is no front end.

    `k=(1, 9)` is a slider over integers, `t=(0.0, 1.0)` over numbers, with a third entry as its step;
    `name=["karate", "digits"]` a choice, `shown=True` a box to tick. The drawing begins at the middle of a slider.
    """
    if _shell() is None:
        return
    try:
        import ipywidgets
    except ImportError:
        return
    controls = {name: _control(name, setting) for name, setting in settings.items()}
    picture = ipywidgets.HTML()

    def redraw(change: object = None) -> None:
        try:
            fig, alt = draw(**{name: control.value for name, control in controls.items()})
            picture.value = FOCUS + _img(fig, _checked(alt), WIDTH)
        except Exception as error:  # a callback's exception would be lost in the browser's console
            told = html.escape(f"{type(error).__name__}: {error}")
            picture.value = f'<pre class="lessons-error" role="alert">{told}</pre>'

    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    box = ipywidgets.VBox([*controls.values(), picture])
    bundle = {"text/plain": "Controls to move, where this notebook runs: " + ", ".join(settings)}
    _display({**bundle, "application/vnd.jupyter.widget-view+json": _view(box)})


# ---------------------------------------------------------------------------------------- words and numbers


def claim(
    what: str,
    value: Any,
    *,
    equals: Any = None,
    within: float = 0,
    at_least: float | None = None,
    at_most: float | None = None,
) -> None:
    """Assert what the prose says, and print it: the bound that holds, not the digits that vary by machine.

    `equals` (to `within`), `at_least` and `at_most` may be combined; with none of them `value` must be true.

    Raises AssertionError with the value where the claim is false.

    >>> claim("edges of a triangle", 3, equals=3)
    ✓ edges of a triangle: 3
    >>> claim("share of equals", 0.9726, at_least=0.95)
    ✓ share of equals: at least 0.95
    """
    holds, said = [], []
    if equals is not None:
        holds.append(abs(value - equals) <= within if within else value == equals)
        said.append(f"{_text(equals)}{f' ± {_text(within)}' if within else ''}")
    if at_least is not None:
        holds.append(value >= at_least)
        said.append(f"at least {_text(at_least)}")
    if at_most is not None:
        holds.append(value <= at_most)
        said.append(f"at most {_text(at_most)}")
    told = f"{what}: {' and '.join(said)}" if said else what
    if not all(holds or [value]):
        raise AssertionError(f"{told}, claimed; it is {value}")
    print(f"✓ {told}")


def measured(what: str, values: float | Sequence[float], unit: str = "") -> None:
    """Show what this machine measured: mean and spread over the runs. No test compares the digits.

    `values` is one number or one for each run; the spread is the standard deviation of the runs.
    """
    runs = [float(value) for value in (values if isinstance(values, Sequence) else [values])]
    if not runs:
        raise ValueError(f"{what}: no run was measured")
    spread = f" ± {statistics.stdev(runs):.2g}" if len(runs) > 1 else ""
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    digits = f'<span class="measured">{statistics.mean(runs):.3g}{spread}</span>'
    told = html.escape(what)
    _display(
        {
            "text/plain": f"measured here, {count}: {what}" + (f" [{unit}]" if unit else ""),
            "text/html": f"measured here, {count}: {told} {digits} {html.escape(unit)}",
        }
    )


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    """Mean and standard error of some runs; of one run the error is 0.

    >>> mean_and_error([0.5, 0.75]), mean_and_error([0.5])
    ((0.625, 0.125), (0.5, 0.0))
    """
    runs = np.asarray(values, float)
    error = runs.std(ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else 0.0
    return float(runs.mean()), float(error)


@contextmanager
def expect_error(kind: type[BaseException]) -> Iterator[None]:
    """Run a block that must fail, print how it failed, and go on.

    Raises AssertionError if the block does not raise; another kind of exception passes through.

    >>> with expect_error(ZeroDivisionError):
    ...     _ = 1 / 0
    ZeroDivisionError: division by zero
    """
    try:
        yield
    except kind as error:
        print(f"{type(error).__name__}: {error}")
    else:
        raise AssertionError(f"{kind.__name__} was expected, and nothing went wrong")


# ---------------------------------------------------------------------------------------- helpers


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _checked(alt: str) -> str:
    if not alt.strip():
        raise ValueError("a picture without alt text: say what is drawn and what to conclude")
    if len(re.findall(r"[.!?](?=\s|$)", alt)) > 2:
        raise ValueError(f"alt text of more than two sentences: {alt!r}")
    return alt


def _img(fig: Figure, alt: str, width: int) -> str:
    """The picture as HTML. Alt text given as image metadata would be dropped by JupyterLab and by nbconvert."""
    inches = fig.get_size_inches()[0]
    shown = min(width, round(100 * inches))
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=SHARPNESS * shown / inches, metadata={"Software": None})
    data = base64.b64encode(_few_colours(file.getvalue())).decode()
    style = f"width:{shown}px;max-width:100%"
    return f'<img alt="{html.escape(alt, quote=True)}" style="{style}" src="data:image/png;base64,{data}">'


def _few_colours(png: bytes) -> bytes:
    """The same picture in 256 colours, a third of the size: notebooks are committed with their pictures."""
    from PIL import Image

    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        file, format="png", optimize=True
    )
    return file.getvalue()


def _control(name: str, setting: Any) -> Any:
    import ipywidgets

    if isinstance(setting, bool):
        return ipywidgets.Checkbox(setting, description=name)
    if isinstance(setting, list):
        return ipywidgets.Dropdown(options=setting, description=name)
    low, high, *step = setting
    look = {"description": name, "continuous_update": False, "style": {"description_width": "initial"}}
    look["tooltip"] = f"{name}: {low:g} to {high:g}"  # without one the browser shows "null"
    if all(isinstance(number, int) for number in setting):
        return ipywidgets.IntSlider((low + high) // 2, low, high, *step, **look)
    return ipywidgets.FloatSlider((low + high) / 2, min=low, max=high, step=step[0] if step else 0.01, **look)


def _view(widget: Any) -> dict[str, Any]:
    return {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}


def _shell() -> Any:
    """The running IPython shell, or None in plain Python."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _display(bundle: dict[str, Any]) -> None:
    if _shell() is None:
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(bundle, raw=True)
