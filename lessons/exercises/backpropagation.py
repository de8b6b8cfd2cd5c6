"""The exercises of notebook 03: slopes by hand, modes counted, walks back, a slope checked, broadcasting back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Counted, Exercise, Property, Variant, once
from lessons.graph import as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Ports = Sequence[Sequence[int]]  # for each node the nodes that it reads, port by port; all before it
Slopes = Sequence[Sequence[float]]  # for each node the derivative with respect to each port


def _is_row(found: Any, length: int) -> bool:
    """Whether an answer is a flat list of so many real numbers."""
    array = np.asarray(found)
    return array.shape == (length,) and array.dtype.kind in "fiu"


# -------------------------------------------------------------------------------- 1: five slopes by hand

FIVE: dict[Any, int] = {"x": 3, "y": 2, "a": 6, "b": 9, "c": 54}
FIVE_EDGES = (("x", "a"), ("y", "a"), ("a", "b"), ("x", "b"), ("a", "c"), ("b", "c"))


def _draw_five() -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = as_graph(FIVE_EDGES, nodes=list(FIVE), directed=True)
    places = [(0, 1), (0, -1), (1, -0.4), (1.6, 1), (2.6, 0)]
    return draw_graph(graph, positions=places, values=FIVE, title="a = x · y,   b = a + x,   c = a · b")


BY_HAND = Exercise(
    id="backpropagation-1",
    level="warm-up",
    form="predict",
    difficulty=2,
    importance=3,
    minutes=5,
    cases=once,
    properties=(
        Property(
            says="the answer is a flat list of five numbers: dc/dx, dc/dy, dc/da, dc/db and dc/dc",
            holds=lambda found: _is_row(found, 5),
            hints=(
                "Each of the five nodes has one derivative, c itself too; parts that meet are added up.",
                "Count the numbers in your list: no names, no pairs, one pair of brackets.",
                "It looks like [p, q, r, s, t], with t for c.",
            ),
        ),
        Property(
            says="the walk begins at c, which changes as much as itself",
            holds=lambda found: found[4] == 1,
            hints=(
                "The last number is what the walk begins with; it does not depend on any value.",
                "Look at the order of your list, x first and c last, and at what it holds: slopes, not values.",
                "When c grows by 0.01, by how much does c grow?",
            ),
        ),
        Property(
            says="b hands its change to c through a product: its slope is the other factor",
            holds=lambda found: found[3] == 6,
            hints=(
                "Hold a, and let b grow by 1: how much does a · b grow?",
                "Look at c = a · b. The slope for one factor is a value; along an edge it multiplies.",
                "dc/db = (value of a) times dc/dc.",
            ),
        ),
        Property(
            says="two nodes read a, and each hands back a part",
            holds=lambda found: found[2] == 15,
            hints=(
                "A change of a reaches c on two ways: directly, and through b. Both count.",
                "Look at what a gets from c, and at what it gets from b, once b knows its own number.",
                "dc/da = (value of b) + (slope of b for a) times dc/db.",
            ),
        ),
        Property(
            says="a hands on all that it received, once: to y, through the product a = x · y",
            holds=lambda found: found[1] == 45,
            hints=(
                "y is read by a only, so one edge decides; but a must be complete before it hands anything on.",
                "Look at what you multiply: all of dc/da, with a value that stands at the other port of a.",
                "dc/dy = (value of x) times dc/da, after both parts of dc/da are there.",
            ),
        ),
        Property(
            says="two nodes read x, and each hands back a part",
            holds=lambda found: found[0] == 36,
            hints=(
                "A change of x reaches c through a, and through b without passing a.",
                "Look at the edge from x to b: it is a way of its own.",
                "dc/dx = (value of y) times dc/da + (slope of b for x) times dc/db.",
            ),
        ),
    ),
    reference=[36, 45, 15, 6, 1],
    wrong=(
        [36, 45],  # the leaves only
        [[30, 6], 45, [9, 6], 6, 1],  # parts side by side
        "36, 45, 15, 6, 1",
        [1, 6, 15, 45, 36],  # from the output on
        [3, 2, 6, 9, 54],  # values
        [1, 0, 2, 3, 36],  # how each changes with x: forward
        [28, 21, 18, 7, 1],  # added along the edges
        [54, 30, 15, 9, 1],  # its own factor
        [12, 18, 6, 6, 1],  # the part that came last
        [18, 27, 9, 6, 1],  # the part that came first
        [6, 0, 9, 6, 1],  # along single edges only
        [24, 27, 15, 6, 1],  # a hands on before b has handed back
        [54, 72, 15, 6, 1],  # a hands on with each part that comes, what came before once more
        [30, 45, 15, 6, 1],  # x read by b forgotten
    ),
    why=(
        "From c back: dc/dc = 1. c = a · b gives b the value of a, 6, and a the value of b, 9. b = a + x hands "
        "its 6 to a and to x unchanged, so a has 9 + 6 = 15, and only now may it hand on. a = x · y gives y the "
        "value of x times 15, 45, and x the value of y times 15, 30; with the 6 from b, dc/dx = 36."
    ),
    draw=_draw_five,
    after="Needed again: exercise 3 lets a loop do this, for graphs of any size.",
)

# -------------------------------------------------------------------------------- 2: two modes counted


@dataclass(frozen=True)
class _Sizes:
    """Of the tapes whose walks are counted."""

    weights: int = 1000
    tape: int = 5000  # edges of (a)
    results: int = 40
    settings: int = 3
    edges: int = 2000  # of (b)

    def told(self) -> list[str]:
        """What the statement says of them."""
        return [
            f"a loss with respect to {self.weights:,} weights, on a graph of {self.tape:,} edges",
            f"the {self.results} results of a simulation with respect to its {self.settings} settings, "
            f"{self.edges:,}",
            f"these {self.results} results with respect to the {self.settings} settings, where one node more "
            f"reads all {self.results}?",
        ]


def _modes(of: _Sizes) -> Exercise:
    a, b, c = of.tape, of.settings * of.edges, of.edges + of.results
    return Exercise(
        id="backpropagation-2",
        level="warm-up",
        form="predict",
        difficulty=1,
        importance=2,
        minutes=3,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of three numbers: the visits in (a), (b) and (c)",
                holds=lambda found: _is_row(found, 3),
                hints=(
                    "How many visits, not which mode.",
                    "Look at the form: three numbers in one pair of brackets.",
                    "Each is a number of walks times a number of edges.",
                ),
            ),
            Property(
                says="in (a) one result and many inputs: as many walks as the cheaper mode needs, over all edges",
                holds=lambda found: found[0] == a,
                hints=(
                    "A forward walk tells how everything changes with *one* input; a walk back tells how *one* "
                    "result changes with everything.",
                    "Count what there is only one of.",
                    "The loss is one result: one walk back visits each edge of the tape once, however many "
                    "weights.",
                ),
            ),
            Property(
                says=(
                    f"in (b) {of.settings} inputs and many results: as many walks as the cheaper mode needs, over "
                    "all edges"
                ),
                holds=lambda found: found[1] == b,
                hints=(
                    "Here neither is one; take the smaller number of walks.",
                    "Compare a walk for each setting with a walk for each result.",
                    "Settings times edges: one forward walk from each setting gives the slopes of all "
                    f"{of.results} results.",
                ),
            ),
            Property(
                says="in (c) there is one result again, and the tape has grown by the edges of the sum",
                holds=lambda found: found[2] == c,
                hints=(
                    "The sum is one number, whatever it was made of: which mode is it now?",
                    f"Count the edges again: the node that adds up reads every one of the {of.results} results.",
                    "One walk, over the edges of (b) and the edges into the sum.",
                ),
            ),
        ),
        reference=[a, b, c],
        wrong=(
            ["backward", "forward", "backward"],
            [1, of.settings],  # walks
            [1, of.settings, 1],  # walks, not visits
            [of.weights * a, b, c],  # forward for each weight
            [2 * a, 2 * b, 2 * c],  # both modes, or two visits an edge
            [a, of.results * of.edges, c],  # back from each result
            [a, of.results * b, c],  # for each pair of them
            [a, of.edges, c],  # one walk will do
            [a, b, of.settings * c],  # forward again
            [a, b, of.edges],  # the edges into the sum forgotten
            [a, b, of.edges + 1],  # one edge into it
        ),
        why=(
            f"Forward mode walks once for each input, reverse mode once for each result. (a) One walk back: {a:,} "
            f"visits, where forward mode would need {of.weights:,} walks. (b) {of.settings} walks forward, "
            f"{of.settings} · {of.edges:,}, against {of.results} back. (c) Adding up turns {of.results} results "
            f"into one: one walk back over {of.edges:,} + {of.results} edges. Training is always (a)."
        ),
        after="Needed again: every training step of the course is one walk back from one loss.",
        varied=_other_modes,
    )


def _other_modes(rng: Generator) -> Variant:
    weights, per_weight, tens, settings, thousands = (
        int(k) for k in rng.integers([2, 4, 5, 2, 3], [10, 9, 10, 5, 9])
    )
    of = _Sizes(1000 * weights, 1000 * weights * per_weight, 10 * tens, settings, 1000 * thousands)
    return Variant(_modes(of), dict(zip(_Sizes().told(), of.told(), strict=True)))


MODES = _modes(_Sizes())

# -------------------------------------------------------------------------------- 3: the walk back


def _walk_cases(rng: Generator) -> Iterator[tuple[list[Counted], list[list[int]]]]:
    """One node to nine, with shared nodes, ports that read one node twice, leaves anywhere, nodes that lead
    nowhere; then ladders, on which the number of paths doubles at each step. Fewest nodes and edges first."""
    graphs: list[list[list[int]]] = [[[]], [[], []], [[], [0]], [[], [0, 0]], [[], [0], [0]], [[], [0], [1]]]
    graphs += [_random_ports(rng, n) for n in range(3, 10) for _ in range(16)]
    graphs += [[[], *([k, k] for k in range(depth))] for depth in (9, 10, 11)]
    for inputs in sorted(graphs, key=lambda ports: (len(ports), sum(map(len, ports)))):
        slopes = [[int(slope) for slope in rng.choice([-1, 2, 3, 4], len(row))] for row in inputs]
        yield [Counted(np.array(row, np.int64)) for row in inputs], slopes


def _random_ports(rng: Generator, n: int) -> list[list[int]]:
    """What each node reads: one or two ports, a third one now and then that reads the same, or none: a leaf."""
    rows = [rng.integers(0, k, 1 + rng.integers(0, 2)).tolist() for k in range(1, n)]
    kinds = [*rng.random(n - 2), 1.0]  # the last one reads something
    twice = [row + row[:1] if 0.15 < kind < 0.4 else row for row, kind in zip(rows, kinds, strict=True)]
    return [[], *([] if kind < 0.15 else row for row, kind in zip(twice, kinds, strict=True))]


def backward(inputs: Ports, slopes: Slopes) -> list[float]:
    gradients = [0.0] * len(inputs)
    gradients[-1] = 1.0
    for k in reversed(range(len(inputs))):
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
    return gradients


def _plain(inputs: Any) -> list[list[int]]:
    """The ports without counting."""
    return [row.uncounted.tolist() for row in inputs]


def _forwards(inputs: Ports, slopes: Slopes) -> list[float]:
    """What the checker compares with: how the last node changes with each node, a walk forward from each."""
    return [_walk_forward(j, inputs, slopes)[-1] for j in range(len(inputs))]


def _walk_forward(start: int, inputs: Ports, slopes: Slopes) -> list[float]:
    changes: list[float] = []
    for k, (row, local) in enumerate(zip(inputs, slopes, strict=True)):
        if k == start:
            changes.append(1)
        else:
            changes.append(sum(slope * changes[j] for j, slope in zip(row, local, strict=True)))
    return changes


def _paths(inputs: Ports) -> list[float]:
    """How many paths lead from each node to the last one."""
    return _forwards(inputs, [[1] * len(row) for row in inputs])


def _agree(found: Any, inputs: Any, slopes: Slopes, *, paths: range) -> bool:
    """Whether the derivatives are right for all nodes from which so many paths lead to the last."""
    ports = _plain(inputs)
    rows = [j for j, number in enumerate(_paths(ports)) if number in paths]
    return np.allclose(np.asarray(found)[rows], np.asarray(_forwards(ports, slopes))[rows], rtol=1e-6, atol=1e-6)


def _leaves_only(inputs: Any, slopes: Any) -> Any:
    return [g for g, row in zip(backward(inputs, slopes), inputs, strict=True) if not len(row)]


def _by_node(inputs: Any, slopes: Any) -> Any:
    return dict(enumerate(backward(inputs, slopes)))


def _last_first(inputs: Any, slopes: Any) -> Any:
    return backward(inputs, slopes)[::-1]


def _without_a_seed(inputs: Any, slopes: Any) -> Any:
    return _handed_back([0.0] * len(inputs), inputs, slopes)


def _all_begin_with_one(inputs: Any, slopes: Any) -> Any:
    """Every node that nobody reads counts as a result."""
    gradients = [1.0] * len(inputs)
    for row in inputs:
        for j in row:
            gradients[j] = 0.0
    return _handed_back(gradients, inputs, slopes)


def _handed_back(gradients: list[float], inputs: Any, slopes: Any) -> list[float]:
    for k in reversed(range(len(inputs))):
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
    return gradients


def _adds_slopes(inputs: Any, slopes: Any) -> Any:
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for k in reversed(range(len(inputs))):
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += (gradients[k] + slope) * (gradients[k] != 0)
    return gradients


def _first_to_last(inputs: Any, slopes: Any) -> Any:
    """In the order of the computation: a node hands on before anything has come back to it."""
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for k in range(len(inputs)):
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
    return gradients


def _overwrites(inputs: Any, slopes: Any) -> Any:
    """As tinygrad did in November 2020."""
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for k in reversed(range(len(inputs))):
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            if gradients[k]:
                gradients[j] = gradients[k] * slope
    return gradients


def _each_input_once(inputs: Any, slopes: Any) -> Any:
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for k in reversed(range(len(inputs))):
        for j, slope in dict(zip(inputs[k], slopes[k], strict=True)).items():
            gradients[j] += gradients[k] * slope
    return gradients


def _hands_on_at_once(inputs: Any, slopes: Any) -> Any:
    """As micrograd's first commits did: whoever receives a part hands on all it has, what it had before again."""
    gradients = [0.0] * (len(inputs) - 1) + [1.0]

    def hand_on(k: int) -> None:
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
            hand_on(int(j))

    hand_on(len(inputs) - 1)
    return gradients


