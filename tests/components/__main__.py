"""``python -m tests.components [name …]``: makes the fixtures anew."""

from __future__ import annotations

import sys

from tests.components.fixtures import FIXTURES


def main(names: list[str]) -> None:
    total = 0
    for name in names or FIXTURES:
        size = FIXTURES[name].store()
        total += size
        print(f"{size / 1000:8.1f} KB  {name}", flush=True)
    print(f"{total / 1000:8.1f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
