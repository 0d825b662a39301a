"""The script of a page: the front end with the panels that it shows, and whose work is in it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from llmscope.words import ENGLISH

BUILT = Path(__file__).parents[1] / "static"
_ROOM = re.compile(r"\b__words\.(\w+)")
_BERTVIZ = "bertviz's own scripts: Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0"


class Program(NamedTuple):
    """A script with what it is made of.

    Attributes
    ----------
    script
        JavaScript, in ASCII.
    packages
        Names of the packages that are in it.
    """

    script: str
    packages: frozenset[str]


def page_program(
    panels: Iterable[str], language: str = ENGLISH, *, lesson: bool = False
) -> Program:
    """Return the script of a page that shows these panels, by name, and carries no others.

    Of the words in its language it has those of these panels; what shows lessons is in it where
    there is one.
    """
    parts, shown = _built("parts.json"), sorted(set(panels))
    names = list(_with_needs(parts, ["page", *shown, *["lesson"] * lesson]))
    made = "\n".join(f'__parts["{name}"]=(()=>{{{parts[name]["code"]}}})();' for name in names)
    teaching = ", __parts.lesson.lesson" * lesson
    start = ",".join(f'__parts["{panel}"]' for panel in shown)
    script = f"""\
"use strict";(()=>{{const {_words(made, language)},__parts={{}};
{made}
__parts.page.open([{start}].flatMap(Object.values){teaching});}})();"""
    return Program(script, frozenset(one for name in names for one in parts[name]["packages"]))


def unpacking() -> str:
    """Return the script that puts the one of `packed_script` into a page."""
    return (BUILT / "unpack.js").read_text(encoding="ascii").strip()


@lru_cache(maxsize=8)
def packed_script(script: str) -> str:
    """Return the element that holds a script, at about half of its length."""
    data = base64.b64encode(zlib.compress(script.encode("ascii"), 9)).decode()
    return f'<script type="application/octet-stream" id="page-program">{data}</script>'


def bertviz_program(language: str = ENGLISH) -> Program:
    """Return what bertviz's own scripts ask of the page that they run in."""
    made = (BUILT / "bertviz.js").read_text(encoding="ascii").strip()
    script = f"(()=>{{const {_words(made, language)};{made}}})();"
    return Program(script, frozenset(_built("licences.json")["packages"]["bertviz.js"]))


def notices(packages: Collection[str], *, bertviz: bool = False) -> str:
    """Return whose work a page contains and the terms that it comes under, as a comment."""
    lines = [_BERTVIZ] if bertviz else []
    names = {"llmscope", *packages}
    for terms, owners in _built("licences.json")["terms"].items():
        shown = [f"{name}: {who}" for name, who in owners.items() if name in names]
        if shown:
            lines += ["", *shown, fill(terms, 100)]
    text = "\n".join(lines).strip().replace("--", "- -")
    return f"<!--\nThis page contains:\n\n{text}\n-->"


def _words(script: str, language: str) -> str:
    """Return the constant that a script reads its words from."""
    catalogue = _built("words.json")[language]
    rooms = {name: catalogue[name] for name in sorted(set(_ROOM.findall(script)))}
    return f"__words={json.dumps(rooms, separators=(',', ':'))}"


def _with_needs(parts: dict[str, Any], names: Iterable[str]) -> dict[str, None]:
    """Return the names of parts and of all that they need, each after what it needs."""
    found: dict[str, None] = {}
    for name in names:
        if name not in found:
            found |= _with_needs(parts, parts[name]["needs"])
            found[name] = None
    return found


def _built(name: str) -> Any:
    return json.loads((BUILT / name).read_text(encoding="ascii"))
