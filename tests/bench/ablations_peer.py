"""The part of `ablations` that runs with TransformerLens, in its environment."""

from __future__ import annotations

import json
import sys
import time

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoTokenizer


def main(folder: str, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = TransformerBridge.boot_transformers(folder, device="cpu", dtype=torch.float32)
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    mary, john = (tokenizer(word)["input_ids"][0] for word in (" Mary", " John"))
    layers, heads = model.cfg.n_layers, model.cfg.n_heads

    def measure(hooks):
        logits = model.run_with_hooks(ids, fwd_hooks=hooks)[0, -1]
        return float(logits[mary] - logits[john])

    with torch.no_grad():
        measure([])
        start = time.perf_counter()
        whole = measure([])
        effects = torch.zeros(layers, heads)
        for layer in range(layers):
            for head in range(heads):

                def off(given, hook, head=head):
                    apart = given.reshape(*given.shape[:2], heads, -1).clone()
                    apart[:, :, head] = 0
                    return apart.reshape(given.shape)

                name = f"blocks.{layer}.attn.o.hook_in"
                effects[layer, head] = whole - measure([(name, off)])
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "effects": effects.tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
