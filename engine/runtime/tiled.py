"""A network of convolutions over a large canvas, tile by tile, as if it saw all of it at once.

Two things in an autoencoder look further than a tile: group normalisation and the attention of its
middle block. A survey of small patches, spread over the canvas, tells both what they would see:
the patches run together as one batch, in which each normalisation takes its statistics from all of
them, and their keys and values stand for the rest of the canvas. The tiles then run with that.

Source: Deville and Särndal, Calibration estimators in survey sampling (1992), for the weights of
the patches.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

WHOLE_CELLS = 128 * 128
"""The most cells that are seen at once: a larger canvas is tiled."""

_CORE_CELLS = 80
_CONTEXT_CELLS = 8  # what a cell of the output hardly sees beyond
_BLEND_CELLS = 2  # on either side of a tile's edge

_PATCHES = 48
_PATCH_CELLS = 8
_PATCH_CONTEXT = 4
_RIDGE = 1e-2

_QUERIES = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle of cells; starts are included, ends are not."""

    top: int
    bottom: int
    left: int
    right: int


Crop = Callable[[Box], Tensor]


@dataclass(slots=True, kw_only=True)
class _Knowledge:
    """What the survey and the tiles tell their normalisations and attentions."""

    cells: int
    is_survey: bool = True
    rows: int = 0
    columns: int = 0
    margin_rows: int = 0
    margin_columns: int = 0
    weights: Tensor = field(default_factory=lambda: torch.ones(0))

    def inner(self, x: Tensor) -> Tensor:
        """Return a batch of patches without the context around each, (P, C, h, w)."""
        if x.ndim == 3:  # attention sees cells in a row
            x = x.reshape(*x.shape[:-1], self.rows, self.columns)
        height, width = x.shape[-2:]
        top = self.margin_rows * height // self.rows
        left = self.margin_columns * width // self.columns
        return x[..., top : height - top, left : width - left]


