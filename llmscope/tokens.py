"""Tokens as a person reads them: which part of the text each one is, and a label for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REPLACEMENT = "\ufffd"
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


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    Attributes
    ----------
    id
        Its number in the vocabulary.
    text
        The characters of the text that are its own, white space before it included. Where one
        character is spread over several tokens, the first of them carries it and the others are
        empty, so that the texts of all tokens put together give the text back.
    label
        What is shown: white space as a glyph, pieces of one character as "字 1/3".
    start, end
        Where `text` stands, in characters of the whole text.
    special
        Whether the tokenizer added it, or knows it as a special token ("[CLS]", "<s>").
    """

    id: int
    text: str
    label: str
    start: int
    end: int
    special: bool = False


@lru_cache(maxsize=2**16)
def visible(text: str) -> str:
    """Show white space and invisible characters by glyphs."""
    return "".join(_GLYPHS.get(char) or _named(char) for char in text)


def _named(char: str) -> str:
    if char in _INVISIBLE:
        return f"⟨{_INVISIBLE[char]}⟩"
    if "\ufe00" <= char <= "\ufe0f":
        return f"⟨VS{ord(char) - 0xFDFF}⟩"
    return f"⟨U+{ord(char):04X}⟩" if category(char) in ("Cc", "Cf") else char


def texts(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str | None]:
    """Tell what each token adds to a text that it follows, its leading space included.

    A token whose bytes make no whole character has no text of its own: `None`.
    """
    anchor = _anchor(tokenizer)
    before = len(_decode(tokenizer, [anchor]))
    special = set(tokenizer.all_special_ids)
    size = len(tokenizer)
    found: list[str | None] = []
    for token_id in ids:
        if token_id in special:
            found.append(str(tokenizer.convert_ids_to_tokens(token_id)))
        elif token_id < size:
            text = _decode(tokenizer, [anchor, token_id])[before:]
            found.append(text if text and REPLACEMENT not in text else None)
        else:
            found.append(None)
    return found


