"""The digits and their neighbour graph, against scikit-learn's own search; simple graphs, against networkx's;
Planetoid's files, against another way to read them; BlogCatalog's, small and as published; lists of graphs and
maps of brains, damaged in every way that their readers can see."""

import hashlib
import io
import json
import os
import re
from collections import defaultdict
from math import isqrt
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse
import scipy.sparse.csgraph
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st
from pickled import python2
from sklearn.neighbors import NearestNeighbors

from lessons import _graph2nn, as_graph, datasets, experiments
from lessons.errors import DataMissing, FormatError


def test_digits_are_whole_grey_values():
    X, y = datasets.digits()
    assert X.shape == (1797, 64)
    assert y.shape == (1797,)
    assert np.array_equal(X, np.round(X))
    assert (X.min(), X.max()) == (0, 16)


@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_are_the_nearest(k):
    """Distances tie, so the sets may differ; their distances may not."""
    X, _ = datasets.digits()
    graph = datasets.digits_graph(k)
    distances, _ = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(X).kneighbors(X)
    reach = np.round(distances[:, -1] ** 2)
    u, v = graph.edge_rows.T
    apart = ((X[u] - X[v]) ** 2).sum(axis=1)
    assert (apart <= np.maximum(reach[u], reach[v])).all()
    assert (graph.degrees() >= k).all()
    assert graph.weights is None
    assert not graph.directed


@pytest.mark.parametrize("k", [0, 1797])
def test_k_is_checked(k):
    with pytest.raises(ValueError, match=f"k={k}: "):
        datasets.digits_graph(k)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_quarter_of_each_numeral_is_held_out(seed):
    _, y = datasets.digits()
    _, y_train, _, y_test = datasets.digits_split(seed)
    assert len(y_test) == 450
    assert len(y_train) + len(y_test) == len(y)
    assert (np.abs(np.bincount(y_test) - np.bincount(y) / 4) < 1).all()


def test_each_image_goes_with_its_numeral_to_one_part():
    X, y = datasets.digits()
    X_train, y_train, X_test, y_test = datasets.digits_split(5, dtype=np.float64)
    whole = sorted((*row, label) for row, label in zip((X / 16).tolist(), y.tolist(), strict=True))
    parts = zip([*X_train.tolist(), *X_test.tolist()], [*y_train.tolist(), *y_test.tolist()], strict=True)
    assert sorted((*row, label) for row, label in parts) == whole


def test_the_part_held_out_depends_on_the_seed_only():
    first, again, other = (datasets.digits_split(seed)[2] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert datasets.digits_split(3)[3][:12].tolist() == [3, 7, 5, 6, 1, 3, 4, 9, 0, 0, 9, 7]


def test_images_are_the_same_values_in_another_shape():
    flat, square = datasets.digits_split(), datasets.digits_split(images=True)
    assert [part.shape for part in square] == [(1347, 1, 8, 8), (1347,), (450, 1, 8, 8), (450,)]
    assert np.array_equal(flat[2], square[2].reshape(450, 64))
    assert flat[0].dtype == np.float32
    assert datasets.digits_split(dtype="float64")[0].dtype == np.float64


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="dtype=float16: float32 or float64"):
        datasets.digits_split(dtype=np.float16)


# ---------------------------------------------------------------------------------------- simple and random graphs


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_a_path_is_networkxs(n):
    assert datasets.path_graph(n) == as_graph(nx.path_graph(n))


@pytest.mark.parametrize("n", [3, 4, 11])
def test_a_ring_is_networkxs(n):
    ours, theirs = datasets.ring_graph(n), nx.cycle_graph(n)
    assert sorted(ours.edges()) == sorted(tuple(sorted(edge)) for edge in theirs.edges)
    assert ours.nodes == tuple(theirs.nodes)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4)])
def test_a_grid_is_networkxs_with_its_pixels_numbered_row_by_row(rows, columns):
    theirs = nx.grid_2d_graph(rows, columns)
    edges = [tuple(sorted((columns * i + j, columns * row + column))) for (i, j), (row, column) in theirs.edges]
    ours = datasets.grid_graph(rows, columns)
    assert sorted(ours.edges()) == sorted(edges)
    assert ours.n == rows * columns


def test_each_pixel_of_an_image_meets_those_beside_it():
    image = np.arange(12).reshape(3, 4)
    u, v = datasets.grid_graph(3, 4).edge_rows.T
    assert set(np.abs(image.ravel()[u] - image.ravel()[v])) == {1, 4}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [7, 8, 60, 64])
def test_sensors_stand_each_in_a_cell_of_its_own(n, seed):
    k = 6
    graph, positions = datasets.sensor_graph(n, k=k, seed=seed)
    side = isqrt(n - 1) + 1
    cells = np.floor(positions * side).astype(int)
    assert len({tuple(cell) for cell in cells}) == n
    assert positions.shape == (n, 2)
    assert ((positions >= 0) & (positions < 1)).all()
    u, v = graph.edge_rows.T
    distances = np.linalg.norm(positions[u] - positions[v], axis=1)
    assert np.allclose(graph.edge_weights, np.exp(-((distances * side) ** 2) / 2), rtol=1e-12)
    reach = np.sort(np.linalg.norm(positions[:, None] - positions, axis=2), axis=1)[
        :, k
    ]  # place 0 is the node itself
    assert (distances <= np.maximum(reach[u], reach[v]) * (1 + 1e-12)).all()
    assert (graph.degrees() >= k).all()


