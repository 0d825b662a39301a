"""Where parts of a model are, by the names of its modules: found without llmscope."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

_INTERFACE = "ALL_ATTENTION_FUNCTIONS"
_LISTS = r"(^|[._])(h|layers?|blocks?|groups)$"
_ATTENTION = r"(?i)att|mixer|temporal_block"
_CROSS = r"cross|encoder_attn|EncDec"
_W_O = (
    r"(^|\.)(o_proj|o_b_proj|out_proj|c_proj|dense|[wW]o|o|out_lin|attention_out|output|"
    r"o_proj\.linear)$"
)
_MLP = r"(^|[._])(mlp|feed_?forward|ffn?|moe|block_sparse_moe|DenseReluDense|fc2|channel_mixer)$"
_MLP_ENDS = (
    r"(^|\.)(fc2|output\.dense|down_proj|c_proj|[wW]o|w2|dense_4h_to_h|layer_2|lin2|fc_out|"
    r"ffn_layernorm)$"
)
_BEHIND_MLP = r"post_(feed_?forward|mlp|ffn?)_?(layer)?_?norm|(mlp|ffn?|feedforward)_?post|post_moe"
_BEHIND_ATTENTION = r"post_(self_)?att(entio)?n_?(layer)?_?norm|att(entio)?n_?post"

Edited = Callable[[torch.Tensor], torch.Tensor]


class Hook(NamedTuple):
    """A module, in one of its calls in a pass, and what is done to its input or its output."""

    path: str
    change: Edited
    before: bool = False
    turn: int | None = None


class Place(NamedTuple):
    """A block: a module, in one of its calls."""

    path: str
    turn: int


def with_first(output: Any, change: Edited) -> Any:
    if isinstance(output, (tuple, list)):
        return type(output)([with_first(output[0], change), *output[1:]])
    return change(output)


@contextmanager
def hooked(model: nn.Module, hooks: Sequence[Hook]) -> Iterator[None]:
    """Run a model under plain hooks of PyTorch."""
    with ExitStack() as stack:
        for hook in hooks:
            module, count = model.get_submodule(hook.path), [0]

            def is_on(hook: Hook = hook, count: list[int] = count) -> bool:
                count[0] += 1
                return hook.turn is None or hook.turn == count[0] - 1

            def begin(_: Any, args: Any, kwargs: Any, hook: Hook = hook, is_on: Any = is_on) -> Any:
                if not is_on():
                    return None
                if args:
                    return (with_first(args[0], hook.change), *args[1:]), kwargs
                name = next(iter(kwargs))
                return args, {**kwargs, name: hook.change(kwargs[name])}

            def end(_: Any, __: Any, output: Any, hook: Hook = hook, is_on: Any = is_on) -> Any:
                return with_first(output, hook.change) if is_on() else None

            handle = (
                module.register_forward_pre_hook(begin, with_kwargs=True)
                if hook.before
                else module.register_forward_hook(end)
            )
            stack.callback(handle.remove)
        yield


@contextmanager
def at_functions(
    model: nn.Module, path: str, turn: int, head: int, change: Edited
) -> Iterator[None]:
    """Change what attention functions return for a head, in one of a module's calls of them."""
    caller = model.get_submodule(path)
    asked: list[torch.Tensor] = []  # by one query, DiffLlama mixes two sets of values

    class Interface:
        def __init__(self, own: Any) -> None:
            self.own = own

        def get_interface(self, name: str, default: Any) -> Any:
            function = self.own.get_interface(name, default)

            def call(module: Any, query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
                output = function(module, query, *args, **kwargs)
                if module is not caller:
                    return output
                if not asked or asked[-1] is not query:
                    asked.append(query)
                if len(asked) - 1 != turn:
                    return output
                made = output[0].clone()  # (batch, positions, heads, size)
                made[:, :, head] = change(made[:, :, head])
                return (made, *output[1:])

            return call

    with pytest.MonkeyPatch.context() as patch:
        for name in {type(module).__module__ for module in model.modules()}:
            own = getattr(sys.modules[name], _INTERFACE, None)
            if own is not None:
                patch.setattr(sys.modules[name], _INTERFACE, Interface(own))
        yield


def blocks_of(model: Any, inputs: dict[str, Any], side: str) -> list[Place]:
    """Return the blocks in the order in which they run: modules in lists of layers."""
    lists = {n: m for n, m in model.named_modules() if isinstance(m, nn.ModuleList)}
    lists = {n: m for n, m in lists.items() if re.search(_LISTS, n)}
    outer = {n for n in lists if not any(n.startswith(f"{o}.") for o in lists)}
    if model.config.is_encoder_decoder:
        stack = model.get_encoder() if side == "encoder" else model.get_decoder()
        root = next(n for n, m in model.named_modules() if m is stack)
        outer = {n for n in outer if n.startswith(f"{root}.")}
    seen: list[str] = []
    paths = {f"{n}.{m}" for n in outer for m, _ in lists[n].named_children()}
    hooks = [Hook(path, _noting(seen, path), before=True) for path in sorted(paths)]
    with hooked(model, hooks), torch.no_grad():
        model(**inputs, use_cache=False)
    return [Place(path, seen[:n].count(path)) for n, path in enumerate(seen)]


def _noting(seen: list[str], path: str) -> Edited:
    def note(given: torch.Tensor) -> torch.Tensor:
        seen.append(path)
        return given

    return note


def projection_of(model: nn.Module, block: Place, cross: bool) -> str | None:
    """Return the path of W_O in a block."""
    found = []
    for name, module in _inside(model, block):
        above, _, _ = name.rpartition(".")
        is_linear = getattr(module, "weight", None) is not None and module.weight.ndim == 2
        is_one = re.search(_W_O, name) and re.search(_ATTENTION, above)
        is_other = re.search(_MLP, above) or "bottleneck" in name
        crosses = bool(re.search(_CROSS, above))
        if is_linear and is_one and not is_other and crosses == cross:
            found.append(f"{block.path}.{name}")
    return found[-1] if found else None


def ends_of(model: nn.Module, block: Place, part: str) -> list[str]:
    """Return paths of modules whose output may be all that a part adds, the likeliest first."""
    norms, own, last = [], [], []
    for name, module in _inside(model, block):
        path = f"{block.path}.{name}"
        if part == "mlp":
            if re.search(_BEHIND_MLP, name):
                norms.append(path)
            elif re.search(_MLP, name) and not re.search(_ATTENTION, name):
                own.append(path)
            elif re.search(_MLP_ENDS, name) and not re.search(_ATTENTION, name):
                last.append(path)
        else:
            crosses = bool(re.search(_CROSS, name))
            if part == "attention" and re.search(_BEHIND_ATTENTION, name):
                norms.append(path)
            elif re.search(_ATTENTION, name) and crosses == (part == "cross"):
                is_module = any(True for _ in module.children()) and "norm" not in name
                if is_module and name.count(".") < 2:
                    own.append(path)
                elif re.search(_W_O, name):
                    last.append(path)
    return [*norms, *own, *last[::-1]]


def _inside(model: nn.Module, block: Place) -> Iterator[tuple[str, Any]]:
    module = model.get_submodule(block.path)
    yield from ((name, item) for name, item in module.named_modules() if name)
