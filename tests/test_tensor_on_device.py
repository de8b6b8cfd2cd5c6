"""Tensors, layers and training on arrays that lie on a device: the same code, the same numbers.

Where there is none, a stand-in of it: arrays that NumPy's arithmetic refuses and that mix with none of NumPy's.
"""

from __future__ import annotations

import copy
import pickle
import sys
from functools import partial

import numpy as np
import pytest
from test_device import cupy_or_skip
from test_tensor_functions import Far, _far_module, far  # noqa: F401  (a fixture)

from lessons import layers
from lessons.backpropagation import (
    MLP,
    SGD,
    Adam,
    BatchNorm,
    Conv2d,
    Dropout,
    Linear,
    Sequential,
    Tensor,
    accuracy,
    checkpoint,
    cosine_schedule,
    cross_entropy,
    fit,
    flatten,
    max_pool2d,
    no_grad,
    relu,
    sparse_matmul,
    tape_graph,
)
from lessons.errors import TapeError

RNG = np.random.default_rng(7)
X = RNG.standard_normal((12, 6)).astype(np.float32)
LABELS = RNG.integers(0, 3, 12)
IMAGES = RNG.standard_normal((6, 1, 6, 6)).astype(np.float32)


@pytest.fixture(params=["stand-in", pytest.param("device", marks=pytest.mark.gpu)])
def take(request, monkeypatch):
    """What brings an array to the device."""
    if request.param == "device":
        return cupy_or_skip().asarray
    monkeypatch.setattr(Far, "__array_ufunc__", None)  # CuPy answers np.exp by a detour; here that fails
    monkeypatch.setattr(layers, "array_module", {"gpu": sys.modules["far_away"]}.__getitem__)
    return lambda array: far(np.array(array))


def agree(there, here):
    """An array on the device holds what one here holds, in the same type."""
    assert not isinstance(there, np.ndarray)
    assert there.dtype == here.dtype
    np.testing.assert_allclose(there.get(), here, rtol=2e-4, atol=2e-5)


def test_the_stand_in_mixes_with_nothing(take):
    x = take(np.ones(3))
    for wrong in [
        lambda: np.asarray(x),
        lambda: np.exp(x),
        lambda: np.add(x, x),
        lambda: x + np.ones(3),
        lambda: np.ones(3) * x,
    ]:
        if isinstance(x, Far):
            with pytest.raises(TypeError):
                wrong()
    assert (x + x * 2.0).get().tolist() == [3.0, 3.0, 3.0]


# ---------------------------------------------------------------------------------------- tensors


def expression(x, W, array):
    """A bit of everything that a Tensor can do."""
    y = (array - x @ W.T) * 2.0 / (1.5 + x[:, :1] ** 2) + array
    y = y[1:, [0, 2, 2]] + y.max(0)[:3] - y.mean(1, keepdims=True)[:-1]
    return -(y.reshape(3, -1).T @ y.transpose(1, 0)[:, :3] * y.sum((0, 1), keepdims=True)).min(1)


def test_tensors(take):
    W = RNG.standard_normal((4, 6)).astype(np.float32)
    array = RNG.standard_normal((12, 4)).astype(np.float32)
    here, there = [Tensor(X), Tensor(W)], [Tensor(take(X)), Tensor(take(W))]
    out, far_out = expression(*here, array), expression(*there, take(array))
    assert type(far_out._data) is type(take(X))
    out.backward(np.ones(out.shape))
    far_out.backward(take(np.ones(out.shape)))
    agree(far_out.data, out.data)
    for a, b in zip(there, here, strict=True):
        agree(a.grad, b.grad)


def test_arrays_of_the_device_stand_on_either_side(take):
    x = Tensor(take(X))
    for result in [
        take(X) + x,
        take(X) - x,
        take(X) * x,
        take(X) / (x * x + 1.0),
        take(X.T) @ x,
        2 - x,
        1 / (x * x),
    ]:
        assert type(result) is Tensor
        assert type(result._data) is type(take(X))
        assert result.dtype == np.float32


def test_constants_are_brought_to_the_tensor(take):
    x = Tensor(take(X))
    for constant in [X, X.tolist(), X[0], np.float32(2.0)]:
        result = x * constant
        assert type(result._data) is type(take(X))
        np.testing.assert_allclose(result.data.get(), X * np.asarray(constant), rtol=1e-5)


def test_single_numbers_stay_on_the_device(take):
    x = Tensor(take(X))
    loss = (x * x).sum()
    assert not isinstance(loss._data, np.generic | np.ndarray)
    loss.backward()
    agree(x.grad, 2 * X)
    assert loss.item() == pytest.approx(float((X * X).sum()), rel=1e-5)
    assert repr(Tensor(take([1.0, 2.0])) * 2.0) == "Tensor([2., 4.], mul)"
    assert bool(loss)
    assert tape_graph((x * x).sum()).n == 3


