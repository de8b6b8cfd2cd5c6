"""Where do networks learn best? What many noisy runs of many networks do tell of it, and what they do not.

    groups = Groups.of(C, L, errors)            # errors (graphs, seeds) in percent: mean, spread and runs of each
    cells = in_cells(groups)                    # graphs that are alike, pooled: what a heat map shows
    box = sweet_spot(cells)                     # around all that are not clearly worse than the best
    overlap([box, other_box])                   # what several experiments agree on
    held_out(errors, top=10)                    # the ten best, and their worth in runs they were not chosen by

A group is what was run several times: a graph with its seeds, or a cell with all runs of the graphs in it. C and L
are mean clustering and mean shortest path of the graph, see `lessons.small_world`.

What is tried again is J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks, ICML 2020,
arXiv:2007.06559; "You and others" below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, between, finite_rows, real_numbers, whole

Floats = NDArray[np.float64]

TIE = 9  # decimals of a percent: means that differ by less are equal but for rounding


@dataclass(frozen=True, eq=False)
class Groups:
    """Errors in percent of G groups of runs: `mean` and `std` of `runs` runs each, of networks with `C` and `L`.

    All (G,). `std` divides by the number of runs (ddof=0), as the paper tells it. `len(groups)` is G;
    `groups[rows]`, a slice, a mask or row numbers, are some of them. Raises ValueError for other shapes, for what
    is not finite, for a spread below 0 and for no runs.
    """

    C: Floats
    L: Floats
    mean: Floats
    std: Floats
    runs: NDArray[np.int64]

    def __post_init__(self) -> None:
        shapes = {name: np.shape(value) for name, value in vars(self).items()}
        if len(set(shapes.values())) != 1 or len(shapes["C"]) != 1:
            raise ValueError(f"shapes {shapes}: one entry a group is needed of each")
        for name in ("C", "L", "mean", "std", "runs"):
            finite_rows(name, getattr(self, name), range(shapes[name][0]), "group")
        for name, least in (("std", 0), ("runs", 1)):
            _check_range(name, getattr(self, name), getattr(self, name) >= least, f"{name} >= {least}")

    @classmethod
    def of(cls, C: ArrayLike, L: ArrayLike, errors: ArrayLike) -> Groups:
        """The groups whose runs are the rows of `errors` (G, S), in percent, nan where a run is missing.

        Raises ValueError for other shapes, for an infinite error, and for a row without a run. O(G S).

        >>> groups = Groups.of([0.4, 0.6], [2.2, 1.8], [[32.0, 33.0, 32.5], [34.0, np.nan, 33.0]])
        >>> groups.mean, groups.std.round(3), groups.runs
        (array([32.5, 33.5]), array([0.408, 0.5  ]), array([3, 2]))

        Notebook: 12_sweet_spot.
        """
        table = _table(errors)
        names = range(len(table))
        runs = (~np.isnan(table)).sum(axis=1)
        return cls(
            finite_rows("C", C, names, "group"),
            finite_rows("L", L, names, "group"),
            np.nanmean(table, axis=1),
            np.nanstd(table, axis=1),
            runs.astype(np.int64),
        )

    @property
    def standard_error(self) -> Floats:
        """(G,) how far a mean may be from that of endlessly many runs; nan for a single run.

        The spread of runs, dividing by runs - 1, over the square root of runs: std / sqrt(runs - 1).
        """
        return self.std / np.sqrt(np.where(self.runs > 1, self.runs - 1.0, np.nan))

    def pooled(self) -> Groups:
        """One group of all runs, as if they were of one network; C and L are the means over them. O(G).

        >>> both = Groups.of([0.4, 0.6], [2.2, 1.8], [[32.0, 33.0], [34.0, 35.0]]).pooled()
        >>> both.mean, both.std.round(3), both.runs
        (array([33.5]), array([1.118]), array([4]))
        """
        C, L = (np.average(values, weights=self.runs) for values in (self.C, self.L))
        return Groups(np.array([C]), np.array([L]), *_pooled(self, np.zeros(len(self), np.intp)))

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: Any) -> Groups:
        return Groups(*(np.atleast_1d(values[rows]) for values in vars(self).values()))

    def __repr__(self) -> str:
        return f"Groups({len(self)} groups, {self.runs.sum()} runs)"


def _table(errors: ArrayLike) -> Floats:
    """Errors (G, S) as float64, nan where a run is missing, at least one run in each row."""
    table = real_numbers("errors", errors).astype(np.float64)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"errors of shape {table.shape}: a row a graph and a column a seed are needed")
    if np.isinf(table).any():
        raise ValueError(f"errors[{_first(np.isinf(table))}] is infinite: nan is for a run that failed")
    empty = np.asarray(np.isnan(table).all(axis=1))
    if empty.any():
        raise ValueError(f"errors[{_first(empty)}] has no run at all: leave such rows out")
    return table


def _first(true: NDArray[np.bool_]) -> str:
    return ", ".join(str(place) for place in np.argwhere(true)[0])


# ---------------------------------------------------------------------------------------- the map


def in_cells(groups: Groups, cells: int = 15, longest: float = 4.5, *, right: bool = True) -> Groups:
    """The groups pooled by cells of a grid of C and L: all runs that lie in a cell are one group, at its centre.

    The grid has `cells` equal steps of C from 0 to 1, and as many of L from 1 to `longest`. A step of L has its
    lower end and not its upper; a step of C its upper end and not its lower, or the other way without `right`. The
    paper has it one way for its sweet spot and the other for its correlations, where the complete graph (C = 1) is
    to be alone: an end of the grid that belongs to no step is a cell of its own, half a step beyond.

    Cells come by L, then by C, those without runs are left out. O(G log G). Raises ValueError for C outside of
    0 ... 1 or L outside of 1 ... longest (which is no more in).

    >>> groups = Groups.of([0.41, 0.45, 0.9], [2.1, 2.2, 1.1], [[32.0, 33.0], [31.0, 32.0], [33.0, 35.0]])
    >>> cells = in_cells(groups, cells=5)
    >>> cells.C.round(2), cells.L.round(2), cells.mean, cells.runs
    (array([0.9, 0.5]), array([1.35, 2.05]), array([34., 32.]), array([2, 4]))

    Notebook: 12_sweet_spot. Source: You and others, section 5, and the notebook of its code.
    """
    whole("cells", cells)
    if not above_zero("longest", longest) > 1:
        raise ValueError(f"longest={longest}: above 1, where the steps of L begin")
    _check_range("C", groups.C, (groups.C >= 0) & (groups.C <= 1), "0 <= C <= 1")
    _check_range("L", groups.L, (groups.L >= 1) & (longest > groups.L), f"1 <= L < longest={longest}")
    C = np.digitize(groups.C, np.linspace(0, 1, cells + 1), right=right)
    L = np.digitize(groups.L, np.linspace(1, longest, cells + 1))
    places, cell = np.unique(np.column_stack([L, C]), axis=0, return_inverse=True)
    at_L, at_C = (places - 0.5).T / cells
    return Groups(at_C, 1 + (longest - 1) * at_L, *_pooled(groups, cell.reshape(-1)))


def _check_range(name: str, values: Floats, good: NDArray[np.bool_], wanted: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(f"{name} of group {row} is {values[row]}: {wanted} is needed")


def _pooled(groups: Groups, cell: NDArray[np.intp]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """mean, std and runs of all runs of each cell, from those of the groups in it."""
    runs = np.bincount(cell, groups.runs)
    mean = np.bincount(cell, groups.runs * groups.mean) / runs
    apart = groups.std**2 + (groups.mean - mean[cell]) ** 2
    return mean, np.sqrt(np.bincount(cell, groups.runs * apart) / runs), runs.astype(np.int64)


def agreement(one: Groups, other: Groups) -> float:
    """Pearson's correlation r of the means of two experiments, over the places (C, L) that both have.

    For graphs that are not the same, compare cells: `agreement(in_cells(few), in_cells(many))`. O(G log G).
    Raises ValueError where a place has several groups, and where fewer than two places are shared.

    >>> one = Groups.of([0.1, 0.2, 0.3], [2, 2, 2], [[1.0], [2.0], [3.0]])
    >>> round(agreement(one, Groups.of([0.3, 0.2, 0.1], [2, 2, 2], [[8.0], [9.0], [5.0]])), 3)
    0.721

    Notebook: 12_sweet_spot.
    """
    here, there = ({place: row for row, place in enumerate(_places(groups))} for groups in (one, other))
    for groups, rows in ((one, here), (other, there)):
        if len(rows) < len(groups):
            raise ValueError(f"{len(groups)} groups at {len(rows)} places: one a place is needed; see in_cells")
    shared = [place for place in here if place in there]
    if len(shared) < 2:
        raise ValueError(f"{len(shared)} places that both have: at least two are needed")
    x, y = one.mean[[here[at] for at in shared]], other.mean[[there[at] for at in shared]]
    return float(np.corrcoef(x, y)[0, 1])


def _places(groups: Groups) -> list[tuple[float, float]]:
    return list(zip(groups.C.tolist(), groups.L.tolist(), strict=True))


# ---------------------------------------------------------------------------------------- clearly worse


def student_t_definition(a: Sequence[float], b: Sequence[float]) -> tuple[float, int]:
    """Student's t of two samples, and its degrees of freedom: how far mean(a) lies above mean(b), in errors of it.

    Both are thought to spread alike: the squares of all deviations together, over len(a) + len(b) - 2, are the
    variance of a single run. Then means of independent runs differ by about sqrt(variance (1/len(a) + 1/len(b))).

    >>> student_t_definition([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    (2.449489742783178, 4)

    Notebook: 12_sweet_spot. Source: Student (W. S. Gosset), The probable error of a mean, Biometrika 6 (1), 1908,
    pages 1-25, doi:10.1093/biomet/6.1.1.
    """
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    squares = sum((x - mean_a) ** 2 for x in a) + sum((x - mean_b) ** 2 for x in b)
    freedom = len(a) + len(b) - 2
    variance = squares / freedom
    return (mean_a - mean_b) / sqrt(variance * (1 / len(a) + 1 / len(b))), freedom


def p_worse(groups: Groups, best: int | None = None) -> Floats:
    """(G,) how likely a group that is no worse than the best would look as bad as it does: one-sided p-values.

    Student's t-test with equal variances of each group's runs against those of row `best`, the lowest mean unless
    told (the first such row). 0.5 for equal means, small for what is much worse, near 1 for what is better. O(G).

    Raises IndexError for a row that there is not; ValueError where a group and the best have a single run each.

    >>> groups = Groups.of([0.4, 0.5, 0.9], [2, 2, 1.1], [[32.0, 32.2], [32.1, 32.3], [34.0, 34.4]])
    >>> p_worse(groups).round(4)
    array([0.5   , 0.2764, 0.0056])

    Notebook: 12_sweet_spot. Source: `student_t_definition`, from mean, std and runs.
    """
    from scipy.special import stdtr

    best = _best(groups, best)
    freedom = groups.runs + groups.runs[best] - 2
    if (freedom < 1).any():
        alone = int(np.argmin(freedom))
        raise ValueError(f"group {alone} and the best, {best}, have one run each: one of them needs a second run")
    squares = groups.runs * groups.std**2
    variance = (squares + squares[best]) / freedom * (1 / groups.runs + 1 / groups.runs[best])
    apart = groups.mean - groups.mean[best]
    with np.errstate(divide="ignore", invalid="ignore"):  # runs that are all equal: surely worse, or equal
        t = np.where(apart == 0, 0, apart / np.sqrt(variance))
    return np.asarray(stdtr(freedom, -t))


def _best(groups: Groups, best: int | None) -> int:
    if not len(groups):
        raise ValueError("no groups: at least one is needed, the best")
    if best is None:
        return int(np.argmin(groups.mean.round(TIE)))
    if not isinstance(best, int | np.integer):
        raise TypeError(f"best={best!r}: a row is told by its number; a level by its name, level={best!r}")
    if not -len(groups) <= best < len(groups):
        raise IndexError(f"best={best}: the rows of {len(groups)} groups are 0 to {len(groups) - 1}")
    return int(range(len(groups))[best])


def clearly_worse(groups: Groups, best: int | None = None, level: float = 0.05) -> NDArray[np.bool_]:
    """(G,) True for each group that is worse than the best, `p_worse` below `level`.

    Not clearly worse is not as good: with few runs nearly nothing is clear. Nor is the level told for many groups
    at once; `holm` would. O(G). Raises as `p_worse`, and ValueError unless 0 <= level <= 0.5.

    >>> groups = Groups.of([0.4, 0.5, 0.9], [2, 2, 1.1], [[32.0, 32.2], [32.1, 32.3], [34.0, 34.4]])
    >>> clearly_worse(groups)
    array([False, False,  True])

    Notebook: 12_sweet_spot. Source: You and others, section 5, and the notebook of its code.
    """
    return p_worse(groups, best) < between("level", level, 0, 0.5, "a chance to be wrong")


def holm(p_values: ArrayLike) -> Floats:
    """p-values adjusted for being m at once, by Holm: below a level all of them, by chance, at most as often.

    The smallest times m, the next times m - 1 and so on; none below one that was smaller before, none above 1.
    O(m log m). Raises ValueError for one that is no probability.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])

    Notebook: 12_sweet_spot. Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian
    Journal of Statistics 6 (2), 1979, pages 65-70.
    """
    p = real_numbers("p_values", p_values).astype(np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values={p!r}: a list of probabilities is needed")
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


# ---------------------------------------------------------------------------------------- the box


class Box(NamedTuple):
    """A rectangle of the map: clustering C_low ... C_high, mean path L_low ... L_high, all four ends in it."""

    C_low: float
    C_high: float
    L_low: float
    L_high: float


def bounding_box(C: ArrayLike, L: ArrayLike) -> Box:
    """The smallest box around all points. Raises ValueError where there is none.

    >>> bounding_box([0.4, 0.5, 0.3], [2.2, 2.0, 2.1])
    Box(C_low=0.3, C_high=0.5, L_low=2.0, L_high=2.2)

    Notebook: 12_sweet_spot.
    """
    x, y = np.asarray(C, np.float64), np.asarray(L, np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0:
        raise ValueError(
            f"C of shape {x.shape} and L of shape {y.shape}: as many of each are needed, at least one"
        )
    return Box(float(x.min()), float(x.max()), float(y.min()), float(y.max()))


def sweet_spot(groups: Groups, best: int | None = None, level: float = 0.05) -> Box:
    """The box around all groups that are not `clearly_worse` than the best. O(G). Raises as that does.

    >>> groups = Groups.of([0.4, 0.5, 0.9], [2, 2.1, 1.1], [[32.0, 32.2], [32.1, 32.3], [34.0, 34.4]])
    >>> sweet_spot(groups)
    Box(C_low=0.4, C_high=0.5, L_low=2.0, L_high=2.1)

    Notebook: 12_sweet_spot. Source: You and others, section 5, and the notebook of its code.
    """
    left = groups[~clearly_worse(groups, best, level)]
    return bounding_box(left.C, left.L)


def overlap(boxes: Iterable[Box]) -> Box | None:
    """The box that lies in all of them; None where there is none.

    Raises ValueError for no boxes, TypeError for what is no box, as None is.

    >>> overlap([Box(0.1, 0.5, 1.8, 2.7), Box(0.4, 0.7, 1.5, 2.2)])
    Box(C_low=0.4, C_high=0.5, L_low=1.8, L_high=2.2)

    Notebook: 12_sweet_spot.
    """
    listed = list(boxes)
    if not listed:
        raise ValueError("no boxes: at least one is needed")
    if not all(isinstance(box, tuple) and len(box) == 4 for box in listed):
        raise TypeError(f"boxes={listed!r}: a list of Box is needed; None, no common box, is not one")
    ends = list(zip(*listed, strict=True))
    common = Box(max(ends[0]), min(ends[1]), max(ends[2]), min(ends[3]))
    return common if common.C_low <= common.C_high and common.L_low <= common.L_high else None


def inside(box: Box, C: ArrayLike, L: ArrayLike) -> NDArray[np.bool_]:
    """True for each point in the box or on its edge, of the shape of C and L. Raises TypeError for no box.

    >>> inside(Box(0.4, 0.5, 1.8, 2.2), [0.45, 0.6], [2.0, 2.0])
    array([ True, False])

    Notebook: 12_sweet_spot.
    """
    x, y = np.asarray(C), np.asarray(L)
    return (box.C_low <= x) & (x <= box.C_high) & (box.L_low <= y) & (y <= box.L_high)


# ---------------------------------------------------------------------------------------- how smooth


class Quadratic(NamedTuple):
    """y = a2 x^2 + a1 x + a0, lowest (or highest) at x = vertex; R2 is the share of the variance of y it tells."""

    a2: float
    a1: float
    a0: float
    vertex: float
    R2: float


def quadratic(x: ArrayLike, y: ArrayLike) -> Quadratic:
    """The parabola with the least squares of errors in y. O(points).

    Of points that lie straight the vertex is far off, and tells nothing. Raises ValueError for fewer than three
    different x, and where y does not vary.

    >>> np.round(quadratic([0, 1, 2, 3], [1, 0, 1, 4]), 9)
    array([ 1., -2.,  1.,  1.,  1.])

    Notebook: 12_sweet_spot.
    """
    x, y = (finite_rows(name, values, range(len(np.asarray(x))), "point") for name, values in (("x", x), ("y", y)))
    if len(np.unique(x)) < 3:
        raise ValueError(f"{len(np.unique(x))} different x: at least three are needed for a parabola")
    a2, a1, a0 = (float(a) for a in np.polyfit(x, y, 2))
    vertex = -a1 / (2 * a2) if a2 else np.nan
    return Quadratic(a2, a1, a0, vertex, share_of_variance(x[:, None], y, 2))


def share_of_variance(features: ArrayLike, y: ArrayLike, degree: int) -> float:
    """R2: the share of the variance of y that the best polynomial of the features tells, 0 ... 1.

    `features` (points, d); all products of at most `degree` of them, and a constant, by least squares. Each more
    tells a bit more, of nothing at all as well: compare R2 only where there are many more points than products.
    O(points p^2) for p products. Raises ValueError for other shapes, and where y does not vary.

    >>> x = np.arange(6.0)
    >>> round(share_of_variance(np.column_stack([x, x**2]), x**3, 2), 9)
    1.0
    >>> round(share_of_variance(x[:, None], [1, 0, 0, 0, 0, 1], 1), 9)
    0.0

    Notebook: 12_sweet_spot.
    """
    whole("degree", degree, 0)
    y = finite_rows("y", y, range(len(np.asarray(y))), "point")
    X = finite_rows("features", features, range(len(y)), "point")
    if X.ndim != 2 or y.ndim != 1:
        raise ValueError(
            f"features of shape {X.shape}, y of shape {y.shape}: (points, d) and (points,) are needed"
        )
    total = ((y - y.mean()) ** 2).sum()
    if total == 0:
        raise ValueError(f"all y are {y[0]}: there is no variance to tell")
    products = _products(X, degree)
    rest = y - products @ np.linalg.lstsq(products, y, rcond=None)[0]
    return float(np.clip(1 - (rest**2).sum() / total, 0, 1))


def _products(X: Floats, degree: int) -> Floats:
    """(points, products) all products of at most `degree` features, each of which is scaled to -1 ... 1 before."""
    low, high = X.min(axis=0), X.max(axis=0)
    X = 2 * (X - low) / np.where(high > low, high - low, 1) - 1
    chosen = [which for d in range(degree + 1) for which in combinations_with_replacement(range(X.shape[1]), d)]
    return np.column_stack([X[:, list(which)].prod(axis=1) for which in chosen])


# ---------------------------------------------------------------------------------------- chance


def reliability(groups: Groups) -> float:
    """How much of the differences between means would be there again with other seeds: 1 all, 0 (or less) none.

    1 - (variance that chance gives a mean) / (variance of the means): 1 - mean(s^2 / runs) / var(mean), with s^2
    the variance of runs in a group; both variances divide by one less than they have. No fit can tell more than
    this share. O(G).

    Raises ValueError for fewer than two groups, for a group with one run, and where all means are equal.

    >>> reliability(Groups.of([0.4, 0.9], [2, 1.1], [[32.0, 33.0], [34.0, 35.0]]))
    0.875

    Notebook: 12_sweet_spot. Source: where all have as many runs, ICC(1, k) of P. E. Shrout, J. L. Fleiss,
    Intraclass correlations: uses in assessing rater reliability, Psychological Bulletin 86 (2), 1979, pages
    420-428, doi:10.1037/0033-2909.86.2.420.
    """
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} group: at least two are needed")
    if (groups.runs < 2).any():
        raise ValueError(f"group {int(np.argmin(groups.runs))} has one run: each needs two to tell what is chance")
    if np.ptp(groups.mean) == 0:
        raise ValueError(f"all means are {groups.mean[0]}: there are no differences to tell of")
    return float(1 - (groups.standard_error**2).mean() / groups.mean.var(ddof=1))


class HeldOut(NamedTuple):
    """Mean error in percent of graphs that were chosen: in the runs they were `chosen` by, and `held_out` runs."""

    chosen: float
    held_out: float


def held_out(errors: ArrayLike, top: int) -> HeldOut:
    """What the `top` best of many graphs are really worth: choose by all seeds but one, score on that one.

    `errors` (G, S) in percent. Each seed is left out once; both scores are means over the chosen graphs and over
    the seeds left out. The gap between them is the winner's curse: who is chosen for low errors was lucky, too.
    Ties go to the smaller row. O(G S log G).

    Raises ValueError for a missing run, for fewer than two seeds, and unless 1 <= top <= G.

    >>> held_out([[32.0, 34.0], [33.0, 33.0]], top=1)
    HeldOut(chosen=32.5, held_out=33.5)

    Notebook: 12_sweet_spot.
    """
    table = _table(errors)
    graphs, seeds = table.shape
    whole("top", top, 1, graphs)
    if seeds < 2:
        raise ValueError("errors of one seed: at least two are needed, one to choose by and one to score on")
    if np.isnan(table).any():
        raise ValueError(f"errors[{_first(np.isnan(table))}] is missing: leave that graph out")
    scores = np.empty((seeds, 2))
    for seed in range(seeds):
        mean = np.delete(table, seed, axis=1).mean(axis=1)
        rows = np.argsort(mean.round(TIE), kind="stable")[:top]
        scores[seed] = mean[rows].mean(), table[rows, seed].mean()
    return HeldOut(*(float(score) for score in scores.mean(axis=0)))


class Effect(NamedTuple):
    """F of an analysis of variance, about 1 where groups do not differ; p, how likely chance gives as much."""

    F: float
    p: float


def graph_effect(errors: ArrayLike | Groups) -> Effect:
    """Does the graph matter at all? One-way analysis of variance of runs in groups.

    Of `errors` (G, S), nan where a run is missing, or of Groups. F = (how means differ) / (how runs of one group
    do), each as squares over degrees of freedom, G - 1 and runs - G. F is inf where runs of one group never
    differ but means do, nan where nothing does. O(G S).

    Raises ValueError for fewer than two groups and where no group has two runs; as `Groups.of`.

    >>> effect = graph_effect([[3.0, 4.0, 5.0], [1.0, 2.0, 3.0]])
    >>> effect.F, round(effect.p, 4)
    (6.0, 0.0705)

    Notebook: 12_sweet_spot. Source: R. A. Fisher, Statistical methods for research workers, Oliver and Boyd, 1925,
    chapter 7.
    """
    from scipy.special import fdtrc

    groups = errors if isinstance(errors, Groups) else _groups_nowhere(_table(errors))
    between_groups, within = len(groups) - 1, int(groups.runs.sum()) - len(groups)
    if between_groups < 1 or within < 1:
        raise ValueError(f"{groups}: at least two groups are needed, and a second run of one of them")
    centre = np.average(groups.mean, weights=groups.runs)
    of_means = (groups.runs * (groups.mean - centre) ** 2).sum() / between_groups
    of_runs = (groups.runs * groups.std**2).sum() / within
    if of_runs == 0:
        return Effect(inf, 0.0) if of_means > 0 else Effect(np.nan, np.nan)
    F = float(of_means / of_runs)
    return Effect(F, float(fdtrc(between_groups, within, F)))


def _groups_nowhere(table: Floats) -> Groups:
    return Groups.of(np.zeros(len(table)), np.zeros(len(table)), table)
