"""What a lesson points at and has guessed, on a page: rings that cut nothing, answers held back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from llmscope import Lesson, Slide
from llmscope.scope import Scope
from llmscope.text.label import labels
from tests import tiny
from tests.components.given import COVERED, SIZE, Given

TEXT = "The lazy dog sleeps while the quick fox"


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A lesson, and the second of its likeliest next tokens."""
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")
    second = scope.trace(TEXT).next_token().top(2)[1]
    word = labels(scope.tokenizer, [second.id])[0].strip("·")
    slides = [
        Slide("## Row", show="next-token", point=f"next {word} | it"),
        Slide("## Missing", point="next zebra | look"),
        Slide("## Guess", guess="next-token", point=f"next {word} | it"),
        Slide("## Slider", guess="temperature", temperature=0.5, ask="Which?", answer="This."),
        Slide("## Alone", guess="top_p", top_p=0.5),
        Slide("## Heads", show="heads", layer=1, head=2, point="head 1.2 | this"),
        Slide("## Arcs", show="arcs", point="token 0 | a long line that says what this is"),
    ]
    lesson = Lesson(scope.explore(TEXT), slides)
    path = tmp_path_factory.mktemp("points") / "page.html"
    lesson.to_html(path)
    lesson.view.close()
    yield path, word


@pytest.fixture
def given(page_of: tuple[Path, str], context: BrowserContext) -> Given:
    page = context.new_page()
    page.set_viewport_size(SIZE)
    page.emulate_media(reduced_motion="reduce")
    page.goto(page_of[0].as_uri())
    return Given(page)


def test_rings_and_their_lines_cover_no_words_and_no_sliders(given):
    rings = given.stage.locator(".lesson-ring")
    for number in ("1", "6", "7"):
        given.press(number, "Enter")
        expect(rings).to_have_count(1)
        expect(given.stage.locator(".lesson-line")).to_be_visible()
        assert given.root.evaluate(COVERED) == [], number


def test_what_is_not_in_sight_is_said(given):
    given.press("2", "Enter")
    line = given.stage.locator(".lesson-line")
    expect(line).to_have_text("look not in sight: “zebra” among the next tokens")
    expect(given.stage.locator(".lesson-ring")).to_have_count(0)
    expect(line).to_be_in_viewport(ratio=0.99)
    assert given.root.evaluate(COVERED) == []
    given.stage.get_by_role("button", name="greedy").click()
    expect(line).to_be_hidden()  # who left the track knows


def test_nothing_gives_away_what_is_to_be_guessed(given):
    given.press("3", "Enter")
    expect(given.stage.locator(".lesson-guess input")).to_be_visible()
    for name in (".presets", "label.slider", ".stages", ".dice", ".lesson-ring", ".lesson-line"):
        for one in given.stage.locator(name).all():
            expect(one, name).to_be_hidden()
    given.press("PageDown")
    for name in (".presets", "label.slider", ".stages", ".dice", ".lesson-ring", ".lesson-line"):
        expect(given.stage.locator(name).first, name).to_be_visible()


def test_a_key_leads_to_what_is_guessed(given):
    given.press("3", "Enter", "g")
    expect(given.stage.get_by_role("textbox", name="Which token comes next?")).to_be_focused()
    given.page.keyboard.type("g")
    given.press("Enter", "PageDown", "PageDown", "g")
    expect(given.stage.get_by_role("slider", name="temperature")).to_be_focused()
    given.press("1", "Enter", "g")
    expect(given.title).to_have_text("Row")


def test_a_question_takes_the_place_of_what_to_do(given):
    given.press("4", "Enter")
    expect(given.stage.locator(".lesson-ask")).to_have_text("Which?")
    expect(given.stage.locator(".lesson-guess")).to_have_count(0)
    given.press("PageDown")
    expect(given.stage.locator(".lesson-guess")).to_contain_text("True value: 0.50")
    given.press("PageDown")
    expect(given.stage.locator(".lesson-guess")).to_have_text("Set the slider to your guess.")


def test_help_lists_the_keys_of_what_the_slide_shows(given):
    titles = given.root.locator("dialog h4")
    given.press("6", "Enter", "?")
    expect(titles.filter(has_text="All heads")).to_have_count(1)
    expect(titles.filter(has_text="Matrix")).to_have_count(0)
    expect(titles.filter(has_text="In a lesson")).to_have_count(1)
    given.press("Escape", "7", "Enter", "?")
    expect(titles.filter(has_text="Matrix")).to_have_count(1)
    expect(titles.filter(has_text="All heads")).to_have_count(0)


@pytest.mark.parametrize("size", [(700, 720), (620, 600)])
def test_the_dice_is_in_sight_where_there_is_little_room(given, size):
    given.page.set_viewport_size({"width": size[0], "height": size[1]})
    given.press("1", "Enter")
    for button in given.stage.locator(".dice button").all():
        expect(button).to_be_in_viewport(ratio=0.99)
        words = given.stage.locator(".lesson-words").bounding_box()
        box = button.bounding_box()
        assert box["y"] + box["height"] <= words["y"] + 1