def _at_first_sight(inputs: Any, slopes: Any) -> Any:
    gradients, order = [0.0] * (len(inputs) - 1) + [1.0], [len(inputs) - 1]
    for k in order:
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            gradients[j] += gradients[k] * slope
            order += [] if j in order else [int(j)]
    return gradients


_kept: dict[int, float] = {}


def _adds_to_the_last_call(inputs: Any, slopes: Any) -> Any:
    """What an earlier call found is still there when the next one begins."""
    _kept[len(inputs) - 1] = 1.0
    gradients = [_kept.get(k, 0.0) for k in range(len(inputs))]
    _kept.update(enumerate(_handed_back(gradients, inputs, slopes)))
    return gradients


def _writes_into_slopes(inputs: Any, slopes: Any) -> Any:
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for k in reversed(range(len(inputs))):
        for port, j in enumerate(inputs[k]):
            slopes[k][port] *= gradients[k]
            gradients[j] += slopes[k][port]
    return gradients


def _sums_over_paths(inputs: Any, slopes: Any) -> Any:
    """Right, but every path is walked."""

    def parts(k: int, so_far: float) -> Iterator[tuple[int, float]]:
        yield k, so_far
        for j, slope in zip(inputs[k], slopes[k], strict=True):
            yield from parts(int(j), so_far * slope)

    gradients = [0.0] * len(inputs)
    for k, part in parts(len(inputs) - 1, 1.0):
        gradients[k] += part
    return gradients


