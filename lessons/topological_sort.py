"""Put the nodes of a directed graph in an order in which every edge points forward, or show why none exists.

    order = topological_sort(graph)          # labels; CycleError holds a cycle where no order exists

The first of all such orders, compared row by row: ties go to the smaller row.
"""

from __future__ import annotations

from heapq import heappop, heappush

from lessons.errors import CycleError
from lessons.graph import Graph, Label, as_graph


def topological_sort(graph: object) -> list[Label]:
    """The nodes in an order in which each comes after everything that has an edge to it, by Kahn's algorithm.

    Ties: of the nodes that are ready, the one in the smallest row of the graph comes first. So the answer is
    unique (the first of all orders, compared row by row), and nodes that are given in a right order keep it.

    `graph` is anything that `as_graph` reads, directed; the answer lists each label once. O(m + n log n):
    each edge is visited once, and the heap of ready nodes holds at most n.

    Raises CycleError with a directed cycle (a self-loop is a cycle of one); ValueError if it is undirected.

    >>> edges = [("dry", "wear"), ("wash", "dry")]
    >>> topological_sort(as_graph(edges, nodes=["wear", "dry", "wash"], directed=True))
    ['wash', 'dry', 'wear']
    >>> topological_sort(as_graph([(3, 0)], n=4, directed=True))     # 0 waits for 3; 1 and 2 wait for nothing
    [1, 2, 3, 0]

    Notebook: 02_topological_sort. Reference: A. B. Kahn, Topological sorting of large networks,
    Communications of the ACM 5 (11), 1962, pages 558-562, doi:10.1145/368996.369025.
    """
    graph = as_graph(graph, directed=True)
    indptr, indices = graph.indptr.tolist(), graph.indices.tolist()
    waits_for = graph.in_degrees().tolist()  # how many nodes must still come before this one
    ready = [row for row in range(graph.n) if not waits_for[row]]  # ascending, so it is a heap already
    order = []
    while ready:
        u = heappop(ready)
        order.append(u)
        for v in indices[indptr[u] : indptr[u + 1]]:
            waits_for[v] -= 1
            if not waits_for[v]:
                heappush(ready, v)
    if len(order) < graph.n:
        raise CycleError(_cycle(graph, waits_for))
    return [graph.nodes[row] for row in order]


def _cycle(graph: Graph, waits_for: list[int]) -> list[Label]:
    """A directed cycle among the nodes that still wait; O(n + m).

    Each of them has a predecessor that waits too, so a walk backwards never ends: it must come back to a node
    that it has seen, and what lies between is a cycle.
    """
    arcs = zip(graph.sources.tolist(), graph.indices.tolist(), strict=True)
    predecessor = {v: u for u, v in arcs if waits_for[u] and waits_for[v]}
    node, step = next(iter(predecessor)), 0
    seen: dict[int, int] = {}
    while node not in seen:
        seen[node] = step
        node, step = predecessor[node], step + 1
    walk = list(seen)[seen[node] :]
    return [graph.nodes[row] for row in reversed(walk)]
