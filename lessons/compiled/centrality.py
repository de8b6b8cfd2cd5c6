"""The kernels of `lessons.centrality`: Brandes' algorithm level by level, and by Dijkstra's for arcs with lengths.

His letters are kept: `d` the distance from s (here the level, -1 where not reached), `sigma` the number of
shortest paths from s, `delta` what a row carries of the paths from s. `order` is Q and S in one, the rows as they
are reached: those of level l stand in `order[start[l]:start[l + 1]]`. P is not kept: the rows before w are those
of the level before that have an arc to it.

Between two levels either side can do the work: rows of one push what they have along their arcs, or rows of the
other pull it along theirs. The side with fewer arcs does (S. Beamer, K. Asanovic, D. Patterson,
Direction-optimizing breadth-first search, Supercomputing 2012, doi:10.1109/SC.2012.50). Who pulls reads `held`,
which has the values of one level and zeros elsewhere, and so sums over all its arcs without asking any of them.
"""

import numpy as np

from lessons.compiled import kernel


@kernel("i8(i8[:], i4[:], i8, i8)")
def _arcs_of(indptr, order, begin, end):  # type: ignore[no-untyped-def]
    """How many arcs the rows of a level have."""
    arcs = 0
    for k in range(begin, end):
        arcs += indptr[order[k] + 1] - indptr[order[k]]
    return arcs


# ---------------------------------------------------------------------------------------- forward: sigma


@kernel("i8(i8[:], i4[:], i8, i8, i8, i4[:]!, f8[:]!, i4[:]!)")
def _push_paths(indptr, indices, level, begin, end, d, sigma, order):  # type: ignore[no-untyped-def]
    """Brandes' loop over w in successors[v], for all v of a level; -> where the next level ends."""
    count = end
    for k in range(begin, end):
        v = order[k]
        for arc in range(indptr[v], indptr[v + 1]):
            w = indices[arc]
            if d[w] < 0:
                d[w] = level + 1
                sigma[w] = sigma[v]
                order[count] = w
                count += 1
            elif d[w] == level + 1:
                sigma[w] += sigma[v]
    return count


@kernel("i8(i8[:], i4[:], i8, i8, i8, i4[:]!, f8[:]!, i4[:]!, f8[:]!)")
def _pull_paths(indptr, indices, level, begin, end, d, sigma, order, held):  # type: ignore[no-untyped-def]
    """The same, asked of every row w that is not reached yet; `indptr` and `indices` are the arcs to w."""
    for k in range(begin, end):
        held[order[k]] = sigma[order[k]]
    count = end
    for w in range(d.size):
        if d[w] < 0:
            paths = 0.0
            for arc in range(indptr[w], indptr[w + 1]):
                paths += held[indices[arc]]
            if paths > 0.0:
                d[w] = level + 1
                sigma[w] = paths
                order[count] = w
                count += 1
    for k in range(begin, end):
        held[order[k]] = 0.0
    return count


@kernel("i8(i8[:], i4[:], i8[:], i4[:], i8, i4[:]!, f8[:]!, i4[:]!, i8[:]!, f8[:]!)")
def _paths(indptr, indices, to_indptr, to_indices, s, d, sigma, order, start, held):  # type: ignore[no-untyped-def]
    """All shortest paths from s, breadth first; -> the number of levels, s alone in level 0."""
    d[s], sigma[s], order[0] = 0, 1.0, s
    start[0], start[1] = 0, 1
    level, not_reached = 0, to_indices.size - _arcs_of(to_indptr, order, 0, 1)
    while start[level] < start[level + 1]:
        begin, end = start[level], start[level + 1]
        if _arcs_of(indptr, order, begin, end) <= not_reached + d.size:
            count = _push_paths(indptr, indices, level, begin, end, d, sigma, order)
        else:
            count = _pull_paths(to_indptr, to_indices, level, begin, end, d, sigma, order, held)
        not_reached -= _arcs_of(to_indptr, order, end, count)
        level += 1
        start[level + 1] = count
    return level


# ---------------------------------------------------------------------------------------- backward: delta


