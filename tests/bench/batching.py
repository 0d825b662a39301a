"""What batching would give a server: texts of several people in one forward, on SmolLM2.

``python -m tests.bench.batching`` prints a table: one forward for each text against one for all,
in turns, and whether each text's logits are the same bits. Texts are of one length, so that nothing
is padded, which is the best that batching can do; a keystroke is one token behind cached ones.
"""

from __future__ import annotations

import torch

from llmscope.capture.prefix_cache import cropped
from tests.bench.table import interleaved, show

SIZES = [(2, 16), (8, 16), (2, 64), (8, 64)]  # texts, tokens


def measure(model, texts: int, tokens: int, is_keystroke: bool) -> list[str]:
    """Return a row of the table."""
    generator = torch.Generator().manual_seed(texts * tokens)
    ids = torch.randint(1000, 40_000, (texts, tokens), generator=generator)

    def cached(rows: torch.Tensor):
        return model(rows[:, :-1], use_cache=True).past_key_values if is_keystroke else None

    caches = [cached(ids[row : row + 1]) for row in range(texts)]
    whole = cached(ids)

    def forward(rows: torch.Tensor, cache) -> torch.Tensor:
        if cache is None:
            return model(rows, use_cache=False, logits_to_keep=1).logits
        return model(rows[:, -1:], past_key_values=cropped(cache, tokens - 1)).logits

    def apart() -> torch.Tensor:
        return torch.cat([forward(ids[row : row + 1], caches[row]) for row in range(texts)])

    def together() -> torch.Tensor:
        return forward(ids, whole)

    single, batched = (1000 * seconds for seconds in interleaved([apart, together]))
    one, other = apart(), together()
    differ = (one != other).float().mean().item()
    largest = ((one - other).abs().max() / one.abs().max()).item()
    return [
        "one more token" if is_keystroke else "whole",
        *(str(texts), str(tokens), f"{single:.0f}", f"{batched:.0f}", f"{batched / single:.2f}"),
        f"{100 * differ:.0f} %",
        f"{largest:.1e}",
    ]


def main() -> None:
    import llmscope

    model = llmscope.load(progress=lambda *_: None).model
    heads = ["forward", "texts", "tokens", "apart ms", "together ms", "ratio", "differ", "by"]
    with torch.inference_mode():
        rows = [
            measure(model, texts, tokens, is_keystroke)
            for is_keystroke in (True, False)
            for texts, tokens in SIZES
        ]
    show("Forwards of several texts, apart and together", heads, rows)


if __name__ == "__main__":
    main()
