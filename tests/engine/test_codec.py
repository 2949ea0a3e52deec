"""The codec of AutoencoderKL against diffusers' own pipelines' arithmetic, and the preview."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from engine.contract.catalogue import BUNDLED_FOLDER
from engine.runtime import autoencoder, tiled
from engine.runtime.autoencoder import KLCodec
from engine.runtime.codec import Pixels
from engine.runtime.preview import LinearPreview, probes, with_constant
from engine.runtime.references import Reference
from tests.engine.test_tiled import materials, psnr

CPU = torch.device("cpu")
PLAIN = {"scaling_factor": 0.18215}
SHIFTED = {"scaling_factor": 1.5305, "shift_factor": 0.0609}
STATISTICS = {
    "scaling_factor": 0.5,
    "latents_mean": [-1.6574, 1.886, -1.383, 2.5155],
    "latents_std": [8.4927, 5.9022, 6.5498, 5.2299],
}
CASES: dict[str, dict[str, Any]] = {
    "stride 8": {**PLAIN, "latent_channels": 4, "levels": 4},
    "16 channels and a shift": {**SHIFTED, "latent_channels": 16, "levels": 4},
    "a mean and deviation a channel": {**STATISTICS, "latent_channels": 4, "levels": 4},
    "stride 4": {**PLAIN, "latent_channels": 8, "levels": 3},
}


def tiny_vae(*, levels: int, quant: bool = True, **config: Any) -> Any:
    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        norm_num_groups=4,
        use_quant_conv=quant,
        use_post_quant_conv=quant,
        **config,
    )
    return vae.eval().requires_grad_(False)


def pipelines_latents(vae: Any, encoded: Tensor) -> Tensor:
    """Scale latents as diffusers' pipelines for pictures do it, case by case."""
    config = vae.config
    if config.latents_mean is not None:
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1)
            for values in (config.latents_mean, config.latents_std)
        )
        return (encoded - mean) * config.scaling_factor / std
    if config.shift_factor is not None:
        return (encoded - config.shift_factor) * config.scaling_factor
    return encoded * config.scaling_factor


