"""The picture on objects: a material that shines as the picture looks in a picture viewer."""

from __future__ import annotations

from typing import Any, Literal, cast

import bpy

from .materials import NodeTree, add_shader, empty_tree, marked_materials

Coordinates = Literal["UV", "XY", "XZ", "YZ"]
Tiling = Literal["ONCE", "TILES"]

TILES = 3
"""How often a tile is repeated along each side."""

_MARK = "mixdiff_coordinates"
_TILING = "mixdiff_tiling"
_OWN = "mixdiff_own_material"


def put_on(image: bpy.types.Image, obj: bpy.types.Object, tiling: Tiling = "ONCE") -> Coordinates:
    """Show an image on an object, in place of its active material, and return by which coordinates.

    As tiles it is repeated three times along each side, and goes on beyond.
    A material that already shows the image in the same way is used again; the one whose place it
    takes stays in the file.
    """
    coordinates = _coordinates_for(obj)
    found = (
        material
        for material in marked_materials(_MARK, image)
        if material[_MARK] == coordinates and _tiling_of(material) == tiling
    )
    material = next(found, None) or _make_material(image, coordinates, tiling)
    data: Any = obj.data
    if not obj.material_slots:
        data.materials.append(material)
        return coordinates
    slot = _slot_of(obj)
    own: Any = slot.material
    if own and not own.get(_MARK):
        own.use_fake_user = True  # or saving the file would drop the user's material
        obj[_OWN] = own
    slot.material = material
    return coordinates


def tiling_on(image: bpy.types.Image, obj: bpy.types.Object) -> Tiling | Literal[""]:
    """Return how an object shows an image in place of its active material; empty if it does not."""
    shown = _slot_of(obj).material if obj.material_slots else None
    if shown is None or shown not in marked_materials(_MARK, image):
        return ""
    return _tiling_of(shown)


def _tiling_of(material: Any) -> Tiling:
    return "TILES" if material.get(_TILING) == "TILES" else "ONCE"


def take_off(obj: Any) -> None:
    """Give an object back the material whose place a picture took."""
    slot = _slot_of(obj)
    own = obj.pop(_OWN, None)
    slot.material = own
    if own is None and slot.link == "DATA" and len(obj.material_slots) == 1:
        obj.data.materials.clear()  # the slot was made for the picture


def _slot_of(obj: bpy.types.Object) -> bpy.types.MaterialSlot:
    return obj.material_slots[obj.active_material_index or 0]


def _coordinates_for(obj: bpy.types.Object) -> Coordinates:
    data = obj.data
    if isinstance(data, bpy.types.Mesh) and data.uv_layers:
        return "UV"
    width, depth, height = cast(Any, obj.dimensions)
    thinnest = min(width, depth, height)
    if thinnest == height:
        return "XY"
    return "XZ" if thinnest == depth else "YZ"


def _make_material(
    image: bpy.types.Image, coordinates: Coordinates, tiling: Tiling
) -> bpy.types.Material:
    suffix = "" if coordinates == "UV" else f" {coordinates}"
    is_tiled = tiling == "TILES"
    material = bpy.data.materials.new(f"{image.name}{suffix}{' Tiles' if is_tiled else ''}")
    material[_MARK], material[_TILING] = coordinates, tiling
    nodes = empty_tree(material)
    place = None if coordinates == "UV" else _flattened(nodes, coordinates)
    extension = "EXTEND"
    if is_tiled:
        place, extension = _repeated(nodes, place), "REPEAT"
    texture = nodes.add("ShaderNodeTexImage", 0, 0, place, image=image, extension=extension)
    nodes.add("ShaderNodeOutputMaterial", 4, 0, add_shader(nodes, texture.outputs["Color"], 2))
    return material


def _repeated(nodes: NodeTree, place: Any) -> Any:
    """Return coordinates by which a texture is repeated along each side, as a node's Scale says."""
    if place is None:
        place = nodes.add("ShaderNodeTexCoord", -2, 1).outputs["UV"]
    mapping = nodes.add("ShaderNodeMapping", -1, 1, place)
    mapping.inputs["Scale"].default_value = (TILES, TILES, 1)
    return mapping.outputs[0]


def _flattened(nodes: NodeTree, sides: str) -> Any:
    """Return coordinates that stretch over two of the sides of the object's bounding box."""
    source = nodes.add("ShaderNodeTexCoord", -3, 0).outputs["Generated"]
    apart = nodes.add("ShaderNodeSeparateXYZ", -2, 0, source)
    return nodes.add("ShaderNodeCombineXYZ", -1, 0, *map(apart.outputs.get, sides)).outputs[0]
