"""Reads pickled arrays, matrices and lists from elsewhere, and runs nothing that they say.

A pickle is a program: it may name any function of any module and call it. The one here knows the few instructions
that data need, and names only what a short list holds. Nothing that a file names is ever imported: stand-ins take
the place of NumPy's and SciPy's classes, so files of Python 2 and of any NumPy or SciPy are read alike.

The standard library's unpickler with a `find_class` of one's own lets through what this one stops: a memo index of
2**32 - 1 claims gigabytes, a key of deeply nested tuples overflows the stack, a cached extension code never asks
`find_class`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from math import prod
from os import PathLike
from pathlib import Path
from pickletools import opcodes
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lessons.errors import FormatError

if TYPE_CHECKING:
    import scipy.sparse

Allowed = Mapping[tuple[str, str], Callable[..., object] | None]
"""What a file may name: the exact pair of module and name, and what is called in its place; None: never called."""

SHOWN = 80  # characters of a file that an error repeats
DTYPES: dict[str, np.dtype[Any]] = {"i4": np.dtype("<i4"), "f4": np.dtype("<f4"), "u1": np.dtype("|u1")}


def restricted_load(
    source: str | PathLike[str] | bytes, allowed: Allowed, name: str | PathLike[str] = "<bytes>"
) -> object:
    """The object that a pickle of protocol 2 describes, in numbers, strings, lists, tuples, dicts and stand-ins.

    `source` is a path, or the bytes themselves, which errors call `name`. Byte strings come as str of the same
    codes (latin1). Memory and time are O(bytes), but for what is called in the place of a name. An object may
    stand in another a million times though it is in the file once: who walks through the answer should count.

    Raises FormatError, with the path, for a (module, name) that is not in `allowed`, for any instruction other
    than those of plain data (persistent ids, extension codes, nested names), for a dict's key that is neither
    number nor string, for what is cut short, goes on after its end or is no pickle at all.

    >>> restricted_load(b"\\x80\\x02]q\\x01(K\\x01U\\x03twoe.", {})
    [1, 'two']
    >>> restricted_load(b"\\x80\\x02cposix\\nsystem\\nU\\x02lsq\\x01\\x85R.", {})
    Traceback (most recent call last):
        ...
    lessons.errors.FormatError: <bytes>: names posix.system, which this kind of file does not need
    """
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    path = os.fspath(name if isinstance(source, bytes) else source)
    machine = _Machine(allowed)
    file = BytesIO(data)
    try:
        for instruction, argument in _instructions(file):
            machine.step(instruction, argument)
        if len(machine.stack) != 1:
            raise ValueError(f"leaves {len(machine.stack)} objects, not one")
    except IndexError as error:
        raise FormatError(path, None, "takes more from its stack than it put there") from error
    except (ValueError, TypeError) as error:
        raise FormatError(path, None, str(error)[: 3 * SHOWN]) from error
    if file.tell() < len(data):
        raise FormatError(path, None, f"goes on for {len(data) - file.tell()} bytes after its end")
    return machine.stack[0]


OPCODES = {opcode.code.encode("latin1"): opcode for opcode in opcodes}
NEEDED = {"PROTO", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "EMPTY_LIST", "EMPTY_DICT", "EMPTY_TUPLE"}
NEEDED |= {"BININT", "BININT1", "BININT2", "BINSTRING", "SHORT_BINSTRING", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
NEEDED |= {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"}
NEEDED |= {"GLOBAL", "REDUCE", "NEWOBJ", "BUILD"}


def _instructions(file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Name and argument of each instruction up to the end; the argument of one that is refused is not read."""
    name = ""
    while name != "STOP":
        code = file.read(1)
        if code not in OPCODES:
            raise ValueError(f"has {code!r} for an instruction" if code else "is cut short")
        name, argument = OPCODES[code].name, OPCODES[code].arg
        if name not in NEEDED:
            raise ValueError(f"has the instruction {name}, which this kind of file does not need")
        yield name, _pair(file) if name == "GLOBAL" else argument and argument.reader(file)


