"""Pictures of all that is around a camera: where regions lie in them, and as the scene's world."""

import json
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    SceneLook,
    canvas_of,
    cli_main,
    history,
    job_from_scene,
    png_of,
    scripting,
    shapes_of,
    view_of,
)
from mathutils import Vector
from scenes import add_camera, add_region, empty_scene, place, render, update
from seen import places

HOSTS = "oldest and newest"

WIDTH, HEIGHT = 256, 128
TURNED = (radians(70), radians(15), radians(40))


def panoramic(turned: tuple[float, float, float] = TURNED) -> Any:
    """Return a scene in the middle of which a camera looks all around."""
    scene = empty_scene(WIDTH, HEIGHT)
    scene.world = None
    camera = add_camera(scene, type="PANO", panorama_type="EQUIRECTANGULAR")
    camera.location, camera.rotation_euler = (1, -2, 0.5), turned
    update()
    return scene


def add_around(name: str, across: float, up: float, size: float = 0.9) -> Any:
    """Add a region that shines, seen at a place of the panorama that is given in shares of it."""
    camera = bpy.context.scene.camera
    azimuth, elevation = (across - 0.5) * 2 * np.pi, (up - 0.5) * np.pi
    flat = np.cos(elevation)
    seen = Vector((flat * np.sin(azimuth), np.sin(elevation), -flat * np.cos(azimuth)))
    at = camera.matrix_world @ (3 * seen)
    plane = add_region(name, name, size=(size, size), at=tuple(at))
    plane.rotation_euler = (camera.matrix_world.translation - at).to_track_quat("Z", "Y").to_euler()
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shining = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shining.outputs[0], output.inputs["Surface"])
    plane.data.materials.append(material)
    update()
    return plane


PLACES = {
    "ahead": (0.5, 0.5),
    "left": (0.25, 0.5),
    "behind": (0.995, 0.45),
    "above": (0.3, 0.97),
    "below right": (0.8, 0.2),
}


def columns_of(left: int, right: int) -> Any:
    return np.arange(left, right) % WIDTH


@pytest.mark.parametrize("name", PLACES)
def test_a_region_lies_where_a_panoramic_render_shows_it(name: str, tmp_path: Path) -> None:
    scene = panoramic()
    scene.render.film_transparent, scene.cycles.samples = True, 16
    region = add_around(name, *PLACES[name])
    region.mixdiff.feather_px = 0
    shown = render(scene, tmp_path / "seen.png")[..., 3] > 127
    for outline in ("rectangle", "silhouette"):
        region.mixdiff.shape = outline
        update()
        read = job_from_scene(scene, bpy.context.evaluated_depsgraph_get())
        (one,) = read.job.regions
        top, bottom, left, right = one.bounds
        assert (read.job.canvas_width, read.job.canvas_height) == (WIDTH, HEIGHT)
        assert shown[top:bottom, columns_of(left, right)].sum() > 0.9 * shown.sum()
        if outline == "silhouette":
            covered = np.zeros((HEIGHT, WIDTH))
            shares = read.silhouettes[one.id].shares.reshape(bottom - top, 2, right - left, 2)
            covered[top:bottom, columns_of(left, right)] = shares.mean(axis=(1, 3))
            is_covered = covered > 0.5
            assert (is_covered & shown).sum() > 0.88 * (is_covered | shown).sum()
        else:
            rows = np.flatnonzero(shown.any(axis=1))
            assert abs(rows[0] - top) <= 8
            assert abs(rows[-1] + 1 - bottom) <= 8
            assert right - left <= shown.any(axis=0).sum() + 16


def test_what_is_behind_goes_over_the_edge_and_what_is_above_all_around() -> None:
    panoramic()
    for name, where in PLACES.items():
        add_around(name, *where)
    found = places()
    assert found["behind"][2] < WIDTH < found["behind"][3]
    assert found["above"][2:] == [0, WIDTH]
    assert found["above"][0] == 0
    assert job().wrap == "x"


