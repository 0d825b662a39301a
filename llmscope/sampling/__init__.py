"""Distributions over the vocabulary, and what sampling settings do to them."""

from llmscope.sampling.distribution import Distribution
from llmscope.sampling.settings import check_settings
from llmscope.sampling.stages import Candidate, Difference, Stage
from llmscope.shared import Order

__all__ = ["Candidate", "Difference", "Distribution", "Order", "Stage", "check_settings"]
