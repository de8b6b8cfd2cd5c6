"""The pictures of notebook 07 say what is so."""

import re

import numpy as np
import pytest

from lessons import as_graph
from lessons.datasets import grid_graph, path_graph, sensor_graph
from lessons.graph_signals import filter_exact, fourier_basis, frequency, heat, low_pass, tikhonov
from lessons.laplacian_regularization import laplacian
from lessons.show import _checked
from lessons.show import graph_signals as show


@pytest.fixture(scope="module")
def city():
    return sensor_graph(30, seed=3)


@pytest.fixture(scope="module")
def basis(city):
    return fourier_basis(city[0])


def marks(axis):
    """Circles and squares of a map: for each, the places, the sizes and the values."""
    return [(np.asarray(s.get_offsets()), s.get_sizes(), np.asarray(s.get_array())) for s in axis.collections[1:]]


# ---------------------------------------------------------------------------------------- signals on nodes


def test_places_are_those_of_the_numbering():
    ring = show.ring_places(12)
    steps = np.linalg.norm(np.diff(ring, axis=0, append=ring[:1]), axis=1)
    assert np.allclose(steps, steps[0])
    assert np.allclose(ring[3], [0, 1])
    u, v = grid_graph(3, 5).edge_rows.T
    grid = show.grid_places(3, 5)
    assert np.allclose(np.abs(grid[u] - grid[v]).sum(axis=1), 1)
    assert (grid[0] == [0, 0]).all()
    assert (grid[-1] == [4, -2]).all()


def test_maps_draw_each_value_where_it_is_by_shape_size_and_shade(city):
    graph, at = city
    x = np.linspace(-2, 1, 30)
    fig, alt = show.draw_maps(graph, at, {"one": x, "other\n0.5": 3 * x})
    circles, squares = marks(fig.axes[0])
    for (places, sizes, values), here in ((circles, x >= 0), (squares, x < 0)):
        assert np.allclose(places, at[here])
        assert np.allclose(values, x[here])
        assert (np.argsort(sizes, kind="stable") == np.argsort(np.abs(x[here]), kind="stable")).all()
    paths = [collection.get_paths()[0] for collection in fig.axes[0].collections[1:]]
    assert len(paths[0].vertices) > len(paths[1].vertices), "circles above zero, squares below"
    energy = x @ (laplacian(graph) @ x) / (x @ x)
    assert f"one {energy:.3f}, other {energy:.3f}." in alt
    assert [axis.get_title() for axis in fig.axes] == ["one", "other\n0.5"]
    assert len(fig.axes[0].collections[0].get_segments()) == graph.m


def test_marks_of_one_top_can_be_compared(city):
    graph, at = city
    x = np.ones(30)
    apart = show.draw_maps(graph, at, {"one": x, "half": x / 2})[0]
    alike = show.draw_maps(graph, at, {"one": x, "half": x / 2}, top=1.0)[0]
    sizes = [[marks(axis)[0][1][0] for axis in fig.axes] for fig in (apart, alike)]
    assert sizes[0][0] == sizes[0][1]
    assert sizes[1][0] > sizes[1][1]


def test_maps_are_as_high_as_their_places_and_cut_no_mark_off():
    sizes = {}
    for rows, columns in ((6, 8), (4, 4), (1, 30), (30, 1)):
        graph = grid_graph(rows, columns)
        fig, _ = show.draw_maps(
            graph, show.grid_places(rows, columns), {"x": np.ones(graph.n), "y": -np.ones(graph.n)}
        )
        sizes[rows, columns] = fig.get_size_inches()[1] - 0.25
        assert not any(marks.get_clip_on() for axis in fig.axes for marks in axis.collections[1:])
    assert np.allclose(list(sizes.values()), [3.2 * 5 / 7, 3.2, 3.2 * 0.4, 3.2])


def test_a_signal_of_zeros_and_a_graph_without_edges_are_drawn():
    graph = as_graph([], n=3)
    fig, alt = show.draw_maps(graph, np.eye(3)[:, :2], {"nothing": np.zeros(3)})
    assert "nothing 0.000." in alt
    assert len(fig.axes) == 1


def test_changes_of_sign_pass_over_zeros():
    assert show.sign_changes([1, 0, -1, -1, 0, 0, 1]) == 2
    assert show.sign_changes([1, 0, 1]) == 0
    assert show.sign_changes([0, 0]) == 0
    assert show.sign_changes([1, 1e-16, -1e-16, 1]) == 0


