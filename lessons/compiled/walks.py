"""The kernels of `lessons.walks` and `lessons.biased_walks`: PageRank, walks counted, biased walks."""

import numpy as np

from lessons.compiled import kernel
from lessons.compiled.rng import start, uniform

RESCALED = 100  # sweeps after which the scale of the answer is left alone, so that nothing can keep it moving


@kernel("i8(i8[:], i4[:], f8[:], f8[:], f8[:], f8, f8, f8, i8, f8[:]!, f8[:]!)")
def relax(  # type: ignore[no-untyped-def]
    first, tails, chances, degrees, jump, damping, omega, tolerance, most, y, distance
):
    """See `lessons.walks._relaxation`: solve y = a P^T y + b v for any scale b; -> how many sweeps it took.

    `first` and `tails` are the arcs by the row that they lead to. With `chances` (arcs,), z is y itself, and
    `degrees` are 1; without, every arc of a row is as likely, and z is y / degree, so that only ends are read.
    `degrees` are 0 where no arc leaves. `y` comes as a guess; `distance[0]` gets the bound.
    """
    n = jump.size
    scale, pace = np.empty(n), np.empty(n)
    for v in range(n):
        scale[v] = degrees[v] if degrees[v] > 0.0 else 1.0
        # A row is made right by its residual over 1 - a P[v, v]: what it holds comes back to it along a self-loop.
        left = scale[v]
        for arc in range(first[v], first[v + 1]):
            if tails[arc] == v:
                left -= damping * (chances[arc] if chances.size else 1.0)
        pace[v] = omega / left
        y[v] /= scale[v]
    z, b, taken = y, 1.0, 0
    kept = abs(1.0 - omega) + damping * omega  # of what each row lacks, at most what the sweep leaves or passes on
    while taken < most:
        taken += 1
        total, stuck, lacking = 0.0, 0.0, 0.0
        for v in range(n):
            arrived = 0.0
            if chances.size:
                for arc in range(first[v], first[v + 1]):
                    arrived += chances[arc] * z[np.uint32(tails[arc])]
            else:
                for arc in range(first[v], first[v + 1]):
                    arrived += z[np.uint32(tails[arc])]  # unsigned: no need to ask whether it counts from the end
            residual = b * jump[v] + damping * arrived - scale[v] * z[v]
            z[v] += pace[v] * residual
            lacking += abs(residual)
            now = z[v] * scale[v]
            total += now
            if degrees[v] == 0.0:
                stuck += now
        # |r|_1 <= kept * lacking, and x = y / total is at most 2 |r|_1 / ((1 - a) total) away.
        distance[0] = 2.0 * kept * lacking / ((1.0 - damping) * total)
        if 0.0 <= distance[0] <= tolerance:
            break
        # The scale for which the residuals sum to 0: then the slowest part of the error, a multiple of y, is gone.
        fitting = (1.0 - damping) * total + damping * stuck
        if taken <= RESCALED and fitting > 0.0:
            b = fitting
    for v in range(n):
        y[v] *= scale[v]
    return taken


@kernel("void(i8[:], f8[:], f8[:]!)")
def row_sums(indptr, weights, sums):  # type: ignore[no-untyped-def]
    """The running sums (arcs,) of the weights of each row."""
    for u in range(indptr.size - 1):
        total = 0.0
        for arc in range(indptr[u], indptr[u + 1]):
            total += weights[arc]
            sums[arc] = total


@kernel("i8(f8[:], i8, i8, f8)")
def drawn(sums, first, end, at_random):  # type: ignore[no-untyped-def]
    """The first place in first ... end - 1 whose sum is above `at_random`, as `bisect_right`."""
    while first < end:
        middle = (first + end) >> 1
        if at_random < sums[middle]:
            end = middle
        else:
            first = middle + 1
    return first


