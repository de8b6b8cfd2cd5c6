"""`Graph` and `as_graph`, sentence by sentence of their contract, against networkx, SciPy and plain Python."""

import copy
import multiprocessing
import pickle
import re
import subprocess
import sys
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from strategies import Case, cases, graphs

from lessons import Graph, _csr, as_graph
from lessons.errors import UnknownLabel
from lessons.graph import DENSE_LIMIT, check_dense

# "b" has two successors, one predecessor; "d" a loop; "e" nothing; not symmetric anywhere
ARROWS = Case(
    nodes=["d", "a", "c", "e", "b"],
    directed=True,
    edges=[("a", "b"), ("b", "c"), ("b", "d"), ("d", "d"), ("c", "d")],
    weights=[1.0, 2.0, 3.0, 4.0, 5.0],
)
FORMATS = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]


def arrows(weighted: bool = True) -> Graph:
    return as_graph(ARROWS.triples() if weighted else ARROWS.edges, nodes=ARROWS.nodes, directed=True)


def assert_canonical(graph: Graph) -> None:
    """What `Graph` promises of its arrays."""
    arrays = {"indptr": np.int64, "indices": np.int32, "weights": np.float64}
    for name, dtype in arrays.items():
        array = getattr(graph, name)
        if array is None:
            continue
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert not array.flags.writeable
    assert graph.indptr.shape == (graph.n + 1,)
    assert graph.indptr[0] == 0
    assert graph.indptr[-1] == len(graph.indices)
    for row in range(graph.n):
        targets = graph.indices[graph.indptr[row] : graph.indptr[row + 1]]
        assert (np.diff(targets) > 0).all()
    if not graph.directed:
        assert np.array_equal(graph.to_dense(), graph.to_dense().T)


def assert_says(graph: Graph, case: Case, parallel: str = "sum") -> None:
    """The graph is what the oracle says."""
    assert_canonical(graph)
    assert graph.nodes == tuple(case.nodes)
    assert graph.directed == case.directed
    wanted = case.merged(parallel)
    row = {label: i for i, label in enumerate(case.nodes)}
    assert graph.edges() == sorted(wanted, key=lambda edge: (row[edge[0]], row[edge[1]]))
    assert graph.by_edge(graph.edge_weights) == wanted
    if case.weights is None:
        assert (graph.weights is None) == all(weight == 1.0 for weight in wanted.values())
    else:
        assert (graph.weights is None) == (not case.edges)


# ------------------------------------------------------------------------------------------------ edge lists


@given(cases(), st.sampled_from(["sum", "min", "max"]))
def test_edge_list_against_the_oracle(case, parallel):
    graph = as_graph(case.triples(), nodes=case.nodes, directed=case.directed, parallel=parallel)
    assert_says(graph, case, parallel)


@pytest.mark.parametrize("make", [list, tuple, iter, lambda edges: (edge for edge in edges)])
@pytest.mark.parametrize("pair", [tuple, list, np.array])
def test_edge_lists_of_any_sequence(make, pair):
    edges = make([pair([0, 1]), pair([2, 1])])
    assert as_graph(edges, n=4).edges() == [(0, 1), (1, 2)]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_edge_lists_in_arrays(dtype, order):
    pairs = np.array([[3, 0], [0, 1], [3, 1]], dtype, order=order)
    assert as_graph(pairs, n=4, directed=True).edges() == [(0, 1), (3, 0), (3, 1)]
    labelled = as_graph(pairs, nodes=[3, 1, 0], directed=True)
    assert labelled.edges() == [(3, 1), (3, 0), (0, 1)]
    triples = np.column_stack([pairs, [5, 6, 7]]).astype(dtype)
    assert as_graph(triples, n=4, directed=True).by_edge([6, 5, 7]) == {(0, 1): 6, (3, 0): 5, (3, 1): 7}
    assert as_graph(triples, n=4, directed=True).edge_weights.tolist() == [6.0, 5.0, 7.0]


def test_both_ways_of_an_undirected_edge_are_parallel():
    edges = [(0, 1, 2.0), (1, 0, 5.0)]
    weights = {rule: as_graph(edges, n=2, parallel=rule).edge_weights.tolist() for rule in ("sum", "min", "max")}
    assert weights == {"sum": [7.0], "min": [2.0], "max": [5.0]}
    assert as_graph(edges, n=2, directed=True).edge_weights.tolist() == [2.0, 5.0]


def test_parallel_unweighted_edges_count_one_each():
    twice = [(0, 1), (1, 0), (1, 2)]
    assert as_graph(twice, n=3).edge_weights.tolist() == [2.0, 1.0]
    assert as_graph(twice, n=3, parallel="max").weights is None


def test_an_edge_list_is_undirected_unless_told():
    assert not as_graph([(0, 1)], n=2).directed
    assert not as_graph([(0, 1)], n=2, directed=False).directed
    assert as_graph([(0, 1)], n=2, directed=True).directed


@pytest.mark.parametrize("value", [3, 3.0, True, np.int8(3), np.float32(3), Fraction(6, 2)])
def test_weights_of_any_real_kind(value):
    assert as_graph([(0, 1, value)], n=2).edge_weights.tolist() == [float(value)]


# ------------------------------------------------------------------------------------------------ networkx


