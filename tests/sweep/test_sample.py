"""Some model types of the sweep: one or more for every way in which attention is made and read."""

from __future__ import annotations

import pytest

from tests.sweep.check import TOLERANCE, Result, check
from tests.sweep.models import entries

SAMPLE = {
    # (mapping, model type): read by, and what is special about it
    ("causal", "gpt2"): ("tap", []),
    ("causal", "mistral"): ("tap", ["grouped heads", "sliding window"]),
    ("causal", "llama4_text"): ("tap", ["chunks", "grouped heads"]),
    ("causal", "gemma2"): ("tap", ["grouped heads", "sliding window", "softcap"]),
    ("causal", "gpt_oss"): ("tap", ["grouped heads", "sink", "sliding window"]),
    ("causal", "deepseek_v32"): ("tap", ["latent attention", "sparse selection"]),
    ("causal", "deepseek_v4"): ("tap", [
        "grouped heads", "keys that are no tokens", "linear or recurrent layers", "sink",
        "sliding window",
    ]),
    ("causal", "inkling_text"): ("tap", ["grouped heads", "relative bias", "sliding window"]),
    ("causal", "qwen3_next"): ("tap", ["grouped heads", "linear or recurrent layers"]),
    ("causal", "jamba"): ("tap", ["grouped heads", "linear or recurrent layers"]),
    ("causal", "dots3_note_text"): ("tap", ["latent attention", "sparse selection"]),
    ("causal", "diffllama"): ("tap", []),  # two calls of attention in each layer, on one softmax
    ("causal", "longcat_flash"): ("tap", ["latent attention"]),  # two attentions in each layer
    ("causal", "hrm_text"): ("tap", ["layers that share their weights"]),
    ("causal", "blt"): ("tap", ["sliding window"]),  # patches attend, too
    ("causal", "bart"): ("tap", []),  # a decoder alone
    ("causal", "bloom"): ("own output", ["ALiBi"]),
    ("causal", "cpmant"): ("own output", ["keys that are no tokens"]),
    ("causal", "rwkv"): ("none", ["linear or recurrent layers"]),
    ("causal", "xlstm"): ("none", ["linear or recurrent layers"]),  # has hidden states of its own
    ("causal", "big_bird"): ("own output", []),  # another attention where there is a cache
    ("causal", "mamba"): ("none", ["linear or recurrent layers"]),
    ("masked", "albert"): ("tap", ["layers that share their weights"]),
    ("masked", "modernbert"): ("tap", ["sliding window"]),
    ("masked", "big_bird"): ("own output", []),
    ("masked", "longformer"): ("own output", ["sliding window"]),
    ("masked", "funnel"): ("own output", []),
    ("masked", "perceiver"): ("none", []),
    ("seq2seq", "t5"): ("tap", ["relative bias"]),
    ("seq2seq", "t5gemma2"): ("tap", [
        "grouped heads", "keys that are no tokens", "sliding window",
    ]),
    ("seq2seq", "longt5"): ("tap and own output", ["relative bias", "sliding window"]),
    ("seq2seq", "pegasus_x"): ("tap and own output", ["chunks", "keys that are no tokens"]),
    ("seq2seq", "prophetnet"): ("own output", []),
}  # fmt: skip
SLOW = {"rwkv", "xlstm", "hrm_text", "blt"}  # to edit, and mostly refused


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("mapping", "model_type"), SAMPLE)
def test_logits_and_attention_are_the_models_own(mapping, model_type):
    entry = next(e for e in entries() if (e.mapping, e.model_type) == (mapping, model_type))
    result = check(entry, edits="none" if model_type in SLOW else "few")
    assert (result.by, result.features) == SAMPLE[mapping, model_type]
    assert result.equal, result
    assert not result.whole.wrong
    assert not result.edits.wrong, result.edits.wrong
    assert bool(result.read) == (" attention" not in result.remark)


def test_a_difference_is_one():
    result = Result("causal", "gpt2", logits=0.0, attention=2 * TOLERANCE)
    assert not result.equal
