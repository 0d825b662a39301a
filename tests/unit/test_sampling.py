from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig

from llmscope import Distribution
from tests import tiny
from tests.closeness import assert_close

ORDER = (
    "repetition_penalty", "no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p",
    "typical_p", "epsilon_cutoff", "eta_cutoff",
)  # fmt: skip
SETTINGS = [
    {},
    {"temperature": 0.7},
    {"temperature": 2.0, "top_k": 5},
    {"top_k": 50, "top_p": 0.9},
    {"temperature": 1.3, "top_k": 50, "top_p": 0.88, "min_p": 0.05},
    {"min_p": 0.3},
    {"top_p": 0.0},
    {"top_k": 1},
    {"temperature": 0.05, "top_p": 0.999},
    {"typical_p": 0.4},
    {"epsilon_cutoff": 0.003, "temperature": 1.5},
    {"eta_cutoff": 0.01},
    {"repetition_penalty": 1.4, "temperature": 0.8},
    {"no_repeat_ngram_size": 2, "top_k": 10},
    {"temperature": 1.2, "top_k": 40, "top_p": 0.95, "min_p": 0.02, "typical_p": 0.9},
]
IDS = [1, 0, 1, 0, 1]


def random_logits(size: int = 500, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 3


def transformers_probs(logits: torch.Tensor, **asked: float) -> torch.Tensor:
    """What `generate` would sample from, by its own list of processors."""
    model = tiny.MODELS["llama"]()
    config = GenerationConfig(do_sample=True, **{"top_k": 0} | asked)
    model._prepare_special_tokens(config, False, device=torch.device("cpu"))
    processors = model._get_logits_processor(config, len(IDS), None, None, [], device="cpu")
    return processors(torch.tensor([IDS]), logits[None].clone()).softmax(-1)[0]


@pytest.mark.parametrize("asked", SETTINGS)
@pytest.mark.parametrize("size", [2, 500, 49_152])
def test_probabilities_and_kept_tokens_are_those_of_generate(asked, size):
    logits = random_logits(size)
    expected = transformers_probs(logits, **asked).numpy()
    found = Distribution.from_logits(logits, input_ids=IDS, **asked)
    assert np.array_equal(found.probs, expected)
    assert [stage.name for stage in found.stages] == [name for name in ORDER if name in asked]


def test_nothing_asked_is_nothing_done():
    logits = random_logits()
    found = Distribution.from_logits(logits)
    assert found.stages == ()
    assert np.array_equal(found.probs, logits.softmax(-1).numpy())


def test_the_three_engines_differ_as_they_do():
    logits = np.log([0.5, 0.3, 0.1, 0.06, 0.04])
    kept = {
        order: np.count_nonzero(
            Distribution.from_logits(logits, top_p=0.85, min_p=0.15, order=order).probs
        )
        for order in ("transformers", "llama.cpp", "vllm")
    }
    assert kept == {"transformers": 3, "llama.cpp": 3, "vllm": 2}
    kept = {
        order: np.count_nonzero(
            Distribution.from_logits([3.0, 2, 1], temperature=0.5, top_p=0.8, order=order).probs
        )
        for order in ("transformers", "llama.cpp", "vllm")
    }
    assert kept == {"transformers": 1, "llama.cpp": 2, "vllm": 1}


def test_llama_cpp_scales_last_and_cuts_ties():
    found = Distribution.from_logits([2.0, 2, 2, 0], temperature=2, top_k=2, order="llama.cpp")
    assert [stage.name for stage in found.stages] == ["top_k", "temperature"]
    assert found.probs.tolist() == [0.5, 0.5, 0, 0]


@pytest.mark.parametrize("order", ["transformers", "llama.cpp"])
def test_typical_keeps_what_is_as_surprising_as_the_entropy(order):
    probs = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    entropy = -(probs * np.log(probs)).sum()
    nearest = np.argsort(np.abs(-np.log(probs) - entropy))
    found = Distribution.from_logits(np.log(probs), typical_p=0.3, order=order)
    assert set(np.flatnonzero(found.probs)) == set(nearest[:2])


@pytest.mark.parametrize(
    ("order", "asked"), [("vllm", {"typical_p": 0.5}), ("llama.cpp", {"eta_cutoff": 0.1})]
)
def test_what_an_engine_does_not_have_is_refused(order, asked):
    with pytest.raises(ValueError, match=f"{order} has no {next(iter(asked))}"):
        Distribution.from_logits([1.0, 0.0], order=order, **asked)
    with pytest.raises(ValueError, match=r"one of transformers, llama\.cpp, vllm"):
        Distribution.from_logits([1.0, 0.0], order="ollama")


def test_a_generation_config_brings_the_defaults_and_says_whose():
    logits = random_logits()
    config = GenerationConfig(do_sample=True, temperature=0.7)
    own = GenerationConfig(top_p=0.9)
    found = Distribution.from_logits(logits, generation_config=config, model_config=own)
    assert [(s.name, s.setting, s.origin) for s in found.stages] == [
        ("temperature", 0.7, "given"),
        ("top_k", 50, "a default"),
        ("top_p", 0.9, "the model's generation_config"),
    ]
    expected = Distribution.from_logits(logits, temperature=0.7, top_k=50, top_p=0.9)
    assert np.array_equal(found.probs, expected.probs)
    greedy = Distribution.from_logits(logits, generation_config=GenerationConfig())
    assert greedy.probs.max() == 1
    with pytest.raises(ValueError, match="not both"):
        Distribution.from_logits(logits, generation_config=config, top_k=3)


def test_what_is_no_distribution_is_refused():
    for logits in ([math.nan, 1.0], [-math.inf, -math.inf]):
        with pytest.raises(ValueError, match="must be numbers"):
            Distribution.from_logits(logits)
    with pytest.raises(ValueError, match="guidance_scale"):
        Distribution.from_logits([0.0], generation_config=GenerationConfig(guidance_scale=1.5))
    with pytest.raises(ValueError, match="0 or more"):
        Distribution.from_logits([0.0]).top(-1)


def test_ids_may_be_an_array_and_every_processor_has_its_settings_name():
    config = GenerationConfig(do_sample=True, top_k=0, suppress_tokens=[1])
    own = GenerationConfig(bad_words_ids=[[2]])
    found = Distribution.from_logits(
        np.zeros(5), generation_config=config, model_config=own, input_ids=np.array([1, 2])
    )
    assert {(s.name, s.origin) for s in found.stages} == {
        ("bad_words_ids", "the model's generation_config"),
        ("suppress_tokens", "given"),
    }
    assert "nan" not in repr(found)


def test_penalties_need_the_tokens_so_far(scope):
    with pytest.raises(ValueError, match="give input_ids"):
        Distribution.from_logits([0.0, 1.0], repetition_penalty=1.2)
    trace = scope.trace([5, 6, 5, 6, 5])
    assert trace.next_token(no_repeat_ngram_size=2).probs[6] == 0
    assert trace.next_token(position=0, no_repeat_ngram_size=2).stages[0].kept == 300


def test_two_distributions_are_compared():
    even = Distribution.from_logits(np.log([0.5, 0.5]))
    uneven = Distribution.from_logits(np.log([0.25, 0.75]))
    assert_close(even.diff(even).kl, 0, size=1)
    assert_close(even.diff(uneven).total_variation, 0.25)
    assert_close(even.diff(uneven).kl, 0.5 * np.log2(2) + 0.5 * np.log2(2 / 3))
    assert even.diff(Distribution.from_logits([1.0, 0.0], top_k=1)).kl == math.inf
    assert_close(even.effective_vocabulary, 2)


def test_each_stage_says_what_it_kept_and_removed():
    found = Distribution.from_logits(
        torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0]), temperature=0.5, top_k=3, top_p=0.9
    )
    assert [(s.name, s.setting, s.kept) for s in found.stages] == [
        ("temperature", 0.5, 5),
        ("top_k", 3, 3),
        ("top_p", 0.9, 2),
    ]
    warm, cut, last = found.stages
    assert warm.removed == 0
    assert_close(cut.removed, warm.probs[3:].sum(), size=1)
    assert_close(last.removed, cut.probs[2], size=1)
    assert [row.cut_by for row in found.top(5)] == [None, None, "top_p", "top_k", "top_k"]


