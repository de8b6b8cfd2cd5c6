"""Dynamics on a network, and the one number that may stand for the network: its effective coupling.

    beta_eff(P)                               # 1'PP1 / 1'P1
    decomposed(P)                             # the same in three parts: <s> + S H
    x = steady_state(P, regulatory, 10.0)     # where x_i' = f(x_i) + sum_j P[i, j] g(x_i, x_j) comes to rest
    mean_field(P, x)                          # one state for all, weighted by how much each node acts
    steady_state([[beta_eff(P)]], regulatory, 10.0)   # the reduction: a network of one node, coupled to itself

P[i, j] is how strongly node j acts on node i: row = receiver. Whoever gives a graph, whose A[i, j] is the edge
i -> j, means P = A.T. The reduction is an approximation, made for positive links, states that differ little from
node to node, and strengths that are not correlated along links; what it is worth elsewhere has to be measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, finite_rows, real_numbers, whole
from lessons.errors import ConvergenceError
from lessons.graph import as_graph

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]

FAR = 1e12  # a time at which nothing is expected to move
ADVICE = "Allow more iterations, start from another x0, or look whether such states can come to rest at all."
ROUNDING = 16 * np.finfo(np.float64).eps  # a sum below this part of its terms' sizes is 0

# ---------------------------------------------------------------------------------------- one number for a network


def beta_eff_definition(P: Sequence[Sequence[float]]) -> float:
    """The definition of `beta_eff`, in plain Python: all walks of two links over all links, each by its weights.

    O(n^3).

    >>> beta_eff_definition([[0, 2], [3, 0]])
    2.4

    Notebook: 13_neural_capacitance. Source: see `beta_eff`.
    """
    n = range(len(P))
    return sum(P[i][j] * P[j][k] for i in n for j in n for k in n) / sum(P[i][j] for i in n for j in n)


def mean_field(P: object, z: ArrayLike) -> float:
    """L_P(z) = 1'Pz / 1'P1: the mean of z (n,) over the nodes, each weighted by its out-strength, its column of P.

    P (n, n) is a dense or sparse matrix with row = receiver, or a graph, whose edge i -> j means that i acts on j.
    Of activities it makes x_eff, the state that stands for all of them. Where links are negative, so may weights
    be, and then it is no mean. O(n + links).

    Raises ValueError where 1'P1 is 0, for a P that is not square or not finite, and for z that does not fit.

    >>> graph = as_graph([("a", "b"), ("a", "c")], nodes="abc", directed=True)
    >>> mean_field(graph, [5.0, 1.0, 1.0]), mean_field(graph.reverse, [5.0, 1.0, 1.0])
    (5.0, 1.0)

    Notebook: 13_neural_capacitance. Source: J. Gao, B. Barzel, A.-L. Barabasi, Universal resilience patterns in
    complex networks, Nature 530, 2016, pages 307-312, doi:10.1038/nature16948.
    """
    links = _links(P)
    return float(links.sum(axis=0) @ _for_each("z", z, links.shape[0])) / _total(links)


def beta_eff(P: object) -> float:
    """The effective coupling 1'PP1 / 1'P1: the in-strengths of a network's nodes, in the mean of `mean_field`.

    P (n, n) is a dense or sparse matrix with row = receiver, or a graph, whose edge i -> j means that i acts on j;
    the direction makes no difference here. It takes the place of P in the one equation
    x_eff' = f(x_eff) + beta_eff g(x_eff, x_eff). O(n + links).

    Raises ValueError where 1'P1 is 0, as in an empty network, or 0 but for rounding: positive and negative links
    that cancel have no effective coupling.

    >>> beta_eff([[0.0, 2.0], [3.0, 0.0]]), beta_eff(as_graph([(0, 1), (1, 2), (2, 0)], n=3))
    (2.4, 2.0)

    Notebook: 13_neural_capacitance. Source: J. Gao, B. Barzel, A.-L. Barabasi, Nature 530, 2016, pages 307-312,
    doi:10.1038/nature16948.
    """
    links = _links(P)
    return float(links.sum(axis=0) @ links.sum(axis=1)) / _total(links)


class Decomposition(NamedTuple):
    """What an effective coupling is made of: beta = mean_strength + symmetry * heterogeneity."""

    mean_strength: float  # <s>, of the links that enter a node, or leave it
    symmetry: float  # S, the correlation of both over the nodes, -1 ... 1
    heterogeneity: float  # H, how much both vary: the product of their standard deviations over <s>

    @property
    def beta(self) -> float:
        return self.mean_strength + self.symmetry * self.heterogeneity


def decomposed(P: object) -> Decomposition:
    """The three parts of `beta_eff`: <s> = 1'P1 / n, S = corr(s_in, s_out) and H = std(s_in) std(s_out) / <s>.

    S counts as 0 where all nodes have the same in-strength or the same out-strength; H is 0 then. O(n + links).

    Raises ValueError as `beta_eff` does.

    >>> star = as_graph([(0, leaf) for leaf in range(1, 5)], n=5)
    >>> [round(part, 6) for part in decomposed(star)], round(decomposed(star).beta, 6), beta_eff(star)
    ([1.6, 1.0, 0.9], 2.5, 2.5)

    Notebook: 13_neural_capacitance. Source: J. Gao, B. Barzel, A.-L. Barabasi, Nature 530, 2016, pages 307-312,
    doi:10.1038/nature16948.
    """
    links = _links(P)
    n = links.shape[0]
    heard, acted = links.sum(axis=1), links.sum(axis=0)
    mean = _total(links) / n
    deviations = float(np.std(heard)), float(np.std(acted))
    if min(deviations) <= ROUNDING * float(np.abs(links.data).sum()):
        return Decomposition(mean, 0.0, 0.0)
    spread = deviations[0] * deviations[1]
    symmetry = float(np.mean((heard - mean) * (acted - mean))) / spread
    return Decomposition(mean, symmetry, spread / mean)


# ---------------------------------------------------------------------------------------- dynamics


class Dynamics(NamedTuple):
    """x_i' = f(x_i) + sum over j of P[i, j] g(x_i, x_j): what a node does alone, and what another makes it do.

    Both are functions of arrays, entry by entry.

    >>> decay = Dynamics(f=lambda x: 1 - x, g=lambda x, y: y)
    >>> decay.f(3.0) + 0.5 * decay.g(3.0, 4.0)
    0.0
    """

    f: Callable[[Any], Any]
    g: Callable[[Any, Any], Any]


def _hill(x: Any, y: Any) -> Any:
    square = np.maximum(y, 0.0) ** 2
    return square / (1.0 + square)


def _growth(x: Any) -> Any:
    return 0.1 + x * (1.0 - x / 5.0) * (x / 1.0 - 1.0)


def _exchange(x: Any, y: Any) -> Any:
    return x * y / (5.0 + 0.9 * x + 0.1 * y)


regulatory = Dynamics(lambda x: -x, _hill)
"""Genes: f = -x, what is expressed decays; g = y^2 / (1 + y^2), what it does to others saturates.

