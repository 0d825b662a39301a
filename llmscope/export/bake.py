"""The answers of a page, made ahead of time.

A page's source holds most answers as `Answers` gives them, by key. What is large is held in a form
that many answers follow from: whole matrices of heads, and summaries of logits.
"""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.head_scores import ROWS
from llmscope.capture import NEVER
from llmscope.export.choose import Group, Plan, Wanted, listed
from llmscope.export.compact import LIKELIEST, WEIGHT_ERROR, coded, summarised
from llmscope.source import Reading
from llmscope.source.answers import key_of
from llmscope.source.lens import BLOCK
from llmscope.text import labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.capture import Kind

Part = dict[str, Any]
_STREAMS = {"block": "whole layers", "attention": "attention halves", "mlp": "MLP halves"}


class Buffers:
    """Bytes of arrays, each kept once."""

    def __init__(self) -> None:
        self.parts: list[tuple[bytes, int]] = []
        self._known: dict[bytes, int] = {}

    def packed(self, item: Any) -> Any:
        """Put an array among the buffers, a reference in its place; NaN isn't JSON, so null."""
        if isinstance(item, np.ndarray):
            array = np.ascontiguousarray(item)
            reference = {"dtype": str(array.dtype), "shape": list(array.shape)}
            return {"buffer": self._add(array), **reference}
        if isinstance(item, dict):
            return {name: self.packed(value) for name, value in item.items()}
        if isinstance(item, float) and not np.isfinite(item):
            return None
        return item

    def _add(self, array: NDArray[Any]) -> int:
        width = array.itemsize
        # All first bytes of the numbers, then all second: they compress better.
        data = array.view(np.uint8).reshape(-1, width).T.tobytes() if array.size else b""
        digest = hashlib.sha256(data + bytes([width])).digest()
        if digest not in self._known:
            self._known[digest] = len(self.parts)
            self.parts.append((data, width))
        return self._known[digest]


def bake(group: Group, plans: list[Plan], want: Wanted, buffers: Buffers) -> tuple[Part, list[str]]:
    """Make the source of a group of views.

    Returns
    -------
    content
        As in `frontend/src/source/baked/content.ts`.
    notes
        In sentences, what is in it and how true it is.
    """
    prompts = [p.reading.parts for p in plans if isinstance(p.reading, Reading)]
    prompts = prompts if want.prompts else []
    given: dict[str, Part] = {"model": {**answered(group, "model"), "prompts": prompts}}
    matrices: list[Part] = []
    logits: list[Part] = []
    ids: set[int] = set()
    error = 0.0
    refused = no_lens = ""
    given |= _written(group)
    for plan in plans:
        key = key_of(plan.reading)
        text = answered(group, key)
        del text["warm"]  # in the kernel, not in the page
        if want.precision == "float16":
            text["decimals"] = 3
        given[key] = text
        name = text["trace"]
        if _has_chain(group, plan):
            given[f"{name}/chain"] = answered(group, f"{name}/chain")
        if plan.trace.pair:
            given[f"{name}/follows"] = answered(group, f"{name}/follows")
        for kind in plan.heads:
            matrices.append({"trace": name, "kind": kind, **_matrices(plan, kind, want)})
            if "overview" in group.panels:
                for layer in plan.trace.layers(kind):
                    key = f"{name}/thumbnails/{kind}/{layer}"
                    given[key] = answered(group, key)
                    if plan.whole(kind, layer) and plan.trace.queries(kind) <= ROWS:
                        del given[key]["shades"]  # They follow from the matrices.
        for kind, layer, head, query in plan.steps:
            key = f"{name}/steps/{kind}/{layer}/{head}/{query}"
            try:
                given[key] = answered(group, key)
            except ValueError as reason:
                refused = str(reason)
        for stream, number in plan.lens:
            key = f"{name}/lens/{stream}/{number}"
            try:
                given[key] = answered(group, key)
            except ValueError as reason:
                no_lens = str(reason)
        if plan.positions:
            rows = [plan.trace.logits_at(position) for position in plan.positions]
            summary, off = summarised(rows)
            error = max(error, off)
            ids.update(summary.ids.ravel().tolist())
            held = {"trace": name, "positions": plan.positions}
            if nodes := group.nodes.get(plan.reading):
                held = {"trace": "write", "positions": list(nodes.values())}
            logits.append({**held, "vocabulary": len(rows[0]), **summary._asdict()})
    known = sorted(ids)
    tokenizer = plans[0].trace.scope.tokenizer
    words = _words(plans)
    words["steps"] = refused or words["steps"]
    words["lens"] = no_lens or words["lens"]
    if group.nodes:
        words["positions"] = "The next token takes the model here: the page holds it elsewhere."
    content: Part = {
        "answers": {key: buffers.packed(part) for key, part in given.items()},
        "matrices": [buffers.packed(part) for part in matrices],
        "logits": [buffers.packed(part) for part in logits],
        "labels": buffers.packed(
            {"ids": np.array(known, np.int32), "labels": labels(tokenizer, known)}
        ),
        "words": words,
    }
    return content, _notes(group, plans, want, error)


def answered(group: Group, key: str) -> Part:
    """Give the answer to a key."""
    *_, part = group.answers(key, NEVER)
    return part


def _written(group: Group) -> dict[str, Part]:
    """Tell what was written, from the end of a path that is on screen."""
    tree = group.tree
    if tree is None:
        return {}
    begin = f"write/begin/{group.views[0].text}"
    state = {**answered(group, begin), "current": group.end, "can_undo": False}
    copies = {key: answered(group, key) for key in (f"write/copy/{n}" for n in tree.leaves())}
    return {begin: state, **copies}


