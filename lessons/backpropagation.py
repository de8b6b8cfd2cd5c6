"""Derivatives by walking a computation backwards: Kahn's sort on its reversed edges.

    x = Value(3.0); (x * x).backward(); x.grad           # one number at a time
    W = Tensor(array); loss(W).backward(); W.grad        # whole arrays
    model = MLP([64, 32, 10], seed=0)                    # networks, and what trains them
    gradcheck(loss, array)                               # is a gradient right?

This file holds the definitions; the engines, layers and optimisers stand beside it and are imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lessons.errors import UnknownLabel
from lessons.layers import MLP, BatchNorm, Conv2d, Dropout, Layer, Linear, Sequential, flatten
from lessons.recomputation import checkpoint, once, peak_bytes
from lessons.tape import tape, tape_graph, waits_for
from lessons.tensor import Tensor, no_grad, record, sum_to
from lessons.tensor_functions import (
    absolute,
    avg_pool2d,
    batch_norm,
    batch_statistics,
    concatenate,
    conv2d,
    cross_entropy,
    dropout,
    exp,
    linear,
    log,
    log_softmax,
    logsumexp,
    max_pool2d,
    maximum,
    minimum,
    mse,
    relu,
    sigmoid,
    softmax,
    sparse_matmul,
    sqrt,
    stack,
    tanh,
    where,
)
from lessons.training import SGD, Adam, Optimiser, accuracy, batches, cosine_schedule, fit
from lessons.value import Value

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "GradientCheck",
    "Layer",
    "Linear",
    "Optimiser",
    "Sequential",
    "Tensor",
    "Value",
    "absolute",
    "accuracy",
    "avg_pool2d",
    "batch_norm",
    "batch_statistics",
    "batches",
    "checkpoint",
    "concatenate",
    "conv2d",
    "cosine_schedule",
    "cross_entropy",
    "dropout",
    "exp",
    "fit",
    "flatten",
    "forward_derivatives",
    "gradcheck",
    "linear",
    "log",
    "log_softmax",
    "logsumexp",
    "max_pool2d",
    "maximum",
    "minimum",
    "mse",
    "no_grad",
    "numerical_gradient",
    "once",
    "path_derivative",
    "peak_bytes",
    "record",
    "relu",
    "sigmoid",
    "softmax",
    "sparse_matmul",
    "sqrt",
    "stack",
    "sum_to",
    "tanh",
    "tape",
    "tape_graph",
    "waits_for",
    "where",
]


# ---------------------------------------------------------------------------------------- definitions


def path_derivative(output: Value, leaf: Value) -> float:
    """The derivative as the chain rule has it: for each path from the leaf to the output the product of the local
    derivatives along it, and the sum of these products. The oracle of `backward`: recursive, and exponential in
    the depth, as there are that many paths.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> path_derivative(y * y, x)                   # two paths, twice: 4 x^3
    108.0

    Notebook: 03_backpropagation. Source: F. L. Bauer, Computational graphs and rounding error, SIAM Journal on
    Numerical Analysis 11 (1), 1974, pages 87-96, doi:10.1137/0711010.
    """
    if output is leaf:
        return 1.0
    return sum((slope * path_derivative(source, leaf) for source, slope in output._edges), 0.0)


def forward_derivatives(output: Value, leaf: Value) -> dict[Value, float]:
    """Forward mode: the derivative of every value on the tape of `output` with respect to one leaf.

    One walk in the order of the computation, each edge of the tape once: O(n + m), for one leaf. `backward` walks
    once for all leaves, but for one output.

    Raises UnknownLabel, a KeyError, where the leaf is not on the tape, TypeError for what are no Values.

    >>> x, y = Value(3.0), Value(4.0)
    >>> z = x * y + x
    >>> forward_derivatives(z, x)[z], forward_derivatives(z, y)[z]
    (5.0, 3.0)

    Notebook: 03_backpropagation.
    """
    if not isinstance(output, Value):
        raise TypeError(f"{type(output).__name__} has no derivatives along its edges: forward mode is for Values")
    nodes = tape(output)
    if leaf not in nodes:
        raise UnknownLabel(
            leaf.name or leaf, [node.name for node in nodes if node.name], what="value on this tape"
        )
    found: dict[Value, float] = {}
    for node in nodes:
        found[node] = sum((slope * found[source] for source, slope in node._edges), 1.0 if node is leaf else 0.0)
    return found


# ---------------------------------------------------------------------------------------- gradients checked


def numerical_gradient(
    function: Callable[..., Any], *inputs: ArrayLike, step: float | None = None
) -> list[NDArray[np.float64]]:
    """The gradient of a function of arrays by central differences, (f(x + h) - f(x - h)) / 2h, entry by entry.

    `function` takes the arrays and gives a number. Its error is about h^2 from the formula and eps / h from
    rounding, least near h = eps^(1/3), which `step` is unless told, times the entry's size where that is above 1.
    Two calls an entry. Raises TypeError where the function gives no number.

    >>> numerical_gradient(lambda x: (x ** 2).sum(), [1.0, -2.0])[0].round(6)
    array([ 2., -4.])

    Notebook: 03_backpropagation.
    """
    arrays = [np.array(values, np.float64) for values in inputs]
    step = float(np.finfo(np.float64).eps ** (1 / 3)) if step is None else step
    if not step > 0:
        raise ValueError(f"step={step}: a small positive number, such as 1e-5")
    found = [np.empty_like(array) for array in arrays]
    for array, gradient in zip(arrays, found, strict=True):
        for at in np.ndindex(array.shape):
            x = float(array[at])
            above, below = x + step * max(1.0, abs(x)), x - step * max(1.0, abs(x))
            array[at] = above
            high = _number(function(*arrays))
            array[at] = below
            low = _number(function(*arrays))
            array[at] = x
            gradient[at] = (high - low) / (above - below)
    return found


def _number(given: Any) -> float:
    if getattr(given, "ndim", 0) or not hasattr(given, "__float__"):
        shape = f" of shape {given.shape}" if hasattr(given, "shape") else ""
        raise TypeError(f"the function gave {type(given).__name__}{shape}; one number is needed: sum() it")
    return float(given)


@dataclass(frozen=True)
class GradientCheck:
    """Where a gradient is farthest from central differences: `input` and entry `at`, both derivatives there.

    `error` is their distance over 1 + |numerical|; `ok` says that it is at most `tolerance`.
    """

    error: float
    tolerance: float
    input: int
    at: tuple[int, ...]
    gradient: float
    numerical: float

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = f"{'right' if self.ok else 'WRONG'}: error {self.error:.1e}, allowed {self.tolerance:.0e}"
        worst = f"{self.gradient:.6g} at {self.at} of input {self.input}, by differences {self.numerical:.6g}"
        return f"{verdict}; worst {worst}"


def gradcheck(
    function: Callable[..., Tensor],
    *inputs: ArrayLike,
    step: float | None = None,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradient that `backward` finds with central differences, in float64.

    `function` takes a Tensor for each of the `inputs` and gives one of any shape, which is reduced to a number by
    random weights from `seed`. It must give the same answer each time, and be smooth where it is checked: at the
    kink of relu both are right and they differ.

    Raises ValueError for inputs without a single entry, TypeError where the function gives no Tensor.

    >>> print(gradcheck(lambda x: x * x, [1.0, 3.0]).ok)
    True
    >>> from lessons.backpropagation import record
    >>> wrong = gradcheck(lambda x: record("square", x.data**2, (x, lambda g: g * x.data)), [1.0, 3.0])
    >>> wrong.ok, wrong.at
    (False, (1,))

    Notebook: 03_backpropagation.
    """
    arrays = [np.array(values, np.float64) for values in inputs]
    if not any(array.size for array in arrays):
        raise ValueError("nothing to check: no input has an entry")
    leaves = [Tensor(array) for array in arrays]
    out = function(*leaves)
    if not isinstance(out, Tensor):
        raise TypeError(f"the function gave {type(out).__name__}, not a Tensor: compute with what it is handed")
    weights = np.random.default_rng(seed).standard_normal(out.shape)
    out.backward(weights)

    def number(*values: NDArray[np.float64]) -> float:
        with no_grad():
            return float((function(*map(Tensor, values)).data * weights).sum())

    numerical = numerical_gradient(number, *arrays, step=step)
    gradients = [
        np.zeros_like(array) if leaf.grad is None else leaf.grad
        for array, leaf in zip(arrays, leaves, strict=True)
    ]
    return _worst(gradients, numerical, tolerance)


def _worst(gradients: Sequence[Any], numerical: Sequence[Any], tolerance: float) -> GradientCheck:
    errors = [np.abs(g - d) / (1 + np.abs(d)) for g, d in zip(gradients, numerical, strict=True)]
    errors = [np.where(np.isnan(error), np.inf, error) for error in errors]
    worst = max((k for k, error in enumerate(errors) if error.size), key=lambda k: float(errors[k].max()))
    at = tuple(map(int, np.unravel_index(int(errors[worst].argmax()), errors[worst].shape)))
    return GradientCheck(
        float(errors[worst][at]), tolerance, worst, at, float(gradients[worst][at]), float(numerical[worst][at])
    )
