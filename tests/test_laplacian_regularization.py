"""Laplacians against networkx's, SciPy's and the definition; solutions against dense ones and scikit-learn's."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse.csgraph
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.sparse.linalg import cg

from lessons import Graph, as_graph, neighbours
from lessons.backpropagation import Tensor, gradcheck
from lessons.datasets import digits, digits_graph, grid_graph, path_graph
from lessons.errors import ConvergenceError
from lessons.laplacian_regularization import (
    conjugate_gradients,
    degrees,
    dirichlet_energy,
    graph_penalty,
    label_propagation,
    label_propagation_definition,
    label_spreading,
    laplacian,
    laplacian_definition,
    neighbour_graph,
    signal,
    smooth,
    symmetric_kind,
    undirected,
)
from tests.strategies import graphs

KINDS = ("combinatorial", "normalised", "random_walk")
SYMMETRIC = KINDS[:2]
EDGELESS = [as_graph([], n=n) for n in (0, 1, 4)]
COMPLETE = as_graph(list(combinations(range(6), 2)), n=6)
LOOPS = as_graph([("a", "a", 8.0), ("a", "b", 0.5), ("b", "c", 0.0), ("d", "d", 2.0)], nodes="dcbae")
STAR = as_graph([(0, i, 10.0**i) for i in range(1, 7)], n=8)  # degrees from 10 to 10^6, and a node alone

WEIGHTS = st.integers(0, 12).map(lambda quarters: quarters / 4)
ANY = graphs(directed=False, weight=WEIGHTS)


def each(test: Callable) -> Callable:
    """Random graphs (weighted or not, with self-loops, isolated nodes, in pieces), and those that are special."""
    for graph in (*EDGELESS, COMPLETE, LOOPS):
        test = example(graph=graph)(test)
    return given(graph=ANY)(test)


def some_signal(graph: Graph, *columns: int) -> np.ndarray:
    return np.random.default_rng(graph.n).standard_normal((graph.n, *columns))


def dense(graph: Graph, kind: str) -> np.ndarray:
    """The Laplacians from the definition and the degrees, D^(-1/2) and D^(-1) being 0 where d is."""
    L, d = laplacian_definition(graph), graph.to_dense().sum(axis=1)
    inverse = np.where(d > 0, 1 / np.where(d > 0, d, 1), 0)
    if kind == "normalised":
        return np.sqrt(inverse)[:, None] * L * np.sqrt(inverse)
    return L if kind == "combinatorial" else inverse[:, None] * L


def components(graph: Graph) -> list[set[int]]:
    """Rows that edges of a weight above 0 join."""
    joined = nx.Graph()
    joined.add_nodes_from(range(graph.n))
    weights = graph.edge_weights.tolist()
    joined.add_edges_from(tuple(e) for e, w in zip(graph.edge_rows.tolist(), weights, strict=True) if w > 0)
    return list(nx.connected_components(joined))


# ---------------------------------------------------------------------------------------- the Laplacian


@each
def test_laplacians_are_those_of_networkx(graph: Graph) -> None:
    if graph.n == 0:  # networkx knows no matrix of an empty graph
        assert laplacian(graph).shape == (0, 0)
        return
    oracle = graph.to_networkx()
    np.testing.assert_array_equal(laplacian(graph).toarray(), nx.laplacian_matrix(oracle).toarray())
    np.testing.assert_allclose(
        laplacian(graph, "normalised").toarray(), nx.normalized_laplacian_matrix(oracle).toarray(), atol=1e-14
    )


@given(graph=ANY)
def test_laplacians_are_those_of_scipy(graph: Graph) -> None:
    """SciPy's normalised Laplacian leaves self-loops out of the degree, so it is the same only without them."""
    if graph.n == 0:
        return
    A = graph.to_dense()
    np.testing.assert_array_equal(laplacian(graph).toarray(), scipy.sparse.csgraph.laplacian(A))
    if not A.diagonal().any():
        normed = scipy.sparse.csgraph.laplacian(A, normed=True)
        np.testing.assert_allclose(laplacian(graph, "normalised").toarray(), normed, atol=1e-14)


@each
def test_laplacians_follow_from_the_definition(graph: Graph) -> None:
    for kind in KINDS:
        L = laplacian(graph, kind)
        np.testing.assert_allclose(L.toarray(), dense(graph, kind), atol=1e-14)
        assert L.has_canonical_format
        assert (L.data != 0).all(), "nothing is stored that is no entry"
    assert (laplacian(graph, "normalised") != laplacian(graph, "normalised").T).nnz == 0, "to the last bit"


@each
def test_what_is_constant_on_components_is_all_that_the_laplacian_does_not_see(graph: Graph) -> None:
    lam = np.linalg.eigvalsh(laplacian(graph).toarray())
    pieces = components(graph)
    assert np.count_nonzero(lam < 1e-9) == len(pieces)
    assert (lam > -1e-9).all()
    for piece in pieces:
        assert not (laplacian(graph) @ np.isin(np.arange(graph.n), list(piece))).any()
    lam = np.linalg.eigvalsh(laplacian(graph, "normalised").toarray())
    assert np.count_nonzero(lam < 1e-9) == len(pieces)
    assert (lam < 2 + 1e-9).all()


