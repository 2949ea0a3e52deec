"""Windows: the parts of a canvas of latents that are looked at and written to."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.contract.geometry import Rectangle


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle of latent cells; starts are included, ends are not."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def of(cls, rectangle: Rectangle, stride_px: int) -> Window:
        """Return the cells that a rectangle of pixels covers."""
        return cls(
            top=rectangle.row_init // stride_px,
            bottom=rectangle.row_end // stride_px,
            left=rectangle.col_init // stride_px,
            right=rectangle.col_end // stride_px,
        )

    @property
    def height(self) -> int:
        """Height in cells."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Width in cells."""
        return self.right - self.left

    def take(self, canvas: Tensor) -> Tensor:
        """Return the window's part of a canvas; to be read, not written to.

        Shapes: (..., H, W) of the canvas to (..., h, w) of the window.
        """
        return canvas[..., self.top : self.bottom, self.left : self.right]

    def add_(self, canvas: Tensor, values: Tensor, weights: Tensor | float = 1.0) -> None:
        """Add values, times weights, to the window's part of a canvas."""
        part = self.take(canvas)
        if isinstance(weights, Tensor):
            part.addcmul_(values, weights)
        else:
            part.add_(values, alpha=weights)

    def put_(self, canvas: Tensor, values: Tensor) -> None:
        """Replace the window's part of a canvas."""
        self.take(canvas).copy_(values)
