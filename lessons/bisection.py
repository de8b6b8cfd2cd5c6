"""Cut a graph in two: by swapping pairs, by moving single nodes, by an eigenvector.

    parts = kernighan_lin(graph, seed=0)            # halves; or whatever sizes `parts` begins with
    parts = fiduccia_mattheyses(graph, parts)       # no part heavier than L_max
    parts = spectral_bisection(graph)               # across the slowest wave of the graph

Each answers (n,) int32, the part of each node, 0 or 1, in the order of `graph.nodes`. The graphs are undirected,
their weights not negative. A self-loop is never cut; an edge of weight 0 is cut for free.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._eigenpairs import lowest_pairs
from lessons._rng import Seed, key_of, uniforms
from lessons.cuts import Parts, Weights, heaviest_allowed, parts_of, weights_of
from lessons.errors import InfeasibleError
from lessons.graph import Graph
from lessons.laplacian_regularization import Kind, degrees, laplacian, symmetric_kind, undirected

if TYPE_CHECKING:
    import scipy.sparse

Neighbours = Sequence[Mapping[int, int]]
Floats = NDArray[np.float64]
Rows = NDArray[np.integer]

BITS = 50  # of the sum of all edge weights that count where they are not whole: Python adds those without rounding
SUBSETS = 2**31  # bits to tell which sums of vertex weights exist: 256 MB
SMALL = 500  # nodes; up to here all eigenpairs cost what one costs
COPIES = 4  # eigenpairs of larger graphs that are looked at
CUT = -1  # the part of what is still to be cut
SAME = 1e-6  # frequencies this close, relatively, are copies
LEVEL = 1e-9  # entries of an eigenvector this close, relative to the largest, are equal
NEARLY_LARGEST = 1e-6  # entries this close to the largest share its rank when a sign is chosen


# ---------------------------------------------------------------------------------------- definitions


def neighbour_weights(graph: object) -> list[dict[int, int]]:
    """What the definitions read: for each row {row of a neighbour: weight of the edge}, without self-loops.

    O(n + m). Raises ValueError for a directed graph and for a weight that is negative or no whole number: sums of
    others are rounded, and passes that gain nothing but rounding need not end.

    >>> from lessons import as_graph
    >>> neighbour_weights(as_graph([(0, 1), (1, 2)], n=3))
    [{1: 1}, {0: 1, 2: 1}, {1: 1}]

    Notebook: 05_graph_partitioning.
    """
    graph = undirected(graph)
    wrong = graph.edge_weights != np.floor(graph.edge_weights)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"edge {graph.edges()[at]!r} has weight {graph.edge_weights[at]}: a whole number is needed"
        )
    return _by_row(graph, _exact(graph))


def gains_definition(neighbours: Neighbours, parts: Sequence[int]) -> list[int]:
    """For each node what the cut loses if it moves: the weight of edges to the other part less that to its own.

    >>> gains_definition([{1: 1}, {0: 1, 2: 1}, {1: 1}], [0, 1, 1])
    [1, 0, -1]
    """
    gains = []
    for u, around in enumerate(neighbours):
        gains.append(sum(w if parts[v] != parts[u] else -w for v, w in around.items()))
    return gains


def kernighan_lin_definition(neighbours: Neighbours, parts: Sequence[int]) -> list[int]:
    """The definition of `kernighan_lin`: passes of swaps, from `parts` on, until none gains. O(n^3) a pass.

    `neighbours[u]` is {neighbour: weight}, whole numbers, as `neighbour_weights` gives them.

    >>> kernighan_lin_definition([{1: 1}, {0: 1}, {3: 1}, {2: 1}], [0, 1, 0, 1])
    [1, 1, 0, 0]
    """
    part = list(parts)
    while swaps := swaps_definition(neighbours, part):
        for a, b in swaps:
            part[a], part[b] = part[b], part[a]
    return part


def swaps_definition(neighbours: Neighbours, part: Sequence[int]) -> list[tuple[int, int]]:
    """One pass: the pairs to swap, in order, for the largest total gain; each node is swapped once, then locked.

    >>> swaps_definition([{1: 1}, {0: 1}, {3: 1}, {2: 1}], [0, 1, 0, 1])
    [(0, 3)]
    """
    D, free = gains_definition(neighbours, part), set(range(len(part)))
    swaps: list[tuple[int, int]] = []
    totals = [0]
    while len({part[u] for u in free}) == 2:
        left, right = (sorted((-D[u], u) for u in free if part[u] == side) for side in (0, 1))
        gains = {(a, b): D[a] + D[b] - 2 * neighbours[a].get(b, 0) for _, a in left for _, b in right}
        a, b = max(gains, key=lambda pair: gains[pair])  # of several the first
        swaps.append((a, b))
        totals.append(totals[-1] + gains[a, b])
        free -= {a, b}
        for u in (a, b):
            for v, w in neighbours[u].items():
                D[v] += 2 * w if part[v] == part[u] else -2 * w
    return swaps[: totals.index(max(totals))]


class GainBuckets:
    """The free nodes of one part: a bucket for each gain from -most to most, and a pointer to the highest in use.

    A bucket is a dict, as it gives up any node at once and knows which came last. So each step is O(1), but for
    the pointer, which falls past empty buckets as far as it rose before.

    >>> free = GainBuckets(most=2)
    >>> free.put(7, gain=-1)
    >>> free.put(9, gain=2)
    >>> free.best(), free.take_out(9), free.best()
    (9, 2, 7)
    """

    def __init__(self, most: int) -> None:
        self.most, self.highest = most, 0
        self.buckets: list[dict[int, None]] = [{} for _ in range(2 * most + 1)]
        self.gain: dict[int, int] = {}

    def put(self, u: int, gain: int) -> None:
        self.gain[u] = gain
        self.buckets[self.most + gain][u] = None
        self.highest = max(self.highest, self.most + gain)

    def take_out(self, u: int) -> int:
        """The gain that it had."""
        gain = self.gain.pop(u)
        del self.buckets[self.most + gain][u]
        return gain

    def best(self) -> int | None:
        """The node of the largest gain, of several the one that was put in last; None where none is left."""
        while self.highest > 0 and not self.buckets[self.highest]:
            self.highest -= 1
        return next(reversed(self.buckets[self.highest]), None)


def fiduccia_mattheyses_definition(neighbours: Neighbours, parts: Sequence[int], heaviest: int) -> list[int]:
    """The definition of `fiduccia_mattheyses` where each node weighs 1: passes of moves, until none gains.

    `neighbours[u]` is {neighbour: weight}, whole numbers. Each part has 1 ... `heaviest` nodes, before and after.
    O(n + m) a pass, and two buckets for each unit of the largest weight around a node.

    >>> path = [{1: 1}, {0: 1, 2: 1}, {1: 1, 3: 1}, {2: 1}]
    >>> fiduccia_mattheyses_definition(path, [0, 1, 0, 1], heaviest=2)
    [0, 0, 1, 1]
    """
    part = list(parts)
    while moves := moves_definition(neighbours, part, heaviest):
        for u in moves:
            part[u] = 1 - part[u]
    return part


def moves_definition(neighbours: Neighbours, parts: Sequence[int], heaviest: int) -> list[int]:
    """One pass: the nodes to move, in order, for the largest total gain; each moves once, then it is locked.

    >>> moves_definition([{1: 1}, {0: 1, 2: 1}, {1: 1, 3: 1}, {2: 1}], [0, 1, 0, 1], heaviest=2)
    [2, 1]
    """
    part, size = list(parts), [list(parts).count(0), list(parts).count(1)]
    most = max(sum(around.values()) for around in neighbours)
    free = GainBuckets(most), GainBuckets(most)
    for u, gain in reversed(list(enumerate(gains_definition(neighbours, parts)))):
        free[part[u]].put(u, gain)  # what comes last is taken first: the smallest row
    moves, totals, best = [], [0], 0
    while (node := next_move_definition(free, size, heaviest)) is not None:
        totals.append(totals[-1] + move_definition(node, neighbours, part, free))
        moves.append(node)
        size[part[node]] += 1
        size[1 - part[node]] -= 1
        if max(size) <= heaviest and totals[-1] > totals[best]:
            best = len(moves)
    return moves[:best]


def next_move_definition(free: Sequence[GainBuckets], size: Sequence[int], heaviest: int) -> int | None:
    """Of the best nodes of both parts the better one that may move; None where neither may.

    A node may leave the larger part, and go where there is room; the last of a part stays. Of equal gains, the
    node of the larger part comes first, then that of part 0.
    """
    choices = []
    for here, there in ((0, 1), (1, 0)):
        u = free[here].best()
        if u is not None and size[here] > 1 and (size[here] >= size[there] or size[there] < heaviest):
            choices.append((free[here].gain[u], size[here], there, u))
    return max(choices)[-1] if choices else None


def move_definition(u: int, neighbours: Neighbours, part: list[int], free: Sequence[GainBuckets]) -> int:
    """Move u to the other part, lock it, answer its gain. Its free neighbours change gains, and so buckets."""
    gained = free[part[u]].take_out(u)
    for v, w in neighbours[u].items():
        if v in free[part[v]].gain:
            gain = free[part[v]].take_out(v)
            free[part[v]].put(v, gain + (2 * w if part[v] == part[u] else -2 * w))
    part[u] = 1 - part[u]
    return gained


# ---------------------------------------------------------------------------------------- swaps


def kernighan_lin(graph: object, parts: ArrayLike | None = None, *, seed: Seed = 0) -> Parts:
    """Swap pairs between two parts, pass after pass, while the cut falls; the parts keep their sizes.

    `parts` (n,) of 0 and 1 to begin with; unless told, random halves, of which part 0 has one node more where n is
    odd. Gives (n,) int32 whose cut is not larger.

    A pass swaps all nodes, each once: of all pairs of free nodes the one with the largest gain D_a + D_b - 2 w_ab,
    even where that is a loss. D is what the cut loses if the node moves alone. What is kept of the pass is the
    beginning with the largest total gain, the shortest of equals. Ties: pairs are compared in the order of falling
    D_a, then row of a, then falling D_b, then row of b, with a in part 0; the first of the best is taken. So where
    weights are whole numbers, the answer is that of `kernighan_lin_definition`.

    As weights are not negative, no pair gains more than D_a + D_b. With both parts sorted by D, a search ends
    where that cannot beat the best pair so far, and few pairs are looked at: for one a, its neighbours and at most
    one more. A pass keeps the order in O((n + m) log n) comparisons, each change shifting a list; 5,000 nodes of a
    mesh take a second or two. Whole edge weights count as they are, others as multiples of 2^-50 of their sum.

    It ends where no pass gains, which depends on where it began: try several seeds.

    Raises ValueError for less than two nodes, a directed graph, a negative weight, and parts that do not fit the
    graph or of which one is empty.

    >>> from lessons import as_graph
    >>> from lessons.cuts import edge_cut
    >>> two_squares = as_graph([(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (3, 4)], n=8)
    >>> kernighan_lin(two_squares, [0, 1, 0, 1, 0, 1, 0, 1])
    array([0, 0, 0, 0, 1, 1, 1, 1], dtype=int32)
    >>> edge_cut(two_squares, kernighan_lin(two_squares, seed=7))
    1.0

    Notebook: 05_graph_partitioning. Source: B. W. Kernighan and S. Lin, An efficient heuristic procedure for
    partitioning graphs, Bell System Technical Journal 49 (2), 1970, pages 291-307;
    DOI 10.1002/j.1538-7305.1970.tb01770.x.
    """
    graph = _of_two_nodes(graph)
    if parts is None:
        part = _random_parts(np.ones(graph.n, np.int64), seed).tolist()
    else:
        part = _both_in_use(parts_of(graph, parts, 2)).tolist()
    neighbours = _by_row(graph, _exact(graph))
    while swaps := _swaps(neighbours, part):
        for a, b in swaps:
            part[a], part[b] = part[b], part[a]
    return np.array(part, np.int32)


def _swaps(neighbours: Neighbours, part: list[int]) -> list[tuple[int, int]]:
    """See `swaps_definition`: the free nodes of each part stay sorted, as (-D, row)."""
    D = gains_definition(neighbours, part)
    free = [True] * len(part)
    lines = [sorted((-D[u], u) for u in range(len(part)) if part[u] == side) for side in (0, 1)]
    swaps: list[tuple[int, int]] = []
    kept = total = most = 0
    while lines[0] and lines[1]:
        gain, a, b = _best_pair(lines[0], lines[1], neighbours)
        for u in (a, b):
            line = lines[part[u]]
            del line[bisect_left(line, (-D[u], u))]
            free[u] = False
        for u in (a, b):
            _follow(u, neighbours, part, D, free, lines)
        swaps.append((a, b))
        total += gain
        if total > most:
            kept, most = len(swaps), total
    return swaps[:kept]


def _best_pair(
    left: list[tuple[int, int]], right: list[tuple[int, int]], neighbours: Neighbours
) -> tuple[int, int, int]:
    """The first of the pairs with the largest gain; those that cannot beat the best so far are not looked at."""
    pair = left[0][1], right[0][1]
    best = -left[0][0] - right[0][0] - 2 * neighbours[pair[0]].get(pair[1], 0)
    for minus_Da, a in left:
        if -minus_Da - right[0][0] <= best:
            break
        for minus_Db, b in right:
            bound = -minus_Da - minus_Db
            if bound <= best:
                break
            gain = bound - 2 * neighbours[a].get(b, 0)
            if gain > best:
                best, pair = gain, (a, b)
    return best, *pair


def _follow(
    u: int,
    neighbours: Neighbours,
    part: list[int],
    D: list[int],
    free: list[bool],
    lines: list[list[tuple[int, int]]],
) -> None:
    """The free neighbours of u change their D, and their place in line, as u goes to the other part."""
    for v, w in neighbours[u].items():
        if free[v]:
            line = lines[part[v]]
            del line[bisect_left(line, (-D[v], v))]
            D[v] += 2 * w if part[v] == part[u] else -2 * w
            insort(line, (-D[v], v))


# ---------------------------------------------------------------------------------------- moves


def fiduccia_mattheyses(
    graph: object,
    parts: ArrayLike | None = None,
    imbalance: float = 0.03,
    *,
    vertex_weights: ArrayLike | None = None,
    seed: Seed = 0,
) -> Parts:
    """Move single nodes between two parts, pass after pass, while the cut falls; neither outweighs L_max.

    `parts` (n,) of 0 and 1 to begin with, unless told a random split; `vertex_weights` (n,) whole numbers, 1
    unless told. Gives (n,) int32: both parts have a node, and none weighs more than L_max, the larger of
    floor((1 + imbalance) ceil(W / 2)) and the heaviest node. Where that held at the start, the cut is not larger
    than there. Where not, the first pass moves nodes out of the heavier part, the best first, until it does; where
    it never does, another split is taken to begin with, heavy nodes first.

    A pass moves each node at most once: of the best nodes of both parts, the one with the larger gain. It may
    leave the heavier part, and go where it fits below L_max; so on the way, not at the end, a part may weigh half
    and one node more. What is kept of the pass is the beginning with the largest total gain that is within L_max,
    the shortest of equals. Ties: of equal gains in one part the one that changed last, at the start the smallest
    row; between parts that in the heavier one, then in part 0. So where nodes weigh 1 and edges whole numbers, the
    answer is that of `fiduccia_mattheyses_definition`.

    O((n + m) log n) a pass, by a heap instead of buckets, for weights of any kind. Whole edge weights count as
    they are, others as multiples of 2^-50 of their sum.

    Raises ValueError for less than two nodes, a directed graph, a negative weight, an imbalance below 0, parts and
    vertex weights that do not fit the graph; InfeasibleError where no split within L_max exists, or is found (all
    are searched where the number of nodes times L_max is at most 2^31).

    >>> from lessons import as_graph
    >>> path = as_graph([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], n=6)
    >>> fiduccia_mattheyses(path, [0, 1, 0, 1, 0, 1])
    array([1, 1, 1, 0, 0, 0], dtype=int32)
    >>> fiduccia_mattheyses(path, [0, 1, 0, 1, 0, 1], vertex_weights=[9, 1, 1, 1, 1, 1])
    array([0, 1, 1, 1, 1, 1], dtype=int32)

    Notebook: 05_graph_partitioning. Source: C. M. Fiduccia and R. M. Mattheyses, A linear-time heuristic for
    improving network partitions, 19th Design Automation Conference, 1982, pages 175-181;
    DOI 10.1109/DAC.1982.1585498 (there for hypergraphs).
    """
    graph = _of_two_nodes(graph)
    weights = weights_of(graph, vertex_weights)
    heaviest = heaviest_allowed(weights, 2, imbalance)
    start = _random_parts(weights, seed) if parts is None else parts_of(graph, parts, 2)
    part, weight, neighbours = start.tolist(), weights.tolist(), _by_row(graph, _exact(graph))
    moves = _moves(neighbours, part, weight, heaviest)
    if moves is None:
        part = _packed(weight, heaviest)
        moves = _moves(neighbours, part, weight, heaviest)
    while moves:
        for u in moves:
            part[u] = 1 - part[u]
        moves = _moves(neighbours, part, weight, heaviest)
    return np.array(part, np.int32)


def _moves(neighbours: Neighbours, parts: list[int], weight: list[int], heaviest: int) -> list[int] | None:
    """See `moves_definition`; None where no beginning of the pass is within L_max, the empty one neither."""
    state = _Sides(neighbours, parts, weight)
    moves: list[int] = []
    total = 0
    most, kept = (0, 0) if state.within(heaviest) else (None, None)
    while (choice := state.next(heaviest)) is not None:
        gain, u = choice
        state.move(u)
        moves.append(u)
        total += gain
        if (most is None or total > most) and state.within(heaviest):
            most, kept = total, len(moves)
    return None if kept is None else moves[:kept]


class _Sides:
    """Two parts in the middle of a pass: their weights and counts, and a heap of the free nodes of each.

    A heap holds (-gain, -time, row), and stale entries too: those of another time than the node's last.
    """

    def __init__(self, neighbours: Neighbours, parts: list[int], weight: list[int]) -> None:
        n = len(parts)
        self.neighbours, self.part, self.weight = neighbours, list(parts), weight
        self.gain = gains_definition(neighbours, parts)
        self.time = [n - u for u in range(n)]  # of the last change; -1 once locked
        self.now = n
        self.count = [parts.count(0), parts.count(1)]
        self.load = [sum(w for w, p in zip(weight, parts, strict=True) if p == side) for side in (0, 1)]
        self.heaps = [[(-self.gain[u], u - n, u) for u in range(n) if parts[u] == side] for side in (0, 1)]
        for heap in self.heaps:
            heapify(heap)

    def within(self, heaviest: int) -> bool:
        return min(self.count) > 0 and max(self.load) <= heaviest

    def next(self, heaviest: int) -> tuple[int, int] | None:
        """See `next_move_definition`; with the gain."""
        choices = []
        for here, there in ((0, 1), (1, 0)):
            heap = self.heaps[here]
            while heap and self.time[heap[0][2]] != -heap[0][1]:
                heappop(heap)
            if heap and self.count[here] > 1:
                u = heap[0][2]
                if self.load[here] >= self.load[there] or self.load[there] + self.weight[u] <= heaviest:
                    choices.append((self.gain[u], self.load[here], there, u))
        return (max(choices)[0], max(choices)[-1]) if choices else None

    def move(self, u: int) -> None:
        """See `move_definition`."""
        here = self.part[u]
        self.time[u] = -1
        for v, w in self.neighbours[u].items():
            if self.time[v] >= 0:
                self.gain[v] += 2 * w if self.part[v] == here else -2 * w
                self.now += 1
                self.time[v] = self.now
                heappush(self.heaps[self.part[v]], (-self.gain[v], -self.now, v))
        self.part[u] = 1 - here
        for side, sign in ((here, -1), (1 - here, 1)):
            self.count[side] += sign
            self.load[side] += sign * self.weight[u]


def _packed(weight: list[int], heaviest: int) -> list[int]:
    """Parts of at most this weight, whatever they cut: heavy nodes first, each to the lighter part, if that does.

    Else what `_subset` finds. Raises InfeasibleError.
    """
    order = sorted(range(len(weight)), key=lambda u: -weight[u])
    part, loads = [0] * len(weight), [(0, 0, 0), (0, 0, 1)]
    for u in order:
        load, count, side = min(loads)
        part[u], loads[side] = side, (load + weight[u], count + 1, side)
    if max(loads)[0] <= heaviest:
        return part
    return _subset(weight, heaviest)


def _subset(weight: list[int], heaviest: int) -> list[int]:
    """The same by search: all sums that the weights of the first nodes may have, as the bits of a number for each.

    Raises InfeasibleError.
    """
    total, sums = sum(weight), [1]
    if len(weight) * heaviest <= SUBSETS:
        for w in weight:
            sums.append((sums[-1] | sums[-1] << w) & ((2 << heaviest) - 1))
    reachable = sums[-1] >> (total - heaviest)
    if not reachable:
        raise InfeasibleError(
            f"weights of {total} in two parts of at most {heaviest}: no such split was found; allow more imbalance"
        )
    left = total - heaviest + (reachable & -reachable).bit_length() - 1
    part = [0] * len(weight)
    for u in reversed(range(len(weight))):
        if not sums[u] >> left & 1:
            part[u], left = 1, left - weight[u]
    return part


# ---------------------------------------------------------------------------------------- an eigenvector


def spectral_bisection(
    graph: object, *, kind: Kind = "combinatorial", vertex_weights: ArrayLike | None = None
) -> Parts:
    """Sort the nodes along the slowest wave of the graph, its Fiedler vector, and cut where half the weight is.

    The Fiedler vector is the eigenvector y of the second-smallest eigenvalue lam_2 of the Laplacian; of
    "normalised", y = D^(-1/2) u, which counts a node by its degree. Among all cuts of the sorted nodes the one is
    taken that makes the parts weigh as equally as that can be, the first of equals. `vertex_weights` (n,) whole
    numbers, 1 unless told: they decide where to cut, not in which order. Gives (n,) int32, both parts in use.

    Of a graph in several components, one at most is cut: heavy ones first, each goes whole to the part with more
    room, which is half the weight less what it has; the one that does not fit is cut across its own wave.

    Ties: equal entries of y (to 1e-9 of the largest) are sorted by row; the first of the largest entries is
    positive, and the positive end is in part 0. Where lam_2 repeats (rings, square grids, complete graphs), every
    direction in its space is as good; taken is the one nearest to the row numbers. On more than 500 nodes, where
    it repeats four times or more, the direction may change with the machine.

    What is sure: no two parts of a and b nodes, a + b = n, have a cut below lam_2 a b / n, with lam_2 from
    "combinatorial". What is not: that this cut comes near the smallest; there are graphs on which it is far from
    it, and `fiduccia_mattheyses(graph, parts)` often makes it smaller.

    O(n^3) up to 500 nodes; above, iterations of O(n + m), see `graph_signals.fourier_basis`.

    Raises ValueError for less than two nodes, a directed graph, a negative weight, "random_walk" (not symmetric),
    and vertex weights that do not fit; ConvergenceError where the eigenvector is not found.

    >>> from lessons import as_graph
    >>> spectral_bisection(as_graph([(0, 3), (3, 1), (1, 4), (4, 2)], n=5))     # the path 0 - 3 - 1 - 4 - 2
    array([0, 1, 1, 0, 1], dtype=int32)

    Notebook: 05_graph_partitioning. Sources: M. Fiedler, Algebraic connectivity of graphs, Czechoslovak
    Mathematical Journal 23 (2), 1973, pages 298-305, DOI 10.21136/CMJ.1973.101168; A. Pothen, H. D. Simon and
    K.-P. Liou, Partitioning sparse matrices with eigenvectors of graphs, SIAM Journal on Matrix Analysis and
    Applications 11 (3), 1990, pages 430-452, DOI 10.1137/0611030; how far off it may be: S. Guattery and G. L.
    Miller, On the quality of spectral separators, there 19 (3), 1998, pages 701-719.
    """
    graph = _of_two_nodes(graph)
    weights = weights_of(graph, vertex_weights)
    if not weights.any():
        weights = np.ones(graph.n, np.int64)
    L = laplacian(graph, symmetric_kind(kind))
    d = degrees(graph) if kind == "normalised" else np.ones(graph.n)
    part = _whole_components(L, weights)
    rows = np.flatnonzero(part == CUT)
    if len(rows) > 1:
        rows = rows[_sorted_by(_wave(L[rows][:, rows], d[rows]))]
    return _cut_in_line(part, rows, weights)


def _whole_components(L: scipy.sparse.csr_array, weights: Weights) -> Parts:
    """Heavy components first, each to the part with more room if it fits there; CUT on the one that fits neither.

    There is one at most: two, each larger than the room on either side, were larger than all the room there is.
    """
    from scipy.sparse.csgraph import connected_components

    count, component = connected_components(L, directed=False)
    if count == 1:
        return np.full(len(weights), CUT, np.int32)
    total, sums = int(weights.sum()), np.zeros(count, np.int64)
    np.add.at(sums, component, weights)
    place = np.full(count, CUT, np.int32)
    sides = [[total - total // 2, 0, 0], [total // 2, 0, -1]]  # room, less a node for each, less the part
    for c in np.argsort(-sums, kind="stable").tolist():
        side = max(sides)
        if sums[c] <= side[0]:
            place[c] = -side[2]
            side[0] -= int(sums[c])
            side[1] -= 1
    return place[component]


def _wave(L: scipy.sparse.csr_array, d: Floats) -> Floats:
    """The Fiedler vector of a connected graph; of several the one nearest to the row numbers."""
    n = len(d)
    null = np.sqrt(d / d.max())
    lam, U = lowest_pairs(L, null / np.linalg.norm(null), n - 1 if n <= SMALL else COPIES, force=False)
    U = U[:, lam <= lam[0] * (1 + SAME)]
    rows = np.arange(n) - (n - 1) / 2
    y = U @ (U.T @ rows)
    if np.linalg.norm(y) <= LEVEL * np.linalg.norm(rows):
        y = U[:, 0]
    return y / null


def _sorted_by(y: Floats) -> Rows:
    """The rows from the largest entry to the smallest, levels by number; the first of the largest is positive."""
    y = y / np.abs(y).max()
    y *= np.sign(y[np.argmax(np.abs(y) >= 1 - NEARLY_LARGEST)])
    order = np.argsort(-y, kind="stable")
    level = np.cumsum(np.diff(-y[order], prepend=-1.0) > LEVEL)
    return order[np.lexsort((order, level))]


def _cut_in_line(part: Parts, rows: Rows, weights: Weights) -> Parts:
    """The first of these rows to part 0, the others to part 1, so that both weigh as equally as that allows."""
    to_0 = np.concatenate([[0], np.cumsum(weights[rows])])
    difference = np.abs(int(weights[part == 0].sum()) - int(weights[part == 1].sum()) + 2 * to_0 - to_0[-1])
    first, last = int(not (part == 0).any()), len(rows) - int(not (part == 1).any())
    at = first + int(np.argmin(difference[first : last + 1]))
    part[rows[:at]], part[rows[at:]] = 0, 1
    return part


# ---------------------------------------------------------------------------------------- at the door


def _of_two_nodes(graph: object) -> Graph:
    graph = undirected(graph)
    if graph.n < 2:
        raise ValueError(f"a graph of {graph.n} nodes in two parts: two nodes are needed")
    return graph


def _both_in_use(part: Parts) -> Parts:
    if (part == part[0]).all():
        raise ValueError(f"all nodes are in part {part[0]}: swaps keep the sizes, so both parts need a node")
    return part


def _random_parts(weights: Weights, seed: Seed) -> Parts:
    """Nodes in random order, up to half the weight to part 0, the others to part 1; each gets one at least."""
    order = np.argsort(uniforms(key_of(seed), [0], len(weights))[0], kind="stable")
    share = np.cumsum(weights[order])
    part = np.ones(len(weights), np.int32)
    part[order[2 * share - weights[order] <= share[-1]]] = 0
    part[order[0]], part[order[-1]] = 0, 1
    return part


def _exact(graph: Graph) -> list[int]:
    """The weight of each arc as a whole number: as it is where all are, else in units of 2^-50 of their sum."""
    if graph.weights is None:
        return [1] * len(graph.indices)
    weights = graph.weights
    if (weights != np.floor(weights)).any():
        weights = np.ldexp(weights, -int(np.frexp(weights.max())[1]))  # below 1, so that their sum is a number
        weights = np.rint(np.ldexp(weights, BITS - int(np.frexp(weights.sum())[1])))
    return [int(w) for w in weights.tolist()]


def _by_row(graph: Graph, weights: list[int]) -> list[dict[int, int]]:
    """For each row {row of a neighbour: weight of the arc}, without self-loops."""
    ends, indices = graph.indptr.tolist(), graph.indices.tolist()
    rows = [slice(start, end) for start, end in pairwise(ends)]
    return [
        {v: w for v, w in zip(indices[row], weights[row], strict=True) if v != u} for u, row in enumerate(rows)
    ]
