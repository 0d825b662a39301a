"""A loaded model with its tokenizer: the place from which everything else is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmscope.capture import Capture
from llmscope.capture.head import fills_gaps, permutes
from llmscope.capture.runner import lock_of
from llmscope.capture.wrappers import devices, main_device, unwrapped
from llmscope.text import Token, chat, clean, from_ids, tokenize, tokenize_target
from llmscope.trace import Trace

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from llmscope.generation.run import Run
    from llmscope.views.explorer import Explorer

    Text = str | Sequence[int] | Sequence[dict[str, str]] | torch.Tensor

# Where an encoder may have another number, which is the one that goes by the usual name.
_OF_DECODER = {
    "layers": ("num_decoder_layers", "decoder_layers"),
    "heads": ("num_decoder_attention_heads", "decoder_attention_heads"),
}

_PERMUTED = (
    "It learned from permuted orders: a permutation mask hid from each token those that came later "
    "in an order drawn anew. Here none is set, so every token sees all others, and itself."
)

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
        self._context = _context(model)

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
            vocabulary=int(getattr(text, "vocab_size", 0) or len(self.tokenizer)),
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
        source, inputs, tokens, target_tokens = self._inputs(text, pair, target)
        messages = _messages(text)
        turns = chat.turns(self.tokenizer, messages, source) if messages else chat.Turns()
        forward = self._capture.run(inputs, cancelled)
        if target_tokens:
            return Trace(self, source, target_tokens, tokens, inputs, forward, turns)
        second = None if pair is None else clean(pair)
        return Trace(self, source, tokens, (), inputs, forward, turns, second)

    def generate(
        self,
        text: Text,
        *,
        target: str | Sequence[int] | None = None,
        seed: int | None = None,
        **settings: Any,
    ) -> Run:
        """Write what transformers' `generate` writes, token for token, and keep every choice.

        What is left open is filled in as `generate` does: from the model's own
        `generation_config`, then with transformers' defaults, such as ``top_k=50``. An interrupt
        ends it within one step, and what was written by then is given back.

        Parameters
        ----------
        text
            As for `trace`: a text, token ids or chat messages.
        target
            What the decoder of an encoder-decoder model has written already: text or ids.
        seed
            The draws are those of ``torch.manual_seed(seed)``; your own random state stays as it
            is. Without one, a seed is made up: `Run.seed`.
        **settings
            Any setting of a `GenerationConfig`, such as ``max_new_tokens=40, do_sample=True,
            num_return_sequences=3, num_beams=4, stop_strings=["."]``, a whole
            ``generation_config``, or ``logits_processor``, ``stopping_criteria`` and
            ``prefix_allowed_tokens_fn``.

        Returns
        -------
        Run
            Sequences and texts; for each token its probability and what it was chosen from.

        Raises
        ------
        TypeError
            For an unknown setting.
        ValueError
            When the model can't write, or the prompt is longer than its context.
        """
        from llmscope.generation.run import generate

        return generate(self, text, target, seed, settings)

    @property
    def cache_bytes(self) -> int:
        """Memory that is held so that the next text costs only what differs from those before."""
        return self._capture.warm.size

    @property
    def cache_limit(self) -> int:
        """The most that `cache_bytes` may be, 1 GiB at first; 0 reads each text from the start."""
        return self._capture.warm.limit

    @cache_limit.setter
    def cache_limit(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"cache_limit is a number of bytes, 0 or more, not {limit}")
        with lock_of(self.model):
            self._capture.warm.limit = int(limit)

    def forget(self) -> None:
        """Let go of everything in the cache."""
        with lock_of(self.model):
            self._capture.warm.clear()

    def explore(self, text: str = "", **traits: Any) -> Explorer:
        """Open the Explorer on this model: all panels, linked and live.

        Parameters
        ----------
        text
            What the prompt box holds at first.
        **traits
            First values of its traits, such as ``layer=24, head=4, temperature=0.7``.
        """
        from llmscope.views.explorer import Explorer

        return Explorer(self, text, **traits)

    def _inputs(
        self, text: Text, pair: str | None = None, target: str | Sequence[int] | None = None
    ) -> tuple[str, dict[str, torch.Tensor], tuple[Token, ...], tuple[Token, ...]]:
        """Give the text, the model's inputs, and the tokens of either side."""
        import torch

        if isinstance(text, torch.Tensor):
            if text.ndim > 2 or (text.ndim == 2 and len(text) != 1):
                raise ValueError(f"One text at a time: ids of shape {tuple(text.shape)} are more.")
            text = text.flatten().tolist()
        if pair is not None and not isinstance(text, str):
            raise ValueError(
                "A second sentence (pair=) goes with a text, not with ids or messages."
            )
        source, ids, tokens = self._encode(text, pair)
        if not ids:
            raise ValueError("The text is empty: the model needs at least one token to read.")
        self._check_length(ids)
        device = main_device(self.model)
        inputs = {"input_ids": torch.tensor([ids], device=device)}
        if pair is not None:
            encoded = self.tokenizer(clean(str(text)), clean(pair), return_tensors="pt")
            if "token_type_ids" in encoded:
                inputs["token_type_ids"] = encoded["token_type_ids"].to(device)
        if not getattr(self.model.config, "is_encoder_decoder", False):
            if target is not None:
                raise ValueError(f"{self.name} has no decoder side: target= is not for it.")
            return source, inputs, tokens, ()
        target_ids, target_tokens = self._target(target)
        self._check_length(target_ids)
        inputs["decoder_input_ids"] = torch.tensor([target_ids], device=device)
        return source, inputs, tokens, target_tokens

    def _encode(
        self, text: str | Sequence[int] | Sequence[dict[str, str]], pair: str | None
    ) -> tuple[str, list[int], tuple[Token, ...]]:
        if isinstance(text, str):
            ids, tokens = tokenize(self.tokenizer, text, pair)
            return clean(text) + clean(pair or ""), ids, tokens
        messages = _messages(text)
        if messages:
            source = self._chat(messages)
            ids, tokens = tokenize(self.tokenizer, source, add_special_tokens=False)
            return source, ids, tokens
        ids = self._known([int(item) for item in text if not isinstance(item, dict)])
        tokens = from_ids(self.tokenizer, ids)
        return "".join(token.text for token in tokens), ids, tokens

    def _known(self, ids: list[int]) -> list[int]:
        outside = [i for i in ids if not 0 <= i < self.facts.vocabulary]
        if outside:
            raise ValueError(
                f"Token id {outside[0]} is outside the vocabulary "
                f"(0 to {self.facts.vocabulary - 1:,})."
            )
        return ids

    def _chat(self, messages: list[dict[str, str]]) -> str:
        if not getattr(self.tokenizer, "chat_template", None):
            raise ValueError(
                f"{self.name} has no chat template: it was not made for conversations. "
                "Write the text out and trace that."
            )
        return clean(chat.render(self.tokenizer, messages))

    def _target(self, target: str | Sequence[int] | None) -> tuple[list[int], tuple[Token, ...]]:
        config: Any = self.model.config
        generation = getattr(self.model, "generation_config", None)
        start = getattr(generation, "decoder_start_token_id", None)
        if start is None:
            start = getattr(config, "decoder_start_token_id", None)
        if start is None:
            start = config.pad_token_id or 0
        name = str(self.tokenizer.convert_ids_to_tokens(int(start)))
        first = Token(int(start), "", name, 0, 0, special=True)
        if not target:
            return [int(start)], (first,)
        if isinstance(target, str):
            ids, tokens = tokenize_target(self.tokenizer, target)
        else:
            ids = self._known([int(i) for i in target])
            ids = ids[1:] if ids[0] == int(start) else ids
            tokens = from_ids(self.tokenizer, ids)
        return [int(start), *ids], (first, *tokens)

    def _family(self) -> Family:
        if getattr(self.model.config, "is_encoder_decoder", False):
            return "encoder-decoder"
        if not self._capture.has_head:
            return "encoder"
        return "masked" if fills_gaps(self.model) else "causal"

    def _check_length(self, ids: Sequence[int]) -> None:
        if self._context is not None and len(ids) > self._context:
            raise ValueError(
                f"{len(ids):,} tokens are more than the {self._context:,} that {self.name} can "
                "read. Shorten the text."
            )

    def describe(self) -> dict[str, Any]:
        """Give `facts` as plain JSON."""
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


def _messages(text: Text) -> list[dict[str, str]]:
    """Give the chat messages of `text`, if that is what it is."""
    return [item for item in text if isinstance(item, dict)]


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


def _context(model: nn.Module) -> int | None:
    """Count the positions that a model has."""
    config: Any = model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    limit = getattr(text, "max_position_embeddings", None)
    if not limit or limit < 0:
        return None
    for name, module in model.named_modules():
        # RoBERTa and its heirs begin to count behind the padding id.
        padding = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and padding is not None:
            return int(limit) - int(padding) - 1
    return int(limit)
