"""Trains networks on many graphs, for minutes or for days, and keeps all that it has done.

    settings = Settings.usual("digits", noise=1.5)        # 52 graphs and the complete one, 30 epochs
    run_sweep(settings, "runs.sqlite", seeds=5)           # killed or stopped: the same line goes on
    runs = read_runs("runs.sqlite")
    runs.matrix()                                         # (53, 5) % of the test rows that are wrong

    lessons sweep --data digits --noise 1.5 --out runs.sqlite      # the same from a command line

One process writes the file. It hands out batches of networks, to itself, to other processes or to a dask cluster,
a minute of work at a time; whoever works on one keeps nothing, so nothing is lost with a worker.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import pairwise
from math import inf, isfinite
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import lessons
from lessons import datasets
from lessons._checkpoints import Checkpoint, Checkpoints, packed, unpacked
from lessons._checks import above_zero, whole, zero_or_more
from lessons._device import Device, cpu_only
from lessons._runs_file import Epoch, Run, Runs, RunsFile, read_runs
from lessons._workers import checked_address, executor
from lessons.random_graphs import ws_flex
from lessons.relational_budgets import Family, LayerPlan, cost, match_width
from lessons.relational_training import Images, Network, NetworkBatch, Recipe, Vectors

__all__ = ["Outcome", "Runs", "Settings", "Task", "mlp_family", "read_runs", "run_sweep", "train_slice"]

NODES = 64
COMPLETE = -1  # in place of a row in the list of graphs
RECIPES = {
    "digits": Recipe(n_in=64, stem=64, epochs=30, batch=64),
    "cifar10": Recipe(),
    "cifar10-jpeg": Recipe(),
}
TOGETHER = {"digits": 8, "cifar10": 1, "cifar10-jpeg": 1}  # networks of a batch
SLICE_SECONDS = 60.0  # of work between two checkpoints

Name = tuple[int, int]  # (graph, seed) of a network
Call = Callable[[Sequence["Task"], bytes | None, float], Future["Slice"]]


# ---------------------------------------------------------------------------------------- what is to be run


@dataclass(frozen=True)
class Settings:
    """What all runs of a file have in common: the data, the graphs, and how networks are built and trained.

    `data` is "digits", to which Gaussian noise of standard deviation `noise` may be added, "cifar10" or
    "cifar10-jpeg". `graphs` is how many of the published ones are taken beside the complete graph: 52, 449, 3942,
    or the first so many of the 52.

    Raises ValueError for other data or graphs, and for noise on pictures of CIFAR-10; TypeError as `Recipe`.

    >>> Settings.usual("digits", epochs=5).recipe.epochs
    5

    Notebook: 12_sweet_spot.
    """

    data: str
    graphs: int
    noise: float
    recipe: Recipe

    def __post_init__(self) -> None:
        if self.data not in RECIPES:
            raise ValueError(f"data={self.data!r}: one of {', '.join(RECIPES)}")
        if whole("graphs", self.graphs) > 52 and self.graphs not in (449, 3942):
            raise ValueError(f"graphs={self.graphs}: 52, 449, 3942, or fewer than 52")
        object.__setattr__(self, "noise", zero_or_more("noise", self.noise))
        if self.noise and self.data != "digits":
            raise ValueError(f"noise={self.noise}: for the digits only; {self.data} stays as it is")

    @classmethod
    def usual(cls, data: str, *, graphs: int = 52, noise: float = 0.0, epochs: int | None = None) -> Settings:
        """Those with the usual recipe: as published for CIFAR-10, smaller for the digits."""
        recipe = RECIPES.get(data, Recipe())
        told = asdict(recipe) | ({} if epochs is None else {"epochs": epochs})
        return cls(data, graphs, noise, Recipe(**told))

    @property
    def family(self) -> Family:
        """What the networks cost as they widen."""
        return mlp_family(self.recipe)

    def told(self) -> dict[str, Any]:
        """Each setting by its name, as a file of runs has them."""
        recipe = {f"recipe.{name}": value for name, value in asdict(self.recipe).items()}
        return {"data": self.data, "graphs": self.graphs, "noise": self.noise, **recipe}

    @property
    def digest(self) -> str:
        """A SHA-256 of all settings."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()


