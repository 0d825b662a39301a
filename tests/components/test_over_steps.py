"""Pictures over the steps of a training, against Python's numbers: by mouse, by keys, and saved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.boxes import Places, recorded
from tests.components.conftest import Show
from tests.components.numbers import Numbers
from tests.components.workshop import Shown
from tests.page.panels import box

PANELS = ["stream", "became", "head-steps", "lens-steps"]
NAMES = {
    "stream": "Next token over steps",
    "became": "What heads became",
    "head-steps": "Head over steps",
    "lens-steps": "Layers over steps",
}
# In the order of the arrays: what they are called, and their letters.
SCORES = {
    "previous token": "p",
    "first token": "f",
    "same token": "s",
    "repeats (induction)": "r",
    "nearby": "n",
    "spread out": "o",
}
TALL = (1190, 1500)


@pytest.fixture
def shown(show: Show) -> Shown:
    return opened(show, "training")


def opened(show: Show, name: str, **chosen: Any) -> Shown:
    return show(name, **{"size": TALL, "panel": "all", "_panels": ["training", *PANELS], **chosen})


def panel(shown: Shown, name: str) -> Locator:
    return shown.panels.root.get_by_role("region", name=NAMES[name])


def plot(shown: Shown, name: str) -> Locator:
    return panel(shown, name).get_by_role("application")


def steps_of(numbers: Numbers, run: int = 0) -> list[int]:
    return [int(step) for step in numbers.arrays[f"{run}/steps"]]


def leaders(numbers: Numbers, probe: int, place: int) -> dict[str, list[float | None]]:
    """The four tokens that are ever most likely, with their probability at each step."""
    rows = [dict(at[place]) for at in numbers.facts["runs"][0]["top"][probe]]
    most: dict[str, float] = {}
    for row in rows:
        for token, prob in row.items():
            most[token] = max(prob, most.get(token, 0))
    best = sorted(most, key=lambda token: -most[token])[:4]
    return {token: [row.get(token) for row in rows] for token in best}


def widths(path: str, places: list[float]) -> list[float | None]:
    """How far the edges of a ribbon are apart at each place, in pixels."""
    ends = re.findall(r"[ML ]?(-?[\d.]+) (-?[\d.]+)(?=[MLCZ]|$)", path)
    found: list[float | None] = []
    for place in places:
        here = [float(y) for x, y in ends if abs(float(x) - place) < 0.02]
        found.append(max(here) - min(here) if here else None)
    return found


def test_ribbons_are_as_wide_as_tokens_are_likely(shown: Shown) -> None:
    steps = steps_of(shown.numbers)
    ground = panel(shown, "stream").locator("rect.rest")
    left, wide, high = (float(ground.get_attribute(name)) for name in ("x", "width", "height"))
    places = [left + wide * step / steps[-1] for step in steps]
    ribbons = panel(shown, "stream").locator("path.ribbon").all()
    paths = [path.get_attribute("d") or "" for path in ribbons]
    place = len(shown.numbers.facts["runs"][0]["positions"][0]) - 1
    for path, known in zip(paths, leaders(shown.numbers, 0, place).values(), strict=False):
        drawn = widths(path, places)
        for width, prob in zip(drawn, known, strict=True):
            if prob is not None:
                assert width is not None and abs(width - prob * high) < 0.05
    rest = widths(panel(shown, "stream").locator("path.rest").get_attribute("d") or "", places)
    each = np.array([[one or 0 for one in widths(path, places)] for path in paths])
    assert np.abs(each.sum(0) + np.array(rest, float) - high).max() < 0.5, "columns are whole"


def test_a_ribbon_is_read_by_mouse_and_by_keys(shown: Shown) -> None:
    numbers, steps = shown.numbers, steps_of(shown.numbers)
    reading = panel(shown, "stream").locator(".stream-reading")
    top = numbers.facts["runs"][0]["top"][0]

    def expect_read(step: int, rank: int) -> None:
        token, prob = top[steps.index(step)][-1][rank]
        told = f"{token} {100 * prob:#.3g} % at step {step}"
        expect(reading).to_contain_text(told)
        expect(reading).to_contain_text("the likeliest" if rank == 0 else f"number {rank + 1}")

    expect_read(steps[-1], 0)
    ground = box(panel(shown, "stream").locator("rect.rest"))
    x = ground["x"] + ground["width"] * 60 / steps[-1]
    shown.page.mouse.move(x, ground["y"] + 8)
    expect_read(60, 0)
    assert shown.trait("step") == -1, "reading chooses nothing"
    shown.page.mouse.click(x, ground["y"] + 8)
    shown.wait(step=60)
    expect(panel(shown, "stream").locator(".step-mark")).to_have_text("step 60")
    shown.leave()
    expect_read(60, 0)
    plot(shown, "stream").focus()
    shown.page.keyboard.press("ArrowDown")
    expect_read(60, 1)
    shown.page.keyboard.press("ArrowUp")
    shown.page.keyboard.press("Home")
    expect(reading).to_contain_text("at step 0")
    shown.page.keyboard.press("Enter")
    shown.wait(step=0)
    shown.page.keyboard.press("Control+z")
    shown.wait(step=60)


def test_heads_have_the_letter_and_strength_of_what_they_became(shown: Shown) -> None:
    numbers, steps = shown.numbers, steps_of(shown.numbers)
    scores = numbers.arrays["0/0/self/scores"]  # (steps, scores, layers, heads)
    last = scores[-1].copy()
    last[4] -= np.nan_to_num(last[0])
    best = np.nanargmax(last[:5], axis=0)
    became = np.where(np.nanmax(last[:5], axis=0) >= 0.25, best, 5)
    rows = panel(shown, "became").locator("tbody tr")
    counts = [int((became == number).sum()) for number in range(6)]
    for number, (name, letter) in enumerate(SCORES.items()):
        expect(rows.nth(number)).to_contain_text(f"{letter} {name}")
        expect(rows.nth(number).locator("td").last).to_have_text(str(counts[number]))

    def expect_scores(step: int, layer: int, head: int) -> None:
        expect(panel(shown, "became").locator(".became-reading")).to_have_text(
            f"{layer}·{head} became: {[*SCORES][became[layer, head]]}"
        )
        for number in range(6):
            for column, at in enumerate((steps.index(step), -1)):
                score = scores[at, number, layer, head]
                text = "–" if np.isnan(score) else f"{score:.3f}"
                expect(rows.nth(number).locator("td").nth(column)).to_have_text(text)

    expect_scores(steps[-1], 1, 2)
    shown.set(step=60)
    expect_scores(60, 1, 2)
    grid = plot(shown, "became")
    frame = box(grid.locator(".frame.focus"))
    across, down = frame["width"] + 1, frame["height"] + 1
    shown.page.mouse.move(frame["x"] + 5 - across, frame["y"] + 5 - down)
    expect_scores(60, 0, 1)
    shown.page.mouse.click(frame["x"] + 5 - across, frame["y"] + 5 - down)
    shown.wait(layer=0, head=1)
    shown.leave()
    grid.focus()
    shown.page.keyboard.press("Space")
    shown.wait(heads=[[0, 1]])
    expect(grid.locator(".frame.chosen")).to_have_count(1)
    shown.page.keyboard.press("ArrowRight")
    shown.wait(layer=0, head=2)
    expect_scores(60, 0, 2)
    # Two heads of one habit: as much darker as their scores are apart.
    where = np.argwhere(became == became[0, 2])
    picture = saved(shown, "became")
    drawn = {float(one.get("fill-opacity", 1)) for one in picture.iter(f"{SVG}rect")}
    for layer, head in where:
        score = scores[steps.index(60), became[layer, head], layer, head]
        assert any(abs(one - score) < 6e-4 for one in drawn), (layer, head)


def test_one_head_is_pictured_at_its_steps(shown: Shown) -> None:
    numbers, steps = shown.numbers, steps_of(shown.numbers)
    pictured = [steps[int(at)] for at in np.linspace(0, len(steps) - 1, 24).round()]
    of = panel(shown, "head-steps")
    told = [int(text) for text in of.locator(".head-pictures span").all_text_contents()]
    assert told == pictured
    expect(of).to_contain_text(f"pictures: 24 of {len(steps)} kept steps")
    scores = numbers.arrays["0/0/self/scores"]
    frame = of.locator(".head-pictures .frame")
    expect(of.locator(".head-steps-reading")).to_contain_text(
        f"step {steps[-1]}: previous token {scores[-1, 0, 1, 2]:.3f}"
    )
    weights = numbers.arrays[f"0/0/self/attention/{steps[-1]}"][1, 2]
    shades = of.locator(".head-pictures canvas").evaluate(
        """(canvas, [x, y, size, count]) => Array.from({ length: count * count }, (_, at) => {
            const ratio = devicePixelRatio, cell = size / count;
            const right = (x + (at % count + 0.5) * cell) * ratio;
            const down = (y + (Math.floor(at / count) + 0.5) * cell) * ratio;
            return canvas.getContext("2d").getImageData(right, down, 1, 1).data[3];
        })""",
        [*frame.evaluate("i => [i.offsetLeft, i.offsetTop, i.offsetWidth]"), len(weights)],
    )
    # Cells are as opaque as the square roots of their weights, on a ground that is a little.
    slope, base = np.polyfit(np.sqrt(weights.ravel()), shades, 1)
    assert slope > 200
    assert np.abs(slope * np.sqrt(weights.ravel()) + base - shades).max() < 6

    plot(shown, "head-steps").focus()
    shown.page.keyboard.press("Home")
    shown.wait(step=0)
    shown.page.keyboard.press("ArrowRight")
    shown.wait(step=steps[1])
    expect(frame).to_have_class(re.compile("near"))
    shown.page.keyboard.press("ArrowDown")
    shown.wait(step=pictured[1])
    expect(frame).not_to_have_class(re.compile("near"))
    at = box(of.locator(".head-pictures span").nth(5))
    shown.page.mouse.click(at["x"] + at["width"] / 2, at["y"] - 12)
    shown.wait(step=pictured[5])
    line = box(of.locator(".head-line svg .level path").last)
    shown.page.mouse.click(line["x"] + line["width"] * 0.5, line["y"] - 20)
    shown.wait(step=100)
    expect(of.locator(".head-steps-reading")).to_contain_text(
        f"step 100: previous token {scores[steps.index(100), 0, 1, 2]:.3f}"
    )


def test_layers_say_what_they_said(shown: Shown) -> None:
    numbers, steps = shown.numbers, steps_of(shown.numbers)
    ids = numbers.arrays["0/0/lens/ids"][:, -1]  # of the last kept position: (steps, rows)
    logprobs = numbers.arrays["0/0/lens/logprobs"][:, -1]
    labels = numbers.facts["runs"][0]["labels"]
    reading = panel(shown, "lens-steps").locator(".lens-steps-reading")
    cells = box(panel(shown, "lens-steps").locator("canvas"))
    rows = ids.shape[1]
    for step in (0, 7, 23, 40):
        for row in range(rows):
            shown.page.mouse.move(
                cells["x"] + cells["width"] * (step + 0.5) / len(steps),
                cells["y"] + cells["height"] * (rows - row - 0.5) / rows,
            )
            layer = f"layer {row - 1}" if row else "the embeddings"
            prob = 100 * np.exp(logprobs[step, row])
            expect(reading).to_have_text(
                f"{labels[ids[step, row]]} {prob:#.3g} % after {layer}, step {steps[step]}"
            )
    drawn = [
        float(one.get("fill-opacity", 1)) for one in saved(shown, "lens-steps").iter(f"{SVG}rect")
    ]
    for prob in np.exp(logprobs[[3, 30]]).ravel():
        assert any(abs(one - 0.85 * prob) < 6e-4 for one in drawn)
    plot(shown, "lens-steps").focus()
    shown.page.keyboard.press("Home")
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowDown")
    expect(reading).to_contain_text(f"after layer {rows - 3}, step {steps[1]}")
    shown.page.keyboard.press("Enter")
    shown.wait(step=steps[1])


def expect_still(places: Places) -> None:
    assert {name: boxes for name, boxes in places.items() if len(boxes) > 1} == {}
    assert places.keys() >= {*NAMES.values()}


def test_a_step_paints_only_what_changes_and_moves_nothing(shown: Shown) -> None:
    shown.panels.root.evaluate(
        """root => {
            window.touched = [];
            new MutationObserver(all => all.forEach(({ target }) => {
                const element = target.parentElement && target.nodeType === 3
                    ? target.parentElement : target;
                if (element.closest(".ribbon, .name, .steps-axis, .other, .score, .level"))
                    window.touched.push(element.outerHTML.slice(0, 80));
            })).observe(root.shadowRoot, {
                subtree: true, childList: true, attributes: true, characterData: true,
            });
        }"""
    )
    with recorded(shown) as places:
        for step in (0, 60, 115, 200):
            shown.set(step=step)
            expect(panel(shown, "stream").locator(".step-mark")).to_have_text(f"step {step}")
            expect(panel(shown, "became").locator("h3")).to_contain_text(f"step {step}")
    assert shown.page.evaluate("window.touched") == []
    expect_still(places)


def test_nothing_moves_when_answers_come(show: Show) -> None:
    shown = opened(show, "training", pace=60, layer=0, head=0)
    with recorded(shown) as places:
        shown.set(head=1)
        shown.set(probe=1)
        shown.set(probe=0, step=60)
        shown.settle()
    expect_still(places)


def test_cross_attention_and_two_runs(show: Show) -> None:
    shown = opened(show, "training-seq2seq")
    scores = shown.numbers.arrays["0/0/cross/scores"][-1, :, 0, 0]
    rows = panel(shown, "became").locator("tbody tr")
    for number, score in enumerate(scores):
        text = "–" if np.isnan(score) else f"{score:.3f}"
        expect(rows.nth(number).locator("td").first).to_have_text(text)
    shown = opened(show, "training-two")
    facts = shown.numbers.facts["runs"]
    reading = panel(shown, "stream").locator(".stream-reading")
    for run in (0, 1):
        shown.set(run=run)
        token, prob = facts[run]["top"][0][-1][-1][0]
        expect(reading).to_contain_text(f"{token} {100 * prob:#.3g} % at step 60")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_sticks_out(show: Show, theme: str) -> None:
    shown = opened(show, "training", theme=theme)
    for width in (390, 600, 830, 1150, 1400):
        shown.widen(width, 1500)
        main = shown.page.locator("main")
        assert main.evaluate("main => main.scrollWidth <= main.clientWidth + 1"), width
        for name in NAMES:
            over = panel(shown, name).evaluate(
                """panel => [...panel.querySelectorAll("svg text, table, p, h3, .foot, canvas")]
                    .filter(one => {
                        const { left, right } = one.getBoundingClientRect();
                        const own = panel.getBoundingClientRect();
                        return right > own.right + 2 || left < own.left - 2;
                    }).map(one => one.outerHTML.slice(0, 80))"""
            )
            assert over == [], (width, name)


def test_the_stage_shows_one_at_a_time_within_the_screen(show: Show) -> None:
    shown = opened(show, "training", size=(1280, 720), width=1280, lecture=True)
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    for title, name in zip(("Stream", "Became", "One head", "Layers"), NAMES, strict=True):
        shown.panels.root.get_by_role("button", name=title, exact=True).click()
        shown.settle()
        expect(panel(shown, name)).to_be_visible()
        assert panel(shown, name).evaluate("one => one.scrollHeight <= one.clientHeight + 1"), name
        shown.screenshot(f"training-stage-{name}")


SVG = "{http://www.w3.org/2000/svg}"


def saved(shown: Shown, name: str) -> ElementTree.Element:
    """The picture of a panel as SVG."""
    with shown.page.expect_download() as download:
        panel(shown, name).get_by_role("button", name="SVG", exact=True).press("Enter")
    return ElementTree.fromstring(Path(download.value.path()).read_text("utf-8"))


def test_pictures_are_saved_with_their_words(shown: Shown) -> None:
    words = " ".join("".join(one.itertext()) for one in saved(shown, "stream").iter(f"{SVG}text"))
    for word in ("moos", "barks", "roars", "50 %", "step 200"):
        assert word in words
    letters = ["".join(one.itertext()) for one in saved(shown, "became").iter(f"{SVG}text")]
    assert letters.count("p") >= 4
