"""Operators that sum along axes: matrix products, reductions, positions of extremes, running sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lessons.operators._arrays import Array, Operator, along, axes_of, axis_of, ints, wide
from lessons.operators.elementwise import quantised
from lessons.operators.windows import conv_integer

# ---------------------------------------------------------------------------------------- products


def matmul(a: Array, b: Array) -> Array:
    """Matrix product, batched over leading axes."""
    return np.matmul(wide(a), wide(b)).astype(np.result_type(a, b), copy=False)


def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Array:
    """alpha * a @ b + beta * c, each of the two matrices transposed if told so."""
    y = matmul(a.T if transA else a, b.T if transB else b)
    if alpha != 1:
        y = (alpha * y).astype(a.dtype)
    if c is None or beta == 0:
        return y
    y += c if beta == 1 else (beta * c).astype(a.dtype)
    return y


def einsum(*terms: Array, equation: str) -> Array:
    """A sum of products over named axes."""
    total = np.einsum(equation, *map(wide, terms), optimize=True)
    return np.asarray(total).astype(terms[0].dtype, copy=False)


def _from_zero(x: Array, zero: Array | None, axis: int) -> Array:
    """Whole numbers counted from their zero point (one for all, or one a slice of the axis), in float64, which
    BLAS multiplies and in which their sums are exact."""
    wide_x = x.astype(np.float64)
    if zero is None or zero.size == 1:
        return wide_x - (0 if zero is None else float(zero.reshape(())))
    return wide_x - (zero if zero.ndim > 1 else along(zero, axis % x.ndim, x.ndim))


def matmul_integer(a: Array, b: Array, a_zero: Array | None = None, b_zero: Array | None = None) -> Array:
    """Matrix product of 8-bit whole numbers from their zero points, in 32 bits."""
    return (_from_zero(a, a_zero, -2) @ _from_zero(b, b_zero, -1)).astype(np.int32)


def qlinear_matmul(
    a: Array,
    a_scale: Array,
    a_zero: Array,
    b: Array,
    b_scale: Array,
    b_zero: Array,
    y_scale: Array,
    y_zero: Array,
) -> Array:
    """Matrix product of quantised numbers, quantised again."""
    total = _from_zero(a, a_zero, -2) @ _from_zero(b, b_zero, -1)
    a_scale = a_scale.reshape(-1, 1) if a_scale.ndim == 1 and a_scale.size > 1 else a_scale
    total *= a_scale.astype(np.float64) * b_scale / y_scale
    return quantised(np.rint(total) + y_zero, y_zero.dtype)


def qlinear_conv(
    x: Array,
    x_scale: Array,
    x_zero: Array,
    w: Array,
    w_scale: Array,
    w_zero: Array,
    y_scale: Array,
    y_zero: Array,
    b: Array | None = None,
    **places: Any,
) -> Array:
    """Convolution of quantised numbers, quantised again; scales of filters may differ from one to the next."""
    total = conv_integer(x, w, x_zero, w_zero, **places).astype(np.float64)
    if b is not None:
        total += along(b, 1, total.ndim)
    total *= along(np.ravel(x_scale.astype(np.float64) * w_scale / y_scale), 1, total.ndim)
    return quantised(np.rint(total) + y_zero, y_zero.dtype)


# ---------------------------------------------------------------------------------------- reductions


def _reduction(function: Operator) -> Operator:
    """A reduction over the axes of an input or attribute; without any over all, or `noop_with_empty_axes` none."""

    def apply(
        x: Array,
        given: Array | None = None,
        *,
        axes: Sequence[int] | None = None,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Array:
        chosen = ints(given, axes)
        over = axes_of(chosen or (() if noop_with_empty_axes else None), x.ndim)
        return np.asarray(function(x, over, bool(keepdims))).astype(x.dtype, copy=False)

    return apply


def _sum(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    return np.asarray(wide(x).sum(axis=axes, keepdims=keep, dtype=wide(x).dtype))


def _extreme(function: np.ufunc, sign: int) -> Operator:
    """Of nothing, the extreme is the first number from the other end."""

    def apply(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
        if x.size:
            return function.reduce(x, axis=axes, keepdims=keep)
        end: float = sign * np.inf
        if x.dtype.kind in "iu":
            end = np.iinfo(x.dtype).max if sign > 0 else np.iinfo(x.dtype).min
        return function.reduce(x, axis=axes, keepdims=keep, initial=sign > 0 if x.dtype.kind == "b" else end)

    return apply


def _log_sum_exp(x: Array, axes: tuple[int, ...], keep: bool) -> Array:
    """Less the largest element first, so that no exponential overflows."""
    if not x.size:
        return np.log(_sum(x, axes, keep))
    top = x.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    y = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
    return y if keep else y.squeeze(axes)


def _arg(largest: bool) -> Operator:
    """Where the extreme of an axis stands: the first of equal ones, or the last."""

    def apply(x: Array, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Array:
        find = np.argmax if largest else np.argmin
        if not select_last_index:
            return np.asarray(find(x, axis=axis, keepdims=bool(keepdims)), np.int64)
        back = find(np.flip(x, axis), axis=axis, keepdims=bool(keepdims))
        return np.asarray(x.shape[axis] - 1 - back, np.int64)

    return apply


def top_k(
    x: Array, count: Array | None = None, *, k: int = 0, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[Array, Array]:
    """The k largest (or least) of an axis, in order, and where they stand; of equal ones the first comes first."""
    taken = k if count is None else int(count.reshape(()))
    axis = axis_of(axis, x.ndim)
    if largest:  # sorted backwards, so that reading it backwards keeps equal ones in their order
        backwards = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
        order = x.shape[axis] - 1 - backwards
    else:
        order = np.argsort(x, axis=axis, kind="stable")
    index = np.take(order, range(taken), axis=axis).astype(np.int64)
    return np.take_along_axis(x, index, axis), index


def _running(function: np.ufunc, neutral: int) -> Operator:
    """Sums or products up to each element of an axis; `exclusive` without it, `reverse` from the end."""

    def apply(x: Array, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Array:
        at = axis_of(int(axis.reshape(())), x.ndim)
        way = np.flip(x, at) if reverse else x
        if exclusive:
            first = np.full_like(np.take(way, [0], at), neutral)
            way = np.concatenate([first, np.take(way, range(x.shape[at] - 1), at)], at)
        y = function.accumulate(way, axis=at, dtype=x.dtype)
        return np.flip(y, at) if reverse else y

    return apply


OPERATORS: dict[str, Operator] = {
    "ArgMax": _arg(largest=True),
    "ArgMin": _arg(largest=False),
    "CumProd": _running(np.multiply, 1),
    "CumSum": _running(np.add, 0),
    "Det": lambda x: np.linalg.det(x).astype(x.dtype),
    "Einsum": einsum,
    "Gemm": gemm,
    "MatMul": matmul,
    "MatMulInteger": matmul_integer,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    "ReduceL1": _reduction(lambda x, axes, keep: _sum(np.abs(x), axes, keep)),
    "ReduceL2": _reduction(lambda x, axes, keep: np.sqrt(_sum(np.square(wide(x)), axes, keep))),
    "ReduceLogSum": _reduction(lambda x, axes, keep: np.log(_sum(x, axes, keep))),
    "ReduceLogSumExp": _reduction(_log_sum_exp),
    "ReduceMax": _reduction(_extreme(np.maximum, -1)),
    "ReduceMean": _reduction(lambda x, axes, keep: x.mean(axis=axes, keepdims=keep)),
    "ReduceMin": _reduction(_extreme(np.minimum, 1)),
    "ReduceProd": _reduction(lambda x, axes, keep: x.prod(axis=axes, keepdims=keep)),
    "ReduceSum": _reduction(_sum),
    "ReduceSumSquare": _reduction(lambda x, axes, keep: _sum(np.square(wide(x)), axes, keep)),
    "TopK": top_k,
}