def pipelines_picture(vae: Any, latents: Tensor) -> Pixels:
    config = vae.config
    if config.latents_mean is not None:
        mean, std = (
            torch.tensor(values).view(1, -1, 1, 1)
            for values in (config.latents_mean, config.latents_std)
        )
        encoded = latents * std / config.scaling_factor + mean
    elif config.shift_factor is not None:
        encoded = latents / config.scaling_factor + config.shift_factor
    else:
        encoded = latents / config.scaling_factor
    colours = vae.decode(encoded).sample[0] / 2 + 0.5
    return (colours.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def reference(height: int, width: int) -> Reference:
    values = torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Reference(picture=values, height_px=height, width_px=width)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("quant", [True, False], ids=["quant", "no quant"])
@torch.inference_mode()
def test_encoding_and_decoding_are_those_of_diffusers_pipelines(
    case: dict[str, Any], quant: bool
) -> None:
    vae = tiny_vae(**case, quant=quant)
    codec, given = KLCodec(vae), reference(64, 96)
    encoded = codec.encode(given, torch.Generator().manual_seed(0), on=CPU)
    distribution = vae.encode(given.picture).latent_dist
    sample = distribution.sample(generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoded, pipelines_latents(vae, sample), atol=1e-5, rtol=1e-5)
    (found,) = codec.decode(encoded, on=CPU)
    assert found.shape == (64, 96, 3)
    assert np.abs(found.astype(int) - pipelines_picture(vae, encoded)).max() <= 1


@torch.inference_mode()
def test_the_mode_takes_nothing_from_the_generator() -> None:
    vae = tiny_vae(**CASES["16 channels and a shift"], quant=False)
    generator, given = torch.Generator().manual_seed(0), reference(64, 64)
    before = generator.get_state()
    encoded = KLCodec(vae, encoding="mode").encode(given, generator, on=CPU)
    mode = vae.encode(given.picture).latent_dist.mode()
    torch.testing.assert_close(encoded, pipelines_latents(vae, mode))
    assert torch.equal(generator.get_state(), before)


def trained_vae(*, quant: bool, **config: Any) -> Any:
    vae: Any = AutoencoderKL.from_pretrained(BUNDLED_FOLDER, subfolder="vae")
    vae.register_to_config(**config)
    if not quant:
        # Folded into the convolutions beside them: the same network but for its edges.
        before, after = vae.quant_conv, vae.post_quant_conv
        out, into = vae.encoder.conv_out, vae.decoder.conv_in
        mix, unmix = before.weight[..., 0, 0], after.weight[..., 0, 0]
        out.bias.data = mix @ out.bias + before.bias
        out.weight.data = torch.einsum("oc,cikl->oikl", mix, out.weight)
        into.bias.data = into.bias + into.weight.sum((2, 3)) @ after.bias
        into.weight.data = torch.einsum("ockl,ci->oikl", into.weight, unmix)
        vae.quant_conv = vae.post_quant_conv = None
    return vae.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("config", "quant"), [(SHIFTED, True), (STATISTICS, False)], ids=["shift", "statistics"]
)
@torch.inference_mode()
def test_tiles_scale_and_shift_as_a_whole_canvas_does(
    config: dict[str, Any], quant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = KLCodec(trained_vae(**config, quant=quant), encoding="mode")
    given = Reference(picture=materials(192, 256), height_px=192, width_px=256)
    generator = torch.Generator()
    encoded = codec.encode(given, generator, on=CPU)
    (whole,) = codec.decode(encoded, on=CPU)
    monkeypatch.setattr(autoencoder, "WHOLE_CELLS", 16)
    monkeypatch.setattr(tiled, "_CORE_CELLS", 16)
    in_tiles = codec.encode(given, generator, on=CPU)
    assert float((in_tiles - encoded).norm() / encoded.norm()) < 0.05
    strips = list(codec.decode(encoded, on=CPU))
    assert len(strips) > 1
    assert psnr(np.concatenate(strips), whole) >= 40


@pytest.mark.parametrize("channels", [4, 8, 16, 32])
def test_the_preview_finds_a_linear_decoder_with_any_number_of_channels(channels: int) -> None:
    known = torch.cat([with_constant(probe).flatten(1) for probe in probes(channels)], dim=1)
    assert torch.linalg.cond(known) < 5
    drawn = torch.Generator().manual_seed(2)
    weights = torch.randn((channels + 1, 3), generator=drawn) * 0.05
    weights[-1] = 0.5

    def decode(latents: Tensor) -> Tensor:
        colours = torch.einsum("chw,cr->rhw", with_constant(latents[0]), weights)
        return colours[None].repeat_interleave(8, -1).repeat_interleave(8, -2)

    preview = LinearPreview.fit(decode, channels, CPU)
    torch.testing.assert_close(preview.weights, weights, atol=1e-4, rtol=0)
    latents = torch.rand((1, channels, 6, 9), generator=drawn)
    expected = (decode(latents)[0, :, ::8, ::8].clamp(0, 1) * 255).round().permute(1, 2, 0)
    assert np.array_equal(preview(latents), expected.to(torch.uint8).numpy())


@torch.inference_mode()
def test_a_preview_of_a_shifted_model_has_the_colours_of_its_image() -> None:
    codec = KLCodec(trained_vae(scaling_factor=0.46472, shift_factor=1.0, quant=True))
    given = Reference(picture=materials(128, 192), height_px=128, width_px=192)
    latents = codec.encode(given, torch.Generator().manual_seed(0), on=CPU)
    colours = (given.cells(8)[0] / 2 + 0.5).permute(1, 2, 0).numpy() * 255
    preview = codec.preview(latents)
    assert preview.shape == (16, 24, 3)
    assert np.abs(preview.mean((0, 1)) - colours.mean((0, 1))).max() < 12
    assert np.corrcoef(preview.ravel(), colours.ravel())[0, 1] > 0.9