@kernel("void(i8[:], i4[:], i8, i8, i8, i4[:], i4[:], f8[:], f8[:]!)")
def _push_shares(indptr, indices, level, begin, end, d, order, held, delta):  # type: ignore[no-untyped-def]
    """Each row w of a level gives to those before it; `indptr` and `indices` are the arcs to w."""
    for k in range(begin, end):
        w = order[k]
        for arc in range(indptr[w], indptr[w + 1]):
            v = indices[arc]
            if d[v] == level - 1:
                delta[v] += held[w]


@kernel("void(i8[:], i4[:], i8, i8, i4[:], f8[:], f8[:]!)")
def _pull_shares(indptr, indices, begin, end, order, held, delta):  # type: ignore[no-untyped-def]
    """Each row v of a level takes from those after it."""
    for k in range(begin, end):
        v = order[k]
        share = 0.0
        for arc in range(indptr[v], indptr[v + 1]):
            share += held[indices[arc]]
        delta[v] = share


@kernel("void(i8[:], i4[:], i8[:], i4[:], f8[:], i8, i4[:], f8[:], i4[:], i8[:], f8[:]!, f8[:]!)")
def _shares(indptr, indices, to_indptr, to_indices, weight, levels, d, sigma, order, start, held, delta):  # type: ignore[no-untyped-def]
    """delta[v] = sigma[v] * sum of (weight[w] + delta[w]) / sigma[w] over the rows w after v; last level first."""
    for level in range(levels - 1, 0, -1):
        begin, end, last = start[level], start[level + 1], start[level + 2]
        if _arcs_of(indptr, order, begin, end) <= _arcs_of(to_indptr, order, end, last):
            _pull_shares(indptr, indices, begin, end, order, held, delta)
        else:
            _push_shares(to_indptr, to_indices, level + 1, end, last, d, order, held, delta)
        for k in range(end, last):
            held[order[k]] = 0.0
        for k in range(begin, end):
            v = order[k]
            delta[v] *= sigma[v]  # not a number where sigma is too large for one, in the last level too
            held[v] = (weight[v] + delta[v]) / sigma[v]
    for k in range(start[1], start[2]):
        held[order[k]] = 0.0


@kernel("void(i8[:], i4[:], f8[:], f8, i8, i4[:], f8[:], i4[:], f8[:], f8[:]!)")
def _over_arcs(indptr, indices, weight, times, count, d, sigma, order, delta, over):  # type: ignore[no-untyped-def]
    """What each arc v -> w carries, once delta is known: the summand of w in delta[v]."""
    for k in range(count):
        v = order[k]
        for arc in range(indptr[v], indptr[v + 1]):
            w = indices[arc]
            if d[w] == d[v] + 1:
                over[arc] += times * (sigma[v] / sigma[w] * (weight[w] + delta[w]))


@kernel("void(i8[:], i4[:], i8[:], i4[:], f8[:], i8[:], f8[:], f8[:]!, f8[:]!, f8[:]!)")
def by_levels(indptr, indices, to_indptr, to_indices, weight, sources, times, through, squares, over):  # type: ignore[no-untyped-def]
    """See `lessons.centrality._by_definition`; `to_...` are the arcs turned round. O(n + m) for each source."""
    n = through.size
    d, order, start = np.full(n, -1, np.int32), np.empty(n, np.int32), np.empty(n + 2, np.int64)
    sigma, held, delta = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(sources.size):
        s = sources[i]
        levels = _paths(indptr, indices, to_indptr, to_indices, s, d, sigma, order, start, held)
        _shares(indptr, indices, to_indptr, to_indices, weight, levels, d, sigma, order, start, held, delta)
        count = start[levels]
        if over.size:
            _over_arcs(indptr, indices, weight, times[i], count, d, sigma, order, delta, over)
        for k in range(count):
            v = order[k]
            through[v] += times[i] * delta[v]
            squares[v] += times[i] * delta[v] * delta[v]
            d[v], delta[v] = -1, 0.0


