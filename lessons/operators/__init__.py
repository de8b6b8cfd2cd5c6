"""What each operator of a network does: the shapes that it gives, the multiply-adds that it takes, its arithmetic.

Operators, their attributes and their order of inputs are those of ONNX, https://onnx.ai/onnx/operators/, at any
opset from 7 on: what used to be an attribute and became an input is read in both places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Dim = int | str | None  # a length; the name of one that is not bound yet; nothing known
Shape = tuple[Dim, ...]

OPSET = 20  # of operators that are added by hand

# ONNX's numbers of the element types, as NumPy names them, or ONNX where NumPy has none
DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}
_BITS = {"bool": 8, "bfloat16": 16, "uint4": 4, "int4": 4, "float4e2m1": 4, "uint2": 2, "int2": 2}


@dataclass(frozen=True)
class Tensor:
    """What is known of a tensor before it is computed: its shape (None: not even its rank) and element type.

    >>> Tensor((1, 3, 224, 224), "float32").bytes
    602112
    """

    shape: Shape | None = None
    dtype: str | None = None

    @property
    def size(self) -> int | None:
        """The number of elements, None while a length is not known."""
        if self.shape is None:
            return None
        size = 1
        for length in self.shape:
            if not isinstance(length, int):
                return None
            size *= length
        return size

    @property
    def bytes(self) -> int | None:
        """Bytes that it takes, elements below a byte packed; None where shape or type are not known."""
        bits = bits_of(self.dtype)
        return None if self.size is None or bits is None else -(-self.size * bits // 8)


def bits_of(dtype: str | None) -> int | None:
    """Bits of one element; None for text and for what is not known.

    >>> bits_of("float32"), bits_of("int4"), bits_of("string")
    (32, 4, None)
    """
    if dtype is None or dtype == "string":
        return None
    if dtype in _BITS:
        return _BITS[dtype]
    return 8 if dtype.startswith("float8") else 8 * np.dtype(dtype).itemsize


@dataclass(frozen=True)
class Call:
    """One use of an operator, as its rules see it before anything is computed.

    `inputs` holds a Tensor for each port, None for an optional one that is left out; `values` the array of each
    input whose value is known already (of whole numbers, or of dtype object with lengths: numbers, names of those
    that are not bound, None), None for the others; `outputs` is how many are asked for.
    """

    op: str
    inputs: Sequence[Tensor | None]
    values: Sequence[NDArray[Any] | None] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    domain: str = ""
    version: int = OPSET
