"""What a trace can tell about attention: matrices, their combinations, patterns, arithmetic."""

from llmscope.attention.matrices import trace_matrix
from llmscope.attention.patterns import SCORES
from llmscope.attention.reader import QKV, AttentionReader

__all__ = ["QKV", "SCORES", "AttentionReader", "trace_matrix"]
