"""What was kept of a model at one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.export.encoding import NextTokens, decoded
from llmscope.kernel.tiles import shades
from llmscope.shared import THUMBNAIL, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from llmscope.training.probe import Probe


class StepRecord:
    """What was kept of a model at one step, of all probes.

    Of each probe, which is named by its number: the log-probabilities of its own tokens, the next
    token where that is kept, scores of all heads, and the weights of some or all.

    Parameters
    ----------
    step
        The number of the step.
    of
        What is known of the probes.
    arrays
        All numbers, by name.

    Attributes
    ----------
    step
        The number of the step: of updates that the weights had had.
    probes
        How many probes there are.
    """

    def __init__(
        self, step: int, of: tuple[Probe, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self.step = step
        self.probes = len(of)
        self._probes = of
        self._arrays = arrays

    @property
    def nbytes(self) -> int:
        """Size of all numbers in memory."""
        return sum(item.nbytes for item in self._arrays.values())

    def logprobs(self, probe: int = 0) -> NDArray[np.float32] | None:
        """Return the log-probability of each token of a probe given those before it, in nats.

        Parameters
        ----------
        probe
            Which probe, from 0.

        Returns
        -------
        ndarray or None
            (tokens - 1,), from the second token on; `None` where the model doesn't read from left
            to right, or predicts nothing.
        """
        return self._arrays.get(f"{probe}.logprobs")

    def ranks(self, probe: int = 0) -> NDArray[np.int32] | None:
        """Return the rank of each token of a probe among all tokens, 0 for the likeliest.

        Parameters
        ----------
        probe
            Which probe, from 0.

        Returns
        -------
        ndarray or None
            (tokens - 1,), as for `logprobs`.
        """
        return self._arrays.get(f"{probe}.ranks")

    def next_token(self, probe: int = 0) -> NextTokens | None:
        """Return the distribution of the next token at the probe's positions.

        Parameters
        ----------
        probe
            Which probe, from 0.

        Returns
        -------
        NextTokens or None
            The likeliest tokens with their logits, and a histogram of the others, each with a row
            for each of the probe's `positions`; `None` where the model predicts nothing.
        """
        if f"{probe}.ids" not in self._arrays:
            return None
        return NextTokens(*(self._arrays[f"{probe}.{name}"] for name in NextTokens._fields))

    def lens(self, probe: int = 0) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        """Return the likeliest token after each layer, at the probe's positions: the logit lens.

        Parameters
        ----------
        probe
            Which probe, from 0.

        Returns
        -------
        tuple of ndarray or None
            Ids and log-probabilities in nats (positions, layers + 1); the first column is of the
            embeddings, the last the model's own answer. `None` where there is no lens.
        """
        if f"{probe}.lens_ids" not in self._arrays:
            return None
        return self._arrays[f"{probe}.lens_ids"], self._arrays[f"{probe}.lens_logprobs"]

    def scores(self, probe: int = 0, kind: Kind = "self") -> NDArray[np.float32]:
        """Return the scores of all heads by known patterns, as `Trace.head_scores` makes them.

        Parameters
        ----------
        probe
            Which probe, from 0.
        kind
            Which attention.

        Returns
        -------
        ndarray
            (scores, layers, heads): previous, first, self, induction, local, entropy; NaN where a
            score makes no sense.
        """
        return self._array(probe, kind, "scores")

    def heads(self, probe: int = 0, kind: Kind = "self") -> list[tuple[int, int]]:
        """Return the heads whose weights are kept in full.

        Parameters
        ----------
        probe
            Which probe, from 0.
        kind
            Which attention.

        Returns
        -------
        list of tuple
            Layer and head.
        """
        return [(int(layer), int(head)) for layer, head in self._array(probe, kind, "heads")]

    def attention(
        self, probe: int, layer: int, head: int, kind: Kind = "self"
    ) -> NDArray[np.float32]:
        """Return the weights of one head, which are kept in 16 bits.

        Parameters
        ----------
        probe
            Which probe, from 0.
        layer, head
            As the model counts them, from 0.
        kind
            Which attention.

        Returns
        -------
        ndarray
            (queries, keys)

        Raises
        ------
        IndexError
            When the weights of the head aren't kept.
        """
        heads = self.heads(probe, kind)
        if (layer, head) not in heads:
            raise IndexError(
                f"The weights of head ({layer}, {head}) aren't kept: heads= says of which they are."
            )
        place = heads.index((layer, head))
        weights: NDArray[np.float32] = self._weights(probe, kind, slice(place, place + 1))[0]
        return weights

    def thumbnails(self, probe: int, kind: Kind, layer: int) -> NDArray[np.uint8]:
        """Return small pictures of all heads of a layer: 255 times the root of greatest weights.

        Parameters
        ----------
        probe
            Which probe, from 0.
        kind
            Which attention.
        layer
            As the model counts them, from 0.

        Returns
        -------
        ndarray
            (heads, rows, keys), at most 32 a side.
        """
        counts = self._counts(probe, kind)
        layers = self._probes[probe].kinds[kind][0]
        first = sum(counts[: layers.index(layer)])
        part = slice(first, first + counts[layers.index(layer)])
        pictures = self._arrays.get(f"{probe}.{kind}.shades")
        if pictures is None:  # all heads are kept in full, in their order
            return shades(_greatest(self._weights(probe, kind, part)))
        found: NDArray[np.uint8] = pictures[part]
        return found

    def matrices(self, probe: int = 0, kind: Kind = "self") -> dict[str, Any]:
        """Return the weights that are kept, as a page holds them.

        Parameters
        ----------
        probe
            Which probe, from 0.
        kind
            Which attention.

        Returns
        -------
        dict
            ``names``, ``queries``, ``keys``, whether they are ``triangular``, and ``codes``
            (2, matrices, weights) of 16 bits.
        """
        _, _, queries, keys = self._probes[probe].kinds[kind]
        codes = self._array(probe, kind, "codes")
        return {
            "queries": queries,
            "keys": keys,
            "triangular": codes.shape[2] != queries * keys,
            "names": [f"head.{layer}.{head}" for layer, head in self.heads(probe, kind)],
            "codes": codes,
        }

    def __repr__(self) -> str:
        return f"<Step {self.step:,} of {self.probes} probes>"

    def _counts(self, probe: int, kind: Kind) -> list[int]:
        """Return how many heads each layer has."""
        return [int(count) for count in self._array(probe, kind, "counts")]

    def _weights(self, probe: int, kind: Kind, heads: slice) -> NDArray[np.float32]:
        part = self.matrices(probe, kind)
        queries, keys = part["queries"], part["keys"]
        found = decoded(part["codes"][:, heads])
        if not part["triangular"]:
            return found.reshape(-1, queries, keys)
        weights = np.zeros((len(found), queries, keys), np.float32)
        rows, columns = np.tril_indices(queries)
        weights[:, rows, columns] = found
        return weights

    def _array(self, probe: int, kind: Kind, name: str) -> NDArray[Any]:
        try:
            return self._arrays[f"{probe}.{kind}.{name}"]
        except KeyError:
            raise ValueError(f"There is no {kind} attention of probe {probe}.") from None


def _greatest(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reduce matrices (heads, queries, keys) to the greatest weight in each block."""
    for axis in (1, 2):
        length = weights.shape[axis]
        parts = min(length, THUMBNAIL)
        weights = np.maximum.reduceat(weights, np.arange(parts) * length // parts, axis=axis)
    return weights
