"""The exercises of notebook 12: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest
from exercised import Topic, code_of
from scipy import stats

from lessons.datasets import published_errors
from lessons.exercises import check
from lessons.exercises import sweet_spot as module
from lessons.exercises.sweet_spot import (
    GRAPHS,
    LEVEL,
    LOWEST,
    NINE,
    SEEDS,
    SPREAD,
    TRUE_ERROR,
    boasted_score,
    honest_score,
    summary,
    within_slices,
    worse_than_best,
)
from lessons.sweet_spot import Groups, clearly_worse, held_out, holm, p_worse

TOPIC = Topic("sweet_spot")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases

pytestmark = pytest.mark.usefixtures("first_attempt")

# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_nan_taken_along": "left out everywhere",
    "_nan_asked_by_equality": "left out everywhere",
    "_nan_asked_by_identity": "left out everywhere",
    "_missing_as_0": "left out everywhere",
    "_missing_counted": "left out everywhere",
    "_middle_run": "the mean of the runs",
    "_best_run": "the mean of the runs",
    "_one_less_in_both": "the second is the spread",
    "_one_less_and_nan": "the second is the spread",
    "_variance": "the second is the spread",
    "_mean_distance": "the second is the spread",
    "_half_the_range": "the second is the spread",
    "_error_before_spread": "the second is the spread",
    "_spread_of_a_run": "the third is the standard error",
    "_of_the_told_spread": "the third is the standard error",
    "_root_forgotten": "the third is the standard error",
    "_one_less_twice": "the third is the standard error",
    "_two_errors_wide": "the third is the standard error",
    "_error_of_one_is_0": "of a single run is nan",
    "_spread_for_error_of_one": "of a single run is nan",
    "_one_run_not_asked": "without an error",
    "_mean_and_spread": "three numbers",
    "_missing_removed_from_the_list": "left as they were",
    "_welch": "all have as many runs",
    "_ddof_mixed_up": "all have as many runs",
    "_divided_by_all_runs": "all have as many runs",
    "_single_runs_compared": "all have as many runs",
    "_variance_for_root": "all have as many runs",
    "_errors_added": "all have as many runs",
    "_best_known_exactly": "all have as many runs",
    "_freedom_not_reduced": "all have as many runs",
    "_freedom_of_one": "all have as many runs",
    "_both_sides_asked": "all have as many runs",
    "_normal_for_t": "all have as many runs",
    "_above_two": "all have as many runs",
    "_level_shared_out": "all have as many runs",
    "_bars_apart": "all have as many runs",
    "_variances_evenly": "other numbers of runs",
    "_runs_of_the_best": "other numbers of runs",
    "_freedom_of_the_best": "other numbers of runs",
    "_level_fixed": "other levels",
    "_the_wrong_end": "far above the best",
    "_either_side": "is not worse than it",
    "_not_worse": "is not worse than it",
    "_level_upside_down": "is not worse than it",
    "_lowest_for_best": "is not worse than it",
    "_chances": "an array of True and False",
    "_rows": "an array of True and False",
    "_best_left_out": "an array of True and False",
    "_one_if_for_all": "without an error",
    "_measured_from_the_best": "left as they were",
    "boasted_score": "has no say",
    "_all_choose": "has no say",
    "_chosen_once": "has no say",
    "_choosers_score": "by the runs that they were chosen by",
    "_all_score": "by the runs that they were chosen by",
    "_the_left_out_alone": "by the runs that they were chosen by",
    "_the_left_out_chooses": "of lowest mean over the others",
    "_best_runs_choose": "of lowest mean over the others",
    "_middle_runs_choose": "of lowest mean over the others",
    "_last_run_chooses": "of lowest mean over the others",
    "_ranks_for_rows": "of lowest mean over the others",
    "_unsorted": "of lowest mean over the others",
    "_best_of_the_chosen": "all are chosen",
    "_first_of_the_chosen": "all are chosen",
    "_everybody_scores": "in the same order",
    "_worst_chosen": "in the same order",
    "_one_too_many": "in the same order",
    "_last_seed_only": "in the same order",
    "_best_seed": "in the same order",
    "_sum_of_scores": "in the same order",
    "_graphs_left_out": "in the same order",
    "_gap": "in the same order",
    "_a_list_of_scores": "one number",
    "_both_scores": "one number",
    "_place_in_kept": "without an error",
    "_sorted_in_place": "left as they were",
    "_no_slices": "in no slice are left out",
    "_outside_as_slices": "in no slice are left out",
    "_outside_in_the_nearest": "in no slice are left out",
    "_upper_edges_for_lower": "in no slice are left out",
    "_last_edge_too": "in no slice are left out",
    "_only_the_range": "has no part in it",
    "_only_errors": "from both",
    "_only_L": "from both",
    "_medians": "all slices together",
    "_scores": "all slices together",
    "_mean_r": "all slices together",
    "_weighted_mean_r": "all slices together",
    "_first_slice": "all slices together",
    "_covariance": "in one slice",
    "_slope": "in one slice",
    "_squared": "in one slice",
    "_by_ranks": "in one slice",
    "_straight_line_taken": "in one slice",
    "_table_of_r": "one number",
    "_an_r_for_each": "one number",
    "_between_slices": "one number",
    "_place_among_the_means": "without an error",
    "_taken_in_place": "left as they were",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


def test_every_mistake_has_its_property_here():
    made = [answer for exercise in EXERCISES.values() for answer in exercise.wrong if callable(answer)]
    named = {name for name, value in vars(module).items() if any(value is answer for answer in made)}
    assert named == set(FAILS)
    assert len(made) == len(named)


ODD = [{}, {0: 1}, (True,), [*NINE[:8]], [[1] * 9], 1.5, True, (1, 2, None), [32.0, "0.3", 0.1], 32.0]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, exercise in EXERCISES.items():
        check(id, (lambda *_: ...) if callable(exercise.reference) else ...)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def by_numpy(runs):
    mean, spread, n = np.nanmean(runs), np.nanstd(runs), np.isfinite(runs).sum()
    return np.array([mean, spread, spread / np.sqrt(n - 1) if n > 1 else np.nan])


def by_statistics(runs):
    done = [run for run in runs if run == run]  # nan is not equal to itself
    error = statistics.stdev(done) / len(done) ** 0.5 if len(done) > 1 else float("nan")
    return [statistics.fmean(done), statistics.pstdev(done), error]


def by_statistics_always(runs):
    done = [run for run in runs if run == run]
    return [statistics.fmean(done), statistics.pstdev(done), statistics.stdev(done) / len(done) ** 0.5]


def as_complex(runs):
    return [*summary(runs)[:2], 1j]


def by_scipy(mean, std, runs, best, level):
    """Of summaries, one after another; scipy's own wants standard deviations with one less."""
    with np.errstate(invalid="ignore", divide="ignore"):
        sample = std * np.sqrt(runs / np.maximum(runs - 1, 1))
    tests = [
        stats.ttest_ind_from_stats(mean[g], sample[g], runs[g], mean[best], sample[best], runs[best])
        for g in range(len(mean))
    ]
    return [bool(test.statistic > 0 and test.pvalue / 2 < level) for test in tests]


