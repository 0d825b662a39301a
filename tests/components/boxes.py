"""Where everything is on screen, frame by frame, while a person does something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.components.workshop import Shown

Places = dict[str, list[tuple[float, float, float, float]]]  # x, y, width, height

_START = """root => {
    const seen = new Map();
    const look = () => {
        for (const element of root.shadowRoot.querySelectorAll(".header, .panel")) {
            const { x, y, width, height } = element.getBoundingClientRect();
            const box = [x, y + scrollY, width, height].map(place => Math.round(place));
            const name = element.getAttribute("aria-label") ?? "Header";
            const boxes = seen.get(name) ?? seen.set(name, []).get(name);
            if (String(boxes.at(-1)) !== String(box)) boxes.push(box);
        }
        window.recording = requestAnimationFrame(look);
    };
    window.recorded = seen;
    look();
}"""
_STOP = """() => {
    cancelAnimationFrame(window.recording);
    return Object.fromEntries(window.recorded);
}"""


@contextmanager
def recorded(shown: Shown) -> Iterator[Places]:
    """Fill a table of the places that each panel had, in order, until the end of the block."""
    places: Places = {}
    shown.panels.root.evaluate(_START)
    yield places
    shown.settle()
    found = shown.page.evaluate(_STOP)
    places.update({name: [tuple(box) for box in boxes] for name, boxes in found.items()})
