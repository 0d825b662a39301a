"""The body of a model with a head, and what stands in its place while the head runs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    """Name the child of `model` whose output its head reads, if it has a language-model head."""
    embeddings = getattr(model, "get_output_embeddings", lambda: None)()
    if embeddings is None:
        return None
    prefix = getattr(model, "base_model_prefix", "")
    usual = (prefix, "model", "decoder", "text_decoder")
    return next((name for name in usual if name in model._modules), None)


def fills_gaps(model: nn.Module) -> bool:
    """Whether transformers lists `model` as a masked language model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    listed = MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()
    name = type(model).__name__
    return any(name == entry if isinstance(entry, str) else name in entry for entry in listed)


def has_head(model: nn.Module) -> bool:
    """Whether `model` gives logits."""
    if getattr(model, "get_output_embeddings", lambda: None)() is not None:
        return True
    # Perceiver's head has no matrix of its own.
    return fills_gaps(model)


def with_body(model: nn.Module, path: str, body: Body) -> nn.Module:
    """Copy the outermost shell of `model`, sharing all that is in it but the body."""
    shell = object.__new__(type(model))
    shell.__dict__.update(model.__dict__)
    shell.__dict__.pop("forward", None)
    name, _, rest = path.partition(".")
    inner: Any = with_body(model.get_submodule(name), rest, body) if rest else body
    shell.__dict__["_modules"] = {**model._modules, name: inner}
    return shell
