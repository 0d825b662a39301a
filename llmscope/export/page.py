"""One self-contained file: the front end, and all that its views can ask for."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Unpack

from llmscope.export.page_data import Buffers, bake
from llmscope.export.selection import Choice, Group, checked_views, grouped, plan, wanted
from llmscope.export.plain_text import summary
from llmscope.views.base import READING, View
from llmscope.views.linking import SHARED, follows

if TYPE_CHECKING:
    import os

SCRIPT = Path(__file__).parents[1] / "static" / "page.js"
# Nothing is ever asked of any other place, and the browser sees to it.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_STYLE = """
body { margin: 0; }
main > div + div { border-top: 1px solid rgb(127 127 127 / 30%); }
main > p { white-space: pre-wrap; }
main > p, footer { font: 13px / 1.5 system-ui, sans-serif; padding: 0.5em 1.3em; }
footer { background: light-dark(#fff, #14171c); color: light-dark(#565b6b, #a9afbd); }
footer p { margin: 0; }
"""


@dataclass(frozen=True, repr=False)
class Page:
    """An exported page.

    Attributes
    ----------
    html
        All of it, in ASCII.
    path
        Where it was written; `None` if it wasn't.
    notes
        What it holds and how true that is, as the page says it.
    """

    html: str
    path: Path | None
    notes: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.html)

    def written(self, path: str | os.PathLike[str]) -> Page:
        """Write it to a file, and say where it is."""
        where = Path(path)
        where.write_bytes(self.html.encode("ascii"))
        return replace(self, path=where)

    def __repr__(self) -> str:
        where = f" at {self.path}" if self.path else ""
        return f"<Page{where}: {self.size / 1e6:.2f} MB>"


def to_html(
    views: View | Sequence[View],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    **choice: Unpack[Choice],
) -> Page:
    """Make one file of views that is live without a kernel and without a network.

    Views that `llmscope.link` joined stay joined. The same views give the same bytes. Of a
    `GenerationView`, the page holds what is written by now, with all branches.

    Parameters
    ----------
    views
        One view, or several that share a page.
    path
        Where to write it; without one, only `Page.html` has it.
    title
        Of the page; by default the text of the first view.
    layers, heads
        Whose attention is in it: all heads of these layers, and these heads (layer, head). By
        default all, up to about 240 tokens of a model of 270 heads; of longer texts the layer in
        focus and those of chosen heads. What is in focus is always in it.
    positions
        After which tokens the next token is in it, from 0; negative ones count from the end. By
        default all of 128 tokens; of longer texts the one in focus, which is always in it. Of a
        `LensView`, whose layers are read there: by default all of 512 tokens.
    prompts
        More texts, for the reader to switch between.
    precision : {"float16", "float32"}
        Of attention weights: 16 bits keep them to within 0.05 %.

    Returns
    -------
    Page
        Its `html`, `path`, `size` and `notes`.

    Raises
    ------
    ValueError
        When a view shows no text, or has written nothing yet, or `precision` is unknown.
    IndexError
        For a layer, head or position that isn't there.

    See Also
    --------
    llmscope.export.estimate : How large the file will be.
    """
    shown = checked_views(views)
    want = wanted(**choice)
    if want.prompts and any("generation" in view._panels for view in shown):
        raise ValueError("prompts= takes no view that writes: it is shown with what it wrote.")
    groups = grouped(shown)
    buffers = Buffers()
    sources: list[dict[str, Any]] = []
    notes: list[str] = []
    for group in groups:
        plans = [plan(group, reading, want) for reading in group.readings(want.prompts)]
        source, told = bake(group, plans, want, buffers)
        sources.append(source)
        notes += [note for note in told if note not in notes]
    content = {
        "sources": sources,
        "views": [
            {"source": _place(groups, view), "traits": {**_traits(view), "_editable": False}}
            for view in shown
        ],
        "links": _links(shown, prompts=bool(want.prompts)),
    }
    heading = title or shorten(shown[0].text, 80, placeholder="…")
    fallback = "\n\n".join(summary(view) for view in shown)
    html = document(heading, _body(fallback, notes, packed(content, buffers)), _STYLE)
    page = Page(html, None, tuple(notes))
    return page if path is None else page.written(path)


def _place(groups: list[Group], view: View) -> int:
    return next(n for n, group in enumerate(groups) if any(view is one for one in group.views))


def _traits(view: View) -> dict[str, Any]:
    names = {name for kind in type(view).__mro__ if issubclass(kind, View) for name in _own(kind)}
    return {name: getattr(view, name) for name in sorted(names)}


def _own(kind: type[View]) -> set[str]:
    """Name the traits that a view brings along; anywidget's own are no state."""
    return set(kind.class_own_traits(sync=True)) - {"_esm", "_css", "_anywidget_id"}


def _links(shown: list[View], *, prompts: bool) -> list[tuple[int, int, list[str]]]:
    """Say which views move together, by their places; what they were joined by in the notebook."""
    place = {id(view): number for number, view in enumerate(shown)}
    found = []
    for number, view in enumerate(shown):
        for other in view._linked:
            if id(other) in place:
                path = follows(view, other) or follows(other, view)
                names = [*SHARED, *["_path"] * path, *READING * (prompts and not path)]
                found.append((number, place[id(other)], names))
    return found


def packed(page: dict[str, Any], buffers: Buffers) -> str:
    """Give a page's content as text of letters, digits, +, / and =: nothing in it is markup."""
    sizes = [(len(data), width) for data, width in buffers.parts]
    content = {"sizes": sizes, "page": page}
    head = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    data = b"".join(data for data, _ in buffers.parts)
    return base64.b64encode(zlib.compress(struct.pack("<I", len(head)) + head + data, 9)).decode()


def document(title: str, body: str, style: str) -> str:
    """Give a whole page, which asks for nothing."""
    from llmscope import __version__

    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="generator" content="llmscope {__version__}">
<title>{_text(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _body(fallback: str, notes: list[str], content: str) -> str:
    told = "".join(f"<p>{_text(note)}</p>" for note in notes)
    return f"""<main><p>{_text(fallback)}</p></main>
<footer>{told}</footer>
<script type="application/octet-stream" id="baked">{content}</script>
<script>{SCRIPT.read_text(encoding="ascii").strip()}</script>"""


def _text(text: str) -> str:
    """Escape text, to ASCII: whatever page it is put into, no letter is misread."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()
