"""The exercises of notebook 07: frequencies by hand, a filter, bases compared, Chebyshev's sum, steps too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial.chebyshev import chebval

from lessons.exercises import Counted, Exercise, Property, Variant, once
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import laplacian_definition

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Basis = tuple[Floats, Floats]  # frequencies (n,), ascending, and their signals (n, n) in columns

Response = Callable[[Any], Any]


def _is_real(found: Any, shape: tuple[int, ...]) -> bool:
    """Whether an answer holds finite real numbers in this shape, fractions among them."""
    array = np.asarray(found)
    if array.dtype == object and all(isinstance(number, Real) for number in array.flat):
        array = array.astype(float)
    return array.shape == shape and array.dtype.kind in "fiu" and bool(np.isfinite(array).all())


# -------------------------------------------------------------------------------- 1: frequencies by hand

PAW = ((0, 1), (0, 2), (1, 2), (2, 3))


def _draw_paw(signal: tuple[int, ...]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    places = [(0, 0.8), (0, -0.8), (1.2, 0), (2.6, 0)]
    return draw_graph(as_graph(PAW, n=4), positions=places, values=dict(enumerate(signal)))


@dataclass(frozen=True)
class _Signals:
    """Four signals on the paw, of one frequency each: how loud each is, and their places in the question."""

    constant: int = 2
    low: int = 5
    middle: int = 1
    high: int = 1
    places: tuple[int, int, int, int] = (0, 1, 2, 3)  # of the constant, the low, the middle and the high one

    def in_order(self, found: Sequence[Any]) -> list[Any]:
        """What holds of the constant, the low, the middle and the high one, as the question asks them."""
        return [found[kind] for kind in np.argsort(self.places)]

    def values(self) -> list[tuple[int, ...]]:
        return self.in_order(
            [
                (self.constant,) * 4,
                (self.low, self.low, 0, -2 * self.low),
                (self.middle, -self.middle, 0, 0),
                (self.high, self.high, -3 * self.high, self.high),
            ]
        )

    def told(self) -> str:
        """As the statement says them."""
        return ", ".join(map(str, map(list, self.values()))).replace("-", "−")


SIGNALS = _Signals().values()


def _by_hand(of: _Signals) -> Exercise:
    X = np.array(of.values(), float).T
    A = as_graph(PAW, n=4).to_dense()
    D = np.diag(A.sum(axis=0))
    energy, length = (X * ((D - A) @ X)).sum(axis=0), (X**2).sum(axis=0)
    p, q, r, s = of.places
    c, low, m, h = (of.values()[place] for place in of.places)

    def told(numbers: Any) -> list[float]:
        return np.round(numbers, 6).tolist()

    def answers(*numbers: float) -> list[float]:
        """Of the constant, the low, the middle and the high one, as the question asks them."""
        return of.in_order(numbers)

    return Exercise(
        id="graph_signals-1",
        level="warm-up",
        form="predict",
        difficulty=1,
        importance=3,
        minutes=4,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of four numbers: the frequency of each signal",
                holds=lambda found: _is_real(found, (4,)),
                hints=(
                    "A signal has one number at each node, but one frequency as a whole.",
                    "Count the numbers in your list, and look for inner brackets.",
                    "It looks like [p, q, r, s]: one quotient of two numbers for each signal.",
                ),
            ),
            Property(
                says="a constant signal has the frequency 0, as nothing changes along any edge",
                holds=lambda found: np.isclose(float(found[p]), 0),
                hints=(
                    f"x^T L x adds up squares of differences along edges. Which differences has {list(c)}?",
                    "Look at what you add: differences of neighbours, not their values or products.",
                    f"Each edge u - v adds (x_u - x_v)²; every one of these is ({c[0]} - {c[0]})² here.",
                ),
            ),
            Property(
                says=f"{list(m)} has its energy over three edges, divided by its squared length",
                holds=lambda found: np.isclose(float(found[r]), 3),
                hints=(
                    "First the energy: one square for each edge, also for those that lead to a node with 0.",
                    "Three edges change: 0 - 1, 0 - 2 and 1 - 2. Look at what you divide by, too.",
                    f"The energy is ({m[0]} + {m[0]})² + {m[0]}² + {m[0]}²; divide it by x^T x = {m[0]}² + "
                    f"({m[1]})² + 0² + 0².",
                ),
            ),
            Property(
                says=f"{list(low)} has a low frequency: being loud is not being high",
                holds=lambda found: np.isclose(float(found[q]), 1),
                hints=(
                    "Ten times the signal has a hundred times the energy, and the same frequency.",
                    "Look at the divisor: x^T x is the sum of the squares of the values.",
                    f"Divide all values by {of.low} first, which changes no frequency: [1, 1, 0, -2].",
                ),
            ),
            Property(
                says=f"{list(h)} differs from each neighbour of node 2 by {4 * h[0]}",
                holds=lambda found: np.isclose(float(found[s]), 4),
                hints=(
                    "Node 2 has three neighbours, and along each of these edges the signal jumps.",
                    "Count the edges at node 2, the tail among them, and square before you add.",
                    f"Three edges add ({h[0]} + {-h[2]})² each; x^T x is {h[0] ** 2} + {h[0] ** 2} + {h[2] ** 2} "
                    f"+ {h[0] ** 2}.",
                ),
            ),
        ),
        reference=answers(0, 1, 3, 4),
        wrong=(
            ", ".join(map(str, answers(0, 1, 3, 4))),
            answers(0, 1, 3, 4)[:3],
            [answers(0, 1, 3, 4)[:2], answers(0, 1, 3, 4)[2:]],
            told((X * (A @ X)).sum(axis=0) / length),  # A for L
            told((X * (D @ X)).sum(axis=0) / length),  # D for L
            told((X * ((D + A) @ X)).sum(axis=0) / length),  # D + A for D - A: sums along edges
            told(energy),  # the energy, not divided
            told(energy / 4),  # divided by the number of nodes
            answers(0, 2, 6, 8),  # each edge from both of its ends
            told(energy / np.sqrt(length)),  # divided by the length, not by its square
            answers(0, 0, 1, 3),  # edges along which the sign changes
            answers(0, 4 * low[0], 4 * m[0], 12 * h[0]),  # differences not squared
            answers(0, energy[q], 3, 4),  # a loud signal taken for a high one
            answers(0, 1 / 3, 3, 8 / 3),  # the tail forgotten
            answers(0, 1, 3, 4 / 3),  # one of three equal jumps
            answers(0, 1, 2, 3),  # the place in the order
        ),
        why=(
            f"Add (x_u - x_v)² over the edges, and divide by the sum of the squares. Constant: 0. {list(low)}: 0 "
            f"+ {low[0] ** 2} + {low[0] ** 2} + {low[3] ** 2} over {length[q]:g} is 1. {list(m)}: {4 * m[0] ** 2} "
            f"+ {m[0] ** 2} + {m[0] ** 2} + 0 over {length[r]:g} is 3. {list(h)}: 0 + {16 * h[0] ** 2} + "
            f"{16 * h[0] ** 2} + {16 * h[0] ** 2} over {length[s]:g} is 4. These four are at right angles to each "
            "other and are the eigenvectors of L, so they are all frequencies that this graph has."
        ),
        draw=lambda: _draw_paw(low),
        after="Needed again: exercise 5 asks which frequencies a step of heat cannot bear.",
        varied=_other_signals,
    )


def _other_signals(rng: Generator) -> Variant:
    constant, low, middle, high = rng.integers(2, 8, 4).tolist()
    first, second, third, last = rng.permutation(4).tolist()
    of = _Signals(constant, low, middle, high, (first, second, third, last))
    return Variant(_by_hand(of), {_Signals().told(): of.told()})


BY_HAND = _by_hand(_Signals())

# -------------------------------------------------------------------------------- bases that are known exactly


def _path(n: int) -> Basis:
    k = np.arange(n)
    return 2 - 2 * np.cos(np.pi * k / n), _unit(np.cos(np.pi * np.outer(k + 0.5, k) / n))


def _ring(n: int) -> Basis:
    """Waves that go round k times: a cosine and a sine of each, so most frequencies come twice."""
    rounds = np.arange(1, n + 1) // 2
    angles = 2 * np.pi * np.outer(np.arange(n), rounds) / n
    U = np.where(np.arange(n) % 2, np.cos(angles), np.sin(angles))
    U[:, 0] = 1
    return 2 - 2 * np.cos(2 * np.pi * rounds / n), _unit(U)


def _complete(n: int) -> Basis:
    """Each node joined to all others: the constant, and one frequency, n, for all the rest."""
    U = np.triu(np.ones((n, n)))
    U[np.arange(1, n), np.arange(n - 1)] = -np.arange(1, n)
    U = np.roll(U, 1, axis=1)
    return np.where(np.arange(n) > 0, float(n), 0.0), _unit(U)


def _two_paths(n: int) -> Basis:
    """Two paths that are not joined, their nodes in turn: every frequency comes twice, 0 too."""
    lam, U = _path(n)
    return lam[np.arange(2 * n) // 2], _unit(np.kron(U, np.eye(2)))


def _unit(U: NDArray[Any]) -> Floats:
    lengths: Floats = np.sqrt((U**2).sum(axis=0))
    return U / lengths


def _bases() -> list[Basis]:
    """Of paths, rings, complete graphs and two paths, of 1 to 8 nodes, fewest first."""
    found = [_path(n) for n in range(1, 7)] + [_ring(n) for n in range(3, 8)]
    found += [_complete(n) for n in (4, 5)] + [_two_paths(n) for n in (2, 3, 4)]
    return sorted(found, key=lambda basis: len(basis[0]))


# -------------------------------------------------------------------------------- 2: a filter


def _named(name: str, gain: Response) -> Response:
    gain.__name__ = name
    return gain


EVERYTHING = _named("everything", lambda lam: np.ones(np.shape(lam)))
RESPONSES = (
    _named("up_to_1", lambda lam: np.where(np.asarray(lam) <= 1.0 + 1e-9, 1.0, 0.0)),
    _named("exp_of_minus_lam", lambda lam: np.exp(-np.asarray(lam))),
    _named("one_over_1_plus_lam", lambda lam: 1 / (1 + np.asarray(lam))),
    _named("half_of_lam", lambda lam: np.asarray(lam) / 2),
)


def _filter_cases(rng: Generator) -> Iterator[tuple[Floats, Floats, Floats, Response]]:
    """On each basis one signal: everything let through, one frequency, a mixture. Then on each several signals:
    as many as nodes, three."""
    for number, (lam, U) in enumerate(_bases()):
        n = len(lam)
        yield lam, U, _whole(rng, (n,)), EVERYTHING
        yield lam, U, 6 * U[:, n - 1], RESPONSES[1]
        yield lam, U, _whole(rng, (n,)), RESPONSES[number % len(RESPONSES)]
    for number, (lam, U) in enumerate(_bases(), 1):
        for d in (len(lam), 3):
            yield lam, U, _whole(rng, (len(lam), d)), RESPONSES[(number + d) % len(RESPONSES)]


def _whole(rng: Generator, shape: tuple[int, ...]) -> Floats:
    return rng.integers(-9, 10, shape).astype(np.float64)


def filtered(lam: Floats, U: Floats, X: Floats, response: Response) -> Floats:
    share = response(lam)
    if X.ndim == 2:
        share = share[:, None]
    return U @ (share * (U.T @ X))


def _part_by_part(lam: Any, U: Any, X: Any, response: Response) -> Any:
    """What the checker compares with: the part of X along each column of U, times its share, added up."""
    return sum(float(response(lam[k])) * np.multiply.outer(U[:, k], U[:, k] @ X) for k in range(len(lam)))


def _agrees(found: Any, *given: Any) -> bool:
    return np.allclose(found, _part_by_part(*given), rtol=1e-6, atol=1e-6)


def _is_one_frequency(U: Any, X: Any) -> bool:
    return X.ndim == 1 and np.count_nonzero(np.abs(U.T @ X) > 1e-6) == 1


def _no_way_back(lam: Any, U: Any, X: Any, response: Any) -> Any:
    return (response(lam) * (X.T @ U)).T


def _both_ways_the_same(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """U for U^T: right where U is symmetric, as on two nodes."""
    return U @ (response(lam) * (U @ X).T).T


def _turned_round(lam: Any, U: Any, X: Any, response: Any) -> Any:
    return U.T @ (response(lam) * (U @ X).T).T


def _on_the_nodes(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """The shares multiply values at nodes, not amounts of frequencies."""
    return (response(lam) * X.T).T


def _of_the_amounts(lam: Any, U: Any, X: Any, response: Any) -> Any:
    X_hat = U.T @ X
    return U @ (response(np.abs(X_hat)) * X_hat)


def _largest_first(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """Amounts sorted by size, and taken for those of the lowest frequencies."""
    X_hat = (U.T @ X).T
    X_hat = np.take_along_axis(X_hat, np.argsort(-np.abs(X_hat), axis=-1, kind="stable"), axis=-1)
    return U @ (response(lam) * X_hat).T


def _sizes(lam: Any, U: Any, X: Any, response: Any) -> Any:
    return U @ (response(lam) * np.abs(U.T @ X).T).T


def _without_the_mean(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """The first column dropped, as an embedding does."""
    return U[:, 1:] @ (response(lam[1:]) * (U[:, 1:].T @ X).T).T


def _shares_twice(lam: Any, U: Any, X: Any, response: Any) -> Any:
    return U @ (response(lam) ** 2 * (U.T @ X).T).T


def _of_the_places(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """0, 1, 2 ... for the frequencies."""
    return filtered(np.arange(float(len(lam))), U, X, response)


def _as_a_whole(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """One share for the signal, that of its own frequency x^T L x / x^T x."""
    energy = (lam * (U.T @ X).T ** 2).sum(axis=-1)
    return X * response(energy / np.maximum((X**2).sum(axis=0), 1e-12))


def _shares_along_columns(lam: Any, U: Any, X: Any, response: Any) -> Any:
    """Broadcasting: right for one signal, silently wrong for n of them, an error for other numbers."""
    return U @ (response(lam) * (U.T @ X))


def _all_in_one(lam: Any, U: Any, X: Any, response: Any) -> Any:
    return filtered(lam, U, X if X.ndim == 1 else X.sum(axis=1), response)


def _first_for_all(lam: Any, U: Any, X: Any, response: Any) -> Any:
    found = filtered(lam, U, X, response)
    return found if X.ndim == 1 else np.repeat(found[:, :1], X.shape[1], axis=1)


def _written_into(lam: Any, U: Any, X: Any, response: Any) -> Any:
    X[...] = filtered(lam, U, X, response)
    return X


def _draw_spectrum(lam: Floats, U: Floats, X: Floats, response: Response) -> tuple[Any, str]:
    from lessons.show import PALETTE, canvas

    fig, axes = canvas(6.4, 3.2)
    places = np.arange(len(lam))
    amounts = np.abs(U.T @ X.reshape(len(lam), -1)[:, 0])
    axes.bar(places, amounts, width=0.55, color=PALETTE[4], label="amount in X, without sign")
    axes.plot(places, amounts * response(lam), "o", color=PALETTE[7], label="amount that must come out")
    axes.set_xticks(places, [f"{value:.2f}" for value in lam])
    axes.set_xlabel("frequency")
    axes.legend(frameon=False)
    which = "X" if X.ndim == 1 else "the first column of X"
    return fig, f"How much of each frequency is in {which}, as bars, and how much must come out, as dots."


FILTER = Exercise(
    id="graph_signals-2",
    level="core",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=6,
    cases=_filter_cases,
    properties=(
        Property(
            says="the answer is a signal, or signals, of the shape of X",
            holds=lambda found, lam, U, X, response: _is_real(found, X.shape),
            hints=(
                "A filter makes a signal of a signal: one number for each node comes back, for each column of X.",
                "Look at what becomes of an X with several columns, and whether you end at nodes or at "
                "frequencies.",
                "U has a row for each node and a column for each frequency; X.ndim tells one signal from several.",
            ),
        ),
        Property(
            says="where everything is let through, X comes back",
            holds=lambda found, lam, U, X, response: (
                response is not EVERYTHING or np.allclose(found, X, atol=1e-6)
            ),
            hints=(
                "There and back again: what leads to the frequencies must be undone on the way back.",
                "Look at the two products: which of U and its transpose leads from nodes to frequencies? On two "
                "nodes they happen to be the same. And amounts keep their order and their sign.",
                "An amount is the product of a *column* of U with X; all of them at once are `U.T @ ...`. Then "
                "back.",
            ),
        ),
        Property(
            says="a signal of one frequency comes back times the share of that frequency",
            holds=lambda found, lam, U, X, response: (
                not _is_one_frequency(U, X) or _agrees(found, lam, U, X, response)
            ),
            hints=(
                "A signal of one frequency has one amount that is not 0. Look at U^T x, before the shares come: "
                "they belong to frequencies, not to nodes.",
                "Look at what you pass to response, what you multiply its answer with, and how often; and which "
                "of U and its transpose leads to the frequencies.",
                "response(lam)[k] multiplies the amount of column k, before the way back.",
            ),
        ),
        Property(
            says="each frequency in a signal gets its own share",
            holds=lambda found, lam, U, X, response: X.ndim > 1 or _agrees(found, lam, U, X, response),
            hints=(
                "A signal is a mixture: what is low in it must pass though the rest is held back.",
                "Look at how many different shares you use: there are n frequencies, so n shares.",
                "There is one amount and one share for each column of U: multiply them one by one.",
            ),
        ),
        Property(
            says="of several signals each column is filtered as if it were alone",
            holds=lambda found, lam, U, X, response: _agrees(found, lam, U, X, response),
            hints=(
                "For one signal you are right. With several, each row of the amounts is one frequency.",
                "Look at the product of shares (n,) and amounts (n, d): NumPy lines shapes up from the right.",
                "Give the shares a second axis, [:, None], where the amounts have two; or go column by column.",
            ),
        ),
    ),
    reference=filtered,
    wrong=(
        _no_way_back,
        _both_ways_the_same,
        _turned_round,
        _on_the_nodes,
        _of_the_amounts,
        _largest_first,
        _sizes,
        _without_the_mean,
        _shares_twice,
        _of_the_places,
        _as_a_whole,
        _shares_along_columns,
        _all_in_one,
        _first_for_all,
        _written_into,
    ),
    why=(
        "U^T X holds how much of each frequency there is, one row for each; the response gives each row its "
        "share; U adds the signals up again. U is orthogonal, so its transpose is its inverse, and with all "
        "shares 1 nothing happens. For several signals the shares need a second axis, else NumPy lines them up "
        "with the columns: an error, unless there are as many signals as nodes."
    ),
    draw=_draw_spectrum,
    after="Needed again: a layer of a spectral network (10) is such a filter whose shares are learned.",
)

# -------------------------------------------------------------------------------- 3: bases compared


def _basis_cases(rng: Generator) -> Iterator[tuple[Floats, Floats, Floats]]:
    """For each basis, good ones beside it and bad ones; what is repeated agrees but for rounding."""
    for lam, U in _bases():
        n = len(lam)
        repeated = np.isclose(lam[:, None], lam).sum(axis=1) > 1
        rounded = np.sort(np.where(repeated, lam + 1e-14 * rng.standard_normal(n), lam))
        turned = U * rng.choice([-1.0, 1.0], n)
        turned[:, -1] = -U[:, -1]
        mixed = _rotated_inside(lam, U, rng)
        other_order = mixed[rng.permutation(n)]  # of the nodes: as good only where that is a symmetry
        for V in [U, turned, mixed, other_order, *_spoilt(lam, mixed, rng)]:
            yield rounded, U, V


def _rotated_inside(lam: Floats, U: Floats, rng: Generator) -> Floats:
    """Columns of one frequency rotated, or turned round where there is only one."""
    Q = np.zeros((len(lam), len(lam)))
    for value in np.unique(lam.round(6)):
        here = np.flatnonzero(np.isclose(lam, value, atol=1e-5))
        Q[np.ix_(here, here)] = np.linalg.qr(rng.standard_normal((len(here), len(here))))[0]
    return U @ Q


def _spoilt(lam: Floats, U: Floats, rng: Generator) -> Iterator[Floats]:
    """Bases that are bad, if the graph has two nodes; made from a good one."""
    n = len(lam)
    if n < 2:
        yield 2 * U
        return
    yield np.abs(U)
    yield np.roll(U, -1, axis=1)  # the 3rd and the 4th in the place of the 2nd and the 3rd
    yield U[:, ::-1]
    for angle, at in ((0.4, n - 1), (1.2, int(rng.integers(1, n)))):
        a, b = int(np.searchsorted(lam, lam[at] - 1e-6)) - 1, at  # neighbours of two frequencies
        V = U.copy()
        if a >= 0:
            V[:, a] = np.cos(angle) * U[:, a] + np.sin(angle) * U[:, b]
            V[:, b] = np.cos(angle) * U[:, b] - np.sin(angle) * U[:, a]
        yield V
    yield U * np.where(np.arange(n) == n - 1, 2.0, 1.0)
    yield U * np.where(np.arange(n) == n - 1, 0.0, 1.0)
    double = U.copy()
    double[:, -1] = U[:, -2]  # where both are of one frequency, that frequency has lost a direction
    yield double


def same_basis(lam: Floats, U: Floats, V: Floats) -> bool:
    for value in lam:
        here = np.isclose(lam, value)
        if not np.allclose(U[:, here] @ U[:, here].T, V[:, here] @ V[:, here].T):
            return False
    return True


def _leaks(lam: Any, U: Any, V: Any) -> bool:
    """Whether a column of V holds anything of another frequency."""
    other = np.abs(lam[:, None] - lam) > 1e-6
    return bool((np.abs(U.T @ V)[other] > 1e-6).any())


def _is_orthonormal(V: Any) -> bool:
    return np.allclose(V.T @ V, np.eye(len(V)), atol=1e-6)


def _is_turned(U: Any, V: Any) -> bool:
    return np.allclose(np.abs(U.T @ V), np.eye(len(U)), atol=1e-6)


def _entry_by_entry(lam: Any, U: Any, V: Any) -> Any:
    return np.allclose(U, V)


def _without_signs(lam: Any, U: Any, V: Any) -> Any:
    return np.allclose(np.abs(U), np.abs(V))


def _first_entry_positive(lam: Any, U: Any, V: Any) -> Any:
    """The sign is that of the first entry, which may be 0 or rounding."""
    return np.allclose(U * np.sign(U[0]), V * np.sign(V[0]))


def _largest_entry_positive(lam: Any, U: Any, V: Any) -> Any:
    """A canonical sign, which says nothing about rotations."""

    def signed(W: Any) -> Any:
        first = np.argmax(np.abs(W) >= np.abs(W).max(axis=0) * (1 - 1e-6), axis=0)
        return W * np.where(W[first, np.arange(len(W))] < 0, -1, 1)

    return np.allclose(signed(U), signed(V))


def _column_by_column(lam: Any, U: Any, V: Any) -> Any:
    return all(np.allclose(np.outer(u, u), np.outer(v, v)) for u, v in zip(U.T, V.T, strict=True))


def _all_columns_at_once(lam: Any, U: Any, V: Any) -> Any:
    return np.allclose(U @ U.T, V @ V.T)


def _exactly_equal(lam: Any, U: Any, V: Any) -> Any:
    """Frequencies count as repeated only where all of their digits agree."""
    return all(
        np.allclose(U[:, lam == value] @ U[:, lam == value].T, V[:, lam == value] @ V[:, lam == value].T)
        for value in np.unique(lam)
    )


def _only_no_leaks(lam: Any, U: Any, V: Any) -> Any:
    return not _leaks(lam, U, V)


def _only_the_span(lam: Any, U: Any, V: Any) -> Any:
    """Columns of any length, and not at right angles."""
    return not _leaks(lam, U, V) and np.linalg.matrix_rank(V) == len(V)


def _only_the_matrix(lam: Any, U: Any, V: Any) -> Any:
    """U diag(lam) U^T is L: but what has the frequency 0 leaves no trace in it, whatever its length."""
    return np.allclose(U * lam @ U.T, V * lam @ V.T)


def _the_second_only(lam: Any, U: Any, V: Any) -> Any:
    return same_basis(lam[:2], U[:, :2], V[:, :2])


def _draw_columns(lam: Floats, U: Floats, V: Floats) -> tuple[Any, str]:
    from lessons.show import FAINT, INK, PALETTE, canvas

    n = len(lam)
    fig, both = canvas(6.4, 1.0 + 0.45 * n, columns=2)
    for axes, name, columns in zip(both, "UV", (U, V), strict=True):
        base = np.repeat(np.arange(n)[:, None], n, axis=1)
        tops = base + 0.42 * columns.T / max(1.0, np.abs(columns).max())
        at = np.broadcast_to(np.arange(n), (n, n))
        axes.hlines(np.arange(n), -0.5, n - 0.5, color=FAINT, linewidth=0.8)
        axes.vlines(at.ravel(), base.ravel(), tops.ravel(), color=INK, linewidth=1.2)
        axes.plot(at.ravel(), tops.ravel(), "o", color=PALETTE[0], markersize=4)
        axes.set_yticks(np.arange(n), [f"{abs(value):.2f}" for value in lam])
        axes.set_xticks(np.arange(n))
        axes.set(title=name, xlabel="node")
    both[0].set_ylabel("frequency")
    return fig, f"The {n} columns of U and of V, one line each with its frequency, the lowest at the bottom."


SAME = Exercise(
    id="graph_signals-3",
    level="core",
    form="property",
    difficulty=3,
    importance=3,
    minutes=9,
    cases=_basis_cases,
    properties=(
        Property(
            says="the answer is True or False",
            holds=lambda said, lam, U, V: isinstance(said, bool | np.bool_),
            hints=(
                "One verdict on the two bases, not one for each column or entry.",
                "Look at what you return: a comparison of arrays is an array.",
                "np.allclose and all(...) make one truth value of many.",
            ),
        ),
        Property(
            says="True for the basis itself, and where only signs of whole columns differ",
            holds=lambda said, lam, U, V: not _is_turned(U, V) or said,
            hints=(
                "A column and its negative are the same frequency, heard from the other side.",
                "Look for something that is the same for u and -u; beware of entries that are 0, they have no "
                "sign.",
                "np.outer(u, u) does not know the sign of u.",
            ),
        ),
        Property(
            says="True where columns of one repeated frequency are rotated among themselves",
            holds=lambda said, lam, U, V: _leaks(lam, U, V) or not _is_orthonormal(V) or said,
            hints=(
                "Where a frequency comes twice there are no two right columns, but a right plane.",
                "Compare the columns of one frequency together, not one by one. Do frequencies count as equal "
                "when their last digits differ?",
                "For a block B of columns, B @ B.T does not change when they are rotated. np.isclose finds the "
                "block.",
            ),
        ),
        Property(
            says="False where a column holds anything of another frequency",
            holds=lambda said, lam, U, V: not _leaks(lam, U, V) or not said,
            hints=(
                "Each column must stand at its own frequency: the 3rd is not the 2nd, and a mixture is neither.",
                "Look at all frequencies, each on its own: all n columns together span everything anyway. And "
                "entries without their signs lose the shape of a column.",
                "Go through the frequencies; at each compare what U has there with what V has there.",
            ),
        ),
        Property(
            says="False where columns are not of length 1, or not at right angles",
            holds=lambda said, lam, U, V: _is_orthonormal(V) or not said,
            hints=(
                "V is no basis any more when a column is stretched, is lost, or is there twice.",
                "No column holds a foreign frequency here; but look at the lengths, and at the angles inside a "
                "repeated frequency, also where it is 0.",
                "Either ask for V.T @ V too, or compare B @ B.T of both, which notices lengths and angles.",
            ),
        ),
    ),
    reference=same_basis,
    wrong=(
        lambda lam, U, V: np.isclose(U, V),
        lambda lam, U, V: True,
        lambda lam, U, V: False,
        _entry_by_entry,
        _without_signs,
        _first_entry_positive,
        _largest_entry_positive,
        _column_by_column,
        _all_columns_at_once,
        _exactly_equal,
        _only_no_leaks,
        _only_the_span,
        _only_the_matrix,
        _the_second_only,
    ),
    why=(
        "For the columns B of one frequency, B B^T is the projection onto all signals of that frequency. It is "
        "the same whatever sign or rotation the solver chose, and differs when a column comes from elsewhere, is "
        "stretched or is missing. So compare it frequency by frequency, with a tolerance both for the "
        "frequencies and for the matrices."
    ),
    draw=_draw_columns,
    after="Needed again: 08 clusters by such columns; nothing may depend on which rotation came out.",
)

# -------------------------------------------------------------------------------- 4: Chebyshev's sum


class CountedMatrix(Counted):
    """A matrix (n, n) of which products with a vector are counted, in `products`: one for each vector.

    Whatever else looks at its entries, as a table, is n products, as many as it takes to find them all; a row
    that is read is one read of that row.

    >>> L = CountedMatrix([[1.0, -1.0], [-1.0, 1.0]])
    >>> y = L @ np.array([3.0, 1.0])
    >>> y.tolist(), L.products, (2 * L)[0].tolist(), L.products
    ([2.0, -2.0], 1, [2.0, -2.0], 3)
    """

    @property
    def products(self) -> int:
        return int(self.reads.max(initial=0))

    def dot(self, other: Any) -> Any:
        return self @ other

    def toarray(self) -> NDArray[Any]:
        return np.asarray(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self.reads += len(self)
        return self.uncounted.astype(dtype or self.uncounted.dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is not np.matmul or method != "__call__":
            return super().__array_ufunc__(ufunc, method, *inputs, **options)
        plain = [value.uncounted if isinstance(value, Counted) else np.asarray(value) for value in inputs]
        other = plain[0 if inputs[1] is self else 1]
        self.reads += max(1, other.size // len(self))
        return ufunc(*plain, **options)


def _chebyshev_cases(rng: Generator) -> Iterator[tuple[CountedMatrix, Floats, Floats, float]]:
    """Graphs of 2 to 12 nodes with 1 to 9 coefficients, fewest first; then 12 and 17 coefficients."""
    sizes = [(n, count) for n in range(2, 8) for count in (1, 2, 3, 4, 6)]
    sizes += [(n, count) for n in range(8, 13) for count in (2, 3, 5, 9)]
    for n, count in [*sizes, (3, 12), (12, 12), (12, 17)]:
        L = laplacian_definition(_random_graph(rng, n))
        c = np.resize(rng.permutation([-2.0, -1.0, 1.0, 2.0, 3.0]), count)
        x = (rng.permutation(19)[:n] - 9).astype(np.float64)
        yield CountedMatrix(L), x, c, float(2 * L.diagonal().max())


def _random_graph(rng: Generator, n: int) -> Graph:
    """A path through all nodes, and some edges more."""
    joined = np.triu(rng.random((n, n)) < 0.3, 2) | (np.eye(n, k=1) > 0)
    return as_graph(np.argwhere(joined), n=n)


def chebyshev_sum(L: Any, x: Floats, c: Floats, lam_max: float) -> Floats:
    before, now = x, x
    total = c[0] * x
    for j, c_j in enumerate(c[1:], 1):
        M_now = 2 / lam_max * (L @ now) - now
        before, now = now, M_now if j == 1 else 2 * M_now - before
        total = total + c_j * now
    return total


def slow_chebyshev(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """Right, but each T(j) computes T(j - 1) and T(j - 2) anew."""

    def T(j: Any) -> Any:
        if j == 0:
            return x
        y = T(j - 1)
        My = 2 / lam_max * (L @ y) - y
        return My if j == 1 else 2 * My - T(j - 2)

    return sum(c_j * T(j) for j, c_j in enumerate(c))


def _by_frequencies(L: Any, x: Any, c: Any, lam_max: float) -> Any:
    """What the checker compares with: the sum of the polynomials at each frequency, through the eigenvectors."""
    lam, U = np.linalg.eigh(L.uncounted)
    return U @ (chebval(2 * lam / lam_max - 1, c) * (U.T @ x))


def _is_sum(found: Any, L: Any, x: Any, c: Any, lam_max: float) -> bool:
    wanted = _by_frequencies(L, x, c, lam_max)
    return np.allclose(found, wanted, rtol=0, atol=1e-7 * max(1.0, float(np.abs(wanted).max())))


def _recurrence(
    M: Callable[[Any], Any], x: Any, c: Any, *, first: Any = None, twice: float = 2, back: float = 1
) -> Any:
    """Chebyshev's recurrence; the wrong answers below differ in T_1, the factor, the sign, or M."""
    before, now = x, M(x) if first is None else first
    total = c[0] * x
    for c_j in c[1:]:
        total = total + c_j * now
        before, now = now, twice * M(now) - back * before
    return total


