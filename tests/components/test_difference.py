"""A text under edits less the same text without them, panel by panel, against Python's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.workshop import Shown


@pytest.fixture
def edited(show: Show) -> Shown:
    return show("edited", panel="explorer", layer=2, head=1, chain_rule=True)


def signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def boxes(shown: Shown) -> list[tuple[float, float]]:
    """Where each panel begins below the first, and how high it is."""
    found = [panel.bounding_box() for panel in shown.panels.root.locator("section").all()]
    known = [box for box in found if box]
    return [(box["y"] - known[0]["y"], box["height"]) for box in known]


def choose(shown: Shown, side: str) -> None:
    control = shown.panels.root.get_by_role("radiogroup", name="What is shown of the text")
    control.get_by_role("radio", name=side).check(force=True)
    shown.wait(side=side)


def test_the_matrix_is_the_one_less_the_other(edited: Shown) -> None:
    choose(edited, "difference")
    panels, expected = edited.panels, edited.numbers.arrays["difference"]
    title = panels.root.get_by_role("region", name="Attention").get_by_role("heading")
    expect(title).to_contain_text("difference")
    query = expected.shape[0] - 1
    key = int(np.abs(expected[query]).argmax())
    value = expected[query, key]
    # A page rounds weights, and says by how much.
    expect(panels.weight).to_have_text(signed(value, 3))
    expect(panels.readout).to_contain_text("edited less untouched")
    for row, column in ((query, 1), (query - 1, 0), (2, 2)):
        panels.root.get_by_role("application", name="Attention matrix").focus()
        edited.set(position=row)
        edited.settle()
        cells = panels.root.locator(".cells")
        box = cells.bounding_box()
        assert box
        size = box["width"] / expected.shape[1]
        cells.hover(position={"x": (column + 0.5) * size, "y": (row + 0.5) * size})
        shown = panels.weight.text_content() or ""
        found = float(shown.replace("−", "-").replace("+", ""))
        assert abs(found - expected[row, column]) < 1.1e-3
        assert found == 0 or shown[0] in "+−"


def test_the_bars_say_by_how_much_a_token_changes(edited: Shown) -> None:
    facts = edited.numbers.facts
    choose(edited, "difference")
    row = edited.panels.next.locator(".bars li").first
    change = 100 * (facts["now"] - facts["untouched"])
    found = (row.locator(".value").text_content() or "").replace("−", "-")
    assert found.endswith(" pp")
    assert abs(float(found.removesuffix(" pp")) - change) < 0.01
    expect(row.locator(".value")).to_have_attribute("title", re.compile("edited, .* untouched"))
    expect(row.locator(".base")).to_be_visible()
    moved = f"probability moved {100 * facts['moved']:#.3g} %"
    expect(edited.panels.next.locator(".legend")).to_contain_text(moved)


def test_the_chain_says_how_much_more_surprising_each_token_is(edited: Shown) -> None:
    choose(edited, "difference")
    chain = edited.panels.root.get_by_role("region", name="Chain rule")
    expected = edited.numbers.arrays["surprisal"]
    bars = chain.locator("button.factor .height > span:first-child")
    expect(bars).to_have_text([signed(value, 2) for value in expected])
    perplexities = [f"{value:.3g}" for value in edited.numbers.facts["perplexities"]]
    expect(chain.locator(".total b").nth(1)).to_have_text(perplexities[0])
    expect(chain.locator(".total b").nth(2)).to_have_text(perplexities[1])
    up = chain.locator("button.factor .up").count()
    assert up == int((expected >= 0).sum())


def test_the_lens_says_where_the_two_part(show: Show) -> None:
    shown = show("edited", panel="lens", side="difference", width=1350)
    arrays, words = shown.numbers.arrays, shown.numbers.facts["words"]
    apart = np.argwhere(arrays["ids_a"] != arrays["ids_b"])
    layer, position = map(int, apart[-1])
    shown.set(layer=layer - 1, position=position)
    shown.settle()
    reading = shown.panels.root.locator(".lens-reading")
    divergence = arrays["divergence"][layer, position]
    expect(reading).to_contain_text(f"{divergence:.2f} bits")
    for side in ("a", "b"):
        name = words[int(arrays[f"ids_{side}"][layer, position])]
        expect(reading).to_contain_text(name.removeprefix("·"))
    first = int(apart[apart[:, 1] == position][0, 0])
    expect(reading).to_contain_text(f"Layer {first - 1}")
    bold = shown.panels.root.locator("td.parted")
    expect(bold).to_have_count(len(apart))


@pytest.mark.parametrize("mode", ["arcs", "steps"])
def test_what_has_no_difference_says_so(edited: Shown, mode: str) -> None:
    choose(edited, "difference")
    edited.set(mode=mode)
    attention = edited.panels.root.get_by_role("region", name="Attention")
    expect(attention).to_contain_text(f"{mode.capitalize()} are of the edited text")
    expect(attention.get_by_role("heading")).not_to_contain_text("difference")


def test_the_untouched_text_is_shown_in_every_panel(edited: Shown) -> None:
    likeliest = edited.numbers.facts["likeliest"]
    share = edited.panels.next.locator(".bars li").first.locator(".value")
    said = re.compile(rf"^{100 * likeliest:#.3g} %")
    expect(share).not_to_have_attribute("title", said)
    choose(edited, "untouched")
    expect(share).to_have_attribute("title", said)
    expect(edited.panels.next.locator(".legend")).not_to_contain_text("untouched")
    # What is switched now is seen.
    edited.panels.root.get_by_role("application", name="Heads by layer").focus()
    edited.set(layer=1, head=2)
    edited.page.keyboard.press("x")
    edited.wait(side="edited", edits=[])


def test_keys_turn_to_the_difference_and_back(edited: Shown) -> None:
    edited.panels.root.get_by_role("application", name="Heads by layer").focus()
    for key, side in (("d", "difference"), ("Shift+D", "untouched"), ("Shift+D", "edited"),
                      ("d", "difference"), ("d", "edited")):  # fmt: skip
        edited.page.keyboard.press(key)
        edited.wait(side=side)
    edited.page.keyboard.press("Control+z")
    edited.wait(side="difference")


def test_there_is_nothing_to_choose_without_edits(edited: Shown) -> None:
    control = edited.panels.root.get_by_role("radiogroup", name="What is shown of the text")
    expect(control).to_be_visible()
    edited.panels.root.get_by_role("button", name="switch off").focus()
    edited.set(edits=[])
    expect(control).to_have_count(0)
    edited.page.keyboard.press("d")
    edited.settle()
    assert edited.trait("side") == "edited"


@pytest.mark.parametrize("width", [1360, 900, 700, 390])
def test_nothing_moves_when_a_head_is_switched_or_the_side(edited: Shown, width: int) -> None:
    edited.widen(width)
    before = boxes(edited)
    assert len(before) > 3
    for side in ("difference", "untouched", "edited"):
        choose(edited, side)
        edited.settle()
        assert boxes(edited) == before, side
    edited.set(edits=[])
    edited.settle()
    assert boxes(edited) == before
