"""One forward pass, recorded: queries and keys as attention saw them, hidden states at the end."""

from llmscope.capture.attention import Attention, Kind, OwnWeights, to_numpy
from llmscope.capture.hooks import Cancelled
from llmscope.capture.runner import Capture, Forward

__all__ = ["Attention", "Cancelled", "Capture", "Forward", "Kind", "OwnWeights", "to_numpy"]
