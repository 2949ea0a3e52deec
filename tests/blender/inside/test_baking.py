"""What is projected, baked to pictures of UV maps: renders show the same as before."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import cli_main, history, png, scripting, view_of
from scenes import empty_scene, in_blender, pixels, render, select, update

HOSTS = "oldest and newest"

Look = Callable[[str], Any]


def add_eye(name: str, at: Any) -> Any:
    """Return a camera that looks at the middle."""
    data = bpy.data.cameras.new(name)
    data.lens = 35
    eye = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(eye)
    eye.location = at
    eye.rotation_euler = (-eye.location).to_track_quat("-Z", "Y").to_euler()
    return eye


def picture(height: int, width: int, red: int) -> Any:
    """Return a picture whose colours change evenly, with stripes."""
    rows, columns = np.mgrid[:height, :width]
    waves = 90 + 60 * np.sin(rows / 14) + 60 * np.cos(columns / 17)
    levels = np.stack([np.full_like(waves, red), waves, 255 - columns * 255 / width], axis=-1)
    return levels.astype(np.uint8)


def paint(levels: Any, folder: Path) -> None:
    """Take in a picture as if it were made from the scene's camera."""
    scene = bpy.context.scene
    path = folder / f"{len(scene.mixdiff.history)}.png"
    notes = {"mixdiff-job": {"seed": len(scene.mixdiff.history)}}
    height, width, _ = levels.shape
    path.write_bytes(png.encode_png((width, height), levels.tobytes(), notes=notes))
    update()
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    """A wall, before it a box and a smooth ball, and two cameras."""
    scene = empty_scene()
    scene.render.resolution_x, scene.render.resolution_y = 192, 128
    scene.cycles.samples = 16
    scene.mixdiff.output_folder = str(tmp_path / "out")
    bpy.ops.mesh.primitive_plane_add(size=12, rotation=(math.pi / 2, 0, 0), location=(0, 2, 0))
    bpy.context.object.name = "wall"
    bpy.ops.mesh.primitive_cube_add(size=1.6, location=(-1.2, 0, 0), rotation=(0.2, 0.1, 0.5))
    bpy.context.object.name = "box"
    bpy.context.object.data.uv_layers.remove(bpy.context.object.data.uv_layers[0])
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=12, location=(1.3, 0, 0))
    bpy.context.object.name = "ball"
    bpy.ops.object.shade_smooth()
    add_eye("front", (0, -8, 1))
    add_eye("aside", (5, -6, 2))
    scene.camera = bpy.data.objects["front"]
    update()
    return scene


@pytest.fixture
def look(stage: Any, tmp_path: Path) -> Look:
    """Renders from a camera."""

    def render_from(name: str) -> Any:
        stage.camera = bpy.data.objects[name]
        update()
        return render(stage, tmp_path / f"{name}.png")[..., :3].astype(int)

    return render_from


def project_from(name: str, levels: Any, folder: Path, **how: Any) -> None:
    scene = bpy.context.scene
    scene.camera = bpy.data.objects[name]
    paint(levels, folder)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.mixdiff.project(onto="ALL", **how)


def test_the_bake_shows_what_the_projection_shows(stage: Any, look: Look, tmp_path: Path) -> None:
    project_from("front", picture(256, 384, 255), tmp_path)
    project_from("aside", picture(256, 384, 0), tmp_path)
    before = {name: look(name) for name in ("front", "aside")}
    bpy.ops.mixdiff.bake_projection(size=512, put_on=True)
    for name, shown in before.items():
        difference = np.abs(look(name) - shown).max(axis=-1)
        # What differs is the borders of pictures and of shadows, as wide as a texel.
        assert difference.mean() < 1
        assert (difference <= 4).mean() > 0.95
    made = [slot.material for obj in bpy.data.objects for slot in obj.material_slots]
    assert len(made) == 3
    assert all(material["mixdiff_baked"] for material in made)
    select(*(obj for obj in bpy.data.objects if obj.type == "MESH"))
    bpy.ops.mixdiff.take_projection_off()
    assert not any(slot.material for obj in bpy.data.objects for slot in obj.material_slots)


