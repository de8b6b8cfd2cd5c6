"""Two parts: the library against its definitions, brute force, networkx and a cut that is proven the smallest."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import graphs

from lessons import Graph, as_graph, bisection
from lessons.bisection import (
    GainBuckets,
    fiduccia_mattheyses,
    fiduccia_mattheyses_definition,
    gains_definition,
    kernighan_lin,
    kernighan_lin_definition,
    moves_definition,
    neighbour_weights,
    spectral_bisection,
    swaps_definition,
)
from lessons.cuts import edge_cut, heaviest_allowed, part_weights
from lessons.datasets import grid_graph, mesh_graph, path_graph, ring_graph
from lessons.errors import InfeasibleError
from lessons.laplacian_regularization import laplacian_definition

WAYS = [kernighan_lin, fiduccia_mattheyses, spectral_bisection]
EACH = pytest.mark.parametrize("bisect", WAYS)
KINDS = pytest.mark.parametrize("kind", ["combinatorial", "normalised"])

QUARTERS = st.integers(0, 12).map(lambda quarters: quarters / 4)
WHOLE = st.integers(0, 3).map(float)
ANY = graphs(directed=False, max_nodes=8, weight=QUARTERS).filter(lambda graph: graph.n >= 2)
WHOLE_ANY = graphs(directed=False, max_nodes=8, weight=WHOLE).filter(lambda graph: graph.n >= 2)
IMBALANCES = st.sampled_from([0.0, 0.03, 0.5, 2.0])

KARATE = as_graph(as_graph(nx.karate_club_graph()).edge_rows, n=34)  # its edges count one each
COMPLETE = as_graph(list(itertools.combinations(range(7), 2)), n=7)
PIECES = as_graph([(0, 3), (1, 2), (1, 7), (4, 6), (5, 7)], n=8)  # no swap helps 0-3 | 4-7, two swaps do


def bisections(n: int) -> Iterator[list[int]]:
    """All ways to put n nodes in two parts, none empty."""
    return ([bits >> u & 1 for u in range(n)] for bits in range(1, 2**n - 1))


def least_cut(graph: Graph, allowed: Callable[[list[int]], bool]) -> float | None:
    """The smallest cut of all bisections that are allowed, None where none is."""
    edges = [(*ends, w) for ends, w in zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)]
    cuts = [sum(w for u, v, w in edges if p[u] != p[v]) for p in bisections(graph.n) if allowed(p)]
    return min(cuts, default=None)


def random_graph(n: int, m: int, seed: int, heaviest: int = 1) -> Graph:
    """About m edges between random nodes, of whole weights 1 ... heaviest."""
    rng = np.random.default_rng(seed)
    ends, weights = rng.integers(0, n, (m, 2)), rng.integers(1, heaviest + 1, m)
    return as_graph([(u, v, float(w)) for (u, v), w in zip(ends.tolist(), weights.tolist(), strict=True)], n=n)


def random_start(n: int, seed: int) -> list[int]:
    return (np.random.default_rng(seed).permutation(n) % 2).tolist()


def quadrupled(graph: Graph) -> Graph:
    """Quarters as whole numbers, which the definitions need."""
    weights = None if graph.weights is None else 4 * graph.weights
    return Graph(graph.indptr, graph.indices, weights, directed=False)


def is_valid(parts: np.ndarray, n: int) -> bool:
    return parts.dtype == np.int32 and parts.shape == (n,) and set(parts.tolist()) == {0, 1}


# ---------------------------------------------------------------------------------------- definitions


def test_neighbours_of_the_definitions():
    graph = as_graph([("a", "b", 2.0), ("b", "b", 5.0), ("b", "c", 0.0)], nodes="abcd")
    assert neighbour_weights(graph) == [{1: 2}, {0: 2, 2: 0}, {1: 0}, {}]
    assert all(isinstance(w, int) for around in neighbour_weights(graph) for w in around.values())
    with pytest.raises(ValueError, match=r"edge \(0, 1\) has weight 0.5: a whole number"):
        neighbour_weights(as_graph([(0, 1, 0.5)], n=2))


@given(WHOLE_ANY, st.integers(0, 99))
def test_a_gain_is_what_the_cut_loses(graph, seed):
    parts = random_start(graph.n, seed)
    for u, gain in enumerate(gains_definition(neighbour_weights(graph), parts)):
        moved = [1 - p if v == u else p for v, p in enumerate(parts)]
        assert edge_cut(graph, parts) - edge_cut(graph, moved) == gain


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), max_size=30))
def test_gain_buckets_give_the_best_node_that_came_last(steps):
    free, model = GainBuckets(most=3), {}  # the model keeps the order of insertion
    assert free.best() is None
    for u, gain in steps:
        if u in model:
            assert free.take_out(u) == model.pop(u)
        else:
            free.put(u, gain)
            model[u] = gain
        best = max(model.values(), default=None)
        last = [v for v, gain in model.items() if gain == best]
        assert free.best() == (last[-1] if last else None)
        assert free.gain == model


def test_a_pass_of_swaps_goes_through_a_loss():
    neighbours, start = neighbour_weights(PIECES), [0, 0, 0, 0, 1, 1, 1, 1]
    D = gains_definition(neighbours, start)
    assert max(D[a] + D[b] - 2 * neighbours[a].get(b, 0) for a in range(4) for b in range(4, 8)) < 0
    assert len(swaps_definition(neighbours, start)) == 2
    assert edge_cut(PIECES, start) == 1.0
    assert (
        edge_cut(PIECES, kernighan_lin(PIECES, start)) == edge_cut(PIECES, fiduccia_mattheyses(PIECES, start)) == 0
    )


# ---------------------------------------------------------------------------------------- swaps


@given(ANY, st.data())
def test_kernighan_lin_is_its_definition(graph, data):
    parts = data.draw(st.sampled_from(list(bisections(graph.n))))
    found = kernighan_lin(graph, parts)
    assert found.tolist() == kernighan_lin_definition(neighbour_weights(quadrupled(graph)), parts)
    assert is_valid(found, graph.n)
    assert found.sum() == sum(parts)
    assert edge_cut(graph, found) <= edge_cut(graph, parts)


@pytest.mark.parametrize("seed", range(6))
def test_kernighan_lin_is_its_definition_where_much_is_passed_over(seed):
    stars = as_graph([(u, v) for u in range(3) for v in range(u + 1, 30)], n=30)
    for graph in (random_graph(30, 60, seed), random_graph(30, 200, seed, heaviest=9), stars, COMPLETE):
        parts = random_start(graph.n, seed)
        assert kernighan_lin(graph, parts).tolist() == kernighan_lin_definition(neighbour_weights(graph), parts)


@given(ANY, st.integers(0, 9))
def test_no_swap_is_left_that_gains(graph, seed):
    found = kernighan_lin(graph, seed=seed).tolist()
    for a, b in itertools.combinations(range(graph.n), 2):
        swapped = list(found)
        swapped[a], swapped[b] = found[b], found[a]
        assert edge_cut(graph, swapped) >= edge_cut(graph, found)


def test_the_best_of_ten_seeds_is_the_smallest_cut():
    cases = [random_graph(n, 2 * n, seed, heaviest=3) for n in (5, 8, 10) for seed in range(10)]
    for graph in cases:
        least = least_cut(graph, lambda p, n=graph.n: sum(p) == n // 2)
        assert min(edge_cut(graph, kernighan_lin(graph, seed=s)) for s in range(10)) == least
        moved = [fiduccia_mattheyses(graph, imbalance=0.0, seed=s) for s in range(10)]
        best = least_cut(graph, lambda p, n=graph.n: max(sum(p), n - sum(p)) <= -(-n // 2))
        assert min(edge_cut(graph, parts) for parts in moved) == best


def test_kernighan_lin_looks_at_few_pairs(monkeypatch):
    looked = 0

    class Counting(dict):
        def get(self, *args):
            nonlocal looked
            looked += 1
            return super().get(*args)

    graph = mesh_graph(400, seed=0)[0]
    swaps = bisection._swaps([Counting(around) for around in neighbour_weights(graph)], random_start(400, 0))
    assert swaps
    assert looked <= 6 * 200  # a pass has 200 swaps; all pairs would be 2.7 million


def test_a_search_ends_where_no_pair_can_be_better():
    seen = 0

    class Watched(list):
        def __iter__(self):
            nonlocal seen
            for entry in super().__iter__():
                seen += 1
                yield entry

    left, right = Watched((-1, u) for u in range(100)), Watched((0, u) for u in range(100, 200))
    assert bisection._best_pair(left, right, [{} for _ in range(200)]) == (1, 0, 100)
    assert seen <= 2  # the first of each
    joined = [{} for _ in range(200)]
    joined[0][100] = joined[100][0] = 1
    assert bisection._best_pair(left, right, joined) == (1, 0, 101)
    assert seen <= 2 + 5  # three for the first a, as an edge joins it to the first


def test_kernighan_lin_beside_that_of_networkx():
    for graph in (as_graph(nx.les_miserables_graph()), mesh_graph(150, seed=1)[0]):
        theirs = nx.Graph()
        theirs.add_nodes_from(range(graph.n))
        ends = zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)
        theirs.add_weighted_edges_from((u, v, w) for (u, v), w in ends)
        halves = [nx.community.kernighan_lin_bisection(theirs, seed=seed) for seed in range(20)]
        cuts = [nx.cut_size(theirs, *half, weight="weight") for half in halves]
        ours = [edge_cut(graph, kernighan_lin(graph, seed=seed)) for seed in range(20)]
        assert np.mean(ours) <= 1.05 * np.mean(cuts)
        assert min(ours) <= 1.05 * min(cuts)


@pytest.mark.parametrize(("graph", "least"), [(KARATE, 10), (as_graph(nx.karate_club_graph()), 23)])
def test_the_karate_club_is_cut_as_well_as_can_be(graph, least):
    for seed in range(10):
        assert edge_cut(graph, kernighan_lin(graph, seed=seed)) == least
        assert edge_cut(graph, fiduccia_mattheyses(graph, seed=seed)) == least
    assert proven_least_cut(graph, 17) == least


def proven_least_cut(graph: Graph, size: int) -> float:
    """By an integer program: x_u is the part of u, y_e >= |x_u - x_v| whether edge e is cut."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_array, csr_array, eye_array

    n, m = graph.n, graph.m
    edges, ends = np.repeat(np.arange(m), 2), graph.edge_rows.ravel()
    across = csr_array((np.tile([1.0, -1.0], m), (edges, ends)), shape=(m, n))
    A = block_array([[across, -eye_array(m)], [-across, -eye_array(m)], [csr_array(np.ones((1, n))), None]])
    bound = np.append(np.zeros(2 * m), size)
    lower = np.append(np.full(2 * m, -np.inf), size)
    answer = milp(
        np.append(np.zeros(n), graph.edge_weights),
        constraints=LinearConstraint(A.tocsr(), lower, bound),
        integrality=np.append(np.ones(n), np.zeros(m)),
        bounds=Bounds(0, 1),
    )
    assert answer.status == 0
    return round(answer.fun, 6)


