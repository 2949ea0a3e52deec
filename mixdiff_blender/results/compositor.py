"""The picture as an input of the compositor, joined to what is there."""

from __future__ import annotations

from typing import Any, Literal

import bpy

NODE_NAME = "MixDiff"
_OVER_NAME = "MixDiff over"
_SCALE_NAME = "MixDiff size"

Place = Literal["BEHIND", "ALONE"]


def use_in_compositor(scene: bpy.types.Scene, image: bpy.types.Image, place: Place) -> None:
    """Let the compositor show the picture: behind what it showed before, or alone.

    Behind, the render's film becomes transparent, or the picture would never be seen. Repeating
    it changes the nodes that the first time made, and adds none.
    """
    tree = _tree(scene)
    output = _output(tree)
    picture = _picture(tree, image, output)
    before = _source(output.inputs["Image"])
    over = tree.nodes.get(_OVER_NAME)
    if over is not None and before is not None and before.node == over:
        before = _source(_foreground(over))
    if before is not None and before.node in (picture.node, tree.nodes.get(NODE_NAME)):
        before = None
    if place == "BEHIND" and before is None:
        before = _render_layers(tree, output).outputs["Image"]
    if place == "BEHIND" and before is not None:
        over = over or _new(tree, "CompositorNodeAlphaOver", _OVER_NAME, output, -200)
        tree.links.new(picture, _background(over))
        tree.links.new(before, _foreground(over))
        tree.links.new(over.outputs["Image"], output.inputs["Image"])
        scene.render.film_transparent = True
    else:
        if over is not None:
            tree.nodes.remove(over)
        tree.links.new(picture, output.inputs["Image"])
    scene.render.use_compositing = True


def _is_group() -> bool:
    """Whether the compositor is a node group, as from 5.0 on."""
    return "compositing_node_group" in bpy.types.Scene.bl_rna.properties


def _tree(scene: bpy.types.Scene) -> Any:
    if _is_group():
        if scene.compositing_node_group is None:
            tree = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
            tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            scene.compositing_node_group = tree
        return scene.compositing_node_group
    scene.use_nodes = True
    return scene.node_tree


def _output(tree: Any) -> Any:
    """Return the node whose Image is what comes out, made if there is none."""
    kind = "NodeGroupOutput" if _is_group() else "CompositorNodeComposite"
    found = [node for node in tree.nodes if node.bl_idname == kind]
    active = [n for n in found if getattr(n, "is_active_output", True)]
    if found:
        return (active or found)[0]
    output = tree.nodes.new(kind)
    output.location = (600, 0)
    return output


def _picture(tree: Any, image: bpy.types.Image, output: Any) -> Any:
    """Return the socket that gives the picture, stretched to the render's size."""
    node = tree.nodes.get(NODE_NAME) or _new(tree, "CompositorNodeImage", NODE_NAME, output, -600)
    node.image = image
    scale = tree.nodes.get(_SCALE_NAME)
    if scale is None:
        scale = _new(tree, "CompositorNodeScale", _SCALE_NAME, output, -400)
        _stretch_to_render(scale)
    tree.links.new(node.outputs["Image"], scale.inputs["Image"])
    return scale.outputs["Image"]


def _stretch_to_render(scale: Any) -> None:
    if hasattr(scale, "space"):
        scale.space, scale.frame_method = "RENDER_SIZE", "STRETCH"
    else:  # from 5.0 on these are sockets
        scale.inputs["Type"].default_value = "Render Size"
        scale.inputs["Frame Type"].default_value = "Stretch"


def _render_layers(tree: Any, output: Any) -> Any:
    found = [node for node in tree.nodes if node.bl_idname == "CompositorNodeRLayers"]
    return found[0] if found else _new(tree, "CompositorNodeRLayers", "Render Layers", output, -800)


def _new(tree: Any, kind: str, name: str, output: Any, offset: float) -> Any:
    node = tree.nodes.new(kind)
    node.name = node.label = name
    node.location = (output.location.x + offset, output.location.y - 200)
    return node


def _source(socket: Any) -> Any:
    return socket.links[0].from_socket if socket.links else None


def _over_sockets(over: Any) -> tuple[Any, Any]:
    """Return background and foreground: by name where they have names, else by their old order."""
    if "Background" in over.inputs:
        return over.inputs["Background"], over.inputs["Foreground"]
    background, foreground = (socket for socket in over.inputs if socket.name == "Image")
    return background, foreground


def _background(over: Any) -> Any:
    return _over_sockets(over)[0]


def _foreground(over: Any) -> Any:
    return _over_sockets(over)[1]
