"""Which triangle the camera sees at each pixel, where it lies and which way it faces.

Letters in shapes: H W of the canvas in pixels, T triangles of a piece, I its places, V triangles
that are seen, F pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..regions.camera import view_of
from ..regions.occluders import occluders
from ..regions.panorama import directions
from ..regions.pieces import Piece
from ..regions.projection import CameraView, Canvas, Floats, Ints
from ..regions.shown import ShownGeometry
from ..regions.sphere import depth_buffer
from ..regions.visibility import LeftOut

_POINTS_AT_ONCE = 2**17
_NO_AREA = 1e-30

Colours = NDArray[np.uint8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A piece, what shows it, and the number of its first triangle at its first place."""

    owner: bpy.types.Object
    piece: Piece
    number: int
    first: int

    @property
    def end(self) -> int:
        return self.first + len(self.piece.triangles) * len(self.piece.matrices)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadTriangles:
    """All that renders show of a scene, read and not looked at yet."""

    view: CameraView
    canvas: Canvas
    parts: tuple[_Part, ...]

    @classmethod
    def of(
        cls, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, canvas: Canvas
    ) -> ReadTriangles:
        """Read it, in Blender's thread.

        Raises: EngineError of kind `job` without a camera.
        """
        view = view_of(scene, depsgraph)
        layer = depsgraph.view_layer
        assert isinstance(layer, bpy.types.ViewLayer)
        objects = occluders(layer)
        shown = ShownGeometry(scene, depsgraph, objects, shaded=True)
        pieces = {obj: shown.pieces_of(obj) for obj in objects}
        parts = _numbered({o: p for o, p in pieces.items() if not isinstance(p, LeftOut)})
        return cls(view=view, canvas=canvas, parts=tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenTriangles:
    """What the camera sees of what renders show, in the camera's space: −z is ahead."""

    view: CameraView
    triangles: Ints
    """The seen triangle at the middle of each pixel, -1 where nothing is; (H, W), from the top."""
    depths: Floats
    """How far before the camera, infinite where nothing is; (H, W)."""
    corners: Floats
    """(V, 3, 3)."""
    normals: Floats
    """Of each corner as it is shaded, turned towards the camera; (V, 3, 3), unit length."""
    faces: Floats
    """Of each triangle as it lies, turned towards the camera; (V, 3), unit length."""
    owners: Ints
    """Which of the pieces each triangle is of; (V,)."""
    pieces: tuple[tuple[bpy.types.Object, Piece], ...]
    """Each with the object that shows it."""

    @classmethod
    def of(
        cls, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph, canvas: Canvas
    ) -> SeenTriangles:
        """Look at all that renders show of a scene, pixel by pixel of a canvas.

        Raises: EngineError of kind `job` without a camera.
        """
        return cls.of_read(ReadTriangles.of(scene, depsgraph, canvas))

    @classmethod
    def of_read(cls, read: ReadTriangles) -> SeenTriangles:
        """Look at what was read, in whatever thread."""
        view, canvas, parts = read.view, read.canvas, read.parts
        buffer = depth_buffer(view, canvas.height_px, canvas.width_px)
        for points, triangles, numbers in _batches(parts):
            buffer.draw(points, triangles, numbers)
        numbers = buffer.owners
        seen = np.unique(numbers[numbers >= 0])
        found = [_in_camera_space(part, seen, view) for part in parts]
        triangles = np.where(numbers < 0, -1, np.searchsorted(seen, numbers)).astype(np.int32)
        corners, normals, faces, owners = (
            np.concatenate([one[index] for one in found]) if found else np.empty(shape)
            for index, shape in enumerate(((0, 3, 3), (0, 3, 3), (0, 3), (0,)))
        )
        return cls(
            view=view,
            triangles=triangles,
            depths=buffer.depths,
            corners=corners,
            normals=normals,
            faces=faces,
            owners=owners.astype(np.int32),
            pieces=tuple((part.owner, part.piece) for part in parts),
        )

    @property
    def is_seen(self) -> Bools:
        """Where anything is, (H, W)."""
        found: Bools = self.triangles >= 0
        return found

    @property
    def sample(self) -> float:
        """The width of a pixel in camera space; of a perspective camera at the distance 1."""
        width: int = self.triangles.shape[1]
        return (self.view.right - self.view.left) / width

    def points(self, rows: slice) -> Floats:
        """Return what is seen at the pixels of some rows, in the camera's space; (h, W, 3).

        Where nothing is, numbers mean nothing.
        """
        height, width = self.triangles.shape
        view = self.view
        depths = np.where(np.isfinite(self.depths[rows]), self.depths[rows], 1.0)
        if view.is_panorama:
            rays: Floats = directions(height, width)[rows]
            return rays * depths[..., None]
        x = view.left + (np.arange(width) + 0.5) / width * (view.right - view.left)
        y = view.top - (np.arange(height)[rows] + 0.5) / height * (view.top - view.bottom)
        across, up = np.meshgrid(x, y)
        scale = depths if view.is_perspective else np.ones_like(depths)
        return np.stack([across * scale, up * scale, -depths], axis=-1)

    def shaded(self, triangles: Ints, points: Floats) -> Floats:
        """Return which way triangles face at points in their planes, as they are shaded.

        Shapes: (F,), (F, 3) → (F, 3), unit length.
        """
        shares = _shares_of_corners(self.corners[triangles], points)  # (F, 3)
        return unit((shares[:, :, None] * self.normals[triangles]).sum(axis=1))


def _numbered(pieces: Mapping[bpy.types.Object, Iterable[Piece]]) -> Iterator[_Part]:
    """Yield the pieces that hide what is behind them: no volumes."""
    first = 0
    all_ = ((owner, piece) for owner, some in pieces.items() for piece in some if piece.hides)
    for number, (owner, piece) in enumerate(all_):
        part = _Part(owner=owner, piece=piece, number=number, first=first)
        yield part
        first = part.end


def _batches(parts: Iterable[_Part]) -> Iterator[tuple[Floats, Ints, Ints]]:
    """Yield points, triangles and the triangles' numbers, which go on from 0, many at once."""
    points: list[Floats] = []
    triangles: list[Ints] = []
    count = begun = done = 0

    def batch() -> tuple[Floats, Ints, Ints]:
        numbers = np.arange(begun, done, dtype=np.int32)
        return np.concatenate(points), np.concatenate(triangles), numbers

    for part in parts:
        for some, corners in part.piece.parts():
            points.append(some)
            triangles.append(corners + np.int32(count))
            count, done = count + len(some), done + len(corners)
            if count >= _POINTS_AT_ONCE:
                yield batch()
                points, triangles, count, begun = [], [], 0, done
    if points:
        yield batch()


def _in_camera_space(
    part: _Part, seen: Ints, view: CameraView
) -> tuple[Floats, Floats, Floats, Ints]:
    """Return corners, normals, faces and owner of those of a part's triangles that are seen.

    Shapes: seen (V,), sorted → (v, 3, 3), (v, 3, 3), (v, 3), (v,).
    """
    begin, end = np.searchsorted(seen, (part.first, part.end))
    places, own = np.divmod(seen[begin:end] - part.first, len(part.piece.triangles))
    matrices = view.world_to_camera @ part.piece.matrices[places]  # (v, 4, 4)
    axes = matrices[:, :3, :3]
    corners = part.piece.points[part.piece.triangles[own]]  # (v, 3, 3)
    corners = corners @ axes.transpose(0, 2, 1) + matrices[:, None, :3, 3]
    sides = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    mirrored = np.where(np.linalg.det(axes) < 0, -1.0, 1.0)[:, None]
    faces = unit(np.cross(*sides)) * mirrored  # outwards, as the normals of corners
    if part.piece.normals is None:
        normals = np.repeat(faces[:, None], 3, axis=1)
    else:
        # Normals turn by the transposed inverse: cofactors, which every matrix has.
        turned = np.stack([np.cross(axes[:, k - 2], axes[:, k - 1]) for k in range(3)], axis=1)
        normals = unit(part.piece.normals[own] @ turned.transpose(0, 2, 1)) * mirrored[:, None]
    toward = -corners[:, 0] if view.is_perspective else np.array([0.0, 0.0, 1.0])
    turn = np.where((faces * toward).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    owners = np.full(len(own), part.number, dtype=np.int32)
    return corners, normals * turn[:, None], faces * turn, owners


def unit(vectors: Floats) -> Floats:
    """Return vectors of length 1, (..., 3); nothing stays nothing."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Floats = vectors / np.maximum(lengths, _NO_AREA)
    return found


def _shares_of_corners(corners: Floats, points: Floats) -> Floats:
    """Return what each corner counts at points of triangles; (F, 3, 3), (F, 3) → (F, 3)."""
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to_point = points - corners[:, 0]
    a, b, c = ((x * y).sum(axis=1) for x, y in ((one, one), (one, two), (two, two)))
    d, e = (to_point * one).sum(axis=1), (to_point * two).sum(axis=1)
    area = np.maximum(a * c - b * b, _NO_AREA)
    second, third = (c * d - b * e) / area, (a * e - b * d) / area
    shares = np.stack([1 - second - third, second, third], axis=1)
    # A point of a pixel's middle may lie beside a sliver: no corner counts for more than all.
    shares = np.clip(shares, 0.0, 1.0)
    found: Floats = shares / shares.sum(axis=1, keepdims=True)
    return found
