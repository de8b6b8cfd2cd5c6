"""Hear a signal on a graph: frequencies, the graph Fourier transform, filters with and without eigenvectors.

    basis = fourier_basis(graph)                        # frequencies lam, their signals U
    X_hat = transform(basis, X)                         # and X = inverse(basis, X_hat)
    filter_exact(basis, X, heat(3.0))                   # U g(lam) U^T X
    filter_chebyshev(graph, X, heat(3.0), order=30)     # the same to many digits, and no eigenvector computed
    spectral_embedding(graph, 2)                        # coordinates from the lowest frequencies

The frequencies of a graph are the eigenvalues of its Laplacian: 0 for what is constant, large for what changes
from neighbour to neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import whole, zero_or_more
from lessons._eigenpairs import lowest_pairs
from lessons.graph import Graph, check_dense
from lessons.laplacian_regularization import (
    Kind,
    _laplacian,
    degrees,
    dirichlet_energy,
    laplacian,
    signal,
    symmetric_kind,
    undirected,
)

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]
Rows = NDArray[Any]
Response = Callable[[Floats], ArrayLike]  # frequencies -> how much of each is let through

NEARLY_LARGEST = 1e-6  # entries this close to the largest share its rank when a sign is chosen
COMPILED_FROM = 40_000_000  # arcs times order times signals; below, loading numba takes as long as many calls
BLOCK = 16  # signals that are filtered together
NARROW = 8  # signals; fewer are filtered as fast by SciPy
TIGHTER = 10  # steps that make the bound on frequencies smaller; each costs one product with A
TINY = float(np.finfo(np.float64).tiny)
FLOOR = 1e-100  # of the largest entry; any positive vector gives a bound
ROUNDING = 1e-12
PLACES = 2_000  # at least so many where a response and its polynomial are compared
BETWEEN = 20  # of them, from one root to the next


# ---------------------------------------------------------------------------------------- frequencies


def frequency(graph: object, X: ArrayLike, *, kind: Kind = "combinatorial") -> Any:
    """The mean frequency of a signal, x^T L x / x^T x: its Dirichlet energy for a length of 1 (Rayleigh quotient).

    `X` (n,) or (n, k), rows aligned with `graph.nodes`; gives a number, or (k,) one for each column. Each is the
    mean of all frequencies, weighted by the squares of their amounts in x: lam of an eigenvector, between 0 and
    the largest frequency of any signal, 0 of a signal of zeros as of any constant. O((n + m) k).

    Raises what `dirichlet_energy` does.

    >>> from lessons import as_graph
    >>> path = as_graph([(0, 1), (1, 2)], n=3)
    >>> float(frequency(path, [5, 5, 5])), float(frequency(path, [1, 0, -1])), float(frequency(path, [1, -2, 1]))
    (0.0, 1.0, 3.0)

    Notebook: 07_graph_signals.
    """
    graph = undirected(graph)
    X, _ = _scaled(signal(graph, X))
    length = (X**2).sum(axis=0)
    return dirichlet_energy(graph, X, kind=kind) / np.where(length > 0, length, 1.0)


def _scaled(X: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Columns divided by powers of two, so that their largest entries are near 1; and these powers."""
    _, power = np.frexp(np.abs(X).max(axis=0, initial=0.0))
    return np.ldexp(X, -power), power


@dataclass(frozen=True, eq=False)
class FourierBasis:
    """Frequencies `lam` (k,), ascending, and in the columns of `U` (n, k) a signal of length 1 for each."""

    lam: Floats
    U: Floats


