"""Hide some edges of a graph, so that a method can be asked to find them again among pairs that are no edge.

    task = hide_edges(graph, 0.5, seed=0)
    task.graph                            # what a method may learn from: half of the edges are left
    task.hidden, task.absent              # as many pairs each: edges that were hidden, and pairs that are none

    link_scores(task.graph, task.hidden)  # {"common neighbours": (k,), ...}: the rules that train nothing

A method scores the pairs of both lists; how often a hidden edge scores above a pair that is none is its ROC AUC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons._checks import above_zero
from lessons._csr import Label
from lessons._rng import Seed, key_of, uniforms
from lessons.errors import InfeasibleError
from lessons.graph import Graph, as_graph, check_dense
from lessons.paths import distances

Floats = NDArray[np.float64]

DAMPING = 0.85  # of the walk whose visits `link_scores` counts
FOREST, HIDDEN, ABSENT = range(3)  # the streams of random numbers


@dataclass(frozen=True)
class HiddenEdges:
    """`graph` is what is left; `hidden` the edges taken out and `absent` as many pairs that never were edges.

    Pairs of labels in random order, so that the first of either list are a sample of it; of the two ends of a pair
    the one with the smaller row comes first, as in `edges()`.
    """

    graph: Graph
    hidden: list[tuple[Label, Label]]
    absent: list[tuple[Label, Label]]

    def __repr__(self) -> str:
        return f"HiddenEdges({self.graph}, hidden={len(self.hidden)}, absent={len(self.absent)})"


def hide_edges(graph: object, share: float, *, seed: Seed = 0) -> HiddenEdges:
    """Take round(share * m) edges out of an undirected graph, but none that would part what hangs together.

    0 < share < 1, of all m edges. What is left has the same nodes, labels and weights, and as many connected
    components: a random spanning forest stays, the edges to hide are drawn from all others, each as likely. So a
    bridge is never hidden, and an edge among many is hidden more often than one among few. Self-loops stay too.
    The absent pairs are drawn from all pairs of two different nodes without an edge in the whole graph, each as
    likely. So hubs are rarer among their ends than among those of the hidden edges, and a score that only knows
    large degrees is paid for it.

    The forest is the lightest one for random weights of the edges: found in O(m log m), but some spanning forests
    are so more likely than others. The same seed gives the same answer on every machine. O(n + m log m).

    Raises ValueError for a directed graph, for a share outside of 0 ... 1, and where it comes to no edge at all;
    InfeasibleError, with their number,
    where there are too few edges outside of a spanning forest, or too few pairs without an edge.

    >>> ring = as_graph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "a")], nodes="abcd")
    >>> task = hide_edges(ring, 0.2, seed=1)
    >>> task
    HiddenEdges(Graph(n=4, m=4, undirected), hidden=1, absent=1)
    >>> task.hidden[0] in ring.edges(), task.absent[0] in [("a", "c"), ("b", "d")]
    (True, True)

    Notebook: 09_node2vec. Source: A. Grover, J. Leskovec, node2vec: Scalable feature learning for networks, KDD
    2016, section 4.7, doi:10.1145/2939672.2939754.
    """
    graph, key = as_graph(graph, directed=False), key_of(seed)
    count = round(above_zero("share", share, below=1) * graph.m)
    if count == 0:
        raise ValueError(f"share={share!r} of {graph.m:,} edges is less than one: take a larger share")
    hidden = _drawn_edges(graph, count, key)
    absent = _absent_rows(graph, count, key)
    return HiddenEdges(
        _without(graph, hidden), _labelled(graph, graph.edge_rows[hidden]), _labelled(graph, absent)
    )


def link_scores(graph: object, pairs: Sequence[tuple[Label, Label]], *, force: bool = False) -> dict[str, Floats]:
    """How likely an edge between the two nodes of each pair is, (k,) for k pairs, by rules that train nothing.

    Of an undirected graph, whose weights and self-loops are left out; more is likelier, only the order counts:

    - "common neighbours": how many there are;
    - "Adamic-Adar": each of them counts 1 / log of its degree, for a hub is everybody's neighbour;
    - "paths of three": how many walks of three edges lead from one to the other;
    - "fewest steps": minus the fewest edges of a path, -n where there is none;
    - "degrees": the product of both;
    - "PageRank": how often walks from one that go on with chance 0.85 visit the other, both ways added.

    O(n^2) memory, O(n^3) time for the last one. Raises ValueError for a directed graph, and above 5,000 nodes
    unless forced; KeyError for an unknown node.

    >>> square = as_graph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")], nodes="abcd")
    >>> scores = link_scores(square, [("a", "c"), ("a", "b")])
    >>> scores["common neighbours"], scores["fewest steps"]
    (array([2., 0.]), array([-2., -1.]))

    Notebook: 09_node2vec. Source: D. Liben-Nowell, J. Kleinberg, The link-prediction problem for social networks,
    Journal of the American Society for Information Science and Technology 58 (7), 2007, doi:10.1002/asi.20591.
    """
    graph = as_graph(graph, directed=False)
    check_dense(graph.n, force=force, instead="a rule of your own for the pairs that you ask for")
    ends = np.array([[graph.index(end) for end in pair] for pair in pairs], np.int64).reshape(-1, 2)
    A = graph.to_scipy().astype(np.float64)
    A.data[graph.sources != graph.indices] = 1.0
    A.data[graph.sources == graph.indices] = 0.0
    A.eliminate_zeros()
    return {rule: _at(score(A), ends) for rule, score in _RULES.items()}


def _at(scores: Any, ends: NDArray[np.int64]) -> Floats:
    """The scores (n, n) at these rows and columns (k, 2)."""
    if not len(ends):
        return np.zeros(0)  # a sparse array gives another kind of nothing
    return np.asarray(scores[ends[:, 0], ends[:, 1]], np.float64).ravel()


def _adamic_adar(A: Any) -> Any:
    degrees = A.sum(axis=0)
    return A.multiply(1 / np.log(np.maximum(degrees, 2.0))).tocsr() @ A  # what joins two nodes has two neighbours


def _fewest_steps(A: Any) -> Floats:
    steps = distances(as_graph(A), force=True)
    return np.negative(np.minimum(steps, A.shape[0], out=steps), out=steps)


def _pagerank(A: Any) -> Floats:
    from scipy.linalg import inv

    leaves = A.toarray()
    leaves *= -DAMPING / np.maximum(A.sum(axis=1), 1.0)[:, None]
    leaves.flat[:: len(leaves) + 1] += 1.0  # I - 0.85 P
    visits = inv(leaves.T, overwrite_a=True) if len(leaves) else leaves  # in place, for it is large
    return visits + visits.T


_RULES: dict[str, Callable[[Any], Any]] = {
    "common neighbours": lambda A: A @ A,
    "Adamic-Adar": _adamic_adar,
    "paths of three": lambda A: A @ A @ A,
    "fewest steps": _fewest_steps,
    "degrees": lambda A: np.outer(A.sum(axis=0), A.sum(axis=0)),
    "PageRank": _pagerank,
}


def _drawn_edges(graph: Graph, count: int, key: int) -> NDArray[np.int64]:
    """(count,) edges of `edges()` that are neither self-loops nor in a random spanning forest."""
    u, v = graph.edge_rows.T
    outside = np.flatnonzero((u != v) & ~_in_forest(graph, key))
    if count > len(outside):
        raise InfeasibleError(
            f"{count:,} of {graph.m:,} edges cannot be hidden: a spanning forest and self-loops stay, and only "
            f"{len(outside):,} edges are in neither. Take a smaller share."
        )
    return outside[_in_random_order(key, HIDDEN, len(outside))[:count]]


def _in_forest(graph: Graph, key: int) -> NDArray[np.bool_]:
    """(m,) whether an edge of `edges()` is in the spanning forest that is lightest for weights in random order."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    u, v = graph.edge_rows.T
    order = _in_random_order(key, FOREST, graph.m)
    place = np.empty(graph.m)  # in that order: all differ, so there is one lightest forest
    place[order] = np.arange(1, graph.m + 1)
    apart = u != v
    forest = minimum_spanning_tree(csr_array((place[apart], (u[apart], v[apart])), shape=(graph.n, graph.n)))
    chosen = np.zeros(graph.m, np.bool_)
    chosen[order[forest.data.astype(np.int64) - 1]] = True
    return chosen


