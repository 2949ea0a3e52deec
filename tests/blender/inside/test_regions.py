"""Regions of known scenes."""

import random
from math import radians
from typing import Any

import bpy
import numpy as np
import pytest
from addon import check, job_from_scene, scripting, to_document, view_of, visible_bounds
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from scenes import add_camera, add_plane, add_region, empty_scene, place, update

HOSTS = "all"


@pytest.fixture
def mixed(camera: Any) -> None:
    """Regions that the camera sees in whole, in part, hardly or not at all."""
    add_region("a whole", "everything")
    add_region("b quarter", "part", size=(2, 1), at=(1, 0.5, 0))
    add_region("c beyond", "cut", size=(4, 1), at=(-2, -0.5, 0))
    add_region("d tiny", "dot", size=(0.01, 0.01), at=(0.13, 0.13, 0))
    add_region("e outside", "unseen", at=(20, 0, 0))
    add_region("f hidden", "unseen").hide_render = True
    add_region("g behind", "unseen", at=(0, 0, 20))
    add_plane("h no region")


@pytest.mark.usefixtures("mixed")
def test_what_the_camera_sees_becomes_rectangles() -> None:
    job = scripting.job()
    assert (job["canvas_height"], job["canvas_width"]) == (64, 128)
    assert {region["prompt"]: place(region) for region in job["regions"]} == {
        "everything": [0, 64, 0, 128],
        "part": [0, 32, 64, 128],
        "cut": [32, 64, 0, 64],
        "dot": [24, 32, 64, 72],
    }
    assert len(job["regions"]) == 4


@pytest.mark.usefixtures("mixed")
def test_regions_come_in_the_order_of_the_list_and_know_their_objects() -> None:
    seen = [region for region in scripting.regions() if region.rectangles]
    assert [region.name for region in seen] == ["a whole", "b quarter", "c beyond", "d tiny"]
    rectangles = [list(rectangle) for region in seen for rectangle in region.rectangles]
    assert rectangles == [place(region) for region in scripting.job()["regions"]]


@pytest.mark.usefixtures("mixed")
def test_what_is_left_out_is_named_with_the_reason() -> None:
    assert [problem.partition(";")[0] for problem in scripting.problems()] == [
        "e outside is not in the camera's view and is left out",
        "f hidden is hidden from the render and is left out",
        "g behind is not in the camera's view and is left out",
    ]


