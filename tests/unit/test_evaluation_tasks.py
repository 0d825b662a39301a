"""Tasks of lm-evaluation-harness: its own numbers, its windows, and no network."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from llmscope.evaluation import measure, tasks
from llmscope.evaluation.scoring import score
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close

pytestmark = pytest.mark.filterwarnings("ignore")  # lm-eval and what it imports have some
has_harness = pytest.mark.skipif(not tasks.find_spec("lm_eval"), reason="make evaluate has it")


def own_task(folder: Path, name: str = "everyday") -> Path:
    """Write a shipped task where its data is named by an absolute path, as lm-eval wants it."""
    config = yaml.safe_load(tasks.shipped()[name].read_text())
    data = config["dataset_kwargs"]["data_files"]
    data["test"] = str(tasks.SHIPPED / data["test"])
    config["task"] = f"own_{name}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def numbers(results: dict) -> dict[str, float]:
    """Return what lm-eval says, by task, metric and filter."""
    return {
        f"{task}.{key}": value
        for task, found in results.items()
        for key, value in found.items()
        if "," in key and isinstance(value, float)
    }


def ours(scores: list[tasks.TaskScore]) -> dict[str, float]:
    found = {f"{one.task}.{one.metric},{one.filter}": one.value for one in scores}
    errors = {f"{one.task}.{one.metric}_stderr,{one.filter}": one.error for one in scores}
    return found | errors


@has_harness
def test_numbers_are_those_of_lm_eval(tmp_path, tokenizer):
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    scope = Scope(tiny.MODELS["llama"](), tokenizer)
    files = [own_task(tmp_path, "everyday"), own_task(tmp_path, "goes_on")]
    found = tasks.run_tasks(scope, tasks.check_tasks(files))
    lm = HFLM(pretrained=tiny.MODELS["llama"](), tokenizer=copy.deepcopy(tokenizer))
    wanted = lm_eval.simple_evaluate(lm, tasks=[str(file) for file in files])
    assert ours(found) == numbers(wanted["results"])
    assert {len(one.items) for one in found} == {32, 24}
    assert all(sum(i.score for i in one.items) / len(one.items) == one.value for one in found)


@has_harness
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_bits_are_those_of_lm_evals_rolling_windows(name, tokenizer):
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    texts = [tiny.TEXT, "The dog sleeps, and the quick fox jumps over it. " * 6]
    lm = HFLM(pretrained=tiny.MODELS[name](), tokenizer=copy.deepcopy(tokenizer))
    asked = [Instance("loglikelihood_rolling", {}, (text,), n) for n, text in enumerate(texts)]
    for text, wanted in zip(texts, lm.loglikelihood_rolling(asked), strict=True):
        nats = score(Scope(tiny.MODELS[name](), tokenizer), text).bits
        assert_close(nats, -wanted / torch.tensor(2.0).log().item())


@has_harness
def test_model_and_random_state_stay_as_they_were(tokenizer):
    model = tiny.MODELS["gpt2"]().train()
    scope = Scope(model, tokenizer)
    pad, drawn, seeded = tokenizer.pad_token, random.getstate(), torch.random.get_rng_state()
    evaluation = measure(scope, [tiny.TEXT], ["everyday"])
    (row,) = evaluation.models
    value = evaluation.value(row, "task.everyday.acc")
    assert value.low < value.value < value.high
    assert all(module.training for module in model.modules())
    assert tokenizer.pad_token == pad
    assert random.getstate() == drawn
    assert torch.equal(torch.random.get_rng_state(), seeded)


@has_harness
def test_a_task_that_fetches_is_refused_in_words(tmp_path, tokenizer):
    path = tmp_path / "far.yaml"
    path.write_text("task: far\ndataset_path: nobody/nothing\noutput_type: multiple_choice\n")
    scope = Scope(tiny.MODELS["gpt2"](), tokenizer)
    with pytest.raises(ValueError, match="without a network"):
        tasks.run_tasks(scope, tasks.check_tasks([path]))
    with pytest.raises(ValueError, match="There is no task called"):
        tasks.run_tasks(scope, tasks.check_tasks(["no_such_task_anywhere"]))
    assert "HF_DATASETS_OFFLINE" not in os.environ


def test_a_file_that_is_no_task_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "find_spec", lambda name: name)
    with pytest.raises(FileNotFoundError, match="no task file"):
        tasks.check_tasks([tmp_path / "gone.yaml"])
    wrong = tmp_path / "wrong.yaml"
    for text in ("a: [", "- 1", "name: x"):
        wrong.write_text(text)
        with pytest.raises(ValueError, match="is no task file"):
            tasks.check_tasks([wrong])
    good = tmp_path / "good.yaml"
    good.write_text("task: good\ndoc_to_text: !function utils.f\n")
    assert tasks.check_tasks([good, "everyday"]) == [str(good), str(tasks.shipped()["everyday"])]


def test_without_lm_eval_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(tasks, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        tasks.check_tasks(["everyday"])


def test_the_shipped_tasks_have_one_right_answer_each():
    assert set(tasks.shipped()) == {"everyday", "goes_on"}
    for line in (tasks.SHIPPED / "everyday.jsonl").read_text().splitlines():
        item = json.loads(line)
        assert len(set(item["answers"])) == 4
        assert item["right"] in range(4)


@pytest.mark.whole
@pytest.mark.timeout(1200)
@has_harness
def test_numbers_are_those_of_lm_evals_command_line(tmp_path, tokenizer):
    model = tmp_path / "model"
    tiny.MODELS["llama"]().save_pretrained(model)
    tokenizer.save_pretrained(model)
    task = own_task(tmp_path / "tasks")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", f"pretrained={model}", "--tasks", "own_everyday"]
    command += ["--include_path", str(task.parent), "--output_path", str(out), "--device", "cpu"]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    (written,) = out.rglob("results_*.json")
    evaluation = measure(model, [tiny.TEXT], [task])
    assert ours(evaluation.models[0].tasks) == numbers(json.loads(written.read_text())["results"])
