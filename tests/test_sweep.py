"""The sweep: killed, stopped, out of room, on one process or many, the file at its end is the same."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl

from lessons import _checkpoints, sweep
from lessons._checkpoints import Checkpoint, Checkpoints, packed, unpacked
from lessons._runs_file import Run, RunsFile
from lessons._workers import executor
from lessons.datasets import noisy_digits, published_graphs
from lessons.errors import FormatError
from lessons.random_graphs import ws_flex
from lessons.relational_budgets import cost, match_width
from lessons.relational_training import Recipe
from lessons.sweep import Outcome, Runs, Settings, read_runs, run_sweep, tasks_of, train_slice

RECIPE = Recipe(n_in=64, stem=64, epochs=2, batch=64)
TINY = Settings("digits", graphs=4, noise=1.0, recipe=RECIPE)
NAMES = [(graph, seed) for graph in (0, 1, 2, 3, -1) for seed in (1, 2)]
TOGETHER = 4  # networks of a batch

posix = pytest.mark.skipif(os.name != "posix", reason="kill -9, fork and limits as POSIX has them")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Sums of a matrix product are in one order, so that figures can be compared to the last bit."""
    with threadpoolctl.threadpool_limits(1):
        yield


def tiny(path: Path, **options: object) -> Outcome:
    return run_sweep(TINY, path, **{"seeds": 2, "batch": TOGETHER, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Runs:
    """What comes of a run that nothing has interrupted."""
    path = tmp_path_factory.mktemp("whole") / "runs.sqlite"
    assert tiny(path) == Outcome(stored=10, failed=0, total=10)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["runs.sqlite", "runs.sqlite.lock"]
    return read_runs(path)


def check_same(runs: Runs, whole: Runs) -> None:
    """All networks, once, with the same figures to the last bit."""
    for name in ("graph", "seed", "k", "p", "graph_seed", "C", "L", "width", "multiply_adds", "failed"):
        assert np.array_equal(getattr(runs, name), getattr(whole, name)), name
    for name in ("error", "loss", "errors_by_epoch", "losses_by_epoch"):
        assert np.array_equal(getattr(runs, name), getattr(whole, name), equal_nan=True), name


def folder_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.checkpoints")


# ---------------------------------------------------------------------------------------- what is run


def test_what_is_run():
    tasks = tasks_of(TINY, 2)
    assert [task.name for task in tasks] == NAMES
    chosen = published_graphs(52)
    for task in tasks[:-2]:
        assert task.k == chosen.k[task.graph]
        assert task.p == chosen.p[task.graph]
        assert task.graph_seed == chosen.seed[task.graph]
        graph = ws_flex(64, task.k, task.p, task.graph_seed)
        assert (task.width,) == match_width(graph, TINY.family)
        assert task.multiply_adds == cost(graph, TINY.family, [task.width]).multiply_adds >= TINY.family.budget
        assert chosen.C[task.graph] == task.C
        assert chosen.L[task.graph] == task.L
    complete = tasks[-1].network()
    assert complete.graph.m == 64 * 63 // 2
    assert (complete.width, tasks[-1].C, tasks[-1].L) == (64, 1, 1)


def test_a_key_depends_on_graph_and_seed_only():
    keys = {task.name: task.network().key for task in tasks_of(TINY, 3)}
    assert len(set(keys.values())) == 15
    others = {task.name: task.network().key for task in tasks_of(Settings.usual("digits", graphs=6), 1)}
    assert all(keys[name] == others[name] for name in keys.keys() & others.keys())


def test_the_published_networks_are_the_published_family():
    settings = Settings.usual("cifar10")
    assert settings.recipe == Recipe()
    for task in tasks_of(settings, 1)[::13]:
        graph = task.network().graph
        assert (task.width,) == match_width(graph, "mlp")
        assert task.multiply_adds == cost(graph, "mlp", [task.width]).multiply_adds


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"data": "mnist"}, "data='mnist': one of digits, cifar10, cifar10-jpeg"),
        ({"data": "digits", "graphs": 53}, "graphs=53: 52, 449, 3942, or fewer than 52"),
        ({"data": "digits", "graphs": 0}, "graphs=0: at least 1"),
        ({"data": "digits", "noise": -1.0}, "noise=-1.0: a finite number, zero or more"),
        ({"data": "cifar10", "noise": 1.0}, "noise=1.0: for the digits only"),
        ({"data": "digits", "epochs": 0}, "epochs=0: at least 1"),
    ],
)
def test_settings_that_cannot_be(settings, problem):
    with pytest.raises(ValueError, match=problem):
        Settings.usual(**settings)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"seeds": 0}, "seeds=0: at least 1"),
        ({"batch": 0}, "batch=0: at least 1"),
        ({"workers": 0}, "workers=0: at least 1"),
        ({"workers": 2, "scheduler": "tcp://a:1"}, "workers=2: the cluster at tcp://a:1 has its own"),
        ({"scheduler": "tcp://..."}, r"scheduler='tcp://\.\.\.': an address with a port is needed"),
        ({"scheduler": "foo"}, "scheduler='foo': an address with a port is needed"),
        ({"device": "gpu"}, "device='gpu': .* never run on a GPU"),
        ({"max_seconds": 0}, "max_seconds=0: above 0"),
        ({"slice_seconds": 0}, "slice_seconds=0: above 0"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, problem):
    with pytest.raises(ValueError, match=problem):
        tiny(tmp_path / "runs.sqlite", **options)
    assert not list(tmp_path.iterdir())


