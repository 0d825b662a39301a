"""Other threads see nothing of a pass, and a pass sees what its caller set."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as tf
from torch import nn
from torch.overrides import TorchFunctionMode

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.chaos.holding import LONGEST, Gate, Held, gated, held, wrap_activations
from tests.chaos.reads import CALLS, READS, TEXT, cold, differs, numbers
from tests.checkpoints import llama, save

BATCH = torch.tensor([[5, 6, 7, 8, 9], [15, 16, 17, 18, 19], [9, 8, 7, 6, 5]])
Look = Callable[[Any], object]
PASSES = [name for name in CALLS if name != "logits"]  # which runs the head alone
# Of what reads the whole model, a look of a user's own is in the sample.
LONG = {"structure", "token path"}
LOOKED_AT = [pytest.param(n, marks=[pytest.mark.whole] if n in LONG else []) for n in PASSES]
# All of them in the whole; in the sample one that traces and one that generates.
IN_SAMPLE = [
    pytest.param(name, marks=[] if name in ("trace", "generate") else [pytest.mark.whole])
    for name in PASSES
]


class Pass:
    """One call of llmscope, held at one place after another while the test looks at the model."""

    def __init__(self, name: str, tokenizer: Any, family: str = "", *, train: bool = False) -> None:
        own, self.prepare = CALLS[name]
        self._make = tiny.MODELS[family or own]
        self._tokenizer = tokenizer
        self._train = train
        self.true = numbers(self.prepare(Scope(self._make(), tokenizer))())
        with torch.no_grad():
            self.batch = {"": self._make()(input_ids=BATCH).logits.numpy()}

    def everywhere(self, look: Look, after: Look = lambda model: None) -> None:
        """Look at the model while the pass is held, at each layer of each run that it makes."""
        for number in count(1):
            model = self._make().train(self._train)
            gate = gated(model)
            call = self.prepare(Scope(model, self._tokenizer))
            with held(gate, number, call) as running:
                if running.was_held:
                    look(model)
            assert differs(numbers(running.result()), self.true) is None
            if not running.was_held:
                break
            after(model)
        assert number > 1


@pytest.mark.parametrize("name", PASSES)
def test_a_call_of_the_users_own_goes_undisturbed(name: str, tokenizer: Any) -> None:
    """F3: the batch has another shape than what is read, and its attention its own hooks."""
    one = Pass(name, tokenizer)

    def look(model: Any) -> None:
        with torch.no_grad():
            output = model(input_ids=BATCH)
        assert differs({"": output.logits.numpy()}, one.batch) is None

    one.everywhere(look)


@pytest.mark.parametrize("name", IN_SAMPLE)
def test_what_the_user_asks_of_transformers_meanwhile_is_given(name: str, tokenizer: Any) -> None:
    """F4: transformers installs hooks of its own to give hidden states, and counts on them."""

    def look(model: Any) -> None:
        for _ in range(2):
            with torch.no_grad():
                states = model(input_ids=BATCH, output_hidden_states=True).hidden_states
            assert [state.shape for state in states] == [(3, 5, 32)] * 4

    Pass(name, tokenizer).everywhere(look, after=look)


# A difference reads two passes, and refuses the second of a model that has other hooks by then.
@pytest.mark.parametrize("name", [one for one in LOOKED_AT if one.values[0] != "difference"])
def test_hooks_registered_meanwhile_stay(name: str, tokenizer: Any) -> None:
    """F4: of all modules; they are called from then on, and can be removed."""
    called: Counter[str] = Counter()
    handles: list[Any] = []

    def register(model: Any) -> None:
        handles.clear()
        for module in model.modules():
            handles.append(module.register_forward_hook(lambda *_: called.update(["after"])))
            handles.append(module.register_forward_pre_hook(lambda *_: called.update(["before"])))

    def check(model: Any) -> None:
        registered = {handle.id for handle in handles}
        there = [{*m._forward_hooks, *m._forward_pre_hooks} for m in model.modules()]
        assert set().union(*there) == registered
        assert all(len(hooks) == 2 for hooks in there)
        called.clear()
        with torch.no_grad():
            model(input_ids=BATCH)
        assert called["after"] == called["before"] > 10
        for handle in handles:
            handle.remove()
        assert not any({**m._forward_hooks, **m._forward_pre_hooks} for m in model.modules())

    Pass(name, tokenizer).everywhere(register, after=check)


@pytest.mark.parametrize("name", IN_SAMPLE)
def test_hooks_removed_meanwhile_stay_away(name: str, tokenizer: Any) -> None:
    one = Pass(name, tokenizer)
    own_make, handles = one._make, []

    def make() -> Any:
        model: Any = own_make()
        handles[:] = [m.register_forward_hook(lambda *_: None) for m in model.modules()]
        return model

    def remove(_: Any) -> None:
        for handle in handles:
            handle.remove()

    def check(model: Any) -> None:
        assert not any(module._forward_hooks for module in model.modules())

    one._make = make
    one.everywhere(remove, after=check)


@pytest.mark.parametrize("name", [one for one in LOOKED_AT if "own" not in str(one.values[0])])
def test_a_training_loop_elsewhere_stays_in_training_mode(name: str, tokenizer: Any) -> None:
    """F7: and what is read is read in evaluation mode all the same."""

    def look(model: Any) -> None:
        assert {module.training for module in model.modules()} == {True}
        one, other = (model(input_ids=BATCH).logits for _ in range(2))
        assert not torch.equal(one, other), "nothing is dropped"
        assert one.requires_grad

    Pass(name, tokenizer, "gpt2", train=True).everywhere(look, after=look)


@pytest.mark.parametrize("mode", [True, False], ids=["to training", "to evaluation"])
@pytest.mark.parametrize("name", ["trace", "lens attention", "generate"])
def test_a_mode_that_is_switched_meanwhile_stays(name: str, mode: bool, tokenizer: Any) -> None:
    """F7: and acts on what comes after, not on what is being read."""

    def check(model: Any) -> None:
        assert {module.training for module in model.modules()} == {mode}

    one = Pass(name, tokenizer, "gpt2", train=not mode)
    one.everywhere(lambda model: model.train(mode), after=check)


def test_two_readers_of_one_model_wait_for_each_other(tokenizer: Any) -> None:
    model = tiny.MODELS["llama"]()
    gate = gated(model)
    true = cold(model, tokenizer).trace(TEXT).logits
    with held(gate, 2, lambda: Scope(model, tokenizer).trace(TEXT)) as running:
        other = Held(lambda: Scope(model, tokenizer).trace(TEXT))
        time.sleep(0.05)
    for one in (running, other):
        assert differs({"": one.result().logits}, {"": true}) is None


def test_two_threads_read_the_whole_model_each_in_its_turn(tokenizer: Any) -> None:
    reads = [CALLS[name][1] for name in ("structure", "token path")]
    true = [read(Scope(tiny.MODELS["llama"](), tokenizer))() for read in reads]
    model = tiny.MODELS["llama"]()
    gate = gated(model)
    call = reads[0](Scope(model, tokenizer))
    with held(gate, 2, call) as running:
        assert running.was_held
        other = Held(lambda: reads[1](Scope(model, tokenizer))())
        time.sleep(0.05)
    for one, wanted in zip((running, other), true, strict=True):
        assert differs(one.result(), wanted) is None


@pytest.mark.whole
@pytest.mark.parametrize("read", ["lens attention", "lens mlp", "hidden", "steps"])
def test_reads_beside_generate_are_never_refused(
    read: str, tokenizer: Any, request: pytest.FixtureRequest, counts: Counter[str]
) -> None:
    """F3: a lens is computed while a cell writes three sequences behind the same prompt."""
    model: Any = tiny.MODELS["llama"]()
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    settings = {"max_new_tokens": 8, "do_sample": True, "num_return_sequences": 3}
    true = READS[read](cold(tiny.MODELS["llama"](), tokenizer).trace(TEXT))
    end = threading.Event()

    def write() -> int:
        done = 0
        while not end.is_set():
            model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **settings)
            done += 1
        return done

    seconds = 60 * request.config.getoption("--minutes") / 8 or 1.0
    stop = time.monotonic() + seconds
    writing = Held(write)
    refused: list[str] = []
    rounds = 0
    while time.monotonic() < stop or rounds < 10:
        rounds += 1
        try:
            reason = differs(READS[read](cold(model, tokenizer).trace(TEXT)), true)
            refused += [reason] if reason is not None else []
        except Exception as error:
            refused.append(repr(error))
    end.set()
    counts[f"{read} beside generate"] += rounds
    counts[f"{read} beside generate: refused or wrong"] += len(refused)
    assert writing.result() > 0
    assert not refused, Counter(refused).most_common(3)


# ── locks ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("as_what", "look"), [("logits_processor", "stepper"), ("stopping_criteria", "trace")]
)
def test_a_processor_may_look_at_the_view(as_what: str, look: str, tokenizer: Any) -> None:
    """F10: another thread begins a text in the view while the run's own code looks at it."""
    scope = Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")
    view = llmscope.GenerationView(scope, TEXT, seed=3, max_new_tokens=6)
    view.stepper  # noqa: B018
    inside, begun = threading.Event(), threading.Event()
    seen = []

    def processor(ids: Any, scores: Any) -> Any:
        inside.set()
        assert begun.wait(LONGEST)
        time.sleep(0.2)  # until the other thread waits for the model
        seen.append(getattr(view, look))
        return scores if as_what == "logits_processor" else torch.zeros(len(ids)).bool()

    def begin() -> None:
        assert inside.wait(LONGEST)
        view.text = TEXT[:20]
        begun.set()
        view.stepper  # noqa: B018

    writing = Held(lambda: scope.generate(TEXT, max_new_tokens=1, **{as_what: [processor]}))
    beginning = Held(begin)
    assert writing.ended.wait(4), "a deadlock"
    writing.result()
    beginning.result()
    assert seen
    view.close()


