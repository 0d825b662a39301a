"""Notebooks that hold `.static()` outputs: saved, opened again, not trusted, and published."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter, LatexExporter
from nbconvert.preprocessors import ExecutePreprocessor
from playwright.sync_api import expect

import llmscope
from tests.browser.explorer import KERNEL, SENTENCE
from tests.browser.lab import DARK
from tests.browser.offline import expect_alive, panels
from tests.page.chromium import SCREENSHOTS
from tests.page.drawn import eventually

OUTER = "frame => frame.clientHeight"
INNER = "Math.ceil(document.body.getBoundingClientRect().height)"
CELLS = [
    "import llmscope\nscope = llmscope.load(progress=lambda *_: None)",
    f"scope.explore({SENTENCE!r}, layer=24, head=4).static()",
    "llmscope.NextTokenView(scope.trace('The capital of France is')).static()",
]


@pytest.fixture(scope="module")
def trace():
    return llmscope.load().trace(SENTENCE)


@pytest.fixture(scope="module")
def saved() -> nbformat.NotebookNode:
    """A notebook that was run and saved."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    # As JupyterLab saves it: without the state of widgets.
    run = ExecutePreprocessor(timeout=120, kernel_name="python3", store_widget_state=False)
    run.preprocess(notebook, {})
    return notebook


def converted(notebook: nbformat.NotebookNode, **options: Any) -> str:
    # Its own template asks a CDN for these, with or without us.
    urls = ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url")
    html, _ = HTMLExporter(**dict.fromkeys(urls, ""), **options).from_notebook_node(notebook)
    return html


def test_nothing_was_printed_beside_it(saved):
    for cell in saved.cells[1:]:
        (output,) = cell.outputs
        assert output.output_type == "execute_result"
        assert set(output.data) == {"text/html", "text/plain", "image/png"}
        assert output.metadata["image/png"]["alt"] == output.data["text/plain"]
        assert "Likeliest tokens" in output.data["text/plain"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_converted_notebook_is_alive(page, saved, trace, theme, tmp_path):
    (tmp_path / "notebook.html").write_text(converted(saved, theme=theme))
    page.goto((tmp_path / "notebook.html").as_uri())
    page.wait_for_function("() => frames.length === 2")
    explorer, following = (panels(frame) for frame in page.frames[1:])
    expect(explorer.root).to_contain_class(theme)
    expect(following.rows.first).to_contain_text("Paris")
    frame = page.locator("iframe").first
    for number, inner in enumerate(page.frames[1:]):
        outer = page.locator("iframe").nth(number)
        eventually(lambda o=outer, i=inner: o.evaluate(OUTER) == i.evaluate(INNER))
    expect_alive(explorer, trace)
    before = frame.bounding_box()
    explorer.show("Arcs")
    explorer.root.get_by_role("button", name="A⁺ Lecture").click()
    page.wait_for_function(
        "before => document.querySelector('iframe').clientHeight !== before", arg=before["height"]
    )
    page.screenshot(path=SCREENSHOTS / f"export-nbconvert-{theme}.png", full_page=True)


def test_a_sandboxed_notebook_still_grows(page, saved, tmp_path):
    html = f'<body style="background:white">{saved.cells[2].outputs[0].data["text/html"]}</body>'
    host = tmp_path / "host.html"
    host.write_text(
        '<!doctype html><iframe sandbox="allow-scripts" style="width:900px;height:980px" '
        f'srcdoc="{escape(html)}"></iframe>'
    )
    page.goto(host.as_uri())
    page.wait_for_function("() => frames.length === 1 && frames[0].length === 1")
    outer, inner = page.frames[1], page.frames[2]
    expect(panels(inner).rows.first).to_contain_text("Paris")
    frame = outer.locator("iframe")  # the page's own height may still change
    eventually(lambda: frame.evaluate(OUTER) == inner.evaluate(INNER))


def test_an_output_survives_in_jupyterlab(open_notebook):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.run_all()
    frame = notebook.output(1).frame_locator("iframe").locator(".llmscope")
    expect(frame.locator(".bars li").first).to_contain_text("Mary")
    notebook.theme(DARK)
    expect(frame).to_contain_class("dark")
    notebook.evaluate("await panel.context.save();")
    notebook.page.reload()
    notebook.wait_idle()
    notebook.wait_drawn()
    expect(frame.locator(".bars li").first).to_contain_text("Mary")
    expect(frame).to_contain_class("dark")
    frame.get_by_role("slider", name="temperature").fill("2")
    expect(frame.locator(".bars li").first).not_to_contain_text("92.3 %")


def test_where_frames_are_removed_words_are_left(open_notebook, saved, tmp_path):
    # A notebook that comes from elsewhere isn't trusted.
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=[saved.cells[1]], metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "untrusted.ipynb")
    output = open_notebook(tmp_path / "untrusted.ipynb", kernel=KERNEL).output(0)
    expect(output).to_contain_text("Likeliest tokens: ' Mary' 92.3 %")
    expect(output.locator("iframe")).to_have_count(0)
    picture = output.locator("img")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 400
    assert "Likeliest tokens" in (picture.get_attribute("alt") or "")


def test_latex_has_the_pictures(saved):
    latex, resources = LatexExporter().from_notebook_node(saved)
    pictures = [data for name, data in resources["outputs"].items() if name.endswith(".png")]
    assert [data[:8] for data in pictures] == [b"\x89PNG\r\n\x1a\n"] * 2
    assert latex.count("includegraphics") >= 2


def test_a_template_that_reads_it_has_the_words_of_a_picture(saved):
    cell = nbformat.from_dict(saved.cells[1])
    del cell.outputs[0].data["text/html"]
    html = converted(nbformat.v4.new_notebook(cells=[cell]), template_name="classic")
    (said,) = re.findall(r'<img alt="([^"]*)"', html)
    assert unescape(said) == cell.outputs[0].data["text/plain"]
