"""Parts of a network that hold what is learned: tensors, and how they are put to use.

    model = MLP([64, 32, 10], seed=0)        # the same weights for a seed, on every machine
    scores = model(X)                        # X (n, 64), scores (n, 10)
    model.parameters()                       # what an optimiser moves
    model.eval()                             # from here on dropout and batch normalisation predict

Weights have row = receiver: `W` (out, in). Make layers of your own from `Layer`; functions of tensors, such as
relu or a lambda, stand in a `Sequential` as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod, sqrt
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from lessons import _rng
from lessons._checks import whole
from lessons._device import Device, array_module, module_of, to_host
from lessons.recomputation import once
from lessons.tensor import Array, Tensor, tensor_of
from lessons.tensor_functions import Pair, batch_norm, batch_statistics, conv2d, dropout, linear, relu


class Layer:
    """What layers have in common: parameters, found among their attributes, and a mode.

    A layer of your own needs `__call__`. Tensors that are its attributes, or stand in lists, tuples or dicts
    there, are its parameters, unless they were computed; layers there are its parts. What only a function closes
    over is not found. No `__init__` of this class need be called.

    >>> class Scale(Layer):
    ...     def __init__(self):
    ...         self.factor = Tensor([1.0, 2.0])
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> Scale().named_parameters()
    {'factor': Tensor([1., 2.])}

    Notebook: 03_backpropagation.
    """

    training = True  # False from `eval` to `train`
    _arrays: tuple[str, ...] = ()  # attributes that move to a device with the parameters

    def __setattr__(self, name: str, value: Any) -> None:
        if callable(getattr(Layer, name, None)):
            raise AttributeError(f"{name} is a method of every layer: give the attribute another name")
        super().__setattr__(name, value)

    def __call__(self, x: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no __call__: say there what it makes of its input")

    def named_parameters(self) -> dict[str, Tensor]:
        """{name: tensor} in the order of the attributes, each once; "steps.0.W" is `W` of the first of `steps`."""
        found: dict[Tensor, str] = {}
        for name, part in _parts(self):
            inner = part.named_parameters() if isinstance(part, Layer) else {"": part}
            for rest, tensor in inner.items():
                found.setdefault(tensor, f"{name}.{rest}" if rest else name)
        return {name: tensor for tensor, name in found.items()}

    def parameters(self) -> list[Tensor]:
        """The tensors of this layer and its parts, each once, in the order of `named_parameters`."""
        return list(self.named_parameters().values())

    def layers(self) -> list[Layer]:
        """This layer, its parts, their parts and so on."""
        return list(dict.fromkeys(layer for _, layer in self._named_layers()))

    def state(self) -> dict[str, Array]:
        """All that it has learned, {name: array}: the parameters, and what layers keep of the batches they saw.

        Arrays in the computer's own memory, for `numpy.savez("model.npz", **model.state())`, say.

        >>> list(BatchNorm(2).state())
        ['gamma', 'beta', 'running_mean', 'running_variance']
        """
        return {
            name: to_host(getattr(owner, attribute)).copy() for name, (owner, attribute) in self._kept().items()
        }

    def load(self, state: Mapping[str, Any]) -> Self:
        """Take over what the `state` of a layer like this one held, such as `numpy.load("model.npz")`.

        Raises ValueError for names that are missing or unknown, and for arrays of another shape; nothing is
        changed then.

        >>> model, other = Linear(3, 2, seed=0), Linear(3, 2, seed=1)
        >>> bool((other.load(model.state()).W.data == model.W.data).all())
        True
        """
        kept = self._kept()
        if set(kept) != set(state):
            missing, unknown = sorted(set(kept) - set(state)), sorted(set(state) - set(kept))
            raise ValueError(
                f"a state of another layer: without {missing}, and with {unknown}, which {self} has not"
            )
        for name, (owner, attribute) in kept.items():
            there, given = getattr(owner, attribute).shape, np.shape(state[name])
            if there != given:
                raise ValueError(f"{name} of shape {given} for a {self} where it has shape {there}")
        for name, (owner, attribute) in kept.items():
            old = getattr(owner, attribute)
            setattr(owner, attribute, module_of(old).array(state[name], dtype=old.dtype))
        return self

    def _kept(self) -> dict[str, tuple[Any, str]]:
        """What `state` holds: {name: (the object that has it, under which attribute)}."""
        kept: dict[str, tuple[Any, str]] = {
            name: (tensor, "data") for name, tensor in self.named_parameters().items()
        }
        for lead, layer in self._named_layers():
            kept |= {lead + name: (layer, name) for name in layer._arrays}
        return kept

    def _named_layers(self, lead: str = "") -> Iterator[tuple[str, Layer]]:
        yield lead, self
        for name, part in _parts(self):
            if isinstance(part, Layer):
                yield from part._named_layers(f"{lead}{name}.")

    def train(self) -> Self:
        """Let this layer and all within learn: dropout drops, batch normalisation takes the batch's mean."""
        for layer in self.layers():
            layer.training = True
        return self

    def eval(self) -> Self:
        """Let this layer and all within predict. Gradients are recorded as before: see `no_grad`."""
        for layer in self.layers():
            layer.training = False
        return self

    def to(self, device: Device) -> Self:
        """Move all that it holds to "cpu" or "gpu"; gradients are dropped. Make its optimiser afterwards.

        So far tested with a stand-in for CuPy's arrays; tests marked `gpu` wait for a device.

        Raises ImportError without CuPy, RuntimeError without a device.
        """
        xp = array_module(device)
        for tensor in self.parameters():
            tensor._replace(xp.asarray(to_host(tensor._data)))
            tensor.grad = None
        for layer in self.layers():
            for name in layer._arrays:
                setattr(layer, name, xp.asarray(to_host(getattr(layer, name))))
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Linear(Layer):
    """x @ W.T + b: from x (..., n_in) to (..., n_out). `W` (n_out, n_in), `b` (n_out,), or None without `bias`.

    Weights start uniform in +-sqrt(6 / n_in), so their variance is 2 / n_in, which keeps the size of signals from
    layer to layer of relu; biases start at zero.

    >>> layer = Linear(3, 2, seed=0)
    >>> layer, layer.W.shape, layer(np.ones((5, 3), np.float32)).shape
    (Linear(3, 2), (2, 3), (5, 2))

    Notebook: 03_backpropagation. Source: K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015,
    pages 1026-1034, equation 10, doi:10.1109/ICCV.2015.123; here with a uniform distribution of that variance.
    """

    def __init__(
        self, n_in: int, n_out: int, *, bias: bool = True, seed: _rng.Seed, dtype: DTypeLike = np.float32
    ) -> None:
        self.W = _weights(seed, (whole("n_out", n_out), whole("n_in", n_in)), dtype)
        self.b = _filled(0.0, n_out, dtype, "b") if bias else None

    def __call__(self, x: Any) -> Tensor:
        return linear(x, self.W, self.b)

    def __repr__(self) -> str:
        return f"Linear({self.W.shape[1]}, {self.W.shape[0]})"


