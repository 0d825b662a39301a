"""A watch in transformers' trainers: what it keeps is what checkpoints say, and no more changes."""

from __future__ import annotations

import random

import numpy as np
import peft
import pytest
import torch
import transformers as tf

from llmscope.scope import Scope
from llmscope.training import History, Watch
from tests import tiny
from tests.unit.test_training import LEARNT, assert_kept

# PEFT 0.21 asks transformers 5.24 by names of before.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*is deprecated")

PAIR = ("The quick brown fox", "jumps over the lazy dog")


def causal(dropout=0.1):
    torch.manual_seed(0)
    return tf.GPT2LMHeadModel(
        tf.GPT2Config(
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_positions=64,
            vocab_size=tiny.VOCABULARY,
            bos_token_id=0,
            eos_token_id=1,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
        )
    )


def seq2seq():
    torch.manual_seed(0)
    return tf.T5ForConditionalGeneration(
        tf.T5Config(
            d_model=32,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=4,
            vocab_size=tiny.VOCABULARY,
            decoder_start_token_id=0,
            pad_token_id=0,
            eos_token_id=1,
        )
    )


def adapted():
    torch.manual_seed(0)
    config = peft.LoraConfig(
        r=4,
        lora_dropout=0.1,
        target_modules=["c_attn"],
        fan_in_fan_out=True,
        init_lora_weights=False,
    )
    return peft.get_peft_model(causal(), config)


def masked():
    torch.manual_seed(0)
    common = tiny._COMMON | {"vocab_size": len(tiny.word_piece())}
    return tf.BertForMaskedLM(tf.BertConfig(**common))


def examples(tokenizer, model):
    source = tokenizer(PAIR[0])["input_ids"]
    if model.config.is_encoder_decoder:
        return [{"input_ids": source, "labels": tokenizer(PAIR[1])["input_ids"]}] * 16
    ids = tokenizer(LEARNT)["input_ids"]
    return [{"input_ids": ids[n % 4 :][:8], "labels": ids[n % 4 :][:8]} for n in range(16)]


def train(model, tokenizer, folder, watch=None, resume=None, callbacks=(), **options):
    """Train for six steps; return the trainer."""
    options = {
        "max_steps": 6,
        "per_device_train_batch_size": 2,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 2,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 3,
        "use_cpu": True,
        **options,
    }
    is_pair = model.config.is_encoder_decoder
    kind, arguments = (
        (tf.Seq2SeqTrainer, tf.Seq2SeqTrainingArguments)
        if is_pair
        else (tf.Trainer, tf.TrainingArguments)
    )
    trainer = kind(
        model=model,
        args=arguments(output_dir=str(folder), **options),
        train_dataset=examples(tokenizer, model),
        processing_class=tokenizer,
        callbacks=[*callbacks, *([] if watch is None else [watch])],
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def of_checkpoint(kind, folder, make):
    """The model of a checkpoint, as one would load it."""
    if kind == "adapted":
        return peft.PeftModel.from_pretrained(causal(), folder)
    return type(make()).from_pretrained(folder)


KINDS = {
    "causal": (causal, "The quick brown fox"),
    "seq2seq": (seq2seq, PAIR),
    "adapted": (adapted, "The quick brown fox"),
    "masked": (masked, "the dogs [MASK] sleep"),
}
# The name before transformers 5.24.
CHECKPOINTED = (
    "activation_checkpointing"
    if "activation_checkpointing" in tf.TrainingArguments.__dataclass_fields__
    else "gradient_checkpointing"
)
OPTIONS = {
    "plain": {},
    "accumulated": {"gradient_accumulation_steps": 2},
    "mixed": {"bf16": True},
    "checkpointed": {CHECKPOINTED: True},
}
SAMPLE = {("causal", "mixed"), ("seq2seq", "plain"), ("adapted", "checkpointed")}
SAMPLE |= {("masked", "accumulated")}
CASES = [
    pytest.param(kind, options, marks=[] if (kind, options) in SAMPLE else pytest.mark.whole)
    for kind in KINDS
    for options in OPTIONS
]


def after(model, tokenizer, folder, watch, options):
    """Train a model; return all that a training leaves behind."""
    random.seed(1)
    np.random.seed(1)
    train(model, tokenizer, folder, watch, **options)
    modules = [*model.modules()]
    return {
        "weights": model.state_dict(),
        "torch": torch.get_rng_state(),
        "numpy": np.random.rand(),
        "python": random.random(),
        "modes": [module.training for module in modules],
        "hooks": [
            len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules
        ],
        "names": [sorted(module.__dict__) for module in modules],
        "gradients": [parameter.grad is None for parameter in model.parameters()],
    }


def assert_same(one, other):
    for name, item in one.pop("weights").items():
        assert torch.equal(item, other["weights"][name]), name
    assert torch.equal(one.pop("torch"), other["torch"])
    for name, item in one.items():
        assert item == other[name], name


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_what_a_checkpoint_says_is_kept_and_nothing_changes(kind, options, tokenizer, tmp_path):
    make, probe = KINDS[kind]
    tokenizer = tiny.word_piece() if kind == "masked" else tokenizer
    watch, chosen = Watch([probe], 2), OPTIONS[options]
    watched = after(make(), tokenizer, tmp_path, watch, chosen)
    alone = after(make(), tokenizer, tmp_path / "alone", None, {**chosen, "save_strategy": "no"})
    assert_same(alone, watched)
    history = watch.history
    assert history.steps == (0, 2, 4, 6)
    assert history.total == 6
    assert history.notes == ()
    assert history.state == "ended"
    assert history.log["step"].tolist() == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "learning_rate", "grad_norm"):
        assert np.isfinite(history.log[name]).all()
    for step in history.steps[1:]:
        model = of_checkpoint(kind, tmp_path / f"checkpoint-{step}", make)
        text, target = probe if kind == "seq2seq" else (probe, None)
        trace = Scope(model, tokenizer).trace(text, target=target)
        where = list(trace.gaps) if kind == "masked" else [len(trace) - 1]
        assert history.probes[0].positions == tuple(where)
        assert set(history.probes[0].kinds) == set(trace.kinds)
        assert_kept(history.at(step), 0, trace, where)
    early, late = (history.at(step).next_token().logits for step in (2, 6))
    assert not np.allclose(early, late), "it has learned"


