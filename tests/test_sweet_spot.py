"""Statistics of noisy runs: against SciPy, scikit-learn, plain loops and simulated truth."""

import itertools
import pickle
from math import inf, nan

import numpy as np
import pytest
import scipy.stats
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lessons.sweet_spot import (
    Box,
    Groups,
    agreement,
    bounding_box,
    clearly_worse,
    graph_effect,
    held_out,
    holm,
    in_cells,
    inside,
    overlap,
    p_worse,
    quadratic,
    reliability,
    share_of_variance,
    student_t_definition,
    sweet_spot,
)

SIX, FIVE = st.integers(1, 6), st.integers(1, 5)
HUNDREDTHS = st.integers(3000, 3600).map(lambda hundredths: hundredths / 100)  # as test errors are told


@st.composite
def tables(draw, graphs=SIX, seeds=FIVE, missing=True):
    """Errors (G, S), here and there without a run, and no row without any."""
    rows, columns = draw(graphs), draw(seeds)
    errors = draw(arrays(np.float64, (rows, columns), elements=HUNDREDTHS))
    if missing:
        lost = draw(arrays(np.bool_, (rows, columns)))
        lost[np.arange(rows), draw(arrays(np.int64, rows, elements=st.integers(0, columns - 1)))] = False
        errors[lost] = nan
    return errors


@st.composite
def placed(draw, **settings):
    """C, L and errors."""
    errors = draw(tables(**settings))
    n = len(errors)
    C = draw(arrays(np.float64, n, elements=st.sampled_from([0, 0.2, 1 / 3, 0.45, 0.5, 0.8, 1])))
    L = draw(arrays(np.float64, n, elements=st.sampled_from([1, 1.7, 2, 2.3, 3, 4.4])))
    return C, L, errors


def nowhere(errors):
    return Groups.of(np.zeros(len(errors)), np.ones(len(errors)), errors)


def runs_of(row):
    return [error for error in row if not np.isnan(error)]


# ---------------------------------------------------------------------------------------- groups


@given(placed())
def test_groups_are_means_and_spreads_of_the_runs_there_are(case):
    C, L, errors = case
    before = errors.copy()
    groups = Groups.of(C, L, errors)
    assert len(groups) == len(errors)
    for row, mean, std, runs in zip(errors, groups.mean, groups.std, groups.runs, strict=True):
        assert runs == len(runs_of(row))
        assert mean == pytest.approx(sum(runs_of(row)) / runs)
        assert std == pytest.approx(np.std(runs_of(row)), abs=1e-12)
    assert np.array_equal(groups.C, C)
    assert np.array_equal(groups.L, L)
    assert np.array_equal(errors, before, equal_nan=True)
    assert not np.shares_memory(groups.C, C)


@given(tables())
def test_the_standard_error_is_scipy_s(errors):
    for row, found in zip(errors, nowhere(errors).standard_error, strict=True):
        runs = runs_of(row)
        if len(runs) > 1:
            assert found == pytest.approx(scipy.stats.sem(runs), abs=1e-12)
        else:
            assert np.isnan(found)


@given(placed())
def test_pooled_runs_are_one_group(case):
    C, L, errors = case
    pooled = Groups.of(C, L, errors).pooled()
    every = [(*place, error) for *place, row in zip(C, L, errors, strict=True) for error in runs_of(row)]
    assert pooled.runs.tolist() == [len(every)]
    for found, known in zip((pooled.C, pooled.L, pooled.mean), np.mean(every, axis=0), strict=True):
        assert found == pytest.approx([known])
    assert pooled.std == pytest.approx([np.std([error for *_, error in every])], abs=1e-9)


def test_some_of_the_groups():
    groups = Groups.of([0.1, 0.2, 0.3], [1, 2, 3], [[30.0, 31.0], [32.0, nan], [34.0, 36.0]])
    for rows, known in ((slice(1, None), [1, 2]), ([2, 0], [2, 0]), (groups.C < 0.25, [0, 1]), (-1, [2])):
        assert groups[rows].mean.tolist() == groups.mean[known].tolist()
        assert groups[rows].runs.tolist() == groups.runs[known].tolist()
    assert repr(groups) == "Groups(3 groups, 5 runs)"
    again = pickle.loads(pickle.dumps(groups))
    assert again.std.tolist() == groups.std.tolist()


