"""The kernels of `lessons.multilevel` that make a partition better: Fiduccia and Mattheyses' moves for k parts.

What all of them share:

    parts (n,)             the part of each node
    loads (k, 4)           of each part, its WEIGHT, its COUNT of nodes, the LIMIT of its weight, and the most that
                           it may weigh within a search, ON_THE_WAY
    near (n,)              of each node, how many other parts it has neighbours in; -1 where that is not known yet
    near_part, near_weight from arc indptr[v] on: those parts, and the weight of the edges from v to each
    inside (n,)            of each node, the weight of its edges within its part
    heap, place            a binary heap of nodes by gain, largest first: gain << 32 | node; and where each node is

The gain of moving v is what the cut loses: the weight of v's edges into the part where it goes, less `inside`.
"""

import numpy as np

from lessons.compiled import kernel, rng

WEIGHT, COUNT, LIMIT, ON_THE_WAY = 0, 1, 2, 3
MANY, FAR = 1000, 50  # a node of so many neighbours, and of so many times the mean, is no part of searches apart,
# as each of them would have to look at all of its neighbours
NODE = (1 << 32) - 1  # the bits of a heap's entry that hold the node


# ---------------------------------------------------------------------------------------- a queue by gain


@kernel("void(i8[:]!, i4[:]!, i8)")
def rise(heap, place, i):  # type: ignore[no-untyped-def]
    """Let the entry at i rise to where it belongs."""
    entry = heap[i]
    while i > 0:
        above = (i - 1) >> 1
        if heap[above] >= entry:
            break
        heap[i] = heap[above]
        place[heap[i] & NODE] = i
        i = above
    heap[i] = entry
    place[entry & NODE] = i


@kernel("void(i8[:]!, i4[:]!, i8, i8)")
def sink(heap, place, i, size):  # type: ignore[no-untyped-def]
    """Let the entry at i sink to where it belongs."""
    entry = heap[i]
    while True:
        below = 2 * i + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] > heap[below]:
            below += 1
        if heap[below] <= entry:
            break
        heap[i] = heap[below]
        place[heap[i] & NODE] = i
        i = below
    heap[i] = entry
    place[entry & NODE] = i


@kernel("i8(i8[:]!, i4[:]!, i8, i8, i8)")
def put(heap, place, size, v, gain):  # type: ignore[no-untyped-def]
    """Put v into the queue, or change its gain there; -> the queue's size."""
    i = np.int64(place[v])
    entry = gain << 32 | v
    if i < 0:
        heap[size] = entry
        rise(heap, place, size)
        return size + 1
    before = heap[i]
    heap[i] = entry
    if entry > before:
        rise(heap, place, i)
    elif entry < before:
        sink(heap, place, i, size)
    return size


@kernel("i8(i8[:]!, i4[:]!, i8, i8)")
def take_out(heap, place, size, v):  # type: ignore[no-untyped-def]
    """Take v out of the queue, if it is there; -> the queue's size."""
    i = np.int64(place[v])
    if i < 0:
        return size
    size -= 1
    place[v] = -1
    if i < size:
        heap[i] = heap[size]
        place[heap[i] & NODE] = i
        rise(heap, place, i)
        sink(heap, place, np.int64(place[heap[size] & NODE]), size)
    return size


# ---------------------------------------------------------------------------------------- where a node may go


@kernel("void(i8[:], i4[:], i4[:], i4[:], i4[:]!, i4[:]!, i4[:]!, i4[:]!, i8)")
def survey(indptr, indices, edge_weights, parts, near, near_part, near_weight, inside, v):  # type: ignore[no-untyped-def]
    """Find the parts around v."""
    first = indptr[v]
    end, within, own = first, 0, parts[v]
    for arc in range(first, indptr[v + 1]):
        p = parts[np.uint32(indices[arc])]
        if p == own:
            within += edge_weights[arc]
            continue
        at = first
        while at < end and near_part[at] != p:
            at += 1
        if at == end:
            near_part[at] = p
            near_weight[at] = 0
            end += 1
        near_weight[at] += edge_weights[arc]
    near[v] = end - first
    inside[v] = within


