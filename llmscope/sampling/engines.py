"""The steps from logits to the distribution that is sampled from, in three engines' orders."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from llmscope.sampling.settings import NOTHING, Order, Resolved

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig


@dataclass(frozen=True)
class Step:
    """One step: its name among transformers' settings, and scores (vocabulary,) to scores."""

    name: str
    setting: float
    apply: Callable[[torch.Tensor], torch.Tensor]


def steps(resolved: Resolved, order: Order, ids: Sequence[int]) -> list[Step]:
    """List what an engine does to logits, in its order.

    Parameters
    ----------
    resolved
        The settings.
    order
        "transformers" is made by transformers' own code. "vllm" puts min_p before top_k and top_p
        [1]_. "llama.cpp" cuts logits that no temperature has scaled, and scales them last [2]_.
    ids
        The tokens so far, for penalties.

    Raises
    ------
    ValueError
        For a setting that the engine doesn't have.

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
    by_name = {step.name: step for step in made}
    for name in by_name:
        if name not in known:
            raise ValueError(f"{order} has no {name}.")
    if order == "llama.cpp":
        rules = {"top_k": _exactly_top_k, "typical_p": _typical, "top_p": _top_p, "min_p": _min_p}
        for name, rule in rules.items():
            if name in by_name:
                by_name[name] = _ruled(by_name[name], rule)
    return [by_name[name] for name in known if name in by_name]


def _ruled(step: Step, rule: Callable[[torch.Tensor, float], torch.Tensor]) -> Step:
    return Step(step.name, step.setting, lambda scores: rule(scores, step.setting))


def _transformers(resolved: Resolved, ids: Sequence[int]) -> list[Step]:
    import torch
    from transformers import GenerationMixin

    config = resolved.config
    if config.guidance_scale not in (None, 1):
        raise ValueError("guidance_scale needs a second pass of the model: it can't be shown here.")
    if not hasattr(config, "_eos_token_tensor"):
        eos = config.eos_token_id
        config._eos_token_tensor = None if eos is None else torch.tensor(eos).reshape(-1)
    # `generate` asks this method for its processors; of the model it only wants to know its kind.
    model: Any = SimpleNamespace(
        config=SimpleNamespace(is_encoder_decoder=False),
        _merge_criteria_processor_list=lambda default, custom: default,
    )
    processors = GenerationMixin._get_logits_processor(
        model, config, input_ids_seq_length=max(1, len(ids)), device="cpu"
    )
    return named(processors, config, ids)


def named(
    processors: Iterable[Any],
    config: GenerationConfig,
    ids: Sequence[int],
    device: torch.device | str = "cpu",
) -> list[Step]:
    """Make steps of transformers' processors, which live on `device`, for what follows `ids`."""
    import torch

    past = torch.tensor([list(ids)], dtype=torch.long, device=device)
    made = [
        Step(name, float(setting), _on_rows(processor, past))
        for processor in processors
        for name, setting in [_named(processor, config)]
    ]
    if not config.do_sample and config.num_beams in (None, 1):
        made.append(Step("temperature", 0.0, _greedy))
    return made


def _on_rows(processor: Any, past: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
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


def _named(processor: Any, config: Any) -> tuple[str, float]:
    """Name a processor by the setting that asked for it (TopKLogitsWarper: top_k)."""
    kind = type(processor).__name__
    bare = re.sub(r"Logits(Warper|Processor)$", "", kind)
    name = _NAMES.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", "_", bare).lower()
    setting = getattr(config, name, None)
    return name, setting if isinstance(setting, (int, float)) else math.nan


def is_nothing(step: Step) -> bool:
    """Tell a step that is asked for and does nothing, such as min_p=0."""
    return NOTHING.get(step.name) == step.setting


def _greedy(scores: torch.Tensor) -> torch.Tensor:
    import torch

    only = torch.full_like(scores, -math.inf)
    likeliest = scores.argmax(dim=-1)
    only[likeliest] = scores[likeliest]
    return only


# ── llama.cpp ────────────────────────────────────────────────────────────────────────────────


def _keep(scores: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    import torch

    only = torch.full_like(scores, -math.inf)
    only[kept] = scores[kept]
    return only


def _exactly_top_k(scores: torch.Tensor, k: float) -> torch.Tensor:
    """Keep k, and no more where some tie with the last."""
    order = scores.argsort(descending=True, stable=True)
    return _keep(scores, order[: int(k)])


def _top_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep the likeliest until their sum is at least p."""
    probs = scores.softmax(dim=-1)
    order = probs.argsort(descending=True, stable=True)
    reached = probs[order].cumsum(dim=-1) >= p
    count = int(reached.int().argmax()) + 1 if bool(reached.any()) else len(scores)
    return _keep(scores, order[:count])


def _min_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep logits of at least the greatest plus log p."""
    return scores.masked_fill(scores < scores.max() + math.log(p), -math.inf)


def _typical(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Keep the tokens whose surprisal is nearest to the entropy until their sum is above p."""
    probs = scores.softmax(dim=-1)
    surprisal = -probs.log()
    entropy = (probs * surprisal).nansum()
    order = (surprisal - entropy).abs().argsort(stable=True)
    above = probs[order].cumsum(dim=-1) > p
    count = int(above.int().argmax()) + 1 if bool(above.any()) else len(scores)
    return _keep(scores, order[:count])