def _forward_from_each(inputs: Any, slopes: Any) -> Any:
    """Right, but a walk over all edges for each node."""
    return _forwards(inputs, slopes)


def _asks_every_reader(inputs: Any, slopes: Any) -> Any:
    """Right, but each node looks through the ports of all that come after it."""
    gradients = [0.0] * (len(inputs) - 1) + [1.0]
    for j in reversed(range(len(inputs) - 1)):
        for k in range(j + 1, len(inputs)):
            ports = zip(inputs[k], slopes[k], strict=True)
            gradients[j] += sum(gradients[k] * slope for i, slope in ports if i == j)
    return gradients


def _draw_walk(inputs: Sequence[Counted], slopes: Slopes) -> tuple[Any, str]:
    """The graph with its slopes; where two ports read one node their sum, on one arrow."""
    from lessons.show.graph import draw_graph

    ports = [
        (j, k, slope) for k, row in enumerate(_plain(inputs)) for j, slope in zip(row, slopes[k], strict=True)
    ]
    graph = as_graph([(j, k, float(slope)) for j, k, slope in ports], n=len(inputs), directed=True)
    told = ", ".join(f"{k} reads {j} with slope {slope}" for j, k, slope in ports) or "no node reads another"
    title = "slopes on the arrows" if len(ports) == graph.m else "slopes on the arrows, two ports added up"
    return draw_graph(graph, title=title, alt=f"Nodes 0 to {len(inputs) - 1}: {told}.")


