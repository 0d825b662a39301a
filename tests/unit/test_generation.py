from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from transformers import GenerationConfig, LogitsProcessor, StoppingCriteria

from llmscope.capture import Cancelled
from llmscope.generation import Stepper
from llmscope.generation.run import generate
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS, TEXT

WRITERS = [
    "llama",
    "gpt2",
    "mistral",
    "gemma2",
    "gpt_oss",
    "cohere",
    "bloom",
    "mamba",
    "t5",
    "bart",
]
PROMPT = "The quick brown fox"
SETTINGS = {
    "greedy": {},
    "sampling": {"do_sample": True},
    "cuts": {"do_sample": True, "temperature": 1.4, "top_k": 40, "top_p": 0.9, "min_p": 0.02},
    "typical": {"do_sample": True, "typical_p": 0.7, "top_k": 0},
    "penalties": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 4},
    "several": {"do_sample": True, "num_return_sequences": 3},
    "beams": {"num_beams": 3, "num_return_sequences": 2, "length_penalty": 0.5},
    "beams, penalised": {"num_beams": 2, "repetition_penalty": 1.5},
    "beams, sampled": {"num_beams": 3, "do_sample": True, "num_return_sequences": 3},
}


def reference(name: str, tokenizer, seed: int, **settings):
    torch.manual_seed(seed)
    inputs = tokenizer(PROMPT, return_tensors="pt")
    return MODELS[name]().generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
        **settings,
    )


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", WRITERS)
def test_it_writes_what_transformers_writes(name, settings, tokenizer):
    scope = Scope(MODELS[name](), tokenizer, name="tiny")
    for seed in (0, 7):
        expected = reference(name, tokenizer, seed, max_new_tokens=9, **settings)
        run = scope.generate(PROMPT, seed=seed, max_new_tokens=9, **settings)
        assert np.array_equal(run.sequences, expected.sequences.numpy())
        if expected.get("sequences_scores") is not None:
            assert_close(run.scores, expected.sequences_scores)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", ["llama", "t5"])
def test_each_step_shows_what_its_token_was_chosen_from(name, settings, tokenizer):
    expected = reference(name, tokenizer, 3, max_new_tokens=6, **settings)
    scope = Scope(MODELS[name](), tokenizer, name="tiny")
    run = scope.generate(PROMPT, seed=3, max_new_tokens=6, **settings)
    beams = settings.get("num_beams", 1) > 1
    for sequence, steps in enumerate(run.steps):
        assert steps
        for step in steps:
            row = int(expected.beam_indices[sequence, step.index]) if beams else sequence
            scores = expected.scores[step.index][row]
            logits = expected.logits[step.index][row]
            distribution = step.distribution
            assert_probabilities_close(distribution.base, logits.softmax(0))
            assert step.token.id == run.sequences[sequence, run.prompt_length + step.index]
            own = float(logits.log_softmax(0)[step.token.id])
            assert_close(step.logprob, own)
            if settings.get("do_sample") or beams:
                assert_probabilities_close(distribution.probs, scores.softmax(0))
                assert step.prob > 0
            else:
                assert step.prob == 1 == distribution.probs[step.token.id]
                assert int(scores.argmax()) == step.token.id


def test_stages_say_what_was_done_and_who_asked_for_it(scope):
    run = scope.generate(PROMPT, seed=0, max_new_tokens=2, do_sample=True, temperature=0.7)
    stages = run.steps[0][0].distribution.stages
    assert [(s.name, s.setting, s.origin) for s in stages] == [
        ("temperature", 0.7, "given"),
        ("top_k", 50.0, "a default"),
    ]


@pytest.mark.parametrize("name", ["llama", "mistral", "t5", "bart"])
def test_what_was_written_can_be_traced(name, tokenizer):
    scope = Scope(MODELS[name](), tokenizer, name="tiny")
    run = scope.generate(PROMPT, seed=1, max_new_tokens=8, do_sample=True, num_return_sequences=2)
    for sequence in range(2):
        trace = run.trace(sequence)
        assert trace.ids == run.ids(sequence)
        assert trace.attention(1).shape[1:] == (len(trace), len(trace))
        start = run.prompt_length
        for step in run.steps[sequence]:
            assert_close(trace.logprobs[start + step.index], step.logprob)
    assert run.trace(0) is run.trace(0)


def test_texts_and_what_is_new_of_them(scope):
    run = scope.generate(PROMPT, max_new_tokens=5)
    assert run.texts[0] == PROMPT + run.continuations[0]
    assert run.continuations[0]
    assert len(run.steps[0]) == 5
    assert "".join(step.token.text for step in run.steps[0]) == run.continuations[0]