A state below 0, which negative links bring about, acts on nobody."""

mutualistic = Dynamics(_growth, _exchange)
"""Plants and their pollinators: f = B + x (1 - x / K) (x / C - 1), g = x y / (D + E x + H y).

Incoming B = 0.1, carrying capacity K = 5, Allee threshold C = 1, and D = 5, E = 0.9, H = 0.1, as in the
authors' program."""


def steady_state(
    P: object, dynamics: Dynamics, x0: ArrayLike, *, tolerance: float = 1e-8, iterations: int = 20_000
) -> Floats:
    """(n,) the states in which a network comes to rest, started from x0: one number for all nodes, or (n,).

    It is integrated, by LSODA, until no state changes by more than `tolerance` (1 + the largest state) in a unit
    of time, or that many steps are done. Where there are several states of rest, x0 decides. P as for
    `mean_field`. O(n + links) a step, and now and then n times that.

    Raises ConvergenceError, with the change that is left, for states that do not come to rest or grow beyond all
    bounds; ValueError for a P that is not square or not finite, an x0 that does not fit, and unless tolerance and
    iterations are above 0.

    >>> pair = [[0.0, 2.5], [2.5, 0.0]]
    >>> steady_state(pair, regulatory, 10.0).round(6), steady_state(pair, regulatory, 0.1).round(6)
    (array([2., 2.]), array([0., 0.]))

    Notebook: 13_neural_capacitance. Source: J. Gao, B. Barzel, A.-L. Barabasi, Nature 530, 2016, pages 307-312,
    doi:10.1038/nature16948.
    """
    from scipy.integrate import LSODA

    _dynamics(dynamics)
    links = _links(P).tocoo()
    n, (receivers, senders) = links.shape[0], links.coords
    x = _for_each("x0", np.full(n, x0) if np.ndim(x0) == 0 else x0, n)
    small, limit = above_zero("tolerance", tolerance), whole("iterations", iterations)

    def change(_: float, x: Floats) -> Floats:
        acts = links.data * dynamics.g(x[receivers], x[senders])
        return dynamics.f(x) + np.bincount(receivers, acts, minlength=n)

    def unrest(x: Floats) -> float:
        return _largest(change(0.0, x)) / (1.0 + _largest(x))

    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):  # these end as ConvergenceError
        warnings.simplefilter("ignore", UserWarning)
        solver, step = LSODA(change, 0.0, x, FAR, rtol=1e-10, atol=1e-12), 0
        while not (left := unrest(solver.y)) <= small:
            if step == limit or solver.status != "running" or not left < inf:
                raise ConvergenceError("states of a network", left, step, ADVICE)
            solver.step()
            step += 1
    return solver.y


