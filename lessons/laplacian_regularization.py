"""Smooth a signal on a graph: Laplacians, energy, smoothing, labels that spread, a penalty to train with.

    L = laplacian(graph)                                # sparse; kind="normalised" and "random_walk" are there too
    smooth(graph, noisy, lam=2.0).X                     # what (I + lam L) X = B has for an answer
    label_spreading(graph, labels).labels               # labels (n,), -1 where unknown
    loss = cross_entropy(model(x), y) + lam * graph_penalty(pixels, W.T)

The graphs here are undirected and their weights are not negative. The degree d of a node is the sum of its row of
A, a self-loop counted once; a self-loop joins nothing, so it leaves the combinatorial Laplacian as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.errors import ConvergenceError
from lessons.graph import Graph, as_graph
from lessons.tensor import Tensor, tensor_of
from lessons.tensor_functions import sparse_matmul

if TYPE_CHECKING:
    import scipy.sparse

Kind = Literal["combinatorial", "normalised", "random_walk"]
Floats = NDArray[np.float64]

UNKNOWN = -1  # the label of a node that has none
TOLERANCE = 1e-8  # relative residual
BLOCK = 16  # right-hand sides that are solved for together
ROWS = 2**22  # distances held at a time


# ---------------------------------------------------------------------------------------- the Laplacian


def laplacian(graph: object, kind: Kind = "combinatorial") -> scipy.sparse.csr_array:
    """The Laplacian of an undirected graph as an (n, n) csr_array of its own, rows in the order of `graph.nodes`.

    - "combinatorial": L = D - A, with d_i = sum_j A_ij on the diagonal of D;
    - "normalised": D^(-1/2) L D^(-1/2), symmetric, eigenvalues 0 ... 2;
    - "random_walk": D^(-1) L = I - D^(-1) A, whose rows sum to 0; the same eigenvalues, not symmetric.

    A node without neighbours (d_i = 0) has a row of zeros in all three. O(n + m).

    Raises ValueError for a directed graph, a negative weight, another kind.

    >>> path = as_graph([(0, 1), (1, 2)], n=4)
    >>> laplacian(path).toarray()
    array([[ 1., -1.,  0.,  0.],
           [-1.,  2., -1.,  0.],
           [ 0., -1.,  1.,  0.],
           [ 0.,  0.,  0.,  0.]])
    >>> laplacian(path, "random_walk").toarray()[1]
    array([-0.5,  1. , -0.5,  0. ])

    Notebook: 04_laplacian_regularization. Source: F. R. K. Chung, Spectral Graph Theory, AMS 1997, sections 1.2,
    1.4.
    """
    return _laplacian(undirected(graph), kind).copy()


def laplacian_definition(graph: Graph) -> Floats:
    """The definition of `laplacian`, combinatorial and dense: each edge adds w to two diagonal entries, -w beside.

    >>> laplacian_definition(as_graph([(0, 1, 3.0)], n=2))
    array([[ 3., -3.],
           [-3.,  3.]])
    """
    L = np.zeros((graph.n, graph.n))
    for (u, v), w in zip(graph.edge_rows, graph.edge_weights, strict=True):
        L[u, u] += w
        L[v, v] += w
        L[u, v] -= w
        L[v, u] -= w  # on a self-loop all four meet in one entry, and cancel
    return L


def dirichlet_energy(graph: object, X: ArrayLike, *, kind: Kind = "combinatorial") -> Any:
    """How far a signal is from smooth: sum over edges of w_ij (x_i - x_j)^2, which is x^T L x.

    `X` (n,) or (n, k), rows aligned with `graph.nodes`; gives a number, or (k,) one for each column. Zero where
    the signal is constant on each component, at most lam_max |x|^2. "normalised" compares x_i / sqrt(d_i). O((n +
    m) k).

    Raises ValueError for a directed graph, a negative weight, X of another length or not finite, and for
    "random_walk", which is not symmetric: weighted by degree it has the energy of "combinatorial".

    >>> path = as_graph([(0, 1), (1, 2)], n=3)
    >>> float(dirichlet_energy(path, [5, 5, 5])), float(dirichlet_energy(path, [0, 1, 3]))
    (0.0, 5.0)

    Notebook: 04_laplacian_regularization.
    """
    graph = undirected(graph)
    X = signal(graph, X)
    symmetric(kind)
    if kind == "normalised":
        X = X * _column(_inverse_root(degrees(graph)), X)
    u, v = graph.edge_rows.T
    return np.tensordot(graph.edge_weights, (X[u] - X[v]) ** 2, axes=1)


def graph_penalty(graph: object, X: Any, *, kind: Kind = "combinatorial") -> Tensor:
    """The Dirichlet energy of a Tensor, summed over its columns: a number to add to a loss.

    `X` (n,) or (n, k), one row for each node. A layer has W (out, in): nodes are inputs in `graph_penalty(g,
    W.T)`, outputs in `graph_penalty(g, W)`. Its gradient is 2 L X. The Laplacian is made once for each graph. O((n
    + m) k).

    Raises what `dirichlet_energy` does.

    >>> from lessons.backpropagation import Tensor
    >>> x = Tensor([0.0, 1.0, 3.0])
    >>> energy = graph_penalty(as_graph([(0, 1), (1, 2)], n=3), x)
    >>> energy.backward()
    >>> energy.item(), x.grad
    (5.0, array([-2., -2.,  4.]))

    Notebook: 04_laplacian_regularization.
    """
    graph = undirected(graph)
    X = tensor_of(X)
    if X.ndim not in (1, 2) or X.shape[0] != graph.n:
        raise ValueError(f"X {X.shape} on {graph.n} nodes: ({graph.n},) or ({graph.n}, k) is needed, a row a node")
    return (X * sparse_matmul(_laplacian(graph, symmetric(kind)), X)).sum()


def _laplacian(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    """The Laplacian, made once for each graph and kind; never to be written to."""
    if kind not in get_args(Kind):
        raise ValueError(f'kind={kind!r}: "combinatorial", "normalised" or "random_walk"')
    return graph.kept(f"{kind} laplacian", lambda: _made(graph, kind))


def _made(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    from scipy.sparse import diags_array

    d = degrees(graph)
    L = (diags_array(d) - graph.to_scipy()).tocsr()
    if kind == "normalised":
        root = diags_array(_inverse_root(d))
        L = (root @ L @ root).tocsr()
    elif kind == "random_walk":
        L = (diags_array(_inverse(d)) @ L).tocsr()
    return L


def degrees(graph: Graph) -> Floats:
    """(n,) the sum of each row of A: weights of the edges at each node, a self-loop counted once."""
    return graph.kept("row sums", lambda: graph.to_scipy().sum(axis=1))


def _inverse(d: Floats) -> Floats:
    """1 / d, and 0 where there is nothing to divide by."""
    return np.divide(1.0, d, out=np.zeros_like(d), where=d > 0)


def _inverse_root(d: Floats) -> Floats:
    return np.sqrt(_inverse(d))


# ---------------------------------------------------------------------------------------- smoothing


@dataclass(frozen=True)
class Smoothing:
    """What `smooth` found: X; the largest relative residual of a column, |B - (I + lam L) X| / |B|; iterations."""

    X: Floats
    residual: float
    iterations: int


def smooth(
    graph: object,
    B: ArrayLike,
    lam: float,
    *,
    kind: Kind = "combinatorial",
    tolerance: float = TOLERANCE,
    iterations: int | None = None,
) -> Smoothing:
    """The signal near B that is smooth: X = argmin |X - B|^2 + lam X^T L X, the answer of (I + lam L) X = B.

    `B` (n,) or (n, k), rows aligned with `graph.nodes`, columns apart from each other; lam >= 0. The mean over
    each component stays as it is ("combinatorial"). Conjugate gradients, at most `iterations` (10 n unless told):
    SciPy's for one column, in blocks of 16 columns otherwise. About sqrt(1 + lam lam_max) iterations of O((n + m)
    k).

    Raises ValueError for a directed graph, a negative weight, B of another length or not finite, lam < 0;
    ConvergenceError where the relative residual stays above `tolerance`.

    >>> answer = smooth(as_graph([(0, 1)], n=3), [0.0, 3.0, 7.0], lam=1.0)
    >>> answer.X.round(6), answer.residual < 1e-8
    (array([1., 2., 7.]), True)

    Notebook: 04_laplacian_regularization. Source: A. J. Smola and R. Kondor, Kernels and regularization on graphs,
    COLT 2003, section 3; DOI 10.1007/978-3-540-45167-9_12.
    """
    from scipy.sparse import diags_array

    graph = undirected(graph)
    B = signal(graph, B, "B")
    if not 0 <= lam < np.inf:
        raise ValueError(f"lam={lam!r}: a finite number, zero or more")
    scale = np.ones(graph.n)
    if kind == "random_walk":  # times D it is symmetric: (D + lam L) X = D B
        scale = np.where(degrees(graph) > 0, degrees(graph), 1.0)
    L = _laplacian(graph, "combinatorial" if kind == "random_walk" else kind)
    M = (diags_array(scale) + lam * L).tocsr()
    X, residual, taken = conjugate_gradients(M, B * _column(scale, B), tolerance, iterations)
    return Smoothing(X, residual, taken)


def conjugate_gradients(
    M: scipy.sparse.csr_array, B: Floats, tolerance: float = TOLERANCE, iterations: int | None = None
) -> tuple[Floats, float, int]:
    """Solve M X = B for a symmetric positive definite M (n, n): X, the largest relative residual, iterations.

    Preconditioned by the diagonal of M. `B` (n,) or (n, k); the columns go on together until the last is done.

    Raises ConvergenceError, ValueError for a tolerance or a limit that is not positive.
    """
    limit = 10 * max(M.shape[0], 1) if iterations is None else iterations
    if not tolerance > 0 or limit < 1:
        raise ValueError(f"tolerance={tolerance!r}, iterations={iterations!r}: both must be above 0")
    if B.ndim == 1:
        X, taken = _one(M, B, tolerance, limit)
    else:
        X, taken = np.zeros_like(B), 0
        for start in range(0, B.shape[1], BLOCK):
            block = np.s_[:, start : start + BLOCK]
            X[block], steps = _block(M, np.ascontiguousarray(B[block]), tolerance, limit)
            taken = max(taken, steps)
    residual = float(np.max(_share(np.linalg.norm(B - M @ X, axis=0), np.linalg.norm(B, axis=0)), initial=0.0))
    if taken >= limit and residual > tolerance:
        raise ConvergenceError("conjugate gradients", residual, taken)
    return X, residual, taken


def _one(M: scipy.sparse.csr_array, b: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    from scipy.sparse.linalg import LinearOperator, cg

    inverse = 1.0 / M.diagonal()
    taken = 0

    def count(x: Floats) -> None:
        nonlocal taken
        taken += 1

    preconditioner = LinearOperator(M.shape, matvec=lambda r: inverse * r, dtype=np.float64)
    x, _ = cg(M, b, rtol=tolerance, maxiter=limit, M=preconditioner, callback=count)
    return x, taken


def _block(M: scipy.sparse.csr_array, B: Floats, tolerance: float, limit: int) -> tuple[Floats, int]:
    """Conjugate gradients for several columns in step, each with its own numbers."""
    inverse = _column(1.0 / M.diagonal(), B)
    X, R = np.zeros_like(B), B.copy()
    P = inverse * R
    rz = _dots(R, P)
    enough = (tolerance * np.linalg.norm(B, axis=0)) ** 2
    taken = 0
    while taken < limit and (_dots(R, R) > enough).any():
        Q = M @ P
        step = _share(rz, _dots(P, Q))
        X += step * P
        R -= step * Q
        Z = inverse * R
        before, rz = rz, _dots(R, Z)
        P = Z + _share(rz, before) * P
        taken += 1
    return X, taken


def _dots(X: Floats, Y: Floats) -> Floats:
    return np.einsum("ij,ij->j", X, Y)


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole, and 0 where the whole is 0: a column that is done, or was zero from the start."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


# ---------------------------------------------------------------------------------------- labels


@dataclass(frozen=True)
class Labelling:
    """Labels for all nodes: `labels` (n,), -1 where no known label reaches; `scores` (n, c), a column for each of
    `classes` (c,), the known labels in order; the solver's residual and iterations."""

    labels: NDArray[np.int64]
    scores: Floats
    classes: NDArray[np.int64]
    residual: float
    iterations: int