def test_every_setting_reaches_the_job(scene: Any, camera: Any) -> None:
    region = add_region("region", "a road").mixdiff
    region.negative_prompt, region.guidance_scale = "fog", 3.5
    region.mask_type, region.mask_weight = "feather", 0.5
    region.feather_px, region.mask_area = 48, "canvas"
    region.mask = bpy.data.images.new("mask", 8, 8)
    region.region_seed, region.noise_eps = 2**64 - 1, 0.25
    reroll = add_region("reroll", size=(1, 1)).mixdiff
    reroll.type, reroll.reroll_mode, reroll.noise_eps = "reroll", "epsilon", 0.5
    photo = add_region("photo", size=(1, 1)).mixdiff
    photo.type, photo.strength = "image2image", 0.75
    photo.reference_image = bpy.data.images.new("painted", 8, 8)
    settings = scene.mixdiff
    settings.scheduler, settings.negative_prompt = "ddim", "text"
    settings.base_strength, settings.base_end = 0.3, 0.4
    settings.background_prompt, settings.wrap = "a town", "both"
    settings.windows, region.windows = "trimmed", "overlapping"
    settings.cpu_vae, settings.decode_steps, settings.noise_device = True, True, "device"

    update()
    job = scripting.job()
    canvas = {key: value for key, value in job.items() if "regions" not in key}
    assert canvas.pop("model").endswith("tiny-sd")
    assert canvas == {
        "version": 1,
        "canvas_height": 64,
        "canvas_width": 128,
        "scheduler": "ddim",
        "num_inference_steps": 2,
        "seed": 7178915308,
        "negative_prompt": "text",
        "wrap": "both",
        "prompt_syntax": "weights",
        "cpu_vae": True,
        "decode_steps": True,
        "noise_device": "device",
        "max_region_px": 256,  # what the model was trained on
        "windows": "trimmed",
        "base_prompt": "a town, a road",
        "base_guidance_scale": 7.5,
        "base_strength": 0.3,
        "base_end": 0.4,
        "loras": [],
        "calm_poles_deg": 0.0,
        "controls": [],
        "references": [],
        "kept": None,
        "second_pass": None,
        "noise_map": None,
    }
    text, image = job["regions"]
    assert (image["type"], image["strength"]) == ("image2image", 0.75)
    assert text["mask"]
    assert text == {
        "type": "text2image",
        "name": "region",
        "id": bpy.data.objects["region"].mixdiff.uid,
        "row_init": 0,
        "row_end": 64,
        "col_init": 0,
        "col_end": 128,
        "prompt": "a road",
        "negative_prompt": "fog",
        "guidance_scale": 3.5,
        "mask_type": "feather",
        "feather_px": 48,
        "mask_weight": 0.5,
        "windows": "overlapping",
        "mask": text["mask"],
        "mask_area": "canvas",
        "region_seed": 2**64 - 1,
        "noise_eps": 0.25,
        "loras": [],
        "controls": [],
        "references": [],
    }
    (reroll,) = job["reroll_regions"]
    assert (reroll["reroll_mode"], reroll["noise_eps"]) == ("epsilon", 0.5)
    assert check(job, folder=None).job is not None
    made = job_from_scene(scene, bpy.context.evaluated_depsgraph_get())
    assert to_document(made.job) == job
    assert {name: (found.image.name, found.as_mask) for name, found in made.images.items()} == {
        image["reference_image"]: ("painted", False),
        text["mask"]: ("mask", True),
    }
    region.mask_type, region.mask = "quartic", None
    text = scripting.job()["regions"][0]
    assert (text["feather_px"], text["mask_area"]) == (64, "region"), "they would have no effect"


def test_what_is_left_to_chance_is_null_in_the_job(scene: Any, camera: Any) -> None:
    region = add_region("region", "a road").mixdiff
    region.randomize_guidance, region.region_seed, region.negative_prompt = True, None, ""
    scene.mixdiff.seed, scene.mixdiff.scheduler = None, "own"
    job = scripting.job()
    (found,) = job["regions"]
    names = ("guidance_scale", "region_seed", "negative_prompt")
    assert [found[name] for name in names] == [None] * 3
    assert job["seed"] is None


@pytest.mark.parametrize(
    ("typed", "kept"), [(" 71 789x", "71789"), ("", ""), ("9" * 30, str(2**64 - 1))]
)
def test_only_what_can_be_a_seed_stays_in_the_field(typed: str, kept: str, scene: Any) -> None:
    scene.mixdiff.seed_digits = typed
    assert scene.mixdiff.seed_digits == kept


def test_animated_settings_are_read_at_the_current_frame(scene: Any, camera: Any) -> None:
    region = add_region("region", "a road")
    for frame, weight in ((1, 0.5), (11, 2)):
        region.mixdiff.mask_weight = weight
        region.keyframe_insert("mixdiff.mask_weight", frame=frame)
    weights = []
    for frame in (1, 6, 11):
        scene.frame_set(frame)
        weights.append(scripting.job()["regions"][0]["mask_weight"])
    first, middle, last = weights
    assert (first, last) == (0.5, 2)
    assert 0.5 < middle < 2


def test_the_canvas_is_the_render_to_the_nearest_cell() -> None:
    scene = empty_scene(205, 99)
    add_camera(scene)
    add_region("whole", size=(10, 10), prompt="x")
    scene.render.resolution_percentage = 50
    job = scripting.job()
    assert (job["canvas_height"], job["canvas_width"]) == (48, 104)
    assert [place(region) for region in job["regions"]] == [[0, 48, 0, 104]]


