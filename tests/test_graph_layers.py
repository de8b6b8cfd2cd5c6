"""Graph convolutions: the library against loops over all pairs of nodes, plain Python, dense matrices, networkx,
finite differences, and what follows from the definitions: hops, renumbering, an edgeless graph."""

from __future__ import annotations

import math
import pickle
from typing import Any

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, _rng, as_graph, chebyshev
from lessons.backpropagation import gradcheck
from lessons.datasets import path_graph, ring_graph
from lessons.graph_layers import (
    GCN,
    ChebConv,
    ChebNet,
    GCNConv,
    GraphNetwork,
    checked_mask,
    gcn_definition,
    propagation,
    row_normalised,
    with_self_loops,
)
from lessons.laplacian_regularization import laplacian
from lessons.layers import MLP, Layer
from lessons.tensor import Tensor, tensor_of
from lessons.tensor_functions import cross_entropy

WEIGHTS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0])  # an edge in five joins nothing
ANY = graphs(weight=WEIGHTS)
UNDIRECTED = graphs(directed=False, weight=WEIGHTS)
PLAIN = graphs(directed=False, weighted=False, loops=False)
SEEDS = st.integers(0, 2**32)
RULES = ["renormalised", "single", "neighbours"]
RULE = st.sampled_from(RULES)

SOME, FEW = settings(max_examples=25), settings(max_examples=8)  # of what takes milliseconds an example

ARC = as_graph([(0, 1)], n=2, directed=True)
NAMED = as_graph([("ann", "bob", 2.0), ("bob", "cy", 0.0), ("cy", "cy", 1.5)], nodes=["ann", "bob", "cy", "di"])
COMPLETE = as_graph(nx.complete_graph(5))
EMPTY = as_graph([], n=0)


def joins(graph: Graph) -> np.ndarray:
    """(n, n) whether row i hears row j: an edge j -> i that weighs something."""
    return graph.to_dense().T > 0


def networkx_of(graph: nx.Graph, *edges: tuple[str, str]) -> nx.Graph:
    """With these edges; networkx 3.2 warns where a list of them makes a graph and pandas is missing."""
    graph.add_edges_from(edges)
    return graph


