"""Words that prompts take from the scene, and prompts that begin as names."""

from typing import Any

import bpy
import pytest
from addon import former_files, job_from_scene, sync
from scenes import add_camera, add_plane, add_region, empty_scene, select

HOSTS = "oldest and newest"


@pytest.fixture
def scene() -> Any:
    scene = empty_scene()
    add_camera(scene)
    return scene


def read(scene: Any) -> Any:
    return job_from_scene(scene, bpy.context.evaluated_depsgraph_get())


def mark(obj: Any, kind: str = "fitting") -> None:
    select(obj)
    bpy.ops.mixdiff.mark_regions(type=kind)


def warnings(scene: Any) -> list[tuple[str, str, str]]:
    return [(p.region, p.field, p.message) for p in read(scene).warnings if "{" in p.message]


def in_collection(obj: Any, name: str) -> None:
    collection = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(collection)
    bpy.context.scene.collection.objects.unlink(obj)
    collection.objects.link(obj)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Old_House.001", "old house"),
        ("OldHouse", "old house"),
        ("house-left 2", "house left 2"),
        ("R2D2", "r2d2"),
        ("Boeing 747.002", "boeing 747"),
        ("Plane", ""),
        ("Cube.012", ""),
        ("Région", "région"),
    ],
)
def test_a_new_regions_prompt_begins_as_its_objects_name(
    scene: Any, name: str, expected: str
) -> None:
    plane = add_plane(name)
    mark(plane)
    assert plane.mixdiff.prompt == expected


def test_what_is_called_nothing_is_called_as_its_material_or_collection(scene: Any) -> None:
    clay, nameless = add_plane("Plane"), add_plane("Plane")
    clay.data.materials.append(bpy.data.materials.new("Red_Clay"))
    in_collection(nameless, "Village")
    for plane in (clay, nameless):
        mark(plane)
    assert (clay.mixdiff.prompt, nameless.mixdiff.prompt) == ("red clay", "village")


def test_a_prompt_that_was_typed_and_other_types_stay_as_they_are(scene: Any) -> None:
    typed, reroll = add_plane("Old house"), add_plane("Barn")
    typed.mixdiff.prompt = "bricks"
    mark(typed)
    mark(reroll, "reroll")
    typed.mixdiff.prompt = ""
    mark(typed)  # a region already
    assert (typed.mixdiff.prompt, reroll.mixdiff.prompt) == ("", "")


def test_prompts_take_words_from_the_scene(scene: Any) -> None:
    wall = add_region("Old_Wall", "{object} of {material}", size=(1, 1))
    wall.mixdiff.negative_prompt = "{collection}"
    wall.data.materials.append(bpy.data.materials.new("Clay"))
    in_collection(wall, "Village")
    scene.mixdiff.prompt = "{prompt}, {collection}, {{frame}} {frame}"
    scene.mixdiff.background_prompt, scene.mixdiff.negative_prompt = "day {frame}", "{frame}"
    scene.mixdiff.background = True
    scene.frame_set(12)
    job = read(scene).job
    background, region = job.regions
    assert region.prompt == "old wall of clay, village, {frame} 12"
    assert region.negative_prompt == "village"
    assert (background.prompt, job.negative_prompt) == ("day 12, {frame} 12", "12")
    assert not warnings(scene)


def test_a_field_that_says_nothing_is_told_at_its_region(scene: Any) -> None:
    add_region("wall", "bricks, {materiel}, {material}")
    scene.mixdiff.background_prompt = "{object}"
    assert read(scene).job.regions[-1].prompt == "bricks, {materiel}"
    assert warnings(scene) == [
        ("", "background_prompt", "{object} leaves nothing: there is no object here"),
        ("wall", "prompt", "{materiel} is nothing that prompts take from the scene"),
        ("wall", "prompt", "{material} leaves nothing: there is no material here"),
    ]


def test_a_file_of_0_1_0_keeps_its_braces(scene: Any) -> None:
    wall = add_region("wall", "a {object}, {{ }}")
    scene.mixdiff.prompt = "{prompt} {frame}"
    sync(scene)
    former_files.HANDLERS["load_post"](None)
    assert scene.mixdiff.defaults_version > 0
    assert read(scene).job.regions[-1].prompt == "a {object}, {{ }} {frame}"
    former_files.HANDLERS["load_post"](None)
    assert wall.mixdiff.prompt == "a {{object}}, {{{{ }}}}"
