"""A page that carries its own panels only is the page that carries all."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import llmscope
from llmscope.export import page as export
from llmscope.export.program import page_program
from llmscope.panels import PANELS
from llmscope.scope import Scope
from tests import tiny
from tests.page.drawn import eventually
from tests.page.panels import Panels


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


VIEWS = {
    "TokensView": lambda scope: llmscope.TokensView(scope.trace(tiny.TEXT)),
    "NextTokenView": lambda scope: llmscope.NextTokenView(scope.trace(tiny.TEXT)),
    "AttentionView": lambda scope: llmscope.AttentionView(scope.trace(tiny.TEXT)),
    "LensView": lambda scope: llmscope.LensView(scope.trace(tiny.TEXT)),
    "GenerationView": lambda scope: llmscope.GenerationView(
        scope.generate(tiny.TEXT, max_new_tokens=3, seed=0)
    ),
    "SurveyView": lambda scope: llmscope.survey(scope, [tiny.TEXT, "The dog sleeps."]),
    "Explorer": lambda scope: scope.explore(tiny.TEXT),
}


def opened(context: BrowserContext, html: str) -> Page:
    page = context.new_page()
    page.set_content(html)
    panels = Panels(page.locator("main > div"))
    expect(page.locator(".llmscope")).to_be_visible()
    panels.settle()
    expect(panels.error).to_have_count(0)
    return page


def pictured(page: Page) -> bytes:
    return page.screenshot(full_page=True, animations="disabled")


@pytest.mark.parametrize("name", VIEWS)
def test_a_page_of_its_own_panels_looks_as_one_of_all(name, scope, context, monkeypatch):
    view = VIEWS[name](scope)
    own = view.to_html()
    every = partial(page_program, PANELS)
    monkeypatch.setattr(export, "page_program", lambda _, *given, **more: every(*given, **more))
    whole = view.to_html()
    assert own.size < whole.size
    pages = [opened(context, html.html) for html in (own, whole)]
    eventually(lambda: pictured(pages[0]) == pictured(pages[1]))
    view.close()
