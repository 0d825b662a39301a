"""What people read is set in one way: percent signs, spaces beside Chinese marks, names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chapters.source import LANGUAGES, NOTEBOOKS, names, read

ROOT = Path(__file__).parents[2]
LESSONS = ROOT / "llmscope" / "lessons" / "texts"
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|\$[^$\n]*\$|https?://[^)\s]*", re.MULTILINE | re.DOTALL)
PERCENT = re.compile(r"\d[\u00a0\u202f]?[%％]")  # on the screen, too, it is 12.3 %
MARKS = "“”‘’「」『』（）《》，。：；？！、"
SPACED = re.compile(rf"[{MARKS}] +[\w{MARKS}]|\w +[{MARKS}]")
LIBRARY = re.compile(r"(?<!Representations from )\bTransformers\b")


def texts() -> dict[str, tuple[str, str]]:
    """The language and the text of each page of prose, without its code."""
    found = {}
    for lang in LANGUAGES:
        for name in names():
            found[f"{name}, {lang}"] = lang, read(name).said(lang)
        for file in (NOTEBOOKS / lang / "lessons").glob("*.md"):
            found[f"lesson {file.stem}, {lang}"] = lang, file.read_text("utf-8")
        for file in LESSONS.glob(f"*.{lang}.md"):
            found[file.name] = lang, file.read_text("utf-8")
    for file in (ROOT / "README.zh.md", ROOT / "docs" / "tour.zh.md"):
        found[file.name] = "zh", file.read_text("utf-8")
    return {name: (lang, CODE.sub("p", text)) for name, (lang, text) in found.items()}


TEXTS = texts()


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_set_as_all_are(name):
    lang, text = TEXTS[name]
    wrong = [PERCENT, LIBRARY, *([SPACED] if lang == "zh" else [])]
    found = [
        text[max(0, m.start() - 12) : m.end() + 12] for one in wrong for m in one.finditer(text)
    ]
    assert found == []
