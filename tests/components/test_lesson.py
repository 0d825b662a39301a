"""Lessons given by keys alone, on pages of their own: no kernel, no request, 1280 × 720."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

import llmscope
from llmscope import Lesson, Slide
from llmscope.scope import Scope
from tests import tiny
from tests.components.given import COVERED, CUT, SIZE, Given
from tests.page.axe import violations
from tests.page.chromium import SCREENSHOTS
from tests.page.panels import click

HIGH = r"$$\frac{e^{z_i/T}}{\sum_j e^{z_j/T}}$$"  # than a line
TEXT, OTHER = "The lazy dog sleeps while the quick fox", "The quick fox jumps"
SLIDES = {
    "en": [
        Slide("## A text\n\nA **text** is `<b>`tokens`</b>`.", show="text", point="token 2 | here"),
        Slide("## What comes next?", guess="next-token"),
        Slide(
            f"## Hotter\n\n$T$ is larger: $x^2$\n\n{HIGH}",
            temperature=1.8,
            point="slider temperature",
        ),
        Slide("## Which?", guess="temperature", temperature=0.6, answer="At **0.6**."),
        Slide("## Heads", text=OTHER, show="heads", layer=1, head=2, point="head 1.2 | this"),
        Slide("## One head", show="matrix", point="cell 2 1", zoom=True, key="a"),
        Slide("## Arcs", show="arcs", hide="next-token"),
        Slide("## The chain rule", show="chain", ask="Why?", answer="It *is* so."),
    ],
    "zh": [
        Slide("## 文本\n\n模型读的是**词元**，\n一个接一个。", show="text", point="token 2 | 这里"),
        Slide("## 下一个词元是什么？", guess="next-token"),
        Slide("## 温度更高", show="next-token", temperature=1.8, point="slider temperature | 温度"),
    ],
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The lesson in each language."""
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")
    folder, found = tmp_path_factory.mktemp("lessons"), {}
    for lang, slides in SLIDES.items():
        lesson = Lesson(scope.explore(TEXT), slides, title="A lesson", lang=lang)
        found[lang] = folder / f"{lang}.html"
        lesson.to_html(found[lang])
        lesson.view.close()
    yield found


@pytest.fixture
def give(pages: dict[str, Path], context: BrowserContext) -> Callable[..., Given]:
    def give_(lang: str = "en", *, motion: str = "reduce", theme: str = "light") -> Given:
        page = context.new_page()
        page.set_viewport_size(SIZE)
        page.emulate_media(reduced_motion=motion, color_scheme=theme)
        page.goto(pages[lang].as_uri())
        return Given(page)

    return give_


@pytest.mark.parametrize(
    ("lang", "theme"), [("zh", "dark"), pytest.param("en", "light", marks=pytest.mark.whole)]
)
def test_all_of_each_slide_is_in_sight_by_keys_alone(give, lang, theme):
    given = give(lang, theme=theme)
    SCREENSHOTS.mkdir(exist_ok=True)
    steps, slides = count(), SLIDES[lang]
    for number, slide in enumerate(slides, 1):
        for _ in range(1 + bool(slide.guess or slide.answer)):
            expect(given.stage.locator("output").first).to_have_text(
                f"{number} of {len(slides)}" if lang == "en" else f"{number} / {len(slides)}"
            )
            expect(given.title).to_have_text(slide.title)
            for one in given.stage.locator(".lesson-ring").all():
                expect(one).to_be_in_viewport(ratio=0.99)
            expect(given.stage.locator(".lesson-ring")).to_have_count(len(slide.points))
            assert given.root.evaluate(CUT) == [SIZE["height"], []]
            assert given.root.evaluate(COVERED) == []
            name = f"lesson-{lang}-{theme}-{next(steps)}.png"
            given.page.screenshot(path=SCREENSHOTS / name)
            given.press("PageDown")
    # One too many is no way out.
    given.press("PageDown", "Space", "ArrowRight", "End")
    expect(given.title).to_have_text(slides[-1].title)
    assert given.page.evaluate("scrollY") == 0
    size = given.stage.locator(".lesson-words").evaluate("e => getComputedStyle(e).fontSize")
    assert float(size.removesuffix("px")) >= 20