@kernel("void(i8[:], i4[:]!, i4[:]!, i4[:]!, i8, i8, i8)")
def add_weight(indptr, near, near_part, near_weight, v, p, w):  # type: ignore[no-untyped-def]
    """The edges from v to part p, not its own, weigh w more; or less, where w < 0, and 0 is none."""
    first = indptr[v]
    end = first + near[v]
    at = first
    while at < end and near_part[at] != p:
        at += 1
    if at == end:
        near_part[at] = p
        near_weight[at] = w
        near[v] += 1
        return
    near_weight[at] += w
    if near_weight[at] == 0:
        near_part[at] = near_part[end - 1]
        near_weight[at] = near_weight[end - 1]
        near[v] -= 1


@kernel("i8(i8[:], i8[:], i4[:], i8[:,:], i4[:], i4[:], i4[:], i8)")
def best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, v):  # type: ignore[no-untyped-def]
    """Where in `near_part` the best part for v stands that has room: most edges, then lightest; -1 for none."""
    if loads[parts[v], COUNT] == 1:  # no part is left empty
        return -1
    best = np.int64(-1)
    for at in range(indptr[v], indptr[v] + near[v]):
        p = near_part[at]
        if loads[p, WEIGHT] + vertex_weights[v] > loads[p, ON_THE_WAY]:
            continue
        if best >= 0:
            more = near_weight[at] - near_weight[best]
            if more < 0 or (more == 0 and loads[p, WEIGHT] >= loads[near_part[best], WEIGHT]):
                continue
        best = at
    return best


@kernel("void(i8[:], i4[:], i4[:], i8[:], i4[:]!, i8[:,:]!, i4[:]!, i4[:]!, i4[:]!, i4[:]!, i8, i8)")
def move(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, parts, loads, near, near_part, near_weight, inside, v, to
):
    """Move v, whose surroundings are known, and tell those of its neighbours whose surroundings are known."""
    own = np.int64(parts[v])
    parts[v] = to
    loads[own, WEIGHT] -= vertex_weights[v]
    loads[to, WEIGHT] += vertex_weights[v]
    loads[own, COUNT] -= 1
    loads[to, COUNT] += 1
    left, met = np.int64(inside[v]), 0
    for at in range(indptr[v], indptr[v] + near[v]):
        if near_part[at] == to:
            met = np.int64(near_weight[at])
    if met:
        add_weight(indptr, near, near_part, near_weight, v, to, -met)
    if left:
        add_weight(indptr, near, near_part, near_weight, v, own, left)
    inside[v] = met
    for arc in range(indptr[v], indptr[v + 1]):
        u = np.int64(indices[arc])
        if near[u] < 0:
            continue
        w = np.int64(edge_weights[arc])
        if parts[u] == own:
            inside[u] -= w
        else:
            add_weight(indptr, near, near_part, near_weight, u, own, -w)
        if parts[u] == to:
            inside[u] += w
        else:
            add_weight(indptr, near, near_part, near_weight, u, to, w)