@pytest.fixture
def sheet(stage: Any, tmp_path: Path) -> Any:
    """The wall alone, all of it before a camera that is right before its middle."""
    for name in ("box", "ball"):
        bpy.data.objects.remove(bpy.data.objects[name])
    stage.render.resolution_x = stage.render.resolution_y = 128
    eye = bpy.data.objects["front"]
    eye.location, eye.rotation_euler = (0, -8, 0), (math.pi / 2, 0, 0)
    eye.data.lens = 25  # 14.4 units wide at the wall, which has 12
    wall = bpy.data.objects["wall"]
    select(wall)
    update()
    return wall


def bake(*objects: Any, **options: Any) -> Any:
    """Bake, and return the only picture's values, (H, W, 4), the top row first."""
    (baked,) = scripting.bake(objects, **{"size": 64, "margin": 0, **options})
    return in_blender(baked.image)


def test_a_texel_has_its_own_place_of_the_picture(sheet: Any, tmp_path: Path) -> None:
    project_from("front", picture(512, 512, 255), tmp_path)
    before = [slot.material for slot in sheet.material_slots]
    levels = bake(sheet) * 255
    # The wall is five sixths of the frame.
    places = np.rint(((np.arange(64) + 0.5) / 64 * 12 / 14.4 + 1.2 / 14.4) * 512 - 0.5).astype(int)
    expected = picture(512, 512, 255)[np.ix_(places, places)]
    assert (levels[..., 3] == 255).all()
    assert np.abs(levels[..., :3] - expected).mean() < 2
    assert [slot.material for slot in sheet.material_slots] == before
    (file,) = (tmp_path / "out").glob("*.png")
    note = png.read_bake(file)
    assert note["object"] == "wall"
    assert [one["job"]["seed"] for one in note["pictures"]] == [0]


def test_margins_go_on_around_islands(sheet: Any, tmp_path: Path) -> None:
    project_from("front", picture(64, 64, 255), tmp_path)
    for corner in sheet.data.uv_layers[0].uv:
        corner.vector = corner.vector * 0.5 + type(corner.vector)((0.25, 0.25))
    for margin in (0, 5):
        alpha = bake(sheet, margin=margin)[..., 3]
        rows, columns = np.nonzero(alpha)
        assert [rows.min(), rows.max(), columns.min(), columns.max()] == [
            *(16 - margin, 47 + margin) * 2
        ]


def test_each_udim_tile_is_a_picture_and_a_map_that_repeats_is_not_used(
    sheet: Any, tmp_path: Path
) -> None:
    bpy.ops.mesh.primitive_plane_add(size=3, location=(0, 0, 0), rotation=(math.pi / 2, 0, 0))
    select(bpy.context.object, sheet)
    bpy.ops.object.join()
    uvs = sheet.data.uv_layers[0].uv
    for corner in list(uvs)[4:]:
        corner.vector.x += 1
    project_from("front", picture(64, 64, 255), tmp_path)
    (baked,) = scripting.bake([sheet], size=32, margin=0)
    assert [file.name[-9:] for file in baked.files] == [".1001.png", ".1002.png"]
    assert baked.image.source == "TILED"
    assert [tile.number for tile in baked.image.tiles] == [1001, 1002]
    assert baked.overlapping == 0
    for corner in list(uvs)[4:]:
        corner.vector.x += 0.5
    (again,) = scripting.bake([sheet], size=32)
    assert "repeats the picture" in again.unfit
    assert len(again.files) == 1
    assert again.is_new_map
    assert [layer.name for layer in sheet.data.uv_layers] == ["UVMap", "MixDiff"]


