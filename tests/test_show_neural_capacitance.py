"""The pictures of notebook 13 say what is so."""

import numpy as np
import pytest

from lessons.prediction_of_accuracy import bayesian_line, intercept
from lessons.resilience import collapse_curve, regulatory
from lessons.show import _checked
from lessons.show import neural_capacitance as show


def points(axis, look):
    """The places of all marks of one kind."""
    drawn = [line.get_xydata() for line in axis.lines if line.get_marker() == look]
    return np.concatenate(drawn) if drawn else np.empty((0, 2))


# ---------------------------------------------------------------------------------------- dynamics, synapses


def test_an_arrow_leads_from_the_column_to_the_row():
    fig, alt = show.draw_acting([[0, 2, 0], [0, 0, 0], [0.5, 0, 0]], "abc")
    assert "weights: b → a 2, a → c 0.5." in _checked(alt)
    assert {"2", "0.5"} <= {text.get_text() for text in fig.axes[0].texts}


def test_the_reduced_equation_is_a_curve_and_networks_are_marks():
    curve = collapse_curve(regulatory, np.linspace(0.2, 5, 200))
    fig, alt = show.draw_collapse(curve, {"random": ([1, 3], [0, 0]), "signed": ([4], [2.0])}, 2.0)
    axis = fig.axes[0]
    assert points(axis, "o").tolist() == [[1, 0], [3, 0]]
    assert points(axis, "s").tolist() == [[4, 2]]
    stable, other, silent = axis.lines[:3]
    assert stable.get_ydata().min() > 1 >= other.get_ydata().max()
    assert set(silent.get_ydata()) == {0}
    assert "begins at 2.00. Silent although the curve has life: random at 3.0; signed never." in _checked(alt)


@pytest.mark.parametrize(("lit", "before", "after"), [((2, 0, 1), 3, 2), ((1, 1, 2), 0, 2), ((4, 0, 0), 2, 0)])
def test_synapses_are_joined_where_a_unit_joins_them(lit, before, after):
    fig, alt = show.draw_line_graph([3, 2, 2, 2, 2], lit)
    left, right = fig.axes
    assert "18 synapses with 28 links" in _checked(alt)
    assert f"linked with {before} of the layer before and {after} of the next" in alt
    assert len(right.lines) == 28
    assert sum(line.get_linewidth() > 2 for line in right.lines) == before + after
    assert sum(line.get_linewidth() > 3 for line in left.lines) == 1


def test_entries_of_p_are_signs_in_blocks_beside_the_diagonal():
    P = np.zeros((4, 4))
    P[0, 2], P[1, 3] = 0.5, -0.1
    fig, alt = show.draw_coupling(P, [2, 2])
    written = {tuple(text.get_position()): text.get_text() for text in fig.axes[0].texts}
    assert written == {(2, 0): "+", (3, 1): "−"}
    assert "1 such blocks" in _checked(alt)
    P[2, 0] = 1.0
    with pytest.raises(AssertionError, match="layer before"):
        show.draw_coupling(P, [2, 2])


# ---------------------------------------------------------------------------------------- learning


def test_training_is_told_without_digits_of_a_machine():
    accuracy, falls, jumps = [0.1, 0.5, 0.83], [2.0, 1.0, 0.04], [0.5, -3.0, 0.02]
    fig, alt = show.draw_training(accuracy, falls, jumps)
    assert [axis.lines[0].get_ydata().tolist() for axis in fig.axes] == [accuracy, falls, jumps]
    assert "Over 2 epochs" in _checked(alt)
    assert "falls to less than a tenth" in alt
    assert "changes its sign" in alt
    _, other = show.draw_training(accuracy, [1.0, 1.0, 0.5], [1.0, 2.0, 3.0])
    assert "does not fall to a tenth" in other
    assert "keeps its sign" in other


def test_the_dotted_line_is_in_proportion():
    fig, alt = show.draw_against_errors([1.0, 0.1, 0.01], [2.0, 0.2, 0.02])
    _checked(alt)
    (dotted,) = (line for line in fig.axes[0].lines if line.get_linestyle() == ":")
    assert np.allclose(dotted.get_ydata() / dotted.get_xdata(), 2)


