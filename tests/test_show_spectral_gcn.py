"""The pictures of notebook 10 say what is so."""

import re

import networkx as nx
import numpy as np
import pytest

from lessons import as_graph
from lessons.datasets import digits, ring_graph, sensor_graph
from lessons.show import _checked
from lessons.show import spectral_gcn as show


@pytest.fixture(scope="module")
def city():
    return sensor_graph(30, seed=3)


def marks(axis):
    """The places of dots, circles and squares of a map."""
    return [np.asarray(scatter.get_offsets()) for scatter in axis.collections[1:]]


# ---------------------------------------------------------------------------------------- what a filter reaches


@pytest.mark.parametrize("k", [0, 1, 2, 4])
def test_reach_tells_how_many_are_seen_and_how_far(city, k):
    graph, at = city
    hops = nx.single_source_shortest_path_length(graph.to_networkx(), 7)
    row = np.array([(-1.0) ** v * (hops[v] <= k) for v in range(30)])
    fig, alt = show.draw_reach(graph, at, row, 7)
    seen = [v for v in range(30) if hops[v] <= k]
    far = max(hops[v] for v in seen)
    assert f"sees {len(seen)}, up to {far} edge{'' if far == 1 else 's'} away." in alt
    assert fig.axes[0].get_title() == f"{len(seen)} of 30"
    for places, here in zip(marks(fig.axes[0]), (row == 0, row > 0, row < 0), strict=True):
        assert np.allclose(places, at[here])
    paths = [scatter.get_paths()[0] for scatter in fig.axes[0].collections[2:]]
    assert len(paths[0].vertices) > len(paths[1].vertices), "circles above zero, squares below"
    assert np.allclose(fig.axes[0].lines[0].get_xydata(), at[7])


def test_larger_weights_have_larger_marks(city):
    graph, at = city
    fig, _ = show.draw_reach(graph, at, np.arange(30.0), 5)
    sizes = fig.axes[0].collections[2].get_sizes()
    assert (np.diff(sizes) > 0).all()


def test_a_filter_that_sees_nothing_and_a_node_that_is_alone(city):
    graph, at = city
    assert "it sees 0, up to 0 edges away." in show.draw_reach(graph, at, np.zeros(30), 0)[1]
    lone = as_graph([(0, 1)], n=3)
    assert "it sees 1, up to 0 edges away." in show.draw_reach(lone, np.eye(3)[:, :2], [0, 0, 2.0], 2)[1]


# ---------------------------------------------------------------------------------------- eigenvalues


def test_every_eigenvalue_is_in_its_histogram():
    spectra = {"Â": [-1.0, -0.004, 0.5, 1.0], "I + Â": [0.0, 0.996, 1.5, 2.0]}
    fig, alt = show.draw_eigenvalues(spectra)
    assert alt == "Where the 4 eigenvalues lie: Â −1.00 to 1.00, I + Â 0.00 to 2.00."
    for axis, (name, lam) in zip(fig.axes, spectra.items(), strict=True):
        assert axis.get_title(loc="left") == name
        assert sum(bar.get_height() for bar in axis.patches) == 4
        filled = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches if bar.get_height()]
        assert all(any(low - 1e-9 <= value <= high + 1e-9 for low, high in filled) for value in lam)
    assert len({axis.get_xlim() for axis in fig.axes}) == 1


def test_one_spectrum_and_what_rounding_puts_outside():
    fig, alt = show.draw_eigenvalues({"S": np.linalg.eigvalsh(ring_graph(8).to_dense() / 2) - 1e-15})
    assert sum(bar.get_height() for bar in fig.axes[0].patches) == 8
    assert "−1.00 to 1.00" in alt


# ---------------------------------------------------------------------------------------- smoothing


@pytest.mark.parametrize(("depth", "told"), [(0, "all"), (1, "12%"), (3, "0.05%")])
def test_smoothed_digits_lie_where_they_are_beside_the_energy_that_is_left(depth, told):
    y, energies = digits()[1][:40], [2000.0, 240.0, 16.0, 1.0]
    Z = np.random.default_rng(0).standard_normal((40, 2))
    fig, alt = show.draw_smoothed(Z, y, energies, depth)
    above, below = fig.axes
    assert f"{depth} round{'' if depth == 1 else 's'} of smoothing" in alt
    assert f"; {told} of the energy is left." in alt
    drawn = np.concatenate([np.asarray(scatter.get_offsets()) for scatter in above.collections])
    assert np.allclose(np.sort(drawn, axis=0), np.sort(Z, axis=0))
    assert len(above.collections) == len(np.unique(y))
    curve, dot = below.lines
    assert np.allclose(curve.get_ydata(), energies)
    assert dot.get_ydata() == [energies[depth]]
    assert dot.get_xdata() == [curve.get_xdata()[depth]]


