"""Layers that look at the neighbours: what a graph convolutional network is made of.

    S = propagation(graph)                       # row = receiver: S @ X mixes each node with its neighbours
    layer = GCNConv(64, 16, seed=0)              # S X W^T + b
    layer = ChebConv(64, 16, order=3, seed=0)    # sum_k T_k(L - I) X W_k^T + b: up to three edges away
    model = GCN([64, 16, 10], seed=0)            # layers, relu between them, dropout before each
    scores = model(graph, X)                     # (n, 10)

`X` (n, n_in) is a Tensor, an array or a sparse matrix of SciPy, rows aligned with `graph.nodes`. A `Graph` keeps
its S, so convert once: `graph = as_graph(other)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _rng
from lessons._checks import above_zero, not_negative, whole
from lessons._device import module_of, sparse_beside
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import laplacian, undirected
from lessons.layers import Dropout, Layer, _checked_dtype, seed_of
from lessons.tensor import Tensor, record
from lessons.tensor_functions import _sparse_product, linear, relu

if TYPE_CHECKING:
    import scipy.sparse

Rule = Literal["renormalised", "single", "neighbours"]
Rows = NDArray[np.int64]
Step = Callable[[Any], Tensor]


# ---------------------------------------------------------------------------------------- what neighbours pass on


def gcn_definition(
    neighbours: Sequence[Sequence[int]], X: Sequence[Sequence[float]], W: Sequence[Sequence[float]]
) -> list[list[float]]:
    """The definition of a layer of a graph convolutional network, S X W^T, one node after the other.

    Undirected and unweighted: `neighbours[i]` are the nodes joined to i. Each node takes x_j / sqrt(d_i d_j) from
    itself and each neighbour, where d counts the node itself, too; then weighs what it took. O(m n_in + n n_in
    n_out).

    >>> gcn_definition([[1], [0], []], [[2.0], [4.0], [5.0]], [[1.0], [10.0]])
    [[3.0, 30.0], [3.0, 30.0], [5.0, 50.0]]

    Notebook: 10_spectral_gcn. Source: T. N. Kipf, M. Welling, Semi-supervised classification with graph
    convolutional networks, ICLR 2017, equation 8 and appendix A, arXiv:1609.02907.
    """
    d = [1 + len(near) for near in neighbours]
    out = []
    for i, near in enumerate(neighbours):
        taken = [0.0] * len(X[i])
        for j in [i, *near]:
            for feature, x in enumerate(X[j]):
                taken[feature] += x / sqrt(d[i] * d[j])
        out.append([sum(w * x for w, x in zip(row, taken, strict=True)) for row in W])
    return out


def propagation(graph: object, rule: Rule = "renormalised") -> scipy.sparse.csr_array:
    """S (n, n), a csr_array of its own: S @ X gives each node what arrives there along its edges. Row = receiver.

    - "renormalised": S = D^(-1/2) (A + I)^T D^(-1/2), with the degrees of A + I; eigenvalues in (-1, 1];
    - "single": S = I + D^(-1/2) A^T D^(-1/2), eigenvalues in 0 ... 2: repeated, it makes signals grow;
    - "neighbours": S = D^(-1/2) A^T D^(-1/2), eigenvalues in -1 ... 1: no node hears itself, but by a self-loop.

    The eigenvalues are those of an undirected graph. In a directed one the left root takes what a receiver's edges
    weigh together, the right one what a sender's do; the largest singular value of the first and the third is
    still at most 1. An edge counts by its weight. Who has no neighbours keeps what it has, or by "neighbours"
    gets 0. Undirected and renormalised, S = I - laplacian(with_self_loops(graph), "normalised"). O(n + m).

    Raises ValueError for a negative weight, weights that add up beyond float64, another rule.

    >>> propagation(as_graph([(0, 1)], n=3)).toarray()
    array([[0.5, 0.5, 0. ],
           [0.5, 0.5, 0. ],
           [0. , 0. , 1. ]])
    >>> propagation(as_graph([(0, 1)], n=2, directed=True), "neighbours").toarray()
    array([[0., 0.],
           [1., 0.]])

    Notebook: 10_spectral_gcn. Source: T. N. Kipf, M. Welling, ICLR 2017, equations 7 and 8, table 3,
    arXiv:1609.02907; directed: E. Rossi and others, Edge directionality improves learning on heterophilic graphs,
    Learning on Graphs 2023, section 3, arXiv:2305.10498.
    """
    return _propagation(as_graph(graph), rule, np.float64).copy()


def with_self_loops(graph: object) -> Graph:
    """A + I: each node joined to itself by an edge of weight 1 more; labels, direction, edges of 0 stay. O(n + m).

    >>> with_self_loops(as_graph([(0, 1), (1, 1)], n=2)).to_dense()
    array([[1., 1.],
           [1., 2.]])

    Notebook: 10_spectral_gcn.
    """
    from scipy.sparse import coo_array

    graph = as_graph(graph)
    A, own = graph.to_scipy().tocoo(), np.arange(graph.n)
    ends = np.concatenate([A.row, own]), np.concatenate([A.col, own])
    weights = np.concatenate([A.data, np.ones(graph.n)])  # to be added up there: A + I would lose edges of 0
    return as_graph(coo_array((weights, ends), shape=A.shape), nodes=graph.nodes, directed=graph.directed)


def row_normalised(X: Any) -> Any:
    """Each row divided by the sum of its absolute values, as float32; a row of zeros stays. Dense or sparse.

    A bag of words becomes the share of each word. O(entries). Raises ValueError for another shape than (n, k), and
    for rows that are not finite.

    >>> row_normalised([[1.0, 3.0], [0.0, 0.0]])
    array([[0.25, 0.75],
           [0.  , 0.  ]], dtype=float32)

    Notebook: 10_spectral_gcn.
    """
    sparse = hasattr(X, "tocsr")
    X = X if sparse else np.asarray(X, np.float64)
    if len(X.shape) != 2:
        raise ValueError(f"X of shape {X.shape}: (n, k) is needed, a row for each node")
    if not sparse:
        return (X / _sizes(np.abs(X).sum(axis=1))[:, None]).astype(np.float32)
    X = X.tocsr().astype(np.float64)  # a copy, which may be written to
    X.sum_duplicates()
    X.data /= np.repeat(_sizes(abs(X).sum(axis=1)), np.diff(X.indptr))
    return X.astype(np.float32)


def _sizes(sums: Any) -> NDArray[np.float64]:
    """What rows are divided by: their sums, 1 where that is 0."""
    sums = np.asarray(sums).ravel()
    if not np.isfinite(sums).all():
        row = int(np.argmin(np.isfinite(sums)))
        raise ValueError(f"row {row} of X adds up to {sums[row]}: finite numbers are needed")
    return np.where(sums > 0, sums, 1.0)


def _propagation(graph: Graph, rule: str, dtype: DTypeLike) -> scipy.sparse.csr_array:
    """S, made once for each graph, rule and dtype; never to be written to."""
    if rule not in get_args(Rule):
        raise ValueError(f'rule={rule!r}: "renormalised", "single" or "neighbours"')
    name = f"{rule} propagation {np.dtype(dtype)}"
    return graph.kept(name, lambda: _made(graph, rule).astype(dtype))


def _made(graph: Graph, rule: str) -> scipy.sparse.csr_array:
    from scipy.sparse import eye_array

    A = not_negative(graph, "propagation").to_scipy()
    A.eliminate_zeros()  # an edge of weight 0 joins nothing
    if rule == "renormalised":
        A = (A + eye_array(graph.n)).tocsr()
    S = A.T.tocsr()
    with np.errstate(over="ignore"):
        arriving, leaving = np.sqrt(S.sum(axis=1)), np.sqrt(A.sum(axis=1))
    if not np.isfinite([arriving, leaving]).all():
        node = graph.nodes[int(np.argmin(np.isfinite(arriving) & np.isfinite(leaving)))]
        raise ValueError(f"the weights at node {node!r} add up beyond float64: divide all weights by the largest")
    receivers = np.repeat(np.arange(graph.n), np.diff(S.indptr))
    # one product for both, so that an undirected S is symmetric to the bit
    roots = arriving[receivers] * leaving[S.indices]
    S.data = np.divide(S.data, roots, out=np.zeros_like(roots), where=roots > 0)
    return (S + eye_array(graph.n)).tocsr() if rule == "single" else S


# ---------------------------------------------------------------------------------------- layers


class GCNConv(Layer):
    """A layer of a graph convolutional network: S X W^T + b, `layer(graph, X)` from (n, n_in) to (n, n_out).

    S is the graph's `propagation` by `rule`. `W` (n_out, n_in) starts uniform in +-sqrt(6 / (n_in + n_out)), `b`
    (n_out,) at zero, or is None without `bias`. O(entries of X * n_out + (n + m) n_out).

    >>> layer = GCNConv(3, 2, seed=0)
    >>> layer, layer(as_graph([(0, 1)], n=4), np.ones((4, 3), np.float32)).shape
    (GCNConv(3, 2), (4, 2))

    Notebook: 10_spectral_gcn. Source: T. N. Kipf, M. Welling, ICLR 2017, equation 8, arXiv:1609.02907; the start:
    X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010,
    equation 16.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        rule: Rule = "renormalised",
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if rule not in get_args(Rule):
            raise ValueError(f'rule={rule!r}: "renormalised", "single" or "neighbours"')
        self.rule = rule
        self.W, self.b = _start(seed, (whole("n_out", n_out), whole("n_in", n_in)), bias, dtype)

    def __call__(self, graph: object, X: Any) -> Tensor:  # type: ignore[override]
        graph = as_graph(graph)
        S = _kept_beside(self.W, graph, f"{self.rule} propagation", _propagation(graph, self.rule, self.W.dtype))
        return self._through(S, None, _features(self, graph, X))

    def near(self, graph: Graph, rows: Rows) -> tuple[Rows, Step]:
        """What these rows of the result depend on: rows of X, ascending, and how the result follows from them."""
        S = _propagation(graph, self.rule, self.W.dtype)[rows]
        needed = np.unique(S.indices)
        S = sparse_beside(S[:, needed], self.W._data)
        return needed, partial(self._through, S, S.T)

    def _through(self, S: scipy.sparse.csr_array, turned: scipy.sparse.csc_array | None, X: Any) -> Tensor:
        out = _sparse_product(S, _weighed(self, X, self.W), turned)
        return out if self.b is None else out + self.b

    def __repr__(self) -> str:
        return f"GCNConv({self.W.shape[1]}, {self.W.shape[0]})"


