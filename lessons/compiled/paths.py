"""The kernels of `lessons.paths` and `lessons.small_world`: one search, 64 searches at once, and triangles."""

import numpy as np

from lessons.compiled import kernel

NONE, ONE, TWO, FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
PAIRS, QUADS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
NIBBLES, BYTES = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
TOP_BYTE, UPPER, ROW = np.uint64(56), np.uint64(32), np.uint64(0xFFFFFFFF)

PULL = 0.1  # pull where the rows of a level have more than this share of all arcs; 0.1 to 0.5 take the same time


# ---------------------------------------------------------------------------------------- from one row


@kernel("void(i8[:], i4[:], i8, f8[:]!, i4[:]!)")
def breadth_first(indptr, indices, source, distance, before):  # type: ignore[no-untyped-def]
    """See `lessons.paths.shortest_paths`: level by level. O(n + m).

    What is known of a row is one number, its level above the row before it: the smaller level wins, then the
    smaller row before. So one look at a row says all, and the order within a level does not matter.
    """
    n = distance.size
    known = np.full(n, ALL, np.uint64)
    queue = np.empty(n, np.int32)
    known[source], queue[0] = NONE, source
    begin, end, level = 0, 1, 0
    while begin < end:
        level += 1
        count = end
        for k in range(begin, end):
            u = np.int64(queue[k])
            here = np.uint64(level) << UPPER | np.uint64(u)
            for arc in range(indptr[u], indptr[u + 1]):
                v = np.int64(indices[arc])
                if here < known[v]:
                    if known[v] == ALL:
                        queue[count] = v
                        count += 1
                    known[v] = here
        begin, end = end, count
    for v in range(n):
        reached = known[v] != ALL
        distance[v] = np.float64(known[v] >> UPPER) if reached else np.inf
        before[v] = np.int64(known[v] & ROW) if reached else -1
    before[source] = -1


@kernel("void(i8[:], i4[:], f8[:], i8, f8[:]!, i4[:]!)")
def dijkstra(indptr, indices, lengths, source, distance, before):  # type: ignore[no-untyped-def]
    """See `lessons.paths.dijkstra_definition`; each row is on the heap at most once. O((n + m) log n).

    `length[at]` and `row[at]` are the binary heap, whose smallest pair is at 0; `place[v]` is where v stands in
    it, or stood last: a settled row never gets nearer, and so is never put back. An entry that rises or sinks is
    written once, where it comes to rest.
    """
    n = distance.size
    distance[:] = np.inf
    before[:] = -1
    length, row, place = np.empty(n + 1), np.empty(n + 1, np.int32), np.full(n, -1, np.int32)
    distance[source] = 0.0
    length[0], row[0], size = 0.0, source, 1
    while size:
        # Take the nearest row u; the last entry of the heap sinks from its place.
        here, u = length[0], np.int64(row[0])
        size -= 1
        last, v = length[size], row[size]
        at, child = 0, 1
        while child < size:
            twin = child + 1
            if twin < size:
                closer = length[twin] < length[child]
                if closer or (length[twin] == length[child] and row[twin] < row[child]):
                    child = twin
            if length[child] > last or (length[child] == last and row[child] > v):
                break
            length[at], row[at] = length[child], row[child]
            place[row[at]] = at
            at, child = child, 2 * child + 1
        length[at], row[at], place[v] = last, v, at
        # Each row that is nearer through u rises from where it is, or from the end.
        for arc in range(indptr[u], indptr[u + 1]):
            w = np.int64(indices[arc])
            there = here + lengths[arc]
            if there < distance[w]:
                distance[w], before[w] = there, u
                at = np.int64(place[w])
                if at < 0:
                    at = size
                    size += 1
                while at:
                    up = (at - 1) >> 1
                    if length[up] < there or (length[up] == there and row[up] < w):
                        break
                    length[at], row[at] = length[up], row[up]
                    place[row[at]] = at
                    at = up
                length[at], row[at], place[w] = there, w, at


# ---------------------------------------------------------------------------------------- from all rows


@kernel("i8(u8)")
def _ones(word):  # type: ignore[no-untyped-def]
    """How many bits of a word are 1; LLVM knows these lines, and makes one instruction of them."""
    word -= (word >> ONE) & PAIRS
    word = (word & QUADS) + ((word >> TWO) & QUADS)
    word = (word + (word >> FOUR)) & NIBBLES
    return np.int64((word * BYTES) >> TOP_BYTE)


