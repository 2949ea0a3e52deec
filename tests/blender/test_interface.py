"""What panel and overlay are made from, and that they hold nothing up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.sampling import masks
from tests.blender.hosts import SCRIPTS, Host


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def told(
    request: pytest.FixtureRequest,
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("interface")
    host = find_host(request.param)
    run = host.run_python(SCRIPTS / "interface.py", folder, extension_zip=extension_zip)
    result: dict[str, Any] = run.check().result
    return result


def test_what_is_drawn_is_what_is_sent(told: dict[str, Any]) -> None:
    assert told["places"] == [
        ["left", "left", 0, 0.625, 0, 1, "gaussian", 1],
        ["right", "right · 0.5", 0.375, 1, 0, 1, "gaussian", 0.5],
        ["reroll", "reroll · reroll", 0.375, 0.625, 0.25, 0.75, "constant", 0],
    ]
    assert told["colours"] == 3


def test_the_drawing_fills_the_frame_and_is_strongest_in_a_regions_middle(
    told: dict[str, Any],
) -> None:
    assert told["corners"] == [0, told["corners"][2] - 1, told["corners"][2]]
    assert told["box"] == [100, 50, 0, 500, 250, 0]
    assert told["strongest"] == [100 + 0.625 * 400 / 2, 50 + 200 / 2, 0]
    assert told["nothing"]


def test_weights_fade_as_the_engines_masks_do(told: dict[str, Any]) -> None:
    drawn = {**told["profiles"], "quartic": told["quartic"]}
    for kind, weights in drawn.items():
        real = masks.profile(kind, 10)
        ratios = np.array(weights) / real
        assert np.allclose(ratios, ratios[0])


def test_a_region_of_several_tiles_is_drawn_as_one(told: dict[str, Any]) -> None:
    count, whole = told["tiles"]
    assert count > 4
    assert whole[:2] == [["left", 0, 0.625], ["right", 0.375, 1]]


def test_the_list_is_reordered_copied_and_shortened(told: dict[str, Any]) -> None:
    changes = told["list"]
    assert changes["first"] == ["one", "two", "three"]
    assert changes["moved"] == [["one", "three", "two"], 1]
    assert changes["stays"] == ["CANCELLED"]
    names = ["one", "three", "two", "two.001"]
    assert changes["copied"] == [names, "prompt of two", True]
    assert changes["copy_is_chosen"]
    assert changes["removed"] == [names[:3], True, False]
    assert changes["selected"] == ["one"]
    assert changes["poll"] is False


def test_a_scene_is_read_again_only_after_a_change_that_matters(told: dict[str, Any]) -> None:
    assert told["read_again"] == {
        "other": False,
        "region": True,
        "camera": True,
        "prompt": True,
        "switched_off": True,
    }


def test_a_preview_is_shown_as_it_was_sent_and_leaves_nothing(told: dict[str, Any]) -> None:
    preview = told["preview"]
    assert preview["shape"] == [32, 64, 4]
    assert preview["worst"] < 1 / 255
    assert preview["images"]
    assert preview["garbage"]


def test_the_main_thread_is_free_while_a_job_runs(told: dict[str, Any]) -> None:
    assert told["tick"]["has_preview"]
    assert told["tick"]["step"] == 49
    assert told["tick"]["median_ms"] < 15
    assert told["twenty"]["read_ms"] < 30
    assert told["twenty"]["draw_ms"] < 5
    assert told["twenty"]["look_ms"] < 2
    print({**told["tick"], **told["twenty"]})


def test_registering_is_quick_and_loads_neither_torch_nor_the_network(
    wheel_host: Host, extension_zip: Path
) -> None:
    script = (
        "import addon_utils, sys, time\n"
        "name = 'bl_ext.user_default.mixdiff'\n"
        "import bpy, numpy\n"
        "before = set(sys.modules)\n"
        "start_s = time.thread_time()\n"
        "addon_utils.enable(name, default_set=True)\n"
        "first_s = time.thread_time() - start_s\n"
        "loaded = sorted(set(sys.modules) - before)\n"
        "package = sys.modules[name]\n"
        "package.unregister()\n"
        "start_s = time.thread_time()\n"
        "package.register()\n"
        "told = {'first_s': first_s, 'again_s': time.thread_time() - start_s, 'loaded': loaded}\n"
        "report(told)\n"
    )
    resources = wheel_host.user_resources(extension_zip)
    told = wheel_host.run_python(script, user_resources=resources).check().result
    heavy = ("torch", "diffusers", "socket", "ssl", "http", "urllib.request", "asyncio")
    loaded = {name for name in told["loaded"] if name.split(".")[0] in heavy or name in heavy}
    assert not loaded
    assert told["again_s"] < 0.05
    print(wheel_host.name, told["first_s"], told["again_s"])
