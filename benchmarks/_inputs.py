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
