from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from llmscope.generation import Stepper
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS

PROMPT = "The quick brown fox"
WRITERS = ["llama", "gpt2", "mistral", "gemma2", "gpt_oss", "bloom", "mamba", "t5", "bart"]
SETTINGS = {
    "greedy": {},
    "sampling": {"do_sample": True, "top_k": 0},
    "cuts": {"do_sample": True, "temperature": 1.3, "top_p": 0.9},
    "penalties": {"do_sample": True, "repetition_penalty": 1.4, "no_repeat_ngram_size": 2},
    "no cache": {"do_sample": True, "use_cache": False},
}


CACHES = {
    "static": {"cache_implementation": "static"},
    "quantised": {"cache_implementation": "quantized", "cache_config": {"backend": "fp8"}},
}


def fresh(name: str, tokenizer) -> Scope:
    return Scope(MODELS[name](), tokenizer, name="tiny")


def written(scope: Scope, text, **settings) -> list[int]:
    return scope.generate(text, **settings).ids()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", WRITERS)
def test_steps_write_what_generate_writes(name, settings, tokenizer):
    for seed in (0, 5):
        run = fresh(name, tokenizer).generate(PROMPT, seed=seed, max_new_tokens=9, **settings)
        stepper = Stepper(fresh(name, tokenizer), PROMPT, seed=seed, max_new_tokens=9, **settings)
        nodes = list(stepper)
        assert stepper.ids() == run.ids()
        assert stepper.ended() and stepper.step() is None
        for node, step in zip(nodes, run.steps[0], strict=True):
            assert_close(node.logprob, step.logprob)
            assert_probabilities_close(node.prob, step.prob)
            shown = stepper.distribution(node.parent)
            assert_probabilities_close(shown.probs, step.distribution.probs)


@pytest.mark.parametrize("name", WRITERS)
def test_a_forced_token_goes_on_as_generate_behind_it(name, tokenizer):
    scope = fresh(name, tokenizer)
    settings = {"do_sample": True, "top_p": 0.95, "max_new_tokens": 9}
    stepper = Stepper(scope, PROMPT, seed=3, **settings)
    first = list(stepper)
    for place in (6, 1, 3):  # back, further back, and forward on another branch
        node = stepper.force(40 + place, after=first[place].parent)
        assert node.forced and node.parent == first[place].parent
        before = stepper.ids()
        while stepper.step() is not None:
            pass
        assert len(stepper.ids()) == len(first) + len(stepper.tree.prompt)
        text, target = (PROMPT, before) if stepper.tree.prompt == (0,) else (before, None)
        left = len(stepper.ids()) - len(before)
        expected = fresh(name, tokenizer).generate(
            text, target=target, seed=3, **{**settings, "max_new_tokens": left}
        )
        assert stepper.ids() == expected.ids()
    assert len(stepper.tree.leaves()) == 4
    assert stepper.ids(first[-1].number) == written(scope, PROMPT, seed=3, **settings)


@pytest.mark.parametrize("name", ["llama", "mistral", "mamba", "t5"])
def test_going_back_gives_the_same_again(name, tokenizer):
    stepper = Stepper(fresh(name, tokenizer), PROMPT, seed=1, do_sample=True, max_new_tokens=8)
    nodes = list(stepper)
    before = [node.logprob for node in nodes]
    stepper.force(33, after=nodes[2].number)
    stepper.step()
    stepper.select(nodes[4].number)
    stepper._next_logits.kept.clear()  # so that the model reads it again
    assert [node.number for node in stepper] == [node.number for node in nodes[5:]]
    for place, node in enumerate(nodes):
        distribution = stepper.distribution(node.parent)
        assert_close(np.log(distribution.base[node.token]), before[place])


@pytest.mark.parametrize(
    ("name", "cache"),
    [("llama", "static"), ("mistral", "static"), ("t5", "static"), ("llama", "quantised")],
)
def test_caches_that_can_not_be_cut_are_read_again(name, cache, tokenizer):
    scope = fresh(name, tokenizer)
    settings = {"seed": 1, "do_sample": True, "max_new_tokens": 8, **CACHES[cache]}
    stepper = Stepper(scope, PROMPT, **settings)
    nodes = list(stepper)
    assert stepper.ids() == fresh(name, tokenizer).generate(PROMPT, **settings).ids()
    stepper.force(33, after=nodes[2].number)
    node = stepper.step()
    again = Stepper(scope, PROMPT, target=None, **settings)
    for place in nodes[:3]:
        again.force(place.token)
    again.force(33)
    assert_close(again.step().logprob, node.logprob)
    stepper.select(nodes[4].number)
    assert [n.number for n in stepper] == [n.number for n in nodes[5:]]


def test_undo(scope):
    stepper = Stepper(scope, PROMPT, seed=1, do_sample=True, max_new_tokens=6)
    stepper.step()
    playing = iter(stepper)
    next(playing), next(playing)  # and paused
    assert len(stepper.tree) == 3
    stepper.force(44)
    stepper.step()
    ids = stepper.ids()
    assert stepper.undo() and stepper.undo()
    assert len(stepper.tree) == 3
    stepper.force(45)
    stepper.step()
    assert stepper.ids()[:-2] == ids[:-2] and stepper.ids()[-2] == 45
    base = stepper.distribution(stepper.tree[stepper.tree.current].parent).base
    logprob = stepper.tree[stepper.tree.current].logprob
    assert_close(np.log(base[stepper.ids()[-1]]), logprob)
    assert [stepper.undo() for _ in range(5)] == [True, True, True, True, False]
    assert stepper.ids() == list(stepper.tree.prompt)