@given(cases(), st.booleans(), st.sampled_from(["sum", "min", "max"]))
def test_networkx_of_every_kind(case, multigraph, parallel):
    source = case.to_networkx(multigraph)
    before = copy.deepcopy((dict(source.nodes(data=True)), list(source.edges(data=True)), source.graph))
    graph = as_graph(source, parallel=parallel)
    if not multigraph:  # networkx kept the last of parallel edges, in the orientation of the first
        edges = list(source.edges(data="weight"))
        weights = None if case.weights is None else [weight for *_, weight in edges]
        case = Case(case.nodes, case.directed, [(u, v) for u, v, _ in edges], weights)
    assert_says(graph, case, parallel)
    assert (dict(source.nodes(data=True)), list(source.edges(data=True)), source.graph) == before
    again = graph.to_networkx()
    assert type(again) is (nx.DiGraph if case.directed else nx.Graph)
    assert as_graph(again) == graph


@given(cases(weighted=True))
def test_another_attribute_or_none(case):
    source = case.to_networkx()
    for *_, data in source.edges(data=True):
        data["cost"] = 2 * data["weight"]
    edges = list(source.edges)
    assert as_graph(source, weight=None).weights is None
    costs = as_graph(source, weight="cost")
    assert costs.edges() == as_graph(source).edges()
    if edges:
        assert costs.weights.tolist() == (2 * as_graph(source).weights).tolist()


def test_networkx_views():
    source = ARROWS.to_networkx()
    whole = as_graph(source)
    assert as_graph(source.copy(as_view=True)) == whole
    assert as_graph(source.reverse(copy=False)) == whole.reverse
    assert as_graph(nx.freeze(source.copy())) == whole
    part = nx.subgraph_view(source, filter_node=lambda label: label != "c")
    assert as_graph(part).edges() == [("d", "d"), ("a", "b"), ("b", "d")]
    undirected = as_graph(source.to_undirected(as_view=True))
    assert set(map(frozenset, undirected.edges())) == {frozenset(edge) for edge in ARROWS.edges}


def test_a_weight_missing_on_some_edges_names_one():
    source = nx.Graph([("a", "b", {"weight": 2.0}), ("b", "c")])
    with pytest.raises(ValueError, match=r"edge \('b', 'c'\) has no 'weight'"):
        as_graph(source)
    with pytest.raises(ValueError, match=r"edge \('b', 'c'\) has no weight"):
        as_graph([("a", "b", 2.0), ("b", "c")], nodes="abc")


# ------------------------------------------------------------------------------------------------ scipy


def asymmetric() -> np.ndarray:
    """A[i, j] is the edge i -> j."""
    return ARROWS_DENSE.copy()


ARROWS_DENSE = np.array(
    [[4, 0, 0, 0, 0], [0, 0, 0, 0, 1], [5, 0, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 2, 0, 0]], np.float64
)


def snapshot(matrix) -> list[tuple]:
    """All arrays of a sparse matrix with their flags, and its own notes on them."""
    if matrix.format in ("dok", "lil"):
        return [(str(matrix), matrix.dtype)]
    found = []
    for name in ("data", "indices", "indptr", "row", "col", "offsets"):
        array = getattr(matrix, name, None)
        if array is not None:
            found.append((name, id(array), array.tobytes(), array.dtype, array.flags.writeable))
    notes = {name: vars(matrix).get(name) for name in ("_has_sorted_indices", "_has_canonical_format")}
    return [*found, notes]


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.uint16, np.int64])
def test_every_scipy_format(form, kind, dtype):
    matrix = getattr(sp, f"{form}_{kind}")(asymmetric().astype(dtype))
    before = snapshot(matrix)
    for directed in (None, True):
        graph = as_graph(matrix, nodes=ARROWS.nodes, directed=directed)
        assert_canonical(graph)
        assert graph == arrows()
    assert snapshot(matrix) == before
    symmetric = asymmetric() + asymmetric().T
    for directed in (None, False):
        graph = as_graph(getattr(sp, f"{form}_{kind}")(symmetric.astype(dtype)), directed=directed)
        assert not graph.directed
        assert np.array_equal(graph.to_dense(), symmetric)
    assert as_graph(getattr(sp, f"{form}_{kind}")(symmetric.astype(dtype)), directed=True).m == 9


@pytest.mark.parametrize("form", FORMATS)
def test_a_matrix_of_booleans_is_unweighted(form):
    graph = as_graph(getattr(sp, f"{form}_array")(asymmetric() != 0), nodes=ARROWS.nodes)
    assert graph == arrows(weighted=False)
    assert graph.weights is None


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("form", ["csr", "csc"])
def test_unsorted_with_duplicates_in_compressed_rows(form, index):
    if form == "csr":
        data, indices, indptr = [1, 2, 4, 16, 8], [2, 0, 2, 2, 1], [0, 3, 5, 5]
    else:
        data, indices, indptr = [2, 8, 16, 1, 4], [0, 1, 1, 0, 0], [0, 1, 2, 5]
    arrays = (np.array(data, np.int8), np.array(indices, index), np.array(indptr, index))
    matrix = getattr(sp, f"{form}_array")(arrays, shape=(3, 3))
    matrix.indices, matrix.indptr = arrays[1], arrays[2]  # the constructor may have made them int32
    before = snapshot(matrix)
    coo = sp.coo_array((np.array([1, 2, 4, 8, 16], np.int8), ([0, 0, 0, 1, 1], [2, 0, 2, 1, 2])), shape=(3, 3))
    for source in (matrix, coo):
        for parallel, merged in (("sum", 5.0), ("min", 1.0), ("max", 4.0)):
            graph = as_graph(source, parallel=parallel)
            assert_canonical(graph)
            wanted = {(0, 0): 2.0, (0, 2): merged, (1, 1): 8.0, (1, 2): 16.0}
            assert graph.by_edge(graph.edge_weights) == wanted
        with pytest.raises(ValueError, match=r"edge \('x', 'z'\) is there more than once"):
            as_graph(source, nodes="xyz", parallel="error")
    assert snapshot(matrix) == before


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_small_integers_do_not_overflow_when_summed(form):
    rows, columns = np.array([0, 0, 1]), np.array([1, 1, 0])
    coo = sp.coo_array((np.array([100, 100, 127], np.int8), (rows, columns)), shape=(2, 2))
    if form == "coo":
        matrix = coo
    else:
        data, indices = np.array([100, 100, 127], np.int8), np.array([1, 1, 0])
        data, indptr = (data, [0, 2, 3]) if form == "csr" else (data[[2, 0, 1]], [0, 1, 3])
        indices = indices if form == "csr" else np.array([1, 0, 0])
        matrix = getattr(sp, f"{form}_array")((data, indices, indptr), shape=(2, 2))
    assert as_graph(matrix).to_dense().tolist() == [[0.0, 200.0], [127.0, 0.0]]


