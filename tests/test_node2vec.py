"""Node2Vec against skip-gram over all its walks at once; its manners against scikit-learn's."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from strategies import graphs

from lessons import Graph, as_graph
from lessons import node2vec as module
from lessons import skip_gram as training
from lessons.errors import UnknownLabel
from lessons.node2vec import Node2Vec, load_vectors, random_walks, skip_gram

Vectors = NDArray[np.float32]

SMALL = {"dimensions": 6, "length": 8, "walks_per_node": 3, "window": 3}
KARATE = as_graph(nx.karate_club_graph())
NAMES = as_graph(
    [("anna", "bert"), ("bert", "carl"), ("carl", "anna"), ("dora", "bert")],
    nodes=["dora", "carl", "bert", "anna"],
)


def starts_of(graph: Graph, model: Node2Vec, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[int]]]:
    """(round, rows) of the walks that a fit asks for, in turn."""
    asked = []
    walker = module.walker

    def spying(*args: object, **options: object) -> object:
        walk = walker(*args, **options)

        def spied(rows: NDArray[np.int32], i: int, length: int) -> NDArray[np.int32]:
            asked.append((i, rows.tolist()))
            return walk(rows, i, length)

        return spied

    with monkeypatch.context() as patch:
        patch.setattr(module, "walker", spying)
        model.fit(graph)
    return asked


# ------------------------------------------------------------------------------------------------ what is learned


@pytest.mark.parametrize("epochs", [1, 2])
def test_vectors_are_those_of_skip_gram_over_walks_from_shuffled_starts(
    monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    options = {"dimensions": 6, "window": 3, "negatives": 2, "epochs": epochs, "rate": 0.1, "seed": 5}
    model = Node2Vec(length=8, walks_per_node=3, p=0.25, q=4, **options)
    asked, n = starts_of(KARATE, model, monkeypatch), KARATE.n
    assert [i for i, _ in asked] == [0, 1, 2] * (1 + epochs)  # once to count, then to learn
    assert asked[:3] * (1 + epochs) == asked
    assert all(sorted(rows) == list(range(n)) for _, rows in asked)
    assert len({tuple(rows) for _, rows in asked} | {tuple(range(n))}) == 4
    walks = random_walks(KARATE, 8, walks_per_node=3, p=0.25, q=4, seed=5)
    ordered = np.concatenate([walks[i * n : (i + 1) * n][rows] for i, rows in asked[:3]])
    expected = skip_gram(ordered, n, **options)
    assert model.vectors_.tobytes() == expected.vectors.tobytes()
    assert model.contexts_.tobytes() == expected.contexts.tobytes()
    assert model.nodes_ == KARATE.nodes


def test_starts_are_shuffled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order of three starts comes as often, over many rounds."""
    model = Node2Vec(dimensions=1, length=2, window=1, walks_per_node=300, seed=100)
    asked = starts_of(as_graph(nx.path_graph(3)), model, monkeypatch)[:300]
    _, counts = np.unique([rows for _, rows in asked], axis=0, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 50) ** 2 / 50).sum() < 25.7  # chi-squared, 5 degrees of freedom: a chance of 1e-4


@pytest.mark.parametrize("compiled_from", [0, 10**9])
@given(
    graph=graphs(weight=st.integers(0, 8).map(float)).filter(lambda graph: graph.n > 0), chunk=st.integers(1, 200)
)
def test_chunks_of_any_size_give_the_same_bits(compiled_from: int, graph: Graph, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "COMPILED_FROM", compiled_from)
        whole = Node2Vec(**SMALL, q=0.5, epochs=2).fit(graph)
        patch.setattr(module, "CHUNK", chunk)
        parts = Node2Vec(**SMALL, q=0.5, epochs=2).fit(graph)
    assert (whole.vectors_.shape, whole.vectors_.dtype) == ((graph.n, 6), np.float32)
    assert np.isfinite(whole.vectors_).all()
    assert parts.vectors_.tobytes() == whole.vectors_.tobytes()
    assert parts.contexts_.tobytes() == whole.contexts_.tobytes()


