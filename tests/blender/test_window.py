"""A person at a real window: panel, overlay, F3, a job that ends and one that is cancelled."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.blender.hosts import CHECKOUT, Host
from tests.blender.windows import window
from tests.engine.conftest import TINY_SD

pytestmark = [pytest.mark.window, pytest.mark.slow, pytest.mark.executable]

SIDEBAR = slice(1030, 1300)  # columns of the screen


@pytest.mark.timeout(900)
def test_a_person_finds_their_way(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    host = find_host("blender-5.2")
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    script = (
        "import bpy\n"
        "scene = bpy.context.scene\n"
        "scene.render.resolution_percentage = 50\n"
        "scene.mixdiff.num_inference_steps = 30\n"
        "bpy.ops.wm.save_mainfile()\n"
    )
    host.run_python(script, extension_zip=extension_zip, blend=blend).check()
    with window(host, extension_zip, blend, display) as person:
        # The panel stands in the sidebar, and the overlay in the camera's view.
        told = person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        time.sleep(3)
        before = person.shot("panel")
        assert before[:, SIDEBAR].std() > 10  # not a black window
        left, top, right, bottom = (round(side) for side in told["frame"])
        inside = before[top:bottom, left:right]
        colours = (inside.max(axis=2) - inside.min(axis=2)) > 80
        assert colours.mean() > 0.02  # Blender's own view is grey

        # A rectangle dragged with the mouse becomes a region in just that place.
        person.search("draw mixdiff region")
        is_drawing = "MIXDIFF_OT_draw_region"
        person.wait_until("the drawing", lambda told: is_drawing in told["modal"], 60)
        width, height = right - left, bottom - top
        x, y = (left + width // 4, left + width // 2), (top + height // 8, top + height // 2)
        person.drag((x[0], y[0]), (x[1], y[1]))
        told = person.wait_until("a region", lambda told: len(told["regions"]) == 7, 30)
        _, (row_init, row_end, col_init, col_end) = told["regions"][-1]
        assert np.allclose([row_init, row_end, col_init, col_end], [32, 128, 128, 256], atol=8)
        time.sleep(2)
        person.shot("drawn")

        # F3 finds the operator and runs it; the preview comes while the window hears its person.
        person.search("generate mixdiff")
        person.wait_until("a preview", lambda told: told["preview"] and told["step"] > 8, 300)
        time.sleep(1)
        person.shot("preview")
        person.do("xdotool", "mousemove", "300", "820", "key", "a")
        person.wait_until("a selection", lambda told: told["selected"] == 8, 20)
        assert person.told()["busy"]
        told = person.wait_until("the picture", lambda told: not told["busy"], 300)
        assert told["result"] == [512, 256], told["says"]
        for place in (("1160", "700"), ("1150", "705")):
            person.do("xdotool", "mousemove", *place)
            person.let_it_see()
        person.do("xdotool", "click", "--repeat", "10", "--delay", "300", "5")
        person.do("xdotool", "mousemove", "300", "820")  # or a tooltip lies over the buttons
        time.sleep(3)
        after = person.shot("result")
        assert (before[:, SIDEBAR] != after[:, SIDEBAR]).any()
        assert [path.name for path in (tmp_path / "mixdiff").glob("*.png")] == ["street-0001.png"]

        # Cancel, found by F3 as well, and nothing is left behind.
        (tmp_path / "longer").touch()
        person.let_it_see()
        person.search("generate mixdiff")
        person.wait_until("a step", lambda told: told["step"] > 0, 200)
        person.search("cancel mixdiff picture")
        told = person.wait_until("the end", lambda told: not told["busy"], 60)
        assert told["says"] == "Cancelled"
        assert told["state"] in ("Ready", "Stopped")
        assert len(list((tmp_path / "mixdiff").glob("*.png"))) == 1

    held_ms = {name: np.array(times) for name, times in told["held_ms"].items()}
    print({name: [len(t), np.median(t).round(2), t.max().round(2)] for name, t in held_ms.items()})
    assert held_ms["tick"].max() < 30
    assert np.median(held_ms["draw"]) < 4  # of a processor's thread that others share


@pytest.mark.timeout(300)
def test_regions_are_seen_at_once_wherever_they_were_made(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    with window(find_host("blender-5.2"), extension_zip, blend, display) as person:
        person.do("xdotool", "mousemove", "300", "990")  # over nothing that draws itself for it
        told = person.wait_until("the regions", lambda told: len(told["read"]) == 6, 120)
        left, top, right, bottom = (round(side) for side in told["frame"])
        names = list(told["read"])
        before = person.shot("six")

        # A script takes a region away, and makes one of an object that was there.
        gone = names[-1]
        person.script(f"bpy.data.objects[{gone!r}].mixdiff.enabled = False")
        person.wait_until("five", lambda told: gone not in told["read"], 20)
        time.sleep(1)
        after = person.shot("five")
        assert (before[top:bottom, left:right] != after[top:bottom, left:right]).any(
            axis=2
        ).sum() > 500
        person.script(f"bpy.data.objects[{gone!r}].mixdiff.enabled = True")
        person.wait_until("six", lambda told: gone in told["read"], 20)

        # So does what duplicates, and what undoes it.
        person.script(
            f"bpy.ops.object.select_all(action='DESELECT')\n"
            f"bpy.data.objects[{gone!r}].select_set(True)\n"
            "bpy.ops.ed.undo_push(message='before')\n"
            "bpy.ops.object.duplicate('EXEC_DEFAULT', True)\n"
        )
        copy = f"{gone}.001"
        told = person.wait_until("seven", lambda told: copy in told["read"], 20)
        assert copy in told["listed"]
        person.script("bpy.ops.ed.undo()")
        person.wait_until("six again", lambda told: copy not in told["read"], 20)

        # An operator found by F3.
        person.script(
            "bpy.ops.mesh.primitive_cube_add(size=0.5)\nbpy.context.object.name = 'cube'\n"
        )
        person.let_it_see()
        person.search("add as mixdiff region")
        person.do("xdotool", "mousemove", "300", "990")
        person.wait_until("the cube", lambda told: "cube" in told["read"], 20)

        # A stroke, by hand: D and a drag; then another one that the region follows.
        person.do("xdotool", "mousemove", str(left + 200), str(top + 60))
        person.let_it_see()
        for ends in (((0.2, 0.2), (0.3, 0.3)), ((0.5, 0.5), (0.7, 0.7))):
            places = [
                (round(left + (right - left) * x), round(top + (bottom - top) * y)) for x, y in ends
            ]
            person.do("xdotool", "mousemove", *map(str, places[0]))
            person.let_it_see()
            person.do("xdotool", "keydown", "d", "mousedown", "1")
            for x, y in (places[0], places[1]):
                person.let_it_see()
                person.do("xdotool", "mousemove", str(x), str(y))
            person.let_it_see()
            person.do("xdotool", "mouseup", "1", "keyup", "d")
            person.let_it_see()
            if "Note" not in person.told()["read"]:
                person.script("bpy.ops.mixdiff.mark_annotations()")
                person.wait_until("the note", lambda told: "Note" in told["read"], 20)
                person.shot("note")
                first = person.told()["read"]["Note"]
        told = person.wait_until("more of it", lambda told: told["read"]["Note"] != first, 20)
        assert told["read"]["Note"][1] > first[1]
        time.sleep(1)
        person.shot("notes")


@pytest.mark.timeout(300)
def test_the_redo_panel_gives_what_pressing_afresh_gives(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    with window(find_host("blender-5.2"), extension_zip, blend, display, "redo.py") as person:
        person.run.result()
    redone = json.loads((tmp_path / "redone.json").read_text())
    assert redone.pop("operators") == "[]"
    assert len(redone) > 25
    assert {case: found for case, found in redone.items() if found != "{}"} == {}


BACKGROUND_FIELD, GENERATE = ("1160", "463"), ("1160", "160")


@pytest.mark.timeout(600)
def test_the_first_minute_takes_three_clicks(
    find_host: Callable[[str], Host], extension_zip: Path, display: str, tmp_path: Path
) -> None:
    """Blender as it starts, the tab open: what the picture shows is typed, and it is made."""
    host = find_host("blender-5.2")
    blend = tmp_path / "first.blend"
    script = f"import bpy\nbpy.ops.wm.save_as_mainfile(filepath={str(blend)!r})\n"
    host.run_python(script, extension_zip=extension_zip).check()
    with window(host, extension_zip, blend, display) as person:
        person.wait_until("the tab", lambda told: told["tab"] == "MixDiff", 120)
        told = person.wait_until("the engine", lambda told: told["state"] == "Ready", 120)
        assert not told["busy"]  # it started with the tab
        time.sleep(2)
        person.shot("first-panel")
        clicks = 1  # on the tab, which the script has opened
        person.do("xdotool", "mousemove", *BACKGROUND_FIELD, "click", "1")
        person.let_it_see()
        clicks += 1
        person.do("xdotool", "type", "--delay", "40", "red brick wall")
        person.do("xdotool", "key", "Return")
        person.wait_until("the prompt", lambda told: told["background"] == "red brick wall", 30)
        time.sleep(1)
        person.shot("first-prompt")
        person.do("xdotool", "mousemove", *GENERATE)
        person.let_it_see()
        person.do("xdotool", "click", "1")
        clicks += 1
        person.wait_until("the job", lambda told: told["busy"], 60)
        time.sleep(1)
        person.shot("first-progress")
        told = person.wait_until("the picture", lambda told: not told["busy"], 300)
        assert told["result"], told["says"]
        assert clicks <= 10

        # It stays over the camera's view until one key shows the scene again, and back.
        left, top, right, bottom = (round(side) for side in told["frame"])
        inside = (slice(top + 40, bottom - 40), slice(left + 40, right - 40))
        person.do("xdotool", "mousemove", "300", "700")
        person.let_it_see()
        time.sleep(1)
        picture = person.shot("first-picture")[inside]
        person.do("xdotool", "key", "j")
        person.wait_until("the scene", lambda told: not told["over the view"], 20)
        person.let_it_see()
        scene = person.shot("first-scene")[inside]
        redness = [(seen[..., 0] - seen[..., 2]).mean() for seen in (picture, scene)]
        assert redness[0] > 20  # bricks
        assert redness[1] < 5  # a grey scene, under the overlay's blue
        person.do("xdotool", "key", "j")
        person.wait_until("the picture again", lambda told: told["over the view"], 20)


@pytest.mark.timeout(300)
def test_the_preferences_show_the_engine_and_which_models_are_here(
    find_host: Callable[[str], Host],
    extension_zip: Path,
    display: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blend = tmp_path / "street.blend"
    shutil.copy(CHECKOUT / "examples/street.blend", blend)
    cache = tmp_path / "hub"
    shutil.copytree(TINY_SD, cache / "models--somebody--bricks/snapshots/1")
    (cache / "models--CompVis--stable-diffusion-v1-4/blobs").mkdir(parents=True)
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    script = "preferences_page.py"
    with window(find_host("blender-5.2"), extension_zip, blend, display, script) as person:
        told = person.wait_until("the page", lambda told: told["models"], 120)
        person.let_it_see()
        time.sleep(2)
        page = person.shot("preferences")
    assert told["models"]["bundled"] == "bundled"
    assert told["models"]["somebody/bricks"] == "downloaded"
    assert told["models"]["CompVis/stable-diffusion-v1-4"] == "partly downloaded"
    assert page[:, :1000].std() > 10  # not a black window
