"""Random numbers that can be gone back to."""

from __future__ import annotations

import secrets

import torch


def new_seed() -> int:
    """Give a seed that nobody has chosen; it draws from none of the user's generators."""
    return secrets.randbelow(2**31)


class Dice:
    """The draws of one seed, by their number.

    Draw `n` is what transformers' `generate` draws at its step `n` after `torch.manual_seed(seed)`,
    whatever was drawn before it in a branch that was left.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed = seed
        self._generator = torch.Generator(device).manual_seed(seed)
        self._states = [self._generator.get_state()]  # before each draw

    def draw(self, probs: torch.Tensor, number: int) -> int:
        """Draw a token from `probs` (1, vocabulary)."""
        while len(self._states) <= number:  # those before it were not drawn, but greedy
            self._multinomial(torch.ones_like(probs), len(self._states) - 1)
        return self._multinomial(probs, number)

    def _multinomial(self, probs: torch.Tensor, number: int) -> int:
        self._generator.set_state(self._states[number])
        drawn = int(torch.multinomial(probs, num_samples=1, generator=self._generator))
        if number + 1 == len(self._states):
            self._states.append(self._generator.get_state())
        return drawn
