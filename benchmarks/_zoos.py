"""Zoos of small networks, watched while they learn: who is in them, what they are taught, what is written down.

A zoo has some networks for each seed. Every network draws its settings, its weights and the order of its rows from
a generator of its own, so it learns the same in whatever company; networks of one shape are trained side by side,
their weights stacked, in NumPy and float64. `watched` gives what is written down after each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.datasets import digits
from lessons.graph import as_graph
from lessons.layers import Linear, Sequential
from lessons.neural_capacitance import in_out_sums
from lessons.relational_graphs import RelationalLinear, relational_mask
from lessons.tensor_functions import relu

Array = NDArray[np.float64]
Rows = tuple[Array, NDArray[np.int64]]  # inputs (rows, inputs) and classes (rows,)
Random = np.random.Generator

MOMENTUM, BETAS, EPSILON = 0.9, (0.9, 0.999), 1e-8
WATCHED_ROWS = 256  # of the training rows: the same ones after each epoch
LAST = 5  # epochs over which the final test accuracy is a mean
SERIES = ("accuracy", "loss", "beta", "absolute_beta", "weight_norm", "gradient_norm")


@dataclass
class Network:
    """One of a zoo. Weights `W[k]` (receivers, senders); `graphs[k]` is the relational graph of W[k], or None.

    The first `moving` layers of weights learn, all unless told, and beta is that of the layers from number `probe`
    on. Where that is not 0, the activations that come in there are divided by their root mean square. Biases `b`
    are 0 unless told.
    """

    W: list[Array]
    graphs: list[Any]
    parts: tuple[Rows, ...]  # to learn from, to validate, to test
    random: Random
    rate: float
    batch: int
    adam: bool = False
    probe: int = 0
    moving: int | None = None
    b: list[Array] | None = None
    told: dict[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """What networks that are trained side by side have in common."""
        return (self.batch, self.probe, self.W[0].shape[1], *(len(W) for W in self.W))


@dataclass(frozen=True)
class Kind:
    """A zoo: how many networks for each seed, how many epochs, and how a network is made."""

    make: Callable[[int, Random], Network]
    networks: int
    epochs: int
    seeds: range
    number: int  # of its own stream of random numbers


# ---------------------------------------------------------------------------------------- what is learned


def parted(X: Array, y: NDArray[np.int64], rows: Sequence[int]) -> tuple[Rows, ...]:
    """As many rows to learn from and to validate as told; the rest to test."""
    first, second = np.cumsum(rows)
    return (X[:first], y[:first]), (X[first:second], y[first:second]), (X[second:], y[second:])


def shuffled_digits(seed: int, numerals: range = range(10)) -> Rows:
    """Grey values from 0 to 1, and classes from 0; in an order that depends on the seed."""
    X, y = _digits()
    rows = np.flatnonzero(np.isin(y, numerals))
    rows = np.random.default_rng([seed, 1]).permutation(rows)
    return X[rows] / 16, y[rows] - numerals.start


@cache
def _digits() -> Rows:
    return digits()


def centred(parts: tuple[Rows, ...]) -> tuple[Rows, ...]:
    """Without the mean of the rows to learn from."""
    mean = parts[0][0].mean(axis=0)
    return tuple((X - mean, y) for X, y in parts)


def lines(seed: int, count: int, classes: int = 10, length: int = 40) -> Rows:
    """Synthetic lines: of each class a curve through 12 points, distorted, shifted and in noise.

    In the spirit of MNIST-1D (S. Greydanus, D. Kobak, ICML 2024, arXiv:2011.14439); its rules are not these.
    """
    curves = np.random.default_rng(7).standard_normal((classes, 12))
    curves = np.array([np.convolve(curve, [0.25, 0.5, 0.25], "same") for curve in curves])
    curves *= 2.5 / np.abs(curves).max(axis=1, keepdims=True)
    random, places = np.random.default_rng([seed, 2]), np.linspace(0, 1, length)
    y = random.integers(0, classes, count)
    X = np.array([_line(curves[one], places, random) for one in y])
    return X, y


def _line(curve: Array, places: Array, random: Random) -> Array:
    gain, slope = 1 + 0.4 * random.standard_normal(), 0.75 * random.standard_normal()
    width = random.uniform(0.35, 0.6)
    start = random.uniform(0, 1 - width)
    bent = curve * gain + slope * np.linspace(-0.5, 0.5, len(curve))
    clean = np.interp(places, start + width * np.linspace(0, 1, len(curve)), bent, left=0, right=0)
    noise = np.convolve(random.standard_normal(len(places) + 4), np.full(5, 5**-0.5), "valid")
    return clean + 0.25 * noise


# ---------------------------------------------------------------------------------------- who is in a zoo


def features_of_digits(seed: int, random: Random) -> Network:
    """One network, 48-48-48; how many pixels it sees and how quickly it learns vary."""
    parts = parted(*shuffled_digits(seed), (300, 500))
    return _of_features(parts, random, (3, 4, 6, 8, 12, 16, 24, 40))


def features_of_lines(seed: int, random: Random) -> Network:
    """The same on synthetic lines."""
    parts = parted(*lines(seed, 500 + 600 + 1200), (500, 600))
    return _of_features(parts, random, (6, 8, 10, 14, 18, 24, 30, 40))


def _of_features(parts: tuple[Rows, ...], random: Random, counts: Sequence[int]) -> Network:
    spread = parts[0][0].std(axis=0)
    varied = np.flatnonzero(spread > 0.1)
    count = min(int(random.choice(counts)), len(varied))
    seen = random.choice(varied, count, replace=False)
    rate = float(10 ** random.uniform(-2.6, -1.4))
    parts = tuple((X[:, seen] / spread[seen], y) for X, y in centred(parts))
    W = [started(random, n_out, n_in) for n_in, n_out in pairwise([count, 48, 48, 48, 10])]
    return Network(W, [None] * 4, parts, random, rate, 20, told={"inputs": count, "rate": rate})


def architectures(seed: int, random: Random) -> Network:
    """Depth, width and how many of 8 groups of units hear each other vary."""
    depth, width = int(random.choice([3, 4, 5])), int(random.choice([8, 12, 16, 24, 32, 48]))
    share = float(random.choice([0.25, 0.5, 1.0]))
    pairs = [(u, v) for u in range(8) for v in range(u) if random.random() < share or share == 1]
    graph = as_graph(pairs, n=8)
    graphs = [None, *[graph] * (depth - 1), None]
    W = [
        started(random, n_out, n_in, one)
        for (n_in, n_out), one in zip(pairwise([64, *[width] * depth, 10]), graphs, strict=True)
    ]
    told = {"depth": depth, "width": width, "edges": graph.m}
    return Network(W, graphs, _parts_600(seed), random, 0.02, 32, told=told)


def hyperparameters(seed: int, random: Random) -> Network:
    """One network, 32-32-32; rate, size of the first weights and of batches vary."""
    rate, gain = float(10 ** random.uniform(-3, -1.2)), float(random.choice([0.7, 1.0, 1.3]))
    batch = int(random.choice([16, 32, 64]))
    W = [gain * started(random, n_out, n_in) for n_in, n_out in pairwise([64, 32, 32, 32, 10])]
    told = {"rate": rate, "gain": gain, "batch": batch}
    return Network(W, [None] * 4, _parts_600(seed), random, rate, batch, told=told)


def _parts_600(seed: int) -> Any:
    return centred(parted(*shuffled_digits(seed), (600, 400)))


def transfer(seed: int, random: Random) -> Network:
    """A body that has learned the numerals 0 to 4, more or less of them and well, learns 5 to 9.

    On it stands the probe, four layers of random weights that never move: the setting nearest to the paper's.
    """
    depth, width = int(random.integers(1, 5)), int(random.choice([12, 16, 24, 32, 48, 64]))
    W, b, told = _body(seed, random, depth, width)
    W += [started(random, n_out, n_in) for n_in, n_out in pairwise([width, 64, 64, 32, 5])]
    b += [np.zeros(size) for size in (64, 64, 32, 5)]
    parts = centred(parted(*shuffled_digits(seed, range(5, 10)), (200, 250)))
    return Network(W, [None] * len(W), parts, random, 4e-3, 16, True, depth, depth, b, told)


def _body(seed: int, random: Random, depth: int, width: int) -> tuple[list[Array], list[Array], dict[str, float]]:
    """Weights and biases of a body that has learned the numerals 0 to 4, and how."""
    epochs, share = int(random.choice([0, 1, 3, 10, 25])), float(random.choice([0.2, 0.5, 1.0]))
    wrong = float(random.choice([0, 0, 0.3]))
    W = [started(random, n_out, n_in) for n_in, n_out in pairwise([64, *[width] * depth, 5])]
    (X, y), *others = centred(parted(*shuffled_digits(seed, range(5)), (int(450 * share), 0)))
    y = np.where(random.random(len(y)) < wrong, random.integers(0, 5, len(y)), y)
    learner = Network(W, [None] * len(W), ((X, y), *others), random, 0.01, 32, probe=depth)
    W, b = pretrained(learner, epochs)
    told = {"depth": depth, "width": width, "epochs": epochs, "share": share, "wrong": wrong}
    return W[:-1], b[:-1], told


def started(random: Random, n_out: int, n_in: int, graph: Any = None) -> Array:
    """First weights (n_out, n_in), after He and others: of variance 2 / the inputs that a unit has."""
    W = random.standard_normal((n_out, n_in))
    if graph is None:
        return W * (2 / n_in) ** 0.5
    mask = relational_mask(graph, n_out, n_in)
    return W * mask * (2 / mask.sum(axis=1, keepdims=True)) ** 0.5


ZOOS = {
    "features/digits": Kind(features_of_digits, 20, 60, range(100, 110), 0),
    "features/lines": Kind(features_of_lines, 20, 50, range(100, 110), 1),
    "architectures/digits": Kind(architectures, 24, 40, range(100, 108), 2),
    "hyperparameters/digits": Kind(hyperparameters, 24, 40, range(100, 108), 3),
    "transfer/digits": Kind(transfer, 17, 50, range(100, 110), 4),
}


def network(zoo: str, seed: int, place: int) -> Network:
    """A network of a zoo, before it has learned anything there; one that is dead is drawn again."""
    kind = ZOOS[zoo]
    random = np.random.default_rng([seed, place, kind.number, 13])
    one = kind.make(seed, random)
    while dead(one):
        one = kind.make(seed, random)
    return one


def dead(one: Network) -> bool:
    """Whether a hidden layer hands nothing on, whatever the row: it never will."""
    hidden = Stack([one]).forward(one.parts[0][0][None])[1:-1]
    return not all(Z.any() for Z in hidden)


# ---------------------------------------------------------------------------------------- learning


class Stack:
    """Networks of one shape: `W[k]` (networks, receivers, senders) and `b[k]` (networks, 1, receivers)."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks, first = list(networks), networks[0]
        self.W = [np.stack(layers) for layers in zip(*(one.W for one in networks), strict=True)]
        self.b = [np.stack(layers)[:, None] for layers in zip(*map(_biases, networks), strict=True)]
        self.there = [self._there(k) for k in range(len(self.W))]
        self.probe, self.moving, self.adam = first.probe, first.moving or len(self.W), first.adam
        self.rate = np.array([one.rate for one in networks])[:, None, None]
        self.steps = 0
        self._memory = [(np.zeros_like(p), np.zeros_like(p)) for p in self.parameters()]

    def _there(self, k: int) -> Array:
        """1 where a weight of layer k may be: (networks, receivers, senders), or one for all where none lacks."""
        graphs, shape = [one.graphs[k] for one in self.networks], self.W[k].shape[1:]
        if all(graph is None for graph in graphs):
            return np.ones(1)
        return np.stack([relational_mask(graph, *shape) for graph in graphs]).astype(float)

    def parameters(self) -> list[Array]:
        """Those that learn."""
        return [*self.W[: self.moving], *self.b[: self.moving]]

    def forward(self, X: Array) -> list[Array]:
        """X (networks, rows, inputs), what each hidden layer makes of it, and the scores."""
        Z = [X]
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True), start=1):
            z = Z[-1] @ W.swapaxes(1, 2) + b
            if k < len(self.W):
                z = np.maximum(z, 0)
            if k == self.probe:
                self.root = np.sqrt((z * z).mean(axis=2, keepdims=True) + 1e-6)
                z = z / self.root
            Z.append(z)
        return Z

    def gradients(self, X: Array, y: NDArray[np.int64]) -> tuple[Array, list[Array]]:
        """Each network's mean cross entropy, and its gradients, in the order of `parameters`."""
        Z = self.forward(X)
        q = Z[-1] - Z[-1].max(axis=2, keepdims=True)
        q -= np.log(np.exp(q).sum(axis=2, keepdims=True))
        loss = -np.take_along_axis(q, y[:, :, None], axis=2)[:, :, 0].mean(axis=1)
        D = np.exp(q)
        np.put_along_axis(D, y[:, :, None], np.take_along_axis(D, y[:, :, None], axis=2) - 1, axis=2)
        D /= y.shape[1]
        to_W, to_b = [], []
        for k in range(len(self.W), 0, -1):
            if k <= self.moving:
                to_W.append(D.swapaxes(1, 2) @ Z[k - 1] * self.there[k - 1])
                to_b.append(D.sum(axis=1, keepdims=True))
            if k > 1:
                D = self._back(k, D, Z[k - 1])
        return loss, to_W[::-1] + to_b[::-1]

    def _back(self, k: int, D: Array, z: Array) -> Array:
        """From the errors before layer k of weights to those of the layer of units that feeds it."""
        g = D @ self.W[k - 1]
        if k - 1 == self.probe:
            g = (g - z * (g * z).mean(axis=2, keepdims=True)) / self.root
        return g * (z > 0)

    def step(self, X: Array, y: NDArray[np.int64]) -> None:
        """One step on one batch of each network, by momentum or by Adam."""
        self.steps += 1
        _, gradients = self.gradients(X, y)
        for p, g, (mean, size) in zip(self.parameters(), gradients, self._memory, strict=True):
            if not self.adam:
                mean *= MOMENTUM
                mean += g
                p -= self.rate * mean
                continue
            mean += (1 - BETAS[0]) * (g - mean)
            size += (1 - BETAS[1]) * (g * g - size)
            root = np.sqrt(size / (1 - BETAS[1] ** self.steps)) + EPSILON
            p -= self.rate * (mean / (1 - BETAS[0] ** self.steps)) / root

    def epoch(self, X: Array, y: NDArray[np.int64], batch: int) -> None:
        """Once through all rows, each network in an order of its own."""
        orders = np.stack([one.random.permutation(y.shape[1]) for one in self.networks])
        own = np.arange(len(orders))[:, None]
        for start in range(0, y.shape[1], batch):
            rows = orders[:, start : start + batch]
            self.step(X[own, rows], y[own, rows])

    def model(self, place: int) -> Sequential:
        """The layers that beta is taken of, as a model of the tensor engine."""
        steps: list[Any] = []
        for k in range(self.probe, len(self.W)):
            W, graph = self.W[k][place], self.networks[place].graphs[k]
            sizes: Any = W.shape[::-1]
            made = Linear if graph is None else partial(RelationalLinear, graph)
            layer = made(*sizes, seed=0, dtype=np.float64)
            layer.load(layer.state() | {"W": W, "b": self.b[k][place, 0]})
            steps += [layer, relu]
        return Sequential(*steps[:-1])


