"""The picture projected from a camera onto objects, where it then sticks.

The camera's matrix is frozen into properties of each object, as seen from the object itself, and
the material computes each point's place in the picture from the surface itself: exact on faces of
any size, whatever modifiers make of them, and left alone when the camera or the objects move on.

An object shows its layers, the newest picture on top: what its camera did not look at shows the one
before. Each layer has a matrix of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..job.regions.projection import CameraView
from .materials import NodeTree, add_shader, empty_tree

LAYERS = 2
"""How many pictures an object shows: each takes four properties, and EEVEE reads eight."""

_MARK = "mixdiff_projection"
_LAYER = "mixdiff_layer"
_GROUP = "MixDiff Projection"
_FLAT = 0.99999  # squared cosine of two normals that are the same but for rounding
_MARGIN = 0.01  # of the frame: a render looks a little beyond its border
_SAME_PLACE = 1e-5  # of a matrix's largest number
# Each holds four numbers: a row of the matrix from the object to the picture, and where the
# camera stands (its last number is 0 for an orthographic one, which stands in a direction).
_ROWS = ("across", "up", "depth", "camera")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """A picture on an object, and the rows that place it there. Shapes: (4, 4)."""

    image: bpy.types.Image
    rows: NDArray[np.float64]

    def hides(self, other: _Layer) -> bool:
        """Return whether this one looks at all that the other does, or is the same picture."""
        tolerance = _SAME_PLACE * float(np.abs(self.rows).max())
        is_same_place = np.allclose(self.rows, other.rows, rtol=0.0, atol=tolerance)
        return self.image == other.image or bool(is_same_place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """Which objects show a picture now, and which of them lost their oldest one to it."""

    objects: list[bpy.types.Object]
    crowded: list[bpy.types.Object]


def project(
    image: bpy.types.Image, view: CameraView, objects: Iterable[bpy.types.Object]
) -> Projected:
    """Project an image onto objects so that it fits from a camera.

    All materials of an object are covered, on the object: those of its data stay, for
    `take_projection_off` and for other objects with the same data. What the camera could not see
    of a surface (its other side, what lies behind the camera or beside its frame) shows the picture
    that was projected before, and stays plain where there is none. One from the same place gives
    way, and so does the oldest of more than `LAYERS`.
    """
    frame = frame_matrix(view)
    projected = Projected(objects=[], crowded=[])
    for obj in objects:
        to_world = np.array(obj.matrix_world, dtype=np.float64)
        camera = np.linalg.pinv(to_world) @ camera_point(view)  # (4,)
        newest = _Layer(image=image, rows=np.stack([*(frame @ to_world), camera]))
        layers = [*(layer for layer in _layers_of(obj) if not newest.hides(layer)), newest]
        if _show(obj, layers[-LAYERS:]):
            projected.objects.append(obj)
            if len(layers) > LAYERS:
                projected.crowded.append(obj)
    return projected


def any_projected() -> bool:
    """Return whether anything shows a projected picture."""
    return any(_is_ours(material) and material.users for material in bpy.data.materials)


def is_projected(obj: bpy.types.Object) -> bool:
    """Return whether an object shows a projected picture."""
    return any(_is_ours(slot.material) for slot in obj.material_slots)


def remove_projection(obj: Any) -> None:
    """Give an object back the materials of its data."""
    for slot in obj.material_slots:
        if slot.link == "OBJECT" and _is_ours(slot.material):
            slot.material = None
            slot.link = "DATA"
    for layer in range(LAYERS):
        for name in _property_names(layer):
            obj.pop(name, None)


def property_names(obj: Any) -> list[str]:
    """Return the properties that place an object's newest picture."""
    return _property_names(max(len(_layers_of(obj)) - 1, 0))


def frame_matrix(view: CameraView) -> NDArray[np.float64]:
    """Return the matrix from the world to a, b, w: a / w and b / w are 0 to 1 in the frame.

    Shapes: (3, 4).
    """
    right, up, back, one = np.eye(4)
    depth = -back if view.is_perspective else one
    across = (right - view.left * depth) / (view.right - view.left)
    upwards = (up - view.bottom * depth) / (view.top - view.bottom)
    rows: NDArray[np.float64] = np.stack([across, upwards, depth]) @ view.world_to_camera
    return rows