class _CanvasNorm(nn.Module):
    """Group normalisation by the statistics of the canvas, estimated in the survey."""

    def __init__(self, norm: nn.GroupNorm, knowledge: _Knowledge) -> None:
        super().__init__()
        self._norm = norm
        self._knowledge = knowledge
        self._scale = self._shift = torch.ones(0)

    def forward(self, x: Tensor) -> Tensor:
        if self._knowledge.is_survey:
            self._learn(self._knowledge.inner(x))
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return torch.addcmul(self._shift.view(shape), x, self._scale.view(shape))

    def _learn(self, x: Tensor) -> None:
        groups = self._norm.num_groups
        values = x.reshape(len(x), groups, -1).float()  # (P, G, n)
        weights = self._knowledge.weights.to(x)[:, None]
        centre = (weights * values.mean(2)).sum(0)  # (G,)
        spread = (weights * (values - centre[:, None]).square().mean(2)).sum(0)
        scale = torch.rsqrt(spread + self._norm.eps)
        self._scale = self._norm.weight * scale.repeat_interleave(x.shape[1] // groups)  # (C,)
        centre = centre.repeat_interleave(x.shape[1] // groups)
        self._shift = self._norm.bias - centre * self._scale


class _CanvasAttention:
    """Attention of a tile to itself, and to the survey's patches in place of all the rest."""

    def __init__(self, knowledge: _Knowledge) -> None:
        self._knowledge = knowledge
        self._keys = self._values = torch.ones(0)

    def __call__(self, attn: Any, x: Tensor, *_: Any, temb: Any = None, **__: Any) -> Tensor:
        """Return what diffusers' own processor returns, from (B, C, h, w) to the same."""
        flat = x.flatten(2)  # (B, C, n)
        seen = attn.group_norm(flat).transpose(1, 2)  # (B, n, C)
        query, keys, values = (
            projection(seen).unflatten(-1, (attn.heads, -1)).transpose(1, 2)  # (B, heads, n, c)
            for projection in (attn.to_q, attn.to_k, attn.to_v)
        )
        if self._knowledge.is_survey:
            self._keys, self._values = self._pooled(keys), self._pooled(values)
        own, others = keys.shape[2], self._keys.shape[2]
        # A key of the survey counts as often as there are cells that it stands for.
        stands_for = max(self._knowledge.cells - own, 1) / others
        bias = x.new_zeros(own + others)
        bias[own:] = math.log(stands_for)
        for index in range(len(x)):
            one = slice(index, index + 1)
            key = torch.cat([keys[one], self._keys], dim=2)
            value = torch.cat([values[one], self._values], dim=2)
            for part in query[one].split(_QUERIES, dim=2):
                # Written over the queries, which nobody needs any more.
                part.copy_(
                    nn.functional.scaled_dot_product_attention(
                        part, key, value, attn_mask=bias.expand(part.shape[2], -1)
                    )
                )
        found = attn.to_out[0](query.transpose(1, 2).flatten(2))  # (B, n, C)
        found = found.transpose(1, 2).reshape(x.shape)
        if attn.residual_connection:
            found = found + x
        mixed: Tensor = found / attn.rescale_output_factor
        return mixed

    def _pooled(self, tokens: Tensor) -> Tensor:
        """Return the tokens of all patches, (P, heads, n, c), as one row, (1, heads, P·n, c)."""
        patches, heads, _, depth = tokens.shape
        inner = self._knowledge.inner(tokens.transpose(2, 3).flatten(1, 2))
        inner = inner.reshape(patches, heads, depth, -1)  # (P, heads, c, n)
        return inner.permute(1, 0, 3, 2).flatten(1, 2)[None]


def _twin(network: nn.Module, knowledge: _Knowledge) -> nn.Module:
    """Return a copy that shares the network's weights, and looks as far as the canvas goes."""
    kept = {id(t): t for t in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, kept)
    for name, module in list(twin.named_modules()):
        if isinstance(module, nn.GroupNorm):
            twin.set_submodule(name, _CanvasNorm(module, knowledge))
        elif hasattr(module, "set_processor"):
            module.set_processor(_CanvasAttention(knowledge))
    return twin


def moments(cells: Tensor) -> Tensor:
    """Return the means of each channel and of each product of two, (B, C, n) to (B, K)."""
    products = cells @ cells.transpose(1, 2) / cells.shape[2]  # (B, C, C)
    row, column = torch.triu_indices(cells.shape[1], cells.shape[1])
    return torch.cat([cells.mean(2), products[:, row, column]], dim=1)


def calibrated(patches: Tensor, canvas: Tensor) -> Tensor:
    """Return weights of patches with which their moments come near those of the canvas.

    Shapes: (P, K) and (1, K) to (P,), none below 0, summing to 1.
    """
    spread = (patches - canvas).square().mean(0).sqrt().clamp(min=1e-12)
    away = (patches - canvas) / spread  # (P, K)
    centred = away - away.mean(0)
    ridge = _RIDGE * len(patches) * torch.eye(away.shape[1], dtype=away.dtype)
    pull = torch.linalg.solve(centred.T @ centred + ridge, -away.mean(0))
    weights = (1 / len(patches) + centred @ pull).clamp(min=0)
    shares: Tensor = weights / weights.sum()
    return shares


def _patches(height: int, width: int) -> tuple[list[Box], int, int]:
    """Return boxes of one size spread over a canvas, and the context within each."""
    size = _PATCH_CELLS + 2 * _PATCH_CONTEXT
    rows, columns = min(size, height), min(size, width)
    down = min(max(round((_PATCHES * height / width) ** 0.5), 1), _PATCHES)
    across = _PATCHES // down
    # Drawn within their shares of the canvas: a fixed raster may beat with that of the regions.
    drawn = torch.rand((down, across, 2), generator=torch.Generator().manual_seed(0)).tolist()
    boxes = []
    for i in range(down):
        for j in range(across):
            top = int((i + drawn[i][j][0]) / down * (height - rows + 1))
            left = int((j + drawn[i][j][1]) / across * (width - columns + 1))
            boxes.append(Box(top=top, bottom=top + rows, left=left, right=left + columns))
    # Where a canvas is no larger than a patch, its edges are true edges.
    context_rows, context_columns = (
        _PATCH_CONTEXT if side > size else 0 for side in (height, width)
    )
    return boxes, context_rows, context_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A tile's part of one axis, in cells: what it owns, shows and sees."""

    start: int
    end: int
    whole: int

    @property
    def shown(self) -> tuple[int, int]:
        """What it owns and the bands that it shares with its neighbours."""
        return self._grown(_BLEND_CELLS)

    @property
    def seen(self) -> tuple[int, int]:
        """What it shows and the context of that."""
        return self._grown(_BLEND_CELLS + _CONTEXT_CELLS)

    @property
    def is_last(self) -> bool:
        return self.end == self.whole

    def _grown(self, by: int) -> tuple[int, int]:
        start = self.start - by if self.start else 0
        return max(start, 0), min(self.end + by, self.whole)


def _spans(cells: int) -> list[_Span]:
    count = -(-cells // _CORE_CELLS)
    edges = [cells * i // count for i in range(count + 1)]
    return [_Span(start=start, end=end, whole=cells) for start, end in itertools.pairwise(edges)]


def tiled_rows(
    network: nn.Module,
    crop: Crop,
    cells: Tensor,
    *,
    scale: int,
    finish: Callable[[Tensor], Tensor],
    checkpoint: Callable[[], None],
) -> Iterator[Tensor]:
    """Yield what a network makes of a canvas as strips of rows, from top to bottom.

    `crop` gives the network's input for a box of cells; `cells`, one value a cell and channel, is
    what the patches' weights are calibrated with; `finish` is done to what is blended;
    `checkpoint` is called before each tile and may raise.

    Shapes: cells (1, K, h, w) to strips (C, rows, w · scale), together h · scale rows.
    """
    height, width = cells.shape[-2:]
    knowledge = _Knowledge(cells=height * width)
    twin = _twin(network, knowledge)
    checkpoint()
    _survey(twin, knowledge, crop, cells)
    band = 2 * _BLEND_CELLS * scale
    fade = ((torch.arange(band, device=cells.device) + 0.5) / band).to(torch.float32)

    above = torch.ones(0)
    for row in _spans(height):
        strip, below, left = torch.ones(0), torch.ones(0), torch.ones(0)
        for column in _spans(width):
            checkpoint()
            part = _tile(twin, crop, row, column, scale)
            if not strip.numel():
                lines = part.shape[1] - (0 if row.is_last else band)
                below = part.new_empty((len(part), band, width * scale))
            if column.start:
                part[..., :band] = left.lerp(part[..., :band], fade)
            if not column.is_last:
                left = part[..., -band:].clone()
                part = part[..., :-band]
            start = column.shown[0] * scale
            here = slice(start, start + part.shape[2])
            if row.start:
                part[:, :band] = above[..., here].lerp(part[:, :band], fade[:, None])
            if not row.is_last:
                below[..., here] = part[:, -band:]
                part = part[:, :-band]
            done = finish(part)
            if not strip.numel():
                strip = done.new_empty((len(done), lines, width * scale))
            strip[..., here] = done
        above = below
        yield strip


def _tile(twin: nn.Module, crop: Crop, row: _Span, column: _Span, scale: int) -> Tensor:
    """Return what a tile shows, (C, rows, columns)."""
    (top, bottom), (left, right) = row.seen, column.seen
    seen: Tensor = twin(crop(Box(top=top, bottom=bottom, left=left, right=right)))[0]
    (first, last), (begin, end) = row.shown, column.shown
    rows = slice((first - top) * scale, (last - top) * scale)
    return seen[:, rows, (begin - left) * scale : (end - left) * scale].clone()


def _survey(twin: nn.Module, knowledge: _Knowledge, crop: Crop, cells: Tensor) -> None:
    boxes, knowledge.margin_rows, knowledge.margin_columns = _patches(*cells.shape[-2:])
    knowledge.rows = boxes[0].bottom - boxes[0].top
    knowledge.columns = boxes[0].right - boxes[0].left
    on_cpu = cells.cpu().double()
    known = torch.cat([on_cpu[..., b.top : b.bottom, b.left : b.right] for b in boxes])
    known = knowledge.inner(known).flatten(2)  # (P, K, n)
    knowledge.weights = calibrated(moments(known), moments(on_cpu.flatten(2)))
    twin(torch.cat([crop(box) for box in boxes]))
    knowledge.is_survey = False
