"""The kernels of `lessons.graph_shuffles`.

Which edges are there is kept in buckets: those of a bucket form a chain, from `heads[bucket]` along `behind[edge]`
to -1.
"""

import numpy as np

from lessons.compiled import kernel
from lessons.compiled.rng import bits, start, uniform


@kernel("i8(i8, i8, b1, i8)")
def _bucket(u, v, directed, size):  # type: ignore[no-untyped-def]
    """Where the edge u -> v, or u - v, is chained; `size` is a power of two."""
    if not directed and u > v:
        u, v = v, u
    return np.int64(bits(np.uint64(u), v) & np.uint64(size - 1))


@kernel("b1(i8[:,:], i8[:], i8[:], b1, i8, i8)")
def _is_there(edges, heads, behind, directed, u, v):  # type: ignore[no-untyped-def]
    e = heads[_bucket(u, v, directed, heads.size)]
    while e >= 0:
        if edges[e, 0] == u and edges[e, 1] == v:
            return True
        if not directed and edges[e, 0] == v and edges[e, 1] == u:
            return True
        e = behind[e]
    return False


@kernel("void(i8[:,:], i8[:]!, i8[:]!, b1, i8)")
def _link(edges, heads, behind, directed, e):  # type: ignore[no-untyped-def]
    bucket = _bucket(edges[e, 0], edges[e, 1], directed, heads.size)
    behind[e] = heads[bucket]
    heads[bucket] = e


@kernel("void(i8[:,:], i8[:]!, i8[:]!, b1, i8)")
def _unlink(edges, heads, behind, directed, e):  # type: ignore[no-untyped-def]
    bucket = _bucket(edges[e, 0], edges[e, 1], directed, heads.size)
    if heads[bucket] == e:
        heads[bucket] = behind[e]
        return
    before = heads[bucket]
    while behind[before] != e:
        before = behind[before]
    behind[before] = behind[e]


@kernel("void(i8[:,:]!, i8[:], i8[:], b1[:], b1, i8, u8)")
def shuffle(edges, first, end, turns, directed, tries, key):  # type: ignore[no-untyped-def]
    """See `lessons.graph_shuffles.shuffle_definition`; the edges (m, 2) are changed in place."""
    m, size = len(edges), 1
    while size < 2 * m:
        size *= 2
    heads, behind = np.full(size, -1), np.full(m, -1)
    for e in range(m):
        _link(edges, heads, behind, directed, e)
    stream = start(key, 0)
    for step in range(tries):
        e = np.int64(uniform(stream, 3 * step) * m)
        f = first[e] + np.int64(uniform(stream, 3 * step + 1) * (end[e] - first[e]))
        a, b, c, d = edges[e, 0], edges[e, 1], edges[f, 0], edges[f, 1]
        if turns[e] and uniform(stream, 3 * step + 2) < 0.5:
            c, d = d, c
        if a == d or c == b or _is_there(edges, heads, behind, directed, a, d):
            continue
        if _is_there(edges, heads, behind, directed, c, b):
            continue
        _unlink(edges, heads, behind, directed, e)
        _unlink(edges, heads, behind, directed, f)
        edges[e, 0], edges[e, 1], edges[f, 0], edges[f, 1] = a, d, c, b
        _link(edges, heads, behind, directed, e)
        _link(edges, heads, behind, directed, f)
