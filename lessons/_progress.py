"""What `check` has said, kept for its reader in a small text file of theirs. Nothing leaves the machine.

    path()                              # the file: .lessons-progress.txt in the home folder, unless told otherwise
    keep("start_here-4", right=True)    # adds a line to it: 2026-11-22 start_here-4 right
    passed()                            # {"start_here-4"}

LESSONS_PROGRESS names another file, and keeps nothing where it is empty. Each line is added by one call of the
system, so that two notebooks may check at the same time; a line that is no such line counts for nothing.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

NAME = ".lessons-progress.txt"


def path() -> Path | None:
    """The file; None where nothing is kept.

    >>> path() == Path.home() / NAME or "LESSONS_PROGRESS" in os.environ
    True
    """
    told = os.environ.get("LESSONS_PROGRESS")
    if told is not None:
        return Path(told) if told else None
    try:
        return Path.home() / NAME
    except RuntimeError:  # a user without a home folder
        return None


def keep(id: str, *, right: bool) -> None:
    """Add a line on an answer to an exercise; where the file cannot be written, none. Answers come first."""
    file = path()
    if file is None:
        return
    line = f"{time.strftime('%Y-%m-%d')} {id} {'right' if right else 'wrong'}\n"
    with suppress(OSError):
        number = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(number, line.encode())
        finally:
            os.close(number)


def can_keep(file: Path) -> bool:
    """Whether lines can be added to the file, which need not be there yet."""
    return os.access(file, os.W_OK) if file.exists() else os.access(file.parent, os.W_OK)


def passed() -> set[str]:
    """The ids of the exercises that were answered rightly, once at least.

    Raises OSError for a file that is there and cannot be read.
    """
    file = path()
    if file is None or not file.exists():
        return set()
    lines = (line.split() for line in file.read_text("utf-8", errors="replace").splitlines())
    return {line[1] for line in lines if len(line) == 3 and line[2] == "right"}


def forget() -> Path | None:
    """Delete the file; the answer is its path, None where there is none.

    Raises OSError where it cannot be deleted.
    """
    file = path()
    if file is None or not file.exists():
        return None
    file.unlink()
    return file
