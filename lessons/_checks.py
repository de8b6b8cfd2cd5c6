"""Numbers at the door: whole ones, and those that are zero or more."""

from __future__ import annotations

from math import inf
from numbers import Integral, Real


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
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r}: a number is needed")
    if not 0 <= value < inf:
        raise ValueError(f"{name}={value!r}: a finite number, zero or more")
    return float(value)