@kernel("void(i8[:], i4[:], f8[:], f8[:], f8, u8, i8, i8, i8[:]!)")
def visits(indptr, indices, sums, jump, damping, key, walk, last, counts):  # type: ignore[no-untyped-def]
    """See `lessons.walks.random_walk_visits`: add the visits of the walks up to `last` to `counts` (n,).

    `sums` (arcs,) are the weights summed along each row, `jump` (n,) the chances of a jump summed over the rows;
    either has no entry where all are as likely.
    """
    n = counts.size
    while walk < last:
        stream = start(key, walk)
        walk += 1
        draw = 0
        u = -1  # so that the walk starts with a jump
        while draw == 0 or uniform(stream, draw - 1) < damping:
            at_random = uniform(stream, draw)
            first, end = (indptr[u], indptr[u + 1]) if u >= 0 else (np.int64(0), np.int64(0))
            if first < end and (sums.size == 0 or sums[end - 1] > 0.0):
                if sums.size:
                    u = np.int64(indices[drawn(sums, first, end, at_random * sums[end - 1])])
                else:
                    u = np.int64(indices[first + np.int64(at_random * (end - first))])
            elif jump.size:
                u = drawn(jump, 0, n, at_random * jump[n - 1])
            else:
                u = np.int64(at_random * n)
            counts[u] += 1
            draw += 2


@kernel("i8(i4[:], i8, i8, i4)")
def place(indices, first, end, x):  # type: ignore[no-untyped-def]
    """The first arc in first ... end - 1 that leads to x or beyond, as `bisect_left`."""
    while first < end:
        middle = (first + end) >> 1
        if indices[middle] < x:
            first = middle + 1
        else:
            end = middle
    return first


@kernel("b1(i4[:], i8, i8, i4)")
def leads(indices, first, end, x):  # type: ignore[no-untyped-def]
    """Whether one of the arcs in first ... end - 1 leads to x."""
    while first < end:
        middle = (first + end) >> 1
        found = indices[np.uint64(middle)]  # unsigned: no need to ask whether it counts from the end
        if found == x:
            return True
        if found < x:
            first = middle + 1
        else:
            end = middle
    return False


@kernel("b1(i8[:], i4[:], b1, i4, i4)")
def joined(indptr, indices, directed, t, x):  # type: ignore[no-untyped-def]
    """Whether an edge leads from t to x; where undirected, the shorter row is asked."""
    if not directed and indptr[x + 1] - indptr[x] < indptr[t + 1] - indptr[t]:
        t, x = x, t
    return leads(indices, indptr[t], indptr[t + 1], x)


@kernel("i4(i8[:], i4[:], b1, f8, f8, u8, i8, i4, i4)")
def next_alike(indptr, indices, directed, backwards, away, stream, draw, t, v):  # type: ignore[no-untyped-def]
    """A step where all edges weigh the same; -1 after as many trials as v has successors."""
    first, end = indptr[v], indptr[v + 1]
    highest, lowest = max(1.0, away), min(1.0, away)
    inverse = 1.0 / highest
    # The arc back to t is drawn apart, with its own chance; the others as if alpha were highest.
    back = 0 if directed and not leads(indices, first, end, t) else 1
    others, returns = end - first - back, back * backwards
    total = returns + others * highest
    for trial in range(draw, draw + end - first):
        at = uniform(stream, trial) * total
        if at < returns:
            return t
        at = (at - returns) * inverse
        arc = np.int64(at)
        if arc >= others:
            continue  # rounding
        x = indices[np.uint64(first + arc)]
        if x >= t:  # beyond the arc back to t
            x = indices[np.uint64(first + arc + back)]
        # Kept with chance alpha / highest: where within the arc `at` lies is as good as another random number.
        height = (at - arc) * highest
        if height < lowest or height < (1.0 if joined(indptr, indices, directed, t, x) else away):
            return x
    return np.int32(-1)


@kernel("f8(f8[:], i8, i8)")
def sum_below(sums, first, arc):  # type: ignore[no-untyped-def]
    """The weight of the arcs of a row that come before this one."""
    if sums.size == 0:
        return np.float64(arc - first)
    return sums[arc - 1] if arc > first else 0.0


