"""Rules of operators against onnx's inference and cases, the arithmetic in `execution`, and loops that count."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import strategies  # noqa: F401  # the profile of Hypothesis
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lessons.operators import DTYPES, Call, Dim, Tensor
from lessons.operators._calls import RULES
from lessons.operators.execution import OPERATORS, execute
from lessons.operators.rules import infer, multiply_adds, values
from lessons.operators.shape_values import VALUES

FLOAT, WHOLE = np.float32, np.int64


@dataclass(frozen=True)
class Use:
    """One use of an operator with arrays; those of whole numbers are settings or shapes, known beforehand."""

    op: str
    inputs: list[np.ndarray | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    version: int = 20
    outputs: int = 1

    def call(self, *, known: bool = True, hidden: Mapping[tuple[int, int], Dim] | None = None) -> Call:
        """As its rules see it, some lengths hidden behind names: {(port, axis): name}."""
        tensors: list[Tensor | None] = []
        for port, array in enumerate(self.inputs):
            if array is None:
                tensors.append(None)
            else:
                shape = tuple((hidden or {}).get((port, axis), n) for axis, n in enumerate(array.shape))
                tensors.append(Tensor(shape, str(array.dtype)))
        told = [a if known and a is not None and a.dtype == WHOLE else None for a in self.inputs]
        return Call(self.op, tensors, told, self.attributes, self.outputs, "", self.version)


def told_by_onnx(use: Use) -> list[Tensor] | None:
    """What onnx's inference finds for a model of this one node; None where it refuses it."""
    onnx = pytest.importorskip("onnx")
    names = ["" if array is None else f"x{k}" for k, array in enumerate(use.inputs)]
    results = [f"y{k}" for k in range(use.outputs)]
    attributes = {
        k: onnx.numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in use.attributes.items()
    }
    given = [(name, a) for name, a in zip(names, use.inputs, strict=True) if a is not None]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(use.op, names, results, **attributes)],
        "one",
        [
            onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for name, a in given
        ],
        [onnx.ValueInfoProto(name=name) for name in results],
        [onnx.numpy_helper.from_array(a, name) for name, a in given if a.dtype == WHOLE],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", use.version)])
    try:
        found = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph.output
    except onnx.shape_inference.InferenceError:
        return None
    return [tensor_of(info.type) for info in found]


def tensor_of(told: Any) -> Tensor:
    if not told.HasField("tensor_type"):
        return Tensor()
    tensor, shape = told.tensor_type, None
    if tensor.HasField("shape"):
        shape = tuple(n.dim_value if n.HasField("dim_value") else n.dim_param or None for n in tensor.shape.dim)
    return Tensor(shape, DTYPES.get(tensor.elem_type))


def agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two answers say the same wherever both say a number or a type."""
    if ours.dtype and theirs.dtype and ours.dtype != theirs.dtype:
        return False
    if ours.shape is None or theirs.shape is None:
        return True
    pairs = list(zip(ours.shape, theirs.shape, strict=False))
    numbers = all(a == b for a, b in pairs if isinstance(a, int) and isinstance(b, int))
    return len(ours.shape) == len(theirs.shape) and numbers


# ---------------------------------------------------------------------------------------- uses of operators


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, FLOAT)


def wholes(numbers: Any) -> np.ndarray:
    return np.array(numbers, WHOLE)


SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


def some(draw: st.DrawFn, options: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Each of these attributes, or not."""
    return {name: draw(option) for name, option in options.items() if draw(st.booleans())}


@st.composite
def window_settings(draw: st.DrawFn, rank: int, pads: bool = True) -> dict[str, Any]:
    def several(low: int, high: int, count: int) -> st.SearchStrategy[list[int]]:
        return st.lists(st.integers(low, high), min_size=count, max_size=count)

    options = {"strides": several(1, 3, rank), "dilations": several(1, 2, rank)}
    chosen = some(draw, options)
    if draw(st.booleans()) and pads:
        return chosen | {"pads": draw(several(0, 2, 2 * rank))}
    kinds = ["VALID", "NOTSET"] if "dilations" in chosen else ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]
    return chosen | {"auto_pad": draw(st.sampled_from(kinds))}


