"""A survey in JupyterLab, by mouse and by keys, over SmolLM2 in a real kernel."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL, SIZE
from tests.page.panels import Panels, click

COUNT = 24
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"""texts = ["", *llmscope.corpus.ENGLISH[-{COUNT - 1}:]]
view = llmscope.survey(scope, texts, layer=17, head=5)
view""",
]
STATISTICS = "view.survey.scores.loc[(17, 5), 'induction'][['mean', 'sem']].tolist()"


def test_a_survey_is_stopped_goes_on_and_is_looked_into(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    notebook.run(1)
    page, panels = notebook.page, Panels(notebook.output(1))
    survey = panels.root.get_by_role("region", name="Survey")
    status = survey.get_by_role("status").first

    # Heads come while it reads; stopped, what is there stays.
    expect(survey.locator("circle.head")).to_have_count(270, timeout=60_000)
    expect(status).to_contain_text(f"of {COUNT} texts")
    survey.get_by_role("button", name="Stop").click()
    expect(status).to_contain_text("stopped")
    expect(survey.locator("circle.head")).to_have_count(270)
    read = notebook.ask("view.survey.read")
    assert 0 < read < COUNT - 1
    survey.get_by_role("button", name="Go on").click()
    expect(status).to_have_text(f"{COUNT - 1} texts read", timeout=120_000)
    expect(survey).to_contain_text("1 text was skipped. The first: It is empty.")
    assert notebook.ask("view.survey.read") == COUNT - 1

    # The numbers are Python's.
    mean, sem = notebook.ask(STATISTICS)
    reading = survey.locator(".survey-reading")
    expect(reading).to_contain_text(f"repeats (induction) {mean:.3f} ± {sem:.3f}")

    # A text in which the head acts opens below; the head that is walked to is followed there.
    strongest = notebook.ask("view.survey.strongest(17, 5)['text'].tolist()")
    listed = survey.locator(".example")
    expect(listed.locator(".ellipsis")).to_have_text(strongest[:10])
    click(listed.nth(1))
    notebook.wait_value("view.text", strongest[1])
    text = panels.root.get_by_role("region", name="Text")
    expect(text).to_contain_text(strongest[1].split()[0])
    survey.get_by_role("application").focus()
    page.keyboard.press("ArrowDown")
    notebook.wait_value("(view.layer, view.head) != (17, 5)", True)
    layer, head = notebook.ask("[view.layer, view.head]")
    expect(survey.locator("h4")).to_have_text(f"Head {layer}·{head}")
    expect(panels.root.get_by_role("heading", name=re.compile("Layer"))).to_contain_text(
        f"Layer {layer} · Head {head}"
    )

    # A frame chooses heads, and Python moves the axes.
    box = survey.get_by_role("application").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 30, box["y"] + box["height"] - 60, steps=5)
    page.mouse.up()
    notebook.wait_value("len(view.heads)", 8)
    notebook.execute("view.x, view.y = 'distance', 'entropy_bits'")
    expect(survey.locator(".axis-name").first).to_have_text("distance →")
    expect(survey.locator(".axis-name").last).to_have_text("↑ entropy, in bits")