# ---------------------------------------------------------------------------------------- moves


@given(ANY, IMBALANCES, st.data())
def test_fiduccia_mattheyses_is_its_definition(graph, imbalance, data):
    heaviest = heaviest_allowed(np.ones(graph.n, int), 2, imbalance)
    starts = [p for p in bisections(graph.n) if max(sum(p), graph.n - sum(p)) <= heaviest]
    parts = data.draw(st.sampled_from(starts))
    found = fiduccia_mattheyses(graph, parts, imbalance)
    assert found.tolist() == fiduccia_mattheyses_definition(neighbour_weights(quadrupled(graph)), parts, heaviest)
    assert is_valid(found, graph.n)
    assert part_weights(graph, found).max() <= heaviest
    assert edge_cut(graph, found) <= edge_cut(graph, parts)


@pytest.mark.parametrize("seed", range(6))
def test_fiduccia_mattheyses_is_its_definition_on_larger_graphs(seed):
    for graph in (random_graph(60, 150, seed), random_graph(61, 400, seed, heaviest=9), KARATE, COMPLETE):
        parts, neighbours = random_start(graph.n, seed), neighbour_weights(graph)
        heaviest = heaviest_allowed(np.ones(graph.n, int), 2, 0.1)
        found = fiduccia_mattheyses(graph, parts, 0.1).tolist()
        assert found == fiduccia_mattheyses_definition(neighbours, parts, heaviest)


