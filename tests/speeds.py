"""The definition in plain Python and the compiled kernels: tests at both, whatever the size of a graph.

choose = chooser(kernels, module)        # choose("compiled", monkeypatch): from now on, module uses kernels
speed = each_speed(choose)               # a fixture: a test that takes it runs once at each
at_both_speeds = both_speeds(choose)     # at_both_speeds(call): what a call gives at each, inside a test
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from lessons._device import compiled

SPEEDS = ["definition", "compiled"]
COMPILED = compiled("graph", when=True) is not None

Choose = Callable[[str, pytest.MonkeyPatch], None]


def chooser(kernels: ModuleType, *modules: ModuleType) -> Choose:
    """A function that makes modules use the kernels or not; where nothing is compiled, it skips the test."""

    def choose(speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if speed == "compiled" and not COMPILED:
            pytest.skip("numba is missing or told not to compile")
        for module in modules:
            monkeypatch.setattr(module, "compiled", lambda room, *, when: kernels if speed == "compiled" else None)

    return choose


def each_speed(choose: Choose) -> Any:
    """The fixture `speed`, for a test module to keep under that name."""

    @pytest.fixture(params=SPEEDS)
    def speed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        """Each test that takes this runs at both speeds."""
        choose(request.param, monkeypatch)
        return request.param

    return speed


def both_speeds(choose: Choose) -> Callable[[Callable[[], Any]], Iterator[Any]]:
    """A function that yields what a call gives at each speed there is."""

    def at_both_speeds(call: Callable[[], Any]) -> Iterator[Any]:
        for speed in SPEEDS if COMPILED else SPEEDS[:1]:
            with pytest.MonkeyPatch.context() as patch:
                choose(speed, patch)
                yield call()

    return at_both_speeds