def test_a_heavy_self_loop_does_not_swallow_the_edges_beside_it() -> None:
    graph = as_graph([(0, 0, 1e20), (0, 1, 1.0)], n=2)
    np.testing.assert_array_equal(laplacian(graph).toarray(), [[1, -1], [-1, 1]])
    np.testing.assert_allclose(laplacian(graph, "random_walk").toarray(), [[1e-20, -1e-20], [-1, 1]])
    np.testing.assert_allclose(laplacian(graph, "normalised").toarray(), [[1e-20, -1e-10], [-1e-10, 1]])


@pytest.mark.parametrize("weight", [5e-324, 1e-300, 1e150, 8e307])
def test_the_scaled_laplacians_do_not_depend_on_the_unit_of_the_weights(weight: float) -> None:
    graph, plain = as_graph([(0, 1, weight), (1, 2, weight)], n=4), as_graph([(0, 1), (1, 2)], n=4)
    for kind in ("normalised", "random_walk"):
        np.testing.assert_allclose(laplacian(graph, kind).toarray(), laplacian(plain, kind).toarray(), atol=1e-14)
        np.testing.assert_allclose(
            smooth(graph, [1, 5, 2, 3], 2.0, kind=kind).X, smooth(plain, [1, 5, 2, 3], 2.0, kind=kind).X, rtol=1e-7
        )
    labels = [0, -1, 1, -1]
    np.testing.assert_allclose(label_propagation(graph, labels).scores, label_propagation(plain, labels).scores)


def test_each_laplacian_is_the_callers_own() -> None:
    for kind in KINDS:
        laplacian(COMPLETE, kind).data[:] = 7.0
        np.testing.assert_allclose(laplacian(COMPLETE, kind).toarray(), dense(COMPLETE, kind))
    assert not degrees(COMPLETE).flags.writeable


@given(graph=ANY, data=st.data())
def test_the_names_and_the_order_of_the_nodes_do_not_matter(graph: Graph, data: st.DataObject) -> None:
    order = np.array(data.draw(st.permutations(range(graph.n))), np.int64)
    row = np.argsort(order)  # where each old row has gone
    pairs = [(int(row[u]), int(row[v]), w) for (u, v), w in zip(graph.edge_rows, graph.edge_weights, strict=True)]
    other = as_graph(pairs, n=graph.n)
    X = some_signal(graph, 2)
    for kind in KINDS:
        P_L = laplacian(graph, kind).toarray()[np.ix_(order, order)]
        np.testing.assert_allclose(laplacian(other, kind).toarray(), P_L, atol=1e-14)
        moved = smooth(other, X[order], 3.0, kind=kind, tolerance=1e-12).X
        np.testing.assert_allclose(moved, smooth(graph, X, 3.0, kind=kind, tolerance=1e-12).X[order], atol=1e-10)
    if graph.n:
        labels = np.arange(graph.n) % 3 - 1
        labels[0] = 1
        np.testing.assert_allclose(
            label_propagation(other, labels[order]).scores,
            label_propagation(graph, labels).scores[order],
            atol=1e-6,
        )


# ---------------------------------------------------------------------------------------- energy and penalty


@each
def test_the_energy_is_the_sum_over_edges_and_the_quadratic_form(graph: Graph) -> None:
    X = some_signal(graph, 3)
    d = graph.to_dense().sum(axis=1)
    for kind in SYMMETRIC:
        Y = X if kind == "combinatorial" else X / np.sqrt(np.where(d > 0, d, 1))[:, None]
        by_edges = np.zeros(3)
        for (u, v), w in zip(graph.edge_rows, graph.edge_weights, strict=True):
            by_edges += w * (Y[u] - Y[v]) ** 2
        energy = dirichlet_energy(graph, X, kind=kind)
        np.testing.assert_allclose(energy, by_edges, atol=1e-12)
        np.testing.assert_allclose(energy, np.diag(X.T @ dense(graph, kind) @ X), atol=1e-12)
        np.testing.assert_allclose(dirichlet_energy(graph, X[:, 1], kind=kind), energy[1])
        np.testing.assert_allclose(graph_penalty(graph, X, kind=kind).item(), energy.sum(), atol=1e-12)


def test_the_energy_of_a_constant_is_nothing_in_float32_neither() -> None:
    constant = Tensor(np.full((64, 3), 1000.1, np.float32))
    assert graph_penalty(grid_graph(8, 8), constant).item() == 0.0
    assert dirichlet_energy(grid_graph(8, 8), np.full(64, 1e9 + 0.1)) == 0.0
    nearly = 1000 + np.random.default_rng(0).random(64).astype(np.float32) / 100
    exact = dirichlet_energy(grid_graph(8, 8), nearly)
    assert graph_penalty(grid_graph(8, 8), Tensor(nearly)).item() == pytest.approx(exact, rel=1e-5)


@each
def test_the_gradient_of_the_penalty_is_2_L_X(graph: Graph) -> None:
    for kind in SYMMETRIC:
        X = Tensor(some_signal(graph, 2))
        graph_penalty(graph, X, kind=kind).backward()
        np.testing.assert_allclose(X.grad, 2 * dense(graph, kind) @ X.data, atol=1e-12)


