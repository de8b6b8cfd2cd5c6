"""The kernel of `lessons.graph`."""

from lessons.compiled import kernel


@kernel("i8(i8[:], i4[:], f8[:]!, f8)")
def mirror(indptr, indices, weights, nearly):  # type: ignore[no-untyped-def]
    """See `lessons.graph.mirror_definition`; O(n) memory, which the definition's transpose is not."""
    n = indptr.size - 1
    below = indptr[:-1].copy()  # for each row, its first arc to a smaller row that was not yet met from there
    for i in range(n):
        # rows come in ascending order, so by now every arc i -> j with j < i has met its partner j -> i
        if below[i] < indptr[i + 1] and indices[below[i]] < i:
            return below[i]
        for arc in range(below[i], indptr[i + 1]):
            j = indices[arc]
            if j == i:
                continue
            back = below[j]
            if back == indptr[j + 1] or indices[back] != i:
                return arc
            if abs(weights[arc] - weights[back]) > nearly * max(abs(weights[arc]), abs(weights[back])):
                return arc
            weights[back] = weights[arc]
            below[j] += 1
    return -1
