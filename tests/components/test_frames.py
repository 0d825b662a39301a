"""What a page may do where it is shown: run its own scripts, and nothing to what is around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from llmscope import GenerationView, NextTokenView
from llmscope.export import Page as Exported
from llmscope.export.static import Static
from llmscope.scope import Scope
from tests import tiny
from tests.page.drawn import eventually
from tests.page.panels import Panels

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
SANDBOX = re.compile(r'sandbox="[^"]*"')
INJECTED = """
<script>document.title = "ran"</script>
<img alt="" src="data:," onerror="document.title = 'ran'">
<base href="http://127.0.0.1:9/">
<form action="http://127.0.0.1:9/form"><button>Send</button></form>
"""
SECRET = "what the notebook says"
SPY = """<!doctype html><title>spy</title><p></p><script>
const tries = {
  read: () => parent.document.body.textContent,
  frame: () => frameElement.ownerDocument.title,
  store: () => String(localStorage.length),
  open: () => open("about:blank") ? "opened" : "",
  leave: () => { top.location = "about:blank#left"; return "left"; },
};
const found = Object.entries(tries).map(([name, attempt]) => {
  try { return attempt() ? name : ""; } catch { return ""; }
});
document.querySelector("p").textContent = "could: " + found.join(" ").trim();
</script>"""


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page that may fail, and what it asks for over the network."""
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield context.new_page(), asked
    context.close()


def asked_of_others(asked: list[str]) -> list[str]:
    return [url for url in asked if not url.startswith(("file:", "data:", "about:"))]


def hosted(opened: Page, folder: Path, body: str, attributes: str = "") -> None:
    """Open a page with `body` in it, as a published notebook has it."""
    file = folder / "host.html"
    file.write_text(f"<!doctype html><html {attributes}><title>host</title><body>{body}</body>")
    opened.goto(file.as_uri())


@pytest.mark.parametrize("policy", [True, False])
def test_a_page_runs_no_script_but_its_own(watched, scope, tmp_path, policy):
    opened, asked = watched
    html = NextTokenView(scope.trace(tiny.TEXT)).to_html().html
    html = html.replace("</body>", f"{INJECTED}</body>")
    file = tmp_path / "page.html"
    file.write_text(html if policy else POLICY.sub("", html))
    opened.goto(file.as_uri())
    expect(Panels(opened.locator(".llmscope")).rows.first).to_be_visible()
    send = opened.get_by_role("button", name="Send")
    if policy:
        assert opened.title() == tiny.TEXT
        assert opened.evaluate("document.baseURI").startswith("file:")
        with opened.expect_console_message(lambda line: "form-action" in line.text):
            send.click(no_wait_after=True)
        assert asked_of_others(asked) == []
    else:  # it is the policy that holds
        assert opened.title() == "ran"
        with opened.expect_request("http://127.0.0.1:9/form?"):
            send.click(no_wait_after=True)


@pytest.mark.parametrize("sandboxed", [True, False])
def test_a_page_in_a_cell_cannot_look_around(watched, tmp_path, sandboxed):
    opened, _ = watched
    output = Static(Exported(SPY, None, ()), "", 300)._repr_html_()
    hosted(opened, tmp_path, f"<p>{SECRET}</p>{output if sandboxed else SANDBOX.sub('', output)}")
    if sandboxed:
        expect(opened.frame_locator("iframe").locator("p")).to_have_text("could: ")
        expect(opened.locator("body > p")).to_have_text(SECRET)
        assert opened.context.pages == [opened]
    else:  # it is the sandbox that holds
        opened.wait_for_url("about:blank#left")


@pytest.fixture
def opened(context: BrowserContext) -> Page:
    return context.new_page()