def test_no_more_walks_are_held_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 100)
    asked = starts_of(KARATE, Node2Vec(**SMALL), monkeypatch)
    assert max(len(rows) for _, rows in asked) * 8 <= 100
    assert [row for _, rows in asked[: len(asked) // 2] for row in sorted(rows)].count(0) == 3


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_nodes_of_one_clique_lie_nearest(threads: int, seed: int) -> None:
    graph = nx.ring_of_cliques(8, 6)
    settings = {"dimensions": 16, "length": 40, "walks_per_node": 20, "window": 5, "rate": 0.05, "epochs": 3}
    vectors = Node2Vec(**settings, q=0.5, seed=seed, threads=threads).fit_transform(graph)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = unit @ unit.T
    np.fill_diagonal(near, -1)
    groups = np.arange(48) // 6
    assert (groups[np.argsort(-near, axis=1)[:, :5]] == groups[:, None]).mean() > 0.9


def test_seeds_decide() -> None:
    found = [Node2Vec(**SMALL, seed=seed).fit_transform(KARATE) for seed in (1, 1, 2, None, None)]
    assert (found[0] == found[1]).all()
    assert len({vectors.tobytes() for vectors in found}) == 4
    rng = np.random.default_rng(1)
    model = Node2Vec(**SMALL, seed=rng)
    first, again = model.fit(KARATE).vectors_, model.fit(KARATE).vectors_
    assert (first != again).any()  # the generator has moved on
    assert (Node2Vec(**SMALL, seed=np.random.default_rng(1)).fit(KARATE).vectors_ == first).all()


def test_a_node_without_edges_keeps_a_short_vector() -> None:
    graph = as_graph(nx.disjoint_union(nx.complete_graph(5), nx.empty_graph(2)))
    model = Node2Vec(dimensions=8, length=20, window=4, rate=0.2).fit(graph)
    lengths = np.linalg.norm(model.vectors_, axis=1)
    assert lengths[5:].max() < 1 / 8 * np.sqrt(8) < lengths[:5].min()  # each number starts within 1/8


# ------------------------------------------------------------------------------------------------ its manners


def test_nodes_are_asked_for_by_label() -> None:
    model = Node2Vec(**SMALL)
    assert model.fit(NAMES) is model
    assert model.nodes_ == ("dora", "carl", "bert", "anna")
    assert (model.transform(["anna", "dora", "anna"]) == model.vectors_[[3, 0, 3]]).all()
    assert (model.transform(iter(NAMES.nodes)) == model.fit_transform(NAMES)).all()
    assert model.transform([]).shape == (0, 6)
    for label, nearest in [("ana", "anna"), ("Bert", "bert")]:
        with pytest.raises(UnknownLabel, match=f"no node '{label}'; the nearest is '{nearest}'"):
            model.transform(["carl", label])
    with pytest.raises(UnknownLabel, match="no node 0"):  # a row is no label
        model.transform([0])
    numbers = Node2Vec(**SMALL).fit(as_graph([(10, 0), (0, 7)], nodes=[10, 0, 7]))
    assert (numbers.transform([0, 7, 10]) == numbers.vectors_[[1, 2, 0]]).all()
    with pytest.raises(UnknownLabel, match="no node 2; the nearest is 0"):
        numbers.transform([2])
    plain = Node2Vec(**SMALL).fit(KARATE)
    with pytest.raises(KeyError, match="no node 34; the nearest is 33"):
        plain.transform([34])


def test_graphs_of_other_libraries_are_read_and_left_alone() -> None:
    peer = nx.karate_club_graph()
    before = pickle.dumps((dict(peer.nodes), list(peer.edges(data=True))))
    model = Node2Vec(**SMALL).fit(peer)
    assert pickle.dumps((dict(peer.nodes), list(peer.edges(data=True)))) == before
    weights = KARATE.weights.copy()
    matrix = csr_array(nx.to_scipy_sparse_array(peer))
    for graph in (KARATE, matrix):
        assert (Node2Vec(**SMALL).fit_transform(graph) == model.vectors_).all()
    assert (KARATE.weights == weights).all()


def test_before_it_is_fitted_it_says_so(tmp_path: Path) -> None:
    for call in (lambda model: model.transform(["a"]), lambda model: model.save(tmp_path / "vectors.txt")):
        with pytest.raises(RuntimeError, match=re.escape("call fit(graph) first")):
            call(Node2Vec())
    assert not list(tmp_path.iterdir())


def test_parameters_are_those_of_scikit_learn() -> None:
    settings = {**SMALL, "p": 0.25, "q": 4.0, "negatives": 7, "epochs": 2, "rate": 0.1, "seed": 3, "threads": 2}
    model = Node2Vec(**settings, progress=False).fit(KARATE)
    assert model.get_params() == {**settings, "progress": False} == model.get_params(deep=False)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    assert not hasattr(fresh, "vectors_")
    assert fresh.set_params(p=2, seed=9) is fresh
    assert (fresh.p, fresh.seed, model.p, model.seed) == (2, 9, 0.25, 3)
    with pytest.raises(ValueError, match="'walks' is no parameter of Node2Vec: dimensions, length"):
        fresh.set_params(walks=3)
    assert eval(repr(model)).get_params() == model.get_params()
    assert repr(Node2Vec()) == "Node2Vec()"
    with pytest.raises(TypeError):
        Node2Vec(128)  # type: ignore[misc]


@pytest.mark.parametrize(
    "name", ["dimensions", "length", "walks_per_node", "p", "q", "window", "negatives", "epochs", "rate", "seed"]
)
def test_each_parameter_counts(name: str) -> None:
    other = {
        "dimensions": 5,
        "length": 9,
        "walks_per_node": 4,
        "window": 2,
        "negatives": 4,
        "epochs": 2,
        "rate": 0.1,
    }
    other |= {"p": 0.01, "q": 0.01, "seed": 1}
    changed = Node2Vec(**SMALL).set_params(**{name: other[name]}).fit(KARATE)
    plain = Node2Vec(**SMALL).fit(KARATE)
    assert changed.vectors_.shape != plain.vectors_.shape or (changed.vectors_ != plain.vectors_).any()


def test_it_survives_pickling() -> None:
    model = Node2Vec(**SMALL, seed=4)
    assert pickle.loads(pickle.dumps(model)).get_params() == model.get_params()
    model.fit(NAMES)
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.transform(["carl", "anna"]) == model.transform(["carl", "anna"])).all()
    assert (copy.contexts_ == model.contexts_).all()
    assert (copy.fit_transform(KARATE) == Node2Vec(**SMALL, seed=4).fit_transform(KARATE)).all()


def test_vectors_are_saved_with_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    model = Node2Vec(**SMALL).fit(NAMES)
    model.save(path)
    labels, vectors = load_vectors(path)
    assert tuple(labels) == model.nodes_
    assert vectors.tobytes() == model.vectors_.tobytes()
    with pytest.raises(ValueError, match="'1'"):
        Node2Vec(**SMALL).fit(as_graph([(1, "1")], nodes=[1, "1"])).save(path)
    assert load_vectors(path)[0] == labels


def test_a_bar_is_shown_where_asked_or_where_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = 34 * 3 * 8 * 2

    def shown(progress: bool | None) -> str:
        Node2Vec(**SMALL, progress=progress).fit(KARATE)
        out, err = capsys.readouterr()
        assert not out
        return err

    assert shown(None) == shown(False) == ""
    assert re.search(r"node2vec: 100%.*1\.63k/1\.63k", shown(True))
    monkeypatch.setattr(module, "LONG", steps + 1)
    assert shown(None) == ""
    monkeypatch.setattr(module, "LONG", steps)
    assert "node2vec: 100%" in shown(None)
    assert shown(False) == ""


def test_what_is_asked_of_a_graph_and_of_numbers() -> None:
    with pytest.raises(ValueError, match="the graph has no nodes"):
        Node2Vec().fit(as_graph([], n=0))
    with pytest.raises(ValueError, match=r"\(0, 1\) has weight -1.0: a random walk needs weights >= 0"):
        Node2Vec().fit(as_graph([(0, 1, -1.0)], n=2))
    with pytest.raises(ValueError, match="window=10 reaches beyond walks of 10 nodes: at most 9"):
        Node2Vec(length=10).fit(KARATE)
    for name in ("dimensions", "length", "walks_per_node", "window", "negatives", "epochs", "threads"):
        with pytest.raises(ValueError, match=f"{name}=0: at least 1"):
            Node2Vec(**{name: 0}).fit(KARATE)
        with pytest.raises(TypeError, match=rf"{name}=1\.5"):
            Node2Vec(**{name: 1.5}).fit(KARATE)
    for name in ("p", "q", "rate"):
        for value in (0, -1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match=f"{name}={value!r}"):
                Node2Vec(**{name: value}).fit(KARATE)
        with pytest.raises(TypeError, match=f"{name}='1'"):
            Node2Vec(**{name: "1"}).fit(KARATE)
    with pytest.raises(ValueError, match=r"rate=1e\+30 is too high"):
        Node2Vec(**SMALL, rate=1e30).fit(KARATE)
    with pytest.raises(ValueError, match="seed=-1"):
        Node2Vec(seed=-1).fit(KARATE)


def test_a_fit_that_fails_leaves_the_model_as_it_was() -> None:
    model = Node2Vec(**SMALL).fit(NAMES)
    before = model.vectors_.copy()
    with pytest.raises(ValueError, match="too high"):
        model.set_params(rate=1e30).fit(KARATE)  # seen at the end only
    assert (model.transform(NAMES.nodes) == before).all()


def test_what_the_door_offers() -> None:
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert callable(getattr(module, name))


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, graph: model.fit(graph).transform("ab"),
        lambda model, graph: random_walks(graph, 3, starts="ab"),
    ],
)
def test_one_label_is_no_list_of_labels(ask) -> None:
    graph = as_graph([("ab", "c")], nodes=["ab", "c"])
    with pytest.raises(TypeError, match=r"'ab': a list of labels is needed, \['ab'\] for one"):
        ask(Node2Vec(dimensions=2, length=3, window=1), graph)