# ---------------------------------------------------------------------------------------- refinement


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:]!, i8[:,:]!, i4[:]!, i8, i8, i8, b1, b1, u8)")
def refine(  # type: ignore[no-untyped-def]
    indptr,
    indices,
    edge_weights,
    vertex_weights,
    parts,
    loads,
    border,
    count,
    passes,
    patience,
    apart,
    thorough,
    stream,
):
    """See `lessons.multilevel.refine`; -> how many nodes of `border` may have neighbours in other parts.

    `border[:count]` holds all such nodes, before and after, and perhaps some others. A search makes the best move
    there is, the next best, ..., each node once, also where they lose; it gives up `patience` moves after the best
    cut, and takes those back. In a pass, one search starts from all nodes of the border; or, if `apart`, one from
    each of them.

    Nodes that would lose more than half of what holds them are left alone, and a search from all begins with those
    that lose nothing: the others are many, and seldom worth it. A `thorough` search takes all. Within that, or one
    from a single node, parts may be above their limits by one node, as when two nodes change places.
    """
    n = parts.size
    near, inside = np.full(n, np.int32(-1)), np.empty(n, np.int32)
    near_part, near_weight = np.empty(indices.size, np.int32), np.empty(indices.size, np.int32)
    heap, place = np.empty(n, np.int64), np.full(n, np.int32(-1))
    log, origin = np.empty(n, np.int32), np.empty(n, np.int32)
    listed, moved = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for i in range(count):
        listed[border[i]] = True
    heaviest = np.int64(0)
    for v in range(n):
        heaviest = max(heaviest, vertex_weights[v])
    for p in range(loads.shape[0]):
        loads[p, ON_THE_WAY] = loads[p, LIMIT] + (heaviest if apart or thorough else 0)
    widest = max(MANY, FAR * indices.size // max(n, 1)) if apart else indices.size
    draws = 0
    for _ in range(passes):
        # Keep those that have a neighbour in another part.
        kept = 0
        for i in range(count):
            v = np.int64(border[i])
            if near[v] < 0:
                survey(indptr, indices, edge_weights, parts, near, near_part, near_weight, inside, v)
            if near[v]:
                border[kept] = v
                kept += 1
            else:
                listed[v] = False
        starts = count = kept
        for i in range(starts - 1 if apart else 0, 0, -1):
            j = np.int64(rng.uniform(stream, draws) * (i + 1))
            draws += 1
            border[i], border[j] = border[j], border[i]
        moved[:] = False
        improved = np.int64(0)
        start = 0
        while start < starts:
            # Start from one node, or from all.
            size, end = 0, start + 1 if apart else starts
            while start < end:
                v = np.int64(border[start])
                start += 1
                if not moved[v] and indptr[v + 1] - indptr[v] <= widest:
                    slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, v)
                    if slot >= 0 and (thorough or (2 if apart else 1) * near_weight[slot] >= inside[v]):
                        size = put(heap, place, size, v, np.int64(near_weight[slot] - inside[v]))
            gain, best, moves, best_moves = np.int64(0), np.int64(0), 0, 0
            above = 0  # how many parts have come to be above their limit
            while size and moves - best_moves < patience:
                # The best move; where parts have filled up since, its gain may be less than the queue says.
                v, promised = heap[0] & NODE, heap[0] >> 32
                size = take_out(heap, place, size, v)
                slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, v)
                if slot < 0:
                    continue
                own, to = np.int64(parts[v]), np.int64(near_part[slot])
                gained = np.int64(near_weight[slot] - inside[v])
                if gained < promised and size and gained < heap[0] >> 32:
                    size = put(heap, place, size, v, gained)
                    continue
                above -= loads[own, WEIGHT] > loads[own, LIMIT]
                above -= loads[to, WEIGHT] > loads[to, LIMIT]
                move(
                    indptr, indices, edge_weights, vertex_weights, parts, loads, near, near_part, near_weight,
                    inside, v, to,
                )  # fmt: skip
                above += loads[own, WEIGHT] > loads[own, LIMIT]
                above += loads[to, WEIGHT] > loads[to, LIMIT]
                moved[v] = True
                log[moves], origin[moves] = v, own
                moves += 1
                gain += gained
                evener = loads[to, WEIGHT] < loads[own, WEIGHT] + vertex_weights[v]
                if above <= 0 and (gain > best or (gain == best and gain > 0 and evener)):
                    best, best_moves = gain, moves
                # Its neighbours see other parts now.
                for arc in range(indptr[v], indptr[v + 1]):
                    u = np.int64(indices[arc])
                    if near[u] < 0:
                        survey(indptr, indices, edge_weights, parts, near, near_part, near_weight, inside, u)
                    if not listed[u]:
                        listed[u] = True
                        border[count] = u
                        count += 1
                    if moved[u] or indptr[u + 1] - indptr[u] > widest:
                        continue
                    slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, u)
                    if slot >= 0 and (thorough or 2 * near_weight[slot] >= inside[u]):
                        size = put(heap, place, size, u, np.int64(near_weight[slot] - inside[u]))
                    else:
                        size = take_out(heap, place, size, u)
            for i in range(size):
                place[heap[i] & NODE] = -1
            for i in range(moves - 1, best_moves - 1, -1):
                v = np.int64(log[i])
                move(
                    indptr, indices, edge_weights, vertex_weights, parts, loads, near, near_part, near_weight,
                    inside, v, np.int64(origin[i]),
                )  # fmt: skip
                moved[v] = False
            improved += best
        if not improved:
            break
    return count


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:]!, i8[:,:]!, i4[:]!, i8)")
def rebalance(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, parts, loads, border, count
):
    """Move nodes out of parts above their limit, those of the border that cost least first; -> as `refine`.

    A node without room around it goes to the part that is lightest for its limit.
    """
    n, k = parts.size, loads.shape[0]
    for p in range(k):
        loads[p, ON_THE_WAY] = loads[p, LIMIT]
    near, inside = np.full(n, np.int32(-1)), np.empty(n, np.int32)
    near_part, near_weight = np.empty(indices.size, np.int32), np.empty(indices.size, np.int32)
    heap, place = np.empty(n, np.int64), np.full(n, np.int32(-1))
    listed = np.zeros(n, np.bool_)
    size = 0
    for i in range(count):
        v = np.int64(border[i])
        listed[v] = True
        if loads[parts[v], WEIGHT] > loads[parts[v], LIMIT]:
            survey(indptr, indices, edge_weights, parts, near, near_part, near_weight, inside, v)
            slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, v)
            reached = np.int64(near_weight[slot]) if slot >= 0 else 0
            size = put(heap, place, size, v, reached - inside[v])
    while size:
        v, promised = heap[0] & NODE, heap[0] >> 32
        size = take_out(heap, place, size, v)
        own = np.int64(parts[v])
        if loads[own, WEIGHT] <= loads[own, LIMIT] or loads[own, COUNT] == 1 or not vertex_weights[v]:
            continue
        slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, v)
        to, reached = np.int64(-1), np.int64(0)
        if slot >= 0:
            to, reached = np.int64(near_part[slot]), np.int64(near_weight[slot])
        else:
            for p in range(k):
                room = loads[p, LIMIT] - loads[p, WEIGHT] - vertex_weights[v]
                if room >= 0 and (to < 0 or room > loads[to, LIMIT] - loads[to, WEIGHT] - vertex_weights[v]):
                    to = np.int64(p)
        if to < 0:
            continue
        if reached - inside[v] < promised and size and reached - inside[v] < heap[0] >> 32:
            size = put(heap, place, size, v, reached - inside[v])
            continue
        move(
            indptr,
            indices,
            edge_weights,
            vertex_weights,
            parts,
            loads,
            near,
            near_part,
            near_weight,
            inside,
            v,
            to,
        )
        for arc in range(indptr[v], indptr[v + 1]):
            u = np.int64(indices[arc])
            if not listed[u]:
                listed[u] = True
                border[count] = u
                count += 1
            if parts[u] == own:
                if near[u] < 0:
                    survey(indptr, indices, edge_weights, parts, near, near_part, near_weight, inside, u)
                slot = best_slot(indptr, vertex_weights, parts, loads, near, near_part, near_weight, u)
                reached = np.int64(near_weight[slot]) if slot >= 0 else 0
                size = put(heap, place, size, u, reached - inside[u])
    return count


