"""Reading, writing and filling ONNX models: dialects, functions, external data, what is broken or hostile."""

from __future__ import annotations

import os
import sys
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import strategies  # noqa: F401  (the profile of Hypothesis)
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.computational_graphs import multiply_adds, parameters, total
from lessons.errors import CycleError, DataMissing, FormatError, UnknownLabel
from lessons.model import ComputationalGraph, Weight
from lessons.onnx_files import OpaqueNodes, from_onnx, to_onnx, with_random_weights
from lessons.operators import DTYPES, Tensor

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'graph-lessons[course]'")
import onnx.inliner  # noqa: E402, F811
from onnx import TensorProto, helper, numpy_helper, version_converter  # noqa: E402

NEWEST = onnx.defs.onnx_opset_version()
LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
MODELS = sorted(LIGHT.glob("*.onnx"))

RNG = np.random.default_rng(7)
WEIGHTS = {
    "kernel": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32),
    "bias": RNG.standard_normal(4).astype(np.float32),
    **{name: RNG.random(4).astype(np.float32) for name in ("scale", "shift", "mean", "variance")},
    "target": np.array([0, 64]),
    "W": RNG.standard_normal((64, 10)).astype(np.float32),
    "c": RNG.standard_normal(10).astype(np.float32),
}
NODES = [
    ("Conv", ["x", "kernel", "bias"], ["conv"], {"pads": [1, 1, 1, 1]}),
    ("BatchNormalization", ["conv", "scale", "shift", "mean", "variance"], ["norm"], {"epsilon": 1e-5}),
    ("Relu", ["norm"], ["relu"], {}),
    ("MaxPool", ["relu"], ["pool"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Reshape", ["pool", "target"], ["flat"], {}),
    ("Gemm", ["flat", "W", "c"], ["dense"], {}),
    ("Add", ["dense", "dense"], ["y"], {}),
]
PARAMETERS = 4 * 27 + 4 + 8 + 640 + 10  # mean and variance are not learnt
PRODUCTS = 4 * 8 * 8 * 27 + 640


def made(nodes, inputs, outputs, initialisers=(), opset=17, functions=(), domains=(), **more):
    """A ModelProto; inputs and outputs are {name: shape}, of float32."""
    infos = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in told.items()]
        for told in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "small", *infos, list(initialisers), **more)
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def stored(names=WEIGHTS):
    return [numpy_helper.from_array(WEIGHTS[name], name) for name in names]


def steps(prefix="n"):
    return [
        helper.make_node(op, inputs, outputs, name=prefix and f"{prefix}{k}", **attributes)
        for k, (op, inputs, outputs, attributes) in enumerate(NODES)
    ]


def base(opset=9, batch="batch"):
    return made(steps(), {"x": [batch, 3, 8, 8]}, {"y": [batch, 10]}, stored(), opset)


def initialisers_as_inputs():
    model = base()
    listed = [
        helper.make_tensor_value_info(t.name, t.data_type, t.dims)
        for t in model.graph.initializer
        if t.name != "c"
    ]
    rest = list(model.graph.input)
    del model.graph.input[:]
    model.graph.input.extend([*listed, *rest])
    return model


def constants():
    values = [helper.make_node("Constant", [], [t.name], value=t) for t in stored()]
    return made([*steps(), *values], {"x": ["batch", 3, 8, 8]}, {"y": ["batch", 10]}, opset=9)


def unordered():
    model = base()
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def function(opset):
    """The same network, its middle in a function of a function, one attribute given by the call."""
    op = helper.make_opsetid("", opset)
    inner = helper.make_function(
        "local", "Pool", ["t"], ["p"], [helper.make_node("MaxPool", ["t"], ["p"], "n3")], [op], ["k"]
    )
    for name in ("kernel_shape", "strides"):
        told = onnx.AttributeProto(name=name, type=onnx.AttributeProto.INTS, ref_attr_name="k")
        inner.node[0].attribute.append(told)
    body = [
        helper.make_node("Relu", ["t"], ["conv"], "n2"),
        helper.make_node("Pool", ["conv"], ["p"], "", domain="local", k=[2, 2]),
    ]
    outer = helper.make_function("local", "Middle", ["t"], ["p"], body, [op, helper.make_opsetid("local", 1)])
    nodes = steps()
    nodes[2:4] = [helper.make_node("Middle", ["norm"], ["pool"], domain="local")]
    shapes = {"x": ["batch", 3, 8, 8]}, {"y": ["batch", 10]}
    return made(nodes, *shapes, stored(), 9, functions=[outer, inner], domains=["local"])


def nameless(name=""):
    model = base()
    for node in model.graph.node:
        node.name = name
    return model


def shape_chain():
    """The Reshape's target computed from the shape, as exporters do, and weights in another form."""
    nodes = steps()
    states = [
        helper.make_node("Shape", ["pool"], ["dims"]),
        helper.make_node("Gather", ["dims", "zero"], ["first"], axis=0),
        helper.make_node("Unsqueeze", ["first"], ["firsts"], axes=[0]),
        helper.make_node("Concat", ["firsts", "rest"], ["target"], axis=0),
        helper.make_node("Transpose", ["Wt"], ["W"], perm=[1, 0]),
        helper.make_node("Identity", ["shift0"], ["shift"]),
    ]
    nodes[4:4] = states
    small = {"zero": np.array(0), "rest": np.array([64]), "Wt": np.ascontiguousarray(WEIGHTS["W"].T)}
    small["shift0"] = WEIGHTS["shift"]
    extra = [numpy_helper.from_array(value, name) for name, value in small.items()]
    weights = stored([name for name in WEIGHTS if name not in ("target", "W", "shift")])
    return made(nodes, {"x": ["batch", 3, 8, 8]}, {"y": ["batch", 10]}, [*weights, *extra], 9)


def converted(opset):
    return lambda: version_converter.convert_version(base(), opset)


def sparse():
    model = base()
    kept = [t for t in model.graph.initializer if t.name != "c"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    values = numpy_helper.from_array(WEIGHTS["c"][[1, 7]], "c")
    where = numpy_helper.from_array(np.array([1, 7]), "where")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, where, [10]))
    return model


