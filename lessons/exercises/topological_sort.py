"""The exercises of notebook 02: an order by hand, generations, a sort that forgets to count, peak memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Counted, Exercise, Property, once
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

# -------------------------------------------------------------------------------- 1: an order by hand

SIX = ((1, 0), (1, 2), (1, 3), (2, 4), (3, 0), (5, 2))  # each habit of sorting gives another order of these


def _draw_six() -> tuple[Any, str]:
    from lessons.show.topological_sort import draw_kahn

    return draw_kahn(as_graph(SIX, n=6, directed=True), 0)


def _points_forward(order: Any, edges: Any) -> bool:
    place = {node: at for at, node in enumerate(order)}
    return all(place[u] < place[v] for u, v in edges)


BY_HAND = Exercise(
    id="topological_sort-1",
    level="warm-up",
    form="predict",
    difficulty=1,
    importance=3,
    minutes=3,
    cases=once,
    properties=(
        Property(
            says="the answer is a flat list with each of the nodes 0 to 5 once",
            holds=lambda order: sorted(order) == list(range(6)),
            hints=(
                "An order of a graph holds every node, and none of them twice.",
                "Count the nodes of your list: also those that no edge enters, and those that none leaves.",
                "A node goes on the list once, when it is taken: not at each edge that reaches it.",
            ),
        ),
        Property(
            says="every edge points forward: what a node waits for comes before it",
            holds=lambda order: _points_forward(order, SIX),
            hints=(
                "A node is ready when *all* edges that enter it have been crossed out, not the first of them.",
                "Look at nodes 0 and 2: two edges enter each of them.",
                "Write 0, 1, 2, 3, 4, 5 with the in-degrees 2, 0, 2, 1, 1, 0 below. Take a node that has 0, and "
                "lower the count of each node that it points to by one.",
            ),
        ),
        Property(
            says="of the nodes that are ready, the smallest is taken first, also if it became ready just now",
            holds=lambda order: list(order) == [1, 3, 0, 5, 2, 4],
            hints=(
                "Your order is right, but not the first of all right orders, compared number by number.",
                "Look at what is ready after each step: what has just become ready takes part at once.",
                "Two nodes are ready at first, and the smaller one is taken. That makes 3 ready, which is smaller "
                "than the other one that waits: so 3 is next.",
            ),
        ),
    ),
    reference=[1, 3, 0, 5, 2, 4],
    wrong=(
        [1, 5, 3, 2, 0, 4],  # first come, first served: a queue
        [1, 5, 2, 3, 0, 4],  # generation by generation
        [5, 1, 3, 2, 4, 0],  # depth first, turned round
        [5, 1, 3, 0, 2, 4],  # last come, first served: a stack
        [1, 0, 2, 3, 5, 4],  # at first sight: 0 does not wait for 3
        [4, 2, 5, 0, 3, 1],  # against the edges
        [0, 4, 3, 2, 1, 5],  # begins at the nodes that no edge leaves
        [1, 3, 0, 2, 4],  # 5 is not reached from 1
        [1, 0, 2, 3, 4, 0, 5, 2],  # a node for each edge that reaches it
    ),
    why=(
        "Nodes 1 and 5 wait for nothing; 1 is smaller. Crossing out its edges makes 3 ready, which is smaller "
        "than 5. Then 0 has lost both of its edges and comes next; 5 is the only one left, then 2, then 4. A "
        "queue would have taken 5 before 3: also right, but another order."
    ),
    draw=_draw_six,
    after="Needed again: the order of the course itself follows this rule.",
)

# -------------------------------------------------------------------------------- 2: generations


def _random_dags(rng: Generator) -> list[Graph]:
    """Graphs of 1 to 9 nodes without cycles, four a size, in rows of no particular order; fewest edges first."""
    graphs = []
    for n in range(1, 10):
        for density in (0.0, 0.3, 0.45, 0.6):
            shuffled = rng.permutation(n)
            pairs = np.argwhere(np.triu(rng.random((n, n)) < density, 1))
            graphs.append(as_graph(shuffled[pairs], n=n, directed=True))
    return sorted(graphs, key=lambda graph: (graph.n, graph.m))


def _counted_dags(rng: Generator) -> Iterator[tuple[Any, ...]]:
    for graph in _random_dags(rng):
        yield graph.indptr, Counted(graph.indices), graph.n


def generations(indptr: NDArray[np.int64], indices: NDArray[np.int32], n: int) -> list[list[int]]:
    waits_for = np.bincount(indices, minlength=n)
    ready = [v for v in range(n) if waits_for[v] == 0]
    found = []
    while ready:
        found.append(ready)
        following = []
        for u in ready:
            for v in indices[indptr[u] : indptr[u + 1]]:
                waits_for[v] -= 1
                if waits_for[v] == 0:
                    following.append(int(v))
        ready = following
    return found


def _edges(indptr: Any, indices: Counted, n: int) -> list[tuple[int, int]]:
    return [(u, int(v)) for u in range(n) for v in indices.uncounted[indptr[u] : indptr[u + 1]]]


def _level(found: Any) -> dict[int, int]:
    return {int(v): k for k, ready in enumerate(found) for v in ready}


def _each_node_once(found: Any, indptr: Any, indices: Counted, n: int) -> bool:
    return sorted(int(v) for ready in found for v in ready) == list(range(n))


def _edges_lead_on(found: Any, indptr: Any, indices: Counted, n: int) -> bool:
    level = _level(found)
    return all(level[u] < level[v] for u, v in _edges(indptr, indices, n))


def _none_waits_longer(found: Any, indptr: Any, indices: Counted, n: int) -> bool:
    level = _level(found)
    earliest = dict.fromkeys(range(n), 0)
    for u, v in sorted(_edges(indptr, indices, n), key=lambda edge: level[edge[0]]):
        earliest[v] = max(earliest[v], level[u] + 1)
    return level == earliest and all(len(ready) for ready in found)


def _waves(indptr: Any, indices: Any, n: int, *, ready: list[int], waits_for: Any) -> list[list[int]]:
    """Kahn's waves from a given start; the wrong answers below differ in the start, the counts, or the wave."""
    found = []
    while ready:
        found.append(ready)
        following = []
        for u in ready:
            for v in indices[indptr[u] : indptr[u + 1]]:
                waits_for[v] -= 1
                if waits_for[v] == 0:
                    following.append(int(v))
        ready = following
    return found


