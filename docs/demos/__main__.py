"""Train one demo, or all of them: ``python -m docs.demos dates``."""

from __future__ import annotations

import argparse
from importlib import import_module

import torch

from docs.demos.common import save

NAMES = ("dates", "gaps", "induction", "zh")


def main() -> None:
    """Train the demos that are named, one after another, and write them into the package."""
    parser = argparse.ArgumentParser(prog="python -m docs.demos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no demo {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    torch.set_num_threads(1)  # models this small gain nothing by more
    for name in names:
        torch.manual_seed(0)
        save(name, *import_module(f"docs.demos.{name}").made())


if __name__ == "__main__":
    main()
