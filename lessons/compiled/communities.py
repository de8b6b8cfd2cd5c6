"""The kernels of `lessons.communities`: nodes that move, communities that are refined, a graph made of them.

What they share:

    indptr, indices     the arcs of each node, none from a node to itself
    weights (arcs,)     whole numbers; empty where all are 1
    degrees (n,)        of each node, the weight of its arcs, and twice that of its self-loops, which never matter
    communities (n,)    the number of each node's community, below n
    totals (n,)         of each community, the degrees of its nodes

All weights are whole numbers that add up to less than 2^53, held as float64: sums of them are exact.
"""

import numpy as np

from lessons.compiled import kernel, rng

TIE = 2.0**-44  # of the largest that a gain may be: more than rounding makes of an equal one
BLOCK = 1_024  # nodes that are shuffled among each other: what they read lies close together


@kernel("void(u8, i4[:]!)")
def shuffle(stream, order):  # type: ignore[no-untyped-def]
    """See `lessons.local_moves.random_order`."""
    for i in range(order.size):
        first = i & ~(BLOCK - 1)
        j = first + np.int64(rng.uniform(stream, i) * (i - first + 1))
        order[i] = order[j]
        order[j] = i


@kernel("void(i8[:], i4[:], f8[:], f8[:], f8, f8, i4[:]!, i8, i4[:]!)")
def move(indptr, indices, weights, degrees, total, resolution, queue, visits, communities):  # type: ignore[no-untyped-def]
    """See `lessons.local_moves.move_definition`.

    `queue` (n,) holds all nodes in the order of their first visit; it is a ring, as no node is in it twice.
    `shared[c]` is the weight of the arcs from the node in hand to community c.
    """
    n = queue.size
    waits = np.ones(n, np.bool_)
    totals, members = np.zeros(n), np.zeros(n, np.int32)
    for v in range(n):
        totals[communities[v]] += degrees[v]
        members[communities[v]] += 1
    free, vacant = np.empty(n, np.int32), 0  # numbers that no community has
    for c in range(n - 1, -1, -1):
        if members[c] == 0:
            free[vacant] = c
            vacant += 1
    shared, around = np.zeros(n), np.empty(n, np.int32)
    unit = weights.size == 0
    slack = TIE * total * max(resolution, 1.0)
    head, length = 0, n
    while length > 0 and visits != 0:
        v = np.uint32(queue[head])
        head = head + 1 if head + 1 < n else 0
        length -= 1
        visits -= 1
        waits[v] = False
        first, last = indptr[v], indptr[v + 1]
        own, degree = np.uint32(communities[v]), degrees[v]
        # the weights to all communities around
        count = 0
        for arc in range(first, last):
            c = np.uint32(communities[np.uint32(indices[arc])])
            if shared[c] == 0.0:
                around[count] = c
                count += 1
            shared[c] += 1.0 if unit else weights[arc]
        # the best of them, without the node
        pull = resolution * degree
        totals[own] -= degree
        best, most = own, total * shared[own] - pull * totals[own]
        margin = slack * degree
        for i in range(count):
            c = np.uint32(around[i])
            gain = total * shared[c] - pull * totals[c]
            shared[c] = 0.0
            if gain > most + margin:
                best, most = c, gain
        if most < -margin and members[own] > 1:
            vacant -= 1
            best = np.uint32(free[vacant])
        totals[best] += degree
        if best == own:
            continue
        # the move, and who has to be asked again
        communities[v] = best
        members[best] += 1
        members[own] -= 1
        if members[own] == 0:
            free[vacant] = own
            vacant += 1
        for arc in range(first, last):
            u = np.uint32(indices[arc])
            if not waits[u] and np.uint32(communities[u]) != best:
                at = head + length
                queue[at if at < n else at - n] = u
                length += 1
                waits[u] = True


