"""The pictures of notebook 12 say what is so."""

import numpy as np
import pytest

from lessons.show import _checked
from lessons.show import sweet_spot as show
from lessons.sweet_spot import Box, Groups, in_cells, quadratic

SPOT = Box(0.43, 0.50, 1.82, 2.28)


def groups(C, L, mean):
    return Groups.of(C, L, np.array(mean)[:, None] + [[-0.1, 0.0, 0.1]])


FOUR = groups([0.1, 0.45, 0.47, 1.0], [2.2, 2.0, 2.1, 1.0], [32.5, 32.0, 32.1, 33.4])


def lines(axis, look):
    return [line for line in axis.lines if line.get_marker() == look]


def dashed(axis):
    """The boxes with dashed edges, as Box."""
    patches = [patch for patch in axis.patches if patch.get_linestyle() in ("--", "dashed")]
    return [
        Box(*(float(end) for end in (p.get_x(), p.get_x() + p.get_width(), p.get_y(), p.get_y() + p.get_height())))
        for p in patches
    ]


# ---------------------------------------------------------------------------------------- maps


@pytest.mark.parametrize(("parts", "written"), [(5, 3), (15, 4), (16, 0)])
def test_a_map_has_a_cell_for_each_group_and_figures_where_there_is_room(parts, written):
    cells = in_cells(FOUR, parts)
    fig, alt = show.draw_map(cells, parts, {"spot": SPOT})
    axis = fig.axes[0]
    assert len(axis.patches) == len(cells) + 1
    assert [text.get_text() for text in axis.texts if text.get_text() != "spot"] == (
        [f"{mean:.1f}" for mean in cells.mean] if written else []
    )
    assert len(cells) == written or not written
    assert np.allclose(dashed(axis), [SPOT])
    best = int(np.argmin(cells.mean))
    assert f"lowest at C {cells.C[best]:.2f}, L {cells.L[best]:.2f}. Marked: spot." in _checked(alt)


def test_cells_lie_where_their_groups_are():
    (cell, *_) = show.draw_map(in_cells(FOUR, 5), 5)[0].axes[0].patches
    left, low = cell.get_xy()
    assert (left, low) == pytest.approx((0.8, 1.0))
    assert (cell.get_width(), cell.get_height()) == pytest.approx((0.2, 0.7))


def test_cells_that_are_framed_have_an_edge():
    fig, alt = show.draw_map(FOUR, 15, framed=[False, True, True, False])
    assert [patch.get_linewidth() > 0 for patch in fig.axes[0].patches] == [False, True, True, False]
    assert "Marked: 2 cells with a frame." in _checked(alt)


def test_what_stays_is_a_dot_in_a_box_and_what_goes_a_cross():
    fig, alt = show.draw_kept(FOUR, [True, False, False, True], SPOT)
    axis = fig.axes[0]
    assert np.allclose(lines(axis, "o")[0].get_xydata(), [[0.45, 2.0], [0.47, 2.1]])
    assert np.allclose(lines(axis, "x")[0].get_xydata(), [[0.1, 2.2], [1.0, 1.0]])
    assert np.allclose(dashed(axis), [(0.45, 0.47, 2.0, 2.1)])
    assert "2 of 4 are not clearly worse" in alt
    assert "all six share C 0.43 to 0.50, L 1.82 to 2.28" in _checked(alt)
    assert "share no box" in show.draw_kept(FOUR, [True, False, False, True])[1]


def test_intervals_are_the_ends_of_boxes_and_the_shade_what_they_share():
    boxes = {"one": Box(0.1, 0.5, 1.8, 2.7), "other": Box(0.43, 0.7, 1.5, 2.28)}
    fig, alt = show.draw_intervals(boxes, SPOT)
    for axis, ends in zip(fig.axes, (slice(0, 2), slice(2, 4)), strict=True):
        assert [tuple(line.get_xdata()) for line in axis.lines] == [box[ends] for box in boxes.values()]
        (shade,) = axis.patches
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == pytest.approx(SPOT[ends])
    assert "Boxes of one, other" in _checked(alt)
    assert "They share no box." in show.draw_intervals(boxes, None)[1]


def test_places_that_were_found_more_often_are_darker():
    fig, alt = show.draw_often([SPOT, Box(0.45, 0.6, 2.0, 2.5)], 4, {"printed": SPOT})
    (mesh,) = fig.axes[0].collections
    share = np.asarray(mesh.get_array()).reshape(351, 201)
    at = [
        share[round((L - 1) * 100), round(200 * C)] for C, L in ((0.47, 2.1), (0.44, 1.9), (0.55, 2.4), (0.8, 2.0))
    ]
    assert at == pytest.approx([50, 25, 25, 0])
    assert "4 tries; dashed: printed" in _checked(alt)


# ---------------------------------------------------------------------------------------- runs, fits, curves


