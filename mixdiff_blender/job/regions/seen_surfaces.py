"""What the camera sees at each pixel, known again at another frame: surfaces and how they moved.

Letters in shapes: H W of the frame in pixels, T triangles, F pixels that show something.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from .camera import view_of
from .occluders import occluders
from .panorama import angles_of, directions
from .pieces import pieces_in
from .projection import CameraView, Floats, Ints, frame_coordinates
from .sphere import depth_buffer

_SAME_DEPTH = 0.02  # of the distance to the camera
_TEXELS = 2.0  # pixels that a piece of noise is at least wide
_OFFSET = 0.3719  # so that no surface of round numbers lies between two pieces
_BLACK = 1
Colours = NDArray[np.uint8]
_Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A surface at one of its places."""

    key: int
    """Known again at other frames."""
    first: int
    """The number of its first triangle."""
    count: int
    matrix: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenSurfaces:
    """What the camera sees of the scene at a frame."""

    view: CameraView
    owners: Ints
    """The triangle at each pixel, -1 where nothing is; (H, W), first row at the top."""
    depths: Floats
    corners: Floats
    """Of each triangle, in the world; (T, 3, 3)."""
    parts: tuple[_Part, ...]

    @classmethod
    def of(
        cls, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, height: int, width: int
    ) -> SeenSurfaces:
        """Return what a scene's camera sees of what is rendered.

        Raises: EngineError of kind `job` without a camera.
        """
        view = view_of(scene, depsgraph)
        buffer = depth_buffer(view, height, width)
        parts: list[_Part] = []
        corners: list[Floats] = []
        first = 0
        layer = depsgraph.view_layer
        assert layer is not None
        found = pieces_in(depsgraph, occluders(layer))
        for obj, pieces in found.items():
            for index, piece in enumerate(piece for piece in pieces if piece.hides):
                for place, matrix in enumerate(piece.matrices):
                    points = piece.points @ matrix[:3, :3].T + matrix[:3, 3]
                    count = len(piece.triangles)
                    numbers = np.arange(first, first + count, dtype=np.int32)
                    buffer.draw(points, piece.triangles, numbers)
                    corners.append(points[piece.triangles])
                    key = zlib.crc32(f"{obj.name_full} {index} {place}".encode())
                    parts.append(_Part(key=key, first=first, count=count, matrix=matrix))
                    first += count
        return cls(
            view=view,
            owners=buffer.owners.copy(),
            depths=buffer.depths.copy(),
            corners=np.concatenate(corners) if corners else np.empty((0, 3, 3)),
            parts=tuple(parts),
        )

    @property
    def points(self) -> Floats:
        """What is seen at each pixel, in the world; a direction where nothing is. (H, W, 3)."""
        depths = np.where(np.isfinite(self.depths), self.depths, 1.0)
        if self.view.is_panorama:
            seen = directions(*depths.shape) * depths[..., None]
        else:
            x, y = self._on_plane()
            scale = depths if self.view.is_perspective else np.ones_like(depths)
            seen = np.stack([x * scale, y * scale, -depths], axis=-1)
        to_world = np.linalg.inv(self.view.world_to_camera)
        is_none = self.owners < 0
        turned: Floats = seen @ to_world[:3, :3].T
        turned[~is_none] += to_world[:3, 3]
        turned[is_none] /= np.linalg.norm(turned[is_none], axis=-1, keepdims=True)
        return turned

    def _on_plane(self) -> tuple[Floats, Floats]:
        height, width = self.owners.shape
        view = self.view
        x = view.left + (np.arange(width) + 0.5) / width * (view.right - view.left)
        y = view.top - (np.arange(height) + 0.5) / height * (view.top - view.bottom)
        across, down = np.meshgrid(x, y)
        return across, down

    def _part_at(self) -> Ints:
        """Return the part at each pixel, -1 where nothing is; (H, W)."""
        firsts = np.array([part.first for part in self.parts], dtype=np.int64)
        found = np.searchsorted(firsts, self.owners, side="right") - 1
        return np.where(self.owners < 0, -1, found)

    def noise_colours(self) -> Colours:
        """Return a colour for each piece of a surface, the same at every frame; (H, W, 3).

        A piece is a cube in the object's own space, some pixels wide where it is seen: twice as
        wide where the surface is twice as far. What lies behind everything is pieces of directions.
        """
        height, width = self.owners.shape
        points, part_at = self.points, self._part_at()
        pixel = (self.view.right - self.view.left) / width
        depths = np.where(np.isfinite(self.depths), self.depths, 1.0)
        sizes = pixel * depths if self.view.is_perspective else np.full_like(depths, pixel)
        ids = np.zeros((height, width), dtype=np.uint64)
        if self.view.is_perspective:
            ids = _pieces(points, sizes, 0)
        for number, part in enumerate(self.parts):
            here = part_at == number
            if here.any():
                axes = part.matrix[:3, :3]
                turn = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-12)  # without its scale
                local = (points[here] - part.matrix[:3, 3]) @ np.linalg.pinv(turn).T
                ids[here] = _pieces(local, sizes[here], part.key)
        if not self.view.is_perspective:
            ids[self.owners < 0] = 0
        shifts = np.array([16, 8, 0], dtype=np.uint64)
        colours: Colours = (ids[..., None] >> shifts & np.uint64(255)).astype(np.uint8)
        return colours

    def came_from(self, earlier: SeenSurfaces) -> tuple[Floats, Floats, _Bools]:
        """Return where each pixel was at an earlier frame, and whether it was seen there.

        Shapes: rows and columns (H, W) in pixels of the earlier frame, (H, W).
        """
        height, width = earlier.owners.shape
        then, is_known = self._points_then(earlier)
        seen = frame_coordinates(earlier.view, then.reshape(-1, 3)).reshape(*then.shape[:2], 4)
        is_sky = self.owners < 0
        if self.view.is_perspective and earlier.view.is_perspective:
            toward = earlier.view.world_to_camera[:3, :3]
            turned = then[is_sky] @ toward.T
            seen[is_sky] = _directions_on_frame(earlier.view, turned)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = seen[..., 0] / seen[..., 2] * width - 0.5
            rows = (1 - seen[..., 1] / seen[..., 2]) * height - 0.5
        inside = np.isfinite(rows) & np.isfinite(columns) & (seen[..., 2] > 0)
        inside &= (rows > -0.5) & (rows < height - 0.5) & (columns > -0.5)
        inside &= columns < width - 0.5
        at = tuple(
            np.where(inside, np.rint(where), 0).astype(np.int64) for where in (rows, columns)
        )
        with np.errstate(invalid="ignore"):
            off = np.abs(earlier.depths[at] - seen[..., 3])
        same = np.where(is_sky, self.view.is_perspective, off <= _SAME_DEPTH * np.abs(seen[..., 3]))
        same &= is_known & (self._keys() == earlier._keys()[at])
        return rows, columns, inside & same

    def _keys(self) -> NDArray[np.int64]:
        """Return what is known again at each pixel, -1 where nothing is; (H, W)."""
        keys = np.array([*(part.key for part in self.parts), -1], dtype=np.int64)
        found: NDArray[np.int64] = keys[self._part_at()]
        return found

    def _points_then(self, earlier: SeenSurfaces) -> tuple[Floats, _Bools]:
        """Return where what is seen lay at an earlier frame, and whether that is known."""
        offsets = {part.key: part for part in earlier.parts}
        shift = np.zeros(len(self.corners), dtype=np.int64)
        known = np.zeros(len(self.corners) + 1, dtype=bool)
        known[-1] = True  # the last one stands for nothing
        for part in self.parts:
            before = offsets.get(part.key)
            if before is not None and before.count == part.count:
                own = slice(part.first, part.first + part.count)
                shift[own], known[own] = before.first - part.first, True
        points = self.points
        is_known = known[self.owners]
        shown = (self.owners >= 0) & is_known
        triangles = self.owners[shown]
        shares = _shares_of_corners(self.corners[triangles], points[shown])  # (F, 3)
        then = points.copy()
        before_corners = earlier.corners[triangles + shift[triangles]]
        then[shown] = (shares[:, :, None] * before_corners).sum(axis=1)
        return then, is_known


