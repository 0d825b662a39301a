"""Encode a text, and find the part of it that each token is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmscope.text.align import exact_spans, normalised_spans
from llmscope.text.label import REPLACEMENT, decode, visible
from llmscope.text.limit import NO_LIMIT, Limit

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    Attributes
    ----------
    id
        Token id: its index in the vocabulary.
    text
        The token's characters of the text, white space before it included. Where several tokens
        make one character, the first of them has it and the others are empty, so that the texts
        of all tokens, joined, are the whole text.
    label
        What is shown: white space as a glyph, pieces of one character as "字 1/3".
    start, end
        Where `text` begins and ends, in characters of the whole text.
    special
        Whether the tokenizer added the token or knows it as a special one ("[CLS]", "<s>").

    Examples
    --------
    >>> import llmscope
    >>> llmscope.Token(id=284, text=" tiny", label="·tiny", start=1, end=6)
    Token(id=284, text=' tiny', label='·tiny', start=1, end=6, special=False)
    >>> "".join(token.text for token in scope.trace("A tiny model").tokens)
    'A tiny model'
    """

    id: int
    text: str
    label: str
    start: int
    end: int
    special: bool = False


def tokenize(
    tokenizer: PreTrainedTokenizerBase,
    text: str,
    pair: str | None = None,
    *,
    add_special_tokens: bool = True,
    limit: Limit = NO_LIMIT,
) -> tuple[list[int], tuple[Token, ...]]:
    """Encode `text` as the tokenizer does for its model.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    text
        The text. Lone surrogates, which tokenizers refuse, are replaced.
    pair
        A second sentence, for models that take two.
    add_special_tokens
        Whether the tokenizer adds special tokens around the text ("[CLS]", "<s>").
    limit
        How many tokens there may be.

    Returns
    -------
    ids : list of int
        Token ids (length,).
    tokens : tuple of Token
        The token of each id, with its place in `text` (or in `text + pair`).

    Raises
    ------
    ValueError
        When there are more tokens, before they are aligned with the text.
    """
    text = clean(text)
    pair = clean(pair) if pair is not None else None
    whole = text + (pair or "")
    limit.check_beginning(tokenizer, whole)
    if not tokenizer.is_fast:
        encoding = tokenizer(
            text, pair, add_special_tokens=add_special_tokens, return_special_tokens_mask=True
        )
        ids = [int(i) for i in encoding["input_ids"]]
        limit.check(ids)
        added = [bool(flag) for flag in encoding["special_tokens_mask"]]
        # The mask is wrong for a text that contains "</s>", among others.
        if len(added) != len(ids) or not add_special_tokens:
            added = [False] * len(ids)
        return ids, _from_spans(tokenizer, ids, whole, _aligned(tokenizer, ids, whole, added))
    encoding = tokenizer(
        text, pair, add_special_tokens=add_special_tokens, return_offsets_mapping=True
    )
    ids = [int(i) for i in encoding["input_ids"]]
    limit.check(ids)
    sequence = encoding.sequence_ids()
    names = tokenizer.convert_ids_to_tokens(ids)
    special = set(tokenizer.all_special_ids)
    spans = exact_spans(names, whole, [s is None for s in sequence], [i in special for i in ids])
    if spans is None:
        shift = {0: 0, 1: len(text), None: 0}
        spans = [
            None if which is None else _span(name, whole, start + shift[which], end + shift[which])
            for which, name, (start, end) in zip(
                sequence, names, encoding["offset_mapping"], strict=True
            )
        ]
    return ids, _from_spans(tokenizer, ids, whole, spans)


