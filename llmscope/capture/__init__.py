"""One forward pass, recorded: queries and keys as attention saw them, hidden states at the end."""

from llmscope.capture.forward import Capture, Forward
from llmscope.capture.replay import Attention, Kind, OwnWeights, to_numpy
from llmscope.capture.tap import Cancelled

__all__ = ["Attention", "Cancelled", "Capture", "Forward", "Kind", "OwnWeights", "to_numpy"]
