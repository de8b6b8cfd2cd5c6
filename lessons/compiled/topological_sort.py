"""The kernels of `lessons.topological_sort`."""

import numpy as np

from lessons.compiled import kernel

ONE = np.uint64(1)
WAITS = (1 << 31) - 1  # the lower 31 bits of a state; its upper bits hold an arc, up to 2^32 of them


@kernel("i8(u8)")
def lowest(word):  # type: ignore[no-untyped-def]
    """The lowest bit of a word that is not 0; LLVM knows this loop, and makes one instruction of it."""
    bit = 64
    while word:
        word <<= ONE
        bit -= 1
    return bit


@kernel("i8(i8[:], i4[:], i8[:]!, i4[:]!)")
def first_order(indptr, indices, state, order):  # type: ignore[no-untyped-def]
    """See `lessons.topological_sort.kahn_definition`; -> how many rows got a place in `order`.

    `state` is scratch (n + 1,). The rows that are ready are the bits of `rows`; `words` marks its words that are
    not 0, and `blocks` the words of `words` that may not be. So the smallest is found in three looks, and a step
    costs O(1) up to 2^18 rows, beyond it the search through `blocks`: n / 2^18 words at the very most.
    """
    n, arcs = indptr.size - 1, indices.size
    # A row's state is the number of its first arc, and how many rows it still waits for: one look gives both.
    for v in range(n + 1):
        state[v] = indptr[v] << 31
    for arc in range(arcs):
        state[indices[arc]] += 1
    rows = np.zeros((n >> 6) + 1, np.uint64)
    words = np.zeros((n >> 12) + 1, np.uint64)
    blocks = np.zeros((n >> 18) + 1, np.uint64)
    for v in range(n):
        if not state[v] & WAITS:
            rows[v >> 6] |= ONE << np.uint64(v & 63)
            words[v >> 12] |= ONE << np.uint64(v >> 6 & 63)
            blocks[v >> 18] |= ONE << np.uint64(v >> 12 & 63)
    placed, touched = 0, 0
    block = 0  # no row before this block of 4,096 is ready
    while True:
        # The next block that is not empty; marks of empty ones are wiped here, and not earlier.
        group = block >> 6
        while group < blocks.size and not words[block]:
            blocks[group] &= ~(ONE << np.uint64(block & 63))
            while group < blocks.size and not blocks[group]:
                group += 1
            if group < blocks.size:
                block = group << 6 | lowest(blocks[group])
        if group == blocks.size:
            break
        # Take its smallest row.
        marks = words[block]
        word = block << 6 | lowest(marks)
        bits = rows[word]
        u = word << 6 | lowest(bits)
        bits &= bits - ONE
        rows[word] = bits
        words[block] = marks if bits else marks & (marks - ONE)  # chosen without a branch, which would be guessed
        order[placed] = u
        placed += 1
        # Its successors wait for one less.
        for arc in range(state[u] >> 31, state[u + 1] >> 31):
            v = np.int64(indices[arc])
            left = state[v] - 1
            state[v] = left
            if not left & WAITS:
                touched |= indices[
                    min(left >> 31, arcs - 1)
                ]  # its arcs come into the cache before they are needed
                rows[v >> 6] |= ONE << np.uint64(v & 63)
                words[v >> 12] |= ONE << np.uint64(v >> 6 & 63)
                blocks[v >> 18] |= ONE << np.uint64(v >> 12 & 63)
                block = min(block, v >> 12)
    state[n] = touched  # or the compiler would leave out what it is for
    return placed


@kernel("void(i8[:], i4[:], i4[:], f8[:], f8[:]!, f8[:]!)")
def spans(indptr, indices, order, durations, earliest, tail):  # type: ignore[no-untyped-def]
    """See `lessons.topological_sort.spans_definition`; `earliest` and `tail` come as zeros."""
    for place in range(order.size):
        u = np.int64(order[place])
        finish = earliest[u] + durations[u]
        for arc in range(indptr[u], indptr[u + 1]):
            v = np.int64(indices[arc])
            earliest[v] = max(earliest[v], finish)
    for place in range(order.size - 1, -1, -1):
        u = np.int64(order[place])
        longest = 0.0
        for arc in range(indptr[u], indptr[u + 1]):
            longest = max(longest, tail[indices[arc]])
        tail[u] = durations[u] + longest
