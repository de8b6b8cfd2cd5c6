"""The digits and their neighbour graph, against scikit-learn's own search."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lessons import datasets


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
