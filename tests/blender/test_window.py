"""A person at a real window: panel, overlay, F3, a job that ends and one that is cancelled."""

from __future__ import annotations

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