WALK = Exercise(
    id="backpropagation-3",
    level="core",
    form="implement",
    difficulty=2,
    importance=3,
    minutes=9,
    cases=_walk_cases,
    properties=(
        Property(
            says="the answer is a flat list: one number for each node, in the order of the nodes",
            holds=lambda found, inputs, slopes: _is_row(found, len(inputs)),
            hints=(
                "Every node has a derivative: a leaf, an inner node, the last one, and one that leads nowhere.",
                "Look at what you return: as many numbers as inputs has lists; no dictionary, no pairs.",
                "Begin with a list of as many zeros as there are nodes, and return it at the end.",
            ),
        ),
        Property(
            says="the last node changes as much as itself: its derivative is 1",
            holds=lambda found, inputs, slopes: found[-1] == 1,
            hints=(
                "The walk needs something to begin with; from nothing but zeros only zeros come.",
                "Look at the last entry of your list before the walk begins, and at the order of what you return.",
                "Give the last entry a 1 before the first step; node 0 comes first in the result.",
            ),
        ),
        Property(
            says="a node from which no path leads to the last one has derivative 0",
            holds=lambda found, inputs, slopes: _agree(found, inputs, slopes, paths=range(1)),
            hints=(
                "The last node does not notice what happens there, whatever the slopes on the way.",
                "Look at what a node begins with before anything is handed to it, also if nobody reads it.",
                "Only the last node begins with 1. And nothing may be left over from an earlier call.",
            ),
        ),
        Property(
            says="where one path leads from a node to the last, the slopes along it are multiplied",
            holds=lambda found, inputs, slopes: _agree(found, inputs, slopes, paths=range(2)),
            hints=(
                "A change passes through each slope of the path in turn: twice as much, then three times that.",
                "Look at what is handed along an edge, and at which end the walk begins.",
                "Take the nodes from the last to the first. Each hands to an input: its own derivative, times the "
                "slope of that port.",
            ),
        ),
        Property(
            says="where several paths lead from a node to the last, their products are added up",
            holds=lambda found, inputs, slopes: _agree(found, inputs, slopes, paths=range(2**63)),
            hints=(
                "A node that is read twice has two parts to receive, also if one node reads it at two ports.",
                "Look at how a part arrives, by = or by +=, and at whether a node hands on before all of its "
                "parts are there, or twice.",
                "Nodes from the last to the first, each once: whoever reads a node comes after it, so all its "
                "parts have arrived when its turn comes.",
            ),
        ),
        Property(
            says="no entry of inputs is read more than twice, so that the cost is O(n + m)",
            holds=lambda found, inputs, slopes: all(row.reads.max(initial=0) <= 2 for row in inputs),
            hints=(
                "Paths can double at every node; what comes back over them can be added up on the way.",
                "Look for a walk that starts anew for each node, or a function that calls itself for each path.",
                "One walk will do: a node that has all of its parts hands on their sum, and is done.",
            ),
        ),
    ),
    reference=backward,
    wrong=(
        _leaves_only,
        _by_node,
        _last_first,
        _without_a_seed,
        _all_begin_with_one,
        _adds_slopes,
        _first_to_last,
        _overwrites,
        _each_input_once,
        _hands_on_at_once,
        _at_first_sight,
        _adds_to_the_last_call,
        _writes_into_slopes,
        _sums_over_paths,
        _forward_from_each,
        _asks_every_reader,
    ),
    why=(
        "Every node stands after what it reads, so from the last to the first every node comes after all who read "
        "it: when its turn comes, all parts have arrived. It hands their sum on, times each slope, once: a port "
        "is an edge, and each edge is visited once, though there may be exponentially many paths. What leads "
        "nowhere has 0 and hands on 0. The list is new in each call: nothing is left over from the one before."
    ),
    draw=_draw_walk,
    after="Needed again: this loop is `backward`; the engines only find the order themselves, by Kahn's count.",
)

