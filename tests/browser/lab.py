"""A real JupyterLab server, a real kernel and Chromium, driven from tests.

``tests/browser/conftest.py`` turns this into fixtures; a test asks for ``open_notebook``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page

import llmscope
from tests.page.chromium import SCREENSHOTS

EXTENSIONS = Path(llmscope.__file__).parent / "labextensions"  # as they are built now
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
START_SECONDS = 60
# A cell that runs until the test lets it end: `Notebook.held`.
HOLD = "import pathlib, time\nwhile not pathlib.Path('go-on').exists(): time.sleep(0.02)"

# `session` and `notebook` in every script below are those of the notebook that is open.
_PANEL = """
const panel = window.jupyterapp.shell.currentWidget;
const notebook = panel.content;
const context = panel.sessionContext;
const session = context.session;
"""


_SEEN_HINTS = """if (parent === window) {
    const all = ["type", "map", "temperature", "play"];
    localStorage.setItem("llmscope.hints", JSON.stringify(all)); }
"""


class Lab:
    """A JupyterLab server of its own on 127.0.0.1, isolated from the user's Jupyter."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.notebooks = home / "notebooks"
        self.token = secrets.token_hex(16)
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0

    def __enter__(self) -> Lab:
        self.notebooks.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    "--ip=127.0.0.1",
                    f"--port={port}",
                    "--ServerApp.port_retries=0",
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={self.notebooks}",
                    "--LabApp.expose_app_in_browser=True",
                    f"--LabApp.extra_labextensions_path={EXTENSIONS}",
                ],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def _log(self) -> Path:
        return self.home / "server.log"

    def log(self) -> str:
        """What the server and its kernels printed."""
        return self._log.read_text(errors="replace")

    def _environment(self) -> dict[str, str]:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        own = {name: str(self.home / folder) for name, folder in folders.items()}
        # The environment's own kernel is found below sys.prefix.
        return {k: v for k, v in os.environ.items() if k != "JUPYTER_PATH"} | own

    def _wait_until_up(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.api("GET", "status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log()}")

    def api(self, method: str, path: str) -> Any:
        """Ask the server's REST interface."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the settings, ``{"extension:plugin": {...}}``, for pages opened from now."""
        folder = self.home / "settings"
        shutil.rmtree(folder, ignore_errors=True)
        for name, values in settings.items():
            path = folder / (name.replace(":", "/") + ".jupyterlab-settings")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def open(
        self,
        context: BrowserContext,
        cells: Sequence[str] | Path,
        *,
        subshells: bool = True,
        theme: str = LIGHT,
        kernel: str = "",
        hints: bool = False,
    ) -> Notebook:
        """Write a notebook (or copy one), open it alone in a page, and wait for its kernel.

        The kernel is its own, or one that goes on after it is closed, without widgets, to the next
        notebook that names it: what it has imported and loaded, it needn't again.

        ``subshells=False`` has comm messages wait until the running cell ends, as in other front
        ends. By default JupyterLab 4.6 addresses them to a subshell of the kernel, and ipykernel
        7.4 runs them there when the comm's last own message was an answer to such a message; after
        a cell has sent something through the comm, the next one runs on the main thread.

        ``hints=True`` is a person's first time.
        """
        apputils = "@jupyterlab/apputils-extension"
        self.configure(
            {
                f"{apputils}:notification": {"fetchNews": "false", "checkForUpdates": False},
                f"{apputils}:themes": {"theme": theme},
                f"{apputils}:kernels-settings": {
                    "commsOverSubshells": "perCommTarget" if subshells else "disabled"
                },
            }
        )
        self._count += 1
        path = self.notebooks / f"{kernel or f'test-{self._count}'}.ipynb"
        if isinstance(cells, Path):
            shutil.copy(cells, path)
        else:
            nbformat.write(_document(cells), path)
        page = context.new_page()
        if not hints:
            page.add_init_script(_SEEN_HINTS)
        page.goto(f"{self.url}/doc/tree/{path.name}?reset&token={self.token}")
        notebook = Notebook(self, page, path, keep_kernel=bool(kernel))
        notebook.wait_idle()
        notebook.wait_drawn()
        return notebook


def _document(cells: Sequence[str]) -> nbformat.NotebookNode:
    v4 = nbformat.v4
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(
        cells=[v4.new_code_cell(source) for source in cells], metadata={"kernelspec": kernel}
    )


class Notebook:
    """A notebook in a page of JupyterLab, with its kernel."""

    def __init__(self, lab: Lab, page: Page, path: Path, *, keep_kernel: bool = False) -> None:
        self.lab = lab
        self.page = page
        self.path = path
        self.keep_kernel = keep_kernel

    def evaluate(self, script: str, argument: object = None) -> Any:
        """Run the body of an async function in the page.

        It sees ``panel``, ``notebook``, ``context`` (the session's) and ``session`` of this
        notebook, and ``argument``.
        """
        return self.page.evaluate(f"async (argument) => {{ {_PANEL} {script} }}", argument)

    def wait_idle(self, seconds: float = 60) -> None:
        """Wait until the kernel is connected and has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp?.shell.currentWidget;
                const context = panel?.sessionContext;
                const kernel = context?.session?.kernel;
                return context?.isReady && panel.context.isReady
                    && kernel?.connectionStatus === "connected" && kernel.status === "idle"
                    // A subshell that has answered says "idle" too, while a cell still runs.
                    && panel.content.widgets.every(c => c.model.executionState !== "running");
            }""",
            timeout=seconds * 1000,
        )

    def wait_drawn(self) -> None:
        """Wait until JupyterLab's splash screen, which a change of theme shows too, is gone."""
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def wait_busy(self, seconds: float = 10) -> None:
        """Wait until the kernel runs something."""
        self.page.wait_for_function(
            """() => window.jupyterapp.shell.currentWidget
                .sessionContext.session.kernel.status === "busy" """,
            timeout=seconds * 1000,
        )

    def run(self, cell: int, *, wait: bool = True, errors: bool = False) -> None:
        """Run one cell; wait until the kernel is idle again; a cell that raised fails the test."""
        self._run("notebook:run-cell", [cell], wait, errors)

    def run_all(self, *, wait: bool = True, errors: bool = False) -> None:
        """Run all cells, as ``run`` does one."""
        self._run("notebook:run-all-cells", range(self.cell_count()), wait, errors)

    def _run(self, command: str, cells: Sequence[int], wait: bool, errors: bool) -> None:
        self.evaluate(
            """
            notebook.deselectAll();
            notebook.activeCellIndex = argument.cell;
            const done = window.jupyterapp.commands.execute(argument.command);
            if (argument.wait) await done;
            """,
            {"cell": cells[0], "command": command, "wait": wait},
        )
        if not wait:
            return
        self.wait_idle()
        for cell in () if errors else cells:
            for output in self.outputs(cell):
                if output["output_type"] == "error":
                    raise AssertionError(f"cell {cell} raised:\n{_plain(output['traceback'])}")

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel, outside any cell, and return what it printed."""
        answer = self.evaluate(
            """
            // The page saves its traits a moment behind a gesture: no person is as quick as a test.
            await new Promise(done => setTimeout(done, 30));
            const answer = { printed: "", error: null };
            const future = session.kernel.requestExecute({ code: argument, store_history: false });
            future.onIOPub = ({ header, content }) => {
                if (header.msg_type === "stream" && content.name === "stdout") {
                    answer.printed += content.text;
                } else if (header.msg_type === "error") {
                    answer.error = content.traceback;
                }
            };
            await future.done;
            return answer;
            """,
            code,
        )
        if answer["error"]:
            raise AssertionError(f"the kernel raised:\n{_plain(answer['error'])}")
        return str(answer["printed"])

    def ask(self, expression: str) -> Any:
        """Give the value of an expression in the notebook's kernel; it travels as JSON."""
        return json.loads(self.execute(f"import json; print(json.dumps({expression}))"))

    def wait_value(self, expression: str, value: object, seconds: float = 20) -> None:
        """Wait until an expression has this value in the kernel: traits travel on their own."""
        end = time.monotonic() + seconds
        while (found := self.ask(expression)) != value:
            assert time.monotonic() < end, f"{expression} is {found!r}, not {value!r}"
            self.page.wait_for_timeout(50)

    @contextmanager
    def held(self, cell: int) -> Iterator[None]:
        """Keep a cell of `HOLD` running for as long as the block does."""
        go_on = self.path.with_name("go-on")
        go_on.unlink(missing_ok=True)
        self.run(cell, wait=False)
        self.wait_busy()
        try:
            yield
            assert self.is_running(cell)
        finally:
            go_on.touch()
        self.wait_idle()

    def cell_count(self) -> int:
        """How many cells the notebook has now."""
        return int(self.evaluate("return notebook.model.cells.length;"))

    def cell_sources(self) -> list[str]:
        """The text of every cell."""
        return list(self.evaluate("return notebook.widgets.map(c => c.model.sharedModel.source);"))

    def is_running(self, cell: int) -> bool:
        """Whether a cell has not ended; the kernel's own status is also that of its subshells."""
        script = "return notebook.widgets[argument].model.executionState === 'running';"
        return bool(self.evaluate(script, cell))

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        """The outputs of a cell as the notebook's file would hold them."""
        return list(
            self.evaluate(
                "return notebook.widgets[argument].model.toJSON().outputs ?? [];",
                cell,
            )
        )

    def output_text(self, cell: int) -> str:
        """What a cell printed on standard output."""
        return "".join(
            output["text"]
            for output in self.outputs(cell)
            if output["output_type"] == "stream" and output["name"] == "stdout"
        )

    def output(self, cell: int) -> Locator:
        """Where a cell's outputs are drawn."""
        return self.page.locator(
            f'.jp-Notebook .jp-Cell[data-windowed-list-index="{cell}"] .jp-OutputArea'
        ).first

    def theme(self, name: str) -> None:
        """Change the theme, ``LIGHT`` or ``DARK``, while the page is open."""
        self.evaluate(
            'await window.jupyterapp.commands.execute("apputils:change-theme", argument);',
            {"theme": name},
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.wait_drawn()

    def screenshot(self, name: str, target: Locator | None = None) -> Path:
        """Take a picture of the page, or of a part of it, into ``tests/browser/screenshots``."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (target or self.page).screenshot(path=path)
        return path

    def restart_kernel(self) -> None:
        """Restart the kernel without asking."""
        self.evaluate("await session.kernel.restart();")
        self.wait_idle()

    def close(self) -> None:
        """Close the page, and shut its kernel down or leave it without widgets."""
        kept = self.keep_kernel and self.evaluate("return Boolean(session?.kernel);")
        if kept:
            self.wait_idle()
            self.execute("import ipywidgets; ipywidgets.Widget.close_all()")
        self.page.close()
        for session in () if kept else self.lab.api("GET", "sessions"):
            if session["path"] == self.path.name:
                self.lab.api("DELETE", f"sessions/{session['id']}")


def _plain(traceback: Sequence[str]) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