def _from_the_ends(indptr: Any, indices: Any, n: int) -> Any:
    """The dialogue's bug: the queue begins with nodes that have no successors."""
    ends = [v for v in range(n) if indptr[v] == indptr[v + 1]]
    return _waves(indptr, indices, n, ready=ends, waits_for=np.bincount(indices, minlength=n))


def _only_the_first(indptr: Any, indices: Any, n: int) -> Any:
    waits_for = np.bincount(indices, minlength=n)
    return _waves(indptr, indices, n, ready=[int(np.argmin(waits_for))], waits_for=waits_for)


def _at_first_sight(indptr: Any, indices: Any, n: int) -> Any:
    """Breadth first: the generation of the first edge that reaches a node, not of the last."""
    waits_for = np.bincount(indices, minlength=n)
    ready, seen, found = [v for v in range(n) if waits_for[v] == 0], set[int](), []
    while ready:
        found.append(ready)
        seen.update(ready)
        rows = [indices[indptr[u] : indptr[u + 1]] for u in ready]
        ready = sorted({int(v) for row in rows for v in row} - seen)
    return found


def _once_for_each_edge(indptr: Any, indices: Any, n: int) -> Any:
    waits_for = np.bincount(indices, minlength=n)
    ready, found = [v for v in range(n) if waits_for[v] == 0], []
    while ready:
        found.append(ready)
        ready = [int(v) for u in ready for v in indices[indptr[u] : indptr[u + 1]]]
    return found


