"""Sampling settings: their names, ranges and defaults, which are transformers'."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope import shared

if TYPE_CHECKING:
    from transformers import GenerationConfig

# The value of each setting that changes nothing.
NEUTRAL: dict[str, float] = {
    **shared.NEUTRAL,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
}
_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0.0, math.inf),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "typical_p": (0.0, 1.0),
    "epsilon_cutoff": (0.0, 1.0),
    "eta_cutoff": (0.0, 1.0),
    "repetition_penalty": (0.0, math.inf),
}
_WHOLE = ("top_k", "no_repeat_ngram_size")


def check_settings(**settings: Any) -> None:
    """Check sampling settings against their ranges.

    Parameters
    ----------
    **settings
        Settings under transformers' names, such as ``temperature=0.7``.

    Raises
    ------
    ValueError
        For the first setting outside its range; the message names the range.
    """
    for name, value in settings.items():
        if name in _WHOLE:
            _check_whole(name, value)
        else:
            _check_number(name, value, *_RANGES[name])
    if settings.get("repetition_penalty") == 0:
        raise ValueError("repetition_penalty must be a number above 0, not 0")
    if settings.get("typical_p") == 0:
        raise ValueError("typical_p must be a number above 0, at most 1, not 0")


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 (off) or more, not {value!r}")


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, (int, float, np.floating, np.integer))
    if isinstance(value, bool) or not number or not low <= value <= high or value == math.inf:
        allowed = f"between {low:g} and {high:g}" if high < math.inf else f"{low:g} or more"
        raise ValueError(f"{name} must be a number {allowed}, not {value!r}")


@dataclass(frozen=True)
class Resolved:
    """A `GenerationConfig` with every default filled in.

    Attributes
    ----------
    config
        The configuration.
    origins
        For each setting that wasn't given, where its value comes from: "the model's
        generation_config" or "a default".
    """

    config: GenerationConfig
    origins: Mapping[str, str]


def from_arguments(given: Mapping[str, float]) -> Resolved:
    """Make a configuration in which a setting that isn't given is neutral."""
    from transformers import GenerationConfig

    settings = {**NEUTRAL, **given}
    check_settings(**settings)
    settings = {n: int(v) if n in _WHOLE else float(v) for n, v in settings.items()}
    greedy = settings["temperature"] == 0
    if greedy:
        # Nothing is drawn, so only penalties matter; transformers warns about the rest.
        settings = {name: settings[name] for name in ("repetition_penalty", "no_repeat_ngram_size")}
    make: Any = GenerationConfig
    return Resolved(make(do_sample=not greedy, **settings), {})


def from_config(config: GenerationConfig, models: GenerationConfig | None) -> Resolved:
    """Fill in the settings that `config` leaves open, as transformers' `generate` does.

    First from `models`, the model's own `generation_config`, then with transformers' defaults.
    """
    import copy

    filled: Any = copy.deepcopy(config)
    origins: dict[str, str] = {}
    given = {name for name, value in config.to_dict().items() if value is not None}
    own = models.to_dict() if models is not None else {}
    filled.update(**own, defaults_only=True, allow_custom_entries=True)
    defaults = type(config)._get_default_generation_params()
    filled.update(**defaults, defaults_only=True)
    for name in {*NEUTRAL, *own, *defaults}:
        if name not in given:
            own_setting = own.get(name) is not None
            origins[name] = "the model's generation_config" if own_setting else "a default"
    return Resolved(filled, origins)
