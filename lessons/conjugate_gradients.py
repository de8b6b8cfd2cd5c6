"""Solve M X = B for a symmetric positive definite sparse matrix: conjugate gradients, and how well they did.

    X, residual, iterations = conjugate_gradients(M, B)     # B (n,) or (n, k)

One column is SciPy's. Several columns of a large M are solved by compiled code, which is quicker for two reasons:
a Gauss-Seidel preconditioner, with which about a third of the iterations are enough, and that one pass over memory
serves all columns. Several columns of a small M go through NumPy in step: there, calls cost more than numbers do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lessons._checks import above_zero, whole
from lessons._device import Device, array_module, module_of, sparse_beside, to_host
from lessons.errors import ConvergenceError

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]

TOLERANCE = 1e-8  # relative residual
BLOCK = 16  # right-hand sides that are solved for together
COMPILED_FROM = 3_500_000  # entries of M times columns; below, loading numba takes longer than a few solves save
IN_STEP = 40  # up to so many rows times columns^2 NumPy is quicker for all columns at a time than SciPy for each
FAR = 4_096  # rows between neighbours, on average; from there on it pays to number the nodes anew


def conjugate_gradients(
    M: scipy.sparse.csr_array,
    B: Floats,
    tolerance: float = TOLERANCE,
    iterations: int | None = None,
    *,
    device: Device = "cpu",
) -> tuple[Floats, float, int]:
    """Solve M X = B for a symmetric positive definite M (n, n): X, the largest relative residual, iterations.

    `B` (n,) or (n, k); iterations are those of the slowest column, each O((n + stored entries) k). Preconditioned
    by the diagonal of M; by symmetric Gauss-Seidel where k > 2, M has two million entries / k, and numba is
    installed: then an iteration does more, and they are fewer. The residual is computed from X: the one that the
    iteration carries along drifts away from it.

    Raises ConvergenceError; ValueError unless 0 < tolerance < 1 and 1 <= iterations; TypeError.

    >>> from scipy.sparse import csr_array
    >>> X, residual, iterations = conjugate_gradients(csr_array([[2.0, -1.0], [-1.0, 2.0]]), np.array([0.0, 3.0]))
    >>> X.round(6), residual < 1e-8, iterations
    (array([1., 2.]), True, 2)

    Source: M. R. Hestenes and E. Stiefel, Methods of conjugate gradients for solving linear systems, Journal of
    Research of the National Bureau of Standards 49(6), 1952; DOI 10.6028/jres.049.044.
    """
    X, taken = iterate(M, B, tolerance, iterations, device=device)
    return X, checked_residual(M, X, B, tolerance, taken), taken


def checked_residual(K: scipy.sparse.csr_array, X: Floats, B: Floats, tolerance: float, taken: int) -> float:
    """|B - K X| / |B| of the column where it is largest, if it is small enough."""
    shares = share(np.linalg.norm(B - K @ X, axis=0), np.linalg.norm(B, axis=0))
    residual = float(np.max(shares, initial=0.0))
    if not residual <= tolerance:
        raise ConvergenceError("conjugate gradients", residual, taken)
    return residual


def iterate(
    M: scipy.sparse.csr_array,
    B: Floats,
    tolerance: float,
    iterations: int | None,
    *,
    device: Device = "cpu",
) -> tuple[Floats, int]:
    """X and the iterations that it took, at most as many as told, or 10 n."""
    limit = 10 * max(M.shape[0], 1) if iterations is None else whole("iterations", iterations)
    goal = above_zero("tolerance", tolerance, below=1) / 2  # else rounding may lift a residual just small enough
    if B.size == 0:
        return np.zeros_like(B), 0
    if device == "gpu":
        return _on_a_gpu(M, B, goal, limit)
    if B.ndim == 1:
        return _single(M, B, goal, limit)
    X, taken = np.zeros_like(B), 0
    for start in range(0, B.shape[1], BLOCK):
        block = np.s_[:, start : start + BLOCK]
        X[block], steps = _several(M, np.ascontiguousarray(B[block]), goal, limit)
        taken = max(taken, steps)
    return X, taken


def _single(M: scipy.sparse.csr_array, b: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    from scipy.sparse.linalg import LinearOperator, cg

    inverse = 1.0 / M.diagonal()
    taken = 0

    def count(x: Floats) -> None:
        nonlocal taken
        taken += 1

    preconditioner = LinearOperator(M.shape, matvec=lambda r: inverse * r, dtype=np.float64)
    x, _ = cg(M, b, rtol=tolerance, maxiter=limit, M=preconditioner, callback=count)
    return x, taken


def _several(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    """The same for a few columns, each with its own numbers, the way that is quickest."""
    n, k = B.shape
    if k > 2 and M.nnz * k >= COMPILED_FROM:
        from lessons.compiled import laplacian_regularization as kernels

        if hasattr(kernels.solve_block, "signatures"):  # as Python it would take hours
            return _renumbered(M, B, tolerance, limit)
    if n <= IN_STEP * k**2:
        return _in_step(M, B, tolerance, limit)
    columns = [_single(M, b, tolerance, limit) for b in np.ascontiguousarray(B.T)]
    return np.column_stack([x for x, _ in columns]), max(taken for _, taken in columns)


def _on_a_gpu(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    there = array_module("gpu").asarray(B.reshape(len(B), -1))
    X, taken = _in_step(sparse_beside(M, there), there, tolerance, limit)
    return to_host(X).reshape(B.shape), taken


def _in_step(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    """The definition: conjugate gradients, preconditioned by the diagonal, for all columns at a time.

    M and B may both lie on a device, as CuPy's; X does then.
    """
    inverse = column(1.0 / M.diagonal(), B)
    X, R = np.zeros_like(B), B.copy()
    P = inverse * R
    rz = _dots(R, P)
    enough = (tolerance * np.linalg.norm(B, axis=0)) ** 2
    taken = 0
    while taken < limit and (_dots(R, R) > enough).any():
        Q = M @ P
        step = share(rz, _dots(P, Q))
        X += step * P
        R -= step * Q
        Z = inverse * R
        before, rz = rz, _dots(R, Z)
        P = Z + share(rz, before) * P
        taken += 1
    return X, taken


def _renumbered(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    """`_gauss_seidel`, where neighbours stand far apart in memory with nodes numbered so that they do not."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    if np.abs(_rows(M) - M.indices).mean() < FAR:
        return _gauss_seidel(M, B, tolerance, limit)
    order = reverse_cuthill_mckee(M, symmetric_mode=True)
    X = np.empty_like(B)
    X[order], taken = _gauss_seidel(M[order][:, order], B[order], tolerance, limit)
    return X, taken


