"""The numbers of one token, held to what plain hooks see of the same model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.scope import Scope
from llmscope.trace import Trace
from tests import tiny
from tests.closeness import assert_close, assert_probabilities_close

AT = 4  # the token
MORE = {
    "mixtral": lambda: tf.MixtralForCausalLM(
        tf.MixtralConfig(**_GROUPED, num_local_experts=4, num_experts_per_tok=2)
    ),
    "jamba": lambda: tf.JambaForCausalLM(
        tf.JambaConfig(
            **_GROUPED | {"num_hidden_layers": 4},
            attn_layer_period=2,
            attn_layer_offset=1,
            expert_layer_period=2,
            expert_layer_offset=1,
            num_experts=4,
            use_mamba_kernels=False,
            mamba_dt_rank=4,
        )
    ),
    "neox": lambda: tf.GPTNeoXForCausalLM(tf.GPTNeoXConfig(**_COMMON)),
    "olmo2": lambda: tf.Olmo2ForCausalLM(tf.Olmo2Config(**_GROUPED)),
}
_COMMON = tiny._COMMON
_GROUPED = {name: item for name, item in tiny._GROUPED.items() if name != "head_dim"}
MODELS = ["gpt2", "llama", "gemma2", "gpt_oss", "bert", "t5", "mamba", "bloom", *MORE]


def model_of(name: str) -> Any:
    if name not in MORE:
        return tiny.MODELS[name]()
    return tiny._random(MORE[name])()


def traced(name: str) -> tuple[Any, Trace]:
    model = model_of(name)
    scope = Scope(model, tiny.byte_level())
    target = "The dog" if model.config.is_encoder_decoder else None
    return model, scope.trace(tiny.TEXT, target=target)


@contextmanager
def seen(model: Any) -> Iterator[dict[tuple[str, str], torch.Tensor]]:
    """See what all modules are given and return, by plain hooks."""
    found: dict[tuple[str, str], torch.Tensor] = {}
    handles = []

    def first(items: Any) -> torch.Tensor | None:
        for item in items:
            inner = item if isinstance(item, tuple) else (item,)
            for one in inner:
                if isinstance(one, torch.Tensor) and one.is_floating_point():
                    return one.clone()
        return None

    def hook(path: str) -> Any:
        def note(_: Any, args: Any, kwargs: Any, output: Any) -> None:
            given, made = first([*args, *kwargs.values()]), first([output])
            if given is not None:
                found[path, "given"] = given
            if made is not None:
                found[path, "made"] = made

        return note

    for path, module in model.named_modules():
        handles.append(module.register_forward_hook(hook(path), with_kwargs=True))
    yield found
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize("name", MODELS)
def test_vectors_are_those_of_the_modules(name: str) -> None:
    model, trace = traced(name)
    structure = trace.structure
    assert structure.is_whole
    with seen(model) as found, torch.no_grad():
        inputs = trace.recording.inputs
        model(**inputs, use_cache=False)
    for tower in structure.towers:
        path = trace.token_path(AT, tower.tower)
        for run in tower.runs:
            own, root = path.block(run.first), run.paths[0]
            assert path.error(run.first) < 1e-5
            ends = [found[root, "given"], found[root, "made"]]
            for at, end in zip(("stream.0", f"stream.{len(run.stages)}"), ends, strict=True):
                assert_close(own[at], row(end, len(own[at])), what=at)
            for box in run.boxes():
                # Heads give what W_O is given.
                what = "given" if box.kind == "heads" else "made"
                inner = box.path if box.kind != "heads" else output_of(run, box)
                last = f"{root}.{str(inner).split(' … ')[-1]}"
                expected = row(found[last, what], len(own[box.id]))
                assert_close(own[box.id], expected, what=f"{name} {box.id}")


def output_of(run: Any, heads: Any) -> str:
    boxes = [*run.boxes()]
    return str(boxes[boxes.index(heads) + 1].path)


def row(tensor: torch.Tensor, width: int) -> np.ndarray[Any, Any]:
    return tensor.reshape(-1, width)[AT].numpy()


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "bloom"])
def test_neurons_add_up_to_what_the_mlp_gives(name: str) -> None:
    model, trace = traced(name)
    path = trace.token_path(AT)
    found, own = path.box("block.1.mlp"), path.block(1)
    run = trace.structure.towers[0].runs[0]
    last = next(box for box in run.boxes() if box.id == "mlp")
    linear = [m for m in model.get_submodule(run.paths[1]).modules() if hasattr(m, "weight")]
    down = [m for m in linear if tuple(m.weight.shape) in {one for _, one in last.shapes[-2:]}][-1]
    weight = down.weight.detach().numpy()
    weight = weight if type(down).__name__ != "Conv1D" else weight.T
    bias = 0 if getattr(down, "bias", None) is None else down.bias.detach().numpy()
    activations = own["mlp.neurons"]
    assert_close(weight @ activations + bias, own["mlp"], what="the down projection")
    neurons = found["neurons"]
    most = np.argsort(-np.abs(activations))[: len(neurons["index"])]
    assert neurons["index"].tolist() == most.tolist()
    assert_close(neurons["activation"], activations[most])
    assert neurons["gate"] is not None
    if name in ("llama", "gemma2"):
        act = {"llama": torch.nn.functional.silu, "gemma2": _gelu}[name]
        made = act(torch.from_numpy(neurons["gate"])).numpy() * neurons["up"]
        assert_close(made, neurons["activation"])


def _gelu(one: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.gelu(one, approximate="tanh")


@pytest.mark.parametrize("name", ["gpt2", "llama", "cohere"])
def test_gains_are_the_change_of_the_logits(name: str) -> None:
    """In the last block, with the final norm's statistics held: what the MLP adds, taken away."""
    model, trace = traced(name)
    path = trace.token_path(AT)
    found = path.box("block.2.mlp")
    final = dict(path.after())["final_norm"]
    stream, added = path.block(2)[f"stream.{len(trace.structure.towers[0].runs[0].stages)}"], None
    added = path.block(2)["mlp"]
    norm = trace.structure.towers[0].after[0]
    module = model.get_submodule(norm.path)
    x = torch.from_numpy(stream.astype(np.float64))
    mean = x.mean() if norm.facts["how"] == "layer" else 0
    size = ((x - mean).square().mean() + norm.facts["epsilon"]).sqrt()
    scale = module.weight.double() / size
    part = torch.from_numpy(added.astype(np.float64))
    part = part - part.mean() if norm.facts["how"] == "layer" else part
    head = model.get_output_embeddings().weight.double()
    gains = (head @ (part * scale)).detach().numpy() * getattr(model.config, "logit_scale", 1)
    assert_close(found["top"]["gains"], np.sort(gains)[::-1][:5], size=np.abs(gains).max())
    assert_close(found["bottom"]["gains"], np.sort(gains)[:5], size=np.abs(gains).max())
    assert len(final) == len(stream)