@pytest.mark.parametrize("n", [3, 4, 100, 3000])
def test_a_mesh_is_a_triangulation(n):
    """Euler's formula: h corners on the hull, 3 n - 3 - h edges, 2 n - 2 - h triangles; no two edges cross."""
    from scipy.spatial import ConvexHull

    graph, positions = datasets.mesh_graph(n, seed=n)
    assert positions.shape == (n, 2)
    assert graph.m == 3 * n - 3 - len(ConvexHull(positions).vertices)
    assert nx.is_connected(graph.to_networkx())
    assert nx.check_planarity(graph.to_networkx())[0]


def test_neighbours_in_a_mesh_have_numbers_that_are_near():
    graph, _ = datasets.mesh_graph(10_000, seed=0)
    u, v = graph.edge_rows.T
    assert np.quantile(v - u, 0.99) < 10 * np.sqrt(graph.n)  # all but those along the rim, which are long


@pytest.mark.parametrize("make", [datasets.sensor_graph, datasets.mesh_graph])
def test_a_random_graph_depends_on_its_seed_only(make):
    first, again, other = (make(50, seed=seed) for seed in (1, 1, 2))
    assert first[0] == again[0]
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: datasets.path_graph(0), "n=0: at least 1"),
        (lambda: datasets.ring_graph(2), "n=2: at least 3"),
        (lambda: datasets.grid_graph(3, 0), "columns=0: at least 1"),
        (lambda: datasets.sensor_graph(6), "k=6: "),
        (lambda: datasets.mesh_graph(2), "n=2: at least 3"),
    ],
)
def test_graphs_that_are_too_small_are_refused(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()


@pytest.mark.parametrize("n", [4.5, "4", True, None])
def test_sizes_are_whole_numbers(n):
    for make in (datasets.path_graph, datasets.ring_graph, datasets.sensor_graph, datasets.mesh_graph):
        with pytest.raises(TypeError, match=f"n={n!r}: a whole number"):
            make(n)


# ------------------------------------------------------------------------------------------------ Planetoid


@st.composite
def planetoids(draw):
    """A small data set as upstream writes it: what its files hold, and the tests' rows in any order with gaps."""
    train, others, tests, gaps = (draw(st.integers(least, 4)) for least in (1, 2, 1, 0))
    d, classes = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    first, n = train + others, train + others + tests + gaps
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    words = rng.integers(0, 2, (first + tests, d)).astype(np.float32)
    one_hot = np.eye(classes, dtype=np.int32)[rng.integers(0, classes, first + tests)]
    node = st.integers(0, n - 1)
    lists = defaultdict(list)
    for u, v in draw(st.lists(st.tuples(node, node), max_size=2 * n)):
        lists[u].append(v)
        lists[v].append(u)
    order = draw(st.permutations(range(n)))
    index = draw(st.permutations(range(first, n)))[:tests]
    return {
        "y": one_hot[:train],
        "allx": scipy.sparse.csr_array(words[:first]),
        "ally": one_hot[:first],
        "tx": scipy.sparse.csr_array(words[first:]),
        "ty": one_hot[first:],
        "graph": defaultdict(list, {u: lists[u] for u in order}),
        "test.index": index,
    }


SMALL = {
    "y": np.eye(2, dtype=np.int32),
    "allx": scipy.sparse.csr_array(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]], np.float32)),
    "ally": np.eye(2, dtype=np.int32)[[0, 1, 1, 0]],
    "tx": scipy.sparse.csr_array(np.array([[0, 0, 1], [1, 0, 1]], np.float32)),
    "ty": np.eye(2, dtype=np.int32)[[1, 0]],
    "graph": defaultdict(list, {0: [1, 1, 5], 1: [0, 0], 2: [2, 2], 3: [], 4: [6], 5: [0], 6: [4]}),
    "test.index": [6, 4],
}