class Conv2d(Layer):
    """A convolution of x (n, channels_in, height, width), see `conv2d`: `W` (channels_out, channels_in, *size).

    `size` is that of the window, a number or (height, width), `bias` adds `b` (channels_out,). Starts as `Linear`
    does, where n_in = channels_in * height * width of the window.

    >>> layer = Conv2d(1, 4, 3, padding=1, seed=0)
    >>> layer, layer(np.ones((2, 1, 8, 8), np.float32)).shape
    (Conv2d(1, 4, 3), (2, 4, 8, 8))

    Notebook: 03_backpropagation.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        bias: bool = True,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        window = [whole("size", side) for side in (size if isinstance(size, tuple) else (size, size))]
        if len(window) != 2:
            raise ValueError(f"size={size}: a number or (height, width)")
        channels = whole("channels_out", channels_out), whole("channels_in", channels_in)
        self.size, self.stride, self.padding = size, stride, padding
        self.W = _weights(seed, (*channels, *window), dtype)
        self.b = _filled(0.0, channels_out, dtype, "b") if bias else None

    def __call__(self, x: Any) -> Tensor:
        return conv2d(x, self.W, self.b, stride=self.stride, padding=self.padding)

    def __repr__(self) -> str:
        return f"Conv2d({self.W.shape[1]}, {self.W.shape[0]}, {self.size})"


class BatchNorm(Layer):
    """Each channel brought to mean 0 and variance 1, then to what it has learned: times `gamma`, plus `beta`.

    x is (n, channels) or (n, channels, height, width). While training it takes mean and variance of the batch, and
    moves `running_mean` and `running_variance` (unbiased) a part `momentum` of the way to them; these stand for
    the batch in evaluation. Within `checkpoint` they move once.

    Raises ValueError for another number of channels, and while training for a single entry a channel.

    >>> layer = BatchNorm(2)
    >>> layer(np.array([[1.0, 5.0], [3.0, 5.0]])).data.round(3)
    array([[-1.,  0.],
           [ 1.,  0.]])
    >>> layer.running_mean
    array([0.2, 0.5], dtype=float32)

    Notebook: 03_backpropagation. Source: S. Ioffe, C. Szegedy, Batch normalization, ICML 2015, algorithms 1 and 2,
    arXiv:1502.03167.
    """

    _arrays = ("running_mean", "running_variance")

    def __init__(
        self, channels: int, *, momentum: float = 0.1, epsilon: float = 1e-5, dtype: DTypeLike = np.float32
    ) -> None:
        self.gamma = _filled(1.0, whole("channels", channels), dtype, "gamma")
        self.beta = _filled(0.0, channels, dtype, "beta")
        self.momentum, self.epsilon = _number("momentum", momentum), _number("epsilon", epsilon)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum={momentum}: between 0 and 1")
        if not epsilon > 0:
            raise ValueError(f"epsilon={epsilon}: a small positive number, such as 1e-5")
        self.running_mean: Array = np.zeros(channels, self.gamma.dtype)
        self.running_variance: Array = np.ones(channels, self.gamma.dtype)

    def __call__(self, x: Any) -> Tensor:
        x = x if hasattr(x, "ndim") else tensor_of(x)
        if x.ndim < 2 or x.shape[1] != self.gamma.size:
            raise ValueError(f"{self} of an array of shape {x.shape}: axis 1 must have length {self.gamma.size}")
        if not self.training:
            return self._predict(x)
        out = batch_norm(x, self.gamma, self.beta, epsilon=self.epsilon)
        once(lambda: self._move(x))
        return out

    def _move(self, x: Any) -> None:
        """Bring the running mean and variance nearer to those of a batch."""
        part, dtype = self.momentum, self.gamma.dtype
        mean, variance = (statistic.astype(dtype) for statistic in batch_statistics(x))
        self.running_mean = (1 - part) * self.running_mean + part * mean
        self.running_variance = (1 - part) * self.running_variance + part * variance

    def _predict(self, x: Any) -> Tensor:
        xp = module_of(self.running_mean)
        scale = self.gamma / xp.sqrt(self.running_variance + self.epsilon)
        shift = self.beta - scale * self.running_mean
        shape = (-1, *[1] * (x.ndim - 2))
        return x * scale.reshape(shape) + shift.reshape(shape)

    def __repr__(self) -> str:
        return f"BatchNorm({self.gamma.size})"


class Dropout(Layer):
    """While training, set each entry to zero with probability `p` and divide the rest by 1 - p; else do nothing.

    Each call draws a new mask: call number i its own, whatever happened before. `calls` counts them; a call that
    `checkpoint` repeats gets its mask again, and does not count.

    >>> layer = Dropout(0.5, seed=0)
    >>> sorted(set(layer(np.ones((10, 10))).data.ravel().tolist())), layer.calls
    ([0.0, 2.0], 1)

    Notebook: 03_backpropagation. Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov,
    Dropout, Journal of Machine Learning Research 15, 2014, pages 1929-1958, section 10.
    """

    def __init__(self, p: float, *, seed: _rng.Seed) -> None:
        self.p = _number("p", p)
        if not 0 <= p < 1:
            raise ValueError(f"p={p}: a probability, 0 or more and below 1")
        self.calls = 0
        self._key = _rng.key_of(seed)

    def __call__(self, x: Any) -> Any:
        if not self.training or self.p == 0:
            return x
        return dropout(x, self.p, seed=seed_of(self._key, once(self._next)))

    def _next(self) -> int:
        self.calls += 1
        return self.calls - 1

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


class Sequential(Layer):
    """One after the other: layers, and functions that take a tensor and give one.

    >>> model = Sequential(Linear(4, 3, seed=0), relu, Linear(3, 1, seed=1))
    >>> model
    Sequential(Linear(4, 3), relu, Linear(3, 1))
    >>> list(model.named_parameters())
    ['steps.0.W', 'steps.0.b', 'steps.2.W', 'steps.2.b']

    Notebook: 03_backpropagation.
    """

    def __init__(self, *steps: Callable[[Any], Tensor]) -> None:
        for step in steps:
            if not callable(step) or isinstance(step, type):
                raise TypeError(f"a step is a layer or a function of one tensor, not {step!r}")
        self.steps = steps

    def __call__(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return x

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: int) -> Any:
        return self.steps[place]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_name(step) for step in self.steps)})"


class MLP(Sequential):
    """A multilayer perceptron: `Linear` layers from each of `sizes` to the next, with an activation between them.

    The last layer gives scores, without activation. Each layer draws from a stream of its own.

    Raises ValueError for fewer than two sizes or a size below 1.

    >>> model = MLP([64, 32, 10], seed=0)
    >>> model, sum(tensor.size for tensor in model.parameters())
    (MLP([64, 32, 10]), 2410)

    Notebook: 03_backpropagation.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Callable[[Any], Tensor] = relu,
        seed: _rng.Seed,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if isinstance(sizes, Integral):
            raise TypeError(f"sizes={sizes}: a list of sizes is needed, such as [64, 32, 10]")
        if len(sizes) < 2:
            raise ValueError(f"sizes={sizes!r}: two or more, from that of the input to that of the output")
        self.sizes = [whole("sizes", size) for size in sizes]
        key = _rng.key_of(seed)
        steps: list[Callable[[Any], Tensor]] = []
        for k, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False)):
            layer = Linear(n_in, n_out, seed=seed_of(key, k), dtype=dtype)
            layer.W.name, layer.b.name = f"W{k + 1}", f"b{k + 1}"  # type: ignore[union-attr]
            steps += [activation, layer]
        super().__init__(*steps[1:])

    def __repr__(self) -> str:
        return f"MLP({self.sizes})"


