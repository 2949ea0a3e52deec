"""The picture on objects: a material that shines as the picture looks in a picture viewer."""

from __future__ import annotations

from typing import Any, Literal, cast

import bpy

from .materials import NodeTree, add_shader, empty_tree, marked_materials

Coordinates = Literal["UV", "XY", "XZ", "YZ"]

_MARK = "mixdiff_coordinates"
_OWN = "mixdiff_own_material"


def put_on(image: bpy.types.Image, obj: bpy.types.Object) -> Coordinates:
    """Show an image on an object, in place of its active material, and return by which coordinates.

    A material that already shows the image in the same way is used again; the one whose place it
    takes stays in the file.
    """
    coordinates = _coordinates_for(obj)
    found = (m for m in marked_materials(_MARK, image) if m[_MARK] == coordinates)
    material = next(found, None) or _make_material(image, coordinates)
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


def is_on(image: bpy.types.Image, obj: bpy.types.Object) -> bool:
    """Return whether an object shows an image in place of its active material."""
    shown = _slot_of(obj).material if obj.material_slots else None
    return shown is not None and shown in marked_materials(_MARK, image)


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


def _make_material(image: bpy.types.Image, coordinates: Coordinates) -> bpy.types.Material:
    suffix = "" if coordinates == "UV" else f" {coordinates}"
    material = bpy.data.materials.new(f"{image.name}{suffix}")
    material[_MARK] = coordinates
    nodes = empty_tree(material)
    place = None if coordinates == "UV" else _flattened(nodes, coordinates)
    texture = nodes.add("ShaderNodeTexImage", 0, 0, place, image=image, extension="EXTEND")
    nodes.add("ShaderNodeOutputMaterial", 4, 0, add_shader(nodes, texture.outputs["Color"], 2))
    return material


def _flattened(nodes: NodeTree, sides: str) -> Any:
    """Return coordinates that stretch over two of the sides of the object's bounding box."""
    source = nodes.add("ShaderNodeTexCoord", -3, 0).outputs["Generated"]
    apart = nodes.add("ShaderNodeSeparateXYZ", -2, 0, source)
    return nodes.add("ShaderNodeCombineXYZ", -1, 0, *map(apart.outputs.get, sides)).outputs[0]
