"""Align tokens with a text by their characters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from unicodedata import category, normalize

Span = tuple[int, int]

_DROPPED = 8  # greatest number of characters that a tokenizer drops before a token
_UNKNOWN = 80  # greatest number of characters that unknown tokens stand for


def exact_spans(
    tokens: Sequence[str], text: str, outside: Sequence[bool], special: Sequence[bool]
) -> list[Span | None] | None:
    """Find the span of each token in a text that the tokens, joined, spell exactly.

    Parameters
    ----------
    tokens
        Entries of the vocabulary.
    text
        The text.
    outside, special
        For each token, whether it can't be in the text, and whether it needn't be.

    Returns
    -------
    list or None
        (start, end) of each token, in characters, and `None` for one that isn't in the text.
        `None` instead of a list where the tokens spell another text.
    """
    data = text.encode()
    char: Sequence[int] = range(len(text) + 1)  # index of the character of each byte
    if len(data) > len(text):
        char = [*(n for n, char in enumerate(text) for _ in char.encode()), len(text)]
    for alphabet in (_plain, _latin, _byte_level):
        spans: list[Span | None] = []
        place = 0
        for token, is_outside, is_special in zip(tokens, outside, special, strict=True):
            spelling = token.encode() if is_special else alphabet(token)
            if place == 0 and spelling.startswith(b" ") and not data.startswith(b" "):
                spelling = spelling[1:]  # the tokenizer added it
            if not is_outside and data.startswith(spelling, place):
                end = place + len(spelling)
                spans.append((char[place], char[end - 1] + 1 if spelling else char[place]))
                place = end
            elif is_outside or is_special:
                spans.append(None)
            else:
                break
        else:
            if place == len(data):
                return spans
    return None


def _plain(token: str) -> bytes:
    """Return the bytes of a token of SentencePiece, where "<0xE4>" is a single byte."""
    if len(token) == 6 and token.startswith("<0x"):
        return bytes([int(token[3:5], 16)])
    return token.replace("▁", " ").encode()


def _latin(token: str) -> bytes:
    """Return the bytes of a token of ByT5 and Perceiver, where each byte is a character."""
    return token.encode("latin-1") if len(token) == 1 and token < "\u0100" else token.encode()


@lru_cache(maxsize=2**14)
def _byte_level(token: str) -> bytes:
    """Return the bytes of a token of GPT-2's byte-level alphabet."""
    alphabet = byte_alphabet()
    if all(char in alphabet for char in token):
        return bytes(alphabet[char] for char in token)
    return token.encode()


@cache
def byte_alphabet() -> dict[str, int]:
    """Return the byte of each printable character of byte-level BPE [1]_.

    References
    ----------
    .. [1] Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and
       ``bytes_to_unicode`` in its code.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(256 + i): byte for i, byte in enumerate(others)}


def normalised_spans(
    tokens: Sequence[str],
    text: str,
    unknown: Sequence[bool],
    special: Sequence[bool],
    *,
    decoded: bool = False,
) -> list[Span | None]:
    """Search tokens in a text in their order, ignoring case, accents and white space.

    Parameters
    ----------
    tokens
        Entries of the vocabulary.
    text
        The text, before the tokenizer normalised it.
    unknown, special
        For each token, whether it stands for unknown characters, and whether it needn't be in the
        text.
    decoded
        Whether `text` was decoded from the tokens: bytes that are no character are "<0xE4>" in it.

    Returns
    -------
    list
        (start, end) of each token, in characters. Unknown tokens, and those that aren't found,
        have the characters between the others; special ones that aren't found have `None`.
    """
    plain, origin = "", []
    for number, char in enumerate(text):
        kept = _folded(char)
        plain += kept
        origin += [number] * len(kept)
    origin.append(len(text))

    spans: list[Span | None] = [None] * len(tokens)
    waiting: list[int] = []
    place = 0
    for numbers, wanted in _characters(tokens, decoded):
        if unknown[numbers[0]]:
            waiting += numbers
            continue
        room = _UNKNOWN if waiting else _DROPPED
        begin = plain.find(wanted, place, place + room + len(wanted)) if wanted else place
        if begin < 0:
            waiting += [number for number in numbers if not special[number]]
            continue
        if wanted:
            gap = text[: origin[begin]].rstrip()  # white space belongs to the word after it
            _share(spans, waiting, origin[place], max(origin[place], len(gap)))
            waiting = []
        place = begin + len(wanted)
        reached = origin[place - 1] + 1 if place else 0
        if wanted:
            span = (origin[begin], reached)
        else:  # a token of white space, for example
            span = (reached, reached if waiting else origin[place])
        for number in numbers:
            spans[number] = span
    _share(spans, waiting, origin[place], len(text))
    return spans


def _share(spans: list[Span | None], waiting: Sequence[int], start: int, end: int) -> None:
    """Assign the span between two tokens that were found to the first of those between them."""
    for order, number in enumerate(waiting):
        spans[number] = (start, end) if order == 0 else (end, end)


def _characters(tokens: Sequence[str], literal: bool) -> list[tuple[list[int], str]]:
    """Join tokens of single bytes to characters: (indices of tokens, folded characters)."""
    made: list[tuple[list[int], str]] = []
    run: list[int] = []
    data = b""
    for number, token in enumerate([*tokens, ""]):
        is_byte = not literal and len(token) == 6 and token.startswith("<0x")
        if is_byte:
            run.append(number)
            data += _plain(token)
        char = data.decode("utf-8", "ignore")
        if run and (char or not is_byte):
            made.append((run, _folded(char)))
            run, data = [], b""
        if not is_byte:
            bare = token.removesuffix("</w>").removesuffix("@@").removeprefix("##")
            made.append(([number], _folded(bare.replace("▁", ""))))
    return made[:-1]


@lru_cache(maxsize=2**14)
def _folded(text: str) -> str:
    """Remove case, accents, white space and invisible characters."""
    kept = normalize("NFKD", normalize("NFKC", text).casefold())
    return "".join(char for char in kept if category(char)[0] not in "MZC")
