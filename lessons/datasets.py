"""What the lessons run on: data that ships with the libraries, graphs made from a seed, and public data.

X, y = digits()                  # 1,797 handwritten digits, 64 grey values each
X, y, X_test, y_test = digits_split(seed=0)      # a quarter of them held out
X, y, X_test, y_test = noisy_digits(1.5)         # the same, hard to tell
graph = digits_graph(k=5)        # each joined to the five most similar
pixels = grid_graph(8, 8)        # and rings, paths, sensors, meshes
cora = planetoid("cora")         # papers that cite each other; downloaded once
bloggers = blogcatalog()         # who is a friend of whom, and what they write about; downloaded once
chosen = published_graphs(52)    # the settings of graphs that networks were made of, with their C and L
errors = published_errors("mlp") # and what these networks got wrong; published_runs: run by run, downloaded once
cortex = brain_network("cat")    # areas of a brain, and which leads to which; downloaded once
pictures = cifar10()             # of ten kinds of things, in colour; downloaded once
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lessons import _cifar, _rng
from lessons._checks import whole, zero_or_more
from lessons._downloads import fetched
from lessons._pickles import load_array, load_lists, load_matrix
from lessons.errors import FormatError, require
from lessons.experiments import (
    GraphList,
    OwnRuns,
    PublishedErrors,
    PublishedRuns,
    brain_network,
    own_runs,
    published_errors,
    published_graphs,
    published_runs,
    recorded,
)
from lessons.graph import Graph, as_graph
from lessons.laplacian_regularization import neighbour_graph

if TYPE_CHECKING:
    import scipy.sparse

__all__ = [
    "BlogCatalog",
    "GraphList",
    "ImageSet",
    "OwnRuns",
    "Planetoid",
    "PublishedErrors",
    "PublishedRuns",
    "blogcatalog",
    "brain_network",
    "cifar10",
    "cifar10_jpeg",
    "digits",
    "digits_graph",
    "digits_split",
    "grid_graph",
    "mesh_graph",
    "noisy_digits",
    "own_runs",
    "path_graph",
    "planetoid",
    "published_errors",
    "published_graphs",
    "published_runs",
    "recorded",
    "ring_graph",
    "sensor_graph",
]


def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The 8 x 8 handwritten digits of scikit-learn: X (1797, 64), grey values 0 ... 16, and y (1797,), the digit.

    Raises ImportError without scikit-learn.

    >>> X, y = digits()
    >>> X.shape, y[:10].tolist()
    ((1797, 64), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, DOI 10.24432/C50P49 (its test set).
    """
    require("sklearn", "course")
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X, y.astype(np.int64)


