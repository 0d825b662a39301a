"""A model on a server, with the face of a `Scope`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from llmscope.capture import NEVER, Cancel
from llmscope.generation.draws import new_seed
from llmscope.kernel import requests as ask
from llmscope.kernel.beside import beside
from llmscope.kernel.protocol import format_key
from llmscope.progress_bar import progress_bar
from llmscope.remote.asked import Asked
from llmscope.remote.comparison import RemoteComparison
from llmscope.remote.names import Name, name_of
from llmscope.remote.run import RemoteRecord, inputs_of
from llmscope.remote.session import RemoteSession
from llmscope.remote.trace import RemoteTrace
from llmscope.scope import Scope
from llmscope.words import refused, say

if TYPE_CHECKING:
    from torch import nn
    from transformers import GenerationConfig

    from llmscope.capture.facts import Facts
    from llmscope.corpus.reading import Read
    from llmscope.edits import Edit
    from llmscope.generation.run import Run
    from llmscope.kernel.requests import Part
    from llmscope.text.prepare import Text
    from llmscope.trace import Trace


class Elsewhere(Asked):
    """A model on a server: what answers views about it, in the place of this process."""

    comparison = RemoteComparison

    def names(self, traces: Sequence[Trace]) -> list[Name]:
        """Return the names of traces, which are all of models on this server.

        Raises
        ------
        ValueError
            When one of them isn't.
        """
        found = []
        for trace in traces:
            there: Any = trace.scope.elsewhere
            address = self.connection.address
            if not isinstance(trace, RemoteTrace) or there.connection.address != address:
                raise refused(
                    "{name} isn't on the server at {address}: both models have to be there.",
                    name=trace.scope.name,
                    address=address,
                )
            own = {} if there.model == self.model else {"model": there.model}
            found.append({**trace.wire_name, **own})
        return found

    def session(
        self, scope: Scope, settings: Callable[[], dict[str, Any]], run: Run | None
    ) -> RemoteSession:
        """Return a text that a view generates."""
        return RemoteSession(self, scope, settings, run)

    def read_text(self, scope: Scope, text: str, is_known: bool, cancelled: Cancel) -> Read:
        """Return what all heads do with a text of a survey."""
        name = name_of(text, None, None, scope.edits)
        message = {"do": "survey", "of": [name], "known": is_known}
        found: Read = self.read(message, cancelled)
        return found

    def fingerprint(self, scope: Scope) -> str:
        """Return what tells the model from others, with its edits."""
        name = name_of("a", None, None, scope.edits)
        found: str = self.read({"do": "fingerprint", "of": [name]})
        return found

    def __call__(
        self, request: ask.OfTrace, traces: Sequence[Trace], cancelled: Callable[[], bool]
    ) -> Iterator[Part]:
        """Answer a view's request about traces, as `llmscope.kernel.of_traces` does here."""
        message = {"do": "view", "key": format_key(request), "of": self.names(traces)}
        yield from beside(self.parts(message, cancelled), cancelled)


class RemoteScope(Scope):
    """A model on a server: `llmscope.connect`.

    It is used as a `Scope` is. What is read is computed where the model is, and only what is looked
    at crosses the wire; `model`, and what takes the model itself, raises a sentence.

    Parameters
    ----------
    elsewhere
        What asks the server.
    """

    def __init__(self, elsewhere: Elsewhere) -> None:  # not the model's: nothing is here
        self.elsewhere: Elsewhere = elsewhere
        self.tokenizer = elsewhere.tokenizer
        self.name = elsewhere.facts.name
        self.edits: tuple[Edit, ...] = ()
        self.unedited: Scope | None = None

    @property
    def model(self) -> nn.Module:  # type: ignore[override]
        """Refuse: the model isn't here."""
        self._isnt_here()

    @property
    def runner(self) -> Any:  # type: ignore[override]
        """Refuse: the model isn't here."""
        self._isnt_here()

    @property
    def editor(self) -> Any:
        """Refuse: the model isn't here."""
        self._isnt_here()

    def _isnt_here(self) -> NoReturn:
        raise RuntimeError(
            say(
                "{name} is on the server at {address}: the model itself isn't to be had from "
                "there, only what scopes and traces read.",
                name=self.name,
                address=self.elsewhere.connection.address,
            )
        )

    @property
    def facts(self) -> Facts:
        """What the model is: family, layers, heads, vocabulary, context."""
        return self.elsewhere.facts

    @property
    def generation_config(self) -> GenerationConfig | None:
        """The settings that the model generates with by itself."""
        return self.elsewhere.generation_config

    @property
    def width(self) -> int:
        """Length of a vector of the residual stream."""
        return self.elsewhere.width

    @property
    def cache_bytes(self) -> int:
        """Zero: what is cached is cached on the server."""
        return 0

    @property
    def cache_limit(self) -> int:
        """Zero: what is cached is cached on the server."""
        return 0

    @cache_limit.setter
    def cache_limit(self, limit: int) -> None:
        self._isnt_here()

    def forget(self) -> None:
        """Do nothing: the server's model doesn't change."""

    def close(self) -> None:
        """End the connection to the server; what is asked afterwards says so."""
        self.elsewhere.connection.close()

    def trace(
        self,
        text: Text,
        *,
        pair: str | None = None,
        target: str | Sequence[int] | None = None,
        edits: Iterable[Edit] | None = None,
        cancelled: Cancel = NEVER,
    ) -> Trace:
        """Have the model run once over a text, as `Scope.trace` does."""
        wanted = self.edits if edits is None else tuple(edits)
        name = name_of(text, pair, target, wanted)
        return RemoteTrace(self, self.elsewhere, name, cancelled, wanted)

    def generate(
        self,
        text: Text,
        *,
        target: str | Sequence[int] | None = None,
        edits: Iterable[Edit] | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> Run:
        """Have the model generate text, as `Scope.generate` does.

        Raises
        ------
        TypeError
            Also for settings that are code, such as a `logits_processor`.
        """
        from llmscope.generation.run import Run

        wanted = self.edits if edits is None else tuple(edits)
        name, seed = name_of(text, None, target, wanted), new_seed() if seed is None else seed
        sent = _sent(settings)
        message = {"do": "generate", "of": [name], "seed": seed, "settings": sent}
        steps, found = 0, None
        try:
            with progress_bar(unit="token", delay=0.5) as bar:
                for part in self.elsewhere.parts(message):
                    if "step" in part:
                        steps = part["step"]
                        bar.update(steps - bar.n)
                    else:
                        found = part
        except KeyboardInterrupt:
            if not steps:
                raise
            # The same seed makes the same tokens.
            message["settings"] = sent = {**sent, "max_new_tokens": steps}
            found = {**self.elsewhere.read(message), "interrupted": True}
        assert found is not None
        record = RemoteRecord(self.elsewhere, message, found)
        scope = self.under(wanted)
        return Run(scope, inputs_of(found), record, seed, settings)  # type: ignore[arg-type]


def _sent(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of `generate` as plain values.

    Raises
    ------
    TypeError
        For settings that are code.
    """
    sent = dict(settings)
    config = sent.get("generation_config")
    if config is not None:
        sent["generation_config"] = {"config": config.to_json_string()}
    for name, value in sent.items():
        if callable(value) or (isinstance(value, (list, tuple)) and any(map(callable, value))):
            raise TypeError(
                say("{name} is code, which doesn't go to a server: only values do.", name=name)
            )
    return sent
