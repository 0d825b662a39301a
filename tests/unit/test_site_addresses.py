"""The documentation links to its sources where it is known where these are published."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import llmscope
from hatch_build import REPOSITORY

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.org/llmscope"


def conf() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "conf.py"))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv(REPOSITORY, f"{ADDRESS}/")
    return conf()


@pytest.mark.parametrize(
    ("name", "first_line"),
    [
        ("load", "def load("),
        ("Trace", "class Trace"),
        ("Trace.attention", "    def attention("),
        ("Scope.cache_limit", "    def cache_limit("),
    ],
)
def test_a_name_of_the_reference_leads_to_where_it_is_defined(published, name, first_line):
    link = published["linkcode_resolve"]("py", {"module": "llmscope", "fullname": name})
    found = re.fullmatch(rf"{ADDRESS}/blob/v(\S+?)/(\S+)#L(\d+)-L(\d+)", link)
    assert found is not None
    assert found[1] == llmscope.__version__
    lines = (ROOT / found[2]).read_text("utf-8").splitlines()
    shown = lines[int(found[3]) - 1 : int(found[4])]
    assert any(line.startswith(first_line) for line in shown[:2])


def test_what_is_not_ours_leads_nowhere(published):
    resolve = published["linkcode_resolve"]
    assert resolve("py", {"module": "llmscope", "fullname": "nothing"}) is None
    assert resolve("py", {"module": "re", "fullname": "compile"}) is None
    assert resolve("js", {}) is None


def test_every_page_leads_to_its_source(published):
    options = published["html_theme_options"]
    link = options["source_view_link"].format(filename="howto/teach.md")
    at = f"{ADDRESS}/blob/v{llmscope.__version__}/"
    assert link.startswith(at)
    assert (ROOT / link.removeprefix(at)).is_file()
    assert [icon["url"] for icon in options["footer_icons"]] == [ADDRESS, f"{ADDRESS}/issues"]


def test_without_an_address_nothing_leads_there(monkeypatch):
    monkeypatch.delenv(REPOSITORY, raising=False)
    found = conf()
    assert "html_theme_options" not in found
    assert "sphinx.ext.linkcode" not in found["extensions"]
    assert (
        found["linkcode_resolve"]("py", {"module": "llmscope", "fullname": "Trace.attention"})
        is None
    )
