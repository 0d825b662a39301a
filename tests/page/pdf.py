"""What a PDF that Chromium or matplotlib wrote says, and in which fonts."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\b(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"/(\w+) [-\d.]+ Tf|\[(.*?)\] ?TJ|<([0-9A-Fa-f]*)> ?Tj", re.DOTALL)
_MAPPED = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>(?: <([0-9A-Fa-f]+)>)?")


class Pdf:
    """A PDF whose objects aren't packed: what Chromium and matplotlib write."""

    def __init__(self, data: bytes) -> None:
        self._objects = {int(number): body for number, body in _OBJECT.findall(data)}
        kinds = [re.findall(rb"/Type */Page\b", body) for body in self._objects.values()]
        self.pages = sum(map(len, kinds))

    @property
    def font_types(self) -> set[str]:
        """Names such as Type3, TrueType and Type0."""
        found = [
            re.search(rb"/Subtype */(\w+)", body)
            for body in self._objects.values()
            if re.search(rb"/Type */Font\b", body)
        ]
        return {one[1].decode() for one in found if one}

    @property
    def text(self) -> str:
        """All that is written, in the order in which it is drawn, without white space."""
        fonts = {}
        for body in self._objects.values():
            for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body):
                fonts[name] = self._letters(int(number))
        said = [self._said(self._stream(number), fonts) for number in self._objects]
        return re.sub(r"\s", "", "".join(said))

    def _stream(self, number: int) -> bytes:
        body = self._objects[number]
        found = _STREAM.search(body)
        if not found:
            return b""
        try:
            return zlib.decompress(found[1]) if b"FlateDecode" in body else found[1]
        except zlib.error:
            return b""

    def _letters(self, number: int) -> dict[int, str]:
        """What each glyph of a font is."""
        found = re.search(rb"/ToUnicode (\d+) 0 R", self._objects.get(number, b""))
        table = self._stream(int(found[1])) if found else b""
        letters = {}
        for part in re.findall(rb"beginbf(?:char|range)(.*?)endbf", table, re.DOTALL):
            for first, second, third in _MAPPED.findall(part):
                start, end = int(first, 16), int(second if third else first, 16)
                text = bytes.fromhex((third or second).decode()).decode("utf-16-be")
                for step in range(end - start + 1):
                    letters[start + step] = text[:-1] + chr(ord(text[-1]) + step)
        return letters

    def _said(self, content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
        if b" Tf" not in content:
            return ""
        letters: dict[int, str] = {}
        said = ""
        for font, many, one in _SHOWN.findall(content):
            letters = fonts.get(font, {}) if font else letters
            for glyphs in re.findall(rb"<([0-9A-Fa-f]*)>", many) if many else [one]:
                codes = [int(glyphs[at : at + 4], 16) for at in range(0, len(glyphs), 4)]
                said += "".join(letters.get(code, "") for code in codes)
        return said