DIALECTS = {
    "initialisers as inputs": initialisers_as_inputs,
    "constants": constants,
    "unordered": unordered,
    "functions": lambda: function(9),
    "functions of another opset": lambda: function(8),
    "no names": nameless,
    "one name": lambda: nameless("again"),
    "shapes computed": shape_chain,
    "sparse": sparse,
    "opset 7": lambda: base(7),
    "opset 8": lambda: base(8),
    **{f"opset {opset}": converted(opset) for opset in (10, 11, 13, 15, 18, 21, NEWEST)},
}


def facts(model):
    """What must not depend on the dialect: who computes what from what, in which shapes."""
    nodes = {node.outputs[0]: (node.op, node.inputs, node.attributes) for node in model.nodes}
    names = {node.name: node.outputs[0] for node in model.nodes}
    edges = {(names[u], names[v]) for u, v, *_ in model.to_graph().edges()}
    return nodes, edges, model.tensors, model.inputs, model.outputs


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_graph(dialect):
    expected = from_onnx(base(), shapes={"batch": 2})
    model = from_onnx(DIALECTS[dialect](), shapes={"batch": 2})
    model.validate()
    nodes, edges, tensors, *ends = facts(model)
    want, want_edges, want_tensors, *want_ends = facts(expected)
    if dialect.startswith("functions"):
        rename = {"Middle/conv": "relu"}
        nodes = {rename.get(t, t): (op, tuple(rename.get(i, i) for i in r), a) for t, (op, r, a) in nodes.items()}
        edges = {(rename.get(u, u), rename.get(v, v)) for u, v in edges}
        tensors["relu"] = tensors.pop("Middle/conv")
    if dialect == "shapes computed":  # a constant of its own name, and the weight without its copy
        nodes = {t: (op, tuple({"shift0": "shift"}.get(i, i) for i in r), a) for t, (op, r, a) in nodes.items()}
        tensors["shift"] = tensors.pop("shift0")
    assert {t: n[:2] for t, n in nodes.items()} == {t: n[:2] for t, n in want.items()}
    assert (edges, ends) == (want_edges, want_ends)
    assert tensors == want_tensors
    assert list(model.inputs) == ["x"]
    assert total(parameters(model)).value == PARAMETERS
    assert total(multiply_adds(model)).value == 2 * PRODUCTS
    assert len({node.name for node in model.nodes}) == len(NODES)
    for name, weight in model.weights.items():
        array = WEIGHTS["shift" if name == "shift0" else name]
        if dialect == "sparse" and name == "c":
            array = np.where(np.isin(np.arange(10), [1, 7]), array, 0)
        if name != "target":
            np.testing.assert_array_equal(weight.array(), array)


def test_names_are_made_up_and_repeated_ones_told_apart():
    assert [n.name for n in from_onnx(nameless()).nodes][:3] == ["Conv_0", "BatchNormalization_0", "Relu_0"]
    assert [n.name for n in from_onnx(nameless("a")).nodes][:3] == ["a", "a_1", "a_2"]
    relus = [
        helper.make_node("Relu", ["x"], [f"y{k}"], name) for k, name in enumerate(["", "Relu_0", "", "Relu_0"])
    ]
    model = from_onnx(made(relus, {"x": [1]}, {"y3": [1]}))
    assert [node.name for node in model.nodes] == ["Relu_1", "Relu_0", "Relu_2", "Relu_0_1"]


# ---------------------------------------------------------------------------------------- lengths and constants


def test_lengths_keep_their_names_until_they_are_bound():
    model = from_onnx(base())
    assert model.inputs["x"] == Tensor(("batch", 3, 8, 8), "float32")
    assert model.tensor("y").shape == ("batch", 10)
    with pytest.raises(ValueError, match=r"'batch'.*bind"):
        model.to_graph(weight="bytes")
    assert from_onnx(base(), shapes={"x": (5, 3, 8, 8)}).tensor("y").shape == (5, 10)
    for unknown in (None, -1):
        assert from_onnx(base(batch=unknown)).inputs["x"].shape == (None, 3, 8, 8)
    with pytest.raises(UnknownLabel, match="no length 'bacth'; the nearest is 'batch'"):
        from_onnx(base(), shapes={"bacth": 2})
    with pytest.raises(ValueError, match=r"'x' has the shape \('batch', 3, 8, 8\)"):
        from_onnx(base(), shapes={"x": (1, 3, 9, 8)})


def test_a_chain_of_shapes_stays_while_a_length_in_it_is_open():
    model = from_onnx(shape_chain())
    assert {"Shape", "Gather", "Concat"} <= {node.op for node in model.nodes}
    assert model.tensor("y").shape == ("batch", 10)
    bound = from_onnx(shape_chain(), shapes={"batch": 3})
    assert [node.op for node in bound.nodes] == [op for op, *_ in NODES]
    assert bound.weights["target"].origin == "constant"
    assert bound.weights["target"].array().tolist() == [3, 64]
    assert set(bound.weights) == (set(WEIGHTS) - {"shift"}) | {"shift0"}


