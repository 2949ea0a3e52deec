"""What a painter is told: the canvas, the random numbers, the colours, the size of the motif."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.painting.colours import Colour, Pixels
from training.painting.noise import Cells, Field, cells, fractal_noise, pixel_grid

CELL_PX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """One picture's order.

    Units: `scale` multiplies the motif's usual size; 1 suits a picture of 128 px. `usual_scale` is
    the one that patterns take, which must repeat.
    """

    height_px: int
    width_px: int
    rng: np.random.Generator
    scale: float
    usual_scale: float
    main: Colour
    second: Colour
    variant: str = ""

    def grid(self) -> tuple[Field, Field]:
        """Give pixel coordinates from the picture's upper left corner, where patterns begin.

        Together with `fitted` it puts joints and repeats on the borders of the autoencoder's
        cells, and every picture's courses at the same heights: a small model learns them sooner,
        and regions side by side agree about them.
        """
        return pixel_grid(self.height_px, self.width_px)

    def fitted(self, motif_px: float) -> float:
        """Scale a length of a pattern to a whole number of the autoencoder's cells, in pixels.

        The words decide it: a pattern that could have several sizes, and must have one all over a
        picture, is the last thing that a small denoiser learns.
        """
        return float(CELL_PX * max(1, round(motif_px * self.usual_scale / CELL_PX)))

    def snapped(self, shares: Field, length_px: float) -> Field:
        """Round shares of a length down to whole cells of the autoencoder."""
        return np.floor(shares * length_px / CELL_PX) * CELL_PX / length_px

    def noise(self, cell_y_px: float, cell_x_px: float | None = None, octaves: int = 3) -> Field:
        """Fractal noise in [-1, 1] whose largest cells scale with the motif."""
        across = cell_y_px if cell_x_px is None else cell_x_px
        return fractal_noise(
            self.rng,
            self.height_px,
            self.width_px,
            cell_y_px * self.scale,
            across * self.scale,
            octaves,
        )

    def cells(
        self, cell_y_px: float, cell_x_px: float, jitter: float = 0.8, warp_px: float = 0.0
    ) -> Cells:
        """A jittered lattice that scales with the motif, bent by noise where `warp_px` is set."""
        y, x = self.grid()
        if warp_px:
            y = y + warp_px * self.scale * self.noise(26.0, octaves=2)
            x = x + warp_px * self.scale * self.noise(26.0, octaves=2)
        return cells(self.rng, y, x, self.fitted(cell_y_px), self.fitted(cell_x_px), jitter)


Painter = Callable[[Brush], Pixels]