def fourier_basis(
    graph: object, k: int | None = None, *, kind: Kind = "combinatorial", force: bool = False
) -> FourierBasis:
    """The eigenpairs of the Laplacian, all of them or the k lowest: L U = U diag(lam), U^T U = I.

    What is settled: frequency 0 comes once for each component, exactly, with a signal that is 0 elsewhere and
    constant there (for "normalised", as sqrt(d)), components in the order of their first nodes. Every other column
    lives on one component, and the first of its largest entries is positive. What is not: inside a frequency that
    repeats, any rotation of its columns is as good, and which one you get may change with the machine; where k
    ends inside one, also which of its columns.

    All of them O(n^3) time, 8 n^2 bytes. The k lowest by Lanczos iterations, in about 8 n (4 k + 20) bytes: with
    the inverse of L, factorised, where the graph is narrow (paths, meshes), otherwise with L itself.

    Raises ValueError for a directed graph, a negative weight, unless 1 <= k <= n, for "random_walk" (not
    symmetric) and, above 5,000 nodes, for more than a quarter of the frequencies unless forced; ConvergenceError.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1), (1, 2)], n=3))
    >>> basis.lam.round(6) + 0.0
    array([0., 1., 3.])
    >>> basis.U[:, 1].round(6) + 0.0
    array([ 0.707107,  0.      , -0.707107])

    Notebook: 07_graph_signals. Source: D. I. Shuman et al., The emerging field of signal processing on graphs,
    IEEE Signal Processing Magazine 30(3), 2013; DOI 10.1109/MSP.2012.2235192.
    """
    graph = undirected(graph)
    L = laplacian(graph, symmetric_kind(kind))
    if k is None:
        check_dense(graph.n, force=force, instead="fourier_basis(graph, k) or filter_chebyshev")
    wanted = graph.n if k is None else whole("k", k, 1, graph.n)
    component, null = _null_signals(graph, kind)
    lam, U = np.zeros(wanted), np.zeros((graph.n, wanted))
    here = np.flatnonzero(component < wanted)
    U[here, component[here]] = null[here]
    c = int(component.max(initial=-1)) + 1
    if wanted > c:
        for column, (frequency, rows, u) in enumerate(_above_zero(L, component, null, wanted - c, force), start=c):
            lam[column], U[rows, column] = frequency, u
    return FourierBasis(lam, _with_signs(U))


def transform(basis: FourierBasis, X: ArrayLike) -> Floats:
    """The graph Fourier transform, U^T X: how much of each frequency is in the signal.

    `X` (n,) or (n, d), rows as in the graph; gives (k,) or (k, d), rows aligned with `basis.lam`. O(n k d).

    Raises ValueError for X of another length or not finite, TypeError for values that are not real numbers.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> transform(basis, [3.0, 1.0]).round(6)
    array([2.828427, 1.414214])

    Notebook: 07_graph_signals.
    """
    return basis.U.T @ _rows(X, len(basis.U), "nodes")


def inverse(basis: FourierBasis, X_hat: ArrayLike) -> Floats:
    """The inverse graph Fourier transform, U X_hat: the signal that these amounts of each frequency add up to.

    `X_hat` (k,) or (k, d); gives (n,) or (n, d). With the whole basis `inverse(basis, transform(basis, X))` is X;
    with the k lowest frequencies it is the part of X that they hold. O(n k d).

    Raises what `transform` does.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> inverse(basis, transform(basis, [3.0, 1.0])).round(6)
    array([3., 1.])

    Notebook: 07_graph_signals.
    """
    return basis.U @ _rows(X_hat, len(basis.lam), "frequencies")


def _null_signals(graph: Graph, kind: Kind) -> tuple[Rows, Floats]:
    """The component of each node, 0, 1, ..., and the signal of frequency 0 on each, of length 1, all in one."""
    from scipy.sparse.csgraph import connected_components

    A = graph.to_scipy()
    A.eliminate_zeros()  # such an edge joins nothing
    _, component = connected_components(A, directed=False)
    square = degrees(graph) if kind == "normalised" else np.ones(graph.n)
    largest = np.zeros(int(component.max(initial=-1)) + 1)
    np.maximum.at(largest, component, square)
    square = np.divide(square, largest[component], out=np.ones(graph.n), where=square > 0)
    return component, np.sqrt(square / np.bincount(component, square)[component])


