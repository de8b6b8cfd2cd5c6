"""The kernels of `lessons.flow_networks`: a maximum flow by Dinic's algorithm, searched from both ends.

The residual network, of n nodes:

    first (n + 1,), head       the arcs of node u: first[u] ... first[u + 1] - 1, each to head[arc]; loops left out
    room, back                 how much more can go along an arc; where its reverse stands
    carried                    what flows along it less what flows against it: room alone would lose, beside a
                               capacity that is huge, all that is small
    label (n,)                 1 + steps from a source, or -1 - steps to a target; 0 where the search has not been
"""

import numpy as np

from lessons.compiled import kernel

# ---------------------------------------------------------------------------------------- the residual network


@kernel("void(i8[:], i4[:], f8[:], i8[:], i4[:], i4[:]!, i4[:]!, f8[:]!, i4[:]!, i4[:]!)")
def residual(indptr, indices, capacity, starts, tails, first, head, room, back, place):  # type: ignore[no-untyped-def]
    """Merge the arcs from and to each node, both sorted, into one row of the residual network.

    `tails` from `starts` on are the arcs to a node. `place` (arcs,) tells where each arc went; -1 for a loop.
    """
    n = indptr.size - 1
    count = 0
    for u in range(n):
        first[u] = count
        out, out_end = indptr[u], indptr[u + 1]
        into, into_end = starts[u], starts[u + 1]
        while out < out_end or into < into_end:
            v = indices[out] if out < out_end else n
            w = tails[into] if into < into_end else n
            if w <= v:
                into += 1
            if v <= w:
                place[out] = count if v != u else -1
                out += 1
            if min(v, w) == u:
                continue
            head[count] = min(v, w)
            room[count] = capacity[out - 1] if v <= w else 0.0
            count += 1
    first[n] = count
    # Rows are sorted, so the reverses of the arcs into v come in the order of the rows that they start in.
    fill = first[:n].copy()
    for u in range(n):
        for arc in range(first[u], first[u + 1]):
            v = head[arc]
            back[arc] = fill[v]
            fill[v] += 1


@kernel("void(f8[:], f8[:], i4[:], f8[:]!)")
def flows(capacity, carried, place, flow):  # type: ignore[no-untyped-def]
    """What flows along each arc of the graph, below 0 where it flows back; never above its capacity."""
    for arc in range(flow.size):
        flow[arc] = min(capacity[arc], carried[place[arc]]) if place[arc] >= 0 else 0.0


# ---------------------------------------------------------------------------------------- the flow


@kernel("i8(i4[:], i4[:], f8[:], i4[:], i4[:]!, i4[:]!, i4[:]!, i8, i8, i8, i4[:]!)")
def forward(first, head, room, back, label, current, queue, start, end, entry, met):  # type: ignore[no-untyped-def]
    """Label what is one step further from the sources than queue[start:end]; -> the end of the queue.

    Where one of them has an arc to the border of the other search, which is labelled `entry`, they meet: then it
    is the next node of `met`, of which there are met[n], and its label counts the steps to a target.
    """
    n, count = met.size - 1, end
    for i in range(start, end):
        u = queue[i]
        further = label[u] + 1
        for arc in range(first[u], first[u + 1]):
            v = head[arc]
            if label[v] > 0 or room[arc] <= 0:
                continue
            if label[v] == entry:
                label[u] = entry - 1
                met[met[n]] = u
                met[n] += 1
                break
            if label[v] < 0:
                continue
            label[v] = further
            current[v] = first[v]
            queue[count] = v
            count += 1
    return count


@kernel("i8(i4[:], i4[:], f8[:], i4[:], i4[:]!, i4[:]!, i4[:]!, i8, i8, i4[:]!)")
def backward(first, head, room, back, label, current, queue, start, end, met):  # type: ignore[no-untyped-def]
    """Label what is one step further from the targets than queue[start:end], as `forward` does."""
    n, count = met.size - 1, end
    for i in range(start, end):
        u = queue[i]
        further = label[u] - 1
        for arc in range(first[u], first[u + 1]):
            v = head[arc]
            if label[v] < 0 or room[back[arc]] <= 0:
                continue
            if label[v] > 0:
                met[met[n]] = v
                met[n] += 1
            else:
                current[v] = first[v]
                queue[count] = v
                count += 1
            label[v] = further
    return count


