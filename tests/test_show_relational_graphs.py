"""The pictures of notebook 11 say what is so."""

import re

import numpy as np
import pytest

from lessons import as_graph
from lessons.datasets import path_graph, ring_graph
from lessons.relational_graphs import node_sizes, relational_mask
from lessons.show import _checked
from lessons.show import relational_graphs as show


def complete(n):
    return as_graph(np.argwhere(np.triu(np.ones((n, n)), 1)), n=n)


def drawn(axis):
    """The mask of a picture, and where it lies: left, right, bottom, top."""
    (image,) = axis.images
    return np.asarray(image.get_array(), bool), image.get_extent()


# ---------------------------------------------------------------------------------------- conversations, masks


def test_conversations_show_every_edge_and_every_weight():
    graphs = {"ring": ring_graph(6), "all": complete(6)}
    masks = {"ring": relational_mask(graphs["ring"], 12), "all": relational_mask(graphs["all"], 8)}
    fig, alt = show.draw_conversations(graphs, masks)
    assert "ring 6 edges, 12 units, 50% of the weights; all 15 edges, 8 units, 100% of the weights." in alt
    above, below = fig.axes[:2], fig.axes[2:]
    for axis, (name, graph) in zip(above, graphs.items(), strict=True):
        lines, nodes = axis.collections
        at = np.asarray(nodes.get_offsets())
        curves = np.array(lines.get_segments())
        assert axis.get_title() == f"{name}: {graph.m} edges"
        assert np.allclose(np.linalg.norm(at, axis=1), 1), "on a circle"
        assert np.allclose(curves[:, [0, -1]], at[graph.edge_rows])
    for axis, mask, told in zip(below, masks.values(), ("12 units,\n50%", "8 units,\n100%"), strict=True):
        assert (drawn(axis)[0] == mask).all()
        assert axis.get_xlabel() == f"{told} of the weights kept"


def test_edges_to_near_nodes_are_bent_apart():
    """On a straight line those to the second and third neighbour could not be told from the circle."""
    edges = [(0, 1), (0, 2), (0, 3), (0, 32), (63, 0)]
    fig, _ = show.draw_conversations({"one": as_graph(edges, n=64)}, {"one": np.eye(64)})
    curves = np.array(fig.axes[0].collections[0].get_segments())
    middles = np.linalg.norm(curves[:, 8], axis=1)
    first, *others = (middles[as_graph(edges, n=64).edges().index(edge)] for edge in edges[:4])
    assert 1 > first > others[0] + 0.02 > others[1] + 0.04
    assert others[2] == pytest.approx(0), "across"
    assert middles[-1] == pytest.approx(first), "as near the other way round"


def test_equal_areas_are_equal_numbers_of_weights():
    masks = {"small": np.ones((8, 8)), "large": np.eye(12)}
    fig, _ = show.draw_conversations({"small": complete(4), "large": complete(4)}, masks)
    small, large = fig.axes[2:]
    assert small.get_xlim() == large.get_xlim()
    assert [np.ptp(drawn(axis)[1][:2]) for axis in (small, large)] == [8, 12]
    assert [np.ptp(drawn(axis)[1][2:]) for axis in (small, large)] == [8, 12]


def test_masks_have_the_first_row_on_top_and_say_how_many_weights_there_are():
    mask = np.tril(np.ones((3, 2), bool))
    fig, alt = show.draw_masks({"one\ntwo": mask})
    assert alt == "Masks, dark where a weight is: one two, 5 weights of 6."
    shown, (_, _, bottom, top) = drawn(fig.axes[0])
    assert (shown == mask).all()
    assert bottom > top, "rows from above"
    assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("heard", "hears")