def test_nodes_that_all_weigh_three():
    threes = np.full(30, 3)
    assert heaviest_allowed(threes, 2, 0.1) == 49  # 16 nodes, and room for one that weighs 1
    for seed in range(20):
        graph, parts = random_graph(30, 70, seed), random_start(30, seed)
        found = fiduccia_mattheyses(graph, parts, 0.1, vertex_weights=threes)
        assert found.tolist() == fiduccia_mattheyses_definition(neighbour_weights(graph), parts, 16)


@given(ANY, IMBALANCES, st.data())
def test_parts_keep_to_the_limit_or_none_exist(graph, imbalance, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 9), min_size=graph.n, max_size=graph.n)))
    parts = data.draw(st.none() | st.lists(st.integers(0, 1), min_size=graph.n, max_size=graph.n))
    heaviest = heaviest_allowed(weights, 2, imbalance)

    def allowed(p):
        return 0 < sum(p) < graph.n and max(weights @ p, weights.sum() - weights @ p) <= heaviest

    if not any(allowed(p) for p in bisections(graph.n)):
        with pytest.raises(
            InfeasibleError, match=f"weights of {weights.sum()} in two parts of at most {heaviest}"
        ):
            fiduccia_mattheyses(graph, parts, imbalance, vertex_weights=weights)
        return
    found = fiduccia_mattheyses(graph, parts, imbalance, vertex_weights=weights)
    assert is_valid(found, graph.n)
    assert allowed(found)
    if parts is not None and allowed(parts):
        assert edge_cut(graph, found) <= edge_cut(graph, parts)


