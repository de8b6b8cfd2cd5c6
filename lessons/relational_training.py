"""Trains many networks on graphs at once, each as if it were alone.

    recipe = Recipe(n_in=64, n_out=10, stem=64, epochs=30, batch=64)
    networks = [Network(graph, width=match_width(graph, family)[0], key=k) for k, graph in enumerate(graphs)]
    batch = NetworkBatch(networks, recipe)
    batch.train(Vectors(*digits_split()))        # True when it is done; or seconds=60, and again
    batch.errors                                 # (networks, epochs): % of the test rows that are wrong

A network is a `RelationalMLP`, its weights padded with zeros to the widest of its batch, so that a layer of all
of them is one stacked matrix product. What is random in it comes from its own key: the company that it is trained
in changes no more than the last bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, inf, pi
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _rng
from lessons._checks import above_zero, between, finite_rows, real_numbers, whole, zero_or_more
from lessons._device import Device, compiled, cpu_only
from lessons.graph import Graph, as_graph
from lessons.relational_graphs import relational_mask

Floats = NDArray[Any]
Rows = NDArray[np.int64]
State = dict[str, NDArray[Any]]  # all that a network needs to go on

EPSILON = 1e-5  # beside the variance, in batch normalisation
MOVED = 0.1  # part of the way that running means and variances go to those of a batch
START = 0.01  # standard deviation of weights that are new
ORDERS = 1_000  # stream of the first epoch's order; the streams before are those of the layers
TESTED = 500  # rows that are tested at once
PIXEL_MEAN = np.array([125.3, 123.0, 113.9], np.float32)  # of CIFAR-10: red, green, blue
PIXEL_DEVIATION = np.array([63.0, 62.1, 66.7], np.float32)
MARGIN = 4  # pixels of zeros around an image, from which it is cut out again


@dataclass(frozen=True)
class Recipe:
    """How each network is built and trained; unless told as published, on CIFAR-10.

    A dense layer from `n_in` to `stem` units, `rounds` on the graph, a dense one to `n_out` scores. `epochs` of
    minibatches of `batch` rows, the last incomplete one left out. Stochastic gradient descent with Nesterov's
    `momentum`, weight `decay` on everything, and in epoch e a rate of `rate` (1 + cos(pi e / epochs)) / 2.

    Raises TypeError or ValueError for numbers that cannot be.

    Notebook: 12_sweet_spot. Source: the authors' program, github.com/facebookresearch/graph2nn.
    """

    n_in: int = 3072
    n_out: int = 10
    stem: int = 512
    rounds: int = 3
    epochs: int = 200
    batch: int = 128
    rate: float = 0.1
    momentum: float = 0.9
    decay: float = 5e-4

    def __post_init__(self) -> None:
        for name in ("n_in", "n_out", "stem", "rounds", "epochs"):
            whole(name, getattr(self, name))
        whole("batch", self.batch, 2)  # of a single row no variance can be taken
        above_zero("rate", self.rate)
        between("momentum", self.momentum, 0, 1, "a part of the last step")
        zero_or_more("decay", self.decay)

    def rate_in(self, epoch: int) -> float:
        """The rate in this epoch, from 0 on.

        >>> Recipe(epochs=2).rate_in(0), Recipe(epochs=2).rate_in(1)
        (0.1, 0.05)
        """
        return self.rate * (1 + cos(pi * epoch / self.epochs)) / 2


@dataclass(frozen=True, eq=False)
class Network:
    """A network to be trained: its graph, the units of its rounds, and the 64-bit key of all that is random in it.

    Raises ValueError for a width below the number of nodes.
    """

    graph: Graph
    width: int
    key: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "graph", as_graph(self.graph))
        whole("key", self.key, 0, _rng.MASK)
        whole("width", self.width, self.graph.n)


class Data(Protocol):
    """What a batch is trained on: `Vectors`, `Images`, or a class of yours with these."""

    @property
    def y(self) -> Rows:
        """(N,) the right answers of the rows to train on."""

    @property
    def y_test(self) -> Rows:
        """(M,) those of the test."""

    def training_rows(self, rows: Rows, keys: Sequence[int], epoch: int) -> Floats:
        """(networks, batch, n_in) inputs: those of the rows (networks, batch), for networks with these keys."""

    def test_rows(self, rows: slice) -> Floats:
        """(rows, n_in) inputs of the test."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows that are taken as they are: X (N, n_in) and y (N,) to train on, X_test and y_test to test on.

    Raises ValueError where rows and labels are not as many or an input is not finite, TypeError for inputs that
    are no numbers and labels that are not whole ones.
    """

    X: Floats
    y: Rows
    X_test: Floats
    y_test: Rows

    def __post_init__(self) -> None:
        _check_pairs(self.X, self.y, self.X_test, self.y_test)
        for name in ("X", "X_test"):
            X = real_numbers(name, getattr(self, name))
            if X.ndim != 2:
                raise ValueError(f"{name} of shape {X.shape}: (rows, inputs of a row) are needed")
            finite_rows(name, X, range(len(X)), "row")
            object.__setattr__(self, name, X)
        for name in ("y", "y_test"):
            object.__setattr__(self, name, np.asarray(getattr(self, name)))

    def training_rows(self, rows: Rows, keys: Sequence[int], epoch: int) -> Floats:
        return self.X[rows]

    def test_rows(self, rows: slice) -> Floats:
        return self.X_test[rows]


@dataclass(frozen=True, eq=False)
class Images:
    """Pictures (N, 3, 32, 32) of bytes, as in CIFAR-10: normalised, and while training changed anew in each epoch.

    Each is mirrored or not, set into a frame of zeros 4 pixels wide, and cut out of it at one of 8 x 8 places, as
    published: the ninth is never drawn. X, y to train on, X_test, y_test to test on.

    Raises TypeError for other than bytes, ValueError where pictures and labels are not as many.

    Notebook: 12_sweet_spot.
    """

    X: NDArray[np.uint8]
    y: Rows
    X_test: NDArray[np.uint8]
    y_test: Rows
    _last: dict[tuple[int, int], Floats] = field(default_factory=dict, repr=False, init=False)

    def __post_init__(self) -> None:
        _check_pairs(self.X, self.y, self.X_test, self.y_test)
        for name in ("X", "X_test"):
            given = getattr(self, name)
            if given.dtype != np.uint8 or given.ndim != 4 or given.shape[1] != 3:
                raise TypeError(
                    f"{name} {given.shape} of {given.dtype}: bytes (images, 3, height, width) are needed"
                )

    def training_rows(self, rows: Rows, keys: Sequence[int], epoch: int) -> Floats:
        out = np.empty((*rows.shape, *self.X.shape[1:]), np.float32)
        height, width = out.shape[-2:]
        frame = np.zeros((rows.shape[1], 3, height + 2 * MARGIN, width + 2 * MARGIN), np.float32)
        for g, key in enumerate(keys):
            frame[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN] = _normal(self.X[rows[g]])
            chance = self._chances(key, epoch)[rows[g]]
            places = (chance[:, 1:] * (2 * MARGIN)).astype(np.int64).tolist()
            for i, ((y, x), mirrored) in enumerate(zip(places, (chance[:, 0] < 0.5).tolist(), strict=True)):
                if mirrored:  # the picture in its frame, so that its place is counted from the other side
                    out[g, i] = frame[i, :, y : y + height, ::-1][:, :, x : x + width]
                else:
                    out[g, i] = frame[i, :, y : y + height, x : x + width]
        return out.reshape(*rows.shape, -1)

    def _chances(self, key: int, epoch: int) -> Floats:
        """(N, 3) of each picture whether it is mirrored, and its place; kept while the epoch lasts."""
        if (key, epoch) not in self._last:
            for old in [kept for kept in self._last if kept[0] == key]:
                del self._last[old]
            draws = _rng.uniforms(key, [ORDERS + 2 * epoch + 1], 3 * len(self.X))
            self._last[key, epoch] = draws.reshape(-1, 3)
        return self._last[key, epoch]

    def test_rows(self, rows: slice) -> Floats:
        X = _normal(self.X_test[rows])
        return X.reshape(len(X), -1)


def _normal(images: NDArray[np.uint8]) -> Floats:
    return (images - PIXEL_MEAN[:, None, None]) / PIXEL_DEVIATION[:, None, None]


def _check_pairs(X: Floats, y: Rows, X_test: Floats, y_test: Rows) -> None:
    for name, inputs, labels in (("X", X, y), ("X_test", X_test, y_test)):
        if len(inputs) != len(labels) or not len(inputs):
            raise ValueError(
                f"{len(inputs)} rows of {name} and {len(labels)} labels: as many are needed, not none"
            )
        given = np.asarray(labels)
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise TypeError(
                f"labels of {name}, {given.shape} of {given.dtype}: the number of its class is needed for each, "
                "0, 1 and so on; of rows with a single 1 it is .argmax(axis=1)"
            )


# ---------------------------------------------------------------------------------------- many networks


class NetworkBatch:
    """Networks that are trained together, each as if it were alone.

    `losses` and `errors` (G, epochs) hold for each epoch the mean training loss and the percentage of test rows
    that are wrong, NaN where it was not reached; `failed` (G,) tells whose loss was not finite any more: it has
    NaN from that epoch on. `step` counts the minibatches so far,
    `epoch` those epochs that are over.

    Memory: 13 bytes for each weight, those that are missing included. A step takes O(G batch width^2).

    Raises ValueError for no networks, graphs of more nodes than the stem has units, and `device="gpu"`, which has
    never run on one.

    >>> ring = as_graph([(node, (node + 1) % 8) for node in range(8)], n=8)
    >>> recipe = Recipe(n_in=2, n_out=2, stem=8, rounds=1, epochs=20, batch=8)
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8, np.float32)
    >>> data = Vectors(X, X.any(axis=1).astype(int), X[:4], X[:4].any(axis=1).astype(int))
    >>> batch = NetworkBatch([Network(ring, 16, key=1), Network(ring, 8, key=2)], recipe)
    >>> batch.train(data), batch.errors[:, -1]
    (True, array([0., 0.]))

    Notebook: 12_sweet_spot. Source: J. You, J. Leskovec, K. He, S. Xie, Graph structure of neural networks, ICML
    2020, section 4, arXiv:2007.06559.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        recipe: Recipe,
        *,
        device: Device = "cpu",
        dtype: DTypeLike = np.float32,
    ) -> None:
        cpu_only(device, "training")
        if not networks:
            raise ValueError("networks=[]: at least one is needed")
        self.networks, self.recipe = tuple(networks), recipe
        self.keys = [network.key for network in networks]
        self.epoch = self.step = 0
        self.losses, self.errors = np.full((2, len(networks), recipe.epochs), np.nan)
        self.failed = np.zeros(len(networks), np.bool_)
        self._loss = np.zeros(len(networks))  # summed over this epoch's steps
        self._lay_out(np.dtype(dtype))
        for g, network in enumerate(networks):
            self._begin(g, network)

    # ------------------------------------------------------------------------------------ where numbers lie

    def _lay_out(self, dtype: np.dtype[Any]) -> None:
        """All parameters in one array, and views of it: a layer's weights are (networks, receivers, senders)."""
        recipe, G = self.recipe, len(self.networks)
        widest = max(network.width for network in self.networks)
        units = [recipe.stem] + [-(-widest // 8) * 8] * recipe.rounds
        shapes = dict[str, tuple[int, ...]]()
        for k, (n_out, n_in) in enumerate(zip(units, [recipe.n_in, *units], strict=False)):
            shapes |= {f"W{k}": (G, n_out, n_in), f"gain{k}": (G, n_out), f"shift{k}": (G, n_out)}
        shapes |= {"head": (G, recipe.n_out, units[-1]), "bias": (G, recipe.n_out)}
        total = sum(int(np.prod(shape)) for shape in shapes.values())
        self._w, self._velocity, self._gradient = (np.zeros(total, dtype) for _ in range(3))
        self._present = np.zeros(total, np.bool_)
        self._of, self._velocity_of, self._gradient_of, self._present_of = (
            _views(flat, shapes) for flat in (self._w, self._velocity, self._gradient, self._present)
        )
        self._mean = [np.zeros((G, n), dtype) for n in units]
        self._variance = [np.ones((G, n), dtype) for n in units]
        self._kernels = compiled("relational_training", when=True) if dtype == np.float32 else None
        self._units = units
        self._room: _Room | None = None
        self._order: tuple[int, Rows] = (-1, np.empty((G, 0), np.int64))

    def _begin(self, g: int, network: Network) -> None:
        """Put the new weights of a network into their places."""
        for k, (name, mask) in enumerate(_masks(network, self.recipe).items()):
            n_out, n_in = mask.shape
            W = _normals(network.key, k, mask.size).reshape(mask.shape)
            self._of[name][g, :n_out, :n_in] = START * W * mask
            self._present_of[name][g, :n_out, :n_in] = mask
            if name != "head":
                self._of[f"gain{k}"][g, :n_out] = 1
                for part in ("gain", "shift"):
                    self._present_of[f"{part}{k}"][g, :n_out] = True
        self._present_of["bias"][g] = True

    # ------------------------------------------------------------------------------------ training

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or no network is left that has not failed."""
        return self.epoch == self.recipe.epochs or bool(self.failed.all())

    def train(self, data: Data, *, seconds: float = inf) -> bool:
        """Go on, until all epochs are over (True) or `seconds` have been spent (False); one step at least.

        Interrupted or not, the figures are the same.

        Raises ValueError for fewer rows than a minibatch has, and for inputs or labels of another size.
        """
        self._check(data)
        until = perf_counter() + seconds
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # who fails is told by `failed`
            while not self.done:
                self._one_step(data)
                if perf_counter() >= until:
                    break
        return self.done

    def _check(self, data: Data) -> None:
        recipe = self.recipe
        if len(data.y) < recipe.batch:
            raise ValueError(f"{len(data.y)} rows to train on: a minibatch has {recipe.batch}")
        n_in = data.test_rows(slice(0, 1)).shape[1]
        if n_in != recipe.n_in:
            raise ValueError(f"{n_in} inputs a row: the recipe has n_in={recipe.n_in}")
        for labels in (data.y, data.y_test):
            if labels.min() < 0 or labels.max() >= recipe.n_out:
                worst = labels.min() if labels.min() < 0 else labels.max()
                raise ValueError(f"label {worst}: the recipe has n_out={recipe.n_out}, so 0 to {recipe.n_out - 1}")

    def _one_step(self, data: Data) -> None:
        recipe, per_epoch = self.recipe, len(data.y) // self.recipe.batch
        epoch, place = divmod(self.step, per_epoch)
        rows = self._orders(epoch, len(data.y))[:, place * recipe.batch : (place + 1) * recipe.batch]
        x = data.training_rows(rows, self.keys, epoch).astype(self._w.dtype, copy=False)
        self._loss += self._forward_backward(x, data.y[rows])
        self._descend(recipe.rate_in(epoch))
        self.step += 1
        if place == per_epoch - 1:
            self._end_epoch(data, epoch, self._loss / per_epoch)

    def _orders(self, epoch: int, n: int) -> Rows:
        """(G, n) in which order each network meets the rows in this epoch."""
        if self._order[0] != epoch:
            stream = [ORDERS + 2 * epoch]
            rows = [np.argsort(_rng.uniforms(key, stream, n)[0], kind="stable") for key in self.keys]
            self._order = epoch, np.stack(rows)
        return self._order[1]

    def _end_epoch(self, data: Data, epoch: int, loss: Floats) -> None:
        self.failed |= ~np.isfinite(loss)
        self.losses[:, epoch] = np.where(self.failed, np.nan, loss)
        self.errors[:, epoch] = np.where(self.failed, np.nan, self._test_error(data))
        self._loss = np.zeros_like(self._loss)
        self.epoch = epoch + 1

    def _forward_backward(self, x: Floats, y: Rows) -> Floats:
        """(G,) the mean loss of each network on its minibatch; the gradients are in `_gradient` afterwards."""
        of, d_of, room = self._of, self._gradient_of, self._rooms(x.shape[1])
        inputs = [x, *room.h]
        for k, z in enumerate(room.z):
            np.matmul(inputs[k], of[f"W{k}"].swapaxes(1, 2), out=z)
            self._normalise(k, z, room)
        d = inputs[-1] @ of["head"].swapaxes(1, 2) + of["bias"][:, None]  # the scores, until the next line
        loss = self._cross_entropy(d, y)
        np.matmul(d.swapaxes(1, 2), inputs[-1], out=d_of["head"])
        d.sum(axis=1, out=d_of["bias"])
        np.matmul(d, of["head"], out=room.d[-1])
        for k in reversed(range(len(room.z))):
            self._normalise_backward(k, room)
            np.matmul(room.d[k].swapaxes(1, 2), inputs[k], out=d_of[f"W{k}"])
            if k:
                np.matmul(room.d[k], of[f"W{k}"], out=room.d[k - 1])
        return loss

    def _rooms(self, rows: int) -> _Room:
        if self._room is None:
            self._room = _Room(len(self.networks), rows, self._units, self._w.dtype)
        return self._room

    def _normalise(self, k: int, z: Floats, room: _Room) -> None:
        """Batch normalisation and relu of layer k; its running mean and variance move."""
        call = self._kernels.normalised if self._kernels else _normalised
        gain, shift = self._of[f"gain{k}"], self._of[f"shift{k}"]
        call(z, gain, shift, EPSILON, room.mean[k], room.variance[k], room.inverse[k], room.h[k])
        rows = z.shape[1]
        self._mean[k] += MOVED * (room.mean[k] - self._mean[k])
        self._variance[k] += MOVED * (room.variance[k] * (rows / (rows - 1)) - self._variance[k])

    def _normalise_backward(self, k: int, room: _Room) -> None:
        call = self._kernels.normalised_backward if self._kernels else _normalised_backward
        d_gain, d_shift = self._gradient_of[f"gain{k}"], self._gradient_of[f"shift{k}"]
        call(room.d[k], room.h[k], room.z[k], self._of[f"gain{k}"], room.inverse[k], d_gain, d_shift)

    def _cross_entropy(self, scores: Floats, y: Rows) -> Floats:
        call = self._kernels.cross_entropy if self._kernels else _cross_entropy
        loss = np.empty(len(scores))
        call(scores, y.astype(np.int64, copy=False), loss)
        return loss

    def _descend(self, rate: float) -> None:
        call = self._kernels.descend if self._kernels else _descend
        recipe = self.recipe
        call(self._w, self._velocity, self._gradient, self._present, rate, recipe.momentum, recipe.decay)

    # ------------------------------------------------------------------------------------ testing

    def _test_error(self, data: Data) -> Floats:
        """(G,) the percentage of the test's rows that each network gets wrong."""
        wrong = np.zeros(len(self.networks))
        for first in range(0, len(data.y_test), TESTED):
            rows = slice(first, first + TESTED)
            found = self.scores(data.test_rows(rows)).argmax(axis=2)
            wrong += (found != data.y_test[rows]).sum(axis=1)
        return 100 * wrong / len(data.y_test)

    def scores(self, x: Floats) -> Floats:
        """(G, rows, n_out) what each network makes of x (rows, n_in), with its running means and variances."""
        h = x.astype(self._w.dtype, copy=False)
        for k in range(len(self._units)):
            scale = self._of[f"gain{k}"] / np.sqrt(self._variance[k] + EPSILON)
            h = h @ self._of[f"W{k}"].swapaxes(1, 2)
            h *= scale[:, None]
            h += (self._of[f"shift{k}"] - scale * self._mean[k])[:, None]
            np.maximum(h, 0, out=h)
        return np.asarray(h @ self._of["head"].swapaxes(1, 2) + self._of["bias"][:, None])

    # ------------------------------------------------------------------------------------ going on later

    def state(self) -> list[State]:
        """For each network all that it needs to go on, alone or in another batch: see `from_state`.

        Only weights that are there: 8 bytes each.
        """
        return [self._state_of(g) for g in range(len(self.networks))]

    def _state_of(self, g: int) -> State:
        width = [self.recipe.stem] + [self.networks[g].width] * self.recipe.rounds
        running = [part[k][g, :n] for part in (self._mean, self._variance) for k, n in enumerate(width)]
        return {
            "at": np.array([self.epoch, self.step]),
            "weights": np.concatenate([self._of[name][g][there] for name, there in self._there(g)]),
            "velocity": np.concatenate([self._velocity_of[name][g][there] for name, there in self._there(g)]),
            "running": np.concatenate(running),
            "loss": np.array(self._loss[g]),
            "failed": np.array(self.failed[g]),
            "losses": self.losses[g].copy(),
            "errors": self.errors[g].copy(),
        }

    def _there(self, g: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        return ((name, present[g]) for name, present in self._present_of.items())

    @classmethod
    def from_state(
        cls,
        networks: Sequence[Network],
        recipe: Recipe,
        states: Sequence[Mapping[str, NDArray[Any]]],
        *,
        device: Device = "cpu",
        dtype: DTypeLike = np.float32,
    ) -> NetworkBatch:
        """Networks as they were when `state` was asked, in whichever batches they were then.

        Raises ValueError for states of other networks, and of networks that have not come equally far.
        """
        batch = cls(networks, recipe, device=device, dtype=dtype)
        places = {tuple(np.asarray(state["at"]).tolist()) for state in states}
        if len(states) != len(networks) or len(places) != 1:
            raise ValueError(
                f"{len(states)} states after (epochs, steps) {sorted(places)} for {len(networks)} networks: one "
                "each, all equally far"
            )
        batch.epoch, batch.step = places.pop()
        for g, state in enumerate(states):
            batch._restore(g, state)
        return batch

    def _restore(self, g: int, state: Mapping[str, NDArray[Any]]) -> None:
        fresh = self._state_of(g)
        for name, array in fresh.items():
            if array.shape != np.shape(state[name]):
                raise ValueError(f"{name} of shape {np.shape(state[name])}: this network's is {array.shape}")
        at = 0
        for name, there in self._there(g):
            end = at + int(there.sum())
            self._of[name][g][there] = state["weights"][at:end]
            self._velocity_of[name][g][there] = state["velocity"][at:end]
            at = end
        width = [self.recipe.stem] + [self.networks[g].width] * self.recipe.rounds
        parts = np.split(np.asarray(state["running"]), np.cumsum(width * 2)[:-1])
        for k, n in enumerate(width):
            self._mean[k][g, :n], self._variance[k][g, :n] = parts[k], parts[len(width) + k]
        self._loss[g], self.failed[g] = state["loss"], state["failed"]
        self.losses[g], self.errors[g] = state["losses"], state["errors"]


class _Room:
    """Where the numbers of a step lie, for layer k: z, later without mean and of variance 1; h after relu; d."""

    def __init__(self, networks: int, rows: int, units: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.z, self.h, self.d = ([np.empty((networks, rows, n), dtype) for n in units] for _ in range(3))
        self.mean, self.variance, self.inverse = (
            [np.empty((networks, n), dtype) for n in units] for _ in range(3)
        )


def _views(flat: NDArray[Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    found, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = flat[at : at + size].reshape(shape)
        at += size
    return found


def _masks(network: Network, recipe: Recipe) -> dict[str, NDArray[np.bool_]]:
    """Which weights of each layer are there: all of the first and the last, in between those along the graph."""
    d = network.width
    found = {"W0": np.ones((recipe.stem, recipe.n_in), np.bool_)}
    found["W1"] = relational_mask(network.graph, d, recipe.stem)
    if recipe.rounds > 1:
        inner = relational_mask(network.graph, d)
        found |= {f"W{k}": inner for k in range(2, recipe.rounds + 1)}
    return found | {"head": np.ones((recipe.n_out, d), np.bool_)}


def _normals(key: int, stream: int, count: int) -> Floats:
    """(count,) numbers from the standard normal distribution: two out of every two draws, by Box and Muller."""
    u, v = _rng.uniforms(key, [stream], 2 * ((count + 1) // 2)).reshape(2, -1)
    size, angle = np.sqrt(-2 * np.log1p(-u)), 2 * pi * v
    return np.concatenate([size * np.cos(angle), size * np.sin(angle)])[:count]


# ---------------------------------------------------------------------------------------- between the products


def _normalised(
    z: Floats,
    gain: Floats,
    shift: Floats,
    epsilon: float,
    mean: Floats,
    variance: Floats,
    inverse: Floats,
    h: Floats,
) -> None:
    """Batch normalisation and relu of z (G, rows, units): z becomes what has mean 0 and variance 1 over the rows,
    h = max(0, gain z + shift); mean, variance and inverse = 1 / sqrt(variance + epsilon) are (G, units)."""
    np.mean(z, axis=1, out=mean)
    z -= mean[:, None]
    np.mean(z * z, axis=1, out=variance)
    inverse[:] = 1 / np.sqrt(variance + epsilon)
    z *= inverse[:, None]
    np.maximum(gain[:, None] * z + shift[:, None], 0, out=h)


def _normalised_backward(
    d: Floats, h: Floats, z: Floats, gain: Floats, inverse: Floats, d_gain: Floats, d_shift: Floats
) -> None:
    """From the gradient d of h (G, rows, units) to that of what was normalised, in place, of gain and of shift."""
    d *= h > 0
    d.sum(axis=1, out=d_shift)
    (d * z).sum(axis=1, out=d_gain)
    d -= (d_shift[:, None] + z * d_gain[:, None]) / d.shape[1]
    d *= (gain * inverse)[:, None]


def _descend(
    w: Floats,
    velocity: Floats,
    gradient: Floats,
    present: NDArray[np.bool_],
    rate: float,
    momentum: float,
    decay: float,
) -> None:
    """One step of gradient descent with Nesterov's momentum; weights that are missing stay zero."""
    slope = gradient * present + decay * w
    velocity *= momentum
    velocity += slope
    w -= rate * (slope + momentum * velocity)


def _cross_entropy(scores: Floats, y: Rows, loss: Floats) -> None:
    """The mean loss over the rows, into `loss` (G,); the scores (G, rows, n_out) become its gradient.

    y (G, rows) are the right answers.
    """
    scores -= scores.max(axis=2, keepdims=True)
    right = np.take_along_axis(scores, y[:, :, None], axis=2)[:, :, 0]
    np.exp(scores, out=scores)
    total = scores.sum(axis=2)
    np.mean(np.log(total) - right, axis=1, dtype=np.float64, out=loss)
    scores /= total[:, :, None]
    np.put_along_axis(scores, y[:, :, None], np.take_along_axis(scores, y[:, :, None], axis=2) - 1, axis=2)
    scores /= scores.shape[1]