def test_batches_are_of_like_width_and_come_seed_after_seed():
    tasks = tasks_of(replace(TINY, graphs=20), 3)
    found = list(sweep._batches(tasks, stored=[tasks[0].name], kept=[], together=4))
    names = [name for batch in found for name in batch.names]
    assert sorted(names) == sorted(task.name for task in tasks[1:])
    assert [len(batch.tasks) for batch in found] == sorted((len(batch.tasks) for batch in found), reverse=True)
    by_width = sorted(found, key=lambda batch: -batch.tasks[0].width)
    widths = [task.width for batch in by_width for task in batch.tasks]
    assert widths == sorted(widths, reverse=True)
    alone = list(sweep._batches(tasks, stored=[], kept=[], together=1))
    order = [(batch.tasks[0].seed, -batch.tasks[0].width) for batch in alone]
    assert order == sorted(order)


def test_a_machine_with_other_data_is_refused():
    task = tasks_of(TINY, 1)[0]
    with pytest.raises(ValueError, match=r"digits on .* is not what it is where the sweep was started"):
        train_slice(TINY, "0" * 64, [task], None, 1.0)


def test_the_data_have_a_sum_of_their_own():
    arrays, total = sweep._loaded("digits", 1.0)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(arrays, noisy_digits(1.0), strict=True))
    assert sweep._loaded("digits", 0.0)[1] == total  # noise is a setting
    assert sweep._sum_of(np.zeros((2, 3))) != sweep._sum_of(np.zeros((3, 2))) != sweep._sum_of(np.zeros(6))


# ---------------------------------------------------------------------------------------- what is stored


def test_what_a_file_tells(whole):
    assert whole.settings | TINY.told() == whole.settings
    assert {"data SHA-256", "versions", "machine", "begun"} <= whole.settings.keys()
    assert list(zip(whole.graph.tolist(), whole.seed.tolist(), strict=True)) == NAMES
    assert (whole.errors_by_epoch[:, -1] == whole.error).all()
    assert (whole.losses_by_epoch[:, -1] == whole.loss).all()
    assert (whole.losses_by_epoch[:, 0] > whole.loss).all()
    assert ((whole.error > 0) & (whole.error < 60)).all()  # chance is 90
    assert (whole.seconds > 0).all()
    assert not whole.failed.any()
    matrix = whole.matrix()
    assert matrix.shape == (5, 2)
    assert [matrix[graph, seed - 1] for graph, seed in NAMES] == whole.error.tolist()
    assert repr(whole) == "Runs(10 networks, 0 of them failed)"


def test_another_batching_gives_the_same_to_rounding(tmp_path, whole):
    tiny(tmp_path / "runs.sqlite", batch=1)
    runs = read_runs(tmp_path / "runs.sqlite")
    assert runs.losses_by_epoch == pytest.approx(whole.losses_by_epoch, rel=1e-3)
    assert np.abs(runs.error - whole.error).max() < 1


