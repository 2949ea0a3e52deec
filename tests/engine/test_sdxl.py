"""SDXL, held to diffusers' own pipeline and to a second, plain implementation of the method."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.contract.errors import EngineError
from engine.contract.families import FAMILIES
from engine.contract.models import facts_of
from engine.families.base import Model
from engine.families.loading import load_model, model_of
from engine.families.schedules import build_scheduler
from engine.runtime.devices import choose_device
from tests.engine.ldm_checkpoint import write_checkpoint
from tests.engine.plain_mixture import plain_mixture
from tests.engine.runs import canvas, generated, latents, relative_error, text_region
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
STEPS = 4


@pytest.fixture(scope="module")
def sdxl() -> Model:
    return model_of(tiny_sdxl(), CPU)


def plain(pipeline: Any, scheduler: str | None, **settings: Any) -> Any:
    own = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    pipeline.scheduler = build_scheduler(scheduler, own)
    wanted = {"height": 64, "width": 96, "num_inference_steps": STEPS, "guidance_scale": 6.0}
    return pipeline(
        "a tower",
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
        eta=0.3 if scheduler == "tcd" else 0.0,  # each scheduler's own default
        **{**wanted, **settings},
    ).images.numpy()


def ours(model: Model, scheduler: str | None = None, guidance: float = 6.0, **more: Any) -> Any:
    region = text_region(0, 64, 0, 96, "a tower", guidance_scale=guidance)
    job = canvas(64, 96, region, scheduler=scheduler, num_inference_steps=STEPS, **more)
    return latents(job, model)


@pytest.mark.parametrize("scheduler", [None, *FAMILIES["sdxl"].schedulers])
def test_one_full_canvas_region_equals_plain_diffusers(scheduler: str | None, sdxl: Model) -> None:
    assert relative_error(ours(sdxl, scheduler), plain(tiny_sdxl(), scheduler)) < 1e-5


def test_a_negative_prompt_is_encoded_and_none_is_zeros_as_in_the_pipeline(sdxl: Model) -> None:
    expected = plain(tiny_sdxl(), "ddim", negative_prompt="fog")
    assert relative_error(ours(sdxl, "ddim", negative_prompt="fog"), expected) < 1e-5
    pipeline = tiny_sdxl()
    pipeline.register_to_config(force_zeros_for_empty_prompt=False)
    encoded = ours(model_of(pipeline, CPU), "ddim")
    other = tiny_sdxl()
    other.register_to_config(force_zeros_for_empty_prompt=False)
    assert relative_error(encoded, plain(other, "ddim")) < 1e-5
    assert relative_error(encoded, ours(sdxl, "ddim")) > 1e-3


def test_a_guidance_of_one_is_one_pass_and_equals_the_pipeline_without(sdxl: Model) -> None:
    found = ours(sdxl, "euler_trailing", guidance=1.0)
    expected = plain(tiny_sdxl(), "euler_trailing", guidance_scale=1.0)
    assert relative_error(found, expected) < 1e-5


@pytest.mark.parametrize("mask_type", ["constant", "gaussian", "quartic"])
def test_mixtures_equal_a_plain_second_implementation(mask_type: str, sdxl: Model) -> None:
    regions = [
        text_region(0, 64, 0, 64, "sky", mask_type=mask_type, region_seed=1, noise_eps=0.1),
        text_region(0, 64, 32, 128, "house", mask_type=mask_type, guidance_scale=3, region_seed=2),
        text_region(16, 64, 0, 128, "road", negative_prompt="fog", mask_weight=0.5, region_seed=3),
    ]
    picture = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0)) * 2 - 1
    image = {"row_init": 0, "row_end": 64, "col_init": 64, "col_end": 128, "reference_image": "p"}
    regions.append({"type": "image2image", **image, "strength": 0.5, "region_seed": 4})
    reroll = {"row_init": 0, "row_end": 32, "col_init": 0, "col_end": 32, "region_seed": 5}
    job = canvas(64, 128, *regions, scheduler="ddim", reroll_regions=[reroll])
    pipeline = tiny_sdxl()
    scheduler = build_scheduler("ddim", pipeline.scheduler.config)
    expected = plain_mixture(pipeline, scheduler, job, {"p": picture}).numpy()
    assert relative_error(latents(job, sdxl, {"p": picture}), expected) < 1e-5


def test_each_window_has_its_own_size_and_small_ones_stand_for_enlarged_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = tiny_sdxl()
    model = model_of(pipeline, CPU)
    seen: list[list[float]] = []
    forward = pipeline.unet.forward

    def noted(*arguments: Any, **named: Any) -> Any:
        seen.extend(named["added_cond_kwargs"]["time_ids"].tolist())
        return forward(*arguments, **named)

    monkeypatch.setattr(pipeline.unet, "forward", noted)
    large = text_region(0, 96, 0, 96, "sky", guidance_scale=1)
    small = text_region(0, 32, 0, 32, "house", guidance_scale=1)
    generated(canvas(96, 96, large, small, num_inference_steps=1), model)
    assert sorted(seen) == [[64, 64, 0, 0, 32, 32], [96, 96, 0, 0, 96, 96]]


def test_a_picture_comes_of_it_with_previews_and_tiles(sdxl: Model) -> None:
    region = text_region(0, 64, 0, 160, "sky", guidance_scale=2)
    record = generated(canvas(64, 160, region, max_region_px=96, scheduler="ddim"), sdxl)
    assert record.picture.shape == (64, 160, 3)
    assert np.isfinite(record.latents.numpy()).all()
    assert sdxl.codec.preview(record.latents).shape == (8, 20, 3)


def test_a_folder_is_loaded_as_what_its_index_says(sdxl: Model, tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path / "model", safe_serialization=True)
    assert facts_of("model", tmp_path).family.name == "sdxl"
    loaded = load_model(str(tmp_path / "model"), CPU)
    assert loaded.family is FAMILIES["sdxl"]
    assert relative_error(ours(loaded), ours(sdxl)) < 1e-6


@pytest.mark.parametrize("shards", ["10GB", "30KB"])
@pytest.mark.parametrize(("variant", "kind"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_a_folder_in_half_precision_alone_is_loaded(
    variant: str, kind: torch.dtype, shards: str, sdxl: Model, tmp_path: Path
) -> None:
    tiny_sdxl().to(kind).save_pretrained(tmp_path, variant=variant, max_shard_size=shards)
    loaded = load_model(str(tmp_path), CPU)
    assert 0 < relative_error(ours(loaded), ours(sdxl)) < 0.05


def test_a_checkpoint_in_8_bit_floats_is_loaded(sdxl: Model, tmp_path: Path) -> None:
    path, pipeline = tmp_path / "tiny.safetensors", tiny_sdxl()
    write_checkpoint(pipeline, path)
    pipeline.save_pretrained(tmp_path / "tiny")
    small = {name: one.to(torch.float8_e4m3fn) for name, one in load_file(path).items()}
    save_file(small, path)
    found = ours(load_model(str(path), CPU))
    save_file({name: one.float() for name, one in small.items()}, path)
    assert relative_error(found, ours(load_model(str(path), CPU))) < 1e-5
    assert 0 < relative_error(found, ours(sdxl)) < 0.1


def test_a_single_file_in_the_first_layout_is_loaded(sdxl: Model, tmp_path: Path) -> None:
    pipeline = tiny_sdxl()
    write_checkpoint(pipeline, tmp_path / "tiny.safetensors")
    pipeline.save_pretrained(tmp_path / "tiny")
    for weights in (tmp_path / "tiny").rglob("*.safetensors"):
        weights.unlink()  # what lies beside the file is its configuration alone
    assert facts_of("tiny.safetensors", tmp_path).family.name == "sdxl"
    loaded = load_model(str(tmp_path / "tiny.safetensors"), CPU)
    assert relative_error(ours(loaded), ours(sdxl)) < 1e-5


def test_bfloat16_stays_near_float32(sdxl: Model, tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    halved = load_model(str(tmp_path), choose_device("cpu", "bfloat16"))
    assert 0 < relative_error(ours(halved), ours(sdxl)) < 0.1


def test_a_single_file_that_says_so_predicts_v_from_a_start_without_signal() -> None:
    pipeline = tiny_sdxl()
    loaded = type(model_of(pipeline, CPU))
    loaded.adjust_single_file(pipeline, {"v_pred", "ztsnr"})
    config = pipeline.scheduler.config
    assert config.prediction_type == "v_prediction"
    assert config.rescale_betas_zero_snr
    assert config.timestep_spacing == "trailing"
    found = ours(model_of(pipeline, CPU))
    other = tiny_sdxl()
    loaded.adjust_single_file(other, {"v_pred", "ztsnr"})
    assert relative_error(found, plain(other, None)) < 1e-5
    loaded.adjust_single_file(other, {"something"})
    assert other.scheduler.config.prediction_type == "v_prediction"


def test_a_pipeline_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "ChromaPipeline"}')
    with pytest.raises(EngineError, match="ChromaPipeline") as caught:
        load_model(str(tmp_path), CPU)
    assert caught.value.kind == "model"
    assert "Stable Diffusion XL" in caught.value.advice


def test_a_broken_single_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "xl.safetensors"
    save_file({"conditioner.embedders.1.model.x": torch.zeros(2)}, path)
    with pytest.raises(EngineError, match=r"xl\.safetensors") as caught:
        load_model(str(path), CPU)
    assert caught.value.kind == "model"
    path.write_bytes(struct.pack("<Q", 9**9))
    with pytest.raises(EngineError, match=r"xl\.safetensors"):
        load_model(str(path), CPU)
