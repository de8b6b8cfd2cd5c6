"""Measures our functions beside their peers: time and quality in turn (A B A B), memory in fresh processes.

A topic is a file `benchmarks/<topic>.py` with a function `cases(scale)` that yields its `Case`s; `run` measures
them. It may have another, `summary(rows)`, that yields lines to say at its end. README.md shows a whole topic.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import metadata
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Literal

Call = Callable[[], Any]
Clock = Callable[[], float]
Figures = dict[str, float]  # by quantity
Row = dict[str, Any]

PAGE = 4096  # bytes; the system counts memory in pages, so that less than one cannot be told from none


@dataclass(frozen=True)
class Case:
    """One input, one function of ours, and the peers that do the same.

    `ours`, and each of `peers` under its name, gets ready, which is not measured: it imports what it needs,
    brings the input into the form it likes best, and gives the call to measure. `right(answer)` tells whether
    an answer, ours or a peer's, is right. `figures` are what else is read off each answer, by quantity:
    {"cut": cut_of}. Of all repeats the median is reported, unless `together` tells another way to put a quantity
    together, {"cut": mean}, whose ratio is then that of the two.

    With `quantity="memory"`, peak bytes above the input are measured instead of seconds, each contender in a
    process of its own, so all callables are then functions of a module, or `partial`s of such functions.
    """

    input: str
    n: int
    m: int
    function: str
    variant: str
    ours: Callable[[], Call]
    peers: Mapping[str, Callable[[], Call]]
    right: Callable[[Any], bool]
    quantity: Literal["time", "memory"] = "time"
    figures: Mapping[str, Callable[[Any], float]] = field(default_factory=dict)
    together: Mapping[str, Callable[[Iterable[float]], float]] = field(default_factory=dict)
    repeats: int = 7

    def __str__(self) -> str:
        return f"{self.input} n={self.n:,} m={self.m:,} {self.function} {self.variant}"


class Skipped(Exception):
    """Why a contender is not measured."""


def run(
    topic: str,
    cases: Iterable[Case],
    threads: int,
    say: Callable[[str], None] = print,
    clock: Clock = perf_counter,
    repeats: int | None = None,
) -> list[Row]:
    """Measure every case beside every peer that is installed, and say each result at once; the rows of all.

    `threads` is what the rows report: it was set before numpy was imported. `clock` gives seconds. `repeats` goes
    before that of each case.

    Raises RuntimeError, with the name of the contender, at the first wrong answer.
    """
    rows: list[Row] = []
    for name, same in groupby(cases, key=str):
        say(f"\n{topic}: {name}")
        told = [case if repeats is None else replace(case, repeats=repeats) for case in same]
        found = [row for case in told for peer in case.peers for row in _beside(case, peer, say, clock)]
        rows += [{"topic": topic, "case": name, **row, "threads": threads} for row in found]
    return rows


def _beside(case: Case, peer: str, say: Callable[[str], None], clock: Clock) -> list[Row]:
    """The rows of one peer, each said as a line; none where it is skipped."""
    try:
        rounds = _memory(case, peer) if case.quantity == "memory" else _in_turn(case, peer, clock)
    except Skipped as reason:
        say(f"  {peer}: skipped, {reason}")
        return []
    rows = [_row(quantity, peer, rounds, case.together.get(quantity)) for quantity in rounds[0][0]]
    for row in rows:
        say(_line(row))
    return rows


def _row(
    quantity: str,
    peer: str,
    rounds: list[tuple[Figures, Figures]],
    together: Callable[[Iterable[float]], float] | None,
) -> Row:
    pairs = [(ours[quantity], theirs[quantity]) for ours, theirs in rounds]
    if together is not None:
        pairs = [(together(ours for ours, _ in pairs), together(theirs for _, theirs in pairs))]
    return {
        "quantity": quantity,
        "peer": peer,
        "ours": median(ours for ours, _ in pairs),
        "theirs": median(theirs for _, theirs in pairs),
        "ratio": median(ours / theirs for ours, theirs in pairs) if all(b for _, b in pairs) else None,
        "repeats": len(rounds),
    }


# ---------------------------------------------------------------------------------------- measuring


def _in_turn(case: Case, peer: str, clock: Clock) -> list[tuple[Figures, Figures]]:
    """Seconds, and what is read off the answers, of ours and the peer's in turn."""
    ours, theirs = _ready(case, "ours"), _ready(case, peer)
    _check(case, "ours", ours())  # which warms them, too
    _check(case, peer, theirs())
    with _collector_off():
        return [(_once(case, ours, clock), _once(case, theirs, clock)) for _ in range(case.repeats)]


