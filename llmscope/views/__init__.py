"""The widgets: one store with one or more panels each."""

from llmscope.views.base import View
from llmscope.views.compare import CompareView, compare
from llmscope.views.explorer import Explorer, explore
from llmscope.views.generation import GenerationView
from llmscope.views.lens import LensView
from llmscope.views.linking import link
from llmscope.views.single import AttentionView, NextTokenView, PatchingView, TokensView
from llmscope.views.tokenizers import TokenizersView

__all__ = [
    "AttentionView",
    "CompareView",
    "Explorer",
    "GenerationView",
    "LensView",
    "NextTokenView",
    "PatchingView",
    "TokenizersView",
    "TokensView",
    "View",
    "compare",
    "explore",
    "link",
]