def test_sequences_end_where_they_ended(scope, tokenizer):
    ends = [i for i in range(2, 300) if i % 3 == 0]  # so that some sequences end early
    run = scope.generate(
        PROMPT, seed=5, do_sample=True, num_return_sequences=4, max_new_tokens=12, eos_token_id=ends
    )
    lengths = [len(steps) for steps in run.steps]
    assert len(set(lengths)) > 1
    for sequence, steps in enumerate(run.steps):
        written = run.sequences[sequence, run.prompt_length :].tolist()
        first = next((i + 1 for i, token in enumerate(written) if token in ends), 12)
        assert len(steps) == first
        assert run.ids(sequence) == run.sequences[sequence, : run.prompt_length + first].tolist()


def test_it_stops_at_strings(scope, tokenizer):
    free = scope.generate(PROMPT, max_new_tokens=12)
    stop = free.steps[0][4].token.text
    assert stop.strip()
    torch.manual_seed(0)
    expected = MODELS["llama"]().generate(
        **tokenizer(PROMPT, return_tensors="pt"),
        max_new_tokens=12,
        stop_strings=[stop],
        tokenizer=tokenizer,
    )
    run = scope.generate(PROMPT, max_new_tokens=12, stop_strings=[stop])
    assert np.array_equal(run.sequences, expected.numpy())
    assert len(run.steps[0]) < 12


@pytest.mark.local
def test_a_whole_configuration_and_objects_of_ones_own(scope, tokenizer):
    class Shy(LogitsProcessor):
        def __call__(self, input_ids, scores):
            return scores.index_fill(1, scores.argmax(dim=1), -float("inf"))

    class Third(StoppingCriteria):
        def __call__(self, input_ids, scores, **kwargs):
            length = (
                input_ids.shape[1] - 1
                >= tokenizer(PROMPT, return_tensors="pt").input_ids.shape[1] + 2
            )
            return torch.full((len(input_ids),), length)

    config = GenerationConfig(max_new_tokens=9, do_sample=True, top_k=7, eos_token_id=1)
    torch.manual_seed(2)
    expected = MODELS["llama"]().generate(
        **tokenizer(PROMPT, return_tensors="pt"),
        generation_config=config,
        logits_processor=[Shy()],
        stopping_criteria=[Third()],
    )
    run = scope.generate(
        PROMPT,
        seed=2,
        generation_config=config,
        logits_processor=[Shy()],
        stopping_criteria=[Third()],
    )
    assert np.array_equal(run.sequences, expected.numpy())
    assert len(run.steps[0]) == 3
    assert all(step.prob > 0 for step in run.steps[0])


def test_guidance_counts_as_the_logits(scope, tokenizer):
    settings = {"guidance_scale": 1.7, "max_new_tokens": 6}
    expected = reference("llama", tokenizer, 0, **settings)
    run = scope.generate(PROMPT, **settings)
    assert np.array_equal(run.sequences, expected.sequences.numpy())
    scores = expected.scores[3][0]
    assert_probabilities_close(run.steps[0][3].distribution.base, scores.softmax(0))


def test_random_states_stay_as_they_are(scope):
    torch.manual_seed(11)
    random.seed(11)
    np.random.seed(11)
    states = torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    made_up = scope.generate(PROMPT, max_new_tokens=6, do_sample=True)
    scope.generate(PROMPT, max_new_tokens=6, do_sample=True, num_beams=2)
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.array_equal(np.random.get_state()[1], states[2])
    again = scope.generate(PROMPT, max_new_tokens=6, do_sample=True, seed=made_up.seed)
    assert np.array_equal(again.sequences, made_up.sequences)


@pytest.mark.local
def test_draws_of_others_go_on_as_before(scope):
    """While tokens are drawn, whoever draws from torch's own generator gets his own numbers."""
    torch.manual_seed(4)
    expected = torch.rand(6)
    torch.manual_seed(4)
    drawn = []
    run = generate(
        scope, PROMPT, None, 0, {"max_new_tokens": 6, "do_sample": True},
        lambda _: drawn.append(torch.rand(1)),
    )  # fmt: skip
    assert torch.equal(torch.cat(drawn), expected)
    alone = scope.generate(PROMPT, seed=0, max_new_tokens=6, do_sample=True)
    assert np.array_equal(run.sequences, alone.sequences)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled])
@pytest.mark.local
def test_an_interrupt_ends_it_within_a_step(scope, error):
    whole = scope.generate(PROMPT, seed=0, max_new_tokens=9, do_sample=True)
    passes = []

    def stop(*_: object) -> None:
        passes.append(None)
        if len(passes) == 5:
            raise error

    handle = scope.model.model.layers[1].register_forward_pre_hook(stop)
    run = scope.generate(PROMPT, seed=0, max_new_tokens=9, do_sample=True)
    handle.remove()
    assert run.interrupted and not whole.interrupted
    assert len(passes) == 5
    assert run.ids() == whole.ids()[: run.prompt_length + 4]
    assert [step.prob for step in run.steps[0]] == [s.prob for s in whole.steps[0][:4]]
    again = scope.generate(PROMPT, seed=0, max_new_tokens=9, do_sample=True)
    assert np.array_equal(again.sequences, whole.sequences)


