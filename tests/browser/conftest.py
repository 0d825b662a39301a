"""The fixtures of the browser tests; ``lab.py`` has the machinery."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.lab import SCREENSHOTS, Guard, Lab, Notebook, launch

OpenNotebook = Callable[..., Notebook]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The JupyterLab server, one for all tests."""
    with Lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests."""
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def guard() -> Iterator[Guard]:
    """Fails every test whose pages log an error, throw, or ask anything of another machine."""
    watching = Guard()
    yield watching
    watching.check()


@pytest.fixture
def context(browser: Browser, guard: Guard) -> Iterator[BrowserContext]:
    """A fresh, guarded browser context, for pages other than notebooks too."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    guard.watch(fresh)
    yield fresh
    fresh.close()


@pytest.fixture
def open_notebook(lab: Lab, context: BrowserContext) -> Iterator[OpenNotebook]:
    """``open_notebook(cells, subshells=True, theme=LIGHT)``: a notebook and its own kernel."""
    opened: list[Notebook] = []

    def open_(cells: list[str] | Path, **options: Any) -> Notebook:
        opened.append(lab.open(context, cells, **options))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    """Picture the pages of a test that failed, before its fixtures close them."""
    report = yield
    context = getattr(item, "funcargs", {}).get("context")
    if report.when == "call" and report.failed and context is not None:
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", item.name)
        for number, page in enumerate(context.pages):
            page.screenshot(path=SCREENSHOTS / f"FAILED-{name}-{number}.png")
    return report
