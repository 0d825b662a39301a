from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.page.chromium import Guard, launch


@pytest.fixture(scope="session")
def offline() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser.new_context(viewport={"width": 1360, "height": 1000}, offline=True)
        browser.close()


@pytest.fixture
def page(offline: BrowserContext) -> Iterator[Page]:
    guard = Guard()
    opened = offline.new_page()
    opened.on("console", lambda m: guard.console(m.type, m.text, m.location.get("url", "")))
    opened.on("pageerror", lambda error: guard.problem(str(error)))
    opened.on("request", lambda request: only_files(request.url, guard))
    yield opened
    opened.close()
    guard.check()


def only_files(url: str, guard: Guard) -> None:
    if not url.startswith(("file:", "about:", "data:", "blob:")):
        guard.problem(f"a request: {url}")
