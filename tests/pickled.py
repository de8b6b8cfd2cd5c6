"""Writes pickles as Python 2 did, of which the public data sets consist: protocol 2, byte strings, old names."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import Any

import numpy as np
import scipy.sparse

ARRAY = "numpy.core.multiarray", "_reconstruct"
DTYPE = "numpy", "dtype"
CSR = "scipy.sparse.csr", "csr_matrix"


def python2(value: Any) -> bytes:
    """The whole pickle of a value."""
    return b"\x80\x02" + written(value) + b"."


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def written(value: Any) -> bytes:
    """The instructions that leave the value on the stack."""
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        raw = value.encode("latin1")
        return b"U" + bytes([len(raw)]) + raw if len(raw) < 256 else b"T" + struct.pack("<i", len(raw)) + raw
    if isinstance(value, tuple):
        return b"(" + b"".join(map(written, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(written, value)) + b"e"
    if isinstance(value, dict):
        empty = named("collections", "defaultdict") + named("__builtin__", "list") + b"\x85R"
        pairs = b"".join(written(part) for pair in value.items() for part in pair)
        return (empty if isinstance(value, defaultdict) else b"}") + b"(" + pairs + b"u"
    return _matrix(value) if scipy.sparse.issparse(value) else _array(np.asarray(value))


def array_of(state: bytes) -> bytes:
    """An array with these instructions for its state."""
    return named(*ARRAY) + named("numpy", "ndarray") + written((0,)) + written("b") + b"\x87R" + state + b"b"


def dtype_of(code: str, order: str = "<") -> bytes:
    state = (3, order, None, None, None, -1, -1, 0)
    return named(*DTYPE) + written((code, 0, 1)) + b"R" + written(state) + b"b"


def _array(array: np.ndarray) -> bytes:
    order, code = array.dtype.str[0], array.dtype.str[1:]
    parts = [written(1), written(array.shape), dtype_of(code, order), written(array.flags.fnc)]
    return array_of(b"(" + b"".join(parts) + written(array.tobytes("A").decode("latin1")) + b"t")


def _matrix(matrix: Any) -> bytes:
    state = {"format": "csr", "_shape": tuple(int(side) for side in matrix.shape), "maxprint": 50}
    return matrix_of(state | {part: getattr(matrix, part) for part in ("indptr", "indices", "data")})


def matrix_of(state: dict[str, Any]) -> bytes:
    """A matrix with these attributes."""
    return named(*CSR) + b")\x81" + written(state) + b"b"
