"""The picture in the compositor: behind what the scene already shows, or alone."""

from __future__ import annotations

from typing import Any, Literal

import bpy

from ..contract import EngineError
from ..job.regions.camera import border_of, render_size_px
from ..job.regions.projection import WHOLE_FRAME
from .materials import output_in

Placing = Literal["BEHIND", "ALONE"]

_IMAGE = "MixDiff Picture"
_SIZE = "MixDiff Size"
_OVER = "MixDiff Over"
PASSES = "MixDiff Regions"
GRADE = "MixDiff Grade"
"""What the nodes of passes and grades are called, or begin with."""
_BEFORE = "mixdiff_before"
_CHANGED = ("film_transparent", "use_compositing")


def put_in_compositor(image: bpy.types.Image, scene: bpy.types.Scene, placing: Placing) -> None:
    """Lead an image to the scene's compositor output.

    What led there before stays linked, in front of the picture; the render's film becomes
    transparent then, or the picture would never be seen. With `ALONE` only the picture shows.
    Nodes that were switched off stay unused: the render itself is in front of the picture then.
    Done again, the same nodes are used.

    Raises: EngineError of kind `output` where the scene's nodes belong to another file.
    """
    was_on = _is_on(scene)
    tree, output = _output_of(scene)
    nodes, links = tree.nodes, tree.links
    over = nodes.get(_OVER)
    if over is None:
        over = _named(nodes.new("CompositorNodeAlphaOver"), _OVER, output, -1)
    if not _leads_to(over, output):
        _insert_before(tree, over, output, is_used=was_on)
    picture = nodes.get(_IMAGE) or _named(nodes.new("CompositorNodeImage"), _IMAGE, over, -2)
    size = nodes.get(_SIZE) or _named(nodes.new("CompositorNodeScale"), _SIZE, over, -1)
    picture.image = image
    scaled_to_render(size, scene)
    if _BEFORE not in over:
        before = {name: bool(getattr(scene.render, name)) for name in _CHANGED}
        over[_BEFORE] = {**before, "was_on": was_on}
    for node in (picture, size, over):
        node.mute = False
    factor, background, _ = _over_inputs(over)
    factor.default_value = 0.0 if placing == "ALONE" else 1.0
    links.new(picture.outputs["Image"], size.inputs["Image"])
    if not _leads_to(size, over):  # by way of grades
        links.new(size.outputs["Image"], background)
    scene.render.use_compositing = True
    if placing == "BEHIND":
        scene.render.film_transparent = True


def placing_in(image: bpy.types.Image, scene: Any) -> str:
    """Return how a scene's compositor shows an image; empty where it does not."""
    tree = _tree_of(scene)
    nodes = tree.nodes if tree is not None and _is_on(scene) else None
    over, picture = (nodes.get(_OVER), nodes.get(_IMAGE)) if nodes else (None, None)
    if over is None or picture is None or picture.image != image or over.mute:
        return ""
    return "ALONE" if _over_inputs(over)[0].default_value == 0 else "BEHIND"


def take_out_of_compositor(scene: Any) -> None:
    """Take the picture's nodes out of a scene's compositor, and what else they had changed back."""
    tree = _tree_of(scene)
    over = tree.nodes.get(_OVER)
    before = over.get(_BEFORE, {})
    _, _, foreground = _over_inputs(over)
    if foreground.is_linked:
        source = foreground.links[0].from_socket
        for goal in [link.to_socket for link in over.outputs["Image"].links]:
            tree.links.new(source, goal)
    for name in _CHANGED:
        if name in before:
            setattr(scene.render, name, bool(before[name]))
    if not before.get("was_on", True) and hasattr(scene, "node_tree"):
        scene.use_nodes = False
    ours = [node for node in tree.nodes if node.name in (_OVER, _SIZE, _IMAGE, PASSES)]
    ours += [node for node in tree.nodes if node.name.startswith(GRADE)]
    for node in ours:
        tree.nodes.remove(node)


