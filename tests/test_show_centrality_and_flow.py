"""The pictures of notebook 06 say what is so."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from lessons import as_graph
from lessons.flow_networks import max_flow
from lessons.neurons import neuron_graph
from lessons.offloading import Split
from lessons.show import _checked
from lessons.show import centrality_and_flow as show

EDGES = [("s", "a", 5), ("s", "b", 5), ("a", "c", 6), ("a", "d", 3), ("b", "c", 6), ("d", "c", 1)]
EDGES += [("c", "t", 4), ("d", "t", 6)]


@pytest.fixture
def net():
    return as_graph(EDGES, nodes="sabcdt", directed=True)


def written(axis):
    return [text.get_text() for text in axis.texts]


def arrows(axis):
    """Width of each arrow, and whether it is solid, in the order of the edges."""
    return [(arrow.get_linewidth(), arrow.get_linestyle() in ("-", "solid")) for arrow in axis.patches]


def test_ways_are_counted_and_thick(net):
    ways = {"few": ["s", "a", "c", "t"], "short": ["s", "a", "d", "c", "t"]}
    fig, alt = show.draw_ways(net, show.SIX, ways)
    assert _checked(alt).endswith(
        "few s → a → c → t (3 edges, length 15), short s → a → d → c → t (4 edges, length 13)."
    )
    for axis, way in zip(fig.axes, ways.values(), strict=True):
        thick = [edge for edge, (width, _) in zip(net.edges(), arrows(axis), strict=True) if width == 4]
        assert set(thick) == set(pairwise(way))
        assert {width for width, _ in arrows(axis)} == {0.8, 4.0}, "the others are thin"
        assert written(axis)[:8] == [f"{w:g}" for w in net.edge_weights]


def test_a_flow_and_its_cut(net):
    found = max_flow(net, "s", "t")
    fig, alt = show.draw_flow(net, show.SIX, found.flow, found.source_side)
    assert "Dashed, a cut: a → d and c → t lead out of s, a, b, c, with 7 of 7." in _checked(alt)
    dashed = [edge for edge, (_, solid) in zip(net.edges(), arrows(fig.axes[0]), strict=True) if not solid]
    assert dashed == [("a", "d"), ("c", "t")]
    assert "cut" not in show.draw_flow(net, show.SIX, found.flow)[1]


@pytest.mark.parametrize("seed", range(20))
def test_augmenting_steps_end_with_the_largest_flow_and_its_cut(seed):
    rng = np.random.default_rng(seed)
    edges = np.column_stack([rng.integers(7, size=(16, 2)), rng.integers(1, 6, 16)])
    graph = as_graph(edges, n=7, directed=True, parallel="max")
    u, v = graph.edge_rows.T
    values = []
    for step in range(20):
        flow, path, sent, side = show.augmented(graph, 0, 6, step)
        assert (flow <= graph.edge_weights).all()
        kept = np.bincount(v, flow, 7) - np.bincount(u, flow, 7)
        assert not kept[1:6].any()
        values.append(kept[6])
        assert (values[-1] - values[step - 1] == sent) if step and path else True
        if side:
            break
    assert values[-1] == max_flow(graph, 0, 6).value
    crossing = np.isin(u, side) & ~np.isin(v, side)
    assert graph.edge_weights[crossing].sum() == values[-1]


def test_augmenting_steps_in_words(net):
    told = [_checked(show.draw_augmented(net, show.SIX, "s", "t", step)[1]) for step in range(6)]
    assert told == [
        "Nothing flows yet, and every edge has all its room.",
        "The path s → a → c → t adds 4, so that 4 flow in all.",
        "The path s → a → d → t adds 1, so that 5 flow in all.",
        "The path s → b → c → a → d → t adds 2, 2 of them by taking back what a → c carried, "
        "so that 7 flow in all.",
        "7 flow, and no path is left. The cut, dashed: a → d and c → t, all full.",
        "7 flow, and no path is left. The cut, dashed: a → d and c → t, all full.",
    ]
    fig, _ = show.draw_augmented(net, show.SIX, "s", "t", 3)
    look = dict(zip(net.edges(), arrows(fig.axes[0]), strict=True))
    assert not look["a", "c"][1], "what is taken back is dotted"
    assert [edge for edge, (width, solid) in look.items() if width == 4 and solid] == [
        ("s", "b"), ("a", "d"), ("b", "c"), ("d", "t"),
    ]  # fmt: skip


def test_no_way_at_all_is_a_cut_without_edges():
    graph = as_graph([("s", "a", 2)], nodes="sat", directed=True)
    _, alt = show.draw_augmented(graph, show.SIX[:3], "s", "t", 1)
    assert _checked(alt) == "0 flow, and no path is left: no edge leads out of s, a."


def test_people_are_ranked_with_ties_by_row():
    graph = as_graph([(0, 1), (1, 2), (2, 3), (3, 4)], n=5)
    scores = {"one": [0, 3, 4, 3, 0], "none": np.zeros(5)}
    fig, alt = show.draw_people(graph, np.eye(5)[:, :2], scores, top=2)
    assert _checked(alt) == "5 nodes, the area of each its score. First in each picture: one 2, 1; none 0, 1."
    assert written(fig.axes[0]) == ["1 2", "2 1"]
    sizes = fig.axes[0].collections[1].get_sizes()
    assert sizes[2] > sizes[1] == sizes[3] > sizes[0]
    named = fig.axes[0].collections[2]
    assert named.get_offsets().tolist() == [[0, 0], [0, 1]]
    assert (named.get_linewidths() > 1).all()
    assert [line.get_xydata()[0].tolist() for line in fig.axes[0].lines] == [[0, 0], [0, 1]]


def test_names_do_not_overlap():
    graph = as_graph(nx.les_miserables_graph())
    at = np.random.default_rng(0).random((graph.n, 2))
    first = np.argsort(-graph.degrees(), kind="stable")[:3]
    at[first] = [[0.5, 0.5], [0.52, 0.5], [0.54, 0.5]]
    fig, _ = show.draw_people(graph, at, {"degrees": graph.degrees()}, top=3)
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_neurons_enter_and_leave():
    weights = [np.array([[1.0, 2.0], [0.5, 0.0]]), np.array([[2.0, 3.0]])]  # enter 3 and 0.5, leave 2 and 3
    graph = neuron_graph(weights)
    found = max_flow(graph, [(0, 0), (0, 1)], [(2, 0)])
    fig, alt = show.draw_neurons(graph, found)
    assert _checked(alt).startswith("For each hidden neuron of a network of 2, 2, 1 a bar")
    assert alt.endswith("The minimum cut, hatched, takes edges out of layer 0, 1.")
    entering, into, leaving, out = (fig.axes[0].patches[k : k + 2] for k in (0, 2, 4, 6))
    assert [bar.get_width() for bar in entering] == [-3, -0.5]
    assert [bar.get_width() for bar in leaving] == [2, 3]
    assert [bar.get_width() for bar in (*into, *out)] == [-2, -0.5, 2, 0.5]
    assert [bool(bar.get_hatch()) for bar in (*into, *out)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("middle", "told"),
    [
        ([0.7, 0.68, 0.4], 'With 50% removed, "c" is clearly behind.'),
        ([0.7, 0.5, 0.48], 'With 50% removed, "a" is clearly ahead.'),
        ([0.7, 0.6, 0.5], 'With 50% removed, "a" is clearly ahead and "c" is clearly behind.'),
        ([0.5, 0.5, 0.5], "With 50% removed, none is clearly ahead."),
    ],
)
def test_pruning_names_clear_leads_only(middle, told):
    runs = {name: np.array([[1, at, 0.1]] * 2) for name, at in zip("abc", middle, strict=True)}
    fig, alt = show.draw_pruning([0.0, 0.5, 1.0], runs)
    assert _checked(alt).endswith(f"by a, b, c. {told}")
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == list("abc")


def test_samples_are_counted_below_the_bound():
    errors = np.array([[0.2, 0.05], [0.01, 0.3]])
    fig, alt = show.draw_sampled([10, 40], errors, [0.25, 0.125])
    assert _checked(alt).endswith("3 of 4 errors lie below the bound.")
    slope = fig.axes[0].lines[-1].get_ydata()
    assert slope[0] == 2 * slope[1] == errors[:, 0].mean()


@pytest.mark.parametrize(("phone", "sent"), [(0, {"x": 1500}), (2, {"y": 20}), (3, {})])
def test_a_split_is_drawn_where_it_is(phone, sent):
    seconds = np.array([[0, 3, 0.3], [1, 2, 0.2], [2, 0.1, 0.1], [3, 0, 0.0]])
    nodes = ["a", "b", "c"]
    split = Split(nodes[:phone], nodes[phone:], sent, "seconds", tuple(seconds[phone]), seconds[phone].sum())
    fig, alt = show.draw_split(seconds, split, "1 MB/s")
    sends = f"sends {split.bytes:,} bytes" if sent else "sends nothing"
    sends += f": {split.cost:.2g} s"
    assert _checked(alt).endswith(f"Best, dashed: {phone} of 3 nodes on the phone, which {sends}.")
    assert list(fig.axes[0].lines[0].get_xdata()) == [phone, phone]