CONSTANTS = {
    "value": (numpy_helper.from_array(np.eye(2, dtype=np.float32)), np.eye(2, dtype=np.float32)),
    "value_float": (1.5, np.float32(1.5)),
    "value_floats": ([1.5, 2], np.array([1.5, 2], np.float32)),
    "value_int": (3, np.int64(3)),
    "value_ints": ([3, 4], np.array([3, 4])),
    "value_string": ("ab", np.array(b"ab", object)),
    "value_strings": (["a", "b"], np.array([b"a", b"b"], object)),
    "sparse_value": (
        helper.make_sparse_tensor(
            numpy_helper.from_array(np.float32([5, 6]), "v"),
            numpy_helper.from_array(np.array([[0, 1], [1, 0]])),
            [2, 2],
        ),
        np.float32([[0, 5], [6, 0]]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", CONSTANTS)
def test_what_a_constant_states_in_any_of_its_attributes(key):
    value, expected = CONSTANTS[key]
    nodes = [
        helper.make_node("Constant", [], ["c"], **{key: value}),
        helper.make_node("Foo", ["c"], ["y"], domain="d"),
    ]
    model = from_onnx(made(nodes, {}, {"y": None}, domains=["d"]))
    weight = model.weights["c"]
    assert weight.origin == "constant"
    assert weight.tensor.shape == expected.shape
    if weight.tensor.dtype == "string":
        assert [str(text) for text in weight.array().ravel()] == [text.decode() for text in expected.ravel()]
    else:
        assert weight.tensor.dtype == str(expected.dtype) == str(weight.array().dtype)
        np.testing.assert_array_equal(weight.array(), expected)


def test_generated_weights_are_made_lazily_whatever_form_they_are_put_in():
    nodes = [
        helper.make_node("ConstantOfShape", ["huge"], ["g"], value=helper.make_tensor("", 1, [1], [0.02])),
        helper.make_node("Unsqueeze", ["g"], ["u"], axes=[1]),
        helper.make_node("Add", ["x", "u"], ["y"]),
    ]
    tracemalloc.start()
    huge = numpy_helper.from_array(np.array([10**5, 10**5]), "huge")
    model = from_onnx(made(nodes, {"x": [1]}, {"y": None}, [huge], 9))
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert [node.op for node in model.nodes] == ["Add"]
    assert list(model.weights) == ["u"]
    assert model.weights["u"].tensor == Tensor((10**5, 1, 10**5), "float32")
    assert model.weights["u"].origin == "generated"
    small = from_onnx(made(nodes, {"x": [1]}, {"y": None}, [numpy_helper.from_array(np.array([2, 3]), "huge")], 9))
    np.testing.assert_array_equal(small.weights["u"].array(), np.full((2, 1, 3), np.float32(0.02)))


def test_a_weight_that_others_read_too_is_not_copied_into_another_form():
    W = numpy_helper.from_array(np.ones((3, 3), np.float32), "W")
    nodes = [
        helper.make_node("Transpose", ["W"], ["T"]),
        helper.make_node("Identity", ["W"], ["I"]),
        helper.make_node("MatMul", ["x", "W"], ["a"]),
        helper.make_node("MatMul", ["a", "T"], ["b"]),
        helper.make_node("MatMul", ["b", "I"], ["y"]),
    ]
    model = from_onnx(made(nodes, {"x": [1, 3]}, {"y": [1, 3]}, [W]))
    assert [(node.op, node.inputs) for node in model.nodes] == [
        ("Transpose", ("W",)), ("MatMul", ("x", "W")), ("MatMul", ("a", "T")), ("MatMul", ("b", "W")),
    ]  # fmt: skip
    assert total(parameters(model)).value == 9


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_light_models_hold_real_operators_of_known_shapes_only(path):
    assert len(MODELS) == 9
    model = from_onnx(path)
    model.validate()
    assert not {"ConstantOfShape", "Unsqueeze", "Constant"} & {node.op for node in model.nodes}
    assert len(model.inputs) == 1
    tensors = model.tensors
    assert [name for name, tensor in tensors.items() if tensor.bytes is None] == []
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    for info in [*inferred.value_info, *inferred.output]:
        if info.name in tensors:
            told = info.type.tensor_type
            assert tensors[info.name] == Tensor(tuple(d.dim_value for d in told.shape.dim), DTYPES[told.elem_type])
    stated = [weight.tensor for weight in model.weights.values() if weight.origin == "stored"]
    assert all(tensor.size <= 64 for tensor in stated)  # what is larger is generated
    assert total(parameters(model)).left_out == 0


# operator: its attributes at an old opset, the inputs after the data at a new one, what becomes of (1, 6, 4)
MOVED = {
    "Squeeze": (11, {"axes": [0]}, 13, [np.array([0])], (6, 4)),
    "Unsqueeze": (11, {"axes": [0]}, 13, [np.array([0])], (1, 1, 6, 4)),
    "ReduceSum": (11, {"axes": [1]}, 13, [np.array([1])], (1, 1, 4)),
    "ReduceMean": (13, {"axes": [1], "keepdims": 0}, 18, [np.array([1])], (1, 4)),
    "Slice": (9, {"starts": [1], "ends": [5], "axes": [1]}, 10, [*np.array([[1], [5], [1]])], (1, 4, 4)),
    "Pad": (10, {"pads": [0, 1, 0, 0, 2, 0]}, 11, [np.array([0, 1, 0, 0, 2, 0])], (1, 9, 4)),
    "Split": (11, {"split": [2, 4], "axis": 1}, 13, [np.array([2, 4])], (1, 2, 4)),
    "Upsample": (8, {"scales": [1.0, 2.0, 2.0]}, 9, [np.float32([1, 2, 2])], (1, 12, 8)),
    "Clip": (7, {"min": 0.0, "max": 6.0}, 11, [np.float32(0), np.float32(6)], (1, 6, 4)),
}  # fmt: skip


@pytest.mark.parametrize("op", MOVED)
def test_attributes_that_became_inputs_are_read_in_both_places(op):
    old, attributes, new, arrays, shape = MOVED[op]
    outputs = ["y", "z"][: 2 if op == "Split" else 1]
    named = {f"i{k}": array for k, array in enumerate(arrays)}
    stays = {key: value for key, value in attributes.items() if key in ("axis", "keepdims")}
    ends = {"x": [1, 6, 4]}, {"y": None}
    before = from_onnx(made([helper.make_node(op, ["x"], outputs, **attributes)], *ends, opset=old))
    weights = [numpy_helper.from_array(array, name) for name, array in named.items()]
    after = from_onnx(made([helper.make_node(op, ["x", *named], outputs, **stays)], *ends, weights, new))
    constants = [helper.make_node("Constant", [], [t.name], value=t) for t in weights]
    stated = from_onnx(made([*constants, helper.make_node(op, ["x", *named], outputs, **stays)], *ends, opset=new))
    for model in (before, after, stated):
        model.validate()
        assert len(model.nodes) == 1
        assert model.tensor("y") == Tensor(shape, "float32")


# ---------------------------------------------------------------------------------------- a transformer encoder


def layer_norm(x, out, opset):
    """As one operator from opset 17 on, before in nine."""
    if opset >= 17:
        return [helper.make_node("LayerNormalization", [x, "gain", "offset"], [out], axis=-1)]
    mean = {"axes": [-1]}
    chain = [
        ("ReduceMean", [x], "mean", mean), ("Sub", [x, "mean"], "centred", {}),
        ("Pow", ["centred", "two"], "square", {}), ("ReduceMean", ["square"], "var", mean),
        ("Add", ["var", "eps"], "vareps", {}), ("Sqrt", ["vareps"], "std", {}),
        ("Div", ["centred", "std"], "unit", {}), ("Mul", ["unit", "gain"], "scaled", {}),
        ("Add", ["scaled", "offset"], "", {}),
    ]  # fmt: skip
    own = {name for _, _, name, _ in chain}
    return [
        helper.make_node(
            op, [f"{out}/{r}" if r in own else r for r in reads], [f"{out}/{new}" if new else out], **told
        )
        for op, reads, new, told in chain
    ]


def heads(x, out, opset):
    """(batch, length, 8) to (batch, 2, length, 4), the lengths read from the shape at run time."""
    unsqueeze = {"axes": [0]} if opset < 13 else {}
    axes = [] if opset < 13 else ["axis0"]
    nodes = [helper.make_node("Shape", [x], [f"{out}/s"])]
    for k in (0, 1):
        nodes.append(helper.make_node("Gather", [f"{out}/s", f"at{k}"], [f"{out}/d{k}"], axis=0))
        nodes.append(helper.make_node("Unsqueeze", [f"{out}/d{k}", *axes], [f"{out}/u{k}"], **unsqueeze))
    nodes.append(helper.make_node("Concat", [f"{out}/u0", f"{out}/u1", "two_heads"], [f"{out}/to"], axis=0))
    nodes.append(helper.make_node("Reshape", [x, f"{out}/to"], [f"{out}/r"]))
    return [*nodes, helper.make_node("Transpose", [f"{out}/r"], [out], perm=[0, 2, 1, 3])]


def transformer(opset):
    """One encoder layer of 8 channels, 2 heads and 16 hidden neurons."""
    node = helper.make_node
    nodes = []
    for part in "qkv":
        nodes += [node("MatMul", ["x", f"W{part}"], [f"{part}0"]), *heads(f"{part}0", part, opset)]
    nodes += [
        node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), node("MatMul", ["q", "kt"], ["scores"]),
        node("Div", ["scores", "root"], ["scaled"]), node("Softmax", ["scaled"], ["p"], axis=3),
        node("MatMul", ["p", "v"], ["mixed"]), node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1, 3]),
        node("Reshape", ["back", "join"], ["joined"]), node("MatMul", ["joined", "Wo"], ["o"]),
        node("Add", ["x", "o"], ["res1"]), *layer_norm("res1", "n1", opset),
        node("MatMul", ["n1", "W1"], ["h0"]), node("Relu", ["h0"], ["h"]), node("MatMul", ["h", "W2"], ["f"]),
        node("Add", ["n1", "f"], ["res2"]), *layer_norm("res2", "y", opset),
    ]  # fmt: skip
    arrays = {f"W{part}": np.ones((8, 8), np.float32) for part in "qkvo"}
    arrays |= {"W1": np.ones((8, 16), np.float32), "W2": np.ones((16, 8), np.float32)}
    arrays |= {"gain": np.ones(8, np.float32), "offset": np.zeros(8, np.float32), "axis0": np.array([0])}
    arrays |= {"at0": np.array(0), "at1": np.array(1), "two_heads": np.array([2, 4]), "join": np.array([0, 0, 8])}
    stated = {"two": 2.0, "eps": 1e-5, "root": 2.0}
    nodes = [
        node("Constant", [], [k], value=numpy_helper.from_array(np.float32(v))) for k, v in stated.items()
    ] + nodes
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    ends = {"x": ["batch", "length", 8]}, {"y": ["batch", "length", 8]}
    return made(nodes, *ends, weights, opset)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, NEWEST])