@kernel("i8(i8[:], i4[:], u8[:], i4[:]!, i8, u8[:]!, u8[:]!, i4[:]!)")
def _push(indptr, indices, seen, active, count, now, new, found):  # type: ignore[no-untyped-def]
    """The `count` active rows send their words along their arcs; -> how many rows `found` something in `new`."""
    reached = 0
    for k in range(count):
        v = np.int64(active[k])
        word = now[v]
        now[v] = NONE
        for arc in range(indptr[v], indptr[v + 1]):
            w = np.int64(indices[arc])
            fresh = word & ~seen[w]
            if fresh:
                if new[w] == NONE:
                    found[reached] = w
                    reached += 1
                new[w] |= fresh
    return reached


@kernel("i8(i8[:], i4[:], u8, u8[:], i4[:]!, i8, u8[:]!, u8[:]!, i4[:]!)")
def _pull(indptr, indices, every, seen, active, count, now, new, found):  # type: ignore[no-untyped-def]
    """The same, asked of each row that not `every` source has seen; `indptr` and `indices` are the arcs to it."""
    reached = 0
    for w in range(seen.size):
        missing = every & ~seen[w]
        fresh = NONE
        if missing:
            for arc in range(indptr[w], indptr[w + 1]):
                fresh |= now[indices[arc]]
                if fresh & missing == missing:
                    break
            fresh &= missing
            if fresh:
                found[reached] = w
                reached += 1
        new[w] = fresh
    for k in range(count):
        now[active[k]] = NONE
    return reached


@kernel("void(i8[:], i4[:], i8[:], i4[:], i8[:], i8[:]!)")
def spread(indptr, indices, to_indptr, to_indices, sources, sums):  # type: ignore[no-untyped-def]
    """See `lessons.small_world.spread_definition`: -> `sums`, of distances and of pairs.

    64 sources are searched from at once: bit k of `seen[v]` says that source k of the block has reached v, and of
    `now[v]` that it did so at this level. `to_indptr`, `to_indices` are the arcs backwards.
    """
    n = indptr.size - 1
    seen, now, new = np.zeros(n, np.uint64), np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    active, found = np.empty(n, np.int32), np.empty(n, np.int32)
    for first in range(0, sources.size, 64):
        count = min(64, sources.size - first)
        every = ALL >> np.uint64(64 - count)
        seen[:] = NONE
        arcs, level = 0, 0
        for k in range(count):
            s = sources[first + k]
            now[s] = seen[s] = ONE << np.uint64(k)
            active[k] = s
            arcs += indptr[s + 1] - indptr[s]
        while count:
            level += 1
            if arcs > PULL * indices.size:
                count = _pull(to_indptr, to_indices, every, seen, active, count, now, new, found)
            else:
                count = _push(indptr, indices, seen, active, count, now, new, found)
            pairs, arcs = 0, 0
            for k in range(count):
                w = np.int64(found[k])
                seen[w] |= new[w]
                pairs += _ones(new[w])
                arcs += indptr[w + 1] - indptr[w]
            sums[0] += level * pairs
            sums[1] += pairs
            active, found = found, active
            now, new = new, now


# ---------------------------------------------------------------------------------------- triangles


@kernel("void(i8[:], i4[:], f8[:], i8[:], f8[:]!)")
def triangles(indptr, indices, values, order, sums):  # type: ignore[no-untyped-def]
    """See `lessons.small_world.triangles_definition`; `order` lists the rows, most neighbours first. O(m^1.5).

    Each edge is kept at its later end only, so that no row keeps more than sqrt(2 m) of them, and each triangle is
    found at its last row u: from u over v to w, where `mark[w]` is the value of u - w, or 0 where there is none.
    """
    n = indptr.size - 1
    place = np.empty(n, np.int32)
    for k in range(n):
        place[order[k]] = k
    start, earlier, kept = np.empty(n + 1, np.int64), np.empty(indices.size, np.int32), np.empty(indices.size)
    count = 0
    for k in range(n):
        start[k] = count
        for arc in range(indptr[order[k]], indptr[order[k] + 1]):
            other = place[indices[arc]]
            if other < k:
                earlier[count], kept[count] = other, values[arc]
                count += 1
    start[n] = count
    mark, through = np.zeros(n), np.zeros(n)
    for u in range(n):
        begin, end = start[u], start[u + 1]
        for one in range(begin, end):
            mark[earlier[one]] = kept[one]
        for one in range(begin, end):
            v = np.int64(earlier[one])
            total = 0.0
            for two in range(start[v], start[v + 1]):
                w = np.int64(earlier[two])
                product = kept[one] * kept[two] * mark[w]  # 0 where this is no triangle: nothing to be guessed
                total += product
                through[w] += product
            through[v] += total
            through[u] += total
        for one in range(begin, end):
            mark[earlier[one]] = 0.0
    for k in range(n):
        sums[order[k]] = through[k]
