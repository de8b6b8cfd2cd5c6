"""The exercises of notebook 06: the length of a path, Brandes walked the wrong way, a round of PageRank, the room
on a path, what a flow is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, combinations, pairwise
from math import inf
from numbers import Real
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Counted, Exercise, Property
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Label = str
Numbers = dict[Label, dict[Label, float]]  # {v: length, capacity or flow of u -> v} for each node u
Room = tuple[Numbers, Numbers, list[Label]]  # capacity, flow, path

LETTERS = "abcdefg"
HALVES = (0.5, 1.0, 1.5, 2.0, 3.0)  # sums of them are exact


def _is_real(found: Any) -> bool:
    """Whether an answer is one real number, infinity among them; no truth value."""
    array = np.asarray(found)
    real = array.dtype.kind in "fiu" or (isinstance(found, Real) and not isinstance(found, bool))
    return array.shape == () and real and not np.isnan(float(found))


def _are_real(found: Any, n: int) -> bool:
    """Whether an answer is a flat list of n finite real numbers."""
    return np.shape(found) == (n,) and all(_is_real(found[v]) and abs(float(found[v])) < inf for v in range(n))


def _equal(found: Any, wanted: float) -> bool:
    return float(found) == wanted or abs(float(found) - wanted) < 1e-9


def _steps(path: Any) -> list[tuple[Label, Label]]:
    return list(pairwise(path))


def _any(rng: Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


# -------------------------------------------------------------------------------- 1: the length of a path


def _path_cases(rng: Generator) -> Iterator[tuple[Numbers, list[Label]]]:
    """One node to six. For each number of nodes: whole lengths, lengths of 0 among them, edges that are missing,
    the way back along an edge of one direction, and ways that use an edge twice."""
    yield {"a": {}}, ["a"]
    for path in (["a"], ["a", "b"], ["b", "a"], ["a", "b", "a"]):
        yield {"a": {"b": 2.0}, "b": {}}, path
    for n in range(2, 7):
        nodes = LETTERS[:n]
        for lengths in ((1.0, 2.0, 3.0), HALVES, (0.0, 0.5, 2.0)):
            given = _lengths(rng, nodes, lengths)
            yield given, [_any(rng, nodes)]
            for steps in (1, 2, n + 2):
                path = _walk(rng, given, steps)
                yield given, path
                if len(path) > 1:
                    yield given, path[::-1]
                    yield given, [*path, _any(rng, nodes)]


def _lengths(rng: Generator, nodes: str, lengths: Sequence[float]) -> Numbers:
    """Random edges of one direction or both, each way with a length of its own."""
    found: Numbers = {u: {} for u in nodes}
    for u, v in combinations(nodes, 2):
        kind = int(rng.integers(5))
        if kind in (0, 1, 2):
            found[u][v] = _any(rng, lengths)
        if kind in (2, 3):
            found[v][u] = _any(rng, lengths)
    return found


def _walk(rng: Generator, lengths: Numbers, steps: int) -> list[Label]:
    """A walk along edges, as long as there are any."""
    path = [_any(rng, list(lengths))]
    while len(path) <= steps and lengths[path[-1]]:
        path.append(_any(rng, list(lengths[path[-1]])))
    return path


def path_length(lengths: Numbers, path: list[Label]) -> float:
    steps = [(path[k], path[k + 1]) for k in range(len(path) - 1)]
    return sum(lengths[u].get(v, np.inf) for u, v in steps)


def _length(lengths: Any, path: Any) -> float:
    """What the checker compares with."""
    total = 0.0
    for u, v in _steps(path):
        if v not in lengths[u]:
            return inf
        total += lengths[u][v]
    return total


def _used(lengths: Any, path: Any) -> list[float]:
    return [lengths[u][v] for u, v in _steps(path) if v in lengths[u]]


def _whole(lengths: Any, path: Any) -> bool:
    return len(_used(lengths, path)) == len(path) - 1


def _edges_counted(lengths: Any, path: Any) -> Any:
    return sum(1 if v in lengths[u] else inf for u, v in _steps(path))


def _missing_is_zero(lengths: Any, path: Any) -> Any:
    return sum(lengths[u].get(v, 0) for u, v in _steps(path))


def _missing_raises(lengths: Any, path: Any) -> Any:
    return sum(lengths[u][v] for u, v in _steps(path))


def _stops_at_the_gap(lengths: Any, path: Any) -> Any:
    total = 0.0
    for u, v in _steps(path):
        if v not in lengths[u]:
            break
        total += lengths[u][v]
    return total


def _minus_one(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path) if _whole(lengths, path) else -1


def _none(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path) if _whole(lengths, path) else None


def _not_a_number(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path) if _whole(lengths, path) else float("nan")


def _zero_is_missing(lengths: Any, path: Any) -> Any:
    """`or`: 0 is false."""
    return sum(lengths[u].get(v) or inf for u, v in _steps(path))


def _both_ways(lengths: Any, path: Any) -> Any:
    return sum(lengths[u].get(v, lengths[v].get(u, inf)) for u, v in _steps(path))


def _backwards(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path[::-1])


def _round_trip(lengths: Any, path: Any) -> Any:
    """path[-1] is the last node: the way home is counted as well."""
    return sum(lengths[path[k - 1]].get(path[k], inf) for k in range(len(path)))


def _last_step_lost(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path[:-1])


def _ends_only(lengths: Any, path: Any) -> Any:
    return lengths[path[0]].get(path[-1], inf) if len(path) > 1 else 0


def _shortest(lengths: Any, path: Any) -> Any:
    """The distance of the two ends, whatever the path."""
    distance = {u: 0.0 if u == path[0] else inf for u in lengths}
    for _ in lengths:
        for u, around in lengths.items():
            for v, length in around.items():
                distance[v] = min(distance[v], distance[u] + length)
    return distance[path[-1]] if _whole(lengths, path) else inf


def _each_edge_once(lengths: Any, path: Any) -> Any:
    return sum(lengths[u].get(v, inf) for u, v in set(_steps(path)))


def _no_way_for_one(lengths: Any, path: Any) -> Any:
    return path_length(lengths, path) if len(path) > 1 else inf


def _largest_step(lengths: Any, path: Any) -> Any:
    return max((lengths[u].get(v, inf) for u, v in _steps(path)), default=0)


def _list_of_steps(lengths: Any, path: Any) -> Any:
    return [lengths[u].get(v, inf) for u, v in _steps(path)]


def _digraph(numbers: Numbers) -> Graph:
    edges = [(u, v, x) for u, around in numbers.items() for v, x in around.items()]
    return as_graph(edges, nodes=list(numbers), directed=True)


def _draw_path(lengths: Numbers, path: list[Label]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(_digraph(lengths), marked=path, title="path: " + " → ".join(path))


PATH = Exercise(
    id="centrality_and_flow-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=2,
    minutes=4,
    cases=_path_cases,
    properties=(
        Property(
            says="the answer is one number; infinity is one",
            holds=lambda found, lengths, path: _is_real(found),
            hints=(
                "A length says how far: a number for the whole path, whatever the path is.",
                "Look at what you return: one number, or one for each step? Is it one where an edge is missing?",
                "Add up the lengths of the steps; math.inf, float('inf') and np.inf are the same number.",
            ),
        ),
        Property(
            says="a path of one node has length 0",
            holds=lambda found, lengths, path: len(path) > 1 or _equal(found, 0.0),
            hints=(
                "Whoever is there already need not take a step.",
                "How many steps has a path of k nodes? Look at what your loop does where that is none.",
                "path[k - 1] with k = 0 is the *last* node. Begin at k = 1, or walk over neighbours in the list.",
            ),
        ),
        Property(
            says="a path whose edges are all there is as long as its steps together",
            holds=lambda found, lengths, path: (
                len(set(_steps(path))) < len(path) - 1
                or not all(_used(lengths, path))
                or not _whole(lengths, path)
                or _equal(found, sum(_used(lengths, path)))
            ),
            hints=(
                "Each step from a node of the path to the next adds the length of that edge.",
                "Look at the first step and at the last one: is each counted once? Is it the length that you add, "
                "of the edge in this direction?",
                "The steps are path[0] to path[1], path[1] to path[2], and so on: one fewer than nodes.",
            ),
        ),
        Property(
            says="an edge of length 0 is an edge",
            holds=lambda found, lengths, path: (
                len(set(_steps(path))) < len(path) - 1
                or not _whole(lengths, path)
                or _equal(found, sum(_used(lengths, path)))
            ),
            hints=(
                "There is a way here, and it costs nothing: that is not the same as no way.",
                "Look for a place where you ask whether a length is *true*: `if length`, or `length or ...`.",
                "Ask whether v is among the keys, or give `get` what it is to return for a missing one.",
            ),
        ),
        Property(
            says="an edge counts each time the path uses it",
            holds=lambda found, lengths, path: (
                not _whole(lengths, path) or _equal(found, sum(_used(lengths, path)))
            ),
            hints=(
                "Going round twice is twice as far.",
                "Look for a set or a dictionary of steps: whatever is put into it twice is in it once.",
                "Keep the steps in a list, in the order of the path, and add up all of them.",
            ),
        ),
        Property(
            says="where the path uses an edge that is missing, the answer is infinity; edges are one-way",
            holds=lambda found, lengths, path: _equal(found, _length(lengths, path)),
            hints=(
                "One missing edge is enough: then this is no way at all, however short the rest is.",
                "Look at what a missing edge adds. And is an edge from v to u a way from u to v?",
                "A dictionary's `get` takes a second argument, for what is missing. What number, added to any "
                "other, says that there is no way?",
            ),
        ),
    ),
    reference=path_length,
    wrong=(
        _edges_counted,
        _missing_is_zero,
        _missing_raises,
        _stops_at_the_gap,
        _minus_one,
        _none,
        _not_a_number,
        _zero_is_missing,
        _both_ways,
        _backwards,
        _round_trip,
        _last_step_lost,
        _ends_only,
        _shortest,
        _each_edge_once,
        _no_way_for_one,
        _largest_step,
        _list_of_steps,
    ),
    why=(
        "k nodes make k - 1 steps, each from a node to its neighbour in the list. Infinity is the right length of "
        "a missing edge because it needs no case of its own: whatever is added to it, it stays; and every path "
        "that exists is shorter. 0 would make a gap the best of ways, -1 too. That is why distances start at "
        "infinity in the searches of this page, and why a node that is never reached keeps it."
    ),
    draw=_draw_path,
    after="Needed again: a shortest path is one of least length, and a distance of infinity says there is none.",
    raised={
        KeyError: replace(
            RUNS,
            hints=(
                "The path takes a step along an edge that does not exist here. That is no error: what is the "
                "length of such a step?",
                "Look at where you read lengths[u][v]. lengths[u] has only those v as keys to which u has an "
                "edge; the error names one that is missing.",
                "Ask `v in lengths[u]` before, and answer infinity where it is not; or use `get`, which takes a "
                "second argument, for what is missing.",
            ),
        ),
    },
)

# -------------------------------------------------------------------------------- 2: Brandes, the wrong way


def _successor_cases(rng: Generator) -> Iterator[tuple[list[list[int]]]]:
    """Graphs of one node to seven: both ways first, then edges of one direction."""
    shapes = [
        (1, []),
        (2, [(0, 1)]),
        (3, [(0, 1), (1, 2)]),
        (3, [(0, 1), (1, 2), (0, 2)]),
        (4, [(0, 1), (0, 2), (0, 3)]),
        (4, [(0, 1), (1, 2), (2, 3), (3, 0)]),
        (4, [(0, 1), (1, 2), (2, 3)]),
        (5, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]),
        (7, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 6), (4, 5), (6, 5)]),  # to 5 two ways by 4, one by 6
    ]
    graphs = [_successors(n, [*edges, *((v, u) for u, v in edges)]) for n, edges in shapes]
    for n in range(3, 8):
        for density in (0.25, 0.4, 0.55, 0.75):
            edges = [(u, v) for u, v in combinations(range(n), 2) if rng.random() < density]
            graphs.append(_successors(n, [*edges, *((v, u) for u, v in edges)]))
            edges = [(u, v) for u in range(n) for v in range(n) if u != v and rng.random() < density / 1.5]
            graphs.append(_successors(n, edges))
    yield from ((graph,) for graph in sorted(graphs, key=_one_way_last))


def _successors(n: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    return [sorted(w for v, w in edges if v == u) for u in range(n)]


def _both(successors: Any) -> bool:
    """Whether each edge is there in both directions."""
    return all(u in successors[v] for u, around in enumerate(successors) for v in around)


def _one_way_last(successors: Any) -> tuple[bool, int, int]:
    return not _both(successors), len(successors), sum(map(len, successors))


def mended(successors: list[list[int]]) -> list[float]:
    n, CB = len(successors), [0.0] * len(successors)
    for s in range(n):
        d, sigma, delta = [-1] * n, [0] * n, [0.0] * n
        P: list[list[int]] = [[] for _ in range(n)]
        d[s], sigma[s], S = 0, 1, [s]
        for v in S:
            for w in successors[v]:
                if d[w] < 0:
                    d[w] = d[v] + 1
                    S.append(w)
                if d[w] == d[v] + 1:
                    sigma[w] += sigma[v]
                    P[w].append(v)
        for w in reversed(S):
            for v in P[w]:
                delta[v] += sigma[v] / sigma[w] * (1 + delta[w])
        for v in S[1:]:
            CB[v] += delta[v]
    return CB


def first_try(successors: Any) -> Any:
    """S is walked in the order of the search: a node hands on what it has before all of it has arrived."""
    n, CB = len(successors), [0.0] * len(successors)
    for s in range(n):
        d, sigma, delta = [-1] * n, [0] * n, [0.0] * n
        P: list[list[int]] = [[] for _ in range(n)]
        d[s], sigma[s], S = 0, 1, [s]
        for v in S:
            for w in successors[v]:
                if d[w] < 0:
                    d[w] = d[v] + 1
                    S.append(w)
                if d[w] == d[v] + 1:
                    sigma[w] += sigma[v]
                    P[w].append(v)
        for w in S:
            for v in P[w]:
                delta[v] += sigma[v] / sigma[w] * (1 + delta[w])
        for v in S[1:]:
            CB[v] += delta[v]
    return CB


def _brandes(
    successors: Any,
    *,
    order: Callable[[list[int]], Any] = lambda S: S[::-1],
    hands: Callable[[Any, Any, Any], Any] = lambda v, w, more: v / w * (1 + more),
    before: Callable[[int, list[int], list[int]], list[int]] | None = None,
    ends: bool = False,
    once: bool = False,
    kept: bool = False,
) -> Any:
    """Brandes' algorithm; the wrong answers differ in one of its steps."""
    n = len(successors)
    found, delta = [0.0] * n, [0.0] * n
    for s in range(n):
        S, sigma, P = _counted(successors, s, once)
        delta = delta if kept else [0.0] * n
        for w in order(S):
            for v in before(w, S, sigma) if before else P[w]:
                delta[v] += hands(sigma[v], sigma[w], delta[w])
        for v in S if ends else S[1:]:
            found[v] += delta[v]
    return found


