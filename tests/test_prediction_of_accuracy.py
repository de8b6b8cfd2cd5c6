"""Ways to predict the last accuracy from the first: against scikit-learn, SciPy, plain loops and known truth."""

from itertools import combinations
from math import inf, nan

import numpy as np
import pytest
import scipy.stats
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lessons.prediction_of_accuracy import (
    EXTRAS,
    REGRESSION,
    Zoo,
    bayesian_line,
    bayesian_line_definition,
    intercept,
    kendall_tau,
    kendall_taus,
    leave_one_out,
    noise_control,
    one_over_t,
    paired,
    power_law,
    predictions,
)

CURVE = np.array([0.30, 0.52, 0.65, 0.72, 0.78, 0.80, 0.83, 0.84])
PERCENT = st.integers(0, 100).map(lambda percent: percent / 100)


@st.composite
def curves(draw, least=2):
    """beta, not 0 everywhere, and accuracy of some epochs."""
    n = draw(st.integers(least, 10))
    beta = draw(arrays(np.float64, n, elements=st.integers(-50, 50).map(float)).filter(np.any))
    return beta, draw(arrays(np.float64, n, elements=PERCENT))


def zoo(S=2, n=5, E=7, seed=0):
    """Networks whose accuracy follows from beta: accuracy = limit - beta / 2."""
    rng = np.random.default_rng(seed)
    limit, speed = rng.uniform(0.5, 0.9, (2, S, n, 1))
    beta = 0.6 * np.exp(-speed * np.arange(E))
    noisy = [rng.uniform(0.5, 2, (S, n, E)) for _ in range(4)]
    final = limit[:, :, 0]
    return Zoo(
        "made up",
        40,
        tuple(range(S)),
        limit - beta / 2,
        noisy[0],
        noisy[1] - 1,
        beta,
        *noisy[2:],
        final,
        1 - final,
    )


# ---------------------------------------------------------------------------------------- the line


@given(curves())
def test_the_definition_is_scikit_learn_s(case):
    x, y = case
    assert bayesian_line_definition(x, y) == pytest.approx(bayesian_line(x, y), rel=1e-6, abs=1e-9)


def test_a_line_that_is_there_is_found():
    x = np.linspace(0, 1, 8)
    assert bayesian_line(x, 0.8 - 0.4 * x) == pytest.approx((-0.4, 0.8), abs=1e-4)


@given(curves())
def test_the_slope_is_shrunk_and_the_line_goes_through_the_means(case):
    x, y = case
    line = bayesian_line(x, y)
    assert line.intercept + line.slope * x.mean() == pytest.approx(y.mean(), abs=1e-9)
    if np.ptp(x) > 0:
        assert abs(line.slope) <= abs(np.polyfit(x, y, 1)[0]) + 1e-9


@given(curves())
def test_0_stays_0_whatever_the_scale(case):
    """beta is scaled and never shifted: what is asked for is the accuracy at beta = 0, not at the mean of beta."""
    beta, accuracy = case
    found = intercept(beta, accuracy)
    assert intercept(8 * beta, accuracy) == pytest.approx(found, abs=1e-12)
    assert found == pytest.approx(bayesian_line(beta / np.abs(beta).max(), accuracy).intercept, abs=1e-12)


def test_a_shift_of_beta_would_predict_the_mean():
    """The wrong way, for comparison: of beta without its mean the intercept is the mean accuracy."""
    beta = np.array([0.4, 0.3, 0.2, 0.1])
    accuracy = 1 - beta
    assert intercept(beta, accuracy) == pytest.approx(1.0, abs=1e-3)
    assert intercept(beta - beta.mean(), accuracy) == pytest.approx(accuracy.mean())


def test_where_beta_is_always_0_all_epochs_are_what_is_asked_for():
    assert intercept([0, 0, 0], [0.1, 0.2, 0.6]) == pytest.approx(0.3)


def test_noise_predicts_the_mean_of_the_epochs():
    """Half of the noises lead above the mean accuracy, half below; nearly none to where the curve is going."""
    found = np.array([noise_control(CURVE, seed) for seed in range(200)])
    assert np.median(found) == pytest.approx(CURVE.mean(), abs=0.002)
    assert np.mean(found < CURVE[-1]) > 0.9
    assert noise_control(CURVE, 7) == noise_control(CURVE, 7) != noise_control(CURVE, 8)


def test_one_over_t_looks_ahead():
    t = np.arange(2, 8)
    assert one_over_t(0.9 - 0.5 / t) == pytest.approx(0.9, abs=1e-3)
    assert one_over_t(CURVE) == intercept(1 / np.arange(2.0, 10.0), CURVE)


# ---------------------------------------------------------------------------------------- power laws


@pytest.mark.parametrize("c", [0.3, 1, 2])
def test_a_power_law_that_is_there_is_found(c):
    t = np.arange(1.0, 6.0)
    assert power_law(0.9 - 0.5 * t**-c, 50) == pytest.approx(0.9 - 0.5 * 50.0**-c)