def test_a_transformer_encoder_at_five_opsets(opset):
    proto = transformer(opset)
    onnx.checker.check_model(proto)
    model = from_onnx(proto, shapes={"batch": 2, "length": 5})
    model.validate()
    assert all(tensor.bytes is not None for tensor in model.tensors.values())
    assert not {"Shape", "Gather", "Concat", "Unsqueeze", "Constant"} & {node.op for node in model.nodes}
    assert model.tensor("scores") == Tensor((2, 2, 5, 5), "float32")
    assert model.tensor("y") == Tensor((2, 5, 8), "float32")
    assert total(parameters(model)).value == 4 * 64 + 2 * 128 + 8 + 8
    products = total(multiply_adds(model))
    assert (products.value, products.left_out) == (2 * 5 * (4 * 64 + 2 * 128) + 2 * 2 * 2 * 5 * 5 * 4, 0)
    free = from_onnx(proto)
    assert free.tensor("scores").shape == ("batch", 2, "length", "length")
    assert free.bind({"batch": 2, "length": 5}).tensor("y") == model.tensor("y")


# ---------------------------------------------------------------------------------------- what is not plain


def branches():
    """An If whose branches read `x`, `outer` and, one level deeper, `deep`."""

    def graph(name, nodes):
        return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(name, 1, None)])

    inner = helper.make_node(
        "If", ["flag"], ["then2"],
        then_branch=graph("a", [helper.make_node("Neg", ["deep"], ["a"])]),
        else_branch=graph("b", [helper.make_node("Abs", ["local"], ["b"])]),
    )  # fmt: skip
    then = graph("then2", [helper.make_node("Relu", ["x"], ["local"]), inner])
    other = graph("other", [helper.make_node("Add", ["outer", "outer"], ["other"])])
    choice = helper.make_node("If", ["flag"], ["y"], name="choice", then_branch=then, else_branch=other)
    nodes = [helper.make_node("Relu", ["x"], ["outer"]), helper.make_node("Neg", ["outer"], ["deep"]), choice]
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    proto = made(nodes, {"x": [2]}, {"y": None})
    proto.graph.input.append(flag)
    return proto


