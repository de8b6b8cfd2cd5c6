"""Gets public data once: from the folder that LESSONS_DATA names, from the cache, or from where it is published.

Whatever the way, a file is the one that was published, bit for bit, or is refused before a byte of it is parsed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from logging import Logger, LogRecord
from pathlib import Path
from typing import Any

from lessons.errors import DataMissing, FormatError

RETRIES = 2  # of a download that broke off, after one and two seconds


def fetched(folder: str, sums: Mapping[str, str], url: str, *, name: str, command: str) -> dict[str, Path]:
    """The path of each file of `sums` (name: its SHA-256), on this machine from now on.

    Each is looked for in `$LESSONS_DATA/<folder>/`, then in the user's cache, else downloaded from `url` + its
    name with a bar of progress, checked, and only then put into the cache: nobody sees half of it. The name of a
    file may lead through folders, "analysis/list.npy", which it then has everywhere. `name` and `command` tell
    what is missing, and how to get it. What is not in the folder given is told, with the folder, before it is
    downloaded.

    Raises ValueError where LESSONS_DATA names no folder; FormatError for a file with another sum, whoever gave it;
    DataMissing where it is nowhere and cannot be downloaded. O(bytes) at each call, for the sums.
    """
    given = _given(folder)
    paths = {file: given / file for file in sums if given and (given / file).is_file()}
    for file, path in paths.items():
        check_sum(path, sums[file], "Remove it, or unset LESSONS_DATA, and it is downloaded.")
    lacking = {file: total for file, total in sums.items() if file not in paths}
    told = f"not in {given}, where LESSONS_DATA leads: {', '.join(lacking)}" if given else ""
    return paths | _from_cache(folder, lacking, url, name, command, told)


def given_file(folder: str, file: str, total: str, *, name: str, command: str) -> Path:
    """The path of a file that is not published: `$LESSONS_DATA/<folder>/<file>`, where its SHA-256 is `total`.

    Raises ValueError where LESSONS_DATA names no folder, DataMissing, with `name` and `command`, where it is unset
    or the file is not there, FormatError for a file with another sum. O(bytes) at each call, for the sum.
    """
    given = _given(folder)
    if given is None or not (given / file).is_file():
        raise DataMissing(name, command)
    check_sum(given / file, total, "Whoever gave it to you has another.")
    return given / file


def _given(folder: str) -> Path | None:
    """`$LESSONS_DATA/<folder>`, which need not be there; None where LESSONS_DATA is unset or empty."""
    named = os.environ.get("LESSONS_DATA")
    if named and not Path(named).is_dir():
        raise ValueError(f"LESSONS_DATA={named!r} is no folder: correct it or unset it")
    return Path(named, folder) if named else None


def check_sum(path: Path, wanted: str, advice: str) -> None:
    """Raise FormatError with both sums unless the SHA-256 of the file is the wanted one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise FormatError(path, None, f"not the published file: its SHA-256 is {found}, not {wanted}. {advice}")


def _from_cache(
    folder: str, sums: Mapping[str, str], url: str, name: str, command: str, told: str
) -> dict[str, Path]:
    """`told`: what the folder given lacks, in words."""
    if not sums:
        return {}
    import pooch
    from requests import RequestException

    registry = {file: f"sha256:{total}" for file, total in sums.items()}
    cache = Path(pooch.os_cache("graph-lessons"), folder)
    logger = pooch.get_logger()
    if told and not all((cache / file).is_file() for file in sums):
        logger.info("%s is %s", name, told)
    store = pooch.create(cache, url, registry=registry, retry_if_failed=RETRIES)
    try:
        return _fetched_by(store, logger, sums)
    except RequestException as error:
        way = f"with a network; or put it into {folder}/ of a folder that LESSONS_DATA names"
        raise DataMissing(name, f"{command}   ({way}{told and '; '}{told})") from error
    except ValueError as error:  # of pooch, for another sum; it keeps nothing
        raise FormatError(url, None, f"what is published there has changed: {error}") from error


def _fetched_by(store: Any, logger: Logger, files: Iterable[str]) -> dict[str, Path]:
    """The path of each; pooch is not to tell of each attempt that failed, as the last is told as an error."""
    logger.addFilter(_is_no_retry)
    try:
        return {file: Path(store.fetch(file, progressbar=True)) for file in files}
    finally:
        logger.removeFilter(_is_no_retry)


def _is_no_retry(record: LogRecord) -> bool:
    return not record.getMessage().startswith("Failed to download")