class ChebConv(Layer):
    """A spectral filter that is learned: sum_k T_k(M) X W_k^T + b for k = 0 ... `order`, M = 2 L / lam_max - I.

    L is the normalised Laplacian, whose frequencies are at most 2: with `lam_max` 2, M = L - I, and -1 at a node
    without neighbours (others define L as 1 there). A `lam_max` below the largest frequency lets the polynomials
    grow without bound. A node sees what is up to `order` edges away. `W` (order + 1, n_out, n_in) and `b` (n_out,)
    start as in `GCNConv`.

    X meets the weights first; what remains are polynomials of n_out columns, added up by Clenshaw's recurrence. On
    the way back the gradient of X W_k^T is T_k(M) G, by Chebyshev's. O(entries of X * order * n_out + order m
    n_out).

    Raises ValueError for a directed graph, a negative weight.

    >>> layer = ChebConv(3, 2, order=4, seed=0)
    >>> layer, layer.W.shape, layer(as_graph([(0, 1)], n=4), np.ones((4, 3), np.float32)).shape
    (ChebConv(3, 2, order=4), (5, 2, 3), (4, 2))

    Notebook: 10_spectral_gcn. Source: M. Defferrard, X. Bresson, P. Vandergheynst, Convolutional neural networks
    on graphs with fast localized spectral filtering, NIPS 2016, equations 4 and 5, arXiv:1606.09375.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        order: int,
        *,
        bias: bool = True,
        lam_max: float = 2.0,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape = whole("order", order, 0) + 1, whole("n_out", n_out), whole("n_in", n_in)
        self.order, self.lam_max = order, above_zero("lam_max", lam_max)
        self.W, self.b = _start(seed, shape, bias, dtype)

    def __call__(self, graph: object, X: Any) -> Tensor:  # type: ignore[override]
        graph = undirected(graph)
        M = _kept_beside(self.W, graph, f"scaled normalised laplacian {self.lam_max}", self._matrix(graph))
        return self._through(M, _features(self, graph, X))

    def near(self, graph: Graph, rows: Rows) -> tuple[Rows, Step]:
        """What these rows of the result depend on: rows of X, ascending, and how the result follows from them."""
        M, needed = self._matrix(undirected(graph)), rows
        for _ in range(self.order):  # T_k reaches as far as k edges, all of them between nodes that are as near
            needed = np.union1d(needed, M[needed].indices)
        inner, wanted = sparse_beside(M[needed][:, needed], self.W._data), np.flatnonzero(np.isin(needed, rows))
        return needed, lambda X: self._through(inner, X)[wanted]

    def _matrix(self, graph: Graph) -> scipy.sparse.csr_array:
        from scipy.sparse import eye_array

        def made() -> scipy.sparse.csr_array:
            return (2 / self.lam_max * laplacian(graph, "normalised") - eye_array(graph.n)).tocsr()

        name = f"scaled normalised laplacian {self.lam_max} {self.W.dtype}"
        return graph.kept(name, lambda: made().astype(self.W.dtype))

    def _through(self, M: scipy.sparse.csr_array, X: Any) -> Tensor:
        terms, n_out, n_in = self.W.shape
        Y = _weighed(self, X, self.W.reshape(terms * n_out, n_in))
        out = _chebyshev_sum(M, Y.reshape(-1, terms, n_out))
        return out if self.b is None else out + self.b

    def __repr__(self) -> str:
        return f"ChebConv({self.W.shape[2]}, {self.W.shape[1]}, order={self.order})"


def _chebyshev_sum(M: scipy.sparse.csr_array, Y: Tensor) -> Tensor:
    """sum_k T_k(M) Y_k with M (n, n) symmetric and Y (n, terms, d); gives (n, d)."""
    y = Y.data

    def back(G: Any) -> Any:
        """The gradient of Y_k is T_k(M) G: T_0 = I, T_1 = M, T_k = 2 M T_(k-1) - T_(k-2)."""
        parts = np.empty_like(y)
        before, now = M @ G, G  # T_(-1) is T_1
        for k in range(y.shape[1]):
            parts[:, k] = now
            before, now = now, 2 * (M @ now) - before
        return parts

    later = after = np.zeros_like(y[:, 0])
    for k in range(y.shape[1] - 1, 0, -1):  # Clenshaw: B_k = Y_k + 2 M B_(k+1) - B_(k+2)
        later, after = y[:, k] + 2 * (M @ later) - after, later
    return record("chebyshev_sum", y[:, 0] + M @ later - after, (Y, back))


def _start(seed: _rng.Seed, shape: tuple[int, ...], bias: bool, dtype: DTypeLike) -> tuple[Tensor, Tensor | None]:
    """Weights (..., n_out, n_in), uniform in +-sqrt(6 / (n_in + n_out)), and biases of zero."""
    size = int(np.prod(shape))
    draws = _rng.uniforms(_rng.key_of(seed), [0], size).reshape(shape)
    W = (2 * draws - 1) * sqrt(6 / (shape[-1] + shape[-2]))
    return Tensor(W.astype(_checked_dtype(dtype))), Tensor(np.zeros(shape[-2], dtype)) if bias else None


def _kept_beside(W: Tensor, graph: Graph, name: str, M: scipy.sparse.csr_array) -> Any:
    """M where the weights lie; what was brought to a device once stays there with the graph."""
    if module_of(W._data) is np:
        return M
    return graph.kept(f"{name} {M.dtype} on a device", lambda: sparse_beside(M, W._data))


def _weighed(layer: Layer, X: Any, W: Tensor) -> Tensor:
    """X W^T of features that `_features` has prepared."""
    if X.shape[1] != W.shape[1]:
        raise ValueError(f"{layer} of X {tuple(X.shape)}: it has weights for {W.shape[1]} features")
    if not hasattr(X, "tocsr"):
        return linear(X, W)
    return _sparse_product(X, W.T)


def _features(layer: Layer, graph: Graph, X: Any) -> Any:
    """X to compute with: in the dtype of the layer's weights and beside them, but for a Tensor, which stays; a
    sparse one as a copy in CSR.

    A copy, since SciPy may sort the caller's in place at any time.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    if len(X.shape) != 2 or X.shape[0] != graph.n:
        raise ValueError(f"{layer} of X {tuple(X.shape)} on {graph.n} nodes: ({graph.n}, n_in) is needed")
    if isinstance(X, Tensor):
        return X
    if X.dtype.kind not in "biuf":
        raise TypeError(f"{layer} of X that holds {X.dtype}: real numbers are needed")
    like = next((tensor._data for tensor in layer.parameters()), np.empty(0, X.dtype))
    if hasattr(X, "tocsr"):
        return sparse_beside(X.tocsr().astype(like.dtype), like)
    return module_of(like).asarray(X, dtype=like.dtype)


