"""What one is told at first: four things to do, once, and out of the way."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.components.boxes import recorded
from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.panels import point


def opened(show: Show) -> tuple[Shown, Locator]:
    shown = show("causal", panel="explorer", pace=1, hints=True)
    return shown, shown.panels.root.get_by_role("note")


def test_each_hint_goes_once_it_is_done_and_never_comes_back(show):
    shown, hint = opened(show)
    with recorded(shown) as places:
        expect(hint).to_contain_text("Type here")
        shown.panels.prompt.press("Control+End")
        shown.page.keyboard.type("!")
        expect(hint).to_contain_text("Point at a map")
        point(shown.panels.overview, 0.5, 0.5)
        expect(hint).to_contain_text("Drag temperature")
        shown.panels.slider("temperature").press("ArrowLeft")
        expect(hint).to_have_count(0)
    assert all(len(boxes) == 1 for boxes in places.values()), places
    shown.page.reload()
    shown.page.wait_for_function("window.workshop")
    shown.wait_ready()
    expect(hint).to_have_count(0)


def test_esc_ends_them_all_and_the_list_of_keys_brings_them_back(show):
    shown, hint = opened(show)
    shown.panels.overview.press("Escape")
    expect(hint).to_have_count(0)
    shown.panels.overview.press("?")
    shown.panels.root.get_by_role("button", name="Show the first hints again").click()
    expect(hint).to_contain_text("Type here")
    hint.get_by_role("button", name="No hints").click()
    expect(hint).to_have_count(0)


def test_who_generates_is_told_to_play(show):
    shown = show("generation", hints=True, pace=1)
    hint = shown.panels.root.get_by_role("note")
    point(shown.panels.overview, 0.5, 0.5)
    shown.panels.slider("temperature").press("ArrowLeft")
    expect(hint).to_contain_text("Press Play")


def test_a_page_tells_nothing(show):
    expect(show("causal", panel="explorer").panels.root.get_by_role("note")).to_have_count(0)
