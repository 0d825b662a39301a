"""What answers each kind of request of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.comparison import Comparison
from llmscope.kernel import requests as ask
from llmscope.kernel.attention import AttentionHandlers
from llmscope.kernel.beside import beside
from llmscope.kernel.difference import difference
from llmscope.kernel.effects import effects_on
from llmscope.kernel.lens import lens_block
from llmscope.kernel.models import described, installed, loaded
from llmscope.kernel.patching import patching
from llmscope.kernel.protocol import format_key, parse_input, shortened
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.kernel.rows import aligned_rows
from llmscope.kernel.structure import of_model
from llmscope.kernel.structure_requests import OfModel
from llmscope.kernel.summary import summary
from llmscope.kernel.trace_cache import TraceCache
from llmscope.kernel.vocabulary import Vocabulary
from llmscope.text import labels, texts
from llmscope.text.prepare import check_ids
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from llmscope.kernel.generation import GenerationSession
    from llmscope.kernel.requests import Part, Request
    from llmscope.scope import Scope
    from llmscope.trace import Trace

    Answers = Mapping[type[Request], Callable[[Any, Callable[[], bool]], Iterator[Part]]]

LABELLED = 200  # of the likeliest tokens, whose labels come with logits


class Handlers:
    """Answers the requests of one view.

    Parameters
    ----------
    scope
        The model; `None` until one is loaded.
    trace
        A trace that is shown as it is, and answers for what it was made of.
    session
        The text that is generated, in a view that generates.
    answers
        What answers requests of the view's own, by their kind: it yields one part or more, in a
        thread of its own, and may ask whether nobody waits any more.
    other, other_given
        The second of two models that are compared, and a trace of it that is shown as it is.

    Attributes
    ----------
    traces : TraceCache
        The traces that were made.
    """

    def __init__(
        self,
        scope: Scope | None,
        trace: Trace | None = None,
        session: GenerationSession | None = None,
        answers: Answers | None = None,
        other: Scope | None = None,
        other_given: Trace | None = None,
    ) -> None:
        self._answers = answers or {}
        self.traces = TraceCache(scope, trace, other, other_given)
        self.session = session
        self._attention = AttentionHandlers()
        self._vocabularies: dict[int, Vocabulary] = {}  # by the identity of their scopes

    @property
    def scope(self) -> Scope | None:
        """The model; `None` until one is loaded."""
        return self.traces.scope

    @property
    def other(self) -> Scope | None:
        """The second of two models that are compared."""
        return self.traces.other

    @property
    def cached_bytes(self) -> int:
        """Size of the cached tiles and rollouts."""
        return self._attention.cached_bytes

    def release(self) -> None:
        """Free all that can be computed again."""
        self.traces.release()
        self._attention.release()
        self._vocabularies.clear()
        for scope in (self.scope, self.other):
            if scope is not None:
                scope.forget()

    def close(self) -> None:
        """Free everything, the model included."""
        self.release()
        self._answers = {}
        self.traces.close()
        if self.session is not None:
            self.session.close()
            self.session = None

    def __call__(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Answer a request, in one part or more; `PAUSE` between them lets others go first.

        Raises
        ------
        RequestError
            For what doesn't exist, such as a trace that was never named.
        """
        match request:
            case ask.Summary(what):
                trace = self.traces.trace(what, cancelled)
                yield {"trace": self.traces.name(what, trace), **summary(trace)}
            case ask.OfTrace(ask.Pair() as names):
                a, b = (self.traces.named(name, cancelled) for name in names[:2])
                compared = Comparison(a, b, names.anchors)
                if isinstance(request, ask.Rows):
                    yield from aligned_rows(compared)
                    return
                yield from difference(compared, request, self._attention, cancelled)
            case ask.OfTrace(str() as name):
                trace = self.traces.named(name, cancelled)
                if isinstance(request, ask.Effects):
                    yield from effects_on(trace, request, cancelled)
                    return
                if isinstance(request, ask.Patching):
                    source = self.traces.trace(parse_input(request.source), cancelled)
                    yield from patching(trace, source, request, cancelled)
                    return
                if isinstance(request, ask.Chain):
                    yield from (PAUSE for _ in trace.read_chain())
                yield self._of_trace(request, trace, cancelled)
            case ask.Begin() | ask.Force() | ask.Select() | ask.Undo() | ask.Copy():
                yield self._generation(request)(request)
            case ask.Step(count):
                together = isinstance(request, ask.StepOn)
                yield from self._generation(request).steps(count, together=together)
            case ask.NodeLogits(node):
                yield _likeliest(self._generation(request).logits(node), self.scope)
            case ask.OfOther(inner) if self.other is not None:
                yield self._of_scope(inner, self.other)
            case ask.Model() if self.scope is None:
                yield described(None)
            case ask.Search() if self.scope is None:
                yield {"ids": [], "labels": []}
            case ask.Model() | ask.Search() | ask.Token() if self.scope is not None:
                yield self._of_scope(request, self.scope)
            case ask.Load() | ask.Install() if self.scope is not None:
                raise ValueError(
                    say(
                        "This view shows {name}. Another model is opened in Python, by "
                        "llmscope.explore() or llmscope.load(name).explore().",
                        name=self.scope.name,
                    )
                )
            case ask.Load(name):
                scope = yield from loaded(name, cancelled)
                self.release()
                self.traces.scope = scope
                yield described(scope)
            case ask.Install():
                yield from installed(cancelled)
                yield described(self.scope)
            case ask.Release():
                self.release()
                yield {}
            case _ if type(request) in self._answers:
                yield from beside(self._answers[type(request)](request, cancelled), cancelled)
            case _:
                raise _unanswered(request)

    def _of_scope(self, request: ask.Model | ask.Search | ask.Token, scope: Scope) -> Part:
        match request:
            case ask.Search(text):
                if not text:
                    return {"ids": [], "labels": []}
                if id(scope) not in self._vocabularies:
                    self._vocabularies[id(scope)] = Vocabulary(scope)
                return self._vocabularies[id(scope)].search(text)
            case ask.Token(token_id):
                check_ids([token_id], scope.facts.vocabulary)
                return {"label": labels(scope.tokenizer, [token_id])[0]}
        return described(scope)

    def _of_trace(self, request: ask.OfTrace, trace: Trace, cancelled: Callable[[], bool]) -> Part:
        match request:
            case ask.Logits():
                return _likeliest(trace.logits_at(request.position), trace.scope)
            case ask.Chain():
                return {
                    "logprobs": trace.logprobs,
                    "ranks": trace.ranks.astype(np.int32),
                    "perplexity": trace.perplexity,
                }
            case ask.Follows():
                return {"probability": _follows(trace)}
            case ask.LensBlock():
                return lens_block(trace, request, cancelled)
            case OfModel():
                return of_model(trace, request, cancelled)
            case ask.Thumbnails():
                return self._attention.thumbnails(trace, request, cancelled)
            case ask.Steps():
                return self._attention.steps(trace, request, cancelled)
            case ask.OfMatrix():
                return self._attention.matrix((trace,), request, cancelled)
        raise _unanswered(request)

    def _generation(self, request: Request) -> GenerationSession:
        if self.session is None:
            raise _unanswered(request)
        return self.session


def _unanswered(request: Request) -> RequestError:
    return RequestError(
        say("This view has no answer to {shortened!r}.", shortened=shortened(format_key(request)))
    )


def _likeliest(logits: NDArray[np.float32], scope: Scope | None) -> Part:
    """Return logits (vocabulary,) with labels of the likeliest tokens."""
    assert scope is not None
    count = min(LABELLED, len(logits))
    first = np.argpartition(-logits, count - 1)[:count]
    first = first[np.lexsort((first, -logits[first]))]
    return {
        "logits": logits,
        "ids": first.astype(np.int32),
        "texts": texts(scope.tokenizer, first.tolist()),
        "labels": labels(scope.tokenizer, first.tolist()),
    }


def _follows(trace: Trace) -> float | None:
    try:
        return trace.next_sentence
    except ValueError:  # There is no second sentence, or no head for it.
        return None
