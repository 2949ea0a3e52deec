"""The picture as the texture of objects, in the colours it has in a picture viewer."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

_MATERIAL_NAMES = {"UV": "MixDiff", "Generated": "MixDiff (no UV map)"}


def use_as_texture(image: bpy.types.Image, objects: Sequence[bpy.types.Object]) -> int:
    """Give meshes a material that shows the picture, and return how many took it.

    The material that was there is kept in the file.
    """
    meshes = [item for item in objects if item.type == "MESH"]
    for item in meshes:
        coordinates = "UV" if item.data.uv_layers else "Generated"
        _assign(item, _material(image, coordinates))
    return len(meshes)


def _material(image: bpy.types.Image, coordinates: str) -> bpy.types.Material:
    """Return the one material that shows a picture by these coordinates."""
    name = _MATERIAL_NAMES[coordinates]
    for material in bpy.data.materials:
        node = material.node_tree.nodes.get(name) if material.node_tree else None
        if node is not None and node.bl_idname == "ShaderNodeTexImage" and node.image == image:
            return material
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    place = tree.nodes.new("ShaderNodeTexCoord")
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.name, texture.image = name, image
    # Emission: light and the material's own shading would change the picture's colours.
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    for column, node in enumerate((place, texture, emission, output)):
        node.location.x = 300 * column
    tree.links.new(place.outputs[coordinates], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return material


def _assign(item: bpy.types.Object, material: bpy.types.Material) -> None:
    if not item.material_slots:
        item.data.materials.append(material)
        return
    before = item.active_material
    if before is not None and before != material:
        before.use_fake_user = True  # nobody else may use it, and it is the user's
    item.active_material = material