def _absent_rows(graph: Graph, count: int, key: int) -> NDArray[np.int64]:
    """(count, 2) rows of different pairs u < v without an edge.

    The pairs are numbered (0, 1), (0, 2), ..., (1, 2), ...: `first[u]` is the number of (u, u + 1). Those without
    an edge are drawn by their place k = 0, 1, ... among them; the number of the k-th is k plus how many edges come
    before it.
    """
    rows = np.arange(graph.n, dtype=np.int64)
    first = rows * (2 * graph.n - 1 - rows) // 2
    u, v = graph.edge_rows[graph.edge_rows[:, 0] != graph.edge_rows[:, 1]].T.astype(np.int64)
    numbers = first[u] + v - u - 1
    absent = graph.n * (graph.n - 1) // 2 - len(numbers)
    if count > absent:
        raise InfeasibleError(
            f"{count:,} pairs without an edge are needed, as many as edges are hidden, and there are only "
            f"{absent:,} among {graph.n:,} nodes. Take a smaller share."
        )
    k = _distinct(key, ABSENT, count, absent)
    numbers = k + np.searchsorted(numbers - np.arange(len(numbers)), k, side="right")
    u = np.searchsorted(first, numbers, side="right") - 1
    return np.column_stack([u, numbers - first[u] + u + 1])


def _distinct(key: int, stream: int, count: int, below: int) -> NDArray[np.int64]:
    """(count,) different whole numbers 0 ... below - 1 in random order, each set of them as likely."""
    if below < 4 * count:
        return _in_random_order(key, stream, below)[:count]
    draws = 2 * count
    while True:
        numbers = (uniforms(key, [stream], draws)[0] * below).astype(np.int64)
        firsts = np.sort(np.unique(numbers, return_index=True)[1])
        if len(firsts) >= count:
            return numbers[firsts[:count]]
        draws *= 2


def _in_random_order(key: int, stream: int, count: int) -> NDArray[np.int64]:
    return np.argsort(uniforms(key, [stream], count)[0], kind="stable")


def _without(graph: Graph, hidden: NDArray[np.int64]) -> Graph:
    """The graph without these edges of `edges()`."""
    taken = np.zeros(graph.m, np.bool_)
    taken[hidden] = True
    stays = ~taken[graph.edge_ids]
    indptr = np.concatenate([[0], np.cumsum(stays)])[graph.indptr]
    weights = None if graph.weights is None else graph.weights[stays]
    return Graph(indptr, graph.indices[stays], weights, directed=False, labels=graph._labels)


def _labelled(graph: Graph, pairs: NDArray[np.integer]) -> list[tuple[Label, Label]]:
    return [(graph.nodes[u], graph.nodes[v]) for u, v in pairs.tolist()]
