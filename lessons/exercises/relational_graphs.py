"""The exercises of notebook 11: one round of messages, the mask of a layer, a graph that loses its edges, what k
and p do, a width in few trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import isclose
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import RUNS, Exercise, Property, Variant, once
from lessons.exercises.graph_signals import _is_real
from lessons.graph import as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Sizes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

# -------------------------------------------------------------------------------- 1: one round of messages

Message = Callable[[int, int, Any], Any]
Aggregate = Callable[[list[Any]], Any]


def as_said(v: int, u: int, value: Any) -> Any:
    return value


def weighed(v: int, u: int, value: Any) -> Any:
    return (10 * v + u + 1) * value


def bent(v: int, u: int, value: Any) -> Any:
    """Not linear: a message of a sum is not the sum of the messages."""
    return value * value + 3 * v - u


def letter(v: int, u: int, value: Any) -> Any:
    return f"{u} tells {v}: {value}"


def largest(messages: Any) -> Any:
    return max(messages, default=0)


def average(messages: Any) -> Any:
    return sum(messages) / len(messages) if messages else 0.0


KINDS: tuple[tuple[Message, Any], ...] = (
    (as_said, sum),
    (as_said, largest),
    (weighed, sum),
    (bent, average),
    (letter, sorted),
    (bent, largest),
)


def _round_cases(rng: Generator) -> Iterator[tuple[list[list[int]], list[int], Message, Aggregate]]:
    """One node to six: nobody hears, everybody hears later nodes only, then anybody."""
    small: tuple[list[list[int]], ...] = ([[]], [[0]], [[1], []], [[0, 1], [1]], [[1], [0]])
    for hears in small:
        for message, aggregate in KINDS[::2]:
            yield hears, _spoken(rng, len(hears)), message, aggregate
    for n in range(2, 7):
        for number in range(2 * len(KINDS)):
            A = rng.random((n, n)) < 0.45
            if number < len(KINDS):
                A = np.triu(A)
            hears = [rng.permutation(np.flatnonzero(row)).tolist() for row in A]
            yield hears, _spoken(rng, n), *KINDS[number % len(KINDS)]


def _spoken(rng: Generator, n: int) -> list[int]:
    """All different, and none 0, so that nothing is heard unseen."""
    numbers: list[int] = (rng.permutation(9)[:n] + 1).tolist()
    return numbers


def one_round(hears: list[list[int]], x: list[Any], message: Message, aggregate: Aggregate) -> list[Any]:
    new = []
    for v, heard in enumerate(hears):
        new.append(aggregate([message(v, u, x[u]) for u in heard]))
    return new


def _round_right(asks: Callable[..., bool]) -> Callable[..., bool]:
    """A property's `holds`: the new values of the nodes v for which asks(hears, v, message) are right."""

    def holds(found: Any, hears: Any, x: Any, message: Any, aggregate: Any) -> bool:
        wanted = one_round(hears, x, message, aggregate)
        return all(_alike(found[v], wanted[v]) for v in range(len(hears)) if asks(hears, v, message))

    return holds