@pytest.mark.parametrize("name", ["llama", "gemma2", "gptj", "neox", "cohere"])
def test_pairs_are_turned_by_the_angle(name: str) -> None:
    model, trace = traced(name)
    for position in (AT, 0):
        found = trace.token_path(position).box("block.1.rotary", head=1)
        query, key, _ = trace.qkv(1, 1)
        angles = found["angles"].astype(np.float64)
        assert_close(angles, found["frequencies"].astype(np.float64) * position)
        turn = np.exp(1j * angles) * found["scaling"]
        for side, whole in (("query", query), ("key", key)):
            before, after = (found[side][when].astype(np.float64) for when in ("before", "after"))
            made = (before[:, 0] + 1j * before[:, 1]) * turn
            assert_close(np.stack([made.real, made.imag], -1), after, size=np.abs(after).max())
            n = found["rotated"]
            own = whole[position][:n]
            own = own.reshape(2, -1).T if found["layout"] == "halves" else own.reshape(-1, 2)
            assert_close(after, own)
    assert trace.structure.towers[0].positions[0].how == "rotary"
    assert model.config is not None


def test_biases_are_those_of_the_model() -> None:
    model, trace = traced("t5")
    found = trace.token_path(AT, "encoder").box("encoder.block.1.relative", head=2)
    attention = model.encoder.block[0].layer[0].SelfAttention
    count = len(trace.source_tokens)
    bias = attention.compute_bias(count, count)[0, 2, AT].detach().numpy()
    assert_close(found["bias"], bias)
    assert_close(found["table"][found["buckets"], 2], bias)
    model, trace = traced("bloom")
    found = trace.token_path(AT).box("block.0.alibi", head=1)
    assert_close(found["bias"], found["slopes"][1] * found["distances"])
    assert found["slopes"].tolist() == [2**-2, 2**-4, 2**-6, 2**-8]


