"""A surface's colours on the squares of its UV map, and what lies around its islands.

Letters in shapes: H W of the image, F texels, T triangles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...job.regions.projection import CameraView, Floats, Ints
from ...job.regions.rasteriser import DepthBuffer
from .seen_colours import Bools, Bytes, Points, SeenPicture, colours_at, encoded
from .surface import Tile, UvSurface

_AT_ONCE = 2**15
_PER_SIDE = 2  # samples of a texel's side
_NO_AREA = 1e-30
_OVERLAPPING = 0.02  # of the map's area: more than counting texels is mistaken by
_AROUND = np.array([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c])


@dataclass(slots=True, kw_only=True, eq=False)
class BakedTile:
    """A tile of the UV map while it is baked; the first row is the uppermost."""

    colours: NDArray[np.float32]
    """Linear, times how much of the texel is seen; (H, W, 3)."""
    seen: NDArray[np.float32]
    """(H, W)."""
    covered: NDArray[np.float32]
    """How much of the texel has a surface, (H, W)."""
    overlapping: float = 0.0
    """Which share of the surface has no texels of its own."""

    @classmethod
    def empty(cls, size_px: int) -> BakedTile:
        """Return one of some size without anything in it."""
        shape = (size_px, size_px)
        colours, seen, covered = (
            np.zeros((*shape, *rest), dtype=np.float32) for rest in ((3,), (), ())
        )
        return cls(colours=colours, seen=seen, covered=covered)

    @property
    def share(self) -> float:
        """How much of its surface is painted."""
        covered = float(self.covered.sum())
        return float(self.seen.sum()) / covered if covered else 0.0

    def levels(self, margin_px: int) -> Bytes:
        """Return it as it stands in a file: (H, W, 4), its last number is how much is seen.

        Islands go on for a margin beyond their borders, and colours beyond what is seen.
        """
        is_seen, is_covered = self.seen > 0, self.covered > 0
        levels = np.zeros((*self.seen.shape, 4), dtype=np.uint8)
        colours = self.colours[is_seen].astype(np.float64) / self.seen[is_seen][:, None]
        levels[is_seen, :3] = np.rint(encoded(colours) * 255)
        shares = self.seen[is_covered] / self.covered[is_covered]
        levels[is_covered, 3] = np.rint(shares * 255)
        spread(levels[..., :3], is_seen, max(margin_px, 1))
        spread(levels[..., 3:], is_covered, margin_px)
        return levels


def bake_tile(
    baked: BakedTile,
    surface: UvSurface,
    shown: Bools,
    tile: Tile,
    pictures: Sequence[SeenPicture],
) -> Iterator[float]:
    """Bake some triangles into a tile, and yield how much of it is done.

    Where several lie over each other a texel is of the one that cameras see best.
    Shapes: shown (T,).
    """
    size = len(baked.seen)
    numbers = np.nonzero(shown)[0].astype(np.int32)
    passes = [(i, j) for i in range(_PER_SIDE) for j in range(_PER_SIDE)]
    nearness = np.zeros(len(numbers))
    baked.overlapping = _overlapping(surface, numbers, tile, size)
    if baked.overlapping:
        nearness = _how_well_seen(surface, numbers, pictures)
    for done, (i, j) in enumerate(passes):
        offset = tuple(((k + 0.5) / _PER_SIDE - 0.5) / size for k in (i, j))
        view = _view_of(tile, offset)
        owners = _drawn(surface, numbers, nearness, view, size)
        places = np.nonzero(owners.ravel() >= 0)[0]
        for first in range(0, len(places), _AT_ONCE):
            some = places[first : first + _AT_ONCE]
            _add(baked, surface, owners.ravel()[some], some, view, pictures)
            yield (done + min(first + _AT_ONCE, len(places)) / len(places)) / len(passes)
    for values in (baked.colours, baked.seen, baked.covered):
        values /= len(passes)


def _view_of(tile: Tile, offset: tuple[float, ...]) -> CameraView:
    """Return the view whose frame is a tile, its samples moved a little."""
    left, bottom = (float(side + moved) for side, moved in zip(tile, offset, strict=True))
    return CameraView(
        world_to_camera=np.eye(4),
        left=left,
        right=left + 1,
        bottom=bottom,
        top=bottom + 1,
        near=-2.0,
        far=2.0,
        is_perspective=False,
    )


def _drawn(
    surface: UvSurface, numbers: Ints, nearness: Floats, view: CameraView, size: int
) -> Ints:
    """Return which triangle is at each sample of a tile, -1 where none is; (H, W)."""
    buffer = DepthBuffer(view, size, size)
    flat = np.empty((len(numbers), 3, 3))
    flat[..., :2], flat[..., 2] = surface.uvs[numbers], nearness[:, None]
    corners = np.arange(3 * len(numbers), dtype=np.int32).reshape(-1, 3)
    buffer.draw(flat.reshape(-1, 3), corners, numbers)
    return buffer.owners


def _overlapping(surface: UvSurface, numbers: Ints, tile: Tile, size: int) -> float:
    """Return which share of triangles' area in the UV map lies over other triangles."""
    one, two, three = surface.uvs[numbers].transpose(1, 0, 2)
    (a, b), (c, d) = (two - one).T, (three - one).T
    area = np.abs(a * d - b * c).sum() / 2
    owners = _drawn(surface, numbers, np.zeros(len(numbers)), _view_of(tile, (0.0, 0.0)), size)
    share = 1 - float((owners >= 0).mean()) / max(float(area), _NO_AREA)
    return share if share > _OVERLAPPING else 0.0


