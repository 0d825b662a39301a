"""Run the code of a chapter, in a kernel, where its notebook is."""

from __future__ import annotations

import nbformat
from nbclient import NotebookClient

from tests.chapters.notebook import path, text
from tests.chapters.source import Chapter

# What is shorter when tests run a chapter: a line of its own, and the value that it has there.
SHORT: dict[str, dict[str, int]] = {
    "02-writing": {"STEPS": 20},
    "07-bert": {"STEPS": 60},
    "10-generate": {"MAX_LENGTH": 24},
    "11-transfer": {"STEPS": 60},
    "12-comparing": {"STEPS": 20},
}


def ready(chapter: Chapter, lang: str, shorten: bool = False) -> nbformat.NotebookNode:
    """Return a notebook to be run, with constants as small as tests need them."""
    found = nbformat.reads(text(chapter, lang), 4)
    if shorten:
        found.cells = [c for c in found.cells if "whole" not in c.metadata.get("tags", ())]
        for constant, value in SHORT.get(chapter.name, {}).items():
            _set(found, constant, value)
    return found


def _set(found: nbformat.NotebookNode, constant: str, value: int) -> None:
    count = 0
    for cell in found.cells:
        lines = cell.source.split("\n")
        for at, line in enumerate(lines):
            if cell.cell_type == "code" and line.startswith(f"{constant} = "):
                lines[at] = f"{constant} = {value}"
                count += 1
        cell.source = "\n".join(lines)
    if count != 1:
        raise ValueError(f"{constant} = … is {count} lines of the chapter, not one")


def run(
    chapter: Chapter, lang: str = "en", shorten: bool = False, before: str = ""
) -> nbformat.NotebookNode:
    """Run all cells, after other code, and return the notebook with its outputs."""
    found = ready(chapter, lang, shorten)
    if before:
        found.cells.insert(0, nbformat.v4.new_code_cell(before, id="before"))
    where = {"metadata": {"path": str(path(chapter.name, lang).parent)}}
    NotebookClient(found, timeout=600, kernel_name="python3", resources=where).execute()
    return found
