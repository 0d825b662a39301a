"""A second text, and the grid of patching from it, against Python's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.panels import click

SOURCE = ["The brown quick fox", "", "", [], []]
CELL = (1, 2)  # which the page holds as an edit


def cell_edit(layer: int, at: int) -> dict[str, object]:
    part = ["layer", layer, None, "self"]
    return {"do": "patch", "part": part, "source": SOURCE, "positions": [[at, at]]}


HEAD = {"do": "patch", "part": ["head", 1, 2, "self"], "source": SOURCE}


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("patching", panel="explorer", layer=1, head=2)


@pytest.fixture
def grid(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("application", name="Effect of patching")


def said(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def reading(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Patching").locator(".patching-reading")


def share(shown: Shown, layer: int, at: int) -> float:
    facts = shown.numbers.facts
    return float(shown.numbers.arrays["effects"][layer, at] / (facts["here"] - facts["there"]))


def first_bar(shown: Shown) -> Locator:
    return shown.panels.next.locator(".bars li .value").first


def exactly(shown: Shown, name: str) -> re.Pattern[str]:
    """What the title of a probability begins with."""
    return re.compile(rf"^{100 * shown.numbers.facts[name]:#.3g} %")


def test_every_cell_says_how_far_it_takes_the_text(shown: Shown, grid: Locator) -> None:
    facts, effects = shown.numbers.facts, shown.numbers.arrays["effects"]
    token, foil = facts["labels"]
    for layer, at in np.ndindex(*effects.shape):
        grid.locator(f'[data-cell="{layer}.{at}"]').hover()
        text = reading(shown)
        expect(text).to_contain_text(f"Layer {layer}, token {at} ")
        expect(text).to_contain_text(f": {said(share(shown, layer, at))} of the way")
        patched = facts["here"] - effects[layer, at]
        expect(text).to_contain_text(f"Logit of “{token}” less that of “{foil}”")
        numbers = [said(one) for one in (facts["here"], patched, facts["there"])]
        expect(text).to_contain_text("{} here, {} patched, {} in the second text".format(*numbers))


def test_colours_are_the_shares(shown: Shown, grid: Locator) -> None:
    cells = grid.locator("td")
    found = cells.evaluate_all(
        "cells => cells.map(cell => [cell.dataset.cell, cell.className.includes('below'),"
        " Number(cell.style.getPropertyValue('--share'))])"
    )
    assert len(found) == shown.numbers.arrays["effects"].size
    for name, is_below, opaque in found:
        layer, at = map(int, name.split("."))
        expected = share(shown, layer, at)
        assert is_below == (expected < 0)
        assert opaque == pytest.approx(min(1, abs(expected)), abs=6e-4)


def test_tokens_of_both_texts_are_shown_where_they_differ(shown: Shown, grid: Locator) -> None:
    own, other = shown.numbers.facts["own"], shown.numbers.facts["source"]
    heads = grid.locator("thead th .pair")
    expect(heads).to_have_count(len(own))
    for at, (one, two) in enumerate(zip(own, other, strict=True)):
        expect(heads.nth(at)).to_have_text(one if one == two else one + two)


def test_keys_walk_and_patch_and_all_panels_follow(shown: Shown, grid: Locator) -> None:
    grid.focus()
    layers, positions = shown.numbers.arrays["effects"].shape
    expect(reading(shown)).to_contain_text(f"Layer {layers - 1}, token {positions - 1} ")
    for key in ["ArrowDown"] * (layers - 1 - CELL[0]) + ["ArrowLeft"] * (positions - 1 - CELL[1]):
        shown.page.keyboard.press(key)
    expect(reading(shown)).to_contain_text(f"Layer {CELL[0]}, token {CELL[1]} ")
    shown.page.keyboard.press("Enter")
    shown.wait(edits=[cell_edit(*CELL)])
    chips = shown.panels.root.get_by_role("list", name="What is changed of the model")
    expect(chips).to_contain_text("layer 1, token 2, from “The brown quick fox”")
    expect(first_bar(shown)).to_have_attribute("title", exactly(shown, "patched"))
    expect(grid.locator("td.patched")).to_have_count(1)
    # The grid stays that of the text as it is without what is patched.
    expect(reading(shown)).to_contain_text(f": {said(share(shown, *CELL))} of the way")
    shown.page.keyboard.press("Enter")
    shown.wait(edits=[])
    shown.page.keyboard.press("Control+z")
    shown.wait(edits=[cell_edit(*CELL)])


def test_a_click_patches_a_cell(shown: Shown, grid: Locator) -> None:
    grid.locator(f'[data-cell="{CELL[0]}.{CELL[1]}"]').click()
    shown.wait(edits=[cell_edit(*CELL)])
    grid.locator(f'[data-cell="{CELL[0]}.{CELL[1]}"]').click()
    shown.wait(edits=[])


def test_x_takes_a_head_from_the_second_text(shown: Shown) -> None:
    heads = shown.panels.overview
    heads.focus()
    shown.page.keyboard.press("x")
    shown.wait(edits=[HEAD])
    expect(shown.panels.root.locator(".frame.patched")).to_have_count(1)
    expect(shown.panels.root.locator(".frame.off")).to_have_count(0)
    overview = shown.panels.root.get_by_role("region", name="All heads")
    overview.get_by_role("button", name="its own").click()
    shown.wait(edits=[])
    overview.get_by_role("button", name="patch", exact=True).click()
    shown.wait(edits=[HEAD])


def test_an_mlp_is_switched_by_a_key_and_a_click(shown: Shown) -> None:
    shown.set(patch_from="")
    overview = shown.panels.root.get_by_role("region", name="All heads")
    shown.panels.overview.focus()
    off = {"do": "ablate", "part": ["mlp", 1, None, "self"], "by": "zero"}
    shown.page.keyboard.press("m")
    shown.wait(edits=[off])
    button = overview.get_by_role("button", name="MLP 1 off")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    shown.wait(edits=[])


def test_without_a_second_text_there_is_no_grid(show: Show) -> None:
    shown = show("patching", panel="explorer", patch_from="")
    expect(shown.panels.root.get_by_role("region", name="Patching")).to_have_count(0)
    alone = show("patching", panel="patching", patch_from="")
    region = alone.panels.root.get_by_role("region", name="Patching")
    expect(region).to_contain_text("Type a second text")


def test_a_second_text_is_typed_in_the_place_of_the_caption(show: Show) -> None:
    shown = show("patching", panel="explorer", patch_from="", pace=20)
    shown.wait_ready()
    text = shown.panels.root.get_by_role("region", name="Text")
    before = text.bounding_box()
    shown.panels.prompt.press("Alt+p")
    field = text.get_by_role("textbox", name="Second text")
    expect(field).to_be_focused()
    expect(field).to_have_value("The quick brown fox")
    assert text.bounding_box() == before
    field.fill("The brown quick fox")
    expect(text.get_by_role("status")).to_have_text("10 tokens, as here")
    field.press("Escape")
    expect(field).to_have_count(0)
    assert shown.trait("patch_from") == ""
    button = text.get_by_role("button", name="second text")
    button.click()
    text.get_by_role("textbox", name="Second text").fill("The brown quick fox")
    text.get_by_role("button", name="use").click()
    shown.wait(patch_from="The brown quick fox")
    expect(text.get_by_role("button", name="from “The brown quick fox”")).to_be_visible()
    assert text.bounding_box() == before
    shown.page.keyboard.press("Control+z")
    shown.wait(patch_from="")


def test_a_page_says_what_takes_the_model(shown: Shown, grid: Locator) -> None:
    grid.locator('[data-cell="0.0"]').click()
    expect(shown.panels.error).to_contain_text("takes the model")
    assert shown.trait("edits") == []
    region = shown.panels.root.get_by_role("region", name="Patching")
    shown.set(position=4)
    expect(region).to_contain_text("takes the model: the page holds the one that was on screen")
    text = shown.panels.root.get_by_role("region", name="Text")
    text.get_by_role("button", name=re.compile("^from “")).click()
    text.get_by_role("textbox", name="Second text").fill("Another")
    expect(text.get_by_role("status").last).to_contain_text("takes the model")


def test_nothing_above_the_grid_moves(shown: Shown) -> None:
    def boxes() -> list[tuple[float, float]]:
        found = [one.bounding_box() for one in shown.panels.root.locator("section").all()]
        known = [box for box in found if box]
        return [(box["y"] - known[0]["y"], box["height"]) for box in known]

    shown.wait_ready()
    grid = shown.panels.root.get_by_role("application", name="Effect of patching")
    with_grid = boxes()
    click(grid.locator(f'[data-cell="{CELL[0]}.{CELL[1]}"]'))
    shown.settle()
    assert boxes() == with_grid
    shown.set(edits=[], patch_from="")
    shown.settle()
    assert boxes() == with_grid[:-1]


# ── steering ─────────────────────────────────────────────────────────────────────────────────────


def steered(scale: float) -> dict[str, object]:
    part, direction = ["layer", 1, None, "self"], ["fox", "dog"]
    return {"do": "steer", "part": part, "direction": direction, "scale": scale, "align": "last"}


def test_steering_is_typed_and_all_panels_follow(shown: Shown) -> None:
    text = shown.panels.root.get_by_role("region", name="Text")
    shown.wait_ready()
    before = text.bounding_box()
    text.get_by_role("button", name="steer…").click()
    assert text.bounding_box() == before
    line = text.locator(".asked")
    expect(line).to_contain_text("steer layer 1")
    add = line.get_by_role("button", name="add")
    expect(add).to_be_disabled()
    expect(line.get_by_role("textbox", name="from")).to_be_focused()
    shown.page.keyboard.type("dog")
    line.get_by_role("textbox", name="to").fill("fox")
    expect(add).to_be_enabled()
    shown.page.keyboard.press("Enter")
    shown.wait(edits=[steered(1)])
    expect(line).to_have_count(0)
    assert text.bounding_box() == before
    expect(first_bar(shown)).to_have_attribute("title", exactly(shown, "one"))
    shown.page.keyboard.press("Control+z")
    shown.wait(edits=[])


def test_a_slider_changes_how_much(show: Show) -> None:
    shown = show("patching", panel="explorer", edits=[steered(1)])
    chips = shown.panels.root.get_by_role("list", name="What is changed of the model")
    expect(chips).to_contain_text("layer 1 + 1.00 × (“fox” − “dog”)")
    slider = chips.get_by_role("slider", name="Amount of layer 1")
    slider.focus()
    shown.page.keyboard.press("ArrowRight")
    shown.wait(edits=[steered(1.1)])
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "1.10")
    expect(first_bar(shown)).to_have_attribute("title", exactly(shown, "more"))
    shown.page.keyboard.press("Control+z")
    shown.wait(edits=[steered(1)])
    # A page has only some of them.
    shown.page.keyboard.press("ArrowLeft")
    expect(shown.panels.error).to_contain_text("takes the model")
    expect(slider).to_have_attribute("aria-valuetext", "1.00")