def flatten(x: Any) -> Any:
    """(n, ...) as (n, product of the rest): what stands between convolutions and a `Linear`.

    >>> flatten(Tensor(np.ones((2, 3, 4)))).shape
    (2, 12)
    """
    x = x if hasattr(x, "reshape") else tensor_of(x)
    return x.reshape(len(x), prod(x.shape[1:]))


# ---------------------------------------------------------------------------------------- helpers


def seed_of(key: int, k: int) -> int:
    """The seed of part k of something that has one key: of a layer, a call, an epoch."""
    return _rng.bits(_rng.start(key, k), 0)


def _parts(layer: Layer) -> Iterator[tuple[str, Any]]:
    """The tensors and layers among the attributes, with their names."""
    waiting = list(vars(layer).items())[::-1]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Layer) or (isinstance(value, Tensor) and not value.op):
            yield name, value
        elif isinstance(value, list | tuple | dict):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(f"{name}.{key}", item) for key, item in items][::-1]


def _weights(seed: _rng.Seed, shape: tuple[int, ...], dtype: DTypeLike) -> Tensor:
    """(out, ...) uniform with variance 2 / (inputs of each receiver); each receiver has a stream of its own."""
    inputs = prod(shape[1:])
    draws = _rng.uniforms(_rng.key_of(seed), range(shape[0]), inputs)
    values = (2.0 * draws - 1.0) * sqrt(6.0 / inputs)
    return Tensor(values.astype(_checked_dtype(dtype)).reshape(shape), name="W")


def _filled(value: float, size: int, dtype: DTypeLike, name: str) -> Tensor:
    return Tensor(np.full(size, value, _checked_dtype(dtype)), name=name)


def _checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype={np.dtype(dtype)}: float32 or float64")
    return np.dtype(dtype)


def _number(name: str, value: float) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{name}={value!r}: a number is needed")
    return float(value)


def _name(step: Any) -> str:
    """The name of a function, the repr of a layer; nothing that holds an address."""
    return repr(step) if isinstance(step, Layer) else getattr(step, "__name__", type(step).__name__)