def test_settings_and_seed_act_on_the_next_token(scope):
    stepper = Stepper(scope, PROMPT, seed=1, do_sample=True, max_new_tokens=9)
    stepper.step()
    stepper.configure(do_sample=False, max_new_tokens=9)
    node = stepper.step()
    assert node.rank == 0 and node.prob == 1
    stepper.configure(do_sample=True, top_k=2, max_new_tokens=9)
    assert stepper.distribution().stages[-1].kept == 2
    assert stepper.step().rank < 2
    stepper.select(0)
    stepper.configure(do_sample=True, max_new_tokens=9)
    stepper.seed = 8
    while stepper.step():
        pass
    assert stepper.ids() == written(scope, PROMPT, seed=8, do_sample=True, max_new_tokens=9)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_the_call_that_it_writes_down_gives_the_same(name, tokenizer):
    scope = fresh(name, tokenizer)
    stepper = Stepper(scope, PROMPT, seed=6, do_sample=True, top_k=30, max_new_tokens=9)
    nodes = list(stepper)
    assert stepper.call(nodes[3].number).startswith(f"scope.generate({PROMPT!r}, seed=6")
    ends = [nodes[3].number, nodes[-1].number]
    stepper.force(50, after=nodes[1].number)
    ends.append(stepper.step().number)
    ends.append(stepper.step().number)
    for end in ends:
        call = stepper.call(end)
        assert call.startswith("scope.generate(")
        assert eval(call, {"scope": scope}).ids() == stepper.ids(end)
    stepper.configure(do_sample=True, top_k=5, max_new_tokens=9)
    stepper.step()  # drawn with other settings than those before it
    stepper.step()
    for end in (stepper.tree.current, 0):
        assert stepper.call(end).startswith("scope.trace(")
        assert eval(stepper.call(end), {"scope": scope}).ids == stepper.ids(end)


def test_the_trace_of_a_node(scope):
    stepper = Stepper(scope, PROMPT, seed=0, do_sample=True, max_new_tokens=6)
    nodes = list(stepper)
    trace = stepper.trace(nodes[3].number)
    assert trace.ids == stepper.ids(nodes[3].number)
    assert_close(trace.logprobs[-1], nodes[3].logprob)


def test_random_state_and_mode_stay_as_they_are(tokenizer):
    model = MODELS["llama"]().train()
    state = torch.random.get_rng_state()
    list(Stepper(Scope(model, tokenizer), PROMPT, do_sample=True, max_new_tokens=5))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.training and model.model.layers[0].training


@pytest.mark.parametrize("name", ["llama", "t5", "mamba"])
@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
def test_an_error_within_a_step_leaves_nothing_half_done(name, error, tokenizer):
    scope = fresh(name, tokenizer)
    settings = {"seed": 2, "do_sample": True, "max_new_tokens": 7}
    expected = written(scope, PROMPT, **settings)
    stepper = Stepper(scope, PROMPT, **settings)
    stepper.step(), stepper.step()
    layers = [m for n, m in scope.model.named_modules() if n.endswith((".1", "layers.1"))]

    def fail(*_: object) -> None:
        raise error

    handle = layers[-1].register_forward_hook(fail)
    with pytest.raises(error):
        stepper.step()
    handle.remove()
    assert len(stepper.tree) == 2
    list(stepper)
    assert stepper.ids() == expected


@pytest.mark.parametrize("of", ["detach", "data"], ids=["counted by PyTorch", "not counted"])
def test_changed_weights_are_read_with_the_new_ones(of, tokenizer):
    scope = fresh("llama", tokenizer)
    stepper = Stepper(scope, PROMPT, max_new_tokens=6)
    stepper.step(), stepper.step()
    for parameter in scope.model.parameters():
        (parameter.detach() if of == "detach" else parameter.data).mul_(0.7)
    base = stepper.distribution().base
    assert_probabilities_close(base, scope.trace(stepper.ids()).next_token().base)


def test_two_on_one_model_take_turns(scope):
    settings = [{"seed": seed, "do_sample": True, "max_new_tokens": 12} for seed in (1, 2)]
    expected = [written(scope, PROMPT, **s) for s in settings]
    steppers = [Stepper(scope, PROMPT, **s) for s in settings]
    threads = [threading.Thread(target=lambda s=s: list(s)) for s in steppers]
    for thread in threads:
        thread.start()
    traces = [scope.trace(f"{PROMPT} {i}").logits_at(-1) for i in range(5)]
    for thread in threads:
        thread.join()
    assert [s.ids() for s in steppers] == expected
    for i, logits in enumerate(traces):
        assert_close(scope.trace(f"{PROMPT} {i}").logits_at(-1), logits)


def test_what_it_does_not_do_is_said(scope):
    with pytest.raises(ValueError, match=r"use scope\.generate"):
        Stepper(scope, PROMPT, num_beams=2)
    with pytest.raises(TypeError, match="Did you mean top_k"):
        Stepper(scope, PROMPT, topk=2)
    stepper = Stepper(scope, PROMPT, max_new_tokens=2)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        stepper.force(300)
    with pytest.raises(KeyError, match="no node 9"):
        stepper.select(9)
