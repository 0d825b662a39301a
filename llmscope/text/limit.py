"""How many tokens a text may have: checked before anything else is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmscope.words import say

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHARACTERS = 16  # for each token, after which the beginning of a text shows how long it is


@dataclass(frozen=True)
class Limit:
    """The greatest number of tokens that a model reads.

    Attributes
    ----------
    name
        The model's name, for messages of errors.
    tokens
        The number; `None` for no limit.
    """

    name: str = "This model"
    tokens: int | None = None

    def check(self, ids: Sequence[int]) -> None:
        """Raise ValueError for too many token ids."""
        if self.tokens is not None and len(ids) > self.tokens:
            raise self._too_many(say("{count:,} tokens", count=len(ids)))

    def check_beginning(self, tokenizer: PreTrainedTokenizerBase, text: str) -> None:
        """Raise ValueError for a text that is far too long, without tokenizing all of it."""
        if self.tokens is None or len(text) <= _CHARACTERS * self.tokens:
            return
        beginning = text[: _CHARACTERS * self.tokens]
        found = len(tokenizer(beginning, add_special_tokens=False)["input_ids"])
        if found > 2 * self.tokens:  # the cut makes no word twice as many tokens
            raise self._too_many(say("Over {count:,} tokens", count=found))

    def _too_many(self, count: str) -> ValueError:
        return ValueError(
            say(
                "{count} are more than the {tokens:,} that {name} can read. Shorten the text.",
                count=count,
                tokens=self.tokens,
                name=self.name,
            )
        )


NO_LIMIT = Limit()
