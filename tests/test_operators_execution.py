"""Operators against the cases that `onnx` ships, older opsets against newer ones, windows against plain loops."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest
import strategies  # noqa: F401  # the profile of Hypothesis
from hypothesis import assume, given
from hypothesis import strategies as st

from lessons.errors import UnsupportedOperator
from lessons.operators import windows
from lessons.operators._arrays import COMPUTED
from lessons.operators.execution import OPERATORS, VIEWS, execute, supports

onnx = pytest.importorskip("onnx", reason="the cases are those of the onnx package")

NEWEST = onnx.defs.onnx_opset_version()
RELEASE = tuple(map(int, onnx.__version__.split(".")[:2]))

# Cases of supported operators that are refused for another reason than the types of their tensors
REFUSED = {
    "test_training_dropout": "random",
    "test_training_dropout_default": "random",
    "test_training_dropout_default_mask": "random",
    "test_training_dropout_mask": "random",
}
WITHOUT_CASE = {"GlobalLpPool"}  # has a test of its own below
FIRST_CASE = {  # the release of onnx that brought it, later than the operator
    "LpNormalization": (1, 18),
    "Attention": (1, 22),  # earlier ones number its stages otherwise
}

# Cases that expected something wrong, and the release of onnx that mended them
MENDED = {
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": (
        1,
        18,
    ),  # counts beyond padding
    "test_qlinearmatmul_2D_int8_float16": (1, 18),  # the four of int8 wrap around instead of saturating
    "test_qlinearmatmul_2D_int8_float32": (1, 18),
    "test_qlinearmatmul_3D_int8_float16": (1, 18),
    "test_qlinearmatmul_3D_int8_float32": (1, 18),
}


def arr(*values: Any, dtype: Any = np.int64) -> np.ndarray:
    return np.array(values, dtype)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# ---------------------------------------------------------------------------------------- the cases of onnx


@pytest.fixture(scope="module")
def node_cases() -> Mapping[str, list[Any]]:
    """The cases of `onnx` that are one node of an operator: {operator: cases}."""
    from onnx.backend.test.case.node import collect_testcases

    found = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of them overflow on purpose
        for case in collect_testcases(None):
            graph = case.model.graph if case.model is not None else None
            if graph is not None and len(graph.node) == 1 and "expanded" not in case.name:
                found[graph.node[0].op_type].append(case)
    return found


def attributes_of(node: Any) -> dict[str, Any]:
    return {a.name: plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}


def plain(value: Any) -> Any:
    """A value of `onnx` as NumPy or Python has it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return onnx.numpy_helper.to_array(value)
    return list(map(plain, value)) if isinstance(value, list | tuple) else value