def test_a_resumed_run_goes_on_in_the_folder(tokenizer, tmp_path):
    whole = Watch(["The quick"], 1, folder=tmp_path / "whole")
    train(causal(), tokenizer, tmp_path / "a", whole)
    first = Watch(["The quick"], 1, folder=tmp_path / "kept")

    class Interrupt(tf.TrainerCallback):
        def on_step_end(self, args, state, control, **rest):
            if state.global_step == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(causal(), tokenizer, tmp_path / "b", first, callbacks=[Interrupt()])
    assert first.history.state == "broken off"
    assert History(tmp_path / "kept").steps == (0, 1, 2)
    again = Watch(["The quick"], 1, folder=tmp_path / "kept")
    train(causal(), tokenizer, tmp_path / "b", again, resume=str(tmp_path / "b/checkpoint-2"))
    for history in (again.history, History(tmp_path / "kept")):
        assert history.steps == (0, 1, 2, 3, 4, 5, 6)
        assert history.state == "ended"
        assert history.log["step"].tolist() == [1, 2, 3, 4, 5, 6]
    for step in range(7):
        mine, other = again.history.at(step), whole.history.at(step)
        assert np.array_equal(mine.logprobs(), other.logprobs())
        assert np.array_equal(mine.matrices()["codes"], other.matrices()["codes"])


@pytest.mark.parametrize("elsewhere", [False, True])
def test_stopping(elsewhere, tokenizer, tmp_path):
    watch = Watch(["The quick"], 1000, folder=tmp_path / "kept")

    class Stop(tf.TrainerCallback):
        def on_step_begin(self, args, state, control, **rest):
            if state.global_step == 2:
                History(tmp_path / "kept").stop() if elsewhere else watch.stop()

    trainer = train(
        causal(),
        tokenizer,
        tmp_path / "a",
        watch,
        callbacks=[Stop()],
        max_steps=500,
        save_steps=500,
    )
    last = trainer.state.global_step
    assert last < 500 if elsewhere else last == 3
    assert watch.history.steps == (0, last)
    assert watch.history.state == "stopped"


def test_the_last_step_is_not_that_of_the_best_weights(tokenizer, tmp_path):
    watch = Watch(["The quick"], 100)
    model = causal()
    copies = []

    class Copy(tf.TrainerCallback):
        def on_step_end(self, args, state, control, **rest):
            copies.append({name: item.clone() for name, item in model.state_dict().items()})

    options = {"load_best_model_at_end": True, "eval_strategy": "steps", "eval_steps": 2}
    arguments = tf.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=6,
        learning_rate=1.0,
        save_steps=2,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **options,
    )
    data = examples(tokenizer, model)
    tf.Trainer(
        model=model,
        args=arguments,
        train_dataset=data,
        eval_dataset=data[:2],
        processing_class=tokenizer,
        callbacks=[Copy(), watch],
    ).train()
    assert watch.history.steps == (0, 6)
    assert np.isfinite(watch.history.log["eval_loss"]).sum() == 3
    model.load_state_dict(copies[-1])
    trace = Scope(model, tokenizer).trace("The quick")
    assert_kept(watch.history.at(6), 0, trace, [len(trace) - 1])


def test_without_a_tokenizer_it_says_what_to_do(tokenizer, tmp_path):
    arguments = tf.TrainingArguments(output_dir=str(tmp_path), report_to="none", use_cpu=True)
    trainer = tf.Trainer(
        model=causal(),
        args=arguments,
        train_dataset=examples(tokenizer, causal()),
        callbacks=[Watch(["The"])],
    )
    with pytest.raises(ValueError, match=r"processing_class=tokenizer"):
        trainer.train()
    with pytest.raises(ValueError, match=r"Watch\(..., model=model\)"):
        Watch(["The"], tokenizer=tokenizer).step(0)
