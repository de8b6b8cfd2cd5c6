"""Where the numbers are crunched: `device="cpu"` or `device="gpu"`. Answers are NumPy arrays either way."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lessons.errors import require

Device = Literal["cpu", "gpu"]


def array_module(device: Device) -> ModuleType:
    """NumPy for "cpu", CuPy for "gpu".

    Raises ValueError for another name, ImportError without CuPy, RuntimeError without a device.

    >>> array_module("cpu").__name__
    'numpy'
    """
    if device == "cpu":
        return np
    if device != "gpu":
        raise ValueError(f'device={device!r}: "cpu" or "gpu"')
    cupy = require("cupy", "gpu")
    try:
        found = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(f'CuPy found no device it can use ({error}): pass device="cpu"') from error
    if not found:
        raise RuntimeError('CuPy found no device: pass device="cpu"')
    return cupy


def cpu_only(device: Device, what: str) -> None:
    """Refuse any device but the CPU: for what has no kernel that has ever run on another. Raises ValueError.

    >>> cpu_only("cpu", "training")
    """
    if device != "cpu":
        raise ValueError(f'device={device!r}: "cpu"; {what} has never run on a GPU, so that is not offered')


def compiled(room: str, *, when: bool) -> ModuleType | None:
    """The numba kernels of `lessons/compiled/<room>.py`: `when` they pay, or once they are loaded; else None.

    None too without numba: what these kernels do is quicker in plain Python on lists than on arrays.

    >>> compiled("a room that nobody has loaded", when=False) is None
    True
    """
    name = f"lessons.compiled.{room}"
    if not when and name not in sys.modules:
        return None  # loading numba takes half a second
    try:
        from numba import config
    except ImportError:
        return None
    return None if config.DISABLE_JIT else importlib.import_module(name)  # type: ignore[attr-defined]


def module_of(array: Any) -> ModuleType:
    """The module whose functions work on this array where it lies: NumPy or CuPy.

    >>> module_of(np.arange(3)).__name__
    'numpy'
    """
    return np if type(array) is np.ndarray else sys.modules[type(array).__module__.partition(".")[0]]


def sparse_beside(M: Any, array: Any) -> Any:
    """A sparse matrix in CSR where this array lies: as it is beside NumPy's, copied to CuPy's CSR beside CuPy's.

    >>> from scipy.sparse import csr_array
    >>> M = csr_array(np.eye(2))
    >>> sparse_beside(M, np.ones(2)) is M
    True
    """
    xp = module_of(array)
    if xp is np or not type(M).__module__.startswith("scipy"):
        return M
    csr_matrix = importlib.import_module("cupyx.scipy.sparse").csr_matrix
    return csr_matrix((xp.asarray(M.data), xp.asarray(M.indices), xp.asarray(M.indptr)), shape=M.shape)


def to_host(array: Any) -> NDArray[Any]:
    """The array in the computer's own memory, whichever device holds it.

    >>> to_host(np.arange(3))
    array([0, 1, 2])
    """
    return array.get() if hasattr(array, "get") else np.asarray(array)
