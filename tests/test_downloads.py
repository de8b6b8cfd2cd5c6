"""Data from elsewhere: given, kept or downloaded, a file is the published one or it is refused.

Nothing leaves this machine: the publisher is a server of the test's own.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pooch
import pytest

from lessons import _downloads
from lessons._downloads import fetched
from lessons.errors import DataMissing, FormatError

pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning"
)

FILES = {"one.txt": b"one\n" * 1000, "two.txt": b"two\n"}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@dataclass
class Publisher:
    """What it publishes, what it was asked for, and how many of the next answers break off in the middle."""

    url: str
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    asked: list[str] = field(default_factory=list)
    broken: int = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        publisher, name = self.server.publisher, self.path.removeprefix("/data/")
        publisher.asked.append(name)
        if name not in publisher.files:
            self.send_error(404)
            return
        content = publisher.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if publisher.broken > 0 else content)
        publisher.broken -= 1

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.publisher = Publisher(f"http://127.0.0.1:{server.server_address[1]}/data/")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.publisher
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, no LESSONS_DATA, no proxy, no waiting between attempts."""
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.delenv("LESSONS_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    yield tmp_path / "cache" / "graph-lessons" / "things"
    gc.collect()  # pooch leaves the socket of a failed download to be collected: here, not in another test


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `things` in what LESSONS_DATA names."""
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path / "given"))
    folder = tmp_path / "given" / "things"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The lines that a reader sees beside the bars of progress."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    pooch.get_logger().addHandler(handler)
    yield lines
    pooch.get_logger().removeHandler(handler)


def get(publisher: Publisher, sums: dict[str, str] = SUMS) -> dict[str, Path]:
    return fetched("things", sums, publisher.url, name="Things", command="python -m things")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_downloaded_once_with_a_bar(publisher, cache, capsys):
    for _ in range(2):
        paths = get(publisher)
        assert paths == {name: cache / name for name in FILES}
        assert {name: path.read_bytes() for name, path in paths.items()} == FILES
    assert publisher.asked == list(FILES)
    assert left_in(cache) == sorted(FILES)
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["folder", "cache"])
def test_a_file_in_folders_of_its_own(publisher, cache, given, where):
    name = "inner/most/one.txt"
    publisher.files[name] = FILES["one.txt"]
    if where == "folder":
        (given / name).parent.mkdir(parents=True)
        (given / name).write_bytes(FILES["one.txt"])
    for _ in range(2):
        assert get(publisher, {name: SUMS["one.txt"]}) == {name: (given if where == "folder" else cache) / name}
    assert publisher.asked == ([] if where == "folder" else [name])


def test_what_is_given_comes_first(publisher, cache, given):
    for name, content in FILES.items():
        (given / name).write_bytes(content)
    assert get(publisher) == {name: given / name for name in FILES}
    assert publisher.asked == []
    assert not cache.exists()


def test_what_is_not_given_is_downloaded(publisher, cache, given):
    (given / "one.txt").write_bytes(FILES["one.txt"])
    assert get(publisher) == {"one.txt": given / "one.txt", "two.txt": cache / "two.txt"}
    assert publisher.asked == ["two.txt"]
    assert left_in(given) == ["one.txt"]


def test_no_folder_is_named(publisher, cache, monkeypatch, capfd):
    monkeypatch.setenv("LESSONS_DATA", "")
    assert get(publisher) == {name: cache / name for name in FILES}
    assert "LESSONS_DATA" not in capfd.readouterr().err


@pytest.mark.parametrize("kept", [False, True])
def test_a_name_of_no_folder_is_refused_at_once(publisher, cache, tmp_path, monkeypatch, kept):
    if kept:
        get(publisher)
    publisher.asked.clear()
    (tmp_path / "file").touch()
    for named in (str(tmp_path / "nowhere"), str(tmp_path / "file"), "~"):
        monkeypatch.setenv("LESSONS_DATA", named)
        with pytest.raises(ValueError, match=f"LESSONS_DATA={named!r} is no folder: correct it or unset it"):
            get(publisher)
    assert publisher.asked == []


def test_what_the_folder_lacks_is_told_before_it_is_downloaded(publisher, cache, given, told):
    (given / "one.txt").write_bytes(FILES["one.txt"])
    get(publisher)
    assert told[0] == f"Things is not in {given}, where LESSONS_DATA leads: two.txt"
    assert told[1].startswith("Downloading file 'two.txt'")
    told.clear()
    get(publisher)
    assert told == [], "what is in the cache is not downloaded"


def test_a_named_folder_without_the_one_that_is_looked_into(publisher, cache, given, told):
    given.rmdir()
    assert get(publisher) == {name: cache / name for name in FILES}
    assert told[0] == f"Things is not in {given}, where LESSONS_DATA leads: one.txt, two.txt"


def test_where_the_folder_lacks_it_and_nothing_can_be_downloaded(cache, given, told):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
    with pytest.raises(DataMissing) as caught:
        get(Publisher(f"http://127.0.0.1:{port}/data/"))
    assert f"; not in {given}, where LESSONS_DATA leads: one.txt, two.txt)" in str(caught.value)
    assert [line.split()[0] for line in told] == ["Things", "Downloading"], "no line for each attempt"


@pytest.mark.parametrize(
    "content", [b"", FILES["one.txt"][:-1], FILES["one.txt"] + b"\n", b"x" + FILES["one.txt"][1:]]
)
def test_an_altered_file_that_is_given(publisher, cache, given, content):
    (given / "one.txt").write_bytes(content)
    with pytest.raises(FormatError, match="unset LESSONS_DATA") as caught:
        get(publisher)
    assert caught.value.path == str(given / "one.txt")
    assert hashlib.sha256(content).hexdigest() in caught.value.problem
    assert SUMS["one.txt"] in caught.value.problem
    assert publisher.asked == []
    assert (given / "one.txt").read_bytes() == content


def test_an_altered_file_in_the_cache_is_replaced(publisher, cache):
    get(publisher)
    (cache / "two.txt").write_bytes(b"altered")
    assert get(publisher)["two.txt"].read_bytes() == FILES["two.txt"]
    assert publisher.asked == [*FILES, "two.txt"]


def test_another_file_is_published(publisher, cache):
    publisher.files["two.txt"] = b"changed"
    with pytest.raises(FormatError, match=r"two\.txt") as caught:
        get(publisher)
    assert caught.value.path == publisher.url
    assert SUMS["two.txt"] in caught.value.problem
    assert left_in(cache) == ["one.txt"]


def test_a_download_that_breaks_off_is_tried_again(publisher, cache):
    publisher.broken = _downloads.RETRIES
    assert get(publisher)["one.txt"].read_bytes() == FILES["one.txt"]
    assert publisher.asked == ["one.txt"] * (1 + _downloads.RETRIES) + ["two.txt"]
    assert pooch.get_logger().filters == []


def test_a_download_that_breaks_off_leaves_nothing(publisher, cache):
    publisher.broken = 1 + _downloads.RETRIES
    with pytest.raises(DataMissing):
        get(publisher)
    assert left_in(cache) == []


def test_where_there_is_no_such_file(publisher, cache):
    del publisher.files["one.txt"]
    with pytest.raises(DataMissing, match=r"Things is not on .* Get it with: python -m things ") as caught:
        get(publisher)
    assert "things/ of a folder that LESSONS_DATA names" in caught.value.command
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert left_in(cache) == []


def test_where_there_is_no_network(cache):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]  # nobody listens there from here on
    with pytest.raises(DataMissing, match="Things is not on this machine"):
        get(Publisher(f"http://127.0.0.1:{port}/data/"))


def test_nothing_to_fetch_needs_no_network(cache):
    assert get(Publisher("http://127.0.0.1:9/"), {}) == {}


def test_a_stopped_download_leaves_nothing(publisher, cache, monkeypatch):
    def stopped(_self, _url, output, _pooch):
        Path(output).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        get(publisher)
    assert left_in(cache) == []


def test_two_at_once_get_the_same(publisher, cache):
    found: list[dict[str, Path]] = []
    threads = [Thread(target=lambda: found.append(get(publisher))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{name: cache / name for name in FILES}] * 4
    assert left_in(cache) == sorted(FILES)
