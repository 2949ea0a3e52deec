"""The list of a scene's regions in the job's order: objects, groups, layers of annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import bpy

from ...properties import RegionEntry, RegionSettings, canvas_settings, region_settings
from ...properties.repair import repair
from .annotations import layers_of
from .visibility import objects_of

Group = bpy.types.Collection | bpy.types.Material
"""What several objects have in common, and can be a region."""

GATHERED = "mixdiff_gathered"
"""Marks collections that are there for a region alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is a region, listed or not yet."""

    id: str
    """Survives renaming; made of the name where nobody could note one yet."""
    name: str
    object: bpy.types.Object | None = None
    group: Group | None = None
    layer: str = ""
    settings: RegionSettings


def entries(scene: bpy.types.Scene) -> list[RegionEntry]:
    """Return the entries whose object, group or layer is there, in order, switched on or off."""
    listed = canvas_settings(scene).regions
    if not len(listed):
        return []
    objects, layers = set(objects_of(scene)), layers_of(scene)
    return [entry for entry in listed if _is_alive(entry, objects, layers)]


def sources(scene: bpy.types.Scene) -> list[Source]:
    """Return all that is a region, in the job's order, switched on or off.

    What is not listed yet comes last, in the order of names: a script need not know of the list.
    """
    found = [source_of(entry) for entry in entries(scene)]
    found += [source_of_object(obj) for obj in _unlisted(scene)]
    ids = [source.id for source in found]
    return [
        # A copy that nobody has given its own id yet.
        replace(source, id=f"{source.id} {number}") if source.id in ids[:number] else source
        for number, source in enumerate(found)
    ]


def has_region(scene: bpy.types.Scene) -> bool:
    """Return whether anything is a region and switched on; quick where one is listed."""
    listed = canvas_settings(scene).regions
    return any(settings_of(entry).enabled for entry in listed) or any(
        region_settings(obj).enabled for obj in objects_of(scene)
    )


def sync(scene: bpy.types.Scene) -> bool:
    """Add what is a region and not listed yet, drop what is gone; return whether anything was.

    Writes to the scene: only for operators, handlers and timers.
    """
    if scene.library is not None:
        return False  # nothing of a linked scene can be changed
    _follow_renamed_layer(scene)
    listed = canvas_settings(scene).regions
    objects, layers = set(objects_of(scene)), layers_of(scene)
    dead = [i for i, entry in enumerate(listed) if not _is_alive(entry, objects, layers)]
    for index in reversed(dead):
        listed.remove(index)
    _let_go_of_deleted(listed)
    missing = _unlisted(scene)
    for obj in missing:
        repair(region_settings(obj))  # it may be appended from any file
        listed.add().object = obj
        _follow_model(region_settings(obj), scene)
    _note_ids(scene)
    return bool(dead or missing)


def _let_go_of_deleted(listed: Iterable[RegionEntry]) -> None:
    """Take out of regions' own collections what was deleted, or it would stay in the file."""
    for collection in {entry.collection for entry in listed}:
        if collection is not None and _is_own(collection):
            for obj in [obj for obj in collection.objects if not obj.users_scene]:
                collection.objects.unlink(obj)


def _is_own(collection: Any) -> bool:
    return bool(collection.get(GATHERED)) and collection.library is None


def _follow_model(settings: RegionSettings, scene: bpy.types.Scene) -> None:
    """Give a new region the guidance of the canvas, which follows the scene's model."""
    if settings.id_data.library is None and not settings.is_property_set("guidance_scale"):
        settings.guidance_scale = canvas_settings(scene).guidance_scale


def unique_names(found: Sequence[Source]) -> dict[str, str]:
    """Return a name that no other has for each region, by its id."""
    names: dict[str, str] = {}
    for source in found:
        name, number = source.name, 2
        while name in names.values():
            name, number = f"{source.name} {number}", number + 1
        names[source.id] = name
    return names


def _note_ids(scene: bpy.types.Scene) -> None:
    """Give each region an id of its own; of an original and its copy the copy gets another."""
    own = [
        (entry, settings_of(entry))
        for entry in canvas_settings(scene).regions
        if settings_of(entry).id_data.library is None
    ]
    held, used = {settings.uid for _, settings in own}, set[str]()
    for entry, settings in own:
        if not settings.uid or settings.uid in used:
            owner: Any = settings.id_data
            group = group_of(entry)
            key = (owner.session_uid, f"{group.session_uid}" if group else entry.layer)
            if _given.get(key, "") in {"", *held}:
                _given[key] = uuid4().hex
            settings.uid = _given[key]
            held.add(settings.uid)
        used.add(settings.uid)


