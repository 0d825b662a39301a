"""Two texts side by side: every token of both in exactly one row."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmscope.text import align, clean, same_vocabulary, spelt, tokenize
from llmscope.text import common as common_module
from llmscope.text.common import longest_common
from llmscope.text.rows import aligned_characters
from tests import tokenizers
from tests.unit.test_tokens import TEXTS

pytestmark = pytest.mark.filterwarnings("ignore:This sequence already has")
NAMES = ("byte-level", "roberta", "sentence-piece", "t5", "llama", "word-piece", "tiktoken",
         "byt5", "unigram-nfkc", "bpe-bytes")  # fmt: skip
ALIKE = st.tuples(TEXTS, TEXTS, TEXTS, TEXTS).map(  # two texts with a part in common
    lambda parts: (parts[0] + parts[1] + parts[2], parts[0] + parts[3] + parts[2])
)


@cache
def tokens(name: str, text: str):
    return tokenize(tokenizers.make(name), text)[1]


def rows(one: str, other: str, a: str, b: str, anchors=()):
    return align(tokens(one, a), tokens(other, b), one == other, anchors)


def shown(found) -> list[tuple[str, str]]:
    return [(row.text_a, row.text_b) for row in found]


def hold(found, a, b):
    """What holds of any two texts."""
    for side, count in (("a", len(a)), ("b", len(b))):
        ranges = [getattr(row, side) for row in found]
        assert [n for part in ranges for n in part] == list(range(count))
        assert all(one.stop == other.start for one, other in pairwise(ranges))
        assert all(0 <= part.start <= part.stop <= count for part in ranges)
    assert all(row.a or row.b for row in found)
    for side, own in (("a", a), ("b", b)):
        text = "".join(getattr(row, f"text_{side}") for row in found)
        assert text == "".join(token.text for token in own)
    assert all(row.a and row.b for row in found if row.same)


# ── the longest common subsequence ───────────────────────────────────────────────────────────────


def length(a, b) -> int:
    """By the textbook's table."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = (
                table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
            )
    return int(table[-1, -1])


@settings(max_examples=300, deadline=None)
@given(*[st.lists(st.integers(0, 4), max_size=14)] * 2)
def test_what_two_sequences_have_in_common_is_as_long_as_can_be(a, b):
    found = longest_common(a, b)
    assert len(found) == length(a, b)
    assert (np.diff(found, axis=0) > 0).all()
    assert all(a[i] == b[j] for i, j in found)
    assert np.array_equal(longest_common(b, a), found[:, ::-1])


def test_sequences_too_long_for_the_table_have_their_ends_in_common(monkeypatch):
    monkeypatch.setattr(common_module, "MOST", 8)
    a, b = [1, 2, 3, 4, 5, 9], [1, 4, 3, 2, 6, 7, 9]
    assert longest_common(a, b).tolist() == [[0, 0], [5, 6]]
    assert longest_common([*range(10_000)], [*range(10_000)]).shape == (10_000, 2)


def test_thousands_of_tokens_are_aligned_at_once():
    random = np.random.default_rng(0)
    a = random.integers(0, 50_000, 4000)
    b = np.where(random.random(4000) < 0.3, -1, a)
    found = longest_common(a.tolist(), b.tolist())
    assert len(found) >= (a == b).sum()


# ── any two texts ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(texts=ALIKE)
@example(texts=("", "the dog"))
@example(texts=("你好世界", "佢好，世界"))
@example(texts=("👩\u200d👩\u200d👧", "👩\u200d👧"))
def test_every_token_of_one_tokenizer_is_in_one_row(name, texts):
    a, b = (tokens(name, text) for text in texts)
    found = align(a, b, True)
    hold(found, a, b)
    swapped = align(b, a, True)
    assert {(*row.b, None, *row.a) for row in swapped} == {(*row.a, None, *row.b) for row in found}
    for row in found:
        if row.same:
            assert [a[n].id for n in row.a] == [b[n].id for n in row.b]
            assert len(row.a) == 1


@pytest.mark.parametrize("names", [*pairwise(NAMES), ("byt5", "word-piece")])
@settings(max_examples=25, deadline=None)
@given(texts=ALIKE)
@example(texts=("", "the dog"))
@example(texts=("cafe\u0301 你好", "café 你 好"))
@example(texts=("👩\u200d👩\u200d👧</s>", "👩\u200d👧 <s>"))
def test_every_token_of_different_tokenizers_is_in_one_row(names, texts):
    a, b = (tokens(name, text) for name, text in zip(names, texts, strict=True))
    found = align(a, b, False)
    hold(found, a, b)
    swapped = align(b, a, False)
    assert {(*row.b, None, *row.a) for row in swapped} == {(*row.a, None, *row.b) for row in found}


