"""Rectangles of latent cells."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.contract.job import Rectangle


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

    def view(self, canvas: Tensor) -> Tensor:
        """Return the window's part of a canvas, sharing its memory.

        Shapes: (..., H, W) of the canvas to (..., h, w) of the window.
        """
        return canvas[..., self.top : self.bottom, self.left : self.right]
