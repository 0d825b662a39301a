"""Settings of generation under transformers' names, and what `generate` prepares from them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from llmscope.edits.edit import check_can_continue
from llmscope.text.prepare import prepare

if TYPE_CHECKING:
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    from llmscope.capture import Runner
    from llmscope.scope import Scope
    from llmscope.text.prepare import Text
    from llmscope.trace import Trace

T = TypeVar("T")

_OBJECTS = {
    "generation_config",
    "logits_processor",
    "stopping_criteria",
    "prefix_allowed_tokens_fn",
    "negative_prompt_ids",
}
# Settings that ask for outputs: a `Run` has these anyway.
_OUTPUTS = {
    "return_dict_in_generate",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
}


@dataclass(frozen=True)
class Prepared:
    """The arguments that transformers' `generate` calls its decoding loop with.

    Attributes
    ----------
    input_ids
        Token ids (sequences, length) of the prompt, or of the decoder's first tokens.
    processors, criteria
        Logits processors, and stopping criteria.
    config
        The settings, with every default filled in.
    origins
        Where each setting comes from that wasn't given.
    kwargs
        Other arguments of the model's forward: its cache, encoder outputs, positions.
    """

    input_ids: torch.Tensor
    processors: LogitsProcessorList
    criteria: StoppingCriteriaList
    config: GenerationConfig
    origins: Mapping[str, str]
    kwargs: dict[str, Any]

    def batch(self, ids: Sequence[int]) -> torch.Tensor:
        """Return ids as a batch of one, (1, length), on the device of `input_ids`."""
        return torch.tensor([list(ids)], device=self.input_ids.device)


def check_names(given: Mapping[str, Any]) -> None:
    """Check that transformers' `generate` knows all settings.

    Raises
    ------
    TypeError
        For the first that it doesn't know, with the nearest name that it does.
    """
    known = {name for name in vars(_config()) if not name.startswith("_")}
    known = (known | _OBJECTS) - _OUTPUTS
    for name in given:
        if name in _OUTPUTS:
            raise TypeError(f"{name} is not for it: the Run keeps what can be looked at.")
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise TypeError(f"generate has no setting {name!r}.{hint}")


def prompt_inputs(
    scope: Scope, text: Text, target: str | Sequence[int] | None
) -> dict[str, torch.Tensor]:
    """Encode a prompt as the inputs of `generate`.

    Parameters
    ----------
    scope, text, target
        As for `Scope.generate`.

    Returns
    -------
    dict of str to torch.Tensor
        Ids and attention mask, (1, length) each.

    Raises
    ------
    ValueError
        When the model doesn't predict the next token, and for a prompt that it can't take.
    """
    model: Any = scope.model
    if not getattr(model, "can_generate", lambda: False)():
        raise ValueError(
            f"{scope.name} can't write: it doesn't predict the next token. "
            "For a masked model, read trace.distribution(position) at the gap."
        )
    inputs = prepare(
        scope.model,
        scope.tokenizer,
        text,
        target=target,
        name=scope.name,
        context=scope.facts.context,
    ).inputs
    # Nothing of the prompt is masked, also where it contains the padding token.
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    return inputs


def edited_for(scope: Scope, inputs: Mapping[str, torch.Tensor]) -> tuple[Scope, Runner]:
    """Return a scope with its edits placed in a prompt, and what runs its model under them.

    Raises
    ------
    ValueError, IndexError
        As `Scope.trace`, and for an edit that depends on how the text goes on.
    """
    if not scope.edits:
        return scope, scope.runner
    check_can_continue(scope.edits)
    given = {name: item for name, item in inputs.items() if name.endswith("input_ids")}
    runner = scope.runner_for(given)
    return scope.under(runner.edits), runner


def trace_of(scope: Scope, inputs: Mapping[str, torch.Tensor], ids: list[int]) -> Trace:
    """Trace generated `ids`: a text, or the decoder's side after the encoder's `inputs`."""
    if "decoder_input_ids" in inputs:
        return scope.trace(inputs["input_ids"], target=ids)
    return scope.trace(ids)


def run_generate(
    scope: Scope,
    inputs: Mapping[str, torch.Tensor],
    settings: Mapping[str, Any],
    loop: Callable[[Prepared], T],
) -> T:
    """Call transformers' `generate` with `loop` in the place of its decoding loop.

    Parameters
    ----------
    scope
        The model that generates.
    inputs
        As returned by `prompt_inputs`.
    settings
        Keyword arguments of `generate`.
    loop
        Called once, with everything that `generate` has prepared.

    Returns
    -------
    T
        The result of `loop`.

    Raises
    ------
    ValueError
        When the text grows longer than the model's context.
    """
    from transformers import LogitsProcessorList, StoppingCriteriaList, StopStringCriteria

    model: Any = scope.model
    given = dict(settings)
    own = (given.get("generation_config"), model.generation_config)
    stop = given.pop("stop_strings", None) or next(
        (config.stop_strings for config in own if config and config.stop_strings), None
    )
    if stop is not None:
        # `generate` doesn't pass its tokenizer on to a custom loop.
        made = StopStringCriteria(stop_strings=stop, tokenizer=scope.tokenizer)
        given["stopping_criteria"] = [*(given.get("stopping_criteria") or ()), made]
        given["stop_strings"] = None

    def prepared(
        model: Any,
        input_ids: torch.Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: GenerationConfig,
        **kwargs: Any,
    ) -> T:
        kwargs.pop("synced_gpus", None)
        origins = _origins(settings, model.generation_config)
        ready = Prepared(
            input_ids, logits_processor, stopping_criteria, generation_config, origins, kwargs
        )
        with within_context(scope, generation_config.max_length):
            return loop(ready)

    lists = {"stopping_criteria": StoppingCriteriaList, "logits_processor": LogitsProcessorList}
    given |= {name: kind(given[name]) for name, kind in lists.items() if given.get(name)}
    done: T = model.generate(**inputs, custom_generate=prepared, **given)
    return done


@contextmanager
def within_context(scope: Scope, length: int) -> Iterator[None]:
    """Turn an IndexError into a ValueError where `length` tokens exceed the model's context."""
    try:
        yield
    except IndexError as error:
        context = scope.facts.context
        if context is None or length <= context:
            raise
        raise ValueError(
            f"{scope.name} can read {context:,} tokens, and the text grew longer. "
            "Give a smaller max_new_tokens."
        ) from error


def _origins(settings: Mapping[str, Any], models: GenerationConfig) -> Mapping[str, str]:
    """Return where each setting comes from that wasn't given."""
    from llmscope.sampling.settings import from_config

    origins = from_config(settings.get("generation_config") or _config(), models).origins
    return {name: origin for name, origin in origins.items() if settings.get(name) is None}


def _config() -> GenerationConfig:
    """Return a `GenerationConfig` with all settings open."""
    import transformers

    make: Any = transformers.GenerationConfig
    config: GenerationConfig = make()
    return config
