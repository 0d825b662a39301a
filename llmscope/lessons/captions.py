"""Captions: a little Markdown, as a tree of elements that a page makes. None of it is HTML."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeAlias

from llmscope.lessons.formulas import formula

Node: TypeAlias = str | list[Any]
"""A text, or an element: ``["p", *nodes]``, and of a link ``["a", address, *nodes]``."""

_INLINE = re.compile(
    r"""\\(?P<sign>[\\`*_$\[\]<>\#|{}.!()-])
    | `(?P<code>[^`]+)`
    | \$\$(?P<block>[^$]+)\$\$
    | \$(?P<math>[^\s$](?:[^$]*[^\s$])?)\$(?!\d)
    | \*\*(?P<strong>\S(?:.*?\S)??)\*\*(?!\*)
    | \*(?P<em>[^\s*](?:.*?[^\s*])??)\*(?!\*)
    | (?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<address>[^)\s]*)\)
    """,
    re.VERBOSE | re.DOTALL,
)
_ITEM = re.compile(r"(?P<mark>[-*+]|\d+[.)])\s+(?P<text>.*)")
_FENCE = "```"
_CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"  # between which a new line is no space
_SAFE = re.compile(r"https?://[^\s<>\"]+\Z")


class MarkdownError(ValueError):
    """What isn't Markdown as captions take it, and its line, from 0."""

    def __init__(self, said: str, line: int = 0) -> None:
        super().__init__(said)
        self.line = line


class Caption(NamedTuple):
    """What a slide says.

    Attributes
    ----------
    title
        Its headline, as nodes.
    body
        What is below it: blocks.
    """

    title: list[Node]
    body: list[Node]


def caption(text: str) -> Caption:
    """Read a caption.

    Parameters
    ----------
    text
        Markdown: a headline (``## …``) at the top, paragraphs, lists, **bold**, *emphasis*,
        ``code``, links, and formulas between dollars.

    Returns
    -------
    Caption
        Its headline and its blocks.

    Raises
    ------
    MarkdownError
        For what has no end, and for pictures, tables and addresses that captions don't take.
    """
    lines = text.expandtabs(4).splitlines()
    title: list[Node] = []
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if lines and (found := re.match(r"#+\s+(.*?)\s*#*$", lines[start])):
        title = _inline(found[1], start)
        lines[start] = ""
    return Caption(title, _blocks(lines))


def words(nodes: list[Node]) -> str:
    """Return what nodes say, as text."""
    parts = []
    for node in nodes:
        if isinstance(node, str):
            parts.append(node)
        else:
            parts.append(words(node[2:] if node[0] == "a" else node[1:]))
            parts.append("\n" if node[0] in ("p", "li", "pre", "h3") else "")
    return "".join(parts)


def _blocks(lines: list[str]) -> list[Node]:
    found: list[Node] = []
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        start = at
        if not line:
            at += 1
        elif line.startswith(_FENCE):
            at += 1
            while at < len(lines) and not lines[at].strip().startswith(_FENCE):
                at += 1
            if at == len(lines):
                raise MarkdownError(f"code begins with {_FENCE} and has no end", start)
            found.append(["pre", "\n".join(lines[start + 1 : at])])
            at += 1
        elif head := re.match(r"#+\s+(.*?)\s*#*$", line):
            found.append(["h3", *_inline(head[1], start)])
            at += 1
        elif line.startswith("|"):
            raise MarkdownError("captions take no tables", start)
        elif line.startswith(">"):
            while at < len(lines) and lines[at].strip().startswith(">"):
                at += 1
            inner = [re.sub(r"^\s*> ?", "", one) for one in lines[start:at]]
            found.append(["blockquote", *_blocks(inner)])
        elif _ITEM.match(line):
            at, block = _list(lines, at)
            found.append(block)
        else:
            while at < len(lines) and lines[at].strip() and not _begins(lines[at].strip()):
                at += 1
            at = max(at, start + 1)
            text = "\n".join(one.strip() for one in lines[start:at])
            found.append(["p", *_inline(text, start)])
    return found


def _begins(line: str) -> bool:
    """Whether a line begins another block than a paragraph."""
    return bool(line.startswith((_FENCE, ">", "|", "# ", "## ", "### ")) or _ITEM.match(line))


def _list(lines: list[str], at: int) -> tuple[int, Node]:
    first = _ITEM.match(lines[at].strip())
    assert first is not None
    items: list[Node] = []
    while at < len(lines) and (item := _ITEM.match(lines[at].strip())):
        start, text = at, item["text"]
        at += 1
        while at < len(lines) and lines[at].startswith("  ") and not _ITEM.match(lines[at].strip()):
            if not lines[at].strip():
                break
            text += "\n" + lines[at].strip()
            at += 1
        items.append(["li", *_inline(text, start)])
        after = next((n for n in range(at, len(lines)) if lines[n].strip()), at)
        if (more := _ITEM.match(lines[after].strip() if after < len(lines) else "")) and (
            more["mark"][0].isdigit() == first["mark"][0].isdigit()
        ):
            at = after
    return at, ["ol" if first["mark"][0].isdigit() else "ul", *items]


def _inline(text: str, line: int) -> list[Node]:
    """Return what is within a block."""
    found: list[Node] = []
    at = 0
    for match in _INLINE.finditer(text):
        _plain(text[at : match.start()], line, found)
        at = match.end()
        found.append(_element(match, line + text.count("\n", 0, match.start())))
    _plain(text[at:], line, found)
    return found


def _plain(text: str, line: int, found: list[Node]) -> None:
    for sign, name in (("**", "bold text"), ("`", "code"), ("$$", "a formula")):
        if sign in text:
            raise MarkdownError(f"{name} begins with {sign} and has no end", line)
    if text:
        text = re.sub(rf"(?<=[{_CJK}])\n(?=[{_CJK}])", "", text)
        found.append(text.replace("\n", " "))


def _element(match: re.Match[str], line: int) -> Node:
    kind = match.lastgroup
    if match["sign"] is not None:
        return match["sign"]
    if match["code"] is not None:
        return ["code", match["code"]]
    if (tex := match["block"] or match["math"]) is not None:
        try:
            return formula(tex, display=match["block"] is not None)
        except ValueError as error:
            raise MarkdownError(str(error), line) from None
    for tag in ("strong", "em"):
        if match[tag] is not None:
            return [tag, *_inline(match[tag], line)]
    assert kind == "address"
    if match["picture"]:
        raise MarkdownError("captions take no pictures", line)
    if not _SAFE.match(match["address"]):
        raise MarkdownError(
            f"a link leads to {match['address']!r}: captions take http:// and https:// alone", line
        )
    return ["a", match["address"], *_inline(match["text"] or match["address"], line)]
