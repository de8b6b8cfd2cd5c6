"""The file of a sweep: an SQLite file that one process writes, and anybody reads meanwhile.

Table `settings` (key, value as JSON) tells what all runs have in common, `runs` has a row for each network that
is done, `epochs` one for each of its epochs. Runs and their epochs come in one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import astuple, dataclass, fields
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lessons.errors import FormatError

OURS = 0x6C736E73  # "lsns": tells an SQLite file of a sweep from others
TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE runs (
  graph INTEGER, seed INTEGER, k REAL, p REAL, graph_seed INTEGER, C REAL, L REAL, width INTEGER,
  multiply_adds INTEGER, status TEXT CHECK (status IN ('done', 'failed')), error REAL, loss REAL, seconds REAL,
  reason TEXT, PRIMARY KEY (graph, seed));
CREATE TABLE epochs (graph INTEGER, seed INTEGER, epoch INTEGER, loss REAL, error REAL,
  PRIMARY KEY (graph, seed, epoch));
"""


@dataclass(frozen=True)
class Run:
    """A network that is done, or has failed for a `reason`: a row of the table `runs`."""

    graph: int
    seed: int
    k: float
    p: float
    graph_seed: int
    C: float
    L: float
    width: int
    multiply_adds: int
    status: str
    error: float | None
    loss: float | None
    seconds: float
    reason: str | None


Epoch = tuple[int, int, int, float, float]  # a row of the table `epochs`


