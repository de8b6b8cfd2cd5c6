"""CIFAR-10 and its copy in JPEG: small ones of our own read as their authors tell, and damaged in every way that
their readers can see; the published ones where they are at hand. And digits with noise."""

import gzip
import hashlib
import io
import os
import pickle
import struct
import sys
import tarfile
import tracemalloc
import warnings
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from pickled import named, python2, written
from PIL import Image

from lessons import _cifar, datasets
from lessons._cifar import BATCHES, read_archive, read_pack
from lessons.errors import DataMissing, FormatError

BATCH = 3


def refused(read, *arguments) -> str:
    """What is wrong with a file that is refused."""
    with pytest.raises(FormatError) as caught:
        read(*arguments)
    assert len(str(caught.value)) < 600
    return str(caught.value)


def peak_of(read, *arguments) -> int:
    """The bytes that it takes to refuse a file."""
    tracemalloc.start()
    refused(read, *arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


# ------------------------------------------------------------------------------------------------ as published


def tables(order="C", batch=BATCH):
    """The six dicts by the names of their files, with pictures of random bytes."""
    rng = np.random.default_rng(5)
    return {
        name: {
            "batch_label": f"batch {name}",
            "labels": rng.integers(0, 10, batch).tolist(),
            "data": rng.integers(0, 256, (batch, 3072)).astype(np.uint8, order=order),
            "filenames": [f"picture_{i}.png" for i in range(batch)],
        }
        for name in BATCHES
    }


def tarred(contents, kinds=None) -> bytes:
    """An uncompressed archive with these members; `kinds` tells the type of those that are no plain files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in contents:
            member = tarfile.TarInfo(name)
            member.type = (kinds or {}).get(name, tarfile.REGTYPE)
            member.linkname = "/etc/passwd"
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def write_archive(folder, contents, **settings) -> Path:
    path = Path(folder, "cifar-10-python.tar.gz")
    path.write_bytes(gzip.compress(tarred(contents, **settings), 1, mtime=0))
    return path


PICKLES = {name: python2(table) for name, table in tables().items()}


def with_one(content, name=BATCHES[2]):
    """All members, one of them with this content."""
    return [*(PICKLES | {name: content}).items()]


def with_table(**changed):
    return with_one(python2(tables()[BATCHES[2]] | changed))


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_archive_as_its_authors_tell_to_read_it(tmp_path, order):
    contents = {name: python2(table) for name, table in tables(order).items()}
    X, y, X_test, y_test = read_archive(write_archive(tmp_path, contents.items()), BATCH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, for the old name of a module
        told = [pickle.loads(content, encoding="latin1") for content in contents.values()]
    assert np.array_equal(X.reshape(-1, 3072), np.concatenate([table["data"] for table in told[:5]]))
    assert y.tolist() == [label for table in told[:5] for label in table["labels"]]
    assert np.array_equal(X_test.reshape(-1, 3072), told[5]["data"])
    assert y_test.tolist() == told[5]["labels"]
    assert (X.shape, X_test.shape) == ((15, 3, 32, 32), (3, 3, 32, 32))
    assert (X.dtype, X_test.dtype, y.dtype, y_test.dtype) == (np.uint8, np.uint8, np.int64, np.int64)


def test_channels_come_first_then_rows_then_columns(tmp_path):
    """The first 1,024 of the 3,072 values are red, of which the first 32 are the top row."""
    data = np.zeros((BATCH, 3072), np.uint8)
    data[1, 1024 + 32 * 5 + 7] = 9
    X, *_ = read_archive(write_archive(tmp_path, with_one(python2({"labels": [0] * 3, "data": data}))), BATCH)
    assert np.argwhere(X[7] == 9).tolist() == [[1, 5, 7]]
    assert X[6:9].sum() == 9


def test_any_order_of_the_members_and_none_but_the_six_are_read(tmp_path, monkeypatch):
    read = []
    load = _cifar.restricted_load
    monkeypatch.setattr(_cifar, "restricted_load", lambda *given: read.append(given[2]) or load(*given))
    others = [
        ("cifar-10-batches-py/batches.meta", b"cos\nsystem\n"),
        ("cifar-10-batches-py/readme.html", b"<html>"),
    ]
    others += [("../cifar-10-batches-py/test_batch", b"no"), ("test_batch", b"no"), ("/etc/passwd", b"no")]
    straight = read_archive(write_archive(tmp_path, PICKLES.items()), BATCH)
    read.clear()
    path = write_archive(tmp_path, [*others, *reversed(PICKLES.items())])
    for found, expected in zip(read_archive(path, BATCH), straight, strict=True):
        assert np.array_equal(found, expected)
    assert read == [path / name for name in reversed(BATCHES)]
    assert sorted(tmp_path.rglob("*")) == [path]


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_that_is_not_there(tmp_path, name):
    for contents in (
        [pair for pair in PICKLES.items() if pair[0] != name],
        [(f"./{key}" if key == name else key, content) for key, content in PICKLES.items()],
    ):
        assert f"cifar-10-python.tar.gz: has no {name}" in refused(
            read_archive, write_archive(tmp_path, contents), BATCH
        )


KINDS = ["LNKTYPE", "SYMTYPE", "CHRTYPE", "BLKTYPE", "DIRTYPE", "FIFOTYPE"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_that_is_no_file(tmp_path, kind):
    path = write_archive(tmp_path, PICKLES.items(), kinds={BATCHES[4]: getattr(tarfile, kind)})
    problem = refused(read_archive, path, BATCH)
    assert f"{BATCHES[4]} is there twice, no file, or above " in problem or f"has no {BATCHES[4]}" in problem


def test_a_batch_that_is_there_twice(tmp_path):
    path = write_archive(tmp_path, [*PICKLES.items(), (BATCHES[0], PICKLES[BATCHES[0]])])
    assert f"{BATCHES[0]} is there twice, no file, or above " in refused(read_archive, path, BATCH)


@pytest.mark.parametrize("size", [3 * 4096 + 1, 2**33 - 1, 2**62])
def test_a_batch_that_claims_too_much_is_not_read(tmp_path, size):
    """Before anything of it is: the rest of the archive is missing."""
    member = tarfile.TarInfo(BATCHES[0])
    member.size = size
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + PICKLES[BATCHES[0]]))
    assert f"{BATCHES[0]} is there twice, no file, or above 12288 bytes" in refused(read_archive, path, BATCH)
    assert peak_of(read_archive, path, BATCH) < 1_000_000


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8b", b"PK\x03\x04", b"<html>not found</html>", gzip.compress(b""), gzip.compress(b"x" * 9999)],
)
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    problem = refused(read_archive, path, BATCH)
    assert "cannot be read: " in problem or "has no cifar-10-batches-py/" in problem


def test_an_archive_that_is_cut_short_anywhere(tmp_path):
    path = write_archive(tmp_path, PICKLES.items())
    content = path.read_bytes()
    for length in range(0, len(content) - 200, 997):  # not all of its end, zeros, is needed
        path.write_bytes(content[:length])
        refused(read_archive, path, BATCH)


@given(st.data())
def test_an_archive_with_changed_bytes_is_read_or_refused(tmp_path_factory, data):
    folder, packed = tmp_path_factory.getbasetemp(), bytearray(tarred(PICKLES.items()))
    heads = [packed.find(name.encode()) for name in BATCHES]  # where tarfile and the pickle look
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from(heads)) + data.draw(st.integers(0, 1023))
        packed[at] = data.draw(st.integers(0, 255))
    path = folder / "changed.tar.gz"
    path.write_bytes(gzip.compress(bytes(packed), 1))
    with suppress(FormatError):
        X, y, X_test, y_test = read_archive(path, BATCH)
        assert (len(X), len(X_test)) == (15, 3)
        assert (np.isin(y, range(10)).all(), np.isin(y_test, range(10)).all()) == (True, True)


def test_a_pickle_that_would_run_something(tmp_path):
    canary = tmp_path / "called"
    for module in ("posix", "os", "nt"):
        call = named(module, "system") + written(f"touch '{canary}'") + b"\x85R"
        for content in (b"\x80\x02" + call + b".", b"\x80\x02}(" + written("labels") + call + b"u."):
            path = write_archive(tmp_path, with_one(content))
            problem = refused(read_archive, path, BATCH)
            assert problem.startswith(f"{path / BATCHES[2]}: names {module}.system, which")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is cut short"),
        (PICKLES[BATCHES[2]][:-1], "is cut short"),
        (PICKLES[BATCHES[2]] + b"N.", "goes on for 2 bytes"),
        (pickle.dumps(tables()[BATCHES[2]], protocol=5), "has the instruction FRAME"),
        (pickle.dumps({"labels": [1], "data": b"x"}, protocol=0), "has the instruction"),
        (python2([1, 2]), "a dict with data and labels is needed"),
        (python2({}), "a dict with data and labels is needed"),
        (python2({"labels": [0, 1, 2]}), "a dict with data and labels is needed"),
    ],
)
def test_a_batch_that_is_no_dict(tmp_path, content, problem):
    path = write_archive(tmp_path, with_one(content))
    told = refused(read_archive, path, BATCH)
    assert told.startswith(f"{path / BATCHES[2]}: ")
    assert problem in told


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"data": [1, 2]}, "treats a list as a _Array"),
        ({"data": "x" * 9216}, "treats a str as a _Array"),
        ({"data": np.zeros((2, 3072), np.uint8)}, r"data (2, 3072) of uint8: bytes (3, 3072) are needed"),
        ({"data": np.zeros((3072, 3), np.uint8)}, r"data (3072, 3) of uint8"),
        ({"data": np.zeros(9216, np.uint8)}, r"data (9216,) of uint8"),
        ({"data": np.zeros((3, 768), np.int32)}, r"data (3, 768) of int32"),
        ({"labels": [0, 1]}, "labels that are not 3 numbers from 0 to 9"),
        ({"labels": [0, 1, 2, 3]}, "labels that are not"),
        ({"labels": [0, 1, 10]}, "labels that are not"),
        ({"labels": [0, 1, -1]}, "labels that are not"),
        ({"labels": [0, 1, True]}, "labels that are not"),
        ({"labels": [0, 1, "2"]}, "labels that are not"),
        ({"labels": [0, 1, None]}, "labels that are not"),
        ({"labels": [0, 1, [2]]}, "labels that are not"),
        ({"labels": (0, 1, 2)}, "labels that are not"),
        ({"labels": "012"}, "labels that are not"),
        ({"labels": np.arange(3, dtype=np.int32)}, "labels that are not"),
    ],
)
def test_a_batch_of_something_else(tmp_path, changed, problem):
    path = write_archive(tmp_path, with_table(**changed))
    told = refused(read_archive, path, BATCH)
    assert told.startswith(f"{path / BATCHES[2]}: ")
    assert problem in told


def test_a_batch_of_larger_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(_cifar, "MOST", 4 * _cifar.MOST)
    path = write_archive(tmp_path, with_table(data=np.zeros((3, 3072), np.int32)))
    assert "data (3, 3072) of int32: bytes (3, 3072) are needed" in refused(read_archive, path, BATCH)


# ------------------------------------------------------------------------------------------------ the copy

COUNTS = 5, 4


def jpeg(pixels, **settings) -> bytes:
    """A picture (32, 32, 3) as JPEG, its head the same for all of a size and a quality."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **({"quality": 75} | settings))
    return file.getvalue()


def smooth(seed):
    """A picture whose colours change slowly, so that JPEG keeps them."""
    rng = np.random.default_rng(seed)
    i, j = np.mgrid[:32, :32] / 31
    a, b, c = rng.uniform(-60, 60, (3, 3))
    return np.clip(128 + np.multiply.outer(i, a) + np.multiply.outer(j, b) + c, 0, 255).astype(np.uint8)


def alike(files) -> int:
    """With how many bytes all of them begin."""
    return sum(1 for _ in takewhile(lambda column: len({*column}) == 1, zip(*files, strict=False)))


def packed(files, labels, counts=COUNTS, **changed) -> bytes:
    """The pack of these JPEGs, which all begin alike."""
    size = alike(files)
    part = {"size": size, "counts": counts, "labels": bytes(labels)} | changed
    lengths = struct.pack(f"<{len(files)}H", *(len(file) - size for file in files))
    head = struct.pack("<III", part["size"], *part["counts"]) + files[0][:size]
    return head + part["labels"] + lengths + b"".join(file[size:] for file in files)


FILES = [jpeg(smooth(seed)) for seed in range(9)]
LABELS = [0, 1, 2, 3, 4, 9, 8, 7, 6]
GOOD = packed(FILES, LABELS)
HEAD = alike(FILES)


def write_pack(folder, content) -> Path:
    path = Path(folder, "cifar10-jpeg.bin")
    path.write_bytes(content)
    return path


def test_a_pack_gives_each_picture_as_pillow_does_with_its_class(tmp_path):
    X, y, X_test, y_test = read_pack(write_pack(tmp_path, GOOD), COUNTS)
    assert (X.shape, X_test.shape) == ((5, 3, 32, 32), (4, 3, 32, 32))
    assert (X.dtype, X_test.dtype, y.dtype, y_test.dtype) == (np.uint8, np.uint8, np.int64, np.int64)
    assert (sorted(y.tolist()), sorted(y_test.tolist())) == ([0, 1, 2, 3, 4], [6, 7, 8, 9])
    for picture, label in zip([*X, *X_test], [*y, *y_test], strict=True):
        seed = LABELS.index(label)
        with Image.open(io.BytesIO(FILES[seed])) as image:
            assert np.array_equal(picture, np.moveaxis(np.asarray(image), 2, 0))
        assert np.abs(picture.astype(int) - np.moveaxis(smooth(seed), 2, 0)).mean() < 4


def test_pictures_sorted_by_class_come_in_a_random_order_always_the_same(tmp_path):
    """So that the first few hundred are of all classes."""
    counts = 200, 40
    labels = [*np.repeat(range(10), 20), *np.repeat(range(10), 4)]
    path = write_pack(tmp_path, packed([FILES[0]] * 239 + [FILES[1]], labels, counts))
    X, y, X_test, y_test = read_pack(path, counts)
    assert np.bincount(y).tolist() == [20] * 10
    assert np.bincount(y_test).tolist() == [4] * 10
    assert (np.diff(y) != 0).mean() > 0.8
    assert y[:12].tolist() == read_pack(path, counts)[1][:12].tolist() == [7, 4, 8, 7, 6, 8, 4, 7, 4, 2, 5, 4]
    (last,) = np.flatnonzero((X_test != X[0]).any(axis=(1, 2, 3)))
    assert y_test[last] == 9


def test_a_pack_that_is_cut_short_anywhere(tmp_path):
    for length in [*range(0, HEAD + 60, 7), *range(HEAD + 60, len(GOOD), 61), len(GOOD) - 1]:
        refused(read_pack, write_pack(tmp_path, GOOD[:length]), COUNTS)
    refused(read_pack, write_pack(tmp_path, GOOD + b"\0"), COUNTS)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is cut short"),
        (b"\0" * 11, "is cut short"),
        (b"\0" * 12, "0 and 0 pictures, not 5 and 4"),
        (packed(FILES, LABELS, (4, 5)), "4 and 5 pictures, not 5 and 4"),
        (packed(FILES, LABELS, (2**32 - 1, 2**32 - 1)), "4294967295 and 4294967295 pictures, not 5 and 4"),
        (
            packed(FILES, LABELS, size=2**32 - 1),
            f"{len(GOOD)} bytes, of which 4294967334 come before the pictures",
        ),
        (packed(FILES, LABELS, size=len(GOOD)), "come before the pictures"),
        (packed(FILES, LABELS, size=HEAD - 1), " for the pictures"),
        (packed(FILES, LABELS[:-1]), " for the pictures"),
        (packed(FILES, [*LABELS[:-1], 10]), "class 10: there are 10, from 0 on"),
        (packed(FILES, [*LABELS[:-1], 255]), "class 255: there are 10, from 0 on"),
    ],
)
def test_a_pack_whose_head_is_wrong(tmp_path, content, problem):
    path = write_pack(tmp_path, content)
    assert problem in refused(read_pack, path, COUNTS)
    assert peak_of(read_pack, path, COUNTS) < 1_000_000


