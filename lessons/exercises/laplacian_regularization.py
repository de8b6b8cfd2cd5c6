"""The exercises of notebook 04: L from edges, smoothing to the end, one that sharpens, labels, a gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from lessons.exercises import Counted, Exercise, Property, Variant, once
from lessons.graph import Graph, as_graph

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Edges = Sequence[tuple[int, int, float]]
WEIGHTS = (0.5, 1.0, 2.0, 3.0)  # exact in float32, too


def _is_real(found: Any, shape: tuple[int, ...]) -> bool:
    """Whether an answer is made of real numbers, in rows and columns of this shape; fractions are numbers."""
    array = np.asarray(found)
    numbers = array.dtype.kind in "fiu" or all(isinstance(value, Real) for value in array.flat)
    return array.shape == shape and array.dtype.kind != "b" and numbers


def _floats(found: Any) -> NDArray[np.float64]:
    return np.asarray(found, np.float64)


def _pairs(rng: Generator, n: int, density: float) -> list[tuple[int, int]]:
    """Random edges between n nodes, either end first; nodes may be left without any."""
    ends = np.argwhere(np.triu(rng.random((n, n)) < density, 1)).tolist()
    return [(v, u) if turned else (u, v) for (u, v), turned in zip(ends, rng.random(len(ends)) < 0.3, strict=True)]


def _weighted(rng: Generator, n: int, density: float, loops: float) -> list[tuple[int, int, float]]:
    pairs = _pairs(rng, n, density) + [(u, u) for u in range(n) if rng.random() < loops]
    return [(u, v, float(rng.choice(WEIGHTS))) for u, v in pairs]


def _components(graph: Graph) -> NDArray[np.int64]:
    """(n,) for each node the smallest row that paths lead to: the smallest of the neighbours, again and again."""
    least = np.arange(graph.n)
    for _ in range(graph.n):
        for u, v in graph.edge_rows:
            least[[u, v]] = least[[u, v]].min()
    return least


# -------------------------------------------------------------------------------- 1: L from edges


def _edge_cases(rng: Generator) -> Iterator[tuple[int, Edges]]:
    """One node to six, with weights, isolated nodes, and loops; without loops and with fewest nodes first."""
    graphs: list[tuple[int, Edges]] = [(1, []), (2, [(0, 1, 1.0)]), (2, [(1, 0, 3.0)]), (1, [(0, 0, 2.0)])]
    graphs += [(3, [(0, 1, 1.0)]), (3, [(0, 1, 1.0), (1, 2, 1.0)]), (2, [(0, 1, 1.0), (1, 1, 0.5)])]
    graphs += [(n, _weighted(rng, n, 0.5, loops)) for n in range(2, 7) for loops in (0, 0, 0, 0.3, 0.3, 0.6, 0.6)]
    yield from sorted(graphs, key=lambda graph: (_has_loop(graph[1]), graph[0], len(graph[1])))


def laplacian_rows(n: int, edges: Edges) -> list[list[float]]:
    L = [[0.0] * n for _ in range(n)]
    for u, v, w in edges:
        L[u][u] += w
        L[v][v] += w
        L[u][v] -= w
        L[v][u] -= w
    return L


def _dense(found: Any) -> NDArray[Any]:
    """The answer as an array; a sparse matrix is an answer, too."""
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)


def _rows(found: Any) -> NDArray[np.float64]:
    return _floats(_dense(found))


def _beside(L: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix with zeros on the diagonal."""
    return L - np.diag(np.diag(L))


def _adjacency(n: int, edges: Edges) -> NDArray[np.float64]:
    A = np.zeros((n, n))
    for u, v, w in edges:
        A[u, v] = A[v, u] = w
    return A


def _alone(n: int, edges: Edges) -> list[int]:
    return sorted(set(range(n)) - {node for edge in edges for node in edge[:2]})


def _has_loop(edges: Edges) -> bool:
    return any(u == v for u, v, _ in edges)


def _free_of_energy(found: Any) -> bool:
    return np.allclose(_rows(found).sum(axis=1), 0, atol=1e-6)


def _one_row_n_times(n: Any, edges: Any) -> Any:
    """[row] * n is n times the *same* list."""
    L = [[0.0] * n] * n
    for u, v, w in edges:
        L[u][u] += w
        L[v][v] += w
        L[u][v] -= w
        L[v][u] -= w
    return L


def _one_way(n: Any, edges: Any) -> Any:
    A = np.zeros((n, n))
    for u, v, w in edges:
        A[u, v] = w
    return np.diag(A.sum(axis=1)) - A


def _degrees_only(n: Any, edges: Any) -> Any:
    return np.diag(_adjacency(n, edges).sum(axis=1))


def _only_beside(n: Any, edges: Any) -> Any:
    A = _adjacency(n, edges)
    return np.diag(np.diag(A)) - A


def _signless(n: Any, edges: Any) -> Any:
    A = _adjacency(n, edges)
    return np.diag(A.sum(axis=1)) + A


def _turned_sign(n: Any, edges: Any) -> Any:
    return -np.array(laplacian_rows(n, edges))


def _unweighted(n: Any, edges: Any) -> Any:
    return laplacian_rows(n, [(u, v, 1.0) for u, v, _ in edges])


def _counts_edges(n: Any, edges: Any) -> Any:
    """The number of edges on the diagonal, their weights beside."""
    A = _adjacency(n, edges)
    return np.diag((A > 0).sum(axis=1)) - A


def _ones_on_the_diagonal(n: Any, edges: Any) -> Any:
    """The dialogue's: the degree only in the divisor."""
    A = _adjacency(n, edges)
    degree = (A > 0).sum(axis=1)
    L = np.eye(n)
    for i, j in np.argwhere(A):
        L[i, j] = -1 / degree[i]
    return L


def _ones_at_isolated(n: Any, edges: Any) -> Any:
    """Guards a division that is not there."""
    A = _adjacency(n, edges)
    return np.diag(np.where(A.any(axis=1), A.sum(axis=1), 1)) - A


def _assigns_degree(n: Any, edges: Any) -> Any:
    """The last edge of a node counts, as = stands for +=."""
    L = [[0.0] * n for _ in range(n)]
    for u, v, w in edges:
        L[u][u] = w
        L[v][v] = w
        L[u][v] = L[v][u] = -w if u != v else 0.0
    return L


