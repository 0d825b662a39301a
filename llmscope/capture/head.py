"""The body of a model with a head, and what stands in its place while the head runs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.capture.wrappers import rebound

if TYPE_CHECKING:
    from torch import nn


class Body:
    """Stands for the body of a model with a head: runs it, or gives an output in its place."""

    def __init__(self, body: nn.Module, given: Any = None) -> None:
        self._body = body
        self.output = given

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body, unless its output is given or known."""
        if self.output is None:
            self.output = self._body(*args, **kwargs)
        return self.output


def body_name(model: nn.Module) -> str | None:
    """Name the child of `model` whose output its head reads, if there is one."""
    prefix = getattr(model, "base_model_prefix", "")
    usual = (prefix, "model", "decoder", "text_decoder") if _unembeds(model) else (prefix,)
    return next((name for name in usual if name in model._modules), None)


def has_head(model: nn.Module) -> bool:
    """Whether `model` gives logits over its vocabulary."""
    return _unembeds(model) or _is_listed_as_masked(model)


def fills_gaps(model: nn.Module) -> bool:
    """Whether `model` is a masked language model."""
    # Those for pre-training (BERT's, ALBERT's) have a head for gaps and one for two sentences.
    named = _is_listed_as_masked(model) or type(model).__name__.endswith("ForPreTraining")
    return named or permutes(model)


def permutes(model: nn.Module) -> bool:
    """Whether `model` learned from permuted orders, and so reads both sides (XLNet).

    References
    ----------
    Yang et al., "XLNet: Generalized Autoregressive Pretraining for Language Understanding", 2019.
    """
    return _unembeds(model) and getattr(model.config, "attn_type", None) == "bi"


def logits_of(output: Any) -> Any:
    """Give logits (1, positions, vocabulary) of what a model returned."""
    return output.get("logits", output.get("prediction_logits"))


def sentence_logits_of(model: nn.Module, output: Any) -> Any:
    """Give logits (1, 2) of two sentences standing in this order and not, if `model` has them."""
    if type(model).__name__.endswith("ForNextSentencePrediction"):
        return output.logits
    return output.get("seq_relationship_logits", output.get("sop_logits"))


def _unembeds(model: nn.Module) -> bool:
    return getattr(model, "get_output_embeddings", lambda: None)() is not None


def _is_listed_as_masked(model: nn.Module) -> bool:
    """Whether transformers lists it so: Perceiver's head has no matrix of its own."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    listed = MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
    name = type(model).__name__
    return any(name == entry if isinstance(entry, str) else name in entry for entry in listed)


def with_body(model: nn.Module, path: str, body: Body) -> nn.Module:
    """Copy the outermost shell of `model`, sharing all that is in it but the body.

    Raises
    ------
    LookupError
        When somebody put a `forward` into the model that can't be bound to a copy.
    """
    shell = object.__new__(type(model))
    shell.__dict__.update(model.__dict__, _compiled_call_impl=None)
    for name in ("forward", "_old_forward"):  # accelerate keeps the one that it wraps
        if name in model.__dict__:
            shell.__dict__[name] = rebound(model.__dict__[name], model, shell)
    name, _, rest = path.partition(".")
    inner: Any = with_body(model.get_submodule(name), rest, body) if rest else body
    shell.__dict__["_modules"] = {**model._modules, name: inner}
    return shell
