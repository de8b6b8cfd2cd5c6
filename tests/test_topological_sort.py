"""The order against networkx's, the cycle against the graph itself."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons import Graph, as_graph
from lessons.errors import CycleError
from lessons.topological_sort import topological_sort


@st.composite
def digraphs(draw: st.DrawFn) -> Graph:
    """Up to 12 nodes under shuffled labels, with and without cycles and self-loops."""
    n = draw(st.integers(0, 12))
    nodes = draw(st.permutations([f"v{i}" for i in range(n)]))
    ends = st.sampled_from(nodes) if nodes else st.nothing()
    edges = draw(st.lists(st.tuples(ends, ends), max_size=24)) if nodes else []
    if draw(st.booleans()):  # every edge forward in a hidden order: no cycle
        hidden = sorted(nodes)
        edges = [(min(e, key=hidden.index), max(e, key=hidden.index)) for e in edges if e[0] != e[1]]
    return as_graph(edges, nodes=nodes, directed=True)


@settings(max_examples=300, deadline=None)
@given(digraphs())
def test_order_or_cycle(graph: Graph) -> None:
    oracle = graph.to_networkx()
    if not nx.is_directed_acyclic_graph(oracle):
        with pytest.raises(CycleError) as caught:
            topological_sort(graph)
        assert_cycle(graph, caught.value.cycle)
        return
    order = topological_sort(graph)
    place = {label: i for i, label in enumerate(order)}
    assert sorted(order) == sorted(graph.nodes)
    assert all(place[u] < place[v] for u, v in graph.edges())
    assert order == list(nx.lexicographical_topological_sort(oracle, key=graph.index))


def assert_cycle(graph: Graph, cycle: list[str]) -> None:
    assert len(cycle) == len(set(cycle)) >= 1
    edges = set(graph.edges())
    assert all(edge in edges for edge in pairwise([*cycle, cycle[0]]))


@pytest.mark.parametrize(
    ("edges", "n", "order"),
    [
        ([], 0, []),
        ([], 1, [0]),
        ([], 3, [0, 1, 2]),
        ([(2, 1), (1, 0)], 3, [2, 1, 0]),
        ([(3, 0), (1, 2)], 5, [1, 2, 3, 0, 4]),  # two parts and an isolated node
        ([(0, 3), (2, 1)], 4, [0, 2, 1, 3]),  # 3 is ready before 1 is, and yet comes after it
        ([(i, j) for i in range(6) for j in range(i)], 6, [5, 4, 3, 2, 1, 0]),
    ],
)
def test_small_graphs(edges: list[tuple[int, int]], n: int, order: list[int]) -> None:
    assert topological_sort(as_graph(edges, n=n, directed=True)) == order


def test_a_right_order_is_kept() -> None:
    rng = np.random.default_rng(7)
    ends = np.sort(rng.integers(0, 400, (900, 2)), axis=1)
    graph = as_graph(ends[ends[:, 0] < ends[:, 1]], n=400, directed=True)
    assert topological_sort(graph) == list(range(400))


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [([(1, 1)], [1]), ([(0, 1), (1, 0)], [0, 1]), ([(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)], [1, 2, 3])],
)
def test_cycles(edges: list[tuple[int, int]], cycle: list[int]) -> None:
    with pytest.raises(CycleError) as caught:
        topological_sort(as_graph(edges, n=5, directed=True))
    start = caught.value.cycle.index(cycle[0])
    assert caught.value.cycle[start:] + caught.value.cycle[:start] == cycle


def test_deep_chain_needs_no_recursion() -> None:
    n = 100_000
    down = np.arange(n - 1, -1, -1)
    chain = np.column_stack([down[:-1], down[1:]])
    assert topological_sort(as_graph(chain, n=n, directed=True)) == down.tolist()
    with pytest.raises(CycleError) as caught:
        topological_sort(as_graph(np.vstack([chain, [[0, n - 1]]]), n=n, directed=True))
    assert len(caught.value.cycle) == n


def test_every_door() -> None:
    assert topological_sort(nx.DiGraph([("b", "a")])) == ["b", "a"]
    assert topological_sort(scipy.sparse.csr_array((3, 3))) == [0, 1, 2]
    with pytest.raises(ValueError, match="directed graph is needed"):
        topological_sort(nx.path_graph(3))
    with pytest.raises(TypeError, match="int"):
        topological_sort(5)
