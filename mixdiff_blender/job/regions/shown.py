"""The geometry that a render shows of objects: the one place that says what a region covers.

What the viewport shows is what the render shows wherever the two are set alike; what they are not
alike in is evaluated apart (`twins`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import bpy
import numpy as np

from .empties import corners_of, is_image_empty
from .instances import family_of, is_instanced_by_parent, may_have_instances
from .planes import WITH_SURFACE, surface_of
from .projection import Bounds, CameraView, Floats, Ints, visible_bounds
from .twins import asks_for_the_viewport, differs, twins, why_no_twin
from .visibility import LeftOut, Visibility

_POINTS_AT_ONCE = 2**18
_RECTANGLE: Ints = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
_NOT_EVALUATED = LeftOut(
    why="is disabled in viewports, and simulated",
    remedy="switch it on there (the screen in the outliner), or switch its region off",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A surface, and where in the world a render shows it.

    Shapes: points (N, 3), triangles (T, 3) of indices of points, matrices (I, 4, 4).
    """

    points: Floats
    triangles: Ints
    matrices: Floats

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
    return Bounds.around(visible_bounds(view, *part) for piece in pieces for part in piece.parts())


class ShownGeometry:
    """What a render shows of objects; `objects` are all that may be asked for."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        objects: Sequence[bpy.types.Object],
    ) -> None:
        layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._scene = scene
        self._visibility = Visibility.of(layer)
        self._unseen: dict[bpy.types.Object, LeftOut] = {}
        self._members: dict[bpy.types.Object, list[bpy.types.Object]] = {}
        alike: dict[bpy.types.Object, None] = {}
        differing: dict[bpy.types.Object, None] = {}
        for obj in objects:
            members = self._members[obj] = self._members_of(obj)
            evaluated = all(member in self._visibility.evaluated for member in members)
            if unseen := self._visibility.why_unseen(obj, layer):
                self._unseen[obj] = unseen
            elif why_no_twin(obj) and not evaluated:
                self._unseen[obj] = _NOT_EVALUATED
            elif why_no_twin(obj) or (evaluated and not self._differs(obj)):
                alike.update(dict.fromkeys(members))
            else:
                differing.update(dict.fromkeys(members))
        # First, as what is evaluated has to be asked for again afterwards.
        self._pieces: dict[bpy.types.Object, list[Piece]] = {}
        if differing:
            with twins(scene, depsgraph, differing) as (twins_depsgraph, twin_of):
                found = pieces_in(twins_depsgraph, list(twin_of.values()))
                self._pieces = {obj: found[twin] for obj, twin in twin_of.items()}
        self._pieces.update(pieces_in(depsgraph, list(alike)))

    def pieces_of(self, obj: bpy.types.Object) -> list[Piece] | LeftOut:
        """Return the pieces that a render shows of an object, or why it shows none."""
        if obj in self._unseen:
            return self._unseen[obj]
        return [piece for member in self._members[obj] for piece in self._pieces.get(member, ())]

    def doubts_about(self, obj: bpy.types.Object) -> Iterator[tuple[str, str]]:
        """Return what only a render itself evaluates of an object, and what to do."""
        if self._differs(obj) and (why := why_no_twin(obj)):
            message = f"is read as the viewport shows it: {why}, and renders are set otherwise"
            yield message, "set both alike"
        if name := asks_for_the_viewport(obj):
            message = f"is read as the viewport shows it: the nodes of {name!r} ask for it"
            yield message, "take out Is Viewport"

    def _members_of(self, obj: bpy.types.Object) -> list[bpy.types.Object]:
        """Return the objects whose pieces an object's region covers."""
        return family_of(obj, self._visibility.rendered) if obj.type == "META" else [obj]

    def _differs(self, obj: bpy.types.Object) -> bool:
        if obj.type == "META":
            # Another ball has the surface, or it has another shape.
            visible, rendered = self._visibility.evaluated, self._visibility.rendered
            family = family_of(obj, self._visibility.included)
            return any((b in visible and not b.hide_get()) != (b in rendered) for b in family)
        shown_by = obj.parent if is_instanced_by_parent(obj) else obj
        return differs(shown_by or obj, self._scene)


def pieces_in(
    depsgraph: bpy.types.Depsgraph, objects: Sequence[Any]
) -> dict[bpy.types.Object, list[Piece]]:
    """Return the pieces that objects show as a depsgraph has them.

    An object without a surface has none.
    """
    surfaces: dict[Any, tuple[Floats, Ints]] = {}
    placed: dict[tuple[bpy.types.Object, Any], list[Any]] = defaultdict(list)

    def place(owner: Any, shown: Any, matrix: Any, key: Any) -> None:
        if key not in surfaces:
            is_image = is_image_empty(shown)
            surfaces[key] = (corners_of(shown), _RECTANGLE) if is_image else surface_of(shown)
        if len(surfaces[key][1]):
            placed[owner, key].append(np.array(matrix))

    for obj in objects:
        if _shows_itself(obj):
            evaluated = obj.evaluated_get(depsgraph)
            place(obj, evaluated, evaluated.matrix_world, obj)
    instanced = {obj for obj in objects if is_instanced_by_parent(obj)}
    instancing = {obj for obj in objects if may_have_instances(obj)}
    for instance in depsgraph.object_instances if instanced or instancing else ():
        shown = instance.object
        if not instance.is_instance or shown is None or shown.type not in WITH_SURFACE:
            continue
        maker = instance.parent.original if instance.parent else None
        data: Any = shown.data
        # The objects themselves are one and the same while one goes through them.
        key = (shown.original, data.as_pointer())
        if maker in instancing:
            place(maker, shown, instance.matrix_world, key)
        if shown.original in instanced:
            place(shown.original, shown, instance.matrix_world, key)
    pieces: defaultdict[bpy.types.Object, list[Piece]] = defaultdict(list)
    for (owner, key), matrices in placed.items():
        points, triangles = surfaces[key]
        piece = Piece(points=points, triangles=triangles, matrices=np.stack(matrices))
        pieces[owner].append(piece)
    return pieces


def _shows_itself(obj: bpy.types.Object) -> bool:
    """Return whether a render shows an object where it is, beside its instances."""
    is_instancer = obj.instance_type != "NONE" or bool(obj.particle_systems)
    is_hidden = (is_instancer and not obj.show_instancer_for_render) or is_instanced_by_parent(obj)
    return not is_hidden and (obj.type in WITH_SURFACE or is_image_empty(obj))
