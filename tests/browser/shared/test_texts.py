"""What a person types into the Explorer: any keys, any text, at any length."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import CDPSession, expect

from tests.browser.explorer import (  # noqa: F401
    CELLS,
    MARKS,
    RUN,
    SENTENCE,
    SIZE,
    VIEWS,
    expect_bars_as_in_python,
    type_text,
)
from tests.page.panels import point


def test_chinese_is_traced_once_when_the_composition_ends(notebook, panels):
    notebook.execute(
        "traced, plain = [], scope.trace\n"
        "scope.trace = lambda text, **how: (traced.append(text), plain(text, **how))[1]"
    )
    typing: CDPSession = notebook.page.context.new_cdp_session(notebook.page)
    panels.prompt.press("Control+End")
    for text in ("n", "ni", "ni h", "ni hao", "你好"):
        here = {"selectionStart": len(text), "selectionEnd": len(text)}
        typing.send("Input.imeSetComposition", {"text": text, **here})
        expect(panels.prompt).to_have_value(SENTENCE + text)
        panels.settle()
    assert notebook.ask("[traced, explorer.text]") == [[], SENTENCE]
    expect(panels.root.get_by_text("14 tokens")).to_be_visible()
    typing.send("Input.insertText", {"text": "你好"})
    expect(panels.prompt).to_have_value(SENTENCE + "你好")
    notebook.wait_value("explorer.text", SENTENCE + "你好")
    expect(panels.next.get_by_role("heading")).to_contain_text("好")
    panels.settle()
    assert notebook.ask("traced") == [SENTENCE + "你好"]
    notebook.execute("del scope.trace")
    typing.detach()


def test_keys_in_the_widget_leave_the_notebook_alone(notebook, panels):
    state = "return [notebook.activeCellIndex, notebook.mode];"
    cells = notebook.cell_sources()
    for place in (
        panels.prompt,
        panels.overview,
        panels.matrix,
        panels.slider("top-p"),
        panels.next.get_by_role("button").first,
        panels.sink,
    ):
        place.focus()
        before = notebook.evaluate(state)
        for key in ("Escape", "b", "d", "d", "a", "ArrowDown", "ArrowUp", "x", "Escape", "Enter"):
            notebook.page.keyboard.press(key)
        expect(place).to_be_focused()
        assert notebook.cell_sources() == cells
        assert notebook.evaluate(state) == before
    value = panels.prompt.input_value()
    assert "bdda" in value and "x\n" in value


def test_tab_visits_every_control_in_order_with_a_visible_focus(notebook, panels):
    looks = """() => {
        let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const style = getComputedStyle(at);
        return {
            name: at.getAttribute("aria-label") ?? (at.labels?.[0] ?? at).textContent.trim(),
            inside: !!at.closest(".llmscope"),
            outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
            border: getComputedStyle(at.closest(".panel") ?? at).borderColor,
        };
    }"""
    idle = panels.root.locator(".tokens").evaluate("panel => getComputedStyle(panel).borderColor")
    panels.root.get_by_role("button", name="Lecture").focus()
    seen = []
    for _ in range(70):
        notebook.page.keyboard.press("Tab")
        at = notebook.page.evaluate(looks)
        if not at["inside"]:
            break
        seen.append(at["name"])
        assert at["outline"] or (at["name"] == "Prompt" and at["border"] != idle), at["name"]
    sliders = ["temperature", "top-k", "top-p"]
    expected = [
        "Prompt",
        "second text…",
        "steer…",
        "Highlight heads",
        "Heads by layer",
        "switch off",
        "MLP 24 off",
        "Matrix",
        "Pin head 24·4",
        "How pinned",
    ]
    expected += ["Attention matrix", "Threshold", "Colour scale", "hide first token", "PNG", "SVG"]
    expected += ["fixed", "log", "curve", "more", "greedy", "0.7", "1.5", "nucleus"]
    expected += [*sliders, *sliders]  # and the stages that they set
    first = panels.bars()[0]  # A list of like buttons is one stop: arrow keys walk it.
    expected += [first["name"], f"{first['name'].strip('·')}, {first['printed']}"]
    expected += ["Sample once", "Sample 1,000×", "Find a token"]
    assert len(seen) == len(expected), seen
    for name, wanted in zip(seen, expected, strict=True):
        assert name.startswith(wanted), seen


ODD = {
    "one token": "Hello",
    "an end of text": "<s>",
    "a script": "a <script>alert(1)</script> & <b>b</b>",
    "tabs and newlines": "a\tb\n\n  c\n\td",
    "Chinese": "你好，世界。今天天气很好",
    "an emoji family": "The 👨‍👩‍👧‍👦 went home 🏳️‍🌈",
    "right to left": "שלום עולם، مرحبا بالعالم",
    "only spaces": "   ",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_are_text(notebook, panels, text):
    dialogs: list[object] = []
    notebook.page.once("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    count = type_text(notebook, panels, text)
    assert notebook.ask("explorer.text") == notebook.ask("explorer.trace.text") == text
    assert (panels.copy.text_content() or "").startswith(text)
    assert panels.root.locator("script, .copy b").count() == 0
    assert not dialogs
    assert "�" not in (panels.root.text_content() or "")
    weights = notebook.ask("explorer.attention[-1].tolist()")
    assert len(weights) == count
    expect(panels.readout.locator(".weight")).to_have_text(f"{max(weights):.3f}")
    assert len(panels.bars()) == 10


def test_an_empty_text_is_no_error(notebook, panels):
    panels.prompt.fill("")
    expect(panels.next).to_contain_text("Type something to see what could follow.")
    expect(panels.caption).to_have_text("Every panel below follows what you type.")
    expect(panels.matrix).to_have_count(0)
    expect(panels.error).to_have_count(0)
    expect(panels.root.get_by_role("img", name="ready")).to_be_visible()
    panels.slider("temperature").press("ArrowRight")
    notebook.wait_value("explorer.text", "")
    assert type_text(notebook, panels, "Hi") == 1


@pytest.mark.whole
def test_two_thousand_tokens_stay_exact(notebook, panels):
    count = type_text(notebook, panels, "When Mary and John went to the store, " * 230)
    assert count > 2000
    expect(panels.root.get_by_text("Values on hover are exact")).to_be_visible(timeout=20_000)
    row = notebook.ask("explorer.trace.attention(24, 4, rows=[1500])[0].tolist()")
    for key in (0, 700, 1499):
        point(panels.cells, (key + 0.5) / count, 1500.5 / count)
        expect(panels.readout.locator(".weight")).not_to_have_text("…")
        text = panels.readout.text_content() or ""
        # A cell is smaller than a pixel: which key was met shows in the caption.
        met = re.search(r"token ([\d,]+), id", panels.caption.text_content() or "")
        assert met and abs(int(met[1].replace(",", "")) - key) <= count / 300, text
    expect_bars_as_in_python(notebook, panels)
    notebook.page.mouse.move(2, 2)
    notebook.execute("explorer.position = 1500")
    expect(panels.next.get_by_role("heading")).to_contain_text("after")
    expect(panels.readout.locator(".weight")).to_have_text(f"{max(row):.3f}")
    expect(panels.readout).to_contain_text(f"to the first token {row[0]:.3f}")


def test_a_text_over_the_context_says_so_and_can_be_shortened(notebook, panels):
    panels.prompt.fill("word " * 8300)
    expect(panels.error).to_contain_text("8,301 tokens")
    expect(panels.error).to_contain_text("8,192")
    panels.slider("temperature").press("ArrowRight")
    expect(panels.shown("temperature")).to_have_text("1.01")
    panels.prompt.fill(SENTENCE)
    expect(panels.error).to_have_count(0)
    expect(panels.rows.first).to_contain_text("·Mary")
    panels.prompt.fill("word " * 8300)
    expect(panels.error).to_contain_text("8,301 tokens")
    assert type_text(notebook, panels, "The capital of France is") == 5
    expect(panels.rows.first).to_contain_text("·Paris")


def test_the_newest_text_wins(notebook, panels):
    panels.prompt.press("Control+End")
    typed = " his friend and then went home"
    panels.prompt.press_sequentially(typed, delay=15)
    expect(panels.prompt).to_have_value(SENTENCE + typed)
    expect(panels.root.get_by_text("20 tokens")).to_be_visible()
    expect(panels.next.get_by_role("heading")).to_contain_text("after “home”")
    notebook.wait_value("explorer.text", SENTENCE + typed)
    expect_bars_as_in_python(notebook, panels)
    panels.settle()
    expect(panels.prompt).to_have_value(SENTENCE + typed)
    expect(panels.root.get_by_text("20 tokens")).to_be_visible()
