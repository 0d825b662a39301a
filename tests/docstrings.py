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
MADE = {"llmscope.Trace", "llmscope.generation.Run", "llmscope.generation.Step"}

# Not whole yet: "name: code". What is mended leaves this list.
UNFINISHED = {
    "llmscope.Trace.next_token: RT03",
    "llmscope.Trace.distribution: RT03",
    "llmscope.AttentionView: EX01",
    "llmscope.AttentionView: PR01",
    "llmscope.NextTokenView: EX01",
    "llmscope.NextTokenView: PR01",
    "llmscope.Scope: EX01",
    "llmscope.TokensView: EX01",
    "llmscope.TokensView: PR01",
    "llmscope.Trace.head_scores: PR01",
    "llmscope.Trace.heads: PR01",
    "llmscope.Trace.heads: RT01",
    "llmscope.Trace.keys: PR01",
    "llmscope.Trace.keys: RT01",
    "llmscope.Trace.layers: PR01",
    "llmscope.Trace.layers: RT01",
    "llmscope.Trace.logits_at: PR01",
    "llmscope.Trace.logits_at: RT01",
    "llmscope.Trace.logits_at: SS05",
    "llmscope.Trace.queries: PR01",
    "llmscope.Trace.queries: RT01",
    "llmscope.Trace.read_chain: YD01",
    "llmscope.Trace.steps: PR03",
    "llmscope.Trace: EX01",
    "llmscope.explore: EX01",
    "llmscope.explore: PR01",
    "llmscope.explore: RT01",
    "llmscope.link: EX01",
    "llmscope.link: PR01",
    "llmscope.link: RT01",
    "llmscope.to_html: EX01",
    "llmscope.to_html: PR01",
    "llmscope.to_html: PR02",
    "llmscope.views.View.set_state: PR01",
    "llmscope.views.View.static: PR01",
    "llmscope.views.View.static: RT01",
    "llmscope.views.View.to_html: PR01",
    "llmscope.views.View.to_html: RT01",
    "llmscope.views.View: PR01",
}


def complaints(name: str) -> set[str]:
    """Return the rules that a public name and its members break, as "name: code"."""
    checks = CHECKS if name.count(".") == 1 else CHECKS - {"EX01"}
    found_here = set()
    for member in with_members(name):
        wanted = checks if member == name else checks - {"EX01"}
        result = validate(member)
        codes = {code for code, _ in result["errors"]} & wanted
        if member in MADE or (member == name and dataclasses.is_dataclass(found(name))):
            codes.discard("PR01")  # of a dataclass, parameters are attributes
        found_here |= {f"{member}: {code}" for code in codes}
    return found_here


def main() -> int:
    """Print what isn't whole, and what is listed as unfinished and is whole."""
    broken = {complaint for name in public_names() for complaint in complaints(name)}
    for complaint in sorted(broken - UNFINISHED):
        print(f"{complaint} (https://numpydoc.readthedocs.io/en/latest/validation.html)")
    for mended in sorted(UNFINISHED - broken):
        print(f"{mended} is whole: take it from UNFINISHED in {Path(__file__).name}")
    return int(broken != UNFINISHED)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