@pytest.mark.parametrize("names", [*pairwise(NAMES), ("byt5", "word-piece")])
@settings(max_examples=25, deadline=None)
@given(text=TEXTS)
def test_one_text_in_two_tokenizers_has_the_fewest_tokens_that_spell_the_same(names, text):
    a, b = (tokens(name, text) for name in names)
    found = align(a, b, False)
    hold(found, a, b)
    if not all("".join(t.text for t in side) == clean(text) for side in (a, b)):
        return  # of special tokens alone
    assert all(row.text_a == row.text_b for row in found)
    # No row can be cut in two: no place within it is the end of a token of both.
    ends = [np.cumsum([0, *(len(t.text) for t in side)]) for side in (a, b)]
    for row in found:
        inner = [
            {int(e[n]) for n in part[1:]} - {int(e[part.start]), int(e[part.stop])}
            for e, part in zip(ends, (row.a, row.b), strict=True)
            if part
        ]
        assert len(inner) < 2 or not inner[0] & inner[1]


@pytest.mark.parametrize("names", [("byte-level",) * 2, ("byte-level", "llama")])
@settings(max_examples=50, deadline=None)
@given(texts=ALIKE, data=st.data())
def test_anchors_are_kept_and_the_rest_is_aligned_between(names, texts, data):
    a, b = (tokens(name, text) for name, text in zip(names, texts, strict=True))
    count = data.draw(st.integers(0, min(3, len(a), len(b))))
    sides = [sorted(data.draw(st.permutations(range(len(side))))[:count]) for side in (a, b)]
    anchors = [*zip(*sides, strict=True)]
    found = align(a, b, names[0] == names[1], data.draw(st.permutations(anchors)))
    hold(found, a, b)
    assert set(anchors) <= {(r.a.start, r.b.start) for r in found if len(r.a) == len(r.b) == 1}


@given(text=TEXTS)
@settings(max_examples=50, deadline=None)
def test_a_text_is_all_in_common_with_itself(text):
    one = tokens("byte-level", text)
    assert all(row.same and row.a == row.b for row in align(one, one, True))
    same = aligned_characters(text, text)
    assert np.array_equal(same, np.repeat(np.arange(len(text))[:, None], 2, axis=1))


# ── known by hand ────────────────────────────────────────────────────────────────────────────────


def test_other_words_stand_side_by_side():
    found = rows("word-piece", "word-piece", "the dog sleep", "the cat sleep now")
    labels = [(row.label_a, row.label_b, row.same) for row in found]
    assert labels[:2] == [("[CLS]", "[CLS]", True), ("the", "the", True)]
    assert ("·dog", "·c", False) in labels
    assert ("·sleep", "·sleep", True) in labels
    assert labels[-1] == ("[SEP]", "[SEP]", True)
    assert ("", "·n", False) in labels


def test_a_character_of_several_tokens_is_not_cut():
    found = rows("byte-level", "byte-level", "a 佢 b", "a 你 b")
    assert ("佢", "你") in shown(found)
    row = next(row for row in found if row.text_a == "佢")
    assert (row.label_a, row.label_b, row.same) == ("佢", "你", False)
    assert len(row.a) > 1


def test_words_spelt_otherwise_share_their_letters():
    found = rows("byt5", "word-piece", "the colour", "the color")
    assert [pair for pair in shown(found) if pair[0] != pair[1]] == [("u", "")]
    # Half of the letters at least: "dog" and "cats" share none.
    found = rows("byt5", "word-piece", "dog", "cats")
    assert shown(found)[1:5] == [("d", "c"), ("o", "a"), ("g", "t"), ("", "s")]


def test_special_tokens_stand_by_themselves():
    found = rows("word-piece", "byte-level", "the dogs", "the doges are")
    assert [(row.label_a, row.label_b) for row in found if not row.text_a + row.text_b] == [
        ("[CLS]", ""),
        ("[SEP]", ""),
    ]


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ([(0, 9)], r"\(0, 9\) is outside of text B, which has 3 tokens: its positions are 0 to 2"),
        ([(-1, 0)], "outside of text A"),
        ([(0, 1), (1, 0)], r"\(0, 1\) and \(1, 0\) cross"),
        ([(1, 0), (1, 2)], "share a token"),
        ([(0, 1), (1, 1)], "share a token"),
        ([3], "list of pairs"),
        ([("a", 0)], "list of pairs"),
        (7, "list of pairs"),
    ],
)
def test_anchors_that_cannot_be_are_refused_in_words(anchors, message):
    three = tokens("word-piece", "the")
    with pytest.raises(ValueError, match=message):
        align(three, three, True, anchors)


# ── vocabularies ─────────────────────────────────────────────────────────────────────────────────


def test_a_vocabulary_is_known_again():
    one, again = tokenizers.FAST["byte-level"](), tokenizers.FAST["byte-level"]()
    assert one is not again
    assert same_vocabulary(one, again)
    assert not same_vocabulary(one, tokenizers.make("llama"))
    again.add_tokens(["dogs"])
    assert not same_vocabulary(one, again)
    one.add_tokens(["cats"])
    assert not same_vocabulary(one, again)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [" the", " dog", "s", " 你好", ",", " hello world"])
def test_what_spells_a_text_is_that_text(name, text):
    tokenizer = tokenizers.make(name)
    path = spelt(tokenizer, text)
    if path is None:
        # Bare pieces of a word, and what these normalise or don't know.
        assert name in ("roberta", "t5", "word-piece", "unigram-nfkc", "sentence-piece", "llama")
        return
    first = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole, without = (tokenizer.decode(ids) for ids in ([*first, *path], first))
    assert whole.removeprefix(without) == text
