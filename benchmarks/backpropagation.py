"""One training step of small networks in float32, and the scalar engine, each beside those who do the same.

numpy's BLAS chooses its kernel when a process starts. So every contender takes its training steps in a process of
its own, one for each kernel: a call asks it for some steps and waits, long enough that the asking, 0.1 ms, hardly
counts. All start from the same weights and train on the same batch; the loss of the third step and the weights
after it are compared with plain NumPy in float64.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from importlib import import_module
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._harness import Call, Case
from benchmarks._inputs import random_pairs, sized

ROOT = Path(__file__).parents[1]
KERNELS = ("", "Haswell", "SkylakeX")  # "": what OpenBLAS chooses for this processor
STEPS = (((64, 32, 10), 32, 200), ((64, 128, 128, 10), 128, 50), ((784, 512, 512, 10), 512, 5))  # steps a call
RATE, SCALAR_RATE = 0.1, 0.001

Weights = list[NDArray[Any]]  # of each layer W, with a row for each output, and b
Step = tuple[Callable[[], Any], Callable[[], Weights]]  # trains once and gives the loss before; the weights by now


def cases(scale: float) -> Iterator[Case]:
    yield scalar_case("collector off", 1, scale)
    yield scalar_case("collector on 10 steps", 10, scale)
    for kernel, name in kernels().items():
        for sizes, batch, steps in STEPS:
            yield step_case(sizes, batch, steps, kernel, name, scale)
    yield conv_case(scaled(64, scale))
    yield sparse_case(*sized(10_000, 100_000, scale))


def scaled(number: int, scale: float) -> int:
    return max(2, round(number * scale))


# ---------------------------------------------------------------------------------------- a step of training


def step_case(sizes: Sequence[int], batch: int, steps: int, kernel: str, name: str, scale: float) -> Case:
    sizes, batch = [scaled(size, scale) for size in sizes], scaled(batch, scale)
    call = {who: partial(in_a_process, who, kernel, [sizes, batch, steps]) for who in CONTENDERS}
    return Case(
        input=f"MLP {' '.join(map(str, sizes))}",
        n=batch,
        m=sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes)),
        function="training",
        variant=f"{steps} steps {name} kernel{'' if kernel else ' by default'}",
        ours=call.pop("ours"),
        peers=call,
        right=lambda answer: answer == "right",
        repeats=31 if scale == 1 else 1,
    )


@lru_cache(maxsize=1)
def kernels() -> dict[str, str]:
    """What to ask numpy's BLAS for, and the kernel that it then uses: its own choice and others that run here."""
    found: dict[str, str] = {}
    for kernel in KERNELS:
        ask = [sys.executable, "-m", "benchmarks.backpropagation", "kernel"]
        done = subprocess.run(
            ask, cwd=ROOT, env=environment(kernel), capture_output=True, text=True, timeout=60, check=False
        )
        name = done.stdout.strip()
        if done.returncode == 0 and name not in found.values():  # a processor stops at what it cannot do
            found[kernel] = name
    return found


