"""The language-model head: which models have one, and how it runs without the rest."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from llmscope.capture.tensors import close
from llmscope.capture.wrappers import rebound

if TYPE_CHECKING:
    import torch
    from torch import nn


class Head:
    """The head of a model, which turns final hidden states into logits.

    The head is not searched for: the whole model runs, but with a stand-in for its body (the
    child that makes the hidden states), so that scaling, soft caps and biases are the model's own.

    Attributes
    ----------
    exists
        Whether the model returns logits over its vocabulary.
    body
        Path of the body in the model; `None` where the model is a body alone.
    runs_alone
        Whether logits from the stand-in equal the model's; `None` until the first pass.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.exists = has_head(model)
        self.body = _body_name(model)
        self.runs_alone: bool | None = None
        self._output_type: Any = None  # class of what the body returns

    def split(self, body: nn.Module | None = None) -> tuple[nn.Module, StandIn | None]:
        """Return a copy of the model's shell, and the stand-in in it, which runs the body once.

        Without a body, or where the shell can't be copied, that is the model itself and `None`.

        Parameters
        ----------
        body
            What is run as the model's body, by default its own.
        """
        if self.body is not None:
            stand_in = StandIn(body or self.model.get_submodule(self.body))
            with suppress(LookupError):
                return with_module(self.model, self.body, stand_in), stand_in
        return self.model, None

    def learn(self, output: Any) -> None:
        """Note what the body returned, so that a stand-in can return the like."""
        self._output_type = type(output)

    def check(self, hidden: torch.Tensor, logits: torch.Tensor) -> bool:
        """Return whether the head by itself makes the last of `logits` of the last of `hidden`."""
        if self.body is None:
            return False
        try:
            alone = self.logits(hidden[-1:])
        except Exception:
            return False
        return close(alone[-1], logits[-1])

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits (rows, vocabulary) of final hidden states (rows, hidden size).

        Runs the model, which must be undisturbed.

        Raises
        ------
        ValueError
            When the model has no body that could be replaced.
        """
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        if self.body is None:
            raise ValueError(f"{type(self.model).__name__} has no head that can be run on its own")
        stand_in = StandIn(self.model.get_submodule(self.body), self._output_type(hidden[None]))
        blank = torch.zeros((1, hidden.shape[0]), dtype=torch.long, device=hidden.device)
        inputs: dict[str, Any] = {"input_ids": blank}
        if getattr(self.model.config, "is_encoder_decoder", False):
            inputs |= {"decoder_input_ids": blank, "encoder_outputs": BaseModelOutput(hidden[None])}
        options = accepted(self.model, use_cache=False, return_dict=True)
        shell = with_module(self.model, self.body, stand_in)
        logits: torch.Tensor = logits_of(shell(**inputs, **options))[0]
        return logits


class StandIn:
    """In place of a model's body: runs it once, or returns an output that is known already."""

    def __init__(self, body: nn.Module, output: Any = None) -> None:
        self._body = body
        self.output = output

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body, unless its output is known."""
        if self.output is None:
            self.output = self._body(*args, **kwargs)
        return self.output


def accepted(model: nn.Module, **wanted: Any) -> dict[str, Any]:
    """Return those of the arguments `wanted` that the model's `forward` takes."""
    names = inspect.signature(type(model).forward).parameters
    return {name: item for name, item in wanted.items() if name in names}


def has_head(model: nn.Module) -> bool:
    """Return whether `model` returns logits over its vocabulary."""
    return _unembeds(model) or _is_listed_as_masked(model)


def is_masked_lm(model: nn.Module) -> bool:
    """Return whether `model` is a masked language model."""
    # Those for pre-training (BERT's, ALBERT's) have a masked and a next-sentence head.
    named = _is_listed_as_masked(model) or type(model).__name__.endswith("ForPreTraining")
    return named or is_permutation_lm(model)


def is_permutation_lm(model: nn.Module) -> bool:
    """Return whether `model` learned from permuted orders, and so attends to both sides [1]_.

    References
    ----------
    .. [1] Yang et al., "XLNet: Generalized autoregressive pretraining for language understanding",
       NeurIPS 2019.
    """
    return _unembeds(model) and getattr(model.config, "attn_type", None) == "bi"


def logits_of(output: Any) -> Any:
    """Return the logits (1, positions, vocabulary) in a model's output."""
    return output.get("logits", output.get("prediction_logits"))


def sentence_logits_of(model: nn.Module, output: Any) -> Any:
    """Return logits (1, 2) of sentences in this order and not; `None` without such a head."""
    if type(model).__name__.endswith("ForNextSentencePrediction"):
        return output.logits
    return output.get("seq_relationship_logits", output.get("sop_logits"))


def _body_name(model: nn.Module) -> str | None:
    """Return the name of the child of `model` whose output its head reads, if there is one."""
    prefix = getattr(model, "base_model_prefix", "")
    usual = (prefix, "model", "decoder", "text_decoder") if _unembeds(model) else (prefix,)
    return next((name for name in usual if name in model._modules), None)


def _unembeds(model: nn.Module) -> bool:
    return getattr(model, "get_output_embeddings", lambda: None)() is not None


def _is_listed_as_masked(model: nn.Module) -> bool:
    """Return whether transformers lists it so: Perceiver's head has no matrix of its own."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    listed = MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
    name = type(model).__name__
    return any(name == entry if isinstance(entry, str) else name in entry for entry in listed)


def with_module(model: nn.Module, path: str, stand_in: Any) -> nn.Module:
    """Copy the shells of `model` down to a module, in whose place `stand_in` is; share the rest.

    Raises
    ------
    LookupError
        When a `forward` was assigned to the model that can't be bound to a copy.
    """
    shell = object.__new__(type(model))
    shell.__dict__.update(model.__dict__, _compiled_call_impl=None, training=False)
    for name in ("forward", "_old_forward"):  # accelerate keeps the one that it wraps
        if name in model.__dict__:
            shell.__dict__[name] = rebound(model.__dict__[name], model, shell)
    name, _, rest = path.partition(".")
    inner: Any = with_module(model.get_submodule(name), rest, stand_in) if rest else stand_in
    shell.__dict__["_modules"] = {**model._modules, name: inner}
    return shell
