"""The picture on objects: a material that shines as the picture looks in a picture viewer."""

from __future__ import annotations

from typing import Any, Literal, cast

import bpy

from .materials import NodeTree, add_paint, empty_tree, marked_materials

Coordinates = Literal["UV", "XY", "XZ", "YZ"]

_MARK = "mixdiff_coordinates"


def put_on(image: bpy.types.Image, obj: bpy.types.Object) -> bpy.types.Material:
    """Show an image on an object, in place of its active material, and return the new one.

    A material that already shows the image in the same way is used again; the one whose place it
    takes stays in the file.
    """
    coordinates = _coordinates_for(obj)
    found = (m for m in image_materials(image) if m[_MARK] == coordinates)
    material = next(found, None) or _make_material(image, coordinates)
    data: Any = obj.data
    if not obj.material_slots:
        data.materials.append(material)
        return material
    slot = obj.material_slots[obj.active_material_index or 0]
    if slot.material and slot.material != material:
        slot.material.use_fake_user = True  # or saving the file would drop the user's material
    slot.material = material
    return material


def image_materials(image: bpy.types.Image) -> list[bpy.types.Material]:
    """Return the materials that `put_on` has made for an image."""
    return list(marked_materials(_MARK, image))


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
    texture = nodes.add("ShaderNodeTexImage", 0, 0, image=image, extension="EXTEND")
    output = nodes.add("ShaderNodeOutputMaterial", 4, 0)
    nodes.link(add_paint(nodes, texture.outputs["Color"], 2), output.inputs["Surface"])
    if coordinates != "UV":
        _flatten(nodes, texture, coordinates)
    return material


def _flatten(nodes: NodeTree, texture: Any, coordinates: Coordinates) -> None:
    """Stretch the picture over two of the sides of the object's bounding box."""
    source = nodes.add("ShaderNodeTexCoord", -3, 0)
    apart = nodes.add("ShaderNodeSeparateXYZ", -2, 0)
    together = nodes.add("ShaderNodeCombineXYZ", -1, 0)
    nodes.link(source.outputs["Generated"], apart.inputs[0])
    for axis, side in zip("XY", coordinates, strict=True):
        nodes.link(apart.outputs[side], together.inputs[axis])
    nodes.link(together.outputs[0], texture.inputs["Vector"])
