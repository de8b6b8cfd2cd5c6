"""`lessons._rng` for kernels: the same names, the same bits.

These functions are frozen: other kernels' caches hold copies of them that an edit here would not reach.
"""

import numpy as np

from lessons.compiled import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@kernel("u8(u8)")
def _mixed(z):  # type: ignore[no-untyped-def]
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


@kernel("u8(u8, i8)")
def start(key, task):  # type: ignore[no-untyped-def]
    """Where the stream of a task starts."""
    return _mixed(np.uint64(key) + GOLDEN * np.uint64(task + 1))


@kernel("u8(u8, i8)")
def bits(start, i):  # type: ignore[no-untyped-def]
    """Draw i of a stream, 0 ... 2^64 - 1."""
    return _mixed(np.uint64(start) + GOLDEN * np.uint64(i + 1))


@kernel("f8(u8, i8)")
def uniform(start, i):  # type: ignore[no-untyped-def]
    """Draw i of a stream as a float64 in [0, 1)."""
    return np.float64(bits(start, i) >> np.uint64(11)) * 2.0**-53
