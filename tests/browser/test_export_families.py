"""A page of each family of models: every control answers, or says why not."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from llmscope import Scope
from tests.page.panels import Panels
from tests.tiny import MODELS, TEXT, byte_level

SAMPLE = ("gpt2", "bert", "t5")


@pytest.mark.parametrize(
    "name",
    [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.whole) for name in MODELS],
)
def test_every_family_is_answered_or_told_why_not(context, name, tmp_path):
    scope = Scope(MODELS[name](), byte_level(), name=name)
    scope.explore(TEXT, heads=[(0, 1), (1, 0)]).to_html(tmp_path / "page.html")
    context.set_offline(True)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    found = Panels(page.locator(".llmscope"))
    attention = found.root.get_by_role("region", name="Attention", exact=True)
    expect(attention.get_by_role("heading")).to_be_visible()
    kinds = attention.get_by_role("radiogroup", name="Which attention").get_by_role("radio")
    for kind in range(max(1, kinds.count())):
        if kinds.count():
            kinds.nth(kind).check(force=True)
        for mode in ("Arcs", "Steps", "Matrix"):
            attention.get_by_text(mode, exact=True).click()
            found.settle()
            expect(attention).not_to_contain_text("Reading the head")
        combine = attention.get_by_role("combobox", name="What is made of the chosen heads")
        for choice in ("mean", "max", "difference", "none"):
            if combine.count():
                combine.select_option(choice)
    for token in range(found.copy.locator("[data-token]").count()):
        box = found.copy.locator("[data-token]").nth(token).bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(found.error).to_have_count(0)