def test_a_cell_follows_light_and_dark_and_its_height(opened, scope, tmp_path):
    output = NextTokenView(scope.trace(tiny.TEXT)).static()._repr_html_()
    hosted(opened, tmp_path, f"<div>{output}</div><aside></aside>", 'data-theme="dark"')
    view = opened.frame_locator("iframe").locator(".llmscope")
    expect(view).to_contain_class("dark")
    # A frame that is moved within its document loads again.
    opened.evaluate("document.querySelector('aside').append(document.querySelector('iframe'))")
    for theme in ("light", "dark"):
        opened.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        expect(view).to_contain_class(theme)
        expect(opened.frame_locator("iframe").locator("html")).to_have_css("color-scheme", theme)
    frame, inner = opened.locator("iframe"), opened.frames[-1]
    for width in (400, 900):
        frame.evaluate("(frame, width) => (frame.style.width = `${width}px`)", width)
        inner.wait_for_function("width => innerWidth === width", arg=width)
        high = inner.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
        expect(frame).to_have_css("height", f"{high}px")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_any_colour_of_the_page_around_is_read(opened, scope, tmp_path, scheme):
    opened.emulate_media(color_scheme=scheme)
    output = NextTokenView(scope.trace(tiny.TEXT)).static()._repr_html_()
    hosted(opened, tmp_path, f"<div>{output}</div>")
    view = opened.frame_locator("iframe").locator(".llmscope")
    grounds = {
        "oklch(1 0 0)": "light",
        "color(display-p3 0.1 0.1 0.1)": "dark",
        "lab(98 0 0)": "light",
        "color-mix(in srgb, black 90%, white)": "dark",
        "color(display-p3 1 1 1)": "light",
        "oklch(0.2 0 0)": "dark",
        "color-mix(in srgb, white 95%, black)": "light",
        "transparent": scheme,  # as the reader's system is
    }
    for color, theme in grounds.items():
        opened.evaluate("color => document.body.style.background = color", color)
        expect(view).to_contain_class(theme)


# Of a notebook, as `notebook.experimental.enableCsp` has VS Code set it; scripts may also come from
# VS Code's own addresses.
VSCODE = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src https: http: data:; font-src https:; connect-src https:; child-src https: data:"
)
KINDS = ("light", "dark", "high-contrast-light", "high-contrast")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_under_the_policy_of_vs_code_a_cell_lives_and_follows_its_theme(
    watched, scope, tmp_path, scheme
):
    opened, asked = watched
    opened.emulate_media(color_scheme=scheme)
    output = NextTokenView(scope.trace(tiny.TEXT)).static()._repr_html_()
    policy = f'<meta http-equiv="Content-Security-Policy" content="{VSCODE}">'
    hosted(opened, tmp_path, f"{policy}<div>{output}</div>")
    frame = opened.frame_locator("iframe")
    panels = Panels(frame.locator(".llmscope"))
    before = panels.rows.first.text_content()
    panels.slider("temperature").fill("2")
    expect(panels.rows.first).not_to_have_text(before or "")
    # Its notebooks have no ground of their own, but an attribute.
    opened.evaluate("document.body.style.background = 'transparent'")
    for kind in KINDS:
        opened.evaluate("kind => document.body.dataset.vscodeThemeKind = `vscode-${kind}`", kind)
        theme = "light" if kind.endswith("light") else "dark"
        expect(frame.locator(".llmscope")).to_contain_class(theme)
    assert asked_of_others(asked) == []


def test_a_cell_out_of_sight_is_as_high_as_it_needs(opened, scope, tmp_path):
    output = scope.explore(tiny.TEXT).static()._repr_html_()
    # As a sandbox of its own, a frame out of sight is not drawn.
    hosted(opened, tmp_path, f'<div style="height:5000px"></div>{output}')
    frame = opened.frame_locator("iframe")
    expect(frame.locator(".llmscope")).to_be_attached()
    outer, inner = opened.locator("iframe"), opened.frames[-1]
    height = "Math.ceil(document.body.getBoundingClientRect().height)"
    eventually(lambda: outer.evaluate("f => f.clientHeight") == inner.evaluate(height) > 500)


def test_what_is_copied_in_a_cell_is_copied(opened, scope, tmp_path):
    output = GenerationView(scope.generate(tiny.TEXT, max_new_tokens=3, seed=0)).static()
    hosted(opened, tmp_path, output._repr_html_())
    copy = opened.frame_locator("iframe").get_by_label("Copy", exact=True)
    copy.focus()  # as a click does: what has no focus may not write
    copy.select_option(label="Token ids")
    expect(copy.locator("option").first).to_have_text("Copied ✓")
