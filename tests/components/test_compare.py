"""Two texts, or two models, side by side: what is drawn, against Python's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from llmscope.export.figures.style import percent
from tests.components.conftest import Show
from tests.components.test_difference import boxes
from tests.components.workshop import Shown


@pytest.fixture
def two(show: Show) -> Shown:
    return show("two-texts", size=(1360, 1500), width=1280)


def texts(shown: Shown):
    return shown.panels.root.get_by_role("region", name="Texts")


def choose(shown: Shown, side: str) -> None:
    control = texts(shown).get_by_role("radiogroup", name="What is shown of the two")
    control.get_by_role("radio", name=side, exact=True).check(force=True)
    shown.wait(side={"A": "a", "B": "b"}.get(side, side))


def test_every_token_is_in_one_row_with_its_surprisal(two: Shown) -> None:
    rows, surprisal = two.numbers.facts["rows"], two.numbers.arrays["surprisal"]
    columns = texts(two).locator(".beat")
    expect(columns).to_have_count(len(rows))
    for number, (text_a, text_b, same) in enumerate(rows):
        column = columns.nth(number)
        drawn = column.locator(".note-of").all_text_contents()
        for text, found in zip((text_a, text_b), drawn, strict=True):
            assert found == (text.strip() or "·" if text else "·")
        kind = "" if same else "other" if text_a and text_b else "alone"
        assert kind in (column.get_attribute("class") or "")
        column.hover()
        caption = texts(two).locator(".caption")
        if np.isnan(surprisal[number]):
            expect(caption).not_to_contain_text("A less B")
        else:
            expect(caption).to_contain_text("A less B")
            (found,) = re.findall(r"A less B ([+−]?[\d.]+) bits", caption.inner_text())
            assert abs(float(found.replace("−", "-")) - surprisal[number]) < 0.0051


def test_the_next_token_has_two_sides(two: Shown) -> None:
    facts, (probs_a, probs_b) = two.numbers.facts, two.numbers.arrays["probs"]
    rows = two.panels.next.locator(".bars li:not(.rest)")
    expect(rows).to_have_count(10)
    order = np.argsort(-np.maximum(probs_a, probs_b), kind="stable")[:10]
    for number, token in enumerate(order):
        values = rows.nth(number).locator(".value")
        title = values.last.get_attribute("title") or ""
        said = [f"{100 * probs[token]:#.3g} %" for probs in (probs_a, probs_b)]
        assert title.startswith(f"{said[0]} in A, {said[1]} in B")
        widths = [
            rows.nth(number).locator(".bar").nth(side).locator(".final").bounding_box()
            for side in (0, 1)
        ]
        assert widths[0] and widths[1]
        assert widths[0]["x"] + widths[0]["width"] < widths[1]["x"]  # B to the left
    legend = two.panels.next.locator(".legend")
    kl = f"KL A‖B {facts['kl_ab']:.2f} bits · B‖A {facts['kl_ba']:.2f} bits"
    expect(legend).to_contain_text(kl)
    expect(legend).to_contain_text(f"probability moved {100 * facts['total_variation']:#.3g} %")
    gained = two.panels.next.locator(".apart").first
    for label, change in facts["gained"]:
        expect(gained).to_contain_text(f"{label.removeprefix('·')} +{100 * change:.2f} pp")


def test_sliders_act_on_both(two: Shown) -> None:
    probs = two.numbers.arrays["probs"]
    temperature = 0.5
    two.set(temperature=temperature)
    two.settle()
    both = probs ** (1 / temperature)
    both /= both.sum(-1, keepdims=True)
    moved = np.abs(both[0] - both[1]).sum() / 2
    expect(two.panels.next.locator(".legend")).to_contain_text(f"moved {100 * moved:#.3g} %")
    two.set(top_k=3)
    expect(two.panels.next.locator(".legend")).to_contain_text("∞")


def test_heads_are_coloured_by_how_far_they_are_apart(two: Shown) -> None:
    distances = two.numbers.arrays["distances"]
    overview = two.panels.root.get_by_role("region", name="All heads")
    for layer, head in ((0, 1), (2, 3)):
        two.set(layer=layer, head=head)
        expect(overview.locator(".habit")).to_contain_text(f"{distances[layer, head]:.3f}")
    expect(overview.locator(".legend")).to_contain_text(f"0 to {distances.max():.3f}")
    expect(overview.locator(".explained")).to_contain_text("Jensen-Shannon")
    choose(two, "A")
    expect(overview.locator(".habit")).to_contain_text("previous token")


def test_it_begins_at_the_head_that_is_farthest_apart(two: Shown) -> None:
    distances = two.numbers.arrays["distances"]
    best = np.unravel_index(np.nanargmax(distances), distances.shape)
    two.page.goto("about:blank")
    two.open(_telling=True).wait_ready()
    two.wait(layer=int(best[0]), head=int(best[1]))


def test_the_matrix_is_that_of_the_tokens_that_both_have(two: Shown) -> None:
    two.set(layer=2, head=1)
    two.settle()
    expected = two.numbers.arrays["difference/2/1"]
    query = len(expected) - 1
    key = int(np.abs(expected[query]).argmax())
    found = (two.panels.weight.text_content() or "").replace("−", "-").replace("+", "")
    assert abs(float(found) - expected[query, key]) < 1.1e-3
    expect(two.panels.readout).to_contain_text("A less B")
    for side, text in (("A", "ox"), ("B", "ps")):
        choose(two, side)
        expect(two.panels.next.get_by_role("heading")).to_contain_text(f"after “{text}”")
        expect(two.panels.readout).not_to_contain_text("A less B")


def test_a_click_pins_the_token_on_both_sides(two: Shown) -> None:
    rows = two.numbers.facts["rows"]
    same = next(n for n, (_, _, is_same) in enumerate(rows) if is_same and n > 0)
    column = texts(two).locator(".beat").nth(same)
    column.locator(".note-of").first.click()
    two.settle()
    expect(column.locator(".here")).to_have_count(2)
    # What only B has is looked at in B.
    alone = next(n for n, (a, b, _) in enumerate(rows) if b and not a)
    texts(two).locator(".beat").nth(alone).locator("[data-side=b]").click()
    two.wait(side="b")


def test_keys_walk_turn_and_align(show: Show) -> None:
    two = show("two-texts", size=(1360, 1500), width=1280, _editable=True)
    stave = texts(two).get_by_role("application", name="Both texts in lines of two")
    stave.focus()
    for key, side in (("d", "a"), ("d", "difference"), ("Shift+D", "b"), ("Shift+D", "a")):
        two.page.keyboard.press(key)
        two.wait(side=side)
    two.set(side="difference", position=5)
    two.settle()
    two.page.keyboard.press("ArrowLeft")
    two.wait(position=4)
    # A page holds no other alignment, and says so.
    two.page.keyboard.press("l")
    expect(stave.locator(".held")).to_have_count(1)
    two.page.keyboard.press("Escape")
    expect(stave.locator(".held")).to_have_count(0)


def test_the_lens_and_the_chain_are_of_both(two: Shown) -> None:
    divergence = two.numbers.arrays["divergence"]
    two.set(layer=1, position=0)
    two.settle()
    reading = two.panels.root.locator(".lens-reading")
    expect(reading).to_contain_text(f"{divergence[2, 0]:.2f} bits")
    two.set(chain_rule=True)
    chain = two.panels.root.get_by_role("region", name="Chain rule")
    perplexities = [f"{value:.3g}" for value in two.numbers.facts["perplexities"]]
    expect(chain.locator(".total b").nth(1)).to_have_text(perplexities[0])
    expect(chain.locator(".total b").nth(2)).to_have_text(perplexities[1])


def test_models_with_other_tokens_are_compared_on_text(show: Show) -> None:
    two = show("two-models", size=(1360, 1500), width=1280)
    control = texts(two).get_by_role("radiogroup", name="What is shown of the two")
    expect(control.get_by_text("B: tiny gpt2")).to_be_visible()
    facts = two.numbers.facts
    likely = sorted(facts["texts"], key=lambda row: -max(row[1:]))
    bars = two.panels.next.locator(".bars.two li")
    for at, (label, a, b) in enumerate(likely[: bars.count() - 1]):
        expect(bars.nth(at).locator(".name")).to_have_text(label)
        expect(bars.nth(at).locator(".value").last).to_have_attribute(
            "title", re.compile(re.escape(percent(a)) + " in A, " + re.escape(percent(b)))
        )
    expect(two.panels.next.locator(".legend")).to_contain_text(
        f"moved {percent(facts['moved'][0])} to {percent(facts['moved'][1])}"
    )
    expect(two.panels.next.locator(".note")).to_contain_text("other tokens")
    rows = two.numbers.facts["rows"]
    expect(texts(two).locator(".beat")).to_have_count(len(rows))
    lens = two.panels.root.get_by_role("region", name="Logit lens")
    expect(lens).to_contain_text("different vocabularies")
    two.set(side="b")
    two.settle()
    expect(two.panels.root.locator(".header")).to_contain_text("tiny gpt2")


@pytest.mark.parametrize("width", [1280, 800, 390])
def test_nothing_moves_when_the_side_is_turned(show: Show, width: int) -> None:
    two = show("two-texts", size=(1360, 1500), width=width)
    before = boxes(two)
    for side in ("A", "B", "difference"):
        choose(two, side)
        two.settle()
        assert boxes(two) == before, side
