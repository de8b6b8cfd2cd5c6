"""The sweep is every setting once, in order; what is chosen follows the rule on any C and L; all as published."""

import os
import re
from itertools import product
from random import Random

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of all our tests)
from hypothesis import given
from hypothesis import strategies as st

from lessons import _graph2nn, graph_selection
from lessons._device import compiled
from lessons.graph_measures import batch_measures
from lessons.graph_selection import PUBLISHED, Plan, select, settings, sweep
from lessons.random_graphs import ws_flex_definition, ws_flex_words

SMALL = Plan(12, least=4, degrees=3, chances=4, seeds=2, cells=3, longest=2.5, dense=0.4, coarse_dense=0.2)

with_data = pytest.mark.skipif(
    "LESSONS_DATA" not in os.environ, reason="LESSONS_DATA names no folder of downloaded data"
)


# ---------------------------------------------------------------------------------------- the sweep


def test_every_setting_once_degree_after_degree():
    degrees, chances = [4.0, ((2 + 10**0.5) / 2) ** 2, 10.0], [0.0, 1 / 9, 4 / 9, 1.0]
    found = np.column_stack(settings(SMALL))
    assert found == pytest.approx(np.array(list(product(degrees, chances, [0, 1]))))


@pytest.mark.parametrize(("n", "degrees", "least"), [(64, 300, 8), (16, 200, 4)])
def test_the_published_plans(n, degrees, least):
    k, p, seed = (each.reshape(degrees, 300, 30) for each in settings(PUBLISHED[n]))
    assert (k == k[:, :1, :1]).all()
    assert (p == p[:1, :, :1]).all()
    assert (seed == np.arange(30)).all()
    assert (k[0, 0, 0], k[-1, 0, 0]) == pytest.approx((least, n - 2))
    assert (p[0, 0, 0], p[0, 1, 0], p[0, -1, 0]) == pytest.approx((0, 1 / 299**2, 1))
    assert (np.diff(k[:, 0, 0]) > 0).all()
    assert (np.diff(p[0, :, 0]) > 0).all()


def test_the_sweep_measures_each_graph():
    table = sweep(SMALL)
    k, p, seed = settings(SMALL)
    assert np.array_equal(table[:, :4], np.column_stack([np.full(24, 12), k / 12, p, seed]))
    for row, (k_of, p_of, seed_of) in zip(table, zip(k, p, seed, strict=True), strict=True):
        graph = connected(12, k_of, p_of, Random(int(seed_of)))
        known = nx.average_clustering(graph), nx.average_shortest_path_length(graph)
        assert row[4:] == pytest.approx(known, abs=1e-12)


def connected(n, k, p, random):
    """The first of these graphs that is connected, as networkx's."""
    while True:
        graph = nx.Graph([(u, v) for u, near in enumerate(ws_flex_definition(n, k, p, random)) for v in near])
        if len(graph) == n and nx.is_connected(graph):
            return graph


def test_a_clustering_between_two_cells_is_added_up_from_the_smallest(monkeypatch):
    plan = Plan(12, least=4, degrees=5, chances=5, seeds=4, cells=3, longest=2.5)
    words = ws_flex_words(12, *settings(plan))
    monkeypatch.setattr(graph_selection, "_published_clustering", lambda few: np.full(len(few), -1.0))
    told = sweep(plan)[:, 4]
    monkeypatch.undo()
    C = batch_measures(words).C
    between = np.abs(C * 27 - np.round(C * 27)) < 1e-9
    assert 0 < between.sum() < len(C)
    assert np.array_equal(told, np.where(between, -1, C))
    for graph, found in zip(words.tolist(), graph_selection._published_clustering(words), strict=True):
        assert found == from_the_smallest(graph)


def from_the_smallest(near):
    shares = []
    for word in near:
        d, around = word.bit_count(), [u for u in range(len(near)) if word >> u & 1]
        shares.append(sum((word & near[u]).bit_count() for u in around) / (d * (d - 1)) if d > 1 else 0.0)
    total = 0.0
    for share in sorted(shares):
        total += share
    return total / len(near)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 7, 24, 100])
def test_the_sweep_is_the_same_in_any_parts_on_any_threads(monkeypatch, threads, block):
    whole = sweep(SMALL)
    monkeypatch.setattr(graph_selection, "BLOCK", block)
    assert np.array_equal(sweep(SMALL, threads=threads), whole)


def test_a_bar_is_shown_where_it_takes_long_or_is_asked_for(monkeypatch, capsys):
    sweep(SMALL)
    monkeypatch.setattr(graph_selection, "LONG", 24)
    sweep(SMALL, progress=False)
    assert capsys.readouterr().err == ""
    sweep(SMALL)
    assert "24.0/24.0" in capsys.readouterr().err
    monkeypatch.setattr(graph_selection, "LONG", 25)
    sweep(SMALL, progress=True)
    assert "graphs: 100%" in capsys.readouterr().err


