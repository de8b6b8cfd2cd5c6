"""The climbers of `lessons.communities` in plain Python, step by step, and the graph as all of them take it.

    near, degrees = near_of(graph)                                      # {neighbour: weight} of each node
    found = move_definition(near, degrees, range(n), order, 1.0)        # nodes move while that gains
    part = refine_definition(near, degrees, found, order, 1.0)          # Leiden: connected parts of that
    near, degrees = aggregate_definition(near, degrees, part)           # and parts become nodes

Communities are lists here, and need not be numbered without gaps; numbers are below n.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray

from lessons import _rng
from lessons.graph import Graph

Floats = NDArray[np.float64]
Near = Sequence[dict[int, float]]

WHOLE = 2.0**52  # the sum of all degrees within the kernels, where weights are not whole, or their sum is above it
QUICKLY = 3  # visits of a node of the graph, on average, that a good start takes
NO_LIMIT = -1
TIE = 2.0**-44  # of the largest that a gain may be: more than rounding makes of an equal one
BLOCK = 1_024  # nodes that are shuffled among each other: what they read lies close together


# ---------------------------------------------------------------------------------------- climbing


def louvain_definition(graph: Graph, resolution: float = 1.0, seed: _rng.Seed = 0) -> list[int]:
    """The definition of `lessons.communities.louvain`: the same moves in the same order.

    >>> from lessons import as_graph
    >>> louvain_definition(as_graph([(0, 1), (2, 3)], n=4))
    [0, 0, 1, 1]
    """
    answer = list(range(graph.n))
    for *_, found in climb_definition(*near_of(graph), resolution, _rng.key_of(seed)):
        answer = [found[c] for c in answer]
    return answer


def climb_definition(
    near: Near, degrees: Sequence[float], resolution: float, key: int, visits: int = NO_LIMIT
) -> list[tuple[Near, Sequence[float], list[int]]]:
    """Louvain's levels: of each its graph and the communities found there. `visits` are those of the first.

    >>> [found for *_, found in climb_definition([{1: 1.0}, {0: 1.0}], [1.0, 1.0], 1.0, 0)]
    [[0, 0], [0]]
    """
    levels: list[tuple[Near, Sequence[float], list[int]]] = []
    for stream in streams_of(key):
        n = len(near)
        order = random_order(n, stream)
        found = renumber_definition(move_definition(near, degrees, range(n), order, resolution, visits))
        levels.append((near, degrees, found))
        if len(set(found)) == n:
            break
        (near, degrees), visits = aggregate_definition(near, degrees, found), NO_LIMIT
    return levels


def leiden_definition(graph: Graph, resolution: float = 1.0, rounds: int = 2, seed: _rng.Seed = 0) -> list[int]:
    """The definition of `lessons.communities.leiden`: the same moves in the same order.

    >>> from lessons import as_graph
    >>> leiden_definition(as_graph([(0, 1), (2, 3)], n=4))
    [0, 0, 1, 1]
    """
    near, degrees = near_of(graph)
    answer, key = list(range(graph.n)), _rng.key_of(seed)
    if rounds > 1:
        answer = start_definition(near, degrees, resolution, key)
    for turn in range(max(rounds - 1, 1)):
        answer = round_definition(near, degrees, answer, resolution, _rng.start(key, turn))
    return answer


def start_definition(near: Near, degrees: Sequence[float], resolution: float, key: int) -> list[int]:
    """A good start for `leiden`: few visits at first, then moves on all levels but that, back from the top.

    >>> start_definition([{1: 1.0}, {0: 1.0}], [1.0, 1.0], 1.0, 0)
    [0, 0]
    """
    levels = climb_definition(near, degrees, resolution, key, QUICKLY * len(near))
    answer = list(range(len(set(levels[-1][-1]))))
    for number, (near, degrees, found) in reversed(list(enumerate(levels))):
        answer = [answer[c] for c in found]
        if number:
            order = random_order(len(near), _rng.start(key, number))
            answer = move_definition(near, degrees, answer, order, resolution)
    return answer


def round_definition(
    near: Near, degrees: Sequence[float], community: Sequence[int], resolution: float, key: int
) -> list[int]:
    """A round of `leiden`, from the communities told on: move, refine, make nodes of the parts, and again.

    >>> round_definition([{1: 1.0}, {0: 1.0}], [1.0, 1.0], [0, 1], 1.0, 0)
    [0, 0]
    """
    node = list(range(len(near)))  # where each is among the nodes of this level
    for stream in streams_of(key):
        n = len(near)
        order = random_order(n, stream)
        community = renumber_definition(move_definition(near, degrees, community, order, resolution))
        if len(set(community)) == n:
            break
        part = refine_definition(near, degrees, community, order, resolution)
        if len(set(part)) == n:  # what is together is so by ties only
            part = pieces_definition(near, community)
        near, degrees = aggregate_definition(near, degrees, part)
        node = [part[v] for v in node]
        of_part = dict(zip(part, community, strict=True))
        community = [of_part[p] for p in range(len(near))]
        if len(near) == n:
            community = part
            break
    return renumber_definition([community[v] for v in node])


def near_of(graph: Graph) -> tuple[list[dict[int, float]], list[float]]:
    """What the definitions read: {neighbour: weight} of each row, and the degrees; self-loops are in these only.

    Weights are whole numbers of a sum below 2^53, others are scaled to such; edges of weight 0 are left out.

    >>> from lessons import as_graph
    >>> near_of(as_graph([(0, 1, 3.0), (1, 1, 2.0)], n=2))
    ([{1: 3.0}, {0: 3.0}], [3.0, 7.0])
    """
    level = finest_level(graph)
    weights = (level.weights if len(level.weights) else np.ones(len(level.indices))).tolist()
    arcs = list(zip(level.indices.tolist(), weights, strict=True))
    ends = level.indptr.tolist()
    return [dict(arcs[first:last]) for first, last in pairwise(ends)], level.degrees.tolist()


def random_order(n: int, stream: int) -> list[int]:
    """The nodes 0 ... n - 1, shuffled (Fisher and Yates) in blocks of 1,024, whose data lies close together.

    >>> sorted(random_order(5, 7)), random_order(5, 7) == random_order(5, 8)
    ([0, 1, 2, 3, 4], False)
    """
    order: list[int] = []
    for i in range(n):
        first = i - i % BLOCK
        j = first + int(_rng.uniform(stream, i) * (i - first + 1))
        order.append(i)
        order[i], order[j] = order[j], i
    return order


def move_definition(
    near: Near,
    degrees: Sequence[float],
    community: Sequence[int],
    order: Sequence[int],
    resolution: float,
    visits: int = NO_LIMIT,
) -> list[int]:
    """Nodes move, each to where it gains most, while any waits; the fast local moving of Leiden, with a queue.

    All wait in the order told. One that moves makes its neighbours wait again, but for those where it went. After
    so many `visits` it ends anyway.

    >>> move_definition([{1: 1.0}, {0: 1.0}], [1.0, 1.0], [0, 1], [0, 1], 1.0)
    [1, 1]
    """
    n, total, found, waiting = len(near), sum(degrees), list(community), deque(order)
    D, members, waits = [0.0] * n, [0] * n, [True] * n
    for v, c in enumerate(found):
        D[c] += degrees[v]
        members[c] += 1
    free = [c for c in reversed(range(n)) if not members[c]]
    while waiting and visits != 0:
        v, visits = waiting.popleft(), visits - 1
        waits[v], own = False, found[v]
        D[own] -= degrees[v]
        best = best_definition(near[v], degrees[v], D, found, own, total, resolution)
        if best is None:
            best = free.pop() if members[own] > 1 else own
        D[best] += degrees[v]
        if best == own:
            continue
        found[v] = best
        members[best] += 1
        members[own] -= 1
        if not members[own]:
            free.append(own)
        again = [u for u in near[v] if not waits[u] and found[u] != best]
        waiting.extend(again)
        for u in again:
            waits[u] = True
    return found


def best_definition(
    around: dict[int, float],
    degree: float,
    D: Sequence[float],
    found: Sequence[int],
    own: int,
    total: float,
    resolution: float,
) -> int | None:
    """Where a node gains most that has left its community: a community around it, None for one of its own.

    `D` are the degrees of the communities without it, `total` is 2 m. What is compared is the gain times 2 m^2.

    >>> best_definition({1: 1.0}, 1.0, [0.0, 1.0], [0, 1], 0, 2.0, 1.0)
    1
    """
    margin = TIE * total * max(resolution, 1.0) * degree
    shared = {own: 0.0}
    for u, w in around.items():
        shared[found[u]] = shared.get(found[u], 0.0) + w
    best, most = own, total * shared[own] - resolution * degree * D[own]
    for c, w in shared.items():
        gain = total * w - resolution * degree * D[c]
        if gain > most + margin:
            best, most = c, gain
    return None if most < -margin else best


def refine_definition(
    near: Near, degrees: Sequence[float], community: Sequence[int], order: Sequence[int], resolution: float
) -> list[int]:
    """Parts of communities, each connected: nodes start alone, and each that still is joins the best part there.

    Who joins, and which part is joined, has to be bound to the rest of the community by as much as chance would.

    >>> refine_definition([{1: 1.0}, {0: 1.0}, {}], [1.0, 1.0, 0.0], [0, 0, 0], [0, 1, 2], 1.0)
    [0, 0, 1]
    """
    n, total = len(near), sum(degrees)
    inside = [{u: w for u, w in near[v].items() if community[u] == community[v]} for v in range(n)]
    bound, D, whole_D = [sum(around.values()) for around in inside], list(degrees), [0.0] * n
    for v in range(n):
        whole_D[community[v]] += degrees[v]
    part, alone = list(range(n)), [True] * n

    def is_bound(p: int) -> bool:
        return total * bound[p] >= resolution * D[p] * (whole_D[community[p]] - D[p])

    for v in order:
        if not alone[v] or not is_bound(v):
            continue
        open_to = {u: w for u, w in inside[v].items() if is_bound(part[u])}
        D[v] = 0.0  # as it leaves its part
        best = best_definition(open_to, degrees[v], D, part, v, total, resolution)
        if best is None or best == v:
            D[v] = degrees[v]
            continue
        bound[best] += bound[v] - 2 * sum(w for u, w in inside[v].items() if part[u] == best)
        D[best] += degrees[v]
        part[v], alone[v], alone[best] = best, False, False
    return renumber_definition(part)


def pieces_definition(near: Near, community: Sequence[int]) -> list[int]:
    """What of each community is connected by edges inside it, numbered by first nodes.

    >>> pieces_definition([{1: 1.0}, {0: 1.0, 2: 1.0}, {1: 1.0}, {}], [0, 0, 1, 1])
    [0, 0, 1, 2]
    """
    piece = [-1] * len(near)
    for first in range(len(near)):
        found = [first] if piece[first] < 0 else []
        for v in found:  # which grows
            piece[v] = first
            found += [u for u in near[v] if piece[u] < 0 and community[u] == community[v] and u not in found]
    return renumber_definition(piece)


def renumber_definition(community: Sequence[int]) -> list[int]:
    """Communities numbered by their first nodes.

    >>> renumber_definition([4, 4, 2, 4, 0])
    [0, 0, 1, 0, 2]
    """
    number: dict[int, int] = {}
    return [number.setdefault(c, len(number)) for c in community]


def aggregate_definition(
    near: Near, degrees: Sequence[float], community: Sequence[int]
) -> tuple[list[dict[int, float]], list[float]]:
    """What `near_of` gives, of the graph whose nodes are the communities: edges inside are in its degrees only.

    >>> aggregate_definition([{1: 1.0}, {0: 1.0, 2: 2.0}, {1: 2.0}], [1.0, 3.0, 2.0], [0, 0, 1])
    ([{1: 2.0}, {0: 2.0}], [4.0, 2.0])
    """
    k = len(set(community))
    merged: list[dict[int, float]] = [{} for _ in range(k)]
    D = [0.0] * k
    for v, c in enumerate(community):
        D[c] += degrees[v]
        for u, w in near[v].items():
            if community[u] != c:
                merged[c][community[u]] = merged[c].get(community[u], 0.0) + w
    return merged, D


# ---------------------------------------------------------------------------------------- levels


@dataclass(frozen=True, eq=False)
class Level:
    """A graph among smaller and smaller ones, without self-loops, as the kernels take it.

    Attributes: `indptr` (n + 1,), `indices` (arcs,) and `weights` (arcs,), or (0,) where all are 1, in compressed
    sparse rows; `degrees` (n,), which count self-loops twice. Weights and degrees are whole numbers.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    weights: Floats
    degrees: Floats

    @property
    def n(self) -> int:
        """The number of nodes."""
        return len(self.degrees)

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats, Floats, float]:
        """What every kernel takes first, the last of it the sum of all degrees."""
        return self.indptr, self.indices, self.weights, self.degrees, float(self.degrees.sum())


