"""A street painted from one camera and then from another: each picture keeps what it saw."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import history, png_of, read_job, view_of
from scenes import add_camera, add_plane, empty_scene, place, render, select, update

HOSTS = "oldest and newest"

GREEN, BLUE = (0, 255, 0), (0, 0, 255)


@pytest.fixture
def wall() -> Any:
    """A wall of four by two units before two cameras, each of which sees a half and some more."""
    scene = empty_scene()
    scene.cycles.samples = 4
    for name, x in (("Camera A", -0.6), ("Camera B", 0.6)):
        camera = add_camera(scene)
        camera.name, camera.location.x = name, x
        camera.data.ortho_scale = 2.8
    scene.camera = bpy.data.objects["Camera A"]
    made = add_plane("wall")
    made.mixdiff.enabled, made.mixdiff.prompt = True, "red brick wall"
    update()
    return made


def paint(colour: tuple[int, int, int], folder: Path) -> None:
    """Take in a picture of one colour, as if it were made from the scene's camera."""
    scene = bpy.context.scene
    path = folder / f"{len(scene.mixdiff.history)}.png"
    path.write_bytes(png_of(np.full((32, 64, 3), colour, np.uint8)))
    update()
    view = view_of(scene, bpy.context.evaluated_depsgraph_get())
    history.add(scene, path, {"seed": 7}, history.JobContext(snapshot={}, view=view))


@pytest.fixture
def columns(wall: Any, tmp_path: Path) -> Callable[[], str]:
    """Renders all of the wall, and returns what is seen from left to right: G, B or a dot."""
    scene = bpy.context.scene
    overview = add_camera(scene)
    overview.name = "Overview"
    scene.camera = bpy.data.objects["Camera A"]

    def look() -> str:
        before, scene.camera = scene.camera, overview
        levels = render(scene, tmp_path / "seen.png")[32, 4::8]
        scene.camera = before
        kinds = {GREEN: "G", BLUE: "B"}
        return "".join(kinds.get(tuple(int(n) for n in level[:3]), ".") for level in levels)

    return look


def turn_to(name: str) -> None:
    bpy.context.scene.camera = bpy.data.objects[name]
    update()


def test_the_first_picture_stays_where_the_second_camera_did_not_look(
    wall: Any, columns: Callable[[], str], tmp_path: Path
) -> None:
    paint(GREEN, tmp_path)
    select(wall)
    bpy.ops.mixdiff.project()
    assert columns() == "GGGGGGGGGGG....."
    turn_to("Camera B")
    paint(BLUE, tmp_path)
    bpy.ops.mixdiff.project()
    assert columns() == "GGGGGBBBBBBBBBBB"
    # Again, and from the first camera: nothing piles up, and the newest is on top.
    bpy.ops.mixdiff.project()
    assert columns() == "GGGGGBBBBBBBBBBB"
    bpy.context.scene.mixdiff.active_history = 0
    bpy.ops.mixdiff.project()
    assert columns() == "GGGGGGGGGGGBBBBB"
    # Asked to, the second fills what the first left.
    bpy.context.scene.mixdiff.active_history = 1
    bpy.ops.mixdiff.project(over="FILL")
    assert columns() == "GGGGGGGGGGGBBBBB"
    bpy.ops.mixdiff.take_projection_off()
    assert columns() == "." * 16
    assert [key for key in dict(wall) if "projection" in key] == []


def test_a_newer_picture_from_the_same_camera_takes_the_place_of_the_earlier(
    wall: Any, columns: Callable[[], str], tmp_path: Path
) -> None:
    paint(GREEN, tmp_path)
    select(wall)
    bpy.ops.mixdiff.project()
    paint(BLUE, tmp_path)
    bpy.ops.mixdiff.project()
    textures = [
        node.image
        for node in wall.material_slots[0].material.node_tree.nodes
        if node.bl_idname == "ShaderNodeTexImage" and not node.get("mixdiff_depth")
    ]
    assert len(textures) == 1
    assert columns() == "BBBBBBBBBBB....."


def test_what_gives_way_to_a_third_camera_is_said(
    wall: Any, columns: Callable[[], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, colour in (("Camera A", GREEN), ("Camera B", BLUE)):
        turn_to(name)
        paint(colour, tmp_path)
        select(wall)
        bpy.ops.mixdiff.project()
    bpy.data.objects["Camera A"].location.y = 0.1
    turn_to("Camera A")
    paint((0, 255, 255), tmp_path)
    capfd.readouterr()
    bpy.ops.mixdiff.project()
    assert (
        "wall: show 2 pictures at most, and the lowest of them no longer" in capfd.readouterr().out
    )
    assert columns() == "...........BBBBB"


def test_a_picture_made_from_a_second_camera_is_one_of_its_own(wall: Any) -> None:
    scene = bpy.context.scene
    bpy.ops.mixdiff.generate()
    bpy.data.objects["Camera B"].data.ortho_scale = 6
    turn_to("Camera B")
    update()
    bpy.ops.mixdiff.generate()
    first, second = scene.mixdiff.history
    assert history.path_of(first) != history.path_of(second)
    regions = [read_job(history.path_of(entry))["regions"][0] for entry in (first, second)]
    assert place(regions[0]) != place(regions[1])
    # Each remembers its own camera, and is projected from there wherever the camera is now.
    select(wall)
    rows = []
    for number in (0, 1):
        scene.mixdiff.active_history = number
        bpy.ops.mixdiff.project()
        rows.append(list(wall["mixdiff_projection_across" + ("_1" if number else "")]))
    assert not np.allclose(*rows)
    bpy.ops.mixdiff.browse_history(direction="PREVIOUS")
    assert scene.mixdiff.result_seed == first.seed_digits
