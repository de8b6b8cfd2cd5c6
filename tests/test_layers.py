"""Layers: what they start with, what they compute, where their state goes; against formulas and, where it is
installed, PyTorch."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st

from lessons import _rng, layers
from lessons.backpropagation import gradcheck
from lessons.layers import MLP, BatchNorm, Conv2d, Dropout, Layer, Linear, Sequential, flatten
from lessons.recomputation import checkpoint
from lessons.tensor import Tensor, no_grad
from lessons.tensor_functions import batch_norm, conv2d, dropout, linear, max_pool2d, relu, tanh


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def small_cnn(seed: int) -> Sequential:
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(1, 3, 3, padding=1, seed=rng),
        BatchNorm(3),
        relu,
        partial(max_pool2d, size=2),
        flatten,
        Dropout(0.5, seed=rng),
        Linear(12, 4, seed=rng),
    )


# ---------------------------------------------------------------------------------------- how they start


def test_a_seed_gives_these_weights_on_every_machine():
    """Worked out from the streams of `_rng`, which tests of their own hold to published values."""
    W = Linear(3, 2, seed=7, dtype=np.float64).W.data
    key = _rng.key_of(7)
    for row in range(2):
        draws = [_rng.uniform(_rng.start(key, row), column) for column in range(3)]
        assert W[row].tolist() == [(2.0 * draw - 1.0) * np.sqrt(6.0 / 3.0) for draw in draws]
    assert Linear(3, 2, seed=7).W.data.tolist() == W.astype(np.float32).tolist()


@pytest.mark.parametrize(
    ("layer", "n_in"),
    [(Linear(50, 400, seed=0), 50), (Conv2d(5, 200, (4, 3), seed=1), 60), (MLP([9, 40, 300], seed=2)[2], 40)],
)
def test_weights_start_with_the_variance_of_he(layer, n_in):
    W = layer.W.data.ravel()
    assert abs(W).max() <= np.sqrt(6 / n_in)
    assert abs(W).max() > 0.99 * np.sqrt(6 / n_in)
    assert W.var() == pytest.approx(2 / n_in, rel=0.03)
    assert W.mean() == pytest.approx(0, abs=4 * np.sqrt(2 / n_in / W.size))
    assert not layer.b.data.any()


def test_signals_keep_their_size_through_layers_of_relu():
    x = normal(200, 256)
    model = MLP([256] * 9, seed=0, dtype=np.float64)
    with no_grad():
        size = (model(x).data ** 2).mean()
    assert 1 < size < 4  # twice that of x after the last layer, which no relu follows


def test_each_layer_of_an_mlp_draws_from_a_stream_of_its_own():
    model = MLP([6, 6, 6, 6], seed=3)
    weights = [model[k].W.data for k in (0, 2, 4)]
    assert len(np.unique(np.concatenate(weights))) == 3 * 36
    again, other = MLP([6, 6, 6, 6], seed=3), MLP([6, 6, 6, 6], seed=4)
    assert all(np.array_equal(a.data, b.data) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not np.array_equal(weights[0], other[0].W.data)
    deeper = MLP([6, 6, 6, 6, 2], seed=3)
    assert np.array_equal(weights[1], deeper[2].W.data)


def test_a_generator_gives_each_layer_its_next_draw():
    rng = np.random.default_rng(5)
    first, second = Linear(3, 3, seed=rng), Linear(3, 3, seed=rng)
    again = Linear(3, 3, seed=np.random.default_rng(5))
    assert np.array_equal(first.W.data, again.W.data)
    assert not np.array_equal(first.W.data, second.W.data)
    assert not np.array_equal(Linear(3, 3, seed=None).W.data, Linear(3, 3, seed=None).W.data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float64"])
def test_all_that_a_layer_holds_has_its_type(dtype):
    made = [
        Linear(2, 3, seed=0, dtype=dtype),
        Conv2d(2, 3, 2, seed=0, dtype=dtype),
        BatchNorm(3, dtype=dtype),
        MLP([2, 3], seed=0, dtype=dtype),
    ]
    assert {tensor.dtype for layer in made for tensor in layer.parameters()} == {np.dtype(dtype)}
    norm = made[2]
    norm(normal(4, 3))
    assert norm.running_mean.dtype == norm.running_variance.dtype == dtype


def test_float32_is_the_type_unless_told_and_stays():
    model = small_cnn(0)
    out = model(normal(5, 1, 4, 4).astype(np.float32))
    assert out.dtype == np.float32
    out.sum().backward()
    assert {tensor.grad.dtype for tensor in model.parameters()} == {np.dtype(np.float32)}
    assert model.eval()(normal(5, 1, 4, 4).astype(np.float32)).dtype == np.float32


# ---------------------------------------------------------------------------------------- what they compute


def test_an_mlp_is_products_with_an_activation_between():
    x, model = normal(5, 4), MLP([4, 3, 2], activation=tanh, seed=1, dtype=np.float64)
    W1, b1, W2, b2 = (tensor.data for tensor in model.parameters())
    assert [a.shape for a in (W1, b1, W2, b2)] == [(3, 4), (3,), (2, 3), (2,)]
    assert np.allclose(model(x).data, np.tanh(x @ W1.T + b1) @ W2.T + b2, rtol=1e-14)
    assert [tensor.name for tensor in model.parameters()] == ["W1", "b1", "W2", "b2"]


def test_linear_and_conv2d_are_their_functions():
    x, images = normal(5, 4), normal(2, 3, 6, 5)
    layer = Linear(4, 2, seed=0, dtype=np.float64)
    layer.b.data = [1.0, 2.0]
    assert np.array_equal(layer(x).data, linear(x, layer.W, layer.b).data)
    bare = Linear(4, 2, bias=False, seed=0, dtype=np.float64)
    assert bare.b is None
    assert np.array_equal(bare(x).data, linear(x, layer.W).data)
    conv = Conv2d(3, 2, (3, 2), stride=(2, 1), padding=1, seed=0, dtype=np.float64)
    conv.b.data = [1.0, 2.0]
    expected = conv2d(images, conv.W, conv.b, stride=(2, 1), padding=1)
    assert conv.W.shape == (2, 3, 3, 2)
    assert np.array_equal(conv(images).data, expected.data)
    assert len(Conv2d(3, 2, 1, bias=False, seed=0).parameters()) == 1


@pytest.mark.parametrize("training", [True, False])
def test_gradients_reach_every_parameter(training):
    """Those of all layers at once, by central differences on one parameter after the other."""
    images = normal(4, 1, 4, 4)
    rng = np.random.default_rng(0)
    model = Sequential(
        Conv2d(1, 2, 3, padding=1, seed=rng, dtype=np.float64),
        BatchNorm(2, dtype=np.float64),
        tanh,
        flatten,
        Linear(32, 3, seed=rng, dtype=np.float64),
    )
    model(images)
    model.train() if training else model.eval()
    parameters = model.parameters()

    def out(*values: Tensor) -> Tensor:
        _place(model, values)
        return model(images)

    check = gradcheck(out, *(tensor.data for tensor in parameters))
    assert check.ok, check


def _place(model: Sequential, values: tuple[Tensor, ...]) -> None:
    """Put other tensors where the parameters are."""
    conv, norm, _, _, last = model.steps
    conv.W, conv.b, norm.gamma, norm.beta, last.W, last.b = values


def test_flatten_keeps_the_rows():
    assert flatten(Tensor(normal(3, 2, 2))).shape == (3, 4)
    assert flatten(Tensor(normal(0, 2, 2))).shape == (0, 4)
    assert flatten(normal(3)).shape == (3, 1)


# ---------------------------------------------------------------------------------------- their parts


class Tied(Layer):
    """Tensors and layers in all the places where they are looked for, and some twice."""

    def __init__(self) -> None:
        self.first = Linear(2, 2, seed=0)
        self.rest = [Linear(2, 2, seed=1), (Tensor(1.0), self.first)]
        self.alias = self.first.W
        self.frozen = Tensor(2.0, requires_grad=False)
        self.notes = {"W": 1}, "text"


def test_parameters_are_found_in_the_order_of_attributes_each_once():
    model = Tied()
    names = ["first.W", "first.b", "rest.0.W", "rest.0.b", "rest.1.0", "frozen"]
    assert list(model.named_parameters()) == names
    assert all(a is b for a, b in zip(model.parameters(), model.named_parameters().values(), strict=True))
    assert model.parameters()[0] is model.first.W
    assert model.layers() == [model, model.first, model.rest[0]]
    with pytest.raises(NotImplementedError, match="Tied has no __call__"):
        model(1.0)


def test_the_mode_reaches_every_part_and_passes_functions():
    inner = Sequential(Dropout(0.5, seed=0), relu)
    model = Sequential(relu, Sequential(inner, lambda x: x), BatchNorm(2))
    assert all(layer.training for layer in model.layers())
    assert model.eval() is model
    assert [layer.training for layer in model.layers()] == [False] * 5
    assert model.train() is model
    assert all(layer.training for layer in model.layers())
    inner.eval()
    assert model.training
    assert not inner.steps[0].training
    assert Layer.training


def test_what_they_say_of_themselves_holds_no_address():
    model = Sequential(small_cnn(0), MLP((4, 2), seed=0), lambda x: x, Tied())
    inner = "Conv2d(1, 3, 3), BatchNorm(3), relu, partial, flatten, Dropout(0.5), Linear(12, 4)"
    assert repr(model) == f"Sequential(Sequential({inner}), MLP([4, 2]), <lambda>, Tied())"
    assert (len(model), model[1].sizes) == (4, [4, 2])


def test_a_model_travels_with_its_state():
    model = small_cnn(0)
    x = normal(6, 1, 4, 4).astype(np.float32)
    model(x)
    others = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    second, predicted = model(x).data, model.eval()(x).data
    for other in others:
        assert np.array_equal(other(x).data, second)
        assert np.array_equal(other.eval()(x).data, predicted)
        other.parameters()[0].data = np.zeros((3, 1, 3, 3))
    assert np.array_equal(model(x).data, predicted)


class Elsewhere(np.ndarray):
    """Stands for an array on a device."""

    def get(self) -> np.ndarray:
        return np.array(self)


def test_a_state_holds_all_that_was_learned(tmp_path):
    model, other = small_cnn(0), small_cnn(1)
    x = normal(6, 1, 4, 4).astype(np.float32)
    model(x)  # moves the running statistics
    np.savez(tmp_path / "model.npz", **model.state())
    with np.load(tmp_path / "model.npz") as state:
        assert other.load(state) is other
    assert np.array_equal(other.eval()(x).data, model.eval()(x).data)
    assert list(model.state()) == [*model.named_parameters(), "steps.1.running_mean", "steps.1.running_variance"]


def test_a_state_is_a_copy_and_keeps_types():
    layer = BatchNorm(2)
    state = layer.state()
    state["running_mean"] += 1.0
    assert layer.running_mean.tolist() == [0.0, 0.0]
    layer.load({name: array.astype(np.float64) for name, array in state.items()})
    state["running_mean"] += 1.0
    assert layer.running_mean.tolist() == [1.0, 1.0]
    assert {layer.running_mean.dtype, layer.gamma.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda state: state.pop("b"), r"without \['b'\], and with \[\]"),
        (lambda state: state.update(c=np.ones(1)), r"without \[\], and with \['c'\]"),
        (
            lambda state: state.update(b=np.ones(3)),
            r"b of shape \(3,\) for a Linear\(3, 2\) where it has shape \(2,\)",
        ),
    ],
)
def test_a_state_of_another_layer_is_refused_whole(change, says):
    layer, state = Linear(3, 2, seed=0), Linear(3, 2, seed=1).state()
    before = layer.W.data.copy()
    change(state)
    with pytest.raises(ValueError, match=says):
        layer.load(state)
    assert np.array_equal(layer.W.data, before)


def test_parts_are_found_in_dicts_and_what_was_computed_is_no_parameter():
    class Branches(Layer):
        def __init__(self):
            self.branches = {"short": Linear(2, 1, seed=0), "long": MLP([2, 2, 1], seed=1)}

        def __call__(self, x):
            self.seen = self.branches["short"](x)
            return self.seen + self.branches["long"](x)

    model = Branches()
    names = list(model.named_parameters())
    model(normal(3, 2))
    assert list(model.named_parameters()) == names
    assert names[0] == "branches.short.W"
    assert len(names) == 6


@pytest.mark.parametrize("name", ["layers", "parameters", "train", "eval", "state", "to"])
def test_an_attribute_cannot_hide_a_method(name):
    with pytest.raises(AttributeError, match=f"{name} is a method of every layer"):
        setattr(Sequential(relu), name, [])


def test_lists_are_taken_where_arrays_are():
    assert flatten([[[1.0, 2.0]]]).shape == (1, 2)
    assert BatchNorm(2)([[1.0, 2.0], [3.0, 2.0]]).data.round(2).tolist() == [[-1.0, 0.0], [1.0, 0.0]]


def test_all_that_a_model_holds_moves_to_a_device(monkeypatch):
    model = small_cnn(0)
    model(normal(6, 1, 4, 4).astype(np.float32)).sum().backward()
    before = [tensor.data.copy() for tensor in model.parameters()]
    there = SimpleNamespace(asarray=lambda array: np.array(array).view(Elsewhere))
    monkeypatch.setattr(layers, "array_module", {"gpu": there, "cpu": np}.__getitem__)
    assert model.to("gpu") is model
    held = [*(tensor._data for tensor in model.parameters()), model[1].running_mean, model[1].running_variance]
    assert {type(array) for array in held} == {Elsewhere}
    assert all(tensor.grad is None for tensor in model.parameters())
    model.to("cpu")
    held = [*(tensor._data for tensor in model.parameters()), model[1].running_mean, model[1].running_variance]
    assert {type(array) for array in held} == {np.ndarray}
    assert all(np.array_equal(a, b.data) for a, b in zip(before, model.parameters(), strict=True))


# ---------------------------------------------------------------------------------------- batch normalisation


def test_batch_norm_learns_from_the_batch_and_keeps_unbiased_statistics():
    layer = BatchNorm(3, momentum=0.25, epsilon=1e-3, dtype=np.float64)
    layer.gamma.data, layer.beta.data = [1.0, 2.0, 3.0], [0.0, 1.0, -1.0]
    mean, variance = np.zeros(3), np.ones(3)
    for seed in range(3):
        x = 5 + 2 * normal(4, 3, 2, 2, seed=seed)
        assert np.array_equal(layer(x).data, batch_norm(x, layer.gamma, layer.beta, epsilon=1e-3).data)
        channels = x.transpose(1, 0, 2, 3).reshape(3, 16)
        mean = 0.75 * mean + 0.25 * channels.mean(1)
        variance = 0.75 * variance + 0.25 * ((channels - channels.mean(1)[:, None]) ** 2).sum(1) / 15
    assert np.allclose(layer.running_mean, mean, rtol=1e-12)
    assert np.allclose(layer.running_variance, variance, rtol=1e-12)


def test_batch_norm_predicts_with_what_it_kept_each_row_by_itself():
    layer = BatchNorm(2, dtype=np.float64)
    layer.gamma.data, layer.beta.data = [2.0, 3.0], [0.5, -1.0]
    for seed in range(3):
        layer(3 + normal(5, 2, seed=seed))
    mean, variance = layer.running_mean.copy(), layer.running_variance.copy()
    layer.eval()
    x = normal(4, 2, seed=9)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * [2.0, 3.0] + [0.5, -1.0]
    assert np.allclose(layer(x).data, expected, rtol=1e-12)
    assert np.allclose(layer(x[:1]).data, expected[:1], rtol=1e-12)  # of one row too
    assert np.allclose(layer(Tensor(x[:, :, None, None])).data[:, :, 0, 0], expected, rtol=1e-12)
    assert np.array_equal(layer.running_mean, mean)
    assert np.array_equal(layer.running_variance, variance)


def test_batch_norm_is_that_of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours, theirs = BatchNorm(3, momentum=0.2), torch.nn.BatchNorm2d(3, momentum=0.2)
    for seed in range(4):
        x = (2 + 3 * normal(5, 3, 4, 2, seed=seed)).astype(np.float32)
        assert np.allclose(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy(), atol=1e-5)
    assert np.allclose(ours.running_mean, theirs.running_mean.numpy(), rtol=1e-5)
    assert np.allclose(ours.running_variance, theirs.running_var.numpy(), rtol=1e-5)
    ours.eval(), theirs.eval()
    assert np.allclose(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy(), atol=1e-5)


def test_batch_norm_refuses_what_it_cannot_normalise():
    layer = BatchNorm(3)
    for shape in [(4, 2), (3,), (4, 2, 3, 3)]:
        with pytest.raises(ValueError, match=r"BatchNorm\(3\) of an array of shape .*axis 1 must have length 3"):
            layer(normal(*shape))
    with pytest.raises(ValueError, match="two entries or more a channel"):
        layer(normal(1, 3))
    assert not layer.running_mean.any()
    assert layer(normal(1, 3, 2, 1)).shape == (1, 3, 2, 1)


# ---------------------------------------------------------------------------------------- dropout


def test_each_call_draws_a_mask_that_depends_on_the_seed_and_its_number():
    ones = np.ones((40, 50))
    layer, again, other = Dropout(0.3, seed=1), Dropout(0.3, seed=1), Dropout(0.3, seed=2)
    masks = [layer(ones).data for _ in range(3)]
    again(ones[:7])  # another shape: the next mask does not depend on it
    assert np.array_equal(again(ones).data, masks[1])
    assert not np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], other(ones).data)
    key = _rng.key_of(1)
    assert np.array_equal(masks[2], dropout(ones, 0.3, seed=_rng.bits(_rng.start(key, 2), 0)).data)
    assert layer.calls == 3
    for mask in masks:
        assert np.isin(mask, [0.0, 1 / 0.7]).all()
        assert (mask == 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 2000))


@pytest.mark.parametrize(("p", "training"), [(0.0, True), (0.5, False)])
def test_dropout_lets_all_pass_in_evaluation(p, training):
    layer = Dropout(p, seed=0)
    layer.training = training
    x = Tensor(normal(3))
    assert layer(x) is x
    assert layer.calls == 0


# ---------------------------------------------------------------------------------------- computed again


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_a_checkpoint_finds_masks_again_and_moves_statistics_once(seed, calls):
    """The same layer in several blocks, which are computed again in reverse order."""
    x = normal(6, 3, seed=seed)

    def block(model: Sequential, h: Tensor) -> Tensor:
        return model(model(h))

    found = []
    for kept in (True, False):
        first, norm = Linear(3, 3, seed=seed, dtype=np.float64), BatchNorm(3, dtype=np.float64)
        model = Sequential(first, norm, Dropout(0.4, seed=seed))
        h = Tensor(x)
        out = h
        for _ in range(calls):
            out = block(model, out) if kept else checkpoint(partial(block, model), out)
        (out * out).sum().backward()
        state = [out.data, norm.running_mean, norm.running_variance, np.array(model[2].calls)]
        found.append((state, [h.grad, *(tensor.grad for tensor in model.parameters())]))
    (kept_state, kept_grads), (state, grads) = found
    assert state[-1] == 2 * calls
    assert all(np.array_equal(a, b) for a, b in zip(state, kept_state, strict=True))
    assert all(np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(grads, kept_grads, strict=True))


# ---------------------------------------------------------------------------------------- what they refuse


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Linear(0, 2, seed=0), ValueError, "n_in=0: at least 1"),
        (lambda: Linear(2, -1, seed=0), ValueError, "n_out=-1: at least 1"),
        (lambda: Linear(2.0, 1, seed=0), TypeError, "n_in=2.0: a whole number"),
        (lambda: Linear(True, 1, seed=0), TypeError, "n_in=True: a whole number"),
        (lambda: Linear(2, 1, seed=-1), ValueError, "seed=-1"),
        (lambda: Linear(2, 1, seed="a"), TypeError, "seed='a'"),
        (lambda: Linear(2, 1, seed=0, dtype=np.float16), ValueError, "dtype=float16: float32 or float64"),
        (lambda: Linear(2, 1, seed=0, dtype=int), ValueError, "dtype=int64: float32 or float64"),
        (lambda: Conv2d(0, 1, 3, seed=0), ValueError, "channels_in=0"),
        (lambda: Conv2d(1, 0, 3, seed=0), ValueError, "channels_out=0"),
        (lambda: Conv2d(1, 1, (3, 0), seed=0), ValueError, "size=0"),
        (lambda: Conv2d(1, 1, (3, 3, 3), seed=0), ValueError, r"size=\(3, 3, 3\): a number or \(height, width\)"),
        (lambda: Conv2d(1, 1, 3, seed=0, dtype="int8"), ValueError, "dtype=int8"),
        (lambda: BatchNorm(0), ValueError, "channels=0"),
        (lambda: BatchNorm(1, momentum=1.5), ValueError, "momentum=1.5: between 0 and 1"),
        (lambda: BatchNorm(1, momentum=float("nan")), ValueError, "momentum=nan"),
        (lambda: BatchNorm(1, epsilon=0), ValueError, "epsilon=0: a small positive number"),
        (lambda: BatchNorm(1, dtype=np.float16), ValueError, "dtype=float16"),
        (lambda: Dropout(1.0, seed=0), ValueError, "p=1.0: a probability, 0 or more and below 1"),
        (lambda: Dropout(-0.1, seed=0), ValueError, "p=-0.1"),
        (lambda: Dropout("0.5", seed=0), TypeError, "p='0.5': a number"),
        (lambda: MLP([3], seed=0), ValueError, r"sizes=\[3\]: two or more"),
        (lambda: MLP([3, 0], seed=0), ValueError, "sizes=0: at least 1"),
        (lambda: MLP(3, seed=0), TypeError, "sizes=3: a list of sizes"),
        (lambda: Sequential(relu, 3), TypeError, "a step is a layer or a function of one tensor, not 3"),
        (lambda: Sequential(Linear), TypeError, "not <class"),
        (lambda: Linear(3, 1, seed=0).to("tpu"), ValueError, "device='tpu'"),
        (lambda: Linear(3, 1, seed=0)(normal(2, 4)), ValueError, r"\(2, 4\)"),
    ],
)
def test_what_is_refused_is_named(make, error, says):
    with pytest.raises(error, match=says):
        make()
