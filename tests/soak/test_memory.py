"""Does memory level off? A long session of typing and branching, `make soak`.

What is measured is what Python and torch hold: the process's resident memory, printed as it goes.
"""

from __future__ import annotations

import gc
import random

import psutil
import pytest
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

import llmscope
from llmscope.generation import Stepper
from llmscope.kernel import Handlers
from llmscope.kernel.protocol import parse
from tests.bench.table import show

EDITS = 1000
BRANCHES = 200
LIMIT = 32 * 2**20  # bytes of cache, so that it is full early
TEXT = "The cat sat on the mat because it was very tired, and the dog looked at it. "
WORDS = [*TEXT.split(), "house", "sea", "naïve", "42", "好", "(", "\n"]


@pytest.fixture(scope="module")
def scope():
    disable_progress_bar()
    scope = llmscope.load(device="cpu", progress=lambda *_: None)
    scope.cache_limit = LIMIT
    yield scope
    enable_progress_bar()


def resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def levels_off(title: str, sizes: list[tuple[int, int, int]]) -> None:
    """Print the sizes, and hold the last third to the second."""
    rows = [
        [str(done), f"{rss / 1e6:,.0f} MB", f"{cache / 1e6:,.1f} MB"] for done, rss, cache in sizes
    ]
    show(title, ["done", "resident memory", "cache"], rows)
    third = len(sizes) // 3
    middle = max(rss for _, rss, _ in sizes[third : 2 * third])
    last = max(rss for _, rss, _ in sizes[2 * third :])
    assert last <= 1.05 * middle
    assert all(cache <= LIMIT for *_, cache in sizes)


def test_a_thousand_edits(scope):
    answers = Handlers(scope)
    dice = random.Random(0)
    text, sizes = TEXT, []
    for edit in range(1, EDITS + 1):
        kind = dice.random()
        if kind < 0.6:
            text += dice.choice(WORDS)[: dice.randint(1, 6)] + dice.choice(["", " "])
        elif kind < 0.8:
            text = text[: -dice.randint(1, 12)] or "The"
        else:
            place = dice.randrange(len(text))
            text = text[:place] + dice.choice(WORDS) + text[place:]
        if len(text) > 600:
            text = text[: dice.randint(10, 200)]
        (summary,) = answers(parse(f"text/{text}"), lambda: False)
        for what in (f"logits/{summary['last']}", "chain"):
            list(answers(parse(f"{summary['trace']}/{what}"), lambda: False))
        if edit % 50 == 0:
            sizes.append((edit, resident(), scope.cache_bytes))
    levels_off(f"{EDITS:,} edits of a text", sizes)


def test_two_hundred_branches(scope):
    scope.forget()
    dice = random.Random(1)
    settings = {"do_sample": True, "top_p": 0.95, "max_new_tokens": 60}
    stepper = Stepper(scope, TEXT, seed=0, **settings)
    for _ in range(20):
        stepper.step()
    sizes = []
    for branch in range(1, BRANCHES + 1):
        place = dice.randrange(len(stepper.tree) + 1)
        likely = stepper.distribution(place).top(8)
        stepper.force(dice.choice(likely).id, after=place)
        for _ in range(3):
            stepper.step()
        if branch % 10 == 0:
            stepper.trace().attention(3, 1)
            sizes.append((branch, resident(), scope.cache_bytes))
    assert len(stepper.tree.leaves()) > BRANCHES / 2
    levels_off(f"{BRANCHES} branches of a text", sizes)
