"""The exercises of notebook 05: what a partition is, a gain, a pass that miscounts, a contraction, a trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, product
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Exercise, Property, once
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator

Groups = list[list[int]]
Neighbours = list[dict[int, float]]  # for each node {neighbour: weight of the edge}
Edges = list[tuple[int, int, float]]

WEIGHTS = (0.5, 1.0, 2.0, 3.0)  # sums of them are exact


def _is_number(found: Any) -> bool:
    """Whether an answer is one finite real number, a fraction or NumPy's among them."""
    array = np.asarray(found)
    real = array.dtype.kind in "fiu" or (isinstance(found, Real) and not isinstance(found, bool))
    return array.shape == () and real and bool(np.isfinite(float(found)))


def _weighted(rng: Generator, n: int, weights: Sequence[float], density: float = 0.5) -> Edges:
    """Random edges between n nodes, either end first; nodes may be left without any."""
    pairs = [(u, v) for u, v in combinations(range(n), 2) if rng.random() < density]
    turned = [(v, u) if rng.random() < 0.3 else (u, v) for u, v in pairs]
    return [(u, v, rng.choice(weights).item()) for u, v in turned]


def _looped(rng: Generator, n: int) -> Edges:
    return [(u, u, rng.choice(WEIGHTS).item()) for u in range(n) if rng.random() < 0.4]


def _neighbours(n: int, edges: Edges) -> Neighbours:
    found: Neighbours = [{} for _ in range(n)]
    for u, v, w in edges:
        found[u][v] = found[v][u] = w
    return found


def _graph(neighbours: Neighbours) -> Graph:
    edges = [(u, v, w) for u, around in enumerate(neighbours) for v, w in around.items() if u <= v]
    return as_graph(edges, n=len(neighbours))


def _cut(neighbours: Any, parts: Any) -> float:
    """The weight of the edges between parts; each edge is there from both of its ends."""
    ends = ((u, v, w) for u, around in enumerate(neighbours) for v, w in around.items())
    return sum(w for u, v, w in ends if parts[u] != parts[v]) / 2


# -------------------------------------------------------------------------------- 1: what a partition is


