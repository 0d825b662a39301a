"""Component tests: the workshop's page over stored fixtures, without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.components.workshop import Shown, served
from tests.page.panels import Panels

Show = Callable[..., Shown]


@pytest.fixture(scope="session")
def workshop() -> Iterator[str]:
    """Where the workshop is served."""
    with served() as address:
        yield address


@pytest.fixture
def show(workshop: str, context: BrowserContext) -> Show:
    """``show("causal", mode="arcs", size=(1360, 1000))``: a fixture on a page of its own."""

    def show_(name: str, size: tuple[int, int] = (1360, 1100), **chosen: Any) -> Shown:
        shown = Shown(workshop, context, name)
        shown.page.set_viewport_size({"width": size[0], "height": size[1]})
        return shown.open(**chosen).wait_ready()

    return show_


@pytest.fixture
def shown(show: Show) -> Shown:
    """SmolLM2's sentence about Mary and John, with all panels of an Explorer."""
    shown = show("causal", panel="explorer")
    expect(shown.panels.next.get_by_role("heading")).to_contain_text("after “to”")
    expect(shown.panels.readout).to_contain_text("to → Mary")
    return shown


@pytest.fixture
def panels(shown: Shown) -> Panels:
    """The panels of `shown`."""
    return shown.panels
