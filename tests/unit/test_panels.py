"""The registry of panels, beside the page's own and the views that show them."""

from __future__ import annotations

import re
from pathlib import Path

import llmscope
from llmscope import LensView
from llmscope.panels import PANELS
from llmscope.views.single import TraceView
from tests.tiny import TEXT

DRAWN = Path(llmscope.__file__).parent / "frontend" / "src" / "panels"


def test_every_panel_that_is_drawn_has_a_height():
    registered = "".join(path.read_text("utf-8") for path in DRAWN.glob("*/index.ts"))
    places = dict(re.findall(r'name: "([\w-]+)",[^}]*?place: "(\w+)"', registered))
    assert {name: _place(panel) for name, panel in PANELS.items()} == places
    assert all(
        [panel.above > 0, panel.column > 0, panel.block > 0].count(True) == 1
        for panel in PANELS.values()
    )


def _place(panel):
    return "row" if panel.above else "block" if panel.block else "column"


def test_views_show_panels_of_the_registry(scope):
    trace = scope.trace(TEXT)
    views = [kind(trace) for kind in (TraceView, *TraceView.__subclasses__())]
    views += [scope.explore(TEXT), llmscope.GenerationView(scope)]
    views += [llmscope.TokenizersView(TEXT, [scope]), llmscope.survey(scope, [TEXT])]
    views += [llmscope.evaluate(scope, [TEXT])]
    views += [llmscope.compare(trace, trace)]
    parts = {"model": scope.model, "tokenizer": scope.tokenizer}
    views += [llmscope.TrainingView(llmscope.training.Watch([TEXT], **parts))]
    assert {name for view in views for name in view._panels} == set(PANELS)
    for view in views:
        view.close()


def test_a_cell_output_is_as_high_as_its_panels(scope):
    view = LensView(scope.trace(TEXT))
    (height,) = re.findall(r"height:(\d+)px", view.static()._repr_html_())
    assert int(height) > PANELS["lens"].above > 0
    view.close()
