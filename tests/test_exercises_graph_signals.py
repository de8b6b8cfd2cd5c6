"""The exercises of notebook 07: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

import functools
from fractions import Fraction
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from exercised import Topic, code_of

import lessons.exercises as machinery
from lessons import as_graph
from lessons.datasets import grid_graph, path_graph, ring_graph
from lessons.exercises import check
from lessons.exercises import graph_signals as module
from lessons.exercises.graph_signals import (
    PAW,
    RESPONSES,
    SIGNALS,
    CountedMatrix,
    chebyshev_sum,
    filtered,
    heat_by_steps,
    same_basis,
    slow_chebyshev,
)
from lessons.graph_signals import FourierBasis, filter_chebyshev, filter_exact, fourier_basis
from lessons.laplacian_regularization import dirichlet_energy, laplacian, laplacian_definition

TOPIC = Topic("graph_signals")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
STAR = [(0, k) for k in range(1, 9)]


pytestmark = pytest.mark.usefixtures("first_attempt")


# ------------------------------------------------------------------------------ each one is sound


# by the name of a wrong answer, a word of the property that it must fail first
FAILS = {
    "_no_way_back": "everything is let through",
    "_both_ways_the_same": "everything is let through",
    "_without_the_mean": "everything is let through",
    "_turned_round": "one frequency comes back",
    "_on_the_nodes": "one frequency comes back",
    "_of_the_amounts": "one frequency comes back",
    "_largest_first": "one frequency comes back",
    "_shares_twice": "one frequency comes back",
    "_as_a_whole": "each frequency in a signal",
    "_shares_along_columns": "each column is filtered",
    "_first_for_all": "each column is filtered",
    "_all_in_one": "of the shape of X",
    "_written_into": "left as they were",
    "_entry_by_entry": "only signs",
    "_without_signs": "another frequency",
    "_all_columns_at_once": "another frequency",
    "_first_entry_positive": "rotated",
    "_largest_entry_positive": "rotated",
    "_column_by_column": "rotated",
    "_exactly_equal": "rotated",
    "_only_no_leaks": "of length 1",
    "_only_the_span": "of length 1",
    "_only_the_matrix": "of length 1",
    "_half_the_first": "one coefficient",
    "_starts_with_x_twice": "two coefficients",
    "_the_two_from_the_start": "two coefficients",
    "_not_shifted": "two coefficients",
    "_not_stretched": "two coefficients",
    "_shifted_by_a_half": "two coefficients",
    "_shifted_by_one": "two coefficients",
    "_without_the_two": "from T_2 on",
    "_plus_before": "from T_2 on",
    "_before_lost": "from T_2 on",
    "_powers": "from T_2 on",
    "_last_first": "two coefficients",
    "_last_forgotten": "two coefficients",
    "_all_parts": "one signal",
    "_added_into_x": "left as they were",
    "slow_chebyshev": "once for each coefficient",
    "_each_from_the_start": "once for each coefficient",
    "_as_a_table": "once for each coefficient",
    "_through_eigenvectors": "once for each coefficient",
}


@pytest.mark.parametrize("name", FAILS)
def test_each_mistake_fails_on_the_property_that_it_breaks(name):
    assert FAILS[name] in TOPIC.failed_by(getattr(module, name))


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys)


# ------------------------------------------------------------------------------ other answers


def column_after_column(lam, U, X, response):
    columns = X.T if X.ndim == 2 else [X]
    found = [sum(response(lam[k]) * (U[:, k] @ x) * U[:, k] for k in range(len(lam))) for x in columns]
    return np.transpose(found) if X.ndim == 2 else found[0]


def through_a_matrix(lam, U, X, response):
    return U @ np.diag(response(lam)) @ U.T @ X


def in_plain_lists(lam, U, X, response):
    n, share = len(lam), list(response(lam))
    G = [[sum(U[i, k] * share[k] * U[j, k] for k in range(n)) for j in range(n)] for i in range(n)]
    if X.ndim == 1:
        return [sum(G[i][j] * X[j] for j in range(n)) for i in range(n)]
    return [[sum(G[i][j] * X[j, d] for j in range(n)) for d in range(X.shape[1])] for i in range(n)]


def by_solving(lam, U, X, response):
    return U @ (response(lam) * scipy.linalg.solve(U, X).T).T


def by_the_library(lam, U, X, response):
    return filter_exact(FourierBasis(lam, U), X, response)


def in_single_precision(lam, U, X, response):
    return filtered(lam, U, X, response).astype(np.float32)


def by_blocks_of_products(lam, U, V):
    W = U.T @ V
    equal = abs(lam[:, None] - lam) < 1e-9
    return bool(np.all(equal | (abs(W) < 1e-9)) and np.allclose(W @ W.T, np.eye(len(lam))))


def by_groups(lam, U, V):
    starts = np.flatnonzero(np.diff(lam) > 1e-6) + 1
    pairs = zip(np.split(U, starts, axis=1), np.split(V, starts, axis=1), strict=True)
    return all(np.linalg.norm(B @ B.T - C @ C.T) < 1e-6 for B, C in pairs)


def by_two_filters(lam, U, V):
    """A basis gives the same filter whatever it is: here one response that tells all frequencies apart."""
    matrices = [(W * np.cos(lam)) @ W.T for W in (U, V)]
    return np.allclose(*matrices) and np.allclose(V.T @ V, np.eye(len(lam)))


def by_angles(lam, U, V):
    if not np.allclose(V.T @ V, np.eye(len(V))):
        return False
    blocks = [np.isclose(lam, value, atol=1e-6) for value in np.unique(np.round(lam, 6))]
    return all(np.max(scipy.linalg.subspace_angles(U[:, here], V[:, here])) < 1e-6 for here in blocks)


def rounded_places(lam, U, V):
    places = {}
    for k, value in enumerate(lam.tolist()):
        places.setdefault(round(value, 8) + 0.0, []).append(k)
    for here in places.values():
        for i in range(len(U)):
            for j in range(len(U)):
                if abs(sum(U[i, k] * U[j, k] - V[i, k] * V[j, k] for k in here)) > 1e-8:
                    return False
    return True


def in_the_library_s_way(L, x, c, lam_max):
    """One product more at the end than is needed: as many as there are coefficients."""

    def M(T):
        return 2 / lam_max * (L @ T) - T

    before, now = x, M(x)
    y = c[0] * before
    for c_j in c[1:]:
        y = y + c_j * now
        before, now = now, 2 * M(now) - before
    return y


def with_a_memory(L, x, c, lam_max):
    @functools.cache
    def T(j):
        if j == 0:
            return x
        y = 2 / lam_max * (L @ T(j - 1)) - T(j - 1)
        return y if j == 1 else 2 * y - T(j - 2)

    return sum(c_j * T(j) for j, c_j in enumerate(c))


def all_kept(L, x, c, lam_max):
    T = [x]
    for j in range(1, len(c)):
        y = L.dot(T[-1]) * (2 / lam_max) - T[-1]
        T.append(y if j == 1 else 2 * y - T[-2])
    return (np.array(T).T @ c).tolist()


def clenshaw(L, x, c, lam_max):
    """From the last coefficient down, which keeps two signals too."""
    later = latest = np.zeros(len(x))
    for c_j in c[:0:-1]:
        later, latest = c_j * x + 2 * (2 / lam_max * (later @ L) - later) - latest, later
    return c[0] * x + 2 / lam_max * (L @ later) - later - latest if len(c) > 1 else c[0] * x


def row_by_row(L, x, c, lam_max):
    def M(y):
        return np.array([2 / lam_max * (L[i] @ y) - y[i] for i in range(len(y))])

    T = [x, M(x)] if len(c) > 1 else [x]
    while len(T) < len(c):
        T.append(2 * M(T[-1]) - T[-2])
    return sum(c_j * T_j for c_j, T_j in zip(c, T, strict=True))


def one_product_more(L, x, c, lam_max):
    return chebyshev_sum(L, x + 0 * (L @ x), c, lam_max) + 0 * (L @ x)


def as_a_sparse_matrix(L, x, c, lam_max):
    return chebyshev_sum(scipy.sparse.csr_array(L), x, c, lam_max)


def with_unit_vectors(L, x, c, lam_max):
    return chebyshev_sum(L @ np.eye(len(x)), x, c, lam_max)


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, (0.0, 1.0, 3.0, 4.0), "right"),
        (1, np.array([0, 1, 3, 4]), "right"),
        (1, iter([0, 1, 3, 4]), "right"),
        (1, [0 / 16, 150 / 150, 6 / 2, 48 / 12], "right"),
        (1, [Fraction(0), Fraction(150, 150), Fraction(6, 2), Fraction(48, 12)], "right"),
        (1, [Fraction(0), Fraction(1, 3), Fraction(3), Fraction(8, 3)], "wrong"),
        (1, ["0", "1", "3", "4"], "wrong"),
        (1, [[0, 1, 3, 4]], "wrong"),
        (1, [0, 1.01, 3, 4], "wrong"),
        (1, [0, 1, 3, 4 + 0j], "wrong"),
        (2, column_after_column, "right"),
        (2, through_a_matrix, "right"),
        (2, in_plain_lists, "right"),
        (2, by_solving, "right"),
        (2, by_the_library, "right"),
        (2, in_single_precision, "right"),
        (2, lambda *given: filtered(*given) + 1e-4, "wrong"),
        (2, lambda *given: filtered(*given) * (1 + 0j), "wrong"),
        (2, lambda lam, U, X, response: filtered(lam, U, X, response)[:, None], "wrong"),
        (2, lambda lam, U, X, response: filtered(lam[::-1], U, X, response), "wrong"),
        (3, by_blocks_of_products, "right"),
        (3, by_groups, "right"),
        (3, by_two_filters, "right"),
        (3, by_angles, "right"),
        (3, rounded_places, "right"),
        (3, lambda *given: np.bool_(same_basis(*given)), "right"),
        (3, lambda *given: int(same_basis(*given)), "wrong"),
        (3, lambda *given: [same_basis(*given)], "wrong"),
        (3, lambda *given: not same_basis(*given), "wrong"),
        (4, in_the_library_s_way, "right"),
        (4, with_a_memory, "right"),
        (4, all_kept, "right"),
        (4, clenshaw, "right"),
        (4, row_by_row, "right"),
        (4, one_product_more, "wrong"),
        (4, as_a_sparse_matrix, "wrong"),
        (4, with_unit_vectors, "wrong"),
        (4, lambda L, x, c, lam_max: chebyshev_sum(L.toarray(), x, c, lam_max), "wrong"),
        (4, lambda L, x, c, lam_max: chebyshev_sum(np.array(L.tolist()), x, c, lam_max), "wrong"),
        (4, lambda *given: chebyshev_sum(*given) + 1e-3, "wrong"),
        (4, lambda *given: chebyshev_sum(*given)[:, None], "wrong"),
        (5, tuple(STAR), "right"),
        (5, np.array(STAR), "right"),
        (5, {*STAR}, "right"),
        (5, iter(STAR), "right"),
        (5, nx.star_graph(8), "right"),
        (5, nx.star_graph(8).edges, "right"),  # which can be called, too
        (5, as_graph(STAR, n=10), "right"),
        (5, nx.star_graph(7).edges, "wrong"),
        (5, [(k, 9) for k in range(9)], "right"),  # the spike at a leaf
        (5, list(combinations(range(9), 2)), "right"),
        (5, [(u, v) for u in range(5) for v in range(5, 10)], "right"),
        (5, [(u, v) for u in range(4) for v in range(4, 8)], "wrong"),  # the largest frequency is 8
        (5, [*STAR, (0, 1)], "wrong"),
        (5, [*STAR, (1, 0)], "wrong"),
        (5, [[u, str(v)] for u, v in STAR], "wrong"),
        (5, [(u - 1, v) for u, v in STAR], "wrong"),
        (5, [(1, v) for v in range(2, 10)], "wrong"),  # no way from the spike to the hub
    ],
)
def test_other_answers(number, answer, expected):
    assert verdict(number, answer).status == expected


# ------------------------------------------------------------------------------ held against the library


def test_the_frequencies_by_hand_are_those_of_the_library():
    graph = as_graph(PAW, n=4)
    X = np.array(SIGNALS, float).T
    found = dirichlet_energy(graph, X) / (X**2).sum(axis=0)
    assert np.allclose(found, EXERCISES["graph_signals-1"].reference)
    unit = X / np.linalg.norm(X, axis=0)
    assert np.allclose(unit.T @ unit, np.eye(4)), "the text calls them all frequencies that the graph has"
    assert np.allclose(fourier_basis(graph).lam, found)


@pytest.mark.parametrize(
    ("basis", "graph"),
    [
        *((module._path(n), path_graph(n)) for n in range(1, 7)),
        *((module._ring(n), ring_graph(n)) for n in range(3, 8)),
        *((module._complete(n), as_graph(list(combinations(range(n), 2)), n=n)) for n in (4, 5)),
        *((module._two_paths(n), as_graph([(k, k + 2) for k in range(2 * n - 2)], n=2 * n)) for n in (2, 3, 4)),
    ],
)
def test_the_bases_are_those_of_their_graphs(basis, graph):
    lam, U = basis
    assert np.array_equal(lam, np.sort(lam))
    assert np.allclose(laplacian_definition(graph) @ U, U * lam, atol=1e-12)
    assert np.allclose(U.T @ U, np.eye(graph.n), atol=1e-12)


def test_a_filter_is_that_of_the_library():
    for lam, U, X, response in cases(2):
        assert np.allclose(filtered(lam, U, X, response), filter_exact(FourierBasis(lam, U), X, response))


def test_chebyshev_s_sum_is_that_of_the_library():
    for L, x, c, lam_max in cases(4):
        graph = as_graph(np.argwhere(np.triu(L.uncounted, 1)), n=len(x))

        def polynomial(lam, c=c, lam_max=lam_max):
            return np.polynomial.chebyshev.chebval(2 * lam / lam_max - 1, c)

        wanted = filter_chebyshev(graph, x, polynomial, len(c), lam_max=lam_max)
        assert np.allclose(chebyshev_sum(laplacian(graph), x, c, lam_max), wanted)
        assert np.allclose(chebyshev_sum(L.uncounted, x, c, lam_max), wanted)


def test_the_slow_sum_is_right_but_for_its_products():
    for L, x, c, lam_max in cases(4)[::7]:
        assert np.allclose(slow_chebyshev(L.uncounted, x, c, lam_max), chebyshev_sum(L.uncounted, x, c, lam_max))
    counts = []
    for count in range(1, 8):
        L = CountedMatrix(np.eye(2))
        slow_chebyshev(L, np.ones(2), np.ones(count), 2.0)
        counts.append(L.products)
    assert np.diff(counts).tolist() == [1, 2, 4, 7, 12, 20], "as the text on it says"


def grows_by_simulation(edges):
    L = laplacian_definition(as_graph(edges, n=10))
    sizes = [np.abs(heat_by_steps(L, np.eye(10)[0], t)).max() for t in (50.0, 100.0)]
    return sizes[1] > 1.5 * sizes[0] and sizes[1] > 1.5


def test_what_is_said_to_grow_grows_and_nothing_else():
    rng = np.random.default_rng(100)
    shown = 0
    for density in np.linspace(0.2, 1, 120):
        edges = [pair for pair in combinations(range(10), 2) if rng.random() < density]
        grows = grows_by_simulation(edges)
        assert verdict(5, edges).status == ("right" if grows else "wrong"), edges
        shown += grows
    assert 20 < shown < 100


def test_steps_settle_where_the_page_says_so():
    for graph in (path_graph(30), ring_graph(30), ring_graph(31), grid_graph(5, 5), grid_graph(6, 6)):
        L = laplacian(graph)
        x = heat_by_steps(L, np.eye(graph.n)[0], 500.0)
        assert np.allclose(x, 1 / graph.n, atol=1e-3)
        assert np.linalg.eigvalsh(L.toarray()).max() < 8
    assert np.ptp(heat_by_steps(laplacian(grid_graph(5, 5)), np.eye(25)[0], 50.0)) <= 1e-3


@pytest.mark.parametrize("leaves", range(1, 10))
def test_a_hub_grows_from_eight_leaves_on_and_turns_cold_from_five_on(leaves):
    found = verdict(5, [(0, k) for k in range(1, leaves + 1)])
    said = [wanted.says for wanted in EXERCISES["graph_signals-5"].properties]
    if leaves >= 8:
        assert found.status == "right"
    else:
        assert found.failed.says == said[2 if leaves >= 5 else 1]


@pytest.mark.parametrize("function", [slow_chebyshev, heat_by_steps], ids=lambda function: function.__name__)
def test_the_page_shows_the_functions_that_are_judged(function):
    assert TOPIC.shown(function) == [code_of(function)]


# ------------------------------------------------------------------------------ the matrix that counts


@pytest.mark.parametrize(
    ("use", "products"),
    [
        (lambda L: L @ np.ones(3), 1),
        (lambda L: L.dot(np.ones(3)), 1),
        (lambda L: np.ones(3) @ L, 1),
        (lambda L: np.matmul(L, np.ones(3)), 1),
        (lambda L: L @ [1.0, 2.0, 3.0], 1),
        (lambda L: L @ np.ones((3, 2)), 2),
        (lambda L: np.ones((2, 3)) @ L, 2),
        (lambda L: [L[i] @ np.ones(3) for i in range(3)], 1),
        (lambda L: L[0, 1], 1),
        (lambda L: 2 * L - np.eye(3), 3),
        (lambda L: np.asarray(L), 3),
        (lambda L: L.toarray(), 3),
        (lambda L: L @ L, 3),
        (lambda L: np.linalg.eigvalsh(L), 3),
        (lambda L: L.diagonal(), 3),
        (lambda L: scipy.sparse.csr_array(L).toarray(), 3),
        (lambda L: [len(L), L.shape, repr(L)], 0),
    ],
)
def test_products_are_counted_and_tables_cost_n(use, products):
    counted = CountedMatrix([[1.0, -1.0, 0.0], [-1.0, 3.0, -2.0], [0.0, -2.0, 2.0]])
    use(counted)
    assert counted.products == products


def test_a_counted_matrix_gives_the_products_of_a_plain_one():
    rng = np.random.default_rng(101)
    L, y, Y = rng.random((4, 4)), rng.random(4), rng.random((4, 2))
    counted = CountedMatrix(L)
    assert np.allclose(counted @ y, L @ y)
    assert np.allclose(counted.dot(Y), L @ Y)
    assert np.allclose(y @ counted, y @ L)
    assert np.allclose(2 * counted - np.eye(4), 2 * L - np.eye(4))
    assert machinery._same(counted, CountedMatrix(L)), "counting is no change of an argument"


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    sizes = [(X.ndim, len(lam)) for lam, _, X, _ in cases(2)]
    assert sizes == sorted(sizes)
    sizes = [len(lam) for lam, _, _ in cases(3)]
    assert sizes == sorted(sizes)
    sizes = [(len(x), len(c)) for _, x, c, _ in cases(4)[:-3]]
    assert sizes == sorted(sizes)


def test_filters_meet_one_frequency_mixtures_and_as_many_columns_as_nodes():
    given = cases(2)
    assert sum(module._is_one_frequency(U, X) for _, U, X, _ in given) >= 16
    assert any(X.ndim == 2 and len(set(X.shape)) == 1 and len(X) > 2 for _, _, X, _ in given)
    assert any(X.ndim == 2 and len(set(X.shape)) == 2 for _, _, X, _ in given)
    used = {response.__name__ for _, _, X, response in given if X.ndim == 2}
    assert used == {response.__name__ for response in RESPONSES}
    assert any(np.isclose(np.diff(lam), 0).any() for lam, *_ in given)


def test_no_frequency_stands_where_a_response_jumps_or_a_block_is_in_doubt():
    for lam, *_ in cases(2) + cases(3):
        gaps = np.diff(lam)
        assert ((gaps < 1e-12) | (gaps > 0.05)).all()


def test_bases_are_clearly_right_or_clearly_wrong():
    kinds = {"turned": 0, "rotated": 0, "mixed": 0, "lengths": 0}
    for lam, U, V in cases(3):
        other = np.abs(lam[:, None] - lam) > 1e-6
        leak = np.abs(U.T @ V)[other].max(initial=0.0)
        off = np.abs(V.T @ V - np.eye(len(V))).max()
        assert leak < 1e-12 or leak > 0.05
        assert off < 1e-12 or off > 0.05
        kinds["mixed"] += 0.05 < leak < 0.95 and off < 0.05  # orthonormal, and wrong all the same
        kinds["lengths"] += leak < 0.05 and off > 0.05
        right = leak < 0.05 and off < 0.05
        kinds["turned"] += right and module._is_turned(U, V) and not np.allclose(U, V)
        kinds["rotated"] += right and not module._is_turned(U, V)
        assert same_basis(lam, U, V) == right
    assert min(kinds.values()) >= 10, kinds


def test_some_repeated_frequencies_differ_in_their_last_digits_and_some_entries_are_zero():
    given = cases(3)
    assert any(((gaps > 0) & (gaps < 1e-12)).any() for gaps in (np.diff(lam) for lam, _, _ in given))
    assert any((np.abs(U[0]) < 1e-12).any() for _, U, _ in given)


def test_the_museum_s_slip_is_among_the_bases_and_told():
    """The 3rd and 4th columns where the 2nd and 3rd were announced."""
    shifted = [(lam, U, V) for lam, U, V in cases(3) if len(U) > 3 and np.allclose(U[:, 2:], V[:, 1:-1])]
    assert len(shifted) >= 3
    assert not any(same_basis(*given) for given in shifted)


def test_graphs_for_chebyshev_have_bounds_that_hold_and_more_nodes_than_coefficients():
    given = cases(4)
    for L, _, _, lam_max in given:
        assert np.allclose(L.uncounted.sum(axis=1), 0)
        assert np.linalg.eigvalsh(L.uncounted).max() <= lam_max * (1 + 1e-12)
    assert sum(len(x) > len(c) for _, x, c, _ in given) > 20, "where a table costs more than is allowed"
    assert {len(c) for _, _, c, _ in given} >= {1, 2, 3, 4}


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, [0, 150, 6, 48], "divide it by x^T x"),
        (1, [0, 1, 3, 4 / 3], "Three edges add (1 + 3)² each"),
        (2, module._both_ways_the_same, "On two nodes they happen to be the same"),
        (2, module._turned_round, "its transpose leads to the frequencies"),
        (2, module._turned_round, "one amount that is not 0"),
        (2, module._of_the_amounts, "Look at what you pass to response"),
        (2, module._shares_along_columns, "lines shapes up from the right"),
        (3, module._first_entry_positive, "B @ B.T does not change when they are rotated"),
        (3, module._entry_by_entry, "np.outer(u, u)"),
        (3, module._exactly_equal, "their last digits differ"),
        (3, module._without_signs, "entries without their signs lose the shape"),
        (3, module._only_the_matrix, "also where it is 0"),
        (4, slow_chebyshev, "a T_j that is computed again"),
        (4, as_a_sparse_matrix, "costs n products here"),
        (4, module._half_the_first, "half of it, and the whole for others"),
        (4, module._not_shifted, "by a factor *and* a shift"),
        (4, module._before_lost, "the order in which you overwrite"),
        (5, [(0, 1)], "Look at a node of high degree"),
        (5, [(0, k) for k in range(1, 8)], "At lam = 8 the factor is -1"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_cases_are_said_in_a_line(capsys):
    check("graph_signals-4", lambda L, x, c, lam_max: 0 * x)
    out = capsys.readouterr().out
    assert "not: L=[[ 1., -1.], [-1., 1.]], x=[" in out
    assert "lam_max=2.0\n" in out
    check("graph_signals-2", module._on_the_nodes)
    assert "response=exp_of_minus_lam\n" in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["graph_signals-3"].draw(*cases(3)[-1])
    assert [axes.get_title() for axes in fig.axes] == ["U", "V"]
    assert alt.startswith("The 8 columns of U and of V")
    lam, U, X, response = cases(2)[6]
    fig, _ = EXERCISES["graph_signals-2"].draw(lam, U, X, response)
    bars = [bar.get_height() for bar in fig.axes[0].patches]
    dots = fig.axes[0].lines[0].get_ydata()
    assert np.allclose(bars, np.abs(U.T @ X))
    assert np.allclose(dots, np.abs(U.T @ filtered(lam, U, X, response)))
    L, x, c, lam_max = cases(4)[0]
    EXERCISES["graph_signals-4"].draw(L, x, c, lam_max)
    assert L.products == 0, "looking at the case is not counted"