def finest_level(graph: Graph) -> Level:
    """The graph without self-loops and edges of weight 0, its weights made whole numbers. O(n + m).

    >>> from lessons import as_graph
    >>> level = finest_level(as_graph([(0, 0, 2.0), (0, 1, 3.0)], n=2))
    >>> level.indices, level.weights, level.degrees
    (array([1, 0], dtype=int32), array([3., 3.]), array([7., 3.]))
    """
    weights, indptr, indices = graph.weights, graph.indptr, graph.indices
    loops = graph.sources == indices
    if weights is not None:
        weights = _whole_numbers(weights)
    degrees = degrees_of(graph, weights, loops)
    kept = ~loops if weights is None else ~loops & (weights > 0)
    if not kept.all():
        indptr, indices = np.append(0, np.cumsum(kept))[indptr], indices[kept]
        weights = None if weights is None else weights[kept]
    return Level(indptr, indices, np.empty(0) if weights is None else weights, degrees)


def _whole_numbers(weights: Floats) -> Floats:
    """Weights as whole numbers, whose sum of all arcs, and loops twice, is below 2^53.

    Those that are such already stay; others become multiples of a 2^51st of that sum, or so, and at least one.
    """
    if (weights == np.floor(weights)).all() and 2 * weights.max(initial=0.0) * len(weights) < WHOLE:
        return weights
    scaled = below_one(weights)
    _, power = np.frexp(2 * scaled.sum())
    whole = np.rint(np.ldexp(scaled, 51 - power))
    return np.maximum(whole, weights > 0)


