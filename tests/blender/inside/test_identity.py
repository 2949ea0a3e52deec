"""A region is known by an id of its own, whatever it is called and however its file came about."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import entries, scripting
from scenes import add_annotations, add_camera, empty_scene, place, select, update

HOSTS = "oldest and newest"

RESET_LEFT, RESET_RIGHT = ("reset", [0, 64, 0, 80]), ("reset", [0, 64, 48, 128])


def ids() -> dict[str, str]:
    """Return the ids of the scene's regions by their names, as the job has them."""
    found = {region["name"]: region["id"] for region in scripting.job()["regions"]}
    assert len(set(found.values())) == len(found)
    assert all(found.values())
    return found


def rerolls() -> list[tuple[str, list[int]]]:
    job = json.loads(bpy.context.scene.mixdiff.history[-1].job)
    return [(region["reroll_mode"], place(region)) for region in job["reroll_regions"]]


@pytest.fixture
def listed(street: Any) -> Any:
    """A scene with two regions that have their ids."""
    update()
    return street


@pytest.fixture
def blend(listed: Any, tmp_path: Path) -> str:
    """The file that it is saved in."""
    path = str(tmp_path / "street.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.mark.usefixtures("listed")
def test_an_id_survives_another_name() -> None:
    before = ids()
    bpy.data.objects["left"].name = "west"
    update()
    assert ids() == {"west": before["left"], "right": before["right"]}


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    "duplicate",
    [
        lambda: bpy.ops.object.duplicate(),
        lambda: bpy.ops.object.duplicate(linked=True),
        lambda: bpy.ops.mixdiff.duplicate_region(),
    ],
    ids=["a copy", "a linked copy", "the list's own copy"],
)
def test_a_copy_gets_an_id_of_its_own_and_the_original_keeps_its(
    duplicate: Callable[[], Any],
) -> None:
    before = ids()
    select(bpy.data.objects["left"])
    duplicate()
    update()
    now = ids()
    assert now.keys() == {"left", "right", "left.001"}
    assert {name: now[name] for name in before} == before


def test_ids_survive_their_file(blend: str) -> None:
    before = ids()
    empty_scene()
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert ids() == before


@pytest.mark.usefixtures("listed")
def test_ids_survive_undo_and_redo() -> None:
    select(bpy.data.objects["left"])
    bpy.ops.ed.undo_push(message="before")
    # As in a window: what undo keeps of this step is from before the add-on hears of it.
    bpy.ops.object.duplicate("EXEC_DEFAULT", True)
    with_copy = ids()
    bpy.data.objects["left.001"].location.x += 1
    bpy.ops.ed.undo_push(message="moved")
    bpy.ops.ed.undo()
    assert ids() == with_copy
    bpy.ops.ed.undo()
    assert ids() == {name: with_copy[name] for name in ("left", "right")}
    bpy.ops.ed.redo()
    assert ids() == with_copy


def test_what_is_appended_twice_has_two_ids(blend: str) -> None:
    add_camera(empty_scene())
    update()
    for _ in range(2):
        bpy.ops.wm.append(filename="left", directory=f"{blend}/Object/")
        update()
    assert ids().keys() == {"left", "left.001"}


def test_a_layer_has_an_id_that_survives_another_name_and_its_file(
    listed: Any, tmp_path: Path
) -> None:
    layer = add_annotations(listed, "sky")
    bpy.ops.mixdiff.mark_annotations()
    update()
    (entry,) = [entry for entry in entries(listed) if entry.object is None]
    known = entry.settings.uid
    assert known
    assert known not in ids().values()
    layer.info = "clouds"
    update()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "layers.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "layers.blend"))
    found = [e for e in entries(bpy.context.scene) if e.object is None]
    assert [(entry.layer, entry.settings.uid) for entry in found] == [("clouds", known)]


@pytest.mark.usefixtures("street")
def test_a_region_that_was_renamed_since_varies_alone() -> None:
    bpy.ops.mixdiff.generate()
    left = bpy.data.objects["left"]
    left.name = "west"
    select(left)
    bpy.ops.mixdiff.vary(mode="reset")
    assert rerolls() == [RESET_LEFT]


@pytest.mark.usefixtures("street")
def test_a_region_that_took_anothers_name_does_not_vary_for_it() -> None:
    bpy.ops.mixdiff.generate()
    left, right = bpy.data.objects["left"], bpy.data.objects["right"]
    left.name, right.name = "elsewhere", "left"
    select(right)
    bpy.ops.mixdiff.vary(mode="reset")
    assert rerolls() == [RESET_RIGHT]


@pytest.mark.usefixtures("listed")
def test_regions_of_one_name_are_told_apart(tmp_path: Path) -> None:
    path = str(tmp_path / "street.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    bpy.ops.wm.link(filename="left", directory=f"{path}/Object/", instance_object_data=False)
    update()
    assert [region.name for region in scripting.regions()] == ["left", "right", "left"]
    assert list(ids()) == ["left", "right", "left 2"]


@pytest.mark.usefixtures("listed")
def test_a_script_that_copies_a_region_need_not_wait_for_its_id() -> None:
    before = ids()
    copy = bpy.data.objects["left"].copy()
    bpy.context.scene.collection.objects.link(copy)
    now = ids()
    assert now.keys() == {"left", "right", "left.001"}
    assert {name: now[name] for name in before} == before
