"""Frequencies, filters and embeddings against closed forms, SciPy, networkx, scikit-learn and PyGSP."""

from __future__ import annotations

import functools
import math
import warnings

import networkx as nx
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

import lessons.compiled.graph_signals as kernels
from lessons import Graph, _eigenpairs, as_graph, chebyshev
from lessons.datasets import grid_graph, mesh_graph, path_graph, ring_graph, sensor_graph
from lessons.errors import ConvergenceError
from lessons.graph_signals import (
    chebyshev_coefficients,
    chebyshev_gap,
    filter_chebyshev,
    filter_exact,
    fourier_basis,
    frequency,
    frequency_bound,
    heat,
    inverse,
    low_pass,
    spectral_embedding,
    tikhonov,
    transform,
)
from lessons.laplacian_regularization import dirichlet_energy, laplacian, smooth

WEIGHTS = st.integers(0, 12).map(lambda quarters: quarters / 4)
KINDS = pytest.mark.parametrize("kind", ["combinatorial", "normalised"])


def undirected(**options) -> st.SearchStrategy[Graph]:
    return graphs(directed=False, weight=WEIGHTS, **options)


def oracle(graph: Graph, kind: str) -> np.ndarray:
    """The Laplacian as networkx has it, dense."""
    network = graph.to_networkx()
    made = nx.laplacian_matrix if kind == "combinatorial" else nx.normalized_laplacian_matrix
    return made(network, nodelist=list(graph.nodes)).toarray().astype(float) if graph.n else np.zeros((0, 0))


def components(graph: Graph) -> list[set]:
    network = graph.to_networkx()
    network.remove_edges_from([(u, v) for u, v, w in network.edges(data="weight", default=1.0) if w == 0])
    return list(nx.connected_components(network))


def joined(*parts: Graph, link: float | None = None) -> Graph:
    """The graphs side by side; with `link`, an edge of that weight between the first nodes of neighbours."""
    edges, first = [], 0
    for part in parts:
        edges += [(u + first, v + first, w) for (u, v), w in zip(part.edges(), part.edge_weights, strict=True)]
        if link is not None and first:
            edges.append((0, first, link))
        first += part.n
    return as_graph(edges, n=first)


def expander(n: int, seed: int = 0) -> Graph:
    """A ring with 9 n more edges at random: nothing separates it."""
    rng = np.random.default_rng(seed)
    rows = np.arange(n)
    pairs = np.concatenate([np.column_stack([rows, (rows + 1) % n]), rng.integers(0, n, (9 * n, 2))])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return as_graph(pairs, n=n)


def spider(legs: int, length: int) -> Graph:
    """Paths that meet in one node: each frequency of one leg comes legs - 1 times."""
    tips = np.arange(1, legs * length + 1)
    return as_graph(np.column_stack([np.where(tips % length == 1, 0, tips - 1), tips]), n=legs * length + 1)


def is_basis(graph: Graph, lam: np.ndarray, U: np.ndarray, kind: str) -> None:
    """Ascending, orthonormal, eigenpairs, signs as told."""
    L = laplacian(graph, kind)
    scale = max(float(L.diagonal().max(initial=0.0)), 1e-300)
    assert (np.diff(lam) >= -1e-12 * scale).all()
    assert (lam >= 0).all()
    assert np.abs(U.T @ U - np.eye(len(lam))).max(initial=0.0) < 1e-12
    assert np.abs(L @ U - lam * U).max(initial=0.0) < 1e-10 * scale
    for column in U.T:
        assert column[np.argmax(np.abs(column) > np.abs(column).max() * (1 - 1e-6))] > 0


# ---------------------------------------------------------------------------------------- frequencies


@KINDS
@given(graph=undirected())
def test_the_whole_basis_on_any_graph(kind: str, graph: Graph) -> None:
    basis = fourier_basis(graph, kind=kind)
    is_basis(graph, basis.lam, basis.U, kind)
    assert basis.U.shape == (graph.n, graph.n)
    np.testing.assert_allclose(basis.lam, np.linalg.eigvalsh(oracle(graph, kind)), atol=1e-12)
    assert (basis.lam == 0).sum() == len(components(graph))


@KINDS
@given(graph=undirected())
def test_frequency_zero_is_constant_on_each_component(kind: str, graph: Graph) -> None:
    found = components(graph)
    U = fourier_basis(graph, kind=kind).U[:, : len(found)]
    weight = np.ones(graph.n) if kind == "combinatorial" else np.sqrt(graph.to_scipy().sum(axis=1))
    rows = sorted((sorted(graph.index(node) for node in nodes) for nodes in found), key=min)
    for column, nodes in enumerate(rows):
        here = np.isin(np.arange(graph.n), nodes)
        expected = np.where(here, weight if len(nodes) > 1 else 1.0, 0.0)
        np.testing.assert_allclose(U[:, column], expected / np.linalg.norm(expected), atol=1e-15)


@KINDS
@given(graph=undirected(), data=st.data())
def test_the_k_lowest_are_the_first_of_all(kind: str, graph: Graph, data: st.DataObject) -> None:
    if not graph.n:
        return
    k = data.draw(st.integers(1, graph.n))
    some, every = fourier_basis(graph, k, kind=kind), fourier_basis(graph, kind=kind)
    is_basis(graph, some.lam, some.U, kind)
    np.testing.assert_allclose(some.lam, every.lam[:k], atol=1e-12)