def test_lines_part_the_units_of_different_nodes():
    graph = path_graph(3)
    fig, _ = show.draw_masks({"5 to 8": relational_mask(graph, 8, 5), "3 to 3": relational_mask(graph, 3)}, "abc")
    first, second = fig.axes
    across, down = (np.array(lines.get_segments()) for lines in first.collections)
    assert np.allclose(across[:, 0, 1], np.cumsum([0, *node_sizes(8, 3)]) - 0.5)
    assert np.allclose(down[:, 0, 0], np.cumsum([0, *node_sizes(5, 3)]) - 0.5)
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "b", "c"]
    fig.draw_without_rendering()
    boxes = first, second
    scales = [np.abs(np.diff(axis.transData.transform([[0, 0], [1, 1]]), axis=0)) for axis in boxes]
    assert np.allclose(scales, scales[0][0, 0], rtol=1e-3), "a weight is as large in both"
    for axis, columns in zip(boxes, (5, 3), strict=True):
        assert axis.get_xlim() == (-0.5, columns - 0.5), "so that the title stands over the mask"
        assert not any(lines.get_clip_on() for lines in axis.collections), "the frame is not cut"


# ---------------------------------------------------------------------------------------- the plane of C and L


@pytest.mark.parametrize("parts", [15, 135])
def test_a_graph_lies_in_the_cell_of_its_c_and_l(parts):
    rng = np.random.default_rng(0)
    C, L = rng.random(300), 1 + 3.5 * rng.random(300)
    i, j = (np.digitize(x, np.linspace(*axis, parts + 1)) - 1 for x, axis in ((C, show.C_AXIS), (L, show.L_AXIS)))
    assert show.cells(C, L, parts) == set(zip(i.tolist(), j.tolist(), strict=True))


def test_rounding_does_not_move_a_graph_and_what_is_outside_is_in_no_cell():
    assert show.cells([0.6], [2.0]) == show.cells([0.6 - 1e-16], [2.0]) == show.cells([9 / 15], [2.0])
    assert show.cells([1.0, 1.0, 0.0], [1.0, 4.5, 1.0]) == {(14, 0), (14, 14), (0, 0)}
    assert show.cells([0.5, 0.5, 0.5], [np.inf, 4.6, 0.0]) == set()


def test_coverage_shades_as_many_cells_as_it_tells():
    planes = {"two": ([0.1, 0.11, 0.9], [1.1, 1.12, 4.0]), "none": ([0.5], [np.inf])}
    fig, alt = show.draw_coverage(planes)
    assert alt.endswith("hold a graph: two 2, none 0.")
    for axis, count in zip(fig.axes, (2, 0), strict=False):
        shaded = np.asarray(axis.collections[0].get_array())
        assert shaded.sum() == count
        assert axis.get_title().endswith(f": {count}")
    shaded = np.asarray(fig.axes[0].collections[0].get_array()).reshape(15, 15)
    assert shaded[0, 1] == shaded[12, 13] == 1, "L upwards, C to the right"
    assert [axis.axison for axis in fig.axes] == [True, True, False, False, False, False]


def test_the_instrument_shows_what_it_tells():
    mask = relational_mask(ring_graph(8), 8)
    fig, alt = show.draw_rewired(mask, 0.25, 2.5, 1539)
    above, below = fig.axes
    assert alt == "A mask with 38% of all weights; C 0.25, L 2.50, width 1,539."
    assert (drawn(above)[0] == mask).all()
    assert above.get_title() == "width 1,539"
    assert below.lines[-1].get_xydata().tolist() == [[0.25, 2.5]]


# ---------------------------------------------------------------------------------------- rewiring, widths


def test_rewiring_is_told_as_shares_of_the_first():
    p, curves = [0.01, 0.1, 1.0], {"C": [0.8, 0.6, 0.2], "L": [4.0, 3.0, 3.0], "width": [700, 700, 700]}
    fig, alt = show.draw_rewiring(p, curves)
    assert alt == "What is left when p rises from 0.01 to 1: C 25%, L 75%, width 100%."
    assert np.allclose(fig.axes[0].lines[0].get_ydata(), [1.0, 0.75, 0.25])
    assert len({line.get_linestyle() for line in fig.axes[0].lines}) == 3, "not by colour alone"
    assert fig.axes[0].get_ylabel() == "share of the value at p = 0.01"


