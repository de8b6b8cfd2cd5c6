"""Hear a signal on a graph: frequencies, the graph Fourier transform, filters with and without eigenvectors.

    basis = fourier_basis(graph)                        # frequencies lam, their signals U
    X_hat = transform(basis, X)                         # and X = inverse(basis, X_hat)
    filter_exact(basis, X, heat(3.0))                   # U g(lam) U^T X
    filter_chebyshev(graph, X, heat(3.0), order=30)     # nearly the same, without any eigenvector
    chebyshev_gap(heat(3.0), 30, lam_max=8.0)           # how nearly
    spectral_embedding(graph, 2)                        # coordinates from the lowest frequencies

The frequencies of a graph are the eigenvalues of its Laplacian: 0 for what is constant, large for what changes
from neighbour to neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import finite_rows, whole, zero_or_more
from lessons._device import Device, array_module
from lessons._eigenpairs import lowest_pairs
from lessons.chebyshev import Response, chebyshev_coefficients, chebyshev_gap, gain, polynomial
from lessons.conjugate_gradients import column
from lessons.graph import Graph, check_dense
from lessons.laplacian_regularization import (
    Kind,
    degrees,
    dirichlet_energy,
    laplacian,
    signal,
    symmetric_kind,
    undirected,
)

if TYPE_CHECKING:
    import scipy.sparse

__all__ = [
    "FourierBasis",
    "Response",
    "chebyshev_coefficients",
    "chebyshev_gap",
    "filter_chebyshev",
    "filter_exact",
    "fourier_basis",
    "frequency",
    "frequency_bound",
    "heat",
    "inverse",
    "low_pass",
    "spectral_embedding",
    "tikhonov",
    "transform",
]

Floats = NDArray[np.float64]
Rows = NDArray[Any]

NEARLY_LARGEST = 1e-6  # entries this close to the largest share its rank when a sign is chosen
TIGHTER = 10  # steps that make the bound on frequencies smaller; each costs one product with A
TINY = float(np.finfo(np.float64).tiny)
FLOOR = 1e-100  # of the largest entry; any positive vector gives a bound


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
    the inverse of L, factorised, where the graph is narrow (paths, meshes), otherwise with L itself, which takes
    minutes for hundreds of frequencies of 100,000 nodes. Where these do not converge, the dense way, if it is
    allowed: up to 5,000 nodes, or forced.

    Raises ValueError for a directed graph, a negative weight, unless 1 <= k <= n, for "random_walk" (not
    symmetric) and, above 5,000 nodes, for more than a quarter of the frequencies unless forced; there also
    ConvergenceError.

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

    Raises ValueError for X of another length or not finite, TypeError for values that are not real numbers, or a
    basis that is none.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> transform(basis, [3.0, 1.0]).round(6)
    array([2.828427, 1.414214])

    Notebook: 07_graph_signals.
    """
    U = _basis(basis).U
    return U.T @ finite_rows("X", X, range(len(U)), "node")


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
    U = _basis(basis).U
    return U @ finite_rows("X_hat", X_hat, range(U.shape[1]), "eigenvector")


