"""The values of tensors in ONNX files and in files beside them, read when they are asked for, and not trusted."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.errors import DataMissing, FormatError, require
from lessons.model import Weight
from lessons.operators import DTYPES, Tensor


@dataclass(frozen=True)
class Source:
    """A model as it came: its name for messages, the folder of its external data if it has one."""

    proto: Any
    name: str
    folder: Path | None = None


def stored_weight(proto: Any, source: Source, origin: Any = "stored") -> Weight:
    return Weight(Tensor(_lengths(proto), _dtype(proto)), partial(_array, proto, source), origin)


def sparse_weight(sparse: Any, source: Source, origin: Any = "stored") -> Weight:
    shape = _lengths(sparse, sparse.values.name)
    return Weight(Tensor(shape, _dtype(sparse.values)), partial(_dense, sparse, shape, source), origin)


def _lengths(proto: Any, name: str = "") -> tuple[int, ...]:
    if any(length < 0 for length in proto.dims):
        raise ValueError(f"tensor {name or proto.name!r} has the shape {tuple(proto.dims)}: no length is below 0")
    return tuple(proto.dims)


def _dtype(proto: Any) -> str:
    if proto.data_type not in DTYPES:
        raise ValueError(f"tensor {proto.name!r} has elements of an unknown type, number {proto.data_type}")
    return DTYPES[proto.data_type]


def _array(proto: Any, source: Source) -> NDArray[Any]:
    """The values of a tensor of the file. FormatError where they do not fit its shape; else as `_external`."""
    onnx = require("onnx", "course")
    try:
        if proto.data_location == onnx.TensorProto.EXTERNAL:
            return _external(proto, source)
        return onnx.numpy_helper.to_array(proto)
    except (FormatError, OSError):
        raise
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise FormatError(
            source.name, None, f"tensor {proto.name!r} of shape {tuple(proto.dims)}: {error}"
        ) from error


def _dense(sparse: Any, shape: tuple[int, ...], source: Source) -> NDArray[Any]:
    values, where = _array(sparse.values, source), _array(sparse.indices, source)
    array = np.zeros(shape, values.dtype)
    try:
        if where.ndim == 1:  # counted through the whole tensor, row by row
            where = np.stack(np.unravel_index(where, shape), axis=-1)
        if (where < 0).any():
            raise IndexError(f"index {where.min()}")
        array[tuple(where.T)] = values
    except (ValueError, IndexError) as error:
        name = sparse.values.name
        raise FormatError(source.name, None, f"sparse tensor {name!r} of shape {shape}: {error}") from error
    return array


def _external(proto: Any, source: Source) -> NDArray[Any]:
    """The values of a tensor that lie in another file. Raises ValueError, DataMissing."""
    onnx = require("onnx", "course")
    told = {entry.key: entry.value for entry in proto.external_data}
    location, dtype = told.get("location", ""), _dtype(proto)
    if source.folder is None:
        raise DataMissing(
            f"the data {location!r} of weight {proto.name!r} of a model in memory",
            "from_onnx(path), which looks into the folder of the file, or onnx.load(path)",
        )
    needed = Tensor(_lengths(proto), dtype).bytes
    if needed is None:
        raise ValueError(f"elements of type {dtype} cannot lie in another file")
    offset, length = int(told.get("offset", "0")), int(told.get("length", needed))
    if offset < 0 or length != needed:
        raise ValueError(f"{needed} bytes are needed of {location!r}; it says {length} from byte {offset} on")
    data = _read_inside(source.folder, location, offset, length)
    if hasattr(np, dtype):
        little = np.dtype(dtype).newbyteorder("<")
        return np.frombuffer(data, little).astype(dtype, copy=False).reshape(proto.dims)
    whole = onnx.TensorProto(dims=proto.dims, data_type=proto.data_type, raw_data=data)
    return onnx.numpy_helper.to_array(whole)


def _read_inside(folder: Path, location: str, offset: int, length: int) -> bytes:
    """Bytes of a regular file inside a folder; nothing is opened that is not one."""
    path = _inside(folder, location)
    descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in _CAREFULLY))
    with open(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise ValueError(f"external data {location!r} is no regular file")
        if offset + length > told.st_size:
            raise ValueError(
                f"external data {location!r} has {told.st_size} bytes; {length} from byte {offset} on do not fit. "
                "Download or export it again."
            )
        file.seek(offset)
        return file.read(length)


_CAREFULLY = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # not every system has all of them


def _inside(folder: Path, location: str) -> Path:
    """The file that a location means, links resolved. Raises ValueError where it is not in the folder."""
    windows, posix = PureWindowsPath(location), PurePosixPath(location)
    refused = f"external data {location!r} is refused: only regular files inside the model's folder are read"
    if not location or "\0" in location or windows.anchor or posix.is_absolute() or ".." in windows.parts:
        raise ValueError(refused)
    try:
        path = (folder / location).resolve(strict=True)
        inside = path.is_relative_to(folder.resolve()) and stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        lost = f"{folder / location}, where weights of the model lie,"
        raise DataMissing(lost, "the download or the export that gave the model") from None
    except (OSError, RuntimeError) as error:  # a circle of links, a name that is too long, a file for a folder
        raise ValueError(f"{refused} ({error})") from error
    if not inside:
        raise ValueError(refused)
    return path
