"""The exercises of notebook 08: modularity from two sums, the gain of a move, a graph that weighs too much, two
limits, communities that fall to pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from math import isclose, isnan, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Counted, Exercise, Property, once
from lessons.exercises.graph_partitioning import (
    WEIGHTS,
    Edges,
    Neighbours,
    _graph,
    _is_number,
    _looped,
    _neighbours,
    _weighted,
)
from lessons.exercises.graph_signals import _is_real
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def _close(found: Any, wanted: float) -> bool:
    return isclose(float(found), wanted, rel_tol=1e-6, abs_tol=1e-9)


def _communities(rng: Generator, n: int, k: int) -> list[int]:
    """Up to k communities at random."""
    return _by_first_appearance(rng.integers(k, size=n).tolist())


def _by_first_appearance(names: list[int]) -> list[int]:
    order = list(dict.fromkeys(names))
    return [order.index(name) for name in names]


def _told(communities: Any) -> dict[Any, str]:
    return {v: f"in {c}" for v, c in enumerate(communities)}


def _and_loops(title: str, edges: Any) -> str:
    """A picture's title, with what its self-loops weigh: beside them there is no room."""
    loops = ", ".join(f"{u} weighs {w:g}" for u, v, w in edges if u == v)
    return f"{title}\nself-loop at {loops}" if loops else title


def _has_loop(edges: Any) -> bool:
    return any(u == v for u, v, _ in edges)


def _are_plain(edges: Any) -> bool:
    """Whether all edges weigh 1, and none is a self-loop."""
    return all(w == 1 and u != v for u, v, w in edges)


def _stage(edges: Any, n: int) -> tuple[bool, bool, int]:
    """Whether there are self-loops, and other weights than 1; then how many nodes."""
    return _has_loop(edges), not _are_plain(edges), n


# -------------------------------------------------------------------------------- 1: modularity from two sums


def _divided_cases(rng: Generator) -> Iterator[tuple[Edges, list[int]]]:
    """No edge; then two nodes to seven: one community, each node alone, up to two, up to three; loops last."""
    cases: list[tuple[Edges, list[int]]] = [([], [0]), ([], [0, 0]), ([], [0, 1, 0])]
    for n in range(2, 8):
        for weights, loops in (((1,), False), (WEIGHTS, False), (WEIGHTS, True)):
            for communities in ([0] * n, list(range(n)), _communities(rng, n, 2), _communities(rng, n, 3)):
                edges = _weighted(rng, n, weights, 0.7) + (_looped(rng, n) if loops else [])
                cases.append((edges or [(0, 1, 1)], communities))
    yield from sorted(cases, key=lambda case: _stage(case[0], len(case[1])))


def from_two_sums(edges: Edges, communities: list[int]) -> float:
    m = sum(w for _, _, w in edges)
    if m == 0:
        return 0.0
    inside, total = [0.0] * len(communities), [0.0] * len(communities)
    for u, v, w in edges:
        if communities[u] == communities[v]:
            inside[communities[u]] += w
        total[communities[u]] += w
        total[communities[v]] += w
    return sum(e / m - (t / (2 * m)) ** 2 for e, t in zip(inside, total, strict=True))


def double_sum(edges: Any, communities: Any) -> float:
    """What the checker compares with: for each pair of nodes what joins them, less what chance would put there."""
    n = len(communities)
    A = np.zeros((n, n))
    for u, v, w in edges:
        A[u, v] += w
        A[v, u] += w  # a loop has both ends here
    d, ends = A.sum(axis=1), A.sum()
    same = np.equal.outer(communities, communities)
    return float(((A - np.outer(d, d) / ends) * same).sum() / ends) if ends else 0.0


def _sums(edges: Any, communities: Any, ends: Callable[..., Any], inner: Callable[..., Any]) -> Any:
    """(m, inside, total), where an edge adds ends(u, v, w) to the totals at u and v, and inner(u, v, w) inside."""
    k = max(communities) + 1
    inside, total = np.zeros(k), np.zeros(k)
    for u, v, w in edges:
        inside[communities[u]] += inner(u, v, w) * (communities[u] == communities[v])
        for end, weight in zip((u, v), ends(u, v, w), strict=True):
            total[communities[end]] += weight
    return sum(w for *_, w in edges), inside, total


def _divided_with(
    made_of: Callable[..., Any] = lambda m, inside, total: (inside / m - (total / (2 * m)) ** 2).sum(),
    ends: Callable[..., Any] = lambda u, v, w: (w, w),
    inner: Callable[..., Any] = lambda u, v, w: w,
    edges_by: Callable[[Any], Any] = lambda edges: edges,
) -> Callable[..., Any]:
    """Modularity that is right but for one of: what is made of the sums, what an edge adds to its ends' totals,
    what it adds inside, which edges are looked at."""

    def modularity(edges: Any, communities: Any) -> Any:
        edges = edges_by(edges)
        m, inside, total = _sums(edges, communities, ends, inner)
        return made_of(m, inside, total) if edges else 0

    return modularity


_each_community = _divided_with(lambda m, inside, total: (inside / m - (total / (2 * m)) ** 2).tolist())
_inside_only = _divided_with(lambda m, inside, total: inside.sum() / m)
_not_squared = _divided_with(lambda m, inside, total: (inside / m - total / (2 * m)).sum())
_square_of_the_sum = _divided_with(lambda m, inside, total: inside.sum() / m - (total.sum() / (2 * m)) ** 2)
_total_over_m = _divided_with(lambda m, inside, total: (inside / m - (total / m) ** 2).sum())
_inside_over_2m = _divided_with(lambda m, inside, total: (inside / (2 * m) - (total / (2 * m)) ** 2).sum())
_number_of_communities = _divided_with(lambda m, inside, total: inside.sum() / m - 1 / len(total))
_only_with_edges_inside = _divided_with(
    lambda m, inside, total: (inside / m - (total / (2 * m)) ** 2)[inside > 0].sum()
)
_mean_of_communities = _divided_with(lambda m, inside, total: (inside / m - (total / (2 * m)) ** 2).mean())
_other_sign = _divided_with(lambda m, inside, total: ((total / (2 * m)) ** 2 - inside / m).sum())
_never_negative = _divided_with(lambda m, inside, total: max(0, (inside / m - (total / (2 * m)) ** 2).sum()))
_rounded = _divided_with(lambda m, inside, total: round((inside / m - (total / (2 * m)) ** 2).sum(), 2))
_one_end = _divided_with(ends=lambda u, v, w: (w, 0))
_inside_at_both_ends = _divided_with(inner=lambda u, v, w: 2 * w)
_edges_counted = _divided_with(edges_by=lambda edges: [(u, v, 1) for u, v, _ in edges])
_weights_in_m_only = _divided_with(ends=lambda u, v, w: (1, 1), inner=lambda u, v, w: 1)
_loops_skipped = _divided_with(edges_by=lambda edges: [edge for edge in edges if edge[0] != edge[1]])
_loop_with_one_end = _divided_with(ends=lambda u, v, w: (w, w * (u != v)))
_loop_not_inside = _divided_with(inner=lambda u, v, w: w * (u != v))
_loop_twice_inside = _divided_with(inner=lambda u, v, w: w * (1 + (u == v)))


def _inner_totals(edges: Any, communities: Any) -> Any:
    """Totals of the edges inside alone: edges that leave a community do not count."""
    m, inside, _ = _sums(edges, communities, lambda u, v, w: (w, w), lambda u, v, w: w)
    return (inside / m - (inside / m) ** 2).sum() if edges else 0