def label_propagation(
    graph: object, labels: ArrayLike, *, tolerance: float = TOLERANCE, iterations: int | None = None
) -> Labelling:
    """Give every node the label that a random walk from it meets first, most likely; known labels stay.

    `labels` (n,) whole numbers aligned with `graph.nodes`, -1 where unknown. `scores[i, c]` is the chance that a
    walk from node i meets a label of class c before any other: the harmonic function, where each unknown score is
    the weighted mean of its neighbours'. Ties go to the smaller label. One solve for each class, all together.

    Raises ValueError for a directed graph, a negative weight, labels of another length or below -1, or none known;
    TypeError for labels that are not whole numbers; ConvergenceError.

    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=5)
    >>> answer = label_propagation(path, [0, -1, -1, 1, -1])
    >>> answer.labels.tolist(), answer.scores[1].round(6).tolist()
    ([0, 0, 1, 1, -1], [0.666667, 0.333333])

    Notebook: 04_laplacian_regularization. Source: X. Zhu, Z. Ghahramani, J. Lafferty, Semi-supervised learning
    using Gaussian fields and harmonic functions, ICML 2003, equation 5.
    """
    graph = undirected(graph)
    known, classes, scores = _one_hot(graph, labels)
    free = np.flatnonzero(_reached(graph, known) & ~known)
    fixed = np.flatnonzero(known)
    L = _laplacian(graph, "combinatorial")[free]
    F, residual, taken = conjugate_gradients(L[:, free], -(L[:, fixed] @ scores[fixed]), tolerance, iterations)
    scores[free] = F
    return Labelling(_named(scores, classes), scores, classes, residual, taken)


