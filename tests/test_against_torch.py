"""The same values and gradients as PyTorch, operation by operation, and as JAX for whole networks; skipped where
they are not installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from test_tensor_functions import EXAMPLES, Example, examples, operation, weights_of

from lessons import Graph, as_graph
from lessons.graph_layers import GCN, ChebNet, GraphNetwork
from lessons.tensor import Tensor
from lessons.tensor_functions import (
    batch_norm,
    batch_statistics,
    conv2d,
    cross_entropy,
    linear,
    max_pool2d,
    relu,
    tanh,
)

OURS_ALONE = {"dropout"}  # whose mask no other library draws


def torch_or_skip() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is not installed")


def counterparts(torch: Any) -> dict[str, Callable[..., Any]]:
    """What PyTorch calls our operations; each takes tensors of its own and our options."""
    F = torch.nn.functional
    found = {
        "Tensor.T": lambda x: x.permute(tuple(reversed(range(x.ndim)))),
        "Tensor.__getitem__": lambda x, key: x[key_for(torch, key)],
        "Tensor.__iter__": lambda x: torch.stack(list(x)),
        "Tensor.__pow__": lambda x, exponent: x**exponent,
        "Tensor.__radd__": lambda x, other: constant(torch, other, x) + x,
        "Tensor.__rmatmul__": lambda x, other: constant(torch, other, x) @ x,
        "Tensor.__rmul__": lambda x, other: constant(torch, other, x) * x,
        "Tensor.__rpow__": lambda x, base: float(base) ** x,
        "Tensor.__rsub__": lambda x, other: constant(torch, other, x) - x,
        "Tensor.__rtruediv__": lambda x, other: constant(torch, other, x) / x,
        "Tensor.max": lambda x, axis, keepdims: torch.amax(x, axes_of(x, axis), keepdims),
        "Tensor.mean": lambda x, axis, keepdims: torch.mean(x, axes_of(x, axis), keepdims),
        "Tensor.min": lambda x, axis, keepdims: torch.amin(x, axes_of(x, axis), keepdims),
        "Tensor.reshape": lambda x, shape: x.reshape(shape),
        "Tensor.sum": lambda x, axis, keepdims: torch.sum(x, axes_of(x, axis), keepdims),
        "Tensor.transpose": lambda x, axes: x.permute(axes),
        "absolute": torch.abs,
        "avg_pool2d": lambda x, size, stride=None, padding=0: F.avg_pool2d(x, size, stride, padding),
        "batch_norm": lambda *xs, epsilon: batch_norm_of(F, *xs, epsilon),
        "concatenate": lambda *xs, axis: torch.cat(xs, axis),
        "conv2d": lambda x, W, b=None, stride=1, padding=0: F.conv2d(x, W, b, stride, padding),
        "cross_entropy": lambda x, labels: F.cross_entropy(x, torch.tensor(labels.astype(np.int64))),
        "linear": F.linear,
        "log_softmax": lambda x, axis: x - torch.logsumexp(x, axes_of(x, axis), True),
        "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, axes_of(x, axis), keepdims),
        "max_pool2d": lambda x, size, stride=None, padding=0: F.max_pool2d(x, size, stride, padding),
        "mse": F.mse_loss,
        "softmax": lambda x, axis: torch.exp(x - torch.logsumexp(x, axes_of(x, axis), True)),
        "sparse_matmul": lambda x, A: constant(torch, A.toarray(), x) @ x,
        "stack": lambda *xs, axis: torch.stack(xs, axis),
        "where": lambda a, b, condition: torch.where(torch.tensor(condition), a, b),
    }
    for name in ("__abs__", "__add__", "__matmul__", "__mul__", "__neg__", "__sub__", "__truediv__"):
        found[f"Tensor.{name}"] = getattr(torch.Tensor, name)
    for name in ("exp", "log", "maximum", "minimum", "relu", "sigmoid", "sqrt", "tanh"):
        found[name] = getattr(torch, name)
    return found


def batch_norm_of(F: Any, x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    assume(len(gamma))  # PyTorch refuses to normalise no channels
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=epsilon)


def constant(torch: Any, array: np.ndarray, like: Any) -> Any:
    return torch.tensor(array, dtype=like.dtype)


def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return axis if isinstance(axis, tuple) else (axis,)


def key_for(torch: Any, key: Any) -> Any:
    parts = key if isinstance(key, tuple) else (key,)
    assume(not any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts))  # PyTorch has none
    return tuple(torch.tensor(part) if isinstance(part, np.ndarray) else part for part in parts)


def test_every_operation_has_its_counterpart():
    assert set(counterparts(torch_or_skip())) == set(EXAMPLES) - OURS_ALONE


@pytest.mark.parametrize(("dtype", "near"), [(np.float64, 1e-11), (np.float32, 1e-4)])
@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - OURS_ALONE))
@settings(max_examples=20)
@given(data=st.data())
def test_the_same_as_torch(name, dtype, near, data):
    torch = torch_or_skip()
    example = data.draw(examples(name))
    leaves = [torch.tensor(array.astype(dtype), requires_grad=True) for array in example.arrays]
    theirs = counterparts(torch)[name](*leaves, **example.options)
    ours = [Tensor(array.astype(dtype)) for array in example.arrays]
    options = {key: value.astype(dtype) if key == "other" else value for key, value in example.options.items()}
    out = operation(name)(*ours, **options)
    out.backward(weights_of(out))
    theirs.backward(torch.tensor(weights_of(out), dtype=theirs.dtype))
    np.testing.assert_allclose(out.data, theirs.detach().numpy(), rtol=near, atol=near)
    for tensor, leaf in zip(ours, leaves, strict=True):
        np.testing.assert_allclose(tensor.grad, leaf.grad.numpy(), rtol=near, atol=near)


def test_ties_are_broken_as_torch_breaks_them():
    torch = torch_or_skip()
    x = np.random.default_rng(0).integers(0, 2, (2, 3, 6, 6)).astype(float)
    for options in ({}, {"stride": 1}, {"padding": 1}, {"stride": (2, 1), "padding": (0, 1)}):
        same(torch, "max_pool2d", Example([x], {"size": 3} | options))
    y = np.random.default_rng(1).integers(0, 2, (2, 1, 6, 6)).astype(float)
    for name in ("maximum", "minimum", "relu", "absolute"):
        same(torch, name, Example([x, y] if name in ("maximum", "minimum") else [x], {}))
    for name in ("Tensor.max", "Tensor.min"):
        same(torch, name, Example([x], {"axis": (1, 3), "keepdims": False}))


def same(torch: Any, name: str, example: Example) -> None:
    leaves = [torch.tensor(array, requires_grad=True) for array in example.arrays]
    ours = [Tensor(array) for array in example.arrays]
    counterparts(torch)[name](*leaves, **example.options).sum().backward()
    operation(name)(*ours, **example.options).sum().backward()
    for tensor, leaf in zip(ours, leaves, strict=True):
        np.testing.assert_array_equal(tensor.grad, leaf.grad.numpy())


def test_running_statistics_take_what_torch_takes():
    torch = torch_or_skip()
    x = np.random.default_rng(0).standard_normal((5, 3, 4, 2))
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    torch.nn.functional.batch_norm(torch.tensor(x), mean, variance, training=True, momentum=1.0)
    for ours, theirs in zip(batch_statistics(x), (mean, variance), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)


# ---------------------------------------------------------------------------------------- whole networks


def parameters(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal(shape) / math.sqrt(max(math.prod(shape[1:]), 1)) for shape in shapes]


MLP = parameters((16, 6), (16,), (8, 16), (8,), (4, 8), (4,))
CNN = parameters((3, 2, 3, 3), (3,), (3,), (3,), (4, 3, 2, 2), (4,), (5, 16), (5,))
IMAGES = np.random.default_rng(4).standard_normal((7, 2, 8, 8))
ROWS = np.random.default_rng(5).standard_normal((9, 6))
LABELS = np.array([0, 3, 2, 1, 0, 2, 3])


def our_mlp(*p: Tensor) -> Tensor:
    hidden = tanh(linear(relu(linear(ROWS[:7], p[0], p[1])), p[2], p[3]))
    return cross_entropy(linear(hidden, p[4], p[5]), LABELS)


def our_cnn(*p: Tensor) -> Tensor:
    hidden = relu(batch_norm(conv2d(IMAGES, p[0], p[1], padding=1), p[2], p[3]))
    hidden = relu(conv2d(max_pool2d(hidden, 2), p[4], p[5], stride=2))
    return cross_entropy(linear(hidden.reshape(7, 16), p[6], p[7]), LABELS)


def our_gradients(network: Callable[..., Tensor], arrays: list[np.ndarray]) -> list[np.ndarray]:
    leaves = [Tensor(array) for array in arrays]
    loss = network(*leaves)
    loss.backward()
    return [loss.data, *(leaf.grad for leaf in leaves)]


def torch_cnn(torch: Any, p: list[Any]) -> Any:
    F = torch.nn.functional
    hidden = F.conv2d(torch.tensor(IMAGES), p[0], p[1], padding=1)
    hidden = F.max_pool2d(F.relu(F.batch_norm(hidden, None, None, p[2], p[3], training=True)), 2)
    hidden = F.relu(F.conv2d(hidden, p[4], p[5], stride=2))
    return F.cross_entropy(F.linear(hidden.reshape(7, 16), p[6], p[7]), torch.tensor(LABELS))


def torch_mlp(torch: Any, p: list[Any]) -> Any:
    F = torch.nn.functional
    hidden = torch.tanh(F.linear(F.relu(F.linear(torch.tensor(ROWS[:7]), p[0], p[1])), p[2], p[3]))
    return F.cross_entropy(F.linear(hidden, p[4], p[5]), torch.tensor(LABELS))


@pytest.mark.parametrize(
    ("ours", "theirs", "arrays"), [(our_mlp, torch_mlp, MLP), (our_cnn, torch_cnn, CNN)], ids=["MLP", "CNN"]
)
def test_a_network_has_the_gradients_of_torch(ours, theirs, arrays):
    torch = torch_or_skip()
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    loss = theirs(torch, leaves)
    loss.backward()
    expected = [loss.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]
    for found, right in zip(our_gradients(ours, arrays), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------------------------------- networks on graphs

DIGRAPH = as_graph(np.random.default_rng(6).integers(0, 20, (60, 2)), n=22, directed=True)  # two nodes stand alone
GRAPH = as_graph([(u, v, 0.5 + u % 3) for u, v in DIGRAPH.edges()], n=22)
FEATURES = np.random.default_rng(7).random((22, 6)) * (np.random.default_rng(8).random((22, 6)) < 0.5)
CLASSES = np.arange(22) % 4


def torch_gcn(torch: Any, graph: Graph, rule: str, p: list[Any]) -> Any:
    """What a graph network gives by PyTorch's sparse product, S made of dense arrays from its formula."""
    A, own = graph.to_dense(), np.eye(graph.n)
    A = A + own if rule == "renormalised" else A
    arriving, leaving = A.sum(axis=0), A.sum(axis=1)
    S = A.T / np.sqrt(np.outer(np.where(arriving, arriving, 1), np.where(leaving, leaving, 1)))
    S = torch.tensor(S + own if rule == "single" else S).to_sparse()
    hidden = torch.relu(torch.sparse.mm(S, p[0] @ p[1].T) + p[2])
    return torch.sparse.mm(S, hidden @ p[3].T) + p[4]