def test_a_power_law_never_falls():
    assert power_law([0.8, 0.6, 0.5], 40) == pytest.approx(1.9 / 3)


def test_a_power_law_is_scipy_s_best():
    from scipy.optimize import nnls

    t = np.arange(1.0, len(CURVE) + 1)
    best = inf, nan
    for c in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0):
        (a, b), off = nnls(np.column_stack([np.ones_like(t), 1 - t**-c]), CURVE)
        best = min(best, (off, a + b * (1 - 60.0**-c)))
    assert power_law(CURVE, 60) == pytest.approx(best[1])


# ---------------------------------------------------------------------------------------- orders


@given(arrays(np.float64, st.integers(2, 9), elements=st.integers(0, 5).map(float)), st.randoms())
def test_tau_counts_pairs(scores, random):
    final = np.array([float(random.randrange(6)) for _ in scores])
    signs = [
        np.sign(scores[i] - scores[j]) * np.sign(final[i] - final[j])
        for i, j in combinations(range(len(scores)), 2)
    ]
    untied = [sum(x[i] != x[j] for i, j in combinations(range(len(x)), 2)) for x in (scores, final)]
    told = sum(signs) / np.sqrt(untied[0] * untied[1]) if all(untied) else 0.0
    assert kendall_tau(scores, final) == pytest.approx(told)


def test_taus_are_of_rows():
    rng = np.random.default_rng(0)
    scores, final = rng.random((2, 4, 6))
    known = [scipy.stats.kendalltau(*rows).statistic for rows in zip(scores, final, strict=True)]
    assert kendall_taus(scores, final) == pytest.approx(known)


@pytest.mark.parametrize("penalty", [1.0, 1e-3])
def test_leave_one_out_is_scikit_learn_s(penalty):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(1)
    X = rng.standard_normal((12, 3)) * [1, 20, 0.1] + 5
    y = X @ [0.1, 0.02, 1] + 0.1 * rng.standard_normal(12)
    known = cross_val_predict(make_pipeline(StandardScaler(), Ridge(penalty)), X, y, cv=LeaveOneOut())
    assert leave_one_out(X, y, penalty) == pytest.approx(known)


def test_nobody_sees_its_own_final_accuracy():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((8, 2)), rng.random(8)
    other = y.copy()
    other[3] = 100
    found, again = leave_one_out(X, y), leave_one_out(X, other)
    assert found[3] == again[3]
    assert (np.delete(found, 3) != np.delete(again, 3)).all()


def test_a_feature_that_all_others_share_counts_for_nothing():
    X = np.column_stack([np.arange(6.0), [0, 0, 0, 0, 0, 9]])
    y = np.arange(6.0) / 10
    assert leave_one_out(X, y)[5] == pytest.approx(leave_one_out(X[:, :1], y)[5])


def test_paired_is_scipy_s():
    rng = np.random.default_rng(3)
    one, other = rng.random((2, 10))
    known = scipy.stats.ttest_rel(one, other)
    found = paired(one, other)
    assert (found.p, found.mean / found.error) == pytest.approx((known.pvalue, known.statistic))
    assert (found.wins, found.runs) == (int((one > other).sum()), 10)
    assert paired(one, one) == (0, 0, 0, 10, 1)


# ---------------------------------------------------------------------------------------- zoos


def test_what_is_predicted_of_a_zoo():
    made = zoo()
    found = predictions(made, 4)
    assert list(found)[:9] == [
        "last accuracy",
        "mean accuracy",
        "power law",
        "1/t",
        "training loss",
        "fall of beta",
        "beta",
        "signed beta",
        "noise",
    ]
    assert list(found)[9:] == [REGRESSION, *(f"{REGRESSION} with {one}" for one in EXTRAS)]
    assert all(scores.shape == (2, 5) for scores in found.values())
    accuracy, beta = made.accuracy[1, 3, 1:5], made.absolute_beta[1, 3, 1:5]
    assert found["last accuracy"][1, 3] == accuracy[-1]
    assert found["mean accuracy"][1, 3] == pytest.approx(accuracy.mean())
    assert found["power law"][1, 3] == power_law(accuracy, 40)
    assert found["1/t"][1, 3] == one_over_t(accuracy)
    assert found["training loss"][1, 3] == -made.loss[1, 3, 4]
    assert found["fall of beta"][1, 3] == -beta[-1] / made.absolute_beta[1, 3, 0]
    assert found["beta"][1, 3] == intercept(beta, accuracy)
    assert found["signed beta"][1, 3] == intercept(np.abs(made.beta[1, 3, 1:5]), accuracy)


def test_where_accuracy_follows_from_beta_beta_predicts_it():
    """The control of all controls: the method finds what is there."""
    made = zoo(S=3, n=9)
    found = predictions(made, 4)
    assert np.abs(found["beta"] - made.final).max() < 0.01
    assert kendall_taus(found["beta"], made.final).min() > 0.9
    assert kendall_taus(found["noise"], made.final).max() < 0.9


