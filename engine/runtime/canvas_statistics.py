"""What a network of convolutions would see of a whole canvas, estimated from patches of it.

Two things in an autoencoder look further than a tile: group normalisation and the attention of its
middle block. Patches spread over the canvas run as one batch, in which each normalisation takes its
statistics from all of them, and their keys and values stand for the rest of the canvas.

Source: Deville and Särndal, Calibration estimators in survey sampling (1992), for the weights of
the patches.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.contract.geometry import NO_AXES, Axes
from engine.runtime.windows import Window, WrappedWindow

_PATCHES = 48
_PATCH_CELLS = 8
_PATCH_CONTEXT = 4
_RIDGE = 1e-2

_QUERIES = 2048


Crop = Callable[[Window], Tensor]


def seeing_canvas(
    network: nn.Module,
    crop: Crop,
    cells: Tensor,
    wrapped: Axes = NO_AXES,
    *,
    is_whole: bool = False,
) -> nn.Module:
    """Return a shared-weight copy of a network that sees a canvas in whatever part it is given.

    `crop` gives the network's input for a window of the canvas, which may begin or end beyond it
    along axes that are `wrapped`. Where `is_whole`, all of the canvas is seen first instead of
    patches of it.

    Shapes: cells (1, K, h, w), the few values a cell that the patches are weighted by.
    """
    height, width = cells.shape[-2:]
    patches = (_Patches.whole if is_whole else _Patches.over)(height, width, wrapped)
    weights = patches.weights(cells.cpu().double())
    shared = copy.deepcopy(network, {id(t): t for t in (*network.parameters(), *network.buffers())})
    for name, module in list(shared.named_modules()):
        if isinstance(module, nn.GroupNorm):
            shared.set_submodule(name, _CanvasNorm(module, patches, weights))
        elif hasattr(module, "set_processor"):
            module.set_processor(_CanvasAttention(height * width, patches))
    shared(torch.cat([crop(window) for window in patches.windows]))  # what is seen first calibrates
    return shared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patches:
    """Windows of one size spread over a canvas, each with some context around."""

    windows: tuple[Window, ...]
    context_rows: int
    context_columns: int

    @classmethod
    def whole(cls, height: int, width: int, wrapped: Axes) -> _Patches:
        """Return all of a canvas as one patch, with what is around it where it wraps."""
        rows, columns = (_PATCH_CONTEXT if wraps else 0 for wraps in wrapped)
        window = WrappedWindow(
            top=-rows, bottom=height + rows, left=-columns, right=width + columns
        )
        return cls(windows=(window,), context_rows=rows, context_columns=columns)

    @classmethod
    def over(cls, height: int, width: int, wrapped: Axes) -> _Patches:
        size = _PATCH_CELLS + 2 * _PATCH_CONTEXT
        rows = size if wrapped.rows else min(size, height)
        columns = size if wrapped.columns else min(size, width)
        # How far the first and the last may be apart: on a ring there is no last.
        down_by = height if wrapped.rows else height - rows + 1
        across_by = width if wrapped.columns else width - columns + 1
        kind = WrappedWindow if any(wrapped) else Window
        down = min(max(round((_PATCHES * height / width) ** 0.5), 1), _PATCHES)
        across = _PATCHES // down
        # Random within their shares of the canvas: a fixed raster may beat with that of regions.
        shares = torch.rand((down, across, 2), generator=torch.Generator().manual_seed(0)).tolist()
        windows = []
        for i in range(down):
            for j in range(across):
                top = int((i + shares[i][j][0]) / down * down_by)
                left = int((j + shares[i][j][1]) / across * across_by)
                windows.append(kind(top=top, bottom=top + rows, left=left, right=left + columns))
        # Where a canvas is no larger than a patch, its edges are true edges.
        context_rows, context_columns = (
            _PATCH_CONTEXT if wraps or side > size else 0
            for side, wraps in zip((height, width), wrapped, strict=True)
        )
        return cls(
            windows=tuple(windows), context_rows=context_rows, context_columns=context_columns
        )

    def weights(self, cells: Tensor) -> Tensor:
        """Return what each patch counts, calibrated with the cells of the canvas, (P,)."""
        known = torch.cat([window.take(cells) for window in self.windows])
        known = self.inner(known).flatten(2)  # (P, K, n)
        return calibrated_weights(_moments(known), _moments(cells.flatten(2)))

    def inner(self, x: Tensor) -> Tensor:
        """Return a batch of patches without the context around each, (P, C, h, w)."""
        rows, columns = self.windows[0].height, self.windows[0].width
        if x.ndim == 3:  # attention sees cells in a row
            x = x.reshape(*x.shape[:-1], rows, columns)
        height, width = x.shape[-2:]
        top = self.context_rows * height // rows
        left = self.context_columns * width // columns
        return x[..., top : height - top, left : width - left]


def _moments(cells: Tensor) -> Tensor:
    """Return the means of each channel and of each product of two, (B, C, n) to (B, K)."""
    products = cells @ cells.transpose(1, 2) / cells.shape[2]  # (B, C, C)
    row, column = torch.triu_indices(cells.shape[1], cells.shape[1])
    return torch.cat([cells.mean(2), products[:, row, column]], dim=1)


def calibrated_weights(patches: Tensor, canvas: Tensor) -> Tensor:
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


class _CanvasNorm(nn.Module):
    """Group normalisation by the statistics of the canvas: those of the patches, seen first."""

    def __init__(self, norm: nn.GroupNorm, patches: _Patches, weights: Tensor) -> None:
        super().__init__()
        self._norm, self._patches, self._weights = norm, patches, weights
        self._found: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self._found is None:
            self._found = self._calibrated(x)
        scale, shift = self._found
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return torch.addcmul(shift.view(shape), x, scale.view(shape))

    def _calibrated(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scale and shift, (C,) each, by the weighted statistics of all patches."""
        inner = self._patches.inner(x)
        groups = self._norm.num_groups
        values = inner.reshape(len(inner), groups, -1).float()  # (P, G, n)
        weights = self._weights.to(values)[:, None]
        centre = (weights * values.mean(2)).sum(0)  # (G,)
        spread = (weights * (values - centre[:, None]).square().mean(2)).sum(0)
        per_group = x.shape[1] // groups
        scale = torch.rsqrt(spread + self._norm.eps).repeat_interleave(per_group)  # (C,)
        scale = self._norm.weight * scale
        return scale, self._norm.bias - centre.repeat_interleave(per_group) * scale