def test_more_seeds_and_nothing_twice(tmp_path, whole):
    path = tmp_path / "runs.sqlite"
    assert tiny(path, seeds=1) == (5, 0, 5)
    first = read_runs(path)
    assert np.isnan(first.matrix()).sum() == 0
    assert tiny(path) == (10, 0, 10)
    second = read_runs(path)
    assert (second.seconds[::2] == first.seconds).all()  # those were not trained again
    assert second.losses_by_epoch == pytest.approx(whole.losses_by_epoch, rel=1e-3)
    assert tiny(path, seeds=1) == (5, 0, 5)


def test_a_network_that_fails_is_stored_as_failed(tmp_path):
    wild = replace(TINY, recipe=replace(RECIPE, rate=1e30))
    path = tmp_path / "runs.sqlite"
    assert run_sweep(wild, path, seeds=1) == Outcome(stored=5, failed=5, total=5)
    runs = read_runs(path)
    assert runs.failed.all()
    assert np.isnan(runs.error).all()
    assert np.isnan(runs.matrix()).all()
    assert np.isnan(runs.losses_by_epoch[:, -1]).all()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        reasons = connection.execute("SELECT DISTINCT status, error, reason FROM runs").fetchall()
    assert reasons == [("failed", None, "the loss was not finite in epoch 0")]
    assert run_sweep(wild, path, seeds=1) == (5, 5, 5)
    assert (read_runs(path).seconds == runs.seconds).all()


def test_two_runs_into_one_file(tmp_path):
    path = tmp_path / "runs.sqlite"
    (tmp_path / "link").symlink_to(path)
    with RunsFile(path, {}):
        for name in ("runs.sqlite", "link"):
            with pytest.raises(BlockingIOError, match=r"runs\.sqlite: another process writes this file"):
                tiny(tmp_path / name)
    with pytest.raises(ValueError, match="holds runs with data = None, not 'digits'"):
        tiny(path)


@pytest.mark.parametrize(
    ("settings", "difference"),
    [
        (replace(TINY, noise=2.0), r"noise = 1\.0, not 2\.0"),
        (replace(TINY, graphs=5), "graphs = 4, not 5"),
        (replace(TINY, recipe=replace(RECIPE, epochs=3)), r"recipe\.epochs = 2, not 3"),
    ],
)
def test_other_settings_are_refused(tmp_path, settings, difference):
    path = tmp_path / "runs.sqlite"
    tiny(path, max_seconds=1e-9)
    before = {entry: entry.read_bytes() for entry in tmp_path.rglob("*") if entry.is_file()}
    with pytest.raises(ValueError, match=rf"runs\.sqlite holds runs with {difference}: give it the settings"):
        run_sweep(settings, path)
    assert {entry: entry.read_bytes() for entry in tmp_path.rglob("*") if entry.is_file()} == before


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        tiny(tmp_path / "nowhere" / "runs.sqlite")
    with pytest.raises(FileNotFoundError, match=r"nothing\.sqlite: no such file of runs"):
        read_runs(tmp_path / "nothing.sqlite")
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("not a database, " * 100)
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE settings (key, value)")
    for path in (text, other):
        before = path.read_bytes()
        for open_it in (tiny, read_runs):
            with pytest.raises(FormatError, match="no file of runs"):
                open_it(path)
        assert path.read_bytes() == before
    assert not (tmp_path / "nothing.sqlite").exists()


# ---------------------------------------------------------------------------------------- on its way


def test_in_pieces(tmp_path, whole, monkeypatch):
    """Each piece does one step at least, and leaves files of bounded size that the next goes on from."""
    monkeypatch.setattr(_checkpoints, "PART_BYTES", 50_000)
    path, done = tmp_path / "runs.sqlite", [0.0]
    while (outcome := tiny(path, max_seconds=1e-9 if len(done) < 9 else 0.3)).stored < 10:
        if folder_of(path).exists():  # unless a batch has just been stored
            sizes = [entry.stat().st_size for entry in folder_of(path).iterdir()]
            assert max(sizes) <= 50_000 < sum(sizes)
        done.append(how_far(path))
        assert done[-1] > done[-2]
    assert outcome == (10, 0, 10)
    assert len(done) >= 9
    check_same(read_runs(path), whole)
    assert not folder_of(path).exists()