@pytest.mark.parametrize(
    ("C", "L", "errors", "problem"),
    [
        ([0.1], [2], [[inf]], r"errors\[0, 0\] is infinite: nan is for a run that failed"),
        ([0.1, 0.2], [2, 2], [[1, 2], [nan, nan]], r"errors\[1\] has no run at all: leave such rows out"),
        ([0.1], [2], [1.0, 2.0], r"errors of shape \(2,\): a row a graph and a column a seed"),
        ([], [], np.empty((0, 3)), r"errors of shape \(0, 3\)"),
        ([0.1, 0.2], [2], [[1.0]], r"C of shape \(2,\) for 1 groups"),
        ([0.1], [[2, 3]], [[1.0]], "one entry a group"),
        ([nan], [2], [[1.0]], "C at group 0 is nan"),
    ],
)
def test_what_are_no_groups(C, L, errors, problem):
    with pytest.raises(ValueError, match=problem):
        Groups.of(C, L, errors)


def test_groups_of_columns_that_do_not_fit():
    with pytest.raises(ValueError, match="one entry a group"):
        Groups(np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(3, int))
    with pytest.raises(TypeError, match="errors of type"):
        Groups.of([0.1], [2], [["many"]])


# ---------------------------------------------------------------------------------------- cells


def step_of(value, edges, right):
    """Which step a value is in, from 1, one edge after the other."""
    return sum(edge < value if right else edge <= value for edge in edges)


@given(placed(), st.integers(1, 20), st.booleans())
def test_cells_hold_all_runs_of_their_groups(case, cells, right):
    C, L, errors = case
    edges_C, edges_L = np.linspace(0, 1, cells + 1), np.linspace(1, 4.5, cells + 1)
    known = {}
    for x, y, row in zip(C, L, errors, strict=True):
        place = step_of(y, edges_L, False), step_of(x, edges_C, right)
        known.setdefault(place, []).extend(runs_of(row))
    found = in_cells(Groups.of(C, L, errors), cells, right=right)
    assert len(found) == len(known)
    for place, x, y, mean, std, runs in zip(
        sorted(known), found.C, found.L, found.mean, found.std, found.runs, strict=True
    ):
        assert (x, y) == pytest.approx(((place[1] - 0.5) / cells, 1 + 3.5 * (place[0] - 0.5) / cells))
        assert runs == len(known[place])
        assert mean == pytest.approx(np.mean(known[place]))
        assert std == pytest.approx(np.std(known[place]), abs=1e-7)


def test_the_complete_graph_is_alone_only_where_steps_have_their_lower_end():
    groups = Groups.of([0.98, 1.0], [1.05, 1.0], [[33.0], [35.0]])
    assert in_cells(groups).runs.tolist() == [2]
    assert in_cells(groups, right=False).C.tolist() == pytest.approx([29 / 30, 31 / 30])


@pytest.mark.parametrize(
    ("C", "L", "settings", "problem"),
    [
        (1.1, 2, {}, r"C of group 1 is 1\.1: 0 <= C <= 1"),
        (-0.1, 2, {}, r"C of group 1 is -0\.1"),
        (0.5, 4.5, {}, r"L of group 1 is 4\.5: 1 <= L < longest=4\.5"),
        (0.5, 0.9, {}, r"L of group 1 is 0\.9"),
        (0.5, 2, {"cells": 0}, "cells=0: at least 1"),
        (0.5, 2, {"longest": 1}, "longest=1: above 1"),
    ],
)
def test_what_is_on_no_map(C, L, settings, problem):
    with pytest.raises(ValueError, match=problem):
        in_cells(Groups.of([0.4, C], [2, L], [[30.0], [30.0]]), **settings)


