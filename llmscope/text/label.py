"""Label tokens: visible white space, bytes that make no whole character, single ids."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import category

from llmscope.text.align import byte_alphabet

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLACEMENT = "\ufffd"
_CACHED = 64  # characters of the longest text whose glyphs are cached
_GLYPHS = {" ": "·", "\u00a0": "⍽", "\n": "↵", "\r": "␍", "\t": "⇥", "\u3000": "□"}
_INVISIBLE = {
    "\u00ad": "SHY",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\ufeff": "BOM",
}


def visible(text: str) -> str:
    """Show white space and invisible characters by glyphs."""
    return _visible(text) if len(text) <= _CACHED else _visible.__wrapped__(text)


@lru_cache(maxsize=2**16)
def _visible(text: str) -> str:
    return "".join(_GLYPHS.get(char) or _named(char) for char in text)


def _named(char: str) -> str:
    """Return a name for an invisible character, and any other as it is."""
    if char in _INVISIBLE:
        return f"⟨{_INVISIBLE[char]}⟩"
    if "\ufe00" <= char <= "\ufe0f":
        return f"⟨VS{ord(char) - 0xFDFF}⟩"
    return f"⟨U+{ord(char):04X}⟩" if category(char)[0] == "C" else char


def texts(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str | None]:
    """Return the characters that each token adds to a text that it follows.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    ids
        Token ids (length,), which needn't follow each other.

    Returns
    -------
    list of str or None
        Leading spaces included; `None` for a token whose bytes are no whole character.
    """
    anchor = _anchor(tokenizer)
    before = len(decode(tokenizer, [anchor]))
    special = set(tokenizer.all_special_ids)
    size = len(tokenizer)
    found: list[str | None] = []
    for token_id in ids:
        if token_id in special:
            found.append(str(tokenizer.convert_ids_to_tokens(token_id)))
        elif token_id < size:
            text = decode(tokenizer, [anchor, token_id])[before:]
            found.append(text if text and REPLACEMENT not in text else None)
        else:
            found.append(None)
    return found


def labels(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """Label tokens outside of a text, such as candidates for the next one.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    ids
        Token ids (length,).

    Returns
    -------
    list of str
        Bytes that are no whole character are shown in hexadecimal ("⟨E4 BD⟩").
    """
    size = len(tokenizer)

    def label(token_id: int, text: str | None) -> str:
        if text is not None:
            return visible(text)
        return _raw(tokenizer, token_id) if token_id < size else f"⟨{token_id}⟩"

    return [label(*pair) for pair in zip(ids, texts(tokenizer, ids), strict=True)]


def _anchor(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return an ordinary token id: after one, decoding keeps a candidate's leading space."""
    ids = tokenizer("a", add_special_tokens=False)["input_ids"]
    return int(ids[-1]) if ids else 0


def decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """Decode ids with special tokens in, and with spaces exactly as the tokens have them."""
    return str(
        tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    )


def _raw(tokenizer: PreTrainedTokenizerBase, token_id: int) -> str:
    """Label a token by its bytes, or by its entry in the vocabulary."""
    piece = str(tokenizer.convert_ids_to_tokens(token_id))
    if len(piece) == 6 and piece.startswith("<0x"):
        return f"⟨{piece[3:5]}⟩"
    to_byte = byte_alphabet()
    if piece and all(char in to_byte for char in piece):
        return "⟨" + " ".join(f"{to_byte[char]:02X}" for char in piece) + "⟩"
    return visible(piece) or f"⟨{token_id}⟩"
