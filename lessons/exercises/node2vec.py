"""The exercises of notebook 09: the weight of a step, the dialogue's walk, what q does, each step is an edge,
a walk that reads a few neighbours only."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate, chain, combinations, pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Counted, Exercise, Property, once
from lessons.exercises.graph_signals import _is_real
from lessons.graph import as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int32]

BIASES = ((0.25, 4.0), (2.0, 0.5), (4.0, 0.25), (0.5, 3.0))  # (p, q): neither 1, nor each other's inverse only

# -------------------------------------------------------------------------------- 1: the weight of a step

Weighted = dict[str, dict[str, float]]


def _step_cases(rng: Generator) -> Iterator[tuple[Weighted, str | None, str, float, float]]:
    """One node to six: first steps, and steps after each kind of edge; edges both ways first, then directed."""
    yield {"a": {}}, None, "a", 2.0, 0.5
    yield {"a": {"a": 3.0}}, None, "a", 2.0, 0.5
    yield {"a": {"a": 3.0}}, "a", "a", 2.0, 0.5
    yield {"a": {"b": 2.0}, "b": {}}, "a", "b", 0.5, 3.0
    yield {"a": {"b": 2.0}, "b": {"a": 5.0}}, "a", "b", 0.5, 3.0
    for n in range(2, 7):
        for number in range(14):
            successors = _weighted_graph(rng, n, directed=number % 14 > 6, zeros=number % 7 > 3)
            steps = [(t, v) for t, row in successors.items() for v, weight in row.items() if weight > 0]
            t, v = steps[rng.integers(len(steps))] if number % 7 else (None, "abcdef"[rng.integers(n)])
            p, q = BIASES[int(rng.integers(len(BIASES)))]
            yield successors, t, v, p, q


def _weighted_graph(rng: Generator, n: int, *, directed: bool, zeros: bool) -> Weighted:
    """With a -> b at least; loops now and then, and weights that are 0 where asked for."""
    names = "abcdef"[:n]
    there = rng.random((n, n)) < 0.55
    there &= ~np.eye(n, dtype=bool) | (rng.random((n, n)) < 0.4)
    weights = rng.integers(1, 6, (n, n)) * (rng.random((n, n)) < (0.6 if zeros else 1.0)).astype(np.float64)
    there[0, 1], weights[0, 1] = True, 2.0
    if not directed:
        there, weights = np.triu(there) | np.triu(there).T, np.triu(weights) + np.triu(weights, 1).T
    return {u: {v: float(weights[i, j]) for j, v in enumerate(names) if there[i, j]} for i, u in enumerate(names)}


def step_weights(successors: Weighted, previous: str | None, current: str, p: float, q: float) -> dict[str, float]:
    weights = {}
    for x, weight in successors[current].items():
        if previous is None:
            alpha = 1.0
        elif x == previous:
            alpha = 1 / p
        elif x in successors[previous]:
            alpha = 1.0
        else:
            alpha = 1 / q
        weights[x] = alpha * weight
    return weights


def _kind(successors: Any, t: Any, x: Any) -> str:
    """How the next node lies to the one before: what the properties below distinguish."""
    if t is None:
        return "first"
    if x == t:
        return "back"
    if successors[t].get(x) == 0:
        return "by an edge of weight 0"
    there, here = x in successors[t], t in successors[x]
    return "one way" if there != here else "near" if there else "far"


def _right_where(*kinds: str) -> Callable[..., bool]:
    """A property's `holds`: the weights of the nodes of these kinds are those of the definition."""

    def holds(found: Any, successors: Any, previous: Any, current: Any, p: Any, q: Any) -> bool:
        wanted = step_weights(successors, previous, current, p, q)
        asked = [x for x in wanted if _kind(successors, previous, x) in kinds]
        return all(np.isclose(float(found[x]), wanted[x], rtol=1e-6, atol=0) for x in asked)

    return holds


def _is_a_dictionary(found: Any, successors: Any, previous: Any, current: Any, p: Any, q: Any) -> bool:
    return (
        isinstance(found, dict)
        and set(found) == set(successors[current])
        and _is_real(list(found.values()), (len(found),))
    )


def _by_alpha(rule: Callable[..., float]) -> Callable[..., Any]:
    """The weights with another alpha, `rule(successors, t, v, x, p, q)`; at the first step right."""

    def weights(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
        after = successors[current].items()
        if previous is None:
            return dict(after)
        return {x: weight * rule(successors, previous, current, x, p, q) for x, weight in after}

    return weights


def _with_factors(back: float, near: float, far: float, successors: Any, t: Any, x: Any) -> float:
    return back if x == t else near if x in successors[t] else far


_times_p_and_q = _by_alpha(lambda s, t, v, x, p, q: _with_factors(p, 1, q, s, t, x))
_p_for_q = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / q, 1, 1 / p, s, t, x))
_q_for_the_near = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / p, 1 / q, 1, s, t, x))
_without_p = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1, 1, 1 / q, s, t, x))
_without_q = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / p, 1, 1, s, t, x))
_against_the_edge = _by_alpha(lambda s, t, v, x, p, q: 1 / p if x == t else 1 if t in s[x] else 1 / q)
_either_way = _by_alpha(lambda s, t, v, x, p, q: 1 / p if x == t else 1 if x in s[t] or t in s[x] else 1 / q)
_far_from_where_it_is = _by_alpha(lambda s, t, v, x, p, q: 1 / p if x == t else 1 if x in s[v] else 1 / q)
_loops_first = _by_alpha(lambda s, t, v, x, p, q: 1 if x in s[t] else 1 / p if x == t else 1 / q)
_stays_for_goes_back = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / p, 1, 1 / q, s, v, x))
_by_weights_above_0 = _by_alpha(lambda s, t, v, x, p, q: 1 / p if x == t else 1 if s[t].get(x) else 1 / q)
_alpha_only = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / p, 1, 1 / q, s, t, x) / (s[v][x] or 1))
_both_edges = _by_alpha(lambda s, t, v, x, p, q: _with_factors(1 / p, s[t].get(x, 1), 1 / q, s, t, x))


