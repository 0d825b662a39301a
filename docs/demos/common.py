"""What the trainings of all demos share."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

DEMOS = Path(__file__).parents[2] / "llmscope" / "demos"
Batch = Callable[[int], dict[str, torch.Tensor]]


def trained(
    model: PreTrainedModel, batch: Batch, *, steps: int, rate: float, warm: int = 100
) -> PreTrainedModel:
    """Train on `batch(step)`, with a rate that rises, and falls as a cosine to a hundredth."""

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.01 + 0.99 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2

    matrices = [one for one in model.parameters() if one.requires_grad and one.dim() > 1]
    vectors = [one for one in model.parameters() if one.requires_grad and one.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    model.train()
    start, losses = time.monotonic(), []
    for step in range(steps):
        loss = model(**batch(step)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step % 100 == 99:
            mean = sum(losses[-100:]) / 100
            print(f"step {step + 1}: loss {mean:.3f}, {time.monotonic() - start:.0f} s", flush=True)
    return model.eval()


def fast(made: Tokenizer, **special: str) -> PreTrainedTokenizerFast:
    """Wrap a tokenizer of `tokenizers` for transformers."""
    return PreTrainedTokenizerFast(
        tokenizer_object=made, clean_up_tokenization_spaces=False, **special
    )


def save(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write a demo: weights in 16 bits, and a configuration that has them read as float32."""
    folder = DEMOS / name
    model.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config = folder / "config.json"
    kept: dict[str, Any] = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**kept, "dtype": "float32"}, indent=2) + "\n", "utf-8")
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    print(f"{folder}: {sum(sizes.values()) / 1e6:.2f} MB, {sizes}")