def begun(path: Path) -> bool:
    """Whether the first transaction is there: one that was cut off is rolled back by who looks next."""
    if not path.exists():
        return False
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,)


def how_far(path: Path) -> float:
    """How many networks are done, parts of them counted."""
    stored = {(graph, seed) for graph, seed in _names(read_runs(path))}
    found = float(len(stored))
    for manifest in folder_of(path).glob("*.json"):
        told = json.loads(manifest.read_text())
        found += sum(told["progress"] for name in told["tasks"] if tuple(name) not in stored)
    return found


def _names(runs: Runs) -> list[tuple[int, int]]:
    return list(zip(runs.graph.tolist(), runs.seed.tolist(), strict=True))


@pytest.fixture
def halted(tmp_path) -> Path:
    """A file whose first batch is on its way."""
    path = tmp_path / "runs.sqlite"
    tiny(path, max_seconds=1e-9)
    assert 0 < how_far(path) < 1
    return path


def test_a_batch_goes_on_as_it_was_put_together(halted, whole):
    tiny(halted, batch=3)
    runs = read_runs(halted)
    widest = np.argsort(-runs.width, kind="stable")[:TOGETHER]
    assert (runs.losses_by_epoch[widest] == whole.losses_by_epoch[widest]).all()


def test_killed_between_storing_and_forgetting(halted, whole, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "remove", killed)
        with pytest.raises(Killed):
            tiny(halted)
    assert len(read_runs(halted)) == TOGETHER
    assert list(folder_of(halted).glob("*.json"))
    tiny(halted)
    check_same(read_runs(halted), whole)
    assert not folder_of(halted).exists()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _part(folder: Path) -> Path:
    return next(folder.glob("*.part"))


def _manifest(folder: Path) -> Path:
    return next(folder.glob("*.json"))


