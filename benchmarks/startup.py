"""What the first compiled call costs, each in a fresh process: ours beside a kernel that only adds one.

The figures are seconds after numba was imported, with nothing in numba's cache (cold) or with everything (warm),
and what the imports before it take. The variant names the target in milliseconds. `time` is the whole process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks._harness import Call, Case
from benchmarks._inputs import sized

ROOT = Path(__file__).parents[1]


def cases(scale: float) -> Iterator[Case]:
    n, m = sized(10_000, 50_000, scale)
    for cache, target in (("cold", 1500), ("warm", 300)):
        yield Case(
            input="fresh process",
            n=n,
            m=m,
            function="topological_sort",
            variant=f"{cache} cache target {target} ms",
            ours=partial(in_a_process, "ours", n, m, cache),
            peers={"numba": partial(in_a_process, "numba", n, m, cache)},
            right=lambda seconds: seconds["right"],
            figures={name: partial(figure, name) for name in ("first call", "numba", "lessons")},
            repeats=5 if scale == 1 else 1,
        )


def figure(name: str, seconds: dict[str, Any]) -> float:
    return float(seconds[name])


def in_a_process(contender: str, n: int, m: int, cache: str) -> Call:
    """The call that starts a process and gives what it measured."""

    def call() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as empty:
            folder = empty if cache == "cold" else warm_cache()
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.startup", contender, str(n), str(m)],
                cwd=ROOT,
                env=os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONDONTWRITEBYTECODE": ""},
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        measured: dict[str, Any] = json.loads(done.stdout)
        return measured

    return call


@lru_cache(maxsize=1)
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def warm_cache() -> str:
    """A folder for numba's cache that every warm process shares; the first, which is not measured, fills it."""
    return _kept().name


# ---------------------------------------------------------------------------------------- in the fresh process


def main(contender: str, n: int, m: int) -> None:
    start = perf_counter()
    import numba  # noqa: F401

    numba_there = perf_counter()
    from lessons import as_graph
    from lessons.topological_sort import topological_sort

    lessons_there = perf_counter()
    from benchmarks.topological_sort import dag, is_topological

    edges = dag(n, m)
    graph = as_graph(edges, n=n, directed=True)
    if contender == "ours":
        import lessons.topological_sort as module

        module.COMPILED_FROM = 0  # tiny inputs, too
    ready = perf_counter()
    answer = topological_sort(graph) if contender == "ours" else trivial(1)
    done = perf_counter()
    right = is_topological(n, m, answer) if contender == "ours" else answer == 2
    seconds = {"numba": numba_there - start, "lessons": lessons_there - numba_there, "first call": done - ready}
    print(json.dumps(seconds | {"right": right}))


def trivial(number: int) -> int:
    """One more, by a kernel of its own."""
    from lessons.compiled import kernel

    @kernel("i8(i8)")
    def next_number(number):  # type: ignore[no-untyped-def]
        return number + 1

    return int(next_number(number))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