# -------------------------------------------------------------------------------- 4: spot the bug


def early_backward(inputs: Ports) -> list[int]:
    """A node hands on in the order in which it came into sight, though parts may still be missing."""
    gradients = [0] * (len(inputs) - 1) + [1]
    order = [len(inputs) - 1]
    for k in order:  # which grows while we walk it
        for j in inputs[k]:
            gradients[j] += gradients[k]
            if j not in order:
                order.append(j)
    return gradients


def _reads_backward(inputs: Any) -> bool:
    rows = [list(row) for row in inputs]
    ends = [(j, k) for k, row in enumerate(rows) for j in row]
    return len(rows) == 4 and all(j in range(k) for j, k in ends)


def _whole(inputs: Any) -> list[list[int]]:
    return [[int(j) for j in row] for row in inputs]


def _shares_an_inner_node(inputs: Any) -> bool:
    """Whether two nodes that the last one depends on read a third, which reads something itself."""
    rows = _whole(inputs)
    leads = _paths(rows)
    readers = [[m for m in range(4) if k in rows[m] and leads[m]] for k in range(4)]
    return any(row and len(read_by) > 1 for row, read_by in zip(rows, readers, strict=True))


def _shows_early(inputs: Any) -> bool:
    rows = _whole(inputs)
    return early_backward(rows) != _paths(rows)