def test_curves_end_where_nothing_more_was_seen_and_keep_their_names_apart():
    runs = np.array([[0.1, 0.5, 0.6, 0.7], [0.1, 0.51, 0.5, 0.5], [0.1, 0.2, 0.3, 0.9]])
    fig, alt = show.draw_curves(runs, seen=1)
    assert [len(line.get_xdata()) for line in fig.axes[0].lines[:3]] == [2, 2, 2]
    assert "epochs 0 to 1 of 3; highest first: b, a, c." in _checked(alt)
    heights = sorted(text.get_position()[1] for text in fig.axes[0].texts)
    assert min(np.diff(heights)) >= 0.055 - 1e-12
    fig, alt = show.draw_curves(runs, seen=3, final=[0.7, 0.6, 0.5])
    assert "The best in the end is a." in _checked(alt)
    assert [line.get_linewidth() > 2 for line in fig.axes[0].lines[:3]] == [True, False, False]


@pytest.mark.parametrize("heights", [[0.3, 0.1, 0.9], [0.5, 0.5, 0.5], [0.9, 0.88, 0.1, 0.86, 0.13]])
def test_names_are_moved_no_farther_than_must_be(heights):
    moved = np.array(show._apart(np.array(heights), 0.05))
    assert np.diff(np.sort(moved)).min() >= 0.05 - 1e-12
    assert moved.mean() == pytest.approx(np.mean(heights))
    if np.diff(np.sort(heights)).min() >= 0.05:
        assert moved == pytest.approx(heights)


# ---------------------------------------------------------------------------------------- predictions


def test_the_line_meets_zero_at_the_prediction():
    pytest.importorskip("sklearn")
    beta, accuracy = np.array([2.0, 1.0, 0.5]), np.array([0.3, 0.5, 0.62])
    fig, alt = show.draw_intercepts({"a": (beta, accuracy, 0.8)})
    axis, level = fig.axes[0], intercept(beta, accuracy)
    assert np.allclose(points(axis, "D"), [[0, level]])
    assert np.allclose(points(axis, "s"), [[0, 0.8]])
    assert np.allclose(points(axis, "o"), np.column_stack([beta / 2, accuracy]))
    (start, end) = axis.lines[0].get_xydata()
    assert start[1] == pytest.approx(level)
    assert (end[1] - start[1]) / end[0] == pytest.approx(bayesian_line(beta / 2, accuracy).slope)
    assert f"a {level:.2f}, came 0.80" in _checked(alt)


def test_every_predictor_has_its_mean_and_its_error():
    fig, alt = show.draw_taus({"last accuracy": [0.5, 0.7], "beta": [0.1, 0.3], "noise": [0.4, 0.4]}, 3)
    axis = fig.axes[0]
    assert "after 3 epochs: last accuracy 0.60, beta 0.20, noise 0.40." in _checked(alt)
    means = [container.lines[0] for container in axis.containers]
    assert [line.get_xdata()[0] for line in means] == pytest.approx([0.6, 0.2, 0.4])
    assert [line.get_marker() for line in means] == ["o", "s", "o"]
    (sticks,) = axis.containers[0].lines[2]
    assert np.allclose(np.ravel(sticks.get_segments())[::2], [0.5, 0.7])


def row_of(question, zoo, mean, holm):
    return {"question": question, "zoo": zoo, "mean": mean, "error": 0.01, "holm": holm}


def test_marks_are_filled_where_a_difference_is_clear():
    rows = [row_of("beta or noise", "one", -0.4, 0.001), row_of("beta or noise", "other", 0.02, 0.9)]
    rows += [row_of("1/t or last", "one", 0.1, 0.06), row_of("1/t or last", "other", 0.2, 0.04)]
    fig, alt = show.draw_tests(rows)
    marks = [container.lines[0] for container in fig.axes[0].containers]
    assert [line.get_markerfacecolor() == line.get_color() for line in marks] == [True, False, False, True]
    assert [line.get_xdata()[0] for line in marks] == [-0.4, 0.02, 0.1, 0.2]
    assert "2 zoos" in _checked(alt)
    assert "beta or noise: -0.40 to +0.02, 1 clear; 1/t or last: +0.10 to +0.20, 1 clear." in alt