def _one_end(n: Any, edges: Any) -> Any:
    """The degree at the first end of an edge only."""
    A = _adjacency(n, edges)
    L = -A
    for u, _, w in edges:
        L[u, u] += w
    return L


def _loop_counts_twice(n: Any, edges: Any) -> Any:
    """The degree of networkx, in which a loop has two ends: one of them is left over."""
    A = _adjacency(n, edges)
    return np.diag(A.sum(axis=1) + np.diag(A)) - A


def _loop_overwrites(n: Any, edges: Any) -> Any:
    L = np.diag(_adjacency(n, edges).sum(axis=1))
    for u, v, w in edges:
        L[u, v] = L[v, u] = -w
    return L


def _loop_not_in_degree(n: Any, edges: Any) -> Any:
    A = _adjacency(n, edges)
    return np.diag(A.sum(axis=1) - np.diag(A)) - A


def _draw_edges(n: int, edges: Edges) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    return draw_graph(as_graph(list(edges), n=n))


ROWS = Exercise(
    id="laplacian_regularization-1",
    level="warm-up",
    form="implement",
    difficulty=1,
    importance=3,
    minutes=5,
    cases=_edge_cases,
    properties=(
        Property(
            says="the answer has n rows of n numbers",
            holds=lambda found, n, edges: _is_real(_dense(found), (n, n)),
            hints=(
                "L has a row for each node and a column for each node, also where there is no edge.",
                "Look at what you return for n = 1 and no edges: one row, with one number in it.",
                "Begin with n rows of n zeros, then walk through the edges and write into them.",
            ),
        ),
        Property(
            says="L is symmetric: an edge (u, v, w) is the same as (v, u, w)",
            holds=lambda found, n, edges: np.allclose(_rows(found), _rows(found).T),
            hints=(
                "An edge has no direction, so what u is to v, v is to u.",
                "Look at the entries beside the diagonal: each edge has two of them.",
                "What you write at row u, column v belongs at row v, column u, too, whichever end comes first.",
            ),
        ),
        Property(
            says="beside the diagonal stands -w where an edge of weight w is, and 0 where none is",
            holds=lambda found, n, edges: np.allclose(
                _beside(_rows(found)), -_beside(_adjacency(n, edges)), atol=1e-6
            ),
            hints=(
                "L = D - A, and D is zero beside the diagonal: what is left there?",
                "Look at the sign, and at an edge whose weight is not 1. Are your rows n lists, or one list?",
                "Row u, column v: minus the weight of the edge, as it is: no degree divides it here.",
            ),
        ),
        Property(
            says="a node without edges has a row of zeros",
            holds=lambda found, n, edges: np.allclose(_rows(found)[_alone(n, edges)], 0),
            hints=(
                "Nobody compares such a node with another, so its value costs no energy, whatever it is.",
                "Look at what stands on the diagonal before the first edge is read.",
                "Begin with zeros on the diagonal, too; only an edge may add to it.",
            ),
        ),
        Property(
            says="every row sums to 0: a signal that is the same at all nodes has no energy",
            holds=lambda found, n, edges: _has_loop(edges) or _free_of_energy(found),
            hints=(
                "The diagonal holds what makes up for the rest of its row.",
                "Look at the diagonal of a node with two edges, and of one whose edge does not weigh 1.",
                "On the diagonal: the weights of *all* edges of a node, added up; each adds to both its ends.",
            ),
        ),
        Property(
            says="a loop changes nothing: w (x - x)² is 0",
            holds=lambda found, n, edges: _free_of_energy(found),
            hints=(
                "A loop compares a node with itself. What energy can that cost?",
                "Look at the one entry of the loop: it is in D, and in A, once each.",
                "Leave edges with u == v out, or let what you add and what you take away meet in the same entry.",
            ),
        ),
    ),
    reference=laplacian_rows,
    wrong=(
        lambda n, edges: laplacian_rows(n, edges)[0],  # a row
        lambda n, edges: dict(enumerate(laplacian_rows(n, edges))),
        lambda n, edges: laplacian_rows(max([v for edge in edges for v in edge[:2]], default=-1) + 1, edges),
        _one_way,
        _ones_on_the_diagonal,
        _one_row_n_times,
        _degrees_only,
        _signless,
        _turned_sign,
        _unweighted,
        _ones_at_isolated,
        _only_beside,
        _counts_edges,
        _assigns_degree,
        _one_end,
        _loop_counts_twice,
        _loop_overwrites,
        _loop_not_in_degree,
    ),
    why=(
        "w (x_u - x_v)² = w x_u² + w x_v² - 2 w x_u x_v: an edge adds w at two places on the diagonal, and takes "
        "w away at two places beside it. So each row sums to 0, and a node without edges has a row of zeros. On a "
        "loop all four meet in one entry and cancel, as they must. O(n²) for the zeros, O(m) for the edges; the "
        "library keeps only what is not zero."
    ),
    draw=_draw_edges,
    after="Needed again: 05 cuts graphs with this matrix, and 07 finds frequencies in it.",
)

# -------------------------------------------------------------------------------- 2: smoothing at its end

SIX = ((0, 1, 1.0), (1, 2, 10.0), (3, 4, 1.0))
SIX_VALUES = (7, 0, 2, 2, 8, 9)


def _near(found: Any, expected: Any) -> bool:
    return abs(float(found) - float(expected)) < 1e-3