DAMAGES = {
    "a flipped bit": lambda folder: _flip(_part(folder)),
    "half a part": lambda folder: os.truncate(_part(folder), 1_000),
    "no part": lambda folder: _part(folder).unlink(),
    "half a manifest": lambda folder: os.truncate(_manifest(folder), 100),
    "an empty manifest": lambda folder: os.truncate(_manifest(folder), 0),
    "a manifest of something else": lambda folder: _manifest(folder).write_text('{"tasks": []}'),
    "no object": lambda folder: _manifest(folder).write_text("[1]"),
    "a part elsewhere": lambda folder: _manifest(folder).write_text(
        json.dumps(json.loads(_manifest(folder).read_text()) | {"parts": ["../../runs.sqlite"]})
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_begun_anew(halted, whole, damage):
    damage(folder_of(halted))
    with pytest.warns(UserWarning, match=r"damaged|missing"):
        tiny(halted)
    check_same(read_runs(halted), whole)
    assert not folder_of(halted).exists()


def test_checkpoints_of_others_stay(halted, whole):
    kept = {entry.name: entry.read_bytes() for entry in folder_of(halted).iterdir()}
    halted.unlink()
    other = replace(TINY, noise=0.5)
    with pytest.warns(UserWarning, match="is of other settings, and is left as it is"):
        run_sweep(other, halted, seeds=1, max_seconds=1e-9)
    with pytest.warns(UserWarning, match="is of other settings"):
        run_sweep(other, halted, seeds=1)
    assert {entry.name: entry.read_bytes() for entry in folder_of(halted).iterdir()} == kept
    halted.unlink()
    tiny(halted)
    check_same(read_runs(halted), whole)


def test_parts_of_16_mib(tmp_path):
    saved = np.random.default_rng(0).bytes(40 * 2**20)
    written = Checkpoint(((0, 1), (-1, 2)), 12.5, 0.25, saved)
    checkpoints = Checkpoints(tmp_path / "some", "ours")
    for one in (Checkpoint(written.tasks, 1.0, 0.1, saved[::2]), written):
        checkpoints.write(one)
    (tmp_path / "some" / ".abc.part").write_text("left by one that was killed")
    sizes = sorted(entry.stat().st_size for entry in (tmp_path / "some").glob("*.part"))
    assert sizes[1:] == [8 * 2**20, 16 * 2**20, 16 * 2**20]
    again = Checkpoints(tmp_path / "some", "ours")
    assert again.read() == [written]
    assert len(list((tmp_path / "some").iterdir())) == 4
    again.remove(written.tasks)
    again.close()
    assert not (tmp_path / "some").exists()


def test_states_come_back_from_bytes():
    states = [{"at": np.array([1, 30]), "w": np.float32([0.1, 0.2])} for _ in range(12)]
    back = unpacked(packed(states))
    assert len(back) == 12
    for one, other in zip(states, back, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) and one[key].dtype == other[key].dtype for key in one)


# -------------------------------------------------------------------------------------- kill -9, and no room left

SERVER = """
import json, os, resource, signal, sys, time
from lessons import sweep
from lessons.compiled import relational_training

sweep._loaded("digits", 1.0)
settings = sweep.Settings.usual("digits", graphs=4, noise=1.0, epochs=2)
print(0, flush=True)
for line in sys.stdin:
    path, options, killed_after, room = json.loads(line)
    child = os.fork()
    if child == 0:
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            sweep.run_sweep(settings, path, **options)
        except OSError as error:
            with open(path + ".error", "w") as file:
                file.write(str(error))
            os._exit(1)
        os._exit(0)
    if killed_after is not None:
        time.sleep(killed_after)
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def server():
    """Answers (path, options, seconds until kill -9, bytes that a file may have) with the exit status of a run."""
    surroundings = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings,
    ) as process:

        def answer(
            path: Path, killed_after: float | None = None, room: int | None = None, **options: object
        ) -> int:
            options = {"seeds": 2, "batch": TOGETHER, "slice_seconds": 0.01, **options}
            print(json.dumps([str(path), options, killed_after, room]), file=process.stdin, flush=True)
            return int(process.stdout.readline())

        assert process.stdout.readline() == "0\n"  # all is loaded
        yield answer
        process.stdin.close()
        assert process.wait(60) == 0


@posix
def test_killed_at_twenty_random_moments(tmp_path, server, whole):
    """Until twenty kills have met a run alive; whenever one is done, it is compared and another is begun."""
    began = time.perf_counter()
    assert server(tmp_path / "first.sqlite") == 0
    takes = time.perf_counter() - began
    check_same(read_runs(tmp_path / "first.sqlite"), whole)
    rng, kills, on_the_way, far = np.random.default_rng(7), 0, 0, 0.0
    paths = (tmp_path / f"{number}.sqlite" for number in count())
    path = next(paths)
    while kills < 20:
        status = server(path, killed_after=takes * rng.random())
        if status == 0:
            check_same(read_runs(path), whole)
            path, far = next(paths), 0.0
            continue
        assert status == -signal.SIGKILL
        kills += 1
        assert begun(path) or far == 0
        if begun(path):
            assert how_far(path) >= far  # nothing that was written is lost
            far = how_far(path)
            on_the_way += 0 < far < 10
            check_some(read_runs(path), whole)
    assert on_the_way >= 5
    assert server(path) == 0
    check_same(read_runs(path), whole)
    assert not folder_of(path).exists()


def check_some(runs: Runs, whole: Runs) -> None:
    """Each network once at most, with the figures of the uninterrupted run."""
    rows = [_names(whole).index(name) for name in _names(runs)]
    assert len(set(rows)) == len(rows)
    assert np.array_equal(runs.errors_by_epoch, whole.errors_by_epoch[rows])
    assert np.array_equal(runs.losses_by_epoch, whole.losses_by_epoch[rows])


@posix
@pytest.mark.parametrize(
    ("room", "problem"),
    [(8_000, "nothing was half-written"), (60_000, "File too large")],
    ids=["file", "checkpoint"],
)
def test_no_room_left(tmp_path, server, whole, room, problem):
    """Files that may not grow, as on a full disk: the first limit meets SQLite, the other a checkpoint."""
    path = tmp_path / "runs.sqlite"
    assert server(path, room=room) == 1
    assert problem in Path(f"{path}.error").read_text()
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("*.json"))
    assert server(path) == 0
    check_same(read_runs(path), whole)


def test_no_room_left_in_the_middle_of_rows(tmp_path):
    settings, runs = TINY.told(), []
    for task in tasks_of(TINY, 1):
        runs.append(Run(**vars(task), status="done", error=1.0, loss=0.1, seconds=1.0, reason=None))
    epochs = [(0, 1, epoch, 0.5, 1.0) for epoch in range(5_000)]
    with RunsFile(tmp_path / "runs.sqlite", settings) as file:
        file.store(runs[:1], epochs[:1])
        file._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(OSError, match="database or disk is full; nothing was half-written"):
            file.store(runs[1:], epochs[1:])
        assert file.stored() == {(0, 1): "done"}
        file._connection.execute("PRAGMA max_page_count = 1000")
        file.store(runs[1:], epochs[1:])
        assert len(file.stored()) == 5


# ---------------------------------------------------------------------------------------- on several processes


def test_two_workers(tmp_path, whole):
    assert tiny(tmp_path / "runs.sqlite", workers=2, slice_seconds=0.05) == (10, 0, 10)
    check_same(read_runs(tmp_path / "runs.sqlite"), whole)


def test_a_worker_that_is_lost_is_told():
    def lost() -> None:
        with executor(2) as (pool, room):
            assert room() == 2
            pool.submit(os._exit, 1).result()

    with pytest.raises(RuntimeError, match=r"a worker was lost.*; what is done is kept"):
        lost()


@posix
def test_workers_end_with_the_one_they_work_for(tmp_path):
    psutil = pytest.importorskip("psutil")
    line = "-m lessons.cli sweep --graphs 3 --seeds 1 --epochs 3000 --batch 1 --workers 2 --out"
    command = [sys.executable, *line.split(), str(tmp_path / "runs.sqlite")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until, started = time.monotonic() + 120, []
        while len(started) < 3 and time.monotonic() < until:  # two workers, and who tracks their resources
            time.sleep(0.1)
            started = psutil.Process(process.pid).children(recursive=True)
        time.sleep(2)
    finally:
        process.kill()
        process.wait()
    assert len(started) == 3
    assert len(psutil.wait_procs(started, timeout=30)[1]) == 0
    with RunsFile(tmp_path / "runs.sqlite", {}) as file:  # nobody has the lock any more
        assert file.stored() == {}


def test_a_cluster_of_threads(tmp_path, whole):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address=None,
    ) as cluster:
        assert tiny(tmp_path / "runs.sqlite", scheduler=cluster.scheduler_address) == (10, 0, 10)
    check_same(read_runs(tmp_path / "runs.sqlite"), whole)


@posix
@pytest.mark.full
def test_a_cluster_of_two_processes_one_of_which_is_killed(tmp_path):
    """Its slice is given to another worker; in the end the file is that of a run by one process."""
    distributed = pytest.importorskip("distributed")
    settings = Settings.usual("digits", graphs=4, noise=1.0, epochs=60)
    options = {"seeds": 2, "batch": TOGETHER, "slice_seconds": 1.0}
    run_sweep(settings, tmp_path / "alone.sqlite", **options)
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        pids = client.run(os.getpid)

        def kill_one() -> None:
            address = _busy(client, folder_of(tmp_path / "runs.sqlite"))
            os.kill(pids[address], signal.SIGKILL)
            killed.append(address)

        killer = threading.Thread(target=kill_one)
        killer.start()
        outcome = run_sweep(settings, tmp_path / "runs.sqlite", scheduler=cluster.scheduler_address, **options)
        killer.join()
    assert outcome == (10, 0, 10)
    assert len(killed) == 1
    check_same(read_runs(tmp_path / "runs.sqlite"), read_runs(tmp_path / "alone.sqlite"))


def _busy(client, folder: Path) -> str:
    """The address of a worker that has begun a slice, when others have been done before."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if folder.is_dir() and list(folder.glob("*.json")):
            for address, tasks in client.processing().items():
                if any("train_slice" in str(task) for task in tasks):
                    return address
        time.sleep(0.05)
    raise AssertionError("no worker has begun")
