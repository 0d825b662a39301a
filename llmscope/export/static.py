"""A view as a cell output that stays alive in a saved notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Unpack

from llmscope.export.page import Page, beginning, page_of
from llmscope.export.plain_text import summary
from llmscope.export.program import BUILT
from llmscope.panels import PANELS

if TYPE_CHECKING:
    import os

    from llmscope.export.selection import Choice
    from llmscope.state import ViewState

# Pixels, until the page has told its height; where it can't tell, it scrolls within.
_FOOT = 90
# A page takes part in nothing of the notebook around it: it can't read it, nor act for its reader.
_SANDBOX = 'sandbox="allow-scripts allow-downloads" allow="clipboard-write"'


class Static:
    """A cell output: a page in a frame, and words where no frame can be shown.

    Attributes
    ----------
    page
        The page within.
    """

    def __init__(self, page: Page, words: str, height: int, name: str = "llmscope") -> None:
        self.page = page
        self._name = name
        self._words = words
        self._height = height

    def to_html(self, path: str | os.PathLike[str]) -> Page:
        """Save the page within to a file.

        Parameters
        ----------
        path
            The file; one that is there is replaced.

        Returns
        -------
        Page
            The page with its `path`.
        """
        return self.page.written(path)

    def _repr_html_(self) -> str:
        # Its content is shown by no browser; it is what is left where frames are removed.
        around = (BUILT / "around.js").read_text(encoding="ascii").strip()
        words = "<br>".join(escape(line) for line in self._words.splitlines())
        return (
            f'<iframe data-llmscope title="{escape(self._name)}" {_SANDBOX} '
            f'srcdoc="{escape(self.page.html)}" '
            f'style="width:100%;height:{self._height}px;border:0" onload="{escape(around)}">'
            f"{words}</iframe>"
        )

    def __repr__(self) -> str:
        return self._words


def static(state: ViewState, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
    """Return a view as a cell output; the arguments are those of `to_html`."""
    page = page_of([state], title, **choice)
    panels = [PANELS[name] for name in state.panels]
    panels = [one for one in panels if not one.opened_by or state.traits[one.opened_by]]
    height = sum(panel.above for panel in panels)
    height += max(panel.block for panel in panels) + max(panel.column for panel in panels)
    name = title or ": ".join(filter(None, (state.view, beginning(state.text))))
    return Static(page, summary(state), height + _FOOT, name)