def _draw_six(B: tuple[int, ...]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    places = [(0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0)]
    graph = as_graph(SIX, n=6)
    return draw_graph(graph, positions=places, values=dict(enumerate(B)), title="B, before smoothing")


def _ends(B: tuple[int, ...] = SIX_VALUES) -> Exercise:
    """Smoothing without end, from B."""
    a, b, c, d, e, f = B
    three, two = (a + b + c) // 3, (d + e) // 2  # the means, which are whole numbers
    weighted = (a + 11 * b + 10 * c) / 22
    return Exercise(
        id="laplacian_regularization-2",
        level="core",
        form="predict",
        difficulty=2,
        importance=3,
        minutes=5,
        cases=once,
        properties=(
            Property(
                says="the answer is a flat list of six numbers, one for each node",
                holds=lambda found: _is_real(found, (6,)),
                hints=(
                    "X has a value for every node, as B has: numbers, in a list.",
                    "Count the numbers in your list: six, in one pair of brackets, and not text in quotes.",
                    "It looks like [a, b, c, d, e, f], numbers and not text, with f for the node that is alone.",
                ),
            ),
            Property(
                says="joined nodes end alike: any difference along an edge would cost without end",
                holds=lambda found: all(_near(found[u], found[v]) for u, v, _ in SIX),
                hints=(
                    "X minimises |X - B|² + lam times the energy. What must the energy be when lam is huge?",
                    "Look at the two ends of each edge; also of the light ones: 1 times lam is huge, too.",
                    "Write one number for 0, 1 and 2, and one for 3 and 4.",
                ),
            ),
            Property(
                says="node 5 keeps its value: nothing pulls at it",
                holds=lambda found: _near(found[5], f),
                hints=(
                    "Smoothing moves a node towards its neighbours only.",
                    "Look at the row of L for node 5, and then at that row of (I + lam L) X = B.",
                    "That row says 1 · X[5] = B[5], whatever lam is.",
                ),
            ),
            Property(
                says="3 and 4 meet where the squares of their moves are least together",
                holds=lambda found: _near(found[3], two),
                hints=(
                    "The energy is gone; what is left of the sum to be minimised is |X - B|².",
                    f"Look at one number t for both: (t - {d})² + (t - {e})². Which t has the least?",
                    "Components do not hear of each other; inside one, the sum of the values stays as it is.",
                ),
            ),
            Property(
                says="so do 0, 1 and 2; how heavy their edges are no longer matters",
                holds=lambda found: _near(found[0], three),
                hints=(
                    "The weight 10 decides how fast 1 and 2 come together, not where.",
                    "Look at the sum over the rows of (I + lam L) X = B: the columns of L sum to 0.",
                    "sum of X = sum of B over the three nodes, and all three are equal.",
                ),
            ),
        ),
        reference=[three, three, three, two, two, f],
        wrong=(
            [three, two, f],  # a number for each component
            [[three] * 3, [two] * 2, [f]],
            list(B),  # as they were
            [a, (b + c) / 2, (b + c) / 2, two, two, f],  # only the heavy edge closes
            np.linalg.solve(np.eye(6) + np.array(laplacian_rows(6, SIX)), B).round(2).tolist(),  # lam = 1
            [sum(B) / 6] * 6,  # the mean of all
            [0] * 6,  # the penalty of L2
            [three, three, three, two, two, 0],  # a node alone has nothing to average
            [a, a, a, d, d, f],  # the first one wins
            [3 * three, 3 * three, 3 * three, 2 * two, 2 * two, f],  # sums
            [weighted, weighted, weighted, two, two, f],  # weighted by degree: a random walk's mean
            [*[sorted(B[:3])[1]] * 3, two, two, f],  # the median
        ),
        why=(
            "With lam without end the energy must be 0, so X is one number on each component. Which one? The "
            "least squares from B say: the mean. (Or: the columns of L sum to 0, so the sum over a component "
            f"stays as it is.) ({a} + {b} + {c}) / 3 = {three}, ({d} + {e}) / 2 = {two}, and {f} alone. Weights "
            "set the pace, not the end."
        ),
        draw=lambda: _draw_six(B),
        after="Needed again: this is why a strong penalty makes all weights of a component one weight.",
        varied=_other_ends,
    )


def _other_ends(rng: Generator) -> Variant:
    """All means are whole numbers, and other ways to average give other ones."""
    while True:
        a, b, c, d, e, f = B = tuple(int(value) for value in rng.integers(1, 13, 6))
        whole = (a + b + c) % 3 == 0 and (d + e) % 2 == 0
        middle, mean = sorted(B[:3])[1], (a + b + c) / 3
        if (
            whole
            and d != e
            and mean not in (middle, a, (a + 11 * b + 10 * c) / 22)
            and f not in (mean, sum(B) / 6)
        ):
            return Variant(_ends(B), {f"B = {list(SIX_VALUES)}": f"B = {list(B)}"})


END = _ends()

# -------------------------------------------------------------------------------- 3: a smoother that sharpens


def _smoother_cases(rng: Generator) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], float]]:
    """Graphs of 1 to 6 nodes, some nodes alone; for each a rough W and one that is constant on every component;
    lam zero, small, or large. Fewest nodes and edges first."""
    sizes = [(n, density) for n in range(3, 7) for density in (0.2, 0.4, 0.5, 0.6, 0.8)]
    graphs = [as_graph([], n=1), as_graph([(0, 1)], n=2), as_graph([(0, 1)], n=3), as_graph([(0, 1), (1, 2)], n=3)]
    graphs += [as_graph(_pairs(rng, n, density), n=n) for n, density in sizes]
    for graph in sorted(graphs, key=lambda graph: (graph.n, graph.m)):
        A = graph.to_scipy().toarray()
        rough = rng.permuted(np.arange(1.0, graph.n + 1)[:, None].repeat(2, axis=1), axis=0)
        for lam in (0.0, 0.25, 4.0, 60.0):
            yield A.copy(), rough.copy(), lam
        yield A, rough[_components(graph)], 1.0


def mended(A: NDArray[np.float64], W: NDArray[np.float64], lam: float) -> NDArray[Any]:
    L = np.diag(A.sum(axis=1)) - A
    return np.linalg.solve(np.eye(len(A)) + lam * L, W)


def regularised(A: NDArray[np.float64], W: NDArray[np.float64], lam: float) -> NDArray[Any]:
    """The dialogue's, in Python: it keeps what is rough and shrinks what is smooth."""
    degree = A.sum(axis=1)
    L = np.eye(len(A))
    for i, j in np.argwhere(A):
        L[i, j] = -1 / degree[i]
    alpha = lam / (1 + lam)
    return (alpha * L + (1 - alpha) * np.eye(len(A))) @ W


def _energies(A: Any, W: Any) -> NDArray[np.float64]:
    """(k,) the Dirichlet energy of each column: each edge is two entries of A."""
    differences = W[:, None, :] - W[None, :, :]
    return _floats(np.einsum("ij,ijk->k", A, differences**2) / 2)


