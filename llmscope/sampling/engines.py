"""The transforms from logits to the sampled distribution, in the order of three engines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from llmscope.sampling.settings import NEUTRAL, Resolved
from llmscope.shared import Order

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig


@dataclass(frozen=True)
class Transform:
    """One transform of the scores of all tokens.

    Attributes
    ----------
    name, setting
        The argument of transformers' `generate` that asks for it, and its value; NaN where that is
        no number.
    apply
        Maps scores (vocabulary,) to scores (vocabulary,); -inf for a token that is cut.
    """

    name: str
    setting: float
    apply: Callable[[torch.Tensor], torch.Tensor]


def transforms(resolved: Resolved, order: Order, ids: Sequence[int]) -> list[Transform]:
    """List the transforms that an engine applies to logits, in its order.

    Parameters
    ----------
    resolved
        The settings.
    order
        "transformers" runs transformers' own processors. "vllm" applies min_p before top_k and
        top_p [1]_. "llama.cpp" applies all cuts before the temperature, which comes last [2]_.
    ids
        The tokens so far, for penalties.

    Returns
    -------
    list of Transform
        Neutral settings that transformers makes no processor of are left out.

    Raises
    ------
    ValueError
        For a setting that the engine doesn't have, and for `guidance_scale`.

    References
    ----------
    .. [1] vLLM, ``vllm/v1/sample/sampler.py`` and ``ops/topk_topp_sampler.py``.
    .. [2] llama.cpp, ``common/common.h`` (the default chain) and ``src/llama-sampling.cpp``.
    """
    made = _transformers(resolved, ids)
    if order == "transformers":
        return made
    known = {
        "vllm": ("repetition_penalty", "temperature", "min_p", "top_k", "top_p"),
        "llama.cpp": ("repetition_penalty", "top_k", "typical_p", "top_p", "min_p", "temperature"),
    }[order]
    by_name = {transform.name: transform for transform in made}
    for name in by_name:
        if name not in known:
            raise ValueError(f"{order} has no {name}.")
    if order == "llama.cpp":
        rules = {"top_k": _exactly_top_k, "typical_p": _typical, "top_p": _top_p, "min_p": _min_p}
        for name, rule in rules.items():
            if name in by_name:
                by_name[name] = _ruled(by_name[name], rule)
    return [by_name[name] for name in known if name in by_name]


def _ruled(transform: Transform, rule: Callable[[torch.Tensor, float], torch.Tensor]) -> Transform:
    """Replace how a setting is applied."""
    name, setting = transform.name, transform.setting
    return Transform(name, setting, lambda scores: rule(scores, setting))


def _transformers(resolved: Resolved, ids: Sequence[int]) -> list[Transform]:
    """List the transforms of transformers' own `generate`."""
    import torch
    from transformers import GenerationMixin

    config = resolved.config
    if config.guidance_scale not in (None, 1):
        raise ValueError("guidance_scale needs a second pass of the model: it can't be shown here.")
    if not hasattr(config, "_eos_token_tensor"):
        eos = config.eos_token_id
        config._eos_token_tensor = None if eos is None else torch.tensor(eos).reshape(-1)
    # `generate` gets its processors from this method, which reads only these two attributes of a
    # model.
    model: Any = SimpleNamespace(
        config=SimpleNamespace(is_encoder_decoder=False),
        _merge_criteria_processor_list=lambda default, custom: default,
    )
    processors = GenerationMixin._get_logits_processor(
        model, config, input_ids_seq_length=max(1, len(ids)), device="cpu"
    )
    return transforms_of(processors, config, ids)


