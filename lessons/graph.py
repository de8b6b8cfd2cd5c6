"""One immutable graph, `Graph`, and the one door to it, `as_graph`.

    graph = as_graph(nx.les_miserables_graph())        # any networkx graph, any scipy.sparse matrix
    graph = as_graph([(0, 1), (1, 2)], n=4)            # an edge list; node 3 is isolated
    graph.nodes, graph.edges(), graph.by_node(scores)  # labels in, labels out
    graph.indptr, graph.indices, graph.weights         # compressed sparse rows (CSR) within

`A[i, j]` is the edge i -> j: row = source. An undirected edge is two arcs, i -> j and j -> i; a self-loop is one.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _csr
from lessons._csr import Label, Parallel
from lessons.errors import UnknownLabel

if TYPE_CHECKING:
    import networkx
    import scipy.sparse

T = TypeVar("T")

DENSE_LIMIT = 5_000  # nodes; an n x n array of float64 then takes 200 MB


def _kept(compute: Callable[[Graph], T]) -> property:
    """A property that is computed at its first use and then kept; arrays are made read-only."""
    name = compute.__name__

    def get(graph: Graph) -> T:
        return graph.kept(name, lambda: compute(graph))

    return property(get, doc=compute.__doc__)


class Graph:
    """A graph in compressed sparse rows, immutable; `as_graph` makes one from anything.

    The successors of the node in row i are `indices[indptr[i]:indptr[i + 1]]`, sorted, each at most once.

    Attributes: `n` nodes; `directed`; `indptr` (n + 1,) int64; `indices` (arcs,) int32, the target row of each
    arc; `weights` (arcs,) float64, or None where every edge just counts one. All arrays are read-only.

    >>> graph = as_graph([("wash", "dry"), ("dry", "wear")], nodes=["wear", "dry", "wash"], directed=True)
    >>> graph
    Graph(n=3, m=2, directed)
    >>> graph.neighbors("wash"), graph.index("wash"), graph.indptr.tolist(), graph.indices.tolist()
    (['dry'], 2, [0, 0, 1, 2], [0, 1])

    Notebook: 00_start_here.
    """

    __slots__ = ("_cache", "_labels", "directed", "indices", "indptr", "n", "weights")

    n: int
    directed: bool
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: NDArray[np.float64] | None
    _labels: tuple[Label, ...] | None
    _cache: dict[str, Any]

    def __init__(
        self,
        indptr: NDArray[np.int64],
        indices: NDArray[np.int32],
        weights: NDArray[np.float64] | None = None,
        *,
        directed: bool,
        labels: tuple[Label, ...] | None = None,
    ) -> None:
        """Keep arrays that are canonical already: rows sorted, no arc twice, symmetric where undirected.

        Nothing is checked or copied here: `as_graph` is the door that does. `labels=None` means 0 ... n - 1.
        """
        keep = {
            "n": len(indptr) - 1,
            "directed": bool(directed),
            "indptr": _read_only(np.ascontiguousarray(indptr, np.int64)),
            "indices": _read_only(np.ascontiguousarray(indices, np.int32)),
            "weights": None if weights is None else _read_only(np.ascontiguousarray(weights, np.float64)),
            "_labels": labels,
            "_cache": {},
        }
        for name, value in keep.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Graph is immutable: make a new one with as_graph instead of setting {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Graph is immutable: {name!r} stays")

    # ------------------------------------------------------------------------------------ labels and rows

    @_kept
    def nodes(self) -> tuple[Label, ...]:
        """The labels of the nodes, in the caller's order: row i belongs to `nodes[i]`."""
        return tuple(range(self.n)) if self._labels is None else self._labels

    @_kept
    def _rows(self) -> dict[Label, int]:
        return {label: row for row, label in enumerate(self.nodes)}

    def index(self, label: Label) -> int:
        """The row of the node with this label. An integer is a label too, never a row.

        Raises UnknownLabel, a KeyError that names the nearest label.

        >>> as_graph([(10, 20)], nodes=[10, 20]).index(20)
        1
        """
        if self._labels is None:
            whole = int(label) if isinstance(label, float) and label.is_integer() else label  # 2.0 is the label 2
            try:
                row = operator.index(whole)  # type: ignore[arg-type]
            except TypeError:
                row = -1
            if 0 <= row < self.n:
                return int(row)
        elif isinstance(label, Hashable) and label in self._rows:
            return self._rows[label]
        raise UnknownLabel(label, self._labels or range(self.n))

    def by_node(self, values: ArrayLike) -> dict[Label, Any]:
        """A per-node answer as a dictionary: `values` (n, ...) in the order of `nodes` -> {label: value}.

        Raises ValueError where the length is not n.

        >>> as_graph([("a", "b")], nodes=["a", "b"]).by_node([0.25, 0.75])
        {'a': 0.25, 'b': 0.75}
        """
        return dict(zip(self.nodes, _aligned(values, self.n, "nodes"), strict=True))

    def by_edge(self, values: ArrayLike) -> dict[tuple[Label, Label], Any]:
        """A per-edge answer as a dictionary: `values` (m, ...) in the order of `edges()` -> {(u, v): value}.

        Raises ValueError where the length is not m.

        >>> as_graph([("a", "b")], nodes=["a", "b"]).by_edge([3])
        {('a', 'b'): 3}
        """
        return dict(zip(self.edges(), _aligned(values, self.m, "edges"), strict=True))

    # ------------------------------------------------------------------------------------ edges and arcs

    @_kept
    def sources(self) -> NDArray[np.int32]:
        """(arcs,) the source row of each arc, beside `indices`, its target row."""
        return np.repeat(np.arange(self.n, dtype=np.int32), np.diff(self.indptr))

    @_kept
    def m(self) -> int:
        """The number of edges: an undirected edge counts once, though it is two arcs."""
        arcs = len(self.indices)
        return arcs if self.directed else (arcs + int(np.count_nonzero(self.sources == self.indices))) // 2

    @_kept
    def edge_rows(self) -> NDArray[np.int32]:
        """(m, 2) the rows of both ends of each edge, sorted; for an undirected edge the smaller row first."""
        ends = np.column_stack([self.sources, self.indices])
        return ends if self.directed else ends[ends[:, 0] <= ends[:, 1]]

    def edges(self) -> list[tuple[Label, Label]]:
        """The edges as pairs of labels, (source, target) where directed; per-edge answers follow this order.

        >>> as_graph([("c", "a"), ("a", "b")], nodes=["a", "b", "c"]).edges()
        [('a', 'b'), ('a', 'c')]
        """
        nodes = self.nodes
        return [(nodes[u], nodes[v]) for u, v in self.edge_rows.tolist()]

    @_kept
    def edge_ids(self) -> NDArray[np.int64]:
        """(arcs,) for each arc, which edge of `edges()` it is; both arcs of an undirected edge share one."""
        if self.directed:
            return np.arange(len(self.indices))
        upper = self.sources <= self.indices
        ids = np.cumsum(upper) - 1
        ids[~upper] = ids[self.reverse_order[~upper]]
        return ids

    @_kept
    def edge_weights(self) -> NDArray[np.float64]:
        """(m,) the weight of each edge of `edges()`; ones where the graph is unweighted."""
        if self.weights is None:
            return np.ones(self.m)
        return self.weights if self.directed else self.weights[self.sources <= self.indices]

    def neighbors(self, label: Label) -> list[Label]:
        """The labels at the far ends of the edges from this node (its successors), in row order; O(degree)."""
        row = self.index(label)
        return [self.nodes[v] for v in self.indices[self.indptr[row] : self.indptr[row + 1]].tolist()]

    def predecessors(self, label: Label) -> list[Label]:
        """The labels of the nodes with an edge to this one, in row order."""
        return self.reverse.neighbors(label)

    # ------------------------------------------------------------------------------------ the other direction

    @_kept
    def _transposed(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """indptr and indices of the reversed arcs, and the arc of this graph that each one is; O(n + arcs)."""
        from scipy.sparse import csr_array

        arcs = np.arange(len(self.indices))
        turned = csr_array((arcs, self.indices, self.indptr), shape=(self.n, self.n)).tocsc()
        return turned.indptr.astype(np.int64), turned.indices.astype(np.int32), turned.data

    @_kept
    def reverse_order(self) -> NDArray[np.int64]:
        """(arcs,) where arc k of `reverse` stands among the arcs here; undirected: the arc back from each arc."""
        return self._transposed[2]

    @_kept
    def reverse(self) -> Graph:
        """The graph with every edge turned round, its rows sorted too; an undirected graph is its own reverse."""
        if not self.directed:
            return self
        indptr, indices, order = self._transposed
        weights = None if self.weights is None else self.weights[order]
        return Graph(indptr, indices, weights, directed=True, labels=self._labels)

    # ------------------------------------------------------------------------------------ kept for topics

    def kept(self, name: str, compute: Callable[[], T]) -> T:
        """What a topic has computed from this graph, which never changes: once, then kept under this name.

        An array is made read-only; anything else must not be written to.

        >>> as_graph([(0, 1)], n=2).kept("double", lambda: 2 * np.ones(2))
        array([2., 2.])
        """
        if name not in self._cache:
            self._cache[name] = _read_only(compute())
        return self._cache[name]

    # ------------------------------------------------------------------------------------ degrees

    def out_degrees(self) -> NDArray[np.int64]:
        """(n,) edges that leave each node; of an undirected graph, its `degrees`. Parallel edges were merged."""
        return np.diff(self.indptr) if self.directed else self.degrees()

    def in_degrees(self) -> NDArray[np.int64]:
        """(n,) edges that enter each node; of an undirected graph, its `degrees`."""
        return np.bincount(self.indices, minlength=self.n) if self.directed else self.degrees()

    def degrees(self) -> NDArray[np.int64]:
        """(n,) edges at each node, as networkx counts: in plus out where directed, a self-loop twice; O(n + m).

        >>> as_graph([(0, 1), (1, 1)], n=3).degrees()
        array([1, 3, 0])
        """
        if self.directed:
            return self.out_degrees() + self.in_degrees()
        loops = self.indices[self.sources == self.indices]
        return np.diff(self.indptr) + np.bincount(loops, minlength=self.n)

    # ------------------------------------------------------------------------------------ to other forms

    def to_undirected(self, parallel: Parallel = "sum") -> Graph:
        """The same edges without direction; u -> v and v -> u become parallel edges, merged as told.

        >>> as_graph([(0, 1), (1, 0)], n=2, directed=True).to_undirected().edge_weights
        array([2.])
        """
        _csr.check_parallel(parallel)
        if not self.directed:
            return self
        arrays = _csr.from_pairs(self.n, self.edge_rows, self.weights, False, parallel, self._labels)
        return Graph(*arrays, directed=False, labels=self._labels)

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The adjacency matrix A (n, n) as a float64 csr_array of its own: A[i, j] is the weight of i -> j.

        Its indices are int32 where they can be, below 2^31 arcs: some libraries take no others.
        """
        from scipy.sparse import csr_array

        weights = np.ones(len(self.indices)) if self.weights is None else self.weights.copy()
        narrow = np.int32 if len(self.indices) < 2**31 else np.int64
        return csr_array((weights, self.indices.copy(), self.indptr.astype(narrow)), shape=(self.n, self.n))

    def to_dense(self, *, force: bool = False) -> NDArray[np.float64]:
        """The adjacency matrix A as an (n, n) array; 8 n^2 bytes.

        Raises ValueError above 5,000 nodes, unless forced.

        >>> as_graph([(0, 1, 0.5)], n=2, directed=True).to_dense()
        array([[0. , 0.5],
               [0. , 0. ]])
        """
        check_dense(self.n, force=force, instead="to_scipy()")
        dense = np.zeros((self.n, self.n))
        dense[self.sources, self.indices] = 1.0 if self.weights is None else self.weights
        return dense

    def to_networkx(self) -> networkx.Graph:
        """The same graph as a networkx Graph or DiGraph, with `weight` on its edges where weighted."""
        import networkx

        copy = networkx.DiGraph() if self.directed else networkx.Graph()
        copy.add_nodes_from(self.nodes)
        if self.weights is None:
            copy.add_edges_from(self.edges())
        else:
            pairs = zip(self.edges(), self.edge_weights.tolist(), strict=True)
            copy.add_weighted_edges_from((u, v, weight) for (u, v), weight in pairs)
        return copy

    # ------------------------------------------------------------------------------------ as a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        if (self.n, self.directed) != (other.n, other.directed):
            return False
        if not (self._labels is None and other._labels is None) and self.nodes != other.nodes:
            return False
        if (self.weights is None) != (other.weights is None):
            return False
        return (
            np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.indices, other.indices)
            and (self.weights is None or np.array_equal(self.weights, other.weights))  # type: ignore[arg-type]
        )

    def __hash__(self) -> int:
        return hash((self.n, self.directed, self.nodes, self.indptr.tobytes(), self.indices.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.indptr, self.indices, self.weights, self.directed, self._labels)

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        return f"Graph(n={self.n}, m={self.m}, {kind}{'' if self.weights is None else ', weighted'})"


def as_graph(
    source: object,
    *,
    n: int | None = None,
    nodes: Iterable[Label] | None = None,
    directed: bool | None = None,
    weight: str | None = "weight",
    parallel: Parallel = "sum",
) -> Graph:
    """Make a `Graph` of anything that describes one; the source is never touched. Cost O(n + m log m).

    `source` is one of
    - a `Graph`, returned as it is, or an object whose `to_graph()` gives one;
    - a networkx graph of any kind: weighted where its edges carry the attribute `weight`;
    - a square scipy.sparse array or matrix of any format: A[i, j] is the edge i -> j, stored zeros are edges
      (except in BSR and DIA, which pad with zeros), a matrix of ones is unweighted;
    - an edge list, (u, v) or (u, v, weight) each, or an (m, 2) or (m, 3) array of them, with `n` (the nodes are
      0 ... n - 1) or with `nodes`, the labels in the order wanted.

    `directed` tells how to read what does not say it itself: an edge list is undirected unless told; a matrix
    is undirected where it is symmetric. Of a graph it is what you need: the other kind is an error.
    `parallel` merges edges with the same ends: the sum of their weights (an unweighted edge counts one),
    the smallest, the largest, or an error. u - v and v - u of an undirected edge list are parallel.

    Raises TypeError for another kind of object; ValueError for weights that are missing on some edges only, not
    numbers or not finite, for labels given twice, for a matrix that is not square or not as symmetric as told;
    UnknownLabel for an end that is no node.

    >>> as_graph([(0, 1), (1, 2)], n=4)
    Graph(n=4, m=2, undirected)
    >>> import networkx as nx, scipy.sparse as sp
    >>> as_graph(nx.DiGraph([("a", "b")])).edges()
    [('a', 'b')]
    >>> as_graph(sp.csr_array([[0.0, 2.0], [0.0, 0.0]]))
    Graph(n=2, m=1, directed, weighted)

    Notebook: 00_start_here.
    """
    _csr.check_parallel(parallel)
    graph = _read_graph(source, weight, parallel)
    if graph is not None:
        if n is not None or nodes is not None:
            raise ValueError("n= and nodes= describe an edge list or a matrix; this graph has its nodes already")
        return _of_kind(graph, directed)
    if _is_sparse(source):
        if n is not None:
            raise ValueError(f"n={n}: a matrix has its number of nodes already; leave n out")
        return _from_scipy(source, nodes, directed, parallel)
    return _from_edge_list(source, n, nodes, bool(directed), parallel)


def check_dense(n: int, *, force: bool, instead: str) -> None:
    """Refuse n x n work above 5,000 nodes unless forced, naming what to use instead.

    Raises ValueError.

    >>> check_dense(5_000, force=False, instead="to_scipy()")
    """
    if n > DENSE_LIMIT and not force:
        size = 8 * n * n / 2**30
        raise ValueError(
            f"{n:,} nodes make an n x n array of {size:,.1f} GiB; use {instead}, or force=True to have it anyway"
        )


# ---------------------------------------------------------------------------------------- readers of each source


def _read_graph(source: object, weight: str | None, parallel: Parallel) -> Graph | None:
    """The graph that an object is or gives; None where it is a matrix or an edge list."""
    if isinstance(source, Graph):
        return source
    networkx = sys.modules.get("networkx")  # who has not imported it, has no graph of it either
    if networkx is not None and isinstance(source, networkx.Graph):
        return _from_networkx(source, weight, parallel)
    to_graph = None if isinstance(source, type) else getattr(source, "to_graph", None)
    if to_graph is not None:
        graph = to_graph()
        if not isinstance(graph, Graph):
            raise TypeError(f"{type(source).__name__}.to_graph() gave a {type(graph).__name__}, not a Graph")
        return graph
    return None


def _of_kind(graph: Graph, directed: bool | None) -> Graph:
    """The graph itself, if it is of the kind that is needed."""
    if directed is False and graph.directed:
        raise ValueError(
            "an undirected graph is needed, and this one is directed: pass as_graph(...).to_undirected()"
        )
    if directed is True and not graph.directed:
        raise ValueError(
            "a directed graph is needed, and this one is undirected: say where its edges point, for example with "
            "as_graph(graph.edges(), nodes=graph.nodes, directed=True)"
        )
    return graph


def _from_networkx(source: networkx.Graph, weight: str | None, parallel: Parallel) -> Graph:
    nodes = tuple(source)
    row = {label: i for i, label in enumerate(nodes)}
    edges = list(source.edges(data=weight)) if weight is not None else [(u, v, None) for u, v in source.edges()]
    pairs = np.array([(row[u], row[v]) for u, v, _ in edges], np.int32).reshape(-1, 2)
    missing = [value is None for *_, value in edges]
    if edges and all(missing) and weight not in ("weight", None):
        raise ValueError(f"no edge has {weight!r}: name an attribute that edges have, or pass weight=None")
    weights = None
    if not all(missing):
        if any(missing):
            u, v, _ = edges[missing.index(True)]
            raise ValueError(
                f"edge ({u!r}, {v!r}) has no {weight!r}, though other edges have: give it one, or pass weight=None"
            )
        weights = _numbers([value for *_, value in edges], [(u, v) for u, v, _ in edges])
    labels = _plain(nodes)
    arrays = _csr.from_pairs(len(nodes), pairs, weights, source.is_directed(), parallel, labels)
    return Graph(*arrays, directed=source.is_directed(), labels=labels)


def _from_edge_list(
    source: object, n: int | None, nodes: Iterable[Label] | None, directed: bool, parallel: Parallel
) -> Graph:
    if isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable):
        raise TypeError(
            f"no graph can be made of a {type(source).__name__}: give a Graph, a networkx graph, a scipy.sparse "
            "matrix, an edge list with n=, or an object with to_graph()"
        )
    if isinstance(source, tuple) and any(isinstance(part, Graph) for part in source):
        raise TypeError("this tuple holds a Graph and something else: unpack it, as in graph, other = ...")
    if (n is None) == (nodes is None):
        raise ValueError(
            "an edge list needs as_graph(edges, n=...), with the nodes 0 ... n - 1, or nodes=[their labels], "
            f"and not both{_or_meant(source)}"
        )
    given = None if nodes is None else _checked_labels(nodes)
    count = _checked_count(n if given is None else len(given))
    labels = None if given is None else _plain(given)
    ends, weights = _split_array(source) if isinstance(source, np.ndarray) else _split_tuples(list(source))
    pairs = _rows_of(ends, count, labels)
    arrays = _csr.from_pairs(count, pairs, weights, directed, parallel, labels)
    return Graph(*arrays, directed=directed, labels=labels)


def _or_meant(source: object) -> str:
    """What to do if an array is no edge list but a matrix, which is square, or points, which are not whole."""
    if not isinstance(source, np.ndarray) or source.ndim != 2:
        return ""
    if source.shape[0] == source.shape[1]:
        return "; a dense adjacency matrix is read as scipy.sparse.csr_array(A)"
    if source.dtype.kind == "f":
        return "; points become a graph by lessons.neighbours.neighbour_graph(points, k)"
    return ""


def _split_tuples(edges: list[Any]) -> tuple[list[Any], NDArray[np.float64] | None]:
    """Ends and weights of an edge list of tuples."""
    for edge in edges:
        if not isinstance(edge, Sequence | np.ndarray) or isinstance(edge, str) or len(edge) not in (2, 3):
            raise ValueError(f"{edge!r} is no edge: write (u, v) or (u, v, weight)")
    sizes = {len(edge) for edge in edges}
    if sizes == {2, 3}:
        edge = next(edge for edge in edges if len(edge) == 2)
        raise ValueError(f"edge {tuple(edge)!r} has no weight, though other edges have: give it one")
    ends = [(edge[0], edge[1]) for edge in edges]
    return ends, (_numbers([edge[2] for edge in edges], ends) if sizes == {3} else None)


def _split_array(edges: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """Ends and weights of an edge list in an array, (m, 2) or (m, 3)."""
    if edges.ndim != 2 or edges.shape[1] not in (2, 3) or edges.dtype.kind not in "iuf":
        raise TypeError(
            f"an array of shape {edges.shape} and dtype {edges.dtype} is no edge list (m, 2) or (m, 3); "
            "a dense adjacency matrix is read as scipy.sparse.csr_array(A)"
        )
    ends = edges[:, :2]
    if edges.dtype.kind == "f":
        whole = (ends == np.floor(ends)) & (np.abs(ends) < 2**53)  # not inf either
        if not whole.all():
            raise ValueError(f"{ends[~whole][0]} is no node: labels in an array are whole numbers")
        ends = ends.astype(np.int64)
    if edges.shape[1] == 2:
        return ends, None
    return ends, _csr.finite(edges[:, 2].astype(np.float64), lambda at: ends[at].tolist())


def _rows_of(ends: list[Any] | NDArray[Any], n: int, labels: tuple[Label, ...] | None) -> NDArray[np.int32]:
    """(m, 2) rows of the labels at the ends of each edge."""
    if labels is None and isinstance(ends, np.ndarray):
        outside = (ends < 0) | (ends >= n)
        if outside.any():
            raise UnknownLabel(ends[outside][0].item(), range(n), advice=_told_by_n(n))
        return ends.astype(np.int32)
    index = Graph(np.zeros(n + 1, np.int64), np.empty(0, np.int32), directed=True, labels=labels).index
    flat = ends.tolist() if isinstance(ends, np.ndarray) else ends
    try:
        return np.array([(index(u), index(v)) for u, v in flat], np.int32).reshape(-1, 2)
    except UnknownLabel as error:
        advice = "" if labels is not None else _told_by_n(n)
        raise UnknownLabel(error.label, nearest=error.nearest, advice=advice) from None


def _told_by_n(n: int) -> str:
    nodes = f"the nodes 0 ... {n - 1}" if n else "that there are no nodes"
    return f"n={n} means {nodes}; for other labels pass nodes=[...] instead"


def _is_sparse(source: object) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(source)


def _from_scipy(source: Any, nodes: Iterable[Label] | None, directed: bool | None, parallel: Parallel) -> Graph:
    if source.ndim != 2 or source.shape[0] != source.shape[1]:
        raise ValueError(f"an adjacency matrix is square (n, n), not {source.shape}")
    if source.dtype.kind not in "biuf":
        raise TypeError(f"weights are real numbers, not {source.dtype}")
    n = _checked_count(source.shape[0])
    given = None if nodes is None else _checked_labels(nodes)
    if given is not None and len(given) != n:
        raise ValueError(f"{len(given)} labels for a matrix of {n} nodes")
    labels = None if given is None else _plain(given)
    indptr, indices, weights = _csr_of_matrix(source, parallel, labels)
    _csr.finite(weights, None)
    if directed is not True:
        odd = _csr.make_symmetric(indptr, indices, weights)
        if odd >= 0 and directed is False:
            row, column = int(np.searchsorted(indptr, odd, side="right")) - 1, int(indices[odd])
            raise ValueError(
                f"the matrix is not symmetric: A[{row}, {column}] = {weights[odd]:g} is not A[{column}, {row}]; "
                "pass directed=True, or make it symmetric, for example with A.maximum(A.T)"
            )
        directed = odd >= 0
    ones = bool((weights == 1.0).all())
    return Graph(indptr, indices, None if ones else weights, directed=directed, labels=labels)


def _csr_of_matrix(
    source: Any, parallel: Parallel, labels: tuple[Label, ...] | None
) -> tuple[NDArray, NDArray, Any]:
    """Canonical CSR arrays of a matrix, all of them ours to keep."""
    from scipy.sparse import coo_array, csr_array

    if hasattr(source, "indptr"):
        source = type(source)((source.data, source.indices, source.indptr), shape=source.shape)
        source.check_format(full_check=True)  # compiled code would follow indices that point outside
    if source.format in ("bsr", "dia"):
        source = source.tocsr()
        source.eliminate_zeros()  # their padding; a copy of ours
    if source.format == "csr":
        ours = csr_array((source.data.astype(np.float64), source.indices, source.indptr), shape=source.shape)
    else:
        arcs = source.tocoo()
        ours = coo_array((arcs.data.astype(np.float64, copy=False), (arcs.row, arcs.col)), shape=source.shape)
    if parallel != "sum":
        arcs, n = ours.tocoo(), source.shape[0]
        codes, weights = _csr.merge(_csr.coded(n, arcs.row, arcs.col), arcs.data, n, parallel, labels)
        return *_csr.compressed(n, codes), weights
    if ours.format == "coo":
        ours = ours.tocsr()
    elif not ours.has_canonical_format:
        ours = ours.copy()  # sorting would reach the arrays of the source
    ours.sum_duplicates()
    return ours.indptr.astype(np.int64), ours.indices.astype(np.int32), ours.data


# ---------------------------------------------------------------------------------------- small checks


def _read_only(value: T) -> T:
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def _checked_count(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, Integral):
        raise TypeError(f"n={n!r}: a number of nodes is an integer")
    if not 0 <= int(n) < 2**31:
        raise ValueError(f"n={n}: a graph has 0 to 2,147,483,647 nodes")
    return int(n)


def _plain(labels: tuple[Label, ...]) -> tuple[Label, ...] | None:
    """None, which costs no memory, for the labels 0 ... n - 1."""
    plain = labels == tuple(range(len(labels))) and all(type(label) is int for label in labels)
    return None if plain else labels


def _checked_labels(nodes: Iterable[Label]) -> tuple[Label, ...]:
    labels = tuple(nodes)
    if len(set(labels)) < len(labels):
        seen: set[Label] = set()
        twice = next(label for label in labels if label in seen or seen.add(label))  # type: ignore[func-returns-value]
        raise ValueError(f"label {twice!r} is there twice: every node needs its own")
    return labels


def _numbers(values: list[Any], ends: list[Any]) -> NDArray[np.float64]:
    for value, edge in zip(values, ends, strict=True):
        if not isinstance(value, Real):
            raise TypeError(f"edge {edge!r} has weight {value!r}: a weight is a real number")
    return _csr.finite(np.array([_float(value) for value in values]), ends.__getitem__)


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer that is larger than any float
        return np.inf


def _aligned(values: ArrayLike, length: int, what: str) -> list[Any]:
    array = np.asarray(values)
    if array.ndim == 0 or len(array) != length:
        raise ValueError(f"values of shape {array.shape} for {length} {what}: one for each is needed")
    return array.tolist() if array.ndim == 1 else list(array)


def _unpickled(
    indptr: NDArray, indices: NDArray, weights: NDArray | None, directed: bool, labels: tuple[Label, ...] | None
) -> Graph:
    return Graph(indptr, indices, weights, directed=directed, labels=labels)