def signals(graph: Graph, columns: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((graph.n, columns))


def randomised(layer: Any, seed: int) -> Any:
    """A layer whose biases are no longer zero."""
    rng = np.random.default_rng(seed)
    for tensor in layer.parameters():
        tensor.data = rng.standard_normal(tensor.shape)
    return layer


# ---------------------------------------------------------------------------------------- propagation


def propagation_by_loops(graph: Graph, rule: str) -> np.ndarray:
    """The formulas, entry by entry: what i takes of j along the edge j -> i."""
    A, n = graph.to_dense().tolist(), graph.n
    if rule == "renormalised":
        for i in range(n):
            A[i][i] += 1.0
    arriving = [sum(A[j][i] for j in range(n)) for i in range(n)]
    leaving = [sum(A[j]) for j in range(n)]
    S = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if A[j][i] > 0:
                S[i, j] = A[j][i] / (math.sqrt(arriving[i]) * math.sqrt(leaving[j]))
    return S + np.eye(n) if rule == "single" else S


@given(ANY, RULE)
def test_propagation_is_its_formula(graph, rule):
    S, right = propagation(graph, rule), propagation_by_loops(graph, rule)
    np.testing.assert_allclose(S.toarray(), right, rtol=1e-14)
    assert type(S) is scipy.sparse.csr_array
    assert S.dtype == np.float64
    assert S.nnz == np.count_nonzero(right)  # nothing is stored for an edge of weight 0


@given(graphs(directed=False, weight=WEIGHTS).filter(lambda graph: graph.n > 0))
def test_undirected_and_renormalised_it_is_what_a_laplacian_leaves_of_the_identity(graph):
    S, looped = propagation(graph).toarray(), with_self_loops(graph)
    assert np.abs(S - (np.eye(graph.n) - laplacian(looped, "normalised").toarray())).max() < 1e-15
    theirs = nx.normalized_laplacian_matrix(looped.to_networkx(), nodelist=looped.nodes).toarray()
    np.testing.assert_allclose(S, np.eye(graph.n) - theirs, atol=1e-14)


@given(UNDIRECTED, RULE)
def test_undirected_it_is_symmetric_to_the_bit_and_its_eigenvalues_are_bounded(graph, rule):
    S = propagation(graph, rule).toarray()
    assert np.array_equal(S, S.T)
    least, most = {"renormalised": (-1 + 1e-6, 1), "single": (0, 2), "neighbours": (-1, 1)}[rule]
    lam = np.linalg.eigvalsh(S)
    assert (lam > least - 1e-12).all()
    assert (lam < most + 1e-12).all()
    if rule == "renormalised" and graph.n:
        assert lam[-1] == pytest.approx(1)


@given(graphs(directed=True, weight=WEIGHTS).filter(lambda graph: graph.n > 0))
def test_directed_its_largest_singular_value_is_at_most_one(graph):
    for rule in ("renormalised", "neighbours"):
        assert np.linalg.norm(propagation(graph, rule).toarray(), 2) < 1 + 1e-12
    assert np.linalg.norm(propagation(graph, "single").toarray(), 2) < 2 + 1e-12


def test_on_an_even_ring_the_least_eigenvalue_is_where_the_docstring_says():
    found = {rule: np.linalg.eigvalsh(propagation(ring_graph(4), rule).toarray()) for rule in RULES}
    np.testing.assert_allclose(found["neighbours"], [-1, 0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(found["single"], [0, 1, 1, 2], atol=1e-15)
    np.testing.assert_allclose(found["renormalised"], [-1 / 3, 1 / 3, 1 / 3, 1], atol=1e-15)


def test_who_stands_at_the_head_of_an_arc_hears_its_tail_and_not_the_other_way():
    half = math.sqrt(0.5)  # node 1 receives 2 with its own, node 0 sends 2
    np.testing.assert_allclose(propagation(ARC).toarray(), [[half, 0], [0.5, half]], rtol=1e-15)
    assert propagation(ARC, "neighbours").toarray().tolist() == [[0, 0], [1, 0]]
    assert propagation(ARC, "single").toarray().tolist() == [[1, 0], [1, 1]]
    heard = GCNConv(1, 1, bias=False, rule="neighbours", seed=0)
    heard.W.data = [[1.0]]
    assert heard(ARC, [[5.0], [7.0]]).data.ravel().tolist() == [0.0, 5.0]


def test_who_has_no_neighbours_keeps_what_it_has_or_gets_nothing():
    for graph in (as_graph([], n=3), as_graph([(0, 1, 0.0)], n=3), as_graph([], n=3, directed=True)):
        assert propagation(graph).toarray().tolist() == np.eye(3).tolist()
        assert propagation(graph, "single").toarray().tolist() == np.eye(3).tolist()
        assert propagation(graph, "neighbours").nnz == 0
    assert all(propagation(EMPTY, rule).shape == (0, 0) for rule in RULES)


@pytest.mark.parametrize("rule", RULES)
def test_propagation_takes_any_graph_and_belongs_to_the_caller(rule):
    theirs = networkx_of(nx.DiGraph(), ("a", "b"), ("c", "b"))
    ours = as_graph(theirs)
    right = propagation_by_loops(ours, rule)
    for graph in (theirs, nx.to_scipy_sparse_array(theirs), ours):
        np.testing.assert_allclose(propagation(graph, rule).toarray(), right, rtol=1e-14)
    propagation(ours, rule).data[:] = 9.0
    np.testing.assert_allclose(propagation(ours, rule).toarray(), right, rtol=1e-14)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_weights_of_any_size_give_the_same_shares(size):
    edges = [(0, 1, 1.0), (1, 2, 3.0), (2, 2, 0.5)]
    scaled = as_graph([(u, v, size * w) for u, v, w in edges], n=3)
    right = propagation_by_loops(as_graph(edges, n=3), "neighbours")
    np.testing.assert_allclose(propagation(scaled, "neighbours").toarray(), right, rtol=1e-14)


@given(PLAIN, st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_the_definition_is_what_propagation_and_the_layer_compute(graph, n_in, n_out, seed):
    X, layer = signals(graph, n_in, seed), GCNConv(n_in, n_out, seed=seed, dtype=np.float64)
    near = [np.flatnonzero(row).tolist() for row in joins(graph)]
    found = np.reshape(gcn_definition(near, X.tolist(), layer.W.data.tolist()), (graph.n, n_out))
    np.testing.assert_allclose(propagation(graph) @ X @ layer.W.data.T, found, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer(graph, X).data, found, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------------------------- loops, rows


@given(ANY)
def test_self_loops_are_added_to_all_that_was_there(graph):
    before = pickle.dumps(graph)
    looped = with_self_loops(graph)
    assert np.array_equal(looped.to_dense(), graph.to_dense() + np.eye(graph.n))
    assert looped.nodes == graph.nodes
    assert looped.directed == graph.directed
    own = [(label, label) for label in graph.nodes]
    assert sorted(looped.edges(), key=repr) == sorted({*graph.edges(), *own}, key=repr)  # edges of 0, too
    assert pickle.dumps(graph) == before


def test_self_loops_keep_a_negative_weight_and_a_loop_that_they_cancel():
    looped = with_self_loops(as_graph([(0, 0, -1.0), (0, 1, -2.0)], n=2))
    assert looped.by_edge(looped.edge_weights) == {(0, 0): 0.0, (0, 1): -2.0, (1, 1): 1.0}
    assert with_self_loops(networkx_of(nx.DiGraph(), ("a", "b"))).edges() == [("a", "a"), ("a", "b"), ("b", "b")]


def rows_by_hand(X: list[list[float]]) -> list[list[float]]:
    sums = [sum(map(abs, row)) for row in X]
    return [[x / total if total else x for x in row] for row, total in zip(X, sums, strict=True)]


ROWS = st.integers(0, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(-128, 127), min_size=k, max_size=k), max_size=4).map(
        lambda rows: np.array(rows, np.int64).reshape(len(rows), k)
    )
)


@given(ROWS, st.sampled_from([np.int8, np.int64, np.float32, np.float64]))
def test_rows_are_divided_by_the_sum_of_their_sizes(X, dtype):
    right = np.reshape(rows_by_hand(X.tolist()), X.shape)
    given = X.astype(dtype)
    forms = [given, X.tolist()] if X.size else [given]
    sparse = [scipy.sparse.csr_array(given), scipy.sparse.coo_array(given), scipy.sparse.csc_matrix(given)]
    for form in forms:
        found = row_normalised(form)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, right, rtol=1e-6)
    for form in sparse:
        found = row_normalised(form)
        assert scipy.sparse.issparse(found)
        assert (found.format, found.dtype) == ("csr", np.float32)
        np.testing.assert_allclose(found.toarray(), right, rtol=1e-6)
    assert np.array_equal(given, X)
    assert all(np.array_equal(form.toarray(), X) for form in sparse)


def test_entries_that_are_stored_twice_count_as_their_sum_and_stay_with_the_caller():
    data, columns, starts = np.array([1.0, 3.0, -3.0, 1.0]), np.array([2, 0, 0, 1]), np.array([0, 4])
    X = scipy.sparse.csr_array((data, columns, starts), shape=(1, 3))
    assert row_normalised(X).toarray().tolist() == [[0.0, 0.5, 0.5]]
    assert (X.data.tolist(), X.indices.tolist()) == ([1.0, 3.0, -3.0, 1.0], [2, 0, 0, 1])


def test_rows_that_are_all_zero_are_stored_or_not_and_stay():
    X = scipy.sparse.csr_array((np.zeros(1), [1], [0, 1, 1]), shape=(2, 2))
    assert row_normalised(X).toarray().tolist() == [[0, 0], [0, 0]]
    assert row_normalised(np.array([[True, True], [False, False]])).tolist() == [[0.5, 0.5], [0, 0]]


# ---------------------------------------------------------------------------------------- layers


def polynomial_by_eigenvalues(graph: Graph, order: int, lam_max: float) -> list[np.ndarray]:
    """T_k(2 L / lam_max - I) for k = 0 ... order, dense, from what T_k is on the eigenvalues."""
    lam, U = np.linalg.eigh(laplacian(graph, "normalised").toarray())
    T = [np.polynomial.chebyshev.chebval(2 * lam / lam_max - 1, np.eye(order + 1)[k]) for k in range(order + 1)]
    return [(U * t) @ U.T for t in T]


@SOME
@given(ANY, RULE, st.booleans(), SEEDS)
def test_a_gcn_layer_is_three_dense_matrices(graph, rule, bias, seed):
    layer = randomised(GCNConv(3, 2, bias=bias, rule=rule, seed=0, dtype=np.float64), seed)
    X = signals(graph, 3, seed)
    right = propagation_by_loops(graph, rule) @ X @ layer.W.data.T
    right += layer.b.data if bias else 0.0
    for form in (X, X.tolist() if graph.n else X, Tensor(X), scipy.sparse.csr_array(X), scipy.sparse.coo_array(X)):
        np.testing.assert_allclose(layer(graph, form).data, right, rtol=1e-12, atol=1e-13)


@SOME
@given(UNDIRECTED, st.integers(0, 6), st.sampled_from([2.0, 1.5, 3.0]), st.booleans(), SEEDS)
def test_a_chebyshev_layer_is_a_sum_of_polynomials(graph, order, lam_max, bias, seed):
    layer = ChebConv(3, 2, order, bias=bias, lam_max=lam_max, seed=0, dtype=np.float64)
    X, W = signals(graph, 3, seed), randomised(layer, seed).W.data
    T = polynomial_by_eigenvalues(graph, order, lam_max)
    right = sum((t @ X @ w.T for t, w in zip(T, W, strict=True)), layer.b.data if bias else 0.0)
    near = 1e-12 * max(1.0, *(np.abs(t).max(initial=0.0) for t in T))
    ChebConv(3, 2, order, lam_max=9.0, seed=0, dtype=np.float64)(graph, X)  # what it keeps must not serve another
    for form in (X, Tensor(X), scipy.sparse.csr_array(X)):
        np.testing.assert_allclose(layer(graph, form).data, right, rtol=1e-10, atol=10 * near)


@given(UNDIRECTED, st.integers(0, 6), SEEDS)
def test_a_chebyshev_layer_of_one_number_is_the_filter_of_lesson_07(graph, order, seed):
    layer = randomised(ChebConv(1, 1, order, bias=False, seed=0, dtype=np.float64), seed)
    X, L = signals(graph, 1, seed), laplacian(graph, "normalised")
    right, _ = chebyshev.recurrence(L, X, layer.W.data.ravel(), 2.0)
    np.testing.assert_allclose(layer(graph, X).data, right, rtol=1e-12, atol=1e-12)


def layers_of(dtype: Any) -> list[Layer]:
    convs: list[Layer] = [GCNConv(3, 2, rule=rule, seed=0, dtype=dtype) for rule in RULES]
    return convs + [ChebConv(3, 2, order, lam_max=2.5, seed=0, dtype=dtype) for order in (0, 1, 4)]


@FEW
@given(UNDIRECTED.filter(lambda graph: graph.n > 0), SEEDS)
def test_gradients_are_those_of_finite_differences(graph, seed):
    X = signals(graph, 3, seed)
    for layer in layers_of(np.float64):
        start = randomised(layer, seed).parameters()

        def outcome(W: Tensor, b: Tensor, X: Tensor, layer: Any = layer) -> Tensor:
            layer.W, layer.b = W, b
            return layer(graph, X)

        assert str(gradcheck(outcome, *(tensor.data for tensor in start), X)).startswith("right")


@FEW
@given(graphs(directed=True, weight=WEIGHTS).filter(lambda graph: graph.n > 0), RULE, SEEDS)
def test_directed_gradients_are_those_of_finite_differences(graph, rule, seed):
    layer = GCNConv(2, 2, bias=False, rule=rule, seed=seed, dtype=np.float64)

    def outcome(W: Tensor, X: Tensor) -> Tensor:
        layer.W = W
        return layer(graph, X)

    assert gradcheck(outcome, layer.W.data, signals(graph, 2, seed)).ok


@SOME
@given(UNDIRECTED, SEEDS)
def test_sparse_features_give_the_gradients_of_dense_ones(graph, seed):
    X = signals(graph, 3, seed) * (signals(graph, 3, seed + 1) > 0)
    for layer in layers_of(np.float64):
        found = []
        for form in (X, scipy.sparse.csr_array(X)):
            for tensor in layer.parameters():
                tensor.grad = None
            out = layer(graph, form)
            out.backward(np.cos(np.arange(out.size)).reshape(out.shape))
            found.append([out.data, *(tensor.grad for tensor in layer.parameters())])
        for dense, sparse in zip(*found, strict=True):
            np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-12)


@SOME
@given(UNDIRECTED, SEEDS)
def test_float32_is_float64_but_for_rounding(graph, seed):
    X = signals(graph, 3, seed)
    for narrow, wide in zip(layers_of(np.float32), layers_of(np.float64), strict=True):
        for form in (X.astype(np.float32), scipy.sparse.csr_array(X), scipy.sparse.csr_array(X, dtype=np.float32)):
            out = narrow(graph, form)
            assert out.dtype == np.float32
            np.testing.assert_allclose(out.data, wide(graph, X).data, rtol=1e-4, atol=1e-4)
        assert all(tensor.dtype == np.float32 for tensor in narrow.parameters())
        assert wide(graph, X).dtype == np.float64
        fresh = pickle.loads(pickle.dumps(graph))  # a copy that keeps no float32 matrix
        assert np.array_equal(wide(fresh, X).data, wide(graph, X).data)


@SOME
@given(UNDIRECTED, SEEDS)
def test_renumbered_nodes_give_renumbered_rows(graph, seed):
    order = np.random.default_rng(seed).permutation(graph.n)
    A = graph.to_scipy()[order][:, order]
    other = as_graph(A, nodes=[graph.nodes[i] for i in order], directed=False)
    X = signals(graph, 3, seed)
    for layer in layers_of(np.float64):
        np.testing.assert_allclose(
            layer(other, X[order]).data, layer(graph, X).data[order], rtol=1e-11, atol=1e-12
        )


def heard_within(graph: Graph, hops: int) -> np.ndarray:
    """(n, n) whether j is at most so many edges before i, by powers of a matrix of truths."""
    reach = np.eye(graph.n, dtype=bool)
    for _ in range(hops):
        reach = reach | (joins(graph) @ reach)
    return reach


@SOME
@given(UNDIRECTED, SEEDS)
def test_what_is_farther_away_than_its_hops_is_not_seen_at_all(graph, seed):
    X = signals(graph, 3, seed)
    for layer, hops in zip(layers_of(np.float64), [1, 1, 1, 0, 1, 4], strict=True):
        before, near = layer(graph, X).data, heard_within(graph, hops)
        for node in range(graph.n):
            poisoned = np.where(near[node][:, None], X, np.nan)
            assert np.array_equal(layer(graph, poisoned).data[node], before[node])  # to the bit


def test_what_is_as_far_away_as_its_hops_is_seen():
    graph, X = path_graph(9), np.zeros((9, 1))
    X[0] = 1.0
    for order in range(7):
        layer = randomised(ChebConv(1, 1, order, bias=False, seed=0, dtype=np.float64), order)
        assert np.flatnonzero(layer(graph, X).data).max() == order


@SOME
@given(graphs(directed=True, weight=WEIGHTS), RULE, SEEDS)
def test_a_directed_layer_hears_only_who_sends_to_it(graph, rule, seed):
    layer, X = GCNConv(3, 2, rule=rule, seed=seed, dtype=np.float64), signals(graph, 3, seed)
    before, near = layer(graph, X).data, joins(graph) | np.eye(graph.n, dtype=bool)
    for node in range(graph.n):
        poisoned = np.where(near[node][:, None], X, np.nan)
        assert np.array_equal(layer(graph, poisoned).data[node], before[node])


def test_weights_start_as_glorot_and_bengio_say():
    for layer, limit in (
        (GCNConv(300, 100, seed=7, dtype=np.float64), math.sqrt(6 / 400)),
        (ChebConv(300, 50, 1, seed=7, dtype=np.float64), math.sqrt(6 / 350)),
    ):
        W = layer.W.data.ravel()
        start = _rng.start(_rng.key_of(7), 0)
        assert W[:5].tolist() == pytest.approx([(2 * _rng.uniform(start, i) - 1) * limit for i in range(5)])
        assert limit * 0.999 < np.abs(W).max() <= limit
        assert abs(W.mean()) < 5 * limit / math.sqrt(3 * W.size)
        assert W.var() == pytest.approx(limit**2 / 3, rel=0.03)
        assert layer.b.data.tolist() == [0.0] * len(layer.b)
    assert GCNConv(3, 2, bias=False, seed=0).b is ChebConv(3, 2, 1, bias=False, seed=0).b is None


def test_layers_take_what_as_graph_takes_and_say_in_short_what_they_are():
    theirs, X = networkx_of(nx.Graph(), ("a", "b"), ("b", "c")), np.ones((3, 3))
    for layer in layers_of(np.float64):
        right = layer(as_graph(theirs), X).data
        assert np.array_equal(layer(theirs, X).data, right)
        assert np.array_equal(layer(nx.to_scipy_sparse_array(theirs), X).data, right)
        assert layer(EMPTY, np.zeros((0, 3))).shape == (0, 2)
        assert layer(NAMED, np.ones((4, 3))).shape == (4, 2)
    assert repr(layers_of(np.float32)[0]) == "GCNConv(3, 2)"
    assert repr(layers_of(np.float32)[-1]) == "ChebConv(3, 2, order=4)"
    assert repr(GCN([3, 4, 2], seed=0)) == "GCN([GCNConv(3, 4), GCNConv(4, 2)])"


# ---------------------------------------------------------------------------------------- networks


class Seen(Layer):
    """A layer without weights that keeps what it was given, and gives what it is told to, or that."""

    def __init__(self, out: Any = None) -> None:
        self.given: list[Any] = []
        self.out = out

    def __call__(self, graph: object, X: Any) -> Tensor:
        self.given.append(X)
        return tensor_of(X if self.out is None else self.out)


@pytest.mark.parametrize("rule", ["renormalised", "single"])
@pytest.mark.parametrize("graph", [as_graph([], n=7), as_graph([(0, 1, 0.0), (2, 2, 0.0)], n=7)])
def test_without_edges_it_is_a_multilayer_perceptron(rule, graph):
    network, mlp = GCN([5, 8, 6, 3], rule=rule, dropout=0.0, seed=3), MLP([5, 8, 6, 3], seed=4)
    for ours, theirs in zip(network.parameters(), mlp.parameters(), strict=True):
        ours.data = theirs.data
    X = signals(graph, 5, 0).astype(np.float32)
    scores, right, y = network(graph, X), mlp(X), np.arange(7) % 3
    assert np.array_equal(scores.data, right.data)
    cross_entropy(scores, y).backward()
    cross_entropy(right, y).backward()
    for ours, theirs in zip(network.parameters(), mlp.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-6, atol=1e-8)


def test_relu_stands_between_layers_and_not_after_the_last():
    first, second = Seen([[-1.0, 2.0], [3.0, -4.0]]), Seen([[-5.0, 6.0], [-7.0, 8.0]])
    model = GraphNetwork([first, second], dropout=0.0, seed=0)
    X = np.array([[-1.0, 1.0], [1.0, -1.0]])
    assert model(ARC, X).data.tolist() == [[-5.0, 6.0], [-7.0, 8.0]]
    assert np.array_equal(first.given[0], X)
    assert second.given[0].data.tolist() == [[0.0, 2.0], [3.0, 0.0]]


def test_dropout_stands_before_each_layer_while_training_and_nowhere_else():
    graph, X = as_graph([], n=40), np.ones((40, 50))
    first, second = Seen(), Seen(np.full((40, 3), 5.0))
    model = GraphNetwork([first, second], dropout=0.25, seed=0)
    for _ in range(2):
        assert (model(graph, X).data == 5.0).all()  # nothing is dropped after the last
    masks = [X.data for X in first.given]
    assert all(set(np.unique(mask)) == {0.0, 1 / 0.75} for mask in masks)
    assert all(abs((mask == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / mask.size) for mask in masks)
    assert (masks[0] != masks[1]).any()
    seen = second.given[0].data
    assert set(np.unique(seen[masks[0] > 0]).round(12)) == {0.0, round(1 / 0.75**2, 12)}  # dropped once more
    model.eval()(graph, X)
    assert np.array_equal(first.given[-1], X)
    assert np.array_equal(second.given[-1].data, X)


@pytest.mark.parametrize("form", [scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.coo_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_sparse_features_stored_entries_are_dropped_and_others_stay_zero(form, dtype):
    rng = np.random.default_rng(0)
    dense = (rng.integers(1, 9, (60, 70)) * (rng.random((60, 70)) < 0.3)).astype(dtype)
    X, layer = form(dense), Seen(np.ones((60, 2)))
    model, graph = GraphNetwork([layer], dropout=0.25, seed=0), as_graph([], n=60)
    for _ in range(2):
        model(graph, X)
    first, second = (seen.toarray() for seen in layer.given)
    for seen in (first, second):
        assert (seen.dtype, seen.shape) == (dtype, dense.shape)
        assert not seen[dense == 0].any()
        kept = seen != 0
        np.testing.assert_allclose(seen[kept], dense[kept] / 0.75, rtol=1e-6)
        share, stored = kept.sum() / (dense > 0).sum(), (dense > 0).sum()
        assert abs(share - 0.75) < 5 * math.sqrt(0.25 * 0.75 / stored)
    assert (first != second).any()
    assert np.array_equal(X.toarray(), dense)
    model.eval()(graph, X)
    assert np.array_equal(layer.given[-1].toarray(), dense)


def test_gradients_reach_features_through_dropout():
    X, model = Tensor(np.ones((5, 40))), GCN([40, 1], dropout=0.5, seed=0, dtype=np.float64)
    model(as_graph([], n=5), X).sum().backward()
    assert 0.3 < (X.grad == 0).mean() < 0.7
    kept = np.broadcast_to(2 * model.convs[0].W.data, X.shape)
    assert np.array_equal(X.grad[X.grad != 0], kept[X.grad != 0])


CONVS = st.lists(
    st.one_of(
        st.builds(lambda rule: lambda *ends, seed: GCNConv(*ends, rule=rule, seed=seed, dtype=np.float64), RULE),
        st.builds(
            lambda order: lambda *ends, seed: ChebConv(*ends, order=order, seed=seed, dtype=np.float64),
            st.integers(0, 3),
        ),
    ),
    min_size=1,
    max_size=3,
)


def network_of(makers: list[Any], seed: int) -> GraphNetwork:
    sizes = [2, 3, 4, 2][: len(makers) + 1]
    convs = [make(*sizes[k : k + 2], seed=seed + k) for k, make in enumerate(makers)]
    return randomised(GraphNetwork(convs, dropout=0.5, seed=seed), seed).eval()


def field(graph: Graph, convs: list[Any], rows: np.ndarray) -> np.ndarray:
    """Which rows of X some rows of the scores depend on, layer by layer."""
    for conv in reversed(convs):
        near = joins(graph)
        if isinstance(conv, ChebConv):
            near = heard_within(graph, conv.order)
        elif conv.rule != "neighbours":
            near = near | np.eye(graph.n, dtype=bool)
        rows = near[rows].any(axis=0)
    return rows


@SOME
@given(UNDIRECTED, CONVS, st.lists(st.booleans(), min_size=7, max_size=7), SEEDS)
def test_focus_gives_the_rows_of_the_whole_and_sees_what_they_see(graph, makers, mask, seed):
    model, X, rows = network_of(makers, seed), signals(graph, 2, seed), np.array(mask[: graph.n], bool)
    whole = model(graph, X)
    needed = field(graph, model.convs, rows)
    poisoned = np.where(needed[:, None], X, np.nan)
    for form in (X, poisoned, Tensor(X), scipy.sparse.csr_array(X), scipy.sparse.coo_array(X)):
        found = model.focus(graph, form, rows)
        np.testing.assert_allclose(found().data, whole.data[rows], rtol=1e-9, atol=1e-10)
        assert np.array_equal(found().data, found().data)
    taken = rows
    for conv in reversed(model.convs):
        taken, _ = conv.near(graph, np.flatnonzero(taken) if taken.dtype == bool else taken)
    assert taken.tolist() == np.flatnonzero(needed).tolist()  # and not a row more


@SOME
@given(CONVS, st.sets(st.integers(0, 19), max_size=3), SEEDS)
def test_on_a_path_focus_sees_as_far_as_the_hops_together(makers, chosen, seed):
    graph, model = path_graph(20), network_of(makers, seed)
    hops = sum(conv.order if isinstance(conv, ChebConv) else 1 for conv in model.convs)
    rows, X = np.isin(np.arange(20), list(chosen)), signals(graph, 2, seed)
    seen = np.isin(np.arange(20), [i + k for i in chosen for k in range(-hops, hops + 1)])
    found = model.focus(graph, np.where(seen[:, None], X, np.nan), rows)()
    np.testing.assert_allclose(found.data, model(graph, X).data[rows], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("order", range(6))
def test_on_a_path_a_chebyshev_layer_asks_for_its_hops_and_no_more(order):
    needed, _ = ChebConv(2, 2, order, seed=0).near(path_graph(20), np.array([8, 9]))
    assert needed.tolist() == list(range(8 - order, 10 + order))


@SOME
@given(UNDIRECTED.filter(lambda graph: graph.n > 0), CONVS, SEEDS)
def test_focus_has_the_gradients_of_the_whole(graph, makers, seed):
    model, features = network_of(makers, seed), signals(graph, 2, seed)
    rows = np.random.default_rng(seed).random(graph.n) < 0.5
    found = []
    for scores in (lambda X: model(graph, X)[rows], lambda X: model.focus(graph, X, rows)()):
        X = Tensor(features)
        for tensor in model.parameters():
            tensor.grad = None
        out = scores(X)
        (out * np.cos(np.arange(out.shape[1]))).sum().backward()
        found.append([tensor.grad for tensor in (X, *model.parameters())])
    for near, whole in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(near, whole, rtol=1e-9, atol=1e-9)


@SOME
@given(graphs(directed=True, weight=WEIGHTS), st.lists(RULE, min_size=1, max_size=3), SEEDS)
def test_focus_follows_edges_against_their_direction(graph, rules, seed):
    convs = [GCNConv(2, 2, rule=rule, seed=seed + k, dtype=np.float64) for k, rule in enumerate(rules)]
    model, rng = GraphNetwork(convs, seed=0).eval(), np.random.default_rng(seed)
    rows, X = rng.random(graph.n) < 0.4, signals(graph, 2, seed)
    poisoned = np.where(field(graph, convs, rows)[:, None], X, np.nan)
    found = model.focus(graph, poisoned, rows)().data
    np.testing.assert_allclose(found, model(graph, X).data[rows], rtol=1e-12, atol=1e-13)


def test_focus_drops_while_training_and_reads_new_weights():
    graph, X = ring_graph(50), np.ones((50, 30), np.float32)
    model = GCN([30, 8, 2], dropout=0.5, seed=0)
    for form in (X, scipy.sparse.csr_array(X), Tensor(X)):
        scores = model.focus(graph, form, np.arange(50) % 5 == 0)
        assert (scores().data != scores().data).any()
        model.eval()
        assert np.array_equal(scores().data, scores().data)
        model.convs[1].b.data = model.convs[1].b.data + np.float32(1.0)
        np.testing.assert_allclose(scores().data, model(graph, X).data[::5], rtol=1e-5, atol=1e-6)
        model.train()


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: GCN([4, 6, 3], seed=seed),
        lambda seed: ChebNet([4, 6, 3], 2, seed=seed),
        lambda seed: GraphNetwork([ChebConv(4, 6, 1, seed=seed), GCNConv(6, 3, bias=False, seed=seed)], seed=seed),
    ],
)
def test_a_seed_decides_all_and_a_network_can_be_kept(make):
    graph, X = as_graph(nx.karate_club_graph()), np.random.default_rng(0).random((34, 4), np.float32)
    model, same, other = make(5), make(5), make(6)
    weights = model.state()
    assert all(np.array_equal(weights[name], array) for name, array in same.state().items())
    assert any((weights[name] != array).any() for name, array in other.state().items())
    scores = model(graph, X).data  # with dropout
    assert np.array_equal(scores, same(graph, X).data)
    assert (scores != model(graph, X).data).any()
    assert np.array_equal(other.load(weights).eval()(graph, X).data, model.eval()(graph, X).data)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again(graph, X).data, model(graph, X).data)
    assert np.array_equal(again.train()(graph, X).data, model.train()(graph, X).data)


def test_layers_of_a_network_draw_from_streams_of_their_own():
    for model in (GCN([6, 6, 6], seed=0), ChebNet([6, 6, 6], 2, seed=0)):
        first, second = model.convs
        assert (first.W.data != second.W.data).all()
    assert (ChebConv(6, 6, 1, seed=0).W.data[0] != ChebConv(6, 6, 1, seed=0).W.data[1]).all()
    assert list(GCN([6, 5, 4], seed=0).named_parameters()) == ["convs.0.W", "convs.0.b", "convs.1.W", "convs.1.b"]


def test_networks_hand_on_what_they_are_told():
    model = GCN([3, 4, 2], rule="neighbours", dropout=0.3, seed=0, dtype=np.float64)
    assert [conv.rule for conv in model.convs] == ["neighbours"] * 2
    assert model.dropout.p == 0.3
    assert all(tensor.dtype == np.float64 for tensor in model.parameters())
    model = ChebNet([3, 4, 2], 4, dropout=0.3, seed=0, dtype=np.float64)
    assert [conv.order for conv in model.convs] == [4, 4]
    assert model.dropout.p == 0.3
    assert all(tensor.dtype == np.float64 for tensor in model.parameters())
    assert GCN([3, 2], seed=0).dropout.p == ChebNet([3, 2], 1, seed=0).dropout.p == 0.5


# ---------------------------------------------------------------------------------------- refused


HEAVY = as_graph([("a", "b", 1e308), ("b", "c", 1.7e308)], nodes=["a", "b", "c"])
NEGATIVE = as_graph([("a", "b", 1.0), ("b", "c", -2.0)], nodes=["a", "b", "c"])
PATH = path_graph(3)


@pytest.mark.parametrize("given", [np.float64, np.float32, np.int64, np.bool_])
def test_arrays_of_any_kind_are_taken_in_the_dtype_of_the_weights(given):
    X = np.eye(3, 4, dtype=given)
    for layer in (
        GCNConv(4, 2, seed=0),
        ChebConv(4, 2, 2, seed=0),
        GCN([4, 5, 2], seed=0),
        ChebNet([4, 2], 1, seed=0),
    ):
        layer.eval()
        for form in (X, X.tolist(), scipy.sparse.csr_array(X), scipy.sparse.coo_array(X)):
            scores = layer(PATH, form)
            assert scores.dtype == np.float32
            assert np.array_equal(scores.data, layer(PATH, X.astype(np.float32)).data)
        assert layer(PATH, Tensor(X.astype(np.float64))).dtype == np.float64  # a Tensor is somebody's choice


X3 = np.ones((3, 4))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: propagation(PATH, "renormalized"), ValueError, 'rule=\'renormalized\': "renormalised", "single"'),
        (lambda: GCNConv(4, 2, rule="mean", seed=0), ValueError, "rule='mean'"),
        (lambda: GCN([4, 2], rule="mean", seed=0), ValueError, "rule='mean'"),
        *(
            (lambda rule=rule: propagation(NEGATIVE, rule), ValueError, "edge ('b', 'c') has weight -2.0")
            for rule in RULES
        ),
        *(
            (
                lambda rule=rule: propagation(HEAVY, rule),
                ValueError,
                "the weights at node 'b' add up beyond float64",
            )
            for rule in RULES
        ),
        (lambda: GCNConv(4, 2, seed=0)(NEGATIVE, X3), ValueError, "edge ('b', 'c') has weight -2.0"),
        (lambda: ChebConv(4, 2, 1, seed=0)(NEGATIVE, X3), ValueError, "edge ('b', 'c') has weight -2.0"),
        (lambda: ChebConv(4, 2, 1, seed=0)(ARC, X3), ValueError, "an undirected graph is needed"),
        (lambda: ChebNet([4, 2], 1, seed=0).focus(ARC, X3[:2], [True, True]), ValueError, "an undirected graph"),
        (
            lambda: GCNConv(4, 2, seed=0)(PATH, X3[:2]),
            ValueError,
            "GCNConv(4, 2) of X (2, 4) on 3 nodes: (3, n_in)",
        ),
        (
            lambda: ChebConv(4, 2, 1, seed=0)(PATH, X3[0]),
            ValueError,
            "ChebConv(4, 2, order=1) of X (4,) on 3 nodes",
        ),
        (lambda: GCN([4, 2], seed=0)(PATH, scipy.sparse.csr_array((2, 4))), ValueError, "of X (2, 4) on 3 nodes"),
        (lambda: GCN([4, 2], seed=0).focus(PATH, X3[:2], [True] * 3), ValueError, "of X (2, 4) on 3 nodes"),
        (lambda: GCNConv(5, 2, seed=0)(PATH, X3), ValueError, "X (3, 4): it has weights for 5 features"),
        (lambda: ChebConv(5, 2, 1, seed=0)(PATH, X3), ValueError, "X (3, 4): it has weights for 5 features"),
        (
            lambda: GCNConv(5, 2, seed=0)(PATH, scipy.sparse.csr_array(X3)),
            ValueError,
            "X (3, 4): it has weights for 5 features",
        ),
        (lambda: GCNConv(0, 2, seed=0), ValueError, "n_in=0: at least 1"),
        (lambda: GCNConv(4, 2.0, seed=0), TypeError, "n_out=2.0: a whole number"),
        (lambda: GCNConv(4, 2, seed=0, dtype=np.int64), ValueError, "dtype=int64: float32 or float64"),
        (lambda: ChebConv(4, 2, -1, seed=0), ValueError, "order=-1: at least 0"),
        (lambda: ChebConv(4, 2, 1.5, seed=0), TypeError, "order=1.5: a whole number"),
        (lambda: ChebConv(4, 2, 1, lam_max=0, seed=0), ValueError, "lam_max=0: above 0"),
        (lambda: ChebConv(4, 2, 1, lam_max=math.nan, seed=0), ValueError, "lam_max=nan: above 0"),
        (lambda: ChebConv(4, 2, 1, seed=-1), ValueError, "seed=-1"),
        (lambda: GraphNetwork([], seed=0), ValueError, "convs=[]: at least one layer"),
        (lambda: GCN([4], seed=0), ValueError, "sizes=[4]: two or more"),
        (lambda: GCN(4, seed=0), ValueError, "sizes=4: two or more"),
        (lambda: ChebNet([4, 0], 1, seed=0), ValueError, "n_out=0: at least 1"),
        (lambda: GCN([4, 2], dropout=1.0, seed=0), ValueError, "p=1.0: a probability"),
        (
            lambda: GCN([4, 2], seed=0).focus(PATH, X3, [0, 2]),
            TypeError,
            "mask holds int64: a mask of True and False",
        ),
        (lambda: GCN([4, 2], seed=0).focus(PATH, X3, [True]), ValueError, "mask of shape (1,) for 3 nodes: (3,)"),
        (lambda: checked_mask("train", None, 3), TypeError, "train holds object: a mask"),
        (lambda: checked_mask("train", np.ones((3, 1), bool), 3), ValueError, "train of shape (3, 1) for 3 nodes"),
        (lambda: row_normalised([1.0, 2.0]), ValueError, "X of shape (2,): (n, k) is needed"),
        (lambda: row_normalised([[1.0], [np.inf]]), ValueError, "row 1 of X adds up to inf"),
        (lambda: row_normalised(scipy.sparse.csr_array([[np.nan]])), ValueError, "row 0 of X adds up to nan"),
        (lambda: GraphNetwork([3], seed=0), TypeError, "convs=[3]: a list of layers"),
        (lambda: GraphNetwork(GCNConv(4, 2, seed=0), seed=0), TypeError, "convs=GCNConv(4, 2): a list of layers"),
        (lambda: GCNConv(4, 2, seed=0)(PATH, X3 + 1j), TypeError, "holds complex"),
    ],
)
def test_what_is_refused_is_named(call, error, says):
    with pytest.raises(error) as raised:
        call()
    assert says in str(raised.value)
