"""The demo models of the package: that each loads, and does what its card says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import llmscope
from docs.demos import dates
from llmscope.loading import choices
from llmscope.loading.default import TEXT
from llmscope.loading.demos import DEMOS, FOLDER
from llmscope.scope import Scope


@cache
def loaded(name: str) -> Scope:
    return llmscope.load(f"demo:{name}")


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_loads_as_it_is_stored(name):
    scope = loaded(name)
    assert scope.name == f"demo:{name}"
    stored = load_file(FOLDER / name / "model.safetensors")
    own = scope.model.state_dict()
    assert {one.dtype for one in stored.values()} == {torch.float16}
    assert all(own[key].dtype == torch.float32 for key in stored)
    assert all(torch.equal(own[key].cpu(), value.float()) for key, value in stored.items())


def test_all_demos_together_are_small():
    files = [file for file in FOLDER.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"README.md", "config.json", "model.safetensors"}
    assert sum(file.stat().st_size for file in files) < 5_000_000


def test_an_unknown_demo_is_named_with_those_that_are_there():
    with pytest.raises(llmscope.LoadError, match=r"no demo 'date'.*demo:dates") as caught:
        llmscope.load("demo:date")
    assert caught.value.kind == "unknown"


@pytest.mark.parametrize("name", DEMOS)
def test_the_text_that_a_demo_opens_with_is_made_of_words_that_it_knows(name):
    (choice,) = [one for one in choices() if one.name == f"demo:{name}"]
    scope = loaded(name)
    trace = scope.trace(choice.text, target=choice.target)
    unknown = scope.tokenizer.unk_token_id
    assert unknown is not None
    assert unknown not in [token.id for token in (*trace.tokens, *trace.source_tokens)]


def test_the_picker_opens_the_default_with_the_text_that_it_begins_with():
    assert choices()[0].text == TEXT == llmscope.explore().text


def test_dates_are_right_and_cross_attention_lines_up():
    scope, pairs = loaded("dates"), dates.pairs(200, seed=99)
    read = scope.tokenizer([text for text, _ in pairs], padding=True, return_tensors="pt")
    ids = scope.model.generate(**read, do_sample=False)
    said = scope.tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert np.mean([a == b for a, (_, b) in zip(said, pairs, strict=True)]) >= 0.98
    on_year, seen = np.zeros(scope.facts.heads), 0
    for text, target in pairs[:60]:
        trace = scope.trace(text, target=target)
        read_words = [token.text.strip() for token in trace.source_tokens]
        year = list(target[:4])
        begin = next((n for n in range(len(read_words)) if read_words[n : n + 4] == year), None)
        if begin is not None:
            weights = trace.attention(0, kind="cross", rows=range(4))  # (heads, digits, keys)
            on_year += (weights.argmax(-1) == begin + np.arange(4)).mean(1)
            seen += 1
    assert seen > 30
    assert (on_year / seen).max() > 0.95
