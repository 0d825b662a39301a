from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmscope.text import clean, from_ids, label, labels, texts, tokenize, visible
from tests import tokenizers

pytestmark = pytest.mark.filterwarnings("ignore:This sequence already has")
TOKENIZERS = {name: tokenizers.make(name) for name in (*tokenizers.FAST, *tokenizers.SLOW)}
ODD = [
    "The capital of France is",
    "你好,世界 👩‍👩‍👧 e\u0301",
    "<s> <script>alert(1)</script> &amp; [MASK] <eos>\t x\n\n  y  ",
    "שלום עולם مرحبا",
    "  ",
    "\ud83d lone",
]


@pytest.mark.parametrize("text", ODD)
def test_the_texts_of_all_tokens_give_the_text_back(text):
    _, tokens = tokenize(TOKENIZERS["byte-level"], text)
    assert "".join(token.text for token in tokens) == clean(text)


def test_long_texts_are_not_cached():
    before = label._visible.cache_info().currsize
    for number in range(100):
        assert visible(f"{number} " * 1000).startswith(f"{number}·")
    assert label._visible.cache_info().currsize == before


# ── any text, any tokenizer ──────────────────────────────────────────────────────────────────

SNIPPETS = [
    " ", "  ", "\n", "\t", "\u3000", "the dogs", " hello", "Naïve", "cafe\u0301", "1998-03-03",
    "👩\u200d👩\u200d👧", "🏳️\u200d🌈", "שלום", "مرحبا\u200f", "हिन्दी", "ﬁ㎏①", "İ", "ß", "가", "한",
    "你好", "\u200d", "\ufeff", "\x00", "\x7f", "\ud83d", "\udc00", "\ue000", "\ufffd",
    "\U0010ffff", "<s>", "</s>", "<unk>", "[MASK]", "[CLS]", "▁", "Ġ", "<0xE4>", "@@", "##s",
    "</w>", "__en__",
]  # fmt: skip
CHARACTERS = st.characters()  # lone surrogates among them
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.lists(st.one_of(st.sampled_from(SNIPPETS), CHARACTERS), max_size=15).map("".join),
)


def hold(tokens, ids, text):
    """What holds of tokens that stand in `text`."""
    assert [token.id for token in tokens] == ids
    if any(not token.special for token in tokens):
        assert "".join(token.text for token in tokens) == text
    for token, after in pairwise(tokens):
        assert token.start <= after.start
        assert token.end <= after.end
    for token in tokens:
        assert 0 <= token.start <= token.end <= len(text)
        assert token.text in ("", text[token.start : token.end])
        assert token.label or not token.text


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text=" ▁")
@example(text="▁")
@example(text="</s> a")
def test_any_text_comes_back_from_its_tokens(name, text):
    ids, tokens = tokenize(TOKENIZERS[name], text)
    hold(tokens, ids, clean(text))


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
def test_what_ids_are_decoded_to_comes_back_from_their_tokens(name, text):
    tokenizer = TOKENIZERS[name]
    ids, _ = tokenize(tokenizer, text)
    options = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
    hold(from_ids(tokenizer, ids), ids, tokenizer.decode(ids, **options))
    labels(tokenizer, ids)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=2, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(SNIPPETS), CHARACTERS), min_size=1, max_size=15))
def test_ten_thousand_characters(name, parts):
    text = ("".join(parts) * 10_000)[:10_000]
    ids, tokens = tokenize(TOKENIZERS[name], text)
    hold(tokens, ids, clean(text))


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=10, deadline=None)
@given(text=TEXTS, pair=TEXTS)
def test_two_sentences_come_back_from_their_tokens(name, text, pair):
    ids, tokens = tokenize(TOKENIZERS[name], text, pair)
    hold(tokens, ids, clean(text) + clean(pair))