def test_a_norm_is_what_its_statistics_make() -> None:
    _, trace = traced("bert")
    found = trace.token_path(AT).box("block.1.norm2")
    before = found["before"].astype(np.float64)
    assert_close(found["mean"], before.mean(), size=np.abs(before).max())
    assert_close(found["variance"], before.var())
    made = (before - before.mean()) / np.sqrt(before.var() + found["epsilon"])
    assert_close(found["normalised"], made)
    assert_close(found["normalised"] * found["weight"] + found["bias"], found["after"])


def test_an_embedding_is_near_others() -> None:
    model, trace = traced("llama")
    found = trace.token_path(AT).box("embedding")
    table = model.get_input_embeddings().weight.detach().double().numpy()
    own = table[trace.ids[AT]]
    sizes = np.maximum(np.linalg.norm(table, axis=1), 1e-12) * np.linalg.norm(own)
    cosines = table @ own / sizes
    order = [one for one in np.argsort(-cosines) if one != trace.ids[AT]][:10]
    assert found["ids"].tolist() == order
    assert_close(found["cosines"], cosines[order], size=1)


@pytest.mark.parametrize("name", ["mixtral", "gpt_oss", "jamba"])
def test_a_router_chooses_as_the_model_does(name: str) -> None:
    _, trace = traced(name)
    structure, path = trace.structure, trace.token_path(AT)
    runs = [run for run in structure.towers[0].runs if any(b.kind == "moe" for b in run.boxes())]
    found = path.box(f"block.{runs[0].first}.moe")
    assert len(found["probabilities"]) == 4
    assert_probabilities_close(found["probabilities"].sum(), 1)
    if name == "mixtral":
        own = np.sort(found["probabilities"])[::-1][:2]
        assert_close(found["weights"], own / own.sum())
    assert set(found["chosen"].tolist()) <= {0, 1, 2, 3}


def test_one_number_is_followed_through_all_blocks() -> None:
    _, trace = traced("llama")
    path = trace.token_path(AT)
    followed, lengths = path.component(7), path.lengths()
    for number in range(3):
        own = [vector for name, vector in path.block(number).items() if name.startswith("stream")]
        assert [float(one[7]) for one in own] == followed[number]
        assert_close(lengths[number], [np.linalg.norm(one) for one in own])
    assert [end[-1] for end in followed[:-1]] == [begin[0] for begin in followed[1:]]


def test_what_is_not_there_is_refused_in_words() -> None:
    _, trace = traced("llama")
    path = trace.token_path()
    with pytest.raises(ValueError, match="no tower 'encoder'"):
        trace.token_path(0, "encoder")
    with pytest.raises(IndexError, match="no position 99"):
        trace.token_path(99)
    with pytest.raises(IndexError, match="no block 3"):
        path.block(3)
    with pytest.raises(ValueError, match=r"no box 'block\.0\.moe'; there are norm1"):
        path.box("block.0.moe")
    with pytest.raises(IndexError, match="no head 4"):
        path.box("block.0.rotary", head=4)


def test_under_edits_the_numbers_are_those_of_the_edited_pass() -> None:
    import llmscope

    model, _ = traced("llama")
    scope = Scope(model, tiny.byte_level())
    trace = scope.trace(tiny.TEXT, edits=[llmscope.ablate(head=(1, 2))])
    own = trace.token_path(AT).block(1)
    heads = own["heads"].reshape(4, -1)
    assert not heads[2].any()
    assert heads[1].any()
    assert trace.untouched.token_path(AT).block(1)["heads"].reshape(4, -1)[2].any()


def test_a_changed_model_is_refused() -> None:
    model, trace = traced("llama")
    assert trace.token_path(AT).block(0)
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight.mul_(2)
    with pytest.raises(RuntimeError):
        trace.token_path(AT)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