@kernel("void(i8[:], i4[:], i4[:], i8[:], i8, u8, i4[:]!)")
def grow(indptr, indices, edge_weights, vertex_weights, target, stream, parts):  # type: ignore[no-untyped-def]
    """Grow part 0 from a random node, by the node that cuts least, until it weighs `target`; 1 is the rest."""
    n = parts.size
    heap, place = np.empty(n, np.int64), np.full(n, np.int32(-1))
    gains = np.empty(n, np.int64)
    parts[:] = 1
    size, weight, starts = 0, np.int64(0), np.int64(0)
    shift = np.int64(rng.uniform(stream, 0) * n)
    while weight < target:
        if size:
            v = heap[0] & NODE
            size = take_out(heap, place, size, v)
        else:  # the first node, or the first of another component
            while starts < n and parts[(starts + shift) % n] == 0:
                starts += 1
            if starts == n:
                break
            v = (starts + shift) % n
            starts += 1
        over, under = weight + vertex_weights[v] - target, target - weight
        if over > under and weight:
            continue
        parts[v] = 0
        weight += vertex_weights[v]
        for arc in range(indptr[v], indptr[v + 1]):
            u = np.int64(indices[arc])
            if parts[u] == 0:
                continue
            if place[u] < 0:
                gains[u] = 0
                for other in range(indptr[u], indptr[u + 1]):
                    gains[u] += edge_weights[other] if parts[indices[other]] == 0 else -edge_weights[other]
            else:
                gains[u] += 2 * edge_weights[arc]
            size = put(heap, place, size, u, gains[u])


