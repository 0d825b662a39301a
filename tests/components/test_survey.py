"""All heads over many texts, against Python's numbers: by mouse, by keys, and what a page lacks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.panels import click

PANELS = ["survey", "tokens", "attention"]


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("survey", panel="survey")


def panel(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Survey")


def plot(shown: Shown) -> Locator:
    return panel(shown).get_by_role("application")


def reading(shown: Shown) -> Locator:
    return panel(shown).locator(".survey-reading")


def centre(shown: Shown, index: int) -> tuple[float, float]:
    """Where a head is, on the page."""
    box = panel(shown).locator("circle.head").nth(index).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def alone(shown: Shown) -> int:
    """A head that no other is near."""
    there = np.array([centre(shown, n) for n in range(len(shown.numbers.facts["heads"]))])
    apart = np.linalg.norm(there[:, None] - there, axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(apart.min(1).argmax())


def test_every_head_is_at_its_means(shown: Shown) -> None:
    numbers = shown.numbers
    there = np.array([centre(shown, n) for n in range(len(numbers.facts["heads"]))])
    for axis, score, sign in ((0, "activity", 1), (1, "previous", -1)):
        means = numbers.arrays[f"{score} mean"]
        slope, base = np.polyfit(means, there[:, axis], 1)
        assert np.sign(slope) == sign
        assert np.abs(slope * means + base - there[:, axis]).max() < 1, "pixels off a line"


def test_the_head_in_focus_is_told_with_its_spread(shown: Shown) -> None:
    at = shown.numbers.facts["heads"].index([1, 2])
    expect(reading(shown)).to_contain_text("1·2")
    for score, name in (("activity", "activity"), ("previous", "previous token")):
        mean, std, sem = (
            f"{shown.numbers.arrays[f'{score} {one}'][at]:.3f}" for one in ("mean", "std", "sem")
        )
        expect(reading(shown)).to_contain_text(f"{name} {mean} ± {sem} (13 texts)")
        expect(reading(shown)).to_contain_text(std)


def test_hover_names_a_head_and_a_click_puts_it_in_focus(shown: Shown) -> None:
    index = alone(shown)
    layer, head = shown.numbers.facts["heads"][index]
    shown.page.mouse.move(*centre(shown, index))
    expect(reading(shown).locator("b")).to_have_text(f"{layer}·{head}")
    assert (shown.trait("layer"), shown.trait("head")) == (1, 2)
    shown.page.mouse.click(*centre(shown, index))
    shown.wait(layer=layer, head=head)
    expect(panel(shown).locator("h4")).to_have_text(f"Head {layer}·{head}")
    shown.page.keyboard.down("Shift")
    shown.page.mouse.click(*centre(shown, index))
    shown.page.keyboard.up("Shift")
    shown.wait(heads=[[layer, head]])


def test_a_frame_chooses_heads_eight_at_most_and_is_taken_back(shown: Shown) -> None:
    box = plot(shown).bounding_box()
    assert box is not None
    shown.page.mouse.move(box["x"] + 60, box["y"] + 30)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 40, steps=4)
    expect(panel(shown).locator(".brush")).to_be_visible()
    shown.page.mouse.up()
    expect(panel(shown)).to_contain_text("12 heads are in the frame: the 8 highest are chosen.")
    previous = shown.numbers.arrays["previous mean"]
    highest = [shown.numbers.facts["heads"][n] for n in np.argsort(-previous)[:8]]
    shown.wait(heads=highest)
    expect(panel(shown).locator("circle.ring:not(.focus)")).to_have_count(8)
    plot(shown).focus()
    shown.page.keyboard.press("Control+z")
    shown.wait(heads=[])


def test_keys_walk_choose_and_frame(shown: Shown) -> None:
    plot(shown).focus()
    shown.page.keyboard.press("ArrowDown")
    shown.settle()
    layer, head = shown.trait("layer"), shown.trait("head")
    assert [layer, head] != [1, 2]
    heads = shown.numbers.facts["heads"]
    previous = shown.numbers.arrays["previous mean"]
    assert previous[heads.index([layer, head])] < previous[heads.index([1, 2])]
    shown.page.keyboard.press("Space")
    shown.wait(heads=[[layer, head]])
    shown.page.keyboard.press("Space")
    shown.wait(heads=[])
    shown.page.keyboard.press("Shift+ArrowUp")
    shown.page.keyboard.press("Shift+ArrowRight")
    expect(panel(shown).locator(".brush")).to_be_visible()
    assert [layer, head] in shown.trait("heads")
    expect(panel(shown).locator(".legend")).to_contain_text("in the frame")


def test_axes_can_be_any_scores(shown: Shown) -> None:
    panel(shown).get_by_label("Across").select_option(label="distance")
    shown.wait(x="distance")
    means = shown.numbers.arrays["distance mean"]
    there = np.array([centre(shown, n)[0] for n in range(len(means))])
    slope, base = np.polyfit(means, there, 1)
    assert np.abs(slope * means + base - there).max() < 1
    expect(reading(shown)).to_contain_text(f"distance {means[6]:.3f}")
    panel(shown).get_by_label("Up").select_option(label="repeats (induction)")
    shown.wait(y="induction")
    expect(panel(shown).locator(".axis-name").last).to_have_text("↑ repeats (induction)")


def test_distances_and_pairs_are_pythons(shown: Shown) -> None:
    share = shown.numbers.arrays["share"]
    titles = panel(shown).locator(".distances title")
    expect(titles).to_have_count(len(share))
    first = titles.first.text_content()
    assert first == f"{100 * share[0]:#.3g} % of its weight goes 0 tokens far"
    bars = panel(shown).locator(".distances rect.bar")
    heights = np.array(bars.evaluate_all("all => all.map(one => +one.getAttribute('height'))"))
    each = share / np.where(np.arange(len(share)) < 16, 1, 8)
    assert np.abs(heights / heights.max() - each / each.max()).max() < 1e-3
    for number, (query, key) in enumerate(shown.numbers.facts["pairs"]):
        labels = panel(shown).locator(".pairs li").nth(number).locator(".token-label")
        expect(labels).to_have_text([query, key])


def test_texts_are_listed_and_open_below(show: Show) -> None:
    shown = show("survey", _panels=PANELS, size=(1200, 1600))
    facts = shown.numbers.facts
    listed = panel(shown).locator(".example")
    expect(listed.locator(".ellipsis")).to_have_text(facts["strongest"])
    expect(listed.locator(".muted")).to_have_text([f"{one:.3f}" for one in facts["activity"]])
    text = facts["held"][0]
    place = listed.first.bounding_box()
    click(listed.filter(has_text=text).first)
    shown.wait(text=text)
    expect(listed.filter(has_text=text).first).to_have_attribute("aria-current", "true")
    tokens = shown.panels.root.get_by_role("region", name="Text")
    expect(tokens).to_contain_text(text.split()[0])
    assert listed.first.bounding_box() == place, "nothing of the survey moves"
    panel(shown).get_by_text("deciles").click()
    shown.wait(examples="deciles")
    expect(listed).to_have_count(10)
    expect(listed.first).to_have_attribute("title", re.compile("middle of tenth 1 of 10"))


def test_a_text_that_the_page_lacks_says_so(shown: Shown) -> None:
    facts = shown.numbers.facts
    there = {*facts["held"], "The quick brown fox"}
    other = next(text for text in facts["strongest"] if text not in there)
    entry = panel(shown).locator(".example").filter(has_text=other).first
    expect(entry).to_have_attribute("aria-disabled", "true")
    expect(entry).to_have_attribute("title", "Reading another text takes the model.")
    entry.click(force=True)
    shown.settle()
    assert shown.trait("text") == "The quick brown fox"


def test_it_says_how_many_were_read_and_what_was_skipped(shown: Shown) -> None:
    expect(panel(shown)).to_contain_text("13 texts read")
    expect(panel(shown)).to_contain_text("2 texts were skipped. The first:")
    expect(panel(shown).get_by_role("button", name="Go on")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 600, 1150, 1400])
def test_nothing_sticks_out(shown: Shown, width: int) -> None:
    shown.widen(width)
    main = shown.page.locator("main")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth + 1")
    over = panel(shown).evaluate(
        """panel => [...panel.querySelectorAll("h3, .survey-top, .scatter, .head-over, .foot")]
            .filter(one => one.getBoundingClientRect().right
                > panel.getBoundingClientRect().right + 1).length"""
    )
    assert over == 0
    clipped = reading(shown).evaluate("one => one.scrollHeight > one.clientHeight + 1")
    assert not clipped, "all of the reading is read"


def test_the_stage_begins_with_the_survey(show: Show) -> None:
    shown = show("survey", _panels=PANELS, size=(1280, 720), lecture=True)
    expect(shown.panels.root.get_by_role("button", name="Survey")).to_have_attribute(
        "aria-pressed", "true"
    )
    box = plot(shown).bounding_box()
    assert box is not None and box["y"] + box["height"] <= 720 and box["height"] > 150
    shown.panels.root.get_by_role("button", name="Matrix").click()
    expect(plot(shown)).to_have_count(0)
