"""What the picture's materials have in common: how they shine, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

_COLUMN = 220
_ROW = 200


@dataclass(frozen=True, slots=True)
class NodeTree:
    """Adds nodes on a grid, and links them."""

    tree: Any

    def add(self, kind: str, column: float, row: float, **settings: Any) -> Any:
        """Return a new node."""
        node = self.tree.nodes.new(kind)
        node.location = (column * _COLUMN, -row * _ROW)
        for name, value in settings.items():
            setattr(node, name, value)
        return node

    def link(self, source: Any, target: Any) -> None:
        """Lead an output to an input."""
        self.tree.links.new(source, target)


def empty_tree(owner: Any) -> NodeTree:
    """Return the node tree of a material or a world, without nodes."""
    if owner.node_tree is None:
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return NodeTree(owner.node_tree)


def add_paint(nodes: NodeTree, colour: Any, column: float) -> Any:
    """Return the shader of a painted surface: as bright as painted, or lit by the scene."""
    mix = nodes.add("ShaderNodeMixShader", column + 1, 0)
    mix.name = mix.label = "0 as painted, 1 lit by the scene"
    mix.inputs[0].default_value = 0.0
    shining = nodes.add("ShaderNodeEmission", column, 0)
    lit = nodes.add("ShaderNodeBsdfPrincipled", column, 1)
    nodes.link(colour, shining.inputs["Color"])
    nodes.link(colour, lit.inputs["Base Color"])
    nodes.link(shining.outputs["Emission"], mix.inputs[1])
    nodes.link(lit.outputs["BSDF"], mix.inputs[2])
    return mix.outputs["Shader"]


def marked_materials(mark: str, image: bpy.types.Image) -> Iterator[bpy.types.Material]:
    """Return the materials with a mark that show an image."""
    materials: Any = bpy.data.materials
    for material in materials:
        tree = material.node_tree
        if (
            material.get(mark)
            and material.library is None
            and tree is not None
            and any(getattr(node, "image", None) == image for node in tree.nodes)
        ):
            yield material
