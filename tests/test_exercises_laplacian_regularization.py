"""The exercises of notebook 04: other right answers are right, nearly right ones are not, nonsense is told."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from exercised import Topic, code_of

import lessons.exercises as machinery
from lessons import as_graph
from lessons.backpropagation import Tensor
from lessons.exercises import check, judge
from lessons.exercises.laplacian_regularization import (
    SIX,
    SIX_VALUES,
    fast_gradient,
    laplacian_rows,
    mended,
    propagated,
    regularised,
    slow_gradient,
)
from lessons.laplacian_regularization import (
    dirichlet_energy,
    graph_penalty,
    label_propagation,
    laplacian,
    laplacian_definition,
    smooth,
)

TOPIC = Topic("laplacian_regularization")
EXERCISES, verdict, cases = TOPIC.exercises, TOPIC.verdict, TOPIC.cases
pytestmark = pytest.mark.usefixtures("first_attempt")


# ------------------------------------------------------------------------------ each one is sound


FAILS = {  # wrong answers by name, and the number of the property that they fail first
    1: {
        "_one_way": 2,
        "_ones_on_the_diagonal": 4,
        "_one_row_n_times": 3,
        "_degrees_only": 3,
        "_signless": 3,
        "_turned_sign": 3,
        "_unweighted": 3,
        "_ones_at_isolated": 4,
        "_only_beside": 5,
        "_counts_edges": 5,
        "_assigns_degree": 5,
        "_one_end": 5,
        "_loop_counts_twice": 6,
        "_loop_overwrites": 6,
        "_loop_not_in_degree": 6,
    },
    3: {
        "_divides_by_zero": 1,
        "_means_at_once": 2,
        "_ones_subtracted": 3,
        "_ones_solved": 3,
        "_all_one_mean": 3,
        "_sums_neighbours": 3,
        "_only_the_diagonal": 3,
        "_normalised": 4,
        "regularised": 5,
        "_adds": 5,
        "_overshoots": 6,
        "_overshoots_at_hubs": 6,
        "_overshoots_random_walk": 6,
        "_without_dial": 7,
    },
    4: {
        "_without_labels": 1,
        "_both_classes": 1,
        "_not_clamped": 2,
        "_clamps_ones_only": 2,
        "_minus_one_is_an_index": 3,
        "_unknown_is_zero": 3,
        "_unknown_is_minus_one": 3,
        "_zeros_stay": 3,
        "_divides_by_no_neighbours": 3,
        "_one_linear_system": 3,
        "_nearest_label": 4,
        "_as_shares": 5,
        "_leaves_unknown_out": 5,
    },
    5: {
        "_per_edge": 1,
        "_energy": 1,
        "_sizes_not_differences": 2,
        "_half": 3,
        "_twice": 3,
        "_downhill": 3,
        "_both_ends_up": 3,
        "_one_end_only": 3,
        "_without_weights": 3,
        "_neighbours_only": 3,
        "_last_edge_counts": 4,
        "_overwrites": 4,
        "_moves_as_it_goes": 4,
        "slow_gradient": 5,
        "_masks": 5,
    },
}


@pytest.mark.parametrize("number", FAILS)
def test_each_mistake_fails_on_the_property_it_offends(number):
    exercise = EXERCISES[f"laplacian_regularization-{number}"]
    wrong = [answer for answer in exercise.wrong if answer.__name__ != "<lambda>"]
    failed = {answer.__name__: exercise.properties.index(judge(exercise, answer).failed) + 1 for answer in wrong}
    assert failed == FAILS[number]


@pytest.mark.parametrize("id", EXERCISES)
def test_nonsense_is_told_in_words_and_never_as_a_traceback(id, capsys):
    TOPIC.tells_nonsense(id, capsys)


# ------------------------------------------------------------------------------ 1: other answers


def by_incidence(n, edges):
    """B W B^T, in which a loop is a column of zeros."""
    B = np.zeros((n, len(edges)))
    for k, (u, v, _) in enumerate(edges):
        B[u, k] += 1
        B[v, k] -= 1
    return B @ np.diag([w for _, _, w in edges]) @ B.T


def by_networkx(n, edges):
    graph = nx.empty_graph(n)
    graph.add_weighted_edges_from(edges)
    A = nx.to_numpy_array(graph)
    return (np.diag(A.sum(axis=1)) - A).astype(np.float32)


def by_scipy(n, edges):
    u, v, w = np.array(edges, float).reshape(-1, 3).T
    A = scipy.sparse.coo_array((w, (u.astype(int), v.astype(int))), shape=(n, n))
    return scipy.sparse.csgraph.laplacian(A + A.T)


def by_energy(n, edges):
    """Polarisation: an entry is a difference of energies."""

    def energy(x):
        return sum(w * (x[u] - x[v]) ** 2 for u, v, w in edges)

    e = np.eye(n)
    return [[(energy(e[i] + e[j]) - energy(e[i] - e[j])) / 4 for j in range(n)] for i in range(n)]


def with_fractions(n, edges):
    return [tuple(map(Fraction, row)) for row in laplacian_rows(n, edges)]


# ------------------------------------------------------------------------------ 3: other answers


def random_walk_step(A, W, lam):
    """The page's function with two changes: a minus, and 0 where a node is alone."""
    degree = A.sum(axis=1)
    L = np.diag((degree > 0) * 1.0)
    for i, j in np.argwhere(A):
        L[i, j] = -1 / degree[i]
    return W - lam / (1 + lam) * L @ W