def torch_chebnet(torch: Any, graph: Graph, p: list[Any]) -> Any:
    """The same by Chebyshev's recurrence on the features, not on what the weights made of them."""
    A = graph.to_dense()
    d = A.sum(axis=1)
    D = np.where(d > 0, 1 / np.sqrt(np.where(d > 0, d, 1)), 0)
    M = torch.tensor(np.diag(np.where(d > 0, 1.0, 0.0)) - D[:, None] * A * D - np.eye(graph.n)).to_sparse()

    def layer(X: Any, W: Any, b: Any) -> Any:
        T = [X, torch.sparse.mm(M, X)]
        while len(T) < len(W):
            T.append(2 * torch.sparse.mm(M, T[-1]) - T[-2])
        return sum(t @ w.T for t, w in zip(T, W, strict=False)) + b

    return layer(torch.relu(layer(p[0], p[1], p[2])), p[3], p[4])


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("graph", [DIGRAPH, GRAPH], ids=["directed", "weighted"])
@pytest.mark.parametrize("rule", ["renormalised", "single", "neighbours"])
def test_a_graph_convolutional_network_is_that_of_torch(rule, graph, form):
    torch = torch_or_skip()
    model = GCN([6, 8, 4], rule=rule, dropout=0.0, seed=0, dtype=np.float64)
    held_to_torch(torch, model, graph, form, lambda p: torch_gcn(torch, graph, rule, p))