def test_kernels_are_loaded_once_there_are_many_graphs_however_small_a_block(monkeypatch):
    asked = []
    monkeypatch.setattr(graph_selection, "compiled", lambda room, when: asked.append((room, when)))
    for least in (25, 24):
        monkeypatch.setattr(graph_selection, "COMPILED_FROM", least)
        sweep(SMALL)
    assert asked == [(room, many) for many in (False, True) for room in ("random_graphs", "graph_measures")]


@pytest.mark.parametrize(("threads", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_threads_are_checked(threads, error):
    with pytest.raises(error, match=f"threads={threads}: "):
        sweep(SMALL, threads=threads)


# ---------------------------------------------------------------------------------------- the choice


def by_definition(C, L, plan):
    """The three lists, cell by cell of the grid and graph by graph, without a shortcut."""
    size = 9 * plan.cells
    C_edges, L_edges = np.linspace(0, 1, size + 1).tolist(), np.linspace(1, plan.longest, size + 1).tolist()

    def number(value, edges):
        return next((i for i in range(1, size + 1) if edges[i - 1] <= value < edges[i]), None)

    order = np.random.RandomState(1).permutation(len(C)).tolist()
    cell_of = {row: (number(C[row], C_edges), number(L[row], L_edges)) for row in order}
    cell_of = {row: cell for row, cell in cell_of.items() if None not in cell}
    first = {cell: next(row for row in order if cell_of.get(row) == cell) for cell in cell_of.values()}
    kept = [row for row in order if row in first.values()]
    middle = [row for row in kept if {part % 9 for part in cell_of[row]} <= {2, 5, 8}]
    coarse = [row for row in kept if {part % 9 for part in cell_of[row]} == {5}]
    for i, j in product(range(1, size + 1), repeat=2):
        if not {i % 9, j % 9} <= {2, 5, 8} or (i, j) in first:
            continue
        if i % 9 == j % 9 == 5:
            tried = [(i + a, j + b) for a in (-1, 0, 1) for b in (-3, -2, -1, 0, 1, 2, 3)]
            threshold, lists = plan.coarse_dense, (middle, coarse)
        else:
            tried, threshold, lists = [(i, j - 1), (i, j), (i, j + 1)], plan.dense, (middle,)
        found = [first[cell] for cell in tried if cell in first]
        if C_edges[i] > threshold and found:
            for rows in lists:
                rows.append(found[0])
    return [kept, middle, coarse]


@st.composite
def measures(draw):
    """C and L of up to sixty graphs, some on edges of cells, many in few cells, some outside of the grid."""
    count, narrow = draw(st.integers(0, 60)), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    C, L = rng.random(count) ** (0.3 if narrow else 1), 1 + 1.7 * rng.random(count)
    on_edge = rng.random(count) < 0.3
    C[on_edge], L[on_edge] = np.round(C[on_edge] * 27) / 27, 1 + np.round((L[on_edge] - 1) * 18) / 18
    L[rng.random(count) < 0.05] = np.inf
    return C, L


@given(measures())
def test_what_is_chosen_is_what_the_rule_says(measured):
    C, L = measured
    assert [rows.tolist() for rows in select(C, L, SMALL)] == by_definition(C, L, SMALL)


@given(measures(), st.sampled_from([64, 16]))
def test_no_cell_is_chosen_from_twice_and_none_is_left_out(measured, n):
    C, L = measured
    plan, size = PUBLISHED[n], 9 * PUBLISHED[n].cells
    fine, middle, coarse = select(C, L, plan)
    inside = (C < 1) & (L >= 1) & (plan.longest > L)
    cells = np.column_stack(
        [np.digitize(C, np.linspace(0, 1, size + 1)), np.digitize(L, np.linspace(1, plan.longest, size + 1))]
    )
    assert sorted(cells[fine].tolist()) == np.unique(cells[inside], axis=0).tolist()
    assert set(coarse) <= set(middle) <= set(fine)


def at_cells(*cells):
    """C and L in the middle of cells of the grid for 64 nodes."""
    i, j = np.transpose(cells)
    return (i - 0.5) / 135, 1 + (j - 0.5) * 3.5 / 135


def test_an_empty_centre_is_filled_from_beside_it_where_C_is_high():
    """A middle one by L - 1 to L + 1; a coarse one from 3 x 7 cells, those of C - 1 first."""
    assert chosen_cells((104, 10)) == ([(104, 10)], [])
    assert chosen_cells((104, 9), (104, 10)) == ([(104, 9), (104, 10)], [])
    assert chosen_cells((101, 10)) == ([], [])  # C is not high enough
    assert chosen_cells((105, 10)) == ([], [])
    assert chosen_cells((114, 13), (112, 17)) == ([(112, 17)], [(112, 17)])
    assert chosen_cells((113, 18), (111, 14)) == ([(113, 18)], [])  # of (113, 17); of the coarse one too far away
    assert chosen_cells((113, 11)) == ([(113, 11), (113, 11)], [(113, 11)])


def chosen_cells(*cells):
    _, middle, coarse = select(*at_cells(*cells))
    return [cells[row] for row in middle], [cells[row] for row in coarse]


def test_the_first_in_the_published_order_is_kept():
    C, L = np.full(1000, 0.5), np.full(1000, 2.0)
    assert select(C, L).fine.tolist() == [507]  # RandomState(1).permutation(1000)[0]
    assert select(C, L).fine.dtype == np.int64


def test_choosing_leaves_numpys_generator_and_its_input_alone():
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    C, L = np.linspace(0, 1, 50), np.linspace(1, 3, 50)
    before = C.copy(), L.copy()
    select(C, L)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    assert np.array_equal((C, L), before)


@pytest.mark.parametrize(
    ("C", "L", "error", "says"),
    [
        ([0.5], [1.5, 2.0], ValueError, "C of shape (1,) and L of (2,): a number each for every graph"),
        ([[0.5]], [[1.5]], ValueError, "C of shape (1, 1) and L of (1, 1)"),
        (0.5, 1.5, ValueError, "C of shape () and L of ()"),
        (["a"], [1.5], TypeError, "C of type <U1: real numbers are needed"),
        ([0.5], {0: 1.5}, TypeError, "L by node"),
    ],
)
def test_what_is_no_c_and_l(C, L, error, says):
    with pytest.raises(error, match=re.escape(says)):
        select(C, L)


# ---------------------------------------------------------------------------------------- the long command


@pytest.fixture
def small_plans(monkeypatch):
    for n in (64, 16):
        monkeypatch.setitem(graph_selection.PUBLISHED, n, SMALL)


def test_the_command_writes_three_lists_in_the_published_form(small_plans, tmp_path, capsys):
    graph_selection.main(["--out", str(tmp_path), "--threads", "2"])
    every = sweep(SMALL)
    chosen = select(every[:, 4], every[:, 5], SMALL)
    assert capsys.readouterr().out.startswith("24 graphs of 12 nodes, of which were chosen\n")
    names = {f"graphs_n12_{len(rows)}.npy": rows for rows in chosen}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for name, rows in names.items():
        assert np.array_equal(_graph2nn.read_list(tmp_path / name, 12), every[rows])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--out"),
        (["--out", "nowhere"], "--out nowhere: there is no such folder"),
        (["--out", ".", "--nodes", "32"], "--nodes"),
        (["--out", ".", "--threads", "0"], "--threads 0: at least one is needed"),
    ],
)
def test_the_command_refuses_before_it_begins(small_plans, monkeypatch, capsys, arguments, says):
    monkeypatch.setattr(graph_selection, "sweep", None)
    with pytest.raises(SystemExit) as stopped:
        graph_selection.main(arguments)
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


