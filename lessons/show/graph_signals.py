"""The pictures of notebook 07: signals on nodes, spectra, responses, polynomials, filters judged, embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import Graph
from lessons.graph_signals import FourierBasis, Response, chebyshev_coefficients, filter_exact, frequency
from lessons.show import FAINT, INK, PALETTE, SHADES, SIGNED, STROKES, TEN, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]

LINES = ("-", "--", "-.", ":")
FINE = 2000  # places at which a response and its polynomial are compared
ROUNDING = 1e-12  # an error below this changes with the machine
FLAT = 0.4  # height of the flattest map, over its width
APART = 0.1  # a polynomial this far from its response is seen to be apart
LABELLED = 10  # settings that all have a label; of more, the round ones do


# ---------------------------------------------------------------------------------------- signals on nodes


def ring_places(n: int) -> Floats:
    """(n, 2) places on a circle, the first on the right, the others counterclockwise."""
    angles = 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angles), np.sin(angles)])


def grid_places(rows: int, columns: int) -> Floats:
    """(rows * columns, 2) places of pixels, numbered as in `grid_graph`, the first row on top."""
    i, j = np.divmod(np.arange(rows * columns), columns)
    return np.column_stack([j, -i]).astype(float)


def draw_maps(graph: Graph, at: ArrayLike, signals: Mapping[str, ArrayLike], top: float | None = None) -> Picture:
    """Signals on the nodes of a graph, one map each; a name may have two lines.

    Circles are above zero, squares below, larger and stronger in colour the farther from it. `top` is the value
    of the largest marks; unless told, the largest of each map has its own.
    """
    values = {name: np.asarray(x, float) for name, x in signals.items()}
    at, wide = np.asarray(at, float), 6.4 if len(values) > 1 else 3.2
    fig, axes = canvas(wide, wide / len(values) * _height(at) + 0.25 * _lines(values), columns=len(values))
    for axis, (name, x) in zip(np.atleast_1d(axes), values.items(), strict=True):
        _draw_map(axis, graph, at, x, top or float(np.abs(x).max(initial=0.0)) or 1.0)
        axis.set_title(name, fontsize=10 if len(values) > 1 else 13, color=INK)
    told = ", ".join(f"{name.splitlines()[0]} {frequency(graph, x):.3f}" for name, x in values.items())
    alt = (
        f"Signals on {graph.n} nodes, with their frequencies: {told}. Circles are above zero, squares below, "
        "larger the farther from it."
    )
    return fig, alt


def _height(at: Floats) -> float:
    """How high a map is over its width; from `FLAT` to 1, so that there is room for marks."""
    width, height = np.ptp(at, axis=0)
    return float(np.clip(height / (width or 1.0), FLAT, 1.0))


def _lines(names: Mapping[str, Any]) -> int:
    return max(name.count("\n") + 1 for name in names)


def _draw_map(axis: Any, graph: Graph, at: Floats, x: Floats, top: float) -> None:
    from matplotlib.collections import LineCollection

    axis.add_collection(LineCollection(list(at[graph.edge_rows]), colors=FAINT, linewidths=0.5, zorder=1))
    largest = min(90.0, 9000.0 / graph.n) * (axis.figure.get_size_inches()[0] / 6.4) ** 0.5
    for mark, here in (("o", x >= 0), ("s", x < 0)):
        size = np.clip(np.abs(x[here]) / top, 0, 1)
        axis.scatter(
            *at[here].T, s=2 + largest * size, c=x[here], marker=mark, cmap=SIGNED, vmin=-top, vmax=top,
            edgecolors=INK, linewidths=0.4, zorder=2, clip_on=False,
        )  # fmt: skip
    axis.set_axis_off()
    axis.set_aspect("equal")
    width = (
        72 * axis.figure.get_size_inches()[0] / len(axis.figure.axes)
    )  # in points, as the square root of a size
    axis.margins(0.03 + largest**0.5 / width)


def draw_notes(U: ArrayLike, lam: ArrayLike) -> Picture:
    """The eigenvectors of a path as curves over its nodes, each with its frequency and its changes of sign."""
    U, lam = np.asarray(U, float), np.asarray(lam, float)
    fig, axes = canvas(6.4, 1.75 * -(-len(lam) // 3), columns=3, rows=-(-len(lam) // 3))
    changes = [sign_changes(u) for u in U.T]
    for axis in np.ravel(axes)[len(lam) :]:
        axis.set_axis_off()
    for axis, u, note, count in zip(np.ravel(axes), U.T, lam, changes, strict=False):
        axis.axhline(0, color=FAINT, linewidth=1)
        axis.plot(u, color=PALETTE[0], marker="o", markersize=5)
        axis.set(ylim=(-1, 1), xticks=range(len(u)), yticks=[-1, 0, 1])
        axis.set_title(f"{note:.2f}: {_times(count)}", fontsize=10, color=INK)
    told = ", ".join(f"{note:.2f} {_times(count)}" for note, count in zip(lam, changes, strict=True))
    return (
        fig,
        f"The eigenvectors of a path of {len(U)} nodes, with frequency and changes of sign: {told}.",
    )


def _times(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


def sign_changes(x: ArrayLike) -> int:
    """How often a signal changes its sign from one node of a path to the next; zeros are passed over."""
    signs = np.sign(np.where(np.abs(x) < ROUNDING, 0.0, x))
    signs = signs[signs != 0]
    return int((signs[1:] != signs[:-1]).sum())


# ---------------------------------------------------------------------------------------- frequencies


def draw_spectrum(lam: ArrayLike, spectra: Mapping[str, ArrayLike], cutoff: float) -> Picture:
    """How much of each frequency is in several signals, one below the other; dashed, a cutoff."""
    lam = np.asarray(lam, float)
    fig, axes = canvas(6.4, 0.5 + 1.3 * len(spectra), rows=len(spectra))
    size = {name: np.abs(np.asarray(x_hat, float)) for name, x_hat in spectra.items()}
    top = max(float(s.max(initial=0.0)) for s in size.values()) or 1.0
    told = []
    for axis, (name, amount), colour in zip(np.atleast_1d(axes), size.items(), STROKES, strict=False):
        axis.vlines(lam, 0, amount, color=colour, linewidth=1.4)
        axis.axvline(cutoff, color=INK, linestyle="--", linewidth=1)
        axis.set(ylim=(0, 1.05 * top), ylabel="amount")
        axis.set_title(name, fontsize=10, color=INK, loc="right", y=0.72)
        low = (amount[lam <= cutoff] ** 2).sum() / ((amount**2).sum() or 1.0)
        told.append(f"{name} {low:.0%}")
    np.atleast_1d(axes)[-1].set_xlabel("frequency")
    alt = (
        f"How much of each of {len(lam)} frequencies is in each signal. Share of the power up to the dashed line "
        f"at {cutoff:.3g}: {', '.join(told)}."
    )
    return fig, alt


def draw_responses(responses: Mapping[str, Response], lam: ArrayLike) -> Picture:
    """What filters let through, over the frequency; ticks along the bottom are the frequencies of a graph."""
    lam = np.asarray(lam, float)
    fig, axis = canvas(6.0, 2.9)
    fine = np.linspace(0, lam.max(), FINE)
    for (name, response), colour, line in zip(responses.items(), STROKES, LINES, strict=False):
        axis.plot(fine, response(fine), line, color=colour, linewidth=2, label=name)
    axis.plot(lam, np.full(lam.shape, -0.04), "|", color=INK, markersize=6)
    axis.set(xlabel="frequency", ylabel="let through", ylim=(-0.09, 1.08))
    axis.legend(frameon=False, fontsize=10)
    one = np.array([lam.max() / 2])
    told = ", ".join(f"{name} {float(np.asarray(response(one))[0]):.2f}" for name, response in responses.items())
    return fig, f"What filters let through, from 1 at frequency 0. In the middle, at {one[0]:.2f}: {told}."


def draw_filtered(
    graph: Graph, at: ArrayLike, basis: FourierBasis, x: ArrayLike, make: Callable[[float], Response], t: float
) -> Picture:
    """A signal after the filter `make(t)`, on marks as large as those of the signal before."""
    y = filter_exact(basis, np.asarray(x, float), make(t))
    fig, alt = draw_maps(graph, at, {"filtered": y}, top=0.8 * float(np.abs(x).max()))
    fig.axes[0].set_title(f"frequency {frequency(graph, y):.3f}", fontsize=13, color=INK)
    return fig, alt


# ---------------------------------------------------------------------------------------- polynomials


def draw_fit(response: Response, lam_max: float, order: int) -> Picture:
    """A response and its Chebyshev polynomial of some order, on 0 ... lam_max; dots, where they have to meet."""
    fig, axis = canvas(3.2, 2.9)
    fine = np.linspace(0, lam_max, FINE)
    c = chebyshev_coefficients(response, order, lam_max)
    meet = lam_max / 2 * (1 + np.cos(np.pi * (np.arange(order + 1) + 0.5) / (order + 1)))
    axis.plot(fine, response(fine), color=FAINT, linewidth=5, label="wanted")
    axis.plot(fine, polynomial(c, lam_max, fine), color=PALETTE[5], linewidth=1.8, label="polynomial")
    axis.plot(meet, response(meet), "o", color=INK, markersize=4)
    axis.set(ylim=(-0.4, 1.4), xlabel="frequency")
    axis.legend(frameon=False, fontsize=11)
    axis.tick_params(labelsize=11)
    alt = f"A response and its polynomial of order {order} on 0 to {lam_max:.3g}: "
    return fig, alt + _fit_told(np.asarray(response(fine), float), polynomial(c, lam_max, fine))


def _fit_told(wanted: Floats, found: Floats) -> str:
    """Where a polynomial is apart from its response, and how far it goes beyond all that was wanted."""
    share = np.mean(np.abs(found - wanted) > APART)
    above, below = max(found.max() - wanted.max(), 0.0), max(wanted.min() - found.min(), 0.0)
    return (
        f"more than {APART} apart on {share:.0%} of the frequencies, up to {above:.2f} above all that was wanted "
        f"and {below:.2f} below."
    )


def polynomial(c: ArrayLike, lam_max: float, lam: ArrayLike) -> Floats:
    """sum_j c_j T_j(2 lam / lam_max - 1), by numpy."""
    return np.polynomial.chebyshev.chebval(2 * np.asarray(lam, float) / lam_max - 1, np.asarray(c, float))


def _at_most(gap: float) -> str:
    return "no more than rounding" if gap < ROUNDING else f"at most {gap:.1g}"


def draw_errors(orders: Sequence[int], errors: Mapping[str, Sequence[float]]) -> Picture:
    """Errors over the order of the polynomial, on a logarithmic axis; dotted, where rounding begins."""
    fig, axis = canvas(5.6, 2.9)
    for (name, values), colour, mark in zip(errors.items(), STROKES, "os^D", strict=False):
        axis.semilogy(orders, np.maximum(values, 1e-17), color=colour, marker=mark, markersize=4, label=name)
    axis.axhline(np.finfo(float).eps, color=INK, linestyle=":", linewidth=1)
    axis.set(xlabel="order", ylabel="relative error", ylim=(1e-17, 10))
    axis.legend(frameon=False, fontsize=10, loc="center right")
    told = ", ".join(f"{name} {_at_most(values[-1])}" for name, values in errors.items())
    return fig, f"The relative error over the order, on a logarithmic axis. At order {orders[-1]}: {told}."


# ---------------------------------------------------------------------------------------- judged


def draw_choice(settings: Sequence[float], curves: Mapping[str, Sequence[float]], setting: str) -> Picture:
    """Errors over settings of a filter, evenly spaced, some labelled; a square marks the least of each curve."""
    fig, axis = canvas(5.6, 2.7)
    places = np.arange(len(settings))
    told = []
    for (name, values), colour, line in zip(curves.items(), STROKES, LINES, strict=False):
        least = int(np.argmin(values))
        axis.plot(places, values, line, marker="o", markersize=4, color=colour, label=name)
        axis.plot(least, values[least], "s", color=INK, markersize=11, fillstyle="none")
        told.append(f"{name} at {settings[least]:.3g}")
    some = _labelled(settings)
    axis.set_xticks(some, [f"{settings[place]:.4g}" for place in some])
    axis.set(xlabel=setting, ylabel="error", ylim=(0, None))
    axis.legend(frameon=False, fontsize=10)
    return fig, f"The error over the setting {setting}. Least: {', '.join(told)}."


def _labelled(settings: Sequence[float]) -> list[int]:
    """All places; of more than there is room for, those of round numbers that are not too close together."""
    if len(settings) <= LABELLED:
        return list(range(len(settings)))
    found: list[int] = []
    for place, value in enumerate(settings):
        if float(f"{value:.4g}") == value and (not found or place - found[-1] > 2):
            found.append(place)
    return found


def draw_scores(scores: Mapping[str, ArrayLike], unit: str) -> Picture:
    """A row for each way: a tick for each trial, below it the mean as a dot, the standard deviation as a bar."""
    fig, axis = canvas(6.0, 0.8 + 0.45 * len(scores))
    told = []
    for row, (name, values) in enumerate(scores.items()):
        trials = np.asarray(values, float)
        mean, spread = trials.mean(), trials.std(ddof=1)
        axis.plot(trials, np.full(len(trials), row + 0.16), "|", color=STROKES[row % len(STROKES)], markersize=9)
        axis.errorbar(mean, row - 0.16, xerr=spread, fmt="o", color=INK, capsize=4, markersize=5)
        told.append(f"{name} {mean:.2f} ± {spread:.2f}")
    axis.set_yticks(range(len(scores)), list(scores))
    axis.set(xlim=(0, None), ylim=(len(scores) - 0.5, -0.5), xlabel=unit)
    alt = f"A tick for each trial, mean and standard deviation below it, in {unit}: {', '.join(told)}."
    return fig, alt


def draw_embeddings(embeddings: Mapping[str, ArrayLike], y: ArrayLike) -> Picture:
    """Two coordinates of each image in each embedding, drawn as its numeral; coordinates are scaled to fit."""
    fig, axes = canvas(6.4, 3.5, columns=len(embeddings))
    y = np.asarray(y)
    told = []
    for axis, (name, Z) in zip(np.atleast_1d(axes), embeddings.items(), strict=True):
        Z = np.asarray(Z, float)[:, :2]
        for numeral in np.unique(y):
            shade = TEN[numeral % 10]
            axis.scatter(*Z[y == numeral].T, marker=f"${numeral}$", s=16, linewidths=0, color=shade)
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=10, color=INK)
        told.append(f"{_farthest(Z, y)} in {name}")
    alt = (
        f"{len(y):,} digits, each drawn as its numeral, in two coordinates. Farthest from the middle, in "
        f"the spread of each picture, lies the mean of {' and '.join(told)}."
    )
    return fig, alt


def _farthest(Z: Floats, y: NDArray[Any]) -> Any:
    """The label whose mean is farthest from the middle, each coordinate measured by its standard deviation."""
    apart = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    return max(np.unique(y).tolist(), key=lambda label: float(np.linalg.norm(apart[y == label].mean(axis=0))))


def draw_fields(at: ArrayLike, fields: Mapping[str, ArrayLike], cells: int = 120) -> Picture:
    """Signals on very many nodes of the unit square, as images: each pixel is the mean over its nodes."""
    at = np.asarray(at, float)
    fig, axes = canvas(6.4, 2.6, columns=len(fields))
    values = {name: np.asarray(x, float) for name, x in fields.items()}
    place = tuple(np.clip((at * cells).astype(int), 0, cells - 1).T[::-1])
    count = np.zeros((cells, cells))
    np.add.at(count, place, 1)
    told = []
    for axis, (name, x) in zip(np.atleast_1d(axes), values.items(), strict=True):
        image = np.zeros((cells, cells))
        np.add.at(image, place, x)
        image = np.where(count > 0, image / np.maximum(count, 1), np.nan)
        axis.imshow(image, cmap=SHADES, vmin=-1.5, vmax=1.5, origin="lower")
        axis.set_axis_off()
        axis.set_title(name, fontsize=10, color=INK)
        told.append(f"{name} {x.std():.2f}")
    return fig, f"Signals on {len(at):,} nodes as images, with their standard deviation: {', '.join(told)}."