def _how_well_seen(surface: UvSurface, numbers: Ints, pictures: Sequence[SeenPicture]) -> Floats:
    """Return from 0 to 1 how well cameras see triangles, by four of their points; (T,)."""
    thirds = np.full((1, 3), 1 / 3)
    shares = np.concatenate([thirds, np.eye(3) * 0.75 + 0.25 * thirds])  # (4, 3)
    found = np.zeros(len(numbers))
    for weights in shares:
        of_all = np.repeat(weights[:, None], len(numbers), axis=1)
        points = _points(surface, numbers, of_all)
        _, seen, turned = colours_at(pictures, points, surface.to_world[:3, :3])
        found += (seen * 0.75 + turned * 0.25) / len(shares)
    return found


def _add(
    baked: BakedTile,
    surface: UvSurface,
    owners: Ints,
    places: NDArray[np.intp],
    view: CameraView,
    pictures: Sequence[SeenPicture],
) -> None:
    """Add what is seen at one sample of some texels."""
    size = len(baked.seen)
    rows, columns = np.divmod(places, size)
    at = np.stack(
        [view.left + (columns + 0.5) / size, view.top - (rows + 0.5) / size], axis=1
    )  # (F, 2)
    shares = _shares(surface.uvs[owners], at)
    points = _points(surface, owners, shares)
    colours, seen, _ = colours_at(pictures, points, surface.to_world[:3, :3])
    baked.colours.reshape(-1, 3)[places] += (colours * seen).T.astype(np.float32)
    baked.seen.reshape(-1)[places] += seen.astype(np.float32)
    baked.covered.reshape(-1)[places] += 1


def _shares(uvs: Floats, at: Floats) -> Floats:
    """Return what each corner counts at places of triangles; (F, 3, 2), (F, 2) → (3, F)."""
    first, one, two = uvs.transpose(1, 2, 0)
    one, two, to = one - first, two - first, at.T - first
    area = one[0] * two[1] - one[1] * two[0]
    area = np.where(np.abs(area) < _NO_AREA, np.inf, area)
    second = (to[0] * two[1] - to[1] * two[0]) / area
    third = (one[0] * to[1] - one[1] * to[0]) / area
    shares = np.clip(np.stack([1 - second - third, second, third]), 0.0, 1.0)
    found: Floats = shares / shares.sum(axis=0)
    return found


def _points(surface: UvSurface, triangles: Ints, shares: Floats) -> Points:
    """Return points of triangles by what each corner counts; (F,), (3, F)."""
    corners = surface.triangles[triangles]  # (F, 3)
    places, smooth = np.zeros((3, len(triangles))), np.zeros((3, len(triangles)))
    for corner, weights in enumerate(shares):
        places += surface.points[corners[:, corner]].T * weights
        smooth += surface.normals[triangles, corner].T * weights
    flat = surface.faces[triangles].T
    return Points(places=places, smooth=smooth, flat=flat, triangles=triangles)


def spread(values: NDArray[np.uint8], known: Bools, by_px: int) -> None:
    """Have what is known go on into what is not, for so many texels on all sides.

    Shapes: values (H, W, n), changed in place; known (H, W).
    """
    height, width = known.shape
    known = known.copy()
    padded = np.pad(known, 1, constant_values=True)
    inner = np.logical_and.reduce(
        [padded[1 + r : 1 + r + height, 1 + c : 1 + c + width] for r, c in _AROUND]
    )
    rows, columns = np.nonzero(known & ~inner)
    for _ in range(by_px):
        around = np.stack([rows, columns], axis=1)[:, None] + _AROUND  # (F, 8, 2)
        inside = ((around >= 0) & (around < (height, width))).all(axis=2)
        inside[inside] = ~known[tuple(around[inside].T)]
        source = np.nonzero(inside)[0]
        next_rows, next_columns = around[inside].T
        values[next_rows, next_columns] = values[rows[source], columns[source]]
        known[next_rows, next_columns] = True
        if not len(next_rows):
            return
        rows, columns = np.divmod(np.unique(next_rows * width + next_columns), width)
