"""The registry of panels: what each shows, how high it is, and which answers a page needs for it.

A panel of its own with a new kind of request is an entry here, a request in
`llmscope.kernel.requests`, and its answer in `llmscope.kernel.handlers`; its picture for
`View.figure`, if it has one, is in `llmscope.export.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmscope.capture import NEVER
from llmscope.kernel import TextInput, training
from llmscope.kernel import requests as ask
from llmscope.kernel import structure_requests as of_model
from llmscope.kernel.edited_input import input_of, without_source
from llmscope.kernel.evaluation import evaluated
from llmscope.kernel.protocol import format_key
from llmscope.shared import EXAMPLES, LENS_BLOCK, SURVEY_SCORES, TEXTS_BLOCK, WAYS
from llmscope.words import say

if TYPE_CHECKING:
    from llmscope.kernel.requests import OfTrace, Pair, Request
    from llmscope.shared import Kind, Parts
    from llmscope.state import ViewState
    from llmscope.trace import Trace

    Requests = Callable[["Shown"], list[OfTrace]]

Reads = Literal["attention", "matrix", "next-token"]
_MOST_HEADS = 5  # that are named in words
MOST_PATHS = 16  # positions up to which the numbers of each are in a page
MOST_LENS = 512  # positions up to which the lens of each is in a page


@dataclass(frozen=True)
class Shown:
    """What views with a certain panel show of one trace.

    Attributes
    ----------
    trace
        The trace.
    name
        Its name in requests; of a text under edits and without them, both names.
    views
        The views that have the panel, each showing this trace.
    positions
        Positions that were asked for, from 0; `None` if none were.
    count
        Number of positions that have a lens; of two texts, of those that both have.
    """

    trace: Trace
    name: str | Pair
    views: Sequence[ViewState]
    positions: frozenset[int] | None
    count: int


@dataclass(frozen=True)
class Panel:
    """One panel of a view.

    Attributes
    ----------
    name
        As in `View._panels`.
    above
        Height in pixels over a text of some 30 tokens, above the columns: a cell output is as high
        until its page has told its own height.
    column
        The same, in a column.
    block
        The same, in a row of such panels above the columns.
    reads
        What a page holds for it in a form of its own: weights of heads for "attention", also the
        matrix on screen for "matrix", logits for "next-token".
    requests
        Requests whose answers a page holds for it as they are.
    between
        The same, of the difference of two traces.
    alone
        The same, of no trace: requests of the views' own.
    needs_trace
        Whether it shows a text through a model.
    gives_traces
        Whether what other panels of the view show comes out of what this one was answered: no
        model is run for them.
    words
        What it shows, in words, where it needs no trace.
    note
        What a page says of it, in a sentence; empty for nothing.
    opened_by
        The trait of the view that opens it; empty where it is always open.
    chooses_heads
        Whether a person chooses heads in it.
    """

    name: str
    above: int = 0
    column: int = 0
    block: int = 0
    reads: frozenset[Reads] = frozenset()
    requests: Requests = lambda shown: []
    between: Requests = lambda shown: []
    alone: Callable[[ViewState], list[Request]] = lambda view: []
    needs_trace: bool = True
    gives_traces: bool = False
    words: Callable[[ViewState], str] = lambda view: ""
    note: Callable[[ViewState], str] = lambda view: ""
    opened_by: str = ""
    chooses_heads: bool = False


def _chain(shown: Shown) -> list[OfTrace]:
    family = shown.trace.scope.facts.family
    left_to_right = family in ("causal", "encoder-decoder") and len(shown.trace) > 1
    return [ask.Chain(shown.name)] if left_to_right else []


def _thumbnails(shown: Shown) -> list[OfTrace]:
    kinds = shown.trace.kinds
    return [ask.Thumbnails(shown.name, kind, n) for kind in kinds for n in shown.trace.layers(kind)]


def _overview(shown: Shown) -> list[OfTrace]:
    return [*_thumbnails(shown), *_effects(shown)]


def _effects(shown: Shown) -> list[OfTrace]:
    """Return the effects that heads and MLPs are coloured by."""
    found: list[OfTrace] = []
    for view in shown.views:
        if view.effect_of and shown.trace.kinds:
            found += _ways(shown, view, "heads", view.kind)
            # MLPs that are measured are the decoder's: no encoder's layers have their numbers.
            found += _ways(shown, view, "mlps", "self") if view.kind != "encoder" else []
    return list(dict.fromkeys(found))


def _text(shown: Shown) -> list[OfTrace]:
    """Return the chain, and the effects that the text is shaded by."""
    found = _chain(shown)
    for view in shown.views:
        if view.effect_of and view.traits["shade"] == "effect":
            found += _ways(shown, view, "tokens", "self")
    return list(dict.fromkeys(found))


def _ways(shown: Shown, view: ViewState, of: Parts, kind: Kind) -> list[OfTrace]:
    token, *others = view.effect_of
    foil = others[0] if others else None
    place = len(shown.trace) - 1 if shown.trace.source_tokens else view.focus
    return [ask.Effects(shown.name, of, kind, way, token, foil, place) for way in WAYS[of]]


def _patching(shown: Shown) -> list[OfTrace]:
    """Return the grid of each second text; not where the text is patched from it already."""
    found: list[OfTrace] = []
    for view in shown.views:
        if not (text := view.traits.get("patch_from", "")) or view.session is not None:
            continue
        made = TextInput.of(shown.trace)
        source = TextInput(text, made.pair, made.target, made.masked)
        if without_source(input_of(shown.trace), source) != input_of(shown.trace):
            continue
        token, foil = (*view.traits.get("effect_of", ()), None, None)[:2]
        place = len(shown.trace) - 1 if shown.trace.source_tokens else view.focus
        found.append(ask.Patching(shown.name, token, foil, place, format_key(source)))
    return list(dict.fromkeys(found))


def _steps(shown: Shown) -> list[OfTrace]:
    """Return the steps of each head and query in focus."""
    found: list[OfTrace] = []
    for view in shown.views:
        layer, head, kind = view.layer, view.head, view.kind
        if layer in shown.trace.layers(kind) and head < shown.trace.heads(layer, kind)[0]:
            query = min(view.focus, shown.trace.queries(kind) - 1)
            found.append(ask.Steps(shown.name, kind, layer, head, query))
    return list(dict.fromkeys(found))


def _lens(shown: Shown) -> list[OfTrace]:
    """Return blocks of positions of the streams on screen; those in focus always."""
    count = shown.count
    places = set(shown.positions or ())
    if shown.positions is None and count <= MOST_LENS:
        places = set(range(count))
    for view in shown.views:
        places.add(view.position if 0 <= view.position < count else count - 1)
    blocks = sorted({place // LENS_BLOCK for place in places if place >= 0})
    streams = sorted({view.traits["stream"] for view in shown.views})
    return [ask.LensBlock(shown.name, stream, block) for stream in streams for block in blocks]


def _model(shown: Shown) -> list[OfTrace]:
    """Return what the model is made of, and numbers: of the block on screen, and its boxes.

    Of the token in focus where the picture is closed, of each token of a short text where it isn't.
    """
    found: list[OfTrace] = [of_model.Structure(shown.name)]
    towers = [one for one in shown.trace.structure.towers if one.blocks]
    for view, tower in product(shown.views, towers):
        kind = tower.tower
        is_shown = (view.kind == "encoder") == (kind == "encoder")
        count = len(shown.trace.source_tokens if kind == "encoder" else shown.trace)
        here = view.position if is_shown and 0 <= view.position < count else count - 1
        places = {place for place in shown.positions or () if 0 <= place < count} | {here}
        if shown.positions is None and count <= MOST_PATHS and view.traits.get("model", True):
            places = set(range(count))
        chosen = view.traits.get("block", -1)
        block = min(max(0, chosen if chosen >= 0 else view.layer), tower.blocks - 1)
        for place in sorted(places):
            found.append(of_model.ModelStream(shown.name, kind, place))
            found.append(of_model.ModelBlock(shown.name, kind, block, place))
        kinds = [one for one in shown.trace.kinds if (one == "encoder") == (kind == "encoder")]
        read = [one for one in kinds if block in shown.trace.layers(one)]
        found += [ask.Thumbnails(shown.name, one, block) for one in read]
        boxes = {*tower.opening(block), view.traits.get("box", "")} - {""}
        boxes = {one for one in boxes if one.startswith("encoder.") == (kind == "encoder")}
        found += [of_model.ModelBox(shown.name, box, 0, here) for box in sorted(boxes)]
        turned = [box for box in boxes if box.endswith((".rotary", ".alibi", ".relative"))]
        found += [of_model.ModelBox(shown.name, box, view.head, here) for box in turned]
    return list(dict.fromkeys(found))


def _evaluation(view: ViewState) -> list[Request]:
    count = len(evaluated(view.answers)["texts"])
    return [ask.Evaluated(), *(ask.EvaluatedText(number) for number in range(count))]


def _evaluation_in_words(view: ViewState) -> str:
    found = evaluated(view.answers)
    names = [one["name"] for one in found["measures"]]
    at = names.index(view.traits["measure"]) if view.traits["measure"] in names else 0
    lines = [say("{measure} by model", measure=names[at].replace("_", " "))]
    for model in found["models"]:
        value, low, high, why = model["values"][at]
        between = "" if low is None else f" ({low:.4g} to {high:.4g})"
        lines.append(f"{model['name']}: {why if value is None else f'{value:.4g}{between}'}")
    return "\n".join(lines)


def _tokenizers(view: ViewState) -> str:
    (part,) = view.answers[ask.Tokenizers](ask.Tokenizers(view.text), NEVER)
    counts = [
        f"{row['name']}: {row['refused'] if 'refused' in row else row['tokens']}"
        for row in part["rows"]
    ]
    return "\n".join([view.text, say("Tokens by"), *counts]) if view.text else ""


def _survey(view: ViewState) -> list[Request]:
    (known,) = view.answers[ask.Survey](ask.Survey(), NEVER)
    shown = np.concatenate([known[name].ravel() for name in EXAMPLES])
    blocks = np.unique(shown // TEXTS_BLOCK).tolist()
    return [ask.Survey(), *(ask.SurveyTexts(block) for block in blocks)]


def _survey_in_words(view: ViewState) -> str:
    (some,) = view.answers[ask.SurveyTexts](ask.SurveyTexts(0), NEVER)
    if not some["read"]:
        return say("A survey of heads over many texts, which is not read yet.")
    (known,) = view.answers[ask.Survey](ask.Survey(), NEVER)
    mean, _, error = known["statistics"][:, SURVEY_SCORES.index(view.traits["y"])]
    lines = [
        say(
            "Heads of {name} over {read:,} texts: most {y}",
            name=known["name"],
            read=known["read"],
            y=view.traits["y"],
        )
    ]
    for head in np.argsort(-np.nan_to_num(mean, nan=-np.inf))[:_MOST_HEADS]:
        layer, number = known["heads"][head]
        lines.append(f"{layer}·{number}: {mean[head]:.3f} ± {error[head]:.3f}")
    return "\n".join(lines)


def _rows(shown: Shown) -> list[OfTrace]:
    return [ask.Rows(shown.name)]


def _distances(shown: Shown) -> list[OfTrace]:
    """Return how far heads of two that are compared are apart."""
    kinds = shown.trace.kinds if any(view.compared for view in shown.views) else ()
    return [ask.Distances(shown.name, kind) for kind in kinds]


def _next_texts(shown: Shown) -> list[OfTrace]:
    """Return the texts that come next at the row in focus, of two with other vocabularies."""
    found: list[OfTrace] = []
    for view in shown.views:
        if view.compared is None or view.comparison.same_logits:
            continue
        side = "b" if view.traits["side"] == "b" else "a"
        rows = [getattr(row, side) for row in view.comparison.tokens]
        here = next((n for n, row in enumerate(rows) if view.position in row), len(rows) - 1)
        found.append(ask.Logits(shown.name, here))
    return list(dict.fromkeys(found))


_ATTENTION: frozenset[Reads] = frozenset({"attention"})

PANELS = {
    panel.name: panel
    for panel in (
        Panel("header", above=40),
        Panel("tokens", above=170, reads=_ATTENTION, requests=_text),
        Panel("texts", above=250, between=_rows),
        Panel("chain", above=240, requests=_chain, between=_chain, opened_by="chain_rule"),
        Panel("model", above=470, requests=_model, opened_by="model"),
        Panel("generation", above=330),
        Panel(
            "overview",
            column=620,
            reads=_ATTENTION,
            requests=_overview,
            between=_distances,
            chooses_heads=True,
        ),
        Panel("attention", column=620, reads=_ATTENTION | {"matrix"}, requests=_steps),
        Panel("next-token", column=560, reads=frozenset({"next-token"}), between=_next_texts),
        Panel("lens", above=860, requests=_lens, between=_lens),
        Panel(
            "tokenizers",
            above=560,
            alone=lambda view: [ask.Tokenizers(view.text)],
            needs_trace=False,
            words=_tokenizers,
            note=lambda view: say("A page without its tokenizers: typing is off."),
        ),
        Panel(
            "survey",
            above=660,
            chooses_heads=True,
            alone=_survey,
            needs_trace=False,
            words=_survey_in_words,
            note=lambda view: say(
                "The survey is of the texts that were read; other texts than the "
                "page holds take the model."
            ),
        ),
        Panel(
            "evaluation",
            above=900,
            alone=_evaluation,
            needs_trace=False,
            words=_evaluation_in_words,
        ),
        Panel(
            "training",
            above=330,
            alone=training.steps,
            needs_trace=False,
            gives_traces=True,
            words=training.in_words,
            note=training.note,
        ),
        Panel("stream", above=430, alone=training.across, needs_trace=False),
        Panel("became", block=470, alone=training.heads, needs_trace=False),
        Panel("head-steps", block=560, alone=training.head, needs_trace=False),
        Panel("lens-steps", block=420, alone=training.lens, needs_trace=False),
        Panel("patching", column=700, requests=_patching, opened_by="patch_from"),
    )
}


def needs_trace(view: ViewState) -> bool:
    """Whether a view runs a model for any of its panels."""
    panels = [PANELS[name] for name in view.panels]
    gives = any(panel.gives_traces for panel in panels)
    return not gives and any(panel.needs_trace for panel in panels)
