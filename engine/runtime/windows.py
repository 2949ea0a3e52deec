"""Windows: the parts of a canvas of latents that are looked at and written to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.contract.geometry import Rectangle, stretches
from engine.contract.job import Job


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

    def moved(self, rows: int, columns: int) -> Window:
        """Return the same window elsewhere."""
        return replace(
            self,
            top=self.top + rows,
            bottom=self.bottom + rows,
            left=self.left + columns,
            right=self.right + columns,
        )

    def part(self, top: int, bottom: int, left: int, right: int) -> Window:
        """Return a part of the window, whose sides count from the window's own start."""
        return replace(
            self,
            top=self.top + top,
            bottom=self.top + bottom,
            left=self.left + left,
            right=self.left + right,
        )

    def scaled(self, by: int) -> Window:
        """Return the same window on a canvas of so many times as many cells a side."""
        return replace(
            self,
            top=self.top * by,
            bottom=self.bottom * by,
            left=self.left * by,
            right=self.right * by,
        )

    def divided(self, by: int) -> Window:
        """Return the same window on a canvas of so many times as few cells a side."""
        return replace(
            self,
            top=self.top // by,
            bottom=self.bottom // by,
            left=self.left // by,
            right=self.right // by,
        )

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedWindow(Window):
    """A window that may begin and end beyond the canvas: there it goes on at the opposite edge.

    One that is longer than the canvas sees it again from its start.
    """

    def take(self, canvas: Tensor) -> Tensor:
        """Return the window's part of a canvas, as a copy.

        Shapes: (..., H, W) of the canvas to (..., h, w) of the window.
        """
        height, width = canvas.shape[-2:]
        bands = [
            torch.cat(
                [
                    canvas[..., top:bottom, left:right]
                    for left, right in stretches(self.left, self.right, width)
                ],
                dim=-1,
            )
            for top, bottom in stretches(self.top, self.bottom, height)
        ]
        return torch.cat(bands, dim=-2)

    def add_(self, canvas: Tensor, values: Tensor, weights: Tensor | float = 1.0) -> None:
        """Add values, times weights, to the window's part of a canvas."""
        for window, part in self._pieces(canvas):
            own = part.take(weights) if isinstance(weights, Tensor) else weights
            window.add_(canvas, part.take(values), own)

    def put_(self, canvas: Tensor, values: Tensor) -> None:
        """Replace the window's part of a canvas."""
        for window, part in self._pieces(canvas):
            window.put_(canvas, part.take(values))

    def _pieces(self, canvas: Tensor) -> Iterator[tuple[Window, Window]]:
        """Yield the parts that lie in a canvas, there and within the window."""
        height, width = canvas.shape[-2:]
        above = 0
        for top, bottom in stretches(self.top, self.bottom, height):
            beside = 0
            for left, right in stretches(self.left, self.right, width):
                yield (
                    Window(top=top, bottom=bottom, left=left, right=right),
                    Window(
                        top=above,
                        bottom=above + bottom - top,
                        left=beside,
                        right=beside + right - left,
                    ),
                )
                beside += right - left
            above += bottom - top


def window_of(rectangle: Rectangle, job: Job, stride_px: int) -> Window:
    """Return the cells of a job's canvas that a rectangle covers, where it wraps or not."""
    plain = Window.of(rectangle, stride_px)
    if not any(job.wrapped):
        return plain
    return WrappedWindow(top=plain.top, bottom=plain.bottom, left=plain.left, right=plain.right)
