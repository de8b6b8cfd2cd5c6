"""Random walks that remember one step: p keeps them from turning back, q from going far (node2vec).

    random_walks(graph, 80, p=0.25, q=4)                   # (10 n, 80) rows of graph.nodes; -1 after the end
    step_chances(graph, "t", "v", p=0.25, q=4)             # (n,) the exact chances of the step that follows t -> v

A walk that came from t to v goes on to a successor x of v with a chance in proportion to alpha w(v, x), where w is
the weight of the edge and alpha is

    1/p    where x is t                 the walk turns back
    1      where t has an edge to x     it stays near t
    1/q    elsewhere                    it goes away from t

The first step is drawn by weight alone. `graph` is anything that `as_graph` reads.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lessons._checks import above_zero, not_negative, whole
from lessons._device import Device, compiled, cpu_only
from lessons._rng import Seed, key_of, start, uniform
from lessons.graph import Graph, as_graph
from lessons.walks import row_sums

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]
Walker = Callable[[Rows, int, int], Rows]

COMPILED_FROM = 150_000  # nodes, arcs and steps; below, this takes less time than loading numba, half a second
LEAST, MOST = 1e-270, 1e270  # p and q: no degree makes a sum of 1/p or 1/q infinite then, no weight makes it 0


# ---------------------------------------------------------------------------------------- definition


def step_chances_definition(
    successors: Sequence[Sequence[int]], previous: int | None, current: int, p: float, q: float
) -> list[float]:
    """The chance of each successor of row `current`, in their order, for a walk that came from row `previous`.

    `successors[u]` are the rows that u has an edge to, all edges alike; None for a walk that starts.

    >>> step_chances_definition([[1], [0, 2, 3], [0, 1], [1]], previous=2, current=1, p=0.5, q=0.5)
    [0.2, 0.4, 0.4]
    """
    alphas = []
    for x in successors[current]:
        if previous is None:
            alphas.append(1.0)
        elif x == previous:
            alphas.append(1 / p)
        else:
            alphas.append(1.0 if x in successors[previous] else 1 / q)
    return [alpha / sum(alphas) for alpha in alphas]


# ---------------------------------------------------------------------------------------- exact chances


def step_chances(
    graph: object, previous: Hashable | None, current: Hashable, *, p: float = 1.0, q: float = 1.0
) -> Floats:
    """The chance (n,) that a walk which came from `previous` to `current` goes on to each node.

    `previous` and `current` are labels, and joined by an edge; `previous` is None for a walk that starts. The
    answer is aligned with `graph.nodes` and sums to 1, or is 0 everywhere where no edge leaves `current` or all
    that do weigh 0. See the module for the rule; weights are counted, and edges are taken along their direction.
    The program of the method's authors asks for an edge from x to t where this asks for one from t to x, as the
    paper does: the same where the graph is undirected. O(n + degree log degree).

    Raises ValueError for p or q outside of 1e-270 ... 1e270, for a negative weight, and where no edge joins the
    two nodes; KeyError for an unknown node.

    >>> graph = as_graph([("t", "v"), ("v", "a"), ("v", "b"), ("t", "a")], nodes="tvab")
    >>> step_chances(graph, "t", "v", p=0.5, q=0.5)
    array([0.4, 0. , 0.2, 0.4])

    Notebook: 09_node2vec. Reference: A. Grover, J. Leskovec, node2vec: scalable feature learning for networks,
    KDD 2016, equations 1 and 2, doi:10.1145/2939672.2939754.
    """
    graph = not_negative(as_graph(graph), "a random walk")
    backwards, away = _inverse("p", p), _inverse("q", q)
    v, t = graph.index(current), -1 if previous is None else graph.index(previous)
    following, weights = _row(graph, v)
    if t >= 0:
        near, _ = _row(graph, t)
        if v not in near:
            raise ValueError(f"no edge leads from {previous!r} to {current!r}: a walk never came that way")
        weights = weights * np.where(following == t, backwards, np.where(np.isin(following, near), 1.0, away))
    chances, total = np.zeros(graph.n), float(weights.sum())
    if total > 0:
        chances[following] = weights / total
    return chances


def _row(graph: Graph, u: int) -> tuple[Rows, Floats]:
    """The successors of row u and the weights of the edges there, the largest of them made near 1."""
    arcs = slice(graph.indptr[u], graph.indptr[u + 1])
    following = graph.indices[arcs]
    if graph.weights is None or not len(following):
        return following, np.ones(len(following))
    return following, graph.weights[arcs] / (graph.weights[arcs].max() or 1.0)


# ---------------------------------------------------------------------------------------- walks


def random_walks(
    graph: object,
    length: int,
    *,
    walks_per_node: int = 10,
    p: float = 1.0,
    q: float = 1.0,
    starts: Iterable[Hashable] | None = None,
    seed: Seed = 0,
    threads: int = 1,
    device: Device = "cpu",
) -> Rows:
    """Walks of at most `length` nodes, a row each (walks, length): rows of `graph.nodes`, and -1 after the end.

    Walk i starts at node i % n, or at `starts[i % len(starts)]`, which are labels. So there are `walks_per_node`
    rounds, and in each a walk from every start. A walk ends early where no edge leaves its node, or all that do
    weigh 0; edges are taken along their direction. See the module for the rule of a step, `step_chances` for one
    step's exact chances, and there for what differs on directed graphs. With p = q = 1 a walk forgets where it
    came from. (`length` counts nodes, as the authors' program does; their paper's listing makes `length` steps.)

    The answer depends on the seed alone: a walk's random numbers belong to the round and the start, so it is the
    same on any number of threads, in more rounds, and among fewer starts.

    A step draws a successor and keeps it with chance alpha over its largest value, except the edge back to t,
    which is drawn apart at its own weight (rejection sampling): no table for any edge is needed. It takes at most
    max(q, 1/q) trials in the mean, each O(log degree); after as many as v has successors the exact chances are
    added up, so a step is O(degree log degree) at worst. Compiled for long work; only then more threads help.

    Raises ValueError for p or q outside of 1e-270 ... 1e270, for a negative weight, for a length, a number of
    walks or of threads below 1 (TypeError where it is not whole), and for `device="gpu"`, where it has never run;
    KeyError for an unknown start, TypeError for one
    label in place of a list.

    >>> graph = as_graph([("a", "b"), ("b", "c")], nodes="abc", directed=True)
    >>> random_walks(graph, 4, walks_per_node=1)
    array([[ 0,  1,  2, -1],
           [ 1,  2, -1, -1],
           [ 2, -1, -1, -1]], dtype=int32)

    Notebook: 09_node2vec. Reference: A. Grover, J. Leskovec, node2vec: scalable feature learning for networks,
    KDD 2016, section 3.2, doi:10.1145/2939672.2939754; the sampler: J. von Neumann, Various techniques used in
    connection with random digits, National Bureau of Standards Applied Mathematics Series 12, 1951.
    """
    cpu_only(device, "random_walks")
    graph = as_graph(graph)
    length, rounds = whole("length", length), whole("walks_per_node", walks_per_node)
    rows = np.arange(graph.n, dtype=np.int32)
    if isinstance(starts, str):
        raise TypeError(f"starts={starts!r}: a list of labels is needed, [{starts!r}] for one")
    if starts is not None:
        rows = np.array([graph.index(label) for label in starts], np.int32)
    walk = walker(graph, rounds * len(rows) * length, p=p, q=q, key=key_of(seed), threads=threads)
    return np.concatenate([walk(rows, i, length) for i in range(rounds)])


def walker(graph: Graph, steps: int, *, p: float, q: float, key: int, threads: int) -> Walker:
    """A function (start rows, round, length) -> walks (rows, length), to make some of `steps` steps at a time."""
    graph = not_negative(graph, "a random walk")
    backwards, away, threads = _inverse("p", p), _inverse("q", q), whole("threads", threads)
    kernels = compiled("walks", when=graph.n + len(graph.indices) + steps >= COMPILED_FROM)
    sums = graph.kept("walks.row_sums", lambda: row_sums(kernels, graph))
    if kernels is None:
        return _in_python(graph, sums.tolist(), backwards, away, key)
    return _compiled(kernels, graph, sums, backwards, away, key, threads)


def _compiled(
    kernels: ModuleType, graph: Graph, sums: Floats, backwards: float, away: float, key: int, threads: int
) -> Walker:
    def walk(rows: Rows, i: int, length: int) -> Rows:
        walks = np.empty((len(rows), length), np.int32)

        def part(j: int) -> None:
            ends = len(rows) * j // threads, len(rows) * (j + 1) // threads
            task = np.uint64(key), i * graph.n, *ends
            kernels.biased(graph.indptr, graph.indices, sums, graph.directed, backwards, away, *task, rows, walks)

        if threads == 1:
            part(0)  # to start a thread takes longer than some hundred walks
            return walks
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(threads)))
        return walks

    return walk


def _in_python(graph: Graph, sums: list[float], backwards: float, away: float, key: int) -> Walker:
    """The walks in plain Python, with the same random numbers as the compiled ones."""
    step = _Step(graph, sums, backwards, away)

    def walk(rows: Rows, i: int, length: int) -> Rows:
        walks = np.full((len(rows), length), -1, np.int32)
        for place, row in enumerate(rows.tolist()):
            stream, path = start(key, i * graph.n + row), [row]
            while len(path) < length and step.goes_on(path[-1]):
                path.append(step(path[-2] if len(path) > 1 else -1, path[-1], stream, len(path) << 32))
            walks[place, : len(path)] = path
        return walks

    return walk


class _Step:
    """One step of a walk in plain Python, with the draws of `compiled.walks.biased`."""

    def __init__(self, graph: Graph, sums: list[float], backwards: float, away: float) -> None:
        self.ends, self.indices, self.sums = graph.indptr.tolist(), graph.indices.tolist(), sums
        self.backwards, self.away, self.highest = backwards, away, max(1.0, away)

    def goes_on(self, v: int) -> bool:
        first, end = self.ends[v], self.ends[v + 1]
        return first < end and (not self.sums or self.sums[end - 1] > 0)

    def __call__(self, t: int, v: int, stream: int, draw: int) -> int:
        """The row that follows v for a walk that came from row t, or starts (-1); `draw` is the step's first."""
        first, end = self.ends[v], self.ends[v + 1]
        total = self._below(first, end)
        if t < 0:
            return self.indices[self._arc(first, end, uniform(stream, draw) * total)]
        back = bisect_left(self.indices, t, first, end)  # the arc back to t, or where it would be
        weight = self._weight(first, back) if self._is(t, back, end) else 0.0
        returns = weight * self.backwards
        total, inverse = returns + (total - weight) * self.highest, 1 / self.highest
        for trial in range(draw, draw + end - first):
            at = uniform(stream, trial) * total
            if at < returns:
                return t
            arc, height = self._proposed(first, end, back, weight, (at - returns) * inverse)
            # Kept with chance alpha / highest: where within the arc `at` lies is as good as another random number.
            if arc < end and self.indices[arc] != t and height * self.highest < self._alpha(t, self.indices[arc]):
                return self.indices[arc]
        return self._exactly(t, first, end, uniform(stream, draw + end - first))

    def _proposed(self, first: int, end: int, back: int, weight: float, at: float) -> tuple[int, float]:
        """The arc where `at` lies among the arcs of a row but the one back; and how far up in it, 0 to 1."""
        if not self.sums:
            arc = first + int(at)
            return (arc + 1 if weight and arc >= back else arc), at - int(at)
        at += weight if at >= self._below(first, back) else 0.0
        arc = self._arc(first, end, at)
        return arc, (at - self._below(first, arc)) / self._weight(first, arc) if arc < end else 0.0

    def _exactly(self, t: int, first: int, end: int, at_random: float) -> int:
        """A successor drawn from all the chances, added up."""
        total, sums = 0.0, []
        for arc in range(first, end):
            total += self._alpha(t, self.indices[arc]) * self._weight(first, arc)
            sums.append(total)
        return self.indices[first + bisect_right(sums, at_random * total)]

    def _alpha(self, t: int, x: int) -> float:
        if x == t:
            return self.backwards
        first, end = self.ends[t], self.ends[t + 1]
        return 1.0 if self._is(x, bisect_left(self.indices, x, first, end), end) else self.away

    def _is(self, x: int, arc: int, end: int) -> bool:
        return arc < end and self.indices[arc] == x

    def _below(self, first: int, arc: int) -> float:
        """The weight of the arcs of a row that come before this one."""
        if not self.sums:
            return float(arc - first)
        return self.sums[arc - 1] if arc > first else 0.0

    def _weight(self, first: int, arc: int) -> float:
        return self._below(first, arc + 1) - self._below(first, arc)

    def _arc(self, first: int, end: int, at: float) -> int:
        """The first arc of a row whose weight and those before it sum to more than this; `end` where none does."""
        return bisect_right(self.sums, at, first, end) if self.sums else min(first + int(at), end)


def _inverse(name: str, value: float) -> float:
    if not LEAST <= above_zero(name, value) <= MOST:
        raise ValueError(f"{name}={value!r}: from {LEAST} to {MOST}, or sums of chances become infinite or 0")
    return 1 / value
