"""The lowest eigenpairs of a connected graph's Laplacian: all copies of each, and the same ones in every run.

ARPACK (`scipy.sparse.linalg.eigsh`) is not enough here: of a repeated eigenvalue it may return fewer copies than
there are, and say nothing, and where it has to start anew it may draw from a generator that no caller can seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lessons.errors import ConvergenceError
from lessons.graph import DENSE_LIMIT, check_dense

if TYPE_CHECKING:
    import scipy.sparse

Floats = NDArray[np.float64]
Operator = Callable[[Floats], Floats]
Way = Callable[["scipy.sparse.csr_array", Floats], tuple[Operator, Operator]]  # what to iterate; its theta -> lam

SMALL = 500  # nodes; up to here a dense matrix is the quickest
STEPS = 3_000  # products with a matrix before another way is tried
NARROW = 10  # times sqrt(n): up to this width, a factorisation stays sparse
RESIDUAL = 1e-10  # of an eigenpair, relative to the largest entry of the matrix
TOLERANCE = 1e-12  # the same within the iterations, relative to the eigenvalue of their operator
FINE = 1e-14  # relative residual inside an iteration
LOST = 1e-13  # what is left of a vector when nothing but rounding is
SAME = 1e-10  # eigenvalues this close, relatively, are copies
UNSEEN = 1e-8  # the share of a random vector, of length 1, in one direction is larger
ADVICE = "Take filter_chebyshev, which needs none, or fourier_basis with force=True: dense, 8 n^2 bytes, O(n^3)."


def lowest_pairs(L: scipy.sparse.csr_array, null: Floats, k: int, force: bool) -> tuple[Floats, Floats]:
    """The k lowest eigenpairs, (k,) ascending and (n, k), of a connected graph's Laplacian, but for the first.

    `L` (n, n) combinatorial or normalised; `null` (n,) of length 1, for which L null = 0; 1 <= k < n.

    Raises ValueError for more than a quarter of them above 5,000 nodes, which takes a dense matrix, unless forced;
    there also ConvergenceError.
    """
    n = len(null)
    scale = float(L.diagonal().max()) or 1.0
    L = L.copy()
    L.data /= scale  # so that no frequency exceeds 2; a scale of 1e-310 has no inverse
    if n <= SMALL or 4 * k > n:
        check_dense(n, force=force, instead="fewer frequencies, or filter_chebyshev")
        lam, U = _dense(L, null, k)
    else:
        lam, U = _sparse(L, null, k, force)
    return scale * np.maximum(lam, 0.0), U


def _dense(L: scipy.sparse.csr_array, null: Floats, k: int) -> tuple[Floats, Floats]:
    lam, U = np.linalg.eigh(L.toarray() + 3.0 * np.outer(null, null))  # moves `null` above all others
    return lam[:k], U[:, :k]


def _sparse(L: scipy.sparse.csr_array, null: Floats, k: int, force: bool) -> tuple[Floats, Floats]:
    """The same by Lanczos, in the way that is likely to be the quicker, then in another, then dense if allowed.

    The inverse of L pulls low frequencies apart; but on wide graphs its factors fill up, as far as a dense matrix.
    L itself needs many products where low frequencies lie close together.
    """
    narrow, small = _width(L) <= NARROW * np.sqrt(len(null)), len(null) <= DENSE_LIMIT
    ways = (_factorised, _flipped) if narrow else (_flipped, _factorised if small else _by_gradients)
    for way in ways:
        try:
            return _converged(L, null[:, None], k, way)
        except RuntimeError as error:  # not converged; or "exactly singular"
            problem = error
    if small or force:
        return _dense(L, null, k)
    raise problem


def _converged(L: scipy.sparse.csr_array, null: Floats, k: int, way: Way) -> tuple[Floats, Floats]:
    operator, frequencies = way(L, null)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows has not converged
        theta, U, taken = _largest_pairs(operator, null, k)
    lam = frequencies(theta)
    residual = float(np.linalg.norm(L @ U - lam * U, axis=0).max())
    if not residual <= RESIDUAL:
        raise ConvergenceError("eigenpairs of the Laplacian", residual, taken, ADVICE)
    return lam, U


def _width(L: scipy.sparse.csr_array) -> int:
    """At least the treewidth of the graph: its bandwidth when reordered, or one more than its cycles."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n = L.shape[0]
    place = np.argsort(reverse_cuthill_mckee(L, symmetric_mode=True))
    rows, columns = L.nonzero()
    bandwidth = int(np.abs(place[rows] - place[columns]).max())
    return min(bandwidth, int((rows < columns).sum()) - n + 2)


def _flipped(L: scipy.sparse.csr_array, null: Floats) -> tuple[Operator, Operator]:
    """An operator that has the eigenvectors of L, the lowest first; and what its eigenvalues say of theirs."""
    return lambda x: 2 * x - L @ x, lambda theta: 2 - theta