def write_planetoid(folder, contents, prefix=""):
    """The paths of the files, by the last part of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {part: folder / f"{prefix}{part}" for part in contents}
    for part, content in contents.items():
        text = "".join(f"{row}\n" for row in content).encode() if part == "test.index" else python2(content)
        paths[part].write_bytes(content if isinstance(content, bytes) else text)
    return paths


def rows_of(data):
    """The rows of its three parts."""
    return [np.flatnonzero(part).tolist() for part in (data.train, data.validation, data.test)]


def read_small(folder, monkeypatch, **changed):
    monkeypatch.setattr(datasets, "VALIDATION", 2)
    contents = SMALL | {part.replace("_", "."): content for part, content in changed.items()}
    return datasets._read_planetoid(write_planetoid(folder, contents))


@given(planetoids())
def test_planetoid_as_the_published_loaders_read_it(tmp_path_factory, contents):
    """Rows of zeros into `tx` and `ty` where `test.index` has gaps, all stacked, then its rows exchanged."""
    index, first = np.array(contents["test.index"]), len(contents["ally"])
    n = len(contents["graph"])
    ascending = np.sort(index)
    blocks = []
    for block in ("tx", "ty"):
        dense = contents[block].toarray() if block == "tx" else contents[block]
        extended = np.zeros((n - first, dense.shape[1]))
        extended[ascending - first] = dense
        before = contents["allx"].toarray() if block == "tx" else contents["ally"]
        whole = np.vstack([before, extended])
        whole[index] = whole[ascending]
        blocks.append(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "VALIDATION", 2)
        data = datasets._read_planetoid(write_planetoid(tmp_path_factory.getbasetemp() / "p", contents))
    assert np.array_equal(data.X.toarray(), blocks[0])
    assert np.array_equal(data.y, np.where(blocks[1].any(axis=1), blocks[1].argmax(axis=1), -1))
    assert np.array_equal(
        data.graph.to_dense(), nx.to_numpy_array(nx.from_dict_of_lists(contents["graph"]), range(n))
    )
    train = len(contents["y"])
    assert rows_of(data) == [list(range(train)), [train, train + 1], ascending.tolist()]
    assert (data.y[data.test] >= 0).all()


def test_a_small_planetoid(tmp_path, monkeypatch):
    data = read_small(tmp_path, monkeypatch)
    assert (
        repr(data) == "Planetoid(Graph(n=7, m=4, undirected), X=(7, 3), classes=2, train=2, validation=2, test=2)"
    )
    assert data.graph.edges() == [(0, 1), (0, 5), (2, 2), (4, 6)]
    assert data.X.toarray()[4:].tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert data.y.tolist() == [0, 1, 1, 0, 0, -1, 1]
    assert rows_of(data) == [[0, 1], [2, 3], [4, 6]]
    assert (type(data.X), data.X.dtype, data.y.dtype) == (scipy.sparse.csr_array, np.float32, np.int64)
    assert {part.dtype for part in (data.train, data.validation, data.test)} == {np.dtype(np.bool_)}
    assert data != read_small(tmp_path, monkeypatch)  # compared by what it is, not by what it holds
    with pytest.raises(AttributeError):
        data.y = None


wide = scipy.sparse.csr_array(np.ones((2, 4), np.float32))


@pytest.mark.parametrize(
    ("part", "content", "line", "problem"),
    [
        ("allx", wide, None, "2 rows, but 4 in ally"),
        ("tx", wide, None, "4 columns, but 3"),
        ("tx", wide[:1], None, "1 rows, but 2 in ty"),
        ("ty", np.eye(3, dtype=np.int32)[:2], None, "3 columns, but 2"),
        ("ty", np.ones((2, 2), np.int32), None, "exactly one 1"),
        ("ty", np.zeros((2, 2), np.int32), None, "exactly one 1"),
        ("ty", np.array([[2, -1], [0, 1]], np.int32), None, "exactly one 1"),
        ("ty", np.ones(2, np.int32), None, "exactly one 1"),
        ("ty", np.zeros((0, 2), np.int32), None, "no row"),
        ("ty", np.zeros((2, 0), np.int32), None, "exactly one 1"),
        ("y", np.eye(2, dtype=np.int32)[::-1], None, "not the first of 4 rows"),
        ("y", SMALL["ally"][:3], None, "not the first of 4 rows with 2 more"),
        ("y", np.eye(3, dtype=np.int32)[:2], None, "not the first of 4 rows"),
        ("graph", {0: [1], 2: [0], 1: [], 4: []}, None, "4 nodes, but not those from 0 to 3"),
        ("graph", SMALL["graph"] | {3: [7]}, None, "node 3 has a neighbour that is not in 0 ... 6"),
        ("graph", SMALL["graph"] | {3: [-1]}, None, "node 3 has a neighbour that is not in 0 ... 6"),
        ("graph", SMALL["graph"] | {3: ["4"]}, None, "other than whole numbers"),
        ("graph", [[1], [0]], None, "a dict of lists"),
        ("graph", {0: [1], 1: [0]}, 1, "'6' is no node in 4 ... 1"),
        ("test.index", [6, 3], 2, "'3' is no node in 4 ... 6"),
        ("test.index", [6, 7], 2, "'7' is no node in 4 ... 6"),
        ("test.index", ["6", "x"], 2, "'x' is no node"),
        ("test.index", ["6", "-4"], 2, "'-4' is no node"),
        ("test.index", ["6", "", "4"], 2, "'' is no node"),
        ("test.index", ["6", "4" * 5000], 2, "'44444444444444444444' is no node"),
        ("test.index", "6\n\u0664\n".encode(), 2, "is no node"),  # a four, though not one of ours
        ("test.index", [6, 6], None, "2 nodes, 1 of them different, for 2 rows"),
        ("test.index", [6], None, "1 nodes, 1 of them different, for 2 rows"),
        ("test.index", [6, 4, 5], None, "3 nodes, 3 of them different, for 2 rows"),
        ("test.index", [], None, "0 nodes, 0 of them different, for 2 rows"),
        ("allx", b"", None, "is cut short"),
        ("ally", b"not a pickle", None, "for an instruction"),
        ("graph", b"\x80\x02cposix\nsystem\nU\x04trueq\x01\x85R.", None, "names posix.system"),
    ],
)
def test_a_damaged_planetoid(tmp_path, monkeypatch, part, content, line, problem):
    at = "test.index" if line == 1 else part  # a graph that is too small shows there
    with pytest.raises(FormatError) as caught:
        read_small(tmp_path, monkeypatch, **{part.replace(".", "_"): content})
    assert (caught.value.path, caught.value.line) == (str(tmp_path / at), line)
    assert problem in caught.value.problem


@pytest.fixture
def given_planetoid(tmp_path, monkeypatch):
    """A folder for LESSONS_DATA with a small Cora in upstream's layout, and nothing that could be downloaded."""
    paths = write_planetoid(tmp_path / "planetoid", SMALL, prefix="ind.cora.")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
    assert sums.keys() == datasets.PLANETOID_FILES["cora"].keys()
    monkeypatch.setitem(datasets.PLANETOID_FILES, "cora", sums)
    monkeypatch.setattr(datasets, "PLANETOID_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(datasets, "VALIDATION", 2)
    monkeypatch.setattr("lessons._downloads.RETRIES", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "planetoid"


def test_planetoid_from_a_folder_that_is_named(given_planetoid):
    assert datasets.planetoid("cora").graph == as_graph([(0, 1), (0, 5), (2, 2), (4, 6)], n=7)


def test_planetoid_is_not_parsed_where_it_is_altered(given_planetoid, monkeypatch):
    def parsed(path):
        raise AssertionError(f"{path} was parsed")

    for load in ("load_array", "load_lists", "load_matrix"):
        monkeypatch.setattr(datasets, load, parsed)
    with (given_planetoid / "ind.cora.test.index").open("a") as file:
        file.write("\n")
    with pytest.raises(FormatError, match=r"ind\.cora\.test\.index: not the published file: its SHA-256 is"):
        datasets.planetoid("cora")


def test_planetoid_where_it_is_missing(given_planetoid):
    (given_planetoid / "ind.cora.graph").unlink()
    with pytest.raises(DataMissing) as caught:
        datasets.planetoid("cora")
    way = """python -c "from lessons.datasets import planetoid; planetoid('cora')\""""
    assert str(caught.value).startswith(f"Cora is not on this machine. Get it with: {way} ")
    assert "planetoid/ of a folder that LESSONS_DATA names" in str(caught.value)


@pytest.mark.parametrize("name", ["pubmed", "Cora", "", None, 7])
def test_planetoid_by_another_name(name):
    with pytest.raises(ValueError, match=r"one of \['citeseer', 'cora'\]"):
        datasets.planetoid(name)


with_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


@pytest.mark.data
@with_data
@pytest.mark.parametrize(
    ("name", "n", "m", "loops", "listed", "words", "entries", "counts"),
    [
        ("cora", 2708, 5278, 0, 5429, 1433, 49_216, [351, 217, 418, 818, 426, 298, 180]),
        ("citeseer", 3327, 4676, 124, 4732, 3703, 105_165, [249, 590, 668, 701, 596, 508]),
    ],
)
def test_the_published_data(name, n, m, loops, listed, words, entries, counts):
    data = datasets.planetoid(name)
    graph, classes = data.graph, len(counts)
    u, v = graph.edge_rows.T
    assert (graph.n, graph.m, (u == v).sum()) == (n, m, loops)
    assert (graph.directed, graph.weights) == (False, None)
    file = Path(os.environ["LESSONS_DATA"], "planetoid", f"ind.{name}.graph")
    assert sum(map(len, datasets.load_lists(file).values())) == 2 * listed
    assert data.X.shape == (n, words)
    assert (data.X.nnz, data.X.dtype) == (entries, np.float32)
    assert (data.X.data == 1).all()
    assert np.bincount(data.y[data.y >= 0]).tolist() == counts
    assert np.bincount(data.y[data.train]).tolist() == [20] * classes
    train, validation, test = rows_of(data)
    assert train + validation == list(range(20 * classes + 500))
    assert len(test) == 1000
    assert min(test) > max(validation)
    assert (data.y[data.train | data.validation | data.test] >= 0).all()


@pytest.mark.data
@with_data
def test_the_fifteen_papers_of_which_nothing_is_known():
    """Not isolated, as is often said: each cites or is cited. Others are: 48 have no neighbour but themselves."""
    data = datasets.planetoid("citeseer")
    unknown = np.flatnonzero(data.y < 0)
    assert len(unknown) == 15
    assert data.X[unknown].nnz == 0
    assert not (data.train | data.validation | data.test)[unknown].any()
    neighbours = [set(data.graph.neighbors(node)) - {node} for node in range(data.graph.n)]
    assert all(neighbours[node] for node in unknown)
    alone = [node for node in range(data.graph.n) if not neighbours[node]]
    assert len(alone) == 48
    assert all(data.graph.neighbors(node) == [node] for node in alone)
    cora = datasets.planetoid("cora")
    assert (cora.y >= 0).all()
    assert cora.graph.degrees().min() == 1


# ------------------------------------------------------------------------------------------------ BlogCatalog

FRIENDS = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], float)
GROUPS = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]], float)


