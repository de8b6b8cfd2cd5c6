"""How clustered thousands of small graphs are, and how far apart their nodes: C and L of all of them at once.

    C, L = batch_measures(graphs)                           # two arrays, one entry a graph
    C, L = batch_measures(ws_flex_words(64, 8.3, 0.2, range(1000)))

A row of a graph of up to 64 nodes is one machine word, bit j of row i says that i and j are joined: to go one edge
further from a node is an "or" of words, to count the friends that two nodes share an "and". Larger graphs are
measured one by one, by `lessons.small_world`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from lessons._device import Device, compiled, cpu_only
from lessons.graph import Graph, as_graph
from lessons.small_world import average_path_length, clustering

Words = NDArray[np.uint64]

WORD = 64  # nodes of a graph that has one word for a row
COMPILED_FROM = 250_000  # rows; below, NumPy takes less than loading numba
BLOCK = 32  # graphs that NumPy takes at once: 0.5 MB


class Measures(NamedTuple):
    """C (graphs,), the mean share of a node's pairs of neighbours that are joined; L (graphs,), mean distance."""

    C: NDArray[np.float64]
    L: NDArray[np.float64]


def measures_definition(near: Sequence[int]) -> tuple[float, float]:
    """The definition of C and L of one graph, in plain Python. Bit j of `near[i]` says that i and j are joined.

    C is the mean over all nodes of 2 T / (d (d - 1)), T the triangles at a node of degree d, 0 where d < 2. L is
    the mean over ordered pairs of nodes of the edges between them: everybody is at least one away, who is not in
    the ball of radius 1 around a node one more, and so on; inf where some are never reached.

    >>> measures_definition([0b110, 0b101, 0b011]), measures_definition([0b010, 0b101, 0b010])
    ((1.0, 1.0), (0.0, 1.3333333333333333))

    Notebook: 11_relational_graphs. Sources: D. J. Watts, S. H. Strogatz, Collective dynamics of "small-world"
    networks, Nature 393, 1998, pages 440-442, doi:10.1038/30918; J. You, J. Leskovec, K. He, S. Xie, Graph
    structure of neural networks, ICML 2020, section 3.1, arXiv:2007.06559.
    """
    n = len(near)
    near = [word & ~(1 << v) for v, word in enumerate(near)]
    around = [[u for u in range(n) if word >> u & 1] for word in near]
    shares = 0.0
    for v, word in enumerate(near):
        if (d := len(around[v])) > 1:
            shares += sum((word & near[u]).bit_count() for u in around[v]) / (d * (d - 1))
    balls = [1 << v for v in range(n)]
    missing, before, distances = n * (n - 1), None, 0
    while missing and missing != before:
        distances += missing
        balls = [_joined(balls[v], (balls[u] for u in around[v])) for v in range(n)]
        missing, before = n * n - sum(ball.bit_count() for ball in balls), missing
    return shares / max(n, 1), inf if missing else distances / max(n * (n - 1), 1)


def _joined(word: int, others: Iterable[int]) -> int:
    for other in others:
        word |= other
    return word


def batch_measures(graphs: Iterable[object] | Words, *, device: Device = "cpu") -> Measures:
    """C and L of many graphs: clustering, and average path length in edges, see `measures_definition`.

    `graphs` are undirected graphs of any size, anything that `as_graph` takes, or (graphs, n) words, as
    `ws_flex_words` draws them. Self-loops never count, weights are not looked at. L is inf where a graph is not
    connected, and 0 where it has fewer than two nodes. O(n m) a graph, of which 64 steps are one for small ones.

    Raises ValueError for a directed graph, for words that are not symmetric or have bits from n on, or of another
    shape, and for `device="gpu"`, where it has never run; TypeError for an array of another kind, and for one
    graph that is not in a list.

    >>> C, L = batch_measures([as_graph([(0, 1), (1, 2), (2, 0)], n=3), as_graph([(0, 1)], n=3)])
    >>> C, L
    (array([1., 0.]), array([ 1., inf]))

    Notebook: 11_relational_graphs. Source: see `measures_definition`.
    """
    cpu_only(device, "batch_measures")
    if isinstance(graphs, np.ndarray):
        words = _checked_words(graphs)
        return _measured(words.ravel(), np.arange(len(words) + 1) * words.shape[1])
    all_graphs = _graphs(graphs)
    small = [graph for graph in all_graphs if graph.n <= WORD]
    measured = _measured(*_words(small))
    if len(small) == len(all_graphs):
        return measured
    found = iter(zip(*measured, strict=True))
    pairs = [next(found) if graph.n <= WORD else _large(graph) for graph in all_graphs]
    return Measures(*np.array(pairs).T.copy())


def adjacency_words(graphs: Iterable[object]) -> Words:
    """(graphs, n) the rows of undirected graphs, all of the same n <= 64 nodes, as `batch_measures` takes them.

    Bit j of word i says that i and j are joined; self-loops are bits too. O(n + m) a graph.

    Raises ValueError for graphs of different or larger size, and directed ones.

    >>> adjacency_words([as_graph([(0, 1), (1, 2)], n=3)])
    array([[2, 5, 2]], dtype=uint64)

    Notebook: 11_relational_graphs.
    """
    all_graphs = _graphs(graphs)
    sizes = sorted({graph.n for graph in all_graphs})
    if len(sizes) > 1 or (sizes and sizes[0] > WORD):
        raise ValueError(f"graphs of {sizes} nodes: all of one size, at most {WORD}; batch_measures takes any")
    rows, _ = _words(all_graphs)
    return rows.reshape(len(all_graphs), sizes[0] if sizes else 0)


