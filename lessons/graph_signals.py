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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.graph import check_dense
from lessons.laplacian_regularization import Kind, degrees, laplacian, signal, symmetric, undirected

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]
Response = Callable[[Floats], ArrayLike]  # frequencies -> how much of each is let through

NEARLY_LARGEST = 1e-6  # entries this close to the largest share its rank when a sign is chosen
TIGHTER = 10  # steps that make the bound on frequencies smaller; each costs one product with A


# ---------------------------------------------------------------------------------------- frequencies


@dataclass(frozen=True)
class FourierBasis:
    """Frequencies `lam` (k,), ascending, and in the columns of `U` (n, k) a signal of length 1 for each."""

    lam: Floats
    U: Floats


def fourier_basis(
    graph: object, k: int | None = None, *, kind: Kind = "combinatorial", force: bool = False
) -> FourierBasis:
    """The eigenpairs of the Laplacian, all of them or the k lowest: L U = U diag(lam), U^T U = I.

    Signs are chosen: the first of the largest entries of each column is positive. Inside a repeated eigenvalue any
    rotation of its columns is as good, and which one you get may change with the machine. All of them O(n^3) time
    and 8 n^2 bytes; the k lowest by Lanczos iterations on the sparse matrix.

    Raises ValueError for a directed graph, a negative weight, unless 1 <= k <= n, for "random_walk" (not
    symmetric) and, above 5,000 nodes, without k unless forced; ConvergenceError.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1), (1, 2)], n=3))
    >>> basis.lam.round(6) + 0.0
    array([0., 1., 3.])
    >>> basis.U[:, 1].round(6) + 0.0
    array([ 0.707107,  0.      , -0.707107])

    Notebook: 07_graph_signals. Source: D. I. Shuman et al., The emerging field of signal processing on graphs,
    IEEE Signal Processing Magazine 30(3), 2013, section II; DOI 10.1109/MSP.2012.2235192.
    """
    graph = undirected(graph)
    L = laplacian(graph, symmetric(kind))
    if k is None:
        check_dense(graph.n, force=force, instead="fourier_basis(graph, k) or filter_chebyshev")
        lam, U = np.linalg.eigh(L.toarray())
    else:
        lam, U = _lowest(L, _counted(k, graph.n))
    return FourierBasis(np.maximum(lam, 0.0), _with_signs(U))


def transform(basis: FourierBasis, X: ArrayLike) -> Floats:
    """The graph Fourier transform, U^T X: how much of each frequency is in the signal.

    `X` (n,) or (n, d), rows as in the graph; gives (k,) or (k, d), rows aligned with `basis.lam`. O(n k d).

    Raises ValueError for X of another length or not finite.

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

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> inverse(basis, transform(basis, [3.0, 1.0])).round(6)
    array([3., 1.])

    Notebook: 07_graph_signals.
    """
    return basis.U @ _rows(X_hat, len(basis.lam), "frequencies")


def _lowest(L: scipy.sparse.csr_array, k: int) -> tuple[Floats, Floats]:
    """The k lowest eigenpairs of a sparse Laplacian."""
    n = L.shape[0]
    if n <= 500 or k > n // 4:
        lam, U = np.linalg.eigh(L.toarray())
        return lam[:k], U[:, :k]
    from scipy.sparse.linalg import eigsh

    start = np.cos(np.arange(n))  # the same on every machine, and along no symmetry of a graph
    shift = -1e-3 * max(L.diagonal().max(), 1e-12)  # below 0, so that there is a matrix to factorise
    lam, U = eigsh(L.tocsc(), k, sigma=shift, which="LM", v0=start)
    order = np.argsort(lam)
    return lam[order], U[:, order]


def _with_signs(U: Floats) -> Floats:
    """Each column with the sign that makes the first of its largest entries positive."""
    size = np.abs(U)
    largest = np.argmax(size >= size.max(axis=0, initial=0.0) * (1 - NEARLY_LARGEST), axis=0)
    return U * np.where(np.take_along_axis(U, largest[None], axis=0) < 0, -1.0, 1.0)