def environment(kernel: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    return others | ({"OPENBLAS_CORETYPE": kernel} if kernel else {})


def in_a_process(contender: str, kernel: str, order: list[Any]) -> Call:
    """The call that has a contender take some steps; it answers whether its first three were right.

    Raises ModuleNotFoundError where the contender is not installed.
    """
    if contender != "ours":
        import_module(contender)  # here, too, so that it is missed, or its version told
    process = started(contender, kernel)

    def call() -> str:
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        answer: str = process.stdout.readline().strip()
        return answer

    return call


@cache
def started(contender: str, kernel: str) -> Any:
    """A process that takes orders until this one ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.backpropagation", contender],
        cwd=ROOT,
        env=environment(kernel),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.communicate)
    return process


# ---------------------------------------------------------------------------------------- in that process


def main(contender: str) -> None:
    """Take orders (sizes, batch, steps), one a line: "right" after the steps, or what was wrong before them."""
    if contender == "kernel":
        print(kernel_in_use())
        return
    if contender == "jax" and hasattr(os, "sched_setaffinity"):  # its threads ask no variable how many they may be
        processors = sorted(os.sched_getaffinity(0))[: int(os.environ["OMP_NUM_THREADS"])]
        os.sched_setaffinity(0, processors)
    for line in sys.stdin:
        sizes, batch, steps = json.loads(line)
        train, problem = ready(contender, tuple(sizes), batch)
        train(steps)
        print(problem or "right", flush=True)
        gc.collect()


def kernel_in_use() -> str:
    """The name that numpy's BLAS gives its kernel, after a product has run with it."""
    product = np.ones((64, 64), np.float32) @ np.ones((64, 64), np.float32)
    assert (product == 64).all()
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return "unknown"
    return next((pool["architecture"] for pool in threadpool_info() if "architecture" in pool), "unknown")


@cache
def ready(contender: str, sizes: tuple[int, ...], batch: int) -> tuple[Callable[[int], None], str]:
    """What trains for a number of steps, without the collector; what was wrong with the first three, if it was."""
    weights, X, labels = problem_of(sizes, batch)
    step, weights_now = CONTENDERS[contender]([w.copy() for w in weights], X, labels)
    losses = [step().item() for _ in range(3)]
    loss, _, expected = reference(weights, X, partial(cross_entropy_of, labels), RATE, steps=3)
    moved = [np.abs(new - old).max() for new, old in zip(expected, weights, strict=True)]
    wrong = [np.abs(new - right).max() for new, right in zip(weights_now(), expected, strict=True)]
    problem = "" if abs(losses[-1] - loss) < 1e-5 * loss else f"loss {losses[-1]}, not {loss}"
    if any(w > 1e-3 * m for w, m in zip(wrong, moved, strict=True)):
        problem = f"weights off by {wrong} after moving by {moved}"
    gc.collect()
    gc.freeze()
    gc.disable()

    def train(steps: int) -> None:
        for _ in range(steps):
            loss = step()
        loss.item()  # some compute on while Python goes ahead

    return train, problem


def problem_of(sizes: tuple[int, ...], batch: int) -> tuple[Weights, NDArray[Any], NDArray[Any]]:
    """The weights to start from, and a batch with its labels."""
    rng = np.random.default_rng(3)
    weights: Weights = []
    for inputs, outputs in pairwise(sizes):
        weights.append((rng.standard_normal((outputs, inputs)) * (2 / inputs) ** 0.5).astype(np.float32))
        weights.append((rng.standard_normal(outputs) * 0.1).astype(np.float32))
    X = rng.standard_normal((batch, sizes[0])).astype(np.float32)
    return weights, X, rng.integers(0, sizes[-1], batch)


def reference(
    weights: Weights,
    X: NDArray[Any],
    loss_of: Callable[[NDArray[Any]], tuple[float, NDArray[Any]]],
    rate: float,
    steps: int,
) -> tuple[float, Weights, Weights]:
    """Loss and gradients of the last of these steps and the weights after it, in float64, all derivatives by hand.

    `loss_of` gives the loss of what comes out, and its derivative with respect to that.
    """
    weights = [w.astype(np.float64) for w in weights]
    last = len(weights) // 2 - 1
    for _ in range(steps):
        signals = [X.astype(np.float64)]
        for k in range(last + 1):
            z = signals[k] @ weights[2 * k].T + weights[2 * k + 1]
            signals.append(np.maximum(z, 0) if k < last else z)
        loss, g = loss_of(signals[-1])
        gradients: Weights = []
        for k in reversed(range(last + 1)):
            gradients = [g.T @ signals[k], g.sum(axis=0), *gradients]
            g = (g @ weights[2 * k]) * (signals[k] > 0)
        weights = [w - rate * slope for w, slope in zip(weights, gradients, strict=True)]
    return loss, gradients, weights


def cross_entropy_of(labels: NDArray[Any], z: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    wanted = np.eye(z.shape[1])[labels]
    return float(-np.log((p * wanted).sum(axis=1)).mean()), (p - wanted) / len(labels)


def by_lessons(weights: Weights, X: NDArray[Any], labels: NDArray[Any]) -> Step:
    from lessons.backpropagation import MLP, SGD, cross_entropy

    model = MLP([X.shape[1], *(b.size for b in weights[1::2])], seed=0)
    for parameter, values in zip(model.parameters(), weights, strict=True):
        parameter.data = values
    optimiser = SGD(model.parameters(), RATE)

    def step() -> Any:
        loss = cross_entropy(model(X), labels)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss

    return step, lambda: [parameter.data for parameter in model.parameters()]


def by_torch(weights: Weights, X: NDArray[Any], labels: NDArray[Any]) -> Step:
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for W in weights[::2]:
        layers += [nn.Linear(W.shape[1], W.shape[0]), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(values))
    optimiser = torch.optim.SGD(model.parameters(), RATE)
    batch, classes = torch.from_numpy(X), torch.from_numpy(labels)

    def step() -> Any:
        loss = nn.functional.cross_entropy(model(batch), classes)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss

    return step, lambda: [parameter.detach().numpy() for parameter in model.parameters()]


def by_autograd(weights: Weights, X: NDArray[Any], labels: NDArray[Any]) -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    rows = np.arange(len(labels))

    def loss_of(weights: Weights) -> Any:
        z = X
        for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            z = anp.maximum(anp.dot(z, W.T) + b, 0)
        z = anp.dot(z, weights[-2].T) + weights[-1]
        return anp.mean(logsumexp(z, axis=1) - z[rows, labels])

    slope = value_and_grad(loss_of)

    def step() -> Any:
        loss, gradients = slope(weights)
        for w, g in zip(weights, gradients, strict=True):
            w -= RATE * g
        return loss

    return step, lambda: weights


def by_jax(weights: Weights, X: NDArray[Any], labels: NDArray[Any]) -> Step:
    import jax
    import jax.numpy as jnp

    def loss_of(weights: list[Any]) -> Any:
        z = batch
        for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            z = jax.nn.relu(z @ W.T + b)
        z = z @ weights[-2].T + weights[-1]
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(len(classes)), classes])

    @partial(jax.jit, donate_argnums=0)
    def update(weights: list[Any]) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights)
        return loss, [w - RATE * g for w, g in zip(weights, gradients, strict=True)]

    batch, classes = jnp.asarray(X), jnp.asarray(labels)
    now = [jnp.asarray(w) for w in weights]

    def step() -> Any:
        nonlocal now
        loss, now = update(now)
        return loss

    return step, lambda: [np.asarray(w) for w in now]


