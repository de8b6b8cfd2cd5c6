"""The kernels of `lessons.flows`: the least balanced cut between two parts, within a corridor along their border.

The corridor's nodes are numbered 0 ... r - 1: those of the first part, then those of the second. What they share:

    first (r + 1,), head       the arcs of node i: first[i] ... first[i + 1] - 1, each to head[arc]
    capacity, flow, back       an edge's weight; what flows along an arc, below 0 where against it; its reverse
    ends (r,)                  SOURCE where flow comes from, TARGET where it goes to, 0 elsewhere
    side (r,)                  SOURCE where more could flow from sources, TARGET where to targets, 0 for others
    distance, queue (r,)       of a search
"""

import numpy as np

from lessons.compiled import kernel

WEIGHT, COUNT, LIMIT = 0, 1, 2  # as in lessons.compiled.refinement
SOURCE, TARGET = 1, 2
MISFITS = 10  # as many tries of what is too heavy to join a side


# ---------------------------------------------------------------------------------------- the corridor


@kernel("i8(i8[:], i4[:], i8[:], i4[:], i8, i8, i8, i4[:], i4[:]!, i4[:]!, i4[:]!)")
def corridor(  # type: ignore[no-untyped-def]
    indptr, indices, vertex_weights, parts, part, kind, budget, seeds, place, nodes, ends
):
    """Breadth first from the border into a part, until it weighs `budget`; -> how many nodes those are.

    They are written into `nodes` (2 n,) from its middle, downwards for the part where flow comes from. The first
    ones beyond the budget, or the last of a part that is within it, are ends.
    """
    middle, step = (parts.size - 1, -1) if kind == SOURCE else (parts.size, 1)
    count = 0
    for i in range(seeds.size):
        v = seeds[i]
        if parts[v] == part and place[v] < 0:
            place[v] = 0
            nodes[middle + step * count] = v
            count += 1
    done = 0
    while done < count:
        at = middle + step * done
        v = nodes[at]
        done += 1
        budget -= vertex_weights[v]
        ends[at] = kind if budget < 0 else 0
        if budget < 0:
            continue
        for arc in range(indptr[v], indptr[v + 1]):
            u = indices[arc]
            if parts[u] == part and place[u] < 0:
                place[u] = 0
                nodes[middle + step * count] = u
                count += 1
    ends[middle + step * max(count - 1, 0)] = kind
    return count


@kernel("i8(i8[:], i4[:], i4[:], i4[:], i4[:]!, i8, i4[:]!, i4[:]!, i4[:]!, i4[:]!, i4[:]!)")
def network(indptr, indices, edge_weights, nodes, place, middle, first, head, capacity, flow, back):  # type: ignore[no-untyped-def]
    """Fill in the corridor's network; -> the weight of its edges from before `middle` to nodes from there on."""
    r = nodes.size
    for i in range(r):
        place[nodes[i]] = i
    fill = np.empty(r, np.int32)
    first[0] = 0
    for i in range(r):
        first[i + 1] = fill[i] = first[i]
        for arc in range(indptr[nodes[i]], indptr[nodes[i] + 1]):
            first[i + 1] += place[indices[arc]] >= 0
    between = np.int64(0)
    for i in range(r):
        for arc in range(indptr[nodes[i]], indptr[nodes[i] + 1]):
            j = place[indices[arc]]
            if j <= i:
                continue
            there, here = fill[i], fill[j]
            fill[i] += 1
            fill[j] += 1
            head[there], head[here] = j, i
            capacity[there] = capacity[here] = edge_weights[arc]
            flow[there] = flow[here] = 0
            back[there], back[here] = here, there
            if i < middle <= j:
                between += edge_weights[arc]
    return between


# ---------------------------------------------------------------------------------------- the flow


@kernel("i8(i4[:], i4[:], i4[:], i4[:], i8, i4[:]!, i4[:]!, i4[:]!, i8)")
def spread(first, head, capacity, flow, kind, side, distance, queue, count):  # type: ignore[no-untyped-def]
    """All that more can flow to (or from) from the first `count` nodes of `queue`; -> how many those are."""
    done = 0
    while done < count:
        v = queue[done]
        done += 1
        for arc in range(first[v], first[v + 1]):
            u = head[arc]
            if side[u]:
                continue
            if (flow[arc] if kind == SOURCE else -flow[arc]) < capacity[arc]:
                side[u] = kind
                distance[u] = distance[v] + 1
                queue[count] = u
                count += 1
    return count


@kernel("void(i4[:], i4[:], i4[:], i4[:], i8, i4[:], i4[:]!, i4[:]!, i4[:]!)")
def search(first, head, capacity, flow, kind, ends, side, distance, queue):  # type: ignore[no-untyped-def]
    """Find the side of this kind anew."""
    count = 0
    for i in range(ends.size):
        if side[i] == kind:
            side[i] = 0
        if ends[i] == kind:
            side[i] = kind
            distance[i] = 0
            queue[count] = i
            count += 1
    spread(first, head, capacity, flow, kind, side, distance, queue, count)