def _falls(found: Any, A: Any, W: Any) -> bool:
    before, after = _energies(A, W), _energies(A, _floats(found))
    return bool((after <= np.where(before > 0, before * (1 - 1e-4), 1e-6)).all())


def _keeps_some(found: Any, A: Any, W: Any) -> bool:
    before, after = _energies(A, W), _energies(A, _floats(found))
    return bool((after >= 1e-6 * before).all())


def _keeps_constants(found: Any, A: Any, W: Any) -> bool:
    component = _components(as_graph(np.argwhere(np.triu(A)), n=len(A)))
    same = [np.ptp(W[component == c], axis=0) == 0 for c in component]  # for each node and column
    return np.allclose(_floats(found)[same], W[same], atol=1e-4)


def _random_walk(A: Any) -> Any:
    """The random-walk Laplacian, with the zero row of an isolated node."""
    degree = A.sum(axis=1)
    return np.diag((degree > 0).astype(float)) - A / np.maximum(degree, 1)[:, None]


def _ones_subtracted(A: Any, W: Any, lam: Any) -> Any:
    """The sign is mended, the 1 of an isolated node is not."""
    degree = A.sum(axis=1)
    L = np.eye(len(A)) - A / np.maximum(degree, 1)[:, None]
    return W - lam / (1 + lam) * L @ W


def _ones_solved(A: Any, W: Any, lam: Any) -> Any:
    L = np.eye(len(A)) - A / np.maximum(A.sum(axis=1), 1)[:, None]
    return np.linalg.solve(np.eye(len(A)) + lam * L, W)


def _divides_by_zero(A: Any, W: Any, lam: Any) -> Any:
    P = A / A.sum(axis=1)[:, None]
    return (1 - lam / (1 + lam)) * W + lam / (1 + lam) * P @ W


def _only_the_diagonal(A: Any, W: Any, lam: Any) -> Any:
    """The degrees are mended; it still keeps what is rough."""
    alpha = lam / (1 + lam)
    return (alpha * (np.diag(A.sum(axis=1)) - A) + (1 - alpha) * np.eye(len(A))) @ W


def _adds(A: Any, W: Any, lam: Any) -> Any:
    return W + lam * (np.diag(A.sum(axis=1)) - A) @ W


def _overshoots(A: Any, W: Any, lam: Any) -> Any:
    """A step down the gradient, as long as lam says."""
    return W - lam * (np.diag(A.sum(axis=1)) - A) @ W


def _overshoots_at_hubs(A: Any, W: Any, lam: Any) -> Any:
    return W - lam / (1 + lam) * (np.diag(A.sum(axis=1)) - A) @ W


def _overshoots_random_walk(A: Any, W: Any, lam: Any) -> Any:
    return W - lam * _random_walk(A) @ W


def _normalised(A: Any, W: Any, lam: Any) -> Any:
    """Smooth is then W divided by the root of the degree, not W."""
    root = np.sqrt(np.maximum(A.sum(axis=1), 1))
    L = (np.diag(A.sum(axis=1)) - A) / np.outer(root, root)
    return np.linalg.solve(np.eye(len(A)) + lam * L, W)


def _sums_neighbours(A: Any, W: Any, lam: Any) -> Any:
    return (W + lam * A @ W) / (1 + lam)


def _all_one_mean(A: Any, W: Any, lam: Any) -> Any:
    return (W + lam * W.mean(axis=0)) / (1 + lam)


def _means_at_once(A: Any, W: Any, lam: Any) -> Any:
    """Each node and its neighbours averaged, whatever lam is."""
    return (W + A @ W) / (1 + A.sum(axis=1))[:, None]


def _without_dial(A: Any, W: Any, lam: Any) -> Any:
    """The mean of each component, as soon as lam is not 0."""
    component = _components(as_graph(np.argwhere(np.triu(A)), n=len(A)))
    return np.array([W[component == c].mean(axis=0) for c in component]) if lam else W


def _draw_smoother(A: NDArray[np.float64], W: NDArray[np.float64], lam: float) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    graph = as_graph(np.argwhere(np.triu(A)), n=len(A))
    title = f"the first column of W at the nodes, lam = {lam:g}"
    return draw_graph(graph, values={i: float(row[0]) for i, row in enumerate(W)}, title=title)