NAMED = {
    "star": (as_graph([(0, i) for i in range(1, 700)], n=700), np.array([0.0, *[1.0] * 698, 700.0])),
    "complete": (as_graph(nx.complete_graph(520)), np.array([0.0, *[520.0] * 519])),
    "complete bipartite": (
        as_graph(nx.complete_bipartite_graph(250, 350)),
        np.array([0.0, *[250.0] * 349, *[350.0] * 249, 600.0]),
    ),
    "hypercube": (as_graph(nx.hypercube_graph(10)), 2.0 * np.array([i.bit_count() for i in range(1024)])),
    "ring": (ring_graph(1001), 2 - 2 * np.cos(2 * np.pi * np.arange(1001) / 1001)),
    "path": (path_graph(100_000), 4 * np.sin(np.pi * np.arange(20) / 200_000) ** 2),
    "grid": (
        grid_graph(40, 40),
        np.add.outer(*2 * [4 * np.sin(np.pi * np.arange(40) / 80) ** 2]).ravel(),
    ),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("k", [1, 13])
def test_large_graphs_of_known_frequencies_get_every_copy(name: str, k: int) -> None:
    graph, lam = NAMED[name]
    basis = fourier_basis(graph, k)
    is_basis(graph, basis.lam, basis.U, "combinatorial")
    np.testing.assert_allclose(basis.lam, np.sort(lam)[:k], rtol=1e-6, atol=1e-12)


DENSE = {
    "spider": spider(30, 20),
    "tree": as_graph(nx.balanced_tree(3, 6)),
    "sensors": sensor_graph(700, seed=3)[0],
    "expander": expander(800),
    "two meshes": joined(*2 * [mesh_graph(600, seed=1)[0]]),
    "nearly two grids": joined(*2 * [grid_graph(17, 17)], link=1e-12),
    "as good as two grids": joined(*2 * [grid_graph(17, 17)], link=1e-300),
    "islands": joined(expander(600), *40 * [path_graph(2)], *5 * [path_graph(1)]),
}


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize(("kind", "k"), [("combinatorial", 31), ("normalised", 7)])
def test_large_graphs_agree_with_a_dense_solver(name: str, k: int, kind: str) -> None:
    graph = DENSE[name]
    basis = fourier_basis(graph, k, kind=kind)
    is_basis(graph, basis.lam, basis.U, kind)
    np.testing.assert_allclose(basis.lam, frequencies(name, kind)[:k], atol=1e-9)


@functools.cache
def frequencies(name: str, kind: str) -> np.ndarray:
    return np.linalg.eigvalsh(oracle(DENSE[name], kind))


@pytest.mark.parametrize("name", ["spider", "expander", "two meshes"])
def test_every_run_gives_the_same_bits(name: str) -> None:
    first = fourier_basis(DENSE[name], 9)
    fourier_basis(NAMED["hypercube"][0], 5)  # a solver that kept a state would start elsewhere after this
    again = fourier_basis(DENSE[name], 9)
    assert np.array_equal(first.U, again.U)
    assert np.array_equal(first.lam, again.lam)


def test_wide_graphs_are_not_factorised_and_narrow_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.sparse.linalg

    class Factorised(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise Factorised

    monkeypatch.setattr(scipy.sparse.linalg, "splu", refuse)
    graph = expander(6_000)
    basis = fourier_basis(graph, 4, kind="normalised")
    is_basis(graph, basis.lam, basis.U, "normalised")
    for narrow in (path_graph(2_000), mesh_graph(2_000)[0], DENSE["tree"], DENSE["spider"]):
        with pytest.raises(Factorised):
            fourier_basis(narrow, 4)


@pytest.mark.parametrize(
    ("limit", "left"), [(5_000, "_flipped"), (5_000, "_factorised"), (5_000, "_dense"), (0, "_by_gradients")]
)
def test_where_one_way_does_not_converge_another_does(
    limit: int, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ConvergenceError("Lanczos iterations", 1.0, 1)

    for name in {"_flipped", "_factorised", "_by_gradients", "_dense"} - {left}:
        monkeypatch.setattr(_eigenpairs, name, fails)
    monkeypatch.setattr(_eigenpairs, "DENSE_LIMIT", limit)
    graph = DENSE["expander"]
    basis = fourier_basis(graph, 6)
    is_basis(graph, basis.lam, basis.U, "combinatorial")
    np.testing.assert_allclose(basis.lam, frequencies("expander", "combinatorial")[:6], atol=1e-9)


@pytest.mark.parametrize("least", [-6, -12, -300])
def test_weights_of_many_orders_on_a_wide_graph(least: int) -> None:
    rows = expander(600).edge_rows
    weights = 10.0 ** np.random.default_rng(13).uniform(least, 0, len(rows))
    graph = as_graph([(u, v, w) for (u, v), w in zip(rows.tolist(), weights, strict=True)], n=600)
    basis = fourier_basis(graph, 6)
    is_basis(graph, basis.lam, basis.U, "combinatorial")
    np.testing.assert_allclose(basis.lam, np.linalg.eigvalsh(oracle(graph, "combinatorial"))[:6], atol=1e-12)


@pytest.mark.parametrize("name", ["two meshes", "expander"])
def test_what_does_not_converge_is_an_error_unless_a_dense_matrix_may_answer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_eigenpairs, "STEPS", 25)
    monkeypatch.setattr(_eigenpairs, "TOLERANCE", 1e-30)
    graph, lam = DENSE[name], frequencies(name, "combinatorial")[:4]
    np.testing.assert_allclose(fourier_basis(graph, 4).lam, lam, atol=1e-9)
    monkeypatch.setattr(_eigenpairs, "DENSE_LIMIT", 0)
    np.testing.assert_allclose(fourier_basis(graph, 4, force=True).lam, lam, atol=1e-9)
    with pytest.raises(ConvergenceError, match="filter_chebyshev") as caught:
        fourier_basis(graph, 4)
    assert caught.value.residual > 0
    assert 25 <= caught.value.iterations < 100


def test_a_pair_that_is_none_is_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_eigenpairs, "RESIDUAL", 1e-300)
    monkeypatch.setattr(_eigenpairs, "DENSE_LIMIT", 0)
    with pytest.raises(ConvergenceError, match="eigenpairs of the Laplacian"):
        fourier_basis(DENSE["two meshes"], 4)


def test_dense_work_on_large_graphs_must_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="filter_chebyshev"):
        fourier_basis(path_graph(5_001))
    with pytest.raises(ValueError, match="fewer frequencies"):
        fourier_basis(path_graph(5_001), 1_300)
    monkeypatch.setattr("lessons.graph.DENSE_LIMIT", 50)
    assert fourier_basis(path_graph(60), force=True).U.shape == (60, 60)
    assert fourier_basis(path_graph(60), 59, force=True).U.shape == (60, 59)


