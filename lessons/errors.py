"""What can go wrong, by name.

Every message gives the offending value and what to do about it. Wrong kinds of object are plain
`TypeError`s, bad values plain `ValueError`s, missing packages `ImportError`s that name the extra to install.
All of these survive pickling, so that worker processes can send them home.
"""

from __future__ import annotations

import importlib
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from difflib import get_close_matches
from itertools import islice
from math import inf
from os import PathLike, fspath
from types import ModuleType


class FormatError(ValueError):
    """A file that does not say what its format promises: `path`, `line` (from 1, None if binary) and `problem`.

    >>> str(FormatError("mesh.graph", 3, "vertex 9 of 4"))
    'mesh.graph, line 3: vertex 9 of 4'
    """

    def __init__(self, path: str | PathLike[str], line: int | None, problem: str) -> None:
        super().__init__(fspath(path), line, problem)
        self.path, self.line, self.problem = fspath(path), line, problem

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.path}{line}: {self.problem}"


class CycleError(ValueError):
    """A directed cycle where there must be none: `cycle` lists its nodes, each pointing to the next.

    >>> str(CycleError(["a", "b"]))
    "a cycle, where an order needs none: 'a' -> 'b' -> 'a'. Remove one of these edges."
    """

    def __init__(self, cycle: Sequence[Hashable]) -> None:
        super().__init__(list(cycle))
        self.cycle = list(cycle)

    def __str__(self) -> str:
        shown = [repr(node) for node in self.cycle]
        if len(shown) > 12:
            shown[6:-5] = [f"... {len(shown) - 11} more ..."]
        walk = " -> ".join([*shown, *shown[:1]])
        return f"a cycle, where an order needs none: {walk}. Remove one of these edges."


class InfeasibleError(ValueError):
    """No answer can satisfy what was asked, whatever the algorithm."""


class ConvergenceError(RuntimeError):
    """An iteration that ended above its tolerance: `problem`, `residual` and `iterations`; `advice` if other.

    >>> str(ConvergenceError("power iteration", 0.5, 100))
    'power iteration: residual 0.5 after 100 iterations. Allow more iterations or a larger tolerance.'
    """

    def __init__(
        self,
        problem: str,
        residual: float,
        iterations: int,
        advice: str = "Allow more iterations or a larger tolerance.",
    ) -> None:
        super().__init__(problem, residual, iterations, advice)
        self.problem, self.residual, self.iterations, self.advice = problem, residual, iterations, advice

    def __str__(self) -> str:
        return f"{self.problem}: residual {self.residual:.3g} after {self.iterations} iterations. {self.advice}"


class UnsupportedOperator(NotImplementedError):
    """A model with operators that the course does not compute: `operators` lists all of them.

    >>> str(UnsupportedOperator(["LSTM", "Einsum", "LSTM"]))
    'not computed here: Einsum, LSTM. The graph can still be read, ordered and drawn.'
    """

    def __init__(self, operators: Iterable[str]) -> None:
        self.operators = sorted(set(operators))
        super().__init__(self.operators)

    def __str__(self) -> str:
        names = ", ".join(self.operators)
        return f"not computed here: {names}. The graph can still be read, ordered and drawn."


class TapeError(RuntimeError):
    """A tape that cannot be walked back: it was freed, or what it has read was changed since."""


class DataMissing(FileNotFoundError):
    """Data that is not on this machine: `name`, and the `command` that gets it.

    >>> str(DataMissing("Cora", "python fetch.py cora"))
    'Cora is not on this machine. Get it with: python fetch.py cora'
    """

    def __init__(self, name: str, command: str) -> None:
        super().__init__(name, command)
        self.name, self.command = name, command

    def __str__(self) -> str:
        return f"{self.name} is not on this machine. Get it with: {self.command}"


class UnknownLabel(KeyError):
    """A label that no node of the graph has (or id that no lesson or exercise has: `what`), and the nearest one.

    >>> str(UnknownLabel("Kosete", ["Cosette", "Marius"]))
    "no node 'Kosete'; the nearest is 'Cosette'"
    """

    def __init__(
        self,
        label: Hashable,
        labels: Iterable[Hashable] = (),
        nearest: Hashable = None,
        what: str = "node",
        advice: str = "",
    ) -> None:
        nearest = _nearest(label, labels) if nearest is None else nearest
        super().__init__(label, (), nearest, what, advice)
        self.label, self.nearest, self.what, self.advice = label, nearest, what, advice

    def __str__(self) -> str:
        near = ": there are none" if self.nearest is None else f"; the nearest is {self.nearest!r}"
        return f"no {self.what} {self.label!r}{near}{self.advice and '. '}{self.advice}"


def require(module: str, extra: str) -> ModuleType:
    """Import an optional `module`, or say which extra of the distribution brings it.

    Raises ImportError with the command to run.

    >>> require("math", "course").sqrt(9.0)
    3.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module} is not installed. Get it with: pip install 'graph-lessons[{extra}]'", name=module
        ) from error


def _nearest(label: Hashable, labels: Iterable[Hashable]) -> Hashable:
    """The label that a person may have meant: nearest number, else most similar text, else the first."""
    if isinstance(label, int | float):
        if isinstance(labels, range):  # as many as a graph has nodes: look at two of them only
            at = bisect_left(labels, label)
            labels = labels[max(at - 1, 0) : at + 1]
        labels = list(labels)
        numbers = [other for other in labels if isinstance(other, int | float)]
        if numbers:
            return min(numbers, key=lambda other: _distance(other, label))
    texts: dict[str, Hashable] = {}
    for other in islice(labels, 5_000):
        texts.setdefault(str(other), other)
    close = get_close_matches(str(label), texts, n=1, cutoff=0.0)
    return texts[close[0]] if close else None


def _distance(a: float, b: float) -> float:
    try:
        return abs(a - b)
    except OverflowError:  # an integer that no float comes near
        return inf
