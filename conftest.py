"""One pytest run tests the library, the README and the notebooks, and weighs each notebook as it runs.

Kernels start with LESSONS_DATA unset, since the notebooks' outputs must not depend on it, and numba compiles into
a fresh cache, since an old one does not see every edit. Nobody's exercises are counted as passed.
"""

import os
import tempfile
from collections import defaultdict

import pytest
from nbval.plugin import IPyNbFile

from lessons._process import peak_mb

_numba_cache = tempfile.TemporaryDirectory(prefix="numba-", ignore_cleanup_errors=True)
os.environ["NUMBA_CACHE_DIR"] = _numba_cache.name
os.environ["LESSONS_PROGRESS"] = ""  # what tests check is nobody's progress

BUDGET_MB = 500
_seconds = defaultdict(float)
_peaks = {}


class Memory(pytest.Item):
    """After the cells of a notebook: its kernel never held more than the notebook's budget."""

    def runtest(self):
        budget = self.parent.nb.metadata.get("lessons", {}).get("budget_mb", BUDGET_MB)
        peak = peak_mb(self.parent.kernel.km.provisioner.pid)
        _peaks[self.parent.name] = (peak, budget)
        assert peak <= budget, f"{self.parent.name} took {peak:.0f} MB, its budget is {budget} MB"

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, None, f"{self.parent.name}: memory"


def pytest_configure(config):
    # given in pyproject.toml it would be relative to the folder that pytest is started in
    config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "nbval_sanitize.cfg")


def pytest_collection_modifyitems(items):
    if os.environ.get("FULL") != "1":
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="takes long: FULL=1 runs it"))
    last = {item.parent: place for place, item in enumerate(items) if isinstance(item.parent, IPyNbFile)}
    for notebook, place in sorted(last.items(), key=lambda pair: -pair[1]):
        items.insert(place + 1, Memory.from_parent(notebook, name="memory"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    data = os.environ.pop("LESSONS_DATA", None) if isinstance(item.parent, IPyNbFile) else None
    try:
        return (yield)
    finally:
        if data is not None:
            os.environ["LESSONS_DATA"] = data


def pytest_runtest_logreport(report):
    path = report.nodeid.split("::")[0]
    if path.endswith(".ipynb"):
        _seconds[path.rsplit("/", 1)[-1]] += report.duration


def pytest_terminal_summary(terminalreporter):
    if _peaks:
        terminalreporter.section("notebooks: seconds and peak memory")
    for name, (peak, budget) in _peaks.items():
        terminalreporter.write_line(f"{name:40s} {_seconds[name]:6.1f} s {peak:6.0f} MB of {budget}")
