"""The rules of shapes, one for each kind of operator; `rules.infer` applies them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.operators import DTYPES, Call, Dim, Shape, Tensor
from lessons.operators._calls import (
    axes_of,
    axis_of,
    broadcast,
    check_rank,
    common,
    differ,
    dtype_at,
    has,
    int_of,
    ints_of,
    is_given,
    meet,
    product,
    ratio,
    rule,
    setting,
    shape_rule,
    tensor_at,
    value_at,
)

_FAR = 2**31 - 1  # an end of a Slice from here on means: to the end


# ---------------------------------------------------------------------------------------- elementwise


_UNCHANGED = """
    Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid
    HardSwish Identity LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus
    Softsign Sqrt Swish Tan Tanh ThresholdedRelu
    CumSum GroupNormalization LRN MeanVarianceNormalization ScatterElements ScatterND Trilu
"""
_REDUCTIONS = """
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare
"""


@rule(*_UNCHANGED.split())
def _unchanged(call: Call) -> list[Tensor]:
    return [tensor_at(call, 0)]


@shape_rule("Softmax", "LogSoftmax", "Hardmax", "LpNormalization")
def _along_axis(call: Call, shape: Shape) -> Shape:
    before = call.version < 13 and call.op != "LpNormalization"
    axis = int_of(call, "axis", 1 if before else -1)
    if not (before and axis == len(shape)):  # then it stood between two axes, of which the second might be none
        axis_of(axis, len(shape))
    return shape


@rule("IsInf", "IsNaN")
def _questions(call: Call) -> list[Tensor]:
    return [Tensor(tensor_at(call, 0).shape, "bool")]


@rule("Add", "Sub", "Mul", "Div", "Pow", "Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", reads=2)
@rule("Max", "Min", "Mean", "Sum")
def _elementwise(call: Call) -> list[Tensor]:
    return [Tensor(broadcast([port.shape for port in call.inputs if port is not None]), dtype_at(call))]


@rule("And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", reads=2)
def _comparison(call: Call) -> list[Tensor]:
    return [Tensor(_elementwise(call)[0].shape, "bool")]


@rule("Where", reads=3)
def _where(call: Call) -> list[Tensor]:
    return [Tensor(_elementwise(call)[0].shape, dtype_at(call, 1) or dtype_at(call, 2))]


@shape_rule("PRelu", reads=2)
def _prelu(call: Call, shape: Shape, slope: Shape) -> Shape:
    if broadcast([shape, slope]) != shape and all(isinstance(n, int) for n in (*shape, *slope)):
        raise ValueError(f"a slope of shape {slope} does not broadcast to the input's {shape}")
    return shape


@rule("Cast")
def _cast(call: Call) -> list[Tensor]:
    return [Tensor(tensor_at(call, 0).shape, DTYPES.get(int_of(call, "to")))]


@rule("CastLike", reads=2)
def _cast_like(call: Call) -> list[Tensor]:
    return [Tensor(tensor_at(call, 0).shape, dtype_at(call, 1))]


@rule("QuantizeLinear", reads=2)
def _quantize(call: Call) -> list[Tensor]:
    stated = DTYPES.get(int_of(call, "output_dtype", 0), "uint8")
    return [Tensor(tensor_at(call, 0).shape, dtype_at(call, 2) if has(call, 2) else stated)]


@rule("DequantizeLinear", reads=2)
def _dequantize(call: Call) -> list[Tensor]:
    return [Tensor(tensor_at(call, 0).shape, DTYPES.get(int_of(call, "output_dtype", 0), dtype_at(call, 1)))]


@rule("DynamicQuantizeLinear")
def _dynamic_quantize(call: Call) -> list[Tensor]:
    return [Tensor(tensor_at(call, 0).shape, "uint8"), Tensor((), "float32"), Tensor((), "uint8")][: call.outputs]


@rule("Dropout")
def _dropout(call: Call) -> list[Tensor]:
    x = tensor_at(call, 0)
    return [x, Tensor(x.shape, "bool" if call.version >= 10 else x.dtype)][: call.outputs]


# ---------------------------------------------------------------------------------------- windows


def _windows(call: Call, spatial: Shape, kernel: Shape) -> Shape:
    """The lengths that a window leaves that slides over each spatial axis."""
    rank = len(spatial)
    strides, dilations = ints_of(call, "strides", [1] * rank, 1), ints_of(call, "dilations", [1] * rank, 1)
    padding = call.attributes.get("auto_pad", "NOTSET")
    if padding in ("SAME_UPPER", "SAME_LOWER"):
        return tuple(_divided_up(n, stride) for n, stride in zip(spatial, strides, strict=True))
    pads = ints_of(call, "pads", [0] * 2 * rank) if padding == "NOTSET" else [0] * 2 * rank
    reach = [None if not isinstance(k, int) else (k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    both = list(zip(pads[:rank], pads[rank:], strict=True))
    up = bool(int_of(call, "ceil_mode", 0))
    return tuple(_positions(*axis, up) for axis in zip(spatial, reach, strides, both, strict=True))


def _positions(length: Dim, reach: int | None, stride: int, pads: tuple[int, int], up: bool) -> Dim:
    """At how many places a window stands that reaches over so many of a padded length."""
    if reach is None:
        return None
    if not isinstance(length, int):
        return length if stride == 1 and sum(pads) == reach - 1 else None
    space = length + sum(pads) - reach
    steps = -(-space // stride) if up else space // stride
    # rounded up, the last window may reach over the end, but not begin in the padding behind
    places = steps if up and steps * stride >= length + pads[0] else steps + 1
    if places < 1:
        raise ValueError(
            f"a window over {reach} does not fit into a length of {length}, padded by {pads[0]} and {pads[1]}: "
            "take a smaller kernel or dilation, more padding or a larger input"
        )
    return places


def _divided_up(length: Dim, by: int) -> Dim:
    return -(-length // by) if isinstance(length, int) else length if by == 1 else None


def _kernel(call: Call, spatial: Shape, weight: Shape | None = None) -> Shape:
    """The lengths of a window: those of the weight, or of the attribute that must agree with them."""
    found = tuple(ints_of(call, "kernel_shape", [1] * len(spatial), 1))
    if "kernel_shape" not in call.attributes:
        if weight is None:
            raise ValueError(f"the attribute kernel_shape is missing: give {len(spatial)} lengths of its window")
        return weight
    for stated, is_ in zip(found, weight or found, strict=True):
        if differ(stated, is_):
            raise ValueError(f"kernel_shape {list(found)} is not that of its weight, {weight}: leave it out")
    return found


def _check_weight(x: Shape, w: Shape) -> None:
    if len(x) < 3:
        raise ValueError(f"its input has the shape {x}; it needs (batch, channels, length, ...)")
    check_rank(w, len(x), f"beside an input of shape {x} its weight")


def _channels(call: Call, x: Shape, w: Shape) -> None:
    """Check that a weight (out, in / group, ...) reads the channels that there are."""
    group = int_of(call, "group", 1)
    reads = w[1] * group if isinstance(w[1], int) else None
    if differ(x[1], reads):
        raise ValueError(
            f"its weight {w} reads {reads} channels ({w[1]} in each of group={group}), and its input {x} "
            f"has {x[1]}: the weight's second length times group must be the input's"
        )
    if group < 1 or (isinstance(w[0], int) and w[0] % group):
        raise ValueError(f"{w[0]} output channels cannot be divided into group={group}")


def _convolved(call: Call, x: Shape, w: Shape) -> Shape:
    _check_weight(x, w)
    _channels(call, x, w)
    return (x[0], w[0], *_windows(call, x[2:], _kernel(call, x[2:], w[2:])))


shape_rule("Conv", reads=2)(_convolved)
shape_rule("ConvInteger", reads=2, dtype="int32")(_convolved)


@rule("QLinearConv", reads=8)
def _qlinear_conv(call: Call) -> list[Tensor]:
    x, w = tensor_at(call, 0).shape, tensor_at(call, 3).shape
    return [Tensor(None if x is None or w is None else _convolved(call, x, w), dtype_at(call, 7))]


@shape_rule("ConvTranspose", reads=2)
def _conv_transpose(call: Call, x: Shape, w: Shape) -> Shape:
    _check_weight(x, w)
    if differ(x[1], w[0]):
        raise ValueError(
            f"its weight {w} reads {w[0]} channels, and its input {x} has {x[1]}: these must be equal"
        )
    rank, group = len(x) - 2, int_of(call, "group", 1)
    channels = w[1] * group if isinstance(w[1], int) else w[1] if group == 1 else None
    kernel = _kernel(call, x[2:], w[2:])
    if "output_shape" in call.attributes:
        return (x[0], channels, *ints_of(call, "output_shape", [1] * rank, 1))
    return (x[0], channels, *_spread(call, x[2:], kernel))


def _spread(call: Call, spatial: Shape, kernel: Shape) -> Shape:
    """The lengths over which a window spreads that is laid down at each element."""
    rank, padding = len(spatial), call.attributes.get("auto_pad", "NOTSET")
    strides, dilations = ints_of(call, "strides", [1] * rank, 1), ints_of(call, "dilations", [1] * rank, 1)
    if padding in ("SAME_UPPER", "SAME_LOWER"):
        return tuple(product(pair) for pair in zip(spatial, strides, strict=True))
    pads = ints_of(call, "pads", [0] * 2 * rank) if padding == "NOTSET" else [0] * 2 * rank
    added = ints_of(call, "output_padding", [0] * rank, 0)
    more = [a - before - behind for a, before, behind in zip(added, pads[:rank], pads[rank:], strict=True)]
    return tuple(_reached(*axis) for axis in zip(spatial, strides, kernel, dilations, more, strict=True))


def _reached(length: Dim, stride: int, kernel: Dim, dilation: int, more: int) -> Dim:
    if not isinstance(kernel, int):
        return None
    wider = (kernel - 1) * dilation + more
    if not isinstance(length, int):
        return length if stride == 1 and wider == 0 else None
    reached = (length - 1) * stride + 1 + wider
    if reached < 1:
        raise ValueError(f"nothing is left of a length of {length}, spread by stride {stride}: take less padding")
    return reached


@rule("AveragePool", "LpPool", "MaxPool")
def _pool(call: Call) -> list[Tensor]:
    x = tensor_at(call, 0)
    shape = x.shape and (*x.shape[:2], *_windows(call, x.shape[2:], _kernel(call, x.shape[2:])))
    return [Tensor(shape, x.dtype), Tensor(shape, "int64")][: call.outputs]


@shape_rule("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool")
def _global_pool(call: Call, shape: Shape) -> Shape:
    return shape[:2] + (1,) * len(shape[2:])


@shape_rule("DepthToSpace")
def _depth_to_space(call: Call, shape: Shape) -> Shape:
    check_rank(shape, 4)
    block = int_of(call, "blocksize")
    batch, channels, *spatial = shape
    return (batch, _part(channels, block**2), *(n * block if isinstance(n, int) else None for n in spatial))


@shape_rule("SpaceToDepth")
def _space_to_depth(call: Call, shape: Shape) -> Shape:
    check_rank(shape, 4)
    block = int_of(call, "blocksize")
    batch, channels, *spatial = shape
    return (batch, channels * block**2 if isinstance(channels, int) else None, *(_part(n, block) for n in spatial))


def _part(length: Dim, by: int) -> Dim:
    if by < 1 or (isinstance(length, int) and length % by):
        raise ValueError(f"a length of {length} cannot be divided by {by}: give a blocksize that fits")
    return length // by if isinstance(length, int) else None


@rule("Resize", "Upsample")
def _resize(call: Call) -> list[Tensor]:
    x, newer = tensor_at(call, 0), call.op == "Resize" and call.version >= 11
    if x.shape is None:
        return [x]
    axes = axes_of(setting(call, "axes", len(call.inputs)) or range(len(x.shape)), len(x.shape))
    sizes, scales = value_at(call, 3) if newer else None, setting(call, "scales", 2 if newer else 1)
    if call.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch" or not (sizes or scales):
        sizes, scales = [None] * len(axes), None
    if len(sizes or scales or ()) != len(axes):
        raise ValueError(f"{len(sizes or scales or ())} lengths or scales for {len(axes)} axes of {x.shape}")
    shape = list(x.shape)
    for k, axis in enumerate(axes):
        shape[axis] = sizes[k] if sizes else _scaled(shape[axis], (scales or ())[k])
    return [Tensor(tuple(shape), x.dtype)]


def _scaled(length: Dim, scale: float) -> Dim:
    """In single precision, as implementations calculate it: 10 times 0.7 is 7."""
    return (
        int(np.floor(np.float32(length) * np.float32(scale)))
        if isinstance(length, int)
        else length
        if scale == 1
        else None
    )


# ---------------------------------------------------------------------------------------- normalisation


@rule("BatchNormalization", reads=5)
def _batch_norm(call: Call) -> list[Tensor]:
    x = tensor_at(call, 0)
    if x.shape is not None and len(x.shape) > 1:
        _check_per_channel(call, x.shape, range(1, 5))
    return [x, *(tensor_at(call, port) for port in (3, 4, 3, 4))][: call.outputs]


@shape_rule("InstanceNormalization", reads=3)
def _instance_norm(call: Call, shape: Shape, *_: Shape) -> Shape:
    _check_per_channel(call, shape, range(1, 3))
    return shape


def _check_per_channel(call: Call, shape: Shape, ports: Iterable[int]) -> None:
    """Check that each of these inputs has one number a channel, the second axis."""
    if len(shape) < 2:
        raise ValueError(f"its input has the shape {shape}; it needs (batch, channels, ...)")
    for port in ports:
        given = tensor_at(call, port).shape
        if given is not None and (len(given) != 1 or differ(given[0], shape[1])):
            raise ValueError(f"its input {shape} has {shape[1]} channels, and input {port} has the shape {given}")


@rule("LayerNormalization", "RMSNormalization", reads=2)
def _layer_norm(call: Call) -> list[Tensor]:
    x = tensor_at(call, 0)
    stash = DTYPES.get(int_of(call, "stash_type", 1))
    if x.shape is None:
        return [x, *[Tensor(None, stash)] * 2][: call.outputs]
    axis = axis_of(int_of(call, "axis", -1), len(x.shape))
    for port in (1, 2):
        given = tensor_at(call, port).shape
        if given is not None and len(broadcast([x.shape, given]) or ()) > len(x.shape):
            raise ValueError(f"input {port} has the shape {given}, of higher rank than {x.shape}")
    kept = Tensor(x.shape[:axis] + (1,) * (len(x.shape) - axis), stash)
    return [x, kept, kept][: call.outputs]


# ---------------------------------------------------------------------------------------- products


def _check_inner(a: Shape, b: Shape, left: Dim, right: Dim) -> None:
    if differ(left, right):
        raise ValueError(
            f"{a} times {b}: the rows of the first have {left}, the columns of the second {right} elements"
        )


@shape_rule("Gemm", reads=2)
def _gemm(call: Call, a: Shape, b: Shape) -> Shape:
    for shape in (a, b):
        check_rank(shape, 2, "a factor")
    (m, k), (rows, n) = (s[::-1] if int_of(call, flag, 0) else s for s, flag in ((a, "transA"), (b, "transB")))
    if differ(k, rows):
        shown = [
            f"{s}, transposed," if int_of(call, flag, 0) else f"{s}" for s, flag in ((a, "transA"), (b, "transB"))
        ]
        raise ValueError(
            f"{shown[0]} times {shown[1]} does not fit, as {k} is not {rows}: "
            "see whether a factor is to be transposed, with transA=1 or transB=1"
        )
    added = tensor_at(call, 2).shape
    if added is not None and broadcast([(m, n), added]) != (m, n) and {int} == {*map(type, (m, n, *added))}:
        raise ValueError(
            f"what is added has the shape {added}, which does not broadcast to the product's {(m, n)}"
        )
    return (m, n)


def _multiplied(call: Call, a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ValueError(f"{a} times {b}: a factor of rank 0 has no rows or columns; multiply with Mul")
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    if differ(left[-1], right[-2]):
        raise ValueError(
            f"{a} times {b} does not fit, as {left[-1]} is not {right[-2]}: "
            "the last length of the first must be the second last of the second"
        )
    batch = broadcast([left[:-2], right[:-2]]) or ()
    return batch + left[-2:-1] * (len(a) > 1) + right[-1:] * (len(b) > 1)


shape_rule("MatMul", reads=2)(_multiplied)
shape_rule("MatMulInteger", reads=2, dtype="int32")(_multiplied)


@rule("QLinearMatMul", reads=8)
def _qlinear_matmul(call: Call) -> list[Tensor]:
    a, b = tensor_at(call, 0).shape, tensor_at(call, 3).shape
    return [Tensor(None if a is None or b is None else _multiplied(call, a, b), dtype_at(call, 7))]


@rule("Einsum")
def _einsum(call: Call) -> list[Tensor]:
    lengths, result = index_lengths(call)
    return [Tensor(None if lengths is None else tuple(lengths[index] for index in result), dtype_at(call))]


def index_lengths(call: Call) -> tuple[dict[str, Dim] | None, list[str]]:
    """The length of each index of an Einsum, and the indices of its result.

    The axes that "..." stands for are the indices "-1", "-2", ... from behind.
    """
    equation = call.attributes.get("equation")
    if not isinstance(equation, str):
        raise ValueError(f"the attribute equation is a text such as 'ij,jk->ik', not {equation!r}")
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(call.inputs):
        raise ValueError(f"{equation!r} names {len(terms)} tensors, and {len(call.inputs)} are given")
    shapes = [port.shape if port else None for port in call.inputs]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None, []
    found: dict[str, list[Dim]] = {}
    for term, shape in zip(terms, known, strict=True):
        for index, length in zip(_spelled(term, shape), shape, strict=True):
            found.setdefault(index, []).append(length)
    lengths = {index: common(met, known, axis) for axis, (index, met) in enumerate(found.items())}
    dots = sorted((index for index in found if index.startswith("-")), key=int)
    if not arrow:
        letters = Counter(left.replace("...", "").replace(",", ""))
        return lengths, dots + sorted(letter for letter, times in letters.items() if times == 1)
    before, _, after = right.partition("...")
    result = [*before, *(dots if "..." in right else ()), *after]
    if missing := [index for index in result if index not in lengths]:
        raise ValueError(f"{equation!r}: the index {missing[0]!r} of the result is on no tensor")
    return lengths, result


def _spelled(term: str, shape: Shape) -> list[str]:
    before, dots, after = term.partition("...")
    more = len(shape) - len(before) - len(after)
    if more < 0 or (more and not dots):
        raise ValueError(f"{term!r} names {len(before + after)} axes of a tensor of shape {shape}")
    return [*before, *(str(k - more) for k in range(more)), *after]


# ---------------------------------------------------------------------------------------- rearranged


@rule("Attention", reads=3)
def _attention(call: Call) -> list[Tensor]:
    q, k, v = (_by_heads(call, port, name) for port, name in enumerate(("q_num_heads", *["kv_num_heads"] * 2)))
    kinds = [dtype_at(call, port) for port in (0, 1, 2, 0)]
    if q is None or k is None or v is None:
        return [Tensor(None, kind) for kind in kinds][: call.outputs]
    if differ(q[3], k[3]) or differ(k[2], v[2]):
        raise ValueError(
            f"queries {q}, keys {k} and values {v}, by heads, do not fit: channels of the first two "
            "and positions of the last two are the same"
        )
    past = tensor_at(call, 4).shape or (None,) * 4
    total = _sum([past[2], k[2]]) if has(call, 4) else k[2]
    folded = len(tensor_at(call, 0).shape or ()) == 3
    y = (q[0], q[2], product([q[1], v[3]])) if folded else (*q[:3], v[3])
    shapes = (y, (*k[:2], total, k[3]), (*v[:2], total, v[3]), (*q[:3], total))
    return [Tensor(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)][: call.outputs]


def _by_heads(call: Call, port: int, setting: str) -> Shape | None:
    """(batch, heads, positions, channels) of an input that may have its heads side by side in the last axis."""
    shape = tensor_at(call, port).shape
    if shape is None or len(shape) == 4:
        return shape
    check_rank(shape, 3, "without an axis of heads an input")
    heads = int_of(call, setting)
    if heads < 1 or (isinstance(shape[2], int) and shape[2] % heads):
        raise ValueError(f"{setting}={heads} does not divide the {shape[2]} channels of {shape}")
    return shape[0], heads, shape[1], _part(shape[2], heads)


@rule("Concat")
def _concat(call: Call) -> list[Tensor]:
    shapes = [port.shape for port in call.inputs if port is not None]
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return [Tensor(None, dtype_at(call))]
    for shape in known:
        check_rank(shape, len(known[0]), f"beside {known[0]} an input")
    along = axis_of(int_of(call, "axis"), len(known[0]))
    joined: list[Dim] = []
    for axis, lengths in enumerate(zip(*known, strict=True)):
        if axis != along and len({n for n in lengths if isinstance(n, int)}) > 1:
            listed = " and ".join(map(str, dict.fromkeys(known)))
            raise ValueError(f"{listed} cannot be joined along axis {along}: they differ in axis {axis} too")
        joined.append(_sum(lengths) if axis == along else _met(lengths))
    return [Tensor(tuple(joined), dtype_at(call))]


def _sum(lengths: Sequence[Dim]) -> Dim:
    numbers = [n for n in lengths if isinstance(n, int)]
    others = [n for n in lengths if not isinstance(n, int)]
    return sum(numbers) if not others else others[0] if len(others) == 1 and not sum(numbers) else None


def _met(lengths: Sequence[Dim]) -> Dim:
    found: Dim = None
    for length in lengths:
        found = meet(found, length)
    return found


@rule("Split")
def _split(call: Call) -> list[Tensor]:
    x = tensor_at(call, 0)
    if x.shape is None:
        return [x] * call.outputs
    axis = axis_of(int_of(call, "axis", 0), len(x.shape))
    parts = setting(call, "split", 1)
    if parts is None:
        given = is_given(call, "split", 1)
        parts = [None] * call.outputs if given else _equal_parts(call, x.shape[axis])
    elif len(parts) != call.outputs or differ(_sum(parts), x.shape[axis]):
        raise ValueError(f"parts of {parts} along axis {axis} of {x.shape} into {call.outputs} outputs")
    return [Tensor((*x.shape[:axis], part, *x.shape[axis + 1 :]), x.dtype) for part in parts]


def _equal_parts(call: Call, length: Dim) -> list[Dim]:
    """As long as each other; from opset 18 on the last one may be shorter."""
    if not isinstance(length, int) or call.outputs < 1:
        return [length if call.outputs == 1 else None] * call.outputs
    part = -(-length // call.outputs)
    last = length - part * (call.outputs - 1)
    if last < 0 or (last != part and call.version < 18):
        raise ValueError(f"a length of {length} cannot be split into {call.outputs} equal parts: give split=[...]")
    return [*[part] * (call.outputs - 1), last]


@shape_rule("Slice")
def _slice(call: Call, shape: Shape) -> Shape:
    found = list(shape)
    cuts = slices_of(call, len(shape))
    if cuts is None:
        return (None,) * len(shape)
    for axis, start, end, step in cuts:
        found[axis] = _cut(shape[axis], start, end, step)
    return tuple(found)


def slices_of(call: Call, rank: int) -> list[tuple[int, Dim, Dim, Dim]] | None:
    """(axis, start, end, step) of a Slice, with None for a number that is not known; None if the axes are not."""
    axes = setting(call, "axes", 3)
    starts, ends = setting(call, "starts", 1), setting(call, "ends", 2)
    count = next((len(told) for told in (axes, starts, ends) if told is not None), None)
    if count is None or (axes is None and is_given(call, "axes", 3)):
        return None
    steps = value_at(call, 4) if has(call, 4) else [1] * count
    cut = axes_of(range(count) if axes is None else axes, rank)
    columns = [cut, *([None] * count if told is None else told for told in (starts, ends, steps))]
    if len({*map(len, columns)}) > 1:
        raise ValueError(f"axes, starts, ends and steps have {[*map(len, columns)]} numbers: give as many of each")
    return list(zip(*columns, strict=True))


def _cut(length: Dim, start: Dim, end: Dim, step: Dim) -> Dim:
    """How many elements a slice takes of a length; a name where it takes all."""
    if step == 0:
        raise ValueError("a step of 0 never ends: give another one")
    far = isinstance(end, int) and end >= _FAR
    if step == 1 and start == 0 and (far or (end is not None and end == length)):
        return length
    if all(isinstance(n, int) for n in (length, start, end, step)):
        return len(range(*slice(start, end, step).indices(length)))  # type: ignore[arg-type]
    back = isinstance(end, int) and end <= -_FAR
    return length if step == -1 and start == -1 and back else None


@shape_rule("Reshape")
def _reshape(call: Call, shape: Shape) -> Shape | None:
    target = setting(call, "shape", 1)
    if target is None:
        listed = tensor_at(call, 1).shape
        return (
            None if listed is None or len(listed) != 1 or not isinstance(listed[0], int) else (None,) * listed[0]
        )
    if target.count(-1) > 1 or any(isinstance(n, int) and n < -1 for n in target):
        raise ValueError(f"the new shape {tuple(target)} may hold -1 once, for the length that is left over")
    copies = [axis for axis, n in enumerate(target) if n == 0 and not int_of(call, "allowzero", 0)]
    if copies and copies[-1] >= len(shape):
        raise ValueError(f"the new shape {tuple(target)} copies axis {copies[-1]} by 0, and {shape} has none")
    rest = [n for axis, n in enumerate(shape) if axis not in copies]
    others = [n for axis, n in enumerate(target) if axis not in copies and n != -1]
    try:
        left = ratio(rest, others)
        fits = -1 in target or left in (1, None) or isinstance(left, str)
    except ValueError:
        fits = False
    if not fits or (0 in others and differ(product(rest), 0)):
        raise ValueError(
            f"the {product(shape)} elements of {shape} cannot be laid out as {tuple(target)}: "
            "the lengths must multiply to as many; -1 takes what is left over"
        )
    return tuple(shape[axis] if axis in copies else left if n == -1 else n for axis, n in enumerate(target))


@shape_rule("Flatten")
def _flatten(call: Call, shape: Shape) -> Shape:
    axis = int_of(call, "axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise ValueError(f"axis {axis} of {shape}: give one from {-len(shape)} to {len(shape)}")
    axis = axis + len(shape) if axis < 0 else axis
    return (product(shape[:axis]), product(shape[axis:]))


@shape_rule("Squeeze")
def _squeeze(call: Call, shape: Shape) -> Shape | None:
    axes = setting(call, "axes", 1)
    if axes is None:
        if is_given(call, "axes", 1) or not all(isinstance(n, int) for n in shape):
            return None
        axes = [axis for axis, n in enumerate(shape) if n == 1]
    axes = axes_of(axes, len(shape))
    for axis in axes:
        if differ(shape[axis], 1):
            raise ValueError(
                f"axis {axis} of {shape} has the length {shape[axis]}: only a length of 1 can be dropped"
            )
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


@shape_rule("Unsqueeze")
def _unsqueeze(call: Call, shape: Shape) -> Shape | None:
    axes = setting(call, "axes", 1)
    if axes is None:
        return None
    rank = len(shape) + len(axes)
    new, old = set(axes_of(axes, rank)), iter(shape)
    return tuple(1 if axis in new else next(old) for axis in range(rank))


@shape_rule("Transpose")
def _transpose(call: Call, shape: Shape) -> Shape:
    return tuple(shape[axis] for axis in permutation(call, len(shape)))


def permutation(call: Call, rank: int) -> list[int]:
    order = ints_of(call, "perm", range(rank)[::-1])
    if sorted(order) != list(range(rank)):
        raise ValueError(f"perm {order} must hold each axis from 0 to {rank - 1} once")
    return order


@shape_rule("Expand", reads=2)
def _expand(call: Call, shape: Shape, listed: Shape) -> Shape | None:
    target = value_at(call, 1)
    if target is None and len(listed) == 1 and isinstance(listed[0], int):
        target = [None] * listed[0]
    return None if target is None else broadcast([shape, tuple(target)])


@shape_rule("Tile", reads=2)
def _tile(call: Call, shape: Shape, _: Shape) -> Shape:
    repeats = value_at(call, 1)
    if repeats is None:
        return (None,) * len(shape)
    if len(repeats) != len(shape):
        raise ValueError(f"{len(repeats)} repeats for {shape}: give one an axis")
    return tuple(product(pair) for pair in zip(shape, repeats, strict=True))


@shape_rule("Pad")
def _pad(call: Call, shape: Shape) -> Shape:
    pads, axes = setting(call, "pads", 1), value_at(call, 3) if has(call, 3) else range(len(shape))
    if pads is None or axes is None:
        return (None,) * len(shape)
    axes = axes_of(axes, len(shape))
    if len(pads) != 2 * len(axes):
        raise ValueError(f"{len(pads)} pads for {len(axes)} axes of {shape}: give one before and one behind each")
    found = list(shape)
    for axis, before, behind in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        length = found[axis] = _sum([shape[axis], before, behind])
        if isinstance(length, int) and length < 0:
            raise ValueError(f"pads of {before} and {behind} leave nothing of the length {shape[axis]} of {shape}")
    return tuple(found)


@shape_rule("Gather", reads=2)
def _gather(call: Call, shape: Shape, indices: Shape) -> Shape:
    axis = axis_of(int_of(call, "axis", 0), len(shape))
    length, picked = shape[axis], value_at(call, 1) or []
    for index in picked:
        if isinstance(index, int) and isinstance(length, int) and not -length <= index < length:
            raise ValueError(f"index {index} is none of the {length} along axis {axis} of {shape}")
    return shape[:axis] + indices + shape[axis + 1 :]


@shape_rule("GatherElements", reads=2)
def _gather_elements(call: Call, shape: Shape, indices: Shape) -> Shape:
    check_rank(indices, len(shape), f"beside {shape} the indices")
    return indices


@rule("TopK")
def _top_k(call: Call) -> list[Tensor]:
    x, shape = tensor_at(call, 0), None
    if x.shape is not None:
        axis, (k,) = axis_of(int_of(call, "axis", -1), len(x.shape)), setting(call, "k", 1) or [None]
        if isinstance(k, int) and isinstance(x.shape[axis], int) and k > x.shape[axis]:  # type: ignore[operator]
            raise ValueError(f"the largest {k} of the {x.shape[axis]} along axis {axis} of {x.shape}: take fewer")
        shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    return [Tensor(shape, x.dtype), Tensor(shape, "int64")][: call.outputs]


# ---------------------------------------------------------------------------------------- reduced


@shape_rule(*_REDUCTIONS.split())
def _reduce(call: Call, shape: Shape) -> Shape | None:
    keep = bool(int_of(call, "keepdims", 1))
    axes = reduced_axes(call, len(shape))
    if axes is None:
        return (None,) * len(shape) if keep else None
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape) if keep or axis not in axes)


def reduced_axes(call: Call, rank: int) -> list[int] | None:
    """All of them where none is given, unless it says that this means none."""
    axes = setting(call, "axes", 1)
    if axes is None and is_given(call, "axes", 1) and tensor_at(call, 1).shape != (0,):
        return None
    return axes_of(axes or ([] if int_of(call, "noop_with_empty_axes", 0) else range(rank)), rank)


@shape_rule("ArgMax", "ArgMin", dtype="int64")
def _arg_max(call: Call, shape: Shape) -> Shape:
    axis = axis_of(int_of(call, "axis", 0), len(shape))
    return shape[:axis] + (1,) * bool(int_of(call, "keepdims", 1)) + shape[axis + 1 :]


# ---------------------------------------------------------------------------------------- shapes and constants


@shape_rule("Shape", dtype="int64")
def _shape(call: Call, shape: Shape) -> Shape:
    return (len(shape[bounds(call)]),)


def bounds(call: Call) -> slice:
    """The axes whose lengths a Shape gives."""
    return slice(int_of(call, "start", 0), int_of(call, "end") if "end" in call.attributes else None)


@rule("Size")
def _size(call: Call) -> list[Tensor]:
    return [Tensor((), "int64")]


@rule("Constant", reads=0)
def _constant(call: Call) -> list[Tensor]:
    value = stated_array(call)
    return [] if value is None else [Tensor(value.shape, _dtype_of(value))]


def stated_array(call: Call) -> NDArray[Any] | None:
    """The array that a Constant states in one of its attributes."""
    kinds = {"value_int": "int64", "value_ints": "int64", "value_float": "float32", "value_floats": "float32"}
    for name, value in call.attributes.items():
        if name in ("value", "value_string", "value_strings"):
            return np.asarray(value)
        if name in kinds:
            return np.asarray(value, kinds[name])
    return None


def _dtype_of(array: NDArray[Any]) -> str:
    """As `DTYPES` names it; ml_dtypes, which has what NumPy has not, writes float8_e4m3fn."""
    return "string" if array.dtype.kind in "OSU" else str(array.dtype).replace("_", "")


@rule("ConstantOfShape")
def _constant_of_shape(call: Call) -> list[Tensor]:
    dtype = _dtype_of(filling(call))
    lengths, listed = value_at(call, 0), tensor_at(call, 0).shape
    if lengths is None:
        known = listed is not None and len(listed) == 1 and isinstance(listed[0], int)
        return [Tensor((None,) * listed[0] if known else None, dtype)]  # type: ignore[index, operator]
    return [Tensor(tuple(lengths), dtype)]


def filling(call: Call) -> NDArray[Any]:
    return np.ravel(np.asarray(call.attributes.get("value", np.float32(0))))


@rule("Range", reads=3)
def _range(call: Call) -> list[Tensor]:
    told = [(value_at(call, port) or [None])[0] for port in range(3)]
    start, limit, step = told
    length = None
    if step == 0:
        raise ValueError("a step of 0 never ends: give another one")
    if all(isinstance(n, int | float) for n in told):
        length = max(math.ceil((limit - start) / step), 0)
    elif start == 0 and step == 1:
        length = limit
    return [Tensor((length,), dtype_at(call))]
