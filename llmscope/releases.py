"""Which releases of transformers llmscope is tested with, and what it can't be installed beside.

What a pass records, and how `generate` runs, take names of transformers that it may change. So the
tests are run with the lowest release that pyproject.toml claims (`make lowest`) and with the newest
(`make newest`), and a release outside of these is pointed out.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

LOWEST, NEWEST = (5, 23), (5, 24)  # of transformers, both tested


@cache
def warn_where_untested() -> None:
    """Warn, once, of a transformers that is older or newer than the tested ones."""
    from transformers import __version__

    found = tuple(map(int, re.findall(r"\d+", __version__)[:2]))
    if LOWEST <= found <= NEWEST:
        return
    first, last = (".".join(map(str, one)) for one in (LOWEST, NEWEST))
    what = "older" if found < LOWEST else "newer"
    warnings.warn(
        f"transformers {__version__} is {what} than what this llmscope is tested with ({first} to "
        f"{last}). It may work; where numbers look wrong, compare with a release in between.",
        stacklevel=3,
    )


@cache
def warn_of_namesake() -> None:
    """Warn, once, where PyPI's other `llmscope` is installed: both write into one folder."""
    try:
        other = distribution("llmscope")
    except PackageNotFoundError:
        return
    warnings.warn(
        f"llmscope {other.version} of PyPI is installed here: another project, whose files are "
        "in the same folder as those of jupyter-llmscope. Remove both, and install one again: "
        "pip uninstall llmscope jupyter-llmscope, then pip install jupyter-llmscope.",
        stacklevel=3,
    )
