"""The whole model as one picture, by mouse and by keys, against Python's numbers."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.axe import violations
from tests.page.chromium import SCREENSHOTS
from tests.page.panels import click

ALONE = {"_panels": ["tokens", "model"]}
# Of every element with words of its own: how small they are, and whether they are in sight.
_SMALLEST = """panel => Math.min(...[...panel.querySelectorAll("*")]
    .filter(one => one.checkVisibility() && [...one.childNodes]
        .some(node => node instanceof Text && node.data.trim()))
    .map(one => parseFloat(getComputedStyle(one).fontSize)))"""
_CUT = """panel => [...panel.querySelectorAll(".model-box, .model-station, .model-tokens, h3, p")]
    .filter(one => one.checkVisibility())
    .map(one => [one.dataset.box ?? one.className, one.getBoundingClientRect()])
    .filter(([, box]) => box.right > innerWidth + 1 || box.bottom > innerHeight + 1)
    .map(([name]) => name)"""


@pytest.fixture
def shown(show: Show) -> Shown:
    """A tiny Llama alone, with its second block opened."""
    shown = show("model", **ALONE, box="")
    expect(picture(shown)).to_be_visible()
    return shown


def picture(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Model", exact=True)


def box(shown: Shown, name: str) -> Locator:
    return picture(shown).locator(f'[data-box="{name}"]')


def reading(shown: Shown) -> Locator:
    return picture(shown).get_by_role("status")


def lengths(shown: Shown) -> list[float]:
    """Lengths of the stream that are written in the block."""
    shown.settle()
    said = picture(shown).locator(".model-block .model-station > span:last-child")
    return [float(one.removeprefix("length ").replace(",", "")) for one in said.all_text_contents()]


def test_the_stream_is_as_long_as_python_says(shown):
    wanted = shown.numbers.facts["lengths/self"]
    np.testing.assert_allclose(lengths(shown), wanted[1], atol=0.006)
    bars = picture(shown).locator(".model-bars > i")
    expect(bars).to_have_count(len(wanted))
    high = [float(re.search(r"[\d.]+", str(bar.get_attribute("style")))[0]) for bar in bars.all()]
    ends = np.array([points[-1] for points in wanted])
    np.testing.assert_allclose(high, 4 + 96 * ends / ends.max(), atol=0.01)


def test_keys_choose_blocks_and_tokens(shown):
    stack = picture(shown).get_by_role("slider")
    for key, block in (("ArrowUp", 2), ("ArrowDown", 1), ("ArrowDown", 0)):
        stack.press(key)
        shown.wait(block=block, layer=block)
        expect(picture(shown).get_by_role("group", name=f"Block {block}")).to_be_visible()
        wanted = shown.numbers.facts["lengths/self"][block]
        np.testing.assert_allclose(lengths(shown), wanted, atol=0.006)
    stack.press("ArrowLeft")
    count = len(shown.numbers.labels)
    shown.wait(position=count - 2)
    expect(picture(shown).get_by_role("heading")).to_contain_text(f"token {count - 1} of {count}")
    shown.set(layer=2)
    expect(stack).to_have_attribute("aria-valuenow", "2")


def test_a_box_is_opened_and_closed(shown):
    mlp = box(shown, "block.1.mlp")
    mlp.focus()
    shown.page.keyboard.press("Enter")
    shown.wait(box="block.1.mlp")
    rows = picture(shown).locator(".model-neurons tbody tr")
    names = [name.replace(",", "") for name in rows.locator("th").all_text_contents()]
    assert names == [str(one) for one in shown.numbers.facts["neurons"]][: len(names)]
    said = [float(one.replace("−", "-")) for one in rows.locator(".bar span").all_text_contents()]
    np.testing.assert_allclose(said, shown.numbers.facts["activations"][: len(said)], atol=0.006)
    shown.page.keyboard.press("Escape")
    shown.wait(box="")
    expect(rows).to_have_count(0)
    click(box(shown, "embedding"))
    shown.wait(box="embedding")
    listed = picture(shown).locator(".model-nearest .token-label")
    expect(listed).to_have_text(shown.numbers.facts["nearest"])
    click(box(shown, "embedding"))
    shown.wait(box="")


def test_one_number_is_followed_from_strip_to_strip(shown):
    strips = picture(shown).locator(".model-block .model-line .vector-strip")
    vector = shown.numbers.arrays["self/stream.1"]
    strip = strips.nth(1).bounding_box()
    assert strip
    index = 5
    shown.page.mouse.move(
        strip["x"] + strip["width"] * (index + 0.5) / len(vector), strip["y"] + strip["height"] / 2
    )
    said = reading(shown)
    expect(said).to_contain_text(f"number {index} of {len(vector)}")
    value = float((said.text_content() or "").split(": ")[-1].replace("−", "-"))
    assert value == pytest.approx(float(vector[index]), rel=1e-3)
    marks = picture(shown).locator(".vector-strip > b")
    assert marks.count() > strips.count(), "in other boxes, too"
    shown.leave()
    expect(marks).to_have_count(0)


def test_what_has_the_focus_is_told(shown):
    box(shown, "block.1.norm1").focus()
    expect(reading(shown)).to_contain_text("model.layers.1.input_layernorm (LlamaRMSNorm)")
    expect(reading(shown)).to_contain_text("32 parameters")


def test_a_box_leads_to_the_panel_that_the_view_has(show):
    shown = show("model", _panels=["tokens", "model", "attention", "next-token"], box="", head=0)
    shown.set(layer=0)
    click(box(shown, "block.0.heads"))
    expect(shown.panels.attention).to_be_in_viewport()
    shown.set(lecture=True)
    tabs = shown.panels.root.get_by_role("navigation", name="What is shown")
    tabs.get_by_role("button", name="Model").click()
    click(box(shown, "block.0.heads"))
    expect(shown.panels.attention).to_be_visible()
    expect(picture(shown)).to_have_count(0)


def test_a_block_leads_to_the_lens_at_its_layer(show):
    shown = show("model", _panels=["tokens", "model", "lens"], box="")
    shown.set(layer=2)
    lens = shown.panels.root.get_by_role("region", name="Logit lens")
    lens.evaluate("panel => (panel.style.marginTop = '2000px')")
    expect(lens).not_to_be_in_viewport()
    picture(shown).get_by_role("slider").press("ArrowDown")
    shown.set(block=0, layer=2)
    name = picture(shown).get_by_role("button", name="Block 2 of 3")
    name.press("Enter")
    expect(lens).to_be_in_viewport()
    shown.wait(layer=2)


@pytest.mark.whole
def test_without_a_lens_a_block_leads_nowhere(shown):
    assert picture(shown).get_by_role("button", name="Block 1 of 3").count() == 0
    expect(picture(shown).get_by_text("Block 1", exact=True)).to_be_visible()


def test_a_square_of_the_heads_leads_to_that_head(show):
    shown = show("model", _panels=["tokens", "model", "attention"], box="", head=0)
    heads = int(box(shown, "block.1.heads").locator("small").first.text_content().split()[0])
    squares = box(shown, "block.1.heads").locator("canvas")
    place = squares.bounding_box()
    columns, size = max(
        (
            (n, min(place["width"] / n, place["height"] / -(-heads // n)))
            for n in range(1, heads + 1)
        ),
        key=lambda one: one[1],
    )
    rows = -(-heads // columns)
    left = (place["width"] - columns * size) / 2
    top = (place["height"] - rows * size) / 2
    last = heads - 1
    at = {
        "x": left + size * (last % columns + 0.5),
        "y": top + size * (last // columns + 0.5),
    }
    squares.hover(position=at)
    expect(reading(shown)).to_contain_text(f"head {last}")
    squares.click(position=at)
    shown.wait(head=last, layer=1)
    expect(shown.panels.attention).to_be_in_viewport()
    shown.leave()
    box(shown, "block.1.heads").press("Shift+ArrowLeft")
    shown.wait(head=last - 1)
    expect(reading(shown)).to_contain_text(f"head {last - 1}")


@pytest.mark.whole
def test_heads_lead_to_attention_of_their_own_kind(show):
    panels = ["tokens", "model", "attention"]
    shown = show("model-encoder-decoder", _panels=panels, box="", kind="self")
    click(box(shown, "block.1.cross_heads").locator("b"))
    shown.wait(kind="cross")


def test_of_two_towers_one_is_unfolded(show):
    shown = show("model-encoder-decoder", **ALONE, box="", kind="self")
    folded = picture(shown).locator(".model-folded")
    expect(folded).to_contain_text("Encoder")
    expect(box(shown, "block.1.cross_heads")).to_contain_text("reads the encoder")
    np.testing.assert_allclose(lengths(shown), shown.numbers.facts["lengths/self"][1], atol=0.006)
    folded.click()
    shown.wait(kind="encoder")
    expect(folded).to_contain_text("Decoder")
    np.testing.assert_allclose(
        lengths(shown), shown.numbers.facts["lengths/encoder"][1], atol=0.006
    )


_CROSSING = """picture => {
    const path = picture.querySelector(".model-crossing path");
    const at = length => {
        const {x, y} = path.getPointAtLength(length).matrixTransform(path.getScreenCTM());
        return [x, y];
    };
    const box = selector => {
        const {left, right, top, bottom} = picture.querySelector(selector).getBoundingClientRect();
        return [left, right, top, bottom];
    };
    return [at(0), at(path.getTotalLength()), box(".model-folded"), box("SELECTOR")];
}"""


@pytest.mark.parametrize("width", [1000, pytest.param(600, marks=pytest.mark.whole)])
def test_an_arrow_leads_from_the_encoder_to_cross_attention(show, width):
    shown = show("model-encoder-decoder", width=width, **ALONE, box="", kind="self")
    shown.settle()
    cross = _CROSSING.replace("SELECTOR", "[data-box='block.1.cross_heads']")
    begin, end, folded, reads = picture(shown).evaluate(cross)
    assert begin[0] == pytest.approx(folded[1], abs=1.5)
    assert folded[2] < begin[1] < folded[3]
    assert reads[0] < end[0] < reads[1]
    assert reads[2] - 8 < end[1] <= reads[2] + 1, "its head is at the box"
    shown.set(kind="encoder")
    expect(picture(shown).locator(".model-folded")).to_contain_text("Decoder")
    shown.settle()
    norm = _CROSSING.replace("SELECTOR", "[data-box='encoder.final_norm']")
    begin, end, folded, norm_box = picture(shown).evaluate(norm)
    assert norm_box[2] < begin[1] < norm_box[3]
    assert begin[0] > norm_box[1]
    assert folded[2] < end[1] < folded[3]


@pytest.mark.whole
def test_stages_are_over_no_others(show):
    for width in (1000, 1300):
        shown = show("model-encoder-decoder", width=width, **ALONE, box="", kind="self")
        boxes = picture(shown).locator(".model-block .model-box")
        expect(boxes).to_have_count(8)
        sides = boxes.evaluate_all(
            "all => all.map(one => one.getBoundingClientRect())"
            ".map(({ top, left, right }) => [top, left, right])"
        )
        rows = [sorted(one[1:] for one in sides if one[0] == top) for top in {s[0] for s in sides}]
        for row in rows:
            assert all(one[1] <= other[0] for one, other in pairwise(row))


def test_experts_that_the_router_chose_are_marked(show):
    shown = show("model-experts", **ALONE, box="block.1.moe")
    chosen = picture(shown).locator(".model-experts .chosen small")
    expect(chosen).to_have_text([str(one) for one in sorted(shown.numbers.facts["chosen"])])


def test_the_picture_takes_the_place_of_attention_that_is_not_there(show):
    panels = ["header", "tokens", "overview", "attention", "next-token", "model"]
    shown = show("model-state-space", _panels=panels, model=False, box="")
    expect(box(shown, "block.1.mixer")).to_contain_text("State space")
    expect(shown.panels.overview).to_have_count(0)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "block": ("model", {"box": ""}),
    "mlp": ("model", {"box": "block.1.mlp"}),
    "rotary": ("model", {"box": "block.1.rotary"}),
    "norm": ("model", {"box": "block.1.norm1"}),
    "unembedding": ("model", {"box": "unembedding"}),
    "experts": ("model-experts", {"box": "block.1.moe"}),
    "masked": ("model-masked", {"box": ""}),
    "positions": ("model-masked", {"box": "positions"}),
    "decoder": ("model-encoder-decoder", {"box": "", "kind": "self"}),
    "encoder": ("model-encoder-decoder", {"box": "", "kind": "encoder"}),
    "relative": ("model-encoder-decoder", {"box": "block.1.relative", "kind": "self"}),
    "state-space": ("model-state-space", {"box": ""}),
}
SAMPLE = {"mlp", "decoder"}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in SAMPLE else pytest.mark.whole) for one in CASES]
)
def test_it_is_whole_and_legible_on_a_stage_and_axe_finds_nothing(show, name):
    fixture, chosen = CASES[name]
    shown = show(fixture, (1280, 720), width=1280, **ALONE, **chosen)
    assert violations(shown.page, "main") == []
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    for size in ((1280, 720), (1920, 1080)):
        shown.set(lecture=True)
        shown.widen(*size)
        assert picture(shown).evaluate(_CUT) == []
        assert picture(shown).evaluate(_SMALLEST) >= 14
        high, all_of_it = picture(shown).evaluate("one => [one.clientHeight, one.scrollHeight]")
        assert all_of_it <= high + 1, (size, high, all_of_it)


# Boxes, and words beside them, that lie over each other, or say more than there is room for.
_CLASHES = """panel => {
    const all = [...panel.querySelectorAll(".model-box, .model-aside, .model-tokens, .model-stack,"
        + ".model-folded, .model-block-name, .model-station > span:last-child, .model-reading,"
        + ".model-node > .model-vector, .model-opened > *, .model-opened p, .model-opened table")]
        .filter(one => one.checkVisibility())
        .map(one => [one, one.getBoundingClientRect()]);
    const found = [];
    const within = panel.getBoundingClientRect();
    const named = one => one.dataset.box ?? one.className + one.textContent.slice(0, 12);
    for (const [index, [one, a]] of all.entries()) {
        if (a.bottom > within.bottom + 1 || a.right > within.right + 1 || a.left < within.left - 1)
            found.push(named(one) + " is cut");
        if (one.matches(".model-box") && one.scrollWidth > one.clientWidth + 2)
            found.push(named(one) + " overflows");
        for (const [other, b] of all.slice(index + 1))
            if (!one.contains(other) && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2)
                found.push(named(one) + " / " + named(other));
    }
    return found;
}"""
NARROW = ("block", "mlp", "masked", "decoder", "state-space")


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=[] if one == "decoder" else pytest.mark.whole) for one in NARROW],
)
def test_on_a_narrow_stage_no_box_lies_over_another(show, name):
    fixture, chosen = CASES[name]
    shown = show(fixture, (1280, 620), width=1280, **ALONE, **chosen)
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    shown.set(lecture=True)
    for width in (600, 768, 850, 1000):
        shown.widen(width, 600)
        shown.page.screenshot(path=SCREENSHOTS / f"model-{name}-{width}.png")
        assert ", ".join(picture(shown).evaluate(_CLASHES)) == "", width
        assert picture(shown).evaluate(_SMALLEST) >= 11.5