def _first_step_far(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    """None is nobody's neighbour, so that all at the first step is far."""
    near = successors.get(previous, {})
    after = successors[current].items()
    return {x: w * (1 / p if x == previous else 1 if x in near else 1 / q) for x, w in after}


def _first_step_alike(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    if previous is None:
        return dict.fromkeys(successors[current], 1.0)
    return step_weights(successors, previous, current, p, q)


def _from_itself(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    """The node before the first is the first: a loop there looks like a way back."""
    return step_weights(successors, current if previous is None else previous, current, p, q)


def _no_first_step(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    return {x: w * _with_factors(1 / p, 1, 1 / q, successors, previous, x) for x, w in successors[current].items()}


def _as_chances(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    weights = step_weights(successors, previous, current, p, q)
    total = sum(weights.values()) or 1.0
    return {x: weight / total for x, weight in weights.items()}


def _of_the_one_before(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    """Steps from the wrong node."""
    return step_weights(successors, previous, current if previous is None else previous, p, q)


def _only_where_it_may_go(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    weights = step_weights(successors, previous, current, p, q)
    return {x: weight for x, weight in weights.items() if weight}


def _without_names(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    return list(step_weights(successors, previous, current, p, q).values())


def _written_in(successors: Any, previous: Any, current: Any, p: Any, q: Any) -> Any:
    weights = step_weights(successors, previous, current, p, q)
    successors[current].update(weights)
    return successors[current]


def _draw_step(successors: Weighted, previous: str | None, current: str, p: float, q: float) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(u, v, weight) for u, row in successors.items() for v, weight in row.items()]
    graph = as_graph(edges, nodes=list(successors), directed=True)
    came = f"{previous} → {current}" if previous else f"first step from {current}"
    marked = [current] if previous is None else [previous, current]
    return draw_graph(graph, marked=marked, title=f"{came}, p = {p:g}, q = {q:g}")


NO_SUCH_KEY = replace(
    RUNS,
    hints=(
        "What the message names is no key: None, who is before the first step, has no edges; and an edge need "
        "not have its way back.",
        "Look at what you ask of successors[...] before you know that previous is not None, and the edge there.",
        "Ask for `previous is None` first. After that, `in` tells whether there is an edge, and raises nothing.",
    ),
)

WEIGHTS = Exercise(
    id="node2vec-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=5,
    cases=_step_cases,
    properties=(
        Property(
            says="the answer is a dictionary, a number for each node that `current` has an edge to, and no other",
            holds=_is_a_dictionary,
            hints=(
                "The walk is at `current`, and goes along an edge that leaves it.",
                "Look at whose edges you go through, and what you do with an edge that weighs 0.",
                "Go through successors[current].items(); each node there becomes a key, whatever it weighs.",
            ),
        ),
        Property(
            says="at the first step it is the weight of the edge: nobody is before it",
            holds=_right_where("first"),
            hints=(
                "alpha compares with the node before. Where there is none, it has nothing to say.",
                "Look at what your function does where previous is None, also at a loop from current to itself.",
                "For None every alpha is 1, so the weight is left as it is; the numbers need not add up to 1.",
            ),
        ),
        Property(
            says="back to the node before: the weight of the edge divided by p",
            holds=_right_where("back"),
            hints=(
                "A large p makes the way back rare. Does yours?",
                "Look at the case x == previous: it comes before all others, as that node may have a loop.",
                "alpha is 1 / p there, and the weight is that of the edge current -> previous.",
            ),
        ),
        Property(
            says="to a node that has edges from and to the one before: the weight of the edge itself",
            holds=_right_where("near"),
            hints=(
                "Such a node is as near to the one before as current is: alpha is 1.",
                "Look at whose edge you multiply with: current's alone. And from whom you measure how near x is.",
                "It is near if it is one of successors[previous].",
            ),
        ),
        Property(
            says="to a node that has no edge with the one before: the weight of the edge divided by q",
            holds=_right_where("far"),
            hints=(
                "A large q makes steps away from the one before rare. Does yours?",
                "Look at what is left when x is neither the node before nor next to it.",
                "alpha is 1 / q there; from current all are one edge away, so that cannot tell them apart.",
            ),
        ),
        Property(
            says="where there is an edge one way only, it is the one from `previous` to x that counts",
            holds=_right_where("one way"),
            hints=(
                "The graph is directed: u may have an edge to v, and v none to u.",
                "Look at which of the two rows you look into: that of previous, or that of x?",
                "Distance is measured along edges, starting at previous: x must be among *its* successors.",
            ),
        ),
        Property(
            says="an edge that weighs 0 is an edge all the same: x is near if previous -> x weighs 0",
            holds=_right_where("by an edge of weight 0"),
            hints=(
                "Whether there is an edge is one question, how much it weighs another.",
                "Look at how you ask for the edge: 0.0 counts as False.",
                "`in` asks for the key; get(x) gives the weight, which may be 0.",
            ),
        ),
    ),
    reference=step_weights,
    wrong=(
        _times_p_and_q,
        _p_for_q,
        _q_for_the_near,
        _without_p,
        _without_q,
        _against_the_edge,
        _either_way,
        _far_from_where_it_is,
        _loops_first,
        _stays_for_goes_back,
        _by_weights_above_0,
        _alpha_only,
        _both_edges,
        _first_step_far,
        _first_step_alike,
        _from_itself,
        _no_first_step,
        _as_chances,
        _of_the_one_before,
        _only_where_it_may_go,
        _without_names,
        _written_in,
    ),
    why=(
        "alpha asks how far x is from the node before, along edges that leave it: no step, 1 / p; one step, 1; "
        "two steps, 1 / q. More cannot be: current itself is one step away. So one look into successors[previous] "
        "is enough, and nothing of it depends on how heavy that edge is. The numbers are no chances yet; divided "
        "by their sum they are. The authors' own program asks for the edge x -> previous, which is the same where "
        "edges have no direction."
    ),
    draw=_draw_step,
    raised={KeyError: NO_SUCH_KEY},
    after="Needed again: exercise 5 draws by these weights without writing all of them down.",
)

# -------------------------------------------------------------------------------- 2: the dialogue's walk

Choose = Callable[[Any, Any], Any]


def _walk_cases(rng: Generator) -> Iterator[tuple[dict[int, list[int]], int, int, float, float, Choose]]:
    """One node to six, walks of one node to eight: edges both ways first, then dead ends, then directed edges."""
    small: tuple[dict[int, list[int]], ...] = (
        {0: [1], 1: [0]},
        {0: [1, 2], 1: [0, 2], 2: [0, 1]},
        {0: [0, 1], 1: [0]},
        {0: [1], 1: [0, 2], 2: [1, 3], 3: [2]},
        {0: [1, 2, 3, 4], 1: [0], 2: [0], 3: [0], 4: [0]},
        {0: []},
        {0: [1], 1: []},
        {0: [1], 1: [2], 2: [0]},
    )
    graphs = [(small[5], 1), *((graph, length) for graph in small for length in (2, 3, 6))]
    graphs += [(_successors(rng, n, directed=d > 0), 8) for n in range(3, 7) for d in (0, 0, 1, 1, 1)]
    for number, (successors, length) in enumerate(graphs):
        p, q = BIASES[number % len(BIASES)]
        yield successors, int(rng.integers(len(successors))), length, p, q, _chooser(int(rng.integers(2**31)))


def _successors(rng: Generator, n: int, *, directed: bool) -> dict[int, list[int]]:
    """Lists of the nodes that each node has an edge to, not in order; where undirected none is without."""
    A = rng.random((n, n)) < 0.45
    A |= np.eye(n, k=1, dtype=bool)
    if not directed:
        A = A | A.T
    return {u: rng.permutation(np.flatnonzero(A[u])).tolist() for u in range(n)}


def _chooser(seed: int) -> Choose:
    """`choose(nodes, weights)`, which keeps what it was asked and gave in `choose.asked`.

    It gives any node, each as likely: what is judged are the weights that it was given.
    """
    rng = np.random.default_rng(seed)

    def choose(nodes: Any, weights: Any) -> Any:
        nodes, weights = list(nodes), [float(weight) for weight in weights]
        if not nodes:
            raise ValueError("choose() was given no nodes: there is nothing to choose from")
        if len(nodes) != len(weights):
            raise ValueError(f"choose() was given {len(nodes)} nodes and {len(weights)} weights")
        if len(choose.asked) == ENOUGH:  # type: ignore[attr-defined]
            raise RuntimeError(f"choose() was asked {ENOUGH} times: does your walk ever end?")
        chosen = nodes[rng.integers(len(nodes))]
        choose.asked.append((nodes, weights, chosen))  # type: ignore[attr-defined]
        return chosen

    choose.asked = []  # type: ignore[attr-defined]
    return choose


SEQUENCES = list | tuple | np.ndarray  # a walk; an iterator may have no end
ENOUGH = 100  # choices, for a walk of 8 nodes


def dialogue_walk(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """From the bug museum, written anew."""
    walk = [start]
    previous = start
    for _ in range(1, length):
        weights = []
        for x in successors[previous]:
            if x == walk[-2]:
                weights.append(1 / p)
            elif walk[-2] in successors[x]:
                weights.append(1)
            else:
                weights.append(1 / q)
        previous = choose(successors[previous], weights)
        walk.append(previous)
    return walk


def mended_walk(
    successors: dict[int, list[int]], start: int, length: int, p: float, q: float, choose: Choose
) -> list[int]:
    walk = [start]
    while len(walk) < length and successors[walk[-1]]:
        weights: list[float] = []
        for x in successors[walk[-1]]:
            if len(walk) == 1:
                weights.append(1)
            elif x == walk[-2]:
                weights.append(1 / p)
            elif x in successors[walk[-2]]:
                weights.append(1)
            else:
                weights.append(1 / q)
        walk.append(choose(successors[walk[-1]], weights))
    return walk


def _steps(found: Any, choose: Any) -> Iterator[tuple[list[Any], dict[Any, float]]]:
    """The walk up to each step, and the share of the weights that each node had there."""
    for k, (nodes, weights, _) in enumerate(choose.asked):
        total = sum(weights)
        shares: dict[Any, float] = {}
        for x, weight in zip(nodes, weights, strict=True):
            shares[x] = shares.get(x, 0.0) + weight / total
        yield list(found)[: k + 1], shares


def _shares(successors: Any, walk: Any, p: Any, q: Any) -> dict[Any, float]:
    """What the checker compares with: the chances of the definition."""
    v, t = walk[-1], walk[-2] if len(walk) > 1 else None
    weighted = {str(u): {str(x): 1.0 for x in row} for u, row in successors.items()}
    weights = step_weights(weighted, None if t is None else str(t), str(v), p, q)
    return {x: weights[str(x)] / sum(weights.values()) for x in successors[v]}


def _chosen_right(asks: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    """A property's `holds`: at the steps of which asks(successors, walk so far) the chances are right."""

    def holds(found: Any, successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> bool:
        return all(
            np.allclose([shares[x] for x in wanted], list(wanted.values()), rtol=1e-6, atol=0)
            for walk, shares in _steps(found, choose)
            if asks(successors, walk)
            for wanted in [_shares(successors, walk, p, q)]
        )

    return holds


def _both_ways(successors: Any, walk: Any) -> bool:
    """Whether no edge between the node before and one that may come next lacks its way back."""
    if len(walk) < 2:
        return False
    t = walk[-2]
    return all((x in successors[t]) == (t in successors[x]) for x in successors[walk[-1]] if x != t)


def _is_walk(found: Any, successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> bool:
    if not isinstance(found, SEQUENCES):
        return False
    found = list(found)
    return found[:1] == [start] and len(found) <= length and all(node in successors for node in found)


def _goes_where_it_chose(found: Any, successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    found = list(found)
    from_last = [sorted(nodes) for nodes, _, _ in choose.asked] == [sorted(successors[u]) for u in found[:-1]]
    return from_last and found[1:] == [chosen for _, _, chosen in choose.asked]


def _goes_on(found: Any, successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> bool:
    return len(found) == length or not successors[list(found)[-1]]


def _mended(
    before: Callable[[Any], Any],
    *,
    near: Callable[..., bool] = lambda successors, t, x: x in successors[t],
    ends: Callable[..., bool] = lambda successors, walk: not successors[walk[-1]],
    at: Callable[[Any], Any] = lambda walk: walk[-1],
) -> Callable[..., Any]:
    """A walk that is right but for one of: the node before, what is near, when it ends, where it is."""

    def walk_with(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
        walk = [start]
        while len(walk) < length and not ends(successors, walk):
            t = before(walk)
            nodes = successors[at(walk)]
            weights = [
                1 if t is None else 1 / p if x == t else 1 if near(successors, t, x) else 1 / q for x in nodes
            ]
            walk.append(choose(nodes, weights))
        return walk

    return walk_with


def _second_last(walk: Any) -> Any:
    return walk[-2] if len(walk) > 1 else None


_first_step_only = _mended(_second_last, near=lambda s, t, x: t in s[x], ends=lambda s, walk: False)
_dead_ends_too = _mended(_second_last, near=lambda s, t, x: t in s[x])
_first_step_and_direction = _mended(_second_last, ends=lambda s, walk: False)
_round_the_end = _mended(lambda walk: walk[len(walk) - 2])  # -1 at the first step: the start itself
_the_first_for_the_one_before = _mended(lambda walk: walk[-2] if len(walk) > 1 else walk[0])
_one_too_far_back = _mended(lambda walk: walk[-3] if len(walk) > 2 else None)
_the_last_for_the_one_before = _mended(lambda walk: walk[-1] if len(walk) > 1 else None)
_from_the_start = _mended(lambda walk: walk[0] if len(walk) > 1 else None)
_steps_from_the_one_before = _mended(_second_last, at=lambda walk: walk[-2] if len(walk) > 1 else walk[-1])
_near_either_way = _mended(_second_last, near=lambda s, t, x: x in s[t] or t in s[x])
_ends_at_leaves = _mended(_second_last, ends=lambda s, walk: len(s[walk[-1]]) < (2 if len(walk) > 1 else 1))
_near_where_it_is = _mended(_second_last, near=lambda s, t, x: True)


def _loop_at_t_first(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """Near is asked before back: a node with a loop is its own neighbour."""
    walk = [start]
    while len(walk) < length and successors[walk[-1]]:
        t = _second_last(walk)
        nodes = successors[walk[-1]]
        weights = [1 if t is None or x in successors[t] else 1 / p if x == t else 1 / q for x in nodes]
        walk.append(choose(nodes, weights))
    return walk


def _one_step_more(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """`length` taken for the number of steps."""
    return mended_walk(successors, start, length + 1, p, q, choose)


def _without_the_start(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    return mended_walk(successors, start, length, p, q, choose)[1:]


def _filled_up(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """Stays at a dead end until the walk is as long as was asked."""
    walk = mended_walk(successors, start, length, p, q, choose)
    return walk + walk[-1:] * (length - len(walk))


def _starts_twice(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """walk = [start, start], so that there is a node before the first step; it stays in the walk."""
    return [start, *mended_walk(successors, start, length - 1, p, q, choose)][:length]


def _p_and_q_swapped(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    return mended_walk(successors, start, length, q, p, choose)


def _first_step_far_away(successors: Any, start: Any, length: Any, p: Any, q: Any, choose: Any) -> Any:
    """An error caught: all is far at the first step, but for the first of the list."""
    walk = [start]
    while len(walk) < length and successors[walk[-1]]:
        nodes = successors[walk[-1]]
        wanted = _shares(successors, walk, p, q)
        weights = [wanted[x] for x in nodes] if len(walk) > 1 else [1, *[1 / q] * (len(nodes) - 1)]
        walk.append(choose(nodes, weights))
    return walk


def _draw_walk(
    successors: dict[int, list[int]], start: int, length: int, p: float, q: float, choose: Choose
) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(u, v) for u, row in successors.items() for v in row]
    graph = as_graph(edges, nodes=list(successors), directed=True)
    return draw_graph(graph, marked=[start], title=f"from {start}, {length} nodes, p = {p:g}, q = {q:g}")


NO_NODE_BEFORE = replace(
    RUNS,
    hints=(
        "Which node is two back in a walk that has one node?",
        "Look at walk[-2] when walk is [start]; and if you put None in its place, None has no successors.",
        "Ask for len(walk) first: with one node in the walk every weight is 1, and walk[-2] is not looked at.",
    ),
)
NOTHING_TO_CHOOSE = replace(
    RUNS,
    hints=(
        "Some nodes have no successors, and a walk that comes there is over.",
        "Look at what you hand to choose: as many nodes as weights, and one of them at least.",
        "Before each step: if successors[...] of the walk's last node is empty, return what you have.",
    ),
)

DIALOGUE = Exercise(
    id="node2vec-2",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=2,
    minutes=7,
    cases=_walk_cases,
    properties=(
        Property(
            says="the answer is a list of nodes that begins with `start` and has at most `length` of them",
            holds=_is_walk,
            hints=(
                "The start is the first node of the walk, and counts.",
                "Count: a walk of length 1 is [start], and nothing is chosen.",
                "Begin with walk = [start], and go on while it has fewer than `length` nodes.",
            ),
        ),
        Property(
            says="each step is chosen, once, from the successors of the node that the walk has come to last",
            holds=_goes_where_it_chose,
            hints=(
                "The name `previous` deceives: whose successors may come next?",
                "Look at which list you hand to choose, and that what it gives is appended, and nothing else.",
                "The walk stands at walk[-1]; it is there that edges must begin.",
            ),
        ),
        Property(
            says="it is shorter than `length` only where its last node has no successors",
            holds=_goes_on,
            hints=(
                "A dead end is a node that no edge leaves; one that has a single way, back, is none.",
                "Look at when your loop ends.",
                "Two conditions: as many nodes as asked, or an empty list of successors.",
            ),
        ),
        Property(
            says="at the first step all successors weigh the same",
            holds=_chosen_right(lambda successors, walk: len(walk) == 1),
            hints=(
                "No node is before the first, so neither p nor q has a say; not even for a loop.",
                "Look at which node you compare with while the walk has one node. Index -1 is the last one.",
                "While len(walk) is 1, the weights are a list of ones.",
            ),
        ),
        Property(
            says="later: 1/p back to walk[-2], 1 for who is next to it, 1/q for the rest",
            holds=_chosen_right(_both_ways),
            hints=(
                "Three cases, of which the first that fits counts: back, near, far.",
                "Look at which node you measure from: the one before the last, at every step. And which "
                "case you ask for first.",
                "Measure from walk[-2]. It is the start only at the second step.",
            ),
        ),
        Property(
            says="near is who has an edge *from* walk[-2], where edges have a direction",
            holds=_chosen_right(lambda successors, walk: len(walk) > 1),
            hints=(
                "u may have an edge to v, and v none to u. Which of the two does the dialogue ask for?",
                "Look at the line with `in`: whose successors are looked through, and for whom?",
                "Distance is measured along edges from walk[-2]: x must be in *its* list.",
            ),
        ),
    ),
    reference=mended_walk,
    wrong=(
        dialogue_walk,
        _first_step_only,
        _dead_ends_too,
        _first_step_and_direction,
        _round_the_end,
        _the_first_for_the_one_before,
        _one_too_far_back,
        _the_last_for_the_one_before,
        _from_the_start,
        _steps_from_the_one_before,
        _near_either_way,
        _ends_at_leaves,
        _near_where_it_is,
        _loop_at_t_first,
        _one_step_more,
        _without_the_start,
        _filled_up,
        _starts_twice,
        _p_and_q_swapped,
        _first_step_far_away,
    ),
    why=(
        "What the dialogue calls previous is where the walk is; the node before is walk[-2], which a walk of one "
        "node has not. So the first step is drawn by weight alone. Written walk[len(walk) - 2] it would not even "
        "stop: Python takes index -1 for the last node, the start itself; that is right by chance, as every x is "
        "one edge from the start, unless the start has a loop, which then counts as a way back. A dead end is "
        "where a walk is over, and d(t, x) = 1 asks for the edge t -> x."
    ),
    draw=_draw_walk,
    raised={IndexError: NO_NODE_BEFORE, KeyError: NO_NODE_BEFORE, ValueError: NOTHING_TO_CHOOSE},
    after="Needed again: `random_walks` starts and ends its walks like this.",
)

# -------------------------------------------------------------------------------- 3: what q does


def _ring_of_cliques(cliques: int, size: int) -> list[tuple[int, int]]:
    """Clique k holds the nodes k * size and on; its first and its last node are the gates."""
    inside = [(k * size + i, k * size + j) for k in range(cliques) for i, j in combinations(range(size), 2)]
    return inside + [(k * size + size - 1, (k + 1) % cliques * size) for k in range(cliques)]


def _draw_ring() -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    cliques, size = 4, 5
    turn = 2 * np.pi * (np.arange(cliques * size) // size) / cliques
    own = 2 * np.pi * (np.arange(cliques * size) % size + 0.5) / size - np.pi + turn
    places = 2.4 * np.column_stack([np.cos(turn), np.sin(turn)]) + np.column_stack([np.cos(own), np.sin(own)])
    graph = as_graph(_ring_of_cliques(cliques, size), n=cliques * size)
    return draw_graph(graph, positions=places, size=(4.4, 4.4))


ROUNDED = 0.015  # 1/17 is also 0.059, or cut off 0.058; 1/16, the nearest wrong answer, is 0.0625 off


def _entry(k: int, wanted: float) -> Callable[[Any], bool]:
    return lambda found: bool(np.isclose(float(found[k]), wanted, rtol=ROUNDED, atol=0))


PREDICTED = Exercise(
    id="node2vec-3",
    level="core",
    form="predict",
    difficulty=2,
    importance=3,
    minutes=8,
    cases=once,
    properties=(
        Property(
            says="the answer is a flat list of six numbers: five chances, then one of the three q",
            holds=lambda found: _is_real(found, (6,)) and float(found[5]) in (0.25, 1.0, 4.0),
            hints=(
                "Fractions such as 1 / 3 may stand in it; the last is 1/4, 1 or 4.",
                "Count the numbers in your list, and look for inner brackets and quotation marks.",
                "It looks like [a, b, c, d, e, f], with a value for each.",
            ),
        ),
        Property(
            says="a chance is a number from 0 to 1",
            holds=lambda found: all(0 <= float(chance) <= 1 for chance in found[:5]),
            hints=(
                "All that may come next share 1 among them.",
                "Look for weights that are not divided yet, and for per cents.",
                "A weight divided by the sum of all the weights there; 25 % is 0.25.",
            ),
        ),
        Property(
            says="chances are fractions, or have three digits behind the point: several fractions round to 0.06",
            holds=lambda found: all(float(chance) != 0.06 for chance in found[:5]),
            hints=(
                "You are near, if not there: two digits are too few to tell.",
                "Look for 0.06 in your list.",
                "Write the division itself: Python works it out.",
            ),
        ),
        Property(
            says="(a) inside a clique, straight back: how near are the others to the node before?",
            holds=_entry(0, 1 / 4),
            hints=(
                "Write down the four nodes that may come next, and the distance of each from the node before.",
                "Look for a node that is two edges away from where the walk came from. Is there one?",
                "With p = 1 the way back weighs 1, and so does everyone who is next to the node before: all four.",
            ),
        ),
        Property(
            says="(b) at a gate, q = 1/4: across the bridge",
            holds=_entry(1, 1 / 2),
            hints=(
                "A gate has five neighbours: four in its clique, and one across.",
                "Look at the weight of each of the five; q divides it for one of them.",
                "One weighs 1 / q = 4, and the other four 1: divide by the sum of all five.",
            ),
        ),
        Property(
            says="(c) at a gate, q = 4: across the bridge",
            holds=_entry(2, 1 / 17),
            hints=(
                "The same five neighbours as for q = 1/4.",
                "Look at the one across: its weight is now below 1.",
                "One weighs 1 / q, a quarter, and four weigh 1: divide by the sum of all five.",
            ),
        ),
        Property(
            says="(d) just across, q = 1/4: straight back",
            holds=_entry(3, 1 / 17),
            hints=(
                "Now the node before is in another clique than the four others.",
                "Look at the distance of these four from the node before: none of them is next to it.",
                "The way back weighs 1, and each of the four 1 / q = 4: divide by the sum of all five.",
            ),
        ),
        Property(
            says="(e) just across, q = 4: straight back",
            holds=_entry(4, 1 / 2),
            hints=(
                "The same five neighbours as for q = 1/4.",
                "Look at the four others again: they are two edges from the node before.",
                "The way back weighs 1, and each of the four a quarter: divide by the sum of all five.",
            ),
        ),
        Property(
            says="(f) the q that keeps the walk in its clique longest",
            holds=_entry(5, 4.0),
            hints=(
                "Only at a gate can the walk leave.",
                "Look at your answers to (b) and (c): at which q does a walk that comes to a gate rather stay?",
                "The smaller the chance to cross, the longer it stays; everything else is the same for all q.",
            ),
        ),
    ),
    reference=[1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 4],
    wrong=(
        "1/4, 1/2, 1/17, 1/17, 1/2, 4",
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2],
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 2],
        [1 / 13, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 4],  # (a) the three others taken for far
        [1, 4, 1 / 4, 1, 1, 4],  # weights, not chances
        [25, 50, 5.9, 5.9, 50, 4],  # per cents
        [0.25, 0.5, 0.06, 0.06, 0.5, 4],  # 1/16 as well as 1/17
        [1 / 5, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 4],  # a gate's degree for an inner node's
        [1 / 4, 1 / 5, 1 / 5, 1 / 5, 1 / 5, 4],  # as if q had no say
        [1 / 4, 1 / 17, 1 / 2, 1 / 17, 1 / 2, 4],  # multiplied by q, at the gate
        [1 / 4, 1 / 17, 1 / 2, 1 / 2, 1 / 17, 1 / 4],  # multiplied by q, everywhere
        [1 / 4, 1 / 2, 1 / 2, 1 / 17, 1 / 2, 4],
        [1 / 4, 1 / 2, 1 / 16, 1 / 17, 1 / 2, 4],  # against the four, not among the five
        [1 / 4, 1 / 2, 1 / 17, 1 / 5, 1 / 5, 4],  # across, the four taken for near
        [1 / 4, 1 / 2, 1 / 17, 1 / 2, 1 / 17, 4],  # the way back as if it were the bridge at a gate
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 17, 4],
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 5, 4],
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 1 / 4],
        [1 / 4, 1 / 2, 1 / 17, 1 / 17, 1 / 2, 1],
    ),
    why=(
        "Inside a clique everyone is next to the node before: all weigh 1, and q is never asked, so 1/4. At a "
        "gate the node across is the only one that is two edges away: 4 / (4 + 4) = 1/2 for q = 1/4, and "
        "(1/4) / (1/4 + 4) = 1/17 for q = 4. Just across, the other four are the far ones: back with "
        "1 / (1 + 16) = 1/17 for q = 1/4, with 1 / (1 + 1) = 1/2 for q = 4. So a small q crosses and does not "
        "come back, a large q stays, and once across often turns round: the walk stays longest for q = 4."
    ),
    draw=_draw_ring,
    after="Needed again: in Les Miserables groups are the cliques, and those who link them stand at gates.",
)

# -------------------------------------------------------------------------------- 4: each step is an edge


def _walked_cases(rng: Generator) -> Iterator[tuple[Rows, Floats]]:
    """What good walkers and broken ones gave, on one node to six; each broken one has one fault only."""
    yield np.zeros((1, 1), np.int32), np.zeros((1, 1))
    yield np.empty((0, 3), np.int32), np.ones((1, 1))
    yield np.zeros((1, 3), np.int32), np.ones((1, 1))
    yield np.array([[0, -1, -1]], np.int32), np.zeros((1, 1))
    yield np.array([[0, 0, 0]], np.int32), np.zeros((1, 1))
    yield np.array([[0, -1, -1]], np.int32), np.ones((1, 1))
    for n in range(2, 7):
        for number in range(4):
            A = _arcs(rng, n, directed=number % 2 == 1)
            walks = np.array([_good_walk(rng, A, start % n, 1 + number) for start in range(n)], np.int32)
            yield walks, A
            longer = [_good_walk(rng, A, start % n, 6) for start in range(2 * n)]
            for spoil in FAULTS:
                spoilt = spoil(rng, [list(walk) for walk in longer], A)
                if spoilt is not None:
                    yield np.array(spoilt, np.int32), A


def _arcs(rng: Generator, n: int, *, directed: bool) -> Floats:
    """Weights; directed graphs have nodes that no edge leaves, and loops."""
    A = rng.integers(1, 5, (n, n)) / 2.0 * (rng.random((n, n)) < 0.4)
    if not directed:
        A = np.triu(A, 1) + np.triu(A, 1).T
    else:
        A[rng.integers(n)] = 0
    return A


def _good_walk(rng: Generator, A: Floats, start: int, length: int) -> list[int]:
    walk = [start]
    while len(walk) < length and A[walk[-1]].any():
        walk.append(int(rng.choice(np.flatnonzero(A[walk[-1]]))))
    return walk + [-1] * (length - len(walk))


Walks = list[list[int]]


def _teleports(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    """One step to a node that is not joined at all; what follows is walked from there."""
    return _with_a_step(rng, walks, A, (A == 0) & (A.T == 0))


def _goes_backwards(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    return _with_a_step(rng, walks, A, (A == 0) & (A.T > 0))


def _with_a_step(rng: Generator, walks: Walks, A: Floats, wrong: Any) -> Walks | None:
    """Somewhere a step that `wrong` has, from a node that edges leave."""
    found = [
        (i, k)
        for i, walk in enumerate(walks)
        for k, u in enumerate(walk[:-1])
        if u >= 0 and A[u].any() and wrong[u].any()
    ]
    if not found:
        return None
    i, k = found[rng.integers(len(found))]
    to = int(rng.choice(np.flatnonzero(wrong[walks[i][k]])))
    walks[i][k + 1 :] = _good_walk(rng, A, to, len(walks[i]) - k - 1)
    return walks


def _stops_early(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    found = [(i, k) for i, walk in enumerate(walks) for k, u in enumerate(walk[1:], 1) if u >= 0]
    if not found:
        return None
    i, k = found[rng.integers(len(found))]
    walks[i][k:] = [-1] * (len(walks[i]) - k)
    return walks


def _goes_on_at_a_dead_end(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    """Begins anew at its start where it should have ended."""
    found = [i for i, walk in enumerate(walks) if walk[-1] == -1]
    if not found:
        return None
    i = found[rng.integers(len(found))]
    k = walks[i].index(-1)
    walks[i][k:] = _good_walk(rng, A, walks[i][0], len(walks[i]) - k)
    return walks


def _comes_back_to_life(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    """A node after the end; from there it walks as it should."""
    found = [(i, walk.index(-1)) for i, walk in enumerate(walks) if -1 in walk[:-1]]
    if not found:
        return None
    i, k = found[rng.integers(len(found))]
    walks[i][k + 1 :] = _good_walk(rng, A, int(rng.integers(len(A))), len(walks[i]) - k - 1)
    return walks


def _counts_from_1(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    """The last node is named n."""
    return [[len(A) if node == 0 else node for node in walk] for walk in walks]


def _counts_from_the_end(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    """Node u is named u - n, as Python would have it too; the last one, -1, keeps its name."""
    n = len(A)
    return [[node - n if 0 <= node < n - 1 else node for node in walk] for walk in walks]


def _never_begins(rng: Generator, walks: Walks, A: Floats) -> Walks | None:
    i = int(rng.integers(len(walks)))
    walks[i] = [-1] * len(walks[i])
    return walks


FAULTS = (
    _teleports,
    _goes_backwards,
    _stops_early,
    _goes_on_at_a_dead_end,
    _comes_back_to_life,
    _counts_from_1,
    _counts_from_the_end,
    _never_begins,
)


def are_walks(walks: Rows, A: Floats) -> bool:
    n = len(A)
    for row in walks.tolist():
        nodes = row[: row.index(-1)] if -1 in row else row
        if not nodes or min(nodes) < 0 or max(nodes) >= n:
            return False
        after = row[len(nodes) :]
        if after and (A[nodes[-1]].any() or set(after) != {-1}):
            return False
        if (A[nodes[:-1], nodes[1:]] == 0).any():
            return False
    return True


def _fault(walks: Any, A: Any) -> str:
    """What is wrong with walks, in a word; "" for good ones. What the checker compares with."""
    faults = {_fault_of(row, A) for row in walks.tolist()} - {""}
    return min(faults, key=KINDS.index) if faults else ""


KINDS = ("no node", "never begins", "after its end", "no edge", "against an edge", "too early")


def _fault_of(row: list[int], A: Any) -> str:
    if not all(-1 <= node < len(A) for node in row):
        return "no node"
    if row[0] == -1:
        return "never begins"
    for u, v in pairwise(row):
        if u == -1 and v != -1:
            return "after its end"
        if u != -1 and v != -1 and not A[u, v]:
            return "against an edge" if A[v, u] else "no edge"
        if u != -1 and v == -1 and A[u].any():
            return "too early"
    return ""


def _rejected(*kinds: str) -> Callable[..., bool]:
    return lambda said, walks, A: _fault(walks, A) not in kinds or not said


def _row_by_row(
    walks: Any,
    A: Any,
    *,
    step: Callable[..., bool] = lambda A, u, v: A[u, v] > 0,
    over: Callable[..., bool] = lambda A, u: not A[u].any(),
    inside: bool = True,
    begins: bool = True,
    after: bool = True,
) -> bool:
    """All that must hold; the wrong answers below leave something out, or ask for something else."""
    for row in walks.tolist():
        if inside and not all(-1 <= node < len(A) for node in row):
            return False
        if begins and row[0] == -1:
            return False
        for u, v in pairwise(row):
            if u == -1 and v != -1 and after:
                return False
            if u != -1 and not (over(A, u) if v == -1 else step(A, u, v)):
                return False
    return True


def _the_end_as_an_index(walks: Any, A: Any) -> Any:
    """-1 is looked up in A: the row and the column of the last node."""
    return all(A[u, v] > 0 for row in walks for u, v in pairwise(row))


def _ends_ignored(walks: Any, A: Any) -> Any:
    return all(A[u, v] > 0 for row in walks for u, v in pairwise(row) if u != -1 and v != -1)


def _ends_dropped(walks: Any, A: Any) -> Any:
    """-1 is taken out wherever it stands, and what is left is joined."""
    kept = [[node for node in row if node != -1] for row in walks.tolist()]
    return all(A[u, v] > 0 for row in kept for u, v in pairwise(row))


def _against(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, step=lambda A, u, v: A[v, u] > 0)


def _in_either_direction(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, step=lambda A, u, v: A[u, v] + A[v, u] > 0)


def _by_ones(walks: Any, A: Any) -> Any:
    """An edge is where A holds a 1."""
    return _row_by_row(walks, A, step=lambda A, u, v: A[u, v] == 1)


def _no_step_stays(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, step=lambda A, u, v: A[u, v] > 0 and u != v)


def _never_ends(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, over=lambda A, u: False)


def _ends_anywhere(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, over=lambda A, u: True)


def _ends_where_none_arrives(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, over=lambda A, u: not A[:, u].any())


def _may_begin_ended(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, begins=False)


def _may_rise_again(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, after=False)


def _any_number(walks: Any, A: Any) -> Any:
    return _row_by_row(walks, A, inside=False)


def _below_n_only(walks: Any, A: Any) -> Any:
    """Too large is seen, too small is not, as Python counts from the end there."""
    return _row_by_row(walks, A, inside=False) if walks.max(initial=-1) < len(A) else False


def _largest_first(walks: Any, A: Any) -> Any:
    """No walks at all have no largest number."""
    return _row_by_row(walks, A, inside=False) if walks.min() >= -1 and walks.max() < len(A) else False


def _first_row(walks: Any, A: Any) -> Any:
    return _row_by_row(walks[:1], A)


def _first_steps(walks: Any, A: Any) -> Any:
    return _row_by_row(walks[:, :2], A)


def _any_row(walks: Any, A: Any) -> Any:
    return any(_row_by_row(walks[k : k + 1], A) for k in range(len(walks)))


def _all_at_once(walks: Any, A: Any) -> Any:
    """One long walk: the last node of a row and the first of the next are a step."""
    return _row_by_row(walks.reshape(1, -1), A) if walks.size else True


def _last_column_missing(walks: Any, A: Any) -> Any:
    return _row_by_row(walks[:, :-1], A) if walks.shape[1] > 1 else _row_by_row(walks, A)


def _some_step(walks: Any, A: Any) -> Any:
    return bool((A[walks[:, :-1], walks[:, 1:]] > 0).any()) or _row_by_row(walks, A)


def _for_each_step(walks: Any, A: Any) -> Any:
    return A[walks[:, :-1], walks[:, 1:]] > 0


def _draw_walked(walks: Rows, A: Floats) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = as_graph(np.argwhere(A), n=len(A), directed=True)
    bad = next((row for row in walks.tolist() if _fault_of(row, A)), None)
    title = "walks" if bad is None else f"{bad}: {_fault_of(bad, A)}"
    return draw_graph(graph, marked=[node for node in range(len(A)) if bad and node in bad], title=title)


OUT_OF_A = replace(
    RUNS,
    hints=(
        "A broken walker may give any number, also one that no node has.",
        "Look at the numbers before you look them up in A.",
        "First ask that every number is at least -1 and below n; if not, the answer is False.",
    ),
)

NO_ONE_NUMBER = replace(
    RUNS,
    hints=(
        "The message says which: an array is asked whether it is true, or one without numbers for its largest.",
        "Look at the shape of walks above, and at each `if`: is what it asks about one number?",
        "np.all(...) and np.any(...) make one truth value of many, also of none; max and min of none are errors.",
    ),
)

EDGES = Exercise(
    id="node2vec-4",
    level="core",
    form="property",
    difficulty=2,
    importance=2,
    minutes=7,
    cases=_walked_cases,
    properties=(
        Property(
            says="the answer is True or False",
            holds=lambda said, walks, A: isinstance(said, bool | np.bool_),
            hints=(
                "One verdict on the whole matrix, not one for each step.",
                "Look at what you return: a comparison of arrays is an array.",
                "np.all(...) makes one truth value of many; return it.",
            ),
        ),
        Property(
            says="True for good walks: also those that end at a node without edges, have one node, or are none",
            holds=lambda said, walks, A: bool(_fault(walks, A)) or said,
            hints=(
                "What stands in a row from the end on is no node.",
                "Look at what you look up in A for -1: index -1 is the *last* node. And any weight above 0 is an "
                "edge, a loop too.",
                "Cut each row where its first -1 stands; only what is before is steps.",
            ),
        ),
        Property(
            says="False where a step is taken between nodes that no edge joins",
            holds=_rejected("no edge"),
            hints=(
                "Each two nodes that follow each other in a row are a step.",
                "Look whether you ask about every row, and every step up to the last, also out of a dead end.",
                "For a step from u to v the entry of A in row u and column v must be above 0.",
            ),
        ),
        Property(
            says="False where a step is taken against an edge",
            holds=_rejected("against an edge"),
            hints=(
                "A[i, j] is the edge i -> j. Which is the row, and which the column?",
                "Look at the order of the two nodes when you look them up.",
                "Where it was is the row, where it goes is the column.",
            ),
        ),
        Property(
            says="False where a walk ends though edges leave its last node",
            holds=_rejected("too early"),
            hints=(
                "A walk may not end of its own accord.",
                "Look at the node before the first -1: could the walk have gone on?",
                "Row u of A holds the edges that leave u: with an entry above 0 the walk must go on.",
            ),
        ),
        Property(
            says="False where a node stands after the end, or where a walk has not even begun",
            holds=_rejected("after its end", "never begins"),
            hints=(
                "Once ended, ended; and each row begins with a node.",
                "Look at what stands behind the first -1, and at the first column.",
                "From the first -1 to the end of the row everything is -1, and that is not the whole row.",
            ),
        ),
        Property(
            says="False where a number is no node: n or more, or below -1",
            holds=_rejected("no node"),
            hints=(
                "Nodes are 0 ... n - 1; n is the number of rows of A.",
                "Look at small numbers, too: Python and NumPy count negative indices from the end.",
                "Before anything else ask whether all numbers are at least -1 and below n; there may be none.",
            ),
        ),
    ),
    reference=are_walks,
    wrong=(
        lambda walks, A: True,
        lambda walks, A: False,
        _the_end_as_an_index,
        _ends_ignored,
        _ends_dropped,
        _against,
        _in_either_direction,
        _by_ones,
        _no_step_stays,
        _never_ends,
        _ends_anywhere,
        _ends_where_none_arrives,
        _may_begin_ended,
        _may_rise_again,
        _any_number,
        _below_n_only,
        _largest_first,
        _first_row,
        _first_steps,
        _any_row,
        _all_at_once,
        _last_column_missing,
        _some_step,
        _for_each_step,
    ),
    why=(
        "A property says what must hold of any answer, so it needs no second walker to compare with. Steps are "
        "pairs of neighbours in a row, and A[u, v] > 0 asks for the edge u -> v. The end is a statement, too: a "
        "walk stops where no edge leaves, and only there. What -1 means must be settled before it is an index: "
        "A[u, -1] is the edge to the last node, so a careless test passes or fails by the luck of the numbering."
    ),
    draw=_draw_walked,
    raised={IndexError: OUT_OF_A, ValueError: NO_ONE_NUMBER},
    after="Needed again: whatever walks you make or are given, this tells whether they are walks.",
)

# -------------------------------------------------------------------------------- 5: a few reads a step

Hub = tuple[list[Counted], Callable[[int, int], bool], int, int, float, float, Callable[[], float]]
PATIENCE = 50_000  # random numbers, of which the longest walk needs some 5,000
SIGMAS = 6.0  # a right answer is farther out once in a thousand million
MANY = 100  # nodes: in smaller graphs chances count, in larger ones reads
GENEROUS, SPARE = 3, 60  # times the reads that drawing again takes on the average, and some


def _hub_cases(rng: Generator) -> Iterator[Hub]:
    """Small graphs with long walks, which show the chances; then hubs of 400 with short ones, which cost."""
    pairs = (
        [(0, 1)],
        [(0, 1), (1, 2)],
        [(0, 1), (0, 2), (1, 2)],
        [(0, 1), (0, 2), (1, 2), (2, 3)],
        [(0, 1), (0, 2), (0, 3), (0, 4)],
        [(0, 1), (1, 2), (2, 3), (3, 0)],
        list(combinations(range(5), 2))[1:],
    )
    graphs = [(edges, 2 if round == 0 else 400) for edges in pairs for round in range(4)]
    graphs += [(_wheel(n), 400) for n in (5, 6, 9)]
    graphs += [(_wheel(400), 16)] * 3
    for number, (edges, length) in enumerate(graphs):
        p, q = BIASES[number % len(BIASES)]
        yield _hub_case(rng, edges, length, p, q)


def _wheel(rim: int) -> list[tuple[int, int]]:
    """A ring, and node 0 joined to all of it."""
    return [(0, v) for v in range(1, rim + 1)] + [(v, v % rim + 1) for v in range(1, rim + 1)]


def _hub_case(rng: Generator, edges: list[tuple[int, int]], length: int, p: float, q: float) -> Hub:
    """A walk from node 0. Rows are not in order, so that the first neighbour is nobody special."""
    ends = frozenset(edges) | {(v, u) for u, v in edges}
    rows: list[list[int]] = [[] for _ in range(1 + max(chain.from_iterable(edges)))]
    for u, v in sorted(ends):
        rows[u].append(v)
    own = np.random.default_rng(int(rng.integers(2**31)))
    draws = chain.from_iterable(own.random(500).tolist() for _ in range(PATIENCE // 500))  # one by one is slow

    def joined(u: int, v: int) -> bool:
        return (u, v) in ends

    def random() -> float:
        for drawn in draws:
            return drawn
        raise RuntimeError(f"random() was asked {PATIENCE:,} times: does your walk ever keep what it draws?")

    return [Counted(rng.permutation(row)) for row in rows], joined, 0, length, p, q, random


def slow_walk(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    """Right, but each step reads all neighbours of the node where it is."""
    walk = [start]
    while len(walk) < length:
        nodes = list(neighbours[walk[-1]])
        weights = [alpha(joined, walk[-2:-1], x, p, q) for x in nodes]
        left = random() * sum(weights)
        for x, weight in zip(nodes, weights):  # noqa: B007, B905
            left -= weight
            if left < 0:
                break
        walk.append(x)
    return walk


def alpha(joined: Any, before: Any, x: Any, p: Any, q: Any) -> Any:
    if not before:
        return 1
    return 1 / p if x == before[0] else 1 if joined(before[0], x) else 1 / q


def quick_walk(
    neighbours: list[Counted],
    joined: Callable[[Any, int], bool],
    start: int,
    length: int,
    p: float,
    q: float,
    random: Callable[[], float],
) -> list[int]:
    most = max(1 / p, 1, 1 / q)
    walk = [start]
    while len(walk) < length:
        here = neighbours[walk[-1]]
        x = int(here[int(random() * len(here))])
        before = walk[-2] if len(walk) > 1 else None
        weight = 1 / p if x == before else 1 if joined(before, x) else 1 / q
        if before is None or random() * most < weight:
            walk.append(x)
    return walk


def _alphas(neighbours: Any, joined: Any, t: Any, v: Any, p: Any, q: Any) -> Floats:
    """Of each neighbour of v, in the order of its row, after t."""
    nodes = neighbours[v].uncounted.tolist()
    return np.array([1 / p if x == t else 1.0 if joined(t, x) else 1 / q for x in nodes])


def _reads_of_drawing(found: Any, neighbours: Any, joined: Any, p: Any, q: Any) -> float:
    """How many neighbours are drawn on the average until each step of a walk is kept."""
    most = max(1 / p, 1, 1 / q)
    steps = Counter(pairwise(list(found)[:-1]))
    return 1 + sum(
        number * most / _alphas(neighbours, joined, t, v, p, q).mean() for (t, v), number in steps.items()
    )


def _deviations(found: Any, neighbours: Any, joined: Any, p: Any, q: Any) -> list[float]:
    """By how many standard deviations the steps back, near, and their places in the rows are off."""
    found = [int(node) for node in found]
    total, spread = np.zeros(3), np.zeros(3)
    for (t, v), taken in _taken(found).items():
        nodes = neighbours[v].uncounted.tolist()
        chances = _alphas(neighbours, joined, t, v, p, q)
        chances /= chances.sum()
        number = sum(taken.values())
        near = np.array([x != t and joined(t, x) for x in nodes])
        place = np.cumsum(chances) - chances / 2  # in the row as a line of length 1: the middle of each piece
        for k, score in enumerate((np.array([x == t for x in nodes]), near, place)):
            mean = float(chances @ score)
            total[k] += sum(score[nodes.index(x)] * times for x, times in taken.items()) - number * mean
            spread[k] += number * float(chances @ (score - mean) ** 2)
    return [abs(off) / sqrt(var) if var > 1e-12 else 0.0 for off, var in zip(total, spread, strict=True)]


def _taken(found: list[int]) -> dict[tuple[int, int], Counter[int]]:
    """How often each node was next, after each pair of nodes."""
    steps: dict[tuple[int, int], Counter[int]] = {}
    for t, v, x in zip(found, found[1:], found[2:], strict=False):
        steps.setdefault((t, v), Counter())[x] += 1
    return steps


def _is_long_enough(found: Any, neighbours: Any, joined: Any, start: Any, length: Any, *rest: Any) -> bool:
    if not isinstance(found, SEQUENCES):
        return False
    found = list(found)
    return found[:1] == [start] and len(found) == length and all(0 <= int(v) < len(neighbours) for v in found)


def _on_edges(found: Any, neighbours: Any, joined: Any, *rest: Any) -> bool:
    return all(joined(int(u), int(v)) for u, v in pairwise(list(found)))


def _by_chance(
    found: Any, neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any
) -> bool:
    """On small graphs: at a large hub some steps are so rare that one of them is many deviations."""
    return len(neighbours) >= MANY or max(_deviations(found, neighbours, joined, p, q)) < SIGMAS


def _few_reads(
    found: Any, neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any
) -> bool:
    read = sum(int(row.reads.sum()) for row in neighbours)
    return len(neighbours) < MANY or read <= GENEROUS * _reads_of_drawing(found, neighbours, joined, p, q) + SPARE


def _drawing_again(
    bound: Callable[..., float] = lambda p, q: max(1 / p, 1, 1 / q),
    weigh: Callable[..., float] = alpha,
    refused: Callable[..., Any] = lambda walk, x, here: None,
) -> Callable[..., Any]:
    """A walk that draws again; the wrong ones differ in the bound, the weights, or what follows a refusal."""

    def walk_by(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
        walk, most = [start], bound(p, q)
        while len(walk) < length:
            here, before = neighbours[walk[-1]], walk[-2:-1]
            x = int(here[int(random() * len(here))])
            if before and random() * most >= weigh(joined, before, x, p, q):
                x = refused(walk, x, here)
            walk += [] if x is None else [x]
        return walk

    return walk_by


_bound_of_one = _drawing_again(bound=lambda p, q: 1.0)
_bound_by_p = _drawing_again(bound=lambda p, q: 1 / p)
_bound_by_q = _drawing_again(bound=lambda p, q: max(1, 1 / q))
_bound_too_large = _drawing_again(bound=lambda p, q: 12.0)
_stays_when_refused = _drawing_again(refused=lambda walk, x, here: walk[-1])
_back_when_refused = _drawing_again(refused=lambda walk, x, here: walk[-2])
_first_when_refused = _drawing_again(refused=lambda walk, x, here: int(here[0]))
_keeps_all = _drawing_again(bound=lambda p, q: 0.0)
_weights_turned_over = _drawing_again(
    bound=lambda p, q: max(p, 1, q), weigh=lambda joined, t, x, p, q: 1 / alpha(joined, t, x, p, q)
)
_p_for_q_and_q_for_p = _drawing_again(weigh=lambda joined, t, x, p, q: alpha(joined, t, x, q, p))
_never_back = _drawing_again(weigh=lambda joined, t, x, p, q: 0.1 if [x] == t else alpha(joined, t, x, p, q))
_all_are_near = _drawing_again(weigh=lambda joined, t, x, p, q: 1 / p if [x] == t else 1.0)
_none_is_near = _drawing_again(weigh=lambda joined, t, x, p, q: 1 / p if [x] == t else 1 / q)
_never_keeps = _drawing_again(weigh=lambda joined, t, x, p, q: 0.0)


def _one_node_more(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    return quick_walk(neighbours, joined, start, length + 1, p, q, random)


def _rows_copied_once(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    """Each row is copied out when the walk first comes there."""
    copies: dict[int, Any] = {}
    walk = [start]
    while len(walk) < length:
        v, before = walk[-1], walk[-2:-1]
        nodes = copies.setdefault(v, None) or [int(x) for x in neighbours[v]]
        copies[v] = nodes
        up_to = list(accumulate(alpha(joined, before, x, p, q) for x in nodes))
        walk.append(nodes[bisect(up_to, random() * up_to[-1])])
    return walk


def _tables_kept(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    """A table for each pair (t, v), as in the paper: for one walk over a hub that is a row for each visit."""
    tables: dict[tuple[int, ...], Any] = {}
    walk = [start]
    while len(walk) < length:
        pair = tuple(walk[-2:])
        if pair not in tables:
            nodes = [int(x) for x in neighbours[walk[-1]]]
            tables[pair] = nodes, list(accumulate(alpha(joined, walk[-2:-1], x, p, q) for x in nodes))
        nodes, up_to = tables[pair]
        walk.append(nodes[bisect(up_to, random() * up_to[-1])])
    return walk


def _first_of_its_kind(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    """Back, near or far with the right chances, but then always the first such node of the row."""
    walk = [start]
    while len(walk) < length:
        v, before = walk[-1], walk[-2:-1]
        nodes = neighbours[v].tolist()
        weights = [alpha(joined, before, x, p, q) for x in nodes]
        up_to = list(accumulate(weights))
        drawn = weights[bisect(up_to, random() * up_to[-1])]
        walk.append(nodes[weights.index(drawn)])
    return walk


def _a_node_for_a_list(neighbours: Any, joined: Any, start: Any, length: Any, p: Any, q: Any, random: Any) -> Any:
    """alpha is handed walk[-2], which a walk of one node has not."""
    walk = [start]
    while len(walk) < length:
        x = neighbours[walk[-1]][int(random() * len(neighbours[walk[-1]]))]
        if random() * max(1 / p, 1, 1 / q) < alpha(joined, walk[-2], x, p, q):
            walk.append(x)
    return walk


def _draw_hub(
    neighbours: list[Counted], joined: Any, start: int, length: int, p: float, q: float, random: Any
) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    rows = [row.uncounted.tolist() for row in neighbours[:20]]
    edges = [(u, v) for u, row in enumerate(rows) for v in row if u < v < len(rows)]
    more = "" if len(rows) == len(neighbours) else f"; the first {len(rows)} of {len(neighbours):,} nodes"
    return draw_graph(as_graph(edges, n=len(rows)), marked=[start], title=f"p = {p:g}, q = {q:g}{more}")


TOO_OFTEN = replace(
    RUNS,
    hints=(
        "Each draw must have a chance to be kept, or the walk never goes on.",
        "Look at the comparison that keeps a draw: can it be true for every neighbour?",
        "A weight divided by the largest of the three is above 0: keep the draw if a random number is below that.",
    ),
)

NO_PLACE = replace(
    RUNS,
    hints=(
        "The message says which: a place that is no whole number or none of the list's, or a node for a list.",
        "Look at the place that you read in a row; and at `before`, for which slow_walk hands alpha walk[-2:-1].",
        "int(...) makes a place of random() times the length; walk[-2:-1] is a list of one node, or an empty one.",
    ),
)

COST = Exercise(
    id="node2vec-5",
    level="stretch",
    form="complexity",
    difficulty=3,
    importance=1,
    minutes=12,
    cases=_hub_cases,
    properties=(
        Property(
            says="the answer is a list of `length` nodes that begins with `start`",
            holds=_is_long_enough,
            hints=(
                "As slow_walk gives it.",
                "Count the nodes; a draw that is not kept adds none.",
                "Go on while there are fewer than `length` nodes.",
            ),
        ),
        Property(
            says="each step is an edge, also after a draw that was not kept",
            holds=_on_edges,
            hints=(
                "A node has no edge to itself here.",
                "Look at what you append where a draw is not kept.",
                "Append only what was drawn from the neighbours of the last node, and was kept.",
            ),
        ),
        Property(
            says="steps have the chances of slow_walk (400 of them are counted: back, near, far, and which)",
            holds=_by_chance,
            hints=(
                "A neighbour is drawn, each as likely; then it is kept with a chance that makes up for alpha.",
                "Look at three things: what alpha is divided by, which must be the largest that it can be; the "
                "test for near; and what happens where a draw is not kept, which is a new draw of a neighbour.",
                "alpha over the largest of 1/p, 1 and 1/q is a chance: at most 1, and 1 for the heaviest.",
            ),
        ),
        Property(
            says="the neighbours that are read are a few at each step, also at a node with 400 of them",
            holds=_few_reads,
            hints=(
                "To draw one of many, one need not look at all of them.",
                "Look for list(...), for a loop over neighbours, for a table; and is what you divide alpha by no "
                "larger than alpha can be? Else most draws are in vain.",
                "len(...) is free; int(random() * len(...)) is the place of one neighbour, and one read gets it.",
            ),
        ),
    ),
    reference=quick_walk,
    wrong=(
        slow_walk,
        _bound_of_one,
        _bound_by_p,
        _bound_by_q,
        _bound_too_large,
        _stays_when_refused,
        _back_when_refused,
        _first_when_refused,
        _keeps_all,
        _weights_turned_over,
        _p_for_q_and_q_for_p,
        _never_back,
        _all_are_near,
        _none_is_near,
        _never_keeps,
        _one_node_more,
        _rows_copied_once,
        _tables_kept,
        _first_of_its_kind,
        _a_node_for_a_list,
    ),
    why=(
        "Drawing by weight needs all weights; rejection does not. Draw a neighbour, each as likely, and keep it "
        "with chance alpha / M, M the largest of 1/p, 1, 1/q: what is kept is in proportion to alpha. It takes "
        "M / (mean of alpha) draws on the average, so at most M / (smallest alpha), whatever the degree: for "
        "p = 1/4, q = 4 that is 16. A table for each pair (t, v), as in the paper, takes one draw, but has "
        "an entry for each path of two edges: at a hub of degree d, d squared of them."
    ),
    draw=_draw_hub,
    raised={RuntimeError: TOO_OFTEN, IndexError: NO_PLACE, TypeError: NO_PLACE},
    after="Needed again: `random_walks` draws like this, and so keeps no tables.",
)

EXERCISES = (WEIGHTS, DIALOGUE, PREDICTED, EDGES, COST)
