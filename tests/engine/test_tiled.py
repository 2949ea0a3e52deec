"""Large canvases: decoded tile by tile, written row by row, never whole in the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor, nn

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.contract.errors import Cancelled, EngineError
from engine.contract.png import read_job, read_run
from engine.families.base import Model
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime import autoencoder, tiled
from engine.runtime.autoencoder import KLCodec
from engine.runtime.references import Reference
from engine.runtime.tiled import tiled_rows
from engine.runtime.windows import Window
from engine.sampling.events import Done, PhaseBegan
from engine.storage.png import GrowingPng
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region

CPU = torch.device("cpu")
Pixels = npt.NDArray[np.uint8]


def psnr(found: Pixels, expected: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two pictures in dB."""
    error = np.square(found.astype(float) - expected).mean()
    return float(10 * np.log10(255**2 / error))


def materials(height: int, width: int) -> Tensor:
    """Return patches of unlike colours and grains, (1, 3, H, W) in [-1, 1]."""
    drawn = torch.Generator().manual_seed(4)
    shape = (1, 3, height // 64, width // 64)
    colours = torch.nn.functional.interpolate(
        torch.rand(shape, generator=drawn) * 2 - 1, size=(height, width)
    )
    grain = torch.nn.functional.interpolate(
        torch.randn((1, 1, height // 4, width // 4), generator=drawn), size=(height, width)
    )
    rough = torch.nn.functional.interpolate(
        torch.rand((1, 1, *shape[2:]), generator=drawn) * 0.3, size=(height, width)
    )
    return (colours + grain * rough).clamp(-1, 1)


@pytest.fixture(scope="module")
def bundled() -> KLCodec:
    vae = AutoencoderKL.from_pretrained(BUNDLED_FOLDER, subfolder="vae")
    return KLCodec(vae.eval().requires_grad_(False))


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "WHOLE_CELLS", 16)
    monkeypatch.setattr(tiled, "_CORE_CELLS", 16)


def whole(codec: KLCodec, latents: Tensor) -> Pixels:
    (strip,) = codec.decode(latents, on=CPU)
    return strip


@torch.inference_mode()
def test_tiles_cannot_be_told_from_a_whole_decode(
    bundled: KLCodec, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    picture = Reference(picture=materials(256, 384), height_px=256, width_px=384)
    latents = bundled.encode(picture, torch.Generator().manual_seed(0), on=CPU)
    expected = whole(bundled, latents)
    request.getfixturevalue("small_tiles")
    strips = list(bundled.decode(latents, on=CPU))
    assert len(strips) > 1
    found = np.concatenate(strips)
    assert found.shape == expected.shape
    assert psnr(found, expected) >= 45
    # No seam: where tiles meet, the difference is what it is elsewhere.
    difference = np.square(found.astype(float) - expected).mean(2)
    edges = [*range(126, 130)]
    assert difference[edges].mean() < 4 * difference.mean()
    assert difference[:, edges].mean() < 4 * difference.mean()


@torch.inference_mode()
def test_a_large_reference_is_encoded_in_tiles_as_if_whole(
    bundled: KLCodec, request: pytest.FixtureRequest
) -> None:
    picture = Reference(picture=materials(256, 384), height_px=256, width_px=384)
    expected = bundled.encode(picture, torch.Generator().manual_seed(0), on=CPU)
    request.getfixturevalue("small_tiles")
    found = bundled.encode(picture, torch.Generator().manual_seed(0), on=CPU)
    assert found.shape == expected.shape
    assert float((found - expected).norm() / expected.norm()) < 0.03


@torch.inference_mode()
@pytest.mark.usefixtures("small_tiles")
def test_a_reference_resized_tile_by_tile_is_encoded_as_one_resized_before(
    bundled: KLCodec,
) -> None:
    picture = Reference(picture=materials(192, 320), height_px=256, width_px=384)
    before = replace(picture, picture=picture.whole())
    found, expected = (
        bundled.encode(one, torch.Generator().manual_seed(0), on=CPU) for one in (picture, before)
    )
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


@torch.inference_mode()
def test_a_small_canvas_is_decoded_whole_to_the_byte(bundled: KLCodec) -> None:
    latents = torch.randn((1, 4, 6, 9), generator=torch.Generator().manual_seed(0))
    vae: Any = bundled._vae
    decoded = vae.decode(latents / vae.config.scaling_factor).sample[0] / 2 + 0.5
    expected = (decoded.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.array_equal(whole(bundled, latents), expected)


def plain_rows(network: nn.Module, pixels: Tensor, seen: list[int]) -> Iterator[Tensor]:
    def crop(window: Window) -> Tensor:
        seen.append(window.height * window.width)
        return window.take(pixels)

    return tiled_rows(
        network, crop, pixels, scale=1, finish=lambda rows: rows, checkpoint=lambda: None
    )


@torch.inference_mode()
def test_convolutions_alone_are_the_same_in_tiles_which_never_grow() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.SiLU(), nn.Conv2d(3, 3, 3, padding=1))
    pixels = torch.randn((1, 2, 210, 700))
    seen: list[int] = []
    strips = list(plain_rows(network, pixels, seen))
    assert torch.allclose(torch.cat(strips, dim=1), network(pixels)[0], atol=1e-5)
    assert max(seen) <= 128 * 128
    assert max(strip.shape[1] for strip in strips) <= 100
    assert len(strips) == 3


@torch.inference_mode()
def test_a_long_canvas_of_one_cell_is_tiled_too() -> None:
    network = nn.Sequential(nn.GroupNorm(1, 2), nn.Conv2d(2, 3, 3, padding=1))
    pixels = torch.randn((1, 2, 1, 400), generator=torch.Generator().manual_seed(0)) + 3
    (strip,) = plain_rows(network, pixels, [])
    assert torch.allclose(strip, network(pixels)[0], atol=0.15)


@pytest.mark.parametrize("rows_at_once", [1, 7, 40])
def test_a_png_of_strips_holds_every_byte_and_its_job(rows_at_once: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    slope = np.add.outer(np.arange(40), np.arange(23))[..., None] * np.array([1, 2, 5])
    picture = slope.astype(np.uint8)
    picture[13:22] = rng.integers(0, 256, (9, 23, 3))
    job = {"prompt": "naïve café 漢字"}
    path = tmp_path / "strips.png"
    png = GrowingPng(path, (23, 40), job=job, run={"device": "cpu"})
    for start in range(0, 40, rows_at_once):
        assert not path.exists()
        png.add(picture[start : start + rows_at_once])
    assert png.is_whole
    with Image.open(path) as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), picture)
    assert (read_job(path), read_run(path)) == (job, {"device": "cpu"})


def test_rows_that_do_not_belong_leave_no_file(tmp_path: Path) -> None:
    png = GrowingPng(tmp_path / "strips.png", (4, 4), job={}, run={})
    with pytest.raises(ValueError, match="do not belong"):
        png.add(np.zeros((2, 5, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_rows_come_is_explained(tmp_path: Path) -> None:
    png = GrowingPng(tmp_path / "strips.png", (64, 64), job={}, run={})
    full = Path("/dev/full")
    if not full.exists():
        png.discard()
        pytest.skip("no /dev/full here")
    with full.open("wb", buffering=0) as nowhere:
        png._file = nowhere
        with pytest.raises(EngineError, match="cannot be written"):
            png.add(np.zeros((64, 64, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


JOB = canvas(
    256,
    384,
    text_region(0, 64, 0, 64, "a house", guidance_scale=1),
    model=str(TINY_SD),
    num_inference_steps=1,
    scheduler="ddim",
)


def keeper_of(components: Model) -> ModelKeeper:
    keeper = ModelKeeper(device=components.device)
    keeper._model, keeper._resolved = components, str(TINY_SD)
    return keeper


def at_tile(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> list[int]:
    """Have something happen as a tile begins; return a list that counts the tiles."""
    begun: list[int] = []
    original = tiled._tile

    def counted(*arguments: Any) -> Tensor:
        begun.append(len(begun) + 1)
        if len(begun) == number:
            act()
        return original(*arguments)

    monkeypatch.setattr(tiled, "_tile", counted)
    return begun


@pytest.mark.usefixtures("small_tiles")
def test_cancel_while_decoding_ends_within_a_tile_and_leaves_no_file(
    tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[bool] = []
    begun = at_tile(monkeypatch, 5, lambda: pressed.append(True))  # a strip has 3
    request = RunRequest(document=JOB, folder=tmp_path, output=tmp_path / "out.png")
    phases: list[str] = []

    def watch() -> None:
        for event in run(request, keeper_of(tiny), is_cancelled=lambda: bool(pressed)):
            if isinstance(event, PhaseBegan):
                phases.append(event.phase)
            if phases[-1:] == ["decoding"]:
                assert not (tmp_path / "out.png").exists()

    with pytest.raises(Cancelled):
        watch()
    assert phases[-1] == "decoding"
    assert len(begun) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_tiles")
def test_memory_that_ends_while_rows_are_written_begins_the_file_anew(
    tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short() -> None:
        raise torch.OutOfMemoryError("Tried to allocate 2 GiB")

    at_tile(monkeypatch, 5, short)
    request = RunRequest(document=JOB, folder=tmp_path, output=tmp_path / "out.png")
    done = list(run(request, keeper_of(tiny)))[-1]
    assert isinstance(done, Done)
    assert len(done.problems) == 2  # the uncovered canvas, and the memory
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (384, 256)
        image.load()
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