@kernel("void(i8[:], i8, u8, i4[:]!)")
def scatter(vertex_weights, target, stream, parts):  # type: ignore[no-untyped-def]
    """Put nodes into part 0 by lot, each if it fits, until it weighs `target`; 1 is the rest."""
    n, weight = parts.size, np.int64(0)
    parts[:] = 1
    for draw in range(3 * n):
        v = np.int64(rng.uniform(stream, draw) * n)
        if parts[v] and weight + vertex_weights[v] <= target:
            parts[v] = 0
            weight += vertex_weights[v]


@kernel("i8(i8[:], i4[:], i4[:], i4[:])")
def cut_of(indptr, indices, edge_weights, parts):  # type: ignore[no-untyped-def]
    """Twice the weight of the edges between parts."""
    cut = np.int64(0)
    for v in range(parts.size):
        for arc in range(indptr[v], indptr[v + 1]):
            if parts[indices[arc]] != parts[v]:
                cut += edge_weights[arc]
    return cut


@kernel("void(i8[:], i4[:], i8[:,:]!)")
def weigh(vertex_weights, parts, loads):  # type: ignore[no-untyped-def]
    """Fill in weight and count of each part."""
    loads[:, WEIGHT] = 0
    loads[:, COUNT] = 0
    for v in range(parts.size):
        loads[parts[v], WEIGHT] += vertex_weights[v]
        loads[parts[v], COUNT] += 1


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:], i8, i4[:]!, i8[:]!, i4[:]!, i4[:]!, i8[:]!, i4[:]!)")
def extract(  # type: ignore[no-untyped-def]
    indptr,
    indices,
    edge_weights,
    vertex_weights,
    parts,
    part,
    ids,
    to_indptr,
    to_indices,
    to_edges,
    to_vertices,
    local,
):
    """The subgraph within one part: `ids` its nodes, and its arrays; -> how many nodes it has."""
    count = 0
    for v in range(parts.size):
        if parts[v] == part:
            ids[count] = v
            local[v] = count
            count += 1
    arcs = 0
    to_indptr[0] = 0
    for i in range(count):
        v = np.int64(ids[i])
        to_vertices[i] = vertex_weights[v]
        for arc in range(indptr[v], indptr[v + 1]):
            u = indices[arc]
            if parts[u] == part:
                to_indices[arcs] = local[u]
                to_edges[arcs] = edge_weights[arc]
                arcs += 1
        to_indptr[i + 1] = arcs
    return count