@KINDS
@pytest.mark.parametrize("weight", [1e-320, 1e-310, 1e-300, 1e300])
def test_frequencies_of_tiny_and_huge_weights(weight: float, kind: str) -> None:
    light = as_graph([(0, 1, weight), (1, 2, 2 * weight)], n=5)
    unit = as_graph([(0, 1, 1.0), (1, 2, 2.0)], n=5)
    scale = weight if kind == "combinatorial" else 1.0
    expected = fourier_basis(unit, kind=kind)
    found = fourier_basis(light, kind=kind)
    np.testing.assert_allclose(found.lam / scale, expected.lam, rtol=1e-3 if weight == 1e-320 else 1e-9)
    np.testing.assert_allclose(found.U, expected.U, atol=1e-3 if weight == 1e-320 else 1e-9)


def test_weights_of_many_orders_in_one_graph() -> None:
    graph = as_graph([(0, 1, 1e-200), (1, 2, 1.0), (3, 4, 1e-300), (5, 6, 1e150)], n=8)
    lam = fourier_basis(graph).lam
    np.testing.assert_allclose(lam, [0, 0, 0, 0, 0, 2e-300, 2, 2e150], rtol=1e-12)
    assert frequency_bound(graph) == pytest.approx(2e150)


@KINDS
@given(graph=undirected(), data=st.data())
def test_another_order_of_the_nodes_changes_nothing_else(kind: str, graph: Graph, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(graph.n)))
    triples = [(u, v, w) for (u, v), w in zip(graph.edges(), graph.edge_weights, strict=True)]
    moved = as_graph(triples, nodes=[graph.nodes[row] for row in order])
    X = np.cos(np.arange(2.0 * graph.n)).reshape(graph.n, 2)
    one, other = fourier_basis(graph, kind=kind), fourier_basis(moved, kind=kind)
    np.testing.assert_allclose(one.lam, other.lam, atol=1e-12)
    found, again = filter_exact(one, X, heat(0.7)), filter_exact(other, X[order], heat(0.7))
    np.testing.assert_allclose(found[order], again, atol=1e-12)
    found = filter_chebyshev(graph, X, tikhonov(2.0), kind=kind)
    again = filter_chebyshev(moved, X[order], tikhonov(2.0), kind=kind)
    np.testing.assert_allclose(found[order], again, atol=1e-12)


@KINDS
@given(graph=undirected(), length=st.sampled_from([1e-200, 1.0, 1e200]))
def test_the_frequency_of_a_signal_is_the_mean_of_the_frequencies_in_it(
    kind: str, graph: Graph, length: float
) -> None:
    X = length * np.random.default_rng(12).standard_normal((graph.n, 3))
    X[:, 1] = 0.0
    basis = fourier_basis(graph, kind=kind)
    power = transform(basis, X / length) ** 2
    expected = basis.lam @ power / np.maximum(power.sum(axis=0), 1e-300)
    np.testing.assert_allclose(frequency(graph, X, kind=kind), expected, atol=1e-12)
    np.testing.assert_allclose(frequency(graph, basis.U, kind=kind), basis.lam, atol=1e-12)
    assert np.shape(frequency(graph, X[:, 0], kind=kind)) == ()


# ---------------------------------------------------------------------------------------- transform


@given(graph=undirected(), data=st.data())
def test_the_transform_keeps_length_and_comes_back(graph: Graph, data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(graph.n,), (graph.n, 3), (graph.n, 0)]))
    X = np.random.default_rng(0).standard_normal(shape)
    basis = fourier_basis(graph)
    X_hat = transform(basis, X)
    assert X_hat.shape == X.shape
    np.testing.assert_allclose((X_hat**2).sum(axis=0), (X**2).sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(inverse(basis, X_hat), X, atol=1e-12)
    energy = basis.lam @ X_hat**2
    np.testing.assert_allclose(energy, dirichlet_energy(graph, X), atol=1e-10)


def test_part_of_the_basis_gives_the_part_that_it_holds() -> None:
    graph = path_graph(20)
    whole, part = fourier_basis(graph), fourier_basis(graph, 5)
    x = np.random.default_rng(1).standard_normal(20)
    kept = transform(whole, x) * (np.arange(20) < 5)
    np.testing.assert_allclose(inverse(part, transform(part, x)), inverse(whole, kept), atol=1e-12)


def test_on_a_path_it_is_the_cosine_transform() -> None:
    x = np.random.default_rng(2).standard_normal(64)
    expected = scipy.fft.dct(x, type=2, norm="ortho")
    found = transform(fourier_basis(path_graph(64)), x)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-12)


def test_on_a_ring_the_power_at_each_frequency_is_that_of_fourier() -> None:
    x = np.random.default_rng(3).standard_normal(65)
    found = transform(fourier_basis(ring_graph(65)), x) ** 2
    expected = np.abs(scipy.fft.rfft(x, norm="ortho")) ** 2 * np.array([1, *[2] * 32])
    np.testing.assert_allclose([found[0], *(found[1::2] + found[2::2])], expected, atol=1e-12)


# ---------------------------------------------------------------------------------------- filters


@KINDS
@given(graph=undirected(), t=st.floats(0, 10))
def test_heat_is_the_matrix_exponential(kind: str, graph: Graph, t: float) -> None:
    X = np.random.default_rng(4).standard_normal((graph.n, 2))
    expected = scipy.linalg.expm(-t * oracle(graph, kind)) @ X if graph.n else X
    found = filter_exact(fourier_basis(graph, kind=kind), X, heat(t))
    np.testing.assert_allclose(found, expected, atol=1e-11)


@KINDS
@given(graph=undirected(), lam=st.floats(0, 10))
def test_tikhonov_is_smoothing(kind: str, graph: Graph, lam: float) -> None:
    X = np.random.default_rng(5).standard_normal((graph.n, 2))
    expected = smooth(graph, X, lam, kind=kind, tolerance=1e-12).X
    found = filter_exact(fourier_basis(graph, kind=kind), X, tikhonov(lam))
    np.testing.assert_allclose(found, expected, atol=1e-9)


