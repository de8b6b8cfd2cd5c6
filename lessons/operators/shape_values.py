"""What tensors that state shapes hold, calculated with lengths that may be names; `rules.values` asks here."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.operators import Call, Tensor
from lessons.operators._calls import int_of, product, tensor_at
from lessons.operators.shapes import bounds, filling, permutation, reduced_axes, slices_of, stated_array

FEW = 1024  # elements: larger tensors state no shapes, so their values are not followed
FEW_FLOATS = 16  # elements: scales of a Resize have one an axis


def is_followed(tensor: Tensor) -> bool:
    if tensor.size is None or tensor.dtype is None:
        return False
    floats = tensor.dtype in ("float16", "float32", "float64")
    whole = tensor.dtype in ("int64", "int32", "bool")
    return tensor.size <= (FEW if whole else FEW_FLOATS if floats else -1)


def settled(value: Any, tensor: Tensor) -> NDArray[Any] | None:
    """An array of the element type where all of it is known; None where nothing is."""
    array = np.asarray(value, object if isinstance(value, str) else None)  # a name alone is no text
    if array.dtype == object and any(isinstance(n, str | None) for n in array.flat):
        return None if all(n is None for n in array.flat) else array
    return array.astype(tensor.dtype)


def _with_names(
    number: Callable[[Any, Any], Any],
    neutral: int | None = None,
    same: Callable[[Any], Any] | None = None,
    swaps: bool = True,
) -> np.ufunc:
    """Arithmetic with numbers, and with a length by name where the result is plain: n + 0 is n, n - n is 0.

    `neutral` is the second operand that changes nothing (the first too if it `swaps`), `same` what two equal
    names give.
    """

    def pair(a: Any, b: Any) -> Any:
        if not isinstance(a, str | None) and not isinstance(b, str | None):
            return number(a, b)
        if same is not None and a is not None and a == b:
            return same(a)
        if neutral is not None and b == neutral:
            return a
        return b if swaps and neutral is not None and a == neutral else None

    return np.frompyfunc(pair, 2, 1, identity=neutral)


def _quotient(a: Any, b: Any) -> Any:
    """Of whole numbers without its fraction, so towards 0."""
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _equal(a: Any, b: Any) -> bool | None:
    """A length is from 0 on, so no name is -1; else two names may turn out equal."""
    if a is None or b is None:
        return None
    if a == b:
        return True
    names = [n for n in (a, b) if isinstance(n, str)]
    return False if not names or any(isinstance(n, int) and n < 0 for n in (a, b)) else None


def _choice(condition: Any, a: Any, b: Any) -> Any:
    if condition is None:
        return a if a == b else None
    return a if condition else b


_sums = _with_names(operator.add, 0)
_products = _with_names(operator.mul, 1)
_least = _with_names(min, same=lambda n: n)
_most = _with_names(max, same=lambda n: n)
_ARITHMETIC = {
    "Add": _sums,
    "Sub": _with_names(operator.sub, 0, lambda _: 0, swaps=False),
    "Mul": _products,
    "Div": _with_names(_quotient, 1, lambda _: 1, swaps=False),
    "Mod": _with_names(operator.mod, same=lambda _: 0),  # with the sign of the divisor, unless it says fmod
    "Sum": _sums,
    "Min": _least,
    "Max": _most,
    "Equal": np.frompyfunc(_equal, 2, 1),
    "Greater": _with_names(operator.gt, same=lambda _: False),
    "Less": _with_names(operator.lt, same=lambda _: False),
    "GreaterOrEqual": _with_names(operator.ge, same=lambda _: True),
    "LessOrEqual": _with_names(operator.le, same=lambda _: True),
    "And": _with_names(operator.and_),
    "Or": _with_names(operator.or_),
}
_OF_ONE = {
    "Abs": lambda n: n if isinstance(n, str | None) else abs(n),
    "Ceil": lambda n: n if isinstance(n, str | None) else math.ceil(n),
    "Floor": lambda n: n if isinstance(n, str | None) else math.floor(n),
    "Neg": lambda n: None if isinstance(n, str | None) else -n,
    "Not": lambda n: None if n is None else not n,
    "Cast": lambda n: n,
}
_REDUCED = {"ReduceMax": _most, "ReduceMin": _least, "ReduceProd": _products, "ReduceSum": _sums}


def _array(call: Call, port: int) -> NDArray[Any]:
    return np.asarray(call.values[port])


def _lengths(tensor: Tensor) -> list[int]:
    """The shape of a tensor whose lengths are all known."""
    return [length for length in tensor.shape or () if isinstance(length, int)]


def _calculated(call: Call, told: list[Tensor]) -> list[Any]:
    if call.attributes.get("fmod"):
        return [None]
    first, *others = (np.asarray(value, object) for value in call.values)
    for other in others:
        first = _ARITHMETIC[call.op](first, other)
    return [first]


def _cast_values(call: Call, told: list[Tensor]) -> list[Any]:
    kind = bool if told[0].dtype == "bool" else float if "float" in str(told[0].dtype) else int
    name = (lambda n: None) if kind is bool else (lambda n: n)  # whether a length is not 0 is not known
    return [_each(lambda n: name(n) if isinstance(n, str | None) else kind(n), call.values[0])]


def _each(of: Callable[[Any], Any], value: Any) -> Any:
    return np.frompyfunc(of, 1, 1)(np.asarray(value, object))


def _reduced(call: Call, told: list[Tensor]) -> list[Any]:
    found = np.asarray(call.values[0], object)
    for axis in reduced_axes(call, found.ndim) or []:
        found = np.asarray(_REDUCED[call.op].reduce(found, axis=axis, keepdims=True), object)
    return [found.reshape(_lengths(told[0]))]


def _relaid(call: Call, told: list[Tensor]) -> list[Any]:
    return [np.reshape(_array(call, 0), _lengths(told[0]))]


def _sliced(call: Call, told: list[Tensor]) -> list[Any]:
    array = _array(call, 0)
    where = [slice(None)] * array.ndim
    for axis, start, end, step in slices_of(call, array.ndim) or []:
        where[axis] = slice(start, end, step)
    return [array[tuple(where)]]


def _split_values(call: Call, told: list[Tensor]) -> list[Any]:
    axis = int_of(call, "axis", 0)
    ends = np.cumsum([_lengths(tensor)[axis] for tensor in told])
    return np.split(_array(call, 0), ends[:-1], axis)


def _shape_values(call: Call, told: list[Tensor]) -> list[Any]:
    return [np.array((tensor_at(call, 0).shape or ())[bounds(call)], object)]


def _size_values(call: Call, told: list[Tensor]) -> list[Any]:
    shape = tensor_at(call, 0).shape
    return [np.array(None if shape is None else product(shape), object)]


def _counted(call: Call, told: list[Tensor]) -> list[Any]:
    start, _, step = (_array(call, port).ravel()[0] for port in range(3))
    return [start + step * np.arange(_lengths(told[0])[0])]


VALUES: dict[str, Callable[[Call, list[Tensor]], list[Any]]] = {
    **dict.fromkeys(_ARITHMETIC, _calculated),
    **dict.fromkeys(_OF_ONE, lambda call, told: [_each(_OF_ONE[call.op], call.values[0])]),
    **dict.fromkeys(_REDUCED, _reduced),
    **dict.fromkeys(("Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"), _relaid),
    "Cast": _cast_values,
    "Concat": lambda call, told: [np.concatenate([np.asarray(v) for v in call.values], int_of(call, "axis"))],
    "Constant": lambda call, told: [stated_array(call)],
    "ConstantOfShape": lambda call, told: [np.full(_lengths(told[0]), filling(call)[0])],
    "Expand": lambda call, told: [np.broadcast_to(_array(call, 0), _lengths(told[0]))],
    "Gather": lambda call, told: [np.take(_array(call, 0), _array(call, 1), int_of(call, "axis", 0))],
    "Range": _counted,
    "Shape": _shape_values,
    "Size": _size_values,
    "Slice": _sliced,
    "Split": _split_values,
    "Tile": lambda call, told: [np.tile(_array(call, 0), _array(call, 1).astype(int))],
    "Transpose": lambda call, told: [_array(call, 0).transpose(permutation(call, _array(call, 0).ndim))],
    "Where": lambda call, told: [np.frompyfunc(_choice, 3, 1)(*(np.asarray(v, object) for v in call.values))],
}
