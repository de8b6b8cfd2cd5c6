"""A computational graph: built, edited, bound, cut, validated, projected; held against networkx on random ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest
import strategies  # noqa: F401  # the profile of Hypothesis
from hypothesis import given
from hypothesis import strategies as st

from lessons.computational_graphs import fan_in, multiply_adds, parameters
from lessons.errors import CycleError, DataMissing, UnknownLabel
from lessons.execution import run
from lessons.graph import as_graph
from lessons.memory import memory_order, peak_memory
from lessons.model import ComputationalGraph, Node, Weight
from lessons.onnx_files import to_onnx, with_random_weights
from lessons.operators import Tensor
from lessons.rewriting import fold_batch_norms, weights_as_nodes


def small(batch: int | str = "batch") -> ComputationalGraph:
    """x -> Gemm -> Relu -> Add(h, h) -> y."""
    model = ComputationalGraph("small")
    x = model.input("x", (batch, 4))
    h = model.add("Gemm", x, model.weight("W", shape=(4, 3)), model.weight("b", shape=(3,)), name="dense")
    h = model.add("Relu", h, name="relu")
    model.output(model.add("Add", h, h, name="twice"))
    return model


# ---------------------------------------------------------------------------------------- building


def test_what_is_built_can_be_looked_at():
    model = small()
    assert [node.name for node in model.nodes] == ["dense", "relu", "twice"]
    assert model.node("twice") == Node("twice", "Add", ("relu", "relu"), ("twice",))
    assert model.inputs == {"x": Tensor(("batch", 4), "float32")}
    assert list(model.weights) == ["W", "b"]
    assert model.outputs == ["twice"]
    assert model.producer("relu").name == "relu"
    assert model.producer("x") is model.producer("W") is model.producer("nowhere") is None
    assert model.consumers("relu") == [(model.node("twice"), 0), (model.node("twice"), 1)]
    assert model.tensors["twice"] == Tensor(("batch", 3), "float32")
    assert repr(model) == "ComputationalGraph('small', nodes=3, inputs=1, outputs=1, weights=2)"
    model.validate()


def test_what_is_returned_is_a_copy():
    model = small()
    model.inputs.clear(), model.weights.clear(), model.outputs.clear(), model.tensors.clear()
    assert model == small()
    assert "twice" in model.tensors


def test_names_that_are_made_up_are_free():
    model = ComputationalGraph()
    model.input("Relu_1", (3,))
    assert [model.add("Relu", "Relu_1") for _ in range(2)] == ["Relu_0", "Relu_2"]
    assert model.add("Dropout", "Relu_0", outputs=2) == "Dropout_0"
    assert model.node("Dropout_0").outputs == ("Dropout_0", "Dropout_0.1")
    assert model.add("Dropout", "Relu_0", outputs=["d", "mask"]) == "d"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda m: m.input("x", (1,)), "there is a tensor 'x' already"),
        (lambda m: m.input("relu", (1,)), "there is a tensor 'relu' already"),
        (lambda m: m.weight("x", shape=(1,)), "there is a tensor 'x' already"),
        (lambda m: m.add("Relu", "x", name="relu"), "there is a node 'relu' already"),
        (lambda m: m.add("Relu", "x", outputs=["W"]), "there is a tensor 'W' already"),
        (lambda m: m.add("Split", "x", outputs=["p", "p"]), r"gives a tensor twice, of \['p', 'p'\]"),
        (lambda m: m.input("", (1,)), "named by a text, not by ''"),
        (lambda m: m.input(3, (1,)), "named by a text, not by 3"),
        (lambda m: m.input("z", (1, -1)), r"from 0 on or a name, not -1 in \(1, -1\)"),
        (lambda m: m.input("z", (1.5,)), "not 1.5"),
        (lambda m: m.weight("z"), "give its array, or shape="),
        (lambda m: m.weight("z", np.ones(2), shape=(2,)), "give its array, or shape="),
        (lambda m: m.output("twice"), "'twice' is an output already"),
        (lambda m: m.rewire("relu", 1, "x"), "node 'relu' has the ports 0 to 0, not 1"),
        (lambda m: m.rewire("relu", -1, "x"), "not -1"),
        (lambda m: m.bind({"x": (2, 5)}), r"input 'x' has the shape \('batch', 4\); \(2, 5\) does not fit it"),
        (lambda m: m.bind({"x": (2,)}), "does not fit it"),
        (lambda m: m.bind({"batch": -1}), "not -1"),
        (lambda m: m.bind({"batch": (2,)}), r"length 'batch' is bound by a number, not by the shape \(2,\)"),
        (lambda m: m.bind({"batch": 2, "x": (3, 4)}), "'batch' cannot be both 2 and 3"),
        (lambda m: m.weights["W"].array(), r"shape \(4, 3\) has no values: with_random_weights"),
        (lambda m: m.to_graph("bytes"), "bytes of tensor 'dense' are not known, .*: bind its lengths"),
        (lambda m: m.subgraph([], ["relu"]), r"\['relu'\] needs the input 'x' too: list it"),
        (lambda m: m.subgraph([], ["x"]), "needs the input 'x' too"),
    ],
)
def test_what_is_refused(act, said):
    model = small()
    with pytest.raises(ValueError, match=said):
        act(model)
    assert model == small()


@pytest.mark.parametrize(
    ("act", "nearest"),
    [
        (lambda m: m.node("rleu"), "relu"),
        (lambda m: m.call("rleu"), "relu"),
        (lambda m: m.remove("rleu"), "relu"),
        (lambda m: m.rewire("rleu", 0, "x"), "relu"),
        (lambda m: m.bind({"batsh": 1}), "batch"),
        (lambda m: m.bind({"y": (1, 4)}), "x"),
        (lambda m: m.subgraph(["rleu"], ["twice"]), "relu"),
        (lambda m: m.subgraph(["x"], ["twise"]), "twice"),
    ],
)
def test_names_that_nothing_has(act, nearest):
    with pytest.raises(UnknownLabel, match=f"nearest is '{nearest}'"):
        act(small())


def test_a_name_that_was_refused_stays_free():
    model = ComputationalGraph()
    with pytest.raises(ValueError, match="twice"):
        model.add("Split", "x", name="s", outputs=["p", "p"])
    model.add("Split", "x", name="s", outputs=["p", "q"])


def test_weights_hold_arrays_or_read_them_late():
    model = ComputationalGraph()
    array = np.arange(6.0).reshape(2, 3)
    model.weight("A", array)
    assert model.weights["A"].tensor == Tensor((2, 3), "float64")
    np.testing.assert_array_equal(model.weights["A"].array(), array)
    reads = []
    model.put("B", Weight(Tensor((2000, 3), "float32"), lambda: reads.append("B") or np.ones((2000, 3))))
    model.output(model.add("MatMul", model.input("x", (1, 2000)), "B"))
    model.validate()
    assert reads == []
    model.put("B", Weight(Tensor((2000, 7), "float32")))
    assert model.tensors["MatMul_0"].shape == (1, 7)


def test_shapes_that_are_calculated_are_known():
    model = ComputationalGraph()
    x = model.input("x", ("batch", 3, 8, 8))
    model.weight("first", np.array([0]))
    model.weight("rest", np.array([-1]))
    shape = model.add("Concat", model.add("Gather", model.add("Shape", x), "first"), "rest", axis=0, name="new")
    model.output(model.add("Reshape", x, shape, name="flat"))
    assert model.known("new").tolist() == ["batch", -1]
    assert model.known("first").tolist() == [0]
    assert model.known("x") is model.known("flat") is None
    assert model.tensors["flat"].shape == ("batch", 192)
    assert model.bind({"batch": 5}).known("new").tolist() == [5, -1]


def test_weights_that_cannot_be_read_are_not_needed_for_shapes():
    def missing():
        raise DataMissing("weights.bin", "copy it")

    model = ComputationalGraph()
    model.put("shape", Weight(Tensor((2,), "int64"), missing))
    model.output(model.add("Reshape", model.input("x", (2, 6)), "shape", name="r"))
    assert model.tensors["r"] == Tensor((None, None), "float32")


def test_what_is_declared_counts_where_no_rule_tells():
    model = ComputationalGraph()
    model.input("x", (2, 3))
    model.output(model.add("Mystery", "x", name="m", domain="com.example"), model.add("Relu", "x", name="r"))
    assert model.tensors["m"] == Tensor()
    model.declare("m", (7, "n"), "float32")
    model.declare("r", (9, 9), "int64")
    assert (model.tensors["m"], model.tensors["r"]) == (Tensor((7, "n"), "float32"), Tensor((2, 3), "float32"))
    assert model.pruned().tensors["m"] == model.copy().tensors["m"] == Tensor((7, "n"), "float32")


def test_outputs_that_are_left_out_have_no_tensor():
    model = ComputationalGraph()
    x = model.input("x", (2, 3))
    model.add("TopK", x, model.weight("k", np.array([2])), name="top", outputs=["", "where"])
    model.output("where")
    model.add("Clip", x, "", x, name="clip")
    assert set(model.tensors) == {"x", "k", "where", "clip"}
    assert model.tensors["where"] == Tensor((2, 2), "int64")
    assert model.consumers("") == []
    assert model.producer("") is None
    model.validate()


# ---------------------------------------------------------------------------------------- editing


def test_a_copy_is_edited_alone():
    model = small()
    twin = model.copy()
    twin.remove("relu")
    twin.rewire("twice", 0, "dense")
    twin.redirect("relu", "dense")
    twin.add("Relu", "x")
    twin.output("dense")
    twin.put("W", Weight(Tensor((4, 9), "float32")))
    assert model == small()
    assert model.tensors == small().tensors
    twin = model.copy()
    model.remove("twice")
    assert twin == small()
    assert twin.unused("Add") == small().unused("Add")


def test_shapes_follow_every_edit():
    model = small()
    assert model.tensors["twice"].shape == ("batch", 3)
    model.rewire("twice", 1, model.weight("c", shape=(5, 1, 3)))
    assert model.tensors["twice"].shape == (5, "batch", 3)
    model.redirect("relu", "x")
    assert model.tensors["twice"] == Tensor()
    assert "do not broadcast" in model.problems()[0]
    model.redirect("x", "b")
    model.remove("dense")
    assert model.tensors["twice"].shape == (5, 1, 3)
    assert "dense" not in model.tensors


def test_redirected_outputs_stay_apart():
    model = small()
    model.output("relu")
    model.redirect("twice", "relu")
    assert model.outputs == ["relu"]


def test_removed_nodes_leave_their_names():
    model = small()
    model.remove("relu")
    assert model.problems() == [f"node 'twice' reads 'relu' at port {k}, and nothing gives it" for k in (0, 1)]
    model.add("Tanh", "dense", name="relu")
    model.validate()


def test_lengths_are_bound():
    model = small()
    assert model.bind({"batch": 7}).tensors["twice"].shape == (7, 3)
    assert model.bind({"x": (7, 4)}) == model.bind({"batch": np.int64(7)}) == small(7)
    assert model == small()
    two = ComputationalGraph()
    two.input("x", ("n", 3)), two.input("y", ("n", None))
    two.output(two.add("Mystery", "x", "y", name="m", domain="com.example"))
    two.declare("m", ("n", 5), "float32")
    bound = two.bind({"x": (2, 3)})
    assert [bound.inputs["y"].shape, bound.tensors["m"].shape] == [(2, None), (2, 5)]
    assert two.bind({"y": ("n", 4)}).inputs["y"].shape == ("n", 4)
    assert two.bind({"y": (6, 4)}).inputs["x"].shape == (6, 3)
    with pytest.raises(ValueError, match="'n' cannot be both 2 and 4"):
        two.bind({"x": (2, 3), "y": (4, 1)})
    square = ComputationalGraph()
    square.input("x", ("n", "n"))
    with pytest.raises(ValueError, match="'n' cannot be both 2 and 3"):
        square.bind({"x": (2, 3)})


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ((1, 4), r"by name, as .*, not as \(1, 4\)"),
        ({"batch": "1"}, "'batch' is bound by a whole number or a shape, not by '1'"),
        ({"batch": 1.5}, "not by 1.5"),
        ({"x": None}, "'x' is bound by a whole number or a shape, not by None"),
    ],
)
def test_what_binds_nothing(shapes, said):
    with pytest.raises(TypeError, match=said):
        small().bind(shapes)


def test_nodes_are_added_in_the_opset_of_those_before_them():
    model = ComputationalGraph()
    model.add("Relu", model.input("x", (1,)), version=13)
    model.add("Odd", "x", domain="com.example", version=2)
    (
        model.add("Relu", "x"),
        model.add("Odd", "x", domain="com.example"),
        model.add("Odd", "x", domain="org.example"),
    )
    assert [node.version for node in model.nodes] == [13, 2, 13, 2, 20]


def test_a_node_is_put_behind_a_tensor():
    model = small()
    model.redirect("relu", "more")
    model.add("Tanh", "relu", name="more")
    assert [node.name for node, _ in model.consumers("relu")] == ["more"]
    assert model.consumers("more") == [(model.node(node.name), port) for node, port in small().consumers("relu")]
    model.validate()


def test_a_shape_for_an_input_without_one():
    model = ComputationalGraph()
    model.output(model.add("Relu", model.input("x", None)))
    assert model.bind({"x": (1, 2)}).tensors["Relu_0"].shape == (1, 2)


# ---------------------------------------------------------------------------------------- faults


def test_each_fault_is_told():
    model = ComputationalGraph()
    assert model.problems() == ["it has no output: state one with output(...)"]
    x = model.input("x", (2, 3))
    model.output(model.add("MatMul", x, x, name="product"), "nothing")
    model.add("Add", x, "lost", name="sum")
    found = model.problems()
    assert found[:2] == [
        "node 'sum' reads 'lost' at port 1, and nothing gives it",
        "the output 'nothing' is given by nothing",
    ]
    assert found[2].startswith("node 'product': MatMul: (2, 3) times (2, 3) does not fit")
    assert len(found) == 3
    with pytest.raises(ValueError, match=r"'lost'.*; .*'nothing'.*; .*'product'") as caught:
        model.validate()
    assert not isinstance(caught.value, CycleError)


def cyclic() -> ComputationalGraph:
    model = ComputationalGraph()
    model.input("x", (3,))
    for name, read in (("a", "c"), ("b", "a"), ("c", "b")):
        model.add("Add", "x", read, name=name)
    model.output("c")
    return model


def test_a_cycle_is_shown_along_its_edges():
    model = cyclic()
    with pytest.raises(CycleError) as caught:
        model.validate()
    cycle = caught.value.cycle
    assert sorted(cycle) == ["a", "b", "c"]
    edges = set(model.to_graph().edges())
    assert all(pair in edges for pair in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    assert "a cycle" in model.problems()[0]
    with pytest.raises(CycleError):
        _ = model.tensors
    model.rewire("a", 1, "x")
    model.validate()
    model.rewire("a", 1, "a")
    with pytest.raises(CycleError) as caught:
        model.validate()
    assert caught.value.cycle == ["a"]


def test_a_cycle_beside_other_faults():
    model = cyclic()
    model.output("nothing")
    with pytest.raises(ValueError, match="given by nothing; a cycle") as caught:
        model.validate()
    assert not isinstance(caught.value, CycleError)


# ---------------------------------------------------------------------------------------- equality


def test_equality_sees_every_part():
    def changed(act) -> ComputationalGraph:
        model = small()
        act(model)
        return model

    model = small()
    assert model == small()
    assert model != "small"
    for act in (
        lambda m: m.add("Relu", "x"),
        lambda m: m.remove("twice"),
        lambda m: m.rewire("relu", 0, "x"),
        lambda m: m.output("relu"),
        lambda m: m.input("z", (1,)),
        lambda m: m.weight("z", shape=(1,)),
        lambda m: m.put("W", Weight(Tensor((4, 3), "float16"))),
    ):
        assert changed(act) != model
    assert small(3) != model
    with pytest.raises(TypeError, match="unhashable"):
        hash(model)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([2, 2], (2, 2), True),
        (np.int64(2), 2, True),
        ([2, 2], [2, 1], False),
        (np.ones(2), np.ones(2), True),
        (np.ones(2), np.zeros(2), False),
        (np.ones(2), np.ones(2, np.float32), False),
        (np.ones((2, 1)), np.ones(2), False),
    ],
)
def test_equality_of_attributes(one, other, equal):
    graphs = [ComputationalGraph(), ComputationalGraph()]
    for graph, value in zip(graphs, (one, other), strict=True):
        graph.add("Mystery", name="m", value=value)
    assert (graphs[0] == graphs[1]) is equal


# ---------------------------------------------------------------------------------------- projecting


def test_the_projection_has_each_pair_once():
    graph = small().to_graph()
    assert graph.nodes == ("dense", "relu", "twice")
    assert graph.edges() == [("dense", "relu"), ("relu", "twice")]
    assert graph.directed
    assert as_graph(small()) == graph
    assert ComputationalGraph().to_graph().n == 0


def test_bytes_count_each_tensor_between_two_nodes_once():
    model = small(2)
    graph = model.to_graph("bytes")
    assert graph.by_edge(graph.edge_weights) == {("dense", "relu"): 24, ("relu", "twice"): 24}
    model.add("Dropout", "relu", name="drop", outputs=["kept", "mask"])
    model.add("Where", "mask", "kept", "kept", name="where")
    graph = model.to_graph("bytes")
    assert graph.by_edge(graph.edge_weights)["drop", "where"] == 24 + 6
    model.add("Mystery", "where", name="m", domain="com.example")
    model.add("Relu", "m", name="last")
    with pytest.raises(ValueError, match=r"'m' are not known.* declare"):
        model.to_graph("bytes")
    model.declare("m", (5,), "int64")
    graph = model.to_graph("bytes")
    assert graph.by_edge(graph.edge_weights)["m", "last"] == 40


# ---------------------------------------------------------------------------------------- cutting


def test_a_part_is_cut_out():
    part = small(2).subgraph(["dense"], ["relu"])
    assert [node.name for node in part.nodes] == ["relu"]
    assert (part.inputs, part.outputs, part.weights) == ({"dense": Tensor((2, 3), "float32")}, ["relu"], {})
    assert part.producer("dense") is None
    assert part.to_graph().m == 0
    part.validate()
    whole = small(2).subgraph(["x"], ["twice"])
    assert whole == small(2)


def test_a_part_may_begin_at_a_weight_and_end_at_one():
    part = small(2).subgraph(["x", "W"], ["relu", "b"])
    assert list(part.inputs) == ["x", "W"]
    assert list(part.weights) == ["b"]
    assert part.outputs == ["relu", "b"]
    part.validate()


def test_a_part_that_begins_at_one_of_two_outputs_of_a_node():
    model = ComputationalGraph()
    model.add("Dropout", model.input("x", (2, 3)), name="drop", outputs=["kept", "mask"])
    model.output(model.add("Where", "mask", "kept", "kept", name="where"))
    part = model.subgraph(["x", "kept"], ["where"])
    assert part.node("drop").outputs == ("", "mask")
    assert part.to_graph().edges() == [("drop", "where")]
    part.validate()
    assert model.node("drop").outputs == ("kept", "mask")


def test_what_no_output_needs_is_dropped():
    model = small()
    model.add("Tanh", "dense", name="aside")
    model.weight("spare", shape=(3,))
    model.input("unused", (1,))
    rest = model.pruned()
    assert [node.name for node in rest.nodes] == ["dense", "relu", "twice"]
    assert list(rest.weights) == ["W", "b"]
    assert list(rest.inputs) == ["x", "unused"]
    assert model.node("aside")
    bare = ComputationalGraph()
    bare.output(bare.weight("w", shape=(3,)))
    assert bare.pruned() == bare


@dataclass
class Drawn:
    """A random model, and its tensors ("t", name) and nodes ("n", name) as one graph, edges along the flow."""

    model: ComputationalGraph
    flow: nx.DiGraph


@st.composite
def models(draw: st.DrawFn) -> Drawn:
    """Sums and Dropouts (which give two tensors) of vectors, in an order that need not be one to compute in."""
    model, flow = ComputationalGraph(), nx.DiGraph()
    tensors = [model.input(f"x{k}", (4,)) for k in range(draw(st.integers(1, 2)))]
    tensors += [model.weight(f"w{k}", shape=(4,)) for k in range(draw(st.integers(0, 2)))]
    flow.add_nodes_from(("t", t) for t in tensors)
    nodes = []
    for k in range(draw(st.integers(1, 8))):
        several = draw(st.booleans())
        vectors = [t for t in tensors if not t.endswith("mask")]
        reads = draw(st.lists(st.sampled_from(vectors), min_size=1, max_size=1 if several else 3))
        gives = [f"n{k}", f"n{k}.mask"] if several else [f"n{k}"]
        nodes.append(Node(f"n{k}", "Dropout" if several else "Sum", tuple(reads), tuple(gives)))
        flow.add_edges_from((("t", t), ("n", f"n{k}")) for t in reads)
        flow.add_edges_from((("n", f"n{k}"), ("t", t)) for t in gives)
        tensors += gives
    for node in draw(st.permutations(nodes)):
        model.place(node)
    model.output(*draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3, unique=True)))
    return Drawn(model, flow)


def needed(flow: nx.DiGraph, tensors: list[str]) -> set[tuple[str, str]]:
    found = {("t", t) for t in tensors}
    return found.union(*(nx.ancestors(flow, t) for t in found))


@given(models())
def test_random_models_are_valid(drawn: Drawn):
    assert drawn.model.problems() == []
    tensors = drawn.model.tensors
    assert {("t", t) for t in tensors} == {v for v in drawn.flow if v[0] == "t"}
    assert set(tensors.values()) <= {Tensor((4,), "float32"), Tensor((4,), "bool")}


@given(models())
def test_pruned_keeps_the_ancestors_of_the_outputs(drawn: Drawn):
    kept = needed(drawn.flow, drawn.model.outputs)
    rest = drawn.model.pruned()
    assert list(rest.nodes) == [n for n in drawn.model.nodes if ("n", n.name) in kept]
    assert set(rest.weights) == {w for w in drawn.model.weights if ("t", w) in kept}
    assert (rest.inputs, rest.outputs) == (drawn.model.inputs, drawn.model.outputs)
    assert rest.problems() == []
    assert rest.pruned() == rest


@given(models(), st.data())
def test_a_subgraph_is_what_lies_between(drawn: Drawn, data: st.DataObject):
    tensors = sorted(name for kind, name in drawn.flow if kind == "t")
    given_ = data.draw(st.lists(st.sampled_from(tensors), max_size=3, unique=True))
    wanted = data.draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=2, unique=True))
    cut = drawn.flow.copy()
    cut.remove_edges_from([edge for t in given_ for edge in list(cut.in_edges(("t", t)))])
    between = needed(cut, wanted)
    if any(("t", x) in between and x not in given_ for x in drawn.model.inputs):
        with pytest.raises(ValueError, match="too: list it among the inputs"):
            drawn.model.subgraph(given_, wanted)
        return
    part = drawn.model.subgraph(given_, wanted)
    assert [n.name for n in part.nodes] == [n.name for n in drawn.model.nodes if ("n", n.name) in between]
    assert (list(part.inputs), part.outputs) == (given_, wanted)
    assert set(part.weights) == {w for w in drawn.model.weights if ("t", w) in between and w not in given_}
    assert part.problems() == []
    whole = drawn.model.tensors
    assert all(whole[name] == tensor for name, tensor in part.tensors.items())


@given(models())
def test_the_projection_joins_who_computes_and_who_reads(drawn: Drawn):
    joins: dict[tuple[str, str], set[str]] = {}
    for kind, tensor in drawn.flow:
        if kind == "t":
            for _, source in drawn.flow.predecessors((kind, tensor)):
                for _, target in drawn.flow.successors((kind, tensor)):
                    joins.setdefault((source, target), set()).add(tensor)
    graph = drawn.model.to_graph("bytes")
    assert graph.nodes == tuple(node.name for node in drawn.model.nodes)
    size = {pair: sum(4 if t.endswith("mask") else 16 for t in tensors) for pair, tensors in joins.items()}
    assert graph.by_edge(graph.edge_weights) == size
    assert Counter(drawn.model.to_graph().edges()) == Counter(list(joins))


@given(models(), st.data())
def test_a_new_name_for_a_tensor_reaches_all_who_read_it(drawn: Drawn, data: st.DataObject):
    model = drawn.model.copy()
    tensor = data.draw(st.sampled_from(sorted(model.tensors)))
    readers = model.consumers(tensor)
    model.input("new", (4,))
    model.redirect(tensor, "new")
    assert model.consumers(tensor) == []
    assert [(n.name, port) for n, port in model.consumers("new")] == [(n.name, port) for n, port in readers]
    assert tensor not in model.outputs


@pytest.mark.parametrize(
    "use",
    [
        parameters,
        multiply_adds,
        fan_in,
        peak_memory,
        memory_order,
        lambda given: run(given, {}),
        fold_batch_norms,
        weights_as_nodes,
        to_onnx,
        lambda given: with_random_weights(given, 7),
    ],
)
def test_what_takes_a_model_says_so_to_a_path(use):
    told = r"a ComputationalGraph is needed, not a str: from_onnx\(path\) reads one from an ONNX file"
    with pytest.raises(TypeError, match=told):
        use("model.onnx")
