"""What one more token costs, and how quickly a text is written, against the bare model.

`make bench` prints the tables; nothing here asserts a time.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from transformers import DynamicCache
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

from llmscope.generation import Stepper
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, kb, ms, show

WORDS = [" the", " cat", " dog", " house", " tree", " car", " sun", " moon", " one", " two"]
NEW = 32  # tokens that are written


@pytest.fixture(scope="module")
def scope():
    disable_progress_bar()
    yield load()
    enable_progress_bar()


def test_appending_one_token(scope):
    model = scope.model
    rows = []
    for tokens in (64, 512, 2048):
        scope.forget()
        text = text_of(scope, tokens)
        ids = torch.tensor([scope.trace(text + WORDS[0]).ids])
        words = itertools.cycle(WORDS)
        with torch.no_grad():
            cache = DynamicCache(config=model.config)
            model(ids[:, :-1], past_key_values=cache, use_cache=True, logits_to_keep=1)

        @torch.no_grad()
        def bare(ids: torch.Tensor = ids, cache: DynamicCache = cache) -> None:
            model(ids[:, -1:], past_key_values=cache, use_cache=True)
            cache.crop(-1)

        @torch.no_grad()
        def full(ids: torch.Tensor = ids) -> None:
            model(ids, use_cache=False, logits_to_keep=1)

        def appended(text: str = text, words=words) -> None:
            trace = scope.trace(text + next(words))
            assert len(trace.logits_at(-1)) == scope.facts.vocabulary

        one, ours = interleaved([bare, appended], rounds=25)
        (all_of_it,) = interleaved([full], rounds=3)
        assert scope._capture.warm.holds
        rows.append(
            [
                str(tokens),
                ms(one),
                ms(ours),
                f"{ours / one:.2f} ×",
                ms(all_of_it),
                f"{ours / all_of_it:.2f} ×",
                kb(scope.cache_bytes),
            ]
        )
    heads = ["tokens", "bare, one token with cache", "scope.trace and its logits", "ratio"]
    show("One more token", [*heads, "bare, whole text", "ratio", "kept"], rows)


def test_writing(scope):
    model = scope.model
    rows = []
    for tokens in (16, 512):
        text = text_of(scope, tokens)
        ids = torch.tensor([scope.trace(text).ids])
        settings = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": True}

        def bare(ids: torch.Tensor = ids, settings=settings) -> None:
            model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **settings)

        def ours(text: str = text, settings=settings) -> None:
            scope.generate(text, seed=0, **settings)

        def steps(text: str = text, settings=settings) -> None:
            scope.forget()  # so that each reads the prompt
            assert len(list(Stepper(scope, text, seed=0, **settings))) == NEW

        plain, run, stepped = interleaved([bare, ours, steps], rounds=5)
        for name, taken in (("model.generate", plain), ("scope.generate", run), ("steps", stepped)):
            rate = NEW / taken
            rows.append([f"{name}, {tokens} before", f"{rate:.1f}", f"{plain / taken:.2f} ×"])
    show("Writing", ["", "tokens a second", "of model.generate"], rows)