@pytest.mark.parametrize("kind", SYMMETRIC)
@pytest.mark.parametrize("columns", [(), (3,)])
def test_the_gradient_of_the_penalty_is_that_of_differences(kind: str, columns: tuple[int, ...]) -> None:
    assert gradcheck(lambda X: graph_penalty(LOOPS, X, kind=kind), some_signal(LOOPS, *columns)).ok
    W = np.random.default_rng(0).standard_normal((4, 5))
    assert gradcheck(lambda W: graph_penalty(LOOPS, W.T, kind=kind), W).ok, "the inputs of a layer"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_penalty_in_a_loss_trains_smooth_weights(dtype: type) -> None:
    graph, rng = path_graph(12), np.random.default_rng(3)
    x, y = rng.standard_normal((40, 12)).astype(dtype), rng.standard_normal((40, 2)).astype(dtype)

    def trained(lam: float) -> Tensor:
        W = Tensor(np.zeros((2, 12), dtype))
        for _ in range(300):
            W.grad = None
            ((x @ W.T - y) ** 2).mean().backward()
            (lam * graph_penalty(graph, W.T)).backward()
            W = Tensor(W.data - dtype(0.05) * W.grad)
        return W

    assert graph_penalty(graph, Tensor(np.ones((12, 2), dtype))).dtype == dtype
    rough, smoothed = trained(0.0), trained(1.0)
    assert smoothed.dtype == dtype
    assert graph_penalty(graph, smoothed.T).item() < 0.05 * graph_penalty(graph, rough.T).item()
    L, grams = laplacian(graph).toarray(), x.T @ x / x[:, 0].size / 2
    answer = np.linalg.solve(grams + L, x.T @ y / x[:, 0].size / 2)  # where the gradient is 0
    np.testing.assert_allclose(smoothed.data.T, answer, atol=1e-4)


# ---------------------------------------------------------------------------------------- smoothing


@pytest.mark.parametrize("kind", KINDS)
def test_smoothing_solves_the_system_of_its_kind(kind: str) -> None:
    @given(graph=ANY, lam=st.sampled_from([0.0, 0.3, 5.0, 1e4]), columns=st.sampled_from([(), (1,), (19,)]))
    @example(graph=STAR, lam=2.0, columns=(3,))
    @example(graph=COMPLETE, lam=2.0, columns=(0,))
    @example(graph=EDGELESS[0], lam=2.0, columns=())
    def agrees(graph: Graph, lam: float, columns: tuple[int, ...]) -> None:
        B = some_signal(graph, *columns)
        answer = smooth(graph, B, lam, kind=kind, tolerance=1e-9)
        K = np.eye(graph.n) + lam * dense(graph, kind)
        np.testing.assert_allclose(answer.X, np.linalg.solve(K, B), atol=1e-7)
        if B.size:
            residuals = np.linalg.norm(B - K @ answer.X, axis=0) / np.linalg.norm(B, axis=0)
            rounding = 4e-16 * np.abs(K).sum(axis=1).max()
            assert np.max(residuals) == pytest.approx(answer.residual, abs=rounding), (
                "that of the system asked for"
            )
            assert answer.residual <= 1e-9

    agrees()


@each
def test_smoothing_keeps_the_mean_of_each_component_and_the_range(graph: Graph) -> None:
    B = some_signal(graph)
    X = smooth(graph, B, 7.0, tolerance=1e-12).X
    for piece in components(graph):
        rows = list(piece)
        assert X[rows].mean() == pytest.approx(B[rows].mean(), abs=1e-10)
        assert B[rows].min() - 1e-10 <= X[rows].min()
        assert X[rows].max() <= B[rows].max() + 1e-10
    assert np.all(dirichlet_energy(graph, X) <= dirichlet_energy(graph, B) + 1e-10)


def test_one_column_is_solved_as_scipy_does_and_many_as_one() -> None:
    graph, rng = grid_graph(15, 15), np.random.default_rng(1)
    B = rng.standard_normal((225, 37))  # two blocks and a part of one
    B[:, 5] = 0.0
    together = smooth(graph, B, 20.0, tolerance=1e-11)
    alone = [smooth(graph, column, 20.0, tolerance=1e-11) for column in B.T]
    np.testing.assert_allclose(together.X, np.column_stack([answer.X for answer in alone]), atol=1e-9)
    assert not together.X[:, 5].any()
    M = scipy.sparse.eye_array(225) + 20.0 * laplacian(graph)
    oracle, _ = cg(M.tocsr(), B[:, 0], rtol=1e-12)
    np.testing.assert_allclose(alone[0].X, oracle, atol=1e-9)
    assert max(answer.iterations for answer in alone) <= together.iterations + 1
    assert 30 < together.iterations < 200, "about the square root of the condition number, 161"


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint64, np.bool_, list])
def test_a_signal_may_have_any_real_type(dtype: type) -> None:
    values = [0, 1, 1, 0]
    B = values if dtype is list else np.array(values, dtype)
    X = smooth(path_graph(4), B, 2.0).X
    assert X.dtype == np.float64
    np.testing.assert_allclose(X, smooth(path_graph(4), np.array(values, float), 2.0).X)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 1e307])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_may_be_huge_or_tiny(kind: str, scale: float) -> None:
    B = np.array([[0.0, 3.0], [1.0, 1.0], [2.0, 0.0], [7.0, 2.0]])
    plain = smooth(path_graph(4), B, 2.0, kind=kind)
    scaled = smooth(path_graph(4), B * [1.0, scale], 2.0, kind=kind)
    np.testing.assert_allclose(scaled.X, plain.X * [1.0, scale], rtol=1e-7)


