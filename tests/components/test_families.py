"""Attention of other families: encoders, two sides and what joins them, and none at all."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.page.drawn import alpha, cell_alpha, expect_weight, over_ground
from tests.page.panels import Panels, box, click, point


def which(panels: Panels) -> Locator:
    return panels.attention.get_by_role("radiogroup", name="Which attention")


@pytest.mark.parametrize("name", ["t5", "encoder-decoder"])
def test_kinds_of_an_encoder_decoder_are_switched(show, name):
    shown = show(name)
    panels = shown.panels
    expect(which(panels).get_by_role("radio", name="encoder", exact=True)).to_be_checked()
    for label, kind in (("decoder", "self"), ("cross", "cross"), ("encoder", "encoder")):
        which(panels).get_by_text(label, exact=True).click()
        shown.wait(kind=kind)
        weights = shown.numbers.attention(0, 0, kind)
        queries, keys = weights.shape
        frame = panels.cells
        ratio = box(frame)["height"] / box(frame)["width"]
        expect(panels.readout).to_contain_text("→")
        assert ratio == pytest.approx(queries / keys, rel=0.02), kind
        for query, key in ((queries - 1, 0), (queries // 2, keys // 3), (0, keys - 1)):
            point(panels.cells, (key + 0.5) / keys, (query + 0.5) / queries)
            expect_weight(panels.weight, weights[query][key])
            seen = cell_alpha(panels, query, key, queries, keys)
            unseen = kind == "self" and key > query
            opacity = 0 if unseen else over_ground(weights[query][key] ** 0.5)
            assert seen == pytest.approx(opacity, abs=0.02), (kind, query, key)
        shown.leave()


def test_cross_attention_joins_two_texts_in_every_mode(show):
    shown = show("encoder-decoder")
    panels = shown.panels
    shown.set(kind="cross")
    weights = shown.numbers.attention(0, 0, "cross")
    queries, keys = weights.shape
    assert queries != keys
    expect(panels.title).to_contain_text("decoder → encoder")
    panels.show("Arcs")
    for side, count in (("from", queries), ("to", keys)):
        expect(panels.arcs.locator(f".arc-token.{side}").last).to_have_attribute(
            "data-index", str(count - 1)
        )
    point(panels.arcs.locator('.arc-token.to[data-index="2"]'), 0.5, 0.5)
    expect(panels.readout).to_contain_text("is looked at most by")
    expect_weight(panels.weight, weights[:, 2].max())
    click(panels.arcs.locator('.arc-token.from[data-index="1"]'))
    shown.leave()
    expect_weight(panels.weight, weights[1].max())
    # The prompt is what the encoder reads: it is shaded by what the decoder's token looks at.
    shade = "span => Number(getComputedStyle(span).getPropertyValue('--shade'))"
    assert panels.token(3).evaluate(shade) == pytest.approx(weights[1, 3] ** 0.5, abs=2e-3)

    panels.show("Steps")
    rows = panels.steps.locator(".keys tbody tr:not(.rest)")
    expect(rows).to_have_count(min(16, keys))
    expect(panels.error).to_have_count(0)
    panels.steps.press("End")
    printed = panels.steps.locator(".keys tbody tr:not(.rest) td.softmax span")
    best = shown.numbers.steps(0, 0, 1, kind="cross").weights.max()
    assert f"{best:.3f}" in printed.all_inner_texts()


def test_an_encoder_sees_both_sides(show):
    shown = show("encoder")
    panels, count = shown.panels, len(shown.numbers.labels)
    expect(panels.readout).to_contain_text("→")
    expect(which(panels)).to_have_count(0)
    weights = shown.numbers.attention(0, 0)
    for query, key in ((0, count - 1), (2, 5), (count - 1, 0)):
        point(panels.cells, (key + 0.5) / count, (query + 0.5) / count)
        expect_weight(panels.weight, weights[query][key])
        assert cell_alpha(panels, query, key, count, count) > 0
    shown.leave()
    panels.show("Steps")
    expect(panels.steps.locator(".keys tbody tr")).to_have_count(count)
    expect(panels.steps.locator(".keys tbody tr.rest")).to_have_count(0)
    # [CLS] and [SEP] stand around the text, and are tokens like the others.
    expect(panels.root.get_by_role("button", name="[CLS]").first).to_be_visible()


def test_the_ground_of_an_encoder_is_the_whole_square(show):
    shown = show("encoder")
    panels, count = shown.panels, len(shown.numbers.labels)
    expect(panels.readout).to_contain_text("→")
    weight = shown.numbers.attention(0, 0)[2, 5]
    seen = cell_alpha(panels, 2, 5, count, count)
    assert seen == pytest.approx(over_ground(weight**0.5), abs=0.02)


def test_a_model_without_attention_says_so(show):
    panels = show("state-space").panels
    expect(panels.attention).to_contain_text("has no attention: its layers carry a state")
    expect(panels.root).to_contain_text("This model has no attention to show.")
    expect(panels.error).to_have_count(0)
    expect(panels.matrix).to_have_count(0)
    for mode in ("Arcs", "Steps"):
        panels.show(mode)
        expect(panels.attention).to_contain_text("has no attention: its layers carry a state")
    expect(panels.error).to_have_count(0)


def test_steps_that_cannot_be_told_say_why(show):
    shown = show("no-steps")
    panels = shown.panels
    expect(panels.readout).to_contain_text("→")
    panels.show("Steps")
    expect(panels.attention).to_contain_text("there are no steps to show")
    panels.show("Matrix")
    expect_weight(panels.weight, shown.numbers.attention(0, 0)[-1].max())


def test_a_model_with_a_plain_projection_shows_its_steps(show):
    shown = show("projection")
    panels = shown.panels
    panels.show("Steps")
    panels.steps.press("End")
    name = shown.numbers.steps(0, 0, len(shown.numbers.labels) - 1).projection
    expect(panels.steps.get_by_role("navigation").locator("> button").last).to_have_text("× W_O")
    expect(panels.steps.locator(".explain > :not(.unseen)")).to_contain_text(f"W_O ({name})")
    assert alpha(panels.steps.locator(".results .vector-strip canvas").last, 0.5, 0.5) >= 0
    expect(panels.steps.locator(".results .line:not(.later)")).to_have_count(4)
