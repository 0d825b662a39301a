"""Exported pages, with no kernel and no network: as files, in frames, in boxes, under a policy."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import expect

import llmscope
from llmscope import AttentionView, GenerationView, NextTokenView
from llmscope.generation import Step
from tests.browser.explorer import SENTENCE, SIZE
from tests.browser.offline import expect_alive, panels
from tests.page.axe import SEVERAL, violations
from tests.page.chromium import SCREENSHOTS
from tests.page.panels import point

OTHER = "The capital of France is"
HOSTILE = "</script><img src=x onerror=\"document.title='broken'\"> ' \u2028 <b>bold</b> &amp; &lt;"
STRICT = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
PINNED = 9  # " John"
OUTER = "frame => frame.clientHeight"
INNER = "Math.ceil(document.body.getBoundingClientRect().height)"


@pytest.fixture(scope="module")
def scope():
    return llmscope.load()


@pytest.fixture(scope="module")
def pages(scope, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of exported pages."""
    folder = tmp_path_factory.mktemp("pages")
    explorer = scope.explore(SENTENCE, layer=24, head=4)
    explorer.to_html(folder / "explorer.html", prompts=[OTHER])
    explorer.to_html(folder / "few.html", layers=[0], positions=[-1])
    trace = scope.trace(SENTENCE)
    views = [AttentionView(trace, layer=24, head=4), NextTokenView(trace)]
    llmscope.link(*views)
    llmscope.to_html(views, folder / "linked.html")
    scope.explore(HOSTILE).to_html(folder / "hostile.html")
    run = scope.generate(OTHER, seed=2, do_sample=True, max_new_tokens=8, num_return_sequences=2)
    written = GenerationView(run, layer=24, head=4)
    taken = {written.stepper.tree[node].token for node in written.stepper.tree.children(1)}
    best = written.stepper.distribution(1).top(3)
    written.stepper.force(next(one.id for one in best if one.id not in taken), after=1)
    written.stepper.select(1)
    follower = scope.explore(OTHER, layer=24, head=4)
    llmscope.link(written, follower)
    llmscope.to_html([written, follower], folder / "written.html", layers=[])
    return folder


@pytest.mark.parametrize("name", ["linked", "written"])
def test_axe_finds_nothing_in_a_page(page, pages, name):
    page.goto((pages / f"{name}.html").as_uri())
    panels(page, 1)
    found = {"light": violations(page, without=[SEVERAL])}
    for theme, media in (
        ("dark", {"color_scheme": "dark"}),
        ("forced", {"color_scheme": "light", "forced_colors": "active"}),
    ):
        page.emulate_media(**media)
        expect(page.locator(".llmscope.dark")).to_have_count(2 * (theme == "dark"))
        found[theme] = violations(page, only="color-contrast")
    assert found == {"light": [], "dark": [], "forced": []}


@pytest.fixture(scope="module")
def trace(scope):
    return scope.trace(SENTENCE)


def test_a_file(page, pages, trace):
    page.goto((pages / "explorer.html").as_uri())
    expect_alive(panels(page), trace)


@pytest.mark.parametrize("kind", ["src", "srcdoc"])
@pytest.mark.parametrize("box", ["", ' sandbox="allow-scripts"'])
def test_a_frame(page, pages, trace, kind, box, tmp_path):
    file = pages / "explorer.html"
    inside = file.as_uri() if kind == "src" else escape(file.read_text())
    host = tmp_path / "host.html"
    style = "width:1340px;height:980px"
    host.write_text(f'<!doctype html><iframe{box} style="{style}" {kind}="{inside}"></iframe>')
    page.goto(host.as_uri())
    page.wait_for_function("() => frames.length === 1")
    expect_alive(panels(page.frames[1]), trace)


def test_under_a_strict_policy(page, pages, trace):
    body = (pages / "explorer.html").read_text()
    headers = {"Content-Security-Policy": STRICT, "Content-Type": "text/html; charset=utf-8"}
    page.route("http://127.0.0.1/*", lambda route: route.fulfill(body=body, headers=headers))
    page.goto("http://127.0.0.1/page")
    expect_alive(panels(page), trace)


def test_linked_views_move_together(page, pages, scope):
    page.goto((pages / "linked.html").as_uri())
    attention, following = panels(page, 0), panels(page, 1)
    heading = following.next.get_by_role("heading")
    expect(heading).to_contain_text("after “to”")
    box = attention.token(PINNED).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(heading).to_contain_text("after “John”")
    best = scope.trace(SENTENCE).next_token(position=PINNED).top(1)[0]
    expect(following.rows.first).to_contain_text(best.text.strip())


