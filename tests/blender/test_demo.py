"""The demo shows its results and how far it is, and nothing that Blender says to itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blender.hosts import CHECKOUT, Host

SMALL = """
import runpy, sys
import bpy
scene = bpy.context.scene
scene.render.resolution_percentage = 25
scene.mixdiff.num_inference_steps = 2
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


@pytest.mark.parametrize("name", ["bpy-4.5", "bpy-5.2"])
def test_the_demo_says_a_few_lines_and_leaves_its_results(
    name: str, find_host: Callable[[str], Host], extension_zip: Path, tmp_path: Path
) -> None:
    run = find_host(name).run_python(
        SMALL,
        CHECKOUT / "examples/demo.py",
        *("--output-folder", tmp_path),
        extension_zip=extension_zip,
        blend=CHECKOUT / "examples/street.blend",
    )
    run.check()
    assert {path.name for path in tmp_path.iterdir()} >= {"demo.png", "demo.blend"}
    said = [line for line in run.stderr.splitlines() if "EGL" not in line]
    assert said[0] == "Loading the model"
    assert said[-1].startswith("Rendering")
    assert len(said) < 12, run.stderr
    assert not [line for line in said if "Mem:" in line or "Fra:" in line or "Saved" in line]
