"""Look inside language models from a Jupyter notebook.

Load a model, type a text, and see every head's attention and the distribution of the next token
change live. `llmscope.explore()` opens everything at once; see the README for the rest.
"""

import sys
import types

import lazy_loader

from llmscope import words as _words

# The names are listed in __init__.pyi. Each is imported from its module when it is first used, so
# that `import llmscope` is quick: torch and transformers come with the first model.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__.remove("__version__")  # `from llmscope import *` leaves the caller's own alone


class _Module(types.ModuleType):
    """The package with its one setting, `llmscope.language`."""

    @property
    def language(self) -> str | None:
        """The language of views that are made from now on: "en", "zh", or `None`: the page's.

        Raises
        ------
        ValueError
            When it is set to a language that there is none of.
        """
        return _words.chosen()

    @language.setter
    def language(self, tag: str | None) -> None:
        _words.choose(tag)


sys.modules[__name__].__class__ = _Module
