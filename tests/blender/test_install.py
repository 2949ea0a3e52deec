"""The engine's real environment, made from inside a Blender, with the packages that users get."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from building.environments import TORCH
from tests.blender.hosts import SCRIPTS, Host


@pytest.mark.slow
def test_the_engine_is_installed_by_its_button_makes_a_picture_offline_and_is_removed(
    find_host: Callable[[str], Host], extension_zip: Path
) -> None:
    host = find_host("bpy-4.2")
    script = SCRIPTS / "install.py"
    run = host.run_python(script, extension_zip=extension_zip, timeout_s=290).check()
    told = run.result
    assert "the engine is not installed" in told["before"]
    assert told["installed"] == ["FINISHED"], run.output
    assert told["standing"] == "ready"
    assert told["size"] > 10**8
    assert told["shown"] == told["size"]
    assert told["made"] == ["FINISHED"]
    assert told["torch"].startswith(TORCH.removeprefix("torch=="))
    assert told["python"].startswith(("3.11.", "3.12.", "3.13."))
    assert told["modules"] == []
    assert told["removed"] == ["FINISHED"]
    assert told["left"] == 0
    assert "the engine is not installed" in told["after"]
    assert sys.executable not in run.output
