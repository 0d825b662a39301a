"""Tools that publish notebooks: each builds a page of the same notebook, or serves it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor

HERE = Path(__file__).parent
LESSON, LIVE = HERE / "lesson.ipynb", HERE / "live.ipynb"
# An environment of its own, made by `make hosts`: JupyterLab shall not get these tools' extensions.
OTHERS = Path(sys.prefix) / "hosts" / "bin" / "python"

Opened = AbstractContextManager[str]  # where the page is, as long as it is there


@dataclass(frozen=True)
class Tool:
    """A tool, and how it is asked to publish a notebook in a folder."""

    name: str
    package: str
    python: Path
    publish: Callable[[Path, Path], Opened]
    notebook: Path = LESSON
    live: bool = False  # a kernel runs behind the page

    @property
    def version(self) -> str:
        """Of the package that is installed."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        return _run(self.python, "-c", code).strip()


def saved(notebook: Path, folder: Path) -> Path:
    """Run a notebook and save it as JupyterLab does: without the state of widgets."""
    document = nbformat.read(notebook, as_version=4)
    run = ExecutePreprocessor(timeout=120, kernel_name="python3", store_widget_state=False)
    run.preprocess(document, {})
    nbformat.write(document, folder / notebook.name)
    return folder / notebook.name


@contextmanager
def _nbconvert(notebook: Path, folder: Path) -> Iterator[str]:
    _run(TOOLS["nbconvert"].python, "-m", "nbconvert", "--to", "html", notebook.name, cwd=folder)
    yield notebook.with_suffix(".html").as_uri()


@contextmanager
def _sphinx(extension: str, settings: str, notebook: Path, folder: Path) -> Iterator[str]:
    (folder / "conf.py").write_text(f"extensions = [{extension!r}]\n{settings}\n")
    (folder / "index.rst").write_text(f"Lessons\n=======\n\n.. toctree::\n\n   {notebook.stem}\n")
    tool = TOOLS[extension.replace("_", "-")]
    _run(tool.python, "-m", "sphinx", "-q", "-W", ".", "site", cwd=folder)
    yield (folder / "site" / notebook.with_suffix(".html").name).as_uri()


@contextmanager
def _mkdocs(notebook: Path, folder: Path) -> Iterator[str]:
    (folder / "pages").mkdir()
    notebook.rename(folder / "pages" / notebook.name)
    (folder / "mkdocs.yml").write_text(
        "site_name: Lessons\ndocs_dir: pages\nuse_directory_urls: false\n"
        "theme: {name: material, font: false}\nplugins: [mkdocs-jupyter]\n"
    )
    _run(OTHERS, "-m", "mkdocs", "build", "--quiet", cwd=folder)
    yield (folder / "site" / notebook.with_suffix(".html").name).as_uri()


@contextmanager
def _voila(notebook: Path, folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    with (folder / "voila.log").open("wb") as log:
        options = [f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"]
        server = subprocess.Popen(
            [OTHERS, "-m", "voila", notebook.name, *options],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(f"{url}voila/static/favicon.ico", server, folder / "voila.log")
        yield url
    finally:
        server.terminate()
        server.wait(15)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # It answers.
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text()}")


def _environment(folder: Path) -> dict[str, str]:
    """Let Voilà find the kernel and the extensions of this environment, and no template of it."""
    jupyter = folder / "jupyter"
    kernel = jupyter / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    (jupyter / "labextensions").symlink_to(extensions)
    paths = {
        "JUPYTER_PATH": str(jupyter),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    return {**os.environ, **paths}


def _run(python: Path, *arguments: str, cwd: Path | None = None) -> str:
    """Run a module of Python; nbsphinx finds pandoc in the package that carries it."""
    found = python.parents[1].glob("lib/*/*/pypandoc/files/pandoc")
    pandoc = [str(program.parent) for program in found]
    path = os.pathsep.join([str(python.parent), *pandoc, os.environ["PATH"]])
    done = subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


_HERE = Path(sys.executable)
TOOLS = {
    tool.name: tool
    for tool in (
        Tool("nbconvert", "nbconvert", _HERE, _nbconvert),
        Tool(
            "myst-nb",
            "myst-nb",
            _HERE,
            partial(_sphinx, "myst_nb", 'nb_execution_mode = "off"\nhtml_theme = "furo"'),
        ),
        Tool(
            "nbsphinx",
            "nbsphinx",
            OTHERS,
            partial(_sphinx, "nbsphinx", 'nbsphinx_execute = "never"'),
        ),
        Tool("mkdocs-jupyter", "mkdocs-jupyter", OTHERS, _mkdocs),
        Tool("Voilà", "voila", OTHERS, _voila),
        Tool("Voilà, live", "voila", OTHERS, _voila, LIVE, live=True),
    )
}