@pytest.mark.parametrize("n", [2, 5, 6, 7])
def test_notes_of_a_path_are_told_with_their_changes(n):
    basis = fourier_basis(path_graph(n))
    fig, alt = show.draw_notes(basis.U, basis.lam)
    told = re.findall(r"(\d\.\d\d) (\d) changes?", alt)
    assert [int(count) for _, count in told] == list(range(n))
    assert np.allclose([float(lam) for lam, _ in told], basis.lam, atol=0.005)
    drawn = [axis for axis in fig.axes if axis.lines]
    assert len(drawn) == n
    assert all(np.allclose(axis.lines[1].get_ydata(), u) for axis, u in zip(drawn, basis.U.T, strict=True))
    assert "1 change," in alt or n == 2


# ---------------------------------------------------------------------------------------- frequencies


def test_the_share_below_the_cutoff_is_that_of_the_energy():
    lam, low, even = np.array([0.0, 1.0, 2.0, 3.0]), [3.0, 4.0, 0.0, 0.0], [-1.0, 1.0, -1.0, 1.0]
    fig, alt = show.draw_spectrum(lam, {"low": low, "even": even, "none": [0, 0, 0, 0]}, cutoff=1.0)
    assert alt.endswith("at 1: low 100%, even 50%, none 0%.")
    assert len({axis.get_ylim() for axis in fig.axes}) == 1
    lengths = [np.ptp(np.array(segment)[:, 1]) for segment in fig.axes[1].collections[0].get_segments()]
    assert lengths == [1, 1, 1, 1]


def test_responses_are_told_in_the_middle():
    fig, alt = show.draw_responses({"heat": heat(1.0), "ideal": low_pass(1.0), "smoothing": tikhonov(1.0)}, [0, 4])
    assert alt.endswith(f"In the middle, at 2.00: heat {np.exp(-2):.2f}, ideal 0.00, smoothing 0.33.")
    styles = [line.get_linestyle() for line in fig.axes[0].lines[:3]]
    assert len(set(styles)) == 3, "not by colour alone"


@pytest.mark.parametrize("t", [0.0, 0.5, 8.0])
def test_a_filtered_signal_is_drawn_beside_the_size_of_the_one_before(city, basis, t):
    graph, at = city
    x = np.random.default_rng(0).standard_normal(30)
    fig, alt = show.draw_filtered(graph, at, basis, x, heat, t)
    y = filter_exact(basis, x, heat(t))
    drawn = np.concatenate([values for _, _, values in marks(fig.axes[0])])
    assert np.allclose(np.sort(drawn), np.sort(y))
    assert f"filtered {frequency(graph, y):.3f}." in alt
    assert fig.axes[0].get_title() == f"frequency {frequency(graph, y):.3f}"


# ---------------------------------------------------------------------------------------- polynomials


@pytest.mark.parametrize("response", [heat(2.0), low_pass(2.0)])
@pytest.mark.parametrize("order", [0, 1, 12, 60])
def test_a_fit_meets_the_response_where_it_says(response, order):
    fig, alt = show.draw_fit(response, 7.5, order)
    wanted, drawn, meet = fig.axes[0].lines
    assert len(meet.get_xdata()) == order + 1
    on_curve = np.interp(meet.get_xdata()[::-1], drawn.get_xdata(), drawn.get_ydata())
    assert np.allclose(on_curve, meet.get_ydata()[::-1], atol=0.02)
    wanted, drawn = wanted.get_ydata(), drawn.get_ydata()
    share = (abs(wanted - drawn) > 0.1).mean()
    told = f"A response and its polynomial of order {order} on 0 to 7.5: more than 0.1 apart on {share:.0%} of the"
    assert alt.startswith(told)
    above, below = max(drawn.max() - wanted.max(), 0), max(wanted.min() - drawn.min(), 0)
    assert alt.endswith(f"up to {above:.2f} above all that was wanted and {below:.2f} below.")


def test_a_jump_is_followed_more_closely_with_more_orders_but_for_the_overshoot():
    told = [show.draw_fit(low_pass(2.0), 7.5, order)[1] for order in (4, 12, 48)]
    shares = [int(re.search(r"(\d+)% of the frequencies", alt)[1]) for alt in told]
    assert shares == sorted(shares, reverse=True)
    assert all(float(re.search(r"to (0\.\d\d) above", alt)[1]) > 0.08 for alt in told)


def test_errors_below_rounding_are_not_told_in_digits():
    alt = show.draw_errors([1, 40], {"heat": [0.1, 3e-15], "ideal": [0.4, 0.09]})[1]
    assert alt.endswith("At order 40: heat no more than rounding, ideal at most 0.09.")


# ---------------------------------------------------------------------------------------- judged


