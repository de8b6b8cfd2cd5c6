"""How a network learns: step by step against its gradient.

    model = MLP([64, 32, 10], seed=0)
    optimiser = SGD(model.parameters(), 0.1, momentum=0.9, nesterov=True)
    losses = fit(model, X, y, epochs=10, optimiser=optimiser, seed=0)
    accuracy(model, X_test, y_test)

`fit` is the loop that one writes by hand: a batch, its loss, `backward`, `step`. It fits any function of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil, cos, isfinite, pi
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons import _rng
from lessons._checks import whole
from lessons._device import module_of, to_host
from lessons.errors import ConvergenceError
from lessons.layers import Layer, seed_of
from lessons.tensor import Array, Tensor, no_grad
from lessons.tensor_functions import cross_entropy


class Optimiser:
    """What optimisers have in common: the tensors that they move, and a rate.

    `rate` may be set between steps. A tensor without a gradient stays where it is. `weight_decay` is a number, or
    one for each tensor.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float, weight_decay: float | Sequence[float]) -> None:
        self.parameters = _tensors(parameters)
        self.rate = rate
        self.weight_decay = weight_decay

    @property
    def weight_decay(self) -> tuple[float, ...]:
        """One number for each tensor."""
        return self._decays

    @weight_decay.setter
    def weight_decay(self, decay: float | Sequence[float]) -> None:
        decays = list(decay) if isinstance(decay, Sequence) else [decay] * len(self.parameters)
        if len(decays) != len(self.parameters):
            raise ValueError(
                f"weight_decay={decay!r}: a number, or one for each of {len(self.parameters)} tensors"
            )
        self._decays = tuple(_checked("weight_decay", each) for each in decays)

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = _checked("rate", rate)

    def zero_grad(self) -> None:
        """Forget the gradients: `backward` adds to them."""
        for tensor in self.parameters:
            tensor.grad = None

    def step(self) -> None:
        """Move each tensor by its gradient. Afterwards a tape that has read the old values is refused.

        Raises ValueError for a gradient of another shape than its tensor: one that was set by hand.
        """
        for place, tensor in enumerate(self.parameters):
            if tensor.grad is None:
                continue
            gradient = tensor.grad
            if type(gradient) is not type(tensor._data) or gradient.dtype != tensor._data.dtype:
                gradient = module_of(tensor._data).asarray(gradient, dtype=tensor._data.dtype)
            if gradient.shape != tensor._data.shape:
                raise ValueError(
                    f"parameter {place} of shape {tensor.shape} has a gradient of shape {gradient.shape}"
                )
            if self._decays[place]:
                gradient = gradient + self._decays[place] * tensor._data
            new = self._way(place, gradient)
            new += tensor._data  # an array of our own: what is in a tensor is never written to
            tensor._replace(np.asarray(new) if isinstance(new, np.generic) else new)

    def _way(self, place: int, gradient: Array) -> Array:
        """From where the tensor at this place is to where it shall be, as a new array."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rate={self.rate:g}, {len(self.parameters)} tensors)"


class SGD(Optimiser):
    """Stochastic gradient descent: w <- w - rate * g, with or without a memory of the way.

    With `weight_decay` d, g is the gradient plus d * w. With `momentum` m there is a velocity v <- m v + g (g
    itself at the first step), and w <- w - rate * v; with `nesterov` w <- w - rate * (g + m v).

    Raises ValueError for no tensors or one twice, a rate, momentum or decay that is negative or not finite,
    momentum of 1 or more, `nesterov` without momentum; TypeError for what are no leaf tensors.

    >>> x = Tensor(1.0)
    >>> optimiser = SGD([x], rate=0.1)
    >>> (x * x).backward()
    >>> optimiser.step()
    >>> x.item()
    0.8

    Notebook: 03_backpropagation. Source: I. Sutskever, J. Martens, G. Dahl, G. Hinton, On the importance of
    initialization and momentum in deep learning, ICML 2013, equations 1-4; as in PyTorch, the rate stands outside
    the velocity.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        rate: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__(parameters, rate, weight_decay)
        self.momentum = _checked("momentum", momentum, below=1.0)
        if nesterov and not momentum:
            raise ValueError(f"nesterov with momentum={momentum}: it looks ahead along one; give 0.9, say")
        self.nesterov = nesterov
        self._velocities: list[Array | None] = [None] * len(self.parameters)

    def _way(self, place: int, gradient: Array) -> Array:
        if not self.momentum:
            return gradient * -self._rate
        velocity = self._velocities[place]
        if velocity is None:
            velocity = gradient.copy()
        else:
            velocity *= self.momentum
            velocity += gradient
        self._velocities[place] = velocity
        if self.nesterov:
            return (gradient + self.momentum * velocity) * -self._rate
        return velocity * -self._rate


