"""Which autoencoders work in half precision: measured once, noted, and as good as it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from engine.contract.geometry import Axes
from engine.runtime import half_precision
from engine.runtime.autoencoder import KLCodec
from engine.runtime.half_precision import LEAST_DB, HalfPrecision, Kept, measured, note_path
from engine.runtime.references import Reference

CPU = torch.device("cpu")
BUNDLED = Path(__file__).parents[2] / "engine" / "bundled" / "vae"
GOOD, BAD = Kept(encoder_db=50.0, decoder_db=50.0), Kept(encoder_db=50.0, decoder_db=44.9)


@pytest.fixture(autouse=True)
def own_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(half_precision, "takes_bfloat16", lambda kind: True)
    return note_path({"XDG_CACHE_HOME": str(tmp_path / "cache")})


@pytest.fixture(scope="module")
def vae() -> Any:
    return AutoencoderKL.from_pretrained(BUNDLED).eval().requires_grad_(False)


def counted(found: Kept, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Stand in for what is measured, and count how often it is asked."""
    asked: list[object] = []

    def answer(*arguments: object) -> Kept:
        asked.append(arguments)
        return found

    monkeypatch.setattr(half_precision, "measured", answer)
    return asked


def is_half(context: Any) -> bool:
    with context:
        return bool(torch.is_autocast_enabled("cpu"))


def test_the_bundled_autoencoder_keeps_pictures_in_half_precision(vae: Any) -> None:
    kept = measured(vae, CPU, torch.bfloat16)
    assert kept.encoder_db >= LEAST_DB
    assert kept.decoder_db >= LEAST_DB


def test_one_that_overflows_is_found(vae: Any) -> None:
    large = AutoencoderKL.from_config(vae.config).eval().requires_grad_(False)
    large.load_state_dict(vae.state_dict())
    # What normalisation takes back, where the numbers have room for it.
    large.decoder.conv_in.weight *= 1e6
    large.decoder.conv_in.bias *= 1e6
    assert measured(large, CPU, torch.float16).decoder_db == 0.0


def test_it_is_measured_once_for_each_autoencoder(
    vae: Any, own_note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(GOOD, monkeypatch)
    for _ in range(2):  # as two engines, one after the other
        precision = HalfPrecision(vae, torch.bfloat16)
        assert is_half(precision.encoding(CPU))
        assert is_half(precision.decoding(CPU))
    assert len(asked) == 1
    other = AutoencoderKL.from_config(vae.config)
    assert is_half(HalfPrecision(other, torch.bfloat16).decoding(CPU))
    assert len(asked) == 2
    assert len(json.loads(own_note.read_text())) == 2


def test_each_half_is_judged_for_itself(vae: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted(BAD, monkeypatch)
    precision = HalfPrecision(vae, torch.bfloat16)
    assert is_half(precision.encoding(CPU))
    assert not is_half(precision.decoding(CPU))


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', '{"a": ["x", 2]}', "null"])
def test_a_note_that_makes_no_sense_is_written_anew(
    text: str, vae: Any, own_note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(GOOD, monkeypatch)
    own_note.parent.mkdir(parents=True)
    own_note.write_text(text)
    assert is_half(HalfPrecision(vae, torch.bfloat16).decoding(CPU))
    assert list(json.loads(own_note.read_text()).values()) == [[50.0, 50.0]]


def test_where_nothing_can_be_noted_it_is_measured_all_the_same(
    vae: Any, own_note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(GOOD, monkeypatch)
    own_note.parent.parent.write_text("a file where the folder would be")
    assert is_half(HalfPrecision(vae, torch.bfloat16).decoding(CPU))


def test_float32_stays_float32(vae: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(GOOD, monkeypatch)
    assert not is_half(HalfPrecision(vae, torch.float32).decoding(CPU))
    monkeypatch.setattr(half_precision, "takes_bfloat16", lambda kind: False)
    assert not is_half(HalfPrecision(vae, torch.bfloat16).decoding(CPU))
    assert not asked


def decoded(codec: KLCodec, latents: Tensor, **more: Any) -> Any:
    return np.concatenate(list(codec.decode(latents, on=CPU, **more))).astype(float)


@pytest.mark.parametrize(
    ("size", "wrapped"),
    [((24, 40), (False, False)), ((24, 40), (False, True)), ((130, 130), (False, False))],
    ids=["whole", "wrapped", "tiled"],
)
def test_pictures_are_as_good_in_whole_and_in_tiles(
    size: tuple[int, int], wrapped: tuple[bool, bool], vae: Any
) -> None:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randn((1, 4, 6, 6), generator=generator)
    latents = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")
    more = {"wrapped": Axes(*wrapped)}
    exact, fast = (
        decoded(KLCodec(vae, dtype=dtype), latents, **more)
        for dtype in (torch.float32, torch.bfloat16)
    )
    error = np.square((exact - fast) / 255).mean()
    assert 0 < error < 10 ** (-LEAST_DB / 10)


@pytest.mark.parametrize("side", [256, 1056], ids=["whole", "tiled"])
def test_references_are_encoded_as_well(side: int, vae: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand((1, 3, 9, 9), generator=generator)
    picture = torch.nn.functional.interpolate(picture, size=side, mode="bicubic").clamp(0, 1)
    reference = Reference(picture=(picture * 255).byte(), height_px=side, width_px=side)
    encode: Callable[[torch.dtype], Tensor] = lambda dtype: KLCodec(  # noqa: E731
        vae, dtype=dtype, encoding="mode"
    ).encode(reference, generator, on=CPU)
    exact, fast = encode(torch.float32), encode(torch.bfloat16)
    assert fast.dtype == torch.float32
    assert 0 < (exact - fast).norm() / exact.norm() < 0.01
