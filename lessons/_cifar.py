"""CIFAR-10 as it was published, and a copy of it in JPEG, a tenth of its size.

Both are 60,000 colour pictures of 32 x 32 pixels, 50,000 of them to train on. The pixels of the copy are near the
published ones, not equal to them, and it has another order: what was measured on it is to be called so.
`datasets.cifar10` and `datasets.cifar10_jpeg` give what is read here a name.
"""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from lessons import _rng
from lessons._downloads import fetched, given_file
from lessons._pickles import ARRAY, as_array, restricted_load
from lessons.errors import FormatError, require

Parts = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]
"""Pictures to train on, as bytes (N, 3, 32, 32): red, green, blue, from the top; their classes (N,); the same to
test on."""

URL = "https://www.cs.toronto.edu/~kriz/"
ARCHIVE = {"cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"}
PACK = "cifar10-jpeg.bin", "540e1f6439a7dae09695dd30cbf09023c8e111d405c9112f8837ca4a054d29a0"
COMMAND = 'python -c "from lessons.datasets import cifar10; cifar10()"'
PACK_COMMAND = (
    f"{COMMAND}   (which is the original, 170 MB; the copy is not published: put {PACK[0]} into cifar10/ of a "
    "folder that LESSONS_DATA names)"
)

BATCHES = [f"cifar-10-batches-py/{name}" for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")]
BATCH = 10_000  # pictures in each, of which the last is to test on
MOST = 4096  # bytes that a picture takes up in a batch: its 3,072 pixels, its class and its name
COUNTS = 50_000, 10_000  # pictures of the copy to train on and to test on
CLASSES = 10
PICTURE = (3, 32, 32)
NUMBERS = struct.Struct("<III")


def published() -> Parts:
    """CIFAR-10 in its published order. Raises as `fetched`, and FormatError for a file that is none of it."""
    (path,) = fetched("cifar10", ARCHIVE, URL, name="CIFAR-10", command=COMMAND).values()
    return read_archive(path)


def copied() -> Parts:
    """The JPEG copy, in an order of ours. Raises as `given_file`, ImportError without Pillow, FormatError."""
    return read_pack(given_file("cifar10", *PACK, name="CIFAR-10 (JPEG copy)", command=PACK_COMMAND))


def read_archive(path: Path, batch: int = BATCH) -> Parts:
    """The pictures of a .tar.gz with `batch` of them in each of its six pickles, as Python 2 wrote them.

    One pass through the archive; only these six members are read, into memory, one at a time.
    """
    X = np.empty((len(BATCHES), batch, *PICTURE), np.uint8)
    y = np.empty((len(BATCHES), batch), np.int64)
    for name, content in _members(path, batch * MOST):
        k = BATCHES.index(name)
        X[k], y[k] = _read_batch(path / name, content, batch)
    return X[:-1].reshape(-1, *PICTURE), y[:-1].ravel(), X[-1], y[-1]


def _members(path: Path, most: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of each batch, in the order of the archive."""
    left = set(BATCHES)
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.name in BATCHES:
                    file = archive.extractfile(member) if member.isreg() and 0 <= member.size <= most else None
                    if file is None or member.name not in left:
                        raise ValueError(f"{member.name} is there twice, no file, or above {most} bytes")
                    left.remove(member.name)
                    yield member.name, file.read()
    except Exception as error:  # of zlib, of tarfile, whatever damage brings about
        raise FormatError(path, None, f"cannot be read: {error}") from error
    if left:
        raise FormatError(path, None, f"has no {min(left)}")


def _read_batch(path: Path, content: bytes, batch: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures and classes of a pickled dict: "data" (batch, 3072) bytes, "labels" a list of whole numbers."""
    table = restricted_load(content, ARRAY, path)
    if not isinstance(table, dict) or not {"data", "labels"} <= table.keys():
        raise FormatError(path, None, "a dict with data and labels is needed")
    try:
        X = as_array(table["data"])
    except ValueError as error:
        raise FormatError(path, None, str(error)) from error
    labels = table["labels"]
    if X.shape != (batch, 3072) or X.dtype != np.uint8:
        raise FormatError(path, None, f"data {X.shape} of {X.dtype}: bytes ({batch}, 3072) are needed")
    if type(labels) is not list or len(labels) != batch or not all(map(_is_class, labels)):
        raise FormatError(path, None, f"labels that are not {batch} numbers from 0 to {CLASSES - 1}")
    return X.reshape(-1, *PICTURE), np.array(labels, np.int64)


def _is_class(label: object) -> bool:
    return type(label) is int and 0 <= label < CLASSES


def read_pack(path: Path, counts: tuple[int, int] = COUNTS) -> Parts:
    """The pictures of a file that holds `counts` of them as JPEG, to train on and to test on.

    In the file stand, little-endian: three numbers of 4 bytes, which are the bytes of a head and the two counts;
    the head, with which each JPEG begins; of each picture its class in a byte; of each the bytes of the rest of
    its JPEG, a number of 2 bytes; and these rests. There the pictures of each part are sorted by class; here they
    come in a random order, the same everywhere.

    Pillow takes about 0.1 ms for a picture.
    """
    Image = require("PIL.Image", "course")
    content = path.read_bytes()
    head, labels, ends = _read_heads(path, content, counts)
    X = np.empty((len(labels), *PICTURE), np.uint8)
    y = np.empty(len(labels), np.int64)
    start = len(content) - int(ends[-1])
    for i, place in enumerate(_places(counts)):
        rest = content[start + int(ends[i]) : start + int(ends[i + 1])]
        try:
            X[place] = _picture(Image, head + rest)
        except Exception as error:  # of Pillow, whatever damage brings about
            problem = str(error).partition(" <")[0]  # without the address of a buffer
            raise FormatError(path, None, f"picture {i} cannot be read: {problem}") from error
        y[place] = labels[i]
    return X[: counts[0]], y[: counts[0]], X[counts[0] :], y[counts[0] :]


def _read_heads(
    path: Path, content: bytes, counts: tuple[int, int]
) -> tuple[bytes, NDArray[np.uint8], NDArray[np.int64]]:
    """What comes before the pictures: the head, the classes (n,), and where pictures end (n + 1,), from 0 on."""
    if len(content) < NUMBERS.size:
        raise FormatError(path, None, "is cut short")
    size, *found = NUMBERS.unpack_from(content)
    n, at = sum(counts), NUMBERS.size + size
    if found != [*counts]:
        raise FormatError(path, None, f"{found[0]} and {found[1]} pictures, not {counts[0]} and {counts[1]}")
    if at + 3 * n > len(content):
        raise FormatError(path, None, f"{len(content)} bytes, of which {at + 3 * n} come before the pictures")
    labels = np.frombuffer(content, np.uint8, n, at)
    ends = np.zeros(n + 1, np.int64)
    ends[1:] = np.frombuffer(content, "<u2", n, at + n).cumsum(dtype=np.int64)
    if at + 3 * n + ends[-1] != len(content):
        raise FormatError(path, None, f"{len(content)} bytes, not {at + 3 * n} and {ends[-1]} for the pictures")
    if labels.max() >= CLASSES:
        raise FormatError(path, None, f"class {labels.max()}: there are {CLASSES}, from 0 on")
    return content[NUMBERS.size : at], labels, ends


def _places(counts: tuple[int, int]) -> list[int]:
    """Where each picture of the pack goes: a place among those of its part, drawn at random."""
    key = _rng.key_of(0)
    train, test = (np.argsort(_rng.uniforms(key, [k], count)[0], kind="stable") for k, count in enumerate(counts))
    return [*train.tolist(), *(counts[0] + test).tolist()]


def _picture(Image: ModuleType, content: bytes) -> NDArray[np.uint8]:
    """(3, 32, 32) what a JPEG shows; its size is looked at before its pixels are read."""
    with Image.open(BytesIO(content), formats=["JPEG"]) as image:
        if (image.size, image.mode) != ((32, 32), "RGB"):
            raise ValueError(f"{image.size} pixels, {image.mode}, where (32, 32) in RGB are needed")
        return np.asarray(image).transpose(2, 0, 1)
