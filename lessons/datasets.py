"""What the lessons run on: data that ships with the libraries, in the form the lessons use.

X, y = digits()                  # 1,797 handwritten digits, 64 grey values each
X, y, X_test, y_test = digits_split(seed=0)      # a quarter of them held out
graph = digits_graph(k=5)        # each joined to the five most similar
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _rng
from lessons.errors import require
from lessons.graph import Graph, as_graph


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
    values are whole numbers, so distances are exact and ties go to the smaller row: every machine gets this
    graph. O(n^2) time and memory, about 60 MB.

    Raises ValueError unless 1 <= k < 1797.

    >>> digits_graph(1)
    Graph(n=1797, m=1400, undirected)
    """
    X, _ = digits()
    n = len(X)
    if not 1 <= k < n:
        raise ValueError(f"k={k}: each digit has 1 to {n - 1} neighbours")
    X = X.astype(np.float32)  # whole numbers below 2^24 stay exact, in half the memory
    squares = (X**2).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * X @ X.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :k]
    pairs = np.column_stack([np.repeat(np.arange(n), k), nearest.ravel()])
    return as_graph(pairs, n=n, directed=True).to_undirected(parallel="max")
