"""The end of a Blender is the end of its engine, whenever it comes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.blender.hosts import SCRIPTS, Host, HostRun
from tests.engine.test_watchdog import is_alive
from tests.faulty_python import POINTS, install


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


def test_a_shot_whose_blender_is_killed_loses_no_frame_and_is_gone_on_with(
    find_host: Callable[[str], Host], extension_zip: Path, tmp_path: Path
) -> None:
    host = find_host("bpy-5.2")
    blend, resources = tmp_path / "street.blend", host.user_resources(extension_zip)

    def run() -> HostRun:
        return host.run_python(
            SCRIPTS / "killed_shot.py", blend, extension_zip=extension_zip, user_resources=resources
        )

    killed = run()
    assert killed.returncode == -signal.SIGKILL, killed.output
    frames = tmp_path / "mixdiff/street-0001"
    there = [frames / f"street-000{number}.png" for number in (1, 2)]
    times = [file.stat().st_mtime_ns for file in there]
    late = [file for file in frames.glob("*.png") if file not in there]
    assert all(file.stat().st_size == 0 for file in late)  # a name that was kept, at most
    found = run().check().result
    assert found == {"is_new": [False, False, True, True], "history": ["street-0001"]}
    assert [file.stat().st_mtime_ns for file in there] == times
    assert [Image.open(file).size for file in sorted(frames.glob("*.png"))] == [(128, 64)] * 4
