"""The functions for scripts, and the example that shows them."""

import runpy
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import EngineError, scripting
from scenes import add_camera, add_plane, empty_scene, file_of, pixels

HOSTS = "oldest and newest"

EXAMPLE = Path(__file__).parents[3] / "examples/scripting.py"


class Marked:
    """A wall and a road that a script has marked."""

    def __init__(self) -> None:
        self.wall = add_plane("wall", size=(2, 2), at=(-1, 0, 0))
        self.road = add_plane("road")
        scripting.mark([self.wall], prompt="bricks", mask_type="quartic")
        scripting.mark([self.road], prompt="stones", mask_weight=0.5)


@pytest.fixture
def marked(camera: Any) -> Marked:
    return Marked()


def test_regions_are_told_in_their_order_with_their_places(marked: Marked) -> None:
    marked.road.mixdiff.enabled = False
    assert [
        (r.name, r.type, r.enabled, r.prompt, r.weight, r.rectangles) for r in scripting.regions()
    ] == [
        ("wall", "text2image", True, "bricks", 1.0, ((0, 64, 0, 64),)),
        ("road", "text2image", False, "stones", 0.5, ()),
    ]
    marked.road.mixdiff.enabled = True
    assert [region["prompt"] for region in scripting.job()["regions"]][-2:] == ["bricks", "stones"]


def test_overrides_hold_for_one_call(marked: Marked, scene: Any, camera: Any) -> None:
    other = add_camera(scene)
    other.name, other.location.x, scene.camera = "Other", 1, camera
    marked.wall.keyframe_insert("location", frame=1)
    marked.wall.location.x = 1
    marked.wall.keyframe_insert("location", frame=11)
    scene.frame_set(1)

    def wall(**overrides: Any) -> list[int]:
        return list(scripting.regions(**overrides)[0].rectangles[0])

    assert wall() == [0, 64, 0, 64]
    assert wall(camera="Other") == [0, 64, 0, 32]
    assert wall(frame=11) == [0, 64, 64, 128]
    assert wall(size=(256, 128)) == [0, 128, 0, 128]
    job = scripting.job(seed=3, steps=9)
    assert (job["seed"], job["num_inference_steps"]) == (3, 9)
    assert scene.camera == camera
    assert (scene.frame_current, scene.render.resolution_x) == (1, 128)
    assert scene.mixdiff.num_inference_steps == 2


def test_another_scene_is_read_as_itself(marked: Marked, camera: Any) -> None:
    second = bpy.data.scenes.new("Second")
    second.render.resolution_x, second.render.resolution_y = 64, 64
    second.mixdiff.canvas_size, second.mixdiff.background = "render", False
    second.collection.objects.link(marked.road)
    second.collection.objects.link(camera)
    second.camera = camera
    assert scripting.job("Second")["canvas_width"] == 64
    assert [region.name for region in scripting.regions("Second")] == ["road"]


def test_wrong_names_get_the_nearest_one(marked: Marked) -> None:
    for call, nearest in (
        (lambda: scripting.mark([marked.wall], promt="x"), "'prompt'"),
        (lambda: scripting.job("Scen"), "'Scene'"),
        (lambda: scripting.job(camera="camera"), "'Camera'"),
    ):
        with pytest.raises(EngineError, match=nearest) as raised:
            call()
        assert raised.value.kind == "name"


def test_what_cannot_run_is_one_error_with_its_remedy(marked: Marked) -> None:
    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
    with pytest.raises(EngineError, match="no surface"):
        scripting.mark([lamp])
    for call in (scripting.job, scripting.generate):
        with pytest.raises(EngineError, match="num_inference_steps"):
            call(steps=0)
    empty_scene()
    with pytest.raises(EngineError, match="nothing to paint"):
        scripting.job()


def test_what_is_unmarked_or_unseen_is_told(marked: Marked) -> None:
    scripting.unmark([marked.road])
    assert [region.name for region in scripting.regions()] == ["wall"]
    assert scripting.problems() != ()
    marked.wall.location.x = 50
    assert "not in the camera's view" in scripting.regions()[0].problems[0]


def test_the_example_writes_what_it_says(scene: Any, tmp_path: Path) -> None:
    runpy.run_path(str(EXAMPLE))["main"](tmp_path)
    files = {"explain.png", "job.json", "scripting.blend", "small.png"}
    assert files <= {path.name for path in tmp_path.iterdir()}
    result = bpy.context.scene.mixdiff.result
    assert list(result.size) == [128, 64]
    assert Path(file_of(result)) == tmp_path / "small.png"
    assert pixels(tmp_path / "mixdiff/scripting-0001.png").shape[:2] == (128, 256)
    assert pixels(tmp_path / "explain.png").shape[1] > 256
