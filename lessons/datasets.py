"""What the lessons run on: data that ships with the libraries, and graphs made from a seed.

X, y = digits()                  # 1,797 handwritten digits, 64 grey values each
X, y, X_test, y_test = digits_split(seed=0)      # a quarter of them held out
graph = digits_graph(k=5)        # each joined to the five most similar
pixels = grid_graph(8, 8)        # and rings, paths, sensors, meshes
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _rng
from lessons._checks import whole
from lessons.errors import require
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import neighbour_graph


def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The 8 x 8 handwritten digits of scikit-learn: X (1797, 64), grey values 0 ... 16, and y (1797,), the digit.

    Raises ImportError without scikit-learn.

    >>> X, y = digits()
    >>> X.shape, y[:10].tolist()
    ((1797, 64), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, DOI 10.24432/C50P49 (its test set).
    """
    require("sklearn", "course")
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X, y.astype(np.int64)


def digits_split(
    seed: _rng.Seed = 0, *, images: bool = False, dtype: DTypeLike = np.float32
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
    """The digits in two parts, to train on and to test on: X_train, y_train, X_test, y_test.

    A quarter is held out, drawn anew for each seed and the same on every machine: of each numeral a quarter of its
    images, rounded up or down. X (1347, 64) and (450, 64), or with `images` (1347, 1, 8, 8) and (450, 1, 8, 8),
    grey values scaled to 0 ... 1, of type `dtype`; y (1347,) and (450,) the numerals. Rows stay in their order.

    Raises ImportError without scikit-learn, ValueError for a `dtype` other than float32 and float64.

    >>> X_train, y_train, X_test, y_test = digits_split(seed=0)
    >>> X_train.shape, X_test.shape, X_test.max()
    ((1347, 64), (450, 64), np.float32(1.0))

    Notebook: 03_backpropagation.
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype={np.dtype(dtype)}: float32 or float64")
    X, y = digits()
    chance = _rng.uniforms(_rng.key_of(seed), [0], len(y))[0]
    held_out = np.zeros(len(y), np.bool_)
    held_out[np.lexsort((chance, y))[::4]] = True  # every fourth, of images in random order numeral after numeral
    X = (X / 16).astype(dtype).reshape((-1, 1, 8, 8) if images else (-1, 64))
    return X[~held_out], y[~held_out], X[held_out], y[held_out]


def digits_graph(k: int = 5) -> Graph:
    """The neighbour graph of the digits: i - j where either is among the k most similar to the other.

    1,797 nodes, undirected, unweighted; similar means a small Euclidean distance between the 64 grey values. The
    values are whole numbers, so distances are exact and ties go to the smaller row: every machine gets this graph.

    Raises ValueError unless 1 <= k < 1797.

    >>> digits_graph(1)
    Graph(n=1797, m=1400, undirected)
    """
    X, _ = digits()
    return neighbour_graph(X, k)


# ---------------------------------------------------------------------------------------- simple and random graphs


def path_graph(n: int) -> Graph:
    """A path: 0 - 1 - ... - (n - 1). Raises ValueError for n < 1.

    >>> path_graph(3).edges()
    [(0, 1), (1, 2)]
    """
    whole("n", n, 1)
    rows = np.arange(n - 1)
    return as_graph(np.column_stack([rows, rows + 1]), n=n)


def ring_graph(n: int) -> Graph:
    """A ring: a path whose last node is joined to its first. Raises ValueError for n < 3.

    >>> ring_graph(4).edges()
    [(0, 1), (0, 3), (1, 2), (2, 3)]
    """
    whole("n", n, 3)
    rows = np.arange(n)
    return as_graph(np.column_stack([rows, (rows + 1) % n]), n=n)


def grid_graph(rows: int, columns: int) -> Graph:
    """The pixels of an image, each joined to those above, below, left and right.

    Node `columns * i + j` is pixel (i, j): a signal on the graph is `image.ravel()`. Raises ValueError for a side
    below 1.

    >>> grid_graph(2, 2).edges()
    [(0, 1), (0, 2), (1, 3), (2, 3)]

    Notebook: 04_laplacian_regularization.
    """
    whole("rows", rows, 1)
    whole("columns", columns, 1)
    pixel = np.arange(rows * columns).reshape(rows, columns)
    across = np.column_stack([pixel[:, :-1].ravel(), pixel[:, 1:].ravel()])
    down = np.column_stack([pixel[:-1].ravel(), pixel[1:].ravel()])
    return as_graph(np.concatenate([across, down]), n=rows * columns)


def sensor_graph(n: int = 64, *, k: int = 6, seed: _rng.Seed = 0) -> tuple[Graph, NDArray[np.float64]]:
    """Sensors spread over the unit square, each joined to the k nearest: the graph, and positions (n, 2).

    Each stands at random in a cell of its own of the smallest square grid with n cells, so that none are far
    apart. Weights fall with distance, exp(-distance^2 / (2 sigma^2)), sigma being the side of a cell. Raises
    ValueError unless 1 <= k < n.

    >>> graph, positions = sensor_graph(64, seed=0)
    >>> graph.n, positions.shape
    (64, (64, 2))

    Notebook: 07_graph_signals.
    """
    whole("n", n, 2)
    side = math.isqrt(n - 1) + 1
    key = _rng.key_of(seed)
    order = np.argsort(_rng.uniforms(key, [2], side * side)[0], kind="stable")
    cells = np.sort(order[:n])
    corner = np.column_stack([cells % side, cells // side])
    positions = (corner + _rng.uniforms(key, [0, 1], n).T) / side
    return neighbour_graph(positions, k, sigma=1 / side), positions


def mesh_graph(n: int, *, seed: _rng.Seed = 0) -> tuple[Graph, NDArray[np.float64]]:
    """A triangular mesh: the Delaunay triangulation of n random points of the unit square, and positions (n, 2).

    Points are numbered in strips from left to right, as a mesh generator would, so that neighbours have numbers
    that are near. Unweighted. O(n log n). Raises ValueError for n < 3.

    >>> graph, positions = mesh_graph(100, seed=0)
    >>> graph.n, positions.shape
    (100, (100, 2))

    Notebook: 07_graph_signals.
    """
    from scipy.spatial import Delaunay

    whole("n", n, 3)
    positions = _rng.uniforms(_rng.key_of(seed), [0, 1], n).T
    strip = np.floor(positions[:, 1] * math.sqrt(n) / 4)
    positions = positions[np.lexsort((positions[:, 0], strip))]
    corners = Delaunay(positions).simplices
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    return as_graph(np.unique(np.sort(sides, axis=1), axis=0), n=n), positions