def _to_one(L: Any, lam_max: float) -> Callable[[Any], Any]:
    return lambda y: 2 / lam_max * (L @ y) - y


def _starts_with_x_twice(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(_to_one(L, lam_max), x, c, first=x)


def _without_the_two(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(_to_one(L, lam_max), x, c, twice=1)


def _plus_before(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(_to_one(L, lam_max), x, c, back=-1)


def _the_two_from_the_start(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """T_1 = 2 M x: the other kind of Chebyshev polynomials."""
    M = _to_one(L, lam_max)
    return _recurrence(M, x, c, first=2 * M(x))


def _half_the_first(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """c_0 halved, though it was halved already when the coefficients were made."""
    return chebyshev_sum(L, x, np.append(c[:1] / 2, c[1:]), lam_max)


def _not_shifted(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(lambda y: 2 / lam_max * (L @ y), x, c)


def _not_stretched(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(lambda y: L @ y, x, c)


def _shifted_by_a_half(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """Frequencies to 0 ... 1, and from there -1 ... 0."""
    return _recurrence(lambda y: (L @ y) / lam_max - y, x, c)


def _powers(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return _recurrence(_to_one(L, lam_max), x, c, twice=1, back=0)


def _last_first(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return chebyshev_sum(L, x, c[::-1], lam_max)


def _last_forgotten(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return chebyshev_sum(L, x, c[: max(1, len(c) - 1)], lam_max)


def _shifted_by_one(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """c_j beside T_(j - 1) from the second on: `now` is added before it goes on."""
    M, before, now, total = _to_one(L, lam_max), x, x, 0 * x
    for j, c_j in enumerate(c):
        total = total + c_j * now
        if j:
            before, now = now, M(now) if j == 1 else 2 * M(now) - before
    return total


def _before_lost(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """`before = now` on a line of its own, after `now` has changed."""
    M, before, now = _to_one(L, lam_max), x, x
    total = c[0] * x
    for j, c_j in enumerate(c[1:], 1):
        now = M(now) if j == 1 else 2 * M(now) - before
        before = now
        total = total + c_j * now
    return total


def _all_parts(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    return [c_j * chebyshev_sum(L, x, np.eye(len(c))[j], lam_max) for j, c_j in enumerate(c)]


def _added_into_x(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    total = x
    total *= c[0]
    return total + chebyshev_sum(L, x, np.append(0.0, c[1:]), lam_max)


def _each_from_the_start(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    """A loop for each T_j: a square of the order, which is no longer exponential, but not linear."""
    return sum(c_j * chebyshev_sum(L, x, np.eye(j + 1)[j], lam_max) for j, c_j in enumerate(c))


def _as_a_table(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    M = 2 / lam_max * L - np.eye(len(x))
    return _recurrence(lambda y: M @ y, x, c)


def _through_eigenvectors(L: Any, x: Any, c: Any, lam_max: Any) -> Any:
    lam, U = np.linalg.eigh(L)
    return U @ (chebval(2 * lam / lam_max - 1, c) * (U.T @ x))


def _draw_signal(L: CountedMatrix, x: Floats, c: Floats, lam_max: float) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = as_graph(np.argwhere(np.triu(L.uncounted, 1)), n=len(x))
    return draw_graph(graph, values=dict(enumerate(x.astype(int).tolist())))


CHEBYSHEV = Exercise(
    id="graph_signals-4",
    level="core",
    form="complexity",
    difficulty=2,
    importance=3,
    minutes=8,
    cases=_chebyshev_cases,
    properties=(
        Property(
            says="the answer is one signal: a number for each node",
            holds=lambda found, L, x, c, lam_max: _is_real(found, x.shape),
            hints=(
                "The parts c_j T_j(M) x are signals; what is asked for is their sum.",
                "Look at what you return: a list of parts, or their sum?",
                "Begin with total = c[0] * x, add to it in the loop, and return it.",
            ),
        ),
        Property(
            says="with one coefficient it is c_0 x, as T_0 is 1",
            holds=lambda found, L, x, c, lam_max: len(c) > 1 or np.allclose(found, c[0] * x),
            hints=(
                "T_0 changes nothing: its part is the signal itself, times c_0.",
                "Look at what you do to c[0] before the loop; half of it, and the whole for others, is a rule of "
                "other books.",
                "For c = [c_0] no product is needed at all: the loop must not run, and c_0 is taken as it is.",
            ),
        ),
        Property(
            says="with two coefficients it is c_0 x + c_1 M x, M = (2 / lam_max) L - I",
            holds=lambda found, L, x, c, lam_max: len(c) != 2 or _is_sum(found, L, x, c, lam_max),
            hints=(
                "T_1 is M once: the factor 2 of the recurrence comes later.",
                "Look at M: frequencies 0 ... lam_max are moved to -1 ... 1, by a factor *and* a shift. And at "
                "which coefficient stands beside which polynomial.",
                "M y is (2 / lam_max) times (L @ y), minus y. Then c[1] belongs to M x.",
            ),
        ),
        Property(
            says="from T_2 on each polynomial follows from the two before: T_j = 2 M T_(j-1) - T_(j-2)",
            holds=lambda found, L, x, c, lam_max: _is_sum(found, L, x, c, lam_max),
            hints=(
                "Two signals must be kept at each step: the one before, and the one before that.",
                "Look at the factor, the sign and the order in which you overwrite the two.",
                "Both at once: `before, now = now, ...`, where the dots are twice M now, less what was before.",
            ),
        ),
        Property(
            says="L is multiplied with a vector once for each coefficient at most, and is never made a table",
            holds=lambda found, L, x, c, lam_max: L.products <= len(c),
            hints=(
                "Each T_j x follows from two signals that you have computed already: keep them.",
                "Look for a T_j that is computed again, for a loop inside the loop, and for anything but `L @ y`: "
                "2 / lam_max * L is a matrix of its own, which costs n products here.",
                "Walk j from 1 upwards; in each round one product, of L with the newest signal.",
            ),
        ),
    ),
    reference=chebyshev_sum,
    wrong=(
        slow_chebyshev,
        _starts_with_x_twice,
        _without_the_two,
        _plus_before,
        _the_two_from_the_start,
        _half_the_first,
        _not_shifted,
        _not_stretched,
        _shifted_by_a_half,
        _powers,
        _last_first,
        _last_forgotten,
        _shifted_by_one,
        _before_lost,
        _all_parts,
        _added_into_x,
        _each_from_the_start,
        _as_a_table,
        _through_eigenvectors,
    ),
    why=(
        "slow_chebyshev asks for T(j - 1) and T(j - 2), and each of these asks again: 1, 2, 4, 7, 12 ... "
        "products for one polynomial. Going upwards, each is one product away from the two before it, so two "
        "signals are kept and each coefficient costs one product with the sparse L: O(order (n + m)). M = 2 L / "
        "lam_max - I moves the frequencies to -1 ... 1, where these polynomials stay small; outside they explode."
    ),
    draw=_draw_signal,
    after="Needed again: this loop filters the mesh of 250,000 nodes, and is a layer of ChebNet in 10.",
)

# -------------------------------------------------------------------------------- 5: steps too long


def heat_by_steps(L: Any, x: Any, t: float) -> Any:
    """Euler's steps, of one length whatever the graph."""
    h = 0.25
    for _ in range(round(t / h)):
        x = x - h * (L @ x)
    return x


def _pairs(answer: Any) -> list[tuple[Any, Any]]:
    """The edges of an answer that holds them, as a graph does, or that is them."""
    edges = getattr(answer, "edges", answer)
    return [(u, v) for u, v in (edges() if callable(edges) else edges)]


def _ten_nodes(answer: Any) -> bool:
    pairs = _pairs(answer)
    inside = all(end in range(10) for pair in pairs for end in pair)
    return inside and len({frozenset(pair) for pair in pairs}) == len(pairs) and all(u != v for u, v in pairs)


def _laplacian_of(answer: Any) -> Floats:
    return laplacian_definition(as_graph([(int(u), int(v)) for u, v in _pairs(answer)], n=10))


def _turns_cold(edges: Any) -> bool:
    """Whether some node is colder than nothing at some time."""
    L, x = _laplacian_of(edges), np.eye(10)[0]
    for _ in range(200):
        x = heat_by_steps(L, x, 0.25)
        if x.min() < -1e-9:
            return True
    return False


def _grows(edges: Any) -> bool:
    """Whether a frequency above 8, which each step multiplies by less than -1, is in the spike at node 0."""
    lam, U = np.linalg.eigh(_laplacian_of(edges))
    return bool(np.abs(U[0, lam > 8 + 1e-9]).max(initial=0.0) > 1e-9)


STEPS = Exercise(
    id="graph_signals-5",
    level="stretch",
    form="spot the bug",
    difficulty=3,
    importance=1,
    minutes=8,
    cases=once,
    properties=(
        Property(
            says="the answer is a list of edges, each once, between two different nodes of 0 to 9",
            holds=_ten_nodes,
            hints=(
                "An edge list is a list of pairs; u - v and v - u are the same edge.",
                "Look at the labels, at pairs (u, u), and for an edge that is there twice.",
                "It looks like [(t, u), (v, w)], with t, u, v and w among 0 ... 9.",
            ),
        ),
        Property(
            says="some node falls below zero on the way: no node could, if steps were short enough",
            holds=lambda edges: _grows(edges) or _turns_cold(edges),
            hints=(
                "A step takes a quarter of the difference from a node along *each* of its edges.",
                "Look at a node of high degree that is hot: how much does it lose in the first step?",
                "After the first step node 0 has 1 - degree / 4 left.",
            ),
        ),
        Property(
            says="the heat grows beyond all bounds: a frequency in it is more than lost at each step",
            holds=_grows,
            hints=(
                "A step multiplies the part of each frequency by 1 - lam / 4. When does that grow, in size?",
                "Look at the largest frequency of your graph, and whether the spike at node 0 has any of it. At "
                "lam = 8 the factor is -1: it swings for ever, and does not grow.",
                "A hub with k leaves has the largest frequency k + 1; so have k + 1 nodes that are all joined.",
            ),
        ),
    ),
    reference=[(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (0, 8)],
    wrong=(
        [],
        [(0, 10), (0, 11)],
        [(0, 1)] * 9,  # one edge, nine times
        [(0, k) for k in range(10)],  # a loop among them
        "012345678",
        (0, 1),  # an edge, not a list of edges
        [(k, k + 1) for k in range(9)],  # a path
        [(k, (k + 1) % 10) for k in range(10)],  # a ring
        [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)],  # a grid
        [(0, k) for k in range(1, 5)],  # a hub that gives away just all that it has
        [(9, k) for k in range(1, 9)],  # grows, where no heat is
        [(0, k) for k in range(1, 7)],  # below zero, but it settles
        [(0, k) for k in range(1, 8)],  # swings for ever
        [(u, v) for u in range(8) for v in range(u)],  # so do eight nodes that are all joined
        [(0, k) for k in range(1, 5)] + [(9, k) for k in range(5, 9)],  # two hubs, not joined
    ),
    why=(
        "The part of frequency lam is multiplied by 1 - h lam at each step. It dies away as long as that is "
        "between -1 and 1, so h must be below 2 / lam_max. Paths and rings have no frequency above 4, grids stay "
        "below 8: h = 0.25 is enough for these. But the largest frequency is at least one more than the highest "
        "degree: nine, for a hub with 8 leaves; each step multiplies by -1.25. So take h from the graph, as "
        "frequency_bound allows, or the kernel exp(-t lam), which no step limits."
    ),
    after="Needed again: a layer of a graph network (10) is such a step; the normalised L ends at 2.",
)

EXERCISES = (BY_HAND, FILTER, SAME, CHEBYSHEV, STEPS)
