"""Which part of a model, or which token of the text, made a token likely."""

from llmscope.analysis.effects.effects import Effects, Part
from llmscope.analysis.effects.question import METHODS, Measure, Method, Of, Question
from llmscope.analysis.effects.read import read_effects

__all__ = ["METHODS", "Effects", "Measure", "Method", "Of", "Part", "Question", "read_effects"]
