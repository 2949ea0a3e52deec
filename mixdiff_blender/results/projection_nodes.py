"""The nodes that show projected pictures over each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy

from .depth_codes import ENDLESS, LAST, DepthRange
from .materials import NodeTree, add_shader, empty_tree

Picture = tuple[bpy.types.Image, bpy.types.Image | None]
"""An image, and how far its camera saw."""

MARK = "mixdiff_projection"
LAYER = "mixdiff_layer"
DEPTH = "mixdiff_depth"
VERSION = "mixdiff_version"
THIS_VERSION = 3
"""Of the nodes; materials of an earlier one stay as they are."""

_GROUP = "MixDiff Projection"
FLAT = 0.99999  # squared cosine of two normals that are the same but for rounding
MARGIN = 0.01  # of the frame: a render looks a little beyond its border
AROUND = 0.02
"""Of the frame, that a depth picture reaches beyond each of its sides."""
CLOSE = 1.002  # times as far as what is seen: acute corners lie deeper than the samples beside
TURNED = 0.3  # the cosine to the camera from which on a face has its picture as a whole
# Each holds four numbers: a row of the matrix from the object to the picture, and where the
# camera stands (its last number is 0 for an orthographic one, which stands in a direction).
_ROWS = ("across", "up", "depth", "camera")


def names_of_rows(layer: int) -> list[str]:
    """Return an object's properties of a layer; the first one's have no number."""
    return [f"{MARK}_{name}" + (f"_{layer}" if layer else "") for name in _ROWS]


def make_material(pictures: Sequence[Picture]) -> bpy.types.Material:
    """Return a new material that shows pictures, the last one on top.

    A face that is turned away from a picture's camera fades to the one below where that sees it;
    where none does the picture stays.
    """
    material = bpy.data.materials.new(f"{pictures[-1][0].name} projected")
    material[MARK], material[VERSION] = True, THIS_VERSION
    nodes = empty_tree(material)
    colour = seen = None
    for number, (image, depth) in enumerate(pictures):
        row = 3 * number
        group = nodes.add("ShaderNodeGroup", 0, row, node_tree=_group(number))
        place, is_here = group.outputs["Place"], group.outputs["Seen"]
        shown = _texture(nodes, row, number, image, place).outputs["Color"]
        if depth is not None:
            inner, outer = 1 / (1 + 2 * AROUND), AROUND / (1 + 2 * AROUND)
            scaled = _vector_math(
                *(nodes, "MULTIPLY_ADD", 0.5, row + 1, place),
                *((inner, inner, inner), (outer, outer, outer)),
            )
            texture = _texture(nodes, row + 1, number, depth, scaled.outputs[0])
            texture[DEPTH], texture.interpolation = True, "Closest"
            is_near = _is_near(nodes, row + 1, depth, texture.outputs["Color"], group)
            is_here = _math(nodes, "MULTIPLY", 3.5, row + 1, is_here, is_near)
        if number:
            # 1 where only this one sees it; where both do, as much as the face is turned to it.
            turned_away = _math(nodes, "SUBTRACT", 2, row + 2, 1.0, group.outputs["Facing"])
            given_up = _math(nodes, "MULTIPLY", 3, row + 2, turned_away, seen)
            kept = _math(nodes, "SUBTRACT", 3.5, row + 2, 1.0, given_up)
            share = _math(nodes, "MULTIPLY", 4, row + 2, is_here, kept)
            shown = nodes.add("ShaderNodeMixRGB", 4.5, row, share, colour, shown).outputs[0]
            is_here = _math(nodes, "MAXIMUM", 4.5, row + 1, seen, is_here)
        colour, seen = shown, is_here
    shader = add_shader(nodes, colour, 5.5)
    plain = nodes.add("ShaderNodeBsdfPrincipled", 6.5, 1)
    plain.label = "What no camera saw"
    shaders = (plain.outputs["BSDF"], shader)
    choice = nodes.add("ShaderNodeMixShader", 8, 0, seen, *shaders)
    nodes.add("ShaderNodeOutputMaterial", 9, 0, choice.outputs[0])
    return material


def _is_near(nodes: NodeTree, row: float, depth: bpy.types.Image, value: Any, group: Any) -> Any:
    """Return whether a point is no farther than its camera saw by a depth picture's value."""
    kept = DepthRange.of(depth)
    if kept is None:  # of an earlier version: distances as they are
        far = _math(nodes, "MULTIPLY", 1.5, row, value, CLOSE)
        return _math(nodes, "LESS_THAN", 2, row, group.outputs["Depth"], far)
    power = _math(nodes, "MULTIPLY", 1.5, row, value, ENDLESS / LAST * math.log(kept.ratio))
    share = _math(nodes, "EXPONENT", 2, row, power)
    far = _math(nodes, "MULTIPLY", 2.5, row, share, kept.near * CLOSE)
    is_near = _math(nodes, "LESS_THAN", 3, row, group.outputs["Depth"], far)
    is_endless = _math(nodes, "GREATER_THAN", 2.5, row + 0.5, value, (LAST + 0.5) / ENDLESS)
    return _math(nodes, "MAXIMUM", 3.25, row, is_near, is_endless)


def _texture(nodes: NodeTree, row: float, layer: int, image: bpy.types.Image, place: Any) -> Any:
    texture = nodes.add("ShaderNodeTexImage", 1, row, place, image=image, extension="EXTEND")
    texture[LAYER] = layer
    return texture