def test_a_node_with_graphs_inside_is_one_node_that_reads_what_they_capture():
    with pytest.warns(OpaqueNodes, match=r"not read.*'choice'"):
        model = from_onnx(branches())
    node = model.node("choice")
    assert (node.op, node.attributes) == ("If", {})
    assert node.inputs[0] == "flag"
    assert set(node.inputs) == {"flag", "x", "outer", "deep"}
    assert model.problems() == []
    assert model.tensor("y").shape is None
    with pytest.raises(ValueError, match="choice"):
        to_onnx(model)


def test_loop_bodies_do_not_give_their_own_names_away():
    body = helper.make_graph(
        [helper.make_node("Add", ["state", "step"], ["next"]), helper.make_node("Identity", ["go"], ["on"])],
        "body",
        [helper.make_tensor_value_info(name, kind, []) for name, kind in [("i", 7), ("go", 9), ("state", 1)]],
        [helper.make_tensor_value_info(name, kind, []) for name, kind in [("on", 9), ("next", 1)]],
    )
    loop = helper.make_node("Loop", ["", "", "start"], ["y"], name="loop", body=body)
    with pytest.warns(OpaqueNodes, match="'loop'"):
        model = from_onnx(made([loop], {"start": [], "step": []}, {"y": []}))
    assert model.node("loop").inputs == ("", "", "start", "step")


def test_custom_domains_empty_inputs_and_several_outputs():
    nodes = [
        helper.make_node("Clip", ["x", "", "high"], ["a"]),
        helper.make_node("Twice", ["a", "z"], ["b", "", "c"], domain="mine", name="op", version=2, op="no"),
        helper.make_node("Split", ["b"], ["d", "e"], axis=0, num_outputs=2),
    ]
    told = [helper.make_tensor_value_info("b", 1, [4, "n"])]
    high = numpy_helper.from_array(np.float32(6), "high")
    proto = made(nodes, {"x": [4], "z": [4]}, {"d": None, "c": None, "e": None}, [high], 18, domains=["mine"],
                 value_info=told)  # fmt: skip
    model = from_onnx(proto)
    assert list(model.inputs) == ["x", "z"]
    assert model.outputs == ["d", "c", "e"]
    assert model.node("Clip_0").inputs == ("x", "", "high")
    node = model.node("op")
    assert (node.domain, node.version, node.outputs) == ("mine", 1, ("b", "", "c"))
    assert node.attributes == {"version": 2, "op": "no"}
    assert (model.tensor("d").shape, model.tensor("c")) == ((2, "n"), Tensor(None, "float32"))
    assert total(multiply_adds(model)).left_out >= 1
    assert from_onnx(to_onnx(model)) == model


def test_sequences_are_tensors_of_which_nothing_is_known():
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x"], ["s"]),
        helper.make_node("SequenceAt", ["t", "i"], ["y"]),
    ]
    proto = made(nodes, {"x": [3]}, {"y": None}, [numpy_helper.from_array(np.array(0), "i")])
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))
    proto.graph.input.append(helper.make_value_info("t", kind))
    model = from_onnx(proto)
    assert model.inputs["t"] == Tensor()
    assert model.tensor("s").shape is None
    assert from_onnx(to_onnx(model)) == model


def test_functions_are_inlined_as_onnx_itself_does():
    proto = function(9)
    ours, theirs = from_onnx(proto), from_onnx(onnx.inliner.inline_local_functions(proto))
    assert [(node.op, node.attributes) for node in ours.nodes] == [(n.op, n.attributes) for n in theirs.nodes]
    places = [{node.name: k for k, node in enumerate(model.nodes)} for model in (ours, theirs)]
    edges = [
        {(place[u], place[v]) for u, v, *_ in model.to_graph().edges()}
        for model, place in zip((ours, theirs), places, strict=True)
    ]
    assert edges[0] == edges[1]


def test_a_function_keeps_the_opset_that_it_was_written_for():
    model = from_onnx(function(8))
    assert {node.op: node.version for node in model.nodes}["MaxPool"] == 8
    assert {node.op: node.version for node in model.nodes}["Gemm"] == 9
    assert [node.name for node in model.nodes][2:4] == ["Middle/n2", "Pool/n3"]


def recursive():
    op = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    call = helper.make_node("F", ["a"], ["b"], domain="local")
    body = helper.make_function("local", "F", ["a"], ["b"], [call], op)
    return made([helper.make_node("F", ["x"], ["y"], domain="local")], {"x": [1]}, {"y": [1]}, functions=[body],
                domains=["local"])  # fmt: skip


def exploding(levels=30):
    op = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = []
    for k in range(levels):
        calls = [helper.make_node(f"F{k + 1}", [a], [b], domain="local") for a, b in ("ab", "bc")]
        if k == levels - 1:
            calls = [helper.make_node("Relu", [a], [b]) for a, b in ("ab", "bc")]
        functions.append(helper.make_function("local", f"F{k}", ["a"], ["c"], calls, op))
    call = helper.make_node("F0", ["x"], ["y"], domain="local")
    return made([call], {"x": [1]}, {"y": [1]}, functions=functions, domains=["local"])


def test_functions_that_never_end_or_explode_are_refused(monkeypatch):
    with pytest.raises(FormatError, match=r"'F' of domain 'local' calls itself"):
        from_onnx(recursive())
    monkeypatch.setattr("lessons._onnx_graph.MOST_NODES", 1000)
    with pytest.raises(FormatError, match=r"more than 1,000 nodes"):
        from_onnx(exploding())


