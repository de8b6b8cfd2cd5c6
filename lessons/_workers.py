"""Who does long work: this process, others that it starts, or a dask cluster; the caller sees no difference."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from lessons.errors import require

_ADDRESS = re.compile(r"([a-z]+://)?(\[[\da-fA-F:]+\]|[\w.-]*\w):\d{1,5}/?|inproc://\S+")
FIRST_WORKER_SECONDS = 60.0  # that a cluster's first worker may take to appear

Workers = tuple[Executor, Callable[[], int]]


def checked_address(scheduler: str) -> str:
    """The address of a cluster. Raises ValueError for one that has no port, for which dask would wait for ever.

    >>> checked_address("tcp://10.0.0.1:8786")
    'tcp://10.0.0.1:8786'
    """
    if not _ADDRESS.fullmatch(scheduler):
        raise ValueError(f"scheduler={scheduler!r}: an address with a port is needed, such as tcp://10.0.0.1:8786")
    return scheduler


@contextmanager
def executor(workers: int, scheduler: str | None = None) -> Iterator[Workers]:
    """Who works, and how many calls they can work on at once: this process, `workers` of its own, or a cluster.

    Raises RuntimeError where a worker was lost and nobody could take its place.

    >>> with executor(1) as (pool, room):
    ...     pool.submit(max, 3, 5).result(), room()
    (5, 1)
    """
    if scheduler is None and workers == 1:
        yield _Here(), lambda: 1
        return
    try:
        with _cluster(scheduler) if scheduler else _processes(workers) as found:
            yield found
    except (BrokenExecutor, CancelledError) as error:
        reason = str(error) or "the cluster is gone"
        raise RuntimeError(
            f"a worker was lost, as when memory runs out ({reason}); what is done is kept"
        ) from error


class _Here(Executor):
    """This process, at once."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(call(*args, **kwargs))
        return future


@contextmanager
def _processes(workers: int) -> Iterator[Workers]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_worker) as pool:
        yield pool, lambda: workers


def _begin_worker() -> None:
    """One thread of BLAS, no traceback at Ctrl-C, and no life after that of the process that it works for."""
    if importlib.util.find_spec("threadpoolctl"):
        importlib.import_module("threadpoolctl").threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def _cluster(address: str) -> Iterator[Workers]:
    distributed, config = require("distributed", "scale"), require("dask.config", "scale")
    with (
        config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}),  # what was saved travels along
        distributed.Client(address, set_as_default=False) as client,
    ):
        client.wait_for_workers(1, timeout=FIRST_WORKER_SECONDS)
        try:
            yield client.get_executor(pure=False), lambda: max(1, sum(client.nthreads().values()))
        except distributed.KilledWorker as error:
            raise BrokenExecutor(str(error)) from error
