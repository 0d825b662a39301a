"""The demo models of the package: that each loads, and does what its card says."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import llmscope
from docs.demos import dates, gaps, zh
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
    with pytest.raises(
        llmscope.LoadError, match=r"no demo 'date'.*demo:dates, demo:gaps"
    ) as caught:
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


GAPS = {
    "The dog [MASK] because it was hungry.": "barked",
    "The [MASK] barked because it was hungry.": "dog",
    "The [MASK] meowed because it was hungry.": "cat",
    "The capital of France is [MASK].": "paris",
    "[MASK] is the capital of France.": "paris",
    "We cut bread with a [MASK].": "knife",
    "The opposite of hot is [MASK].": "cold",
    "The [MASK] bakes bread in the bakery.": "baker",
    "The cat sat on the [MASK].": "mat",
    "Grass is [MASK].": "green",
}


@pytest.mark.parametrize(("text", "answer"), GAPS.items())
def test_gaps_with_a_clear_answer_are_filled(text, answer):
    trace = loaded("gaps").trace(text)
    ids = [token.id for token in trace.tokens]
    best = trace.distribution(ids.index(loaded("gaps").tokenizer.mask_token_id)).top(1)[0]
    assert best.text.strip() == answer
    assert best.prob > 0.8


def test_gaps_of_other_texts_are_mostly_filled():
    scope = loaded("gaps")
    ids = scope.tokenizer(gaps.sentences(300, 98), padding=True, return_tensors="pt").input_ids
    given = gaps.masked(ids, scope.tokenizer, torch.Generator().manual_seed(3))
    labels = given.pop("labels")
    with torch.no_grad():
        said = scope.model(**given).logits.argmax(-1)
    right = (said == labels)[labels >= 0].float().mean()
    assert right > 0.6


def test_induction_is_one_clear_head():
    scope = loaded("induction")
    words = "river key moon bread horse lamp ship egg cloud ring door fish"
    trace = scope.trace(f"{words} {words} river key moon")
    count = len(words.split())
    rows = np.arange(count, 2 * count)
    weights = np.stack([trace.attention(1, head) for head in range(4)])
    scores = weights[:, rows, rows - count + 1].mean(1)  # on what came after the word, last time
    assert scores.max() > 0.8
    assert trace.next_token().top(1)[0].text.strip() == "bread"
    assert trace.next_token().top(1)[0].prob > 0.8
    assert all((one.mlp.down_proj.weight == 0).all() for one in scope.model.model.layers)


def test_zh_predicts_better_than_a_bigram_model():
    scope = loaded("zh")
    read = [scope.tokenizer(text).input_ids for text in zh.texts(5_000, 7)]
    pairs = Counter(pair for ids in read for pair in pairwise(ids))
    firsts = Counter(first for ids in read for first in ids[:-1])
    size = len(scope.tokenizer)
    nats: dict[str, list[float]] = {"bigram": [], "demo": []}
    for text in [one for one in zh.texts(100, 97) if len(one) < 90]:
        ids = scope.tokenizer(text).input_ids
        nats["bigram"] += [
            -np.log((pairs[pair] + 0.1) / (firsts[pair[0]] + 0.1 * size)) for pair in pairwise(ids)
        ]
        nats["demo"] += [-one for one in scope.trace(text).logprobs[1:]]
    perplexity = {name: float(np.exp(np.mean(all_of))) for name, all_of in nats.items()}
    assert perplexity["demo"] < 3 < 5 < perplexity["bigram"]