def test_answers_share_nothing_with_what_was_given() -> None:
    B = np.ones((4, 2))
    smooth(EDGELESS[2], B, 0.0).X[:] = 5.0
    assert (B == 1.0).all()


@pytest.mark.parametrize("columns", [(), (3,)])
def test_what_does_not_converge_says_how_far_it_came(columns: tuple[int, ...]) -> None:
    B = np.random.default_rng(0).standard_normal((100, *columns))
    with pytest.raises(ConvergenceError, match=r"residual .* after 3 iterations") as caught:
        smooth(path_graph(100), B, 1e3, iterations=3)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.residual, copy.iterations) == (caught.value.residual, 3)
    assert copy.residual > 1e-8
    assert np.isfinite(copy.residual)
    enough = smooth(path_graph(100), B, 1e3, tolerance=0.9, iterations=99)
    assert enough.iterations < 99
    assert 1e-8 < enough.residual <= 0.9


def test_a_residual_that_float64_cannot_reach_is_refused() -> None:
    """The residual that the iteration carries along falls below any tolerance; that of X does not."""
    B = np.random.default_rng(0).standard_normal((64, 2))
    with pytest.raises(ConvergenceError):
        smooth(grid_graph(8, 8), B, 1e12)
    X = smooth(grid_graph(8, 8), B, 1e12, tolerance=0.1).X
    np.testing.assert_allclose(X, np.broadcast_to(B.mean(axis=0), X.shape), atol=1e-4)


def test_the_residual_of_a_random_walk_is_below_the_tolerance_where_degrees_differ_much() -> None:
    rng, grid = np.random.default_rng(5), grid_graph(12, 12)
    graph = as_graph([(int(u), int(v), 10 ** rng.uniform(-4, 4)) for u, v in grid.edge_rows], n=144)
    B = rng.standard_normal((144, 3))
    answer = smooth(graph, B, 50.0, kind="random_walk")
    R = B - answer.X - 50.0 * laplacian(graph, "random_walk") @ answer.X
    assert (np.linalg.norm(R, axis=0) <= 1e-8 * np.linalg.norm(B, axis=0)).all()


def test_iterations_are_those_of_the_slowest_column() -> None:
    B = np.zeros((30, 17))
    B[0, 0] = 1.0  # in the first of two blocks
    assert smooth(path_graph(30), B, 5.0).iterations == smooth(path_graph(30), B[:, :1], 5.0).iterations > 5


def test_conjugate_gradients_solves_any_positive_definite_system() -> None:
    rng = np.random.default_rng(2)
    C = rng.standard_normal((30, 30))
    M, B = scipy.sparse.csr_array(C @ C.T + np.diag(np.arange(1.0, 31))), rng.standard_normal((30, 4))
    X, residual, taken = conjugate_gradients(M, B, 1e-10)
    np.testing.assert_allclose(X, np.linalg.solve(M.toarray(), B), atol=1e-8)
    assert residual <= 1e-10
    assert 0 < taken <= 300


# ---------------------------------------------------------------------------------------- labels


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Graph, list[int]]:
    graph = draw(graphs(directed=False, weight=WEIGHTS, max_nodes=8).filter(lambda graph: graph.n > 0))
    labels = draw(st.lists(st.sampled_from([-1, -1, -1, 2, 5, 40]), min_size=graph.n, max_size=graph.n))
    labels[draw(st.integers(0, graph.n - 1))] = 5
    return graph, labels


def harmonic(graph: Graph, labels: np.ndarray) -> np.ndarray:
    """Scores from dense matrices: (D_uu - W_uu)^(-1) W_ul Y_l where labels reach, 0 elsewhere."""
    known, A = labels >= 0, graph.to_dense()
    Y = (labels[:, None] == np.unique(labels[known])).astype(float)
    reached = set().union(*(piece for piece in components(graph) if known[list(piece)].any()))
    free = [row for row in reached if not known[row]]
    Y[free] = np.linalg.solve(np.diag(A.sum(axis=1)[free]) - A[np.ix_(free, free)], A[free][:, known] @ Y[known])
    return Y


@given(case=labelled())
def test_propagated_scores_are_harmonic(case: tuple[Graph, list[int]]) -> None:
    graph, labels = case
    answer, labels = label_propagation(graph, labels), np.array(labels)
    known, A, reached = labels >= 0, graph.to_dense(), answer.labels >= 0
    np.testing.assert_allclose(answer.scores, harmonic(graph, labels), atol=1e-6)
    np.testing.assert_array_equal(answer.classes, np.unique(labels[known]))
    np.testing.assert_array_equal(answer.labels[known], labels[known])
    np.testing.assert_array_equal(answer.scores[known], labels[known, None] == answer.classes)
    assert (answer.scores > -1e-6).all()
    assert (answer.scores < 1 + 1e-6).all()
    np.testing.assert_allclose(answer.scores.sum(axis=1), reached, atol=1e-6)
    free = reached & ~known
    np.testing.assert_allclose(
        (A @ answer.scores)[free] / A.sum(axis=1)[free, None], answer.scores[free], atol=1e-6
    )
    pieces = [piece for piece in components(graph) if not known[list(piece)].any()]
    assert set(np.flatnonzero(~reached)) == set().union(*pieces)
    assert answer.residual <= 1e-8


