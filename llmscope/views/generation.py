"""A text that a model generates, under a person's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from llmscope.kernel.generation import session_of
from llmscope.shared import SHADES
from llmscope.views.base import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmscope.generation import Run
    from llmscope.generation.stepping import Stepper
    from llmscope.kernel.inputs import Input
    from llmscope.scope import Scope
    from llmscope.trace import Trace


class GenerationView(View):
    """Watch a model choose token by token, stop it, overrule it and branch.

    Parameters
    ----------
    source
        The model that generates; or a `Run`, whose sequences are the first branches.
    text
        The prompt; it can be edited in the view. Of a run, its own.
    **traits
        First values of traits, those of `View` included. Sampling settings that aren't given are
        the ones that `generate` would use: those of the model, and else ``top_k=50``.

    Attributes
    ----------
    run : Run or None
        What was generated before; None once the view is closed.
    playing : bool
        Whether tokens are being generated. `stop` sets it to False.
    seed : int
        Seed of the draws.
    do_sample : bool
        Draw tokens; otherwise the likeliest is taken.
    max_new_tokens : int
        Number of tokens that a path may have after the prompt.
    speed : float
        Tokens a second at most; 0 is as fast as the model can.
    shade : {"probability", "surprisal", "rank"}
        What tokens are shaded by.

    Examples
    --------
    >>> view = llmscope.GenerationView(scope, "Once upon a time", seed=1)
    """

    _maker = "llmscope.GenerationView(scope, "

    playing = traitlets.Bool(False).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    do_sample = traitlets.Bool(True).tag(sync=True)
    max_new_tokens = traitlets.Int(64, min=1).tag(sync=True)
    speed = traitlets.Float(0.0, min=0.0).tag(sync=True)
    shade = traitlets.Enum(SHADES, "probability").tag(sync=True)

    def __init__(self, source: Scope | Run, text: str = "", **traits: Any) -> None:
        from llmscope.generation import Run
        from llmscope.generation.settings import edited_for, prompt_inputs

        run = source if isinstance(source, Run) else None
        scope: Scope = source.scope if isinstance(source, Run) else source
        if run is not None:
            text = str(scope.tokenizer.decode(run.begin, skip_special_tokens=True))
            traits = {"seed": run.seed, **traits}
        panels = ["header", "generation", "overview", "attention", "next-token"]
        traits = {**_defaults(scope), **traits}
        scope = scope.under(traits.pop("edits", scope.edits))
        if scope.edits and text and scope.elsewhere is None:
            scope, _ = edited_for(scope, prompt_inputs(scope, text, None))
        edits = scope.edits
        session = session_of(scope, lambda: settings_of(self), run)
        traits = {**traits, "edits": edits}
        super().__init__(
            scope, text, session=session, _panels=panels, _editable=run is None, **traits
        )
        self.run = run

    @property
    def stepper(self) -> Stepper:
        """What generates: its tree of branches, and each node's distribution, in Python."""
        session = self._handlers.session
        if session is None:
            raise ValueError("This view is closed.")
        return session.at(self.text)

    @property
    def trace(self) -> Trace:
        """The trace of the text up to where the next token goes."""
        return self.stepper.trace()

    def close(self) -> None:
        """End the widget; what was generated, and its hold on the model, end too."""
        super().close()
        self.run = None

    def _read(self, _shown: Input, _cancelled: Callable[[], bool]) -> Trace:
        return self.trace

    def stop(self) -> None:
        """Stop generating, within one token."""
        self.playing = False


def _defaults(scope: Scope) -> dict[str, Any]:
    """Return the sampling settings that `generate` would use."""
    config = scope.generation_config
    found = {name: getattr(config, name, None) for name in ("temperature", "top_k", "top_p")}
    found |= {name: getattr(config, name, None) for name in ("min_p", "typical_p")}
    return {"top_k": 50} | {name: value for name, value in found.items() if value is not None}


def settings_of(view: GenerationView) -> dict[str, Any]:
    """Return what the sliders of a view ask for, as settings of `generate`."""
    greedy = not view.do_sample or view.temperature == 0
    drawn = {
        "temperature": view.temperature,
        "top_k": view.top_k,
        "top_p": view.top_p,
        "min_p": view.min_p,
        "typical_p": view.typical_p,
    }
    return {
        "seed": view.seed,
        "do_sample": not greedy,
        "max_new_tokens": view.max_new_tokens,
        **({} if greedy else drawn),
    }
