"""Reference pictures as an encoder looks at them: in the size of their region, part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from engine.contract.geometry import NO_AXES, Axes, stretches

_MULTIPLE_PX = 32
_LANCZOS_PX = 3.0  # to a side


def picture_bytes(image: Image.Image) -> Tensor:
    """Return a picture as it is, (1, 3, H, W), uint8."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]


def reference_bytes(image: Image.Image) -> Tensor:
    """Return a picture as `preprocess_image` does, before its bytes become numbers in [-1, 1].

    Shapes: (1, 3, H, W), uint8; H and W are the picture's, down to a multiple of 32.
    """
    width, height = (max(side // _MULTIPLE_PX, 1) * _MULTIPLE_PX for side in image.size)
    resized = image.resize((width, height), resample=Image.Resampling.LANCZOS)
    return picture_bytes(resized)


def preprocess_image(image: Image.Image) -> Tensor:
    """Return a picture as the original's image regions take it.

    Shapes: (1, 3, H, W), float32 in [-1, 1]; H and W are the picture's, down to a multiple of 32.
    """
    return _numbers(reference_bytes(image))


def _numbers(pixels: Tensor) -> Tensor:
    """Return bytes as float32 in [-1, 1], and what is float already as it is."""
    return 2.0 * (pixels.float() / 255.0) - 1.0 if pixels.dtype == torch.uint8 else pixels


def fitted(picture: Tensor, height_px: int, width_px: int) -> Tensor:
    """Return a picture, as bytes or preprocessed, resized to a region.

    Shapes: (1, 3, H, W) to (1, 3, height, width), float32 in [-1, 1].
    """
    size = (height_px, width_px)
    return interpolate(_numbers(picture), size=size, mode="bilinear", antialias=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A picture, as bytes or preprocessed, that is resized to a region where it is looked at.

    Shapes: picture (1, 3, H, W).
    """

    picture: Tensor
    height_px: int
    width_px: int
    around: Axes = NO_AXES
    """Along which axes the picture goes all around the canvas, so that it repeats."""

    def whole(self) -> Tensor:
        """Return all of it, (1, 3, height, width)."""
        return fitted(self.picture, self.height_px, self.width_px)

    def repeated(self, rows: slice, columns: slice) -> Tensor:
        """Return some of its rows and columns, which may lie beyond its edges where it repeats."""
        bands = []
        for top, bottom in _within(rows, self.height_px, self.around.rows):
            parts = [
                self.part(slice(top, bottom), slice(left, right))
                for left, right in _within(columns, self.width_px, self.around.columns)
            ]
            bands.append(torch.cat(parts, dim=3))
        return torch.cat(bands, dim=2)

    def part(self, rows: slice, columns: slice) -> Tensor:
        """Return some of its rows and columns, with the numbers that `whole` has there.

        To float rounding: torch resizes whole pictures only, Pillow by the same filter a box.
        """
        down = _Axis.of(rows, self.picture.shape[2], self.height_px, 1.0)
        across = _Axis.of(columns, self.picture.shape[3], self.width_px, 1.0)
        return self._resized(rows, columns, down, across, Image.Resampling.BILINEAR)

    def _resized(
        self, rows: slice, columns: slice, down: _Axis, across: _Axis, by: Image.Resampling
    ) -> Tensor:
        if self.picture.shape[2:] == (self.height_px, self.width_px):
            return _numbers(self.picture[:, :, rows, columns])
        seen = _numbers(self.picture[0][:, down.seen][:, :, across.seen]).numpy()
        (left, right), (top, bottom) = across.edges, down.edges
        resized = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(channel)).resize(
                    (across.length, down.length),
                    resample=by,
                    box=(left, top, right, bottom),
                )
            )[down.wanted, across.wanted]
            for channel in seen
        ]
        return torch.from_numpy(np.stack(resized))[None]

    def cells(self, stride_px: int) -> Tensor:
        """Return the mean colour of every cell, (1, 3, height / stride, width / stride)."""
        every = slice(0, self.width_px)
        lines = (
            self.part(slice(top, top + stride_px), every)
            for top in range(0, self.height_px, stride_px)
        )
        return torch.cat([avg_pool2d(line, stride_px) for line in lines], dim=2)


def _within(part: slice, side_px: int, repeats: bool) -> list[tuple[int, int]]:
    """Return a part of an axis, as the parts of the picture that it is made of."""
    if repeats:
        return list(stretches(part.start, part.stop, side_px))
    return [(part.start, part.stop)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnlargedReference(Reference):
    """A picture that is enlarged sharply, by Lanczos' filter, where it is looked at."""

    def whole(self) -> Tensor:
        """Return all of it, (1, 3, height, width)."""
        return self.part(slice(0, self.height_px), slice(0, self.width_px))

    def part(self, rows: slice, columns: slice) -> Tensor:
        """Return some of its rows and columns, with the numbers that `whole` has there."""
        _, _, height, width = self.picture.shape
        down, across = (
            _Axis.of(part, side, own, _LANCZOS_PX, repeats=repeats)
            for part, side, own, repeats in (
                (rows, height, self.height_px, self.around.rows),
                (columns, width, self.width_px, self.around.columns),
            )
        )
        found = self._resized(rows, columns, down, across, Image.Resampling.LANCZOS)
        return found.clamp(-1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """One axis of a part: the picture's pixels that it takes to know it, and where it lies.

    `seen` are pixels of the picture; `edges` bound, within them, what is resized to `length`
    pixels, of which those `wanted` do not feel the ends.
    """

    seen: slice | Tensor
    edges: tuple[float, float]
    length: int
    wanted: slice

    @classmethod
    def of(
        cls, part: slice, picture_px: int, region_px: int, support: float, *, repeats: bool = False
    ) -> _Axis:
        """Find what the pixels `part` of a region need of the picture, which may repeat."""
        step = picture_px / region_px
        margin = math.ceil(support * max(1.0, 1.0 / step)) + 1
        if repeats:
            start, stop = part.start - margin, part.stop + margin
            first, last = math.floor(start * step), math.ceil(stop * step)
            return cls(
                seen=torch.arange(first, last) % picture_px,
                edges=(start * step - first, stop * step - first),
                length=stop - start,
                wanted=slice(margin, margin + part.stop - part.start),
            )
        start, stop = max(part.start - margin, 0), min(part.stop + margin, region_px)
        first, last = math.floor(start * step), min(math.ceil(stop * step), picture_px)
        return cls(
            seen=slice(first, last),
            edges=(start * step - first, min(stop * step, picture_px) - first),
            length=stop - start,
            wanted=slice(part.start - start, part.stop - start),
        )
