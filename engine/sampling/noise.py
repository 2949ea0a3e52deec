"""The random start of a run: seeded noise on the latent grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.contract.job import Job, Region
from engine.runtime.windows import Window, window_of
from engine.sampling.noise_map import Colours, mapped_noise


@dataclass(frozen=True, slots=True)
class Noise:
    """Draws seeded noise: on the CPU by default, so that a seed means the same on every device."""

    device: torch.device
    drawn_on: torch.device

    def generator(self, seed: int | None) -> torch.Generator:
        """Return a generator at the start of a seed's sequence."""
        if seed is None:
            raise ValueError("the seed is not resolved yet")
        return torch.Generator(self.drawn_on).manual_seed(seed)

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Return standard normal noise in float32 on the device that runs the job."""
        noise = torch.randn(shape, generator=generator, device=self.drawn_on, dtype=torch.float32)
        return noise.to(self.device)


def starting_noise(
    job: Job,
    *,
    channels: int,
    stride_px: int,
    noise: Noise,
    generator: torch.Generator,
    colours: Colours | None = None,
) -> Tensor:
    """Return the noise that a run starts from, before the scheduler scales it.

    The canvas first, from `generator`; then rerolls of mode reset; then the noise of strength
    noise_eps, of diffusion regions first and of rerolls of mode epsilon after them, each kind in
    list order and each region from its own seed. `colours` are those of the job's noise map.

    Shapes: (1, C, h, w).
    """
    canvas = noise.draw(
        (1, channels, job.canvas_height // stride_px, job.canvas_width // stride_px), generator
    )

    if colours is not None:
        mapped = mapped_noise(colours, canvas.cpu().numpy(), job.seed or 0)
        canvas = torch.from_numpy(mapped).to(noise.device)

    def own_noise(region: Region) -> tuple[Window, Tensor]:
        window = window_of(region, job, stride_px)
        shape = tuple(window.take(canvas).shape)
        return window, noise.draw(shape, noise.generator(region.region_seed))

    for reroll in job.reroll_regions:
        if reroll.reroll_mode == "reset":
            window, values = own_noise(reroll)
            window.put_(canvas, values)
    epsilon_rerolls = [r for r in job.reroll_regions if r.reroll_mode == "epsilon"]
    shifted: list[Region] = [*job.regions, *epsilon_rerolls]
    for region in shifted:
        if region.noise_eps > 0:
            window, values = own_noise(region)
            window.add_(canvas, values, region.noise_eps)
    return canvas
