"""A page of a logit lens."""

from __future__ import annotations

from playwright.sync_api import expect

import llmscope
from llmscope import LensView
from tests.browser.explorer import SENTENCE
from tests.page.lens import Lens


def test_a_page_holds_what_is_on_screen_and_says_what_it_lacks(context, tmp_path):
    view = LensView(llmscope.load().trace(SENTENCE))
    view.to_html(tmp_path / "lens.html", positions=[0])
    table = view.trace.lens(top=1).to_pandas()
    words = table.pivot(index="layer", columns="position", values="token").to_numpy()[::-1]
    page = context.new_page()
    page.set_viewport_size({"width": 1600, "height": 900})  # all columns are in sight, and drawn
    page.goto((tmp_path / "lens.html").as_uri())
    lens = Lens(page.locator("main"))
    expect(lens.table.locator("td.focus")).to_have_text("·Mary")
    assert lens.words() == words.tolist(), "both blocks are held: the first token's, and the focus"
    lens.read_of_layers("MLP half")
    expect(lens.reading).to_contain_text(
        "This lens takes the model: the page holds whole layers at tokens 0 to 13."
    )
    view.close()
