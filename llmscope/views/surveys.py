"""All heads over many texts, as a widget."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from llmscope.corpus import SENTENCES, Survey
from llmscope.kernel.survey import SurveyHandler, answers_of
from llmscope.shared import EXAMPLES, SURVEY_SCORES
from llmscope.views.base import View

if TYPE_CHECKING:
    from llmscope.scope import Scope
    from llmscope.views.explorer import Explorer


class SurveyView(View):
    """All heads over many texts: a scatter of two scores, and where the head in focus acts.

    The texts are read while it is on screen, and go on being read until *Stop*. Below it is one of
    the texts, token by token, with the attention of the head in focus.

    Parameters
    ----------
    survey
        The survey; it need not be run.
    **traits
        First values of traits, those of `View` included; `text` is at first the first of the texts.

    Attributes
    ----------
    x, y : str
        The scores on the axes, as in `Survey.scores`.
    examples : {"strongest", "deciles"}
        Which texts of the head in focus are listed: the ten in which it acts most strongly, or one
        out of the middle of each tenth, from the strongest to the weakest.

    Examples
    --------
    >>> view = llmscope.SurveyView(llmscope.corpus.Survey(scope, ["A tiny model", "The dog"]))
    >>> view.text
    'A tiny model'
    """

    _shows: ClassVar[list[str]] = ["survey", "tokens", "attention"]

    x = traitlets.Enum(SURVEY_SCORES, "previous").tag(sync=True)
    y = traitlets.Enum(SURVEY_SCORES, "induction").tag(sync=True)
    examples = traitlets.Enum(EXAMPLES, "strongest").tag(sync=True)

    def __init__(self, survey: Survey, **traits: Any) -> None:
        self._survey: Survey | None = survey
        skipped = {one.index for one in survey.skipped}
        first = next(text for n, text in enumerate(survey.texts) if n not in skipped)
        answers = answers_of(SurveyHandler(survey))
        given = {"text": first, **traits}
        super().__init__(survey.scope, answers=answers, _panels=self._shows, **given)

    @property
    def survey(self) -> Survey:
        """The survey that is shown.

        Raises
        ------
        RuntimeError
            When the view was closed.
        """
        if self._survey is None:
            raise RuntimeError("The view was closed.")
        return self._survey

    def explore(self, **traits: Any) -> Explorer:
        """Open an Explorer that follows: the text, the head in focus and the chosen heads.

        Parameters
        ----------
        **traits
            First values of its other traits.

        Returns
        -------
        Explorer
            A widget that is linked to this one, as by `llmscope.link`.
        """
        from llmscope.views.explorer import Explorer
        from llmscope.views.joins import Links
        from llmscope.views.linking import link

        explorer = Explorer(self.survey.scope, self.text, **traits)
        link(self, explorer)
        Links(self, explorer, given=["text"])
        return explorer

    def close(self) -> None:
        """End the widget, and its hold on the survey."""
        super().close()
        self._survey = None

    def __repr__(self) -> str:
        return f"<SurveyView of {self._survey!r}>"


def survey(
    scope: Scope,
    texts: str | os.PathLike[str] | Iterable[Any] = SENTENCES,
    *,
    folder: str | os.PathLike[str] | None = None,
    **traits: Any,
) -> SurveyView:
    """Look at every head of a model over many texts.

    Parameters
    ----------
    scope
        The model.
    texts
        A list or another iterable of texts, such as a column of a table of pandas or `datasets`;
        the path of a text file, with a text a line; by default two hundred sentences in English
        and Chinese, `llmscope.corpus.SENTENCES`.
    folder
        Where each text's numbers are written as soon as they are known: a survey of the same model
        and texts goes on from there.
    **traits
        First values of traits of the view.

    Returns
    -------
    SurveyView
        A widget; its `survey` has the numbers.

    Raises
    ------
    ValueError
        When there is no text, or the folder holds another survey.
    TypeError
        For what is no texts.

    Examples
    --------
    >>> view = llmscope.survey(scope, ["The capital of France is", "A tiny model"], y="activity")
    >>> view.survey.run(progress=False).scores["activity", "mean"].idxmax() in view.survey.heads
    True
    """
    return SurveyView(Survey(scope, texts, folder=folder), **traits)