@given(st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_agreement_is_pearson_s_r_over_places_that_both_have(n, seed):
    rng = np.random.default_rng(seed)
    C, L = rng.random(n), 1 + rng.random(n)
    one, other = (Groups.of(C, L, rng.random((n, 2))) for _ in range(2))
    few, turned = np.sort(rng.permutation(n)[:3]), rng.permutation(n)
    known = scipy.stats.pearsonr(one.mean, other.mean)[0]
    assert agreement(one, other[turned]) == pytest.approx(known)
    assert agreement(other, one) == pytest.approx(known)
    assert agreement(one[few], other) == pytest.approx(scipy.stats.pearsonr(one.mean[few], other.mean[few])[0])


def test_what_cannot_agree():
    groups = Groups.of([0.1, 0.2], [2, 2], [[30.0], [31.0]])
    with pytest.raises(ValueError, match="1 places that both have: at least two"):
        agreement(groups, groups[:1])
    with pytest.raises(ValueError, match="2 groups at 1 places: one a place is needed"):
        agreement(groups, groups[[0, 0]])


# ---------------------------------------------------------------------------------------- clearly worse


@pytest.mark.filterwarnings("ignore:Precision loss")  # of SciPy, where runs of one are equal
@given(tables(graphs=st.just(2), seeds=st.integers(2, 6)))
def test_t_by_hand_is_scipy_s(errors):
    a, b = (runs_of(row) for row in errors)
    assume(len(a) + len(b) > 2 and (len(set(a)) > 1 or len(set(b)) > 1))
    t, freedom = student_t_definition(a, b)
    known = scipy.stats.ttest_ind(a, b)
    assert t == pytest.approx(known.statistic, abs=1e-6)
    assert 2 * scipy.stats.t.sf(abs(t), freedom) == pytest.approx(known.pvalue)


@pytest.mark.filterwarnings("ignore:Precision loss")  # of SciPy, where runs of one are equal
@given(tables(seeds=st.integers(2, 6)), st.data())
def test_p_worse_is_scipy_s_one_sided_t_test(errors, data):
    groups = nowhere(errors)
    best = data.draw(st.none() | st.integers(-len(errors), len(errors) - 1))
    row = int(np.argmin(groups.mean.round(9))) if best is None else best
    assume((groups.runs + groups.runs[row] > 2).all())
    for runs, found in zip(errors, p_worse(groups, best), strict=True):
        a, b = runs_of(runs), runs_of(errors[row])
        if len(set(a)) > 1 or len(set(b)) > 1:
            assert found == pytest.approx(scipy.stats.ttest_ind(a, b, alternative="greater").pvalue, abs=1e-9)


def test_where_runs_never_differ():
    groups = nowhere(np.array([[30.0, 30.0], [30.0, 30.0], [31.0, 31.0]]))
    assert p_worse(groups).tolist() == [0.5, 0.5, 0]
    assert p_worse(groups, 2).tolist() == [1, 1, 0.5]


def test_of_equal_means_the_first_is_best():
    errors = np.array([[31.0, 33.0, 32.0], [31.9, 32.1, 32.0], [33.0, 34.0, 32.0]])
    assert np.array_equal(p_worse(nowhere(errors)), p_worse(nowhere(errors), 0))
    assert not np.array_equal(p_worse(nowhere(errors)), p_worse(nowhere(errors), 1))
    shaken = nowhere(errors)
    shaken.mean[0] += 1e-12  # as sums in another order do
    assert p_worse(shaken) == pytest.approx(p_worse(nowhere(errors), 0))


@given(tables(seeds=st.integers(2, 5), missing=False), st.floats(0, 0.5))
def test_a_stricter_level_calls_fewer_worse_and_never_the_best(errors, level):
    groups = nowhere(errors)
    worse = clearly_worse(groups, level=level)
    assert not worse[np.argmin(groups.mean)]
    assert (clearly_worse(groups, level=level / 2) <= worse).all()
    assert (groups.mean[worse] > groups.mean.min()).all()


def test_where_nothing_differs_the_level_is_how_often_a_group_is_called_worse():
    """Beside one that was not chosen for its runs; beside the lowest mean of many it is much more often."""
    runs = np.random.default_rng(7).normal(32.5, 0.33, (3000, 2, 5))
    worse = np.mean([clearly_worse(nowhere(pair), 0)[1] for pair in runs])
    assert abs(worse - 0.05) < 4 * (0.05 * 0.95 / 3000) ** 0.5
    assert clearly_worse(nowhere(runs[:, 0])).mean() > 0.3


def test_what_cannot_be_compared():
    groups = nowhere(np.array([[30.0, nan], [31.0, 32.0], [33.0, nan]]))
    with pytest.raises(ValueError, match="group 0 and the best, 0, have one run each"):
        clearly_worse(groups)
    assert clearly_worse(groups, 1).shape == (3,)
    for best in (3, -4):
        with pytest.raises(IndexError, match="the rows of 3 groups are 0 to 2"):
            p_worse(groups, best)
    with pytest.raises(TypeError, match=r"best=0\.05: .* level=0\.05"):
        sweet_spot(groups, 0.05)
    with pytest.raises(ValueError, match="no groups"):
        sweet_spot(groups[:0])
    for level in (-0.1, 0.6, nan):
        with pytest.raises(ValueError, match=r"a chance to be wrong, from 0 to 0\.5"):
            clearly_worse(groups[1:2], level=level)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"mean": [nan]}, "mean at group 0 is nan"),
        ({"std": [-0.1]}, r"std of group 0 is -0\.1: std >= 0"),
        ({"runs": [0]}, "runs of group 0 is 0: runs >= 1"),
        ({"runs": [3, 3]}, "one entry a group"),
    ],
)
def test_groups_that_cannot_be(changed, problem):
    good = {"C": [0.4], "L": [2.0], "mean": [32.0], "std": [0.1], "runs": [3]}
    assert len(Groups(**{name: np.array(value) for name, value in good.items()})) == 1
    with pytest.raises(ValueError, match=problem):
        Groups(**{name: np.array(value) for name, value in (good | changed).items()})