def by_library(mean, std, runs, best, level):
    return clearly_worse(Groups(mean, mean, mean, std, runs), best, level)


def as_ones_and_zeros(mean, std, runs, best, level):
    return worse_than_best(mean, std, runs, best, level).astype(int)


def by_partition(errors, top):
    """The best by a partition, where all may be chosen; means of the others by a sum."""
    total = 0.0
    for seed, column in enumerate(errors.T):
        others = errors.sum(axis=1) - errors[:, seed]
        chosen = np.argpartition(others, top - 1)[:top]
        total += column[chosen].sum()
    return total / errors.shape[1] / top


def by_held_out(errors, top):
    return held_out(errors, top).held_out


def by_centring(errors, L, density, edges):
    """One bincount for each mean."""
    kept = (density >= edges[0]) & (density < edges[-1])
    which = np.digitize(density[kept], edges)
    own = []
    for values in (errors[kept], L[kept]):
        own.append(values - (np.bincount(which, values) / np.maximum(np.bincount(which), 1))[which])
    return (own[0] @ own[1]) / np.sqrt((own[0] @ own[0]) * (own[1] @ own[1]))


def by_dummies(errors, L, density, edges):
    """A constant for each slice is fitted: what is left over is the same."""
    which = np.digitize(density, edges)
    X = (which[:, None] == np.arange(1, len(edges))).astype(float)
    kept = X.any(axis=1)
    X, y = X[kept], np.column_stack([errors, L])[kept]
    left = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    return np.corrcoef(left.T)[0, 1]


