"""The part of a trace that is about effects: which part, or which token, made a token likely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from llmscope.capture import NEVER, Cancel, Recording
from llmscope.progress_bar import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmscope.analysis.effects import Effects, Measure, Method, Of, Question
    from llmscope.scope import Scope
    from llmscope.shared import Kind
    from llmscope.text import Token


class TraceEffects:
    """Effects in one forward pass.

    Attributes
    ----------
    scope
        The scope that the trace was made by.
    recording
        The recorded pass, which everything is computed from.
    """

    scope: Scope
    recording: Recording
    tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]

    def effects(
        self,
        token: str | int,
        foil: str | int | None = None,
        *,
        position: int = -1,
        of: Of = "heads",
        method: Method | None = None,
        measure: Measure | None = None,
        by: Literal["zero", "mean"] = "zero",
        source: TraceEffects | None = None,
        baseline: str | int | None = None,
        kind: Kind = "self",
        cancelled: Cancel = NEVER,
    ) -> Effects:
        """Ask which part of the model, or which token of the text, made a token likely.

        Parameters
        ----------
        token
            The token, as text (" Mary") or id.
        foil
            Another token: the effects are then on the difference of the two logits.
        position
            Whose prediction is asked about; -1 is the end of the text.
        of : {"heads", "mlps", "layers", "tokens"}
            Which parts.
        method
            Of parts: "direct" (the default) is what each writes into the residual stream, as far
            as the logit sees it, the scale of the final norm held as it is: the parts sum to the
            logit [1]_. "ablate" is the true, total effect of switching each off, and "patch" that
            of taking each from `source`, one pass each. "gradient" estimates either by one pass
            backward (attribution patching [2]_). Of tokens: "saliency" (gradient × input, the
            default), "integrated_gradients" [3]_ and "occlusion" (one pass each).
        measure : {"logit", "logit_difference", "logprob", "prob"}
            What is measured; by default the logit or, with a foil, the difference of the logits.
        by : {"zero", "mean"}
            What takes the place of a part that is switched off: 0, or its mean over the pass.
        source
            For "patch", the trace of a text of as many tokens. With ``of="layers"`` it is the
            residual stream that is patched, at one position at a time.
        baseline
            For "integrated_gradients" and "occlusion", the token that stands for none; by default
            the tokenizer's mask, padding, unknown or end token, the first of these that it has.
        kind
            Which attention heads are of, in encoder-decoder models.
        cancelled
            Asked between layers; once it says True, the call ends with `Cancelled`.

        Returns
        -------
        Effects
            The effects, with `Effects.to_pandas` and `Effects.top`. A positive effect speaks for
            the token, with every method.

        Raises
        ------
        ValueError
            For a text that isn't one token, for what doesn't go together, and where the model has
            no such parts or the method isn't for it, in words that name those that are.
        IndexError
            When there is no such position.

        References
        ----------
        .. [1] Elhage et al., "A mathematical framework for transformer circuits", 2021.
        .. [2] Nanda, "Attribution patching: activation patching at industrial scale", 2023.
        .. [3] Sundararajan et al., "Axiomatic attribution for deep networks", ICML 2017.
        """
        question = self.question(
            token, foil, position, of=of, method=method, measure=measure, by=by, kind=kind
        )
        if (question.method == "patch") != (source is not None) and question.method != "gradient":
            raise ValueError('method="patch" takes a source=, a trace; the others take none.')
        if source is not None and of == "layers" and question.method == "gradient":
            raise ValueError('Layers are patched position by position: method="patch" does that.')
        if baseline is not None and of != "tokens":
            raise ValueError("baseline= is a token in place of those of the text: for tokens.")
        parts = self.read_effects(question, source, baseline, cancelled)
        with progress_bar(unit="batch", delay=0.5) as bar:
            for part in parts:
                found = part
                bar.update()
        labels = tuple(t.label for t in (self.source_tokens or self.tokens))
        return found.labelled(labels if question.of == "tokens" else ())

    def read_effects(
        self,
        question: Question,
        source: TraceEffects | None = None,
        baseline: str | int | None = None,
        cancelled: Cancel = NEVER,
    ) -> Iterator[Effects]:
        """Yield effects as they are found; the last ones are whole.

        Parameters
        ----------
        question
            What is asked, as `question` returns it.
        source, baseline, cancelled
            As for `effects`.

        Yields
        ------
        Effects
            Estimates first, where others are computed part by part.
        """
        from llmscope.analysis.effects import read_effects

        yield from read_effects(
            self.scope.editor,
            self.recording,
            question,
            None if source is None else source.recording,
            self._embedding(baseline) if question.of == "tokens" else None,
            cancelled,
        )

    def question(
        self,
        token: str | int,
        foil: str | int | None = None,
        position: int = -1,
        *,
        of: Any = "heads",
        method: Any = None,
        measure: Any = None,
        by: Any = "zero",
        kind: Kind = "self",
    ) -> Question:
        """Return what `effects` asks, checked.

        Parameters
        ----------
        token, foil, position, of, method, measure, by, kind
            As for `effects`.

        Returns
        -------
        Question
            With defaults filled in, and the token and its foil as ids.
        """
        from llmscope.analysis.effects.question import Question, checked

        of, method, measure = checked(of, method, measure, foil, by)
        count = len(self.tokens)
        if not -count <= position < count:
            raise IndexError(f"There is no position {position}: the text has {count} tokens.")
        if not self.recording.runner.head.exists:
            name = self.recording.name
            raise ValueError(f"{name} has no language-model head: it makes no token likely.")
        ids = [self.scope.token_id(one) for one in (token, foil) if one is not None]
        text = tuple(str(self.scope.tokenizer.decode([one])) for one in ids)
        return Question(
            token=ids[0],
            foil=ids[1] if foil is not None else None,
            position=position % count,
            of=of,
            method=method,
            measure=measure,
            by=by,
            kind=kind,
            text=text,
        )

    def _embedding(self, token: str | int | None) -> Any:
        """Return the embedding (size,) of a token, by default of one that means nothing."""
        model: Any = self.scope.model
        tokenizer: Any = self.scope.tokenizer
        names = ("mask", "pad", "unk", "eos", "bos")
        weight = model.get_input_embeddings().weight.detach()
        if token is not None:
            return weight[self.scope.token_id(token)]
        special = (getattr(tokenizer, f"{name}_token_id", None) for name in names)
        rows = [weight[one] for one in special if one is not None and one < len(weight)]
        # That of padding is often nothing but zeros, of which a norm makes what it will.
        return next((row for row in rows if bool(row.any())), weight.float().mean(0))