@kernel("i8(i4[:], i4[:], i4[:], i4[:]!, i4[:], i4[:], i4[:], i4[:], i4[:]!, i4[:]!, i8)")
def push(first, head, capacity, flow, back, ends, side, distance, current, path, start):  # type: ignore[no-untyped-def]
    """Send what can flow from here along arcs that come one nearer to the targets, depth first; -> how much."""
    sent, depth, v = np.int64(0), 0, start
    while True:
        if ends[v] == TARGET:  # along the whole path, and back to the first arc that is full now
            least = np.int64(capacity[path[0]] - flow[path[0]])
            for i in range(1, depth):
                least = min(least, np.int64(capacity[path[i]] - flow[path[i]]))
            for i in range(depth - 1, -1, -1):
                flow[path[i]] += least
                flow[back[path[i]]] -= least
                if flow[path[i]] == capacity[path[i]]:
                    depth = i
            sent += least
            v = np.int64(head[back[path[depth]]])
        arc = current[v]
        while arc < first[v + 1]:
            u = head[arc]
            if flow[arc] < capacity[arc] and side[u] == TARGET and distance[u] == distance[v] - 1:
                break
            arc += 1
        current[v] = arc
        if arc < first[v + 1]:
            path[depth] = arc
            depth += 1
            v = np.int64(head[arc])
        elif depth == 0:
            return sent
        else:
            depth -= 1
            v = np.int64(head[back[path[depth]]])
            current[v] += 1


@kernel("i8(i4[:], i4[:], i4[:], i4[:]!, i4[:], i4[:], i4[:]!, i4[:]!, i4[:]!, i8)")
def augment(first, head, capacity, flow, back, ends, side, distance, queue, most):  # type: ignore[no-untyped-def]
    """Raise the flow as far as it goes, or until it rose by `most`; -> by how much. Then both sides are known.

    Dinic's algorithm: phases in which flow takes shortest ways only.
    """
    r = ends.size
    current, path = np.empty(r, np.int32), np.empty(r, np.int32)
    rise, before = np.int64(0), np.int64(-1)
    while before < rise < most:
        before = rise
        for i in range(r):
            side[i] = 0
            current[i] = first[i]
        search(first, head, capacity, flow, TARGET, ends, side, distance, queue)
        for i in range(r):
            if ends[i] == SOURCE and side[i]:
                rise += push(first, head, capacity, flow, back, ends, side, distance, current, path, i)
    search(first, head, capacity, flow, SOURCE, ends, side, distance, queue)
    return rise


# ---------------------------------------------------------------------------------------- balance


@kernel("i8(i4[:], i4[:], i4[:], i4[:], i4[:], i4[:]!, i4[:]!, i4[:]!, i8[:], i4[:], i8[:]!, i8[:], i8)")
def widen(  # type: ignore[no-untyped-def]
    first, head, capacity, flow, ends, side, distance, queue, vertex_weights, nodes, heavy, limits, kind
):
    """Let a side take what costs nothing, from its depth on, until both are in their limits; -> whether so."""
    r = ends.size
    mine, other = kind - 1, 2 - kind
    misfits = 0
    for step in range(r + 1):
        if heavy[mine] <= limits[mine] and heavy[2] - heavy[mine] <= limits[other]:
            return 1
        if step == r or misfits == MISFITS:
            break
        i = step if kind == SOURCE else r - 1 - step
        if side[i]:
            continue
        side[i] = kind
        queue[0] = i
        count = spread(first, head, capacity, flow, kind, side, distance, queue, 1)
        weight = np.int64(0)
        for at in range(count):
            weight += vertex_weights[nodes[queue[at]]]
        if heavy[mine] + weight <= limits[mine]:
            heavy[mine] += weight
            continue
        misfits += 1
        for at in range(count):
            side[queue[at]] = 0
    return 0


@kernel("i8(i4[:], i4[:], i4[:]!, i4[:], i8)")
def pierce(first, head, ends, side, kind):  # type: ignore[no-untyped-def]
    """A side becomes an end, with one node beside it, the first from its depth on; -> whether there is one."""
    r = ends.size
    pierced = -1
    for step in range(r):
        i = step if kind == SOURCE else r - 1 - step
        if side[i] == kind:
            ends[i] = kind
        elif pierced < 0 and ends[i] == 0 and side[i]:
            for arc in range(first[i], first[i + 1]):
                if side[head[arc]] != side[i]:
                    pierced = i
    if pierced < 0:
        return 0
    ends[pierced] = kind
    return 1


