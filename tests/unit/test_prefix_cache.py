from __future__ import annotations

import gc
import random
import threading
from types import FunctionType, MethodType, ModuleType

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.capture import Cancelled
from llmscope.capture.prefix_cache import kept_for
from llmscope.capture.sample import SHARES, seen
from llmscope.generation import Stepper
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS

TEXT = "The quick brown fox jumps over the lazy dog"
EDITS = [
    TEXT,
    TEXT + ",",
    TEXT + ", a",
    TEXT + ", an",
    TEXT + ", and then",
    TEXT[:20] + " cat",
    TEXT[:20] + " cat sat on the mat",
    TEXT[:12],
    TEXT[:20] + " cat sat up",
    "Xy " + TEXT,
]
CROPPED = ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "cohere", "gptj", "bloom", "falcon"]
WHOLE = ["bert", "albert", "bert_encoder", "mamba"]


def warm(name: str, tokenizer) -> tuple[Scope, list[int]]:
    """A scope, and how many tokens each pass of its model read."""
    scope = Scope(MODELS[name](), tokenizer, name="tiny")
    return scope, counted(scope)


def counted(scope: Scope) -> list[int]:
    read: list[int] = []
    whole = scope.runner.record

    def counting(inputs, *rest):
        read.append(inputs["input_ids"].shape[1])
        return whole(inputs, *rest)

    scope.runner.record = counting
    return read


def cold(model: torch.nn.Module, tokenizer) -> Scope:
    scope = Scope(model, tokenizer, name="tiny")
    scope.cache_limit = 0
    return scope


def assert_equal(one, other) -> None:
    """All that can be read of two traces."""
    assert one.ids == other.ids
    assert one.layers() == other.layers()
    if one.scope.runner.head.exists:
        assert_close(one.logits, other.logits)
        assert_close(one.logits_at(-2), other.logits_at(-2))
        if one.scope.facts.family == "causal":
            assert_close(one.logprobs, other.logprobs)
            assert np.array_equal(one.ranks, other.ranks)
    for layer in (1, 3):
        assert_close(one.hidden(layer), other.hidden(layer))
    for layer in one.layers():
        assert one.heads(layer) == other.heads(layer)
        assert_probabilities_close(one.attention(layer), other.attention(layer))
        rows = [len(one) - 1, 2]
        assert_probabilities_close(one.attention(layer, 1, rows), other.attention(layer, 1, rows))
        if one.recording.forward.attention:
            for a, b in zip(one.qkv(layer, 1), other.qkv(layer, 1), strict=True):
                assert_close(a, b)


@pytest.mark.parametrize("name", [*CROPPED, *WHOLE])
def test_an_edit_is_read_as_if_it_were_new(name, tokenizer):
    scope, read = warm(name, tokenizer)
    fresh = cold(MODELS[name](), tokenizer)
    for text in EDITS:
        before = len(read)
        trace = scope.trace(text)
        passes = read[before:]
        assert_equal(trace, fresh.trace(text))
        if name in WHOLE:
            assert passes == [len(trace)]
        elif text is EDITS[7]:
            assert passes == [
                1
            ]  # all of it is cached: the last token shows whether it is still true
        elif text not in (EDITS[0], EDITS[1], EDITS[-1]):  # new; once held to a whole pass; new
            assert len(passes) == 1 and passes[0] < len(trace) / 2
    assert scope.runner.prefix_cache.works is (None if name in WHOLE else True)


@pytest.mark.parametrize(
    ("name", "implementation"),
    [("llama", "sdpa"), ("llama", "eager"), ("mistral", "sdpa"), ("mistral", "eager"),
     ("gemma2", "eager"), ("gpt_oss", "eager")],
)  # fmt: skip
def test_letter_by_letter_past_the_window_and_back(name, implementation, tokenizer):
    model = MODELS[name]()
    model.set_attn_implementation(implementation)
    scope = Scope(model, tokenizer)
    fresh = cold(model, tokenizer)
    for end in (*range(1, len(TEXT)), *range(len(TEXT), 3, -5), 30):
        trace = scope.trace(TEXT[:end])
    assert_equal(trace, fresh.trace(TEXT[:30]))
    calls = trace.recording.forward.calls
    assert all(len(rows.pieces) < 6 for call in calls for rows in call.rows[:3])


