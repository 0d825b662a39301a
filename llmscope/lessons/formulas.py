"""Formulas of captions: a little TeX, as MathML."""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(r"\\(?:[a-zA-Z]+|.)|[0-9]+(?:[.,][0-9]+)*|\s+|.", re.DOTALL)
_GREEK = (
    "alpha α beta β gamma γ delta δ epsilon ε eta η theta θ kappa κ lambda λ mu μ nu ν pi π rho ρ "
    "sigma σ tau τ phi φ chi χ psi ψ omega ω Delta Δ Theta Θ Lambda Λ Sigma Σ Phi Φ Omega Ω ell ℓ"
)
_SIGNS = (
    "cdot ⋅ times × le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ sim ∼ in ∈ to → rightarrow → "
    "leftarrow ← mid ∣ dots … ldots … cdots ⋯ sum ∑ prod ∏ infty ∞ pm ± odot ⊙ oplus ⊕ partial ∂ "
    "propto ∝ prime ′ circ ∘ "
    "{ { } } | ∥ , \u2009 ; \u2005 quad \u2003 % % $ $ _ _"
)
_NAMES = "log exp max min arg softmax cos sin ln"
_LETTERS = dict(zip(_GREEK.split(" ")[::2], _GREEK.split(" ")[1::2], strict=True))
_OPERATORS = dict(zip(_SIGNS.split(" ")[::2], _SIGNS.split(" ")[1::2], strict=True))
_TEXTS = {"text", "mathrm", "operatorname", "mathbf"}


def formula(tex: str, *, display: bool = False) -> list[Any]:
    r"""Return a formula as MathML.

    Parameters
    ----------
    tex
        TeX: letters, numbers, signs, ``_`` and ``^``, ``\frac``, ``\sqrt``, ``\text``, Greek
        letters, and the names of functions.
    display
        Whether it is on a line of its own.

    Returns
    -------
    list
        A ``math`` element, as `llmscope.lessons.captions` has elements.

    Raises
    ------
    ValueError
        For a command that isn't known, and for braces that don't match.
    """
    reader = _Reader(_TOKEN.findall(tex))
    row = reader.row("")
    return ["math-block" if display else "math", *row]


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def row(self, end: str) -> list[Any]:
        """Read up to a closing sign, or to the end of it all."""
        found: list[Any] = []
        while (token := self._next()) != end:
            if not token:
                raise ValueError(f"a formula lacks a closing {end}")
            if token in ("_", "^"):
                found.append(self._scripts(found.pop() if found else ["mrow"], token))
            elif token == "}":
                raise ValueError("a formula has a closing } too many")
            elif not token.isspace():
                found.append(self._atom(token))
        return found

    def _next(self) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        self._at += 1
        return token

    def _argument(self) -> Any:
        token = self._next()
        while token.isspace():
            token = self._next()
        if not token:
            raise ValueError("a formula ends too early")
        return self._atom(token)

    def _atom(self, token: str) -> Any:
        if token == "{":
            return ["mrow", *self.row("}")]
        if token[0].isdigit():
            return ["mn", token]
        if not token.startswith("\\"):
            return ["mi" if token.isalpha() else "mo", "−" if token == "-" else token]
        name = token[1:]
        if name == "frac":
            return ["mfrac", self._argument(), self._argument()]
        if name == "sqrt":
            return ["msqrt", self._argument()]
        if name in _TEXTS:
            return ["mtext", self._text()]
        if name in _NAMES.split():
            return ["mi", name]
        if name in ("left", "right"):
            return self._atom(self._next())
        if name in _LETTERS:
            return ["mi", _LETTERS[name]]
        if name in _OPERATORS:
            return ["mo", _OPERATORS[name]]
        raise ValueError(f"a formula has \\{name}, which isn't one of the TeX that captions take")

    def _text(self) -> str:
        if self._next() != "{":
            raise ValueError("\\text in a formula takes braces")
        found = ""
        while (token := self._next()) != "}":
            if not token:
                raise ValueError("a formula lacks a closing }")
            found += token
        return found

    def _scripts(self, base: Any, sign: str) -> Any:
        first = self._argument()
        ahead = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if ahead in ("_", "^") and ahead != sign:
            self._next()
            second = self._argument()
            below, above = (first, second) if sign == "_" else (second, first)
            return ["msubsup", base, below, above]
        return ["msub" if sign == "_" else "msup", base, first]