def label_spreading(
    graph: object,
    labels: ArrayLike,
    *,
    alpha: float = 0.99,
    tolerance: float = TOLERANCE,
    iterations: int | None = None,
) -> Labelling:
    """Let known labels spread along the edges and be corrected by their neighbours: smoothing of the label matrix.

    `labels` as in `label_propagation`. The scores are where F = alpha S F + (1 - alpha) Y comes to rest, with
    S = D^(-1/2) A D^(-1/2): F = (I + lam L)^(-1) Y for the normalised L and lam = alpha / (1 - alpha).
    alpha in (0, 1): how much of a score comes from the neighbours. Ties go to the smaller label.

    Raises what `label_propagation` does, and ValueError for another alpha.

    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=5)
    >>> label_spreading(path, [0, -1, -1, 1, -1]).labels.tolist()
    [0, 0, 1, 1, -1]

    Notebook: 04_laplacian_regularization. Source: D. Zhou, O. Bousquet, T. Lal, J. Weston, B. Schölkopf, Learning
    with local and global consistency, NIPS 2003, equations 3 and 4.
    """
    graph = undirected(graph)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha!r}: above 0 and below 1")
    known, classes, scores = _one_hot(graph, labels)
    answer = smooth(
        graph, scores, alpha / (1 - alpha), kind="normalised", tolerance=tolerance, iterations=iterations
    )
    scores = np.where(_reached(graph, known)[:, None], answer.X, 0.0)
    return Labelling(_named(scores, classes), scores, classes, answer.residual, answer.iterations)


