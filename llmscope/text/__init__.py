"""Text and tokens: encode, align tokens with the text, label them, and prepare a model's inputs."""

from llmscope.text.label import labels, texts, visible
from llmscope.text.tokens import Token, clean, from_ids, tokenize, tokenize_target

__all__ = [
    "Token",
    "clean",
    "from_ids",
    "labels",
    "texts",
    "tokenize",
    "tokenize_target",
    "visible",
]