def job() -> Any:
    update()
    return job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get()).job


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"panorama_type": "FISHEYE_EQUIDISTANT"}, "choose Equirectangular"),
        ({"longitude_max": 1.0}, "longitudes from -180° to 180°"),
    ],
)
def test_a_panorama_of_another_kind_is_refused(settings: dict[str, Any], said: str) -> None:
    scene = panoramic()
    add_around("ahead", 0.5, 0.5)
    for name, value in settings.items():
        setattr(scene.camera.data, name, value)
    with pytest.raises(Exception, match=said):
        scripting.job()


def test_any_camera_may_look_all_around_and_the_horizon_is_level() -> None:
    scene = panoramic((radians(50), radians(20), radians(30)))  # it is tilted, and looks down
    scene.camera.data.type = "PERSP"
    scene.mixdiff.look = "around"
    ahead = Vector((0, 0, -1))
    ahead.rotate(scene.camera.matrix_world.to_euler())
    ahead.z = 0
    at = scene.camera.location + 3 * ahead.normalized()
    add_region("ahead", "a house", size=(0.5, 0.5), at=tuple(at)).rotation_euler = (0.3, 0.3, 0)
    add_region("up", "the sky", size=(1, 1), at=tuple(scene.camera.location + Vector((0, 0, 3))))
    found = places()
    top, bottom, left, right = found["ahead"]
    assert abs((left + right) / 2 - WIDTH / 2) <= 8
    assert abs((top + bottom) / 2 - HEIGHT / 2) <= 8
    assert found["up"][2:] == [0, WIDTH]


@pytest.mark.parametrize("look", ["PANO", "around"])
@pytest.mark.parametrize("sides", [(24, 72, 16, 96), (0, 32, 0, 256), (40, 80, 224, 296)])
def test_a_rectangle_that_is_drawn_is_that_part_of_the_panorama(
    look: str, sides: tuple[int, int, int, int]
) -> None:
    scene = panoramic()
    if look == "around":
        scene.camera.data.type, scene.mixdiff.look = "PERSP", "around"
        update()
    names = ("row_init", "row_end", "col_init", "col_end")
    bpy.ops.mixdiff.draw_region(**dict(zip(names, sides, strict=True)), prompt="clouds")
    (found,) = scripting.job()["regions"]
    assert place(found) == list(sides)
    moved = (40, 80, 208, 272)
    bpy.ops.mixdiff.place_region(**dict(zip(names, moved, strict=True)))
    (found,) = scripting.job()["regions"]
    assert place(found) == list(moved)


def test_controls_are_drawn_as_seen_by_who_looks_there() -> None:
    panoramic()
    for name, where in PLACES.items():
        add_around(name, *where)
    scene, depsgraph = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    look = SceneLook(scene, depsgraph, canvas_of(scene))
    normals, edges = (look.picture(kind).levels() for kind in ("normal", "edges"))
    for across, up in PLACES.values():  # each faces the camera, three units away
        at = int((1 - up) * HEIGHT), int(across * WIDTH)
        assert abs(look.seen.depths[at] - 3) < 0.05
        assert np.abs(normals[at] - np.array([127.5, 127.5, 255])).max() < 12
        assert not edges[at].any()
    assert 20 < (edges[..., 0] > 0).sum() < 0.1 * edges[..., 0].size


# --- As the world ---------------------------------------------------------------------------------


def painted() -> Any:
    """Return a panorama whose colours tell the direction, in camera space; (H, W, 3)."""
    azimuth = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1) * np.pi
    elevation = (0.5 - (np.arange(HEIGHT) + 0.5) / HEIGHT) * np.pi
    flat = np.cos(elevation)[:, None]
    up = np.broadcast_to(np.sin(elevation)[:, None], (HEIGHT, WIDTH))
    seen = np.stack([flat * np.sin(azimuth), up, -flat * np.cos(azimuth)], axis=-1)
    return np.rint(128 + 100 * seen).astype(np.uint8)