EARLY = Exercise(
    id="backpropagation-4",
    level="core",
    form="spot the bug",
    difficulty=3,
    importance=2,
    minutes=6,
    cases=once,
    properties=(
        Property(
            says="the answer is four lists: for each of the nodes 0 to 3 the nodes before it that it reads",
            holds=_reads_backward,
            hints=(
                "Node 0 has nobody before it, so its list is empty; a list of one node is a list, too.",
                "Count the lists, and look for a node that reads itself or one that comes later.",
                "It looks like [[], [p], [q, r], [s, t]], with p below 1, q and r below 2, s and t below 3.",
            ),
        ),
        Property(
            says="early_backward goes wrong on them: it finds another number than there are paths to node 3",
            holds=_shares_an_inner_node,
            hints=(
                "early_backward adds; it can only go wrong where a node hands on while a part is missing.",
                "You need a node in the middle: it reads something, and two nodes read it. Two ports of *one* "
                "node hand back together: that does no harm. And node 3 must depend on all this.",
                "Let node 1 read 0. Which two of the others could read node 1?",
            ),
        ),
        Property(
            says="early_backward takes a node of them too early, so that a part which comes later is lost",
            holds=_shows_early,
            hints=(
                "The shared node is there, but it comes late enough: by then all of its parts have arrived.",
                "Run early_backward on your graph with print(k) in its loop: the last node's ports decide who "
                "comes into sight first.",
                "The shared node must be taken before its other reader: change the order of the ports of node 3.",
            ),
        ),
    ),
    reference=[[], [0], [1], [1, 2]],
    wrong=(
        [],
        [[], [0], [0], [1, 2], [3]],  # five nodes
        [[1, 2], [3], [3], []],  # whom it feeds, not what it reads
        [(0, 1), (0, 2), (1, 3), (2, 3)],  # edges
        [[], 0, 1, [1, 2]],
        [[], [0], [1], [2]],  # a chain
        [[], [0], [0], [1, 2]],  # a diamond
        [[], [0, 0], [1, 1], [2, 2]],  # a = x + x, b = a + a: micrograd's first commits were wrong here
        [[], [], [0, 1], [0, 1, 2]],  # shared leaves
        [[], [0], [1], [1]],  # one of the two readers leads nowhere
        [[], [0], [1], [2, 1]],  # a shortcut, but the ports are on its side
        [[], [0], [0, 1], [2, 1]],
    ),
    why=(
        "Node 3 sees 1 first, then 2. So 1 hands its 1 on to 0 and is done; then 2 hands another 1 to node 1, "
        "which nobody passes on. early_backward says 1 for node 0, but two paths lead from it to 3. Adding is "
        "not enough, and each node once is not enough: a node may hand on when its *last* part has arrived, which "
        "is what Kahn's count tells. On chains, on diamonds and on x + x there is nothing to wait for."
    ),
    after="Needed again: every shortcut of a residual network is such a graph.",
)

# -------------------------------------------------------------------------------- 5: a slope of one's own


def _slope_cases(rng: Generator) -> Iterator[tuple[float]]:
    """Nice places first, which many a slip passes; then random ones, the nearest to 0 first."""
    yield from ((0.0,), (1.0,), (-1.0,))
    yield from ((float(x),) for x in sorted(3 * rng.standard_normal(40), key=abs))


def slope_at(x: float) -> float:
    return (1 - x**2) / (1 + x**2) ** 2


def _pushed(x: float) -> float:
    """What the checker compares with: a push to both sides."""
    h = 6e-6 * max(1.0, abs(x))
    return ((x + h) / (1 + (x + h) ** 2) - (x - h) / (1 + (x - h) ** 2)) / (2 * h)


def _is_real(found: Any) -> bool:
    array = np.asarray(found)
    return array.shape == () and array.dtype.kind in "fiu"


