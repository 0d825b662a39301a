"""The answers of a page, computed ahead of time.

A page's source holds most answers as `Handlers` gives them, by key. Large ones are held in a form
that many answers follow from: whole matrices of heads, and summaries of logits.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from llmscope.analysis.head_scores import ROWS
from llmscope.capture import NEVER
from llmscope.export.choice import Wanted
from llmscope.export.encoding import LIKELIEST, WEIGHT_ERROR, coded, largest_error, summarised
from llmscope.export.selection import Group, Plan, between, listed, pairs_of
from llmscope.kernel import TextInput
from llmscope.kernel import requests as ask
from llmscope.kernel import structure_requests as of_model
from llmscope.kernel.protocol import format_key
from llmscope.kernel.requests import RequestError
from llmscope.kernel.training_requests import TrainingStep
from llmscope.shared import LENS_BLOCK
from llmscope.text import labels, same_vocabulary
from llmscope.words import later, say

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    from llmscope.kernel.arrays import PageBuffers
    from llmscope.kernel.requests import Part, Request
    from llmscope.shared import Kind

_STREAMS = {
    "block": later("whole layers"),
    "attention": later("attention halves"),
    "mlp": later("MLP halves"),
}


def page_data(
    group: Group, plans: list[Plan], want: Wanted, buffers: PageBuffers
) -> tuple[Part, list[str]]:
    """Return the source of a group of views.

    Parameters
    ----------
    group
        The views.
    plans
        What is held of each text.
    want
        The export options.
    buffers
        Where arrays are put.

    Returns
    -------
    content
        As in `frontend/src/sources/page/content.ts`.
    notes
        In sentences, what is in it and how exact it is.
    """
    prompts = [p.input.parts for p in plans if isinstance(p.input, TextInput)]
    # Without a model there are those that its author could load, which are nobody's business.
    model = answered(group, ask.Model()) if plans else {}
    given = {"model": {**model, "prompts": prompts if want.prompts else []}}
    own = alone(group)
    given |= own.answers
    if group.handlers.other is not None:
        other = ask.OfOther(ask.Model())
        given[format_key(other)] = answered(group, other)
    given |= _generated(group)
    matrices: list[Part] = []
    logits: list[Part] = []
    ids: set[int] = set()
    error = 0.0
    refused = own.refused
    pairs = pairs_of(group, plans)
    for plan in plans:
        given[format_key(plan.input)] = _summary(group, plan, want)
        compared = [
            one for first, names in pairs if first is plan for one in between(group, plan, names)
        ]
        for request in [*_requests(plan), *compared]:
            try:
                given[format_key(request)] = _trimmed(plan, request, answered(group, request))
            except ValueError as reason:
                topic = _TOPICS.get(type(request))
                if isinstance(request.trace, ask.Pair):
                    topic = ""
                if topic is None:
                    raise
                refused[topic or format_key(request)] = str(reason)
        for kind in plan.heads:
            matrices.append({"trace": plan.name, "kind": kind, **_matrices(plan, kind, want)})
        if plan.positions:
            rows = [plan.trace.logits_at(position) for position in plan.positions]
            summary = summarised(rows)
            error = max(error, largest_error(rows, summary))
            held = {"trace": plan.name, "positions": plan.positions}
            if same_vocabulary(plan.trace.scope.tokenizer, plans[0].trace.scope.tokenizer):
                ids.update(summary.ids.ravel().tolist())
            else:
                held |= _labels(plan.trace.scope.tokenizer, summary.ids)
            if nodes := group.nodes.get(plan.input):
                held = {"trace": "write", "positions": list(nodes.values())}
            logits.append({**held, "vocabulary": len(rows[0]), **summary._asdict()})
    known = sorted(ids or own.labels)
    named = [own.labels[one] for one in known] if own.labels else []
    named = labels(plans[0].trace.scope.tokenizer, known) if ids else named
    words = _words(plans) | refused if plans else refused
    if group.nodes:
        words["positions"] = say(
            "The next token takes the model here: the page holds it elsewhere."
        )
    content: Part = {
        "answers": {key: buffers.encoded(part) for key, part in given.items()},
        "matrices": [buffers.encoded(part) for part in matrices],
        "logits": [buffers.encoded(part) for part in logits],
        "labels": buffers.encoded({"ids": np.array(known, np.int32), "labels": named}),
        "words": words,
    }
    notes = _notes(group, plans, want, error) if plans else []
    said = [panel.note(view) for panel in group.panels for view in group.having(panel)]
    return content, [*notes, *dict.fromkeys(filter(None, said))]


class Alone(NamedTuple):
    """What a group of views is answered of no trace.

    Attributes
    ----------
    answers
        By key.
    refused
        By key, why there is none.
    labels
        Of tokens by their ids, as all steps of a training name the same ones.
    """

    answers: dict[str, Part]
    refused: dict[str, str]
    labels: dict[int, str]


def alone(group: Group) -> Alone:
    """Return what is about no trace."""
    found = Alone({}, {}, {})
    for one in group.alone:
        try:
            part = answered(group, one)
        except RequestError as reason:
            found.refused[format_key(one)] = str(reason)
            continue
        if isinstance(one, TrainingStep):
            own = part.pop("labels")
            found.labels.update(zip(own["ids"].tolist(), own["labels"], strict=True))
        found.answers[format_key(one)] = part
    return found


def _labels(tokenizer: PreTrainedTokenizerBase, ids: NDArray[np.int32]) -> Part:
    """Return labels of tokens that the first model of a page doesn't have."""
    known = np.unique(ids).astype(np.int32)
    return {"label_ids": known, "label_texts": labels(tokenizer, known.tolist())}


