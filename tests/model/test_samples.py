"""The samples of README and documentation: each runs on its page, or says what it needs."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from textwrap import dedent

import pandas as pd
import pytest
import torch
import transformers as tf

import llmscope
from llmscope.scope import Scope
from llmscope.views.base import View
from tests import tiny

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^( *)```(\{code-cell\}|python)[^\n]*\n((?: *:[^\n]+\n)*)(.*?)^\1```", re.M | re.S
)
_SHOWN = re.compile(r"^````.*?^````$", re.M | re.S)
# What the first line says that a reader has to have; such a sample is read, not run.
_NEEDS = re.compile(
    r"# (an app of|conf\.py|in llmscope/|(in )?tests/|(each )?with a .*of your|from the Hub, and|"
    r"with a server|starts Ray|on a node of)"
)
# Of names that a sample loads: what a test has in their place, with tokens of the same kind.
_HUB = {
    "google-bert/bert-base-uncased": ("bert", "words"),
    "google-t5/t5-small": ("t5", "pieces"),
    "openai-community/gpt2": ("gpt2", "bytes"),
}
_TOKENIZERS = {"words": tiny.word_piece, "pieces": tiny.sentence_piece, "bytes": tiny.byte_level}


class Sample:
    """A block of Python on a page."""

    def __init__(self, page: Path, found: re.Match[str], before: list[Sample]) -> None:
        self.page = page
        self.line = found.string[: found.start()].count("\n") + 1
        self.is_cell = found[2] != "python"
        self.code = dedent(found[4])
        self.before = before

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def needs(self) -> bool:
        """Whether it says that it isn't for here."""
        return bool(_NEEDS.match(self.code.lstrip()))

    @property
    def head(self) -> list[Sample]:
        """What a reader has run before: all cells above, or else the first sample of the page."""
        cells = [one for one in self.before if one.is_cell]
        return cells or [one for one in self.before if not one.needs][:1]


def samples() -> list[Sample]:
    """All blocks that no cell of the page itself runs when the site is built."""
    found: list[Sample] = []
    for page in PAGES:
        before: list[Sample] = []
        # What stands within a longer fence is shown, not run.
        text = _SHOWN.sub(lambda one: "\n" * one[0].count("\n"), page.read_text("utf-8"))
        for match in _FENCE.finditer(text):
            before = [*before, Sample(page, match, before)]
        found += before
    return [one for one in found if not one.is_cell and "_build" not in one.page.parts]


SAMPLES = {one.name: one for one in samples()}
RUN = [name for name, one in SAMPLES.items() if not one.needs]
SLOW = {name for name in RUN if "survey" in name}


@pytest.fixture(scope="module")
def small(smollm: Scope) -> Scope:
    """As many layers and heads as the default model has, and its tokens, but little to compute."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 72, "intermediate_size": 96, "num_hidden_layers": 30}
    heads = {"num_attention_heads": 9, "num_key_value_heads": 3}
    config = tf.LlamaConfig(**sizes, **heads, vocab_size=smollm.facts.vocabulary)
    return Scope(tf.LlamaForCausalLM(config).eval(), smollm.tokenizer, name="small")


@pytest.fixture
def given(small: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model in place of the default one, tiny ones of others, files of a reader's own."""

    def load(name: str | None = None, **_: object) -> Scope:
        if name is None:
            return small
        model, tokenizer = _HUB[name]
        return Scope(tiny.MODELS[model](), _TOKENIZERS[tokenizer](), name=name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(llmscope, "load", load)
    monkeypatch.setattr(View, "static", lambda *_args, **_choice: None)
    (tmp_path / "texts.txt").write_text("A text.\nAnother.\n", "utf-8")
    pd.DataFrame({"text": ["A text.", "Another."]}).to_csv(tmp_path / "texts.csv")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.whole] * (name in SLOW)) for name in RUN]
)
@pytest.mark.usefixtures("given")
def test_a_sample_runs(name: str) -> None:
    sample = SAMPLES[name]
    if "pair=" in sample.code:
        pytest.skip("no tokenizer here reads pairs as BERT's does")
    names: dict[str, object] = {"display": lambda *_: None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in (*sample.head, sample):
            exec(compile(one.code, one.name, "exec"), names)


def test_there_are_samples() -> None:
    assert len(RUN) > 35
    assert len(SAMPLES) - len(RUN) < 23
