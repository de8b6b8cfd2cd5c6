"""The exercises of notebook 10: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import combinations, permutations, product

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from exercised import Topic, code_of
from hypothesis import given
from hypothesis import strategies as st

import lessons.exercises as machinery
from lessons import as_graph, datasets
from lessons.exercises import check
from lessons.exercises import spectral_gcn as module
from lessons.exercises.graph_signals import CountedMatrix
from lessons.exercises.spectral_gcn import (
    layer_along_edges,
    mean_of_incoming,
    narrow_first,
    sees_only,
    slow_scores,
)
from lessons.spectral_gcn import GCNConv, gcn_definition, propagation

TOPIC = Topic("spectral_gcn")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
RING = [(0, 1), (1, 2), (2, 0)]


pytestmark = pytest.mark.usefixtures("first_attempt")


def networkx_of(kind, edges):
    graph = kind()
    graph.add_edges_from(edges)  # as an argument networkx would look whether they are a table of pandas
    return graph


# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_neighbours_only": "without neighbours",
    "_only_who_has_neighbours": "without neighbours",
    "_W_not_turned": "without neighbours",
    "_without_W": "without neighbours",
    "_with_relu": "without neighbours",
    "_before_the_trick": "only each other",
    "_degrees_of_A": "only each other",
    "_itself_twice": "only each other",
    "_sums": "only each other",
    "_without_roots": "only each other",
    "_one_root": "only each other",
    "_one_way": "only each other",
    "_other_way": "only each other",
    "_counted_both_ways_sent_one_way": "only each other",
    "_what_it_has_just_heard": "only each other",
    "_last_one_stays": "*all* of its neighbours",
    "_means": "*both* its ends",
    "_sender_s_share": "*both* its ends",
    "_two_steps": "*both* its ends",
    "_as_many_as_are_named": "without an edge",
    "_scores_first": "a row for each node",
    "_written_into": "left as they were",
    "_walks_of_K_steps": "who is nearer than K",
    "_walks_of_K_steps_and_unit_signals": "who is nearer than K",
    "_one_less": "who is nearer than K",
    "_of_unit_signals": "has biases",
    "_everything_at_once": "has biases",
    "_to_the_last_digit": "rounding",
    "_one_more": "more than K edges away",
    "_neighbours_only_are_near": "more than K edges away",
    "_first_source": "more than K edges away",
    "_first_receiver": "more than K edges away",
    "_all_far_ones_at_once": "more than K edges away",
    "_large_changes_only": "more than K edges away",
    "_a_touch": "more than K edges away",
    "_just_beyond": "no path leads",
    "_only_where_a_path_leads": "no path leads",
    "_columns_for_rows": "for each node and class",
    "_added_up": "for each node and class",
    "_entry_by_entry_power": "without a step",
    "_one_step_more": "without a step",
    "_always_a_step": "without a step",
    "_turned": "with one step",
    "_one_step_less": "with one step",
    "_once": "with k steps",
    "_W_each_time": "with k steps",
    "_relu_between": "with k steps",
    "slow_scores": "as many features as classes, or more",
    "_features_first": "as many features as classes, or more",
    "_wide_first": "as many features as classes, or more",
    "_by_the_nodes": "as many features as classes, or more",
    "_power_of_a_table": "as many features as classes, or more",
    "_power_by_squares": "as many features as classes, or more",
    "_each_from_the_start": "as many features as classes, or more",
    "_scores_before": "fewer features than classes",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


ODD = [
    (RING, [np.nan] * 3),
    (RING, 1),
    ([(0, 1, 2)], [1, 0, 0]),
    ([("0", "1")], [1, 0]),
    (RING, "100"),
]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys, ODD)


def test_the_stubs_of_the_page_are_not_attempted_yet(capsys):
    for id, stub in zip(EXERCISES, (..., lambda *_: ..., lambda *_: ..., (..., ...), lambda *_: ...), strict=True):
        check(id, stub)
        assert capsys.readouterr().out == f"{id}: not attempted yet\n"


# ------------------------------------------------------------------------------ other answers


def node_after_node(edges, X, W):
    near = [[i] for i in range(len(X))]
    for u, v in edges.tolist():
        near[u].append(v)
        near[v].append(u)
    heard = [sum(X[j] / np.sqrt(len(near[i]) * len(near[j])) for j in near[i]) for i in range(len(X))]
    return [[float(w @ x) for w in W] for x in heard]


def by_the_definition(edges, X, W):
    near = [[] for _ in X]
    for u, v in edges.tolist():
        near[u].append(v)
        near[v].append(u)
    return gcn_definition(near, X.tolist(), W.tolist())


def by_a_sparse_matrix(edges, X, W):
    n = len(X)
    ends = np.vstack([edges, edges[:, ::-1], np.column_stack([np.arange(n)] * 2)])
    A = scipy.sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n)).tocsr()
    D = scipy.sparse.diags_array(1 / np.sqrt(A.sum(axis=1)))
    return D @ A @ D @ (X @ W.T)


def weights_first(edges, X, W):
    out = X @ W.T
    d = 1 + np.bincount(edges.ravel(), minlength=len(X))
    Y = out / d[:, None]
    for u, v in edges:
        share = 1 / np.sqrt(d[u] * d[v])
        Y[u] += share * out[v]
        Y[v] += share * out[u]
    return Y


def column_by_column(edges, X, W):
    n, (to, of) = len(X), np.concatenate([edges, edges[:, ::-1]]).T
    d = 1 + np.bincount(to, minlength=n)
    share = 1 / np.sqrt(d[to] * d[of])
    return np.column_stack([x @ np.eye(n) / d + np.bincount(to, share * x[of], minlength=n) for x in (X @ W.T).T])


def by_networkx(edges, X, W):
    graph = nx.Graph()
    graph.add_nodes_from(range(len(X)))
    graph.add_edges_from(edges.tolist())
    graph.add_edges_from((v, v) for v in list(graph))
    A = nx.to_numpy_array(graph)  # a loop is 1 there
    d = A.sum(axis=1)
    return A / np.sqrt(np.outer(d, d)) @ X @ W.T


def by_the_library(edges, X, W):
    layer = GCNConv(X.shape[1], len(W), bias=False, seed=0, dtype=np.float64)
    layer.W._replace(W)
    return layer(as_graph(edges, n=len(X)), X).data


def in_breadth(layer, A, K):
    n, x = len(A), np.zeros(len(A))
    for j in range(n):
        near, front = {j}, {j}
        for _ in range(K):
            front = {int(v) for u in front for v in np.flatnonzero(A[u])} - near
            near |= front
        moved = layer(np.where(np.arange(n) == j, 1.0, 0.0)) - layer(x)
        if any(abs(moved[i]) > 1e-8 for i in range(n) if i not in near):
            return False
    return True


def by_networkx_distances(layer, A, K):
    graph = nx.from_numpy_array(A)
    rng = np.random.default_rng(5)
    for j in graph:
        near = nx.single_source_shortest_path_length(graph, j, cutoff=K)
        x, step = rng.standard_normal((2, len(A)))
        change = layer(x + step * np.eye(len(A))[j]) - layer(x)
        if not np.allclose([change[i] for i in graph if i not in near], 0, atol=1e-7):
            return False
    return True


def noise_far_away(layer, A, K):
    """Every node far from i gets noise at once: random numbers do not cancel."""
    rng, n = np.random.default_rng(6), len(A)
    near = sum((np.linalg.matrix_power(A, k) for k in range(1, K + 1)), np.eye(n)) > 0
    x = rng.standard_normal(n)
    return all(abs(layer(np.where(near[i], x, rng.standard_normal(n)))[i] - layer(x)[i]) < 1e-8 for i in range(n))


def a_matrix_of_differences(layer, A, K):
    n = len(A)
    J = np.stack([layer(np.ones(n) + e) - layer(np.ones(n)) for e in np.eye(n)], axis=1)
    distance = scipy.sparse.csgraph.shortest_path(A, unweighted=True)
    return not (np.abs(J[distance > K]) > 1e-10).any()


def features_or_scores(S, X, W, k):
    if W.shape[0] <= W.shape[1]:
        X, W = X @ W.T, np.eye(W.shape[0])
    for _ in range(k):
        X = S.dot(X)
    return (X @ W.T).tolist()


def one_column_at_a_time(S, X, W, k):
    first = len(W) < X.shape[1]
    columns = (X @ W.T).T if first else X.T
    out = []
    for y in columns:
        for _ in range(k):
            y = S @ y
        out.append(y)
    return np.array(out).T if first else np.array(out).T @ W.T


def again_by_itself(S, X, W, k):
    if W.shape[0] < W.shape[1]:
        return again_by_itself(S, X @ W.T, np.eye(W.shape[0]), k)
    return again_by_itself(S, S @ X, W, k - 1) if k else X @ W.T


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, (0.125, 0.25, 0.5, 15.0, 6.0), "right"),
        (1, np.array([1 / 8, 1 / 4, 1 / 2, 15, 6]), "right"),
        (1, [Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(15), Fraction(6)], "right"),
        (1, iter([1 / 8, 1 / 4, 1 / 2, 15, 6]), "right"),
        (1, [1 / 8, 1 / (np.sqrt(8) * np.sqrt(2)), 1 / np.sqrt(2) ** 2, 8 * 1.875, 8 * 0.75], "right"),
        (1, [0.13, 0.25, 0.5, 15, 6], "wrong"),
        (1, [1 / 8, 1 / 2, 1 / 4, 15, 6], "wrong"),
        (1, [1 / 8, 1 / 4, 1 / 2, 6, 15], "wrong"),
        (1, [1 / 8, 1 / 4, 1 / 2, 15, 6.01], "wrong"),
        (1, [1 / 8, 1 / 4, 1 / 2, 15, 6 + 0j], "wrong"),
        (2, node_after_node, "right"),
        (2, by_the_definition, "right"),
        (2, by_a_sparse_matrix, "right"),
        (2, weights_first, "right"),
        (2, column_by_column, "right"),
        (2, by_networkx, "right"),
        (2, by_the_library, "right"),
        (2, lambda *given: layer_along_edges(*given).astype(np.float32), "right"),
        (2, lambda *given: layer_along_edges(*given) + 1e-3, "wrong"),
        (2, lambda *given: layer_along_edges(*given) * (1 + 0j), "wrong"),
        (2, lambda edges, X, W: layer_along_edges(edges[1:], X, W), "wrong"),
        (2, lambda edges, X, W: layer_along_edges(edges, X[::-1], W), "wrong"),
        (2, lambda edges, X, W: layer_along_edges(edges, X, W[::-1]), "wrong"),
        (3, in_breadth, "right"),
        (3, by_networkx_distances, "right"),
        (3, noise_far_away, "right"),
        (3, a_matrix_of_differences, "right"),
        (3, lambda *given: np.bool_(sees_only(*given)), "right"),
        (3, lambda *given: int(sees_only(*given)), "wrong"),
        (3, lambda *given: [sees_only(*given)], "wrong"),
        (3, lambda *given: not sees_only(*given), "wrong"),
        (3, lambda layer, A, K: sees_only(layer, A, K) or K == 0, "wrong"),
        (4, (tuple(RING), (1, 0, 0)), "right"),
        (4, [np.array(RING), np.array([0.5, 0.5, 0.7])], "right"),
        (4, ({*RING}, [1, 2, 3]), "right"),
        (4, (networkx_of(nx.DiGraph, RING), [0, 0, 1]), "right"),
        (4, (as_graph(RING, n=3, directed=True), [0, 0, 1]), "right"),
        (4, ([(v, u) for u, v in RING], [1, 0, 0]), "right"),  # the other way round
        (4, ([(1, 3), (3, 4), (4, 1)], [0, 0, 0, 1e-9, 0]), "right"),  # two are alone; faint
        (4, ([(1, 3), (3, 4), (4, 1)], [1, 2, 1, 2, 2]), "wrong"),  # only they differ
        (4, ([(1, 3), (3, 4), (4, 1)], [1, 0, 0, 1]), "wrong"),  # no node 4
        (4, ([*RING, (0, 1)], [1, 0, 0]), "wrong"),
        (4, ([*RING, (3, 3)], [1, 0, 0, 0]), "wrong"),
        (4, ([(0, 1), (1, 2), (2, 3), (3, 0)], [1, 0, 0, 0]), "wrong"),  # one edge more than is needed
        (4, ([[str(u), v] for u, v in RING], [1, 0, 0]), "wrong"),
        (4, (networkx_of(nx.Graph, RING), [1, 0, 0]), "wrong"),  # which lists them with an end of each first
        (4, RING[0], "wrong"),
        (4, (RING, [1, 0, 0], "ring"), "wrong"),
        (5, features_or_scores, "right"),
        (5, one_column_at_a_time, "right"),
        (5, again_by_itself, "right"),
        (5, lambda *given: narrow_first(*given).astype(np.float32).astype(float), "right"),
        (5, lambda *given: narrow_first(*given) + 1e-3, "wrong"),
        (5, lambda S, X, W, k: narrow_first(scipy.sparse.csr_array(S), X, W, k), "wrong"),
        (5, lambda S, X, W, k: narrow_first(S.toarray(), X, W, k), "wrong"),
        (5, lambda S, X, W, k: narrow_first(1 * S, X, W, k), "wrong"),
        (5, lambda S, X, W, k: narrow_first(S, X, W, k) + 0 * (S @ X)[:1, :1], "wrong"),
        (5, lambda S, X, W, k: narrow_first(S, np.hstack([X, X]), np.hstack([W, 0 * W]), k), "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def random_graph(rng, n, *, directed):
    A = (rng.random((n, n)) < rng.random()).astype(float)
    A = A if directed else np.triu(A, 1) + np.triu(A, 1).T
    return np.where(np.eye(n) > 0, 0.0, A)


@given(st.integers(1, 9), st.booleans(), st.integers(0, 2**32 - 1))
def test_s_is_that_of_the_library_row_for_receiver(n, directed, seed):
    A = random_graph(np.random.default_rng(seed), n, directed=directed)
    graph = as_graph(np.argwhere(A if directed else np.triu(A)), n=n, directed=directed)
    assert np.allclose(module._renormalised(A), propagation(graph).toarray())


def test_s_by_hand_is_that_of_the_library():
    star = as_graph([(0, leaf) for leaf in range(1, 8)], n=8)
    S, x = propagation(star).toarray(), np.full(8, 8.0)
    assert np.allclose(EXERCISES["spectral_gcn-1"].reference, [S[0, 0], S[0, 1], S[1, 1], *(S @ x)[:2]])
    root = np.sqrt(1 + star.degrees())
    assert np.allclose(S @ root, root), "the text says what stays"
    assert np.allclose(np.linalg.eigvalsh(S)[-1], 1)
    assert np.linalg.eigvalsh(S)[-2] < 0.99


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_layer_along_edges_is_that_of_the_library(n, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    edges = np.argwhere(np.triu(random_graph(rng, n, directed=False)))
    X, W = rng.standard_normal((n, n_in)), rng.standard_normal((n_out, n_in))
    found = layer_along_edges(edges, X, W)
    assert np.allclose(found, by_the_library(edges, X, W))
    assert np.allclose(found, by_networkx(edges, X, W))


@given(st.integers(1, 8), st.integers(0, 5), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_what_is_seen_of_a_power_is_what_networkx_finds_near(n, power, K, seed):
    rng = np.random.default_rng(seed)
    A = random_graph(rng, n, directed=False)
    S = module._renormalised(A)
    lengths = dict(nx.all_pairs_shortest_path_length(nx.from_numpy_array(A)))
    farthest = max(d for near in lengths.values() for d in near.values())
    assert sees_only(lambda x: np.linalg.matrix_power(S, power) @ x, A, K) == (min(power, farthest) <= K)
    assert [[lengths[i].get(j, n + 1) for j in range(n)] for i in range(n)] == module._hops(A).tolist()


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_museum_s_layer_is_right_while_undirected_and_wrong_otherwise(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    for directed in (False, True):
        A = random_graph(rng, n, directed=directed) + np.eye(n)
        right = A.T @ X / A.sum(axis=0)[:, None]
        assert np.allclose(mean_of_incoming(A, X), right) == np.array_equal(A, A.T)


def test_no_directed_graph_of_fewer_edges_counts_right_and_of_three_only_the_ring():
    found = []
    pairs = list(permutations(range(4), 2))
    for edges in (edges for m in range(4) for edges in combinations(pairs, m)):
        answer = list(edges), [1.0, 10.0, 100.0, 1000.0]
        if verdict(4, answer).status == "right":
            found.append(answer[0])
    assert len(found) == 8  # three of four nodes, two ways round
    assert all(sorted(d for _, d in networkx_of(nx.DiGraph, edges).in_degree()) == [1, 1, 1] for edges in found)


@pytest.mark.parametrize("signal", list(product((0, 1), repeat=3)))
def test_on_the_ring_any_signal_shows_it_that_is_not_the_same_everywhere(signal):
    assert verdict(4, (RING, signal)).status == ("right" if len(set(signal)) > 1 else "wrong")


def test_scores_are_powers_of_s_on_both_sides_of_the_weights():
    for S, X, W, k in cases(5):
        plain = S.uncounted
        wanted = np.linalg.matrix_power(plain, k) @ X @ W.T
        assert np.allclose(narrow_first(plain, X, W, k), wanted)
        assert np.allclose(slow_scores(plain, X, W, k), wanted)


def test_products_are_as_many_as_the_text_says():
    for S, X, W, k in cases(5):
        for answer, columns in ((slow_scores, len(X)), (narrow_first, min(W.shape))):
            counted = CountedMatrix(S.uncounted)
            answer(counted, X, W, k)
            assert counted.products == k * columns


@pytest.mark.data
@pytest.mark.skipif("LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data")
def test_on_cora_entries_count_and_not_columns_as_the_text_says():
    cora = datasets.planetoid("cora")
    S, X = propagation(cora.graph), cora.X
    SX = S @ X
    assert X.shape[1] == 1433
    assert round(X.nnz / len(cora.y)) == 18
    assert 1 < np.diff(X.indptr)[S.indices].sum() / (16 * S.nnz) < 1.2  # S X beside S (X W^T)
    assert 3.5 < SX.nnz / X.nnz < 4  # (S X) W^T beside X W^T


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    for number, place in ((2, 1), (3, 1), (5, 1)):
        sizes = [len(given[place]) for given in cases(number)]
        assert sizes == sorted(sizes)


def test_layers_are_tried_on_lone_nodes_on_hubs_and_on_as_many_scores_as_features():
    given = cases(2)
    degrees = [np.bincount(edges.ravel(), minlength=len(X)) for edges, X, _ in given]
    assert sum((d == 0).any() and d.max(initial=0) > 0 for d in degrees) >= 10
    assert sum(d[-1] == 0 for d in degrees if d.any()) >= 3, "whom no edge names may be the last node"
    assert sum(d.max(initial=0) > 1 and np.ptp(d) == 0 for d in degrees) >= 8
    assert sum(np.ptp(d) > 0 for d in degrees) >= 15
    assert sum(W.shape[0] == W.shape[1] > 1 and not np.allclose(W, W.T) for *_, W in given) >= 5
    assert {np.sign(np.diff(W.shape))[0] for *_, W in given} == {-1, 0, 1}
    assert all(
        edges.shape[1:] == (2,) and len({frozenset(e) for e in edges.tolist()}) == len(edges)
        for edges, *_ in given
    )
    joined = [edges for edges, X, _ in given if len(edges) == len(X) * (len(X) - 1) / 2 > 3]
    assert {bool(turned) for edges in joined for turned in edges[:, 0] > edges[:, 1]} == {False, True}


def test_layers_keep_to_k_or_clearly_do_not():
    kinds = dict.fromkeys(("kept", "biased", "rounded", "parted", "refused"), 0)
    for layer, A, K in cases(3):
        beyond = module._influences(layer, len(A))[module._hops(A) > K].max(initial=0.0)
        assert beyond < 1e-12 or beyond > 5e-3, layer.__name__
        kept = bool(beyond < 1e-12)
        kinds["kept"] += kept
        kinds["biased"] += kept and module._has_bias(layer, A)
        kinds["rounded"] += kept and module._rounds(layer, A, K)
        kinds["parted"] += not kept and not module._by_paths(layer, A, K)
        kinds["refused"] += not kept
    assert kinds["kept"] >= 50
    assert kinds["refused"] >= 50
    assert min(kinds.values()) >= 4, kinds


def test_layers_take_one_signal_and_say_so():
    layer, A, _ = cases(3)[0]
    with pytest.raises(ValueError, match=r"a signal of shape \(1, 1\): \(1,\) is needed"):
        layer(A)


def test_scores_are_asked_of_narrow_and_of_wide_weights_on_graphs_that_are_not_symmetric():
    given = [(S.uncounted, W, k) for S, _, W, k in cases(5)]
    assert sum(not np.allclose(S, S.T) for S, *_ in given) >= 20
    counted = [(np.sign(W.shape[1] - W.shape[0]), k) for S, W, k in given if len(S) > module.UNCOUNTED]
    assert {side for side, _ in counted} == {-1, 0, 1}
    assert all(len(S) > k * min(W.shape) or k == 10 for S, W, k in given if len(S) >= 24)
    assert any(not np.allclose(S, S.T) for S, _, k in given if k == 1 and len(S) < 4)


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, [0, 7**-0.5, 0, 21, 3], "degree of the hub in A + I"),
        (1, [1 / 8, 1 / 8, 1 / 2, 8, 8], "one end only gives an average"),
        (1, [1 / 8, 1 / 4, 1 / 2, 8, 8], "a row of shares that add up to 1"),
        (2, module._as_many_as_are_named, "nodes that no edge names are nodes, too"),
        (2, module._one_way, "Look at both of its ends"),
        (2, module._last_one_stays, "NumPy keeps only the last"),
        (2, module._last_one_stays, "gets a message from each"),
        (2, module._means, "A mean knows only the degree of who receives"),
        (3, module._walks_of_K_steps, "walks of exactly K steps"),
        (3, module._of_unit_signals, "layer(np.zeros(n))"),
        (3, module._to_the_last_digit, "a change of more than 1e-9"),
        (3, module._all_far_ones_at_once, "moved together may cancel"),
        (3, module._only_where_a_path_leads, "there is no third kind"),
        (4, ([(0, 0)], [1]), "names one node twice"),
        (4, ([(0, 1)], [1, 0]), "arrows that end there and those that begin there"),
        (4, (RING, [1, 1, 1]), "who is before a node and of who is after it"),
        (5, slow_scores, "n, as many as features, or as classes?"),
        (5, module._scores_before, "one feature and eight classes"),
        (5, module._turned, "S is not symmetric here"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("spectral_gcn-2", module._before_the_trick)
    assert "not: edges=[[" in capsys.readouterr().out
    check("spectral_gcn-3", lambda layer, A, K: False)
    out = capsys.readouterr().out
    assert "not: layer=S_once, A=[[0.]], K=0\n" in out
    check("spectral_gcn-5", module._turned)
    assert "not: S=[[" in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    edges, X, W = next(given for given in cases(2) if len(given[0]) == 1)
    _, alt = EXERCISES["spectral_gcn-2"].draw(edges, X, W)
    assert alt.startswith("An undirected graph of 2 nodes with the edge 0 – 1. Written beside them: ")
    layer, A, K = next(given for given in cases(3) if not module._keeps(*given))
    fig, _ = EXERCISES["spectral_gcn-3"].draw(layer, A, K)
    assert fig.axes[0].get_title() == "K = 0: 0 depends on 1"
    fig, _ = EXERCISES["spectral_gcn-3"].draw(layer, A, len(A))
    assert fig.axes[0].get_title() == f"K = {len(A)}: kept"
    S, X, W, k = next(given for given in cases(5) if len(given[1]) == 2)
    _, alt = EXERCISES["spectral_gcn-5"].draw(S, X, W, k)
    assert alt.startswith("A directed graph of 2 nodes with the edge")
    assert S.products == 0, "looking at the case is not counted"
    _, alt = EXERCISES["spectral_gcn-1"].draw()
    assert "8 nodes" in alt


def test_the_drawn_directed_graph_is_that_of_s():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    S = CountedMatrix(module._renormalised(np.array([[0.0, 1.0], [0.0, 0.0]])))
    _, alt = EXERCISES["spectral_gcn-5"].draw(S, np.ones((2, 1)), np.ones((1, 1)), 1)
    assert "the edge 0 → 1." in alt
    assert machinery._same(S, CountedMatrix(S.uncounted))


@pytest.mark.parametrize("function", [mean_of_incoming, slow_scores], ids=lambda function: function.__name__)
def test_the_page_shows_the_functions_that_are_judged(function):
    assert TOPIC.shown(function) == [code_of(function)]