MENDED = Exercise(
    id="laplacian_regularization-3",
    level="core",
    form="spot the bug",
    difficulty=2,
    importance=3,
    minutes=6,
    cases=_smoother_cases,
    properties=(
        Property(
            says="the answer is an array of the shape of W, and its numbers are finite",
            holds=lambda found, A, W, lam: _is_real(found, W.shape) and np.isfinite(_floats(found)).all(),
            hints=(
                "New weights are weights: as many as before, none of them inf or nan.",
                "Look at a node without neighbours: does something divide by its degree?",
                "Where the degree is 0 there is nothing to divide: np.maximum(degree, 1) may stand below.",
            ),
        ),
        Property(
            says="lam = 0 changes nothing",
            holds=lambda found, A, W, lam: lam > 0 or np.allclose(_floats(found), W, atol=1e-4),
            hints=(
                "lam says how much smoothing counts; with 0 it does not count at all.",
                "Look at where lam stands in your formula, and what is left when it is 0.",
                "For lam = 0 what W is multiplied by, or solved with, must be the identity.",
            ),
        ),
        Property(
            says="a node without neighbours keeps its row of W",
            holds=lambda found, A, W, lam: np.allclose(
                _floats(found)[~A.any(axis=1)], W[~A.any(axis=1)], atol=1e-4
            ),
            hints=(
                "It has nobody to become more alike with.",
                "Look at its row of L (the page's has a 1 there, though its degree is 0), and at how much of I "
                "stands beside L: all of it, or a part?",
                "Its row of D - A is zeros; so what W is multiplied by, or solved with, has the row of I there.",
            ),
        ),
        Property(
            says="where W is the same all over a component, it stays as it is",
            holds=lambda found, A, W, lam: _keeps_constants(found, A, W),
            hints=(
                "Nothing is smoother than a constant, so there is nothing left to do.",
                "Give W all ones: your L times W must be zeros. And what does I contribute, 1 or 1 - alpha?",
                "Rows of L that sum to 0 are needed, and all of I beside it, not a part: the rows of what W is "
                "multiplied by must sum to 1.",
            ),
        ),
        Property(
            says="the energy of each column falls: joined nodes become more alike",
            holds=lambda found, A, W, lam: lam > 0.25 or lam == 0 or _falls(found, A, W),
            hints=(
                "L x is what a signal has that its neighbours do not: adding it sharpens.",
                "Look at the sign before L, on two joined nodes: does their difference become smaller?",
                "Take something of L W *away* from W, or divide by I + lam L instead of multiplying.",
            ),
        ),
        Property(
            says="the energy falls for a large lam, too",
            holds=lambda found, A, W, lam: lam == 0 or _falls(found, A, W),
            hints=(
                "A step in the right direction can be too long: nodes jump past each other.",
                "Look at two joined nodes, and let lam be 4: where do they land?",
                "Either what is taken away has no eigenvalue of 2 or more (those of the random-walk L end at 2, "
                "and alpha stays below 1), or solve a system with I + lam L, which has no such limit.",
            ),
        ),
        Property(
            says="a small lam changes little: at 0.25 a column that has energy keeps some",
            holds=lambda found, A, W, lam: lam != 0.25 or _keeps_some(found, A, W),
            hints=(
                "lam is a dial, not a switch: between nothing and all alike there is everything.",
                "Look at where lam stands in your formula: does a small one do less than a large one?",
                "Do not go to the mean at once: take L, multiply it by lam, and solve a system with I + lam L.",
            ),
        ),
    ),
    reference=mended,
    wrong=(
        lambda A, W, lam: mended(A, W, lam).T,
        lambda A, W, lam: mended(A, W, lam)[:, 0],
        _divides_by_zero,
        _means_at_once,
        lambda A, W, lam: np.zeros_like(W),
        lambda A, W, lam: W / (1 + lam),  # L2
        _ones_subtracted,
        _ones_solved,
        _all_one_mean,
        _normalised,
        _sums_neighbours,
        regularised,
        _only_the_diagonal,
        _adds,
        lambda A, W, lam: W.copy(),
        _overshoots,
        _overshoots_at_hubs,
        _overshoots_random_walk,
        _without_dial,
    ),
    why=(
        "Where no node is alone the page's L is D^(-1) (D - A), the random-walk Laplacian: not the bug. The bug "
        "is what is done with it: alpha L + (1 - alpha) I multiplies what L sees (the rough part, eigenvalues up "
        "to 2) by more than what it does not see (the constant): it sharpens, and shrinks. Dividing by I + lam L "
        "turns that round: a part with eigenvalue mu is divided by 1 + lam mu, so the constant stays and the "
        "rest falls, whatever lam is. W - alpha L W smooths as well, with the random-walk L and alpha below 1, "
        "once a node that is alone has a 0 in place of its 1; with D - A, or lam for alpha, that step overshoots."
    ),
    draw=_draw_smoother,
    after="Needed again: 07 calls this a low-pass filter; the page's function favours the high frequencies.",
)

# -------------------------------------------------------------------------------- 4: labels that spread

Neighbours = Sequence[Sequence[int]]
Labels = Sequence[int]


def _label_cases(rng: Generator) -> Iterator[tuple[list[list[int]], list[int]]]:
    """One node to seven: small ones, then random ones, some nodes or components without a label."""
    graphs: list[tuple[int, list[tuple[int, int]], list[int]]] = [
        (1, [], [1]),
        (1, [], [-1]),
        (2, [(0, 1)], [1, -1]),
        (2, [(0, 1)], [-1, 0]),
        (3, [(0, 1), (1, 2)], [0, -1, 1]),
        (3, [(0, 1), (1, 2)], [1, -1, -1]),
        (4, [(0, 1), (1, 2), (2, 3)], [0, -1, -1, 1]),
        (4, [(0, 1), (2, 3)], [0, 1, -1, -1]),
    ]
    for n in (3, 4, 5, 5, 6, 6, 7, 7):
        for density in (0.25, 0.4, 0.5, 0.6, 0.7, 0.8):
            known = rng.random(n) < 0.4
            graphs.append((n, _pairs(rng, n, density), np.where(known, rng.integers(0, 2, n), -1).tolist()))
    for n, pairs, labels in sorted(graphs, key=lambda graph: (graph[0], len(graph[1]))):
        yield [[u + v - i for u, v in pairs if i in (u, v)] for i in range(n)], labels


def propagated(neighbours: Neighbours, labels: Labels) -> list[float]:
    scores = [0.5 if label == -1 else float(label) for label in labels]
    moved = 1.0
    while moved > 1e-9:
        moved = 0.0
        for i, around in enumerate(neighbours):
            if labels[i] == -1 and around:
                mean = sum(scores[j] for j in around) / len(around)
                moved = max(moved, abs(mean - scores[i]))
                scores[i] = mean
    return scores


def _graph_of(neighbours: Neighbours) -> Graph:
    return as_graph([(i, j) for i, around in enumerate(neighbours) for j in around if i < j], n=len(neighbours))


def _known(labels: Labels) -> NDArray[np.bool_]:
    return np.asarray(labels) != -1


def _reached(neighbours: Neighbours, labels: Labels) -> NDArray[np.bool_]:
    component = _components(_graph_of(neighbours))
    return np.isin(component, component[_known(labels)])


def _harmonic(neighbours: Neighbours, labels: Labels) -> NDArray[np.float64]:
    """What the checker compares with: one linear system, an equation for each unknown that a label reaches."""
    n = len(labels)
    free = np.flatnonzero(_reached(neighbours, labels) & ~_known(labels))
    M, b = np.eye(n), np.where(_known(labels), labels, 0.5).astype(np.float64)
    for i in free:
        M[i, list(neighbours[int(i)])] = -1 / len(neighbours[int(i)])
        b[i] = 0
    return _floats(np.linalg.solve(M, b))


def _among_known(neighbours: Neighbours, labels: Labels) -> list[int]:
    """Nodes without a label, all of whose neighbours have one."""
    known = _known(labels)
    return [i for i, around in enumerate(neighbours) if not known[i] and len(around) and known[around].all()]


