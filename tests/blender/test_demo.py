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


def test_of_a_run_that_is_shown_stderr_alone_is_seen(
    find_host: Callable[[str], Host], capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import sys\nprint('of the renderer')\nprint('of the demo', file=sys.stderr)"
    run = find_host("bpy-4.5").run_python(code, show=True)
    assert (run.returncode, "of the renderer" in run.stdout) == (0, True)
    seen = capfd.readouterr()
    assert (seen.out, "of the demo" in seen.err) == ("", True)
