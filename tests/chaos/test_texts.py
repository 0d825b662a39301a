"""Hostile texts: tokens stay where they are in them, and all that is said of them can be sent."""

from __future__ import annotations

import json
from collections import Counter
from unicodedata import category

import pytest

from llmscope.kernel import Handlers, TextInput
from llmscope.kernel.protocol import format_key, parse
from llmscope.kernel.requests import Summary
from llmscope.scope import Scope
from llmscope.text import clean, tokenize
from tests import tiny, tokenizers
from tests.chaos.messages import Dice

NAMES = ["byte-level", "llama", "word-piece", "unigram-nfkc"]


@pytest.mark.filterwarnings("ignore:This sequence already has")
@pytest.mark.parametrize("name", NAMES)
def test_tokens_spell_a_hostile_text(
    name: str, request: pytest.FixtureRequest, counts: Counter[str]
) -> None:
    tokenizer, dice = tokenizers.make(name), Dice(name)
    for _ in range(request.config.getoption("--texts") // len(NAMES) or 60):
        text = dice.long_text()
        ids, tokens = tokenize(tokenizer, text)
        assert [token.id for token in tokens] == ids
        if any(not token.special for token in tokens):
            assert "".join(token.text for token in tokens) == clean(text)
        for token in tokens:
            assert token.text in ("", clean(text)[token.start : token.end])
            assert not any(category(char) == "Cc" for char in token.label)
        counts["hostile texts"] += 1


def test_a_hostile_text_is_answered_and_can_be_sent(
    request: pytest.FixtureRequest, counts: Counter[str]
) -> None:
    handlers = Handlers(Scope(tiny.MODELS["llama"](), tiny.byte_level()))
    dice = Dice("texts")
    for _ in range(request.config.getoption("--texts") // 20 or 20):
        what = TextInput(clean(dice.text(8)) or "x", pair="", masked=())
        assert parse(format_key(what)) == Summary(what)
        *_, part = handlers(Summary(what), lambda: False)
        assert part["text"] == what.text
        json.dumps(part, ensure_ascii=False).encode()
        counts["hostile texts that were traced"] += 1