def _agrees(found: Any, neighbours: Any, labels: Any, rows: Any) -> bool:
    return np.allclose(_floats(found)[rows], _harmonic(neighbours, labels)[rows], rtol=0, atol=1e-3)


def _swept(
    neighbours: Any, labels: Any, *, start: float = 0.5, sweeps: int = 500, clamped: bool = True, tidy: Any = float
) -> list[float]:
    """Sweeps from a given start; the wrong answers differ in the start, their number, and what is kept."""
    scores = [start if label == -1 else float(label) for label in labels]
    for _ in range(sweeps):
        for i, around in enumerate(neighbours):
            if around and not (clamped and labels[i] != -1):
                scores[i] = tidy(sum(scores[j] for j in around) / len(around))
    return scores


def _without_labels(neighbours: Any, labels: Any) -> Any:
    return [score for score, label in zip(propagated(neighbours, labels), labels, strict=True) if label == -1]


def _both_classes(neighbours: Any, labels: Any) -> Any:
    return [(1 - score, score) for score in propagated(neighbours, labels)]


def _not_clamped(neighbours: Any, labels: Any) -> Any:
    return _swept(neighbours, labels, clamped=False)


def _clamps_ones_only(neighbours: Any, labels: Any) -> Any:
    """A label of 0 is false, and taken for none."""
    return propagated(neighbours, [label or -1 for label in labels])


def _minus_one_is_an_index(neighbours: Any, labels: Any) -> Any:
    """The label that is looked up at -1 is the last class."""
    return [[0.0, 1.0][label] for label in labels]


def _unknown_is_zero(neighbours: Any, labels: Any) -> Any:
    return _swept(neighbours, labels, start=0.0)


def _unknown_is_minus_one(neighbours: Any, labels: Any) -> Any:
    return _swept(neighbours, labels, start=-1.0)


def _zeros_stay(neighbours: Any, labels: Any) -> Any:
    """Unknown is class 0, and known from then on."""
    return [float(max(label, 0)) for label in labels]


def _divides_by_no_neighbours(neighbours: Any, labels: Any) -> Any:
    n = len(labels)
    A = np.zeros((n, n))
    for i, around in enumerate(neighbours):
        A[i, list(around)] = 1
    P, scores = A / A.sum(axis=1, keepdims=True), np.where(_known(labels), labels, 0.5)
    for _ in range(500):
        scores = np.where(_known(labels), labels, P @ scores)
    return scores


def _one_linear_system(neighbours: Any, labels: Any) -> Any:
    """Right where every component has a label; singular elsewhere."""
    n = len(labels)
    M, b = np.eye(n), np.maximum(labels, 0).astype(float)
    for i, around in enumerate(neighbours):
        if labels[i] == -1:
            M[i, around] = -1 / max(len(around), 1)
    return np.linalg.solve(M, b)


def _nearest_label(neighbours: Any, labels: Any) -> Any:
    """The label that is met after the fewest steps."""
    scores = [None if label == -1 else float(label) for label in labels]
    for _ in labels:
        seen = list(scores)
        for i, around in enumerate(neighbours):
            met = [seen[j] for j in around if seen[j] is not None]
            scores[i] = met[0] if scores[i] is None and met else scores[i]
    return [0.5 if score is None else score for score in scores]


def _leaves_unknown_out(neighbours: Any, labels: Any) -> Any:
    """The mean of the neighbours with a label; the others are not asked, now or later."""
    asked = [[labels[j] for j in around if labels[j] != -1] for around in neighbours]
    means = [sum(row) / len(row) if row else 0.5 for row in asked]
    return [mean if label == -1 else label for label, mean in zip(labels, means, strict=True)]


def _as_shares(neighbours: Any, labels: Any) -> Any:
    """The share of 1 among all labels, for everybody."""
    known = [label for label in labels if label != -1]
    share = sum(known) / len(known) if known else 0.5
    reached = _reached(neighbours, labels)
    scores = [share if label == -1 else label for label in labels]
    return [score if hit else 0.5 for score, hit in zip(scores, reached, strict=True)]


def _draw_labels(neighbours: Neighbours, labels: Labels) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    known: dict[Any, int] = {i: label for i, label in enumerate(labels) if label != -1}
    return draw_graph(_graph_of(neighbours), values=known, marked=list(known), title="labels beside the nodes")


