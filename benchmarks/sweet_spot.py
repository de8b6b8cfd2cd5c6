"""Many networks on graphs trained at once, beside PyTorch; a sweep by two workers, beside one.

- `NetworkBatch`: an epoch of 64 networks on the digits, as many together as in a sweep; nothing is tested.
  Their graphs are 64 of the 449 published ones. Each has 64 inputs, a stem of 64 units, three rounds, 10 scores;
  the rounds have as many units as cost what the complete graph costs with 64 ("matched widths"), or 64 themselves.
  Peers train the same networks, narrow ones before wide ones, from the same weights, and meet the same rows in the
  same order. The first losses of each network are compared with NumPy in float64.
- PyTorch "one at a time" multiplies weights with their mask at each step, as was published. "one at a time at its
  best" masks gradients instead, and moves all weights in one call. "stacked" trains 16 together, padded to the
  widest: one `bmm`, `batch_norm` or `baddbmm` for all of them, and one call to move all weights.
- `run_sweep`: three seeds of our own runs on digits: 52 graphs and the complete one, 30 epochs, tested after each,
  and stored; by two processes that have to be started, beside this one alone ("lessons"). n and m are those of a
  graph. The summary tells networks an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks import relational_graphs
from benchmarks._harness import Call, Case, Row
from benchmarks.relational_graphs import DECAY, EPSILON, MOMENTUM, RATE, Step, by_numpy, by_torch, layers_of
from benchmarks.spectral_gcn import quiet_torch
from lessons.relational_training import Network, NetworkBatch, Recipe, Vectors

N = 64  # nodes of each graph, units of the stem
WIDTHS = {"matched widths": None, "width 64": N}
FULL = "64 networks ", "159 networks "  # as cases begin that something was asked for
STACKED = 16  # networks that PyTorch trains together
EPOCHS = 1_000  # more than are trained, so that the rate stays what it is in the first
CHECKED = 3  # steps whose mean loss is compared with float64
CLOSE, FAR = 1e-6, 1e-3  # how near that is in half of the networks, and in all: a relu may tip over by rounding
CLOSE_LATER, FAR_LATER = 1e-3, 0.05  # the same of a whole epoch, beside other company
ASKED = {"one at a time": 0.38, "one at a time at its best": 0.38, "stacked": 0.72, "1 worker": 0.6}  # at most

Array = NDArray[Any]


def cases(scale: float) -> Iterator[Case]:
    count, repeats = (64, 5) if scale == 1 else (max(2, round(64 * scale)), 1)
    for widths, batch in (("matched widths", 128), ("matched widths", 64), ("width 64", 128)):
        problem = partial(networks_problem, count, WIDTHS[widths], batch)
        for name, peer in PEERS.items():
            yield networks_case(problem, widths, name, peer, repeats)
    size = Size(max(1, round(52 * scale)), max(1, round(3 * scale)), max(1, round(30 * scale)))
    yield sweep_case(size, 3 if scale == 1 else 1)


# ---------------------------------------------------------------------------------------- an epoch


@dataclass(frozen=True)
class Part:
    """Rows to train on, and which of them each network meets in an epoch: (steps, networks, batch)."""

    data: Vectors
    rows: Array


@dataclass(frozen=True)
class Problem:
    """Networks, narrow ones first, how each starts, all rows, and the first few, on which all are checked."""

    networks: Sequence[Network]
    recipe: Recipe
    starts: Sequence[relational_graphs.Problem]
    first: Part
    whole: Part


Trains = Callable[[Part], Array]  # for an epoch, and gives the mean loss of each network
Builder = Callable[[Problem], Trains]


def networks_case(problem: Callable[[], Problem], widths: str, name: str, peer: Builder, repeats: int) -> Case:
    given = problem()
    return Case(
        input=f"{len(given.networks)} networks of {widths}",
        n=given.whole.rows[:, 0].size,
        m=round(sum(np.count_nonzero(W) for start in given.starts for W in start.start) / len(given.starts)),
        function="NetworkBatch",
        variant=f"{given.recipe.batch} rows a step peer {name}",
        ours=partial(ready, problem, by_lessons),
        peers={"torch": partial(ready, problem, peer)},
        right=partial(is_right, problem),
        repeats=repeats,
    )


@lru_cache(maxsize=2)  # that of the next case is asked for early
def networks_problem(count: int, width: int | None, batch: int) -> Problem:
    from lessons.datasets import digits_split

    X, y, _, _ = digits_split(seed=0)
    recipe = Recipe(n_in=X.shape[1], stem=N, epochs=EPOCHS, batch=batch)
    networks = sorted(chosen(count, width, recipe), key=lambda network: network.width)
    states = NetworkBatch(networks, recipe).state()
    starts = [start_of(network, state, recipe) for network, state in zip(networks, states, strict=True)]

    def part(length: int) -> Part:
        steps, order = length // batch, NetworkBatch(networks, recipe)._orders(0, length)
        rows = order[:, : steps * batch].reshape(count, steps, batch).swapaxes(0, 1)
        return Part(Vectors(X[:length], y[:length], X[:1], y[:1]), rows)

    return Problem(networks, recipe, starts, part(CHECKED * batch), part(len(y)))


def chosen(count: int, width: int | None, recipe: Recipe) -> Iterator[Network]:
    """On so many of the 449 graphs, evenly among them."""
    from lessons.datasets import published_graphs
    from lessons.random_graphs import ws_flex
    from lessons.relational_budgets import match_width
    from lessons.sweep import mlp_family

    table = published_graphs(449)
    for row in np.linspace(0, 448, count).astype(int).tolist():
        graph = ws_flex(N, float(table.k[row]), float(table.p[row]), int(table.seed[row]))
        yield Network(graph, width or match_width(graph, mlp_family(recipe))[0], key=row)


def start_of(network: Network, state: Mapping[str, Array], recipe: Recipe) -> relational_graphs.Problem:
    """A network's weights, layer by layer, from where a batch keeps those that are there, one after another."""
    from lessons.relational_graphs import relational_mask

    units = [recipe.stem] + [network.width] * recipe.rounds
    rounds = [relational_mask(network.graph, n_out, n_in) for n_in, n_out in pairwise(units)]
    masks = [np.ones((recipe.stem, recipe.n_in), np.bool_), *rounds]
    sizes = [int(size) for mask in masks for size in (mask.sum(), len(mask), len(mask))]
    *parts, head, bias = np.split(state["weights"], np.cumsum([*sizes, recipe.n_out * network.width]))
    for k, mask in enumerate(masks):
        W = np.zeros(mask.shape, np.float32)
        W[mask] = parts[3 * k]
        parts[3 * k] = W
    start = [*parts, head.reshape(recipe.n_out, -1), bias]
    X, y = np.empty((0, recipe.n_in), np.float32), np.empty(0, np.int64)  # rows come with each step
    return relational_graphs.Problem(network.graph, recipe.stem, network.width, X, y, [None, *rounds], start)


