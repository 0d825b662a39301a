"""A widget that comes back from a saved state, where nobody answers it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import llmscope
from llmscope.export import fallback
from llmscope.scope import Scope
from tests import tiny

BUILT = Path(llmscope.__file__).parent / "static" / "llmscope.js"
# As html-manager's models: they have their state, and whatever is sent is sent nowhere.
PAGE = """<!doctype html><main></main><script type="module">
import made from "{program}";
const state = {state}, heard = {{}};
const model = {{
  get: name => state[name], set: (name, value) => (state[name] = value), save_changes() {{}},
  on: (event, hear) => (heard[event] ??= []).push(hear), off() {{}}, send() {{}},
}};
const widget = made(), el = document.querySelector("main");
widget.initialize({{ model }});
widget.render({{ model, el }});
</script>"""


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


def opened(context: BrowserContext, view: llmscope.Explorer) -> Page:
    state = {**view.shared_traits(), "_left": view._left}
    program = base64.b64encode(BUILT.read_bytes()).decode()
    text = PAGE.format(program=f"data:text/javascript;base64,{program}", state=json.dumps(state))
    page = context.new_page()
    page.clock.install()
    page.set_content(text)
    expect(page.locator(".llmscope")).to_contain_text("Waiting for the kernel")
    page.clock.run_for(3000)
    return page


def test_it_says_so_within_three_seconds_and_shows_its_picture(context, scope, monkeypatch):
    monkeypatch.setattr(fallback, "is_batch_run", lambda: True)
    view = scope.explore(tiny.TEXT)
    data, _ = view._repr_mimebundle_()
    page = opened(context, view)
    expect(page.get_by_role("status")).to_contain_text("No kernel has answered")
    picture = page.get_by_role("img", name=data["text/plain"].splitlines()[0])
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 400
    view.close()


def test_without_a_picture_it_says_so_too(context, scope):
    view = scope.explore(tiny.TEXT)
    view._repr_mimebundle_()
    assert view._left == {}, "where a person waits"
    page = opened(context, view)
    said = page.get_by_role("status")
    expect(said).to_contain_text("No kernel has answered")
    expect(said).not_to_contain_text("showed last")
    view.close()


def test_it_follows_the_theme_that_vs_code_names(context, scope):
    view = scope.explore(tiny.TEXT)
    view._repr_mimebundle_()
    page = opened(context, view)
    page.emulate_media(color_scheme="light")
    for kind, theme in (("dark", "dark"), ("light", "light"), ("high-contrast", "dark")):
        page.evaluate("kind => document.body.dataset.vscodeThemeKind = `vscode-${kind}`", kind)
        expect(page.locator(".llmscope")).to_contain_class(theme)
    view.close()
