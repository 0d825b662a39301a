"""The panels of llmscope on screen, and the mouse over them."""

from __future__ import annotations

import re

from playwright.sync_api import Locator

# The widget's element, from what is around it, itself, or what is in it.
_IS_SETTLED = """root => [root.getRootNode().host, root,
    root.querySelector("[data-lm-suppress-shortcuts]")]
    .find(element => element?.dataset.lmSuppressShortcuts).hasAttribute("data-settled")"""


class Panels:
    """A widget of llmscope on screen: its parts, and what they say."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        text = root.get_by_role("region", name="Text")
        self.prompt = text.get_by_role("textbox").first
        self.caption = text.locator(".caption")
        self.copy = text.locator(".copy").first
        self.overview = root.get_by_role("application", name="Heads by layer")
        self.matrix = root.get_by_role("application", name="Attention matrix")
        self.cells = self.matrix.locator(".cells")
        self.attention = root.get_by_role("region", name="Attention", exact=True)
        self.title = self.attention.get_by_role("heading")
        self.readout = self.attention.locator(".readout")
        self.weight = self.readout.locator(".weight")
        self.arcs = self.attention.get_by_role("application", name="Attention as lines")
        self.steps = self.attention.get_by_role("application", name="Attention step by step")
        self.chips = self.attention.locator(".chip")
        self.combine = self.attention.get_by_role("combobox", name="How pinned heads")
        self.scale = self.attention.get_by_role("combobox", name="Colour scale")
        self.threshold = self.attention.get_by_role("slider", name="Threshold")
        self.sink = self.attention.get_by_role("button", name="hide first token")
        self.mark = root.get_by_role("combobox", name="Highlight heads by")
        self.next = root.get_by_role("region", name="Next token")
        self.more = self.next.get_by_role("button", name="more")
        self.stages = self.next.get_by_role("list", name="Tokens left after each stage")
        self.rows = self.next.locator(".bars > li")
        self.error = root.get_by_role("alert")

    def walk(self, layers: int = 0, heads: int = 0) -> None:
        """Press the arrow key that goes one layer or head on, or back, as the maps are laid."""
        lies = "lying" in (self.overview.get_attribute("class") or "").split()
        keys = ("ArrowLeft", "ArrowRight") if (layers == 0) != lies else ("ArrowUp", "ArrowDown")
        self.overview.press(keys[layers + heads > 0])

    def settle(self) -> None:
        """Wait until every request is answered, every trait saved, and what followed is drawn."""
        self.root.page.wait_for_function(_IS_SETTLED, arg=self.root.element_handle())

    def mode(self, name: str) -> Locator:
        """One of the ways to show attention: Matrix, Arcs or Steps."""
        return self.attention.get_by_role("radio", name=name)

    def show(self, mode: str) -> None:
        """Click on a way to show attention; the radio button itself lies behind its name."""
        self.attention.get_by_label("How attention is shown").get_by_text(mode).click()

    def slider(self, name: str) -> Locator:
        """One of the sampling sliders."""
        return self.next.get_by_role("slider", name=name)

    def shown(self, name: str) -> Locator:
        """The value that is printed beside a slider."""
        return self.next.locator("label").filter(has_text=name).get_by_role("status")

    def token(self, position: int) -> Locator:
        """A token of the text; it lies behind the text area, so the mouse goes to its box."""
        return self.copy.locator(f'[data-token="{position}"]')

    def bars(self) -> list[dict[str, str]]:
        """Name, note and final share of each candidate, exact as on hover and as printed."""
        return list(
            self.next.evaluate(
                """panel => [...panel.querySelectorAll(".bars > li:not(.rest)")].map(row => ({
                    name: row.querySelector(".name").textContent,
                    note: row.querySelector("em")?.textContent ?? "",
                    value: /^(> )?[\\d.e-]+( %)?/.exec(row.querySelector(".value").title)[0],
                    printed: row.querySelector(".value").textContent,
                }))"""
            )
        )


def point(target: Locator, x: float, y: float) -> None:
    """Move the mouse to a place inside an element, given as shares of its width and height."""
    target.scroll_into_view_if_needed()
    place = box(target)
    target.page.mouse.move(place["x"] + x * place["width"], place["y"] + y * place["height"])


def click(target: Locator, x: float = 0.5, y: float = 0.5) -> None:
    """Click at a place inside an element, given as shares of its width and height."""
    point(target, x, y)
    target.page.mouse.down()
    target.page.mouse.up()


def exact(value: Locator) -> float:
    """The share that is said on hover, where a rounded one is printed."""
    said = re.match(r"(> )?[\d.e-]+", value.get_attribute("title") or "")
    assert said is not None
    return float(said[0].removeprefix("> ")) / 100


def box(target: Locator) -> dict[str, float]:
    """Where an element is: x, y, width and height in pixels."""
    found = target.bounding_box()
    assert found is not None
    return dict(found)