def run(case: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Inputs of a case, what we give, and what `onnx` expects."""
    [node] = case.model.graph.node
    version = next(o.version for o in case.model.opset_import if o.domain == node.domain)
    [(told, expected)] = case.data_sets
    waiting = iter(told)
    inputs = [plain(next(waiting)) if name else None for name in node.input]
    outputs = execute(
        node.op_type, inputs, attributes_of(node), version=version, domain=node.domain, outputs=len(node.output)
    )
    return inputs, [y for y, name in zip(outputs, node.output, strict=True) if name], list(map(plain, expected))


def foreign(case: Any) -> set[str]:
    """What a case works on that is not computed here: types that NumPy has not, sequences."""
    graph = case.model.graph
    types = [value.type for value in (*graph.input, *graph.output)]
    kinds = {t.WhichOneof("value") for t in types} - {"tensor_type"}
    numbers = {t.tensor_type.elem_type for t in types if t.HasField("tensor_type")}
    names = {onnx.TensorProto.DataType.Name(n).lower() for n in numbers}
    return kinds | {n for n in names if n not in COMPUTED | {"float", "double"}}


def refused(case: Any) -> bool:
    return case.name in REFUSED or bool(foreign(case))


def assert_same(found: Sequence[Any], expected: Sequence[Any], rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """The same values, shapes and types."""
    for y, wanted in zip(found, map(np.asarray, expected), strict=True):
        assert isinstance(y, np.ndarray)
        assert (y.shape, y.dtype.kind in "OUT" or y.dtype) == (
            wanted.shape,
            wanted.dtype.kind in "OUT" or wanted.dtype,
        )
        if wanted.dtype.kind in "OUTb":
            np.testing.assert_array_equal(y, wanted)
        else:
            np.testing.assert_allclose(y, wanted, rtol=rtol, atol=atol)


@pytest.mark.parametrize("op", sorted(set(OPERATORS) - WITHOUT_CASE))
def test_agrees_with_the_cases_of_onnx(op, node_cases):
    if not onnx.defs.has(op) or FIRST_CASE.get(op, RELEASE) > RELEASE:
        pytest.skip(f"onnx {onnx.__version__} has no case of {op} yet")
    cases = [case for case in node_cases[op] if not refused(case) and MENDED.get(case.name, RELEASE) <= RELEASE]
    assert cases, f"{op} has no case: write one by hand, and list it in WITHOUT_CASE"
    for case in cases:
        try:
            _, found, expected = run(case)
            assert_same(found, expected, case.rtol, case.atol)
        except Exception as error:
            raise AssertionError(f"{case.name}: {error}") from error


def test_what_is_said_to_have_no_case_has_none(node_cases):
    assert [op for op in WITHOUT_CASE if node_cases[op]] == []


def test_cases_that_are_refused_are_there_and_are_refused(node_cases):
    cases = {case.name: case for op in OPERATORS for case in node_cases[op]}
    assert set(REFUSED) | set(MENDED) <= set(cases)
    assert len(cases) > 800
    for name in REFUSED:
        with pytest.raises(UnsupportedOperator, match="Dropout in training"):
            run(cases[name])


@pytest.mark.skipif(RELEASE < (1, 19), reason="older releases of onnx hand bfloat16 over as float32")
def test_types_that_numpy_lacks_are_refused(node_cases):
    others = [case for op in OPERATORS for case in node_cases[op] if foreign(case)]
    assert len(others) > 100
    for case in others:
        with pytest.raises((ValueError, TypeError), match="not computed here"):
            run(case)


def test_only_views_share_memory_and_no_input_is_changed(node_cases):
    seen = set()
    for op in OPERATORS:
        for case in node_cases[op]:
            if refused(case):
                continue
            before = [np.asarray(plain(x)).tobytes() for x in case.data_sets[0][0]]
            inputs, outputs, _ = run(case)
            present = [np.asarray(x) for x in inputs if x is not None]
            assert [x.tobytes() for x in present] == before, case.name
            views = outputs[:1] if op in VIEWS else []
            assert all(np.shares_memory(x, inputs[0]) for x in views if x.size), case.name
            own = [x for x in outputs[len(views) :] if x is not None]
            assert not any(np.shares_memory(x, y) for x in present for y in own), case.name
            assert not any(np.shares_memory(x, y) for k, x in enumerate(own) for y in own[:k]), case.name
            assert all(y.flags.c_contiguous for y in own), case.name
            assert all(y.base is None or y.base.nbytes == y.nbytes for y in own), case.name
            seen.add(op)
    assert seen >= VIEWS | {"Transpose", "Slice", "Split", "Expand", "Cast", "Concat"}


def test_a_constant_is_not_the_attribute_itself():
    value = noise(3)
    for op, inputs in (("Constant", []), ("ConstantOfShape", [arr(1)])):
        [y] = execute(op, inputs, {"value": value[:1]}, version=13)
        assert not np.shares_memory(y, value)


def test_attention_where_onnx_has_no_case():
    """Scores before the cap; keys beyond a short mask are not seen; softmax in the precision that is asked for."""
    q, k, v = noise(1, 2, 3, 4), noise(1, 2, 5, 4, seed=1), noise(1, 2, 5, 6, seed=2)
    _, _, _, raw = execute("Attention", [q, k, v], {"softcap": 0.1}, version=24, outputs=4)
    np.testing.assert_allclose(raw, q @ k.swapaxes(2, 3) / 2, rtol=1e-5, atol=1e-6)
    for mask in (np.ones((3, 2), bool), np.zeros((3, 2), np.float32)):
        [y] = execute("Attention", [q, k, v, mask], {}, version=24)
        assert_same([y], execute("Attention", [q, k[:, :, :2], v[:, :, :2]], {}, version=24))
    [y] = execute("Attention", [q, k, v], {"softmax_precision": 11}, version=24)
    exact = np.exp((q @ k.swapaxes(2, 3)).astype(np.float64) / 2)
    wanted = (exact / exact.sum(axis=-1, keepdims=True)).astype(np.float32) @ v
    np.testing.assert_allclose(y, wanted, rtol=1e-6)
    assert y.dtype == np.float32


# ---------------------------------------------------------------------------------------- older opsets

IMAGE = noise(2, 3, 4, 5)
FLOATS = np.float32

# (operator, older opset, its inputs and attributes; what says the same in the newest opset)
OLDER: list[tuple[str, int, list[Any], dict[str, Any], list[Any], dict[str, Any]]] = [
    ("Squeeze", 11, [noise(1, 3, 1)], {"axes": [0]}, [noise(1, 3, 1), arr(0)], {}),
    ("Unsqueeze", 11, [IMAGE], {"axes": [0, 3]}, [IMAGE, arr(0, 3)], {}),
    ("Clip", 7, [IMAGE], {"min": -0.5, "max": 0.5}, [IMAGE, np.float32(-0.5), np.float32(0.5)], {}),
    ("Clip", 10, [IMAGE], {"max": 0.5}, [IMAGE, None, np.float32(0.5)], {}),
    (
        "Pad",
        10,
        [IMAGE],
        {"pads": [0, 0, 1, 2, 0, 0, 3, -1], "value": 2.0},
        [IMAGE, arr(0, 0, 1, 2, 0, 0, 3, -1), np.float32(2)],
        {},
    ),
    ("Pad", 7, [IMAGE], {"pads": [0, 0, 1, 2, 0, 0, 3, 1], "mode": "reflect"},
     [IMAGE, arr(0, 0, 1, 2, 0, 0, 3, 1)], {"mode": "reflect"}),
    ("Slice", 9, [IMAGE], {"starts": [1, -3], "ends": [9, -1], "axes": [1, 3]},
     [IMAGE, arr(1, -3), arr(9, -1), arr(1, 3)], {}),
    ("Slice", 7, [IMAGE], {"starts": [1, 1], "ends": [2, 3]}, [IMAGE, arr(1, 1), arr(2, 3)], {}),
    ("Split", 11, [IMAGE], {"axis": 3, "split": [1, 4]}, [IMAGE, arr(1, 4)], {"axis": 3}),
    ("Split", 7, [IMAGE], {"axis": 2}, [IMAGE], {"axis": 2, "num_outputs": 2}),
    ("TopK", 9, [IMAGE], {"k": 2, "axis": 2}, [IMAGE, arr(2)], {"axis": 2}),
    ("Dropout", 7, [IMAGE], {"ratio": 0.3}, [IMAGE, np.float32(0.3)], {}),
    ("Upsample", 8, [IMAGE], {"scales": [1.0, 1.0, 2.0, 3.0], "mode": "nearest"},
     [IMAGE, arr(1, 1, 2, 3, dtype=FLOATS)], {"mode": "nearest"}),
    ("Gemm", 7, [noise(3, 4), noise(4, 5), noise(5)], {"alpha": 0.5, "beta": 2.0},
     [noise(3, 4), noise(4, 5), noise(5)], {"alpha": 0.5, "beta": 2.0}),
    *[
        (f"Reduce{name}", 11, [np.abs(IMAGE)], {"axes": [1, -1], "keepdims": 0},
         [np.abs(IMAGE), arr(1, -1)], {"keepdims": 0})
        for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
    ],
]  # fmt: skip


def outputs_of(op: str) -> int:
    return 2 if op in ("Split", "TopK") else 1


@pytest.mark.parametrize(("op", "version", "inputs", "attributes", "now", "attributes_now"), OLDER)
def test_older_forms_mean_what_newer_ones_say(op, version, inputs, attributes, now, attributes_now):
    count = outputs_of(op)
    old = execute(op, inputs, attributes, version=version, outputs=count)
    new = execute(op, now, attributes_now, version=9 if op == "Upsample" else NEWEST, outputs=count)
    assert_same(old, new, rtol=0, atol=0)
    if op not in (
        "Upsample",
        "Pad",
        "TopK",
        "Dropout",
    ):  # the reference lacks these, or has their newer forms only
        assert_same(old, reference(op, inputs, attributes, version, count))


def reference(op: str, inputs: list[Any], attributes: dict[str, Any], version: int, outputs: int = 1) -> list[Any]:
    """What `onnx.reference` computes."""
    from onnx.reference import ReferenceEvaluator

    names = [f"x{k}" if x is not None else "" for k, x in enumerate(inputs)]
    given_ones = {name: x for name, x in zip(names, inputs, strict=True) if name}
    ends = [f"y{k}" for k in range(outputs)]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(op, names, ends, **attributes)],
        "one",
        [onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
         for n, x in given_ones.items()],
        [onnx.helper.make_empty_tensor_value_info(end) for end in ends],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", version)])
    return ReferenceEvaluator(model).run(None, given_ones)


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "Hardmax"])
@pytest.mark.parametrize("axis", [None, 0, 2, -1])
def test_before_opset_13_softmax_takes_all_axes_from_one_on(op, axis):
    """`onnx.reference` takes one axis at any opset; the definition of opset 11 flattens to a matrix."""
    told = {} if axis is None else {"axis": axis}
    [y] = execute(op, [IMAGE], told, version=11)
    rows = int(np.prod(IMAGE.shape[: 1 if axis is None else axis]))
    flat = reference(op, [IMAGE.reshape(rows, -1)], {"axis": 1}, 13)[0]
    assert_same([y], [flat.reshape(IMAGE.shape)])
    assert_same(execute(op, [IMAGE], told, version=13), reference(op, [IMAGE], told, 13))


def test_batch_normalization_of_every_opset():
    """`onnx.reference` mixes in the batch at opset 9, where the definition, without further outputs, does not."""
    ours = [noise(3, seed=k) for k in (1, 2, 3)]
    mean = ours[2]
    variance = np.abs(noise(3, seed=4)) + 0.1
    wanted = reference("BatchNormalization", [IMAGE, *ours, variance], {"epsilon": 0.01}, 15)
    for version in (7, 9, 14, 15, NEWEST):
        found = execute("BatchNormalization", [IMAGE, *ours, variance], {"epsilon": 0.01}, version=version)
        assert_same(found, wanted)
    places = [noise(3, 4, 5, seed=k) for k in (5, 6, 7)] + [np.abs(noise(3, 4, 5, seed=8)) + 0.1]
    [y] = execute("BatchNormalization", [IMAGE, *places], {"spatial": 0}, version=7)
    assert_same([y], [(IMAGE - places[2]) / np.sqrt(places[3] + 1e-5) * places[0] + places[1]], rtol=1e-4)
    trained = execute("BatchNormalization", [IMAGE, *ours, variance], {}, version=9, outputs=5)
    assert_same(trained[3:], [IMAGE.mean((0, 2, 3)), IMAGE.var((0, 2, 3))])
    assert_same(trained[1:3], [0.9 * mean + 0.1 * trained[3], 0.9 * variance + 0.1 * trained[4]])


def test_before_opset_21_groups_are_scaled_as_a_whole():
    x, scale, shift = noise(2, 6, 3), noise(2, seed=1), noise(2, seed=2)
    told = {"num_groups": 2, "epsilon": 0.01}
    old = execute("GroupNormalization", [x, scale, shift], told, version=18)
    each = [np.repeat(part, 3) for part in (scale, shift)]
    assert_same(old, execute("GroupNormalization", [x, *each], told, version=21))


@pytest.mark.parametrize("beta", [0.75, 0.5])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_local_response_normalization_is_its_definition(size, beta):
    """Squares of the channels c - floor((size - 1) / 2) to c + ceil((size - 1) / 2)."""
    x = noise(2, 5, 3, 2)
    told = {"size": size, "alpha": 0.5, "beta": beta, "bias": 2.0}
    wanted = np.empty_like(x)
    for c in range(5):
        near = x[:, max(c - (size - 1) // 2, 0) : c + size // 2 + 1]
        wanted[:, c] = x[:, c] / (2 + 0.5 / size * (near**2).sum(axis=1)) ** beta
    assert_same(execute("LRN", [x], told, version=13), [wanted])


def test_masks_of_dropout_have_the_type_of_the_opset():
    for version, dtype in ((7, np.float32), (10, bool), (22, bool)):
        y, mask = execute("Dropout", [IMAGE], {}, version=version, outputs=2)
        assert mask.dtype == dtype
        assert mask.all()
        assert np.array_equal(y, IMAGE)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_before_opset_11_resize_counts_from_the_corner(mode):
    factors = arr(1, 1, 2, 0.4, dtype=FLOATS)
    now = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    old = execute("Resize", [IMAGE, factors], {"mode": mode}, version=10)
    assert_same(old, execute("Resize", [IMAGE, None, factors], now, version=13))
    half_pixel = execute("Resize", [IMAGE, None, factors], {"mode": mode}, version=13)
    assert not np.array_equal(old[0], half_pixel[0])


# ---------------------------------------------------------------------------------------- windows, by definition


@st.composite
def places(draw: st.DrawFn, pooling: bool = False) -> dict[str, Any]:
    """Lengths of an image of one or two axes, and the attributes of a window that fits into it."""
    rank = draw(st.integers(1, 2))

    def several(low: int, high: int, count: int = rank) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    told = {
        "lengths": several(1, 7),
        "kernel": several(1, 3),
        "strides": several(1, 3),
        "dilations": several(1, 2),
    }
    told["pads"] = several(0, 2, 2 * rank)
    for k, n in enumerate(told["lengths"]):
        reach = told["dilations"][k] * (told["kernel"][k] - 1) + 1
        assume(reach <= n + told["pads"][k] + told["pads"][rank + k])
        assume(not pooling or max(told["pads"][k], told["pads"][rank + k]) < told["kernel"][k])
    return told


def taps(told: dict[str, Any], window: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[int, ...], bool]]:
    """For a window: (place in the kernel, place in the image, whether that is inside), one an element."""
    found = []
    for tap in product(*map(range, told["kernel"])):
        steps = zip(window, told["strides"], tap, told["dilations"], told["pads"], strict=False)
        place = tuple(w * s + t * d - p for w, s, t, d, p in steps)
        found.append((tap, place, all(0 <= i < n for i, n in zip(place, told["lengths"], strict=True))))
    return found


def counts(told: dict[str, Any], ceil: bool = False) -> list[int]:
    """Windows along each axis: as many as begin inside and, unless rounded up, end inside, padding included."""
    rank, found = len(told["lengths"]), []
    for k, n in enumerate(told["lengths"]):
        before, after = told["pads"][k], told["pads"][rank + k]
        reach = told["dilations"][k] * (told["kernel"][k] - 1) + 1
        starts = range(0, before + n + after, told["strides"][k])
        inside = [s for s in starts if s + reach <= before + n + after]
        if ceil and inside[-1] + reach < before + n + after:
            inside += [s for s in starts[len(inside) : len(inside) + 1] if s < before + n]
        found.append(len(inside))
    return found


def window_attributes(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in ("strides", "dilations", "pads")}


@given(
    places(), st.sampled_from([(1, 2, 1), (2, 1, 2), (3, 1, 1), (3, 2, 1)]), st.sampled_from([1, 1 << 9, 1 << 21])
)
def test_conv_is_its_definition(told, groups, block):
    """Groups of one channel (depthwise) and of several, and windows copied in blocks of any size."""
    group, channels, features = groups
    x = noise(2, group * channels, *told["lengths"])
    w = noise(group * features, channels, *told["kernel"], seed=1)
    b = noise(group * features, seed=2)
    with mock.patch.object(windows, "BLOCK", block):
        [y] = execute("Conv", [x, w, b], window_attributes(told) | {"group": group}, version=11)
    wanted = np.zeros((2, group * features, *counts(told)))
    for image, feature, *window in np.ndindex(wanted.shape):
        first = feature // features * channels
        wanted[(image, feature, *window)] = b[feature] + sum(
            float(x[(image, first + c, *place)]) * float(w[(feature, c, *tap)])
            for tap, place, inside in taps(told, window)
            if inside
            for c in range(channels)
        )
    assert_same([y], [wanted.astype(np.float32)], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("parts", range(1, 7))
def test_blocks_of_a_convolution_need_not_divide_it(parts):
    """5 rows of 4 windows over 12 elements, 5 channels of 20 windows: any number of them at a time."""
    x, alone = noise(1, 3, 6, 5, seed=parts), noise(1, 5, 6, 5, seed=parts)
    several, one = noise(4, 3, 2, 2), noise(5, 1, 2, 2)
    for signal, filters, block in ((x, several, parts * 48), (alone, one, parts * 16 * 20)):
        told = {"group": signal.shape[1] // filters.shape[1]}
        # other numbers at each call: what one leaves out may lie in the memory that the last one freed
        [opposite] = execute("Conv", [-signal, filters], told, version=11)
        with mock.patch.object(windows, "BLOCK", block):
            assert_same(execute("Conv", [signal, filters], told, version=11), [-opposite])


@given(places(), st.sampled_from([1, 2]))
def test_conv_transpose_is_the_adjoint_of_conv(told, group):
    """<Conv(x), y> = <x, ConvTranspose(y)>, where lengths that Conv does not reach are added as output_padding."""
    lengths, rank = told["lengths"], len(told["lengths"])
    x, w = noise(1, 2 * group, *lengths), noise(3 * group, 2, *told["kernel"], seed=1)
    attributes = window_attributes(told) | {"group": group}
    [y] = execute("Conv", [x.astype(float), w.astype(float)], attributes, version=11)
    other = np.random.default_rng(2).standard_normal(y.shape)
    reach = [d * (k - 1) + 1 for d, k in zip(told["dilations"], told["kernel"], strict=True)]
    pads = told["pads"]
    used = [s * (n - 1) + r for s, n, r in zip(told["strides"], y.shape[2:], reach, strict=True)]
    extra = [n + pads[k] + pads[rank + k] - used[k] for k, n in enumerate(lengths)]
    [back] = execute("ConvTranspose", [other, w.astype(float)], attributes | {"output_padding": extra}, version=11)
    assert back.shape == x.shape
    np.testing.assert_allclose(np.vdot(y, other), np.vdot(x, back), rtol=1e-9, atol=1e-9)


@given(places(pooling=True), st.booleans(), st.booleans(), st.sampled_from([np.float32, np.int8, np.uint8]))
def test_max_pool_is_its_definition(told, ceil, column_major, dtype):
    x = np.random.default_rng(0).integers(0, 100, (2, 2, *told["lengths"])).astype(dtype)
    assume(all(any(inside for *_, inside in taps(told, w)) for w in np.ndindex(*counts(told, ceil))))
    attributes = window_attributes(told) | {"kernel_shape": told["kernel"], "ceil_mode": int(ceil)}
    attributes["storage_order"] = int(column_major)
    y, index = execute("MaxPool", [x], attributes, version=12, outputs=2)
    assert_same(execute("MaxPool", [x], attributes, version=12), [y])
    wanted = np.empty((2, 2, *counts(told, ceil)), dtype)
    for image, channel, *window in np.ndindex(wanted.shape):
        inside = [place for _, place, inside in taps(told, window) if inside]
        wanted[(image, channel, *window)] = max(x[(image, channel, *place)] for place in inside)
    assert_same([y], [wanted])
    planes = (
        x.reshape(4, -1)
        if not column_major
        else np.array([p.ravel(order="F") for p in x.reshape(4, *x.shape[2:])])
    )
    np.testing.assert_array_equal(planes.ravel()[index], y)


@given(places(pooling=True), st.booleans(), st.booleans())
def test_average_pool_is_its_definition(told, ceil, with_padding):
    """Padding counts where asked for; what lies beyond it, where lengths are rounded up, never does."""
    x = noise(2, 2, *told["lengths"])
    rank = len(told["lengths"])
    assume(all(any(inside for *_, inside in taps(told, w)) for w in np.ndindex(*counts(told, ceil))))
    attributes = window_attributes(told) | {"kernel_shape": told["kernel"], "ceil_mode": int(ceil)}
    [y] = execute("AveragePool", [x], attributes | {"count_include_pad": int(with_padding)}, version=19)
    wanted = np.empty((2, 2, *counts(told, ceil)), np.float32)
    for image, channel, *window in np.ndindex(wanted.shape):
        met = taps(told, window)
        values = [float(x[(image, channel, *place)]) for _, place, inside in met if inside]
        padded = [
            all(i < n + p for i, n, p in zip(place, told["lengths"], told["pads"][rank:], strict=True))
            for _, place, _ in met
        ]
        wanted[(image, channel, *window)] = sum(values) / (sum(padded) if with_padding else len(values))
    assert_same([y], [wanted])


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_auto_pad_is_the_padding_that_it_stands_for(auto_pad):
    x, w = noise(1, 2, 6, 5), noise(3, 2, 3, 2, seed=1)
    pads = {"SAME_UPPER": [0, 0, 1, 1], "SAME_LOWER": [1, 1, 0, 0], "VALID": [0, 0, 0, 0]}[auto_pad]
    one = {"strides": [2, 1]}
    for op, inputs, more in (
        ("Conv", [x, w], {}),
        ("MaxPool", [x], {"kernel_shape": [3, 2]}),
        ("AveragePool", [x], {"kernel_shape": [3, 2]}),
    ):
        found = execute(op, inputs, one | more | {"auto_pad": auto_pad}, version=11)
        assert_same(found, execute(op, inputs, one | more | {"pads": pads}, version=11))


def test_three_axes():
    x, w = noise(1, 2, 4, 5, 3), noise(4, 2, 2, 3, 1, seed=1)
    attributes = {"strides": [1, 2, 1], "pads": [1, 0, 0, 0, 1, 1]}
    assert_same(execute("Conv", [x, w], attributes, version=11), reference("Conv", [x, w], attributes, 11), 1e-4)
    [y] = execute("AveragePool", [x], {"kernel_shape": [2, 2, 2]}, version=11)
    assert_same([y[:, 1:, 2, 3, 1]], [x[:, 1:, 2:4, 3:5, 1:3].mean((2, 3, 4))])


def test_global_lp_pool():
    [y] = execute("GlobalLpPool", [IMAGE], {"p": 3}, version=2)
    assert_same([y], [(np.abs(IMAGE) ** 3).sum((2, 3), keepdims=True) ** np.float32(1 / 3)])


# ---------------------------------------------------------------------------------------- recurrent networks


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm_step(x: Any, state: Any, w: Any, r: Any, b: Any) -> tuple[Any, Any]:
    """Equations of ONNX's LSTM for one sequence: gates i, o, f, c."""
    hidden, cell = state
    i, o, f, c = np.split(w @ x + r @ hidden + b[0] + b[1], 4)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(cell), cell


def gru_step(x: Any, state: Any, w: Any, r: Any, b: Any) -> tuple[Any]:
    """Equations of ONNX's GRU for one sequence: gates z, r, h."""
    [hidden] = state
    (wz, wr, wh), (rz, rr, rh) = np.split(w, 3), np.split(r, 3)
    (bz, br, bh), (cz, cr, ch) = np.split(b[0], 3), np.split(b[1], 3)
    z, reset = sigmoid(wz @ x + rz @ hidden + bz + cz), sigmoid(wr @ x + rr @ hidden + br + cr)
    return ((1 - z) * np.tanh(wh @ x + rh @ (reset * hidden) + ch + bh) + z * hidden,)


def rnn_step(x: Any, state: Any, w: Any, r: Any, b: Any) -> tuple[Any]:
    return (np.tanh(w @ x + r @ state[0] + b[0] + b[1]),)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    ("op", "gates", "step"), [("LSTM", 4, lstm_step), ("GRU", 3, gru_step), ("RNN", 1, rnn_step)]
)
def test_recurrent_networks_are_their_equations(op, gates, step, direction):
    """One sequence at a time, each of its own length, against the batch."""
    ways, lengths = 2 if direction == "bidirectional" else 1, [4, 2, 3]
    x, w, r = noise(4, 3, 2), noise(ways, gates * 5, 2, seed=1), noise(ways, gates * 5, 5, seed=2)
    b, begin = noise(ways, 2 * gates * 5, seed=3), noise(ways, 3, 5, seed=4)
    states = 2 if op == "LSTM" else 1
    inputs = [x, w, r, b, np.array(lengths, np.int32), *[begin] * states]
    y, *last = execute(op, inputs, {"hidden_size": 5, "direction": direction}, version=14, outputs=1 + states)
    wanted = np.zeros_like(y)
    for way, k in product(range(ways), range(3)):
        state: Any = [begin[way, k]] * states
        times = list(range(lengths[k]))
        for t in times[::-1] if way or direction == "reverse" else times:
            state = step(x[t, k], state, w[way], r[way], b[way].reshape(2, -1))
            wanted[t, way, k] = state[0]
        assert_same([s[way, k] for s in last], state)
    assert_same([y], [wanted])