BERT = ["[CLS]", "The", "·DOG", "S", "·🤖", "·sleep", "ing", "[SEP]"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("tiktoken", "the dog 你", ["the", "·", "dog", "·", "你 1/2", "你 2/2"]),
        ("llama", "the ï", ["the", "·", "ï 1/2", "ï 2/2"]),
        ("sentence-piece", "a 界b", ["▁", "a", "·", "界 1/3", "界 2/3", "界 3/3", "b"]),
        ("t5", "The dog", ["▁", "T", "h", "e", "·", "d", "o", "g"]),
        ("characters", "a 🤖", ["a", "·", "🤖"]),
        ("byt5", "é a", ["é 1/2", "é 2/2", "·", "a", "</s>"]),
        ("canine", "é a", ["⟨U+E000⟩", "é", "·", "a", "⟨U+E001⟩"]),
        ("unigram", "the dogs", ["▁", "t", "he", "·dogs"]),
        ("unigram-nfkc", "ﬁ the", ["▁", "ﬁ 1/2", "ﬁ 2/2", "·", "t", "he"]),
        ("bpe-bytes", "hello 🤖", ["hello", "·", "🤖 1/4", "🤖 2/4", "🤖 3/4", "🤖 4/4"]),
        ("word-piece-in-python", "The DOGS 🤖 sleeping", BERT),
        ("ctrl", "the theq", ["the", "·th", "e", "q"]),
        ("marian", "the  dogs", ["▁", "t", "he", "··dogs", "</s>"]),
        ("m2m", "the dogs", ["__en__", "▁", "t", "he", "·dogs", "</s>"]),
    ],
)
def test_labels_of_each_kind(name, text, expected):
    _, tokens = tokenize(TOKENIZERS[name], text)
    assert [token.label for token in tokens] == expected


def test_pieces_of_one_character_are_numbered_and_stand_at_it():
    _, tokens = tokenize(TOKENIZERS["byte-level"], "a 🤖")
    pieces = [token for token in tokens if "🤖" in token.label]
    count = len(pieces)
    assert count > 1
    assert [p.label.rpartition(" ")[2] for p in pieces] == [
        f"{i + 1}/{count}" for i in range(count)
    ]
    assert {(p.start, p.end) for p in pieces} == {(2, 3)}
    assert [p.text for p in pieces] == ["🤖"] + [""] * (count - 1)


def test_ids_in_the_middle_of_a_character_are_grouped_too():
    tokenizer = TOKENIZERS["byte-level"]
    ids, tokens = tokenize(tokenizer, "x🤖y")
    assert [t.label for t in from_ids(tokenizer, ids)] == [t.label for t in tokens]
    half = from_ids(tokenizer, ids[:2])
    assert "".join(t.text for t in half) == tokenizer.decode(ids[:2])


def test_special_tokens_around_the_text_are_marked():
    _, tokens = tokenize(TOKENIZERS["word-piece"], "The dogs")
    assert [t.label for t in tokens] == ["[CLS]", "The", "·dog", "s", "[SEP]"]
    assert [t.special for t in tokens] == [True, False, False, False, True]
    assert [t.text for t in tokens] == ["", "The", " dog", "s", ""]


def test_white_space_and_invisible_characters_have_glyphs():
    assert visible(" a\tb\nc\u200d\u0007") == "·a⇥b↵c⟨ZWJ⟩⟨U+0007⟩"


def test_candidates_keep_their_leading_space():
    sentence_piece = TOKENIZERS["sentence-piece"]
    ids = sentence_piece.convert_tokens_to_ids(["▁the", "▁dog", "t", "<0xE4>", "</s>"])
    assert texts(sentence_piece, ids) == [" the", " dog", "t", None, "</s>"]
    assert labels(sentence_piece, ids) == ["·the", "·dog", "t", "⟨E4⟩", "</s>"]


def test_bytes_that_make_no_character_are_shown_as_bytes():
    tokenizer = TOKENIZERS["byte-level"]
    (token_id,) = tokenizer.convert_tokens_to_ids(["ð"])  # byte F0 in GPT-2's alphabet
    assert labels(tokenizer, [token_id]) == ["⟨F0⟩"]


def test_an_id_beyond_the_tokenizer_is_shown_by_number():
    assert labels(TOKENIZERS["byte-level"], [10_000]) == ["⟨10000⟩"]