@given(ANY, IMBALANCES, st.integers(0, 9))
def test_no_move_is_left_that_gains(graph, imbalance, seed):
    found = fiduccia_mattheyses(graph, imbalance=imbalance, seed=seed)
    heaviest = heaviest_allowed(np.ones(graph.n, int), 2, imbalance)
    for u in range(graph.n):
        moved = found.copy()
        moved[u] = 1 - moved[u]
        if is_valid(moved, graph.n) and part_weights(graph, moved).max() <= heaviest:
            assert edge_cut(graph, moved) >= edge_cut(graph, found)


@pytest.mark.parametrize("side", [0, 1])
def test_a_start_in_one_part_is_repaired(side):
    found = fiduccia_mattheyses(path_graph(100), np.full(100, side), 0.0)
    assert part_weights(path_graph(100), found).tolist() == [50, 50]
    assert edge_cut(path_graph(100), found) == 1.0
    assert set(fiduccia_mattheyses(COMPLETE, np.full(7, side), 5.0).tolist()) == {
        0,
        1,
    }  # though one part may hold all


def test_a_random_start_has_a_node_in_each_part():
    for seed in range(20):
        assert set(bisection._random_parts(np.array([5, 0, 0]), seed).tolist()) == {0, 1}
        assert bisection._random_parts(np.ones(7, int), seed).sum() == 3


def test_heavy_nodes_that_no_greedy_way_packs():
    weights, apart = [3, 2, 3, 2, 2], as_graph([(0, 2)], n=5)
    assert bisection._packed([1, 1, 1, 1], 2) in ([0, 1, 0, 1], [1, 0, 1, 0])
    with pytest.raises(InfeasibleError, match="no such split was found; allow more imbalance"):
        bisection._packed([3, 3, 3], 5)
    for parts in (None, [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]):
        found = fiduccia_mattheyses(apart, parts, 0.0, vertex_weights=weights)
        assert found[0] == found[2]
        assert part_weights(apart, found, vertex_weights=weights).tolist() == [6, 6]