@given(graph=undirected(), cutoff=st.sampled_from([0.1, 0.77, 2.345, 99.0]))
def test_an_ideal_filter_projects(graph: Graph, cutoff: float) -> None:
    basis = fourier_basis(graph)
    X = np.random.default_rng(6).standard_normal((graph.n, 2))
    once = filter_exact(basis, X, low_pass(cutoff))
    np.testing.assert_allclose(filter_exact(basis, once, low_pass(cutoff)), once, atol=1e-12)
    kept = (basis.lam <= cutoff).sum()
    np.testing.assert_allclose(once, basis.U[:, :kept] @ (basis.U[:, :kept].T @ X), atol=1e-12)


def test_low_pass_lets_the_cutoff_through() -> None:
    assert low_pass(2.0)(np.array([0.0, 2.0, np.nextafter(2.0, 3.0)])).tolist() == [1.0, 1.0, 0.0]


@KINDS
@given(graph=undirected(), order=st.integers(0, 6), data=st.data())
def test_a_polynomial_of_its_degree_is_met_exactly(
    kind: str, graph: Graph, order: int, data: st.DataObject
) -> None:
    c = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=order + 1, max_size=order + 1)), float)
    X = np.random.default_rng(7).standard_normal((graph.n, 2))
    L, expected = oracle(graph, kind), np.zeros_like(X)
    for coefficient in c[::-1]:  # Horner
        expected = L @ expected + coefficient * X
    found = filter_chebyshev(graph, X, np.polynomial.Polynomial(c), order, kind=kind)
    scale = max(1.0, np.abs(np.polynomial.Polynomial(np.abs(c))(frequency_bound(graph, kind=kind))))
    np.testing.assert_allclose(found, expected, atol=1e-12 * scale)


@KINDS
@given(graph=undirected(), t=st.floats(0, 3))
def test_filters_with_and_without_eigenvectors_agree(kind: str, graph: Graph, t: float) -> None:
    X = np.random.default_rng(8).standard_normal((graph.n, 2))
    exact = filter_exact(fourier_basis(graph, kind=kind), X, heat(t))
    np.testing.assert_allclose(filter_chebyshev(graph, X, heat(t), 100, kind=kind), exact, atol=1e-10)
    column = filter_chebyshev(graph, X[:, 1], heat(t), 100, kind=kind)
    assert column.shape == (graph.n,)
    np.testing.assert_allclose(column, exact[:, 1], atol=1e-10)


@pytest.mark.parametrize("response", [heat(1.0), low_pass(1.3), tikhonov(2.0), np.cos])
@pytest.mark.parametrize("order", [0, 1, 2, 7, 30, 31])
def test_coefficients_are_those_of_numpy(response, order: int) -> None:
    lam_max = 5.3
    expected = np.polynomial.chebyshev.chebinterpolate(lambda x: response(lam_max / 2 * (x + 1)), order)
    np.testing.assert_allclose(chebyshev_coefficients(response, order, lam_max), expected, atol=1e-14)


def test_the_error_of_heat_falls_as_bernstein_says() -> None:
    """An entire response: below 4 M rho^-order / (rho - 1) for every ellipse rho > 1, where |g| <= M."""
    graph, _ = sensor_graph(64, seed=1)
    basis, t = fourier_basis(graph), 2.0
    lam_max = frequency_bound(graph)
    x = np.random.default_rng(9).standard_normal(64)
    exact = filter_exact(basis, x, heat(t))
    for order in range(1, 41):
        error = np.linalg.norm(filter_chebyshev(graph, x, heat(t), order) - exact) / np.linalg.norm(x)
        rho = np.linspace(1.05, 60, 400)
        largest = np.exp(t * lam_max / 2 * ((rho + 1 / rho) / 2 - 1))
        assert error <= (4 * largest * rho**-order / (rho - 1)).min() + 1e-14
    assert error < 1e-13


def test_at_a_jump_the_error_stays() -> None:
    lam = np.linspace(0, 4, 2_001)
    for order in (30, 300, 3_000):
        c = chebyshev_coefficients(low_pass(1.0), order, 4.0)
        error = np.abs(np.polynomial.chebyshev.chebval(lam / 2 - 1, c) - low_pass(1.0)(lam)).max()
        assert error > 0.3


@pytest.mark.parametrize("response", [heat(0.5), heat(10.0), tikhonov(3.0), low_pass(1.37), np.cos])
@pytest.mark.parametrize("order", [0, 3, 30])
def test_no_filter_is_further_off_than_the_gap(response, order: int) -> None:
    basis = fourier_basis(CONNECTED["karate"])
    lam_max = frequency_bound(CONNECTED["karate"])
    gap = chebyshev_gap(response, order, lam_max)
    off = filter_chebyshev(CONNECTED["karate"], np.eye(34), response, order)
    off -= filter_exact(basis, np.eye(34), response)
    error = np.linalg.norm(off, 2)  # of the signal of length 1 that suffers most
    assert gap / 50 < error <= gap + 1e-13


@pytest.mark.parametrize("root", [10, 30, 300])
def test_the_order_that_heat_needs_grows_as_the_root_of_its_time(root: int) -> None:
    for order, gap in ((2 * root, 1e-2), (3 * root, 4e-5), (4 * root, 3e-8)):
        assert gap / 2 < chebyshev_gap(heat(root / 7), order, 7.0 * root) < gap * 1.5


@pytest.mark.parametrize("order", [0, 1, 4, 31, 400])
def test_the_gap_is_found_where_it_is_largest(order: int) -> None:
    """x^(order + 1) and its polynomial differ by 2^-order T_(order + 1); at a jump, by half of it or more."""
    monomial = chebyshev_gap(lambda lam: (lam - 1) ** (order + 1), order, 2.0)
    assert monomial == pytest.approx(2.0**-order, abs=1e-12)
    for cutoff in (0.1, math.pi / 3, 1.999):
        near = cutoff + np.array([-1e-7, 1e-7])
        c = chebyshev_coefficients(low_pass(cutoff), order, 2.0)
        jump = np.abs(np.polynomial.chebyshev.chebval(near - 1, c) - [1, 0]).max()
        assert jump > 0.499
        assert jump * 0.999 < chebyshev_gap(low_pass(cutoff), order, 2.0)