def camera_point(view: CameraView) -> NDArray[np.float64]:
    """Return where a camera stands in the world; of an orthographic one the direction to it.

    Shapes: (4,).
    """
    place = [0.0, 0.0, 0.0, 1.0] if view.is_perspective else [0.0, 0.0, 1.0, 0.0]
    point: NDArray[np.float64] = np.linalg.inv(view.world_to_camera) @ np.array(place)
    return point


def _is_ours(material: Any) -> bool:
    return material is not None and bool(material.get(_MARK))


def _property_names(layer: int) -> list[str]:
    """Return an object's properties of a layer; the first one's have no number."""
    return [f"{_MARK}_{name}" + (f"_{layer}" if layer else "") for name in _ROWS]


def _images_in(material: Any) -> list[bpy.types.Image]:
    """Return a material's images, the layers' order."""
    nodes = (n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeTexImage" and n.image)
    return [node.image for node in sorted(nodes, key=lambda node: node.get(_LAYER, 0))]


def _layers_of(obj: Any) -> list[_Layer]:
    """Return what is projected onto an object, the newest last."""
    ours = (slot.material for slot in obj.material_slots if _is_ours(slot.material))
    material = next(ours, None)
    if material is None or material.node_tree is None:
        return []
    found = []
    for number, image in enumerate(_images_in(material)):
        rows = [obj.get(name) for name in _property_names(number)]
        if None not in rows:
            values = np.array([list(row) for row in rows], dtype=np.float64)
            found.append(_Layer(image=image, rows=values))
    return found


def _show(obj: Any, layers: Sequence[_Layer]) -> bool:
    """Put the layers' material into every slot of an object; return whether it has any."""
    if not obj.material_slots and obj.data.library is None:
        obj.data.materials.append(None)
    material = _material_of([layer.image for layer in layers])
    for slot in obj.material_slots:
        if slot.link != "OBJECT":
            slot.link = "OBJECT"
        elif slot.material and not _is_ours(slot.material):
            slot.material.use_fake_user = True  # or saving the file would drop it
        slot.material = material
    for number, layer in enumerate(layers):
        for name, row in zip(_property_names(number), layer.rows, strict=True):
            obj[name] = [float(value) for value in row]
    obj.update_tag()
    return bool(obj.material_slots)


def _material_of(images: Sequence[bpy.types.Image]) -> bpy.types.Material:
    """Return the material that shows images over each other, made where there is none."""
    materials: Any = bpy.data.materials
    for material in materials:
        is_whole = material.library is None and material.node_tree is not None
        if _is_ours(material) and is_whole and _images_in(material) == list(images):
            return material  # type: ignore[no-any-return]
    return _make_material(images)


def _make_material(images: Sequence[bpy.types.Image]) -> bpy.types.Material:
    material = bpy.data.materials.new(f"{images[-1].name} projected")
    material[_MARK] = True
    nodes = empty_tree(material)
    colour = seen = None
    for number, image in enumerate(images):
        group = nodes.add("ShaderNodeGroup", 0, 2 * number, node_tree=_group(number))
        texture = nodes.add(
            *("ShaderNodeTexImage", 1, 2 * number, group.outputs["Place"]),
            image=image,
            extension="EXTEND",
        )
        texture[_LAYER] = number
        shown, is_here = texture.outputs["Color"], group.outputs["Seen"]
        if number:
            over = nodes.add("ShaderNodeMixRGB", 2.5, 2 * number, is_here, colour, shown)
            shown = over.outputs[0]
            is_here = _math(nodes, "MAXIMUM", 2.5, 2 * number + 1, seen, is_here)
        colour, seen = shown, is_here
    shader = add_shader(nodes, colour, 3.5)
    plain = nodes.add("ShaderNodeBsdfPrincipled", 4.5, 1)
    plain.label = "What no camera saw"
    shaders = (plain.outputs["BSDF"], shader)
    choice = nodes.add("ShaderNodeMixShader", 6, 0, seen, *shaders)
    nodes.add("ShaderNodeOutputMaterial", 7, 0, choice.outputs[0])
    return material


def _group(layer: int) -> bpy.types.NodeTree:
    """Return the nodes that compute a point's place in a picture, and whether it was seen."""
    groups: Any = bpy.data.node_groups
    for group in groups:
        is_ours = group.get(_MARK) and group.bl_idname == "ShaderNodeTree"
        if is_ours and group.library is None and group.get(_LAYER, 0) == layer:
            found: bpy.types.NodeTree = group
            return found
    tree: Any = groups.new(_GROUP, "ShaderNodeTree")
    tree[_MARK], tree[_LAYER] = True, layer
    tree.interface.new_socket("Place", in_out="OUTPUT", socket_type="NodeSocketVector")
    tree.interface.new_socket("Seen", in_out="OUTPUT", socket_type="NodeSocketFloat")
    names = _property_names(layer)
    nodes = NodeTree(tree)
    where = nodes.add("ShaderNodeTexCoord", 0, 0).outputs["Object"]
    across, up, depth = (_row(nodes, n, name, where) for n, name in enumerate(names[:3]))
    u, v = (_math(nodes, "DIVIDE", 4, n, value, depth) for n, value in enumerate((across, up)))
    place = nodes.add("ShaderNodeCombineXYZ", 5, 0, u, v)
    seen = _math(nodes, "GREATER_THAN", 4, 2, depth, 0.0)
    for number, value in enumerate((u, v), start=1):
        inside = _math(nodes, "COMPARE", 5, number, value, 0.5, 0.5 + _MARGIN)
        seen = _math(nodes, "MULTIPLY", 6, number, seen, inside)
    seen = _math(nodes, "MULTIPLY", 8, 1, seen, _faces_the_camera(nodes, names[3], where))
    nodes.add("NodeGroupOutput", 9, 0, place.outputs[0], seen)
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


def _faces_the_camera(nodes: NodeTree, name: str, where: Any) -> Any:
    """Return whether the side that is looked at is the one that the camera saw.

    A shader's normal always points to who looks, so that normals may point either way. A smooth
    surface's may lean away from its faces, by an angle whose sine is allowed for; the faces' own
    would be simpler, but EEVEE does not know them along edges.
    """
    camera, is_point = _attribute(nodes, 3, name)
    moved = _vector_math(nodes, "SCALE", 2, 4, where, None, None, is_point).outputs[0]
    local = _vector_math(nodes, "SUBTRACT", 3, 3, camera, moved).outputs[0]
    turned = nodes.add("ShaderNodeVectorTransform", 4, 3, local)
    turned.vector_type, turned.convert_from, turned.convert_to = "VECTOR", "OBJECT", "WORLD"
    towards = _vector_math(nodes, "NORMALIZE", 5, 3, turned.outputs[0]).outputs[0]
    geometry = nodes.add("ShaderNodeNewGeometry", 1, 5)
    smooth, flat = geometry.outputs["Normal"], geometry.outputs["True Normal"]
    cosine = _vector_math(nodes, "DOT_PRODUCT", 2, 5, smooth, flat).outputs["Value"]
    squared = _math(nodes, "MULTIPLY", 3, 5, cosine, cosine)
    rest = _math(nodes, "SUBTRACT", 4, 5, squared, _FLAT)
    rest = _math(nodes, "MULTIPLY", 5, 5, rest, -1.0)
    sine = _math(nodes, "SQRT", 7, 5, _math(nodes, "MAXIMUM", 6, 5, rest, 0.0))
    facing = _vector_math(nodes, "DOT_PRODUCT", 6, 4, towards, smooth).outputs["Value"]
    return _math(nodes, "GREATER_THAN", 7, 3, _math(nodes, "ADD", 7, 4, facing, sine), 0.0)


def _vector_math(nodes: NodeTree, operation: str, column: float, row: float, *inputs: Any) -> Any:
    return nodes.add("ShaderNodeVectorMath", column, row, *inputs, operation=operation)


def _math(nodes: NodeTree, operation: str, column: float, row: float, *inputs: Any) -> Any:
    return nodes.add("ShaderNodeMath", column, row, *inputs, operation=operation).outputs[0]