def test_activations_take_their_parameters_in_turn_and_clip_before_them():
    x, w, r = noise(3, 1, 2), 5 * noise(2, 4, 2, seed=1), noise(2, 4, 4, seed=2)
    told = {
        "activations": ["Affine", "ScaledTanh"],
        "activation_alpha": [0.5, 2.0],
        "activation_beta": [0.25, 0.75],
    }
    y, _ = execute("RNN", [x, w, r], told | {"direction": "bidirectional", "clip": 1.0}, version=14, outputs=2)
    hidden = np.zeros(4, np.float32)
    for t in range(3):
        hidden = 0.5 * np.clip(w[0] @ x[t, 0] + r[0] @ hidden, -1, 1) + 0.25
        assert_same([y[t, 0, 0]], [hidden.astype(np.float32)])
    assert_same([y[2, 1, 0]], [2 * np.tanh(0.75 * np.clip(w[1] @ x[2, 0], -1, 1))])
    with pytest.raises(ValueError, match="Sine"):
        execute("RNN", [x, w, r], {"activations": ["Sine", "Sine"]}, version=14)


# ---------------------------------------------------------------------------------------- types and errors


@pytest.mark.parametrize(
    "op", ["Conv", "MatMul", "Gemm", "Softmax", "Gelu", "ReduceSum", "GlobalAveragePool", "Erf"]
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_type_stays_what_it_is(op, dtype):
    x = noise(1, 2, 3, 3).astype(dtype)
    inputs = {"Conv": [x, x], "MatMul": [x, x], "Gemm": [x[0, 0], x[0, 0], x[0, 0, 0]]}.get(op, [x])
    [y] = execute(op, inputs, {"alpha": 0.5} if op == "Gemm" else {}, version=NEWEST)
    assert y.dtype == dtype


def test_whole_numbers_are_divided_as_in_c():
    [y] = execute("Div", [arr(-7, 7, -7, 7), arr(2, -2, -2, 2)], {}, version=14)
    assert y.tolist() == [-3, -3, 3, 3]


def test_arithmetic_is_that_of_ieee_and_silent():
    [y] = execute("Div", [noise(1) * 0 + 1, np.zeros(1, np.float32)], {}, version=14)
    assert y == np.inf
    [y] = execute("Exp", [np.array([1000.0], np.float32)], {}, version=13)
    assert y == np.inf


def test_what_is_not_there_is_none():
    assert execute("MaxPool", [IMAGE], {"kernel_shape": [2, 2]}, version=12, outputs=2)[1] is not None
    assert execute("Relu", [IMAGE], {}, version=14, outputs=2)[1] is None


@pytest.mark.parametrize(
    ("op", "domain"), [("If", ""), ("RandomNormal", ""), ("Conv", "com.example"), ("Nothing", "")]
)
def test_other_operators_are_refused_by_name(op, domain):
    assert not supports(op, domain)
    with pytest.raises(UnsupportedOperator, match=op):
        execute(op, [], {}, version=20, domain=domain)
    assert supports("Conv", "ai.onnx")


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "said"),
    [
        ("Add", [noise(2), noise(3)], {}, r"Add of shapes \(2,\), \(3,\)"),
        ("Conv", [IMAGE, noise(4, 2, 3, 3)], {}, "do not fit 3 channels"),
        ("Conv", [IMAGE, noise(4, 3, 9, 9)], {}, "no room"),
        ("Conv", [IMAGE, None], {}, "needs its input 'w'"),
        ("Conv", [IMAGE], {}, "Conv with 1 inputs"),
        ("Relu", [IMAGE], {"alhpa": 1.0}, "alhpa"),
        ("Concat", [noise(2, 3), noise(2, 4)], {"axis": 0}, "Concat of shapes"),
        ("Transpose", [IMAGE], {"perm": [0, 1]}, "Transpose of shapes"),
        ("Gather", [noise(3), arr(5)], {}, "Gather of shapes"),
        ("Split", [noise(3), arr(1, 1)], {}, "do not make up the length 3"),
        ("Cast", [IMAGE], {"to": 16}, "bfloat16"),
        ("Cast", [IMAGE], {"to": 99}, "99"),
        ("Resize", [IMAGE, None, noise(4)], {"mode": "lanczos"}, "lanczos"),
        ("Resize", [IMAGE, None, noise(4)], {"coordinate_transformation_mode": "odd"}, "odd"),
        ("Reshape", [IMAGE, arr(7, -1)], {}, "Reshape of shapes"),
        ("Constant", [], {}, "none of the attributes"),
    ],
)
def test_bad_calls_are_told(op, inputs, attributes, said):
    with pytest.raises(ValueError, match=said):
        execute(op, inputs, attributes, version=20)


def test_a_sequence_is_not_an_array():
    with pytest.raises(TypeError, match="not a list"):
        execute("Identity", [[IMAGE]], {}, version=16)
