"""The pictures of notebook 04 say what is so."""

import re
from io import BytesIO

import numpy as np
import pytest

from lessons import as_graph
from lessons.datasets import grid_graph
from lessons.laplacian_regularization import dirichlet_energy
from lessons.show import laplacian_regularization as show

EDGES = [("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 0.5), ("c", "d", 1.0)]


@pytest.fixture
def graph():
    return as_graph(EDGES, nodes="abcd")


def texts(fig):
    return sorted(text.get_text() for axes in fig.axes for text in axes.texts)


# ---------------------------------------------------------------------------------------- small graphs


@pytest.mark.parametrize("seed", range(5))
def test_the_energy_is_told_edge_by_edge(graph, seed):
    x = np.random.default_rng(seed).integers(-5, 6, size=4)
    fig, alt = show.draw_signal(graph, x, energy=True)
    told = float(re.search(r"Its energy is ([\d.]+),", alt)[1])
    parts = [
        float(part)
        for part in re.search(r"edge by edge: (.+)\.$", alt)[1].split(", ")
        for part in part.split()[-1:]
    ]
    assert told == dirichlet_energy(graph, x) == sum(parts)
    assert fig.axes[0].get_title() == f"energy {told:g}"
    assert sorted(parts) == sorted(w * (x["abcd".index(u)] - x["abcd".index(v)]) ** 2 for u, v, w in EDGES)
    assert set(texts(fig)) >= {*"abcd", *(f"{value}".replace("-", "−") for value in x)}


def test_known_nodes_have_the_thicker_rim_and_larger_values_are_darker(graph):
    fig, alt = show.draw_signal(graph, [0.0, 1 / 3, 2 / 3, 1.0], known="ad")
    discs = fig.axes[0].collections
    assert [disc.get_linewidths()[0] > 2 for disc in discs] == [True, False, False, True]
    light = [disc.get_facecolors()[0][:3].sum() for disc in discs]
    assert light == sorted(light, reverse=True)
    assert alt == "A signal on a graph: 0 at a, 0.33 at b, 0.67 at c, 1 at d."


@pytest.mark.parametrize(
    ("edges", "n", "x"),
    [
        ([], 1, [3.0]),
        ([(0, 1)], 2, [0.0, 0.0]),
        ([(0, 0), (0, 1)], 3, [-0.001, 5.0, 2.0]),
        ([(0, 1)], 3, [1e-9, 1, 1]),
    ],
)
def test_small_graphs_of_all_sorts_are_drawn(edges, n, x):
    fig, alt = show.draw_signal(as_graph(edges, n=n), x, energy=True)
    fig.savefig(BytesIO(), format="png")
    assert "−0 " not in alt
    assert "nan" not in alt


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 2, "0"),
        (-0.001, 2, "0"),
        (1.0, 2, "1"),
        (10.0, 0, "10"),
        (100.0, 2, "100"),
        (-2.5, 2, "−2.5"),
        (1 / 7, 2, "0.14"),
    ],
)
def test_numbers_are_short(value, digits, text):
    assert show._short(value, digits) == text


def test_places_lie_down_and_keep_their_distances():
    at = np.random.default_rng(0).standard_normal((7, 2)) * [1, 5]
    lying = show._lying(at)
    assert np.ptp(lying[:, 0]) > np.ptp(lying[:, 1])
    apart = [np.linalg.norm(places[:, None] - places, axis=2) for places in (at, lying)]
    assert np.allclose(*apart)
    assert lying[0, 0] <= 0


# ---------------------------------------------------------------------------------------- labels


def test_labels_are_drawn_in_boxes_as_numerals_and_as_dots():
    graph = grid_graph(3, 3)
    labels = np.array([0, -1, -1, -1, 1, -1, -1, -1, 2])
    fig, alt = show.draw_labels(graph, labels, known=[0, 4, 8])
    assert texts(fig) == ["0", "1", "2"]
    assert len(fig.axes[0].collections[1].get_offsets()) == 6, "dots"
    assert (
        alt
        == "The neighbour graph of 9 digits, 3 of them in boxes, with their labels. All others are dots: unknown."
    )


@pytest.mark.parametrize(("wrong", "told"), [(0, "few"), (1, "few"), (2, "many")])
def test_wrong_labels_are_in_circles_and_few_below_a_tenth(wrong, told):
    graph = grid_graph(3, 5)
    found = np.arange(graph.n) >= graph.n - wrong
    fig, alt = show.draw_labels(graph, found.astype(int), known=[0], truth=np.zeros(graph.n))
    assert alt.endswith(f"that are wrong, are {told} among the labels given to the others; none is left out.")
    (marks,) = (drawn for drawn in fig.axes[0].collections if drawn.get_zorder() == 4)
    assert len(marks.get_offsets()) == wrong
    assert not len(marks.get_facecolors()), "open, so that the label can be read"


def test_unknown_labels_are_not_wrong():
    fig, alt = show.draw_labels(as_graph([(0, 1), (2, 3)], n=4), [0, 0, -1, -1], known=[0], truth=[0, 0, 1, 1])
    assert alt.endswith("are few among the labels given to the others; those that no label reaches are dots.")
    (marks,) = (drawn for drawn in fig.axes[0].collections if drawn.get_zorder() == 4)
    assert not len(marks.get_offsets())


