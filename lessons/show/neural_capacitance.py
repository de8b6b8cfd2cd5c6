"""The pictures of notebook 13: networks and their synapses, what becomes of beta, and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import as_graph
from lessons.prediction_of_accuracy import bayesian_line
from lessons.resilience import Curve
from lessons.show import FAINT, GREY, INK, PALETTE, PAPER, STROKES, canvas, mean_and_error
from lessons.show.graph import draw_graph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = tuple["Figure", str]
Floats = NDArray[np.float64]

MARKS = "osD^v*"
LINES = ("-", "--", ":", "-.")
LIT = PALETTE[5]
CONTROL = "noise"

# ---------------------------------------------------------------------------------------- dynamics on a network


def draw_acting(P: ArrayLike, names: str) -> Picture:
    """A small network with an arrow j -> i, and its weight, for each P[i, j] that is not 0."""
    links = np.asarray(P, float)
    arrows = [(names[j], names[i], links[i, j]) for i, j in np.argwhere(links).tolist()]
    graph = as_graph(arrows, nodes=names, directed=True)
    told = ", ".join(f"{j} → {i} {weight:g}" for j, i, weight in arrows)
    alt = f"Nodes {', '.join(names)}, and arrows from who acts to who is acted on, with weights: {told}."
    return draw_graph(graph, alt=alt, size=(4.0, 2.6))


def draw_collapse(curve: Curve, found: Mapping[str, tuple[ArrayLike, ArrayLike]], critical: float) -> Picture:
    """States of networks over their effective coupling, a mark each, beside the `curve` of the reduced equation.

    `found` is {kind of network: (beta, state)}. 0 is stable everywhere, and drawn up to the `critical` coupling,
    below which there is nothing else.
    """
    fig, axis = canvas(6.4, 3.4)
    axis.plot(curve.beta[curve.stable], curve.x[curve.stable], color=INK, linewidth=2, label="reduced, stable")
    axis.plot(curve.beta[~curve.stable], curve.x[~curve.stable], ":", color=INK, label="reduced, not stable")
    right = max(float(np.max(np.asarray(beta, float))) for beta, _ in found.values())
    axis.plot([0, right], [0, 0], color=INK, linewidth=2)
    sizes = (10, 7, 4)  # what lies on another mark is seen on it
    for (name, (beta, state)), colour, mark, size in zip(
        found.items(), PALETTE, MARKS, cycle(sizes), strict=False
    ):
        look: dict[str, Any] = {"markeredgecolor": INK, "markersize": size, "linestyle": "none"}
        axis.plot(beta, state, mark, color=colour, label=name, **look)
    axis.axvline(critical, color=FAINT, linewidth=1, zorder=0)
    axis.set(
        xlim=(0, right + 0.2),
        ylim=(-0.3, right),
        xlabel="beta, effective coupling",
        ylabel="x, weighted mean state",
    )
    axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    silent = "; ".join(_silent(name, *found[name], critical) for name in found)
    return fig, (
        f"The state of networks over their effective coupling, and the curve of one equation, which begins at "
        f"{critical:.2f}. Silent although the curve has life: {silent}."
    )


def _silent(name: str, beta: ArrayLike, state: ArrayLike, critical: float) -> str:
    """At which couplings above the critical one the networks of a kind are at 0 all the same."""
    at = [
        f"{b:.1f}" for b, x in zip(np.asarray(beta), np.asarray(state), strict=True) if b > critical and x < 0.01
    ]
    return f"{name} at {', '.join(at)}" if at else f"{name} never"


# ---------------------------------------------------------------------------------------- synapses


def draw_line_graph(sizes: Sequence[int], lit: tuple[int, int, int] = (2, 0, 1)) -> Picture:
    """A dense network of layers, and beside it its synapses, a disc each, joined where a unit joins them.

    The synapse `lit` (layer, receiver, sender) and all that it is joined with are drawn in another colour.
    """
    fig, (left, right) = canvas(6.4, 3.4, columns=2)
    layers = list(enumerate(pairwise(sizes), 1))
    synapses = [(at, j, i) for at, (n_in, n_out) in layers for j, i in product(range(n_out), range(n_in))]
    links = [(a, b) for a in synapses for b in synapses if (b[0], b[2]) == (a[0] + 1, a[1])]
    near = {end for link in links if lit in link for end in link}
    for at, j, i in synapses:
        ends = [at - 1, at], [_height(i, sizes[at - 1]), _height(j, sizes[at])]
        left.plot(*ends, **_stroke((at, j, i) == lit, (at, j, i) in near), zorder=1)
    for layer, size in enumerate(sizes):
        left.plot([layer] * size, [_height(k, size) for k in range(size)], "o", color=PAPER, markeredgecolor=INK)
        left.lines[-1].set_markersize(13)
    counts = {at: n_in * n_out for at, (n_in, n_out) in layers}
    place = {(at, j, i): (at, _height(j * sizes[at - 1] + i, counts[at])) for at, j, i in synapses}
    for a, b in links:
        right.plot(*np.transpose([place[a], place[b]]), **_stroke(False, lit in (a, b)), zorder=1)
    for name, (x, y) in place.items():
        look = {"facecolor": _fill(name, lit, near), "edgecolor": INK, "boxstyle": "round,pad=0.25"}
        right.text(x, y, f"{name[1]},{name[2]}", ha="center", va="center", fontsize=8, bbox=look)
    for at in counts:
        right.text(at, -1.75, f"layer {at}", ha="center", color=INK, fontsize=9)
    left.set_title(f"{sum(sizes)} units", fontsize=11, color=INK)
    right.set_title(f"{len(synapses)} synapses j,i and their {len(links)} links", fontsize=11, color=INK)
    for axis in (left, right):
        axis.set_axis_off()
        axis.margins(0.12)
    before, after = sum(end[0] < lit[0] for end in near), sum(end[0] > lit[0] for end in near)
    return fig, (
        f"A network {'-'.join(map(str, sizes))} and the graph of its {len(synapses)} synapses with "
        f"{len(links)} links. Lit is synapse {lit}, which is linked with {before} of the layer before and {after} "
        "of the next."
    )


def _height(k: int, count: int) -> float:
    return (count - 1) / 2 - k if count <= 3 else ((count - 1) / 2 - k) * 2.4 / (count - 1)


def _stroke(lit: bool, near: bool) -> dict[str, Any]:
    if lit:
        return {"color": LIT, "linewidth": 3.5}
    return {"color": PALETTE[0], "linewidth": 2.2} if near else {"color": FAINT, "linewidth": 1}


def _fill(name: tuple[int, int, int], lit: tuple[int, int, int], near: set[tuple[int, int, int]]) -> str:
    if name == lit:
        return PALETTE[1]
    return PALETTE[4] if name in near else PAPER


def draw_coupling(P: Any, counts: Sequence[int]) -> Picture:
    """P as a matrix: where synapses act on one another, by sign; lines part the layers of `counts` synapses."""
    from matplotlib.colors import ListedColormap

    fig, axis = canvas(4.4, 3.8)
    table = P.toarray() if hasattr(P, "toarray") else np.asarray(P, float)
    axis.imshow(np.sign(table), cmap=ListedColormap([PALETTE[1], PAPER, PALETTE[0]]), vmin=-1, vmax=1)
    for i, j in np.argwhere(table).tolist():
        axis.text(j, i, "+" if table[i, j] > 0 else "−", ha="center", va="center", color=INK, fontsize=8)
    ends = np.cumsum([0, *counts])
    for end in ends[1:-1]:
        axis.axhline(end - 0.5, color=INK, linewidth=1)
        axis.axvline(end - 0.5, color=INK, linewidth=1)
    middles = (ends[:-1] + ends[1:] - 1) / 2
    layers = [f"layer {k}" for k in range(1, len(counts) + 1)]
    axis.set_xticks(middles, layers)
    axis.set_yticks(middles, layers)
    axis.tick_params(length=0)
    axis.set(xlabel="acting", ylabel="acted on")
    axis.spines[:].set_visible(True)
    return fig, (
        f"P of {len(table)} synapses, with + and − where one acts on another: every entry is in the row of a "
        f"layer and the column of the next, {_layers_on(table, ends)} such blocks."
    )


def _layers_on(table: Floats, ends: NDArray[np.int64]) -> int:
    """How many blocks hold an entry. Raises AssertionError for one that is not right of the diagonal."""
    where = {tuple((np.searchsorted(ends, place, "right") - 1).tolist()) for place in np.argwhere(table)}
    assert all(column == row + 1 for row, column in where), "a synapse acts on the layer before its own only"
    return len(where)


# ---------------------------------------------------------------------------------------- one network learns


def draw_training(accuracy: ArrayLike, absolute: ArrayLike, signed: ArrayLike) -> Picture:
    """Accuracy, beta without signs and with signs over the epochs. The alt text has no digits of a machine."""
    fig, axes = canvas(6.4, 4.6, rows=3)
    rows = {"accuracy": accuracy, "beta, absolute": absolute, "beta, signed": signed}
    for axis, (name, values), colour, mark in zip(axes, rows.items(), STROKES, MARKS, strict=False):
        axis.plot(np.asarray(values, float), mark + "-", color=colour, markersize=3.5)
        axis.set_ylabel(name)
    axes[1].set_yscale("log")
    axes[2].set_yscale("symlog", linthresh=1e-3)
    axes[2].set_yticks([-1, -1e-2, 0, 1e-2, 1])
    axes[2].axhline(0, color=FAINT, linewidth=1, zorder=0)
    axes[2].text(0.99, 0.06, "linear from −0.001 to 0.001", transform=axes[2].transAxes, ha="right", color=GREY)
    axes[2].set_xlabel("epoch")
    fell = np.asarray(absolute, float)[-1] < 0.1 * np.asarray(absolute, float)[0]
    with_signs = np.sign(np.asarray(signed, float))
    return fig, (
        f"Over {np.size(accuracy) - 1} epochs accuracy rises; beta without signs "
        f"{'falls to less than a tenth' if fell else 'does not fall to a tenth'}; beta with signs "
        f"{'changes its sign on the way' if len(set(with_signs)) > 1 else 'keeps its sign'}."
    )


def draw_against_errors(errors: ArrayLike, beta: ArrayLike) -> Picture:
    """beta without signs over the mean error of a sample, both logarithmic; the dotted line is in proportion."""
    fig, axis = canvas(4.6, 3.0)
    x, y = np.asarray(errors, float), np.asarray(beta, float)
    axis.loglog(x, y, "o", color=PALETTE[0], markeredgecolor=INK, markersize=5)
    ends = np.array([x.min(), x.max()])
    axis.loglog(ends, ends * np.exp(np.mean(np.log(y / x))), ":", color=INK, label="in proportion")
    axis.plot(x[0], y[0], "s", markersize=11, fillstyle="none", color=LIT, label="untrained")
    axis.set(xlabel="mean error of a sample", ylabel="beta, absolute")
    axis.legend(frameon=False, fontsize=9)
    return fig, (
        f"beta without signs over the errors of the scores, {len(x)} epochs, on logarithmic axes. A dotted line "
        "shows what is in proportion; the epoch before all learning is marked."
    )


def draw_curves(accuracy: ArrayLike, seen: int, final: ArrayLike | None = None) -> Picture:
    """Accuracy (n, epochs + 1) of networks a, b, c ... after epochs 0 to `seen`; the rest of the axis is empty.

    With `final` (n,) the network that has most of it is drawn thick, and told.
    """
    fig, axis = canvas(6.4, 3.2)
    runs = np.asarray(accuracy, float)
    names, last = [chr(ord("a") + k) for k in range(len(runs))], runs.shape[1] - 1
    best = -1 if final is None else int(np.argmax(final))
    for k, run in enumerate(runs):
        look = {"color": LIT, "linewidth": 2.5} if k == best else {"color": PALETTE[0], "linewidth": 1}
        axis.plot(run[: seen + 1], **look)
    for name, run, height in zip(names, runs, _apart(runs[:, seen], 0.055), strict=True):
        axis.plot([seen, seen + 0.5], [run[seen], height], color=FAINT, linewidth=0.8)
        axis.text(seen + 0.6, height, name, va="center", color=INK, fontsize=10)
    axis.axvline(seen, color=FAINT, linewidth=1, zorder=0)
    axis.set(xlim=(0, last + 2.5), ylim=(0, 1.05), xlabel="epoch", ylabel="accuracy, rows to validate")
    order = ", ".join(names[k] for k in np.argsort(-runs[:, seen], kind="stable"))
    told = f" The best in the end is {names[best]}." if best >= 0 else ""
    return (
        fig,
        f"Accuracy of {len(runs)} networks over epochs 0 to {seen} of {last}; highest first: {order}.{told}",
    )


def _apart(heights: Floats, least: float) -> list[float]:
    """As near to these heights as can be, in the same order, with neighbours `least` apart or more."""
    order = np.argsort(heights, kind="stable")
    steps = least * np.arange(len(order))
    rest = heights[order] - steps  # these may be equal, but may not fall: pool those that do
    n = range(len(rest))
    pooled = [max(min(rest[i : j + 1].mean() for j in n[k:]) for i in n[: k + 1]) for k in n]
    return (np.array(pooled) + steps)[np.argsort(order)].tolist()


# ---------------------------------------------------------------------------------------- what is predicted


def draw_intercepts(networks: Mapping[str, tuple[ArrayLike, ArrayLike, float]]) -> Picture:
    """{name: (beta, accuracy, final accuracy)}: the epochs of each network, the ridge's line, and where it ends.

    beta is shown over its largest size. The line meets beta = 0 at the prediction; a square is what came.
    """
    fig, axes = canvas(6.4, 2.8, columns=len(networks))
    told, top = [], 1.0
    for axis, (name, (beta, accuracy, final)) in zip(np.atleast_1d(axes), networks.items(), strict=True):
        x, y = (np.asarray(values, float) for values in (beta, accuracy))
        x = x / np.abs(x).max()
        slope, level = bayesian_line(x, y)
        axis.plot([0, 1.05], [level, level + 1.05 * slope], color=PALETTE[0], linewidth=1.5)
        axis.plot(x, y, "o", color=PALETTE[0], markeredgecolor=INK, markersize=5)
        for epoch, aside in ((1, 5), (len(x), -11)):
            axis.annotate(str(epoch), (x[epoch - 1], y[epoch - 1]), (aside, -12), textcoords="offset points")
        axis.plot(0, level, "D", color=PALETTE[1], markeredgecolor=INK, markersize=8, clip_on=False, zorder=4)
        axis.plot(0, final, "s", color=LIT, markersize=10, fillstyle="none", markeredgewidth=2, clip_on=False)
        axis.set(xlim=(0, 1.1), xlabel="beta / largest beta")
        axis.set_title(name, fontsize=11, color=INK)
        told.append(f"{name} {level:.2f}, came {final:.2f}")
        top = max(top, level)
    for axis in np.atleast_1d(axes):
        axis.set_ylim(0, 1.08 * top)
        axis.axhline(1, color=FAINT, linewidth=1, zorder=0)
    np.atleast_1d(axes)[0].set_ylabel("accuracy")
    return fig, f"Accuracy over beta in the first epochs, and lines to beta = 0. Predicted: {'; '.join(told)}."


def draw_taus(taus: Mapping[str, ArrayLike], epochs: int) -> Picture:
    """Kendall's tau of each predictor: the mean over seeds and its standard error; a dashed line at the first."""
    fig, axis = canvas(3.2, 3.4)
    told = []
    for row, (name, values) in enumerate(taus.items()):
        mean, error = mean_and_error(values)
        colour = PALETTE[5] if "beta" in name else PALETTE[0]
        face = PAPER if name == CONTROL else colour
        look: dict[str, Any] = {"markersize": 9, "markeredgecolor": INK, "markerfacecolor": face, "capsize": 3}
        axis.errorbar(mean, row, xerr=error, fmt="s" if "beta" in name else "o", color=colour, **look)
        told.append(f"{name} {mean:.2f}")
    first = mean_and_error(next(iter(taus.values())))[0]
    axis.axvline(first, color=INK, linewidth=1, linestyle="--", zorder=0)
    axis.axvline(0, color=FAINT, linewidth=1, zorder=0)
    axis.set(yticks=range(len(taus)), yticklabels=list(taus), xlim=(-0.5, 1), xlabel="Kendall's tau")
    axis.set_ylim(len(taus) - 0.5, -0.5)
    axis.tick_params(labelsize=12)
    axis.xaxis.label.set_size(13)
    axis.set_title(f"{epochs} epochs seen", fontsize=13, color=INK)
    return fig, f"Kendall's tau with the final accuracy after {epochs} epochs: {', '.join(told)}."