def _in_one_wave(indptr: Any, indices: Any, n: int) -> Any:
    """What becomes ready joins the wave that is being walked."""
    waits_for = np.bincount(indices, minlength=n)
    ready = [v for v in range(n) if waits_for[v] == 0]
    for u in ready:
        for v in indices[indptr[u] : indptr[u + 1]]:
            waits_for[v] -= 1
            if waits_for[v] == 0:
                ready.append(int(v))
    return [ready]


def _one_at_a_time(indptr: Any, indices: Any, n: int) -> Any:
    """An order, each node in a generation of its own."""
    return [[v] for wave in generations(indptr, indices, n) for v in wave]


def _as_late_as_possible(indptr: Any, indices: Any, n: int) -> Any:
    """Levels counted from the end, turned round."""
    sources = np.repeat(np.arange(n), np.diff(indptr))
    left = np.diff(indptr).tolist()
    into: list[list[int]] = [[] for _ in range(n)]
    for source, target in zip(sources, indices, strict=True):
        into[target].append(int(source))
    ready, found = [v for v in range(n) if left[v] == 0], []
    while ready:
        found.append(ready)
        following = []
        for v in ready:
            for u in into[v]:
                left[u] -= 1
                if left[u] == 0:
                    following.append(u)
        ready = following
    return found[::-1]


def _scan_for_each_wave(indptr: Any, indices: Any, n: int) -> Any:
    """Right, but all edges are walked once for each generation."""
    left, found = set(range(n)), []
    while left:
        blocked = {int(v) for u in left for v in indices[indptr[u] : indptr[u + 1]]}
        found.append(sorted(left - blocked))
        left &= blocked
    return found


def _last_wave_forgotten(indptr: Any, indices: Any, n: int) -> Any:
    return generations(indptr, indices, n)[:-1]


def _draw_dag(indptr: NDArray[Any], indices: Counted, n: int) -> tuple[Any, str]:
    from lessons.show.topological_sort import draw_generations

    return draw_generations(Graph(indptr, indices.uncounted, directed=True))


GENERATIONS = Exercise(
    id="topological_sort-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=10,
    cases=_counted_dags,
    properties=(
        Property(
            says="each of the n nodes stands in one generation, once",
            holds=_each_node_once,
            hints=(
                "Nodes without edges are in the first generation: they wait for nothing.",
                "Look at who is in your first generation, and at when a node is added to the next one.",
                "Begin with every node that no edge enters; add a node when its count *reaches* zero, not before.",
            ),
        ),
        Property(
            says="every edge leads to a later generation",
            holds=_edges_lead_on,
            hints=(
                "A node waits for all of its predecessors: the last of them decides, not the first.",
                "Look at a node with two edges into it, and at where you put what becomes ready.",
                "Count down at each edge; whoever reaches zero goes on a list for the *next* round.",
            ),
        ),
        Property(
            says="no node waits longer than it must: it stands right after the last of its predecessors",
            holds=_none_waits_longer,
            hints=(
                "All nodes that are ready at the same time form one generation.",
                "Look for a generation in which nobody waited for the one before, or for an empty one.",
                "Take all ready nodes at once, cross out all of their edges, then take all that are ready now.",
            ),
        ),
        Property(
            says="no entry of indices is read more than twice, so that the cost is O(n + m)",
            holds=lambda found, indptr, indices, n: indices.reads.max(initial=0) <= 2,
            hints=(
                "One walk over the edges is enough to count, and one more to cross them out.",
                "Look for a loop over generations that goes through the edges of nodes that are not ready yet.",
                "Keep for each node how many edges still enter it; np.bincount counts them all in one walk.",
            ),
        ),
    ),
    reference=generations,
    wrong=(
        _from_the_ends,
        _only_the_first,
        _at_first_sight,
        _once_for_each_edge,
        _in_one_wave,
        _one_at_a_time,
        _as_late_as_possible,
        _scan_for_each_wave,
        _last_wave_forgotten,
    ),
    why=(
        "It is Kahn's sort, with two lists instead of a queue: what is ready now, and what becomes ready by it. "
        "Each edge is read once to be counted and once to be crossed out. A node moves to the next list when its "
        "last predecessor is done, so its generation is the number of edges on a longest path to it."
    ),
    draw=_draw_dag,
    after="Needed again: 03 runs a whole generation of neurons at once, 12 measures depth by them.",
)

