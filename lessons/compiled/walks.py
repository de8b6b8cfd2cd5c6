"""The kernels of `lessons.walks`: PageRank by relaxation, and random walks counted."""

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
