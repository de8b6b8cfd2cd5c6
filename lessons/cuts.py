"""What a partition costs, and which weights its parts may have.

    edge_cut(graph, parts)                    # weight of the edges between parts
    imbalance(graph, parts)                   # how much the heaviest part exceeds its share
    communication_volume(graph, parts)        # values sent, where each node's is needed in other parts

`parts` (n,) is the number of each node's part, 0 ... k - 1, in the order of `graph.nodes`. The weight of a node is
a whole number, 1 unless `vertex_weights` tells.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import real_numbers, whole, zero_or_more
from lessons.graph import Graph
from lessons.laplacian_regularization import undirected

if TYPE_CHECKING:
    from lessons.multilevel import Level

Parts = NDArray[np.int32]
Weights = NDArray[np.int64]

HEAVIEST = 2**53  # the sum of all weights; beyond, float64 skips whole numbers


def edge_cut(graph: object, parts: ArrayLike) -> float:
    """The total weight of the edges whose ends lie in different parts; each edge counts once. O(n + m).

    Raises ValueError for a directed graph, a negative weight, and parts that do not fit the graph.

    >>> from lessons import as_graph
    >>> path = as_graph([(0, 1), (1, 2), (2, 3)], n=4)
    >>> edge_cut(path, [0, 0, 1, 1]), edge_cut(path, [0, 1, 0, 1])
    (1.0, 3.0)

    Notebook: 05_graph_partitioning.
    """
    graph = undirected(graph)
    part = parts_of(graph, parts)
    cut = part[graph.edge_rows[:, 0]] != part[graph.edge_rows[:, 1]]
    return float(graph.edge_weights[cut].sum())


def edge_cut_definition(graph: Graph, parts: ArrayLike) -> float:
    """The definition of `edge_cut`: look at each edge once.

    >>> from lessons import as_graph
    >>> edge_cut_definition(as_graph([(0, 1, 2.5), (1, 2, 4.0)], n=3), [0, 0, 1])
    4.0
    """
    part = dict(zip(graph.nodes, np.asarray(parts).tolist(), strict=True))
    weights = graph.edge_weights.tolist()
    return sum((w for (u, v), w in zip(graph.edges(), weights, strict=True) if part[u] != part[v]), 0.0)


def part_weights(
    graph: object, parts: ArrayLike, k: int | None = None, *, vertex_weights: ArrayLike | None = None
) -> Weights:
    """(k,) the weight of each part; k is the largest number in `parts` and one, unless told. O(n).

    >>> from lessons import as_graph
    >>> part_weights(as_graph([(0, 1), (1, 2)], n=3), [0, 1, 1], vertex_weights=[5, 1, 2])
    array([5, 3])
    """
    graph = undirected(graph)
    part = parts_of(graph, parts, k)
    weights = np.zeros(int(part.max(initial=-1)) + 1 if k is None else k, np.int64)
    np.add.at(weights, part, weights_of(graph, vertex_weights))
    return weights


def imbalance(
    graph: object, parts: ArrayLike, k: int | None = None, *, vertex_weights: ArrayLike | None = None
) -> float:
    """By how much the heaviest part exceeds ceil(W / k), its share of the weight W: 0.03 is three per cent. O(n).

    k is the largest number in `parts` and one, unless told. Raises ValueError as `edge_cut` does, and for vertex
    weights that are no whole numbers.

    >>> from lessons import as_graph
    >>> imbalance(as_graph([(0, 1), (1, 2), (2, 3)], n=4), [0, 0, 0, 1])
    0.5

    Notebook: 05_graph_partitioning.
    """
    weights = part_weights(graph, parts, k, vertex_weights=vertex_weights)
    total = int(weights.sum())
    share = -(-total // max(len(weights), 1))
    return (int(weights.max()) - share) / share if total else 0.0  # rounded once: 103 of 100 give 0.03


def communication_volume(graph: object, parts: ArrayLike) -> int:
    """How many values are sent when each node's is needed at its neighbours: once to every other part among them.

    Where a cut counts a node with three neighbours in one other part three times, the volume counts it once.
    O(n + m log m).

    Raises ValueError as `edge_cut` does.

    >>> from lessons import as_graph
    >>> star = as_graph([(0, 1), (0, 2), (0, 3)], n=4)     # cut from its leaves: 0 sends once, each leaf once
    >>> edge_cut(star, [0, 1, 1, 1]), communication_volume(star, [0, 1, 1, 1])
    (3.0, 4)

    Notebook: 05_graph_partitioning. Source: B. Hendrickson and T. G. Kolda, Graph partitioning models for parallel
    computing, Parallel Computing 26 (12), 2000, pages 1519-1534, section 2.
    """
    graph = undirected(graph)
    part = parts_of(graph, parts).astype(np.int64)
    to = part[graph.indices]
    leaves = to != part[graph.sources]
    sent = graph.sources[leaves] * (part.max(initial=0) + 1) + to[leaves]
    return len(np.unique(sent))


def communication_volume_definition(graph: Graph, parts: ArrayLike) -> int:
    """The definition of `communication_volume`: count the other parts among the neighbours of each node.

    >>> from lessons import as_graph
    >>> communication_volume_definition(as_graph([(0, 1), (0, 2), (0, 3)], n=4), [0, 1, 1, 1])
    4
    """
    part = dict(zip(graph.nodes, np.asarray(parts).tolist(), strict=True))
    return sum(len({part[v] for v in graph.neighbors(u)} - {part[u]}) for u in graph.nodes)


def heaviest_allowed(weights: Weights, k: int, imbalance: float) -> int:
    """L_max = max(floor((1 + imbalance) ceil(W / k)), heaviest vertex), in whole numbers.

    Raises ValueError for k below 1 and an imbalance that is negative or not finite.

    >>> heaviest_allowed(np.array([1, 1, 1, 1, 7]), 2, 0.1)
    7
    """
    share = -(-int(weights.sum()) // whole("k", k))
    spare = Fraction(repr(zero_or_more("imbalance", imbalance)))  # as it is written, not the float64 beside it
    return max(share + math.floor(share * spare), int(weights.max(initial=0)))


# ---------------------------------------------------------------------------------------- at the door


def parts_of(graph: Graph | Level, parts: ArrayLike, k: int | None = None) -> Parts:
    """The part of each node as int32 (n,), of its own.

    Raises ValueError unless there is one for each node, in 0 ... k - 1; TypeError for what are no whole numbers.
    """
    array = real_numbers("parts", parts)
    if array.shape != (graph.n,):
        raise ValueError(f"parts of shape {array.shape} for {graph.n} nodes: one for each is needed")
    if k is not None:
        whole("k", k, 1)
    wrong = (array != np.floor(array)) | (array < 0) | (array >= (2**31 - 1 if k is None else k))
    if wrong.any():
        row = int(np.argmax(wrong))
        known = "a whole number from 0 on" if k is None else f"0 ... {k - 1}"
        raise ValueError(f"node {graph.nodes[row]!r} is in part {array[row]}: {known} is needed")
    return array.astype(np.int32)


def weights_of(graph: Graph, vertex_weights: ArrayLike | None) -> Weights:
    """The weight of each node as int64 (n,), of its own; ones for None.

    Raises ValueError unless there is a whole number, 0 or larger, for each node; TypeError for no numbers.
    """
    if vertex_weights is None:
        return np.ones(graph.n, np.int64)
    array = real_numbers("vertex_weights", vertex_weights)
    if array.shape != (graph.n,):
        raise ValueError(f"vertex_weights of shape {array.shape} for {graph.n} nodes: one for each is needed")
    wrong = ~(np.isfinite(array) & (array >= 0) & (array == np.floor(array)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"node {graph.nodes[row]!r} weighs {array[row]}: whole numbers, 0 or larger; scale and round"
        )
    total = array.sum(dtype=np.float64)
    if total > HEAVIEST:
        raise ValueError(f"vertex_weights sum to {total:.3g}: {HEAVIEST} at most; scale and round")
    return array.astype(np.int64)