CONTENDERS = {"ours": by_lessons, "torch": by_torch, "autograd": by_autograd, "jax": by_jax}


# ---------------------------------------------------------------------------------------- forward and back


def conv_case(images: int) -> Case:
    """The loss of two convolutions, a pooling between them and a layer of weights, and all gradients."""
    return Case(
        input="CNN 16 32 on images 8 x 8",
        n=images,
        m=sum(w.size for w in conv_problem(images)[0]),
        function="conv2d",
        variant="forward and back",
        ours=partial(conv_by_lessons, images),
        peers={"torch": partial(conv_by_torch, images)},
        right=partial(conv_is_right, images),
        repeats=31,
    )


@lru_cache(maxsize=1)
def conv_problem(images: int) -> tuple[Weights, NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(6)
    weights: Weights = []
    for shape in ((16, 1, 3, 3), (32, 16, 3, 3), (10, 32 * 16)):
        W = rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
        weights += [W.astype(np.float32), (rng.standard_normal(shape[0]) * 0.1).astype(np.float32)]
    return weights, rng.random((images, 1, 8, 8)).astype(np.float32), rng.integers(0, 10, images)


def conv_by_lessons(images: int) -> Call:
    from lessons.backpropagation import Tensor, conv2d, cross_entropy, linear, max_pool2d, relu

    weights, X, labels = conv_problem(images)
    W1, b1, W2, b2, W3, b3 = tensors = [Tensor(w) for w in weights]

    def call() -> tuple[float, Weights]:
        z = max_pool2d(relu(conv2d(X, W1, b1, padding=1)), 2)
        z = relu(conv2d(z, W2, b2, padding=1))
        loss = cross_entropy(linear(z.reshape(images, -1), W3, b3), labels)
        for tensor in tensors:
            tensor.grad = None
        loss.backward()
        return loss.item(), [tensor.grad for tensor in tensors]

    return call


def conv_by_torch(images: int) -> Call:
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    weights, X, labels = conv_problem(images)
    W1, b1, W2, b2, W3, b3 = tensors = [torch.from_numpy(w).clone().requires_grad_() for w in weights]
    batch, classes = torch.from_numpy(X), torch.from_numpy(labels)

    def call() -> tuple[float, Weights]:
        z = F.max_pool2d(F.relu(F.conv2d(batch, W1, b1, padding=1)), 2)
        z = F.relu(F.conv2d(z, W2, b2, padding=1))
        loss = F.cross_entropy(F.linear(z.reshape(images, -1), W3, b3), classes)
        for tensor in tensors:
            tensor.grad = None
        loss.backward()
        return loss.item(), [tensor.grad.numpy() for tensor in tensors]

    return call


def conv_is_right(images: int, answer: tuple[float, Weights]) -> bool:
    """Whether the loss is that of NumPy in float64, and falls along the gradients as fast as they say."""
    weights, _, _ = conv_problem(images)
    loss, gradients = answer
    length = sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients) ** 0.5
    high, low = (
        conv_loss(images, [w + h * g.astype(np.float64) / length for w, g in zip(weights, gradients, strict=True)])
        for h in (1e-6, -1e-6)
    )
    return bool(
        np.isclose(loss, conv_loss(images, weights), rtol=1e-5)
        and np.isclose((high - low) / 2e-6, length, rtol=1e-3)
    )


