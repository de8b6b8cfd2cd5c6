"""The pictures of notebook 04: signals on small graphs, labels on the digits, a photograph, accuracies."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.datasets import grid_graph
from lessons.graph import Graph, Label
from lessons.laplacian_regularization import dirichlet_energy
from lessons.show import FAINT, INK, LIGHT, PALETTE, PAPER, SHADES, TEN, canvas
from lessons.show.graph import _free_direction, layout, listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]

NODE = 24.0  # diameter of a disc, in points
MARKS = "os^DvPX*"  # one for each colour
CLEAR = 0.025  # of accuracies: a lead that the alt text tells of
FEW = 0.1  # share of the labels up to which those that are wrong are few


# ---------------------------------------------------------------------------------------- signals on small graphs


def draw_signal(
    graph: Graph, X: ArrayLike, *, known: Collection[Label] = (), energy: bool = False, digits: int = 2
) -> Picture:
    """A signal (n,) on a small graph, values in the discs, darker where larger; `known` nodes have thick rims.

    With `energy`, each edge shows what it adds to the Dirichlet energy, w (x_i - x_j)^2.
    """
    x, at = np.asarray(X, float), _lying(layout(graph))
    fig, axes = canvas(3.2, 2.5)
    axes.set_axis_off()
    axes.margins(0.15, 0.25)
    u, v = graph.edge_rows.T
    parts = graph.edge_weights * (x[u] - x[v]) ** 2
    for (start, end), part in zip(at[graph.edge_rows], parts, strict=True):
        axes.plot(*np.array([start, end]).T, color=INK, linewidth=1.4, zorder=1)
        if energy:
            box = {"boxstyle": "round,pad=0.12", "facecolor": PAPER, "edgecolor": "none"}
            axes.annotate(_short(part, digits), (start + end) / 2, ha="center", va="center", fontsize=12, bbox=box)
    shade = (x - x.min()) / (np.ptp(x) or 1.0)
    for row, label in enumerate(graph.nodes):
        _disc(axes, at[row], _short(x[row], digits), shade[row], label in known)
        _named(axes, str(label), at[row], _free_direction(graph, at, row))
    values = graph.by_node([_short(value, digits) for value in x])
    told = f"A signal on a graph: {listed(values, '{value} at {label}')}."
    if energy:
        axes.set_title(f"energy {_short(parts.sum(), digits)}", fontsize=13, color=INK)
        edges = listed({f"{a} – {b}": part for (a, b), part in graph.by_edge(parts).items()}, "{label} {value}")
        told += f" Its energy is {_short(parts.sum(), digits)}, edge by edge: {edges}."
    return fig, told


def _disc(axes: Any, where: NDArray[np.float64], text: str, shade: float, thick: bool) -> None:
    colour = tuple(np.array([1.0, 1.0, 1.0]) - shade * np.array([0.75, 0.5, 0.2]))
    width = 3.2 if thick else 1.2
    axes.scatter(*where, s=NODE**2, color=[colour], edgecolors=INK, linewidths=width, zorder=3)
    axes.annotate(text, where, ha="center", va="center", fontsize=12 if len(text) < 4 else 9.5, zorder=4)


def _named(axes: Any, name: str, where: NDArray[np.float64], aside: NDArray[np.float64]) -> None:
    look = {"ha": "center", "va": "center", "fontsize": 12, "style": "italic", "textcoords": "offset points"}
    axes.annotate(name, where, tuple(0.85 * NODE * aside), **look)


def _lying(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same places, turned so that they spread most from left to right, the first node on the left."""
    at = at - at.mean(axis=0)
    axes = np.linalg.svd(at)[2]
    turned = at @ axes.T
    return turned * np.where(turned[:1] > 0, -1, 1)


