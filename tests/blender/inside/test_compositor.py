"""The compositor as people have it, and renders that are unlike the picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from scenes import add_plane
from shots import (
    FILTER,
    HEIGHT,
    PAINTED,
    WIDTH,
    Shoot,
    off,
    photographed_scene,
    shooting,
    taking_in,
)

HOSTS = "wheels"


@pytest.fixture
def scene() -> Any:
    return photographed_scene()


@pytest.fixture
def shoot(scene: Any, tmp_path: Path) -> Shoot:
    return shooting(scene, tmp_path)


@pytest.fixture
def take_in(scene: Any, tmp_path: Path) -> Callable[[], None]:
    return taking_in(scene, tmp_path)


# --- The compositor, where somebody has been before ---------------------------------------------


def compositor(scene: Any) -> Any:
    """Return the compositor's empty nodes and their output."""
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("theirs", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        return tree, tree.nodes.new("NodeGroupOutput")
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    return tree, tree.nodes.new("CompositorNodeComposite")


def test_several_outputs_are_no_obstacle(
    scene: Any, shoot: Shoot, take_in: Callable[[], None]
) -> None:
    take_in()
    tree, output = compositor(scene)
    tree.nodes.new(output.bl_idname)
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert np.array_equal(shoot(), PAINTED)


def test_nodes_that_were_switched_off_stay_unused(
    scene: Any, shoot: Shoot, take_in: Callable[[], None]
) -> None:
    take_in()
    tree, output = compositor(scene)
    layers, invert = (tree.nodes.new(f"CompositorNode{kind}") for kind in ("RLayers", "Invert"))
    tree.links.new(layers.outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs[0], output.inputs[0])
    if hasattr(scene, "compositing_node_group"):
        scene.render.use_compositing = False
    else:
        scene.use_nodes = False
    material = bpy.data.materials.new("red")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    glow, surface = (nodes.new(f"ShaderNode{kind}") for kind in ("Emission", "OutputMaterial"))
    glow.inputs["Color"].default_value = (1, 0, 0, 1)
    material.node_tree.links.new(glow.outputs[0], surface.inputs[0])
    add_plane("red", size=(2, 2)).data.materials.append(material)
    before = shoot()
    bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")
    after = shoot()
    red = (before == (255, 0, 0)).all(2)
    assert red.sum() > 50
    assert np.array_equal(after[red], before[red])
    assert (off(after).max(2) <= FILTER).sum() > 50


def test_the_compositor_goes_on_with_what_others_put_there(
    scene: Any, shoot: Shoot, take_in: Callable[[], None]
) -> None:
    take_in()
    tree, output = compositor(scene)
    layers = tree.nodes.new("CompositorNodeRLayers")
    invert = tree.nodes.new("CompositorNodeInvert")
    tree.links.new(layers.outputs["Image"], invert.inputs["Color"])
    tree.links.new(invert.outputs[0], output.inputs[0])
    bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")
    assert invert.outputs[0].links[0].to_node.name == "MixDiff Over"

    # They put a node after ours, mute ours, and take the picture away.
    flip = tree.nodes.new("CompositorNodeFlip")
    if "Flip X" in flip.inputs:  # Blender 5.0 and later
        flip.inputs["Flip X"].default_value = True
    over = tree.nodes["MixDiff Over"]
    tree.links.new(over.outputs[0], flip.inputs[0])
    tree.links.new(flip.outputs[0], output.inputs[0])
    tree.nodes.remove(tree.nodes["MixDiff Picture"])
    over.mute = True
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert output.inputs[0].links[0].from_node.name == "Flip"
    assert np.array_equal(shoot(), PAINTED[:, ::-1])

    tree.links.remove(output.inputs[0].links[0])
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert np.array_equal(shoot(), PAINTED)
    ours = sorted(node.name for node in tree.nodes if "MixDiff" in node.name)
    assert ours == ["MixDiff Over", "MixDiff Picture", "MixDiff Size"]


# --- Renders that are unlike the picture --------------------------------------------------------

SEQUENCER, STRETCHED = "Renders show the sequencer's strips", "The picture is stretched over"


def crop(render: Any) -> None:
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x = 0.25, 0.75
    render.border_min_y, render.border_max_y = 0.25, 0.75


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        (lambda render: None, True),
        (lambda render: setattr(render, "resolution_percentage", 50), True),
        (lambda render: setattr(render, "resolution_x", WIDTH // 2), False),
        (lambda render: setattr(render, "pixel_aspect_x", 2), False),
        (crop, False),
    ],
    ids=["as it was", "half as large", "another shape", "wider pixels", "a part of it"],
)
@pytest.mark.parametrize("use", ["use_in_compositor", "use_as_world"])
def test_a_picture_of_another_frame_is_said(
    use: str,
    change: Callable[[Any], None],
    fits: bool,
    scene: Any,
    take_in: Callable[[], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    take_in()
    change(scene.render)
    getattr(bpy.ops.mixdiff, use)()
    assert (STRETCHED in capfd.readouterr().out) is not fits


def test_a_smaller_render_shows_the_whole_picture(
    scene: Any, shoot: Shoot, take_in: Callable[[], None]
) -> None:
    take_in()
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    scene.render.resolution_percentage = 50
    half = PAINTED.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
    assert np.abs(shoot() - half).mean() < 2 * FILTER


def test_strips_of_the_sequencer_are_said_where_renders_show_them(
    scene: Any, shoot: Shoot, take_in: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    take_in()
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    end = "length" if bpy.app.version >= (5, 0) else "frame_end"
    strips.new_effect("plain", "COLOR", 1, 1, **{end: 20})
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert SEQUENCER in capfd.readouterr().out
    assert off(shoot()).mean() > 20
    scene.render.use_sequencer = False
    bpy.ops.mixdiff.use_in_compositor(placing="ALONE")
    assert SEQUENCER not in capfd.readouterr().out
    assert np.array_equal(shoot(), PAINTED)
