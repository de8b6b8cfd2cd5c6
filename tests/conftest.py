"""What test files share."""

from __future__ import annotations

import pytest

import lessons.exercises as machinery


@pytest.fixture
def first_attempt(monkeypatch):
    """No exercise has been tried: the next hint of each is its first."""
    monkeypatch.setattr(machinery, "_hinted", {})
    monkeypatch.setattr(machinery, "_failed_last", {})
