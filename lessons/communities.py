"""Find who belongs together: modularity, and the climbers Louvain and Leiden.

    modularity(graph, communities)                # how many more edges lie inside than chance would put there
    louvain(graph, seed=0), leiden(graph, seed=0) # communities with much of it
    connected_communities(graph, communities)     # which of them hold together: Leiden's all do
    adjusted_rand(one, other)                     # how far two divisions agree

Communities are an array (n,) of int32 in the order of `graph.nodes`, numbered from 0 by their first nodes. Graphs
here are undirected, their weights not negative; an edge of weight 0 joins nothing. As in networkx, a self-loop has
both its ends at its node, so it counts twice in the node's degree, and twice inside its community.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons import _rng
from lessons._checks import not_negative, real_numbers, whole, zero_or_more
from lessons._csr import Label
from lessons.errors import require
from lessons.graph import Graph, as_graph
from lessons.local_moves import (
    NO_LIMIT,
    QUICKLY,
    Level,
    below_one,
    degrees_of,
    finest_level,
    leiden_definition,
    louvain_definition,
    streams_of,
)

__all__ = [
    "Communities",
    "adjusted_rand",
    "aggregate",
    "connected_communities",
    "leiden",
    "leiden_definition",
    "louvain",
    "louvain_definition",
    "modularity",
    "modularity_definition",
    "move_gain",
]

Communities = NDArray[np.int32]
Floats = NDArray[np.float64]


# ---------------------------------------------------------------------------------------- modularity


def modularity_definition(graph: Graph, communities: Sequence[int], resolution: float = 1.0) -> float:
    """The definition of `modularity`: a sum over all pairs of nodes, both orders, each with itself. O(n^2).

    >>> modularity_definition(as_graph([(0, 1), (2, 3)], n=4), [0, 0, 1, 1])
    0.5
    """
    A = graph.to_dense()
    n = len(A)
    ends = [[A[i, j] * (2 if i == j else 1) for j in range(n)] for i in range(n)]  # both of a self-loop are at i
    d = [sum(row) for row in ends]
    total = sum(d)
    Q = 0.0
    for i in range(n):
        for j in range(n):
            if communities[i] == communities[j] and total > 0:
                Q += (ends[i][j] - resolution * d[i] * d[j] / total) / total
    return float(Q)


def modularity(graph: object, communities: ArrayLike, *, resolution: float = 1.0) -> float:
    """Q, the share of edges inside communities less what chance would put there: at most 1, 0 for one community.

    Q = sum over communities of inside / (2 m) - resolution (D / (2 m))^2, with D the degrees of a community's
    nodes, `inside` the weight of its edges, both ways, and 2 m the degrees of all. Chance deals the ends of all
    edges anew and leaves each node its degree. `communities` (n,) are whole numbers from 0 on, in the order of
    `graph.nodes`. Where the graph has no edges (or none that weighs anything), Q is 0.0 by convention. O(n + m).

    Maximising Q with a resolution of 1 merges what is smaller than about sqrt(m) edges with a neighbour, however
    clear it is (the resolution limit); a larger resolution gives smaller communities.

    Raises ValueError for a directed graph, a negative weight or resolution, and communities that do not fit.

    >>> two = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
    >>> round(modularity(two, [0, 0, 0, 1, 1, 1]), 4), modularity(two, [0] * 6)
    (0.3571, 0.0)

    Notebook: 08_communities. Sources: M. E. J. Newman, M. Girvan, Finding and evaluating community structure in
    networks, Physical Review E 69, 026113, 2004, DOI 10.1103/PhysRevE.69.026113, eq. 5; resolution: J. Reichardt,
    S. Bornholdt, Statistical mechanics of community detection, Physical Review E 74, 016110, 2006, DOI
    10.1103/PhysRevE.74.016110; its limit: S. Fortunato, M. Barthelemy, Resolution limit in community detection,
    PNAS 104 (1), 2007, pages 36-41, DOI 10.1073/pnas.0605965104.
    """
    graph = _undirected(graph)
    members = _communities_of(graph, communities)
    resolution = zero_or_more("resolution", resolution)
    weights, d = _scaled(graph)
    total = d.sum()
    if not total:
        return 0.0
    edges = members[graph.sources] == members[graph.indices]
    loops = graph.sources == graph.indices
    inside = weights[edges].sum() + weights[loops].sum()
    D = np.bincount(members, weights=d)
    return float(inside / total - resolution * ((D / total) ** 2).sum())


def move_gain(
    graph: object, communities: ArrayLike, node: Label, community: int, *, resolution: float = 1.0
) -> float:
    """By how much `modularity` grows when a node leaves its community for another one; 0.0 for its own.

    With k the node's degree, w(C) the weight of its edges to the other nodes of community C, D(C) their degrees
    and 2 m the degrees of all, it is (w(new) - w(own)) / m - resolution k (D(new) - D(own)) / (2 m^2). A community
    that no node has yet is one of its own. O(n + m) here, O(degree) where the D are known.

    Raises what `modularity` does, and UnknownLabel.

    >>> path = as_graph([(0, 1), (1, 2)], n=3)
    >>> move_gain(path, [0, 1, 2], 0, 1)                           # w = 1, m = 2, k = 1, D = 2
    0.25

    Notebook: 08_communities. Source: Blondel et al. 2008, eq. 2 (see `louvain`).
    """
    graph = _undirected(graph)
    members, v = _communities_of(graph, communities), graph.index(node)
    community = whole("community", community, 0)
    resolution = zero_or_more("resolution", resolution)
    weights, d = _scaled(graph)
    m = d.sum() / 2
    if not m or members[v] == community:
        return 0.0
    arcs = slice(graph.indptr[v], graph.indptr[v + 1])
    w, around, others = weights[arcs], graph.indices[arcs], np.arange(graph.n) != v

    def pulls(c: int) -> float:
        shared = w[(members[around] == c) & (around != v)].sum()
        return float(shared / m - resolution * d[v] * d[(members == c) & others].sum() / (2 * m * m))

    return pulls(community) - pulls(int(members[v]))


# ---------------------------------------------------------------------------------------- Louvain and Leiden


def louvain(graph: object, *, resolution: float = 1.0, seed: _rng.Seed = 0) -> Communities:
    """Communities (n,) by climbing: nodes move while that gains, communities become nodes, and so on. O(m) each.

    Each node starts alone. In random order, each moves to the community around it where `modularity` gains most,
    or to one of its own; those around it are asked again. Of equal ones it stays in its own, or takes the first
    that it meets; equal is what differs by less than 2^-44 of the most that a gain may be, so that rounding moves
    nobody. The communities are the nodes of the next level, and so on until nothing moves. No two communities of
    the answer gain by merging, but one may be badly joined, even in two pieces: see `leiden`. The same seed gives
    the same answer on every machine.

    Raises ValueError for a directed graph, a negative weight or resolution.

    >>> two = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
    >>> louvain(two)
    array([0, 0, 0, 1, 1, 1], dtype=int32)

    Notebook: 08_communities. Source: V. D. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre, Fast unfolding of
    communities in large networks, Journal of Statistical Mechanics, P10008, 2008, DOI
    10.1088/1742-5468/2008/10/P10008.
    """
    level = finest_level(_undirected(graph))
    climb = _climb(level, zero_or_more("resolution", resolution), _rng.key_of(seed), NO_LIMIT)
    answer = np.arange(level.n, dtype=np.int32)
    for _, found in climb:
        answer = found[answer]
    return answer


def leiden(graph: object, *, resolution: float = 1.0, rounds: int = 2, seed: _rng.Seed = 0) -> Communities:
    """Communities (n,) as of `louvain`, but every one of them is connected. O(m) a sweep.

    Between moving and the next level, communities are refined: within each, every node starts alone again and,
    where it is well joined to the rest, goes to the best part that is. These parts, all connected, become the
    nodes of the next level, and begin it in the communities that they come from; so a community that has lost the
    node which held it together comes apart. The published refinement draws where a node goes, likelier where it
    gains more; here it goes where it gains most.

    All of it is done `rounds` times, from what was found on; but the first of several rounds only makes a good
    start, and quickly: Louvain's levels, the first cut off after three visits a node, then back from the coarsest
    down to the second, with moves on each (Rotta and Noack).

    Raises ValueError for a directed graph, a negative weight or resolution, and fewer than one round.

    >>> two = as_graph([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (2, 3)], n=6)
    >>> leiden(two)
    array([0, 0, 0, 1, 1, 1], dtype=int32)

    Notebook: 08_communities. Source: V. A. Traag, L. Waltman, N. J. van Eck, From Louvain to Leiden: guaranteeing
    well-connected communities, Scientific Reports 9, 5233, 2019, DOI 10.1038/s41598-019-41695-z, algorithm A.2;
    the start: R. Rotta, A. Noack, Multilevel local search algorithms for modularity clustering, ACM Journal of
    Experimental Algorithmics 16, 2011, DOI 10.1145/1963190.1970376.
    """
    from lessons.compiled import communities as kernels

    finest, rounds = finest_level(_undirected(graph)), whole("rounds", rounds, 1)
    resolution, key = zero_or_more("resolution", resolution), _rng.key_of(seed)
    answer = np.arange(finest.n, dtype=np.int32) if rounds == 1 else _good_start(finest, resolution, key)
    for turn in range(max(rounds - 1, 1)):
        answer = _leiden_round(finest, answer, resolution, _rng.start(key, turn))
        kernels.renumber(answer)
    return answer


# ---------------------------------------------------------------------------------------- what is found


def aggregate(graph: object, communities: ArrayLike) -> Graph:
    """The graph whose nodes 0 ... k - 1 are the communities: weights added up, edges inside one as a self-loop.

    A self-loop weighs what all edges inside weigh, each once; so degrees add up, and the `modularity` of each node
    alone is that of the communities. O(n + m log m). Raises ValueError as `modularity` does.

    >>> pairs = aggregate(as_graph([(0, 1), (1, 2), (2, 3)], n=4), [0, 0, 1, 1])
    >>> pairs.edges(), pairs.edge_weights
    ([(0, 0), (0, 1), (1, 1)], array([1., 1., 1.]))

    Notebook: 08_communities.
    """
    graph = _undirected(graph)
    members = _communities_of(graph, communities)
    ends = members[graph.edge_rows]
    k = int(members.max(initial=-1)) + 1
    return as_graph(np.column_stack([ends, graph.edge_weights]), n=k)


def connected_communities(graph: object, communities: ArrayLike) -> NDArray[np.bool_]:
    """(k,) for each community whether edges inside it lead from every node of it to every other. O(n + m).

    k is the largest number and one; a number that no node has counts as connected. Raises ValueError as
    `modularity` does.

    >>> connected_communities(as_graph([(0, 1), (1, 2)], n=4), [0, 0, 1, 1])
    array([ True, False])

    Notebook: 08_communities.
    """
    graph = _undirected(graph)
    members = _communities_of(graph, communities)
    level = finest_level(graph)
    _, first = np.unique(_pieces(level.indptr, level.indices, members), return_index=True)
    return np.bincount(members[first], minlength=int(members.max(initial=-1)) + 1) <= 1


def adjusted_rand(one: Sequence[object] | ArrayLike, other: Sequence[object] | ArrayLike) -> float:
    """How far two divisions of the same nodes agree: 1 where they are the same, about 0 where by chance. O(n).

    `one` and `other` (n,) hold a label for each node, whatever labels. Of all pairs of nodes it counts those that
    are together in both or apart in both, less what chance gives for groups of these sizes, over the most that
    this can be: scikit-learn's `adjusted_rand_score`.

    Raises ImportError without scikit-learn, ValueError where they are not equally long, TypeError for what holds
    no label for each node.

    >>> adjusted_rand([0, 0, 1, 1], ["b", "b", "a", "a"]), adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1])
    (1.0, -0.5)

    Notebook: 08_communities. Source: L. Hubert, P. Arabie, Comparing partitions, Journal of Classification 2,
    1985, pages 193-218, DOI 10.1007/BF01908075.
    """
    require("sklearn", "course")
    from sklearn.metrics import adjusted_rand_score

    numbers = [_numbered(name, labels) for name, labels in (("one", one), ("other", other))]
    if len(numbers[0]) != len(numbers[1]):
        raise ValueError(f"{len(numbers[0])} labels and {len(numbers[1])}: one for each node is needed in both")
    return float(adjusted_rand_score(*numbers))


def _numbered(name: str, labels: Sequence[object] | ArrayLike) -> list[int]:
    flat = labels.tolist() if isinstance(labels, np.ndarray) else labels
    if not isinstance(flat, Sequence) or isinstance(flat, str):
        raise TypeError(f"{name} is a {type(labels).__name__}: a sequence of labels is needed, one for each node")
    number: dict[object, int] = {}
    try:
        return [number.setdefault(label, len(number)) for label in flat]
    except TypeError:
        raise TypeError(
            f"{name} holds what is no label: one for each node is needed, not one set a group"
        ) from None


# ---------------------------------------------------------------------------------------- levels


def _order(n: int, stream: int) -> NDArray[np.int32]:
    from lessons.compiled import communities as kernels

    order = np.empty(n, np.int32)
    kernels.shuffle(stream, order)
    return order


def _aggregate(level: Level, communities: Communities, k: int) -> Level:
    from lessons.compiled import communities as kernels

    arcs = len(level.indices)
    indptr, indices = np.empty(k + 1, np.int64), np.empty(arcs, np.int32)
    weights, degrees = np.empty(arcs), np.empty(k)
    arcs = kernels.aggregate(
        level.indptr, level.indices, level.weights, level.degrees, communities, indptr, indices, weights, degrees
    )
    return Level(indptr, indices[:arcs], weights[:arcs], degrees)


def _climb(level: Level, resolution: float, key: int, visits: int) -> list[tuple[Level, Communities]]:
    """Louvain's levels, and the communities found on each; `visits` are those of the first."""
    from lessons.compiled import communities as kernels

    levels = []
    for stream in streams_of(key):
        found = np.arange(level.n, dtype=np.int32)
        kernels.move(*level.arrays, resolution, _order(level.n, stream), visits, found)
        k = kernels.renumber(found)
        levels.append((level, found))
        if k == level.n:
            break
        level, visits = _aggregate(level, found, k), NO_LIMIT
    return levels


