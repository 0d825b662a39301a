"""Killed, or on a disk that fills up, a watched training opens, and goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.training import History, Watch
from tests import tiny

POINTS = ["half of a step's file", "in the middle of a step", "half of a line", "as it begins"]
SAMPLE = POINTS[:1]
LAST = 8

# Trains a tiny model with a checkpoint every two steps, and waits at one point to be killed.
CHILD = """
import signal, sys
from pathlib import Path
import numpy as np
from llmscope.training import folder
from tests.chaos.test_training import trained

POINT = sys.argv[2]

def reached(point):
    if point == POINT:
        print("reached", point, flush=True)
        signal.pause()

def savez(stream, save=np.savez, **arrays):
    save(stream, **arrays)
    if stream.name.endswith("00000005.new") and POINT == "half of a step's file":
        stream.truncate(stream.tell() // 2)
        stream.flush()
        reached(POINT)

def append(self, row, whole=folder.TrainingFolder.append_log):
    whole(self, row)
    if row["step"] == 5 and POINT == "half of a line":
        with (self.path / "log.jsonl").open("ab") as stream:
            stream.truncate(stream.tell() - 9)
        reached(POINT)

def write_about(self, about, whole=folder.TrainingFolder.write_about):
    reached("as it begins")
    whole(self, about)

def step(number):
    if number == 5:
        reached("in the middle of a step")

np.savez = savez
folder.TrainingFolder.append_log = append
folder.TrainingFolder.write_about = write_about
trained(Path(sys.argv[1]), step)
"""


class Call(tf.TrainerCallback):
    """Calls a function in the middle of each step."""

    def __init__(self, function):
        self.function = function

    def on_pre_optimizer_step(self, args, state, control, **rest):
        self.function(state.global_step)


def trained(path: Path, step=lambda number: None, resume=False, into="kept", **options) -> Watch:
    """Train a tiny model for eight steps, and keep every one."""
    torch.manual_seed(0)
    tokenizer, model = tiny.byte_level(), tiny.MODELS["gpt2"]()
    ids = tokenizer(tiny.TEXT)["input_ids"]
    arguments = tf.TrainingArguments(
        output_dir=str(path / "checkpoints"),
        max_steps=LAST,
        save_steps=2,
        logging_steps=1,
        learning_rate=1e-2,
        per_device_train_batch_size=2,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    watch = Watch(["The quick brown"], 1, folder=path / into, **options)
    tf.Trainer(
        model=model,
        args=arguments,
        train_dataset=[{"input_ids": ids[n:][:8], "labels": ids[n:][:8]} for n in range(8)],
        processing_class=tokenizer,
        callbacks=[Call(step), watch],
    ).train(resume_from_checkpoint=resume)
    return watch


@pytest.mark.parametrize(
    "point",
    [pytest.param(one, marks=[] if one in SAMPLE else pytest.mark.whole) for one in POINTS],
)
def test_a_training_that_is_killed_opens_and_goes_on(
    point: str, tmp_path: Path, counts: Counter[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), point], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        line = next((one for one in child.stdout if one.startswith("reached")), "it ended")
        assert line.strip() == f"reached {point}"
        if point != "as it begins":
            opened = History(tmp_path / "kept")
            assert opened.state == "training"
            before = opened.version
        child.kill()
    assert child.returncode == -signal.SIGKILL
    begun = point != "as it begins"
    if begun:
        assert opened.wait(before, 10) != before, "the death of the process is news"
        for history in (opened, History(tmp_path / "kept")):
            assert history.state == "broken off"
            assert history.steps[:5] == (0, 1, 2, 3, 4)
            assert set(history.log["step"][:4]) == {1, 2, 3, 4}
            assert all(np.isfinite(history.at(step).logprobs()).all() for step in history.steps)
    again = trained(tmp_path, resume=begun)
    for history in (again.history, History(tmp_path / "kept")):
        assert history.state == "ended"
        assert history.steps == tuple(range(LAST + 1))
        assert history.log["step"].tolist() == [*range(1, LAST + 1)]
    whole = trained(tmp_path / "other").history
    for step in range(LAST + 1):
        mine, other = again.history.at(step), whole.at(step)
        assert np.array_equal(mine.logprobs(), other.logprobs())
    assert not [*(tmp_path / "kept").rglob("*.new")]
    counts["trainings that were killed"] += 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own of 64 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root, on Linux")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_training_goes_on_when_the_disk_fills_up(
    small_disk: Path, tmp_path: Path, counts: Counter[str]
) -> None:
    def step(number: int) -> None:
        if number == 6:
            subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)

    watch = trained(tmp_path, step, into="disk/kept")
    kept = watch.history.steps
    assert kept[0] == 0
    assert 4 not in kept
    assert kept[-2:] == (7, 8), "there is room again"
    (note,) = [one for one in watch.history.notes if "steps couldn't be written" in one]
    assert "No space left on device" in note
    assert watch.history.log["step"].tolist() == [*range(1, LAST + 1)]
    opened = History(small_disk / "kept")
    assert (opened.steps, opened.state) == (kept, "ended")
    assert opened.notes == watch.history.notes
    assert opened.log["step"].tolist() == [*range(1, LAST + 1)]
    assert not [*small_disk.rglob("*.new")]
    counts["trainings on a full disk"] += 1
