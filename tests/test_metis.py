"""METIS files: what is written is read again, and every fault is an error that names its line."""

import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, as_graph
from lessons.errors import FormatError
from lessons.metis import read_metis, write_metis

# 1 - 2 - 3 - 1 with weights, 4 alone: sizes, two weights a vertex, weights of edges
FULL = b"% a comment\n4 3 111 2\n5 1 2 2 7 3 8\n% another\n6 0 3 1 7 3 9\n7 4 5 2 9 1 8\n\t8 9 9\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "some.graph"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def outcome(path: Path) -> Graph | FormatError:
    try:
        return read_metis(path).graph
    except FormatError as error:
        return error


def read_back(path: Path, source: object, **options: object):
    write_metis(path, source, **options)
    return read_metis(path)


# ------------------------------------------------------------------------------------------------ reading


def test_every_part_of_the_format(tmp_path):
    file = read_metis(write(tmp_path, FULL))
    assert file.graph == as_graph([(0, 1, 7), (0, 2, 8), (1, 2, 9)], n=4)
    assert file.vertex_sizes.tolist() == [5, 6, 7, 8]
    assert file.vertex_weights.tolist() == [[1, 2], [0, 3], [4, 5], [9, 9]]
    assert not file.vertex_sizes.flags.writeable
    assert not file.vertex_weights.flags.writeable


@pytest.mark.parametrize(
    ("fmt", "lines", "sizes", "heavy", "weights"),
    [
        ("", "2\n1\n", None, None, None),
        (" 0", "2\n1\n", None, None, None),
        (" 000", "2\n1\n", None, None, None),
        (" 1", "2 6\n1 6\n", None, None, [6, 6]),
        (" 001", "2 1\n1 1\n", None, None, [1, 1]),
        (" 10", "3 2\n4 1\n", None, [[3], [4]], None),
        (" 010 1", "3 2\n4 1\n", None, [[3], [4]], None),
        (" 011 2", "3 5 2 6\n4 0 1 6\n", None, [[3, 5], [4, 0]], [6, 6]),
        (" 100", "3 2\n4 1\n", [3, 4], None, None),
        (" 101", "3 2 6\n4 1 6\n", [3, 4], None, [6, 6]),
    ],
)
def test_the_digits_of_fmt(tmp_path, fmt, lines, sizes, heavy, weights):
    file = read_metis(write(tmp_path, f"2 1{fmt}\n{lines}"))
    for given_, wanted in (
        (file.vertex_sizes, sizes),
        (file.vertex_weights, heavy),
        (file.graph.weights, weights),
    ):
        assert (None if given_ is None else given_.tolist()) == wanted
    assert file.graph.edges() == [(0, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "3 1\n2\n1\n\n",  # the empty line of vertex 3
        "3 1\n2\n1\n   \n",
        "% é\n\t3  1 \n%\n 2 \n1\t\n%1 2 3\n\n%",
        "3 1\r\n2\r\n1\r\n\r\n",
        "3 1\n2\n1\n\n\n \n",  # blank lines at the end
        "3 1\n002\n1\n\n",
    ],
)
def test_white_space_comments_and_isolated_vertices(tmp_path, text):
    assert read_metis(write(tmp_path, text)).graph == as_graph([(0, 1)], n=3)


