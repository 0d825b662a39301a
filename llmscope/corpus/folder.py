"""A survey on disk: a file for each text, written whole, so that a run that ends goes on later."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from llmscope.corpus.measure import BINS, Edges, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmscope.scope import Scope

_FORM = 1  # of the files
_SAMPLE = 64  # numbers of each of the model's tensors that tell it from others


class SurveyFolder:
    """Where the numbers of a survey are kept.

    Parameters
    ----------
    path
        The folder; it is made where there is none.
    scope, kind, texts
        What is surveyed.

    Raises
    ------
    ValueError
        When the folder holds the survey of another model or of other texts, or something else.
    """

    def __init__(
        self, path: str | os.PathLike[str], scope: Scope, kind: str, texts: Sequence[str]
    ) -> None:
        self.path = Path(path)
        about = {
            "form": _FORM,
            "model": scope.name,
            "fingerprint": fingerprint(scope),
            "kind": kind,
            "texts": len(texts),
            "hash": sha256("\0".join(texts).encode()).hexdigest(),
        }
        head = self.path / "survey.json"
        if head.is_file():
            self._check(json.loads(head.read_text(encoding="utf-8")), about)
            return
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ValueError(
                f"{self.path} holds something that is no survey. Name a folder that is empty, or "
                "that is not there yet."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._write(head, json.dumps(about, indent=1).encode())

    def read(self, index: int) -> Measured | None:
        """Return the numbers of a text; `None` where there are none yet."""
        try:
            with self._file(index).open("rb") as stream, np.load(stream) as file:
                edges = Edges(*(file[f"edge_{name}"] for name in Edges._fields))
                rest = {name: file[name] for name in Measured._fields if name != "edges"}
        except (FileNotFoundError, BadZipFile, KeyError, ValueError):
            return None
        room = np.zeros((len(rest["distances"]), len(BINS)), np.float32)
        room[:, : rest["distances"].shape[1]] = rest["distances"]
        return Measured(**rest | {"distances": room}, edges=edges)

    def write(self, index: int, measured: Measured) -> None:
        """Write the numbers of a text: all of them, or none."""
        parts = {name: item for name, item in measured._asdict().items() if name != "edges"}
        used = int(np.flatnonzero(measured.distances.any(0)).max(initial=0)) + 1
        parts["distances"] = measured.distances[:, :used]
        edges = {f"edge_{name}": item for name, item in measured.edges._asdict().items()}
        file = self._file(index)
        new = file.with_suffix(".new")
        with new.open("wb") as stream:
            np.savez(stream, **parts, **edges)
        new.replace(file)

    def _file(self, index: int) -> Path:
        return self.path / f"{index:06d}.npz"

    def _write(self, file: Path, content: bytes) -> None:
        new = file.with_suffix(".new")
        new.write_bytes(content)
        new.replace(file)

    def _check(self, there: dict[str, Any], here: dict[str, Any]) -> None:
        another = "Name another folder, or remove this one."
        if there.get("form") != here["form"]:
            raise ValueError(f"{self.path} is from another version of llmscope. {another}")
        if there["fingerprint"] != here["fingerprint"]:
            raise ValueError(
                f"{self.path} holds the survey of another model, {there['model']}, of other "
                f"weights or under other edits than this {here['model']}. {another}"
            )
        if there["hash"] != here["hash"] or there["kind"] != here["kind"]:
            raise ValueError(
                f"{self.path} holds the survey of {there['texts']:,} other texts. {another}"
            )


def fingerprint(scope: Scope) -> str:
    """Return what tells a model from others: its parts, and a sample of its weights and edits."""
    if scope.elsewhere is not None:
        own: str = scope.elsewhere.fingerprint(scope)
        return own
    found = sha256(f"{type(scope.model).__name__} {scope.edits!r}".encode())
    found.update(type(scope.tokenizer).__name__.encode())
    found.update(str(len(scope.tokenizer)).encode())
    for name, tensor in sorted(scope.model.state_dict().items()):
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        if tensor.device.type == "meta" or not tensor.numel():
            continue
        flat = tensor.detach().reshape(-1)
        sample = flat[:: max(1, len(flat) // _SAMPLE)][:_SAMPLE]
        found.update(sample.float().cpu().numpy().tobytes())
    return found.hexdigest()