def test_another_thread_may_run_the_model_from_a_processor(tokenizer: Any) -> None:
    """A run's own code may trace with the model that writes, in its own thread."""
    scope = Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")
    true = cold(tiny.MODELS["llama"](), tokenizer).trace(TEXT).logits
    seen = []

    def processor(ids: Any, scores: Any) -> Any:
        seen.append(scope.trace(TEXT).logits)
        return scores

    Held(lambda: scope.generate("A dog", max_new_tokens=2, logits_processor=[processor])).result()
    assert [differs({"": logits}, {"": true}) for logits in seen] == [None, None]


# ── what the caller set ──────────────────────────────────────────────────────────────────────

_marked: contextvars.ContextVar[str] = contextvars.ContextVar("marked", default="no")


class _Probe(nn.Module):
    """A module of the user's own, which notes what is in force where it is called."""

    def __init__(self, inside: nn.Module, found: list[dict[str, Any]]) -> None:
        super().__init__()
        self.inside = inside
        self.found = found

    def forward(self, x: Any) -> Any:
        self.found.append(_state())
        return self.inside(x)


class _Mode(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def _state() -> dict[str, Any]:
    return {
        "autocast": torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu"),
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "context variable": _marked.get(),
        "inference mode": torch.is_inference_mode_enabled(),
        "modes of one's own": any(
            isinstance(mode, _Mode) for mode in torch.overrides._get_current_function_mode_stack()
        ),
        "flash attention": torch.backends.cuda.flash_sdp_enabled(),
        "anomalies": torch.is_anomaly_enabled(),
    }


class _Marked:
    def __enter__(self) -> None:
        self._token = _marked.set("yes")

    def __exit__(self, *_: object) -> None:
        _marked.reset(self._token)


class _Dtype:
    def __enter__(self) -> None:
        torch.set_default_dtype(torch.float64)

    def __exit__(self, *_: object) -> None:
        torch.set_default_dtype(torch.float32)


SET: dict[str, Callable[[], Any]] = {
    "nothing": lambda: torch.no_grad(),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default dtype": _Dtype,
    "default device": lambda: torch.device("cpu"),
    "context variable": _Marked,
    "inference mode": torch.inference_mode,
    "modes of one's own": _Mode,
    "flash attention": lambda: torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
}


@pytest.mark.parametrize("name", IN_SAMPLE)
@pytest.mark.parametrize("what", SET)
def test_what_the_caller_set_is_in_force(what: str, name: str, tokenizer: Any) -> None:
    family, prepare = CALLS[name]
    model = tiny.MODELS[family]()
    found: list[dict[str, Any]] = []
    wrap_activations(model, lambda inside: _Probe(inside, found))
    with SET[what]():
        call = prepare(Scope(model, tokenizer))
        found.clear()
        expected = _state()
        call()
    assert found
    assert all(state == expected for state in found), (found[0], expected)


def test_numbers_under_autocast_are_the_models_own(tokenizer: Any) -> None:
    model = tiny.MODELS["llama"]()
    with torch.autocast("cpu", torch.bfloat16):
        trace = cold(model, tokenizer).trace(TEXT)
        logits = trace.logits
        with torch.no_grad():
            true = model(input_ids=torch.tensor([trace.ids])).logits[0].float().numpy()
    plain = cold(model, tokenizer).trace(TEXT).logits
    assert differs({"": logits}, {"": true}, 2.0**-8 / 16) is None
    assert differs({"": plain}, {"": true}) is not None


# ── loading ──────────────────────────────────────────────────────────────────────────────────


def test_loading_leaves_other_threads_their_dtype(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F20: while a bfloat16 model is loaded, `torch.ones(1)` in a cell is float32."""
    folder = save(tmp_path / "half", tf.LlamaForCausalLM(llama()).bfloat16())
    gate = Gate()
    own = tf.LlamaForCausalLM.__init__

    def held_init(self: Any, *args: Any, **kwargs: Any) -> None:
        gate.passed()
        own(self, *args, **kwargs)

    monkeypatch.setattr(tf.LlamaForCausalLM, "__init__", held_init)
    with held(gate, 1, lambda: llmscope.load(folder, dtype="bfloat16")) as running:
        assert running.was_held
        dtype = torch.ones(1).dtype
    assert running.result().facts.dtype == "bfloat16"
    assert dtype == torch.float32
