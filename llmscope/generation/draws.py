"""Reproducible random draws, indexed by step."""

from __future__ import annotations

import secrets

import torch


def new_seed() -> int:
    """Return a random seed in [0, 2^31), from the system and not from torch's generators."""
    return secrets.randbelow(2**31)


class Draws:
    """The random draws of one seed, indexed by step.

    Draw `n` equals the draw of transformers' `generate` at its step `n` after
    ``torch.manual_seed(seed)``, whatever was drawn before it in another branch.

    Parameters
    ----------
    seed
        Of torch's generator.
    device
        Where the generator draws: that of the probabilities.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed = seed
        self._generator = torch.Generator(device).manual_seed(seed)
        self._states = [self._generator.get_state()]  # before each draw

    def draw(self, probs: torch.Tensor, index: int) -> int:
        """Draw a token id.

        Parameters
        ----------
        probs
            Probabilities (1, vocabulary).
        index
            Which draw it is, from 0.

        Returns
        -------
        int
            A token id.
        """
        while len(self._states) <= index:  # earlier steps were greedy and drew nothing
            self._multinomial(torch.ones_like(probs), len(self._states) - 1)
        return self._multinomial(probs, index)

    def _multinomial(self, probs: torch.Tensor, index: int) -> int:
        self._generator.set_state(self._states[index])
        drawn = int(torch.multinomial(probs, num_samples=1, generator=self._generator))
        if index + 1 == len(self._states):
            self._states.append(self._generator.get_state())
        return drawn
