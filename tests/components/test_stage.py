"""Lecture mode: all in sight at once, one subject at a time, by keys alone, and nothing moves."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.components.boxes import recorded
from tests.components.test_still import PACE, typing
from tests.components.workshop import Shown
from tests.page.lens import Lens
from tests.page.panels import box

SCREENS = ((1280, 720), (1920, 1080))
SUBJECTS = ("Heads", "Matrix", "Arcs", "Steps", "Next token", "Chain rule")
_REACH = """root => {
    const stage = root.shadowRoot.querySelector(".stage");
    const { width, height } = stage.getBoundingClientRect();
    const panels = [...stage.querySelectorAll(":is(.subject, .beside) :is(.panel, .steps, .arcs)")];
    const past = panels.filter(panel => panel.scrollHeight > panel.clientHeight + 1);
    return [[width, height], [...past.map(panel => panel.className), ...(
        stage.scrollHeight > stage.clientHeight + 1 ? ["stage"] : [])]];
}"""

# Of what is left and what is right of the middle, from the top down: where each begins and ends.
_COLUMNS = """panel => {
    const parts = panel.querySelectorAll(":scope > *, .results > *");
    const boxes = [...parts].map(part => part.getBoundingClientRect());
    const { left, width } = panel.getBoundingClientRect();
    const within = boxes.filter(box => box.height > 0 && box.width < width);
    return [false, true].map(right => within
        .filter(box => (box.left > left + 0.4 * width) === right)
        .map(({ top, bottom }) => [Math.round(top), Math.round(bottom)])
        .sort((a, b) => a[0] - b[0]));
}"""


@pytest.fixture
def on_stage(show):
    """``on_stage("causal", (1280, 720))``: a fixture as a lecture has it, filling the page."""

    def on_stage_(name: str, size: tuple[int, int], panel: str = "explorer") -> Shown:
        shown = show(name, size, panel=panel, width=size[0], lecture=True, pace=PACE)
        shown.page.locator("body > nav").evaluate("nav => nav.remove()")
        shown.panels.root.locator(".stage").focus()
        return shown

    return on_stage_


@pytest.fixture
def lens_on_stage(on_stage):
    """The lens of 30 layers, in the focus of keys."""
    shown = on_stage("causal", SCREENS[0], panel="lens")
    lens = Lens(shown.panels.root)
    press(shown, "c")
    lens.wait()
    return shown, lens


def press(shown: Shown, key: str) -> None:
    shown.page.keyboard.press(key)
    shown.settle()


def test_each_subject_fits_the_screen_and_its_key_shows_it(on_stage):
    shown = on_stage("causal", SCREENS[0])
    tabs = shown.panels.root.get_by_role("navigation", name="What is shown")
    for size in SCREENS:
        shown.widen(*size)
        for number, subject in enumerate(SUBJECTS, start=1):
            press(shown, str(number))
            expect(tabs.get_by_role("button", name=subject)).to_have_attribute(
                "aria-pressed", "true"
            )
            expect(shown.panels.prompt).to_be_in_viewport()
            frame, past = shown.panels.root.evaluate(_REACH)
            assert (tuple(frame), past) == (size, []), (size, subject)
            is_wide = subject == "Chain rule"
            expect(shown.panels.next).to_have_count(0 if is_wide else 1)
            expect(shown.panels.rows).to_have_count(0 if is_wide else 6)  # five, and the others
        assert shown.page.evaluate("document.documentElement.scrollHeight") == size[1]


@pytest.mark.parametrize(
    "name", ["generation", "encoder-decoder", "masked", "conversation", "cjk", "two-sentences"]
)
def test_other_models_and_texts_fit_the_screen(on_stage, name):
    shown = on_stage(name, SCREENS[0])
    tabs = shown.panels.root.get_by_role("navigation", name="What is shown").locator(
        ":scope > button"
    )
    for number in range(1, tabs.count() + 1):
        press(shown, str(number))
        frame, past = shown.panels.root.evaluate(_REACH)
        past = [one for one in past if one != "arcs"]  # of many tokens, arcs scroll
        assert (tuple(frame), past) == (SCREENS[0], []), (name, number)


def test_a_masked_model_has_no_subjects_that_it_lacks(on_stage):
    shown = on_stage("masked", SCREENS[0])
    tabs = shown.panels.root.get_by_role("navigation", name="What is shown")
    expect(tabs.locator(":scope > button")).to_have_text(
        ["Heads", "Matrix", "Arcs", "Steps", "Token"]
    )
    expect(shown.panels.caption).to_contain_text("Pick a token in the list to fill the gap.")


def test_all_layers_of_the_lens_are_in_sight_and_legible(lens_on_stage):
    shown, lens = lens_on_stage
    for size in SCREENS:
        shown.widen(*size)
        expect(lens.cell(0, 0)).to_be_in_viewport(ratio=1)
        expect(lens.names.last).to_have_text("emb.")
        expect(lens.names.last).to_be_in_viewport(ratio=0.99)
        height, all_of_it = lens.table.evaluate("box => [box.clientHeight, box.scrollHeight]")
        assert all_of_it <= height
        size_of_type = lens.cell(3, 2).evaluate("cell => getComputedStyle(cell).fontSize")
        assert float(size_of_type.removesuffix("px")) >= 20


def test_layers_that_share_a_row_are_gone_through(lens_on_stage):
    shown, lens = lens_on_stage
    expect(lens.panel.get_by_role("heading", level=3)).to_contain_text("2 layers a row")
    names = lens.names.all_text_contents()
    assert [name.removesuffix("⋮") for name in names[:3]] == ["29", "27", "24"], "24 is in focus"
    lens.table.focus()
    for layer in ("25", "26", "27"):
        shown.page.keyboard.press("ArrowUp")
        shown.wait(layer=int(layer))
        expect(lens.names.nth(2 - (layer != "25"))).to_have_text(f"{layer}⋮")
        words = shown.numbers.lens_words("block")[29 - int(layer)][-1]
        expect(lens.table.locator("td.focus")).to_have_text(words)
    assert len(lens.names.all()) == len(names)
    lens.names.nth(1).click()
    shown.wait(layer=26)


def test_a_sentence_is_whole_in_the_chain_rule(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "6")
    columns = shown.panels.root.locator("button.factor")
    names = shown.panels.root.locator(".factor.names")
    expect(columns).to_have_count(len(shown.numbers.labels))
    assert box(columns.first)["x"] >= box(names)["x"] + box(names)["width"] - 1
    expect(columns.last).to_be_in_viewport(ratio=1)
    size = columns.first.evaluate("column => getComputedStyle(column).fontSize")
    assert float(size.removesuffix("px")) >= 20


def test_each_step_fits_the_screen(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "4")
    shown.panels.steps.focus()
    for _ in range(7):
        assert shown.panels.root.evaluate(_REACH)[1] == []
        press(shown, "ArrowRight")


def test_the_keys_of_a_subject_are_at_hand_once_it_is_shown(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "4")
    step = shown.panels.steps.locator("[aria-current]")
    before = step.inner_text()
    press(shown, "ArrowRight")
    expect(step).not_to_have_text(before)
    press(shown, "6")
    press(shown, "ArrowLeft")
    shown.wait(position=12)
    press(shown, "5")
    press(shown, "ArrowRight")
    expect(shown.panels.shown("temperature")).not_to_have_text("1.00")


def test_controls_are_hidden_until_they_are_wanted(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "2")
    expect(shown.panels.threshold).to_be_hidden()
    expect(shown.panels.combine).to_be_hidden()
    press(shown, "c")
    expect(shown.panels.threshold).to_be_visible()
    expect(shown.panels.combine).to_be_visible()
    press(shown, "c")
    expect(shown.panels.threshold).to_be_hidden()
    expect(shown.panels.slider("temperature")).to_be_hidden()
    press(shown, "5")
    expect(shown.panels.slider("temperature")).to_be_visible()


def test_keys_are_heard_after_what_had_the_focus_is_hidden(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "2")
    press(shown, "c")
    shown.panels.scale.focus()
    shown.panels.sink.focus()
    press(shown, "c")
    expect(shown.panels.sink).to_be_hidden()
    press(shown, "1")
    expect(shown.panels.overview).to_be_visible()


def test_all_that_can_be_set_of_the_next_token_fits(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "5")
    press(shown, "c")
    expect_beside(shown)
    for name in ("more", "curve"):
        shown.panels.next.get_by_role("button", name=name, exact=True).click()
        shown.settle()
        expect_beside(shown)


def expect_beside(shown: Shown) -> None:
    """Nothing of the subject is past its end, nor over anything else."""
    for size in SCREENS:
        shown.widen(*size)
        assert shown.panels.root.evaluate(_REACH)[1] == []
        for column in shown.panels.next.evaluate(_COLUMNS):
            assert all(end <= start for (_, end), (start, _) in pairwise(column)), column


def test_f_fills_the_screen_and_a_text_keeps_its_letters(on_stage):
    shown = on_stage("causal", SCREENS[0])
    full = "document.fullscreenElement?.dataset.lmSuppressShortcuts === 'true'"
    press(shown, "f")
    shown.page.wait_for_function(full)
    press(shown, "f")
    shown.page.wait_for_function(f"!({full})")
    before = shown.panels.prompt.input_value()
    shown.panels.prompt.press("Control+End")
    press(shown, "f")
    press(shown, "1")
    expect(shown.panels.prompt).to_have_value(before + "f1")
    assert not shown.page.evaluate(full)
    expect(shown.panels.cells).to_be_visible()


def test_lecture_mode_is_left_where_it_was_entered(on_stage):
    shown = on_stage("causal", SCREENS[0])
    shown.panels.root.get_by_role("button", name="Leave lecture mode").click()
    shown.wait(lecture=False)
    shown.page.locator("main").evaluate("main => main.style.paddingTop = '300px'")
    shown.panels.root.get_by_role("button", name="A⁺ Lecture").click()
    shown.wait(lecture=True)
    stage = shown.panels.root.locator(".stage")
    expect(stage).to_be_in_viewport(ratio=1)


def test_nothing_at_all_moves_on_a_stage(on_stage):
    shown = on_stage("causal", SCREENS[0])
    press(shown, "2")
    with recorded(shown) as places:
        typing(shown)
        hovering_text(shown)
    assert all(len(boxes) == 1 for boxes in places.values()), places


def hovering_text(shown: Shown) -> None:
    """Point at tokens and weights."""
    for token in (0, 8, 9):
        shown.panels.token(token).hover(force=True)
    shown.panels.cells.hover()
    shown.leave()


_LABELS = """panel => {
    const labels = [...panel.querySelectorAll("svg.labels text[transform]")];
    const size = parseFloat(getComputedStyle(labels[0]).fontSize);
    const places = labels.map(label => {
        const { a, b, e } = label.transform.baseVal.consolidate().matrix;
        return [e, Math.atan2(-b, a)];
    });
    return [size, places, labels.map(label => label.textContent)];
}"""


@pytest.mark.parametrize("name", ["causal", "cjk"])
def test_labels_of_a_matrix_lie_beside_each_other(on_stage, name):
    shown = on_stage(name, SCREENS[0])
    press(shown, "2")
    size, places, texts = shown.panels.attention.evaluate(_LABELS)
    if name == "causal":
        assert len(texts) == len(shown.numbers.labels)
    for (x, tilt), (further, _) in pairwise(places):
        assert (further - x) * math.sin(tilt) >= size
    rows = shown.panels.attention.locator("svg.labels text.here:not([transform])")
    expect(rows.last).to_be_in_viewport(ratio=1)


def test_it_is_left_at_any_width(on_stage):
    shown = on_stage("causal", SCREENS[0])
    for width in (600, 830, 960):
        shown.widen(width, 720)
        leave = shown.panels.root.get_by_role("button", name="Leave lecture mode")
        expect(leave).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("name", ["causal", "512-tokens"])
def test_a_matrix_stays_large_beside_what_can_be_set(on_stage, name):
    shown = on_stage(name, SCREENS[0])
    press(shown, "2")
    before = box(shown.panels.cells)["height"]
    press(shown, "c")
    shown.set(hide_sink=True)
    shown.settle()
    assert box(shown.panels.cells)["height"] > 0.75 * before
    assert shown.panels.root.evaluate(_REACH)[1] == []
    below = box(shown.panels.attention.locator(".controls"))["y"]
    read = box(shown.panels.attention.locator(".readout .muted"))
    assert read["y"] + read["height"] <= below
