"""What is switched off: chips, marks on the map of heads, and what the model says untouched."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.workshop import Shown

OFF = {"do": "ablate", "part": ["head", 1, 2, "self"], "by": "zero"}


@pytest.fixture
def edited(show: Show) -> Shown:
    return show("edited", panel="explorer", layer=1, head=2)


def test_the_bars_have_the_untouched_model_behind_them(edited: Shown) -> None:
    facts = edited.numbers.facts
    row = edited.panels.next.locator(".bars li").first
    expect(row.locator(".base")).to_be_visible()
    share = row.locator(".value")
    now, before = (f"{100 * facts[name]:#.3g} %" for name in ("now", "untouched"))
    said = re.compile(f"^{now}; {before} with nothing switched off")
    expect(share).to_have_attribute("title", said)
    expect(edited.panels.next.locator(".legend")).to_contain_text("untouched")


def test_a_chip_says_what_is_off_and_takes_it_back(edited: Shown) -> None:
    chips = edited.panels.root.get_by_role("list", name="What is changed of the model")
    expect(chips).to_contain_text("head 1·2 off")
    chips.get_by_role("button", name="head 1·2 off: undo this change").click()
    edited.wait(edits=[])
    expect(chips).to_have_count(0)
    expect(edited.panels.next.locator(".legend")).not_to_contain_text("untouched")
    expect(edited.panels.root.locator(".frame.off")).to_have_count(0)


def test_x_switches_the_head_in_focus_off_and_on(edited: Shown) -> None:
    grid = edited.panels.root.get_by_role("application", name="Heads by layer")
    expect(edited.panels.root.locator(".frame.off")).to_have_count(1)
    grid.focus()
    edited.page.keyboard.press("x")
    edited.wait(edits=[])
    edited.page.keyboard.press("x")
    edited.wait(edits=[OFF])
    expect(edited.panels.root.locator(".frame.off")).to_have_count(1)
    edited.page.keyboard.press("Control+z")
    edited.wait(edits=[])


def test_a_click_switches_it_on_again(edited: Shown) -> None:
    button = edited.panels.root.get_by_role("button", name="switch on")
    button.click()
    edited.wait(edits=[])
    edited.panels.root.get_by_role("button", name="switch off").click()
    edited.wait(edits=[OFF])


def test_a_page_says_what_takes_the_model(edited: Shown) -> None:
    grid = edited.panels.root.get_by_role("application", name="Heads by layer")
    grid.focus()
    edited.page.keyboard.press("Shift+x")
    expect(edited.panels.root.get_by_role("alert")).to_contain_text("takes the model")
    edited.wait(edits=[OFF])


def test_heads_are_coloured_by_their_effect(show: Show) -> None:
    numbers = show("edited", panel="explorer").numbers
    token, foil = numbers.facts["effect_of"]
    shown = show("edited", panel="explorer", effect_of=[token, foil])
    overview = shown.panels.root.get_by_role("region", name="All heads")
    one, other = numbers.facts["labels"]
    said = f"Direct effect on the logit of “{one}” less that of “{other}”"
    expect(overview).to_contain_text(said)
    for method, name in (("direct", "direct"), ("ablate", "true")):
        overview.get_by_role("radio", name=name).check(force=True)
        expect(overview.locator(".explained")).to_contain_text(name.capitalize())
        values = numbers.arrays[f"{method} of heads"]
        layer, head = np.unravel_index(np.nanargmax(np.abs(values)), values.shape)
        shown.set(layer=int(layer), head=int(head))
        said = f"{values[layer, head]:+.2f}".replace("-", "−")
        expect(overview.locator(".habit .here")).to_contain_text(said)
    overview.get_by_role("combobox", name="Highlight heads").select_option("")
    shown.wait(effect_of=[])


def test_effects_of_another_token_take_the_model(show: Show) -> None:
    shown = show("edited", panel="explorer")
    overview = shown.panels.root.get_by_role("region", name="All heads")
    overview.get_by_role("combobox", name="Highlight heads").select_option("effect")
    token, _ = shown.numbers.facts["effect_of"]
    shown.wait(effect_of=[token])  # the likeliest
    expect(overview.locator(".explained")).to_contain_text("take the model")