# ---------------------------------------------------------------------------------------- filters


def heat(t: float) -> Response:
    """The heat kernel, exp(-t lam): what is left of each frequency after a time t >= 0 of diffusion.

    >>> heat(1.0)(np.array([0.0, 2.0])).round(3)
    array([1.   , 0.135])
    """
    return lambda lam: np.exp(-_above_zero("t", t) * lam)


def low_pass(cutoff: float) -> Response:
    """The ideal low-pass filter: 1 up to the cutoff, 0 above; a jump, which no polynomial follows closely.

    >>> low_pass(1.0)(np.array([0.0, 1.0, 1.5]))
    array([1., 1., 0.])
    """
    return lambda lam: np.where(lam <= _above_zero("cutoff", cutoff), 1.0, 0.0)


def tikhonov(strength: float) -> Response:
    """1 / (1 + strength lam): what `laplacian_regularization.smooth(graph, X, lam=strength)` does to a frequency.

    >>> tikhonov(1.0)(np.array([0.0, 1.0, 3.0]))
    array([1.  , 0.5 , 0.25])
    """
    return lambda lam: 1.0 / (1.0 + _above_zero("strength", strength) * lam)


def filter_exact(basis: FourierBasis, X: ArrayLike, response: Response) -> Floats:
    """Let each frequency through as the response tells: U g(lam) U^T X.

    `X` (n,) or (n, d); `response` takes the frequencies (n,) and gives a number for each. O(n^2 d).

    Raises ValueError for a basis that is not whole, a response that is not one finite number for each frequency, X
    of another length or not finite.

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
    gain = _gain(response, basis.lam)
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
    lam_max: for a smooth response the error falls faster than any power of the order, at a jump it stays. p(L)
    reaches `order` edges far. `lam_max` must be at least the largest frequency: `frequency_bound` unless told.
    O(order (n + m) d).

    Raises ValueError for a directed graph, a negative weight, order < 0, lam_max <= 0, a response that is not one
    finite number for each frequency, X of another length or not finite.

    >>> from lessons import as_graph
    >>> filter_chebyshev(as_graph([(0, 1)], n=2), [3.0, 1.0], tikhonov(1.0)).round(6)
    array([2.333333, 1.666667])

    Notebook: 07_graph_signals. Source: D. K. Hammond, P. Vandergheynst, R. Gribonval, Wavelets on graphs via
    spectral graph theory, Applied and Computational Harmonic Analysis 30(2), 2011, section 6; DOI
    10.1016/j.acha.2010.04.005.
    """
    graph = undirected(graph)
    X = signal(graph, X)
    L = laplacian(graph, symmetric(kind))
    lam_max = frequency_bound(graph, kind=kind) or 1.0 if lam_max is None else lam_max
    return _recurrence(L, X, chebyshev_coefficients(response, order, lam_max), lam_max)


def chebyshev_coefficients(response: Response, order: int, lam_max: float) -> Floats:
    """c (order + 1,) of the polynomial sum_j c_j T_j(2 lam / lam_max - 1) that meets the response at the roots of
    T_(order + 1), the places where interpolation goes least astray.

    >>> chebyshev_coefficients(lambda lam: lam, 2, lam_max=4.0).round(12) + 0.0
    array([2., 2., 0.])
    """
    if order < 0 or not 0 < lam_max < np.inf:
        raise ValueError(f"order={order!r}, lam_max={lam_max!r}: order >= 0 and lam_max > 0 are needed")
    angles = np.pi * (np.arange(order + 1) + 0.5) / (order + 1)
    values = _gain(response, lam_max / 2 * (np.cos(angles) + 1))
    c = 2 / (order + 1) * np.cos(np.outer(np.arange(order + 1), angles)) @ values
    c[0] /= 2
    return c


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


