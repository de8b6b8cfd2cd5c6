"""Polynomials of a Laplacian by Chebyshev's recurrence: near a response, and applied without any eigenvector.

c = chebyshev_coefficients(response, order, lam_max)    # p, near the response on 0 ... lam_max
chebyshev_gap(response, order, lam_max)                 # how near
Y = polynomial(graph, X, c, lam_max)                    # p(L) X
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, whole
from lessons._device import Device, array_module, sparse_beside, to_host
from lessons.graph import Graph
from lessons.laplacian_regularization import Kind, _laplacian, degrees

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]
Response = Callable[[Floats], ArrayLike]  # frequencies -> how much of each is let through

COMPILED_FROM = 400_000_000  # arcs times order times signals; below, loading numba takes longer than it saves
LOADED_FROM = 40_000_000  # the same, once it is loaded
BLOCK = 16  # signals that are filtered together
NARROW = 8  # signals; fewer are filtered as fast by SciPy
GROWN = 1.02  # times the square of its length: more than rounding adds in a million steps
PLACES = 2_000  # at least so many where a response and its polynomial are compared
BETWEEN = 20  # of them, from one root to the next


def chebyshev_coefficients(response: Response, order: int, lam_max: float) -> Floats:
    """c (order + 1,) of the polynomial sum_j c_j T_j(2 lam / lam_max - 1) that meets the response at the roots of
    T_(order + 1), the places where interpolation goes least astray.

    c_j = 2 / (order + 1) sum_i g(lam_i) cos(j a_i) with lam_i = lam_max (1 + cos a_i) / 2 and a_i = pi (i + 1/2) /
    (order + 1), half of that for c_0: a discrete cosine transform, O(order log order).

    Raises ValueError for order < 0, lam_max <= 0, a response that is not one finite real number for each
    frequency; TypeError for an order that is not a whole number, a lam_max that is no number.

    >>> chebyshev_coefficients(lambda lam: lam, 2, lam_max=4.0).round(12) + 0.0
    array([2., 2., 0.])

    Notebook: 07_graph_signals.
    """
    from scipy.fft import dct

    size = whole("order", order, 0) + 1
    angles = np.pi * (np.arange(size) + 0.5) / size
    c = dct(gain(response, above_zero("lam_max", lam_max) / 2 * (np.cos(angles) + 1)), type=2) / size
    c[0] /= 2
    return c


def chebyshev_gap(response: Response, order: int, lam_max: float) -> float:
    """How far the response and its polynomial are apart on 0 ... lam_max, at most, as far as sampling can tell.

    Where no frequency exceeds lam_max, |filter_chebyshev(x) - filter_exact(x)| <= gap |x|, but for rounding. For
    heat(t) it is about 1e-2, 4e-5, 3e-8 at orders 2, 3, 4 times sqrt(t lam_max), if that is 10 or more; at a jump
    it is never below half of it.

    Both are compared at 20 places between any two roots, at least 2,000 in all, and 2,000 more where the response
    rises or falls most from one to the next: a measurement, not a proof. O(order^2).

    Raises what `chebyshev_coefficients` does.

    >>> from lessons.graph_signals import heat
    >>> [round(chebyshev_gap(heat(3.0), 30, lam_max), 4) for lam_max in (8.0, 56.0, 200.0)]
    [0.0, 0.0015, 0.1472]

    Notebook: 07_graph_signals.
    """
    c = chebyshev_coefficients(response, order, lam_max)
    angles = np.linspace(np.pi, 0, max(PLACES, BETWEEN * len(c)) + 1)
    lam = lam_max / 2 * (np.cos(angles) + 1)
    steepest = int(np.argmax(np.abs(np.diff(gain(response, lam)))))
    lam = np.append(lam, np.linspace(lam[steepest], lam[steepest + 1], PLACES))
    p = np.polynomial.chebyshev.chebval(2 * (lam / lam_max) - 1, c)
    return float(np.abs(p - gain(response, lam)).max())


def gain(response: Response, lam: Floats) -> Floats:
    """What a response gives for these frequencies (k,), as float64. Raises ValueError unless one finite real
    number for each.

    >>> gain(lambda lam: lam > 1, np.array([0.0, 2.0]))
    array([0., 1.])
    """
    try:
        found = np.asarray(response(lam.copy()))
    except (TypeError, ValueError) as error:
        problem = shorten(str(error), 80, placeholder=" ...")
        raise ValueError(
            f"the response failed on an array of frequencies ({problem}): write it with NumPy, np.exp, np.where; "
            "heat(1.0) is one, heat alone is not"
        ) from error
    if found.shape != lam.shape:
        raise ValueError(
            f"the response gives shape {found.shape} for frequencies {lam.shape}: one number each; the same for "
            "all is c * np.ones_like(lam)"
        )
    if found.dtype.kind not in "biuf":
        raise ValueError(f"the response gives numbers of type {found.dtype}: real ones are needed")
    if not np.isfinite(found).all():
        first = int(np.argmin(np.isfinite(found)))
        raise ValueError(
            f"the response is {found[first]} at frequency {lam[first]:.6g}: finite numbers are needed"
        )
    return found.astype(np.float64)


def polynomial(
    graph: Graph, X: Floats, c: Floats, lam_max: float, kind: Kind = "combinatorial", *, device: Device = "cpu"
) -> Floats:
    """sum_j c_j T_j(M) X with M = 2 L / lam_max - I, whose eigenvalues are in -1 ... 1, so that |T_j(M) x| <= |x|.

    X (n,) or (n, k), entries near 1. Raises ValueError where a column of T_order(M) X is longer than that of X, so
    that a frequency above lam_max is in it.

    >>> from lessons import as_graph
    >>> polynomial(as_graph([(0, 1)], n=2), np.array([1.0, 0.0]), np.array([2.0, 1.0]), lam_max=2.0)
    array([ 2., -1.])
    """
    loaded = "lessons.compiled.graph_signals" in sys.modules
    enough = min(LOADED_FROM, COMPILED_FROM) if loaded else COMPILED_FROM
    way = _compiled if len(graph.indices) * len(c) * X[:1].size >= enough else _plain
    way = way if device == "cpu" else _on_a_gpu
    with np.errstate(over="ignore", invalid="ignore"):
        Y, T = way(graph, X, c, lam_max, kind)
        inside = _squares(T) <= GROWN * _squares(X)
    if not inside.all():
        raise ValueError(f"lam_max={lam_max!r}: a frequency lies above it; leave it out, or take frequency_bound")
    return Y


def _squares(X: Floats) -> Floats:
    squares: Floats = np.einsum("i...,i...->...", X, X)
    return squares


def _plain(graph: Graph, X: Floats, c: Floats, lam_max: float, kind: Kind) -> tuple[Floats, Floats]:
    return recurrence(_laplacian(graph, kind), X, c, lam_max)


def _on_a_gpu(graph: Graph, X: Floats, c: Floats, lam_max: float, kind: Kind) -> tuple[Floats, Floats]:
    there = array_module("gpu").asarray(X)
    Y, T = recurrence(sparse_beside(_laplacian(graph, kind), there), there, c, lam_max)
    return to_host(Y), to_host(T)


def recurrence(L: scipy.sparse.csr_array, X: Floats, c: Floats, lam_max: float) -> tuple[Floats, Floats]:
    """The definition: sum_j c_j T_j(M) X, and the last T_j(M) X. T_0 = I, T_1 = M, T_j = 2 M T_(j-1) - T_(j-2).

    L and X may both lie on a device, as CuPy's; the answers do then.
    """

    def M(T: Floats) -> Floats:
        return 2 / lam_max * (L @ T) - T

    before, now = M(X), X  # T_(-1) is T_1
    first, *others = c.tolist()
    Y = first * now
    for c_j in others:
        before, now = now, 2 * M(now) - before
        Y += c_j * now
    return Y, now


def _compiled(graph: Graph, X: Floats, c: Floats, lam_max: float, kind: Kind) -> tuple[Floats, Floats]:
    """The same by the kernels, where they are faster: for one signal on unweighted edges, and for many signals."""
    from lessons.compiled import graph_signals as kernels

    one = X.ndim == 1 and graph.weights is None and kind == "combinatorial"
    many = X.ndim == 2 and X.shape[1] >= NARROW
    if not (one or many) or not hasattr(kernels.chebyshev, "signatures"):
        return _plain(graph, X, c, lam_max, kind)
    Y, T = np.empty_like(X), np.empty_like(X)
    if one:
        kernels.chebyshev(graph.indptr, graph.indices, degrees(graph), c, lam_max, X, Y, T)
        return Y, T
    L = _laplacian(graph, kind)
    arrays = L.indptr.astype(np.int64), L.indices.astype(np.int32), L.data
    for start in range(0, X.shape[1], BLOCK):
        block = np.s_[:, start : start + BLOCK]
        x = np.ascontiguousarray(X[block])
        y, t = np.empty_like(x), np.empty_like(x)
        kernels.chebyshev_block(*arrays, c, lam_max, x, y, t)
        Y[block], T[block] = y, t
    return Y, T