@given(st.lists(st.integers(0, 30), min_size=2, max_size=9), st.integers(0, 4))
def test_a_packing_is_found_where_one_is(weights, spare):
    heaviest = max(-(-sum(weights) // 2) + spare, *weights)
    sums = [sum(w for w, p in zip(weights, parts, strict=True) if p) for parts in bisections(len(weights))]
    assume(any(max(part, sum(weights) - part) <= heaviest for part in sums))
    for found in (bisection._packed(weights, heaviest), bisection._subset(weights, min(heaviest, sum(weights)))):
        loads = [sum(w for w, p in zip(weights, found, strict=True) if p == side) for side in (0, 1)]
        assert max(loads) <= heaviest
    assert set(bisection._packed(weights, heaviest)) == {0, 1}


def test_a_search_that_would_take_too_much_memory_is_not_begun():
    weights = [3 * 10**12, 2 * 10**12, 3 * 10**12, 2 * 10**12, 2 * 10**12]
    with pytest.raises(InfeasibleError, match="was found"):
        bisection._packed(weights, 6 * 10**12)


# ---------------------------------------------------------------------------------------- an eigenvector


def fiedler(graph: Graph, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """All eigenvalues but the first, and the vector of the second, from the definition and NumPy."""
    L, d = laplacian_definition(graph), graph.to_dense().sum(axis=1)
    root = np.sqrt(d) if kind == "normalised" else np.ones(graph.n)
    lam, U = np.linalg.eigh(L / np.outer(root, root))
    return lam[1:], U[:, 1] / root


@KINDS
@given(ANY, st.data())
def test_the_cut_is_at_the_median_of_the_fiedler_vector(kind, graph, data):
    edges = zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)
    order = data.draw(st.permutations(range(graph.n)))
    path = [(u, v, 0.25) for u, v in itertools.pairwise(order)]
    joined = as_graph([(u, v, w) for (u, v), w in edges] + path, n=graph.n)
    lam, y = fiedler(joined, kind)
    assume(len(lam) == 1 or lam[1] > lam[0] * 1.001)
    found = spectral_bisection(joined, kind=kind)
    assert is_valid(found, joined.n)
    assert abs(2 * found.sum() - joined.n) <= 1
    halves = sorted([y[found == 0], y[found == 1]], key=np.mean)
    assert halves[0].max() <= halves[1].min() + 1e-8 * np.abs(y).max()


def components(graph: Graph) -> list[set[int]]:
    """Rows that edges of a weight above 0 join."""
    joined = nx.empty_graph(graph.n)
    ends = zip(graph.edge_rows.tolist(), graph.edge_weights.tolist(), strict=True)
    joined.add_edges_from((u, v) for (u, v), w in ends if w > 0)
    return list(nx.connected_components(joined))


@KINDS
@given(ANY, st.data())
def test_spectral_parts_are_valid_and_even_and_cut_one_component_at_most(kind, graph, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 9), min_size=graph.n, max_size=graph.n)))
    for vertex_weights in (None, weights):
        found = spectral_bisection(graph, kind=kind, vertex_weights=vertex_weights)
        assert is_valid(found, graph.n)
        assert sum(len(set(found[list(rows)].tolist())) == 2 for rows in components(graph)) <= 1
        loads = part_weights(graph, found, 2, vertex_weights=vertex_weights)
        assert abs(int(loads[0] - loads[1])) <= max(1, 1 if vertex_weights is None else weights.max())


@given(ANY)
def test_no_cut_is_below_the_bound_of_fiedler(graph):
    lam, _ = fiedler(graph, "combinatorial")
    for parts in bisections(graph.n):
        assert edge_cut(graph, parts) >= lam[0] * sum(parts) * (graph.n - sum(parts)) / graph.n - 1e-9


@KINDS
def test_parts_of_simple_graphs(kind):
    for n in (2, 3, 8, 9, 700):
        assert edge_cut(path_graph(n), spectral_bisection(path_graph(n), kind=kind)) == 1.0
    for n in (4, 7, 12, 600):  # the frequency comes twice
        assert edge_cut(ring_graph(n), spectral_bisection(ring_graph(n), kind=kind)) == 2.0
    assert edge_cut(grid_graph(4, 9), spectral_bisection(grid_graph(4, 9), kind=kind)) <= 5.0
    assert spectral_bisection(COMPLETE, kind=kind).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert edge_cut(as_graph([(0, 1)], n=2), spectral_bisection(as_graph([(0, 1)], n=2), kind=kind)) == 1.0