def frequency_bound(graph: object, *, kind: Kind = "combinatorial") -> float:
    """A number that no frequency of the graph exceeds, rarely far above the largest; 2 for "normalised".

    For any positive v no eigenvalue of L exceeds max_i (d_i v_i + (A v)_i) / v_i; ten steps of v <- D v + A v
    bring that close to its least. O(n + m). 0 without edges.

    >>> from lessons import as_graph
    >>> frequency_bound(as_graph([(0, 1), (1, 2)], n=3))
    3.0

    Source: L. Collatz 1942 and H. Wielandt 1950, whose bounds these are, on D + A, which dominates D - A.
    """
    graph = undirected(graph)
    if symmetric(kind) == "normalised":
        return 2.0 if graph.m else 0.0
    A = graph.to_scipy()
    A.setdiag(0.0)  # a self-loop cancels in L
    d = A.sum(axis=1)
    joined = d > 0
    v = np.ones(graph.n)
    least = np.inf
    for _ in range(TIGHTER):
        grown = d * v + A @ v
        least = min(least, float(np.max(grown[joined] / v[joined], initial=0.0)))
        v = np.where(joined, grown / max(grown.max(initial=0.0), 1e-300), 1.0)
    return least


def _gain(response: Response, lam: Floats) -> Floats:
    """What a response gives for these frequencies, checked."""
    gain = np.asarray(response(lam), np.float64)
    if gain.shape != lam.shape or not np.isfinite(gain).all():
        raise ValueError(f"the response gives {gain!r} for frequencies {lam.shape}: one finite number each")
    return gain


# ---------------------------------------------------------------------------------------- embedding


def spectral_embedding(graph: object, k: int, *, kind: Kind = "normalised") -> Floats:
    """Coordinates (n, k) that put neighbours close together: the k lowest frequencies but the first.

    Of all coordinates that are centred, of unit length and at right angles, these have the least Dirichlet energy.
    "normalised" divides row i by sqrt(d_i), which gives the eigenvectors of the random-walk Laplacian (Laplacian
    eigenmaps). A graph of several components keeps a coordinate for each beyond the first, constant on each. Signs
    and repeated frequencies as in `fourier_basis`.

    Raises what `fourier_basis` does, ValueError unless 1 <= k < n, and for "normalised" where a node has no
    neighbour.

    >>> from lessons import as_graph
    >>> spectral_embedding(as_graph([(0, 1), (1, 2)], n=3), 1).round(6).ravel() + 0.0
    array([ 0.707107,  0.      , -0.707107])

    Notebook: 07_graph_signals. Source: M. Belkin and P. Niyogi, Laplacian eigenmaps for dimensionality reduction
    and data representation, Neural Computation 15(6), 2003; DOI 10.1162/089976603321780317.
    """
    graph = undirected(graph)
    if not 1 <= _counted(k, graph.n) < graph.n:
        raise ValueError(f"k={k}: {graph.n} nodes have 1 to {graph.n - 1} coordinates")
    U = fourier_basis(graph, k + 1, kind=kind).U[:, 1:]
    if kind == "combinatorial":
        return U
    d = degrees(graph)
    if (d == 0).any():
        raise ValueError(f"node {graph.nodes[int(np.argmin(d))]!r} has no neighbour: leave it out, or kind=...")
    return _with_signs(U / np.sqrt(d)[:, None])


# ---------------------------------------------------------------------------------------- at the door


def _counted(k: int, n: int) -> int:
    if not 1 <= k <= n:
        raise ValueError(f"k={k!r}: a graph of {n} nodes has 1 to {n} frequencies")
    return k


def _rows(X: ArrayLike, count: int, what: str) -> Floats:
    array = np.asarray(X, np.float64)
    if array.ndim not in (1, 2) or len(array) != count:
        raise ValueError(f"an array of shape {array.shape} for {count} {what}: a row for each is needed")
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(count, -1)).all(axis=1)))
        raise ValueError(f"row {row} is {array[row]}: finite numbers are needed")
    return array


def _above_zero(name: str, value: float) -> float:
    if not 0 <= value < np.inf:
        raise ValueError(f"{name}={value!r}: a finite number, zero or more")
    return value