def _pair(file: IO[bytes]) -> tuple[str, str]:
    """A module and a name, a line each, as they stand: the reader of pickletools would take out escapes."""
    module, name = (file.readline().decode("latin1") for _ in range(2))
    if not name.endswith("\n"):
        raise ValueError("is cut short")
    return module[:-1], name[:-1]


class _Machine:
    """The stack, its marks and its memo, and what each instruction does to them."""

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "STOP":
                pass
            # push: numbers and strings, constants, empty containers
            case "BININT" | "BININT1" | "BININT2" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_TUPLE":
                stack.append({"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}[name]())
            # collect: whatever stands above the mark, or the last few
            case "MARK":
                self.marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(self._taken(self.marks.pop())))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._taken(len(stack) - int(name[-1]))))
            case "APPEND" | "APPENDS":
                items = self._taken(self.marks.pop() if name == "APPENDS" else len(stack) - 1)
                _the(list, stack[-1]).extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._taken(self.marks.pop() if name == "SETITEMS" else len(stack) - 2)
                _put(_the(dict, stack[-1]), items)
            # remember
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                if argument not in self.memo:
                    raise ValueError(f"asks for {argument} of its memo, which it did not put there")
                stack.append(self.memo[argument])
            # name, call, fill
            case "GLOBAL":
                stack.append(self.find_class(*argument))
            case "REDUCE" | "NEWOBJ":
                function, arguments = self._taken(len(stack) - 2)
                stack.append(_called(function, _the(tuple, arguments)))
            case "BUILD":
                (state,) = self._taken(len(stack) - 1)
                if not isinstance(stack[-1], StandIn):
                    raise ValueError(f"gives a state to a {type(stack[-1]).__name__}")
                stack[-1].fill(state)

    def find_class(self, module: str, name: str) -> Callable[..., object] | None:
        """What stands for a name: the exact pair is looked up, nothing is imported."""
        if (module, name) not in self.allowed:
            raise ValueError(
                f"names {ascii(f'{module}.{name}')[1:-1]:.{SHOWN}}, which this kind of file does not need"
            )
        return self.allowed[module, name]

    def _taken(self, start: int) -> list[Any]:
        """The stack from `start` on, taken away."""
        if start < (self.marks[-1] if self.marks else 0):
            raise IndexError
        taken = self.stack[start:]
        del self.stack[start:]
        return taken


def _the(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"treats a {type(value).__name__} as a {kind.__name__}")
    return value


def _put(table: dict[Any, Any], items: list[Any]) -> None:
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (int, str):  # to hash nested tuples may take for ever, or overflow the stack
            raise ValueError(f"has a {type(key).__name__} for a key")
        table[key] = value


def _called(function: Any, arguments: tuple[Any, ...]) -> object:
    if not callable(function):
        raise ValueError(f"calls a {type(function).__name__}")
    return function(*arguments)


# ---------------------------------------------------------------------------------------- arrays, matrices, lists


class StandIn:
    """What a file builds where it names a class: its state, kept as the file tells it until somebody asks."""

    def __init__(self, *_: object) -> None:
        self.state: Any = None

    def fill(self, state: object) -> None:
        self.state = state


class _DType(StandIn):
    """`numpy.dtype(code, align, copy)`, its state (version, byte order, ...)."""

    def __init__(self, code: object, *_: object) -> None:
        super().__init__()
        self.code = code

    def dtype(self) -> np.dtype[Any]:
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else None
        dtype = DTYPES.get(self.code) if isinstance(self.code, str) else None
        if dtype is None or order != dtype.str[0]:
            raise ValueError(f"an array of a type that is none of {[*DTYPES]} in little-endian order")
        return dtype