def test_a_square_grid_is_cut_along_its_rows():
    grid = grid_graph(8, 8)  # 8 and 8 along its columns is as good; the sum of both would be worse
    found = spectral_bisection(grid).reshape(8, 8)
    assert edge_cut(grid, found.ravel()) <= 10
    assert found[0].tolist() == [found[0, 0]] * 8 != found[7].tolist() == [found[7, 0]] * 8


@KINDS
def test_equal_entries_are_cut_by_row(kind):
    hubs = [5, 0]  # with 2 and 8 leaves: the cut goes through those of the second, which all have the same entry
    leaves = [9, 3, 11, 1, 7, 2, 10, 4, 8, 6]
    graph = as_graph([hubs, *((hubs[i > 1], leaf) for i, leaf in enumerate(leaves))], n=12)
    assert np.flatnonzero(spectral_bisection(graph, kind=kind) == 0).tolist() == [0, 1, 2, 3, 5, 9]


def test_a_wave_at_right_angles_to_the_row_numbers():
    path = as_graph([(2, 0, 0.75), (0, 3, 1.0), (3, 1, 0.75)], n=4)  # y = 3, 1, -1, -3 along it
    assert edge_cut(path, spectral_bisection(path)) == 1.0


def test_components_that_fit_stay_whole():
    edges = [(u, u + 1) for u in (0, 2, 3, 4, 5, 7, 8)]  # components of 2, 5 and 3 nodes
    found = spectral_bisection(as_graph(edges, n=10))
    assert edge_cut(as_graph(edges, n=10), found) == 0.0
    assert found.sum() == 5
    alone = spectral_bisection(as_graph([], n=5))
    assert sorted(part_weights(as_graph([], n=5), alone).tolist()) == [2, 3]
    weights = [5, 1, 1, 1, 1, 1]
    assert part_weights(as_graph([], n=6), spectral_bisection(as_graph([], n=6), vertex_weights=weights),
                        vertex_weights=weights).tolist() == [5, 5]  # fmt: skip


def test_vertex_weights_move_the_cut_but_not_the_order():
    path = path_graph(6)
    assert spectral_bisection(path, vertex_weights=[5, 1, 1, 1, 1, 1]).tolist() in ([0] + [1] * 5, [1] + [0] * 5)
    zeros = spectral_bisection(path, vertex_weights=np.zeros(6, int))
    assert zeros.tolist() == spectral_bisection(path).tolist()


def test_a_large_mesh_as_by_a_dense_matrix(monkeypatch):
    mesh = mesh_graph(700, seed=2)[0]
    sparse = spectral_bisection(mesh)
    monkeypatch.setattr("lessons._eigenpairs.SMALL", 1_000)
    monkeypatch.setattr(bisection, "SMALL", 1_000)
    assert sparse.tolist() == spectral_bisection(mesh).tolist()


# ---------------------------------------------------------------------------------------- all three


