"""Errors of loading, in plain words and with a remedy."""

from __future__ import annotations

import errno
import pickle
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from zipfile import BadZipFile

from llmscope.words import say


class LoadError(RuntimeError):
    """A model couldn't be loaded; the message says what happened and what to do.

    Parameters
    ----------
    message
        What happened, and what to do, in plain words.
    kind
        The reason in one word.

    Attributes
    ----------
    kind
        The reason in one word, for programs: "unknown", "offline", "gated", "tokenizer",
        "weights", "pickle", "remote-code", "memory", "damaged", "architecture", "package",
        "disk", "default" (the default model isn't installed, and the Hub can't be reached),
        "install", "folder" (a page may not load from there), or "failed" for everything else.

    Examples
    --------
    >>> import llmscope
    >>> try:
    ...     llmscope.load("./no-such-folder")
    ... except llmscope.LoadError as error:
    ...     error.kind
    'unknown'
    """

    def __init__(self, message: str, kind: str = "failed") -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def in_plain_words(name: str) -> Iterator[None]:
    """Turn every error of the block into a `LoadError` about the model `name`."""
    try:
        yield
    except LoadError:
        raise
    except Exception as error:
        raise explain(error, name) from error


def explain(error: Exception, name: str) -> LoadError:
    """Return a `LoadError` that says what `error` means for the model `name`."""
    for known in (_hub, _memory, _disk, _remote_code, _package, _damaged):
        explained = known(error, name)
        if explained is not None:
            return explained
    return LoadError(
        say(
            "{name} couldn't be loaded. {name_2}: {error}",
            name=name,
            name_2=type(error).__name__,
            error=error,
        )
    )


def remote_code(name: str) -> LoadError:
    """Return the error for a model that only its own Python code can load."""
    return LoadError(
        say(
            "{name} wants to run Python code that came with it, which can do "
            "anything on this machine. If you trust its author, load it with "
            "trust_remote_code=True.",
            name=name,
        ),
        "remote-code",
    )


def _hub(error: Exception, name: str) -> LoadError | None:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return LoadError(
            say(
                "{name} is gated: its authors ask you to accept their terms first. "
                "Do so at https://huggingface.co/{name}, then log in with `hf auth "
                "login` or pass token=.",
                name=name,
            ),
            "gated",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return LoadError(
            say(
                "{name} has no such revision. Its branches, tags and commits are "
                "listed at https://huggingface.co/{name}/tree/main.",
                name=name,
            ),
            "unknown",
        )
    if isinstance(error, errors.RepositoryNotFoundError | errors.HFValidationError):
        return LoadError(
            say(
                "There is no model called {name!r}: neither a folder or file here, "
                "nor on the Hub. Check the spelling (owner/name) at "
                "https://huggingface.co/models; for a private model log in with "
                "`hf auth login` or pass token=.",
                name=name,
            ),
            "unknown",
        )
    if isinstance(error, errors.HfHubHTTPError):
        return LoadError(
            say(
                "The Hub didn't hand out {name}: {error}. Try again later.", name=name, error=error
            ),
            "offline",
        )
    offline = isinstance(error, errors.LocalEntryNotFoundError | ConnectionError | TimeoutError)
    if offline or type(error).__module__.partition(".")[0] in ("httpx", "httpx2"):
        return LoadError(
            say(
                "{name} isn't on this machine, and the Hub can't be reached. Check "
                "the network (and that HF_HUB_OFFLINE isn't set), or give the path "
                "of a local folder or GGUF file.",
                name=name,
            ),
            "offline",
        )
    return None


def _memory(error: Exception, name: str) -> LoadError | None:
    message = str(error).lower()
    if not isinstance(error, MemoryError) and not (
        isinstance(error, RuntimeError)
        and ("out of memory" in message or "can't allocate memory" in message)
    ):
        return None
    return LoadError(
        say(
            "The memory ran out while {name} was loaded. Close other programs "
            'and notebooks, choose another device (device="cpu"), or a smaller '
            "model.",
            name=name,
        ),
        "memory",
    )


def _disk(error: Exception, name: str) -> LoadError | None:
    reasons = {
        errno.ENOSPC: say("the disk is full"),
        errno.EDQUOT: say("your disk quota is used up"),
        errno.EACCES: say("permission is denied"),
        errno.EROFS: say("permission is denied"),
    }
    filename, number = None, None
    if isinstance(error, OSError):
        filename, number = error.filename, error.errno
    elif found := re.search(r"\(os error (\d+)\)", str(error)):  # of safetensors and tokenizers
        number = int(found[1])
    if number not in reasons:
        return None
    where = f" ({filename})" if filename else ""
    return LoadError(
        say(
            "{name} couldn't be read or stored: {reasons}{where}. Make room, "
            "or choose another folder with the environment variable "
            "LLMSCOPE_CACHE (for the default model) or HF_HOME (for those from "
            "the Hub).",
            name=name,
            reasons=reasons[number],
            where=where,
        ),
        "disk",
    )


def _remote_code(error: Exception, name: str) -> LoadError | None:
    return remote_code(name) if "trust_remote_code" in str(error) else None


def _package(error: Exception, name: str) -> LoadError | None:
    if isinstance(error, ImportError):
        return LoadError(
            say("{name} needs a package that isn't here. {error}", name=name, error=error),
            "package",
        )
    if isinstance(error, ValueError) and "pip install accelerate" in str(error):
        return LoadError(
            say(
                "Loading {name} this way needs the package accelerate: `pip install accelerate`.",
                name=name,
            ),
            "package",
        )
    return None


def _damaged(error: Exception, name: str) -> LoadError | None:
    from safetensors import SafetensorError

    broken = (
        SafetensorError,
        JSONDecodeError,
        UnicodeDecodeError,
        struct.error,
        pickle.UnpicklingError,
        EOFError,
        BadZipFile,
        FileNotFoundError,
    )
    hints: tuple[Callable[[str], bool], ...] = (
        lambda message: "ignore_mismatched_sizes" in message,
        lambda message: "not a valid JSON file" in message,
        lambda message: "GGUF magic" in message,
    )
    if not isinstance(error, broken) and not any(hint(str(error)) for hint in hints):
        return None
    return damaged(name, str(error).splitlines()[0] if str(error) else type(error).__name__)


def damaged(name: str, what: str) -> LoadError:
    """Return the error for files that can't be read or don't belong together."""
    return LoadError(
        say(
            "The files of {name} are damaged, incomplete, or don't belong "
            "together ({what}). Delete them and download or copy the model "
            "again.",
            name=name,
            what=what,
        ),
        "damaged",
    )