def _biases(network: Network) -> list[Array]:
    return [np.zeros(len(W)) for W in network.W] if network.b is None else network.b


def pretrained(learner: Network, epochs: int) -> tuple[list[Array], list[Array]]:
    """The weights and biases of a network after some epochs."""
    stack = Stack([learner])
    X, y = learner.parts[0]
    for _ in range(epochs):
        stack.epoch(X[None], y[None], learner.batch)
    return [W[0] for W in stack.W], [b[0, 0] for b in stack.b]


# ---------------------------------------------------------------------------------------- watching


def watched(networks: Sequence[Network], epochs: int, seen: int) -> list[dict[str, Any]]:
    """Train networks of one shape. Of each `SERIES` after epochs 0 to `seen`, "final", "final_loss"."""
    stack = Stack(networks)
    parts: list[Any] = [
        tuple(map(np.stack, zip(*part, strict=True))) for part in zip(*(n.parts for n in networks), strict=True)
    ]
    (X, y), validation, test = parts
    own = np.arange(len(networks))[:, None]
    rows = np.stack([one.random.permutation(y.shape[1])[:WATCHED_ROWS] for one in networks])
    probe = X[own, rows], y[own, rows]
    series, tests, losses = [look(stack, probe, validation)], [], []
    for epoch in range(1, epochs + 1):
        stack.epoch(X, y, networks[0].batch)
        if epoch <= seen:
            series.append(look(stack, probe, validation))
        if epoch > epochs - LAST:
            tests.append(right(stack, *test))
            losses.append(stack.gradients(*probe)[0])
    final, loss = np.mean(tests, axis=0), np.mean(losses, axis=0)
    return [
        {name: np.array([one[name][k] for one in series]) for name in SERIES}
        | {"final": final[k], "final_loss": loss[k]}
        for k in range(len(networks))
    ]