def _above_zero(
    L: scipy.sparse.csr_array, component: Rows, null: Floats, count: int, force: bool
) -> list[tuple[float, Rows, Floats]]:
    """The lowest frequencies above 0 of all components: (frequency, rows of its component, signal on these)."""
    found = []
    order = np.argsort(component, kind="stable")
    ends = np.cumsum(np.bincount(component)).tolist()
    L = L[order][:, order]
    for start, end in zip([0, *ends], ends, strict=False):
        if end - start > 1:
            rows = order[start:end]
            lam, U = lowest_pairs(L[start:end, start:end], null[rows], min(count, end - start - 1), force)
            found += [(float(frequency), rows, u) for frequency, u in zip(lam, U.T, strict=True)]
    return sorted(found, key=lambda pair: pair[0])[:count]


def _with_signs(U: Floats) -> Floats:
    """Each column with the sign that makes the first of its largest entries positive."""
    if not len(U):
        return U
    size = np.abs(U)
    largest = np.argmax(size >= size.max(axis=0) * (1 - NEARLY_LARGEST), axis=0)
    return U * np.where(np.take_along_axis(U, largest[None], axis=0) < 0, -1.0, 1.0)


# ---------------------------------------------------------------------------------------- filters


def heat(t: float) -> Response:
    """The heat kernel, exp(-t lam): what is left of each frequency after a time t >= 0 of diffusion.

    Raises ValueError for a t that is negative or not finite, TypeError for one that is no number.

    >>> heat(1.0)(np.array([0.0, 2.0])).round(3)
    array([1.   , 0.135])
    """
    t = zero_or_more("t", t)
    return lambda lam: np.exp(-t * lam)


def low_pass(cutoff: float) -> Response:
    """The ideal low-pass filter: 1 up to the cutoff, 0 above; a jump, which no polynomial follows closely.

    Put the cutoff between two frequencies: at one of them, rounding would decide. Raises what `heat` does.

    >>> low_pass(1.0)(np.array([0.0, 1.0, 1.5]))
    array([1., 1., 0.])
    """
    cutoff = zero_or_more("cutoff", cutoff)
    return lambda lam: np.where(lam <= cutoff, 1.0, 0.0)


def tikhonov(strength: float) -> Response:
    """1 / (1 + strength lam): what `laplacian_regularization.smooth(graph, X, lam=strength)` does to a frequency.

    Raises what `heat` does.

    >>> tikhonov(1.0)(np.array([0.0, 1.0, 3.0]))
    array([1.  , 0.5 , 0.25])
    """
    strength = zero_or_more("strength", strength)
    return lambda lam: 1.0 / (1.0 + strength * lam)


def filter_exact(basis: FourierBasis, X: ArrayLike, response: Response) -> Floats:
    """Let each frequency through as the response tells: U g(lam) U^T X.

    `X` (n,) or (n, d); `response` takes the frequencies (n,) and gives a number for each. O(n^2 d).

    Raises ValueError for a basis that is not whole, a response that is not one finite real number for each
    frequency, X of another length or not finite.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> filter_exact(basis, [3.0, 1.0], low_pass(1.0)).round(6)
    array([2., 2.])

    Notebook: 07_graph_signals.
    """
    n, k = basis.U.shape
    if k != n:
        raise ValueError(f"a basis of {k} frequencies for {n} nodes: all are needed; or take filter_chebyshev")
    X_hat = transform(basis, X)
    gain = _gain(response, basis.lam.copy())
    return inverse(basis, gain * X_hat if X_hat.ndim == 1 else gain[:, None] * X_hat)