@given(st.lists(st.integers(0, 100).map(lambda percent: percent / 100), min_size=1, max_size=6))
def test_holm_is_bonferroni_of_every_set_that_a_test_is_in(p_values):
    """The closure principle: a hypothesis falls where all sets of hypotheses with it fall."""
    m = range(len(p_values))
    sets = [chosen for size in m for chosen in itertools.combinations(m, size + 1)]
    known = [
        max(min(1, len(chosen) * min(p_values[i] for i in chosen)) for chosen in sets if j in chosen) for j in m
    ]
    assert holm(p_values) == pytest.approx(known)


@pytest.mark.parametrize("p_values", [[0.5, 1.1], [-0.1], [nan], [[0.5]], 0.5])
def test_what_are_no_p_values(p_values):
    with pytest.raises(ValueError, match="a list of probabilities is needed"):
        holm(p_values)


def test_holm_of_nothing_is_nothing():
    assert holm(np.empty(0)).shape == (0,)


# ---------------------------------------------------------------------------------------- boxes


@given(placed(seeds=st.integers(2, 5), missing=False))
def test_a_sweet_spot_is_the_smallest_box_around_what_is_not_worse(case):
    groups = Groups.of(*case)
    left = ~clearly_worse(groups)
    box = sweet_spot(groups)
    assert inside(box, groups.C, groups.L)[left].all()
    for side, name in enumerate(("C", "C", "L", "L")):
        assert box[side] in getattr(groups, name)[left]
    assert box == bounding_box(groups.C[left], groups.L[left])


CORNERS = st.tuples(*[st.integers(0, 6)] * 4).map(
    lambda ends: Box(*sorted(ends[:2]), *sorted(ends[2:]))  # grid points are in it or not
)


@given(st.lists(CORNERS, min_size=1, max_size=4))
def test_an_overlap_has_the_points_that_are_in_all(boxes):
    C, L = (grid.ravel() for grid in np.meshgrid(range(7), range(7)))
    common = np.all([inside(box, C, L) for box in boxes], axis=0)
    found = overlap(boxes)
    if found is None:
        assert not common.any()
    else:
        assert np.array_equal(inside(found, C, L), common)
        assert found == bounding_box(C[common], L[common])


def test_inside_takes_one_point_or_many():
    box = Box(0.43, 0.5, 1.82, 2.28)
    assert inside(box, 0.43, 2.28)
    assert not inside(box, 0.42, 2)
    assert inside(box, np.full((2, 3), 0.45), 2).shape == (2, 3)


