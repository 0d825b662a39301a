"""Servers with a kernel behind the page, each started for one look at it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from playwright.sync_api import Error, Page, expect

# An environment of its own, made by `make hosts`: JupyterLab shall not get these tools' extensions.
OTHERS = Path(sys.prefix) / "hosts" / "bin" / "python"
SHARE = Path(sys.prefix) / "share" / "jupyter"


@contextmanager
def served(
    command: Callable[[int, Path], list[str]],
    place: str,
    notebook: Path,
    folder: Path,
    python: Path = OTHERS,
) -> Iterator[str]:
    """Start a server in a folder, by what follows ``python -m``; give an address of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [python, "-m", *command(port, notebook)],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(url, server, log)
        yield url + place
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}favicon.ico", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # It answers.
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")


def _environment(folder: Path) -> dict[str, str]:
    """Let a server find the kernel and the extensions of this environment, and nothing of mine."""
    jupyter = folder / "jupyter"
    kernel = jupyter / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    for name in ("labextensions", "nbconvert", "nbextensions"):
        (jupyter / name).symlink_to(SHARE / name)
    others = OTHERS.parents[1] / "share" / "jupyter"
    (jupyter / "voila").symlink_to(others / "voila")  # before nbconvert's templates
    lab = folder / "lab"
    (lab / "schemas").mkdir(parents=True)
    for share in (SHARE, others):
        for schemas in (share / "lab" / "schemas").iterdir():
            (lab / "schemas" / schemas.name).symlink_to(schemas)
    for name in ("static", "themes"):
        (lab / name).symlink_to(SHARE / "lab" / name)
    theme = lab / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    theme.parent.mkdir(parents=True)
    theme.write_text('{"adaptive-theme": true}')  # light and dark as the reader's system
    return {
        **os.environ,
        "JUPYTERLAB_SETTINGS_DIR": str(lab / "settings"),
        "JUPYTERLAB_DIR": str(lab),
        "JUPYTER_PATH": str(jupyter),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "XDG_CONFIG_HOME": str(folder / "xdg"),
    }


def _voila(port: int, notebook: Path) -> list[str]:
    return ["voila", notebook.name, f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"]


def _jupyter(which: str, port: int, _notebook: Path) -> list[str]:
    own = ["--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--allow-root", "--no-browser"]
    return [which, *own, f"--ServerApp.port={port}"]


def _marimo(how: str, port: int, app: Path) -> list[str]:
    own = ["--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port)]
    return ["marimo", how, app.name, *own]


def _streamlit(port: int, app: Path) -> list[str]:
    own = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    return ["streamlit", "run", app.name, *own, "--browser.gatherUsageStats=false"]


def _shiny(port: int, app: Path) -> list[str]:
    return ["shiny", "run", app.name, "--host=127.0.0.1", f"--port={port}"]


def run_notebook(page: Page) -> None:
    """Run all cells of the notebook that JupyterLab or Notebook 7 has open."""
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=120_000)
    begun = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[[*\d]"))
    asked = page.get_by_role("button", name="Select Kernel", exact=True)
    for _ in range(5):  # It forgets what is run before it has a kernel, or asks for one.
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(Error):
            begun.or_(asked).first.wait_for(timeout=15_000)
            if asked.is_visible():
                asked.click()
            return begun.nth(2).wait_for(timeout=15_000)
    raise AssertionError("the notebook doesn't run")


def run_marimo(page: Page) -> None:
    """Run all cells of the app that marimo's editor has open."""
    page.get_by_test_id("save-button").wait_for(timeout=120_000)
    for _ in range(5):  # It forgets what is run before it is connected.
        page.get_by_test_id("run-button").last.click()  # the first ones are those of cells
        with suppress(Error):
            page.locator("[data-status=running]").first.wait_for(timeout=15_000)
            return
    raise AssertionError("the app doesn't run")


lab = partial(
    served, partial(_jupyter, "jupyterlab"), "lab/tree/live.ipynb", python=Path(sys.executable)
)
notebook7 = partial(served, partial(_jupyter, "notebook"), "notebooks/live.ipynb")
voila = partial(served, _voila, "")
marimo_run = partial(served, partial(_marimo, "run"), "")
marimo_edit = partial(served, partial(_marimo, "edit"), "")
shiny = partial(served, _shiny, "")
streamlit = partial(served, _streamlit, "")
