"""A run of an evaluation: model after model, streamed, and stopped without losing anything."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from llmscope.capture import Cancelled
from llmscope.evaluation.evaluation import Evaluation, ModelResult, Value, score_of, task_of
from llmscope.evaluation.one import SHARES, Job, measure_scope
from llmscope.evaluation.process import measure_in_process
from llmscope.evaluation.tasks import check_tasks
from llmscope.evaluation.texts import read_texts
from llmscope.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmscope.evaluation.texts import Texts

    Model = str | os.PathLike[str] | Scope | None
    Models = Model | Sequence[Model] | Mapping[str, Model]

_DEFAULT = "SmolLM2-135M-Instruct"


class Run:
    """An evaluation that goes on in a thread of its own.

    Parameters
    ----------
    models, texts, tasks, window, dtype, device, trust_remote_code
        As for `llmscope.evaluate`.

    Attributes
    ----------
    evaluation : Evaluation
        What is known so far.
    version : int
        Grows with each thing that is found.
    """

    def __init__(
        self,
        models: Models,
        texts: Texts,
        tasks: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        *,
        window: int | None = None,
        dtype: str | None = None,
        device: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        self._models = _named(models)
        read = read_texts(texts)
        if window is not None and window < 2:
            raise ValueError(f"window is a number of tokens, 2 or more; not {window}.")
        self._job = Job(
            tuple(one.text for one in read),
            tuple(check_tasks(tasks or ())),
            window,
            None if dtype is None else str(dtype).removeprefix("torch."),
            None if device is None else str(device),
            trust_remote_code,
        )
        results = [ModelResult(name, scores=[None] * len(read)) for name in self._models]
        self.evaluation = Evaluation(read, results)
        self.version = 0
        self._codes = _codes(models, self._models)
        self._stage, self._done = "load", 0.0
        self._began = 0.0
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    # ── going on ─────────────────────────────────────────────────────────────────────────────

    def start(self) -> Run:
        """Begin, and return at once.

        Returns
        -------
        Run
            Itself.
        """
        if self._thread is None:
            self._began = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="llmscope-evaluate", daemon=True)
            self._thread.start()
        return self

    @property
    def is_over(self) -> bool:
        """Whether all was measured, or it was stopped."""
        return self._thread is not None and not self._thread.is_alive()

    def stop(self) -> None:
        """Stop; what was measured stays."""
        self._stopped.set()

    def wait_for(self, version: int, seconds: float) -> int:
        """Wait until there is more than there was.

        Parameters
        ----------
        version
            What was there already.
        seconds
            How long to wait at most.

        Returns
        -------
        int
            The version that is there now.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.version > version or self.is_over, seconds)
            return self.version

    def wait(self, *, bar: bool = True) -> Evaluation:
        """Wait until the end, with a bar that says how far it is; an interrupt stops it.

        Parameters
        ----------
        bar
            Whether to show a bar.

        Returns
        -------
        Evaluation
            What was measured.
        """
        from llmscope.progress_bar import progress_bar

        self.start()
        settings: dict[str, Any] = {} if bar and not self.is_over else {"disable": True}
        settings |= {"bar_format": "{desc}: {percentage:.0f} %|{bar}| {elapsed}", "mininterval": 1}
        with progress_bar(total=100, **settings) as shown:
            try:
                while not self.is_over:
                    self.wait_for(self.version, 0.2)
                    shown.set_description_str(self.doing, refresh=False)
                    shown.update(round(100 * self.done, 1) - shown.n)
            except KeyboardInterrupt:
                self.stop()
                self._join()
                raise
        self._join()
        if self._fault is not None:
            raise self._fault
        return self.evaluation

    # ── progress ─────────────────────────────────────────────────────────────────────────────

    @property
    def current(self) -> int | None:
        """The model that is measured now."""
        states = [model.state for model in self.evaluation.models]
        return states.index("running") if "running" in states else None

    @property
    def stage(self) -> str:
        """What is measured now: "load", "speed", "texts" or "tasks"."""
        return self._stage

    @property
    def doing(self) -> str:
        """What is done now, in words."""
        at = self.current
        if at is None:
            return ""
        what = {"load": "loading", "speed": "timing", "texts": "reading", "tasks": "tasks"}
        return f"{self.evaluation.models[at].name}: {what[self._stage]}"

    @property
    def done(self) -> float:
        """How much is done, from 0 to 1."""
        models = self.evaluation.models
        over = sum(model.state not in ("waiting", "running") for model in models)
        if self.current is None:
            return over / len(models)
        stages = [name for name in SHARES if name != "tasks" or self._job.tasks]
        before = stages[: stages.index(self._stage)] if self._stage in stages else []
        total = sum(SHARES[name] for name in stages)
        here = sum(SHARES[name] for name in before) + SHARES[self._stage] * self._done
        return (over + min(1.0, here / total)) / len(models)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, by what it took so far; `None` while nothing is known."""
        done = self.done
        if self.is_over or done < 0.05:
            return None
        return (time.monotonic() - self._began) * (1 - done) / done

    def code(self, number: int) -> str:
        """Return the Python of one of the models, as a scope.

        Parameters
        ----------
        number
            Which one.

        Returns
        -------
        str
            An expression.
        """
        return self._codes[number]

    # ── the thread ───────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            for model, given in zip(
                self.evaluation.models, list(self._models.values()), strict=True
            ):
                self._measure(model, given)
        except BaseException as error:
            self._fault = error
        finally:
            self._models = {}  # models that are here aren't held any longer
            self._note()

    def _measure(self, model: ModelResult, given: Model) -> None:
        if self._stopped.is_set():
            model.state = "stopped"
            return
        model.state = "running"
        self._stage, self._done = "load", 0.0
        self._note()

        def emit(event: dict[str, Any]) -> None:
            self._take(model, event)

        cancelled = self._stopped.is_set
        try:
            if isinstance(given, Scope):
                own = Scope(given.model, given.tokenizer, name=given.name)
                own.cache_limit = 0
                measure_scope(own.under(given.edits), self._job, emit, cancelled)
            else:
                name = None if given is None else os.fspath(given)
                measure_in_process(name, self._job, emit, cancelled)
        except Cancelled:
            model.state = "stopped"
        except Exception as error:
            model.state, model.error = "failed", f"{type(error).__name__}: {error}"
        else:
            model.state = "failed" if model.error else "done"
        self._note()

    def _take(self, model: ModelResult, event: dict[str, Any]) -> None:
        if "stage" in event:
            self._stage, self._done = event["stage"], float(event["done"])
        if "facts" in event:
            model.family = event["facts"]["family"]
        for name, value in event.get("values", {}).items():
            model.measured[name] = Value(**value)
        if "text" in event:
            model.scores[event["text"]] = score_of(event["score"])
        if "tasks" in event:
            model.tasks = [task_of(one) for one in event["tasks"]]
            model.tasks_why = event.get("why", "")
        if "note" in event:
            model.notes.append(event["note"])
        if "error" in event:
            model.error = event["error"]
        self._note()

    def _note(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()


def measure(models: Models, texts: Texts, tasks: Sequence[str] = (), **options: Any) -> Evaluation:
    """Measure models, and wait for it: `llmscope.evaluate` without a view.

    Parameters
    ----------
    models, texts, tasks, **options
        As for `llmscope.evaluate`.

    Returns
    -------
    Evaluation
        A row for each model, and what each said of each text.
    """
    return Run(models, texts, tasks, **options).wait()


def _named(models: Models) -> dict[str, Model]:
    """Return models by the names of their rows, each of which is there once."""
    if isinstance(models, Mapping):
        listed = [(str(name), model) for name, model in models.items()]
    else:
        single = isinstance(models, str | os.PathLike | Scope) or models is None
        given: Iterable[Any] = [models] if single else models  # type: ignore[assignment]
        listed = [(_name_of(model), model) for model in given]
    if not listed:
        raise ValueError(
            "There is no model to evaluate: give names, folders or scopes, as in "
            'llmscope.evaluate(["gpt2", "./mine"], texts).'
        )
    found: dict[str, Model] = {}
    for name, model in listed:
        if not (model is None or isinstance(model, str | os.PathLike | Scope)):
            raise TypeError(f"A model is a name, a folder or a scope, not {model!r:.60}.")
        number, unique = 2, name
        while unique in found:
            number, unique = number + 1, f"{name} ({number})"
        found[unique] = model
    return found


def _codes(models: Models, named: Mapping[str, Model]) -> list[str]:
    """Return how each model is written in Python: by its name, or as it was given."""
    found = []
    for number, (name, model) in enumerate(named.items()):
        if isinstance(model, Scope):
            place = repr(name) if isinstance(models, Mapping) else number
            found.append("scope" if isinstance(models, Scope) else f"models[{place}]")
        else:
            found.append(f"llmscope.load({'' if model is None else repr(os.fspath(model))})")
    return found


def _name_of(model: Any) -> str:
    if isinstance(model, Scope):
        return f"{model.name} (edited)" if model.edits else model.name
    if model is None:
        return _DEFAULT
    if isinstance(model, str | os.PathLike):
        return os.fspath(model).rstrip("/").rpartition("/")[2] or os.fspath(model)
    return type(model).__name__
