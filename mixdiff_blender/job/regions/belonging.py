"""Which region each surface belongs to: objects' own, materials', collections'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import bpy

from ...properties import region_settings
from .entries import Group, Source, entries, source_of, source_of_object
from .pieces import Piece

Belongs = Callable[[bpy.types.Object, Piece], bool]


def belongs_to(group: Group) -> Belongs:
    """Return what tells whether a piece is a group's that an object shows, itself or of others."""
    if isinstance(group, bpy.types.Material):
        material: int = group.session_uid
        return lambda owner, piece: piece.material == material
    held = _uids_in(group)
    return lambda owner, piece: not held.isdisjoint(_what_holds(owner, piece))


def held_by(group: Group) -> Iterator[int]:
    """Return what a collection holds, by sessions' ids: of some changes Blender sends no update."""
    if isinstance(group, bpy.types.Collection):
        yield from sorted(_uids_in(group))


def members_of(group: Group, objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """Return those of some objects that a collection holds, or that have a material."""
    if isinstance(group, bpy.types.Material):
        return [obj for obj in objects if any(s.material == group for s in obj.material_slots)]
    held = _uids_in(group)
    return [obj for obj in objects if obj.session_uid in held]


def sources_with(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> Iterator[Source]:
    """Return the regions that objects are, or else are a part of.

    Those among them, too, that objects have been.
    """
    yield from map(source_of_object, objects)
    parts = [obj for obj in objects if not region_settings(obj).enabled]
    for source in map(source_of, entries(scene)):
        if source.group is not None and members_of(source.group, parts):
            yield source


class Belonging:
    """Gives each surface to one of the regions that cover what is seen of them.

    An object's own region comes before its materials', those before its collections'; of several
    collections the one that holds the fewest objects has it. An instance belongs to the collections
    of the object that it shows, else to the collection that is shown, else to those of what shows
    it.
    """

    def __init__(self, numbers: Mapping[str, int], sources: Iterable[Source]) -> None:
        """`numbers` has the number of each of the sources, by its id."""
        self.of_objects: dict[bpy.types.Object, int] = {}
        self._of_materials: dict[int, int] = {}
        self._of_held: dict[int, int] = {}
        collections: list[tuple[set[int], int]] = []
        for source in sources:
            number, group = numbers[source.id], source.group
            if source.object is not None:
                self.of_objects[source.object] = number
            elif isinstance(group, bpy.types.Material):
                self._of_materials[group.session_uid] = number
            elif group is not None:
                collections.append((_uids_in(group), number))
        for held, number in sorted(collections, key=lambda one: len(one[0])):
            for uid in held:
                self._of_held.setdefault(uid, number)

    def number_of(self, owner: bpy.types.Object, piece: Piece) -> int:
        """Return the number of the region that a piece belongs to; 0 for none."""
        return (
            self.of_objects.get(owner)
            or self._of_materials.get(piece.material)
            or next(filter(None, map(self._of_held.get, _what_holds(owner, piece))), 0)
        )


def _what_holds(owner: bpy.types.Object, piece: Piece) -> tuple[int, ...]:
    """Return what a collection may hold so that a piece is its: the nearest to the piece first."""
    collection: Any = owner.instance_collection if owner.instance_type == "COLLECTION" else None
    return piece.shown, collection.session_uid if collection else 0, owner.session_uid


def _uids_in(collection: bpy.types.Collection) -> set[int]:
    """Return the sessions' ids of a collection, of those in it, and of all their objects."""
    parts: list[Any] = [collection, *collection.children_recursive, *collection.all_objects]
    return {part.session_uid for part in parts}
