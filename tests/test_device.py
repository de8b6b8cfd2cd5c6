"""`device="cpu"` is NumPy; `device="gpu"` is CuPy, or an error that says what to do."""

import re
import subprocess
import sys
import types

import numpy as np
import pytest

from lessons._device import array_module, to_host


def cupy_or_skip():
    """CuPy, where it finds a device to run on."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    try:
        found = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        pytest.skip(f"CuPy finds no device: {error}")
    if not found:
        pytest.skip("CuPy finds no device")
    return cupy


def test_the_cpu_is_numpy():
    assert array_module("cpu") is np
    array = np.arange(3.0)
    assert to_host(array) is array
    assert isinstance(to_host([1, 2]), np.ndarray)


@pytest.mark.parametrize("device", ["GPU", "cuda", "", None, 0])
def test_another_name_is_an_error(device):
    with pytest.raises(ValueError, match=re.escape(f'device={device!r}: "cpu" or "gpu"')):
        array_module(device)


def test_without_cupy_the_extra_is_named():
    code = (
        "import sys\n"
        "sys.modules['cupy'] = None\n"
        "from lessons._device import array_module\n"
        "try:\n"
        "    array_module('gpu')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "cupy is not installed" in run.stdout
    assert "graph-lessons[gpu]" in run.stdout


class NoDriver(Exception):
    pass


def counting(answer: int | Exception) -> types.SimpleNamespace:
    """A CuPy that counts its devices so."""

    def count() -> int:
        if isinstance(answer, Exception):
            raise answer
        return answer

    runtime = types.SimpleNamespace(getDeviceCount=count, CUDARuntimeError=NoDriver)
    return types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))


@pytest.mark.parametrize(("answer", "said"), [(0, "no device"), (NoDriver("no driver"), "no driver")])
def test_without_a_device_the_way_back_is_named(monkeypatch, answer, said):
    monkeypatch.setitem(sys.modules, "cupy", counting(answer))
    with pytest.raises(RuntimeError, match=rf'{said}.*pass device="cpu"'):
        array_module("gpu")


def test_with_a_device_it_is_cupy(monkeypatch):
    cupy = counting(1)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert array_module("gpu") is cupy


@pytest.mark.gpu
def test_there_and_back_on_a_device():
    cupy = cupy_or_skip()
    xp = array_module("gpu")
    assert xp is cupy
    there = xp.arange(5, dtype=xp.float64) ** 2
    back = to_host(there)
    assert type(back) is np.ndarray
    assert back.tolist() == [0.0, 1.0, 4.0, 9.0, 16.0]
