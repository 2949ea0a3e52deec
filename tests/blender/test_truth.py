"""Where regions lie is where a render shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.contract.job import DEFAULT_STRIDE_PX
from tests.blender.hosts import SCRIPTS, Host

CASES = 50


@pytest.fixture(scope="module", params=["bpy-4.2", "bpy-5.2"])
def told(
    request: pytest.FixtureRequest,
    find_host: Any,
    extension_zip: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    host: Host = find_host(request.param)
    folder = tmp_path_factory.mktemp("truth")
    script = SCRIPTS / "truth.py"
    run = host.run_python(script, folder, str(CASES), extension_zip=extension_zip, timeout_s=280)
    result: dict[str, Any] = run.check().result
    return result


def test_a_regions_place_is_that_of_its_rendered_mask_to_one_stride(told: dict[str, Any]) -> None:
    assert len(told["cases"]) > CASES / 2
    assert sum(case["inner_edges"] for case in told["cases"]) > CASES / 2
    assert {case["type"] for case in told["cases"]} == {"PERSP", "ORTHO"}
    assert [case for case in told["cases"] if case["off"] > DEFAULT_STRIDE_PX] == []


def test_before_it_is_put_on_the_grid_a_place_is_true_to_a_pixel_or_two(
    told: dict[str, Any],
) -> None:
    off = sorted(case["off_before_snapping"] for case in told["cases"])
    assert off[len(off) // 2] < 1
    assert off[len(off) * 8 // 10] < 2  # the rest are tips of slivers, which a render misses


def test_a_region_is_left_out_where_no_render_shows_it(told: dict[str, Any]) -> None:
    assert told["unseen"] > 0
    assert told["disagreed"] == []
