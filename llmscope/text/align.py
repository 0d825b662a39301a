"""Where tokens stand in a text, found by what they spell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from unicodedata import category, normalize

Span = tuple[int, int]

_DROPPED = 8  # characters that a tokenizer may leave out before a token
_UNKNOWN = 80  # characters that may stand behind unknown tokens


def spelt(
    tokens: Sequence[str], text: str, outside: Sequence[bool], special: Sequence[bool]
) -> list[Span | None] | None:
    """Find the stretch of `text` that each token was made of, where together they spell it.

    Parameters
    ----------
    tokens
        As they stand in the vocabulary.
    outside, special
        Which ones can't be in the text, and which needn't.

    Returns
    -------
    spans
        `None` for a token that isn't in the text; no spans at all if the text isn't spelt.
    """
    data = text.encode()
    char: Sequence[int] = range(len(text) + 1)  # by byte
    if len(data) > len(text):
        char = [*(n for n, char in enumerate(text) for _ in char.encode()), len(text)]
    for alphabet in (_plain, _latin, _byte_level):
        spans: list[Span | None] = []
        place = 0
        for token, is_outside, is_special in zip(tokens, outside, special, strict=True):
            written = token.encode() if is_special else alphabet(token)
            if place == 0 and written.startswith(b" ") and not data.startswith(b" "):
                written = written[1:]  # put before a text by its tokenizer
            if not is_outside and data.startswith(written, place):
                end = place + len(written)
                spans.append((char[place], char[end - 1] + 1 if written else char[place]))
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
    """As SentencePiece writes tokens, "<0xE4>" for a byte that is no character."""
    if len(token) == 6 and token.startswith("<0x"):
        return bytes([int(token[3:5], 16)])
    return token.replace("▁", " ").encode()


def _latin(token: str) -> bytes:
    """As ByT5 and Perceiver write bytes."""
    return token.encode("latin-1") if len(token) == 1 and token < "\u0100" else token.encode()


@lru_cache(maxsize=2**14)
def _byte_level(token: str) -> bytes:
    """As GPT-2 writes bytes."""
    alphabet = byte_alphabet()
    if all(char in alphabet for char in token):
        return bytes(alphabet[char] for char in token)
    return token.encode()


@cache
def byte_alphabet() -> dict[str, int]:
    """Map the printable characters that byte-level BPE writes bytes as back to the bytes.

    References
    ----------
    Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its code.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(256 + i): byte for i, byte in enumerate(others)}


def found(
    tokens: Sequence[str],
    text: str,
    unknown: Sequence[bool],
    special: Sequence[bool],
    *,
    decoded: bool = False,
) -> list[Span | None]:
    """Look for tokens in a `text` that was normalised, in their order.

    That is without regard to case, accents and white space. Unknown tokens, and those that aren't
    found, have what lies between the others; a special one that isn't found isn't in the text.
    In a `decoded` text, bytes that are no character stand as "<0xE4>".
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
            behind = text[: origin[begin]].rstrip()  # white space goes to the word behind it
            _share(spans, waiting, origin[place], max(origin[place], len(behind)))
            waiting = []
        place = begin + len(wanted)
        reached = origin[place - 1] + 1 if place else 0
        if wanted:
            span = (origin[begin], reached)
        else:  # white space, say
            span = (reached, reached if waiting else origin[place])
        for number in numbers:
            spans[number] = span
    _share(spans, waiting, origin[place], len(text))
    return spans


def _share(spans: list[Span | None], waiting: Sequence[int], start: int, end: int) -> None:
    """Give the stretch between two tokens that were found to those between them."""
    for order, number in enumerate(waiting):
        spans[number] = (start, end) if order == 0 else (end, end)


def _characters(tokens: Sequence[str], literal: bool) -> list[tuple[list[int], str]]:
    """Put bytes together that make one character: numbers of tokens, what they spell, folded."""
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
    """Leave out case, accents, white space and what isn't seen."""
    kept = normalize("NFKD", normalize("NFKC", text).casefold())
    return "".join(char for char in kept if category(char)[0] not in "MZC")
