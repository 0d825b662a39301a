"""What a model is given to repeat a pass: over all of a text, over its beginning, or one token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmscope.capture.head import accepted
from llmscope.capture.prefix_cache import cropped

if TYPE_CHECKING:
    import torch

    from llmscope.capture.runner import Runner

    Inputs = dict[str, torch.Tensor]

_SHORT = 256  # tokens up to which a text is run again as a whole


def inputs_of_all(runner: Runner, inputs: Inputs) -> dict[str, Any]:
    """Return inputs of all positions."""
    options = accepted(runner.model, use_cache=False, return_dict=True, logits_to_keep=1)
    return {**inputs, **options}


def inputs_of_one(runner: Runner, inputs: Inputs, query: int) -> dict[str, Any] | None:
    """Return inputs of one position, after those that are cached; `None` without a cache."""
    if set(inputs) != {"input_ids"} or inputs["input_ids"].shape[1] <= _SHORT or not query:
        return None
    cache, ids = runner.prefix_cache, inputs["input_ids"][0, : query + 1].tolist()
    if not cache.ready(runner.version.state().key):
        return None
    found = cache.find(ids)
    if found is None or found.cache is None or found.shared <= query:
        return None
    past = cropped(found.cache, query)
    return None if past is None else cache.inputs(ids, past, query)
