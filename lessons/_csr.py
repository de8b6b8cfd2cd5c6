"""From arcs to compressed sparse rows: sorted, merged, mirrored. Arrays in, arrays out.

Canonical, as `lessons.graph` promises: rows sorted by column, no arc twice, both arcs of an undirected edge
with the very same weight.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Label = Hashable
Parallel = Literal["sum", "min", "max", "error"]

NEARLY = 1e-12  # two weights this close, relative to the larger, are the two halves of one undirected edge
COUNTED_FROM = 50_000  # arcs; below, comparing them sorts faster than counting
COMPILED_FROM = 1_000_000  # arcs; below, importing numba takes longer than it saves


def from_pairs(
    n: int,
    pairs: NDArray[np.int32],
    weights: NDArray[np.float64] | None,
    directed: bool,
    parallel: Parallel,
    labels: tuple[Label, ...] | None,
) -> tuple[NDArray, NDArray, NDArray | None]:
    """Canonical CSR arrays of (m, 2) pairs of rows; the weights stay absent while each edge counts one."""
    rows, columns = pairs.T
    if not directed:  # merged in one orientation, so that both arcs get the very same sum
        rows, columns = np.minimum(rows, columns), np.maximum(rows, columns)
    codes, merged = merge(coded(n, rows, columns), weights, n, parallel, labels)
    if not directed:
        rows, columns = np.divmod(codes, n)
        mirrored = rows != columns
        codes = np.concatenate([codes, coded(n, columns, rows)[mirrored]])
        order = _order(codes, n)
        codes = codes[order]
        merged = None if merged is None else np.concatenate([merged, merged[mirrored]])[order]
    return *compressed(n, codes), merged


def coded(n: int, rows: NDArray, columns: NDArray) -> NDArray[np.int64]:
    """One number for each arc, in the order of rows, then columns; below n^2, so it fits into 62 bits."""
    return rows.astype(np.int64) * n + columns


def _order(codes: NDArray[np.int64], n: int) -> NDArray[np.integer]:
    """The stable order that sorts arcs: for many, by counting, first their columns and then their rows."""
    if len(codes) < COUNTED_FROM:
        return np.argsort(codes, kind="stable")
    rows, columns = np.divmod(codes, n)
    by_column = _counted_order(columns, n)
    return by_column[_counted_order(rows[by_column], n)]


def _counted_order(keys: NDArray[np.int64], n: int) -> NDArray[np.integer]:
    """The stable order that sorts keys 0 ... n - 1; scipy counts them to turn a matrix of one entry a row."""
    from scipy.sparse import csr_array

    count = len(keys)
    marks = csr_array((np.ones(count, np.int8), keys, np.arange(count + 1)), shape=(count, n))
    return marks.tocsc().indices


def merge(
    codes: NDArray[np.int64],
    weights: NDArray[np.float64] | None,
    n: int,
    parallel: Parallel,
    labels: tuple[Label, ...] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Sorted arcs, each once; the weights of equal ones merged in the order given."""
    order = _order(codes, n)
    codes, weights = codes[order], None if weights is None else weights[order]
    first = np.ones(len(codes), bool)
    first[1:] = codes[1:] != codes[:-1]
    if first.all():
        return codes, weights

    def named(code: np.int64) -> tuple[Label, ...]:
        return tuple(row if labels is None else labels[row] for row in divmod(int(code), n))

    if parallel == "error":
        edge = named(codes[~first][0])
        raise ValueError(f'edge {edge!r} is there more than once: pass parallel="sum", "min" or "max" to merge')
    if weights is None and parallel != "sum":
        return codes[first], None
    values = np.ones(len(codes)) if weights is None else weights
    join = {"sum": np.add, "min": np.minimum, "max": np.maximum}[parallel]
    with np.errstate(over="ignore"):  # a sum may leave the floats; that is an error, and not a warning
        merged = join.reduceat(values, np.flatnonzero(first))
    return codes[first], finite(merged, lambda at: named(codes[first][at]))


def compressed(n: int, codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """indptr and indices of sorted arcs."""
    rows, columns = np.divmod(codes, n)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=indptr[1:])
    return indptr, columns.astype(np.int32)


def make_symmetric(indptr: NDArray[np.int64], indices: NDArray[np.int32], weights: NDArray[np.float64]) -> int:
    """Give both arcs of each edge the weight of the upper one, A[i, j] with i < j, if the matrix is symmetric.

    -> -1, or the first arc without an equal one back; equal means up to rounding (`NEARLY`).
    """
    if len(indices) >= COMPILED_FROM:
        from lessons.compiled.graph import mirror

        return int(mirror(indptr, indices, weights, NEARLY))
    return mirror_definition(indptr, indices, weights, NEARLY)


def mirror_definition(
    indptr: NDArray[np.int64], indices: NDArray[np.int32], weights: NDArray[np.float64], nearly: float
) -> int:
    """The definition of `compiled.graph.mirror`: a symmetric matrix is equal to its transpose.

    Returns the first arc that has no equal one back, or -1; then `weights` below the diagonal were changed in
    place. O(arcs log arcs).

    >>> weights = np.array([2.0, 3.0])
    >>> mirror_definition(np.array([0, 1, 2]), np.array([1, 0], np.int32), weights, nearly=1e-12)
    0
    """
    n = len(indptr) - 1
    sources = np.repeat(np.arange(n), np.diff(indptr))
    arcs, turned = sources * n + indices, indices * np.int64(n) + sources
    back = np.minimum(np.searchsorted(arcs, turned), len(arcs) - 1)  # where the arc back stands, if anywhere
    larger = np.maximum(np.abs(weights), np.abs(weights[back]))
    with np.errstate(over="ignore"):
        far = np.abs(weights - weights[back]) > nearly * larger
    odd = far | (arcs[back] != turned)
    if odd.any():
        return int(np.argmax(odd))
    below = sources > indices
    weights[below] = weights[back[below]]
    return -1


def check_parallel(parallel: str) -> None:
    if parallel not in ("sum", "min", "max", "error"):
        raise ValueError(f'parallel={parallel!r}: one of "sum", "min", "max", "error"')


def finite(weights: NDArray[np.float64], edge: Callable[[int], Iterable[Label]] | None) -> NDArray[np.float64]:
    """The weights themselves; `edge` tells the message the ends of the one that is not finite."""
    bad = ~np.isfinite(weights)
    if bad.any():
        at = int(np.argmax(bad))
        where = "" if edge is None else f" of edge {tuple(edge(at))!r}"
        raise ValueError(f"weight {weights[at]}{where}: weights are finite numbers")
    return weights