def other(format, shape=(32, 32, 3), mode="RGB", **settings) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full(shape, 7, np.uint8)).convert(mode).save(file, format, **settings)
    return file.getvalue()


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (other("PNG"), "cannot identify"),
        (other("GIF"), "cannot identify"),
        (other("TIFF"), "cannot identify"),
        (other("BMP"), "cannot identify"),
        (b"%!PS-Adobe-3.0\n(canary) run\n", "cannot identify"),
        (b"", "cannot identify"),
        (other("JPEG", (32, 64, 3)), r"(64, 32) pixels, RGB, where (32, 32) in RGB are needed"),
        (other("JPEG", (2000, 2000, 3)), r"(2000, 2000) pixels, RGB"),
        (other("JPEG", mode="L"), r"(32, 32) pixels, L,"),
        (other("JPEG", mode="CMYK"), r"(32, 32) pixels, CMYK,"),
        (FILES[3][:-40], "truncated"),
        (FILES[3][:HEAD], "truncated"),
        (FILES[3][:200], "runcated"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_picture_that_is_something_else(tmp_path, file, problem):
    """Whatever Pillow could read besides is not asked; sizes are looked at before pixels are."""
    content = packed([*FILES[:3], file, *FILES[4:]], LABELS)
    told = refused(read_pack, write_pack(tmp_path, content), COUNTS)
    assert "cifar10-jpeg.bin: picture 3 cannot be read: " in told
    assert problem in told
    assert "0x" not in told


@pytest.mark.parametrize("side", [10_000, 65_500])
def test_a_picture_that_claims_to_be_huge(tmp_path, side):
    frame = FILES[0].index(b"\xff\xc0") + 5
    huge = FILES[0][:frame] + struct.pack(">HH", side, side) + FILES[0][frame + 4 :]
    told = refused(read_pack, write_pack(tmp_path, packed([huge, *FILES[1:]], LABELS)), COUNTS)
    assert "picture 0 cannot be read: " in told
    assert str(side) in told or str(side**2) in told


@given(st.data())
def test_a_pack_with_changed_bytes_is_read_or_refused(tmp_path_factory, data):
    changed = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FormatError):
        X, y, X_test, y_test = read_pack(write_pack(tmp_path_factory.getbasetemp(), bytes(changed)), COUNTS)
        assert (len(X), len(X_test)) == COUNTS
        assert (np.isin(y, range(10)).all(), np.isin(y_test, range(10)).all()) == (True, True)


