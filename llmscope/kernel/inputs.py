"""What a view asks a model to read, of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmscope.kernel.edited_input import EditedInput, OtherInput
from llmscope.kernel.step_input import StepInput
from llmscope.kernel.text_input import IdsInput, TextInput
from llmscope.text.label import decode

if TYPE_CHECKING:
    from llmscope.scope import Scope

Input = TextInput | IdsInput | EditedInput | OtherInput | StepInput


def text_of(what: Input, scope: Scope | None) -> str:
    """Return the text of an input: that of ids as the tokenizer decodes them."""
    if isinstance(what, EditedInput | OtherInput):
        return text_of(what.input, scope)
    if isinstance(what, TextInput):
        return what.text
    if scope is None or isinstance(what, StepInput):
        return ""
    return decode(scope.tokenizer, what.source or what.ids)