def test_it_goes_on_with_another_implementation(tokenizer):
    scope, read = warm("mistral", tokenizer)
    scope.trace(TEXT)
    scope.model.set_attn_implementation("eager")
    trace = scope.trace(TEXT + " sleeps")
    assert read[-1] == len(trace)
    assert_equal(trace, cold(scope.model, tokenizer).trace(TEXT + " sleeps"))


def test_what_changed_weights_have_read_is_forgotten(tokenizer):
    scope, _ = warm("llama", tokenizer)
    scope.trace(TEXT)
    with torch.no_grad():
        scope.model.model.layers[0].mlp.up_proj.weight.mul_(1.5)
    assert_equal(
        scope.trace(TEXT + " sleeps"), cold(scope.model, tokenizer).trace(TEXT + " sleeps")
    )


def test_nothing_is_kept_of_a_model_with_hooks(tokenizer):
    scope, read = warm("llama", tokenizer)
    count = len(scope.trace(TEXT))
    strength = [0.0]
    layer = scope.model.model.layers[1]
    handle = layer.register_forward_hook(lambda module, args, output: output + strength[0])
    for strength[0] in (1.0, 2.0):
        trace = scope.trace(TEXT)
        assert_equal(trace, cold(scope.model, tokenizer).trace(TEXT))
    handle.remove()
    assert read == [count] * 3
    assert_equal(scope.trace(TEXT), cold(MODELS["llama"](), tokenizer).trace(TEXT))


@pytest.mark.parametrize("name", ["llama", "mistral", "bloom"])
def test_an_abandoned_or_broken_pass_leaves_the_cache_whole(name, tokenizer):
    scope, _ = warm(name, tokenizer)
    scope.trace(TEXT)
    scope.trace(TEXT + ",")
    size = scope.cache_bytes
    if name != "bloom":  # which asks no interface, and so is not asked between layers
        asked = []
        with pytest.raises(Cancelled):
            scope.trace(TEXT + ", and", cancelled=lambda: len(asked) > 1 or asked.append(None))
    whole = scope.model.lm_head.forward

    def fail(*_: object) -> None:
        raise ArithmeticError

    scope.model.lm_head.forward = fail
    with pytest.raises(ArithmeticError):
        scope.trace(TEXT + ", and")
    scope.model.lm_head.forward = whole
    del scope.model.lm_head.forward
    assert scope.cache_bytes <= size
    assert_equal(scope.trace(TEXT + ", or"), cold(MODELS[name](), tokenizer).trace(TEXT + ", or"))


def test_memory_is_counted_bounded_and_given_back(tokenizer):
    scope, read = warm("llama", tokenizer)
    scope.trace(TEXT)
    scope.trace(TEXT + ",")  # held to a whole pass, once
    scope.forget()
    one = scope.trace("The quick brown fox")
    assert scope.cache_bytes == sum(
        {
            item.untyped_storage().data_ptr(): item.untyped_storage().nbytes()
            for item in one.recording.forward.tensors()
        }.values()
    )
    each = scope.cache_bytes
    scope.cache_limit = 3 * each
    texts = [f"{letter} quick brown fox" for letter in "ABCDEFGH"]
    for text in texts:
        scope.trace(text)
        assert 0 < scope.cache_bytes <= scope.cache_limit
    whole = read[-1]
    read.clear()
    scope.trace(texts[-1])  # the last ones are there
    assert read == [1]
    scope.trace(texts[0])  # the first are gone
    assert read == [1, whole]
    scope.trace(texts[-1])  # and what was used last is there still
    assert read == [1, whole, 1]
    scope.cache_limit = each // 2  # nothing fits
    assert scope.cache_bytes == 0
    scope.trace(TEXT)
    assert scope.cache_bytes == 0
    scope.cache_limit = 2**20
    scope.trace(TEXT)
    assert scope.cache_bytes > 0
    scope.forget()
    assert scope.cache_bytes == 0
    with pytest.raises(ValueError, match="number of bytes"):
        scope.cache_limit = -1