@pytest.mark.parametrize("opset", [6, NEWEST + 1])
def test_an_opset_that_is_not_read_is_named(opset):
    with pytest.raises(ValueError, match=rf"opset {opset}: opsets 7 to {NEWEST} are read here\. .*onnx"):
        from_onnx(base(opset))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda g: g.initializer.append(g.initializer[0]), "two initialisers 'kernel'"),
        (lambda g: g.input.append(g.input[0]), "two inputs 'x'"),
        (lambda g: g.node.append(g.node[0]), "a tensor 'conv' already"),
        (lambda g: g.node.append(helper.make_node("Constant", [], ["W"], value_int=1)), "a tensor 'W' already"),
        (lambda g: g.output.append(g.output[0]), "'y' is an output already"),
        (lambda g: g.node.append(helper.make_node("Constant", [], ["k"])), "'k' states no value"),
        (lambda g: g.node.append(helper.make_node("Constant", [], ["k"], value=1)), "'k' states no value"),
        (lambda g: g.initializer[0].dims.__setitem__(0, -4), r"'kernel' has the shape \(-4, 3, 3, 3\)"),
        (
            lambda g: setattr(g.initializer[0], "data_type", 99),
            "'kernel' has elements of an unknown type, number 99",
        ),
    ],
)
def test_a_model_that_contradicts_itself(edit, words):
    model = base()
    edit(model.graph)
    with pytest.raises(FormatError, match=words):
        from_onnx(model)


def test_a_cycle_is_shown():
    nodes = [helper.make_node("Add", ["x", "b"], ["a"], "n1"), helper.make_node("Relu", ["a"], ["b"], "n2")]
    with pytest.raises(CycleError, match=r"'n1' -> 'n2'|'n2' -> 'n1'"):
        from_onnx(made(nodes, {"x": [1]}, {"b": [1]}))


# ---------------------------------------------------------------------------------------- files


def test_paths_texts_and_bytes(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(base(), path)
    assert from_onnx(path) == from_onnx(str(path)) == from_onnx(path.read_bytes()) == from_onnx(base())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"# Not a model\nbut a text.\n" * 20, "no ONNX model"),
        (base().SerializeToString()[:-300], "no ONNX model"),
        (base().SerializeToString()[:10], "no ONNX model"),
        (base().graph.SerializeToString(), "holds no graph"),
        (
            made([helper.make_node("Relu", ["x"], ["y"])], {"x": [1]}, {"y": [1]}).graph.SerializeToString(),
            "no graph",
        ),
    ],
    ids=["empty", "text", "cut off", "cut short", "a graph", "a small graph"],
)
def test_a_file_that_is_no_model_is_named(tmp_path, content, words):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        from_onnx(path)
    assert str(path) in str(caught.value)


def test_other_objects_and_missing_files():
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        from_onnx("nowhere.onnx")
    with pytest.raises(TypeError, match=r"not GraphProto: onnx\.helper\.make_model"):
        from_onnx(base().graph)
    with pytest.raises(TypeError, match="not int"):
        from_onnx(7)


SOUND = [model.SerializeToString() for model in (base(), shape_chain(), constants(), function(9), transformer(13))]


