"""The phases of the multilevel method, each against what its definition asks for, compiled and as Python."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, as_graph
from lessons.datasets import grid_graph, mesh_graph, path_graph
from lessons.graph_partitioning import edge_cut, heaviest_allowed, part_weights, partition
from lessons.multilevel import (
    Level,
    as_level,
    coarsen,
    contract,
    heavy_edge_matching,
    initial_partition,
    project,
    refine,
)

WEIGHTS = st.integers(0, 12).map(float)
SEEDS = st.integers(0, 5)
WHOLE = 2**30


@st.composite
def levels(draw: st.DrawFn, max_nodes: int = 8) -> Level:
    """The finest level of a graph with whole weights."""
    graph = draw(graphs(directed=False, weight=WEIGHTS, max_nodes=max_nodes))
    weights = draw(st.none() | st.lists(st.integers(0, 9), min_size=graph.n, max_size=graph.n))
    return as_level(graph, weights)


def arcs(level: Level) -> dict[tuple[int, int], int]:
    """{(u, v): weight}, each arc once, with one of the same weight back, and no self-loops."""
    ends = np.repeat(np.arange(level.n), np.diff(level.indptr)).tolist()
    found = dict(zip(zip(ends, level.indices.tolist(), strict=True), level.edge_weights.tolist(), strict=True))
    assert len(found) == len(level.indices)
    assert all(u != v and w > 0 and found[v, u] == w for (u, v), w in found.items())
    return found


def cut_of(level: Level, parts: np.ndarray) -> int:
    return sum(w for (u, v), w in arcs(level).items() if parts[u] != parts[v]) // 2


def is_level(level: Level) -> None:
    kinds = (np.int64, np.int32, np.int32, np.int64)
    assert tuple(array.dtype for array in level.arrays) == kinds
    assert level.indptr[0] == 0
    assert level.indptr[-1] == len(level.indices) == len(level.edge_weights)
    assert (level.n + 1, level.n) == (len(level.indptr), len(level.vertex_weights))


# ---------------------------------------------------------------------------------------- levels


@given(graph=graphs(directed=False, weight=WEIGHTS))
def test_a_level_is_its_graph_without_what_no_cut_counts(graph):
    level = as_level(graph)
    is_level(level)
    edges = zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)
    wanted = {(u, v): w for (u, v), w in edges if u != v and w > 0}
    assert arcs(level) == wanted | {(v, u): w for (u, v), w in wanted.items()}
    assert level.vertex_weights.tolist() == [1] * graph.n
    assert level.coarse_of is None


@given(level=levels())
def test_a_level_as_a_graph(level):
    graph = level.graph
    assert isinstance(graph, Graph)
    assert not graph.directed
    assert arcs(as_level(graph)) == arcs(level)


@given(
    weights=st.lists(st.floats(0, 1e308, allow_subnormal=True), min_size=1, max_size=9),
    loop=st.sampled_from([None, 0.5, 1e308]),
)
def test_weights_become_whole_numbers_in_proportion(weights, loop):
    n = len(weights) + 1
    edges = [(i, i + 1, w) for i, w in enumerate(weights)]
    level = as_level(as_graph(edges + ([] if loop is None else [(0, 0, loop)]), n=n))
    kept = [w for w in weights if w > 0]
    found = [w for (u, v), w in sorted(arcs(level).items()) if u < v]
    if all(w == int(w) for w in kept) and sum(kept) < WHOLE:
        assert found == kept
    else:
        total = sum(w / max(kept) for w in kept)
        wanted = [max(w / max(kept) / total * WHOLE, 1) for w in kept]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=0.6)


def test_whole_weights_stay_up_to_the_limit():
    for heavy in (WHOLE - 2, 10**6):
        level = as_level(as_graph([(0, 1, float(heavy)), (1, 2, 1.0)], n=3))
        assert sorted(set(level.edge_weights.tolist())) == [1, heavy]
    level = as_level(as_graph([(0, 1, float(WHOLE)), (1, 2, float(WHOLE))], n=3))
    assert set(level.edge_weights.tolist()) == {WHOLE // 2}
    level = as_level(as_graph([(i, i + 1, 3e8) for i in range(4)], n=5))  # their sum is beyond
    assert set(level.edge_weights.tolist()) == {WHOLE // 4}


# ---------------------------------------------------------------------------------------- matching


def neighbours(level: Level) -> list[set[int]]:
    return [set(level.indices[level.indptr[v] : level.indptr[v + 1]].tolist()) for v in range(level.n)]


def is_matching(level: Level, mate: np.ndarray) -> None:
    """Partners of each other, along an edge or, where that is not so, neighbours of a third node."""
    assert mate.dtype == np.int32
    assert np.array_equal(mate[mate], np.arange(level.n))
    near = neighbours(level)
    assert all(u == v or u in near[v] or near[u] & near[v] for v, u in enumerate(mate.tolist()))


@given(level=levels(), seed=SEEDS)
def test_a_matching_is_a_matching(level, seed):
    mate = heavy_edge_matching(level, seed)
    is_matching(level, mate)
    free = mate == np.arange(level.n)
    assert not any(free[u] and free[v] for u, v in arcs(level))  # nobody stays alone beside another such node
    assert np.array_equal(mate, heavy_edge_matching(level, seed))


def test_the_heavy_edges_are_taken():
    """On a ring of weights 1, 10, 1, 10, ..., whoever chooses first."""
    ring = as_level(as_graph([(i, (i + 1) % 20, 1.0 + 9 * (i % 2)) for i in range(20)], n=20))
    for seed in range(5):
        mate = heavy_edge_matching(ring, seed)
        assert all(arcs(ring)[v, u] == 10 for v, u in enumerate(mate.tolist()))


def test_the_order_is_random():
    mesh = as_level(mesh_graph(100, seed=1)[0])
    assert len({heavy_edge_matching(mesh, seed).tobytes() for seed in range(5)}) == 5
    assert not np.array_equal(heavy_edge_matching(mesh, None), heavy_edge_matching(mesh, None))


def test_leaves_are_matched_two_steps_away():
    star = as_level(as_graph([(0, i) for i in range(1, 40)], n=40))
    mate = heavy_edge_matching(star, 3)
    is_matching(star, mate)
    assert (mate == np.arange(40)).sum() <= 2


# ---------------------------------------------------------------------------------------- contraction


def contracted(level: Level, mate: np.ndarray) -> tuple[dict[frozenset[int], int], dict[tuple, int]]:
    """The definition: pairs with their weight, and what the edges between two pairs weigh together."""
    pair = [frozenset((v, u)) for v, u in enumerate(mate.tolist())]
    weights = {group: int(level.vertex_weights[list(group)].sum()) for group in pair}
    edges: dict[tuple, int] = {}
    for (u, v), w in arcs(level).items():
        if pair[u] != pair[v]:
            edges[pair[u], pair[v]] = edges.get((pair[u], pair[v]), 0) + w
    return weights, edges


def groups(level: Level) -> list[frozenset[int]]:
    """The nodes of a level that went into each node of the next."""
    return [frozenset(np.flatnonzero(level.coarse_of == c).tolist()) for c in range(level.coarse_of.max() + 1)]


@given(level=levels(), seed=SEEDS)
def test_contraction_is_its_definition(level, seed):
    assume(level.n)
    mate = heavy_edge_matching(level, seed)
    finer, coarse = contract(level, mate)
    is_level(coarse)
    pair = groups(finer)
    weights, edges = contracted(level, mate)
    assert dict(zip(pair, coarse.vertex_weights.tolist(), strict=True)) == weights
    assert {(pair[u], pair[v]): w for (u, v), w in arcs(coarse).items()} == edges
    assert coarse.vertex_weights.sum() == level.vertex_weights.sum()
    assert (level.coarse_of, coarse.coarse_of) == (None, None)
    assert all(a is b for a, b in zip(finer.arrays, level.arrays, strict=True))


@given(level=levels(), seed=SEEDS, data=st.data())
def test_projection_keeps_cut_and_weights(level, seed, data):
    assume(level.n)
    finer, coarse = contract(level, heavy_edge_matching(level, seed))
    parts = np.array(data.draw(st.lists(st.integers(0, 2), min_size=coarse.n, max_size=coarse.n)), np.int32)
    projected = project(finer, parts)
    assert (projected.shape, projected.dtype) == ((finer.n,), np.int32)
    assert cut_of(finer, projected) == cut_of(coarse, parts)
    for p in range(3):
        assert finer.vertex_weights[projected == p].sum() == coarse.vertex_weights[parts == p].sum()


def test_nodes_without_partners_are_kept():
    level = as_level(path_graph(5))
    finer, coarse = contract(level, np.arange(5, dtype=np.int32))
    assert finer.coarse_of.tolist() == [0, 1, 2, 3, 4]
    assert arcs(coarse) == arcs(level)


# ---------------------------------------------------------------------------------------- coarsening

MESH = mesh_graph(700, seed=1)[0]
STAR = as_graph([(0, i) for i in range(1, 700)], n=700)


@pytest.mark.parametrize("graph", [MESH, STAR, grid_graph(20, 20), as_graph([], n=30)], ids=repr)
def test_levels_from_fine_to_coarse(graph):
    weights = np.arange(graph.n) % 4
    found = coarsen(graph, nodes=50, seed=2, vertex_weights=weights)
    assert arcs(found[0]) == arcs(as_level(graph))
    assert found[0].vertex_weights.tolist() == weights.tolist()
    for finer, coarse in itertools.pairwise(found):
        is_level(coarse)
        assert coarse.n < finer.n <= 2 * coarse.n
        assert all(1 <= len(group) <= 2 for group in groups(finer))
        assert coarse.vertex_weights.sum() == weights.sum()
        inner = sum(w for (u, v), w in arcs(finer).items() if finer.coarse_of[u] == finer.coarse_of[v])
        assert sum(arcs(finer).values()) - inner == sum(arcs(coarse).values())
        bound = max(1.5 * weights.sum() / 50, finer.vertex_weights.max())  # none much heavier than the others
        assert coarse.vertex_weights.max() <= bound
    assert found[-1].coarse_of is None
    assert found[-1].n <= 50 or not len(graph.indices)


def test_levels_depend_on_the_seed_only():
    once, again, other = (coarsen(MESH, nodes=50, seed=seed) for seed in (2, 2, 3))
    assert len(once) == len(again)
    for a, b in zip(once, again, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.arrays, b.arrays, strict=True))
    assert not np.array_equal(once[0].coarse_of, other[0].coarse_of)


def test_a_small_graph_is_a_level_of_its_own():
    for n in (0, 1, 100):
        (level,) = coarsen(path_graph(n) if n else as_graph([], n=0), nodes=100)
        assert level.n == n


# ---------------------------------------------------------------------------------------- the way back


def by_phases(graph: Graph, k: int, seed: int = 0) -> tuple[list[Level], list[np.ndarray]]:
    """As the notebook goes: coarsen, cut, and at each level project and refine; all parts on the way."""
    found = coarsen(graph, nodes=50, seed=seed)
    steps = [initial_partition(found[-1], k, seed=seed)]
    for level in reversed(found[:-1]):
        steps.append(project(level, steps[-1]))
        steps.append(refine(level, steps[-1], k, seed=seed))
    return found, steps


@pytest.mark.parametrize("k", [2, 5])
def test_from_the_coarsest_level_back_to_the_graph(k):
    found, steps = by_phases(MESH, k)
    limit = heaviest_allowed(np.ones(MESH.n, np.int64), k, 0.03)
    for level, before, after in zip(reversed(found[:-1]), steps[1::2], steps[2::2], strict=True):
        assert cut_of(level, after) <= cut_of(level, before)
        assert set(after.tolist()) == set(range(k))
    parts = steps[-1]
    assert part_weights(MESH, parts, k).max() <= limit
    assert cut_of(found[0], parts) == edge_cut(MESH, parts)
    assert edge_cut(MESH, parts) < 0.9 * cut_of(found[-1], steps[0])  # refinement is worth it


@st.composite
def cut_levels(draw: st.DrawFn) -> tuple[Level, np.ndarray, int, float]:
    """A level, parts of it, none empty, and an imbalance that they keep."""
    level = draw(levels())
    assume(level.n)
    k = draw(st.integers(1, min(level.n, 4)))
    parts = draw(st.lists(st.integers(0, k - 1), min_size=level.n, max_size=level.n))
    parts[:k] = range(k)
    parts = np.array(draw(st.permutations(parts)))
    spare = draw(st.sampled_from([0.0, 0.03, 0.5, 2.0]))
    heaviest = max(int(level.vertex_weights[parts == p].sum()) for p in range(k))
    assume(heaviest <= heaviest_allowed(level.vertex_weights, k, spare))
    return level, parts, k, spare


@given(case=cut_levels(), seed=SEEDS)
def test_refinement_never_cuts_more_nor_breaks_the_balance(case, seed):
    level, parts, k, spare = case
    before = parts.copy()
    after = refine(level, parts, k, spare, seed=seed)
    assert np.array_equal(parts, before)
    assert (after.dtype, after.shape) == (np.int32, parts.shape)
    assert set(after.tolist()) == set(range(k))
    assert cut_of(level, after) <= cut_of(level, before)
    limit = heaviest_allowed(level.vertex_weights, k, spare)
    assert max(int(level.vertex_weights[after == p].sum()) for p in range(k)) <= limit
    assert np.array_equal(after, refine(level, parts, k, spare, seed=seed))


def test_refinement_finds_the_straight_cut():
    grid = grid_graph(8, 8)
    ragged = np.repeat([0, 1], 32)
    ragged[[24, 40]] = 1, 0
    ragged[[28, 36]] = 1, 0
    after = refine(as_level(grid), ragged, 2, 0.1)
    assert edge_cut(grid, ragged) > 8
    assert edge_cut(grid, after) == 8


def test_refinement_brings_heavy_parts_below_the_limit():
    lopsided = (np.arange(MESH.n) >= 100).astype(np.int32)
    after = refine(as_level(MESH), lopsided, 2, 0.03)
    assert part_weights(MESH, after, 2).max() <= 360


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([0, 1, 2], "node 2 is in part 2: 0 ... 1 is needed"),
        ([0, 1, -1], "node 2 is in part -1"),
        ([0, 1], r"parts of shape \(2,\) for 3 nodes"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, problem):
    with pytest.raises(ValueError, match=problem):
        refine(as_level(path_graph(3)), parts, 2)


@given(level=levels(), data=st.data())
def test_first_partitions(level, data):
    assume(level.n)
    k = data.draw(st.integers(1, level.n))
    parts = initial_partition(level, k, 0.1, seed=1)
    assert (parts.dtype, parts.shape) == (np.int32, (level.n,))
    assert set(parts.tolist()) <= set(range(k))
    assert np.array_equal(parts, initial_partition(level, k, 0.1, seed=1))


def test_first_partitions_keep_the_balance():
    coarsest = coarsen(MESH, nodes=100)[-1]
    for k in (2, 4, 7):
        parts = initial_partition(coarsest, k, 0.1)
        assert set(parts.tolist()) == set(range(k))
        weights = [int(coarsest.vertex_weights[parts == p].sum()) for p in range(k)]
        assert max(weights) <= heaviest_allowed(coarsest.vertex_weights, k, 0.1)


@pytest.mark.parametrize("k", [0, 4, 1.5])
def test_numbers_of_parts_that_are_refused(k):
    with pytest.raises((ValueError, TypeError), match=f"k={k}"):
        initial_partition(as_level(path_graph(3)), k)


# ---------------------------------------------------------------------------------------- compiled and as Python


def fingerprint() -> str:
    """Every bit that phases and partitions give, on graphs small enough for kernels that run as Python."""
    mesh, _ = mesh_graph(170, seed=5)
    star = as_graph([(0, i, float(i)) for i in range(1, 60)], n=60)
    bits = hashlib.sha256()
    for graph, k in ((mesh, 3), (star, 2)):
        found, steps = by_phases(graph, k, seed=4)
        for level in found:
            bits.update(b"".join(array.tobytes() for array in level.arrays))
        bits.update(b"".join(parts.tobytes() for parts in steps))
        for effort in ("fast", "eco"):
            bits.update(partition(graph, k, 0.05, effort, seed=4, vertex_weights=np.arange(graph.n) % 3).tobytes())
    bits.update(partition(grid_graph(4, 6), 3, effort="strong").tobytes())
    return bits.hexdigest()


def test_without_numba_the_same_bits():
    if find_spec("numba") is None or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("kernels run as Python here: there is nothing to compare")
    code = "from test_multilevel import fingerprint\nprint(fingerprint())"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.path.dirname(__file__)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == fingerprint()


# ---------------------------------------------------------------------------------------- at the door


@pytest.mark.parametrize(
    ("mate", "problem"),
    [
        ([1, 0], "shape"),
        ([1.0, 0.0, 2.0], "float64"),
        ([1, 2, 0], r"mate\[0\] is 1, whose mate 0 is not"),
        ([0, 1, 7], r"mate\[2\] is 7"),
        ([-3, 1, 2], r"mate\[0\] is -3"),
    ],
)
def test_what_is_no_matching_is_refused(mate, problem):
    with pytest.raises(ValueError, match=problem):
        contract(as_level(path_graph(3)), mate)


def test_parts_of_another_level_are_refused():
    fine, coarse = contract(as_level(path_graph(4)), [1, 0, 3, 2])
    with pytest.raises(ValueError, match=r"parts of shape \(3,\)"):
        project(fine, [0, 1, 1])
    with pytest.raises(ValueError, match="coarsest"):
        project(coarse, [0, 1])


def test_a_graph_is_no_level():
    for call in (lambda: initial_partition(path_graph(4), 2), lambda: refine(path_graph(4), [0, 0, 1, 1], 2)):
        with pytest.raises(TypeError, match=r"as_level\(graph\)"):
            call()


@pytest.mark.parametrize("nodes", [0, -5])
def test_levels_without_nodes_are_refused(nodes):
    with pytest.raises(ValueError, match="nodes"):
        coarsen(path_graph(4), nodes=nodes)