def write_blogcatalog(folder, *, compressed=False, **changed):
    """The path of a small file; `changed` takes the place of `network` and `group`, None leaves one out."""
    path = folder / "graphs" / "blogcatalog.mat"
    path.parent.mkdir(exist_ok=True)
    contents = {"network": scipy.sparse.csc_array(FRIENDS), "group": scipy.sparse.csc_array(GROUPS)} | changed
    contents = {name: content for name, content in contents.items() if content is not None}
    scipy.io.savemat(path, contents, do_compression=compressed)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_a_small_blogcatalog(tmp_path, compressed):
    path = write_blogcatalog(tmp_path, compressed=compressed, other=np.ones(3))
    data = datasets._read_blogcatalog(path)
    assert repr(data) == "BlogCatalog(Graph(n=4, m=3, undirected), groups=3, memberships=4)"
    assert data.graph == as_graph([(0, 1), (0, 2), (2, 3)], n=4)
    assert data.labels.dtype == np.bool_
    assert data.labels.tolist() == (GROUPS == 1).tolist()
    assert data != datasets._read_blogcatalog(path)  # compared by what it is, not by what it holds
    with pytest.raises(AttributeError):
        data.labels = None


def with_entry(array, row, column, value):
    """A sparse copy of the array with another value at one place."""
    changed = scipy.sparse.lil_array(array)
    changed[row, column] = value
    return changed.tocsc()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"network": None}, "no sparse matrix of real numbers called network"),
        ({"group": None}, "no sparse matrix of real numbers called group"),
        ({"network": FRIENDS}, "no sparse matrix of real numbers called network"),
        ({"network": np.array([["a", 1]], object)}, "no sparse matrix of real numbers called network"),
        ({"group": {"a": 1}}, "no sparse matrix of real numbers called group"),
        ({"group": with_entry(GROUPS.astype(complex), 0, 1, 1j)}, "real numbers called group"),
        ({"network": scipy.sparse.csc_array(FRIENDS[:, :3])}, "network (4, 3) and group (4, 3): (n, n) and"),
        ({"network": scipy.sparse.csc_array(FRIENDS[:3])}, "network (3, 4) and group (4, 3): (n, n) and"),
        ({"group": scipy.sparse.csc_array(GROUPS[:3])}, "network (4, 4) and group (3, 3): (n, n) and"),
        ({"network": with_entry(FRIENDS, 0, 3, 1.0)}, "network is not symmetric"),
        ({"network": with_entry(FRIENDS, 3, 3, 1.0)}, "network has a 1 on its diagonal"),
        ({"network": with_entry(FRIENDS, 0, 1, 2.0)}, "network holds 2.0, where all are ones"),
        ({"network": with_entry(FRIENDS, 0, 1, np.nan)}, "network holds nan, where all are ones"),
        ({"network": with_entry(FRIENDS, 0, 1, np.inf)}, "network holds inf, where all are ones"),
        ({"group": with_entry(GROUPS, 0, 1, -1.0)}, "group holds -1.0, where all are ones"),
    ],
)
def test_a_blogcatalog_that_is_none(tmp_path, changed, problem):
    path = write_blogcatalog(tmp_path, **changed)
    with pytest.raises(FormatError) as caught:
        datasets._read_blogcatalog(path)
    assert (caught.value.path, caught.value.line) == (str(path), None)
    assert problem in caught.value.problem


