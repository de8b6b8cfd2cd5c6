"""Keeps what batches of networks need to go on, each whole or not at all, in files of at most 16 MiB.

    kept = Checkpoints("runs.sqlite.checkpoints", settings="9f86d0...")
    kept.write(Checkpoint(tasks=((0, 1), (0, 2)), seconds=61.5, progress=0.4, saved=b"..."))
    kept.read()                           # after a crash: the last of each batch
    kept.remove(((0, 1), (0, 2)))         # these networks are done

A checkpoint is a manifest, `<batch>.json`, and parts that are named by their own SHA-256. Parts are written first
and the manifest is replaced last; what no manifest names is swept away.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons._files import replacing
from lessons.errors import FormatError

PART_BYTES = 16 * 2**20
SUM = re.compile("[0-9a-f]{64}")

Name = tuple[int, int]  # (graph, seed) of a network
State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """Networks on their way: `seconds` that were spent on them, `progress` from 0 to 1, their `saved` states."""

    tasks: tuple[Name, ...]
    seconds: float
    progress: float
    saved: bytes


class Checkpoints:
    """The checkpoints in a folder, made where it is not there; those of other `settings` stay untouched."""

    def __init__(self, folder: str | PathLike[str], settings: str) -> None:
        self._folder, self._settings = Path(folder), settings
        self._folder.mkdir(exist_ok=True)
        self._parts: dict[Path, list[str]] = {}  # of each manifest

    def read(self, done: Collection[Name] = ()) -> list[Checkpoint]:
        """What there is, in the order of the files; those with networks that are `done` are removed.

        What is damaged, or of other settings, is told in a warning.
        """
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                manifest = _manifest(path)
                checkpoint = self._whole(path, manifest)
            except FormatError as error:
                warnings.warn(f"{error}; its networks are trained from the beginning", stacklevel=2)
                path.unlink()
                continue
            if manifest["settings"] == self._settings and not set(checkpoint.tasks).isdisjoint(done):
                path.unlink()  # the last run was killed before it could
                continue
            self._parts[path] = manifest["parts"]
            if manifest["settings"] == self._settings:
                found.append(checkpoint)
            else:
                warnings.warn(f"{path} is of other settings, and is left as it is", stacklevel=2)
        self._sweep()
        return found

    def write(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint in the place of the last one of the same networks."""
        saved = memoryview(checkpoint.saved)
        parts = [saved[first : first + PART_BYTES] for first in range(0, len(saved), PART_BYTES)]
        sums = [hashlib.sha256(part).hexdigest() for part in parts]
        for total, part in zip(sums, parts, strict=True):
            with replacing(self._part(total), "wb") as file:
                file.write(part)
        path = self._path(checkpoint.tasks)
        told = {"settings": self._settings, "tasks": checkpoint.tasks, "parts": sums}
        with replacing(path) as file:
            json.dump(told | {"seconds": checkpoint.seconds, "progress": checkpoint.progress}, file)
        self._parts[path] = sums
        self._sweep()

    def remove(self, tasks: tuple[Name, ...]) -> None:
        """Forget the checkpoint of these networks, where there is one."""
        path = self._path(tasks)
        path.unlink(missing_ok=True)
        self._parts.pop(path, None)
        self._sweep()

    def close(self) -> None:
        """Remove the folder where nothing is left in it."""
        with suppress(OSError):
            self._folder.rmdir()

    def _whole(self, path: Path, manifest: dict[str, Any]) -> Checkpoint:
        parts = []
        for total in manifest["parts"]:
            part = self._part(total)
            parts.append(part.read_bytes() if part.is_file() else b"")
            if hashlib.sha256(parts[-1]).hexdigest() != total:
                raise FormatError(path, None, f"its part {part.name} is {'damaged' if parts[-1] else 'missing'}")
        tasks = tuple((graph, seed) for graph, seed in manifest["tasks"])
        return Checkpoint(tasks, manifest["seconds"], manifest["progress"], b"".join(parts))

    def _sweep(self) -> None:
        """Remove parts that belong to nothing, and what a writer that was killed has left."""
        named = {self._part(total) for sums in self._parts.values() for total in sums}
        for path in self._folder.glob("*.part"):
            if path not in named:
                path.unlink()

    def _part(self, total: str) -> Path:
        return self._folder / f"{total}.part"

    def _path(self, tasks: tuple[Name, ...]) -> Path:
        name = hashlib.sha256(f"{self._settings} {tasks}".encode()).hexdigest()
        return self._folder / f"{name[:16]}.json"


def _manifest(path: Path) -> dict[str, Any]:
    """What a manifest tells. Raises FormatError where it is not as `Checkpoints.write` makes it."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        good = (
            set(told) == {"settings", "tasks", "parts", "seconds", "progress"}
            and all(isinstance(number, int) for graph, seed in told["tasks"] for number in (graph, seed))
            and all(SUM.fullmatch(total) for total in told["parts"])
            and min(told["seconds"], told["progress"]) >= 0
        )
    except (ValueError, TypeError) as error:
        raise FormatError(path, None, f"a damaged checkpoint: {error}") from error
    if not good:
        raise FormatError(path, None, "a damaged checkpoint")
    return dict(told)


# ---------------------------------------------------------------------------------------- states as bytes


def packed(states: Sequence[State]) -> bytes:
    """States as the bytes of an uncompressed .npz file.

    >>> unpacked(packed([{"weights": np.arange(2)}, {"weights": np.arange(1)}]))
    [{'weights': array([0, 1])}, {'weights': array([0])}]
    """
    arrays = {f"{g}.{name}": array for g, state in enumerate(states) for name, array in state.items()}
    file = BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(saved: bytes) -> list[dict[str, NDArray[Any]]]:
    """The states that `packed` made bytes of."""
    states: dict[int, dict[str, NDArray[Any]]] = {}
    with np.load(BytesIO(saved), allow_pickle=False) as arrays:
        for key in arrays.files:
            g, _, name = key.partition(".")
            states.setdefault(int(g), {})[name] = arrays[key]
    return [states[g] for g in sorted(states)]
