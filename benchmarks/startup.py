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
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib import import_module
from operator import eq
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks._harness import Call, Case
from benchmarks._inputs import sized

Prepared = tuple[Call, Callable[[Any], bool]]

ROOT = Path(__file__).parents[1]


def cases(scale: float) -> Iterator[Case]:
    from benchmarks.graph_partitioning import flat_mesh

    n, m = sized(10_000, 50_000, scale)
    yield from cases_of("topological_sort", n, m, {"cold": 1500, "warm": 300}, 5 if scale == 1 else 1)
    targets = {"cold": 8000, "warm": 500}
    if scale != 1:
        del targets["cold"]  # each such call compiles for seconds
    mesh = flat_mesh(max(64, n))
    yield from cases_of("partition", mesh.n, mesh.m, targets, 3 if scale == 1 else 1)


def cases_of(function: str, n: int, m: int, targets: dict[str, int], repeats: int) -> Iterator[Case]:
    """One for each state of the cache; `targets` are milliseconds."""
    for cache, target in targets.items():
        yield Case(
            input="fresh process",
            n=n,
            m=m,
            function=function,
            variant=f"{cache} cache target {target} ms",
            ours=partial(in_a_process, "ours", function, n, m, cache),
            peers={"numba": partial(in_a_process, "numba", function, n, m, cache)},
            right=lambda seconds: seconds["right"],
            figures={name: partial(figure, name) for name in ("first call", "numba", "lessons")},
            repeats=repeats,
        )


def figure(name: str, seconds: dict[str, Any]) -> float:
    return float(seconds[name])


def in_a_process(contender: str, function: str, n: int, m: int, cache: str) -> Call:
    """The call that starts a process and gives what it measured."""

    def call() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as empty:
            folder = empty if cache == "cold" else warm_cache()
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.startup", contender, function, str(n), str(m)],
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


def main(contender: str, function: str, n: int, m: int) -> None:
    start = perf_counter()
    import numba  # noqa: F401

    numba_there = perf_counter()
    module, prepare = {
        "topological_sort": ("topological_sort", sorting),
        "partition": ("graph_partitioning", cutting),
    }[function]
    import_module(f"lessons.{module}")
    lessons_there = perf_counter()
    call, is_right = prepare(n, m) if contender == "ours" else (partial(trivial, 1), partial(eq, 2))
    ready = perf_counter()
    answer = call()
    done = perf_counter()
    seconds = {"numba": numba_there - start, "lessons": lessons_there - numba_there, "first call": done - ready}
    print(json.dumps(seconds | {"right": is_right(answer)}))


def sorting(n: int, m: int) -> Prepared:
    """What sorts a DAG, and what tells whether the answer is right."""
    import lessons.topological_sort as module
    from benchmarks.topological_sort import dag, is_topological
    from lessons import as_graph

    module.COMPILED_FROM = 0  # tiny inputs, too
    graph = as_graph(dag(n, m), n=n, directed=True)
    return partial(module.topological_sort, graph), partial(is_topological, n, m)


def cutting(n: int, m: int) -> Prepared:
    """What cuts a mesh into four, and what tells whether the answer is right."""
    from benchmarks.graph_partitioning import flat_mesh, is_partition
    from lessons.graph_partitioning import partition

    return partial(partition, flat_mesh(n), 4), partial(is_partition, n, 4)


def trivial(number: int) -> int:
    """One more, by a kernel of its own."""
    from lessons.compiled import kernel

    @kernel("i8(i8)")
    def next_number(number):  # type: ignore[no-untyped-def]
        return number + 1

    return int(next_number(number))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