def picture_socket(scene: bpy.types.Scene) -> tuple[Any, Any, Any]:
    """Return what leads the picture to the compositor's output, where to, and the tree.

    Raises: EngineError of kind `job` where the picture is not in the compositor.
    """
    tree = _tree_of(scene)
    over = tree.nodes.get(_OVER) if tree is not None else None
    if over is None or not _over_inputs(over)[1].is_linked:
        raise EngineError(
            "the picture is not in the compositor", kind="job", advice="press Behind Render first"
        )
    background = _over_inputs(over)[1]
    return background.links[0].from_socket, background, tree


def _tree_of(scene: Any) -> Any:
    is_new = hasattr(scene, "compositing_node_group")  # Blender 5.0 and later
    return scene.compositing_node_group if is_new else scene.node_tree


def _is_on(scene: Any) -> bool:
    """Return whether renders go through the scene's compositor."""
    by_nodes = hasattr(scene, "compositing_node_group") or scene.use_nodes
    return bool(by_nodes and scene.render.use_compositing)


def _output_of(scene: Any) -> tuple[Any, Any]:
    """Return the scene's compositor tree and the node where its picture ends, made if missing."""
    if hasattr(scene, "compositing_node_group"):  # Blender 5.0 and later
        tree = scene.compositing_node_group
        if tree is None:
            groups: Any = bpy.data.node_groups
            tree = groups.new("Compositing", "CompositorNodeTree")
            scene.compositing_node_group = tree
        sockets = [s for s in tree.interface.items_tree if getattr(s, "in_out", "") == "OUTPUT"]
        if not sockets:
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        kind = "NodeGroupOutput"
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        kind = "CompositorNodeComposite"
    if tree.library is not None:
        raise EngineError(
            f"the compositor's nodes {tree.name!r} belong to {tree.library.filepath}",
            kind="output",
            advice="make them local (Make Local), or give the scene nodes of its own",
        )
    output = output_in(tree, kind)
    if output is None:
        output = tree.nodes.new(kind)
        output.location = (800, 0)
    return tree, output


def _leads_to(node: Any, output: Any) -> bool:
    """Return whether what a node makes ends in an output, through whatever other nodes."""
    seen, waiting = set(), [output]
    while waiting:
        found = waiting.pop()
        if found == node:
            return True
        if found.name not in seen:
            seen.add(found.name)
            waiting += [link.from_node for socket in found.inputs for link in socket.links]
    return False


def _insert_before(tree: Any, over: Any, output: Any, *, is_used: bool) -> None:
    """Put the node that lays one picture over another right before the output."""
    _, _, foreground = _over_inputs(over)
    goal = output.inputs[0]
    if goal.is_linked and is_used:
        source = goal.links[0].from_socket
    else:
        rendered = next((n for n in tree.nodes if n.bl_idname == "CompositorNodeRLayers"), None)
        if rendered is None:
            rendered = tree.nodes.new("CompositorNodeRLayers")
            rendered.location = (over.location.x - 300, over.location.y - 300)
        source = rendered.outputs["Image"]
    tree.links.new(source, foreground)
    tree.links.new(over.outputs["Image"], goal)


def _over_inputs(over: Any) -> tuple[Any, Any, Any]:
    """Return the sockets factor, background, foreground; their names differ between versions."""
    if "Foreground" in over.inputs:
        return over.inputs["Factor"], over.inputs["Background"], over.inputs["Foreground"]
    return over.inputs[0], over.inputs[1], over.inputs[2]


def scaled_to_render(node: Any, scene: bpy.types.Scene) -> None:
    """Have a node scale what it gets to a scene's renders."""
    if hasattr(node, "space"):
        node.space = "RENDER_SIZE"
        node.frame_method = "STRETCH"
        if border_of(scene) != WHOLE_FRAME:  # which that size leaves out of account
            node.space = "ABSOLUTE"
            for axis, size_px in zip("XY", render_size_px(scene), strict=True):
                node.inputs[axis].default_value = size_px
    else:
        node.inputs["Type"].default_value = "Render Size"
        node.inputs["Frame Type"].default_value = "Stretch"


def _named(node: Any, name: str, beside: Any, columns: int) -> Any:
    node.name = node.label = name
    node.location = (beside.location.x + columns * 240, beside.location.y)
    return node
