"""The pictures of notebook 00 say what is so."""

import networkx as nx
import numpy as np
import pytest

from lessons import as_graph, course, datasets
from lessons.show import graph as show_graph
from lessons.show import start_here as show

EDGES = [(0, 1), (0, 2), (1, 2), (2, 3)]


def test_arrows_of_the_map_point_right_and_imply_every_requirement():
    lessons = course.lessons()
    arrows = show._needed_arrows(lessons)
    at = show._map_positions(lessons, arrows)
    assert all(at[start][0] < at[end][0] for start, end in arrows)
    required = nx.DiGraph((first, lesson.id) for lesson in lessons for first in lesson.requires)
    assert nx.transitive_closure(nx.DiGraph(arrows)).edges == nx.transitive_closure(required).edges


def test_no_two_lessons_of_the_map_overlap():
    lessons = course.lessons()
    at = np.array(list(show._map_positions(lessons, show._needed_arrows(lessons)).values()))
    apart = np.abs(at[:, None] - at[None, :])
    touching = (apart[..., 0] < show.BOX[0]) & (apart[..., 1] < show.BOX[1])
    assert touching.sum() == len(lessons), "each box overlaps itself alone"


def test_the_map_draws_every_lesson():
    fig, alt = show.draw_map(course.lessons())
    written = " ".join(text.get_text() for text in fig.axes[0].texts)
    assert all(f"{lesson.number:02d}" in written for lesson in course.lessons())
    assert "points right" in alt


def test_messages_go_from_source_to_target():
    _, alt = show.draw_messages(as_graph(EDGES, n=4, directed=True), [1, 10, 100, 1000])
    assert "0 says 1, 1 says 10, 2 says 100, 3 says 1000." in alt
    assert "0 hears 0, 1 hears 1, 2 hears 11, 3 hears 100." in alt


@pytest.mark.parametrize(
    ("angle", "told"),
    [
        (45, "3.00 times as long; v is an eigenvector"),
        (135, "1.00 times as long; v is an eigenvector"),
        (0, "2.24 times as long; S turns v by 27 degrees"),
        (90, "2.24 times as long; S turns v by -27 degrees"),
        (180, "2.24 times as long; S turns v by 27 degrees"),
    ],
)
def test_stretching(angle, told):
    assert told in show.draw_stretch(angle)[1]


def test_the_secant_of_the_square():
    assert "over a step of 0.5, of slope 2.50" in show.draw_slope(0.5)[1]


@pytest.mark.parametrize("weights", [True, False])
def test_the_marked_piece_of_indices_is_the_neighbours(weights):
    edges = [(u, v, 2.0) for u, v in EDGES] if weights else EDGES
    fig, alt = show.draw_arrays(as_graph(edges, n=5), marked=2)
    assert "entries 4 to 6 of indices, marked, are the neighbours 0, 1, 3 of node 2" in alt
    names = {text.get_text() for text in fig.axes[1].texts}
    assert ("weights" in names) == weights


def test_one_edge_as_two_matrices():
    fig, alt = show.draw_two_nodes()
    describes, acts = (axes.images[0].get_array() for axes in fig.axes[1:])
    assert describes[0, 1] == acts[1, 0] == 1
    assert describes.sum() == acts.sum() == 1
    assert "row = source" in alt
    assert "row = receiver" in alt


def test_the_neighbours_of_a_digit():
    graph = datasets.digits_graph(5)
    _, y = datasets.digits()
    for digit in (10, 69, 5, 455, 1796):
        near = graph.neighbors(digit)
        fig, alt = show.draw_neighbors(digit, graph)
        assert f"among {min(len(near), 8)} of its {len(near)} neighbours" in alt
        assert f"with the same label: {sum(y[near] == y[digit])} of {len(near)}." in alt
        assert sum(bool(axes.images) for axes in fig.axes) == min(len(near), 8) + 1


def test_every_digit_is_drawn():
    fig, _ = show.draw_digits(datasets.digits_graph(5))
    drawn = sum(len(points.get_offsets()) for points in fig.axes[0].collections[1:])
    assert drawn == 1797


def test_values_stand_aside_of_edges():
    path = as_graph(EDGES, n=5)
    at = np.array([[0, 0], [1, 0], [0.5, -1], [0.5, -2], [9, 9]], float)
    aside = np.array([show_graph._free_direction(path, at, row) for row in range(5)])
    for row, label in enumerate(path.nodes):
        steps = at[[path.index(other) for other in path.neighbors(label)]] - at[row]
        assert all(step @ aside[row] < 0.5 * np.linalg.norm(step) for step in steps)
    assert aside[4].round(6).tolist() == [0, 1], "above, where nothing is in the way"
