"""Laplacians, smoothing, labels that spread and neighbour graphs, each beside those who do the same.

Smoothing solves (I + 10 L) X = B to a residual of 1e-8 of B; SciPy's conjugate gradients take one column after the
other, preconditioned by the diagonal. A graph keeps its Laplacian: where making it is measured, each call gets a
new graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from lessons import Graph, as_graph
from lessons.datasets import digits, grid_graph, mesh_graph
from lessons.laplacian_regularization import label_spreading, laplacian, neighbour_graph, smooth

LAM, TOLERANCE = 10.0, 1e-8
NEIGHBOURS, ALPHA = 10, 0.99

Floats = NDArray[np.float64]


def cases(scale: float) -> Iterator[Case]:
    mesh = partial(plane, sized(50_000, scale))
    yield smooth_case("triangular mesh", mesh, 1, 15)
    yield smooth_case("triangular mesh", mesh, 16, 7)
    yield smooth_case("tetrahedral mesh", partial(space, sized(30_000, scale)), 16, 7)
    yield smooth_case("tetrahedral mesh in random order", partial(space, sized(30_000, scale), False), 16, 7)
    yield smooth_case("grid", partial(pixels, sized(224, scale**0.5)), 16, 7)
    yield laplacian_case(mesh)
    yield spreading_case(sized(1_797, scale))
    yield neighbours_case(sized(1_797, scale))


def sized(n: int, scale: float) -> int:
    return max(30, round(n * scale))


@lru_cache(maxsize=1)
def plane(n: int) -> Graph:
    return mesh_graph(n, seed=0)[0]


@lru_cache(maxsize=2)
def space(n: int, in_order: bool = True) -> Graph:
    """The Delaunay triangulation of random points of the unit cube; numbered bar by bar, or at random."""
    from scipy.spatial import Delaunay

    points = np.random.default_rng(0).random((n, 3))
    if in_order:
        bars = np.floor(points[:, 1:] * n ** (1 / 3) / 2)
        points = points[np.lexsort((points[:, 0], bars[:, 0], bars[:, 1]))]
    corners = Delaunay(points).simplices
    sides = np.concatenate([corners[:, [a, b]] for a in range(4) for b in range(a)])
    return as_graph(np.unique(np.sort(sides, axis=1), axis=0), n=n)


@lru_cache(maxsize=1)
def pixels(side: int) -> Graph:
    return grid_graph(side, side)


# ---------------------------------------------------------------------------------------- smoothing


def smooth_case(name: str, graph_of: Callable[[], Graph], columns: int, repeats: int) -> Case:
    graph = graph_of()
    return Case(
        input=name,
        n=graph.n,
        m=graph.m,
        function="smooth",
        variant=f"{columns} columns" if columns > 1 else "one column",
        ours=partial(smooth_by_lessons, graph_of, columns),
        peers={"scipy": partial(smooth_by_scipy, graph_of, columns)},
        right=partial(is_smooth, graph_of, columns),
        repeats=repeats,
    )


def noise(graph: Graph, columns: int) -> Floats:
    B = np.random.default_rng(1).standard_normal((columns, graph.n)).T  # each column contiguous
    return B[:, 0] if columns == 1 else B


def smooth_by_lessons(graph_of: Callable[[], Graph], columns: int) -> Call:
    graph = graph_of()
    B = np.ascontiguousarray(noise(graph, columns))
    return lambda: smooth(graph, B, LAM, tolerance=TOLERANCE).X


def smooth_by_scipy(graph_of: Callable[[], Graph], columns: int) -> Call:
    from scipy.sparse.linalg import LinearOperator, cg

    M, B = system(graph_of()), noise(graph_of(), columns)
    inverse = 1.0 / M.diagonal()
    preconditioner = LinearOperator(M.shape, matvec=lambda r: inverse * r, dtype=np.float64)

    def call() -> Floats:
        each = [cg(M, b, rtol=TOLERANCE, M=preconditioner)[0] for b in (B.T if columns > 1 else [B])]
        return np.column_stack(each) if columns > 1 else each[0]

    return call


def system(graph: Graph) -> Any:
    """I + 10 L with indices of 32 bits, which SciPy likes best."""
    from scipy.sparse import csr_array, eye_array

    M = (eye_array(graph.n) + LAM * laplacian(graph)).tocsr()
    return csr_array((M.data, M.indices.astype(np.int32), M.indptr.astype(np.int32)), shape=M.shape)


def is_smooth(graph_of: Callable[[], Graph], columns: int, X: Floats) -> bool:
    graph = graph_of()
    B = noise(graph, columns)
    residual = np.linalg.norm(B - system(graph) @ X, axis=0) / np.linalg.norm(B, axis=0)
    return bool(X.shape == B.shape and np.max(residual) <= 1.01 * TOLERANCE)


# ---------------------------------------------------------------------------------------- the Laplacian


def laplacian_case(graph_of: Callable[[], Graph]) -> Case:
    graph = graph_of()
    return Case(
        input="triangular mesh",
        n=graph.n,
        m=graph.m,
        function="laplacian",
        variant="normalised",
        ours=partial(laplacian_by_lessons, graph_of),
        peers={
            "scipy": partial(laplacian_by_scipy, graph_of),
            "networkx": partial(laplacian_by_networkx, graph_of),
        },
        right=partial(is_laplacian, graph_of),
        repeats=5,
    )


def laplacian_by_lessons(graph_of: Callable[[], Graph]) -> Call:
    graph = graph_of()
    return lambda: laplacian(Graph(graph.indptr, graph.indices, directed=False), "normalised")


def laplacian_by_scipy(graph_of: Callable[[], Graph]) -> Call:
    from scipy.sparse import csgraph

    return partial(csgraph.laplacian, graph_of().to_scipy(), normed=True)


def laplacian_by_networkx(graph_of: Callable[[], Graph]) -> Call:
    import networkx

    return partial(networkx.normalized_laplacian_matrix, graph_of().to_networkx())


def is_laplacian(graph_of: Callable[[], Graph], L: Any) -> bool:
    """Whether L sqrt(d) is 0, as only that of this graph's edges can be, with ones on the diagonal."""
    root = np.sqrt(graph_of().degrees())
    return bool(np.allclose(L @ root, 0, atol=1e-9) and np.allclose(L.diagonal(), 1.0))


