"""Align the tokens of two texts, so that they can be read side by side.

A *row* is some tokens of one text beside those of the other. Every token of both is in exactly one
row, in its order.

Texts of one tokenizer have in common the longest common subsequence of their tokens; the tokens
that make one character together are taken together. Those of different tokenizers have characters
in common: the longest common subsequence of words, and between common words that of graphemes
where at least half of the longer side is in it (a word that is spelt otherwise); a row is then the
fewest tokens of both that stand for the same characters.

What stands between the rows in common is put side by side in its order, one to one, special tokens
that stand for no text beside others such, and what remains has rows of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

import numpy as np
import regex

from llmscope.text.common import longest_common
from llmscope.text.label import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.text.tokens import Token

Anchor = tuple[int, int]
_Row = tuple[range, range]

# A word of letters, an ideograph or a grapheme, with the white space before it.
_WORD = regex.compile(r"\s*(?:\p{Ideographic}\p{M}*|[\p{L}\p{N}\p{M}]+|\X)")
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class AlignedTokens:
    """Tokens of two texts, A and B, that stand side by side: one row.

    Attributes
    ----------
    a, b
        Positions of the tokens in each text; empty where it has none here.
    text_a, text_b
        The characters of the text that they stand for.
    label_a, label_b
        What is shown of them: white space as a glyph.
    same
        Whether both are the same tokens; of different tokenizers, whether they spell the same.
    """

    a: range
    b: range
    text_a: str
    text_b: str
    label_a: str
    label_b: str
    same: bool


def align(
    a: Sequence[Token], b: Sequence[Token], by_id: bool, anchors: Sequence[Anchor] = ()
) -> tuple[AlignedTokens, ...]:
    """Align the tokens of two texts.

    Parameters
    ----------
    a, b
        The tokens.
    by_id
        Whether their ids are of one vocabulary; otherwise they are aligned by their characters.
    anchors
        Positions in `a` and `b` of tokens that are put side by side, whatever they are. The tokens
        between two of them are aligned by themselves.

    Returns
    -------
    tuple of AlignedTokens
        The rows, in the order of both texts.

    Raises
    ------
    ValueError
        For an anchor outside of a text, and for anchors that cross.
    """
    between = _by_ids if by_id else _by_characters
    rows: list[_Row] = []
    fixed = _single(checked_anchors(anchors, len(a), len(b)))
    for here, there, is_fixed in _parts(fixed, len(a), len(b)):
        if is_fixed:
            rows.append((here, there))
        else:
            rows += (
                (_moved(x, here.start), _moved(y, there.start))
                for x, y in between(a[here.start : here.stop], b[there.start : there.stop])
            )
    made = []
    begin = start = 0
    for x, y in rows:
        x, y = x or range(begin, begin), y or range(start, start)
        made.append(_row(a[x.start : x.stop], b[y.start : y.stop], x, y, by_id))
        begin, start = x.stop, y.stop
    return tuple(made)


def checked_anchors(anchors: Sequence[Anchor], a: int, b: int) -> list[Anchor]:
    """Return anchors of texts of `a` and `b` tokens in their order.

    Raises
    ------
    ValueError
        For one that is no pair of positions, or outside of a text, and for two that cross.
    """
    try:
        found = sorted((int(here), int(there)) for here, there in anchors)
    except (TypeError, ValueError):
        raise ValueError(
            "anchors is a list of pairs (position in A, position in B) of tokens to put side by "
            f"side, such as [(3, 4)]; not {anchors!r:.60}."
        ) from None
    for anchor in found:
        for position, count, side in zip(anchor, (a, b), "AB", strict=True):
            if not 0 <= position < count:
                raise ValueError(
                    f"The anchor {anchor} is outside of text {side}, which has {count:,} tokens: "
                    f"its positions are 0 to {count - 1:,}."
                    if count
                    else f"The anchor {anchor} is outside of text {side}, which has no tokens."
                )
    for one, other in pairwise(found):
        if one[0] == other[0] or one[1] >= other[1]:
            raise ValueError(
                f"The anchors {one} and {other} cross, or share a token: a later token of A stands "
                "beside a later token of B. Take one of them away."
            )
    return found


# ── one tokenizer ────────────────────────────────────────────────────────────────────────────────


def _by_ids(a: Sequence[Token], b: Sequence[Token]) -> Iterator[_Row]:
    one, other = _characters(a), _characters(b)
    keys = (
        [tuple(side[n].id for n in unit) for unit in units]
        for side, units in ((a, one), (b, other))
    )
    for here, there, is_common in _parts(_single(longest_common(*keys)), len(one), len(other)):
        if is_common:
            tokens = zip(one[here.start], other[there.start], strict=True)
            yield from _single(tokens)
        else:
            left, right = one[here.start : here.stop], other[there.start : there.stop]
            yield from _side_by_side(a, b, left, right)


def _characters(tokens: Sequence[Token]) -> list[range]:
    """Return the positions of tokens, those that make one character together in one range."""
    units: list[range] = []
    for n, token in enumerate(tokens):
        before = tokens[n - 1] if n else token
        shares = (token.start, token.end) == (before.start, before.end)
        if n and shares and not token.text and token.start < token.end:
            units[-1] = range(units[-1].start, n + 1)
        else:
            units.append(range(n, n + 1))
    return units


# ── different tokenizers ─────────────────────────────────────────────────────────────────────────


def _by_characters(a: Sequence[Token], b: Sequence[Token]) -> Iterator[_Row]:
    one, other = _characters(a), _characters(b)
    common = aligned_characters("".join(t.text for t in a), "".join(t.text for t in b))
    owners = [_owners(a, one)[common[:, 0]], _owners(b, other)[common[:, 1]]]
    links = np.unique(np.stack(owners, axis=1), axis=0)
    for here, there, is_common in _parts(_joined(links), len(one), len(other)):
        left, right = one[here.start : here.stop], other[there.start : there.stop]
        if is_common:
            yield range(left[0].start, left[-1].stop), range(right[0].start, right[-1].stop)
        else:
            yield from _side_by_side(a, b, left, right)


def aligned_characters(a: str, b: str) -> NDArray[np.intp]:
    """Return the places (matches, 2) of the characters that two texts have in common."""
    if a == b:
        return np.repeat(np.arange(len(a))[:, None], 2, axis=1)
    words = [_WORD.findall(text) for text in (a, b)]
    places = [np.cumsum([0, *map(len, side)]) for side in words]
    common = _single(longest_common(*words))
    found = [np.empty((0, 2), np.intp)]
    for here, there, is_common in _parts(common, len(words[0]), len(words[1])):
        begin, start = places[0][here.start], places[1][there.start]
        end, stop = places[0][here.stop], places[1][there.stop]
        if is_common:
            same = np.repeat(np.arange(end - begin)[:, None], 2, axis=1)
        else:
            same = _respelt(a[begin:end], b[start:stop])
        found.append(np.array([begin, start]) + same)
    return np.concatenate(found)


def _respelt(a: str, b: str) -> NDArray[np.intp]:
    """Align the characters of two passages, where one is the other but for its spelling."""
    sides = [_GRAPHEME.findall(text) for text in (a, b)]
    places = [np.cumsum([0, *map(len, side)]) for side in sides]
    found = [
        np.arange(len(sides[0][here]))[:, None] + [places[0][here], places[1][there]]
        for here, there in longest_common(*sides)
    ]
    if 2 * sum(map(len, found)) < max(1, len(a), len(b)):
        return np.empty((0, 2), np.intp)
    return np.concatenate(found)


def _owners(tokens: Sequence[Token], units: list[range]) -> NDArray[np.intp]:
    """Return for each character the index of the unit that it is in."""
    sizes = [sum(len(tokens[n].text) for n in unit) for unit in units]
    return np.repeat(np.arange(len(units)), sizes)


def _joined(links: NDArray[np.intp]) -> Iterator[_Row]:
    """Join links (links, 2), ascending in both, that share an end, to ranges of both sides."""
    apart = (links[1:] > links[:-1]).all(axis=1)
    for group in np.split(links, np.flatnonzero(apart) + 1):
        if len(group):
            (x, y), (last, end) = group[0].tolist(), group[-1].tolist()
            yield range(x, last + 1), range(y, end + 1)


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


def _single(pairs: Iterable[Sequence[int] | NDArray[np.intp]]) -> Iterator[_Row]:
    for x, y in pairs:
        yield range(int(x), int(x) + 1), range(int(y), int(y) + 1)


def _parts(common: Iterable[_Row], a: int, b: int) -> Iterator[tuple[range, range, bool]]:
    """Return all of `a` and `b` items in their order, and whether the parts are in common."""
    x = y = 0
    for here, there in common:
        yield range(x, here.start), range(y, there.start), False
        yield here, there, True
        x, y = here.stop, there.stop
    yield range(x, a), range(y, b), False


def _side_by_side(
    a: Sequence[Token], b: Sequence[Token], one: Sequence[range], other: Sequence[range]
) -> Iterator[_Row]:
    """Put units that are not in common side by side; what remains stands alone."""
    ends = [_last_with_text(side, units) for side, units in ((a, one), (b, other))]
    x = y = 0
    while x < ends[0] and y < ends[1]:
        spelt = (_has_text(a, one[x]), _has_text(b, other[y]))
        if spelt[0] == spelt[1]:
            yield one[x], other[y]
        else:
            yield (range(0), other[y]) if spelt[0] else (one[x], range(0))
        x += spelt[1] or not spelt[0]
        y += spelt[0] or not spelt[1]
    yield from ((unit, range(0)) for unit in one[x : ends[0]])
    yield from ((range(0), unit) for unit in other[y : ends[1]])
    yield from zip_longest(one[ends[0] :], other[ends[1] :], fillvalue=range(0))


def _last_with_text(tokens: Sequence[Token], units: Sequence[range]) -> int:
    return max((n + 1 for n, unit in enumerate(units) if _has_text(tokens, unit)), default=0)


def _has_text(tokens: Sequence[Token], unit: range) -> bool:
    return any(tokens[n].text for n in unit)


def _moved(positions: range, by: int) -> range:
    return range(positions.start + by, positions.stop + by)


def _row(a: Sequence[Token], b: Sequence[Token], x: range, y: range, by_id: bool) -> AlignedTokens:
    texts = ["".join(token.text for token in side) for side in (a, b)]
    shown = [_label(side, text) for side, text in zip((a, b), texts, strict=True)]
    if by_id:
        same = [token.id for token in a] == [token.id for token in b]
    else:  # special tokens of the tokenizer's own have no text
        same = bool(a and b) and (texts[0] == texts[1] if any(texts) else shown[0] == shown[1])
    return AlignedTokens(x, y, texts[0], texts[1], shown[0], shown[1], same)


def _label(tokens: Sequence[Token], text: str) -> str:
    if len(tokens) > 1 and text:
        return visible(text)
    return " ".join(token.label for token in tokens)
