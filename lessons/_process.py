"""How much memory a process has taken."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from lessons.errors import require


def peak_mb(pid: int) -> float:
    """The most memory that a running process has held at once, in MB (10^6 bytes), its children not counted.

    On Linux the kernel's own high-water mark, which starts anew with the program (`ru_maxrss` would not do: a
    process inherits it from the one that started it). Elsewhere psutil's: the peak on Windows; macOS keeps
    none for other processes, so there it is what the process holds now.

    Raises ProcessLookupError where no such process runs; ImportError without psutil where that is needed.

    >>> import os
    >>> 5 < peak_mb(os.getpid()) < 50_000
    True
    """
    return _from_proc(pid) if sys.platform.startswith("linux") else _from_psutil(pid)


def _from_proc(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise ProcessLookupError(f"no process {pid} is running") from error
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if peak is None:
        raise ProcessLookupError(f"process {pid} has ended: its memory is given back")
    return int(peak[1]) * 1024 / 1e6


def _from_psutil(pid: int) -> float:
    psutil = require("psutil", "course")
    try:
        memory = psutil.Process(pid).memory_info()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(f"no process {pid} is running") from error
    return float(getattr(memory, "peak_wset", memory.rss)) / 1e6
