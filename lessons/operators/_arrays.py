"""What the rooms of operators share: element types by ONNX's number, axes, lists of integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import NDArray

from lessons.operators import DTYPES

Array = NDArray[Any]
COMPUTED = {"string", "bool", "float16", "float32", "float64", "complex64", "complex128"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
Operator = Callable[..., Any]  # arrays by position, attributes by name -> an array, or a tuple of them


def dtype_of(number: int) -> np.dtype[Any]:
    """NumPy's type for ONNX's number of it, text as objects. Raises ValueError for one that NumPy has not."""
    name = DTYPES.get(number, f"number {number}")
    if name not in COMPUTED:
        raise ValueError(f"elements of type {name} are not computed here: cast to float32 or int32")
    return np.dtype(object if name == "string" else name)


@cache  # NumPy spells the name anew each time, and every input of every node is asked about
def computable(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of this type are computed here: those of NumPy itself (packages add others), and objects."""
    return dtype.kind in "OUT" or dtype.name in COMPUTED


def ints(*places: Iterable[int] | Array | None) -> list[int] | None:
    """The integers of the first place that has any: an input of today, or an attribute of an older opset."""
    for place in places:
        if place is not None:
            return [int(n) for n in np.ravel(np.asarray(place))]
    return None


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises ValueError (AxisError) where there is none."""
    return int(normalize_axis_index(axis, rank))


def axes_of(axes: Iterable[int] | None, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, all of them for None. Raises ValueError (AxisError) where there is none."""
    return tuple(range(rank)) if axes is None else tuple(normalize_axis_tuple(tuple(axes), rank))


def wide(x: Array) -> Array:
    """Half precision as single, in which BLAS computes; every other type as it is."""
    return x.astype(np.float32) if x.dtype == np.float16 else x


def along(values: Array, axis: int, rank: int) -> Array:
    """A vector laid along one axis of a tensor of this rank."""
    return values.reshape([-1 if k == axis else 1 for k in range(rank)])