@given(cases(directed=True, weighted=True), st.sampled_from(["csr", "csc", "coo", "lil", "dok"]), st.booleans())
def test_any_matrix(case, form, kept_zeros):
    n = len(case.nodes)
    row = {label: i for i, label in enumerate(case.nodes)}
    ends = np.array([(row[u], row[v]) for u, v in case.edges], np.int64).reshape(-1, 2)
    coo = sp.coo_array((np.array(case.weights), (ends[:, 0], ends[:, 1])), shape=(n, n))
    if form in ("lil", "dok") or not kept_zeros:
        coo.sum_duplicates()
    graph = as_graph(coo.asformat(form), nodes=case.nodes, directed=True)
    wanted = case.merged()
    dense = np.zeros((n, n))
    for (u, v), weight in wanted.items():
        dense[row[u], row[v]] = weight
    assert np.array_equal(graph.to_dense(), dense)
    if form in ("csr", "csc", "coo"):  # stored zeros are edges
        assert graph.by_edge(graph.edge_weights) == wanted
    back = graph.to_scipy()
    assert isinstance(back, sp.csr_array)
    assert np.array_equal(back.toarray(), dense)
    assert as_graph(back, nodes=case.nodes, directed=True) == graph


def test_a_stored_zero_is_an_edge():
    for form in ("csr", "csc", "coo"):
        coo = sp.coo_array(([0.0, 0.0, 2.0], ([0, 1, 2], [1, 0, 2])), shape=(3, 3))
        graph = as_graph(coo.asformat(form))
        assert graph.edges() == [(0, 1), (2, 2)]
        assert graph.edge_weights.tolist() == [0.0, 2.0]
    assert as_graph([(0, 1, 0)], n=2).m == 1
    assert as_graph(nx.Graph([(0, 1, {"weight": 0})])).edge_weights.tolist() == [0.0]


@pytest.mark.parametrize(("form", "m"), [("dia", 2), ("bsr", 2)])
def test_padding_is_no_edge(form, m):
    matrix = sp.csr_array(np.array([[0, 3, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 7.0]])).asformat(form)
    if form == "bsr":
        matrix = matrix.tobsr(blocksize=(2, 2))
    assert as_graph(matrix).m == m


def test_symmetric_up_to_rounding():
    rng = np.random.default_rng(7)
    adjacency = (rng.random((40, 40)) < 0.2).astype(float)
    adjacency = np.triu(adjacency, 1) + np.triu(adjacency, 1).T
    scale = 1 / np.sqrt(adjacency.sum(axis=1) + 1)
    normalized = (scale[:, None] * adjacency) * scale  # D^-1/2 A D^-1/2, each product rounded on its own
    rounded = normalized * (1 + 1e-15 * rng.standard_normal((40, 40)))
    assert not np.array_equal(rounded, rounded.T)
    graph = as_graph(sp.csr_array(rounded))
    assert not graph.directed
    assert np.array_equal(graph.to_dense(), np.triu(rounded) + np.triu(rounded, 1).T)


def test_a_difference_that_is_no_rounding_is_a_direction():
    weights = np.array([[0, 1.0], [1.0 + 1e-9, 0]])
    graph = as_graph(sp.csr_array(weights))
    assert graph.directed
    assert np.array_equal(graph.to_dense(), weights)
    with pytest.raises(ValueError, match=r"A\[0, 1\] = 1 is not A\[1, 0\]"):
        as_graph(sp.csr_array(weights), directed=False)


def test_the_weights_of_a_directed_graph_stay_to_the_last_digit():
    """One arc makes the graph directed; another pair is symmetric but for rounding."""
    weights = np.array([[0, 0.1 + 0.2, 0], [0.3, 0, 0], [0, 5.0, 0]])
    assert np.array_equal(as_graph(sp.csr_array(weights)).to_dense(), weights)


def test_the_error_names_an_arc_that_is_not_symmetric():
    weights = np.array([[0, 0, 0], [0, 0, 1.0], [7.0, 1.0, 0]])  # 1 - 2 is symmetric, 2 -> 0 is not
    with pytest.raises(ValueError, match=re.escape("A[2, 0] = 7 is not A[0, 2]")):
        as_graph(sp.csr_array(weights), directed=False)


@pytest.mark.parametrize("form", FORMATS)
def test_matrices_without_nodes_or_edges(form):
    make = getattr(sp, f"{form}_array")
    for n in (1, 4):
        graph = as_graph(make((n, n)))
        assert (graph.n, graph.m, graph.directed, graph.weights) == (n, 0, False, None)
    if form not in ("dia", "bsr"):
        assert as_graph(make((0, 0))).n == 0