def filter_chebyshev(
    graph: object,
    X: ArrayLike,
    response: Response,
    order: int = 30,
    *,
    kind: Kind = "combinatorial",
    lam_max: float | None = None,
) -> Floats:
    """Let each frequency through nearly as the response tells, without any eigenvector: p(L) X, p a polynomial.

    `X` (n,) or (n, d), rows aligned with `graph.nodes`. p is the Chebyshev interpolation of the response on 0 ...
    lam_max: a polynomial of degree `order` or less is met exactly; for a smooth response the error falls faster
    than any power of the order, at a jump it stays. p(L) reaches `order` edges far. O(order (n + m) d).

    `lam_max` is `frequency_bound` unless told. It must be at least the largest frequency: the Chebyshev
    polynomials grow without bound outside, and so does the error. That is refused where it shows, with lam_max
    below the largest entry on the diagonal of L, which no graph's largest frequency is; above that, it is yours to
    know.

    Raises ValueError for a directed graph, a negative weight, order < 0, lam_max <= 0 or as above, a response that
    is not one finite real number for each frequency, X of another length or not finite.

    >>> from lessons import as_graph
    >>> filter_chebyshev(as_graph([(0, 1)], n=2), [3.0, 1.0], tikhonov(1.0)).round(6)
    array([2.333333, 1.666667])

    Notebook: 07_graph_signals. Source: D. K. Hammond, P. Vandergheynst, R. Gribonval, Wavelets on graphs via
    spectral graph theory, Applied and Computational Harmonic Analysis 30(2), 2011, section 6; DOI
    10.1016/j.acha.2010.04.005.
    """
    graph = undirected(graph)
    X = signal(graph, X)
    L = _laplacian(graph, symmetric_kind(kind))
    lam_max = max(frequency_bound(graph, kind=kind), TINY) if lam_max is None else _large_enough(L, lam_max)
    c = chebyshev_coefficients(response, order, lam_max)
    if len(graph.indices) * order * X[:1].size >= COMPILED_FROM:
        return _compiled(graph, kind, X, c, lam_max)
    return _recurrence(L, X, c, lam_max)


def chebyshev_coefficients(response: Response, order: int, lam_max: float) -> Floats:
    """c (order + 1,) of the polynomial sum_j c_j T_j(2 lam / lam_max - 1) that meets the response at the roots of
    T_(order + 1), the places where interpolation goes least astray.

    c_j = 2 / (order + 1) sum_i g(lam_i) cos(j a_i) with lam_i = lam_max (1 + cos a_i) / 2 and a_i = pi (i + 1/2) /
    (order + 1), half of that for c_0: a discrete cosine transform, O(order log order).

    Raises ValueError for order < 0, lam_max <= 0, a response that is not one finite real number for each
    frequency; TypeError for an order that is not a whole number.

    >>> chebyshev_coefficients(lambda lam: lam, 2, lam_max=4.0).round(12) + 0.0
    array([2., 2., 0.])

    Notebook: 07_graph_signals.
    """
    from scipy.fft import dct

    size = whole("order", order, 0) + 1
    if not 0 < lam_max < np.inf:
        raise ValueError(f"lam_max={lam_max!r}: a finite number above 0 is needed")
    angles = np.pi * (np.arange(size) + 0.5) / size
    c = dct(_gain(response, lam_max / 2 * (np.cos(angles) + 1)), type=2) / size
    c[0] /= 2
    return c


def chebyshev_gap(response: Response, order: int, lam_max: float) -> float:
    """How far the response and its polynomial are apart on 0 ... lam_max, at most, as far as sampling can tell.

    Where no frequency exceeds lam_max, |filter_chebyshev(x) - filter_exact(x)| <= gap |x|, but for rounding. For
    heat(t) it is about 1e-2, 3e-8, 1e-11 at orders 2, 4, 6 times sqrt(t lam_max) (from 20 up); at a jump it stays.

    Both are compared at 20 places between any two roots, at least 2,000 in all, and 2,000 more where the response
    rises or falls most from one to the next: a measurement, not a proof. O(order^2).

    Raises what `chebyshev_coefficients` does.

    >>> [round(chebyshev_gap(heat(3.0), 30, lam_max), 4) for lam_max in (8.0, 56.0, 200.0)]
    [0.0, 0.0015, 0.1472]

    Notebook: 07_graph_signals.
    """
    c = chebyshev_coefficients(response, order, lam_max)
    angles = np.linspace(np.pi, 0, max(PLACES, BETWEEN * len(c)) + 1)
    lam = lam_max / 2 * (np.cos(angles) + 1)
    steepest = int(np.argmax(np.abs(np.diff(_gain(response, lam)))))
    lam = np.append(lam, np.linspace(lam[steepest], lam[steepest + 1], PLACES))
    p = np.polynomial.chebyshev.chebval(2 * (lam / lam_max) - 1, c)
    return float(np.abs(p - _gain(response, lam)).max())


