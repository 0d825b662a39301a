"""The tools that are installed for development; `make hosts` tries all."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmscope
from tests.hosts.look import look
from tests.hosts.tools import LESSON, TOOLS, saved


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return saved(LESSON, tmp_path_factory.mktemp("lesson")).read_bytes()


@pytest.mark.parametrize("name", ["nbconvert --to html", "myst-nb"])
def test_views_are_alive_in_a_published_notebook(browser, lesson, name, tmp_path: Path):
    notebook = tmp_path / LESSON.name
    notebook.write_bytes(lesson)
    with TOOLS[name].publish(notebook, tmp_path) as url:
        found = look(browser, TOOLS[name], url, llmscope.load())
    assert set(found.checks) == {
        "live",
        "slider",
        "head",
        "no error",
        "nothing left",
        "theme",
        "height",
    }
    assert not found.failed
