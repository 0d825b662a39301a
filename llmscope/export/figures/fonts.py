"""Fonts for any text, from what matplotlib finds on the machine."""

from __future__ import annotations

from functools import cache

from matplotlib.font_manager import FontProperties, fontManager, get_font

_FALLBACK = "DejaVu Sans"  # comes with matplotlib
_WANTED = (
    "Helvetica",
    "Arial",
    "Liberation Sans",
    _FALLBACK,
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans",
    "Hiragino Sans GB",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Segoe UI Symbol",
    "Symbola",
    "Apple Symbols",
    "Arial Unicode MS",
)


@cache
def _families() -> tuple[str, ...]:
    """List the families that are here, those that are wanted most first."""
    here = {font.name for font in fontManager.ttflist}
    others = sorted(name for name in here if name.startswith("Noto Sans ") and "Mono" not in name)
    return (*(name for name in _WANTED if name in here), *others)


@cache
def _characters(family: str, bold: bool) -> frozenset[int]:
    wanted = FontProperties(family=[family], weight="bold" if bold else "normal")
    return frozenset(get_font(fontManager.findfont(wanted)).get_charmap())


@cache
def _family_of(char: str, bold: bool) -> str | None:
    """Return the first family that has a character, if any has."""
    return next((name for name in _families() if ord(char) in _characters(name, bold)), None)


def printable(text: str, bold: bool = False) -> list[str]:
    """Cut `text` into characters; those that no font here has are named by their numbers."""
    return [char if _family_of(char, bold) else f"⟨U+{ord(char):04X}⟩" for char in text]


def properties(text: str, size: float, bold: bool = False) -> FontProperties:
    """Return fonts that have all characters of `text`, of `size` points."""
    found = {name for char in text if (name := _family_of(char, bold))}
    first, *others = _families()
    families = [first, *(name for name in others if name in found)]
    return FontProperties(family=families, size=size, weight="bold" if bold else "normal")