# ---------------------------------------------------------------------------------------- arcs that have lengths


@kernel("b1(f8[:], i4, i4)")
def _nearer(d, v, w):  # type: ignore[no-untyped-def]
    """Of equal distances the smaller row comes first: see `lessons.centrality._zero_order`."""
    return d[v] < d[w] or (d[v] == d[w] and v < w)


@kernel("void(f8[:], i4[:]!, i4[:]!, i4)")
def _lift(d, heap, slot, v):  # type: ignore[no-untyped-def]
    """Move v, which has come nearer, up to its place in the heap; `slot` says where in the heap each row is."""
    at = slot[v]
    while at > 0 and _nearer(d, v, heap[(at - 1) >> 1]):
        heap[at] = heap[(at - 1) >> 1]
        slot[heap[at]] = at
        at = (at - 1) >> 1
    heap[at], slot[v] = v, at


@kernel("i4(f8[:], i4[:]!, i4[:]!, i8)")
def _take(d, heap, slot, size):  # type: ignore[no-untyped-def]
    """The nearest row, out of a heap of `size`; the last one sinks from the top to its place."""
    nearest, v, at = heap[0], heap[size - 1], 0
    while True:
        child = 2 * at + 1
        if child + 1 < size - 1 and _nearer(d, heap[child + 1], heap[child]):
            child += 1
        if child >= size - 1 or not _nearer(d, heap[child], v):
            break
        heap[at] = heap[child]
        slot[heap[at]] = at
        at = child
    heap[at], slot[v] = v, at
    return nearest


@kernel("i8(i8[:], i4[:], f8[:], i8, f8[:]!, f8[:]!, i4[:]!, i4[:]!, i4[:]!, i4[:]!)")
def _dijkstra(indptr, indices, lengths, s, d, sigma, order, place, heap, slot):  # type: ignore[no-untyped-def]
    """All shortest paths from s; -> how many rows are reached. `place` is where in `order` a row stands, or -1."""
    d[s], sigma[s], heap[0], slot[s] = 0.0, 1.0, s, 0
    size, count = 1, 0
    while size:
        v = _take(d, heap, slot, size)
        size -= 1
        order[count], place[v] = v, count
        count += 1
        for arc in range(indptr[v], indptr[v + 1]):
            w, distance = indices[arc], d[v] + lengths[arc]
            if place[w] >= 0 or distance > d[w]:
                continue
            if distance < d[w]:
                if slot[w] < 0:
                    slot[w] = size
                    size += 1
                d[w], sigma[w] = distance, 0.0
                _lift(d, heap, slot, w)
            sigma[w] += sigma[v]
    return count


@kernel("void(i8[:], i4[:], f8[:], f8[:], i8[:], f8[:], f8[:]!, f8[:]!, f8[:]!)")
def by_lengths(indptr, indices, lengths, weight, sources, times, through, squares, over):  # type: ignore[no-untyped-def]
    """As `by_levels`, in O(m log n) a source; `lengths` (arcs,) are zero or more."""
    n = through.size
    order, heap = np.empty(n, np.int32), np.empty(n, np.int32)
    place, slot = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    d, sigma, each = np.full(n, np.inf), np.zeros(n), np.zeros(n)  # each: (weight + delta) / sigma
    for i in range(sources.size):
        count = _dijkstra(indptr, indices, lengths, sources[i], d, sigma, order, place, heap, slot)
        for k in range(count - 1, -1, -1):
            v = order[k]
            share = 0.0
            for arc in range(indptr[v], indptr[v + 1]):
                w = indices[arc]
                if place[w] > k and d[v] + lengths[arc] == d[w]:
                    share += each[w]
                    if over.size:
                        over[arc] += times[i] * (sigma[v] * each[w])
            delta = sigma[v] * share  # not a number where sigma is too large for one
            each[v] = (weight[v] + delta) / sigma[v]
            if k:
                through[v] += times[i] * delta
                squares[v] += times[i] * delta * delta
        for k in range(count):
            v = order[k]
            d[v], place[v], slot[v] = np.inf, -1, -1
