"""Smooth a signal on a graph: Laplacians, energy, smoothing, labels that spread, a penalty to train with.

    L = laplacian(graph)                                # sparse; kind="normalised" and "random_walk" are there too
    smooth(graph, noisy, lam=2.0).X                     # what (I + lam L) X = B has for an answer
    label_spreading(graph, labels).labels               # labels (n,), -1 where unknown
    loss = cross_entropy(model(x), y) + lam * graph_penalty(pixels, W.T)

The graphs here are undirected and their weights are not negative. The degree d of a node is the sum of its row of
A, a self-loop counted once; a self-loop joins nothing, so it leaves the combinatorial Laplacian as it is. Nor does
an edge of weight 0 join anything.

Each function takes what `as_graph` takes, and reads it anew at each call: convert once, `graph = as_graph(other)`,
as a Graph keeps its Laplacian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import above_zero, finite_rows, not_negative, zero_or_more
from lessons._device import Device, array_module
from lessons.conjugate_gradients import TOLERANCE, checked_residual, column, conjugate_gradients, iterate, share
from lessons.errors import ConvergenceError
from lessons.graph import Graph, as_graph
from lessons.neighbours import neighbour_graph
from lessons.tensor import Tensor, tensor_of
from lessons.tensor_functions import sparse_matmul

if TYPE_CHECKING:
    import scipy.sparse

__all__ = [
    "UNKNOWN",
    "Kind",
    "Labelling",
    "Smoothing",
    "conjugate_gradients",
    "degrees",
    "dirichlet_energy",
    "graph_penalty",
    "label_propagation",
    "label_propagation_definition",
    "label_spreading",
    "laplacian",
    "laplacian_definition",
    "neighbour_graph",
    "signal",
    "smooth",
    "symmetric_kind",
    "undirected",
]

Kind = Literal["combinatorial", "normalised", "random_walk"]
Floats = NDArray[np.float64]

UNKNOWN = -1  # the label of a node that has none
FLOOR = 1e-14  # the least that a solver is asked for
HUGE = 1e100  # entries of a matrix whose squares, times a signal, are still numbers
TIE = 1e-6  # scores that differ by less, beside the best, are equal
ASTRAY = 1e-3  # how far from 1 the scores of a node may sum up


# ---------------------------------------------------------------------------------------- the Laplacian


def laplacian(graph: object, kind: Kind = "combinatorial") -> scipy.sparse.csr_array:
    """The Laplacian of an undirected graph as an (n, n) csr_array of its own, rows in the order of `graph.nodes`.

    - "combinatorial": L = D - A, with d_i = sum_j A_ij on the diagonal of D; its rows sum to 0;
    - "normalised": D^(-1/2) L D^(-1/2), symmetric, its eigenvalues between 0 and 2;
    - "random_walk": D^(-1) L, whose rows sum to 0; the same eigenvalues, not symmetric.

    A node without neighbours has a row of zeros in all three. O(n + m).

    Raises ValueError for a directed graph, a negative weight, weights that add up beyond float64, another kind.

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

    Notebook: 04_laplacian_regularization. Source: F. R. K. Chung, Spectral Graph Theory, AMS 1997, section 1.2.
    """
    graph = undirected(graph)
    X = signal(graph, X)
    return graph.edge_weights @ (_differences(graph, symmetric_kind(kind)) @ X) ** 2


def graph_penalty(graph: object, X: Any, *, kind: Kind = "combinatorial") -> Tensor:
    """The Dirichlet energy of a Tensor, summed over its columns: a number to add to a loss.

    `X` (n,) or (n, k), one row for each node. A layer has W (out, in): nodes are inputs in `graph_penalty(g,
    W.T)`, outputs in `graph_penalty(g, W)`. Its gradient is 2 L X. Never negative, in float32 neither, as it sums
    squares; what is not finite stays so. O((n + m) k).

    Raises ValueError for a directed graph, a negative weight, X of another length, and for "random_walk".

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
    difference = sparse_matmul(_differences(graph, symmetric_kind(kind)), X)
    weights = column(graph.edge_weights, difference.data).astype(X.dtype)
    return (difference * difference * weights).sum()


