"""The pictures of notebook 03 say what is so."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lessons import as_graph
from lessons.backpropagation import Tensor, Value, path_derivative
from lessons.show import FAINT
from lessons.show import backpropagation as show

EDGES = [("x", "a", 2.0), ("y", "a", 4.0), ("a", "b", 1.0), ("x", "b", 1.0), ("a", "c", 12.0), ("b", "c", 8.0)]


@pytest.fixture
def graph():
    return as_graph(EDGES, nodes="xyabc", directed=True)


def texts(fig):
    return [text.get_text().strip() for axes in fig.axes for text in axes.texts]


def patches(fig, kind):
    return [patch for patch in fig.axes[0].patches if isinstance(patch, kind)]


def by_paths(graph, u, v):
    slope = graph.by_edge(graph.edge_weights)
    return float(u == v) + sum(slope[u, w] * by_paths(graph, w, v) for w in graph.neighbors(u))


# ---------------------------------------------------------------------------------------- graphs


def test_slopes_and_values_are_written_and_told(graph):
    fig, alt = show.draw_slopes(graph, {"x": 4, "y": 2, "a": 8, "b": 12, "c": 96})
    assert "x = 4, y = 2, a = 8, b = 12, c = 96" in alt
    assert alt.endswith("x → a 2, x → b 1, y → a 4, a → b 1, a → c 12, b → c 8.")
    assert sorted(texts(fig)) == sorted([*"xyabc", "4", "2", "8", "12", "96", "2", "4", "1", "1", "12", "8"])
    assert len(patches(fig, FancyArrowPatch)) == 6


@pytest.mark.parametrize("seed", range(10))
def test_the_walk_ends_with_the_sums_over_paths(seed):
    rng = np.random.default_rng(seed)
    pairs = [(u, v, float(rng.integers(1, 9))) for u in range(5) for v in range(u + 1, 6) if rng.random() < 0.6]
    graph = as_graph([*pairs, *[(u, 6, 1.0) for u in range(6)]], n=7, directed=True)
    gradient, waits, walked = show.walk_after(graph, 7)
    assert gradient == {v: by_paths(graph, v, 6) for v in graph.nodes}
    assert set(waits.values()) == {0}
    for steps in range(7):
        _, waits, walked = show.walk_after(graph, steps)
        assert waits == {v: len([w for w in graph.neighbors(v) if w not in walked]) for v in graph.nodes}
        assert all(set(graph.neighbors(v)) <= set(walked) for v in walked), "nobody hands on too early"


def test_a_step_of_the_walk_is_told_in_words_and_looks(graph):
    fig, alt = show.draw_walk(graph, 2)
    told = "x 8 (1 to come), y 0 (1 to come), a 20 (complete), b 8 (done), c 1 (done)"
    assert alt == f"What has arrived after 2 of 5 nodes: {told}."
    boxes = patches(fig, FancyBboxPatch)
    looks = {label: (box.get_linewidth(), box.get_linestyle()) for label, box in zip("xyabc", boxes, strict=True)}
    assert looks["a"][0] > looks["b"][0] > looks["x"][0]
    assert looks["x"][1] != looks["b"][1], "what waits is dashed"
    faint = [arrow for arrow in patches(fig, FancyArrowPatch) if to_hex(arrow.get_edgecolor()) == FAINT]
    assert len(faint) == 4, "the edges into b and c are walked"


def test_all_steps_of_the_walk_are_of_one_size(graph):
    assert len({tuple(show.draw_walk(graph, step)[0].get_size_inches()) for step in range(6)}) == 1


@pytest.mark.parametrize("down", [False, True])
def test_boxes_do_not_overlap_and_arrows_lead_on(down):
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(2, 9))
        edges = [(u, v, "1") for u in range(n) for v in range(u + 1, n) if rng.random() < 0.4 or v == u + 1]
        boxes = {v: show._Box((f"node {v}", "1")) for v in range(n)}
        show._drawn(boxes, edges, down=down)
        for u, v, _ in edges:
            assert boxes[u].along + boxes[u].length / 2 < boxes[v].along - boxes[v].length / 2
        for u in range(n):
            for v in range(u):
                a, b = boxes[u], boxes[v]
                apart = abs(a.along - b.along) >= (a.length + b.length) / 2
                assert apart or abs(a.across - b.across) >= (a.breadth + b.breadth) / 2


def test_arrows_that_need_not_cross_do_not():
    boxes = {v: show._Box((v,)) for v in "abcd"}
    show._drawn(boxes, [("b", "c", "1"), ("a", "d", "1")])
    assert boxes["a"].across == boxes["d"].across < boxes["b"].across == boxes["c"].across


def test_the_only_one_that_hears_stands_between_the_others():
    boxes = {v: show._Box((v,)) for v in "abwcd"}
    show._drawn(boxes, [("a", "w", "1"), ("w", "c", "1"), ("b", "c", "1"), ("d", "c", "1")])
    assert sorted(boxes, key=lambda v: (boxes[v].along, boxes[v].across)) == ["a", "b", "w", "d", "c"]
    assert boxes["a"].across == boxes["w"].across == boxes["c"].across


def test_an_arrow_that_passes_a_column_passes_beside_its_boxes():
    boxes = {v: show._Box((v,)) for v in "abc"}
    way = show._way(boxes["a"], boxes["c"])
    assert len(way) == 2
    fig = show._drawn(boxes, [("a", "b", "1"), ("b", "c", "1"), ("a", "c", "2")])
    long = max(patches(fig, FancyArrowPatch), key=lambda arrow: len(arrow.get_path().vertices))
    middle = boxes["b"]
    beside = [y for x, y in long.get_path().vertices if abs(x - middle.along) <= middle.length / 2]
    assert beside
    assert all(abs(y - middle.across) > middle.breadth / 2 for y in beside)


# ---------------------------------------------------------------------------------------- tapes


def test_a_tape_of_values_has_values_gradients_and_slopes():
    x, y = Value(3.0, name="x"), Value(-2.0, name="y")
    z = x * y + x
    z.backward()
    fig, alt = show.draw_tape(z)
    assert "x = 3 with gradient −1, y = −2 with gradient 3" in alt
    assert alt.endswith("Slopes: x → mul 2 −2, y → mul 2 3, mul 2 → add 3 1, x → add 3 1.")
    assert {"x", "y", "mul 2", "add 3", "grad −1", "grad 3", "−2", "3"} <= set(texts(fig))
    assert path_derivative(z, x) == -1.0


def test_a_number_on_two_ports_has_two_arrows():
    x = Value(3.0, name="x")
    fig, alt = show.draw_tape(x * x)
    arrows = patches(fig, FancyArrowPatch)
    assert len(arrows) == 2
    assert arrows[0].get_path().vertices[0, 1] != arrows[1].get_path().vertices[0, 1]
    assert alt.count("x → mul 1 3") == 2


def test_a_tape_that_nobody_can_read_is_refused():
    x = Value(1.0)
    for _ in range(30):
        x = x + 1.0
    with pytest.raises(ValueError, match="31 values are too many to read"):
        show.draw_tape(x)
    y = Tensor(1.0)
    for _ in range(30):
        y = y + 1.0
    with pytest.raises(ValueError, match="31 values are too many to read"):
        show.draw_tape(y)


def test_a_tape_of_tensors_has_operations_shapes_and_what_is_learnt():
    W = Tensor(np.ones((4, 3)), name="W")
    out = ((np.ones((5, 4)) @ W) * W.sum(axis=0)).mean()
    fig, alt = show.draw_tape(out)
    assert alt == (
        "A tape of tensors, in the order of the computation: matmul (5×3), sum (3), mul (5×3), mean (one number). "
        "Learnt are W (4×3)."
    )
    boxes = ["W", "4×3", "matmul", "5×3", "sum", "3", "mul", "5×3", "mean", "one number"]
    assert sorted(texts(fig)) == sorted(boxes), "no port, no internal name"
    assert len(patches(fig, FancyArrowPatch)) == 5
    dotted = [box.get_linestyle() for box in patches(fig, FancyBboxPatch)].count(":")
    assert dotted == 1, "what is learnt"
    assert show.draw_tape(out, alt="Another text.")[1] == "Another text."


def test_a_tensor_on_two_ports_has_two_arrows_and_a_name_of_its_own_is_shown():
    x = Tensor(2.0, name="x")
    loss = x * x
    loss.name = "loss"
    fig, _ = show.draw_tape(loss)
    assert sorted(texts(fig)) == ["loss", "one number", "one number", "x"]
    assert len(patches(fig, FancyArrowPatch)) == 2
    assert show.draw_tape(x)[1].endswith("computation: nothing. Learnt are x (one number).")


# ---------------------------------------------------------------------------------------- curves


def test_counts_are_drawn_at_their_sizes():
    fig, alt = show.draw_counts([1, 2, 3], {"paths": [2, 4, 8], "edges": [4, 8, 12]}, "diamonds", "visits")
    assert alt == "Visits over diamonds, on a logarithmic axis. At 3: paths 8, edges 12."
    assert [line.get_ydata().tolist() for line in fig.axes[0].lines] == [[2, 4, 8], [4, 8, 12]]


def test_errors_are_drawn_with_the_step_of_theory():
    steps = [1e-2, 1e-4, 1e-6]
    fig, alt = show.draw_step_errors(steps, {"float64": [1e-4, 1e-8, 1e-9]}, {"float64": 6e-6})
    assert alt.endswith("near the dashed lines, at 6e-06 in float64.")
    curve, best = fig.axes[0].lines
    assert curve.get_ydata().tolist() == [1e-4, 1e-8, 1e-9]
    assert list(best.get_xdata()) == [6e-6, 6e-6]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (2.2, "it never gets far below that of guessing"),
        (1.0, "it falls, but slowly"),
        (0.1, "it falls to a small part of that of guessing"),
    ],
)
def test_losses_are_told_in_words_that_hold_everywhere(last, told):
    fig, alt = show.draw_losses([2.3, 2.2, last], 0.1, math.log(10))
    assert alt == f"The loss of each epoch at the learning rate 0.1: {told}."
    assert fig.axes[0].lines[0].get_ydata().tolist() == [2.3, 2.2, last]


def test_tiles_show_images_and_weights():
    images, gradient = np.arange(2 * 64.0).reshape(2, 64), np.arange(9 * 64.0).reshape(9, 64) - 300
    fig, alt = show.draw_gradient_tiles(images, gradient)
    assert alt.startswith("2 handwritten digits, and 9 tiles of 64 pixels")
    left, right = (axes.images[0].get_array() for axes in fig.axes[:2])
    assert np.array_equal(left[:8, 9:17], images[1].reshape(8, 8))
    assert np.allclose(right[9:17, :8], gradient[8].reshape(8, 8) / 300)
    gradient[:, :3] = gradient[4] = 0
    _, alt = show.draw_gradient_tiles(images, gradient)
    assert alt.endswith("Grey, where nothing changes, are 3 pixels in every tile, and 1 tiles throughout.")
    assert show.draw_gradient_tiles(images, np.zeros((1, 64)))


def test_the_least_memory_is_marked():
    fig, alt = show.draw_segments([1, 2, 4], [4 * 2**20, 2 * 2**20, 3 * 2**20])
    assert "marked at 2" in alt
    curve, mark = fig.axes[0].lines
    assert curve.get_ydata().tolist() == [4, 2, 3]
    assert np.ravel(mark.get_xydata()).tolist() == [2, 2]


def test_pictures_of_the_page_fit_on_it(graph):
    figures = [
        show.draw_slopes(graph, dict.fromkeys("xyabc", 1)),
        show.draw_counts([1, 2], {"a": [1, 2]}, "n", "m"),
        show.draw_step_errors([0.1, 1], {"a": [1, 2]}, {"a": 0.1}),
        show.draw_gradient_tiles(np.ones((1, 64)), np.ones((1, 64))),
        show.draw_segments([1, 2], [1, 2]),
    ]
    assert all(fig.get_size_inches()[0] <= 6.4 for fig, _ in figures)


# ---------------------------------------------------------------------------------------- a second opinion


def doubles(*arrays):
    import math

    return [math.prod([2.0]) * array for array in arrays]


def nothing(*arrays):
    return []


def no_numbers(*arrays):
    return [np.nan * array for array in arrays]


def test_a_second_opinion_is_asked_where_it_can_be(capsys):
    inputs = [np.array([1.0, 2.0]), np.ones((2, 2), np.float32)]
    show.second_opinion("math", doubles, inputs, [inputs[0] * 2 + 1e-6, inputs[1] * 2])
    installed = capsys.readouterr().out
    show.second_opinion("no_such_module", lambda: pytest.fail("called"), inputs, inputs)
    missing = capsys.readouterr().out
    assert installed.replace("math", "no_such_module") == missing, "one text, with and without"


def test_another_opinion_is_an_error():
    one = [np.array([1.0, 2.0])]
    with pytest.raises(AssertionError, match=r"math finds other gradients: 1\.0e\+00 apart, 1e-05 allowed"):
        show.second_opinion("math", doubles, one, one)
    with pytest.raises(AssertionError, match="nan apart"):
        show.second_opinion("math", no_numbers, one, one)
    with pytest.raises(ValueError, match="zip"):
        show.second_opinion("math", nothing, one, one)
