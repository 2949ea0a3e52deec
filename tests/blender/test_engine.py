"""The engine's life as Blender sees it, in the oldest and the newest Blender."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.blender.hosts import SCRIPTS, Host, HostRun
from tests.engine.conftest import TINY_SD
from tests.engine.model_hub import ModelHub
from tests.engine.test_watchdog import is_alive
from tests.faulty_python import POINTS, install


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def told(
    request: pytest.FixtureRequest,
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    host = find_host(request.param)
    hub = ModelHub.of_folder(TINY_SD)
    hub.start()
    folder = tmp_path_factory.mktemp("hub")
    run = host.run_python(
        SCRIPTS / "engine.py",
        extension_zip=extension_zip,
        env={"HF_ENDPOINT": hub.url, "HF_HOME": str(folder), "HF_HUB_CACHE": str(folder / "hub")},
        timeout_s=280,
    ).check()
    hub.stop()
    result: dict[str, Any] = run.result
    return result


def test_without_an_engine_it_says_how_to_install_one(told: dict[str, Any]) -> None:
    environment, is_own, fault = told["absent"]
    assert (environment, is_own) == ("absent", True)
    assert "the engine is not installed" in fault
    assert "-c mixdiff setup" in fault
    assert told["chosen"] == [False, None]
    assert told["before"] == [False, False, False, False]


def test_a_python_without_the_packages_is_named_with_how_to_install_them(
    told: dict[str, Any],
) -> None:
    assert "No module named" in told["no packages"]
    assert "pip install torch -r " in told["no packages"]


def test_opening_a_file_starts_fetches_and_writes_nothing(told: dict[str, Any]) -> None:
    assert told["opened"] == [None, False, False, True]


def test_waiting_pictures_are_moved_and_removed_each_with_a_file_of_its_own(
    told: dict[str, Any],
) -> None:
    assert told["moved"] is True
    assert told["removed"] is True
    assert len(set(told["names"])) == 3
    assert told["state"].startswith("Ready · CPU")


def test_memory_is_given_back_by_hand_after_quiet_and_before_a_render(
    told: dict[str, Any],
) -> None:
    made, freed, before_time, after_time, rendered, freed_for_render, made_again = told["has_model"]
    assert (made, freed) == (True, False)
    assert (before_time, after_time) == (True, False)
    assert (rendered, freed_for_render) == (True, False)
    assert told["unloading"] is False
    assert made_again is True


def test_the_report_has_versions_devices_and_the_log_but_no_secret(told: dict[str, Any]) -> None:
    for part in (
        "MixDiff: 0.",
        "Blender: ",
        "engine's torch: ",
        "engine's device: cpu",
        "ready on",
    ):
        assert part in told["report"]
    for secret in ("a-very-secret-token", "hf_abcdef", told["home"] + "/"):
        assert secret not in told["report"]
        assert secret not in told["log"]


def test_an_idle_engine_that_dies_is_noticed_and_the_next_picture_starts_another(
    told: dict[str, Any],
) -> None:
    assert told["died"] == "Failed"
    assert told["after"].startswith("Ready")
    assert told["stopped"] == ["FINISHED"]
    assert told["at_last"] == ["Starts with the next picture", None]


def test_a_model_of_the_hub_is_fetched_when_asked_used_and_removed(told: dict[str, Any]) -> None:
    offline, missing, refused, unknown, fetched, state, missing_then, made, removed, at_last = told[
        "hub"
    ]
    assert "stay offline" in offline
    assert missing is True
    assert "download it first" in refused
    assert "no owner/else" in unknown
    assert (fetched, state) == (["FINISHED"], "Installed")
    assert missing_then is False
    assert made == ["FINISHED"]
    assert removed == ["FINISHED"]
    assert at_last is True
    assert told["chosen_model"] == "bundled"


@pytest.mark.parametrize("point", POINTS)
def test_a_blender_killed_at_any_point_leaves_no_engine_and_no_half_file(
    point: str, find_host: Callable[[str], Host], extension_zip: Path, tmp_path: Path
) -> None:
    host = find_host("bpy-4.2")
    python, plan = install(tmp_path)
    resources = host.user_resources(extension_zip)
    blend = tmp_path / "killed" / "street.blend"
    blend.parent.mkdir()

    def run() -> HostRun:
        return host.run_python(
            SCRIPTS / "killed.py",
            blend,
            extension_zip=extension_zip,
            user_resources=resources,
            env={"MIXDIFF_ENGINE_PYTHON": str(python)},
        )

    plan.write_text(f"orphan@{point}")
    killed = run()
    assert killed.returncode == -signal.SIGKILL, killed.output
    told = json.loads(plan.with_suffix(".told").read_text())
    while is_alive(told["pid"]):
        assert time.time() - told["at"] < 2
        time.sleep(0.02)
    pictures = blend.parent / "mixdiff"
    assert [(path.name, path.stat().st_size) for path in pictures.iterdir()] == [
        ("street-0001.png", 0)  # the name that was kept for the picture
    ]
    if point == POINTS[-1]:
        assert run().check().result == ["FINISHED"]
        (picture,) = pictures.iterdir()
        assert Image.open(picture).size == (128, 64)