def test_what_is_behind_the_camera_is_cut_away(camera: Any) -> None:
    camera.data.type, camera.data.lens, camera.data.sensor_width = "PERSP", 50, 36
    camera.location, camera.rotation_euler = (0, 0, 1), (radians(90), 0, 0)
    add_region("floor", "road", size=(100, 100))  # the camera stands on it
    assert [place(region) for region in scripting.job()["regions"]] == [[32, 64, 0, 128]]


def test_the_projection_agrees_with_blenders_own(scene: Any, camera: Any) -> None:
    draw = random.Random(1)
    worst, compared = 0.0, 0
    for _ in range(200):
        data = camera.data
        data.type = draw.choice(["PERSP", "ORTHO"])
        data.lens, data.ortho_scale = draw.uniform(15, 100), draw.uniform(1, 10)
        data.shift_x, data.shift_y = draw.uniform(-0.5, 0.5), draw.uniform(-0.5, 0.5)
        data.sensor_fit = draw.choice(["AUTO", "HORIZONTAL", "VERTICAL"])
        scene.render.resolution_x = draw.randint(8, 999)
        scene.render.resolution_y = draw.randint(8, 999)
        scene.render.pixel_aspect_x = draw.choice([1, 1, 1.5, 2])
        camera.location = [draw.uniform(-3, 3) for _ in range(3)]
        camera.rotation_euler = [draw.uniform(-3, 3) for _ in range(3)]
        camera.scale = [draw.uniform(0.5, 2)] * 3
        view = view_of(scene, bpy.context.evaluated_depsgraph_get())
        to_world = camera.matrix_world.normalized()
        points = [
            to_world @ Vector((draw.uniform(-2, 2), draw.uniform(-2, 2), -draw.uniform(3, 9)))
            for _ in range(3)
        ]
        expected = np.array([world_to_camera_view(scene, camera, point)[:2] for point in points])
        if expected.min() <= 0 or expected.max() >= 1:
            continue
        bounds = visible_bounds(view, np.array(points), np.array([[0, 1, 2]]))
        found = np.array([bounds.left, bounds.bottom, bounds.right, bounds.top])
        differences = found - [*expected.min(axis=0), *expected.max(axis=0)]
        worst, compared = max(worst, float(np.abs(differences).max())), compared + 1
    assert compared > 20
    assert worst < 1e-5


def test_a_missing_camera_is_said_with_what_to_do(scene: Any) -> None:
    add_region("photo")
    with pytest.raises(scripting.EngineError, match=r"has no camera.*add one"):
        scripting.job()


def test_a_panorama_is_said_with_what_to_do(camera: Any) -> None:
    camera.data.type = "PANO"
    add_region("photo")
    with pytest.raises(
        scripting.EngineError, match=r"does not see all around.*choose Equirectangular"
    ):
        scripting.job()


def test_a_missing_picture_is_said_with_what_to_do(camera: Any) -> None:
    add_region("photo").mixdiff.type = "image2image"
    with pytest.raises(
        scripting.EngineError, match=r"photo: reference_image: has no picture.*choose one"
    ):
        scripting.job()


def test_without_a_region_the_button_says_what_to_do(camera: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Nothing to paint.*Add as MixDiff Region"):
        bpy.ops.mixdiff.generate()


def test_without_a_prompt_the_button_says_what_to_do(camera: Any) -> None:
    add_region("only a reroll").mixdiff.type = "reroll"
    with pytest.raises(RuntimeError, match=r"(?s)no region has a prompt.*add a text2image region"):
        bpy.ops.mixdiff.generate()


def test_without_its_model_the_button_says_what_to_do(scene: Any, camera: Any) -> None:
    add_region("wall", "bricks")
    scene.mixdiff.model = "nothing here"
    with pytest.raises(RuntimeError, match=r"(?s)nothing here.*give a folder"):
        bpy.ops.mixdiff.generate()