# ---------------------------------------------------------------------------------------- as published

LISTS = {64: (3942, 449, 52), 16: (2698, 326, 48)}


@pytest.mark.data
@with_data
@pytest.mark.parametrize("n", LISTS)
def test_the_small_lists_follow_from_the_long_one(n):
    every, *published = (_graph2nn.graph_list(n, count) for count in LISTS[n])
    drawn = np.empty_like(every)
    drawn[np.random.RandomState(1).permutation(len(every))] = every  # so that they are met in their order
    fine, *chosen = select(drawn[:, 4], drawn[:, 5], PUBLISHED[n])
    assert np.array_equal(drawn[fine], every)
    for rows, known in zip(chosen, published, strict=True):
        assert np.array_equal(drawn[rows], known)


@pytest.mark.data
@with_data
@pytest.mark.parametrize("n", LISTS)
def test_a_clustering_between_two_cells_has_every_published_bit(n):
    """`batch_measures` gives other last bits, which on the edge of a cell tell another cell."""
    _, k, p, seed, C, L = _graph2nn.graph_list(n, LISTS[n][1]).T
    words = ws_flex_words(n, n * k, p, seed.astype(int))
    assert np.array_equal(graph_selection._published_clustering(words), C)
    measured = batch_measures(words)
    assert (measured.C != C).mean() > 0.2
    assert np.array_equal(measured.L, L)


@pytest.mark.data
@with_data
@pytest.mark.parametrize("n", LISTS)
def test_published_settings_are_in_the_sweep(n):
    k, p, seed = settings(PUBLISHED[n])
    rows = _graph2nn.graph_list(n, LISTS[n][0])
    assert np.isin(rows[:, 1], k / n).all()
    assert np.isin(rows[:, 2], p).all()
    assert np.isin(rows[:, 3], seed).all()


@pytest.mark.data
@pytest.mark.full
@with_data
@pytest.mark.parametrize("n", LISTS)
def test_the_whole_sweep_selects_exactly_the_published_rows(n):
    if compiled("graph_measures", when=True) is None:
        pytest.skip("nothing is compiled here: it would take hours")
    every = sweep(PUBLISHED[n], threads=2)
    for count, rows in zip(LISTS[n], select(every[:, 4], every[:, 5], PUBLISHED[n]), strict=True):
        known = _graph2nn.graph_list(n, count)
        assert np.array_equal(every[rows, :4], known[:, :4])
        assert np.abs(every[rows, 4:] - known[:, 4:]).max() < 1e-9
