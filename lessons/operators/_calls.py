"""How a rule is written: registered for its operators, reading what a call tells, calculating with lengths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from lessons.operators import Call, Dim, Shape, Tensor

Rule = Callable[[Call], list[Tensor]]

RULES: dict[str, Rule] = {}


def rule(*ops: str, reads: int = 1) -> Callable[[Rule], Rule]:
    """Register a rule of operators that read at least `reads` tensors."""

    def register(of: Rule) -> Rule:
        def checked(call: Call) -> list[Tensor]:
            given = sum(1 for port in call.inputs[:reads] if port is not None)
            if given < reads:
                raise ValueError(f"it reads at least {reads} tensors, and {given} of these are given")
            return [_possible(tensor) for tensor in of(call)]

        RULES.update(dict.fromkeys(ops, checked))
        return of

    return register


def _possible(tensor: Tensor) -> Tensor:
    """A tensor with lengths that can be, whatever numbers the settings of its node held."""
    for length in tensor.shape or ():
        if not isinstance(length, int | str | None) or (isinstance(length, int) and length < 0):
            raise ValueError(
                f"its settings ask for the shape {tensor.shape}: a length is a whole number from 0 on"
            )
    return tensor


def shape_rule(
    *ops: str, reads: int = 1, dtype: str | None = None
) -> Callable[[Callable[..., Shape | None]], Rule]:
    """Register a rule from the shapes of the first `reads` inputs to the shape of the only output.

    The output has the element type of the first input unless `dtype` tells another one; where one of these
    shapes is not known, neither is the output's.
    """

    def register(shape_of: Callable[..., Shape | None]) -> Rule:
        @rule(*ops, reads=reads)
        def tensors(call: Call) -> list[Tensor]:
            shapes = [port.shape for port in call.inputs[:reads] if port is not None]
            shape = None if None in shapes else shape_of(call, *shapes)
            return [Tensor(shape, dtype or dtype_at(call))]

        return tensors

    return register


def tensor_at(call: Call, port: int) -> Tensor:
    """What is known of an input; of one that is left out: nothing."""
    return (call.inputs[port] if port < len(call.inputs) else None) or Tensor()


def has(call: Call, port: int) -> bool:
    return port < len(call.inputs) and call.inputs[port] is not None


def dtype_at(call: Call, port: int = 0) -> str | None:
    return tensor_at(call, port).dtype


def value_at(call: Call, port: int) -> list[Any] | None:
    """The known value of an input as a list; that of a scalar as a list of one."""
    value = call.values[port] if port < len(call.values) else None
    return None if value is None or not has(call, port) else np.ravel(value).tolist()


def ints_of(call: Call, name: str, default: Sequence[int], least: int | None = None) -> list[int]:
    """An attribute with as many whole numbers as its default."""
    value = call.attributes.get(name, default)
    whole = isinstance(value, Sequence | np.ndarray) and all(isinstance(n, int | np.integer) for n in value)
    if not whole or len(value) != len(default) or (least is not None and min(value, default=least) < least):
        kind = "whole numbers" if least is None else f"whole numbers from {least} on"
        raise ValueError(f"{name} is a list of {len(default)} {kind}, not {value!r}")
    return [int(n) for n in value]


def int_of(call: Call, name: str, default: int | None = None) -> int:
    value = call.attributes.get(name, default)
    if value is None:
        raise ValueError(f"the attribute {name} is missing")
    if not isinstance(value, int | np.integer):
        raise ValueError(f"{name} is a whole number, not {value!r}")
    return int(value)


def is_given(call: Call, name: str, port: int) -> bool:
    """Whether a setting is there, as the attribute that it was or the input that it became."""
    return name in call.attributes or has(call, port)


def setting(call: Call, name: str, port: int) -> list[Any] | None:
    """A setting that was an attribute and became an input; None where it is not there or not known."""
    if name in call.attributes:
        return np.ravel(np.asarray(call.attributes[name])).tolist()
    return value_at(call, port)


def axis_of(axis: Any, rank: int) -> int:
    """An axis counted from 0; -1 is the last one."""
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is none of {rank}: give one from {-rank} to {rank - 1}")
    return axis % rank


def axes_of(axes: Iterable[Any], rank: int) -> list[int]:
    found = [axis_of(axis, rank) for axis in axes]
    if len(set(found)) < len(found):
        raise ValueError(f"the axes {found} name one of them twice")
    return found


# ---------------------------------------------------------------------------------------- lengths


def differ(a: Dim, b: Dim) -> bool:
    """Whether two lengths cannot be the same."""
    return isinstance(a, int) and isinstance(b, int) and a != b


def meet(a: Dim, b: Dim) -> Dim:
    """What is known of a length from two tensors that share it: a number before a name before nothing."""
    if isinstance(a, int) or b is None:
        return a
    return b if isinstance(b, int) or a is None else a


def product(lengths: Iterable[Dim]) -> Dim:
    """The product of lengths; one name stays itself, more cannot be told."""
    number, others = 1, []
    for length in lengths:
        if isinstance(length, int):
            number *= length
        else:
            others.append(length)
    if not others or number == 0:
        return number
    return others[0] if number == 1 and len(others) == 1 else None


def ratio(whole: Sequence[Dim], part: Sequence[Dim]) -> Dim:
    """The length by which `part` must be multiplied to hold as many elements as `whole`; None if not to be told.

    Raises ValueError where no whole number does it.
    """
    numbers = [math.prod(n for n in side if isinstance(n, int)) for side in (whole, part)]
    names = [Counter(n for n in side if not isinstance(n, int)) for side in (whole, part)]
    above, below = names[0] - names[1], names[1] - names[0]
    if any(None in side for side in names) or below or not numbers[1]:
        return None
    if above:
        return next(iter(above)) if numbers[0] == numbers[1] and above.total() == 1 else None
    if numbers[0] % numbers[1]:
        raise ValueError(f"{numbers[0]} elements cannot be divided by {numbers[1]}")
    return numbers[0] // numbers[1]


def broadcast(shapes: Sequence[Shape | None]) -> Shape | None:
    """The shape of an elementwise result: shapes aligned at their last axes, a length of 1 is repeated."""
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    rank = max(map(len, known))
    columns = zip(*((1,) * (rank - len(shape)) + shape for shape in known), strict=True)
    return tuple(common(lengths, known, axis - rank) for axis, lengths in enumerate(columns))


def common(lengths: Sequence[Dim], shapes: Sequence[Shape], axis: int) -> Dim:
    """The length that results where these meet: a number above 1 wins over 1 and names, one name over 1."""
    numbers = list(dict.fromkeys(n for n in lengths if isinstance(n, int) and n != 1))
    if len(numbers) > 1:
        listed = " and ".join(map(str, dict.fromkeys(shapes)))
        raise ValueError(
            f"the shapes {listed} do not broadcast, as {numbers[0]} meets {numbers[1]} at axis {axis}: "
            "give equal lengths or 1"
        )
    others = {n for n in lengths if n != 1}
    return numbers[0] if numbers else others.pop() if len(others) == 1 else None if others else 1


def check_rank(shape: Shape, rank: int, what: str = "its input") -> None:
    if len(shape) != rank:
        raise ValueError(f"{what} has the shape {shape}, of rank {len(shape)}; it needs rank {rank}")
