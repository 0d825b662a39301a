"""A page of JupyterLab that goes from test to test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize

from tests.browser.lab import Lab
from tests.browser.notebook import Notebook
from tests.page.chromium import Guard

SIZE_AT_FIRST = ViewportSize(width=1280, height=900)


@dataclass
class Standing:
    """A page of JupyterLab that one notebook after another is open in.

    To start JupyterLab takes longer than most tests.
    """

    lab: Lab
    context: BrowserContext
    guard: Guard
    notebook: Notebook | None = None
    _page: Page | None = None

    def open(self, cells: list[str] | Path, kernel: str = "") -> Notebook:
        """Open a notebook in the place of the one that is open."""
        self.close()
        page, self._page = self._page, None
        if page is not None:
            page.set_viewport_size(SIZE_AT_FIRST)
            page.mouse.move(2, 2)
        self.notebook = self.lab.open(self.context, cells, kernel=kernel, page=page)
        return self.notebook

    def close(self, *, keep_page: bool = True) -> None:
        """Close the notebook that is open, with its page where that can't go on."""
        notebook, self.notebook = self.notebook, None
        if notebook is not None and notebook.close(keep_page=keep_page):
            self._page = notebook.page
