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

**Whole models** are drawn as one picture of what their modules were seen to do: of each box in each
block, the numbers of a token are held to what a plain hook on its module sees, and each sum to the
stream behind it. What isn't understood is one box: below the blocks, above them, or a block.

**Edits** of the model are held to the same edits made with plain hooks of PyTorch: in two layers,
heads, attention, the MLP and the whole layer switched off, the stream behind it steered, and
patched from another text. Effects by ablation are held to these edits, and direct effects have to
sum to the logit. A cell says what is refused, in words. Nothing is left on the model, and a trace
without edits is the same afterwards, bit for bit.

| | |
| --- | --- |
{counts}

How attention is read: by the **tap**, from the queries and keys that the model's own attention
function is called with; or from the model's **own output**, where it calls no such function.
With none, everything else (tokens, logits, distributions, hidden states) is there. What is special
is read off the tiny model: of a family, larger models may have more.
"""
COLUMNS = (
    "Model type", "Mapping", "Family", "Attention read by", "Equal", "Edits", "Whole model",
    "Special", "Remark",
)  # fmt: skip
# What is refused, by how the names of edits begin that are.
REFUSALS = {
    "self head": "heads",
    "cross head": "cross heads",
    "encoder head": "encoder heads",
    "self attention": "attention",
    "cross attention": "cross-attention",
    "encoder attention": "encoder attention",
    "self mlp": "MLPs",
    "encoder mlp": "encoder MLPs",
    "self layer": "layers",
    "encoder layer": "encoder layers",
    "self steering": "steering",
    "encoder steering": "encoder steering",
    "self patch": "patched layers",
    "encoder patch": "patched encoder layers",
    "direct effects": "direct effects",
    "gradient effects": "estimates",
    "ablate effects": "effects by ablation",
}


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
        ("Every edit made, equal to hooks", str(sum(edits(r) == "yes" for r in traced))),
        ("… all but direct effects", str(sum(_is_direct(r) for r in traced))),
        ("… some others refused in words", str(sum(_is_partial(r) for r in traced))),
        *whole_counts(results),
        ("Edits wrong", str(sum(bool(r.edits.wrong) for r in traced))),
    ]


def _is_direct(result: Result) -> bool:
    return edits(result) in ("all but direct effects", "all but direct effects of heads")


def _is_partial(result: Result) -> bool:
    return bool(result.edits.refused) and not result.edits.wrong and not _is_direct(result)


def cells(result: Result) -> list[str]:
    """Give the cells of one row."""
    equal = "yes" if result.equal else "no" if result.traced else ""
    by = result.by if result.traced else ""
    special = ", ".join(result.features)
    return [
        f"`{result.model_type}`", result.mapping, result.family, by, equal, edits(result),
        whole(result), special, result.remark,
    ]  # fmt: skip


def edits(result: Result) -> str:
    """Say which edits of a model are made, and which are refused."""
    if not result.traced:
        return ""
    if result.edits.wrong:
        return "wrong: " + ", ".join(result.edits.wrong)
    names = [name for name in result.edits.refused if not _is_implied(name, result)]
    refused = [
        said for begin, said in REFUSALS.items() if any(name.startswith(begin) for name in names)
    ]
    if not refused:
        return "yes"
    if [name for name in names if name.startswith("direct")] == ["direct effects of heads"]:
        refused[refused.index("direct effects")] = "direct effects of heads"
    some = result.edits.held or result.edits.agree or result.edits.alone
    return ("all but " if some else "none: ") + ", ".join(refused)


def whole_counts(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Count how much of the models is understood as one picture."""
    cells = [whole(result) for result in results if result.traced]
    unread = sum(cell == "one box" for cell in cells)
    return [
        ("Whole model drawn", str(sum(cell == "yes" for cell in cells))),
        ("… with boxes that aren't understood", str(sum(cell.startswith("but") for cell in cells))),
        ("… as one box", str(unread)),
        ("… wrong", str(sum(cell.startswith("wrong") for cell in cells))),
    ]


def whole(result: Result) -> str:
    """Say how much of a model is understood as one picture."""
    if not result.traced:
        return ""
    if result.whole.wrong:
        return "wrong: " + ", ".join(result.whole.wrong[:4])
    if result.whole.unread:
        return "one box"
    names = dict.fromkeys(name.rpartition(".")[2] for name in result.whole.boxes)
    said = {"input": "below the blocks", "end": "above the blocks", "whole": "some blocks"}
    boxes = [said.get(name, "parts of blocks") for name in names]
    boxes += ["numbers"] * bool(result.whole.refused)
    return "but " + ", ".join(dict.fromkeys(boxes)) if boxes else "yes"


def with_whole(page: str, results: Sequence[Result]) -> str:
    """Return the page with what was found of whole models, and all else as it is."""
    cells = {(r.mapping, f"`{r.model_type}`"): whole(r) for r in results}
    at, lines = COLUMNS.index("Whole model"), []
    known = dict(whole_counts(results))
    for line in page.split("\n"):
        row = [cell.strip() for cell in line.split("|")[1:-1]]
        if row and row[0] in known:
            continue
        if row and row[0] == "Edits wrong":
            lines += [_row(one) for one in known.items()]
        if len(row) in (len(COLUMNS) - 1, len(COLUMNS)):
            kept = row if len(row) == len(COLUMNS) else [*row[:at], "", *row[at:]]
            names = {"Model type": "Whole model", "---": "---"}
            kept[at] = names.get(row[0]) or cells.get((row[1], row[0]), kept[at])
            line = _row(kept)
        lines.append(line)
    return "\n".join(lines)


def _is_implied(name: str, result: Result) -> bool:
    """Return whether effects are refused because their parts are."""
    parts = {"heads": "self head", "mlps": "self mlp", "layers": "self layer"}
    _, is_effect, of = name.partition(" effects of ")
    return bool(is_effect) and any(one.startswith(parts[of]) for one in result.edits.refused)


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