def conv_loss(images: int, weights: Weights) -> float:
    _, X, labels = conv_problem(images)
    z = np.maximum(correlated(X.astype(np.float64), *weights[:2]), 0)
    z = z.reshape(images, 16, 4, 2, 4, 2).max(axis=(3, 5))
    z = np.maximum(correlated(z, *weights[2:4]), 0).reshape(images, -1)
    return cross_entropy_of(labels, z @ weights[4].T + weights[5])[0]


def correlated(x: NDArray[Any], W: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """A convolution with windows of 3 x 3, padded so that images keep their size."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)]), (3, 3), (2, 3))
    return np.einsum("nihwyx,oiyx->nohw", windows, W) + b[:, None, None]


def sparse_case(n: int, m: int) -> Case:
    """The product of a sparse matrix and 32 columns, and the gradient of these."""
    return Case(
        input="random digraph",
        n=n,
        m=m,
        function="sparse_matmul",
        variant="forward and back",
        ours=partial(sparse_by_lessons, n, m),
        peers={"torch": partial(sparse_by_torch, n, m)},
        right=partial(sparse_is_right, n, m),
        repeats=31,
    )


@lru_cache(maxsize=1)
def sparse_problem(n: int, m: int) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """A (n, n) with m entries, X (n, 32), and what each entry of A @ X counts."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng(7)
    A = csr_array((rng.random(m, np.float32), random_pairs(n, m, seed=7).T), (n, n))
    return A, rng.random((n, 32), np.float32), rng.random((n, 32), np.float32)


def sparse_by_lessons(n: int, m: int) -> Call:
    from lessons.backpropagation import Tensor, sparse_matmul

    A, X, weights = sparse_problem(n, m)
    x = Tensor(X)

    def call() -> tuple[Any, Any]:
        out = sparse_matmul(A, x)
        x.grad = None
        out.backward(weights)
        return out.data, x.grad

    return call


def sparse_by_torch(n: int, m: int) -> Call:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    A, X, weights = sparse_problem(n, m)
    parts = (torch.from_numpy(part) for part in (A.indptr, A.indices, A.data))
    matrix = torch.sparse_csr_tensor(*parts, size=A.shape)
    x, counts = torch.from_numpy(X).clone().requires_grad_(), torch.from_numpy(weights)

    def call() -> tuple[Any, Any]:
        out = matrix @ x
        x.grad = None
        out.backward(counts)
        return out.detach().numpy(), x.grad.numpy()

    return call


def sparse_is_right(n: int, m: int, answer: tuple[Any, Any]) -> bool:
    A, X, weights = sparse_problem(n, m)
    A = A.astype(np.float64)
    return np.allclose(answer[0], A @ X, rtol=1e-4) and np.allclose(answer[1], A.T @ weights, rtol=1e-4)


# ---------------------------------------------------------------------------------------- one number at a time


def scalar_case(variant: str, steps: int, scale: float) -> Case:
    """Some steps of a network of numbers; several with the collector on, as each is to pay for its own garbage."""
    hidden, samples = scaled(16, scale), scaled(10, scale)
    return Case(
        input=f"MLP 2 {hidden} {hidden} 1",
        n=samples,
        m=hidden * (hidden + 5) + 1,
        function="Value",
        variant=variant,
        ours=partial(by_value, hidden, samples, steps),
        peers={"micrograd": partial(by_micrograd, hidden, samples, steps)},
        right=partial(agrees, hidden, samples, steps),
        repeats=31 if scale == 1 else 1,
    )


def by_value(hidden: int, samples: int, steps: int) -> Call:
    from lessons.backpropagation import Value

    return scalar_training(Value, hidden, samples, steps)


def by_micrograd(hidden: int, samples: int, steps: int) -> Call:
    from micrograd.engine import Value

    return scalar_training(Value, hidden, samples, steps)


def scalar_training(Value: Any, hidden: int, samples: int, steps: int) -> Call:
    """The call that trains a network of an engine's numbers, by the same code for every engine.

    It gives the loss of the last step, and the parameters with their gradients.
    """
    weights, X, signs = scalar_problem(hidden, samples)
    layers = [
        [([Value(w) for w in row], Value(bias)) for row, bias in zip(W.tolist(), b.tolist(), strict=True)]
        for W, b in zip(weights[::2], weights[1::2], strict=True)
    ]
    parameters = [*chain.from_iterable((*row, bias) for layer in layers for row, bias in layer)]
    points = [*zip(X.tolist(), signs.tolist(), strict=True)]

    def network(signals: list[Any]) -> Any:
        for layer in layers:
            sums = [sum((w * x for w, x in zip(row, signals, strict=True)), bias) for row, bias in layer]
            signals = sums if layer is layers[-1] else [total.relu() for total in sums]
        return signals[0]

    def step() -> float:
        loss = sum((1.0 - sign * network([Value(x) for x in point])).relu() for point, sign in points)
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= SCALAR_RATE * p.grad
        return loss.data

    def call() -> tuple[float, list[Any]]:
        if steps > 1:
            gc.enable()
        losses = [step() for _ in range(steps)]
        gc.disable()
        return losses[-1], parameters

    return call


def scalar_problem(hidden: int, samples: int) -> tuple[Weights, NDArray[Any], NDArray[Any]]:
    """The weights to start from, points of the plane and the sides, 1 or -1, that they belong to."""
    rng = np.random.default_rng(4)
    weights: Weights = []
    for inputs, outputs in pairwise([2, hidden, hidden, 1]):
        weights += [rng.uniform(-1, 1, (outputs, inputs)), np.zeros(outputs)]
    return weights, rng.standard_normal((samples, 2)), rng.choice([-1.0, 1.0], samples)


def hinge_of(signs: NDArray[Any], z: NDArray[Any]) -> tuple[float, NDArray[Any]]:
    """max(0, 1 - sign z), summed: what is nearer than 1 to the border, or beyond it, counts."""
    short = 1 - signs[:, None] * z
    return float(short[short > 0].sum()), -signs[:, None] * (short > 0)


def agrees(hidden: int, samples: int, steps: int, answer: tuple[float, list[Any]]) -> bool:
    """Whether loss and gradients are those of NumPy, to rounding."""
    weights, X, signs = scalar_problem(hidden, samples)
    loss, gradients, _ = reference(weights, X, partial(hinge_of, signs), SCALAR_RATE, steps)
    rows = [np.column_stack(pair).ravel() for pair in zip(gradients[::2], gradients[1::2], strict=True)]
    found = [p.grad for p in answer[1]]
    return bool(np.isclose(answer[0], loss, rtol=1e-12) and np.allclose(found, np.concatenate(rows), rtol=1e-9))


if __name__ == "__main__":
    main(sys.argv[1])