@kernel("void(i4[:], i4[:], f8[:], i4[:], i4[:]!, i4[:]!, i8)")
def trace(first, head, room, back, label, met, border):  # type: ignore[no-untyped-def]
    """Go back from where the searches met, `border` steps from the sources, to the sources.

    Then shortest paths to a target rise from label to label.
    """
    start, end = 0, np.int64(met[met.size - 1])
    for level in range(border - 1, 0, -1):
        count = end
        for i in range(start, end):
            u = met[i]
            for arc in range(first[u], first[u + 1]):
                v = head[arc]
                if label[v] == level and room[back[arc]] > 0:
                    label[v] = label[u] - 1
                    met[count] = v
                    count += 1
        start, end = end, count


@kernel("f8(i4[:], i4[:], f8[:]!, f8[:]!, i4[:], i4[:]!, i4[:]!, i4[:]!, i8)")
def push(first, head, room, carried, back, label, current, path, start):  # type: ignore[no-untyped-def]
    """Send what can flow from `start` along shortest paths, depth first; -> how much."""
    sent, depth, u = 0.0, 0, start
    while True:
        if label[u] == -1:  # a target: augment along the path, then go back to its first arc without room
            least = room[path[0]]
            for i in range(1, depth):
                least = min(least, room[path[i]])
            for i in range(depth - 1, -1, -1):
                arc = path[i]
                room[arc] -= least
                room[back[arc]] += least
                carried[arc] += least
                carried[back[arc]] -= least
                if room[arc] <= 0:
                    depth = i
            sent += least
            u = np.int64(head[back[path[depth]]])
        nearer = label[u] + 1
        arc, end = current[u], first[u + 1]
        while arc < end and (label[head[arc]] != nearer or room[arc] <= 0):
            arc += 1
        current[u] = arc
        if arc < end:  # advance
            path[depth] = arc
            depth += 1
            u = np.int64(head[arc])
        elif depth == 0:
            return sent
        else:  # retreat
            label[u] = 0
            depth -= 1
            u = np.int64(head[back[path[depth]]])
            current[u] += 1


@kernel("f8(i4[:], i4[:], f8[:]!, f8[:]!, i4[:], i4[:], i4[:], i4[:]!)")
def augment(first, head, room, carried, back, sources, targets, label):  # type: ignore[no-untyped-def]
    """Raise the flow until it is greatest; -> its value. Then label > 0 where more could flow from the sources.

    Dinic's phases: two breadth-first searches, of which the one with the smaller border takes the next step, until
    they meet; then flow along shortest paths until each has an arc without room.
    """
    n = label.size
    current, path, met = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n + 1, np.int32)
    ahead, behind = np.empty(n, np.int32), np.empty(n, np.int32)
    value = 0.0
    while True:
        for i in range(sources.size):
            ahead[i] = sources[i]
            label[sources[i]] = 1
            current[sources[i]] = first[sources[i]]
        for i in range(targets.size):
            behind[i] = targets[i]
            label[targets[i]] = -1
        a, b, c, d = 0, sources.size, 0, targets.size  # the borders are ahead[a:b] and behind[c:d]
        border, entry, met[n] = 1, -1, 0
        while met[n] == 0:
            if a == b:
                return value
            if c == d or b - a <= d - c:
                a, b = b, forward(first, head, room, back, label, current, ahead, a, b, entry, met)
                border += met[n] == 0
            else:
                c, d = d, backward(first, head, room, back, label, current, behind, c, d, met)
                entry -= met[n] == 0
        trace(first, head, room, back, label, met, border)
        for i in range(sources.size):
            if label[sources[i]] < 0:
                value += push(first, head, room, carried, back, label, current, path, sources[i])
        for i in range(b):
            label[ahead[i]] = 0
        for i in range(d):
            label[behind[i]] = 0