class _CanvasAttention:
    """Attention of a tile to itself, and to the keys and values of patches in place of the rest.

    The patches are seen first.
    """

    def __init__(self, cells: int, patches: _Patches) -> None:
        self._cells, self._patches = cells, patches
        self._others: tuple[Tensor, Tensor] | None = None

    def __call__(self, attn: Any, x: Tensor, *_: Any, temb: Any = None, **__: Any) -> Tensor:
        """Return what diffusers' own processor returns, from (B, C, h, w) to the same."""
        flat = x.flatten(2)  # (B, C, n)
        normalised = attn.group_norm(flat).transpose(1, 2)  # (B, n, C)
        query, keys, values = (
            projection(normalised).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for projection in (attn.to_q, attn.to_k, attn.to_v)
        )  # (B, heads, n, c)
        if self._others is None:
            self._others = (self._pooled(keys), self._pooled(values))
        others_keys, others_values = self._others
        own, others = keys.shape[2], others_keys.shape[2]
        # A patch's key counts as often as there are cells that it stands for.
        stands_for = max(self._cells - own, 1) / others
        bias = query.new_zeros(own + others)
        bias[own:] = math.log(stands_for)
        for index in range(len(x)):
            one = slice(index, index + 1)
            key = torch.cat([keys[one], others_keys], dim=2)
            value = torch.cat([values[one], others_values], dim=2)
            for part in query[one].split(_QUERIES, dim=2):
                # Written over the queries, which nobody needs any more.
                part.copy_(
                    nn.functional.scaled_dot_product_attention(
                        part, key, value, attn_mask=bias.expand(part.shape[2], -1)
                    )
                )
        attended = attn.to_out[0](query.transpose(1, 2).flatten(2))  # (B, n, C)
        attended = attended.transpose(1, 2).reshape(x.shape)
        if attn.residual_connection:
            attended = attended + x
        result: Tensor = attended / attn.rescale_output_factor
        return result

    def _pooled(self, tokens: Tensor) -> Tensor:
        """Return the tokens of all patches, (P, heads, n, c), as one row, (1, heads, P·n, c)."""
        patches, heads, _, depth = tokens.shape
        inner = self._patches.inner(tokens.transpose(2, 3).flatten(1, 2))
        inner = inner.reshape(patches, heads, depth, -1)  # (P, heads, c, n)
        return inner.permute(1, 0, 3, 2).flatten(1, 2)[None]