def test_who_reads_most_makes_room_for_others(tokenizer):
    scope, read = warm("llama", tokenizer)
    with kept_for("student"):
        scope.trace(TEXT)
        scope.trace(TEXT)  # from the cache, which is found to equal a whole pass
    each = scope.cache_bytes
    scope.cache_limit = 3 * each + each // 2
    for letter in "abcdefgh":  # of which no two have a beginning in common
        with kept_for("survey"):
            scope.trace(letter + TEXT[1:])
    assert 2 * each < scope.cache_bytes <= scope.cache_limit
    read.clear()
    with kept_for("student"):
        scope.trace(TEXT)
    assert read == [1], "it is there still"
    with kept_for("survey"):
        scope.trace("h" + TEXT[1:])
    assert read == [1, 1], "and so is what was read last"


def held(scope: Scope) -> int:
    """Bytes of all tensors that can be reached from the cache, and aren't the model's."""
    seen: dict[int, object] = {}
    waiting: list[object] = [scope.runner.prefix_cache._entries]
    passed = (type, ModuleType, FunctionType, MethodType, torch.nn.Module, tf.PreTrainedConfig)
    while waiting:
        item = waiting.pop()
        if id(item) not in seen and not isinstance(item, passed):
            seen[id(item)] = item
            waiting += gc.get_referents(item)
    storages = {
        (item.untyped_storage().data_ptr(), item.untyped_storage().nbytes())
        for item in seen.values()
        if isinstance(item, torch.Tensor)
    }
    return sum(size for _, size in storages)


@pytest.mark.parametrize("name", ["llama", "mistral", "gptj"])
def test_what_is_counted_is_what_is_held_however_it_is_read(name, tokenizer):
    scope = Scope(MODELS[name](), tokenizer, name="tiny")
    scope.trace(TEXT), scope.trace(TEXT + ",")
    scope.forget()
    scope.cache_limit = 2**19
    dice = random.Random(0)
    text, traces = TEXT, []
    for _ in range(40):
        place = dice.randint(1, len(text))
        text = dice.choice([text[:place], text + " and", text[:place] + "Xy" + text[place:]])[:90]
        traces = [*traces, scope.trace(text)][-dice.randint(1, 4) :]
        assert scope.cache_bytes == held(scope)
        read = dice.choice(traces)  # what was recorded in pieces is concatenated
        read.attention(dice.choice(read.layers()))
        read.logits_at(0)
        if dice.random() < 0.2:
            list(Stepper(scope, text[:20], max_new_tokens=3))
        assert scope.cache_bytes == held(scope) <= scope.cache_limit
    scope.cache_limit = 0
    assert scope.cache_bytes == held(scope) == 0


def test_traces_of_one_beginning_share_their_memory(tokenizer):
    scope, _ = warm("llama", tokenizer)
    long = scope.trace(TEXT)
    short = scope.trace(TEXT[:20])
    for a, b in zip(long.recording.forward.calls, short.recording.forward.calls, strict=True):
        assert a.key.data_ptr() == b.key.data_ptr()
        assert a.query.data_ptr() == b.query.data_ptr()