def random_walk_means(A, W, lam):
    alpha, smoother = lam / (1 + lam), W.tolist()
    for i in range(len(A)):
        around = [j for j in range(len(A)) if A[i][j]]
        if around:
            smoother[i] = [
                (1 - alpha) * W[i][k] + alpha * sum(W[j][k] for j in around) / len(around)
                for k in range(W.shape[1])
            ]
    return smoother


def random_walk_solve(A, W, lam):
    A = A.astype(np.float32)
    L = A.sum(axis=1)[:, None] * np.eye(len(A), dtype=np.float32) - A
    L /= np.maximum(A.sum(axis=1), 1)[:, None]
    return np.linalg.solve(np.eye(len(A), dtype=np.float32) + np.float32(lam) * L, W.astype(np.float32))


def in_float32(A, W, lam):
    return mended(A.astype(np.float32), W.astype(np.float32), np.float32(lam))


def by_library(A, W, lam):
    return smooth(scipy.sparse.csr_array(A), W, lam).X


def by_sparse_solver(A, W, lam):
    M = scipy.sparse.identity(len(A)) + lam * scipy.sparse.csgraph.laplacian(scipy.sparse.csr_array(A))
    return scipy.sparse.linalg.spsolve(M.tocsc(), W).reshape(W.shape)


def by_short_steps(A, W, lam):
    """Gradient steps on the energy, each short enough for any graph; more of them for more lam."""
    L = np.diag(A.sum(axis=1)) - A
    for _ in range(int(np.ceil(lam))):
        W = W - L @ W / (2 * len(A))
    return W


def shrinks_a_little(A, W, lam):
    return np.where(A.any(axis=1, keepdims=True) & (lam > 0), 0.999, 1) * mended(A, W, lam)


def by_heat(A, W, lam):
    mu, U = np.linalg.eigh(np.diag(A.sum(axis=1)) - A)
    return U @ (np.exp(-lam * mu)[:, None] * (U.T @ W))


# ------------------------------------------------------------------------------ 4: other answers


def all_at_once(neighbours, labels, sweeps=300):
    """Jacobi, in NumPy."""
    n, labels = len(labels), np.array(labels)
    A = np.zeros((n, n), np.float32)
    for i, around in enumerate(neighbours):
        A[i, around] = 1
    degree = A.sum(axis=1)
    scores = np.where(labels < 0, 0.5, labels).astype(np.float32)
    for _ in range(sweeps):
        means = np.divide(A @ scores, degree, out=np.full(n, 0.5, np.float32), where=degree > 0)
        scores = np.where(labels < 0, means, labels).astype(np.float32)
    return scores


