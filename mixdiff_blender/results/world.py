"""The picture as the scene's world: behind everything in the camera's view, or all around."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import bpy
from mathutils import Euler, Matrix

from ..job.regions.camera import border_of
from ..job.regions.panorama import CAMERA_TO_ENVIRONMENT
from ..job.regions.projection import Bounds, CameraView
from .curves import curves_of
from .materials import COLUMN, ROW, NodeTree, empty_tree, output_in

Surrounding = Literal["BACKDROP", "AROUND"]

_MARK = "mixdiff_world"
_OWN = "mixdiff_own_world"
_HEIGHT = 512  # of a sequence, whose size Blender tells once it is shown
_TURN = "As the camera was turned"
_NAMES = {"BACKDROP": "MixDiff Backdrop", "AROUND": "MixDiff Surroundings"}


def put_in_world(
    image: bpy.types.Image,
    scene: bpy.types.Scene,
    surrounding: Surrounding,
    view: CameraView | None = None,
) -> bpy.types.World:
    """Make an image the scene's world, and return it.

    As a backdrop it fills the camera's frame, and the scene stays lit by the world it had; all
    around (an equirectangular panorama) it lights the scene too, turned as the `view` was that it
    is a panorama of. The scene's own world stays in the file, and done again, the new one takes the
    place of the last.
    """
    last = scene.world
    own = own_world(scene)
    if surrounding == "BACKDROP":
        world = _backdrop(image, own, border_of(scene))
    else:
        world = _around(image, view if view and view.is_panorama else None)
    world[_MARK] = surrounding
    if own is not None:
        own.use_fake_user = True  # or saving the file would drop it
        world[_OWN] = own
    scene.world = world
    if last is not None and last != own and last.users == 0:
        bpy.data.worlds.remove(last)
    world.name = _NAMES[surrounding]
    return world


def turn_along(scene: bpy.types.Scene, views: Mapping[int, CameraView]) -> None:
    """Have a world turn from frame to frame as panoramas were turned, by the frames' numbers."""
    world: Any = scene.world
    turns = {number: _turn(view) for number, view in views.items() if view.is_panorama}
    mapping = world.node_tree.nodes.get(_TURN)
    if mapping is None or len({(turn.x, turn.y, turn.z) for turn in turns.values()}) < 2:
        return
    socket = mapping.inputs["Rotation"]
    for number, turn in turns.items():
        socket.default_value = turn
        socket.keyframe_insert("default_value", frame=number)
    for curve, _ in curves_of(world.node_tree):
        for key in curve.keyframe_points:
            key.interpolation = "CONSTANT"


def surrounding_of(scene: bpy.types.Scene) -> str:
    """Return how the picture is the scene's world; empty where it is not."""
    world: Any = scene.world
    return str(world.get(_MARK, "")) if world is not None else ""


def take_out_of_world(scene: bpy.types.Scene) -> None:
    """Give a scene back the world that it had before the picture took its place."""
    ours = scene.world
    scene.world = own_world(scene)
    if ours is not None and ours.users == 0:
        bpy.data.worlds.remove(ours)


def own_world(scene: bpy.types.Scene) -> bpy.types.World | None:
    """Return the world that a scene has, or had before the picture took its place."""
    world: Any = scene.world
    if world is None or not world.get(_MARK):
        return world  # type: ignore[no-any-return]
    own: bpy.types.World | None = world.get(_OWN)
    return own


def _backdrop(
    image: bpy.types.Image, own: bpy.types.World | None, border: Bounds
) -> bpy.types.World:
    """Return a world whose light is another's and which the camera sees as a picture."""
    world = own.copy() if own is not None else _dark_world()
    world.use_fake_user = False
    if world.node_tree is None or not world.use_nodes:
        _light_evenly(world)
    tree: Any = world.node_tree
    nodes = NodeTree(tree)
    kind = "ShaderNodeOutputWorld"
    output = output_in(tree, kind) or nodes.add(kind, 1, 0)
    surface = output.inputs["Surface"]
    light = surface.links[0].from_socket if surface.is_linked else None
    x, y = output.location[0] / COLUMN, -output.location[1] / ROW
    width, height = border.right - border.left, border.top - border.bottom
    start, scale = (-border.left / width, -border.bottom / height, 0), (1 / width, 1 / height, 1)
    window = nodes.add("ShaderNodeTexCoord", x - 3, y - 2).outputs["Window"]
    part = nodes.add("ShaderNodeMapping", x - 2, y - 2, window, start, None, scale).outputs[0]
    picture = nodes.add(
        "ShaderNodeTexImage", x - 1, y - 2, part, image=image, extension="EXTEND"
    ).outputs["Color"]
    shown = nodes.add("ShaderNodeBackground", x + 0.5, y - 2, picture).outputs[0]
    is_camera = nodes.add("ShaderNodeLightPath", x, y - 4).outputs["Is Camera Ray"]
    choice = nodes.add("ShaderNodeMixShader", x + 1.5, y - 1, is_camera, light, shown)
    output.location[0] += 2.5 * COLUMN
    tree.links.new(choice.outputs[0], surface)
    return world


def _around(image: bpy.types.Image, view: CameraView | None) -> bpy.types.World:
    world = bpy.data.worlds.new(_NAMES["AROUND"])
    nodes = empty_tree(world)
    direction = None
    if view is not None:
        seen = nodes.add("ShaderNodeTexCoord", -5, 0).outputs["Generated"]
        mapping = nodes.add("ShaderNodeMapping", -4, 0, seen, None, _turn(view), name=_TURN)
        direction = _beside_poles(nodes, mapping.outputs[0], image.size[1])
    picture = nodes.add("ShaderNodeTexEnvironment", 0, 0, direction, image=image).outputs["Color"]
    _add_output(nodes, picture)
    return world


def _turn(view: CameraView) -> Euler:
    """Return what turns directions in the world into those in a panorama's texture."""
    return Matrix((CAMERA_TO_ENVIRONMENT @ view.world_to_camera[:3, :3]).tolist()).to_euler()


def _beside_poles(nodes: NodeTree, direction: Any, height: int) -> Any:
    """Return a direction that is no nearer to a pole than the middle of a picture's first row.

    Between that and the pole a renderer mixes the first row with the last one.
    """
    near = math.sin(math.pi / 2 / (height or _HEIGHT))
    kind = "ShaderNodeVectorMath"
    flat = nodes.add(kind, -3, 1, direction, (1, 1, 0), operation="MULTIPLY").outputs[0]
    length = nodes.add(kind, -2, 1, flat, operation="LENGTH").outputs["Value"]
    is_at = nodes.add("ShaderNodeMath", -1, 1, length, near, operation="LESS_THAN").outputs[0]
    aside = nodes.add("ShaderNodeCombineXYZ", -1, 2, is_at).outputs[0]
    step, how = (2 * near, 0, 0), "MULTIPLY_ADD"
    return nodes.add(kind, -1, 0, aside, step, direction, operation=how).outputs[0]


def _dark_world() -> bpy.types.World:
    world = bpy.data.worlds.new(_NAMES["BACKDROP"])
    world.color = (0.0, 0.0, 0.0)
    empty_tree(world)
    return world


def _light_evenly(world: Any) -> None:
    """Give a world without nodes those that shine in its colour."""
    nodes = empty_tree(world)
    world.use_nodes = True
    _add_output(nodes, (*world.color, 1.0))


def _add_output(nodes: NodeTree, colour: Any) -> None:
    shown = nodes.add("ShaderNodeBackground", 1.5, 0, colour)
    nodes.add("ShaderNodeOutputWorld", 2.5, 0, shown.outputs[0])