# ---------------------------------------------------------------------------------------- networks


class GraphNetwork(Layer):
    """Layers on one graph, relu between them, dropout before each: `model(graph, X)` gives scores (n, classes).

    `convs` are layers called like `conv(graph, X)`; of a sparse X dropout drops stored entries. An array is taken
    in the dtype of the weights, a Tensor as it is.

    >>> model = GraphNetwork([GCNConv(4, 8, seed=0), ChebConv(8, 3, order=2, seed=1)], seed=2)
    >>> model, model(as_graph([(0, 1)], n=5), np.ones((5, 4), np.float32)).shape
    (GraphNetwork([GCNConv(4, 8), ChebConv(8, 3, order=2)]), (5, 3))

    Notebook: 10_spectral_gcn.
    """

    def __init__(self, convs: Sequence[Layer], *, dropout: float = 0.5, seed: _rng.Seed) -> None:
        self.convs = [] if isinstance(convs, Layer) else list(convs)
        if isinstance(convs, Layer) or not all(isinstance(conv, Layer) for conv in self.convs):
            raise TypeError(f"convs={convs!r}: a list of layers is needed, such as [GCNConv(64, 10, seed=0)]")
        if not self.convs:
            raise ValueError("convs=[]: at least one layer, such as GCNConv(64, 10, seed=0)")
        self.dropout = Dropout(dropout, seed=seed)

    def __call__(self, graph: object, X: Any) -> Tensor:  # type: ignore[override]
        graph = as_graph(graph)
        return self._through([partial(conv, graph) for conv in self.convs], _features(self, graph, X))

    def focus(self, graph: object, X: Any, mask: Any) -> Callable[[], Tensor]:
        """What gives the scores of some nodes only, those where `mask` (n,) is True, in row order.

        It computes what they depend on and nothing else: k layers of `GCNConv` see k edges far. The sums are those
        of the whole, so scores agree to rounding, as long as nothing is dropped: which entries go depends on the
        shape. Worth it where it is called often: the neighbourhoods are collected here, once.

        Raises TypeError for a mask that is none, ValueError for one of another length.

        >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=4)
        >>> X = np.array([[1.0], [2.0], [3.0], [np.nan]])
        >>> GCN([1, 2], seed=0).eval().focus(path, X, [True, False, False, False])().data.round(3).shape
        (1, 2)
        """
        graph = as_graph(graph)
        X, rows = _features(self, graph, X), np.flatnonzero(checked_mask("mask", mask, graph.n))
        steps: list[Step] = []
        for conv in reversed(self.convs):
            rows, step = conv.near(graph, rows)  # type: ignore[attr-defined]
            steps.insert(0, step)
        if isinstance(X, Tensor):
            return lambda: self._through(steps, X[rows])
        part = X[rows]
        return lambda: self._through(steps, part)

    def _through(self, steps: Sequence[Step], X: Any) -> Tensor:
        for k, step in enumerate(steps):
            X = step(self._dropped(relu(X) if k else X))
        return X

    def _dropped(self, X: Any) -> Any:
        if not hasattr(X, "tocsr"):
            return self.dropout(X)
        if not self.training or not self.dropout.p:
            return X
        dropped = copy(X)  # the same indices; to make a matrix of them takes as long as to drop entries
        dropped.data = self.dropout(dropped.data).data
        return dropped

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.convs})"


