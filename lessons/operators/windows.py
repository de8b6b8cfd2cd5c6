"""Operators that slide a window over a signal, an image or a volume: convolution and pooling.

Tensors are laid out as (image, channel, *place), places of one to three axes. A window of a kernel is seen as a
view by strides; nothing is computed per place in Python.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lessons.operators._arrays import Array, Operator, wide

# Elements of scratch memory for the windows of a convolution: 8 MiB of float32. Less would lie nearer to a core's
# cache, and is no faster. But a C library that has once freed a large block keeps what is freed after it; with
# less, it pages in the tensors of a network such as ResNet-50 anew, run after run.
BLOCK = 1 << 21


@dataclass(frozen=True)
class Windows:
    """Where the windows of a kernel lie: per axis its size, stride, dilation, padding before and after, and the
    number of windows."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    out: tuple[int, ...]

    def reach(self, axis: int) -> int:
        """From the first to behind the last element under the kernel."""
        return self.dilations[axis] * (self.kernel[axis] - 1) + 1

    def taps(self, axis: int) -> list[slice]:
        """For each element of the kernel, the elements of a padded axis that it meets, one a window."""
        step, count = self.strides[axis], self.out[axis]
        starts = range(0, self.dilations[axis] * self.kernel[axis], self.dilations[axis])
        return [slice(start, start + step * (count - 1) + 1, step) for start in starts]

    def padded(self, x: Array, value: float) -> Array:
        """x with what the windows reach over, and no more, beyond its places; x itself where that is nothing."""
        lengths = tuple(
            step * (count - 1) + self.reach(k)
            for k, (step, count) in enumerate(zip(self.strides, self.out, strict=True))
        )
        if not any(self.before) and lengths == x.shape[2:]:
            return x
        y = np.full_like(x, value, shape=x.shape[:2] + lengths)  # of CuPy where x is
        reached = [min(n, m - b) for n, m, b in zip(x.shape[2:], lengths, self.before, strict=True)]
        inner = [slice(b, b + n) for b, n in zip(self.before, reached, strict=True)]
        y[:, :, *inner] = x[:, :, *map(slice, reached)]
        return y

    def view(self, padded: Array) -> Array:
        """All windows of a padded tensor, (image, channel, *kernel, *window), without copying."""
        lead, steps = padded.strides[:2], padded.strides[2:]
        inside = tuple(s * d for s, d in zip(steps, self.dilations, strict=True))
        between = tuple(s * t for s, t in zip(steps, self.strides, strict=True))
        shape = padded.shape[:2] + self.kernel + self.out
        return as_strided(padded, shape, lead + inside + between, writeable=False)


