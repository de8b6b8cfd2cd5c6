"""Resize and Upsample: each place of the result is a weighted sum of a few places of the input, axis by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.operators._arrays import Array, Operator, along, axes_of, ints, wide

REACH = {"nearest": 0, "linear": 1, "cubic": 2}  # places to either side that have a weight


@dataclass(frozen=True)
class Rule:
    """How Resize reads between places, by ONNX's attributes."""

    mode: str
    coordinates: str
    nearest: str
    cubic: float
    exclude_outside: bool
    antialias: bool
    outside: float


def resize(
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    version: int,
) -> Array:
    """x at other lengths, told by factors or as such. Before opset 11 the second input is the factors, and places
    are counted from the corner."""
    if version < 11:
        scales, roi = roi, None
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
    over = axes_of(axes, x.ndim)
    factors, lengths = _sizes(x, over, scales, sizes, keep_aspect_ratio_policy)
    rule = Rule(
        _known(mode, REACH, "mode"),
        _known(coordinate_transformation_mode, _COORDINATES, "coordinate_transformation_mode"),
        _known(nearest_mode, _NEAREST, "nearest_mode"),
        cubic_coeff_a,
        bool(exclude_outside),
        bool(antialias),
        extrapolation_value,
    )
    y = wide(x) if mode == "nearest" else wide(x).astype(np.float64 if x.dtype.kind in "iu" else wide(x).dtype)
    crop = coordinate_transformation_mode == "tf_crop_and_resize"
    for k, axis in enumerate(over):
        part = (roi[k], roi[k + len(over)]) if crop and roi is not None else (0.0, 1.0)
        if factors[k] != 1 or lengths[k] != x.shape[axis] or crop:
            y = _along_axis(y, axis, factors[k], lengths[k], part, rule)
    if x.dtype.kind in "iu":
        y = np.clip(np.rint(y), np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    return y.astype(x.dtype, copy=False)


def upsample(
    x: Array,
    factors: Array | None = None,
    *,
    mode: str = "nearest",
    scales: Sequence[float] | None = None,
) -> Array:
    """x larger by factors, an input since opset 9, counted from the corner: what Resize did in opset 10."""
    told = np.asarray(scales, np.float32) if factors is None else factors
    return resize(x, told, mode=mode, version=10)


def _known(name: str, known: Mapping[str, Any], what: str) -> str:
    if name not in known:
        raise ValueError(f"{what}={name!r} is not computed here, only {', '.join(known)}")
    return name


def _sizes(
    x: Array, axes: Sequence[int], scales: Array | None, sizes: Array | None, policy: str
) -> tuple[list[float], list[int]]:
    """Factors and lengths along the axes, whichever of the two is told."""
    lengths = [x.shape[axis] for axis in axes]
    if scales is not None and scales.size:
        factors = [float(s) for s in scales]
        return factors, [int(np.floor(n * s)) for n, s in zip(lengths, factors, strict=True)]
    wanted = ints(sizes)
    if wanted is None:
        raise ValueError("neither scales nor sizes are given")
    factors = [w / n for w, n in zip(wanted, lengths, strict=True)]
    if policy != "stretch":
        factor = min(factors) if policy == "not_larger" else max(factors)
        factors = [factor] * len(axes)
        wanted = [int(np.floor(n * factor + 0.5)) for n in lengths]
    return factors, wanted


# ---------------------------------------------------------------------------------------- coordinates

_COORDINATES: dict[str, Operator] = {
    "asymmetric": lambda i, factor, n, out, part: i / factor,
    "half_pixel": lambda i, factor, n, out, part: (i + 0.5) / factor - 0.5,
    "pytorch_half_pixel": lambda i, factor, n, out, part: (i + 0.5) / factor - 0.5 if out > 1 else 0 * i,
    "align_corners": lambda i, factor, n, out, part: i * (n - 1) / (factor * n - 1) if factor * n != 1 else 0 * i,
    "half_pixel_symmetric": lambda i, factor, n, out, part: (
        n / 2 * (1 - out / (factor * n)) + (i + 0.5) / factor - 0.5
    ),
    "tf_half_pixel_for_nn": lambda i, factor, n, out, part: (i + 0.5) / factor,
    "tf_crop_and_resize": lambda i, factor, n, out, part: (
        part[0] * (n - 1) + i * (part[1] - part[0]) * (n - 1) / (out - 1)
        if out > 1
        else 0.5 * (part[0] + part[1]) * (n - 1) + 0 * i
    ),
}

_NEAREST: dict[str, Operator] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _along_axis(x: Array, axis: int, factor: float, out: int, part: tuple[float, float], rule: Rule) -> Array:
    length = x.shape[axis]
    at = np.asarray(_COORDINATES[rule.coordinates](np.arange(out, dtype=np.float64), factor, length, out, part))
    places, weights = _weights(at, length, factor, rule)
    total = np.zeros((*x.shape[:axis], out, *x.shape[axis + 1 :]), x.dtype)
    for place, weight in zip(places.T, weights.T, strict=True):
        term = np.take(x, np.clip(place, 0, length - 1), axis)
        total += term if rule.mode == "nearest" else term * along(weight.astype(x.dtype), axis, x.ndim)
    if rule.coordinates == "tf_crop_and_resize":
        beyond = along((at < 0) | (at > length - 1), axis, x.ndim)
        total = np.where(beyond, x.dtype.type(rule.outside), total)
    return total


def _weights(at: Array, length: int, factor: float, rule: Rule) -> tuple[Array, Array]:
    """For each place of the result the places that it is read from, and their weights: (out, taps) each."""
    if rule.mode == "nearest":
        place = _NEAREST[rule.nearest](at).astype(np.int64)[:, None]
        return place, np.ones(place.shape)
    stretch = max(1 / factor, 1) if rule.antialias else 1.0  # a filter as wide as the places of the result
    reach = int(np.ceil(REACH[rule.mode] * stretch))
    places = np.floor(at).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    distance = np.abs(at[:, None] - places) / stretch
    weights = np.maximum(1 - distance, 0) if rule.mode == "linear" else _cubic(distance, rule.cubic)
    if rule.exclude_outside:
        weights = np.where((places >= 0) & (places < length), weights, 0)
    return places, weights / weights.sum(axis=1, keepdims=True)


def _cubic(d: Array, a: float) -> Array:
    """Keys' kernel, doi:10.1109/TASSP.1981.1163711, eq. (4) with free a."""
    near = ((a + 2) * d - (a + 3)) * d**2 + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


OPERATORS: dict[str, Operator] = {"Resize": resize, "Upsample": upsample}