def transforms_of(
    processors: Iterable[Any],
    config: GenerationConfig,
    ids: Sequence[int],
    device: torch.device | str = "cpu",
) -> list[Transform]:
    """Make transforms of transformers' logits processors.

    Parameters
    ----------
    processors
        As `generate` makes them.
    config
        The configuration that they were made from; each transform's setting is read from it.
    ids
        The tokens so far: the transforms are for the distribution after them.
    device
        Where the processors keep their tensors.

    Returns
    -------
    list of Transform
        One for each processor, and greedy choice ("temperature", 0) where nothing is drawn.
    """
    import torch

    past = torch.tensor([list(ids)], dtype=torch.long, device=device)
    made = [
        Transform(name, float(setting), _on_rows(processor, past))
        for processor in processors
        for name, setting in [_setting_of(processor, config)]
    ]
    if not config.do_sample and config.num_beams in (None, 1):
        made.append(Transform("temperature", 0.0, _greedy))
    return made


def _on_rows(processor: Any, past: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Wrap a processor, which takes (rows, vocabulary), for scores (vocabulary,)."""

    def apply(scores: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = processor(past, scores[None].to(past.device))[0]
        return out.to(scores.device)

    return apply


_NAMES = {
    "NoBadWordsLogitsProcessor": "bad_words_ids",
    "ForcedBOSTokenLogitsProcessor": "forced_bos_token_id",
    "ForcedEOSTokenLogitsProcessor": "forced_eos_token_id",
    "SuppressTokensAtBeginLogitsProcessor": "begin_suppress_tokens",
    "MinNewTokensLengthLogitsProcessor": "min_new_tokens",
    "LogitNormalization": "renormalize_logits",
    "TypicalLogitsWarper": "typical_p",
    "EpsilonLogitsWarper": "epsilon_cutoff",
    "EtaLogitsWarper": "eta_cutoff",
    "NoRepeatNGramLogitsProcessor": "no_repeat_ngram_size",
}


def _setting_of(processor: Any, config: Any) -> tuple[str, float]:
    """Return name and value of the setting that a processor is for (TopKLogitsWarper: top_k)."""
    kind = type(processor).__name__
    bare = re.sub(r"Logits(Warper|Processor)$", "", kind)
    name = _NAMES.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", bare).lower()
    setting = getattr(config, name, None)
    return name, setting if isinstance(setting, (int, float)) else math.nan


def is_neutral(transform: Transform) -> bool:
    """Whether a transform changes nothing, as that of min_p=0."""
    return NEUTRAL.get(transform.name) == transform.setting


def _greedy(scores: torch.Tensor) -> torch.Tensor:
    """Cut all tokens but the likeliest."""
    import torch

    only = torch.full_like(scores, -math.inf)
    likeliest = scores.argmax(dim=-1)
    only[likeliest] = scores[likeliest]
    return only


# ── llama.cpp ────────────────────────────────────────────────────────────────────────────────


def _keep(scores: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Cut all tokens but those with the ids `kept`."""
    import torch

    only = torch.full_like(scores, -math.inf)
    only[kept] = scores[kept]
    return only


def _exactly_top_k(scores: torch.Tensor, k: float) -> torch.Tensor:
    """Keep exactly k tokens, also where more tie with the last of them."""
    order = scores.argsort(descending=True, stable=True)
    return _keep(scores, order[: int(k)])


def _top_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep the likeliest tokens until their probabilities sum to at least p."""
    probs = scores.softmax(dim=-1)
    order = probs.argsort(descending=True, stable=True)
    reached = probs[order].cumsum(dim=-1) >= p
    count = int(reached.int().argmax()) + 1 if bool(reached.any()) else len(scores)
    return _keep(scores, order[:count])


def _min_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep logits of at least the maximum plus log p."""
    return scores.masked_fill(scores < scores.max() + math.log(p), -math.inf)


def _typical(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep tokens in order of |surprisal - entropy| until their probabilities exceed p."""
    probs = scores.softmax(dim=-1)
    surprisal = -probs.log()
    entropy = (probs * surprisal).nansum()
    order = (surprisal - entropy).abs().argsort(stable=True)
    above = probs[order].cumsum(dim=-1) > p
    count = int(above.int().argmax()) + 1 if bool(above.any()) else len(scores)
    return _keep(scores, order[:count])