def windows(
    places: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    pads: Sequence[int] | None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    """The windows over places of these lengths, by ONNX's attributes. Raises ValueError for a kernel too large."""
    rank = len(places)
    strides, dilations = tuple(strides or [1] * rank), tuple(dilations or [1] * rank)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if auto_pad.startswith("SAME"):
        out = [-(-n // s) for n, s in zip(places, strides, strict=True)]
        missing = [max((o - 1) * s + r - n, 0) for o, s, r, n in zip(out, strides, reach, places, strict=True)]
        less, more = [m // 2 for m in missing], [m - m // 2 for m in missing]
        before, after = (less, more) if auto_pad == "SAME_UPPER" else (more, less)
    else:
        pads = list(pads or []) if auto_pad == "NOTSET" else []
        pads = pads or [0] * (2 * rank)
        before, after = pads[:rank], pads[rank:]
        sizes = zip(places, before, after, reach, strides, strict=True)
        out = [_count(n, b, a, r, s, bool(ceil_mode)) for n, b, a, r, s in sizes]
    if any(count < 1 for count in out):
        raise ValueError(f"a kernel that reaches over {reach} finds no room in {list(places)}, padded by {pads}")
    return Windows(tuple(kernel), strides, dilations, tuple(before), tuple(after), tuple(out))


def _count(length: int, before: int, after: int, reach: int, stride: int, ceil: bool) -> int:
    """Windows along an axis; rounded up, the last one must begin before the padding behind the end."""
    room = length + before + after - reach
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= length + before else count


# ---------------------------------------------------------------------------------------- convolution


def conv(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Convolution: x (image, channel, *place), w (feature, channel / group, *kernel)
    -> (image, feature, *window)."""
    if x.shape[1] != w.shape[1] * group or w.shape[0] % group:
        raise ValueError(f"{group} group(s) of filters {w.shape} do not fit {x.shape[1]} channels")
    at = windows(x.shape[2:], w.shape[2:], strides, dilations, pads, auto_pad)
    filters, padded = wide(w), at.padded(wide(x), 0)
    y = np.empty((x.shape[0], w.shape[0], *at.out), np.result_type(padded, filters))
    if group == x.shape[1] > 1:
        _depthwise(padded, filters, at, y)
    elif math.prod(at.kernel) == 1 and set(at.strides) == {1}:
        _product(filters, padded, group, y)
    else:
        _by_blocks(padded, filters, at, group, y)
    if b is not None:
        y += b.reshape(-1, *[1] * len(at.out))
    return y.astype(x.dtype, copy=False)


def _product(filters: Array, columns: Array, group: int, y: Array) -> None:
    """y = filters times columns, one matrix product an image and group; columns (image, ..., *window)."""
    rows = filters.reshape(group, filters.shape[0] // group, -1)
    for image, result in zip(columns, y, strict=True):
        target = result.reshape(group, rows.shape[1], -1)  # a view: at most one axis has been cut
        np.matmul(rows, image.reshape(group, rows.shape[2], -1), out=target)


def _by_blocks(padded: Array, filters: Array, at: Windows, group: int, y: Array) -> None:
    """Windows are copied side by side into one scratch array, as many rows of them at a time as it holds."""
    seen = at.view(padded)
    lead = seen.shape[1 : -len(at.out)]  # (channel, *kernel)
    rows = min(max(BLOCK // math.prod(lead + at.out[1:]), 1), at.out[0])
    scratch = np.empty(math.prod((*lead, rows, *at.out[1:])), padded.dtype)
    for image, result in zip(seen, y, strict=True):
        for start in range(0, at.out[0], rows):
            part = image[(*[slice(None)] * len(lead), slice(start, start + rows))]
            columns = scratch[: part.size].reshape(part.shape)
            np.copyto(columns, part)
            _product(filters, columns[None], group, result[None, :, start : start + rows])


def _depthwise(padded: Array, filters: Array, at: Windows, y: Array) -> None:
    """A channel meets only its own filters: shifted images times one number a channel, summed over the kernel, as
    many channels at a time as fit into a sixteenth of the scratch memory, near a core's cache."""
    images, channels = padded.shape[:2]
    filters = filters.reshape(channels, -1, *at.kernel)
    result = y.reshape(images, channels, -1, *at.out)
    step = max(BLOCK // 16 // max(math.prod(result.shape[2:]), 1), 1)
    for image, start in np.ndindex(images, -(-channels // step)):
        some = slice(start * step, (start + 1) * step)
        total = np.zeros_like(result[image, some])
        for tap in np.ndindex(*at.kernel):
            shifted = padded[(image, some, *(at.taps(k)[t] for k, t in enumerate(tap)))][:, None]
            weights = filters[(some, slice(None), *tap)]
            total += shifted * weights.reshape(*weights.shape, *[1] * len(at.out))
        result[image, some] = total


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Transposed convolution: each element of x adds the filters, times itself, to its window; pads are cut."""
    if x.shape[1] != w.shape[0] or w.shape[0] % group:
        raise ValueError(f"{group} group(s) of filters {w.shape} do not fit {x.shape[1]} channels")
    rank = x.ndim - 2
    steps, spread = tuple(strides or [1] * rank), tuple(dilations or [1] * rank)
    extra = list(output_padding or [0] * rank)
    at = Windows(w.shape[2:], steps, spread, (0,) * rank, (0,) * rank, x.shape[2:])
    full = [steps[k] * (n - 1) + at.reach(k) + extra[k] for k, n in enumerate(x.shape[2:])]
    before, lengths = _cut(full, x.shape[2:], steps, pads, auto_pad, output_shape)
    x32, filters = wide(x), wide(w).reshape(group, w.shape[0] // group, -1)
    room = map(max, full, map(sum, zip(before, lengths, strict=True)))
    y = np.zeros((x.shape[0], w.shape[1] * group, *room), x32.dtype)
    for image, result in zip(x32, y, strict=True):
        terms = filters.transpose(0, 2, 1) @ image.reshape(group, filters.shape[1], -1)
        terms = terms.reshape(-1, *at.kernel, *x.shape[2:])
        for tap in np.ndindex(*at.kernel):
            result[(slice(None), *(at.taps(k)[t] for k, t in enumerate(tap)))] += terms[(slice(None), *tap)]
    y = y[:, :, *(slice(start, start + n) for start, n in zip(before, lengths, strict=True))]
    if b is not None:
        y = y + b.reshape(-1, *[1] * rank)
    return y.astype(x.dtype, copy=False)


def _cut(
    full: Sequence[int],
    places: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int] | None,
    auto_pad: str,
    output_shape: Sequence[int] | None,
) -> tuple[list[int], list[int]]:
    """Where the result begins in the full sum, and its lengths: by pads, or by the lengths that are asked for."""
    rank = len(full)
    if output_shape is None and not auto_pad.startswith("SAME"):
        pads = list(pads or [0] * (2 * rank))
        return pads[:rank], [n - pads[k] - pads[rank + k] for k, n in enumerate(full)]
    asked = (
        output_shape[-rank:] if output_shape is not None else [n * s for n, s in zip(places, strides, strict=True)]
    )
    surplus = [max(n - wanted, 0) for n, wanted in zip(full, asked, strict=True)]
    before = [s // 2 if auto_pad == "SAME_UPPER" else s - s // 2 for s in surplus]
    return before, list(asked)


# ---------------------------------------------------------------------------------------- pooling


def _pooled(padded: Array, at: Windows, function: np.ufunc) -> Array:
    """A function over each window, axis after axis: k + k passes instead of k * k."""
    y = padded
    for axis in range(len(at.kernel)):
        lead = (slice(None),) * (axis + 2)
        first, *others = at.taps(axis)
        total = y[(*lead, first)].copy()
        for tap in others:
            function(total, y[(*lead, tap)], out=total)
        y = total
    return y


def max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: int = 0,
    strides: Sequence[int] | None = None,
    outputs: int = 1,
) -> Array | tuple[Array, Array]:
    """The largest element of each window, and where it stands in the flattened tensor, if that is asked for."""
    at = windows(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = _pooled(at.padded(x, lowest), at, np.maximum)
    return y if outputs == 1 else (y, _where_largest(x, at, storage_order))


def _where_largest(x: Array, at: Windows, column_major: int) -> Array:
    """Indices into the flattened tensor; with `column_major` the places count with their last axis slowest."""
    rank, count = len(at.kernel), math.prod(x.shape[2:])
    order: Literal["C", "F"] = "F" if column_major else "C"
    index = np.arange(count).reshape(x.shape[2:], order=order)
    values = at.view(at.padded(x.astype(np.float64), -np.inf))
    places = at.view(at.padded(index[None, None], 0))[0, 0]
    best = values.reshape(*x.shape[:2], -1, *at.out).argmax(axis=2)
    found = np.take_along_axis(places.reshape(1, 1, -1, *at.out), best[:, :, None], axis=2)[:, :, 0]
    planes = np.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * rank)
    return (found + planes * count).astype(np.int64)


def max_unpool(
    x: Array,
    index: Array,
    shape: Array | None = None,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """Puts what MaxPool took back where it stood, among zeros."""
    rank = len(kernel_shape)
    pads, strides = list(pads or [0] * (2 * rank)), list(strides or [1] * rank)
    lengths = [
        strides[k] * (n - 1) + kernel_shape[k] - pads[k] - pads[rank + k] for k, n in enumerate(x.shape[2:])
    ]
    if shape is None or tuple(shape) == (*x.shape[:2], *lengths):
        full = np.zeros((*x.shape[:2], *lengths), x.dtype)
        full.reshape(-1)[index.ravel()] = x.ravel()
        return full
    full = max_unpool(x, index, kernel_shape=kernel_shape, pads=pads, strides=strides)
    larger = np.zeros(tuple(shape), x.dtype)
    larger[tuple(map(slice, full.shape))] = full
    return larger


def average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """The mean of each window, over its elements inside the image, or with `count_include_pad` the padding too."""
    at = windows(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    y = _pooled(at.padded(wide(x), 0), at, np.add)
    for axis, length in enumerate(x.shape[2:]):
        counts = _elements(at, axis, length, bool(count_include_pad))
        y /= counts.astype(y.dtype).reshape(-1, *[1] * (len(at.out) - 1 - axis))
    return y.astype(x.dtype, copy=False)


def _elements(at: Windows, axis: int, length: int, padding: bool) -> Array:
    """How many elements of an axis each window holds, padding among them or not."""
    low, high = (-at.before[axis], length + at.after[axis]) if padding else (0, length)
    starts = np.arange(at.out[axis]) * at.strides[axis] - at.before[axis]
    places = starts[:, None] + np.arange(at.kernel[axis]) * at.dilations[axis]
    return ((places >= low) & (places < high)).sum(axis=1)


def lp_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    p: int = 2,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Array:
    """The p-norm of each window."""
    at = windows(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    return _pooled(at.padded(np.abs(x) ** p, 0), at, np.add) ** (1 / p)


def _everywhere(x: Array) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


def global_average_pool(x: Array) -> Array:
    """The mean of each channel."""
    return x.mean(axis=_everywhere(x), keepdims=True)


def global_max_pool(x: Array) -> Array:
    """The largest element of each channel."""
    return x.max(axis=_everywhere(x), keepdims=True)


def global_lp_pool(x: Array, *, p: int = 2) -> Array:
    """The p-norm of each channel."""
    return (np.abs(x) ** p).sum(axis=_everywhere(x), keepdims=True) ** (1 / p)


# ---------------------------------------------------------------------------------------- whole numbers


def conv_integer(
    x: Array, w: Array, x_zero: Array | None = None, w_zero: Array | None = None, **places: Any
) -> Array:
    """Convolution of 8-bit whole numbers from their zero points, in 32 bits. Sums are exact in float64."""
    signal = x.astype(np.float64) - (0 if x_zero is None else x_zero)
    filters = w.astype(np.float64) - (0 if w_zero is None else np.reshape(w_zero, (-1, *[1] * (w.ndim - 1))))
    return conv(signal, filters, **places).astype(np.int32)


OPERATORS: dict[str, Operator] = {
    "AveragePool": average_pool,
    "Conv": conv,
    "ConvInteger": conv_integer,
    "ConvTranspose": conv_transpose,
    "GlobalAveragePool": global_average_pool,
    "GlobalLpPool": global_lp_pool,
    "GlobalMaxPool": global_max_pool,
    "LpPool": lp_pool,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
}
