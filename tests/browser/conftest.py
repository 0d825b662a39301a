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
from tests.page.chromium import Guard

OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The JupyterLab server, one for all tests."""
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def open_notebook(lab: Lab, context: BrowserContext) -> Iterator[OpenNotebook]:
    """``open_notebook(cells, theme=LIGHT, kernel="")``, or a path: a notebook and its kernel."""
    opened: list[Notebook] = []

    def open_(cells: list[str] | Path, **options: Any) -> Notebook:
        opened.append(lab.open(context, cells, **options))
        return opened[-1]

    yield open_
    for notebook in opened:
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
