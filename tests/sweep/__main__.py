"""Sweep over all model types and write the table: `make sweep`."""

from __future__ import annotations

import sys
import time

import transformers

from tests.sweep.bounds import check_all
from tests.sweep.check import check, check_whole
from tests.sweep.models import TOKENS, entries
from tests.sweep.table import PAGE, counts, equal_before, page, whole_counts, with_whole


def main(names: list[str]) -> int:
    """Check the model types `names`, or all; the page is written only of all.

    After `--whole`, only what models are made of is read, and only that is written anew.
    """
    only_whole = names[:1] == ["--whole"]
    names = names[only_whole:]
    chosen = [entry for entry in entries() if not names or entry.model_type in names]
    began = time.monotonic()
    results = check_all(chosen, check_whole if only_whole else check)
    if only_whole:
        for what, count in whole_counts(results):
            print(f"{what:40} {count}")
        for result in results:
            if names or result.whole.wrong:
                print(result.mapping, result.model_type, result.whole, result.remark)
        if not names:
            PAGE.write_text(with_whole(PAGE.read_text(), results))
        return int(any(result.whole.wrong for result in results))
    for result in results:
        if names or (result.traced and not result.equal) or "Error" in result.remark:
            print(result)
        if names or result.edits.wrong:
            print(result.edits)
    for what, count in counts(results):
        print(f"{what:40} {count}")
    print(f"{time.monotonic() - began:.0f} s")
    now = {(result.mapping, result.model_type): result.equal for result in results}
    wrong = sorted(result.model_type for result in results if result.edits.wrong)
    if wrong:
        print(f"Edited otherwise than hooks do: {wrong}", file=sys.stderr)
        return 1
    lost = sorted(key for key in equal_before() if now.get(key) is False)
    if lost:
        print(f"Equal by {PAGE.name}, and no longer: {lost}", file=sys.stderr)
        return 1
    if not names:
        PAGE.write_text(page(results, transformers.__version__, TOKENS))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