SLOPE = Exercise(
    id="backpropagation-5",
    level="core",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=4,
    cases=_slope_cases,
    properties=(
        Property(
            says="the answer is one real number, the slope at x",
            holds=lambda found, x: _is_real(found),
            hints=(
                "A slope at one place is one number.",
                "Look at what your function gives for 0.5: no list, no text, no Tensor.",
                "End with a return of a formula in x, computed with plain numbers.",
            ),
        ),
        Property(
            says="at 0 the slope is that of x alone, 1: there the divisor is 1 and does not move",
            holds=lambda found, x: x != 0 or np.isclose(found, 1),
            hints=(
                "You are asked how x / (1 + x²) changes with x, not what it is.",
                "Put 0 into your formula. Which part is wrong: its sign, or the numerator as a whole?",
                "For u / v: the slope of u times v, minus u times the slope of v, all over v².",
            ),
        ),
        Property(
            says="at 1 and at -1 the slope is 0: the curve turns there",
            holds=lambda found, x: abs(x) != 1 or np.isclose(found, 0, atol=1e-6),
            hints=(
                "x stands in two places, in the numerator and in the divisor: both move when x does.",
                "Look at how the divisor enters: where it grows, the quotient shrinks.",
                "The slope of the divisor is 2x, and it counts x times, with a minus.",
            ),
        ),
        Property(
            says="at random places the slope is what a push to both sides finds, to a millionth",
            holds=lambda found, x: abs(found - _pushed(x)) <= 1e-6,
            hints=(
                "At 0 and at ±1 you are right; nice places forgive a lot.",
                "At which x do x and x² differ, or (1 + x²) and its square? Try yours there, against a push.",
                "The numerator is that of v · 1 - x · 2x with v = 1 + x², the divisor is v².",
            ),
        ),
    ),
    reference=slope_at,
    wrong=(
        lambda x: [slope_at(x)],
        lambda x: f"{slope_at(x):.3f}",
        lambda x: x / (1 + x**2),  # the function itself
        lambda x: (x**2 - 1) / (1 + x**2) ** 2,  # the other way round
        lambda x: -2 * x / (1 + x**2) ** 2,  # that of 1 / (1 + x²)
        lambda x: 1 / (2 * x),  # the slopes divided
        lambda x: 1 / (1 + x**2),  # the divisor held
        lambda x: (1 + 3 * x**2) / (1 + x**2) ** 2,  # a plus
        lambda x: (1 - x**2) / (1 + x**2),  # the divisor not squared
        lambda x: (1 - x) / (1 + x**2) ** 2 if x >= 0 else (1 + x) / (1 + x**2) ** 2,
        lambda x: (1 + x**2 - 2 * abs(x)) / (1 + x**2) ** 2,  # in haste: 2x for 2x²
        lambda x: ((x + 1e-3) / (1 + (x + 1e-3) ** 2) - x / (1 + x**2)) / 1e-3,  # a push to one side
        lambda x: round(slope_at(x), 3),
    ),
    why=(
        "x is read twice, so two parts arrive. Through the numerator: 1 / (1 + x²). Through the divisor, which "
        "changes by 2x: -x / (1 + x²)², times 2x. Their sum over one divisor is (1 + x² - 2x²) / (1 + x²)². A "
        "wrong power or a lost factor is right at 0 and at ±1; one random place tells them apart."
    ),
    after="Needed again: each new operation of the course has its slopes checked like this, at random places.",
)

# -------------------------------------------------------------------------------- 6: broadcasting, backwards

Shape = tuple[int, ...]


def _broadcast_cases(rng: Generator) -> Iterator[tuple[NDArray[np.float64], Shape]]:
    """Gradients of no axis to four; plain ones first, then random ones, smallest first, without entries last."""
    pairs: list[tuple[Shape, Shape]] = [((), ()), ((2,), (2,)), ((2,), (1,)), ((2,), ()), ((2, 2), (2,))]
    pairs += [((2, 3), (2, 1)), ((3, 2), (1, 2)), ((2, 2), (1, 1)), ((1, 2), (2,)), ((2, 1), (1,))]
    pairs += [_random_shapes(rng, int(rng.integers(0, 5)), 1) for _ in range(60)]
    pairs += [((0,), (1,)), ((0,), ()), ((3, 0), (0,)), ((0, 3), (3,)), ((2, 0), (2, 1))]
    pairs += [_random_shapes(rng, int(rng.integers(1, 4)), 0) for _ in range(20)]
    for whole, shape in sorted(pairs, key=lambda pair: (0 in pair[0], len(pair[0]), np.prod(pair[0]))):
        yield rng.integers(1, 10, whole).astype(np.float64), shape


def _random_shapes(rng: Generator, axes: int, least: int) -> tuple[Shape, Shape]:
    """A shape, and one that is broadcast to it: axes stretched from 1, some of the left ones not there."""
    whole = tuple(int(length) for length in rng.integers(least, 4, axes))
    shape = tuple(1 if rng.random() < 0.4 else length for length in whole)
    return whole, shape[int(rng.integers(0, axes + 1)) :]


def sum_to(gradient: NDArray[np.float64], shape: Shape) -> NDArray[np.float64]:
    new = gradient.ndim - len(shape)
    rest = gradient.sum(axis=tuple(range(new)))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return rest.sum(axis=stretched, keepdims=True)


def _collected(gradient: NDArray[np.float64], shape: Shape) -> NDArray[Any]:
    """Entry by entry: whose copy is it? What arrives at each copy is added to its original."""
    size = int(np.prod(shape))
    original = np.broadcast_to(np.arange(size).reshape(shape), gradient.shape)
    return np.bincount(original.ravel(), gradient.ravel(), size).reshape(shape)


def _has_shape(found: Any, shape: Shape) -> bool:
    array = np.asarray(found)
    return array.shape == shape and array.dtype.kind in "fiu"


def _unchanged(gradient: Any, shape: Any) -> Any:
    return gradient


def _new_axes_only(gradient: Any, shape: Any) -> Any:
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))


def _stretched_axes_only(gradient: Any, shape: Any) -> Any:
    new = gradient.ndim - len(shape)
    return gradient.sum(axis=tuple(new + k for k, length in enumerate(shape) if length == 1), keepdims=True)