def _counted(successors: Any, s: int, once: bool = False) -> tuple[list[int], list[int], list[list[int]]]:
    """S, sigma and P of Brandes' search from s; `once` counts only the first path that reaches a node."""
    n = len(successors)
    d, sigma = [-1] * n, [0] * n
    P: list[list[int]] = [[] for _ in range(n)]
    d[s], sigma[s], S = 0, 1, [s]
    for v in S:
        for w in successors[v]:
            new = d[w] < 0
            if new:
                d[w] = d[v] + 1
                S.append(w)
            if d[w] == d[v] + 1 and (new or not once):
                sigma[w] += sigma[v]
                P[w].append(v)
    return S, sigma, P


def _added_on_the_way(successors: Any) -> Any:
    """Forwards, and what a node has is noted before anything has reached it."""
    return [0.0] * len(successors)


def _start_counted(successors: Any) -> Any:
    return _brandes(successors, ends=True)


def _halved(successors: Any) -> Any:
    """Right for unordered pairs; asked for are ordered ones."""
    return [x / 2 for x in mended(successors)]


def _as_a_share(successors: Any) -> Any:
    """Normalised: divided by the number of pairs."""
    n = len(successors)
    return [x / max((n - 1) * (n - 2), 1) for x in mended(successors)]


def _no_one(successors: Any) -> Any:
    """w is a target itself: without the 1, nobody ever is."""
    return _brandes(successors, hands=lambda v, w, more: v / w * more)


def _no_further(successors: Any) -> Any:
    """Only the target itself, not those behind it."""
    return _brandes(successors, hands=lambda v, w, more: v / w)