# ---------------------------------------------------------------------------------------- words


def _graphs(graphs: Iterable[object]) -> list[Graph]:
    if hasattr(graphs, "nodes") or hasattr(graphs, "tocsr") or hasattr(graphs, "to_graph"):
        kind = type(graphs)  # a repr may be an address, or have several lines
        told = repr(graphs) if kind is Graph else f"a {kind.__name__} of {kind.__module__.partition('.')[0]}"
        raise TypeError(f"one graph, {told}: a sequence of graphs is needed, [graph]")
    return [_undirected(graph) for graph in graphs]


def _undirected(graph: object) -> Graph:
    graph = graph if isinstance(graph, Graph) else as_graph(graph)
    if graph.directed:
        raise ValueError(f"{graph}: C and L are those of undirected graphs here; use to_undirected()")
    return graph


def _words(graphs: Sequence[Graph]) -> tuple[Words, NDArray[np.int64]]:
    """The rows of all graphs, one graph after the other, and where each begins; where the last ends, too."""
    first = np.cumsum([0, *(graph.n for graph in graphs)])
    rows = np.zeros(first[-1], np.uint64)
    if not graphs:
        return rows, first
    indices = np.concatenate([graph.indices for graph in graphs])
    kernels = compiled("graph_measures", when=len(rows) >= COMPILED_FROM)
    if kernels is not None:
        kernels.words(np.concatenate([graph.indptr for graph in graphs]), indices, first, rows)
    else:
        row = np.repeat(np.arange(len(rows)), np.concatenate([np.diff(graph.indptr) for graph in graphs]))
        np.bitwise_or.at(rows, row, np.uint64(1) << indices.astype(np.uint64))
    return rows, first


def _checked_words(words: NDArray[Any]) -> Words:
    if words.dtype != np.uint64:
        raise TypeError(f"an array of {words.dtype}: a sequence of graphs is needed, or uint64 words (graphs, n)")
    if words.ndim != 2 or words.shape[1] > WORD:
        raise ValueError(f"words of shape {words.shape}: (graphs, n) with n up to {WORD} is needed")
    return words


def _refuse(g: int, n: int) -> NoReturn:
    raise ValueError(f"graph {g} of the words is not symmetric, or has bits beyond its {n} nodes")


# ---------------------------------------------------------------------------------------- measures


def _measured(rows: Words, first: NDArray[np.int64]) -> Measures:
    """C and L of graphs whose rows stand one after the other; graph g begins at `first[g]`."""
    C, L = np.empty(len(first) - 1), np.empty(len(first) - 1)
    kernels = compiled("graph_measures", when=len(rows) >= COMPILED_FROM)
    if kernels is not None:
        wrong = kernels.measures(np.ascontiguousarray(rows), first, C, L)
        if wrong >= 0:
            _refuse(wrong, first[wrong + 1] - first[wrong])
        return Measures(C, L)
    sizes = np.diff(first)
    for n in np.unique(sizes).tolist():
        which = np.flatnonzero(sizes == n)
        for begin in range(0, len(which), BLOCK):
            block = which[begin : begin + BLOCK]
            near = rows[first[block, None] + np.arange(n)]
            wrong = _asymmetric(near)
            if wrong.any():
                _refuse(int(block[np.argmax(wrong)]), n)
            C[block], L[block] = _by_products(near)
    return Measures(C, L)


def _asymmetric(words: Words) -> NDArray[np.bool_]:
    """(graphs,) whether a bit has no twin, or stands for no node."""
    n = words.shape[1]
    bits = _bits(words)
    beyond = words >> np.uint64(n) if n < WORD else np.zeros_like(words)
    return (bits != bits.transpose(0, 2, 1)).any(axis=(1, 2)) | beyond.any(axis=1)


def _bits(words: Words) -> NDArray[np.uint8]:
    """(graphs, n, n) 0 or 1."""
    graphs, n = words.shape
    octets = words.astype("<u8").view(np.uint8).reshape(graphs, n, 8)
    return np.unpackbits(octets, axis=2, bitorder="little", count=n)


def _by_products(words: Words) -> Measures:
    """The same for graphs of one size, (graphs, n), by products of matrices: what NumPy does best."""
    n, loop = words.shape[1], np.arange(words.shape[1])
    A = _bits(words).astype(np.float32)
    A[:, loop, loop] = 0
    ball, d = A @ A, np.einsum("gij->gi", A)
    ends = np.einsum("gij,gij->gi", ball, A)  # of triangles, counted at each node twice
    C = (ends / np.maximum(d * (d - 1), 1).astype(np.float64)).sum(axis=1) / max(n, 1)
    A[:, loop, loop] = 1
    ball += A  # above 0 where at most two edges lead
    distances = 2 * n * (n - 1) - d.sum(axis=1).astype(np.int64)
    L, left, before = np.empty(len(A)), np.arange(len(A)), np.zeros(len(A), np.int64)
    while len(left):
        missing = n * n - np.count_nonzero(ball, axis=(1, 2))
        stuck, on = (missing > 0) & (missing == before), (missing > 0) & (missing != before)
        L[left] = np.where(stuck, inf, distances / max(n * (n - 1), 1))
        left, A, ball, before = left[on], A[on], ball[on], missing[on]
        distances = distances[on] + before
        ball = np.minimum(ball, 1) @ A
    return Measures(C, L)


def _large(graph: Graph) -> tuple[float, float]:
    """C and L of one graph that has more nodes than a word has bits."""
    plain = Graph(graph.indptr, graph.indices, directed=False)
    try:
        L = average_path_length(plain)
    except ValueError:  # a pair has no path
        L = inf
    return float(clustering(plain).mean()), L
