"""What is counted at the nodes of a model, how deep and wide it is, and that the pictures say so."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import strategies
from hypothesis import given

from lessons import architectures, as_graph
from lessons.computational_graphs import (
    ComputationalGraph,
    Tensor,
    Total,
    Weight,
    depth,
    fan_in,
    levels,
    multiply_adds,
    parameters,
    relational_graph,
    total,
    width,
)
from lessons.errors import CycleError
from lessons.exercises import exercises_of, judge
from lessons.show import computational_graphs as show
from lessons.show import model as show_model


@pytest.fixture
def small():
    """2 relu(x W) - x, in which a tensor is read twice by one node."""
    model = ComputationalGraph("small")
    x = model.input("x", (1, 3))
    h = model.add("MatMul", x, model.weight("W", shape=(3, 3)), name="lift")
    h = model.add("Relu", h, name="bend")
    h = model.add("Add", h, h, name="twice")
    model.output(model.add("Sub", h, x, name="rest"))
    return model


# ---------------------------------------------------------------------------------------- counted


def convolved(channels, size, filters, kernel, stride, padding, bias=True):
    model = ComputationalGraph()
    x = model.input("x", (1, channels, size, size))
    weights = [model.weight("W", shape=(filters, channels, kernel, kernel))]
    weights += [model.weight("b", shape=(filters,))] if bias else []
    model.output(model.add("Conv", x, *weights, name="y", strides=[stride] * 2, pads=[padding] * 4))
    return model


def test_convolutions_are_counted_as_by_going_to_every_place():
    rng = np.random.default_rng(7)
    for _ in range(40):
        channels, filters, kernel, stride, more = rng.integers(1, 5, 5).tolist()
        padding, size, bias = int(rng.integers(0, 3)), kernel + more, bool(rng.integers(2))
        model = convolved(channels, size, filters, kernel, stride, padding, bias)
        places = [
            (y, x)
            for y in range(-padding, size + padding - kernel + 1, stride)
            for x in range(-padding, size + padding - kernel + 1, stride)
        ]
        products = sum(channels * kernel**2 for _ in places for _ in range(filters))
        assert parameters(model) == [filters * channels * kernel**2 + filters * bias]
        assert multiply_adds(model) == [products]
        assert model.tensor("y").size == filters * len(places)


def test_a_shared_weight_is_counted_once_at_its_first_reader():
    model = ComputationalGraph()
    x, W = model.input("x", (1, 3)), model.weight("W", shape=(3, 3))
    h = model.add("MatMul", model.add("MatMul", x, W), W)
    model.output(model.add("MatMul", W, W, name="square"), h)
    assert parameters(model) == [9, 0, 0]
    assert total(multiply_adds(model)) == Total(9 + 9 + 27, 0, 3)


def test_what_is_not_learnt_is_not_counted():
    model = ComputationalGraph()
    x = model.input("x", (1, 6, 4, 4))
    told = [model.weight(name, shape=(6,)) for name in ("scale", "bias", "mean", "variance")]
    h = model.add("BatchNormalization", x, *told, name="norm")
    h = model.add("Reshape", h, model.weight("shape", np.array([1, 96])), name="reshape")
    model.put("half", Weight(Tensor((), "float32"), lambda: np.float32(0.5), "constant"))
    model.put("each", Weight(Tensor((96,), "float32"), lambda: np.ones(96, np.float32), "constant"))
    h = model.add("Mul", model.add("Mul", h, "half", name="halved"), "each", name="scaled")
    h = model.add("Hologram", h, model.weight("small", shape=(7,), dtype="int8"), name="odd", domain="mine")
    model.output(h)
    found = dict(zip((node.name for node in model.nodes), parameters(model), strict=True))
    assert found == {"norm": 12, "reshape": 0, "halved": 0, "scaled": 96, "odd": 7}


def test_what_cannot_be_counted_is_none_and_left_out():
    model = ComputationalGraph()
    x = model.input("x", ("batch", 3))
    h = model.add("MatMul", x, model.weight("W", shape=(3, 2)), name="product")
    h = model.add("Hologram", h, name="odd", domain="mine")
    model.output(model.add("If", model.input("c", (), "bool"), name="choice"), h)
    assert parameters(model) == [6, 0, None]
    assert multiply_adds(model) == [None, None, None]
    assert multiply_adds(model.bind({"batch": 5})) == [30, None, None]
    assert str(total(multiply_adds(model.bind({"batch": 5})))) == "30 (2 of 3 nodes not counted)"


def test_fan_in_counts_ports_and_the_projection_pairs(small):
    assert fan_in(small).tolist() == [1, 1, 2, 2]
    assert small.to_graph().in_degrees().tolist() == [0, 1, 1, 1]


# ---------------------------------------------------------------------------------------- levels


def forwards(case):
    """The case without the edges that lead back in the order of its nodes."""
    row = {label: i for i, label in enumerate(case.nodes)}
    return [(u, v) for u, v in case.edges if row[u] < row[v]]


@given(strategies.cases(directed=True, weighted=False))
def test_levels_are_lengths_of_longest_paths(case):
    edges = forwards(case)
    graph = as_graph(edges, nodes=case.nodes, directed=True)
    oracle = nx.DiGraph(edges)
    oracle.add_nodes_from(case.nodes)
    longest = dict.fromkeys(case.nodes, 0)
    for u, v in combinations(case.nodes, 2):
        for path in nx.all_simple_paths(oracle, u, v):
            longest[v] = max(longest[v], len(path) - 1)
    assert graph.by_node(levels(graph)) == longest
    assert depth(graph) == (nx.dag_longest_path_length(oracle) + 1 if case.nodes else 0)
    assert width(graph) == max((list(longest.values()).count(level) for level in longest.values()), default=0)


def test_levels_of_a_cycle_show_it():
    with pytest.raises(CycleError) as told:
        levels(as_graph([("a", "b"), ("b", "c"), ("c", "b")], nodes="abc", directed=True))
    assert sorted(told.value.cycle) == ["b", "c"]


def test_models_are_graphs_too(small):
    assert levels(small).tolist() == [0, 1, 2, 3]
    assert (depth(small), width(small)) == (4, 1)
    block = architectures.inception_block()
    assert (depth(block), width(block)) == (5, 4)


# ---------------------------------------------------------------------------------------- neurons


def test_a_round_of_messages_is_a_layer():
    rng = np.random.default_rng(7)
    layers = rng.standard_normal((3, 6, 6)) * (rng.random((6, 6)) < 0.4)
    graph, x = relational_graph(layers), rng.standard_normal(6)
    assert graph.directed
    for W in layers:
        heard = np.zeros(6)
        for sender, receiver in graph.edges():
            heard[receiver] += W[receiver, sender] * x[sender]
        assert np.allclose(heard, W @ x)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([], "no layers"),
        ([np.ones((3, 4))], r"layer 0 has the shape \(3, 4\)"),
        ([np.ones((3, 3)), np.eye(3)], "layer 1 connects other neurons"),
    ],
)
def test_layers_that_are_no_rounds_on_one_graph(layers, told):
    with pytest.raises(ValueError, match=told):
        relational_graph(layers)


# ---------------------------------------------------------------------------------------- pictures of models


def texts(fig):
    return [text.get_text() for axes in fig.axes for text in axes.texts]


def boxes(model, down):
    plan = show_model._Plan(model, True)
    plan.place(down)
    return plan, [item for item in plan.items if item.kind != "bend"]


def test_a_model_is_drawn_with_operators_names_ports_weights_and_shapes(small):
    fig, alt = show.draw_model(small, title="Four nodes")
    said = texts(fig)
    assert {"MatMul", "lift", "Sub", "rest", "x", "1: W  3×3", "Four nodes"} <= set(said)
    assert said.count("1×3") == 5
    assert (said.count("0"), said.count("1")) == (3, 2)
    assert alt.endswith("lift = MatMul(x, W), bend = Relu(lift), twice = Add(bend, bend), rest = Sub(twice, x).")
    assert "1: W  3×3" not in texts(show.draw_model(small, weights=False)[0])


def test_every_port_has_its_arrow(small):
    plan, _ = boxes(small, False)
    wires = [(wire.tensor, wire.target.words[-1], wire.port) for wire in plan.wires]
    assert wires == [
        ("x", "lift", 0),
        ("lift", "bend", 0),
        ("bend", "twice", 0),
        ("bend", "twice", 1),
        ("twice", "rest", 0),
        ("x", "rest", 1),
        ("rest", "rest", 0),
    ]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        architectures.inception_block(),
        architectures.lenet(),
        architectures.resnet50().subgraph(["stage1.block3.relu"], ["stage2.block1.relu"]),
        architectures.transformer_encoder(1, length=8),
    ],
    ids=lambda model: model.name,
)
def test_arrows_point_forward_and_nothing_overlaps(model, down):
    plan, drawn = boxes(model, down)
    assert all(wire.target.level == wire.source.level + 1 + len(wire.bends) for wire in plan.wires)
    assert [plan.nodes[node.name].level - 1 for node in model.nodes] == levels(model).tolist()
    for one, other in combinations(drawn, 2):
        apart = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert apart or abs(one.y - other.y) >= (one.height + other.height) / 2, (one.words, other.words)
    for bend in (item for item in plan.items if item.kind == "bend"):
        for box in (item for item in drawn if item.level == bend.level):
            beside = abs(box.x - bend.x) > box.width / 2 if down else abs(box.y - bend.y) > box.height / 2
            assert beside, (box.words, "an arrow passes through it")


def test_what_is_wrong_is_drawn_so(small):
    small.remove("bend")
    plan, drawn = boxes(small, False)
    assert [item.words for item in drawn if item.amiss] == [["bend"], ["Add", "twice"]]
    fig, alt = show.draw_model(small)
    assert "bend?" in texts(fig)
    told = "node 'twice' reads 'bend' at port 0, and nothing gives it, and 1 more."
    assert alt.endswith(f"What is wrong is drawn red and dashed: {told}")
    assert not any(wire.back for wire in plan.wires)


def test_a_cycle_is_drawn_by_an_arrow_that_leads_back(small):
    small.rewire("lift", 0, "twice")
    plan, drawn = boxes(small, False)
    (back,) = [wire for wire in plan.wires if wire.back]
    assert (back.source.words[-1], back.target.words[-1]) == ("twice", "lift")
    left, right = min(item.x for item in drawn), max(item.x for item in drawn)
    assert left <= back.target.x < back.source.x <= right
    fig, alt = show.draw_model(small)
    assert fig.axes
    assert alt.endswith("needs none: 'lift' -> 'bend' -> 'twice' -> 'lift'.")


def test_large_models_are_not_drawn_node_by_node():
    with pytest.raises(ValueError, match="175 nodes are too many to read: draw_ribbon"):
        show.draw_model(architectures.resnet50())


def test_a_long_model_runs_downwards():
    tall, wide = show.draw_model(architectures.lenet())[0], show.draw_model(architectures.mlp([4, 4]))[0]
    assert tall.get_figheight() > tall.get_figwidth()
    assert wide.get_figheight() < wide.get_figwidth()


def test_names_are_shown_without_what_all_share():
    block = architectures.resnet50().subgraph(["stage1.block3.relu"], ["stage2.block1.relu"])
    fig, alt = show.draw_model(block)
    assert {"conv1", "shortcut.bn", "stage2.block1.relu"} <= set(texts(fig))
    assert alt.endswith("4 Conv, 4 BatchNormalization, 3 Relu, 1 Add, branches meet at stage2.block1.add.")


def test_a_ribbon_holds_every_number_and_every_shortcut():
    model = architectures.resnet34()
    fig, alt = show.draw_ribbon(model, "ResNet-34")
    ribbon, rows = fig.axes
    bars = [patch for patch in ribbon.patches if hasattr(patch, "get_height")]
    tensors = model.tensors
    assert sum(bar.get_height() for bar in bars) == sum(tensors[n.outputs[0]].size for n in model.nodes)
    assert len(ribbon.patches) - len(bars) == 16, "an arc for each block"
    assert "ribbon of 119 levels, with 16 arcs" in alt
    names = [tick.get_text() for tick in rows.get_yticklabels()]
    marks = [len(collection.get_segments()) for collection in rows.collections]
    assert dict(zip(names, marks, strict=True)) == {
        "multiply": 37,
        "normalise": 36,
        "activate": 33,
        "pool": 2,
        "join": 16,
        "other": 1,
    }


def test_an_arc_passes_one_level_at_least():
    model = ComputationalGraph()
    h = model.add("Relu", model.input("x", (1, 3)))
    model.output(model.add("Add", h, model.add("Tanh", h)))
    assert "with 1 arc where" in show.draw_ribbon(model)[1]


def test_shapes_stand_where_no_arrow_turns():
    block = architectures.resnet50().subgraph(["stage1.block3.relu"], ["stage2.block1.relu"])
    plan, _ = boxes(block, True)
    assert [item.words[-1] for item in plan.items if item.left] == ["stage1.block3.relu", "bn3"]


def test_a_shape_is_not_struck_through_by_an_arrow_that_turns_up(small):
    small.remove("bend")  # twice, with a shape of its own, stands below rest
    small.input("bend", (1, 3))
    _, drawn = boxes(small, False)
    below = [item for item in drawn if item.below]
    assert {item.words[-1] for item in below} == {"twice"}
    fig, _ = show.draw_model(small)
    (twice,) = below
    at = [text.get_position()[1] for text in fig.axes[0].texts if text.get_text() == "1×3"]
    assert sum(y > twice.y for y in at) == 1


def test_arrows_that_meet_pass_below_the_shapes():
    plan, drawn = boxes(architectures.inception_block(), True)
    join = next(item for item in drawn if item.words[0] == "Concat")
    ends = [item.y + item.height / 2 for item in plan.items if item.level == join.level - 1]
    assert join.y - join.height / 2 - max(ends) == 32


def test_a_profile_finds_where_half_is_reached():
    model = architectures.resnet34()
    _, alt = show.draw_profile(model)
    at = levels(model)
    for counts, told in (
        (multiply_adds(model), "done by level {}, "),
        (parameters(model), "met only by level {}."),
    ):
        upto = [sum(np.array(counts)[at <= level]) for level in range(119)]
        half = next(level for level in range(119) if upto[level] >= upto[-1] / 2)
        assert told.format(half) in alt


# ---------------------------------------------------------------------------------------- other pictures


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 0), (3, 2, 1), (5, 3, 2), (1, 3, 0), (2, 2, 1)])
def test_a_convolution_stops_where_its_kernel_fits(kernel, stride, padding):
    stops = len(range(-padding, 7 + padding - kernel + 1, stride))
    fig, alt = show.draw_convolution(kernel, stride, padding)
    assert alt.endswith(f"stops at {stops} × {stops} places.")
    assert len(fig.axes[0].lines[0].get_xdata()) == stops**2
    assert fig.axes[0].get_title().endswith(f"= {stops}")


def test_news_of_a_neuron_goes_with_the_edges():
    arrows = as_graph([(0, 1), (1, 2), (0, 0), (1, 1), (2, 2), (3, 0)], n=4, directed=True)
    assert "2, 3, 3 can have heard of neuron 0." in show.draw_neurons(arrows, 3)[1]
    assert "1, 1 can have heard of neuron 2." in show.draw_neurons(arrows, 2, heard=2)[1]


def test_growth_is_told_in_multiples():
    def convolution(size):
        return convolved(3, size, 8, 3, 1, 1)

    _, alt = show.draw_growth(convolution, 20, start=10, unit=" pixels")
    told = "parameters 1, multiply-adds 4, activations 4."
    assert alt == f"Costs at 20 pixels, as multiples of those at 10 pixels: {told}"


@pytest.mark.parametrize("length", [64, 4608])
def test_attention_is_what_multiplies_no_weight(length):
    _, alt = show.draw_sharing(lambda n: architectures.transformer_encoder(1, length=n), length)
    by_weights, between = 4 * 768**2 + 2 * 768 * 3072, 2 * 768 * length
    share = round(100 * between / (by_weights + between))
    assert f"{100 - share} % of the multiply-adds are with weights and {share} % between" in alt


# ---------------------------------------------------------------------------------------- other right answers


def by_recursion(nodes, outputs):
    reads = {name: inputs for name, _, inputs in nodes}
    found = set()

    def visit(tensor):
        if tensor in reads and tensor not in found:
            found.add(tensor)
            for other in reads[tensor]:
                visit(other)

    for tensor in outputs:
        visit(tensor)
    return tuple(name for name in reads if name in found)


def by_loops(channels, size, filters, kernel, stride, padding):
    places = sum(1 for _ in range(-padding, size + padding - kernel + 1, stride))
    weights = channels * kernel * kernel * filters
    return [places, weights + filters, np.int64(weights * places * places)]


@pytest.mark.parametrize(
    ("number", "answer", "status"),
    [
        (1, ((1, 8, 24, 24), (1, 8, 12, 12), (1, 16, 6, 6), (1, 576)), "right"),
        (1, [[1, 8, 24, 24], [1, 8, 12, 12], [1, 16, 6, 6], [1, 16 * 36]], "right"),
        (1, [..., ..., ..., ...], "untouched"),
        (2, by_loops, "right"),
        (3, [("a", "Mul", ["W", "W"])], "right"),
        (3, [["a", "MatMul", ("x", "V")], ["b", "MatMul", ("a", "V")], ["c", "Relu", ("b",)]], "right"),
        (3, [("W", "MatMul", ["x", "W"]), ("b", "MatMul", ["x", "W"])], "wrong"),
        (4, by_recursion, "right"),
    ],
)
def test_other_answers(number, answer, status):
    assert judge(exercises_of("computational_graphs")[number - 1], answer).status == status


def test_nodes_of_an_exercise_come_smallest_first():
    cases = list(exercises_of("computational_graphs")[3].cases(np.random.default_rng(7)))
    sizes = [len(nodes) for nodes, _ in cases]
    assert sizes == sorted(sizes)
    assert any(len(set(inputs)) < len(inputs) for nodes, _ in cases for _, _, inputs in nodes)
