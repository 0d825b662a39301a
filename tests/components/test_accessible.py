"""Views for every eye and hand: axe finds nothing, and what is pressed has its own name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from llmscope.shared import DARK, LIGHT
from tests.components.conftest import Show
from tests.components.screens import HEADS, VIEWS
from tests.components.workshop import Shown
from tests.page.axe import violations
from tests.page.panels import click

_PAINTED = """one => {
    const { backgroundColor, backgroundImage } = getComputedStyle(one);
    return `${backgroundColor} ${backgroundImage}`;
}"""
COLORS = {"light": LIGHT, "dark": DARK}
SHOWN: dict[str, tuple[str, dict[str, Any]]] = VIEWS | {
    "two-texts": ("two-texts", {"panel": "explorer"}),
    "two-models": ("two-models", {}),
    "survey": ("survey", {}),
    "tokenizers": ("tokenizers", {}),
    "patching": ("patching", {"_panels": ["tokens", "patching"]}),
    "stage": ("causal", {"panel": "explorer", "lecture": True}),
    "training": ("training", {}),
    "training-two": ("training-two", {}),
    "pinned-heads": (
        "causal",
        {"panel": "attention", "mode": "arcs", "heads": HEADS, "position": 5},
    ),
}
# Together they show every panel.
SAMPLE = {"explorer-chain", "explorer-arcs", "explorer-steps", "explorer-patching", "lens"}
SAMPLE |= {"generation", "evaluation", "two-texts", "survey", "tokenizers", "training-two"}


def rgb(color: str) -> str:
    """A colour ``#rrggbb`` as it is computed."""
    return f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.whole) for name in SHOWN],
)
def test_axe_finds_nothing(show: Show, name: str) -> None:
    fixture, chosen = SHOWN[name]
    shown = show(fixture, (1360, 1000), width=1150, **chosen)
    found = {"light": violations(shown.page, "main")}
    # Colours are all that a theme changes.
    for theme in ("dark", "forced"):
        shown.page.emulate_media(forced_colors="active" if theme == "forced" else "none")
        shown.page.evaluate(
            "theme => { document.documentElement.dataset.theme = theme }",
            "dark" if theme == "dark" else "light",
        )
        expect(shown.panels.root.locator(".llmscope.dark")).to_have_count(int(theme == "dark"))
        found[theme] = violations(shown.page, "main", only="color-contrast")
    assert found == {"light": [], "dark": [], "forced": []}


def test_axe_would_find_something(shown: Shown) -> None:
    shown.panels.next.locator("h3").evaluate("title => { title.style.color = '#ccc' }")
    shown.panels.prompt.evaluate("area => area.removeAttribute('aria-label')")
    found = " ".join(violations(shown.page, "main"))
    assert "color-contrast [serious]" in found
    assert "label [critical]" in found


def test_a_percentage_is_named_with_its_token(shown: Shown) -> None:
    row = shown.panels.rows.first
    button = row.locator("button.value")
    token, share = row.locator(".name").inner_text(), button.inner_text()
    assert re.fullmatch(r"[\d.]+ %", share)
    expect(button).to_have_accessible_name(f"{token.lstrip('·')}, {share}, arithmetic")


def test_nothing_pulses_where_no_motion_is_wanted(shown: Shown) -> None:
    dot = shown.panels.root.locator(".dot")
    dot.evaluate("dot => dot.classList.add('busy')")
    running = "dot => dot.getRootNode().getAnimations().length"
    for wanted, many in (("no-preference", 1), ("reduce", 0)):
        shown.page.emulate_media(reduced_motion=wanted)
        assert dot.evaluate(running) == many


def test_a_heading_is_called_without_its_buttons(show: Show) -> None:
    root = show("causal", panel="explorer", lens="entropy").panels.root
    expect(root.get_by_role("heading", level=3).first).to_be_visible()
    for heading in root.get_by_role("heading").all():
        expect(heading.locator("button, input, select")).to_have_count(0)


def test_a_list_of_tokens_is_one_stop_in_each_column(show: Show) -> None:
    shown = show("causal", panel="explorer")
    panels, page = shown.panels, shown.page
    values = panels.rows.locator("button.value")
    stops = values.evaluate_all("all => all.filter(({ tabIndex }) => tabIndex === 0).length")
    assert (values.count(), stops) == (10, 1)
    values.first.focus()
    for key, row in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowUp", 0)):
        page.keyboard.press(key)
        expect(values.nth(row)).to_be_focused()
        expect(values.nth(row)).to_have_attribute("tabindex", "0")
    page.keyboard.press("ArrowUp")  # ends there
    expect(values.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(values.nth(1)).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_leave_the_pictures(show: Show, scheme: str) -> None:
    shown = show("causal", panel="explorer", theme="light" if scheme == "dark" else "dark")
    shown.page.emulate_media(forced_colors="active", color_scheme=scheme)
    root = shown.panels.root
    # What is drawn is drawn for the ground that is forced, whatever the page says.
    expect(root.locator(".llmscope.dark")).to_have_count(int(scheme == "dark"))
    colors = COLORS[scheme]
    expect(root.locator(".bar .final").first).to_have_css("background-color", rgb(colors["likely"]))
    for shaded in (".copy .token", ".strips i", ".stacked-row i"):
        painted = root.locator(shaded).first.evaluate(_PAINTED)
        assert painted != "rgba(0, 0, 0, 0) none", shaded
    for state in (".frame.focus", ".rule.pinned", ".token.here"):
        expect(root.locator(state).first).not_to_have_css("box-shadow", "none")
    picked = root.get_by_label("How attention is shown").locator("input:checked + span")
    shown.page.evaluate("document.body.append(document.createElement('mark'))")
    system = "() => { const m = document.querySelector('mark'); m.style.background = 'Highlight';"
    highlight = shown.page.evaluate(system + "return getComputedStyle(m).backgroundColor }")
    expect(picked).to_have_css("background-color", highlight)


def test_a_second_tap_lets_a_token_go_and_a_drag_scrolls_the_page(
    workshop: str, browser, guard
) -> None:
    context: BrowserContext = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    guard.watch(context)
    shown = Shown(workshop, context, "causal").open(panel="explorer", width=390).wait_ready()
    box = shown.panels.token(4).bounding_box()
    assert box is not None
    for position in (4, -1, 4):
        shown.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        shown.wait(position=position)
    other = shown.panels.token(5)
    click(other)
    shown.wait(position=5)
    for picture in (shown.panels.overview, shown.panels.cells):
        picture.scroll_into_view_if_needed()
        before = shown.page.evaluate("scrollY")
        drag_up(context, picture)
        shown.page.wait_for_function("before => scrollY > before + 50", arg=before)
    assert shown.trait("head") == 4, "and chooses nothing"
    context.close()


def drag_up(context: BrowserContext, over: Locator) -> None:
    """Draw a finger over an element, up by 150 pixels."""
    box = over.bounding_box()
    assert box is not None
    devtools = context.new_cdp_session(over.page)
    x, y = box["x"] + box["width"] / 2, min(box["y"] + box["height"] / 2, 700)
    for kind, up in (("Start", 0), *(("Move", by) for by in range(0, 160, 15)), ("End", None)):
        points = [] if up is None else [{"x": x, "y": y - up}]
        devtools.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