def _laplacian(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    """The Laplacian, made once for each graph and kind; never to be written to."""
    if kind not in get_args(Kind):
        raise ValueError(f'kind={kind!r}: "combinatorial", "normalised" or "random_walk"')
    return graph.kept(f"{kind} laplacian", lambda: _made(graph, kind))


def _made(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    from scipy.sparse import diags_array

    d = degrees(graph)
    A = _joining(graph)  # D - A with a heavy self-loop in both would lose the light edges beside it
    L = (diags_array(A.sum(axis=1)) - A).tocsr()
    rows, columns = np.repeat(np.arange(graph.n), np.diff(L.indptr)), L.indices
    if kind == "normalised":  # in the same order on both sides of the diagonal, so that rounding is the same
        root = np.sqrt(d)
        beside = L.data / root[np.minimum(rows, columns)] / root[np.maximum(rows, columns)]
        L.data = np.where(rows == columns, L.data / d[rows], beside)
    elif kind == "random_walk":
        L.data /= d[rows]
    return L


def _joining(graph: Graph) -> scipy.sparse.csr_array:
    """A without what joins nothing: self-loops and edges of weight 0."""
    A = graph.to_scipy()
    A.data[graph.sources == graph.indices] = 0.0
    A.eliminate_zeros()
    return A


def _differences(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    """(m, n) what takes a signal to x_u - x_v along each edge, or to x_u / sqrt(d_u) - x_v / sqrt(d_v)."""
    return graph.kept(f"{kind} differences", lambda: _made_differences(graph, kind))


def _made_differences(graph: Graph, kind: str) -> scipy.sparse.csr_array:
    from scipy.sparse import csr_array

    d = degrees(graph)
    scale = np.ones(graph.n)
    if kind == "normalised":
        np.divide(1.0, np.sqrt(d), out=scale, where=d > 0)
    ends = graph.edge_rows.ravel()
    signs = np.tile([1.0, -1.0], graph.m)
    return csr_array((signs * scale[ends], ends, np.arange(0, 2 * graph.m + 1, 2)), shape=(graph.m, graph.n))


def degrees(graph: Graph) -> Floats:
    """(n,) the sum of each row of A: weights of the edges at each node, a self-loop counted once.

    Raises ValueError where a sum is beyond float64.

    >>> degrees(as_graph([(0, 1, 2.0), (1, 1, 0.5)], n=3))
    array([2. , 2.5, 0. ])
    """
    return graph.kept("row sums", lambda: _row_sums(graph))


def _row_sums(graph: Graph) -> Floats:
    with np.errstate(over="ignore"):
        d = graph.to_scipy().sum(axis=1)
    if not np.isfinite(d).all():
        node = graph.nodes[int(np.argmin(np.isfinite(d)))]
        raise ValueError(f"the weights at node {node!r} add up beyond float64: divide all weights by the largest")
    return d


# ---------------------------------------------------------------------------------------- smoothing


@dataclass(frozen=True)
class Smoothing:
    """What `smooth` found: X, like B; the residual |B - (I + lam L) X| / |B| of the column where it is largest, L
    of the kind asked for; and the number of iterations."""

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
    device: Device = "cpu",
) -> Smoothing:
    """The signal near B that is smooth: X = argmin |X - B|^2 + lam X^T L X, the answer of (I + lam L) X = B.

    `B` (n,) or (n, k), rows aligned with `graph.nodes`, columns apart from each other; lam >= 0. "combinatorial"
    keeps the mean of each component, and X between the least and the largest B; "random_walk" counts a node by its
    degree, argmin (X - B)^T D (X - B) + lam X^T (D - A) X.

    By `conjugate_gradients`, at most `iterations` (10 n unless told) of O((n + m) k); they grow with sqrt(lam
    lam_max). Those of one column and of several are not to be compared: one is preconditioned by the diagonal,
    several on a large graph by Gauss-Seidel, in about a third of the iterations. Float64 brings the residual to
    about 1e-16 lam lam_max, hardly below.

    With `device="gpu"` CuPy multiplies, preconditioned by the diagonal: so far run on a stand-in for its arrays
    only, on no card. The residual is computed from what came back.

    Raises ValueError for a directed graph, a negative weight, B of another length or not finite, lam < 0 or huge;
    ConvergenceError where the residual stays above `tolerance`; ImportError without CuPy, RuntimeError without a
    device.

    >>> answer = smooth(as_graph([(0, 1)], n=3), [0.0, 3.0, 7.0], lam=1.0)
    >>> answer.X.round(6), answer.residual < 1e-8
    (array([1., 2., 7.]), True)

    Notebook: 04_laplacian_regularization. Source: A. J. Smola and R. Kondor, Kernels and regularization on graphs,
    COLT 2003, pages 144-158 (the regularised Laplacian); DOI 10.1007/978-3-540-45167-9_12.
    """
    array_module(device)
    graph = undirected(graph)
    Y = signal(graph, B, "B")
    K = _smoothing_matrix(_laplacian(graph, kind), lam)
    _, power = np.frexp(np.abs(Y).max(axis=0, initial=0.0))
    Y = np.ldexp(Y, -power)  # columns of size 1, whose squares neither overflow nor vanish
    if kind == "random_walk":
        X, residual, taken = _solve_similar(K, _roots(degrees(graph)), Y, tolerance, iterations, device)
    else:
        X, residual, taken = conjugate_gradients(K, Y, tolerance, iterations, device=device)
    return Smoothing(np.ldexp(X, power), residual, taken)


def _smoothing_matrix(L: scipy.sparse.csr_array, lam: float) -> scipy.sparse.csr_array:
    """I + lam L, lam checked."""
    from scipy.sparse import eye_array

    lam = zero_or_more("lam", lam)
    if L.nnz and lam > HUGE / max(L.data.max(), 1.0):
        raise ValueError(f"lam={lam!r}: times a degree of {L.data.max():g} it is beyond {HUGE:g}")
    return (eye_array(L.shape[0]) + lam * L).tocsr()


def _solve_similar(
    K: scipy.sparse.csr_array,
    s: Floats,
    B: Floats,
    tolerance: float,
    iterations: int | None,
    device: Device = "cpu",
) -> tuple[Floats, float, int]:
    """Solve K X = B where M = S K S^(-1) is symmetric, S = diag(s), s >= 1: X = S^(-1) Y, where M Y = S B.

    With X = S^(-1) Y the residuals are B - K X = S^(-1) (S B - M Y), no longer than S B - M Y as s >= 1. So
    |S B - M Y| <= t |B| is enough for |B - K X| <= t |B|: relative to |S B|, a tolerance of t |B| / |S B|.
    """
    from scipy.sparse import diags_array

    M = (diags_array(s) @ K @ diags_array(1.0 / s)).tocsr()
    SB = B * column(s, B)
    shorter = np.linalg.norm(B, axis=0), np.linalg.norm(SB, axis=0)
    tight = tolerance * np.min(share(*shorter), where=shorter[1] > 0, initial=1.0)
    Y, taken = iterate(M, SB, max(tight, min(FLOOR, tolerance)), iterations, device=device)
    X = Y / column(s, B)
    return X, checked_residual(K, X, B, tolerance, taken), taken


def _roots(d: Floats) -> Floats:
    """sqrt(d) of nodes that have a degree, the least of them being 1; and 1 for the others."""
    least = np.min(d, where=d > 0, initial=np.inf)
    return np.where(d > 0, np.sqrt(d) / np.sqrt(least), 1.0)


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


def label_propagation_definition(graph: Graph, labels: Sequence[int], rounds: int) -> list[list[float]]:
    """The definition of `label_propagation`: in each round a node without a label takes the weighted mean of its
    neighbours' scores. Gives the scores, a row for each node and a column for each class.

    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=4)
    >>> [round(row[1], 3) for row in label_propagation_definition(path, [0, -1, -1, 7], rounds=30)]
    [0.0, 0.333, 0.667, 1.0]
    """
    A = graph.to_dense().tolist()
    classes = sorted(set(labels) - {UNKNOWN})
    scores = [[float(label == c) for c in classes] for label in labels]
    for _ in range(rounds):
        before = scores
        scores = [list(row) for row in before]
        for i, label in enumerate(labels):
            if label == UNKNOWN and sum(A[i]) > 0:
                means = [sum(w * row[c] for w, row in zip(A[i], before, strict=True)) for c in range(len(classes))]
                scores[i] = [mean / sum(A[i]) for mean in means]
    return scores


def label_propagation(
    graph: object, labels: ArrayLike, *, tolerance: float = TOLERANCE, iterations: int | None = None
) -> Labelling:
    """Give every node the label that a random walk from it meets first, most likely; known labels stay.

    `labels` (n,) whole numbers aligned with `graph.nodes`, -1 where unknown. `scores[i, c]` is the chance that a
    walk from node i meets a label of class c before any other: the harmonic function, where each unknown score is
    the weighted mean of its neighbours' (`residual` is how far from it they are, relative to what the known labels
    give). Scores are in 0 ... 1 and sum to 1, or are 0 and the label -1 where no label reaches. Scores that agree
    to six digits are a tie, which goes to the smaller label. One solve for each of c classes, all together:
    iterations of O((n + m) c), which grow with the distance to the nearest labels, on a path of n nodes to n. See
    `smooth` for what they mean.

    Classes with names: `classes, labels = np.unique(names, return_inverse=True)`, then -1 where unknown. Labels by
    node: `[labels.get(node, -1) for node in graph.nodes]`. The scores of one class: `scores[:, classes == 1]`.

    Raises ValueError for a directed graph, a negative weight, labels of another length or below -1, or none known;
    TypeError for labels that are not whole numbers; ConvergenceError, also where scores are far from summing to 1:
    where nodes hang on labels by a thread, a small residual does not make a right answer.

    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=5)
    >>> answer = label_propagation(path, [0, -1, -1, 1, -1])
    >>> answer.labels.tolist(), answer.scores[1].round(6).tolist()
    ([0, 0, 1, 1, -1], [0.666667, 0.333333])

    Notebook: 04_laplacian_regularization. Source: X. Zhu, Z. Ghahramani, J. Lafferty, Semi-supervised learning
    using Gaussian fields and harmonic functions, ICML 2003, equation 5.
    """
    graph = undirected(graph)
    known, classes, scores = _one_hot(graph, labels)
    free, fixed = np.flatnonzero(_reached(graph, known) & ~known), np.flatnonzero(known)
    L = _laplacian(graph, "random_walk")[free]
    s = _roots(degrees(graph)[free])
    F, residual, taken = _solve_similar(L[:, free], s, -(L[:, fixed] @ scores[fixed]), tolerance, iterations)
    astray = float(np.max(np.abs(F.sum(axis=1) - 1), initial=0.0))
    if astray > ASTRAY:
        advice = (
            "Some nodes hang on labels by weights that are very small: give a smaller tolerance, or drop them."
        )
        raise ConvergenceError("label propagation, sums of scores", astray, taken, advice)
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
    S = I - L for the normalised L, which is D^(-1/2) A D^(-1/2) where nodes have neighbours; that is
    F = (I + lam L)^(-1) Y with lam = alpha / (1 - alpha). alpha in (0, 1): how much of a score comes from the
    neighbours. The label is -1 where no label reaches. Ties and cost as in `label_propagation`, but iterations
    grow with sqrt(lam).

    Scores fall with the distance to the labels: on a path by a factor of 1.15 a step at alpha = 0.99, as lam = 99
    and cosh(log 1.15) is about 1 + 1 / lam. Where they fall below the error of the solution, they tell nothing.

    Raises what `label_propagation` does, ValueError for another alpha, and ConvergenceError where a label reaches
    a node with a score below that error. `label_propagation` names such nodes; so may an alpha nearer to 1 or a
    smaller tolerance.

    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=5)
    >>> label_spreading(path, [0, -1, -1, 1, -1]).labels.tolist()
    [0, 0, 1, 1, -1]

    Notebook: 04_laplacian_regularization. Source: D. Zhou, O. Bousquet, T. Lal, J. Weston, B. Schölkopf, Learning
    with local and global consistency, Advances in Neural Information Processing Systems 16, 2003, pages 321-328.
    """
    graph = undirected(graph)
    alpha = above_zero("alpha", alpha, below=1)
    known, classes, Y = _one_hot(graph, labels)
    answer = smooth(graph, Y, alpha / (1 - alpha), kind="normalised", tolerance=tolerance, iterations=iterations)
    error = answer.residual * np.linalg.norm(Y, axis=0).max()  # no score is further astray: I + lam L >= I
    faint = _reached(graph, known) & (answer.X.max(axis=1) <= error)
    if faint.any():
        node, count = graph.nodes[int(np.argmax(faint))], int(faint.sum())
        problem = f"label spreading, {count} nodes (one is {node!r}) with scores below the error of the solution"
        advice = "They are far from all labels: take label_propagation, alpha nearer to 1, or a smaller tolerance."
        raise ConvergenceError(problem, answer.residual, answer.iterations, advice)
    return Labelling(_named(answer.X, classes), answer.X, classes, answer.residual, answer.iterations)


def _one_hot(graph: Graph, labels: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.int64], Floats]:
    """Which nodes have a label, the classes in order, and the matrix Y (n, c) with a one for each label."""
    array = _whole_labels(labels)
    if array.shape != (graph.n,):
        raise ValueError(f"labels of shape {array.shape} for {graph.n} nodes: one each, {UNKNOWN} where unknown")
    wrong = (array < UNKNOWN) | (array > np.iinfo(np.int64).max)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"label {array[row]} of node {graph.nodes[row]!r}: an int64 from 0, or {UNKNOWN} for unknown"
        )
    array = array.astype(np.int64)
    known = array != UNKNOWN
    if not known.any():
        raise ValueError(f"no node has a label: at least one must be 0 or more; {UNKNOWN} means unknown")
    classes = np.unique(array[known])
    return known, classes, (array[:, None] == classes).astype(np.float64)


def _whole_labels(labels: ArrayLike) -> NDArray[Any]:
    """Labels as an array of whole numbers; or TypeError, with how to make one of what was given."""
    if isinstance(labels, Mapping):
        raise TypeError(f"labels by node: pass [labels.get(node, {UNKNOWN}) for node in graph.nodes]")
    array = np.asarray(labels)
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "f":
        advice = f"np.nan_to_num(labels, nan={UNKNOWN}).astype(int)"
    else:
        advice = f"classes, labels = np.unique(names, return_inverse=True), then {UNKNOWN} where unknown"
    raise TypeError(f"labels of type {array.dtype}: whole numbers are needed; make them by {advice}")


def _reached(graph: Graph, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a node shares a component with a label."""
    from scipy.sparse.csgraph import connected_components

    _, component = connected_components(_joining(graph), directed=False)
    return np.isin(component, component[known])


def _named(scores: Floats, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class of the best score in each row, the first of those that tie; unknown where none is above 0."""
    best = scores.max(axis=1)
    first = np.argmax(scores >= best[:, None] - TIE * np.abs(best[:, None]), axis=1)
    return np.where(best > 0, classes[first], UNKNOWN)


# ---------------------------------------------------------------------------------------- at the door


def undirected(graph: object) -> Graph:
    """The graph, undirected and without negative weights.

    Raises ValueError for another, naming `to_undirected()` or the edge.

    >>> import networkx as nx
    >>> undirected(nx.path_graph(3))
    Graph(n=3, m=2, undirected)
    """
    return not_negative(as_graph(graph, directed=False), "a Laplacian")


def symmetric_kind(kind: Kind) -> Kind:
    """The kind, if its Laplacian is a symmetric matrix. Raises ValueError.

    >>> symmetric_kind("normalised")
    'normalised'
    """
    if kind not in ("combinatorial", "normalised"):
        raise ValueError(f'kind={kind!r}: "combinatorial" or "normalised", whose matrices are symmetric')
    return kind


def signal(graph: Graph, X: ArrayLike, name: str = "X") -> Floats:
    """A signal as float64, of its own: (n,) or (n, k), a row for each node. Raises ValueError, TypeError.

    >>> signal(as_graph([(0, 1)], n=2), [3, 4])
    array([3., 4.])
    """
    return finite_rows(name, X, graph.nodes, "node")
