"""A training step by step, against what was kept of it: slider, play, curve, runs and the stage."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.drawn import expect_weight

PANELS = ["training", "tokens", "overview", "attention", "next-token"]


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("training", _panels=PANELS, size=(1360, 1400), width=1300)


def panel(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Training")


def slider(shown: Shown) -> Locator:
    return panel(shown).get_by_role("slider", name="Step that is shown")


def press(shown: Shown, *keys: str) -> None:
    slider(shown).focus()
    for key in keys:
        shown.page.keyboard.press(key)


def steps_of(shown: Shown, run: int = 0) -> list[int]:
    return [int(step) for step in shown.numbers.arrays[f"{run}/steps"]]


def loss_at(shown: Shown, step: int) -> float:
    arrays = shown.numbers.arrays
    return float(arrays["0/loss"][arrays["0/step"].tolist().index(step)])


def expect_as_kept(shown: Shown, step: int) -> None:
    """The matrix and the bars are those of this step, as Python has them."""
    facts, arrays = shown.numbers.facts, shown.numbers.arrays
    expect(panel(shown).locator(".at b")).to_have_text(f"step {step}")
    weights = arrays[f"0/0/self/attention/{step}"][1, 2]
    query = len(weights) - 1
    key = int(weights[query].argmax())
    expect_weight(shown.panels.weight, float(weights[query, key]))
    top = facts["runs"][0]["top"][0][steps_of(shown).index(step)][-1]
    rows = shown.panels.next.locator(".bars li")
    for number, (label, prob) in enumerate(top):
        expect(rows.nth(number).locator(".name")).to_contain_text(label.strip("·"))
        title = rows.nth(number).locator(".value").get_attribute("title") or ""
        found = float(title.split(" %")[0])
        assert abs(found - 100 * prob) < 0.006 * 100 * prob, (label, title)


def test_the_slider_shows_each_step_as_it_was_kept(shown: Shown) -> None:
    steps = steps_of(shown)
    expect_as_kept(shown, steps[-1])
    press(shown, "Home")
    shown.wait(step=steps[0])
    expect_as_kept(shown, steps[0])
    middle = steps[len(steps) // 2]
    shown.set(step=middle)
    shown.settle()
    expect_as_kept(shown, middle)
    reading = f"loss {loss_at(shown, middle):.3g}"
    expect(panel(shown).locator(".at")).to_contain_text(reading)
    said = re.compile(f"step {middle}, {reading}")
    expect(slider(shown)).to_have_attribute("aria-valuetext", said)


def test_keys_walk_the_kept_steps(shown: Shown) -> None:
    steps = steps_of(shown)
    for key, at in (("Home", 0), ("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1),
                    ("Shift+ArrowRight", 11), ("Shift+ArrowLeft", 1), ("End", -1)):  # fmt: skip
        press(shown, key)
        shown.wait(step=steps[at])
    shown.page.keyboard.press("Control+z")
    shown.wait(step=steps[1])


def test_it_follows_the_newest_until_it_is_moved(shown: Shown) -> None:
    newest = panel(shown).get_by_role("button", name="newest")
    expect(newest).to_have_attribute("aria-pressed", "true")
    press(shown, "ArrowLeft")
    expect(newest).to_have_attribute("aria-pressed", "false")
    newest.click()
    shown.wait(step=-1)
    expect(panel(shown).locator(".at b")).to_have_text("step 200")


def test_it_plays_to_the_end_and_stops_there(shown: Shown) -> None:
    steps = steps_of(shown)
    shown.set(step=steps[-4])
    panel(shown).get_by_label("Steps a second").select_option("25")
    press(shown, "Space")
    expect(panel(shown).get_by_role("button", name="Pause")).to_be_visible()
    shown.wait(step=steps[-1])
    expect(panel(shown).get_by_role("button", name="Play")).to_be_visible()
    # Again, from the first; and it can be paused.
    panel(shown).get_by_role("button", name="Play").click()
    shown.page.wait_for_function("window.workshop.traits.get('step') < 50")
    panel(shown).get_by_role("button", name="Pause").click()
    at = shown.trait("step")
    shown.page.wait_for_timeout(150)
    assert shown.trait("step") == at
    assert steps[0] <= at < steps[-1]


def curve(shown: Shown, kind: str) -> np.ndarray:
    """The corners of a line (points, 2), in pixels."""
    path = panel(shown).locator(f".curve {kind}").first.get_attribute("d") or ""
    return np.array([float(one) for one in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)


def test_the_curve_goes_through_the_losses(shown: Shown) -> None:
    arrays = shown.numbers.arrays
    corners = curve(shown, ".series.loss path")
    assert len(corners) == len(arrays["0/loss"])
    for axis, values in ((0, arrays["0/step"]), (1, arrays["0/loss"])):
        slope, base = np.polyfit(values, corners[:, axis], 1)
        assert np.abs(slope * values + base - corners[:, axis]).max() < 0.02
    panel(shown).get_by_role("button", name="log loss").click()
    corners = curve(shown, ".series.loss path")
    values = np.log(arrays["0/loss"])
    slope, base = np.polyfit(values, corners[:, 1], 1)
    assert np.abs(slope * values + base - corners[:, 1]).max() < 0.02
    panel(shown).get_by_role("button", name="log steps").click()
    corners = curve(shown, ".series.loss path")
    values = np.log(arrays["0/step"] + 1)
    slope, base = np.polyfit(values, corners[:, 0], 1)
    assert np.abs(slope * values + base - corners[:, 0]).max() < 0.02


def test_a_score_of_the_head_in_focus_is_on_the_right_axis(shown: Shown) -> None:
    choice = panel(shown).get_by_label("Score of the head in focus")
    choice.select_option(label="1·2 previous token")
    expect(panel(shown).locator("g.score text")).to_have_count(3)
    scores = shown.numbers.arrays["0/0/self/scores"]
    for layer, head in ((1, 2), (0, 3)):
        shown.set(layer=layer, head=head)
        shown.settle()
        corners = curve(shown, "path.score")
        values = scores[:, 0, layer, head]
        top, end = (
            float(panel(shown).locator("g.score text").nth(n).get_attribute("y") or 0)
            for n in (2, 0)
        )
        full = float(panel(shown).locator("g.score text").last.text_content() or 0)
        expected = end + (top - end) * values / full
        # A number's line is 4 pixels below the middle of the number.
        assert np.abs(expected - 4 - corners[:, 1]).max() < 0.05
    choice.select_option("")
    expect(panel(shown).locator("g.score text")).to_have_count(0)


def test_a_click_on_the_curve_shows_the_nearest_step_and_a_drag_the_next_ones(shown: Shown) -> None:
    box = panel(shown).locator(".curve").bounding_box()
    corners = curve(shown, ".series.loss path")
    assert box
    left, right = corners[0, 0], corners[-1, 0]
    x = box["x"] + left + (right - left) * 51.2 / 200
    y = box["y"] + box["height"] / 2
    shown.page.mouse.move(x, y)
    expect(panel(shown).locator("text.hovered")).to_have_text(f"50: {loss_at(shown, 50):.3g}")
    assert shown.trait("step") == -1
    shown.page.mouse.down()
    shown.wait(step=50)
    shown.page.mouse.move(box["x"] + left + (right - left) * 96 / 200, y, steps=3)
    shown.wait(step=95)
    shown.page.mouse.up()
    shown.page.mouse.move(box["x"] + left, y)
    shown.settle()
    assert shown.trait("step") == 95


def test_another_text_is_shown_at_the_same_step(shown: Shown) -> None:
    shown.set(step=100)
    facts = shown.numbers.facts["runs"][0]
    panel(shown).get_by_label("Which of the texts").select_option("1")
    shown.wait(probe=1, text=facts["probes"][1])
    tokens = shown.panels.root.get_by_role("region", name="Text", exact=True)
    expect(tokens).to_contain_text("duck")
    top = facts["top"][1][steps_of(shown).index(100)][-1]
    expect(shown.panels.next.locator(".bars li").first).to_contain_text(top[0][0].strip("·"))


def test_the_thumbnails_and_scores_are_those_of_the_step(shown: Shown) -> None:
    scores = shown.numbers.arrays["0/0/self/scores"]
    for step in (0, 100):
        shown.set(step=step)
        shown.settle()
        row = shown.panels.root.get_by_role("region", name="All heads").locator(".habit")
        value = scores[steps_of(shown).index(step), 0, 1, 2]
        expect(row).to_contain_text(f"previous token {value:.3f}")


def test_two_runs_share_the_axes_and_the_other_is_a_click_away(show: Show) -> None:
    shown = show("training-two", _panels=PANELS, size=(1360, 1400), width=1300, held=-1, step=50)
    names = [run["name"] for run in shown.numbers.facts["runs"]]
    expect(panel(shown).locator(".curve .series")).to_have_count(2)
    values = np.concatenate([shown.numbers.arrays[f"{run}/loss"] for run in (0, 1)])
    # The run on screen is drawn last.
    found = [
        np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)[:, 1]
        for path in panel(shown)
        .locator(".curve .series path")
        .evaluate_all("all => all.map(one => one.getAttribute('d'))")
    ]
    corners = np.concatenate(found[::-1])
    slope, base = np.polyfit(values, corners, 1)
    assert np.abs(slope * values + base - corners).max() < 0.02
    panel(shown).get_by_text(names[1], exact=True).click()
    shown.wait(run=1, step=50)
    assert names[1] in (panel(shown).get_by_role("heading").text_content() or "")


def test_nothing_moves_when_a_step_is_held_played_or_pointed_at(shown: Shown) -> None:
    places = """root => [...root.querySelectorAll("section, button, select, input, .at, .curve")]
        .filter(one => !one.closest(".sides, .results, dialog"))
        .map(one => one.getBoundingClientRect()).map(({x, y, height}) => [x, y, height])"""
    root = shown.panels.root.locator(".llmscope")
    before = root.evaluate(places)
    panel(shown).get_by_role("button", name="Hold this step").click()
    shown.settle()
    assert root.evaluate(places) == before
    press(shown, "Home")
    panel(shown).locator(".curve").hover()
    shown.settle()
    assert root.evaluate(places) == before


@pytest.mark.parametrize("width", [390, 600, 1150, 1400])
def test_nothing_sticks_out(show: Show, width: int) -> None:
    shown = show("training-two", _panels=["training"], side="difference")
    shown.widen(width)
    main = shown.page.locator("main")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth + 1")
    over = panel(shown).evaluate(
        """panel => [...panel.querySelectorAll("h3, .flow, .flow > *, .curve svg, button, .foot")]
            .filter(one => one.getBoundingClientRect().right
                > panel.getBoundingClientRect().right + 1
                || one.getBoundingClientRect().left < panel.getBoundingClientRect().left - 1)
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert over == []


def test_the_stage_begins_with_the_curve_and_keeps_the_slider(show: Show) -> None:
    shown = show("training", _panels=PANELS, size=(1280, 720), lecture=True, step=95)
    root = shown.panels.root
    tab = root.get_by_role("button", name="Training", exact=True)
    expect(tab).to_have_attribute("aria-pressed", "true")
    box = panel(shown).locator(".curve").bounding_box()
    assert box and box["height"] > 120 and box["y"] + box["height"] < 720
    expect(slider(shown)).to_have_count(1)
    root.get_by_role("button", name="Matrix").click()
    expect(panel(shown).locator(".curve")).to_have_count(0)
    expect(slider(shown)).to_be_visible()
    press(shown, "ArrowRight")
    shown.wait(step=100)
    expect_as_kept(shown, 100)


def test_help_lists_its_keys(shown: Shown) -> None:
    slider(shown).focus()
    shown.page.keyboard.press("?")
    keys = shown.panels.root.get_by_role("region", name="Slider of steps")
    expect(keys).to_contain_text("Ten steps before or after")
