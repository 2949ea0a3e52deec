"""How much of a picture and of noise a network sees, and predicts, at a timestep."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A timestep: the network sees `picture` · picture + `noise` · noise there.

    `predicted` are the same two factors of what it predicts: 0 and 1 of noise, −1 and 1 of a
    velocity.
    """

    timestep: Tensor
    """(), on the CPU."""
    picture: float
    noise: float
    predicted: tuple[float, float]

    @property
    def sigma(self) -> float:
        """Noise for each part of the picture; infinite where there is no picture."""
        return self.noise / self.picture if self.picture else float("inf")

    def rescaled(self, seen: Tensor, prediction: Tensor, of: Level, factor: float) -> Tensor:
        """Return what was predicted here as it would be at another level.

        The picture there is `factor` times as strong, the noise the same. `seen` is what the
        network saw; any shape.
        """
        picture, noise = self.predicted
        there_picture, there_noise = of.predicted
        whole = self.picture * noise - self.noise * picture
        from_seen = (there_picture * factor * noise - there_noise * picture) / whole
        from_predicted = (there_noise * self.picture - there_picture * factor * self.noise) / whole
        return seen * from_seen + prediction * from_predicted