def _recurrence(L: scipy.sparse.csr_array, X: Floats, c: Floats, lam_max: float) -> Floats:
    """sum_j c_j T_j(M) X with M = 2 L / lam_max - I: T_j = 2 M T_(j-1) - T_(j-2), from T_0 = I and T_1 = M."""

    def M(T: Floats) -> Floats:
        return 2 / lam_max * (L @ T) - T

    before, now = X, M(X)
    Y = c[0] * before
    for c_j in c[1:]:
        Y += c_j * now
        before, now = now, 2 * M(now) - before
    return Y


def _compiled(graph: Graph, kind: Kind, X: Floats, c: Floats, lam_max: float) -> Floats:
    """The same by the kernels, where they are faster: for one signal on unweighted edges, and for many signals."""
    from lessons.compiled import graph_signals as kernels

    one = X.ndim == 1 and graph.weights is None and kind == "combinatorial"
    many = X.ndim == 2 and X.shape[1] >= NARROW
    if not (one or many) or not hasattr(kernels.chebyshev, "signatures"):
        return _recurrence(_laplacian(graph, kind), X, c, lam_max)
    Y = np.empty_like(X)
    if one:
        kernels.chebyshev(graph.indptr, graph.indices, degrees(graph), c, lam_max, X, Y)
        return Y
    L = _laplacian(graph, kind)
    arrays = L.indptr.astype(np.int64), L.indices.astype(np.int32), L.data
    for start in range(0, X.shape[1], BLOCK):
        block = np.ascontiguousarray(X[:, start : start + BLOCK])
        filtered = np.empty_like(block)
        kernels.chebyshev_block(*arrays, c, lam_max, block, filtered)
        Y[:, start : start + BLOCK] = filtered
    return Y


def frequency_bound(graph: object, *, kind: Kind = "combinatorial") -> float:
    """A number that no frequency of the graph exceeds (but by rounding), rarely far above the largest.

    For any positive v, no eigenvalue of L exceeds max_i (d_i v_i + sum_j A_ij v_j) / v_i. With v = 1 that is twice
    the largest degree; ten steps of v <- D v + A v bring it close to its least, the largest eigenvalue of D + A,
    which on a bipartite graph is that of L. Nor does any exceed n times the largest weight. 2 for "normalised". 0
    without edges. O(n + m), once for each graph.

    Raises what `laplacian` does, and ValueError for "random_walk".

    >>> from lessons import as_graph
    >>> frequency_bound(as_graph([(0, 1), (1, 2)], n=3))
    3.0

    Notebook: 07_graph_signals. Source: the bounds of L. Collatz (1942) and H. Wielandt (1950) for matrices without
    negative entries, applied to D + A, which is |D - A| entry by entry and so has no smaller spectral radius.
    """
    graph = undirected(graph)
    if symmetric_kind(kind) == "normalised":
        return 2.0 if graph.edge_weights.any() else 0.0
    return graph.kept("frequency bound", lambda: _bound(graph))


def _bound(graph: Graph) -> float:
    L = laplacian(graph)
    d = L.diagonal()
    largest = float(d.max(initial=0.0))
    if largest == 0:
        return 0.0
    L.data /= largest  # so that nothing overflows
    d /= largest
    v = np.ones(graph.n)
    least = graph.n * float(graph.edge_weights.max()) / largest  # as on a complete graph
    for _ in range(TIGHTER):
        grown = 2 * d * v - L @ v  # D + A = 2 D - L
        least = min(least, float(np.max(grown / v)))
        v = np.maximum(grown / grown.max(), FLOOR)
    return largest * least


