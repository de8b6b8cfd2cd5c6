"""Lessons on the JupyterLite site run without what a browser lacks; the site is whole and asks only the CDN."""

from __future__ import annotations

import hashlib
import json
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
from browser import find_browser, launched
from nbclient import NotebookClient

from lessons import course

TOOL = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "lite.py"))
CDN = "cdn.jsdelivr.net"  # of Pyodide

# What Pyodide lacks, or a browser forbids.
WITHOUT = """
import concurrent.futures, sys, threading
for name in ("cupy", "dask", "distributed", "llvmlite", "numba", "onnx", "pooch", "psutil"):
    sys.modules[name] = None
"""
NO_THREADS = """
def submit(*arguments, **named):
    raise RuntimeError("can't start new thread")
concurrent.futures.ThreadPoolExecutor.submit = submit
"""
IMPORT_ALL = """
import importlib, pkgutil
import lessons
names = [module.name for module in pkgutil.walk_packages(lessons.__path__, "lessons.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_module_is_imported_without_numba_and_what_else_a_browser_lacks() -> None:
    command = [sys.executable, "-c", WITHOUT + IMPORT_ALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.full
@pytest.mark.parametrize("id", TOOL["LESSONS"])
def test_a_lesson_of_the_site_runs_without_them_and_without_threads(id: str) -> None:
    path = course.find(id).path
    assert path is not None
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WITHOUT + NO_THREADS))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()


def test_a_copy_is_labelled_installs_first_and_asks_for_the_kernel_of_the_site() -> None:
    cells: list[Any] = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("import lessons")]
    colab = nbformat.v4.new_code_cell("%pip install elsewhere", metadata={"tags": ["colab"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "lessons": {"id": "small"}}
    notebook = nbformat.v4.new_notebook(cells=[cells[0], colab, cells[1]], metadata=kernel)
    copied = TOOL["in_browser"](notebook)
    nbformat.validate(copied)
    title, label, install, rest = copied["cells"]
    assert [title, rest] == cells
    assert "[Pyodide](https://pyodide.org), which is loaded" in label["source"]
    assert install["source"].startswith("%pip install -q --no-deps graph-lessons\n")
    assert copied["metadata"]["kernelspec"]["name"] == "python"
    assert notebook.metadata.kernelspec.name == "python3"
    assert len(notebook.cells) == 3


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOOL["build"].__globals__, "NEEDED", ())
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="name another folder"):
        TOOL["build"](tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_package_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOOL["build"].__globals__, "NEEDED", ("json", "no_such_package"))
    with pytest.raises(ImportError, match=r"^no_such_package not installed: pip install 'graph-lessons\[docs"):
        TOOL["build"](tmp_path / "lite")


def test_a_build_that_fails_tells_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match=r"^no_such_module: exit status 1\n.*No module named"):
        TOOL["run"]("no_such_module")


# ---------------------------------------------------------------------------------------- the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in TOOL["NEEDED"]:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: the extra docs brings JupyterLite")
    folder = tmp_path_factory.mktemp("site") / "lite"
    folder.mkdir()
    (folder / "jupyter-lite.json").write_text("of an older site")
    return TOOL["build"](folder)


def listed(site: Path) -> list[str]:
    return [entry["path"] for entry in json.loads((site / "api/contents/all.json").read_text("utf-8"))["content"]]


def names() -> list[str]:
    return ["READ_ME.md", *(f"{course.find(id).number:02d}_{id}.ipynb" for id in TOOL["LESSONS"])]


@pytest.mark.full
def test_the_site_holds_the_lessons_the_wheel_and_the_label(site: Path) -> None:
    assert sorted(listed(site)) == sorted(names())
    assert all((site / "files" / name).is_file() for name in names())
    index = json.loads((site / "pypi" / "all.json").read_text("utf-8"))
    (wheel,) = next(iter(index["graph-lessons"]["releases"].values()))
    assert wheel["digests"]["sha256"] == hashlib.sha256((site / "pypi" / wheel["url"]).read_bytes()).hexdigest()
    settings = json.loads((site / "jupyter-lite.json").read_text("utf-8"))["jupyter-config-data"]
    assert "needs the Pyodide CDN" in settings["appName"]
    kernel = settings["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert any("pypi/all.json" in url for url in kernel["pipliteUrls"])
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 60e6


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and prints nothing."""

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
@pytest.mark.full
def test_without_the_cdn_the_page_opens_lists_the_files_and_asks_for_nothing_else(address: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    outside: set[str] = set()

    def gate(route: Any) -> None:
        url = urlsplit(route.request.url)
        if url.netloc == urlsplit(address).netloc or url.scheme in ("data", "blob"):
            return route.continue_()
        outside.add(url.netloc)
        return route.abort()

    with playwright.sync_playwright() as driver:
        executable = find_browser(driver)
        if executable is None:
            pytest.skip("neither Chromium nor Chrome is installed")
        with launched(driver, executable) as browser:
            page = browser.new_page()
            page.context.route("**/*", gate)
            page.goto(f"{address}/lab/index.html?path=00_start_here.ipynb")
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
            page.locator(".jp-RenderedMarkdown", has_text="This copy of the lesson runs on").wait_for()
            files = page.locator(".jp-DirListing-itemText").all_inner_texts()
            end = 60_000
            while CDN not in outside and end > 0:
                page.wait_for_timeout(500)
                end -= 500
    assert sorted(files) == sorted(names())
    assert outside == {CDN}