def _edges_not_asked(edges: Any, communities: Any) -> Any:
    m, inside, total = _sums(edges, communities, lambda u, v, w: (w, w), lambda u, v, w: w)
    return sum(e / m - (t / (2 * m)) ** 2 for e, t in zip(inside.tolist(), total.tolist(), strict=True))


def _nan_without_edges(edges: Any, communities: Any) -> Any:
    return double_sum(edges, communities) if edges else nan


def _sorted_in_place(edges: Any, communities: Any) -> Any:
    edges.sort(reverse=True)
    edges.append((0, 0, 0))
    return double_sum(edges, communities)


def _divided_right(asks: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """A property's `holds`: in the cases for which asks(edges, communities) the number is right."""
    return lambda found, edges, communities: (
        not asks(edges, communities) or _close(found, double_sum(edges, communities))
    )


def _draw_divided(edges: Edges, communities: list[int]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = as_graph(edges, n=len(communities))
    title = _and_loops("each node and its community", edges)
    return draw_graph(graph, values=_told(communities), title=title)


NO_EDGES = replace(
    RUNS,
    hints=(
        "Where there are no edges, there is nothing to divide by.",
        "Look at m before you divide by it.",
        "Ask whether m is 0, and return 0 in that case; all else comes after.",
    ),
)

MODULARITY = Exercise(
    id="communities-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=5,
    cases=_divided_cases,
    properties=(
        Property(
            says="the answer is one number",
            holds=lambda found, edges, communities: _is_number(found) or isnan(found),
            hints=(
                "One number for the whole graph, not one for each community.",
                "Look at what you return, and whether the communities have been added up.",
                "The last step is a sum over the communities.",
            ),
        ),
        Property(
            says="without edges it is 0",
            holds=_divided_right(lambda edges, communities: not edges),
            hints=(
                "Nothing is inside, and nothing was to be expected.",
                "Look at what you return where `edges` is empty: nan is not 0.",
                "Ask whether m is 0 before anything is divided by it.",
            ),
        ),
        Property(
            says="with all nodes in one community it is 0: all edges are inside, as chance would have it (all "
            "edges weigh 1 here, no self-loops)",
            holds=_divided_right(lambda edges, communities: _are_plain(edges) and len(set(communities)) == 1),
            hints=(
                "Here inside is m and the total is 2 m. What is left?",
                "Look at both divisors, m and 2 m, and at how many times an edge goes into each sum: once inside, "
                "and into the total at both ends.",
                "1 less 1 squared. If yours is above 0, the total is too small or not taken away; if it is "
                "below 0, look at which sum is over which divisor.",
            ),
        ),
        Property(
            says="it is the sum over all communities of inside / m - (total / (2 m))² (all edges weigh 1 here, no "
            "self-loops)",
            holds=_divided_right(lambda edges, communities: _are_plain(edges)),
            hints=(
                "Work one community out by hand: which edges are inside, how many ends are at its nodes?",
                "Look at edges between two communities: they add to both totals. At communities without edges "
                "inside: they have a total, too. And at the square: one for each community, before the sum.",
                "Two lists, inside and total, with a place for each community; one walk over the edges fills "
                "both. Each edge adds to the total at u and to the total at v, whether these are the same or not.",
            ),
        ),
        Property(
            says="an edge counts as much as it weighs (no self-loops here)",
            holds=_divided_right(lambda edges, communities: not _has_loop(edges)),
            hints=(
                "An edge of weight 3 is as good as three edges.",
                "Look at where you add 1, or count edges: m, inside and total are all sums of weights.",
                "Each edge is (u, v, w): it is w that is added, everywhere.",
            ),
        ),
        Property(
            says="a self-loop is inside, once, and has both of its ends at its node",
            holds=_divided_right(lambda edges, communities: True),
            hints=(
                "(u, u, w) is an edge like the others. Is it inside? And where are its ends?",
                "Look at whether you treat u == v in another way, in one of the three sums.",
                "It adds w to m, w to inside, and w for each of two ends to the total.",
            ),
        ),
    ),
    reference=from_two_sums,
    wrong=(
        _each_community,
        _inside_only,
        _not_squared,
        _square_of_the_sum,
        _total_over_m,
        _inside_over_2m,
        _number_of_communities,
        _only_with_edges_inside,
        _mean_of_communities,
        _other_sign,
        _never_negative,
        _rounded,
        _one_end,
        _inside_at_both_ends,
        _edges_counted,
        _weights_in_m_only,
        _loops_skipped,
        _loop_with_one_end,
        _loop_not_inside,
        _loop_twice_inside,
        _inner_totals,
        _edges_not_asked,
        _nan_without_edges,
        _sorted_in_place,
    ),
    why=(
        "The definition is a sum over all pairs of nodes. Only pairs of one community count, so it falls into a "
        "sum for each community: what joins its nodes is inside, and the products of their degrees add up to the "
        "square of its total. Two sums for each community, and one walk over the edges, O(m), in place of O(n²). "
        "An edge inside has two ends there, so inside may reach m while a total may reach 2 m. With a self-loop "
        "nothing changes: one edge, two ends, both at one node. Where edges are drawn between ends at random, "
        "(total / (2 m))² is the share that would fall inside."
    ),
    draw=_draw_divided,
    raised={ZeroDivisionError: NO_EDGES},
    after="Needed again: the gain of a move is the difference of two of these.",
)

# -------------------------------------------------------------------------------- 2: the gain of a move

Move = tuple[dict[int, float], list[int], list[float], float, int, int]


def _starts(rng: Generator) -> Iterator[tuple[Edges, list[int], int, int]]:
    """(edges, communities, node, to): two nodes to seven, each with a move of some kind; loops last."""
    moves = []
    for n in range(2, 8):
        for weights, loops in (((1,), False), (WEIGHTS, False), (WEIGHTS, True)):
            for communities in (list(range(n)), [0] * n, _communities(rng, n, 2), _communities(rng, n, 3)):
                edges = _weighted(rng, n, weights, 0.7) + (_looped(rng, n) if loops else [])
                looped = [u for u, v, _ in edges if u == v]
                node, k = int(rng.choice(looped or range(n))), max(communities) + 1
                own = communities[node]
                for to in sorted({own, (own + 1) % k, k}):
                    moves.append((edges or [(0, 1, 1)], communities, node, to))
    yield from sorted(moves, key=lambda move: _stage(move[0], len(move[1])))


def _gain_cases(rng: Generator) -> Iterator[Move]:
    for edges, communities, node, to in _starts(rng):
        totals = [0.0] * (max(communities) + 2)  # the last community is empty
        for u, v, w in edges:
            totals[communities[u]] += w
            totals[communities[v]] += w
        around = _neighbours(len(communities), edges)[node]
        yield around, communities, totals, float(sum(w for *_, w in edges)), node, to


def move_gain(
    around: dict[int, float], communities: list[int], totals: list[float], m: float, node: int, to: int
) -> float:
    own = communities[node]
    if to == own:
        return 0.0
    joined = sum(w for u, w in around.items() if communities[u] == to)
    left = sum(w for u, w in around.items() if communities[u] == own and u != node)
    degree = sum(around.values()) + around.get(node, 0)
    without = totals[own] - degree
    return (joined - left) / m - degree * (totals[to] - without) / (2 * m**2)


def _of_two_communities(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> float:
    """What the checker compares with: inside and total of the two communities, before the move and after."""
    own = communities[node]
    d = sum(w * (2 if u == node else 1) for u, w in around.items())
    edges = {c: sum(w for u, w in around.items() if communities[u] == c and u != node) for c in (own, to)}
    inside = 0 if to == own else (edges[to] - edges[own]) / m
    before = {c: totals[c] for c in (own, to)}
    after = dict(before)
    after[own] -= d
    after[to] += d
    return float(inside + sum((before[c] / (2 * m)) ** 2 - (after[c] / (2 * m)) ** 2 for c in before))


def _gain_with(
    joined: Callable[..., Any] = lambda u, w, c, node, own, to: w if c == to else 0,
    left: Callable[..., Any] = lambda u, w, c, node, own, to: w if c == own and u != node else 0,
    degree: Callable[..., Any] = lambda around, node: sum(around.values()) + around.get(node, 0),
    without: Callable[..., Any] = lambda total, d: total - d,
    made_of: Callable[..., Any] = lambda edges, totals, d, m: edges / m - d * totals / (2 * m**2),
) -> Callable[..., Any]:
    """A gain that is right but for one of: edges that are inside now, edges that are no longer, the degree, the
    total of the community that is left, what is made of all these."""

    def gain(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
        own = communities[node]
        if to == own:
            return 0
        met = [(u, w, communities[u], node, own, to) for u, w in around.items()]
        edges = sum(joined(*one) - left(*one) for one in met)
        d = degree(around, node)
        return made_of(edges, totals[to] - without(totals[own], d), d, m)

    return gain


_degree_once = _gain_with(degree=lambda around, node: sum(around.values()))  # a loop has two ends
_degree_without_loop = _gain_with(degree=lambda around, node: sum(w for u, w in around.items() if u != node))
_neighbours_counted = _gain_with(degree=lambda around, node: len(around) + (node in around))
_loop_left = _gain_with(left=lambda u, w, c, node, own, to: w if c == own else 0)
_loop_joined = _gain_with(joined=lambda u, w, c, node, own, to: w if c == to or u == node else 0)
_never_left = _gain_with(without=lambda total, d: total)  # the node is still in its old total
_left_the_other_way = _gain_with(without=lambda total, d: total + d)
_edges_never_left = _gain_with(left=lambda *one: 0)
_all_others_left = _gain_with(left=lambda u, w, c, node, own, to: w if c != to and u != node else 0)
_all_joined = _gain_with(joined=lambda u, w, c, node, own, to: w if c != own else 0)
_node_for_community = _gain_with(joined=lambda u, w, c, node, own, to: w if u == to else 0)
_without_weights = _gain_with(
    joined=lambda u, w, c, node, own, to: c == to, left=lambda u, w, c, node, own, to: c == own and u != node
)
_without_chance = _gain_with(made_of=lambda edges, totals, d, m: edges / m)
_half_of_the_edges = _gain_with(made_of=lambda edges, totals, d, m: edges / (2 * m) - d * totals / (2 * m**2))
_chance_twice = _gain_with(made_of=lambda edges, totals, d, m: edges / m - d * totals / m**2)
_chance_halved = _gain_with(made_of=lambda edges, totals, d, m: edges / m - d * totals / (2 * m) ** 2)
_times_m = _gain_with(made_of=lambda edges, totals, d, m: edges - d * totals / (2 * m))
_turned_round = _gain_with(made_of=lambda edges, totals, d, m: d * totals / (2 * m**2) - edges / m)
_never_a_loss = _gain_with(made_of=lambda edges, totals, d, m: max(0, edges / m - d * totals / (2 * m**2)))
_is_it_better = _gain_with(made_of=lambda edges, totals, d, m: edges / m > d * totals / (2 * m**2))


def _own_not_asked(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    """Where the node stays, its own degree stands in one total and not in the other."""
    own = communities[node]
    others = [(communities[u], w) for u, w in around.items() if u != node]
    edges = sum(w for c, w in others if c == to) - sum(w for c, w in others if c == own)
    d = sum(around.values()) + around.get(node, 0)
    return edges / m - d * (totals[to] - totals[own] + d) / (2 * m**2)


def _joins_as_if_alone(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    """The formula for a node that was alone, whatever it leaves."""
    if to == communities[node]:
        return 0
    joined = sum(w for u, w in around.items() if communities[u] == to)
    return joined / m - (sum(around.values()) + around.get(node, 0)) * totals[to] / (2 * m**2)


def _left_for_empty_only(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    """Two formulas, and never both: to leave, where nobody is joined, and to join."""
    formula = _joins_as_if_alone if totals[to] else move_gain
    return formula(around, communities, totals, m, node, to)


def _empty_not_allowed(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    return move_gain(around, communities, totals, m, node, to) if totals[to] else 0


def _totals_changed(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    found = move_gain(around, communities, totals, m, node, to)
    d = sum(around.values()) + around.get(node, 0)
    totals[communities[node]] -= d
    totals[to] += d
    return found


def _node_moved(around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> Any:
    found = move_gain(around, communities, totals, m, node, to)
    communities[node] = to
    return found


def _gain_right(asks: Callable[..., bool]) -> Callable[..., bool]:
    """A property's `holds`: in the cases for which asks(around, communities, node, to) the number is right."""

    def holds(found: Any, around: Any, communities: Any, totals: Any, m: Any, node: Any, to: Any) -> bool:
        wanted = _of_two_communities(around, communities, totals, m, node, to)
        return not asks(around, communities, node, to) or _close(found, wanted)

    return holds


def _plain_around(around: Any, node: Any) -> bool:
    return set(around.values()) <= {1} and node not in around


def _is_alone(communities: Any, node: Any) -> bool:
    return bool(communities.count(communities[node]) == 1)


def _draw_gain(
    around: dict[int, float], communities: list[int], totals: list[float], m: float, node: int, to: int
) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(node, u, w) for u, w in around.items()]
    graph = as_graph(edges, n=len(communities))
    title = _and_loops(f"node {node} moves from {communities[node]} to {to} (only its edges are drawn)", edges)
    return draw_graph(graph, values=_told(communities), marked=[node], title=title)


GAIN = Exercise(
    id="communities-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=6,
    cases=_gain_cases,
    properties=(
        Property(
            says="the answer is one number",
            holds=lambda found, *given: _is_number(found),
            hints=(
                "A gain says how much: a number, not a yes or no.",
                "Look at what you return on every way through the function.",
                "A comparison is True or False; what is asked for is the difference itself.",
            ),
        ),
        Property(
            says="a node that stays where it is gains nothing",
            holds=lambda found, around, communities, totals, m, node, to: (
                communities[node] != to or _close(found, 0)
            ),
            hints=(
                "Before and after are the same. What is their difference?",
                "Look at the totals where `to` is the node's own community: the node is in that total already, so "
                "it must not be taken out on one side only.",
                "Ask first whether to is communities[node].",
            ),
        ),
        Property(
            says="a node that was alone wins the edges to its new community, less what chance puts there (its "
            "edges weigh 1 here)",
            holds=_gain_right(
                lambda around, communities, node, to: _plain_around(around, node) and _is_alone(communities, node)
            ),
            hints=(
                "Two totals become one. What are their squares before, and what is the square after?",
                "Look at the total of the old community: the node leaves it, so nothing is left there. And at the "
                "edges: which of the neighbours are in community `to`?",
                "With total T and degree d: (T + d)² - T² - d² = 2 T d, over (2 m)². The edges count over m.",
            ),
        ),
        Property(
            says="a node that leaves for an empty community loses its edges to the old one, and wins back what "
            "chance put there (its edges weigh 1 here)",
            holds=_gain_right(
                lambda around, communities, node, to: _plain_around(around, node) and to not in communities
            ),
            hints=(
                "To leave is to join, played backwards.",
                "Look at who stays behind: the edges to them are no longer inside. And at the total that they "
                "have without the node.",
                "What stays has totals[own] less the degree of the node; an empty community has total 0, and "
                "nobody to join.",
            ),
        ),
        Property(
            says="any other move is to leave, and then to join (its edges weigh 1 here)",
            holds=_gain_right(lambda around, communities, node, to: _plain_around(around, node)),
            hints=(
                "A node has three kinds of neighbours.",
                "Look at neighbours in third communities: edges to them were not inside, and are not. Look also "
                "for what makes of a loss a 0.",
                "Edges to `to` less edges to the own community, over m; then the degree, times (total of `to` "
                "less total of those left behind), over 2 m².",
            ),
        ),
        Property(
            says="an edge counts as much as it weighs (the node has no self-loop here)",
            holds=_gain_right(lambda around, communities, node, to: node not in around),
            hints=(
                "Totals and m are weights; so are the edges of the node, and its degree.",
                "Look at where you add 1, or take len(...).",
                "`around.values()` are the weights: the degree is their sum.",
            ),
        ),
        Property(
            says="a self-loop moves along: it is inside before and after, and both of its ends are the node's",
            holds=_gain_right(lambda around, communities, node, to: True),
            hints=(
                "The loop is neither won nor lost. But it makes the node heavier.",
                "Look at two places: the neighbour that is the node itself, and the degree, in which a loop has "
                "two ends though it stands in `around` once.",
                "Leave u == node out where edges are won and lost, and add around.get(node, 0) once more to the "
                "degree.",
            ),
        ),
    ),
    reference=move_gain,
    wrong=(
        _is_it_better,
        _own_not_asked,
        _joins_as_if_alone,
        _left_for_empty_only,
        _empty_not_allowed,
        _never_left,
        _left_the_other_way,
        _edges_never_left,
        _all_others_left,
        _all_joined,
        _node_for_community,
        _without_weights,
        _without_chance,
        _half_of_the_edges,
        _chance_twice,
        _chance_halved,
        _times_m,
        _turned_round,
        _never_a_loss,
        _neighbours_counted,
        _degree_once,
        _degree_without_loop,
        _loop_left,
        _loop_joined,
        _totals_changed,
        _node_moved,
    ),
    why=(
        "Only two communities change, and of each only two sums. Inside: edges to the new community are won, "
        "edges to those left behind are lost; the self-loop is inside all the time. Totals: with S the total of "
        "those left behind and T that of the new community, (S + d)² + T² becomes S² + (T + d)², which is "
        "2 d (T - S) more; over (2 m)² that is d (T - S) / (2 m²). The node's own degree is in the old total, and "
        "must be taken out first. So a gain costs O(degree), where modularity costs O(m): Louvain asks for a gain "
        "at every step."
    ),
    draw=_draw_gain,
    after="Needed again: Louvain and Leiden ask this of each neighbouring community, and take the largest.",
)

# -------------------------------------------------------------------------------- 3: a graph that weighs too much


def _aggregate_cases(rng: Generator) -> Iterator[tuple[Neighbours, list[int]]]:
    """One node to seven: each node alone, some together, all in one; self-loops last."""
    cases: list[tuple[Neighbours, list[int]]] = [([{}], [0]), ([{0: 2.0}], [0])]
    for n in range(2, 8):
        for weights, loops in (((1,), False), (WEIGHTS, False), (WEIGHTS, True)):
            for communities in (list(range(n)), *(_communities(rng, n, k) for k in (2, 3, 3)), [0] * n):
                edges = _weighted(rng, n, weights, 0.7) + (_looped(rng, n) if loops else [])
                cases.append((_neighbours(n, edges), communities))
    yield from sorted(cases, key=lambda case: _stage(_edges_of(case[0]), len(case[1])))


def _edges_of(neighbours: Any) -> Edges:
    return [(u, v, w) for u, around in enumerate(neighbours) for v, w in around.items() if u <= v]


def aggregated(neighbours: Any, communities: Any) -> Any:
    """A typical slip, made for the course: right where a self-loop counts once in a degree, as in a matrix."""
    joined: Any = [{} for _ in range(max(communities) + 1)]
    for u, around in enumerate(neighbours):
        for v, w in around.items():
            a, b = communities[u], communities[v]
            joined[a][b] = joined[a].get(b, 0) + w
    return joined


def mended(neighbours: Neighbours, communities: list[int]) -> Neighbours:
    joined: Neighbours = [{} for _ in range(max(communities) + 1)]
    for u, around in enumerate(neighbours):
        for v, w in around.items():
            a, b = communities[u], communities[v]
            if a != b or u <= v:  # an edge inside is met from both ends, and counts once
                joined[a][b] = joined[a].get(b, 0) + w
    return joined


def _weight_between(neighbours: Any, communities: Any, a: int, b: int) -> float:
    """What the checker compares with: the weight of the edges that join communities a and b."""
    return sum(w for u, v, w in _edges_of(neighbours) if {communities[u], communities[v]} == {a, b})


def _is_neighbours(found: Any, neighbours: Any, communities: Any) -> bool:
    k = max(communities) + 1
    rows = isinstance(found, list | tuple) and len(found) == k and all(isinstance(row, dict) for row in found)
    entries = [(b, w) for row in found for b, w in row.items()] if rows else []
    return rows and all(b in range(k) and not isinstance(b, bool) and _is_number(w) for b, w in entries)


def _joined_right(asks: Callable[[int, int, Edges], bool]) -> Callable[..., bool]:
    """A property's `holds`: the weights are right of all a, b for which asks(a, b, edges)."""

    def holds(found: Any, neighbours: Any, communities: Any) -> bool:
        k, edges = max(communities) + 1, _edges_of(neighbours)
        asked = [(a, b) for a in range(k) for b in range(k) if asks(a, b, edges)]
        return all(_close(found[a].get(b, 0), _weight_between(neighbours, communities, a, b)) for a, b in asked)

    return holds


def _joined_with(
    worth: Callable[..., Any] = lambda w, a, b, u, v: w if a != b or u <= v else 0,
    added: Callable[[Any, Any], Any] = lambda before, w: before + w,
    at_end: Callable[[Any], Any] = lambda joined: joined,
) -> Callable[..., Any]:
    """A graph of communities that is right but for one of: what an edge from u in a to v in b is worth, how it
    is added to what is there, what is done at the end."""

    def aggregate(neighbours: Any, communities: Any) -> Any:
        joined: Any = [{} for _ in range(max(communities) + 1)]
        for u, around in enumerate(neighbours):
            for v, w in around.items():
                a, b = communities[u], communities[v]
                more = worth(w, a, b, u, v)
                if more:
                    joined[a][b] = added(joined[a].get(b, 0), more)
        return at_end(joined)

    return aggregate


def _halved(joined: Any) -> Any:
    return [{b: w / 2 if a == b else w for b, w in row.items()} for a, row in enumerate(joined)]


def _as_table(joined: Any) -> Any:
    return np.array([[row.get(b, 0) for b in range(len(joined))] for row in joined])


_everything_halved = _joined_with(worth=lambda w, a, b, u, v: w / 2)
_loops_halved_too = _joined_with(worth=lambda w, a, b, u, v: w, at_end=_halved)  # right on the first level
_inside_lost = _joined_with(worth=lambda w, a, b, u, v: w if a != b else 0)  # as a partition contracts
_inside_doubled = _joined_with(worth=lambda w, a, b, u, v: w if a != b or u == v else 2 * w)
_old_loops_lost = _joined_with(worth=lambda w, a, b, u, v: w if a != b or u < v else 0)
_old_loops_only = _joined_with(worth=lambda w, a, b, u, v: w if a != b or u == v else 0)
_old_loops_doubled = _joined_with(worth=lambda w, a, b, u, v: w if a != b or u != v else 2 * w)
_old_loops_twice = _joined_with(worth=lambda w, a, b, u, v: w * (1 + (u == v)) if a != b or u <= v else 0)
_one_way = _joined_with(worth=lambda w, a, b, u, v: w if u <= v else 0)
_upwards_only = _joined_with(worth=lambda w, a, b, u, v: w if a < b or (a == b and u <= v) else 0)
_edges_for_weights = _joined_with(worth=lambda w, a, b, u, v: 1 if a != b or u <= v else 0)
_last_edge = _joined_with(added=lambda before, w: w)
_heaviest_edge = _joined_with(added=max)
_table = _joined_with(at_end=_as_table)
_as_edges = _joined_with(at_end=lambda joined: [(a, b, w) for a, row in enumerate(joined) for b, w in row.items()])


def _both_from_each_end(neighbours: Any, communities: Any) -> Any:
    """Each edge is met twice, and written at both ends each time."""
    joined: Any = [{} for _ in range(max(communities) + 1)]
    for u, around in enumerate(neighbours):
        for v, w in around.items():
            a, b = communities[u], communities[v]
            for one, other in {(a, b), (b, a)}:
                joined[one][other] = joined[one].get(other, 0) + w
    return joined


def _a_row_for_each_node(neighbours: Any, communities: Any) -> Any:
    """As many rows as nodes: those behind the last community are empty."""
    joined = mended(neighbours, communities)
    return joined + [{} for _ in range(len(neighbours) + 1 - len(joined))]


def _loops_taken_out(neighbours: Any, communities: Any) -> Any:
    for u, around in enumerate(neighbours):
        around.pop(u, None)
    return mended(neighbours, communities)


def _draw_aggregate(neighbours: Neighbours, communities: list[int]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    title = _and_loops("to be made a graph of communities", _edges_of(neighbours))
    return draw_graph(_graph(neighbours), values=_told(communities), title=title)


AGGREGATE = Exercise(
    id="communities-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=2,
    minutes=5,
    cases=_aggregate_cases,
    properties=(
        Property(
            says="the answer is a list with a dictionary {community: weight} for each community",
            holds=_is_neighbours,
            hints=(
                "The same form as `neighbours`, with communities in the place of nodes.",
                "Look at how many dictionaries there are, and at what stands in them: communities are numbered "
                "0 ... k - 1.",
                "What `aggregated` returns has this form already; keep it.",
            ),
        ),
        Property(
            says="an edge between two communities stands in the dictionaries of both, and with the same weight",
            holds=lambda found, neighbours, communities: all(
                _close(found[b].get(a, 0), float(w)) for a, row in enumerate(found) for b, w in row.items()
            ),
            hints=(
                "The graph is undirected: who is whose neighbour is the same from both sides.",
                "Look at edges that you skip because they were met before: between communities both visits are "
                "needed.",
                "From u the edge goes into the dictionary of a, from v into that of b.",
            ),
        ),
        Property(
            says="between two communities it weighs what all edges between them weigh together, each once (all "
            "edges weigh 1 here)",
            holds=_joined_right(lambda a, b, edges: a != b and _are_plain(edges)),
            hints=(
                "That was right in `aggregated`: each of its visits writes into another dictionary.",
                "Look at what you changed for a != b, and at how the weights of several edges become one.",
                "Add w to what is there; one visit, one dictionary.",
            ),
        ),
        Property(
            says="the self-loop weighs what all edges inside weigh together, each once (all edges weigh 1 here, "
            "and the graph given has no self-loops)",
            holds=_joined_right(lambda a, b, edges: _are_plain(edges)),
            hints=(
                "Compare m before and after. Is it larger or smaller, and by which edges?",
                "Look at an edge inside: in which dictionaries does it stand, so how many times do you meet it, "
                "and where does each visit write? Is it added to what is there?",
                "Both visits write into the dictionary of a, at a. One of the two is enough: say, from the lower "
                "end.",
            ),
        ),
        Property(
            says="an edge counts as much as it weighs (the graph given has no self-loops here)",
            holds=_joined_right(lambda a, b, edges: not _has_loop(edges)),
            hints=(
                "It is weights that are added up, not edges.",
                "Look at what you add for an edge, and at what you do with what is there already.",
                "Each visit has its w: that is added, or nothing.",
            ),
        ),
        Property(
            says="a self-loop that the graph already has is inside too, and counts once",
            holds=_joined_right(lambda a, b, edges: True),
            hints=(
                "On the second level the graph that is given has self-loops. In how many dictionaries does a loop "
                "stand?",
                "Look at u == v: this edge is met once, while all others inside are met twice.",
                "Halve the edges inside only where u and v differ; or take each edge once, u == v with them.",
            ),
        ),
    ),
    reference=mended,
    wrong=(
        aggregated,
        _everything_halved,
        _loops_halved_too,
        _inside_lost,
        _inside_doubled,
        _old_loops_lost,
        _old_loops_only,
        _old_loops_doubled,
        _old_loops_twice,
        _one_way,
        _upwards_only,
        _edges_for_weights,
        _last_edge,
        _heaviest_edge,
        _table,
        _as_edges,
        _both_from_each_end,
        _a_row_for_each_node,
        _loops_taken_out,
    ),
    why=(
        "An edge is met from both of its ends. Between two communities the visits write into two dictionaries, as "
        "they should. Inside one they write into the same place, so the self-loop comes out twice as heavy. "
        "Halving all self-loops at the end is right on the first level, and wrong from the second on: a loop that "
        "was there already is met once. The test that finds such slips is one number: m must stay what it is, and "
        "modularity with it. In a matrix the same lines are right, if A[u, u] holds both ends of a loop. It is a "
        "matter of convention, and it must be the same everywhere."
    ),
    draw=_draw_aggregate,
    after="Needed again: each level of Louvain and of Leiden is made by this.",
)

# -------------------------------------------------------------------------------- 4: two limits

CLIQUE = 5  # nodes
MEAN_DEGREE = 9
FOUND = (0.0, 0.3, 0.9)  # what may be nearest to Leiden's modularity
EIGHT = (10, 15, 22, 44, 12, 0, 0.3, 18)


def ring_of_cliques(cliques: int, size: int = CLIQUE) -> Edges:
    """Cliques of `size` nodes, numbered clique by clique, each joined to the next by one edge."""
    inside = [(size * q + u, size * q + v, 1.0) for q in range(cliques) for u, v in combinations(range(size), 2)]
    return inside + [(size * q + size - 1, size * ((q + 1) % cliques), 1.0) for q in range(cliques)]


def _eight_right(k: int) -> Callable[[Any], bool]:
    return lambda found: _close(found[k], EIGHT[k])


def _draw_ring() -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    cliques = 6
    graph = as_graph([(u, v) for u, v, _ in ring_of_cliques(cliques)], n=cliques * CLIQUE)
    middle = np.repeat(np.arange(cliques), CLIQUE) * 2 * np.pi / cliques
    own = np.tile(np.radians([-108, -36, 36, 180, 108]), cliques) + middle  # the first and the last face outwards
    at = 3.5 * np.column_stack([np.cos(middle), np.sin(middle)]) + np.column_stack([np.cos(own), np.sin(own)])
    alt = "A ring of six cliques of five nodes each. One edge joins each clique to the next."
    return draw_graph(graph, positions=at, alt=alt, title="a ring of six cliques", size=(5.0, 5.0))


PREDICTED = Exercise(
    id="communities-4",
    level="core",
    form="predict",
    difficulty=3,
    importance=3,
    minutes=7,
    cases=once,
    properties=(
        Property(
            says="the answer is a flat list of eight numbers, and (g) is one of 0, 0.3 and 0.9",
            holds=lambda found: _is_real(found, (8,)) and float(found[6]) in FOUND,
            hints=(
                "One number for each letter, from a to h.",
                "Count the numbers in your list, and look for inner brackets, words and quotation marks.",
                "It looks like [a, b, c, d, e, f, g, h], with a number for each.",
            ),
        ),
        Property(
            says="(a) 10 cliques: the number of communities with the higher modularity",
            holds=_eight_right(0),
            hints=(
                "Work out both: inside and total of one community, times how many there are.",
                "Look at the edges of one clique: 10 inside and 2 that leave, shared with neighbours. So "
                "m is 11 times the number of cliques, and a clique's share of all ends is 1 / 10.",
                "10/11 less 1/10, against 21/22 less 1/5.",
            ),
        ),
        Property(
            says="(b) 30 cliques: the number of communities with the higher modularity",
            holds=_eight_right(1),
            hints=(
                "The same sum, with a smaller share for each.",
                "Look at what is taken away: with many communities it is little either way, while the edges "
                "between cliques are as many.",
                "10/11 less 1/30, against 21/22 less 1/15; then say how many communities that are.",
            ),
        ),
        Property(
            says="(c) how many cliques make both equally good",
            holds=_eight_right(2),
            hints=(
                "What do pairs win, and what do they lose?",
                "Look at both sums with q cliques: 10/11 against 21/22 inside, 1 / q against 2 / q taken away.",
                "They win 1/22 inside, and lose 1 / q.",
            ),
        ),
        Property(
            says="(d) how many at resolution 2",
            holds=_eight_right(3),
            hints=(
                "What chance takes away now counts twice.",
                "Look at your sum for (c): which of the two sides changes, and by how much?",
                "They win 1/22 still, and lose 2 / q.",
            ),
        ),
        Property(
            says="(e) two groups, c = 9: from which c_in on they can be found",
            holds=_eight_right(4),
            hints=(
                "Two conditions for c_in and c_out: their mean, and how far they are apart.",
                "Look at c: for two groups it is the mean of c_in and c_out. And how large is 2 √9?",
                "c_in + c_out = 18, and c_in - c_out = 6.",
            ),
        ),
        Property(
            says="(f) c_in = 11, c_out = 7: the adjusted Rand index of the best method in large graphs",
            holds=_eight_right(5),
            hints=(
                "On which side of the threshold is that?",
                "Look at 11 - 7 and at your answer to (e). What is the adjusted Rand index of guessing?",
                "The index is adjusted so that chance has a value of its own, which is not 1 and not 0.5.",
            ),
        ),
        Property(
            says="(g) the modularity of the communities that Leiden finds there",
            holds=_eight_right(6),
            hints=(
                "Leiden does not look for your groups. It looks for high modularity.",
                "Look at what it may choose from: of all divisions of the graph the best. Even without groups "
                "some are much better than chance; yet each node has nine edges, so not nearly all are inside.",
                "Neither nothing nor nearly all.",
            ),
        ),
        Property(
            says="(h) four groups, c = 9: from which c_in on they can be found",
            holds=_eight_right(7),
            hints=(
                "Again two conditions, now with k = 4.",
                "Look at c: a node has one own group and three others. And how large is 4 √9?",
                "c_in + 3 c_out = 36, and c_in - c_out = 12.",
            ),
        ),
    ),
    reference=list(EIGHT),
    wrong=(
        [10, 15, 22, 44],
        [[10, 15, 22, 44], [12, 0, 0.3, 18]],
        [10, 15, 22, 44, 12, 0, 0.32, 18],
        [5, *EIGHT[1:]],  # pairs at once: more edges inside
        [10, 30, *EIGHT[2:]],  # the cliques are plain to see
        [10, 5, *EIGHT[2:]],
        [10, 15, 20, *EIGHT[3:]],  # s (s - 1)
        [10, 15, 21, *EIGHT[3:]],  # an edge of the pair forgotten
        [10, 15, 11, *EIGHT[3:]],  # edges of a clique
        [10, 15, 22, 22, *EIGHT[4:]],  # resolution changes nothing
        [10, 15, 22, 11, *EIGHT[4:]],  # the other way
        [10, 15, 22, 88, *EIGHT[4:]],  # squared
        [10, 15, 22, 44, 15, *EIGHT[5:]],  # 9 + 6
        [10, 15, 22, 44, 10.5, *EIGHT[5:]],  # √9 alone
        [10, 15, 22, 44, 9 + sqrt(2 * 9) / 2, *EIGHT[5:]],  # the root of k c
        [10, 15, 22, 44, 18, *EIGHT[5:]],  # 2 c
        [10, 15, 22, 44, 12, 0.5, *EIGHT[6:]],  # half are right by chance
        [10, 15, 22, 44, 12, 1, *EIGHT[6:]],  # large graphs tell all
        [10, 15, 22, 44, 12, 4 / 6, *EIGHT[6:]],
        [10, 15, 22, 44, 12, 0, 0, 18],  # nothing to be found, so nothing is found
        [10, 15, 22, 44, 12, 0, 0.9, 18],
        [*EIGHT[:7], 12],  # as with two
        [*EIGHT[:7], 15],  # 12 / 2 above the mean
        [*EIGHT[:7], 21],  # 9 + 12
        [*EIGHT[:7], 13.5],  # 2 √9 for 4 √9
    ),
    why=(
        "A clique has 10 edges inside, of 11 for each clique; a pair 21 of 22. With q cliques that is 10/11 - 1/q "
        "against 21/22 - 2/q: equal at q = 22, and beyond it modularity prefers pairs, though nobody would. A "
        "community may be too small to be seen, because the rest of the graph has grown: this is the resolution "
        "limit. Resolution 2 moves it to 44, and does not remove it. For two groups c_in + c_out = 18 and "
        "c_in - c_out = 6 give 12 and 6; for four, c_in + 3 c_out = 36 and c_in - c_out = 12 give 18 and 6. At "
        "11 and 7 groups are there, and no method finds them better than by guessing: the index is 0. Leiden "
        "returns communities all the same, of modularity about 0.3: what chance left over, found by looking "
        "through very many divisions. A high modularity alone proves nothing. It has to be compared with that of "
        "graphs without groups."
    ),
    draw=_draw_ring,
    after="Needed again: this comparison is what the neurons are asked with.",
)

# -------------------------------------------------------------------------------- 5: pieces

MOST_READS = 3
LONG = 2000  # nodes on a path, more than functions may call each other
Torn = tuple["Ints", Counted, "Ints"]


def _torn_cases(rng: Generator) -> Iterator[Torn]:
    """One node to nine, one community to four, in sparse graphs; then two long paths."""
    for n in range(1, 10):
        for k in sorted({1, 2, min(4, n), n}):
            for density in (0.2, 0.5):
                loops = _looped(rng, n) if rng.random() < 0.3 else []
                edges = _weighted(rng, n, (1,), density) + loops
                yield _torn(as_graph([edge[:2] for edge in edges], n=n), _communities(rng, n, k))
    for communities in ([0] * LONG, [v // 3 % 2 for v in range(LONG)]):
        names = rng.permutation(LONG)
        graph = as_graph(np.column_stack([names[:-1], names[1:]]).tolist(), n=LONG)
        own = np.empty(LONG, np.int64)
        own[names] = communities
        yield _torn(graph, _by_first_appearance(own.tolist()))


def _torn(graph: Graph, communities: list[int]) -> Torn:
    return graph.indptr, Counted(graph.indices), np.array(communities)


def split(indptr: Ints, indices: Ints, communities: Ints) -> Ints:
    piece = np.full(len(communities), -1)
    pieces = 0
    for start in range(len(communities)):
        if piece[start] >= 0:
            continue
        piece[start] = pieces
        waiting = [start]
        while waiting:
            u = waiting.pop()
            for v in indices[indptr[u] : indptr[u + 1]]:
                if piece[v] < 0 and communities[v] == communities[u]:
                    piece[v] = pieces
                    waiting.append(v)
        pieces += 1
    return piece


def _uncounted(indices: Any) -> Any:
    return indices.uncounted if isinstance(indices, Counted) else indices


def _ends_inside(indptr: Any, indices: Any, communities: Any) -> Any:
    """(u, v) of all arcs inside communities; what the checker looks at."""
    u, v = np.repeat(np.arange(len(communities)), np.diff(indptr)), _uncounted(indices)
    inside = communities[u] == communities[v]
    return u[inside], v[inside]


def _wanted_pieces(indptr: Any, indices: Any, communities: Any) -> Any:
    """What the checker compares with: components of the graph without the edges between communities."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    u, v = _ends_inside(indptr, indices, communities)
    n = len(communities)
    _, piece = connected_components(coo_array((np.ones(len(u)), (u, v)), shape=(n, n)), directed=False)
    return np.array(_numbered(piece))


def _numbered(piece: Any) -> list[int]:
    order: dict[int, int] = {}
    return [order.setdefault(int(number), len(order)) for number in piece]


def _are_numbers(found: Any, indptr: Any, indices: Any, communities: Any) -> bool:
    array = np.asarray(found)
    return array.shape == communities.shape and array.dtype.kind in "iu" and bool((array >= 0).all())


def _tears_nothing(found: Any, indptr: Any, indices: Any, communities: Any) -> bool:
    u, v = _ends_inside(indptr, indices, communities)
    array = np.asarray(found)
    return bool((array[u] == array[v]).all())


def _keeps_apart(found: Any, indptr: Any, indices: Any, communities: Any) -> bool:
    """Whether no number stands in two communities."""
    pairs = set(zip(np.asarray(found).tolist(), communities.tolist(), strict=True))
    return len(pairs) == len({piece for piece, _ in pairs})


def _all_connected(found: Any, indptr: Any, indices: Any, communities: Any) -> bool:
    """Whether there are no fewer pieces than components inside communities: with the two above, that is enough."""
    return len(set(np.asarray(found).tolist())) >= _wanted_pieces(indptr, indices, communities).max() + 1


def _searched(
    indptr: Any,
    indices: Any,
    communities: Any,
    *,
    enters: Callable[[int, int], bool],
    starts: Any = None,
    marks_late: bool = False,
    steps: int = LONG * LONG,
) -> Any:
    """Pieces by a search; the wrong answers differ in where it goes, where it starts, when it marks a node."""
    piece, pieces = np.full(len(communities), -1), 0
    for start in range(len(communities)) if starts is None else starts:
        if piece[start] >= 0:
            continue
        waiting, visited = [start], 0
        if not marks_late:
            piece[start] = pieces
        while waiting and visited < steps:
            u, visited = waiting.pop(), visited + 1
            piece[u] = pieces
            for v in indices[indptr[u] : indptr[u + 1]]:
                if piece[v] < 0 and enters(u, v):
                    waiting.append(v)
                    if not marks_late:
                        piece[v] = pieces
        pieces += 1
    return piece


def _components(indptr: Any, indices: Any, communities: Any) -> Any:
    """Communities are not asked for."""
    return _searched(indptr, indices, communities, enters=lambda u, v: True)


def _through_others(indptr: Any, indices: Any, communities: Any) -> Any:
    """Paths may leave the community and come back."""
    component = _components(indptr, indices, communities)
    pairs = list(zip(component.tolist(), communities.tolist(), strict=True))
    order = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    return np.array([order[pair] for pair in pairs])


def _as_they_are(indptr: Any, indices: Any, communities: Any) -> Any:
    return communities.copy()


def _all_alone(indptr: Any, indices: Any, communities: Any) -> Any:
    return np.arange(len(communities))


def _one_step(indptr: Any, indices: Any, communities: Any) -> Any:
    """A node and its neighbours, and not theirs."""
    inside = lambda u, v: communities[u] == communities[v]  # noqa: E731
    return _searched(indptr, indices, communities, enters=inside, steps=1)


def _from_an_earlier_neighbour(indptr: Any, indices: Any, communities: Any) -> Any:
    """One walk over the nodes: two pieces that turn out to be one stay two."""
    piece, pieces = np.full(len(communities), -1), 0
    for u in range(len(communities)):
        around = [v for v in indices[indptr[u] : indptr[u + 1]] if communities[v] == communities[u] and v < u]
        piece[u] = piece[around[0]] if around else pieces
        pieces += not around
    return piece


def _first_piece_and_rest(indptr: Any, indices: Any, communities: Any) -> Any:
    """Each community in two at most."""
    piece = split(indptr, indices, communities)
    first: dict[int, int] = {}
    for c, number in zip(communities.tolist(), piece.tolist(), strict=True):
        first.setdefault(c, number)
    pairs = [(c, n == first[c]) for c, n in zip(communities.tolist(), piece.tolist(), strict=True)]
    return np.array(_numbered([list(dict.fromkeys(pairs)).index(pair) for pair in pairs]))


def _without_edges_left_out(indptr: Any, indices: Any, communities: Any) -> Any:
    """The search starts at edges: a node that has none inside keeps its -1."""
    piece = split(indptr, indices, communities)
    u, _ = _ends_inside(indptr, indices, communities)
    return np.where(np.isin(np.arange(len(piece)), u), piece, -1)


def _numbered_in_each(indptr: Any, indices: Any, communities: Any) -> Any:
    """Pieces counted from 0 in each community."""
    piece = split(indptr, indices, communities)
    return np.array(
        [len(set(piece[:u][communities[:u] == communities[u]]) - {piece[u]}) for u in range(len(piece))]
    )


def _community_by_community(indptr: Any, indices: Any, communities: Any) -> Any:
    order = np.argsort(communities, kind="stable").tolist()
    return _searched(
        indptr, indices, communities, enters=lambda u, v: communities[u] == communities[v], starts=order
    )


def _named_by_first_node(indptr: Any, indices: Any, communities: Any) -> Any:
    piece = split(indptr, indices, communities)
    return np.unique(piece, return_index=True)[1][piece]


def _first_keeps_its_number(indptr: Any, indices: Any, communities: Any) -> Any:
    """New numbers for new pieces only."""
    piece = split(indptr, indices, communities)
    names: dict[int, int] = {}
    new = int(communities.max()) + 1
    for c, number in zip(communities.tolist(), piece.tolist(), strict=True):
        if number not in names:
            taken = c in names.values()
            names[number], new = (new, new + 1) if taken else (c, new)
    return np.array([names[number] for number in piece.tolist()])


def _counted_from_1(indptr: Any, indices: Any, communities: Any) -> Any:
    return split(indptr, indices, communities) + 1


def _each_community_scans_all(indptr: Any, indices: Any, communities: Any) -> Any:
    for c in set(communities.tolist()):
        for u in range(len(communities)):
            _ = [v for v in indices[indptr[u] : indptr[u + 1]] if communities[u] == communities[v] == c]
    return split(indptr, _uncounted(indices), communities)


def _each_node_searches(indptr: Any, indices: Any, communities: Any) -> Any:
    """A search from every node: the lowest node that it meets names the piece."""
    names = []
    for start in range(len(communities)):
        met, waiting = {start}, [start]
        while waiting:
            u = waiting.pop()
            around = [v for v in indices[indptr[u] : indptr[u + 1]] if communities[v] == communities[u]]
            waiting += [v for v in around if v not in met]
            met.update(around)
        names.append(min(met))
    return np.array(_numbered(names))


def _marked_late(indptr: Any, indices: Any, communities: Any) -> Any:
    """A node waits as many times as it has neighbours that were there before it."""
    return _searched(
        indptr, indices, communities, enters=lambda u, v: communities[u] == communities[v], marks_late=True
    )


def _recursive(indptr: Any, indices: Any, communities: Any) -> Any:
    piece = np.full(len(communities), -1)

    def visit(u: int, number: int) -> None:
        piece[u] = number
        for v in indices[indptr[u] : indptr[u + 1]]:
            if piece[v] < 0 and communities[v] == communities[u]:
                visit(v, number)

    for start in range(len(communities)):
        if piece[start] < 0:
            visit(start, piece.max() + 1)
    return piece


def _lists_of_nodes(indptr: Any, indices: Any, communities: Any) -> Any:
    piece = split(indptr, indices, communities)
    return [np.flatnonzero(piece == number).tolist() for number in range(piece.max() + 1)]


def _in_place(indptr: Any, indices: Any, communities: Any) -> Any:
    communities[:] = split(indptr, indices, communities.copy())
    return communities


def _draw_torn(indptr: Ints, indices: Any, communities: Ints) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    sources = np.repeat(np.arange(len(communities)), np.diff(indptr))
    edges = [(u, v) for u, v in zip(sources.tolist(), _uncounted(indices).tolist(), strict=True) if u <= v]
    graph = as_graph(edges, n=len(communities))
    if graph.n == LONG:
        return draw_graph(
            graph, title=f"a path of {LONG} nodes", alt=f"A path of {LONG} nodes, too long to be read."
        )
    return draw_graph(graph, values=_told(communities), title="each node and its community")


DEPTH = replace(
    RUNS,
    hints=(
        "On a long path a function that calls itself for each neighbour goes too deep.",
        "Look at the function that calls itself: Python allows about a thousand calls inside each other.",
        "Keep the nodes that wait in a list: take one out, put its new neighbours in, until the list is empty.",
    ),
)

SPLIT = Exercise(
    id="communities-5",
    level="stretch",
    form="implement",
    difficulty=2,
    importance=1,
    minutes=10,
    cases=_torn_cases,
    properties=(
        Property(
            says="the answer is an array with a whole number from 0 on for each node",
            holds=_are_numbers,
            hints=(
                "Each node is in a piece, also one that has no edges.",
                "Look at what you return, and whether a node still has the number that it had at the start.",
                "As long as `communities`; a lonely node is a piece of its own.",
            ),
        ),
        Property(
            says="no piece has nodes of two communities",
            holds=_keeps_apart,
            hints=(
                "Communities are only split, never joined.",
                "Look at the neighbours that your search enters, and at whether two communities use the same "
                "numbers.",
                "Enter a neighbour only if its community is the same; and count pieces over all communities "
                "together.",
            ),
        ),
        Property(
            says="neighbours of one community are in one piece",
            holds=_tears_nothing,
            hints=(
                "What is connected stays together.",
                "Look at how far your search goes: neighbours of neighbours are in the piece as well. And may two "
                "pieces meet at a node that comes later?",
                "A piece is done when no node in it has a neighbour of its community that is outside.",
            ),
        ),
        Property(
            says="each piece is connected: a path joins its nodes, and never leaves the community",
            holds=_all_connected,
            hints=(
                "Two pieces of yours are one, without a path between them.",
                "Look at paths through other communities: they do not count. And how many pieces may a community "
                "have?",
                "Search inside the community, and start anew at each node that has no piece yet.",
            ),
        ),
        Property(
            says="the pieces are numbered by first appearance",
            holds=lambda found, *given: np.array_equal(found, _wanted_pieces(*given)),
            hints=(
                "The pieces are right, their numbers are not.",
                "Look at node 0, which is in piece 0; the first node that is not in its piece is in piece 1.",
                "Start the searches at 0, 1, 2 ... in this order, and count one up for each that starts.",
            ),
        ),
        Property(
            says=f"each entry of indices is read {MOST_READS} times at most",
            holds=lambda found, indptr, indices, communities: indices.reads.max(initial=0) <= MOST_READS,
            hints=(
                "The row of a node need be read only once.",
                "Look at what is repeated: a walk over all edges for each community, a search from each node, or "
                "a node that waits several times in the same list.",
                "Give a node its number when it is put in the list, not when it is taken out; and read a row when "
                "its node is taken out.",
            ),
        ),
    ),
    reference=split,
    wrong=(
        _components,
        _through_others,
        _as_they_are,
        _all_alone,
        _one_step,
        _from_an_earlier_neighbour,
        _first_piece_and_rest,
        _without_edges_left_out,
        _numbered_in_each,
        _community_by_community,
        _named_by_first_node,
        _first_keeps_its_number,
        _counted_from_1,
        _each_community_scans_all,
        _each_node_searches,
        _marked_late,
        _recursive,
        _lists_of_nodes,
        _in_place,
    ),
    why=(
        "A search that enters neighbours of its own community only. Each node is put in the list once and its row "
        "is read once, so it costs O(n + m), however many communities there are. Modularity cannot fall: no edge "
        "inside is lost, and the squares of the pieces' totals add up to no more than the square of their sum. So "
        "a community that is not connected is never better than its pieces. Louvain can leave one behind, when "
        "the node that held it together moves away later. To split at the end mends that alone; Leiden refines "
        "on every level, so that what it aggregates is connected."
    ),
    draw=_draw_torn,
    raised={RecursionError: DEPTH},
    after="Try it on Louvain's communities from several seeds: is the number of pieces ever larger?",
)

EXERCISES = (MODULARITY, GAIN, AGGREGATE, PREDICTED, SPLIT)