def test_the_least_of_each_curve_is_marked():
    fig, alt = show.draw_choice([0, 0.5, 2], {"held out": [3, 1, 2], "truth": [2, 1.5, 1]}, "t")
    assert alt == "The error over the setting t. Least: held out at 0.5, truth at 2."
    squares = [line.get_xydata().tolist() for line in fig.axes[0].lines if line.get_marker() == "s"]
    assert squares == [[[1, 1]], [[2, 1]]]
    assert [tick.get_text() for tick in fig.axes[0].get_xticklabels()] == ["0", "0.5", "2"]


def test_of_many_settings_some_are_labelled():
    settings = [0, *(2.0 ** np.arange(-4, 3.1, 0.25))]
    fig, alt = show.draw_choice(settings, {"x": np.abs(np.array(settings) - 0.6)}, "t")
    labels = [tick.get_text() for tick in fig.axes[0].get_xticklabels()]
    assert [float(label) for label in labels] == [settings[int(place)] for place in fig.axes[0].get_xticks()]
    assert labels == ["0", "0.125", "0.25", "0.5", "1", "2", "4", "8"]
    assert alt.endswith("Least: x at 0.595.")


def test_scores_tell_mean_and_spread():
    trials = {"none": [1.0, 2.0, 3.0], "filter": [0.5, 0.5, 0.5]}
    fig, alt = show.draw_scores(trials, "degrees off")
    assert alt.endswith("none 2.00 ± 1.00, filter 0.50 ± 0.00.")
    assert [tick.get_text() for tick in fig.axes[0].get_yticklabels()] == ["none", "filter"]
    ticks = [
        line.get_xdata().tolist()
        for line in fig.axes[0].lines
        if line.get_marker() == "|" and len(line.get_xdata()) == 3
    ]
    assert ticks[0] == [1.0, 2.0, 3.0]


def test_each_digit_is_drawn_once_with_its_numeral():
    y = np.arange(20) % 10
    Z = np.random.default_rng(2).standard_normal((20, 3))
    Z[y == 7, 1] += 100
    fig, alt = show.draw_embeddings({"a": Z, "b": np.roll(Z, 1, axis=0)}, y)
    assert alt.startswith("20 digits, each drawn as its numeral,")
    assert alt.endswith("lies the mean of 7 in a and 8 in b.")
    places = [np.asarray(c.get_offsets()) for c in fig.axes[0].collections]
    assert [len(group) for group in places] == [2] * 10
    assert np.allclose(places[3], Z[y == 3, :2])


def test_farthest_out_is_told_from_the_middle_and_in_the_spread_of_each_coordinate():
    y = np.repeat([0, 1, 2], 2)
    Z = np.column_stack([1000 + np.array([-3, 3, 2, 2, -1, -1]), [0, 0, 0, 0, 0.01, 0.01]])
    assert show._farthest(Z, y) == 2


def test_a_pixel_is_the_mean_of_its_nodes():
    at = np.array([[0.1, 0.1], [0.2, 0.2], [0.9, 0.1], [1.0, 1.0]])
    fig, alt = show.draw_fields(at, {"x": [1.0, 3.0, -1.0, 5.0]}, cells=2)
    image = np.asarray(fig.axes[0].images[0].get_array().filled(np.nan))
    assert np.array_equal(image, [[2.0, -1.0], [np.nan, 5.0]], equal_nan=True)
    assert alt == "Signals on 4 nodes as images, with their standard deviation: x 2.24."


def test_pictures_fit_on_the_page_and_are_told_in_two_sentences(city, basis):
    graph, at = city
    x = np.arange(30.0)
    pictures = [
        show.draw_maps(graph, at, dict.fromkeys("abcd", x)),
        show.draw_notes(basis.U[:, :6], basis.lam[:6]),
        show.draw_spectrum(basis.lam, {"x": x}, 1.0),
        show.draw_responses({"heat": heat(1.0)}, basis.lam),
        show.draw_filtered(graph, at, basis, x, tikhonov, 2.0),
        show.draw_fit(heat(1.0), 6.0, 5),
        show.draw_errors([1, 2], {"x": [1, 0.1]}),
        show.draw_choice([0, 1], {"x": [1, 0]}, "t"),
        show.draw_scores({"x": [1.0, 2.0]}, "m"),
        show.draw_embeddings({"x": np.column_stack([x, x])}, np.arange(30) % 10),
        show.draw_fields(at, {"x": x}),
    ]
    for fig, alt in pictures:
        assert fig.get_size_inches()[0] <= 6.4
        assert _checked(alt) == alt