def with_exact_fractions(neighbours, labels):
    """Elimination: each unknown node is replaced by the mean that it stands for."""
    n = len(labels)
    rows = [{j: Fraction(1, len(around)) for j in around} for around in neighbours]
    unknown = [i for i in range(n) if labels[i] == -1]
    for i in unknown:
        stay = rows[i].pop(i, Fraction(0))
        rows[i] = {j: p / (1 - stay) for j, p in rows[i].items()} if stay < 1 else {}
        for k in range(n):
            p = rows[k].pop(i, None) if k != i else None
            for j, q in rows[i].items() if p is not None else ():
                rows[k][j] = rows[k].get(j, Fraction(0)) + p * q
    known = {i: Fraction(label) for i, label in enumerate(labels) if label != -1}
    found = []
    for i in range(n):
        walk = {j: p for j, p in rows[i].items() if j in known}
        total = sum(walk.values())
        found.append(known.get(i, sum(p * known[j] for j, p in walk.items()) / total if total else Fraction(1, 2)))
    return found


def by_label_propagation(neighbours, labels):
    if max(labels) == -1:
        return [0.5] * len(labels)
    graph = as_graph([(i, j) for i, row in enumerate(neighbours) for j in row if i < j], n=len(labels))
    answer = label_propagation(graph, labels)
    scores = dict(zip(answer.classes.tolist(), answer.scores.T, strict=True))
    ones = scores.get(1, np.zeros(len(labels)))
    return np.where(answer.labels == -1, 0.5, ones)


def by_least_squares(neighbours, labels):
    """The system written down, singular or not: lstsq looks for what lies nearest to 0.5."""
    n = len(labels)
    M, b = np.eye(n), np.array(labels, float)
    for i, around in enumerate(neighbours):
        if labels[i] == -1:
            M[i, around] = -1 / max(len(around), 1)
            M[i, i], b[i] = (1 if around else 0), 0
    return 0.5 + np.linalg.lstsq(M, b - M @ np.full(n, 0.5), rcond=None)[0]


def twenty_sweeps(neighbours, labels):
    return all_at_once(neighbours, labels, sweeps=20)


def walks_counted(neighbours, labels, walks=300):
    """Chances from walks that are really taken: near, but not to a thousandth."""
    rng = np.random.default_rng(7)
    found = by_label_propagation(neighbours, labels)
    return [float(score) if score in (0, 0.5, 1) else rng.binomial(walks, score) / walks for score in found]


def stops_at_a_hundredth(neighbours, labels):
    scores, moved = [0.5 if label == -1 else label for label in labels], 1
    while moved > 0.01:
        before = list(scores)
        for i, around in enumerate(neighbours):
            if labels[i] == -1 and around:
                scores[i] = sum(scores[j] for j in around) / len(around)
        moved = max(abs(a - b) for a, b in zip(scores, before, strict=True))
    return scores


# ------------------------------------------------------------------------------ 5: other answers


def by_add_at(u, v, w, x):
    gradient = np.zeros(len(x))
    pull = 2 * w * (x[u] - x[v])
    np.add.at(gradient, u, pull)
    np.subtract.at(gradient, v, pull)
    return gradient


def by_bincount(u, v, w, x):
    u, v, w = np.array(u), np.array(v), np.array(w)
    pull = 2 * w * (x[u] - x[v])
    return np.bincount(u, pull, len(x)) - np.bincount(v, pull, len(x))


def by_degrees(u, v, w, x):
    """2 (D x - A x), in two sums."""
    degree, heard = np.zeros(len(x)), np.zeros(len(x))
    for i, j, weight in zip(u, v, w, strict=True):
        degree[i] += weight
        degree[j] += weight
        heard[i] += weight * x[j]
        heard[j] += weight * x[i]
    return 2 * (degree * x - heard)


def by_index(u, v, w, x):
    gradient = [0] * len(x)
    for k in range(len(u)):
        gradient[u[k]] += 2 * w[k] * (x[u[k]] - x[v[k]])
        gradient[v[k]] += 2 * w[k] * (x[v[k]] - x[u[k]])
    return tuple(gradient)


