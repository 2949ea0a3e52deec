"""Surfaces, and where a depsgraph has them: what objects show of themselves and of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np

from .empties import corners_of, is_image_empty
from .instances import is_instanced_by_parent, may_have_instances
from .kept_surfaces import kept_hair, kept_surfaces
from .planes import Surface, material_of
from .projection import Bounds, CameraView, Floats, Ints, visible_bounds
from .strands import hair_of
from .surfaces import SHOWN, hair_on, surfaces_of
from .volumes import shows_volume_alone

_POINTS_AT_ONCE = 2**18
_HAIR = "hair"
_RECTANGLE: Ints = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)


_Read = Callable[[Any], tuple[Surface, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A surface of one material, and where in the world a render shows it.

    Shapes: points (N, 3), triangles (T, 3) of indices of points, matrices (I, 4, 4).
    """

    points: Floats
    triangles: Ints
    matrices: Floats
    shown: int = 0
    """The session's id of the object whose surface it is, wherever that is shown."""
    material: int = 0
    """The session's id of its material; 0 for none."""
    hides: bool = True
    """Whether what is behind it is hidden, also where it is no region."""
    normals: Floats | None = None
    """Which way each triangle's corners face as they are shaded, (T, 3, 3), where it was asked."""

    def parts(self) -> Iterator[tuple[Floats, Ints]]:
        """Return the surface in the world, at some of its places at once.

        Shapes: (n, 3) points; (t, 3) triangles.
        """
        at_once = max(1, _POINTS_AT_ONCE // max(1, len(self.points)))
        for first in range(0, len(self.matrices), at_once):
            some = self.matrices[first : first + at_once]
            turned = self.points @ some[:, :3, :3].transpose(0, 2, 1)
            moved = turned + some[:, None, :3, 3]  # (I, N, 3)
            offsets = len(self.points) * np.arange(len(some), dtype=self.triangles.dtype)
            indices = self.triangles[None] + offsets[:, None, None]  # (I, T, 3)
            yield moved.reshape(-1, 3), indices.reshape(-1, 3)


def bounds_of(pieces: Iterable[Piece], view: CameraView) -> Bounds | None:
    """Return the part of the camera's frame that pieces cover, or None where none is seen."""
    parts = (part for piece in pieces for part in piece.parts())
    return Bounds.around((visible_bounds(view, *part) for part in parts), view)


def pieces_in(
    depsgraph: bpy.types.Depsgraph,
    objects: Sequence[Any],
    originals: Mapping[Any, Any] = MappingProxyType({}),
    *,
    shaded: bool = False,
) -> dict[bpy.types.Object, list[Piece]]:
    """Return the pieces that objects show as a depsgraph has them, `shaded` with their normals.

    An object without a surface has none. `originals` has what twins stand for.
    """
    surfaces: dict[Any, tuple[Surface, ...]] = {}
    shown_by: dict[Any, bpy.types.Object] = {}
    volumes: set[Any] = set()
    placed: dict[tuple[bpy.types.Object, Any], list[Any]] = defaultdict(list)

    def place(owner: Any, shown: Any, matrix: Any, key: Any, read: _Read) -> None:
        if key not in surfaces:
            shown_by[key], surfaces[key] = shown.original, read(shown)
            if shown.type == "VOLUME":
                volumes.add(key)
        if surfaces[key]:
            placed[owner, key].append(np.array(matrix))

    def own(shown: Any) -> tuple[Surface, ...]:
        if is_image_empty(shown):
            return (Surface(points=corners_of(shown), triangles=_RECTANGLE),)
        if shaded:
            return surfaces_of(shown, shaded=True)
        return kept_surfaces(depsgraph, shown.original, lambda: surfaces_of(shown))

    def own_hair(shown: Any) -> tuple[Surface, ...]:
        return kept_hair(depsgraph, shown.original, lambda: hair_on(shown))

    for obj in objects:
        evaluated = obj.evaluated_get(depsgraph)
        if _shows_itself(obj):
            place(obj, evaluated, evaluated.matrix_world, obj, own)
        if hair_of(obj) and not is_instanced_by_parent(obj):
            place(obj, evaluated, evaluated.matrix_world, (obj, _HAIR), own_hair)
    instanced = {obj for obj in objects if is_instanced_by_parent(obj)}
    instancing = {obj for obj in objects if may_have_instances(obj)}
    for instance in depsgraph.object_instances if instanced or instancing else ():
        shown = instance.object
        if not instance.is_instance or shown is None or shown.type not in SHOWN:
            continue
        maker = instance.parent.original if instance.parent else None
        data: Any = shown.data
        original: Any = shown.original
        owners = [maker] if maker in instancing else []
        owners += [original] if original in instanced else []
        for owner in owners:
            # The objects themselves are one and the same while one goes through them.
            key = (original, data.as_pointer())
            place(owner, shown, instance.matrix_world, key, partial(surfaces_of, shaded=shaded))
            if instance.show_particles and hair_of(original):
                place(owner, shown, instance.matrix_world, (*key, _HAIR), hair_on)
    pieces: defaultdict[bpy.types.Object, list[Piece]] = defaultdict(list)
    materials = {material.session_uid: material for material in bpy.data.materials}
    for (owner, key), found in placed.items():
        shown, matrices = shown_by[key], np.stack(found)
        uid = originals.get(shown, shown).session_uid
        for surface in surfaces[key]:
            material = material_of(shown, surface)
            piece = Piece(
                points=surface.points,
                triangles=surface.triangles,
                matrices=matrices,
                shown=uid,
                material=material,
                hides=key not in volumes and not shows_volume_alone(materials.get(material)),
                normals=surface.normals,
            )
            pieces[owner].append(piece)
    return pieces


def _shows_itself(obj: bpy.types.Object) -> bool:
    """Return whether a render shows an object where it is, beside its instances."""
    is_instancer = obj.instance_type != "NONE" or bool(obj.particle_systems)
    is_hidden = (is_instancer and not obj.show_instancer_for_render) or is_instanced_by_parent(obj)
    return not is_hidden and (obj.type in SHOWN or is_image_empty(obj))