def mlp_family(recipe: Recipe) -> Family:
    """The networks that a recipe builds, as a budget sees them: on the complete graph as wide as the stem.

    >>> mlp_family(Recipe()).budget                # as FAMILIES["mlp"]
    2364416

    Notebook: 12_sweet_spot.
    """

    def layers(widths: Sequence[int]) -> list[LayerPlan]:
        units = [recipe.stem] + [widths[0]] * recipe.rounds
        pairs = enumerate(pairwise(units), 1)
        return [
            LayerPlan("stem", "dense", recipe.n_in, recipe.stem),
            *(LayerPlan(f"round{k}", "relational", n_in, n_out) for k, (n_in, n_out) in pairs),
            LayerPlan("head", "dense", units[-1], recipe.n_out, after="bias"),
        ]

    return Family("mlp", (recipe.stem,), layers)


@dataclass(frozen=True)
class Task:
    """One network: row `graph` of the list, or -1 for the complete graph, and the `seed` of its training.

    The graph is `ws_flex(64, k, p, graph_seed)`, with published clustering C and path length L; in each round
    `width` units, with which it costs `multiply_adds`.
    """

    graph: int
    seed: int
    k: float
    p: float
    graph_seed: int
    C: float
    L: float
    width: int
    multiply_adds: int

    @property
    def name(self) -> Name:
        return self.graph, self.seed

    def network(self) -> Network:
        """Its key, so all that is random in it, depends on the graph and the seed only."""
        told = f"{self.k / NODES:.6f} {self.p:.6f} {self.graph_seed} {self.seed}"
        key = int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big")
        return Network(ws_flex(NODES, self.k, self.p, self.graph_seed), self.width, key)


def tasks_of(settings: Settings, seeds: int) -> list[Task]:
    """Each graph, and last the complete one, with each of the seeds 1 to `seeds`."""
    chosen = datasets.published_graphs(max(settings.graphs, 52))  # type: ignore[arg-type]
    columns = (chosen.k, chosen.p, chosen.seed, chosen.C, chosen.L)
    rows = list(zip(*(column[: settings.graphs].tolist() for column in columns), strict=True))
    rows.append((NODES - 1.0, 0.0, 0, 1.0, 1.0))  # a ring on which each is joined to all others
    tasks, family = [], settings.family
    for number, (k, p, graph_seed, C, L) in enumerate(rows):
        graph = ws_flex(NODES, k, p, graph_seed)
        (width,) = match_width(graph, family)
        multiply_adds = cost(graph, family, [width]).multiply_adds
        row = number if number < settings.graphs else COMPLETE
        tasks += [Task(row, seed, k, p, graph_seed, C, L, width, multiply_adds) for seed in range(1, seeds + 1)]
    return tasks


@lru_cache(maxsize=1)
def _loaded(data: str, noise: float) -> tuple[tuple[NDArray[Any], ...], str]:
    """X, y, X_test, y_test, and a SHA-256 of what they were made of: once in each process, never sent."""
    if data == "digits":
        digits = datasets.noisy_digits(noise)
        grey = datasets.digits()[0].astype(np.uint8)  # whole numbers, on every machine the same
        return digits, _sum_of(grey, digits[1], digits[3])
    images = datasets.cifar10() if data == "cifar10" else datasets.cifar10_jpeg()
    arrays = images.X, images.y, images.X_test, images.y_test
    return arrays, _sum_of(*arrays)


def _sum_of(*arrays: NDArray[Any]) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


# ---------------------------------------------------------------------------------------- what a worker does


@dataclass(frozen=True, eq=False)
class Slice:
    """What comes back from a slice of work on a batch: `saved` to go on from, or None where it is done.

    `losses` and `errors` (G, epochs) as `NetworkBatch` has them; `progress` from 0 to 1; the `seconds` it took.
    """

    saved: bytes | None
    losses: NDArray[np.float64]
    errors: NDArray[np.float64]
    progress: float
    seconds: float


