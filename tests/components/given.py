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
# What is read, or dragged, below the border of a ring or below its line.
COVERED = """root => {
    const { shadowRoot } = root;
    const sees = { visibilityProperty: true, opacityProperty: true };
    const said = [];
    for (const one of shadowRoot.querySelectorAll(
        ".lesson-picture, .lesson-words, .lesson-title, .lesson-controls, .lesson-story")) {
        const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
        const range = document.createRange();
        while (texts.nextNode()) {
            const { data, parentElement } = texts.currentNode;
            if (!data.trim() || !parentElement.checkVisibility(sees)) continue;
            range.selectNodeContents(texts.currentNode);
            for (const box of range.getClientRects())
                if (box.width > 1) said.push([data.trim(), box]);
        }
        for (const track of one.querySelectorAll("input[type=range]"))
            said.push([track.ariaLabel, track.getBoundingClientRect()]);
    }
    const of = name => [...shadowRoot.querySelectorAll(name)]
        .map(one => one.getBoundingClientRect()).filter(({ width }) => width > 0);
    const rim = 3;
    const borders = of(".lesson-ring").flatMap(({ left, right, top, bottom }) => [
        { left, right, top, bottom: top + rim }, { left, right, top: bottom - rim, bottom },
        { left, right: left + rim, top, bottom }, { left: right - rim, right, top, bottom },
    ]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
    const lines = of(".lesson-line");
    const found = said.filter(([, box]) => [...borders, ...lines].some(one => meet(one, box)))
        .map(([text]) => text);
    const overRings = lines.some(line => of(".lesson-ring").some(one => meet(line, one)));
    return overRings ? [...found, "a ring"] : found;
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