@kernel("i8(i4[:], i4[:], i4[:], i4[:]!, i4[:], i4[:]!, i4[:]!, i8[:], i4[:], i8[:], i8[:], i8)")
def balanced_cut(first, head, capacity, flow, back, ends, side, vertex_weights, nodes, beyond, limits, most):  # type: ignore[no-untyped-def]
    """Find a cut below `most` that keeps to both limits; -> 4 * cut + the kind of the side that is whole; or -1.

    Flow is raised until it is what some cut lets through; where no such cut is balanced, the lighter side grows.
    """
    r = ends.size
    distance, queue = np.empty(r, np.int32), np.empty(r, np.int32)
    heavy = np.empty(3, np.int64)
    cut = augment(first, head, capacity, flow, back, ends, side, distance, queue, most)
    while cut < most:
        heavy[0], heavy[1], heavy[2] = beyond[0], beyond[1], beyond[0] + beyond[1]
        for i in range(r):
            weight = vertex_weights[nodes[i]]
            heavy[2] += weight
            if side[i]:
                heavy[side[i] - 1] += weight
        kind = SOURCE if heavy[0] <= heavy[1] else TARGET
        if widen(
            first, head, capacity, flow, ends, side, distance, queue, vertex_weights, nodes, heavy, limits, kind
        ):
            return 4 * cut + kind
        if not pierce(first, head, ends, side, kind):
            break
        cut += augment(first, head, capacity, flow, back, ends, side, distance, queue, most - cut)
    return -1


@kernel("void(i8[:], i4[:], i4[:], i8, i8, i8, i4[:]!, i8[:,:]!)")
def assign(vertex_weights, nodes, side, kind, a, b, parts, loads):  # type: ignore[no-untyped-def]
    """Give each node to part a or b, by its side; those on neither side to the part of the other kind."""
    own, other = (a, b) if kind == SOURCE else (b, a)
    for i in range(nodes.size):
        v = nodes[i]
        to = own if side[i] == kind else other
        loads[parts[v], WEIGHT] -= vertex_weights[v]
        loads[parts[v], COUNT] -= 1
        loads[to, WEIGHT] += vertex_weights[v]
        loads[to, COUNT] += 1
        parts[v] = to


@kernel("i8(i8[:], i4[:], i4[:], i8[:], i4[:]!, i8[:,:]!, i8, i8, f8, i4[:], i4[:]!, i4[:,:]!, i4[:,:]!)")
def cut_between(  # type: ignore[no-untyped-def]
    indptr, indices, edge_weights, vertex_weights, parts, loads, a, b, width, seeds, place, of_nodes, of_arcs
):
    """Cut parts a and b anew within a corridor around `seeds`, if that cuts less; -> by how much.

    `place` (n,) is -1 before and after; `of_nodes` (2, 2 n) and `of_arcs` (4, arcs) are room to work in.
    """
    n = parts.size
    budget_a, budget_b = np.int64(width * loads[a, LIMIT]), np.int64(width * loads[b, LIMIT])
    nodes, ends = of_nodes[0], of_nodes[1]
    middle = corridor(indptr, indices, vertex_weights, parts, a, SOURCE, budget_a, seeds, place, nodes, ends)
    r = middle + corridor(indptr, indices, vertex_weights, parts, b, TARGET, budget_b, seeds, place, nodes, ends)
    nodes, ends = nodes[n - middle : n - middle + r], ends[n - middle : n - middle + r]
    head, capacity, flow, back = of_arcs[0], of_arcs[1], of_arcs[2], of_arcs[3]
    first = np.empty(r + 1, np.int32)
    before = network(indptr, indices, edge_weights, nodes, place, middle, first, head, capacity, flow, back)
    beyond, limits, side = np.empty(2, np.int64), np.empty(2, np.int64), np.zeros(r, np.int32)
    beyond[0], beyond[1] = loads[a, WEIGHT], loads[b, WEIGHT]
    limits[0], limits[1] = loads[a, LIMIT], loads[b, LIMIT]
    for i in range(r):
        place[nodes[i]] = -1
        beyond[0 if i < middle else 1] -= vertex_weights[nodes[i]]
    found = np.int64(-1)
    if 0 < middle < r:
        found = balanced_cut(
            first, head, capacity, flow, back, ends, side, vertex_weights, nodes, beyond, limits, before
        )
    if found < 0:
        return 0
    assign(vertex_weights, nodes, side, found & 3, a, b, parts, loads)
    return before - (found >> 2)


@kernel("i8(i8[:], i4[:], i4[:], i4[:], i8[:]!, i4[:]!)")
def touching(indptr, indices, parts, border, pairs, nodes):  # type: ignore[no-untyped-def]
    """Each node of the border with each part it touches, as smaller part << 32 | larger part; -> how many.

    A part may be told several times.
    """
    found = 0
    for i in range(border.size):
        v = border[i]
        last = parts[v]
        for arc in range(indptr[v], indptr[v + 1]):
            p = parts[indices[arc]]
            if p == parts[v] or p == last:
                continue
            last = p
            pairs[found] = np.int64(min(p, parts[v])) << 32 | max(p, parts[v])
            nodes[found] = v
            found += 1
    return found


@kernel("i8(i8[:], i4[:], i4[:], i4[:]!)")
def border_of(indptr, indices, parts, border):  # type: ignore[no-untyped-def]
    """Find the nodes with neighbours in other parts; -> how many."""
    count = 0
    for v in range(parts.size):
        for arc in range(indptr[v], indptr[v + 1]):
            if parts[indices[arc]] != parts[v]:
                border[count] = v
                count += 1
                break
    return count
