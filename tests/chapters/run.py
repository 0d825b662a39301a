"""Run the code of a chapter, with what tests check, where its notebook is."""

from __future__ import annotations

import ast
from contextlib import chdir
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.chapters.notebook import notebook, path
from tests.chapters.source import Chapter

# What is shorter when tests run a chapter: a line of its own, and the value that it has there.
SHORT: dict[str, dict[str, int]] = {"11-transfer": {"STEPS": 1, "TUNING": 1}}


def shortened(chapter: Chapter, lang: str) -> dict[str, str]:
    """Return the code of the cells by their ids, with constants as small as tests need them."""
    found = {
        cell["id"]: "".join(cell["source"])
        for cell in notebook(chapter, lang, checks=True)["cells"]
        if cell["cell_type"] == "code" and "whole" not in cell["metadata"].get("tags", ())
    }
    for constant, value in SHORT.get(chapter.name, {}).items():
        found = _set(found, constant, value)
    return found


def _set(found: dict[str, str], constant: str, value: int) -> dict[str, str]:
    count = 0
    changed = {}
    for name, code in found.items():
        lines = code.split("\n")
        for at, line in enumerate(lines):
            if line.startswith(f"{constant} = "):
                lines[at] = f"{constant} = {value}"
                count += 1
        changed[name] = "\n".join(lines)
    if count != 1:
        raise ValueError(f"{constant} = … is {count} lines of the chapter, not one")
    return changed


def run_here(chapter: Chapter, lang: str) -> None:
    """Run it shortened, in this process: what is imported already takes no time."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with chdir(path(chapter.name, lang).parent):
        for cell, code in shortened(chapter, lang).items():
            name = f"{chapter.name}, {cell}"
            tree = ast.parse(code)
            last = tree.body[-1]
            if isinstance(last, ast.Expr):
                tree.body.pop()
            exec(compile(tree, name, "exec"), names)
            if isinstance(last, ast.Expr):
                _displayed(eval(compile(ast.Expression(last.value), name, "eval"), names))


def _displayed(shown: Any) -> None:
    """Make what a notebook would display."""
    bundle = getattr(shown, "_repr_mimebundle_", None)
    assert bundle() if bundle else repr(shown)


def run(
    chapter: Chapter, lang: str = "en", before: str = "", after: str = ""
) -> nbformat.NotebookNode:
    """Run all cells in a kernel, between other code, and return the notebook with its outputs."""
    found = nbformat.from_dict(notebook(chapter, lang, checks=True))
    for cell in found.cells:
        cell.source = "".join(cell.source)
    if before:
        found.cells.insert(0, nbformat.v4.new_code_cell(before, id="before"))
    if after:
        found.cells.append(nbformat.v4.new_code_cell(after, id="after"))
    where = {"metadata": {"path": str(path(chapter.name, lang).parent)}}
    NotebookClient(found, timeout=600, kernel_name="python3", resources=where).execute()
    return found
