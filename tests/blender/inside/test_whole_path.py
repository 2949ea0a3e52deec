"""A real engine's picture, and its way back into Blender: an image, a texture, the compositor."""

import os
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from scenes import add_plane, file_of, in_blender, pixels, render, select

HOSTS = "all"


def decoded(path: Path) -> Any:
    """Return a PNG's levels as another program than Blender reads them, (H, W, 3)."""
    values = path.with_suffix(".npy")
    script = (
        "import sys, numpy, PIL.Image as I\n"
        "numpy.save(sys.argv[2], numpy.asarray(I.open(sys.argv[1]).convert('RGB')))\n"
    )
    engine = [os.environ["MIXDIFF_ENGINE_PYTHON"], "-c", script, str(path), str(values)]
    subprocess.run(engine, check=True)
    return np.load(values).astype(int)


def levels(image: Any) -> Any:
    return np.round(in_blender(image)[..., :3] * 255).astype(int)


def test_the_picture_is_an_image_datablock_with_the_files_own_bytes(
    street: Any, tmp_path: Path
) -> None:
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    image = street.mixdiff.result
    assert image.name == "MixDiff"
    assert list(image.size) == [128, 64]
    assert image.colorspace_settings.name == "sRGB"
    # A file that was never saved keeps its picture packed.
    packed = tmp_path / "packed.png"
    packed.write_bytes(image.packed_file.data)
    assert np.array_equal(levels(image), decoded(packed))

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    before = (len(bpy.data.images), len(bpy.data.objects))
    street.mixdiff.seed = 1
    bpy.ops.mixdiff.generate()
    assert (len(bpy.data.images), len(bpy.data.objects)) == before
    assert street.mixdiff.result == image
    assert image.packed_file is None
    # The first is the one that was packed, which came along when the file was saved.
    file = Path(file_of(image))
    assert file == tmp_path / "mixdiff" / "street-0002.png"
    assert image.filepath.startswith("//mixdiff")
    assert np.array_equal(levels(image), decoded(file))
    assert not np.array_equal(decoded(packed), decoded(file))


@pytest.fixture
def picture(street: Any) -> Any:
    """The levels of the scene's picture, its regions gone, (H, W, 4)."""
    bpy.ops.mixdiff.generate()
    for item in [item for item in street.objects if item.type == "MESH"]:
        bpy.data.objects.remove(item)
    street.world = None
    return pixels(file_of(street.mixdiff.result))


def test_as_a_texture_it_renders_as_in_a_picture_viewer(
    picture: Any, street: Any, tmp_path: Path
) -> None:
    screen = add_plane("screen")  # it fills the frame
    own = bpy.data.materials.new("the user's own")
    screen.data.materials.append(own)
    select(screen)
    for _ in range(2):
        bpy.ops.mixdiff.use_as_texture()
    materials = sorted(material.name for material in bpy.data.materials)
    assert materials == ["MixDiff", "the user's own"]
    assert own.use_fake_user
    # The renderer samples between the centres of pixels: nearly, not exactly, the same.
    shown = render(street, tmp_path / "texture.png")
    assert np.abs(shown - picture)[..., :3].mean() < 4

    bare = add_plane("bare")
    while bare.data.uv_layers:
        bare.data.uv_layers.remove(bare.data.uv_layers[0])
    screen.hide_render = True
    select(bare)
    bpy.ops.mixdiff.use_as_texture()
    shown = render(street, tmp_path / "texture without UV.png")
    assert np.abs(shown - picture)[..., :3].mean() < 4


def test_in_the_compositor_it_comes_out_byte_for_byte_alone_and_behind_the_render(
    picture: Any, street: Any, tmp_path: Path
) -> None:
    for placing in ("ALONE", "BEHIND", "ALONE"):
        bpy.ops.mixdiff.use_in_compositor(placing=placing)
    tree = getattr(street, "compositing_node_group", None) or street.node_tree
    nodes = sorted(node.name for node in tree.nodes)
    assert nodes.count("MixDiff Picture") == 1
    alone = render(street, tmp_path / "alone.png")
    assert np.array_equal(alone[..., :3], picture[..., :3])

    half = add_plane("half", size=(2, 2), at=(-1, 0, 0))
    red = bpy.data.materials.new("red")
    red.use_nodes = True
    red.node_tree.nodes.clear()
    emission = red.node_tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (1, 0, 0, 1)
    output = red.node_tree.nodes.new("ShaderNodeOutputMaterial")
    red.node_tree.links.new(emission.outputs[0], output.inputs["Surface"])
    half.data.materials.append(red)
    bpy.ops.mixdiff.use_in_compositor(placing="BEHIND")
    assert sorted(node.name for node in tree.nodes) == nodes
    behind = render(street, tmp_path / "behind.png")[..., :3]
    assert np.array_equal(behind[:, 66:], picture[:, 66:, :3])
    assert (behind[:, :62] == [255, 0, 0]).all()

    # A picture of another size fills the render.
    street.render.resolution_x = 64
    smaller = render(street, tmp_path / "smaller.png")[..., :3]
    assert smaller.shape == (64, 64, 3)
    assert smaller[:, 40:].std() > 5
