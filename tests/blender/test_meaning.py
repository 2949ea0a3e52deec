"""What was asked for is what comes out of Blender's render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.blender.hosts import SCRIPTS, Host


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bpy-4.2", "bpy-5.2"])
def test_left_is_red_bricks_and_right_is_green_grass(
    name: str, find_host: Callable[[str], Host], extension_zip: Path, tmp_path: Path
) -> None:
    run = find_host(name).run_python(
        SCRIPTS / "meaning.py", tmp_path, extension_zip=extension_zip, timeout_s=280
    )
    assert run.check().result == "3"
    picture = np.asarray(Image.open(tmp_path / "rendered.png").convert("RGB")).astype(float)
    left, right = picture[:, :96].mean((0, 1)), picture[:, 160:].mean((0, 1))
    assert left[0] > 1.25 * max(left[1], left[2])
    assert right[1] > 1.25 * max(right[0], right[2])
