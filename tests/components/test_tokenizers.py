"""One text through several tokenizers: pieces, numbers and keys, against Python's own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.workshop import Shown


@pytest.fixture
def shown(show: Show) -> Shown:
    return show("tokenizers", panel="tokenizers")


def pieces(shown: Shown, row: int) -> list[str]:
    found = shown.panels.root.locator(f'.piece[data-place^="{row}."]')
    return found.all_text_contents()


def test_each_row_has_the_tokens_of_its_tokenizer(shown):
    for row, labels in enumerate(shown.numbers.facts["labels"].values()):
        assert pieces(shown, row) == labels


def test_the_table_says_what_python_says(shown):
    rows = shown.panels.root.locator("tbody tr")
    for index, (name, numbers) in enumerate(shown.numbers.facts["table"].items()):
        cells = rows.nth(index).locator("th, td")
        expect(cells.nth(0)).to_have_text(name)
        expect(cells.nth(1).locator("b")).to_have_text(str(numbers["tokens"]))
        expect(cells.nth(2)).to_have_text(f"{numbers['characters_per_token']:.2f}")
        expect(cells.nth(3)).to_have_text(f"{numbers['bytes_per_token']:.2f}")


def test_what_a_tokenizer_does_not_know_is_marked(shown):
    unknown = shown.panels.root.locator(".piece.unknown")
    assert unknown.count() > 0
    rows = unknown.evaluate_all("all => all.map(one => one.dataset.place.split('.')[0])")
    assert set(rows) == {"1"}, "of the word pieces alone"
    unknown.first.hover()
    expect(shown.panels.root.get_by_role("status")).to_contain_text("which it doesn't know")


def test_arrow_keys_walk_through_pieces_and_tokenizers(shown):
    facts = shown.numbers.facts
    score = shown.panels.root.get_by_role("application")
    said = shown.panels.root.get_by_role("status")
    expect(said).to_contain_text("A row is what one tokenizer")
    score.press("ArrowRight")
    score.press("ArrowRight")
    label, token_id = facts["labels"]["byte-level"][1], facts["ids"]["byte-level"][1]
    expect(said).to_contain_text(f"byte-level: piece 2 of {len(facts['labels']['byte-level'])}")
    expect(said).to_contain_text(f"id {token_id}")
    expect(said).to_contain_text(label.removeprefix("·") or label)
    score.press("ArrowDown")
    expect(said).to_contain_text("word-piece: piece")
    score.press("ArrowDown")
    score.press("ArrowDown")
    expect(said).to_contain_text("byt5: piece")


@pytest.mark.parametrize("width", [390, 800, 1360])
def test_nothing_is_cut_off_at_the_side(shown, width):
    shown.widen(width)
    score = shown.panels.root.locator(".score")
    assert score.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_it_is_whole_on_a_stage(show):
    shown = show("tokenizers", panel="tokenizers", lecture=True, size=(1280, 720))
    expect(shown.panels.root.locator(".stage")).to_be_visible()
    assert pieces(shown, 0)
    box = shown.panels.root.locator(".stage").bounding_box()
    assert box is not None and box["height"] <= 720
