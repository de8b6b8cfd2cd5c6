"""Refinement by flows: against networkx's flows, and what it promises about cuts, limits and loads."""

import networkx as nx
import numpy as np
import pytest

from lessons import as_graph
from lessons.compiled import flows as kernels
from lessons.cuts import edge_cut
from lessons.datasets import mesh_graph
from lessons.flows import refine_by_flows
from lessons.graph_partitioning import partition
from lessons.multilevel import as_level


def cut_again(graph, parts, limits, corridor=0.3, passes=1):
    """The parts after flows, their loads and their border."""
    level, k = as_level(graph), len(limits)
    parts = np.array(parts, np.int32)
    counts = np.bincount(parts, minlength=k)
    loads = np.column_stack([counts, counts, limits, limits]).astype(np.int64)
    border = np.arange(level.n, dtype=np.int32)
    count = refine_by_flows(level, parts, loads, border, level.n, passes, corridor)
    return parts, loads, set(border[:count].tolist())


def random_graph(seed, n=40):
    rng = np.random.default_rng(seed)
    edges = np.unique(np.sort(rng.integers(0, n, (3 * n, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    weighted = np.column_stack([edges, rng.integers(1, 9, len(edges))])
    return as_graph([(int(u), int(v), float(w)) for u, v, w in weighted], n=n), rng


@pytest.mark.parametrize("seed", range(30))
def test_flow_is_what_networkx_finds_and_both_sides_are_least_cuts(seed):
    graph, rng = random_graph(seed)
    level, n = as_level(graph), graph.n
    ends = np.zeros(n, np.int32)
    ends[rng.permutation(n)[:6]] = [1, 1, 1, 2, 2, 2]
    first, arcs = np.empty(n + 1, np.int32), np.empty((4, len(level.indices)), np.int32)
    place, nodes = np.full(n, -1, np.int32), np.arange(n, dtype=np.int32)
    kernels.network(level.indptr, level.indices, level.edge_weights, nodes, place, n // 2, first, *arcs)
    side, distance, queue = np.zeros((3, n), np.int32)
    rise = kernels.augment(first, *arcs, ends, side, distance, queue, 10**9)

    net = nx.Graph()
    net.add_weighted_edges_from(
        [(u, v, w) for (u, v), w in zip(graph.edge_rows, graph.edge_weights, strict=True)], "capacity"
    )
    for v in np.flatnonzero(ends):
        net.add_edge("from" if ends[v] == 1 else "to", v)  # without a capacity: any flow
    assert rise == nx.maximum_flow_value(net, "from", "to")
    assert rise == edge_cut(graph, (side == 1).astype(int)) == edge_cut(graph, (side == 2).astype(int))


@pytest.mark.parametrize("seed", range(40))
def test_cut_never_rises_and_loads_limits_and_border_are_right(seed):
    graph, rng = random_graph(seed, 60)
    k = 2 + seed % 4
    before = rng.permutation(np.arange(graph.n) % k)
    limits = np.full(k, int(1.2 * graph.n / k) + 1)
    after, loads, border = cut_again(graph, before, limits, passes=3)
    assert edge_cut(graph, after) <= edge_cut(graph, before)
    assert loads[:, 0].tolist() == loads[:, 1].tolist() == np.bincount(after, minlength=k).tolist()
    assert (loads[:, 0] <= limits).all()
    assert loads[:, 1].min() > 0
    rows = graph.edge_rows
    assert border == set(rows[after[rows[:, 0]] != after[rows[:, 1]]].ravel().tolist())


def test_a_ragged_border_becomes_the_least_one():
    grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(10, 20))
    ragged = [int(v % 20 >= 10 + (-1) ** (v // 20) * 2) for v in range(200)]
    assert edge_cut(grid, ragged) == 46
    parts, loads, _ = cut_again(grid, ragged, [103, 103], corridor=0.6)
    assert edge_cut(grid, parts) == 10
    assert loads[:, 0].tolist() == [100, 100]


def test_where_the_least_cut_is_not_balanced_a_balanced_one_is_found():
    neck = nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 20))  # cut in two for free at columns 3 and 4
    neck.remove_edges_from([(20 * row + 3, 20 * row + 4) for row in range(4)])
    ragged = [int(v % 20 >= 10 + (-1) ** (v // 20)) for v in range(80)]
    parts, loads, _ = cut_again(neck, ragged, [41, 41], corridor=0.9)
    assert edge_cut(neck, parts) == 4
    assert loads[:, 0].max() <= 41


def test_strong_cuts_less_than_fast_and_threads_change_nothing():
    mesh = mesh_graph(2000)[0]
    strong = partition(mesh, 6, effort="strong", seed=3)
    assert np.array_equal(strong, partition(mesh, 6, effort="strong", seed=3, threads=3))
    assert edge_cut(mesh, strong) < edge_cut(mesh, partition(mesh, 6, seed=3))


def test_parts_that_do_not_touch_stay():
    parts, _, border = cut_again(as_graph([(0, 1), (2, 3)], n=4), [0, 0, 1, 1], [3, 3], passes=2)
    assert parts.tolist() == [0, 0, 1, 1]
    assert border == set()
