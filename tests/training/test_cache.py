"""What the cache holds is used again as long as it is what would be made now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("skia")
from training import vae  # noqa: E402
from training.data import LANDSCAPES, MATERIALS, PaintedSet, painted_set  # noqa: E402
from training.latents import encoded_sets  # noqa: E402
from training.painting.prompts import Wish  # noqa: E402
from training.painting.storybook.landscape import Landscape  # noqa: E402
from training.painting.storybook.subjects import NAMES  # noqa: E402
from training.settings import DataSettings, DenoiserSettings, Settings, VaeSettings  # noqa: E402

DATA = DataSettings(
    small_count=31,
    small_px=32,
    large_count=31,
    large_height_px=32,
    large_width_px=40,
    landscapes=((32, 40, 28),),
)


def small_set(folder: Path, seed: int = 1, count: int = 31) -> PaintedSet[Wish]:
    return painted_set(
        MATERIALS, folder, "small", count=count, height_px=32, width_px=32, seed=seed
    )


def test_pictures_are_painted_once(tmp_path: Path) -> None:
    small_set(tmp_path)
    before = (tmp_path / "small.npy").stat().st_mtime_ns
    small_set(tmp_path)
    assert (tmp_path / "small.npy").stat().st_mtime_ns == before


def test_pictures_that_would_come_out_otherwise_are_painted_anew(tmp_path: Path) -> None:
    first = np.array(small_set(tmp_path).pictures)
    assert not np.array_equal(first, small_set(tmp_path, seed=2).pictures)
    assert len(small_set(tmp_path, count=40).pictures) == 40


def test_latents_follow_the_encoder_and_the_pictures(tmp_path: Path) -> None:
    own = VaeSettings(channels=(8, 8, 8, 8), groups=4)
    few = DenoiserSettings(small_count=31, large_count=31)
    settings = Settings(cache=tmp_path, data=DATA, vae=own, denoiser=few)
    torch.manual_seed(0)
    one, other = vae.build(own), vae.build(own)
    first = encoded_sets(settings, one).small
    written = (tmp_path / "latents" / "small.safetensors").stat().st_mtime_ns
    with torch.no_grad():
        one.decoder.conv_out.bias.add_(1.0)
    assert torch.equal(encoded_sets(settings, one).small, first)
    assert (tmp_path / "latents" / "small.safetensors").stat().st_mtime_ns == written
    assert not torch.equal(encoded_sets(settings, other).small, first)
    repainted = replace(settings, data=replace(DATA, seed=5))
    assert not torch.equal(encoded_sets(repainted, one).small, first)


def test_landscapes_are_cached_as_materials_are(tmp_path: Path) -> None:
    def painted() -> PaintedSet[Landscape]:
        return painted_set(
            LANDSCAPES, tmp_path, "wide", count=28, height_px=32, width_px=40, seed=1
        )

    first = painted()
    assert first.pictures.shape == (28, 32, 40, 3)
    assert {wish.subject for wish in first.wishes} == set(NAMES)
    assert painted().wishes == first.wishes