def right(stack: Stack, X: Array, y: NDArray[np.int64]) -> Array:
    """(networks,) the share of rows whose highest score is that of their class."""
    return (stack.forward(X)[-1].argmax(axis=2) == y).mean(axis=1)


def look(stack: Stack, probe: Rows, validation: Rows) -> dict[str, Array]:
    """`SERIES` of each network as it is now; loss, beta and gradient on some rows to learn from."""
    loss, gradients = stack.gradients(*probe)
    inputs = stack.forward(probe[0])[stack.probe]
    found = np.array([betas(stack.model(k), inputs[k], probe[1][k]) for k in range(len(loss))])
    moving = stack.moving
    return {
        "accuracy": right(stack, *validation),
        "loss": loss,
        "beta": found[:, 0],
        "absolute_beta": found[:, 1],
        "weight_norm": norm(stack.W[:moving]),
        "gradient_norm": norm(gradients[:moving]),
    }


def betas(model: Sequential, X: Array, y: NDArray[np.int64]) -> tuple[float, float]:
    """beta_eff with signs and without; 0 where P is, as after a hidden layer has ceased to hand anything on."""
    signed, sizes = (in_out_sums(model, X, y, absolute=absolute) for absolute in (False, True))
    if sizes.denominator == 0:
        return 0.0, 0.0
    return signed.numerator / signed.denominator, sizes.numerator / sizes.denominator


def norm(layers: Sequence[Array]) -> Array:
    """(networks,) the length of all these numbers together."""
    return np.sqrt(sum((layer * layer).sum(axis=(1, 2)) for layer in layers))


def zoo_watched(
    zoo: str, seeds: Sequence[int], places: Sequence[int], epochs: int, seen: int
) -> dict[tuple[int, int], dict[str, Any]]:
    """What is seen of each (seed, place) of a zoo in the first epochs; "told" are its settings."""
    shapes: dict[Any, list[tuple[tuple[int, int], Network]]] = {}
    for key in product(seeds, places):
        one = network(zoo, *key)
        shapes.setdefault(one.shape, []).append((key, one))
    found = {}
    for group in shapes.values():
        seen_of = watched([one for _, one in group], epochs, seen)
        for (key, one), told in zip(group, seen_of, strict=True):
            found[key] = told | {"told": one.told}
    return found