def test_what_shares_texels_shows_what_was_seen_of_one_and_is_said(
    sheet: Any, tmp_path: Path
) -> None:
    # The second one is behind the first, where nothing of it is seen.
    array = sheet.modifiers.new("Array", "ARRAY")
    array.use_relative_offset, array.use_constant_offset = False, True
    array.constant_offset_displace = (0, 0, -1)
    project_from("front", picture(64, 64, 255), tmp_path)
    (baked,) = scripting.bake([sheet], size=32)
    assert baked.overlapping == pytest.approx(0.5, abs=0.05)
    assert (in_blender(baked.image)[..., 3] == 1).all()


def test_objects_that_share_a_mesh_have_a_picture_each(sheet: Any, tmp_path: Path) -> None:
    sheet.scale = (0.4, 1, 1)
    sheet.location.x = -3
    twin = sheet.copy()
    bpy.context.collection.objects.link(twin)
    twin.location.x = 3
    project_from("front", picture(64, 64, 255), tmp_path)
    left, right = (bake(obj) for obj in (sheet, twin))
    # Blue falls evenly over the frame, and the right one begins where the left one has ended.
    assert left[32, :, 2].min() > right[32, :, 2].max()


def test_the_other_side_of_a_thin_wall_is_not_painted(sheet: Any, tmp_path: Path) -> None:
    bpy.data.objects.remove(sheet)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 0))
    slab = bpy.context.object
    slab.scale = (4, 0.02, 4)
    project_from("front", np.full((64, 64, 3), 255, np.uint8), tmp_path)
    (baked,) = scripting.bake([slab], size=128, new_uv_map=True)
    faces = 16 / (2 * 16 + 4 * 0.08)
    assert baked.painted == pytest.approx(faces, abs=0.03)
    # From within a room the same faces are seen from their other side.
    slab.scale = (4, 4, 4)
    bpy.data.objects["front"].location = (0, 0, 0)
    update()
    project_from("front", np.full((64, 64, 3), 255, np.uint8), tmp_path)
    (baked,) = scripting.bake([slab], size=128)
    assert baked.painted > 0.1


def test_the_command_line_bakes(
    sheet: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project_from("front", picture(64, 64, 255), tmp_path)
    sheet.data.uv_layers.remove(sheet.data.uv_layers[0])
    sheet.data.update_tag()
    words = ["bake", "--object", "wall", "--size", "32", "--output", str(tmp_path / "baked")]
    assert cli_main([*words, "--json"]) == 0
    said = capfd.readouterr()
    (line,) = (line for line in said.out.splitlines() if line.startswith("{"))
    ((name,),) = (one["files"] for one in json.loads(line)["pictures"])
    assert Path(name) == tmp_path / "baked" / "untitled-wall-0001.png"
    assert pixels(name).shape == (32, 32, 4)
    assert "wall: --save keeps the UV map" in said.err
    assert cli_main(["bake", "--object", "wal"]) == 2
    assert "wall" in capfd.readouterr().err


def test_what_cannot_be_baked_says_why(sheet: Any, tmp_path: Path) -> None:
    bpy.ops.curve.primitive_bezier_circle_add(radius=2)
    curve = bpy.context.object
    curve.data.dimensions, curve.name = "2D", "ring"
    curve.rotation_euler.x = math.pi / 2
    project_from("front", picture(64, 64, 255), tmp_path)
    with pytest.raises(scripting.EngineError, match=r"(?s)ring: .*no UV map.*[Cc]onvert"):
        scripting.bake([curve], new_uv_map=True)
    bpy.ops.mesh.primitive_cube_add()
    with pytest.raises(scripting.EngineError, match="nothing is projected"):
        scripting.bake([bpy.context.object])
    sheet.data.clear_geometry()
    with pytest.raises(scripting.EngineError, match="wall: it has no faces"):
        scripting.bake(["wall"])
    assert not list((tmp_path / "out").glob("*"))
