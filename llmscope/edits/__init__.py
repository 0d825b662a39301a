"""What if: parts of a model switched off, patched from another text, or steered, for one pass."""

from llmscope.edits.edit import Ablation, Edit, Patch, Scaling, Steering
from llmscope.edits.make import ablate, patch, scale_head, steer

__all__ = [
    "Ablation",
    "Edit",
    "Patch",
    "Scaling",
    "Steering",
    "ablate",
    "patch",
    "scale_head",
    "steer",
]