def digits_split(
    seed: _rng.Seed = 0, *, images: bool = False, dtype: DTypeLike = np.float32
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
    """The digits in two parts, to train on and to test on: X_train, y_train, X_test, y_test.

    A quarter is held out, drawn anew for each seed and the same on every machine: of each numeral a quarter of its
    images, rounded up or down. X (1347, 64) and (450, 64), or with `images` (1347, 1, 8, 8) and (450, 1, 8, 8),
    grey values scaled to 0 ... 1, of type `dtype`; y (1347,) and (450,) the numerals. Rows stay in their order.

    Raises ImportError without scikit-learn, ValueError for a `dtype` other than float32 and float64.

    >>> X_train, y_train, X_test, y_test = digits_split(seed=0)
    >>> X_train.shape, X_test.shape, X_test.max()
    ((1347, 64), (450, 64), np.float32(1.0))

    Notebook: 03_backpropagation.
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype={np.dtype(dtype)}: float32 or float64")
    X, y = digits()
    chance = _rng.uniforms(_rng.key_of(seed), [0], len(y))[0]
    held_out = np.zeros(len(y), np.bool_)
    held_out[np.lexsort((chance, y))[::4]] = True  # every fourth, of images in random order numeral after numeral
    X = (X / 16).astype(dtype).reshape((-1, 1, 8, 8) if images else (-1, 64))
    return X[~held_out], y[~held_out], X[held_out], y[held_out]


def noisy_digits(
    noise: float, seed: _rng.Seed = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The digits made hard to tell: X_train (1347, 64), y_train (1347,), X_test (450, 64), y_test (450,).

    The parts of `digits_split(seed=0)`, whatever the seed; grey values less the mean of all that are trained on,
    over their standard deviation; then on each value of both parts noise of its own, from a normal distribution
    of standard deviation `noise`. It is drawn once: nobody sees an image with other noise. A seed gives the same
    draws for any `noise`, in proportion to it.

    Raises ImportError without scikit-learn, TypeError or ValueError for noise that is no number, negative or not
    finite.

    >>> X_train, y_train, X_test, y_test = noisy_digits(1.5)
    >>> X_train.shape, X_train.std().round(1), np.sqrt(1 + 1.5**2).round(1)
    ((1347, 64), np.float32(1.8), np.float64(1.8))

    Notebook: 12_sweet_spot.
    """
    zero_or_more("noise", noise)
    X_train, y_train, X_test, y_test = digits_split(seed=0, dtype=np.float64)
    mean, deviation = X_train.mean(), X_train.std()
    chance = np.random.default_rng(_rng.key_of(seed))
    X_train, X_test = (
        ((X - mean) / deviation + noise * chance.standard_normal(X.shape)).astype(np.float32)
        for X in (X_train, X_test)
    )
    return X_train, y_train, X_test, y_test


def digits_graph(k: int = 5) -> Graph:
    """The neighbour graph of the digits: i - j where either is among the k most similar to the other.

    1,797 nodes, undirected, unweighted; similar means a small Euclidean distance between the 64 grey values. The
    values are whole numbers, so distances are exact and ties go to the smaller row: every machine gets this graph.

    Raises ValueError unless 1 <= k < 1797.

    >>> digits_graph(1)
    Graph(n=1797, m=1400, undirected)
    """
    X, _ = digits()
    return neighbour_graph(X, k)


# ---------------------------------------------------------------------------------------- simple and random graphs


def path_graph(n: int) -> Graph:
    """A path: 0 - 1 - ... - (n - 1). Raises ValueError for n < 1.

    >>> path_graph(3).edges()
    [(0, 1), (1, 2)]
    """
    whole("n", n, 1)
    rows = np.arange(n - 1)
    return as_graph(np.column_stack([rows, rows + 1]), n=n)


def ring_graph(n: int) -> Graph:
    """A ring: a path whose last node is joined to its first. Raises ValueError for n < 3.

    >>> ring_graph(4).edges()
    [(0, 1), (0, 3), (1, 2), (2, 3)]
    """
    whole("n", n, 3)
    rows = np.arange(n)
    return as_graph(np.column_stack([rows, (rows + 1) % n]), n=n)


def grid_graph(rows: int, columns: int) -> Graph:
    """The pixels of an image, each joined to those above, below, left and right.

    Node `columns * i + j` is pixel (i, j): a signal on the graph is `image.ravel()`. Raises ValueError for a side
    below 1.

    >>> grid_graph(2, 2).edges()
    [(0, 1), (0, 2), (1, 3), (2, 3)]

    Notebook: 04_laplacian_regularization.
    """
    whole("rows", rows, 1)
    whole("columns", columns, 1)
    pixel = np.arange(rows * columns).reshape(rows, columns)
    across = np.column_stack([pixel[:, :-1].ravel(), pixel[:, 1:].ravel()])
    down = np.column_stack([pixel[:-1].ravel(), pixel[1:].ravel()])
    return as_graph(np.concatenate([across, down]), n=rows * columns)


def sensor_graph(n: int = 64, *, k: int = 6, seed: _rng.Seed = 0) -> tuple[Graph, NDArray[np.float64]]:
    """Sensors spread over the unit square, each joined to the k nearest: the graph, and positions (n, 2).

    Each stands at random in a cell of its own of the smallest square grid with n cells, so that none are far
    apart. Weights fall with distance, exp(-distance^2 / (2 sigma^2)), sigma being the side of a cell. Raises
    ValueError unless 1 <= k < n.

    >>> graph, positions = sensor_graph(64, seed=0)
    >>> graph.n, positions.shape
    (64, (64, 2))

    Notebook: 07_graph_signals.
    """
    whole("n", n, 2)
    side = math.isqrt(n - 1) + 1
    key = _rng.key_of(seed)
    order = np.argsort(_rng.uniforms(key, [2], side * side)[0], kind="stable")
    cells = np.sort(order[:n])
    corner = np.column_stack([cells % side, cells // side])
    positions = (corner + _rng.uniforms(key, [0, 1], n).T) / side
    return neighbour_graph(positions, k, sigma=1 / side), positions


def mesh_graph(n: int, *, seed: _rng.Seed = 0) -> tuple[Graph, NDArray[np.float64]]:
    """A triangular mesh: the Delaunay triangulation of n random points of the unit square, and positions (n, 2).

    Points are numbered in strips from left to right, as a mesh generator would, so that neighbours have numbers
    that are near. Unweighted. O(n log n). Raises ValueError for n < 3.

    >>> graph, positions = mesh_graph(100, seed=0)
    >>> graph.n, positions.shape
    (100, (100, 2))

    Notebook: 07_graph_signals.
    """
    from scipy.spatial import Delaunay

    whole("n", n, 3)
    positions = _rng.uniforms(_rng.key_of(seed), [0, 1], n).T
    strip = np.floor(positions[:, 1] * math.sqrt(n) / 4)
    positions = positions[np.lexsort((positions[:, 0], strip))]
    corners = Delaunay(positions).simplices
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    return as_graph(np.unique(np.sort(sides, axis=1), axis=0), n=n), positions


# ---------------------------------------------------------------------------------------- public data

PLANETOID_URL = "https://github.com/kimiyoung/planetoid/raw/master/data/"
PLANETOID_FILES = {  # and their SHA-256; without `x`, which repeats the first rows of `allx`
    "cora": {
        "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
        "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
        "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
        "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
        "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
        "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
        "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    },
    "citeseer": {
        "ind.citeseer.y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
        "ind.citeseer.allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
        "ind.citeseer.ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
        "ind.citeseer.tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
        "ind.citeseer.ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
        "ind.citeseer.graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
        "ind.citeseer.test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    },
}
VALIDATION = 500


@dataclass(frozen=True, eq=False)
class Planetoid:
    """Papers that cite each other: what is known of them, and of which of them the field is told.

    `graph` of n papers, 0 ... n - 1, i - j where one cites the other; `X` (n, d) which of d words stand in each;
    `y` (n,) its field, -1 where nobody tells; `train`, `validation`, `test` (n,) True for three parts.
    """

    graph: Graph
    X: scipy.sparse.csr_array
    y: NDArray[np.int64]
    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]

    def __repr__(self) -> str:
        parts = f"train={self.train.sum()}, validation={self.validation.sum()}, test={self.test.sum()}"
        return f"Planetoid({self.graph}, X={self.X.shape}, classes={self.y.max() + 1}, {parts})"


def planetoid(name: Literal["cora", "citeseer"]) -> Planetoid:
    """Cora or Citeseer with the split of Planetoid, as the published graph networks read them.

    `graph` is undirected and unweighted, a citation told twice counted once; self-loops stay. `X` is float32, 0 or
    1 for each word, not normalised. `train` are the first rows, 20 of each class, `validation` the next 500,
    `test` 1,000 of the last.

    Cora: 2,708 papers, 5,278 edges (5,429 with those told twice), no self-loop, 1,433 words, 7 classes.
    Citeseer: 3,327 papers, 4,676 edges, 124 of them self-loops (4,732 with those told twice), 3,703 words, 6
    classes. Of 15 papers neither words nor class are known: rows of zeros, y = -1, in no part. They are often
    called isolated, but have neighbours; 48 others have none but themselves.

    Downloaded at the first call, 0.6 or 1 MB, unless LESSONS_DATA names a folder with `planetoid/ind.cora.allx`
    and so on. Pubmed is not offered: its files were not there to be checked.

    Raises ValueError for another name and where LESSONS_DATA names no folder, DataMissing where it is not here and
    cannot be downloaded, FormatError for files other than those published.

    Notebook: 10_spectral_gcn. Source: Z. Yang, W. W. Cohen, R. Salakhutdinov, Revisiting semi-supervised learning
    with graph embeddings, ICML 2016, arXiv:1603.08861; the papers from P. Sen et al., Collective classification in
    network data, AI Magazine 29(3), 2008, DOI 10.1609/aimag.v29i3.2157.

    >>> planetoid("pubmed")
    Traceback (most recent call last):
        ...
    ValueError: name='pubmed': one of ['citeseer', 'cora']
    """
    if name not in PLANETOID_FILES:
        raise ValueError(f"name={name!r}: one of {sorted(PLANETOID_FILES)}")
    command = f"""python -c "from lessons.datasets import planetoid; planetoid('{name}')\""""
    paths = fetched("planetoid", PLANETOID_FILES[name], PLANETOID_URL, name=name.capitalize(), command=command)
    return _read_planetoid({file.removeprefix(f"ind.{name}."): path for file, path in paths.items()})


def _read_planetoid(paths: dict[str, Path]) -> Planetoid:
    """The data set of these files, by the last part of their names: "y", "allx", ..., "test.index".

    The rows of `allx` and `ally` belong to the first nodes, those of `tx` and `ty` to the nodes that `test.index`
    tells, in its order. A node that has neither gets zeros.
    """
    import scipy.sparse

    neighbours = _citations(paths["graph"])
    X, Y = _words_and_classes(paths["allx"], paths["ally"])
    X_test, Y_test = _words_and_classes(paths["tx"], paths["ty"])
    _as_wide(paths["tx"], X_test, X)
    _as_wide(paths["ty"], Y_test, Y)
    train = _training_rows(paths["y"], Y)
    test = _test_rows(paths["test.index"], len(Y), len(neighbours), len(Y_test))
    row = np.full(len(neighbours), len(Y) + len(test))  # of what follows: the last, which is zeros
    row[: len(Y)] = np.arange(len(Y))
    row[test] = len(Y) + np.arange(len(test))
    zeros = scipy.sparse.csr_array((1, X.shape[1]), dtype=X.dtype)
    node = np.arange(len(neighbours))
    return Planetoid(
        graph=_graph_of(neighbours),
        X=scipy.sparse.vstack([X, X_test, zeros], format="csr")[row],
        y=np.concatenate([Y.argmax(axis=1), Y_test.argmax(axis=1), [-1]])[row],
        train=node < train,
        validation=(node >= train) & (node < train + VALIDATION),
        test=np.isin(node, test),
    )


def _citations(path: Path) -> list[list[int]]:
    """For each node the nodes that its paper cites or is cited by."""
    lists = load_lists(path)
    n = len(lists)
    if sorted(lists) != list(range(n)):
        raise FormatError(path, None, f"{n} nodes, but not those from 0 to {n - 1}")
    for node, neighbours in lists.items():
        if not all(0 <= other < n for other in neighbours):
            raise FormatError(path, None, f"node {node} has a neighbour that is not in 0 ... {n - 1}")
    return [lists[node] for node in range(n)]


def _graph_of(neighbours: list[list[int]]) -> Graph:
    ends = np.array([(u, v) for u, row in enumerate(neighbours) for v in row], np.int64).reshape(-1, 2)
    return as_graph(np.unique(np.sort(ends, axis=1), axis=0), n=len(neighbours))


def _words_and_classes(words: Path, classes: Path) -> tuple[scipy.sparse.csr_array, NDArray[Any]]:
    X, Y = load_matrix(words), _one_hot(classes)
    if X.shape[0] != len(Y):
        raise FormatError(words, None, f"{X.shape[0]} rows, but {len(Y)} in {classes.name}")
    return X, Y


def _one_hot(path: Path) -> NDArray[Any]:
    """An array (k, classes) that is 1 at the class of each row and 0 elsewhere."""
    Y = load_array(path)
    if Y.ndim != 2 or not Y.size or not ((Y == 0) | (Y == 1)).all() or not (Y.sum(axis=1) == 1).all():
        raise FormatError(path, None, "a row of classes without exactly one 1, or no row")
    return Y


def _as_wide(path: Path, array: Any, other: Any) -> None:
    if array.shape[1] != other.shape[1]:
        raise FormatError(path, None, f"{array.shape[1]} columns, but {other.shape[1]} for the nodes before")


def _training_rows(path: Path, Y: NDArray[Any]) -> int:
    """How many nodes are to be trained on: `y` repeats the first rows of `ally`."""
    first = _one_hot(path)
    if not np.array_equal(first, Y[: len(first)]) or len(first) + VALIDATION > len(Y):
        raise FormatError(path, None, f"not the first of {len(Y)} rows with {VALIDATION} more to validate on")
    return len(first)


def _test_rows(path: Path, first: int, n: int, count: int) -> NDArray[np.int64]:
    """The node of each row of `tx`: a number a line, each once, from the first that is not in `allx`."""
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.isdecimal() or len(line) > 9 or not first <= int(line) < n:
            raise FormatError(path, number, f"{line[:20]!r} is no node in {first} ... {n - 1}")
    test = np.array(lines, np.int64)
    different = len(np.unique(test))
    if not different == len(test) == count:
        raise FormatError(path, None, f"{len(test)} nodes, {different} of them different, for {count} rows")
    return test


BLOGCATALOG_URL = (
    "https://github.com/phanein/deepwalk/raw/abe220b60dd08bb270aa08cb19f2050feb9b1664/example_graphs/"
)
BLOGCATALOG_FILES = {"blogcatalog.mat": "d4f4fb89ce1ccd4b7e2a183386c000773cc9362cc61f1be5b246a6d9c259da8f"}


@dataclass(frozen=True, eq=False)
class BlogCatalog:
    """Bloggers: `graph` of n of them, 0 ... n - 1, i - j for friends; `labels` (n, groups), True for members."""

    graph: Graph
    labels: NDArray[np.bool_]

    def __repr__(self) -> str:
        return f"BlogCatalog({self.graph}, groups={self.labels.shape[1]}, memberships={self.labels.sum()})"


def blogcatalog() -> BlogCatalog:
    """BlogCatalog: bloggers, who is a friend of whom, and the topics each writes about, here called groups.

    `graph`, undirected and unweighted: 10,312 bloggers, 333,983 friendships, one component, no self-loop; of
    friends they have 1 to 3,992. `labels` (10312, 39): 14,476 memberships; each blogger is in a group, 2,852 are
    in several, at most 11; a group has 8 to 1,623 members.

    Downloaded at the first call, 1.3 MB, unless LESSONS_DATA names a folder with `graphs/blogcatalog.mat`. The
    authors published it at leitang.net/social_dimension.html; this is the copy in DeepWalk's repository.

    Raises ValueError where LESSONS_DATA names no folder, DataMissing where it is not here and cannot be
    downloaded, FormatError for a file other than that published.

    Notebook: 09_node2vec. Source: L. Tang, H. Liu, Relational learning via latent social dimensions, KDD 2009,
    pages 817-826, DOI 10.1145/1557019.1557109.
    """
    command = 'python -c "from lessons.datasets import blogcatalog; blogcatalog()"'
    paths = fetched("graphs", BLOGCATALOG_FILES, BLOGCATALOG_URL, name="BlogCatalog", command=command)
    return _read_blogcatalog(paths["blogcatalog.mat"])


def _read_blogcatalog(path: Path) -> BlogCatalog:
    """The data set of a file with `network` (n, n), 1 for friends, and `group` (n, groups), 1 for members."""
    network, group = _sparse_ones(path, ("network", "group"))
    n, columns = network.shape
    if n != columns or n != group.shape[0]:
        raise FormatError(path, None, f"network {network.shape} and group {group.shape}: (n, n) and (n, groups)")
    if network.diagonal().any():
        raise FormatError(path, None, "network has a 1 on its diagonal: nobody is a friend of himself")
    if (network != network.T).nnz:
        raise FormatError(path, None, "network is not symmetric: friends are friends of each other")
    return BlogCatalog(as_graph(network, directed=False), group.toarray() == 1)


def _sparse_ones(path: Path, names: tuple[str, ...]) -> list[scipy.sparse.csr_array]:
    """The sparse matrices of these names in a file of MATLAB 5, which hold nothing but ones.

    SciPy believes the sizes that a file tells: one altered byte can bring Python down. `blogcatalog` has compared
    the SHA-256 before, so the only file that SciPy ever gets is one that it is known to read.
    """
    from scipy.io import loadmat
    from scipy.sparse import csr_array, issparse

    content = path.read_bytes()
    if not content.startswith(b"MATLAB 5.0 MAT-file"):
        raise FormatError(path, None, f"begins with {content[:20]!r}: no file of MATLAB 5")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The default value for `spmatrix`")  # either kind is welcome here
            found = loadmat(BytesIO(content), variable_names=names)
    except Exception as error:  # of zlib, of NumPy, of SciPy: whatever damage brings about
        raise FormatError(path, None, f"cannot be read: {error}") from error
    for name in names:
        if not issparse(found.get(name)) or found[name].dtype.kind not in "biuf":
            raise FormatError(path, None, f"has no sparse matrix of real numbers called {name}")
    matrices = [csr_array(found[name]) for name in names]
    for name, matrix in zip(names, matrices, strict=True):
        matrix.sum_duplicates()
        if not (matrix.data == 1).all():
            raise FormatError(path, None, f"{name} holds {matrix.data[matrix.data != 1][0]}, where all are ones")
    return matrices


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures and their classes, to train on (N of them) and to test on (M), and what they are called.

    `X` (N, 3, 32, 32) and `X_test` (M, 3, 32, 32), bytes: red, green and blue, each in rows from the top; `y` (N,)
    and `y_test` (M,), the classes, from 0 on.
    """

    X: NDArray[np.uint8]
    y: NDArray[np.int64]
    X_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    name: str

    def __repr__(self) -> str:
        return f"ImageSet({self.name}: {len(self.y)} images to train on, {len(self.y_test)} to test on)"


def cifar10() -> ImageSet:
    """CIFAR-10: small photographs, 32 x 32, of ten kinds of things; 5,000 of each to train on, 1,000 to test on.

    In the published order, random. The classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship,
    truck. Reading takes 280 MB of memory, of which 184 stay.

    Downloaded at the first call, 170 MB, unless LESSONS_DATA names a folder with `cifar10/cifar-10-python.tar.gz`.

    Raises ValueError where LESSONS_DATA names no folder, DataMissing where it is not here and cannot be
    downloaded, FormatError for a file other than that published.

    Notebook: 12_sweet_spot. Source: A. Krizhevsky, Learning multiple layers of features from tiny images,
    technical report, University of Toronto, 2009, chapter 3.
    """
    return ImageSet(*_cifar.published(), name="CIFAR-10")


def cifar10_jpeg() -> ImageSet:
    """A copy of CIFAR-10 that is not CIFAR-10: each picture was a JPEG once, and they come in another order.

    The same pictures with the same classes in the same two parts; pixels are near the published ones, not equal to
    them. For machines to which 18 MB can be carried, and 170 cannot. What is measured on it is to be called by its
    name, "CIFAR-10 (JPEG copy)".

    It is not published, so it is never downloaded: LESSONS_DATA has to name a folder with
    `cifar10/cifar10-jpeg.bin`. Reading takes Pillow some seconds, and 210 MB of memory, of which 184 stay.

    Raises ValueError where LESSONS_DATA names no folder, DataMissing where it is unset or the file is not there,
    FormatError for another file, ImportError without Pillow.

    Notebook: 12_sweet_spot. Source: see `cifar10`.
    """
    return ImageSet(*_cifar.copied(), name="CIFAR-10 (JPEG copy)")
