"""The ready lessons, given by keys from the first step to the last: all of each is in sight."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

import llmscope
from tests.components.given import COVERED, CUT, SIZE, Given

NAMES = ("sampling", "attention", "gaps", "lens", "chain rule", "encoder-decoder")
SAMPLE = ("gaps", "zh")
LESSONS = [
    pytest.param(*one, marks=() if one == SAMPLE else pytest.mark.whole)
    for one in product(NAMES, ("en", "zh"))
]


@pytest.mark.parametrize(("name", "lang"), LESSONS)
def test_all_of_each_step_is_in_sight(
    name: str, lang: str, tmp_path: Path, context: BrowserContext
) -> None:
    lesson = llmscope.lesson(name, lang=lang)
    path = tmp_path / "lesson.html"
    lesson.to_html(path)
    lesson.view.close()
    page, problems = context.new_page(), []
    page.on("console", lambda said: said.type == "error" and problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_viewport_size(SIZE)
    page.emulate_media(reduced_motion="reduce")
    page.goto(path.as_uri())
    given = Given(page)
    for number, slide in enumerate(lesson.slides, 1):
        is_held = bool(slide.guess or slide.answer)
        for step in ("asked", "revealed")[: 1 + is_held]:
            where = f"slide {number}, {slide.title}, {step}"
            expect(given.title, where).to_have_text(slide.title)
            expect(given.stage.locator(".lesson-answer"), where).to_have_count(
                int(step == "revealed" and bool(slide.answer))
            )
            if slide.guess == "next-token" and step == "asked" and given.bars.count():
                expect(given.bars, where).to_be_hidden()
            rings = given.stage.locator(".lesson-points .lesson-ring")
            expect(rings, where).to_have_count(len(slide.points))
            for ring in rings.all():
                expect(ring, where).to_be_in_viewport(ratio=0.99)
            assert given.root.evaluate(CUT) == [SIZE["height"], []], where
            assert given.root.evaluate(COVERED) == [], where
            assert page.evaluate("scrollY") == 0, where
            given.press("PageDown")
    expect(given.title).to_have_text(lesson.slides[-1].title)
    assert problems == []
