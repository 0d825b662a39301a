"""TRL's `SFTTrainer`, watched: what is kept equals a trace of the checkpoint. `make training`."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import transformers as tf

from llmscope.scope import Scope
from llmscope.training import Watch
from tests import tiny
from tests.closeness import assert_close

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of TRL and what it imports
    pytest.mark.skipif(not find_spec("trl"), reason="make training has it"),
]
PROBE = "The lazy dog"


@pytest.mark.parametrize("lora", [False, True])
def test_what_is_kept_equals_a_trace_of_the_checkpoint(lora, tmp_path):
    import peft
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    tokenizer = tiny.byte_level()
    tf.set_seed(0)
    watch = Watch([PROBE], every=2)
    adapter = peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False)
    trainer = SFTTrainer(
        tiny.MODELS["llama"](),
        args=SFTConfig(
            output_dir=str(tmp_path),
            max_steps=4,
            per_device_train_batch_size=2,
            learning_rate=1e-2,
            save_steps=2,
            report_to="none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=True,
        ),
        train_dataset=Dataset.from_dict({"text": [tiny.TEXT] * 8}),
        processing_class=tokenizer,
        peft_config=adapter if lora else None,
        callbacks=[watch],
    )
    start = {name: item.clone() for name, item in trainer.model.state_dict().items()}
    trainer.train()
    assert watch.history.steps == (0, 2, 4)
    for step in (2, 4):
        model = tiny.MODELS["llama"]()
        if lora:
            model.load_state_dict(
                {
                    name.removeprefix("base_model.model.").replace(".base_layer", ""): item
                    for name, item in start.items()
                    if "lora_" not in name
                }
            )
            model = peft.PeftModel.from_pretrained(model, tmp_path / f"checkpoint-{step}")
        else:
            model = tf.AutoModelForCausalLM.from_pretrained(tmp_path / f"checkpoint-{step}")
        trace = Scope(model.eval(), tokenizer).trace(PROBE)
        record = watch.history.at(step)
        assert_close(record.logprobs(), np.asarray(trace.logprobs)[1:])
        assert not np.allclose(record.logprobs(), watch.history.at(0).logprobs(), atol=1e-3)