def by_index_with_float32(u, v, w, x):
    return np.array(by_index(u, v, w, x.astype(np.float32)), np.float32)


def by_sparse_incidence(u, v, w, x):
    u, v, w, m = np.asarray(u), np.asarray(v), np.asarray(w), len(w)
    rows, columns = np.tile(np.arange(m), 2), np.concatenate([u, v])
    B = scipy.sparse.coo_array((np.repeat([1.0, -1.0], m), (rows, columns)), shape=(m, len(x))).tocsr()
    return 2 * B.T @ (w * (B @ x))


def by_tape(u, v, w, x):
    leaf = Tensor(x)
    graph_penalty(as_graph([*zip(u, v, w, strict=True)], n=len(x)), leaf).backward()
    return leaf.grad


def five_reads(u, v, w, x):
    u[:], u[:], u[:], u[:]
    return fast_gradient(u, v, w, x)


def by_lists_of_edges(u, v, w, x):
    """Each node knows its edges, collected in one walk."""
    at = [[] for _ in x]
    for i, j, weight in zip(u, v, w, strict=True):
        at[i].append((j, weight))
        at[j].append((i, weight))
    return [sum(2 * weight * (x[i] - x[j]) for j, weight in edges) for i, edges in enumerate(at)]


@pytest.mark.parametrize(
    ("number", "answer", "expected"),
    [
        (1, by_incidence, "right"),
        (1, by_networkx, "right"),
        (1, by_scipy, "right"),
        (1, by_energy, "right"),
        (1, with_fractions, "right"),
        (1, lambda n, edges: laplacian(as_graph(edges, n=n)), "right"),
        (1, lambda n, edges: np.matrix(laplacian_rows(n, edges)), "right"),
        (1, lambda n, edges: laplacian(as_graph(edges, n=n), "normalised"), "wrong"),
        (1, lambda n, edges: np.array(laplacian_rows(n, edges)) * 1j, "wrong"),
        (1, lambda n, edges: np.multiply(laplacian_rows(n, edges), 1.001), "wrong"),
        (1, lambda n, edges: np.multiply(laplacian_rows(n, edges), 1 + 0.001 * np.eye(n)), "wrong"),
        (1, lambda n, edges: np.array(laplacian_rows(n, edges)).ravel(), "wrong"),
        (1, lambda n, edges: [[str(value) for value in row] for row in laplacian_rows(n, edges)], "wrong"),
        (2, (3.0, 3.0, 3.0, 5.0, 5.0, 9.0), "right"),
        (2, np.array([3, 3, 3, 5, 5, 9], np.float32), "right"),
        (2, iter([3, 3, 3, 5, 5, 9]), "right"),
        (2, [Fraction(9, 3)] * 3 + [Fraction(10, 2)] * 2 + [9], "right"),
        (2, smooth(as_graph(SIX, n=6), SIX_VALUES, lam=1e6).X, "right"),
        (2, smooth(as_graph(SIX, n=6), SIX_VALUES, lam=10.0).X, "wrong"),
        (2, smooth(as_graph(SIX, n=6), SIX_VALUES, lam=1e6, kind="random_walk").X, "wrong"),
        (2, [[3, 3, 3, 5, 5, 9]], "wrong"),
        (2, ["3", "3", "3", "5", "5", "9"], "wrong"),
        (2, "3,3,3,5,5,9", "wrong"),
        (2, [3.1, 3.1, 3.1, 5, 5, 9], "wrong"),
        (3, random_walk_step, "right"),
        (3, random_walk_means, "right"),
        (3, random_walk_solve, "right"),
        (3, in_float32, "right"),
        (3, by_library, "right"),
        (3, by_sparse_solver, "right"),
        (3, by_short_steps, "right"),
        (3, by_heat, "right"),
        (3, lambda A, W, lam: smooth(scipy.sparse.csr_array(A), W, lam, kind="random_walk").X, "right"),
        (3, lambda A, W, lam: smooth(scipy.sparse.csr_array(A), W, lam, kind="normalised").X, "wrong"),
        (3, lambda A, W, lam: regularised(A, W, -lam / (1 + 2 * lam)), "wrong"),  # I - lam L: its isolated 1, too
        (3, lambda A, W, lam: shrinks_a_little(A, W, lam), "wrong"),
        (3, lambda A, W, lam: W.mean(axis=0) + 0 * W if lam else W, "wrong"),
        (3, lambda A, W, lam: mended(A, W, 1e6 * lam), "wrong"),
        (4, all_at_once, "right"),
        (4, with_exact_fractions, "right"),
        (4, by_label_propagation, "right"),
        (4, by_least_squares, "right"),
        (4, lambda *given: tuple(propagated(*given)), "right"),
        (4, lambda *given: np.add(propagated(*given), 5e-4), "right"),
        (4, lambda *given: walks_counted(*given), "wrong"),
        (4, lambda *given: np.round(propagated(*given), 2), "wrong"),
        (4, twenty_sweeps, "wrong"),
        (4, stops_at_a_hundredth, "wrong"),
        (4, lambda *given: [str(score) for score in propagated(*given)], "wrong"),
        (4, lambda *given: [1 - score for score in propagated(*given)], "wrong"),
        (5, by_add_at, "right"),
        (5, by_bincount, "right"),
        (5, by_degrees, "right"),
        (5, by_index, "right"),
        (5, by_index_with_float32, "right"),
        (5, by_sparse_incidence, "right"),
        (5, by_tape, "right"),
        (5, by_lists_of_edges, "right"),
        (5, five_reads, "wrong"),
        (5, lambda *given: np.multiply(fast_gradient(*given), 1.001), "wrong"),
        (5, lambda *given: [g * 1j for g in fast_gradient(*given)], "wrong"),
        (5, lambda *given: fast_gradient(*given)[:1], "wrong"),
    ],
)
def test_other_answers(number, answer, expected):
    found = verdict(number, answer)
    assert found.status == expected, found


