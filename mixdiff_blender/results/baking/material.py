"""A baked picture on its object, in place of what is projected."""

from __future__ import annotations

from typing import Any

import bpy

from ..materials import add_shader, empty_tree
from ..projection import BAKED, is_ours


def put_baked_on(image: bpy.types.Image, obj: Any, uv_map: str) -> None:
    """Show a baked picture in all slots of an object that show the projection.

    Where no camera saw the object it stays plain, as before.
    """
    material = bpy.data.materials.new(image.name)
    material[BAKED] = True
    nodes = empty_tree(material)
    place = nodes.add("ShaderNodeUVMap", 0, 0, uv_map=uv_map).outputs[0]
    texture = nodes.add("ShaderNodeTexImage", 1, 0, place, image=image, extension="EXTEND")
    shader = add_shader(nodes, texture.outputs["Color"], 2)
    plain = nodes.add("ShaderNodeBsdfPrincipled", 3, 2)
    plain.label = "What no camera saw"
    shaders = (plain.outputs["BSDF"], shader)
    choice = nodes.add("ShaderNodeMixShader", 4.5, 0, texture.outputs["Alpha"], *shaders)
    nodes.add("ShaderNodeOutputMaterial", 5.5, 0, choice.outputs[0])
    for slot in obj.material_slots:
        if is_ours(slot.material):
            slot.material = material