@EACH
def test_what_joins_nothing_changes_nothing(bisect):
    plain = as_graph([("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("d", "e")], nodes="edcba")
    edges = [(u, v, 1.0) for u, v in plain.edges()]
    odd = as_graph([*edges, ("a", "a", 9.0), ("e", "b", 0.0)], nodes="edcba")
    assert bisect(odd).tolist() == bisect(plain).tolist()
    assert list(plain.by_node(bisect(plain))) == list("edcba")


@EACH
@pytest.mark.parametrize("power", [-1000, -40, 0, 40, 900])
def test_weights_of_any_size(bisect, power):
    graph = random_graph(20, 50, seed=3, heaviest=5)
    scaled = Graph(graph.indptr, graph.indices, np.ldexp(graph.weights, power), directed=False)
    assert bisect(scaled).tolist() == bisect(graph).tolist()


@pytest.mark.parametrize("bisect", WAYS[:2])
def test_weights_whose_sums_are_rounded(bisect):
    rng = np.random.default_rng(5)
    for seed in range(20):
        graph = random_graph(30, 90, seed)
        weights = rng.choice([0.1, 0.2, 0.3, 0.7, 1e-9], graph.m)[graph.edge_ids]
        tenths = Graph(graph.indptr, graph.indices, weights, directed=False)
        start = random_start(30, seed)
        assert edge_cut(tenths, bisect(tenths, start)) <= edge_cut(tenths, start) * (1 + 1e-12)


@pytest.mark.parametrize("bisect", WAYS[:2])
def test_weights_whose_sum_is_beyond_float64(bisect):
    path = as_graph([(0, 1, 1e308), (1, 2, 0.5), (2, 3, 1e308), (3, 4, 0.5), (4, 5, 1e308)], n=6)
    found = (
        bisect(path, [0, 0, 1, 0, 1, 1], 0.4)
        if bisect is fiduccia_mattheyses
        else bisect(path, [0, 0, 0, 1, 0, 1])
    )
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert found[4] == found[5]


@EACH
@pytest.mark.parametrize("n", [0, 1])
def test_two_nodes_are_needed(bisect, n):
    with pytest.raises(ValueError, match=f"a graph of {n} nodes in two parts: two nodes are needed"):
        bisect(as_graph([], n=n))


@EACH
def test_graphs_of_another_kind(bisect):
    with pytest.raises(ValueError, match=r"to_undirected\(\)"):
        bisect(as_graph([(0, 1)], n=2, directed=True))
    with pytest.raises(ValueError, match=r"edge \('a', 'b'\) has weight -1"):
        bisect(as_graph([("a", "b", -1.0)], nodes="ab"))
    assert set(bisect(nx.path_graph(4)).tolist()) == {0, 1}


@pytest.mark.parametrize("bisect", WAYS[:2])
def test_a_start_that_does_not_fit(bisect):
    path = as_graph([("a", "b"), ("b", "c")], nodes="abc")
    with pytest.raises(ValueError, match="one for each"):
        bisect(path, [0, 1])
    with pytest.raises(ValueError, match=r"node 'b' is in part 2: 0 \.\.\. 1"):
        bisect(path, [0, 2, 1])
    with pytest.raises(TypeError, match="by node"):
        bisect(path, {"a": 0})


def test_an_empty_part_cannot_swap():
    with pytest.raises(ValueError, match="all nodes are in part 1: swaps keep the sizes"):
        kernighan_lin(path_graph(3), [1, 1, 1])


def test_other_arguments():
    path = path_graph(4)
    with pytest.raises(ValueError, match=r"imbalance=-0\.1"):
        fiduccia_mattheyses(path, imbalance=-0.1)
    with pytest.raises(ValueError, match="symmetric"):
        spectral_bisection(path, kind="random_walk")
    for bisect in WAYS[1:]:
        with pytest.raises(ValueError, match=r"node 2 weighs 0\.5: whole numbers"):
            bisect(path, vertex_weights=[1, 1, 0.5, 1])
    with pytest.raises(ValueError, match="seed=-1"):
        kernighan_lin(path, seed=-1)


@pytest.mark.parametrize("bisect", WAYS[:2])
def test_seeds_and_arguments(bisect):
    mesh = mesh_graph(101, seed=0)[0]
    assert bisect(mesh, seed=3).tolist() == bisect(mesh, seed=3).tolist()
    assert len({tuple(bisect(mesh, seed=seed).tolist()) for seed in range(8)}) > 1
    assert is_valid(bisect(mesh, seed=np.random.default_rng(1)), 101)
    start = np.array(random_start(101, 0))
    before = start.copy()
    assert bisect(mesh, start) is not start
    assert (start == before).all()
    assert part_weights(mesh, kernighan_lin(mesh, seed=1)).tolist() == [51, 50]


def test_moves_end_with_the_shortest_best_beginning():
    square = neighbour_weights(ring_graph(4))
    assert moves_definition(square, [0, 0, 1, 1], 2) == []  # moves that gain nothing are not kept
    assert fiduccia_mattheyses(ring_graph(4), [0, 0, 1, 1]).tolist() == [0, 0, 1, 1]
    assert kernighan_lin(ring_graph(4), [0, 0, 1, 1]).tolist() == [0, 0, 1, 1]
