"""Training with a watch and without: steps a second, and memory and disk over 2,000 steps."""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Callable

import numpy as np
import peft
import psutil
import pytest
import torch
import transformers as tf

from llmscope.training import Watch
from tests.bench.passes import load
from tests.bench.table import show
from tests.tiny import byte_level

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))  # of ten steps with a watch and ten without
STEPS = int(os.environ.get("BENCH_STEPS", "2000"))
EVERY = 10
PROBES = [
    "The capital of France is",
    "When Mary and John went to the store, John gave a drink to",
    "def fib(n):\n    return",
]
CLOCKS = (time.perf_counter, time.process_time)

pytestmark = pytest.mark.timeout(0)


def lora():
    """SmolLM2-135M with adapters of rank 8 in queries and values."""
    scope = load()
    torch.manual_seed(0)
    config = peft.LoraConfig(r=8, lora_dropout=0.05, target_modules=["q_proj", "v_proj"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT asks transformers by names of before
        return peft.get_peft_model(scope.model, config), scope.tokenizer, (8, 32)


def scratch():
    """A model of 3 million weights with new weights: 4 layers of 8 heads."""
    torch.manual_seed(0)
    tokenizer = byte_level()
    config = tf.GPT2Config(
        n_embd=256, n_layer=4, n_head=8, n_positions=128, vocab_size=len(tokenizer)
    )
    return tf.GPT2LMHeadModel(config), tokenizer, (8, 64)


def training(make: Callable, **options):
    """Give a function that trains for a step, and the watch, if there are options for one."""
    model, tokenizer, shape = make()
    model.train()
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-4)
    ids = torch.randint(0, len(tokenizer), shape)
    watch = None
    if options:
        watch = Watch(PROBES, model=model, tokenizer=tokenizer, **options)

    def step(number: int) -> None:
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if watch is not None:
            watch.step(number, loss=loss)

    return step, watch


def block(step: Callable, first: int) -> np.ndarray:
    """Take ten steps; return seconds by each clock."""
    before = np.array([clock() for clock in CLOCKS])
    for number in range(first, first + EVERY):
        step(number)
    return np.array([clock() for clock in CLOCKS]) - before


@pytest.mark.parametrize("make", [lora, scratch], ids=["SmolLM2 with LoRA", "from scratch"])
def test_steps_a_second(make):
    """Ratios of one run: ten steps of each in turn, so that a busy machine is as unkind to both."""
    rounds = ROUNDS if make is lora else 12 * ROUNDS
    ways = {
        "without": training(make),
        f"every={EVERY}": training(make, every=EVERY),
        "max_overhead=0.05": training(make, every=EVERY, max_overhead=0.05),
    }
    taken = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, (step, _) in ways.items():
            spent = block(step, number * EVERY)
            if number:  # the first round warms up, and begins the watch
                taken[way].append(spent)
    rows = []
    alone = np.sum(taken["without"], axis=0)
    for way, (_, watch) in ways.items():
        wall, cpu = np.sum(taken[way], axis=0)
        kept = "" if watch is None else str(len(watch.history.steps))
        more = [
            f"{100 * (one / base - 1):+.1f} %" for one, base in ((wall, alone[0]), (cpu, alone[1]))
        ]
        rows.append([way, f"{rounds * EVERY / wall:.2f}", *more, kept])
    heads = ["watch", "steps a second", "time", "CPU time", "kept steps"]
    show(f"{make.__doc__.split(':')[0].rstrip('.')}, {len(PROBES)} probes", heads, rows)


@pytest.mark.parametrize("make", [lora, scratch], ids=["SmolLM2 with LoRA", "from scratch"])
def test_a_kept_step(make):
    """One by one, so that a busy machine takes as long from both: medians of one run."""
    step, watch = training(make, every=10**6)
    taken = []
    for number in range(2 * EVERY):
        times = [time.perf_counter()]
        step(number)
        times.append(time.perf_counter())
        watch._keeper.keep(number)
        taken.append(np.diff([*times, time.perf_counter()]))
    one, kept = np.median(taken[2:], axis=0)  # the first begin the watch, and warm up
    watch.end()
    row = [f"{1000 * one:.0f} ms", f"{1000 * kept:.0f} ms", f"{100 * kept / (EVERY * one):.1f} %"]
    heads = ["a step", "what keeping one takes", f"every={EVERY}: of the training"]
    show(f"{make.__doc__.split(':')[0].rstrip('.')}, {len(PROBES)} probes", heads, [row])


def test_memory_and_disk():
    """Both level off: disk at `max_mb`, memory with what a step takes."""
    step, watch = training(lambda: (*scratch()[:2], (1, 16)), every=EVERY, max_mb=8.0)
    sizes, rows = [], []
    for number in range(STEPS):
        step(number)
        if (number + 1) % (STEPS // 8) == 0:
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)
            history = watch.history
            disk = sum(file.stat().st_size for file in history.folder.rglob("*") if file.is_file())
            rows.append(
                [
                    f"{number + 1:,}",
                    f"{sizes[-1] / 1e6:,.0f} MB",
                    f"{history.bytes / 2**20:.1f} MB",
                    f"{disk / 2**20:.1f} MB",
                    str(len(history.steps)),
                ]
            )
            assert history.bytes <= 8 * 2**20
    watch.end()
    heads = ["steps", "resident memory", "kept steps", "whole folder", "how many"]
    show(f"A small model, every={EVERY}, max_mb=8", heads, rows)
    assert max(sizes[4:]) <= 1.03 * max(sizes[2:4])
