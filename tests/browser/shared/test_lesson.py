"""A lesson in JupyterLab: given by keys as soon as its cell has run, and followed in Python."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.page.panels import Panels

CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    "lesson = llmscope.Lesson(scope.explore('The capital of France is'), slides=[\n"
    "    llmscope.Slide('## One', show='text'),\n"
    "    llmscope.Slide('## Two', show='next-token', temperature=0.5),\n"
    "    llmscope.Slide('## Three', text='The cat sat on the', guess='next-token'),\n"
    "])\nlesson",
]
RUN, SIZE = len(CELLS), {"width": 1280, "height": 720}
VIEWS: dict[str, dict[str, object]] = {}


def test_keys_give_it_once_its_cell_has_run(notebook):
    panels = Panels(notebook.output(1))
    title = panels.root.locator(".lesson-title")
    expect(title).to_have_text("One")
    panels.settle()
    for key, name, slide in (
        ("PageDown", "Two", 1),
        ("PageUp", "One", 0),
        ("ArrowRight", "Two", 1),
    ):
        notebook.page.keyboard.press(key)
        expect(title).to_have_text(name)
        notebook.wait_value("lesson.slide", slide)
    notebook.wait_value("lesson.view.temperature", 0.5)
    notebook.page.keyboard.press("PageDown")
    expect(title).to_have_text("Three")
    notebook.wait_value("lesson.view.text", "The cat sat on the")
    panels.settle()
    expect(panels.root.locator(".bars > li .name").first).to_be_hidden()
    panels.root.get_by_role("textbox", name="Which token comes next?").fill("floor")
    notebook.page.keyboard.press("Enter")
    guesses = panels.root.get_by_role("list", name="Your guesses").get_by_role("listitem")
    expect(guesses).to_have_text(["floor"])
    for _ in range(4):  # the answer, and three too many
        notebook.page.keyboard.press("PageDown")
        panels.settle()
    expect(panels.root.locator(".bars > li .name").first).to_be_visible()
    expect(title).to_be_in_viewport()


def test_python_turns_it(notebook):
    panels = Panels(notebook.output(1))
    notebook.execute("lesson.go(1)")
    expect(panels.root.locator(".lesson-title")).to_have_text("Two")
    notebook.wait_value("lesson.view.text", "The capital of France is")
    notebook.execute("lesson.next(); lesson.next()")
    expect(panels.root.locator(".lesson-title")).to_have_text("Three")