@pytest.mark.parametrize("compressed", [False, True])
def test_a_blogcatalog_that_is_cut_short(tmp_path, compressed):
    path = write_blogcatalog(tmp_path, compressed=compressed)
    content = path.read_bytes()
    for end in (*range(0, 128, 16), *range(128, len(content) - 8, 24)):
        path.write_bytes(content[:end])
        with pytest.raises(FormatError, match=r"blogcatalog\.mat: (begins with|cannot be read: |has no)"):
            datasets._read_blogcatalog(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a matrix", b"MATLAB 7.3 MAT-file, Platform: GLNXA64", b"\x89HDF\r\n\x1a\n", b"\x00" * 200],
)
def test_what_is_no_matlab_5(tmp_path, content):
    path = tmp_path / "blogcatalog.mat"
    path.write_bytes(content)
    with pytest.raises(FormatError, match="no file of MATLAB 5") as caught:
        datasets._read_blogcatalog(path)
    assert repr(content[:20]) in caught.value.problem


@pytest.fixture
def given_blogcatalog(tmp_path, monkeypatch):
    """A small file in a folder for LESSONS_DATA, and nothing that could be downloaded."""
    path = write_blogcatalog(tmp_path)
    assert list(datasets.BLOGCATALOG_FILES) == [path.name]
    total = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(datasets.BLOGCATALOG_FILES, path.name, total)
    monkeypatch.setattr(datasets, "BLOGCATALOG_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("lessons._downloads.RETRIES", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    return path


def test_blogcatalog_from_a_folder_that_is_named(given_blogcatalog):
    assert datasets.blogcatalog().graph == as_graph([(0, 1), (0, 2), (2, 3)], n=4)


def test_blogcatalog_is_not_parsed_where_it_is_altered(given_blogcatalog, monkeypatch):
    def parsed(path):
        raise AssertionError(f"{path} was parsed")

    monkeypatch.setattr(datasets, "_sparse_ones", parsed)
    with given_blogcatalog.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(FormatError, match=r"blogcatalog\.mat: not the published file: its SHA-256 is"):
        datasets.blogcatalog()


def test_blogcatalog_where_it_is_missing(given_blogcatalog):
    given_blogcatalog.unlink()
    with pytest.raises(DataMissing) as caught:
        datasets.blogcatalog()
    way = 'python -c "from lessons.datasets import blogcatalog; blogcatalog()"'
    assert str(caught.value).startswith(f"BlogCatalog is not on this machine. Get it with: {way} ")
    assert "graphs/ of a folder that LESSONS_DATA names" in str(caught.value)


@pytest.mark.data
@with_data
def test_the_published_bloggers():
    data = datasets.blogcatalog()
    graph, labels = data.graph, data.labels
    assert (graph.n, graph.m, graph.directed, graph.weights) == (10_312, 333_983, False, None)
    assert (graph.degrees().min(), graph.degrees().max()) == (1, 3992)
    matrix = graph.to_scipy()
    assert not (matrix != matrix.T).nnz
    assert not matrix.diagonal().any()
    assert scipy.sparse.csgraph.connected_components(matrix)[0] == 1
    assert (labels.shape, labels.sum()) == ((10_312, 39), 14_476)
    groups, members = labels.sum(axis=1), labels.sum(axis=0)
    assert (groups.min(), groups.max(), (groups > 1).sum()) == (1, 11, 2852)
    assert (members.min(), members.max()) == (8, 1623)


# ------------------------------------------------------------------------------------------------ lists of graphs

ROWS = np.array([[64, 0.1250000000000003, 0.25, 7, 0.5, 3.25], [64, 0.7, 0.1234567, 0, 0.75, 1.5]])


def saved(rows, **settings):
    """The bytes of a file that holds the array."""
    file = io.BytesIO()
    np.save(file, rows, **settings)
    return file.getvalue()


def write_graph2nn(folder, file, content):
    path = folder / "graph2nn" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_list_is_read_as_numpy_wrote_it(tmp_path):
    for rows in (ROWS, ROWS[:0], np.repeat(ROWS, 6000, axis=0)):
        found = _graph2nn.read_list(write_graph2nn(tmp_path, "list.npy", saved(rows)), 64)
        assert np.array_equal(found, rows)
        assert found.dtype == np.float64
        assert found.flags.writeable


def claiming(count, content):
    """The same file with another number of rows in its header."""
    return content.replace(b"(2, 6), }" + b" " * len(str(count)), f"({count}, 6), }} ".encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"not an array, though it goes on for longer than any header of an array does" * 3,
        saved(ROWS.astype(np.float32)),
        saved(ROWS.astype(">f8")),
        saved(ROWS.astype(np.int64)),
        saved(np.asfortranarray(ROWS)),
        saved(ROWS[:, :5]),
        saved(ROWS.ravel()),
        saved(np.zeros((2, 6), [("n", "<f8")])),
        saved(np.array([[None] * 6]), allow_pickle=True),
        saved(ROWS).replace(b"NUMPY\x01", b"NUMPY\x02"),
        saved(ROWS).replace(b"(2, 6)", b"(-2,6)"),
        saved(ROWS).replace(b"(2, 6), }", b"(2, 6), __import__('os'), }"),
        saved(ROWS).replace(b"(2, 6), }   ", b"(2, 6), }((("),
    ],
)
def test_what_is_no_list_of_graphs(tmp_path, content):
    path = write_graph2nn(tmp_path, "list.npy", content)
    with pytest.raises(FormatError, match="does not begin as an array") as caught:
        _graph2nn.read_list(path, 64)
    assert (caught.value.path, caught.value.line) == (str(path), None)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (saved(ROWS)[:-1], "95 bytes for 2 graphs of 48 bytes each"),
        (saved(ROWS) + b"\0", "97 bytes for 2 graphs"),
        (saved(ROWS)[:128], "0 bytes for 2 graphs"),
        (saved(ROWS).replace(b"(2, 6)", b"(3, 6)"), "96 bytes for 3 graphs"),
        (claiming(999_999_999, saved(ROWS)), "96 bytes for 999999999 graphs"),  # and no memory is taken for them
    ],
)
def test_a_list_that_is_not_as_long_as_it_says(tmp_path, content, problem):
    path = write_graph2nn(tmp_path, "list.npy", content)
    with pytest.raises(FormatError, match=problem):
        _graph2nn.read_list(path, 64)


