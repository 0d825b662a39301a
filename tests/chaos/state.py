"""What a pass has to leave as it found it, whatever happens to it."""

from __future__ import annotations

import sys
import time
from typing import Any

import torch
from torch import nn

_INTERFACE = "ALL_ATTENTION_FUNCTIONS"
_HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)
SETTLED = 20.0  # seconds after which nothing may be left: a busy machine needs some


class Snapshot:
    """State of a model, of this thread and of transformers, to be compared with later."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._before = self._now()

    def differences(self) -> list[str]:
        """Name what is not as it was, once it had the time to settle."""
        end = time.monotonic() + SETTLED
        while True:
            now = self._now()
            found = [name for name, item in self._before.items() if now.get(name) != item]
            found += [name for name in now.keys() - self._before.keys()]
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.02)

    def _now(self) -> dict[str, Any]:
        found: dict[str, Any] = thread_state()
        for name, module in sys.modules.copy().items():
            if name.startswith("transformers.") and _INTERFACE in getattr(module, "__dict__", ()):
                found[f"{_INTERFACE} of {name}"] = id(vars(module)[_INTERFACE])
        for name, module in self._model.named_modules():
            found[f"mode of {name}"] = module.training
            found[f"type of {name}"] = type(module)
            found[f"attributes of {name}"] = frozenset(vars(module))
            for hooks in _HOOKS:
                found[f"{hooks} of {name}"] = tuple(vars(module)[hooks].items())
        found["configuration"] = repr(self._model.config)
        found["attention"] = self._model.config._attn_implementation
        return found


def thread_state() -> dict[str, Any]:
    """State that PyTorch and Python keep for this thread, or for all."""
    return {
        "gradients": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "function modes": torch._C._len_torch_function_stack(),
        "dispatch modes": torch._C._len_torch_dispatch_stack(),
        "default dtype": torch.get_default_dtype(),
        "profile": sys.getprofile(),
        "random state": hash(bytes(torch.random.get_rng_state().numpy())),
    }


def mend_thread() -> None:
    """Put right what a failed test left in this thread, for the tests after it."""
    from torch.overrides import _pop_mode

    torch.set_grad_enabled(True)
    while torch._C._len_torch_function_stack():
        _pop_mode()
    sys.setprofile(None)