class Adam(Optimiser):
    """Steps of about the same size whatever the size of the gradient: running means of it over its running size.

    m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2 with (b1, b2) = `betas`, both started at zero; in step t of
    a tensor w <- w - rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon). `weight_decay` d adds d * w to g.

    Raises as `SGD` does; ValueError for betas outside 0 ... 1 or an epsilon that is not positive.

    >>> x = Tensor([1.0, 1.0])
    >>> optimiser = Adam([x], rate=0.1)
    >>> (x * [1.0, 1000.0]).sum().backward()
    >>> optimiser.step()
    >>> x.data.round(6)
    array([0.9, 0.9])

    Notebook: 03_backpropagation. Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR
    2015, algorithm 1, arXiv:1412.6980.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        rate: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__(parameters, rate, weight_decay)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"betas={betas!r}: two numbers are needed, such as (0.9, 0.999)")
        self.betas = _checked("betas", betas[0], below=1.0), _checked("betas", betas[1], below=1.0)
        self.epsilon = _checked("epsilon", epsilon)
        if not self.epsilon:
            raise ValueError(f"epsilon={epsilon}: a small positive number, such as 1e-8")
        self._means = [module_of(tensor._data).zeros_like(tensor._data) for tensor in self.parameters]
        self._sizes = [mean.copy() for mean in self._means]
        self._steps = [0] * len(self.parameters)

    def _way(self, place: int, gradient: Array) -> Array:
        mean, size = self._means[place], self._sizes[place]
        (b1, b2), self._steps[place] = self.betas, self._steps[place] + 1
        step = self._steps[place]
        mean *= b1
        mean += (1.0 - b1) * gradient
        size *= b2
        square = (1.0 - b2) * gradient
        square *= gradient
        size += square
        scale = module_of(size).sqrt(size / (1.0 - b2**step)) + self.epsilon
        way = mean * (-self._rate / (1.0 - b1**step))
        way /= scale
        return way


def cosine_schedule(step: float, steps: float, *, highest: float, lowest: float = 0.0, warmup: float = 0) -> float:
    """The rate of a step: up to `highest` in `warmup` steps, then down to `lowest` along half a cosine.

    Steps count from 0; at step = `warmup` the rate is `highest`, at step = `steps` it is `lowest`, exactly. Until
    then it rises in equal parts, the first of which is the rate of step 0, so no step is lost.

    Raises ValueError for a step outside 0 ... steps, a warmup outside 0 ... steps - 1, rates that are negative or
    the wrong way round.

    >>> [round(cosine_schedule(step, 4, highest=1.0), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    >>> [cosine_schedule(step, 10, highest=1.0, warmup=3) for step in range(4)]
    [0.25, 0.5, 0.75, 1.0]

    Notebook: 03_backpropagation. Source: I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm
    restarts, ICLR 2017, equation 5, arXiv:1608.03983; one period, without restarts.
    """
    if not 0 <= step <= steps:
        raise ValueError(f"step={step}: a schedule of {steps} steps has 0 to {steps}")
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup={warmup}: 0 or more, and fewer than the {steps} steps")
    if not 0 <= lowest <= highest < float("inf"):
        raise ValueError(f"highest={highest}, lowest={lowest}: rates of 0 or more, the highest first")
    if step < warmup:
        return highest * (step + 1) / (warmup + 1)
    done = (step - warmup) / (steps - warmup)
    return lowest + (highest - lowest) * 0.5 * (1.0 + cos(pi * done))


def batches(n: int, size: int, *, seed: _rng.Seed) -> Iterator[NDArray[np.int64]]:
    """The rows 0 ... n - 1 in random order, `size` at a time: each once, the rest in a last, shorter batch.

    The order depends on n and the seed, not on the size. O(n log n).

    Raises ValueError for a size below 1 or a negative n, at the call.

    >>> [len(rows) for rows in batches(10, 4, seed=0)]
    [4, 4, 2]
    """
    n, size = whole("n", n, 0), whole("size", size, 1)
    order = np.argsort(_rng.uniforms(_rng.key_of(seed), [0], n)[0], kind="stable")
    return (order[start : start + size] for start in range(0, n, size))


def fit(
    model: Callable[[Any], Tensor],
    X: Any,
    y: Any,
    *,
    epochs: int,
    optimiser: Optimiser,
    batch: int = 32,
    schedule: Callable[[int, int], float] | None = None,
    loss: Callable[[Tensor, Any], Tensor] = cross_entropy,
    seed: _rng.Seed,
) -> list[float]:
    """Move the optimiser's tensors so that `loss(model(X), y)` falls; gives the mean loss of each epoch.

    X (n, ...) and y (n, ...) are arrays; an epoch goes once through all rows, in an order that depends on the seed
    and the epoch. `schedule(step, steps)` gives the rate of each step, as `partial(cosine_schedule, highest=0.1)`
    does; without it the rate stays. Layers are in training mode meanwhile, then in the mode that they were in.
    The losses are those before each step, so the first is partly that of the untrained model.

    Raises ValueError where X and y differ in length or are empty, the loss is no single number, or the optimiser
    moves nothing of this model; ConvergenceError where the loss is no longer finite: the tensors then hold the
    values that gave it.

    >>> from lessons.tensor_functions import mse
    >>> slope = Tensor(0.0)
    >>> X = np.linspace(-1.0, 1.0, 64)
    >>> losses = fit(lambda x: slope * x, X, 3.0 * X, epochs=20, optimiser=SGD([slope], 0.5), loss=mse, seed=0)
    >>> round(slope.item(), 3)
    3.0

    Notebook: 03_backpropagation.
    """
    X, y = _array(X), _array(y)
    n = _rows(X, y)
    steps = whole("epochs", epochs, 1) * ceil(n / whole("batch", batch, 1))
    totals = [0.0] * epochs
    with _mode(model, True), np.errstate(over="ignore", invalid="ignore"):  # an overflow ends as ConvergenceError
        for step, (epoch, rows) in enumerate(_epochs(n, batch, epochs, _rng.key_of(seed))):
            if schedule is not None:
                optimiser.rate = schedule(step, steps)
            value = _single(loss(model(X[rows]), y[rows]))
            totals[epoch] += len(rows) * _finite(value.item(), optimiser, epoch, step)
            optimiser.zero_grad()
            value.backward()
            if step == 0 and all(tensor.grad is None for tensor in optimiser.parameters):
                raise ValueError(
                    "no tensor of the optimiser got a gradient: is it made of this model's parameters?"
                )
            optimiser.step()
    return [total / n for total in totals]


def accuracy(model: Callable[[Any], Tensor], X: Any, y: Any, *, batch: int = 1024) -> float:
    """The part of the rows whose highest score stands at the place y (n,) says: 0.0 ... 1.0.

    `model(X)` gives scores (n, classes), y holds integers. Computed `batch` rows at a time, without a tape, in
    evaluation mode; layers are then in the mode that they were in. Of equal scores the first counts.

    Raises ValueError where X and y differ in length or are empty, or there are not two scores a row or more (where
    there is one, compare `model(X).data > 0` with y); TypeError for labels that are no integers.

    >>> accuracy(lambda scores: Tensor(scores), np.eye(4), np.array([0, 1, 2, 0]))
    0.75

    Notebook: 03_backpropagation.
    """
    X, y = _array(X), _array(y)
    n, size, right = _rows(X, y), whole("batch", batch, 1), 0
    if y.ndim != 1:
        raise ValueError(f"y of shape {y.shape}: one label for each row, such as one_hot.argmax(axis=1)")
    if y.dtype.kind not in "biu":
        raise TypeError(f"y holds {y.dtype}: labels are integers, the places of the scores")
    with _mode(model, False), no_grad():
        for start in range(0, n, size):
            scores = model(X[start : start + size])._data
            if scores.ndim != 2 or scores.shape[1] < 2:
                raise ValueError(f"scores of shape {scores.shape}: (n, classes) are needed, two classes or more")
            guess = scores.argmax(axis=1)
            right += int((to_host(guess) == to_host(y[start : start + size])).sum())
    return right / n


# ---------------------------------------------------------------------------------------- helpers


def _epochs(n: int, batch: int, epochs: int, key: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for epoch in range(epochs):
        for rows in batches(n, batch, seed=seed_of(key, epoch)):
            yield epoch, rows


@contextmanager
def _mode(model: Any, training: bool) -> Iterator[None]:
    """All layers of a model, if it is one, in training or evaluation mode; afterwards each as it was."""
    layers = model.layers() if isinstance(model, Layer) else []
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.training = training
    try:
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.training = mode


def _finite(loss: float, optimiser: Optimiser, epoch: int, step: int) -> float:
    if isfinite(loss):
        return loss
    problem = f"the loss in epoch {epoch} at rate {optimiser.rate:g}"
    raise ConvergenceError(problem, loss, step, "Take a smaller rate, or look for inf and nan in X and y.")


def _single(loss: Any) -> Tensor:
    if not isinstance(loss, Tensor) or loss.size != 1:
        what = f"a tensor of shape {loss.shape}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"the loss is {what}: a Tensor with a single number is needed; mean() or sum() it")
    return loss


def _array(values: Any) -> Any:
    """An array as it is, on whatever device; lists as an array."""
    return values if hasattr(values, "shape") else np.asarray(values)


def _tensors(parameters: Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Layer | Tensor | dict):
        raise TypeError(f"{type(parameters).__name__}: a list of tensors is needed, such as model.parameters()")
    tensors = list(parameters)
    if not tensors:
        raise ValueError("parameters=[]: nothing to learn; give at least one Tensor")
    for place, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor) or tensor._edges != ():
            what = f"the result of {tensor.op}" if isinstance(tensor, Tensor) else repr(tensor)
            raise TypeError(f"parameter {place} is {what}: only a Tensor that was not computed can be moved")
        if any(tensor is other for other in tensors[:place]):
            raise ValueError(f"parameter {place}, of shape {tensor.shape}, stands in the list twice: give it once")
    return tensors


def _rows(X: Any, y: Any) -> int:
    if len(X) != len(y) or not len(X):
        raise ValueError(f"X has {len(X)} rows and y has {len(y)}: as many are needed, and at least one")
    return len(X)


def _checked(name: str, value: float, below: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < below:
        limit = "" if below == float("inf") else f" and below {below:g}"
        raise ValueError(f"{name}={value!r}: a finite number, 0 or more{limit}")
    return float(value)
