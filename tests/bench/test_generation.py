"""What one more token costs, and how quickly a text is written, against the bare model.

`make bench` prints the tables; nothing here asserts a time.
"""

from __future__ import annotations

import itertools
import os
from contextlib import ExitStack
from statistics import median
from typing import Any

import nbformat
import pytest
import torch
from transformers import DynamicCache
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

from llmscope.capture.cache_argument import cache_argument
from llmscope.generation import Stepper
from tests.bench.chrome import Chrome
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, kb, ms, show
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook

WORDS = [" the", " cat", " dog", " house", " tree", " car", " sun", " moon", " one", " two"]
NEW = 32  # tokens that are written
PLAYED = 64  # tokens that are written in JupyterLab
ROUNDS = 7
# One kernel times both: `generate` in a cell, and a view from Play to Pause.
SETUP = f"""
import time, torch, llmscope
from transformers.utils.logging import disable_progress_bar
disable_progress_bar()
scope = llmscope.load(progress=lambda *_: None)
text = "Once upon a time"
view = llmscope.GenerationView(scope, text, max_new_tokens={PLAYED}, do_sample=False)
ends = []
view.observe(lambda change: change["new"] or ends.append(time.perf_counter()), "playing")
ids = torch.tensor([scope.trace(text).ids])
mask = torch.ones_like(ids)
def bare():
    start = time.perf_counter()
    with torch.no_grad():
        made = scope.model.generate(ids, attention_mask=mask, pad_token_id=0, do_sample=False,
                                    max_new_tokens={PLAYED})
    return (made.shape[1] - ids.shape[1]) / (time.perf_counter() - start)
def anew():
    view._handlers.session.forget()
    view.text = "…"
    view.text = text
def play():
    global began
    ends.clear()
    began = time.perf_counter()
    view.playing = True
"""
SLOW_MS = 600_000


@pytest.fixture(scope="module")
def scope():
    disable_progress_bar()
    yield load()
    enable_progress_bar()


def test_appending_one_token(scope):
    model = scope.model
    rows = []
    for tokens in (64, 512, 2048):
        scope.forget()
        text = text_of(scope, tokens)
        ids = torch.tensor([scope.trace(text + WORDS[0]).ids])
        words = itertools.cycle(WORDS)
        with torch.no_grad():
            cache = DynamicCache(config=model.config)
            model(ids[:, :-1], **{cache_argument(): cache}, use_cache=True, logits_to_keep=1)

        @torch.no_grad()
        def bare(ids: torch.Tensor = ids, cache: DynamicCache = cache) -> None:
            model(ids[:, -1:], **{cache_argument(): cache}, use_cache=True)
            cache.crop(-1)

        @torch.no_grad()
        def full(ids: torch.Tensor = ids) -> None:
            model(ids, use_cache=False, logits_to_keep=1)

        def appended(text: str = text, words=words) -> None:
            trace = scope.trace(text + next(words))
            assert len(trace.logits_at(-1)) == scope.facts.vocabulary

        one, ours = interleaved([bare, appended], rounds=25)
        (all_of_it,) = interleaved([full], rounds=3)
        assert scope.runner.prefix_cache.works
        rows.append(
            [
                str(tokens),
                ms(one),
                ms(ours),
                f"{ours / one:.2f} ×",
                ms(all_of_it),
                f"{ours / all_of_it:.2f} ×",
                kb(scope.cache_bytes),
            ]
        )
    heads = ["tokens", "bare, one token with cache", "scope.trace and its logits", "ratio"]
    show("One more token", [*heads, "bare, whole text", "ratio", "kept"], rows)


def test_writing(scope):
    model = scope.model
    rows = []
    for tokens in (16, 512):
        text = text_of(scope, tokens)
        ids = torch.tensor([scope.trace(text).ids])
        settings = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": True}

        def bare(ids: torch.Tensor = ids, settings=settings) -> None:
            model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **settings)

        def ours(text: str = text, settings=settings) -> None:
            scope.generate(text, seed=0, **settings)

        def steps(text: str = text, settings=settings) -> None:
            scope.forget()  # so that each reads the prompt
            assert len(list(Stepper(scope, text, seed=0, **settings))) == NEW

        plain, run, stepped = interleaved([bare, ours, steps], rounds=5)
        for name, taken in (("model.generate", plain), ("scope.generate", run), ("steps", stepped)):
            rate = NEW / taken
            rows.append([f"{name}, {tokens} before", f"{rate:.1f}", f"{plain / taken:.2f} ×"])
    show("Writing", ["", "tokens a second", "of model.generate"], rows)


def opened(lab: Lab, page: Any) -> Notebook:
    """Open a notebook whose one cell shows the view."""
    news = {"fetchNews": "false", "checkForUpdates": False}
    lab.configure({"@jupyterlab/apputils-extension:notification": news})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell("view")]
    path = lab.notebooks / "bench.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    page.goto(f"{lab.url}/doc/tree/{path.name}?reset&token={lab.token}")
    notebook = Notebook(lab, page, path)
    notebook.wait_idle()
    page.wait_for_function("() => !document.querySelector('#jupyterlab-splash')")
    return notebook


def test_playing_in_jupyterlab(tmp_path):
    rows = []
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(tmp_path / "lab"))
        chrome = stack.enter_context(Chrome(tmp_path / "chrome"))
        page: Any = chrome.page
        notebook = opened(lab, page)
        notebook.execute(SETUP)
        notebook.run(0)
        panel = "document.querySelector('.jp-OutputArea [data-lm-suppress-shortcuts]').shadowRoot"
        every = int(notebook.ask("torch.get_num_threads()"))
        for threads in (every, every - 1):
            if not threads:
                continue
            notebook.execute(f"torch.set_num_threads({threads})")
            plain, played = [], []
            for _ in range(ROUNDS + 1):
                notebook.execute("anew()")
                page.wait_for_function(f"() => {panel}.querySelectorAll('.wrote').length === 0")
                page.wait_for_timeout(1500)  # until what the panels show is there
                plain.append(float(notebook.ask("bare()")))
                notebook.execute("play()")
                page.wait_for_function(
                    f"() => {panel}.querySelectorAll('.wrote').length === {PLAYED}", SLOW_MS
                )
                notebook.wait_value("len(ends)", 1, seconds=60)
                played.append(PLAYED / float(notebook.ask("ends[0] - began")))
            ratios = [b / a for a, b in zip(plain[1:], played[1:], strict=True)]  # one warms up
            left = f"{threads} of {os.cpu_count()} cores for the model"
            rates = (f"{median(plain[1:]):.1f}", f"{median(played[1:]):.1f}")
            rows.append([left, *rates, f"{median(ratios):.2f} ×"])
    heads = ["", "model.generate, tokens a second", "GenerationView, at full speed", "ratio"]
    show("Playing in JupyterLab", heads, rows)
