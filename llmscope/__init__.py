"""Look inside language models from a Jupyter notebook.

Load a model, type a text, and see every head's attention and the distribution of the next token
change live. `llmscope.explore()` opens everything at once; see the README for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmscope.export import to_html
    from llmscope.loading import LoadError
    from llmscope.sampling import Distribution
    from llmscope.scope import Scope, load
    from llmscope.text import Token
    from llmscope.trace import Trace
    from llmscope.views import (
        AttentionView,
        Explorer,
        GenerationView,
        LensView,
        NextTokenView,
        TokensView,
        explore,
        link,
    )

_HOME = {
    "load": "scope",
    "LoadError": "loading",
    "Distribution": "sampling",
    "Scope": "scope",
    "Token": "text",
    "Trace": "trace",
    "AttentionView": "views",
    "Explorer": "views",
    "GenerationView": "views",
    "LensView": "views",
    "NextTokenView": "views",
    "TokensView": "views",
    "explore": "views",
    "link": "views",
    "to_html": "export",
}

__all__ = [
    "AttentionView",
    "Distribution",
    "Explorer",
    "GenerationView",
    "LensView",
    "LoadError",
    "NextTokenView",
    "Scope",
    "Token",
    "TokensView",
    "Trace",
    "explore",
    "link",
    "load",
    "to_html",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"llmscope.{_HOME[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("llmscope")
    raise AttributeError(f"module 'llmscope' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