def test_what_was_written_is_shown_with_its_alternatives_and_branches(page, pages, scope):
    page.goto((pages / "written.html").as_uri())
    found, follower = panels(page, 0), panels(page, 1)
    panel = found.root.get_by_role("region", name="Generation")
    run = scope.generate(OTHER, seed=2, do_sample=True, max_new_tokens=8, num_return_sequences=2)
    tokens = panel.locator(".written > p").first.locator(".wrote")
    for name in ("▶ Play", "Step", "Undo"):
        button = panel.get_by_role("button", name=name, exact=True)
        expect(button).to_be_disabled()
    expect(panel.get_by_role("spinbutton", name="seed")).to_be_disabled()
    expect(panel).to_contain_text("Writing takes the model")
    expect(page.get_by_role("contentinfo")).to_contain_text("writing, finding a token and rollout")

    # Alternatives of each token, by pointing at it; none can be taken.
    tokens.nth(2).hover()
    step = run.steps[0][2]
    expect(panel.get_by_role("status")).to_contain_text(f"rank {step_rank(step) + 1}")
    best = step.distribution.top(1)[0]
    expect(found.rows.first).to_contain_text(f"{100 * best.prob:.1f} %")
    expect(found.rows.first.locator("button.name")).to_have_count(0)

    # The linked view follows a token, and a branch.
    tokens.nth(3).click()
    heading = found.next.get_by_role("heading").locator("small")
    expect(follower.next.get_by_role("heading").locator("small")).to_have_text(
        heading.text_content() or ""
    )
    weights = run.trace(0).attention(24, 4)[run.prompt_length + 2]
    expect(found.readout).to_contain_text(f"{weights.max():.3f}")
    expect(panel.locator(".written > p")).to_have_count(3)
    row = panel.get_by_role("treeitem").filter(has_text=run.continuations[1].strip()[-8:])
    row.locator(".way").click()
    expect(follower.copy).to_contain_text(run.continuations[1].split()[-1])
    panel.locator(".written").press(" ")
    panel.locator(".written").press("Enter")
    panel.locator(".written").press("ArrowRight")
    expect(tokens).to_have_count(len(run.steps[1]))
    expect(found.error).to_have_count(0)
    expect(follower.error).to_have_count(0)


def step_rank(step: Step) -> int:
    base = step.distribution.base
    return int((base > base[step.token.id]).sum())


def test_the_reader_switches_between_texts(page, pages, scope):
    page.goto((pages / "explorer.html").as_uri())
    found = panels(page)
    expect(found.rows.first).to_contain_text("Mary")
    found.root.get_by_role("combobox", name="Text").select_option(OTHER)
    expect(found.rows.first).to_contain_text("Paris")
    expect(found.rows.first).to_contain_text("77.3 %")
    expect(found.copy).to_contain_text("The capital of")
    weights = scope.trace(OTHER).attention(24, 4)[-1]
    expect(found.readout).to_contain_text(f"{weights.max():.3f}")


def test_what_takes_the_model_is_off_and_says_why(page, pages, trace):
    page.goto((pages / "few.html").as_uri())
    found = panels(page)
    expect(found.title).to_contain_text("Layer 24 · Head 4")
    assert found.prompt.get_attribute("readonly") is not None
    search = found.next.get_by_role("searchbox")
    expect(search).to_be_disabled()
    expect(found.next).to_contain_text("Finding a token takes the model")
    expect(found.root.get_by_role("option", name="Rollout (takes the model)")).to_be_disabled()
    expect(page.get_by_role("contentinfo")).to_contain_text("typing, finding a token and rollout")

    found.overview.focus()
    found.walk(heads=-1)
    attention = found.root.get_by_role("region", name="Attention", exact=True)
    words = "the page holds all heads of layer 0, head 24·4"
    expect(attention).to_contain_text(words)
    expect(found.title).to_contain_text("Layer 24 · Head 3")
    found.walk(heads=1)
    expect(attention).not_to_contain_text(words)
    expect(found.readout).to_contain_text("0.810")
    # Heads that aren't there can't be previewed either, those that are can.
    point(found.overview, 0.9, 0.9)
    expect(attention).not_to_contain_text(words)
    expect(found.title).to_contain_text("Layer 24 · Head 4")

    attention.get_by_text("Steps").click()
    expect(attention.get_by_text("Dot product of the token's query")).to_be_visible()
    box = found.token(PINNED).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
    expect(attention).to_contain_text("layer 24, head 4 at token 13")
    expect(found.next).to_contain_text("the page holds it at token 13")
    page.keyboard.press("Escape")
    found.overview.focus()
    found.overview.press("Escape")
    expect(found.rows.first).to_contain_text("Mary")
    expect(found.error).to_have_count(0)


def test_hostile_text_is_text(page, pages):
    page.goto((pages / "hostile.html").as_uri())
    found = panels(page)
    expect(found.rows.first).to_be_visible()
    assert found.prompt.input_value() == HOSTILE
    assert page.title() == HOSTILE.replace("\u2028", " ") or page.title().startswith("</script>")
    assert page.locator("img").count() == 0
    assert found.root.locator("img, b:has-text('bold') b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_follow_light_and_dark(browser, guard, pages, scheme):
    context = browser.new_context(viewport=SIZE, offline=True, color_scheme=scheme)
    guard.watch(context)
    for name in ("explorer", "linked", "written"):
        page = context.new_page()
        page.goto((pages / f"{name}.html").as_uri())
        expect(panels(page).root).to_contain_class(scheme)
        panels(page).settle()
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"export-{name}-{scheme}.png", full_page=True)
    context.close()


# ── in a saved notebook ──────────────────────────────────────────────────────────────────────────