def test_what_has_no_box():
    for C, L in (([], []), ([0.1], [1, 2]), (0.1, 2)):
        with pytest.raises(ValueError, match="as many of each are needed, at least one"):
            bounding_box(C, L)
    with pytest.raises(TypeError, match="None, no common box, is not one"):
        overlap([Box(0.1, 0.5, 1.8, 2.7), None])
    with pytest.raises(ValueError, match="no boxes"):
        overlap([])


# ---------------------------------------------------------------------------------------- fits


@given(st.integers(3, 30), st.integers(0, 2**32 - 1))
def test_a_parabola_leaves_what_none_can_tell(n, seed):
    """What is left of y has nothing of 1, x or x^2 in it: that is what least squares means."""
    rng = np.random.default_rng(seed)
    x, y = 1 + 3 * rng.random(n), rng.normal(33, 1, n)
    found = quadratic(x, y)
    rest = y - (found.a2 * x**2 + found.a1 * x + found.a0)
    assert np.abs([(rest * x**d).sum() for d in range(3)]).max() < 1e-4
    assert abs(found.R2 - (1 - rest.var() / y.var())) < 1e-6
    assert 2 * found.a2 * found.vertex + found.a1 == pytest.approx(0, abs=1e-6 * abs(found.a1))


def test_a_parabola_is_found_again():
    x = np.array([2.4, 1.2, 3.0, 2.0, 1.7])
    assert [*quadratic(x, 0.5 * (x - 2.5) ** 2 + 32)] == pytest.approx([0.5, -2.5, 35.125, 2.5, 1])
    assert [*quadratic([0, 1, 2], [3, 3, 9])] == pytest.approx([3, -3, 3, 0.5, 1])


def test_what_has_no_parabola():
    with pytest.raises(ValueError, match="2 different x: at least three"):
        quadratic([1, 2, 1, 2], [1, 2, 3, 4])
    with pytest.raises(ValueError, match=r"all y are 2\.0"):
        quadratic([1, 2, 3], [2, 2, 2])
    with pytest.raises(ValueError, match=r"y of shape \(2,\) for 3 points"):
        quadratic([1, 2, 3], [1, 2])