@pytest.mark.parametrize(
    ("column", "name", "values"),
    [
        (0, "n", [16, 64.5, np.nan]),
        (1, "k / n", [0, 1.9 / 64, 0.99, 1, np.nan, -np.inf]),
        (2, "p", [-0.1, 1.1, np.nan]),
        (3, "seed", [-1, 0.5, 1e300, np.inf, np.nan]),
        (4, "C", [-0.1, 1.1, np.nan]),
        (5, "L", [0.9, 65, np.inf, np.nan]),
    ],
)
def test_a_list_with_a_value_that_no_graph_has(tmp_path, column, name, values):
    for value in values:
        rows = ROWS.copy()
        rows[1, column] = value
        path = write_graph2nn(tmp_path, "list.npy", saved(rows))
        with pytest.raises(FormatError, match=re.escape(f"graph 1 of 64 nodes has {name} = {rows[1, column]}")):
            _graph2nn.read_list(path, 64)


@pytest.mark.parametrize("count", [0, 51, "52", None, 2698])
def test_a_list_of_another_length(count):
    with pytest.raises(ValueError, match=f"count={count!r}: 52, 449 or 3942"):
        datasets.published_graphs(count)


def test_the_shipped_lists():
    few, more = datasets.published_graphs(52), datasets.published_graphs(449)
    assert (len(few), len(more), few.n, more.n) == (52, 449, 64, 64)
    assert repr(more) == "GraphList(449 graphs of 64 nodes)"
    assert more.seed.dtype == np.int64
    rows = [set(zip(x.k, x.p, x.seed, x.C, x.L, strict=True)) for x in (few, more)]
    assert [len(each) for each in rows] == [52, 449]
    assert rows[0] < rows[1]
    for graphs in (few, more):
        assert np.array_equal(graphs.k, 64 * (graphs.k / 64).round(6))
        assert np.array_equal(graphs.p, graphs.p.round(6))
        assert (graphs.k.min(), graphs.k.max() < 62) == (8, True)
        assert ((graphs.p >= 0) & (graphs.p < 1) & (graphs.seed >= 0) & (graphs.seed < 30)).all()
        assert ((graphs.C > 0) & (graphs.C < 1) & (graphs.L > 1)).all()
    assert more != datasets.published_graphs(449)  # compared by what it is, not by what it holds
    with pytest.raises(AttributeError):
        more.k = None


