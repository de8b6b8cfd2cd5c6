"""Spectral clustering: its eigenvectors against dense ones, its communities against what was planted."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score
from strategies import graphs

from lessons import Graph, as_graph
from lessons import spectral_clustering as module
from lessons.errors import ConvergenceError
from lessons.graph_signals import fourier_basis
from lessons.random_graphs import planted_partition
from lessons.spectral_clustering import leading_eigenvectors, spectral_clustering

SEED = st.integers(0, 9)
WEIGHTS = st.integers(0, 12).map(lambda quarters: quarters / 4)


def matrix(graph: Graph, tau: float | None) -> np.ndarray:
    """(D + tau I)^(-1/2) A (D + tau I)^(-1/2), entry by entry."""
    A = graph.to_dense()
    d = A.sum(axis=1)
    d += d.mean() if tau is None else tau
    d[d == 0] = 1  # no edges: zeros all the same
    return A / np.sqrt(np.outer(d, d))


def largest(S: np.ndarray, k: int) -> np.ndarray:
    return np.linalg.eigvalsh(S)[::-1][:k]


def check_pairs(graph: Graph, k: int, tau: float | None, near: float, **options) -> None:
    """Whether what is found are the largest eigenpairs, at right angles, in order."""
    U, S = leading_eigenvectors(graph, k, tau=tau, **options), matrix(graph, tau)
    assert (U.shape, U.dtype) == ((graph.n, k), np.float64)
    assert np.abs(U.T @ U - np.eye(k)).max() < near
    lam = (U * (S @ U)).sum(axis=0)
    assert np.abs(S @ U - lam * U).max() < near
    assert np.abs(lam - largest(S, k)).max() < near


def test_they_are_eigenvectors_of_small_graphs():
    @given(graphs(directed=False, max_nodes=8, weight=WEIGHTS).filter(lambda graph: graph.n), st.data())
    def holds(graph, data):
        k = data.draw(st.integers(1, graph.n))
        check_pairs(graph, k, data.draw(st.sampled_from([None, 0, 0.5, 20.0])), 1e-9)

    holds()


def planted(n, k, c, mixed, seed=0):
    """Groups of which a share of the edges leads out of."""
    return planted_partition(n, k, c * (1 - mixed) * k, c * mixed * k / (k - 1), seed)


COPIES = nx.disjoint_union_all([nx.gnm_random_graph(150, 600, seed=1)] * 5)


@pytest.mark.parametrize("tau", [None, 0])
@pytest.mark.parametrize(
    ("source", "k"),
    [
        (planted(800, 4, 16, 0.3)[0], 4),
        (nx.ring_of_cliques(70, 10), 70),  # 69 eigenvalues in pairs
        (nx.ring_of_cliques(70, 10), 20),  # the next is as large as the last
        (COPIES, 5),  # the largest comes five times
        (nx.path_graph(600), 3),
        (nx.grid_2d_graph(25, 26), 6),
        (nx.star_graph(600), 2),
    ],
)
def test_they_are_eigenvectors_of_larger_graphs(source, k, tau):
    check_pairs(as_graph(source), k, tau, 1e-9, seed=3)


def test_both_ways_span_the_same_space(monkeypatch):
    graph, _ = planted(700, 5, 20, 0.2)
    sparse = leading_eigenvectors(graph, 5)
    monkeypatch.setattr(module, "SMALL", 700)
    dense = leading_eigenvectors(graph, 5)
    assert np.abs(sparse @ sparse.T - dense @ dense.T).max() < 1e-9
    assert not np.array_equal(sparse, dense)


def test_without_tau_they_are_the_low_frequencies():
    graph = as_graph(nx.les_miserables_graph())
    U, basis = leading_eigenvectors(graph, 6, tau=0), fourier_basis(graph, 6, kind="normalised")
    assert np.abs(U @ U.T - basis.U @ basis.U.T).max() < 1e-9


def test_a_large_tau_or_weight_does_no_harm():
    graph, groups = planted(600, 3, 20, 0.1)
    for scale in (1e-290, 1e290):
        A = graph.to_scipy() * scale
        assert adjusted_rand_score(spectral_clustering(A, 3), groups) == 1
    for tau in (1e9, 1e100, 1e300):
        check = leading_eigenvectors(graph, 1, tau=tau)[:, 0]
        wanted = np.linalg.eigh(graph.to_dense())[1][:, -1]  # tau I alone is left of D + tau I
        assert abs(check @ wanted) > 1 - 1e-6


# ------------------------------------------------------------------------------------------------ communities


@pytest.mark.parametrize("tau", [None, 0])
@pytest.mark.parametrize(("n", "k"), [(90, 3), (400, 8), (1200, 6)])
def test_clear_groups_are_found(n, k, tau):
    graph, groups = planted(n, k, 0.6 * n / k, 0.08)
    found = spectral_clustering(graph, k, tau=tau)
    assert (found.dtype, found.tolist()) == (np.int32, groups.tolist())


def test_it_finds_what_scikit_learn_does():
    graph = as_graph(nx.les_miserables_graph())
    theirs = SpectralClustering(5, affinity="precomputed", random_state=0).fit(graph.to_scipy()).labels_
    assert adjusted_rand_score(spectral_clustering(graph, 5, tau=0), theirs) > 0.5
    graph, groups = planted(1000, 4, 12, 0.25)
    theirs = SpectralClustering(4, affinity="precomputed", random_state=0).fit(graph.to_scipy()).labels_
    ours = adjusted_rand_score(spectral_clustering(graph, 4), groups)
    assert ours > adjusted_rand_score(theirs, groups) - 0.02
    assert ours > 0.8


def test_near_the_threshold_tau_finds_what_is_hidden_without():
    """Two groups, mean degree 4, at 1.3 times the threshold: tau = 0 finds small parts of the graph instead."""
    c, gap = 4, 1.3 * 2 * np.sqrt(4)
    agreed = {0: [], None: []}
    for seed in range(5):
        graph, groups = planted_partition(2000, 2, c + gap / 2, c - gap / 2, seed)
        for tau, found in agreed.items():
            found.append(adjusted_rand_score(spectral_clustering(graph, 2, tau=tau), groups))
    assert np.mean(agreed[0]) < 0.05
    assert min(agreed[None]) > 0.2


@given(graphs(directed=False, max_nodes=8, weight=WEIGHTS).filter(lambda graph: graph.n), st.data())
def test_any_graph_is_clustered(graph, data):
    k = data.draw(st.integers(1, graph.n))
    found = spectral_clustering(graph, k, tau=data.draw(st.sampled_from([None, 0])), seed=data.draw(SEED))
    assert (found.shape, found.dtype) == ((graph.n,), np.int32)
    assert list(dict.fromkeys(found.tolist())) == list(range(found.max() + 1))  # numbered by first nodes
    assert found.max() < k


def test_one_or_each():
    graph = as_graph(nx.path_graph(7))
    assert spectral_clustering(graph, 1).tolist() == [0] * 7
    assert spectral_clustering(graph, 7).tolist() == list(range(7))


@pytest.mark.parametrize("tau", [None, 0])
def test_components_are_communities(tau):
    parts = [nx.complete_graph(size) for size in (8, 5, 9)]
    found = spectral_clustering(nx.disjoint_union_all(parts), 3, tau=tau)
    assert found.tolist() == [0] * 8 + [1] * 5 + [2] * 9


def test_lone_nodes_join_the_largest_community():
    parts = [nx.empty_graph(2), nx.complete_graph(5), nx.complete_graph(9), nx.empty_graph(1)]
    found = spectral_clustering(nx.disjoint_union_all(parts), 2)
    assert found.tolist() == [0, 0] + [1] * 5 + [0] * 9 + [0]
    for n in (5, 6000):
        assert not spectral_clustering(nx.empty_graph(n), 3).any()


@pytest.mark.parametrize("smaller", [0, 1])
def test_small_parts_join_the_largest_community(smaller):
    """The eigenvectors have nothing there but rounding, which must not decide."""
    graph, groups = planted(800, 2, 20, 0.1)
    rest = np.flatnonzero((groups != smaller) | (np.arange(800) % 4 > 0))
    pairs = nx.disjoint_union_all([nx.path_graph(2)] * 15)
    found = spectral_clustering(nx.disjoint_union(graph.to_networkx().subgraph(rest.tolist()), pairs), 2)
    sizes = np.bincount(found[:700])
    assert sizes.min() > 200
    assert set(found[700:]) == {sizes.argmax()}


def test_degrees_make_no_communities():
    """Half of the nodes of each group have fifteen times the weight of the others at their edges."""
    graph, groups = planted(600, 3, 40, 0.15)
    u, v = graph.edge_rows.T
    strength = np.where(np.arange(600) % 2, 3.0, 0.2)
    edges = np.column_stack([u, v, strength[u] * strength[v]])
    assert adjusted_rand_score(spectral_clustering(as_graph(edges, n=600), 3, tau=0), groups) > 0.98


def test_edges_that_weigh_nothing_join_nothing():
    triangles = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (3, 5, 1.0)]
    graph = as_graph([*triangles, (2, 3, 0.0)], n=6)
    assert spectral_clustering(graph, 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert not spectral_clustering(as_graph([(0, 1, 0.0), (1, 2, 0.0)], n=3), 2).any()


def test_weights_count():
    square = as_graph([(0, 1, 9.0), (1, 2, 1.0), (2, 3, 9.0), (3, 0, 1.0)], n=4)
    assert spectral_clustering(square, 2).tolist() == [0, 0, 1, 1]
    turned = as_graph([(0, 1, 1.0), (1, 2, 9.0), (2, 3, 1.0), (3, 0, 9.0)], n=4)
    assert spectral_clustering(turned, 2).tolist() == [0, 1, 1, 0]


def test_other_names_change_nothing():
    graph, groups = planted(300, 3, 20, 0.1)
    order = np.random.default_rng(0).permutation(300)
    A = graph.to_scipy()
    assert adjusted_rand_score(spectral_clustering(A[order][:, order], 3), groups[order]) == 1
    labels = [f"node {v}" for v in range(300)]
    named = as_graph([(labels[u], labels[v]) for u, v in graph.edges()], nodes=labels)
    assert np.array_equal(spectral_clustering(named, 3), spectral_clustering(graph, 3))


def test_seeds():
    graph, _ = planted(600, 4, 8, 0.4)
    found = [spectral_clustering(graph, 4, seed=seed).tolist() for seed in (5, 5, np.random.default_rng(5))]
    assert found[0] == found[1]
    assert spectral_clustering(graph, 4).tolist() == spectral_clustering(graph, 4, seed=0).tolist()
    starts = [leading_eigenvectors(graph, 4, seed=seed) for seed in (0, 1)]
    assert not np.array_equal(*starts)
    assert np.abs(starts[0] @ starts[0].T - starts[1] @ starts[1].T).max() < 1e-9


# ------------------------------------------------------------------------------------------------ at the door


def test_where_no_eigenvectors_are_found(monkeypatch):
    monkeypatch.setattr(module, "RESTARTS", 1)
    with pytest.raises(ConvergenceError, match=r"of 3 eigenvectors.*Take a smaller k, or leiden") as caught:
        leading_eigenvectors(nx.path_graph(2000), 3)
    assert caught.value.iterations == 1


@pytest.mark.parametrize(
    ("source", "k", "options", "error", "message"),
    [
        (nx.path_graph(4), 5, {}, ValueError, "k=5: 1 to 4, the number of nodes"),
        (nx.path_graph(4), 0, {}, ValueError, "k=0: at least 1"),
        (nx.path_graph(4), 2.0, {}, TypeError, "k=2.0: a whole number"),
        (nx.path_graph(4), 2, {"tau": -1}, ValueError, "tau=-1: a finite number, zero or more"),
        (nx.path_graph(4), 2, {"tau": "1"}, TypeError, "tau='1'"),
        (nx.path_graph(4), 2, {"seed": -1}, ValueError, "seed=-1"),
        (nx.path_graph(4), 1, {"seed": "x"}, TypeError, "seed='x'"),
        (nx.path_graph(4, create_using=nx.DiGraph), 2, {}, ValueError, "to_undirected"),
        (as_graph([(0, 1, -2.0), (1, 2, 1.0)], n=3), 2, {}, ValueError, r"edge \(0, 1\) has weight -2.0"),
        (nx.empty_graph(0), 1, {}, ValueError, "a graph without nodes has no communities"),
        (nx.path_graph(5001), 1300, {}, ValueError, "5,001 nodes.*a smaller k"),
        (5, 2, {}, TypeError, "int"),
    ],
)
def test_what_is_refused(source, k, options, error, message):
    with pytest.raises(error, match=message):
        spectral_clustering(source, k, **options)
    with pytest.raises(error, match=message):
        leading_eigenvectors(source, k, **options)
