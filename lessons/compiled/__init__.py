"""The compiled speed: `compiled/<topic>.py` holds the numba kernels of a topic.

Every kernel states its signature, so that it compiles once, when its module is imported, and is read from
numba's cache from then on. Arrays that it only reads are read-only in the signature, so that it takes the
arrays of a `Graph`. A kernel calls kernels of its own file only, since numba's cache does not see an edit in
another one; the random numbers of `compiled.rng` are the one exception, for they are frozen by their tests.

Where numba is missing (in the browser) or told not to compile, the same source runs as Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def kernel(signature: str, *, reassociate: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function for arguments of these types, `"result(argument, ...)"`.

    Scalars are `b1`, `i4`, `i8`, `u8`, `f4`, `f8` and `void`; `i8[:]` is a contiguous array that is only
    read, `i8[:]!` one that is written; `f8[:,:]` has two axes. `reassociate` lets the compiler add up floats in
    whichever order is fastest, so that the last bits differ from one kind of processor to another.

    >>> from lessons.compiled.graph import mirror      # "i8(i8[:], i4[:], f8[:]!, f8)"
    >>> mirror(np.array([0, 1, 2]), np.array([1, 0], np.int32), np.array([2.0, 2.0]), 0.0)
    -1
    """
    try:
        import numba
    except ImportError:
        return _as_python
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return _as_python
    compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(  # type: ignore[call-overload]
        _numba_signature(signature),
        cache=True,
        nogil=True,
        error_model="numpy",
        no_cfunc_wrapper=True,
        fastmath={"reassoc", "contract", "nsz"} if reassociate else False,
    )
    return compiled


def _as_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """The source itself; integers wrap around silently, as they do in compiled code."""

    @wraps(function)
    def run(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return run


def _numba_signature(text: str) -> Any:
    from numba import types

    def one(name: str) -> Any:
        base, bracket, axes = name.strip().partition("[")
        scalar = types.void if base == "void" else getattr(types, base)
        if not bracket:
            return scalar
        return types.Array(scalar, axes.count(":"), "C", readonly=not axes.endswith("!"))

    result, _, arguments = text.rstrip(")").partition("(")
    return one(result)(*[one(name) for name in arguments.split(", ") if name])