def train_slice(
    settings: Settings, data_sum: str, tasks: Sequence[Task], saved: bytes | None, seconds: float
) -> Slice:
    """Train networks together for so many seconds, from the beginning or from what was `saved`.

    It depends on what it is given and on nothing else, so any process may do it, and do it again. Raises
    ValueError where this machine has other data than those with the SHA-256 `data_sum`.
    """
    arrays, found = _loaded(settings.data, settings.noise)
    if found != data_sum:
        raise ValueError(f"{settings.data} on {platform.node()} is not what it is where the sweep was started")
    began = time.perf_counter()
    networks = [task.network() for task in tasks]
    if saved is None:
        batch = NetworkBatch(networks, settings.recipe)
    else:
        batch = NetworkBatch.from_state(networks, settings.recipe, unpacked(saved))
    data = Vectors(*arrays) if settings.data == "digits" else Images(*arrays)
    done = batch.train(data, seconds=seconds)
    kept = None if done else packed(batch.state())
    steps = settings.recipe.epochs * (len(data.y) // settings.recipe.batch)
    return Slice(kept, batch.losses, batch.errors, batch.step / steps, time.perf_counter() - began)


# ---------------------------------------------------------------------------------------- who hands it out


class Outcome(NamedTuple):
    """How many networks of those asked for are `stored` in the file, `failed` ones among them, of how many."""

    stored: int
    failed: int
    total: int


def run_sweep(
    settings: Settings,
    path: str | PathLike[str],
    *,
    seeds: int = 5,
    batch: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    device: Device = "cpu",
    max_seconds: float = inf,
    slice_seconds: float = SLICE_SECONDS,
    progress: bool = False,
) -> Outcome:
    """Train all networks that the file at `path` does not have yet; go on with those that were on their way.

    Each graph with the seeds 1 to `seeds`, `batch` networks together (unless told 8 on the digits, 1 on CIFAR-10),
    by this process, by `workers` of its own, or by those of the dask cluster whose `scheduler` has that address.
    After `max_seconds` it stops, and goes on when called again; at most `slice_seconds` of work on each batch are
    lost, however it ends. How networks are put together, and who trains them, changes no more than the last bits.
    With `progress` a bar on stderr tells the time left.

    Beside the file there are, meanwhile, `<path>.lock` and the folder `<path>.checkpoints`.

    Raises as `RunsFile`; ValueError and TypeError for numbers that cannot be, and for `device="gpu"`, which has
    never run on one; DataMissing without the data; ImportError without dask or what reads the data; RuntimeError
    where a worker was killed.

    Notebook: 12_sweet_spot.
    """
    until = time.monotonic() + (max_seconds if max_seconds == inf else above_zero("max_seconds", max_seconds))
    _check_ways(workers, scheduler, device)
    above_zero("slice_seconds", slice_seconds)
    tasks = tasks_of(settings, whole("seeds", seeds))
    _, data_sum = _loaded(settings.data, settings.noise)
    told = settings.told() | {"data SHA-256": data_sum}
    together = TOGETHER[settings.data] if batch is None else whole("batch", batch)
    with RunsFile(path, told, _about()) as file, executor(workers, scheduler) as (pool, room):
        kept = Checkpoints(f"{file.path}.checkpoints", settings.digest)
        stored = file.stored()
        waiting = _batches(tasks, stored, kept.read(stored), together)
        with _Bar(tasks, waiting, settings.recipe, shown=progress) as bar:
            call: Call = partial(pool.submit, train_slice, settings, data_sum)  # type: ignore[call-arg]
            _Sweep(file, kept, bar).run(waiting, call, room, slice_seconds, until)
        kept.close()
        return _outcome(file.stored(), tasks)


def _check_ways(workers: int, scheduler: str | None, device: Device) -> None:
    cpu_only(device, "training")
    if whole("workers", workers) > 1 and scheduler is not None:
        raise ValueError(f"workers={workers}: the cluster at {scheduler} has its own")
    if scheduler is not None:
        checked_address(scheduler)


def _about() -> dict[str, Any]:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "lessons": lessons.__version__}
    machine = f"{platform.platform()}, {os.cpu_count()} cores"
    return {"versions": versions, "machine": machine, "begun": time.strftime("%Y-%m-%d")}


@dataclass
class _Batch:
    """Networks that are trained together, and how far they have come."""

    tasks: Sequence[Task]
    saved: bytes | None = None
    seconds: float = 0.0
    progress: float = 0.0

    @property
    def names(self) -> tuple[Name, ...]:
        return tuple(task.name for task in self.tasks)


