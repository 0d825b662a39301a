"""Whoever searches the site for their host finds the page about hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

SEARCH = Path(__file__).parents[2] / "docs" / "_build" / "html" / "search.html"
HOSTS = (
    *("vscode", "colab", "marimo", "streamlit", "notebook 7", "quarto", "shiny", "voila"),
    *("slides", "jupyter book", "pdf", "github"),
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_found(page, host):
    page.goto(f"{SEARCH.as_uri()}?q={host}")
    found = page.locator('#search-results a[href*="hosts.html"]')
    expect(found.first).to_be_visible(timeout=20_000)
