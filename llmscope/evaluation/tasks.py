"""Tasks of lm-evaluation-harness, on a model that is loaded already."""

from __future__ import annotations

import copy
import os
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.capture import NEVER, Cancel, Cancelled
from llmscope.evaluation.around import offline, quiet, random_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmscope.scope import Scope

SHIPPED = Path(__file__).parent / "tasks"
MOST_ITEMS = 200  # of a task, that are kept
_MOST_CHARACTERS = 400  # of the text of an item
INSTALL = (
    'Tasks need lm-evaluation-harness: pip install "jupyter-llmscope[evaluate]". '
    "Everything else is measured without it: leave out tasks=."
)


@dataclass(frozen=True)
class Item:
    """One item of a task: what was asked, what is right, what the model said, and its score."""

    asked: str
    right: str
    said: str
    score: float


@dataclass
class TaskScore:
    """What lm-eval says of one model and one metric of a task.

    Attributes
    ----------
    task, metric, filter
        As lm-eval names them, such as "arc_easy", "acc" and "none".
    value, error
        The metric and its standard error; `None` where lm-eval has none.
    higher_is_better
        Whether more is better, as the task says.
    items
        The first items, in their order; empty where the metric isn't one of items.
    """

    task: str
    metric: str
    filter: str
    value: float
    error: float | None
    higher_is_better: bool = True
    items: list[Item] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)


def shipped() -> dict[str, Path]:
    """Return the tasks that come with llmscope, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


def check_tasks(
    tasks: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> list[str]:
    """Return tasks as names or absolute paths, once it is known that they can be read.

    Raises
    ------
    ModuleNotFoundError
        When lm-eval isn't installed.
    FileNotFoundError
        When there is no such file.
    ValueError
        For a file that isn't a task.
    """
    if isinstance(tasks, str | os.PathLike):
        tasks = [tasks]
    if tasks and find_spec("lm_eval") is None:
        raise ModuleNotFoundError(INSTALL)
    ours = shipped()
    found = []
    for task in tasks:
        name = os.fspath(task)
        if name in ours:
            found.append(str(ours[name]))
        elif name.lower().endswith((".yaml", ".yml")) or os.sep in name or Path(name).exists():
            found.append(str(_checked(Path(name).expanduser())))
        else:
            found.append(name)
    return found


def _checked(path: Path) -> Path:
    import yaml

    if not path.is_file():
        raise FileNotFoundError(f"There is no task file {path} (looked in {Path.cwd()}).")

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    Loader.add_multi_constructor("!", lambda *_: None)  # such as !function
    try:
        read = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = getattr(error, "problem", None) or "it isn't text"
        raise ValueError(f"{path} is no task file: as YAML, {problem}.") from error
    if not isinstance(read, dict) or not ("task" in read or "group" in read):
        raise ValueError(
            f"{path} is no task file: a task of lm-evaluation-harness is YAML that names a `task`, "
            "its data and its metrics. One comes with llmscope: "
            f"{next(iter(shipped().values()))}."
        )
    return path.resolve()


def run_tasks(
    scope: Scope,
    tasks: Sequence[str],
    report: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Cancel = NEVER,
) -> list[TaskScore]:
    """Run tasks by ``lm_eval.simple_evaluate``, with its defaults.

    Parameters
    ----------
    scope
        The model and its tokenizer. Neither is changed, nor is the random state of this process.
    tasks
        Names and paths, from `check_tasks`.
    report
        Called with how many requests are done, and how many there are.
    cancelled
        Asked before each pass.

    Returns
    -------
    list of TaskScore
        One for each metric that has a number.

    Raises
    ------
    ValueError
        When a task can't be run, in words.
    Cancelled
        When nobody waits any more.
    """
    if scope.edits:
        raise ValueError(f"Tasks run the model as it is: {scope.name} is under edits.")
    if scope.facts.family not in ("causal", "encoder-decoder"):
        raise ValueError(f"Tasks need a model that generates: {scope.name} doesn't.")
    with ExitStack() as around:
        around.enter_context(offline())
        around.enter_context(quiet())
        around.enter_context(random_state())
        cache = around.enter_context(tempfile.TemporaryDirectory(prefix="llmscope-"))
        return _run(scope, tasks, cache, report, cancelled)


def _run(
    scope: Scope,
    tasks: Sequence[str],
    cache: str,
    report: Callable[[int, int], None],
    cancelled: Cancel,
) -> list[TaskScore]:
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    class Counting(HFLM):  # type: ignore[misc]
        """Says how many requests it has before it answers them."""

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            stand_in.total += len(requests)
            return super().loglikelihood(requests, disable_tqdm=True)

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            stand_in.total += len(requests)
            return super().generate_until(requests, disable_tqdm=True)

    stand_in = _Model(scope, report, cancelled)
    built_in = [name for name in tasks if not Path(name).is_absolute()]
    manager = TaskManager(include_defaults=bool(built_in))
    try:
        specs = [_read(task, cache) if Path(task).is_absolute() else task for task in tasks]
        lm = Counting(pretrained=stand_in, tokenizer=copy.deepcopy(scope.tokenizer))
        results = lm_eval.simple_evaluate(lm, tasks=specs, task_manager=manager)
    except Cancelled:
        raise
    except Exception as error:
        raise ValueError(_in_words(error, built_in)) from error
    return _scores(results)


def _read(path: str, cache: str) -> dict[str, Any]:
    """Return the configuration of a task file, its data's paths made absolute."""
    from lm_eval.tasks._yaml_loader import load_yaml

    config: dict[str, Any] = load_yaml(path)
    options = dict(config.get("dataset_kwargs") or {})
    if "data_files" in options:
        options["data_files"] = _absolute(options["data_files"], Path(path).parent)
    if "dataset_path" in config:
        options.setdefault("cache_dir", cache)
    return {**config, "dataset_kwargs": options}


