"""What an author chooses of a page, and what it holds where nobody chose."""

from __future__ import annotations

import pytest

from llmscope import AttentionView, NextTokenView, TokensView, link, to_html
from llmscope.export import estimate, selection
from llmscope.export.choice import wanted
from llmscope.export.program import packed_script, page_program
from llmscope.export.selection import Group, grouped, plan
from tests.tiny import TEXT


def held(view, *others) -> set[tuple[int, int]]:
    """The heads that a page holds of the first of these views."""
    groups = grouped([one.state() for one in (view, *others)])
    group = next(one for one in groups if view.state().number in {v.number for v in one.views})
    (only, *_) = group.inputs(wanted())
    return set(plan(group, only, wanted()).heads["self"])


def every(trace) -> set[tuple[int, int]]:
    return {(layer, head) for layer in trace.layers() for head in range(trace.heads(layer)[0])}


def test_a_page_carries_no_head_that_cannot_be_chosen_in_it(scope):
    trace = scope.trace(TEXT)
    view = TokensView(trace, layer=1, head=2)
    assert held(view) == {(1, 2)}
    assert "head 1·2" in view.to_html().notes[1]
    assert view.to_html().size < view.to_html(layers=trace.layers()).size
    maps = AttentionView(trace)
    assert held(maps) == every(trace)
    assert held(maps, view) == every(trace)
    other = TokensView(scope.trace(f"{TEXT} again"), layer=1, head=2)
    assert held(other, maps) == {(1, 2)}
    link(maps, other)
    assert held(other, maps) == every(trace)


def test_a_page_holds_as_many_layers_as_its_bytes_allow(scope, monkeypatch):
    view = scope.explore(TEXT, layer=2, head=0)
    trace = view.trace
    one = selection.weight_bytes(trace, "self", wanted())
    heads = trace.heads(0)[0]
    for layers, found in ((3, {0, 1, 2}), (2.5, {1, 2}), (1.5, {2}), (0.5, set())):
        monkeypatch.setattr(selection, "MOST_BYTES", layers * heads * one + 1)
        whole = {layer for layer, head in held(view) if head == 1}
        assert whole == found
        assert (2, 0) in held(view), "what is in focus is always there"
    view.close()


def test_some_panels_of_a_view(scope):
    view = scope.explore(TEXT)
    page = view.to_html(panels=["next-token", "tokens"])
    assert packed_script(page_program(["tokens", "next-token"]).script) in page.html
    assert estimate(view, panels=["next-token", "tokens"]).total < estimate(view).total
    assert view.static(panels=["tokens"])._height < view.static()._height
    assert "looks most" not in repr(view.static(panels=["next-token"]))
    with pytest.raises(ValueError, match="There is no panel 'matrix': there are header, tokens"):
        view.to_html(panels=["matrix"])
    with pytest.raises(TypeError, match="panels is a list of names"):
        view.to_html(panels="tokens")
    following = NextTokenView(view.trace)
    with pytest.raises(ValueError, match="NextTokenView has none of these panels: it has next-tok"):
        to_html([view, following], panels=["tokens"])
    view.close()


def test_a_page_that_is_given_a_height(scope):
    view = scope.explore(TEXT)
    assert '<main data-height="600">' in view.to_html(height=600).html
    assert "<main>" in view.to_html().html
    assert view.static(height=600)._height == 600
    for height in (100, 1e9, -1):
        with pytest.raises(ValueError, match="height is in pixels, between 200 and 10,000"):
            view.static(height=height)
    view.close()


def test_groups_know_whether_a_reader_chooses_heads(scope):
    (group,) = grouped([scope.explore(TEXT).state()])
    assert isinstance(group, Group)
    assert group.chooses_heads
