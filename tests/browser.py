"""A reader in a real browser: opens a notebook in JupyterLab, runs all of it, moves every control, looks.

`lab` is the server, `read` the reader, who answers with a list of what was wrong. `by_keyboard` and `audit` look
at a page as those do who have no mouse, or who hear it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Playwright

START, RUN, CHANGE = 90, 300, 20  # seconds: the server is up, the notebook has run, a picture has changed
TABS = 3  # times that Tab is pressed for each control, at most: a slider takes two, what is around it some more
WIDTH, HEIGHT, TALLEST = 1280, 900, 16_000  # pixels of the window and of the tallest screenshot

SETTINGS: dict[str, dict[str, Any]] = {
    # every cell is in the page, not only those in sight
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}

# What is asked of the page, as `course.question()`. A control is what ipywidgets draws for one value; it shows the
# pictures of its output area, or the text there if there are none. "Image" is what JupyterLab calls an image that
# was given no other name.
SCRIPT = """path => {
  const CONTROL = '.widget-inline-hbox:not(.widget-html, .widget-htmlmath, .widget-label, .widget-hprogress),'
    + '.widget-radio, .widget-toggle-buttons, .jupyter-button';
  const ERROR = '.lessons-error, .jupyter-widgets [data-mime-type="application/vnd.jupyter.stderr"],'
    + '.jupyter-widgets [data-mime-type="application/vnd.jupyter.error"]';
  const BROKEN = /Error (displaying|creating) widget|[Mm]odel not found/;

  const panel = () => [...window.jupyterapp.shell.widgets('main')].find(tab => tab.context?.path === path);
  const scroller = () => panel().content.node.querySelector('.jp-WindowedPanel-outer');
  const code = () => panel().content.widgets.filter(cell => cell.model.type === 'code');
  const all = (node, selector) => [...node.querySelectorAll(selector)];
  const lastLine = node => node.innerText.trim().split('\\n').pop();
  const outputs = cell => Array.from({length: cell.model.outputs.length}, (_, k) => cell.model.outputs.get(k));
  const errors = cell => [
    ...outputs(cell).filter(output => output.type === 'error').map(output => output.toJSON())
      .map(error => `${error.ename}: ${error.evalue}`),
    ...all(cell.node, ERROR).map(node => 'in a widget: ' + lastLine(node)),
    ...all(cell.node, '.jp-OutputArea-output').filter(node => BROKEN.test(node.innerText)).map(lastLine),
  ];
  const texts = area => {
    const copy = area.cloneNode(true);
    all(copy, '[data-control]').forEach(control => control.remove());
    return copy.textContent;
  };
  const content = node => node.src ?? node.toDataURL?.() ?? node.outerHTML;

  window.course = {
    state: () => panel()?.sessionContext?.session?.kernel?.status ?? 'not there yet',
    unrun: () => code().filter(cell => cell.model.sharedModel.source.trim() && !cell.model.executionCount).length,
    errors: () => code().flatMap((cell, at) => errors(cell).map(text => `error in code cell ${at + 1}: ${text}`)),
    silent: () => all(panel().content.node, 'img').filter(node => /^(image)?$/i.test(node.alt.trim())).length,
    controls: () => code().flatMap((cell, at) => all(cell.node, CONTROL)
      .filter(node => !node.parentElement.closest(CONTROL))
      .map((node, k) => node.dataset.control = `control ${k + 1} of code cell ${at + 1}`)),
    shown: name => {
      const area = document.querySelector(`[data-control="${name}"]`).closest('.jp-OutputArea-child');
      const pictures = all(area, 'img, canvas, .jp-RenderedSVG svg, .widget-html svg');
      return pictures.length ? pictures.map(content).join() : texts(area);
    },
    label: name => all(document.querySelector(`[data-control="${name}"]`), 'label')
      .map(label => label.innerText.replace('\\u200b', '').trim()).filter(Boolean).join(),
    enter: at => {
      const cell = code()[at], notebook = panel().content;
      notebook.activeCellIndex = notebook.widgets.indexOf(cell);
      notebook.mode = 'command';
      cell.node.focus();
    },
    focused: () => document.activeElement.closest('[data-control]')?.dataset.control,
    ringed: () => {
      const look = getComputedStyle(document.activeElement);
      return look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 2;
    },
    height: () => scroller().scrollHeight + 200,
    toTop: () => { scroller().scrollTop = 0; },
    shutdown: () => panel().sessionContext.shutdown(),
  };
}"""


# ---------------------------------------------------------------------------------------- the two programs


@contextmanager
def lab(root: Path, state: Path) -> Iterator[str]:
    """JupyterLab over the folder `root` on a free port of this machine; yields its address with its token.

    Settings, workspaces and the log go to `state`. Raises RuntimeError with the log where it does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    with open(state / "lab.log", "w+", encoding="utf-8") as log:
        server = subprocess.Popen(
            _lab_command(root, port, token), env=_lab_environment(state), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_up(server, f"http://127.0.0.1:{port}/api/status?token={token}", state / "lab.log")
            yield f"http://127.0.0.1:{port}/lab?token={token}"
        finally:
            _stop(server)


def _lab_command(root: Path, port: int, token: str) -> list[str]:
    options = [
        f"--ServerApp.root_dir={root}",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
    ]
    options += [f"--IdentityProvider.token={token}", "--no-browser", "--expose-app-in-browser"]
    return [sys.executable, "-m", "jupyterlab", *options, *(["--allow-root"] if _is_root() else [])]


def _lab_environment(state: Path) -> dict[str, str]:
    for plugin, values in SETTINGS.items():
        file = state / "settings" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    places = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    places |= {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
    return os.environ | {name: str(state / folder) for name, folder in places.items()}


def _wait_until_up(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + START
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def find_browser(playwright: Playwright) -> str | None:
    """The system's Chromium or Chrome, else the one that Playwright downloaded, else None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    own = playwright.chromium.executable_path
    return next(filter(None, map(shutil.which, names)), own if Path(own).exists() else None)


@contextmanager
def launched(playwright: Playwright, executable: str) -> Iterator[Browser]:
    """A headless browser, closed at the end."""
    browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"] if _is_root() else [])
    try:
        yield browser
    finally:
        browser.close()


# ---------------------------------------------------------------------------------------- the reader


def read(
    browser: Browser,
    address: str,
    notebook: str,
    shots: Path | None = None,
    patience: float = CHANGE,
    looks: Sequence[Callable[[Page], list[str]]] = (),
    tell: Callable[[str], object] = print,
) -> list[str]:
    """What is wrong with a notebook of the lab at `address`: nothing, or a sentence for each problem.

    A control has `patience` seconds to change its picture; `tell` is told how many it took. Screenshots of the
    whole notebook, before and after its controls were moved, go to `shots`. `looks` have the page last.
    """
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, service_workers="block")
    try:
        outside = _watch(page, urlsplit(address).netloc)
        _open(page, address, notebook)
        _run_all(page)
        _shoot(page, shots, f"{Path(notebook).stem}.before.png")
        problems = _look(page)
        for control in page.evaluate("course.controls()"):
            problems += _move(page, control, patience, tell)
        problems += [problem for problem in _look(page) if problem not in problems]
        _shoot(page, shots, f"{Path(notebook).stem}.after.png")
        for look in looks:
            problems += look(page)
        page.evaluate("course.shutdown()")
        return problems + [f"asks the outside for {request}" for request in sorted(outside)]
    finally:
        page.close()


def _look(page: Page) -> list[str]:
    questions = {"code cells not executed": "course.unrun()", "images without alt text": "course.silent()"}
    counts = {what: page.evaluate(question) for what, question in questions.items()}
    return [f"{count} {what}" for what, count in counts.items() if count] + page.evaluate("course.errors()")


def _watch(page: Page, here: str) -> set[str]:
    """A set that will hold every request to elsewhere; none of them is let through."""
    outside: set[str] = set()

    def gate(route: Any) -> None:
        url = urlsplit(route.request.url)
        if url.netloc == here or url.scheme in ("data", "blob", "about"):
            route.continue_()
        else:
            outside.add(route.request.url)
            route.abort()

    page.route("**/*", gate)
    page.on("websocket", lambda socket: urlsplit(socket.url).netloc == here or outside.add(socket.url))
    return outside


def _open(page: Page, address: str, notebook: str) -> None:
    url = urlsplit(address)
    workspace = f"{url.path}/workspaces/{secrets.token_hex(4)}/tree/{quote(notebook)}?{url.query}"
    page.goto(f"{url.scheme}://{url.netloc}{workspace}", timeout=START * 1000)
    page.wait_for_function("window.jupyterapp?.restored", timeout=START * 1000)
    page.evaluate("window.jupyterapp.restored.then(() => null)")
    page.evaluate(SCRIPT, notebook)
    _wait_until_idle(page, START)


def _run_all(page: Page) -> None:
    from playwright.sync_api import TimeoutError as TooLate

    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_timeout(300)
    # A kernel that is idle may be between two cells, for long where the machine is busy.
    over = "course.unrun() === 0 || course.errors().length > 0"
    with suppress(TooLate):
        page.wait_for_function(over, timeout=RUN * 1000)
    _wait_until_idle(page, RUN)


def _wait_until_idle(page: Page, seconds: float) -> None:
    """Until the kernel was idle seven times in a row, a tenth of a second apart; between cells it is so once."""
    calm, end = 0, time.monotonic() + seconds
    while calm < 7:
        state = page.evaluate("course.state()")
        if state == "dead" or time.monotonic() > end:
            raise TimeoutError(f"the kernel is {state!r} after {seconds} s, not idle")
        calm = calm + 1 if state == "idle" else 0
        page.wait_for_timeout(100)


def _shoot(page: Page, folder: Path | None, name: str) -> None:
    """JupyterLab scrolls in a panel: for a picture of all of it the window grows as tall as the notebook."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": WIDTH, "height": min(page.evaluate("course.height()"), TALLEST)})
    page.evaluate("course.toTop()")
    page.wait_for_timeout(300)
    page.screenshot(path=folder / name)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


# ---------------------------------------------------------------------------------------- its hands


def _move(page: Page, name: str, patience: float, tell: Callable[[str], object]) -> list[str]:
    """Move a control (a slider by each of its handles) and say whether nothing that is shown changed."""
    mark = f'[data-control="{name}"]'
    for kind, hand in HANDS.items():
        handles = page.locator(f"{mark} {kind}, {kind}{mark}")
        count = handles.count() if hand is _slide else min(handles.count(), 1)
        if count:
            took = [_changes(page, name, partial(_use, hand, handles.nth(at)), patience) for at in range(count)]
            for seconds in filter(None, took):
                tell(f"{seconds:6.2f} s  {name}: {page.evaluate('name => course.label(name)', name)}")
            return [] if all(took) else [f"{name} was moved, and nothing changed"]
    return [f"{name} is of a kind that this test cannot move"]


def _changes(page: Page, name: str, move: Callable[[Page], None], patience: float) -> float | None:
    """Seconds from a move of a control until what it shows has changed; None if that was never."""
    from playwright.sync_api import TimeoutError as TooLate

    before, began = page.evaluate("name => course.shown(name)", name), time.monotonic()
    move(page)
    try:
        changed = "([name, before]) => course.shown(name) !== before"
        page.wait_for_function(changed, arg=[name, before], timeout=patience * 1000)
        return time.monotonic() - began
    except TooLate:
        return None
    finally:
        _wait_until_idle(page, RUN)


def _use(hand: Callable[[Page, Locator], None], handle: Locator, page: Page) -> None:
    handle.scroll_into_view_if_needed()
    hand(page, handle)


def _slide(page: Page, handle: Locator) -> None:
    at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    handle.focus()
    for _ in range(2):
        page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")


def _choose(page: Page, menu: Locator) -> None:
    at, count = menu.evaluate("menu => [menu.selectedIndex, menu.options.length]")
    menu.select_option(index=(at + 1) % count)


def _press(page: Page, button: Locator) -> None:
    button.click()


def _step(page: Page, field: Locator) -> None:
    field.press("ArrowUp")
    field.press("Enter")


HANDS = {
    ".noUi-handle": _slide,
    "select": _choose,
    "input[type=checkbox]": _press,
    "input[type=radio]:not(:checked)": _press,
    "input[type=number]": _step,
    "button:not(.mod-active)": _press,
}


# ---------------------------------------------------------------------------------------- without a mouse


def by_keyboard(page: Page, patience: float = CHANGE) -> list[str]:
    """Which controls Tab does not reach from their cell, keys do not move, or do not show that they are on."""
    cells: dict[int, list[str]] = {}
    for control in page.evaluate("course.controls()"):
        cells.setdefault(int(control.rpartition(" ")[2]), []).append(control)
    return [problem for at, controls in cells.items() for problem in _tab_through(page, at, controls, patience)]


def _tab_through(page: Page, cell: int, controls: list[str], patience: float) -> list[str]:
    page.evaluate("at => course.enter(at)", cell - 1)
    left, problems = list(controls), []
    for _ in range(TABS * (len(controls) + 1)):
        page.keyboard.press("Tab")
        control = page.evaluate("course.focused()")
        if control in left:
            left.remove(control)
            problems += (
                [] if page.evaluate("course.ringed()") else [f"{control} does not show that the keys are on it"]
            )
            if _changes(page, control, _press_its_keys, patience) is None:
                problems.append(f"{control} was moved by its keys, and nothing changed")
    return problems + [f"{control} is not reached by Tab" for control in left]


def _press_its_keys(page: Page) -> None:
    kind, at_end = page.evaluate("""() => {
      const on = document.activeElement;
      const last = on.options ? on.selectedIndex === on.options.length - 1 : on.ariaValueNow === on.ariaValueMax;
      return [on.getAttribute('role') ?? on.type, last];
    }""")
    for key in KEYS.get(kind, ("Space", "Space"))[at_end].split():
        page.keyboard.press(key)


# What a reader presses, and at the end of a slider or a list. (An arrow on a list that is closed leaves the cell.)
KEYS = {
    "slider": ("ArrowRight", "ArrowLeft"),
    "select-one": ("Space ArrowDown Enter", "Space ArrowUp Enter"),
    "number": ("ArrowUp Enter", "ArrowUp Enter"),
}


# ---------------------------------------------------------------------------------------- for those who hear it


# What axe-core complains of and we cannot mend: its rule, a word of the element, why.
EXCUSED = {
    (
        "aria-input-field-name",
        "noUi-handle",
    ): "ipywidgets gives no name to the handle of a slider, and lets nobody "
    "else do it: no trait reaches that element. The label stands before it, the text tells it.",
    (
        "link-in-text-block",
        "<a ",
    ): "JupyterLab's themes draw links in text without a line below them; the style of its pages is the reader's.",
}
OURS = [".jp-OutputArea-output", ".jp-MarkdownOutput"]  # the rest of the page is JupyterLab's


def audit(page: Page, within: Sequence[str] = OURS) -> list[str]:
    """What axe-core finds within these elements that is serious or critical, a sentence for each element.

    Raises ModuleNotFoundError without axe-playwright-python, which carries axe-core.
    """
    import axe_playwright_python.base as axe

    page.evaluate(axe.AXE_SCRIPT)
    # JupyterLab's body has no height, and axe-core would hold all that is in it for hidden
    page.evaluate("document.body.style.minHeight = '100vh'")
    there = [selector for selector in within if page.locator(selector).count()]
    found = page.evaluate("there => axe.run({include: there}, {resultTypes: ['violations']})", there)
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:120]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if not any(rule["id"] == id and word in node["html"] for id, word in EXCUSED)
    ]