def _factorised(L: scipy.sparse.csr_array, null: Floats) -> tuple[Operator, Operator]:
    """The inverse of L at right angles to `null`: one node is held at 0, what is left of L is definite."""
    from scipy.sparse.linalg import splu

    free = np.delete(np.arange(len(null)), np.argmax(L.diagonal()))
    grounded = L[free][:, free].tocsc()
    factors = splu(grounded, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

    def solve(b: Floats) -> Floats:
        x = np.zeros_like(b)
        x[free] = factors.solve(b[free])
        return x

    return solve, lambda theta: 1 / theta


def _by_gradients(L: scipy.sparse.csr_array, null: Floats) -> tuple[Operator, Operator]:
    """The inverse of L at right angles to `null`, by conjugate gradients."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    inverse = diags_array(1 / L.diagonal())

    def solve(b: Floats) -> Floats:
        x, short = cg(L, b - null @ (null.T @ b), rtol=FINE, maxiter=STEPS, M=inverse)
        if short:
            raise ConvergenceError("conjugate gradients", float(np.linalg.norm(b - L @ x)), STEPS, ADVICE)
        return x

    return solve, lambda theta: 1 / theta


# ---------------------------------------------------------------------------------------- Lanczos


def _largest_pairs(apply: Operator, known: Floats, k: int) -> tuple[Floats, Floats, int]:
    """The k largest eigenpairs of a positive operator at right angles to `known`, (k,) descending and (n, k), and
    how often it was applied.

    `known` (n, c): orthonormal eigenvectors that are not wanted. A single start vector meets a repeated eigenvalue
    in one direction only; so what is left when all that was found is taken away is searched once more, until
    nothing there belongs among the k.

    Raises ConvergenceError where a search takes more than STEPS applications.
    """
    chance = np.random.default_rng(7)  # every run alike, every search from elsewhere
    theta, U, taken = _lanczos(apply, known, k, chance)
    while True:
        enough = theta[-1] * (1 + SAME)
        more, W, further = _lanczos(apply, np.column_stack([known, U]), 1, chance, enough)
        taken += further
        if more[0] <= enough:
            return theta, U, taken
        theta, U = np.append(theta, more), np.column_stack([U, W])
        first = np.argsort(-theta, kind="stable")[:k]
        theta, U = theta[first], U[:, first]


def _lanczos(
    apply: Operator, known: Floats, k: int, chance: np.random.Generator, enough: float = 0.0
) -> tuple[Floats, Floats, int]:
    """One search from one start vector: Lanczos with thick restarts, every vector kept at right angles to all.

    With k = 1 it stops early where nothing reaches `enough`: a vector that did would have a share of at least
    UNSEEN in the first approximation, as it has in the start vector, and residual / gap is more than that share.

    Source: K. Wu and H. Simon, Thick-restart Lanczos method for large symmetric eigenvalue problems, SIAM Journal
    on Matrix Analysis and Applications 22(2), 2000; DOI 10.1137/S0895479898334605.
    """
    n, c = known.shape
    p = min(n - c - 1, max(2 * k + 10, 20))
    Q = np.empty((n, c + p + 1), order="F")
    Q[:, :c], V, T = known, Q[:, c:], np.zeros((p, p))
    V[:, 0], _ = _next(known, chance.standard_normal((n,)), chance)
    kept = taken = 0
    while True:
        for j in range(kept, p):
            V[:, j + 1], h = _next(Q[:, : c + j + 1], apply(V[:, j]), chance)
            T[: j + 1, j] = T[j, : j + 1] = h[c:-1]
        taken += p - kept
        theta, S = (array[..., ::-1] for array in np.linalg.eigh(T))
        residual = h[-1] * np.abs(S[-1, :k])
        if (residual <= TOLERANCE * np.abs(theta[:k])).all() or residual[0] < UNSEEN * (enough - theta[0]):
            return theta[:k], V[:, :p] @ S[:, :k], taken
        if taken >= STEPS:
            raise ConvergenceError("Lanczos iterations", float(residual.max()), taken, ADVICE)
        kept = k + (p - k) // 2
        V[:, :kept], V[:, kept] = V[:, :p] @ S[:, :kept], V[:, p]
        T = np.diag(np.append(theta[:kept], np.zeros(p - kept)))


def _next(Q: Floats, w: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """w as a unit vector at right angles to the columns of Q, and what it had in each of them and beyond."""
    h = np.zeros(Q.shape[1] + 1)
    for _ in range(2):  # once is not enough where little is left
        inside = Q.T @ w
        w = w - Q @ inside
        h[:-1] += inside
    h[-1] = np.linalg.norm(w)
    if not h[-1] < np.inf:
        raise ConvergenceError("Lanczos iterations", np.inf, Q.shape[1], ADVICE)
    if h[-1] > LOST * np.linalg.norm(h):
        return w / h[-1], h
    h[-1] = 0.0  # the operator leads nowhere new: start in a new direction
    return _next(Q, chance.standard_normal((len(w),)), chance)[0], h
