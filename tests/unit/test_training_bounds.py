"""The bounds of a watch: disk, time, processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.training import Watch
from llmscope.training.schedule import Schedule
from tests import tiny
from tests.unit.test_training_cases import watched


def test_the_logarithmic_schedule_is_dense_at_the_beginning():
    schedule = Schedule("log")
    found = [step for step in range(70) if schedule.is_due(step)]
    assert found == [0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64]
    schedule.thin()
    assert [step for step in found if schedule.is_due(step)] == [0, 1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("every", [1, "log"])
def test_steps_are_thinned_to_fit(every, tokenizer, tmp_path):
    model = tiny.MODELS["llama"]()
    size = watched(model, tokenizer, ["The"]).bytes / 4
    most = 10.5 * size / 2**20
    watch = Watch(
        ["The"], every, model=model, tokenizer=tokenizer, folder=tmp_path / "run", max_mb=most
    )
    for step in range(80):
        watch.step(step)
        assert watch.history.bytes <= 10.5 * size
        if watch.history.steps[-1] == step:
            assert len([*(tmp_path / "run" / "steps").iterdir()]) == len(watch.history.steps)
    watch.end()
    steps = watch.history.steps
    (note,) = watch.history.notes
    assert "was reached" in note
    assert (steps[0], steps[-1]) == (0, 79)
    if every == "log":
        assert steps == (0, 1, 2, 4, 8, 16, 32, 64, 79)
    else:
        gaps = np.diff(steps[:-1])
        assert set(gaps) == {16}, "evenly, as every= asked for"
        assert "one step in 16 is kept" in note


def test_a_bound_below_one_step_keeps_nothing_and_says_so(tokenizer):
    history = watched(tiny.MODELS["llama"](), tokenizer, ["The"], max_mb=0.001)
    assert history.steps == ()
    assert "a step takes" in history.notes[0]


def test_every_is_stretched_to_keep_to_the_overhead(tokenizer, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    model = tiny.MODELS["llama"]()
    watch = Watch(["The"], 10, model=model, tokenizer=tokenizer, max_overhead=0.05)
    from llmscope.training.measure import Prober

    whole = Prober.read

    def slow(self):
        clock[0] += 1.0
        return whole(self)

    monkeypatch.setattr(Prober, "read", slow)
    for step in range(2000):
        clock[0] += 0.1
        watch.step(step)
    watch.end()
    kept = len(watch.history.steps)
    assert kept * 1.0 <= 0.05 * clock[0] + 2.0, "but for the first and the last"
    assert set(np.diff(watch.history.steps[1:-1])) == {320}
    (note,) = watch.history.notes
    assert "max_overhead=0.05, one step in 320 is kept: a kept one takes 1000 ms" in note


@pytest.fixture
def mesh():
    """Two processes, of which the other is made up."""
    from torch import distributed
    from torch.distributed.device_mesh import init_device_mesh
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    yield init_device_mesh("cpu", (2,))
    distributed.destroy_process_group()


@pytest.mark.parametrize("how", ["FSDP", "DTensor", "ZeRO-3"])
def test_sharded_models_are_refused(how, mesh, tokenizer):
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import distribute_tensor

    model = tiny.MODELS["llama"]()
    weight = model.lm_head.weight
    if how == "FSDP":
        fully_shard(model, mesh=mesh)
    elif how == "DTensor":
        model.lm_head.weight = torch.nn.Parameter(distribute_tensor(weight.data, mesh))
    else:
        weight.ds_id = 3
    says = f"sharded .*{how}.*: no process holds all of it"
    with pytest.raises(ValueError, match=says):
        Watch(["The"], model=model, tokenizer=tokenizer).step(0)
    state = tf.TrainerState(is_world_process_zero=False, max_steps=3)
    with pytest.raises(ValueError, match=says):  # in every process
        Watch(["The"]).on_train_begin(None, state, None, model=model, processing_class=tokenizer)


def test_only_the_first_process_watches(tokenizer, monkeypatch):
    monkeypatch.setattr("llmscope.training.watch.is_first", lambda: False)
    history = watched(tiny.MODELS["llama"](), tokenizer, ["The"])
    assert history.state == "waiting"
    watch = Watch(["The"])
    state = tf.TrainerState(is_world_process_zero=False, max_steps=3)
    model = tiny.MODELS["llama"]()
    control = tf.TrainerControl()
    watch.on_train_begin(None, state, control, model=model, processing_class=tokenizer)
    watch.on_log(None, state, control, logs={"loss": 1.0})
    watch.on_step_end(None, state, control)
    assert watch.history.state == "waiting"
    assert repr(watch.history) == "<History of a training that hasn't begun>"
