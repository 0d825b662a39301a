"""Make any configuration of transformers tiny, from what the configuration itself publishes."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from transformers import PreTrainedConfig

WIDTH = 64
LAYERS = 4
SPECIAL = 300  # the first id of tokens that no text has
# Sizes by the first pattern that is found in a field's name; a smaller default stays.
# What no pattern names is left alone up to WIDTH, and is WIDTH where it was more.
SIZES = [
    (r"(kv|key_value)_heads|query_groups|num_key_heads|n_group|expert_group", 2),
    (r"heads?$|n_head", 4),
    (r"kv_shared|nextn|dense_replace|dense_layers|_offset|right_context", 1),
    (r"layers?$|num_blocks$", LAYERS),
    (r"period|interval|every|pattern$|_step$", 2),
    (r"head_?dim|head_size|d_kv|d_head|dim_head|kv_channels|rotary_dim|rank$", 16),
    (r"position|max_seq|n_ctx|context_length|max_length|model_max", 128),
    (r"window|chunk|radius|block_size|local_attention|topk$|landmarks|segment_means|budget", 8),
    (r"experts?$|expert_num", 4),
    (r"per_tok|top_?k|moe_k", 2),
]
VOCABULARY = r"vocab_size|entity_vocab"
NOT_A_SIZE = r"_id$|_index$|_idx$|^seed$|pad_to|floor|multiple"
# Fields that some classes leave empty and that a model can't do without.
NEEDED = ("head_dim", "num_key_value_heads", "vocab_size", "n_routed_experts")
NEEDED += ("num_experts_per_tok", "n_shared_experts")

_HALF: dict[str, Any] = {"layer_types": ["linear_attention", "full_attention"] * 2}
# What the general rules can't know, by model type.
GIVEN: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [1, 3]},
    "big_bird": {"num_random_blocks": 1},
    "bigbird_pegasus": {"num_random_blocks": 1},
    "blt": {"patching_mode": "static", "patch_size": 4},
    "cohere_compass_text": {
        "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e4}}
    },
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8.0}},
    "dots3_note_text": {
        "swa_num_attention_heads": 8,
        "swa_num_key_value_heads": 8,
        "swa_q_lora_rank": 16,
        "swa_kv_lora_rank": 16,
        "swa_head_dim": 32,
        "swa_qk_nope_head_dim": 16,
        "swa_v_head_dim": 16,
    },
    "esm": {"pad_token_id": 1},
    "gemma4_text": {"global_head_dim": 32},
    "gemma4_unified_text": {"global_head_dim": 32},
    "gpt_neo": {"attention_types": [[["global", "local"], 2]]},
    "granitemoehybrid": _HALF,
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"head_dim": 32},
    "minimax_m3_vl_text": {"layer_types": ["full_attention", "minimax_m3_sparse"] * 2},
    "nystromformer": {"conv_kernel_size": 9},
    "qwen4_exp_text": {
        "indexer_n_heads": 4,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 8,
        "indexer_compress_ratio": 4,
    },
    "reformer": {"axial_pos_shape": (8, 16), "axial_pos_embds_dim": (16, 48), "hash_seed": 0},
    "vibevoice_acoustic_tokenizer_encoder": {"num_filters": 1},
    "vibevoice_asr": {"acoustic_tokenizer_chunk_size": 1440000},
    "xlstm": {"qk_dim_factor": 1.0},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"layers_block_type": ["linear_attention", "hybrid"] * 2},
}


def shrunk(config: PreTrainedConfig, vocabulary: int, **given: Any) -> PreTrainedConfig:
    """Give a tiny configuration of the same class; `given` fields are taken as they are."""
    common = {field.name for field in fields(PreTrainedConfig) if not field.name.endswith("_id")}
    defaults = {f.name: f.default for f in fields(type(config)) if f.name not in common}
    changed: dict[str, Any] = {}
    for name, default in defaults.items():
        value = vars(config).get(name)
        if isinstance(value, PreTrainedConfig):
            changed[name] = shrunk(value, vocabulary)
        elif value is None and name in NEEDED:
            changed[name] = _size(name, 1 << 20, vocabulary)
        elif isinstance(default, int) and not isinstance(default, bool):
            changed[name] = _size(name, default, vocabulary)
    names = config.attribute_map
    heads, shared = (names.get(n, n) for n in ("num_attention_heads", "num_key_value_heads"))
    if shared in changed and defaults.get(shared) in (None, defaults.get(heads)):
        changed[shared] = changed[heads]
    changed |= _layers(config, defaults)
    return type(config)(**changed | GIVEN.get(config.model_type, {}) | given)


def _size(name: str, value: int, vocabulary: int) -> int:
    if re.search(NOT_A_SIZE, name):
        return value if value < SPECIAL else SPECIAL + value % (vocabulary - SPECIAL)
    if re.search(VOCABULARY, name):
        return vocabulary
    return min(value, next((size for pattern, size in SIZES if re.search(pattern, name)), WIDTH))


def _layers(config: PreTrainedConfig, names: dict[str, Any]) -> dict[str, Any]:
    """Keep of each list with an entry for every layer one layer of every kind, four at least."""
    count = getattr(config, "num_hidden_layers", None)
    lists = {name: vars(config).get(name) for name in names}
    lists = {n: v for n, v in lists.items() if _is_per_layer(v, count)}
    if not lists:
        return {}
    rows = list(zip(*lists.values(), strict=True))
    kept = {rows.index(row) for row in rows}
    kept |= set([i for i in range(len(rows)) if i not in kept][: max(0, LAYERS - len(kept))])
    depth = config.attribute_map.get("num_hidden_layers", "num_hidden_layers")
    return {depth: len(kept)} | {n: [v[i] for i in sorted(kept)] for n, v in lists.items()}


def _is_per_layer(value: Any, count: int) -> bool:
    """Whether a field has an entry for each layer, and isn't a list of layers."""
    is_list = isinstance(value, (list, tuple)) and len(value) == count
    return is_list and not all(isinstance(item, int) and item == i for i, item in enumerate(value))
