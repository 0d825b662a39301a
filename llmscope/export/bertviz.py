"""bertviz's own views of a trace, without a kernel and without a network.

bertviz's Python writes every weight as JSON and has its scripts fetch d3 and jQuery. Here its
scripts run as they are installed, in a page of their own that holds what they ask for.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from llmscope.export.page import UNSEEN, Page, beginning, both, document, hidden_headings, packed
from llmscope.export.program import bertviz_program, notices
from llmscope.export.selection import listed
from llmscope.export.static import Static
from llmscope.kernel.arrays import PageBuffers
from llmscope.words import language

if TYPE_CHECKING:
    from llmscope.shared import Kind
    from llmscope.text import Token
    from llmscope.trace import Trace

BertvizView = Literal["head", "model"]
_BYTES = 4.6  # of a weight in a page, at most: compressed, and written as base64
_NAMES: dict[Kind, str] = {"encoder": "Encoder", "self": "Decoder", "cross": "Cross"}
# bertviz fixes its colours when it draws: here they follow the page around.
_STYLE = f"""
{UNSEEN}
body {{ margin: 0; }}
#bertviz {{
  padding: 10px; overflow-x: auto; font: 14px "Helvetica Neue", Helvetica, Arial, sans-serif;
  background: {both("ground")}; color: {both("ink")};
}}
select {{ font: inherit; margin: 0 12px 8px 2px; }}
svg {{ display: block; }}
/* Many faint lines on dark, one over the other, would be rounded to black. */
:root[style*="dark"] #attention {{ filter: brightness(1.8); }}
svg text, [fill="black"] {{ fill: currentColor; }}
[fill="white"] {{ fill: {both("ground")}; }}
[fill="#F5F5F5"], [fill="lightgray"] {{ fill: light-dark(#e8e8ec, #2f3440); }}
"""


def bertviz(
    trace: Trace,
    view: BertvizView = "head",
    *,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    limit: int,
) -> Static:
    """Return bertviz's view of `trace`; see `Trace.bertviz`."""
    if view not in get_args(BertvizView):
        raise ValueError(f'bertviz shows the "head" or the "model" view here, not {view!r}.')
    trace.check_current()
    if trace.why_no_attention:
        raise ValueError(f"bertviz shows attention: {trace.why_no_attention}")
    every = (layer for kind in trace.kinds for layer in trace.layers(kind))
    shown = _chosen("layers", layers, every)
    total = max(_counts(trace, shown))
    chosen = _chosen("heads", heads, range(total))
    _check_size(trace, view, shown, chosen, limit)
    buffers = PageBuffers()
    params: dict[str, Any] = {
        "attention": _attention(trace, shown, chosen, buffers),
        "default_filter": "0",
        "root_div_id": "bertviz",
        "include_layers": shown,
    }
    if view == "head":
        params |= {"layer": None, "heads": list(range(len(chosen)))}
    else:
        params |= {"display_mode": "light", "include_heads": chosen, "total_heads": total}
    names = [one["name"] for one in params["attention"]]
    text = beginning(trace.text)
    # Only the model view names the heads that it shows.
    some = f"Heads {listed(chosen)}" if len(chosen) < total else ""
    name = f"bertviz, {view} view"
    body = _body(view, some if view == "head" else "", names, packed(params, buffers))
    words = (
        f"{trace.scope.name}: {trace.text}\nbertviz's {view} view. Layers {listed(shown)}. {some}"
    )
    program = bertviz_program(language())
    whose = notices(program.packages, bertviz=True)
    title = f"{name}: {text}"
    body = hidden_headings(text, name) + body
    scripts = [program.script, _script(view)]
    html = document(title, body, _STYLE, scripts, whose)
    return Static(Page(html, None, ()), words.rstrip(), 600, title)


def _chosen(name: str, wanted: Sequence[int] | None, known: Iterable[int]) -> list[int]:
    """Return the layers or heads that are wanted, in order; all that are known by default."""
    there = sorted(set(known))
    if wanted is None:
        return there
    try:
        numbers = sorted({operator.index(number) for number in wanted})
    except TypeError:
        raise TypeError(f"{name}= is a list of numbers here, such as {name}=[0, 2].") from None
    if not numbers:
        raise ValueError(f"{name}= names none.")
    for number in numbers:
        if number not in there:
            raise IndexError(f"There is no {name[:-1]} {number}: {name}= takes {listed(there)}.")
    return numbers


def _counts(trace: Trace, layers: Sequence[int]) -> list[int]:
    """Count the heads of each layer, of each kind."""
    return [
        trace.heads(layer, kind)[0]
        for kind in trace.kinds
        for layer in trace.layers(kind)
        if layer in layers
    ]


def _check_size(
    trace: Trace, view: BertvizView, layers: Sequence[int], heads: Sequence[int], limit: int
) -> None:
    drawn = held = 0
    for kind in trace.kinds:
        count = sum(layer in layers for layer in trace.layers(kind))
        matrix = trace.queries(kind) * trace.keys(kind) * len(heads)
        held += matrix * count
        drawn = max(drawn, matrix * (count if view == "model" else 1))
    if drawn <= limit:
        return
    fewer = "heads=[…]" if view == "head" else "layers=[…] and heads=[…]"
    raise ValueError(
        f"bertviz draws a line for every weight: {drawn:,} at once here, in a page of up to "
        f"{held * _BYTES / 1e6:.0f} MB. Above {limit:,} a browser is slow, or stops. Take some of "
        f"the {len(layers)} layers and {len(heads)} heads ({fewer}) or a shorter text, or raise "
        "limit=. llmscope.AttentionView(trace) shows texts of thousands of tokens."
    )


def _attention(
    trace: Trace, layers: Sequence[int], heads: Sequence[int], buffers: PageBuffers
) -> list[dict[str, Any]]:
    """Return what bertviz's menu offers, as `frontend/src/bertviz/bertviz.ts` reads it."""
    shown: list[dict[str, Any]] = []
    for kind in [kind for kind in _NAMES if kind in trace.kinds]:
        queries = trace.source_tokens if kind == "encoder" else trace.tokens
        keys = trace.tokens if kind == "self" else trace.source_tokens
        weights = [_weights(trace, layer, kind, heads, buffers) for layer in layers]
        for name, rows, columns in _parts(trace, kind):
            shown.append(
                {
                    "name": name,
                    "layers": weights,
                    "queries": [rows.start, rows.stop],
                    "keys": [columns.start, columns.stop],
                    "left_text": _labels(queries, rows),
                    "right_text": _labels(keys, columns),
                }
            )
    return shown


def _weights(
    trace: Trace, layer: int, kind: Kind, heads: Sequence[int], buffers: PageBuffers
) -> dict[str, Any] | None:
    if layer not in trace.layers(kind):
        return None
    weights = trace.attention(layer, kind=kind)
    there = [head for head in heads if head < len(weights)]
    one: dict[str, Any] = buffers.encoded({"weights": weights[there]})
    return one


def _parts(trace: Trace, kind: Kind) -> list[tuple[str | None, range, range]]:
    """Name the parts of an attention matrix that bertviz shows by themselves."""
    every = range(trace.queries(kind)), range(trace.keys(kind))
    if trace.source_tokens:
        return [(_NAMES[kind], *every)]
    types = trace.recording.inputs.get("token_type_ids")  # of two sentences (pair=)
    if types is None or not types.any():
        return [(None, *every)]
    second = int(types[0].argmax())
    a, b = range(second), range(second, len(trace))
    return [
        ("All", *every),
        ("Sentence A -> Sentence A", a, a),
        ("Sentence B -> Sentence B", b, b),
        ("Sentence A -> Sentence B", a, b),
        ("Sentence B -> Sentence A", b, a),
    ]


def _labels(tokens: Sequence[Token], part: range) -> list[str]:
    return [token.label for token in tokens[part.start : part.stop]]


def _body(view: BertvizView, some: str, names: Sequence[str | None], content: str) -> str:
    options = "".join(
        f'<option value="{number}">{escape(name)}</option>'
        for number, name in enumerate(names)
        if name is not None
    )
    layer = '<label>Layer: <select id="layer"></select></label>' if view == "head" else ""
    kind = f'<label>Attention: <select id="filter">{options}</select></label>' if options else ""
    return f"""<main><div id="bertviz">{layer}{kind}{some}<div id="vis"></div></div></main>
<script type="application/octet-stream" id="page-data">{content}</script>"""


def _script(view: BertvizView) -> str:
    """Read bertviz's own script, without importing bertviz, which takes seconds."""
    spec = find_spec("bertviz")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).with_name(f"{view}_view.js").read_text(encoding="ascii")
