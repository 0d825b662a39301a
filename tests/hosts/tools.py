"""Tools that publish notebooks: each builds a page of the same notebook, or serves it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import anywidget
import nbformat
from nbconvert.preprocessors import ExecutePreprocessor
from playwright.sync_api import Page

from tests.hosts import servers
from tests.hosts.servers import OTHERS, SHARE

HERE = Path(__file__).parent
LESSON, LIVE = HERE / "lesson.ipynb", HERE / "live.ipynb"
MARIMO, SHINY, STREAMLIT = (HERE / f"app_{name}.py" for name in ("marimo", "shiny", "streamlit"))
MARIMO_PAGES = HERE / "app_marimo_pages.py"

Opened = AbstractContextManager[str]  # where the page is, as long as it is there


@dataclass(frozen=True)
class Tool:
    """A tool, and how it is asked to publish a notebook in a folder."""

    name: str
    package: str
    python: Path
    publish: Callable[[Path, Path], Opened]
    notebook: Path = LESSON
    shows: Literal["frames", "live", "app", "kept", "words", "paper"] = "frames"
    begin: Callable[[Page], None] | None = None  # what a person does to run it
    yes: str = "yes"  # what there is of the views, if all is well
    # Of what its page asks a CDN, by pattern: the installed files that are the same.
    cdn: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Of the package that is installed."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        return _run(self.python, "-c", code).strip()

    def instead(self, url: str) -> list[Path]:
        """Return the installed files that stand in for one of a CDN; none for most."""
        for pattern, places in self.cdn.items():
            if found := re.search(pattern, url):
                return [place.joinpath(*found.groups()) for place in places]
        return []


def saved(notebook: Path, folder: Path) -> Path:
    """Run a notebook and save it as JupyterLab does: without the state of widgets."""
    document = nbformat.read(notebook, as_version=4)
    run = ExecutePreprocessor(timeout=120, kernel_name="python3", store_widget_state=False)
    run.preprocess(document, {})
    nbformat.write(document, folder / notebook.name)
    return folder / notebook.name


@contextmanager
def _nbconvert(arguments: str, ending: str, notebook: Path, folder: Path) -> Iterator[str]:
    _run(_HERE, "-m", "nbconvert", *arguments.split(), notebook.name, cwd=folder)
    yield (folder / f"{notebook.stem}{ending}").as_uri()


@contextmanager
def _marimo_export(app: Path, folder: Path) -> Iterator[str]:
    _run(OTHERS, "-m", "marimo", "export", "html", app.name, "-o", "app.html", cwd=folder)
    yield (folder / "app.html").as_uri()


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


def _run(python: Path, *arguments: str, cwd: Path | None = None) -> str:
    """Run a module of Python; pandoc is found in the package that carries it."""
    found = OTHERS.parents[1].glob("lib/*/*/pypandoc/files/pandoc")
    pandoc = [str(program.parent) for program in found]
    path = os.pathsep.join([str(python.parent), *pandoc, os.environ["PATH"]])
    done = subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "JUPYTER_PATH": str(SHARE)},  # templates of nbconvert
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


_HERE = Path(sys.executable)
_SITE = next(OTHERS.parents[1].glob("lib/*/site-packages"), OTHERS.parents[1])
_MARIMO = {r"@marimo-team/frontend@[^/]*/dist/(.*)": [_SITE / "marimo" / "_static"]}
_SHARED = _SITE / "shiny" / "www" / "shared"
_MANAGER = {  # html-manager, as shinywidgets brings it along
    r"/require(?:\.min)?\.js": [_SHARED / "requirejs" / "require.min.js"],
    r"html-manager@[^/]*/dist/embed-amd\.js": [
        _SITE / "shinywidgets" / "static" / "libembed-amd.js",
        HERE / "embed.js",
    ],
    r"/anywidget@[^/]*/dist/index": [Path(anywidget.__file__).parent / "nbextension" / "index.js"],
}
TOOLS = {
    tool.name: tool
    for tool in (
        Tool("JupyterLab", "jupyterlab", _HERE, servers.lab, LIVE, "live", servers.run_notebook),
        Tool("Notebook", "notebook", OTHERS, servers.notebook7, LIVE, "live", servers.run_notebook),
        Tool("Voilà", "voila", OTHERS, servers.voila, LIVE, "live"),
        Tool("marimo run", "marimo", OTHERS, servers.marimo_run, MARIMO, "live"),
        Tool(
            "marimo edit", "marimo", OTHERS, servers.marimo_edit, MARIMO, "live", servers.run_marimo
        ),
        Tool("Shiny", "shiny", OTHERS, servers.shiny, SHINY, "live"),
        Tool("Streamlit", "streamlit", OTHERS, servers.streamlit, STREAMLIT, "app"),
        Tool("marimo export html", "marimo", OTHERS, _marimo_export, MARIMO_PAGES, cdn=_MARIMO),
        Tool(
            "marimo export html, live views",
            "marimo",
            OTHERS,
            _marimo_export,
            MARIMO,
            "words",
            yes="words",
            cdn=_MARIMO,
        ),
        Tool("Voilà, static()", "voila", OTHERS, servers.voila),
        Tool("nbconvert --to html", "nbconvert", _HERE, partial(_nbconvert, "--to html", ".html")),
        Tool(
            "nbconvert --execute, live views",
            "nbconvert",
            _HERE,
            partial(_nbconvert, "--to html --execute", ".html"),
            LIVE,
            "kept",
            yes="pictures",
            cdn=_MANAGER,
        ),
        Tool(
            "nbconvert --to slides",
            "nbconvert",
            _HERE,
            partial(_nbconvert, "--to slides", ".slides.html"),
        ),
        Tool(
            "nbconvert --to latex",
            "nbconvert",
            _HERE,
            partial(_nbconvert, "--to latex", ".tex"),
            shows="paper",
            yes="pictures",
        ),
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
    )
}