def _basis(basis: FourierBasis) -> FourierBasis:
    if not isinstance(basis, FourierBasis):
        raise TypeError(f"a {type(basis).__name__} for a basis: what fourier_basis(graph) gives is needed")
    return basis


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
    frequency, X of another length or not finite; TypeError for a basis that is none.

    >>> from lessons import as_graph
    >>> basis = fourier_basis(as_graph([(0, 1)], n=2))
    >>> filter_exact(basis, [3.0, 1.0], low_pass(1.0)).round(6)
    array([2., 2.])

    Notebook: 07_graph_signals.
    """
    n, k = _basis(basis).U.shape
    if k != n:
        raise ValueError(
            f"a basis of {k} frequencies for {n} nodes: all are needed, or filter_chebyshev; to keep only the {k} "
            "lowest: inverse(basis, transform(basis, X))"
        )
    X, power = _scaled(finite_rows("X", X, range(n), "node"))
    X_hat = transform(basis, X)
    return np.ldexp(inverse(basis, column(gain(response, basis.lam), X_hat) * X_hat), power)


def filter_chebyshev(
    graph: object,
    X: ArrayLike,
    response: Response,
    order: int = 30,
    *,
    kind: Kind = "combinatorial",
    lam_max: float | None = None,
    device: Device = "cpu",
) -> Floats:
    """Let each frequency through nearly as the response tells, without any eigenvector: p(L) X, p a polynomial.

    `X` (n,) or (n, d), rows aligned with `graph.nodes`. p is the Chebyshev interpolation of the response on 0 ...
    lam_max: a polynomial of degree `order` or less is met exactly, others as nearly as `chebyshev_gap(response,
    order, lam_max)` tells, which bounds the error of a signal of length 1. The order that heat(t) and others as
    smooth need grows as sqrt(t lam_max); at a jump no order is enough. p(L) reaches `order` edges far. O(order (n
    + m) d).

    `lam_max` is `frequency_bound` unless told. It must be at least the largest frequency: the Chebyshev
    polynomials grow without bound outside, and so does the error. It is refused where a frequency above it shows
    in X: where T_order(2 L / lam_max - I) makes a column longer.

    With `device="gpu"` CuPy multiplies: so far run on a stand-in for its arrays only, on no card.

    Raises ImportError without CuPy, RuntimeError without a device; ValueError for a directed graph, a negative
    weight, order < 0, lam_max <= 0 or as above, a response that is not one finite real number for each frequency,
    X of another length or not finite.

    >>> from lessons import as_graph
    >>> filter_chebyshev(as_graph([(0, 1)], n=2), [3.0, 1.0], tikhonov(1.0)).round(6)
    array([2.333333, 1.666667])

    Notebook: 07_graph_signals. Source: D. K. Hammond, P. Vandergheynst, R. Gribonval, Wavelets on graphs via
    spectral graph theory, Applied and Computational Harmonic Analysis 30(2), 2011, section 6, where the c are
    integrals, here sums over order + 1 places; DOI 10.1016/j.acha.2010.04.005.
    """
    array_module(device)
    graph = undirected(graph)
    X, power = _scaled(signal(graph, X))
    if lam_max is None:
        lam_max = max(frequency_bound(graph, kind=kind), TINY)
    c = chebyshev_coefficients(response, order, lam_max)
    Y = polynomial(graph, X, c, float(lam_max), symmetric_kind(kind), device=device)
    return np.ldexp(Y, power)


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
    if graph.n < 2:
        raise ValueError(f"a graph of {graph.n} nodes has no coordinates: two nodes are needed")
    whole("k", k, 1, graph.n - 1)
    d = degrees(graph) if symmetric_kind(kind) == "normalised" else np.ones(graph.n)
    if (d == 0).any():
        lone = graph.nodes[int(np.argmin(d))]
        raise ValueError(f'node {lone!r} has no neighbour: leave it out, or take kind="combinatorial"')
    component, null = _null_signals(graph, kind)
    contrasts = _contrasts(np.bincount(component, d), k)
    others = fourier_basis(graph, k + 1, kind=kind).U[:, len(np.unique(component)) :]
    return _with_signs(np.column_stack([null[:, None] * contrasts[component], others]) / np.sqrt(d)[:, None])


def _contrasts(weights: NDArray[Any], k: int) -> Floats:
    """Orthonormal columns, at most k, at right angles to sqrt(weights): the first tells the first entry from the
    rest, the second the next from those after it, and so on."""
    c = len(weights)
    root = np.sqrt(weights / weights.max())
    return np.linalg.qr(np.column_stack([root, np.eye(c, min(k, c - 1))]))[0][:, 1:]