@given(case=labelled())
def test_propagation_is_where_its_definition_comes_to_rest(case: tuple[Graph, list[int]]) -> None:
    scores = label_propagation_definition(*case, rounds=600)
    np.testing.assert_allclose(label_propagation(*case).scores, scores, atol=1e-3)


@given(case=labelled(), alpha=st.sampled_from([0.2, 0.5, 0.9]))
def test_spread_scores_are_the_fixed_point(case: tuple[Graph, list[int]], alpha: float) -> None:
    graph, labels = case
    answer, labels = label_spreading(graph, labels, alpha=alpha, tolerance=1e-11), np.array(labels)
    S = np.eye(graph.n) - dense(graph, "normalised")
    Y = (labels[:, None] == answer.classes).astype(float)
    F = np.zeros_like(Y)
    for _ in range(400):
        F = alpha * S @ F + (1 - alpha) * Y
    np.testing.assert_allclose(answer.scores, F, atol=1e-9)
    np.testing.assert_array_equal(answer.labels >= 0, (F > 0).any(axis=1))
    named = np.flatnonzero(answer.labels >= 0)
    best = answer.scores[named, np.searchsorted(answer.classes, answer.labels[named])]
    assert (best >= (1 - 2e-6) * F[named].max(axis=1)).all()


def connected_case(seed: int) -> tuple[Graph, np.ndarray]:
    """Weighted, connected, without self-loops: where the conventions of scikit-learn are ours."""
    rng = np.random.default_rng(seed)
    n = 14
    edges = {(i, int(rng.integers(i))) for i in range(1, n)} | {
        tuple(rng.choice(n, 2, replace=False)) for _ in range(9)
    }
    weighted = [(u, v, float(rng.integers(1, 9)) / 4) for u, v in edges]
    labels = np.full(n, -1)
    labels[rng.choice(n, 4, replace=False)] = [3, 3, 4, 9]
    return as_graph(weighted, n=n, parallel="max"), labels


@pytest.mark.parametrize("seed", range(6))
def test_labels_and_scores_are_those_of_scikit_learn(seed: int) -> None:
    """With our affinity as its kernel. It differs where no label reaches (its first class), on isolated nodes
    (0/0), on self-loops (left out of its degrees when spreading), and makes spread scores sum to 1."""
    semi = pytest.importorskip("sklearn.semi_supervised")
    graph, labels = connected_case(seed)
    rows, settings = np.zeros((graph.n, 1)), {"tol": 1e-12, "max_iter": 100_000}
    theirs = semi.LabelPropagation(kernel=lambda *_: graph.to_dense(), **settings).fit(rows, labels)
    ours = label_propagation(graph, labels, tolerance=1e-11)
    np.testing.assert_allclose(ours.scores, theirs.label_distributions_, atol=1e-8)
    np.testing.assert_array_equal(ours.labels, theirs.transduction_)
    theirs = semi.LabelSpreading(kernel=lambda *_: graph.to_dense(), alpha=0.9, **settings).fit(rows, labels)
    ours = label_spreading(graph, labels, alpha=0.9, tolerance=1e-11)
    scaled = ours.scores / ours.scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scaled, theirs.label_distributions_, atol=1e-8)
    np.testing.assert_array_equal(ours.labels, theirs.transduction_)


def test_a_long_chain_is_solved_to_its_end() -> None:
    labels = np.full(1500, -1)
    labels[[0, -1]] = 0, 1
    scores = label_propagation(path_graph(1500), labels).scores
    np.testing.assert_allclose(scores[:, 1], np.linspace(0, 1, 1500), atol=1e-9)


def test_ties_go_to_the_smaller_label_whatever_the_last_digits_are() -> None:
    for answer in (
        label_propagation(path_graph(31), [9, *[-1] * 29, 4]),
        label_spreading(COMPLETE, [4, 9, *[-1] * 4]),
    ):
        ties = np.abs(np.diff(answer.scores, axis=1)[:, 0]) < 1e-7
        assert ties.any()
        assert (answer.labels[ties] == 4).all()


def test_scores_that_hang_by_a_thread_are_refused_or_right() -> None:
    """Zeros are nearly harmonic on a clique that hangs on the labels by a weight of 1e-9."""
    cliques = [(i, j, 1.0) for side in (0, 8) for i, j in combinations(range(side, side + 8), 2)]
    labels = [0, 1, *[-1] * 14]
    for thread, tolerance, solved in [(1e-5, 1e-8, True), (1e-9, 1e-8, False), (1e-9, 1e-12, True)]:
        graph = as_graph([*cliques, (3, 8, thread)], n=16)
        if solved:
            np.testing.assert_allclose(
                label_propagation(graph, labels, tolerance=tolerance).scores[8:], 0.5, atol=1e-3
            )
        else:
            with pytest.raises(ConvergenceError, match=r"sums of scores.*smaller tolerance"):
                label_propagation(graph, labels, tolerance=tolerance)


