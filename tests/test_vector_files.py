"""Vectors in word2vec's text format: what is saved comes back bit for bit, gensim reads it, damage has a line."""

from __future__ import annotations

import tracemalloc
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import pytest
import strategies  # noqa: F401  the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from lessons.errors import FormatError
from lessons.vector_files import load_vectors, save_vectors

Vectors = NDArray[np.float32]

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc", "Cf"]), min_size=1, max_size=4)
LABELS = st.one_of(st.integers(-9, 2**60), VISIBLE, st.tuples(st.integers(0, 9)).map(lambda pair: pair[0] / 4))


@st.composite
def saved(draw: st.DrawFn) -> tuple[list[Hashable], Vectors]:
    """Labels that read differently, and as many vectors of any float32."""
    nodes = draw(st.lists(LABELS, min_size=1, max_size=6, unique_by=str))
    return nodes, draw(arrays(np.float32, (len(nodes), draw(st.integers(1, 5))), elements=FINITE))


@given(case=saved())
def test_what_is_saved_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[list[Hashable], Vectors]
) -> None:
    nodes, vectors = case
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    save_vectors(path, nodes, vectors)
    read, found = load_vectors(path)
    assert read == [str(node) for node in nodes]
    assert (found.shape, found.dtype) == (vectors.shape, np.float32)
    assert found.tobytes() == vectors.tobytes()
    raw = path.read_bytes()
    assert raw.startswith(f"{len(nodes)} {vectors.shape[1]}\n".encode())
    assert (raw.count(b"\n"), raw[-1:], b"\r" in raw) == (len(nodes) + 1, b"\n", False)
    before = raw
    save_vectors(path, read, found)
    assert path.read_bytes() == before


@given(case=saved())
def test_gensim_reads_what_is_saved(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[list[Hashable], Vectors]
) -> None:
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    nodes, vectors = case
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    save_vectors(path, nodes, vectors)
    peer = models.KeyedVectors.load_word2vec_format(str(path), binary=False)
    assert peer.index_to_key == [str(node) for node in nodes]
    assert peer.vectors.tobytes() == vectors.tobytes()
    peer.save_word2vec_format(str(path), binary=False)
    read, found = load_vectors(path)
    assert read == [str(node) for node in nodes]
    np.testing.assert_allclose(found, vectors, rtol=1e-6)


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "vectors.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FIRST_TWO = ["1", "Zoë"], [[0.5, -1.25], [3e-45, 2.0]]


@pytest.mark.parametrize(
    "content",
    [
        "2 2\n1 0.5 -1.25\nZoë 3e-45 2\n",
        "2 2\n1 0.5 -1.25\nZoë 3e-45 2",  # no end of the last line
        "2 2\r\n1 0.5 -1.25\r\nZoë 3e-45 2\r\n",
        "2 2\n1 0.500000 -1.250000 \nZoë 3e-45 2 \n",  # word2vec's own program ends lines so
        "2 2 \n1 +0.5 -125e-2\nZoë 3e-45 2.0\n",
        "02 2\n1 .5 -1.25\t\nZoë 3e-45 2\n",
    ],
)
def test_files_of_other_programs_are_read(tmp_path: Path, content: str) -> None:
    nodes, vectors = load_vectors(written(tmp_path, content))
    assert nodes == FIRST_TWO[0]
    np.testing.assert_array_equal(vectors, np.array(FIRST_TWO[1], np.float32))


