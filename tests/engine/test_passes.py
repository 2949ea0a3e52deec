"""Region passes: shares that add up to the picture, layers by name, and a Cryptomatte of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from engine.cli import main
from engine.passes import layer_names
from engine.storage.cryptomatte import number_of, ranks
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region

NAMES = ["Sky", "Old house", "R2.D2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture of three regions, one with a mask, and of a photo."""
    folder = tmp_path_factory.mktemp("passes")
    mask = np.zeros((64, 64), np.uint8)
    mask[16:, 24:] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    Image.new("RGB", (32, 32), (200, 120, 40)).save(folder / "photo.png")
    photo = {"type": "image2image", "name": "photo", "reference_image": "photo.png"}
    document = canvas(
        *(64, 128),
        text_region(0, 64, 0, 128, "sky", name=NAMES[0], mask_type="constant", mask_weight=0.1),
        text_region(0, 64, 0, 64, "house", name=NAMES[1], mask="mask.png"),
        text_region(0, 64, 48, 128, "robot", name=NAMES[2]),
        {**photo, "row_init": 0, "row_end": 32, "col_init": 96, "col_end": 128},
        num_inference_steps=2,
        model=str(TINY_SD),
    )
    (folder / "job.json").write_text(json.dumps(document))
    picture = folder / "picture.png"
    assert main(["generate", str(folder / "job.json"), "-o", str(picture), "--quiet"]) == 0
    return picture


def channels_of(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with OpenEXR.File(str(file), separate_channels=True) as opened:
        channels = {name: channel.pixels for name, channel in opened.channels().items()}
        return channels, dict(opened.header())


def test_layers_hold_shares_that_add_up_to_the_picture(made: Path, tmp_path: Path) -> None:
    assert main(["passes", str(made), "-o", str(tmp_path / "p.exr")]) == 0
    found, _ = channels_of(tmp_path / "p.exr")
    layers = ["Regions.Sky", "Regions.Old house", "Regions.R2_D2"]
    shares = [found[f"{layer}.A"].astype(np.float64) for layer in layers]
    assert np.abs(np.sum(shares, axis=0) - 1).max() < 2e-3
    house = shares[1]
    assert house[:12].max() < 1e-3 < 0.5 < house[30:36, 30:36].min()  # what its mask covers
    picture = np.asarray(Image.open(made), np.float64) / 255
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    for index, channel in enumerate("RGB"):
        assert np.abs(found[channel] - linear[..., index]).max() < 1e-3
        whole = np.sum([found[f"{layer}.{channel}"].astype(np.float64) for layer in layers], axis=0)
        assert np.abs(whole - linear[..., index]).max() < 4e-3
    photo = found["Regions.photo.A"]
    assert photo[:24, 104:].min() == 1
    assert photo[40:].max() == 0


def test_a_cryptomatte_finds_regions_by_name(made: Path, tmp_path: Path) -> None:
    main(["passes", str(made), "-o", str(tmp_path / "p.exr")])
    found, header = channels_of(tmp_path / "p.exr")
    told = {k.rpartition("/")[2]: v for k, v in header.items() if k.startswith("cryptomatte/")}
    assert (told["name"], told["hash"]) == ("Regions.CryptoRegion", "MurmurHash3_32")
    manifest = json.loads(told["manifest"])
    assert list(manifest) == ["Sky", "Old house", "R2_D2"]
    wanted = np.array([int(manifest["Old house"], 16)], np.uint32).view(np.float32)[0]
    covered = np.zeros((64, 128))
    for level in ("00", "01"):
        for number, share in ("RG", "BA"):
            ids = found[f"Regions.CryptoRegion{level}.{number}"]
            covered += np.where(ids == wanted, found[f"Regions.CryptoRegion{level}.{share}"], 0)
    assert np.abs(covered - found["Regions.Old house.A"]).max() < 1e-3
    first, second = (found[f"Regions.CryptoRegion00.{c}"] for c in "GA")
    assert (first >= second).all()


def test_names_become_numbers_as_others_have_them() -> None:
    assert number_of("hello") == 0x248BFA47  # as published for MurmurHash3
    for number in range(5000):
        exponent = number_of(f"region {number}") >> 23 & 255
        assert exponent not in (0, 255)  # neither zero, infinite nor no number


def test_of_many_regions_a_pixel_keeps_those_that_cover_most() -> None:
    shares = {f"r{i}": np.full((1, 1), s, np.float32) for i, s in enumerate([0.1] * 5 + [0.3, 0.2])}
    found = ranks(shares, "x")
    assert sorted(found)[-4:] == ["x02.A", "x02.B", "x02.G", "x02.R"]
    assert [round(float(found[f"x00.{c}"][0, 0]), 3) for c in "GA"] == [0.3, 0.2]


def test_pictures_of_the_shares(made: Path, tmp_path: Path) -> None:
    assert main(["passes", str(made), "-o", str(tmp_path / "parts")]) == 0
    files = sorted((tmp_path / "parts").iterdir())
    assert [file.name for file in files] == ["Old house.png", "R2_D2.png", "Sky.png", "photo.png"]
    total = np.sum([np.asarray(Image.open(f), np.int64) for f in files[:3]], axis=0)
    assert np.abs(total - 255).max() <= 2


def test_layers_have_names_of_their_own() -> None:
    names = layer_names(["a.b", "a_b", "", "é" * 40])
    assert names == {"a.b": "a_b", "a_b": "a_b 2", "": "region", "é" * 40: "é" * 20}


@pytest.mark.parametrize(
    ("output", "said"),
    [("p.tif", "neither an OpenEXR file nor a folder"), ("job.json/x.exr", "cannot be written")],
)
def test_a_place_that_will_not_do_is_told(
    made: Path, output: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["passes", str(made), "-o", str(made.parent / output)]) != 0
    assert said in capsys.readouterr().err


def test_what_is_no_result_is_told(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = str(made.with_name("p.exr"))
    assert main(["passes", str(made.with_name("job.json")), "-o", output]) != 0
    assert "job.json" in capsys.readouterr().err
    other = made.with_name("scaled.png")
    content = made.read_bytes()
    other.write_bytes(content[: len(content) // 2])
    assert main(["passes", str(other), "-o", output]) != 0
    assert not Path(output).exists()
