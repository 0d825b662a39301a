"""One text through several tokenizers, and where they cut it alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from llmscope.text.tokens import Token, clean, tokenize

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class SideBySide:
    """A text as several tokenizers cut it.

    Attributes
    ----------
    text
        The text.
    tokens
        By the tokenizer's name its tokens, without those that a model has around a text.
    unknowns
        By the tokenizer's name the id of the token for what it doesn't know; `None` without one.
    refused
        By the tokenizer's name why it can't cut this text, in words.
    """

    text: str
    tokens: dict[str, tuple[Token, ...]]
    unknowns: dict[str, int | None]
    refused: dict[str, str]

    @cached_property
    def columns(self) -> list[tuple[int, int]]:
        """The shortest parts of the text (start, end), in characters, that all cut at both ends.

        In order and without gaps: joined, they are the text.
        """
        cuts = {0, len(self.text)}
        every = [_cuts(tokens) for tokens in self.tokens.values()]
        cuts |= set.intersection(*every) if every else set()
        places = sorted(cuts)
        return list(pairwise(places))

    def unknown(self, name: str) -> list[int]:
        """Return which tokens of a tokenizer stand for what it doesn't know."""
        return [n for n, token in enumerate(self.tokens[name]) if token.id == self.unknowns[name]]

    def counts(self, name: str) -> list[int]:
        """Return how many tokens of a tokenizer are in each column.

        Every token is in one: where it begins; at the end of the text, in the last.
        """
        counts = [0] * len(self.columns)
        column = 0
        for token in self.tokens[name]:
            while column + 1 < len(counts) and token.start >= self.columns[column][1]:
                column += 1
            if counts:
                counts[column] += 1
        return counts


def _cuts(tokens: Sequence[Token]) -> set[int]:
    """Return where no token has characters on both sides, nor begins and ends."""
    ends = {place for token in tokens if token.text for place in (token.start, token.end)}
    inside = {n for token in tokens for n in range(token.start + 1, token.end)}
    return ends - inside


def side_by_side(text: str, tokenizers: Mapping[str, PreTrainedTokenizerBase]) -> SideBySide:
    """Cut a text by several tokenizers.

    Parameters
    ----------
    text
        The text. Lone surrogates, which tokenizers refuse, are replaced.
    tokenizers
        By name.

    Returns
    -------
    SideBySide
        The tokens of each, and their common cuts.
    """
    text = clean(text)
    tokens: dict[str, tuple[Token, ...]] = {}
    refused: dict[str, str] = {}
    for name, tokenizer in tokenizers.items():
        try:
            tokens[name] = tokenize(tokenizer, text, add_special_tokens=False)[1]
        except Exception as error:  # whatever a tokenizer raises, the others go on
            refused[name] = str(error) or type(error).__name__
    unknowns = {name: tokenizer.unk_token_id for name, tokenizer in tokenizers.items()}
    return SideBySide(text, tokens, unknowns, refused)