def test_a_change_that_only_the_self_check_meets_does_not_turn_the_cache_off(tokenizer, caplog):
    scope, _ = warm("llama", tokenizer)
    scope.trace(TEXT)
    weight = scope.model.model.layers[0].mlp.up_proj.weight
    looked = set().union(*(seen(weight.shape, share) for share in range(SHARES)))
    hidden = next(place for place in range(weight.numel()) if place not in looked)
    weight.data.view(-1)[hidden] = 1e3
    fresh = cold(scope.model, tokenizer)
    for text in (TEXT + ",", TEXT + ", and", TEXT):
        assert_equal(scope.trace(text), fresh.trace(text))
    assert scope.runner.prefix_cache.works
    assert not caplog.records


def test_a_model_that_looks_ahead_is_found_out(tokenizer, caplog):
    """Made for decoding, and with a cache, but each token sees those behind it."""
    torch.manual_seed(0)
    config = tf.BertConfig(**tiny._COMMON, is_decoder=True)
    model = tf.BertLMHeadModel(config).eval()
    for parameter in model.parameters():
        parameter.data.mul_(2)
    assert_equal_edits(model, tokenizer, holds=True)
    assert not caplog.records
    for layer in model.bert.encoder.layer:
        layer.attention.self.is_causal = False
    original = (
        type(model.bert)._create_attention_masks
        if hasattr(type(model.bert), "_create_attention_masks")
        else None
    )
    assert original is not None

    def all_seen(self, *args, **kwargs):
        return None, None

    model.bert._create_attention_masks = all_seen.__get__(model.bert)
    assert_equal_edits(model, tokenizer, holds=False)
    (record,) = caplog.records
    assert "each text of BertLMHeadModel whole" in record.getMessage()


def assert_equal_edits(model, tokenizer, holds: bool) -> None:
    scope, fresh = Scope(model, tokenizer), cold(model, tokenizer)
    for text in (EDITS[0], EDITS[7], EDITS[4]):
        assert_close(scope.trace(text).logits, fresh.trace(text).logits)
    assert scope.runner.prefix_cache.works is holds
    scope.forget()
    assert scope.runner.prefix_cache.works is (holds or None), "it is tried again"


def test_rotary_frequencies_that_follow_the_length_are_read_whole(tokenizer):
    config = tf.LlamaConfig(
        **{**tiny._GROUPED, "max_position_embeddings": 16},
        rope_parameters={"rope_type": "dynamic", "factor": 4.0, "rope_theta": 100.0},
    )
    torch.manual_seed(0)
    model = tf.LlamaForCausalLM(config).eval()
    scope = Scope(model, tokenizer)
    scope._context = None
    read = counted(scope)
    for text in (TEXT[:20], TEXT[:40]):
        trace = scope.trace(text)
        assert read[-1] == len(trace)


def test_two_threads_on_one_scope(scope, tokenizer):
    fresh = cold(scope.model, tokenizer)
    texts = [TEXT[:end] + extra for end in range(5, 40, 5) for extra in ("", " a", " b")]
    found: dict[str, np.ndarray] = {}

    def work(mine: list[str]) -> None:
        for text in mine:
            found[text] = scope.trace(text).logits_at(-1)

    threads = [threading.Thread(target=work, args=(texts[i::2],)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == set(texts)
    for text in texts:
        assert_close(found[text], fresh.trace(text).logits_at(-1))


def test_what_was_traced_is_not_read_again_by_who_writes_on(tokenizer):
    scope, _ = warm("llama", tokenizer)
    scope.trace(TEXT)
    read = []
    prepare = scope.model.prepare_inputs_for_generation

    def counting(*args, **kwargs):
        inputs = prepare(*args, **kwargs)
        read.append(inputs["input_ids"].shape[1])
        return inputs

    stepper = Stepper(scope, TEXT, max_new_tokens=6)
    scope.model.prepare_inputs_for_generation = counting
    nodes = list(stepper)
    assert read == [1] * 6
    stepper.force(9, after=nodes[2].number)
    assert read == [1] * 6  # its logits are kept
    stepper.step()
    assert read == [1] * 7
    stepper.trace()
    assert read[7:] == [5]  # what was written was not recorded until now
    del scope.model.prepare_inputs_for_generation
