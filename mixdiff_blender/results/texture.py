"""The picture on objects: a material that shines as the picture looks in a picture viewer."""

from __future__ import annotations

from typing import Any, Literal, cast

import bpy

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
    materials: Any = bpy.data.materials
    return [
        material
        for material in materials
        if material.get(_MARK)
        and material.node_tree
        and any(getattr(node, "image", None) == image for node in material.node_tree.nodes)
    ]


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
    if material.node_tree is None:
        material.use_nodes = True
    tree: Any = material.node_tree
    tree.nodes.clear()

    def add(kind: str, column: int, row: int) -> Any:
        node = tree.nodes.new(kind)
        node.location = (column * 260, -row * 240)
        return node

    output = add("ShaderNodeOutputMaterial", 4, 0)
    mix = add("ShaderNodeMixShader", 3, 0)
    mix.name = mix.label = "0 as painted, 1 lit by the scene"
    shining = add("ShaderNodeEmission", 2, 0)
    lit = add("ShaderNodeBsdfPrincipled", 2, 1)
    texture = add("ShaderNodeTexImage", 1, 0)
    texture.image = image
    texture.extension = "EXTEND"
    mix.inputs[0].default_value = 0.0
    tree.links.new(texture.outputs["Color"], shining.inputs["Color"])
    tree.links.new(texture.outputs["Color"], lit.inputs["Base Color"])
    tree.links.new(shining.outputs["Emission"], mix.inputs[1])
    tree.links.new(lit.outputs["BSDF"], mix.inputs[2])
    tree.links.new(mix.outputs["Shader"], output.inputs["Surface"])
    if coordinates != "UV":
        _flatten(tree, add, texture, coordinates)
    return material


def _flatten(tree: Any, add: Any, texture: Any, coordinates: Coordinates) -> None:
    """Stretch the picture over two of the sides of the object's bounding box."""
    source = add("ShaderNodeTexCoord", -2, 0)
    apart = add("ShaderNodeSeparateXYZ", -1, 0)
    together = add("ShaderNodeCombineXYZ", 0, 0)
    tree.links.new(source.outputs["Generated"], apart.inputs[0])
    for axis, side in zip("XY", coordinates, strict=True):
        tree.links.new(apart.outputs[side], together.inputs[axis])
    tree.links.new(together.outputs[0], texture.inputs["Vector"])
