"""What is asked of a number, or of an array of them, at the door."""

from __future__ import annotations

from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray


def whole(name: str, value: int, least: int = 1, most: int | None = None) -> int:
    """The value as an int. Raises TypeError where it is no whole number, ValueError outside of least ... most.

    >>> whole("k", 3, most=5)
    3
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r}: a whole number is needed")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name}={value}: " + (f"at least {least}" if most is None else f"{least} to {most}"))
    return int(value)


def zero_or_more(name: str, value: float) -> float:
    """The value as a float. Raises TypeError where it is no number, ValueError where negative, infinite or NaN.

    >>> zero_or_more("t", 2)
    2.0
    """
    number = _real(name, value)
    if not 0 <= number < inf:
        raise ValueError(f"{name}={value!r}: a finite number, zero or more")
    return number


def above_zero(name: str, value: float, below: float = inf) -> float:
    """The value as a float. Raises TypeError where it is no number, ValueError unless 0 < value < below.

    >>> above_zero("tolerance", 1e-8, below=1)
    1e-08
    """
    number = _real(name, value)
    if not 0 < number < below:
        raise ValueError(f"{name}={value!r}: above 0 and " + ("finite" if below == inf else f"below {below}"))
    return number


def real_numbers(name: str, values: Any) -> NDArray[Any]:
    """The values as an array, of the type that they have. Raises TypeError for what is sparse, complex or text.

    >>> real_numbers("X", [1, 2])
    array([1, 2])
    """
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is sparse: {name}.toarray() is needed")
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} of type {array.dtype}: real numbers are needed")
    return array


def _real(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r}: a number is needed")
    return float(value)
