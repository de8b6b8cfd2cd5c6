"""Memory against time: forget what was computed on the way, and compute it again on the way back.

    y = checkpoint(block, x)            # as block(x), but its tape is not kept
    peak_bytes(lambda: step(x))         # what a call needs at its worst
    once(draw)                          # in a layer: what must not happen a second time

A chain of n operations keeps n arrays for its way back; cut into sqrt(n) segments that are checkpointed it keeps
those at the cuts and, one segment at a time, those within: about 2 sqrt(n), for one more computation of each.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from lessons.errors import TapeError
from lessons.tensor import Array, Edge, Tensor, _leaf, _on_tape, _walk, later, record

T = TypeVar("T")
DIFFERENT = (
    "a checkpoint computed something else the second time: what its function draws or reads must be the same "
    "again; pass seeds instead of generators, and see `once`"
)


def checkpoint(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """`function(*inputs)` as one operation on the tape, which computes itself again when `backward` comes to it.

    So the tensors between its inputs and its result are not kept. `function` gives one Tensor and may compute with
    whatever it reaches: parameters, and tensors that were computed before, get their gradients as ever. It runs
    once now and once in each `backward`, and must give the same answer, bit for bit: dropout layers do
    (see `once`), a function that draws from a Generator does not. Other data is noticed where the answer differs,
    not where it happens to be the same (times 0, behind a relu). Checkpoints may be nested. Inputs are given by
    place; for a setting by its name make a lambda around the function.

    Costs the function's time once more for each `backward`; while it runs, the memory of its tape.

    Raises TypeError where the function gives no Tensor, ValueError where it makes or changes a tensor that wants a
    gradient; `backward` raises TapeError where it gave another answer the second time.

    >>> x = Tensor([1.0, 2.0])
    >>> checkpoint(lambda x: (x * x * x).sum(), x).backward()
    >>> x.grad
    array([ 3., 12.])

    Notebook: 03_backpropagation. Source: A. Griewank, Achieving logarithmic growth of temporal and spatial
    complexity in reverse automatic differentiation, Optimization Methods and Software 1 (1), 1992, pages 35-54,
    doi:10.1080/10556789208805505; the square root: T. Chen, B. Xu, C. Zhang, C. Guestrin, Training deep nets with
    sublinear memory cost, arXiv:1604.06174, 2016, section 4.
    """
    segment = _Segment(function, inputs)
    out, since = segment.first_run()
    if not out.requires_grad or out._tick < since:  # nothing was recorded within
        return out
    segment.older = _reached(_made(out, since), since)
    edges: list[Edge] = [(tensor, partial(segment.pull, tensor)) for tensor in segment.older]
    return record("checkpoint", out._data, *edges)


def once(call: Callable[[], T]) -> T:
    """`call()`; where a checkpoint computes again, not the call but what it gave the first time.

    For layers with a state: a dropout layer asks for the seed of its next mask this way, so that it finds the mask
    again; a batch normalisation moves its running mean this way, so that it moves once a step.

    >>> from itertools import count
    >>> seeds = count()
    >>> x = Tensor(2.0)
    >>> checkpoint(lambda x: x * x * once(lambda: next(seeds)), x).backward()
    >>> next(seeds)                                     # one was drawn, though the function ran twice
    1
    """
    return _ask.get()(call)


def peak_bytes(call: Callable[[], Any]) -> int:
    """How many bytes a call needs at its worst, above those at its start: what Python and NumPy allocate.

    By tracemalloc, to which NumPy reports its arrays; memory that the call frees of what was there before it does
    not count. Slows the call down.

    >>> import numpy as np
    >>> 8_000_000 <= peak_bytes(lambda: np.ones(1_000_000).sum()) < 8_100_000
    True

    Notebook: 03_backpropagation.
    """
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        call()
        _, peak = tracemalloc.get_traced_memory()
        return peak - before
    finally:
        if not tracing:
            tracemalloc.stop()


# ---------------------------------------------------------------------------------------- helpers


def _call(call: Callable[[], Any]) -> Any:
    return call()


_ask: ContextVar[Callable[[Callable[[], Any]], Any]] = ContextVar("_ask", default=_call)  # how `once` answers


class _Segment:
    """A function with its inputs, what `once` answered it, what it gave, and the older tensors that it read."""

    def __init__(self, function: Callable[..., Tensor], inputs: tuple[Any, ...]) -> None:
        self.function, self.inputs = function, inputs
        self.since = 0
        self.answers: list[Any] = []
        self.data: Array | None = None
        self.older: list[Tensor] = []
        self.seed: Array | None = None  # the gradient that was handed in last,
        self.parts: dict[Tensor, Array] = {}  # and what of its answer was not yet fetched

    def first_run(self) -> tuple[Tensor, int]:
        """What the function gives, and the time when it started; what `once` answers is noted."""
        around = _ask.get()  # of a checkpoint around this one, which notes it, too, or knows it already

        def note(call: Callable[[], Any]) -> Any:
            self.answers.append(around(call))
            return self.answers[-1]

        since = self.since = later()
        with _set(_ask, note):
            out = self.function(*self.inputs)
        if not isinstance(out, Tensor):
            raise TypeError(f"the function of a checkpoint gives one Tensor, not {type(out).__name__}")
        self.data = out._data
        return out, since

    def pull(self, tensor: Tensor, g: Array) -> Array:
        """The gradient of one of the older tensors. The walk asks for one after the other: one run for all."""
        if g is not self.seed or tensor not in self.parts:
            self.seed, self.parts = g, self.second_run(g)
        part = self.parts.pop(tensor)
        if not self.parts:
            self.seed = None
        return part

    def second_run(self, g: Array) -> dict[Tensor, Array]:
        """The gradients of all older tensors. The walk stops at leaves that stand in their place."""
        if any(isinstance(x, Tensor) and not x.requires_grad and x._tick > self.since for x in self.inputs):
            raise TapeError(DIFFERENT)
        answers = iter(self.answers)

        def recall(_: Callable[[], Any]) -> Any:
            for answer in answers:
                return answer
            raise TapeError(DIFFERENT)

        since = later()
        with _set(_on_tape, True), _set(_ask, recall):
            out = self.function(*self.inputs)
        made = _made(out, since)
        if not _equal(out._data, self.data) or set(_reached(made, since)) != set(self.older):
            raise TapeError(DIFFERENT)
        leaves = {tensor: _stand_in(tensor) for tensor in self.older}
        for node in made:
            node._edges = tuple([(leaves.get(source, source), pull) for source, pull in node._edges or ()])
        found = dict(_walk(out, g, retain_graph=False))
        return {tensor: found[leaf] for tensor, leaf in leaves.items()}


@contextmanager
def _set(variable: ContextVar[T], value: T) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def _made(output: Tensor, since: int) -> list[Tensor]:
    """The tensors on the tape of `output` that are not older than `since`."""
    found = {output: None}  # a set that keeps its order, and so the order in which gradients are added
    stack = [output]
    while stack:
        for source, _ in stack.pop()._edges or ():
            if source._tick >= since and source not in found:
                found[source] = None
                stack.append(source)
    return list(found)


def _reached(made: list[Tensor], since: int) -> list[Tensor]:
    """The older tensors that these were computed from."""
    for tensor in made:
        if tensor._edges == ():
            raise ValueError(
                f"the function of a checkpoint makes or changes a tensor of shape {tensor.shape} that wants a "
                "gradient: make it outside, or with requires_grad=False"
            )
    return list(dict.fromkeys(source for node in made for source, _ in node._edges or () if source._tick < since))


def _stand_in(tensor: Tensor) -> Tensor:
    """A leaf of the same values and age."""
    leaf = _leaf(tensor._data, True, tensor.name, None)
    leaf._tick = tensor._tick
    return leaf


def _equal(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers, or nan, in the same places."""
    return a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | ((a != a) & (b != b))).all())
