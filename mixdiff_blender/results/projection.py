"""The picture projected from a camera onto objects, where it then sticks.

The camera's matrix is frozen into properties of each object, as seen from the object itself, and
the material computes each point's place in the picture from the surface itself: exact on faces of
any size, whatever modifiers make of them, and left alone when the camera or the objects move on.

An object shows its layers over each other: what a picture's camera did not see shows the one below.
Each layer has a matrix of its own, and a depth picture of its camera, frozen as it is: what was
hidden stays hidden when things move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..job.regions.projection import CameraView
from .projection_nodes import (
    DEPTH,
    LAYER,
    MARK,
    THIS_VERSION,
    VERSION,
    Picture,
    make_material,
    names_of_rows,
)

LAYERS = 2
"""How many pictures an object shows: each takes four properties, and EEVEE reads eight."""

BAKED = "mixdiff_baked"
"""A material that shows what was baked of a projection."""

_SAME_PLACE = 1e-5  # of a matrix's largest number


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A picture on an object, and the rows that place it there. Shapes: (4, 4)."""

    image: bpy.types.Image
    rows: NDArray[np.float64]
    depth: bpy.types.Image | None = None
    """How far its camera saw; None where it is not known, and the picture goes through things."""

    def hides(self, other: Layer) -> bool:
        """Return whether this one looks at all that the other does, or is the same picture."""
        # An orthographic camera's distance was not always kept.
        ours, others = (np.delete(layer.rows, 2, axis=0) for layer in (self, other))
        tolerance = _SAME_PLACE * float(np.abs(ours).max())
        is_same_place = np.allclose(ours, others, rtol=0.0, atol=tolerance)
        return self.image == other.image or bool(is_same_place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """Which objects show a picture now, and which of them lost an earlier one to it."""

    objects: list[bpy.types.Object]
    crowded: list[bpy.types.Object]


def project(
    image: bpy.types.Image,
    view: CameraView,
    objects: Iterable[bpy.types.Object],
    *,
    depth: bpy.types.Image | None = None,
    fills: bool = False,
) -> Projected:
    """Project an image onto objects so that it fits from a camera.

    All materials of an object are covered, on the object: those of its data stay, for
    `take_projection_off` and for other objects with the same data. What the camera could not see
    of a surface (its other side, what lies behind the camera or beside its frame, with a depth
    picture also what something hides) shows the picture below, and stays plain where there is none.
    One that fills lies below the others. One from the same place takes that one's place; of more
    than `LAYERS` the lowest of the earlier ones gives way.
    """
    frame = frame_matrix(view)
    projected = Projected(objects=[], crowded=[])
    for obj in objects:
        to_world = np.array(obj.matrix_world, dtype=np.float64)
        camera = np.linalg.pinv(to_world) @ camera_point(view)  # (4,)
        rows = np.stack([*(frame @ to_world), camera])
        newest = Layer(image=image, rows=rows, depth=depth)
        earlier = layers_of(obj)
        others = [layer for layer in earlier if not newest.hides(layer)]
        crowded = len(others) >= LAYERS
        if crowded:
            others = others[1:]
        if _show(obj, [newest, *others] if fills and others else [*others, newest]):
            projected.objects.append(obj)
            if crowded:
                projected.crowded.append(obj)
    return projected


def any_projected() -> bool:
    """Return whether anything shows a projected picture, or what was baked of one."""
    materials: Any = bpy.data.materials
    return any(m.users and (is_ours(m) or m.get(BAKED)) for m in materials)


def is_projected(obj: bpy.types.Object) -> bool:
    """Return whether an object shows a projected picture."""
    return any(is_ours(slot.material) for slot in obj.material_slots)


def is_baked(obj: bpy.types.Object) -> bool:
    """Return whether an object shows what was baked of its projection."""
    materials: list[Any] = [slot.material for slot in obj.material_slots]
    return any(material and material.get(BAKED) for material in materials)


def remove_projection(obj: Any) -> None:
    """Give an object back the materials of its data."""
    for slot in obj.material_slots:
        shown = slot.material
        if slot.link == "OBJECT" and (is_ours(shown) or (shown and shown.get(BAKED))):
            slot.material = None
            slot.link = "DATA"
    for layer in range(LAYERS):
        for name in names_of_rows(layer):
            obj.pop(name, None)


def property_names(obj: Any) -> list[str]:
    """Return the properties that place an object's uppermost picture."""
    return names_of_rows(max(len(layers_of(obj)) - 1, 0))


def frame_matrix(view: CameraView) -> NDArray[np.float64]:
    """Return the matrix from the world to a, b and how far before the camera.

    a / w and b / w are 0 to 1 in the frame: w is how far it is, 1 of an orthographic camera.
    Shapes: (3, 4).
    """
    right, up, back, one = np.eye(4)
    w = -back if view.is_perspective else one
    across = (right - view.left * w) / (view.right - view.left)
    upwards = (up - view.bottom * w) / (view.top - view.bottom)
    rows: NDArray[np.float64] = np.stack([across, upwards, -back]) @ view.world_to_camera
    return rows


def camera_point(view: CameraView) -> NDArray[np.float64]:
    """Return where a camera stands in the world; of an orthographic one the direction to it.

    Shapes: (4,).
    """
    place = [0.0, 0.0, 0.0, 1.0] if view.is_perspective else [0.0, 0.0, 1.0, 0.0]
    point: NDArray[np.float64] = np.linalg.inv(view.world_to_camera) @ np.array(place)
    return point


def is_ours(material: Any) -> bool:
    """Return whether a material shows projected pictures."""
    return material is not None and bool(material.get(MARK))


def _images_in(material: Any) -> list[tuple[bpy.types.Image, bpy.types.Image | None]]:
    """Return a material's images, each with its depth picture; the layers' order."""
    nodes = [n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeTexImage" and n.image]
    depths = {node.get(LAYER, 0): node.image for node in nodes if node.get(DEPTH)}
    pictures = [(node.get(LAYER, 0), node.image) for node in nodes if not node.get(DEPTH)]
    pictures.sort(key=lambda found: found[0])
    return [(image, depths.get(layer)) for layer, image in pictures]


def layers_of(obj: Any) -> list[Layer]:
    """Return what is projected onto an object, the newest last."""
    ours = (slot.material for slot in obj.material_slots if is_ours(slot.material))
    material = next(ours, None)
    if material is None or material.node_tree is None:
        return []
    found = []
    for number, (image, depth) in enumerate(_images_in(material)):
        rows = [obj.get(name) for name in names_of_rows(number)]
        if None not in rows:
            values = np.array([list(row) for row in rows], dtype=np.float64)
            found.append(Layer(image=image, rows=values, depth=depth))
    return found


def _show(obj: Any, layers: Sequence[Layer]) -> bool:
    """Put the layers' material into every slot of an object; return whether it has any."""
    if not obj.material_slots and obj.data.library is None:
        obj.data.materials.append(None)
    material = _material_of([(layer.image, layer.depth) for layer in layers])
    for slot in obj.material_slots:
        if slot.link != "OBJECT":
            slot.link = "OBJECT"
        elif slot.material and not is_ours(slot.material):
            slot.material.use_fake_user = True  # or saving the file would drop it
        slot.material = material
    for number, layer in enumerate(layers):
        for name, row in zip(names_of_rows(number), layer.rows, strict=True):
            obj[name] = [float(value) for value in row]
    obj.update_tag()
    return bool(obj.material_slots)


def _material_of(pictures: Sequence[Picture]) -> bpy.types.Material:
    """Return the material that shows images over each other, made where there is none."""
    materials: Any = bpy.data.materials
    for material in materials:
        is_whole = material.library is None and material.node_tree is not None
        is_of_now = is_ours(material) and material.get(VERSION) == THIS_VERSION
        if is_of_now and is_whole and _images_in(material) == list(pictures):
            return material  # type: ignore[no-any-return]
    return make_material(pictures)
