"""Kernels of `lessons.graph`: `mirror` for `lessons._csr`, `turned` for topics that need both directions."""

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


@kernel("void(i8[:], i4[:], f8[:], i8[:]!, i4[:]!, f8[:]!)")
def turned(indptr, indices, weights, first, tails, carried):  # type: ignore[no-untyped-def]
    """The arcs by the row that they lead to, by counting: `first` (n + 1,), `tails` (arcs,), sorted in each row.

    `carried` (arcs,) gets their weights; none where `weights` has no entry.
    """
    n = indptr.size - 1
    first[:] = 0
    for arc in range(indices.size):
        first[indices[arc] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    place = first[:n].copy()
    for u in range(n):
        for arc in range(indptr[u], indptr[u + 1]):
            at = place[indices[arc]]
            place[indices[arc]] = at + 1
            tails[at] = u
            if weights.size:
                carried[at] = weights[arc]
