"""The widgets: one store with one or more panels each."""

from llmscope.views.base import View
from llmscope.views.compare import CompareView, compare
from llmscope.views.evaluation import EvaluationView, evaluate
from llmscope.views.explorer import Explorer, explore
from llmscope.views.generation import GenerationView
from llmscope.views.lens import LensView
from llmscope.views.linking import link
from llmscope.views.model import ModelView
from llmscope.views.single import AttentionView, NextTokenView, PatchingView, TokensView
from llmscope.views.surveys import SurveyView, survey
from llmscope.views.tokenizers import TokenizersView
from llmscope.views.training import TrainingView

__all__ = [
    "AttentionView",
    "CompareView",
    "EvaluationView",
    "Explorer",
    "GenerationView",
    "LensView",
    "ModelView",
    "NextTokenView",
    "PatchingView",
    "SurveyView",
    "TokenizersView",
    "TokensView",
    "TrainingView",
    "View",
    "compare",
    "evaluate",
    "explore",
    "link",
    "survey",
]