@pytest.mark.parametrize(
    ("indices", "indptr"), [([1, 9], [0, 1, 2]), ([1, -1], [0, 1, 2]), ([1, 0], [0, 3, 2]), ([1, 0], [0, -5, 2])]
)
@pytest.mark.parametrize("directed", [None, True])
@pytest.mark.parametrize("parallel", ["sum", "max"])
def test_a_broken_matrix_is_refused(indices, indptr, directed, parallel):
    matrix = sp.csr_array(np.array([[0, 1.0], [1.0, 0]]))
    matrix.indices[:] = indices
    matrix.indptr[:] = indptr
    with pytest.raises(ValueError, match=r"ind|pointer"):
        as_graph(matrix, directed=directed, parallel=parallel)


# ------------------------------------------------------------------------------------------------ untouched


def test_later_changes_of_the_source_change_nothing():
    weights = asymmetric()
    for form in ("csr", "csc", "coo"):
        matrix = sp.csr_array(weights).asformat(form)
        for nodes in (None, ARROWS.nodes):
            graph = as_graph(matrix, nodes=nodes)
            kept = copy.deepcopy(graph)
            matrix.data[:] = 99
            assert graph == kept
            matrix = sp.csr_array(weights).asformat(form)
    pairs = np.array([[0, 1, 3], [1, 2, 4]])
    graph, labels = as_graph(pairs, n=3), ["a", "b"]
    named = as_graph([("a", "b")], nodes=labels)
    pairs[:] = 0
    labels[0] = "z"
    assert graph.edges() == [(0, 1), (1, 2)]
    assert graph.edge_weights.tolist() == [3.0, 4.0]
    assert named.nodes == ("a", "b")


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_csr_arrays_are_the_callers_own(dtype, index):
    """Where the types are already ours, nothing may be shared."""
    matrix = sp.csr_array(asymmetric().astype(dtype))
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    graph = as_graph(matrix)
    for mine in (graph.indptr, graph.indices, graph.weights):
        for theirs in (matrix.data, matrix.indices, matrix.indptr):
            assert not np.shares_memory(mine, theirs)
    out = graph.to_scipy()
    out.data[:], out.indices[:], out.indptr[:] = 9, 0, 0
    assert graph == as_graph(matrix)


def test_read_only_sources_are_read():
    matrix = sp.csr_array(asymmetric())
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    pairs = np.array([[0, 1], [1, 2]])
    pairs.flags.writeable = False
    assert as_graph(matrix, nodes=ARROWS.nodes) == arrows()
    assert as_graph(pairs, n=3).m == 2


# ------------------------------------------------------------------------------------------------ labels


@given(cases())
def test_labels_and_rows(case):
    graph = as_graph(case.triples(), nodes=case.nodes, directed=case.directed)
    assert graph.n == len(case.nodes)
    for row, label in enumerate(case.nodes):
        assert graph.index(label) == row
    assert graph.by_node(np.arange(graph.n)) == {label: row for row, label in enumerate(case.nodes)}
    assert list(graph.by_node(range(graph.n))) == case.nodes


def test_an_integer_is_a_label_never_a_row():
    graph = as_graph([(2, 0), (0, 1)], nodes=[2, 0, 1], directed=True)
    assert graph.index(2) == 0
    assert graph.neighbors(2) == [0]
    assert graph.neighbors(0) == [1]
    with pytest.raises(UnknownLabel, match="no node 3"):
        as_graph([(10, 20)], nodes=[10, 20, 30]).index(3)


@pytest.mark.parametrize("nodes", [None, "abc"])
def test_an_unknown_label_is_a_key_error_that_names_the_nearest(nodes):
    graph = as_graph([], n=3) if nodes is None else as_graph([], nodes=nodes)
    nearest = "2" if nodes is None else "'c'"
    for call in (graph.index, graph.neighbors, graph.predecessors):
        with pytest.raises(KeyError, match=f"no node {'9' if nodes is None else repr('cc')}.*{nearest}"):
            call(9 if nodes is None else "cc")
    for wrong in (-1, 3, 1.5, "x", None, (0, 1), ["a"], {0}):
        with pytest.raises(UnknownLabel, match=re.escape(f"no node {wrong!r}")):
            graph.index(wrong)


def test_numpy_integers_name_plain_nodes():
    graph = as_graph([(np.int64(0), np.int32(1))], n=2)
    assert graph.index(np.int8(1)) == 1
    assert type(graph.index(np.int8(1))) is int
    assert all(type(label) is int for label in graph.nodes)


def test_answers_as_dictionaries():
    graph = arrows()
    scores = np.arange(10).reshape(5, 2)
    assert {label: row.tolist() for label, row in graph.by_node(scores).items()} == {
        label: [2 * row, 2 * row + 1] for row, label in enumerate(ARROWS.nodes)
    }
    assert graph.by_edge(graph.edge_weights) == dict(zip(ARROWS.edges, ARROWS.weights, strict=True))
    assert graph.by_node(["u", "v", "w", "x", "y"])["a"] == "v"
    for values in (np.arange(4), np.arange(6), 3.0, np.zeros((1, 5))):
        with pytest.raises(ValueError, match=re.escape(f"{np.shape(values)} for 5 nodes")):
            graph.by_node(values)
        with pytest.raises(ValueError, match=re.escape(f"{np.shape(values)} for 5 edges")):
            graph.by_edge(values)


# ------------------------------------------------------------------------------------------------ edges and arcs


