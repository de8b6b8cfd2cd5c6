"""C and L of many graphs against networkx's, against every path and triple, and all speeds against each other."""

from __future__ import annotations

import pickle
from collections.abc import Hashable
from itertools import combinations
from math import inf

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from speeds import both_speeds, chooser, each_speed

import lessons.compiled.graph_measures as kernels
from lessons import Graph, as_graph
from lessons import graph_measures as module
from lessons.graph_measures import Measures, adjacency_words, batch_measures, measures_definition
from lessons.small_world import average_path_length, clustering

choose = chooser(kernels, module)
speed = each_speed(choose)
at_both_speeds = both_speeds(choose)

Words = NDArray[np.uint64]

CLOSE = 1e-13  # a mean of shares, added in another order


@st.composite
def worlds(draw: st.DrawFn, n: int | None = None, most: int = 70, loops: bool = True) -> Graph:
    """Up to `most` nodes, labels shuffled: sparse or dense, in pieces or whole, with loops and weights or not."""
    size = draw(st.one_of(st.integers(0, 9), st.integers(0, most))) if n is None else n
    share = draw(st.sampled_from([0.0, 0.02, 0.06, 0.15, 0.4, 0.8, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    joined = np.triu(rng.random((size, size)) < share, 0 if loops else 1)
    ends = np.argwhere(joined)
    labels = [f"v{i}" for i in rng.permutation(size)]
    weights = rng.integers(-3, 4, len(ends)).astype(float) if draw(st.booleans()) else None
    edges: list[tuple] = [(labels[u], labels[v]) for u, v in ends]
    if weights is not None:
        edges = [(*edge, weight) for edge, weight in zip(edges, weights.tolist(), strict=True)]
    return as_graph(edges, nodes=labels)


def known(graph: Graph) -> tuple[float, float]:
    """C and L, those of networkx without weights and self-loops."""
    peer = nx.Graph(graph.to_networkx().edges)
    peer.add_nodes_from(graph.nodes)
    peer.remove_edges_from(list(nx.selfloop_edges(peer)))
    C = nx.average_clustering(peer) if graph.n else 0.0
    if graph.n < 2:
        return C, 0.0
    return C, nx.average_shortest_path_length(peer) if nx.is_connected(peer) else inf


def by_hand(graph: Graph) -> tuple[float, float]:
    """C and L from all triples of nodes, and from all walks of 1, 2, 3, ... steps."""
    n = graph.n
    A = np.zeros((n, n), np.int64)
    A[graph.sources, graph.indices] = 1
    np.fill_diagonal(A, 0)
    shares = []
    for u in range(n):
        pairs = [A[v, w] for v, w in combinations(np.flatnonzero(A[u]), 2)]
        shares.append(sum(pairs) / len(pairs) if pairs else 0.0)
    reached, total, steps = np.eye(n, dtype=bool), 0, 0
    while not reached.all():
        further = reached | (reached @ A > 0)
        if (further == reached).all():
            return float(np.mean(shares)), inf
        steps += 1
        total += steps * int(further.sum() - reached.sum())
        reached = further
    return float(np.mean(shares)) if n else 0.0, total / (n * (n - 1)) if n > 1 else 0.0


def agree(found: Measures, graphs: list[Graph]) -> None:
    """The answer has the type it should, and the values that networkx has."""
    assert isinstance(found, Measures)
    C, L = found
    for values in (C, L):
        assert (values.shape, values.dtype, values.flags.writeable) == ((len(graphs),), np.float64, True)
    wanted = [known(graph) for graph in graphs]
    assert C.tolist() == pytest.approx([c for c, _ in wanted], rel=CLOSE, abs=0)
    assert L.tolist() == [far for _, far in wanted]  # a whole number over another: rounded once


def packed(graph: Graph) -> list[int]:
    """Bit j of word i: whether there is an edge between the nodes of rows i and j; of a self-loop, i = j."""
    return [sum(1 << graph.index(v) for v in graph.neighbors(u)) for u in graph.nodes]


def ring(n: int, *steps: int) -> Graph:
    return as_graph(nx.circulant_graph(n, steps or (1,)))


# ------------------------------------------------------------------------------------------------ the measures


@given(st.lists(worlds(), max_size=6))
@example([])
@example([as_graph([], n=0), as_graph([], n=1), as_graph([(0, 0)], n=1), as_graph([], n=2)])
@example([ring(64), ring(63), ring(65), ring(128), ring(2), ring(3)])
def test_measures_are_those_of_networkx(graphs: list[Graph]) -> None:
    """Mixed sizes in one call, from no node at all to more than a word has bits."""
    for found in at_both_speeds(lambda: batch_measures(graphs)):
        agree(found, graphs)


@given(worlds(most=20))
def test_measures_are_what_they_say(graph: Graph) -> None:
    """The definition counts no self-loop either."""
    wanted = by_hand(graph)
    assert known(graph) == pytest.approx(wanted, rel=CLOSE, abs=0)  # the oracle of all other tests
    assert measures_definition(packed(graph)) == pytest.approx(wanted, rel=CLOSE, abs=0)
    for C, L in at_both_speeds(lambda: batch_measures([graph])):
        assert (float(C[0]), float(L[0])) == pytest.approx(wanted, rel=CLOSE, abs=0)


@pytest.mark.parametrize("n", [1, 2, 3, 32, 33, 63, 64, 65, 129])
def test_sizes_around_whole_words(n: int, speed: str) -> None:
    rng = np.random.default_rng(n)
    graphs = [as_graph(nx.path_graph(n)), as_graph(nx.star_graph(n - 1)), as_graph(nx.complete_graph(n))]
    assert [measures_definition(packed(graph)) for graph in graphs[:2]] == [known(graph) for graph in graphs[:2]]
    graphs += [as_graph([], n=n), as_graph([(0, n - 1)], n=n), as_graph([(n - 1, n - 1)], n=n)]
    for share in (0.03, 0.1, 0.9):
        joined = np.triu(rng.random((n, n)) < share, 1)
        graphs.append(as_graph(np.argwhere(joined), n=n))
        graphs.append(as_graph(np.argwhere(joined)[1:], n=n))
    agree(batch_measures(graphs), graphs)


def test_known_worlds(speed: str) -> None:
    complete, line, star = nx.complete_graph(64), nx.path_graph(64), nx.star_graph(63)
    lattice = nx.circulant_graph(64, range(1, 5))  # Watts and Strogatz: C = 3 (k - 2) / (4 (k - 1)), k = 8
    cliques = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(4))
    C, L = batch_measures([complete, line, star, lattice, cliques, nx.petersen_graph()])
    assert C.tolist() == pytest.approx([1, 0, 0, 18 / 28, 1, 0], rel=CLOSE)
    assert L.tolist() == [1, 65 / 3, (2 * 63 + 63 * 62 * 2) / (64 * 63), sum_of_ring(64, 8) / 63, inf, 15 / 9]


def sum_of_ring(n: int, k: int) -> int:
    """Of a lattice of degree k, the distances from one node to all others."""
    return sum(-(-min(far, n - far) // (k // 2)) for far in range(1, n))


def test_where_neighbours_cannot_be_joined_C_counts_0(speed: str) -> None:
    kite = as_graph([(0, 1), (1, 2), (2, 0), (2, 3)], n=5)  # 3 has one neighbour, 4 none
    C, L = batch_measures([kite])
    assert float(C[0]) == pytest.approx((1 + 1 + 1 / 3) / 5, rel=CLOSE)
    assert L.tolist() == [inf]


def test_one_missing_edge_makes_L_infinite(speed: str) -> None:
    """Wherever the part lies that is cut off: in the first rows, in the last."""
    for n in (10, 64, 65, 100):
        for cut in (1, n // 2, n - 1):
            edges = [*combinations(range(cut), 2), *combinations(range(cut, n), 2)]
            whole = [*edges, (cut - 1, cut)]
            C, L = batch_measures([as_graph(edges, n=n), as_graph(whole, n=n)])
            assert L[0] == inf
            assert 1 <= L[1] < 3
            assert C[1] > 0


@pytest.mark.parametrize("n", [5, 64, 70])
def test_the_longest_path_there_is(n: int, speed: str) -> None:
    """n - 1 levels; rows shuffled, so that no order of rows is one of levels."""
    order = np.random.default_rng(n).permutation(n)
    line = as_graph(np.column_stack([order[:-1], order[1:]]), n=n)
    C, L = batch_measures([line])
    assert (C.tolist(), L.tolist()) == ([0.0], [(n + 1) / 3])


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_does_not_matter(graph: Graph, random: object) -> None:
    nodes = list(graph.nodes)
    random.shuffle(nodes)  # type: ignore[attr-defined]
    other = as_graph(graph.edges(), nodes=nodes)
    for C, L in at_both_speeds(lambda: batch_measures([graph, other])):
        assert C[0] == pytest.approx(C[1], rel=CLOSE, abs=0)
        assert L[0] == L[1]


@given(worlds(loops=False))
def test_weights_and_self_loops_do_not_count(graph: Graph) -> None:
    plain = as_graph(graph.edges(), nodes=graph.nodes)
    loops = as_graph([*graph.edges(), *((u, u) for u in graph.nodes)], nodes=graph.nodes)
    zeros = as_graph([(*edge, 0.0) for edge in graph.edges()], nodes=graph.nodes)
    for C, L in at_both_speeds(lambda: batch_measures([plain, loops, zeros, graph])):
        assert len(set(C.tolist())) == len(set(L.tolist())) == 1


@pytest.mark.parametrize("n", [3, 40, 64, 90])
def test_small_worlds_as_measured_one_at_a_time(n: int, speed: str) -> None:
    graphs = [as_graph(nx.connected_watts_strogatz_graph(n, 2 + 2 * (n > 5), p, seed=n)) for p in (0.0, 0.1, 1.0)]
    C, L = batch_measures(graphs)
    assert C.tolist() == pytest.approx([clustering(graph).mean() for graph in graphs], rel=CLOSE)
    assert L.tolist() == [average_path_length(graph) for graph in graphs]


# ------------------------------------------------------------------------------------------------ many in a call


def test_each_graph_has_its_own_answer(speed: str) -> None:
    """As many as are worked on side by side, more, and fewer: the same as one at a time, in their order."""
    rng = np.random.default_rng(3)
    graphs = []
    for _ in range(150):
        n = int(rng.integers(0, 24))
        graphs.append(as_graph(np.argwhere(np.triu(rng.random((n, n)) < rng.random(), 1)), n=n))
    alone = [batch_measures([graph]) for graph in graphs]
    for count in (150, 149, 65, 64, 63, 9, 8, 7, 1):
        C, L = batch_measures(graphs[:count])
        assert C.tolist() == [float(one.C[0]) for one in alone[:count]]
        assert L.tolist() == [float(one.L[0]) for one in alone[:count]]
    agree(batch_measures(graphs), graphs)


def test_large_work_is_compiled_small_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(module, "compiled", lambda room, *, when: asked.append((room, when)))
    monkeypatch.setattr(module, "COMPILED_FROM", 12)
    for graphs in ([ring(6), ring(6)], [ring(6), ring(5)]):
        batch_measures(graphs)
    batch_measures(adjacency_words([ring(4)] * 3))
    batch_measures([ring(5), ring(90)])  # not by words
    room = "graph_measures"
    assert asked == [(room, True)] * 2 + [(room, False)] * 2 + [(room, True)] * 2 + [(room, False)] * 2


def test_no_graphs_no_measures(speed: str) -> None:
    for nothing in ([], (), *(np.zeros((0, n), np.uint64) for n in (0, 5, 64))):
        C, L = batch_measures(nothing)
        assert C.shape == L.shape == (0,)
        assert C.dtype == L.dtype == np.float64


def test_anything_that_is_a_graph_is_read(speed: str) -> None:
    peer = nx.Graph([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])
    graph = as_graph(peer)
    matrix = sp.csr_array(graph.to_dense())

    class Holder:
        def to_graph(self) -> Graph:
            return graph

    found = batch_measures([peer, graph, matrix, Holder(), nx.MultiGraph([(0, 1), (0, 1), (1, 0)])])
    assert found.C.tolist() == pytest.approx([7 / 12] * 4 + [0], rel=CLOSE)
    assert found.L.tolist() == [4 / 3] * 4 + [1]
    again = batch_measures(iter_of := (graph, graph))
    assert again.L.tolist() == [4 / 3] * len(iter_of)


def test_measures_have_names_and_can_be_sent() -> None:
    found = batch_measures([ring(5)])
    assert found._fields == ("C", "L")
    again = pickle.loads(pickle.dumps(found))
    assert (again.C.tolist(), again.L.tolist()) == (found.C.tolist(), found.L.tolist()) == ([0.0], [1.5])


@given(st.lists(worlds(most=20), min_size=1, max_size=3))
def test_graphs_are_left_alone(graphs: list[Graph]) -> None:
    before, edges = [hash(graph) for graph in graphs], [graph.edges() for graph in graphs]
    peers = [graph.to_networkx() for graph in graphs]
    peer_edges = [sorted(map(repr, peer.edges(data=True))) for peer in peers]
    for _ in at_both_speeds(lambda: (batch_measures(graphs), batch_measures(peers))):
        assert [hash(graph) for graph in graphs] == before
        assert [graph.edges() for graph in graphs] == edges
        assert [sorted(map(repr, peer.edges(data=True))) for peer in peers] == peer_edges


# ------------------------------------------------------------------------------------------------ words


@given(st.integers(0, 64).flatmap(lambda n: st.lists(worlds(n), min_size=1, max_size=4)))
def test_words_are_rows_of_bits(graphs: list[Graph]) -> None:
    n = graphs[0].n
    for words in at_both_speeds(lambda: adjacency_words(graphs)):
        assert (words.shape, words.dtype) == ((len(graphs), n), np.uint64)
        assert words.tolist() == [packed(graph) for graph in graphs]


@given(st.integers(0, 64).flatmap(lambda n: st.lists(worlds(n), min_size=1, max_size=4)))
def test_words_are_measured_as_graphs_are(graphs: list[Graph]) -> None:
    words = np.array([packed(graph) for graph in graphs], np.uint64).reshape(len(graphs), graphs[0].n)
    before = words.copy()
    words.flags.writeable = False
    wanted = batch_measures(graphs)
    for found in at_both_speeds(lambda: batch_measures(words)):
        assert found.C.tolist() == pytest.approx(wanted.C.tolist(), rel=CLOSE, abs=0)
        assert found.L.tolist() == wanted.L.tolist()
        assert (words == before).all()


def test_words_need_not_lie_in_a_row(speed: str) -> None:
    words = adjacency_words([ring(20, 1, step) for step in (2, 3, 4, 5, 6, 7)])
    L = batch_measures(words).L.tolist()
    assert len(set(L)) > 2
    assert batch_measures(words[::-2]).L.tolist() == L[::-2]
    assert batch_measures(np.asfortranarray(words)).L.tolist() == L


def test_the_last_bit_of_64(speed: str) -> None:
    words = adjacency_words([nx.star_graph(63), nx.complete_graph(64)])
    assert words[0].tolist() == [2**64 - 2] + [1] * 63
    assert words[1].tolist() == [2**64 - 1 - 2**i for i in range(64)]


def test_self_loops_in_words_do_not_count(speed: str) -> None:
    words = adjacency_words([ring(9, 1, 2)])
    loops = words | (np.uint64(1) << np.arange(9, dtype=np.uint64))
    assert batch_measures(loops).C.tolist() == batch_measures(words).C.tolist()
    assert batch_measures(loops).L.tolist() == batch_measures(words).L.tolist()
    assert batch_measures(np.array([[1]], np.uint64)).L.tolist() == [0.0]


# ------------------------------------------------------------------------------------------------ at the door


def test_a_directed_graph_is_refused() -> None:
    arcs = as_graph([(0, 1), (1, 2)], n=3, directed=True)
    mutual = as_graph([(0, 1), (1, 0)], n=2, directed=True)
    for graph in (arcs, mutual, nx.DiGraph([(0, 1)]), sp.csr_array([[0.0, 1.0], [0.0, 0.0]])):
        for call in (batch_measures, adjacency_words):
            with pytest.raises(ValueError, match=r"to_undirected\(\)"):
                call([ring(2), graph])
    assert batch_measures([arcs.to_undirected()]).L.tolist() == [4 / 3]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (np.zeros((2, 3), np.int64), TypeError, "int64"),
        (np.zeros((2, 3)), TypeError, "float64"),
        (np.zeros((2, 3), np.uint32), TypeError, "uint32"),
        (np.zeros((2, 3), np.bool_), TypeError, "bool"),
        (np.zeros(3, np.uint64), ValueError, r"\(3,\)"),
        (np.zeros((2, 3, 3), np.uint64), ValueError, r"\(2, 3, 3\)"),
        (np.zeros((2, 65), np.uint64), ValueError, r"65"),
    ],
)
def test_words_of_another_kind_are_refused(words: np.ndarray, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        batch_measures(words)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([2, 0, 0, 0], "graph 1"),  # 0 is joined to 1, and 1 not to 0
        ([0, 0, 0, 1], "graph 1"),
        ([2, 1, 8, 20], "graph 1"),  # bit 4 of 4 nodes
        ([2**63, 0, 0, 0], "graph 1"),
    ],
)
def test_words_that_are_no_undirected_graph_are_named(row: list[int], said: str, speed: str) -> None:
    good = [2, 5, 10, 4]
    assert batch_measures(np.array([good, good], np.uint64)).L.tolist() == [5 / 3] * 2
    with pytest.raises(ValueError, match=said):
        batch_measures(np.array([good, row, good], np.uint64))


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (ring(5), r"Graph\(n=5, m=5, undirected\)"),
        (nx.cycle_graph(5), "a Graph of networkx"),
        (nx.empty_graph(0), "a Graph of networkx"),
        (nx.path_graph(3, nx.DiGraph), "a DiGraph of networkx"),
        (sp.csr_array(np.ones((3, 3))), "a csr_array of scipy"),
    ],
    ids=str,
)
def test_one_graph_is_not_many(one: object, told: str) -> None:
    for call in (batch_measures, adjacency_words):
        with pytest.raises(TypeError, match=rf"^one graph, {told}: .*\[graph\]$"):
            call(one)


@pytest.mark.parametrize("wrong", [5, None, "graphs"])
def test_what_is_no_graph_is_refused(wrong: Hashable) -> None:
    with pytest.raises(TypeError):
        batch_measures(wrong)
    with pytest.raises(TypeError):
        batch_measures([ring(3), wrong])


def test_words_are_of_one_size_and_not_more_than_64() -> None:
    with pytest.raises(ValueError, match=r"5.*6|6.*5"):
        adjacency_words([ring(5), ring(6)])
    with pytest.raises(ValueError, match="65"):
        adjacency_words([ring(65)])
    assert adjacency_words([]).shape == (0, 0)
