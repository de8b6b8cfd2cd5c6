"""Topological order and generations of random DAGs; every contender starts from its own graph object.

graphlib's sorter is used up by one order, so that making it from a dictionary is part of what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from graphlib import TopologicalSorter
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from benchmarks._inputs import random_pairs, sized
from lessons import as_graph
from lessons.topological_sort import generations, topological_sort


def cases(scale: float) -> Iterator[Case]:
    fast = {"igraph": by_igraph, "rustworkx": by_rustworkx}
    every = fast | {"networkx": by_networkx, "graphlib": by_graphlib}
    levels = {"rustworkx": generations_by_rustworkx}
    for size, peers, repeats in (
        ((100, 287), every, 201),
        ((10_000, 50_000), every, 51),
        ((1_000_000, 5_000_000), fast, 7),
    ):
        yield case(topological_sort, sized(*size, scale), peers, is_topological, repeats)
    yield case(
        generations, sized(10_000, 50_000, scale), levels | {"networkx": generations_by_networkx}, is_level, 15
    )
    yield case(generations, sized(1_000_000, 5_000_000, scale), levels, is_level, 3)


def case(
    function: Callable[..., Any],
    size: tuple[int, int],
    peers: dict[str, Callable[[int, int], Call]],
    right: Callable[..., bool],
    repeats: int,
) -> Case:
    return Case(
        input="random DAG",
        n=size[0],
        m=size[1],
        function=function.__name__,
        variant="compiled",
        ours=partial(by_lessons, function, *size),
        peers={peer: partial(ready, *size) for peer, ready in peers.items()},
        right=partial(right, *size),
        repeats=repeats,
    )


@lru_cache(maxsize=1)
def dag(n: int, m: int) -> NDArray[np.int64]:
    """(m, 2) edges, source and target, from the earlier to the later node of a random order."""
    pairs = random_pairs(n, m, seed=2)
    return np.random.default_rng(2).permutation(n)[np.sort(pairs, axis=1)]


def by_lessons(function: Callable[..., Any], n: int, m: int) -> Call:
    import lessons.compiled.topological_sort  # noqa: F401  once loaded, it sorts small graphs too

    return partial(function, as_graph(dag(n, m), n=n, directed=True))


def by_igraph(n: int, m: int) -> Call:
    import igraph

    return igraph.Graph(n, dag(n, m).tolist(), directed=True).topological_sorting


def in_rustworkx(n: int, m: int) -> Any:
    import rustworkx

    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(n))
    graph.extend_from_edge_list([*map(tuple, dag(n, m).tolist())])
    return graph


def by_rustworkx(n: int, m: int) -> Call:
    import rustworkx

    return partial(rustworkx.topological_sort, in_rustworkx(n, m))


def generations_by_rustworkx(n: int, m: int) -> Call:
    import rustworkx

    return partial(rustworkx.topological_generations, in_rustworkx(n, m))


def in_networkx(n: int, m: int) -> Any:
    import networkx

    graph = networkx.empty_graph(n, networkx.DiGraph)
    graph.add_edges_from(dag(n, m).tolist())
    return graph


def by_networkx(n: int, m: int) -> Call:
    import networkx

    graph = in_networkx(n, m)
    return lambda: list(networkx.topological_sort(graph))


def generations_by_networkx(n: int, m: int) -> Call:
    import networkx

    graph = in_networkx(n, m)
    return lambda: list(networkx.topological_generations(graph))


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


def is_level(n: int, m: int, levels: Sequence[Sequence[int]]) -> bool:
    """Whether all nodes stand in levels, each with an edge from the level before its own, and from none after."""
    nodes = list(chain.from_iterable(levels))
    if sorted(nodes) != list(range(n)):
        return False
    level = np.empty(n, np.int64)
    level[nodes] = np.repeat(np.arange(len(levels)), [len(nodes) for nodes in levels])
    before = np.full(n, -1)
    np.maximum.at(before, dag(n, m)[:, 1], level[dag(n, m)[:, 0]])
    return bool((level == before + 1).all())
