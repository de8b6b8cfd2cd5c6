"""Operators that work element by element: arithmetic, comparison, logic, bits, activations, casts."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from lessons.operators._arrays import Array, Operator, along, dtype_of


def _one(function: Operator) -> Operator:
    return lambda x: function(x)


def _two(function: Operator) -> Operator:
    return lambda a, b: function(a, b)


def _any_number(function: Operator) -> Operator:
    return lambda *terms: reduce(function, terms)


def _test(function: Operator) -> Operator:
    """A comparison; of texts, which are objects, it would give objects."""
    return lambda a, b: np.asarray(function(a, b), dtype=bool)


def _divide(a: Array, b: Array) -> Array:
    """Whole numbers are divided towards zero, as in C."""
    if np.result_type(a, b).kind not in "iu":
        return np.divide(a, b)
    return np.floor_divide(a - np.fmod(a, b), b)


def _mod(a: Array, b: Array, *, fmod: int = 0) -> Array:
    return np.fmod(a, b) if fmod else np.mod(a, b)


def _power(x: Array, y: Array) -> Array:
    """The type is that of the base. A single exponent goes through `**`, which has a fast way for squares."""
    if x.dtype.kind == "f" and y.size == 1 and y.ndim <= x.ndim:
        return x ** y.item()
    return np.power(x, y).astype(x.dtype)


def _mean(*terms: Array) -> Array:
    return reduce(np.add, terms) / terms[0].dtype.type(len(terms))


def _shift(x: Array, y: Array, *, direction: str) -> Array:
    return np.left_shift(x, y) if direction == "LEFT" else np.right_shift(x, y)


def _is_infinite(x: Array, *, detect_negative: int = 1, detect_positive: int = 1) -> Array:
    found = np.isinf(x)
    if not detect_negative:
        found &= ~(x < 0)
    if not detect_positive:
        found &= ~(x > 0)
    return found


def _clip(
    x: Array,
    low: Array | None = None,
    high: Array | None = None,
    *,
    min: float | None = None,
    max: float | None = None,
) -> Array:
    """The bounds are inputs, before opset 11 attributes."""
    least, most = min if low is None else low, max if high is None else high
    y = x if least is None else np.maximum(x, np.asarray(least, x.dtype))
    return y if most is None else np.minimum(y, np.asarray(most, x.dtype))


# ---------------------------------------------------------------------------------------- activations


def _relu(x: Array) -> Array:
    return np.maximum(x, x.dtype.type(0))


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, x.dtype.type(0))


def _softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return erf(x).astype(x.dtype)


def _gelu(x: Array, *, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def _elu(x: Array, *, alpha: float = 1.0) -> Array:
    return np.where(x < 0, alpha * np.expm1(x), x)


def _selu(
    x: Array, *, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875
) -> Array:
    return gamma * _elu(x, alpha=alpha)


def _celu(x: Array, *, alpha: float = 1.0) -> Array:
    return np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(x / alpha))


def _leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    return np.where(x < 0, alpha * x, x)


def _thresholded_relu(x: Array, *, alpha: float = 1.0) -> Array:
    return np.where(x > alpha, x, x.dtype.type(0))


def _prelu(x: Array, slope: Array) -> Array:
    return np.where(x < 0, slope * x, x)


def _hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    return np.clip(alpha * x + beta, 0, 1)


def _hard_swish(x: Array) -> Array:
    return x * _hard_sigmoid(x, alpha=1 / 6)


def _mish(x: Array) -> Array:
    return x * np.tanh(_softplus(x))


def _swish(x: Array, *, alpha: float = 1.0) -> Array:
    return x * _sigmoid(alpha * x)


def _shrink(x: Array, *, bias: float = 0.0, lambd: float = 0.5) -> Array:
    zero = x.dtype.type(0)
    return np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, zero)).astype(x.dtype)


# ---------------------------------------------------------------------------------------- types


def _cast(x: Array, *, to: int, saturate: int = 1, round_mode: str = "up") -> Array:
    """To another type; `saturate` and `round_mode` speak of 8-bit floats, which are not computed here."""
    target = dtype_of(to)
    if target.kind == "O":
        return np.array([_text(v) for v in x.ravel()], object).reshape(x.shape)
    if x.dtype.kind in "OUT" and target.kind in "iu":
        return np.array([int(v) for v in x.ravel()], target).reshape(x.shape)
    return x.astype(target)


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _cast_like(x: Array, like: Array, *, saturate: int = 1, round_mode: str = "up") -> Array:
    if like.dtype.kind in "OUT":
        return _cast(x, to=8)
    return x.astype(like.dtype)


def _bit_cast(x: Array, *, to: int) -> Array:
    """The same bits read as another type of the same size."""
    target = dtype_of(to)
    if target.itemsize != x.dtype.itemsize or target.kind == "O":
        raise ValueError(f"BitCast keeps the number of bits: {x.dtype} cannot be read as {target}")
    return x.view(target)


# ---------------------------------------------------------------------------------------- quantisation


def _laid(values: Array, x: Array, axis: int, block_size: int) -> Array:
    """Scales or zero points as they apply to x: one for all, one a slice of an axis, or one a block of it."""
    if values.ndim == 0 or (values.size == 1 and not block_size):
        return values.reshape(())
    if block_size:
        repeated = np.repeat(values, block_size, axis=axis)
        return repeated[tuple(map(slice, x.shape))]
    return along(values, axis % x.ndim, x.ndim)


def quantised(x: Array, dtype: np.dtype) -> Array:
    """Rounded, half to even, and kept within the whole numbers of a type."""
    bounds = np.iinfo(dtype)
    return np.clip(np.rint(x), bounds.min, bounds.max).astype(dtype)


def _quantize(
    x: Array,
    scale: Array,
    zero: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
) -> Array:
    dtype = zero.dtype if zero is not None else dtype_of(output_dtype or 2)
    offset = 0 if zero is None else _laid(zero, x, axis, block_size).astype(np.float64)
    return quantised(np.rint(x / _laid(scale, x, axis, block_size)) + offset, dtype)


def _dequantize(
    x: Array,
    scale: Array,
    zero: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Array:
    dtype = dtype_of(output_dtype) if output_dtype else scale.dtype
    wide = x.astype(np.int64)
    if zero is not None:
        wide = wide - _laid(zero, x, axis, block_size).astype(np.int64)
    return (wide.astype(dtype) * _laid(scale, x, axis, block_size)).astype(dtype)


def _dynamic_quantize(x: Array) -> tuple[Array, Array, Array]:
    """Eight bits that span from the least to the largest element, and zero in any case."""
    low, high = np.minimum(x.min(), 0), np.maximum(x.max(), 0)
    scale = np.float32((high - low) / 255)
    zero = quantised(np.asarray(-low / scale if scale else 0.0), np.dtype(np.uint8))
    y = quantised(np.rint(x / scale if scale else x) + np.float32(zero), np.dtype(np.uint8))
    return y, np.asarray(scale), zero


OPERATORS: dict[str, Operator] = {
    "Abs": _one(np.abs),
    "Acos": _one(np.arccos),
    "Acosh": _one(np.arccosh),
    "Add": _two(np.add),
    "And": _two(np.logical_and),
    "Asin": _one(np.arcsin),
    "Asinh": _one(np.arcsinh),
    "Atan": _one(np.arctan),
    "Atanh": _one(np.arctanh),
    "BitCast": _bit_cast,
    "BitShift": _shift,
    "BitwiseAnd": _two(np.bitwise_and),
    "BitwiseNot": _one(np.invert),
    "BitwiseOr": _two(np.bitwise_or),
    "BitwiseXor": _two(np.bitwise_xor),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Ceil": _one(np.ceil),
    "Celu": _celu,
    "Clip": _clip,
    "Cos": _one(np.cos),
    "Cosh": _one(np.cosh),
    "DequantizeLinear": _dequantize,
    "Div": _divide,
    "DynamicQuantizeLinear": _dynamic_quantize,
    "Elu": _elu,
    "Equal": _test(np.equal),
    "Erf": _erf,
    "Exp": _one(np.exp),
    "Floor": _one(np.floor),
    "Gelu": _gelu,
    "Greater": _test(np.greater),
    "GreaterOrEqual": _test(np.greater_equal),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "IsInf": _is_infinite,
    "IsNaN": _one(np.isnan),
    "LeakyRelu": _leaky_relu,
    "Less": _test(np.less),
    "LessOrEqual": _test(np.less_equal),
    "Log": _one(np.log),
    "Max": _any_number(np.maximum),
    "Mean": _mean,
    "Min": _any_number(np.minimum),
    "Mish": _mish,
    "Mod": _mod,
    "Mul": _two(np.multiply),
    "Neg": _one(np.negative),
    "Not": _one(np.logical_not),
    "Or": _two(np.logical_or),
    "PRelu": _prelu,
    "Pow": _power,
    "QuantizeLinear": _quantize,
    "Reciprocal": _one(np.reciprocal),
    "Relu": _relu,
    "Round": _one(np.rint),
    "Selu": _selu,
    "Shrink": _shrink,
    "Sigmoid": _sigmoid,
    "Sign": _one(np.sign),
    "Sin": _one(np.sin),
    "Sinh": _one(np.sinh),
    "Softplus": _softplus,
    "Softsign": _softsign,
    "Sqrt": _one(np.sqrt),
    "Sub": _two(np.subtract),
    "Sum": _any_number(np.add),
    "Swish": _swish,
    "Tan": _one(np.tan),
    "Tanh": _one(np.tanh),
    "ThresholdedRelu": _thresholded_relu,
    "Where": lambda condition, a, b: np.where(condition, a, b),
    "Xor": _two(np.logical_xor),
}