LABELS = Exercise(
    id="laplacian_regularization-4",
    level="core",
    form="implement",
    difficulty=2,
    importance=2,
    minutes=9,
    cases=_label_cases,
    properties=(
        Property(
            says="the answer is a flat list: one number for each node",
            holds=lambda found, neighbours, labels: _is_real(found, (len(labels),)),
            hints=(
                "Every node has a score, one with a label as well as one without.",
                "Look at what you return: as many numbers as labels has, and no pairs.",
                "Two classes need one number: the chance of a 1. That of a 0 is the rest.",
            ),
        ),
        Property(
            says="known labels stay: 0 is 0 and 1 is 1",
            holds=lambda found, neighbours, labels: np.allclose(
                _floats(found)[_known(labels)], np.asarray(labels)[_known(labels)], atol=1e-3
            ),
            hints=(
                "A walk that begins at a label has met it before its first step.",
                "Look at whether your loop gives a mean to nodes with a label, too. And: is 0 a label, or false?",
                "Before a node takes a mean, ask whether labels[i] is -1; only then.",
            ),
        ),
        Property(
            says="where no label can be reached the score is 0.5, also at a node without neighbours",
            holds=lambda found, neighbours, labels: np.allclose(
                _floats(found)[~_reached(neighbours, labels)], 0.5, atol=1e-3
            ),
            hints=(
                "There nothing is known, and -1 is a mark for that, not a number to reckon with.",
                "Look at what an unknown node begins with, and at what your mean does without neighbours.",
                "Begin with 0.5 at each unknown, and leave alone those with an empty list: means of 0.5 stay 0.5.",
            ),
        ),
        Property(
            says="a node among known labels has their mean: the walk's first step decides",
            holds=lambda found, neighbours, labels: _agrees(
                found, neighbours, labels, _among_known(neighbours, labels)
            ),
            hints=(
                "Each neighbour is as likely as any other to be the first step.",
                "Look at a node between a 0 and a 1: no rounding, no nearest one, only its own neighbours.",
                "Add up the neighbours' scores, and divide by how many they are.",
            ),
        ),
        Property(
            says="every other score is the mean of its neighbours' scores, to a thousandth",
            holds=lambda found, neighbours, labels: _agrees(found, neighbours, labels, slice(None)),
            hints=(
                "A score depends on its neighbours' scores, and these on theirs: one pass does not settle that.",
                "Look at neighbours without a label (their scores count, too), and at when you stop.",
                "Sweep over the unknown nodes until no score moves any more; on a path that can take hundreds.",
            ),
        ),
    ),
    reference=propagated,
    wrong=(
        _without_labels,
        _both_classes,
        _not_clamped,
        _clamps_ones_only,
        _minus_one_is_an_index,
        _unknown_is_zero,
        _unknown_is_minus_one,
        _zeros_stay,
        _divides_by_no_neighbours,
        _one_linear_system,
        _nearest_label,
        _as_shares,
        lambda neighbours, labels: _swept(neighbours, labels, tidy=round),
        lambda neighbours, labels: [round(score) for score in propagated(neighbours, labels)],
        _leaves_unknown_out,
        lambda neighbours, labels: _swept(neighbours, labels, sweeps=1),
        lambda neighbours, labels: _swept(neighbours, labels, sweeps=5),
    ),
    why=(
        "A walk from an unknown node takes its first step to one of the neighbours, each as likely; so its chance "
        "is the mean of theirs. Labels are the edge of the world: they stay. Sweeping until nothing moves solves "
        "this linear system without writing it down, and in any order; where no label is near, 0.5 is the mean of "
        "0.5. The system (one equation for each unknown) is solved faster by conjugate gradients, as the library "
        "does; written down for a component without a label it has no single answer."
    ),
    draw=_draw_labels,
    after="Needed again: 10 gives a network the same task, with few labels.",
)

# -------------------------------------------------------------------------------- 5: the gradient, edge by edge

VISITS = 4  # of each entry that an answer may read


def _gradient_cases(rng: Generator) -> Iterator[tuple[Counted, Counted, Counted, NDArray[np.float64]]]:
    """One node to nine, with weights, loops, and nodes without edges; fewest nodes and edges first."""
    graphs: list[tuple[int, Edges]] = [(1, []), (2, [(0, 1, 1.0)]), (2, [(1, 0, 3.0)]), (3, [(2, 0, 0.5)])]
    graphs += [(n, _weighted(rng, n, density, 0.15)) for n in range(2, 10) for density in (0.2, 0.4, 0.5, 0.6)]
    graphs += [(n, _weighted(rng, n, 0.5, 0.0)) for n in range(3, 10)]
    for n, edges in sorted(graphs, key=lambda graph: (graph[0], len(graph[1]))):
        u, v = (Counted(np.array([edge[end] for edge in edges], np.int64)) for end in (0, 1))
        w = Counted(np.array([edge[2] for edge in edges], np.float64))
        yield u, v, w, rng.permutation(np.arange(1.0, n + 1) ** 2)


def fast_gradient(u: Any, v: Any, w: Any, x: NDArray[np.float64]) -> list[float]:
    gradient = [0.0] * len(x)
    for i, j, weight in zip(u, v, w, strict=True):
        pull = 2 * weight * (x[i] - x[j])
        gradient[i] += pull
        gradient[j] -= pull
    return gradient


def slow_gradient(u: Any, v: Any, w: Any, x: NDArray[np.float64]) -> list[float]:
    """Right, but every node looks through all edges."""
    gradient = [0.0] * len(x)
    for i in range(len(x)):
        for k in range(len(w)):
            if u[k] == i:
                gradient[i] += 2 * w[k] * (x[i] - x[v[k]])
            if v[k] == i:
                gradient[i] += 2 * w[k] * (x[i] - x[u[k]])
    return gradient


def _uncounted(u: Any, v: Any, w: Any) -> tuple[Any, Any, Any]:
    return u.uncounted, v.uncounted, w.uncounted


def _pushed(u: Any, v: Any, w: Any, x: Any) -> NDArray[np.float64]:
    """What the checker compares with: a push of 1 to both sides, exact for a sum of squares."""
    u, v, w = _uncounted(u, v, w)
    ends = np.array([x + sign * e for e in np.eye(len(x)) for sign in (1, -1)])
    energies = ((ends[:, u] - ends[:, v]) ** 2 @ w).reshape(-1, 2)
    return (energies[:, 0] - energies[:, 1]) / 2


def _touched(u: Any, v: Any) -> NDArray[np.int64]:
    return np.union1d(u.uncounted, v.uncounted)


def _gradient_agrees(found: Any, u: Any, v: Any, w: Any, x: Any) -> bool:
    return np.allclose(_floats(found), _pushed(u, v, w, x), rtol=1e-4, atol=1e-4)


