"""The list of regions keeps up with the scene."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from addon import entries, handlers, scripting, source_of, sync
from scenes import add_camera, add_plane, add_region, empty_scene, select, update

HOSTS = "wheels"


def names(scene: Any = None) -> list[str]:
    return [source_of(entry).name for entry in entries(scene or bpy.context.scene)]


def prompts() -> list[str]:
    return [region["prompt"] for region in scripting.job()["regions"]]


def add_copy(name: str, of: str = "zebra") -> None:
    made = bpy.data.objects.new(name, bpy.data.objects[of].data)
    bpy.context.scene.collection.objects.link(made)
    made.mixdiff.enabled, made.mixdiff.prompt = True, name


def listen(wanted: bool) -> None:
    """Have the add-on hear of what changes, or not."""
    for event, handler in handlers.HANDLERS.items():
        listeners = getattr(bpy.app.handlers, event)
        if handler in listeners:
            listeners.remove(handler)
        if wanted:
            listeners.append(handler)


@pytest.fixture
def animals(scene: Any, camera: Any) -> Any:
    """A scene whose list is not in the order of the names: zebra, ape, cat, mouse."""
    add_region("zebra", "z")
    add_region("ape", "a")
    update()
    add_copy("cat")
    add_copy("mouse")
    update()
    return scene


@pytest.fixture
def unlisted(scene: Any, camera: Any) -> Iterator[None]:
    """Regions that a script has marked, and that no update has listed."""
    add_region("zebra", "z")
    add_region("ape", "a")
    update()
    listen(False)
    add_copy("mouse")
    add_copy("cat")
    update()
    yield
    listen(True)


def test_what_a_script_marks_is_listed_by_the_next_update(scene: Any, camera: Any) -> None:
    add_region("zebra", "z")
    add_region("ape", "a")
    update()
    assert names() == ["zebra", "ape"]


def test_an_object_that_a_script_marks_later_is_listed_at_once(scene: Any, camera: Any) -> None:
    plane = add_plane("plane")
    update()
    plane.mixdiff.enabled = True
    update()
    assert names() == ["plane"]


@pytest.mark.usefixtures("unlisted")
def test_what_is_not_listed_yet_is_in_the_job_after_the_rest_by_name() -> None:
    assert names() == ["zebra", "ape"]
    assert prompts() == ["z", "a", "cat", "mouse"]
    listen(True)
    bpy.data.objects["cat"].location.x = 1
    update()
    assert names() == ["zebra", "ape", "cat", "mouse"]


def test_the_list_is_the_jobs_order_and_keeps_what_is_switched_off(animals: Any) -> None:
    animals.mixdiff.regions.move(3, 0)
    bpy.data.objects["ape"].mixdiff.enabled = False
    update()
    assert names() == ["mouse", "zebra", "ape", "cat"]
    assert prompts() == ["mouse", "z", "cat"]


def test_copies_are_listed_and_deleted_objects_dropped(animals: Any) -> None:
    select(bpy.data.objects["zebra"])
    bpy.ops.object.duplicate(linked=True)
    bpy.data.objects["zebra.001"].mixdiff.prompt = "copy"
    update()
    assert names() == ["zebra", "ape", "cat", "mouse", "zebra.001"]
    assert prompts() == ["z", "a", "cat", "mouse", "copy"]
    bpy.ops.object.delete()
    update()
    assert names() == ["zebra", "ape", "cat", "mouse"]
    assert len(animals.mixdiff.regions) == 4


def test_the_list_and_the_viewport_select_the_same(animals: Any) -> None:
    animals.mixdiff.active_region = 3
    assert [item.name for item in bpy.context.selected_objects] == ["mouse"]
    bpy.context.view_layer.objects.active = bpy.data.objects["ape"]
    update()
    assert animals.mixdiff.active_region == 1
    bpy.context.view_layer.objects.active = animals.camera
    assert animals.mixdiff.active_region == 1


@pytest.fixture
def blend(animals: Any, tmp_path: Path) -> str:
    """The file that the animals are saved in."""
    path = str(tmp_path / "regions.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def test_the_list_survives_its_file(blend: str) -> None:
    empty_scene()
    bpy.ops.wm.open_mainfile(filepath=blend)
    assert names() == ["zebra", "ape", "cat", "mouse"]


def test_regions_of_other_files_are_listed(blend: str) -> None:
    add_camera(empty_scene())
    update()
    bpy.ops.wm.append(filename="cat", directory=f"{blend}/Object/")
    update()
    assert (names(), prompts()) == (["cat"], ["cat"])
    bpy.ops.wm.link(filename="mouse", directory=f"{blend}/Object/")
    update()
    assert (names(), prompts()) == (["cat", "mouse"], ["cat", "mouse"])


def test_a_linked_region_that_is_switched_off_is_none(animals: Any, tmp_path: Path) -> None:
    bpy.data.objects["ape"].mixdiff.enabled = False
    path = str(tmp_path / "regions.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    empty_scene()
    bpy.ops.wm.link(filename="ape", directory=f"{path}/Object/")
    update()
    assert names() == []


def test_each_scene_has_its_list(animals: Any) -> None:
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(bpy.data.objects["cat"])
    sync(other)
    assert names(other) == ["cat"]
    assert names(animals) == ["zebra", "ape", "cat", "mouse"]


def test_settings_live_on_the_object(animals: Any) -> None:
    bpy.data.objects["zebra"].mixdiff.prompt = "said at the object"
    assert prompts()[0] == "said at the object"
    first = entries(animals)[0]
    assert first.object == bpy.data.objects["zebra"]


def test_an_update_without_news_takes_less_than_a_millisecond(animals: Any) -> None:
    for number in range(200):
        add_copy(f"many {number}")
    update()
    assert len(names()) == 204
    depsgraph = bpy.context.evaluated_depsgraph_get()
    took_s = []
    for _ in range(20):
        start_s = time.thread_time()
        handlers._after_update(animals, depsgraph)
        took_s.append(time.thread_time() - start_s)
    assert sorted(took_s)[10] < 0.001


def test_marking_is_undone_and_redone(camera: Any) -> None:
    add_plane("plane")
    bpy.ops.ed.undo_push(message="a plane")
    bpy.ops.mixdiff.mark_regions("EXEC_DEFAULT", True)
    assert names() == ["plane"]
    bpy.ops.ed.undo()
    assert names() == []
    bpy.ops.ed.redo()
    assert names() == ["plane"]