@st.composite
def convolutions(draw: st.DrawFn, op: str = "Conv") -> Use:
    rank, group, batch = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    before, after = group * draw(st.integers(1, 2)), group * draw(st.integers(1, 2))
    spatial = draw(st.lists(st.integers(2, 6), min_size=rank, max_size=rank))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    weight = (after, before // group, *kernel) if op == "Conv" else (before, after // group, *kernel)
    chosen = draw(window_settings(rank)) | some(draw, {"kernel_shape": st.just(kernel)})
    chosen |= {"group": group} if group > 1 or draw(st.booleans()) else {}
    if op == "ConvTranspose":
        chosen |= some(draw, {"output_padding": st.just([0] * rank)})
        # the specification says stride * length, onnx's inference more than that below a kernel of that reach
        same, reach = "SAME" in chosen.get("auto_pad", ""), chosen.get("strides", [1] * rank)
        assume(not same or all(k >= s for k, s in zip(kernel, reach, strict=True)))
    return Use(op, [floats(batch, before, *spatial), floats(*weight)], chosen)


@st.composite
def pools(draw: st.DrawFn) -> Use:
    op, rank = draw(st.sampled_from(["AveragePool", "MaxPool", "LpPool"])), draw(st.integers(1, 2))
    spatial = draw(st.lists(st.integers(2, 7), min_size=rank, max_size=rank))
    chosen = draw(window_settings(rank))
    kernel = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    pads = chosen.get("pads", [0] * 2 * rank)
    assume(all(pads[k] < kernel[k] and pads[k + rank] < kernel[k] for k in range(rank)))
    chosen |= {"kernel_shape": kernel} | some(draw, {"ceil_mode": st.integers(0, 1)})
    return Use(op, [floats(2, 3, *spatial)], chosen, 22)


@st.composite
def elementwise(draw: st.DrawFn) -> Use:
    whole = draw(SHAPES)
    shapes = [draw(smaller(whole)) for _ in range(draw(st.integers(2, 3)))]
    op = draw(st.sampled_from(["Max", "Sum"] if len(shapes) > 2 else ["Add", "Mul", "Less", "Pow", "Sum"]))
    return Use(op, [floats(*shape) for shape in shapes])


@st.composite
def smaller(draw: st.DrawFn, whole: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that mostly broadcasts to another one."""
    lengths = [draw(st.sampled_from([n, n, n, 1, 2])) for n in whole]
    return tuple(lengths[draw(st.integers(0, len(lengths))) :])


@st.composite
def products(draw: st.DrawFn) -> Use:
    m, k, n = (draw(st.integers(1, 4)) for _ in range(3))
    if draw(st.booleans()):
        flags = some(draw, {"transA": st.integers(0, 1), "transB": st.integers(0, 1)})
        shapes = [(k, m) if flags.get("transA") else (m, k), (n, k) if flags.get("transB") else (k, n)]
        shapes += [draw(st.sampled_from([(m, n), (n,), (1, n), (m, 1), (1,), (), (k, k)]))] * draw(
            st.integers(0, 1)
        )
        return Use("Gemm", [floats(*shape) for shape in shapes], flags)
    batch = draw(SHAPES)
    a, b = (*draw(smaller(batch)), m, k), (*draw(smaller(batch)), draw(st.sampled_from([k, k, k, 3])), n)
    a, b = draw(st.sampled_from([(a, b), ((k,), b), (a, (k,)), ((k,), (k,)), ((m, k), b)]))
    return Use("MatMul", [floats(*a), floats(*b)])


@st.composite
def joined(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    rest = [(*shape[:axis], draw(st.integers(1, 3)), *shape[axis:][1:]) for _ in range(draw(st.integers(0, 2)))]
    return Use("Concat", [floats(*s) for s in (shape, *rest)], {"axis": axis})


@st.composite
def splits(draw: st.DrawFn) -> Use:
    parts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    shape = draw(SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    if draw(st.booleans()):
        shape = (*shape[:axis], sum(parts), *shape[axis:][1:])
        return Use("Split", [floats(*shape), wholes(parts)], {"axis": axis}, 13, len(parts))
    return Use("Split", [floats(*shape)], {"axis": axis, "num_outputs": len(parts)}, 18, len(parts))


@st.composite
def slices(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True))
    far = st.sampled_from([2**31 - 1, 2**63 - 1, -(2**31), -(2**63) + 1])
    starts, ends = ([draw(st.one_of(st.integers(-7, 7), far)) for _ in axes] for _ in range(2))
    told = [wholes(starts), wholes(ends), wholes(axes)]
    if draw(st.booleans()):
        steps = [draw(st.sampled_from([1, 1, 2, -1, -2])) for _ in axes]
        # a start far before the first element, backwards: onnx's inference takes one element, its reference none
        assume(all(step > 0 or start >= -shape[a] for step, start, a in zip(steps, starts, axes, strict=True)))
        told.append(wholes(steps))
    return Use("Slice", [floats(*shape), *told])


@st.composite
def reshaped(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    order = draw(st.permutations(shape))
    cut = draw(st.integers(0, len(order)))
    target = [*order[:cut], prod(order[cut:])]
    if draw(st.booleans()):
        target[draw(st.integers(0, cut))] = draw(st.sampled_from([-1, 0, 4]))
    return Use("Reshape", [floats(*shape), wholes(target)])


@st.composite
def relaid(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    axes = st.lists(st.integers(-len(shape), len(shape) - 1), max_size=2)
    kind = draw(st.sampled_from(["Transpose", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"]))
    x = floats(*shape)
    if kind == "Transpose":
        return Use(kind, [x], some(draw, {"perm": st.permutations(range(len(shape)))}))
    if kind == "Flatten":
        return Use(kind, [x], some(draw, {"axis": st.integers(-len(shape), len(shape))}))
    if kind == "Squeeze":
        ones = [axis for axis, n in enumerate(shape) if n == 1]
        told = draw(st.sampled_from([None, ones, ones[:1] or [0]]))
        return Use(kind, [x] if told is None else [x, wholes(told)])
    if kind == "Unsqueeze":
        return Use(kind, [x, wholes(draw(axes))])
    if kind == "Expand":
        return Use(kind, [x, wholes(draw(smaller(draw(SHAPES))) or [1])])
    return Use(kind, [x, wholes([draw(st.integers(1, 3)) for _ in shape])])


@st.composite
def picked(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(["Gather", "Pad", "TopK", "ArgMax", "ReduceSum", "ReduceMean", "Softmax"]))
    x = floats(*shape)
    if kind == "Gather":
        index = draw(st.sampled_from([0, [0], [[0, -1]], shape[axis] - 1]))
        return Use(kind, [x, wholes(index)], {"axis": axis})
    if kind == "Pad":
        return Use(kind, [x, wholes([draw(st.integers(0, 2)) for _ in range(2 * len(shape))])])
    if kind == "TopK":
        return Use(kind, [x, wholes([draw(st.integers(1, 4))])], {"axis": axis}, 20, 2)
    if kind == "ArgMax":
        return Use(kind, [x], {"axis": axis} | some(draw, {"keepdims": st.integers(0, 1)}))
    if kind == "Softmax":
        return Use(kind, [x], some(draw, {"axis": st.just(axis)}))
    axes = draw(st.lists(st.integers(0, len(shape) - 1), max_size=2, unique=True))
    chosen = some(draw, {"keepdims": st.integers(0, 1), "noop_with_empty_axes": st.integers(0, 1)})
    return Use(kind, [x, wholes(axes)] if draw(st.booleans()) else [x], chosen)


@st.composite
def normalised(draw: st.DrawFn) -> Use:
    shape = (*draw(SHAPES), draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    kind = draw(st.sampled_from(["BatchNormalization", "InstanceNormalization", "LayerNormalization"]))
    if kind == "LayerNormalization":
        axis = draw(st.integers(-len(shape), len(shape) - 1))
        return Use(
            kind, [floats(*shape), *[floats(*shape[axis:])] * 2], {"axis": axis}, 17, draw(st.integers(1, 3))
        )
    channels = draw(st.sampled_from([shape[1]] * 3 + [5]))
    return Use(kind, [floats(*shape), *[floats(channels)] * (4 if kind == "BatchNormalization" else 2)])


@st.composite
def blocks(draw: st.DrawFn) -> Use:
    lengths = [draw(st.integers(1, 3)) * draw(st.sampled_from([1, 2, 4])) for _ in range(3)]
    x = floats(draw(st.integers(1, 2)), *lengths)
    return Use(
        draw(st.sampled_from(["DepthToSpace", "SpaceToDepth"])), [x], {"blocksize": draw(st.integers(1, 2))}
    )


@st.composite
def sums_of_products(draw: st.DrawFn) -> Use:
    equations = (
        "ij,jk->ik|ij,jk|bij,bjk->bik|...ij,...jk->...ik|i,j->ij|ij,ij->|ii->i|ij->j|...i->...|bij , kj -> bik"
    )
    equation = draw(st.sampled_from(equations.split("|")))
    size = {letter: draw(st.integers(1, 4)) for letter in "bijk"}
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    dots = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    shapes = [(*(dots if "..." in t else ()), *(size[letter] for letter in t.replace("...", ""))) for t in terms]
    return Use("Einsum", [floats(*shape) for shape in shapes], {"equation": equation})


@st.composite
def resized(draw: st.DrawFn) -> Use:
    shape = draw(SHAPES)
    new = [draw(st.integers(1, 6)) for _ in shape]
    return Use("Resize", [floats(*shape), None, None, wholes(new)], {}, 13)


@st.composite
def generated(draw: st.DrawFn) -> Use:
    if draw(st.booleans()):
        return Use("ConstantOfShape", [wholes(draw(st.lists(st.integers(0, 4), max_size=3)))])
    start, limit, step = (
        draw(st.integers(-5, 9)),
        draw(st.integers(-9, 9)),
        draw(st.sampled_from([1, 2, 3, -1, -2])),
    )
    return Use("Range", [wholes(start), wholes(limit), wholes(step)])


USES = st.one_of(
    convolutions(),
    convolutions("ConvTranspose"),
    *(strategy() for strategy in (pools, elementwise, products, joined, splits, slices, reshaped, relaid)),
    *(strategy() for strategy in (picked, normalised, blocks, sums_of_products, resized, generated)),
)


# ---------------------------------------------------------------------------------------- shapes

# What these refuse onnx's inference lets pass, mostly with lengths of 0 or below: windows that do not fit, blocks
# and parts that do not divide, elements that are more or fewer after a Reshape, channels without a scale.
STRICTER = {
    "AveragePool", "Conv", "ConvTranspose", "DepthToSpace", "Gemm", "InstanceNormalization", "LpPool", "MaxPool",
    "Reshape", "SpaceToDepth", "Split",
}  # fmt: skip


def found_or_refused(call: Call) -> list[Tensor] | None:
    try:
        return infer(call)
    except ValueError:
        return None


@settings(max_examples=400)
@given(USES)
def test_shapes_are_those_of_onnx(use: Use):
    ours, theirs = found_or_refused(use.call()), told_by_onnx(use)
    if theirs is None:
        assert ours is None
    elif ours is None:
        assert use.op in STRICTER
    else:
        assert all(isinstance(n, int) for tensor in ours for n in tensor.shape)
        assert all(agree(a, b) for a, b in zip(ours, theirs, strict=True)), (ours, theirs)


@settings(max_examples=300)
@given(USES)
def test_shapes_and_types_are_those_that_are_computed(use: Use):
    ours = found_or_refused(use.call())
    assume(ours is not None)
    results = execute(use.op, use.inputs, use.attributes, version=use.version, outputs=use.outputs)
    assert ours == [Tensor(y.shape, str(y.dtype)) for y in results]


@st.composite
def hidden_uses(draw: st.DrawFn) -> tuple[Use, dict[tuple[int, int], Dim]]:
    """A use, and some of the lengths of its arrays behind names that tell them, or behind nothing."""
    use = draw(USES)
    places = [
        (k, axis) for k, a in enumerate(use.inputs) if a is not None and a.dtype == FLOAT for axis in range(a.ndim)
    ]
    lengths = {(k, axis): use.inputs[k].shape[axis] for k, axis in places}
    return use, {at: draw(st.sampled_from([n, f"n{n}", f"n{n}", None])) for at, n in lengths.items()}


def true_of(told: Dim, length: Any) -> bool:
    """Whether what is told of a length, or of a number, is so: names such as n3 tell theirs."""
    return told is None or (int(told[1:]) if isinstance(told, str) else told) == length


@settings(max_examples=400)
@given(hidden_uses(), st.booleans())
def test_what_is_told_of_open_lengths_is_true(example: tuple[Use, dict[tuple[int, int], Dim]], known: bool):
    use, hidden = example
    whole = found_or_refused(use.call())
    assume(whole is not None)
    for tensor, truth in zip(infer(use.call(known=known, hidden=hidden)), whole, strict=True):
        assert tensor.dtype == truth.dtype
        if tensor.shape is not None:
            assert len(tensor.shape) == len(truth.shape)
            assert all(map(true_of, tensor.shape, truth.shape)), (tensor, truth)


def open_(*lengths: Dim) -> Tensor:
    return Tensor(lengths, "float32")


@pytest.mark.parametrize(
    ("op", "inputs", "told", "attributes", "expected"),
    [
        ("Conv", [open_("b", 3, "h", 8), open_(4, 3, 3, 3)], [], {"pads": [1, 1, 1, 1]}, ("b", 4, "h", 8)),
        ("Conv", [open_("b", 3, "h", 8), open_(4, 3, 3, 3)], [], {"strides": [2, 2]}, ("b", 4, None, 3)),
        (
            "MaxPool",
            [open_("b", 3, "h", 8)],
            [],
            {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"},
            ("b", 3, "h", 8),
        ),
        ("Add", [open_("a", 3), open_("b", 1)], [], {}, (None, 3)),
        ("Add", [open_("a", 3), open_(1, 3)], [], {}, ("a", 3)),
        ("Add", [open_("a", 3), open_("a", 3)], [], {}, ("a", 3)),
        ("Add", [open_("a", 3), open_(7, "c")], [], {}, (7, 3)),
        ("MatMul", [open_("b", 12, "t", 64), open_("b", 12, 64, "t")], [], {}, ("b", 12, "t", "t")),
        ("Concat", [open_("b", 3), open_("b", 4)], [], {"axis": 1}, ("b", 7)),
        ("Concat", [open_("b", "n"), open_(2, 4)], [], {"axis": 1}, (2, None)),
        ("Reshape", [open_("batch", 512, 1, 1), None], [0, -1], {}, ("batch", 512)),
        ("Reshape", [open_("batch", 4, 8), None], [-1, 32], {}, ("batch", 32)),
        ("Reshape", [open_("b", "t", 768), None], [0, 0, 12, 64], {}, ("b", "t", 12, 64)),
        ("Reshape", [open_("b", 12, "t", 64), None], ["b", 12, "t", -1], {}, ("b", 12, "t", 64)),
        ("Reshape", [open_("b", 12, "t", 64), None], [-1, 64], {}, (None, 64)),
        ("Reshape", [open_("b", "t", 4), None], [-1, 4], {}, (None, 4)),
        ("Reshape", [open_("b", 4), None], ["c", 4, -1], {}, ("c", 4, None)),
        ("Reshape", [open_(8, 4), None], ["c", -1], {}, ("c", None)),
        ("Reshape", [open_(None, 4, 8), None], [0, -1], {}, (None, 32)),
        ("Reshape", [open_("b", 4, 0), None], [0, -1], {"allowzero": 1}, None),
        ("Flatten", [open_("b", 3, 4)], [], {}, ("b", 12)),
        ("Flatten", [open_("b", "t", 4)], [], {"axis": 2}, (None, 4)),
        ("Slice", [open_("b", "t"), None, None], [], {"starts": [0], "ends": [2**63 - 1]}, ("b", "t")),
        ("Slice", [open_("b", "t")], [], {"starts": [0, 1], "ends": [9, 9]}, (None, None)),
        ("Slice", [open_("b", "t")], [], {"starts": [-1], "ends": [-(2**63)], "axes": [1]}, ("b", None)),
        ("Split", [open_("b", "t")], [], {"split": [2, 3], "axis": 1}, ("b", 2)),
        ("Squeeze", [open_("b", 1)], [], {}, None),
        ("Squeeze", [open_("b", 1)], [], {"axes": [1]}, ("b",)),
        ("Expand", [open_(1, 3), None], ["b", 1], {}, ("b", 3)),
        ("Tile", [open_("b", 3), None], [1, "k"], {}, ("b", None)),
        ("Pad", [open_("b", "t")], [], {"pads": [0, 1, 0, 0]}, ("b", None)),
        ("Gather", [open_(100, 64), open_("b", "t")], [], {}, ("b", "t", 64)),
        ("Resize", [open_("b", 3, 4, 4), None, Tensor((4,)), None], [1.0, 1.0, 2.0, 0.7], {}, ("b", 3, 8, 2)),
        ("ReduceMean", [open_("b", 3, "h")], [], {"axes": [-1]}, ("b", 3, 1)),
        ("Einsum", [open_("b", "t", 64), open_("b", "s", 64)], [], {"equation": "btd,bsd->bts"}, ("b", "t", "s")),
    ],
)
def test_names_of_lengths(op, inputs, told, attributes, expected):
    """A name stays where a length does; where it does not, nothing is told."""
    port = 2 if op == "Resize" else 1
    inputs = [*inputs]
    known: list[Any] = [None] * len(inputs)
    if told:
        known[port] = np.array(told, object)
        inputs[port] = Tensor((len(told),), "int64")
    outputs = 2 if op == "Split" else 1
    call = Call(op, inputs, known, attributes, outputs, "", 13 if op in ("Resize", "Reshape") else 9)
    if expected is None:
        assert infer(call)[0].shape is None or None in infer(call)[0].shape
    else:
        assert infer(call)[0].shape == expected


@pytest.mark.parametrize(
    ("op", "older", "newer", "versions", "results"),
    [
        ("Slice", {"starts": [1], "ends": [4], "axes": [1]}, [[1], [4], [1]], (9, 10), [(2, 3, 1, 6)]),
        ("Pad", {"pads": [0, 1, 2, 0, 0, 0, 0, 3]}, [[0, 1, 2, 0, 0, 0, 0, 3]], (10, 11), [(2, 6, 3, 9)]),
        ("Split", {"split": [2, 4], "axis": 3}, [[2, 4]], (12, 13), [(2, 5, 1, 2), (2, 5, 1, 4)]),
        ("Squeeze", {"axes": [2]}, [[2]], (12, 13), [(2, 5, 6)]),
        ("Unsqueeze", {"axes": [0, 3]}, [[0, 3]], (12, 13), [(1, 2, 5, 1, 1, 6)]),
        ("ReduceSum", {"axes": [1]}, [[1]], (12, 13), [(2, 1, 1, 6)]),
        ("ReduceMean", {"axes": [1]}, [[1]], (17, 18), [(2, 1, 1, 6)]),
        ("TopK", {"k": 4}, [[4]], (9, 10), [(2, 5, 1, 4)] * 2),
        ("Upsample", {"scales": [1.0, 1.0, 2.0, 2.5]}, [[1.0, 1.0, 2.0, 2.5]], (7, 9), [(2, 5, 2, 15)]),
        ("Reshape", {"shape": [5, -1]}, [[5, -1]], (1, 5), [(5, 12)]),
    ],
)
def test_attributes_that_became_inputs(op, older, newer, versions, results):
    x, axis = Tensor((2, 5, 1, 6), "float32"), {"axis": 3} if op == "Split" else {}
    kind = FLOAT if op == "Upsample" else WHOLE
    arrays = [np.array(setting, kind) for setting in newer]
    tensors = [Tensor(a.shape, str(a.dtype)) for a in arrays]
    before = infer(Call(op, [x], [None], older, len(results), "", versions[0]))
    after = infer(Call(op, [x, *tensors], [None, *arrays], axis, len(results), "", versions[1]))
    assert before == after
    assert [tensor.shape for tensor in after] == results


def test_what_an_opset_changed_without_a_name():
    x = Tensor((2, 7), "float32")
    assert [infer(Call("Dropout", [x], outputs=2, version=v))[1].dtype for v in (7, 10)] == ["float32", "bool"]
    assert [t.shape for t in infer(Call("Split", [x], attributes={"axis": 1}, outputs=2, version=18))] == [
        (2, 4),
        (2, 3),
    ]
    with pytest.raises(ValueError, match="7 cannot be split into 2 equal parts"):
        infer(Call("Split", [x], attributes={"axis": 1}, outputs=2, version=13))
    assert infer(Call("Softmax", [Tensor((3,))], version=11))[0].shape == (3,)
    assert infer(Call("Resize", [x, None], [None, np.array([1.0, 2.0])], version=10))[0].shape == (None, None)
    told = [None, np.array([1, 2.0], FLOAT)]
    assert infer(Call("Resize", [x, Tensor((2,), "float32")], told, version=10))[0].shape == (2, 14)
    assert infer(
        Call("Resize", [x, None, Tensor((1,))], [None, None, told[1][1:]], {"axes": [1]}, version=18)
    ) == [Tensor((2, 14), "float32")]


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "said"),
    [
        (
            "Conv",
            [(1, 3, 8, 8), (4, 2, 3, 3)],
            {},
            r"\(4, 2, 3, 3\) reads 2 channels .* \(1, 3, 8, 8\) has 3: the weight",
        ),
        ("Conv", [(1, 4, 8, 8), (3, 2, 3, 3)], {"group": 2}, "3 output channels cannot be divided into group=2"),
        (
            "Conv",
            [(1, 3, 2, 2), (4, 3, 3, 3)],
            {},
            "a window over 3 does not fit into a length of 2, .*: take a smaller",
        ),
        ("Conv", [(1, 3, 8, 8), (4, 3, 3)], {}, r"\(4, 3, 3\), of rank 3; it needs rank 4"),
        ("Conv", [(3, 8), (4, 8)], {}, r"\(3, 8\); it needs \(batch, channels, length, ...\)"),
        ("Conv", [(1, 3, 8, 8), (4, 3, 3, 3)], {"strides": [2]}, r"strides is a list of 2 .*, not \[2\]"),
        ("Conv", [(1, 3, 8, 8), (4, 3, 3, 3)], {"strides": 2}, "strides is a list of 2 .*, not 2"),
        ("Conv", [(1, 3, 8, 8), (4, 3, 3, 3)], {"strides": [0, 1]}, "whole numbers from 1 on"),
        (
            "Conv",
            [(1, 3, 8, 8), (4, 3, 3, 3)],
            {"kernel_shape": [5, 5]},
            r"kernel_shape \[5, 5\] is not .*: leave it",
        ),
        ("Conv", [(1, 3, 8, 8)], {}, "it reads at least 2 tensors, and 1 of these are given"),
        ("ConvTranspose", [(1, 3, 8, 8), (4, 2, 3, 3)], {}, "reads 4 channels, .* has 3: these must be equal"),
        ("MaxPool", [(1, 3, 8, 8)], {}, "kernel_shape is missing: give 2 lengths"),
        (
            "BatchNormalization",
            [(1, 3, 8), (3,), (3,), (4,), (3,)],
            {},
            r"3 channels, and input 3 has the shape \(4,\)",
        ),
        (
            "LayerNormalization",
            [(2, 6), (5,)],
            {},
            r"\(2, 6\) and \(5,\) do not broadcast, as 6 meets 5 at axis -1",
        ),
        ("Gemm", [(2, 3), (4, 3)], {}, r"\(2, 3\) times \(4, 3\) does not fit, as 3 is not 4: .* transB=1"),
        ("Gemm", [(2, 3), (4, 5)], {"transB": 1}, r"\(4, 5\), transposed, does not fit, as 3 is not 5"),
        ("Gemm", [(2, 3, 1), (3, 3)], {}, r"a factor has the shape \(2, 3, 1\), of rank 3; it needs rank 2"),
        ("Gemm", [(2, 3), (3, 4), (3,)], {}, r"\(2, 4\) and \(3,\) do not broadcast"),
        ("Gemm", [(1, 3), (3, 4), (2, 4)], {}, r"\(2, 4\), which does not broadcast to the product's \(1, 4\)"),
        ("MatMul", [(5, 2, 3), (4, 3)], {}, r"\(5, 2, 3\) times \(4, 3\) does not fit, as 3 is not 4"),
        ("MatMul", [(), (3,)], {}, "rank 0 .* multiply with Mul"),
        ("Add", [(4, 3), (4,)], {}, r"\(4, 3\) and \(4,\) do not broadcast, as 3 meets 4 at axis -1: give equal"),
        (
            "Concat",
            [(2, 3), (3, 3)],
            {"axis": 1},
            r"\(2, 3\) and \(3, 3\) cannot be joined along axis 1: .* axis 0 too",
        ),
        ("Concat", [(2, 3), (3,)], {"axis": 0}, r"beside \(2, 3\) an input has the shape \(3,\)"),
        ("Concat", [(2, 3)], {}, "the attribute axis is missing"),
        ("Concat", [(2, 3)], {"axis": 2}, "axis 2 is none of 2: give one from -2 to 1"),
        ("Split", [(7, 2)], {"split": [3, 3]}, r"parts of \[3, 3\] along axis 0 of \(7, 2\)"),
        (
            "Reshape",
            [(2, 3)],
            {"shape": [4, -1]},
            r"6 elements of \(2, 3\) cannot be laid out as \(4, -1\): the lengths",
        ),
        ("Reshape", [(2, 3)], {"shape": [-1, -1]}, "may hold -1 once"),
        ("Reshape", [(2, 3)], {"shape": [6, 1, 0]}, r"copies axis 2 by 0, and \(2, 3\) has none"),
        ("Squeeze", [(2, 3)], {"axes": [0]}, "axis 0 of .* has the length 2: only a length of 1 can be dropped"),
        ("Transpose", [(2, 3)], {"perm": [0, 0]}, r"perm \[0, 0\] must hold each axis from 0 to 1 once"),
        ("Slice", [(2, 3)], {"starts": [0, 0], "ends": [1]}, "give as many of each"),
        ("Pad", [(2, 3)], {"pads": [1, 1]}, r"2 pads for 2 axes of \(2, 3\)"),
        ("Pad", [(2, 3)], {"pads": [-3, 0, 0, 0]}, "leave nothing of the length 2"),
        ("DepthToSpace", [(1, 6, 2, 2)], {"blocksize": 2}, "6 cannot be divided by 4: give a blocksize that fits"),
        ("TopK", [(2, 3)], {"k": 4}, "the largest 4 of the 3 along axis 1"),
        ("Einsum", [(2, 3), (4, 5)], {"equation": "ij,jk->ik"}, "do not broadcast, as 3 meets 4"),
        ("Einsum", [(2, 3)], {"equation": "ij,jk->ik"}, "names 2 tensors, and 1 are given"),
        ("Einsum", [(2, 3)], {"equation": "ijk->i"}, r"'ijk' names 3 axes of a tensor of shape \(2, 3\)"),
        ("Einsum", [(2, 3)], {"equation": "ij->k"}, "the index 'k' of the result is on no tensor"),
        ("Einsum", [(2, 3)], {}, "the attribute equation is a text"),
        ("Attention", [(1, 2, 3)] * 3, {}, "the attribute q_num_heads is missing"),
        (
            "Attention",
            [(1, 2, 6)] * 3,
            {"q_num_heads": 2, "kv_num_heads": 4},
            r"kv_num_heads=4 does not divide the 6 channels of \(1, 2, 6\)",
        ),
        ("Attention", [(1, 2, 3, 8), (1, 2, 3, 6), (1, 2, 3, 6)], {}, "channels of the first two"),
        ("Attention", [(1, 2, 3, 8), (1, 2, 3, 8), (1, 2, 4, 8)], {}, "positions of the last two"),
        ("Cast", [(2, 3)], {"to": "float32"}, "to is a whole number, not 'float32'"),
        (
            "GridSample",
            [(1, 3, 8, 8), (1, 3)],
            {},
            r"onnx finds that inputs of shapes \(1, 3, 8, 8\), \(1, 3\) do not fit",
        ),
    ],
)
def test_what_does_not_fit_is_told(op, shapes, attributes, said):
    call = Call(
        op, [Tensor(shape, "float32") for shape in shapes], [], attributes, 2 if op == "Split" else 1, "", 9
    )
    if op == "GridSample":
        pytest.importorskip("onnx", reason="it is onnx that finds this")
    if op in ("LayerNormalization", "Einsum", "GridSample"):
        call = Call(op, call.inputs, [], attributes, 1, "", 20)
    with pytest.raises(ValueError, match=f"^{op}: .*{said}"):
        infer(call)
    assert multiply_adds(call) in (None, 0)
    assert values(call) == []


# ---------------------------------------------------------------------------------------- the cases of onnx


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    """All cases of one node that come with onnx."""
    pytest.importorskip("onnx")
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of them overflow, which is what they are there for
        return [case for case in collect_testcases(None) if len(case.model.graph.node) == 1]


def plain(value: Any) -> Any:
    import onnx

    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def read(case: Any, known: bool) -> tuple[Call, list[Tensor], list[Any]]:
    """A case as a call, the types that it declares for its outputs, and their values."""
    import onnx

    (node,), graph, (given, expected) = case.model.graph.node, case.model.graph, case.data_sets[0]
    types = {info.name: tensor_of(info.type) for info in (*graph.input, *graph.output)}
    arrays = dict(zip((info.name for info in graph.input), given, strict=True))
    arrays = {name: np.asarray(a) if isinstance(a, np.generic) else a for name, a in arrays.items()}
    told = [arrays.get(name) if known and _states(arrays.get(name)) else None for name in node.input]
    call = Call(
        node.op_type,
        [types.get(name, Tensor()) if name else None for name in node.input],
        told,
        {a.name: plain(onnx.helper.get_attribute_value(a)) for a in node.attribute},
        len(node.output),
        node.domain,
        next(o.version for o in case.model.opset_import if o.domain == node.domain),
    )
    results = dict(zip((info.name for info in graph.output), expected, strict=True))
    return call, [types.get(name, Tensor()) for name in node.output], [results.get(name) for name in node.output]


def _states(array: Any) -> bool:
    """Whether a model would know the value of this: few whole numbers, or a few scales."""
    if not isinstance(array, np.ndarray):
        return False
    return array.size <= (1024 if array.dtype in (np.int64, np.int32, np.bool_) else 16 * (array.dtype == FLOAT))


@pytest.mark.parametrize("known", [True, False])
def test_types_that_the_cases_of_onnx_declare(cases: list[Any], known: bool):
    answered = 0
    for case in cases:
        call, declared, results = read(case, known)
        if call.op == "STFT":
            continue  # onnx's inference, which is asked, and its case disagree
        ours = infer(call)
        assert all(agree(a, b) for a, b in zip(ours, declared, strict=False)), (case.name, ours, declared)
        for tensor, result in zip(ours, results, strict=False):
            if isinstance(result, np.ndarray) and call.op in RULES and call.op != "Dropout":
                assert agree(tensor, Tensor(result.shape, None)), (case.name, tensor, result.shape)
                answered += tensor.size is not None
    assert answered > len(cases) * (0.55 if known else 0.43), "most of the cases, whatever onnx's version has"


def test_ours_tell_all_of_the_cases_of_onnx(cases: list[Any]):
    """Where what states the shape is known, nothing stays open, but for what depends on other values."""
    still_open = set()
    for case in cases:
        call, _, results = read(case, True)
        tensors = infer(call) if call.op in RULES else []
        if any(t.size is None and isinstance(y, np.ndarray) for t, y in zip(tensors, results, strict=False)):
            still_open.add(case.name)
    aspect = {name for name in still_open if "_not_larger" in name or "_not_smaller" in name}
    halves = {"test_range_bfloat16_type_positive_delta", "test_range_float16_type_positive_delta"}
    assert still_open - aspect <= halves | {f"{name}_expanded" for name in halves}


def test_values_of_the_cases_of_onnx(cases: list[Any]):
    followed = 0
    for case in cases:
        call, _, results = read(case, True)
        for value, result in zip(values(call), results, strict=False):
            if value is not None and result is not None:
                assert (value.shape, value.dtype) == (np.shape(result), np.asarray(result).dtype), case.name
                # whole numbers exactly; products of ours are rounded once, after they are multiplied
                np.testing.assert_allclose(value, result, rtol=1e-7 * (value.dtype.kind == "f"), err_msg=case.name)
                followed += 1
    assert followed > 120


# ---------------------------------------------------------------------------------------- values


@st.composite
def numbers(draw: st.DrawFn) -> Use:
    """Operators on the whole numbers that state shapes."""
    several = st.lists(st.integers(0, 6), min_size=3, max_size=3).map(wholes)
    x, y, one = draw(several), draw(several), wholes([draw(st.integers(0, 4))])
    pairs = [
        Use(op, [x, draw(st.sampled_from([y, one, x]))])
        for op in ("Add", "Sub", "Mul", "Min", "Max", "Equal", "Less")
    ]
    pairs += [Use(op, [x, draw(st.sampled_from([y + 1, wholes([1]), x + 1]))]) for op in ("Div", "Mod")]
    index = wholes(draw(st.sampled_from([0, -1, [1], [2, 0]])))
    others = [
        Use("Gather", [x, index]),
        Use("Slice", [x, wholes([draw(st.integers(-3, 2))]), wholes([draw(st.integers(-3, 9))])]),
        Use("Slice", [x, wholes([-1]), wholes([-9]), wholes([0]), wholes([-2])]),
        Use("Concat", [x, one, y], {"axis": 0}),
        Use("Unsqueeze", [x, wholes([0])]),
        Use("Squeeze", [one, wholes([0])]),
        Use("Reshape", [x, wholes([3, 1])]),
        Use("Cast", [x], {"to": draw(st.sampled_from([1, 6, 7, 9]))}),
        Use("Identity", [x]),
        Use("Neg", [x]),
        Use("Range", [wholes(0), index.ravel()[0] + wholes(2), wholes(1)]),
        Use("Where", [x < y, x, y]),
        Use("ReduceProd", [x], {"keepdims": draw(st.integers(0, 1))}),
        Use("ReduceSum", [x, wholes([0])]),
        Use("ReduceMax", [x.reshape(1, 3), wholes([1])], {"keepdims": 0}),
        Use("Expand", [one, wholes([3])]),
        Use("Tile", [x, one]),
        Use("Transpose", [x.reshape(1, 3)]),
        Use("Split", [x, wholes([1, 2])], outputs=2),
        Use("ConstantOfShape", [x[:2]], {"value": wholes([7])}),
        Use("Shape", [x.reshape(3, 1)], draw(st.sampled_from([{}, {"start": 1}, {"end": -1}]))),
        Use("Size", [x]),
    ]
    return draw(st.sampled_from(pairs + others))


def told_values(use: Use, arrays: list[np.ndarray | None]) -> list[Any]:
    tensors = [None if a is None else Tensor(a.shape, str(a.dtype)) for a in use.inputs]
    return values(Call(use.op, tensors, arrays, use.attributes, use.outputs, "", use.version))


@settings(max_examples=200)
@given(numbers())
def test_values_are_those_that_are_computed(use: Use):
    results = execute(use.op, use.inputs, use.attributes, version=use.version, outputs=use.outputs)
    for value, result in zip(told_values(use, use.inputs), results, strict=True):
        np.testing.assert_array_equal(value, result, strict=True)


@settings(max_examples=300)
@given(numbers(), st.data())
def test_what_is_told_of_open_numbers_is_true(use: Use, data: st.DataObject):
    def hide(array: np.ndarray) -> np.ndarray:
        if array.dtype == np.bool_:
            return array
        told = [data.draw(st.sampled_from([n, f"n{n}", f"n{n}", None])) for n in array.ravel().tolist()]
        return np.array(told, object).reshape(array.shape)

    results = execute(use.op, use.inputs, use.attributes, version=use.version, outputs=use.outputs)
    arrays = [hide(array) if data.draw(st.booleans()) else array for array in use.inputs]
    for value, result in zip(told_values(use, arrays), results, strict=False):
        if value is not None:
            assert value.shape == result.shape
            assert all(map(true_of, value.ravel().tolist(), result.ravel().tolist())), (value, result)


def names(*lengths: Dim) -> np.ndarray:
    return np.array(lengths, object)


@pytest.mark.parametrize(
    ("op", "arrays", "attributes", "expected"),
    [
        ("Gather", [names("batch", 3, 8), wholes(1)], {}, 3),
        ("Gather", [names("batch", 3, 8), wholes([0])], {}, ["batch"]),
        ("Concat", [names("batch"), wholes([-1])], {"axis": 0}, ["batch", -1]),
        ("Mul", [names("batch", 4), wholes([2])], {}, [None, 8]),
        ("Mul", [names("batch", 4), wholes([1])], {}, ["batch", 4]),
        ("Div", [names("batch"), names("batch")], {}, [1]),
        ("Div", [wholes([-7, 7]), wholes([2, -2])], {}, [-3, -3]),
        ("Sub", [names("n"), names("n")], {}, [0]),
        ("Sub", [wholes([0]), names("n")], {}, None),
        ("Sub", [names(None, 2), names(None, 1)], {}, [None, 1]),
        ("Min", [names("n"), names("n")], {}, ["n"]),
        ("Equal", [names("batch", 4, -1), wholes([-1])], {}, [False, False, True]),
        ("Equal", [names("batch", 4), wholes([4])], {}, [None, True]),
        ("Where", [np.array([False, True]), wholes([1, 1]), names("batch", -1)], {}, ["batch", 1]),
        ("Where", [names(None), names("n"), names("n")], {}, ["n"]),
        ("ReduceProd", [names("batch", 1)], {"keepdims": 0}, "batch"),
        ("ReduceProd", [names("batch", 2)], {"keepdims": 0}, None),
        ("Cast", [names("batch", 2)], {"to": 6}, ["batch", 2]),
        ("Cast", [names("batch", 2)], {"to": 9}, [None, True]),
        ("Div", [wholes([1]), wholes([0])], {}, None),
        ("Range", [wholes(0), names("t"), wholes(1)], {}, None),
        ("ConstantOfShape", [wholes([2000])], {}, None),
        ("ConstantOfShape", [wholes([1000])], {"value": wholes([0])}, [0] * 1000),
        ("Constant", [], {"value": np.ones((2, 2), FLOAT)}, [[1, 1], [1, 1]]),
        ("Constant", [], {"value_ints": [1, 2]}, [1, 2]),
        ("Constant", [], {"value": np.ones(100, FLOAT)}, None),
        ("Relu", [wholes([1])], {}, None),
    ],
)
def test_values_with_names(op, arrays, attributes, expected):
    kinds = ["bool" if a.dtype == np.bool_ else "int64" for a in arrays]
    tensors = [Tensor(a.shape, kind) for a, kind in zip(arrays, kinds, strict=True)]
    found = values(Call(op, tensors, arrays, attributes))
    value = found[0] if found else None
    assert (None if value is None else value.tolist()) == expected


def test_shapes_as_values():
    x = Tensor(("batch", 3, None), "float32")
    assert values(Call("Shape", [x]))[0].tolist() == ["batch", 3, None]
    assert values(Call("Shape", [x], attributes={"start": 1, "end": 2}))[0].tolist() == [3]
    assert values(Call("Shape", [Tensor()])) == []
    assert values(Call("Size", [Tensor((2, 3))]))[0] == 6
    assert values(Call("Size", [Tensor((1, "n"))]))[0] == "n"
    assert values(Call("Size", [Tensor((2, "n"))])) == [None]
    assert values(Call("Shape", [x], domain="com.example")) == []


def test_every_operator_that_is_followed_has_a_rule_of_shapes():
    assert set(VALUES) <= set(RULES)


# ---------------------------------------------------------------------------------------- multiply-adds


class Counting:
    """A number of which every product is counted."""

    products = 0

    def __mul__(self, other: object) -> Counting:
        Counting.products += 1
        return self

    def __add__(self, other: object) -> Counting:
        return self

    __radd__ = __add__


def counted(of: Any, *shapes: tuple[int, ...]) -> int:
    """The products of a calculation with arrays of counting numbers."""
    arrays = []
    for shape in shapes:
        array = np.empty(shape, object)
        array[...] = Counting()
        arrays.append(array)
    Counting.products = 0
    of(*arrays)
    return Counting.products


def convolve(x: np.ndarray, w: np.ndarray, attributes: Mapping[str, Any]) -> None:
    """A convolution in loops over its windows."""
    rank = x.ndim - 2
    pads, strides = attributes.get("pads", [0] * 2 * rank), attributes.get("strides", [1] * rank)
    dilations, group = attributes.get("dilations", [1] * rank), attributes.get("group", 1)
    zero = Counting()
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)], constant_values=zero)
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations, strict=True)]
    starts = [range(0, n - r + 1, s) for n, r, s in zip(x.shape[2:], reach, strides, strict=True)]
    for at in product(range(len(x)), range(len(w)), *starts):
        part = at[1] // (len(w) // group)
        channels = slice(part * w.shape[1], (part + 1) * w.shape[1])
        window = [slice(s, s + r, d) for s, r, d in zip(at[2:], reach, dilations, strict=True)]
        (x[(at[0], channels, *window)] * w[at[1]]).sum()


@settings(max_examples=80)
@given(convolutions())
def test_multiply_adds_of_convolutions(use: Use):
    assume("auto_pad" not in use.attributes or use.attributes["auto_pad"] == "VALID")
    assume(found_or_refused(use.call()) is not None)
    shapes = [array.shape for array in use.inputs]
    assert multiply_adds(use.call()) == counted(lambda x, w: convolve(x, w, use.attributes), *shapes)


@settings(max_examples=60)
@given(convolutions("ConvTranspose"))
def test_multiply_adds_of_transposed_convolutions(use: Use):
    assume(found_or_refused(use.call()) is not None)

    def spread(x: np.ndarray, w: np.ndarray) -> None:
        per_group = x.shape[1] // use.attributes.get("group", 1)
        for at in np.ndindex(x.shape):
            part = at[1] // per_group  # each weight belongs to one input channel and to the outputs of its group
            assert part * per_group <= at[1]
            w[at[1]] * x[at]

    assert multiply_adds(use.call()) == counted(spread, *(array.shape for array in use.inputs))


@settings(max_examples=100)
@given(products())
def test_multiply_adds_of_matrix_products(use: Use):
    assume(found_or_refused(use.call()) is not None)

    def multiply(a: np.ndarray, b: np.ndarray) -> None:
        (a.T if use.attributes.get("transA") else a) @ (b.T if use.attributes.get("transB") else b)

    assert multiply_adds(use.call()) == counted(multiply, *(array.shape for array in use.inputs[:2]))


@settings(max_examples=60)
@given(sums_of_products())
def test_multiply_adds_of_einsum(use: Use):
    shapes = [array.shape for array in use.inputs]
    expected = (
        counted(lambda a, b: np.einsum(use.attributes["equation"], a, b), *shapes) if len(shapes) == 2 else 0
    )
    assert multiply_adds(use.call()) == expected


@pytest.mark.parametrize(("op", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_multiply_adds_of_recurrent_layers(op, gates):
    steps, batch, before, hidden = 5, 2, 3, 4
    found = 0
    for _ in product(range(2), range(steps), range(batch), range(gates), range(hidden)):  # two directions
        found += before + hidden  # each gate of each neuron sums up the input and the state
    shapes = [(steps, batch, before), (2, gates * hidden, before), (2, gates * hidden, hidden)]
    assert multiply_adds(Call(op, [Tensor(shape, "float32") for shape in shapes])) == found


def test_multiply_adds_of_attention():
    """Scores of 5 queries and 7 keys in 4 heads of 8 channels, with which 7 values of 6 channels are weighed."""
    by_heads = [open_(2, 4, 5, 8), open_(2, 4, 7, 8), open_(2, 4, 7, 6)]
    folded = [open_(2, 5, 32), open_(2, 7, 32), open_(2, 7, 24)]
    heads = {"q_num_heads": 4, "kv_num_heads": 4}
    shared = [open_(2, 4, 5, 8), open_(2, 1, 7, 8), open_(2, 1, 7, 6)]
    past = [None, open_(2, 4, 3, 8), open_(2, 4, 3, 6)]
    expected = 2 * 4 * 5 * 7 * (8 + 6)
    assert multiply_adds(Call("Attention", by_heads)) == multiply_adds(Call("Attention", shared)) == expected
    assert multiply_adds(Call("Attention", folded, attributes=heads)) == expected
    assert multiply_adds(Call("Attention", [*by_heads, *past])) == expected // 7 * (7 + 3)


def test_attention_with_open_lengths():
    heads = {"q_num_heads": 4, "kv_num_heads": 2}
    folded = [open_("batch", "seq", 32), open_("batch", "seq", 16), open_("batch", "seq", 12)]
    y, keys, values, scores = infer(Call("Attention", folded, attributes=heads, outputs=4))
    assert y.shape == ("batch", "seq", 24)
    assert (keys.shape, values.shape) == (("batch", 2, "seq", 8), ("batch", 2, "seq", 6))
    assert scores.shape == ("batch", 4, "seq", "seq")
    past = [None, open_("batch", 2, "past", 8), open_("batch", 2, "past", 6)]
    _, keys = infer(Call("Attention", [*folded, *past], attributes=heads, outputs=2))
    assert keys.shape == ("batch", 2, None, 8)
    assert infer(Call("Attention", [Tensor(), *folded[1:]], attributes=heads)) == [Tensor()]


def test_multiply_adds_of_quantised_products():
    x, w = Tensor((1, 3, 8, 8), "uint8"), Tensor((4, 3, 3, 3), "int8")
    one = Tensor((), "float32")
    plain_ = multiply_adds(Call("Conv", [x, w]))
    assert plain_ == 4 * 6 * 6 * 27
    assert multiply_adds(Call("ConvInteger", [x, w])) == plain_
    assert multiply_adds(Call("QLinearConv", [x, one, one, w, one, one, one, x])) == plain_
    a, b = Tensor((5, 2, 3), "uint8"), Tensor((3, 4), "int8")
    assert multiply_adds(Call("MatMulInteger", [a, b])) == multiply_adds(Call("MatMul", [a, b])) == 120
    assert multiply_adds(Call("QLinearMatMul", [a, one, one, b, one, one, one, a])) == 120


@pytest.mark.parametrize(
    "op", ["Add", "Relu", "MaxPool", "BatchNormalization", "Softmax", "Concat", "Resize", "NonZero"]
)
def test_operators_without_products(op):
    assert multiply_adds(Call(op, [Tensor()])) == 0


@pytest.mark.parametrize(
    "call",
    [
        Call("MatMul", [open_("b", 3), open_(3, 4)]),
        Call("Conv", [open_("b", 3, 8, 8), open_(4, 3, 3, 3)]),
        Call("Gemm", [open_("b", 3), open_(3, 4)]),
        Call("ConvTranspose", [open_("b", 3, 8, 8), open_(3, 4, 3, 3)]),
        Call("Einsum", [open_("b", 3), open_(3, 4)], attributes={"equation": "ij,jk->ik"}),
        Call("Einsum", [open_(2, 3)] * 3, attributes={"equation": "ij,ij,ij->i"}),
        Call("LSTM", [open_("t", 2, 3), open_(1, 16, 3), open_(1, 16, 4)]),
        Call("MatMul", [Tensor(), open_(3, 4)]),
        Call("MatMul", [open_(2, 3), open_(4, 4)]),
        Call("If", []),
        Call("Attention", [open_(1, 2, 3)] * 3),
        Call("Relu", [open_(2)], domain="com.example"),
        Call("NoSuchOperator", []),
    ],
    ids=lambda call: call.op,
)
def test_what_cannot_be_counted(call):
    assert multiply_adds(call) is None


# ---------------------------------------------------------------------------------------- any other node


def test_onnx_is_asked_about_the_rest_of_its_own():
    pytest.importorskip("onnx")
    x = open_("batch", 4, 8)
    assert infer(Call("Elu", [x], attributes={"alpha": 1})) == [x]
    assert infer(Call("ReverseSequence", [x, Tensor((4,), "int64")], domain="ai.onnx")) == [x]
    found = infer(Call("NonZero", [x]))
    assert (found[0].dtype, found[0].shape[0], found[0].shape[1]) == ("int64", 3, found[0].shape[1])
    assert not isinstance(found[0].shape[1], int)
    told = [None, wholes(5), None]
    assert infer(Call("OneHot", [open_("n"), Tensor((), "int64"), open_(2)], told))[0].shape == ("n", 5)
    assert infer(Call("Binarizer", [x], attributes={"threshold": 1}, domain="ai.onnx.ml", version=1)) == [x]


@pytest.mark.parametrize(
    "call",
    [
        Call("Relu", [open_(2)], domain="com.example"),
        Call("NoSuchOperator", [open_(2)]),
        Call("If", [Tensor((), "bool")], attributes={"then_branch": object()}),
        Call("ReverseSequence", [open_(2, 3), Tensor((2,), "int64")], attributes={"batch_axis": object()}),
        Call("ReverseSequence", [open_(2, 3), Tensor((2,), None)]),
        Call("GridSample", [open_(1, 3, 8, 8), Tensor(None, "float32")]),
        Call("LSTM", [open_(2), open_(2), open_(2)], version=0),
    ],
    ids=lambda call: call.op,
)
def test_what_nobody_can_tell(call):
    assert [tensor for tensor in infer(call) if tensor.shape is not None] == []


def test_without_onnx(monkeypatch):
    for name in ("onnx", "onnx.shape_inference"):
        monkeypatch.setitem(sys.modules, name, None)
    assert infer(Call("OneHot", [open_(2), Tensor((), "int64"), open_(2)])) == []
    assert infer(Call("Relu", [open_(2)])) == [open_(2)]


LENGTHS = st.one_of(st.integers(0, 3), st.sampled_from(["n", "m"]), st.none())
TENSORS = st.builds(
    Tensor,
    st.one_of(st.none(), st.lists(LENGTHS, max_size=5).map(tuple)),
    st.sampled_from([None, "float32", "int64", "string", "bfloat16"]),
)
ANYTHING = st.one_of(
    st.integers(-3, 5),
    st.lists(st.integers(-3, 5), max_size=4),
    st.lists(st.floats(), max_size=2),
    st.sampled_from([None, 0.5, "", "ij->i", "SAME_UPPER", floats(2), wholes([1]), wholes([])]),
)
NAMES = """
    axis axes pads strides dilations kernel_shape group perm blocksize to value equation k scales shape split
    starts ends keepdims auto_pad start end output_shape output_padding transA ceil_mode num_outputs
"""
HELD = st.one_of(
    st.none(),
    st.lists(st.integers(-3, 5), max_size=4).map(wholes),
    st.lists(LENGTHS, max_size=4).map(lambda lengths: np.array(lengths, object)),
    st.integers(-3, 5).map(wholes),
    st.lists(st.floats(), max_size=3).map(np.array),
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Nodes without rhyme or reason."""
    inputs = draw(st.lists(st.one_of(TENSORS, TENSORS, st.none()), max_size=5))
    told = []
    for k, port in enumerate(inputs):
        value = draw(HELD) if port is not None else None
        if value is not None:  # a value has the shape that its tensor has
            inputs[k] = Tensor(value.shape, "int64" if value.dtype in (WHOLE, object) else "float32")
        told.append(value)
    attributes = draw(st.dictionaries(st.sampled_from(NAMES.split()), ANYTHING, max_size=4))
    op = draw(st.sampled_from([*sorted(RULES), "ReverseSequence", "OneHot", "LSTM", "Scan", "Nonsense"]))
    return Call(op, inputs, told, attributes, draw(st.integers(0, 3)), "", draw(st.sampled_from([7, 11, 13, 20])))


@settings(max_examples=400)
@given(calls())
def test_any_node_is_told_of_or_refused_in_words(call: Call):
    tensors = found_or_refused(call)
    for tensor in tensors or []:
        assert tensor.shape is None or all(n is None or isinstance(n, str) or n >= 0 for n in tensor.shape), tensor
    for value in values(call):
        assert value is None or isinstance(value, np.ndarray)
    assert multiply_adds(call) is None or multiply_adds(call) >= 0


def test_every_operator_that_is_computed_has_shapes():
    """By a rule of ours, or by onnx."""
    onnx = pytest.importorskip("onnx")
    others = {op for op in set(OPERATORS) - set(RULES) if onnx.defs.has(op)}  # an older onnx has fewer
    assert others
    assert not {op for op in others if not onnx.defs.get_schema(op).has_type_and_shape_inference_function}
