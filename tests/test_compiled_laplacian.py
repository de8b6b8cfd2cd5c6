"""The kernels of lessons 04 and 07 agree with their definitions, on every kind of graph and number of columns."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import graphs

import lessons.graph_signals as signals
import lessons.laplacian_regularization as smoothing
from lessons import Graph, as_graph, chebyshev
from lessons import conjugate_gradients as solver
from lessons.compiled import graph_signals, laplacian_regularization
from lessons.datasets import mesh_graph

MESH = mesh_graph(300, seed=3)[0]
SPECIAL = {
    "empty": as_graph([], n=0),
    "one node": as_graph([], n=1),
    "isolated nodes": as_graph([(1, 3)], n=6),
    "self-loops": as_graph([(0, 0), (0, 1), (1, 2), (2, 2)], n=4),
    "weighted": as_graph([(0, 1, 0.5), (1, 2, 40.0), (2, 0, 0.0), (3, 3, 2.0)], n=5),
    "mesh": MESH,
}
SHAPES = [(), (0,), (1,), (2,), (3,), (8,), (16,), (19,)]


def system(graph: Graph, lam: float = 10.0):
    return (np.eye(graph.n) + lam * smoothing.laplacian(graph).toarray()), smoothing._smoothing_matrix(
        smoothing.laplacian(graph), lam
    )


def noise(graph: Graph, *shape: int):
    return np.random.default_rng(5).standard_normal((graph.n, *shape))


# ------------------------------------------------------------------------------------------------ smoothing


def agrees(graph: Graph, B: np.ndarray) -> None:
    dense, M = system(graph)
    swept, taken = solver._gauss_seidel(M, B, 1e-11, 200)
    by_definition, _ = solver._in_step(M, B, 1e-11, 400)
    assert taken < 200
    np.testing.assert_allclose(swept, np.linalg.solve(dense, B), atol=1e-9)
    np.testing.assert_allclose(swept, by_definition, atol=1e-9)


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("columns", [1, 2, 5, 16])
def test_sweeps_solve_what_their_definition_solves(name, columns):
    B = noise(SPECIAL[name], columns)
    B[:, columns // 2] = 0.0  # done from the start
    agrees(SPECIAL[name], B)


@settings(max_examples=40, deadline=None)
@given(graph=graphs(directed=False, max_nodes=7), columns=st.integers(1, 4))
def test_sweeps_solve_any_small_system(graph, columns):
    ends, weights = graph.edge_rows, np.abs(graph.edge_weights)
    positive = as_graph(np.column_stack([ends, weights]), n=graph.n)
    if positive.edge_weights.max(initial=0.0) < 1e4:  # beyond, rounding shows
        agrees(positive, noise(positive, columns))


def test_sweeps_take_half_the_iterations():
    _, M = system(MESH)
    B = noise(MESH, 4)
    _, swept = solver._gauss_seidel(M, B, 1e-8, 1000)
    _, in_step = solver._in_step(M, B, 1e-8, 1000)
    assert swept < 0.6 * in_step


def test_sweeps_stop_at_the_limit_and_nothing_given_is_written_to():
    _, M = system(MESH)
    B = noise(MESH, 3)
    before = M.data.copy(), B.copy()
    assert solver._gauss_seidel(M, B, 1e-12, 2)[1] == 2
    assert np.array_equal(M.data, before[0])
    assert np.array_equal(B, before[1])


def test_rows_may_come_unsorted_and_nodes_far_apart(monkeypatch):
    order = np.random.default_rng(2).permutation(MESH.n)
    dense, M = system(MESH)
    shuffled, B = M[order][:, order], noise(MESH, 3)
    assert not shuffled.has_sorted_indices
    monkeypatch.setattr(solver, "FAR", 10)
    assert np.abs(solver._rows(shuffled) - shuffled.indices).mean() > 10
    X, _ = solver._renumbered(shuffled, B[order], 1e-11, 200)
    np.testing.assert_allclose(X, np.linalg.solve(dense, B)[order], atol=1e-9)


@pytest.mark.parametrize("columns", [1, 3, 4, 16])
def test_columns_in_step_are_columns_one_by_one(monkeypatch, columns):
    _, M = system(MESH)
    B = noise(MESH, columns)
    monkeypatch.setattr(solver, "IN_STEP", MESH.n)
    in_step = solver.conjugate_gradients(M, B, 1e-11)
    monkeypatch.setattr(solver, "IN_STEP", 0)
    monkeypatch.setattr(solver, "_in_step", None)
    alone = solver.conjugate_gradients(M, B, 1e-11)
    np.testing.assert_allclose(alone[0], in_step[0], atol=1e-9)
    assert abs(alone[2] - in_step[2]) <= 1


@pytest.mark.parametrize("columns", SHAPES)
def test_smooth_takes_the_compiled_way_for_large_blocks(monkeypatch, columns):
    called = []
    sweeps = solver._gauss_seidel
    monkeypatch.setattr(solver, "_gauss_seidel", lambda *given: called.append(1) or sweeps(*given))
    B = noise(MESH, *columns)
    plain = smoothing.smooth(MESH, B, 10.0)
    assert not called
    monkeypatch.setattr(solver, "COMPILED_FROM", 0)
    compiled = smoothing.smooth(MESH, B, 10.0)
    several = len(columns) == 1 and columns[0] > 2
    assert bool(called) == (several and hasattr(laplacian_regularization.solve_block, "signatures"))
    assert compiled.X.shape == B.shape
    np.testing.assert_allclose(compiled.X, plain.X, atol=1e-6)
    assert compiled.residual <= 1e-8


# ------------------------------------------------------------------------------------------------ filters


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("order", [0, 1, 2, 7])
def test_chebyshev_kernels_are_their_definition(name, order):
    graph = SPECIAL[name]
    L, c, lam_max = smoothing.laplacian(graph), np.linspace(1.0, -0.5, order + 1), 90.0
    arrays = L.indptr.astype(np.int64), L.indices.astype(np.int32), L.data
    for columns in (1, 3, 16):
        X = noise(graph, columns)
        Y, last = np.empty_like(X), np.empty_like(X)
        graph_signals.chebyshev_block(*arrays, c, lam_max, X, Y, last)
        agree(L, X, c, lam_max, Y, last)
    if graph.weights is None:
        x, y, last = noise(graph), np.empty(graph.n), np.empty(graph.n)
        graph_signals.chebyshev(graph.indptr, graph.indices, smoothing.degrees(graph), c, lam_max, x, y, last)
        agree(L, x, c, lam_max, y, last)


def agree(L, X, c, lam_max, Y, last):
    """The kernels and the definition have what NumPy's own Chebyshev polynomials make of the eigenvalues."""
    lam, U = np.linalg.eigh(L.toarray())
    for found in ((Y, last), chebyshev.recurrence(L, X, c, lam_max)):
        for array, p in zip(found, (c, np.eye(len(c))[-1]), strict=True):
            exact = U @ (np.polynomial.chebyshev.chebval(2 * lam / lam_max - 1, p) * (U.T @ X).T).T
            np.testing.assert_allclose(array, exact, atol=1e-12)


@pytest.mark.parametrize("kind", ["combinatorial", "normalised"])
@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("columns", SHAPES)
def test_a_filter_is_the_same_the_compiled_way(monkeypatch, kind, name, columns):
    X = noise(SPECIAL[name], *columns)
    plain = signals.filter_chebyshev(SPECIAL[name], X, signals.heat(1.0), kind=kind)
    monkeypatch.setattr(chebyshev, "COMPILED_FROM", 0)
    compiled = signals.filter_chebyshev(SPECIAL[name], X, signals.heat(1.0), kind=kind)
    assert compiled.shape == X.shape
    np.testing.assert_allclose(compiled, plain, atol=1e-12)


# ------------------------------------------------------------------------------------------------ in a process


def test_small_inputs_do_not_load_numba():
    code = """
import sys
import numpy as np
from lessons.datasets import mesh_graph
from lessons.graph_signals import filter_chebyshev, heat
from lessons.laplacian_regularization import smooth
graph, _ = mesh_graph(1000)
smooth(graph, np.ones((1000, 16)), 10.0)
filter_chebyshev(graph, np.ones((1000, 16)), heat(1.0))
assert "numba" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
