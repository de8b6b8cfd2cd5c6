"""Random inputs, the same for every contender and on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sized(n: int, m: int, scale: float) -> tuple[int, int]:
    """Nodes and edges times `scale`, never fewer than ten nodes and as many edges as fit twice over."""
    nodes = max(10, round(n * scale))
    return nodes, min(max(10, round(m * scale)), nodes * (nodes - 1) // 4)


def random_pairs(n: int, m: int, seed: int) -> NDArray[np.int64]:
    """(m, 2) pairs of different nodes 0 ... n - 1 in random order, no two with the same ends.

    Raises ValueError where m is more than n (n - 1) / 2, rounded down to a multiple of n.

    >>> random_pairs(5, 3, seed=0).shape
    (3, 2)
    """
    # A pair is a first node and how far ahead, round the circle of all nodes, the second one is: at most half
    # way, so that no pair comes from both its ends. Pairs exactly opposite, where n is even, are never drawn.
    if m > n * ((n - 1) // 2):
        raise ValueError(f"m={m}: {n} nodes have at most {n * ((n - 1) // 2)} pairs to draw from")
    codes = np.random.default_rng(seed).choice(n * ((n - 1) // 2), m, replace=False)
    first = codes % n
    return np.column_stack([first, (first + codes // n + 1) % n])


def rmat_pairs(n: int, m: int, seed: int) -> NDArray[np.int64]:
    """(<= m, 2) pairs of different nodes 0 ... n - 1, sorted, no two with the same ends: an R-MAT graph.

    A few nodes have many neighbours, most have few, and some none. Each of m edges falls into one quarter of the
    adjacency matrix with chances 0.57, 0.19, 0.19 and 0.05, into one quarter of that, and so on; loops are dropped
    and parallel edges merged. (D. Chakrabarti, Y. Zhan, C. Faloutsos, R-MAT: a recursive model for graph mining,
    SIAM Data Mining 2004, doi:10.1137/1.9781611972740.43; the chances are those of the Graph500 benchmark.)

    Raises ValueError where n is no power of two.

    >>> rmat_pairs(4, 3, seed=0).tolist()
    [[0, 2], [0, 3]]
    """
    levels = n.bit_length() - 1
    if n < 1 or n != 1 << levels:
        raise ValueError(f"n={n}: a power of two is needed, for the matrix is halved until its parts are nodes")
    quarter = np.searchsorted([0.57, 0.76, 0.95], np.random.default_rng(seed).random((m, levels)), side="right")
    halves = 1 << np.arange(levels)[::-1]
    ends = np.sort(np.column_stack([(quarter >> 1) @ halves, (quarter & 1) @ halves]), axis=1)
    return np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
