"""Topological order of random DAGs; every contender starts from its own graph object.

graphlib's sorter is used up by one order, so that making it from a dictionary is part of what it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from benchmarks._inputs import random_pairs, sized
from lessons import as_graph
from lessons.topological_sort import topological_sort


def cases(scale: float) -> Iterator[Case]:
    fast = {"igraph": by_igraph, "rustworkx": by_rustworkx}
    every = fast | {"networkx": by_networkx, "graphlib": by_graphlib}
    for size, peers, repeats in (
        ((100, 287), every, 201),
        ((10_000, 50_000), every, 15),
        ((1_000_000, 5_000_000), fast, 3),
    ):
        n, m = sized(*size, scale)
        yield Case(
            input="random DAG",
            n=n,
            m=m,
            function="topological_sort",
            variant="plain Python",
            ours=partial(by_lessons, n, m),
            peers={peer: partial(ready, n, m) for peer, ready in peers.items()},
            right=partial(is_topological, n, m),
            repeats=repeats,
        )


@lru_cache(maxsize=1)
def dag(n: int, m: int) -> NDArray[np.int64]:
    """(m, 2) edges, source and target, from the earlier to the later node of a random order."""
    pairs = random_pairs(n, m, seed=2)
    return np.random.default_rng(2).permutation(n)[np.sort(pairs, axis=1)]


def by_lessons(n: int, m: int) -> Call:
    return partial(topological_sort, as_graph(dag(n, m), n=n, directed=True))


def by_igraph(n: int, m: int) -> Call:
    import igraph

    return igraph.Graph(n, dag(n, m).tolist(), directed=True).topological_sorting


def by_rustworkx(n: int, m: int) -> Call:
    import rustworkx

    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(n))
    graph.extend_from_edge_list([*map(tuple, dag(n, m).tolist())])
    return partial(rustworkx.topological_sort, graph)


def by_networkx(n: int, m: int) -> Call:
    import networkx

    graph = networkx.empty_graph(n, networkx.DiGraph)
    graph.add_edges_from(dag(n, m).tolist())
    return lambda: list(networkx.topological_sort(graph))


def by_graphlib(n: int, m: int) -> Call:
    sources: dict[int, list[int]] = {node: [] for node in range(n)}
    for u, v in dag(n, m).tolist():
        sources[v].append(u)
    return lambda: list(TopologicalSorter(sources).static_order())


def is_topological(n: int, m: int, order: Sequence[int]) -> bool:
    """Whether an order has every node once and every edge from an earlier to a later one."""
    if sorted(order) != list(range(n)):
        return False
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    return bool((place[dag(n, m)[:, 0]] < place[dag(n, m)[:, 1]]).all())