def _gauss_seidel(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    """Conjugate gradients, preconditioned by a Gauss-Seidel sweep down the rows and up, for all columns at a time.

    About a third of the iterations that the diagonal takes on a grid, each about as long: Eisenstat's arrangement
    gets the product with M out of the two sweeps.

    Source: S. C. Eisenstat, Efficient implementation of a class of preconditioned conjugate gradient methods, SIAM
    Journal on Scientific and Statistical Computing 2(1), 1981; DOI 10.1137/0902001.
    """
    from lessons.compiled import laplacian_regularization as kernels

    if not M.has_sorted_indices:
        M = M.sorted_indices()
    n, rows = M.shape[0], _rows(M)
    start, end = M.indptr[:-1].astype(np.int64), M.indptr[1:].astype(np.int64)
    below = start + np.bincount(rows[M.indices < rows], minlength=n)
    above = start + np.bincount(rows[M.indices <= rows], minlength=n)
    X = np.zeros_like(B)
    entries = M.indices.astype(np.int32), M.data, M.diagonal()
    taken = kernels.solve_block(start, below, above, end, *entries, np.ascontiguousarray(B), tolerance, limit, X)
    return X, int(taken)


def _rows(M: scipy.sparse.csr_array) -> NDArray[np.int64]:
    """The row of each entry."""
    return np.repeat(np.arange(M.shape[0]), np.diff(M.indptr))


def _dots(X: Floats, Y: Floats) -> Floats:
    return np.einsum("ij,ij->j", X, Y)


def share(part: Floats, whole: Floats) -> Floats:
    """part / whole, and 0 where the whole is 0: a column that is done, or was zero from the start."""
    xp = module_of(whole)
    return xp.where(whole > 0, part / xp.where(whole > 0, whole, 1.0), 0.0)


def column(values: Floats, X: Floats) -> Floats:
    """A number for each node, shaped so that it multiplies the rows of X."""
    return values if X.ndim == 1 else values[:, None]
