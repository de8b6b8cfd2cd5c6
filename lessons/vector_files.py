"""Vectors in word2vec's text format, which most tools read: "n d", then a line "label v1 ... vd" for each node."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._checks import real_numbers
from lessons._files import replacing
from lessons.errors import FormatError


def save_vectors(path: str | PathLike[str], nodes: Iterable[Any], vectors: ArrayLike) -> None:
    """Write a vector for each node, (n, d), as text: labels as `str` gives them, numbers as float32.

    A number is written with as many digits as bring the same float32 back. The file is replaced whole or not at
    all. O(n d).

    Raises ValueError for labels that are empty as text, hold white space, or read alike, and for vectors that are
    not (n, d) finite numbers.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_vectors(f"{folder}/v.txt", ["a", "b"], [[1, 0.5], [0, -2]])
    ...     print(Path(folder, "v.txt").read_text(), end="")
    2 2
    a 1.0 0.5
    b 0.0 -2.0

    Notebook: 09_node2vec. Reference: the program word2vec of T. Mikolov and others, with `-binary 0`.
    """
    labels = _as_text(list(nodes))
    array = real_numbers("vectors", vectors)
    if array.ndim != 2 or len(array) != len(labels):
        raise ValueError(f"vectors of shape {array.shape} for {len(labels)} nodes: a row for each is needed")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ValueError(f"the vector of {labels[row]!r} is not finite")
    with replacing(path) as file:
        file.write(f"{len(labels)} {array.shape[1]}\n")
        for label, row in zip(labels, array, strict=True):
            file.write(f"{label} {' '.join(map(str, row))}\n")


def load_vectors(path: str | PathLike[str]) -> tuple[list[str], NDArray[np.float32]]:
    """The labels, as text, and their vectors (n, d), from a file in word2vec's text format.

    Raises FormatError, which tells the line, where the file is not as its first line says, holds a number that is
    not finite, a label twice, or is not UTF-8.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_vectors(f"{folder}/v.txt", [1, 2], [[1, 0.5], [0, -2]])
    ...     load_vectors(f"{folder}/v.txt")
    (['1', '2'], array([[ 1. ,  0.5],
           [ 0. , -2. ]], dtype=float32))

    Notebook: 09_node2vec.
    """
    with open(path, "rb") as file:
        n, d = _sizes(path, file)
        labels: list[str] = []
        place: dict[str, int] = {}
        vectors = np.empty((n, d), np.float32)
        for line, raw in enumerate(file, 2):
            if len(labels) == n:
                if not raw.strip():
                    continue  # some writers end with an empty line
                raise FormatError(path, line, f"one more line than the {n} vectors of line 1")
            label, vectors[len(labels)] = _vector(path, line, raw, d)
            labels.append(label)
            if place.setdefault(label, line) != line:
                raise FormatError(path, line, f"{label!r} stands in line {place[label]} already")
    if len(labels) < n:
        raise FormatError(path, len(labels) + 1, f"the file ends after {len(labels)} vectors of {n}")
    return labels, vectors


def _vector(path: str | PathLike[str], line: int, raw: bytes, d: int) -> tuple[str, NDArray[np.float32]]:
    """The label and the d numbers of a line."""
    try:
        label, *numbers = raw.rstrip().decode().split(" ")
        if not label:
            raise FormatError(path, line, "no label")
        if len(numbers) != d:
            raise FormatError(path, line, f"{len(numbers)} numbers after {label[:80]!r}: line 1 says {d}")
        with np.errstate(over="ignore"):
            vector = np.array(numbers, np.float64).astype(np.float32)
    except FormatError:
        raise
    except ValueError as error:  # no UTF-8, or no number
        raise FormatError(path, line, str(error)[:200]) from None
    if not np.isfinite(vector).all():
        raise FormatError(path, line, f"{numbers[np.argmin(np.isfinite(vector))]}: finite numbers are needed")
    return label, vector


def _sizes(path: str | PathLike[str], file: BinaryIO) -> tuple[int, int]:
    """What the first line says, if the file is long enough to hold it: a number takes two characters at least."""
    words = file.readline(80).split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        shown = b" ".join(words).decode(errors="replace")
        raise FormatError(path, 1, f"{shown!r}: the numbers of vectors and of dimensions are needed")
    n, d = map(int, words)
    if n * (2 * d + 1) > os.fstat(file.fileno()).st_size:
        raise FormatError(path, 1, f"{n} vectors of {d} numbers: the file is too short for them")
    return n, d


def _as_text(nodes: Sequence[Any]) -> list[str]:
    labels, seen = [str(node) for node in nodes], dict[str, Any]()
    for node, label in zip(nodes, labels, strict=True):
        if not label or label.split() != [label]:
            raise ValueError(
                f"node {node!r} reads {label!r}: the format needs labels without white space. Save "
                "row numbers or texts of your own in their place."
            )
        if label in seen:
            raise ValueError(f"nodes {seen[label]!r} and {node!r} both read {label!r}: labels must differ as text")
        seen[label] = node
    return labels
