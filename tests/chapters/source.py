"""The one source of a chapter, in two languages: `notebooks/chapters/NN-name.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = NOTEBOOKS / "chapters"
LANGUAGES = ("en", "zh")
# Words of the interface, as a reader sees them on a button.
WORD = re.compile(r"\[\[(.+?)\]\]")
# `check`: only tests run it; `whole`: not where they shorten the chapter.
_TAGS = {"check", "whole"}


@dataclass(frozen=True)
class Text:
    """What is said, in each language."""

    said: dict[str, str]


@dataclass(frozen=True)
class Code:
    """What is run, the same in each language."""

    code: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """One chapter, as it is written."""

    name: str
    title: dict[str, str]
    terms: tuple[str, ...]
    cells: tuple[Text | Code, ...]

    @property
    def number(self) -> int:
        return int(self.name[:2])

    def heading(self, lang: str) -> str:
        return f"{self.number}. {self.title[lang]}"

    def said(self, lang: str) -> str:
        """Return all that is said in a language."""
        texts = [cell.said[lang] for cell in self.cells if isinstance(cell, Text)]
        return "\n\n".join((self.title[lang], *texts))

    def words(self, lang: str) -> set[str]:
        """Return the words of the interface that are named."""
        return set(WORD.findall(self.said(lang)))


def names() -> list[str]:
    return sorted(path.stem for path in SOURCES.glob("[0-9][0-9]-*.md"))


def read(name: str) -> Chapter:
    return parsed(name, (SOURCES / f"{name}.md").read_text("utf-8"))


def parsed(name: str, source: str) -> Chapter:
    """Return a chapter of its source; raise `ValueError`, with the line, for what it can't be."""
    found = re.match(r"---\n(.*?)\n---\n", source, re.DOTALL)
    if not found:
        raise ValueError(f"{name}: a chapter begins with --- and its title: {{en: …, zh: …}}")
    facts = yaml.safe_load(found[1])
    if facts.keys() != {"title", "terms"} or set(facts["title"]) != set(LANGUAGES):
        raise ValueError(f"{name}: its head has title: {{en: …, zh: …}} and terms: […]")
    lines = source.splitlines()
    cells = _cells(name, lines, found[0].count("\n"))
    return Chapter(name, facts["title"], tuple(facts["terms"] or ()), tuple(cells))


def _cells(name: str, lines: list[str], at: int) -> list[Text | Code]:
    cells: list[Text | Code] = []
    said: dict[str, str] = {}

    def wrong(why: str) -> ValueError:
        return ValueError(f"{name}.md, line {at + 1}: {why}")

    def until(end: str) -> str:
        nonlocal at
        first = at + 1
        if end not in lines[first:]:
            raise wrong(f"this never ends with {end}")
        at = lines.index(end, first)
        return "\n".join(lines[first:at]).strip("\n")

    while at < len(lines):
        line = lines[at]
        if opens := re.fullmatch(r"::: (\w+)", line):
            lang = opens[1]
            if lang != LANGUAGES[len(said)]:
                raise wrong(f"::: {LANGUAGES[len(said)]} comes here, not ::: {lang}")
            said[lang] = until(":::")
            if len(said) == len(LANGUAGES):
                cells.append(Text(said))
                said = {}
        elif opens := re.fullmatch(r"```python((?: [\w-]+)*)", line):
            if said:
                raise wrong("this text has no ::: zh")
            tags = tuple(opens[1].split())
            if not _TAGS.issuperset(tags):
                raise wrong(f"tags are {', '.join(sorted(_TAGS))}")
            cells.append(Code(until("```"), tags))
        elif line.strip():
            raise wrong("what is said is within ::: en and ::: zh, what is run within ```python")
        at += 1
    if said:
        raise wrong("the last text has no ::: zh")
    return cells
