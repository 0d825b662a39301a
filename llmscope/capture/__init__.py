"""One forward pass, recorded: queries and keys of every attention, hidden states at the end."""

from llmscope.capture.attention import Attention, OutputAttention
from llmscope.capture.cancel import NEVER, Cancel, Cancelled
from llmscope.capture.forward_pass import ForwardPass
from llmscope.capture.recording import Recording
from llmscope.capture.runner import Runner
from llmscope.capture.tensors import to_numpy
from llmscope.capture.version import stale

__all__ = [
    "NEVER",
    "Attention",
    "Cancel",
    "Cancelled",
    "ForwardPass",
    "OutputAttention",
    "Recording",
    "Runner",
    "stale",
    "to_numpy",
]
