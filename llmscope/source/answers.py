"""What a view can ask for, by name.

===========================================  ===================================================
key                                          answer
===========================================  ===================================================
``model``                                    facts of the model; without one, what can be loaded
``load/{name}``                              progress, then the model; without name, the default
``install``                                  progress of installing the default's weights
``text/{text}``                              a trace: its name, tokens and shape
``ids/{source}/{ids}``                       the same of ids, with commas; source: an encoder's side
``read/{text, pair, target, masked}``        the same of more than a text; JSON: `Reading.key`
``write/{action}``                           what was written so far; `llmscope.source.writing`
``write/{step|on}/{count}``                  the same behind each of some more tokens
``write/logits/{node}``                      as ``logits`` below, behind a token that was written
``vocabulary/{words}``                       tokens whose text holds these words
``token/{id}``                               the label of one token
``release``                                  lets go of all that can be made again
``{trace}/logits/{position}``                logits of the whole vocabulary, the first labels
``{trace}/chain``                            log-probability and rank of each token
``{trace}/lens/{stream}/{block}``            every layer of some positions through the head
``{trace}/follows``                          probability that the second sentence follows
``{trace}/thumbnails/{kind}/{layer}``        little pictures of a layer's heads, and scores
``{trace}/{kind}/{matrix}/{tile}``           a tile ``{level}.{row}.{column}.{max|mean}``
``{trace}/{kind}/{matrix}/row.{n}``          the exact weights of one query
``{trace}/{kind}/{matrix}/column.{n}``       the exact weights that one key gets
``{trace}/steps/{kind}/{layer}/{head}/{n}``  the arithmetic of one query and head
===========================================  ===================================================

A kind is "self", "encoder" or "cross"; the names of matrices are those of
`llmscope.analysis.matrices`.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import numpy as np

from llmscope.capture import Cancelled, Kind
from llmscope.source.attention import AttentionAnswers
from llmscope.source.lens import block
from llmscope.source.reading import Reading
from llmscope.text import labels, texts, visible
from llmscope.text.prepare import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.scope import Scope
    from llmscope.source.writing import Writing
    from llmscope.text import Token
    from llmscope.trace import Trace

T = TypeVar("T")
Ids = tuple[int, ...]
Written = Reading | tuple[Ids, Ids]  # or ids, what an encoder reads before the others
Part = dict[str, Any]
LABELLED = 200  # of the likeliest tokens, that logits come with labels for
FOUND = 12  # tokens that a search gives
_TRACES = 4  # kept at once
_NAMES = 64  # of traces that can be made again when asked for


class Answers:
    """Traces of one scope by name, and what can be read from them.

    Parameters
    ----------
    scope
        The model that is looked into; `None` until one is loaded.
    trace
        A trace that is shown as it is, and answers for what it was made of.
    """

    def __init__(self, scope: Scope | None, trace: Trace | None = None) -> None:
        self.scope = scope
        self.writing: Writing | None = None
        self.given = trace
        self._given = None if trace is None else Reading.of(trace)
        self._lock = threading.RLock()
        # By name of the trace: of what, and with which version of the weights it was made.
        self._readings: OrderedDict[str, tuple[Written, int]] = OrderedDict()
        self._traces: OrderedDict[Written, Trace] = OrderedDict()
        self._attention = AttentionAnswers()
        self._vocabulary: list[str] | None = None
        self._count = 0

    def trace(self, what: str | Written, cancelled: Callable[[], bool] = lambda: False) -> Trace:
        """Give the trace of `what`, made now unless it is kept."""
        reading = Reading(what) if isinstance(what, str) else what
        if self.scope is None:
            raise ValueError("No model is loaded yet: pick one first.")
        if self.given is not None and reading == self._given:
            self.given.check_current()
            return self.given
        with self._lock:
            found = self._traces.get(reading)
            if found is not None and found.is_current:
                self._traces.move_to_end(reading)
                return found
        if isinstance(reading, Reading):
            if reading.masked:
                made = self.trace(replace(reading, masked=()), cancelled).masked(*reading.masked)
            else:
                made = reading.trace(self.scope, cancelled)
        else:
            source, ids = reading
            if source:
                made = self.scope.trace(source, target=ids, cancelled=cancelled)
            else:
                made = self.scope.trace(ids, cancelled=cancelled)
        if cancelled():
            raise Cancelled
        with self._lock:
            self._traces[reading] = made
            while len(self._traces) > _TRACES:
                self._traces.popitem(last=False)
        return made

    def text_of(self, reading: Written) -> str:
        """Spell out a text that ids stand for."""
        if isinstance(reading, Reading):
            return reading.text
        if self.scope is None:
            return ""
        source, ids = reading
        return encode(self.scope.tokenizer, source or ids).text

    def release(self) -> None:
        """Let go of all that can be made again."""
        with self._lock:
            self._traces.clear()
            self._attention.release()
            self._vocabulary = None
        if self.scope is not None:
            self.scope.forget()

    def __call__(self, key: str, cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Answer `key`, in one part or more.

        Raises
        ------
        KeyError
            For a key that nothing is known by.
        """
        head, _, rest = key.partition("/")
        if head == "model":
            yield self._model()
        elif head == "load":
            yield from self._load(rest, cancelled)
        elif head == "install":
            yield from self._install(cancelled)
        elif head == "release":
            self.release()
            yield {}
        elif head == "vocabulary":
            yield self._search(rest)
        elif head == "token" and self.scope is not None:
            yield {"label": labels(self.scope.tokenizer, [int(rest)])[0]}
        elif head in ("text", "read", "ids"):
            reading = written(key)
            yield self._summary(reading, self.trace(reading, cancelled))
        elif head == "write":
            yield from self._write(rest.split("/"), cancelled)
        else:
            with self._lock:
                if head not in self._readings:
                    raise KeyError(key)
                known, version = self._readings[head]
            trace = self.trace(known, cancelled)
            if trace.version != version:
                raise RuntimeError(
                    "The model's weights were changed. Edit the text to read it with the new ones."
                )
            if rest == "chain":
                yield from ({} for _ in trace.read_chain())
            yield self._read(head, trace, rest.split("/"), cancelled)

    def _model(self) -> Part:
        if self.scope is not None:
            return {"model": self.scope.describe()}
        from dataclasses import asdict

        from llmscope.loading import choices

        return {"choices": [asdict(choice) for choice in choices()]}

    def _load(self, name: str, cancelled: Callable[[], bool]) -> Iterator[Part]:
        from llmscope.scope import load

        scope = yield from _with_progress(partial(load, name or None), cancelled)
        self.release()
        self.scope = scope
        yield self._model()

    def _install(self, cancelled: Callable[[], bool]) -> Iterator[Part]:
        from llmscope.loading import install_default

        yield from _with_progress(install_default, cancelled)
        yield self._model()

    def _search(self, words: str) -> Part:
        """Find tokens by their text: the words themselves, what begins with them, the rest."""
        if self.scope is None or not words:
            return {"ids": [], "labels": []}
        if self._vocabulary is None:
            count = min(self.scope.facts.vocabulary, len(self.scope.tokenizer))
            self._vocabulary = labels(self.scope.tokenizer, range(count))
        wanted = visible(words)
        bare, low = wanted.lstrip("·"), wanted.lower()

        def distance(label: str) -> tuple[bool, bool, int]:
            own = label.lstrip("·")
            return own != bare, not own.lower().startswith(bare.lower()), len(label)

        found = [
            (*distance(label), token_id)
            for token_id, label in enumerate(self._vocabulary)
            if low in label.lower()
        ]
        ids = [token_id for *_, token_id in sorted(found)[:FOUND]]
        return {"ids": ids, "labels": [self._vocabulary[token_id] for token_id in ids]}

    def _write(self, path: list[str], cancelled: Callable[[], bool]) -> Iterator[Part]:
        if self.writing is None:
            raise KeyError("write")
        match path:
            case ["logits", node]:
                yield self._likeliest(self.writing.logits(int(node)))
            case ["step" | "on" as what, count]:
                yield from self.writing.steps(int(count), together=what == "on")
            case [what, *where]:
                yield self.writing(what, *where)

    def _summary(self, reading: Written, trace: Trace) -> Part:
        def rows(tokens: Sequence[Token], spans: list[tuple[int, int]]) -> list[list[Any]]:
            return [
                [token.id, token.label, start, end, token.special]
                for token, (start, end) in zip(tokens, spans, strict=True)
            ]

        tokens = trace.source_tokens or trace.tokens
        target = trace.tokens if trace.source_tokens else ()
        made = Reading.of(trace)
        segments = trace.segments
        return {
            "trace": self._name(reading, trace),
            "text": made.text,
            "pair": made.pair,
            "written": made.target,
            "second": segments.index(1) if 1 in segments else None,
            "masked": [*made.masked],
            "gaps": [*trace.gaps] if trace.scope.facts.family == "masked" else [],
            "ended": bool(target) and _has_ended(trace),
            "kind": shown_kind(trace),
            "last": len(trace) - 1,
            "tokens": rows(tokens, _utf16(trace.text, [(t.start, t.end) for t in tokens])),
            "roles": list(trace.roles),
            "why_no_roles": trace.why_no_roles,
            "target": rows(target, _utf16(made.target, [(t.start, t.end) for t in target])),
            "kinds": {
                kind: [[n, *trace.heads(n, kind)] for n in trace.layers(kind)]
                for kind in trace.kinds
            },
            "why": trace.why_no_attention,
            "warm": [trace.scope.cache_bytes, trace.scope.cache_limit],
        }

    def _name(self, reading: Written, trace: Trace) -> str:
        with self._lock:
            for name, known in self._readings.items():
                if known == (reading, trace.version):
                    self._readings.move_to_end(name)
                    return name
            self._count += 1
            name = f"t{self._count}"
            self._readings[name] = (reading, trace.version)
            while len(self._readings) > _NAMES:
                self._readings.popitem(last=False)
            return name

    def _read(
        self, name: str, trace: Trace, path: list[str], cancelled: Callable[[], bool]
    ) -> Part:
        match path:
            case ["logits", position]:
                return self._likeliest(trace.logits_at(int(position)))
            case ["chain"]:
                return {
                    "logprobs": trace.logprobs,
                    "ranks": trace.ranks.astype(np.int32),
                    "perplexity": trace.perplexity,
                }
            case ["follows"]:
                return {"probability": _follows(trace)}
            case ["lens", stream, number]:
                return block(trace, stream, int(number), cancelled)
            case ["thumbnails", kind, layer]:
                return self._attention.thumbnails(trace, _kind(kind), int(layer), cancelled)
            case ["steps", kind, layer, head, query]:
                where = (_kind(kind), int(layer), int(head), int(query))
                return self._attention.steps(trace, *where, cancelled)
            case [kind, matrix, which]:
                return self._attention.matrix(name, trace, _kind(kind), matrix, which, cancelled)
        raise KeyError("/".join(path))

    def _likeliest(self, logits: NDArray[np.float32]) -> Part:
        """Give logits (vocabulary,) with labels for the likeliest tokens."""
        assert self.scope is not None
        count = min(LABELLED, len(logits))
        first = np.argpartition(-logits, count - 1)[:count]
        first = first[np.lexsort((first, -logits[first]))]
        tokenizer = self.scope.tokenizer
        return {
            "logits": logits,
            "ids": first.astype(np.int32),
            "texts": texts(tokenizer, first.tolist()),
            "labels": labels(tokenizer, first.tolist()),
        }