def answered(group: Group, request: Request) -> Part:
    """Return the answer to a request."""
    *_, part = group.handlers(request, NEVER)
    return part


# What a page says of other requests of the same kind is its `words` by this name; without one, of
# this request only.
_TOPICS: dict[type[Request], str] = {
    ask.Steps: "steps",
    ask.LensBlock: "lens",
    ask.Effects: "",
    ask.Patching: "patching",
    of_model.ModelStream: "",
    of_model.ModelBlock: "",
    of_model.ModelBox: "",
}


def _requests(plan: Plan) -> list[ask.OfTrace]:
    """Return the requests of all panels, and what any view of two sentences shows."""
    chain = [one for one in plan.requests if isinstance(one, ask.Chain)]
    others = [one for one in plan.requests if not isinstance(one, ask.Chain)]
    return [*chain, *([ask.Follows(plan.name)] if plan.trace.pair else []), *others]


def _summary(group: Group, plan: Plan, want: Wanted) -> Part:
    text = answered(group, ask.Summary(plan.input))
    del text["cache"]  # in the kernel, not in the page
    return {**text, "decimals": 3} if want.precision == "float16" else text


def _trimmed(plan: Plan, request: ask.OfTrace, part: Part) -> Part:
    """Leave out of an answer what follows from matrices of the page."""
    if isinstance(request, ask.Thumbnails):
        small = plan.trace.queries(request.kind) <= ROWS
        if small and plan.whole(request.kind, request.layer):
            return {name: item for name, item in part.items() if name != "shades"}
    return part


def _generated(group: Group) -> dict[str, Part]:
    """Return what was generated, from the end of a path that is on screen."""
    tree = group.tree
    if tree is None:
        return {}
    begin = ask.Begin(group.views[0].text)
    state = {**answered(group, begin), "current": group.end, "can_undo": False}
    copies: list[Request] = [ask.Copy(node) for node in tree.leaves()]
    return {format_key(begin): state, **{format_key(one): answered(group, one) for one in copies}}


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


def _words(plans: list[Plan]) -> dict[str, str]:
    """Return what the page says where it holds no answer."""
    positions = {position for plan in plans for position in plan.positions}
    steps = {
        say(
            "layer {layer}, head {head} at token {query}",
            layer=one.layer,
            head=one.head,
            query=one.query,
        )
        for plan in plans
        for one in plan.requests
        if isinstance(one, ask.Steps)
    }
    return {
        "heads": say("This head takes the model: the page holds {heads}.", heads=_heads(plans)),
        "positions": say(
            "The next token takes the model here: the page holds it {where}.",
            where=_at(positions),
        ),
        "steps": say(
            "These steps take the model: the page holds those of {heads}.",
            heads=say("; ").join(sorted(steps)) or say("no head"),
        ),
        "effects": say("These effects take the model: the page holds those that were on screen."),
        "patching": say("This grid takes the model: the page holds the one that was on screen."),
        "lens": say("This lens takes the model: the page holds {lens}.", lens=_lens(plans)),
    }


