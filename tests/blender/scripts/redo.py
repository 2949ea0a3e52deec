"""Chooses something else in the redo panel of each operator, and compares with pressing it afresh.

Only a window's redo panel leaves objects as undo leaves them; calls of operators evaluate first.
"""

import json
import struct
import sys
import traceback
import zlib
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np

folder = Path(sys.argv[sys.argv.index("--") + 1])
sys.path.append(str(Path(__file__).parents[1] / "inside"))

from addon import annotations_of, history, png_of, snapshots, view_of  # noqa: E402
from scenes import (  # noqa: E402
    add_annotations,
    add_camera,
    add_plane,
    add_region,
    empty_scene,
    in_blender,
    select,
    update,
)

FILES = {name: str(folder / f"{name}.png") for name in ("first", "second", "third", "other")}
STYLES = {name: str(folder / f"{name}.json") for name in ("first", "second")}
LORAS = {name: str(folder / f"{name}.safetensors") for name in ("first", "second")}
PLACES = {"row_init": 0, "row_end": 32, "col_init": 0, "col_end": 64}


CASES: list[Any] = [
    ("use_as_texture", {}, {}),
    ("project", {}, {}),
    ("project", {"onto": "ALL"}, {"onto": "SELECTED"}),
    ("project", {"view": "PICTURE"}, {"view": "CAMERA"}),
    ("project", {"view": "CAMERA"}, {"view": "PICTURE"}),
    ("project", {"keep": True}, {"keep": False}),
    ("project", {"keep": False}, {"keep": True, "onto": "ALL"}),
    ("use_in_compositor", {"placing": "BEHIND"}, {"placing": "ALONE"}),
    ("use_in_compositor", {"placing": "ALONE"}, {"placing": "BEHIND"}),
    ("use_as_background", {"depth": "BACK"}, {"depth": "FRONT"}),
    ("use_as_world", {"surrounding": "BACKDROP"}, {"surrounding": "AROUND"}),
    ("use_as_world", {"surrounding": "AROUND"}, {"surrounding": "BACKDROP"}),
    ("mark_regions", {}, {"type": "image2image"}),
    ("mark_together", {}, {}),
    ("mark_collection", {"collection": "group"}, {"collection": "other group"}),
    ("mark_material", {"material": "own"}, {"material": "own"}),
    ("mark_annotations", {}, {"layers": "active"}),
    ("add_control", {"kind": "depth"}, {"kind": "normal"}),
    ("remove_control", {"index": 0}, {"index": 1}),
    ("choose_controlnet", {"index": 0, "model": "one/net"}, {"index": 1, "model": "two/net"}),
    ("preview_control", {"kind": "depth"}, {"kind": "normal"}),
    ("add_reference", {"image": "of mine"}, {"image": "another"}),
    ("remove_reference", {"index": 0}, {"index": 1}),
    ("choose_adapter", {"index": 0, "model": "one/eye"}, {"index": 1, "model": "two/eye"}),
    ("bake_projection", {"size": 16}, {"size": 32, "uv_map": "NEW"}),
    ("add_lora", {"filepath": LORAS["first"]}, {"filepath": LORAS["second"]}),
    ("add_named_lora", {}, {"of_region": True}),
    ("remove_lora", {"index": 0}, {"index": 1}),
    ("draw_region", PLACES, {**PLACES, "row_end": 48, "type": "reroll"}),
    ("move_region", {"direction": "UP"}, {"direction": "DOWN"}),
    ("select_region", {"extend": True}, {"extend": False}),
    ("duplicate_region", {}, {}),
    ("remove_region", {}, {}),
    ("browse_history", {"direction": "PREVIOUS"}, {"direction": "NEXT"}),
    ("keep_image", {}, {}),
    ("add_image_region", {"filepath": FILES["first"]}, {"filepath": FILES["second"]}),
    ("load_picture", {"filepath": FILES["first"]}, {"filepath": FILES["other"]}),
    ("use_settings", {}, {}),
    ("use_model_settings", {}, {}),
    ("use_preset", {"preset": "Watercolour"}, {"preset": STYLES["second"]}),
    ("use_preset", {"preset": STYLES["second"]}, {"preset": "Watercolour"}),
    ("import_preset", {"filepath": STYLES["first"]}, {"filepath": STYLES["second"]}),
    ("keep_seed", {}, {}),
    ("take_projection_off", {}, {}),
    ("take_off", {"use": "mixdiff.project"}, {"use": "mixdiff.project"}),
    ("place_region", {**PLACES, "row_end": 48}, {**PLACES, "row_end": 40, "col_init": 16}),
]