def without_the_lonely(errors, L, density, edges):
    """A graph that is alone in its slice has nothing left over, and may as well be left out."""
    which = np.digitize(density, edges)
    alone = np.bincount(which, minlength=len(edges) + 1)[which] == 1
    return within_slices(errors[~alone], L[~alone], density[~alone], edges)


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_numpy, "right"),
        (1, by_statistics, "right"),
        (1, by_statistics_always, "wrong"),
        (1, as_complex, "wrong"),
        (1, lambda runs: (*summary(runs)[:2], None), "wrong"),
        (1, lambda runs: (*summary(runs), len(runs)), "wrong"),
        (2, by_scipy, "right"),
        (2, by_library, "right"),
        (2, as_ones_and_zeros, "right"),
        (2, lambda *given: worse_than_best(*given).astype(str), "wrong"),
        (2, lambda *given: worse_than_best(*given)[None], "wrong"),
        (3, by_partition, "right"),
        (3, by_held_out, "right"),
        (3, held_out, "wrong"),
        (3, lambda errors, top: [honest_score(errors, top)], "wrong"),
        (3, lambda errors, top: round(honest_score(errors, top), 2), "wrong"),
        (4, list(NINE), "right"),
        (4, NINE, "right"),
        (4, np.array(NINE), "right"),
        (4, [0.4 / 4**0.5, 32.4, 33, 50.0, 1 / 20, -1.0, 0, 0, False], "right"),
        (4, [0.21, *NINE[1:]], "wrong"),
        (4, [0.2, 32.35, *NINE[2:]], "wrong"),
        (4, [*NINE[:8], True], "wrong"),
        (5, by_centring, "right"),
        (5, by_dummies, "right"),
        (5, without_the_lonely, "right"),
        (5, lambda *given: -within_slices(*given), "wrong"),
        (5, lambda *given: np.array([within_slices(*given)]), "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_summaries_are_the_library_s():
    for (runs,) in cases(1):
        groups = Groups.of([0.5], [2.0], [runs])
        wanted = [groups.mean[0], groups.std[0], groups.standard_error[0]]
        assert summary(runs) == pytest.approx(wanted, nan_ok=True)


def test_five_runs_have_a_standard_error_of_half_the_spread():
    """As `why` says."""
    mean, spread, error = summary([32.94, 33.91, 33.44, 33.47, 32.96])
    assert (round(mean, 2), round(spread, 2)) == (33.34, 0.36)
    assert error == pytest.approx(spread / 2)


def test_a_t_of_three_runs_and_three_is_as_large_as_is_said():
    assert stats.t.ppf(0.95, 4) == pytest.approx(2.13, abs=0.005)
    assert stats.norm.ppf(0.95) == pytest.approx(1.64, abs=0.005)


def test_the_groups_that_are_clearly_worse_are_the_library_s_and_never_in_doubt():
    for mean, std, runs, best, level in cases(2):
        groups = Groups(mean, mean, mean, std, runs)
        assert np.array_equal(worse_than_best(mean, std, runs, best, level), clearly_worse(groups, best, level))
        assert (abs(p_worse(groups, best) / level - 1) > 1e-3).all()


def test_scores_are_the_library_s():
    for errors, top in cases(3):
        found = held_out(errors, top)
        assert honest_score(errors, top) == pytest.approx(found.held_out)
        assert module._choosers_score(errors, top) == pytest.approx(found.chosen)


def test_mending_one_slip_is_not_enough():
    """As `why` says: with the first slip, all runs of the best; with the second alone, lower still."""
    for errors, top in cases(3):
        best = np.sort(errors.mean(axis=1))[:top].mean()
        assert boasted_score(errors, top) == pytest.approx(best)
        assert module._all_choose(errors, top) == pytest.approx(best)
        assert module._choosers_score(errors, top) <= best + 1e-9


# ------------------------------------------------------------------------------ the two worlds of exercise 4


@pytest.fixture(scope="module")
def worlds():
    """Errors (worlds, graphs and the complete one, runs) where no graph matters; the last run is a fifth one."""
    rng = np.random.default_rng(100)
    return rng.normal(TRUE_ERROR, SPREAD, (200, GRAPHS + 1, SEEDS + 1))


def test_means_of_four_and_the_lowest_of_them_are_as_predicted(worlds):
    mean = worlds[:, :-1, :SEEDS].mean(axis=2)
    assert mean.std(axis=1).mean() == pytest.approx(NINE[0], abs=0.001)
    lowest = mean.min(axis=1).mean()
    assert min(LOWEST, key=lambda number: abs(number - lowest)) == NINE[1]
    assert (TRUE_ERROR - lowest) / NINE[0] == pytest.approx(3.24, abs=0.05)
    assert 1 / stats.norm.sf(3) == pytest.approx(740, abs=1)


def test_a_fifth_run_of_the_luckiest_is_as_any_run(worlds):
    luckiest = worlds[:, :-1, :SEEDS].mean(axis=2).argmin(axis=1)
    fifth = worlds[np.arange(len(worlds)), luckiest, SEEDS]
    error = SPREAD / np.sqrt(len(worlds))
    assert abs(fifth.mean() - NINE[2]) < 3 * error < NINE[2] - NINE[1]


def p_better(errors):
    """One-sided p-values of the graphs before the last, which may be better than it."""
    place = np.zeros(len(errors))
    return 1 - p_worse(Groups.of(place, place, errors), best=len(errors) - 1)[:-1]


def test_so_many_are_told_better_and_after_holm_hardly_any(worlds):
    p_values = [p_better(errors[:, :SEEDS]) for errors in worlds]
    told = np.array([(p < LEVEL).sum() for p in p_values])
    assert abs(told.mean() - NINE[3]) < 3 * told.std() / np.sqrt(len(told)) < 25
    any_left = np.mean([(holm(p) < LEVEL).any() for p in p_values])
    assert any_left <= NINE[4]


def test_where_density_alone_matters_r_is_as_predicted():
    """On the published graphs, with errors made up: a step of density has one true error, lower where sparse."""
    published = published_errors("mlp")
    L, density = published.groups.L[:-1], published.density[:-1]
    edges = np.arange(0.12, 1.0, 0.01)
    rng = np.random.default_rng(100)
    over_all, within = [], []
    for _ in range(20):
        errors = 33 + np.digitize(density, edges) / 100 + rng.normal(0, SPREAD / 2, len(L))
        over_all.append(np.corrcoef(errors, L)[0, 1])
        within.append(within_slices(errors, L, density, edges))
    assert np.sign(max(over_all)) == NINE[5]
    assert max(over_all) < -0.3
    assert round(np.mean(within), 1) == NINE[6]
    assert np.ptp(np.sign(within)) == 2, "above and below 0"


def test_the_published_runs_are_not_of_that_world():
    published = published_errors("mlp")
    errors, L, density = published.groups.mean[:-1], published.groups.L[:-1], published.density[:-1]
    assert within_slices(errors, L, density, np.array([0.12, 0.13])) == pytest.approx(0.76, abs=0.005)
    edges = np.arange(0.12, 1.0, 0.01)
    assert np.corrcoef(errors, L)[0, 1] < 0
    assert within_slices(errors, L, density, edges) > 0.5


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    for number, size in ((1, len), (2, lambda mean, *_: len(mean)), (3, lambda errors, top: len(errors))):
        sizes = [size(*given) for given in cases(number)]
        assert sizes == sorted(sizes)
    slices = [len(edges) - 1 for *_, edges in cases(5)]
    assert sorted(slices[:42]) == [1] * 42
    assert min(slices[42:]) == 2


def test_runs_meet_missing_ones_and_single_ones():
    met = Counter()
    for (runs,) in cases(1):
        done = [run for run in runs if run == run]
        met["missing"] += len(done) < len(runs)
        met["single"] += len(runs) == 1
        met["one left of several"] += len(done) == 1 < len(runs)
        met["first is missing"] += np.isnan(runs[0])
        assert len(done) == len(set(done)) >= 1
    assert min(met.values()) >= 3


def test_groups_meet_single_runs_other_levels_and_bests_that_are_not_lowest():
    met = Counter()
    for mean, std, runs, best, level in cases(2):
        worse = worse_than_best(mean, std, runs, best, level)
        met["single run"] += 1 in runs
        met["uneven"] += np.ptp(runs) > 0
        met["level"] += level != 0.05
        met["not lowest"] += best != mean.argmin()
        met["worse"] += worse.any()
        met["higher, and not clearly worse"] += (~worse & (mean > mean[best])).any()
        assert std[best] > 0
        assert runs[best] >= 2
    assert min(met.values()) >= 20


def test_errors_meet_tables_that_agree_and_tables_in_which_the_slips_show():
    met = Counter()
    for errors, top in cases(3):
        doubt = module._in_doubt_here(errors)
        met["doubt"] += doubt
        met["agreed"] += not doubt
        met["all"] += top == len(errors)
        assert all(module._is_sure(means, top) for means in module._means_to_choose_by(errors))
        scores = [score(errors, top) for score in (honest_score, boasted_score, module._choosers_score)]
        assert len(set(np.round(scores, 6))) == (3 if doubt else 1)
    assert min(met.values()) >= 20


def test_slices_meet_edges_empty_ones_and_lonely_graphs():
    met = Counter()
    for errors, L, density, edges in cases(5):
        here, there = np.histogram(density, edges)[0], np.isin(density, edges)
        met["on an edge"] += there.any()
        met["outside"] += ((density < edges[0]) | (density >= edges[-1])).any()
        met["empty"] += (here == 0).any()
        met["alone"] += (here == 1).any()
        r = within_slices(errors, L, density, edges)
        met["below 0"] += r < 0
        met["above 0"] += r > 0
        met["turned round"] += np.sign(r) != np.sign(np.corrcoef(errors, L)[0, 1])
    assert min(met.values()) >= 4


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, module._nan_asked_by_equality, "equal to nothing, not even to nan"),
        (1, module._one_less_in_both, "In NumPy that is ddof=0"),
        (1, module._of_the_told_spread, "divided by one run less here"),
        (1, module._one_run_not_asked, "One run less than one run is none"),
        (1, by_statistics_always, "One run less than one run is none"),
        (1, module._error_of_one_is_0, "not known is not 0"),
        (2, module._ddof_mixed_up, "so what are the squares?"),
        (2, module._both_sides_asked, "one side only is asked"),
        (2, module._the_wrong_end, "near 1 where t is large"),
        (2, module._either_side, "not made positive"),
        (2, module._lowest_for_best, "also where another mean is lower?"),
        (2, module._runs_of_the_best, "where `runs[best]`"),
        (2, module._level_fixed, "Look for a number in your code"),
        (2, module._one_if_for_all, "not one for each group"),
        (2, module._chances, "are no answers yet"),
        (3, boasted_score, "does the seed that was left out stand in it?"),
        (3, module._choosers_score, "In a new run the luck is gone"),
        (3, module._all_score, "whose seeds are they?"),
        (3, module._place_in_kept, "of a table with a seed less"),
        (3, module._worst_chosen, "from which end"),
        (3, module._best_of_the_chosen, "all chosen graphs count alike"),
        (4, [0.4, *NINE[1:]], "a root that counts"),
        (4, [0.2, 31.7, *NINE[2:]], "means that are compared, not runs"),
        (4, [0.2, 32.4, 33.6, *NINE[3:]], "nor does it turn"),
        (4, [*NINE[:4], 5, *NINE[5:]], "a share is no per cent"),
        (4, [*NINE[:5], 1, *NINE[6:]], "is it sparse or dense?"),
        (4, [*NINE[:8], 1], "the sceptic's"),
        (5, module._no_slices, "need not reach as far"),
        (5, module._last_edge_too, "right on an edge"),
        (5, module._only_the_range, "one for each slice"),
        (5, module._only_L, "have both been dealt with?"),
        (5, module._mean_r, "a graph alone for nothing"),
        (5, module._table_of_r, "a table of four"),
        (5, module._place_among_the_means, "take one from what np.digitize gives"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted):
    failed = verdict(number, answer).failed
    assert hinted in " ".join([failed.says, *failed.hints])


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("sweet_spot-1", module._error_of_one_is_0)
    out = capsys.readouterr().out
    assert "does not: runs=[3" in out
    assert ", 0)\n" in out.partition("Your function returned: (3")[2]
    check("sweet_spot-2", module._the_wrong_end)
    out = capsys.readouterr().out
    assert ", level=0.05\nYour function returned: [False, False]" in out
    check("sweet_spot-3", boasted_score)
    out = capsys.readouterr().out
    assert "does not: errors=[[3" in out
    assert ", top=1\nYour function returned: 3" in out
    check("sweet_spot-5", module._covariance)
    assert "edges=[0.1, 0.2]\nYour function returned: " in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["sweet_spot-1"].draw([32.0, float("nan"), 33.0])
    assert fig.axes[0].get_title() == "2 of 3 runs are there"
    assert alt.startswith("2 runs on a line")
    mean, std, runs = np.array([32.0, 34.0, 32.1]), np.array([0.2, 0.3, 0.2]), np.array([3, 3, 3])
    fig, alt = EXERCISES["sweet_spot-2"].draw(mean, std, runs, 0, 0.05)
    assert fig.axes[0].get_title() == "wanted at level 0.05"
    assert alt.endswith("Clearly worse than group 0: 1.")
    _, alt = EXERCISES["sweet_spot-2"].draw(mean, std, runs, 1, 0.05)
    assert alt.endswith("Clearly worse than group 1: none.")
    _, alt = EXERCISES["sweet_spot-3"].draw(np.array([[32.0, 34.0], [33.0, 33.5]]), 1)
    assert alt.endswith("Chosen: 1 without seed 0; 0 without seed 1.")
    fig, _ = EXERCISES["sweet_spot-4"].draw()
    assert fig.axes[0].get_title() == "no graph matters"
    for given in (cases(5)[0], cases(5)[6], cases(5)[-1]):
        _, alt = EXERCISES["sweet_spot-5"].draw(*given)
        assert alt.endswith(f"Wanted: r = {within_slices(*given):.3f} within slices.")


def test_the_page_shows_the_function_that_is_judged():
    assert TOPIC.shown(boasted_score) == [code_of(boasted_score)]
