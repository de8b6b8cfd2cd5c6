"""Operators that make, move, join and pick elements without computing with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lessons.errors import UnsupportedOperator
from lessons.operators._arrays import Array, Operator, axes_of, axis_of, dtype_of, ints

# ---------------------------------------------------------------------------------------- new labels, same memory


def reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    """The same elements in another shape; a length 0 is that of x unless `allowzero`, one of -1 follows."""
    lengths = [x.shape[k] if n == 0 and not allowzero else n for k, n in enumerate(ints(shape) or [])]
    return x.reshape(lengths)


def flatten(x: Array, *, axis: int = 1) -> Array:
    """A matrix: the axes before `axis` are its rows."""
    first = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:first])), int(np.prod(x.shape[first:])))


def squeeze(x: Array, given: Array | None = None, *, axes: Sequence[int] | None = None) -> Array:
    """Without the axes of length 1 that are named, or without all of them."""
    chosen = ints(given, axes)
    return x.squeeze() if chosen is None else x.squeeze(axes_of(chosen, x.ndim))


def unsqueeze(x: Array, given: Array | None = None, *, axes: Sequence[int] | None = None) -> Array:
    """With new axes of length 1, at their places in the result."""
    return np.expand_dims(x, tuple(ints(given, axes) or ()))


def identity(x: Array) -> Array:
    """x."""
    return x.view()


def dropout(
    x: Array,
    share: Array | None = None,
    training: Array | None = None,
    *,
    ratio: float = 0.5,
    seed: int = 0,
    outputs: int = 1,
    version: int,
) -> Array | tuple[Array, Array]:
    """x as it is, and a mask that keeps all of it. Raises UnsupportedOperator in training, where it is random."""
    if training is not None and training.any() and (0.5 if share is None else share) != 0:
        raise UnsupportedOperator(["Dropout in training"])
    if outputs == 1:
        return x.view()
    return x.view(), np.ones(x.shape, bool if version >= 10 else x.dtype)


# ---------------------------------------------------------------------------------------- out of nothing


def constant(
    *,
    value: Array | None = None,
    value_float: float | None = None,
    value_floats: Sequence[float] | None = None,
    value_int: int | None = None,
    value_ints: Sequence[int] | None = None,
    value_string: str | None = None,
    value_strings: Sequence[str] | None = None,
) -> Array:
    """What its one attribute says."""
    for told, dtype in (
        (value, None),
        (value_float, np.float32),
        (value_floats, np.float32),
        (value_int, np.int64),
        (value_ints, np.int64),
        (value_string, object),
        (value_strings, object),
    ):
        if told is not None:
            return np.array(told, dtype)
    raise ValueError("it has none of the attributes value, value_int, value_ints, value_float, value_floats ...")


def constant_of_shape(shape: Array, *, value: Array | None = None) -> Array:
    """One number everywhere, a float32 zero unless told."""
    filler = np.zeros(1, np.float32) if value is None else np.asarray(value)
    return np.full(ints(shape) or (), filler.reshape(()), filler.dtype)


def eye_like(x: Array, *, dtype: int | None = None, k: int = 0) -> Array:
    """Ones on the k-th diagonal of a matrix as large as x."""
    rows, columns = x.shape
    return np.eye(rows, columns, k=k, dtype=x.dtype if dtype is None else dtype_of(dtype))


def range_(start: Array, limit: Array, delta: Array) -> Array:
    """From `start` in steps of `delta`, without `limit`."""
    count = max(int(np.ceil((limit - start) / delta)), 0)
    return (start + np.arange(count) * delta).astype(start.dtype)


def one_hot(index: Array, depth: Array, values: Array, *, axis: int = -1) -> Array:
    """A new axis with values[1] where the index says (from the end if negative), values[0] elsewhere."""
    length = int(depth.reshape(()))
    at = axis_of(axis, index.ndim + 1)
    whole = index.astype(np.int64)
    valid = (whole >= -length) & (whole < length)
    hot = np.expand_dims(np.where(valid, whole % max(length, 1), -1), at)
    places = np.arange(length).reshape([-1 if k == at else 1 for k in range(index.ndim + 1)])
    return np.where(hot == places, values[1], values[0])


def shape_(x: Array, *, start: int = 0, end: int | None = None) -> Array:
    """The lengths of x, from axis `start` to `end`."""
    return np.array(x.shape[slice(start, end)], np.int64)


# ---------------------------------------------------------------------------------------- join and part


def concat(*parts: Array, axis: int = 1) -> Array:
    """The parts one after another along an axis."""
    return np.concatenate(parts, axis=axis)


def split(
    x: Array,
    given: Array | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    split: Sequence[int] | None = None,
    outputs: int,
) -> list[Array]:
    """Parts along an axis: of the lengths told, or equal but for a shorter last one."""
    lengths = ints(given, split)
    if lengths is None:
        each = -(-x.shape[axis] // (num_outputs or outputs))
        return np.split(x, [min(each * k, x.shape[axis]) for k in range(1, num_outputs or outputs)], axis)
    if sum(lengths) != x.shape[axis]:
        raise ValueError(f"parts of {lengths} do not make up the length {x.shape[axis]} of axis {axis}")
    return np.split(x, np.cumsum(lengths)[:-1], axis)


def slice_(
    x: Array,
    first: Array | None = None,
    last: Array | None = None,
    over: Array | None = None,
    by: Array | None = None,
    *,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
) -> Array:
    """From start to end in steps along axes; bounds beyond an axis are cut. Before opset 10 told by attributes."""
    begin, end = ints(first, starts) or [], ints(last, ends) or []
    chosen = axes_of(ints(over, axes, range(len(begin))), x.ndim)
    steps = ints(by) or [1] * len(begin)
    picked = [slice(None)] * x.ndim
    for axis, start, stop, step in zip(chosen, begin, end, steps, strict=True):
        picked[axis] = slice(start, stop, step)
    return x[tuple(picked)]


def pad(
    x: Array,
    given: Array | None = None,
    filler: Array | None = None,
    over: Array | None = None,
    *,
    mode: str = "constant",
    pads: Sequence[int] | None = None,
    value: float = 0.0,
) -> Array:
    """More elements before and behind along axes, fewer where negative: a constant, or by edge, reflect, wrap."""
    counts = ints(given, pads) or []
    axes = axes_of(ints(over), x.ndim)
    widths = [(0, 0)] * x.ndim
    for axis, before, after in zip(axes, counts[: len(axes)], counts[len(axes) :], strict=True):
        widths[axis] = (before, after)
    inner = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, widths, strict=True))]
    grown = [(max(b, 0), max(a, 0)) for b, a in widths]
    if mode != "constant":
        return np.pad(inner, grown, mode=mode)  # type: ignore[call-overload]
    return np.pad(inner, grown, constant_values=value if filler is None else filler.reshape(())[()])


def center_crop_pad(x: Array, shape: Array, *, axes: Sequence[int] | None = None) -> Array:
    """The middle of x where it is too long along an axis, zeros around it where it is too short."""
    y = x
    for axis, length in zip(axes_of(axes, x.ndim), ints(shape) or [], strict=True):
        surplus = abs(length - x.shape[axis])
        before = surplus // 2
        if length < x.shape[axis]:
            y = np.take(y, range(before, before + length), axis)
        else:
            widths = [(before, surplus - before) if k == axis else (0, 0) for k in range(x.ndim)]
            y = np.pad(y, widths)
    return y


# ---------------------------------------------------------------------------------------- move


def transpose(x: Array, *, perm: Sequence[int] | None = None) -> Array:
    """The axes in another order, reversed unless told."""
    return x.transpose(perm)


def expand(x: Array, shape: Array) -> Array:
    """Repeated along axes of length 1, as in arithmetic."""
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(ints(shape) or ())))


def tile(x: Array, repeats: Array) -> Array:
    """Repeated as a whole along each axis."""
    return np.tile(x, ints(repeats) or ())


def depth_to_space(x: Array, *, blocksize: int, mode: str = "DCR") -> Array:
    """Channels become blocks of places: the block slowest in DCR, the channel in CRD."""
    n, c, h, w = x.shape
    b, rest = blocksize, c // blocksize**2
    if mode == "DCR":
        y = x.reshape(n, b, b, rest, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, rest, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, rest, h * b, w * b)


def space_to_depth(x: Array, *, blocksize: int, mode: str = "DCR") -> Array:
    """Blocks of places become channels: the inverse of DepthToSpace."""
    n, c, h, w = x.shape
    b = blocksize
    y = x.reshape(n, c, h // b, b, w // b, b)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return y.transpose(order).reshape(n, c * b * b, h // b, w // b)


def trilu(x: Array, k: Array | None = None, *, upper: int = 1) -> Array:
    """The triangle above, or below, the k-th diagonal of each matrix."""
    diagonal = 0 if k is None else int(k.reshape(()))
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)


def reverse_sequence(x: Array, lengths: Array, *, batch_axis: int = 1, time_axis: int = 0) -> Array:
    """The first steps of each sequence, as many as its length, in reverse."""
    y = np.moveaxis(x, (batch_axis, time_axis), (0, 1)).copy()
    for sequence, length in zip(y, ints(lengths) or [], strict=True):
        sequence[:length] = sequence[:length][::-1].copy()
    return np.moveaxis(y, (0, 1), (batch_axis, time_axis))


# ---------------------------------------------------------------------------------------- pick


def gather(x: Array, index: Array, *, axis: int = 0) -> Array:
    """Slices of an axis by index, from the end if negative."""
    return np.take(x, index, axis=axis)


def gather_elements(x: Array, index: Array, *, axis: int = 0) -> Array:
    """For each place of the index, the element of x there, but for the axis at what the index says."""
    return x[_places(x, index, axis)]


def gather_nd(x: Array, index: Array, *, batch_dims: int = 0) -> Array:
    """Slices of x by tuples, the last axis of the index; the first axes of both go along."""
    lead = x.shape[:batch_dims]
    flat, tuples = x.reshape(-1, *x.shape[batch_dims:]), index.reshape(-1, *index.shape[batch_dims:])
    if not batch_dims:
        return x[tuple(np.moveaxis(index, -1, 0))]
    rows = np.arange(len(flat)).reshape(-1, *[1] * (tuples.ndim - 2))
    picked = flat[(rows, *np.moveaxis(tuples, -1, 0))]
    return picked.reshape(lead + picked.shape[1:])


def compress(x: Array, condition: Array, *, axis: int | None = None) -> Array:
    """The slices of an axis, or the elements, for which the condition holds."""
    return np.compress(condition, x, axis=axis)


def non_zero(x: Array) -> Array:
    """Where elements are not zero: a column for each."""
    return np.array(np.nonzero(np.atleast_1d(x)), np.int64)[: x.ndim]


def unique(x: Array, *, axis: int | None = None, sorted: int = 1) -> tuple[Array, ...]:
    """The distinct elements (or slices), where each stands first, which one each is, and how often it is there."""
    values, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    inverse = inverse.reshape(-1)
    if not sorted:
        order = np.argsort(first)
        values = np.take(values, order, axis=0 if axis is None else axis)
        first, counts, inverse = first[order], counts[order], np.argsort(order)[inverse]
    return values, *(np.asarray(part, np.int64) for part in (first, inverse, counts))


# ---------------------------------------------------------------------------------------- put

_MERGE = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _put(y: Array, places: tuple[Array, ...], updates: Array, reduction: str) -> Array:
    """Into y, which is our own; several updates of one place are merged, or the last one stays."""
    if reduction == "none":
        y[places] = updates
    else:
        _MERGE[reduction].at(y, places, updates)
    return y


def _places(x: Array, index: Array, axis: int) -> tuple[Array, ...]:
    """The place of each element of an index, but along one axis what it says."""
    places = list(np.ogrid[tuple(map(slice, index.shape))])
    places[axis_of(axis, x.ndim)] = index
    return tuple(places)


def scatter_elements(x: Array, index: Array, updates: Array, *, axis: int = 0, reduction: str = "none") -> Array:
    """A copy of x with updates put where GatherElements would take from."""
    return _put(x.copy(), _places(x, index, axis), updates, reduction)


def scatter_nd(x: Array, index: Array, updates: Array, *, reduction: str = "none") -> Array:
    """A copy of x with updates put where GatherND would take from."""
    return _put(x.copy(), tuple(np.moveaxis(index, -1, 0)), updates, reduction)


VIEWS: dict[str, Operator] = {
    "Dropout": dropout,
    "Flatten": flatten,
    "Identity": identity,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
}

OPERATORS: dict[str, Operator] = VIEWS | {
    "CenterCropPad": center_crop_pad,
    "Compress": compress,
    "Concat": concat,
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "EyeLike": eye_like,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "NonZero": non_zero,
    "OneHot": one_hot,
    "Pad": pad,
    "Range": range_,
    "ReverseSequence": reverse_sequence,
    "Scatter": scatter_elements,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "Shape": shape_,
    "Size": lambda x: np.array(x.size, np.int64),
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Tile": tile,
    "Transpose": transpose,
    "Trilu": trilu,
    "Unique": unique,
}