class GCN(GraphNetwork):
    """A graph convolutional network: `GCNConv` layers from each of `sizes` to the next.

    On a graph without edges S = I, and it is a multilayer perceptron: the same network without the graph.

    >>> GCN([1433, 16, 7], seed=0)
    GCN([GCNConv(1433, 16), GCNConv(16, 7)])

    Notebook: 10_spectral_gcn. Source: T. N. Kipf, M. Welling, ICLR 2017, equation 9, arXiv:1609.02907.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        rule: Rule = "renormalised",
        dropout: float = 0.5,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        convs, rest = _stacked(partial(GCNConv, rule=rule, dtype=dtype), sizes, seed)
        super().__init__(convs, dropout=dropout, seed=rest)


class ChebNet(GraphNetwork):
    """A network of `ChebConv` layers of one order, from each of `sizes` to the next.

    >>> ChebNet([1433, 16, 7], order=2, seed=0)
    ChebNet([ChebConv(1433, 16, order=2), ChebConv(16, 7, order=2)])

    Notebook: 10_spectral_gcn. Source: M. Defferrard, X. Bresson, P. Vandergheynst, NIPS 2016, arXiv:1606.09375;
    for nodes, T. N. Kipf, M. Welling, ICLR 2017, table 3, arXiv:1609.02907.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        order: int,
        *,
        dropout: float = 0.5,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        convs, rest = _stacked(partial(ChebConv, order=order, dtype=dtype), sizes, seed)
        super().__init__(convs, dropout=dropout, seed=rest)


def checked_mask(name: str, mask: Any, n: int) -> NDArray[np.bool_]:
    """A mask (n,) of True and False. Raises TypeError for another kind, such as rows; ValueError for its length.

    >>> checked_mask("train", [True, False], 2)
    array([ True, False])
    """
    array = np.asarray(mask)
    if array.dtype != np.bool_:
        raise TypeError(
            f"{name} holds {array.dtype}: a mask of True and False is needed, one for each node; of rows, "
            "np.isin(np.arange(n), rows)"
        )
    if array.shape != (n,):
        raise ValueError(f"{name} of shape {array.shape} for {n} nodes: ({n},) is needed")
    return array


def _stacked(conv: Callable[..., Layer], sizes: Sequence[int], seed: _rng.Seed) -> tuple[list[Layer], int]:
    """Layers from each size to the next, each with a seed of its own, and the seed of what follows."""
    if np.ndim(sizes) != 1 or len(sizes) < 2:
        raise ValueError(f"sizes={sizes!r}: two or more, from that of the input to the number of classes")
    key = _rng.key_of(seed)
    convs = [conv(*pair, seed=seed_of(key, k)) for k, pair in enumerate(pairwise(sizes))]
    return convs, seed_of(key, len(convs))
