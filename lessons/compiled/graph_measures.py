"""The kernels of `lessons.graph_measures`: graphs of up to 64 nodes, a row of each graph in one machine word."""

import numpy as np

from lessons.compiled import kernel

NONE, ONE, TWO, FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
PAIRS, QUADS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
NIBBLES, BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
TOP_BYTE = np.uint64(56)


@kernel("u8(u8)")
def _ones(word):  # type: ignore[no-untyped-def]
    """How many bits are set; the compiler makes one instruction of it."""
    word -= (word >> ONE) & PAIRS
    word = (word & QUADS) + ((word >> TWO) & QUADS)
    return (((word + (word >> FOUR)) & NIBBLES) * BYTES) >> TOP_BYTE


@kernel("u8(u8)")
def _lowest(word):  # type: ignore[no-untyped-def]
    """The number of the lowest bit that is set."""
    return _ones(~word & (word - ONE))


@kernel("void(i8[:], i4[:], i8[:], u8[:]!)")
def words(indptr, indices, first, rows):  # type: ignore[no-untyped-def]
    """Graphs one after the other, `indptr` and `indices` of each, as rows: graph g's are from `first[g]` on."""
    arcs, at = 0, 0
    for g in range(first.size - 1):
        n = first[g + 1] - first[g]
        for v in range(n):
            word = NONE
            for arc in range(arcs + indptr[at + v], arcs + indptr[at + v + 1]):
                word |= ONE << np.uint64(indices[arc])
            rows[first[g] + v] = word
        arcs += indptr[at + n]
        at += n + 1


@kernel("i8(u8[:], i8[:], f8[:]!, f8[:]!)")
def measures(rows, first, C, L):  # type: ignore[no-untyped-def]
    """See `lessons.graph_measures.measures_definition`: graph g is `rows[first[g]:first[g + 1]]`.

    One walk over the edges u - v, u < v, finds the triangles at both ends and all that is two edges away. From
    then on only rows are asked that have not reached all. -> the first graph that is not symmetric or has bits
    from n on, -1 where there is none: an edge found from its smaller end must be there from the other one, too.
    """
    near, ball, grown = np.empty(64, np.uint64), np.empty(64, np.uint64), np.empty(64, np.uint64)
    ends = np.empty(64, np.uint64)  # of triangles, counted at each node twice
    for g in range(first.size - 1):
        base, n = first[g], first[g + 1] - first[g]
        if n == 0:
            C[g] = L[g] = 0.0
            continue
        every, degrees, paired = ALL >> np.uint64(64 - n), NONE, NONE
        for v in range(n):
            own = ONE << np.uint64(v)
            near[v] = rows[base + v] & ~own
            if near[v] & ~every:
                return g
            ball[v] = near[v] | own
            degrees += _ones(near[v])
            ends[v] = NONE
        for row in range(n):
            u = np.uint64(row)
            around, reached, mine = near[u], ball[u], NONE
            later = around >> u
            while later:
                v = u + _lowest(later)
                later &= later - ONE
                other = near[v]
                paired += other >> u & ONE
                both = _ones(around & other)
                mine += both
                ends[v] += both
                reached |= other
                ball[v] |= around
            ball[u] = reached
            ends[u] += mine
        if degrees != paired + paired:
            return g
        shares = 0.0
        for v in range(n):
            if ends[v]:
                d = _ones(near[v])
                shares += np.float64(ends[v]) / np.float64(d * (d - ONE))
        C[g] = shares / n
        pairs = n * (n - 1)
        distances = 2 * pairs - np.int64(degrees)  # each other node is one edge away, who is no neighbour one more
        missing, before = 0, -1
        for v in range(n):
            missing += np.int64(_ones(every & ~ball[v]))
        while missing and missing != before:
            distances += missing
            before, missing = missing, 0
            for v in range(n):
                reached, around = ball[v], near[v]
                while reached != every and around:
                    reached |= ball[_lowest(around)]
                    around &= around - ONE
                grown[v] = reached
                missing += np.int64(_ones(every & ~reached))
            ball, grown = grown, ball
        L[g] = np.inf if missing else distances / np.float64(max(pairs, 1))
    return -1