# ------------------------------------------------------------------------------ held against the library


def test_rows_are_the_library_s_on_every_case():
    for n, edges in cases(1):
        graph = as_graph(edges, n=n)
        assert np.array_equal(laplacian_rows(n, edges), laplacian_definition(graph))
        assert np.array_equal(laplacian_rows(n, edges), laplacian(graph).toarray())


def test_the_end_of_smoothing_is_where_a_huge_lam_leads():
    graph = as_graph(SIX, n=6)
    end = EXERCISES["laplacian_regularization-2"].reference
    far = [np.abs(smooth(graph, SIX_VALUES, lam).X - end).max() for lam in (1.0, 100.0, 1e6)]
    assert far == sorted(far, reverse=True)
    assert far[-1] < 1e-4
    started = smooth(graph, SIX_VALUES, 1.0).X.round(2).tolist()
    assert started in EXERCISES["laplacian_regularization-2"].wrong


def energies(A, W):
    return dirichlet_energy(scipy.sparse.csr_array(A), W)


def test_the_mended_smoother_is_the_library_s_and_lowers_the_library_s_energy():
    for A, W, lam in cases(3):
        found = mended(A, W, lam)
        before, after = energies(A, W), energies(A, found)
        assert np.allclose(found, smooth(scipy.sparse.csr_array(A), W, lam).X, atol=1e-6)
        assert (after <= before + 1e-9).all()
        assert (after[(before > 0) & (lam > 0)] < before[(before > 0) & (lam > 0)]).all()


def test_what_the_page_says_of_the_dialogue_s_function():
    alone, rough = 0, 0
    for A, W, lam in cases(3):
        alpha = lam / (1 + lam)
        if A.any(axis=1).all():
            L = laplacian(scipy.sparse.csr_array(A), "random_walk").toarray()
            assert np.allclose(regularised(A, W, lam), alpha * L @ W + (1 - alpha) * W), (
                "the random-walk Laplacian"
            )
        hermits = ~A.any(axis=1)
        assert np.allclose(regularised(A, W, lam)[hermits], W[hermits]), "the isolated 1 meets the rest of I"
        alone += hermits.any()
    pair, ends = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [-1.0]])
    for lam in (0.25, 1.0, 60.0):
        rough += energies(pair, regularised(pair, ends, lam))[0] > energies(pair, ends)[0]
        assert np.allclose(regularised(pair, np.ones((2, 1)), lam), 1 / (1 + lam)), "a constant shrinks"
    assert alone
    assert rough == 3


