"""Evaluating models: size, speed, memory, how well they predict texts, and tasks."""

from llmscope.evaluation.evaluation import Evaluation, ModelResult
from llmscope.evaluation.run import Run, measure

__all__ = ["Evaluation", "ModelResult", "Run", "measure"]