class RunsFile:
    """The file, opened to be written by us alone until `with` ends; made where it is not there.

    `settings` tell what all runs in it have in common, `about` what else is to be known of a new file.

    Raises BlockingIOError where another process writes it; ValueError where it holds runs of other settings, with
    the first that differs; FormatError for another file. OSError where nothing can be written, now or later: what
    is not written whole is not written at all.
    """

    def __init__(
        self, path: str | PathLike[str], settings: Mapping[str, Any], about: Mapping[str, Any] | None = None
    ) -> None:
        self.path = Path(os.path.realpath(path))
        with ExitStack() as stack:
            stack.enter_context(_locked(self.path))
            with _plain_errors(self.path):
                opened = sqlite3.connect(self.path, isolation_level=None, timeout=60)
                self._connection = stack.enter_context(closing(opened))
                self._begin(settings, about or {})
            self._open = stack.pop_all()

    def _begin(self, settings: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        with self._transaction() as execute:
            if not _is_empty(self._connection):
                return _check_same(self.path, _settings(self.path, self._connection), settings)
            execute(f"PRAGMA application_id = {OURS}")
            for table in TABLES.split(";")[:-1]:
                execute(table)
            for key, value in {**settings, **about}.items():
                execute("INSERT INTO settings VALUES (?, ?)", (key, json.dumps(value)))

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """All that is executed is written, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection.execute
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def __enter__(self) -> RunsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stored(self) -> dict[tuple[int, int], str]:
        """{(graph, seed): "done" or "failed"} of the networks that are there."""
        rows = self._connection.execute("SELECT graph, seed, status FROM runs")
        return {(graph, seed): status for graph, seed, status in rows}

    def store(self, runs: Iterable[Run], epochs: Iterable[Epoch]) -> None:
        """Write runs and their epochs, all or none."""
        with _plain_errors(self.path), self._transaction() as execute:
            for run in runs:
                execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(fields(Run)))})", astuple(run))
            for epoch in epochs:
                execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?)", epoch)


def _locked(path: Path) -> IO[bytes]:
    """A file beside `path` that no other process has until it is closed, by whatever way this one ends."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    file = open(f"{path}.lock", "ab")  # noqa: SIM115
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise BlockingIOError(f"{path}: another process writes this file; wait, or choose another") from error
    return file


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    """What SQLite has to say, in the words of the house."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OSError(f"{path}: {error}; nothing was half-written") from error
    except sqlite3.DatabaseError as error:
        raise FormatError(path, None, f"no file of runs: {error}") from error


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def _settings(path: Path, connection: sqlite3.Connection) -> dict[str, Any]:
    """The table `settings`. Raises FormatError where the file is not one that a sweep began."""
    if connection.execute("PRAGMA application_id").fetchone() != (OURS,):
        raise FormatError(path, None, "no file of runs: no sweep began it")
    return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM settings")}


def _check_same(path: Path, held: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key, value in wanted.items():
        if held.get(key) != value:
            raise ValueError(
                f"{path} holds runs with {key} = {held.get(key)!r}, not {value!r}: give it the settings that it "
                "has, or choose another file"
            )


# ---------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, eq=False)
class Runs:
    """What a file of runs holds, a row for each of R networks: graph after graph, the complete one last.

    `settings` tell what all of them have in common. `graph` (R,) is the row in the list of graphs, -1 the complete
    graph; `seed` (R,) that of the training. `k`, `p` and `graph_seed` make the graph, `C` and `L` are its mean
    clustering and mean shortest path, `width` its units a round, `multiply_adds` what it costs. `error` is the
    percentage of test rows that are wrong after the last epoch, `loss` the mean training loss in it, both NaN
    where a network has `failed`; `seconds` is its share of the work. `errors_by_epoch` and `losses_by_epoch`
    (R, epochs) have NaN where there is nothing.
    """

    settings: dict[str, Any]
    graph: NDArray[np.int64]
    seed: NDArray[np.int64]
    k: NDArray[np.float64]
    p: NDArray[np.float64]
    graph_seed: NDArray[np.int64]
    C: NDArray[np.float64]
    L: NDArray[np.float64]
    width: NDArray[np.int64]
    multiply_adds: NDArray[np.int64]
    error: NDArray[np.float64]
    loss: NDArray[np.float64]
    seconds: NDArray[np.float64]
    failed: NDArray[np.bool_]
    errors_by_epoch: NDArray[np.float64]
    losses_by_epoch: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.graph)

    def __repr__(self) -> str:
        return f"Runs({len(self)} networks, {self.failed.sum()} of them failed)"

    def matrix(self) -> NDArray[np.float64]:
        """(graphs + 1, seeds): the last error for each graph, the complete one last, and for each seed 1, 2, ...

        NaN where a network has failed, or is not there yet.
        """
        found = np.full((self.settings["graphs"] + 1, int(self.seed.max(initial=0))), np.nan)
        found[self.graph, self.seed - 1] = self.error
        return found


def read_runs(path: str | PathLike[str]) -> Runs:
    """All that is in a file of runs, which may be written meanwhile.

    Raises FileNotFoundError where there is no such file, FormatError where it is another kind of file.
    O(networks epochs).

    Notebook: 12_sweet_spot.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of runs")
    with _plain_errors(path):
        opened = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=60)
        with closing(opened) as connection:
            connection.execute("BEGIN")  # what is written from here on is not seen
            return _runs(_settings(path, connection), connection)


def _runs(settings: dict[str, Any], connection: sqlite3.Connection) -> Runs:
    names = [field.name for field in fields(Run)]
    rows = connection.execute("SELECT * FROM runs ORDER BY graph < 0, graph, seed").fetchall()
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    columns["failed"] = tuple(status == "failed" for status in columns["status"])
    place = {(graph, seed): row for row, (graph, seed, *_) in enumerate(rows)}
    by_epoch = np.full((2, len(rows), settings["recipe.epochs"]), np.nan)
    for graph, seed, epoch, *pair in connection.execute("SELECT graph, seed, epoch, loss, error FROM epochs"):
        by_epoch[:, place[graph, seed], epoch] = pair
    whole = {"graph", "seed", "graph_seed", "width", "multiply_adds"}
    kinds = {name: np.int64 if name in whole else np.float64 for name in names} | {"failed": np.bool_}
    wanted = [field.name for field in fields(Runs)][1:-2]
    arrays: dict[str, Any] = {name: np.array(columns[name], kinds[name]) for name in wanted}
    return Runs(settings, **arrays, errors_by_epoch=by_epoch[1], losses_by_epoch=by_epoch[0])
