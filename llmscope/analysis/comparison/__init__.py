"""How far two passes are apart, over the tokens that are aligned."""

from llmscope.analysis.comparison.attention import (
    check_shapes,
    difference_stack,
    read_distances,
)
from llmscope.analysis.comparison.lens import LensDifference, read_lens_difference
from llmscope.analysis.comparison.next_text import (
    NextTextDifference,
    Side,
    TextChange,
    read_next_text,
)
from llmscope.analysis.comparison.next_token import Change, NextTokenDifference
from llmscope.analysis.comparison.pairing import Pairing

__all__ = [
    "Change",
    "LensDifference",
    "NextTextDifference",
    "NextTokenDifference",
    "Pairing",
    "Side",
    "TextChange",
    "check_shapes",
    "difference_stack",
    "read_distances",
    "read_lens_difference",
    "read_next_text",
]
