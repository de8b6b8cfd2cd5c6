"""The exercises of notebook 12: what five runs tell, who is clearly worse, a best that boasts, what controls show,
an error and a path length in slices of density."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isclose, isnan, nan, sqrt
from statistics import StatisticsError
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Exercise, Property, Variant, once
from lessons.exercises.graph_signals import _is_real

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Yes = NDArray[np.bool_]


def _close(found: Any, wanted: float) -> bool:
    return isclose(float(found), wanted, rel_tol=1e-6, abs_tol=1e-9)


# -------------------------------------------------------------------------------- 1: what five runs tell


MISSING = float("nan")  # always this one, as nan is equal to no nan; and not NumPy's, lest `is not np.nan` do


def _run_cases(rng: Generator) -> Iterator[tuple[list[float]]]:
    """One run to seven; of each number a few without a missing run, and then a few with some."""
    for size in range(1, 8):
        for missing in (0, 0, 0, 1, 1, 2, 3):
            if missing < size:
                runs = [MISSING] * missing + _errors(rng, size - missing).tolist()
                yield ([runs[k] for k in rng.permutation(size)],)


def _errors(rng: Generator, size: int) -> Floats:
    """Runs of one network, in percent. No two are equal."""
    return (rng.permutation(90)[:size] / 100 + 32 + rng.integers(3)).round(2)


def summary(runs: list[float]) -> tuple[float, float, float]:
    done = [error for error in runs if not np.isnan(error)]
    mean = sum(done) / len(done)
    squares = sum((error - mean) ** 2 for error in done)
    spread = np.sqrt(squares / len(done))
    if len(done) == 1:
        return mean, spread, np.nan
    return mean, spread, np.sqrt(squares / (len(done) - 1) / len(done))


def _three_numbers(found: Any, runs: Any) -> bool:
    """The standard error may be nan, as others are where a run is missing, until that is asked."""
    return _is_real(np.nan_to_num(np.asarray(found, dtype=float)), (3,))


def _summary_right(k: int, asks: Callable[[int], bool] = lambda runs: True) -> Callable[..., bool]:
    """A property's `holds`: number k of the three is right, where none is missing and asks(number of runs)."""

    def holds(found: Any, runs: Any) -> bool:
        wanted = summary(runs)[k]
        return _missing(runs) or not asks(len(runs)) or _alike(found[k], wanted)

    return holds


def _missing(runs: Any) -> bool:
    return any(map(isnan, runs))


def _alike(found: Any, wanted: float) -> bool:
    return isnan(float(found)) if isnan(wanted) else _close(found, wanted)


def _summary_of(done: Callable[[Any], Any], count: Callable[[Any], int]) -> Callable[..., Any]:
    """A summary of other runs, or that counts them in another way."""

    def summed(runs: Any) -> Any:
        some, n = done(runs), count(runs)
        mean = sum(some) / n
        squares = sum((error - mean) ** 2 for error in some)
        return mean, sqrt(squares / n), sqrt(squares / (n - 1) / n) if n > 1 else nan

    return summed


def _done(runs: Any) -> Any:
    return [error for error in runs if not isnan(error)]


def _summary_with(
    mean: Callable[[Any], Any] = np.mean,
    spread: Callable[[Any], Any] = np.std,
    error: Callable[[Any], Any] = lambda x: np.std(x, ddof=1) / sqrt(len(x)) if len(x) > 1 else nan,
) -> Callable[..., Any]:
    """A summary of the runs that are there, with one of the three put differently."""

    def summed(runs: Any) -> Any:
        done = np.array(_done(runs))
        return mean(done), spread(done), error(done)

    return summed


_nan_taken_along = _summary_of(list, len)
_nan_asked_by_equality = _summary_of(lambda runs: [error for error in runs if error != nan], len)  # true of nan
_nan_asked_by_identity = _summary_of(lambda runs: [error for error in runs if error is not np.nan], len)
_missing_as_0 = _summary_of(lambda runs: [0 if isnan(error) else error for error in runs], len)
_missing_counted = _summary_of(_done, len)
_middle_run = _summary_with(mean=np.median)
_best_run = _summary_with(mean=np.min)
_one_less_in_both = _summary_with(spread=lambda x: np.std(x, ddof=1) if len(x) > 1 else 0)
_one_less_and_nan = _summary_with(spread=lambda x: np.std(x, ddof=1))
_variance = _summary_with(spread=np.var)
_mean_distance = _summary_with(spread=lambda x: np.abs(x - x.mean()).mean())
_half_the_range = _summary_with(spread=lambda x: np.ptp(x) / 2)
_spread_of_a_run = _summary_with(error=lambda x: np.std(x, ddof=1) if len(x) > 1 else nan)
_of_the_told_spread = _summary_with(error=lambda x: np.std(x) / sqrt(len(x)) if len(x) > 1 else nan)
_root_forgotten = _summary_with(error=lambda x: np.std(x, ddof=1) / len(x) if len(x) > 1 else nan)
_one_less_twice = _summary_with(error=lambda x: np.std(x, ddof=1) / sqrt(len(x) - 1) if len(x) > 1 else nan)
_two_errors_wide = _summary_with(error=lambda x: 1.96 * np.std(x, ddof=1) / sqrt(len(x)) if len(x) > 1 else nan)
_error_of_one_is_0 = _summary_with(error=lambda x: np.std(x, ddof=1) / sqrt(len(x)) if len(x) > 1 else 0)
_spread_for_error_of_one = _summary_with(error=lambda x: np.std(x, ddof=min(1, len(x) - 1)) / sqrt(len(x)))


def _one_run_not_asked(runs: Any) -> Any:
    done = _done(runs)
    mean = sum(done) / len(done)
    squares = sum((error - mean) ** 2 for error in done)
    return mean, sqrt(squares / len(done)), sqrt(squares / (len(done) - 1) / len(done))


def _mean_and_spread(runs: Any) -> Any:
    return summary(runs)[:2]


def _error_before_spread(runs: Any) -> Any:
    mean, spread, error = summary(runs)
    return mean, error, spread


def _missing_removed_from_the_list(runs: Any) -> Any:
    for error in [error for error in runs if isnan(error)]:
        runs.remove(error)
    return summary(runs)


def _draw_runs(runs: list[float]) -> tuple[Any, str]:
    from lessons.show import FAINT, INK, PALETTE, canvas

    done = _done(runs)
    mean, spread, _ = summary(runs)
    fig, axes = canvas(4.6, 1.8)
    axes.axvspan(mean - spread, mean + spread, color=FAINT, alpha=0.4, label="mean ± spread")
    axes.axvline(mean, color=INK)
    axes.plot(done, [0] * len(done), "o", color=PALETTE[0], label="runs")
    axes.set(xlabel="error in %", yticks=[], title=f"{len(done)} of {len(runs)} runs are there")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return fig, f"{len(done)} runs on a line, with their mean, and a band of one spread to each side of it."


ONE_RUN = replace(
    RUNS,
    hints=(
        "One run less than one run is none.",
        "Look at what you divide by where a single run is there.",
        "Ask for the number of runs that are there before you divide; for one the third number is nan.",
    ),
)

