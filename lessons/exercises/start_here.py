"""The exercises of notebook 00: a signal, an eigenvector, a derivative; a graph by rows, and by columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Counted, Exercise, Property, Variant, once
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

# -------------------------------------------------------------------------------- 1: a signal is heard

FORK = ((0, 1), (0, 2), (1, 2), (2, 3))  # four nodes, directed, asymmetric
SIGNAL = (1, 10, 100, 1000)


def _draw_fork(signal: tuple[int, ...]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(as_graph(FORK, n=4, directed=True), values=dict(enumerate(signal)))


def _heard(signal: tuple[int, ...] = SIGNAL) -> Exercise:
    a, b, c, d = signal
    return Exercise(
        id="start_here-1",
        level="warm-up",
        form="predict",
        difficulty=1,
        importance=3,
        minutes=3,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of four numbers: what each node hears, in the order of the nodes",
                holds=lambda heard: np.shape(heard) == (4,) and np.isfinite(heard).all(),
                hints=(
                    "Every node gets a number, also one that hears nothing; all in one pair of brackets.",
                    "Count the numbers: no edge ends at node 0, which counts all the same. Count the brackets: "
                    "a column, of shape (4, 1), has more than one pair.",
                    "Start with heard = [0, 0, 0, 0], and add along each edge. Of a column y, take y.ravel().",
                ),
            ),
            Property(
                says="a node that no edge enters hears nothing",
                holds=lambda heard: heard[0] == 0,
                hints=(
                    "A message goes with its edge, from the source to the target.",
                    "Look at node 0: edges leave it, none comes in.",
                    "(A @ x)[i] adds up the nodes that i points to. Which matrix has its edges turned round?",
                ),
            ),
            Property(
                says="a node hears the sum of the signals of the nodes with an edge to it, and nothing else",
                holds=lambda heard: tuple(heard[:3]) == (0, a, a + b),
                hints=(
                    "Messages are added up; only what a node says is heard, not what it heard itself.",
                    "Look at nodes 1 and 2: 0 -> 1 ends at node 1, and 0 -> 2 and 1 -> 2 end at node 2.",
                    "Node 1 hears x[0] and node 2 hears x[0] + x[1]. Node by node, or at once: compute A.T @ x.",
                ),
            ),
            Property(
                says="a signal goes along one edge: only what a node says is heard, not what it heard itself",
                holds=lambda heard: heard[3] == c,
                hints=(
                    "Everybody speaks once, at the same time: nobody passes on what came in.",
                    "Look at node 3: one edge ends there, 2 -> 3.",
                    "Node 3 hears x[2], whatever node 2 hears, and not itself; A.T @ x has it in its last place.",
                ),
            ),
        ),
        reference=(0, a, a + b, c),
        wrong=(
            (b + c, c, d, 0),  # A @ x: sums over the edges that leave
            (b + c, a + c, a + b + d, c),  # (A + A.T) @ x: both directions
            (0, 1, 2, 1),  # counts the neighbours
            (a, a + b, a + b + c, c + d),  # x + A.T @ x: its own signal too
            (0, a, (a + b) / 2, c),  # the mean instead of the sum
            (0, a, a + b, a + b + c),  # node 2 passes on what it heard
            (0, a, 2 * a + b, 2 * a + b + c),  # everybody does
            (a, a + b, c),  # leaves out the node that hears nothing
            ((0,), (a,), (a + b,), (c,)),  # a column
        ),
        why=(
            "A[i, j] is the edge i -> j, so column j of A holds the edges that enter j, and row j of A.T is "
            "that column: (A.T @ x)[j] adds up x[i] over all edges i -> j. Node 0 hears nothing, node 1 hears "
            f"{a}, node 2 hears {a} + {b}, node 3 hears {c}."
        ),
        draw=lambda: _draw_fork(signal),
        after="Needed again: 04 smooths, 07 filters, 10 convolves, 11 exchanges messages with this product.",
        varied=_other_voices,
    )


def _say(signal: tuple[int, ...]) -> str:
    return "the four nodes say {}, {}, {} and {}.".format(*signal)


def _other_voices(rng: Generator) -> Variant:
    signal = tuple(int(k) * 10**place for place, k in enumerate(rng.integers(2, 10, 4)))
    return Variant(_heard(signal), {_say(SIGNAL): _say(signal)})


HEARD = _heard()

# -------------------------------------------------------------------------------- 2: an eigenvector

PATH = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])  # adjacency matrix of the path 0 - 1 - 2
BY_HAND = 5e-3  # relative error that lets 1.41 pass for the root of two


def _only_stretched(v: Any) -> bool:
    """Whether PATH @ v is a multiple of v: nothing of the product stands beside the line through v."""
    v = np.asarray(v, float)
    image = PATH @ v
    beside = image - (image @ v) / (v @ v) * v
    return bool(np.linalg.norm(beside) <= BY_HAND * np.linalg.norm(v))


def _stretched_most(v: Any) -> bool:
    v = np.asarray(v, float)
    return bool(v @ PATH @ v >= (math.sqrt(2) - BY_HAND) * (v @ v))


EIGENVECTOR = Exercise(
    id="start_here-2",
    level="warm-up",
    form="predict",
    difficulty=2,
    importance=3,
    minutes=4,
    cases=once,
    properties=(
        Property(
            says="the answer is a flat list of three numbers, to three digits, and not all of them zero",
            holds=lambda v: np.shape(v) == (3,) and np.isfinite(v).all() and np.any(v),
            hints=(
                "A vector of this matrix has one number for each of its three columns.",
                "The factor is not asked for, the zero vector has no direction that could be kept, and a "
                "column, of shape (3, 1), has more than one pair of brackets.",
                "Write three numbers, [1, a, 1], and find the a that keeps the direction. Of a column v, take "
                "v.ravel().",
            ),
        ),
        Property(
            says="the matrix only stretches it: A @ v is a multiple of v, to three digits",
            holds=_only_stretched,
            hints=(
                "Multiply, and compare the direction: A @ v divided by v is the same number in each place.",
                "Look at the middle of A @ v: it adds up both ends, while an end only copies the middle.",
                "With v = [1, a, 1] the product is [a, 2, a]: it is a multiple of v if a / 1 = 2 / a. Give a "
                "to three digits at least.",
            ),
        ),
        Property(
            says="no other vector is stretched by a larger factor",
            holds=_stretched_most,
            hints=(
                "The matrix has three such directions; yours is one of the other two.",
                "Look at the signs: neighbours of opposite sign work against each other.",
                "Make all three numbers positive; np.linalg.eigh has the largest factor in its last column.",
            ),
        ),
    ),
    reference=(1.0, math.sqrt(2), 1.0),
    wrong=(
        (1, 0, -1),  # the factor 0
        (1, -math.sqrt(2), 1),  # the factor -sqrt(2): eigh's first column, not its last
        (0, 0, 0),
        math.sqrt(2),  # the factor, not the vector
        (1, 1, 1),
        (1, 2, 1),  # the degrees
        (1, 1.4, 1),  # two digits
        ((1.0,), (math.sqrt(2),), (1.0,)),  # a column
    ),
    why=(
        "A @ [1, a, 1] is [a, 2, a], and that is a multiple of [1, a, 1] if a * a = 2. With a = sqrt(2) the "
        "factor is sqrt(2), with a = -sqrt(2) it is -sqrt(2), and [1, 0, -1] has the factor 0. Any multiple "
        "of a vector that is only stretched is only stretched too, so scale and sign are yours to choose."
    ),
    after="Needed again: 04 and 07 (frequencies of a graph), 05 and 08 (cutting it), 10 (convolution).",
)

# -------------------------------------------------------------------------------- 3: a derivative


def three_x_minus_1(x: float) -> float:
    return 3.0 * x - 1.0


def x_squared(x: float) -> float:
    return x * x


def x_cubed_minus_2x(x: float) -> float:
    return x**3 - 2.0 * x


SLOPES: dict[Callable[[float], Any], Callable[[float], float]] = {
    three_x_minus_1: lambda x: 3.0,
    x_squared: lambda x: 2.0 * x,
    x_cubed_minus_2x: lambda x: 3.0 * x * x - 2.0,
    np.sin: math.cos,
    np.exp: math.exp,
}


def _slope_cases(rng: Generator) -> Iterator[tuple[Any, ...]]:
    """Each function at 0, then at points farther and farther away, rounded so that one can follow by hand."""
    for x in (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0, -3.0):
        for f in SLOPES:
            yield f, round(x * (1.0 - 0.4 * float(rng.random())), 2)


def _is_slope(slope: Any, f: Callable[[float], Any], x: float) -> bool:
    exact = SLOPES[f](x)
    return abs(slope - exact) <= 1e-6 * max(1.0, abs(exact))


def slope(f: Callable[[float], float], x: float) -> float:
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


def _forward_and_coarse(f: Any, x: float) -> Any:
    return (f(x + 0.01) - f(x)) / 0.01


def _lost_in_rounding(f: Any, x: float) -> Any:
    return (f(x + 1e-14) - f(x - 1e-14)) / 2e-14


def _over_one_step(f: Any, x: float) -> Any:
    return (f(x + 1e-5) - f(x - 1e-5)) / 1e-5


def _turned_round(f: Any, x: float) -> Any:
    return (f(x - 1e-5) - f(x + 1e-5)) / 2e-5


def _difference_only(f: Any, x: float) -> Any:
    return f(x + 1e-5) - f(x - 1e-5)


def _brackets_missing(f: Any, x: float) -> Any:
    return f(x + 1e-5) - f(x - 1e-5) / 2e-5


def _rise_over_x(f: Any, x: float) -> Any:
    return f(x) / x


def _both_sides(f: Any, x: float) -> Any:
    return [(f(x + 1e-5) - f(x)) / 1e-5, (f(x) - f(x - 1e-5)) / 1e-5]


def _from_0_to_1(f: Any, x: float) -> Any:
    return f(1.0) - f(0.0)


def _coarse(f: Any, x: float) -> Any:
    return (f(x + 0.1) - f(x - 0.1)) / 0.2


def _draw_slope(f: Callable[[Any], Any], x: float) -> tuple[Any, str]:
    """The function around x, and its tangent there."""
    from lessons.show import INK, PALETTE, canvas

    fig, axes = canvas(4.0, 3.0)
    near = np.linspace(x - 1.0, x + 1.0, 101)
    axes.plot(near, f(near), color=INK, label=f.__name__)
    axes.plot(near, f(x) + SLOPES[f](x) * (near - x), color=PALETTE[5], linestyle="--", label="tangent")
    axes.plot([x], [f(x)], "o", color=PALETTE[5])
    axes.set_xlabel("x")
    axes.legend(frameon=False)
    return (
        fig,
        f"The function {f.__name__} near x = {x:g}, with its tangent there, of slope {SLOPES[f](x):.6g}.",
    )


SLOPE = Exercise(
    id="start_here-3",
    level="warm-up",
    form="implement",
    difficulty=2,
    importance=2,
    minutes=5,
    cases=_slope_cases,
    properties=(
        Property(
            says="the answer is one number",
            holds=lambda slope, f, x: np.shape(slope) == () and np.isfinite(slope),
            hints=(
                "A slope at one point is one finite number.",
                "Look at what you return, and at what you divide by where x is 0.",
                "Take f a small step h to the right and to the left of x, and make one number of the two.",
            ),
        ),
        Property(
            says="the slope of a straight line is exact, but for a millionth",
            holds=lambda slope, f, x: f is not three_x_minus_1 or _is_slope(slope, f, x),
            hints=(
                "Slope is rise over run, and on a line every step gives the same.",
                "Compare the run with the two places where you take f. How far apart are they? If it is "
                "1e-12 or so, their difference drowns in rounding.",
                "From x - h to x + h the run is 2 * h, and the rise is right minus left, in brackets.",
            ),
        ),
        Property(
            says="the slope of a curve is right to a millionth of max(1, its size)",
            holds=_is_slope,
            hints=(
                "On a line your formula holds; on a curve look at where you take f, and at the step.",
                "Take f near x, and look at h: on a curve a long step sees the bend, a one-sided one far sooner.",
                "Go the same way to both sides of x, with h between 1e-6 and 1e-4.",
            ),
        ),
    ),
    reference=slope,
    wrong=(
        _forward_and_coarse,
        _lost_in_rounding,
        _over_one_step,
        _turned_round,
        _difference_only,
        _brackets_missing,
        _rise_over_x,
        _both_sides,
        _from_0_to_1,
        _coarse,
    ),
    why=(
        "By Taylor, f(x + h) - f(x - h) = 2 h f'(x) + h**3 f'''(x) / 3 + ...: what is even in h cancels, so "
        "the error falls with h**2, where a step to one side only leaves an error that falls with h. The "
        "step must not be too small either: f is rounded to about 1e-16 of its size, and that is divided by "
        "2 h. Near h = 1e-5 both errors are about 1e-11."
    ),
    draw=_draw_slope,
    after="Needed again: 03 checks its gradients like this, 13 linearises the dynamics of training.",
)

# -------------------------------------------------------------------------------- 4: a row of a graph


def _random_graphs(rng: Generator) -> list[Graph]:
    """Directed graphs of 1 to 9 nodes, four a size, from no edge to every third pair; fewest edges first."""
    graphs = [
        as_graph(np.argwhere(rng.random((n, n)) < density), n=n, directed=True)
        for n in range(1, 10)
        for density in (0.0, 0.15, 0.25, 0.35)
    ]
    return sorted(graphs, key=lambda graph: (graph.n, graph.m))


def _row_cases(rng: Generator) -> Iterator[tuple[Any, ...]]:
    for graph in _random_graphs(rng):
        for i in sorted({0, graph.n // 2, graph.n - 1}):
            yield graph.indptr, graph.indices, i


def _row(indptr: NDArray[Any], indices: NDArray[Any], i: int) -> list[int]:
    return [int(indices[k]) for k in range(indptr[i], indptr[i + 1])]


def neighbors(indptr: NDArray[np.int64], indices: NDArray[np.int32], i: int) -> NDArray[np.int32]:
    return indices[indptr[i] : indptr[i + 1]]


def _entry_i(indptr: Any, indices: Any, i: int) -> Any:
    return indices[i]


def _first_only(indptr: Any, indices: Any, i: int) -> Any:
    return indices[indptr[i] : indptr[i] + 1]


def _end_short(indptr: Any, indices: Any, i: int) -> Any:
    return indices[indptr[i] : indptr[i + 1] - 1]


def _end_long(indptr: Any, indices: Any, i: int) -> Any:
    return indices[indptr[i] : indptr[i + 1] + 1]


def _row_before(indptr: Any, indices: Any, i: int) -> Any:
    return indices[indptr[i - 1] : indptr[i]]


def _last_row_cut(indptr: Any, indices: Any, i: int) -> Any:
    end = indptr[i + 1] if i + 2 < len(indptr) else len(indices) - 1
    return indices[indptr[i] : end]


def _degree_of_next(indptr: Any, indices: Any, i: int) -> Any:
    degrees = np.append(np.diff(indptr), 0)
    return indices[indptr[i] : indptr[i] + degrees[i + 1]]


def _places(indptr: Any, indices: Any, i: int) -> Any:
    return list(range(indptr[i], indptr[i + 1]))


def _draw_row(indptr: NDArray[Any], indices: NDArray[Any], i: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(Graph(indptr, indices, directed=True), marked=[i])


NEIGHBORS = Exercise(
    id="start_here-4",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=4,
    cases=_row_cases,
    properties=(
        Property(
            says="there are as many neighbours as edges leave node i",
            holds=lambda found, indptr, indices, i: np.shape(found) == (indptr[i + 1] - indptr[i],),
            hints=(
                "Two entries of indptr say where a row begins and where it ends.",
                "Look at the end of the row: where the next row begins. It is not part of this row.",
                "Row i starts at indptr[i] and ends before the start of row i + 1: take indices[start:end].",
            ),
        ),
        Property(
            says="they are the targets of the edges that leave node i, in the order of indices",
            holds=lambda found, indptr, indices, i: list(found) == _row(indptr, indices, i),
            hints=(
                "indptr holds places in indices, and indices holds nodes.",
                "Look at which row you read, and whether you return what stands there or just where it is.",
                "The piece indices[start:end] is the answer; start belongs to row i, end to row i + 1.",
            ),
        ),
    ),
    reference=neighbors,
    wrong=(
        _entry_i,
        _first_only,
        _end_short,
        _end_long,
        _row_before,
        _last_row_cut,
        _degree_of_next,
        _places,
    ),
    why=(
        "Row i of A is the piece of indices between two entries of indptr. The next row starts where this "
        "one ends, so indptr has one entry more than there are nodes, and the last row needs no special "
        "case."
    ),
    draw=_draw_row,
    after="Needed again: this line is the inner loop of every fast function of the course.",
)

# -------------------------------------------------------------------------------- 5: spot the bug


def heard(A: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """What node i hears over its incoming edges; A[i, j] = 1 for an edge i -> j: so it claims."""
    return A @ x


def _heard_by_edges(edges: set[tuple[int, int]], x: NDArray[Any]) -> NDArray[Any]:
    """The definition: along each edge i -> j, node j hears x[i]."""
    total = np.zeros(len(x))
    for i, j in edges:
        total[j] += x[i]
    return total


def _is_edge_list(edges: Any) -> bool:
    pairs = [(i, j) for i, j in edges]
    return all(end in (0, 1, 2) for pair in pairs for end in pair)


def _shows_the_bug(edges: Any) -> bool:
    pairs = {(int(i), int(j)) for i, j in edges}  # A[i, j] = 1, however often an edge is named
    A = np.zeros((3, 3))
    for i, j in pairs:
        A[i, j] = 1.0
    x = np.array([1.0, 10.0, 100.0])
    return not np.array_equal(heard(A, x), _heard_by_edges(pairs, x))


SPOT_THE_BUG = Exercise(
    id="start_here-5",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=3,
    minutes=5,
    cases=once,
    properties=(
        Property(
            says="the answer is a list of edges (i, j) between the nodes 0, 1 and 2",
            holds=_is_edge_list,
            hints=(
                "An edge list is a list of pairs, also where it holds one edge only.",
                "Look at the labels: three nodes are 0, 1 and 2.",
                "It looks like [(i, j), (k, l)], with i, j, k and l among 0, 1, 2.",
            ),
        ),
        Property(
            says="heard(A, x) is not what the nodes hear over their incoming edges, for some signal x",
            holds=_shows_the_bug,
            hints=(
                "Ask whether heard adds up rows of A or columns, and which of the two are incoming edges.",
                "Look for a graph where that matters: on yours every edge is a loop or has its way back.",
                "Where A is its own transpose, A @ x is A.T @ x. One edge without its way back is enough.",
            ),
        ),
    ),
    reference=[(0, 1)],
    wrong=(
        [(0, 1), (1, 0)],
        [(0, 1), (0, 1), (1, 0)],  # named twice is still one edge
        [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)],
        [],
        [(0, 0), (2, 2)],  # self-loops only
        [(1, 2), (2, 3)],  # counted from one
        (0, 1),  # an edge, not a list of edges
        [[0, 1, 0], [1, 0, 1], [0, 1, 0]],  # a matrix
    ),
    why=(
        "With the edge 0 -> 1 alone, node 1 hears x[0] and node 0 hears nothing. But A has its one in row "
        "0, so A @ x gives x[1] to node 0: row i of A holds the edges that leave i. Incoming edges are "
        "columns: A.T @ x. On a graph whose edges all go both ways A.T is A, and the mistake cannot be "
        "seen: test what aggregates on a directed, asymmetric graph."
    ),
    after="Needed again: messages along edges are A.T @ X in 04, 07, 10 and 11.",
)

# -------------------------------------------------------------------------------- 6: all predecessors


def _whole_cases(rng: Generator) -> Iterator[tuple[Any, ...]]:
    for graph in _random_graphs(rng):
        yield graph.indptr, Counted(graph.indices), graph.n


def predecessors(indptr: NDArray[np.int64], indices: NDArray[np.int32], n: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(n)]
    for i in range(n):
        for j in indices[indptr[i] : indptr[i + 1]]:
            found[j].append(i)
    return found


def _are_predecessors(found: Any, indptr: NDArray[Any], indices: Counted, n: int) -> bool:
    edges = [(i, int(j)) for i in range(n) for j in indices.uncounted[indptr[i] : indptr[i + 1]]]
    return all(sorted(found[j]) == [i for i, end in edges if end == j] for j in range(n))


def _scan_for_each(indptr: Any, indices: Any, n: int) -> Any:
    def has_edge(i: int, j: int) -> bool:
        return any(end == j for end in indices[indptr[i] : indptr[i + 1]])

    return [[i for i in range(n) if has_edge(i, j)] for j in range(n)]


def _mask_for_each(indptr: Any, indices: Any, n: int) -> Any:
    sources = np.repeat(np.arange(n), np.diff(indptr))
    return [sources[indices == j].tolist() for j in range(n)]


def _successors(indptr: Any, indices: Any, n: int) -> Any:
    return [indices[indptr[i] : indptr[i + 1]].tolist() for i in range(n)]


def _only_where_heard(indptr: Any, indices: Any, n: int) -> Any:
    found: dict[int, list[int]] = {}
    for i in range(n):
        for j in indices[indptr[i] : indptr[i + 1]]:
            found.setdefault(int(j), []).append(i)
    return [found[j] for j in sorted(found)]


def _one_list_for_all(indptr: Any, indices: Any, n: int) -> Any:
    found: list[list[int]] = [[]] * n
    for i in range(n):
        for j in indices[indptr[i] : indptr[i + 1]]:
            found[j].append(i)
    return found


def _places_of_arcs(indptr: Any, indices: Any, n: int) -> Any:
    found: list[list[int]] = [[] for _ in range(n)]
    for k, j in enumerate(indices):
        found[j].append(k)
    return found


def _last_row_forgotten(indptr: Any, indices: Any, n: int) -> Any:
    found: list[list[int]] = [[] for _ in range(n)]
    for i in range(n - 1):
        for j in indices[indptr[i] : indptr[i + 1]]:
            found[j].append(i)
    return found


def _draw_whole(indptr: NDArray[Any], indices: Counted, n: int) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(Graph(indptr, indices.uncounted, directed=True))


PREDECESSORS = Exercise(
    id="start_here-6",
    level="stretch",
    form="complexity",
    difficulty=3,
    importance=2,
    minutes=8,
    cases=_whole_cases,
    properties=(
        Property(
            says="there is one list for each of the n nodes, empty where no edge enters",
            holds=lambda found, indptr, indices, n: len(found) == n,
            hints=(
                "Nodes without an incoming edge are nodes too.",
                "Look at where your lists come into being: when an edge is found, or before?",
                "Make n empty lists first, then fill them.",
            ),
        ),
        Property(
            says="list j holds each node with an edge to j, once",
            holds=_are_predecessors,
            hints=(
                "For an edge i -> j it is i that is noted, and in the list of j.",
                "Look at the two indices, and whether you have n lists: [[]] * n is one list, n times.",
                "Walk over the rows i and the entries j of each row; note i in list j.",
            ),
        ),
        Property(
            says="no entry of indices is read more than twice, so that the cost is O(n + arcs)",
            holds=lambda found, indptr, indices, n: indices.reads.max(initial=0) <= 2,
            hints=(
                "One walk over all edges finds the predecessors of all nodes at once.",
                "Look for a loop over all nodes that goes through indices again for each of them.",
                "Do not ask 'who points to j?' for each j; take each edge once, and tell its target.",
            ),
        ),
    ),
    reference=predecessors,
    wrong=(
        _scan_for_each,
        _mask_for_each,
        _successors,
        _only_where_heard,
        _one_list_for_all,
        _places_of_arcs,
        _last_row_forgotten,
    ),
    why=(
        "Each edge i -> j is met once, in row i, and tells list j about i: n + arcs steps in all, where "
        "asking every node for its predecessors would walk over all edges n times. The rows come in order, "
        "so each list is sorted without sorting."
    ),
    draw=_draw_whole,
    after="Needed again: 02 counts incoming edges, 03 walks them backwards, 06 sends rank along them.",
)

EXERCISES = (HEARD, EIGENVECTOR, SLOPE, NEIGHBORS, SPOT_THE_BUG, PREDECESSORS)
