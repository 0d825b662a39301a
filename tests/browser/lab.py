"""A real JupyterLab server, a real kernel and Chromium, driven from tests.

``tests/browser/conftest.py`` turns this into fixtures; a test asks for ``open_notebook``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Page

import llmscope
from tests.browser.notebook import Notebook

EXTENSIONS = Path(llmscope.__file__).parent / "labextensions"  # as they are built now
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
START_SECONDS = 60
# A cell that runs until the test lets it end: `Notebook.held`.
HOLD = "import pathlib, time\nwhile not pathlib.Path('go-on').exists(): time.sleep(0.02)"

_SEEN_HINTS = """if (parent === window) {
    const all = ["type", "map", "temperature", "play"];
    localStorage.setItem("llmscope.hints", JSON.stringify(all)); }
"""

_OPEN = """async ({ path, theme }) => {
    const { commands } = window.jupyterapp;
    if (document.body.dataset.jpThemeName !== theme)
        await commands.execute("apputils:change-theme", { theme });
    await commands.execute("docmanager:open", { path });
}"""


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
        page: Page | None = None,
    ) -> Notebook:
        """Write a notebook (or copy one), open it alone in a page, and wait for its kernel.

        The kernel is its own, or one that goes on after it is closed, without widgets, to the next
        notebook that names it: what it has imported and loaded, it needn't again.

        ``subshells=False`` has comm messages wait until the running cell ends, as in other front
        ends. By default JupyterLab 4.6 addresses them to a subshell of the kernel, and ipykernel
        7.4 runs them there when the comm's last own message was an answer to such a message; after
        a cell has sent something through the comm, the next one runs on the main thread.

        ``hints=True`` is a person's first time.

        ``page`` is one in which JupyterLab runs already, with these settings and no notebook open:
        to start it takes longer than most tests.
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
        if page is None:
            page = context.new_page()
            if not hints:
                page.add_init_script(_SEEN_HINTS)
            page.goto(f"{self.url}/doc/tree/{path.name}?reset&token={self.token}")
        else:
            page.evaluate(_OPEN, {"path": path.name, "theme": theme})
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