def _one_hot(graph: Graph, labels: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.int64], Floats]:
    """Which nodes have a label, the classes in order, and the matrix Y (n, c) with a one for each label."""
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels of type {array.dtype}: whole numbers are needed, {UNKNOWN} where unknown")
    if array.shape != (graph.n,):
        raise ValueError(f"labels of shape {array.shape} for {graph.n} nodes: one each, {UNKNOWN} where unknown")
    array = array.astype(np.int64)
    if (array < UNKNOWN).any():
        row = int(np.argmax(array < UNKNOWN))
        raise ValueError(f"label {array[row]} of node {graph.nodes[row]!r}: 0 or more, or {UNKNOWN} for unknown")
    known = array != UNKNOWN
    if not known.any():
        raise ValueError(f"no node has a label: at least one must be 0 or more; {UNKNOWN} means unknown")
    classes = np.unique(array[known])
    return known, classes, (array[:, None] == classes).astype(np.float64)


def _reached(graph: Graph, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a node shares a component with a label; an edge of weight 0 joins nothing."""
    from scipy.sparse.csgraph import connected_components

    A = graph.to_scipy()
    A.eliminate_zeros()
    _, component = connected_components(A, directed=False)
    return np.isin(component, np.unique(component[known]))


def _named(scores: Floats, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(scores.any(axis=1), classes[scores.argmax(axis=1)], UNKNOWN)


# ---------------------------------------------------------------------------------------- a graph from points


def neighbour_graph(X: ArrayLike, k: int, *, sigma: float | None = None) -> Graph:
    """Join each point to its k nearest: i - j where either is among the k nearest of the other.

    `X` (n, features); near by Euclidean distance, ties go to the smaller row. Unweighted; with `sigma`, in the
    unit of the distances, weights exp(-|x_i - x_j|^2 / (2 sigma^2)). O(n^2 features) time, 64 MB at a time.

    Raises ValueError for X that is not a finite matrix, unless 1 <= k < n, for sigma <= 0.

    >>> neighbour_graph([[0.0], [1.0], [3.0]], k=1).edges()
    [(0, 1), (1, 2)]

    Notebook: 04_laplacian_regularization. Source: M. Belkin and P. Niyogi, Laplacian eigenmaps for dimensionality
    reduction and data representation, Neural Computation 15(6), 2003, section 2; DOI 10.1162/089976603321780317.
    """
    from scipy.spatial.distance import cdist

    X = _points(X)
    n = len(X)
    if not 1 <= k < n:
        raise ValueError(f"k={k}: each of {n} points has 1 to {n - 1} neighbours")
    nearest = np.empty((n, k), np.int64)
    squares = np.empty((n, k))
    for start in range(0, n, max(1, ROWS // n)):
        rows = np.arange(start, min(n, start + max(1, ROWS // n)))
        distances = cdist(X[rows], X, "sqeuclidean")
        distances[np.arange(len(rows)), rows] = np.inf  # no point is its own neighbour
        nearest[rows] = np.argsort(distances, axis=1, kind="stable")[:, :k]
        squares[rows] = np.take_along_axis(distances, nearest[rows], axis=1)
    pairs = np.column_stack([np.repeat(np.arange(n), k), nearest.ravel()])
    if sigma is None:
        return as_graph(pairs, n=n, directed=True).to_undirected(parallel="max")
    if not sigma > 0:
        raise ValueError(f"sigma={sigma!r}: above 0, in the unit of the distances")
    weights = np.exp(-squares.ravel() / (2 * sigma**2))
    return as_graph(np.column_stack([pairs, weights]), n=n, directed=True).to_undirected(parallel="max")


def _points(X: ArrayLike) -> Floats:
    X = np.asarray(X, np.float64)
    if X.ndim != 2:
        raise ValueError(f"X of shape {X.shape}: a matrix (n, features) is needed, a row for each point")
    if not np.isfinite(X).all():
        row = int(np.argmin(np.isfinite(X).all(axis=1)))
        raise ValueError(f"row {row} of X is {X[row]}: finite numbers are needed")
    return X


# ---------------------------------------------------------------------------------------- at the door


def undirected(graph: object) -> Graph:
    """The graph, undirected and without negative weights.

    Raises ValueError for another, naming `to_undirected()` or the edge.
    """
    graph = as_graph(graph, directed=False)
    negative = graph.edge_weights < 0
    if negative.any():
        at = int(np.argmax(negative))
        raise ValueError(
            f"edge {graph.edges()[at]!r} has weight {graph.edge_weights[at]}: a Laplacian needs weights >= 0"
        )
    return graph


def symmetric(kind: Kind) -> Kind:
    """The kind, if its Laplacian is a symmetric matrix. Raises ValueError."""
    if kind not in ("combinatorial", "normalised"):
        raise ValueError(f'kind={kind!r}: "combinatorial" or "normalised", whose matrices are symmetric')
    return kind


def signal(graph: Graph, X: ArrayLike, name: str = "X") -> Floats:
    """A signal as float64: (n,) or (n, k), a row for each node. Raises ValueError, TypeError."""
    array = np.asarray(X)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} of type {array.dtype}: real numbers are needed")
    if array.ndim not in (1, 2) or len(array) != graph.n:
        raise ValueError(f"{name} of shape {array.shape} for {graph.n} nodes: a row for each is needed")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(graph.n, -1)).all(axis=1)))
        raise ValueError(f"{name} at node {graph.nodes[row]!r} is {array[row]}: finite numbers are needed")
    return array


def _column(values: Floats, X: Floats) -> Floats:
    """A number for each node, shaped so that it multiplies the rows of X."""
    return values if X.ndim == 1 else values[:, None]
