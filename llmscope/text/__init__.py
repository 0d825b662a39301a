"""Text and tokens: encode, align tokens with the text, label them, and prepare a model's inputs."""

from llmscope.text.label import labels, texts, visible
from llmscope.text.rows import AlignedTokens, align, checked_anchors
from llmscope.text.tokens import Token, clean, from_ids, tokenize, tokenize_target
from llmscope.text.vocabulary import same_vocabulary, spelt

__all__ = [
    "AlignedTokens",
    "Token",
    "align",
    "checked_anchors",
    "clean",
    "from_ids",
    "labels",
    "same_vocabulary",
    "spelt",
    "texts",
    "tokenize",
    "tokenize_target",
    "visible",
]
