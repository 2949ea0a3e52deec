"""The families that predict velocities, held to diffusers' own pipelines and a plain mixture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.contract.errors import Problem
from engine.contract.families import FAMILIES
from engine.contract.job import Job
from engine.contract.models import facts_of
from engine.families.base import Model
from engine.families.loading import load_model, model_of
from engine.runtime.batching import Text
from engine.runtime.capacity import Capacity
from engine.runtime.devices import choose_device
from engine.runtime.placement import ENCODERS
from engine.sampling.events import Warned
from engine.sampling.generate import generate
from tests.engine.flow_families import CASES, FlowCase
from tests.engine.plain_flow_mixture import plain_flow_mixture
from tests.engine.runs import (
    by_another_denoiser,
    canvas,
    generated,
    latents,
    placed,
    read_job,
    relative_error,
    text_region,
)
from tests.engine.test_kept import again, first, keeping

DEVICE = choose_device("cpu", "float32")
STEPS = 4

each_family = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label or case.name)


class _Built:
    """A small model of each family, built when it is first asked for."""

    def __init__(self) -> None:
        self._models: dict[str, tuple[Any, Model]] = {}

    def __call__(self, case: FlowCase) -> tuple[Any, Model]:
        name = case.label or case.name
        if name not in self._models:
            pipeline = case.build()
            self._models[name] = (pipeline, model_of(pipeline, DEVICE))
        return self._models[name]


@pytest.fixture(scope="module")
def built() -> _Built:
    return _Built()


def job_of(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a job of 64 × 128 pixels."""
    return canvas(64, 128, *regions, **{"num_inference_steps": STEPS, **more})


def whole(case: FlowCase, **more: Any) -> dict[str, Any]:
    settings = {"prompt": "a tower", "guidance_scale": case.guidance, **more}
    return text_region(0, 64, 0, 128, **settings)


@each_family
@pytest.mark.parametrize("guidance", [None, 1.0], ids=["guided", "without"])
def test_one_full_canvas_region_equals_plain_diffusers(
    case: FlowCase, guidance: float | None, built: _Built
) -> None:
    pipeline, model = built(case)
    scale = case.guidance if guidance is None else guidance
    negative = case.pipelines_negative if case.takes_negative else ""
    region = whole(case, guidance_scale=scale, negative_prompt=negative)
    noise = torch.Generator().manual_seed(5)
    expected = case.theirs(
        pipeline,
        scale,
        negative,
        prompt="a tower",
        height=64,
        width=128,
        num_inference_steps=STEPS,
        generator=noise,
    )
    found = latents(job_of(region), model)
    assert relative_error(found, expected.numpy()) < 1e-5


def three_regions(case: FlowCase) -> list[dict[str, Any]]:
    negative = {"negative_prompt": "fog"} if case.takes_negative else {}
    return [
        text_region(0, 64, 0, 64, "sky", guidance_scale=1.0),
        text_region(0, 64, 32, 128, "a house", guidance_scale=case.guidance, **negative),
        text_region(16, 64, 0, 128, "road", guidance_scale=2.0, mask_weight=0.5),
    ]


@each_family
def test_mixtures_equal_a_plain_second_implementation(case: FlowCase, built: _Built) -> None:
    pipeline, model = built(case)
    picture = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0)) * 2 - 1
    bounds = {"row_init": 0, "row_end": 64, "col_init": 64, "col_end": 128}
    image = {"type": "image2image", **bounds, "reference_image": "p", "strength": 0.5}
    reroll = {"row_init": 0, "row_end": 32, "col_init": 0, "col_end": 32, "region_seed": 5}
    job = job_of(*three_regions(case), image, reroll_regions=[reroll])
    expected = plain_flow_mixture(case, pipeline, job, {"p": picture}).numpy()
    found = latents(job, model, {"p": picture})
    assert relative_error(found, expected) < 1e-5
    without = latents(job_of(*three_regions(case)), model)
    assert relative_error(found, without) > 1e-2