@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_a_chebyshev_network_is_that_of_torch(order, form):
    torch = torch_or_skip()
    model = ChebNet([6, 8, 4], order, dropout=0.0, seed=0, dtype=np.float64)
    held_to_torch(torch, model, GRAPH, form, lambda p: torch_chebnet(torch, GRAPH, p))


def held_to_torch(torch: Any, model: GraphNetwork, graph: Graph, form: Any, theirs: Callable[[Any], Any]) -> None:
    """Scores, loss and all gradients; of dense features those of the features, too."""
    for k, tensor in enumerate(model.parameters()):
        tensor.data = tensor.data + 0.1 * np.cos(np.arange(tensor.size) + k).reshape(
            tensor.shape
        )  # biases as well
    X = form(FEATURES)
    ours = [*([Tensor(X)] if form is np.asarray else []), *model.parameters()]
    scores = model(graph, ours[0] if form is np.asarray else X)
    cross_entropy(scores, CLASSES).backward()
    leaves = [torch.tensor(array.copy(), requires_grad=True) for array in (FEATURES, *model.state().values())]
    out = theirs(leaves)
    torch.nn.functional.cross_entropy(out, torch.tensor(CLASSES)).backward()
    np.testing.assert_allclose(scores.data, out.detach().numpy(), rtol=1e-10, atol=1e-12)
    for tensor, leaf in zip(ours, leaves[-len(ours) :], strict=True):
        np.testing.assert_allclose(tensor.grad, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------------------------------- JAX


@pytest.fixture
def jax() -> Iterator[Any]:
    """JAX in float64."""
    module = pytest.importorskip("jax", reason="JAX is not installed")
    before = module.config.jax_enable_x64
    module.config.update("jax_enable_x64", True)
    yield module
    module.config.update("jax_enable_x64", before)


def surprise(jax: Any, logits: Any) -> Any:
    return -jax.nn.log_softmax(logits)[np.arange(7), LABELS].mean()


def jax_mlp(jax: Any, p: list[Any]) -> Any:
    hidden = jax.numpy.tanh(jax.nn.relu(ROWS[:7] @ p[0].T + p[1]) @ p[2].T + p[3])
    return surprise(jax, hidden @ p[4].T + p[5])


def jax_cnn(jax: Any, p: list[Any]) -> Any:
    xp, slide, pick = jax.numpy, jax.lax.conv_general_dilated, jax.lax.reduce_window
    hidden = slide(IMAGES, p[0], (1, 1), [(1, 1), (1, 1)]) + p[1].reshape(-1, 1, 1)
    mean, variance = hidden.mean((0, 2, 3), keepdims=True), hidden.var((0, 2, 3), keepdims=True)
    hidden = (hidden - mean) / xp.sqrt(variance + 1e-5) * p[2].reshape(-1, 1, 1) + p[3].reshape(-1, 1, 1)
    hidden = pick(jax.nn.relu(hidden), -xp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    hidden = jax.nn.relu(slide(hidden, p[4], (2, 2), "VALID") + p[5].reshape(-1, 1, 1))
    return surprise(jax, hidden.reshape(7, 16) @ p[6].T + p[7])


@pytest.mark.parametrize(
    ("ours", "theirs", "arrays"), [(our_mlp, jax_mlp, MLP), (our_cnn, jax_cnn, CNN)], ids=["MLP", "CNN"]
)
def test_a_network_has_the_gradients_of_jax(jax, ours, theirs, arrays):
    loss, gradients = jax.value_and_grad(lambda p: theirs(jax, p))([jax.numpy.asarray(array) for array in arrays])
    for found, right in zip(our_gradients(ours, arrays), [loss, *gradients], strict=True):
        np.testing.assert_allclose(found, np.asarray(right), rtol=1e-10, atol=1e-12)
