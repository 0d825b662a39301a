"""Fixtures of all tests that open pages: one Chromium, and a guarded context for each test."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

    from tests.page.chromium import Guard

FAILED = pytest.StashKey[bool]()  # of a test with pages


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests."""
    from playwright.sync_api import expect, sync_playwright

    from tests.page.chromium import launch

    expect.set_options(timeout=20_000)  # only what fails waits as long
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture
def guard() -> Iterator[Guard]:
    """Fails every test whose pages log an error, throw, or ask anything of another machine."""
    from tests.page.chromium import Guard

    watching = Guard()
    yield watching
    watching.check()


@pytest.fixture
def context(browser: Browser, guard: Guard) -> Iterator[BrowserContext]:
    """A fresh, guarded browser context."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    guard.watch(fresh)
    yield fresh
    fresh.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    """Picture the pages of a test that failed, before its fixtures close them."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and browser is not None:
        from tests.page.chromium import SCREENSHOTS

        item.stash[FAILED] = True
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", item.name)
        for number, page in enumerate(page for one in browser.contexts for page in one.pages):
            page.screenshot(path=SCREENSHOTS / f"FAILED-{name}-{number}.png")
    return report
