"""The digits and their neighbour graph, against scikit-learn's own search; simple graphs, against networkx's."""

from math import isqrt

import networkx as nx
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lessons import as_graph, datasets


def test_digits_are_whole_grey_values():
    X, y = datasets.digits()
    assert X.shape == (1797, 64)
    assert y.shape == (1797,)
    assert np.array_equal(X, np.round(X))
    assert (X.min(), X.max()) == (0, 16)


@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_are_the_nearest(k):
    """Distances tie, so the sets may differ; their distances may not."""
    X, _ = datasets.digits()
    graph = datasets.digits_graph(k)
    distances, _ = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(X).kneighbors(X)
    reach = np.round(distances[:, -1] ** 2)
    u, v = graph.edge_rows.T
    apart = ((X[u] - X[v]) ** 2).sum(axis=1)
    assert (apart <= np.maximum(reach[u], reach[v])).all()
    assert (graph.degrees() >= k).all()
    assert graph.weights is None
    assert not graph.directed


@pytest.mark.parametrize("k", [0, 1797])
def test_k_is_checked(k):
    with pytest.raises(ValueError, match=f"k={k}: "):
        datasets.digits_graph(k)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_quarter_of_each_numeral_is_held_out(seed):
    _, y = datasets.digits()
    _, y_train, _, y_test = datasets.digits_split(seed)
    assert len(y_test) == 450
    assert len(y_train) + len(y_test) == len(y)
    assert (np.abs(np.bincount(y_test) - np.bincount(y) / 4) < 1).all()


def test_each_image_goes_with_its_numeral_to_one_part():
    X, y = datasets.digits()
    X_train, y_train, X_test, y_test = datasets.digits_split(5, dtype=np.float64)
    whole = sorted((*row, label) for row, label in zip((X / 16).tolist(), y.tolist(), strict=True))
    parts = zip([*X_train.tolist(), *X_test.tolist()], [*y_train.tolist(), *y_test.tolist()], strict=True)
    assert sorted((*row, label) for row, label in parts) == whole


def test_the_part_held_out_depends_on_the_seed_only():
    first, again, other = (datasets.digits_split(seed)[2] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert datasets.digits_split(3)[3][:12].tolist() == [3, 7, 5, 6, 1, 3, 4, 9, 0, 0, 9, 7]


def test_images_are_the_same_values_in_another_shape():
    flat, square = datasets.digits_split(), datasets.digits_split(images=True)
    assert [part.shape for part in square] == [(1347, 1, 8, 8), (1347,), (450, 1, 8, 8), (450,)]
    assert np.array_equal(flat[2], square[2].reshape(450, 64))
    assert flat[0].dtype == np.float32
    assert datasets.digits_split(dtype="float64")[0].dtype == np.float64


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="dtype=float16: float32 or float64"):
        datasets.digits_split(dtype=np.float16)


# ---------------------------------------------------------------------------------------- simple and random graphs


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_a_path_is_networkxs(n):
    assert datasets.path_graph(n) == as_graph(nx.path_graph(n))


@pytest.mark.parametrize("n", [3, 4, 11])
def test_a_ring_is_networkxs(n):
    ours, theirs = datasets.ring_graph(n), nx.cycle_graph(n)
    assert sorted(ours.edges()) == sorted(tuple(sorted(edge)) for edge in theirs.edges)
    assert ours.nodes == tuple(theirs.nodes)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4)])
def test_a_grid_is_networkxs_with_its_pixels_numbered_row_by_row(rows, columns):
    theirs = nx.grid_2d_graph(rows, columns)
    edges = [tuple(sorted((columns * i + j, columns * row + column))) for (i, j), (row, column) in theirs.edges]
    ours = datasets.grid_graph(rows, columns)
    assert sorted(ours.edges()) == sorted(edges)
    assert ours.n == rows * columns


def test_each_pixel_of_an_image_meets_those_beside_it():
    image = np.arange(12).reshape(3, 4)
    u, v = datasets.grid_graph(3, 4).edge_rows.T
    assert set(np.abs(image.ravel()[u] - image.ravel()[v])) == {1, 4}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [7, 8, 60, 64])
def test_sensors_stand_each_in_a_cell_of_its_own(n, seed):
    k = 6
    graph, positions = datasets.sensor_graph(n, k=k, seed=seed)
    side = isqrt(n - 1) + 1
    cells = np.floor(positions * side).astype(int)
    assert len({tuple(cell) for cell in cells}) == n
    assert positions.shape == (n, 2)
    assert ((positions >= 0) & (positions < 1)).all()
    u, v = graph.edge_rows.T
    distances = np.linalg.norm(positions[u] - positions[v], axis=1)
    assert np.allclose(graph.edge_weights, np.exp(-((distances * side) ** 2) / 2), rtol=1e-12)
    reach = np.sort(np.linalg.norm(positions[:, None] - positions, axis=2), axis=1)[
        :, k
    ]  # place 0 is the node itself
    assert (distances <= np.maximum(reach[u], reach[v]) * (1 + 1e-12)).all()
    assert (graph.degrees() >= k).all()


@pytest.mark.parametrize("n", [3, 4, 100, 3000])
def test_a_mesh_is_a_triangulation(n):
    """Euler's formula: h corners on the hull, 3 n - 3 - h edges, 2 n - 2 - h triangles; no two edges cross."""
    from scipy.spatial import ConvexHull

    graph, positions = datasets.mesh_graph(n, seed=n)
    assert positions.shape == (n, 2)
    assert graph.m == 3 * n - 3 - len(ConvexHull(positions).vertices)
    assert nx.is_connected(graph.to_networkx())
    assert nx.check_planarity(graph.to_networkx())[0]


def test_neighbours_in_a_mesh_have_numbers_that_are_near():
    graph, _ = datasets.mesh_graph(10_000, seed=0)
    u, v = graph.edge_rows.T
    assert np.quantile(v - u, 0.99) < 10 * np.sqrt(graph.n)  # all but those along the rim, which are long


@pytest.mark.parametrize("make", [datasets.sensor_graph, datasets.mesh_graph])
def test_a_random_graph_depends_on_its_seed_only(make):
    first, again, other = (make(50, seed=seed) for seed in (1, 1, 2))
    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: datasets.path_graph(0), "n=0: at least 1"),
        (lambda: datasets.ring_graph(2), "n=2: at least 3"),
        (lambda: datasets.grid_graph(3, 0), "columns=0: at least 1"),
        (lambda: datasets.sensor_graph(6), "k=6: "),
        (lambda: datasets.mesh_graph(2), "n=2: at least 3"),
    ],
)
def test_graphs_that_are_too_small_are_refused(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()


@pytest.mark.parametrize("n", [4.5, "4", True, None])
def test_sizes_are_whole_numbers(n):
    for make in (datasets.path_graph, datasets.ring_graph, datasets.sensor_graph, datasets.mesh_graph):
        with pytest.raises(TypeError, match=f"n={n!r}: a whole number"):
            make(n)