class _Array(StandIn):
    """`numpy.ndarray`, its state (version, shape, dtype, in Fortran's order, bytes)."""

    def values(self) -> NDArray[Any]:
        """The array, read-only: no more than the bytes that the file holds, whatever its shape says."""
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise ValueError("an array without its five parts")
        _, shape, kind, fortran, text = self.state
        dtype, raw = _the(_DType, kind).dtype(), _the(str, text).encode("latin1")
        if type(fortran) is not bool or not all(type(side) is int and side >= 0 for side in _the(tuple, shape)):
            raise ValueError("an array of an order or of a shape that is none")
        if len(shape) > 2 or prod(shape) * dtype.itemsize != len(raw):
            raise ValueError(f"an array of shape {shape!s:.{SHOWN}} and type {dtype} in {len(raw)} bytes")
        return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


class _Matrix(StandIn):
    """`scipy.sparse.csr_matrix`, its state the dict of its attributes."""

    def values(self) -> scipy.sparse.csr_array:
        """The matrix, each of its indices in range and once in its row, its values finite."""
        import scipy.sparse

        state = _the(dict, self.state)
        shape = _the(tuple, state.get("_shape"))
        indptr, indices, data = (_the(_Array, state.get(name)).values() for name in ("indptr", "indices", "data"))
        if len(shape) != 2 or not all(type(side) is int and 0 <= side < 2**31 for side in shape):
            raise ValueError("a matrix of a shape that is none")
        if indptr.shape != (shape[0] + 1,) or indices.ndim != 1 or data.shape != indices.shape:
            raise ValueError("a matrix whose indptr, indices and data do not fit its shape")
        if indptr.dtype.kind + indices.dtype.kind != "ii" or indptr[0] != 0 or indptr[-1] != len(indices):
            raise ValueError("a matrix whose indptr does not lead from 0 to the number of its entries")
        if (np.diff(indptr) < 0).any() or ((indices < 0) | (indices >= shape[1])).any():
            raise ValueError("a matrix with an index out of range")
        row = np.repeat(np.arange(shape[0]), np.diff(indptr))
        if len(np.unique(row * np.int64(shape[1]) + indices)) < len(indices):
            raise ValueError("a matrix with an entry twice")
        if not np.isfinite(data).all():
            raise ValueError("a matrix with a value that is not finite")
        matrix = scipy.sparse.csr_array((data.copy(), indices.copy(), indptr.copy()), shape=shape)
        matrix.sort_indices()
        return matrix


ARRAY: Allowed = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _DType,
}
MATRIX: Allowed = {**ARRAY, ("scipy.sparse.csr", "csr_matrix"): _Matrix}
LISTS: Allowed = {("collections", "defaultdict"): lambda factory: {}, ("__builtin__", "list"): None}


def load_array(path: str | PathLike[str]) -> NDArray[Any]:
    """The array that NumPy under Python 2 pickled: integers or floats of 4 bytes, or bytes. Raises FormatError."""
    return _values(path, ARRAY, _Array)


def as_array(loaded: object) -> NDArray[Any]:
    """The array, read-only, of a stand-in that `restricted_load` gave. Raises ValueError where it is none."""
    return _the(_Array, loaded).values()


def load_matrix(path: str | PathLike[str]) -> scipy.sparse.csr_array:
    """The compressed sparse rows that SciPy under Python 2 pickled. Raises FormatError."""
    return _values(path, MATRIX, _Matrix)


def load_lists(path: str | PathLike[str]) -> dict[int, list[int]]:
    """The dict of lists of whole numbers that Python 2 pickled. Raises FormatError."""
    loaded = restricted_load(path, LISTS)
    lists = loaded if isinstance(loaded, dict) else {}
    if not lists or not all(type(key) is int and type(value) is list for key, value in lists.items()):
        raise FormatError(path, None, "a dict of lists, by number, is needed")
    if sum(map(len, lists.values())) > os.path.getsize(path):  # one list under many keys
        raise FormatError(path, None, "lists that are longer than the file")
    if not all(type(entry) is int for entries in lists.values() for entry in entries):
        raise FormatError(path, None, "a list of something other than whole numbers")
    return lists


def _values(path: str | PathLike[str], allowed: Allowed, kind: type[_Array] | type[_Matrix]) -> Any:
    loaded = restricted_load(path, allowed)
    try:
        return _the(kind, loaded).values()
    except ValueError as error:
        raise FormatError(path, None, str(error)) from error
