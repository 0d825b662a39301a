"""What was generated: its tokens, its branches, and what could have come instead."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, expect

from tests.components.conftest import Show
from tests.components.workshop import Shown


@pytest.fixture
def shown(show: Show) -> Shown:
    """Four tokens of SmolLM2, a branch after the second, and one at once."""
    return show("generation")


@pytest.fixture
def panel(shown: Shown) -> Locator:
    return shown.panels.root.get_by_role("region", name="Generation")


def tokens(panel: Locator) -> Locator:
    return panel.locator(".written > p").first.locator(".wrote")


def test_the_tokens_of_the_path_are_those_of_python(shown, panel):
    written = shown.numbers.facts["written"]
    expect(tokens(panel)).to_have_count(len(written) - 1)
    for at, (before, after) in enumerate(pairwise(written)):
        expect(tokens(panel).nth(at)).to_have_text(after.removeprefix(before))


def test_a_token_that_is_looked_at_shows_what_could_have_come(shown, panel):
    tokens(panel).nth(2).click()
    before = (tokens(panel).nth(1).text_content() or "").strip()
    expect(shown.panels.next.get_by_role("heading")).to_contain_text(f"after “{before}”")
    expect(tokens(panel).nth(2)).to_have_class(re.compile("here"))
    expect(panel.get_by_role("status")).to_contain_text("probability")
    # A page has no model: nothing can be taken instead.
    expect(shown.panels.rows.first.locator("button.name")).to_have_count(0)


def test_alternatives_stand_at_the_token_where_their_list_is_out_of_sight(show):
    shown = show("generation", width=600, size=(700, 540))
    panel = shown.panels.root.get_by_role("region", name="Generation")
    there = panel.get_by_role("group", name="Alternatives")
    token = tokens(panel).nth(2)
    token.click()
    expect(there.get_by_role("button")).to_have_count(5)
    rows = shown.panels.next.locator(".bars > li .name")
    for at in range(5):
        name = (rows.nth(at).text_content() or "").strip()
        expect(there.get_by_role("button").nth(at)).to_contain_text(name)
    text = (token.text_content() or "").strip()
    expect(there.locator(".own")).to_contain_text(text)
    places = [one.bounding_box() for one in (token, there)]
    assert 0 <= places[1]["y"] - places[0]["y"] - places[0]["height"] < 3, places
    shown.panels.next.locator(".picture").scroll_into_view_if_needed()
    expect(there).to_be_hidden()


def test_branches_are_gone_to_compared_and_folded(shown, panel):
    branches = panel.get_by_role("treeitem")
    expect(branches).to_have_count(4)
    texts = shown.numbers.facts["texts"]
    prompt = shown.numbers.facts["prompt"]
    # All branches stand beside the text at first.
    columns = panel.locator(".written > p")
    expect(columns).to_have_count(3)
    expect(panel.get_by_text("Split after 2 tokens")).to_be_visible()
    compare = [branches.nth(at).get_by_role("button", name="compare") for at in range(4)]
    compare[3].click()
    expect(columns).to_have_count(2)
    pressed, plain = (
        compare[at].evaluate("button => getComputedStyle(button).borderColor") for at in (2, 3)
    )
    assert pressed != plain
    compare[2].click()
    expect(columns).to_have_count(1)
    for at, node in ((2, "6"), (3, "8"), (1, "4")):
        branches.nth(at).locator(".way").last.click()
        expect(panel.locator(".written > p").first).to_contain_text(
            texts[node].removeprefix(prompt)
        )
    panel.get_by_role("button", name="Fold").first.click()
    expect(branches).to_have_count(2)


def test_branches_are_beside_the_text_on_a_stage(show):
    shown = show("generation", size=(1280, 800), width=1280, lecture=True)
    texts = shown.panels.root.locator(".written > p")
    expect(texts).to_have_count(3)
    tops = {round(text.bounding_box()["y"]) for text in texts.all()}
    assert len(tops) == 1
    figures = shown.panels.next.locator(".value")
    assert figures.evaluate_all("all => all.every(one => one.scrollWidth <= one.clientWidth)")
    # With its controls, the list of branches is there, too, though there is no prompt to edit.
    shown.panels.root.get_by_role("button", name="Controls").click()
    places = [shown.panels.root.locator(name).bounding_box() for name in (".written", ".branches")]
    assert places[1]["y"] == pytest.approx(places[0]["y"], abs=8)
    assert places[1]["height"] > 60


@pytest.mark.parametrize(("width", "lecture"), [(1150, False), (390, False), (1280, True)])
def test_the_ends_of_the_colours_are_named_and_nothing_moves(show, width, lecture):
    shown = show("generation", width=width, size=(width, 720), lecture=lecture)
    panel = shown.panels.root.get_by_role("region", name="Generation")
    legend = panel.locator(".shades")
    token = tokens(panel).first
    places = []
    for shade, ends in (
        ("probability", "0 %  100 % likely"),
        ("surprisal", "0 bits  12 bits or more"),
        ("rank", "rank 1  1,000 or beyond"),
    ):
        if lecture:
            shown.set(shade=shade)
        else:
            panel.get_by_label("coloured by").select_option(shade)
        shown.wait(shade=shade)
        expect(legend.locator(":scope > span:not(.unseen)")).to_have_text(ends)
        box = legend.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        places.append((box, token.bounding_box(), panel.bounding_box()))
    assert places[0] == places[1] == places[2]