# -------------------------------------------------------------------------------- 3: spot the bug


def first_sight(graph: Graph) -> list[Any]:
    """A node follows as soon as an edge reaches it, though other edges that enter it may still be open."""
    order = [v for v in graph.nodes if not graph.predecessors(v)]
    for u in order:  # which grows while we walk it
        order += [v for v in graph.neighbors(u) if v not in order]
    return order


def _pairs(edges: Any) -> set[tuple[int, int]]:
    return {(int(u), int(v)) for u, v in edges}


def _on_four_nodes(edges: Any) -> bool:
    pairs = [(u, v) for u, v in edges]
    return all(end in (0, 1, 2, 3) for pair in pairs for end in pair)


def _has_an_order(edges: Any) -> bool:
    rest = _pairs(edges)
    for _ in range(4):  # take out what no edge enters
        rest = {(u, v) for u, v in rest if u in {end for _, end in rest}}
    return not rest


def _shows_first_sight(edges: Any) -> bool:
    pairs = _pairs(edges)
    return not _points_forward(first_sight(as_graph(sorted(pairs), n=4, directed=True)), pairs)


FIRST_SIGHT = Exercise(
    id="topological_sort-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=2,
    minutes=5,
    cases=once,
    properties=(
        Property(
            says="the answer is a list of edges (u, v) between the nodes 0, 1, 2 and 3",
            holds=_on_four_nodes,
            hints=(
                "An edge list is a list of pairs, also where it holds one edge only.",
                "Look at the labels: four nodes are 0, 1, 2 and 3.",
                "It looks like [(t, u), (v, w)], with t, u, v and w among 0, 1, 2, 3.",
            ),
        ),
        Property(
            says="your graph has no cycle, so that there is a right order",
            holds=_has_an_order,
            hints=(
                "On a graph with a cycle every answer is wrong: that shows nothing about this function.",
                "Follow your edges: is there a way back to where you began? (u, u) is one too.",
                "Write the nodes in a line and let every edge lead from left to right.",
            ),
        ),
        Property(
            says="first_sight gives an order in which some edge points backward",
            holds=_shows_first_sight,
            hints=(
                "first_sight looks at one edge into a node. It is right where one edge is all there is.",
                "You need a node with two edges into it, of which one comes from far behind: a shortcut. Run "
                "first_sight on your graph, and see in which order the two nodes before it come.",
                "Let 0 point to two nodes, and let the larger of these point to the smaller.",
            ),
        ),
    ),
    reference=[(0, 1), (0, 2), (2, 1)],
    wrong=(
        [],
        [(0, 1), (1, 2), (2, 3)],  # a chain
        [(0, 1), (0, 2), (1, 3), (2, 3)],  # a diamond: both ways are of one length
        [(0, 1), (1, 2), (0, 2)],  # a shortcut, but the rows are on its side
        [(0, 1), (0, 2), (0, 3)],  # a star
        [(0, 1), (1, 2), (2, 0)],  # a cycle
        [(0, 0)],
        [(0, 1), (1, 2), (2, 4), (1, 4)],  # five nodes
        (0, 1),  # an edge, not a list of edges
    ),
    why=(
        "From 0 both 1 and 2 come into sight at once, and the smaller row is noted first. But 1 also waits for 2, "
        "which first_sight never asks: the edge 2 -> 1 points backward. On chains, on diamonds and on trees that "
        "branch away from a root, the graphs one tries first, it is right. Kahn's count is what is missing: a "
        "node is noted when its *last* edge is crossed out."
    ),
    after="Needed again: 03 adds gradients in such an order; a node that is taken too early gets only a part.",
)