# Undo takes a scene back to before a region was given its id.
_given: dict[tuple[int, str], str] = {}


def list_object(scene: bpy.types.Scene, obj: bpy.types.Object) -> None:
    """Make an object a region, at the end of the list unless it is there already."""
    region_settings(obj).enabled = True
    sync(scene)


def list_layer(scene: bpy.types.Scene, layer: str) -> RegionEntry:
    """Make a layer of annotations a region, at the end of the list unless it is there already."""
    listed = canvas_settings(scene).regions
    found = [entry for entry in listed if entry.layer == layer and _is_of_layer(entry)]
    entry: RegionEntry = found[0] if found else listed.add()
    entry.layer = layer
    return _switched_on(scene, entry)


def list_group(scene: bpy.types.Scene, group: Group) -> RegionEntry:
    """Make a collection or a material a region, at the end of the list unless it is there."""
    listed = canvas_settings(scene).regions
    found = [entry for entry in listed if group_of(entry) == group]
    entry: RegionEntry = found[0] if found else listed.add()
    if isinstance(group, bpy.types.Collection):
        entry.collection = group
    else:
        entry.material = group
    return _switched_on(scene, entry)


def _switched_on(scene: bpy.types.Scene, entry: RegionEntry) -> RegionEntry:
    entry.settings.enabled = True
    _follow_model(entry.settings, scene)
    _note_ids(scene)
    return entry


def group_of(entry: RegionEntry) -> Group | None:
    """Return the collection or the material that is the region, if one is."""
    return None if entry.object is not None else entry.collection or entry.material


def _is_of_layer(entry: RegionEntry) -> bool:
    return entry.object is None and group_of(entry) is None


def settings_of(entry: RegionEntry) -> RegionSettings:
    """Return what an entry's region asks for."""
    return region_settings(entry.object) if entry.object is not None else entry.settings


def _is_alive(entry: RegionEntry, objects: set[bpy.types.Object], layers: dict[str, Any]) -> bool:
    if entry.object is not None:
        return entry.object in objects
    if group_of(entry) is not None:
        return True
    return bool(entry.layer) and entry.layer in layers


_layers_cached: dict[int, tuple[str, ...]] = {}


def _follow_renamed_layer(scene: bpy.types.Scene) -> None:
    """Let an entry follow its layer to a new name: the only thing that tells layers apart."""
    now = tuple(layers_of(scene))
    before = _layers_cached.get(scene.session_uid, now)
    _layers_cached[scene.session_uid] = now
    changed = [(old, new) for old, new in zip(before, now, strict=False) if old != new]
    if len(before) != len(now) or len(changed) != 1:
        return
    ((old, new),) = changed
    for entry in canvas_settings(scene).regions:
        if _is_of_layer(entry) and entry.layer == old:
            entry.layer = new


def _unlisted(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    listed = {entry.object for entry in canvas_settings(scene).regions}
    found = {o for o in objects_of(scene) if region_settings(o).enabled and o not in listed}
    return sorted(found, key=lambda obj: obj.name_full)


def source_of(entry: RegionEntry) -> Source:
    """Return an entry as a region."""
    if entry.object is not None:
        return source_of_object(entry.object)
    settings = entry.settings
    if (group := group_of(entry)) is not None:
        id_ = settings.uid or f"{type(group).__name__} {group.name_full}"
        return Source(id=id_, name=group.name, group=group, settings=settings)
    id_ = settings.uid or f"layer {entry.layer}"
    return Source(id=id_, name=entry.layer, layer=entry.layer, settings=settings)


def source_of_object(obj: bpy.types.Object) -> Source:
    """Return an object as a region, whether it is one or not."""
    settings = region_settings(obj)
    # A linked object has the id of the one that it is linked from, which may be here too.
    uid = "" if obj.library else settings.uid
    id_ = uid or f"object {obj.name_full}"
    return Source(id=id_, name=obj.name, object=obj, settings=settings)
