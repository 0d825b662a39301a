"""Pages that are opened without a kernel: what is expected of one that lives."""

from __future__ import annotations

import math
from typing import Any

from playwright.sync_api import Frame, Locator, Page, expect

from tests.page.panels import Panels


def panels(where: Page | Frame, number: int = 0) -> Panels:
    found = Panels(where.locator(".llmscope").nth(number))
    expect(found.root).to_be_visible(timeout=20_000)
    return found


def pixels(target: Locator) -> bytes:
    return target.screenshot()


def expect_alive(found: Panels, trace: Any) -> None:
    """Sliders, heads and tokens change what is drawn, and what is printed is true."""
    expect(found.rows.first).to_contain_text("Mary")
    bars = found.next.locator(".bars")
    before = pixels(bars)
    found.slider("temperature").fill("1.5")
    expect(found.shown("temperature")).to_have_text("1.50")
    assert pixels(bars) != before
    for bar, true in zip(found.bars(), trace.next_token(temperature=1.5).top(10), strict=True):
        printed = float(bar["value"].removesuffix(" %")) / 100
        assert bar["name"].lstrip("·") == true.text.strip()
        assert math.isclose(printed, true.prob, rel_tol=6e-3)
    before = pixels(found.cells)
    expect(found.readout).to_contain_text(f"{trace.attention(24, 4)[-1].max():.3f}")
    found.overview.focus()
    found.walk(heads=-1)
    expect(found.title).to_contain_text("Layer 24 · Head 3")
    expect(found.readout).to_contain_text(f"{trace.attention(24, 3)[-1].max():.3f}")
    assert pixels(found.cells) != before
    expect(found.error).to_have_count(0)