@pytest.mark.parametrize(("n", "tolerance", "named"), [(120, 1e-8, True), (150, 1e-8, False), (150, 1e-12, True)])
def test_what_spreads_too_faintly_is_refused(n: int, tolerance: float, named: bool) -> None:
    """On a path scores fall by 1.15 a step; here to 1e-9 and 1e-11. Nodes that nothing reaches are no failure."""
    graph, labels = as_graph(path_graph(n).edges(), n=n + 3), np.full(n + 3, -1)
    labels[0] = 6
    if named:
        assert label_spreading(graph, labels, tolerance=tolerance).labels.tolist() == [6] * n + [-1] * 3
    else:
        with pytest.raises(ConvergenceError, match=r"\d+ nodes .* below the error.*label_propagation"):
            label_spreading(graph, labels, tolerance=tolerance)
    assert label_propagation(graph, labels).labels.tolist() == [6] * n + [-1] * 3


@pytest.mark.parametrize(("seed", "solved"), [(0, True), (21, True), (37, False), (52, False)])
def test_noise_is_no_label(seed: int, solved: bool) -> None:
    """Of these scores some are the wrong way round, and below the error of the solution."""
    rng, grid = np.random.default_rng(seed), grid_graph(4, 20)
    graph = as_graph([(int(u), int(v), 10 ** rng.uniform(-3, 3)) for u, v in grid.edge_rows], n=80)
    labels = np.full(80, -1)
    labels[0], labels[rng.integers(1, 80)] = 0, 1
    Y = (labels[:, None] == [0, 1]).astype(float)
    right = np.linalg.solve(np.eye(80) + 9 * dense(graph, "normalised"), Y).argmax(axis=1)
    scores = smooth(graph, Y, 9.0, kind="normalised", tolerance=1e-6).X
    assert (scores.argmax(axis=1) != right)[(scores > 0).any(axis=1)].any()
    with pytest.raises(ConvergenceError, match="below the error"):
        label_spreading(graph, labels, alpha=0.9, tolerance=1e-6)
    if solved:
        np.testing.assert_array_equal(label_spreading(graph, labels, alpha=0.9, tolerance=1e-14).labels, right)
    else:
        with pytest.raises(ConvergenceError):
            label_spreading(graph, labels, alpha=0.9, tolerance=1e-14)


def test_few_labels_name_most_of_the_digits() -> None:
    (_, y), graph = digits(), digits_graph(5)
    for method in (label_propagation, label_spreading):
        accuracies = []
        for seed in (100, 101):
            order = np.random.default_rng(seed).permutation(len(y))
            labels = np.full(len(y), -1)
            for digit in range(10):
                labels[order[y[order] == digit][:3]] = digit
            unknown = labels == -1
            accuracies.append((method(graph, labels).labels == y)[unknown].mean())
        assert np.mean(accuracies) > 0.9


def test_labels_may_be_unsigned_and_all_known() -> None:
    answer = label_propagation(path_graph(3), np.array([5, 255, 7], np.uint8))
    assert answer.labels.tolist() == [5, 255, 7]
    assert answer.classes.tolist() == [5, 7, 255]
    assert (answer.residual, answer.iterations) == (0.0, 0)


# ---------------------------------------------------------------------------------------- a graph from points


def neighbours_definition(X: np.ndarray, k: int) -> set[tuple[int, int]]:
    """Edges i < j where either is among the k first of the other, sorted by exact distance and row."""
    edges = set()
    for i, x in enumerate(X):
        others = sorted((((x - z) ** 2).sum(), j) for j, z in enumerate(X) if j != i)
        edges |= {(min(i, j), max(i, j)) for _, j in others[:k]}
    return edges


