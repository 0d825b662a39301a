"""Text generation: whole runs of `generate`, and single steps through a tree of branches."""

from llmscope.generation.run import Run, Step
from llmscope.generation.stepping import Stepper
from llmscope.generation.tree import Node, Tree

__all__ = ["Node", "Run", "Step", "Stepper", "Tree"]