@kernel("void(i8[:], i4[:], i4[:], i8[:], f8, f8, i8, i8, b1, u8, i4[:]!)")
def bisect(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, share, spare, tries, patience, thorough, stream, parts
):
    """The best of some bisections, each grown and refined. Part 0 gets this `share` of the weight, +- `spare`."""
    n = parts.size
    loads = np.empty((2, 4), np.int64)
    total, heaviest = np.int64(0), np.int64(0)
    for v in range(n):
        total += vertex_weights[v]
        heaviest = max(heaviest, vertex_weights[v])
    target = np.int64(share * total)
    loads[0, LIMIT] = max(np.int64((1 + spare) * target), target + heaviest)
    loads[1, LIMIT] = max(np.int64((1 + spare) * (total - target)), total - target + heaviest)
    candidate, border = np.empty(n, np.int32), np.empty(n, np.int32)
    best = np.int64(-1)
    for t in range(tries):
        start = rng.bits(stream, t)
        if thorough and t % 2:  # regions that grow miss what lies thorough, as round hubs
            scatter(vertex_weights, target, start, candidate)
        else:
            grow(indptr, indices, edge_weights, vertex_weights, target, start, candidate)
        weigh(vertex_weights, candidate, loads)
        for v in range(n):
            border[v] = v
        refine(
            indptr,
            indices,
            edge_weights,
            vertex_weights,
            candidate,
            loads,
            border,
            n,
            4,
            patience,
            False,
            thorough,
            start,
        )
        cut = cut_of(indptr, indices, edge_weights, candidate)
        if best < 0 or cut < best:
            best = cut
            for v in range(n):
                parts[v] = candidate[v]


@kernel("void(i8[:], i4[:], i4[:], i8[:], i8, f8, i8, i8, b1, u8, i4[:]!)")
def bisect_again_and_again(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, k, spare, tries, patience, thorough, stream, parts
):
    """k parts by bisection: parts first ... last become first ... middle and middle + 1 ... last, and so on."""
    n, arcs = parts.size, indices.size
    ids, local, halves = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    to_indptr, to_indices = np.empty(n + 1, np.int64), np.empty(arcs, np.int32)
    to_edges, to_vertices = np.empty(arcs, np.int32), np.empty(n, np.int64)
    ends = np.zeros(k, np.int64)  # of each part that is to be bisected, the part after its last one
    parts[:] = 0
    ends[0] = k
    for first in range(k):
        while ends[first] - first > 1:
            middle = first + (ends[first] - first + 1) // 2
            count = extract(
                indptr, indices, edge_weights, vertex_weights, parts, first, ids,
                to_indptr, to_indices, to_edges, to_vertices, local,
            )  # fmt: skip
            size = to_indptr[count]
            share = (middle - first) / (ends[first] - first)
            if count > 1:
                bisect(
                    to_indptr[: count + 1], to_indices[:size], to_edges[:size], to_vertices[:count],
                    share, spare, tries, patience, thorough, rng.bits(stream, first * k + middle), halves[:count],
                )  # fmt: skip
                for i in range(count):
                    if halves[i] == 1:
                        parts[ids[i]] = middle
            ends[middle] = ends[first]
            ends[first] = middle


@kernel("i8(i4[:], i4[:], b1[:], i4[:]!, i4[:]!, i8[:,:]!)")
def project(coarse_of, coarse_parts, coarse_border, parts, border, loads):  # type: ignore[no-untyped-def]
    """Carry parts to a finer level, count their nodes; -> how many of `border` may have neighbours elsewhere."""
    count = 0
    loads[:, COUNT] = 0
    for v in range(parts.size):
        c = coarse_of[v]
        parts[v] = coarse_parts[c]
        loads[parts[v], COUNT] += 1
        if coarse_border[c]:
            border[count] = v
            count += 1
    return count
