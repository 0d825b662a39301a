"""What each of two processes runs for `test_ranks.py`: a Trainer, watched or not."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import torch
import transformers as tf

from llmscope.training import Watch
from tests import tiny

PROBES = ["The lazy dog", [{"role": "user", "content": "The quick"}]]


class Rows(torch.utils.data.Dataset):
    """Eight rows that differ."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        ids = torch.arange(row, row + 12) % 200
        return {"input_ids": ids, "labels": ids}


def tokenizer() -> tf.PreTrainedTokenizerBase:
    """One with a chat template."""
    made = tiny.byte_level()
    made.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    return made


def main(out: Path, is_watched: bool) -> None:
    """Train, and leave a hash of the weights that this process ends with."""
    rank = os.environ["RANK"]
    tf.set_seed(0)
    model = tiny.MODELS["gpt2"]()  # with dropout
    watch = Watch(PROBES, every=2, folder=out / "watch") if is_watched else None
    trainer = tf.Trainer(
        model,
        tf.TrainingArguments(
            output_dir=str(out / "out"),
            max_steps=4,
            per_device_train_batch_size=2,
            learning_rate=1e-2,
            save_steps=2,
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=Rows(),
        processing_class=tokenizer(),
        callbacks=[watch] if watch else [],
    )
    trainer.train()
    assert torch.distributed.get_world_size() == 2
    found = hashlib.sha256()
    for item in model.state_dict().values():
        found.update(item.numpy().tobytes())
    (out / f"hash-{rank}").write_text(found.hexdigest())
    if watch is not None and rank != "0":
        assert watch.history.steps == ()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "watched")