@given(
    side=st.integers(1, 5),
    shape=st.tuples(st.integers(2, 25), st.sampled_from([1, 2, 3, 8, 9, 12])),
    data=st.data(),
)
def test_neighbours_with_many_ties_are_those_of_the_definition(
    side: int, shape: tuple[int, int], data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.integers(0, side), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    X, k = np.array(values).reshape(shape), data.draw(st.integers(1, shape[0] - 1))
    assert set(neighbour_graph(X, k).edges()) == neighbours_definition(X, k)


@pytest.mark.parametrize("scale", [1e-200, 0.1, 1.0, 1e200])
def test_both_ways_to_neighbours_give_one_graph(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    for X in (rng.random((800, 2)), rng.integers(0, 20, (800, 2)), rng.integers(0, 3, (400, 5)), np.ones((60, 3))):
        X = X * scale
        by_tree = neighbour_graph(X, 6, sigma=scale)
        monkeypatch.setattr(neighbours, "FEATURES", 0)
        monkeypatch.setattr(neighbours, "DISTANCES", 5000)  # several blocks
        assert neighbour_graph(X, 6, sigma=scale) == by_tree
        monkeypatch.undo()


def test_the_graph_of_the_digits_is_that_of_whole_number_distances() -> None:
    X = digits()[0].astype(np.int64)
    squares = (X**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * X @ X.T
    np.fill_diagonal(distances, 2**40)
    keys = np.partition(distances * 2048 + np.arange(len(X)), 10, axis=1)[:, :10]  # the row breaks ties
    order = np.sort(keys, axis=1) % 2048
    for k in (1, 5, 10):
        pairs = np.sort(np.column_stack([np.repeat(np.arange(len(X)), k), order[:, :k].ravel()]), axis=1)
        assert digits_graph(k) == as_graph(np.unique(pairs, axis=0), n=len(X))


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9])
def test_points_far_from_the_origin_keep_their_neighbours(offset: float) -> None:
    """Where |x|^2 + |y|^2 - 2 x.y has lost the digits that tell which of two points is nearer."""
    X = np.random.default_rng(4).random((300, 10)) + offset
    squares = ((X[:, None] - X) ** 2).sum(axis=2) + np.diag(np.full(300, np.inf))
    nearest = np.sort(np.argsort(squares, axis=1, kind="stable")[:, :4])
    np.testing.assert_array_equal(np.sort(neighbours._by_distances(X, 4)), nearest)


def test_weights_fall_with_the_distance() -> None:
    X = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.5], [500.0, 0.0]])
    graph = neighbour_graph(X, 1, sigma=5.0)
    assert graph.edges() == [(0, 1), (1, 2), (1, 3)]
    np.testing.assert_allclose(graph.edge_weights, [np.exp(-0.5), np.exp(-(0.1**2) / 2), 0.0], rtol=1e-14)
    assert label_propagation(graph, [0, -1, -1, -1]).labels.tolist() == [0, 0, 0, -1], (
        "a weight of 0 joins nothing"
    )
    assert neighbour_graph(X, 1).weights is None