def test_scores_are_the_library_s_chances_of_a_one():
    for neighbours, labels in cases(4):
        assert np.allclose(propagated(neighbours, labels), by_label_propagation(neighbours, labels), atol=1e-6)


def test_the_gradient_is_that_of_the_tape():
    for u, v, w, x in cases(5):
        plain = u.uncounted, v.uncounted, w.uncounted
        assert np.allclose(fast_gradient(*plain, x), by_tape(*plain, x))
        assert np.allclose(fast_gradient(*plain, x), slow_gradient(*plain, x))


# ------------------------------------------------------------------------------ the page


@pytest.mark.parametrize("function", [regularised, slow_gradient])
def test_the_page_shows_the_function_that_is_judged(function):
    assert TOPIC.shown(function) == [code_of(function)]


# ------------------------------------------------------------------------------ the cases


def test_cases_come_smallest_first():
    sizes = [(any(u == v for u, v, _ in edges), n, len(edges)) for n, edges in cases(1)]
    assert sizes == sorted(sizes)
    sizes = [(len(A), A.sum()) for A, _, _ in cases(3)]
    assert sizes == sorted(sizes)
    sizes = [(len(labels), sum(map(len, neighbours))) for neighbours, labels in cases(4)]
    assert sizes == sorted(sizes)
    sizes = [(len(x), len(w)) for _, _, w, x in cases(5)]
    assert sizes == sorted(sizes)


def test_edges_have_all_that_can_go_wrong():
    graphs = cases(1)
    assert any(not edges for _, edges in graphs)
    assert any(u > v for _, edges in graphs for u, v, _ in edges)
    weights = [{w for *_, w in edges} for _, edges in graphs]
    assert set().union(*weights) == {0.5, 1.0, 2.0, 3.0}
    assert sum(len(several) > 1 for several in weights) > 15
    assert all(len({frozenset(edge[:2]) for edge in edges}) == len(edges) for _, edges in graphs), "each edge once"
    loose = [set(range(n)) - {node for edge in edges for node in edge[:2]} for n, edges in graphs]
    assert sum(bool(nodes) and bool(edges) for nodes, (_, edges) in zip(loose, graphs, strict=True)) > 3


def test_smoothers_meet_all_that_can_go_wrong():
    given = cases(3)
    assert all((A == A.T).all() and not A.diagonal().any() and set(np.unique(A)) <= {0, 1} for A, _, _ in given)
    assert {lam for _, _, lam in given} == {0.0, 0.25, 1.0, 4.0, 60.0}
    constant = [(A, W) for A, W, _ in given if A.any() and not energies(A, W).any()]
    assert any(np.ptp(W, axis=0).any() for _, W in constant), "one number on each component, not on all"
    assert any(A.any() and not A.any(axis=1).all() for A, _, _ in given)
    assert any(A.sum(axis=1).max() > 3 for A, _, _ in given)


def test_labels_have_all_that_can_go_wrong():
    given = cases(4)
    assert {label for _, labels in given for label in labels} == {-1, 0, 1}
    assert any(not row and label == -1 for rows, labels in given for row, label in zip(rows, labels, strict=True))
    assert any(not row and label == 1 for rows, labels in given for row, label in zip(rows, labels, strict=True))
    assert all(i in neighbours[j] for neighbours, _ in given for i, row in enumerate(neighbours) for j in row)
    assert any(max(labels) == -1 and any(neighbours) for neighbours, labels in given), "no label at all"
    middle = [score for given_one in given for score in propagated(*given_one) if score not in (0, 0.5, 1)]
    assert sum(min(score, 1 - score) > 0.05 for score in middle) > 20


