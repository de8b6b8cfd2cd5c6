"""Refinement by flows: between two parts, the least cut that a corridor along their border allows.

Moves of single nodes end where every short series of them loses. A flow moves a whole border at once: it goes from
the first part through the corridor to the second, and the most that can flow is what the least cut between them
weighs (L. R. Ford and D. R. Fulkerson, Maximal flow through a network, Canadian Journal of Mathematics 8, 1956,
pages 399-404, DOI 10.4153/CJM-1956-045-5).

Sources: P. Sanders and C. Schulz, Engineering multilevel graph partitioning algorithms, ESA 2011, DOI
10.1007/978-3-642-23719-5_40 (corridors, and which pairs are worth another look); M. Hamann and B. Strasser, Graph
bisection with Pareto optimization, Journal of Experimental Algorithmics 23, 2018, DOI 10.1145/3173045 (where a cut
is not balanced, its lighter side takes in one more node, and flow goes on from there).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lessons.multilevel import Ints, Level, Parts, Weights


def refine_by_flows(
    level: Level, parts: Parts, loads: Weights, border: Ints, count: int, passes: int, corridor: float
) -> int:
    """Cut anew between each two parts that touch; -> how many nodes of `border` have neighbours in other parts.

    `parts` (n,), `loads` (k, 4) and `border` (n,), all as in `lessons.compiled.refinement`, are changed. The cut
    never becomes more, and no part becomes heavier than its limit. A corridor weighs `corridor` of the limit on
    either side. From the second pass on, only pairs are cut of which one part has just changed. O(r^2 m) for r
    nodes and m edges in a corridor, by Dinic's algorithm; on meshes, far less.
    """
    from lessons.compiled import flows

    arrays = *level.arrays, parts, loads
    place, of_nodes = np.full(level.n, -1, np.int32), np.empty((2, 2 * level.n), np.int32)
    of_arcs = np.empty((4, len(level.indices)), np.int32)
    active = np.ones(len(loads), np.bool_)
    for _ in range(passes):
        changed = np.zeros_like(active)
        for a, b, seeds in _pairs(level, parts, border[:count]):
            if active[a] or active[b]:
                less = flows.cut_between(*arrays, a, b, corridor, seeds, place, of_nodes, of_arcs)
                changed[[a, b]] |= less > 0
        count = flows.border_of(level.indptr, level.indices, parts, border)
        active = changed
        if not active.any():
            break
    return count


def _pairs(level: Level, parts: Parts, border: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Parts that touch, and their nodes that do, in the order of parts."""
    from lessons.compiled import flows

    room = int((level.indptr[border + 1] - level.indptr[border]).sum())
    pairs: NDArray[np.int64] = np.empty(room, np.int64)
    nodes = np.empty(room, np.int32)
    count = flows.touching(level.indptr, level.indices, parts, border, pairs, nodes)
    order = np.argsort(pairs[:count], kind="stable")
    pairs, starts = np.unique(pairs[order], return_index=True)
    return zip(
        (pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), np.split(nodes[order], starts)[1:], strict=True
    )
