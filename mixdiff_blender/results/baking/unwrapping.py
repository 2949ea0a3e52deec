"""A UV map without overlaps, made from the faces alone: no mode, no window, nothing selected.

Faces that hang together and look the same way, of six, are an island, flat as seen from there;
Blender's nodes pack them. Unwrapping by angles would leave what is closed and smooth in one piece.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...contract import EngineError

NAME = "MixDiff"
_MARGIN = 0.004  # of the map
_TIE = 1e-3  # by how much a face has to look another way than upwards or sideways


def ensure_uv_map(obj: bpy.types.Object) -> bool:
    """Give an object's mesh the UV map `NAME`, and return whether it had none.

    Raises: EngineError of kind `job` where it cannot have one, without the object's name.
    """
    mesh: Any = obj.data
    if not isinstance(mesh, bpy.types.Mesh):
        raise EngineError(
            "it is no mesh, and has no UV map",
            kind="job",
            advice="convert it (Object > Convert > Mesh)",
        )
    layers: Any = mesh.uv_layers
    if NAME in layers:
        return False
    if mesh.library is not None or mesh.override_library is not None:
        raise EngineError(
            "its mesh is of another file, and gets no UV map",
            kind="job",
            advice="make it local (Object > Relations > Make Local)",
        )
    if not len(mesh.polygons):
        raise EngineError("it has no faces", kind="job", advice="leave it out")
    packed = _packed(mesh, np.abs(np.array(obj.matrix_world.to_scale())))
    layer = layers.new(name=NAME, do_init=False)
    if layer is None:
        raise EngineError(
            "it has as many UV maps as a mesh can have", kind="job", advice="remove one of them"
        )
    layer.uv.foreach_set("vector", packed)
    mesh.update()
    return True


def _packed(mesh: Any, scale: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the UVs of a mesh's corners, one after the other."""
    copy = mesh.copy()
    scene = bpy.data.scenes.new("MixDiff unwraps")
    tree = _packing_nodes()
    obj: Any = bpy.data.objects.new("MixDiff unwraps", copy)
    try:
        while len(copy.uv_layers):
            copy.uv_layers.remove(copy.uv_layers[0])
        layer = copy.uv_layers.new(name=NAME, do_init=False)
        layer.uv.foreach_set("vector", _flattened(mesh, scale).astype(np.float32).ravel())
        scene.collection.objects.link(obj)
        obj.modifiers.new(NAME, "NODES").node_group = tree
        view_layer: Any = scene.view_layers[0]
        view_layer.update()
        evaluated = obj.evaluated_get(view_layer.depsgraph)
        found: Any = evaluated.to_mesh()
        values = np.empty(2 * len(mesh.loops), dtype=np.float32)
        found.uv_layers[NAME].uv.foreach_get("vector", values)
        evaluated.to_mesh_clear()
        return values
    finally:
        bpy.data.batch_remove([obj, copy, tree, scene])


def _flattened(mesh: Any, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each corner as seen from the side that its face looks to; (loops, 2)."""
    places = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", places)
    normals = np.empty(3 * len(mesh.polygons), dtype=np.float32)
    mesh.polygons.foreach_get("normal", normals)
    counts = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    vertices = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", vertices)
    turned = normals.reshape(-1, 3) / np.where(scale > 0, scale, 1)
    # Of two that are as good the later one wins, so that slopes of 45° do not fall apart.
    axis = np.argmax(np.abs(turned) + _TIE * np.arange(3) * np.abs(turned).max(), axis=1)
    is_back = turned[np.arange(len(turned)), axis] < 0
    corners = (places.reshape(-1, 3) * scale)[vertices]
    of_corner = np.repeat(np.arange(len(counts)), counts)
    axis, is_back = axis[of_corner], is_back[of_corner]
    index = np.arange(len(corners))
    across, up = corners[index, (axis + 1) % 3], corners[index, (axis + 2) % 3]
    # Opposite sides are mirrored, and moved apart: what meets at an edge is no one island.
    far = 4 * float(np.abs(corners).max() if len(corners) else 1) + 1
    offset = far * (2 * axis + is_back)
    flat: NDArray[np.float64] = np.stack([np.where(is_back, -across, across) + offset, up], axis=1)
    return flat


def _packing_nodes() -> Any:
    groups: Any = bpy.data.node_groups
    tree: Any = groups.new("MixDiff unwraps", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    given, found, read, pack, keep = (
        tree.nodes.new(kind)
        for kind in (
            *("NodeGroupInput", "NodeGroupOutput", "GeometryNodeInputNamedAttribute"),
            *("GeometryNodeUVPackIslands", "GeometryNodeStoreNamedAttribute"),
        )
    )
    read.data_type, read.inputs["Name"].default_value = "FLOAT_VECTOR", NAME
    pack.inputs["Margin"].default_value = _MARGIN
    keep.data_type, keep.domain, keep.inputs["Name"].default_value = "FLOAT2", "CORNER", NAME
    value = next(s for s in keep.inputs if s.name == "Value" and s.enabled)
    of_corner = next(s for s in read.outputs if s.name == "Attribute" and s.enabled)
    for source, goal in (
        (given.outputs[0], keep.inputs[0]),
        (of_corner, pack.inputs[0]),
        (pack.outputs[0], value),
        (keep.outputs[0], found.inputs[0]),
    ):
        tree.links.new(source, goal)
    return tree