DAMAGED = {
    "empty": ("", 1),
    "no header": ("a 0.5 1\n", 1),
    "half a header": ("2\na 1\nb 2\n", 1),
    "three numbers in the header": ("1 1 1\na 1\n", 1),
    "a header in words": ("two 2\na 1 2\nb 1 2\n", 1),
    "a negative number of nodes": ("-1 2\n", 1),
    "a fraction": ("1.0 2\na 1 2\n", 1),
    "too few numbers": ("2 2\na 1 2\nb 1\n", 3),
    "too many numbers": ("2 2\na 1 2 3\nb 1 2\n", 2),
    "no numbers": ("1 2\na\n", 2),
    "a word among the numbers": ("2 2\na 1 2\nb 1 x\n", 3),
    "not a number": ("1 2\na 1 nan\n", 2),
    "infinite": ("1 2\na 1 inf\n", 2),
    "infinite as float32": ("1 2\na 1 1e39\n", 2),
    "a line too few": ("3 2\na 1.25 2\nb 1.25 2\n", 3),
    "a line too many": ("1 2\na 1 2\nb 1 2\n", 3),
    "no label": ("1 2\n 1 2\n", 2),
    "a long first line": ("1" * 100_000, 1),
    "an empty line": ("2 2\na 1 2\n\nb 1 2\n", 3),
    "no UTF-8": (b"2 2\na 1 2\n\xff 1 2\n", 3),
    "zeros": (b"\0" * 64, 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_told_with_its_line(tmp_path: Path, name: str) -> None:
    content, line = DAMAGED[name]
    path = written(tmp_path, content)
    with pytest.raises(FormatError) as caught:
        load_vectors(path)
    assert caught.value.path == str(path)
    assert str(path) in str(caught.value)
    assert caught.value.line == line
    assert len(str(caught.value)) < len(str(path)) + 450


@pytest.mark.parametrize(
    "header", ["1000000000 1000", "2 1000000000000", "99999999999999999999 2", "2 " + "9" * 5_000]
)
def test_a_header_larger_than_its_file_takes_no_memory(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, header + "\na 1 2\nb 3 4\n")
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            load_vectors(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    assert len(str(caught.value)) < 500


@given(content=st.one_of(st.binary(max_size=60), st.text("12 \n.ae-\r\t", max_size=40)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str | bytes) -> None:
    path = written(tmp_path_factory.mktemp("vectors"), content)
    try:
        nodes, vectors = load_vectors(path)
    except FormatError:
        return
    assert vectors.shape == (len(nodes), vectors.shape[1])
    assert np.isfinite(vectors).all()
    assert all(nodes)


@pytest.mark.parametrize(
    "label", ["", "two words", "tab\tbed", "line\nend", "\u00a0", "a\u2003b", "a\u2028b", "a\x1cb"]
)
def test_labels_with_white_space_and_empty_ones_are_refused(tmp_path: Path, label: str) -> None:
    path = tmp_path / "vectors.txt"
    with pytest.raises(ValueError, match=r"white space|empty") as caught:
        save_vectors(path, ["fine", label], np.zeros((2, 1)))
    assert repr(label) in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_labels_that_read_alike_are_refused(tmp_path: Path) -> None:
    for nodes in (["1", "x", 1], ["a", "b", "a"], [2.5, "2.5"], [None, "None"]):
        with pytest.raises(ValueError, match=str(nodes[-1])):
            save_vectors(tmp_path / "vectors.txt", nodes, np.zeros((len(nodes), 2)))
    assert not list(tmp_path.iterdir())


def test_what_is_asked_of_the_vectors(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    for vectors in (np.zeros((3, 2)), np.zeros(2), np.zeros((2, 2, 1))):
        with pytest.raises(ValueError, match="shape"):
            save_vectors(path, ["a", "b"], vectors)
    for value in (np.nan, np.inf, 1e39):
        with pytest.raises(ValueError, match=r"'b'.*finite"):
            save_vectors(path, ["a", "b"], [[1.0, 2.0], [3.0, value]])
    with pytest.raises(TypeError):
        save_vectors(path, ["a"], [["x"]])
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    save_vectors(path, ["a"], [[1.0]])
    before = path.read_bytes()

    class Breaks:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        save_vectors(path, ["a", Breaks()], [[1.0], [2.0]])
    with pytest.raises(UnicodeEncodeError):
        save_vectors(path, ["a", "\ud800"], [[1.0], [2.0]])
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
    save_vectors(str(path), ["b"], [[2.0]])
    assert load_vectors(str(path))[0] == ["b"]
    with pytest.raises(FileNotFoundError):
        load_vectors(tmp_path / "missing.txt")


def test_an_empty_last_line_is_no_vector(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("1 2\na 1 2\n\n")
    labels, vectors = load_vectors(tmp_path / "v.txt")
    assert (labels, vectors.tolist()) == (["a"], [[1.0, 2.0]])


def test_a_label_that_stands_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("3 1\na 1\nb 2\na 3\n")
    with pytest.raises(FormatError, match="line 4: 'a' stands in line 2 already"):
        load_vectors(tmp_path / "v.txt")
