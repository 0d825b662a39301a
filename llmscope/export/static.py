"""A view as a cell output that stays alive in a saved notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Unpack

from llmscope.export.page import Page, to_html
from llmscope.export.plain_text import summary

if TYPE_CHECKING:
    import os

    from llmscope.export.selection import Choice
    from llmscope.views.base import View

# Pixels, until the page has told its height; where it can't tell, it scrolls within.
_ABOVE = {"header": 40, "tokens": 170, "generation": 330}
_COLUMNS = {"attention": 620, "overview": 620, "next-token": 560}
_FOOT = 90
# Where the frame is another origin, as within a sandbox, it can't set its own height.
_LISTEN = (
    "window.addEventListener('message',e=>{if(e.source===this.contentWindow&&e.data.llmscope)"
    "this.style.height=e.data.llmscope.height+'px'});this.contentWindow.postMessage('height?','*')"
)


class Static:
    """A cell output: a page in a frame, and words where no frame can be shown.

    Attributes
    ----------
    page
        The page within.
    """

    def __init__(self, page: Page, words: str, height: int) -> None:
        self.page = page
        self._words = words
        self._height = height

    def to_html(self, path: str | os.PathLike[str]) -> Page:
        """Write the page within to a file."""
        return self.page.written(path)

    def _repr_html_(self) -> str:
        # Its content is shown by no browser; it is what is left where frames are removed.
        words = "<br>".join(escape(line) for line in self._words.splitlines())
        return (
            f'<iframe data-llmscope title="llmscope" srcdoc="{escape(self.page.html)}" '
            f'style="width:100%;height:{self._height}px;border:0" onload="{escape(_LISTEN)}">'
            f"{words}</iframe>"
        )

    def __repr__(self) -> str:
        return self._words


def static(view: View, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
    """Give a view as a cell output; the arguments are those of `to_html`."""
    page = to_html(view, title=title, **choice)
    above = sum(_ABOVE.get(panel, 0) for panel in view._panels)
    column = max(_COLUMNS.get(panel, 0) for panel in view._panels)
    return Static(page, summary(view), above + column + _FOOT)