@kernel("void(i8[:], i4[:], f8[:], f8[:], f8, f8, i4[:], i4[:], i4[:]!)")
def refine(indptr, indices, weights, degrees, total, resolution, order, communities, refined):  # type: ignore[no-untyped-def]
    """See `lessons.local_moves.refine_definition`.

    `shared[r]` is the weight of the arcs from the node in hand to the refined community r, `bound[r]` that of the
    arcs from r to the rest of the community which it is a part of.
    """
    n = order.size
    whole, totals, bound = np.zeros(n), degrees.copy(), np.full(n, -1.0)
    alone = np.ones(n, np.bool_)
    for v in range(n):
        whole[communities[v]] += degrees[v]
        refined[v] = v
    unit = weights.size == 0
    for v in range(n):
        inside = 0.0
        for arc in range(indptr[v], indptr[v + 1]):
            if communities[np.uint32(indices[arc])] == communities[v]:
                inside += 1.0 if unit else weights[arc]
        bound[v] = inside
    shared, around = np.zeros(n), np.empty(n, np.int32)
    slack = TIE * total * max(resolution, 1.0)
    for i in range(n):
        v = np.uint32(order[i])
        if not alone[v]:
            continue
        own, degree = communities[v], degrees[v]
        pull, margin = resolution * degree, slack * degree
        if total * bound[v] < pull * (whole[own] - degree):
            continue  # too loosely joined to the rest
        count = 0
        for arc in range(indptr[v], indptr[v + 1]):
            u = np.uint32(indices[arc])
            if communities[u] != own:
                continue
            r = np.uint32(refined[u])
            if shared[r] == 0.0:
                around[count] = r
                count += 1
            shared[r] += 1.0 if unit else weights[arc]
        best, most = v, 0.0
        into = 0.0
        for k in range(count):
            r = np.uint32(around[k])
            gain = total * shared[r] - pull * totals[r]
            if gain > most + margin and total * bound[r] >= resolution * totals[r] * (whole[own] - totals[r]):
                best, most, into = r, gain, shared[r]
            shared[r] = 0.0
        if best != v:
            refined[v] = best
            alone[v] = False
            alone[best] = False
            totals[best] += degree
            bound[best] += bound[v] - 2.0 * into


@kernel("i8(i4[:]!)")
def renumber(communities):  # type: ignore[no-untyped-def]
    """Number communities by their first nodes, 0, 1, ...; -> how many there are."""
    n, count = communities.size, 0
    number = np.full(n, np.int32(-1))
    for v in range(n):
        c = communities[v]
        if number[c] < 0:
            number[c] = count
            count += 1
        communities[v] = number[c]
    return count


@kernel("i8(i8[:], i4[:], f8[:], f8[:], i4[:], i8[:]!, i4[:]!, f8[:]!, f8[:]!)")
def aggregate(  # type: ignore[no-untyped-def]
    indptr, indices, weights, degrees, communities, to_indptr, to_indices, to_weights, to_degrees
):
    """Make a node of each community, numbered from 0 on without a gap; -> how many arcs there are between them.

    `place[c]` is where, among the arcs of the row being written, the one to c is; older places are smaller than
    the row's first.
    """
    n, k = degrees.size, to_degrees.size
    unit = weights.size == 0
    # the nodes of each community, one after the other
    begin, nodes = np.zeros(k + 2, np.int64), np.empty(n, np.int32)
    for v in range(n):
        begin[communities[v] + 2] += 1
    for c in range(k):
        begin[c + 1] += begin[c]
    for v in range(n):
        c = communities[v]
        nodes[begin[c + 1]] = v
        begin[c + 1] += 1
    place = np.full(k, -1)
    arcs = 0
    to_indptr[0] = 0
    for row in range(k):
        first = arcs
        to_degrees[row] = 0.0
        for i in range(begin[row], begin[row + 1]):
            v = np.uint32(nodes[i])
            to_degrees[row] += degrees[v]
            for arc in range(indptr[v], indptr[v + 1]):
                c = np.uint32(communities[np.uint32(indices[arc])])
                if c == row:
                    continue
                at = place[c]
                if at < first:
                    place[c] = arcs
                    to_indices[arcs] = c
                    to_weights[arcs] = 1.0 if unit else weights[arc]
                    arcs += 1
                else:
                    to_weights[at] += 1.0 if unit else weights[arc]
        to_indptr[row + 1] = arcs
    return arcs