def test_without_any_energy_there_is_a_picture_too():
    alt = show.draw_smoothed(np.zeros((2, 2)), [0, 1], [0.0, 0.0], 1)[1]
    assert "0% of the energy" in alt


def test_depths_tell_of_large_changes_only():
    runs = {
        "level": [[0.9, 0.91], [0.5, 0.5], [0.88, 0.9]],
        "lost": [[0.9, 1.0], [], [0.4, 0.6]],
        "gained": [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]],
        "late": [[], [0.8, 0.9], [0.7, 0.8]],
    }
    fig, alt = show.draw_depths((2, 8, 16), runs, "layers")
    told = "level stays from 2 to 16, lost falls from 2 to 16, gained rises from 2 to 16, late falls from 8 to 16"
    assert alt == f"Share that is right, over layers: {told}."
    axis = fig.axes[0]
    means = [line for line in axis.lines if line.get_label() in runs]
    for line, lists in zip(means, runs.values(), strict=True):
        tried = [(place, 100 * np.mean(values)) for place, values in enumerate(lists) if values]
        assert np.allclose(line.get_xydata(), tried)
    assert len({line.get_marker() for line in means}) == 4, "not by colour alone"
    assert len({line.get_linestyle() for line in means}) == 4
    single = [line for line in axis.lines if line.get_label() not in runs]
    assert sum(len(line.get_ydata()) for line in single) == 20
    assert [label.get_text() for label in axis.get_xticklabels()] == ["2", "8", "16"]


# ---------------------------------------------------------------------------------------- recorded


@pytest.fixture
def table():
    rows = {"renormalised": [810, 820, 830], "MLP": [550, 560, 600]}
    return {
        "of": 1000,
        "planetoid": {"cora": rows, "citeseer": {name: counts[::-1] for name, counts in rows.items()}},
        "published": {data: {"renormalised": 81.5, "MLP": 55.1} for data in ("cora", "citeseer")},
        "graph alone": {"cora": {"label spreading": 700}, "citeseer": {"label spreading": 450}},
    }


def test_recorded_figures_are_drawn_beside_the_published(table):
    fig, alt = show.draw_recorded(table)
    assert "renormalised 82.0 ± 0.6 on Cora, published 81.5; MLP 57.0 ± 1.5 on Cora, published 55.1" in alt
    errors = [np.std(counts, ddof=1) / 10 / 3**0.5 for counts in table["planetoid"]["cora"].values()]
    for axis, spreading in zip(fig.axes, (70.0, 45.0), strict=True):
        (bars,) = axis.containers
        assert np.allclose(bars.lines[0].get_xydata(), [(82.0, 0), (57.0, 1), (spreading, 2)])
        ends = np.array(bars.lines[2][0].get_segments())[:, :, 0]
        assert np.allclose(np.ptp(ends, axis=1) / 2, [*errors, 0])
        assert np.allclose(axis.lines[-1].get_xydata(), [(81.5, 0), (55.1, 1)])
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == [
        "renormalised",
        "MLP",
        "label spreading",
    ]


def test_means_and_errors_are_those_of_the_seeds(table):
    mean, error = show.recorded_accuracy(table, "cora", "MLP")
    shares = np.array([55.0, 56.0, 60.0])
    assert (mean, error) == (pytest.approx(shares.mean()), pytest.approx(shares.std(ddof=1) / 3**0.5))
    assert show.recorded_accuracy(table, "citeseer", "label spreading") == (45.0, 0.0)


def test_a_lead_is_taken_seed_by_seed(table):
    apart = np.array([26.0, 26.0, 23.0])
    told = show.ahead(table, "cora", "renormalised", "MLP")
    mean, error, published = map(float, re.findall(r"[+-]?\d+\.\d+", told))
    assert mean == pytest.approx(apart.mean(), abs=0.005)
    assert error == pytest.approx(apart.std(ddof=1) / 3**0.5, abs=0.005)
    assert published == pytest.approx(26.4)
    assert show.ahead(table, "cora", "renormalised", "label spreading") == "+12.00 ± 0.58"


def test_alt_texts_are_short(table, city):
    graph, at = city
    for _, alt in (
        show.draw_reach(graph, at, np.eye(30)[0], 0),
        show.draw_eigenvalues({"S": [0.0, 1.0]}),
        show.draw_smoothed(np.eye(2), [3, 4], [2.0, 1.0], 1),
        show.draw_depths((1, 2), {"one": [[1.0], [0.5]]}, "layers"),
        show.draw_recorded(table),
    ):
        assert _checked(alt) == alt
