"""The interface in Chinese: whole words, nothing for axe, and the language that a page is in."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

import llmscope
from llmscope.export.page import to_html
from llmscope.scope import Scope
from tests import tiny
from tests.components.conftest import Show
from tests.components.test_legible import VIEWS
from tests.page.axe import violations
from tests.page.legible import illegible

SAMPLE = {"explorer-patching", "training-two", "evaluation"}
WIDTHS = (320, 600, 1012, 1280)
BUILT = Path(llmscope.__file__).parent / "static" / "llmscope.js"
# Two widgets of one page, as html-manager's models.
PAGE = """<!doctype html><html lang="{lang}"><main></main><main></main><script type="module">
import made from "{program}";
const all = {states};
window.models = all.map((state, index) => {{
  const heard = {{}};
  const model = {{
    get: name => state[name], set: (name, value) => (state[name] = value), save_changes() {{}},
    on: (event, hear) => (heard[event] ??= []).push(hear), off() {{}}, send() {{}},
    tell(name, value) {{
      state[name] = value;
      for (const hear of heard[`change:${{name}}`]) hear();
    }},
  }};
  const widget = made(), el = document.querySelectorAll("main")[index];
  widget.initialize({{ model }});
  widget.render({{ model, el }});
  return model;
}});
</script>"""


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.whole) for name in VIEWS],
)
def test_every_word_can_be_read_and_axe_finds_nothing(show: Show, name: str) -> None:
    fixture, chosen = VIEWS[name]
    shown = show(fixture, (1360, 900), width=1280, lang="zh", **chosen)
    assert violations(shown.page, "main") == []
    shown.page.locator("body > nav").evaluate("nav => nav.remove()")
    found = []
    for lecture in (False, True):
        shown.set(lecture=lecture)
        for width in WIDTHS:
            shown.widen(width, 720 if lecture else 900)
            found += [f"{width}, {lecture=}: {line}" for line in illegible(shown.panels)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lang", ["zh-CN", "en", "fr"])
def test_a_widget_is_in_the_language_of_its_view_or_of_its_page(
    context: BrowserContext, scope: Scope, lang: str
) -> None:
    views = [scope.explore(tiny.TEXT), scope.explore(tiny.TEXT, lang="zh")]
    states: list[dict[str, Any]] = [
        {**view.shared_traits(), "lang": view.lang, "_spoken": "en", "_left": {}} for view in views
    ]
    program = base64.b64encode(BUILT.read_bytes()).decode()
    page = context.new_page()
    page.set_content(
        PAGE.format(
            lang=lang,
            program=f"data:text/javascript;base64,{program}",
            states=json.dumps(states),
        )
    )
    free, chosen = page.locator(".llmscope").all()
    own = "zh" if lang == "zh-CN" else "en"
    waiting = {"en": "Waiting for the kernel", "zh": "正在等待内核"}
    expect(free).to_contain_text(waiting[own])
    expect(chosen).to_contain_text(waiting["zh"])
    expect(chosen).to_have_attribute("lang", "zh-CN")
    spoken = page.evaluate("window.models.map(model => model.get('_spoken'))")
    assert spoken == [own, "zh"], "Python is told"
    page.evaluate("window.models[1].tell('lang', 'en')")
    expect(page.locator(".llmscope").last).to_contain_text(waiting["en"])
    for view in views:
        view.close()


def test_a_page_is_in_the_language_of_its_view(
    context: BrowserContext, scope: Scope, tmp_path: Path
) -> None:
    view = scope.explore("你好 fox", lang="zh")
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    path = to_html(view, tmp_path / "page.html").path
    assert path is not None
    page.goto(path.as_uri())
    shown = page.locator(".llmscope")
    expect(shown).to_contain_text("下一个词元")
    expect(page.locator("footer")).to_contain_text("此网页不带模型 tiny")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert "\ufffd" not in shown.inner_text(), "pieces of a character are that character"
    assert requests == [path.as_uri()]
    view.close()
