"""The fixtures of the browser tests; ``lab.py`` has the machinery, tests/page the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.explorer import SIZE
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook
from tests.browser.standing import SIZE_AT_FIRST, Standing
from tests.page.chromium import Guard
from tests.page.plugin import FAILED

OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The JupyterLab server, one for all tests."""
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def standing(lab: Lab, browser: Browser) -> Iterator[Standing]:
    """The page that all notebooks share which have the settings of most."""
    context = browser.new_context(viewport=SIZE_AT_FIRST)
    context.set_default_timeout(20_000)
    guard = Guard()
    guard.watch(context)
    found = Standing(lab, context, guard)
    yield found
    found.close(keep_page=False)
    context.close()


@pytest.fixture
def guard(request: pytest.FixtureRequest) -> Iterator[Guard]:
    """As tests/page has it; where a notebook is opened, it is that of the standing page."""
    notebooks = "open_notebook" in request.fixturenames
    watching = request.getfixturevalue("standing").guard if notebooks else Guard()
    yield watching
    watching.check()


@pytest.fixture
def open_notebook(
    standing: Standing, guard: Guard, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """``open_notebook(cells, theme=LIGHT, kernel="")``, or a path: a notebook and its kernel.

    JupyterLab has just started with ``fresh=True``, for a second notebook, and where its settings
    are to be others; else notebooks of other tests may have been open in its page.
    """
    opened: list[Notebook] = []

    def open_(cells: list[str] | Path, *, fresh: bool = False, **options: Any) -> Notebook:
        if opened or fresh or not options.keys() <= {"kernel"}:
            standing.close()
            context = request.getfixturevalue("context")
            notebook = standing.lab.open(context, cells, **options)
        else:
            notebook = standing.open(cells, **options)
        opened.append(notebook)
        return notebook

    yield open_
    for notebook in opened:
        if notebook is standing.notebook:
            standing.close(keep_page=FAILED not in request.node.stash)
        else:
            notebook.close()


@pytest.fixture
def offline(browser: Browser, guard: Guard) -> Iterator[BrowserContext]:
    """A guarded context without a network."""
    fresh = browser.new_context(viewport=SIZE, offline=True)
    guard.watch(fresh)
    yield fresh
    fresh.close()


@pytest.fixture
def page(offline: BrowserContext, guard: Guard) -> Page:
    """A page that may ask for nothing but files of this test."""
    opened = offline.new_page()
    opened.on("request", lambda request: allowed(request.url, guard))
    return opened


def allowed(url: str, guard: Guard) -> None:
    if not url.startswith(("file:", "about:", "http://127.0.0.1/")):
        guard.problem(f"a request: {url}")