@settings(max_examples=300)
@given(st.data())
def test_only_documented_errors_come_of_damaged_files(data):
    raw = bytearray(data.draw(st.sampled_from(SOUND)))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(raw[: data.draw(st.one_of(st.just(len(raw)), st.integers(0, len(raw))))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OpaqueNodes)
        try:
            model = from_onnx(raw)
            model.problems()
            [weight.array() for weight in model.weights.values() if (weight.tensor.bytes or 0) < 10**6]
        except (ValueError, DataMissing):
            pass


def test_reading_copies_no_weights(tmp_path):
    big = numpy_helper.from_array(np.ones((2000, 2000), np.float32), "W")
    model = made([helper.make_node("MatMul", ["x", "W"], ["y"])], {"x": [1, 2000]}, {"y": [1, 2000]}, [big])
    tracemalloc.start()
    read = from_onnx(model)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()
    assert read.weights["W"].array().sum() == 4e6


def test_many_nodes_are_read_in_as_many_steps():
    """Calls of functions are counted, which no load of the machine changes."""

    def calls(n):
        nodes = [helper.make_node("Relu", [f"t{k}"], [f"t{k + 1}"]) for k in range(n)]
        proto = made(nodes, {"t0": ["batch", 3]}, {f"t{n}": ["batch", 3]})
        counted, before = Counter(), sys.getprofile()
        sys.setprofile(lambda frame, event, argument: counted.update([event]))
        try:
            model = from_onnx(proto)
        finally:
            sys.setprofile(before)
        assert len(model.nodes) == n
        return counted["call"] + counted["c_call"]

    calls(10)  # imports
    assert calls(2_000) < 8.5 * calls(250)  # a square would be 64 times


# ---------------------------------------------------------------------------------------- external data


def outside(location="w.bin", **told):
    """A model whose kernel of 8 numbers lies in another file."""
    tensor = TensorProto(name="W", dims=[8], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **told}.items():
        tensor.external_data.add(key=key, value=str(value))
    return made([helper.make_node("Add", ["x", "W"], ["y"])], {"x": [8]}, {"y": [8]}, [tensor])


@pytest.fixture
def folder(tmp_path):
    """tmp_path/secret, and tmp_path/model with w.bin: 4 numbers that are skipped, then 0 ... 7."""
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_bytes(bytes(1000))
    values = np.concatenate([np.full(4, -1), np.arange(8)]).astype("<f4")
    (tmp_path / "model/w.bin").write_bytes(values.tobytes())
    return tmp_path / "model"


def saved(folder, proto):
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize(
    "told", [{"offset": 16}, {"offset": 16, "length": 32}], ids=["offset", "offset and length"]
)
def test_external_data_is_read_when_it_is_asked_for(folder, told):
    model = from_onnx(saved(folder, outside(**told)))
    np.testing.assert_array_equal(model.weights["W"].array(), np.arange(8, dtype=np.float32))
    (folder / "sub").mkdir()
    os.rename(folder / "w.bin", folder / "sub/w.bin")
    with pytest.raises(DataMissing, match=r"w\.bin"):
        model.weights["W"].array()
    os.symlink(folder / "sub/w.bin", folder / "w.bin")  # a link that stays inside
    np.testing.assert_array_equal(model.weights["W"].array(), np.arange(8, dtype=np.float32))


def test_types_that_numpy_does_not_have_lie_outside_too(folder):
    proto = outside(offset=16, length=4)
    proto.graph.initializer[0].data_type = TensorProto.INT4
    model = from_onnx(saved(folder, proto))
    assert model.weights["W"].tensor == Tensor((8,), "int4")
    assert model.weights["W"].array().shape == (8,)


def test_graphs_are_read_without_their_data(folder):
    for proto in (outside("lost.bin"), outside("../secret")):
        assert from_onnx(saved(folder, proto)).tensor("y") == Tensor((8,), "float32")
    with pytest.raises(DataMissing, match=r"w\.bin.*from_onnx\(path\)"):
        from_onnx(outside()).weights["W"].array()


HOSTILE = [
    "../secret", "/etc/passwd", "a/../../secret", "..", ".", "", "link", "linked/secret", "fifo", "loop", "sub",
    "C:\\secret", "..\\secret", "\\\\host\\share", "w.bin/x", "x" * 5000, "a\0b", "/dev/zero", "device",
]  # fmt: skip


@pytest.mark.parametrize("location", HOSTILE, ids=range(len(HOSTILE)))
def test_paths_that_lead_out_of_the_folder_are_refused_unread(folder, location, monkeypatch):
    os.symlink("../secret", folder / "link")
    os.symlink("..", folder / "linked")
    os.symlink("loop", folder / "loop")
    os.symlink("/dev/zero", folder / "device")
    os.mkfifo(folder / "fifo")
    (folder / "sub").mkdir()
    model = from_onnx(saved(folder, outside(location)))
    opened = []
    monkeypatch.setattr(os, "open", lambda *arguments: opened.append(arguments))
    with pytest.raises(FormatError, match="refused: only regular files inside") as caught:
        model.weights["W"].array()
    assert repr(location) in str(caught.value)
    assert opened == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"offset": 20}, "has 48 bytes; 32 from byte 20 on do not fit"),
        ({"offset": 10**18}, "do not fit"),
        ({"offset": -16}, "from byte -16 on"),
        ({"length": 10**15}, "32 bytes are needed"),
        ({"length": 31}, "32 bytes are needed"),
        ({"offset": "many"}, "many"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(folder, told, words):
    model = from_onnx(saved(folder, outside(**told)))
    with pytest.raises(FormatError, match=words):
        model.weights["W"].array()


def test_memory_is_not_taken_on_a_files_word(folder):
    proto = outside()
    proto.graph.initializer[0].dims[0] = 10**15
    model = from_onnx(saved(folder, proto))
    with pytest.raises(FormatError, match="do not fit"):
        model.weights["W"].array()


def test_values_that_do_not_fit_their_shape():
    model = base()
    model.graph.initializer[0].raw_data = bytes(8)
    read = from_onnx(model)
    with pytest.raises(FormatError, match=r"'kernel' of shape \(4, 3, 3, 3\)"):
        read.weights["kernel"].array()
    wrong = sparse()
    where = wrong.graph.sparse_initializer[0].indices
    where.CopyFrom(numpy_helper.from_array(np.array([1, 70]), "where"))
    with pytest.raises(FormatError, match="sparse tensor 'c'"):
        from_onnx(wrong).weights["c"].array()


# ---------------------------------------------------------------------------------------- written


def by_hand():
    model = ComputationalGraph("hand")
    x = model.input("x", ("n", 3, 8, 8))
    h = model.add(
        "Conv", x, model.weight("K", np.ones((4, 3, 3, 3), np.float32)), strides=(2, 2), auto_pad="SAME_UPPER"
    )
    h = model.add("LeakyRelu", h, alpha=1)
    model.add("Split", h, outputs=["a", "b"], axis=1, num_outputs=2, name="split")
    model.output(model.add("Cast", "a", to=10), "b")
    model.add("Odd", "a", domain="mine", version=3, name="odd", numbers=(), array=np.eye(2), name_="odd")
    return model


def test_what_is_written_is_read_as_it_was(tmp_path):
    model = by_hand()
    proto = to_onnx(model)
    assert from_onnx(proto) == model
    assert {told.domain: told.version for told in proto.opset_import} == {"": 20, "mine": 3}
    assert [(d.dim_value or d.dim_param) for d in proto.graph.output[1].type.tensor_type.shape.dim] == [
        "n",
        2,
        4,
        4,
    ]
    model.remove("odd")
    onnx.checker.check_model(to_onnx(model), full_check=True)
    np.testing.assert_array_equal(
        from_onnx(to_onnx(model)).weights["K"].array(), np.ones((4, 3, 3, 3), np.float32)
    )


@pytest.mark.parametrize("dialect", [d for d in DIALECTS if d not in ("functions of another opset", "unordered")])
def test_every_dialect_survives_writing(dialect):
    model = from_onnx(DIALECTS[dialect](), shapes={"batch": 2})
    proto = to_onnx(model)
    onnx.checker.check_model(proto)
    assert from_onnx(proto) == model


def test_numbers_among_the_attributes_are_the_shortest_of_their_precision():
    assert from_onnx(base()).node("n1").attributes == {"epsilon": 1e-5}


def test_nodes_are_written_in_an_order_of_computation():
    model = from_onnx(unordered(), shapes={"batch": 2})
    proto = to_onnx(model)
    onnx.checker.check_model(proto)
    assert {n.name for n in proto.graph.node} == {n.name for n in model.nodes}


def test_one_opset_for_all_where_no_operator_has_changed():
    model = from_onnx(function(8))  # MaxPool, Relu of 8, the others of 9
    assert {told.version for told in to_onnx(model).opset_import} == {9}
    model.add("Relu", "y", name="new", version=20)
    with pytest.raises(ValueError, match=r"'n0' is Conv of opset 9, others are of 20, .*version=9"):
        to_onnx(model)
    small = ComputationalGraph()
    small.output(small.add("Exp", small.add("Sigmoid", small.input("x", (1,)), version=13), version=17))
    assert to_onnx(small).opset_import[0].version == 17


def test_inputs_that_nothing_gives_are_not_written():
    model = ComputationalGraph()
    model.output(model.add("Relu", model.add("Exp", model.input("x", (1,)), name="exp"), name="relu"))
    model.remove("exp")
    with pytest.raises(
        ValueError, match="node 'relu' reads 'exp' at port 0, and nothing gives it: rewire or remove it"
    ):
        to_onnx(model)


def test_a_node_that_is_added_to_a_file_is_of_its_opset():
    model = from_onnx(base())
    model.output(model.add("Softmax", model.outputs[0], name="classes"))
    onnx.checker.check_model(to_onnx(model), full_check=True)
    assert {told.version for told in to_onnx(model).opset_import} == {model.nodes[0].version}


def test_weights_without_values_are_not_written():
    model = ComputationalGraph()
    model.output(model.add("Add", model.input("x", (3,)), model.weight("w", shape=(3,))))
    with pytest.raises(ValueError, match=r"'w'.*with_random_weights"):
        to_onnx(model)
    filled = with_random_weights(model, 7)
    written = from_onnx(to_onnx(filled))
    np.testing.assert_array_equal(written.weights["w"].array(), filled.weights["w"].array())


# ---------------------------------------------------------------------------------------- random weights


def hand_weights():
    """One weight for each way to be used, and the standard deviation or range that it should get."""
    g = ComputationalGraph()
    x = g.input("x", ("n", 100))
    g.add("Conv", "i", g.weight("kernel", shape=(64, 50, 3, 3)), g.weight("conv_bias", shape=(4000,)))
    g.add("ConvTranspose", "i", g.weight("up", shape=(100, 32, 3, 3)), group=2)
    g.add("Gemm", x, g.weight("B", shape=(100, 300)))
    g.add("Gemm", x, g.weight("Bt", shape=(300, 100)), transB=1)
    g.add("MatMul", x, g.weight("M", shape=(100, 300)))
    g.add("MatMul", g.weight("left", shape=(300, 100)), "y")
    names = ["scale", "shift", "mean", "variance"]
    g.add("BatchNormalization", "i", *(g.weight(name, shape=(4000,)) for name in names))
    g.add("LayerNormalization", "i", g.weight("gain", shape=(4000,)), g.weight("offset", shape=(4000,)))
    g.add("PRelu", "i", g.weight("slope", shape=(4000, 1, 1)))
    g.add("Mul", "i", g.weight("factor", shape=(4000,)))
    g.add("Gather", g.weight("words", shape=(300, 100)), "i")
    g.add("Add", "i", g.weight("added", shape=(100, 100)))
    return g


STD = {
    "kernel": (2 / 450) ** 0.5, "up": (2 / (50 * 9)) ** 0.5, "B": 0.02**0.5, "Bt": 0.02**0.5, "M": 0.02**0.5,
    "left": 0.02**0.5, "conv_bias": 0.1, "shift": 0.1, "mean": 0.1, "offset": 0.1, "added": 0.1, "words": 1.0,
}  # fmt: skip
RANGES = {"scale": (0.5, 1.5), "variance": (0.5, 1.5), "gain": (0.5, 1.5), "factor": (0.5, 1.5), "slope": (0, 0.5)}


def test_random_weights_have_the_size_that_their_use_asks_for():
    weights = {name: w.array() for name, w in with_random_weights(hand_weights(), 7).weights.items()}
    assert weights.keys() == STD.keys() | RANGES.keys()
    for name, std in STD.items():
        assert abs(weights[name].std() / std - 1) < 0.05, name
        assert abs(weights[name].mean()) < 0.1 * std, name
    for name, (low, high) in RANGES.items():
        spread = (high - low) * 0.01
        assert low <= weights[name].min() < low + spread, name
        assert high - spread < weights[name].max() <= high, name
    assert {array.dtype for array in weights.values()} == {np.dtype(np.float32)}


def test_random_weights_depend_on_seed_and_name_only():
    model = hand_weights()
    first, again, other = (with_random_weights(model, seed).weights for seed in (7, 7, 8))
    edited = model.copy()
    edited.add("Add", "i", edited.weight("more", shape=(5,)))
    edited.remove("Conv_0")
    later = with_random_weights(edited, 7).weights
    for name in first:
        np.testing.assert_array_equal(first[name].array(), again[name].array())
        assert (first[name].array() != other[name].array()).any()
        if name not in ("kernel", "conv_bias"):
            np.testing.assert_array_equal(first[name].array(), later[name].array())
    np.testing.assert_allclose(first["added"].array()[0, :3], [-0.15039770, -0.01399310, -0.05420236], rtol=1e-6)
    assert first["mean"].array()[0] != first["shift"].array()[0]
    twice = with_random_weights(with_random_weights(model, 7), 8).weights
    np.testing.assert_array_equal(twice["M"].array(), other["M"].array())


def test_generators_move_on_and_other_seeds_are_refused():
    rng = np.random.default_rng(7)
    a, b = (with_random_weights(hand_weights(), rng).weights["M"].array() for _ in range(2))
    assert (a != b).any()
    with pytest.raises(TypeError, match="seed="):
        with_random_weights(hand_weights(), "seven")


def test_what_has_values_keeps_them_and_whole_numbers_are_not_drawn():
    model = from_onnx(base())
    model.weight("mine", shape=(3,), dtype="int64")
    model.put("half", Weight(Tensor((3,), "float16"), lambda: np.full(3, np.float16(0.02)), "generated"))
    filled = with_random_weights(model, 7)
    np.testing.assert_array_equal(filled.weights["kernel"].array(), WEIGHTS["kernel"])
    assert filled.weights["mine"].make is None
    assert filled.weights["half"].array().dtype == np.float16
    assert len(set(filled.weights["half"].array())) == 3
    assert filled == model
    assert model.weights["half"].array()[0] == np.float16(0.02)


def test_resnet50_filled_in_a_moment_and_held_once():
    model = from_onnx(LIGHT / "light_resnet50.onnx")
    filled = with_random_weights(model, 7)
    generated = [weight for weight in filled.weights.values() if weight.origin == "generated"]
    drawn = 25_557_032 + 2 * 26_560 - 28 * 64  # the means and variances too, but not the 28 that the file holds
    assert sum(weight.array().nbytes for weight in generated) == 4 * drawn
    assert generated[0].array() is generated[0].array()
    assert filled == model