def _good_start(finest: Level, resolution: float, key: int) -> Communities:
    from lessons.compiled import communities as kernels

    levels = _climb(finest, resolution, key, QUICKLY * finest.n)
    answer = np.arange(levels[-1][0].n, dtype=np.int32)
    for number, (level, found) in reversed(list(enumerate(levels))):
        answer = answer[found]
        if number:
            order = _order(level.n, _rng.start(key, number))
            kernels.move(*level.arrays, resolution, order, NO_LIMIT, answer)
    return answer


def _leiden_round(finest: Level, communities: Communities, resolution: float, key: int) -> Communities:
    from lessons.compiled import communities as kernels

    level, found, node = finest, communities.copy(), np.arange(finest.n, dtype=np.int32)
    for stream in streams_of(key):
        order = _order(level.n, stream)
        kernels.move(*level.arrays, resolution, order.copy(), NO_LIMIT, found)
        if kernels.renumber(found) == level.n:
            break
        parts, k = _refined(level, resolution, order, found)
        if k == level.n:
            found = parts
            break
        of_part = np.empty(k, np.int32)
        of_part[parts] = found
        level, found, node = _aggregate(level, parts, k), of_part, parts[node]
    return found[node]


def _refined(
    level: Level, resolution: float, order: NDArray[np.int32], found: Communities
) -> tuple[NDArray[np.int32], int]:
    """The part of each node, and how many there are: fewer than nodes, where an edge lies inside a community."""
    from lessons.compiled import communities as kernels

    parts = np.empty(level.n, np.int32)
    kernels.refine(*level.arrays, resolution, order, found, parts)
    k = kernels.renumber(parts)
    if k == level.n:  # what is together is so by ties only
        parts = _pieces(level.indptr, level.indices, found)
        k = kernels.renumber(parts)
    return parts, k


