"""Random numbers that depend on what is drawn, never on who draws it, when, or on how many threads.

A seed becomes a 64-bit key; each task (a walk, a trial, a vertex) has its own stream, and draw i of it is a
function of (key, task, i):

    s = start(key, task)                  # where the stream of this task starts
    uniform(s, 0), uniform(s, 1), ...     # its draws, in any order

The same three functions stand in `compiled.rng` for kernels; `uniforms` gives many at once in NumPy. All give
the same bits, today and in every later version: tests hold them to published values.

The generator is SplitMix64, used twice: once over the tasks, once over the draws (G. L. Steele, D. Lea,
C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, section 4; DOI
10.1145/2660193.2660195). All streams run through one cycle of 2^64 numbers, so among T tasks of L draws two
overlap somewhere with a chance of about T^2 L / 2^64: 10^-8 for a hundred thousand walks of twenty steps.
"""

from __future__ import annotations

from math import ceil
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

Seed = int | np.random.Generator | None

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio, made odd: the step between the states of a stream
MASK = 2**64 - 1


def key_of(seed: Seed) -> int:
    """Turn a seed into the 64-bit key of all streams: an integer (>= 0) always into the same one.

    A Generator gives its next number, so it moves on by one draw; None gives a key that never comes again.

    Raises TypeError for another kind of seed, ValueError for a negative one.

    >>> key_of(7) == key_of(7), key_of(7) == key_of(8)
    (True, False)
    """
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**64, dtype=np.uint64))
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"seed={seed!r}: an integer, a numpy.random.Generator or None")
    if seed < 0:
        raise ValueError(f"seed={seed}: zero or more")
    return int(np.random.SeedSequence(int(seed)).generate_state(1, np.uint64)[0])


def start(key: int, task: int) -> int:
    """Where the stream of a task starts: output number `task` of a SplitMix64 seeded with the key.

    >>> start(1234567, 0)
    6457827717110365317
    """
    return _mixed(key + GOLDEN * (task + 1))


def bits(start: int, i: int) -> int:
    """Draw i of a stream, 0 ... 2^64 - 1.

    >>> bits(start(7, 0), 0) == bits(start(7, 0), 0) != bits(start(7, 1), 0)
    True
    """
    return _mixed(start + GOLDEN * (i + 1))


def uniform(start: int, i: int) -> float:
    """Draw i of a stream as a float64 in [0, 1), a multiple of 2^-53.

    `int(uniform(s, i) * n)` is an integer in 0 ... n - 1, each with a chance of 1/n to within 2^-53.

    >>> 0 <= uniform(start(7, 0), 3) < 1
    True
    """
    return (bits(start, i) >> 11) * 2.0**-53


def uniforms(key: int, tasks: ArrayLike, count: int) -> NDArray[np.float64]:
    """(len(tasks), count) the first draws of many tasks at once, as `uniform` gives them.

    >>> float(uniforms(7, [4], 2)[0, 1]) == uniform(start(7, 4), 1)
    True
    """
    return (_many_bits(key, tasks, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def reaching(key: int, count: int, p: float) -> NDArray[np.bool_]:
    """(count,) whether draw i of task 0, as `uniform` gives it, is p or more; 0 <= p < 1.

    Nothing becomes a float on the way, so it is faster than to compare `uniforms`.

    >>> bool((reaching(7, 100, 0.3) == (uniforms(7, [0], 100)[0] >= 0.3)).all())
    True
    """
    return _many_bits(key, [0], count)[0] >= np.uint64(ceil(p * 2**53) << 11)


def _many_bits(key: int, tasks: ArrayLike, count: int) -> NDArray[np.uint64]:
    """(len(tasks), count) the first draws of many tasks at once, as `bits` gives them."""
    steps = np.asarray(tasks, np.int64).astype(np.uint64) + np.uint64(1)
    starts = _mixed_array(np.uint64(key) + np.uint64(GOLDEN) * steps)
    draws = np.uint64(GOLDEN) * np.arange(1, count + 1, dtype=np.uint64)
    return _mixed_array(starts[:, None] + draws)


def _mixed(z: int) -> int:
    z &= MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def _mixed_array(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As `_mixed`, in place: z belongs to the caller."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z
