"""The kernels of `lessons.multilevel` that make a graph smaller: heavy-edge matching and contraction."""

import numpy as np

from lessons.compiled import kernel, rng

LOOKED_AT = 8  # neighbours of a node that has found no partner, when it looks for another such node two steps away


@kernel("void(i8[:], u8, i4[:]!)")
def visiting_order(indptr, stream, order):  # type: ignore[no-untyped-def]
    """All nodes in random order, those of small degree first, as they have the fewest partners to choose from."""
    n = order.size
    usual = (7 * indptr[n]) // (10 * max(n, 1)) + 1  # 0.7 of the mean degree; from there on degrees do not count
    shuffled = np.empty(n, np.int32)
    for i in range(n):
        first = i & ~16383
        j = first + np.int64(rng.uniform(stream, i) * (i - first + 1))
        shuffled[i] = shuffled[j]
        shuffled[j] = i
    place = np.zeros(usual + 2, np.int64)
    for v in range(n):
        place[min(indptr[v + 1] - indptr[v], usual) + 1] += 1
    for degree in range(usual + 1):
        place[degree + 1] += place[degree]
    for i in range(n):
        v = shuffled[i]
        degree = min(indptr[v + 1] - indptr[v], usual)
        order[place[degree]] = v
        place[degree] += 1


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:], i8, i4[:], i4[:]!)")
def match(indptr, indices, edge_weights, vertex_weights, parts, heaviest, order, mate):  # type: ignore[no-untyped-def]
    """See `lessons.multilevel.heavy_edge_matching`; -> how many nodes found no partner.

    The nodes of a pair lie in one of `parts`, where that is not empty, and weigh `heaviest` at most.
    """
    free, within = 0, parts.size > 0
    mate[:] = -1
    for i in range(order.size):
        v = np.uint32(order[i])
        if mate[v] >= 0:
            continue
        own = vertex_weights[v]
        partner, heavy, light = np.int32(-1), 0.0, 1.0  # square of the edge's weight, weight of the partner
        for arc in range(indptr[v], indptr[v + 1]):
            u = np.uint32(indices[arc])  # unsigned: no need to ask whether it counts from the end
            if mate[u] >= 0 or vertex_weights[u] + own > heaviest or (within and parts[u] != parts[v]):
                continue
            w, weight = np.float64(edge_weights[arc]), np.float64(vertex_weights[u])
            if w * w * light > heavy * weight:  # w^2 / weight is larger than that of the best so far
                partner, heavy, light = np.int32(u), w * w, max(weight, 1.0)
        if partner >= 0:
            mate[v] = partner
            mate[partner] = v
        else:
            mate[v] = v
            free += 1
    return free


@kernel("void(i8[:], i4[:], i8[:], i4[:], i8, i4[:], i4[:]!)")
def match_two_hops(indptr, indices, vertex_weights, parts, heaviest, order, mate):  # type: ignore[no-untyped-def]
    """Pair nodes that found no partner but share a neighbour, as the leaves of a star do."""
    waiting = np.full(order.size, np.int32(-1))  # at each node, one of its neighbours that has no partner
    for i in range(order.size):
        v = order[i]
        if mate[v] != v:
            continue
        for arc in range(indptr[v], min(indptr[v + 1], indptr[v] + LOOKED_AT)):
            u = waiting[indices[arc]]
            if u < 0 or mate[u] != u:
                waiting[indices[arc]] = v
            elif vertex_weights[u] + vertex_weights[v] <= heaviest and (not parts.size or parts[u] == parts[v]):
                mate[u] = v
                mate[v] = u
                break


@kernel("i8(i4[:], i4[:]!)")
def number_pairs(mate, coarse_of):  # type: ignore[no-untyped-def]
    """Number the pairs in the order of their smaller nodes: `coarse_of` (n,); -> how many there are."""
    count = 0
    for v in range(mate.size):
        if mate[v] >= v:
            coarse_of[v] = count
            coarse_of[mate[v]] = count
            count += 1
    return count


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:], i4[:], i8[:]!, i4[:]!, i4[:]!, i8[:]!)")
def contract(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, mate, coarse_of, to_indptr, to_indices, to_edges, to_vertices
):
    """See `lessons.multilevel.contract`; -> how many arcs the coarse graph has.

    `place[c]` is where, among the arcs of the row being written, the one to c is; older places are smaller than
    the row's first.
    """
    place = np.full(to_vertices.size, np.int32(-1))
    arcs, row = 0, 0
    to_indptr[0] = 0
    for v in range(mate.size):
        if mate[v] < v:
            continue
        first = arcs
        to_vertices[row] = 0
        member = np.int64(v)
        while True:
            to_vertices[row] += vertex_weights[member]
            for arc in range(indptr[member], indptr[member + 1]):
                c = np.uint32(coarse_of[np.uint32(indices[arc])])
                if c == row:
                    continue
                at = np.int64(place[c])
                if at < first:
                    place[c] = arcs
                    to_indices[arcs] = c
                    to_edges[arcs] = edge_weights[arc]
                    arcs += 1
                else:
                    to_edges[at] += edge_weights[arc]
            if member == mate[v]:
                break
            member = np.int64(mate[v])
        row += 1
        to_indptr[row] = arcs
    return arcs