@given(graphs())
def test_edges_arcs_and_both_directions(graph):
    rows = graph.edge_rows
    assert rows.shape == (graph.m, 2)
    assert rows.dtype == np.int32
    assert graph.edges() == [(graph.nodes[u], graph.nodes[v]) for u, v in rows]
    assert graph.directed or (rows[:, 0] <= rows[:, 1]).all()
    arcs = list(zip(graph.sources.tolist(), graph.indices.tolist(), strict=True))
    assert arcs == sorted(arcs)
    # edge ids: the edge of each arc, whichever way round it is
    for (u, v), edge in zip(arcs, graph.edge_ids.tolist(), strict=True):
        assert rows[edge].tolist() == ([u, v] if graph.directed else sorted([u, v]))
    given_ = np.ones(len(arcs)) if graph.weights is None else graph.weights
    assert graph.edge_weights[graph.edge_ids].tolist() == given_.tolist()
    # reverse
    back = graph.reverse
    assert back.nodes == graph.nodes
    assert np.array_equal(back.to_dense(), graph.to_dense().T)
    assert_canonical(back)
    assert back.reverse == graph
    turned = list(zip(back.indices.tolist(), back.sources.tolist(), strict=True))
    assert [arcs[arc] for arc in graph.reverse_order] == turned
    for array in (rows, graph.sources, graph.edge_ids, graph.edge_weights, graph.reverse_order):
        assert not array.flags.writeable


@given(cases(), st.booleans())
def test_neighbours_and_degrees_as_networkx_has_them(case, weighted):
    source = case.to_networkx()
    graph = as_graph(source, weight="weight" if weighted else None)
    oracle = dict(source.degree())
    assert graph.by_node(graph.degrees()) == oracle
    directed = source.is_directed()
    assert graph.by_node(graph.out_degrees()) == (dict(source.out_degree()) if directed else oracle)
    assert graph.by_node(graph.in_degrees()) == (dict(source.in_degree()) if directed else oracle)
    for degrees in (graph.degrees(), graph.out_degrees(), graph.in_degrees()):
        assert degrees.dtype == np.int64
        assert degrees.shape == (graph.n,)
    order = graph.index
    for label in case.nodes:
        before = source.predecessors(label) if directed else source.neighbors(label)
        assert graph.neighbors(label) == sorted(source.neighbors(label), key=order)
        assert graph.predecessors(label) == sorted(before, key=order)


def test_rows_are_sources():
    graph = arrows()
    assert graph.neighbors("b") == ["d", "c"]
    assert graph.predecessors("b") == ["a"]
    assert graph.predecessors("d") == ["d", "c", "b"]
    assert graph.by_node(graph.out_degrees()) == {"d": 1, "a": 1, "c": 1, "e": 0, "b": 2}
    assert graph.by_node(graph.in_degrees()) == {"d": 3, "a": 0, "c": 1, "e": 0, "b": 1}
    assert np.array_equal(graph.to_dense(), ARROWS_DENSE)
    assert np.array_equal(graph.to_scipy().toarray(), ARROWS_DENSE)
    messages = graph.to_scipy().T @ np.eye(5)[graph.index("a")]  # what "a" says arrives at "b"
    assert graph.by_node(messages) == {"d": 0, "a": 0, "c": 0, "e": 0, "b": 1}


def test_what_is_kept_is_computed_once():
    graph = arrows()
    for name in ("nodes", "sources", "edge_rows", "edge_ids", "edge_weights", "reverse_order", "reverse"):
        assert getattr(graph, name) is getattr(graph, name)
    undirected = graph.to_undirected()
    assert undirected.reverse is undirected


def test_a_topic_keeps_what_it_has_computed_with_the_graph():
    graph, calls = arrows(), []
    first = graph.kept("an array", lambda: calls.append("once") or np.ones(3))
    assert graph.kept("an array", lambda: calls.append("again")) is first
    assert calls == ["once"]
    assert not first.flags.writeable
    assert pickle.loads(pickle.dumps(graph)).kept("an array", lambda: "computed anew") == "computed anew"


@given(cases(directed=True), st.sampled_from(["sum", "min", "max"]))
def test_to_undirected(case, parallel):
    """Parallel edges were merged by the same rule before, so that both ways round merge as one."""
    graph = as_graph(case.triples(), nodes=case.nodes, directed=True, parallel=parallel)
    both = Case(case.nodes, False, case.edges, case.weights)
    merged = graph.to_undirected(parallel)
    assert_canonical(merged)
    assert merged.nodes == graph.nodes
    assert merged.by_edge(merged.edge_weights) == both.merged(parallel)
    assert merged.to_undirected() is merged


def test_to_undirected_refuses_what_it_was_told_to_refuse():
    graph = as_graph([("a", "b"), ("b", "a")], nodes="ab", directed=True)
    with pytest.raises(ValueError, match=r"edge \('a', 'b'\) is there more than once"):
        graph.to_undirected("error")
    with pytest.raises(ValueError, match="parallel='mean'"):
        graph.to_undirected("mean")


@given(graphs())
def test_to_other_forms(graph):
    dense = graph.to_dense()
    assert dense.flags.writeable
    assert np.array_equal(graph.to_scipy().toarray(), dense)
    assert graph.to_scipy().nnz == len(graph.indices)
    assert as_graph(graph.to_networkx()) == graph
    matrix = nx.to_numpy_array(graph.to_networkx(), nodelist=graph.nodes) if graph.n else np.zeros((0, 0))
    assert np.array_equal(matrix, dense)


# ------------------------------------------------------------------------------------------------ special graphs


@pytest.mark.parametrize("directed", [False, True])
def test_small_and_special_graphs(directed):
    def make(edges, n):
        graph = as_graph(edges, n=n, directed=directed)
        assert_canonical(graph)
        return graph, (graph.n, graph.m, len(graph.indices), graph.degrees().tolist())

    ways = 1 if directed else 2
    assert make([], 0)[1] == (0, 0, 0, [])
    assert make([], 1)[1] == (1, 0, 0, [0])
    assert make([(0, 0)], 1)[1] == (1, 1, 1, [2])
    assert make([(0, 1)], 2)[1] == (2, 1, ways, [1, 1])
    assert make([(3, 1)], 5)[1] == (5, 1, ways, [0, 1, 0, 1, 0])
    assert make([(0, 1), (2, 3), (3, 3)], 4)[1] == (4, 3, 2 * ways + 1, [1, 1, 1, 3])
    complete, told = make([(u, v) for u in range(6) for v in range(u)], 6)
    assert told == (6, 15, 15 * ways, [5] * 6)
    assert complete.reverse.m == 15
    for method in ("edges", "degrees", "in_degrees", "out_degrees", "to_networkx", "to_scipy", "to_dense"):
        getattr(make([], 0)[0], method)()


