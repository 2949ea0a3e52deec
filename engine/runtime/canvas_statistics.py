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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasStatistics:
    """What the normalisations and attentions of a network see of a canvas, by their names.

    Shapes: norms to scale and shift, (C,) each; attentions to keys and values, (1, heads, n, c).
    """

    norms: Mapping[str, tuple[Tensor, Tensor]]
    attentions: Mapping[str, tuple[Tensor, Tensor]]
    cells: int

    def applied_to(self, network: nn.Module) -> nn.Module:
        """Return a shared-weight copy of a network that sees the canvas in whatever it is given."""
        shared = _shared_weight_copy(network)
        for name, (scale, shift) in self.norms.items():
            shared.set_submodule(name, _CanvasNorm(scale, shift))
        for name, seen in self.attentions.items():
            module: Any = shared.get_submodule(name)
            module.set_processor(_CanvasAttention(self.cells, seen))
        return shared


def calibrate(network: nn.Module, crop: Crop, cells: Tensor) -> CanvasStatistics:
    """Return the statistics of a canvas, of which `crop` gives the network's input for a box.

    Shapes: cells (1, K, h, w), the few values a cell that the patches are weighted by.
    """
    height, width = cells.shape[-2:]
    patches = _Patches.over(height, width)
    weights = patches.weights(cells.cpu().double())
    shared = _shared_weight_copy(network)
    norms: dict[str, _CalibratingNorm] = {}
    attentions: dict[str, _CanvasAttention] = {}
    for name, module in list(shared.named_modules()):
        if isinstance(module, nn.GroupNorm):
            norms[name] = _CalibratingNorm(module, patches, weights)
            shared.set_submodule(name, norms[name])
        elif hasattr(module, "set_processor"):
            attentions[name] = _CalibratingAttention(height * width, patches)
            module.set_processor(attentions[name])
    shared(torch.cat([crop(box) for box in patches.boxes]))
    return CanvasStatistics(
        norms={name: norm.found for name, norm in norms.items()},
        attentions={name: attention.seen for name, attention in attentions.items()},
        cells=height * width,
    )


def _shared_weight_copy(network: nn.Module) -> nn.Module:
    kept = {id(t): t for t in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patches:
    """Boxes of one size spread over a canvas, each with some context around."""

    boxes: tuple[Box, ...]
    context_rows: int
    context_columns: int

    @classmethod
    def over(cls, height: int, width: int) -> _Patches:
        size = _PATCH_CELLS + 2 * _PATCH_CONTEXT
        rows, columns = min(size, height), min(size, width)
        down = min(max(round((_PATCHES * height / width) ** 0.5), 1), _PATCHES)
        across = _PATCHES // down
        # Random within their shares of the canvas: a fixed raster may beat with that of regions.
        shares = torch.rand((down, across, 2), generator=torch.Generator().manual_seed(0)).tolist()
        boxes = []
        for i in range(down):
            for j in range(across):
                top = int((i + shares[i][j][0]) / down * (height - rows + 1))
                left = int((j + shares[i][j][1]) / across * (width - columns + 1))
                boxes.append(Box(top=top, bottom=top + rows, left=left, right=left + columns))
        # Where a canvas is no larger than a patch, its edges are true edges.
        context_rows, context_columns = (
            _PATCH_CONTEXT if side > size else 0 for side in (height, width)
        )
        return cls(boxes=tuple(boxes), context_rows=context_rows, context_columns=context_columns)

    def weights(self, cells: Tensor) -> Tensor:
        """Return what each patch counts, calibrated with the cells of the canvas, (P,)."""
        known = torch.cat([cells[..., b.top : b.bottom, b.left : b.right] for b in self.boxes])
        known = self.inner(known).flatten(2)  # (P, K, n)
        return calibrated_weights(_moments(known), _moments(cells.flatten(2)))

    def inner(self, x: Tensor) -> Tensor:
        """Return a batch of patches without the context around each, (P, C, h, w)."""
        rows = self.boxes[0].bottom - self.boxes[0].top
        columns = self.boxes[0].right - self.boxes[0].left
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
    """Group normalisation by the statistics of the canvas."""

    def __init__(self, scale: Tensor, shift: Tensor) -> None:
        super().__init__()
        self._scale, self._shift = scale, shift

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return torch.addcmul(self._shift.view(shape), x, self._scale.view(shape))


class _CalibratingNorm(nn.Module):
    """Group normalisation by the weighted statistics of all patches, which it keeps."""

    def __init__(self, norm: nn.GroupNorm, patches: _Patches, weights: Tensor) -> None:
        super().__init__()
        self._norm, self._patches, self._weights = norm, patches, weights
        self.found: tuple[Tensor, Tensor] = (norm.weight, norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        inner = self._patches.inner(x)
        groups = self._norm.num_groups
        values = inner.reshape(len(inner), groups, -1).float()  # (P, G, n)
        weights = self._weights.to(values)[:, None]
        centre = (weights * values.mean(2)).sum(0)  # (G,)
        spread = (weights * (values - centre[:, None]).square().mean(2)).sum(0)
        per_group = x.shape[1] // groups
        scale = torch.rsqrt(spread + self._norm.eps).repeat_interleave(per_group)  # (C,)
        scale = self._norm.weight * scale
        shift = self._norm.bias - centre.repeat_interleave(per_group) * scale
        self.found = (scale, shift)
        normalised: Tensor = _CanvasNorm(scale, shift)(x)
        return normalised


class _CanvasAttention:
    """Attention of a tile to itself, and to the keys and values of patches in place of the rest."""

    def __init__(self, cells: int, seen: tuple[Tensor, Tensor]) -> None:
        self.seen = seen
        self._cells = cells

    def __call__(self, attn: Any, x: Tensor, *_: Any, temb: Any = None, **__: Any) -> Tensor:
        """Return what diffusers' own processor returns, from (B, C, h, w) to the same."""
        flat = x.flatten(2)  # (B, C, n)
        normalised = attn.group_norm(flat).transpose(1, 2)  # (B, n, C)
        query, keys, values = (
            projection(normalised).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for projection in (attn.to_q, attn.to_k, attn.to_v)
        )  # (B, heads, n, c)
        others_keys, others_values = self._others(keys, values)
        own, others = keys.shape[2], others_keys.shape[2]
        # A patch's key counts as often as there are cells that it stands for.
        stands_for = max(self._cells - own, 1) / others
        bias = x.new_zeros(own + others)
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

    def _others(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the keys and values that stand for the rest of the canvas."""
        return self.seen


class _CalibratingAttention(_CanvasAttention):
    """Attention of each patch to itself and to all patches, whose keys and values it keeps."""

    def __init__(self, cells: int, patches: _Patches) -> None:
        super().__init__(cells, (torch.ones(0), torch.ones(0)))
        self._patches = patches

    def _others(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self.seen = (self._pooled(keys), self._pooled(values))
        return self.seen

    def _pooled(self, tokens: Tensor) -> Tensor:
        """Return the tokens of all patches, (P, heads, n, c), as one row, (1, heads, P·n, c)."""
        patches, heads, _, depth = tokens.shape
        inner = self._patches.inner(tokens.transpose(2, 3).flatten(1, 2))
        inner = inner.reshape(patches, heads, depth, -1)  # (P, heads, c, n)
        return inner.permute(1, 0, 3, 2).flatten(1, 2)[None]