SIDES = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 128}
DOCUMENT = {
    **{"version": 1, "seed": 7, "canvas_width": 128, "canvas_height": 64},
    "regions": [{"type": "text2image", "prompt": "a road", **SIDES}],
}


def build(name: str) -> None:
    """Make a scene with regions, strokes, results, and objects that lie anywhere."""
    scene = empty_scene()
    with bpy.context.temp_override(**here()):
        fill(scene)
        if name in ("take_projection_off", "take_off", "bake_projection"):
            bpy.ops.mixdiff.project()
        for number, kind in enumerate(("depth", "normal")):
            scene.mixdiff.controls.add().kind = kind
            scene.mixdiff.loras.add().lora = f"{number}.safetensors"
            scene.mixdiff.references.add().scale = 0.5 + number / 4
        for image in ("of mine", "another"):
            bpy.data.images.new(image, 4, 4)
        for group in ("group", "other group"):
            scene.collection.children.link(bpy.data.collections.new(group))
            bpy.data.collections[group].objects.link(bpy.data.objects["cube"])
        if name == "place_region":
            bpy.ops.mixdiff.draw_region(**PLACES)
        update()


def fill(scene: Any) -> None:
    scene.world = bpy.data.worlds.new("own world")
    camera = add_camera(scene, type="PERSP", lens=30)
    camera.location, camera.rotation_euler = (0.4, -6, 2), (radians(75), 0, radians(4))
    for number, name in enumerate(("one", "two", "three")):
        add_region(name, name, size=(1, 1), at=(number, 0, 0))
    for layer in (add_annotations(scene, "far"), annotations_of(scene).layers.new("near")):
        layer.frames.new(1).strokes.new().points.add(2)
    update()
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    for name in ("first", "second", "third"):
        context = history.JobContext(snapshot=snapshots.snapshot(scene), view=view)
        history.add(scene, Path(FILES[name]), DOCUMENT, context)
    scene.mixdiff.prompt = "another"
    camera.location.x += 1
    scene.mixdiff.active_history = 1
    scene.mixdiff.active_region = 1
    cube = add_plane("cube", size=(3, 2), at=(1, 2, 3))
    cube.rotation_euler = (0.2, 0.4, 0.6)
    cube.data.uv_layers.remove(cube.data.uv_layers[0])
    plain_one = add_plane("plain", at=(-2, 1, 0))
    plain_one.data.materials.append(bpy.data.materials.new("own"))
    select(plain_one, cube)
    update()


def plain(value: Any) -> Any:
    """Return a value of Blender's as one that outlives its datablock."""
    if isinstance(value, bpy.types.ID):
        return value.name
    if isinstance(value, (str, bool, int, type(None))):
        return value
    if isinstance(value, float):
        return round(value, 4)
    return [plain(part) for part in value] if hasattr(value, "__len__") else str(type(value))


def values_of(settings: Any) -> dict[str, Any]:
    collections = {"history", "regions", "rna_type", "uid"}
    keys = {*settings.bl_rna.properties.keys()} - collections
    return {key: plain(getattr(settings, key)) for key in keys}


def nodes_of(owner: Any) -> list[Any]:
    """Return the links and values of a node tree, or of whoever has one."""
    tree = owner if hasattr(owner, "nodes") else owner and owner.node_tree
    if not tree:
        return []
    sockets = [(node, socket) for node in tree.nodes for socket in node.inputs]
    return sorted(
        (
            *(node.name, node.mute, plain(getattr(node, "image", None)), socket.identifier),
            str(plain(getattr(socket, "default_value", None))),
            [(link.from_node.name, link.from_socket.identifier) for link in socket.links],
        )
        for node, socket in sockets
    )


def of_object(obj: Any) -> dict[str, Any]:
    return {
        "place": plain(obj.matrix_world),
        "parent": plain(obj.parent),
        "settings": values_of(obj.mixdiff),
        "materials": [(slot.link, plain(slot.material)) for slot in obj.material_slots],
        "projection": {key: plain(obj[key]) for key in dict(obj) if "projection" in key},
        "shown": (obj.hide_render, obj.display_type, obj.select_get(), plain(obj.data)),
    }


