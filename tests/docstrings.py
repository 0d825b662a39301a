"""Hold the docstrings of public names to numpydoc's rules: `python -m tests.docstrings`."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
import warnings
from pathlib import Path

from numpydoc.validate import validate

from tests.public import found, public_names, with_members

ROOT = Path(__file__).parents[1]
CHECKS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["numpydoc_validation"]["checks"]
)

# Made by methods, never by a user: their constructors are no business of the docstring.
MADE = {
    "llmscope.Trace",
    "llmscope.evaluation.Evaluation",
    "llmscope.generation.Run",
    "llmscope.generation.Step",
}


def complaints(name: str) -> set[str]:
    """Return the rules that a public name and its members break, as "name: code"."""
    checks = CHECKS if name.count(".") == 1 else CHECKS - {"EX01"}
    found_here = set()
    for member in with_members(name):
        wanted = checks if member == name else checks - {"EX01"}
        result = validate(member)
        codes = {code for code, _ in result["errors"]} & wanted
        if member in MADE or (member == name and is_record(found(name))):
            codes.discard("PR01")  # its parameters are attributes
        found_here |= {f"{member}: {code}" for code in codes}
    return found_here


def is_record(value: object) -> bool:
    """Return whether a class is a dataclass or a named tuple."""
    return dataclasses.is_dataclass(value) or hasattr(value, "_fields")


def main() -> int:
    """Print what isn't whole."""
    broken = {complaint for name in public_names() for complaint in complaints(name)}
    for complaint in sorted(broken):
        print(f"{complaint} (https://numpydoc.readthedocs.io/en/latest/validation.html)")
    return int(bool(broken))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
