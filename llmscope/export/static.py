"""A view as a cell output that stays alive in a saved notebook."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Unpack

from llmscope.export.choice import height_of, wanted, with_panels
from llmscope.export.fallback import described, in_time
from llmscope.export.keep import picture
from llmscope.export.page import Page, beginning, page_of
from llmscope.export.plain_text import summary
from llmscope.export.program import BUILT

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from llmscope.export.choice import Choice
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

    def __init__(
        self,
        page: Page,
        words: str,
        height: int,
        name: str = "llmscope",
        picture: Callable[[], bytes] | None = None,
    ) -> None:
        self.page = page
        self._name = name
        self._words = words
        self._height = height
        self._draw = picture
        self._picture: bytes | None = None

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

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the page, and words and a picture for where no page can be shown."""
        drawn = self._drawn()
        made: dict[str, Any] = {"text/plain": self._words, "text/html": self._repr_html_()}
        if drawn is not None:
            made["image/png"] = drawn
        return made, described(made)

    def _drawn(self) -> bytes | None:
        """Return the picture, drawn once; none where a person would have to wait for it."""
        if self._draw is not None:
            draw, self._draw = self._draw, None

            def make() -> None:
                with suppress(Exception):  # such as of a text that is too long to print
                    self._picture = draw()

            in_time(make)
        return self._picture

    def _repr_html_(self) -> str:
        # Its content is shown by no browser; it is what is left where frames are removed.
        around = (BUILT / "around.js").read_text(encoding="ascii").strip()
        # A page knows its own scripts by their hash, and docutils would put spaces for a tab.
        page = escape(self.page.html).replace("\t", "&#9;")
        words = "<br>".join(escape(line) for line in self._words.splitlines())
        return (
            f'<iframe data-llmscope title="{escape(self._name)}" {_SANDBOX} '
            f'srcdoc="{page}" '
            f'style="width:100%;height:{self._height}px;border:0" onload="{escape(around)}">'
            f"{self._image()}{words}</iframe>"
        )

    def _image(self) -> str:
        if self._picture is None:
            return ""
        data = b64encode(self._picture).decode()
        return f'<img alt="{escape(self._words)}" src="data:image/png;base64,{data}"><br>'

    def __repr__(self) -> str:
        return self._words


def static(state: ViewState, *, title: str | None = None, **choice: Unpack[Choice]) -> Static:
    """Return a view as a cell output; the arguments are those of `to_html`."""
    want = wanted(**choice)
    (state,) = with_panels([state], want)
    page = page_of([state], title, **choice)
    height = want.height or height_of(state) + _FOOT
    name = title or ": ".join(filter(None, (state.view, beginning(state.text))))
    return Static(page, summary(state), height, name, partial(picture, state))