def test_widths_are_told_from_the_sparse_end_to_the_dense():
    fig, alt = show.draw_widths([1.0, 0.14, 0.5], [512, 1539, 800], [[0.14, 1.0], [1539, 512]])
    assert alt.startswith("Widths of 3 graphs over the share of weights that their masks keep, 14% to 100%.")
    assert alt.endswith("They fall from 1,539 to 512.")
    line, dots = fig.axes[0].lines[:2]
    assert np.allclose(line.get_xydata(), [[0.14, 1539], [1.0, 512]])
    assert np.allclose(dots.get_xydata(), [[1.0, 512], [0.14, 1539], [0.5, 800]])


# ---------------------------------------------------------------------------------------- brains, selection


def test_brains_in_the_box_are_told():
    places = {
        "printed": {"cat": (0.5, 2.0), "macaque_whole": (0.6, 2.0)},
        "other": {"cat": (0.3, 2.0), "macaque_whole": (0.45, 1.9)},
    }
    fig, alt = show.draw_brains(places, ([0.4, 0.5], [1.8, 2.2]))
    assert alt.endswith("Inside of the dashed box lie: cat by printed, macaque_whole by other.")
    axis = fig.axes[0]
    assert np.allclose(axis.lines[0].get_xydata(), [[0.5, 2.0], [0.6, 2.0]])
    assert np.allclose(axis.lines[2].get_xydata(), [[0.5, 2.0], [0.3, 2.0]]), "a line joins those of the cat"
    (box,) = axis.patches
    assert np.allclose([*box.get_xy(), box.get_width(), box.get_height()], [0.4, 1.8, 0.1, 0.4])
    assert {text.get_text(): tuple(text.xy) for text in axis.texts} == {
        "cat": (0.3, 2.0),
        "macaque, whole": (0.45, 1.9),
    }
    printed, other = axis.lines[:2]
    assert printed.get_fillstyle() == "none", "what lies under the first can be seen"
    assert printed.get_zorder() > other.get_zorder()
    empty = show.draw_brains(places, ([0.9, 1.0], [1.0, 1.1]))[1]
    assert empty.endswith("lie: none.")


def test_what_was_chosen_is_marked():
    C, L = np.linspace(0.1, 0.9, 9), np.linspace(4.0, 1.2, 9)
    fig, alt = show.draw_selected(C, L, [1, 4, 7], [4])
    grown, some, few = fig.axes[0].lines
    assert "9 graphs" in alt
    assert re.search(r"\b3 of them\b.*\b1\b", alt)
    assert np.allclose(grown.get_xydata(), np.column_stack([C, L]))
    assert np.allclose(some.get_xdata(), C[[1, 4, 7]])
    assert np.allclose(few.get_xydata(), [[C[4], L[4]]])
    assert grown.get_fillstyle() == "none"
    assert grown.get_markersize() > some.get_markersize(), "seen around those that were chosen"


def test_alt_texts_are_short():
    mask = np.eye(4, dtype=bool)
    one = {"one": {"cat": (0.5, 2.0)}}
    for _, alt in (
        show.draw_conversations({"ring": ring_graph(4)}, {"ring": mask}),
        show.draw_masks({"one": mask}),
        show.draw_coverage({"one": ([0.5], [2.0])}),
        show.draw_rewired(mask, 0.5, 2.0, 600),
        show.draw_rewiring([0.1, 1.0], {"C": [1.0, 0.5]}),
        show.draw_widths([0.5], [600], [[0.1, 1.0], [900, 512]]),
        show.draw_brains(one, ([0.4, 0.5], [1.8, 2.2])),
        show.draw_selected([0.5], [2.0], [0], []),
    ):
        assert _checked(alt) == alt