SUMMARY = Exercise(
    id="sweet_spot-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=4,
    cases=_run_cases,
    properties=(
        Property(
            says="the answer is three numbers: mean, spread and standard error",
            holds=_three_numbers,
            hints=(
                "Three numbers for one network, whatever the number of its runs.",
                "Look at what you return: how many numbers are there, and is one of them a list?",
                "They stand behind `return`, with commas between: mean, spread, standard error.",
            ),
        ),
        Property(
            says="the first is the mean of the runs (none is missing here)",
            holds=_summary_right(0),
            hints=(
                "All runs count alike.",
                "Look at how you make one number of the runs: the middle one is not the mean, nor is the best.",
                "Their sum, over how many there are.",
            ),
        ),
        Property(
            says="the second is the spread: the root of the mean square of the deviations (none is missing here)",
            holds=_summary_right(1),
            hints=(
                "The paper divides by the number of runs, not by one less: so the spread of a single run is 0.",
                "Look at what you divide the squares by, and at the root.",
                "Squares of (run - mean), their mean, its root. In NumPy that is ddof=0.",
            ),
        ),
        Property(
            says="the third is the standard error: the root of squares over one run less, over the root of the "
            "number of runs (none is missing here)",
            holds=_summary_right(2, lambda runs: runs > 1),
            hints=(
                "A mean of many runs is surer than one run. How far may it be off?",
                "Look at both: squares are divided by one run less here, and the root of the number of runs comes "
                "on top.",
                "For four runs: the spread, with ddof=1, over 2.",
            ),
        ),
        Property(
            says="the standard error of a single run is nan",
            holds=_summary_right(2, lambda runs: runs == 1),
            hints=(
                "How far do runs spread? One run does not say.",
                "Look at what becomes of the third number where there is one run: not known is not 0.",
                "`float('nan')`, or np.nan, is a number that says: not known.",
            ),
        ),
        Property(
            says="a missing run, nan, is left out everywhere: it is neither an error of 0 % nor counted",
            holds=lambda found, runs: all(map(_alike, found, summary(runs))),
            hints=(
                "First see which runs are there; the rest is as before.",
                "Look at how you find what is missing, and at what you count: nan is equal to nothing, not even "
                "to nan.",
                "isnan(error), of math or of NumPy, tells; divide by how many are left.",
            ),
        ),
    ),
    reference=summary,
    wrong=(
        _nan_taken_along,
        _nan_asked_by_equality,
        _nan_asked_by_identity,
        _missing_as_0,
        _missing_counted,
        _middle_run,
        _best_run,
        _one_less_in_both,
        _one_less_and_nan,
        _variance,
        _mean_distance,
        _half_the_range,
        _spread_of_a_run,
        _of_the_told_spread,
        _root_forgotten,
        _one_less_twice,
        _two_errors_wide,
        _error_of_one_is_0,
        _spread_for_error_of_one,
        _one_run_not_asked,
        _mean_and_spread,
        _error_before_spread,
        _missing_removed_from_the_list,
    ),
    why=(
        "The spread tells how far single runs lie from their own mean; the standard error, how far that mean may "
        "lie from the mean of endlessly many runs. The deviations are taken from the mean of the same runs, which "
        "lies in their middle, and so come out a little too small: one less in the divisor makes up for that. The "
        "paper's 33.34 +- 0.36 is a spread, its squares over the number of runs. With five runs the standard "
        "error is half of such a spread."
    ),
    draw=_draw_runs,
    raised={ZeroDivisionError: ONE_RUN, StatisticsError: ONE_RUN},
    after="Needed again: `Groups.of` does this for each graph at once.",
)

# -------------------------------------------------------------------------------- 2: clearly worse

Summaries = tuple["Floats", "Floats", "Counts", int, float]
FACTORS = (2.5, 0.95, 1.04, 0.8, 1.2, 0.6, 0.3, 1.6)  # t over the t that is just worse at the level


def _group_cases(rng: Generator) -> Iterator[Summaries]:
    """Two groups to six. Of each: as many runs, others, another level, a best that is not lowest."""
    for size in range(2, 7):
        for kind in range(4):
            for first in FACTORS[:5]:
                yield _groups(rng, size, first, uneven=kind > 0, other_level=kind > 1, not_lowest=kind > 2)


def _groups(
    rng: Generator, size: int, first: float, *, uneven: bool, other_level: bool, not_lowest: bool
) -> Summaries:
    level = float(rng.choice([0.01, 0.1, 0.2])) if other_level else 0.05
    runs = rng.integers(1, 9, size) if uneven else np.full(size, rng.integers(3, 6))
    best = int(rng.integers(size))
    runs[best] = max(2, runs[best])
    std = np.where(runs > 1, rng.integers(10, 60, size) / 100, 0)
    factor = rng.choice(FACTORS, size)
    factor[best - 1] = -first if not_lowest else first
    mean = 32 + factor * _apart(std, runs, best, level)
    mean[best] = 32
    return (mean + rng.integers(3)).round(3), std, runs, best, level


def _apart(std: Floats, runs: Counts, best: int, level: float) -> Floats:
    """How far a mean must lie above that of the best group to be clearly worse."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(_freedom(std, runs, best), 1 - level) * _difference_error(std, runs, best))


def _freedom(std: Any, runs: Any, best: Any) -> Any:
    return runs + runs[best] - 2


def _difference_error(std: Any, runs: Any, best: Any) -> Any:
    """The standard error of the difference of two means, with one variance for both groups."""
    squares = runs * std**2
    return np.sqrt((squares + squares[best]) / (runs + runs[best] - 2) * (1 / runs + 1 / runs[best]))


def worse_than_best(mean: Floats, std: Floats, runs: Counts, best: int, level: float) -> Yes:
    from scipy.special import stdtr

    freedom = runs + runs[best] - 2
    squares = runs * std**2
    variance = (squares + squares[best]) / freedom
    t = (mean - mean[best]) / np.sqrt(variance * (1 / runs + 1 / runs[best]))
    return np.asarray(stdtr(freedom, -t) < level)


def _are_answers(found: Any, mean: Any, *rest: Any) -> bool:
    array = np.asarray(found)
    return array.shape == mean.shape and array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())


def _none_that_is_better(found: Any, mean: Any, std: Any, runs: Any, best: Any, level: Any) -> bool:
    return not np.asarray(found)[mean <= mean[best]].any()


def _those_far_above(found: Any, mean: Any, std: Any, runs: Any, best: Any, level: Any) -> bool:
    far = mean - mean[best] > 2 * _apart(std, runs, best, level)
    return bool(np.asarray(found)[far].all())


def _worse_right(asks: Callable[..., bool]) -> Callable[..., bool]:
    """A property's `holds`: in the cases for which asks(mean, runs, best, level) all answers are right."""

    def holds(found: Any, mean: Any, std: Any, runs: Any, best: Any, level: Any) -> bool:
        asked = asks(mean, runs, best, level)
        return not asked or np.array_equal(found, worse_than_best(mean, std, runs, best, level))

    return holds


def _is_lowest(mean: Any, best: Any) -> bool:
    return bool(mean[best] == mean.min())


