"""Pages of several views, and files that can't be."""

from __future__ import annotations

import re

import pytest

from llmscope import NextTokenView, TokensView, to_html
from tests.in_node import opened
from tests.tiny import TEXT


def test_views_of_a_page_have_headings_and_room(scope):
    trace = scope.trace(TEXT)
    hostile = "Two </script><b>bold</b> & 你好"
    views = [TokensView(trace), NextTokenView(trace), TokensView(trace)]
    page = to_html(views, headings=["One", hostile, ""])
    shown = opened(page.html)["views"]
    assert [one.get("heading") for one in shown] == ["One", hostile, None]
    assert all(200 < one["height"] < 1000 for one in shown)
    assert "bold" not in page.html, "it is data"
    assert to_html(views[0]).html == to_html([views[0]]).html


@pytest.mark.parametrize(
    ("views", "error", "words"),
    [
        ([], ValueError, "There is no view to export"),
        ("explorer", TypeError, "made of views, not of str"),
        (None, TypeError, "made of views, not of NoneType"),
        ([3], TypeError, "made of views, not of int"),
    ],
)
def test_what_is_no_view_is_refused(views, error, words):
    with pytest.raises(error, match=words):
        to_html(views)


def test_a_closed_view_is_refused(scope):
    view = scope.explore(TEXT)
    view.close()
    with pytest.raises(ValueError, match="This view is closed"):
        to_html([view])


@pytest.mark.parametrize(
    ("headings", "error", "words"),
    [
        ("One", TypeError, "a list of texts"),
        ([1], TypeError, "headings are texts"),
        (["One", "Two"], ValueError, "headings= has 2 of 1 views"),
    ],
)
def test_headings_are_one_for_each(scope, headings, error, words):
    with pytest.raises(error, match=words):
        to_html([TokensView(scope.trace(TEXT))], headings=headings)


def test_where_no_file_can_be_it_is_said_before_all_work(scope, tmp_path, monkeypatch):
    view = TokensView(scope.trace(TEXT))
    page = view.to_html()
    monkeypatch.setattr("llmscope.export.page.page_of", lambda *_, **__: pytest.fail("made"))
    with pytest.raises(IsADirectoryError, match="is a folder: name a file in it"):
        to_html(view, tmp_path)
    with pytest.raises(FileNotFoundError, match=re.escape(f"no folder {tmp_path / 'none'}")):
        to_html(view, tmp_path / "none" / "page.html")
    with pytest.raises(OSError, match="can't be written: "):
        page.written("/proc/none.html")
