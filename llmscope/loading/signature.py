"""One list of parameters for two functions."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def with_signature_of(
    loader: Callable[_P, Any], returns: str
) -> Callable[[Callable[..., _T]], Callable[_P, _T]]:
    """Show a function with the parameters of `loader`, and what it returns itself."""

    def decorate(function: Callable[..., _T]) -> Callable[_P, _T]:
        parameters = signature(loader).replace(return_annotation=returns)
        vars(function)["__signature__"] = parameters
        return function

    return decorate
