"""The kernel of `lessons.graph`, called by `lessons._csr`."""

from lessons.compiled import kernel


@kernel("i8(i8[:], i4[:], f8[:]!, f8)")
def mirror(indptr, indices, weights, nearly):  # type: ignore[no-untyped-def]
    """See `lessons._csr.mirror_definition`; O(n + arcs), and O(n) memory, which the definition is not."""
    n = indptr.size - 1
    below = indptr[:-1].copy()  # for each row, its first arc that no smaller row has met from its side
    lonely = indices.size  # the first arc to a smaller row that was passed over, as that row has none back
    # Rows come in ascending order, so each of their arcs to a larger row meets the next one of that row, and a
    # self-loop meets itself.
    for i in range(n):
        if below[i] < indptr[i + 1] and indices[below[i]] < i:
            lonely = min(lonely, below[i])
        if lonely < indptr[i + 1]:
            return lonely
        for arc in range(below[i], indptr[i + 1]):
            j = indices[arc]
            while below[j] < indptr[j + 1] and indices[below[j]] < i:
                lonely = min(lonely, below[j])
                below[j] += 1
            back = below[j]
            if back == indptr[j + 1] or indices[back] != i:
                return arc
            if abs(weights[arc] - weights[back]) > nearly * max(abs(weights[arc]), abs(weights[back])):
                return arc
            below[j] += 1
    # Nothing is written before everything is known to be symmetric: the same walk again.
    below = indptr[:-1].copy()
    for i in range(n):
        for arc in range(below[i], indptr[i + 1]):
            j = indices[arc]
            weights[below[j]] = weights[arc]
            below[j] += 1
    return -1
