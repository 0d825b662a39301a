"""A saved notebook where no widget can run: words, and a picture if it was run as a whole."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbconvert.preprocessors import ExecutePreprocessor
from playwright.sync_api import expect

import llmscope
from llmscope.shared import KEPT_TYPE
from tests.browser.explorer import KERNEL, SENTENCE
from tests.page.chromium import SCREENSHOTS

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"scope.explore({SENTENCE!r}, layer=24, head=4)",
]
WORDS = ("Likeliest tokens: ' Mary' 92.3 %", "' to' looks most at ' Mary', with weight 0.810")
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that was run by nbconvert, and saved without the state of widgets."""
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
    run = ExecutePreprocessor(timeout=120, kernel_name="python3", store_widget_state=False)
    run.preprocess(notebook, {})
    notebook.metadata.pop("widgets", None)
    path = tmp_path_factory.mktemp("saved") / "whole.ipynb"
    nbformat.write(notebook, path)
    return path


def converted(path: Path) -> Path:
    # Its own template asks a CDN for these, with or without us.
    urls = ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url")
    html, _ = HTMLExporter(**dict.fromkeys(urls, "")).from_filename(str(path))
    target = path.with_suffix(".html")
    target.write_text(html)
    return target


def test_nbconvert_shows_the_picture(whole, context):
    (output,) = nbformat.read(whole, 4).cells[1].outputs
    assert set(output.data) == {WIDGET, KEPT_TYPE, "text/plain", "image/png"}
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
    page = context.new_page()
    page.goto(converted(whole).as_uri())
    picture = page.get_by_role("main").locator("img")
    expect(picture).to_have_count(1)
    source = picture.get_attribute("src")
    head, data = source.split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == base64.b64decode(output.data["image/png"])
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 400
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "fallback-nbconvert.png", full_page=True)


def test_an_untrusted_notebook_shows_the_picture_and_no_widget(whole, open_notebook):
    (saved,) = nbformat.read(whole, 4).cells[1].outputs
    assert saved.data[KEPT_TYPE]["page"].startswith("<!doctype html>")
    output = open_notebook(whole, kernel=KERNEL).output(1)
    expect(output.locator("img")).to_have_count(1)
    expect(output).not_to_contain_text("widget")
    expect(output).to_contain_text("Run the cell to bring the view back")
    expect(output.locator("iframe, button")).to_have_count(0)


def test_a_live_view_is_shown_once_and_saved_with_a_picture(open_notebook, context, tmp_path):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.run_all()
    output = notebook.output(1)
    expect(output.locator(".llmscope .bars li").first).to_contain_text("Mary")
    expect(output).not_to_contain_text("Likeliest tokens")
    expect(output.locator(".jp-OutputArea-child")).to_have_count(1)
    (saved,) = notebook.outputs(1)
    assert set(saved["data"]) >= {WIDGET, KEPT_TYPE, "text/plain"}
    for words in WORDS:
        assert words in "".join(saved["data"]["text/plain"])

    notebook.page.wait_for_function(
        """() => window.jupyterapp.shell.currentWidget.content
            .widgets[1].model.toJSON().outputs[0].data["image/png"]"""
    )
    notebook.evaluate("await panel.context.save();")
    path = tmp_path / "live.ipynb"
    path.write_bytes((notebook.lab.notebooks / notebook.path.name).read_bytes())
    page = context.new_page()
    page.goto(converted(path).as_uri())
    expect(page.get_by_role("main").locator("img")).to_have_count(1)


def test_the_words_are_true():
    trace = llmscope.load().trace(SENTENCE)
    assert f"{100 * trace.next_token().top(1)[0].prob:.1f} %" == "92.3 %"
    assert f"{trace.attention(24, 4)[-1].max():.3f}" == "0.810"