def _directions_on_frame(view: CameraView, turned: Floats) -> Floats:
    """Return a, b, w, depth of directions in the camera's space; (F, 3) → (F, 4)."""
    if view.is_panorama:
        across, up = (angle / (2 * np.pi) for angle in angles_of(turned))
        one = np.ones_like(across)
        return np.stack([across + 0.5, 2 * up + 0.5, one, one * np.inf], axis=1)
    depth = -turned[:, 2]
    across = (turned[:, 0] - view.left * depth) / (view.right - view.left)
    upwards = (turned[:, 1] - view.bottom * depth) / (view.top - view.bottom)
    return np.stack([across, upwards, depth, np.full_like(depth, np.inf)], axis=1)


def _shares_of_corners(corners: Floats, points: Floats) -> Floats:
    """Return what each corner counts at points of triangles; (F, 3, 3), (F, 3) → (F, 3)."""
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to_point = points - corners[:, 0]
    a, b, c = ((x * y).sum(axis=1) for x, y in ((one, one), (one, two), (two, two)))
    d, e = (to_point * one).sum(axis=1), (to_point * two).sum(axis=1)
    area = np.maximum(a * c - b * b, 1e-30)
    second, third = (c * d - b * e) / area, (a * e - b * d) / area
    return np.stack([1 - second - third, second, third], axis=1)


def _pieces(local: Floats, sizes: Floats, key: int) -> NDArray[np.uint64]:
    """Return a number of 24 bits for the piece that each point is in, never that of black.

    Shapes: (..., 3), (...) → (...).
    """
    levels = np.ceil(np.log2(np.maximum(sizes * _TEXELS, 1e-12)))
    places = np.floor(local / np.exp2(levels)[..., None] + _OFFSET).astype(np.int64)
    mixed = np.full(sizes.shape, key, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for values in (levels.astype(np.int64), *np.moveaxis(places, -1, 0)):
            mixed = (mixed ^ values.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
    found: NDArray[np.uint64] = np.maximum(mixed >> np.uint64(40), np.uint64(_BLACK))
    return found


def carried(picture: Colours, rows: Floats, columns: Floats) -> Colours:
    """Return a picture's colours at places between its pixels; (H, W, 3), (H, W) twice."""
    height, width = picture.shape[:2]
    rows, columns = (
        np.clip(np.nan_to_num(where), 0, side - 1)
        for where, side in ((rows, height), (columns, width))
    )
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    y, x = (rows - top)[..., None], (columns - left)[..., None]
    upper = picture[top, left] * (1 - x) + picture[top, right] * x
    lower = picture[below, left] * (1 - x) + picture[below, right] * x
    found: Colours = np.rint(upper * (1 - y) + lower * y).astype(np.uint8)
    return found
