"""Null models: graphs that share the degrees of a given one, and are otherwise left to chance.

    degree_preserving_shuffle(graph, seed=0)                    # every node keeps its number of edges
    degree_preserving_shuffle(graph, within=layers, seed=0)     # and of edges to each class of nodes

What a graph has and its shuffles have not does not come from its degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _csr, _rng
from lessons._checks import real_numbers, zero_or_more
from lessons._device import compiled
from lessons.graph import Graph, as_graph

Rows = NDArray[np.int64]
Pair = tuple[int, int]

COMPILED_FROM = 100_000  # tries; below, plain Python takes less than loading numba


def degree_preserving_shuffle(
    graph: object, *, swaps: float = 10.0, within: ArrayLike | None = None, seed: _rng.Seed = 0
) -> Graph:
    """The same degrees, other neighbours: pairs of edges exchange their ends, again and again.

    Each of `swaps` tries an edge draws two edges. a -> b and c -> d become a -> d and c -> b, unless that makes a
    self-loop or an edge that is there already; such a try changes nothing, but counts. Undirected edges are drawn
    in either direction, so that both ways of joining four ends anew occur. In- and out-degrees stay.

    `within` (n,) are whole numbers, a class for each node, aligned with `graph.nodes`. Then only edges between the
    same two classes exchange ends, so each node also keeps its number of edges to each class: with the layers of a
    network as classes, layers stay layers. A weight stays with the source of its edge: each node keeps the weights
    that leave it, not those that arrive; of an undirected edge, chance says which end keeps it. Self-loops stay.

    In the long run all graphs that swaps lead to are as likely. Those are all simple graphs of these degrees where
    undirected or between two classes; other directed graphs may have some that no swap leads to, such as a
    triangle turned round. How many swaps are enough is not known; ten tries an edge are well beyond one exchange
    each unless most fail, as they do on dense graphs. O(n + swaps m) time at random, not counting sorting.

    Raises ValueError for negative `swaps`, or `within` of another length; TypeError for classes that are no whole
    numbers.

    >>> from lessons import as_graph
    >>> ring = as_graph([(i, (i + 1) % 8) for i in range(8)], n=8)
    >>> other = degree_preserving_shuffle(ring, seed=0)
    >>> other == ring, other.degrees().tolist()
    (False, [2, 2, 2, 2, 2, 2, 2, 2])
    >>> star = as_graph([(0, i) for i in range(1, 5)], n=5)
    >>> degree_preserving_shuffle(star, seed=0) == star        # there is no other graph of these degrees
    True

    Notebook: 08_communities. Source: S. Maslov, K. Sneppen, Specificity and stability in topology of protein
    networks, Science 296, 2002, page 910, doi:10.1126/science.1065103; what is reached and how likely: B. K.
    Fosdick, D. B. Larremore, J. Nishimura, J. Ugander, Configuring random graph models with fixed degree
    sequences, SIAM Review 60 (2), 2018, sections 2 and 4, doi:10.1137/16M1087175.
    """
    graph, swaps = as_graph(graph), zero_or_more("swaps", swaps)
    classes = np.zeros(graph.n, np.int64) if within is None else _checked_classes(within, graph.n)
    order, edges, first, end, turns = _side_by_side(graph, classes)
    tries, key = round(swaps * len(edges)), _rng.key_of(seed)
    kernels = compiled("graph_shuffles", when=tries >= COMPILED_FROM)
    if kernels is None:
        told = (edges.tolist(), first.tolist(), end.tolist(), turns.tolist())
        edges = np.array(shuffle_definition(*told, graph.directed, tries, key), np.int64).reshape(-1, 2)
    else:
        kernels.shuffle(edges, first, end, turns, graph.directed, tries, np.uint64(key))
    pairs = graph.edge_rows.copy()
    pairs[order] = edges
    weights = None if graph.weights is None else graph.edge_weights
    arrays = _csr.from_pairs(graph.n, pairs, weights, graph.directed, "error", graph._labels)
    return Graph(*arrays, directed=graph.directed, labels=graph._labels)


def shuffle_definition(
    edges: Sequence[Sequence[int]],
    first: Sequence[int],
    end: Sequence[int],
    turns: Sequence[bool],
    directed: bool,
    tries: int,
    key: int,
) -> list[Pair]:
    """The definition: where the edges lead after so many tries.

    Edge e may exchange ends with those from `first[e]` up to, without, `end[e]`, `turns[e]` says whether in either
    direction. There are no self-loops among them, and none is there twice.

    >>> shuffle_definition([(0, 1), (2, 3)], [0, 0], [2, 2], [False, False], True, 8, key=0)
    [(0, 3), (2, 1)]

    Notebook: 08_communities. Source: see `degree_preserving_shuffle`.
    """
    now = [(u, v) for u, v in edges]
    there = {_pair(u, v, directed) for u, v in now}
    stream = _rng.start(key, 0)
    for draw in range(0, 3 * tries, 3):
        e = int(_rng.uniform(stream, draw) * len(now))
        f = first[e] + int(_rng.uniform(stream, draw + 1) * (end[e] - first[e]))
        (a, b), (c, d) = now[e], now[f]
        if turns[e] and _rng.uniform(stream, draw + 2) < 0.5:
            c, d = d, c
        new = {_pair(a, d, directed), _pair(c, b, directed)}
        if a == d or c == b or new & there:
            continue
        there -= {_pair(a, b, directed), _pair(c, d, directed)}
        there |= new
        now[e], now[f] = (a, d), (c, b)
    return now


# ---------------------------------------------------------------------------------------- helpers


def _pair(u: int, v: int, directed: bool) -> Pair:
    """The edge u -> v, or u - v under one name."""
    return (u, v) if directed or u <= v else (v, u)


def _side_by_side(graph: Graph, classes: Rows) -> tuple[Rows, Rows, Rows, Rows, NDArray[np.bool_]]:
    """The edges but self-loops, those between the same two classes side by side; and what may be done with each.

    -> where they stand in `graph.edges()`, (m,), their ends, (m, 2), and `first`, `end` and `turns` of
    `shuffle_definition`.
    """
    pairs = graph.edge_rows.astype(np.int64)
    order = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
    pairs = pairs[order]
    between = classes[pairs]
    if not graph.directed:  # from the lower class to the higher
        turned = between[:, 0] > between[:, 1]
        pairs[turned], between[turned] = pairs[turned, ::-1], between[turned, ::-1]
    turns = (between[:, 0] == between[:, 1]) & (not graph.directed)
    group = between @ [classes.max(initial=0) + 1, 1]
    sorting = np.argsort(group, kind="stable")
    group = group[sorting]
    first, end = (np.searchsorted(group, group, side) for side in ("left", "right"))
    return order[sorting], pairs[sorting], first, end, turns[sorting]


def _checked_classes(within: Any, n: int) -> Rows:
    """(n,) the classes as 0, 1, ..."""
    if np.asarray(within).dtype.kind in "US":
        raise TypeError("within is text: np.unique(within, return_inverse=True)[1] makes whole numbers of it")
    classes = real_numbers("within", within)
    if classes.shape != (n,):
        raise ValueError(f"within of shape {classes.shape} for {n} nodes: a class for each is needed")
    if n and classes.dtype.kind not in "biu":
        raise TypeError(f"within of type {classes.dtype}: a whole number for each node is needed")
    return np.unique(classes, return_inverse=True)[1].astype(np.int64)