def test_runs_are_dots_and_the_bar_is_mean_and_spread():
    fig, alt = show.draw_runs({"a": [1.0, 2.0, 3.0], "b": [4.0, 4.0]})
    assert "a 2.00 ± 0.82; b 4.00 ± 0.00" in _checked(alt)
    assert np.allclose(lines(fig.axes[0], "o")[0].get_xydata(), [[1, 0], [2, 0], [3, 0]])


def test_a_histogram_counts_every_graph_and_marks_who_is_told():
    values = np.linspace(32, 34, 101)
    fig, alt = show.draw_histogram(values, {"last": 34.0, "first": 32.0})
    assert sum(bar.get_height() for bar in fig.axes[0].patches if hasattr(bar, "get_height")) == 101
    assert sorted(text.xy for text in fig.axes[0].texts) == [(32.0, 0), (34.0, 0)]
    assert "101 graphs. Marked: last 34.00, first 32.00." in _checked(alt)


def test_the_parabola_is_the_one_that_was_fitted():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    fit = quadratic(x, x**2 - 2 * x)
    fig, alt = show.draw_fits({"L": (x, x**2 - 2 * x, fit)})
    curve = max(fig.axes[0].lines, key=lambda line: len(line.get_xdata())).get_xydata()
    assert np.allclose(curve[:, 1], curve[:, 0] ** 2 - 2 * curve[:, 0])
    assert "over L 4 graphs, lowest at 1.00, R² 1.00" in _checked(alt)


def test_correlations_are_told_for_the_marked_epoch():
    fig, alt = show.draw_by_epoch([1, 3, 10], {"a": [0.1, 0.25, 1.0], "b": [0.5, 0.75, 1.0]}, marked=3)
    assert "After epoch 3: a 0.25, b 0.75." in _checked(alt)
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["a", "b"]


def test_a_table_has_every_figure_and_tells_the_extremes():
    fig, alt = show.draw_agreement(["a", "b", "c"], [[1, 0.9, 0.2], [0.9, 1, 0.5], [0.2, 0.5, 1]])
    assert len(fig.axes[0].texts) == 9
    assert "Highest b and a 0.90, lowest c and a 0.20." in _checked(alt)


def test_the_curse_is_the_gap_between_both_lines():
    fig, alt = show.draw_curse([1, 10], [31.0, 32.0], [32.5, 32.25], 32.7, [0.5, 0.125])
    assert "by 1.50 points for one graph and 0.25 for 10" in _checked(alt)
    (bars,) = fig.axes[0].containers
    out, caps, (sticks,) = bars
    assert list(out.get_ydata()) == [32.5, 32.25]
    assert [[low, high] for (_, low), (_, high) in sticks.get_segments()] == [[32.0, 33.0], [32.125, 32.375]]
    chosen, everyone = (line for line in fig.axes[0].lines if line is not out and line not in caps)
    assert list(chosen.get_ydata()) == [31.0, 32.0]
    assert everyone.get_ydata()[0] == 32.7


def test_slices_stand_where_their_densities_are():
    density, errors = [0.2, 0.3, 0.6, 1.0], [32.0, 32.5, 33.0, 33.5]
    fig, alt = show.draw_slices(density, errors, [0.2, 0.4, 0.8], [0.5, -0.25])
    above, below = fig.axes
    assert [(bar.get_x(), bar.get_height()) for bar in below.patches] == [(0.2, 0.5), (0.4, -0.25)]
    assert [len(line.get_xdata()) for line in above.lines] == [3, 1]
    assert "Errors of 3 graphs over density. " in _checked(alt)
    assert "0.50, -0.25." in alt


# ---------------------------------------------------------------------------------------- runs of our own


def test_the_lowest_so_far_is_of_the_graphs_that_were_tried():
    errors = np.array([[5.0, 7.0], [4.0, 4.0], [9.0, 9.0], [3.0, 3.0]])
    fig, alt = show.draw_sweep(errors, 2)
    (steps,) = (line for line in fig.axes[0].lines if line.get_drawstyle() == "steps-post")
    assert list(steps.get_ydata()) == [6.0, 4.0]
    assert fig.axes[0].get_ylim() == show.draw_sweep(errors, 3)[0].axes[0].get_ylim(), "for a slider"
    assert "2 graphs" in _checked(alt)
    assert not any(digit in alt for digit in "3456789"), "figures are of one machine"


def test_levels_are_less_their_mean_and_the_complete_graph_is_told():
    fig, alt = show.draw_levels({"clean": [1.0, 2.0, 3.0, 6.0], "noisy": [5.0, 5.0, 5.0, 5.0]})
    strokes = lines(fig.axes[0], "|")
    assert [list(line.get_xdata()) for line in strokes] == [[-2.0, -1.0, 0.0], [0.0, 0.0, 0.0]]
    assert "clean +3.00, noisy +0.00" in _checked(alt)