def labels(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """Label tokens that stand in no text, such as candidates for the next one.

    Bytes that make no whole character are shown as such ("⟨E4 BD⟩").
    """
    size = len(tokenizer)

    def label(token_id: int, text: str | None) -> str:
        if text is not None:
            return visible(text)
        return _raw(tokenizer, token_id) if token_id < size else f"⟨{token_id}⟩"

    return [label(*pair) for pair in zip(ids, texts(tokenizer, ids), strict=True)]


def _anchor(tokenizer: PreTrainedTokenizerBase) -> int:
    """Find an ordinary token: behind it, a decoder keeps a candidate's leading space."""
    ids = tokenizer("a", add_special_tokens=False)["input_ids"]
    return int(ids[-1]) if ids else 0


def _decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    return str(
        tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    )


def _raw(tokenizer: PreTrainedTokenizerBase, token_id: int) -> str:
    piece = str(tokenizer.convert_ids_to_tokens(token_id))
    if len(piece) == 6 and piece.startswith("<0x"):
        return f"⟨{piece[3:5]}⟩"
    to_byte = _byte_alphabet()
    if piece and all(char in to_byte for char in piece):
        return "⟨" + " ".join(f"{to_byte[char]:02X}" for char in piece) + "⟩"
    return visible(piece) or f"⟨{token_id}⟩"


def _byte_alphabet() -> dict[str, int]:
    """Map the printable characters that byte-level BPE writes bytes as back to the bytes.

    References
    ----------
    Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its code.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(256 + i): byte for i, byte in enumerate(others)}


def tokenize(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    pair: str | None = None,
    *,
    add_special_tokens: bool = True,
) -> tuple[list[int], tuple[Token, ...]]:
    """Encode `text` as the tokenizer does for its model.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    text
        What to encode. Lone surrogates, which no tokenizer can read, are replaced.
    pair
        A second sentence, for models that read two.
    add_special_tokens
        Whether the tokenizer puts its own around the text ("[CLS]", "<s>").

    Returns
    -------
    ids
        The ids for the model.
    tokens
        As many, telling where each one stands in `text` (or in `text + pair`).
    """
    text = clean(text)
    pair = clean(pair) if pair is not None else None
    if not tokenizer.is_fast:
        encoding = tokenizer(text, pair, add_special_tokens=add_special_tokens)
        ids = [int(i) for i in encoding["input_ids"]]
        return ids, from_ids(tokenizer, ids)
    encoding = tokenizer(
        text, pair, add_special_tokens=add_special_tokens, return_offsets_mapping=True
    )
    ids = [int(i) for i in encoding["input_ids"]]
    sequence = encoding.sequence_ids()
    shift = {0: 0, 1: len(text), None: 0}
    spans = [
        None if which is None else (start + shift[which], end + shift[which])
        for which, (start, end) in zip(sequence, encoding["offset_mapping"], strict=True)
    ]
    return ids, _from_spans(tokenizer, ids, text + (pair or ""), spans)


def tokenize_target(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> tuple[list[int], tuple[Token, ...]]:
    """Encode what a decoder has written, without special tokens around it."""
    text = clean(text)
    if not tokenizer.is_fast:
        ids = [int(i) for i in tokenizer(text_target=text, add_special_tokens=False)["input_ids"]]
        return ids, from_ids(tokenizer, ids)
    encoding = tokenizer(text_target=text, add_special_tokens=False, return_offsets_mapping=True)
    ids = [int(i) for i in encoding["input_ids"]]
    return ids, _from_spans(tokenizer, ids, text, [*map(tuple, encoding["offset_mapping"])])


def clean(text: str) -> str:
    """Replace lone surrogates by U+FFFD and put paired ones together."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def from_ids(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> tuple[Token, ...]:
    """Tell which part of their decoded text each of `ids` is.

    Tokens whose bytes make a character only together are grouped, as in `tokenize`.
    """
    spans: list[tuple[int, int] | None] = []
    text = ""
    window = 0  # decode from here on: far enough back for context, not from the start each time
    decoded_window = ""
    pending = 0
    for index in range(len(ids)):
        grown = _decode(tokenizer, ids[window : index + 1])
        piece = grown[len(decoded_window) :] if grown.startswith(decoded_window) else grown
        if piece.endswith(REPLACEMENT) and index + 1 < len(ids) and pending < 8:
            pending += 1
            continue
        start = len(text)
        text += piece
        spans += [(start, len(text))] * (pending + 1)
        pending = 0
        if index - window > 16:
            window = index
            grown = _decode(tokenizer, ids[window : index + 1])
        decoded_window = grown
    return _from_spans(tokenizer, ids, text, spans)


def _from_spans(
    tokenizer: PreTrainedTokenizerBase,
    ids: Sequence[int],
    text: str,
    spans: Sequence[tuple[int, int] | None],
) -> tuple[Token, ...]:
    special = set(tokenizer.all_special_ids)
    tokens: list[Token] = []
    reached = 0  # where the text that is given out so far ends
    for token_id, span in zip(ids, spans, strict=True):
        if span is None or span == (0, 0):
            name = str(tokenizer.convert_ids_to_tokens(token_id))
            tokens.append(Token(token_id, "", visible(name), reached, reached, True))
            continue
        start, end = min(reached, span[0]), max(reached, span[1])
        if span[1] > reached:
            start = reached
        own = text[reached:end] if end > reached else ""
        is_special = token_id in special
        shown = own or text[span[0] : span[1]]
        tokens.append(Token(token_id, own, visible(shown), start, end, is_special))
        reached = end
    if tokens and reached < len(text):
        last = max((i for i, s in enumerate(spans) if s is not None), default=None)
        if last is not None:
            own = tokens[last].text + text[reached:]
            tokens[last] = replace(tokens[last], text=own, end=len(text))
    return tuple(_number_pieces(tokens, spans))


def _number_pieces(tokens: list[Token], spans: Sequence[tuple[int, int] | None]) -> list[Token]:
    """Label tokens that share one character as its pieces."""
    index = 0
    while index < len(tokens):
        end = index + 1
        while end < len(tokens) and _shares_character(tokens, spans, end):
            end += 1
        count = end - index
        if count > 1:
            first = tokens[index]
            for piece in range(count):
                tokens[index + piece] = replace(
                    tokens[index + piece],
                    start=first.start,
                    end=first.end,
                    label=f"{first.label} {piece + 1}/{count}",
                )
        index = end
    return tokens


def _shares_character(
    tokens: list[Token], spans: Sequence[tuple[int, int] | None], index: int
) -> bool:
    span, before = spans[index], spans[index - 1]
    if span is None or before is None or span == (0, 0):
        return False
    return not tokens[index].text and span[0] < before[1]