def test_without_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"PIL\.Image is not installed.*graph-lessons\[course\]"):
        read_pack(write_pack(tmp_path, GOOD), COUNTS)


# ------------------------------------------------------------------------------------------------ where they lie


@pytest.fixture
def given_folder(tmp_path, monkeypatch):
    """A folder for LESSONS_DATA with a small archive and a small pack, and nothing that could be downloaded."""
    folder = tmp_path / "cifar10"
    folder.mkdir()
    files = [write_archive(folder, PICKLES.items()), write_pack(folder, GOOD)]
    sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    monkeypatch.setattr(_cifar, "ARCHIVE", {files[0].name: sums[0]})
    monkeypatch.setattr(_cifar, "PACK", (files[1].name, sums[1]))
    monkeypatch.setattr(_cifar, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(_cifar, "read_archive", partial(read_archive, batch=BATCH))
    monkeypatch.setattr(_cifar, "read_pack", partial(read_pack, counts=COUNTS))
    monkeypatch.setattr("lessons._downloads.RETRIES", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    return folder


def test_both_from_a_folder_that_is_named_each_by_its_own_name(given_folder):
    original, copy = datasets.cifar10(), datasets.cifar10_jpeg()
    assert repr(original) == "ImageSet(CIFAR-10: 15 images to train on, 3 to test on)"
    assert repr(copy) == "ImageSet(CIFAR-10 (JPEG copy): 5 images to train on, 4 to test on)"
    assert np.array_equal(original.X_test.reshape(3, -1), tables()[BATCHES[-1]]["data"])
    assert copy.y.tolist() == read_pack(given_folder / "cifar10-jpeg.bin", COUNTS)[1].tolist()
    assert original != datasets.cifar10()  # compared by what it is, not by what it holds
    with pytest.raises(AttributeError):
        copy.name = "CIFAR-10"


def test_neither_is_read_where_it_is_altered(given_folder, monkeypatch):
    def parsed(*given):
        raise AssertionError(f"{given} was parsed")

    for read in ("read_archive", "read_pack"):
        monkeypatch.setattr(_cifar, read, parsed)
    for get, file in ((datasets.cifar10, "cifar-10-python.tar.gz"), (datasets.cifar10_jpeg, "cifar10-jpeg.bin")):
        with (given_folder / file).open("ab") as opened:
            opened.write(b"\n")
        assert f"{file}: not the published file: its SHA-256 is " in refused(get)


def test_the_copy_never_passes_for_the_original(given_folder):
    (given_folder / "cifar-10-python.tar.gz").unlink()
    with pytest.raises(DataMissing) as caught:
        datasets.cifar10()
    way = 'python -c "from lessons.datasets import cifar10; cifar10()"'
    assert str(caught.value).startswith(f"CIFAR-10 is not on this machine. Get it with: {way} ")
    assert "cifar10/ of a folder that LESSONS_DATA names" in str(caught.value)


@pytest.mark.parametrize("unset", [False, True])
def test_where_the_copy_is_missing_it_is_told_that_it_is_not_published(given_folder, monkeypatch, unset):
    if unset:
        monkeypatch.delenv("LESSONS_DATA")
    else:
        (given_folder / "cifar10-jpeg.bin").unlink()
    with pytest.raises(DataMissing) as caught:
        datasets.cifar10_jpeg()
    assert str(caught.value).startswith("CIFAR-10 (JPEG copy) is not on this machine. ")
    assert "the copy is not published: put cifar10-jpeg.bin into cifar10/ of a folder" in str(caught.value)


def test_a_name_of_no_folder(given_folder, monkeypatch):
    monkeypatch.setenv("LESSONS_DATA", str(given_folder / "nowhere"))
    for get in (datasets.cifar10, datasets.cifar10_jpeg):
        with pytest.raises(ValueError, match="is no folder: correct it or unset it"):
            get()


def at_hand(file):
    folder = os.environ.get("LESSONS_DATA")
    there = folder is not None and Path(folder, "cifar10", file).is_file()
    return pytest.mark.skipif(not there, reason=f"LESSONS_DATA names no folder with cifar10/{file}")


@pytest.mark.data
@at_hand("cifar-10-python.tar.gz")
def test_the_published_archive():
    data = datasets.cifar10()
    assert (data.X.shape, data.X_test.shape) == ((50_000, 3, 32, 32), (10_000, 3, 32, 32))
    assert np.bincount(data.y).tolist() == [5000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10
    assert data.y[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert data.y_test[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert data.X[0, 0, 0, :3].tolist() == [59, 43, 50]
    assert data.X.mean(axis=(0, 2, 3)) == pytest.approx([125.3, 123.0, 113.9], abs=0.06)


@pytest.mark.data
@at_hand("cifar10-jpeg.bin")
def test_the_copy_at_hand():
    data = datasets.cifar10_jpeg()
    assert (data.X.shape, data.X_test.shape) == ((50_000, 3, 32, 32), (10_000, 3, 32, 32))
    assert np.bincount(data.y).tolist() == [5000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10
    assert data.X.mean(axis=(0, 2, 3)) == pytest.approx([125.3, 123.0, 113.9], abs=0.1)
    assert data.X.std(axis=(0, 2, 3)) == pytest.approx([63.0, 62.1, 66.7], abs=0.6)
    for y in (data.y, data.y_test):
        assert np.bincount(y[:1000]).min() > 70
    assert (data.y[:8].tolist(), data.y_test[:8].tolist()) == ([7, 5, 8, 7, 6, 8, 4, 7], [6, 9, 7, 1, 6, 9, 8, 8])
    blue = [float(data.X[data.y == k, 2].mean() - data.X[data.y == k, 0].mean()) for k in (0, 8, 4)]
    assert min(blue[:2]) > 0 > blue[2], "skies and seas are blue, a forest is not"


# ------------------------------------------------------------------------------------------------ noisy digits


def test_digits_without_noise_are_the_split_standardised():
    X, y, X_test, y_test = datasets.noisy_digits(0)
    raw, y_raw, raw_test, y_raw_test = datasets.digits_split(0, dtype=np.float64)
    assert (y.tolist(), y_test.tolist()) == (y_raw.tolist(), y_raw_test.tolist())
    assert (X.dtype, X_test.dtype) == (np.float32, np.float32)
    assert (X.mean(dtype=float), X.std(dtype=float)) == pytest.approx((0, 1), abs=1e-6)
    for found, given_values in ((X, raw), (X_test, raw_test)):
        assert np.allclose(found, (given_values - raw.mean()) / raw.std(), rtol=0, atol=1e-6)


def test_noise_is_normal_of_the_size_asked_and_in_proportion():
    clean, loud, louder = (datasets.noisy_digits(noise, seed=3) for noise in (0, 1.5, 3))
    parts = [(loud[k] - clean[k]).astype(float) / 1.5 for k in (0, 2)]
    for k, noise in zip((0, 2), parts, strict=True):
        assert np.allclose(louder[k] - clean[k], 3 * noise, rtol=0, atol=1e-5)
        off = 4 / np.sqrt(noise.size)
        assert noise.mean() == pytest.approx(0, abs=off)
        assert noise.std() == pytest.approx(1, abs=off)
        assert (np.abs(noise) < 1).mean() == pytest.approx(0.6827, abs=off)
    together = np.corrcoef(parts[0][:450].ravel(), parts[1].ravel())[0, 1]
    assert abs(together) < 4 / np.sqrt(parts[1].size), "other noise on the rows that are tested"


def test_noise_depends_on_its_seed_only():
    first, again, other = (datasets.noisy_digits(1, seed) for seed in (4, 4, 5))
    for k in range(4):
        assert np.array_equal(first[k], again[k])
    assert not np.array_equal(first[0], other[0])
    assert np.array_equal(first[3], other[3])


@pytest.mark.parametrize(("noise", "error"), [(-1, ValueError), (np.nan, ValueError), (np.inf, ValueError)])
def test_noise_that_cannot_be(noise, error):
    with pytest.raises(error, match="noise="):
        datasets.noisy_digits(noise)
    with pytest.raises(TypeError, match="noise='1'"):
        datasets.noisy_digits("1")