def _group_cases(rng: Generator) -> Iterator[tuple[Groups, int]]:
    """One node to six: good groups in any order; then spoilt ones, in one way or in two that hide each other."""
    for n in range(1, 7):
        for k in sorted({1, (n + 1) // 2, n}):
            good = _random_groups(rng, n, k)
            yield good, n
            for spoilt in _spoilt(rng, good, n):
                yield spoilt, n


def _random_groups(rng: Generator, n: int, k: int) -> Groups:
    nodes: list[int] = rng.permutation(n).tolist()
    ends = [0, *sorted((rng.permutation(n - 1)[: k - 1] + 1).tolist()), n]
    return [nodes[start:end] for start, end in pairwise(ends)]


def _spoilt(rng: Generator, good: Groups, n: int) -> Iterator[Groups]:
    places = [(i, j) for i, group in enumerate(good) for j in range(len(group))]
    i, j = places[rng.integers(len(places))]
    node = good[i][j]
    yield [group + [node] * (g == i) for g, group in enumerate(good)]
    if len(good) > 1:
        yield [group + [node] * (g == (i + 1) % len(good)) for g, group in enumerate(good)]
        yield [group + [good[0][0]] * (g == len(good) - 1) for g, group in enumerate(good)]
    yield [rest for rest in ([v for v in group if v != node] for group in good) if rest]
    yield [*good, []]
    yield [*good, [n]]
    yield _replaced(good, {n - 1: -1})
    yield _replaced(good, {node: n})
    yield _replaced(good, {node: (node + 1) % n})
    yield _replaced(good, {0: 1, 2: 1} if n > 2 else {0: n})  # as many as before, and the same sum


def _replaced(groups: Groups, by: dict[int, int]) -> Groups:
    return [[by.get(v, v) for v in group] for group in groups]


def is_partition(groups: Groups, n: int) -> bool:
    nodes = [node for group in groups for node in group]
    return all(groups) and sorted(nodes) == list(range(n))


def _faults(groups: Any, n: int) -> set[str]:
    """What the checker compares with: the faults by name, node by node."""
    among = {v: [group.count(v) for group in groups if v in group] for v in range(n)}
    faults = {
        "two groups": any(len(counts) > 1 for counts in among.values()),
        "one group twice": any(max(counts, default=0) > 1 for counts in among.values()),
        "missing": not all(among.values()),
        "outside": any(v not in among for group in groups for v in group),
        "empty": [] in groups,
    }
    return {name for name, here in faults.items() if here}


def _refuses(found: Any, groups: Any, n: int, *faults: str) -> bool:
    """Whether groups that have one of these faults, and no other, are refused."""
    here = _faults(groups, n)
    return not (here and here <= set(faults) and found)


def _everything(groups: Any, n: Any) -> Any:
    return True


def _nothing(groups: Any, n: Any) -> Any:
    return False


def _in_order(groups: Any, n: Any) -> Any:
    """Refuses what is right, but for groups that follow each other."""
    return all(groups) and [v for group in groups for v in group] == list(range(n))


def _balanced(groups: Any, n: Any) -> Any:
    """Balance is another question."""
    return is_partition(groups, n) and max(map(len, groups)) - min(map(len, groups)) <= 1


def _all_are_there(groups: Any, n: Any) -> Any:
    """At least one part instead of exactly one."""
    return all(groups) and {v for group in groups for v in group} == set(range(n))


def _disjoint(groups: Any, n: Any) -> Any:
    """At most one part instead of exactly one."""
    nodes = [v for group in groups for v in group]
    return all(groups) and len(nodes) == len(set(nodes)) and set(nodes) <= set(range(n))


def _next_ones_disjoint(groups: Any, n: Any) -> Any:
    """Each group is compared with the next only."""
    apart = all(not set(a) & set(b) for a, b in pairwise(groups))
    once_each = all(len(group) == len(set(group)) for group in groups)
    return apart and once_each and _all_are_there(groups, n)


def _sets_of_groups(groups: Any, n: Any) -> Any:
    """set(group) loses what is twice in one group."""
    return is_partition([sorted(set(group)) for group in groups], n)


def _as_many(groups: Any, n: Any) -> Any:
    return all(groups) and sum(map(len, groups)) == n


def _as_many_and_the_sum(groups: Any, n: Any) -> Any:
    nodes = [v for group in groups for v in group]
    return all(groups) and len(nodes) == n and sum(nodes) == sum(range(n))


def _as_many_and_the_ends(groups: Any, n: Any) -> Any:
    nodes = [v for group in groups for v in group]
    return all(groups) and len(nodes) == n and min(nodes) == 0 and max(nodes) == n - 1


def _others_too(groups: Any, n: Any) -> Any:
    """Each node is looked for; what else is there is not looked at."""
    return all(groups) and all(sum(group.count(v) for group in groups) == 1 for v in range(n))


def _counted_by_index(groups: Any, n: Any) -> Any:
    """count[-1] is the last node's."""
    count = [0] * n
    for group in groups:
        for v in group:
            if v >= n:
                return False
            count[v] += 1
    return all(groups) and count == [1] * n


def _empty_allowed(groups: Any, n: Any) -> Any:
    return sorted(v for group in groups for v in group) == list(range(n))


def _one_full_is_enough(groups: Any, n: Any) -> Any:
    return any(groups) and _empty_allowed(groups, n)


def _last_group_decides(groups: Any, n: Any) -> Any:
    """The verdict is overwritten in each round."""
    verdict = False
    for group in groups:
        verdict = bool(group) and all(sum(other.count(v) for other in groups) == 1 for v in group)
    return verdict and sum(map(len, groups)) == n


def _names_the_bad(groups: Any, n: Any) -> Any:
    nodes = [v for group in groups for v in group]
    return [v for v in range(n) if nodes.count(v) != 1]


def _sorts_in_place(groups: Any, n: Any) -> Any:
    for group in groups:
        group.sort()
    return is_partition(groups, n)


PARTITION = Exercise(
    id="graph_partitioning-1",
    level="warm-up",
    form="property",
    difficulty=2,
    importance=3,
    minutes=5,
    cases=_group_cases,
    properties=(
        Property(
            says="the answer is True or False",
            holds=lambda found, groups, n: isinstance(found, bool | np.bool_),
            hints=(
                "A property says of each groups whether it holds: yes or no, not which nodes are to blame.",
                "Look at what you return, on every way through the function: a list, a number, a yield?",
                "A comparison, as in `a == b`, is True or False already; `bool(...)` makes anything so.",
            ),
        ),
        Property(
            says="groups that are right are let through, in whatever order and however unequal",
            holds=lambda found, groups, n: found or bool(_faults(groups, n)),
            hints=(
                "The order of the nodes, the order of the groups and their sizes are free.",
                "Look at whether you compare in order, ask for equal sizes, or stop at a group of one node.",
                "What is to be compared with 0 ... n - 1 has no order of its own: sort it, or count.",
            ),
        ),
        Property(
            says="a node in two groups is refused: exactly one means not two",
            holds=lambda found, groups, n: _refuses(found, groups, n, "two groups"),
            hints=(
                "Your property lets this through. Which node has two parts here?",
                "Look for a set: whatever is put into it twice is in it once. And for groups that are compared "
                "with the next one only.",
                "Put the nodes of all groups into one *list*, and compare how many times each is in it with 1.",
            ),
        ),
        Property(
            says="a node that stands twice in one group is refused",
            holds=lambda found, groups, n: _refuses(found, groups, n, "two groups", "one group twice"),
            hints=(
                "Your property lets this through. It is one group, but the node's weight would count twice.",
                "Look for a set made of one group: it forgets how many times a node was there.",
                "Count entries, not groups: in all lists together each node is there once.",
            ),
        ),
        Property(
            says="a node without a part is refused, also where another is there too often",
            holds=lambda found, groups, n: _refuses(found, groups, n, "two groups", "one group twice", "missing"),
            hints=(
                "Your property lets this through. Which of the nodes 0 ... n - 1 is nowhere?",
                "Look at what you count: as many entries as nodes, the right sum, the right largest, or no node "
                "twice, are all true of groups that lack a node.",
                "Every single node of range(n) has to be asked for.",
            ),
        ),
        Property(
            says="what is no node is refused: -1, or n and more",
            holds=lambda found, groups, n: _refuses(
                found, groups, n, "two groups", "one group twice", "missing", "outside"
            ),
            hints=(
                "Your property lets this through. Which of these numbers is none of 0 ... n - 1?",
                "Look at -1: in a Python list, count[-1] is the place of the last node. And do you look at all "
                "entries, or only for the nodes that you expect?",
                "Ask of every entry v whether 0 <= v < n, or compare all entries, sorted, with all nodes.",
            ),
        ),
        Property(
            says="an empty group is refused",
            holds=lambda found, groups, n: not (_faults(groups, n) and found),
            hints=(
                "Your property lets this through: one of the k parts has nothing in it.",
                "Look at what your loops do in a group without nodes: nothing at all, so they find no fault.",
                "An empty list is false: ask for `len(group) > 0` in each of them, not in one.",
            ),
        ),
    ),
    reference=is_partition,
    wrong=(
        _names_the_bad,
        _sorts_in_place,
        _everything,
        _nothing,
        _in_order,
        _balanced,
        _all_are_there,
        _disjoint,
        _next_ones_disjoint,
        _sets_of_groups,
        _as_many,
        _as_many_and_the_sum,
        _as_many_and_the_ends,
        _others_too,
        _counted_by_index,
        _empty_allowed,
        _one_full_is_enough,
        _last_group_decides,
    ),
    why=(
        '"Exactly one" is two demands, at least one and at most one, and a set sees only the first. All entries '
        "in one list, sorted, are 0, 1 ... n - 1 if and only if every node is there once and nothing else is: one "
        "comparison for twice, missing and outside. Groups without nodes leave no trace in that list, so they are "
        "asked for apart. An array with the part of each node, as the page uses, cannot break most of this: one "
        "entry a node is the property, held by the data itself."
    ),
    after="Needed again: whatever cuts a graph, this is the first thing to ask of its answer.",
)

# -------------------------------------------------------------------------------- 2: gain of a move


def _move_cases(rng: Generator) -> Iterator[tuple[Neighbours, list[int], int, int]]:
    """Two nodes to seven; two parts first, then up to four, then loops; node and target at random."""
    graphs: list[tuple[Neighbours, list[int]]] = [
        (_neighbours(2, edges), parts)
        for edges in ([], [(0, 1, 1.0)], [(0, 1, 3.0)], [(0, 1, 0.5), (0, 0, 2.0)])
        for parts in ([0, 1], [1, 0], [0, 0])
    ]
    for n in range(3, 8):
        for weights, loops in [((1,), False), (WEIGHTS, False), (WEIGHTS, False), (WEIGHTS, True)]:
            for k in (2, 3, 4):
                edges = _weighted(rng, n, weights, 0.6) + (_looped(rng, n) if loops else [])
                graphs.append((_neighbours(n, edges), rng.integers(0, k, n).tolist()))
    for neighbours, parts in sorted(graphs, key=_harder_last):
        node = int(rng.integers(len(parts)))
        for to in sorted({0, 1, max(parts)}):
            yield neighbours, parts, node, to


def _harder_last(graph: tuple[Neighbours, list[int]]) -> tuple[bool, bool, int]:
    """Whether there are loops, and third parts; then how many nodes."""
    neighbours, parts = graph
    return any(v in around for v, around in enumerate(neighbours)), max(parts) > 1, len(parts)


def gain(neighbours: Neighbours, parts: list[int], node: int, to: int) -> float:
    others = [(parts[u], w) for u, w in neighbours[node].items() if u != node]
    no_longer_cut = sum(w for part, w in others if part == to)
    newly_cut = sum(w for part, w in others if part == parts[node])
    return no_longer_cut - newly_cut


def _moved(parts: Any, node: Any, to: Any) -> list[int]:
    return [to if v == node else part for v, part in enumerate(parts)]


def _is_gain(found: Any, neighbours: Any, parts: Any, node: Any, to: Any) -> bool:
    """What the checker compares with: the whole cut, before and after."""
    fall = _cut(neighbours, parts) - _cut(neighbours, _moved(parts, node, to))
    return abs(float(found) - fall) < 1e-6


def _around(neighbours: Any, parts: Any, node: Any) -> set[int]:
    """The parts of a node's neighbours."""
    return {parts[u] for u in neighbours[node]}


def _plain(neighbours: Any, node: Any) -> bool:
    """Whether all edges of a node weigh 1, and none is a loop."""
    return set(neighbours[node].values()) <= {1.0} and node not in neighbours[node]


def _of_all_edges(neighbours: Any, node: Any, worth: Any) -> Any:
    return sum(worth(u, w) for u, w in neighbours[node].items() if u != node)


def _turned_sign(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return -gain(neighbours, parts, node, to)


def _new_cut(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return _cut(neighbours, _moved(parts, node, to))


def _old_cut_of_the_node(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return _of_all_edges(neighbours, node, lambda u, w: w * (parts[u] != parts[node]))


def _only_what_is_won(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return _of_all_edges(neighbours, node, lambda u, w: w * (parts[u] == to != parts[node]))


def _never_below_zero(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return max(0, gain(neighbours, parts, node, to))


def _edges_counted(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return gain([dict.fromkeys(around, 1) for around in neighbours], parts, node, to)


def _whole_weights(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return int(gain(neighbours, parts, node, to))


def _both_ends(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    """Each edge is in two dictionaries."""
    return 2 * gain(neighbours, parts, node, to)


def _outside_less_inside(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    """Right for two parts: edges to third parts stay cut."""
    if to == parts[node]:
        return 0
    return _of_all_edges(neighbours, node, lambda u, w: w if parts[u] != parts[node] else -w)


def _all_others_lost(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    if to == parts[node]:
        return 0
    return _of_all_edges(neighbours, node, lambda u, w: w if parts[u] == to else -w)


def _of_the_other_part(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    """`to` is not looked at: 1 becomes 0, and everything else 1."""
    return gain(neighbours, parts, node, int(parts[node] == 0)) if to != parts[node] else 0


def _own_part_won(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    """`if ... elif`: where both parts are one, only the first counts."""
    return _of_all_edges(
        neighbours, node, lambda u, w: w if parts[u] == to else -w if parts[u] == parts[node] else 0
    )


def _own_part_lost(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return _of_all_edges(
        neighbours, node, lambda u, w: -w if parts[u] == parts[node] else w if parts[u] == to else 0
    )


def _loop_lost(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    around = neighbours[node].items()
    return sum(w * ((parts[u] == to) - (parts[u] == parts[node])) for u, w in around)


def _loop_won(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    moves = neighbours[node].get(node, 0) * (to != parts[node])
    return gain(neighbours, parts, node, to) + moves


def _only_if_it_gains(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return gain(neighbours, parts, node, to) > 0


def _moves_it(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    """The arguments are the caller's."""
    before = _cut(neighbours, parts)
    parts[node] = to
    return before - _cut(neighbours, parts)


def _the_parts_after(neighbours: Any, parts: Any, node: Any, to: Any) -> Any:
    return _moved(parts, node, to)


def _draw_move(neighbours: Neighbours, parts: list[int], node: int, to: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    told: dict[Any, str] = {v: f"part {part}" for v, part in enumerate(parts)}
    return draw_graph(_graph(neighbours), values=told, marked=[node], title=f"node {node} moves to part {to}")


GAIN = Exercise(
    id="graph_partitioning-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=6,
    cases=_move_cases,
    properties=(
        Property(
            says="the answer is one number",
            holds=lambda found, *given: _is_number(found),
            hints=(
                "A gain says how much: a number, not a yes or no, and not the parts after the move.",
                "Look at what you return, and whether it is one number or one for each edge.",
                "Add up something for each edge of the node, and return the sum.",
            ),
        ),
        Property(
            says="a move to the part where the node is already changes nothing",
            holds=lambda found, neighbours, parts, node, to: parts[node] != to or abs(float(found)) < 1e-6,
            hints=(
                "No edge is cut that was not, and none is whole that was cut: what is the difference?",
                "Look at an edge to a neighbour in the own part when `to` is that part: it is counted for one "
                "of two reasons, and both are true of it.",
                "Either ask first whether to is parts[node], or let the two reasons cancel: no `elif` between.",
            ),
        ),
        Property(
            says="an edge to the new part was cut and is no longer: that much the cut falls",
            holds=lambda found, neighbours, parts, node, to: (
                not _plain(neighbours, node)
                or not _around(neighbours, parts, node) <= {to}
                or _is_gain(found, neighbours, parts, node, to)
            ),
            hints=(
                "The gain is the cut before, less the cut after: positive where the move is a good one.",
                "Look at the sign, and at how many times you meet an edge that is in two dictionaries.",
                "Each edge of the node whose other end is in part `to` adds 1 here: once, and not below zero.",
            ),
        ),
        Property(
            says="an edge to the part that the node leaves was whole and is cut now: that much the cut rises",
            holds=lambda found, neighbours, parts, node, to: (
                not _plain(neighbours, node)
                or not _around(neighbours, parts, node) <= {to, parts[node]}
                or _is_gain(found, neighbours, parts, node, to)
            ),
            hints=(
                "A move may make the cut larger: then its gain is below zero.",
                "Look at the neighbours that stay behind: what becomes of the edges to them?",
                "What is won by edges to part `to`, less what is lost by edges to part parts[node].",
            ),
        ),
        Property(
            says="an edge counts as much as it weighs",
            holds=lambda found, neighbours, parts, node, to: (
                node in neighbours[node]
                or not _around(neighbours, parts, node) <= {to, parts[node]}
                or _is_gain(found, neighbours, parts, node, to)
            ),
            hints=(
                "The cut is a sum of weights, not a number of edges; so is the gain.",
                "Look at where you add 1, or make a whole number of what is none.",
                "`neighbours[node].items()` gives each neighbour together with the weight.",
            ),
        ),
        Property(
            says="an edge to a third part was cut and still is: it counts for nothing",
            holds=lambda found, neighbours, parts, node, to: (
                node in neighbours[node] or _is_gain(found, neighbours, parts, node, to)
            ),
            hints=(
                'With more than two parts, "not in mine" is not "in the new one".',
                "Look at the neighbours that are neither in the part the node leaves nor in the one it goes to; "
                "and is it `to` that you ask for?",
                "Three kinds of neighbours: part `to` adds, part parts[node] takes away, all others neither.",
            ),
        ),
        Property(
            says="an edge from a node to itself is never cut",
            holds=lambda found, *given: _is_gain(found, *given),
            hints=(
                "Both ends of a loop move together.",
                "Look at the node itself among its neighbours: in which part is it, before and after?",
                "Leave the neighbour out that is the node.",
            ),
        ),
    ),
    reference=gain,
    wrong=(
        _the_parts_after,
        _only_if_it_gains,
        _moves_it,
        _turned_sign,
        _new_cut,
        _old_cut_of_the_node,
        _only_what_is_won,
        _never_below_zero,
        _edges_counted,
        _whole_weights,
        _both_ends,
        _outside_less_inside,
        _all_others_lost,
        _of_the_other_part,
        _own_part_won,
        _own_part_lost,
        _loop_lost,
        _loop_won,
    ),
    why=(
        "Only edges of the node can change. To part `to`: cut before, whole after. To the part it leaves: whole "
        "before, cut after. To any third part: cut before and after. A loop goes with the node. So the gain is "
        "one sum less another, O(degree), where the whole cut costs O(m). Refinement lives on that difference."
    ),
    draw=_draw_move,
    after="Needed again: every refinement on this page asks for gains; the next exercise keeps them up to date.",
)

# -------------------------------------------------------------------------------- 3: a pass that miscounts


def _pass_cases(rng: Generator) -> Iterator[tuple[Neighbours, list[int], int]]:
    """Three nodes to eight: small starts that no pass betters; then any, among them where only a loss leads on.

    No two moves are ever equally good, so that every right pass makes the same ones.
    """
    starts = [_start(rng, n) for n in range(3, 9) for _ in range(5 * n)]
    stuck = [(neighbours, _downhill(neighbours, parts, most), most) for neighbours, parts, most in starts]
    starts = [start for start in starts if rng.random() < 0.5] + [start for start in stuck if mended(*start)[1]]
    starts.append(
        (_neighbours(3, [(0, 1, 1), (0, 2, 7), (1, 2, 7)]), [0, 1, 0], 2)
    )  # where the page's pass does harm
    yield from sorted((start for start in starts if not _has_ties(*start)), key=_stage)


def _start(rng: Generator, n: int) -> tuple[Neighbours, list[int], int]:
    parts: list[int] = (rng.permutation(n) % 2).tolist()
    most = min((n + 1) // 2 + int(rng.integers(2)), n - 1)
    return _neighbours(n, _weighted(rng, n, range(1, 10), 0.7)), parts, most


def _downhill(neighbours: Neighbours, parts: list[int], most: int) -> list[int]:
    """Parts that no single move betters, reached by moves that do."""
    while not _nothing_gains(neighbours, parts, most):
        gains = [
            g if parts.count(1 - p) < most else 0 for g, p in zip(_gains(neighbours, parts), parts, strict=True)
        ]
        best = int(np.argmax(gains))
        parts = _moved(parts, best, 1 - parts[best])
    return parts


def _stage(start: tuple[Neighbours, list[int], int]) -> tuple[bool, int]:
    """Whether there is something to be won, or a pass is long; then the number of nodes."""
    n = len(start[1])
    return n > 5 or mended(*start)[1] > 0, n


def _gains(neighbours: Any, parts: Any) -> list[float]:
    return [gain(neighbours, parts, v, 1 - parts[v]) for v in range(len(parts))]


def _has_ties(neighbours: Neighbours, parts: list[int], most: int) -> bool:
    """Whether a pass ever meets two best moves."""
    parts, free = list(parts), set(range(len(parts)))
    while allowed := [v for v in free if parts.count(1 - parts[v]) < most]:
        gains = _gains(neighbours, parts)
        best = max(gains[v] for v in allowed)
        (v, *others) = [v for v in allowed if gains[v] == best]
        if others:
            return True
        free.remove(v)
        parts[v] = 1 - parts[v]
    return False


def mended(neighbours: list[dict[int, Any]], parts: list[int], most: int) -> tuple[list[int], Any]:
    parts, free, moved = list(parts), list(range(len(parts))), []
    gains = [sum(w if parts[u] != parts[v] else -w for u, w in neighbours[v].items()) for v in free]
    total = best = kept = 0
    while allowed := [v for v in free if parts.count(1 - parts[v]) < most]:
        v = max(allowed, key=gains.__getitem__)
        free.remove(v)
        moved.append(v)
        parts[v] = 1 - parts[v]
        total += gains[v]
        for u, w in neighbours[v].items():
            gains[u] += 2 * w if parts[u] != parts[v] else -2 * w
        if total > best:
            best, kept = total, len(moved)
    for v in moved[kept:]:
        parts[v] = 1 - parts[v]
    return parts, best


def one_pass(neighbours: Any, parts: Any, most: Any) -> Any:
    """An edge that changes sides changes a gain by twice its weight, from + w to - w; here by once."""
    parts, free, moved = list(parts), list(range(len(parts))), []
    gains = [sum(w if parts[u] != parts[v] else -w for u, w in neighbours[v].items()) for v in free]
    total = best = kept = 0
    while allowed := [v for v in free if parts.count(1 - parts[v]) < most]:
        v = max(allowed, key=gains.__getitem__)
        free.remove(v)
        moved.append(v)
        parts[v] = 1 - parts[v]
        total += gains[v]
        for u, w in neighbours[v].items():
            gains[u] += w if parts[u] != parts[v] else -w
        if total > best:
            best, kept = total, len(moved)
    for v in moved[kept:]:
        parts[v] = 1 - parts[v]
    return parts, best


def _passed(
    neighbours: Any,
    parts: Any,
    most: Any,
    *,
    update: Any = lambda w, cut: 2 * w if cut else -2 * w,
    before_the_move: bool = False,
    recounted: bool = False,
    first_loss_ends: bool = False,
    locked: bool = True,
    kept_and: int = 0,
) -> Any:
    """A pass; the wrong answers differ in one of its steps."""
    start, parts, free, moved = list(parts), list(parts), list(range(len(parts))), []
    gains, total, best, kept = _gains(neighbours, parts), 0.0, 0.0, 0
    for _ in range(len(parts)):
        allowed = [v for v in free if parts.count(1 - parts[v]) < most]
        if not allowed or (first_loss_ends and max(gains[v] for v in allowed) <= 0):
            break
        v = max(allowed, key=gains.__getitem__)
        moved.append(v)
        if locked:
            free.remove(v)
        total += gains[v]
        old, new = parts[v], 1 - parts[v]
        parts[v] = new
        for u, w in neighbours[v].items():
            gains[u] += update(w, parts[u] != (old if before_the_move else new))
        if not locked:
            gains[v] = -gains[v]
        if recounted:
            total = _cut(neighbours, start) - _cut(neighbours, parts)
        if total > best:
            best, kept = total, len(moved)
    for v in moved[max(0, kept + kept_and) :]:
        parts[v] = 1 - parts[v]
    return parts, best


def _not_updated(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, update=lambda w, cut: 0)


def _updated_the_other_way(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, update=lambda w, cut: -2 * w if cut else 2 * w)


def _updated_before_the_move(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, before_the_move=True)


def _only_raised(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, update=lambda w, cut: 2 * w if cut else 0)


def _only_one_side_doubled(neighbours: Any, parts: Any, most: Any) -> Any:
    """`2 * w if ... else -w`."""
    return _passed(neighbours, parts, most, update=lambda w, cut: 2 * w if cut else -w)


def _without_weights(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, update=lambda w, cut: 2 if cut else -2)


def _count_mended_only(neighbours: Any, parts: Any, most: Any) -> Any:
    """What it reports is right; the moves are still chosen by gains that are off."""
    return _passed(neighbours, parts, most, update=lambda w, cut: w if cut else -w, recounted=True)


def _count_mended_at_the_end(neighbours: Any, parts: Any, most: Any) -> Any:
    found, _ = one_pass(neighbours, parts, most)
    return found, _cut(neighbours, parts) - _cut(neighbours, found)


def _never_back(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, kept_and=len(parts))


def _end_for_the_best(neighbours: Any, parts: Any, most: Any) -> Any:
    """All moves stay, and the fall is told as it is."""
    found, _ = _never_back(neighbours, parts, most)
    return found, _cut(neighbours, parts) - _cut(neighbours, found)


def _back_one_too_far(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, kept_and=-1)


def _back_one_too_little(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, kept_and=1)


def _no_move_at_a_loss(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, first_loss_ends=True)


def _not_locked(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, most, locked=False)


def _any_size(neighbours: Any, parts: Any, most: Any) -> Any:
    return _passed(neighbours, parts, len(parts))


def _one_more_than_most(neighbours: Any, parts: Any, most: Any) -> Any:
    """`<=` for `<`: the part is full already."""
    return _passed(neighbours, parts, most + 1)


def _stays(neighbours: Any, parts: Any, most: Any) -> Any:
    return parts, 0


def _parts_only(neighbours: Any, parts: Any, most: Any) -> Any:
    return mended(neighbours, parts, most)[0]


def _in_place(neighbours: Any, parts: Any, most: Any) -> Any:
    parts[:], best = mended(neighbours, parts, most)
    return parts, best


def _is_pass(found: Any, neighbours: Any) -> bool:
    parts, fall = found
    halves = np.shape(parts) == (len(neighbours),) and all(part in (0, 1) for part in parts)
    return isinstance(found, tuple | list) and halves and _is_number(fall)


def _fall(found: Any, neighbours: Any, parts: Any) -> float:
    return _cut(neighbours, parts) - _cut(neighbours, found[0])


def _fall_downhill(neighbours: Any, parts: Any, most: Any) -> float:
    return _fall((_downhill(neighbours, parts, most),), neighbours, parts)


def _as_good(found: Any, neighbours: Any, parts: Any, most: Any) -> bool:
    return _fall(found, neighbours, parts) >= mended(neighbours, parts, most)[1] - 1e-6


def _nothing_gains(neighbours: Any, parts: Any, most: Any) -> bool:
    """Whether no single move that is allowed makes the cut smaller."""
    gains = _gains(neighbours, parts)
    return all(g <= 0 or parts.count(1 - part) >= most for g, part in zip(gains, parts, strict=True))


def _draw_pass(neighbours: Neighbours, parts: list[int], most: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    told: dict[Any, str] = {v: f"part {part}" for v, part in enumerate(parts)}
    ones = [v for v, part in enumerate(parts) if part]
    title = f"before the pass: parts of at most {most}"
    return draw_graph(_graph(neighbours), values=told, marked=ones, title=title)


PASS = Exercise(
    id="graph_partitioning-3",
    level="core",
    form="spot the bug",
    difficulty=3,
    importance=2,
    minutes=10,
    cases=_pass_cases,
    properties=(
        Property(
            says="the answer is two things: a 0 or 1 for each node, and by how much the cut has fallen",
            holds=lambda found, neighbours, parts, most: _is_pass(found, neighbours),
            hints=(
                "The pass that is mended returns what the pass on the page returns.",
                "Look at your last line: two things, with a comma between them.",
                "First the list of parts, as long as the one that was given; then one number.",
            ),
        ),
        Property(
            says="no part ends with more than `most` nodes",
            holds=lambda found, neighbours, parts, most: max(map(list(found[0]).count, (0, 1))) <= most,
            hints=(
                "That was not the bug: a node may move only where there is room left.",
                "Look at the condition for a move: the part it goes to has one node more afterwards.",
                "Before the move, the part that the node goes to must hold fewer than `most`.",
            ),
        ),
        Property(
            says="the number is by how much the cut really fell",
            holds=lambda found, neighbours, parts, most: (
                abs(float(found[1]) - _fall(found, neighbours, parts)) < 1e-6
            ),
            hints=(
                "The count adds up gains, so some gain was wrong when it was added, or other moves were kept "
                "than were counted.",
                "Compute all gains anew after each move, and compare: whose differ? Then look at the line that "
                "changes them, and at one edge of the node that moved: what did it add to its neighbour's gain "
                "before, what does it add after?",
                "An edge of weight w adds + w where it is cut and - w where it is not. From the one to the "
                "other: how far is that?",
            ),
        ),
        Property(
            says="the cut is never larger than before",
            holds=lambda found, neighbours, parts, most: _fall(found, neighbours, parts) >= -1e-6,
            hints=(
                "The pass may climb, but it goes back to its best moment; the start is one, too.",
                "Look at which moves are undone at the end.",
                "Keep the moves up to the best total that was seen, and undo all that came later.",
            ),
        ),
        Property(
            says="the pass goes on at a loss, and so wins more than by moves that all gain",
            holds=lambda found, neighbours, parts, most: (
                _as_good(found, neighbours, parts, most)
                or _fall(found, neighbours, parts) > _fall_downhill(neighbours, parts, most) + 1e-6
                or _as_good((_downhill(neighbours, parts, most),), neighbours, parts, most)
            ),
            hints=(
                "Where no single move gains, several together may: every node moves once, whatever it costs.",
                "Look at when your pass ends, at which moves it undoes, at whether a node that has moved may move "
                "again, and at the gains by which moves are chosen.",
                "The best of the moves is made whatever its gain is; at the end the bad ones are undone. And for "
                "the best to be found, the gains of the neighbours must be right.",
            ),
        ),
        Property(
            says="each move is the best of its moment",
            holds=_as_good,
            hints=(
                "A right pass makes the cut smaller than yours does, on this graph.",
                "Look at the gains by which the moves are chosen: counting right at the end does not help a "
                "choice that was made on old figures. And is what you return the best moment of all?",
                "After each move the list of gains must be what you would get by computing it anew.",
            ),
        ),
    ),
    reference=mended,
    wrong=(
        one_pass,
        _parts_only,
        _in_place,
        _any_size,
        _one_more_than_most,
        _not_updated,
        _updated_the_other_way,
        _updated_before_the_move,
        _only_raised,
        _only_one_side_doubled,
        _without_weights,
        _count_mended_only,
        _count_mended_at_the_end,
        _never_back,
        _end_for_the_best,
        _back_one_too_far,
        _back_one_too_little,
        _no_move_at_a_loss,
        _not_locked,
        _stays,
    ),
    why=(
        "The line looks right because it is the definition of a gain once more: + w for an edge that is cut, - w "
        "for one that is not. But it does not write the gain, it changes it; and where an edge adds - w and now "
        "adds + w, the change is 2 w. Off by half, gains still point roughly the right way, so the cuts look fair "
        "and are not. Computing the neighbours' gains anew is right, too, and costs O(degree) each. Look for such "
        "bugs with what must always hold: gains kept equal gains computed, the fall counted equals the fall."
    ),
    draw=_draw_pass,
    after="Needed again: gain buckets make `max` cheap, and stand on this very line.",
)

# -------------------------------------------------------------------------------- 4: a contraction by hand

FINE = (
    (0, 1, 2),
    (0, 2, 3),
    (1, 2, 1),
    (1, 3, 2),
    (1, 4, 1),
    (2, 3, 5),
    (3, 4, 4),
    (4, 5, 2),
    (4, 6, 1),
    (5, 6, 1),
)
FINE_WEIGHTS = (1, 2, 1, 1, 3, 1, 1)
COARSE = (frozenset({0, 2}), frozenset({1, 3}), frozenset({4, 5}), frozenset({6}))


def _groups_of(answer: Any) -> list[frozenset[int]]:
    """The groups of an answer; a pair may be a list, a tuple or a set."""
    return [frozenset(group) for group in answer[0]]


def _joined(answer: Any) -> list[tuple[frozenset[frozenset[int]], float]]:
    """The edges of an answer: the two groups that each joins, and its weight; a dictionary of pairs will do."""
    groups, edges = _groups_of(answer), answer[2]
    triples = [(*ends, w) for ends, w in edges.items()] if isinstance(edges, dict) else edges
    return [(frozenset({groups[a], groups[b]}), float(w)) for a, b, w in triples]


def _between(first: Any, second: Any) -> float:
    """The weight of all edges between two groups of fine nodes."""
    return sum(w for u, v, w in FINE if (u in first and v in second) or (v in first and u in second))


def _three_lists(answer: Any) -> bool:
    groups, weights, edges = answer
    members = [node for group in groups for node in group]
    joined = _joined(answer)
    inside = all(0 <= end < len(groups) for edge in edges for end in tuple(edge)[:2])
    fits = sorted(members) == list(range(7)) and len(weights) == len(groups) and inside
    return fits and all(map(_is_number, weights)) and all(np.isfinite(w) for _, w in joined)


def _touching() -> set[frozenset[frozenset[int]]]:
    """The pairs of groups between which there are edges."""
    return {frozenset({a, b}) for a, b in combinations(COARSE, 2) if _between(a, b)}


def _draw_fine() -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    places = [(0, 1), (1, 2), (1, 0), (2.2, 0), (3, 1.6), (4.4, 2), (4.4, 0.4)]
    told: dict[Any, str] = {v: f"weighs {w}" for v, w in enumerate(FINE_WEIGHTS)}
    return draw_graph(as_graph(FINE, n=7), positions=places, values=told)


CONTRACTED = Exercise(
    id="graph_partitioning-4",
    level="core",
    form="predict",
    difficulty=1,
    importance=3,
    minutes=7,
    cases=once,
    properties=(
        Property(
            says="the answer is three lists: who is together, each of 0 to 6 once; a weight for each group; edges",
            holds=_three_lists,
            hints=(
                "A node that found no partner is a group as well, of one.",
                "Count: each of the seven nodes in one group, as many weights as groups, and for each edge two "
                "places in your list of groups and a weight. The first group has the place 0.",
                "It looks like ([[a, b], [c]], [p, q], [(0, 1, w)]), with longer lists.",
            ),
        ),
        Property(
            says="node 0 chooses first: the neighbour along its heaviest edge",
            holds=lambda answer: COARSE[0] in _groups_of(answer),
            hints=(
                "Whoever is visited looks at its own edges only.",
                "Look at the edges of node 0: there are two. Which is heavier?",
                "That the partner has a heavier edge elsewhere does not matter: it is asked, not asking.",
            ),
        ),
        Property(
            says="then 1, 2 ... choose among the nodes that are free",
            holds=lambda answer: set(_groups_of(answer)) == set(COARSE),
            hints=(
                "A node has one partner at most: who was chosen is taken, and does not choose.",
                "Look at node 1, whose heaviest edges lead to 0 and 3; then at 4; and who is left for 6?",
                "Cross off both nodes of each pair. With an odd number of nodes one at least stays alone.",
            ),
        ),
        Property(
            says="a new node weighs what its nodes weigh together",
            holds=lambda answer: all(
                np.isclose(float(weight), sum(FINE_WEIGHTS[v] for v in group))
                for group, weight in zip(_groups_of(answer), answer[1], strict=True)
            ),
            hints=(
                "A coarse part must weigh what its fine nodes weigh, or balance is lost on the way.",
                "Look at the weights of the *nodes*: the edge between the two has no say here.",
                "For {u, v}: the weight of u plus that of v; they are 1, 2, 1, 1, 3, 1, 1.",
            ),
        ),
        Property(
            says="an edge between the two of a pair is gone: no cut of the new graph could hold it",
            holds=lambda answer: all(len(ends) == 2 for ends, _ in _joined(answer)),
            hints=(
                "Two nodes that are one cannot be separated any more.",
                "Look for an edge (a, a, w) in your list.",
                "Ten edges, of which one vanishes in each pair: go on with the rest.",
            ),
        ),
        Property(
            says="groups are joined where any of their nodes were, by one edge each",
            holds=lambda answer: (
                sorted(map(sorted, (map(sorted, ends) for ends, _ in _joined(answer))))
                == sorted(map(sorted, (map(sorted, ends) for ends in _touching())))
            ),
            hints=(
                "Several edges between the same two groups become one.",
                "Go through the edges once more, and write for each the places of its two groups.",
                "Then keep each pair of places once, whichever of the two comes first.",
            ),
        ),
        Property(
            says="an edge weighs all that ran between the two groups: each cut costs what it did",
            holds=lambda answer: all(np.isclose(w, _between(*ends)) for ends, w in _joined(answer)),
            hints=(
                "If the two groups end in different parts, which of the old edges are cut?",
                "Look at the group of 0 and the group of 1: three of the ten edges run between them.",
                "Neither the heaviest, nor the mean, nor how many: add up all edges with an end in each.",
            ),
        ),
    ),
    reference=([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 8), (1, 2, 5), (2, 3, 2)]),
    wrong=(
        ([[0, 2], [1, 3], [4, 5]], [2, 3, 4], [(0, 1, 8), (1, 2, 5)]),  # who stays alone is forgotten
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(1, 2, 8), (2, 3, 5), (3, 4, 2)]),  # counted from 1
        ([0, 2, 1, 3, 4, 5, 6], [2, 3, 4, 1], []),  # no inner brackets
        (
            [[0, 1], [2, 3], [4, 5], [6]],
            [3, 2, 4, 1],
            [(0, 1, 6), (0, 2, 1), (1, 2, 4), (2, 3, 2)],
        ),  # heaviest first
        (
            [[0, 1], [2, 3], [4, 6], [5]],
            [3, 2, 4, 1],
            [(0, 1, 6), (0, 2, 1), (1, 2, 4), (2, 3, 3)],
        ),  # next in line
        (
            [[0, 2], [1, 4], [3], [5, 6]],
            [2, 5, 1, 2],
            [(0, 1, 3), (0, 2, 5), (1, 2, 6), (1, 3, 3)],
        ),  # the lightest
        (
            [[0, 2], [3, 4], [1], [5, 6]],
            [2, 4, 2, 2],
            [(0, 1, 5), (0, 2, 3), (1, 2, 3), (1, 3, 3)],
        ),  # heaviest left
        ([[0, 2, 3, 4], [1], [5, 6]], [6, 2, 2], [(0, 1, 6), (0, 2, 3)]),  # a partner's partner comes along
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 2, 2, 1], [(0, 1, 8), (1, 2, 5), (2, 3, 2)]),  # nodes counted
        ([[0, 2], [1, 3], [4, 5], [6]], [5, 5, 6, 1], [(0, 1, 8), (1, 2, 5), (2, 3, 2)]),  # the edge inside added
        ([[0, 2], [1, 3], [4, 5], [6]], [1, 2, 3, 1], [(0, 1, 8), (1, 2, 5), (2, 3, 2)]),  # the heavier one's
        (
            [[0, 2], [1, 3], [4, 5], [6]],
            [2, 3, 4, 1],
            [(0, 0, 3), (1, 1, 2), (2, 2, 2), (0, 1, 8), (1, 2, 5), (2, 3, 2)],  # loops stay
        ),
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 8), (1, 2, 5)]),
        (
            [[0, 2], [1, 3], [4, 5], [6]],
            [2, 3, 4, 1],
            [(0, 1, 2), (0, 1, 1), (0, 1, 5), (1, 2, 1), (1, 2, 4), (2, 3, 1), (2, 3, 1)],  # side by side
        ),
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 5), (1, 2, 4), (2, 3, 1)]),  # the heaviest one's
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 3), (1, 2, 2), (2, 3, 2)]),  # how many
        ([[0, 2], [1, 3], [4, 5], [6]], [2, 3, 4, 1], [(0, 1, 8 / 3), (1, 2, 2.5), (2, 3, 1)]),  # the mean
    ),
    why=(
        "0 takes 2 (3 beats 2). 1 finds 0 and 2 taken, and takes 3. 2 and 3 are matched already. 4 finds 1 and 3 "
        "taken, and takes 5. 6 is left alone. Weights add up: 1 + 1, 2 + 1, 3 + 1, 1. The edges 0-2, 1-3 and 4-5 "
        "vanish; 0-1, 1-2 and 2-3 become one of 2 + 1 + 5, 1-4 and 3-4 one of 5, 4-6 and 5-6 one of 2. So every "
        "partition of the new graph costs just what it costs on the old one, in cut and in balance: that is why a "
        "good answer up there is a good start down here. The two heaviest edges, 5 and 4, survived: visiting is "
        "quick, not optimal."
    ),
    draw=_draw_fine,
    after="Needed again: the multilevel method does this until the graph is small.",
)

# -------------------------------------------------------------------------------- 5: balance against cut


def _trade_cases(rng: Generator) -> Iterator[tuple[int, Edges]]:
    """Two nodes to eight: of any kind, with loops, of two clusters; fewest nodes and edges first."""
    graphs: list[tuple[int, Edges]] = [(2, []), (2, [(1, 0, 3.0)]), (3, [(0, 1, 1.0), (1, 2, 1.0)])]
    graphs += [(3, [(0, 1, 2.0), (1, 2, 1.0), (2, 0, 1.0)]), (4, [(0, 1, 1.0), (1, 2, 5.0), (2, 3, 2.0)])]
    for n in range(3, 9):
        graphs += [(n, _weighted(rng, n, WEIGHTS, density)) for density in (0.4, 0.6, 0.8)]
        graphs += [(n, _weighted(rng, n, WEIGHTS, 0.6) + _looped(rng, n))]
        graphs += [(n, _two_clusters(rng, n, first)) for first in range(2, n // 2 + 1)]
    yield from sorted(graphs, key=lambda graph: (graph[0], len(graph[1])))


def _two_clusters(rng: Generator, n: int, first: int) -> Edges:
    """Heavy edges inside a cluster, light ones between: a size at which the cut dips."""
    names = rng.permutation(n).tolist()
    inside = [c for nodes in (names[:first], names[first:]) for c in combinations(nodes, 2)]
    between = [(u, v, 0.5) for u, v in zip(names[:first], names[first:], strict=False)]
    return [(u, v, 2.0) for u, v in inside] + between


def trade(n: int, edges: Edges) -> list[tuple[int, float]]:
    smallest: dict[int, float] = {}
    for bits in range(1, 2 ** (n - 1)):
        part = [bits >> v & 1 for v in range(n)]  # node n - 1 is always in part 0: the mirror image is the same
        size = max(sum(part), n - sum(part))
        cut = sum(w for u, v, w in edges if part[u] != part[v])
        smallest[size] = min(cut, smallest.get(size, cut))
    worth: list[tuple[int, float]] = []
    for size in sorted(smallest):
        if not worth or smallest[size] < worth[-1][1]:
            worth.append((size, smallest[size]))
    return worth


def _splits(n: int, edges: Edges) -> set[tuple[int, float]]:
    """What the checker compares with: size and cut of every split, from all ways to give each node a 0 or 1."""
    halves = [part for part in product((0, 1), repeat=n) if 0 < sum(part) < n]
    return {(max(sum(p), n - sum(p)), float(sum(w for u, v, w in edges if p[u] != p[v]))) for p in halves}


def _smallest(n: int, edges: Edges) -> dict[int, float]:
    splits = _splits(n, edges)
    return {size: min(cut for s, cut in splits if s == size) for size, _ in splits}


def _worth(n: int, edges: Edges) -> set[tuple[int, float]]:
    """By the words of the exercise: no other split is as good in both, and better in one."""
    splits = _splits(n, edges)
    return {one for one in splits if not any(o != one and o[0] <= one[0] and o[1] <= one[1] for o in splits)}


def _pairs(found: Any) -> list[tuple[float, float]]:
    return [(float(size), float(cut)) for size, cut in found]


def _is_pairs(found: Any) -> bool:
    numbers = [number for pair in found for number in pair]
    sized = all(len(pair) == 2 for pair in found) and len(set(_pairs(found))) == len(found)
    return sized and not isinstance(found, str | dict) and all(map(_is_number, numbers))


def _every_split(n: Any, edges: Any) -> Any:
    return sorted(_splits(n, edges))


def _best_of_each_size(n: Any, edges: Any) -> Any:
    """Also sizes that cost balance and buy nothing."""
    return sorted(_smallest(n, edges).items())


def _running_best(n: Any, edges: Any) -> Any:
    """For each size the smallest cut up to there: the same cut again and again."""
    found, best = [], np.inf
    for size, cut in sorted(_smallest(n, edges).items()):
        best = min(best, cut)
        found.append((size, best))
    return found


def _equal_cuts_kept(n: Any, edges: Any) -> Any:
    """`<=` for `<`."""
    found: list[Any] = []
    for size, cut in _best_of_each_size(n, edges):
        if not found or cut <= found[-1][1]:
            found.append((size, cut))
    return found


def _less_than_the_size_before(n: Any, edges: Any) -> Any:
    """Compared with the size before, instead of the best so far."""
    best = _best_of_each_size(n, edges)
    return best[:1] + [now for before, now in pairwise(best) if now[1] < before[1]]


def _all_in_one_part(n: Any, edges: Any) -> Any:
    """Nothing is cut where one part is empty."""
    return [pair for pair in trade(n, edges) if pair[1] > 0] + [(n, 0)]


def _in_one_stretch(n: Any, edges: Any) -> Any:
    """Only splits of 0 ... n - 1 in two at one place."""
    cuts = [(max(i, n - i), sum(w for u, v, w in edges if (u < i) != (v < i))) for i in range(1, n)]
    return _front(cuts)


def _front(pairs: Any) -> Any:
    found: list[Any] = []
    for size, cut in sorted(pairs):
        if not found or cut < found[-1][1]:
            found.append((size, cut))
    return found


def _one_node_or_half(n: Any, edges: Any) -> Any:
    """Single nodes and halves only."""
    return _front((size, cut) for size, cut in _smallest(n, edges).items() if size in ((n + 1) // 2, n - 1))


def _edges_for_weights(n: Any, edges: Any) -> Any:
    return trade(n, [(u, v, 1) for u, v, _ in edges])


def _edges_twice(n: Any, edges: Any) -> Any:
    return [(size, 2 * cut) for size, cut in trade(n, edges)]


def _loops_cut(n: Any, edges: Any) -> Any:
    loops = sum(w for u, v, w in edges if u == v)
    return [(size, cut + loops) for size, cut in trade(n, edges)]


def _smaller_part(n: Any, edges: Any) -> Any:
    return [(n - size, cut) for size, cut in trade(n, edges)]


def _how_uneven(n: Any, edges: Any) -> Any:
    return [(2 * size - n, cut) for size, cut in trade(n, edges)]


def _first_part_s_size(n: Any, edges: Any) -> Any:
    """The part with node 0, whether it is the larger one or not."""
    found = []
    for others in product((0, 1), repeat=n - 1):
        part = (1, *others)
        if sum(part) < n:
            found.append((sum(part), sum(w for u, v, w in edges if part[u] != part[v])))
    return _front(found)


def _most_even(n: Any, edges: Any) -> Any:
    return trade(n, edges)[:1]


def _smallest_cut(n: Any, edges: Any) -> Any:
    return trade(n, edges)[-1:]


def _cut_before_size(n: Any, edges: Any) -> Any:
    return [(cut, size) for size, cut in trade(n, edges)]


def _cuts_only(n: Any, edges: Any) -> Any:
    return [cut for _, cut in trade(n, edges)]


def _draw_trade(n: int, edges: Edges) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(as_graph(edges, n=n))


TRADE = Exercise(
    id="graph_partitioning-5",
    level="stretch",
    form="implement",
    difficulty=2,
    importance=2,
    minutes=12,
    cases=_trade_cases,
    properties=(
        Property(
            says="the answer is a list of pairs of numbers, (size, cut), each pair once",
            holds=lambda found, n, edges: _is_pairs(found),
            hints=(
                "What is worth having is told by two numbers: how large the larger part is, and what is cut.",
                "Look at what you return: pairs in a list, not cuts alone, nor what you met on the way.",
                "Collect tuples (size, cut) in a list, and leave out what is there already.",
            ),
        ),
        Property(
            says="the size is that of the larger part: from half of the nodes, rounded up, to n - 1",
            holds=lambda found, n, edges: (
                len(found) > 0 and all((n + 1) // 2 <= size < n for size, _ in _pairs(found))
            ),
            hints=(
                "Of two parts, one has at least half of the nodes; and neither is empty.",
                "Look at which of the two parts you measure, at the order of the two numbers, and at a split "
                "that leaves one part without nodes: it cuts nothing, and is no split.",
                "With s nodes on one side, n - s are on the other: the larger of both is the size.",
            ),
        ),
        Property(
            says="each pair is that of a split which exists",
            holds=lambda found, n, edges: all(pair in _splits(n, edges) for pair in _pairs(found)),
            hints=(
                "For some pair no split of this size has this cut.",
                "Look at how you add up a cut: weights, each edge once, and only if its ends are apart. And does "
                "each cut stand beside the size of its own split?",
                "An edge (u, v, w) adds w where exactly one of u and v is on the first side; a loop never.",
            ),
        ),
        Property(
            says="the most even splits are among them, with the smallest cut that they can have",
            holds=lambda found, n, edges: ((n + 1) // 2, _smallest(n, edges)[(n + 1) // 2]) in _pairs(found),
            hints=(
                "No other split can be more even, so the best of these is always worth having.",
                "Look at which splits you try: any nodes may be together, neighbours in the numbering or not, "
                "joined or not.",
                "All choices of n // 2 nodes out of n are to be tried.",
            ),
        ),
        Property(
            says="none of them is beaten: a larger part must buy a smaller cut",
            holds=lambda found, n, edges: set(_pairs(found)) <= _worth(n, edges),
            hints=(
                "One of your pairs is beaten by another split: as good in both, better in one.",
                "Look at two pairs with the same cut, and at one with a larger part *and* a larger cut than an "
                "earlier one, even if not the one just before.",
                "Walk from the most even size upwards, and keep a pair only if its cut is below *all* cuts "
                "kept so far.",
            ),
        ),
        Property(
            says="none is missing: whatever is not beaten is in the list",
            holds=lambda found, n, edges: set(_pairs(found)) == _worth(n, edges),
            hints=(
                "Who can bear some imbalance more may get a smaller cut than any in your list.",
                "Look at which sizes you try: all from half to n - 1, and for each all choices of nodes.",
                "For every size of the smaller side, 1 to n // 2, find the smallest cut; then sort out.",
            ),
        ),
    ),
    reference=trade,
    wrong=(
        _cuts_only,
        _cut_before_size,
        _smaller_part,
        _how_uneven,
        _all_in_one_part,
        _edges_for_weights,
        _edges_twice,
        _loops_cut,
        _running_best,
        _in_one_stretch,
        _smallest_cut,
        _every_split,
        _best_of_each_size,
        _equal_cuts_kept,
        _less_than_the_size_before,
        _first_part_s_size,
        _most_even,
        _one_node_or_half,
    ),
    why=(
        "Cut and balance are two aims, and no single answer is best in both; what is left after all that is "
        "beaten is crossed out is called the Pareto front. For each size only the smallest cut matters; then a "
        "walk from even to uneven keeps what is below everything before. A larger part that buys nothing is not "
        "on it, so the allowed imbalance acts in steps: some change nothing, others a lot. There are "
        "2^(n - 1) - 1 splits to try, which is why all other methods of this page exist."
    ),
    draw=_draw_trade,
    after="Needed again: the slider for the imbalance walks along such a front, as far as a heuristic finds it.",
)

EXERCISES = (PARTITION, GAIN, PASS, CONTRACTED, TRADE)