def ready(problem: Callable[[], Problem], builder: Builder) -> Call:
    """The call that trains for an epoch; it answers with the losses of the very first steps."""
    given = problem()
    losses, train = builder(given)(given.first), builder(given)

    def call() -> Array:
        train(given.whole)
        return losses

    return call


def is_right(problem: Callable[[], Problem], losses: Array) -> bool:
    return near(losses, reference(problem), CLOSE, FAR)


def near(losses: Array, known: Array, close: float, far: float) -> bool:
    """Whether half of the losses are closer than that, and all of them less than `far` away."""
    off = np.abs(losses - known)
    return bool(np.quantile(off, 0.5, method="lower") < close and off.max() < far)


@lru_cache(maxsize=1)
def reference(problem: Callable[[], Problem]) -> Array:
    given = problem()
    return one_at_a_time(partial(by_numpy, dtype=np.float64), given)(given.first)


def by_lessons(problem: Problem) -> Trains:
    from lessons.sweep import TOGETHER

    batches = [NetworkBatch(part, problem.recipe) for part in cut(problem.networks, TOGETHER["digits"])]

    def train(part: Part) -> Array:
        for batch in batches:
            for _ in part.rows:
                batch.train(part.data, seconds=0)
        return np.concatenate([batch.losses[:, batch.epoch - 1] for batch in batches])

    return train