# ---------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.0, "far smoother than the clean one"),
        (0.7, "smoother than the clean one"),
        (1.0, "about as rough as the clean one"),
        (2.0, "rougher than the clean one"),
        (3.0, "far rougher than the clean one"),
    ],
)
def test_roughness_is_the_energy_beside_that_of_the_clean_picture(factor, words):
    clean = np.random.default_rng(0).random((5, 7))
    assert show.roughness(factor * clean, clean) == words
    fig, alt = show.draw_picture(factor * clean, clean, "title")
    assert alt == f"The photograph, {words}."
    assert fig.axes[0].get_title() == "title"


def test_pictures_stand_side_by_side_and_are_compared_with_the_first():
    clean = np.random.default_rng(0).random((4, 4))
    fig, alt = show.draw_pictures({"clean": clean, "flat": 0 * clean, "double": 2 * clean})
    assert [axes.get_title() for axes in fig.axes] == ["clean", "flat", "double"]
    assert np.array_equal(fig.axes[2].images[0].get_array(), 2 * clean)
    assert fig.axes[1].images[0].get_clim() == (0, 1), "one scale for all"
    assert "flat (far smoother than the clean one), double (rougher than the clean one)" in alt


# ---------------------------------------------------------------------------------------- runs and weights


def test_means_and_spreads_are_those_of_the_runs():
    runs = {"one": [[0.5, 0.7], [0.9, 0.9]], "other": [[0.2, 0.2], [0.88, 0.92]]}
    fig, _ = show.draw_accuracies(["few", "many"], runs)
    bars = fig.axes[0].containers
    assert np.allclose([bar.lines[0].get_ydata() for bar in bars], [[60, 90], [20, 90]])
    assert [bar.get_label() for bar in bars] == ["one", "other"]
    ends = [[segment[:, 1] for segment in bar.lines[2][0].get_segments()] for bar in bars]
    assert np.allclose(ends[0][0], [60 - 10 * 2**0.5, 60 + 10 * 2**0.5])
    assert np.allclose(ends[1][0], [20, 20])
    assert len({bar.lines[0].get_marker() for bar in bars}) == 2, "told apart by their marks, too"


def test_only_clear_leads_are_told():
    near = {"a": [[0.90, 0.90]], "b": [[0.91, 0.91]], "c": [[0.92, 0.92]]}
    assert show.draw_accuracies([1], near, "label")[1].endswith("for 1 label. None is clearly ahead.")
    far = {"a": [[0.5, 0.5]], "b": [[0.7, 0.7]], "c": [[0.9, 0.9]]}
    assert show.draw_accuracies([1], far)[1].endswith("for 1. Clearly apart: at 1: c ahead, at 1: a behind.")
    middle = {"a": [[0.5, 0.5]], "b": [[0.88, 0.88]], "c": [[0.9, 0.9]]}
    assert show.draw_accuracies([1], middle)[1].endswith("Clearly apart: at 1: a behind.")


def test_of_many_ways_those_in_front_are_told_in_order():
    means = {"a": 0.4, "b": 0.41, "c": 0.42, "d": 0.6, "e": 0.7}
    runs = {name: [[mean, mean]] for name, mean in means.items()}
    assert show.draw_accuracies([1], runs)[1].endswith("Clearly apart: at 1: e before d ahead.")


def test_a_way_that_was_not_tried_at_a_place_is_left_out_there():
    fig, alt = show.draw_accuracies(["here", "there"], {"a": [[0.5, 0.5], [0.9, 0.9]], "b": [[], [0.1, 0.1]]})
    assert [len(bar.lines[0].get_xdata()) for bar in fig.axes[0].containers] == [2, 1]
    assert np.rint(fig.axes[0].containers[1].lines[0].get_xdata()) == [1]
    assert "nan" not in alt


def test_eight_ways_can_be_told_apart_and_no_more():
    runs = {f"way {k}": [[0.1 * k, 0.1 * k]] for k in range(8)}
    fig, _ = show.draw_accuracies([1], runs)
    assert len({bar.lines[0].get_marker() for bar in fig.axes[0].containers}) == 8
    with pytest.raises(ValueError, match="9 ways: 8 can be told apart"):
        show.draw_accuracies([1], {**runs, "one more": [[0.5, 0.5]]})


@pytest.mark.parametrize("side", [2, 8, 24])
def test_weights_are_tiles_and_the_smoothest_is_named(side):
    rough = np.random.default_rng(0).standard_normal((3, side * side))
    smooth = np.linspace(1, 2, 3 * side * side).reshape(3, -1)
    fig, alt = show.draw_weights({"rough": rough, "large and smooth": 100 * smooth})
    assert alt.endswith("Smoothest, for their size, are those of large and smooth.")
    sheet = fig.axes[0].images[0].get_array()
    assert np.array_equal(sheet[:, :side], rough[0].reshape(side, side))
    assert np.array_equal(
        sheet[:, -2 * side - 2 * (1 + side // 8) : -side - 2 * (1 + side // 8)], rough[1].reshape(side, side)
    )


def test_weights_that_are_all_zero_are_drawn():
    fig, alt = show.draw_weights({"nothing": np.zeros((2, 4))})
    assert fig.axes[0].images[0].get_clim() == (-1, 1)
    assert "nothing" in alt


def test_pictures_of_the_page_fit_on_it(graph):
    figures = [
        show.draw_signal(graph, [1, 2, 3, 4]),
        show.draw_labels(graph, [0, -1, -1, 1], known=[0, 3]),
        show.draw_pictures({"a": np.eye(3), "b": np.eye(3)}),
        show.draw_accuracies([1], {"a": [[0.1, 0.2]], "b": [[0.3, 0.4]]}),
        show.draw_weights({"a": np.eye(4)}),
    ]
    assert all(fig.get_size_inches()[0] <= 6.4 for fig, _ in figures)
