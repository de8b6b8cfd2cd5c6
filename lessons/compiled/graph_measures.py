"""The kernels of `lessons.graph_measures`: graphs of up to 64 nodes, a row of each graph in one machine word."""

import numpy as np

from lessons.compiled import kernel

NONE, ONE, TWO, FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
PAIRS, QUADS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
NIBBLES, BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
TOP_BYTE = np.uint64(56)


@kernel("i8(u8)")
def _ones(word):  # type: ignore[no-untyped-def]
    """How many bits are set; the compiler makes one instruction of it."""
    word -= (word >> ONE) & PAIRS
    word = (word & QUADS) + ((word >> TWO) & QUADS)
    return np.int64((((word + (word >> FOUR)) & NIBBLES) * BYTES) >> TOP_BYTE)


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
    ends = np.empty(64, np.int64)  # of triangles, counted at each node twice
    for g in range(first.size - 1):
        base, n, unpaired = first[g], first[g + 1] - first[g], 0
        if n == 0:
            C[g] = L[g] = 0.0
            continue
        every = ALL >> np.uint64(64 - n)
        for v in range(n):
            near[v] = rows[base + v] & ~(ONE << np.uint64(v))
            ball[v] = near[v] | ONE << np.uint64(v)
            ends[v] = 0
            unpaired += _ones(near[v])
        for u in range(n):
            around = near[u]
            later = around >> np.uint64(u)
            while later:
                v = u + _ones(~later & (later - ONE))
                later &= later - ONE
                if v < n and near[v] >> np.uint64(u) & ONE:
                    unpaired -= 2
                both = _ones(around & near[v])
                ends[u] += both
                ends[v] += both
                ball[u] |= near[v]
                ball[v] |= around
        if unpaired:
            return g
        sum_of_shares, missing = 0.0, n * (n - 1)
        distances = missing  # each other node is at least one edge away
        for v in range(n):
            d = _ones(near[v])
            missing -= d
            if ends[v]:
                sum_of_shares += ends[v] / np.float64(d * (d - 1))
        C[g] = sum_of_shares / n
        distances += missing  # and who is no neighbour one more
        missing = 0
        for v in range(n):
            missing += _ones(every & ~ball[v])
        before = -1
        while missing and missing != before:
            distances += missing
            for v in range(n):
                reached, around = ball[v], near[v]
                while reached != every and around:
                    reached |= ball[_ones(~around & (around - ONE))]
                    around &= around - ONE
                grown[v] = reached
            ball, grown = grown, ball
            before, missing = missing, 0
            for v in range(n):
                missing += _ones(every & ~ball[v])
        L[g] = np.inf if missing else distances / np.float64(max(n * (n - 1), 1))
    return -1
