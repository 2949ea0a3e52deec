"""From a scene to a picture, and back as an image, a texture and an input of the compositor."""

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from scenes import add_plane, file_of, render, street

report: Any
folder = Path(sys.argv[1])
told: dict[str, Any] = {}

scene = street()
told["finished"] = list(bpy.ops.mixdiff.generate())
image = scene.mixdiff.result


def keep_pixels(name: str) -> None:
    pixels = np.empty(image.size[0] * image.size[1] * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    np.save(folder / name, pixels.reshape(image.size[1], image.size[0], 4)[::-1])


keep_pixels("packed.npy")
(folder / "packed.png").write_bytes(image.packed_file.data)
told |= {
    "name": image.name,
    "size": list(image.size),
    "colour_space": image.colorspace_settings.name,
    "is_packed": image.packed_file is not None,
}

before = {"images": len(bpy.data.images), "objects": len(bpy.data.objects)}
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "street.blend"))
scene.mixdiff.seed = 1
bpy.ops.mixdiff.generate()
told["piled_up"] = {
    "images": len(bpy.data.images) - before["images"],
    "objects": len(bpy.data.objects) - before["objects"],
}
keep_pixels("file.npy")
told["file"] = file_of(image)
told["path"] = image.filepath
told["is_packed_after_saving"] = image.packed_file is not None
told["is_same_datablock"] = scene.mixdiff.result == image

# As a texture: a plane that fills the frame must look like the picture.
for item in [item for item in scene.objects if item.type == "MESH"]:
    bpy.data.objects.remove(item)
screen = add_plane("screen")
scene.world = None
bpy.ops.object.select_all(action="DESELECT")
screen.select_set(True)
own = bpy.data.materials.new("the user's own")
screen.data.materials.append(own)
for _ in range(2):
    bpy.ops.mixdiff.use_as_texture()
told["materials"] = sorted(material.name for material in bpy.data.materials)
told["kept"] = own.use_fake_user
render(scene, str(folder / "texture.png"))

bare = add_plane("bare")
while bare.data.uv_layers:
    bare.data.uv_layers.remove(bare.data.uv_layers[0])
screen.hide_render = True
bpy.ops.object.select_all(action="DESELECT")
bare.select_set(True)
bpy.ops.mixdiff.use_as_texture()
render(scene, str(folder / "texture_without_uv.png"))

# In the compositor: alone, and behind a render that covers its left half.
bare.hide_render = True
for placing in ("ALONE", "BEHIND", "ALONE"):
    bpy.ops.mixdiff.use_in_compositor(placing=placing)
tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
told["nodes"] = sorted(node.name for node in tree.nodes)
render(scene, str(folder / "alone.png"))
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
told["nodes_after"] = sorted(node.name for node in tree.nodes)
render(scene, str(folder / "behind.png"))
scene.render.resolution_x = 64
render(scene, str(folder / "smaller.png"))

report(told)
