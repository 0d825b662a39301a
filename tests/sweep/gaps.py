"""Fill-mask: what llmscope reads at the gaps of a text, held to transformers' pipeline."""

from __future__ import annotations

import transformers
from tokenizers.processors import TemplateProcessing

from llmscope.scope import Scope
from tests import tiny
from tests.closeness import relative_difference
from tests.sweep.models import Entry

TEXT = "the [MASK] sleeps, dogs [MASK]."
TOP = 5


def gaps_differ(entry: Entry) -> float:
    """Give the largest difference of probabilities at the gaps of `TEXT`, in parts of them.

    Raises
    ------
    AssertionError
        When the pipeline puts other tokens there.
    """
    tokenizer = tiny.word_piece()
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    # [CLS] has the id that XLM pads with.
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", pair="$A $B")
    scope = Scope(entry.model(), tokenizer)
    trace = scope.trace(TEXT)
    pipeline = transformers.pipeline(
        "fill-mask", model=entry.model(), tokenizer=tokenizer, top_k=TOP, device="cpu"
    )
    worst = 0.0
    filled = pipeline(TEXT)
    assert len(trace.gaps) == len(filled) == 2
    for position, likely in zip(trace.gaps, filled, strict=True):
        found = trace.distribution(position).top(TOP)
        assert [row.id for row in found] == [item["token"] for item in likely]
        for row, item in zip(found, likely, strict=True):
            worst = max(worst, relative_difference(row.prob, item["score"]))
    return worst
