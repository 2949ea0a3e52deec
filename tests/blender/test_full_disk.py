"""Disks that are full or cannot be written: what is said, and that nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.blender.hosts import SCRIPTS, Host

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def told(
    find_host: Callable[[str], Host],
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("small disks")
    if sys.platform != "linux" or os.geteuid() != 0 or not _can_mount(folder):
        pytest.skip("no disk can be mounted here")
    host = find_host("bpy-4.2")
    resources = host.user_resources(extension_zip)
    try:
        run = host.run_python(
            SCRIPTS / "full_disk.py",
            folder,
            extension_zip=extension_zip,
            user_resources=resources,
            timeout_s=500,
        )
    finally:  # a Blender that was ended could not do it
        user = resources / "extensions/.user/user_default/mixdiff"
        for path in (folder / "disk", user):
            subprocess.run(["umount", "-l", str(path)], check=False, stderr=subprocess.DEVNULL)
    result: dict[str, Any] = run.check().result
    return result


def _can_mount(folder: Path) -> bool:
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False)
    if done.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return done.returncode == 0


def test_a_log_and_previews_that_cannot_be_written_cost_no_picture(told: dict[str, Any]) -> None:
    assert told["full"]["plain"] == "done"
    assert told["full"]["preview"] is False
    assert "No space left" in told["full"]["log"]


def test_an_own_folder_that_cannot_be_written_is_said_before_an_engine_is_started(
    told: dict[str, Any],
) -> None:
    for name in ("plain", "unsaved"):
        assert told["read-only"][name].startswith("output: ")
        assert "cannot be written: Read-only file system" in told["read-only"][name]
    assert told["read-only"]["log"] is None


def test_a_picture_that_cannot_be_handed_to_the_engine_leaves_no_half_and_comes_later(
    told: dict[str, Any],
) -> None:
    assert "cannot be written: No space left on device" in told["picture on its way"]
    assert not [name for name in told["left there"] if ".png" in name or ".mixdiff" in name]
    assert told["again"] == ["done", True]


def test_a_full_disk_of_results_costs_nothing_that_was_there(told: dict[str, Any]) -> None:
    assert (told["on the disk"], told["exported"]) == ("done", "job.json")
    for name in ("picture", "export", "explain"):
        assert "cannot be written: No space left on device" in told[name], name
    assert told["as before"] == [True, True, True, True]
    assert told["in the end"] == ["done", "job.json"]


def test_a_picture_that_cannot_come_along_when_its_file_is_saved_stays(
    told: dict[str, Any],
) -> None:
    assert told["never saved"] == "done"
    assert "saving" in told
    assert told["it waits"] == [True, True]
    assert told["half"] == []