@KINDS
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_order_j_reaches_j_edges(order: int, kind: str) -> None:
    graph, _ = mesh_graph(300, seed=2)
    impulse = np.eye(300)[17]
    far = nx.single_source_shortest_path_length(graph.to_networkx(), 17)
    distance = np.array([far[node] for node in graph.nodes])
    reached = filter_chebyshev(graph, impulse, heat(1.0), order, kind=kind) != 0
    assert np.array_equal(reached, distance <= order)


@pytest.mark.parametrize("edges", [[], [(0, 0)], [(0, 1, 0.0)]])
@pytest.mark.parametrize("order", [0, 1, 30])
@KINDS
def test_without_edges_every_frequency_is_zero(edges: list, order: int, kind: str) -> None:
    graph = as_graph(edges, n=3)
    x = np.array([1.0, -2.0, 5.0])
    np.testing.assert_allclose(filter_exact(fourier_basis(graph), x, lambda lam: lam + 0.5), x / 2)
    if kind == "combinatorial":
        np.testing.assert_allclose(filter_chebyshev(graph, x, lambda lam: lam + 0.5, order, kind=kind), x / 2)
        assert frequency_bound(graph) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_the_smallest_graphs(n: int) -> None:
    graph = as_graph([], n=n)
    basis = fourier_basis(graph)
    assert basis.lam.tolist() == [0.0] * n
    assert basis.U.tolist() == [[1.0]] * n
    for X in (np.ones(n), np.ones((n, 2))):
        for found in (
            transform(basis, X),
            filter_exact(basis, X, heat(1.0)),
            filter_chebyshev(graph, X, heat(1.0)),
        ):
            assert np.array_equal(found, X)


@pytest.mark.parametrize("weight", [1e-300, 1e300])
def test_filters_of_tiny_and_huge_weights(weight: float) -> None:
    graph = as_graph([(0, 1, weight), (1, 2, 2 * weight)], n=4)
    unit = as_graph([(0, 1, 1.0), (1, 2, 2.0)], n=4)
    x = np.array([1.0, 2.0, -3.0, 4.0])
    found = filter_chebyshev(graph, x, lambda lam: 1 / (1 + lam / weight))
    np.testing.assert_allclose(found, filter_exact(fourier_basis(unit), x, tikhonov(1.0)), atol=1e-8)


def test_a_self_loop_counts_for_normalised_only() -> None:
    plain, looped = as_graph([(0, 1), (1, 2)], n=3), as_graph([(0, 1), (1, 2), (2, 2)], n=3)
    x = np.array([1.0, 2.0, -3.0])
    np.testing.assert_allclose(filter_chebyshev(plain, x, heat(1.0)), filter_chebyshev(looped, x, heat(1.0)))
    exact = filter_exact(fourier_basis(looped, kind="normalised"), x, heat(1.0))
    np.testing.assert_allclose(filter_chebyshev(looped, x, heat(1.0), kind="normalised"), exact, atol=1e-12)
    assert np.abs(exact - filter_chebyshev(plain, x, heat(1.0), kind="normalised")).max() > 0.01