def test_epochs_to_come_and_epoch_0_are_not_looked_at():
    made = zoo(E=9)
    changed = {
        name: np.concatenate([array[:, :, :1] * scale, array[:, :, 1:6], array[:, :, 6:] * 3], axis=2)
        for name in ("accuracy", "loss", "beta", "absolute_beta", "weight_norm", "gradient_norm")
        for array, scale in [
            (getattr(made, name), 1 if name in ("absolute_beta", "weight_norm", "gradient_norm") else 3)
        ]
    }
    other = Zoo("other", 40, made.seeds, **changed, final=made.final, final_loss=made.final_loss)
    for name, scores in predictions(made, 5).items():
        assert np.array_equal(scores, predictions(other, 5)[name]), name


def test_noise_is_of_its_seed_and_of_each_network():
    made = zoo()
    one, other = predictions(made, 5, seed=1), predictions(made, 5, seed=2)
    differ = {name for name in one if not np.array_equal(one[name], other[name])}
    assert differ == {"noise", f"{REGRESSION} with noise"}
    assert np.array_equal(one["noise"], predictions(made, 5, seed=1)["noise"])
    assert one["noise"][0, 0] == noise_control(made.accuracy[0, 0, 1:6], 1)


def test_the_regression_gets_what_is_told():
    made = zoo(n=6)
    k, s = 5, 1
    known = [
        made.accuracy[s, :, k],
        made.accuracy[s, :, k] - made.accuracy[s, :, k - 2],
        np.log(made.loss[s, :, k]),
    ]
    more = [np.log(made.weight_norm[s, :, k]), np.log(made.weight_norm[s, :, k] / made.weight_norm[s, :, 0])]
    found = predictions(made, k)
    assert found[REGRESSION][s] == pytest.approx(leave_one_out(np.column_stack(known), made.final[s]))
    told = leave_one_out(np.column_stack(known + more), made.final[s])
    assert found[f"{REGRESSION} with weight norm"][s] == pytest.approx(told)


def test_a_zoo_is_read_from_text():
    series = {name: ["500 250;1000 12.5"] for name in ("accuracy", "loss", "absolute_beta", "weight_norm")}
    series |= {"beta": ["-1.5 0;2 3"], "gradient_norm": ["1 2;3 4"], "final": ["900;800"], "final_loss": ["1;2"]}
    table = {"zoos": {"small": {"epochs": 40, "seeds": [7], **series}}}
    found = Zoo.of("small", table)
    assert repr(found) == "Zoo(small: 1 seeds x 2 networks, 1 of 40 epochs)"
    assert found.accuracy.tolist() == [[[0.5, 0.25], [1.0, 0.0125]]]
    assert found.beta.tolist() == [[[-0.0015, 0.0], [0.002, 0.003]]]
    assert (found.final.tolist(), found.final_loss.tolist()) == ([[0.9, 0.8]], [[0.001, 0.002]])
    with pytest.raises(ValueError, match=r"name='big': one of \['small'\]"):
        Zoo.of("big", table)
    with pytest.raises(ValueError, match=r"table of \['small'\]: all of recorded"):
        Zoo.of("small", table["zoos"])
    with pytest.raises(TypeError, match=r"zoo='small': a Zoo is needed, such as Zoo\.of"):
        predictions("small", 5)


# ---------------------------------------------------------------------------------------- at the door


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: intercept([1], [0.1]), "2 or more"),
        (lambda: intercept([1, 2], [0.1, 0.2, 0.3]), r"\(2,\) and .* \(3,\)"),
        (lambda: intercept([1, nan], [0.1, 0.2]), "finite"),
        (lambda: intercept([1, 2], [0.1, inf]), "finite"),
        (lambda: power_law([0.5], 40), "2 or more"),
        (lambda: power_law([0.5, 0.6, 0.7], 2), "last=2: at least 3"),
        (lambda: noise_control(0.5, 0), r"accuracy of shape \(\)"),
        (lambda: one_over_t([0.5]), "accuracy of shape .*2 or more"),
        (lambda: kendall_tau([1, 2], [[1, 2]]), "scores of shape .* final of .* one length"),
        (lambda: kendall_taus([1, 2], [1, 2]), r"\(seeds, networks\)"),
        (lambda: leave_one_out([[1], [2]], [0.1, 0.2]), "at least three"),
        (lambda: leave_one_out([[1], [2], [nan]], [0.1, 0.2, 0.3]), "finite"),
        (lambda: leave_one_out([[1], [2], [3]], [0.1, 0.2, 0.3], penalty=0), "penalty=0"),
        (lambda: predictions(zoo(), 1), "k=1: 2 to 6"),
        (lambda: predictions(zoo(), 7), "k=7: 2 to 6"),
        (lambda: paired([1], [2]), "2 or more"),
    ],
)
def test_bad_values_are_named(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()


def test_without_scikit_learn_it_is_said(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="graph-lessons"):
        bayesian_line([0, 1], [0, 1])
