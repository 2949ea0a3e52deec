"""Models that paint in few steps, held to diffusers' own pipeline."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch

from engine.families.base import Model
from engine.families.loading import model_of
from engine.families.schedules import build_scheduler
from engine.runtime.devices import choose_device
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, latents, relative_error, text_region


def tiny_pipeline(own_scheduler: str | None = None, **unet: Any) -> Any:
    """Return the tiny model with another scheduler of its own, and a UNet with other settings."""
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    if own_scheduler:
        pipeline.scheduler = build_scheduler(own_scheduler, pipeline.scheduler.config)
    if unet:
        torch.manual_seed(0)
        config = {**pipeline.unet.config, **unet}
        pipeline.unet = diffusers.UNet2DConditionModel.from_config(config)
    return pipeline


def plain(pipeline: Any, *, steps: int, guidance: float, eta: float = 0.0) -> Any:
    return pipeline(
        "a tower",
        height=64,
        width=96,
        num_inference_steps=steps,
        guidance_scale=guidance,
        eta=eta,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
    ).images.numpy()


def ours(pipeline: Any, *, steps: int, guidance: float, scheduler: str | None = None) -> Any:
    components: Model = model_of(pipeline, choose_device("cpu", "float32"))
    region = text_region(0, 64, 0, 96, "a tower", guidance_scale=guidance)
    job = canvas(64, 96, region, scheduler=scheduler, num_inference_steps=steps)
    return latents(job, components)


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("scheduler", ["lcm", "tcd", "euler_trailing", "ddim_trailing"])
def test_guidance_of_one_is_plain_diffusers_without_guidance(scheduler: str, steps: int) -> None:
    pipeline = tiny_pipeline()
    found = ours(pipeline, steps=steps, guidance=1, scheduler=scheduler)
    pipeline.scheduler = build_scheduler(scheduler, pipeline.scheduler.config)
    eta = 0.3 if scheduler == "tcd" else 0.0  # each scheduler's own default
    for guidance in (0, 1):  # both mean none to diffusers
        expected = plain(pipeline, steps=steps, guidance=guidance, eta=eta)
        assert relative_error(found, expected) < 1e-5


@pytest.mark.parametrize("steps", [1, 4])
def test_a_models_own_few_step_scheduler_is_kept(steps: int) -> None:
    pipeline = tiny_pipeline("euler_trailing")
    found = ours(pipeline, steps=steps, guidance=1)
    assert relative_error(found, plain(pipeline, steps=steps, guidance=0)) < 1e-5
    named = ours(pipeline, steps=steps, guidance=1, scheduler="euler_trailing")
    assert relative_error(named, found) < 1e-6
    assert pipeline.scheduler.config.timestep_spacing == "trailing"


@pytest.mark.parametrize("guidance", [1, 4, 8])
def test_a_model_that_takes_the_guidance_as_an_input_gets_it_there(guidance: float) -> None:
    pipeline = tiny_pipeline("lcm", time_cond_proj_dim=32)
    found = ours(pipeline, steps=4, guidance=guidance)
    assert relative_error(found, plain(pipeline, steps=4, guidance=guidance)) < 1e-5


def test_regions_of_such_a_model_have_a_guidance_each_and_one_pass_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline = tiny_pipeline("lcm", time_cond_proj_dim=32)
    components = model_of(pipeline, choose_device("cpu", "float32"))
    left = text_region(0, 64, 0, 64, "a tower", guidance_scale=2)
    right = text_region(0, 64, 64, 128, "a tower", guidance_scale=9)
    passes = []
    forward = pipeline.unet.forward

    def noted(sample: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        passes.append(len(sample))
        return forward(sample, *arguments, **named)

    monkeypatch.setattr(pipeline.unet, "forward", noted)
    both = latents(canvas(64, 128, left, right, num_inference_steps=1), components)
    assert passes == [2]
    for one in (left, right):
        other = {**(right if one is left else left), "guidance_scale": one["guidance_scale"]}
        same = latents(canvas(64, 128, one, other, num_inference_steps=1), components)
        columns = slice(one["col_init"] // 8, one["col_end"] // 8)
        assert relative_error(both[..., columns], same[..., columns]) < 1e-6
        rest = slice(8, 16) if one is left else slice(0, 8)
        assert relative_error(both[..., rest], same[..., rest]) > 1e-4