def test_gradients_have_all_that_can_go_wrong():
    given = [(u.uncounted, v.uncounted, w.uncounted, x) for u, v, w, x in cases(5)]
    assert any(not len(w) for _, _, w, _ in given)
    assert any((u == v).any() for u, v, _, _ in given)
    assert any((u > v).any() for u, v, _, _ in given)
    assert any(len(np.union1d(u, v)) < len(x) and len(w) for u, v, w, x in given)
    assert all(len(set(x.tolist())) == len(x) for *_, x in given)
    assert max(len(x) for *_, x in given) == 9


# ------------------------------------------------------------------------------ what is said


@pytest.mark.parametrize(
    ("number", "answer", "hinted"),
    [
        (1, lambda n, edges: -np.array(laplacian_rows(n, edges)), "minus the weight of the edge"),
        (1, lambda n, edges: laplacian(as_graph(edges, n=n), "random_walk"), "no degree divides it here"),
        (2, list(SIX_VALUES), "one for 3 and 4"),
        (2, "3,3,3,5,5,9", "not text"),
        (2, [27 / 22] * 3 + [5, 5, 9], "sum of X = sum of B over the three nodes"),
        (3, lambda A, W, lam: mended(A, W, 1e6 * lam), "multiply it by lam"),
        (3, regularised, "divide by I + lam L instead of multiplying"),
        (3, lambda A, W, lam: W - lam * (np.diag(A.sum(axis=1)) - A) @ W, "solve a system with I + lam L"),
        (4, twenty_sweeps, "until no score moves any more"),
        (4, lambda neighbours, labels: [max(label, 0) for label in labels], "Begin with 0.5 at each unknown"),
        (5, slow_gradient, "one loop over the edges"),
        (5, five_reads, "no entry of u, v or w is read more than 4 times"),
    ],
)
def test_hints_fit_what_went_wrong(number, answer, hinted, capsys):
    assert hinted in TOPIC.every_hint(number, answer, capsys)


def test_the_smallest_failing_input_is_said(capsys):
    check("laplacian_regularization-1", lambda n, edges: np.eye(n) if not edges else laplacian_rows(n, edges))
    assert "not: n=1, edges=[]\nYour function returned: [[1.]]\n" in capsys.readouterr().out
    check("laplacian_regularization-4", lambda neighbours, labels: [float(label) for label in labels])
    assert "not: neighbours=[[]], labels=[-1]\nYour function returned: [-1.0]\n" in capsys.readouterr().out
    check("laplacian_regularization-3", regularised)
    assert "A=[[0., 1.], [1., 0.]], W=[[" in capsys.readouterr().out


def test_failing_cases_are_drawn():
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: the course extra")
    fig, alt = EXERCISES["laplacian_regularization-4"].draw([[1], [0], []], [0, -1, -1])
    assert alt == "An undirected graph of 3 nodes with the edge 0 – 1. Written beside them: 0 at 0."
    assert {text.get_text() for text in fig.axes[0].texts} >= {"0", "1", "2"}
    u, v, w = (machinery.Counted(np.array(part)) for part in ([0, 1], [1, 1], [2.0, 0.5]))
    fig, _ = EXERCISES["laplacian_regularization-5"].draw(u, v, w, np.array([1.0, 4.0]))
    assert {"1", "4"} <= {text.get_text() for text in fig.axes[0].texts}
    assert [part.reads.sum() for part in (u, v, w)] == [0, 0, 0], "looking at the case is not counted"
    fig, alt = EXERCISES["laplacian_regularization-2"].draw()
    assert alt.endswith("Written beside them: 7 at 0, 0 at 1, 2 at 2, 2 at 3, 8 at 4, 9 at 5."), (
        "B, not the answer"
    )
    assert "10" in {text.get_text() for text in fig.axes[0].texts}


def test_every_small_pair_of_labels_on_a_path_is_judged_alike():
    """All labellings of a path of three: what passes is what the library says."""
    path = [[1], [0, 2], [1]]
    for labels in product((-1, 0, 1), repeat=3):
        assert np.allclose(propagated(path, list(labels)), by_label_propagation(path, list(labels)), atol=1e-6)