def _span(token: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Correct the offset of a space that the tokenizer added: it has the word's first character."""
    is_space = not token.strip("▁Ġ") and text[start:end].strip("▁Ġ \n\t") != ""
    return (start, start) if is_space else (start, end)


def _aligned(
    tokenizer: PreTrainedTokenizerBase,
    ids: Sequence[int],
    text: str,
    added: Sequence[bool] | None = None,
) -> list[tuple[int, int] | None]:
    """Align tokens with `text` by their characters.

    `added` marks tokens that can't be in the text; without it, `text` is decoded from the ids.
    """
    names = [str(name) for name in tokenizer.convert_ids_to_tokens(list(ids))]
    known = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    special = [token_id in known for token_id in ids]
    if added is None:
        nowhere = [False] * len(names)
        return exact_spans(names, text, nowhere, special) or normalised_spans(
            names, text, nowhere, special, decoded=True
        )
    unknown = [token_id == tokenizer.unk_token_id for token_id in ids]
    spans = None if any(unknown) else exact_spans(names, text, added, special)
    if spans is None:
        outside = [a or s for a, s in zip(added, special, strict=True)]
        spans = normalised_spans(names, text, unknown, outside)
    return spans


def tokenize_target(
    tokenizer: PreTrainedTokenizerBase, text: str, limit: Limit = NO_LIMIT
) -> tuple[list[int], tuple[Token, ...]]:
    """Encode a text of the decoder's side, without special tokens around it.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    text
        The text. Lone surrogates are replaced.
    limit
        How many tokens there may be.

    Returns
    -------
    ids : list of int
        Token ids (length,).
    tokens : tuple of Token
        The token of each id.

    Raises
    ------
    ValueError
        When there are more tokens, before they are aligned with the text.
    """
    text = clean(text)
    limit.check_beginning(tokenizer, text)
    if not tokenizer.is_fast:
        ids = [int(i) for i in tokenizer(text_target=text, add_special_tokens=False)["input_ids"]]
        limit.check(ids)
        return ids, from_ids(tokenizer, ids)
    encoding = tokenizer(text_target=text, add_special_tokens=False, return_offsets_mapping=True)
    ids = [int(i) for i in encoding["input_ids"]]
    limit.check(ids)
    return ids, _from_spans(tokenizer, ids, text, [*map(tuple, encoding["offset_mapping"])])


def clean(text: str) -> str:
    """Replace lone surrogates by U+FFFD, and join pairs of them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def from_ids(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> tuple[Token, ...]:
    """Make tokens of ids, with places in their decoded text.

    Parameters
    ----------
    tokenizer
        Any tokenizer of transformers.
    ids
        Token ids (length,).

    Returns
    -------
    tuple of Token
        One for each id. Tokens that make one character together are labelled as in `tokenize`.
    """
    text = decode(tokenizer, list(ids)) if len(ids) else ""
    spans = _growing(tokenizer, ids, text) if tokenizer.is_fast else None
    return _from_spans(tokenizer, ids, text, spans or _aligned(tokenizer, ids, text))


def _growing(
    tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], text: str
) -> list[tuple[int, int] | None] | None:
    """Find spans by decoding one more token at a time; `None` where that isn't `text`."""
    spans: list[tuple[int, int] | None] = []
    reached = 0
    window = 0  # decoding begins here: far enough back for context, but not at the start
    decoded_window = ""
    pending = 0
    for index in range(len(ids)):
        grown = decode(tokenizer, ids[window : index + 1])
        piece = grown[len(decoded_window) :] if grown.startswith(decoded_window) else grown
        if piece.endswith(REPLACEMENT) and index + 1 < len(ids) and pending < 8:
            pending += 1
            continue
        if not text.startswith(piece, reached):
            return None
        spans += [(reached, reached + len(piece))] * (pending + 1)
        reached += len(piece)
        pending = 0
        if index - window > 16:
            window = index
            grown = decode(tokenizer, ids[window : index + 1])
        decoded_window = grown
    return spans if reached == len(text) else None


def _from_spans(
    tokenizer: PreTrainedTokenizerBase,
    ids: Sequence[int],
    text: str,
    spans: Sequence[tuple[int, int] | None],
) -> tuple[Token, ...]:
    special = set(tokenizer.all_special_ids)
    tokens: list[Token] = []
    reached = 0  # end of the text that tokens have so far
    for token_id, span in zip(ids, spans, strict=True):
        is_special = token_id in special
        if span is None or span[0] == span[1]:
            label = visible(str(tokenizer.convert_ids_to_tokens(token_id)))
            added = span is None or is_special
            tokens.append(Token(token_id, "", label, reached, reached, added))
            continue
        end = max(reached, span[1])
        own = text[reached:end]
        # A piece of a character that another token begins is at that character.
        start = reached if own else max(min(reached, span[0]), tokens[-1].start)
        shown = own or text[span[0] : span[1]]
        tokens.append(Token(token_id, own, visible(shown), start, end, is_special))
        reached = end
    # The last token in the text gets the characters after it.
    if reached < len(text) and any(spans):
        inside = [n for n, span in enumerate(spans) if span is not None]
        last = max([n for n in inside if tokens[n].start < tokens[n].end] or inside)
        begin = tokens[last].start if tokens[last].text else reached
        tokens[last] = replace(tokens[last], text=text[begin:], start=begin, end=len(text))
        for n in range(last + 1, len(tokens)):
            tokens[n] = replace(tokens[n], start=len(text), end=len(text))
    return tuple(_number_pieces(tokens, spans))


def _number_pieces(tokens: list[Token], spans: Sequence[tuple[int, int] | None]) -> list[Token]:
    """Label tokens that share one character as its pieces: "字 1/3"."""
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
    if span is None or before is None or span[0] == span[1]:
        return False
    return not tokens[index].text and span[0] < before[1]
