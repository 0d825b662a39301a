"""A notebook that is opened again: what its views showed is there."""

from __future__ import annotations

from playwright.sync_api import expect

from llmscope.shared import KEPT_TYPE
from tests.browser.explorer import KERNEL, SENTENCE
from tests.page.panels import Panels

CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4, saved_page_mb=0)\nexplorer",
    "llmscope.NextTokenView(explorer.trace)",
]
LINE = "Run the cell to bring the view back"


def test_a_notebook_that_is_opened_again_shows_what_its_views_showed(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.run_all()
    panels = Panels(notebook.output(1))
    expect(panels.rows.first).to_contain_text("Mary")
    panels.slider("temperature").fill("0.5")
    notebook.page.wait_for_function(
        """type => {
            const cells = window.jupyterapp.shell.currentWidget.content.widgets;
            const data = index => cells[index].model.toJSON().outputs[0].data;
            return data(1)["image/png"] && data(2)[type].page
                && String(data(1)["text/plain"]).includes("temperature 0.5");
        }""",
        arg=KEPT_TYPE,
    )
    expect(panels.root.locator(".llmscope")).to_have_count(1)  # the view that was there stays
    notebook.evaluate("await panel.context.save();")

    with notebook.page.expect_download() as saving:
        panels.root.get_by_label("Share", exact=True).select_option("Save as page")
    assert saving.value.path().read_text().startswith("<!doctype html>")
    notebook.close()

    saved = notebook.path.rename(notebook.path.with_name("saved.ipynb"))
    again = open_notebook(saved, kernel=KERNEL, fresh=True)
    explorer, following = again.output(1), again.output(2)
    expect(explorer).to_contain_text(LINE)
    picture = explorer.get_by_role("img", name="Likeliest tokens (temperature 0.5): ' Mary'")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 400
    inside = Panels(following.frame_locator("iframe").locator("main"))
    expect(inside.rows.first).to_contain_text("Mary")
    before = inside.rows.first.text_content() or ""
    inside.slider("temperature").fill("2")
    expect(inside.rows.first).not_to_have_text(before)
    expect(again.page.get_by_text("Error displaying widget")).to_have_count(0)
    again.screenshot("saved-notebook")
    explorer.get_by_role("button", name="Run up to here").click()
    panels = Panels(explorer)
    expect(panels.rows.first).to_contain_text("Mary", timeout=100_000)
    expect(explorer).not_to_contain_text(LINE)
    expect(explorer.locator("img")).to_have_count(0)