@pytest.fixture(params=["PANO", "around"])
def world(request: Any, tmp_path: Path) -> Any:
    """A scene whose world is a panorama that was made from its camera."""
    scene = panoramic()
    if request.param == "around":
        scene.camera.data.type, scene.mixdiff.look = "PERSP", "around"
    update()
    path = tmp_path / "painted.png"
    path.write_bytes(png_of(painted()))
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))
    assert bpy.ops.mixdiff.use_as_world(surrounding="AROUND") == {"FINISHED"}
    scene.world.cycles.sampling_method = "NONE"  # which takes seconds, and lights nothing here
    scene["to_camera"] = view.world_to_camera[:3, :3].ravel().tolist()
    return scene


DIRECTIONS = [
    *((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)),
    *((0, 0, 1), (0, 0, -1), (1, 2, -1)),
]


def test_a_camera_sees_in_each_direction_what_the_picture_shows_there(
    world: Any, tmp_path: Path
) -> None:
    to_camera = np.array(list(world["to_camera"])).reshape(3, 3)
    looking = add_camera(world, type="PERSP", angle=radians(60))
    world.render.resolution_x = world.render.resolution_y = 33
    for direction in DIRECTIONS:
        looking.rotation_euler = Vector(direction).to_track_quat("-Z", "Y").to_euler()
        update()
        seen = render(world, tmp_path / "seen.png")[16, 16, :3]
        ahead = np.array(direction) / np.linalg.norm(direction)
        expected = 128 + 100 * to_camera @ ahead
        assert np.abs(seen - expected).max() <= 4, direction


def test_the_panoramic_camera_renders_the_very_picture(tmp_path: Path) -> None:
    scene = panoramic()
    path = tmp_path / "painted.png"
    path.write_bytes(png_of(painted()))
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))
    scene.camera.rotation_euler = (0, 0, 0)  # it stays where it was made
    bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
    scene.world.cycles.sampling_method = "NONE"
    scene.camera.rotation_euler = TURNED
    update()
    off = np.abs(render(scene, tmp_path / "seen.png")[..., :3] - painted().astype(int))
    assert off.max() <= 3


def test_a_panorama_is_not_projected(world: Any) -> None:
    bpy.ops.mesh.primitive_plane_add()
    with pytest.raises(RuntimeError, match="A panorama is not projected"):
        bpy.ops.mixdiff.project()


# --- One that is generated ------------------------------------------------------------------------


def ring(seen: Any, angle_deg: float, field_deg: float) -> Any:
    """Return the colours of a round in a square render, so many degrees around its middle."""
    middle = (len(seen) - 1) / 2
    radius = np.tan(np.radians(angle_deg)) / np.tan(np.radians(field_deg / 2)) * len(seen) / 2
    turn = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    rows, columns = middle + radius * np.sin(turn), middle + radius * np.cos(turn)
    return seen[np.rint(rows).astype(int), np.rint(columns).astype(int)]


def test_it_has_no_seam_behind_and_is_calm_above(tmp_path: Path) -> None:
    scene = panoramic((radians(90), 0, 0))  # level, so that up is up
    scene.mixdiff.background, scene.mixdiff.background_prompt = True, "clouds"
    add_around("behind", 0.995, 0.5, size=3)
    assert (job().wrap, job().calm_poles_deg) == ("x", 25)
    scripting.generate(scene, output=tmp_path / "world.png")
    bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
    scene.world.cycles.sampling_method = "NONE"
    for obj in scene.objects:
        obj.hide_render = obj.type == "MESH"
    looking = add_camera(scene, type="PERSP", angle=radians(90))
    looking.location = (1, -2, 0.5)
    scene.render.resolution_x = scene.render.resolution_y = 128
    scene.cycles.samples = 4

    looking.rotation_euler = (radians(90), 0, radians(180))
    update()
    behind = render(scene, tmp_path / "behind.png")[32:96, :, :3].astype(float)
    steps = np.abs(np.diff(behind, axis=1)).mean(axis=(0, 2))
    assert steps[61:66].max() <= 1.05 * np.percentile(steps, 95)

    looking.rotation_euler = (radians(180), 0, 0)
    update()
    above = render(scene, tmp_path / "above.png")[..., :3].astype(float)
    varied = [ring(above, angle, 90).std(axis=0).mean() for angle in (2, 4, 30)]
    assert varied[0] < 0.15 * varied[2]
    assert varied[1] < 0.3 * varied[2]


