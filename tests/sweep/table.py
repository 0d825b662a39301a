"""The page of the documentation that says which model types are read, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.sweep.check import TOLERANCE, Result
from tests.sweep.models import MAPPINGS

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
HEAD = """\
# Every text model in transformers

`make sweep` writes this page; this one with transformers {version}. It takes every model type in
the mappings for causal, masked and sequence-to-sequence language models, makes its configuration
tiny, fills it with random weights, traces {tokens} tokens, and compares with the model itself:

- **logits** with those of the same model that nothing of llmscope has touched;
- **attention** (self, encoder, cross; every layer and head) with what the model returns for
  `output_attentions=True` under eager attention.

Both have to agree but for float32 rounding: within 3.3e-5 of the largest number of each row. Where
single precision can't tell, because two ways to the same numbers part by more than that, the
comparison is made in double precision. A text is then edited three times, and what is read of it is
compared with a fresh trace in the same way.

| | |
| --- | --- |
{counts}

How attention is read: by the **tap**, from the queries and keys that the model's own attention
function is called with; or from the model's **own output**, where it calls no such function.
With none, everything else (tokens, logits, distributions, hidden states) is there. What is special
is read off the tiny model: of a family, larger models may have more.
"""
COLUMNS = ("Model type", "Mapping", "Family", "Attention read by", "Equal", "Special", "Remark")


def page(results: Sequence[Result], version: str, tokens: int) -> str:
    """Write the page."""
    head = HEAD.format(version=version, tokens=tokens, counts="\n".join(map(_row, counts(results))))
    table = [_row(COLUMNS), _row(["---"] * len(COLUMNS)), *(_row(cells(r)) for r in results)]
    return head + "\n" + "\n".join(table) + "\n"


def counts(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Count what came of all entries."""
    types = len({result.model_type for result in results})
    traced = [result for result in results if result.traced]
    ways = Counter(result.by for result in traced)
    masked = [result.gaps for result in traced if result.gaps is not None]
    filled = sum(difference <= TOLERANCE for difference in masked)
    read = [result for result in traced if result.read]
    return [
        ("Entries in the three mappings", f"{len(results)}, of {types} model types"),
        ("Not text models on their own", str(len(results) - len(traced))),
        ("Built and traced", str(len(traced))),
        ("Logits equal", f"{sum(r.logits <= TOLERANCE for r in traced)} of {len(traced)}"),
        ("Attention read by the tap", str(ways["tap"])),
        ("… by the model's own output", str(ways["own output"])),
        ("… by both", str(ways["tap and own output"])),
        ("Attention equal", f"{sum(r.attention <= TOLERANCE for r in read)} of {len(read)}"),
        ("Gaps filled as by the fill-mask pipeline", f"{filled} of {len(masked)}"),
        ("Logit lens", str(sum(r.lens for r in traced))),
        ("Cached: edits cost what they change", str(sum(r.cached for r in traced))),
        ("No attention from token to token", str(ways["none"])),
    ]


def cells(result: Result) -> list[str]:
    """Give the cells of one row."""
    equal = "yes" if result.equal else "no" if result.traced else ""
    by = result.by if result.traced else ""
    special = ", ".join(result.features)
    return [
        f"`{result.model_type}`", result.mapping, result.family, by, equal, special, result.remark,
    ]  # fmt: skip


def equal_before() -> set[tuple[str, str]]:
    """Read from the page which (mapping, model type) were equal when it was written."""
    if not PAGE.exists():
        return set()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().split("\n")
    ]
    rows = [row for row in rows if len(row) == len(COLUMNS) and row[1] in MAPPINGS]
    return {(row[1], row[0].strip("`")) for row in rows if row[4] == "yes"}


def _row(items: Sequence[str]) -> str:
    return f"| {' | '.join(items)} |"
