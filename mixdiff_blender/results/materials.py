"""What the picture's materials have in common: how they shine, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

COLUMN = 220
ROW = 200


@dataclass(frozen=True, slots=True)
class NodeTree:
    """Adds nodes on a grid, and links them."""

    tree: Any

    def add(self, kind: str, column: float, row: float, *inputs: Any, **settings: Any) -> Any:
        """Return a new node; its first inputs are led from outputs, hold values, or stay (None)."""
        node = self.tree.nodes.new(kind)
        node.location = (column * COLUMN, -row * ROW)
        for name, value in settings.items():
            setattr(node, name, value)
        for socket, given in zip(node.inputs, inputs, strict=False):
            if isinstance(given, bpy.types.NodeSocket):
                self.tree.links.new(given, socket)
            elif given is not None:
                socket.default_value = given
        return node


def empty_tree(owner: Any) -> NodeTree:
    """Return the node tree of a material or a world, without nodes."""
    if owner.node_tree is None:
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return NodeTree(owner.node_tree)


def output_in(tree: Any, kind: str) -> Any | None:
    """Return the node where a tree's result ends, of several the active one."""
    outputs = [node for node in tree.nodes if node.bl_idname == kind]
    # Not every kind of output has the word; Blender uses the first that it finds then.
    active = [node for node in outputs if getattr(node, "is_active_output", False)]
    return (active or outputs or [None])[0]


def add_shader(nodes: NodeTree, colour: Any, column: float) -> Any:
    """Return the shader of a surface: as bright as its image, or lit by the scene."""
    emission = nodes.add("ShaderNodeEmission", column, 0, colour).outputs[0]
    lit = nodes.add("ShaderNodeBsdfPrincipled", column, 1, colour).outputs[0]
    mix = nodes.add("ShaderNodeMixShader", column + 1, 0, 0.0, emission, lit)
    mix.name = mix.label = "0 as painted, 1 lit by the scene"
    return mix.outputs[0]


def marked_materials(mark: str, image: bpy.types.Image) -> Iterator[bpy.types.Material]:
    """Return the materials with a mark that show an image."""
    materials: Any = bpy.data.materials
    for material in materials:
        if not material.get(mark) or material.library is not None or material.node_tree is None:
            continue
        if any(getattr(node, "image", None) == image for node in material.node_tree.nodes):
            yield material
