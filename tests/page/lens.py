"""The logit lens on screen."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

_DRAWN = """table => [...table.querySelectorAll("tbody tr")].map(row =>
    [...row.querySelectorAll("td:not(.gap)")].map(cell =>
        [cell.textContent, Number(cell.style.getPropertyValue("--shade"))]))"""


class Lens:
    """The logit lens on screen."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.panel = self.root.get_by_role("region", name="Logit lens")
        self.table = self.panel.get_by_role("application", name="Layers by tokens")
        self.heads = self.table.locator("thead th")
        self.names = self.table.locator("tbody th")
        self.reading = self.panel.locator(".lens-reading")
        self.title = self.reading.locator("h4")

    def cell(self, down: int, across: int) -> Locator:
        """A cell, counted from the upper left of what is drawn."""
        return self.table.locator("tbody tr").nth(down).locator("td:not(.gap)").nth(across)

    def drawn(self) -> list[list[tuple[str, float]]]:
        """Text and shade of each cell that is drawn, the last layer first."""
        return list(self.table.evaluate(_DRAWN))

    def words(self) -> list[list[str]]:
        """Text of each cell that is drawn."""
        return [[word for word, _ in row] for row in self.drawn()]

    def pick(self, group: str, name: str) -> None:
        self.panel.get_by_role("radiogroup", name=group).get_by_text(name, exact=True).click()

    def shade_by(self, name: str) -> None:
        self.pick("What cells are shaded by", name)

    def read_of_layers(self, name: str) -> None:
        self.pick("What is read of a layer", name)

    def fact(self, name: str) -> Locator:
        return self.reading.locator(f"dt:text-is('{name}') + dd")

    def wait(self) -> None:
        expect(self.panel.locator(".note")).to_contain_text("Shade", timeout=60_000)