def test_the_next_token_is_held_back_until_the_class_has_guessed(give):
    given = give()
    given.press("PageDown")
    expect(given.bars).to_be_hidden()
    guess = given.stage.get_by_role("textbox", name="Which token comes next?")
    guess.focus()
    likeliest = given.bars.text_content().replace("·", "").strip()
    for text in (likeliest, "zzz"):
        given.page.keyboard.type(text)
        given.press("Enter")
    given.press("PageDown")
    expect(given.bars).to_be_visible()
    guesses = given.stage.get_by_role("list", name="Your guesses").get_by_role("listitem")
    expect(guesses.first).to_contain_text("rank 1 ·")
    expect(guesses).to_have_count(2)
    given.press("PageDown")
    expect(given.title).to_have_text("Hotter")


def test_enter_that_ends_a_composition_adds_no_guess(give):
    given = give("zh")
    given.press("PageDown")
    guesses = given.stage.locator(".lesson-guess li")
    field = given.stage.locator(".lesson-guess input")
    field.focus()
    typing = given.page.context.new_cdp_session(given.page)
    for text in ("h", "hu", "hu'li"):
        here = {"selectionStart": len(text), "selectionEnd": len(text)}
        typing.send("Input.imeSetComposition", {"text": text, **here})
    composed = "e => { e.addEventListener('keydown', k => e.seen = k.isComposing, true); }"
    field.evaluate(composed)
    given.press("Enter")
    assert field.evaluate("e => e.seen") is True
    expect(guesses).to_have_count(0)
    typing.send("Input.insertText", {"text": "狐狸"})
    expect(field).to_have_value("狐狸")
    given.press("Enter")
    expect(guesses).to_have_count(1)
    expect(guesses.first).to_contain_text("狐狸")


def test_on_paper_a_slide_has_its_number_and_no_buttons(give):
    given = give()
    given.press("PageDown")
    given.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(given.stage.get_by_role("button", name="Reveal")).to_have_count(0)
    expect(given.stage.locator(".lesson-controls > :visible")).to_have_text(["2 of 8"])
    given.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(given.stage.get_by_role("button", name="Reveal")).to_be_visible()


def test_on_a_phone_a_title_is_a_line_and_all_buttons_are_there(give):
    given = give()
    given.page.set_viewport_size({"width": 390, "height": 800})
    given.settle()
    title = given.title.bounding_box()
    assert title["width"] > 3 * title["height"]
    for button in given.stage.locator(".lesson-controls button").all():
        expect(button).to_be_in_viewport(ratio=0.99)


def test_no_formula_is_cut(give):
    given = give()
    given.press("3", "Enter")
    words = given.stage.locator(".lesson-words")
    box = words.bounding_box()
    clip = {**box, "y": box["y"] - 10, "height": SIZE["height"] - box["y"] + 10}
    shown = given.page.screenshot(clip=clip)
    words.evaluate("one => one.style.overflow = 'visible'")
    assert given.page.screenshot(clip=clip) == shown


def test_the_slider_is_predicted(give):
    given = give()
    given.press("4", "Enter")
    expect(given.shown("temperature")).to_have_text("1.80")
    slider = given.stage.get_by_role("slider", name="temperature")
    slider.focus()
    given.press("ArrowLeft")
    expect(given.shown("temperature")).to_have_text("1.79")
    given.press("PageDown")
    expect(given.shown("temperature")).to_have_text("0.60")
    expect(given.stage.locator(".lesson-guess")).to_contain_text("Your guess: 1.79")
    expect(given.stage.locator(".lesson-answer")).to_have_text("At 0.6.")


