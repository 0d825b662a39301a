"""Attention as lines between two columns of tokens: heads, tokens, scrolling."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.workshop import Shown
from tests.page.drawn import alpha, eventually, expect_weight, inked, picture
from tests.page.panels import Panels, box, click, point

HEADS = [[24, 4], [3, 2], [11, 1]]


@pytest.fixture
def arcs(panels: Panels, shown: Shown) -> Locator:
    """The canvas of the arcs, with all lines of one head."""
    panels.show("Arcs")
    shown.wait(mode="arcs")
    every = panels.attention.get_by_role("button", name="Show all", exact=True)
    if every.count():
        every.click()
    expect(panels.chips).to_have_count(0)
    expect(panels.readout).to_contain_text("Queries on the left, keys on the right.")
    return panels.arcs.locator("canvas")


def token(panels: Panels, side: str, index: int) -> Locator:
    """A token of the left ("from") or right ("to") column."""
    return panels.arcs.locator(f'.arc-token.{side}[data-index="{index}"]')


def lines(canvas: Locator) -> int:
    """How many pixels of the middle, where nothing but lines is, are painted."""
    return int(
        canvas.evaluate(
            """canvas => {
                const context = canvas.getContext("2d");
                const [left, width] = [canvas.width * 0.4, canvas.width * 0.2];
                const { data } = context.getImageData(left, 0, width, canvas.height);
                let count = 0;
                for (let i = 3; i < data.length; i += 4) count += data[i] > 0;
                return count;
            }"""
        )
    )


def shares(panels: Panels, side: str) -> dict[int, float]:
    """The weights that are printed beside the tokens of a column."""
    found = panels.arcs.locator(f".arc-token.{side}:has(.share)").evaluate_all(
        "all => all.map(t => [+t.dataset.index, +t.querySelector('.share').textContent])"
    )
    return {int(index): float(share) for index, share in found}


def test_every_weight_is_a_line(shown, panels, arcs):
    every = lines(arcs)
    assert every > 300
    panels.threshold.press("End")
    shown.wait(threshold=1.0)
    assert (shown.numbers.attention(24, 4) >= 1).sum() == 1
    # The first token sees nothing but itself: a straight line stays.
    eventually(lambda: 0 < lines(arcs) < every / 3)
    panels.threshold.dblclick()
    shown.wait(threshold=0)
    eventually(lambda: lines(arcs) == every)
    pale = picture(arcs)
    panels.scale.select_option("log")
    eventually(lambda: picture(arcs) != pale)


def test_lines_are_there(arcs):
    assert lines(arcs) > 300


def test_a_line_runs_between_its_two_tokens(shown, panels, arcs):
    # From "to" to "Mary", halfway between the two rows in the middle.
    shown.set(threshold=0.8)
    point(token(panels, "from", 13), 0.5, 0.5)
    expect(panels.readout).to_contain_text("to looks most at")
    canvas = box(arcs)
    rows = [box(token(panels, side, at)) for side, at in (("from", 13), ("to", 1))]
    middle = sum(row["y"] + row["height"] / 2 - canvas["y"] for row in rows) / 2
    assert alpha(arcs, 0.5, middle / canvas["height"]) > 0.5
    assert alpha(arcs, 0.5, (middle - 20) / canvas["height"]) == 0


def test_hover_shows_what_a_token_looks_at_and_what_looks_at_it(shown, panels, arcs):
    weights = shown.numbers.attention(24, 4).tolist()
    word = shown.numbers.names
    for query in (13, 9):
        point(token(panels, "from", query), 0.5, 0.5)
        row = weights[query]
        best = max(range(14), key=lambda key: row[key])
        expect(panels.readout).to_contain_text(f"{word[query]} looks most at {word[best]}")
        expect_weight(panels.weight, row[best])
        true = {key: round(share, 2) for key, share in enumerate(row) if share >= 0.005}
        assert shares(panels, "to") == pytest.approx(true, abs=0.0051)
        assert shares(panels, "from") == {}
    for key in (1, 0):
        point(token(panels, "to", key), 0.5, 0.5)
        column = [row[key] for row in weights]
        best = max(range(14), key=lambda query: column[query])
        expect(panels.readout).to_contain_text(f"{word[key]} is looked at most by {word[best]}")
        expect_weight(panels.weight, column[best])
        true = {query: share for query, share in enumerate(column) if share >= 0.005}
        assert shares(panels, "from") == pytest.approx(true, abs=0.0051)
    shown.leave()
    expect(panels.readout).to_contain_text("Queries on the left")
    assert [shown.trait(name) for name in ("position", "direction")] == [-1, "from"]


def test_a_click_pins_either_side_and_escape_shows_all(shown, panels, arcs):
    every = picture(arcs)
    click(token(panels, "from", 9))
    shown.wait(position=9, direction="from")
    shown.leave()
    expect(panels.readout).to_contain_text("John looks most at")
    expect(panels.readout).to_contain_text("pinned · Esc to release")
    expect(token(panels, "from", 9)).to_have_class(re.compile("pinned"))
    expect(panels.caption).to_contain_text("attention from “John”")
    eventually(lambda: picture(arcs) != every)

    click(token(panels, "to", 1))
    shown.wait(position=1, direction="to")
    shown.leave()
    expect(panels.readout).to_contain_text("Mary is looked at most by")
    expect(panels.caption).to_contain_text("attention to “Mary”")
    # The prompt is shaded by attention to the pinned token, from those behind it.
    weights = shown.numbers.attention(24, 4)[:, 1]
    shade = "span => Number(getComputedStyle(span).getPropertyValue('--shade'))"
    for query in (0, 1, 10, 13):
        assert panels.token(query).evaluate(shade) == pytest.approx(weights[query] ** 0.5, abs=2e-3)

    # The same token once more lets go of it; Escape does, too.
    click(token(panels, "to", 1))
    shown.leave()
    shown.wait(position=-1, direction="from")
    expect(panels.readout).to_contain_text("Queries on the left")
    eventually(lambda: picture(arcs) == every)
    click(token(panels, "to", 4))
    shown.leave()
    panels.arcs.focus()
    for _ in range(2):
        shown.page.keyboard.press("Escape")
    shown.wait(position=-1, direction="from")
    expect(panels.readout).to_contain_text("Queries on the left")
    eventually(lambda: picture(arcs) == every)


def test_keys_pin_a_token_and_change_its_side(shown, panels, arcs):
    panels.arcs.focus()
    for key, at in (
        ("ArrowUp", [12, "from"]),
        ("ArrowUp", [11, "from"]),
        ("ArrowDown", [12, "from"]),
        ("Home", [0, "from"]),
        ("ArrowRight", [0, "to"]),
        ("ArrowDown", [1, "to"]),
        ("Shift+ArrowDown", [11, "to"]),
        ("End", [13, "to"]),
        ("Shift+ArrowUp", [3, "to"]),
        ("ArrowLeft", [3, "from"]),
    ):
        shown.page.keyboard.press(key)
        shown.wait(position=at[0], direction=at[1])
        side = "is looked at most by" if at[1] == "to" else "looks most at"
        expect(panels.readout).to_contain_text(side)
    expect_weight(panels.weight, shown.numbers.attention(24, 4)[3].max())
    expect(panels.arcs).to_be_focused()


def test_several_heads_of_any_layers_have_colours_of_their_own(shown, panels, arcs):
    shown.set(heads=HEADS)
    expect(panels.caption).to_contain_text("as the mean of the pinned heads")
    expect(panels.chips).to_have_count(3)
    click(token(panels, "from", 13))
    shown.leave()
    parts = panels.readout.locator("span:has(.head-mark)")
    expect(parts).to_have_count(3)
    rows = np.stack([shown.numbers.attention(*head)[13] for head in HEADS])
    strongest = rows.max(-1)
    word = shown.numbers.names
    best = rows.argmax(-1)
    for index, name in enumerate(("24·4", "3·2", "11·1")):
        expect(parts.nth(index)).to_contain_text(f"{name} {word[best[index]]}")
        expect_weight(parts.nth(index).locator(".weight"), strongest[index])
    for mark in ("stroke", "stroke-dasharray"):
        of = f"all => all.map(one => one.querySelector('.head-mark path').getAttribute('{mark}'))"
        chosen = panels.chips.evaluate_all(of)
        assert len(set(chosen)) == 3, "a colour, and a line, of its own"
        assert parts.evaluate_all(of) == chosen


def test_chips_hide_isolate_and_remove_by_mouse(shown, panels, arcs):
    shown.set(heads=HEADS)
    expect(panels.chips).to_have_count(3)
    shown.settle()
    every = picture(arcs)
    name = [panels.chips.nth(i).get_by_role("button").first for i in range(3)]
    name[1].click()
    expect(name[1]).to_have_attribute("aria-pressed", "false")
    eventually(lambda: picture(arcs) != every)
    fewer = picture(arcs)
    name[1].click()
    expect(name[1]).to_have_attribute("aria-pressed", "true")
    eventually(lambda: picture(arcs) == every)
    name[2].dblclick()
    for chip, pressed in zip(name, ("false", "false", "true"), strict=True):
        expect(chip).to_have_attribute("aria-pressed", pressed)
    eventually(lambda: picture(arcs) not in (every, fewer))
    panels.attention.get_by_role("button", name="Show all", exact=True).click()
    eventually(lambda: picture(arcs) == every)
    assert shown.trait("heads") == HEADS
    panels.chips.nth(1).get_by_role("button", name="Unpin").click()
    shown.wait(heads=[[24, 4], [11, 1]])
    panels.attention.get_by_role("button", name="Unpin all").click()
    shown.wait(heads=[])
    expect(panels.chips).to_have_count(0)


def test_chips_hide_isolate_and_remove_by_key(shown, panels, arcs):
    shown.set(heads=HEADS)
    expect(panels.chips).to_have_count(3)
    name = [panels.chips.nth(i).get_by_role("button").first for i in range(3)]
    name[0].press("Space")
    expect(name[0]).to_have_attribute("aria-pressed", "false")
    name[0].press("Enter")
    expect(name[0]).to_have_attribute("aria-pressed", "true")
    name[1].press("i")
    for chip, pressed in zip(name, ("false", "true", "false"), strict=True):
        expect(chip).to_have_attribute("aria-pressed", pressed)
    panels.attention.get_by_role("button", name="Show all", exact=True).press("Enter")
    expect(name[0]).to_have_attribute("aria-pressed", "true")
    name[1].press("Delete")
    shown.wait(heads=[[24, 4], [11, 1]])
    panels.attention.get_by_role("button", name="Unpin all").press("Enter")
    shown.wait(heads=[])


def test_a_head_that_is_chosen_again_is_shown(shown, panels, arcs):
    shown.set(heads=[(24, 4), (3, 2)])
    expect(panels.chips).to_have_count(2)
    first = panels.chips.first.get_by_role("button").first
    first.press("Space")
    expect(first).to_have_attribute("aria-pressed", "false")
    first.press("Delete")
    shown.wait(heads=[[3, 2]])
    panels.attention.get_by_role("button", name="Pin head 24·4").click()
    shown.wait(heads=[[3, 2], [24, 4]])
    chip = panels.chips.last.get_by_role("button").first
    expect(chip).to_have_attribute("aria-pressed", "true")


def test_a_whole_layer_is_chosen(shown, panels, arcs):
    panels.attention.get_by_role("button", name="Pin all of layer 24").click()
    shown.wait(heads=[[24, head] for head in range(8)])
    expect(panels.chips).to_have_count(8)
    eventually(lambda: inked(arcs) > 1000)


def test_arcs_without_the_first_token(shown, panels, arcs):
    row = shown.numbers.attention(24, 4)[13]
    panels.sink.click()
    shown.wait(hide_sink=True)
    point(token(panels, "from", 13), 0.5, 0.5)
    expect_weight(panels.weight, row[1] / (1 - row[0]))
    assert 0 not in shares(panels, "to")
    expect(panels.attention).to_contain_text("First token left out")


def test_a_long_text_scrolls_and_the_pinned_token_stays_in_sight(show):
    shown = show("512-tokens", mode="arcs")
    panels, count = shown.panels, len(shown.numbers.labels)
    expect(panels.root.get_by_text(f"{count} tokens")).to_be_visible()
    panels.arcs.scroll_into_view_if_needed()
    panels.arcs.press("Home")
    expect(token(panels, "from", 15)).to_be_attached()
    drawn = panels.arcs.locator(".arc-token")
    assert drawn.count() < 80, "only what is in sight is in the page"
    click(token(panels, "from", 3))
    shown.wait(position=3)
    page = box(panels.arcs)
    shown.page.mouse.move(page["x"] + page["width"] / 2, page["y"] + page["height"] / 2)
    for _ in range(4):
        shown.page.mouse.wheel(0, 400)
    eventually(lambda: panels.arcs.evaluate("page => page.scrollTop") > 300)
    held = token(panels, "from", 3)
    expect(held).to_have_class(re.compile("stuck"))
    place = box(held)
    assert page["y"] - 1 <= place["y"] <= page["y"] + page["height"] - place["height"] + 1
    assert drawn.count() < 80

    panels.arcs.focus()
    shown.page.keyboard.press("End")
    shown.wait(position=count - 1)
    shown.leave()
    place = box(token(panels, "from", count - 1))
    assert page["y"] - 1 <= place["y"] <= page["y"] + page["height"] - place["height"] + 1
    expect_weight(panels.weight, shown.numbers.arrays["last rows"][-1].max())


def test_pieces_of_a_character_are_explained(show):
    shown = show("cjk", mode="arcs")
    index = shown.numbers.labels.index("界 2/3")
    shown.set(position=index, direction="to")
    label = token(shown.panels, "to", index).locator(".token-label")
    expect(label).to_have_attribute("title", "second of the three tokens that make 界")
    assert shown.numbers.labels[index - 4] == "，"
    whole = token(shown.panels, "to", index - 4).locator(".token-label")
    assert whole.get_attribute("title") is None


def test_an_arrow_leads_to_the_strongest_key_out_of_sight(show):
    shown = show("512-tokens", mode="arcs")
    panels = shown.panels
    row = shown.numbers.arrays["last rows"][-1]
    best = int(row.argmax())
    panels.arcs.press("End")
    shown.leave()
    expect_weight(panels.weight, row.max())
    name = panels.readout.locator(".token-label").last.text_content()
    arrow = panels.arcs.locator(".beyond")
    assert best < len(row) - 40, "the strongest is above what is in sight"
    expect(arrow).to_have_text(f"↑ {name}")
    page, place = box(panels.arcs), box(arrow)
    assert abs(place["y"] - page["y"]) < 2
    panels.arcs.evaluate("page => page.scrollTop = 0")
    expect(arrow).to_have_count(0 if best < 15 else 1)
    panels.arcs.evaluate("page => page.scrollTop = page.scrollHeight")
    arrow.click()
    expect(arrow).to_have_count(0)
    place = box(token(panels, "to", best))
    assert page["y"] <= place["y"] <= page["y"] + page["height"] - place["height"]
    # What was in focus still is.
    expect_weight(panels.weight, row.max())
    expect(panels.arcs).to_be_focused()
    assert box(panels.arcs) == page


def test_mode_heads_and_direction_follow_what_is_set(shown, panels):
    shown.set(mode="arcs", heads=[[24, 4], [2, 1]], position=1, direction="to")
    expect(panels.mode("Arcs")).to_be_checked()
    expect(panels.chips).to_have_text([re.compile("24·4"), re.compile("2·1")])
    expect(panels.readout).to_contain_text("Mary is looked at most by")
    shown.set(direction="from")
    expect(panels.readout).to_contain_text("Mary looks most at")
    panels.mode("Arcs").press("ArrowLeft")
    shown.wait(mode="matrix")
    expect(panels.matrix).to_be_visible()
