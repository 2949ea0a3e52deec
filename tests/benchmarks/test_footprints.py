"""The figures that memory is planned by are those of the real shapes, counted anew."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import footprints as counting
from benchmarks.real_shapes import AUTOENCODERS, ENCODERS, network, numbers_of, on_meta
from engine.contract import footprints as of
from engine.contract.families import FAMILIES
from engine.contract.footprints import Footprint, Part

SHAPES: dict[str, tuple[Footprint, tuple[str, ...], str, str]] = {
    "sd": (of.SD1, ("clip_l",), "kl_4", "sd"),
    "sdxl": (of.SDXL, ("clip_l", "clip_g"), "kl_4", "sdxl"),
    "z_image": (of.Z_IMAGE, ("qwen3_4b",), "kl_16", "z_image"),
    "klein_4b": (of.KLEIN_4B, ("qwen3_4b_lm",), "flux2", "flux2_klein"),
    "klein_9b": (of.KLEIN_9B, ("qwen3_8b_lm",), "flux2", "flux2_klein"),
    "flux2": (of.FLUX2_DEV, ("mistral_24b",), "flux2", "flux2"),
    "flux": (of.FLUX1, ("clip_l", "t5_xxl"), "kl_16", "flux"),
    "qwen_image": (of.QWEN_IMAGE, ("qwen2_5_vl_7b",), "qwen_image", "qwen_image"),
    "sd3_medium": (of.SD3_MEDIUM, ("clip_l", "clip_g", "t5_xxl"), "kl_16", "sd3"),
    "sd3_large": (of.SD3_LARGE, ("clip_l", "clip_g", "t5_xxl"), "kl_16", "sd3"),
    "krea2": (of.KREA2, ("qwen3_vl_4b",), "qwen_image", "krea2"),
}
_TOLERANCE = 0.005  # of encoders: what is not loaded of some, and one autoencoder for two


def counted(module: Any) -> tuple[int, int]:
    return numbers_of(module), max(t.numel() for t in module.state_dict().values())


def is_near(part: Part, module: Any) -> bool:
    numbers, largest = counted(module)
    return part.largest == largest and abs(part.numbers - numbers) <= _TOLERANCE * numbers


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_a_shapes_numbers_are_those_of_its_configuration(name: str) -> None:
    footprint, encoders, autoencoder, _ = SHAPES[name]
    module = on_meta(lambda: network(name))
    assert (footprint.network.numbers, footprint.network.largest) == counted(module)
    for part, encoder in zip(footprint.encoders, encoders, strict=True):
        assert is_near(part, on_meta(ENCODERS[encoder])), encoder
    assert is_near(footprint.autoencoder, on_meta(AUTOENCODERS[autoencoder]))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_a_step_needs_what_its_family_says_and_not_much_less(name: str) -> None:
    family = FAMILIES[SHAPES[name][3]]
    side = family.native_px
    planned = ((side // counting.TOKEN_PX) ** 2 + family.text_tokens) * family.token_bytes
    assert 0.5 * planned < counting.step_bytes(name, side) <= 1.02 * planned


def test_work_grows_with_passes_as_planned() -> None:
    one, two = (counting.step_bytes("klein_4b", 512, passes) for passes in (1, 2))
    assert two == pytest.approx(2 * one, rel=0.05)


@pytest.mark.parametrize(("name", "family"), [("kl_16", "flux"), ("qwen_image", "qwen_image")])
def test_decoding_a_megapixel_needs_what_its_family_says(name: str, family: str) -> None:
    planned = FAMILIES[family].decoded_px_bytes * 2**20
    assert counting.decode_bytes(name, 1024) == pytest.approx(planned, rel=0.02)
