"""The geometry that a render shows of objects: the one place that says what a region covers.

What the viewport shows is what the render shows wherever the two are set alike; what they are not
alike in is evaluated apart (`twins`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import bpy

from .differences import Differences, asks_for_the_viewport, why_no_twin
from .instances import family_of, is_instanced_by_parent
from .kept_geometry import keep_pieces, kept_pieces
from .pieces import Piece, pieces_in
from .twins import twins
from .visibility import LeftOut, Visibility

_NOT_EVALUATED = LeftOut(
    why="is disabled in viewports, and simulated",
    remedy="switch it on there (the screen in the outliner), or switch its region off",
)


class ShownGeometry:
    """What a render shows of objects; `objects` are all that may be asked for."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        depsgraph: bpy.types.Depsgraph,
        objects: Sequence[bpy.types.Object],
        *,
        shaded: bool = False,
    ) -> None:
        """`shaded` reads normals too, and nothing of what is kept."""
        layer = self._layer = cast(bpy.types.ViewLayer, depsgraph.view_layer)
        self._scene = scene
        self._shaded = shaded
        self._differences = Differences(scene)
        self.visibility = Visibility.of(layer)
        """What the view layer's collections let through."""
        self._unseen: dict[bpy.types.Object, LeftOut] = {}
        self._members: dict[bpy.types.Object, list[bpy.types.Object]] = {}
        alike: dict[bpy.types.Object, None] = {}
        differing: dict[bpy.types.Object, None] = {}
        for obj in objects:
            members = self._members[obj] = self._members_of(obj)
            evaluated = all(member in self.visibility.evaluated for member in members)
            if unseen := self.visibility.why_unseen(obj, layer):
                self._unseen[obj] = unseen
            elif why_no_twin(obj) and not evaluated:
                self._unseen[obj] = _NOT_EVALUATED
            elif why_no_twin(obj) or (evaluated and not self._differs(obj)):
                alike.update(dict.fromkeys(members))
            else:
                differing.update(dict.fromkeys(members))
        # First, as what is evaluated has to be asked for again afterwards.
        self._pieces = self._of_twins(depsgraph, list(differing))
        self._pieces.update(pieces_in(depsgraph, list(alike), shaded=shaded))

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

    def _of_twins(
        self, depsgraph: bpy.types.Depsgraph, objects: Sequence[bpy.types.Object]
    ) -> dict[bpy.types.Object, Sequence[Piece]]:
        known = {obj: self._kept(obj) for obj in objects}
        found = {obj: pieces for obj, pieces in known.items() if pieces is not None}
        if not (unknown := [obj for obj in objects if obj not in found]):
            return found
        with twins(self._scene, depsgraph, unknown) as made:
            twin_objects = list(made.of.values())
            shown = pieces_in(made.depsgraph, twin_objects, made.originals, shaded=self._shaded)
            found |= {obj: shown[twin] for obj, twin in made.of.items()}
        for obj in () if self._shaded else unknown:
            # Blender tells nothing of the rest.
            if obj in self.visibility.evaluated and not self._differences.beyond(obj):
                keep_pieces(self._scene, obj, found[obj])
        return found

    def _kept(self, obj: bpy.types.Object) -> Sequence[Piece] | None:
        return None if self._shaded else kept_pieces(self._scene, obj)

    def _members_of(self, obj: bpy.types.Object) -> list[bpy.types.Object]:
        """Return the objects whose pieces an object's region covers."""
        return family_of(obj, self.visibility.rendered) if obj.type == "META" else [obj]

    def _differs(self, obj: bpy.types.Object) -> bool:
        if obj.type == "META":
            # Another ball has the surface, or it has another shape.
            visible, rendered = self.visibility.evaluated, self.visibility.rendered
            return any(
                (ball in visible and not ball.hide_get(view_layer=self._layer))
                != (ball in rendered)
                for ball in family_of(obj, self.visibility.included)
            )
        shown_by = obj.parent if is_instanced_by_parent(obj) else obj
        return self._differences.between(shown_by or obj)
