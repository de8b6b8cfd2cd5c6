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
