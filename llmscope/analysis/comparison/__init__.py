"""How far two passes over the same tokens are apart."""

from llmscope.analysis.comparison.attention import difference_stack, read_distances
from llmscope.analysis.comparison.lens import LensDifference, read_lens_difference
from llmscope.analysis.comparison.next_token import Change, NextTokenDifference

__all__ = [
    "Change",
    "LensDifference",
    "NextTokenDifference",
    "difference_stack",
    "read_distances",
    "read_lens_difference",
]