@pytest.mark.skipif(not hasattr(kernels.chebyshev, "signatures"), reason="numba is missing or told not to compile")
@KINDS
@given(graph=undirected(), order=st.integers(0, 9), columns=st.sampled_from([None, 1, 8, 37]))
def test_the_kernels_compute_what_the_recurrence_says(
    kind: str, graph: Graph, order: int, columns: int | None
) -> None:
    X = np.random.default_rng(11).standard_normal((graph.n, columns) if columns else graph.n)
    expected = filter_chebyshev(graph, X, tikhonov(1.0), order, kind=kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chebyshev, "COMPILED_FROM", 0)
        plain, calls = chebyshev._plain, []
        patch.setattr(chebyshev, "_plain", lambda *given: calls.append(1) or plain(*given))
        found = filter_chebyshev(graph, X, tikhonov(1.0), order, kind=kind)
    assert (not calls) == (
        columns in (8, 37) or (columns is None and graph.weights is None and kind == "combinatorial")
    )
    assert found.shape == X.shape
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_large_mesh_is_filtered_as_by_the_recurrence(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, positions = mesh_graph(20_000, seed=3)
    x = np.sin(9 * positions[:, 0])
    monkeypatch.setattr(chebyshev, "COMPILED_FROM", 0)
    compiled = filter_chebyshev(graph, x, heat(3.0))
    monkeypatch.setattr(chebyshev, "COMPILED_FROM", math.inf)
    np.testing.assert_allclose(compiled, filter_chebyshev(graph, x, heat(3.0)), atol=1e-12)


def test_on_the_complete_graph_every_filter_mixes_the_mean_with_the_rest() -> None:
    graph = as_graph(nx.complete_graph(7))
    x = np.arange(7.0)
    expected = x.mean() + np.exp(-7.0) * (x - x.mean())
    np.testing.assert_allclose(filter_chebyshev(graph, x, heat(1.0), 60), expected, atol=1e-12)
    np.testing.assert_allclose(filter_exact(fourier_basis(graph), x, heat(1.0)), expected, atol=1e-12)


# ---------------------------------------------------------------------------------------- the bound


@KINDS
@given(graph=undirected(max_nodes=9))
def test_no_frequency_exceeds_the_bound(kind: str, graph: Graph) -> None:
    largest = np.linalg.eigvalsh(oracle(graph, kind)).max(initial=0.0)
    bound = frequency_bound(graph, kind=kind)
    assert bound >= largest * (1 - 1e-13)
    assert bound <= 2 * oracle(graph, kind).diagonal().max(initial=0.0) * (1 + 1e-13) or kind == "normalised"


@given(graph=graphs(directed=False, weighted=True, weight=st.floats(0, 1e300), max_nodes=9))
def test_no_frequency_exceeds_the_bound_whatever_the_weights(graph: Graph) -> None:
    largest = max(float(graph.edge_weights.max(initial=0.0)), 1e-300)
    A = graph.to_dense() / largest
    np.fill_diagonal(A, 0)
    lam = np.linalg.eigvalsh(np.diag(A.sum(axis=1)) - A).max(initial=0.0)
    assert frequency_bound(graph) / largest >= lam * (1 - 1e-13)


@pytest.mark.parametrize(
    ("graph", "at_most"),
    [
        (ring_graph(100), 1e-12),
        (as_graph(nx.star_graph(50)), 1e-12),
        (as_graph(nx.complete_graph(20)), 1e-12),
        (ring_graph(101), 0.001),
        (path_graph(100), 0.001),
        (grid_graph(20, 20), 0.01),
        (mesh_graph(600)[0], 0.15),
        (sensor_graph(200)[0], 0.4),
    ],
)
def test_how_near_the_bound_is(graph: Graph, at_most: float) -> None:
    largest = np.linalg.eigvalsh(oracle(graph, "combinatorial"))[-1]
    assert largest * (1 - 1e-13) <= frequency_bound(graph) <= largest * (1 + at_most)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("columns", [None, 2, 9])
def test_a_lam_max_that_is_too_small_is_refused_where_it_shows(
    compiled: bool, columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chebyshev, "COMPILED_FROM", 0 if compiled else math.inf)
    star = as_graph(nx.star_graph(8))  # largest frequency 9, largest degree 8
    X = np.ones(9) if columns is None else np.ones((9, columns))
    for lam_max in (1e-3, 8.0, 8.9):  # a constant has no frequency but 0
        np.testing.assert_allclose(filter_chebyshev(star, X, heat(1.0), 60, lam_max=lam_max), X)
    X.T[..., 0] += 1.0  # of all signals, the hub
    exact = filter_exact(fourier_basis(star), X, heat(1.0))
    for lam_max in (9.0, 17.0):
        np.testing.assert_allclose(filter_chebyshev(star, X, heat(1.0), 60, lam_max=lam_max), exact, atol=1e-12)
    for lam_max in (1e-300, 1e-3, 8.0, 8.9):
        with pytest.raises(ValueError, match=rf"lam_max={lam_max}: a frequency lies above it.*frequency_bound"):
            filter_chebyshev(star, X, heat(1.0), 60, lam_max=lam_max)


@pytest.mark.parametrize("kind", ["combinatorial", "normalised"])
@pytest.mark.parametrize("order", [1, 2, 9_999])
def test_the_bound_is_never_refused(kind: str, order: int) -> None:
    for graph in (ring_graph(10), as_graph(nx.star_graph(8)), as_graph(nx.complete_graph(7))):
        x = fourier_basis(graph, kind=kind).U[:, -1]  # what is nearest to the bound, or on it
        found = filter_chebyshev(graph, x, heat(0.1), order, kind=kind)
        assert np.linalg.norm(found) <= 1.01


@pytest.mark.parametrize("size", [1e-300, 1e308])
def test_filters_of_tiny_and_huge_signals(size: float) -> None:
    graph = CONNECTED["karate"]
    X = np.column_stack([np.full(34, size), np.arange(34.0)])
    expected = filter_exact(fourier_basis(graph), X / [size, 1], tikhonov(0.1)) * [size, 1]
    for found in (
        filter_chebyshev(graph, X, tikhonov(0.1), 200),
        filter_exact(fourier_basis(graph), X, tikhonov(0.1)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


# ---------------------------------------------------------------------------------------- embedding


def up_to_sign(found: np.ndarray, expected: np.ndarray, atol: float) -> None:
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=atol)


CONNECTED = {
    "sensors": sensor_graph(80, seed=4)[0],
    "path": path_graph(30),
    "mesh": mesh_graph(600, seed=5)[0],
    "karate": as_graph(nx.karate_club_graph()),
}


@pytest.mark.parametrize("name", CONNECTED)
def test_embeddings_are_those_of_scikit_learn(name: str) -> None:
    manifold = pytest.importorskip("sklearn.manifold", reason="needs scikit-learn")
    graph = CONNECTED[name]
    for kind, normalised in (("normalised", True), ("combinatorial", False)):
        expected = manifold.spectral_embedding(
            graph.to_dense(),
            n_components=4,
            eigen_solver="arpack",
            random_state=0,
            norm_laplacian=normalised,
            drop_first=True,
        )
        up_to_sign(spectral_embedding(graph, 4, kind=kind), expected, 1e-7)


@pytest.mark.parametrize("name", CONNECTED)
def test_embeddings_are_eigenvectors_of_the_random_walk_laplacian(name: str) -> None:
    graph = CONNECTED[name]
    d = graph.to_scipy().sum(axis=1)
    L = oracle(graph, "combinatorial")
    _, Y = scipy.linalg.eigh(L, np.diag(d))  # L y = lam D y
    up_to_sign(spectral_embedding(graph, 5), Y[:, 1:6], 1e-7)
    _, U = np.linalg.eigh(L)
    up_to_sign(spectral_embedding(graph, 5, kind="combinatorial"), U[:, 1:6], 1e-7)


@KINDS
@given(graph=undirected(loops=False), data=st.data())
def test_embeddings_are_centred_orthonormal_and_of_least_energy(
    kind: str, graph: Graph, data: st.DataObject
) -> None:
    d = graph.to_scipy().sum(axis=1)
    if graph.n < 2 or (kind == "normalised" and (d == 0).any()):
        return
    k = data.draw(st.integers(1, graph.n - 1))
    Y = spectral_embedding(graph, k, kind=kind)
    mass = d if kind == "normalised" else np.ones(graph.n)
    assert Y.shape == (graph.n, k)
    np.testing.assert_allclose(mass @ Y, 0, atol=1e-12)
    np.testing.assert_allclose(Y.T @ (mass[:, None] * Y), np.eye(k), atol=1e-12)
    lam = np.linalg.eigvalsh(oracle(graph, kind))
    np.testing.assert_allclose(dirichlet_energy(graph, Y), lam[1 : k + 1], atol=1e-11)


@KINDS
def test_components_are_told_apart(kind: str) -> None:
    parts = [path_graph(4), as_graph(nx.complete_graph(5)), ring_graph(7), path_graph(2)]
    graph = joined(*parts)
    component = np.repeat(np.arange(4), [part.n for part in parts])
    Y = spectral_embedding(graph, 5, kind=kind)
    for column in range(3):
        values = [Y[component == part, column] for part in range(4)]
        assert max(np.ptp(value) for value in values) < 1e-14  # constant on each
        mean = np.array([value.mean() for value in values])
        np.testing.assert_allclose(mean[:column], 0, atol=1e-14)
        assert mean[column] * mean[column + 1] < 0  # one side, and all later ones on the other
        np.testing.assert_allclose(mean[column + 1 :], mean[-1], atol=1e-14)
    assert len({tuple(row) for row in Y[:, :3].round(9) + 0.0}) == 4
    lam = fourier_basis(graph, kind=kind).lam
    np.testing.assert_allclose(dirichlet_energy(graph, Y), lam[1:6], atol=1e-12)
    few = spectral_embedding(graph, 2, kind=kind)
    np.testing.assert_allclose(few, Y[:, :2], atol=1e-15)


def test_a_node_without_neighbours_has_no_place_in_eigenmaps() -> None:
    graph = as_graph([("a", "b"), ("b", "c")], nodes=["a", "b", "c", "lone"])
    with pytest.raises(ValueError, match=r"node 'lone' has no neighbour.*combinatorial"):
        spectral_embedding(graph, 1)
    Y = spectral_embedding(graph, 1, kind="combinatorial")
    assert np.ptp(Y[:3]) < 1e-15
    assert Y[0] * Y[3] < 0


# ---------------------------------------------------------------------------------------- PyGSP


@pytest.fixture(scope="module")
def pygsp():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it does that newer NumPy and SciPy deprecate is not ours
        yield pytest.importorskip("pygsp", reason="needs PyGSP")


PEERS = {
    "ring": ring_graph(31),
    "path": path_graph(40),
    "grid": grid_graph(6, 9),
    "sensors": sensor_graph(64, seed=6)[0],
}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.filterwarnings("ignore")
def test_pygsp_finds_the_same_basis_and_the_same_filtered_signals(name: str, pygsp) -> None:
    graph = PEERS[name]
    peer = pygsp.graphs.Graph(graph.to_scipy())
    peer.compute_fourier_basis()
    basis = fourier_basis(graph)
    np.testing.assert_allclose(basis.lam, peer.e, atol=1e-12)
    gap = np.minimum(np.diff(basis.lam, prepend=-1), np.diff(basis.lam, append=99))
    simple = gap > 1e-6
    up_to_sign(basis.U[:, simple], np.asarray(peer.U)[:, simple], 1e-9)

    X = np.random.default_rng(10).standard_normal((graph.n, 3))
    t = 1.5
    theirs = pygsp.filters.Heat(peer, scale=t * peer.lmax)  # its kernel is exp(-scale lam / lmax)
    exact = filter_exact(basis, X, heat(t))
    np.testing.assert_allclose(exact, theirs.filter(X, method="exact"), atol=1e-12)
    for order in (2, 8, 30):
        ours = filter_chebyshev(graph, X, heat(t), order, lam_max=float(peer.lmax))
        np.testing.assert_allclose(ours, theirs.filter(X, method="chebyshev", order=order), atol=1e-12)
    simple_frequencies = transform(basis, X)[simple]
    np.testing.assert_allclose(np.abs(simple_frequencies), np.abs(peer.gft(X)[simple]), atol=1e-9)


# ---------------------------------------------------------------------------------------- bad input


PATH = path_graph(3)
BASIS = fourier_basis(PATH)


@pytest.mark.parametrize(
    "call",
    [
        lambda graph: fourier_basis(graph),
        lambda graph: fourier_basis(graph, 1),
        lambda graph: filter_chebyshev(graph, [0.0, 1.0], heat(1.0)),
        lambda graph: frequency_bound(graph),
        lambda graph: spectral_embedding(graph, 1),
    ],
)
def test_graphs_that_have_no_frequencies(call) -> None:
    with pytest.raises(ValueError, match="to_undirected"):
        call(as_graph([(0, 1)], n=2, directed=True))
    with pytest.raises(ValueError, match=r"\(0, 1\) has weight -2"):
        call(as_graph([(0, 1, -2.0)], n=2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: fourier_basis(PATH, kind="random_walk"),
        lambda: filter_chebyshev(PATH, [0.0, 1.0, 2.0], heat(1.0), kind="random_walk"),
        lambda: frequency_bound(PATH, kind="random_walk"),
        lambda: spectral_embedding(PATH, 1, kind="random_walk"),
        lambda: filter_chebyshev(PATH, [0.0, 1.0, 2.0], heat(1.0), lam_max=9.0, kind="random_walk"),
        lambda: fourier_basis(PATH, kind="symmetric"),
    ],
)
def test_laplacians_that_are_not_symmetric(call) -> None:
    with pytest.raises(ValueError, match="kind='"):
        call()


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: fourier_basis(PATH, 0), "k=0: 1 to 3"),
        (lambda: fourier_basis(PATH, 4), "k=4: 1 to 3"),
        (lambda: spectral_embedding(PATH, 0), "k=0: 1 to 2"),
        (lambda: spectral_embedding(PATH, 3), "k=3: 1 to 2"),
        (lambda: spectral_embedding(path_graph(1), 1), "a graph of 1 nodes has no coordinates"),
        (lambda: filter_chebyshev(PATH, np.ones(3), heat(1.0), -1), "order=-1: at least 0"),
        (lambda: filter_chebyshev(PATH, np.ones(3), heat(1.0), lam_max=0.0), "lam_max=0.0"),
        (lambda: filter_chebyshev(PATH, np.ones(3), heat(1.0), lam_max=math.inf), "lam_max=inf"),
        (lambda: filter_chebyshev(PATH, np.ones(3), heat(1.0), lam_max=math.nan), "lam_max=nan"),
        (lambda: chebyshev_coefficients(heat(1.0), 3, -1.0), "lam_max=-1.0"),
        (
            lambda: filter_exact(fourier_basis(PATH, 2), np.ones(3), heat(1.0)),
            "2 frequencies for 3 nodes.*inverse",
        ),
        (lambda: transform(BASIS, [1.0, 2.0]), r"X of shape \(2,\) for 3 nodes: a row for each"),
        (lambda: inverse(BASIS, [1.0, 2.0]), r"X_hat of shape \(2,\) for 3 eigenvectors"),
        (lambda: transform(BASIS, [1.0, math.nan, 2.0]), "X at node 1 is nan"),
        (lambda: heat(-1.0), "t=-1.0"),
        (lambda: heat(math.nan), "t=nan"),
        (lambda: low_pass(math.inf), "cutoff=inf"),
        (lambda: tikhonov(-0.5), "strength=-0.5"),
    ],
)
def test_numbers_out_of_range(call, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        call()


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: fourier_basis(PATH, 2.0), "k=2.0"),
        (lambda: fourier_basis(PATH, True), "k=True"),
        (lambda: spectral_embedding(PATH, "2"), "k='2'"),
        (lambda: chebyshev_coefficients(heat(1.0), 2.5, 1.0), "order=2.5"),
        (lambda: chebyshev_coefficients(heat(1.0), True, 1.0), "order=True"),
        (lambda: chebyshev_coefficients(heat(1.0), 2, "1"), "lam_max='1'"),
        (lambda: chebyshev_gap(heat(1.0), 2, None), "lam_max=None"),
        (lambda: filter_chebyshev(PATH, np.ones(3), heat(1.0), lam_max="2"), "lam_max='2'"),
        (lambda: transform(np.ones(3), BASIS), "a ndarray for a basis: what fourier_basis"),
        (lambda: inverse(PATH, np.ones(3)), "a Graph for a basis"),
        (lambda: filter_exact(PATH, np.ones(3), heat(1.0)), "a Graph for a basis"),
        (lambda: heat("1"), "t='1'"),
        (lambda: heat(True), "t=True"),
        (lambda: heat(np.ones(2)), "t=array"),
        (lambda: low_pass(1j), "cutoff=1j"),
        (lambda: tikhonov(None), "strength=None"),
    ],
)
def test_what_is_no_number(call, what: str) -> None:
    with pytest.raises(TypeError, match=what):
        call()


