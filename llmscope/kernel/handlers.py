"""What answers each kind of request of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.kernel import requests as ask
from llmscope.kernel.beside import beside
from llmscope.kernel.models import described, installed, loaded
from llmscope.kernel.of_traces import OfTraces, likeliest, unanswered
from llmscope.kernel.protocol import parse_input
from llmscope.kernel.summary import summary
from llmscope.kernel.trace_cache import TraceCache
from llmscope.kernel.vocabulary import Vocabulary
from llmscope.text import labels
from llmscope.text.prepare import check_ids
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmscope.kernel.generation import GenerationSession
    from llmscope.kernel.requests import Part, Request
    from llmscope.scope import Scope
    from llmscope.trace import Trace

    Answers = Mapping[type[Request], Callable[[Any, Callable[[], bool]], Iterator[Part]]]


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
        self._of_traces = OfTraces()
        self._releases = 0
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
        return self._of_traces.cached_bytes

    def release(self) -> None:
        """Free all that can be computed again."""
        self._releases += 1
        self.traces.release()
        self._of_traces.release()
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
            case ask.OfTrace():
                yield from self._of_trace(request, cancelled)
            case ask.Begin() | ask.Force() | ask.Select() | ask.Undo() | ask.Copy():
                yield self._generation(request)(request)
            case ask.Step(count):
                together = isinstance(request, ask.StepOn)
                yield from self._generation(request).steps(count, together=together)
            case ask.NodeLogits(node):
                yield likeliest(self._generation(request).logits(node), self.scope)
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
                yield from beside(self._own(request, cancelled), cancelled)
            case _:
                raise unanswered(request)

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

    def _own(self, request: Request, cancelled: Callable[[], bool]) -> Iterator[Part]:
        """Yield the view's own answer; what was released meanwhile is released after it, too."""
        before = self._releases
        try:
            yield from self._answers[type(request)](request, cancelled)
        finally:
            if self._releases != before:
                self.release()

    def _of_trace(self, request: ask.OfTrace, cancelled: Callable[[], bool]) -> Iterator[Part]:
        names = request.trace[:2] if isinstance(request.trace, ask.Pair) else (request.trace,)
        traces = [self.traces.named(name, cancelled) for name in names]
        if isinstance(request, ask.Patching):
            traces.append(self.traces.trace(parse_input(request.source), cancelled))
        yield from (traces[0].scope.elsewhere or self._of_traces)(request, traces, cancelled)

    def _generation(self, request: Request) -> GenerationSession:
        if self.session is None:
            raise unanswered(request)
        return self.session