def _has_chain(group: Group, plan: Plan) -> bool:
    left_to_right = plan.trace.scope.facts.family in ("causal", "encoder-decoder")
    return "tokens" in group.panels and left_to_right and len(plan.trace) > 1


def _matrices(plan: Plan, kind: Kind, want: Wanted) -> Part:
    """Code all matrices of one kind (width, matrices, weights)."""
    trace = plan.trace
    names = []
    parts = []
    for layer, pairs in groupby(plan.heads[kind], key=lambda pair: pair[0]):
        heads = [head for _, head in pairs]
        names += [f"head.{layer}.{head}" for head in heads]
        parts.append(coded(trace.attention(layer, kind=kind)[heads], want.precision))
    for _, layer in [one for one in plan.rollouts if one[0] == kind]:
        names.append(f"rollout.{layer}")
        parts.append(coded(trace.rollout(layer, kind=kind)[None], want.precision))
    queries, keys = trace.queries(kind), trace.keys(kind)
    width = 2 if want.precision == "float16" else 4
    codes = np.concatenate([np.zeros((width, 0, queries, keys), np.uint8), *parts], axis=1)
    triangular = queries == keys and not np.triu(codes, 1).any()
    if triangular:
        rows, columns = np.tril_indices(queries)
        codes = codes[:, :, rows, columns]
    return {
        "queries": queries,
        "keys": keys,
        "triangular": triangular,
        "names": names,
        "codes": codes.reshape(width, len(names), -1),
    }


def _words(plans: list[Plan]) -> Part:
    """Say what the page tells where it holds no answer."""
    positions = {position for plan in plans for position in plan.positions}
    steps = {
        f"layer {layer}, head {head} at token {query}"
        for plan in plans
        for _, layer, head, query in plan.steps
    }
    return {
        "heads": f"This head takes the model: the page holds {_heads(plans)}.",
        "positions": "The next token takes the model here: the page holds it "
        f"at {'token' if len(positions) == 1 else 'tokens'} {listed(positions)}.",
        "steps": "These steps take the model: the page holds those of "
        + ("; ".join(sorted(steps)) or "no head")
        + ".",
        "lens": f"This lens takes the model: the page holds {_lens(plans)}.",
    }


def _lens(plans: list[Plan]) -> str:
    """Name the streams that are held, and where."""
    streams = sorted({stream for plan in plans for stream, _ in plan.lens})
    names = " and ".join(_STREAMS[stream] for stream in streams) or "none"
    blocks = {number for plan in plans for _, number in plan.lens}
    longest = max(len(plan.trace) for plan in plans)
    places = {BLOCK * number + n for number in blocks for n in range(BLOCK)} & {*range(longest)}
    return f"{names} at tokens {listed(places)}" if places else names


def _heads(plans: list[Plan]) -> str:
    """Name the heads that are held."""
    kinds = [(plan, kind) for plan in plans for kind in plan.heads]
    whole = {
        layer for plan, kind in kinds for layer, _ in plan.heads[kind] if plan.whole(kind, layer)
    }
    others = sorted({pair for plan, kind in kinds for pair in plan.heads[kind]})
    others = [pair for pair in others if pair[0] not in whole]
    if all(layer in whole for plan, kind in kinds for layer in plan.trace.layers(kind)):
        return "all heads"
    parts = []
    if whole:
        parts.append(f"all heads of {'layer' if len(whole) == 1 else 'layers'} {listed(whole)}")
    parts += [f"head {layer}·{head}" for layer, head in others]
    return ", ".join(parts) or "no head"


def _notes(group: Group, plans: list[Plan], want: Wanted, error: float) -> list[str]:
    trace = plans[0].trace
    off = ["writing" if group.nodes else "typing"]
    off += ["finding a token"] * any(plan.positions for plan in plans)
    off += ["rollout"] * any(plan.heads for plan in plans)
    parts = " and ".join([", ".join(off[:-1]), off[-1]] if len(off) > 1 else off)
    verb = "are" if len(off) > 1 else "is"
    notes = [f"A page without its model, {trace.scope.name}: {parts} {verb} off."]
    if any(plan.heads for plan in plans):
        exact = "weights as the model has them"
        if want.precision == "float16":
            most = f"{_rounded_up(100 * WEIGHT_ERROR)} % of it, and by 0.00025"
            exact = f"each weight is off by at most {most}"
        notes.append(f"Attention: {_heads(plans)}; {exact}.")
    if any(plan.lens for plan in plans):
        notes.append(f"Logit lens: {_lens(plans)}; numbers as the model gives them.")
    told = [plan for plan in plans if plan.positions]
    if told:
        every = all(len(plan.positions) == len(plan.trace) for plan in told)
        where = "at every token"
        if group.nodes:
            count = sum(len(nodes) for nodes in group.nodes.values())
            where += " that was written" if count > len(group.tree or ()) else " on screen"
        elif not every:
            positions = {position for plan in told for position in plan.positions}
            where = f"at {'token' if len(positions) == 1 else 'tokens'} {listed(positions)}"
        vocabulary = trace.scope.facts.vocabulary
        sentence = f"Next token {where}"
        if vocabulary > LIKELIEST:
            sentence += (
                f": the {LIKELIEST:,} likeliest exactly, the other {vocabulary - LIKELIEST:,} as a "
                "histogram. Probabilities and sums of them are off by at most "
                f"{_rounded_up(200 * error)} percentage points, at temperatures up to 2; "
                f"counts beyond {LIKELIEST:,} are close"
            )
        notes.append(sentence + ".")
    return notes


def _rounded_up(value: float) -> str:
    """Give one figure that isn't less than `value`."""
    if value <= 1e-6:
        return "0.000001"
    power = np.floor(np.log10(value))
    digits = np.ceil(value / 10**power)
    return f"{digits * 10**power:.{max(0, int(-power))}f}"
