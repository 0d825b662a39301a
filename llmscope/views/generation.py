"""A text that writes itself, under a person's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.source.writing import Writing, settings_of
from llmscope.views.base import View

if TYPE_CHECKING:
    from llmscope.generation import Run
    from llmscope.generation.stepping import Stepper
    from llmscope.scope import Scope
    from llmscope.trace import Trace


class GenerationView(View):
    """Watch a model choose token by token, stop it, overrule it and branch.

    Parameters
    ----------
    source
        The model that writes; or a `Run`, whose sequences are the first branches.
    text
        The prompt; it can be edited in the view. Of a run, its own.
    **traits
        First values of traits, those of `View` included. Sampling settings that aren't given are
        the ones that `generate` would use: those of the model, and else ``top_k=50``.

    Attributes
    ----------
    run : Run or None
        What was written before.
    playing : bool
        Whether tokens are being written. `stop` sets it to False.
    seed : int
        Of the draws.
    do_sample : bool
        Draw tokens; otherwise the likeliest is taken.
    max_new_tokens : int
        How many tokens a path may have behind the prompt.
    speed : float
        Tokens a second at most; 0 is as fast as the model can.
    shade : {"probability", "surprisal", "rank"}
        What tokens are coloured by.

    Examples
    --------
    >>> view = llmscope.GenerationView(scope, "Once upon a time", seed=1)
    """

    playing = traitlets.Bool(False).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    do_sample = traitlets.Bool(True).tag(sync=True)
    max_new_tokens = traitlets.Int(64, min=1).tag(sync=True)
    speed = traitlets.Float(0.0, min=0.0).tag(sync=True)
    shade = traitlets.Enum(("probability", "surprisal", "rank"), "probability").tag(sync=True)

    def __init__(self, source: Scope | Run, text: str = "", **traits: Any) -> None:
        from llmscope.generation import Run

        run = source if isinstance(source, Run) else None
        scope: Scope = source.scope if isinstance(source, Run) else source
        if run is not None:
            text = str(scope.tokenizer.decode(run.begin, skip_special_tokens=True))
            traits = {"seed": run.seed, **traits}
        panels = ["header", "generation", "overview", "attention", "next-token"]
        traits = {**_defaults(scope), **traits}
        super().__init__(scope, text, _panels=panels, _editable=run is None, **traits)
        self.run = run
        self._writing = Writing(scope, lambda: settings_of(self), run)
        self._answers.writing = self._writing

    @property
    def stepper(self) -> Stepper:
        """What writes: its tree of branches, and each node's distribution, in Python."""
        return self._writing.at(self.text)

    @property
    def trace(self) -> Trace:
        """The trace of the text up to where the next token goes."""
        return self.stepper.trace()

    def stop(self) -> None:
        """Stop writing, within one token."""
        self.playing = False


def _defaults(scope: Any) -> dict[str, Any]:
    """Give the sampling settings that `generate` would use."""
    config = getattr(scope.model, "generation_config", None)
    found = {name: getattr(config, name, None) for name in ("temperature", "top_k", "top_p")}
    found |= {name: getattr(config, name, None) for name in ("min_p", "typical_p")}
    return {"top_k": 50} | {name: value for name, value in found.items() if value is not None}