def below_one(weights: Floats) -> Floats:
    """Weights over a power of two, the largest below 1 and at least 1/2: so no sum is beyond float64.

    >>> below_one(np.array([6.0, 4.0]))
    array([0.75, 0.5 ])
    """
    _, power = np.frexp(weights.max(initial=0.0))
    return np.ldexp(weights, -power)


def degrees_of(graph: Graph, weights: Floats | None, loops: NDArray[np.bool_]) -> Floats:
    """(n,) the weights at each node, as networkx counts: self-loops, at the arcs `loops` (arcs,), twice.

    >>> from lessons import as_graph
    >>> degrees_of(as_graph([(0, 0), (0, 1)], n=2), None, np.array([True, False, False]))
    array([3., 1.])
    """
    if weights is None:
        degrees = np.diff(graph.indptr).astype(np.float64)
    else:
        degrees = np.bincount(graph.sources, weights=weights, minlength=graph.n).astype(np.float64)
    at = graph.indices[loops]
    degrees[at] += 1.0 if weights is None else weights[loops]  # each node has one at most
    return degrees


def streams_of(key: int) -> Iterator[int]:
    """Where the random numbers of each level start, one after the other, without an end.

    >>> next(streams_of(7)) == _rng.start(7, 0)
    True
    """
    return (_rng.start(key, level) for level in count())