def test_distances_are_held_a_few_rows_at_a_time() -> None:
    X = np.random.default_rng(0).random((3000, 9))
    neighbour_graph(X[:9], 3)
    tracemalloc.start()
    neighbour_graph(X, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 72e6 <= X.shape[0] ** 2 * 8, "less than all distances"


# ---------------------------------------------------------------------------------------- bad input

PATH = path_graph(3)
ARROW = as_graph([(0, 1)], n=3, directed=True)
NEGATIVE = as_graph([("a", "b", 1.0), ("b", "c", -2.0)], nodes="abc")
FUNCTIONS = [
    laplacian,
    lambda graph: dirichlet_energy(graph, [1, 2, 3]),
    lambda graph: graph_penalty(graph, [1.0, 2.0, 3.0]),
    lambda graph: smooth(graph, [1, 2, 3], 1.0),
    lambda graph: label_propagation(graph, [0, -1, -1]),
    lambda graph: label_spreading(graph, [0, -1, -1]),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_graphs_that_are_directed_or_negative_are_refused(function: Callable) -> None:
    with pytest.raises(ValueError, match=r"to_undirected\(\)"):
        function(ARROW)
    with pytest.raises(ValueError, match=r"\('b', 'c'\) has weight -2.0"):
        function(NEGATIVE)
    with pytest.raises(TypeError):
        function(3)
    function(nx.path_graph(3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: laplacian(PATH, "normalized"), ValueError, "kind='normalized'.*\"normalised\""),
        (lambda: dirichlet_energy(PATH, [1, 2, 3], kind="random_walk"), ValueError, "random_walk.*symmetric"),
        (lambda: graph_penalty(PATH, [1.0, 2, 3], kind="random_walk"), ValueError, "random_walk.*symmetric"),
        (lambda: symmetric_kind("other"), ValueError, "other"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, kind=None), ValueError, "kind=None"),
        (lambda: laplacian(as_graph([(0, 1, 1e308), (1, 2, 1e308)], n=3)), ValueError, "node 1 add up"),
        (lambda: graph_penalty(PATH, np.ones((2, 3))), ValueError, r"\(2, 3\) on 3 nodes"),
        (lambda: graph_penalty(PATH, np.ones((3, 1, 1))), ValueError, r"\(3, 1, 1\)"),
        (lambda: dirichlet_energy(PATH, [1, np.nan, 3]), ValueError, "X at node 1 is nan"),
        (lambda: smooth(PATH, [[1, 2], [3, np.inf], [1, 2]], 1.0), ValueError, "B at node 1 is .*inf"),
        (lambda: smooth(PATH, [1, 2], 1.0), ValueError, r"B of shape \(2,\) for 3 nodes"),
        (lambda: smooth(PATH, 1.0, 1.0), ValueError, r"B of shape \(\) for 3 nodes"),
        (lambda: smooth(PATH, np.ones((3, 1, 1)), 1.0), ValueError, r"\(3, 1, 1\)"),
        (lambda: smooth(PATH, [1j, 2, 3], 1.0), TypeError, "complex128: real numbers"),
        (lambda: smooth(PATH, ["a", "b", "c"], 1.0), TypeError, "real numbers"),
        (lambda: smooth(PATH, [1, 2, 3], -0.5), ValueError, "lam=-0.5"),
        (lambda: smooth(PATH, [1, 2, 3], np.nan), ValueError, "lam=nan"),
        (lambda: smooth(PATH, [1, 2, 3], np.inf), ValueError, "lam=inf"),
        (lambda: smooth(PATH, [1, 2, 3], 1e300), ValueError, r"lam=1e\+300"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, tolerance=0.0), ValueError, "tolerance=0.0"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, tolerance=np.nan), ValueError, "tolerance=nan"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, tolerance=1.0), ValueError, "tolerance=1.0"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, iterations=0), ValueError, "iterations=0"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, iterations=True), TypeError, "iterations=True"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, iterations=5.0), TypeError, "iterations=5.0"),
        (lambda: label_propagation(PATH, [0, -1]), ValueError, r"\(2,\) for 3 nodes"),
        (lambda: label_propagation(PATH, [[0], [-1], [1]]), ValueError, r"\(3, 1\) for 3 nodes"),
        (lambda: label_propagation(NAMED, [0, -2, 1]), ValueError, "label -2 of node 'y'"),
        (
            lambda: label_propagation(PATH, np.array([0, 2**63, 1], np.uint64)),
            ValueError,
            "label 9223372036854775808",
        ),
        (lambda: label_spreading(PATH, [-1, -1, -1]), ValueError, "no node has a label"),
        (lambda: label_propagation(PATH, [0.0, -1.0, 1.0]), TypeError, r"float64: whole numbers.*astype\(int\)"),
        (lambda: label_propagation(PATH, [True, False, True]), TypeError, "bool: whole numbers"),
        (lambda: label_propagation(PATH, ["cat", "", "dog"]), TypeError, "whole numbers.*return_inverse=True"),
        (lambda: label_propagation(PATH, [0, None, 1]), TypeError, "object: whole numbers.*-1 where unknown"),
        (lambda: label_propagation(NAMED, {"x": 0}), TypeError, r"labels.get\(node, -1\) for node in graph.nodes"),
        (lambda: smooth(PATH, [1, 2, 3], "1"), TypeError, "lam='1': a number"),
        (lambda: smooth(PATH, [1, 2, 3], np.ones(3)), TypeError, "lam=array"),
        (lambda: smooth(PATH, [1, 2, 3], 1.0, tolerance="a"), TypeError, "tolerance='a'"),
        (lambda: smooth(PATH, laplacian(PATH), 1.0), TypeError, r"B is sparse: B.toarray\(\)"),
        (lambda: label_spreading(PATH, [0, -1, 1], alpha="0.9"), TypeError, "alpha='0.9'"),
        (lambda: neighbour_graph([[1.0], [2.0]], 1, sigma="a"), TypeError, "sigma='a'"),
        (lambda: neighbour_graph([[1.0], [2.0]], 1, sigma=np.inf), ValueError, "sigma=inf"),
        (lambda: neighbour_graph([[1j], [2.0]], 1), TypeError, "X of type complex128: real"),
        (lambda: neighbour_graph([["a"], ["b"]], 1), TypeError, "X of type <U1: real"),
        (lambda: neighbour_graph(laplacian(PATH), 1), TypeError, r"X is sparse: X.toarray\(\)"),
        (lambda: label_spreading(PATH, [0, -1, 1], alpha=1.0), ValueError, "alpha=1.0"),
        (lambda: label_spreading(PATH, [0, -1, 1], alpha=0.0), ValueError, "alpha=0.0"),
        (lambda: label_spreading(PATH, [0, -1, 1], alpha=np.nan), ValueError, "alpha=nan"),
        (lambda: neighbour_graph([1.0, 2.0], 1), ValueError, r"shape \(2,\)"),
        (lambda: neighbour_graph(np.empty((3, 0)), 1), ValueError, r"shape \(3, 0\)"),
        (lambda: neighbour_graph(np.empty((0, 2)), 1), ValueError, r"shape \(0, 2\)"),
        (lambda: neighbour_graph([[1.0], [np.nan]], 1), ValueError, "row 1 of X"),
        (lambda: neighbour_graph([[1.0]], 1), ValueError, "k=1: 1 points have at most 0"),
        (lambda: neighbour_graph([[1.0], [2.0]], 2), ValueError, "k=2: 2 points have at most 1"),
        (lambda: neighbour_graph([[1.0], [2.0]], 0), ValueError, "k=0"),
        (lambda: neighbour_graph([[1.0], [2.0]], 1.0), TypeError, "k=1.0"),
        (lambda: neighbour_graph([[1.0], [2.0]], 1, sigma=0.0), ValueError, "sigma=0.0"),
        (lambda: neighbour_graph([[1.0], [2.0]], 1, sigma=np.nan), ValueError, "sigma=nan"),
    ],
)
def test_bad_input_is_named(call: Callable, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


NAMED = as_graph([("x", "y"), ("y", "z")], nodes="xyz")


def test_the_door_gives_what_the_topics_work_with() -> None:
    assert undirected(nx.path_graph(3)) == PATH
    assert symmetric_kind("normalised") == "normalised"
    B = np.ones(3)
    assert signal(PATH, B) is not B
    np.testing.assert_array_equal(degrees(LOOPS), [2.0, 0.0, 0.5, 8.5, 0.0])
