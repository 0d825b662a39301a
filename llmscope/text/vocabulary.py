"""Two vocabularies: whether they are the same, and how one spells what is a token of another."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from llmscope.text.label import decode

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Of tokenizers that were compared: those that they were compared with, how many tokens both had,
# and what came out. To compare two vocabularies of 50,000 tokens takes some 50 ms.
_Known = WeakKeyDictionary["PreTrainedTokenizerBase", tuple[int, int, bool]]
_KNOWN: WeakKeyDictionary[PreTrainedTokenizerBase, _Known] = WeakKeyDictionary()


def same_vocabulary(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase) -> bool:
    """Return whether an id stands for the same token in both."""
    if one is other:
        return True
    sizes = (len(one), len(other))
    if sizes[0] != sizes[1]:
        return False
    known: _Known = _KNOWN.setdefault(one, WeakKeyDictionary())
    found = known.get(other)
    if found is None or found[:2] != sizes:
        found = known[other] = (*sizes, one.get_vocab() == other.get_vocab())
    return found[2]


def spelt(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int] | None:
    """Return the tokens that spell `text` where it goes on from another; `None` if none do.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    text
        What is added to a text, white space before it included.
    """
    for before in ("a", ".", "\n"):  # a letter would become one token with what it goes before
        first, whole = (
            [int(i) for i in tokenizer(each, add_special_tokens=False)["input_ids"]]
            for each in (before, before + text)
        )
        own = whole[len(first) :]
        if (
            own
            and whole == first + own
            and (decode(tokenizer, whole) == decode(tokenizer, first) + text)
        ):
            return own
    return None
