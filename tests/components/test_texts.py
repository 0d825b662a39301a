"""What goes with a text: gaps, a second sentence, turns of a conversation."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.components.texts import MARY
from tests.page.drawn import alpha
from tests.page.panels import Panels, exact, point


def test_a_gap_says_what_may_stand_there(show):
    shown = show("masked")
    panels = shown.panels
    heading = panels.root.get_by_role("region", name="Token at the gap").get_by_role("heading")
    expect(heading).to_contain_text("at the gap")
    expect(panels.token(2)).to_have_class("token here masked")
    text, prob = shown.numbers.facts["top"][0]
    first = panels.root.locator(".bars > li").first
    expect(first.locator(".name")).to_contain_text(text.strip())
    assert exact(first.locator(".value")) == pytest.approx(prob, rel=6e-3)
    expect(panels.weight).to_have_text(f"{shown.numbers.attention(0, 0)[2].max():.3f}")


def test_a_gap_has_no_settings_that_mean_nothing_there(show):
    panel = show("masked").panels.root.get_by_role("region", name="Token at the gap")
    expect(panel.get_by_role("slider")).to_have_count(0)
    expect(panel.get_by_role("button", name="Sample")).to_have_count(0)
    expect(panel.locator(".bars > li")).to_have_count(11)


def test_the_hidden_word_is_named_with_its_rank(show):
    shown = show("masked")
    panel = shown.panels.root.get_by_role("region", name="Token at the gap")
    word, rank = shown.numbers.facts["hidden"]
    expect(panel.locator(".actual")).to_contain_text(f"hidden: {word} rank {rank}, ")
    # Nothing is done to the model's own probabilities: there is no before and after.
    expect(panel).not_to_contain_text("before sampling")
    expect(panel.get_by_text("after sampling")).to_be_hidden()
    expect(panel.locator(".bar .base")).to_have_count(0)
    shown.set(temperature=0.5)
    expect(panel.get_by_text("after sampling")).to_be_visible()


def test_the_token_that_stands_there_is_marked_in_the_list(show):
    shown = show("causal", panel="explorer", position=8)
    expect(shown.panels.next.locator(".actual")).to_contain_text("in the text: John rank 6, ")
    expect(shown.panels.rows.nth(5)).to_have_class("actually")


CODE = "def f(x):\n    return x\n" + "\n" * 30


def test_code_has_a_face_that_keeps_its_columns(show):
    shown = show("causal", panel="explorer", pace=1)
    prompt, copy = shown.panels.prompt, shown.panels.copy

    def faces() -> set[bool]:
        face = "element => getComputedStyle(element).fontFamily.includes('monospace')"
        return {one.evaluate(face) for one in (prompt, copy)}

    for text, keeps in ((MARY, False), (CODE, True), ("a drink\nto\n - Mary", False)):
        prompt.fill(text)
        shown.settle()
        assert faces() == {keeps}, text


def test_xlnet_says_how_it_learned(show):
    panels = show("permuted").panels
    expect(panels.root).to_contain_text("It learned from permuted orders")
    expect(panels.cells).to_be_visible()


def test_attention_between_two_sentences_is_filtered(show):
    shown = show("two-sentences")
    panels = shown.panels
    other = panels.root.get_by_role("textbox", name="Sentence B")
    expect(other).to_have_value("It lies on the Seine.")
    expect(panels.readout).to_contain_text("→")
    weights = shown.numbers.attention(2, 0)
    segments = shown.numbers.facts["segments"]
    count, second = len(weights), segments.index(1)
    spots = {"a": 2, "b": second + 1}
    which = panels.attention.get_by_role("radiogroup", name="Which sentences")
    for name, trait in (("A→B", "ab"), ("B→A", "ba"), ("B→B", "bb"), ("A→A", "aa"), ("All", "all")):
        which.get_by_text(name, exact=True).click()
        shown.wait(segments=trait)
        for query, key in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
            row, column = spots[query], spots[key]
            ink = drawn(panels, row, column, count)
            assert (ink > 0) == (trait in ("all", query + key)), (trait, query, key)
    # What is read stays the true weight, and the array stays whole.
    which.get_by_text("A→B", exact=True).click()
    point(panels.cells, 2.5 / count, 2.5 / count)
    expect(panels.weight).to_have_text(f"{weights[2][2]:.3f}")
    shown.leave()
    panels.show("Arcs")
    point(panels.arcs.locator('.arc-token.from[data-index="2"]'), 0.5, 0.5)
    expect(panels.weight).to_have_text(f"{max(weights[2][second:]):.3f}")
    point(panels.arcs.locator(f'.arc-token.from[data-index="{count - 1}"]'), 0.5, 0.5)
    expect(panels.readout).to_contain_text("nothing here")


def drawn(panels: Panels, query: int, key: int, count: int) -> int:
    """How much of anything stands in a cell."""
    return alpha(panels.cells.locator("canvas"), (key + 0.5) / count, (query + 0.5) / count)


def test_turns_of_a_conversation_are_labelled(show):
    panels = show("conversation").panels
    turns = panels.copy.locator("[data-turn]")
    expect(turns).to_have_count(2)
    said = "element => getComputedStyle(element, '::before').content"
    assert [turns.nth(n).evaluate(said) for n in range(2)] == ['"system"', '"user"']
    size = "element => parseFloat(getComputedStyle(element, '::before').fontSize)"
    assert turns.first.evaluate(size) >= 12
    # Copy and text area still stand letter for letter.
    area = panels.root.get_by_role("textbox", name="Text")
    line = "element => getComputedStyle(element).lineHeight"
    assert panels.copy.evaluate(line) == area.evaluate(line)
    assert panels.copy.locator("b").count() == 0
