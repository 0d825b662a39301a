"""Distributions over the vocabulary, and what sampling settings do to them."""

from llmscope.sampling.distribution import Distribution
from llmscope.sampling.settings import Order, check_settings
from llmscope.sampling.stages import Candidate, Difference, Stage

__all__ = ["Candidate", "Difference", "Distribution", "Order", "Stage", "check_settings"]
