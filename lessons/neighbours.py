"""A graph from points: each joined to those nearest to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, real_numbers, whole
from lessons.graph import Graph, as_graph

Floats = NDArray[np.float64]

FEATURES = 8  # up to so many a k-d tree finds neighbours faster than all distances do
DISTANCES = 2**21  # held at a time
GROUP = 16  # distances of which only the least is looked at first
EPS = float(np.finfo(np.float64).eps)
CLEAR = 1e-9  # relative gap beyond which rounding cannot change which of two points is nearer


def neighbour_graph(X: ArrayLike, k: int, *, sigma: float | None = None) -> Graph:
    """Join each point to its k nearest: i - j where either is among the k nearest of the other.

    `X` (n, features); near by Euclidean distance, ties go to the smaller row. Unweighted; with `sigma`, in the
    unit of the distances, weights exp(-|x_i - x_j|^2 / (2 sigma^2)), which are 0.0 beyond 38 sigma: such an edge
    joins nothing. Up to 8 features by a k-d tree, about O(n log n) unless most distances are equal; beyond, all
    distances are looked at, O(n^2 features) time and about 60 MB beside the points.

    Raises ValueError for X that is not a finite matrix, unless 1 <= k < n, for sigma <= 0; TypeError for values
    that are not real numbers, for a sparse X and for a k that is not a whole number.

    >>> neighbour_graph([[0.0], [1.0], [3.0]], k=1).edges()
    [(0, 1), (1, 2)]

    Notebook: 04_laplacian_regularization. Source: M. Belkin and P. Niyogi, Laplacian eigenmaps for dimensionality
    reduction and data representation, Neural Computation 15(6), 2003, section 2; DOI 10.1162/089976603321780317.
    """
    X = _points(X)
    n = len(X)
    if not whole("k", k) < n:
        raise ValueError(f"k={k}: {n} points have at most {n - 1} neighbours each, as no point is its own")
    if sigma is not None:
        sigma = above_zero("sigma", sigma)  # in the unit of the distances
    power = np.frexp(np.abs(X).max())[1]
    points = np.ldexp(X, -power)  # coordinates of size 1, whose squares neither overflow nor vanish
    nearest = _by_tree(points, k) if X.shape[1] <= FEATURES else _by_distances(points, k)
    pairs = np.column_stack([np.repeat(np.arange(n), k), nearest.ravel()])
    if sigma is not None:
        steps = np.column_stack([np.linalg.norm(points - points[column], axis=1) for column in nearest.T])
        weights = np.exp(-((np.ldexp(steps, power) / sigma) ** 2) / 2)
        pairs = np.column_stack([pairs, weights.ravel()])
    return as_graph(pairs, n=n, directed=True).to_undirected(parallel="max")


def _by_distances(X: Floats, k: int) -> NDArray[np.int64]:
    """(n, k) the nearest rows of each row, from all distances, a few rows at a time.

    |x - y|^2 is |x|^2 + |y|^2 - 2 x^T y: one product of matrices gives all of them, but for rounding, and names
    the rows that may be among the nearest. Where these are more than k, the distances from differences decide.
    """
    Y = X - X.mean(axis=0)  # as far apart as before, with shorter products, whose rounding is less
    length = np.einsum("ij,ij->i", Y, Y)
    rounding = 8 * (X.shape[1] + 4) * EPS * (length + length.max())  # more than two distances can be astray
    nearest = np.empty((len(X), k), np.int64)
    step = max(1, DISTANCES // len(X))
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        squares = -2 * Y[block] @ Y.T
        squares += length  # less |x|^2, which is the same for a whole row
        np.fill_diagonal(squares[:, start:], np.inf)  # no point is its own neighbour
        near = squares <= (_not_below_k(squares, k) + rounding[block])[:, None]
        clear = near.sum(axis=1) == k
        nearest[block][clear] = np.nonzero(near[clear])[1].reshape(-1, k)
        for row in np.flatnonzero(~clear).tolist():
            nearest[start + row] = _settled(X, start + row, np.flatnonzero(near[row]), k)
    return nearest


def _not_below_k(squares: Floats, k: int) -> Floats:
    """For each row a number that k of its entries do not exceed, and hardly more: the k-th least of the minima of
    groups, which are a few entries each. Of all entries it would take most of the time."""
    groups = squares.shape[1] // GROUP
    if groups >= 4 * k:
        squares = squares[:, : groups * GROUP].reshape(-1, GROUP, groups).min(axis=1)
    return np.partition(squares, k - 1, axis=1)[:, k - 1]


def _by_tree(X: Floats, k: int) -> NDArray[np.int64]:
    """The same from a k-d tree. It breaks ties as it likes, so rows that have one are settled by distances."""
    from scipy.spatial import cKDTree

    tree = cKDTree(X)
    rows = np.arange(len(X))[:, None]
    distance, found = tree.query(X, k + 2)  # the point itself, its k neighbours, and the first that is not
    clear = distance[:, k + 1] > distance[:, k] * (1 + CLEAR)
    found = found[:, : k + 1]
    nearest = np.empty((len(X), k), np.int64)
    nearest[clear] = found[clear][(found != rows)[clear]].reshape(-1, k)
    for row in np.flatnonzero(~clear).tolist():
        near = np.array(tree.query_ball_point(X[row], distance[row, k] * (1 + CLEAR), return_sorted=True))
        nearest[row] = _settled(X, row, near[near != row], k)
    return nearest


def _settled(X: Floats, row: int, near: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k of these rows, which ascend, that are nearest to a row; ties go to the smaller ones."""
    from scipy.spatial.distance import cdist

    return near[np.argsort(cdist(X[row, None], X[near], "sqeuclidean")[0], kind="stable")[:k]]


def _points(X: ArrayLike) -> Floats:
    X = real_numbers("X", X).astype(np.float64)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"X of shape {X.shape}: a matrix (n, features) is needed, a row for each point")
    if not np.isfinite(X).all():
        row = int(np.argmin(np.isfinite(X).all(axis=1)))
        raise ValueError(f"row {row} of X is {X[row]}: finite numbers are needed")
    return X
