"""Two texts side by side in JupyterLab, typed into and aligned by mouse and by keys."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL, SIZE
from tests.page.panels import Panels

A, B = "The capital of France is", "The capital of Italy is"
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"view = llmscope.compare(scope, scope, {A!r}, other_text={B!r})\nview",
]


def test_two_texts_are_typed_turned_and_aligned(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    panels = Panels(notebook.output(1))
    texts = panels.root.get_by_role("region", name="Texts")
    stave = texts.get_by_role("application", name="Both texts")
    expect(texts.locator(".beat.other")).to_have_count(1, timeout=60_000)
    expect(texts.locator(".beat.other")).to_have_text("FranceItaly")

    # The next token of both, as Python has it.
    kl = notebook.ask("[view.comparison.next_token.kl_ab, view.comparison.next_token.kl_ba]")
    said = f"KL A‖B {kl[0]:.2f} bits · B‖A {kl[1]:.2f} bits"
    expect(panels.next.locator(".legend")).to_contain_text(said)
    gained = notebook.ask("view.comparison.next_token.gained(1)[0].label")
    expect(panels.next.locator(".apart b").first).to_have_text(gained.removeprefix("·"))
    distance = notebook.ask("float(view.comparison.head_distances.max())")
    habit = panels.root.get_by_role("region", name="All heads").locator(".habit")
    expect(habit).to_contain_text(f"0 to {distance:.3f}")
    expect(habit.locator("span.here")).to_contain_text(f"{distance:.3f}")
    notebook.screenshot("compare-difference")

    # Typing in either moves everything; Python hears of it.
    line = texts.get_by_role("textbox", name="Text B")
    line.press("End")
    line.press_sequentially(" not")
    notebook.wait_value("view.other_text", f"{B} not")
    expect(texts.locator(".beat.alone")).to_have_text("·not")
    kl = notebook.ask("view.comparison.next_token.kl_ab")
    expect(panels.next.locator(".legend")).to_contain_text(f"KL A‖B {kl:.2f} bits")
    line = texts.get_by_role("textbox", name="Text A")
    line.press("End")
    line.press_sequentially(" now")
    notebook.wait_value("view.a.text", f"{A} now")
    expect(texts.locator(".beat.other")).to_have_count(2)

    # By keys: the sides, a token, and an alignment by hand, which is undone.
    stave.focus()
    notebook.page.keyboard.press("Shift+D")
    notebook.wait_value("(view.side, view.trace.text)", ["b", f"{B} not"])
    notebook.page.keyboard.press("d")
    notebook.wait_value("view.side", "difference")
    notebook.page.keyboard.press("ArrowLeft")
    notebook.wait_value("view.position", 4)
    notebook.page.keyboard.press("l")
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("l")
    notebook.wait_value("view.anchors", [[4, 5]])
    expect(texts.locator(".beat.alone")).to_have_count(2)
    notebook.page.keyboard.press("Control+z")
    notebook.wait_value("view.anchors", [])

    # By mouse: a token is dragged onto one of the other line, and its chip takes that back.
    source = texts.locator("[data-side=a][data-token='3']")
    source.drag_to(texts.locator("[data-side=b][data-token='5']"))
    notebook.wait_value("view.anchors", [[3, 5]])
    texts.get_by_role("list", name="Tokens that are aligned").get_by_role("button").click()
    notebook.wait_value("view.anchors", [])
    texts.get_by_role("radiogroup", name="What is shown").get_by_text("A", exact=True).click()
    notebook.wait_value("view.side", "a")
    expect(panels.error).to_have_count(0)
