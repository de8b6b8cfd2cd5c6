"""Gets public data once: from the folder that LESSONS_DATA names, from the cache, or from where it is published.

Whatever the way, a file is the one that was published, bit for bit, or is refused before a byte of it is parsed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from lessons.errors import DataMissing, FormatError

RETRIES = 2  # of a download that broke off, after one and two seconds


def fetched(folder: str, sums: Mapping[str, str], url: str, *, name: str, command: str) -> dict[str, Path]:
    """The path of each file of `sums` (name: its SHA-256), on this machine from now on.

    Each is looked for in `$LESSONS_DATA/<folder>/`, then in the user's cache, else downloaded from `url` + its
    name with a bar of progress, checked, and only then put into the cache: nobody sees half of it. `name` and
    `command` tell what is missing, and how to get it.

    Raises FormatError for a file with another sum, whoever gave it; DataMissing where it is nowhere and cannot be
    downloaded. O(bytes) at each call, for the sums.
    """
    given = os.environ.get("LESSONS_DATA")
    paths = {file: Path(given, folder, file) for file in sums if given and Path(given, folder, file).is_file()}
    for file, path in paths.items():
        check_sum(path, sums[file], "Remove it, or unset LESSONS_DATA, and it is downloaded.")
    lacking = {file: total for file, total in sums.items() if file not in paths}
    return paths | _from_cache(folder, lacking, url, name, command)


def check_sum(path: Path, wanted: str, advice: str) -> None:
    """Raise FormatError with both sums unless the SHA-256 of the file is the wanted one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise FormatError(path, None, f"not the published file: its SHA-256 is {found}, not {wanted}. {advice}")


def _from_cache(folder: str, sums: Mapping[str, str], url: str, name: str, command: str) -> dict[str, Path]:
    if not sums:
        return {}
    import pooch
    from requests import RequestException

    registry = {file: f"sha256:{total}" for file, total in sums.items()}
    cache = Path(pooch.os_cache("graph-lessons"), folder)
    store = pooch.create(cache, url, registry=registry, retry_if_failed=RETRIES)
    try:
        return {file: Path(store.fetch(file, progressbar=True)) for file in sums}
    except RequestException as error:
        way = f"{command}   (with a network; or put it into {folder}/ of a folder that LESSONS_DATA names)"
        raise DataMissing(name, way) from error
    except ValueError as error:  # of pooch, for another sum; it keeps nothing
        raise FormatError(url, None, f"what is published there has changed: {error}") from error
