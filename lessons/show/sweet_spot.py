"""The pictures of notebook 12: maps of errors, boxes, runs and their means, curves of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.show import AMOUNTS, FAINT, INK, PALE_BLUE, PALETTE, PAPER, SHADES, STROKES, canvas
from lessons.sweet_spot import Box, Groups, Quadratic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]

C_AXIS, L_AXIS = (0.0, 1.02), (0.9, 4.55)
MARKS = "osD^v*"
BOX = PALETTE[5]
LINES = ("-", "--", ":", "-.", (0, (5, 1)))
DARK = 0.55  # of the colour scale: figures on darker cells are written in white


# ---------------------------------------------------------------------------------------- maps


def draw_map(
    cells: Groups, parts: int = 15, boxes: Mapping[str, Box] | None = None, framed: ArrayLike | None = None
) -> Picture:
    """Mean errors in the plane of C and L, a coloured cell each, of a grid of `parts` x `parts`; see `in_cells`.

    With 15 parts or fewer the mean stands in its cell. `boxes` are drawn with dashed edges; cells where `framed`
    is true have a frame. The colours go from the 1st to the 99th percentile.
    """
    fig, axis = canvas(6.4, 4.6)
    scale = _colour_scale(cells.mean)
    frames = np.zeros(len(cells), bool) if framed is None else np.asarray(framed, bool)
    for C, L, mean, frame in zip(cells.C, cells.L, cells.mean, frames, strict=True):
        colour = scale.to_rgba(mean)
        _draw_cell(axis, C, L, parts, colour, frame)
        if parts <= 15:
            look: dict[str, Any] = {"color": PAPER if scale.norm(mean) > DARK else INK, "fontsize": 7, "zorder": 4}
            behind = {"facecolor": colour, "linewidth": 0, "pad": 0.6}  # no dashed line strikes it through
            axis.text(C, L, f"{mean:.1f}", ha="center", va="center", bbox=behind, **look)
    _name_boxes(axis, boxes or {})
    axis.set(xlim=(0, 1.02), ylim=L_AXIS, xlabel="C, clustering", ylabel="L, mean shortest path")
    fig.colorbar(scale, ax=axis, label="test error [%]", shrink=0.8, extend="both")
    best = int(np.argmin(cells.mean))
    marked = [*(boxes or {}), *([f"{frames.sum()} cells with a frame"] if frames.any() else [])]
    return fig, (
        f"Mean test error in {len(cells):,} cells of the plane of C and L, {cells.mean.min():.2f} to "
        f"{cells.mean.max():.2f} %, lowest at C {cells.C[best]:.2f}, L {cells.L[best]:.2f}."
        + (f" Marked: {', '.join(marked)}." if marked else "")
    )


def _draw_cell(axis: Any, C: float, L: float, parts: int, colour: Any, frame: bool) -> None:
    from matplotlib.patches import Rectangle

    wide, high = 1 / parts, 3.5 / parts
    look: dict[str, Any] = {"edgecolor": INK, "linewidth": 1.3, "zorder": 1.5} if frame else {"linewidth": 0}
    axis.add_patch(Rectangle((C - wide / 2, L - high / 2), wide, high, facecolor=colour, **look))


def _colour_scale(values: Floats) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = np.percentile(values, [1, 99])
    return ScalarMappable(Normalize(low, high), f"{SHADES}_r")


def _draw_box(axis: Any, box: Box) -> None:
    from matplotlib.patches import Rectangle

    size = box.C_high - box.C_low, box.L_high - box.L_low
    look: dict[str, Any] = {"fill": False, "linestyle": "--", "edgecolor": BOX, "linewidth": 2}
    axis.add_patch(Rectangle((box.C_low, box.L_low), *size, **look))


def _name_boxes(axis: Any, boxes: Mapping[str, Box]) -> None:
    """Each box, and its name beside the map with an arrow to it."""
    for row, (name, box) in enumerate(boxes.items()):
        _draw_box(axis, box)
        look = {"arrowprops": {"arrowstyle": "->", "color": BOX}, "color": BOX, "fontsize": 11}
        beside = 0.04, 0.74 - 0.08 * row
        axis.annotate(name, (box.C_low, box.L_high), beside, textcoords="axes fraction", **look)


def draw_kept(groups: Groups, worse: ArrayLike, common: Box | None = None) -> Picture:
    """Which groups are not clearly worse than the best, a dot, and which are, a faint cross; and the box around.

    `common`, if there is one, is filled: what the boxes of all experiments share.
    """
    from lessons.sweet_spot import bounding_box

    fig, axis = canvas(3.2, 3.4)
    worse = np.asarray(worse, bool)
    left = groups[~worse]
    box = bounding_box(left.C, left.L)
    axis.plot(groups.C[worse], groups.L[worse], "x", color=FAINT, markersize=6)
    axis.plot(left.C, left.L, "o", color=PALETTE[0], markersize=8, markeredgecolor=INK)
    if common:
        axis.fill_between(common[:2], *common[2:], color=PALETTE[1], alpha=0.9, linewidth=0, zorder=0)
    _draw_box(axis, box)
    axis.set(xlim=(0, 1.03), ylim=L_AXIS, xlabel="C", ylabel="L", xticks=[0, 0.5, 1])
    axis.set_title(f"{len(left)} of {len(groups)} left", fontsize=14, color=INK)
    _enlarge(axis)
    shared = f"all six share {told_box(common)}" if common else "all six share no box"
    return (
        fig,
        f"{len(left)} of {len(groups)} are not clearly worse than the best, within {told_box(box)}; {shared}.",
    )


def _enlarge(axis: Any) -> None:
    """Letters that can still be read where three pictures stand side by side."""
    axis.tick_params(labelsize=12)
    axis.xaxis.label.set_size(14)
    axis.yaxis.label.set_size(14)


def told_box(box: Box) -> str:
    """A box in words.

    >>> told_box(Box(0.43012, 0.5, 1.81667, 2.28075))
    'C 0.43 to 0.50, L 1.82 to 2.28'
    """
    return f"C {box.C_low:.2f} to {box.C_high:.2f}, L {box.L_low:.2f} to {box.L_high:.2f}"


def draw_intervals(boxes: Mapping[str, Box], common: Box | None) -> Picture:
    """The boxes of several experiments, their C and their L as bars side by side; shaded what they all share."""
    fig, axes = canvas(6.4, 2.6, columns=2)
    names = list(boxes)
    for axis, letter, ends in zip(axes, "CL", ((0, 1), (2, 3)), strict=True):
        for row, box in enumerate(boxes.values()):
            low, high = (box[end] for end in ends)
            axis.plot(
                [low, high], [row, row], "|-", color=PALETTE[0], linewidth=3, markersize=11, markeredgewidth=2
            )
        if common:
            axis.axvspan(*(common[end] for end in ends), color=PALETTE[1], alpha=0.45, linewidth=0, zorder=0)
        axis.set(xlabel=letter, yticks=range(len(names)), yticklabels=names if letter == "C" else [])
        axis.set_ylim(len(names) - 0.5, -0.5)
    shared = f"All share {told_box(common)}." if common else "They share no box."
    return fig, f"Boxes of {', '.join(names)}, as bars of C and of L. {shared}"


def draw_often(found: Sequence[Box], tries: int, boxes: Mapping[str, Box]) -> Picture:
    """How often each place lies in a box that was found, in so many tries; `boxes` are drawn dashed.

    The alt text tells no digits: they hang on chance.
    """
    fig, axis = canvas(5.2, 3.6)
    C, L = np.linspace(0, 1, 201), np.linspace(1, 4.5, 351)
    often = np.zeros((len(L), len(C)))
    for box in found:
        often += np.outer((box.L_low <= L) & (box.L_high >= L), (box.C_low <= C) & (box.C_high >= C))
    share = axis.pcolormesh(C, L, 100 * often / tries, cmap=AMOUNTS, vmin=0, shading="nearest")
    _name_boxes(axis, boxes)
    fig.colorbar(share, ax=axis, label="in the common box [% of tries]")
    axis.set(xlim=(0.2, 0.75), ylim=(1.5, 2.6), xlabel="C", ylabel="L")
    return (
        fig,
        f"How often each place of the plane is in the common box, in {tries} tries; dashed: {', '.join(boxes)}.",
    )


# ---------------------------------------------------------------------------------------- runs and means


def draw_runs(runs: Mapping[str, Sequence[float]]) -> Picture:
    """The runs of some networks as dots, a row each; a bar from mean - std to mean + std (ddof=0)."""
    fig, axis = canvas(6.4, 0.7 + 0.5 * len(runs))
    told = []
    for row, (name, values) in enumerate(runs.items()):
        mean, std = np.mean(values), np.std(values)
        axis.plot(values, [row] * len(values), "o", color=PALETTE[0], markersize=7, markeredgecolor=INK)
        axis.errorbar(mean, row + 0.25, xerr=std, fmt="D", color=PALETTE[5], markersize=5, capsize=4)
        told.append(f"{name} {mean:.2f} ± {std:.2f}")
    axis.set(yticks=range(len(runs)), yticklabels=list(runs), xlabel="test error [%]")
    axis.set_ylim(len(runs) - 0.5, -0.5)
    return fig, f"Runs as dots, mean and spread as a bar below: {'; '.join(told)}."


def draw_histogram(values: ArrayLike, marks: Mapping[str, float]) -> Picture:
    """How many graphs have which mean error, and where some stand among them, an arrow each."""
    fig, axis = canvas(6.4, 2.8)
    counts, _, _ = axis.hist(
        np.asarray(values, float), bins=50, color=PALE_BLUE, edgecolor=PALETTE[0], linewidth=0.4
    )
    top = float(counts.max())
    for k, (name, at) in enumerate(sorted(marks.items(), key=lambda mark: mark[1])):
        at_the_rim = k in (0, len(marks) - 1)
        inner = "right" if at < np.median(np.asarray(values)) else "left"
        side, height = ("center", 0.8) if at_the_rim else (inner, 1.15 + 0.12 * (k % 2))
        look = {"ha": side, "fontsize": 10, "arrowprops": {"arrowstyle": "->", "color": INK}}
        axis.annotate(f" {name} {at:.2f} ", (at, 0), (at, top * height), **look)
    axis.set(xlabel="mean test error [%]", ylabel="graphs", ylim=(0, 1.55 * top))
    axis.margins(x=0.15)
    told = ", ".join(f"{name} {at:.2f}" for name, at in marks.items())
    return fig, f"Histogram of the mean errors of {np.size(values):,} graphs. Marked: {told}."


# ---------------------------------------------------------------------------------------- fits and curves


def draw_fits(slices: Mapping[str, tuple[ArrayLike, ArrayLike, Quadratic]]) -> Picture:
    """Errors over C or L within a slice of the other, and the parabola through them: {axis: (x, errors, fit)}."""
    fig, axes = canvas(6.4, 3.0, columns=len(slices))
    told = []
    for axis, (name, (x, errors, fit)) in zip(np.atleast_1d(axes), slices.items(), strict=True):
        x = np.asarray(x, float)
        line = np.linspace(x.min(), x.max(), 200)
        axis.plot(x, errors, ".", color=PALETTE[0], markersize=3)
        axis.plot(line, fit.a2 * line**2 + fit.a1 * line + fit.a0, color=PALETTE[5], linewidth=2.5)
        axis.axvline(fit.vertex, color=INK, linewidth=1, linestyle="--")
        axis.set_title(f"lowest at {fit.vertex:.2f}, R² {fit.R2:.2f}", fontsize=10, color=INK)
        axis.set(xlabel=name)
        told.append(f"over {name} {len(x):,} graphs, lowest at {fit.vertex:.2f}, R² {fit.R2:.2f}")
    np.atleast_1d(axes)[0].set_ylabel("mean test error [%]")
    return fig, f"Errors of graphs and parabolas through them: {'; '.join(told)}."


def draw_by_epoch(epochs: ArrayLike, curves: Mapping[str, ArrayLike], marked: int) -> Picture:
    """Correlations with the last epoch over the epoch, a line for each task; one epoch is marked."""
    fig, axis = canvas(6.4, 3.2)
    at = np.asarray(epochs)
    for (name, r), colour, mark, line in zip(curves.items(), STROKES, MARKS, LINES, strict=False):
        look = {"marker": mark, "markersize": 6, "markeredgecolor": INK}
        axis.plot(at, r, color=colour, linestyle=line, label=name, **look)
    axis.axvline(marked, color=FAINT, linewidth=1, zorder=0)
    axis.set(xscale="log", xlabel="epoch", ylabel="r with the last epoch", ylim=(0, 1.03))
    axis.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axis.legend(frameon=False, fontsize=10, loc="center left", bbox_to_anchor=(1.0, 0.5))
    told = ", ".join(f"{name} {np.asarray(r)[at == marked][0]:.2f}" for name, r in curves.items())
    return fig, f"How errors after each epoch correlate with those after the last. After epoch {marked}: {told}."


def draw_agreement(names: Sequence[str], r: ArrayLike) -> Picture:
    """Correlations of each experiment with each, as a table of coloured figures."""
    fig, axis = canvas(4.6, 3.6)
    table = np.asarray(r, float)
    axis.imshow(table, cmap=AMOUNTS, vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(table):
        axis.text(j, i, f"{value:.2f}", ha="center", va="center", color=PAPER if value > 0.6 else INK)
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    pairs = [
        (table[i, j], f"{names[i]} and {names[j]} {table[i, j]:.2f}") for i in range(len(names)) for j in range(i)
    ]
    return fig, (f"Correlations between {', '.join(names)}. Highest {max(pairs)[1]}, lowest {min(pairs)[1]}.")


def draw_curse(
    top: ArrayLike, chosen: ArrayLike, held_out: ArrayLike, everyone: float, chance: ArrayLike
) -> Picture:
    """Error of the best few graphs by the seeds that chose them, and in a seed that did not; and that of all.

    `chance` is the standard error of each score in the seed left out, drawn as a bar.
    """
    fig, axis = canvas(6.4, 3.0)
    look: dict[str, Any] = {"markeredgecolor": INK, "capsize": 3}
    axis.errorbar(top, held_out, chance, fmt="o-", color=PALETTE[5], label="in the seed left out", **look)
    axis.plot(top, chosen, "s--", color=PALETTE[0], markeredgecolor=INK, label="in the seeds they were chosen by")
    axis.axhline(everyone, color=INK, linewidth=1, linestyle=":", label="all graphs")
    axis.set(xscale="log", xlabel="graphs chosen", ylabel="mean test error [%]")
    axis.set_xticks(np.asarray(top), [f"{n:,}" for n in np.asarray(top)])
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    gap = np.asarray(held_out, float) - np.asarray(chosen, float)
    return fig, (
        f"The best 1 to {np.max(top):,} graphs: what chose them says less than a new seed does, by {gap[0]:.2f} "
        f"points for one graph and {gap[-1]:.2f} for {np.max(top):,}."
    )


def draw_slices(density: ArrayLike, errors: ArrayLike, edges: ArrayLike, r: ArrayLike) -> Picture:
    """Errors over the density of graphs; and below, the correlation of error and L in each slice of density.

    The last graph is the complete one, drawn large.
    """
    fig, (above, below) = canvas(6.4, 4.4, rows=2)
    x, y, edges, r = (np.asarray(values, float) for values in (density, errors, edges, r))
    above.plot(x[:-1], y[:-1], ".", color=PALETTE[0], markersize=3)
    above.plot(x[-1], y[-1], "o", color=PALETTE[5], markersize=9, markeredgecolor=INK)
    above.annotate("complete", (x[-1], y[-1]), (4, -8), textcoords="offset points", ha="right", va="top")
    above.set(ylabel="mean test error [%]")
    below.bar(edges[:-1], r, np.diff(edges), align="edge", color=PALE_BLUE, edgecolor=PALETTE[0])
    below.axhline(0, color=INK, linewidth=1)
    below.set(ylabel="r(error, L)", ylim=(-1, 1), xlabel="density, the share of pairs that are joined")
    for axis in (above, below):
        axis.set(xscale="log", xlim=(0.12, 1.05))
        axis.set_xticks([0.125, 0.25, 0.5, 1], ["1/8", "1/4", "1/2", "1"])
        axis.minorticks_off()
    told = ", ".join(f"{value:.2f}" for value in r)
    return (
        fig,
        f"Errors of {len(x) - 1:,} graphs over density. Correlation of error and L within slices of it: {told}.",
    )


# ---------------------------------------------------------------------------------------- runs of our own


def draw_sweep(errors: ArrayLike, graphs: int) -> Picture:
    """Runs and means of the first `graphs` rows of errors (G, S), as they come; the last row is the complete one.

    The line is the lowest mean so far. The alt text tells no digits: they are of this machine.
    """
    fig, axis = canvas(3.2, 3.0)
    table = np.asarray(errors, float)
    rows, complete = table[:-1][:graphs], table[-1]
    order, mean = np.arange(1, len(rows) + 1), rows.mean(axis=1)
    axis.plot(order, rows, ".", color=FAINT, markersize=6)
    axis.plot(order, mean, "o", color=PALETTE[0], markersize=8, markeredgecolor=INK)
    axis.plot(order, np.minimum.accumulate(mean), color=PALETTE[5], linewidth=2, drawstyle="steps-post")
    axis.axhline(complete.mean(), color=INK, linewidth=1, linestyle="--")
    axis.set(xlabel="graphs tried", ylabel="test error [%]", xlim=(0, len(table)))
    axis.set_ylim(table.min() - 0.3, table.max() + 0.3)
    axis.set_xticks(range(0, len(table), 3))
    _enlarge(axis)
    return fig, (
        f"Runs and mean errors of {len(rows)} graphs, a dashed line at the complete one, "
        "and the lowest mean so far, which can only fall."
    )


def draw_levels(levels: Mapping[str, ArrayLike]) -> Picture:
    """Mean errors of graphs in several experiments, a strip of dots each, less the mean of all of them.

    {name: (G,) mean errors}, the complete graph last, drawn large.
    """
    fig, axis = canvas(6.4, 0.9 + 0.5 * len(levels))
    told = []
    for row, (name, means) in enumerate(levels.items()):
        of_all = np.asarray(means, float)
        apart = of_all - of_all.mean()
        axis.plot(apart[:-1], np.full(len(apart) - 1, row), "|", color=PALETTE[0], markersize=14, alpha=0.5)
        axis.plot(apart[-1], row, "o", color=PALETTE[5], markersize=9, markeredgecolor=INK)
        told.append(f"{name} {apart[-1]:+.2f}")
    axis.axvline(0, color=FAINT, linewidth=1, zorder=0)
    axis.set(
        yticks=range(len(levels)), yticklabels=list(levels), xlabel="test error, less the mean of all [points]"
    )
    axis.set_ylim(len(levels) - 0.5, -0.5)
    return fig, f"Mean errors of each graph, less the mean of all. The complete graph, marked: {', '.join(told)}."