def written(key: str) -> Written:
    """Tell what a key that names a text names."""
    head, _, rest = key.partition("/")
    if head != "ids":
        return Reading.parsed(key)
    source, _, ids = rest.partition("/")
    return _ids(source), _ids(ids)


def key_of(reading: Written) -> str:
    """Give the key that asks for a trace."""
    if isinstance(reading, Reading):
        return reading.key
    return "ids/" + "/".join(",".join(map(str, ids)) for ids in reading)


def _ids(listed: str) -> Ids:
    return tuple(int(one) for one in listed.split(",") if one)


def shown_kind(trace: Trace) -> Kind:
    """Tell which attention the views show: of encoder-decoder models, how the text is read."""
    return "encoder" if trace.source_tokens else "self"


def _has_ended(trace: Trace) -> bool:
    """Tell whether the decoder has written the token that ends a text."""
    ends = getattr(getattr(trace.scope.model, "generation_config", None), "eos_token_id", None)
    return len(trace) > 1 and trace.ids[-1] in (ends if isinstance(ends, list) else [ends])


def _follows(trace: Trace) -> float | None:
    try:
        return trace.next_sentence
    except ValueError:  # There is no second sentence, or no head that tells.
        return None


def _kind(name: str) -> Kind:
    if name not in get_args(Kind):
        raise KeyError(name)
    return name  # type: ignore[return-value]


def _with_progress(
    work: Callable[..., T], cancelled: Callable[[], bool]
) -> Generator[Part, None, T]:
    """Run `work(progress=…)` in a thread of its own, yield its progress, return its result."""
    parts: queue.Queue[Part | None] = queue.Queue()
    results: list[T] = []
    errors: list[BaseException] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        if cancelled():
            raise Cancelled  # ends the work at its next step
        parts.put({"stage": stage, "done": done, "total": total})

    def run() -> None:
        try:
            results.append(work(progress=progress))
        except BaseException as error:
            errors.append(error)
        finally:
            parts.put(None)

    thread = threading.Thread(target=run, name="llmscope-loading", daemon=True)
    thread.start()
    while (part := parts.get()) is not None:
        yield part
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _utf16(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offsets as JavaScript counts them: characters outside the basic plane count twice."""
    if text.isascii() or max(text) <= "\uffff":
        return spans
    units = np.concatenate([[0], np.cumsum([1 + (char > "\uffff") for char in text])])
    return [(int(units[start]), int(units[end])) for start, end in spans]
