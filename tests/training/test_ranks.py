"""Two processes that train together: the first alone watches, and no weight is changed by that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers as tf

from llmscope.scope import Scope
from llmscope.training import History
from tests.closeness import assert_close
from tests.training.two_ranks import PROBES, tokenizer

pytestmark = [pytest.mark.whole, pytest.mark.timeout(600)]


def trained(out: Path, how: str) -> list[str]:
    """Return a hash of each process's weights."""
    out.mkdir()
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = ["-m", "tests.training.two_ranks", str(out), how]
    subprocess.run([sys.executable, *command, *script], check=True, cwd=Path(__file__).parents[2])
    return [(out / f"hash-{rank}").read_text() for rank in range(2)]


def test_the_first_process_watches_and_changes_nothing(tmp_path):
    plain, watched = (trained(tmp_path / how, how) for how in ("plain", "watched"))
    assert plain[0] == plain[1] == watched[0] == watched[1]
    history = History(tmp_path / "watched" / "watch")
    assert history.state == "ended"
    assert history.steps == (0, 2, 4)
    for step in (2, 4):
        model = tf.AutoModelForCausalLM.from_pretrained(
            tmp_path / "watched" / "out" / f"checkpoint-{step}"
        )
        scope = Scope(model.eval(), tokenizer())
        for number, probe in enumerate(PROBES):
            trace = scope.trace(probe)
            record = history.at(step)
            assert_close(record.logprobs(number), np.asarray(trace.logprobs)[1:])