@pytest.fixture
def given_graph2nn(tmp_path, monkeypatch):
    """A short list and a small brain in a folder for LESSONS_DATA, and nothing that could be downloaded."""
    contents = {"analysis/graphs_n64_3942.npy": saved(ROWS), "pycls/datasets/cat.txt": b"010\n000\n110"}
    paths = {file: write_graph2nn(tmp_path, file, content) for file, content in contents.items()}
    sums = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
    monkeypatch.setitem(_graph2nn.LISTS, (64, 3942), sums["analysis/graphs_n64_3942.npy"])
    monkeypatch.setitem(_graph2nn.BRAINS, "cat", ("cat.txt", sums["pycls/datasets/cat.txt"]))
    monkeypatch.setattr(_graph2nn, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("lessons._downloads.RETRIES", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("LESSONS_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    return list(paths.values())


def test_the_long_list_from_a_folder_that_is_named(given_graph2nn):
    graphs = datasets.published_graphs(3942)
    assert (graphs.k.tolist(), graphs.p.tolist()) == ([8.0, 44.8], [0.25, 0.123457])
    assert (graphs.seed.tolist(), graphs.C.tolist(), graphs.L.tolist()) == ([7, 0], [0.5, 0.75], [3.25, 1.5])


def test_a_brain_s_rows_lead_to_its_columns(given_graph2nn):
    graph = datasets.brain_network("cat")
    assert (graph.directed, graph.weights) == (True, None)
    assert graph == as_graph([(0, 1), (2, 0), (2, 1)], n=3, directed=True)


def test_neither_is_parsed_where_it_is_altered(given_graph2nn, monkeypatch):
    def parsed(*given):
        raise AssertionError(f"{given} was parsed")

    for read in ("read_list", "read_connections"):
        monkeypatch.setattr(_graph2nn, read, parsed)
    for path, get in zip(given_graph2nn, GET_GRAPH2NN, strict=True):
        with path.open("ab") as file:
            file.write(b"\n")
        with pytest.raises(FormatError, match=rf"{path.name}: not the published file: its SHA-256 is"):
            get()


GET_GRAPH2NN = [lambda: datasets.published_graphs(3942), lambda: datasets.brain_network("cat")]


def test_where_both_are_missing(given_graph2nn):
    ways = ["from lessons._graph2nn import graph_list; graph_list(64, 3942)"]
    ways += ["from lessons.datasets import brain_network; brain_network('cat')"]
    for path, way, get in zip(given_graph2nn, ways, GET_GRAPH2NN, strict=True):
        path.unlink()
        with pytest.raises(DataMissing) as caught:
            get()
        assert f'is not on this machine. Get it with: python -c "{way}" ' in str(caught.value)
        assert f"where LESSONS_DATA leads: {path.parent.name}/{path.name})" in str(caught.value).replace(
            "pycls/", ""
        )


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "0 characters, where 1 lines need 1"),
        (b"\n", 1, "0 characters, where 1 lines need 1"),
        (b"010\n000\n11", 3, "2 characters, where 3 lines need 3"),
        (b"010\n000\n110\n\n", 1, "3 characters, where 4 lines need 4"),
        (b"010\r\n000\r\n110\r\n", 1, "4 characters, where 3 lines need 3"),
        (b"010\n000", 1, "3 characters, where 2 lines need 2"),
        (b"010\n0 0\n110", 2, "b'0 0' holds more than 0 and 1"),
        (b"010\n002\n110", 2, "b'002' holds more than 0 and 1"),
        ("010\n00\u0661\n110".encode(), 2, "4 characters, where 3 lines need 3"),  # a one, though not one of ours
        (b"010\n000\n111", 3, "area 2 is joined to itself"),
        (b"\x00" * 9, 1, "9 characters, where 1 lines need 1"),
    ],
)
def test_a_damaged_brain(tmp_path, content, line, problem):
    path = write_graph2nn(tmp_path, "cat.txt", content)
    with pytest.raises(FormatError) as caught:
        _graph2nn.read_connections(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert problem in caught.value.problem


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_a_brain_is_read_as_it_was_written(tmp_path_factory, n, seed, ends):
    A = np.random.default_rng(seed).random((n, n)) < 0.4
    np.fill_diagonal(A, False)
    text = "\n".join("".join(map(str, row)) for row in A.astype(int).tolist()) + "\n" * ends
    path = write_graph2nn(tmp_path_factory.getbasetemp(), "brain.txt", text.encode())
    assert np.array_equal(_graph2nn.read_connections(path), A)


@pytest.mark.parametrize("name", ["worm", "Cat", "", None, 7])
def test_a_brain_by_another_name(name):
    with pytest.raises(ValueError, match=r"one of \['cat', 'macaque_visual', 'macaque_whole'\]"):
        datasets.brain_network(name)


@pytest.mark.data
@with_data
def test_the_published_lists():
    every = datasets.published_graphs(3942)
    rows = _graph2nn.graph_list(64, 3942)
    assert np.array_equal(rows, np.load(Path(os.environ["LESSONS_DATA"], "graph2nn/analysis/graphs_n64_3942.npy")))
    assert len({tuple(row) for row in rows[:, 1:4].tolist()}) == 3942
    assert np.abs(every.k - 64 * rows[:, 1]).max() <= 64 * 0.5e-6
    assert np.array_equal(np.rint(32 * every.k), np.rint(32 * 64 * rows[:, 1])), "rounding changes no edge count"
    shown = set(zip(every.k, every.p, every.seed, every.C, every.L, strict=True))
    for few in map(datasets.published_graphs, (52, 449)):
        assert set(zip(few.k, few.p, few.seed, few.C, few.L, strict=True)) < shown


@pytest.mark.data
@with_data
@pytest.mark.parametrize(
    ("name", "n", "arcs", "mutual"),
    [("cat", 52, 820, 301), ("macaque_visual", 30, 308, 118), ("macaque_whole", 71, 746, 308)],
)
def test_the_published_brains(name, n, arcs, mutual):
    graph = datasets.brain_network(name)
    A = graph.to_dense()
    assert (graph.n, graph.m, graph.directed, graph.weights) == (n, arcs, True, None)
    assert np.trace(A) == 0
    assert (A * A.T).sum() == 2 * mutual


# ------------------------------------------------------------------------------------------------ recorded figures

TABLE = {"source": "a paper", "command": "python -m benchmarks", "date": "2025-01-01", "machine": "two cores"}


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """The folder of recorded tables, beside a module of our own."""
    monkeypatch.setattr(experiments, "__file__", str(tmp_path / "experiments.py"))
    (tmp_path / "data").mkdir()
    for name, table in {"whole": TABLE | {"accuracy": [0.5]}, "bare": {"accuracy": [0.5], "date": ""}}.items():
        (tmp_path / "data" / f"{name}.json").write_text(json.dumps(table))
    return tmp_path / "data"


def test_a_recorded_table(tables):
    assert datasets.recorded("whole") == TABLE | {"accuracy": [0.5]}


def test_a_table_that_does_not_say_where_it_is_from(tables):
    with pytest.raises(FormatError, match=r"bare\.json: a recorded table without source, command, date, machine"):
        datasets.recorded("bare")


@pytest.mark.parametrize("text", ["{", "[1]", "7", "null"])
def test_a_table_that_is_none(tables, text):
    (tables / "odd.json").write_text(text)
    with pytest.raises(FormatError, match=r"odd\.json(, line 1)?: "):
        datasets.recorded("odd")


@pytest.mark.parametrize("name", ["none", "README", "../data/whole", "", None])
def test_a_table_that_there_is_not(tables, name):
    with pytest.raises(ValueError, match=r"one of \['bare', 'whole'\]"):
        datasets.recorded(name)


SHIPPED = sorted(path.stem for path in Path(datasets.__file__).with_name("data").glob("*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_each_recorded_table_is_read(name):
    assert datasets.recorded(name)["source"]