def test_sliders_move_to_their_places(give):
    given = give(motion="no-preference")
    given.press("3")
    seen = given.root.evaluate(
        """async root => {
            const seen = new Set();
            root.shadowRoot.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
            for (let frame = 0; frame < 90; frame++) {
                await new Promise(requestAnimationFrame);
                const { value } = root.shadowRoot.querySelector("input[type=range]") ?? {};
                if (value) seen.add(Number(value));
            }
            return [...seen];
        }"""
    )
    assert len(seen) > 3
    assert seen == sorted(seen)
    expect(given.shown("temperature")).to_have_text("1.80")


def test_who_touches_it_leaves_the_track_and_one_key_leads_back(give):
    given = give()
    given.press("3", "Enter")
    off = given.stage.get_by_role("button", name="off the track")
    expect(off).to_have_count(0)
    for key in ("r", "PageDown", "PageUp"):
        given.stage.get_by_role("button", name="greedy").click()
        expect(given.shown("temperature")).to_have_text("greedy")
        expect(off).to_be_visible()
        expect(given.stage.locator("output").first).to_have_text("3 of 8")
        given.press(key)
        expect(given.shown("temperature")).to_have_text("1.80")
        expect(off).to_have_count(0)
    click(given.stage.locator('[data-token="2"]').first)
    expect(off).to_be_visible()
    off.click()
    expect(off).to_have_count(0)
    given.press("PageDown")
    expect(given.title).to_have_text("Which?")


def test_other_keys_and_their_buttons(give):
    given = give()
    dark = given.stage.locator(".lesson-dark")
    for key in ("b", "."):
        given.press(key)
        expect(dark).to_be_visible()
        assert dark.bounding_box() == {"x": 0, "y": 0, **SIZE}
        given.press("PageDown")  # what is dark is lifted, and nothing else
        expect(dark).to_have_count(0)
        expect(given.title).to_have_text("A text")
    given.stage.get_by_role("button", name="Black").click()
    dark.click()
    expect(dark).to_have_count(0)
    given.press("a")
    expect(given.title).to_have_text("One head")
    given.press("s")
    expect(given.stage).to_contain_class("lesson-lit")
    given.press("Escape")
    expect(given.stage).not_to_contain_class("lesson-lit")
    given.press("Home", "ArrowRight")
    expect(given.title).to_have_text("What comes next?")
    given.press("PageUp")
    expect(given.title).to_have_text("A text")
    given.stage.get_by_role("button", name="Next:").click()
    expect(given.title).to_have_text("What comes next?")
    given.press("c")
    expect(given.stage).not_to_contain_class("bare")
    given.press("?")
    expect(given.root.get_by_role("region", name="In a lesson")).to_be_visible()


def test_keys_bring_the_stage_in_sight(give):
    given = give()
    given.page.evaluate("document.body.prepend(Object.assign(document.createElement('div'), "
                        "{ style: 'height: 2000px' })); scrollTo(0, 0)")  # fmt: skip
    expect(given.stage).not_to_be_in_viewport()
    given.press("PageDown")
    expect(given.title).to_have_text("What comes next?")
    expect(given.stage).to_be_in_viewport(ratio=0.99)


def test_off_the_stage_it_is_above_all_panels(give):
    given = give()
    given.stage.get_by_role("button", name="Leave lecture mode").click()
    above = given.root.locator(".lesson-above")
    expect(above.get_by_role("heading")).to_have_text("A text")
    above.get_by_role("button", name="Next:").click()
    expect(above.get_by_role("heading")).to_have_text("What comes next?")
    above.get_by_role("button", name="Stage").click()
    expect(given.title).to_have_text("What comes next?")


@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.whole)])
def test_axe_finds_nothing(give, lang):
    given = give(lang)
    for _ in range(5):
        assert violations(given.page, "main") == []
        given.press("PageDown")


def test_a_page_without_a_lesson_carries_none(pages):
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")
    view = llmscope.NextTokenView(scope.trace(TEXT))
    assert view.to_html().size < pages["en"].stat().st_size - 20_000
    view.close()