FILTERS = [
    lambda X, g: filter_exact(BASIS, X, g),
    lambda X, g: filter_chebyshev(PATH, X, g, 2),
]


@pytest.mark.parametrize("apply", FILTERS)
@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (lambda lam: 1.0, r"gives shape \(\) for frequencies \(3,\).*ones_like"),
        (lambda lam: lam[:-1], r"shape \(2,\)"),
        (lambda lam: lam[:, None], r"shape \(3, 1\)"),
        (lambda lam: lam + 1j, "complex"),
        (lambda lam: np.where(lam == lam.max(), np.nan, 1.0), r"nan at frequency [23]"),
        (lambda lam: lam + math.inf, "inf at frequency"),
        (lambda lam: math.exp(-lam), "array of frequencies.*NumPy"),  # takes a number only
        (lambda lam: 1.0 if lam < 1 else 0.0, "array of frequencies.*NumPy"),
        (lambda lam: [str(value) for value in lam], "real ones"),
        (lambda lam: [[1.0], [1.0, 2.0]], "array of frequencies"),
        (heat, r"heat\(1.0\) is one, heat alone is not"),
    ],
)
def test_responses_that_are_none(apply, response, problem: str) -> None:
    with pytest.raises(ValueError, match=f"the response .*{problem}") as caught:
        apply([0.0, 1.0, 2.0], response)
    assert len(str(caught.value)) < 240