# -------------------------------------------------------------------------------- 4: the peak of an order

Reads = dict[str, list[str]]


def _memory_cases(rng: Generator) -> Iterator[tuple[Any, ...]]:
    """Chains of 1 to 6 nodes, then graphs of 2 to 9 nodes, three a size; some read a result twice."""
    for n in range(1, 7):
        names = [chr(97 + k) for k in range(n)]
        yield names, {v: names[k - 1 : k] if k else [] for k, v in enumerate(names)}, _sizes(names, rng)
    for n in range(2, 10):
        for density in (0.3, 0.45, 0.7):
            names = [chr(97 + k) for k in range(n)]
            met = rng.random((n, n)) < density
            reads = {v: [u for j, u in enumerate(names[:k]) if met[j, k]] for k, v in enumerate(names)}
            middle = names[n // 2]
            reads[middle] = reads[middle][:1] + reads[middle]  # as Add(x, x) reads
            yield names, reads, _sizes(names, rng)


def _sizes(names: list[str], rng: Generator) -> dict[str, int]:
    return {v: int(size) for v, size in zip(names, rng.integers(1, 10, len(names)), strict=True)}


def peak(order: list[str], reads: Reads, size: dict[str, int]) -> int:
    last_reader = {u: v for v in order for u in reads[v]}
    alive = highest = 0
    for v in order:
        alive += size[v]
        highest = max(highest, alive)
        alive -= sum(size[u] for u in set(reads[v]) if last_reader[u] == v)
    return highest


def _peak_by_definition(order: list[str], reads: Reads, size: dict[str, int]) -> int:
    """At each step, the results so far that somebody reads now or later, that is new, or that nobody reads."""

    def alive(step: int) -> int:
        later = {u for v in order[step:] for u in reads[v]}
        read = {u for v in order for u in reads[v]}
        return sum(size[u] for u in order[: step + 1] if u in later or u == order[step] or u not in read)

    return max(alive(step) for step in range(len(order)))


def _is_chain(order: list[str], reads: Reads) -> bool:
    return all(reads[v] == [u] for u, v in pairwise(order)) and not reads[order[0]]


def _last_readers(order: Any, reads: Any) -> dict[str, str]:
    return {u: v for v in order for u in reads[v]}


def _never_frees(order: Any, reads: Any, size: Any) -> Any:
    return sum(size.values())


def _largest_result(order: Any, reads: Any, size: Any) -> Any:
    return max(size.values())


def _frees_first(order: Any, reads: Any, size: Any) -> Any:
    last, alive, highest = _last_readers(order, reads), 0, 0
    for v in order:
        alive -= sum(size[u] for u in set(reads[v]) if last[u] == v)
        alive += size[v]
        highest = max(highest, alive)
    return highest


def _frees_at_first_reader(order: Any, reads: Any, size: Any) -> Any:
    alive: set[str] = set()
    highest = 0
    for v in order:
        alive.add(v)
        highest = max(highest, sum(size[u] for u in alive | set(reads[v])))
        alive -= set(reads[v])
    return highest


def _frees_twice(order: Any, reads: Any, size: Any) -> Any:
    """Whoever reads a result at two ports frees it twice."""
    last, alive, highest = _last_readers(order, reads), 0, 0
    for v in order:
        alive += size[v]
        highest = max(highest, alive)
        alive -= sum(size[u] for u in reads[v] if last[u] == v)
    return highest


def _forgets_outputs(order: Any, reads: Any, size: Any) -> Any:
    """What nobody reads is gone at once, though it is what the network was run for."""
    last, alive, highest = _last_readers(order, reads), 0, 0
    for v in order:
        alive += size[v]
        highest = max(highest, alive)
        alive -= sum(size[u] for u in set(reads[v]) if last[u] == v) + (0 if v in last else size[v])
    return highest


def _what_is_left(order: Any, reads: Any, size: Any) -> Any:
    last, alive = _last_readers(order, reads), 0
    for v in order:
        alive += size[v] - sum(size[u] for u in set(reads[v]) if last[u] == v)
    return alive


def _only_its_own(order: Any, reads: Any, size: Any) -> Any:
    """What a node reads and writes, without what waits for others."""
    return max(size[v] + sum(size[u] for u in set(reads[v])) for v in order)


def _counts_each_reader(order: Any, reads: Any, size: Any) -> Any:
    """A result counted once for each port that reads it."""
    ports = {u: sum(inputs.count(u) for inputs in reads.values()) for u in order}
    alive = highest = 0
    for v in order:
        alive += size[v] * max(1, ports[v])
        highest = max(highest, alive)
        alive -= sum(size[u] for u in reads[v])
    return highest


def _how_many(order: Any, reads: Any, size: Any) -> Any:
    return peak(order, reads, dict.fromkeys(order, 1))


def _at_each_step(order: Any, reads: Any, size: Any) -> Any:
    return [peak(order[: k + 1], reads, size) for k in range(len(order))]


def _draw_peak(order: list[str], reads: Reads, size: Any) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(u, v) for v in order for u in dict.fromkeys(reads[v])]
    return draw_graph(as_graph(edges, nodes=order, directed=True), values=size)


