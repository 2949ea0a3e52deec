"""A network of convolutions over a large canvas, tile by tile, as if it saw all of it at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from engine.contract.geometry import NO_AXES, Axes
from engine.runtime.canvas_statistics import Crop, seeing_canvas
from engine.runtime.windows import Window, WrappedWindow

WHOLE_CELLS = 128 * 128
"""The most cells that are seen at once: a larger canvas is tiled."""

_CORE_CELLS = 80
_CONTEXT_CELLS = 8  # what a cell of the output hardly sees beyond
_BLEND_CELLS = 2  # on either side of a tile's edge


class Sharing(Protocol):
    """How several processes share out the tiles of one canvas, each of which walks through all."""

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that puts them together."""

    def tile(self, number: int, make: Callable[[], Tensor], on: torch.device) -> Tensor | None:
        """Return the n-th tile, made here or by another; None where it is not needed here."""


class _Alone:
    """One process, which makes all tiles."""

    is_first = True

    def tile(self, number: int, make: Callable[[], Tensor], on: torch.device) -> Tensor | None:
        return make()


ALONE: Sharing = _Alone()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A tile's part of one axis, in cells: what it owns, shows and sees.

    On a ring the first tile begins a little before the start, so that the band that it shares with
    the last one is the end of the axis.
    """

    start: int
    end: int
    whole: int
    is_ring: bool

    @property
    def shown(self) -> tuple[int, int]:
        """What it owns and the bands that it shares with its neighbours."""
        return self._grown(_BLEND_CELLS)

    @property
    def seen(self) -> tuple[int, int]:
        """What it shows and the context of that."""
        return self._grown(_BLEND_CELLS + _CONTEXT_CELLS)

    @property
    def is_first(self) -> bool:
        return self.start <= 0

    @property
    def is_last(self) -> bool:
        return self.end + (_BLEND_CELLS if self.is_ring else 0) == self.whole

    def _grown(self, by: int) -> tuple[int, int]:
        if self.is_ring:
            return self.start - by, self.end + by
        return max(self.start - by, 0), min(self.end + by, self.whole)


def _spans(cells: int, *, is_ring: bool) -> list[_Span]:
    count = -(-cells // _CORE_CELLS)
    first = -_BLEND_CELLS if is_ring else 0
    edges = [first + cells * i // count for i in range(count + 1)]
    return [
        _Span(start=start, end=end, whole=cells, is_ring=is_ring)
        for start, end in itertools.pairwise(edges)
    ]


def tiled_rows(
    network: nn.Module,
    crop: Crop,
    cells: Tensor,
    *,
    scale: int,
    finish: Callable[[Tensor], Tensor],
    checkpoint: Callable[[], None],
    sharing: Sharing = ALONE,
    wrapped: Axes = NO_AXES,
) -> Iterator[Tensor]:
    """Yield what a network makes of a canvas as strips of rows, from top to bottom.

    `crop` gives the network's input for a window; `cells`, a few values a cell, is what the
    canvas's statistics are calibrated with; `finish` is done to what is blended; `checkpoint` is
    called before each tile and may raise. Where others are `sharing`, the first alone yields.
    Along axes that are `wrapped` the last tile joins the first: there `crop` gets windows that
    begin or end beyond the canvas.

    Shapes: cells (1, K, h, w) to strips (C, rows, w · scale), together h · scale rows.
    """
    height, width = cells.shape[-2:]
    checkpoint()
    is_whole = any(wrapped) and height * width <= WHOLE_CELLS
    on_canvas = seeing_canvas(network, crop, cells, wrapped, is_whole=is_whole)
    band = 2 * _BLEND_CELLS * scale
    fade = ((torch.arange(band, device=cells.device) + 0.5) / band).to(torch.float32)

    above, first_rows, number = torch.ones(0), torch.ones(0), itertools.count()
    for row in _spans(height, is_ring=wrapped.rows):
        strip, below, left = torch.ones(0), torch.ones(0), torch.ones(0)
        for column in _spans(width, is_ring=wrapped.columns):
            checkpoint()
            make = partial(_tile, on_canvas, crop, row, column, scale)
            part = sharing.tile(next(number), make, cells.device)
            if part is None:
                continue
            if not below.numel():
                below = part.new_empty((len(part), band, width * scale))
                if row.is_first:
                    first_rows = torch.empty_like(below)
            if not column.is_first:
                part[..., :band] = left.lerp(part[..., :band], fade)
            elif column.is_ring:
                first_columns, part = part[..., :band], part[..., band:]
            if not column.is_last:
                left = part[..., -band:].clone()
                part = part[..., :-band]
            elif column.is_ring:
                part[..., -band:] = part[..., -band:].lerp(first_columns, fade)
            start = max(column.shown[0], 0) * scale
            here = slice(start, start + part.shape[2])
            if not row.is_first:
                part[:, :band] = above[..., here].lerp(part[:, :band], fade[:, None])
            elif row.is_ring:
                first_rows[..., here] = part[:, :band]
                part = part[:, band:]
            if not row.is_last:
                below[..., here] = part[:, -band:]
                part = part[:, :-band]
            elif row.is_ring:
                part[:, -band:] = part[:, -band:].lerp(first_rows[..., here], fade[:, None])
            done = finish(part)
            if not strip.numel():
                strip = done.new_empty((len(done), done.shape[1], width * scale))
            strip[..., here] = done
        above = below
        if sharing.is_first:
            yield strip


def _tile(network: nn.Module, crop: Crop, row: _Span, column: _Span, scale: int) -> Tensor:
    """Return what a tile shows, (C, rows, columns)."""
    (top, bottom), (left, right) = row.seen, column.seen
    kind = WrappedWindow if row.is_ring or column.is_ring else Window
    seen: Tensor = network(crop(kind(top=top, bottom=bottom, left=left, right=right)))[0]
    (first, last), (begin, end) = row.shown, column.shown
    rows = slice((first - top) * scale, (last - top) * scale)
    return seen[:, rows, (begin - left) * scale : (end - left) * scale].clone()