def test_neighbours_in_any_order(tmp_path):
    file = read_metis(write(tmp_path, "3 3 1\n3 5 2 4\n3 6 1 4\n2 6 1 5\n"))
    assert file.graph == as_graph([(0, 1, 4), (0, 2, 5), (1, 2, 6)], n=3)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "before the header"),
        ("% only\n% comments\n", 2, "before the header"),
        ("% x\n\n3 1\n", 2, "'' is no header"),
        ("3\n", 1, "'3' is no header"),
        ("2 1 0 0 0\n2\n1\n", 1, "no header"),
        ("2 1 2\n2\n1\n", 1, "no header"),
        ("2 1 0001\n2\n1\n", 1, "no header"),
        ("-2 1\n2\n1\n", 1, "'-2 1' is no header"),
        ("2.0 1\n2\n1\n", 1, "no header"),
        ("2 1_0\n2\n1\n", 1, "no header"),
        ("\u0662 1\n2\n1\n", 1, "no header"),  # a digit, though not one of ours
        (f"{'9' * 5000} 1\n2\n1\n", 1, "no header"),
        ("2 1 010 0\n1 2\n1 1\n", 1, "ncon = 0"),
        ("2 1 001 1\n2 1\n1 1\n", 1, "ncon = 1"),
        ("2 1 010 999999999999\n1 2\n1 1\n", 1, "ncon = 999999999999"),
        ("2 999999999999\n2\n1\n", 1, "999999999999 edges do not fit"),
        ("% x\n3 2\n2\n1 3\n", 4, "cut short: 2 lines for 3 vertices"),
        ("% x\n2 1\n2\n%\n1\n\n\n2\n", 8, "too many: the header tells of 2 vertices"),
        ("3 1\n% x\n2\n1 4\n\n", 4, "vertex 2 has neighbour 4, which is not in 1 ... 3"),
        ("3 1\n0\n1\n\n", 2, "vertex 1 has neighbour 0, which is not in 1 ... 3"),
        ("2 1\n2\n1 2\n", 3, "vertex 2 is its own neighbour"),
        ("3 2\n2\n%\n1 3\n\n", 4, "vertex 2 has neighbour 3, which does not have neighbour 2"),
        ("3 2\n2 3\n1\n\n", 2, "vertex 1 has neighbour 3, which does not have neighbour 1"),
        ("2 2\n2 2\n1 1\n", 2, "vertex 1 has neighbour 2 twice"),
        ("2 1\n2\n1 1\n", 3, "vertex 2 has neighbour 1 twice"),
        ("2 1 1\n2 5\n1 6\n", 2, "vertex 1 has weight 5 to 2, and weight 6 from there"),
        ("2 1 1\n2 5\n1\n", 3, "vertex 2 has a neighbour without a weight"),
        ("2 1 1\n2 0\n1 0\n", 2, "weight 0"),
        ("2 1 1\n2 5\n1 -5\n", 3, "'-5'"),
        (f"2 1 1\n2 {2**53 + 1}\n1 {2**53 + 1}\n", 2, str(2**53 + 1)),
        ("2 1\n2\nx1\n", 3, "'x1'"),
        ("2 1\n2\n1.0\n", 3, "'1.0'"),
        ("2 1\n2\n+1\n", 3, "'+1'"),
        ("2 1\n2 % no comment\n1\n", 2, "'%'"),
        ("2 1\n2\n\x001\n", 3, r"\x001"),
        ("2 1\n2\n1111111111111111111\n", 3, "1111111111111111111"),
        ("3 4\n2\n1\n\n", 1, "4 edges, but the lines of the vertices list 1"),
        ("% x\n3 0\n2\n1\n\n", 2, "0 edges, but the lines of the vertices list 1"),
        ("2 1 011 2\n1 1 2 5\n1\n", 3, "vertex 2 has 1 numbers; its sizes and weights alone are 2"),
        ("2 1 110\n1 1 2\n\n", 3, "vertex 2 has 0 numbers; its sizes and weights alone are 2"),
    ],
)
def test_a_fault_names_its_line(tmp_path, text, line, problem):
    path = write(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_metis(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert problem in caught.value.problem
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text", ["1000000000000 0\n\n\n", "1000000000000 0 010 9\n\n\n", "2 1000000000000\n2\n1\n"]
)
def test_a_header_claims_no_memory(tmp_path, text):
    path = write(tmp_path, text)
    tracemalloc.start()
    with pytest.raises(FormatError):
        read_metis(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_every_prefix_reads_to_an_agreeing_graph_or_names_a_line(tmp_path):
    whole = read_metis(write(tmp_path, FULL)).graph
    read = 0
    for length in range(len(FULL)):
        prefix = FULL[:length]
        result = outcome(write(tmp_path, prefix))
        if isinstance(result, FormatError):
            assert 1 <= result.line <= max(1, len(prefix.splitlines()))
        else:
            assert result == whole
            read += 1
    # the last newline, and the last digit of the weights of vertex 4, which no other line repeats, may lack
    assert read == 1


@given(st.binary(max_size=40) | st.text("01234 \n%-x", max_size=40).map(str.encode))
def test_any_bytes_read_or_name_a_line(tmp_path_factory, text):
    result = outcome(write(tmp_path_factory.getbasetemp(), text))
    if isinstance(result, FormatError):
        assert 1 <= result.line <= max(1, text.count(b"\n") + (not text.endswith(b"\n")))
    else:
        assert not result.directed


@given(st.data())
def test_a_changed_byte_never_changes_the_graph_unnoticed(tmp_path_factory, data):
    """One edge more, or fewer, is noticed: the header or the other end tells."""
    text = b"4 4\n2 3\n1 3 4\n1 2\n2\n"
    at = data.draw(st.integers(4, len(text) - 1))
    byte = data.draw(st.sampled_from(b"01234 x-%\n"))
    result = outcome(write(tmp_path_factory.getbasetemp(), text[:at] + bytes([byte]) + text[at + 1 :]))
    assert isinstance(result, FormatError) or result == as_graph([(0, 1), (0, 2), (1, 2), (1, 3)], n=4)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.graph"):
        read_metis(tmp_path / "none.graph")


# ------------------------------------------------------------------------------------------------ writing

whole_weights = st.integers(1, 2**53).map(float)


@given(graphs(directed=False, loops=False, weight=whole_weights), st.data())
def test_round_trip(tmp_path_factory, graph, data):
    def column(width):
        row = st.lists(st.integers(0, 10**18 - 1), min_size=width, max_size=width)
        return np.array(data.draw(st.lists(row, min_size=graph.n, max_size=graph.n)), np.int64).reshape(-1, width)

    heavy = column(data.draw(st.integers(1, 3))) if data.draw(st.booleans()) else None
    sizes = column(1)[:, 0] if data.draw(st.booleans()) else None
    path = tmp_path_factory.getbasetemp() / "round.graph"
    file = read_back(path, graph, vertex_weights=heavy, vertex_sizes=sizes)
    assert file.graph.to_dense().tolist() == graph.to_dense().tolist()
    assert (file.graph.weights is None) == (graph.weights is None)
    assert file.graph.nodes == tuple(range(graph.n))
    for there, here in ((file.vertex_weights, heavy), (file.vertex_sizes, sizes)):
        assert (there is None) == (here is None)
        assert there is None or np.array_equal(there, here)
    first = path.read_bytes()
    write_metis(path, file.graph, vertex_weights=file.vertex_weights, vertex_sizes=file.vertex_sizes)
    assert path.read_bytes() == first


def test_what_is_written(tmp_path):
    path = tmp_path / "some.graph"
    write_metis(path, as_graph([("a", "b"), ("b", "c")], nodes="abcd"))
    assert path.read_bytes() == b"4 2\n2\n1 3\n2\n\n"
    write_metis(path, as_graph([(0, 1, 5)], n=2), vertex_weights=[[1, 2], [3, 4]], vertex_sizes=[6, 7])
    assert path.read_bytes() == b"2 1 111 2\n6 1 2 2 5\n7 3 4 1 5\n"


def test_nothing_at_all(tmp_path):
    for weights in (None, np.zeros((0, 2), int)):
        assert read_back(tmp_path / "no.graph", as_graph([], n=0), vertex_weights=weights).graph.n == 0


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ([("a", "b"), ("b", "b")], r"\('b', 'b'\).*self-loop"),
        ([("a", "b", 0.0)], r"\('a', 'b'\) has weight 0"),
        ([("a", "b", 1.0), ("b", "c", 1.5)], r"\('b', 'c'\) has weight 1\.5"),
        ([("a", "b", -2.0)], r"\('a', 'b'\) has weight -2"),
        ([("a", "b", 2.0**54)], r"\('a', 'b'\) has weight 1\.8"),
    ],
)
def test_what_the_format_cannot_say(tmp_path, edges, said):
    path = write(tmp_path, "old")
    with pytest.raises(ValueError, match=said):
        write_metis(path, as_graph(edges, nodes="abc"))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vertex_weights": [1, 2]}, r"vertex_weights of shape \(2,\).*3 nodes"),
        ({"vertex_weights": np.ones((3, 0), int)}, r"vertex_weights of shape \(3, 0\)"),
        ({"vertex_weights": 4}, r"vertex_weights of shape \(\)"),
        ({"vertex_weights": [1, -2, 3]}, "vertex_weights holds -2"),
        ({"vertex_weights": [1, 2.5, 3]}, "vertex_weights holds 2.5"),
        ({"vertex_weights": [1, np.nan, 3]}, "vertex_weights holds nan"),
        ({"vertex_weights": [1, 10**18, 3]}, "vertex_weights holds 1000000000000000000"),
        ({"vertex_sizes": [[1, 2], [1, 2], [1, 2]]}, r"vertex_sizes of shape \(3, 2\)"),
        ({"vertex_sizes": [1, 2, np.inf]}, "vertex_sizes holds inf"),
    ],
)
def test_weights_and_sizes_that_do_not_fit(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        write_metis(tmp_path / "some.graph", as_graph([(0, 1)], n=3), **options)
    assert not list(tmp_path.iterdir())


def test_the_old_file_stays_when_writing_fails(tmp_path, monkeypatch):
    def broken(*_):
        yield "2\n"
        raise OSError("no space left")

    path = write(tmp_path, "old")
    monkeypatch.setattr("lessons.metis._vertex_lines", broken)
    with pytest.raises(OSError, match="no space left"):
        write_metis(path, as_graph([(0, 1)], n=2))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directed_graph_is_refused(tmp_path):
    with pytest.raises(ValueError, match="to_undirected"):
        write_metis(tmp_path / "some.graph", as_graph([(0, 1)], n=2, directed=True))


# ------------------------------------------------------------------------------------------------ at scale


def test_a_hundred_thousand_edges(tmp_path):
    ends = np.random.default_rng(7).integers(0, 30_000, (100_000, 2))
    graph = as_graph(ends[ends[:, 0] != ends[:, 1]], n=30_000)
    assert read_back(tmp_path / "large.graph", graph).graph == graph


@pytest.mark.data
@pytest.mark.skipif("LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data")
@pytest.mark.parametrize(
    ("name", "n", "m"),
    [
        ("4elt", 15_606, 45_878),
        ("airfoil1", 4_253, 12_289),
        ("delaunay_n15", 32_768, 98_274),
        ("rgg_n_2_15_s0", 32_768, 160_240),
        ("astro-ph", 16_706, 121_251),
        ("polblogs", 1_490, 16_715),
        ("jazz", 198, 2_742),
        ("celegans_metabolic", 453, 2_025),
    ],
)
def test_the_graphs_of_the_benchmarks(name, n, m):
    path = Path(os.environ["LESSONS_DATA"], "graphs", f"{name}.graph")
    start = time.perf_counter()
    graph = read_metis(path).graph
    print(f"{name}: {time.perf_counter() - start:.3f} s")
    assert (graph.n, graph.m) == (n, m)
    body = path.read_text().splitlines()[1 : n + 1]
    assert [sorted(int(v) - 1 for v in line.split()) for line in body] == [graph.neighbors(u) for u in range(n)]
