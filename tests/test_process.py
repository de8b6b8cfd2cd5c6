"""Peak memory, of processes whose memory is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from lessons import _process
from lessons._process import peak_mb

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which is Linux's")


@contextmanager
def child(program: str) -> Iterator[int]:
    """A Python process that has run `program` and waits."""
    wait = "\nprint('ready', flush=True)\ninput()"
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program + wait], **pipe) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.communicate("\n", timeout=20)


@linux
def test_the_peak_is_kept_when_memory_is_given_back() -> None:
    with child("held = b'x' * 200_000_000\ndel held") as pid:
        assert 200 < peak_mb(pid) < 240
        assert _process._from_psutil(pid) < 60  # what it holds now: the fallback where nobody keeps a peak


@linux
def test_the_peak_is_not_inherited() -> None:
    held = b"x" * 300_000_000
    with child("") as pid:
        assert peak_mb(pid) < 60
    assert len(held) == 300_000_000


@linux
def test_a_process_that_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.communicate(timeout=20)
    with pytest.raises(ProcessLookupError, match=f"no process {process.pid}"):
        peak_mb(process.pid)


@linux
def test_a_process_that_has_ended_and_was_not_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ProcessLookupError, match=f"process {process.pid} has ended"):
        peak_mb(process.pid)
    process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("system", "memory", "mb"),
    [("win32", SimpleNamespace(rss=5e6, peak_wset=9e6), 9.0), ("darwin", SimpleNamespace(rss=5e6), 5.0)],
)
def test_other_systems(monkeypatch: pytest.MonkeyPatch, system: str, memory: SimpleNamespace, mb: float) -> None:
    fake = SimpleNamespace(Process=lambda pid: SimpleNamespace(memory_info=lambda: memory), NoSuchProcess=OSError)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setitem(sys.modules, "psutil", fake)  # type: ignore[arg-type]
    assert peak_mb(1) == mb
