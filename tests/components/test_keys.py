"""The keys that work everywhere: the list of them, undo, and presets; and nothing moves."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.components.boxes import recorded
from tests.components.workshop import Shown


@pytest.fixture
def help_(shown) -> Locator:
    return shown.panels.root.get_by_role("dialog", name="Keys")


def test_a_question_mark_lists_the_keys_and_esc_gives_the_focus_back(shown, panels, help_):
    shown.set(position=3)
    panels.overview.focus()
    with recorded(shown) as places:
        shown.page.keyboard.press("?")
        expect(help_).to_be_visible()
        shown.page.keyboard.press("Escape")
        expect(help_).to_be_hidden()
    assert all(len(boxes) == 1 for boxes in places.values()), places
    expect(panels.overview).to_be_focused()
    assert shown.trait("position") == 3, "Esc did one thing"
    for _ in range(2):
        panels.root.get_by_role("button", name="Keys").click()
        expect(help_).to_be_visible()
        shown.page.keyboard.press("?")
        expect(help_).to_be_hidden()


def test_the_list_has_the_keys_of_what_is_shown(shown, panels, help_, show):
    panels.overview.press("?")
    for name in ("Everywhere", "Text", "All heads", "Matrix", "Arcs", "Steps", "Slider"):
        expect(help_.get_by_role("region", name=name, exact=True)).to_be_visible()
    for name in ("In lecture mode", "Lens", "Generated text"):
        expect(help_.get_by_role("region", name=name)).to_have_count(0)
    everywhere = help_.get_by_role("region", name="Everywhere")
    expect(everywhere).to_contain_text("Alt 1 – 4Sampling: greedy, 0.7, 1.5, nucleus")
    stage = show("causal", panel="explorer", lecture=True)
    stage.panels.root.locator(".stage").press("?")
    keys = stage.panels.root.get_by_role("region", name="In lecture mode")
    expect(keys).to_contain_text("1 – 9Show a panel")
    for key, pressed in (("1", "false"), ("Escape", "false"), ("1", "true")):
        stage.page.keyboard.press(key)
        heads = stage.panels.root.get_by_role("button", name="Heads")
        expect(heads).to_have_attribute("aria-pressed", pressed)


def test_a_question_mark_is_typed_into_a_text(show):
    shown = show("causal", panel="explorer", pace=1)
    before = shown.panels.prompt.input_value()
    shown.panels.prompt.press("Control+End")
    shown.page.keyboard.type("?")
    expect(shown.panels.prompt).to_have_value(f"{before}?")
    expect(shown.panels.root.get_by_role("dialog")).to_have_count(0)


def test_ctrl_z_takes_settings_and_pinned_heads_back(shown, panels):
    slider = panels.slider("temperature")
    slider.press("Alt+3")
    shown.wait(temperature=1.5)
    panels.slider("top-k").press("ArrowLeft")
    panels.overview.press("Space")
    shown.wait(heads=[[24, 4]])
    for traits in ({"heads": []}, {"top_k": 0}, {"temperature": 1}):
        shown.page.keyboard.press("Control+z")
        shown.wait(**traits)


def test_a_slider_is_taken_back_to_where_the_hand_took_it(shown, panels):
    slider = panels.slider("temperature")
    place = slider.bounding_box()
    y = place["y"] + place["height"] / 2

    def drag(start: float, end: float) -> float:
        shown.page.mouse.move(place["x"] + start * place["width"], y)
        shown.page.mouse.down()
        shown.page.mouse.move(place["x"] + end * place["width"], y, steps=4)
        shown.page.mouse.up()
        return shown.trait("temperature")

    found = drag(0.5, 0.3)
    assert drag(0.3, 0.8) > found
    shown.page.keyboard.press("Control+z")
    shown.wait(temperature=found)
    shown.page.keyboard.press("Control+z")
    shown.wait(temperature=1)


def test_reset_is_there_where_something_is_set_and_moves_nothing(shown: Shown, panels):
    reset = panels.next.get_by_role("button", name="reset")
    expect(reset).to_have_count(0)
    with recorded(shown) as places:
        panels.slider("top-p").press("ArrowLeft")
        expect(reset).to_be_visible()
        reset.click()
        shown.wait(top_p=1)
        expect(reset).to_have_count(0)
    assert all(len(boxes) == 1 for boxes in places.values()), places
    shown.page.keyboard.press("Alt+2")
    shown.wait(temperature=0.7)
    shown.page.keyboard.press("Alt+0")
    shown.wait(temperature=1)


def test_a_masked_model_has_no_keys_of_sampling(show):
    shown = show("masked")
    shown.panels.prompt.press("Alt+1")
    assert shown.trait("temperature") == 1
