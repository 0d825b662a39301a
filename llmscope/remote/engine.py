"""What answers for one model, where it is: traces by their names, and reads of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from llmscope.analysis.matrix_name import parse as parse_matrix
from llmscope.comparison import Comparison
from llmscope.corpus.folder import fingerprint
from llmscope.corpus.reading import read_text
from llmscope.generation.run import Run, generate
from llmscope.kernel import requests as ask
from llmscope.kernel.edited_input import as_value
from llmscope.kernel.of_traces import OfTraces
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE
from llmscope.remote.bounds import check_comparison, check_read, check_settings
from llmscope.remote.names import Name, edits_of, known_as, made
from llmscope.remote.writing import Writing
from llmscope.words import refused

if TYPE_CHECKING:
    from llmscope.remote.turns import Turn
    from llmscope.scope import Scope
    from llmscope.trace import Trace

    Cancelled = Callable[[], bool]
    Message = dict[str, Any]

_TRACED = 4096  # tokens of traces, of all people, that are held at once
_RUNS = 8
_WRITINGS = 64  # texts that are being generated, each with its tree

# What of a trace, a path or a comparison is read by its own name.
TRACE = frozenset(
    (
        *("logits", "logits_at", "attention", "combined", "rollout", "head_scores", "qkv", "steps"),
        *("hidden", "lens", "next_sentence", "structure", "question"),
    )
)
PATH = frozenset(["block", "lengths", "added", "component", "error", "given", "box"])
PATH_PARTS = frozenset(["before", "after"])  # of the model: pairs of a box and a vector
COMPARISON = frozenset(["attention", "head_distances_of", "lens", "next_token_at"])


class Engine:
    """Answers messages about one model, in the thread that calls it.

    Parameters
    ----------
    scope
        The model.
    other
        Returns the engine of another model here, by name, for comparisons.
    """

    def __init__(self, scope: Scope, other: Callable[[str], Engine] | None = None) -> None:
        self.scope = scope
        self._other = other
        self._of_traces = OfTraces()
        self._traces: LRUCache[str, Trace] = LRUCache(_TRACED, _size)
        self._runs: LRUCache[str, Run] = LRUCache(_RUNS)
        self._writings: LRUCache[tuple[str, str], Writing] = LRUCache(_WRITINGS)

    def answer(self, message: Message, person: str, turn: Turn) -> Iterator[Any]:
        """Yield the parts of the answer to a message; at `PAUSE` others may go first.

        Parameters
        ----------
        message
            From another machine: nothing in it is taken for granted.
        person
            Whose it is.
        turn
            Whether nobody waits any more, and how others get their turns in between.

        Yields
        ------
        object
            What `llmscope.remote.values` packs.
        """
        cancelled = turn.waives
        match message.get("do"):
            case "model":
                yield self._model()
            case "about":
                yield self._about(self._named(message, cancelled)[0])
            case "read":
                yield from self._read(message, cancelled)
            case "view":
                yield from self._view(message, cancelled)
            case "path":
                yield self._path(message, cancelled)
            case "compare":
                yield self._compare(message, cancelled)
            case "survey":
                yield read_text(self._edited(message), *_surveyed(message), cancelled)
            case "fingerprint":
                yield fingerprint(self._edited(message))
            case "generate":
                yield self._generate(message, turn)
            case "run":
                yield self._of_run(message, turn)
            case "write":
                yield from self._write(message, person, turn)
            case _:
                raise refused("There is nothing to do by {message!r:.80}.", message=message)

    def trace(self, name: Name, cancelled: Cancelled = lambda: False) -> Trace:
        """Return the trace that has a name, computed unless it is cached.

        Raises
        ------
        ValueError, TypeError, IndexError
            As `Scope.trace`, and for what is no name.
        """
        if not isinstance(name, dict):
            raise refused("{name!r:.80} names no trace.", name=name)
        key = known_as(name)
        found = self._traces.get(key)
        if found is None or not found.is_current:
            found = made(name, self.scope, self.trace, cancelled)
            self._traces[key] = found
        return found

    # ── traces ───────────────────────────────────────────────────────────────────────────────

    def _model(self) -> Message:
        config = self.scope.generation_config
        return {
            "facts": self.scope.facts,
            "width": self.scope.width,
            "generation_config": None if config is None else config.to_json_string(),
        }

    def _about(self, trace: Trace) -> Message:
        types = trace.recording.inputs.get("token_type_ids")
        return {
            "text": trace.text,
            "pair": trace.pair,
            "tokens": list(trace.tokens),
            "source_tokens": list(trace.source_tokens),
            "unmasked": list(trace.unmasked_tokens),
            "roles": list(trace.roles),
            "why_no_roles": trace.why_no_roles,
            "ids": trace.recording.ids,
            "source_ids": trace.recording.source_ids,
            "types": None if types is None else types[0].tolist(),
            "kinds": {
                kind: {n: trace.heads(n, kind) for n in trace.layers(kind)} for kind in trace.kinds
            },
            "why_no_attention": trace.why_no_attention,
            "version": trace.version,
            "edits": [as_value(edit) for edit in trace.edits],
            "cache": [self.scope.cache_bytes, self.scope.cache_limit],
        }

    def _named(self, message: Message, cancelled: Cancelled) -> list[Trace]:
        names = message.get("of")
        if not isinstance(names, list) or not 0 < len(names) <= 2:
            raise refused("{name!r:.80} names no trace.", name=names)
        found = []
        for name in names:
            engine, own = self, name
            if isinstance(name, dict) and "model" in name:
                own = {key: value for key, value in name.items() if key != "model"}
                engine = self._of(name["model"])
            found.append(engine.trace(own, cancelled))
        return found

    def _of(self, model: Any) -> Engine:
        if self._other is None or not isinstance(model, str):
            raise refused("There is no model {model!r:.80} here.", model=model)
        return self._other(model)

    def _read(self, message: Message, cancelled: Cancelled) -> Iterator[Any]:
        (trace,) = self._named(message, cancelled)
        what, args, options = _call(message)
        check_read(trace, what, args, options)
        if what == "matrix":
            name, *rest = args
            yield trace.matrix(parse_matrix(name), *rest, **options)
        elif what == "effects":
            question, source, baseline = args
            patched = None if source is None else self.trace(source, cancelled)
            asked = trace.question(**question)
            for part in trace.read_effects(asked, patched, baseline, cancelled):
                yield part
                yield PAUSE
        elif what == "chain":
            for _ in trace.read_chain():
                yield PAUSE
            yield trace.logprobs, trace.ranks
        elif what in TRACE:
            found = getattr(trace, what)
            yield found(*args, **options) if callable(found) else found
        else:
            raise refused("There is nothing to read by the name {what!r:.80}.", what=what)

    def _view(self, message: Message, cancelled: Cancelled) -> Iterator[Any]:
        request = parse(message.get("key"))
        traces = self._named(message, cancelled)
        wanted = 2 if isinstance(request, ask.Patching) else 1
        if not isinstance(request, ask.OfTrace):
            raise refused("There is nothing to do by {message!r:.80}.", message=message)
        if len(traces) != (2 if isinstance(request.trace, ask.Pair) else wanted):
            raise refused("{name!r:.80} names no trace.", name=message.get("of"))
        yield from self._of_traces(request, traces, cancelled)

    def _path(self, message: Message, cancelled: Cancelled) -> Any:
        (trace,) = self._named(message, cancelled)
        what, args, options = _call(message)
        path = trace.token_path(message.get("position", -1), message.get("tower", "self"))
        if what == "blocks":
            return path.position, len(path.lengths())
        if what in PATH_PARTS:
            return list(getattr(path, what)())
        if what in PATH:
            return getattr(path, what)(*args, **options)
        raise refused("There is nothing to read by the name {what!r:.80}.", what=what)

    def _compare(self, message: Message, cancelled: Cancelled) -> Any:
        what, args, options = _call(message)
        anchors = [tuple(pair) for pair in message.get("anchors") or []]
        a, b = self._named(message, cancelled)
        compared = Comparison(a, b, anchors)
        if what not in COMPARISON:
            raise refused("There is nothing to read by the name {what!r:.80}.", what=what)
        check_comparison(a, b, what, args)
        return getattr(compared, what)(*args, **options)

    def _edited(self, message: Message) -> Scope:
        """Return the model under the edits that a message names."""
        (name,) = message["of"]
        return self.scope.under(edits_of(name, self.scope, self.trace))

    # ── generation ───────────────────────────────────────────────────────────────────────────

    def _generate(self, message: Message, turn: Turn) -> Message:
        run = self._run(message, turn)
        return {
            "sequences": run.sequences,
            "lengths": list(run.record.lengths),
            "prompt_length": run.prompt_length,
            "begin": run.begin,
            "has_encoder": run.has_encoder,
            "scores": run.scores,
            "interrupted": run.interrupted,
            "seed": run.seed,
        }

    def _run(self, message: Message, turn: Turn) -> Run:
        """Return the run that a name, a seed and settings make, generated unless it is cached."""
        (name,) = message["of"]
        key = known_as({"of": name, "seed": message["seed"], "with": message["settings"]})
        found = self._runs.get(key)
        if found is not None:
            return found
        scope = self._edited(message)

        steps = itertools.count(1)

        def step(_ids: list[list[int]]) -> None:
            turn.say({"step": next(steps)})
            turn.let_others()
            if turn.cancelled():
                raise KeyboardInterrupt

        settings = {name: _setting(value) for name, value in message["settings"].items()}
        check_settings(settings, self.scope.facts.vocabulary)
        text, target = name["text"], name.get("target")
        found = generate(scope, text, target, message["seed"], settings, step)
        if not found.interrupted:
            self._runs[key] = found
        return found

    def _of_run(self, message: Message, turn: Turn) -> Any:
        run = self._run(message, turn)
        what, (sequence, step), _ = _call(message)
        if what == "logits":
            return run.record.logits_at(sequence, step).float().numpy()
        if what == "distribution":
            found = run.steps[sequence][step].distribution
            return found.logits, found.base, list(found.stages)
        raise refused("There is nothing to read by the name {what!r:.80}.", what=what)

    def _write(self, message: Message, person: str, turn: Turn) -> Iterator[Any]:
        key = (person, str(message.get("id"))[:80])
        if key not in self._writings:
            made_by = message.get("run")
            run = None if made_by is None else self._run(made_by, turn)
            self._writings[key] = Writing(self._edited(message), run)
        yield from self._writings[key].answer(message)


def _size(trace: Trace) -> int:
    return min(len(trace.tokens) + len(trace.source_tokens) + 1, _TRACED)


def _surveyed(message: Message) -> tuple[str, bool]:
    text, is_known = message["of"][0]["text"], message.get("known")
    if not (isinstance(text, str) and isinstance(is_known, bool)):
        raise refused("There is nothing to do by {message!r:.80}.", message=message)
    return text, is_known


def _setting(value: Any) -> Any:
    """Return a setting of `generate`: a value, or a whole configuration as JSON."""
    from transformers import GenerationConfig

    if isinstance(value, dict) and "config" in value:
        return GenerationConfig.from_dict(json.loads(value["config"]))
    return value


def _call(message: Message) -> tuple[str, list[Any], dict[str, Any]]:
    what, args, options = message.get("what"), message.get("args", []), message.get("options", {})
    if not (isinstance(what, str) and isinstance(args, list) and isinstance(options, dict)):
        raise refused("There is nothing to do by {message!r:.80}.", message=message)
    return what, args, options
