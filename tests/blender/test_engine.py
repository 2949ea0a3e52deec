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