def state() -> dict[str, Any]:
    """Return all that operators change."""
    update()
    scene = bpy.context.scene
    settings = scene.mixdiff
    nodes = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    backgrounds = scene.camera.data.background_images
    return {
        **{f"object {obj.name}": of_object(obj) for obj in bpy.data.objects},
        **{f"material {m.name}": [nodes_of(m), m.use_fake_user] for m in bpy.data.materials},
        **{f"world {w.name}": [nodes_of(w), w.use_fake_user] for w in bpy.data.worlds},
        **{
            f"image {i.name}": (i.filepath, i.use_fake_user, in_blender(i).mean().round(2))
            for i in bpy.data.images
            if i.size[0]
        },
        "active": plain(bpy.context.view_layer.objects.active),
        "regions": [(plain(e.object), e.layer, values_of(e.settings)) for e in settings.regions],
        "canvas": values_of(settings),
        "history": [entry.name for entry in settings.history],
        "world": scene.world.name,
        "compositor": nodes_of(nodes),
        "film": scene.render.film_transparent,
        "backgrounds": [(plain(b.image), b.display_depth, b.alpha) for b in backgrounds],
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    keys = one.keys() | other.keys()
    return {k: (one.get(k), other.get(k)) for k in keys if one.get(k) != other.get(k)}


def here() -> dict[str, Any]:
    """Return a viewport to work in."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def redoable() -> set[str]:
    """Return the names of all operators that have a redo panel."""
    found = (getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("MIXDIFF_OT_"))
    return {
        operator.bl_idname.removeprefix("mixdiff.")
        for operator in found
        if {"REGISTER", "UNDO"} <= getattr(operator, "bl_options", set())
    }


def redone(name: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return in what the redo panel differs from pressing the button afresh."""
    run = getattr(bpy.ops.mixdiff, name)
    build(name)
    with bpy.context.temp_override(**here()):
        done = run("EXEC_DEFAULT", **after)
        assert done == {"FINISHED"}, (name, done)
        afresh = state()
    build(name)
    with bpy.context.temp_override(**here()):
        bpy.ops.ed.undo_push(message="start")
        start = state()
        run("EXEC_DEFAULT", True, **before)
        bpy.ops.ed.undo()
    with bpy.context.temp_override(**here()):
        undone = differences(state(), start)
    build(name)
    with bpy.context.temp_override(**here()):
        bpy.ops.ed.undo_push(message="start")
        run("EXEC_DEFAULT", True, **before)
        operator = bpy.context.window_manager.operators[-1]
        assert operator.bl_idname == f"MIXDIFF_OT_{name}", operator.bl_idname
        for key, value in after.items():
            setattr(operator.properties, key, value)
        if run.poll():  # or Blender greys the panel out: there is nothing left to do it to
            assert bpy.ops.ed.undo_redo() == {"FINISHED"}
    with bpy.context.temp_override(**here()):
        return {**undone, **differences(state(), afresh)}


def work() -> None:
    found: dict[str, Any] = {}
    try:
        for value, file in enumerate(FILES.values()):
            level = np.full((4, 8, 3), 60 + 60 * value, dtype=np.uint8)
            note = b"iTXtmixdiff-job" + bytes(5) + json.dumps(DOCUMENT).encode()
            chunk = struct.pack(">I", len(note) - 4) + note + struct.pack(">I", zlib.crc32(note))
            picture = png_of(level)
            Path(file).write_bytes(picture[:-12] + chunk + picture[-12:])  # before its last chunk
        for steps, file in enumerate(STYLES.values()):
            said = {"model": f"owner/{steps}", "num_inference_steps": 9 - steps}
            said |= {"guidance_scale": 3.0} if steps else {"prompt": "ink"}
            named = {"mixdiff_preset": 1, "name": f"Preset {steps}"}
            Path(file).write_text(json.dumps({**named, **said}))
        found["operators"] = repr(sorted(redoable() - {name for name, _, _ in CASES}))
        for name, before, after in CASES:
            found[f"{name} {before} {after}"] = repr(redone(name, before, after))
    except Exception:
        found["error"] = traceback.format_exc()
    (folder / "redone.json").write_text(json.dumps(found))
    bpy.ops.wm.quit_blender()


bpy.app.timers.register(work, first_interval=2)