def _once(case: Case, call: Call, clock: Clock) -> Figures:
    gc.collect()
    start = clock()
    answer = call()
    seconds = clock() - start
    return {"time": seconds} | {quantity: read(answer) for quantity, read in case.figures.items()}


def _ready(case: Case, contender: str) -> Call:
    if contender == "ours":
        return case.ours()
    try:
        return case.peers[contender]()
    except ModuleNotFoundError as missing:
        raise Skipped(f"{missing.name} is not installed") from missing


def _check(case: Case, contender: str, answer: Any) -> None:
    if not case.right(answer):
        raise RuntimeError(f"{contender}: a wrong answer, so nothing to measure, in {case}")


@contextmanager
def _collector_off() -> Iterator[None]:
    """No garbage collection unless asked for, and then only of what is made from here on."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _memory(case: Case, peer: str) -> list[tuple[Figures, Figures]]:
    if not Path("/proc/self/clear_refs").exists():
        raise Skipped(f"{platform.system()} does not tell the peak memory of one call")
    return [(_in_fresh_process(case, "ours"), _in_fresh_process(case, peer)) for _ in range(case.repeats)]


def _in_fresh_process(case: Case, contender: str) -> Figures:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        return {"memory": process.submit(_peak, case, contender).result()}


def _peak(case: Case, contender: str) -> int:
    """Peak bytes in memory during the call, above what was there before it."""
    call = _ready(case, contender)
    gc.collect()
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc keeps what is freed, and the call would get that for nothing
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _resident("VmRSS")
    answer = call()
    peak = _resident("VmHWM") - before
    _check(case, contender, answer)
    return max(peak, PAGE)


def _resident(field: str) -> int:
    """Bytes of this process in memory, now ("VmRSS") or at most ("VmHWM")."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", status)[1])  # type: ignore[index]


# ---------------------------------------------------------------------------------------- telling


def _line(row: Row) -> str:
    ours, theirs = (_readable(row[side], row["quantity"]) for side in ("ours", "theirs"))
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3g}"
    quantity, peer, repeats = row["quantity"], row["peer"], row["repeats"]
    return f"  {quantity:<10} ours {ours:>10}   {peer:<14} {theirs:>10}   ratio {ratio:>8}   of {repeats}"


def _readable(figure: float, quantity: str) -> str:
    if quantity == "memory":
        return f"{figure / 1e6:.1f} MB"
    if quantity != "time":
        return f"{figure:.5g}"
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e-3, "ms")) if figure >= s), (1e-6, "µs"))
    return f"{figure / scale:.3g} {unit}"


def machine(threads: int) -> str:
    """The day, the processor, the threads, the BLAS kernel and the load, in one line."""
    return (
        f"{date.today()}, {_processor()}, {os.cpu_count()} cores, threads held to {threads}, {_blas()}, "
        f"Python {platform.python_version()}, {platform.system()}, {load()}"
    )


def provenance(topic: str, source: str, packages: Sequence[str]) -> dict[str, str]:
    """The head of a table that `--accuracy` measures: from which data, by which command, when, and on what."""
    with_versions = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
    return {
        "source": source,
        "command": f"LESSONS_DATA=FOLDER python -m benchmarks {topic} --accuracy --json lessons/data/{topic}.json",
        "date": str(date.today()),
        "machine": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{with_versions}, {_blas()}",
    }


def _processor() -> str:
    with suppress(OSError):
        name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        if name:
            return name[1]
    return platform.processor() or platform.machine()


def _blas() -> str:
    """The BLAS that numpy uses, with its kernel and threads where threadpoolctl is there to ask."""
    import numpy as np

    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']} (kernel unknown: threadpoolctl is not installed)"
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return "; ".join(
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', 'no')} kernel, "
        f"{pool['num_threads']} threads)"
        for pool in pools
    )


def load() -> str:
    """How many processes wanted a processor lately: with more than there are cores, the longer call loses more."""
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"


def versions() -> str:
    """Names and versions of all distributions that something was imported from."""
    found = metadata.packages_distributions()
    names = {"graph-lessons"} | {name for module in list(sys.modules) for name in found.get(module, ())}
    return ", ".join(f"{name} {metadata.version(name)}" for name in sorted(names))