def _absolute(files: Any, folder: Path) -> Any:
    """Return paths of data: those that are beside the task file, absolute."""
    if isinstance(files, dict):
        return {split: _absolute(some, folder) for split, some in files.items()}
    if isinstance(files, list):
        return [_absolute(one, folder) for one in files]
    beside = folder / str(files)
    return str(beside) if beside.is_file() else files


def _in_words(error: Exception, built_in: Sequence[str]) -> str:
    """Return what went wrong, and what can be done about it."""
    said = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    fetches = {"OfflineModeIsEnabled", "ConnectionError", "LocalEntryNotFoundError"} & kinds
    if fetches or "offline" in str(error).lower() or "Hub" in str(error):
        return (
            "The task's data isn't on this machine, and tasks are run without a network: built-in "
            "tasks of lm-evaluation-harness fetch theirs from the Hub. Give a task file whose "
            f"data_files are on this machine. ({said})"
        )
    if built_in and isinstance(error, KeyError):
        return (
            f"There is no task called {', '.join(built_in)}: give the path of a task file, or "
            f"{' or '.join(shipped())}, which come with llmscope."
        )
    return f"The tasks couldn't be run. {said}"


def _scores(results: Any) -> list[TaskScore]:
    found = []
    for task, metrics in results["results"].items():
        better = results.get("higher_is_better", {}).get(task, {})
        for name, value in metrics.items():
            metric, between, kind = name.partition(",")
            if not between or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = metrics.get(f"{metric}_stderr,{kind}")
            known = isinstance(error, int | float)
            score = TaskScore(task, metric, kind, float(value), float(error) if known else None)
            score.higher_is_better = bool(better.get(metric, True))
            samples = results.get("samples", {}).get(task, [])
            score.items = list(_items(samples, metric, kind))[:MOST_ITEMS]
            found.append(score)
    return found


def _items(samples: Sequence[Any], metric: str, kind: str) -> Iterator[Item]:
    for sample in sorted(samples, key=lambda one: one["doc_id"]):
        score = sample.get(metric)
        if sample.get("filter", "none") != kind or not isinstance(score, int | float):
            continue
        asked, right, said = map(_short, _told(sample))
        yield Item(asked, right, said, float(score))


def _told(sample: Any) -> tuple[str, str, str]:
    """Return what was asked, what is right, and what the model said, as texts."""
    arguments, answers = list(sample["arguments"]), list(sample["filtered_resps"])
    asked = str(arguments[0][0])
    if len(arguments) < 2:
        said = answers[0] if answers else ""
        said = said[0] if isinstance(said, list | tuple) and said else said
        return asked, str(sample["target"]), str(said)
    choices = [str(one[1]) for one in arguments]
    logprobs = [float(one[0]) for one in answers]
    best = choices[int(np.argmax(logprobs[: len(choices)]))]
    target = sample["target"]
    right = choices[int(target)] if str(target).isdigit() and int(target) < len(choices) else target
    return asked, str(right), best


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


class _Model:
    """Stands in for a model: lm-eval neither switches its mode nor ties its weights."""

    def __init__(self, scope: Scope, report: Callable[[int, int], None], cancelled: Cancel) -> None:
        self._scope = scope
        self._report = report
        self._cancelled = cancelled
        self._done = 0
        self.total = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scope.model, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._counted(lambda: self._scope.model(*args, **kwargs))

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        model: Any = self._scope.model
        return self._counted(lambda: model.generate(*args, **kwargs))

    def _counted(self, run: Callable[[], Any]) -> Any:
        if self._cancelled():
            raise Cancelled
        found = self._scope.runner.undisturbed(run)
        self._done += 1
        self._report(min(self._done, self.total), self.total)
        return found
