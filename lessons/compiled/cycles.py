"""The kernel of `lessons.topological_sort` for graphs with a cycle; apart, so that others need not compile it."""

import numpy as np

from lessons.compiled import kernel


@kernel("i8(i8[:], i4[:], b1[:], i4[:]!)")
def short_cycle(indptr, indices, waiting, cycle):  # type: ignore[no-untyped-def]
    """See `lessons.topological_sort.cycle_definition`; -> how many rows of `cycle` are one."""
    n = indptr.size - 1
    before = np.full(n, -1, np.int32)
    for u in range(n):
        if waiting[u]:
            for arc in range(indptr[u], indptr[u + 1]):
                if before[indices[arc]] < 0:
                    before[indices[arc]] = u
    # Backwards from the first that waits, until a row comes again.
    seen = np.zeros(n, np.bool_)
    row = 0
    while not waiting[row]:
        row += 1
    while not seen[row]:
        seen[row] = True
        row = before[row]
    # Breadth first from there, until an arc leads back.
    before[:] = -1
    queue = np.empty(n + 1, np.int32)
    queue[0] = row
    head, tail = 0, 1
    while before[row] < 0:
        u = queue[head]
        head += 1
        for arc in range(indptr[u], indptr[u + 1]):
            v = indices[arc]
            if before[v] < 0:
                before[v] = u
                queue[tail] = v
                tail += 1
    # The way back, which is the cycle from its end.
    cycle[0] = row
    length = 1
    while before[cycle[length - 1]] != row:
        cycle[length] = before[cycle[length - 1]]
        length += 1
    return length