def _at(positions: set[int]) -> str:
    which = later("at token {all}") if len(positions) == 1 else later("at tokens {all}")
    return say(which, all=listed(positions))


def _lens_blocks(plans: list[Plan]) -> list[ask.LensBlock]:
    return [one for plan in plans for one in plan.requests if isinstance(one, ask.LensBlock)]


def _lens(plans: list[Plan]) -> str:
    """Name the streams that are held, and where."""
    blocks = _lens_blocks(plans)
    streams = sorted({one.stream for one in blocks})
    names = say(" and ").join(say(_STREAMS[one]) for one in streams) or say("none")
    longest = max(len(plan.trace) for plan in plans)
    starts = {LENS_BLOCK * one.block for one in blocks}
    places = {start + n for start in starts for n in range(LENS_BLOCK)} & {*range(longest)}
    all_of = listed(places)
    return say("{names} at tokens {all}", names=names, all=all_of) if places else names


def _heads(plans: list[Plan]) -> str:
    """Name the heads that are held."""
    kinds = [(plan, kind) for plan in plans for kind in plan.heads]
    whole = {
        layer for plan, kind in kinds for layer, _ in plan.heads[kind] if plan.whole(kind, layer)
    }
    others = sorted({pair for plan, kind in kinds for pair in plan.heads[kind]})
    others = [pair for pair in others if pair[0] not in whole]
    if all(layer in whole for plan, kind in kinds for layer in plan.trace.layers(kind)):
        return say("all heads")
    parts = []
    if whole:
        which = later("all heads of layer {all}"), later("all heads of layers {all}")
        parts.append(say(which[len(whole) > 1], all=listed(whole)))
    parts += [say("head {layer}·{head}", layer=layer, head=head) for layer, head in others]
    return say(", ").join(parts) or say("no head")


def _notes(group: Group, plans: list[Plan], want: Wanted, error: float) -> list[str]:
    trace = plans[0].trace
    off = [say("writing") if group.nodes else say("typing")]
    off += [say("finding a token")] * any(plan.positions for plan in plans)
    off += [say("rollout")] * any(plan.heads for plan in plans)
    parts = say(" and ").join([say(", ").join(off[:-1]), off[-1]] if len(off) > 1 else off)
    verb = (
        later("A page without its model, {name}: {parts} are off.")
        if len(off) > 1
        else later("A page without its model, {name}: {parts} is off.")
    )
    notes = [say(verb, name=trace.scope.name, parts=parts)]
    if any(plan.heads for plan in plans):
        exact = say("weights as the model has them")
        if want.precision == "float16":
            exact = say(
                "each weight is off by at most {most} % of it, and by 0.00025",
                most=_rounded_up(100 * WEIGHT_ERROR),
            )
        notes.append(say("Attention: {heads}; {exact}.", heads=_heads(plans), exact=exact))
    if _lens_blocks(plans):
        notes.append(say("Logit lens: {lens}; numbers as the model gives them.", lens=_lens(plans)))
    told = [plan for plan in plans if plan.positions]
    if told:
        every = all(len(plan.positions) == len(plan.trace) for plan in told)
        where = say("at every token")
        if group.nodes:
            count = sum(len(nodes) for nodes in group.nodes.values())
            written = count > len(group.tree or ())
            where = (
                say("at every token that was written")
                if written
                else say("at every token on screen")
            )
        elif not every:
            positions = {position for plan in told for position in plan.positions}
            where = _at(positions)
        vocabulary = trace.scope.facts.vocabulary
        sentence = later("Next token {where}.")
        if vocabulary > LIKELIEST:
            sentence = later(
                "Next token {where}: the {likeliest:,} likeliest exactly, the other {others:,} as "
                "a histogram. Probabilities and sums of them are off by at most {most} percentage "
                "points, at temperatures up to 2; counts beyond {likeliest:,} are close."
            )
        others, most = vocabulary - LIKELIEST, _rounded_up(200 * error)
        notes.append(say(sentence, where=where, likeliest=LIKELIEST, others=others, most=most))
    return notes


def _rounded_up(value: float) -> str:
    """Return one digit of a number that isn't less than `value`."""
    if value <= 1e-6:
        return "0.000001"
    power = np.floor(np.log10(value))
    digits = np.ceil(value / 10**power)
    return f"{digits * 10**power:.{max(0, int(-power))}f}"
