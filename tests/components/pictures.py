"""Pictures to look at, of every fixture: `make pictures` takes them, no test compares them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.numbers import FOLDER

FIXTURES = sorted(path.stem for path in FOLDER.glob("*.page"))
HEADS = [[24, 4], [3, 2], [11, 1]]
VARIANTS: dict[str, dict[str, Any]] = {
    "arcs": {"mode": "arcs", "heads": HEADS},
    "steps": {"mode": "steps"},
    "mean": {"heads": HEADS, "combine": "mean"},
    "lecture": {"lecture": True},
    "lens-divergence": {"panel": "lens", "lens": "divergence"},
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1150, 600, 390])
@pytest.mark.parametrize("name", FIXTURES)
def test_fixture(show: Show, name: str, width: int, theme: str) -> None:
    shown = show(name, theme=theme, width=width, size=(max(width, 800), 1200))
    shown.screenshot(f"workshop-{name}-{width}-{theme}")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variant(show: Show, variant: str, theme: str) -> None:
    chosen = {"panel": "explorer", **VARIANTS[variant]}
    show("causal", theme=theme, **chosen).screenshot(f"workshop-causal-{variant}-{theme}")


@pytest.mark.parametrize(("theme", "name"), [("light", "sampling"), ("dark", "sampling-dark")])
def test_sampling_for_the_documentation(show: Show, theme: str, name: str) -> None:
    settings = {"temperature": 1.3, "top_k": 50, "top_p": 0.5}
    shown = show("next-token", panel="next-token", theme=theme, width=850, **settings)
    panel = shown.panels.next
    for button in ("more", "curve", "Sample once"):
        panel.get_by_role("button", name=button).click()
    panel.locator(".bars .value").nth(1).click()
    expect(panel.locator(".curve svg")).to_be_visible()
    shown.leave()
    shown.screenshot(name)


def test_explorer_in_chinese_for_the_documentation(show: Show) -> None:
    settings = {"temperature": 1.3, "top_k": 50, "top_p": 0.88}
    shown = show("causal", panel="explorer", lang="zh", width=1392, size=(1500, 1300), **settings)
    shown.leave()
    shown.screenshot("quickstart-zh")