def _large_enough(L: scipy.sparse.csr_array, lam_max: float) -> float:
    """lam_max, unless an entry on the diagonal of L, x^T L x of a signal on one node, proves it too small."""
    least = float(L.diagonal().max(initial=0.0))
    if lam_max < least * (1 - ROUNDING):
        raise ValueError(
            f"lam_max={lam_max!r}: the largest frequency is at least {least:.6g}; see frequency_bound"
        )
    return lam_max


def _gain(response: Response, lam: Floats) -> Floats:
    """What a response gives for these frequencies, checked."""
    try:
        gain = np.asarray(response(lam))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the response failed on an array of frequencies ({error}): write it with NumPy, np.exp, np.where"
        ) from error
    if gain.shape != lam.shape or gain.dtype.kind not in "biuf" or not np.isfinite(gain).all():
        raise ValueError(f"the response gives {gain!r} for frequencies {lam.shape}: one finite real number each")
    return gain.astype(np.float64)


# ---------------------------------------------------------------------------------------- embedding


def spectral_embedding(graph: object, k: int, *, kind: Kind = "normalised") -> Floats:
    """Coordinates (n, k) that put neighbours close together: the lowest frequencies, all but the constant signal.

    Each coordinate y is the one of least Dirichlet energy that is at right angles to the constant and to those
    before. "normalised" counts a node as often as its degree, sum_i d_i y_i^2 = 1: the eigenvectors of the
    random-walk Laplacian (Laplacian eigenmaps); "combinatorial" counts each node once.

    A graph of c components has c - 1 coordinates that are constant on each and tell them apart: the first is above
    0 on the component of the first node and below on all others, or the other way round, the second does the same
    for the next component, and so on. Signs and repeated frequencies as in `fourier_basis`.

    Raises what `fourier_basis` does, ValueError unless 1 <= k < n, and for "normalised" where a node has no
    neighbour.

    >>> from lessons import as_graph
    >>> spectral_embedding(as_graph([(0, 1), (1, 2)], n=3), 1).round(6).ravel() + 0.0
    array([ 0.707107,  0.      , -0.707107])
    >>> spectral_embedding(as_graph([(0, 1), (2, 3)], n=4), 1).round(6).ravel()
    array([ 0.5,  0.5, -0.5, -0.5])

    Notebook: 07_graph_signals. Source: M. Belkin and P. Niyogi, Laplacian eigenmaps for dimensionality reduction
    and data representation, Neural Computation 15(6), 2003; DOI 10.1162/089976603321780317.
    """
    graph = undirected(graph)
    whole("k", k, 1, graph.n - 1)
    d = degrees(graph) if symmetric_kind(kind) == "normalised" else np.ones(graph.n)
    if (d == 0).any():
        lone = graph.nodes[int(np.argmin(d))]
        raise ValueError(f'node {lone!r} has no neighbour: leave it out, or take kind="combinatorial"')
    component, null = _null_signals(graph, kind)
    apart = _contrasts(np.bincount(component, d), k)
    moving = fourier_basis(graph, k + 1, kind=kind).U[:, len(np.unique(component)) :]
    return _with_signs(np.column_stack([null[:, None] * apart[component], moving]) / np.sqrt(d)[:, None])


def _contrasts(weights: NDArray[Any], k: int) -> Floats:
    """Orthonormal columns, at most k, at right angles to sqrt(weights): the first tells the first entry from the
    rest, the second the next from those after it, and so on."""
    c = len(weights)
    root = np.sqrt(weights / weights.max())
    return np.linalg.qr(np.column_stack([root, np.eye(c, min(k, c - 1))]))[0][:, 1:]


# ---------------------------------------------------------------------------------------- at the door


def _rows(X: ArrayLike, count: int, what: str) -> Floats:
    array = np.asarray(X)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"values of type {array.dtype}: real numbers are needed")
    if array.ndim not in (1, 2) or len(array) != count:
        raise ValueError(f"an array of shape {array.shape} for {count} {what}: a row for each is needed")
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(count, -1)).all(axis=1)))
        raise ValueError(f"row {row} is {array[row]}: finite numbers are needed")
    return array.astype(np.float64)