def _short(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    return "0" if text in ("-0", "") else text.replace("-", "−")


# ---------------------------------------------------------------------------------------- labels on the digits


def draw_labels(graph: Graph, labels: ArrayLike, *, known: ArrayLike, truth: ArrayLike | None = None) -> Picture:
    """A large graph with whole numbers as labels (n,), -1 where unknown: a numeral each, the `known` rows large.

    With `truth` (n,), a circle around each label that is wrong. Unknown nodes are grey dots.
    """
    from matplotlib.collections import LineCollection

    labels, known = np.asarray(labels), np.asarray(known)
    at = graph.kept("layout", lambda: layout(graph))
    fig, axes = canvas(6.4, 5.2)
    axes.set_axis_off()
    axes.add_collection(LineCollection(at[graph.edge_rows], colors=FAINT, linewidths=0.4, zorder=1))
    axes.scatter(*at[labels < 0].T, s=5, color=FAINT, linewidths=0, zorder=2)
    for label in np.unique(labels[labels >= 0]):
        here = at[labels == label]
        axes.scatter(*here.T, s=16, marker=f"${label}$", color=TEN[label % 10], linewidths=0.1, zorder=3)
    wrong = np.zeros(graph.n, bool) if truth is None else (labels >= 0) & (labels != np.asarray(truth))
    axes.scatter(*at[wrong].T, s=58, marker="o", facecolors="none", edgecolors=INK, linewidths=0.8, zorder=4)
    for row in known:
        box = {"boxstyle": "round,pad=0.2", "facecolor": PAPER, "edgecolor": INK, "linewidth": 1.6}
        look = {"ha": "center", "va": "center", "fontsize": 12, "weight": "bold", "bbox": box, "zorder": 6}
        axes.text(*at[row], str(labels[row]), **look)
    axes.autoscale_view()
    return fig, _told_labels(graph.n, labels, known, wrong, truth is not None)


def _told_labels(n: int, labels: NDArray[Any], known: NDArray[Any], wrong: NDArray[np.bool_], judged: bool) -> str:
    begin = f"The neighbour graph of {n:,} digits, {len(known)} of them in boxes, with their labels."
    if not judged:
        return f"{begin} All others are dots: unknown."
    dots = "those that no label reaches are dots" if (labels < 0).any() else "none is left out"
    many = "few" if wrong.sum() < FEW * n else "many"
    return (
        f"{begin} Circles, around those that are wrong, are {many} among the labels given to the others; {dots}."
    )


# ---------------------------------------------------------------------------------------- a photograph


def draw_picture(image: ArrayLike, clean: ArrayLike, title: str = "") -> Picture:
    """A grey picture, values 0 ... 1; its alt text says how rough it is beside the `clean` one."""
    fig, axes = canvas(3.2, 3.5)
    _show(axes, np.asarray(image), title, 15)
    return fig, f"The photograph, {roughness(image, clean)}."


def draw_pictures(pictures: Mapping[str, ArrayLike]) -> Picture:
    """Grey pictures side by side under their names; the alt text compares them with the first, the clean one."""
    fig, axes = canvas(6.4, 6.4 / len(pictures) + 0.3, columns=len(pictures))
    clean = np.asarray(next(iter(pictures.values())))
    for axis, (name, image) in zip(np.atleast_1d(axes), pictures.items(), strict=True):
        _show(axis, np.asarray(image), name, 10)
    told = ", ".join(f"{name} ({roughness(image, clean)})" for name, image in list(pictures.items())[1:])
    return fig, f"A photograph of a roof against the sky, {next(iter(pictures))}; beside it {told}."


def _show(axes: Any, image: NDArray[Any], title: str, fontsize: float) -> None:
    axes.imshow(image, cmap=LIGHT, vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=fontsize, color=INK)
    axes.set_axis_off()


def roughness(image: ArrayLike, clean: ArrayLike) -> str:
    """The Dirichlet energy of a picture beside that of the clean one, in words.

    >>> roughness([[0.0, 9.0]], [[0.0, 1.0]])
    'far rougher than the clean one'
    """
    image, clean = np.asarray(image, float), np.asarray(clean, float)
    grid = grid_graph(*clean.shape)
    ratio = dirichlet_energy(grid, image.ravel()) / dirichlet_energy(grid, clean.ravel())
    for bound, words in ((0.2, "far smoother than"), (0.75, "smoother than"), (1.33, "about as rough as")):
        if ratio < bound:
            return f"{words} the clean one"
    return f"{'far ' if ratio > 5 else ''}rougher than the clean one"


# ---------------------------------------------------------------------------------------- runs over seeds


def draw_accuracies(
    where: Sequence[object], runs: Mapping[str, Sequence[Sequence[float]]], axis: str = ""
) -> Picture:
    """Accuracies of several ways at several places: mean and standard deviation over seeds, and the runs as dots.

    `runs` maps a way, of eight at most, to a list of runs for each entry of `where`, which is empty where the way
    was not tried; `axis` names the places.
    """
    if len(runs) > len(PALETTE):
        raise ValueError(f"{len(runs)} ways: {len(PALETTE)} can be told apart")
    fig, axes = canvas(6.4, 3.1)
    width = 0.6 / len(runs)
    for k, (name, lists) in enumerate(runs.items()):
        tried = [at for at, values in enumerate(lists) if len(values)]
        place = np.array(tried) + width * (k - (len(runs) - 1) / 2)
        shares = [100 * np.asarray(lists[at]) for at in tried]
        for x, values in zip(place, shares, strict=True):
            axes.scatter(np.full(len(values), x), values, s=7, color=PALETTE[k], alpha=0.45, linewidths=0)
        spread = [values.std(ddof=1) for values in shares]
        look = {"fmt": MARKS[k], "color": PALETTE[k], "capsize": 4, "markersize": 6, "markeredgecolor": INK}
        axes.errorbar(place, [values.mean() for values in shares], spread, label=name, **look)
    axes.set_xticks(range(len(where)), [str(entry) for entry in where])
    axes.set(xlabel=axis, ylabel="right [%]", xlim=(-0.5, len(where) - 0.5))
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig, _told_accuracies(where, runs, axis)


def _told_accuracies(where: Sequence[object], runs: Mapping[str, Sequence[Sequence[float]]], axis: str) -> str:
    """Names who is ahead or behind by a clear margin only: small leads change from machine to machine."""
    told = []
    for at, place in enumerate(where):
        means = {name: float(np.mean(lists[at])) for name, lists in runs.items() if len(lists[at])}
        best = sorted(means, key=means.__getitem__, reverse=True)
        ahead = _clear_of_the_rest(means, best)
        behind = _clear_of_the_rest({name: -mean for name, mean in means.items()}, best[::-1])
        told += [f"at {place}: {' before '.join(ahead)} ahead"] if ahead else []
        told += [f"at {place}: {behind[0]} behind"] if len(behind) == 1 else []
    places = f"{', '.join(map(str, where))}{f' {axis}' if axis else ''}"
    clear = f"Clearly apart: {', '.join(told)}." if told else "None is clearly ahead."
    return f"Share that is right, mean and spread over seeds, of {', '.join(runs)}, for {places}. {clear}"


def _clear_of_the_rest(means: Mapping[str, float], best: Sequence[str]) -> list[str]:
    """The names that come first, each clear of the next: fewer than half of all."""
    leads = [means[one] - means[other] > CLEAR for one, other in pairwise(best)]
    clear = leads.index(False) if False in leads else len(leads)
    return list(best[: min(clear, (len(best) - 1) // 2)])


def draw_weights(weights: Mapping[str, ArrayLike]) -> Picture:
    """The weights of a layer that looks at square pictures, (k, pixels) each: a row of tiles for each name.

    Each row has its own scale: dark where negative, light where positive, grey at zero.
    """
    side = math.isqrt(np.shape(next(iter(weights.values())))[1])
    tiles = {name: np.asarray(W, float).reshape(-1, side, side) for name, W in weights.items()}
    fig, axes = canvas(6.4, 0.85 * len(tiles) + 0.1, rows=len(tiles))
    for axis, (name, W) in zip(np.atleast_1d(axes), tiles.items(), strict=True):
        gap = np.full((len(W), side, 1 + side // 8), np.nan)
        sheet = np.concatenate([W, gap], axis=2).transpose(1, 0, 2).reshape(side, -1)
        top = np.abs(W).max() or 1.0
        axis.imshow(sheet, cmap=SHADES, vmin=-top, vmax=top, interpolation="nearest")
        axis.set_title(name, fontsize=10, color=INK, loc="left", pad=2)
        axis.set_axis_off()
    return fig, _told_weights(tiles)


def _told_weights(tiles: Mapping[str, NDArray[np.float64]]) -> str:
    side = next(iter(tiles.values())).shape[-1]
    pixels = grid_graph(side, side)
    rough = {
        name: dirichlet_energy(pixels, W.reshape(len(W), -1).T).sum() / ((W**2).sum() or 1.0)
        for name, W in tiles.items()
    }
    smoothest = min(rough, key=rough.__getitem__)
    shown = f"Weights as tiles of {side} × {side} pixels, a row for each penalty: {', '.join(tiles)}."
    return f"{shown} Smoothest, for their size, are those of {smoothest}."
