"""One notebook, opened once and shared by all tests of a file.

Each file of this folder names its notebook: ``CELLS``, how many of them to ``RUN``, the ``SIZE``
of the window, and its ``VIEWS``: expressions of the kernel, with the traits that their cells gave
them. Before each test, all other traits of a view go back to its class's own defaults. Files that
follow each other and name the same cells share one notebook: to open it takes longer than a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.explorer import KERNEL, SENTENCE
from tests.browser.notebook import Notebook
from tests.browser.standing import Standing
from tests.page.chromium import Guard
from tests.page.panels import Panels


@pytest.fixture(scope="session")
def desks(standing: Standing) -> Callable[[ModuleType], Notebook]:
    """The notebook of a file; files one after another that name the same cells share it."""
    held: dict[str, object] = {}

    def open_(module: ModuleType) -> Notebook:
        wanted = (module.CELLS, module.RUN)
        notebook = standing.notebook
        if notebook is None or held != {"notebook": notebook, "of": wanted}:
            notebook = standing.open(module.CELLS, kernel=KERNEL)
            held.update({"notebook": notebook, "of": wanted})
            for cell in range(module.RUN):
                notebook.run(cell)
        return notebook

    return open_


@pytest.fixture(scope="module")
def desk(desks: Callable[[ModuleType], Notebook], request: pytest.FixtureRequest) -> Notebook:
    return desks(request.module)


@pytest.fixture
def context(standing: Standing) -> BrowserContext:
    return standing.context


@pytest.fixture(autouse=True)
def guard(standing: Standing) -> Iterator[Guard]:
    yield standing.guard
    standing.guard.check()


@pytest.fixture
def notebook(desk: Notebook, request: pytest.FixtureRequest) -> Notebook:
    desk.wait_idle()
    desk.page.set_viewport_size(request.module.SIZE)
    desk.page.mouse.move(2, 2)
    desk.execute(reset(request.module.VIEWS))
    return desk


def reset(views: Mapping[str, Mapping[str, Any]]) -> str:
    """Code that gives views the traits they were made with.

    What decides which other values are allowed, the text, goes first.
    """
    calls = "\n".join(f"_reset({name}, {dict(given)!r})" for name, given in views.items())
    return f"{_RESET}\n{calls}"


_RESET = """
import anywidget
def _reset(view, given):
    own = set(view.trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names())
    first = {name: value for name, value in view.trait_defaults().items() if name in own} | given
    for name in sorted(first, key=lambda name: (name not in READ, name)):
        if not name.startswith("_") and getattr(view, name) != first[name]:
            setattr(view, name, first[name])
    view._telling = False  # where the page chooses a head, it has its own test
READ = ("text", "pair", "target", "playing")
"""


@pytest.fixture
def panels(notebook: Notebook) -> Panels:
    """The Explorer of a file with the notebook of ``tests/browser/explorer.py``, as at first."""
    panels = Panels(notebook.output(1))
    for _ in range(2):  # a pinned cell, a pinned token
        panels.overview.press("Escape")
    notebook.evaluate("document.activeElement?.blur();")
    expect(panels.prompt).to_have_value(SENTENCE)
    expect(panels.root.get_by_text("14 tokens")).to_be_visible()
    expect(panels.next.get_by_role("heading")).to_contain_text("after “to”")
    expect(panels.readout).to_contain_text("to → Mary")
    expect(panels.shown("temperature")).to_have_text("1.00")
    return panels
