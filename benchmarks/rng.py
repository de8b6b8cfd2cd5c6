"""Random numbers for n tasks, m in all: `uniforms` in NumPy, `uniform` in a kernel, beside numpy's generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from benchmarks._inputs import sized
from lessons._rng import key_of, uniforms
from lessons.compiled import kernel
from lessons.compiled.rng import start, uniform


def cases(scale: float) -> Iterator[Case]:
    n, m = sized(100_000, 10_000_000, scale)
    draws = m // n
    yield case(n, draws, "uniforms", "NumPy", partial(uniforms, key_of(7), np.arange(n), draws))
    yield case(n, draws, "uniform", "compiled", partial(in_kernel, n, draws))


def case(n: int, draws: int, function: str, variant: str, ours: Call) -> Case:
    return Case(
        input="streams",
        n=n,
        m=n * draws,
        function=function,
        variant=variant,
        ours=lambda: ours,
        peers={"numpy": lambda: partial(np.random.default_rng(7).random, (n, draws))},
        right=partial(is_uniform, (n, draws)),
    )


def in_kernel(n: int, draws: int) -> NDArray[np.float64]:
    drawn = np.empty((n, draws))
    fill(key_of(7), drawn)
    return drawn


@kernel("void(u8, f8[:,:]!)")
def fill(key, drawn):  # type: ignore[no-untyped-def]
    for task in range(drawn.shape[0]):
        stream = start(key, task)
        for i in range(drawn.shape[1]):
            drawn[task, i] = uniform(stream, i)


def is_uniform(shape: tuple[int, int], drawn: NDArray[np.float64]) -> bool:
    """In [0, 1), with the mean and the variance of that distribution to within five standard errors."""
    far = 5 / np.sqrt(drawn.size)
    return (
        drawn.shape == shape
        and bool((drawn >= 0).all() and (drawn < 1).all())
        and abs(drawn.mean() - 1 / 2) < far * np.sqrt(1 / 12)
        and abs(drawn.var() - 1 / 12) < far * np.sqrt(1 / 180)
    )
