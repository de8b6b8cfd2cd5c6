"""What was published beside "Graph structure of neural networks": the lists of chosen graphs, and maps of brains.

The files lie as in its code, github.com/facebookresearch/graph2nn at commit b112eb6 (MIT License, Copyright (c)
Facebook, Inc. and its affiliates). `datasets` gives what they hold in the course's own terms.
"""

from __future__ import annotations

import re
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lessons._downloads import fetched
from lessons.errors import FormatError

URL = "https://raw.githubusercontent.com/facebookresearch/graph2nn/b112eb6/"
LISTS = {  # by the numbers of nodes and of graphs, with their SHA-256
    (64, 3942): "6e2be9942c84891a2d19e9a8e80f9f2ff5023695440f2e440784171add880999",
    (64, 449): "93d0c1443b3ae8f4c6991be643ee473ce18d29b486157304868ae2d375b4845d",
    (64, 52): "de871409dc061ec54ec90f5c8e1edb41846ab91c8ec81fe6dcba1ad209bacd92",
    (16, 2698): "dcc8831dcb137353e611a49ff8310c5c90ad8d3c816f9eb969079735342d8076",
    (16, 326): "e29ce6ff18127bdbe115b48433f251d068ca8d2cf0672d27a44873b25595902b",
    (16, 48): "4d4004216274bb6c8d9b2c230cd060ee61904f76441331ce748891c217b0f1e0",
}
BRAINS = {
    "cat": ("cat.txt", "5fbf7f49afc66420ad63d4956c4d31af71dd3a3dfa8e4003a05371f779310fc2"),
    "macaque_visual": ("mcvisual.txt", "93159421630e8b2ba5ca472819275c32e064318511dbe8c38a02a19b9cf45b54"),
    "macaque_whole": ("mcwhole.txt", "d347964446e362fac2b4edf49c886a575efdc52a4078d342402409dd453b4a69"),
}
HEADER = rb"\x93NUMPY\x01\x00v\x00{'descr': '(%s)', 'fortran_order': False, 'shape': \((\d{1,9})%s\), } *\n"
HEADER_BYTES = 128
TYPES = {"numbers": b"<f8", "text": rb"<U[1-9]\d?"}
MOST_ASCII = 126
COLUMNS = ("n", "k / n", "p", "seed", "C", "L")


def graph_list(n: int, count: int) -> NDArray[np.float64]:
    """(count, 6): of each graph in a published list n, k / n, p, seed, C and L. `n, count` is a key of `LISTS`.

    Downloaded at the first call unless LESSONS_DATA names a folder with `graph2nn/analysis/graphs_n64_3942.npy`
    and so on. Raises as `fetched`, and FormatError for a file that is no such list.
    """
    file = f"analysis/graphs_n{n}_{count}.npy"
    command = f'python -c "from lessons._graph2nn import graph_list; graph_list({n}, {count})"'
    sums = {file: LISTS[n, count]}
    paths = fetched("graph2nn", sums, URL, name=f"The list of {count} graphs", command=command)
    return read_list(paths[file], n)


def connections(name: str) -> NDArray[np.bool_]:
    """(n, n) True where a fibre leads from the row's area of the brain to the column's. `name` is one of `BRAINS`.

    Downloaded at the first call unless LESSONS_DATA names a folder with `graph2nn/pycls/datasets/cat.txt` and so
    on. Raises as `fetched`, and FormatError for a file that is no such table.
    """
    last, total = BRAINS[name]
    file = f"pycls/datasets/{last}"
    command = f"""python -c "from lessons.datasets import brain_network; brain_network('{name}')\""""
    paths = fetched("graph2nn", {file: total}, URL, name=f"The brain network {name}", command=command)
    return read_connections(paths[file])


def read_list(path: Path, n: int) -> NDArray[np.float64]:
    """The rows of a file as `numpy.save` writes a table of float64 with six columns, for graphs of n nodes."""
    rows = read_array(path, "numbers", len(COLUMNS), what="an array (graphs, 6) of float64")
    _check_rows(path, rows, n)
    return rows


def read_array(path: Path, kind: Literal["numbers", "text"], *shape: int, what: str) -> NDArray[Any]:
    """The array in a file that `numpy.save` wrote, of float64 or of text, with an entry of `shape` for each graph.

    The header is compared, not run, and says how long the file is. `what` tells in words what it should be.
    """
    content = path.read_bytes()
    rest = "".join(f", {side}" for side in shape) or ","
    header = re.match(HEADER % (TYPES[kind], rest.encode()), content)
    if header is None or header.end() != HEADER_BYTES:
        raise FormatError(path, None, f"does not begin as {what} that numpy.save wrote")
    dtype, count = np.dtype(header[1].decode()), int(header[2])
    each, given = dtype.itemsize * prod(shape), len(content) - HEADER_BYTES
    if given != each * count:
        raise FormatError(path, None, f"{given} bytes for {count} graphs of {each} bytes each")
    if kind == "text" and (np.frombuffer(content, "<u4", offset=HEADER_BYTES) > MOST_ASCII).any():
        raise FormatError(path, None, "holds more than plain text")
    array = np.frombuffer(content, dtype, offset=HEADER_BYTES).reshape(count, *shape)
    return array.astype(dtype.newbyteorder("="))


def _check_rows(path: Path, rows: NDArray[np.float64], n: int) -> None:
    """Raise FormatError with the first value that no connected graph of n nodes can have."""
    low = np.array([n, 2 / n, 0, 0, 0, 1])
    high = np.array([n, 1 - 1 / n, 1, 2**31, 1, n])
    good = (rows >= low) & (rows <= high)
    good[:, 3] &= np.floor(rows[:, 3]) == rows[:, 3]
    if not good.all():
        row, column = (int(place) for place in np.argwhere(~good)[0])
        raise FormatError(path, None, f"graph {row} of {n} nodes has {COLUMNS[column]} = {rows[row, column]}")


def read_connections(path: Path) -> NDArray[np.bool_]:
    """The table of a text file: n lines of n characters, 1 where the row leads to the column and 0 elsewhere."""
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    n = len(lines)
    for number, line in enumerate(lines, start=1):
        if len(line) != n:
            raise FormatError(path, number, f"{len(line)} characters, where {n} lines need {n}")
        if line.strip(b"01"):
            raise FormatError(path, number, f"{line[:20]!r} holds more than 0 and 1")
        if line[number - 1 : number] == b"1":
            raise FormatError(path, number, f"area {number - 1} is joined to itself")
    return np.frombuffer(b"".join(lines), np.uint8).reshape(n, n) == ord("1")
