"""`replacing`: files are replaced whole or not at all."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from lessons._files import replacing

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "some.txt"
    for text in ("first\n", "second, and longer\n", ""):
        with replacing(path) as file:
            file.write(text)
        assert path.read_text() == text
        assert [entry.name for entry in tmp_path.iterdir()] == ["some.txt"]


def test_text_is_utf_8_with_lf_and_bytes_are_bytes(tmp_path):
    code = (
        "import sys\n"
        "from lessons._files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write('Erd\\u0151s\\nR\\u00e9nyi\\n')\n"
    )
    path = tmp_path / "names.txt"
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code, path], env=plain, check=True, timeout=60)
    assert path.read_bytes() == "Erdős\nRényi\n".encode()
    with replacing(path) as file:
        assert (file.encoding, file.newlines, file.write("a\nb")) == ("utf-8", None, 3)
    assert path.read_bytes() == b"a\nb"
    with replacing(str(path), "wb") as file:
        file.write(b"\xff\r\n")
    assert path.read_bytes() == b"\xff\r\n"


def test_nobody_sees_half_of_it(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write("new" * 100_000)
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new" * 100_000


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_the_old_file_stays_when_the_block_raises(tmp_path, error):
    path = tmp_path / "some.txt"

    def interrupted():
        with replacing(path) as file:
            file.write("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert not list(tmp_path.iterdir())
    path.write_text("old")
    with pytest.raises(error):
        interrupted()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["some.txt"]


@posix
def test_the_old_file_stays_when_the_process_is_killed(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("old")
    code = (
        "import sys, time\n"
        "from lessons._files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write('new' * 100_000)\n"
        "    file.flush()\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half\n"
        process.kill()
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert path.read_text() == "old"
    with replacing(path) as file:  # and what the dead process left hinders nobody
        file.write("new")
    assert path.read_text() == "new"


def test_it_is_on_the_disk_before_it_is_in_place(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("fsync"), fsync(number))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names))[1])
    with replacing(tmp_path / "some.txt") as file:
        file.write("text")
    assert done[:2] == ["fsync", "replace"]


@posix
def test_permissions_are_kept_and_new_files_get_the_usual_ones(tmp_path):
    path = tmp_path / "script"
    path.write_text("old")
    for mode in (0o754, 0o600, 0o444):
        path.chmod(mode)
        with replacing(path) as file:
            file.write("new")
        assert path.stat().st_mode & 0o777 == mode
    old = os.umask(0o027)
    try:
        with replacing(tmp_path / "fresh") as file:
            file.write("new")
    finally:
        assert os.umask(old) == 0o027
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o640


@posix
def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [entry.name for entry in target.parent.iterdir()] == ["target.txt"]


def test_each_of_many_writers_is_whole(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("0" * 50_000)
    seen, stop = set(), threading.Event()

    def write(digit):
        for _ in range(20):
            with replacing(path) as file:
                for _ in range(50):
                    file.write(digit * 1_000)

    def read():
        while not stop.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(digit,)) for digit in "123"]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    seen.add(path.read_text())
    assert seen <= {digit * 50_000 for digit in "0123"}
    assert len(seen) > 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["some.txt"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), replacing(tmp_path / "nowhere" / "some.txt"):
        pass
    with pytest.raises(OSError, match=r"directory|folder|[Dd]enied"), replacing(tmp_path) as file:
        file.write("a folder is no file")
    assert not list(tmp_path.iterdir())
