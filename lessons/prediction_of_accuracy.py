"""What the first epochs of networks say of their last: which of them will be the best, before all have learned.

    found = intercept(beta, accuracy)                 # the accuracy where a line through both meets beta = 0
    zoo = Zoo.of("features/digits", recorded("neural_capacitance"))
    for name, scores in predictions(zoo, 5).items():  # from five epochs of each network
        print(name, kendall_taus(scores, zoo.final).mean())

The line is that of a Bayesian ridge, as in the paper. Whatever it finds is to be told beside what needs no beta:
the last accuracy, 1/t in place of beta, and noise in place of beta. The paper's own setting, 17 large networks
that have learned from ImageNet, is not tested here, so nothing here refutes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import chain
from math import nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _rng
from lessons._checks import above_zero, real_numbers, whole
from lessons.errors import require

Floats = NDArray[np.float64]

PRIOR = 1e-6  # shape and rate of both Gamma priors of the ridge: they say next to nothing
EXPONENTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)  # of power laws
SMALLEST = 1e-4  # of what a logarithm is taken
REGRESSION = "regression"
EXTRAS = ("beta", "weight norm", "gradient norm", "noise")  # what the regression is told besides


# ---------------------------------------------------------------------------------------- the line


class Line(NamedTuple):
    """y = intercept + slope * x."""

    slope: float
    intercept: float


def bayesian_line_definition(x: ArrayLike, y: ArrayLike, *, steps: int = 300, tolerance: float = 1e-3) -> Line:
    """The line of a Bayesian ridge through points x (n,), y (n,), in plain NumPy: O(n) a step.

    About their means y is slope * x + noise, with slope ~ N(0, 1 / lambda) and noise ~ N(0, 1 / alpha). In turn
    the slope is set to its posterior mean, and both precisions to where the evidence is highest for it, until the
    slope moves by less than `tolerance`. The intercept is not shrunk. An x that tells nothing gets a slope near 0,
    and so an intercept near the mean of y.

    >>> bayesian_line_definition([0, 1, 2, 3], [1, 3, 5, 7]).intercept.__round__(4)
    1.0

    Notebook: 13_neural_capacitance. Source: D. J. C. MacKay, Bayesian interpolation, Neural Computation 4 (3),
    1992, pages 415-447, doi:10.1162/neco.1992.4.3.415; start and order of the steps are scikit-learn's.
    """
    X, Y = _points("x", x, "y", y)
    x_off, y_off = X - X.mean(), Y - Y.mean()
    square, product, n = x_off @ x_off, x_off @ y_off, len(X)
    alpha, lambd, before = 1 / (Y.var() + np.finfo(float).eps), 1.0, nan
    for _ in range(steps):
        slope = alpha * product / (lambd + alpha * square)
        told = alpha * square / (lambd + alpha * square)  # from 0 to 1: how far the data determine the slope
        off = ((y_off - slope * x_off) ** 2).sum()
        lambd = (told + 2 * PRIOR) / (slope**2 + 2 * PRIOR)
        alpha = (n - told + 2 * PRIOR) / (off + 2 * PRIOR)
        if abs(slope - before) < tolerance:
            break
        before = slope
    slope = alpha * product / (lambd + alpha * square)
    return Line(float(slope), float(Y.mean() - slope * X.mean()))


def bayesian_line(x: ArrayLike, y: ArrayLike) -> Line:
    """The line of scikit-learn's Bayesian ridge through points x (n,), y (n,); n is at least 2.

    Raises ImportError without scikit-learn; ValueError for arrays of other shapes, or numbers that are not finite.

    >>> bayesian_line([0, 1, 2, 3], [1, 3, 5, 7]).slope.__round__(4)
    2.0

    Notebook: 13_neural_capacitance. Source: see `bayesian_line_definition`.
    """
    require("sklearn", "course")
    from sklearn.linear_model import BayesianRidge

    X, Y = _points("x", x, "y", y)
    ridge = BayesianRidge().fit(X[:, None], Y)
    return Line(float(ridge.coef_[0]), float(ridge.intercept_))


# ---------------------------------------------------------------------------------------- from one network


def intercept(beta: ArrayLike, accuracy: ArrayLike) -> float:
    """The accuracy that a Bayesian ridge expects at beta = 0, from `beta` (n,) and `accuracy` (n,) of n epochs.

    beta is divided by its largest size, and never shifted, so that 0 stays 0. Nothing holds the answer between 0
    and 1. Where beta tells nothing of the accuracy, the answer is near the mean accuracy of these epochs, and just
    that where beta is 0 in all of them. O(n).

    Raises ImportError without scikit-learn; ValueError for fewer than two epochs, arrays of other shapes, or
    numbers that are not finite.

    >>> round(intercept([0.4, 0.3, 0.2, 0.1], [0.6, 0.7, 0.8, 0.9]), 3)
    1.0

    Notebook: 13_neural_capacitance. Source: C. Jiang and others, Network properties determine neural network
    performance, Nature Communications 15, 5718, 2024, doi:10.1038/s41467-024-48069-8; our reading of it.
    """
    x, y = _points("beta", beta, "accuracy", accuracy)
    largest = np.abs(x).max()
    return bayesian_line(x / largest, y).intercept if largest > 0 else float(y.mean())


def noise_control(accuracy: ArrayLike, seed: _rng.Seed) -> float:
    """`intercept` of noise, uniform from 0 to 1, in place of beta: what the method says where beta says nothing.

    >>> accuracy = [0.2, 0.5, 0.6, 0.7, 0.75]
    >>> bool(abs(noise_control(accuracy, seed=0) - np.mean(accuracy)) < 0.05)
    True

    Notebook: 13_neural_capacitance.
    """
    return _on_noise(accuracy, _rng.key_of(seed), 0)


def one_over_t(accuracy: ArrayLike) -> float:
    """`intercept` of 1 / t in place of beta, where t = 2, 3, ... counts the looks at a network.

    The look before it has learned is the first, t = 1, and is left out of `accuracy`.

    >>> round(one_over_t([0.5, 0.6, 0.65]), 2)
    0.8

    Notebook: 13_neural_capacitance.
    """
    y, _ = _points("accuracy", accuracy, "accuracy", accuracy)
    return intercept(1 / np.arange(2.0, y.size + 2), y)


def power_law(accuracy: ArrayLike, last: int) -> float:
    """a - b t^-c at t = `last`, fitted by least squares to the `accuracy` (n,) after epochs t = 1 ... n.

    b is 0 or more, so that accuracy never falls, and c is one of `EXPONENTS`. O(n) for each of them.

    Raises ValueError for fewer than two epochs, or a last one before those.

    >>> round(power_law([0.5, 0.7, 0.7667, 0.8], last=10), 3)
    0.86

    Notebook: 13_neural_capacitance.
    """
    t = np.arange(1.0, np.size(accuracy) + 1)
    _, y = _points("t", t, "accuracy", accuracy)
    whole("last", last, len(y))
    best = float("inf"), nan
    for c in EXPONENTS:
        terms = np.column_stack([np.ones_like(t), -(t**-c)])
        a, b = np.linalg.lstsq(terms, y, rcond=None)[0]
        if b < 0:
            a, b = y.mean(), 0.0
        best = min(best, (float(((terms @ (a, b) - y) ** 2).sum()), float(a - b * last**-c)))
    return best[1]


# ---------------------------------------------------------------------------------------- among networks


def kendall_tau(scores: ArrayLike, final: ArrayLike) -> float:
    """Kendall's tau b of `scores` (n,) and `final` (n,) accuracies: 1 in the same order, -1 in the opposite one.

    0 where one of both is the same for all networks, so tells no order. O(n log n).

    Raises ValueError for fewer than two networks, other shapes, or numbers that are not finite.

    >>> round(kendall_tau([1, 2, 3, 4], [10, 30, 20, 40]), 3), kendall_tau([1, 1], [1, 2])
    (0.667, 0.0)

    Notebook: 13_neural_capacitance. Source: M. G. Kendall, The treatment of ties in ranking problems, Biometrika
    33 (3), 1945, pages 239-251; as SciPy computes it.
    """
    from scipy.stats import kendalltau

    X, Y = _points("scores", scores, "final", final)
    return 0.0 if np.ptp(X) == 0 or np.ptp(Y) == 0 else float(kendalltau(X, Y).statistic)


def kendall_taus(scores: ArrayLike, final: ArrayLike) -> Floats:
    """(S,) `kendall_tau` of each row of scores (S, n) and final (S, n): of the networks of each seed.

    >>> kendall_taus([[1, 2], [2, 1]], [[1, 2], [1, 2]])
    array([ 1., -1.])

    Notebook: 13_neural_capacitance.
    """
    both = real_numbers("scores", scores), real_numbers("final", final)
    if both[0].ndim != 2 or both[0].shape != both[1].shape:
        raise ValueError(f"scores {both[0].shape}, final {both[1].shape}: one shape (seeds, networks) is needed")
    return np.array([kendall_tau(*rows) for rows in zip(*both, strict=True)])


def leave_one_out(features: ArrayLike, final: ArrayLike, penalty: float = 1.0) -> Floats:
    """(n,) for each network the final accuracy that a ridge, learned from the others, expects of it.

    `features` (n, k) tell something of each network, `final` (n,) is its final accuracy. Each feature is brought
    to mean 0 and deviation 1 over the others; one that is the same for all of them counts for nothing.
    O(n k^2 (n + k)).

    Raises ValueError for fewer than three networks, other shapes, numbers that are not finite, or no penalty.

    >>> leave_one_out([[1.0], [2.0], [3.0], [4.0]], [0.1, 0.2, 0.3, 0.4], penalty=1e-9).round(3)
    array([0.1, 0.2, 0.3, 0.4])

    Notebook: 13_neural_capacitance.
    """
    X, y = real_numbers("features", features).astype(float), real_numbers("final", final).astype(float)
    if X.ndim != 2 or y.shape != X.shape[:1] or len(X) < 3 or not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError(
            f"features {X.shape}, final {y.shape}: finite (n, k) and (n,) of at least three networks are needed"
        )
    above_zero("penalty", penalty)
    return np.array([_expected(X, y, np.arange(len(y)) != i, penalty) for i in range(len(y))])


def _expected(X: Floats, y: Floats, others: NDArray[np.bool_], penalty: float) -> float:
    """Of the one network that is not among the others."""
    mean, deviation = X[others].mean(axis=0), X[others].std(axis=0)
    scaled = np.where(deviation > 0, (X - mean) / np.where(deviation > 0, deviation, 1), 0)
    A, level = scaled[others], y[others].mean()
    w = np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ (y[others] - level))
    return float(level + (scaled[~others] @ w)[0])


class Paired(NamedTuple):
    """How much more one way reaches than another, over `runs` seeds: `wins` are those in which it reaches more."""

    mean: float
    error: float
    wins: int
    runs: int
    p: float


def paired(one: ArrayLike, other: ArrayLike) -> Paired:
    """The mean of one - other over seeds, (S,) each; its standard error; the p-value of a two-sided t-test.

    p is 1 where all differences are 0. Raises ValueError for fewer than two seeds or other shapes. O(S).

    >>> paired([0.5, 0.7, 0.6], [0.4, 0.5, 0.6])._replace(p=0).error.__round__(4)
    0.0577

    Notebook: 13_neural_capacitance. Source: Student, The probable error of a mean, Biometrika 6 (1), 1908.
    """
    from scipy.stats import ttest_1samp

    X, Y = _points("one", one, "other", other)
    off = X - Y
    error = off.std(ddof=1) / len(off) ** 0.5
    p = float(ttest_1samp(off, 0).pvalue) if off.any() else 1.0
    return Paired(float(off.mean()), float(error), int((off > 0).sum()), len(off), p)


# ---------------------------------------------------------------------------------------- a zoo


@dataclass(frozen=True, eq=False)
class Zoo:
    """Networks that were watched while they learned: of S seeds n each, after epochs 0 (untrained) to E - 1.

    Arrays (S, n, E): `accuracy` on rows to validate; `loss`, the mean cross entropy on rows to learn from; on
    these, too, `beta` and `absolute_beta`, beta_eff with signs and without, and the `gradient_norm`; the
    `weight_norm`.
    Arrays (S, n): `final`, the mean accuracy on rows to test over the last five of all `epochs`, most of which are
    not among the E, and `final_loss`, the loss over the same epochs.
    """

    name: str
    epochs: int
    seeds: tuple[int, ...]
    accuracy: Floats
    loss: Floats
    beta: Floats
    absolute_beta: Floats
    weight_norm: Floats
    gradient_norm: Floats
    final: Floats
    final_loss: Floats

    @classmethod
    def of(cls, name: str, table: Mapping[str, Any]) -> Zoo:
        """A zoo of the recorded table, `recorded("neural_capacitance")`. Raises ValueError for one not there."""
        if "zoos" not in table:
            raise ValueError(f"table of {sorted(table)}: all of recorded('neural_capacitance') is needed")
        if name not in table["zoos"]:
            raise ValueError(f"name={name!r}: one of {sorted(table['zoos'])}")
        return cls.read(name, table["zoos"][name])

    @classmethod
    def read(cls, name: str, told: Mapping[str, Any]) -> Zoo:
        """A zoo from text: for each seed a line of numbers in thousandths, networks parted by ";"."""
        series = [field.name for field in fields(cls) if field.name not in ("name", "epochs", "seeds")]
        arrays = {one: np.array([_numbers(line) for line in told[one]]) for one in series}
        final = {one: arrays.pop(one)[:, :, 0] for one in ("final", "final_loss")}
        return cls(name, told["epochs"], tuple(told["seeds"]), **arrays, **final)

    def __repr__(self) -> str:
        seeds, networks, seen = self.accuracy.shape
        return f"Zoo({self.name}: {seeds} seeds x {networks} networks, {seen - 1} of {self.epochs} epochs)"


def _numbers(line: str) -> Floats:
    """(n, E) from thousandths."""
    return np.array([[float(number) for number in one.split()] for one in line.split(";")]) / 1000


def predictions(zoo: Zoo, k: int, seed: _rng.Seed = 0) -> dict[str, Floats]:
    """{name: scores (S, n)}: how good each way expects each network to be, from epochs 1 to k; higher is better.

    All but "training loss" and "fall of beta" are accuracies: the last one; the mean one; that of a power law; the
    `intercept` of 1/t, of beta without signs, of the size of beta with signs, of noise; then, each from the other
    networks of its seed, a ridge of the last accuracy, its gain in two epochs and the log of the training loss,
    alone and with two more features: the log of beta without signs and of its fall since epoch 0, or the same of
    the norm of weights or gradients, or two of noise. `seed` is that of the noise.

    Raises ImportError without scikit-learn; ValueError for k below 2 or above the epochs seen.

    Notebook: 13_neural_capacitance. Cost: four fits of a Bayesian ridge for each network.
    """
    if not isinstance(zoo, Zoo):
        raise TypeError(f"zoo={zoo!r:.60}: a Zoo is needed, such as Zoo.of(name, recorded('neural_capacitance'))")
    whole("k", k, 2, zoo.accuracy.shape[2] - 1)
    key = _rng.key_of(seed)
    accuracy, fall = zoo.accuracy[:, :, 1 : k + 1], zoo.absolute_beta[:, :, k] / zoo.absolute_beta[:, :, 0]
    found = {
        "last accuracy": accuracy[:, :, -1],
        "mean accuracy": accuracy.mean(axis=2),
        "power law": _each(lambda y: power_law(y, zoo.epochs), accuracy),
        "1/t": _each(one_over_t, accuracy),
        "training loss": -zoo.loss[:, :, k],
        "fall of beta": -fall,
        "beta": _each(intercept, zoo.absolute_beta[:, :, 1 : k + 1], accuracy),
        "signed beta": _each(intercept, np.abs(zoo.beta[:, :, 1 : k + 1]), accuracy),
        "noise": _of_noise(accuracy, key),
    }
    return found | _regressions(zoo, k, key)


def _each(way: Any, *series: Floats) -> Floats:
    """(S, n) what a way makes of the epochs of each network."""
    S, n, _ = series[0].shape
    return np.array([[way(*(one[s, i] for one in series)) for i in range(n)] for s in range(S)])


def _of_noise(accuracy: Floats, key: int) -> Floats:
    S, n, _ = accuracy.shape
    return np.array([[_on_noise(accuracy[s, i], key, s * n + i) for i in range(n)] for s in range(S)])


def _on_noise(accuracy: ArrayLike, key: int, task: int) -> float:
    y, _ = _points("accuracy", accuracy, "accuracy", accuracy)
    return intercept(_rng.uniforms(key, [task], y.size)[0], y)


def _regressions(zoo: Zoo, k: int, key: int) -> dict[str, Floats]:
    """A ridge over the networks of each seed, alone and with each of `EXTRAS`."""
    y, (S, n, _) = zoo.accuracy, zoo.accuracy.shape
    known = [y[:, :, k], y[:, :, k] - y[:, :, max(1, k - 2)], _log(zoo.loss[:, :, k])]
    noise = _rng.uniforms(key, np.arange(S * n) + S * n, 2).reshape(S, n, 2)
    extras: dict[str, list[Floats]] = {
        "beta": _now_and_fall(zoo.absolute_beta, k),
        "weight norm": _now_and_fall(zoo.weight_norm, k),
        "gradient norm": _now_and_fall(zoo.gradient_norm, k),
        "noise": [noise[:, :, 0], noise[:, :, 1]],
    }
    asked = chain([(REGRESSION, known)], ((f"{REGRESSION} with {one}", known + extras[one]) for one in EXTRAS))
    return {
        name: np.array([leave_one_out(*rows) for rows in zip(np.stack(X, axis=2), zoo.final, strict=True)])
        for name, X in asked
    }


def _now_and_fall(series: Floats, k: int) -> list[Floats]:
    return [_log(series[:, :, k]), _log(series[:, :, k]) - _log(series[:, :, 0])]


def _log(values: Floats) -> Floats:
    """Of what is 0 or more: a network that has learned all there is, or that is dead, may have nothing left."""
    return np.log(np.maximum(values, SMALLEST))


def _points(name: str, x: ArrayLike, other: str, y: ArrayLike) -> tuple[Floats, Floats]:
    """Both as float64 of one length, at least 2."""
    X, Y = real_numbers(name, x).astype(float), real_numbers(other, y).astype(float)
    if X.ndim != 1 or X.shape != Y.shape or len(X) < 2:
        raise ValueError(
            f"{name} of shape {X.shape} and {other} of {Y.shape}: two lists of one length, 2 or more, are needed"
        )
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise ValueError(f"{name} = {X} and {other} = {Y}: finite numbers are needed")
    return X, Y