def cut(given: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [given[first : first + size] for first in range(0, len(given), size)]


def one_at_a_time(build: Callable[[relational_graphs.Problem], Step], problem: Problem) -> Trains:
    steps = [build(start) for start in problem.starts]

    def train(part: Part) -> Array:
        X, y = part.data.X, part.data.y
        losses = [[step(X[rows[g]], y[rows[g]]) for rows in part.rows] for g, step in enumerate(steps)]
        return np.mean(losses, axis=1)

    return train


def by_torch_at_its_best(problem: relational_graphs.Problem) -> Step:
    torch, _ = quiet_torch()
    with patch.object(torch.optim, "SGD", partial(torch.optim.SGD, fused=True)):
        return by_torch(problem, mask_gradients=True)


def stacked(problem: Problem) -> Trains:
    steps = [by_bmm(starts) for starts in cut(problem.starts, STACKED)]

    def train(part: Part) -> Array:
        X, y, losses = part.data.X, part.data.y, []
        for g, step in enumerate(steps):
            own = part.rows[:, g * STACKED : (g + 1) * STACKED]
            losses.append(np.mean([step(X[rows], y[rows]) for rows in own], axis=0))
        return np.concatenate(losses)

    return train


def by_bmm(problems: Sequence[relational_graphs.Problem]) -> Step:
    """Of all networks at once. Units come before rows, so that one call normalises those of all."""
    torch, F = quiet_torch()
    parts = [
        torch.from_numpy(padded(same)).requires_grad_()
        for same in zip(*(given.start for given in problems), strict=True)
    ]
    layers, (head, bias) = layers_of(parts)
    rounds = zip(*(given.masks[1:] for given in problems), strict=True)
    masks = [None, *(torch.from_numpy(padded(same)).float() for same in rounds)]
    running = [(torch.zeros(gamma.numel()), torch.ones(gamma.numel())) for _, gamma, _ in layers]
    optimiser = torch.optim.SGD(parts, RATE, momentum=MOMENTUM, weight_decay=DECAY, nesterov=True, fused=True)

    def step(x: Array, y: Array) -> Array:
        optimiser.zero_grad()
        h = torch.from_numpy(x).mT
        for (W, gamma, beta), mask, statistics in zip(layers, masks, running, strict=True):
            z = torch.bmm(W if mask is None else W * mask, h)
            every = z.view(1, -1, z.shape[2]), *statistics, gamma.view(-1), beta.view(-1)
            h = F.relu(F.batch_norm(*every, training=True, eps=EPSILON)).view(z.shape)
        scores = torch.baddbmm(bias[:, :, None], head, h)
        losses = F.cross_entropy(scores, torch.from_numpy(y), reduction="none").mean(dim=1)
        losses.sum().backward()
        optimiser.step()
        return losses.detach().numpy()

    return step


def padded(arrays: Sequence[Array]) -> Array:
    """All in one array, with zeros where one is smaller than the largest."""
    out = np.zeros((len(arrays), *np.max([array.shape for array in arrays], axis=0)), arrays[0].dtype)
    for place, array in zip(out, arrays, strict=True):
        place[tuple(slice(length) for length in array.shape)] = array
    return out


PEERS: dict[str, Builder] = {
    "one at a time": partial(one_at_a_time, by_torch),
    "one at a time at its best": partial(one_at_a_time, by_torch_at_its_best),
    "stacked": stacked,
}


# ---------------------------------------------------------------------------------------- a sweep


class Size(NamedTuple):
    """Of a sweep: so many of the 52 graphs, beside the complete one, each with so many seeds."""

    graphs: int
    seeds: int
    epochs: int


def sweep_case(size: Size, repeats: int) -> Case:
    from lessons.datasets import published_graphs

    return Case(
        input=f"{(size.graphs + 1) * size.seeds} networks",
        n=N,
        m=round(N * published_graphs(52).k[: size.graphs].mean() / 2),
        function="run_sweep",
        variant=f"{size.epochs} epochs 2 workers",
        ours=partial(sweep, size, workers=2),
        peers={"lessons": partial(sweep, size, workers=1)},
        right=partial(is_swept, size),
        repeats=repeats,
    )


def sweep(size: Size, workers: int) -> Call:
    from lessons.sweep import read_runs, run_sweep

    def call() -> Any:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "runs.sqlite"
            run_sweep(settings_of(size), path, seeds=size.seeds, workers=workers)
            return read_runs(path)

    return call


def settings_of(size: Size) -> Any:
    from lessons.sweep import Settings

    return Settings.usual("digits", graphs=size.graphs, epochs=size.epochs)


def is_swept(size: Size, runs: Any) -> bool:
    """Whether all networks have gone through all epochs, the first with the losses of each trained alone."""
    losses, known = runs.losses_by_epoch, first_losses(size)
    if losses.shape != (len(known), size.epochs) or not np.isfinite(losses).all():
        return False
    return near(losses[:, 0], known, CLOSE_LATER, FAR_LATER)


@lru_cache(maxsize=1)
def first_losses(size: Size) -> Array:
    """Of each network of the sweep in its first epoch, alone."""
    from lessons.datasets import noisy_digits
    from lessons.sweep import tasks_of

    settings, data, losses = settings_of(size), Vectors(*noisy_digits(0)), []
    for task in tasks_of(settings, size.seeds):
        alone = NetworkBatch([task.network()], settings.recipe)
        while not alone.epoch:
            alone.train(data, seconds=0)
        losses.append(alone.losses[0, 0])
    return np.array(losses)


# ---------------------------------------------------------------------------------------- what is asked for


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """What was asked for, and how many networks a sweep trains in an hour."""
    for row in rows:
        case, _, peer = row["case"].partition(" peer ")
        if not case.startswith(FULL):
            continue  # smaller ones tell nothing
        what = peer or "1 worker"
        reached = "reached" if row["ratio"] <= ASKED[what] else "missed"
        yield f"{case}: {row['ratio']:.3g} of {row['peer']} {what}, at most {ASKED[what]:g} asked: {reached}"
        if not peer:
            count = int(case.split()[0])
            two, one = (f"{count / row[side] * 3600:,.0f}" for side in ("ours", "theirs"))
            yield f"{case}: {two} networks an hour, {one} with 1 worker"