def _test_with(
    freedom: Callable[..., Any] = _freedom,
    error: Callable[..., Any] = _difference_error,
    decides: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """A test that is right but for one of: the degrees of freedom, the standard error, what is made of both."""

    def tested(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
        t = (mean - mean[best]) / error(std, runs, best)
        return (decides or _below_level)(t, freedom(std, runs, best), level)

    return tested


def _below_level(t: Any, freedom: Any, level: Any) -> Any:
    from scipy.special import stdtr

    return stdtr(freedom, -t) < level


def _two_sided(t: Any, freedom: Any, level: Any) -> Any:
    """As a table of t-tests gives it, p for either side: twice as large."""
    return _below_level(np.abs(t), freedom, level / 2)


def _by_the_normal(t: Any, freedom: Any, level: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(-t) < level


def _p_themselves(t: Any, freedom: Any, level: Any) -> Any:
    from scipy.special import stdtr

    return stdtr(freedom, -t)


def _variances(std: Any, runs: Any) -> Any:
    """Of single runs, by each group's own; nan for one run."""
    return runs * std**2 / np.where(runs > 1, runs - 1, nan)


def _welch_error(std: Any, runs: Any, best: Any) -> Any:
    own = _variances(std, runs) / runs
    return np.sqrt(own + own[best])


def _welch_freedom(std: Any, runs: Any, best: Any) -> Any:
    own = _variances(std, runs) / runs
    return (own + own[best]) ** 2 / (own**2 / (runs - 1) + own[best] ** 2 / (runs[best] - 1))


def _even_variance(std: Any, runs: Any, best: Any) -> Any:
    """The mean of both variances, however many runs they are of."""
    own = np.nan_to_num(_variances(std, runs))
    return np.sqrt((own + own[best]) / 2 * (1 / runs + 1 / runs[best]))


def _squares_of_one_less(std: Any, runs: Any, best: Any) -> Any:
    """As if `std` were of one run less."""
    squares = (runs - 1) * std**2
    return np.sqrt((squares + squares[best]) / _freedom(std, runs, best) * (1 / runs + 1 / runs[best]))


def _over_all_runs(std: Any, runs: Any, best: Any) -> Any:
    squares = runs * std**2
    return np.sqrt((squares + squares[best]) / (runs + runs[best]) * (1 / runs + 1 / runs[best]))


def _of_single_runs(std: Any, runs: Any, best: Any) -> Any:
    """Runs are compared, not means."""
    squares = runs * std**2
    return np.sqrt((squares + squares[best]) / _freedom(std, runs, best))


def _root_not_drawn(std: Any, runs: Any, best: Any) -> Any:
    return _difference_error(std, runs, best) ** 2


def _added_spreads(std: Any, runs: Any, best: Any) -> Any:
    """Standard errors added, not their squares."""
    own = np.sqrt(_variances(std, runs) / runs)
    return own + own[best]


def _as_many_as_the_best(std: Any, runs: Any, best: Any) -> Any:
    return _difference_error(std, np.full(len(runs), runs[best]), best)


def _own_error_alone(std: Any, runs: Any, best: Any) -> Any:
    """The best one's mean, as if it were known exactly."""
    return np.sqrt(_variances(std, runs) / runs)


_welch = _test_with(_welch_freedom, _welch_error)
_variances_evenly = _test_with(error=_even_variance)
_ddof_mixed_up = _test_with(error=_squares_of_one_less)
_divided_by_all_runs = _test_with(error=_over_all_runs)
_single_runs_compared = _test_with(error=_of_single_runs)
_variance_for_root = _test_with(error=_root_not_drawn)
_errors_added = _test_with(error=_added_spreads)
_runs_of_the_best = _test_with(error=_as_many_as_the_best)
_best_known_exactly = _test_with(error=_own_error_alone)
_freedom_not_reduced = _test_with(freedom=lambda std, runs, best: runs + runs[best])
_freedom_of_one = _test_with(freedom=lambda std, runs, best: np.maximum(runs - 1, 1))
_freedom_of_the_best = _test_with(freedom=lambda std, runs, best: 2 * runs[best] - 2)
_both_sides_asked = _test_with(decides=_two_sided)
_either_side = _test_with(decides=lambda t, freedom, level: _below_level(np.abs(t), freedom, level))
_normal_for_t = _test_with(decides=_by_the_normal)
_the_wrong_end = _test_with(decides=lambda t, freedom, level: _below_level(-t, freedom, level))
_not_worse = _test_with(decides=lambda t, freedom, level: ~_below_level(t, freedom, level))
_chances = _test_with(decides=_p_themselves)
_rows = _test_with(decides=lambda t, freedom, level: np.flatnonzero(_below_level(t, freedom, level)))
_level_fixed = _test_with(decides=lambda t, freedom, level: _below_level(t, freedom, 0.05))
_above_two = _test_with(decides=lambda t, freedom, level: t > 2)
_level_shared_out = _test_with(decides=lambda t, freedom, level: _below_level(t, freedom, level / len(t)))
_level_upside_down = _test_with(decides=lambda t, freedom, level: _below_level(t, freedom, 1 - level))


def _bars_apart(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
    return mean - std > mean[best] + std[best]


def _lowest_for_best(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
    return worse_than_best(mean, std, runs, int(mean.argmin()), level)


def _best_left_out(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
    return np.delete(worse_than_best(mean, std, runs, best, level), best)


def _one_if_for_all(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
    from scipy.special import stdtr

    t = (mean - mean[best]) / _difference_error(std, runs, best)
    return bool(stdtr(_freedom(std, runs, best), -t) < level)


def _measured_from_the_best(mean: Any, std: Any, runs: Any, best: Any, level: Any) -> Any:
    mean -= mean[best]
    return worse_than_best(mean, std, runs, best, level)


def _draw_groups(mean: Floats, std: Floats, runs: Counts, best: int, level: float) -> tuple[Any, str]:
    from lessons.show import INK, PALETTE, canvas

    fig, axes = canvas(4.6, 2.8)
    rows = np.arange(len(mean))
    worse = worse_than_best(mean, std, runs, best, level)
    axes.errorbar(rows, mean, std, fmt="none", ecolor=INK, capsize=4)
    for mark, some, name in (("o", ~worse, "not clearly worse"), ("s", worse, "clearly worse")):
        axes.plot(rows[some], mean[some], mark, color=PALETTE[int(mark == "s")], markersize=8, label=name)
    axes.margins(x=0.2)
    axes.plot(best, mean[best], "o", color=INK, fillstyle="none", markersize=14, label="best")
    labels = [f"{row}\n{count} runs" for row, count in zip(rows, runs, strict=True)]
    axes.set(xticks=rows, xticklabels=labels, ylabel="error in %", title=f"wanted at level {level:g}")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    told = ", ".join(map(str, np.flatnonzero(worse))) or "none"
    return fig, f"The means of {len(mean)} groups with their spreads. Clearly worse than group {best}: {told}."


AMBIGUOUS = replace(
    RUNS,
    hints=(
        "mean, std and runs are arrays: all groups at once.",
        "Look for `if`, `while`, `and`, `or`, `not` and bool(...): they want one answer, not one for each group.",
        "An array compared with a number is the array of answers that is asked for.",
    ),
)

WORSE = Exercise(
    id="sweet_spot-2",
    level="core",
    form="implement",
    difficulty=3,
    importance=2,
    minutes=6,
    cases=_group_cases,
    properties=(
        Property(
            says="the answer is an array of True and False, one for each group, the best one among them",
            holds=_are_answers,
            hints=(
                "For each group a yes or a no.",
                "Look at what you return: chances, or numbers of rows, are no answers yet; and the best group has "
                "one, too.",
                "Compare the array of chances with `level`.",
            ),
        ),
        Property(
            says="a group whose mean is not above that of row `best` is not worse than it; nor is the best itself",
            holds=_none_that_is_better,
            hints=(
                "Errors are compared: low is good.",
                "Look at the sign of t, and at the tail you take; and is it row `best` that you compare with, "
                "also where another mean is lower?",
                "t is above 0 for larger means, and is not made positive. The chance of a t as large or larger is "
                "that of -t or less.",
            ),
        ),
        Property(
            says="a group that lies far above the best is told (here twice as far as the level asks for, or more)",
            holds=_those_far_above,
            hints=(
                "The surest are missing.",
                "Look at the tail you take: stdtr(f, t) is near 1 where t is large. And at the standard error: is "
                "it of means, not of runs?",
                "The chance of a t as large or larger is stdtr of -t.",
            ),
        ),
        Property(
            says="p is below the level for those told, and only for those (all have as many runs; level 0.05)",
            holds=_worse_right(lambda mean, runs, best, level: level == 0.05 and np.ptp(runs) == 0),
            hints=(
                "t is the difference of two means over its standard error, and p the chance of a larger one.",
                "Look at three things: `std` has been divided by the number of runs, so what are the squares? One "
                "variance for both, over how many degrees of freedom? And one side only is asked.",
                "Squares of a group: runs times std squared. Both groups' together, over all their runs less 2, "
                "are the variance of one run; that of a mean is it over its runs; variances of two means add up.",
            ),
        ),
        Property(
            says="the same where groups have other numbers of runs, or a single one",
            holds=_worse_right(lambda mean, runs, best, level: level == 0.05),
            hints=(
                "Each group has its own number of runs, the best one another.",
                "Look at where you take `runs`, and where `runs[best]`; and at what you divide by for one run.",
                "A group of one run adds nothing to the squares; its mean has the variance of a run.",
            ),
        ),
        Property(
            says="the same at other levels, whichever row is the best",
            holds=_worse_right(lambda *given: True),
            hints=(
                "Two arguments are left.",
                "Look for a number in your code where `level` should be: 0.05, or 2.",
                "`level` is compared with p as it is, neither halved nor shared out among the groups.",
            ),
        ),
    ),
    reference=worse_than_best,
    wrong=(
        _welch,
        _variances_evenly,
        _ddof_mixed_up,
        _divided_by_all_runs,
        _single_runs_compared,
        _variance_for_root,
        _errors_added,
        _runs_of_the_best,
        _best_known_exactly,
        _freedom_not_reduced,
        _freedom_of_one,
        _freedom_of_the_best,
        _both_sides_asked,
        _either_side,
        _normal_for_t,
        _the_wrong_end,
        _not_worse,
        _chances,
        _rows,
        _level_fixed,
        _above_two,
        _level_shared_out,
        _level_upside_down,
        _bars_apart,
        _lowest_for_best,
        _best_left_out,
        _one_if_for_all,
        _measured_from_the_best,
    ),
    why=(
        "runs * std^2 are a group's squares of deviations, whatever they were divided by before. Those of both "
        "groups, over all runs less the two means that were taken from them, are the variance of a single run; "
        "over the runs of a group, that of its mean. t is how many standard errors one mean lies above the other. "
        "With few runs the standard error itself is a guess, so t must be larger than a normal table says: 2.13 "
        "for three runs and three, not 1.64. A group that is not told need not be as good as the best: it is "
        "only not known to be worse."
    ),
    draw=_draw_groups,
    raised={ValueError: AMBIGUOUS, TypeError: AMBIGUOUS},
    after="Needed again: `clearly_worse` is this; around what is left stands the box.",
)

# -------------------------------------------------------------------------------- 3: a best that boasts


def _error_cases(rng: Generator) -> Iterator[tuple[Floats, int]]:
    """Two graphs and two seeds, up to six and five. Of each first those that agree on the best, then others."""
    for graphs in range(2, 7):
        for seeds in range(2, 6):
            for top in sorted({1, 2, graphs - 1}):
                yield _agreed(rng, graphs, seeds), top
            yield _agreed(rng, graphs, seeds), graphs
            for top in sorted({1, graphs // 2}):
                yield _in_doubt(rng, graphs, seeds, top), top


def _agreed(rng: Generator, graphs: int, seeds: int) -> Floats:
    """Errors by which each seed puts the graphs in the same order."""
    own = 32 + 2 * rng.permutation(graphs)[:, None]
    return np.asarray((own + rng.integers(20, size=(graphs, seeds)) / 10).round(1))


def _in_doubt(rng: Generator, graphs: int, seeds: int, top: int) -> Floats:
    """Errors by which the slips give other scores, and nothing else gives theirs; each way to choose is sure."""
    while True:
        errors = (32 + rng.integers(20, size=(graphs, seeds)) / 10).round(1)
        honest, *slips = (way(errors, top) for way in (honest_score, _all_choose, _choosers_score, _all_score))
        others = [way(errors, top) for way in (_best_runs_choose, _middle_runs_choose, _last_run_chooses)]
        apart = [abs(a - b) for a in slips for b in [honest, *others] if b == honest or not _close(b, honest)]
        if min(apart) > 0.01 and all(_is_sure(means, top) for means in _means_to_choose_by(errors)):
            return np.asarray(errors)


def _means_to_choose_by(errors: Any) -> Iterator[Any]:
    yield errors.mean(axis=1)
    for seed in range(errors.shape[1]):
        yield np.delete(errors, seed, axis=1).mean(axis=1)
        yield errors[:, seed]


def _is_sure(means: Any, top: int) -> bool:
    ordered = np.sort(means)
    return top == len(ordered) or bool(ordered[top] - ordered[top - 1] > 1e-6)


def boasted_score(errors: Any, top: Any) -> Any:
    """A typical slip, made for the course."""
    scores = []
    for seed in range(errors.shape[1]):
        kept = np.delete(errors, seed, axis=1)
        chosen = np.argsort(errors.mean(axis=1))[:top]
        scores.append(kept[chosen].mean())
    return np.mean(scores)


def honest_score(errors: Floats, top: int) -> float:
    scores = []
    for seed in range(errors.shape[1]):
        kept = np.delete(errors, seed, axis=1)
        chosen = np.argsort(kept.mean(axis=1))[:top]
        scores.append(errors[chosen, seed].mean())
    return float(np.mean(scores))


def _score_with(
    chooses: Callable[..., Any] = lambda errors, kept, seed: kept.mean(axis=1),
    scores: Callable[..., Any] = lambda errors, kept, seed, chosen: errors[chosen, seed],
    picks: Callable[..., Any] = lambda means, top: np.argsort(means)[:top],
    seeds: Callable[[Any], Any] = lambda errors: range(errors.shape[1]),
    over: Callable[[Any], Any] = np.mean,
) -> Callable[..., Any]:
    """A score that is right but for one of: what graphs are chosen by, which errors count, which graphs are
    taken, which seeds are left out, what is made of the scores."""

    def score(errors: Any, top: Any) -> Any:
        found = []
        for seed in seeds(errors):
            kept = np.delete(errors, seed, axis=1)
            chosen = picks(chooses(errors, kept, seed), top)
            found.append(np.mean(scores(errors, kept, seed, chosen)))
        return over(found)

    return score


_all_choose = _score_with(chooses=lambda errors, kept, seed: errors.mean(axis=1))  # the slip that is left of two
_choosers_score = _score_with(scores=lambda errors, kept, seed, chosen: kept[chosen])  # the other one
_all_score = _score_with(scores=lambda errors, kept, seed, chosen: errors[chosen])
_the_left_out_chooses = _score_with(
    chooses=lambda errors, kept, seed: errors[:, seed], scores=lambda errors, kept, seed, chosen: kept[chosen]
)
_the_left_out_alone = _score_with(chooses=lambda errors, kept, seed: errors[:, seed])
_best_runs_choose = _score_with(chooses=lambda errors, kept, seed: kept.min(axis=1))
_middle_runs_choose = _score_with(chooses=lambda errors, kept, seed: np.median(kept, axis=1))
_last_run_chooses = _score_with(chooses=lambda errors, kept, seed: kept[:, -1])
_everybody_scores = _score_with(scores=lambda errors, kept, seed, chosen: errors[:, seed])
_best_of_the_chosen = _score_with(scores=lambda errors, kept, seed, chosen: errors[chosen, seed].min())
_first_of_the_chosen = _score_with(scores=lambda errors, kept, seed, chosen: errors[chosen[0], seed])
_worst_chosen = _score_with(picks=lambda means, top: np.argsort(means)[-top:])
_one_too_many = _score_with(picks=lambda means, top: np.argsort(means)[: top + 1])
_ranks_for_rows = _score_with(picks=lambda means, top: np.argsort(np.argsort(means))[:top])
_unsorted = _score_with(picks=lambda means, top: np.arange(top))
_last_seed_only = _score_with(seeds=lambda errors: [errors.shape[1] - 1])
_best_seed = _score_with(over=np.min)
_sum_of_scores = _score_with(over=np.sum)
_a_list_of_scores = _score_with(over=list)
_place_in_kept = _score_with(scores=lambda errors, kept, seed, chosen: kept[chosen, seed])


def _chosen_once(errors: Any, top: Any) -> Any:
    """By all seeds but the last, and scored on each of them."""
    chosen = np.argsort(errors[:, :-1].mean(axis=1))[:top]
    return errors[chosen].mean()


def _graphs_left_out(errors: Any, top: Any) -> Any:
    """A row for a column: graphs are left out, one after another."""
    found = []
    for row in range(len(errors)):
        kept = np.delete(errors, row, axis=0)
        found.append(kept[np.argsort(kept.mean(axis=1))[:top]].mean())
    return np.mean(found)


def _gap(errors: Any, top: Any) -> Any:
    return honest_score(errors, top) - _choosers_score(errors, top)


def _both_scores(errors: Any, top: Any) -> Any:
    return _choosers_score(errors, top), honest_score(errors, top)


def _sorted_in_place(errors: Any, top: Any) -> Any:
    errors.sort(axis=0)
    return errors[:top].mean()


def _not_the_score_of(*slips: Callable[..., Any]) -> Callable[..., bool]:
    """A property's `holds`: where it matters who chooses, the score is not the one that a slip gives."""

    def holds(found: Any, errors: Any, top: Any) -> bool:
        return not _in_doubt_here(errors) or not any(_close(found, slip(errors, top)) for slip in slips)

    return holds


def _in_doubt_here(errors: Any) -> bool:
    """Whether seeds put the graphs in different orders."""
    orders = np.argsort(errors, axis=0)
    return bool((orders != orders[:, :1]).any())


def _draw_errors(errors: Floats, top: int) -> tuple[Any, str]:
    from lessons.show import INK, PALETTE, canvas

    graphs, seeds = errors.shape
    fig, axes = canvas(4.6, 2.8)
    for seed in range(seeds):
        axes.plot(range(graphs), errors[:, seed], "ovs^D"[seed], color=PALETTE[seed], label=f"seed {seed}")
    axes.plot(range(graphs), errors.mean(axis=1), "_", color=INK, markersize=20, label="mean of all")
    axes.margins(x=0.2)
    axes.set(xticks=range(graphs), xlabel="graph", ylabel="error in %", title=f"top = {top}")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    told = []
    for seed in range(seeds):
        order = np.argsort(np.delete(errors, seed, axis=1).mean(axis=1))[:top]
        told.append(f"{', '.join(map(str, sorted(order.tolist())))} without seed {seed}")
    return fig, f"Runs of {graphs} graphs. Chosen: {'; '.join(told)}."


NO_SUCH_SEED = replace(
    RUNS,
    hints=(
        "The message says which index is too large: of a table with a seed less, columns have other numbers.",
        "Look at the table from which you take the errors that count: is the seed that was left out still there?",
        "What was left out stands in `errors`, and not in `kept`.",
    ),
)

SCORE = Exercise(
    id="sweet_spot-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=3,
    minutes=5,
    cases=_error_cases,
    properties=(
        Property(
            says="the answer is one number, an error in percent",
            holds=lambda found, *rest: _is_real(found, ()),
            hints=(
                "One score, over all seeds that were left out.",
                "Look at what you return: a list has a mean.",
                "The mean of the scores, one number behind `return`.",
            ),
        ),
        Property(
            says="where top is the number of graphs, all are chosen, and the score is the mean of all errors",
            holds=lambda found, errors, top: top < len(errors) or _close(found, errors.mean()),
            hints=(
                "Nothing is chosen here, so nobody boasts. Each error counts once.",
                "Look at which seeds are left out, which errors count for each, and what is made of the scores.",
                "Each seed is left out once, all chosen graphs count alike, and the scores get a mean.",
            ),
        ),
        Property(
            says="where all seeds put the graphs in the same order, the score is the mean error of the top ones",
            holds=lambda found, errors, top: _in_doubt_here(errors) or _close(found, honest_score(errors, top)),
            hints=(
                "Here it does not matter who chooses: the same graphs are best in each seed.",
                "Look at how many graphs you take, from which end, and at what is made of their errors.",
                "np.argsort gives the rows from the lowest mean on; the first `top` of them are chosen.",
            ),
        ),
        Property(
            says="the seed that is left out has no say in which graphs are chosen",
            holds=_not_the_score_of(_all_choose),
            hints=(
                "A run that helped a graph to be chosen is not an independent one.",
                "Look at the table whose means are sorted: does the seed that was left out stand in it?",
                "Means over the seeds that are kept; those are sorted.",
            ),
        ),
        Property(
            says="graphs are not scored by the runs that they were chosen by",
            holds=_not_the_score_of(_choosers_score, _all_score),
            hints=(
                "Who is chosen for low errors was lucky, too. In a new run the luck is gone.",
                "Look at the errors that go into the score: whose seeds are they?",
                "Of the chosen rows only the column of the seed that was left out counts.",
            ),
        ),
        Property(
            says="for each seed left out: the `top` graphs of lowest mean over the others, scored on it",
            holds=lambda found, errors, top: _close(found, honest_score(errors, top)),
            hints=(
                "Many choose, one scores; and each seed is the one that scores, once.",
                "Look at what graphs are chosen by, all the other seeds together, and at the errors that count.",
                "For each seed: the means of the other columns choose, this column scores.",
            ),
        ),
    ),
    reference=honest_score,
    wrong=(
        boasted_score,
        _all_choose,
        _choosers_score,
        _all_score,
        _the_left_out_chooses,
        _the_left_out_alone,
        _best_runs_choose,
        _middle_runs_choose,
        _last_run_chooses,
        _everybody_scores,
        _best_of_the_chosen,
        _first_of_the_chosen,
        _worst_chosen,
        _one_too_many,
        _ranks_for_rows,
        _unsorted,
        _last_seed_only,
        _best_seed,
        _sum_of_scores,
        _a_list_of_scores,
        _place_in_kept,
        _chosen_once,
        _graphs_left_out,
        _gap,
        _both_scores,
        _sorted_in_place,
    ),
    why=(
        "First slip: `errors.mean(axis=1)` looks at all seeds, so the one that is left out has chosen, too. "
        "Second: the chosen graphs are scored by `kept`, the very runs that they were chosen by. With both, and "
        "also with the first alone, the score is just the mean of the best graphs over all their runs: the loop "
        "that leaves seeds out changes nothing. With the second alone it is lower still. A low mean is made of a "
        "good graph and of good luck, and the more graphs there are to choose from, the more of it is luck. Only "
        "runs that had no part in the choice tell what remains."
    ),
    draw=_draw_errors,
    raised={IndexError: NO_SUCH_SEED},
    after="Needed again: `held_out` gives both scores, of those who chose and of the seed left out.",
)

# -------------------------------------------------------------------------------- 4: what controls show

GRAPHS, TRUE_ERROR, SPREAD, SEEDS, LEVEL = 1000, 33.0, 0.4, 4, 0.05


@dataclass(frozen=True)
class _World:
    """In which no graph matters: what all of them have in common."""

    true_error: float = TRUE_ERROR
    spread: float = SPREAD
    level: float = LEVEL

    def lowest(self) -> list[float]:
        """To choose from; the third is nearest, as the lowest of 1000 means of four lies 1.6 spreads below."""
        return [round(self.true_error - down * self.spread, 1) for down in (0, 0.5, 1.5, 3.25)]

    def numbers(self) -> tuple[float, ...]:
        told = round(GRAPHS * self.level)
        return (self.spread / sqrt(SEEDS), self.lowest()[2], self.true_error, told, self.level, -1, 0, 0, 0)

    def once(self) -> str:
        return {20: "twenty"}.get(round(1 / self.level), str(round(1 / self.level)))

    def told(self) -> list[str]:
        """What the statement says of it."""
        first, second, third, last = self.lowest()
        return [
            f"each has a true error of {self.true_error} %. Single runs lie around it at random (normal), with a "
            f"spread of {self.spread}.",
            f"whose true error is {self.true_error} % as well",
            f"{first}, {second}, {third} or {last}?",
            f"A t-test at level {self.level} asks",
        ]


LOWEST = tuple(_World().lowest())
NINE = _World().numbers()


def _draw_no_graph_matters() -> tuple[Any, str]:
    """A small relative of what is asked about: fewer graphs, and a mean that is known."""
    from lessons.show import INK, PALETTE, canvas

    graphs = 20
    runs = np.random.default_rng(7).normal(0, 1, (graphs, SEEDS))
    mean = runs.mean(axis=1)
    fig, axes = canvas(6.0, 2.6)
    axes.plot(np.repeat(range(graphs), SEEDS), runs.ravel(), ".", color=PALETTE[4], label="runs")
    axes.plot(range(graphs), mean, "D", color=PALETTE[5], label="mean of four")
    axes.axhline(0, color=INK, linewidth=1, label="true error")
    axes.set(xticks=[], xlabel=f"{graphs} graphs", ylabel="spreads of a run", title="no graph matters")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return fig, "Four runs each of 20 graphs with one true error, and their means, which spread less than runs."


def _predicted(of: _World) -> Exercise:
    middle, lowest = f"{of.true_error}", of.lowest()
    nine = of.numbers()
    a, b, c, d, e = nine[:5]

    def number(k: int) -> Callable[[Any], bool]:
        return lambda found: isclose(float(found[k]), nine[k], rel_tol=1e-6)

    def sign(k: int) -> Callable[[Any], bool]:
        return lambda found: float(found[k]) == nine[k]

    return Exercise(
        id="sweet_spot-4",
        level="core",
        form="predict",
        difficulty=2,
        importance=3,
        minutes=8,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of nine numbers, of which the last four are 1, 0 or -1",
                holds=lambda found: _is_real(found, (9,)) and all(float(sign) in (1, 0, -1) for sign in found[5:]),
                hints=(
                    "Five numbers, then four times 1, 0 or -1.",
                    "Count the numbers in your list, and look for inner brackets, words and quotation marks.",
                    "It looks like [a, b, c, d, e, f, g, h, i], with a number for each.",
                ),
            ),
            Property(
                says="(a) how far means of four runs spread",
                holds=number(0),
                hints=(
                    "A mean of several runs is surer than one run.",
                    "Look at what the number of runs does to a spread: it is a root that counts.",
                    "The spread of a run over the square root of four.",
                ),
            ),
            Property(
                says="(b) the number that is nearest to the lowest of 1000 such means",
                holds=number(1),
                hints=(
                    "Not one graph is better, but one of them is the luckiest of 1000.",
                    "Look at the spread in (a): it is means that are compared, not runs. How many spreads below "
                    "the middle is the lowest of 1000? One in 740 lies three below it, or lower.",
                    f"A little more than three spreads of means below {middle}.",
                ),
            ),
            Property(
                says="(c) a fifth run of the graph with the lowest mean, on the average",
                holds=number(2),
                hints=(
                    "What does chance know of the first four runs?",
                    "Look at the true error of that graph, and of all the others.",
                    "Luck does not stay, nor does it turn: the run lies around the true error.",
                ),
            ),
            Property(
                says=f"(d) how many of the 1000 are told clearly better at level {e}, on the average",
                holds=number(3),
                hints=(
                    "Nothing is there to be found. What is a level?",
                    "Look at what the test promises for one graph: how often does it tell, where there is "
                    "nothing?",
                    f"One in {of.once()}, of 1000.",
                ),
            ),
            Property(
                says="(e) after Holm, the share of worlds with a graph that is told, at most",
                holds=number(4),
                hints=(
                    "Holm makes the level hold for all 1000 together.",
                    "Look at what is counted: worlds, not graphs; and a share is no per cent.",
                    "It is what the level was for a single graph.",
                ),
            ),
            Property(
                says="(f) density alone matters: r(error, L) over all graphs",
                holds=sign(5),
                hints=(
                    "L does nothing here, but it goes along with something that does.",
                    "Look at a graph with a large L: is it sparse or dense? So how wide is its network?",
                    "Long paths: sparse, wide, low error. Short paths: dense, narrow, high error.",
                ),
            ),
            Property(
                says="(g) density alone matters: r(error, L) among graphs of one density",
                holds=sign(6),
                hints=(
                    "What is the same for all of these graphs?",
                    "Look at why error and L went together in (f): does the reason still vary?",
                    "With one density they have one true error. What remains is chance, which knows no L.",
                ),
            ),
            Property(
                says="(h) density alone matters: the brain's error less that of random graphs as dense",
                holds=sign(7),
                hints=(
                    "The complete graph is not as dense as the brain, so it is no fair rival.",
                    "Look at what decides the error in this world, and whether brain and rivals differ in that.",
                    "As dense, as wide, as good.",
                ),
            ),
            Property(
                says="(i) r(error, L) = 0.76 among graphs of one density: whether density alone can matter",
                holds=sign(8),
                hints=(
                    "A control may break a claim, and the claim may be the sceptic's.",
                    "Look at your answer to (g): is that what the real runs show?",
                    "If density were all, r would be about 0 there.",
                ),
            ),
        ),
        reference=list(nine),
        wrong=(
            [a, b, c],
            [[a, b, c, d, e], [-1, 0, 0, 0]],
            [a, b, c, d, e, -0.5, 0, 0, 0],
            [of.spread, *nine[1:]],  # of a single run
            [of.spread / 4, *nine[1:]],  # no root
            [of.spread / sqrt(3), *nine[1:]],  # one less, which is for a spread that is estimated
            [of.spread * 2, *nine[1:]],  # times the root
            [a, lowest[0], *nine[2:]],  # nobody is better
            [a, lowest[1], *nine[2:]],  # one spread below
            [a, lowest[3], *nine[2:]],  # as far as the lowest of 1000 single runs
            [a, b, b, *nine[3:]],  # it stays as good
            [a, b, (b + c) / 2, *nine[3:]],  # half way
            [a, b, 2 * c - b, *nine[3:]],  # as if luck had to be paid back
            [a, b, c, 0, *nine[4:]],  # nothing is there to be found
            [a, b, c, 500, *nine[4:]],  # better by anything at all
            [a, b, c, d / 2, *nine[4:]],  # one side of a test with two
            [a, b, c, 1000 - d, *nine[4:]],  # those that are not told
            [a, b, c, d, 0, *nine[5:]],
            [a, b, c, d, 1, *nine[5:]],
            [a, b, c, d, 100 * e, *nine[5:]],  # per cent
            [a, b, c, d, e / 1000, *nine[5:]],
            [*nine[:5], 1, 0, 0, 0],  # long paths are bad
            [*nine[:5], 0, 0, 0, 0],  # no cause, so no r
            [*nine[:5], -1, -1, 0, 0],
            [*nine[:5], -1, 1, 0, 0],
            [*nine[:5], -1, 0, -1, 0],  # still better
            [*nine[:5], -1, 0, 1, 0],
            [*nine[:5], -1, 0, 0, 1],
            [*nine[:5], -1, 0, 0, -1],
        ),
        why=(
            f"Means of four runs spread by {of.spread} / 2. The lowest of 1000 lies 3.2 of that below {middle}: a "
            "best graph where no graph matters; a fifth run of it, which had no part in the choice, is at "
            f"{middle} again. One test in {of.once()} finds something where there is nothing, {d} in 1000; "
            f"adjusted by Holm, any at all in at most one world of {of.once()}. Where density alone matters, "
            "r(error, L) is not 0, as sparse graphs have long paths; among graphs of one density it is, and a "
            "brain is as good as its random rivals of that density. So a picture without its control shows "
            "nothing yet. The controls cut both ways: 0.76 at one density breaks the claim that density is all."
        ),
        draw=_draw_no_graph_matters,
        after="Needed again: each of these controls is now tried on the published runs.",
        varied=_other_world,
    )


def _other_world(rng: Generator) -> Variant:
    spread, level = 0.4 * rng.integers(1, 4), rng.choice([0.01, 0.02, 0.1])
    of = _World(float(rng.integers(20, 46)), round(float(spread), 1), float(level))
    return Variant(_predicted(of), dict(zip(_World().told(), of.told(), strict=True)))


PREDICTED = _predicted(_World())

# -------------------------------------------------------------------------------- 5: in slices of density

Slices = tuple["Floats", "Floats", "Floats", "Floats"]


COUNTS = (
    (3, 4),
    (5, 3),
    (3, 0, 4),
    (4, 1, 3),
    (1, 3, 4),
    (4, 3, 4),
    (5, 0, 1, 4),
    (4, 4, 3, 4),
)  # graphs in slices
Parts = Callable[[Any, Any], Any]


def _slice_cases(rng: Generator) -> Iterator[Slices]:
    """One slice with all graphs, one with some of them, then several, of which some are empty or have one."""
    for size in range(4, 10):
        for outside in ([], [], [], [0.05], [0.2], [0.1], [0.05, 0.1, 0.2, 0.25]):
            density = np.append(outside, rng.integers(11, 20, size) / 100)
            yield _graphs(rng, density, np.array([0.1, 0.2]))
    for counts in COUNTS:
        edges = np.array([0.1, 0.2, 0.3, 0.4, 0.5][: len(counts) + 1])
        for _ in range(4):
            density = np.repeat(edges[:-1], counts) + rng.integers(10, size=sum(counts)) / 100
            yield _graphs(rng, density.round(2), edges)


def _graphs(rng: Generator, density: Floats, edges: Floats) -> Slices:
    """Sparse graphs have large L and low errors; at one density L and error go together, one way or the other."""
    while True:
        density, sign = rng.permutation(density), rng.choice([-1, 1])
        own_L, luck = rng.integers(-5, 6, (2, len(density))) / 10
        L, errors = (3 - 4 * density + own_L).round(1), (32 + 9 * density + sign * own_L + luck / 2).round(1)
        given = errors, L, density, edges
        slips = [abs(slip(*given) - within_slices(*given)) for slip in (_only_the_range, _only_errors, _only_L)]
        if min(map(np.ptp, (errors, L))) > 0 and (len(edges) == 2 or min(slips) > 0.02):
            return given


def within_slices(errors: Floats, L: Floats, density: Floats, edges: Floats) -> float:
    own_errors: list[float] = []
    own_L: list[float] = []
    for k in range(len(edges) - 1):
        here = (edges[k] <= density) & (density < edges[k + 1])
        if here.any():
            own_errors.extend(errors[here] - errors[here].mean())
            own_L.extend(L[here] - L[here].mean())
    return float(np.corrcoef(own_errors, own_L)[0, 1])


def _pearson(x: Any, y: Any) -> Any:
    return np.corrcoef(x, y)[0, 1]


def _slice_of(density: Any, edges: Any) -> Any:
    """The number of the slice that a graph is in; -1 for none."""
    found = np.digitize(density, edges)
    return np.where(found == len(edges), -1, found - 1)


def _mean_taken(values: Any, which: Any) -> Any:
    return _taken(values, which, np.mean)


def _taken(values: Any, which: Any, middle: Callable[[Any], Any]) -> Any:
    middles = {k: middle(values[which == k]) for k in which.tolist()}
    return values - [middles[k] for k in which.tolist()]


def _as_it_is(values: Any, which: Any) -> Any:
    return values


def _median_taken(values: Any, which: Any) -> Any:
    return _taken(values, which, np.median)


def _scaled_too(values: Any, which: Any) -> Any:
    """z-scores: over the spread of the slice, too; that of one graph is 0."""
    own = _mean_taken(values, which)
    return own / [values[which == k].std() for k in which.tolist()]


def _within_with(
    slices: Parts = _slice_of, errors_by: Parts = _mean_taken, L_by: Parts = _mean_taken, r: Parts = _pearson
) -> Callable[..., Any]:
    """r within slices, right but for one of: who is in which slice, what is taken from errors, from L, and r."""

    def within(errors: Any, L: Any, density: Any, edges: Any) -> Any:
        which = slices(density, edges)
        kept = which >= 0
        return r(errors_by(errors[kept], which[kept]), L_by(L[kept], which[kept]))

    return within


def _closed_at_the_end(density: Any, edges: Any) -> Any:
    """As histograms have it: the last slice has its upper edge, too."""
    return np.where(density == edges[-1], len(edges) - 2, _slice_of(density, edges))


def _ranks(x: Any) -> Any:
    return np.argsort(np.argsort(x, kind="stable"), kind="stable")


def _slope_of_errors(x: Any, y: Any) -> Any:
    return np.polyfit(y, x, 1)[0]


_no_slices = _within_with(slices=lambda density, edges: np.zeros(len(density), int))
_only_the_range = _within_with(slices=lambda density, edges: np.minimum(_slice_of(density, edges), 0))
_outside_as_slices = _within_with(slices=lambda density, edges: np.digitize(density, edges))
_outside_in_the_nearest = _within_with(
    slices=lambda density, edges: np.clip(np.digitize(density, edges), 1, len(edges) - 1)
)
_upper_edges_for_lower = _within_with(
    slices=lambda density, edges: np.where(density > edges[-1], -1, np.digitize(density, edges, right=True) - 1)
)
_last_edge_too = _within_with(slices=_closed_at_the_end)
_only_errors = _within_with(L_by=_as_it_is)
_only_L = _within_with(errors_by=_as_it_is)
_medians = _within_with(errors_by=_median_taken, L_by=_median_taken)
_scores = _within_with(errors_by=_scaled_too, L_by=_scaled_too)
_covariance = _within_with(r=lambda x, y: np.cov(x, y)[0, 1])
_slope = _within_with(r=_slope_of_errors)
_squared = _within_with(r=lambda x, y: _pearson(x, y) ** 2)
_table_of_r = _within_with(r=np.corrcoef)
_by_ranks = _within_with(r=lambda x, y: _pearson(_ranks(x), _ranks(y)))


def _r_of_each(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    """(r, graphs) of each slice in which there is one."""
    which = _slice_of(density, edges)
    rows = [np.flatnonzero(which == k) for k in range(len(edges) - 1)]
    return [(_pearson(errors[here], L[here]), len(here)) for here in rows if len(here) > 2]


def _mean_r(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    return np.mean([r for r, _ in _r_of_each(errors, L, density, edges)])


def _weighted_mean_r(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    found = _r_of_each(errors, L, density, edges)
    return sum(r * graphs for r, graphs in found) / sum(graphs for _, graphs in found)


def _an_r_for_each(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    return [r for r, _ in _r_of_each(errors, L, density, edges)]


def _first_slice(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    return within_slices(errors, L, density, edges[:2])


def _between_slices(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    """r of the means: just what was to be taken away."""
    which = _slice_of(density, edges)
    slices = [which == k for k in range(len(edges) - 1) if (which == k).any()]
    return _pearson([errors[here].mean() for here in slices], [L[here].mean() for here in slices])


def _straight_line_taken(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    """The partial correlation: what a straight line in density tells is taken away, not the means of slices."""
    kept = _slice_of(density, edges) >= 0
    x = density[kept]
    own = [values[kept] - np.polyval(np.polyfit(x, values[kept], 1), x) for values in (errors, L)]
    return _pearson(*own)


def _place_among_the_means(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    """digitize counts slices from 1 on, the table of their means from 0 on."""
    which = _slice_of(density, edges)
    means = np.array([[values[which == k].mean() for k in range(len(edges) - 1)] for values in (errors, L)])
    own = np.array([errors, L]) - means[:, np.digitize(density, edges)]
    return _pearson(*own[:, which >= 0])


def _taken_in_place(errors: Any, L: Any, density: Any, edges: Any) -> Any:
    which = _slice_of(density, edges)
    for k in set(which.tolist()):
        errors[which == k] -= errors[which == k].mean()
        L[which == k] -= L[which == k].mean()
    return _pearson(errors[which >= 0], L[which >= 0])


def _one_slice(edges: Any) -> bool:
    return len(edges) == 2


def _all_inside(density: Any, edges: Any) -> bool:
    return bool(((density >= edges[0]) & (density < edges[-1])).all())


def _is_r(found: Any, *rest: Any) -> bool:
    return _is_real(found, ()) and abs(float(found)) <= 1 + 1e-9


def _r_right(asks: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """A property's `holds`: in the cases for which asks(density, edges) the number is right."""

    def holds(found: Any, errors: Any, L: Any, density: Any, edges: Any) -> bool:
        return not asks(density, edges) or _close(found, within_slices(errors, L, density, edges))

    return holds


def _not_the_r_of(*slips: Callable[..., Any]) -> Callable[..., bool]:
    """A property's `holds`: where there are several slices, the number is not that of a slip."""

    def holds(found: Any, *given: Any) -> bool:
        return _one_slice(given[-1]) or not any(_close(found, slip(*given)) for slip in slips)

    return holds


def _draw_slices(errors: Floats, L: Floats, density: Floats, edges: Floats) -> tuple[Any, str]:
    from lessons.show import FAINT, PALETTE, canvas

    which = _slice_of(density, edges)
    fig, axes = canvas(4.6, 2.8)
    for k in (-1, *range(len(edges) - 1)):
        here = which == k
        name = f"{edges[k]:g} ≤ density < {edges[k + 1]:g}" if k >= 0 else "in no slice"
        if here.any():
            axes.plot(L[here], errors[here], "xovs^"[k + 1], color=PALETTE[k] if k >= 0 else FAINT, label=name)
    right = within_slices(errors, L, density, edges)
    axes.set(xlabel="L", ylabel="error in %", title=f"{(which >= 0).sum()} graphs in slices")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return (
        fig,
        f"Errors of {len(L)} graphs over L, marked by slices of density. Wanted: r = {right:.3f} within slices.",
    )


COUNTED_FROM_1 = replace(
    RUNS,
    hints=(
        "There is a slice less than there are edges.",
        "Look at the numbers of slices: np.digitize gives 0 below the first edge, 1 in the first slice, and "
        "len(edges) above the last.",
        "The mean of the first slice stands at 0 in a table; so take one from what np.digitize gives.",
    ),
)

WITHIN = Exercise(
    id="sweet_spot-5",
    level="stretch",
    form="implement",
    difficulty=2,
    importance=2,
    minutes=8,
    cases=_slice_cases,
    properties=(
        Property(
            says="the answer is one number, from -1 to 1",
            holds=_is_r,
            hints=(
                "One correlation for all slices together.",
                "Look at what you return: np.corrcoef makes a table of four. And a slice may be empty, or have a "
                "single graph, which has no r and no spread.",
                "Of the table take the entry [0, 1]; the means are taken slice by slice, r at the end, once.",
            ),
        ),
        Property(
            says="where all graphs lie in one slice, it is Pearson's r of errors and L",
            holds=_r_right(lambda density, edges: _one_slice(edges) and _all_inside(density, edges)),
            hints=(
                "In a single slice there is nothing to take away: r does not mind a mean that is taken from all.",
                "Look at what you compute of what is left: r itself, not a slope, a covariance, a rank or a "
                "square. And how density varies inside a slice is not asked.",
                "np.corrcoef(x, y)[0, 1] is r.",
            ),
        ),
        Property(
            says="graphs in no slice are left out; a slice has its lower edge, and not its upper",
            holds=_r_right(lambda density, edges: _one_slice(edges)),
            hints=(
                "The slices need not reach as far as the densities.",
                "Look at graphs below the first edge and above the last, and at those right on an edge.",
                "A graph is in where low <= density and density < high.",
            ),
        ),
        Property(
            says="what differs between slices has no part in it",
            holds=_not_the_r_of(_only_the_range, _between_slices),
            hints=(
                "That a dense slice has other errors and other path lengths is just what is to be taken out.",
                "Look at the means that you take away: one for each slice, of the graphs in that slice?",
                "For each slice by itself: which graphs are in it, what is their mean, what is left?",
            ),
        ),
        Property(
            says="the mean of the slice is taken from both, errors and L",
            holds=_not_the_r_of(_only_errors, _only_L),
            hints=(
                "Two quantities differ between slices.",
                "Look at what goes into r at the end: have both been dealt with?",
                "errors less their mean in the slice, and L less its own mean there.",
            ),
        ),
        Property(
            says="it is r of what is left over, of the graphs of all slices together",
            holds=_r_right(lambda density, edges: True),
            hints=(
                "A small slice should count for less than a large one, and a graph alone for nothing.",
                "Look at when you compute r: once, or for each slice? And is it means that you take away, and "
                "nothing else?",
                "Collect what is left over in two lists, slice by slice; then one r of both lists.",
            ),
        ),
    ),
    reference=within_slices,
    wrong=(
        _no_slices,
        _only_the_range,
        _outside_as_slices,
        _outside_in_the_nearest,
        _upper_edges_for_lower,
        _last_edge_too,
        _only_errors,
        _only_L,
        _medians,
        _scores,
        _covariance,
        _slope,
        _squared,
        _table_of_r,
        _by_ranks,
        _mean_r,
        _weighted_mean_r,
        _an_r_for_each,
        _first_slice,
        _between_slices,
        _straight_line_taken,
        _place_among_the_means,
        _taken_in_place,
    ),
    why=(
        "What the slices differ in is their means; without them only differences between graphs of like density "
        "are left, and r of those cannot come of density, as far as the slices are narrow. A single r over all "
        "slices lets each graph count, while the mean of the slices' own r's would give three graphs the say of "
        "three hundred. The sign may turn: over all graphs sparse ones have long paths and, with their wide "
        "networks, low errors, while among graphs of one density long paths may go with high errors. This is "
        "known as Simpson's paradox. That density is taken out does not make L a cause: C, and whatever else goes "
        "along with L, is still there."
    ),
    draw=_draw_slices,
    raised={IndexError: COUNTED_FROM_1},
    after="Try it on the 3942 published graphs, in slices 0.01 wide: compare with r over all of them.",
)

EXERCISES = (SUMMARY, WORSE, SCORE, PREDICTED, WITHIN)
