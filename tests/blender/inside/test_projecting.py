"""A picture projected onto what geometry nodes make is seen there, or refused with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from scenes import add_camera, add_plane, empty_scene, render, select

HOSTS = "wheels"


def add(tree: Any, kind: str, *inputs: Any) -> Any:
    """Return the first output of a new node; its first inputs are led from these, or hold them."""
    node = tree.nodes.new(f"GeometryNode{kind}")
    for socket, given in zip(node.inputs, inputs, strict=False):
        if isinstance(given, bpy.types.NodeSocket):
            tree.links.new(given, socket)
        elif given is not None:
            socket.default_value = given
    return node.outputs[0]


def chips(tree: Any, geometry: Any) -> Any:
    node = tree.nodes.new("GeometryNodeObjectInfo")
    node.inputs[0].default_value = bpy.data.objects["chip"]
    return add(tree, "InstanceOnPoints", geometry, None, node.outputs["Geometry"])


def realized(tree: Any, geometry: Any) -> Any:
    return add(tree, "RealizeInstances", chips(tree, geometry))


def coloured(tree: Any, geometry: Any) -> Any:
    return add(tree, "SetMaterial", geometry, None, bpy.data.materials["theirs"])


def in_own_colour(tree: Any, geometry: Any) -> Any:
    return add(tree, "SetMaterial", geometry, None, bpy.data.materials["own"])


def grid(tree: Any, geometry: Any) -> Any:
    return add(tree, "MeshGrid", 4.0, 2.0, 3, 3)


def coloured_grid(tree: Any, geometry: Any) -> Any:
    return coloured(tree, grid(tree, geometry))


def joined(tree: Any, geometry: Any) -> Any:
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    tree.links.new(geometry, join.inputs[0])
    tree.links.new(chips(tree, geometry), join.inputs[0])
    return join.outputs[0]


@pytest.fixture
def green(tmp_path: Path) -> Callable[[], float]:
    """Renders, and returns which share of what is there is green: a picture is a green one."""
    scene = empty_scene()
    scene.render.film_transparent, scene.cycles.samples = True, 4
    add_camera(scene)
    picture = bpy.data.images.new("green", 128, 64)
    picture.generated_color = (0, 1, 0, 1)
    scene.mixdiff.result = picture
    add_plane("chip", size=(0.8, 0.8), at=(50, 0, 0))
    for name in ("theirs", "own"):
        bpy.data.materials.new(name).use_fake_user = True

    def look() -> float:
        levels = render(scene, tmp_path / "projected.png")
        there = levels[levels[..., 3] > 230]
        return float(((there[:, 1] > 230) & (there[:, 0] < 25)).mean())

    return look


def lawn(build: Any, own: bool) -> Any:
    """Return a selected grid of two by one units with nodes, and with a material of its own."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=4, y_subdivisions=2, size=2)
    obj = bpy.context.object
    obj.name = "lawn"
    if own:
        obj.data.materials.append(bpy.data.materials["own"])
    tree = bpy.data.node_groups.new("nodes", "GeometryNodeTree")
    for in_out in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=in_out, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    tree.links.new(build(tree, start.outputs[0]), end.inputs[0])
    obj.modifiers.new("nodes", "NODES").node_group = tree
    select(obj)
    return obj


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("chip", ["plain", "coloured"])
@pytest.mark.parametrize("build", [realized, grid, in_own_colour])
def test_a_picture_is_seen_on_what_nodes_make(
    build: Any, chip: str, own: bool, green: Callable[[], float]
) -> None:
    if chip == "coloured":
        bpy.data.objects["chip"].data.materials.append(bpy.data.materials["theirs"])
    lawn(build, own)
    if not own and ((build, chip) == (realized, "coloured") or build == in_own_colour):
        with pytest.raises(RuntimeError, match="'lawn' give it the material"):
            bpy.ops.mixdiff.project(view="CAMERA")
    else:
        bpy.ops.mixdiff.project(view="CAMERA")
        assert green() > 0.999


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("only_in_renders", [True, False])
@pytest.mark.parametrize("build", [coloured, coloured_grid, chips, joined])
def test_what_nodes_keep_a_picture_off_is_refused_with_what_to_do(
    build: Any, only_in_renders: bool, own: bool, green: Callable[[], float]
) -> None:
    obj = lawn(build, own)
    obj.modifiers[0].show_viewport = not only_in_renders
    slots = [slot.material for slot in obj.material_slots]
    remedy = "Realize Instances" if build in (chips, joined) else "apply the modifier"
    with pytest.raises(RuntimeError, match=rf"(?s)'lawn'.*{remedy}"):
        bpy.ops.mixdiff.project(view="CAMERA")
    assert [slot.material for slot in obj.material_slots] == slots
    beside = add_plane("beside", size=(1, 1))
    select(obj, beside)
    bpy.ops.mixdiff.project(view="CAMERA")
    assert [slot.material for slot in obj.material_slots] == slots
    assert beside.material_slots[0].material["mixdiff_projection"]


def test_nodes_that_are_off_in_renders_keep_nothing_off(green: Callable[[], float]) -> None:
    lawn(coloured, True).modifiers[0].show_render = False
    bpy.ops.mixdiff.project(view="CAMERA")
    assert green() > 0.999
