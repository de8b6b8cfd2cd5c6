"""The arithmetic of ONNX's operators on NumPy arrays.

    [y] = execute("Conv", [x, w, b], {"pads": [1, 1, 1, 1]}, version=20)

Each room (elementwise, windows, normalisation, products, attention, reshaping, resizing, recurrent) defines its
operators as functions of their inputs, with ONNX's attributes as keyword arguments; here they are one table.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.errors import UnsupportedOperator
from lessons.operators import (
    attention,
    elementwise,
    normalisation,
    products,
    recurrent,
    reshaping,
    resizing,
    windows,
)
from lessons.operators._arrays import Operator, computable

OPERATORS: dict[str, Operator] = {}
for _room in (elementwise, windows, normalisation, products, attention, reshaping, resizing, recurrent):
    OPERATORS |= _room.OPERATORS

VIEWS = frozenset(reshaping.VIEWS)  # only re-label: their first output lies in the memory of their first input


def supports(op: str, domain: str = "") -> bool:
    """Whether `execute` computes this operator.

    >>> supports("Conv"), supports("If"), supports("Conv", "com.example")
    (True, False, False)
    """
    return domain in ("", "ai.onnx") and op in OPERATORS


def execute(
    op: str,
    inputs: Sequence[NDArray[Any] | None],
    attributes: Mapping[str, Any],
    *,
    version: int,
    domain: str = "",
    outputs: int = 1,
) -> list[NDArray[Any] | None]:
    """The outputs of one operator of opset `version` (7 or later), as many as asked for, None for what it has not.

    `inputs` are arrays port by port, None an optional one left out; types of elements are written in `attributes`
    by ONNX's numbers (`DTYPES`). No input is changed. The operators of `VIEWS` give their first input under
    another shape, in the same memory (if that is contiguous); all others give memory of their own.

    Arithmetic is that of IEEE: overflow and division by zero give inf and nan without a warning.

    Raises UnsupportedOperator; TypeError for a sequence instead of an array; ValueError for shapes that do not
    fit, element types that NumPy lacks, and attributes that the operator has not. Cost: that of the operator.
    Notebook 02. Definitions: https://onnx.ai/onnx/operators/

    >>> execute("Add", [np.array([1, 2]), np.array([10])], {}, version=14)
    [array([11, 12])]
    """
    if not supports(op, domain):
        raise UnsupportedOperator([f"{domain}.{op}" if domain else op])
    arrays = [None if x is None else _array(op, x) for x in inputs]
    function = OPERATORS[op]
    named = _arguments(op, function, arrays, attributes, {"version": version, "outputs": outputs})
    try:
        with np.errstate(all="ignore"):
            result = function(*arrays, **named)
    except (ValueError, IndexError) as error:
        shapes = ", ".join("none" if x is None else str(x.shape) for x in arrays)
        raise ValueError(f"{op} of shapes {shapes}: {error}") from error
    found: list[NDArray[Any] | None] = list(result) if isinstance(result, list | tuple) else [result]
    found = [_own(op, k, y, arrays) for k, y in enumerate(found[:outputs])]
    return found + [None] * (outputs - len(found))


def _array(op: str, x: object) -> NDArray[Any]:
    if isinstance(x, list | tuple):
        raise TypeError(f"{op}: an input is an array, not a {type(x).__name__}; sequences are not computed here")
    y = np.asarray(x)
    if not computable(y.dtype):
        raise ValueError(f"{op}: elements of type {y.dtype} are not computed here: cast to float32 or int32")
    return y


def _arguments(
    op: str,
    function: Operator,
    arrays: Sequence[NDArray[Any] | None],
    attributes: Mapping[str, Any],
    circumstances: Mapping[str, int],
) -> dict[str, Any]:
    """The keyword arguments of an operator, once they and its inputs are found to suit it."""
    signature = _signature(function)
    named = {**attributes, **{k: v for k, v in circumstances.items() if k in signature.parameters}}
    try:
        bound = signature.bind(*arrays, **named)
    except TypeError as error:
        raise ValueError(f"{op} with {len(arrays)} inputs and attributes {sorted(attributes)}: {error}") from None
    for name, parameter in signature.parameters.items():
        if parameter.default is parameter.empty and bound.arguments.get(name, ()) is None:
            raise ValueError(f"{op} needs its input {name!r}, which was left out")
    return named


@cache
def _signature(function: Operator) -> inspect.Signature:
    return inspect.signature(function)


def _own(op: str, port: int, y: NDArray[Any] | None, inputs: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """An output in contiguous memory of its own, no larger than it, unless the operator only re-labels."""
    if y is None or (op in VIEWS and port == 0):
        return y
    y = np.asarray(y)
    kept = y.nbytes if y.base is None else getattr(y.base, "nbytes", 0)
    lent = kept != y.nbytes or not y.flags.c_contiguous
    if lent or any(x is not None and np.may_share_memory(x, y) for x in inputs):
        return y.copy(order="C")
    return y
