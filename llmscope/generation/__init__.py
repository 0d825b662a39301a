"""Text generation: whole runs of `generate`, and single steps through a tree of branches."""

from llmscope.generation.node import Node
from llmscope.generation.run import Run, Step
from llmscope.generation.stepping import Stepper
from llmscope.generation.tree import Tree

__all__ = ["Node", "Run", "Step", "Stepper", "Tree"]
