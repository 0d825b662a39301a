from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmscope.tokens import clean, from_ids, labels, texts, tokenize, visible
from tests import tiny

TOKENIZERS = {
    "byte-level": tiny.byte_level(),
    "sentence-piece": tiny.sentence_piece(),
    "word-piece": tiny.word_piece(),
}
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


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["byte-level", "sentence-piece"]))
def test_any_text_comes_back_from_its_tokens(text, name):
    ids, tokens = tokenize(TOKENIZERS[name], text)
    assert [token.id for token in tokens] == ids
    assert "".join(token.text for token in tokens) == clean(text)
    for token in tokens:
        assert 0 <= token.start <= token.end <= len(clean(text))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_decoded_ids_come_back_from_their_tokens(text):
    tokenizer = TOKENIZERS["byte-level"]
    ids, _ = tokenize(tokenizer, text)
    tokens = from_ids(tokenizer, ids)
    assert "".join(t.text for t in tokens) == tokenizer.decode(ids)
    assert [token.id for token in tokens] == ids


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
