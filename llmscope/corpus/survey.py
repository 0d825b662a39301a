"""What every head does, over many texts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from llmscope.capture import NEVER, Cancel, Cancelled
from llmscope.corpus.folder import SurveyFolder
from llmscope.corpus.measure import Measured
from llmscope.corpus.reading import Read, kind_of, read_text
from llmscope.corpus.sentences import SENTENCES
from llmscope.corpus.tables import SurveyTables
from llmscope.corpus.texts import Skipped, texts_of
from llmscope.corpus.totals import Totals
from llmscope.progress_bar import progress_bar
from llmscope.shared import Kind

if TYPE_CHECKING:
    from llmscope.scope import Scope

_SECONDS = 0.1  # between two looks at how far it is


class Progress(NamedTuple):
    """How far a survey is.

    Attributes
    ----------
    done
        Texts that were read, or skipped.
    total
        All texts.
    seconds_left
        As long as the texts before took; `None` while nobody knows.
    """

    done: int
    total: int
    seconds_left: float | None


class Survey(SurveyTables):
    """Every head of a model over many texts: its scores with their spread, and where it acts.

    Each text is read by one pass, whose attention is reduced to numbers at once and let go of: what
    is kept of a text are its scores, some 12 KB for 270 heads. docs/views/survey.md has the
    formulas. What is read of a survey that wasn't begun runs it first; of one that was ended before
    its time, what is known is of the texts so far.

    Parameters
    ----------
    scope
        The model, under its edits if it has some. Of encoder-decoder models, the encoder.
    texts
        A list or another iterable of texts, such as a column of a table of pandas or `datasets`;
        the path of a text file, with a text a line; by default `llmscope.corpus.SENTENCES`, two
        hundred in English and Chinese. What can't be read is skipped, and is in `skipped`.
    folder
        Where each text's numbers are written as soon as they are known: a survey of the same model
        and texts goes on from there.

    Attributes
    ----------
    scope
        The model.
    texts
        All texts.
    skipped
        Which of them weren't read, and why, as `Skipped(index, text, why)`.
    kind
        Which attention: "self", or "encoder" in encoder-decoder models.

    Raises
    ------
    ValueError
        When there is no text, the model has no attention, or the folder holds another survey.
    TypeError
        For what is no texts.

    Examples
    --------
    >>> survey = llmscope.corpus.Survey(scope, ["The capital of France is", "A tiny model"])
    >>> survey.run(progress=False)
    <Survey of 2 of 2 texts: 12 heads of tiny>
    >>> survey.scores.columns[0], len(survey.scores)
    (('previous', 'mean'), 12)
    """

    def __init__(
        self,
        scope: Scope,
        texts: str | os.PathLike[str] | Iterable[Any] = SENTENCES,
        *,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.scope = scope
        self.texts, self.skipped = texts_of(texts)
        self.kind: Kind = kind_of(scope)
        self._folder = (
            None if folder is None else SurveyFolder(folder, scope, self.kind, self.texts)
        )
        self._totals: Totals | None = None
        self._version: int | None = None
        self._done = 0
        self._seconds = 0.0  # that texts took
        self._timed = 0  # how many
        self._lock = threading.RLock()

    # ── running ──────────────────────────────────────────────────────────────────────────────

    def run(self, *, progress: bool = True) -> Survey:
        """Read all texts that weren't read yet.

        An interrupt ends it within one text; what was done so far is kept, and `run` goes on.

        Parameters
        ----------
        progress
            Show a bar with the time left.

        Returns
        -------
        Survey
            This one.

        Raises
        ------
        RuntimeError
            When the model was changed since the survey was begun.
        ValueError
            When none of the texts can be read.
        """
        stop = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                for _ in self.steps(stop.is_set):
                    pass
            except Cancelled:
                pass
            except BaseException as error:
                failed.append(error)

        # An interrupt comes to the main thread alone: what is counted elsewhere is counted whole.
        thread = threading.Thread(target=work, name="llmscope-survey", daemon=True)
        hidden = {} if progress else {"disable": True}
        total = len(self.texts)
        with progress_bar(total=total, initial=self._done, unit="text", **hidden) as bar:
            try:
                thread.start()
                while thread.is_alive():
                    thread.join(_SECONDS)
                    bar.update(self._done - bar.n)
            except KeyboardInterrupt:
                stop.set()
                thread.join()
                if not self.read:
                    raise
        if failed:
            raise failed[0]
        return self

    def steps(self, cancelled: Cancel = NEVER) -> Iterator[Progress]:
        """Read the texts that weren't read yet, one at each step.

        In a thread of its own, as `run` does it: an interrupt could come while a text is counted.

        Parameters
        ----------
        cancelled
            Asked between texts and within one; once it says True, `Cancelled` is raised. What was
            done so far is kept.

        Yields
        ------
        Progress
            After each text.

        Raises
        ------
        RuntimeError
            When the model was changed since the survey was begun.
        ValueError
            When none of the texts can be read.
        """
        while self._done < len(self.texts):
            with self._lock:
                if self._done < len(self.texts):
                    self._step(self._done, cancelled)
                    self._done += 1
            yield self.progress
        if not self.read:
            why = f"the first: {self.skipped[0].why}" if self.skipped else ""
            raise ValueError(f"None of the {len(self.texts):,} texts could be read; {why}")

    @property
    def progress(self) -> Progress:
        """How far it is."""
        left = len(self.texts) - self._done
        seconds = self._seconds / self._timed * left if self._timed else None
        return Progress(self._done, len(self.texts), seconds if left else 0.0)

    @property
    def is_whole(self) -> bool:
        """Whether all texts were read."""
        return self._done == len(self.texts)

    @property
    def read(self) -> int:
        """Number of texts that were read."""
        return len(self._totals.texts) if self._totals else 0

    def _step(self, index: int, cancelled: Cancel) -> None:
        begun = time.perf_counter()
        text = self.texts[index]
        if any(one.index == index for one in self.skipped):
            return
        known = self._folder.read(index) if self._folder is not None else None
        try:
            found = read_text(self.scope, text, known is not None, cancelled)
        except ValueError as error:
            self.skipped.append(Skipped(index, text, str(error)))
            return
        measured = known or self._checked_version(found)
        if known is None and self._folder is not None:
            self._folder.write(index, measured)
        if self._totals is None:
            self._totals = Totals([(int(layer), int(head)) for layer, head in measured.heads])
        self._totals.add(index, found.ids, measured)
        if known is None:
            self._seconds += time.perf_counter() - begun
            self._timed += 1

    def _checked_version(self, found: Read) -> Measured:
        if self._version is None:
            self._version = found.version
        if found.version != self._version:
            raise RuntimeError(
                f"{self.scope.name} was changed since this survey was begun: its numbers would be "
                "of two models. Begin another one."
            )
        assert found.measured is not None
        return found.measured

    # ── what is known ────────────────────────────────────────────────────────────────────────

    @property
    def totals(self) -> Totals:
        """What is known, as arrays: whoever reads it first runs the survey."""
        if self._totals is None:
            self.run()
        assert self._totals is not None
        return self._totals

    def __repr__(self) -> str:
        heads = f"{len(self.heads)} heads of " if self._totals else ""
        return f"<Survey of {self.read:,} of {len(self.texts):,} texts: {heads}{self.scope.name}>"
