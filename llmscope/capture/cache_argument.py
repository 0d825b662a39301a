"""The argument by which a model takes a cache of keys and values."""

from __future__ import annotations

from functools import cache


@cache
def cache_argument() -> str:
    """Return its name: ``cache``, and ``past_key_values`` before transformers 5.24."""
    from transformers.generation.utils import ALL_CACHE_NAMES

    name: str = ALL_CACHE_NAMES[0]
    return name
