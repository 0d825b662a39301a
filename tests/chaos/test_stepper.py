"""One stepper in several hands: every node keeps the numbers of its own text."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from llmscope.generation import Stepper
from llmscope.scope import Scope
from tests import tiny
from tests.chaos.holding import LONGEST, Held, gated, held
from tests.chaos.reads import TEXT, cold
from tests.closeness import assert_close

PROMPT = TEXT[:20]
SETTINGS = {"seed": 3, "do_sample": True, "max_new_tokens": 12}


def assert_true(stepper: Stepper, tokenizer: Any) -> None:
    """Each node's log-probability is that of its token in the text up to it."""
    scope = cold(tiny.MODELS["llama"](), tokenizer)
    for node in stepper.tree:
        assert_close(node.logprob, scope.trace(stepper.tree.ids(node.number)).logprobs[-1])


def test_undo_waits_for_the_step_that_is_being_taken(tokenizer: Any) -> None:
    model = tiny.MODELS["llama"]()
    gate = gated(model)
    stepper = Stepper(Scope(model, tokenizer), PROMPT, **SETTINGS)
    stepper.step(), stepper.step()
    with held(gate, 1, stepper.step) as stepping:
        assert stepping.was_held
        undoing = Held(stepper.undo)
        assert not undoing.ended.wait(0.2), "the node that is being continued was taken away"
    assert stepping.result().number == 3 and undoing.result()
    assert [node.number for node in stepper.tree] == [1, 2]
    assert stepper.step().number == 4
    assert_true(stepper, tokenizer)


def test_many_hands_at_once(
    tokenizer: Any, request: pytest.FixtureRequest, counts: Counter[str]
) -> None:
    stepper = Stepper(Scope(tiny.MODELS["llama"](), tokenizer), PROMPT, **SETTINGS)
    moves = 300 if request.config.getoption("--whole") else 40

    def play(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(moves):
            try:
                match dice.randrange(6):
                    case 0 | 1 | 2:
                        stepper.step()
                    case 3:
                        stepper.undo()
                    case 4:
                        stepper.force(dice.randrange(5, 90))
                    case 5:
                        nodes = [node.number for node in stepper.tree]
                        stepper.select(dice.choice([0, *nodes]))
            except KeyError:
                continue  # another hand has taken the node away

    hands = [Held(lambda seed=seed: play(seed)) for seed in range(3)]
    for hand in hands:
        hand.thread.join(LONGEST * 6)
        hand.result()
    counts["moves of three hands on one stepper"] += 3 * moves
    assert_true(stepper, tokenizer)