def _ratio_turned(successors: Any) -> Any:
    return _brandes(successors, hands=lambda v, w, more: w / v * (1 + more))


def _paths_counted(successors: Any) -> Any:
    """Every shortest path counts 1, however many there are."""
    return _brandes(successors, hands=lambda v, w, more: 1 + more)


def _first_path_only(successors: Any) -> Any:
    """Counts where a node is first seen, so that other paths as short are lost."""
    return _brandes(successors, once=True)


def _shared_among_predecessors(successors: Any) -> Any:
    """In equal parts, however many paths come through each."""
    n = len(successors)
    found = [0.0] * n
    for s in range(n):
        S, _, P = _counted(successors, s)
        delta = [0.0] * n
        for w in reversed(S):
            for v in P[w]:
                delta[v] += (1 + delta[w]) / len(P[w])
        for v in S[1:]:
            found[v] += delta[v]
    return found


def _by_number(successors: Any) -> Any:
    return _brandes(successors, order=lambda S: sorted(S, reverse=True))


def _last_forgotten(successors: Any) -> Any:
    return _brandes(successors, order=lambda S: S[-2::-1])


def _never_reset(successors: Any) -> Any:
    """delta is made once, outside of the loop over s."""
    return _brandes(successors, kept=True)


def _successors_for_predecessors(successors: Any) -> Any:
    """Looks for the nodes before w among those behind it: the same where edges go both ways."""
    n = len(successors)
    found = [0.0] * n
    for s in range(n):
        S, sigma, _ = _counted(successors, s)
        d = _distances(successors)[s]
        delta = [0.0] * n
        for w in reversed(S):
            for v in successors[w]:
                if d[v] == d[w] - 1:
                    delta[v] += sigma[v] / sigma[w] * (1 + delta[w])
        for v in S[1:]:
            found[v] += delta[v]
    return found


def _by_node(successors: Any) -> Any:
    return dict(enumerate(mended(successors)))


def _ranked(successors: Any) -> Any:
    return sorted(range(len(successors)), key=mended(successors).__getitem__, reverse=True)


def _distances(successors: Any) -> list[list[float]]:
    """All distances by Floyd and Warshall's three loops: no search, no order."""
    n = len(successors)
    d = [[0.0 if u == v else 1.0 if v in successors[u] else inf for v in range(n)] for u in range(n)]
    for k in range(n):
        d = [[min(d[u][v], d[u][k] + d[k][v]) for v in range(n)] for u in range(n)]
    return d


def _betweenness(successors: Any) -> list[float]:
    """What the checker compares with: the paths counted by powers of the adjacency matrix, pair by pair."""
    n, d = len(successors), _distances(successors)
    A = np.array([[float(v in successors[u]) for v in range(n)] for u in range(n)])
    powers = [np.linalg.matrix_power(A, k) for k in range(n)]
    sigma = [[powers[int(d[s][t])][s, t] if d[s][t] < inf else 0.0 for t in range(n)] for s in range(n)]
    found = [0.0] * n
    for s, t in ((s, t) for s in range(n) for t in range(n) if s != t and d[s][t] < inf):
        for v in set(range(n)) - {s, t}:
            if d[s][v] + d[v][t] == d[s][t]:
                found[v] += sigma[s][v] * sigma[v][t] / sigma[s][t]
    return found


def _is_betweenness(found: Any, successors: Any) -> bool:
    return all(_equal(x, wanted) for x, wanted in zip(found, _betweenness(successors), strict=True))


def _longest(successors: Any) -> float:
    """The longest distance between two nodes that are joined at all."""
    return max((x for row in _distances(successors) for x in row if x < inf), default=0)


def _single(successors: Any) -> bool:
    """Whether no two shortest paths join the same two nodes."""
    return all(max(_counted(successors, s)[1]) == 1 for s in range(len(successors)))


def _draw_successors(successors: list[list[int]]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(u, v) for u, around in enumerate(successors) for v in around]
    both = _both(successors)
    graph = as_graph([(u, v) for u, v in edges if u < v or not both], n=len(successors), directed=not both)
    values: dict[Any, Any] = {v: float(round(x, 3)) for v, x in enumerate(_betweenness(successors))}
    return draw_graph(graph, values=values, title="beside each node: what it should get")


BRANDES = Exercise(
    id="centrality_and_flow-2",
    level="core",
    form="spot the bug",
    difficulty=3,
    importance=3,
    minutes=9,
    cases=_successor_cases,
    properties=(
        Property(
            says="the answer is a flat list: for each node one number",
            holds=lambda found, successors: _are_real(found, len(successors)),
            hints=(
                "What is mended returns what the first try returns.",
                "Look at your last line.",
                "CB has one entry for each node, in the order of the nodes; it is no ranking.",
            ),
        ),
        Property(
            says="who lies on no shortest path between two others gets 0",
            holds=lambda found, successors: all(
                wanted > 0 or _equal(x, 0.0) for x, wanted in zip(found, _betweenness(successors), strict=True)
            ),
            hints=(
                "That was not the bug: the ends of a path are not between anything.",
                "Look at what is added to CB for s itself, and at what is left in delta from the s before.",
                "delta begins with zeros for every s; and the first entry of S, which is s, adds nothing.",
            ),
        ),
        Property(
            says="each ordered pair with one shortest path, of two edges, gives the node between them 1",
            holds=lambda found, successors: (
                not _both(successors)
                or _longest(successors) > 2
                or not _single(successors)
                or _is_betweenness(found, successors)
            ),
            hints=(
                "The first try was right here: s to t and t to s are two pairs.",
                "Look at what you changed besides the bug: a half, a share, the 1 in brackets, a node left out.",
                "A target w hands 1 for itself, and delta[w] for those behind it.",
            ),
        ),
        Property(
            says="where a pair has several shortest paths, the nodes on them share its 1",
            holds=lambda found, successors: (
                not _both(successors) or _longest(successors) > 2 or _is_betweenness(found, successors)
            ),
            hints=(
                "The first try was right here: two paths join opposite corners of a square, and each gets a half.",
                "Look at sigma: is it counted at every edge that ends a shortest path, or only when a node is "
                "seen for the first time?",
                "Of the sigma[w] paths to w, sigma[v] come through v: which of them is above the line?",
            ),
        ),
        Property(
            says="it is so too where shortest paths are longer than two edges",
            holds=lambda found, successors: not _both(successors) or _is_betweenness(found, successors),
            hints=(
                "Take the path 0 - 1 - 2 - 3 and s = 0, and write delta down step by step: three targets, who "
                "should end with how much? Node 1 lies before two of them.",
                "Look at the moment when w hands on 1 + delta[w]: has everything that delta[w] will ever hold "
                "arrived by then? And does it go to P[w] by numbers of paths?",
                "What is behind w must be done before w: far ones first. S holds the nodes from near to far.",
            ),
        ),
        Property(
            says="it is so too where edges go one way",
            holds=_is_betweenness,
            hints=(
                "successors[u] tells where one can go from u; it does not tell from where one comes to u.",
                "Look at where you look up who is before w.",
                "P[w] was noted in the search: use it instead of looking among the successors of w.",
            ),
        ),
    ),
    reference=mended,
    wrong=(
        first_try,
        _added_on_the_way,
        _start_counted,
        _halved,
        _as_a_share,
        _no_one,
        _no_further,
        _ratio_turned,
        _paths_counted,
        _first_path_only,
        _shared_among_predecessors,
        _by_number,
        _last_forgotten,
        _never_reset,
        _successors_for_predecessors,
        _by_node,
        _ranked,
    ),
    why=(
        "S lists the nodes as the search found them, near ones first, which is the right order for counting "
        "paths: sigma[v] is complete before v passes it on. The shares come back the other way: delta[w] is "
        "complete only when all nodes behind w have handed theirs on. Walked forwards, every node hands on its "
        "own 1 and loses the rest, which cannot be seen while nobody is further off than two edges. A sum shows "
        "it: a pair at distance d gives d - 1 in all, so CB sums to the distances less 1 of all pairs. It is "
        "lesson 03 again: the shortest paths from s are a graph without cycles; sigma runs along a topological "
        "order of it, and delta, like a gradient, along the reversed one."
    ),
    draw=_draw_successors,
    after="Needed again: betweenness of nodes and of edges, sampled or not, is this loop.",
)

# -------------------------------------------------------------------------------- 3: a round of PageRank

Round = tuple["NDArray[np.int64]", Counted, Counted, float, "NDArray[np.float64]"]


