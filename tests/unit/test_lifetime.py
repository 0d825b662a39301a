"""A closed view is gone, and what it showed with it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from ipywidgets import Layout

import llmscope
from llmscope import AttentionView, GenerationView, LensView, NextTokenView
from llmscope.kernel.protocol import parse
from llmscope.scope import Scope
from tests.tiny import MODELS, TEXT


def explorer(scope: Scope):
    view = scope.explore(TEXT)
    list(view._handlers(parse(f"text/{TEXT}"), lambda: False))
    return view, view.trace


def attention(scope: Scope):
    trace = scope.trace(TEXT)
    return AttentionView(trace), trace


def generation(scope: Scope):
    view = GenerationView(scope, TEXT, max_new_tokens=2)
    list(view.stepper)
    return view, view.stepper


def run(scope: Scope):
    made = scope.generate(TEXT, seed=0, max_new_tokens=2)
    view = GenerationView(made)
    return view, view.stepper


def linked(scope: Scope):
    trace = scope.trace(TEXT)
    view = LensView(trace)
    llmscope.link(view, NextTokenView(trace))
    llmscope.link(GenerationView(scope, TEXT), view)
    return view, view.state()


def exported(scope: Scope):
    view = scope.explore(TEXT)
    view.to_html()
    view.figure()
    view._repr_mimebundle_()
    return view, view.trace


@pytest.mark.parametrize("make", [explorer, attention, generation, run, linked, exported])
def test_a_closed_view_is_collected(make, scope):
    view, shown = make(scope)
    gone = [weakref.ref(view), weakref.ref(shown)]
    view.close()
    del view, shown
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


@pytest.mark.parametrize("make", [explorer, attention, generation, run, exported])
def test_a_closed_view_lets_go_of_its_model_even_where_somebody_holds_it(make, tokenizer):
    scope = Scope(MODELS["llama"](), tokenizer)
    view, shown = make(scope)
    gone = [weakref.ref(scope), weakref.ref(scope.model), weakref.ref(shown)]
    view.close()
    del scope, shown
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]
    with pytest.raises(ValueError, match="This view is closed"):
        view.trace  # noqa: B018
    view.close()  # once more does nothing


def test_closing_unlinks(scope):
    trace = scope.trace(TEXT)
    one, other = AttentionView(trace), NextTokenView(trace)
    links = llmscope.link(one, other)
    assert one.state().linked == (other.state().number,)
    other.close()
    assert one.state().linked == ()
    links.unlink()
    one.close()


@pytest.mark.parametrize(("reloads", "kind"), [("", "str"), ("1", "FileContents")])
def test_only_a_developer_has_the_module_followed(reloads, kind):
    code = "from llmscope.views import View; print(type(vars(View)['_esm']).__name__)"
    root = str(Path(llmscope.__file__).parents[1])
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ANYWIDGET_HMR": reloads, "PYTHONPATH": root},
        text=True,
        capture_output=True,
        check=True,
    )
    assert found.stdout.strip() == kind


def test_a_view_closes_its_own_layout_and_nobody_elses(scope):
    own, given = NextTokenView(scope.trace(TEXT)), Layout(width="50%")
    other = NextTokenView(scope.trace(TEXT), layout=given)
    layout = own.layout
    own.close()
    other.close()
    assert layout.comm is None
    assert given.comm is not None
    given.close()