def test_gradients_add_up_and_share_no_memory(take):
    x, y = Tensor(take(X)), Tensor(take(X))
    z = x + y
    seed = take(np.ones_like(X))
    z.backward(seed, retain_graph=True)
    z.backward(seed)
    agree(x.grad, 2 * np.ones_like(X))
    x.grad *= 3.0
    agree(y.grad, 2 * np.ones_like(X))
    agree(seed, np.ones_like(X))


def test_new_values_and_what_is_refused(take):
    x = Tensor(take(X))
    y = (x * x).sum()
    x.data = np.zeros_like(X)  # brought to where the tensor lies
    assert type(x._data) is type(take(X))
    with pytest.raises(TapeError, match="given new values"):
        y.backward()
    with pytest.raises(ValueError, match="for a tensor of shape"):
        x.data = take(np.ones(3))
    with pytest.raises(ValueError, match=r"matmul: shapes \(12, 6\) and \(12, 6\) do not fit"):
        x @ x
    with pytest.raises(ValueError, match="which is no single number"):
        (x * x).backward()
    with pytest.raises(ValueError, match=r"a gradient of shape \(3,\) for a result of shape \(12, 6\)"):
        (x * x).backward(take(np.ones(3)))


def test_whole_numbers_take_the_type_of_the_tensor(take):
    x = Tensor(take(X))
    assert (x * take(np.arange(6))).dtype == np.float32
    assert (x * take(np.ones(6))).dtype == np.float64
    assert Tensor(take(np.arange(3))).dtype == np.float64


# ---------------------------------------------------------------------------------------- networks


def mlp():
    return MLP([6, 5, 3], seed=0)


def cnn():
    return Sequential(
        Conv2d(1, 4, 3, padding=1, seed=0),
        BatchNorm(4),
        relu,
        partial(max_pool2d, size=2),
        flatten,
        Dropout(0.25, seed=1),
        Linear(36, 3, seed=2),
    )


@pytest.mark.parametrize(
    "make_optimiser", [lambda p: SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01), Adam]
)
@pytest.mark.parametrize(("make_model", "inputs"), [(mlp, X), (cnn, IMAGES)])
def test_steps_of_training(take, make_model, inputs, make_optimiser):
    here, there = make_model(), make_model().to("gpu")
    optimisers = [make_optimiser(model.parameters()) for model in (here, there)]
    for _ in range(3):
        for model, optimiser, place in zip((here, there), optimisers, (np.asarray, take), strict=True):
            optimiser.zero_grad()
            cross_entropy(model(place(inputs)), place(LABELS[: len(inputs)])).backward()
            optimiser.step()
    for a, b in zip(there.parameters(), here.parameters(), strict=True):
        agree(a._data, b.data)
        agree(a.grad, b.grad)
    with no_grad():
        agree(there.eval()(take(inputs))._data, here.eval()(inputs).data)


def test_a_whole_run_of_training(take):
    losses = []
    for model, place in [(mlp(), np.asarray), (mlp().to("gpu"), take)]:
        schedule = partial(cosine_schedule, highest=0.1)
        optimiser = SGD(model.parameters(), 0.1)
        found = fit(
            model, place(X), place(LABELS), epochs=3, optimiser=optimiser, batch=5, schedule=schedule, seed=0
        )
        losses.append([*found, accuracy(model, place(X), place(LABELS))])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_checkpoints(take):
    here, there = cnn(), cnn().to("gpu")
    (here(IMAGES) ** 2).sum().backward()
    (checkpoint(there, take(IMAGES)) ** 2).sum().backward()
    for a, b in zip(there.parameters(), here.parameters(), strict=True):
        agree(a.grad, b.grad)
    agree(there[1].running_mean, here[1].running_mean)


def test_a_checkpoint_that_draws_is_refused(take):
    x = Tensor(take(X))
    with pytest.raises(TapeError, match="computed something else the second time"):
        checkpoint(lambda x: x * take(RNG.standard_normal(6)), x).sum().backward()


def test_weights_are_copied(take):
    x = Tensor(take(X), name="x")
    again = copy.deepcopy(x)
    again.data = np.zeros_like(X)
    agree(x._data, X)
    assert again.name == "x"
    if not isinstance(x._data, Far):
        agree(pickle.loads(pickle.dumps(x))._data, X)


@pytest.mark.gpu
def test_sparse_matrices_of_the_device():
    cupy = cupy_or_skip()
    from cupyx.scipy.sparse import csr_matrix

    A = np.triu(np.ones((4, 12), np.float32))
    x = Tensor(cupy.asarray(X))
    y = sparse_matmul(csr_matrix(cupy.asarray(A)), x)
    y.sum().backward()
    agree(y.data, A @ X)
    agree(x.grad, A.T @ np.ones((4, 6), np.float32))