def _round_cases(rng: Generator) -> Iterator[Round]:
    """One node to sixteen. For each number of nodes: nobody without edges, then some, then many; jumps that are
    alike first; x and jump in sixteenths."""
    yield _round_case(rng, 1, 1.0, dangling=0, alike=True)
    for n in (1, 2, 3, 4, 5, 6, 8, 12, 16):
        for dangling in sorted({0, 1, (n + 1) // 2}):
            for alike in (True, False):
                if n > 1 or dangling:
                    yield _round_case(rng, n, 0.35, dangling=dangling, alike=alike)


def _round_case(rng: Generator, n: int, density: float, *, dangling: int, alike: bool) -> Round:
    leads = rng.random((n, n)) < density
    leads[np.arange(n), rng.integers(0, n, n)] = True  # at least one edge each, perhaps to itself
    leads[rng.permutation(n)[:dangling]] = False
    indptr = np.concatenate([[0], np.cumsum(leads.sum(axis=1))]).astype(np.int64)
    indices = np.nonzero(leads)[1].astype(np.int32)
    x, jump = (np.bincount(rng.integers(0, n, 16), minlength=n) / 16 for _ in range(2))
    damping = (0.5, 0.75, 0.85)[int(rng.integers(3))]
    return indptr, Counted(indices), Counted(x), damping, np.full(n, 1 / n) if alike else jump


def one_round(indptr: Any, indices: Any, x: Any, damping: float, jump: Any) -> NDArray[np.float64]:
    n = len(x)
    arrives, dangling = np.zeros(n), 0.0
    for u in range(n):
        held, heirs = x[u], indices[indptr[u] : indptr[u + 1]]
        if len(heirs) == 0:
            dangling += held
        for v in heirs:
            arrives[v] += held / len(heirs)
    return damping * (arrives + dangling * jump) + (1 - damping) * jump


def _plain(values: Any) -> NDArray[Any]:
    """The array behind one whose reads are counted."""
    return values.uncounted if isinstance(values, Counted) else np.asarray(values)


def _walker(indptr: Any, indices: Any, jump: Any) -> NDArray[np.float64]:
    """(n, n) the chance to go from each node to each: along an edge, or where jumps go if there is none."""
    P = np.tile(jump, (len(jump), 1))
    for u, (start, end) in enumerate(pairwise(indptr)):
        if start < end:
            P[u] = np.bincount(_plain(indices)[start:end], minlength=len(jump)) / (end - start)
    return P


def _is_round(found: Any, indptr: Any, indices: Any, x: Any, damping: float, jump: Any) -> bool:
    """What the checker compares with: x times a dense matrix."""
    wanted = damping * _plain(x) @ _walker(indptr, indices, jump) + (1 - damping) * jump
    return all(_equal(y, w) for y, w in zip(found, wanted, strict=True))


def _someone_dangles(indptr: Any) -> bool:
    return bool((np.diff(indptr) == 0).any())


def _passed_on(indptr: Any, indices: Any, x: Any) -> tuple[NDArray[Any], Any]:
    """What arrives along edges, and what nodes without edges hold."""
    held, degree = np.asarray(x), np.diff(indptr)
    share = np.divide(held, degree, out=np.zeros(len(held)), where=degree > 0)
    return np.bincount(np.asarray(indices), np.repeat(share, degree), len(held)), held[degree == 0].sum()


def _dangling_lost(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """The slip of many first versions: what dangling nodes hold is gone."""
    return damping * _passed_on(indptr, indices, x)[0] + (1 - damping) * jump


def _scaled_at_the_end(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    found = _dangling_lost(indptr, indices, x, damping, jump)
    return found / found.sum()


def _dangling_stays(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    arrives, _ = _passed_on(indptr, indices, x)
    return damping * (arrives + np.where(np.diff(indptr) == 0, np.asarray(x), 0)) + (1 - damping) * jump


def _dangling_to_all_alike(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    arrives, dangling = _passed_on(indptr, indices, x)
    return damping * (arrives + dangling / len(x)) + (1 - damping) * jump


def _dangling_to_the_others(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """Not to itself."""
    found = _dangling_lost(indptr, indices, x, damping, jump)
    for u in np.flatnonzero(np.diff(indptr) == 0):
        others = np.where(np.arange(len(x)) == u, 0.0, jump)
        found = found + damping * x[u] * others / (others.sum() or 1.0)
    return found


def _dangling_undamped(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    arrives, dangling = _passed_on(indptr, indices, x)
    return damping * arrives + (1 - damping + dangling) * jump


def _jumps_alike(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    return one_round(indptr, indices, x, damping, np.full(len(x), 1 / len(x)))


def _one_for_the_jumps(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """(1 - damping) to everybody, as in the first paper's formula, where ranks sum to n."""
    arrives, dangling = _passed_on(indptr, indices, x)
    return damping * (arrives + dangling * jump) + (1 - damping)


def _damping_turned(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    return one_round(indptr, indices, x, 1 - damping, jump)


def _no_jumps(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    return one_round(indptr, indices, x, 1.0, jump)


def _whole_to_each(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """Not divided by the number of edges."""
    degree = np.diff(indptr)
    arrives = np.bincount(np.asarray(indices), np.repeat(np.asarray(x), degree), len(x))
    return damping * (arrives + np.asarray(x)[degree == 0].sum() * jump) + (1 - damping) * jump


def _whole_then_scaled(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    found = _whole_to_each(indptr, indices, x, damping, jump)
    return found / found.sum()


def _against_the_edges(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """A node takes from those that it points to."""
    held, into = np.asarray(x), np.bincount(np.asarray(indices), minlength=len(x))
    sources, ends = np.repeat(np.arange(len(x)), np.diff(indptr)), np.asarray(indices)
    arrives = np.bincount(sources, held[ends] / into[ends], len(x))
    return damping * (arrives + held[into == 0].sum() * jump) + (1 - damping) * jump


def _as_it_goes(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """What has just arrived is passed on within the same round."""
    held, degree = np.array(x), np.diff(indptr)
    ends = np.asarray(indices)
    for u in range(len(x)):
        now, held[u] = held[u], 0.0
        if degree[u] == 0:
            held += now * jump
        np.add.at(held, ends[indptr[u] : indptr[u + 1]], now / max(degree[u], 1))
    return damping * held + (1 - damping) * jump


def _searched_for_each_node(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """Right, and all edges are walked for every node."""
    n, degree, held = len(x), np.diff(indptr), np.asarray(x)
    arrives = np.zeros(n)
    for v in range(n):
        for u in range(n):
            arrives[v] += sum(held[u] / degree[u] for w in indices[indptr[u] : indptr[u + 1]] if w == v)
    return damping * (arrives + held[degree == 0].sum() * jump) + (1 - damping) * jump


def _edges_to_everybody(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    """Right, and each node without edges costs as much as one with n."""
    n = len(x)
    found = np.zeros(n)
    for u in range(n):
        heirs = indices[indptr[u] : indptr[u + 1]]
        for v in range(n) if len(heirs) == 0 else heirs:
            found[v] += damping * x[u] * (jump[v] if len(heirs) == 0 else 1 / len(heirs))
    return found + (1 - damping) * jump


def _sum_only(indptr: Any, indices: Any, x: Any, damping: Any, jump: Any) -> Any:
    return one_round(indptr, indices, x, damping, jump).sum()


def _draw_round(indptr: NDArray[Any], indices: Counted, x: Counted, damping: float, jump: Any) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = Graph(indptr, indices.uncounted, directed=True)
    held: dict[Any, Any] = {v: float(round(share, 4)) for v, share in enumerate(x.uncounted)}
    return draw_graph(graph, values=held, title=f"x beside each node, damping {damping}")


ROUND = Exercise(
    id="centrality_and_flow-3",
    level="stretch",
    form="complexity",
    difficulty=3,
    importance=2,
    minutes=10,
    cases=_round_cases,
    properties=(
        Property(
            says="the answer is a flat list or array: for each node one number",
            holds=lambda found, indptr, *given: _are_real(found, len(indptr) - 1),
            hints=(
                "A round turns n numbers into n numbers.",
                "Look at what you return, and at its shape.",
                "Start with n zeros, and add to the entry of whoever something arrives at.",
            ),
        ),
        Property(
            says="nothing is lost and nothing made where every node has an edge: the numbers sum to 1 again",
            holds=lambda found, indptr, *given: _someone_dangles(indptr) or _equal(sum(map(float, found)), 1.0),
            hints=(
                "What leaves a node along its edges is, together, what it held.",
                "Look at the share that goes along one edge, and at what is added for jumps at each node.",
                "x[u] is divided by the number of u's edges; jump sums to 1, so a part of it sums to that part.",
            ),
        ),
        Property(
            says="where every node has an edge: damping times what arrives along edges, the rest by jumps",
            holds=lambda found, indptr, *given: _someone_dangles(indptr) or _is_round(found, indptr, *given),
            hints=(
                "An edge u -> v gives to v: a node's number comes from those that point to it.",
                "Look at which end gives and which receives, at which part is damped, at where jumps go, and "
                "whether a node passes on what has arrived in this same round.",
                "New numbers in a list of their own; of each old one, damping times x[u] over its number of "
                "edges, to each end; then 1 - damping times jump[v].",
            ),
        ),
        Property(
            says="what nodes without edges hold is not lost: the numbers sum to 1 again",
            holds=lambda found, *given: _equal(sum(map(float, found)), 1.0),
            hints=(
                "A walker who cannot go on does not vanish.",
                "Look at a node u where indptr[u] equals indptr[u + 1]: your loop over its edges does nothing.",
                "Add up what such nodes hold; this sum goes somewhere, damped as everything else is.",
            ),
        ),
        Property(
            says="what nodes without edges hold goes where jumps go, and only that",
            holds=_is_round,
            hints=(
                "From a node without edges a walker jumps; where jumps go, jump tells, node by node.",
                "Look at where you put what dangling nodes hold: on all alike, on the others only, on themselves? "
                "Or did you scale everything until it summed to 1?",
                "To what arrives at v along edges add the sum of the dangling ones times jump[v], then damp both.",
            ),
        ),
        Property(
            says="no entry of indices is read more than three times, however many nodes there are",
            holds=lambda found, indptr, indices, *given: indices.reads.max(initial=0) <= 3,
            hints=(
                "The right numbers; but on a million nodes it would not end.",
                "Look for a loop over all nodes that looks through all edges, for who points to this one.",
                "Turn it round: for each u walk along its own edges, and *give*; nobody needs to search.",
            ),
        ),
        Property(
            says="x[u] is read at most six times and once for each edge of u, not once for each node",
            holds=lambda found, indptr, indices, x, *given: bool((x.reads <= 6 + np.diff(indptr)).all()),
            hints=(
                "The right numbers; but many nodes have no edge, and each of them costs you n steps.",
                "Look at what you do for a node without edges: is it something for every other node?",
                "All of them give to the same nodes in the same parts: one sum, then one walk over the nodes.",
            ),
        ),
    ),
    reference=one_round,
    wrong=(
        _sum_only,
        _dangling_lost,
        _scaled_at_the_end,
        _dangling_stays,
        _dangling_to_all_alike,
        _dangling_to_the_others,
        _dangling_undamped,
        _jumps_alike,
        _one_for_the_jumps,
        _damping_turned,
        _no_jumps,
        _whole_to_each,
        _whole_then_scaled,
        _against_the_edges,
        _as_it_goes,
        _searched_for_each_node,
        _edges_to_everybody,
    ),
    why=(
        "A node without edges acts like one with an edge to every node, of weight jump[v]. Written so, it costs n "
        "steps; but all such nodes give in the same parts, so one sum is enough: O(n + m) however many there are. "
        "Each walker is somewhere after the round, so the numbers sum to 1. If that mass is lost instead, the "
        "ranks that the rounds end at are the right ones times one number, since the jumps alone restart the "
        "walk: scaling them in the end mends it, and hides the slip. A single round it does not mend, nor a count "
        "of visits, nor a dangling node that jumps elsewhere than the rest."
    ),
    draw=_draw_round,
    after="Needed again: pagerank repeats this round, and its linear system is the round that changes nothing.",
)

# -------------------------------------------------------------------------------- 4: the room on a path


def _room_cases(rng: Generator) -> Iterator[Room]:
    """Two nodes to seven: paths along edges on which nothing flows first, then along any, then against some, then
    with edges of both directions at a step."""
    found: list[Room] = [
        ({"s": {"t": 2.0}, "t": {}}, {"s": {"t": 0.5}, "t": {}}, ["s", "t"]),
        ({"s": {"t": 2.0}, "t": {"s": 3.0}}, {"s": {"t": 0.5}, "t": {"s": 1.0}}, ["s", "t"]),
    ]
    for n in range(2, 8):
        kept: Counter[tuple[int, bool]] = Counter()  # by stage, and whether there is any room
        for turn in range(6 * n):
            for case in _room_pair(rng, n, turn % 4):
                kind = _stage(*case), _least(case[-1], partial(_room, *case[:2])) > 0
                kept[kind] += 1
                if kept[kind] <= 3:
                    found.append(case)
    yield from sorted(found, key=lambda case: (_stage(*case), len(case[0])))


def _room_pair(rng: Generator, n: int, pushes: int) -> Iterator[Room]:
    """A path through a random network, rather one against edges; then the same with edges along all its steps."""
    capacity = _lengths(rng, _ends_and(n), HALVES)
    flow = _some_flow(rng, capacity, pushes)
    around = _around(capacity, flow, open_only=rng.random() < 0.7)
    paths = [path for _ in range(3) if (path := _random_path(rng, around, "s", "t"))]
    if paths:
        path = max(paths, key=lambda path: _stage(capacity, flow, path))
        yield capacity, flow, path
        along = {u: {v: _any(rng, HALVES)} for u, v in _steps(path)}
        capacity = {u: along.get(u, {}) | row for u, row in capacity.items()}
        yield capacity, {u: dict.fromkeys(row, 0.0) | flow[u] for u, row in capacity.items()}, path


def _ends_and(n: int) -> str:
    return f"s{LETTERS[: n - 2]}t"


def _around(capacity: Numbers, flow: Numbers, open_only: bool) -> dict[Label, list[Label]]:
    """Where a step may lead: along or against an edge; with room, where `open_only`."""
    room = {u: {v: _room(capacity, flow, u, v) for v in capacity if v != u} for u in capacity}
    return {
        u: [v for v, left in row.items() if left > 0 or (not open_only and (v in capacity[u] or u in capacity[v]))]
        for u, row in room.items()
    }


def _some_flow(rng: Generator, capacity: Numbers, pushes: int) -> Numbers:
    """A flow from s to t, sent along random paths; each edge's is between 0 and its capacity."""
    flow = {u: dict.fromkeys(row, 0.0) for u, row in capacity.items()}
    for _ in range(pushes):
        around = {u: [v for v, most in row.items() if flow[u][v] < most] for u, row in capacity.items()}
        steps = _steps(_random_path(rng, around, "s", "t"))
        amount = min((capacity[u][v] - flow[u][v] for u, v in steps), default=0.0) * _any(rng, (0.5, 1.0))
        for u, v in steps:
            flow[u][v] += amount
    return flow


def _random_path(rng: Generator, around: Any, source: Label, target: Label) -> list[Label]:
    """A path by a search in depth, so often a long one; no node comes twice; empty where there is no path."""
    before: dict[Label, Label] = {}
    waiting = [(source, source)]
    while waiting:
        u, earlier = waiting.pop()
        if u not in before:
            before[u] = earlier
            neighbours = list(around[u])
            waiting += [(neighbours[at], u) for at in rng.permutation(len(neighbours))]
    path = [target] if target in before else []
    while path and path[-1] != source:
        path.append(before[path[-1]])
    return path[::-1]


def bottleneck(capacity: Numbers, flow: Numbers, path: list[Label]) -> float:
    room = []
    for k in range(len(path) - 1):
        u, v = path[k], path[k + 1]
        free = capacity[u].get(v, 0) - flow[u].get(v, 0)
        room.append(free + flow[v].get(u, 0))
    return min(room)


def _room(capacity: Any, flow: Any, u: Label, v: Label) -> float:
    """What the checker compares with, for one step."""
    room = 0.0
    if v in capacity[u]:
        room += capacity[u][v] - flow[u][v]
    if u in capacity[v]:
        room += flow[v][u]
    return room


def _is_room(found: Any, capacity: Any, flow: Any, path: Any) -> bool:
    return _equal(found, min(_room(capacity, flow, u, v) for u, v in _steps(path)))


def _stage(capacity: Any, flow: Any, path: Any) -> int:
    """0: along edges on which nothing flows; 1: along edges; 2: against edges, too; 3: both at one step."""
    steps = _steps(path)
    along = [v in capacity[u] for u, v in steps]
    back = [flow[v].get(u, 0) > 0 for u, v in steps]
    if any(a and b for a, b in zip(along, back, strict=True)):
        return 3
    if not all(along):
        return 2
    return int(any(flow[u][v] > 0 for u, v in steps))


def _least(path: Any, room: Callable[[Label, Label], Any], choose: Callable[..., Any] = min) -> Any:
    return choose(room(u, v) for u, v in _steps(path))


def _capacity_only(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: capacity[u].get(v, 0) + flow[v].get(u, 0))


def _flow_for_room(capacity: Any, flow: Any, path: Any) -> Any:
    """What flows already is taken for what can."""
    return _least(path, lambda u, v: flow[u].get(v, 0) + flow[v].get(u, 0))


def _no_way_back(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: capacity[u].get(v, 0) - flow[u].get(v, 0))


def _edges_must_exist(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: capacity[u][v] - flow[u][v])


def _missing_has_no_end(capacity: Any, flow: Any, path: Any) -> Any:
    """A step against an edge is left out, as if it had room without end."""
    return min((_room(capacity, flow, u, v) for u, v in _steps(path) if v in capacity[u]), default=0)


def _back_up_to_the_capacity(capacity: Any, flow: Any, path: Any) -> Any:
    """Sends back what nobody has sent."""
    return _least(path, lambda u, v: capacity[u].get(v, 0) - flow[u].get(v, 0) + capacity[v].get(u, 0))


def _back_what_is_free(capacity: Any, flow: Any, path: Any) -> Any:
    def room(u: Label, v: Label) -> Any:
        u, v = (u, v) if v in capacity[u] else (v, u)
        return capacity[u].get(v, 0) - flow[u].get(v, 0)

    return _least(path, room)


def _one_or_the_other(capacity: Any, flow: Any, path: Any) -> Any:
    """if ... else: the edge along the step, and only where there is none the one against it."""

    def room(u: Label, v: Label) -> Any:
        return capacity[u][v] - flow[u][v] if v in capacity[u] else flow[v].get(u, 0)

    return _least(path, room)


def _back_first(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: flow[v].get(u, 0) or capacity[u].get(v, 0) - flow[u].get(v, 0))


def _the_larger(capacity: Any, flow: Any, path: Any) -> Any:
    def room(u: Label, v: Label) -> Any:
        return max(capacity[u].get(v, 0) - flow[u].get(v, 0), flow[v].get(u, 0))

    return _least(path, room)


def _back_taken_away(capacity: Any, flow: Any, path: Any) -> Any:
    """The sign: net flow in the wrong direction."""
    return max(0, _least(path, lambda u, v: capacity[u].get(v, 0) - flow[u].get(v, 0) - flow[v].get(u, 0)))


def _sum_of_room(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: _room(capacity, flow, u, v), sum)


def _widest(capacity: Any, flow: Any, path: Any) -> Any:
    return _least(path, lambda u, v: _room(capacity, flow, u, v), max)


def _first_step(capacity: Any, flow: Any, path: Any) -> Any:
    return _room(capacity, flow, path[0], path[1])


def _last_step(capacity: Any, flow: Any, path: Any) -> Any:
    return _room(capacity, flow, path[-2], path[-1])


def _one_step_short(capacity: Any, flow: Any, path: Any) -> Any:
    return bottleneck(capacity, flow, path[: max(len(path) - 1, 2)])


def _full_ones_skipped(capacity: Any, flow: Any, path: Any) -> Any:
    """`if room`: 0 is false, so that full steps are not asked."""
    return min((room for u, v in _steps(path) if (room := _room(capacity, flow, u, v))), default=0)


def _room_of_each(capacity: Any, flow: Any, path: Any) -> Any:
    return [_room(capacity, flow, u, v) for u, v in _steps(path)]


def _sends_it(capacity: Any, flow: Any, path: Any) -> Any:
    """The flow is the caller's."""
    most = bottleneck(capacity, flow, path)
    for u, v in _steps(path):
        flow[u][v] = flow[u].get(v, 0) + most
    return most


def _draw_room(capacity: Numbers, flow: Numbers, path: list[Label]) -> tuple[Any, str]:
    """Only the edges between neighbours on the path: what else flows does not matter to it."""
    steps = {frozenset(step) for step in _steps(path)}
    edges = [(u, v, c) for u, row in capacity.items() for v, c in row.items() if {u, v} in steps]
    graph = as_graph(edges, nodes=path, directed=True)
    return _draw_carried(graph, [flow[u][v] for u, v in graph.edges()], [path[0], path[-1]])  # type: ignore[index]


def _draw_carried(graph: Graph, flow: Any, marked: Sequence[Label]) -> tuple[Any, str]:
    from lessons.show.graph import described, draw_graph

    mark = "→" if graph.directed else "–"
    rows = zip(graph.edges(), flow, graph.edge_weights, strict=True)
    carried = [f"{u}{mark}{v} {round(float(x), 3) + 0.0:g}/{most:g}" for (u, v), x, most in rows]
    told = f"carried/capacity: {', '.join(carried)}"
    alt = f"{described(graph)} Written above: {told}."
    return draw_graph(graph, marked=marked, title="\n".join(wrap(told, 60)), alt=alt)


BOTTLENECK = Exercise(
    id="centrality_and_flow-4",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=6,
    cases=_room_cases,
    properties=(
        Property(
            says="the answer is one finite number",
            holds=lambda found, capacity, flow, path: _is_real(found) and abs(float(found)) < inf,
            hints=(
                "One number for the whole path: how much more goes along all of it.",
                "Look at what you return: the room of one step, of all, or the least of them?",
                "Find the room at each step, and return the least.",
            ),
        ),
        Property(
            says="while nothing flows along the path, its narrowest edge decides",
            holds=lambda found, *case: _stage(*case) > 0 or _is_room(found, *case),
            hints=(
                "What goes along a path must go through each of its edges.",
                "Look at which steps you ask: all of them, the last too? And what do you make of their rooms: a "
                "sum, the largest, the first?",
                "The least of capacity[u][v] over all steps u, v.",
            ),
        ),
        Property(
            says="what an edge carries already is no longer free",
            holds=lambda found, *case: _stage(*case) > 1 or _is_room(found, *case),
            hints=(
                "An edge of capacity 3 that carries 2 takes one more. A full edge takes none: the answer is 0.",
                "Look at where flow[u][v] comes in, and at what becomes of a step whose room is 0.",
                "Capacity less flow; and 0 is a room like any other: do not skip it.",
            ),
        ),
        Property(
            says="a step against an edge can send back what that edge carries, no more",
            holds=lambda found, *case: _stage(*case) > 2 or _is_room(found, *case),
            hints=(
                "There is no edge along this step, but there is one against it, and something may flow there.",
                "Look at what you do where v is not in capacity[u]: is it an error, no room, room without end? "
                "And of the edge v -> u, do you take the flow, its capacity, or what is free?",
                "To send 2 from u to v against an edge is to take 2 of what it carries off it: flow[v][u] is "
                "the most. Where it is missing, 0: dictionaries have `get`.",
            ),
        ),
        Property(
            says="where there are edges of both directions, both give room",
            holds=lambda found, *case: _is_room(found, *case),
            hints=(
                "First what comes the other way is sent back, then what is free is filled.",
                "Look for an `else`, an `or` or a `max` between the two rooms.",
                "The room of a step is a sum of two terms, each of which may be 0.",
            ),
        ),
    ),
    reference=bottleneck,
    wrong=(
        _room_of_each,
        _sends_it,
        _capacity_only,
        _flow_for_room,
        _no_way_back,
        _edges_must_exist,
        _missing_has_no_end,
        _back_up_to_the_capacity,
        _back_what_is_free,
        _one_or_the_other,
        _back_first,
        _the_larger,
        _back_taken_away,
        _sum_of_room,
        _widest,
        _first_step,
        _last_step,
        _one_step_short,
        _full_ones_skipped,
    ),
    why=(
        "Along an edge what is free, against it what it carries: sending back is undoing an earlier choice, and "
        "without it the paths taken first would decide what can still be reached. Where edges run both ways the "
        "two add up. The least room is what the whole path can take, and sending just that fills at least one "
        "step. A table of these rooms, kept instead of capacity and flow, is the residual network."
    ),
    draw=_draw_room,
    after="Needed again: max-flow sends a bottleneck along one path after another until no path has room.",
    raised={
        KeyError: replace(
            RUNS,
            hints=(
                "Of the edges u -> v and v -> u at a step, one may be missing. That is no error: what room does "
                "the one that is there give?",
                "Look at where you read capacity[u][v], flow[u][v] or flow[v][u]. Each dictionary has only the "
                "ends of existing edges as keys; the error names one that is missing.",
                "A missing edge has capacity 0 and carries 0: `get` takes a second argument, for what is "
                "missing. What the edge v -> u carries can be sent back.",
            ),
        ),
    },
)

# -------------------------------------------------------------------------------- 5: what a flow is

Amounts = Sequence[tuple[int, int, float]]  # of a step: edge, direction (1 or -1), room

TINY = 1e-9  # what rounding may do


def _flow_cases(rng: Generator) -> Iterator[tuple[Graph, Label, Label, NDArray[np.float64]]]:
    """Two nodes to six: right flows, among them ones that run in circles, into the source, or backwards along
    undirected edges; each spoilt in one way. Those with the rounding of a computation come last, so that a
    property hears first of what it got wrong."""
    rounded = []
    for n in range(2, 7):
        for directed in (True, True, False, False):
            graph = _network(rng, n, directed)
            right = [np.zeros(graph.m)]
            right.append(_sent(rng, graph, right[0], "s", "t"))
            right.append(_sent_round(rng, graph, _sent(rng, graph, right[1], "s", "t")))
            noise = right[-1] + 1e-12 * rng.standard_normal(graph.m)
            rounded.append((graph, "s", "t", noise))
            for flow in chain(right, _spoilt_flows(rng, graph, right[-1])):
                if _faults_of(graph, "s", "t", flow) or _net(graph, flow)["t"] > -TINY:  # or it runs to the source
                    yield graph, "s", "t", flow
    yield from rounded


def _network(rng: Generator, n: int, directed: bool) -> Graph:
    """A random path from s to t and other edges, in an order of nodes in which s need not be the first."""
    nodes = [_ends_and(n)[at] for at in rng.permutation(n)]
    way = ["s", *(v for v in nodes if v not in "st"), "t"]
    pairs = dict.fromkeys(_steps(way))
    for u, v in combinations(nodes, 2):
        if (v, u) not in pairs and rng.random() < 0.5:
            pairs[_any(rng, ((u, v), (v, u)))] = None
    if directed:
        pairs.update(dict.fromkeys((v, u) for u, v in list(pairs) if rng.random() < 0.4))
    edges = [(u, v, _any(rng, HALVES)) for u, v in pairs]
    return as_graph(edges, nodes=nodes, directed=directed)


def _arcs(graph: Graph, room: Callable[[int, int], float]) -> dict[Any, dict[Any, tuple[int, int, float]]]:
    """For each node the neighbours to which there is room: by which edge, in its direction or not, how much."""
    found: dict[Any, dict[Any, tuple[int, int, float]]] = {v: {} for v in graph.nodes}
    for e, (u, v) in enumerate(graph.edges()):
        for start, end, sign in ((v, u, -1), (u, v, 1)):
            if room(e, sign) > 0:
                found[start][end] = e, sign, room(e, sign)
    return found


def _left(graph: Graph, flow: NDArray[np.float64]) -> Callable[[int, int], float]:
    """What is left on edge e along it (sign 1) and against it (-1)."""

    def room(e: int, sign: int) -> float:
        least = 0.0 if graph.directed else -graph.edge_weights[e]
        return float(graph.edge_weights[e] - flow[e] if sign > 0 else flow[e] - least)

    return room


def _sent(
    rng: Generator, graph: Graph, flow: NDArray[np.float64], source: Label, target: Label
) -> NDArray[np.float64]:
    """The flow, and a half or all of what goes along a random path that has room."""
    arcs = _arcs(graph, _left(graph, flow))
    steps = [arcs[u][v] for u, v in _steps(_random_path(rng, arcs, source, target))]
    return _along(flow, steps, min((room for *_, room in steps), default=0.0) * _any(rng, (0.5, 1.0)))


def _along(flow: NDArray[np.float64], steps: Amounts, amount: float) -> NDArray[np.float64]:
    flow = flow.copy()
    for e, sign, _ in steps:
        flow[e] += sign * amount
    return flow


def _sent_round(rng: Generator, graph: Graph, flow: NDArray[np.float64]) -> NDArray[np.float64]:
    """The flow, and something that runs in a circle, through the source if it can."""
    arcs = _arcs(graph, _left(graph, flow))
    for u in sorted(arcs, key="s".__ne__):
        for v, (e, sign, room) in arcs[u].items():
            back = _arcs(graph, lambda f, sign, e=e: 0.0 if f == e else _left(graph, flow)(f, sign))  # type: ignore[misc]
            steps = [back[a][b] for a, b in _steps(_random_path(rng, back, v, u))]
            if steps:
                circle = [(e, sign, room), *steps]
                return _along(flow, circle, min(left for *_, left in circle) / 2)
    return flow


def _spoilt_flows(rng: Generator, graph: Graph, flow: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Too much along a path; a path against the direction of edges; too little or too much on one edge."""
    allowed = _arcs(graph, lambda e, sign: float(sign > 0 or not graph.directed))
    over = _along(flow, [allowed[u][v] for u, v in _steps(_random_path(rng, allowed, "s", "t"))], 4.0)
    yield over
    yield -over
    anywhere = _arcs(graph, lambda e, sign: 1.0)
    steps = [anywhere[u][v] for u, v in _steps(_random_path(rng, anywhere, "s", "t"))]
    yield _along(np.zeros(graph.m), steps, 0.25)
    for e in rng.permutation(graph.m)[:2].tolist():
        room = _left(graph, flow)(e, 1)
        yield _along(flow, [(e, 1 if room >= 0.25 else -1, 0.0)], 0.25)
    if not graph.directed:
        yield np.abs(flow)


def is_flow(graph: Graph, source: Label, target: Label, flow: NDArray[np.float64]) -> bool:
    least = np.zeros(graph.m) if graph.directed else -graph.edge_weights
    within = (flow >= least - 1e-9) & (flow <= graph.edge_weights + 1e-9)
    net = dict.fromkeys(graph.nodes, 0.0)
    for (u, v), amount in zip(graph.edges(), flow, strict=True):
        net[u] -= amount
        net[v] += amount
    leaks = [v for v in graph.nodes if abs(net[v]) > 1e-9 and v not in (source, target)]
    return bool(within.all()) and not leaks


def _faults_of(graph: Any, source: Any, target: Any, flow: Any, tiny: float = TINY) -> set[str]:
    """What the checker compares with: the faults by name, edge by edge and node by node."""
    pairs = list(zip(flow, graph.edge_weights, strict=True))
    enters = {v: sum(x for (_, b), x in zip(graph.edges(), flow, strict=True) if b == v) for v in graph.nodes}
    leaves = {v: sum(x for (a, _), x in zip(graph.edges(), flow, strict=True) if a == v) for v in graph.nodes}
    faults = {
        "over": any(x > most + tiny for x, most in pairs),
        "over backwards": not graph.directed and any(x < -most - tiny for x, most in pairs),
        "below zero": graph.directed and any(x < -tiny for x, _ in pairs),
        "leak": any(abs(enters[v] - leaves[v]) > tiny for v in graph.nodes if v not in (source, target)),
    }
    return {name for name, here in faults.items() if here}


def _is_rounded(graph: Any, source: Any, target: Any, flow: Any) -> bool:
    """Whether a flow is right but for rounding."""
    exactly = _faults_of(graph, source, target, flow, tiny=0.0)
    return bool(exactly) and not _faults_of(graph, source, target, flow)


def _refused(found: Any, case: Any, *faults: str) -> bool:
    """Whether a flow that has one of these faults, and no other, is refused."""
    here = _faults_of(*case)
    return not (here and here <= set(faults) and found)


def _net(graph: Any, flow: Any) -> dict[Label, float]:
    net = dict.fromkeys(graph.nodes, 0.0)
    for (u, v), amount in zip(graph.edges(), flow, strict=True):
        net[u] -= amount
        net[v] += amount
    return net


def _fits(graph: Any, flow: Any, tiny: float = TINY) -> bool:
    least = np.zeros(graph.m) if graph.directed else -graph.edge_weights
    return bool(((flow >= least - tiny) & (flow <= graph.edge_weights + tiny)).all())


def _any_flow(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return True


def _no_flow(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return False


def _names_the_leaks(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return [v for v, x in _net(graph, flow).items() if abs(x) > TINY and v not in (source, target)]


def _capacities_only(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return _fits(graph, flow)


def _conservation_only(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return not _names_the_leaks(graph, source, target, flow)


def _conserved_everywhere(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """At the ends as well: then nothing flows at all."""
    return _fits(graph, flow) and max(map(abs, _net(graph, flow).values())) <= TINY


def _what_leaves_arrives(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """The ends balance, also where one node makes what another swallows."""
    net = _net(graph, flow)
    return _fits(graph, flow) and abs(net[source] + net[target]) <= TINY


def _leaks_cancel(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """abs(sum(...)) for sum(abs(...))."""
    inner = [x for v, x in _net(graph, flow).items() if v not in (source, target)]
    return _fits(graph, flow) and abs(sum(inner)) <= TINY


def _only_what_is_lost(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """A node that gives more than it gets is let through."""
    inner = [x for v, x in _net(graph, flow).items() if v not in (source, target)]
    return _fits(graph, flow) and max(inner, default=0) <= TINY


def _signs_lost(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return is_flow(graph, source, target, np.abs(flow))


def _one_side_only(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """flow <= capacity, and nothing is asked of what is below zero."""
    over = (flow > graph.edge_weights + TINY).any()
    return not over and _conservation_only(graph, source, target, flow)


def _directed_only(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """Never below zero, on undirected edges neither."""
    return (flow >= -TINY).all() and is_flow(graph, source, target, flow)


def _undirected_only(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """abs(flow) <= capacity, on edges of one direction too."""
    over = (np.abs(flow) > graph.edge_weights + TINY).any()
    return not over and _conservation_only(graph, source, target, flow)


def _backwards_without_end(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return is_flow(graph, source, target, flow if graph.directed else np.maximum(flow, 0)) or (
        not graph.directed and _one_side_only(graph, source, target, flow)
    )


def _nothing_enters_the_source(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    entering = [
        x if v == source else -x for (u, v), x in zip(graph.edges(), flow, strict=True) if source in (u, v)
    ]
    return is_flow(graph, source, target, flow) and max(entering, default=0) <= TINY


def _something_must_flow(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return is_flow(graph, source, target, flow) and _net(graph, flow)[target] > TINY


def _never_full(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return is_flow(graph, source, target, flow) and (np.abs(flow) < graph.edge_weights).all()


def _first_and_last_are_the_ends(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """Takes the first node for the source and the last one for the target."""
    return is_flow(graph, graph.nodes[0], graph.nodes[-1], flow)


def _exact(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    inner = [x for v, x in _net(graph, flow).items() if v not in (source, target)]
    return _fits(graph, flow) and not any(inner)


def _exactly_within(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    return _fits(graph, flow, tiny=0.0) and is_flow(graph, source, target, flow)


def _last_node_decides(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """The verdict is overwritten at each node."""
    verdict = True
    for v, x in _net(graph, flow).items():
        if v not in (source, target):
            verdict = abs(x) <= TINY
    return verdict and _fits(graph, flow)


def _some_edge_fits(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    """any(...) for all(...)."""
    least = np.zeros(graph.m) if graph.directed else -graph.edge_weights
    fits = ((flow >= least - TINY) & (flow <= graph.edge_weights + TINY)).any()
    return fits and _conservation_only(graph, source, target, flow)


def _clips_in_place(graph: Any, source: Any, target: Any, flow: Any) -> Any:
    flow[np.abs(flow) < TINY] = 0.0
    flow += 0.0 * flow
    flow[:] = np.round(flow, 6)
    return is_flow(graph, source, target, flow)


def _draw_flow(graph: Graph, source: Label, target: Label, flow: Any) -> tuple[Any, str]:
    return _draw_carried(graph, flow, [source, target])


FLOW = Exercise(
    id="centrality_and_flow-5",
    level="core",
    form="property",
    difficulty=2,
    importance=2,
    minutes=8,
    cases=_flow_cases,
    properties=(
        Property(
            says="the answer is True or False",
            holds=lambda found, *case: isinstance(found, bool | np.bool_),
            hints=(
                "A property says of a flow whether it holds: yes or no, not where it is broken.",
                "Look at what you return, on every way through the function: a list, a number, a yield?",
                "A comparison is True or False already; of an array of them, `.all()` makes one.",
            ),
        ),
        Property(
            says="right flows are let through: also nothing, circles, full edges, and back along undirected ones",
            holds=lambda found, *case: found or bool(_faults_of(*case)) or _is_rounded(*case),
            hints=(
                "This one is right, and your property refuses it. Source and target need not balance, and a flow "
                "need be neither large nor straight.",
                "Look at which nodes you leave out, at what you ask of an edge that is just full, and at how you "
                "read a number below zero on an undirected edge.",
                "An undirected edge u, v that carries -2 takes 2 out of v and brings 2 to u: with its sign, the "
                "same sum does for both directions. Labels tell the ends, places among graph.nodes do not.",
            ),
        ),
        Property(
            says="more than an edge's capacity is refused",
            holds=lambda found, *case: _refused(found, case, "over"),
            hints=(
                "Your property lets this through. Everything balances, but which edge is too narrow?",
                "Look at whether all edges are asked, or one of them is enough.",
                "flow and graph.edge_weights are in the same order: compare them entry by entry.",
            ),
        ),
        Property(
            says="less than 0 on an edge of a directed graph is refused",
            holds=lambda found, *case: _refused(found, case, "over", "below zero"),
            hints=(
                "Your property lets this through. Something flows against a one-way edge here.",
                "Look at what is the least that an edge may carry: that depends on graph.directed.",
                "Two bounds for each edge; the lower one is 0 where graph.directed is True.",
            ),
        ),
        Property(
            says="more than its capacity is refused backwards, too, on an undirected edge",
            holds=lambda found, *case: _refused(found, case, "over", "below zero", "over backwards"),
            hints=(
                "Your property lets this through. Which edge carries more than fits, towards its first end?",
                "Look at the lower bound of an undirected edge: a number below zero is an amount as well.",
                "The lower bound is the upper one with a minus before it.",
            ),
        ),
        Property(
            says="a node other than source and target where more goes out than comes in, or less, is refused",
            holds=lambda found, *case: not (_faults_of(*case) and found),
            hints=(
                "Your property lets this through. What comes in, what goes out, at each node in between?",
                "Look at whether two nodes may make up for each other: one that loses what another one makes. Is "
                "every node asked by itself, and does the last verdict leave the ones before it standing?",
                "For each node a sum of its own: add the flow at an edge's second end, take it away at its first.",
            ),
        ),
        Property(
            says="a flow that is right but for rounding is let through",
            holds=lambda found, *case: found or bool(_faults_of(*case)),
            hints=(
                "Nothing is wrong here but the last digits: 0.1 + 0.2 is not 0.3 in floating point.",
                "Look for == between sums, and for a bound that is compared without any room.",
                "abs(a - b) <= 1e-9 where you have a == b; and 1e-9 more room at each bound.",
            ),
        ),
    ),
    reference=is_flow,
    wrong=(
        _names_the_leaks,
        _any_flow,
        _no_flow,
        _capacities_only,
        _conservation_only,
        _conserved_everywhere,
        _what_leaves_arrives,
        _leaks_cancel,
        _only_what_is_lost,
        _signs_lost,
        _one_side_only,
        _directed_only,
        _undirected_only,
        _backwards_without_end,
        _nothing_enters_the_source,
        _something_must_flow,
        _never_full,
        _first_and_last_are_the_ends,
        _exact,
        _exactly_within,
        _last_node_decides,
        _some_edge_fits,
        _clips_in_place,
    ),
    why=(
        "Two demands, one of each edge and one of each node in between. With a sign for the direction one sum "
        "serves all edges: taken away at the first end, added at the second. Every node needs its own sum, for "
        "all of them together are always 0, and what leaves the source can equal what reaches the target while "
        "one node loses what another invents. Source and target are free, and what the one gives the other gets: "
        "that need not be asked, it follows. A right flow need not be a largest one; for that, a cut is needed."
    ),
    draw=_draw_flow,
    after="Needed again: whatever solves a flow, this is the first thing to ask of its answer; a cut is the next.",
)

EXERCISES = (PATH, BRANDES, ROUND, BOTTLENECK, FLOW)
