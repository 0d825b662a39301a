# An app of Shiny with two views that are linked, and one that writes.

from shiny.express import ui
from shinywidgets import render_widget

import llmscope

ui.page_opts(title="Two texts")
scope = llmscope.load()


@render_widget(height="auto")  # as high as it needs, not 400 pixels
def explorer():
    text = "When Mary and John went to the store, John gave a drink to"
    return scope.explore(text, layer=24, head=4)


@render_widget(height="auto")  # as high as it needs, not 400 pixels
def following():
    view = llmscope.NextTokenView(scope.trace("The capital of France is"))
    llmscope.link(explorer.widget, view)
    return view


@render_widget(height="auto")  # as high as it needs, not 400 pixels
def writes():
    return llmscope.GenerationView(scope, "The capital of France is", seed=4, max_new_tokens=8)