def _batches(
    tasks: Iterable[Task], stored: Iterable[Name], kept: Iterable[Checkpoint], together: int
) -> deque[_Batch]:
    """What is to be done: batches that were on their way, then new ones, each of networks of like width.

    New ones come seed after seed, so that a run that is cut short has seen all graphs; the widest first, so that
    no long one is left for the end.
    """
    by_name = {task.name: task for task in tasks}
    taken, found = set(stored), deque[_Batch]()
    for one in kept:
        if set(one.tasks) <= by_name.keys() - taken:
            found.append(_Batch([by_name[name] for name in one.tasks], one.saved, one.seconds, one.progress))
            taken.update(one.tasks)
    left = sorted((by_name[name] for name in by_name.keys() - taken), key=lambda task: (-task.width, task.name))
    new = [_Batch(left[first : first + together]) for first in range(0, len(left), together)]
    new.sort(key=lambda batch: min(task.seed for task in batch.tasks))
    found.extend(new)
    return found


@dataclass
class _Sweep:
    """Hands out slices of work and, alone of all, writes what comes back."""

    file: RunsFile
    kept: Checkpoints
    bar: _Bar

    def run(
        self, waiting: deque[_Batch], call: Call, room: Callable[[], int], seconds: float, until: float
    ) -> None:
        """Until nothing is left, or no time; then what is being worked on is still written, one slice at least."""
        flying: dict[Future[Slice], _Batch] = {}
        begun = False
        while True:
            while waiting and len(flying) < room() and (time.monotonic() < until or not begun):
                batch, begun = waiting.popleft(), True
                flying[call(batch.tasks, batch.saved, min(seconds, until - time.monotonic()))] = batch
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                batch = flying.pop(future)
                if not self._landed(batch, future.result()):
                    waiting.appendleft(batch)

    def _landed(self, batch: _Batch, piece: Slice) -> bool:
        """Write what came back; whether the batch is done."""
        self.bar.move(batch, piece.progress if piece.saved is not None else 1.0)
        batch.seconds += piece.seconds
        batch.saved, batch.progress = piece.saved, piece.progress
        if piece.saved is not None:
            self.kept.write(Checkpoint(batch.names, batch.seconds, batch.progress, piece.saved))
            return False
        self.file.store(*_rows(batch, piece))
        self.kept.remove(batch.names)
        return True


def _rows(batch: _Batch, piece: Slice) -> tuple[list[Run], list[Epoch]]:
    """The rows of networks that are done: of a failed one the epochs before it failed."""
    runs, epochs = list[Run](), list[Epoch]()
    for task, losses, errors in zip(batch.tasks, piece.losses.tolist(), piece.errors.tolist(), strict=True):
        good = [
            (e, loss, error) for e, (loss, error) in enumerate(zip(losses, errors, strict=True)) if isfinite(loss)
        ]
        epochs += [(*task.name, *row) for row in good]
        failed = len(good) < len(losses)
        runs.append(
            Run(
                **asdict(task),
                status="failed" if failed else "done",
                error=None if failed else errors[-1],
                loss=None if failed else losses[-1],
                seconds=batch.seconds / len(batch.tasks),
                reason=f"the loss was not finite in epoch {len(good)}" if failed else None,
            )
        )
    return runs, epochs


def _outcome(stored: Mapping[Name, str], tasks: Iterable[Task]) -> Outcome:
    found = [stored.get(task.name) for task in tasks]
    return Outcome(len(found) - found.count(None), found.count("failed"), len(found))


class _Bar:
    """Shows how much of the work is done, as many multiply-adds as dense networks of these widths would take."""

    def __init__(self, tasks: Sequence[Task], waiting: Iterable[_Batch], recipe: Recipe, *, shown: bool) -> None:
        from tqdm import tqdm

        self._recipe, self._total = recipe, len(tasks)
        self._stored = len(tasks) - sum(len(batch.tasks) for batch in waiting)
        left = sum(self._work(batch.tasks) * (1 - batch.progress) for batch in waiting)
        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        total = self._work(tasks)
        self._bar = tqdm(
            desc="sweep", total=total, initial=total - left, smoothing=0, bar_format=form, disable=not shown
        )

    def _work(self, tasks: Iterable[Task]) -> float:
        widths, recipe = [task.width for task in tasks], self._recipe
        first = recipe.n_in * recipe.stem
        return sum(first + w * (recipe.stem + (recipe.rounds - 1) * w + recipe.n_out) for w in widths)

    def move(self, batch: _Batch, progress: float) -> None:
        """The batch has come this far; 1 where it is done."""
        self._stored += len(batch.tasks) * (progress == 1)
        self._bar.update(self._work(batch.tasks) * (progress - batch.progress))
        self._bar.set_postfix_str(f"{self._stored} of {self._total} networks")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
