"""Heads over many texts."""

from llmscope.corpus.sentences import CHINESE, ENGLISH, SENTENCES
from llmscope.corpus.survey import Progress, Survey
from llmscope.corpus.texts import Skipped

__all__ = ["CHINESE", "ENGLISH", "SENTENCES", "Progress", "Skipped", "Survey"]