def test_errors_of_a_response_itself_come_through() -> None:
    def broken(lam: np.ndarray) -> np.ndarray:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        filter_exact(BASIS, np.ones(3), broken)


SIGNALS = [
    lambda X: filter_exact(BASIS, X, heat(1.0)),
    lambda X: filter_chebyshev(PATH, X, heat(1.0)),
    lambda X: transform(BASIS, X),
    lambda X: inverse(BASIS, X),
]


@pytest.mark.parametrize("call", SIGNALS)
@pytest.mark.parametrize(
    "X", [[1.0, 2.0], 1.0, np.ones((3, 1, 1)), np.ones((2, 3)), [0.0, np.nan, 1.0], [0, 1, np.inf]]
)
def test_signals_that_do_not_fit(call, X) -> None:
    with pytest.raises(ValueError, match="needed"):
        call(X)


@pytest.mark.parametrize("call", SIGNALS)
def test_signals_by_node_are_told_the_way(call) -> None:
    with pytest.raises(TypeError, match=r"\[X\w*\[node\] for node in graph.nodes\]"):
        call({0: 1.0, 1: 2.0, 2: 3.0})


@pytest.mark.parametrize("call", SIGNALS)
@pytest.mark.parametrize("X", [[1j, 0, 0], ["a", "b", "c"], [None, 1.0, 2.0]])
def test_signals_that_are_no_real_numbers(call, X) -> None:
    with pytest.raises(TypeError, match="real numbers"):
        call(X)


def test_what_is_given_stays_as_it_was() -> None:
    x = np.array([3.0, 1.0, 2.0])
    x.setflags(write=False)
    A = PATH.to_scipy()
    basis = fourier_basis(A)
    lam, U = basis.lam.copy(), basis.U.copy()

    def greedy(frequencies: np.ndarray) -> np.ndarray:
        frequencies += 1.0
        return frequencies

    for answer in (transform(basis, x), inverse(basis, x), filter_exact(basis, x, greedy)):
        answer += 1.0
    filter_chebyshev(A, x, greedy, 0)[:] = 7.0
    filter_chebyshev(A, x, greedy)[:] = 7.0
    assert x.tolist() == [3.0, 1.0, 2.0]
    assert np.array_equal(basis.lam, lam)
    assert np.array_equal(basis.U, U)
    assert np.array_equal(A.toarray(), PATH.to_dense())
    whole = np.array([[1, 2], [3, 4], [5, 6]])
    assert filter_chebyshev(PATH, whole, heat(1.0)).dtype == np.float64
    assert transform(basis, whole.astype(bool)).dtype == np.float64
