"""Operators that bring a tensor to a common scale: by a batch, a channel, a group, a layer, a neighbourhood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lessons.operators._arrays import Array, Operator, along, axes_of, axis_of, dtype_of, wide


def batch_normalization(
    x: Array,
    scale: Array,
    shift: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    spatial: int = 1,
    training_mode: int = 0,
    outputs: int = 1,
    version: int,
) -> Array | tuple[Array, ...]:
    """(x - mean) / sqrt(variance + epsilon) * scale + shift, per channel (axis 1), as one factor and one summand.

    Statistics of the batch are used in training: before opset 14 that is where their outputs are asked for.
    Before opset 9, spatial=0 has statistics for each place of a channel.
    """
    if not (training_mode if version >= 14 else outputs > 1):
        return _affine(x, scale, shift, mean, variance, epsilon)
    axes = (0, *range(2, x.ndim)) if spatial else (0,)
    own_mean, own_variance = wide(x).mean(axis=axes), wide(x).var(axis=axes)
    y = _affine(x, scale, shift, own_mean, own_variance, epsilon)
    running = [
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in ((mean, own_mean), (variance, own_variance))
    ]
    return (y, *running, own_mean.astype(mean.dtype), own_variance.astype(variance.dtype))


def _affine(x: Array, scale: Array, shift: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    factor = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    summand = shift - mean * factor
    shape = (1, *factor.shape, *[1] * (x.ndim - 1 - factor.ndim))
    kind = wide(x).dtype
    y = x * factor.astype(kind).reshape(shape)
    y += summand.astype(kind).reshape(shape)
    return y.astype(x.dtype, copy=False)


def _standard(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array, Array]:
    """x less its mean, over its standard deviation along the axes; that mean; and one over that deviation."""
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    inverse = 1 / np.sqrt(np.square(centred).mean(axis=axes, keepdims=True) + epsilon)
    centred *= inverse
    return centred, mean, inverse


def instance_normalization(x: Array, scale: Array, shift: Array, *, epsilon: float = 1e-5) -> Array:
    """Each channel of each image by its own mean and deviation."""
    y, _, _ = _standard(wide(x), tuple(range(2, x.ndim)), epsilon)
    return (y * along(scale, 1, x.ndim) + along(shift, 1, x.ndim)).astype(x.dtype, copy=False)


def group_normalization(
    x: Array,
    scale: Array,
    shift: Array,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    version: int,
) -> Array:
    """Each group of channels of each image by its own mean and deviation; before opset 21 scaled by group."""
    groups = wide(x).reshape(x.shape[0], num_groups, -1)
    y, _, _ = _standard(groups, (2,), epsilon)
    if version < 21:
        each = x.shape[1] // num_groups
        scale, shift = np.repeat(scale, each), np.repeat(shift, each)
    y = y.reshape(x.shape) * along(scale, 1, x.ndim) + along(shift, 1, x.ndim)
    return y.astype(x.dtype, copy=False)


def layer_normalization(
    x: Array,
    scale: Array,
    shift: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> tuple[Array, Array, Array]:
    """The axes from `axis` on by their mean and deviation; both are given, too, computed in type `stash_type`."""
    axes = tuple(range(axis_of(axis, x.ndim), x.ndim))
    y, mean, inverse = _standard(x.astype(dtype_of(stash_type)), axes, epsilon)
    y = y.astype(x.dtype, copy=False) * scale
    return (y if shift is None else y + shift), mean, inverse


def rms_normalization(
    x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Array:
    """The axes from `axis` on over the root of their mean square."""
    axes = tuple(range(axis_of(axis, x.ndim), x.ndim))
    y = x.astype(dtype_of(stash_type))
    y /= np.sqrt(np.square(y).mean(axis=axes, keepdims=True) + epsilon)
    return y.astype(x.dtype, copy=False) * scale


def mean_variance_normalization(x: Array, *, axes: Sequence[int] = (0, 2, 3)) -> Array:
    """Less the mean, over the deviation, along some axes."""
    y, _, inverse = _standard(wide(x), axes_of(axes, x.ndim), 0)
    y /= 1 + 1e-9 * inverse  # ONNX adds 1e-9 to the deviation
    return y.astype(x.dtype, copy=False)


def local_response_normalization(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Array:
    """Over (bias + alpha * mean square of the `size` channels around) ** beta."""
    before, channels = (size - 1) // 2, x.shape[1]
    squares = np.zeros((x.shape[0], channels + size - 1, *x.shape[2:]), wide(x).dtype)
    np.square(x, out=squares[:, before : before + channels])
    total = squares[:, :channels].copy()
    for k in range(1, size):
        total += squares[:, k : k + channels]
    total *= alpha / size
    total += bias
    if beta == 0.75:  # as in every published network; two roots take a fraction of the time of a power
        np.sqrt(total, out=total)
        total *= np.sqrt(total)
    else:
        np.power(total, beta, out=total)
    return np.divide(x, total, out=total).astype(x.dtype, copy=False)


def lp_normalization(x: Array, *, axis: int = -1, p: int = 2) -> Array:
    """Over the p-norm along an axis; what has norm 0 stays 0."""
    norm = (np.abs(x) ** p).sum(axis=axis, keepdims=True) ** (1 / p)
    return np.divide(x, norm, out=np.zeros_like(x), where=norm != 0)


# ---------------------------------------------------------------------------------------- softmax and kin


def _softmax_2d(x: Array, axis: int) -> Array:
    y = np.exp(x - x.max(axis=axis, keepdims=True))
    y /= y.sum(axis=axis, keepdims=True)
    return y


def _log_softmax_2d(x: Array, axis: int) -> Array:
    y = x - x.max(axis=axis, keepdims=True)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y


def _hardmax_2d(x: Array, axis: int) -> Array:
    y = np.zeros_like(x)
    np.put_along_axis(y, x.argmax(axis=axis, keepdims=True), 1, axis=axis)
    return y


def _over_axis(function: Operator) -> Operator:
    """Along one axis; before opset 13 along all from `axis` on, as if they were one."""

    def apply(x: Array, *, axis: int | None = None, version: int) -> Array:
        if version >= 13:
            return function(x, -1 if axis is None else axis)
        first = axis_of(1 if axis is None else axis, x.ndim)
        rows = int(np.prod(x.shape[:first]))
        return function(x.reshape(rows, -1), 1).reshape(x.shape)

    return apply


OPERATORS: dict[str, Operator] = {
    "BatchNormalization": batch_normalization,
    "GroupNormalization": group_normalization,
    "Hardmax": _over_axis(_hardmax_2d),
    "InstanceNormalization": instance_normalization,
    "LRN": local_response_normalization,
    "LayerNormalization": layer_normalization,
    "LogSoftmax": _over_axis(_log_softmax_2d),
    "LpNormalization": lp_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "RMSNormalization": rms_normalization,
    "Softmax": _over_axis(_softmax_2d),
}