def _arrays(u: Any, v: Any, w: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return np.asarray(u), np.asarray(v), np.asarray(w)


def _half(u: Any, v: Any, w: Any, x: Any) -> Any:
    """The power rule's 2 forgotten: L x."""
    return [g / 2 for g in fast_gradient(u, v, w, x)]


def _twice(u: Any, v: Any, w: Any, x: Any) -> Any:
    """Each edge taken as two arcs."""
    return [2 * g for g in fast_gradient(u, v, w, x)]


def _downhill(u: Any, v: Any, w: Any, x: Any) -> Any:
    return [-g for g in fast_gradient(u, v, w, x)]


def _per_edge(u: Any, v: Any, w: Any, x: Any) -> Any:
    u, v, w = _arrays(u, v, w)
    return 2 * w * (x[u] - x[v])


def _energy(u: Any, v: Any, w: Any, x: Any) -> Any:
    u, v, w = _arrays(u, v, w)
    return (w * (x[u] - x[v]) ** 2).sum()


def _both_ends_up(u: Any, v: Any, w: Any, x: Any) -> Any:
    gradient = np.zeros(len(x))
    for i, j, weight in zip(u, v, w, strict=True):
        gradient[i] += 2 * weight * (x[i] - x[j])
        gradient[j] += 2 * weight * (x[i] - x[j])
    return gradient


def _one_end_only(u: Any, v: Any, w: Any, x: Any) -> Any:
    gradient = np.zeros(len(x))
    for i, j, weight in zip(u, v, w, strict=True):
        gradient[i] += 2 * weight * (x[i] - x[j])
    return gradient


def _without_weights(u: Any, v: Any, w: Any, x: Any) -> Any:
    return fast_gradient(u, v, np.ones(len(w)), x)


def _sizes_not_differences(u: Any, v: Any, w: Any, x: Any) -> Any:
    """Plain weight decay, at all nodes."""
    return 2 * x


def _neighbours_only(u: Any, v: Any, w: Any, x: Any) -> Any:
    """-2 A x: the degrees forgotten."""
    gradient = np.zeros(len(x))
    for i, j, weight in zip(u, v, w, strict=True):
        gradient[i] -= 2 * weight * x[j]
        gradient[j] -= 2 * weight * x[i]
    return gradient


def _last_edge_counts(u: Any, v: Any, w: Any, x: Any) -> Any:
    """gradient[u] += pull writes each place once, however often u names it."""
    u, v, w = _arrays(u, v, w)
    gradient, pull = np.zeros(len(x)), 2 * w * (x[u] - x[v])
    gradient[u] += pull
    gradient[v] -= pull
    return gradient


def _overwrites(u: Any, v: Any, w: Any, x: Any) -> Any:
    gradient = [0.0] * len(x)
    for i, j, weight in zip(u, v, w, strict=True):
        gradient[i] = 2 * weight * (x[i] - x[j])
        gradient[j] = -gradient[i]
    return gradient


def _moves_as_it_goes(u: Any, v: Any, w: Any, x: Any) -> Any:
    """Nodes take their step while others still look at them."""
    moving = np.array(x)
    for i, j, weight in zip(u, v, w, strict=True):
        pull = 2 * weight * (moving[i] - moving[j])
        moving[i] += pull
        moving[j] -= pull
    return moving - x


def _masks(u: Any, v: Any, w: Any, x: Any) -> Any:
    """Right, and in NumPy; still every node looks through all edges."""
    nodes = range(len(x))
    return [float((2 * w * (x[u] - x[v]) * (1 * (u == i) - 1 * (v == i))).sum()) for i in nodes]


def _draw_gradient(u: Counted, v: Counted, w: Counted, x: NDArray[np.float64]) -> tuple[Any, str]:
    from lessons.show.graph import draw_graph

    edges = [(int(i), int(j), float(weight)) for i, j, weight in zip(*_uncounted(u, v, w), strict=True)]
    graph = as_graph(edges, n=len(x))
    return draw_graph(graph, values={i: float(value) for i, value in enumerate(x)}, title="x at the nodes")


GRADIENT = Exercise(
    id="laplacian_regularization-5",
    level="stretch",
    form="complexity",
    difficulty=2,
    importance=2,
    minutes=10,
    cases=_gradient_cases,
    properties=(
        Property(
            says="the answer is a flat list: one number for each node",
            holds=lambda found, u, v, w, x: _is_real(found, x.shape),
            hints=(
                "A gradient has as many numbers as x: how the penalty changes with each of them.",
                "Look at what you return: neither one number, nor one for each edge.",
                "Begin with a zero for each node, and let the edges add to their ends.",
            ),
        ),
        Property(
            says="a node without edges has gradient 0",
            holds=lambda found, u, v, w, x: np.allclose(np.delete(_floats(found), _touched(u, v)), 0, atol=1e-4),
            hints=(
                "Its value is in no term of the penalty.",
                "Look at where x enters: as a difference along an edge, nowhere else.",
                "Without edges nothing may be added: zeros come back.",
            ),
        ),
        Property(
            says="one edge pulls at both its ends, equally, with twice its weight times the difference",
            holds=lambda found, u, v, w, x: len(w) != 1 or _gradient_agrees(found, u, v, w, x),
            hints=(
                "w (x_u - x_v)² has a derivative with respect to x_u, and one with respect to x_v.",
                "Look at the factor that comes from the square, at the weight, and at the sign at the far end.",
                "At u it is 2 w times the difference; at v the same with a minus. That of a *step* comes later.",
            ),
        ),
        Property(
            says="where several edges meet, their pulls are added up",
            holds=lambda found, u, v, w, x: _gradient_agrees(found, u, v, w, x),
            hints=(
                "The penalty is a sum over edges, so the gradient of a node is a sum over its edges.",
                "Look at a node with two edges: is the second pull added, or does it replace the first? Is x "
                "still what it was when the second edge looks at it?",
                "With NumPy, `array[u] += ...` writes each place once, even if u names it twice; np.add.at and "
                "np.bincount add up.",
            ),
        ),
        Property(
            says=f"no entry of u, v or w is read more than {VISITS} times, so that the cost is O(n + m)",
            holds=lambda found, u, v, w, x: max(part.reads.max(initial=0) for part in (u, v, w)) <= VISITS,
            hints=(
                "An edge knows its two ends: nobody needs to search for them.",
                "Look for a loop over nodes that holds a loop over edges, or a mask over all edges.",
                "Turn it round: one loop over the edges, and each gives its pull to both of its ends.",
            ),
        ),
    ),
    reference=fast_gradient,
    wrong=(
        _per_edge,
        _energy,
        _sizes_not_differences,
        _half,
        _twice,
        _downhill,
        _both_ends_up,
        _one_end_only,
        _without_weights,
        _neighbours_only,
        _last_edge_counts,
        _overwrites,
        _moves_as_it_goes,
        slow_gradient,
        _masks,
    ),
    why=(
        "w (x_u - x_v)² changes by 2 w (x_u - x_v) with x_u, and by minus that with x_v: each edge pulls its ends "
        "together, and is asked once. That is 2 L x, row by row, without a row of L ever being there: O(n + m) "
        "time, and no memory beside the answer. A loop pulls itself up and down, by 0. A product with a sparse L "
        "does the same."
    ),
    draw=_draw_gradient,
    after="Needed again: a Chebyshev filter of 07 is made of such walks over the edges.",
)

EXERCISES = (ROWS, END, MENDED, LABELS, GRADIENT)