def test_what_goes_over_the_edge_is_drawn_in_two_parts() -> None:
    panoramic()
    region = add_around("behind", 0.99, 0.5, size=2)
    for shape in ("rectangle", "silhouette"):
        region.mixdiff.shape, region.mixdiff.mask_type = shape, "gaussian"
        update()
        read = job_from_scene(bpy.context.scene, bpy.context.evaluated_depsgraph_get())
        small = {key: one.small(64) for key, one in read.silhouettes.items()}
        left, right = shapes_of(read.job, {}, read.own_weights, small)
        assert (left.id, left.right, right.left) == (right.id, 1, 0)
        assert 0 < right.right < left.left < 1
        if shape == "rectangle":
            falloff = np.concatenate([left.falloff[7], right.falloff[7]])
            assert np.abs(np.diff(falloff)).max() < 0.3
            assert falloff.max() == 1
        else:
            wide = left.silhouette.shape[1] / (left.right - left.left)
            assert abs(right.silhouette.shape[1] / right.right - wide) < 0.1 * wide


def test_the_world_of_a_shot_turns_as_the_camera_did(tmp_path: Path) -> None:
    scene = panoramic((radians(90), 0, 0))
    scene.mixdiff.background_prompt, scene.mixdiff.num_inference_steps = "clouds", 1
    for frame, turn in ((1, 0.0), (2, 90.0)):
        scene.camera.rotation_euler.z = radians(turn)
        scene.camera.keyframe_insert("rotation_euler", frame=frame)
    scripting.generate_range("1-2", output=tmp_path / "turn-####.png")
    for number in (1, 2):  # each frame shows a mark ahead of its camera
        path = tmp_path / f"turn-000{number}.png"
        marked = np.full((HEIGHT, WIDTH, 3), 20, dtype=np.uint8)
        marked[:, WIDTH // 2 - 8 : WIDTH // 2 + 8] = 220
        path.write_bytes(png_of(marked))
    scene.mixdiff.result.reload()
    bpy.ops.mixdiff.use_as_world(surrounding="AROUND")
    scene.world.cycles.sampling_method = "NONE"
    looking = add_camera(scene, type="PERSP", angle=radians(20))
    scene.render.resolution_x = scene.render.resolution_y = 16
    for frame, turn in ((1, 0), (2, 90)):
        scene.frame_set(frame)
        for seen, expected in ((turn, 220), (turn + 180, 20)):
            looking.rotation_euler = (radians(90), 0, radians(seen))
            update()
            levels = render(scene, tmp_path / "seen.png")[8, 8, :3]
            assert np.abs(levels - expected).max() < 4, (frame, seen)


def test_the_command_line_paints_what_is_around_the_camera_that_it_names(tmp_path: Path) -> None:
    scene = panoramic()
    add_around("behind", 0.995, 0.5, size=2)
    around = scene.camera
    around.name = "Around"
    scene.mixdiff.background, scene.mixdiff.background_prompt = True, "clouds"
    add_camera(scene).name = "Flat"
    file = tmp_path / "job.json"
    assert cli_main(["export-job", "--camera", "Around", "-o", str(file)]) == 0
    made = json.loads(file.read_text())
    assert (made["wrap"], made["calm_poles_deg"]) == ("x", 25)
    assert made["regions"][-1]["col_end"] > made["canvas_width"] == WIDTH
    assert cli_main(["export-job", "--camera", "Flat", "-o", str(file)]) == 0
    assert json.loads(file.read_text())["wrap"] == "none"