PEAK = Exercise(
    id="topological_sort-4",
    level="stretch",
    form="implement",
    difficulty=3,
    importance=3,
    minutes=9,
    cases=_memory_cases,
    properties=(
        Property(
            says="the answer is one number, not below the size of any result",
            holds=lambda found, order, reads, size: np.shape(found) == () and found >= max(size.values()),
            hints=(
                "The peak is the most that is alive at any step, so at least the largest result.",
                "Look at what you return: the highest of all steps, in units of size, or what is left at the end?",
                "Keep two numbers: alive, that rises and falls, and the highest alive so far.",
            ),
        ),
        Property(
            says="in a chain each node needs its input and its output at once",
            holds=lambda found, order, reads, size: (
                not _is_chain(order, reads) or found == _peak_by_definition(order, reads, size)
            ),
            hints=(
                "While a node runs, what it reads and what it writes are both there; what was before is gone.",
                "Look at the order of three things in a step: the result comes, the peak is noted, inputs go.",
                "In a chain a, b, c the peak is the larger of size a + size b and size b + size c.",
            ),
        ),
        Property(
            says="nothing is forgotten: a result stays until its last reader has run; to the end if none does",
            holds=lambda found, order, reads, size: found >= _peak_by_definition(order, reads, size),
            hints=(
                "Your peak is too low: something was freed too early, or does not count while others run.",
                "Look at results with two readers, and at those with none: these are what the network is run for.",
                "Find the last reader of each result first, in one walk along the order.",
            ),
        ),
        Property(
            says="nothing is kept in vain: a result counts once, and is gone after its last reader",
            holds=lambda found, order, reads, size: found <= _peak_by_definition(order, reads, size),
            hints=(
                "Your peak is too high: something is counted twice, or stays longer than it must.",
                "Look at results with several readers, and at a node that reads one result twice.",
                "set(reads[v]) names each result once; it is freed at v if v is its last reader.",
            ),
        ),
    ),
    reference=peak,
    wrong=(
        _never_frees,
        _largest_result,
        _frees_first,
        _frees_at_first_reader,
        _frees_twice,
        _forgets_outputs,
        _what_is_left,
        _only_its_own,
        _counts_each_reader,
        _how_many,
        _at_each_step,
    ),
    why=(
        "In one walk along the order, each node notes itself as the reader of what it reads, over whoever read it "
        "before: the last one stays. Then every step adds a result, notes the height, and takes away what this "
        "node was the last to read; once, even if it reads it at two ports. What nobody reads has no last reader, "
        "and stays: it is an output. O(n + m)."
    ),
    draw=_draw_peak,
    after="Needed again: 03 trades this memory for recomputation, 05 splits it over devices.",
)

EXERCISES = (BY_HAND, GENERATIONS, FIRST_SIGHT, PEAK)