@kernel("i4(i8[:], i4[:], f8[:], b1, f8, f8, u8, i8, i4, i4)")
def next_weighted(  # type: ignore[no-untyped-def]
    indptr, indices, sums, directed, backwards, away, stream, draw, t, v
):
    """As `next_alike`, by the weights."""
    first, end = indptr[v], indptr[v + 1]
    highest, lowest = max(1.0, away), min(1.0, away)
    back = place(indices, first, end, t)
    below, weight = sum_below(sums, first, back), 0.0
    if back < end and indices[back] == t:
        weight = sums[back] - below
    returns, others = weight * backwards, sums[end - 1] - weight
    total, inverse = returns + others * highest, 1.0 / highest
    for trial in range(draw, draw + end - first):
        at = uniform(stream, trial) * total
        if at < returns:
            return t
        at = (at - returns) * inverse
        if at >= below:
            at += weight
        arc = drawn(sums, first, end, at)
        if arc >= end or indices[arc] == t:
            continue
        before = sum_below(sums, first, arc)
        x, height = indices[arc], (at - before) / (sums[arc] - before) * highest
        if height < lowest or height < (1.0 if joined(indptr, indices, directed, t, x) else away):
            return x
    return np.int32(-1)


@kernel("i4(i8[:], i4[:], f8[:], b1, f8, f8, i4, i4, f8)")
def exactly(indptr, indices, sums, directed, backwards, away, t, v, at_random):  # type: ignore[no-untyped-def]
    """A successor of v drawn from all the chances, added up, for a walk that came from t."""
    first, end = indptr[v], indptr[v + 1]
    total, wanted = 0.0, np.inf
    for _ in range(2):
        total = 0.0
        for arc in range(first, end):
            x = indices[arc]
            alpha = backwards
            if x != t:
                alpha = 1.0 if joined(indptr, indices, directed, t, x) else away
            total += alpha * (sum_below(sums, first, arc + 1) - sum_below(sums, first, arc))
            if total > wanted:
                return x
        wanted = at_random * total
    return t


@kernel("void(i8[:], i4[:], f8[:], b1, f8, f8, u8, i8, i8, i8, i4[:], i4[:,:]!)")
def biased(  # type: ignore[no-untyped-def]
    indptr, indices, sums, directed, backwards, away, key, task, walk, last, starts, walks
):
    """See `lessons.biased_walks.random_walks`: write the walks up to `last`, each into its row of `walks`.

    `backwards` and `away` are 1/p and 1/q; `sums` (arcs,) as for `visits`. The walk from row v is task `task` + v,
    and the draws of step i are those from i * 2^32 on.
    """
    length = walks.shape[1]
    while walk < last:
        v, t = starts[walk], np.int32(-1)
        stream = start(key, task + v)
        walks[walk, 0] = v
        for done in range(1, length):
            first, end = indptr[v], indptr[v + 1]
            draw, x = done << 32, np.int32(-1)
            if first == end or (sums.size and sums[end - 1] == 0.0):
                pass  # a dead end
            elif t < 0 and sums.size:
                x = indices[drawn(sums, first, end, uniform(stream, draw) * sums[end - 1])]
            elif t < 0:
                x = indices[first + np.int64(uniform(stream, draw) * (end - first))]
            else:
                if sums.size:
                    x = next_weighted(indptr, indices, sums, directed, backwards, away, stream, draw, t, v)
                else:
                    x = next_alike(indptr, indices, directed, backwards, away, stream, draw, t, v)
                if x < 0:
                    at_random = uniform(stream, draw + end - first)
                    x = exactly(indptr, indices, sums, directed, backwards, away, t, v, at_random)
            walks[walk, done] = x
            if x < 0:
                for rest in range(done + 1, length):
                    walks[walk, rest] = -1
                break
            t, v = v, x
        walk += 1
