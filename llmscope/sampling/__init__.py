"""Distributions over the vocabulary: what sampling settings keep, cut and change."""

from llmscope.sampling.distribution import Candidate, Difference, Distribution, Stage
from llmscope.sampling.settings import Order, check_settings

__all__ = ["Candidate", "Difference", "Distribution", "Order", "Stage", "check_settings"]
