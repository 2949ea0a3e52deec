"""A built extension in a real Blender with a real engine: the picture, and its way back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.blender.hosts import SCRIPTS, Host


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePath:
    """What the script told, and the folder with what it made."""

    told: dict[str, Any]
    folder: Path

    def pixels(self, name: str) -> Any:
        """Return a PNG's colours, (H, W, 3)."""
        return np.asarray(Image.open(self.folder / name).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def whole_path(
    host: Host, extension_zip: Path, tmp_path_factory: pytest.TempPathFactory
) -> WholePath:
    folder = tmp_path_factory.mktemp("whole path")
    script = SCRIPTS / "whole_path.py"
    run = host.run_python(script, folder, extension_zip=extension_zip, timeout_s=280).check()
    return WholePath(told=run.result, folder=folder)


def test_the_picture_is_an_image_datablock_with_the_files_own_bytes(whole_path: WholePath) -> None:
    told = whole_path.told
    assert told["finished"] == ["FINISHED"]
    assert told["name"] == "MixDiff"
    assert told["size"] == [128, 64]
    assert told["colour_space"] == "sRGB"
    for pixels, file in (("packed.npy", "packed.png"), ("file.npy", told["file"])):
        in_blender = np.round(np.load(whole_path.folder / pixels)[..., :3] * 255).astype(int)
        assert np.array_equal(in_blender, whole_path.pixels(file))


def test_an_unsaved_file_keeps_the_picture_packed_and_a_saved_one_beside_it(
    whole_path: WholePath,
) -> None:
    assert whole_path.told["is_packed"]
    assert not whole_path.told["is_packed_after_saving"]
    # The first is the one that was packed, which came along when the file was saved.
    assert Path(whole_path.told["file"]) == whole_path.folder / "mixdiff" / "street-0002.png"
    assert whole_path.told["path"].startswith("//mixdiff")


def test_generating_again_piles_nothing_up(whole_path: WholePath) -> None:
    assert whole_path.told["piled_up"] == {"images": 0, "objects": 0}
    assert whole_path.told["is_same_datablock"]
    assert not np.array_equal(
        whole_path.pixels("packed.png"), whole_path.pixels(whole_path.told["file"])
    )


def test_as_a_texture_it_renders_as_in_a_picture_viewer(whole_path: WholePath) -> None:
    picture = whole_path.pixels(whole_path.told["file"])
    for name in ("texture.png", "texture_without_uv.png"):
        # The renderer samples between the centres of pixels: nearly, not exactly, the same.
        assert np.abs(whole_path.pixels(name) - picture).mean() < 4
    assert whole_path.told["materials"] == ["MixDiff", "the user's own"]
    assert whole_path.told["kept"]


def test_in_the_compositor_it_comes_out_byte_for_byte(whole_path: WholePath) -> None:
    picture = whole_path.pixels(whole_path.told["file"])
    assert np.array_equal(whole_path.pixels("alone.png"), picture)


def test_behind_the_render_both_are_seen(whole_path: WholePath) -> None:
    picture = whole_path.pixels(whole_path.told["file"])
    behind = whole_path.pixels("behind.png")
    assert np.array_equal(behind[:, 66:], picture[:, 66:])
    assert (behind[:, :62] == [255, 0, 0]).all()


def test_changing_its_place_piles_up_no_nodes(whole_path: WholePath) -> None:
    assert whole_path.told["nodes"] == whole_path.told["nodes_after"]
    assert whole_path.told["nodes"].count("MixDiff Picture") == 1


def test_a_picture_of_another_size_fills_the_render(whole_path: WholePath) -> None:
    smaller = whole_path.pixels("smaller.png")
    assert smaller.shape == (64, 64, 3)
    assert smaller[:, 40:].std() > 5
