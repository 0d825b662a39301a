"""From the source of a chapter to its notebook in a language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.chapters.source import NOTEBOOKS, WORD, Chapter, Code

OTHER = {"en": ("zh", "本章的中文版"), "zh": ("en", "This chapter in English")}
WRITTEN = {"en": r"*\1*", "zh": r"「\1」"}
SETS_LANGUAGE = 'import llmscope\n\nllmscope.language = "zh"'
_HIDDEN: dict[str, Any] = {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}


def path(name: str, lang: str) -> Path:
    return NOTEBOOKS / lang / f"{name}.ipynb"


def notebook(chapter: Chapter, lang: str, checks: bool = False) -> dict[str, Any]:
    """Return a notebook without outputs, in the format of its file; `checks` only for tests."""
    other, link = OTHER[lang]
    head = f"# {chapter.heading(lang)}\n\n[{link}](../{other}/{chapter.name}.ipynb)"
    cells = [_markdown("title", head)]
    if lang != "en":
        cells.append(_code("language", SETS_LANGUAGE, _HIDDEN))
    for number, cell in enumerate(chapter.cells, 1):
        if isinstance(cell, Code):
            if checks or "check" not in cell.tags:
                metadata = {"tags": list(cell.tags)} if cell.tags else {}
                cells.append(_code(f"cell-{number}", cell.code, metadata))
        else:
            cells.append(_markdown(f"cell-{number}", WORD.sub(WRITTEN[lang], cell.said[lang])))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def text(chapter: Chapter, lang: str, checks: bool = False) -> str:
    """Return what the file of a notebook contains."""
    return json.dumps(notebook(chapter, lang, checks), ensure_ascii=False, indent=1) + "\n"


def _markdown(name: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(source)}


def _code(name: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": _lines(source),
    }


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)
