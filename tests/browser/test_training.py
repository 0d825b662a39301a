"""A training in JupyterLab: followed while its cell runs, looked through meanwhile, and stopped."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.explorer import KERNEL, SIZE
from tests.page.panels import Panels

ROOT = Path(__file__).parents[2]
CELLS = [
    f"""import random, sys, time
sys.path.insert(0, {str(ROOT)!r})
import llmscope, torch
from tests import trained
tokenizer, model = trained.words(), trained.gpt2()
parts = {{"model": model, "tokenizer": tokenizer, "name": "sounds"}}
watch = llmscope.training.Watch(trained.PROBES, 5, **parts)""",
    "view = llmscope.TrainingView(watch, layer=1, head=2)\nview",
    """import pathlib
while not pathlib.Path("begin").exists():
    time.sleep(0.05)
chance, updates = random.Random(0), torch.optim.AdamW(model.parameters(), 3e-3)
for step in range(100_000):
    ids = tokenizer(trained.sentences(8, chance), return_tensors="pt")["input_ids"]
    loss = model(input_ids=ids, labels=ids).loss
    watch.step(step, loss=loss)
    loss.backward(); updates.step(); updates.zero_grad()
    time.sleep(0.02)
    if watch.should_stop:
        break
watch.end()""",
]


def test_a_training_is_followed_while_it_runs_stopped_and_exported(open_notebook, context):
    notebook = open_notebook(CELLS, kernel=KERNEL)
    notebook.page.set_viewport_size(SIZE)
    notebook.run(0)
    trace = "llmscope.Scope(model, tokenizer).trace(trained.PROBES[0])"
    first = notebook.ask(f"{trace}.next_token().top(1)[0].text").strip()

    # The view is heard though the next cell begins at once, and runs on.
    notebook.run_below(1)
    page, panels = notebook.page, Panels(notebook.output(1))
    training = panels.root.get_by_role("region", name="Training")
    expect(training).to_contain_text("not begun", timeout=60_000)
    assert notebook.is_running(2)
    height = (training.bounding_box() or {})["height"]

    # It follows while the cell runs, and so do all panels.
    notebook.path.with_name("begin").touch()
    slider = training.get_by_role("slider", name="Step that is shown")
    now = training.locator(".at b")
    expect(now).to_have_text(re.compile(r"^step [1-9]\d+$"), timeout=30_000)
    expect(panels.rows.first).to_be_visible()
    expect(panels.title).to_contain_text("Layer 1 · Head 2")
    assert notebook.is_running(2)
    assert abs((training.bounding_box() or {})["height"] - height) <= 1

    # A kept step is read meanwhile.
    slider.focus()
    page.keyboard.press("Home")
    expect(now).to_have_text("step 0")
    expect(panels.rows.first.locator(".name")).to_have_text(first)
    assert notebook.is_running(2)

    training.get_by_role("button", name="Stop training").click()
    expect(training).to_contain_text("stopped", timeout=30_000)
    notebook.wait_idle()
    kept = notebook.ask("watch.history.steps")
    assert notebook.ask("[watch.history.state, view.step]") == ["stopped", 0]
    assert kept[0] == 0 and len(kept) > 3

    # The numbers are Python's, at the first step and at the last.
    expected = "view.history.labels(view.at().next_token(0).ids[0, :1].tolist())[0]"
    assert first == notebook.ask(expected).strip("·")
    slider.focus()
    page.keyboard.press("End")
    expect(now).to_have_text(f"step {kept[-1]:,}")
    notebook.wait_value("view.at().step", kept[-1])
    label = notebook.ask(expected).strip("·")
    expect(panels.rows.first.locator(".name")).to_have_text(label)

    # The page holds it all, without a kernel.
    path = notebook.path.with_name("training.html")
    notebook.execute(f"view.to_html({str(path)!r})")
    notebook.execute("view.close()")
    alone = context.new_page()
    alone.goto(path.as_uri())
    there = Panels(alone.locator("body"))
    slider = there.root.get_by_role("slider", name="Step that is shown")
    expect(there.rows.first.locator(".name")).to_have_text(label, timeout=30_000)
    slider.focus()
    alone.keyboard.press("Home")
    expect(there.rows.first.locator(".name")).to_have_text(first)
    alone.close()