def _alike(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return list(found) == wanted
    return isclose(float(found), wanted, rel_tol=1e-9, abs_tol=1e-9)


def _hears_later_ones(hears: Any, v: int) -> bool:
    """Whether no one before v is heard: then it does not matter whether a round is written over the last."""
    return all(u >= v for u in hears[v])


def _round_of(heard: Callable[..., Any]) -> Callable[..., Any]:
    """A round in which v hears `heard(hears, v)`."""
    return lambda hears, x, message, aggregate: [
        aggregate([message(v, u, x[u]) for u in heard(hears, v)]) for v in range(len(hears))
    ]


_itself_too = _round_of(lambda hears, v: [v, *(u for u in hears[v] if u != v)])
_itself_never = _round_of(lambda hears, v: [u for u in hears[v] if u != v])
_itself_twice = _round_of(lambda hears, v: [v, *hears[v]])
_who_hears_it = _round_of(lambda hears, v: [u for u in range(len(hears)) if v in hears[u]])
_either_way = _round_of(lambda hears, v: [u for u in range(len(hears)) if u in hears[v] or v in hears[u]])
_all_of_them = _round_of(lambda hears, v: range(len(hears)))
_first_only = _round_of(lambda hears, v: hears[v][:1])
_places_for_nodes = _round_of(lambda hears, v: range(len(hears[v])))


def _round_by(told: Callable[..., Any]) -> Callable[..., Any]:
    """A round in which the message from u to v is `told(message, v, u, x)`."""
    return lambda hears, x, message, aggregate: [
        aggregate([told(message, v, u, x) for u in heard]) for v, heard in enumerate(hears)
    ]


_turned_message = _round_by(lambda message, v, u, x: message(u, v, x[u]))
_own_value = _round_by(lambda message, v, u, x: message(v, u, x[v]))
_without_messages = _round_by(lambda message, v, u, x: x[u])
_message_from_itself = _round_by(lambda message, v, u, x: message(v, v, x[u]))
_added_to_its_own = _round_by(lambda message, v, u, x: message(v, u, x[u]) + x[v])


def _writes_into_x(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    for v, heard in enumerate(hears):
        x[v] = aggregate([message(v, u, x[u]) for u in heard])
    return x


def _one_after_another(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    """Into a copy, from which the next nodes read."""
    return _writes_into_x(hears, list(x), message, aggregate)


def _message_of_the_sum(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    """First what is said is put together, then one message made of it."""
    return [message(v, v, aggregate([x[u] for u in heard])) for v, heard in enumerate(hears)]


def _always_sums(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return [sum(message(v, u, x[u]) for u in heard) for v, heard in enumerate(hears)]


def _two_by_two(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    """The mean of a mean and a number is not the mean of three."""
    new = []
    for v, heard in enumerate(hears):
        messages = [message(v, u, x[u]) for u in heard]
        value = aggregate(messages[:1])
        for told in messages[1:]:
            value = aggregate([value, told])
        new.append(value)
    return new


def _one_by_one(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return [aggregate(message(v, u, x[u])) for v, heard in enumerate(hears) for u in heard]


def _without_the_lonely(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return [aggregate([message(v, u, x[u]) for u in heard]) for v, heard in enumerate(hears) if heard]


def _the_lonely_keep_theirs(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    new = one_round(hears, x, message, aggregate)
    return [value if heard else mine for value, heard, mine in zip(new, hears, x, strict=True)]


def _the_lonely_get_0(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return [
        value if heard else 0 for value, heard in zip(one_round(hears, x, message, aggregate), hears, strict=True)
    ]


def _as_dictionary(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return dict(enumerate(one_round(hears, x, message, aggregate)))


def _two_rounds(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return one_round(hears, one_round(hears, x, message, aggregate), message, aggregate)


def _messages_unpacked(hears: Any, x: Any, message: Any, aggregate: Any) -> Any:
    return [aggregate(*(message(v, u, x[u]) for u in heard)) for v, heard in enumerate(hears)]


def _draw_round(hears: list[list[int]], x: list[Any], message: Message, aggregate: Aggregate) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(u, v) for v, heard in enumerate(hears) for u in heard]
    graph = as_graph(edges, n=len(hears), directed=True)
    title = f"before the round; {message.__name__}, {aggregate.__name__}"
    return draw_graph(graph, values=dict(enumerate(x)), title=title)


WRONG_CALL = replace(
    RUNS,
    hints=(
        "message takes three things, aggregate one: a list. Do not add up messages yourself: they may be text.",
        "Look at what you hand to aggregate: a single message is no list, and one list is not several messages.",
        "Collect the messages of a node in a list first, each made by a call with v, u and what u has to say.",
    ),
)

ROUND = Exercise(
    id="relational_graphs-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=5,
    cases=_round_cases,
    properties=(
        Property(
            says="the answer is a list with one value for each node, also for those who hear nobody",
            holds=lambda found, hears, *rest: (
                isinstance(found, list | tuple | np.ndarray) and len(found) == len(hears)
            ),
            hints=(
                "As many values come out of a round as go in.",
                "Count the values in your list. Does a node without anybody to hear get one, and a node with "
                "several no more than one?",
                "Append once for each v, inside the loop over nodes, but outside any loop over whom it hears.",
            ),
        ),
        Property(
            says="a node that hears nobody gets what aggregate makes of an empty list",
            holds=_round_right(lambda hears, v, message: not hears[v]),
            hints=(
                "No messages is a list of messages, too. It is aggregate that knows what to make of it.",
                "Look for a node with hears[v] == []: does it hear itself, or whoever hears it, keep its value, "
                "or get a 0?",
                "Leave out every `if`: a loop over an empty list makes an empty list, and aggregate takes it.",
            ),
        ),
        Property(
            says="v hears the nodes in hears[v], all of them and no others; itself only if it is listed",
            holds=_round_right(lambda hears, v, message: message is as_said and _hears_later_ones(hears, v)),
            hints=(
                "Look who speaks: the entries of hears[v] are nodes that v listens to.",
                "Look at the index of x: is it a node of the list, or a place in it? Is v itself there only "
                "where it is listed? And are all messages put together at once?",
                "For each u in hears[v] what counts is x[u]; then one call of aggregate for the whole list.",
            ),
        ),
        Property(
            says="all speak at once: what is heard is what was there before the round",
            holds=_round_right(lambda hears, v, message: message is as_said),
            hints=(
                "Node 1 may hear node 0, which already has its new value.",
                "Look at the list that you read from, and at the one that you write to: are they the same?",
                "Keep x as it is, and begin with an empty list for the new values.",
            ),
        ),
        Property(
            says="v makes a message of each value that it hears, message(v, u, x[u]), and aggregate puts them "
            "together",
            holds=_round_right(lambda hears, v, message: True),
            hints=(
                "Two functions, in this order: a message for each u, then one aggregate for all messages of v.",
                "Look at the three arguments of message: first who hears, then who speaks, then what was said. "
                "And look at what is handed to aggregate.",
                "Each u in hears[v] gives its own message; their list goes to aggregate, once.",
            ),
        ),
    ),
    reference=one_round,
    wrong=(
        _itself_too,
        _itself_never,
        _itself_twice,
        _who_hears_it,
        _either_way,
        _all_of_them,
        _first_only,
        _places_for_nodes,
        _turned_message,
        _own_value,
        _without_messages,
        _message_from_itself,
        _added_to_its_own,
        _writes_into_x,
        _one_after_another,
        _message_of_the_sum,
        _always_sums,
        _two_by_two,
        _one_by_one,
        _without_the_lonely,
        _the_lonely_keep_theirs,
        _the_lonely_get_0,
        _as_dictionary,
        _two_rounds,
        _messages_unpacked,
    ),
    why=(
        "x_v <- AGG(f_v(x_u), u in N(v)), word for word: f_v is message(v, u, ...), AGG is aggregate, and N(v) "
        "is hears[v]. The new values need a list of their own, as a round reads what was there before it. With "
        "weights for messages and a sum for AGG it is a matrix product, in which a weight that is not there is a "
        "node that is not heard: a layer of a network. A node hears itself only where N(v) says so; in this "
        "lesson it does."
    ),
    draw=_draw_round,
    raised={TypeError: WRONG_CALL},
    after="Needed again: exercise 2 writes down, as a matrix, who hears whom.",
)

# -------------------------------------------------------------------------------- 2: the mask of a layer


def _mask_cases(rng: Generator) -> Iterator[tuple[Floats, Sizes, Sizes]]:
    """One node to five: as many units each and edges both ways, then weights, sizes of their own, directions."""
    yield np.zeros((1, 1)), np.array([1]), np.array([1])
    yield np.ones((1, 1)), np.array([2]), np.array([2])
    yield np.zeros((2, 2)), np.array([2, 2]), np.array([2, 2])
    yield np.zeros((2, 2)), np.array([1, 3]), np.array([2, 1])
    for n in range(2, 6):
        for number in range(16):
            directed, uneven, weights = number > 11, number > 7, number in (4, 5, 6, 7, 11, 15)
            A = _joined(rng, n, directed=directed, weights=weights)
            yield A, _owned(rng, n, uneven), _owned(rng, n, uneven)


def _joined(rng: Generator, n: int, *, directed: bool, weights: bool) -> Floats:
    """Loops now and then; where directed, node 0 speaks to node 1, and not node 1 to node 0."""
    A = (rng.random((n, n)) < 0.5).astype(np.float64)
    if directed:
        A[0, 1], A[1, 0] = 1, 0
    if weights:
        A *= rng.choice([-1.5, 0.25, 1.0, 2.0], (n, n))
    if directed:
        return A
    return np.triu(A) + np.triu(A, 1).T


def _owned(rng: Generator, n: int, uneven: bool) -> Sizes:
    return rng.integers(1, 4, n) if uneven else np.full(n, rng.integers(1, 4))


def layer_mask(A: Floats, sizes_out: Sizes, sizes_in: Sizes) -> Mask:
    n = len(A)
    hears = A.T != 0
    hears[range(n), range(n)] = True
    return hears.repeat(sizes_out, axis=0).repeat(sizes_in, axis=1)


def _is_mask(found: Any, A: Any, sizes_out: Any, sizes_in: Any) -> bool:
    mask = np.asarray(found)
    fits = mask.shape == (sizes_out.sum(), sizes_in.sum()) and mask.dtype.kind in "biuf"
    return bool(fits and np.isin(mask, (0, 1)).all())


def _hears_itself(found: Any, A: Any, sizes_out: Any, sizes_in: Any) -> bool:
    own = layer_mask(0 * A, sizes_out, sizes_in)
    return not _even((sizes_out, sizes_in)) or bool(np.asarray(found)[own].all())


def _mask_right(asks: Callable[..., Any]) -> Callable[..., bool]:
    """A property's `holds`: in the cases for which asks(A, sizes) the mask is right."""

    def holds(found: Any, A: Any, sizes_out: Any, sizes_in: Any) -> bool:
        asked = asks(A, (sizes_out, sizes_in))
        return not asked or np.array_equal(found, layer_mask(A, sizes_out, sizes_in))

    return holds


def _both_ways(A: Any) -> bool:
    return np.array_equal(A, A.T)


def _even(sizes: Any) -> bool:
    return all(np.ptp(owned) == 0 for owned in sizes)


def _masked(hears: Callable[[Any], Any]) -> Callable[..., Any]:
    """The mask with another table of who hears whom, made of A."""
    return lambda A, sizes_out, sizes_in: hears(A).repeat(sizes_out, axis=0).repeat(sizes_in, axis=1)


def _and_itself(hears: Any) -> Any:
    return hears | np.eye(len(hears), dtype=bool)


_rows_speak = _masked(lambda A: _and_itself(A != 0))
_both_hear = _masked(lambda A: _and_itself((A != 0) | (A.T != 0)))
_only_mutual = _masked(lambda A: _and_itself((A != 0) & (A.T != 0)))
_not_itself = _masked(lambda A: A.T != 0)
_itself_by_the_loop = _masked(lambda A: (A.T != 0) ^ np.eye(len(A), dtype=bool))  # a loop is taken away again
_table_of_sums = _masked(lambda A: A.T + np.eye(len(A)))
_weights_of_1_only = _masked(lambda A: _and_itself(A.T == 1))
_weights_above_0 = _masked(lambda A: _and_itself(A.T > 0))
_sums_above_0 = _masked(lambda A: (A.T + np.eye(len(A))) > 0)  # a loop of -1.5 and 1 are below 0
_whole_weights = _masked(lambda A: _and_itself(A.T.astype(np.int64) != 0))  # 0.25 becomes 0
_two_rounds_at_once = _masked(lambda A: np.linalg.matrix_power(_and_itself(A.T != 0).astype(float), 2) > 0)
_who_is_not_heard = _masked(lambda A: ~_and_itself(A.T != 0))
_everybody = _masked(lambda A: np.ones(A.shape, bool))
_upper_half = _masked(lambda A: _and_itself(np.triu(A.T) != 0))


def _senders_for_rows(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """The two sizes swapped: a mask for the layer the other way."""
    return layer_mask(A, sizes_in, sizes_out)


def _rows_for_inputs(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """(input, output), as for x @ M."""
    return layer_mask(A, sizes_out, sizes_in).T


def _as_of_the_first(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """All nodes own as many units as node 0."""
    block = np.ones((sizes_out[0], sizes_in[0]))
    return np.kron(_and_itself(A.T != 0), block) > 0


def _shared_out_evenly(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """The right number of units, but as even as it goes, the first nodes with one more."""
    n = len(A)
    to, of = (np.sort(np.arange(sizes.sum()) % n) for sizes in (sizes_out, sizes_in))
    return _and_itself(A.T != 0)[np.ix_(to, of)]


def _dealt_like_cards(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """Unit k belongs to node k % n."""
    n = len(A)
    return _and_itself(A.T != 0)[np.ix_(np.arange(sizes_out.sum()) % n, np.arange(sizes_in.sum()) % n)]


def _output_sizes_twice(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    return layer_mask(A, sizes_out, sizes_out)


def _unit_by_unit_at_home(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """A unit hears itself, the one with its number in its node, and not the others of the node."""
    mask = (A.T != 0).repeat(sizes_out, axis=0).repeat(sizes_in, axis=1)
    return mask | (np.eye(*mask.shape) > 0)


def _a_loop_for_each_input(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """I added when all is blown up; the mask need not be square."""
    mask = (A.T != 0).repeat(sizes_out, axis=0).repeat(sizes_in, axis=1)
    return mask | np.eye(sizes_in.sum(), dtype=bool)


def _units_into_a_table_of_nodes(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    mask = np.zeros(A.shape, bool)
    ends_out, ends_in = np.cumsum(sizes_out), np.cumsum(sizes_in)
    for u, v in np.argwhere(_and_itself(A != 0)):
        mask[ends_out[v] - 1, ends_in[u] - 1] = True
    return mask


def _node_by_node(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    """The table of nodes, not of units."""
    return _and_itself(A.T != 0)


def _loops_written_into_A(A: Any, sizes_out: Any, sizes_in: Any) -> Any:
    np.fill_diagonal(A, 1)
    return (A.T != 0).repeat(sizes_out, axis=0).repeat(sizes_in, axis=1)


def _draw_mask(A: Floats, sizes_out: Sizes, sizes_in: Sizes) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    units: dict[Any, str] = {i: f"{sizes_in[i]} → {sizes_out[i]}" for i in range(len(A))}
    edges = [(int(i), int(j), float(A[i, j])) for i, j in np.argwhere(A)]
    title = "units in the input → in the output"
    return draw_graph(as_graph(edges, n=len(A), directed=True), values=units, title=title)


NO_SUCH_UNIT = replace(
    RUNS,
    hints=(
        "The message says which shapes do not fit, or which index is too large: units are not nodes.",
        "Look at what you count: A has a row for each node, the mask a row for each unit of the output.",
        "Try it with two nodes that own 1 and 3 units: the mask has four rows then, and A two.",
    ),
)

MASK = Exercise(
    id="relational_graphs-2",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=7,
    cases=_mask_cases,
    properties=(
        Property(
            says="the mask has a row for each unit of the output and a column for each of the input, and holds "
            "only True and False",
            holds=_is_mask,
            hints=(
                "A mask says yes or no for each weight, and has the shape of W: (outputs, inputs).",
                "Count: the rows are as many as sizes_out add up to, the columns as sizes_in. And weights, or a "
                "loop with a 1 added to it, are neither yes nor no.",
                "np.repeat(..., sizes, axis=...) writes a row, or a column, as often as a node has units.",
            ),
        ),
        Property(
            says="a unit hears all units of its own node, also where A has no loop, or has one",
            holds=_hears_itself,
            hints=(
                "Everybody hears himself. A knows only of the others, or may say it a second time.",
                "Look at the table of nodes before it is blown up: is its diagonal True? And look at which units "
                "you take for those of one node: they stand next to each other.",
                "Make the diagonal True while the table is n by n; then each entry becomes a block.",
            ),
        ),
        Property(
            says="one node is heard by another where they are joined, and nowhere else (edges both ways, weights "
            "1)",
            holds=_mask_right(lambda A, sizes: _both_ways(A) and _even(sizes) and np.isin(A, (0, 1)).all()),
            hints=(
                "One layer is one round: a message goes along one edge.",
                "Look at a block off the diagonal: it is all True where A has an edge, and all False elsewhere.",
                "Compare A with 0, entry by entry; no product of A with itself, no half of it.",
            ),
        ),
        Property(
            says="an edge is an edge whatever its weight, if it is not 0",
            holds=_mask_right(lambda A, sizes: _both_ways(A) and _even(sizes)),
            hints=(
                "Weights may be negative, or below 1.",
                "Look at how you ask whether there is an edge: which of 2, 0.25 and -1.5 pass?",
                "Ask for `!= 0`, before the loops are added.",
            ),
        ),
        Property(
            says="where nodes own different numbers of units, each has its own, in the output and in the input",
            holds=_mask_right(lambda A, sizes: _both_ways(A)),
            hints=(
                "A node that owns three units has three rows, next to each other; one that owns one has one.",
                "Look at which units you give to whom: sizes_out[i] rows for node i, and sizes_in[i] columns.",
                "Repeat with the whole array of sizes, not with one number.",
            ),
        ),
        Property(
            says="the row is of the unit that hears: an edge u -> v lets v hear u, and not u hear v",
            holds=_mask_right(lambda A, sizes: True),
            hints=(
                "A[i, j] is the edge from i to j: a row of A is about who speaks. A row of the mask?",
                "Look at the axes: where u alone speaks to v, only the rows of v have something, in the columns "
                "of u.",
                "What acts on signals has row = receiver: turn A round before anything else.",
            ),
        ),
    ),
    reference=layer_mask,
    wrong=(
        _rows_speak,
        _both_hear,
        _only_mutual,
        _not_itself,
        _itself_by_the_loop,
        _table_of_sums,
        _weights_of_1_only,
        _weights_above_0,
        _sums_above_0,
        _whole_weights,
        _two_rounds_at_once,
        _who_is_not_heard,
        _everybody,
        _upper_half,
        _senders_for_rows,
        _rows_for_inputs,
        _as_of_the_first,
        _shared_out_evenly,
        _dealt_like_cards,
        _output_sizes_twice,
        _unit_by_unit_at_home,
        _a_loop_for_each_input,
        _units_into_a_table_of_nodes,
        _node_by_node,
        _loops_written_into_A,
    ),
    why=(
        "Who hears whom is A turned round, with a diagonal of True; each entry of that table of nodes becomes a "
        "block of units, sizes_out[i] rows by sizes_in[j] columns. Its shape is that of W, and W * M keeps the "
        "weights along which somebody hears somebody. For undirected graphs it is the same turned round or not, "
        "which hides the mistake: the paper's own program takes A as it is, so that for its directed brain "
        "networks a node hears those that it has arcs *to*."
    ),
    draw=_draw_mask,
    raised={IndexError: NO_SUCH_UNIT, ValueError: NO_SUCH_UNIT},
    after="Needed again: `relational_mask` is this, with sizes as even as they can be.",
)

# -------------------------------------------------------------------------------- 3: a graph that loses its edges

Neighbours = list[set[int]]
ENOUGH = 5_000  # draws, for a graph of 9 nodes


class Drawn:
    """Draws like `random.Random(seed)`, and keeps what it gave in `drawn`, each with the kind of draw before it.

    A copy begins anew with the same seed, so that each answer draws the same; two with one seed are alike.
    """

    __slots__ = ("_random", "drawn", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.drawn: list[tuple[str, Any]] = []
        self._random = Random(seed)

    def __deepcopy__(self, memo: Any) -> Drawn:
        return Drawn(self.seed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Drawn) and self.seed == other.seed

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Random({self.seed})"

    def random(self) -> float:
        return float(self._kept("random", self._random.random()))

    def choice(self, nodes: Any) -> Any:
        return self._kept("choice", self._random.choice(nodes))

    def randrange(self, n: int) -> Any:
        """A choice of range(n): `random.Random` draws both alike."""
        return self._kept("choice", self._random.randrange(n))

    def _kept(self, kind: str, value: Any) -> Any:
        if len(self.drawn) == ENOUGH:
            raise RuntimeError(
                f"random was asked {ENOUGH:,} times: does your loop ever find a node that it may take?"
            )
        self.drawn.append((kind, value))
        return value


def _attempt_cases(rng: Generator) -> Iterator[tuple[int, float, float, Drawn]]:
    """Five nodes to nine. Of each number rings first, then few edges are rewired, then more; of each all k."""
    for n in range(5, 10):
        degrees = [2.0, n - 2.0, n - 2.1, 2.6, 2.3, 2.0, *(2 + (n - 4) * rng.random(2)).round(2).tolist()]
        seeds = rng.permutation(1000)[:32].tolist()
        for number, seed in enumerate(seeds):
            k = degrees[number % len(degrees)]
            p = (0.0, 0.1, 0.5, 1.0)[number // len(degrees)]
            yield n, k, p, Drawn(seed)


def lossy_attempt(n: Any, k: Any, p: Any, random: Any) -> Any:
    """A typical slip, made for the course."""
    owns = [round(k / 2)] * n
    neighbours: Any = [set() for _ in range(n)]
    for u in range(n):
        for s in range(1, owns[u] + 1):
            neighbours[u].add((u + s) % n)
            neighbours[(u + s) % n].add(u)
    for u in range(n):
        for s in range(1, owns[u] + 1):
            if random.random() < p:
                w = random.choice(range(n))
                while w == u:
                    w = random.choice(range(n))
                neighbours[u].remove((u + s) % n)
                neighbours[u].add(w)
                neighbours[w].add(u)
    return neighbours


def mended_attempt(n: int, k: float, p: float, random: Drawn) -> Neighbours:
    m = round(n * k / 2)
    owns = [m // n + (u < m % n) for u in range(n)]
    edges = [(u, (u + s) % n) for u in range(n) for s in range(1, owns[u] + 1)]
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for u, v in edges:
        neighbours[u].add(v)
        neighbours[v].add(u)
    for u, v in edges:
        if random.random() < p:
            full = False
            w = random.choice(range(n))
            while not full and (w == u or w in neighbours[u]):
                w = random.choice(range(n))
                full = len(neighbours[u]) == n - 1
            if not full:
                neighbours[u].remove(v)
                neighbours[v].remove(u)
                neighbours[u].add(w)
                neighbours[w].add(u)
    return neighbours


def _are_neighbours(found: Any, n: Any, k: Any, p: Any, random: Any) -> bool:
    kinds = isinstance(found, list | tuple) and all(isinstance(near, set | frozenset | list) for near in found)
    once_each = kinds and all(len(set(near)) == len(near) for near in found)
    return once_each and len(found) == n and all(int(v) == v and 0 <= v < n for near in found for v in near)


def _joins(found: Any) -> set[tuple[int, int]]:
    """Every end of every edge: (u, v) and (v, u)."""
    return {(u, int(v)) for u, near in enumerate(found) for v in near}


def _as_published(found: Any, n: Any, k: Any, p: Any, random: Any) -> bool:
    return _joins(found) == _joins(mended_attempt(n, k, p, deepcopy(random)))


def _two_ends(found: Any, *rest: Any) -> bool:
    joins = _joins(found)
    return joins == {(v, u) for u, v in joins}


def _drawn_as_published(found: Any, n: Any, k: Any, p: Any, random: Any) -> bool:
    other = deepcopy(random)
    mended_attempt(n, k, p, other)
    return bool(random.drawn == other.drawn)


def _drawn_twice_where_full(found: Any, n: Any, k: Any, p: Any, random: Any) -> bool:
    """Whether the first draw that is not the rule's, if there is any, comes elsewhere than where u is full."""
    other = deepcopy(random)
    full: set[int] = set()  # places among the draws

    def draw(near: Any, u: Any, v: Any, random: Any) -> Any:
        before = len(random.drawn)
        w = _drawn_by_the_rule(near, u, v, random)
        full.update(range(before, before + 3) if w is None else ())  # two draws, and no third
        return w

    _attempt_with(draw=draw)(n, k, p, other)
    pairs = enumerate(zip_longest(random.drawn, other.drawn))
    return next((at for at, (mine, ruled) in pairs if mine != ruled), None) not in full


def _owned_edges(n: int, k: float) -> list[int]:
    """How many edges each node owns, as the rule has it."""
    m = round(n * k / 2)
    return [m // n + (u < m % n) for u in range(n)]


def _attempt_with(
    owns: Callable[[int, float], list[int]] = _owned_edges,
    order: Callable[[Any], Any] = list,
    draw: Callable[..., Any] | None = None,
    put: Callable[..., None] | None = None,
) -> Callable[..., Any]:
    """An attempt that is right but for one of: how many edges nodes own, the order in which the edges come, how w
    is drawn (None: keep the edge), which ends change."""

    def attempt(n: Any, k: Any, p: Any, random: Any) -> Any:
        edges = [(u, s, (u + s) % n) for u, own in enumerate(owns(n, k)) for s in range(1, own + 1)]
        near: Any = [set() for _ in range(n)]
        for u, _, v in edges:
            near[u].add(v)
            near[v].add(u)
        for u, _, v in order(edges):
            if random.random() < p:
                w = (draw or _drawn_by_the_rule)(near, u, v, random)
                if w is not None:
                    (put or _moved)(near, u, v, w)
        return near

    return attempt


def _drawn_by_the_rule(near: Any, u: Any, v: Any, random: Any) -> Any:
    w = random.choice(range(len(near)))
    while w == u or w in near[u]:
        w = random.choice(range(len(near)))
        if len(near[u]) == len(near) - 1:
            return None
    return w


def _moved(near: Any, u: Any, v: Any, w: Any) -> None:
    near[u].discard(v)
    near[v].discard(u)
    near[u].add(w)
    near[w].add(u)


def _until(taken: Callable[..., bool], *, gives_up: bool = True) -> Callable[..., Any]:
    """Draws until not taken(near, u, v, w)."""

    def draw(near: Any, u: Any, v: Any, random: Any) -> Any:
        w = random.choice(range(len(near)))
        while taken(near, u, v, w):
            w = random.choice(range(len(near)))
            if gives_up and len(near[u]) == len(near) - 1:
                return None
        return w

    return draw


def _asks_first(near: Any, u: Any, v: Any, random: Any) -> Any:
    """Whether u is joined to all others: before it draws at all."""
    return None if len(near[u]) == len(near) - 1 else _drawn_by_the_rule(near, u, v, random)


def _asks_after_one(near: Any, u: Any, v: Any, random: Any) -> Any:
    """As most people would write it: whether there is any w, before it draws again."""
    w = random.choice(range(len(near)))
    while w == u or w in near[u]:
        if len(near[u]) == len(near) - 1:
            return None
        w = random.choice(range(len(near)))
    return w


def _one_try(near: Any, u: Any, v: Any, random: Any) -> Any:
    w = random.choice(range(len(near)))
    return None if w == u or w in near[u] else w


def _among_the_free(near: Any, u: Any, v: Any, random: Any) -> Any:
    free = [w for w in range(len(near)) if w != u and w not in near[u]]
    return random.choice(free) if free else None


def _among_the_others(near: Any, u: Any, v: Any, random: Any) -> Any:
    """u itself is never drawn: another draw of another number."""
    others = [w for w in range(len(near)) if w != u]
    w = random.choice(others)
    while w in near[u]:
        w = random.choice(others)
        if len(near[u]) == len(near) - 1:
            return None
    return w


def _kept_at_v(near: Any, u: Any, v: Any, w: Any) -> None:
    near[u].discard(v)
    near[u].add(w)
    near[w].add(u)


def _not_told_to_w(near: Any, u: Any, v: Any, w: Any) -> None:
    near[u].discard(v)
    near[v].discard(u)
    near[u].add(w)


def _only_added(near: Any, u: Any, v: Any, w: Any) -> None:
    near[u].add(w)
    near[w].add(u)


def _some_neighbour_goes(near: Any, u: Any, v: Any, w: Any) -> None:
    """Not the edge whose turn it is, but the one to the largest number."""
    _moved(near, u, max(near[u]), w)


def _end_of_u_moves(near: Any, u: Any, v: Any, w: Any) -> None:
    """w takes the place of u: the edge is w - v now."""
    near[u].discard(v)
    near[v].discard(u)
    near[v].add(w)
    near[w].add(v)


def _of_ordered_edges(edges: Any) -> Any:
    """The nearest edges of all nodes first, as networkx has it."""
    return sorted(edges, key=lambda edge: (edge[1], edge[0]))


_half_of_k = _attempt_with(owns=lambda n, k: [round(k / 2)] * n)
_half_of_k_cut_off = _attempt_with(owns=lambda n, k: [int(k) // 2] * n)
_half_of_k_rounded_up = _attempt_with(owns=lambda n, k: [int(-(-k // 2))] * n)
_rest_forgotten = _attempt_with(owns=lambda n, k: [round(n * k / 2) // n] * n)
_last_nodes_own_more = _attempt_with(owns=lambda n, k: _owned_edges(n, k)[::-1])
_total_cut_off = _attempt_with(owns=lambda n, k: [(int(n * k / 2) + n - 1 - u) // n for u in range(n)])
_both_sides = _attempt_with(owns=lambda n, k: [min(n - 1, 2 * own) for own in _owned_edges(n, k)])
_networkx_order = _attempt_with(order=_of_ordered_edges)
_farthest_first = _attempt_with(order=lambda edges: sorted(edges, key=lambda edge: (edge[0], -edge[1])))
_from_the_last_node = _attempt_with(order=lambda edges: edges[::-1])
_ends_alone = _attempt_with(draw=_until(lambda near, u, v, w: w == u))
_never_gives_up = _attempt_with(draw=_until(lambda near, u, v, w: w == u or w in near[u], gives_up=False))
_may_take_itself = _attempt_with(draw=_until(lambda near, u, v, w: w in near[u]))
_may_take_v_again = _attempt_with(draw=_until(lambda near, u, v, w: w == u or (w in near[u] and w != v)))
_free_of_v_for_free_of_u = _attempt_with(draw=_until(lambda near, u, v, w: w == u or w in near[v]))
_asked_before_any_draw = _attempt_with(draw=_asks_first)
_asked_before_the_second = _attempt_with(draw=_asks_after_one)
_only_one_try = _attempt_with(draw=_one_try)
_chosen_among_the_free = _attempt_with(draw=_among_the_free)
_chosen_among_the_others = _attempt_with(draw=_among_the_others)
_v_still_holds_u = _attempt_with(put=_kept_at_v)
_w_does_not_know = _attempt_with(put=_not_told_to_w)
_nothing_removed = _attempt_with(put=_only_added)
_other_end_moves = _attempt_with(put=_end_of_u_moves)
_another_edge_goes = _attempt_with(put=_some_neighbour_goes)


def _while_the_ring_grows(n: Any, k: Any, p: Any, random: Any) -> Any:
    """Rewires each edge as soon as it is put: edges of the ring that come later are put on top."""
    near: Any = [set() for _ in range(n)]
    for u, own in enumerate(_owned_edges(n, k)):
        for s in range(1, own + 1):
            v = (u + s) % n
            near[u].add(v)
            near[v].add(u)
            if random.random() < p:
                w = _drawn_by_the_rule(near, u, v, random)
                if w is not None:
                    _moved(near, u, v, w)
    return near


def _until_connected(n: Any, k: Any, p: Any, random: Any) -> Any:
    """More than one attempt, if need be."""
    while True:
        near = mended_attempt(n, k, p, random)
        seen, new = {0}, [0]
        while new:
            more = near[new.pop()] - seen
            seen |= more
            new += more
        if len(seen) == n:
            return near


def _chance_turned_over(n: Any, k: Any, p: Any, random: Any) -> Any:
    return mended_attempt(n, k, 1 - p, random)


def _as_edges(n: Any, k: Any, p: Any, random: Any) -> Any:
    return sorted({(min(u, v), max(u, v)) for u, v in _joins(mended_attempt(n, k, p, random))})


def _of_its_own_random(n: Any, k: Any, p: Any, random: Any) -> Any:
    """Draws from a generator that is not the one it was given."""
    return mended_attempt(n, k, p, Drawn(0))


def _by_numpy_s_names(n: Any, k: Any, p: Any, random: Any) -> Any:
    return random.integers(n)


def _draw_right(n: int, k: float, p: float, random: Drawn) -> tuple[Any, str]:
    """The graph that is wanted of these draws."""
    from lessons.show.graph import draw_graph

    near = mended_attempt(n, k, p, deepcopy(random))
    edges = sorted((u, v) for u, v in _joins(near) if u < v)
    title = f"wanted for n = {n}, k = {k:g}, p = {p:g}: {len(edges)} edges"
    return draw_graph(as_graph(edges, n=n), positions=_round_places(n), title=title, size=(4.0, 3.6))


def _round_places(n: int) -> Floats:
    """Clockwise, node 0 on top."""
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    return np.column_stack([np.cos(angle), np.sin(angle)])


NEVER_ENDS = replace(
    RUNS,
    hints=(
        "A node may be joined to all others. Which w could it take then?",
        "Look at the loop that draws again: what ends it where u has n - 1 neighbours?",
        "After each draw in the loop, see whether u has n - 1 neighbours; if so, leave the edge as it is.",
    ),
)
NO_SUCH_DRAW = replace(
    RUNS,
    hints=(
        "`random` is like a random.Random, not like NumPy's generators.",
        "Look at the methods that you call: there are random(), choice(...) and randrange(...).",
        "random.random() is a number from 0 to below 1, random.choice(range(n)) one of n nodes.",
    ),
)

ATTEMPT = Exercise(
    id="relational_graphs-3",
    level="core",
    form="spot the bug",
    difficulty=3,
    importance=2,
    minutes=9,
    cases=_attempt_cases,
    properties=(
        Property(
            says="the answer is a list of n sets: the neighbours of each node, 0 to n - 1",
            holds=_are_neighbours,
            hints=(
                "As lossy_attempt gives it, also where the graph is not connected.",
                "Look at what you return.",
                "One set for each node, in the order of the nodes, all in one list.",
            ),
        ),
        Property(
            says="p = 0: a ring of round(n k / 2) edges; node u owns those to u + 1, u + 2, ..., and the first "
            "nodes own one more where the edges do not come out even",
            holds=lambda found, n, k, p, random: p > 0 or _as_published(found, n, k, p, random),
            hints=(
                "k need not be an even number, not even a whole one: how many edges are there, and who owns them?",
                "Look at the line with round. For n = 5 and k = 2.6 there are 6 edges, so node 0 owns two.",
                "Round once, for all edges; then divide by n: the quotient is for everybody, the rest for the "
                "first.",
            ),
        ),
        Property(
            says="an edge has two ends: v is a neighbour of u if u is one of v",
            holds=_two_ends,
            hints=(
                "Whoever leaves is missed, or not, on the other side.",
                "Look at the sets that change where an edge is moved: how many nodes does it concern?",
                "Three nodes are concerned: u loses v, v loses u, and u and w get each other.",
            ),
        ),
        Property(
            says="nobody is joined to himself",
            holds=lambda found, *rest: all(u != v for u, v in _joins(found)),
            hints=(
                "u may be drawn, too.",
                "Look at the condition of the loop that draws again.",
                "Draw again where w is u, and where w is a neighbour of u: either will do.",
            ),
        ),
        Property(
            says="no edge is lost, and none is won: there are round(n k / 2)",
            holds=lambda found, n, k, p, random: len(_joins(found)) == 2 * round(n * k / 2),
            hints=(
                "A set keeps one of two that are alike, and says nothing.",
                "Look at w: who may be drawn that u is joined to already? And is an edge always taken away where "
                "another is put?",
                "Draw again while w is in neighbours[u]; take away and put only after that.",
            ),
        ),
        Property(
            says="where u is joined to all others, w is drawn twice all the same, and then the edge is left",
            holds=_drawn_twice_where_full,
            hints=(
                "Here a node u is joined to all others when one of its edges is to be rewired. The graph may be a "
                "good one, but the same seed must give the same graph, so it matters how often you draw.",
                "Look at when you ask whether u has n - 1 neighbours: the rule asks after it has drawn again, not "
                "before.",
                "Draw w; while it will not do: draw w, then ask whether u has n - 1 neighbours.",
            ),
        ),
        Property(
            says="draws come in the order of the rule: one random() for each edge, in the order of the nodes and "
            "then from the nearest on; after those below p, w is drawn of all n nodes, until it will do, or u is "
            "full",
            holds=_drawn_as_published,
            hints=(
                "The graph may be a good one, but the same seed must give the same graph.",
                "Look at which edges come first, at whom w is drawn from, and at when you draw again.",
                "For u in the order of the nodes, for its edges from the nearest on: random(); if below p draw w "
                "of range(n), and again while w is u or a neighbour of u.",
            ),
        ),
        Property(
            says="the edge whose turn it is goes, u - v, and u - w comes, where u owns it",
            holds=_as_published,
            hints=(
                "One end of the edge stays where it is, and it is the edge for which was drawn.",
                "Look at whom w becomes a neighbour of, whom u loses, and which of u's edges come first.",
                "The node that owns the edge keeps it: u loses v, and gets w.",
            ),
        ),
    ),
    reference=mended_attempt,
    wrong=(
        lossy_attempt,
        _half_of_k,
        _half_of_k_cut_off,
        _half_of_k_rounded_up,
        _rest_forgotten,
        _last_nodes_own_more,
        _total_cut_off,
        _both_sides,
        _networkx_order,
        _farthest_first,
        _from_the_last_node,
        _ends_alone,
        _never_gives_up,
        _may_take_itself,
        _may_take_v_again,
        _free_of_v_for_free_of_u,
        _asked_before_any_draw,
        _asked_before_the_second,
        _only_one_try,
        _chosen_among_the_free,
        _chosen_among_the_others,
        _v_still_holds_u,
        _w_does_not_know,
        _nothing_removed,
        _other_end_moves,
        _another_edge_goes,
        _while_the_ring_grows,
        _until_connected,
        _chance_turned_over,
        _as_edges,
        _of_its_own_random,
        _by_numpy_s_names,
    ),
    why=(
        "First slip: round(k / 2) edges for each node make a k of 2.6 a 2; the total is what is rounded, and the "
        "rest is given to the first nodes. Second: w may be a neighbour already, and two edges become one, "
        "unseen, as sets keep no doubles; drawing until w is free mends it, and never ends where u has all, so "
        "it must give up there. Third: v keeps u, and the graph is no longer undirected. None of them stops the "
        "program, and all make the graph another one than k says. That it gives up only after a second draw is a "
        "whim, but seeds depend on it."
    ),
    draw=_draw_right,
    raised={RuntimeError: NEVER_ENDS, AttributeError: NO_SUCH_DRAW},
    after="Needed again: `ws_flex` grows the published graphs of a seed like this.",
)

# -------------------------------------------------------------------------------- 4: what k and p do


def _number(k: int, wanted: float) -> Callable[[Any], bool]:
    return lambda found: isclose(float(found[k]), wanted, rel_tol=1e-6)


def _sign(k: int, wanted: int) -> Callable[[Any], bool]:
    return lambda found: float(found[k]) == wanted


def _draw_rings() -> tuple[Any, str]:
    """Two small relatives of what is asked about: the ring, and what is left of it at p = 1."""
    from lessons.show import INK, canvas
    from lessons.show.graph import draw_on

    n, k = 10, 4
    fig, both = canvas(6.4, 3.2, columns=2)
    for axes, p in zip(both, (0.0, 1.0), strict=True):
        edges = sorted((u, v) for u, v in _joins(mended_attempt(n, k, p, Drawn(7))) if u < v)
        draw_on(axes, as_graph(edges, n=n), positions=_round_places(n))
        axes.set_title(f"10 nodes, k = 4, p = {p:g}", fontsize=11, color=INK)
    return fig, "Two graphs of 10 nodes and 20 edges: a ring in which all edges are short, and one with shortcuts."


@dataclass(frozen=True)
class _Layers:
    """Layers on graphs whose mask is true where `hears` of n nodes speak to each: one entry in `wider` squared."""

    hears: int = 16
    wider: int = 2  # than the complete graph's, at one budget
    units: int = 512  # of the complete graph's layer

    @property
    def n(self) -> int:
        return self.hears * self.wider**2

    def told(self) -> list[str]:
        """What the statement says of them."""
        return [
            f"{self.n} nodes, and a layer with as many outputs",
            f"the complete graph with {self.units} units: {self.units} · {self.units} multiply-adds",
            f"a graph of mean degree k = {self.hears - 1}:",
            f"(in the complete graph it was {self.units})",
            f"where k rises, from 8 to {self.n - 2},",
        ]


def _predicted(of: _Layers) -> Exercise:
    n, k, units, wider = of.n, of.hears - 1, of.units, of.wider
    share, width, inputs = 1 / wider**2, wider * units, units // wider
    signs = [-1, -1, 0, 1, -1, -1]
    part, times = {2: ("half", "twice"), 3: ("a third", "three times")}[wider]
    return Exercise(
        id="relational_graphs-4",
        level="core",
        form="predict",
        difficulty=2,
        importance=3,
        minutes=7,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of nine numbers, of which the last six are 1, 0 or -1",
                holds=lambda found: _is_real(found, (9,)) and all(float(sign) in (1, 0, -1) for sign in found[3:]),
                hints=(
                    "Three numbers to be computed, then six directions: 1 rises, 0 stays, -1 falls.",
                    "Count the numbers in your list, and look for inner brackets, words and quotation marks.",
                    "It looks like [a, b, c, d, e, f, g, h, i], with a number for each.",
                ),
            ),
            Property(
                says="(a) the share of the mask that is True, a number from 0 to 1",
                holds=_number(0, share),
                hints=(
                    f"In a row of the table of nodes, how many of {n} entries are True?",
                    "Look for whom a node hears besides its neighbours; and a share is no per cent.",
                    f"{k} neighbours and itself, of {n}.",
                ),
            ),
            Property(
                says=f"(b) the width at which the layer costs as much as {units} by {units}",
                holds=_number(1, width),
                hints=(
                    "A multiply-add for each True of the mask, which has width times width entries.",
                    "Look at what happens to the entries when the width doubles: inputs and outputs both do.",
                    f"width * width * share = {units} * {units}; a root is to be drawn.",
                ),
            ),
            Property(
                says="(c) the inputs that a unit of that layer hears",
                holds=_number(2, inputs),
                hints=(
                    "There are more units than in the complete graph, at the same cost in all: what is left for "
                    "each?",
                    "Look at your share and your width: a row of the mask has as many entries as the layer has "
                    "inputs. Units are asked for, not nodes.",
                    "The share of a row, of as many inputs as you found in (b); or the budget over the units.",
                ),
            ),
            Property(
                says="(d) p rises: C, how often two neighbours of a node are joined",
                holds=_sign(3, -1),
                hints=(
                    "On the ring my neighbours are near me, and so near each other.",
                    f"Look at a node drawn of all {n}: how likely is it joined to my other neighbours?",
                    f"At p = 1 hardly more often than any two nodes, {k} times in {n - 1}; on the ring more "
                    "often than that.",
                ),
            ),
            Property(
                says="(e) p rises: L, the mean length of a shortest path",
                holds=_sign(4, -1),
                hints=(
                    "On the ring a message must go half round.",
                    "Look at what a few edges to anywhere do to the longest of the ways.",
                    f"They are shortcuts; and at p = 1 a message reaches {k}, then nearly all of the others.",
                ),
            ),
            Property(
                says="(f) p rises: the width at the same budget",
                holds=_sign(5, 0),
                hints=(
                    "What does the cost depend on?",
                    "Look at how many edges a graph has before and after it is rewired.",
                    "An edge goes, another comes: as many entries of the mask are True as before.",
                ),
            ),
            Property(
                says="(g) k rises on the ring: C",
                holds=_sign(6, 1),
                hints=(
                    "From few neighbours to nearly all: what is C of the complete graph?",
                    "Look at two neighbours of mine, at random, at k = 8: two nodes of eight are joined if they "
                    "are at most four apart. It is 9/14.",
                    "From 9/14 towards 1, where everybody is joined to everybody.",
                ),
            ),
            Property(
                says="(h) k rises on the ring: L",
                holds=_sign(7, -1),
                hints=(
                    "How far does one edge carry round the ring?",
                    "Look at the complete graph: what is L there?",
                    "An edge bridges up to k / 2 places; so ways have fewer edges, down to 1.",
                ),
            ),
            Property(
                says="(i) k rises on the ring: the width at the same budget",
                holds=_sign(8, -1),
                hints=(
                    "More of each row is True, and the budget stays.",
                    f"Look at your own (b), at k = {k}, and at {units} for the complete graph.",
                    "A larger share, so fewer entries in all, so fewer units.",
                ),
            ),
        ),
        reference=[share, width, inputs, *signs],
        wrong=(
            f"1/{wider**2}, {width}, {inputs}, -1, -1, 0, 1, -1, -1",
            [share, width, inputs],
            [[share, width, inputs], [-1, -1, 0], [1, -1, -1]],
            [share, width, inputs, "falls", "falls", "stays", "rises", "falls", "falls"],
            [k / n, units * (n / k) ** 0.5, units * (k / n) ** 0.5, *signs],  # not itself
            [k / (n - 1), width, inputs, *signs],  # the graph's density
            [100 * share, width, inputs, *signs],  # per cent
            [share**2, units * wider**2, units * share, *signs],  # squared
            [share, units * wider**2, units, *signs],  # no root: the inputs alone get more
            [share, units, units * share, *signs],  # weights dropped, and nothing for it
            [share, units / wider, units / wider**3, *signs],  # narrower for wider
            [share, width, units, *signs],  # as in the complete graph
            [share, width, width, *signs],  # all of them
            [share, width, k + 1, *signs],  # nodes, not units
            [share, width, inputs * k / (k + 1), *signs],  # the units of others
            [share, width, inputs, 1, *signs[1:]],
            [share, width, inputs, 0, *signs[1:]],  # as many edges, as many triangles
            [share, width, inputs, -1, 1, *signs[2:]],
            [share, width, inputs, -1, 0, *signs[2:]],
            [share, width, inputs, -1, -1, 1, *signs[3:]],  # width goes with L
            [share, width, inputs, -1, -1, -1, *signs[3:]],
            [share, width, inputs, -1, -1, 0, -1, *signs[4:]],  # as for p: C goes with L
            [share, width, inputs, -1, -1, 0, 0, *signs[4:]],  # C near 3/4 for every k
            [share, width, inputs, -1, -1, 0, 1, 1, -1],
            [share, width, inputs, -1, -1, 0, 1, -1, 1],
            [share, width, inputs, -1, -1, 0, 1, -1, 0],  # the width taken for what does not change
        ),
        why=(
            f"A node hears {k} others and itself: {k + 1}/{n} = 1/{wider**2} of the mask. The cost is width^2 / "
            f"{wider**2}, so the width that costs {units}^2 is {width}; a unit there hears {width} / {wider**2} = "
            f"{inputs} inputs, {part} of the {units}. Fewer to hear for each, but {times} as many who hear: that "
            "is what the budget buys. Rewiring keeps the number of edges, so the width stays, while shortcuts "
            "bring L down and tear triangles apart. On the ring more edges bring C up to 1 and L down to 1, and "
            f"the width down to {units}. So width goes with k alone, and C and L with both."
        ),
        draw=_draw_rings,
        after="Needed again: the slider moves k and p, and shows C, L and the width beside them.",
        varied=_other_layers,
    )


def _other_layers(rng: Generator) -> Variant:
    of = _Layers(int(rng.integers(17, 33)), int(rng.integers(2, 4)), int(60 * rng.integers(9, 21)))
    return Variant(_predicted(of), dict(zip(_Layers().told(), of.told(), strict=True)))


PREDICTED = _predicted(_Layers())

# -------------------------------------------------------------------------------- 5: a width in few trials

Cost = Callable[[int], int]
MOST = 40  # calls of cost: twice the 20 binary digits of a width below a million
PATIENCE = 2_000  # calls until one is told to stop


def _width_cases(rng: Generator) -> Iterator[tuple[Cost, int, int]]:
    """Budgets met at once, met exactly, met between two widths; then relational layers, then wide ones."""
    for budget, least in ((1, 1), (4, 1), (5, 1), (9, 1), (10, 1), (9, 4), (16, 4), (17, 4), (26, 4)):
        yield _counted("width_squared", lambda width: width * width, least), budget, least
    for n in range(2, 8):
        for number in range(5):
            count = _units_joined(_hearing(rng, n))
            budget = count(int(rng.integers(n, 14 * n))) + (0, 0, 1, -1, 1)[number]
            yield _counted(f"layer_on_{n}_nodes", count, n), budget, n
    for density in (0.15, 0.3, 0.6, 1.0):
        joined = _units_joined(_hearing(rng, 64, density))
        dense = 3072 * 512
        yield _counted("mlp_on_64_nodes", _mlp(joined, dense), 64), 2_364_416, 64
    for name, count, budget in (
        ("width_squared", lambda width: width * width, 10**9),
        ("width_cubed", lambda width: width**3, 10**9),
        ("a_million_and_width", lambda width: 10**6 + width, 10**6 + 30_000),
        ("seven_times_width", lambda width: 7 * width, 10**5),
    ):
        yield _counted(name, count, 8), budget, 8


def _hearing(rng: Generator, n: int, density: float = 0.4) -> Mask:
    """Who hears whom on a graph drawn at random; everybody hears himself."""
    joined = np.triu(rng.random((n, n)) < density, 1)
    hears: Mask = joined | joined.T | np.eye(n, dtype=bool)
    return hears


def _sizes(width: int, n: int) -> Sizes:
    """As even as it goes; the last nodes own one more."""
    return np.array([(width + i) // n for i in range(n)])


def _units_joined(hears: Mask) -> Cost:
    """How many pairs of units of a layer with as many outputs as inputs are True in its mask."""

    def count(width: int) -> int:
        sizes = _sizes(width, len(hears))
        return int(sizes @ hears @ sizes)

    return count


def _mlp(joined: Cost, dense: int) -> Cost:
    """Two layers of the width, a dense one before and ten outputs behind."""
    return lambda width: dense + 2 * joined(width) + 10 * width


def _counted(name: str, count: Cost, least: int) -> Cost:
    """`count` for widths from `least` on. How often it was asked stands in `cost.calls`."""

    def cost(width: Any) -> int:
        if int(width) != width:
            raise TypeError(f"cost({width}): a width is a whole number")
        if width < least:
            raise ValueError(f"cost({width}): below {least} some node would own no unit")
        cost.calls += 1  # type: ignore[attr-defined]
        if cost.calls > PATIENCE:  # type: ignore[attr-defined]
            raise RuntimeError(f"cost was called {PATIENCE:,} times: {MOST} are enough")
        return count(int(width))

    cost.calls = 0  # type: ignore[attr-defined]
    cost.count = count  # type: ignore[attr-defined]
    cost.__name__ = name
    return cost


def slow_width(cost: Any, budget: Any, least: Any) -> Any:
    """Right, but each width costs a call."""
    width = least
    while cost(width) < budget:
        width += 1
    return width


def quick_width(cost: Cost, budget: int, least: int) -> int:
    low = high = least
    while cost(high) < budget:
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        if cost(middle) < budget:
            low = middle + 1
        else:
            high = middle
    return low


def _is_width(found: Any, cost: Any, budget: Any, least: Any) -> bool:
    return _is_real(found, ()) and int(found) == found >= least


def _few_calls(found: Any, cost: Any, budget: Any, least: Any) -> bool:
    return bool(cost.calls <= MOST)


def _at_budget(found: Any, cost: Any, budget: Any, least: Any) -> bool:
    return bool(cost.count(int(found)) >= budget)


def _smallest(found: Any, cost: Any, budget: Any, least: Any) -> bool:
    return bool(found == least or cost.count(int(found) - 1) < budget)


def _halved(
    low: Callable[[Any], int] = lambda least: least,
    high: Callable[..., int] = lambda cost, budget, least: _doubled(cost, budget, least),
    enough: Callable[[int, int], bool] = lambda cost, budget: cost >= budget,
) -> Callable[..., Any]:
    """Halving between two widths; the wrong ones differ in where it begins, or in what is enough."""

    def width_by(cost: Any, budget: Any, least: Any) -> Any:
        below, above = low(least), high(cost, budget, least)
        while below < above:
            middle = (below + above) // 2
            if enough(cost(middle), budget):
                above = middle
            else:
                below = middle + 1
        return below

    return width_by


def _doubled(cost: Any, budget: Any, least: Any) -> Any:
    """A width that is enough: the least, doubled until it is."""
    width = least
    while cost(width) < budget:
        width *= 2
    return width


def _scaled(cost: Any, budget: Any, least: Any, rounds: int = 15) -> Any:
    """By the root of what is missing, again and again, as if all cost grew with width^2: near, seldom there."""
    width = max(least, 1)
    for _ in range(rounds):
        width = max(least, round(width * (budget / cost(width)) ** 0.5))
    return width


def _stepped(cost: Any, budget: Any, least: Any) -> Any:
    """Unit steps after scaling, down and up, as published: right, but after a bad guess there are many of them."""
    width = _scaled(cost, budget, least)
    while width > least and cost(width - 1) >= budget:
        width -= 1
    while cost(width) < budget:
        width += 1
    return width


def _stepped_up_only(cost: Any, budget: Any, least: Any) -> Any:
    """What is too wide stays too wide."""
    return slow_width(cost, budget, _scaled(cost, budget, least))


def _stepped_to_the_other_side(cost: Any, budget: Any, least: Any) -> Any:
    """One step on, whichever side it came from: from above it ends below the budget."""
    width = _scaled(cost, budget, least)
    step = 1 if cost(width) < budget else -1
    while width > least and (cost(width) < budget) == (step > 0):
        width += step
    return width


def _scaled_once(cost: Any, budget: Any, least: Any) -> Any:
    return _scaled(cost, budget, least, rounds=1)


def _scaled_without_a_root(cost: Any, budget: Any, least: Any) -> Any:
    return max(least, round(least * budget / cost(least)))


def _not_rounded(cost: Any, budget: Any, least: Any) -> Any:
    """A root, which is no whole number."""
    return max(least, least * (budget / cost(least)) ** 0.5)


def _halves_of_units(cost: Any, budget: Any, least: Any) -> Any:
    low, high = least, _doubled(cost, budget, least)
    while low < high:
        middle = (low + high) / 2
        low, high = (middle + 1, high) if cost(middle) < budget else (low, middle)
    return low


def _largest_below(cost: Any, budget: Any, least: Any) -> Any:
    """The last width that the budget pays for: as a budget is often meant."""
    return max(least, quick_width(cost, budget, least) - 1)


def _largest_at_most(cost: Any, budget: Any, least: Any) -> Any:
    """The same, where the budget itself may be spent."""
    width = quick_width(cost, budget, least)
    return width if width == least or cost(width) == budget else width - 1


def _nearest(cost: Any, budget: Any, least: Any) -> Any:
    """Above or below, whichever is nearer."""
    width = quick_width(cost, budget, least)
    return min((max(least, width - 1), width), key=lambda tried: abs(cost(tried) - budget))


def _the_cost_itself(cost: Any, budget: Any, least: Any) -> Any:
    return cost(quick_width(cost, budget, least))


def _one_past_the_doubled(cost: Any, budget: Any, least: Any) -> Any:
    """Between the last two doublings, but from the second of them on at most one below."""
    high = _doubled(cost, budget, least)
    return high if high == least or cost(high - 1) < budget else high - 1


def _all_and_then_looked_up(cost: Any, budget: Any, least: Any) -> Any:
    """A sorted list is quickly searched; first it must be there."""
    costs = [cost(least + more) for more in range(1_600)]
    return least + int(np.searchsorted(costs, budget))


def _by_tens(cost: Any, budget: Any, least: Any) -> Any:
    """Ten at a time, then one at a time."""
    width = least
    while cost(width + 10) < budget:
        width += 10
    return slow_width(cost, budget, width)


def _never_halved(cost: Any, budget: Any, least: Any) -> Any:
    """low = middle where they are neighbours: for ever."""
    low, high = least, _doubled(cost, budget, least)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) < budget else (low, middle)
    return low


_from_0 = _halved(low=lambda least: 0)
_up_to_512 = _halved(high=lambda cost, budget, least: max(512, least))
_up_to_the_root_of_the_budget = _halved(high=lambda cost, budget, least: max(least, int(budget**0.5)))
_more_than_enough = _halved(enough=lambda cost, budget: cost > budget)
_up_to_twice_the_least = _halved(high=lambda cost, budget, least: 2 * least)


def _draw_cost(cost: Cost, budget: int, least: int) -> tuple[Any, str]:
    from lessons.show import FAINT, INK, PALETTE, canvas

    count: Cost = cost.count  # type: ignore[attr-defined]
    right = quick_width(count, budget, least)
    widths = np.unique(np.linspace(least, max(2 * right - least, least + 4), 60).astype(int))
    fig, axes = canvas(4.6, 2.8)
    axes.plot(widths, [count(int(width)) for width in widths], ".-", color=PALETTE[0], label=cost.__name__)
    axes.axhline(budget, color=FAINT, linestyle="--", label="budget")
    axes.plot(right, count(right), "o", color=INK, fillstyle="none", markersize=11, label="wanted")
    axes.set(xlabel="width", ylabel="cost", title=f"budget {budget:,}, from width {least} on")
    axes.legend(frameon=False)
    return fig, f"The cost rises with the width, and reaches the budget {budget:,} at width {right}."


TOO_NARROW = replace(
    RUNS,
    hints=(
        "The message says which width was too small: `least` is the first that may be tried.",
        "Look at where your search begins, and at what you subtract.",
        "Begin with low = least; a width one less is to be asked for only where it is not below that.",
    ),
)
NOT_WHOLE = replace(
    RUNS,
    hints=(
        "A layer has a whole number of units.",
        "Look for a root or a `/` on the way to what you hand to cost.",
        "`//` divides whole numbers into whole numbers; round(...) and int(...) make some.",
    ),
)
NO_END = replace(
    RUNS,
    hints=(
        "Trying one width after another takes too long for wide layers; so does a loop without an end.",
        "Look at how far your width moves with each call, and at what happens where two bounds are neighbours.",
        "Halve what is left: whatever the answer of cost, half of the widths must be out, the middle one with "
        "them if it is too narrow.",
    ),
)

COST = Exercise(
    id="relational_graphs-5",
    level="stretch",
    form="complexity",
    difficulty=2,
    importance=2,
    minutes=6,
    cases=_width_cases,
    properties=(
        Property(
            says="the answer is a whole number, a width, not below `least`",
            holds=_is_width,
            hints=(
                "A width, not what it costs.",
                "Look at what you return where the first width is enough at once.",
                "One number, `least` or more.",
            ),
        ),
        Property(
            says="at that width the cost is at least the budget",
            holds=_at_budget,
            hints=(
                "The layer may be a little too dear, never too cheap.",
                "Look at the last step: on which side of the budget does it end? And how far can your search "
                "get: is the width that you begin with as upper bound always enough?",
                "Double a width until its cost reaches the budget: then you know one that is enough.",
            ),
        ),
        Property(
            says="with one unit less it is below the budget, unless that is below `least`",
            holds=_smallest,
            hints=(
                "Enough is enough: the smallest width is wanted.",
                "Look at what happens where the cost is the budget exactly, and at the width below the one you "
                "return.",
                "Keep two widths: all below the one are too narrow, the other is enough. When they meet, it is "
                "found.",
            ),
        ),
        Property(
            says=f"cost is called at most {MOST} times, for widths up to a million",
            holds=_few_calls,
            hints=(
                "Each call should tell you more than about one width: the cost rises.",
                "Look at how far your width moves with each call, where the answer is 30,000. A guess by a root "
                "is good where cost grows with the square, and it need not.",
                "First double until it is enough, then halve what lies between: two calls for each binary digit.",
            ),
        ),
    ),
    reference=quick_width,
    wrong=(
        slow_width,
        _stepped,
        _by_tens,
        _all_and_then_looked_up,
        _scaled,
        _scaled_once,
        _scaled_without_a_root,
        _stepped_up_only,
        _stepped_to_the_other_side,
        _not_rounded,
        _halves_of_units,
        _largest_below,
        _largest_at_most,
        _nearest,
        _the_cost_itself,
        _doubled,
        _one_past_the_doubled,
        _never_halved,
        _from_0,
        _up_to_512,
        _up_to_the_root_of_the_budget,
        _more_than_enough,
        _up_to_twice_the_least,
    ),
    why=(
        "The cost rises, so one call says of all widths on one side whether they are enough. Doubling finds a "
        "width that is enough, after about log2(width) calls; halving then leaves one, after as many again. The "
        "published search guesses by the root of budget / cost, fifteen times, and goes on in unit steps: quick "
        "where cost grows with the square of the width. Where a dense part costs most, its guesses hardly move. "
        "Both end at the same width, as there is only one: at or above the budget, and one unit less is below."
    ),
    draw=_draw_cost,
    raised={ValueError: TOO_NARROW, TypeError: NOT_WHOLE, RuntimeError: NO_END},
    after="Needed again: `match_width` does this for each graph, so that all networks cost the same.",
)

EXERCISES = (ROUND, MASK, ATTEMPT, PREDICTED, COST)