def test_greedy_puts_all_mass_on_the_likeliest():
    found = Distribution.from_logits([1.0, 3.0, 2.0], temperature=0)
    assert found.probs.tolist() == [0, 1, 0]
    assert found.entropy == 0


def test_top_k_keeps_ties_as_transformers_does():
    assert Distribution.from_logits([1.0, 2.0, 2.0, 0.0], top_k=1).stages[0].kept == 2


def test_entropy_is_in_bits():
    assert_close(Distribution.from_logits([0.0] * 8).entropy, 3)


def test_a_draw_is_torch_multinomials_and_leaves_the_users_state_alone():
    found = Distribution.from_logits(random_logits())
    state = torch.random.get_rng_state()
    drawn = [found.sample(seed) for seed in range(20)]
    assert torch.equal(torch.random.get_rng_state(), state)
    for seed, token in enumerate(drawn):
        generator = torch.Generator().manual_seed(seed)
        assert token == int(
            torch.multinomial(torch.from_numpy(found.probs), 1, generator=generator)
        )


def test_pick_walks_the_cumulative_probability_from_the_likeliest():
    found = Distribution.from_logits(np.log([0.2, 0.5, 0.3]))
    assert [found.pick(u) for u in (0.0, 0.49, 0.51, 0.79, 0.81, 0.999999)] == [1, 1, 2, 2, 0, 0]
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        found.pick(1.0)


def test_top_names_the_tokens(tokenizer):
    logits = torch.zeros(300)
    logits[tokenizer.convert_tokens_to_ids("x")] = 9
    row = Distribution.from_logits(logits, tokenizer=tokenizer).top(1)[0]
    assert (row.text, row.rank, row.kept) == ("x", 0, True)


def test_a_table_of_all_tokens():
    table = Distribution.from_logits(random_logits(20), top_k=3).to_pandas()
    assert len(table) == 20
    assert_close(table["prob"].sum(), 1)
    assert table["cut_by"].isna().sum() == 3


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"temperature": -0.1}, "0 or more"),
        ({"temperature": math.nan}, "0 or more"),
        ({"temperature": "hot"}, "0 or more"),
        ({"top_p": 1.1}, "between 0 and 1"),
        ({"min_p": -0.1}, "between 0 and 1"),
        ({"top_k": -1}, "whole number"),
        ({"top_k": 2.5}, "whole number"),
    ],
)
def test_bad_settings_name_the_allowed_range(asked, allowed):
    with pytest.raises(ValueError, match=allowed):
        Distribution.from_logits([0.0, 1.0], **asked)
    with pytest.raises(TypeError):
        Distribution.from_logits([0.0, 1.0], tempreature=1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=40),
    st.floats(0.05, 5),
    st.integers(0, 45),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_distribution_sums_to_one_and_keeps_something(logits, t, k, p, m):
    found = Distribution.from_logits(logits, temperature=t, top_k=k, top_p=p, min_p=m)
    assert_close(found.probs.sum(), 1)
    kept = [stage.kept for stage in found.stages]
    assert all(count >= 1 for count in kept)
    assert kept == sorted(kept, reverse=True)
