"""`device="gpu"`: the same answers as `device="cpu"` from CuPy's arrays, or an error that says why not.

Each test runs on a device where there is one; and everywhere with a stand-in for CuPy and cupyx, whose arrays
mix with none of NumPy's, so that what is left behind on the wrong side shows.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, csr_matrix
from strategies import graphs
from test_device import cupy_or_skip
from test_tensor_functions import Far, _far_module, far, near  # noqa: F401  (a fixture)

from lessons import as_graph
from lessons._device import cpu_only
from lessons.biased_walks import random_walks
from lessons.errors import ConvergenceError
from lessons.graph_layers import GCN, ChebConv, GCNConv, GraphNetwork
from lessons.graph_measures import batch_measures
from lessons.graph_signals import filter_chebyshev, heat
from lessons.laplacian_regularization import smooth
from lessons.relational_training import Network, NetworkBatch, Recipe
from lessons.skip_gram import skip_gram
from lessons.training import SGD
from lessons.walks import pagerank

RNG = np.random.default_rng(7)
WEIGHTS = st.integers(0, 12).map(lambda k: k / 4)
PATH = as_graph([(0, 1), (1, 2), (2, 3)], n=5)


class FarMatrix:
    """Stands in for a csr_matrix of cupyx: made of far arrays, multiplies far arrays, and nothing else."""

    def __init__(self, parts: Any, shape: tuple[int, int] | None = None) -> None:
        if not isinstance(parts, csr_array | csr_matrix):
            assert all(isinstance(part, Far) for part in parts), "a matrix of arrays that lie here"
            parts = csr_array(tuple(part.held for part in parts), shape=shape)
        self.held = parts
        self.shape, self.dtype = parts.shape, parts.dtype

    def __matmul__(self, other: Any) -> Far:
        assert isinstance(other, Far), "an array here times a matrix far away"
        return far(self.held @ other.held)

    @property
    def T(self) -> FarMatrix:
        return FarMatrix(csr_array(self.held.T))

    @property
    def data(self) -> Far:
        return far(self.held.data)

    @data.setter
    def data(self, values: Far) -> None:
        self.held = csr_array((near(values), self.held.indices, self.held.indptr), shape=self.shape)

    def diagonal(self) -> Far:
        return far(self.held.diagonal())

    def tocsr(self) -> FarMatrix:
        return self

    def astype(self, dtype: Any) -> FarMatrix:
        return FarMatrix(self.held.astype(dtype))


@pytest.fixture(params=["stand-in", pytest.param("device", marks=pytest.mark.gpu)])
def gpu(request, monkeypatch):
    """`device="gpu"` leads to a device, or to the stand-in."""
    if request.param == "device":
        cupy_or_skip()
        return
    monkeypatch.setattr(Far, "__array_ufunc__", None)  # CuPy answers np.exp by a detour; here that fails
    monkeypatch.setattr(FarMatrix, "__module__", "far_away")
    module = sys.modules["far_away"]
    runtime = types.SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=OSError)
    monkeypatch.setattr(module, "cuda", types.SimpleNamespace(runtime=runtime), raising=False)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setitem(sys.modules, "cupyx.scipy.sparse", types.SimpleNamespace(csr_matrix=FarMatrix))


# Hypothesis would have a fixture made anew for each example; this one is the same for all of them.
several = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def signals(n: int, columns: int) -> np.ndarray:
    return RNG.standard_normal(n if columns == 0 else (n, columns))


# ---------------------------------------------------------------------------------------- the same answers


@several
@given(graphs(directed=False, weight=WEIGHTS), st.integers(0, 3), st.sampled_from(["combinatorial", "normalised"]))
def test_filters(gpu, graph, columns, kind):
    X = signals(graph.n, columns)
    here = filter_chebyshev(graph, X, heat(1.0), 8, kind=kind)
    there = filter_chebyshev(graph, X, heat(1.0), 8, kind=kind, device="gpu")
    assert type(there) is np.ndarray
    np.testing.assert_allclose(there, here, rtol=1e-10, atol=1e-12)


@several
@given(
    graphs(directed=False, weight=WEIGHTS),
    st.integers(0, 3),
    st.sampled_from(["combinatorial", "normalised", "random_walk"]),
)
def test_smoothing(gpu, graph, columns, kind):
    B = signals(graph.n, columns)
    here = smooth(graph, B, 2.0, kind=kind)
    there = smooth(graph, B, 2.0, kind=kind, device="gpu")
    assert type(there.X) is np.ndarray
    assert there.X.shape == B.shape
    assert there.residual <= 1e-8
    np.testing.assert_allclose(there.X, here.X, rtol=1e-6, atol=1e-6)


def test_smoothing_that_does_not_converge_says_so(gpu):
    mesh = as_graph([(k, k + 1) for k in range(99)], n=100)
    with pytest.raises(ConvergenceError):
        smooth(mesh, signals(100, 2), 1e4, iterations=3, device="gpu")


@several
@given(graphs(weight=WEIGHTS), st.sampled_from([0.0, 0.5, 0.85]))
def test_pagerank(gpu, graph, damping):
    here = pagerank(graph, damping=damping)
    there = pagerank(graph, damping=damping, device="gpu")
    assert type(there) is np.ndarray
    np.testing.assert_allclose(there, here, rtol=0, atol=2e-10)


@pytest.mark.parametrize("sparse", [False, True])
def test_graph_networks_predict_and_learn_the_same(gpu, sparse):
    X = RNG.standard_normal((5, 4)).astype(np.float32)
    X = csr_array(X * (X > 0)) if sparse else X
    found = []
    for device in ("cpu", "gpu"):
        convs = [GCNConv(4, 6, seed=1), ChebConv(6, 3, order=2, seed=2)]
        model = GraphNetwork(convs, dropout=0.0, seed=0).to(device)
        optimiser = SGD(model.parameters(), rate=0.1)
        for _ in range(3):
            loss = (model(PATH, X) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        model.to("cpu")
        found.append([tensor.data for tensor in model.parameters()])
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)


def test_a_matrix_is_brought_there_once(gpu):
    model = GCN([4, 2], seed=0).to("gpu")
    graph = as_graph([(0, 1)], n=3)
    X = np.ones((3, 4), np.float32)
    model(graph, X)
    kept = dict(graph._cache)
    model(graph, X)
    assert any("on a device" in name for name in kept)
    assert all(graph._cache[name] is value for name, value in kept.items())


def test_networks_that_look_at_some_nodes_only(gpu):
    X = RNG.standard_normal((5, 4)).astype(np.float32)
    mask = np.array([True, False, False, True, False])
    model = GraphNetwork([ChebConv(4, 6, order=2, seed=1), GCNConv(6, 3, seed=2)], dropout=0.0, seed=0)
    here = model.focus(PATH, X, mask)().data
    there = model.to("gpu").focus(PATH, X, mask)().data.get()
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------------------------------- what is not offered


@pytest.mark.parametrize(
    "call",
    [
        lambda device: batch_measures([PATH], device=device),
        lambda device: random_walks(PATH, 3, device=device),
        lambda device: skip_gram([[0, 1, 0]], 2, window=1, device=device),
        lambda device: NetworkBatch([Network(PATH, 8, key=1)], Recipe(n_in=2, n_out=2, stem=8), device=device),
        lambda device: cpu_only(device, "it"),
    ],
)
@pytest.mark.parametrize("device", ["gpu", "cuda"])
def test_what_has_no_kernel_that_ever_ran_says_so(call, device):
    with pytest.raises(ValueError, match=rf"device='{device}': \"cpu\"; .* has never run on a GPU"):
        call(device)


@pytest.mark.parametrize(
    "call",
    [
        lambda device: filter_chebyshev(PATH, np.ones(5), heat(1.0), device=device),
        lambda device: smooth(PATH, np.ones(5), 1.0, device=device),
        lambda device: pagerank(PATH, device=device),
        lambda device: GCN([4, 2], seed=0).to(device),
    ],
)
def test_what_needs_cupy_names_the_extra(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match=r"graph-lessons\[gpu\]"):
        call("gpu")
    with pytest.raises(ValueError, match="device='cuda'"):
        call("cuda")