# ---------------------------------------------------------------------------------------- at the door


def _undirected(graph: object) -> Graph:
    return not_negative(as_graph(graph, directed=False), "a community")


def _communities_of(graph: Graph, communities: ArrayLike) -> Communities:
    """The community of each node as int32 (n,), of its own."""
    if isinstance(communities, Sequence) and (kind := np.asarray(communities).dtype).kind in "OSU":
        raise TypeError(
            f"communities of type {kind}: the number of its community is needed for each node, not one set a "
            "community; np.unique(labels, return_inverse=True)[1] numbers labels"
        )
    array = real_numbers("communities", communities)
    if array.shape != (graph.n,):
        raise ValueError(f"communities of shape {array.shape} for {graph.n} nodes: one for each is needed")
    wrong = ~((array == np.floor(array)) & (array >= 0) & (array < graph.n))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"node {graph.nodes[row]!r} is in community {array[row]}: 0 ... {graph.n - 1} is needed; "
            "np.unique(communities, return_inverse=True)[1] numbers any"
        )
    return array.astype(np.int32)


def _scaled(graph: Graph) -> tuple[Floats, Floats]:
    """Weights of the arcs, and degrees, both over the same power of two."""
    weights = np.ones(len(graph.indices)) if graph.weights is None else below_one(graph.weights)
    return weights, degrees_of(graph, weights, graph.sources == graph.indices)


def _pieces(indptr: NDArray[np.int64], indices: NDArray[np.int32], members: Communities) -> NDArray[np.int32]:
    """(n,) numbers of the pieces that communities fall into, by arcs inside them."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(members)
    inside = np.repeat(members, np.diff(indptr)) == members[indices]
    indptr = np.append(0, np.cumsum(inside))[indptr]
    arcs = csr_array((np.ones(indptr[-1], np.int8), indices[inside], indptr), shape=(n, n))
    return np.asarray(connected_components(arcs, directed=False)[1], np.int32)
