"""Each way to use a picture, by what a render shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender.hosts import SCRIPTS, Host
from tests.blender.test_whole_path import WholePath

FILTER = 1  # levels: what a renderer makes of a picture that it samples between pixels


@pytest.fixture(scope="module")
def results(
    wheel_host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> WholePath:
    folder = tmp_path_factory.mktemp("results")
    script = SCRIPTS / "results.py"
    run = wheel_host.run_python(script, folder, extension_zip=extension_zip, timeout_s=200)
    return WholePath(told=run.check().result, folder=folder)


def differences(results: WholePath, one: str, other: str) -> Any:
    return np.abs(results.pixels(f"{one}.png") - results.pixels(f"{other}.png"))


@pytest.mark.parametrize("camera", ["perspective", "shifted", "orthographic"])
def test_a_projected_picture_fits_exactly_from_its_camera(camera: str, results: WholePath) -> None:
    # On a floor that passes behind the camera, a slanted wall, a turned cube with a modifier, a
    # mirrored ball and a text.
    difference = differences(results, f"projected_{camera}", "painted")
    assert difference.mean() < FILTER
    assert difference.max() < 20


def test_projecting_again_piles_nothing_up(results: WholePath) -> None:
    assert results.told["piled_up"] == [0, 0, 0, 0]
    assert np.array_equal(
        results.pixels("projected_again.png"), results.pixels("projected_perspective.png")
    )


def test_the_projection_stays_when_the_camera_moves_on(results: WholePath) -> None:
    assert differences(results, "from_the_side", "painted").mean() > 20
    assert np.array_equal(
        results.pixels("from_the_side_again.png"), results.pixels("from_the_side.png")
    )
    assert np.median(differences(results, "from_the_side_anew", "painted")) <= FILTER


def test_the_projection_moves_with_its_objects(results: WholePath) -> None:
    assert differences(results, "moved_together", "painted").mean() < FILTER


def test_the_projection_is_taken_off_again(results: WholePath) -> None:
    assert results.told["own_material_stays"]
    assert results.told["own_material_back"]
    assert results.told["projection_left"] == []


def test_as_a_backdrop_it_fills_the_frame_and_leaves_the_light(results: WholePath) -> None:
    own, backdrop = results.pixels("world_own.png"), results.pixels("world_backdrop.png")
    assert np.median(differences(results, "world_backdrop", "painted")) <= FILTER
    ball = own[48, 96]
    assert ball[0] == ball[2] == 0  # lit by a green world alone
    assert np.abs(backdrop[40:56, 90:102] - ball).mean() < 8


def test_as_surroundings_it_is_a_panorama(results: WholePath) -> None:
    around = results.pixels("world_around.png")
    assert differences(results, "world_around", "painted").mean() > 20
    assert around.std() > 10


def test_the_scenes_own_world_stays_and_no_other_piles_up(results: WholePath) -> None:
    assert results.told["worlds_piled_up"] == [0, 0, 0, 0]
    assert results.told["worlds"] == ["MixDiff Backdrop", "own world"]
    assert results.told["own_world_kept"]
    assert results.told["own_world_nodes"] == 2


def test_a_camera_gets_one_background_that_fits(results: WholePath) -> None:
    theirs, ours = results.told["backgrounds"]
    assert theirs[0] is None
    assert ours == ["MixDiff", "STRETCH", "BACK", 1.0]
    assert results.told["backgrounds_shown"]


def test_the_compositor_goes_on_with_what_others_put_there(results: WholePath) -> None:
    assert results.told["theirs_leads_to"] == "MixDiff Over"
    assert results.told["after_theirs"] == "Flip"
    picture = results.pixels("painted.png")
    assert np.array_equal(results.pixels("compositor_flipped.png"), picture[:, ::-1])
    assert np.array_equal(results.pixels("compositor_again.png"), picture)
    ours = [name for name in results.told["compositor_nodes"] if "MixDiff" in name]
    assert ours == ["MixDiff Over", "MixDiff Picture", "MixDiff Size"]


@pytest.mark.parametrize("use", ["backdrop", "projected", "compositor"])
def test_a_picture_of_the_render_region_fills_it(use: str, results: WholePath) -> None:
    assert differences(results, f"region_{use}", "painted").mean() < FILTER


def test_each_use_can_be_undone(results: WholePath) -> None:
    assert set(map(tuple, results.told["undone"].values())) == {(True, True)}


def test_colour_management_is_told_and_never_changed(results: WholePath) -> None:
    assert results.told["untouched"]
    assert results.told["standard"].startswith("Renders in the colours")
    assert results.told["managed"].startswith("AgX changes its colours")
    assert results.told["exposed"].startswith("Exposure changes")