def draw_tests(tests: Sequence[Mapping[str, Any]], level: float = 0.05) -> Picture:
    """Paired differences of tau, a row for each question, a mark for each zoo; filled where `holm` < level."""
    from textwrap import fill

    questions = list(dict.fromkeys(test["question"] for test in tests))
    zoos = list(dict.fromkeys(test["zoo"] for test in tests))
    fig, axis = canvas(6.4, 0.9 + 0.55 * len(questions))
    for test in tests:
        k = zoos.index(test["zoo"])
        row = questions.index(test["question"]) + 0.14 * (k - (len(zoos) - 1) / 2)
        colour, face = STROKES[k % len(STROKES)], STROKES[k % len(STROKES)] if test["holm"] < level else PAPER
        look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": 6, "elinewidth": 1.2}
        name = test["zoo"] if test["question"] == questions[0] else None
        axis.errorbar(test["mean"], row, xerr=test["error"], fmt=MARKS[k % len(MARKS)], label=name, **look)
    axis.axvline(0, color=INK, linewidth=1, zorder=0)
    axis.set(yticks=range(len(questions)), xlabel="difference of Kendall's tau")
    axis.set_yticklabels([fill(question, 24) for question in questions], fontsize=9)
    axis.set_ylim(len(questions) - 0.5, -0.5)
    for row in range(1, len(questions)):
        axis.axhline(row - 0.5, color=FAINT, linewidth=0.6, zorder=0)
    axis.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=3)
    return fig, (
        f"Differences of tau in {len(zoos)} zoos, filled where clear. "
        + "; ".join(_told_tests(question, tests, level) for question in questions)
        + "."
    )


def _told_tests(question: str, tests: Sequence[Mapping[str, Any]], level: float) -> str:
    rows = [test for test in tests if test["question"] == question]
    means = [test["mean"] for test in rows]
    clear = sum(test["holm"] < level for test in rows)
    return f"{question}: {min(means):+.2f} to {max(means):+.2f}, {clear} clear"
