"""What an exported page shows, in its address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.page.panels import Panels

TEXT = "The lazy dog sleeps"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


@pytest.fixture(scope="module")
def file(scope, tmp_path_factory) -> Path:
    """An Explorer of which the page holds one layer."""
    view = scope.explore(TEXT, layer=1, head=2)
    path = tmp_path_factory.mktemp("address") / "page.html"
    view.to_html(path, layers=[1])
    view.close()
    return path


def panels_of(page: Page | Frame, index: int = 0) -> Panels:
    root = page.locator("main > div").nth(index)
    expect(root.locator(".llmscope")).to_be_visible()
    expect(root).to_have_attribute("data-settled", "")
    return Panels(root)


def opened(context: BrowserContext, file: Path, hash_: str = "") -> tuple[Page, Panels]:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(file.as_uri() + hash_)
    return page, panels_of(page)


def copied(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_what_is_shown_is_in_the_address_and_survives_a_reload(context, file):
    page, panels = opened(context, file)
    share = panels.root.get_by_role("combobox", name="Share")
    share.select_option("Copy address")
    expect(share).to_contain_text("Copied")
    assert copied(page) == file.as_uri()
    panels.walk(heads=-1)
    panels.slider("temperature").press("ArrowRight")
    panels.show("Arcs")
    share.select_option("Copy address")
    page.wait_for_url(lambda url: "mode=arcs" in url)
    assert copied(page) == page.url
    assert page.url.startswith(f"{file.as_uri()}#head=1&mode=arcs&temperature=1.0")
    said = panels.shown("temperature").inner_text()
    page.reload()
    panels = panels_of(page)
    expect(panels.title).to_contain_text("Layer 1 · Head 1")
    expect(panels.arcs).to_be_visible()
    expect(panels.shown("temperature")).to_have_text(said)
    # Back as it was exported, the address is what it was.
    page.evaluate("location.hash = ''")
    expect(panels.title).to_contain_text("Layer 1 · Head 2")
    expect(panels.matrix).to_be_visible()
    expect(panels.shown("temperature")).to_have_text("1.00")
    page.go_back()
    expect(panels.title).to_contain_text("Head 1")


def test_what_makes_no_sense_is_left_out_in_words(context, file):
    page, panels = opened(context, file, "#layer=7&head=0&top_p=0.9")
    expect(panels.error).to_contain_text("sets layer to what it can't be")
    expect(panels.error).to_contain_text("0 to 2")
    expect(panels.title).to_contain_text("Layer 1 · Head 0")
    expect(panels.shown("top-p")).to_have_text("0.90")
    page.evaluate("location.hash = 'position=999'")
    last = panels.copy.locator("[data-token]").count() - 1
    expect(panels.error).to_contain_text(f"which has tokens 0 to {last}")
    page.evaluate("location.hash = 'position=1'")
    expect(panels.error).to_have_count(0)


def test_a_head_that_the_page_lacks_is_said(context, file):
    page, panels = opened(context, file, "#layer=2&head=0")
    expect(panels.attention).to_contain_text("This head takes the model")
    expect(panels.error).to_have_count(0)
    page.evaluate("location.hash = 'layer=1'")
    expect(panels.readout).to_contain_text("→")


def test_an_address_never_makes_markup(context, file):
    heard: list[str] = []
    page = context.new_page()
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    names = ("text", "edits", "kind", "heads", "measure", "_panels", HOSTILE)
    hash_ = "#" + "&".join(f"{name}={HOSTILE}" for name in names)
    page.goto(file.as_uri() + hash_)
    panels = panels_of(page)
    expect(panels.error).to_be_visible()
    expect(panels.title).to_contain_text("Layer 1 · Head 2")
    page.evaluate("hash => (location.hash = hash)", hash_ + "&layer=0")
    panels.settle()
    html = page.evaluate(
        "document.querySelector('main > div').shadowRoot.innerHTML + document.body.outerHTML"
    )
    assert "onerror" not in html.split('id="page-data"')[0]
    assert page.locator("img[src=x]").count() == 0
    assert heard == []


def test_two_views_of_a_page_have_a_number_each(context, scope, tmp_path):
    trace = scope.trace(TEXT)
    views = [llmscope.AttentionView(trace, layer=1), llmscope.NextTokenView(trace)]
    path = tmp_path / "two.html"
    llmscope.to_html(views, path)
    page, _ = opened(context, path, "#1.head=3&2.temperature=0.5")
    one, other = panels_of(page), panels_of(page, 1)
    expect(one.title).to_contain_text("Layer 1 · Head 3")
    expect(other.shown("temperature")).to_have_text("0.50")
    below = page.locator("footer").get_by_role("button", name="Copy address")
    below.click()
    expect(page.locator("footer button")).to_have_text("Copied ✓")
    assert copied(page) == f"{path.as_uri()}#1.head=3&2.temperature=0.5"
    page.emulate_media(media="print")
    expect(page.locator("footer button")).to_be_hidden()
    for view in views:
        view.close()


def test_in_a_frame_it_is_read_and_not_written(context, scope, file, tmp_path):
    view = scope.explore(TEXT, layer=1, head=2)
    (tmp_path / "host.html").write_text(
        "<!doctype html><title>host</title>"
        f'<iframe width=900 height=300 src="{file.as_uri()}#head=0"></iframe>'
        + view.static()._repr_html_()
    )
    page = context.new_page()
    page.goto((tmp_path / "host.html").as_uri())
    framed, shut = page.frames[1:]
    for frame, head in ((framed, 0), (shut, 2)):
        frame.frame_element().scroll_into_view_if_needed()
        panels = panels_of(frame)
        expect(panels.title).to_contain_text(f"Head {head}")
        expect(panels.root.get_by_role("combobox", name="Share")).to_have_count(0)
        panels.slider("temperature").press("ArrowRight")
        expect(panels.root).to_have_attribute("data-settled", "")
    page.wait_for_timeout(400)  # longer than an address takes to be written
    assert framed.evaluate("location.hash") == "#head=0"
    assert shut.evaluate("location.href") == "about:srcdoc"
    view.close()
