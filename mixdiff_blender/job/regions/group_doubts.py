"""What is to be said of regions of several objects: why they cover nothing, what is doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from .entries import Group
from .visibility import LeftOut, Visibility

_MOST_NAMED = 3
_WITHOUT_SILHOUETTE = frozenset({"POINTCLOUD", "GPENCIL", "GREASEPENCIL"})
_NOT_COVERED = (
    "is not covered, as points and Grease Pencil have no silhouette",
    "paint a mask (Mask Picture), or let it be",
)

_ON_NOTHING = LeftOut(
    why="is on nothing that a render shows",
    remedy="give it to an object, or switch its region off",
)
_EMPTY = LeftOut(why="holds no object", remedy="move objects into it (M), or switch its region off")
_NO_SURFACE = LeftOut(
    why="holds nothing with a surface",
    remedy="put objects with a surface into it, or switch its region off",
)


def why_empty(group: Group, visibility: Visibility, layer: bpy.types.ViewLayer) -> LeftOut:
    """Return why a render shows nothing of a collection or a material."""
    if isinstance(group, bpy.types.Material):
        return _ON_NOTHING
    members: Any = group.all_objects
    if not len(members):
        return _EMPTY
    unseen = [visibility.why_unseen(obj, layer) for obj in members]
    first = next((why for why in unseen if why is not None), None)
    if first is None or None in unseen:
        return _NO_SURFACE
    return LeftOut(
        why=f"holds nothing that is seen: {members[0].name!r} {first.why}", remedy=first.remedy
    )


def not_covered(members: Iterable[bpy.types.Object]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Return the names of members that a render shows and no silhouette, and what to do."""
    for obj in members:
        if obj.type in _WITHOUT_SILHOUETTE:
            yield obj.name, _NOT_COVERED


def about_members(
    doubts: Iterable[tuple[str, tuple[str, str]]],
) -> Iterator[tuple[str, str]]:
    """Return each doubt once, with the names of those that it is about."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, doubt in doubts:
        names.setdefault(doubt, []).append(name)
    for (message, remedy), found in names.items():
        named = ", ".join(repr(name) for name in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        yield f"has {named}{more}, which {message}", remedy
