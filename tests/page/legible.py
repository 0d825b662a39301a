"""What of a view can't be read: words that are cut, words on words, what is wider than the page."""

from __future__ import annotations

from tests.page.panels import Panels

# Not looked at: what is as long as a text or a model makes it (tokens, a text that is typed), words
# that are turned, indices, and what a scrolling box has out of sight. A name may be cut where its
# tooltip says all of it.
_LOOK = """root => {
    const shadow = root.shadowRoot;
    const skipped = "style, option, dialog, .copy, .written, .way, .token-label, text[transform], "
        + "sub, sup, math";
    const up = function* (element) {
        for (let one = element; one && one !== shadow; one = one.parentElement)
            yield [one, getComputedStyle(one)];
    };
    const inSight = (element) => {
        const box = { left: 0, top: -1e9, right: innerWidth, bottom: 1e9 };
        for (const [one, { overflowX, display }] of up(element)) {
            if (overflowX === "visible" || display === "inline") continue;
            const { left, top, right, bottom } = one.getBoundingClientRect();
            box.left = Math.max(box.left, left);
            box.top = Math.max(box.top, top);
            box.right = Math.min(box.right, right);
            box.bottom = Math.min(box.bottom, bottom);
        }
        return box;
    };
    const scrolls = (element) => [...up(element)].some(([one, { overflowX }]) =>
        /auto|scroll/.test(overflowX) && one.scrollWidth > one.clientWidth + 1);
    const sticks = (element) => [...up(element)].some(([, { position }]) => position === "sticky");
    const nameOf = ({ nodeName, className }) =>
        `${nodeName.toLowerCase()}.${(className?.baseVal ?? className) || "?"}`;

    const found = new Set();
    const lines = [];
    const range = document.createRange();
    const walker = document.createTreeWalker(shadow, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { data, parentElement: element } = walker.currentNode;
        const text = data.trim();
        if (!text || element.closest(skipped)) continue;
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        range.setStart(walker.currentNode, data.length - data.trimStart().length);
        range.setEnd(walker.currentNode, data.trimEnd().length);
        const sight = inSight(element);
        const isNamed = element.closest("[title]")?.title.includes(text) ?? false;
        for (const { left, top, right, bottom } of range.getClientRects()) {
            const height = Math.min(bottom, sight.bottom) - Math.max(top, sight.top);
            if (height < 3) continue;
            const cut = Math.max(sight.left - left, right - sight.right);
            if (cut > 1 && !isNamed && !scrolls(element))
                found.add(`cut by ${Math.round(cut)}: ${text} (${nameOf(element)})`);
            if (right - left > cut) lines.push({ element, text, top, bottom,
                left: Math.max(left, sight.left), right: Math.min(right, sight.right) });
        }
    }
    lines.sort((a, b) => a.top - b.top);
    lines.forEach((a, at) => {
        for (const b of lines.slice(at + 1)) {
            if (b.top > a.bottom - 4) break;
            const over = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            if (over > 1.5 && a.element !== b.element && !sticks(a.element) && !sticks(b.element))
                found.add("over each other: " +
                    [a, b].map(one => `${one.text} (${nameOf(one.element)})`).join(", "));
        }
    });
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) found.add(`the page scrolls sideways by ${wide}`);
    for (const panel of shadow.querySelectorAll(".panel, .header")) {
        const { right } = panel.getBoundingClientRect();
        for (const part of panel.querySelectorAll("canvas, button, input, select, table, img"))
            if (part.getBoundingClientRect().right > right + 2 && !scrolls(part)
                && part.checkVisibility({ visibilityProperty: true }))
                found.add(`${nameOf(part)} is beyond ${nameOf(panel)}`);
    }
    return [...found];
}"""


def illegible(panels: Panels) -> list[str]:
    """What can't be read of a view on screen, a line in words each."""
    return list(panels.root.evaluate(_LOOK))