# ---------------------------------------------------------------------------------------- digits


def spreading_case(n: int) -> Case:
    graph = nearest(n)
    return Case(
        input="digits",
        n=n,
        m=graph.m,
        function="label_spreading",
        variant="one label in twenty",
        ours=lambda: partial(spread_by_lessons, n),
        peers={"sklearn": partial(spread_by_sklearn, n)},
        right=partial(is_spread, n),
        repeats=7,
    )


@lru_cache(maxsize=1)
def nearest(n: int) -> Graph:
    return neighbour_graph(digits()[0][:n], NEIGHBOURS)


def known(n: int) -> NDArray[np.int64]:
    labels = digits()[1][:n].astype(np.int64)
    labels[np.random.default_rng(2).permutation(n)[max(10, n // 20) :]] = -1
    return labels


def spread_by_lessons(n: int) -> NDArray[np.int64]:
    return label_spreading(nearest(n), known(n), alpha=ALPHA, tolerance=1e-6).labels


def spread_by_sklearn(n: int) -> Call:
    from sklearn.semi_supervised import LabelSpreading

    X, A, labels = digits()[0][:n], nearest(n).to_scipy(), known(n)
    model = LabelSpreading(kernel=lambda X, Y: A, alpha=ALPHA, max_iter=10_000, tol=1e-3)
    return lambda: model.fit(X, labels).transduction_


def is_spread(n: int, labels: NDArray[np.int64]) -> bool:
    """Whether the labels are those of the scores from a dense solution, but for one in a hundred."""
    A = nearest(n).to_dense()
    root = np.sqrt(A.sum(axis=1))
    scores = np.linalg.solve(np.eye(n) - ALPHA * A / root / root[:, None], known(n)[:, None] == np.arange(10))
    return bool(np.mean(scores.argmax(axis=1) == labels) >= 0.99)


def neighbours_case(n: int) -> Case:
    return Case(
        input="digits",
        n=n,
        m=nearest(n).m,
        function="neighbour_graph",
        variant=f"{NEIGHBOURS} neighbours",
        ours=lambda: partial(neighbour_graph, digits()[0][:n], NEIGHBOURS),
        peers={"sklearn": partial(neighbours_by_sklearn, n)},
        right=partial(are_neighbours, n),
        repeats=7,
    )


def neighbours_by_sklearn(n: int) -> Call:
    from sklearn.neighbors import NearestNeighbors

    X = digits()[0][:n]

    def call() -> Any:
        A = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(X).kneighbors_graph()
        return A.maximum(A.T)

    return call


def are_neighbours(n: int, answer: Any) -> bool:
    """Whether each row has its nearest, up to ties: none nearer than the farthest of them is left out."""
    A = answer.to_dense() if isinstance(answer, Graph) else answer.toarray()
    X = digits()[0][:n].astype(np.float64)
    squares = ((X**2).sum(axis=1)[:, None] - 2 * X @ X.T + (X**2).sum(axis=1)).round()
    np.fill_diagonal(squares, np.inf)
    farthest = np.sort(squares, axis=1)[:, NEIGHBOURS - 1 : NEIGHBOURS]
    nearer, near = squares < farthest, squares <= farthest
    return bool(
        (A[nearer | nearer.T] == 1).all() and (A[~(near | near.T)] == 0).all() and (A.sum(1) >= NEIGHBOURS).all()
    )