# ------------------------------------------------------------------------------------------------ as a value


@given(graphs())
def test_pickling(graph):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(graph, protocol))
        assert again == graph
        assert hash(again) == hash(graph)
        assert_canonical(again)
    assert copy.copy(graph) == graph
    assert copy.deepcopy(graph) == graph


def test_pickling_into_a_spawned_process():
    graph = arrows()
    assert graph.reverse.m == 5  # what is kept stays at home
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(repr, (graph,)) == repr(graph)
        assert pool.apply(copy.copy, (graph,)) == graph


def test_equality_is_by_value():
    graph = arrows()
    assert graph == arrows()
    assert hash(graph) == hash(arrows())
    assert {graph: 1}[arrows()] == 1
    reordered = as_graph(ARROWS.triples(), nodes=sorted(ARROWS.nodes), directed=True)
    heavier = as_graph([*ARROWS.triples()[:-1], ("c", "d", 6.0)], nodes=ARROWS.nodes, directed=True)
    other_edge = as_graph([*ARROWS.triples()[:-1], ("c", "a", 5.0)], nodes=ARROWS.nodes, directed=True)
    more = as_graph(ARROWS.triples(), nodes=[*ARROWS.nodes, "z"], directed=True)
    plain = as_graph(graph.edge_rows, n=5, directed=True)
    for other in (reordered, heavier, other_edge, more, plain, arrows(weighted=False), graph.to_undirected()):
        assert graph != other
    assert graph != "graph"
    assert as_graph([(0, 1), (1, 0)], n=2, directed=True) != as_graph([(0, 1)], n=2)
    assert as_graph([("a", "b")], nodes="ab") != as_graph([("a", "c")], nodes="ac")
    assert as_graph([("a", "b")], nodes="ab") != as_graph([(0, 1)], n=2)
    assert as_graph([(0, 1)], n=2) == as_graph([(0, 1)], nodes=[0, 1])
    ones = as_graph([(0, 1, 1.0)], n=2)
    assert ones != as_graph([(0, 1)], n=2)  # told to weigh 1, and told nothing