@each_family
def test_neither_order_nor_batches_change_a_mixture_and_a_job_repeats_itself(
    case: FlowCase, built: _Built
) -> None:
    _, model = built(case)
    regions = three_regions(case)
    found = latents(job_of(*regions), model)
    assert np.array_equal(found, latents(job_of(*regions), model))
    assert relative_error(latents(job_of(*reversed(regions)), model), found) < 1e-5
    alone = by_another_denoiser(model, Capacity(DEVICE.torch_device, most_passes=1))
    assert relative_error(latents(job_of(*regions), alone), found) < 1e-5


@each_family
def test_a_folder_is_loaded_as_what_its_index_says(
    case: FlowCase, built: _Built, tmp_path: Path
) -> None:
    pipeline, model = built(case)
    pipeline.save_pretrained(tmp_path / "model", safe_serialization=True)
    assert facts_of("model", tmp_path).family.name == case.name
    loaded = load_model(str(tmp_path / "model"), DEVICE)
    assert loaded.family is FAMILIES[case.name]
    job = job_of(whole(case))
    assert relative_error(latents(job, loaded), latents(job, model)) < 1e-6


@each_family
def test_a_region_is_made_anew_and_all_around_it_stays(case: FlowCase, built: _Built) -> None:
    _, model = built(case)
    sky = text_region(0, 64, 0, 128, "sky", mask_type="constant", mask_weight=1e-6, name="sky")
    house = text_region(0, 64, 64, 128, "house", mask_type="constant", name="house")
    job = job_of(sky, house)
    earlier = first(model, job)
    picture, made = again(model, keeping(job, "house"), earlier)
    assert np.array_equal(picture[:, :64], earlier.pixels[:, :64])
    assert not np.array_equal(picture[:, 80:], earlier.pixels[:, 80:])
    assert earlier.latents is not None
    left = 64 // case.stride_px
    assert np.array_equal(made.numpy()[..., :left], earlier.latents[..., :left])


@each_family
def test_encoders_that_would_crowd_the_device_visit_it_and_paint_the_same(
    case: FlowCase, built: _Built
) -> None:
    _, model = built(case)
    pipeline = case.build()
    other = model_of(pipeline, DEVICE, placed("stays", "visits"))
    encoders = [part for name, part in pipeline.components.items() if ENCODERS in name]
    for encoder in encoders:
        assert any(hasattr(module, "_diffusers_hook") for module in encoder.modules())
    job = job_of(whole(case))
    assert relative_error(latents(job, other), latents(job, model)) < 1e-6


@each_family
def test_bfloat16_stays_near_float32(case: FlowCase, built: _Built, tmp_path: Path) -> None:
    pipeline, model = built(case)
    pipeline.save_pretrained(tmp_path)
    halved: Any = load_model(str(tmp_path), choose_device("cpu", "bfloat16"))
    assert halved._network.dtype == torch.bfloat16
    job = job_of(whole(case, guidance_scale=1.0), num_inference_steps=1)
    assert 0 < relative_error(latents(job, halved), latents(job, model)) < 0.1


@each_family
def test_a_picture_comes_of_it_with_previews_and_windows(case: FlowCase, built: _Built) -> None:
    _, model = built(case)
    region = text_region(0, 64, 0, 288, "sky", guidance_scale=2)
    job = canvas(64, 288, region, max_region_px=128)
    record = generated(job, model)
    assert record.picture.shape == (64, 288, 3)
    assert np.isfinite(record.latents.numpy()).all()
    preview = model.codec.preview(record.latents)
    assert preview.shape[0] * 288 == preview.shape[1] * 64


def warnings(job: Job, model: Model) -> list[Problem]:
    events = generate(job, model)
    return [event.problem for event in events if isinstance(event, Warned)]


@each_family
def test_a_negative_prompt_without_effect_is_told(case: FlowCase, built: _Built) -> None:
    _, model = built(case)
    job = read_job(job_of(whole(case, negative_prompt="fog")))
    warned = warnings(job, model)
    told = [problem for problem in warned if problem.field == "negative_prompt"]
    assert bool(told) is (model.family.takes_negative and not model.guidance.takes_negative)


@each_family
def test_the_words_that_a_text_is_too_long_by_are_named(case: FlowCase, built: _Built) -> None:
    _, model = built(case)
    assert model.cut_off(Text(prompt="a tower")) == ""
    assert model.cut_off(Text(prompt="a tower " * 64 + "in fog")).endswith("in fog")
