"""What a model is made of, read of its own modules, and its numbers of one token."""

from llmscope.analysis.structure.boxes import Box, Position, Run, Stage, Tower
from llmscope.analysis.structure.structure import Structure

__all__ = ["Box", "Position", "Run", "Stage", "Structure", "Tower"]