@pytest.mark.local
def test_an_interrupt_before_the_first_token_or_among_beams_is_raised(scope):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    handle = scope.model.model.layers[1].register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        scope.generate(PROMPT, max_new_tokens=3)
    with pytest.raises(KeyboardInterrupt):
        scope.generate(PROMPT, max_new_tokens=3, num_beams=2)
    handle.remove()


@pytest.mark.local
def test_an_error_in_the_model_is_the_callers_and_the_next_attempt_works(scope):
    def fail(*_: object) -> None:
        raise ArithmeticError("in the middle")

    handle = scope.model.model.layers[1].register_forward_pre_hook(fail)
    with pytest.raises(ArithmeticError):
        scope.generate(PROMPT, max_new_tokens=3)
    handle.remove()
    assert len(scope.generate(PROMPT, max_new_tokens=3).steps[0]) == 3


def test_the_model_is_left_as_it_was(tokenizer):
    model = MODELS["llama"]().train()
    scope = Scope(model, tokenizer, name="tiny")
    config = model.generation_config.to_dict()
    quiet = Scope(MODELS["llama"](), tokenizer).generate(PROMPT, max_new_tokens=4).sequences
    run = scope.generate(PROMPT, max_new_tokens=4, do_sample=False)
    assert model.training and model.model.layers[1].training
    assert model.generation_config.to_dict() == config
    assert np.array_equal(run.sequences, quiet)


def test_ids_chats_and_the_decoders_side(scope, tokenizer):
    ids = tokenizer(PROMPT)["input_ids"]
    by_text = scope.generate(PROMPT, max_new_tokens=4)
    for given in (ids, torch.tensor(ids), torch.tensor([ids])):
        assert np.array_equal(scope.generate(given, max_new_tokens=4).sequences, by_text.sequences)
    padded = [*ids, tokenizer.pad_token_id, *ids]  # a padding token that was asked for is read
    run = scope.generate(padded, max_new_tokens=4)
    expected = MODELS["llama"]().generate(
        torch.tensor([padded]), attention_mask=torch.ones(1, len(padded)), max_new_tokens=4
    )
    assert np.array_equal(run.sequences, expected.numpy())
    with pytest.raises(ValueError, match="no chat template"):
        scope.generate([{"role": "user", "content": "Hello"}])
    with pytest.raises(ValueError, match="no decoder side"):
        scope.generate(PROMPT, target="x")

    pair = Scope(MODELS["t5"](), tokenizer, name="tiny")
    free = pair.generate(PROMPT, max_new_tokens=6)
    behind = pair.generate(PROMPT, target=free.ids()[:4], max_new_tokens=3)
    assert behind.ids() == free.ids()
    assert behind.prompt_length == 4


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"temprature": 1}, TypeError, "Did you mean temperature"),
        ({"nonsense": 1}, TypeError, "no setting 'nonsense'"),
        ({"output_scores": True}, TypeError, "Run keeps"),
        ({"num_beams": 2, "num_beam_groups": 2, "diversity_penalty": 1.0}, ValueError, "group"),
        ({"prompt_lookup_num_tokens": 2}, ValueError, "assisted generation"),
        ({"temperature": -1.0, "do_sample": True}, ValueError, "temperature"),
    ],
)
def test_what_it_does_not_do_is_said(scope, settings, error, words):
    with pytest.raises(error, match=words):
        scope.generate(PROMPT, max_new_tokens=3, **settings)


def test_a_masked_model_writes_nothing(tokenizer):
    scope = Scope(MODELS["bert"](), tokenizer, name="tiny")
    with pytest.raises(ValueError, match="can't write"):
        scope.generate(PROMPT)


def test_a_prompt_longer_than_the_context_is_told(scope):
    with pytest.raises(ValueError, match="64"):
        scope.generate(TEXT * 8)


def test_a_text_that_outgrows_the_context_is_told(tokenizer):
    scope = Scope(MODELS["gpt2"](), tokenizer, name="tiny")
    with pytest.raises(ValueError, match="can read 64 tokens"):
        scope.generate(PROMPT, max_new_tokens=80, min_new_tokens=80)
    with pytest.raises(ValueError, match="can read 64 tokens"):
        list(Stepper(scope, PROMPT, max_new_tokens=80, min_new_tokens=80))


def test_the_tree_of_a_run(scope):
    run = scope.generate(
        PROMPT, seed=2, do_sample=True, num_return_sequences=4, max_new_tokens=5, top_k=2
    )
    tree = run.tree
    assert len(tree) < 20  # they begin alike
    paths = {tuple(tree.ids(leaf)) for leaf in tree.leaves()}
    assert paths == {tuple(run.ids(i)) for i in range(4)}
    first = tree.leaves()[0]
    total = sum(step.logprob for step in run.steps[0])
    assert_close(tree.logprob(first), total)