# ---------------------------------------------------------------------------------------- the reduced equation


class Curve(NamedTuple):
    """The states of rest of x' = f(x) + beta g(x, x): (k,) `beta` of each `x`, and whether it is `stable`."""

    x: Floats
    beta: Floats
    stable: NDArray[np.bool_]


def collapse_curve(dynamics: Dynamics, x: ArrayLike) -> Curve:
    """The curve on which all networks should lie: for each state x > 0, rising, the coupling at which it rests.

    f(x) + beta g(x, x) = 0 gives a single beta = -f(x) / g(x, x) for each x, though several x for some beta. The
    slope of f + beta g along x is -g(x, x) times that of this curve, so a state is stable where beta rises with
    x. The slope comes from differences between neighbours. States that rest at any coupling, such as x = 0 of
    `regulatory`, are not on it. O(k).

    Raises ValueError for fewer than three states, for states that do not rise, and where g(x, x) is not above 0.

    >>> curve = collapse_curve(regulatory, [0.5, 1.5, 2.0])
    >>> curve.beta.round(3), curve.stable
    (array([2.5  , 2.167, 2.5  ]), array([False,  True,  True]))

    Notebook: 13_neural_capacitance. Source: J. Gao, B. Barzel, A.-L. Barabasi, Nature 530, 2016, pages 307-312,
    doi:10.1038/nature16948.
    """
    _dynamics(dynamics)
    x = finite_rows("x", x, range(np.size(x)), "place")
    if x.ndim != 1 or len(x) < 3 or not (np.diff(x) > 0).all():
        raise ValueError(
            f"x={x}: three states or more, each above the one before, such as np.linspace(0.1, 5, 500)"
        )
    beta = _coupling(dynamics, x)
    return Curve(x, beta, np.gradient(beta, x) > 0)