def test_a_graph_cannot_be_changed():
    graph = arrows()
    for name in ("n", "weights", "indices", "nodes", "m", "anything"):
        with pytest.raises(AttributeError, match=f"as_graph instead of setting '{name}'"):
            setattr(graph, name, 3)
    with pytest.raises(AttributeError, match="'n' stays"):
        del graph.n
    for array in (graph.indptr, graph.indices, graph.weights, graph.edge_rows, graph.reverse.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_repr_is_short_and_has_no_address():
    assert repr(arrows()) == "Graph(n=5, m=5, directed, weighted)"
    assert repr(as_graph([(0, 1)], n=2)) == "Graph(n=2, m=1, undirected)"
    assert len(repr(as_graph([], n=10**6))) < 60


# ------------------------------------------------------------------------------------------------ the door


class Plan:
    """Something of the reader's own that knows its graph."""

    def __init__(self, graph: object) -> None:
        self.graph = graph

    def to_graph(self) -> object:
        return self.graph


def test_a_graph_comes_through_as_it_is():
    graph = arrows()
    assert as_graph(graph) is graph
    assert as_graph(graph, directed=True) is graph
    assert as_graph(Plan(graph)) is graph
    with pytest.raises(TypeError, match=r"Plan\.to_graph\(\) gave a list"):
        as_graph(Plan([(0, 1)]))
    with pytest.raises(TypeError, match="no graph can be made of a type"):
        as_graph(Plan, n=2)


@pytest.mark.parametrize("make", [lambda graph: graph, Plan, lambda graph: graph.to_networkx()])
def test_the_other_kind_of_graph_is_an_error_that_says_what_to_do(make):
    with pytest.raises(ValueError, match=r"to_undirected\(\)"):
        as_graph(make(arrows()), directed=False)
    with pytest.raises(ValueError, match="directed=True"):
        as_graph(make(arrows().to_undirected()), directed=True)


@pytest.mark.parametrize("source", [ARROWS.to_networkx(), arrows(), sp.csr_array(asymmetric())])
def test_what_has_its_nodes_takes_no_n(source):
    with pytest.raises(ValueError, match="n="):
        as_graph(source, n=5)


@pytest.mark.parametrize("source", [None, 3, 2.5, "ab", b"ab", {}, {0: [1]}, object(), int])
def test_what_is_no_graph_is_a_type_error(source):
    with pytest.raises(TypeError, match=f"no graph can be made of a {type(source).__name__}"):
        as_graph(source, n=3)


@pytest.mark.parametrize(
    ("source", "options", "error", "said"),
    [
        ([(0, 1)], {}, ValueError, r"needs as_graph\(edges, n=\.\.\.\).* nodes="),
        ([(0, 1)], {"n": 2, "nodes": [0, 1]}, ValueError, "not both"),
        ([(0, 1)], {"n": -1}, ValueError, "n=-1"),
        ([(0, 1)], {"n": 10**12}, ValueError, "n=1000000000000"),
        ([(0, 1)], {"n": 2.0}, TypeError, r"n=2\.0"),
        ([(0, 1)], {"n": True}, TypeError, "n=True"),
        ([(0, 1)], {"n": "2"}, TypeError, "n='2'"),
        ([("a", "b")], {"nodes": ["a", "b", "a"]}, ValueError, "'a' is there twice"),
        ([(0, 1)], {"n": 2, "parallel": "mean"}, ValueError, "parallel='mean'"),
        ([(0, 5)], {"n": 2}, UnknownLabel, "no node 5.*is 1"),
        ([(0, -1)], {"n": 2}, UnknownLabel, "no node -1.*is 0"),
        ([(0, float("nan"))], {"n": 2}, UnknownLabel, "no node nan"),
        ([("a", "z")], {"nodes": "abc"}, UnknownLabel, "no node 'z'"),
        ([(0, 1), (1,)], {"n": 2}, ValueError, r"\(1,\) is no edge"),
        ([(0, 1, 2, 3)], {"n": 2}, ValueError, r"\(0, 1, 2, 3\) is no edge"),
        ([[0, 1], 7], {"n": 2}, ValueError, "7 is no edge"),
        (["ab"], {"nodes": "ab"}, ValueError, "'ab' is no edge"),
        ([{0, 1}], {"n": 2}, ValueError, r"\{0, 1\} is no edge"),
        ([(0, 1, float("nan"))], {"n": 2}, ValueError, r"weight nan of edge \(0, 1\)"),
        ([(0, 1, float("-inf"))], {"n": 2}, ValueError, r"weight -inf of edge \(0, 1\)"),
        ([(0, 1, 1j)], {"n": 2}, TypeError, r"edge \(0, 1\) has weight 1j"),
        ([(0, 1, "heavy")], {"n": 2}, TypeError, r"edge \(0, 1\) has weight 'heavy'"),
        ([(0, 1, None)], {"n": 2}, TypeError, r"edge \(0, 1\) has weight None"),
        ([(0, 1, 10**400)], {"n": 2}, ValueError, r"edge \(0, 1\)"),
        ([(0, 1, 1e308), (1, 0, 1e308)], {"n": 2}, ValueError, r"weight inf of edge \(0, 1\)"),
        ([(0, 1), (1, 0)], {"n": 2, "parallel": "error"}, ValueError, r"edge \(0, 1\) is there more than once"),
        (np.array([[0, 5]]), {"n": 2}, UnknownLabel, "no node 5.*is 1"),
        (np.array([[0, -1]]), {"n": 2}, UnknownLabel, "no node -1"),
        (np.array([[0, 2**63]], np.uint64), {"n": 2}, UnknownLabel, "no node 9223372036854775808"),
        (np.array([[0, 7]]), {"nodes": [0, 1]}, UnknownLabel, "no node 7"),
        (np.array([[0, 0.5]]), {"n": 2}, ValueError, r"0\.5.* is no node"),
        (np.array([[0, np.nan]]), {"n": 2}, ValueError, "nan.* is no node"),
        (np.array([[0, np.inf]]), {"n": 2}, ValueError, "inf.* is no node"),
        (np.array([[0, 1e300]]), {"n": 2}, ValueError, r"1e\+300.* is no node"),
        (np.array([[0, 1, np.inf]]), {"n": 2}, ValueError, r"weight inf of edge \(0, 1\)"),
        (np.array([[0, 1j]]), {"n": 2}, TypeError, "complex128"),
        (np.array([["a", "b"]]), {"nodes": "ab"}, TypeError, "<U1"),
        (np.array([[0, None]]), {"n": 2}, TypeError, "object"),
        (np.zeros((2, 4)), {"n": 2}, TypeError, r"\(2, 4\)"),
        (np.zeros(3), {"n": 2}, TypeError, r"\(3,\)"),
        (nx.Graph([(0, 1, {"weight": "x"})]), {}, TypeError, r"edge \(0, 1\) has weight 'x'"),
        (nx.Graph([(0, 1, {"weight": np.nan})]), {}, ValueError, r"weight nan of edge \(0, 1\)"),
        (nx.Graph([(0, 1)]), {"nodes": [0, 1]}, ValueError, "nodes="),
        (nx.MultiGraph([(0, 1), (0, 1)]), {"parallel": "error"}, ValueError, r"edge \(0, 1\)"),
        (sp.csr_array((2, 3)), {}, ValueError, r"\(2, 3\)"),
        (sp.csr_array([[0, 1j], [1j, 0]]), {}, TypeError, "complex128"),
        (sp.csr_array([[0, np.nan], [1, 0]]), {}, ValueError, "weight nan"),
        (sp.csr_array([[0, np.inf], [1, 0]]), {"directed": True}, ValueError, "weight inf"),
        (sp.coo_array([[0, np.inf], [1, 0]]), {"parallel": "max"}, ValueError, "weight inf"),
        (sp.csr_array((2, 2)), {"nodes": "abc"}, ValueError, "3 labels for a matrix of 2"),
        (sp.csr_array((2, 2)), {"nodes": "aa"}, ValueError, "'a' is there twice"),
        (sp.csr_array([[0, 1], [0, 0]]), {"directed": False}, ValueError, r"A\[0, 1\] = 1 is not A\[1, 0\]"),
        (
            sp.coo_array(([1.0, 1.0], ([0, 0], [1, 1])), shape=(2, 2)),
            {"parallel": "error"},
            ValueError,
            r"\(0, 1\)",
        ),
    ],
)
def test_bad_input_gets_an_error_with_the_value(source, options, error, said):
    with pytest.raises(error, match=said) as caught:
        as_graph(source, **options)
    assert "np." not in str(caught.value)


def test_a_dense_array_is_told_the_sparse_way():
    with pytest.raises(TypeError, match=r"csr_array\(A\)"):
        as_graph(np.eye(5), n=5)


def test_a_square_array_without_n_may_be_meant_as_a_matrix():
    with pytest.raises(ValueError, match=r"an edge list needs .*csr_array\(A\)$"):
        as_graph(np.eye(3))
    with pytest.raises(ValueError, match=r"and not both$"):
        as_graph(np.array([[0, 1], [1, 2], [2, 0]]))


def test_points_are_told_how_they_become_a_graph():
    with pytest.raises(ValueError, match=r"neighbour_graph\(points, k\)$"):
        as_graph(np.random.default_rng(0).random((5, 2)))


def test_a_pair_that_was_not_unpacked_is_told_so():
    with pytest.raises(TypeError, match=r"unpack it, as in graph, other = "):
        as_graph((as_graph([(0, 1)], n=2), np.zeros(2)))


@pytest.mark.parametrize("edges", [[(0, 1), (2, 3)], np.array([[0, 1], [2, 3]])])
def test_an_end_beyond_n_is_told_what_n_means(edges):
    with pytest.raises(
        UnknownLabel, match=r"no node 3; the nearest is 2\. n=3 means the nodes 0 \.\.\. 2; .* nodes="
    ):
        as_graph(edges, n=3)


def test_an_edge_where_n_is_zero():
    with pytest.raises(UnknownLabel, match=r"no node 0: there are none\. n=0 means that there are no nodes"):
        as_graph([(0, 0)], n=0)


def test_an_attribute_that_no_edge_has_is_named():
    graph = nx.path_graph(3)
    nx.set_edge_attributes(graph, 2.0, "cost")
    with pytest.raises(ValueError, match="no edge has 'csot'"):
        as_graph(graph, weight="csot")
    assert as_graph(graph, weight="cost").edge_weights.tolist() == [2.0, 2.0]
    assert as_graph(graph).weights is None
    assert as_graph(nx.empty_graph(2), weight="cost").m == 0


@pytest.mark.parametrize("nodes", [None, [2, 1, 0]])
def test_a_whole_float_is_the_label_that_it_equals(nodes):
    graph = as_graph([(0.0, 2)], nodes=nodes, n=None if nodes else 3)
    assert graph.index(2.0) == graph.index(2)
    for wrong in (1.5, float("inf"), float("nan"), 3.0, -1.0):
        with pytest.raises(UnknownLabel):
            graph.index(wrong)


def test_quadratic_work_is_refused_unless_forced():
    graph = as_graph([(0, 1)], n=DENSE_LIMIT + 1)
    with pytest.raises(ValueError, match=r"5,001 nodes .* 0\.2 GiB; use to_scipy\(\)"):
        graph.to_dense()
    with pytest.raises(ValueError, match="use svds"):
        check_dense(DENSE_LIMIT + 1, force=False, instead="svds")
    assert graph.to_dense(force=True).shape == (5001, 5001)
    assert as_graph([], n=DENSE_LIMIT).to_dense().shape == (5000, 5000)


@pytest.mark.parametrize("n", [1, 3, 1000])
def test_counting_sorts_arcs_as_comparing_does(n, monkeypatch):
    codes = np.random.default_rng(n).integers(0, n * n, 500)
    compared = _csr._order(codes, n)
    monkeypatch.setattr(_csr, "COUNTED_FROM", 0)
    assert np.array_equal(_csr._order(codes, n), compared), "both are stable, so there is one answer"


# ------------------------------------------------------------------------------------------------ at scale

MEASURE = """
import sys
import numpy as np, scipy.sparse as sp
from lessons import as_graph

def memory(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024

def circulant(n, steps):
    columns = np.sort((np.arange(n, dtype=np.int32)[:, None] + np.array(steps, np.int32)) % n, axis=1)
    indptr = np.arange(n + 1, dtype=np.int32) * len(steps)
    return sp.csr_array((np.full(columns.size, 0.5), columns.ravel(), indptr), shape=(n, n))

n, rng = 1_000_000, np.random.default_rng(7)
steps = rng.choice(np.arange(1, n // 2), 10, replace=False).tolist()
if sys.argv[1] == "directed":
    source = circulant(n, steps)
elif sys.argv[1] == "undirected":
    source = circulant(n, steps + [n - step for step in steps])
else:
    ends = rng.integers(0, n, (2, 10_000_000))
    ends[:, -1000:] = ends[:, :1000]
    if sys.argv[1] == "duplicates, undirected":
        ends = np.concatenate([ends, ends[::-1]], axis=1)
    source = sp.coo_array((np.full(ends.shape[1], 0.5), (ends[0], ends[1])), shape=(n, n))
    source.coords = tuple(end.astype(np.int64) for end in source.coords)  # the constructor makes them int32
    del ends
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak of making the input
before = memory("VmRSS")
graph = as_graph(source)
print(graph.n, graph.m, graph.directed, memory("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory from /proc")
@pytest.mark.parametrize(
    ("kind", "edges"),
    [
        ("directed", 10_000_000),
        ("undirected", 10_000_000),
        ("duplicates, directed", 9_998_000),
        ("duplicates, undirected", 9_998_000),
    ],
)
def test_a_million_nodes_and_ten_million_edges_in_500_mb_above_the_input(kind, edges):
    run = subprocess.run([sys.executable, "-c", MEASURE, kind], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    n, m, directed, megabytes = run.stdout.split()
    print(f"{kind}: {megabytes} MB above the input")
    assert n == "1000000"
    assert int(m) == edges or ("duplicates" in kind and edges - 1000 < int(m) < 10_000_000)
    assert directed == str("undirected" not in kind)
    assert float(megabytes) < 500
