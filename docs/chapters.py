"""The chapters of the course as pages, live: `LLMSCOPE_CHAPTERS="04 05"` or `all` says which.

Their code runs once; each view is saved in every language, and each page takes its own.
"""

from __future__ import annotations

import copy
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.chapters.notebook import path  # noqa: E402
from tests.chapters.run import run  # noqa: E402
from tests.chapters.source import LANGUAGES, names, read  # noqa: E402

PAGES = HERE / "course"
CHINESE = "text/x-llmscope-zh"
# Run before the chapter: what is displayed is saved as a page in each language.
SHOWS = """
import ipywidgets
import llmscope
from llmscope.lessons import Lesson
from llmscope.views import GenerationView, TrainingView, View

_read = Lesson.read
_later = []  # trainings that have not begun where they are displayed


def _remembered(path, **given):
    lesson = _read(path, **given)
    lesson.in_chinese = lambda: _read(f"../zh/{path}", **given)
    return lesson


def _page(view):
    few = isinstance(view, TrainingView) or view.scope is None or view.scope.facts.layers < 5
    return (view.static() if few else view.static(layers=[view.layer]))._repr_html_()


def _of_view(view, include=None, exclude=None):
    if isinstance(view, TrainingView) and not view.history.steps:
        _later.append(view)
        return {"text/plain": "_later"}
    if isinstance(view, GenerationView) and not len(view.stepper.tree):
        return {"text/plain": repr(view)}  # to write takes a kernel
    view.lang = "en"
    shown = {"text/plain": repr(view), "text/html": _page(view)}
    view.lang = "zh"
    return {**shown, "text/x-llmscope-zh": _page(view)}


def _of_lesson(lesson, include=None, exclude=None):
    shown = {"text/plain": repr(lesson), "text/html": _page(lesson.view)}
    chinese = getattr(lesson, "in_chinese", lambda: llmscope.lesson(lesson.name, lang="zh"))()
    return {**shown, "text/x-llmscope-zh": _page(chinese.view)}


def _of_box(box, include=None, exclude=None):
    # no kernel answers its slider: its view at both ends, and where it is
    (slider,) = (one for one in box.children if isinstance(one, ipywidgets.FloatLogSlider))
    (view,) = (one for one in box.children if isinstance(one, View))
    pages = {"text/html": "", "text/x-llmscope-zh": ""}
    now = slider.value
    for value in (slider.base**slider.min, now, slider.base**slider.max):
        slider.value = value
        for kind, page in pages.items():
            shown = _of_view(view)[kind]
            pages[kind] = f"{page}<p>{slider.description} = {value:g}</p>{shown}"
    slider.value = now
    return {"text/plain": repr(view), **pages}


Lesson.read = staticmethod(_remembered)
_formats = get_ipython().display_formatter.mimebundle_formatter
_formats.for_type(View, _of_view)
_formats.for_type(Lesson, _of_lesson)
_formats.for_type(ipywidgets.Box, _of_box)
"""

# Run after it.
SHOWS_LATER = """
for _view in _later:
    display(_view)
"""


def wanted() -> list[str]:
    """Return the names of the chapters to be built."""
    asked = os.environ.get("LLMSCOPE_CHAPTERS", "").split()
    return [one for one in names() if asked == ["all"] or one[:2] in asked]


def of(executed: nbformat.NotebookNode, lang: str) -> dict[str, list[Any]]:
    """Return outputs of all code cells, by their ids, in a language."""
    found = {}
    cells = copy.deepcopy(executed).cells
    later = iter(cells[-1].outputs)
    for cell in cells[:-1]:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.get("data", {}).get("text/plain") == "_later":
                    output.data = next(later).data
                chinese = output.get("data", {}).pop(CHINESE, None)
                if lang == "zh" and chinese is not None:
                    output.data["text/html"] = chinese
            found[cell.id] = joined(cell.outputs)
    return found


def joined(outputs: list[Any]) -> list[Any]:
    """Return outputs in which what was printed, line by line, is one."""
    found: list[Any] = []
    for output in outputs:
        if found and output.output_type == "stream" and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def write(name: str) -> None:
    """Run a chapter, and write its page in each language."""
    executed = run(read(name), before=SHOWS, after=SHOWS_LATER)
    for lang in LANGUAGES:
        page = nbformat.read(path(name, lang), 4)
        outputs = of(executed, lang)
        for cell in page.cells:
            if cell.cell_type == "code":
                cell.outputs = outputs.get(cell.id, [])
            for other in set(names()) - set(wanted()):  # no page of this site
                file = f"../../../notebooks/{lang}/{other}.ipynb"
                cell.source = cell.source.replace(f"]({other}.ipynb)", f"]({file})")
            cell.source = cell.source.replace("](../training/", "](../../../notebooks/training/")
        (PAGES / lang).mkdir(parents=True, exist_ok=True)
        nbformat.write(page, PAGES / lang / f"{name}.ipynb")


def make(app: Sphinx) -> None:
    """Write all pages that are wanted, and no others."""
    for old in PAGES.glob("*/*.ipynb"):
        old.unlink()
    for name in wanted():
        write(name)


def linked(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the list of the course lead to its pages, and to the notebooks that have none."""
    if page == "course":
        for name in set(names()) - set(wanted()):
            link = re.compile(rf"\[([^\]]+)\]\((\.\./notebooks/\w+/{name}\.ipynb)\)")
            source[0] = link.sub(r"{download}`\1 <\2>`", source[0])
        for name in wanted():
            for lang in LANGUAGES:
                source[0] = source[0].replace(
                    f"../notebooks/{lang}/{name}.ipynb", f"course/{lang}/{name}.ipynb"
                )
        if wanted():
            source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\ncourse/*/*\n```\n"


def in_chinese(app: Sphinx, pagename: str, _template: str, context: Any, _doctree: Any) -> None:
    """Say which pages are Chinese."""
    if pagename.startswith("course/zh/"):
        context["body"] = f'<div lang="zh-CN">{context["body"]}</div>'


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what makes the pages."""
    app.connect("builder-inited", make)
    app.connect("source-read", linked)
    app.connect("html-page-context", in_chinese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
