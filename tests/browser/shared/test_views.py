"""Single views, views that are joined, and several widgets at once: one notebook for all."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import HOLD
from tests.browser.notebook import Notebook
from tests.page.axe import SEVERAL, violations
from tests.page.drawn import eventually, shares
from tests.page.lens import Lens
from tests.page.panels import Panels, click, exact, point

SENTENCE = "When Mary and John went to the store, John gave a drink to"
CELLS = [
    "import ipywidgets, llmscope\n"
    f"trace = llmscope.load().trace({SENTENCE!r})\nscope = trace.scope",
    "tokens = llmscope.TokensView(trace, layer=24, head=4)\ntokens",
    "attention = llmscope.AttentionView(trace, layer=24, head=4)\nattention",
    "following = llmscope.NextTokenView(trace)\nfollowing",
    "following  # the same once more",
    "heat = ipywidgets.FloatSlider(value=1, min=0, max=2, step=0.1, description='heat')\nheat",
    f"one = scope.explore({SENTENCE!r}, layer=24, head=4)\none",
    "two = scope.explore('The capital of France is')\ntwo",
    "lens = llmscope.LensView(trace)\nlens",
    "from transformers import ByT5Tokenizer\n"
    "cut = llmscope.TokenizersView('A tiny 词', {'default': scope, 'bytes': ByT5Tokenizer()})\ncut",
    HOLD,
]
SIZE = {"width": 1360, "height": 1200}
TOKENS, ATTENTION, NEXT, AGAIN, HEAT, ONE, TWO, LENS, CUT, BUSY = range(1, 11)
RUN = BUSY
VIEWS = {
    "tokens": {"text": SENTENCE, "layer": 24, "head": 4},
    "attention": {"text": SENTENCE, "layer": 24, "head": 4},
    "following": {"text": SENTENCE},
    "one": {"text": SENTENCE, "layer": 24, "head": 4},
    "two": {"text": "The capital of France is"},
    "lens": {"text": SENTENCE, "layer": 29},
    "cut": {"text": "A tiny 词"},
}


def panels(notebook: Notebook, cell: int) -> Panels:
    """The widget of a cell, scrolled into view."""
    found = Panels(notebook.output(cell))
    found.root.scroll_into_view_if_needed()
    return found


def regions(view: Panels) -> list[str]:
    return [
        str(region.get_attribute("aria-label")) for region in view.root.get_by_role("region").all()
    ]


def test_axe_finds_nothing_in_live_views(notebook):
    for cell in (ONE, LENS, CUT):
        panels(notebook, cell)
    views = "[data-lm-suppress-shortcuts]"
    found = {"light": violations(notebook.page, views, without=[SEVERAL])}
    notebook.page.emulate_media(forced_colors="active")
    found["forced"] = violations(notebook.page, views, only="color-contrast")
    notebook.page.emulate_media(forced_colors="none")
    assert found == {"light": [], "forced": []}


def test_a_tokens_view_stands_alone(notebook):
    view = panels(notebook, TOKENS)
    expect(view.prompt).to_have_value(SENTENCE)
    assert regions(view) == ["Text", "Chain rule"]
    view.prompt.press("x")
    expect(view.prompt).to_have_value(SENTENCE)
    expect(view.caption).to_contain_text("layer 24, head 4")
    weight = notebook.ask("float(trace.attention(24, 4)[-1, 1])")
    point(view.token(1), 0.5, 0.5)
    expect(view.caption).to_contain_text(f"attention from “to” {weight:.3f}")
    click(view.token(4))
    notebook.wait_value("tokens.position", 4)
    notebook.page.keyboard.press("Escape")
    notebook.wait_value("tokens.position", -1)


def test_an_attention_view_stands_alone(notebook):
    view = panels(notebook, ATTENTION)
    expect(view.readout).to_contain_text(re.compile(r"^to → Mary 0\.81"))
    assert regions(view) == ["Text", "All heads", "Attention"]
    view.walk(layers=1)
    notebook.wait_value("attention.layer", 25)
    strongest = notebook.ask("float(trace.attention(25, 4)[-1].max())")
    expect(view.readout.locator(".weight")).to_have_text(f"{strongest:.3f}")


def test_a_next_token_view_stands_alone(notebook):
    view = panels(notebook, NEXT)
    expect(view.rows.first).to_contain_text(re.compile(r"^·Mary92\.\d %"))
    assert regions(view) == ["Next token"]
    # The trace is given: there is no text to append to.
    expect(view.next.locator("button.name")).to_have_count(0)
    view.slider("temperature").press("End")
    notebook.wait_value("following.temperature", 2.0)
    share = notebook.ask("following.distribution.top(1)[0].prob")
    expect(view.rows.first).to_contain_text(f"{100 * share:.1f} %")


def test_observers_hear_a_slider(notebook):
    notebook.execute("heard = []; following.observe(lambda c: heard.append(c.new), 'temperature')")
    panels(notebook, NEXT).slider("temperature").press("ArrowRight")
    notebook.wait_value("heard", [1.01])
    notebook.execute("following.unobserve_all('temperature')")


def test_a_widget_shown_twice_shows_the_same_and_both_are_live(notebook):
    first, second = panels(notebook, NEXT), panels(notebook, AGAIN)
    expect(second.rows.first).to_contain_text("92.")
    second.slider("temperature").press("End")
    for view in (first, second):
        expect(view.shown("temperature")).to_have_text("2.00")
        expect(view.rows.first).not_to_contain_text("92.")
    first.slider("top-p").press("Home")
    for view in (first, second):
        expect(view.shown("top-p")).to_have_text("0.00")
        expect(view.rows.first).to_contain_text("100 %")
    assert first.bars() == second.bars()


def test_linked_views_move_together_also_while_a_cell_runs(notebook):
    text, heads, bars = (panels(notebook, cell) for cell in (TOKENS, ATTENTION, NEXT))
    notebook.execute(
        "attention.layer, attention.temperature = 25, 0.5\n"
        "links = [llmscope.link(attention, tokens), llmscope.link(attention, following)]"
    )
    expect(text.caption).to_contain_text("layer 25, head 4")
    expect(bars.shown("temperature")).to_have_text("0.50")
    click(text.token(10))
    expect(heads.readout).to_contain_text("gave →")
    expect(bars.next.get_by_role("heading")).to_contain_text("after “gave”")
    notebook.wait_value("[attention.position, following.position]", [10, 10])

    with notebook.held(BUSY):
        click(text.token(4))
        expect(heads.readout).to_contain_text("went →")
    notebook.wait_value("[v.position for v in (tokens, attention, following)]", [4, 4, 4])
    expect(bars.next.get_by_role("heading")).to_contain_text("after “went”")

    notebook.execute("for joined in links: joined.unlink()")
    click(text.token(1))
    notebook.wait_value("[tokens.position, attention.position]", [1, 4])
    expect(heads.readout).to_contain_text("went →")


def test_a_slider_of_ipywidgets_moves_the_panel(notebook):
    view = panels(notebook, NEXT)
    notebook.execute("joined = ipywidgets.jslink((heat, 'value'), (following, 'temperature'))")
    handle = notebook.output(HEAT).locator(".noUi-handle")
    handle.focus()
    for _ in range(5):
        handle.press("ArrowRight")
    expect(view.shown("temperature")).to_have_text("1.50")
    expect(view.rows.first).not_to_contain_text("92.")
    view.slider("temperature").press("Home")
    expect(notebook.output(HEAT).locator(".widget-readout")).to_have_text("0.00")
    notebook.wait_value("[heat.value, following.temperature]", [0, 0])
    notebook.execute("joined.unlink()")


def test_two_explorers_on_one_scope_leave_each_other_alone(notebook):
    one, two = panels(notebook, ONE), panels(notebook, TWO)
    expect(one.rows.first).to_contain_text("·Mary")
    expect(two.rows.first).to_contain_text("·Paris")
    one.prompt.press("Control+End")
    notebook.page.keyboard.type(" Mary", delay=20)
    two.prompt.fill("The capital of Italy is")
    expect(one.root.get_by_text("15 tokens")).to_be_visible()
    expect(two.rows.first).to_contain_text("·Rome")
    one.slider("temperature").press("End")
    two.walk(layers=1)
    notebook.wait_value("[one.temperature, two.temperature]", [2.0, 1.0])
    notebook.wait_value("[one.layer, two.layer]", [24, 1])
    texts = [SENTENCE + " Mary", "The capital of Italy is"]
    notebook.wait_value("[one.text, two.text]", texts)
    for name, view in (("one", one), ("two", two)):
        largest = notebook.ask(f"float({name}.attention[-1].max())")
        expect(view.readout.locator(".weight")).to_have_text(f"{largest:.3f}")


def test_a_click_on_a_lens_takes_the_linked_view_along(notebook):
    notebook.execute("joined = llmscope.link(lens, attention)")
    lens = Lens(panels(notebook, LENS).root)
    lens.wait()
    click(
        lens.table.locator("tbody tr").nth(5).locator("td:not(.gap)").last
    )  # layer 24, after "to"
    notebook.wait_value("[lens.layer, lens.position]", [24, 13])
    notebook.wait_value("[attention.layer, attention.position]", [24, 13])
    notebook.page.mouse.move(2, 2)
    notebook.execute("attention.layer, attention.position = 3, 4")
    notebook.wait_value("[lens.layer, lens.position]", [3, 4])
    expect(lens.title).to_have_text("Layer 3 after “went”")
    notebook.execute("joined.unlink()")


def test_a_lens_of_a_shorter_text_takes_the_place_of_a_longer_one(notebook):
    lens = Lens(panels(notebook, LENS).root)
    for text in (SENTENCE * 6, "The cat", SENTENCE * 6, "The cat sat on the mat"):
        notebook.execute(f"lens.text = {text!r}")
        last = notebook.ask("lens.trace.tokens[-1].label")
        expect(lens.heads.last).to_have_text(last, timeout=30_000)
        lens.wait()
    words = notebook.ask(
        "lens.trace.lens(top=1).to_pandas().pivot(index='layer', columns='position',"
        " values='token').to_numpy()[::-1].tolist()"
    )
    eventually(lambda: lens.words() == words)


def test_any_token_can_be_found_and_pinned(notebook):
    view = panels(notebook, NEXT)
    search = view.next.get_by_role("searchbox")
    search.fill("purple")
    found = view.next.locator(".found button").first
    expect(found).to_contain_text("purple")
    search.press("Enter")
    pinned = view.next.locator(".bars li").filter(has_text="purple")
    expect(pinned).to_have_count(1)
    (token,) = notebook.ask("scope.tokenizer('purple')['input_ids']")
    base = notebook.ask(f"float(following.distribution.base[{token}])")
    assert math.isclose(exact(pinned.locator(".value")), base, rel_tol=6e-3)
    assert sum(shares(view.next)) == pytest.approx(1, abs=2e-3)
    pinned.get_by_role("button", name="Unpin").click()
    expect(pinned).to_have_count(0)
    search.fill("no such token at all")
    expect(view.next.get_by_text("no such token", exact=True)).to_be_visible()
    search.press("Escape")
    expect(search).to_have_value("")


def test_a_text_is_cut_by_several_tokenizers_as_it_is_typed(notebook):
    view = panels(notebook, CUT).root
    text = view.get_by_role("textbox", name="Text")
    expect(text).to_have_value("A tiny 词")
    expect(view.locator('.piece[data-place^="1."]')).to_have_count(10)
    text.fill("A tiny 词 🤖")
    notebook.wait_value("cut.text", "A tiny 词 🤖")
    expect(view.locator('.piece[data-place^="1."]')).to_have_count(15)
    count = notebook.ask("len(cut.tokens['default'])")
    expect(view.locator('.piece[data-place^="0."]')).to_have_count(count)
    view.get_by_role("button", name="code").click()
    notebook.wait_value("cut.text.startswith('def count')", True)
    text.press("ControlOrMeta+z")
    expect(text).to_have_value("A tiny 词 🤖")
    notebook.execute("cut.text = 'from Python'")
    expect(text).to_have_value("from Python")
    expect(view.get_by_role("row", name="bytes").last).to_contain_text("11")


def test_the_whole_model_opens_beside_what_is_there(notebook):
    view = panels(notebook, ONE)
    view.root.get_by_role("button", name="Model", exact=True).click()
    notebook.wait_value("one.model", True)
    picture = view.root.get_by_role("region", name="Model", exact=True)
    wanted = notebook.ask("one.trace.token_path().lengths()[24]")
    said = picture.locator(".model-block .model-station > span:last-child")
    expect(said).to_have_count(len(wanted))
    expect(said.last).to_contain_text("length", timeout=30_000)

    def written() -> list[float]:
        return [float(one.removeprefix("length ")) for one in said.all_text_contents()]

    eventually(lambda: written() == pytest.approx(wanted, rel=5e-3))
    picture.get_by_role("slider").press("ArrowDown")
    notebook.wait_value("one.layer", 23)
    picture.locator('[data-box="block.23.mlp"]').press("Enter")
    notebook.wait_value("one.box", "block.23.mlp")
    expect(picture.locator(".model-neurons tbody tr")).to_have_count(8)