def critical_points(dynamics: Dynamics, x: ArrayLike) -> list[tuple[float, float]]:
    """[(beta, x)] where two states of rest, one stable and one not, meet and vanish: the turns of the curve.

    The turns of `collapse_curve` between the smallest and the largest of the states x (k,), each then found to
    1e-8 or better by golden sections between its neighbours. Of two turns between neighbours none is seen.

    Raises ValueError as `collapse_curve` does.

    >>> [(round(beta, 6), round(x, 4)) for beta, x in critical_points(regulatory, np.linspace(0.1, 5.0, 100))]
    [(2.0, 1.0)]

    Notebook: 13_neural_capacitance. Source: see `collapse_curve`.
    """
    from scipy.optimize import minimize_scalar

    x, beta, _ = collapse_curve(dynamics, x)
    rises = np.diff(beta) > 0
    turns = []
    for at in np.flatnonzero(rises[1:] != rises[:-1]):
        sign = 1.0 if rises[at + 1] else -1.0  # down, then up: a minimum
        found = minimize_scalar(
            lambda state, sign=sign: sign * float(_coupling(dynamics, np.array([state]))[0]),
            bounds=(x[at], x[at + 2]),
            method="bounded",
            options={"xatol": 1e-9},
        )
        turns.append((sign * float(found.fun), float(found.x)))
    return turns


# ---------------------------------------------------------------------------------------- helpers


def divisor(total: float, size: float) -> float:
    """1'P1, by which every mean on a network is divided, where it is not 0. `size` is what all |P| sum to.

    Raises ValueError where it is 0, or so near to it that rounding decides.

    >>> divisor(2.5, 2.5)
    2.5
    """
    if abs(total) <= ROUNDING * size:
        why = (
            f"links of {size:.3g} in all cancel: nothing can be divided by it; look at the absolute values, say"
            if size
            else "there are no links, or all are 0, as where no errors are left: nothing can be divided by it"
        )
        raise ValueError(f"1'P1 is 0, since {why}")
    return total


def _total(links: scipy.sparse.csr_array) -> float:
    return divisor(float(links.data.sum()), float(np.abs(links.data).sum()))


def _links(P: object) -> scipy.sparse.csr_array:
    """P (n, n) with row = receiver, of matrices and graphs."""
    from scipy.sparse import csr_array

    if any(hasattr(P, name) for name in ("edges", "to_graph")):  # a Graph, one of networkx, what gives one
        return csr_array(as_graph(P).to_scipy().T)
    given: Any = P if hasattr(P, "tocsr") else real_numbers("P", P)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"P of shape {given.shape}: (n, n) is needed, a row for what acts on each node")
    if given.dtype.kind not in "biuf":
        raise TypeError(f"P of type {given.dtype}: real numbers are needed")
    matrix = csr_array(given).astype(np.float64)
    if not np.isfinite(matrix.data).all():
        at = int(np.argmin(np.isfinite(matrix.data)))
        row, column = (int(ends[at]) for ends in matrix.tocoo().coords)
        raise ValueError(f"P[{row}, {column}] is {matrix.data[at]}: finite numbers are needed")
    return matrix


def _for_each(name: str, values: ArrayLike, n: int) -> Floats:
    """(n,) finite numbers, one for each node."""
    found = finite_rows(name, values, range(n), "node")
    if found.ndim != 1:
        raise ValueError(f"{name} of shape {found.shape}: ({n},), a number for each node, is needed")
    return found


def _dynamics(given: object) -> None:
    if not isinstance(given, Dynamics):
        raise TypeError(f"dynamics={given!r}: a Dynamics(f, g) is needed, such as `regulatory` or `mutualistic`")


def _largest(x: Floats) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _coupling(dynamics: Dynamics, x: Floats) -> Floats:
    """beta at which each state rests."""
    acts = dynamics.g(x, x)
    if not (acts > 0).all():
        at = int(np.argmin(acts > 0))
        raise ValueError(f"g(x, x) is {acts[at]} at x={x[at]}: above 0 is needed; leave such states out")
    return -dynamics.f(x) / acts