@given(st.integers(1, 3), st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_the_share_of_variance_is_scikit_learn_s(features, degree, seed):
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import PolynomialFeatures

    rng = np.random.default_rng(seed)
    X, y = rng.random((60, features)), rng.random(60)
    products = PolynomialFeatures(degree).fit_transform(X)  # a constant among them
    found = share_of_variance(X, y, degree)
    theirs = LinearRegression(fit_intercept=False).fit(products, y)
    assert found == pytest.approx(theirs.score(products, y), abs=1e-8)
    assert share_of_variance(1000 + 7 * X, y, degree) == pytest.approx(found, abs=1e-6)  # whatever the units
    assert share_of_variance(X, y, degree + 1) >= found - 1e-12


def test_a_feature_that_does_not_vary_tells_nothing():
    x = np.arange(9.0)
    y = np.sin(x)
    assert share_of_variance(np.column_stack([x, np.full(9, 4)]), y, 2) == pytest.approx(
        share_of_variance(x[:, None], y, 2)
    )


@pytest.mark.parametrize(
    ("features", "y", "degree", "problem"),
    [
        ([1, 2, 3], [1, 2, 3], 1, r"features of shape \(3,\), y of shape \(3,\)"),
        ([[1], [2]], [1, 2, 3], 1, r"features of shape \(2, 1\) for 3 points"),
        ([[1], [2]], [3, 3], 1, "all y are 3"),
        ([[1], [nan]], [1, 2], 1, "features at point 1 is"),
        ([[1], [2]], [1, 2], -1, "degree=-1: at least 0"),
    ],
)
def test_what_has_no_share(features, y, degree, problem):
    with pytest.raises(ValueError, match=problem):
        share_of_variance(features, y, degree)


# ---------------------------------------------------------------------------------------- chance


@given(tables(graphs=st.integers(2, 6), seeds=st.integers(2, 5), missing=False))
def test_reliability_and_f_tell_the_same(errors):
    groups = nowhere(errors)
    assume(np.ptp(groups.mean) > 1e-9 and groups.std.max() > 0)
    assert reliability(groups) == pytest.approx(1 - 1 / scipy.stats.f_oneway(*errors).statistic)


def test_reliability_is_the_share_of_variance_that_is_of_the_graphs():
    rng = np.random.default_rng(3)
    truth = rng.normal(33, 0.2, 4000)
    groups = nowhere(truth[:, None] + rng.normal(0, 0.4, (4000, 5)))
    again = nowhere(truth[:, None] + rng.normal(0, 0.4, (4000, 5)))
    known = 0.2**2 / (0.2**2 + 0.4**2 / 5)
    assert reliability(groups) == pytest.approx(known, abs=0.03)
    assert scipy.stats.pearsonr(groups.mean, again.mean)[0] == pytest.approx(reliability(groups), abs=0.04)


def test_what_is_not_reliable_at_all():
    with pytest.raises(ValueError, match="1 group: at least two"):
        reliability(nowhere(np.array([[30.0, 31.0]])))
    with pytest.raises(ValueError, match="group 1 has one run"):
        reliability(nowhere(np.array([[30.0, 31.0], [30.0, nan]])))
    with pytest.raises(ValueError, match=r"all means are 30\.5"):
        reliability(nowhere(np.array([[30.0, 31.0], [31.0, 30.0]])))


@given(tables(seeds=st.integers(2, 5), missing=False), st.data())
def test_held_out_seed_by_seed(errors, data):
    top = data.draw(st.integers(1, len(errors)))
    chosen, left_out = [], []
    for seed in range(errors.shape[1]):
        by = [round(np.mean([e for s, e in enumerate(row) if s != seed]), 9) for row in errors]
        best = sorted(range(len(errors)), key=lambda row: (by[row], row))[:top]
        chosen += [by[row] for row in best]
        left_out += [errors[row, seed] for row in best]
    found = held_out(errors, top)
    assert [*found] == pytest.approx([np.mean(chosen), np.mean(left_out)])


def test_who_is_chosen_out_of_noise_was_lucky():
    errors = np.random.default_rng(5).normal(32.5, 0.33, (2000, 5))
    found = held_out(errors, 10)
    assert found.chosen < 32.5 - 2 * 0.33 / 2  # as far as two standard errors of four runs
    assert found.held_out == pytest.approx(32.5, abs=4 * 0.33 / 50**0.5)


@pytest.mark.parametrize(
    ("errors", "top", "problem"),
    [
        ([[30.0], [31.0]], 1, "errors of one seed: at least two"),
        ([[30.0, nan], [31.0, 32.0]], 1, r"errors\[0, 1\] is missing: leave that graph out"),
        ([[30.0, 31.0]], 2, "top=2: 1 to 1"),
        ([[30.0, 31.0]], 0, "top=0: 1 to 1"),
    ],
)
def test_what_cannot_be_held_out(errors, top, problem):
    with pytest.raises(ValueError, match=problem):
        held_out(errors, top)


@given(tables(graphs=st.integers(2, 6), seeds=st.integers(2, 5)))
def test_the_graph_effect_is_scipy_s_analysis_of_variance(errors):
    groups = [runs_of(row) for row in errors]
    assume(any(len(set(runs)) > 1 for runs in groups))
    known = scipy.stats.f_oneway(*groups)
    for found in (graph_effect(errors), graph_effect(nowhere(errors))):
        assert [*found] == pytest.approx([known.statistic, known.pvalue], rel=1e-5, abs=1e-9)


def test_where_only_graphs_differ_or_nothing_does():
    assert graph_effect([[30.0, 30.0], [31.0, 31.0]]) == (inf, 0)
    assert np.isnan(graph_effect([[30.0, 30.0], [30.0, 30.0]])).all()


@pytest.mark.parametrize("errors", [[[30.0, 31.0]], [[30.0], [31.0]], [[30.0, nan], [nan, 31.0]]])
def test_what_has_no_effect_to_tell(errors):
    with pytest.raises(ValueError, match="at least two groups are needed, and a second run of one of them"):
        graph_effect(errors)
