"""Every page of the site, for every eye and hand: axe finds nothing, in light and dark."""

from __future__ import annotations

import pytest

from tests.page.axe import violations
from tests.site.opened import PAGES, SITE

# By then what is wider than its place has been noticed.
_DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(page, name):
    page.goto((SITE / name).as_uri())
    page.evaluate(_DRAWN)
    found = {"light": violations(page)}
    # Colours are all that a theme changes.
    page.evaluate("document.body.dataset.theme = 'dark'")
    found["dark"] = violations(page, only="color-contrast")
    page.set_viewport_size({"width": 390, "height": 900})
    page.evaluate("document.body.dataset.theme = 'light'")
    page.evaluate(_DRAWN)
    found["phone"] = violations(page)
    assert found == {"light": [], "dark": [], "phone": []}


def test_axe_would_find_something(page):
    page.goto((SITE / "install.html").as_uri())
    page.evaluate("""() => {
        document.querySelector("h1").remove();
        document.querySelector("article p").style.color = "#aaa";
    }""")
    found = " ".join(violations(page))
    assert "page-has-heading-one" in found
    assert "color-contrast" in found
