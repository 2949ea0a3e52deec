"""Words that prompts take from the scene: `{object}`, and names made readable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import bpy

from .prompts import FIELDS, Words, fields_in
from .regions.entries import Group, Source

_NUMBER = re.compile(r"\.\d{3,}$")  # which Blender adds to what has a name already
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BETWEEN = re.compile(r"[\s_.-]+")
_GIVEN_BY_BLENDER = frozenset(
    {
        *("cube", "plane", "sphere", "icosphere", "cylinder", "cone", "torus", "grid", "circle"),
        *("suzanne", "roundcube", "mesh", "object", "empty", "image", "region", "group"),
        *("curve", "curves", "hair", "surface", "text", "mball", "meta", "volume", "pointcloud"),
        *("bezier curve", "bezier circle", "bézier curve", "bézier circle", "bzier curve"),
        *("nurbs curve", "nurbs circle", "nurbs path", "surf patch", "surf sphere", "surf torus"),
        *("surf cylinder", "surf circle", "surf curve", "stroke", "gpencil", "grease pencil"),
        *("material", "dots stroke", "collection", "scene collection", "master collection"),
    }
)


def readable(name: str) -> str:
    """Return a name as one would write it: `Old_House.001` is an old house."""
    text = _BETWEEN.sub(" ", _HUMP.sub(" ", _NUMBER.sub("", name)))
    return text.strip().lower()


def prompt_from_names(obj: bpy.types.Object) -> str:
    """Return what an object's name says that it is; else its material's, else its collection's.

    Names that Blender gives say nothing.
    """
    return next(filter(None, map(_said_by, _names(obj))), "")


def prompt_from_group(group: Group) -> str:
    """Return what the name of a collection or a material says that it is."""
    return _said_by(group.name)


def _said_by(name: str) -> str:
    text = readable(name)
    return text if text not in _given_by_blender() else ""


def words_of(scene: bpy.types.Scene, source: Source | None = None) -> Words:
    """Return the words that a region's prompts can take from the scene; without one, the rest."""
    obj, group = (source.object, source.group) if source else (None, None)
    material, collection = (_material(obj), _collection(obj)) if obj else ("", "")
    if isinstance(group, bpy.types.Material):
        material = group.name
    elif group is not None:
        collection = group.name
    return {
        "object": readable(source.name) if source and group is None else "",
        "material": readable(material),
        "collection": readable(collection),
        "frame": f"{scene.frame_current}",
    }


def doubts_about_fields(text: str, words: Words) -> Iterator[tuple[str, str]]:
    """Yield what is doubtful about a prompt's fields, and what to do."""
    for field in dict.fromkeys(fields_in(text)):
        if field not in words:
            known = ", ".join(f"{{{one}}}" for one in FIELDS)
            message = f"{{{field}}} is nothing that prompts take from the scene"
            yield message, f"use one of {known}; double the braces to have them in the prompt"
        elif not words[field]:
            yield f"{{{field}}} leaves nothing: there is no {field} here", "take it out, or add one"


@lru_cache(maxsize=1)
def _given_by_blender() -> frozenset[str]:
    """Return the names that Blender gives, in the language that it has for new data too."""
    translated = bpy.app.translations.pgettext_data
    return _GIVEN_BY_BLENDER | {
        readable(translated(name.title()) or name) for name in _GIVEN_BY_BLENDER
    }


def _names(obj: bpy.types.Object) -> Iterator[str]:
    yield obj.name
    yield _material(obj)
    yield _collection(obj)


def _material(obj: Any) -> str:
    slots = [slot.material for slot in obj.material_slots if slot.material]
    shown = obj.active_material or (slots[0] if slots else None)
    return str(shown.name) if shown else ""


def _collection(obj: Any) -> str:
    """Return the collection that an object lies in, other than a scene's own."""
    found = (one.name for one in obj.users_collection if one in bpy.data.collections[:])
    return next(found, "")