def _group(layer: int) -> bpy.types.NodeTree:
    """Return the nodes that compute a point's place in a picture, and whether it was seen."""
    groups: Any = bpy.data.node_groups
    for group in groups:
        is_ours = group.get(MARK) and group.get(VERSION) == THIS_VERSION
        is_ours = is_ours and group.bl_idname == "ShaderNodeTree"
        if is_ours and group.library is None and group.get(LAYER, 0) == layer:
            found: bpy.types.NodeTree = group
            return found
    tree: Any = groups.new(_GROUP, "ShaderNodeTree")
    tree[MARK], tree[LAYER], tree[VERSION] = True, layer, THIS_VERSION
    tree.interface.new_socket("Place", in_out="OUTPUT", socket_type="NodeSocketVector")
    for name in ("Seen", "Depth", "Facing"):
        tree.interface.new_socket(name, in_out="OUTPUT", socket_type="NodeSocketFloat")
    names = names_of_rows(layer)
    nodes = NodeTree(tree)
    where = nodes.add("ShaderNodeTexCoord", 0, 0).outputs["Object"]
    across, up, depth = (_row(nodes, n, name, where) for n, name in enumerate(names[:3]))
    camera, is_point = _attribute(nodes, 3, names[3])
    beyond_one = _math(nodes, "SUBTRACT", 3.5, 2, depth, 1.0)
    w = _math(nodes, "MULTIPLY_ADD", 4, 3, beyond_one, is_point, 1.0)
    u, v = (_math(nodes, "DIVIDE", 4.5, n, value, w) for n, value in enumerate((across, up)))
    place = nodes.add("ShaderNodeCombineXYZ", 5.5, 0, u, v)
    seen = _math(nodes, "GREATER_THAN", 4.5, 2, depth, 0.0)
    for number, value in enumerate((u, v), start=1):
        inside = _math(nodes, "COMPARE", 5.5, number, value, 0.5, 0.5 + MARGIN)
        seen = _math(nodes, "MULTIPLY", 6.5, number, seen, inside)
    facing, looks = _faces_the_camera(nodes, camera, is_point, where)
    seen = _math(nodes, "MULTIPLY", 8.5, 1, seen, looks)
    whole = nodes.add("ShaderNodeMapRange", 8.5, 3, facing, 0.0, TURNED, 0.0, 1.0)
    whole.interpolation_type = "SMOOTHSTEP"
    nodes.add("NodeGroupOutput", 9.5, 0, place.outputs[0], seen, depth, whole.outputs[0])
    return tree  # type: ignore[no-any-return]


def _attribute(nodes: NodeTree, number: int, name: str) -> tuple[Any, Any]:
    """Return the first three numbers and the last one of a property of the object."""
    node = nodes.add(
        *("ShaderNodeAttribute", 1, number),
        attribute_type="OBJECT",
        attribute_name=name,
    )
    return node.outputs["Vector"], node.outputs["Alpha"]


def _row(nodes: NodeTree, number: int, name: str, where: Any) -> Any:
    """Return the product of a row of the object's matrix with a point."""
    vector, last = _attribute(nodes, number, name)
    product = _vector_math(nodes, "DOT_PRODUCT", 2, number, vector, where)
    return _math(nodes, "ADD", 3, number, product.outputs["Value"], last)


def _faces_the_camera(nodes: NodeTree, camera: Any, is_point: Any, where: Any) -> tuple[Any, Any]:
    """Return the cosine to the camera, and whether the side that is looked at is the one it saw.

    A shader's normal always points to who looks, so that normals may point either way. A smooth
    surface's may lean away from its faces, by an angle whose sine is allowed for; the faces' own
    would be simpler, but EEVEE does not know them along edges.
    """
    moved = _vector_math(nodes, "SCALE", 2, 4, where, None, None, is_point).outputs[0]
    local = _vector_math(nodes, "SUBTRACT", 3, 3, camera, moved).outputs[0]
    turned = nodes.add("ShaderNodeVectorTransform", 4, 3, local)
    turned.vector_type, turned.convert_from, turned.convert_to = "VECTOR", "OBJECT", "WORLD"
    towards = _vector_math(nodes, "NORMALIZE", 5, 3, turned.outputs[0]).outputs[0]
    geometry = nodes.add("ShaderNodeNewGeometry", 1, 5)
    smooth, flat = geometry.outputs["Normal"], geometry.outputs["True Normal"]
    cosine = _vector_math(nodes, "DOT_PRODUCT", 2, 5, smooth, flat).outputs["Value"]
    squared = _math(nodes, "MULTIPLY", 3, 5, cosine, cosine)
    rest = _math(nodes, "SUBTRACT", 4, 5, squared, FLAT)
    rest = _math(nodes, "MULTIPLY", 5, 5, rest, -1.0)
    sine = _math(nodes, "SQRT", 7, 5, _math(nodes, "MAXIMUM", 6, 5, rest, 0.0))
    facing = _vector_math(nodes, "DOT_PRODUCT", 6, 4, towards, smooth).outputs["Value"]
    return facing, _math(nodes, "GREATER_THAN", 7, 3, _math(nodes, "ADD", 7, 4, facing, sine), 0.0)


def _vector_math(nodes: NodeTree, operation: str, column: float, row: float, *inputs: Any) -> Any:
    return nodes.add("ShaderNodeVectorMath", column, row, *inputs, operation=operation)


def _math(nodes: NodeTree, operation: str, column: float, row: float, *inputs: Any) -> Any:
    return nodes.add("ShaderNodeMath", column, row, *inputs, operation=operation).outputs[0]