def _without_keepdims(gradient: Any, shape: Any) -> Any:
    rest = _new_axes_only(gradient, shape)
    return rest.sum(axis=tuple(k for k, length in enumerate(shape) if length == 1))


def _new_axes_on_the_right(gradient: Any, shape: Any) -> Any:
    """The shapes lined up from the left."""
    rest = gradient.sum(axis=tuple(range(len(shape), gradient.ndim)))
    return rest.sum(axis=tuple(k for k, length in enumerate(shape) if length == 1), keepdims=True)


def _reshaped(gradient: Any, shape: Any) -> Any:
    """Summed until the number of entries fits, wherever."""
    size = int(np.prod(shape))
    return gradient.reshape(-1, size).sum(axis=0).reshape(shape) if size else np.zeros(shape)


def _reshaped_the_other_way(gradient: Any, shape: Any) -> Any:
    size = int(np.prod(shape))
    return gradient.reshape(size, -1).sum(axis=1).reshape(shape) if size else np.zeros(shape)


def _means(gradient: Any, shape: Any) -> Any:
    return sum_to(gradient, shape) * int(np.prod(shape)) / max(gradient.size, 1)


def _first_copy(gradient: Any, shape: Any) -> Any:
    """What arrived at one of the copies."""
    rest = gradient[(0,) * (gradient.ndim - len(shape))]
    return rest[tuple(slice(length) for length in shape)]


def _all_of_it(gradient: Any, shape: Any) -> Any:
    """The whole sum for each entry."""
    return np.full(shape, gradient.sum())


def _padded(gradient: Any, shape: Any) -> Any:
    return np.resize(gradient, shape)


def _one_from_the_left(gradient: Any, shape: Any) -> Any:
    """Sums where the lengths differ, without saying that new axes stand on the left."""
    axes = tuple(k for k, (a, b) in enumerate(zip(gradient.shape, shape, strict=False)) if a != b)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape)


def _written_into(gradient: Any, shape: Any) -> Any:
    found = sum_to(gradient, shape)
    gradient[...] = 0
    return found


def _no_empty_ones(gradient: Any, shape: Any) -> Any:
    """Nothing is handed back where nothing arrives: the gradient of what was stretched to length 0."""
    return sum_to(gradient, shape) if gradient.size else gradient


BROADCAST = Exercise(
    id="backpropagation-6",
    level="stretch",
    form="implement",
    difficulty=3,
    importance=2,
    minutes=10,
    cases=_broadcast_cases,
    properties=(
        Property(
            says="the answer has the shape of the array that it is the gradient of",
            holds=lambda found, gradient, shape: _has_shape(found, shape),
            hints=(
                "A gradient has one number for each number that could be changed: as many as `shape` has.",
                "Look at both kinds of axes, new ones on the left and those stretched from length 1; and at "
                "gradients without entries, where something of length 1 may have become nothing.",
                "A sum over an axis takes that axis away; keepdims=True leaves it with length 1.",
            ),
        ),
        Property(
            says="nothing gets lost and nothing counts twice: both have the same total",
            holds=lambda found, gradient, shape: np.isclose(np.sum(found), gradient.sum()),
            hints=(
                "A number that was copied changes the result through each of its copies.",
                "Look at how copies become one: do you take one of them, their mean, or their sum?",
                "Use sum, over just these axes, and neither divide nor repeat afterwards.",
            ),
        ),
        Property(
            says="each entry gets the sum of what arrived at its own copies",
            holds=lambda found, gradient, shape: np.allclose(found, _collected(gradient, shape)),
            hints=(
                "The total is right, but it is spread wrongly: find out which entries are copies of one another.",
                "Look at how the two shapes are lined up: from the right. A reshape knows nothing of axes.",
                "First sum over the gradient.ndim - len(shape) axes on the left; then over those where `shape` "
                "has a 1, and let them stay.",
            ),
        ),
    ),
    reference=sum_to,
    wrong=(
        _unchanged,
        _new_axes_only,
        _stretched_axes_only,
        _without_keepdims,
        _new_axes_on_the_right,
        _reshaped,
        _reshaped_the_other_way,
        _means,
        _first_copy,
        _all_of_it,
        _padded,
        _one_from_the_left,
        _written_into,
        _no_empty_ones,
    ),
    why=(
        "Broadcasting copies: along axes that it puts on the left, and along axes of length 1. A number that was "
        "copied is a node that is read several times, and receives the sum of what its readers hand back; so each "
        "copied axis is summed. New axes go away, stretched ones stay with length 1. The sum over no entries is "
        "0: of what was stretched to nothing, nothing depends on it."
    ),
    after="Needed again: the tensor engine does this after every operation; the gradient of a bias is such a sum.",
)

EXERCISES = (BY_HAND, MODES, WALK, EARLY, SLOPE, BROADCAST)
