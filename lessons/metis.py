"""METIS graph files: the text format of the partitioners METIS and KaHIP, and of their graphs.

    file = read_metis("4elt.graph")
    file.graph, file.vertex_weights, file.vertex_sizes
    write_metis("mesh.graph", graph)

The first line says `n m [fmt [ncon]]`; line i after it lists the neighbours of vertex i, counted from 1. The
three digits of `fmt` tell what stands beside them: the size of each vertex (first on its line), its `ncon`
weights (next), the weight of each edge (after each neighbour). Lines that begin with % are comments.

Reference: the METIS 5 manual, "Graph file"; Karypis and Kumar 1998, doi:10.1137/S1064827595287997.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons._files import replacing
from lessons.errors import FormatError
from lessons.graph import Graph, as_graph

Ints = NDArray[np.int64]

SPACE = np.isin(np.arange(256), list(b" \t\n\v\f\r"))  # for each byte, whether it parts numbers
LONGEST = 18  # digits; whatever they are, the number fits into int64
HEAVIEST = 2**53  # above, float64, which holds the weights of a Graph, skips integers


@dataclass(frozen=True, eq=False)
class MetisFile:
    """What a METIS file holds.

    Attributes: `graph`, undirected, whose node i is vertex i + 1 of the file; `vertex_weights` (n, ncon)
    int64, and `vertex_sizes` (n,) int64, the cost of moving each vertex; None where the file has none.
    """

    graph: Graph
    vertex_weights: Ints | None = None
    vertex_sizes: Ints | None = None


def read_metis(path: str | PathLike[str]) -> MetisFile:
    """Read a METIS graph file; O(m log m), in memory that the file's size bounds.

    Raises FormatError, which names the line, where the file does not hold together: a header of the wrong
    form or of a larger file, too few or too many lines, what is no whole number, a vertex not in 1 ... n, a
    self-loop, an edge that is listed twice, or at one end only, or with another weight at its other end.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "path.graph")
    ...     _ = path.write_text("% a path of three\\n3 2\\n2\\n1 3\\n2\\n")
    ...     read_metis(path).graph.edges()
    [(0, 1), (1, 2)]
    """
    return _Reader(path).read()


def write_metis(
    path: str | PathLike[str],
    graph: object,
    *,
    vertex_weights: ArrayLike | None = None,
    vertex_sizes: ArrayLike | None = None,
) -> None:
    """Write an undirected graph, or what `as_graph` reads as one, as a METIS file, whole or not at all.

    `vertex_weights` (n,) or (n, ncon) and `vertex_sizes` (n,) are whole numbers from 0 up. Node i becomes
    vertex i + 1: labels are not kept. Cost O(n + m).

    Raises ValueError for a directed graph, a self-loop, weights of edges that are no whole numbers from 1 up,
    and weights or sizes of vertices that do not fit.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "pair.graph")
    ...     write_metis(path, as_graph([(0, 1, 5)], n=2), vertex_weights=[3, 4])
    ...     path.read_text()
    '2 1 011\\n3 2 5\\n4 1 5\\n'
    """
    graph = as_graph(graph, directed=False)
    _check_edges(graph)
    sizes = _columns(vertex_sizes, graph.n, "vertex_sizes", most=1)
    weights = _columns(vertex_weights, graph.n, "vertex_weights")
    present = [values is not None for values in (vertex_sizes, vertex_weights, graph.weights)]
    header = [str(graph.n), str(graph.m)]
    if any(present):
        header.append("".join(f"{there:d}" for there in present))
    if weights.shape[1] > 1:
        header.append(str(weights.shape[1]))
    with replacing(path) as file:
        file.write(" ".join(header) + "\n")
        file.writelines(_vertex_lines(graph, np.hstack([sizes, weights])))


# ---------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Header:
    """`n m [fmt [ncon]]`, the digits of fmt apart; `ncon` is 0 where vertices have no weights."""

    n: int
    m: int
    sized: bool
    ncon: int
    weighted: bool


class _Reader:
    """A file on its way to a graph; every check knows which line of the file to blame.

    `text` (bytes,) uint8; `lines` (k,) the byte at which each line begins; `told` the lines, counted from 0,
    that are no comments: first the header's, then the line of each vertex.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path
        self.bytes = Path(path).read_bytes()
        self.text = np.frombuffer(self.bytes, np.uint8)
        starts = np.append(0, np.flatnonzero(self.text == ord("\n")) + 1)
        self.lines = starts[starts < len(self.text)]
        self.told = np.flatnonzero(self.text[self.lines] != ord("%"))

    def read(self) -> MetisFile:
        header = self.header()
        numbers, counts = self.numbers(header.n)
        beside, numbers, degrees = self.parted(header, numbers, counts)
        graph = self.graph(header, numbers, degrees)
        weights = _read_only(beside[:, header.sized :]) if header.ncon else None
        return MetisFile(graph, weights, _read_only(beside[:, 0]) if header.sized else None)

    def fail(self, line: int, problem: str) -> NoReturn:
        """Blame a line, counted from 0."""
        raise FormatError(self.path, line + 1, problem)

    def fail_at(self, vertex: int, problem: str) -> NoReturn:
        """Blame the line of a vertex, counted from 0."""
        self.fail(int(self.told[vertex + 1]), f"vertex {vertex + 1} {problem}")

    def header(self) -> _Header:
        """The first line that is no comment, held against the bytes and the lines that there are."""
        if not len(self.told):
            self.fail(max(len(self.lines) - 1, 0), "cut short before the header, n m [fmt [ncon]]")
        line = int(self.told[0])
        start, stop = np.append(self.lines, len(self.text))[line : line + 2]
        said = _shown(self.bytes[start:stop])
        match = re.fullmatch(r"(\d{1,18})\s+(\d{1,18})(?:\s+([01]{1,3})(?:\s+(\d{1,18}))?)?", said)
        if match is None:
            self.fail(line, f"{said!r} is no header n m [fmt [ncon]], where fmt is three digits, 0 or 1 each")
        n, m, ncon = int(match[1]), int(match[2]), int(match[4] or 1)
        sized, heavy, weighted = (digit == "1" for digit in (match[3] or "").zfill(3))
        if match[4] is not None and not (heavy and 1 <= ncon <= len(self.text)):
            self.fail(line, f"ncon = {ncon}: it counts the weights of a vertex, from 1, where fmt is .1.")
        if 2 * m > len(self.text):
            self.fail(line, f"{m} edges do not fit into a file of {len(self.text)} bytes")
        if n >= len(self.told):
            self.fail(len(self.lines) - 1, f"cut short: {len(self.told) - 1} lines for {n} vertices")
        return _Header(n, m, sized, ncon if heavy else 0, weighted)

    def numbers(self, n: int) -> tuple[Ints, Ints]:
        """All numbers of the vertices in one row, and how many of them each vertex has, (n,)."""
        changes = np.flatnonzero(np.diff(SPACE[self.text], prepend=True, append=True))
        starts, stops = changes[::2], changes[1::2]
        vertices = np.full(len(self.lines), -1)
        vertices[self.told[1:]] = np.arange(len(self.told) - 1)
        vertex = vertices[np.searchsorted(self.lines, starts, side="right") - 1]
        ours = vertex >= 0  # no comment, not the header
        starts, stops, vertex = starts[ours], stops[ours], vertex[ours]
        if len(vertex) and vertex[-1] >= n:
            extra = int(vertex[np.searchsorted(vertex, n)])
            self.fail(int(self.told[extra + 1]), f"a line too many: the header tells of {n} vertices")
        return self.parsed(starts, stops, vertex), np.bincount(vertex, minlength=n)

    def parsed(self, starts: Ints, stops: Ints, vertex: Ints) -> Ints:
        """The numbers that stand between these bytes: one digit of all of them at a time."""
        values = np.zeros(len(starts), np.int64)
        lengths = stops - starts
        wrong = lengths > LONGEST
        for place in range(min(int(lengths.max(initial=0)), LONGEST)):
            longer = np.flatnonzero(lengths > place)
            digits = self.text[starts[longer] + place] - np.uint8(ord("0"))  # below "0" wraps round to above 9
            wrong[longer] |= digits > 9
            values[longer] = 10 * values[longer] + digits
        if wrong.any():
            at = int(np.argmax(wrong))
            word = _shown(self.bytes[starts[at] : stops[at]])
            self.fail_at(int(vertex[at]), f"has {word!r} where a whole number, 0 or larger, is needed")
        return values

    def parted(self, header: _Header, numbers: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
        """The numbers of the vertices themselves, one row each; those of the edges; the degrees."""
        own, step = header.sized + header.ncon, 1 + header.weighted
        if (counts < own).any():
            vertex = int(np.argmax(counts < own))
            self.fail_at(vertex, f"has {counts[vertex]} numbers; its sizes and weights alone are {own}")
        odd = (counts - own) % step != 0
        if odd.any():
            self.fail_at(int(np.argmax(odd)), "has a neighbour without a weight, which fmt tells of")
        place = np.arange(len(numbers)) - np.repeat(np.cumsum(counts) - counts, counts)
        first = place < own
        return numbers[first].reshape(header.n, own), numbers[~first], (counts - own) // step

    def graph(self, header: _Header, numbers: Ints, degrees: Ints) -> Graph:
        """The graph, once each arc is found to be sound, to be there once, and to come back."""
        n, step = header.n, 1 + header.weighted
        sources, targets = np.repeat(np.arange(n), degrees), numbers[::step] - 1
        weights = numbers[1::2] if header.weighted else np.ones(len(targets), np.int64)
        self.check_each(n, sources, targets, weights)
        arcs, turned = sources * n + targets, targets * n + sources
        order = np.argsort(arcs, kind="stable")  # fast on what is nearly sorted, as files mostly are
        back = np.argsort(turned)
        self.check_pairs(n, arcs, turned, order, back)
        self.check_weights(sources, targets, weights, order, back)
        if len(arcs) != 2 * header.m:
            self.fail(int(self.told[0]), f"{header.m} edges, but the lines of the vertices list {len(arcs) // 2}")
        indptr = np.append(0, np.cumsum(degrees))
        kept = weights[order].astype(np.float64) if header.weighted else None
        return Graph(indptr, targets[order].astype(np.int32), kept, directed=False)

    def check_each(self, n: int, sources: Ints, targets: Ints, weights: Ints) -> None:
        """What an arc can have wrong by itself."""
        outside = (targets < 0) | (targets >= n)
        if outside.any():
            at = int(np.argmax(outside))
            self.fail_at(int(sources[at]), f"has neighbour {targets[at] + 1}, which is not in 1 ... {n}")
        loop = sources == targets
        if loop.any():
            self.fail_at(int(sources[np.argmax(loop)]), "is its own neighbour; the format has no self-loops")
        wrong = (weights < 1) | (weights > HEAVIEST)
        if wrong.any():
            at = int(np.argmax(wrong))
            self.fail_at(
                int(sources[at]), f"has an edge of weight {weights[at]}, which is not in 1 ... {HEAVIEST}"
            )

    def check_pairs(self, n: int, arcs: Ints, turned: Ints, order: Ints, back: Ints) -> None:
        """Each arc, written as source * n + target, is there once, and once turned round."""
        ascending = arcs[order]
        twice = ascending[1:] == ascending[:-1]
        if twice.any():
            u, v = divmod(int(ascending[np.argmax(twice)]), n)
            self.fail_at(u, f"has neighbour {v + 1} twice")
        if not np.array_equal(ascending, turned[back]):
            u, v = divmod(int(arcs[np.argmin(np.isin(arcs, turned))]), n)
            self.fail_at(u, f"has neighbour {v + 1}, which does not have neighbour {u + 1}")

    def check_weights(self, sources: Ints, targets: Ints, weights: Ints, order: Ints, back: Ints) -> None:
        """Each arc, in the order of the graph, weighs as much as the one back."""
        other = weights[order] != weights[back]
        if other.any():
            at = int(np.argmax(other))
            here, there = order[at], back[at]
            text = f"has weight {weights[here]} to {targets[here] + 1}, and weight {weights[there]} from there"
            self.fail_at(int(sources[here]), text)


def _shown(said: bytes) -> str:
    """A piece of the file for a message, or for the header's pattern, which longer ones do not fit either."""
    text = said[:100].decode("ascii", "backslashreplace").strip()
    return text if len(said) <= 100 else f"{text[:60]}..."


def _read_only(numbers: Ints) -> Ints:
    numbers = np.ascontiguousarray(numbers)
    numbers.flags.writeable = False
    return numbers


# ---------------------------------------------------------------------------------------- writing


def _check_edges(graph: Graph) -> None:
    """Refuse what the format cannot say of an edge."""
    ends, weights = graph.edge_rows, graph.edge_weights
    loop = ends[:, 0] == ends[:, 1]
    if loop.any():
        label = graph.nodes[ends[np.argmax(loop), 0]]
        raise ValueError(f"edge ({label!r}, {label!r}): METIS files have no self-loops; leave it out")
    wrong = (weights != np.floor(weights)) | (weights < 1) | (weights > HEAVIEST)
    if wrong.any():
        at = int(np.argmax(wrong))
        edge = graph.edges()[at]
        raise ValueError(
            f"edge {edge!r} has weight {weights[at]:g}: in METIS files weights are whole numbers, "
            f"1 ... {HEAVIEST}; scale and round them"
        )


def _columns(values: ArrayLike | None, n: int, name: str, most: int | None = None) -> Ints:
    """Weights or sizes of the vertices as (n, k), k at most `most`; k = 0 for None."""
    if values is None:
        return np.zeros((n, 0), np.int64)
    array = np.asarray(values)
    columns = array[:, None] if array.ndim == 1 else array
    if columns.ndim != 2 or len(columns) != n or not 1 <= columns.shape[1] <= (most or columns.shape[1]):
        raise ValueError(f"{name} of shape {array.shape}: one row for each of the {n} nodes is needed")
    wrong = (columns != np.floor(columns)) | (columns < 0) | (columns >= 10**LONGEST)
    if wrong.any():
        raise ValueError(f"{name} holds {columns[wrong][0]}: whole numbers, 0 or larger, are needed")
    return columns.astype(np.int64)


def _vertex_lines(graph: Graph, own: Ints) -> Iterator[str]:
    """The line of each vertex: its own numbers, then those of its edges."""
    arcs = graph.indices.astype(np.int64)[:, None] + 1
    if graph.weights is not None:
        arcs = np.column_stack([arcs, graph.weights.astype(np.int64)])
    numbers, stops = arcs.ravel().tolist(), (arcs.shape[1] * graph.indptr).tolist()
    for row, before in enumerate(own.tolist()):
        yield " ".join(map(str, before + numbers[stops[row] : stops[row + 1]])) + "\n"
