"""A lesson that is given by keys, on a page of its own, at the size of a projector."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

SIZE = {"width": 1280, "height": 720}
# What of a slide is cut off, or lies beyond the window.
CUT = """root => {
    const stage = root.shadowRoot.querySelector(".lesson");
    const within = ".lesson-words, .lesson-title, .subject > .panel, .above > .panel";
    const past = [...stage.querySelectorAll(within)].filter(one => {
        const { right, bottom } = one.getBoundingClientRect();
        return one.scrollHeight > one.clientHeight + 2 || right > innerWidth + 1
            || bottom > innerHeight + 1;
    });
    return [stage.getBoundingClientRect().height, past.map(one => one.className)];
}"""
# Whether a ring's line lies over any ring, or over words.
COVERED = """root => {
    const of = name => [...root.shadowRoot.querySelectorAll(name)]
        .map(one => one.getBoundingClientRect()).filter(({ width }) => width > 0);
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom
        && b.top < a.bottom;
    return of(".lesson-line").some(line =>
        [...of(".lesson-ring"), ...of(".lesson-words > *")].some(one => meet(line, one)));
}"""


class Given:
    """A lesson on a page, and hands that are on the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("main > div")
        self.stage = self.root.locator(".lesson")
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def settle(self) -> None:
        expect(self.root).to_have_attribute("data-settled", "")

    @property
    def title(self) -> Locator:
        return self.stage.locator(".lesson-title")

    @property
    def bars(self) -> Locator:
        return self.stage.locator(".bars > li .name").first

    def shown(self, name: str) -> Locator:
        return self.stage.locator("label.slider", has_text=name).locator("output")
