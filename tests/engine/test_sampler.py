"""What must hold for any mixture, and where it meets plain diffusion."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.contract.errors import Cancelled
from engine.contract.job import MAX_STEPS
from engine.contract.schedulers import SCHEDULERS
from engine.families.base import Model
from engine.families.schedules import build_scheduler
from engine.runtime.capacity import Capacity
from engine.runtime.references import Reference
from engine.sampling.events import GenerateEvent, PhaseBegan, Preview, StepDone
from engine.sampling.generate import generate
from tests.engine.conftest import TINY_SD
from tests.engine.runs import (
    by_another_denoiser,
    canvas,
    latents,
    pictures_of,
    read_job,
    relative_error,
    text_region,
)

THREE = (
    text_region(0, 64, 0, 64, "sky", region_seed=1),
    text_region(0, 64, 32, 96, "house", region_seed=2, mask_type="quartic"),
    text_region(16, 64, 0, 96, "road", region_seed=3, mask_weight=0.5, guidance_scale=3),
)


def plain(scheduler: str, *, steps: int, prompt: str, negative: str | None = None) -> Any:
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = build_scheduler(
        scheduler, {**pipeline.scheduler.config, "_class_name": "PNDMScheduler"}
    )
    return pipeline(
        prompt,
        negative_prompt=negative,
        height=96,
        width=64,
        num_inference_steps=steps,
        guidance_scale=6.0,
        eta=0.3 if scheduler == "tcd" else 0.0,  # each scheduler's own default
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
    ).images.numpy()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("mask_type", ["constant", "gaussian"])
def test_one_full_canvas_region_equals_plain_diffusers(
    scheduler: str, mask_type: str, tiny: Model
) -> None:
    region = text_region(
        0, 96, 0, 64, "a tower", guidance_scale=6.0, mask_type=mask_type, mask_weight=0.3
    )
    job = canvas(96, 64, region, scheduler=scheduler, num_inference_steps=5)
    expected = plain(scheduler, steps=5, prompt="a tower")
    assert relative_error(latents(job, tiny), expected) < 1e-5


def test_a_negative_prompt_takes_the_place_of_the_unconditional_text(tiny: Model) -> None:
    region = text_region(0, 96, 0, 64, "a tower", guidance_scale=6.0)
    job = canvas(96, 64, region, scheduler="ddim", negative_prompt="fog, rain")
    expected = plain("ddim", steps=3, prompt="a tower", negative="fog, rain")
    assert relative_error(latents(job, tiny), expected) < 1e-5


def test_a_regions_own_negative_prompt_goes_before_the_canvass(tiny: Model) -> None:
    own = canvas(96, 64, text_region(0, 96, 0, 64, "sky", negative_prompt="fog"))
    common = canvas(96, 64, text_region(0, 96, 0, 64, "sky"), negative_prompt="fog")
    both = {**own, "negative_prompt": "rain"}
    none = canvas(96, 64, text_region(0, 96, 0, 64, "sky", negative_prompt=""))
    without = canvas(96, 64, text_region(0, 96, 0, 64, "sky"))
    assert np.array_equal(latents(own, tiny), latents(common, tiny))
    assert np.array_equal(latents(own, tiny), latents(both, tiny))
    assert np.array_equal(
        latents({**none, "negative_prompt": "rain"}, tiny), latents(without, tiny)
    )
    assert relative_error(latents(own, tiny), latents(without, tiny)) > 1e-3


def test_regions_in_another_order_give_the_same_result(tiny: Model) -> None:
    results = [latents(canvas(64, 96, *order), tiny) for order in permutations(THREE)]
    for result in results[1:]:
        assert relative_error(result, results[0]) < 1e-5


@pytest.mark.parametrize("most_passes", [1, 3, 4])
def test_passes_evaluated_in_other_groups_give_the_same_result(
    most_passes: int, tiny: Model
) -> None:
    capacity = Capacity(tiny.device.torch_device, most_passes=most_passes)
    grouped = by_another_denoiser(tiny, capacity)
    same_shape = [text_region(0, 64, 8 * i, 8 * i + 64, f"prompt {i}") for i in range(5)]
    job = canvas(64, 96, *same_shape, THREE[2])
    assert relative_error(latents(job, grouped), latents(job, tiny)) < 1e-5


def test_a_region_of_weight_zero_changes_nothing(tiny: Model) -> None:
    ghost = text_region(0, 64, 0, 96, "ghost", mask_weight=0)
    with_ghost = latents(canvas(64, 96, *THREE, ghost), tiny)
    assert relative_error(with_ghost, latents(canvas(64, 96, *THREE), tiny)) < 1e-6


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_run_repeats_and_another_seed_does_not(scheduler: str, tiny: Model) -> None:
    job = canvas(64, 96, *THREE, scheduler=scheduler)
    first = latents(job, tiny)
    assert np.isfinite(first).all()
    assert np.array_equal(first, latents(job, tiny))
    assert relative_error(latents({**job, "seed": 6}, tiny), first) > 0.1


def test_the_schedulers_all_differ(tiny: Model) -> None:
    steps = {"num_inference_steps": 6}
    results = {
        name: latents(canvas(64, 96, *THREE, scheduler=name, **steps), tiny) for name in SCHEDULERS
    }
    names = list(results)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert relative_error(results[one], results[other]) > 1e-4, (one, other)


@pytest.mark.parametrize("scheduler", [n for n, s in SCHEDULERS.items() if s.most_steps is None])
def test_the_most_steps_that_a_job_may_have_are_steps_that_a_schedule_has(
    scheduler: str, tiny: Model
) -> None:
    job = canvas(64, 96, *THREE, scheduler=scheduler, num_inference_steps=MAX_STEPS)
    schedule = tiny.make_schedule(read_job(job))
    assert schedule.timesteps.min() >= 0
    assert schedule.timesteps.max() < 1000


def test_no_scheduler_means_the_models_own(tiny: Model) -> None:
    own = latents(canvas(64, 96, *THREE), tiny)
    assert np.array_equal(own, latents(canvas(64, 96, *THREE, scheduler="pndm"), tiny))


def test_a_reset_reroll_leaves_far_cells_of_the_start_alone(tiny: Model) -> None:
    one, other = (text_region(0, 64, c, c + 48, "x", guidance_scale=2) for c in (0, 48))
    job = canvas(64, 96, one, other)
    reroll = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 48, "region_seed": 3}
    before = latents(job, tiny)
    after = latents({**job, "reroll_regions": [reroll]}, tiny)
    assert np.array_equal(before[..., 6:], after[..., 6:])
    assert relative_error(after[..., :6], before[..., :6]) > 0.3


def test_the_result_comes_nearer_to_the_picture_with_strength(tiny: Model) -> None:
    drawn = torch.Generator().manual_seed(0)
    picture = torch.rand((1, 3, 64, 96), generator=drawn) * 2 - 1
    whole = Reference(picture=picture, height_px=64, width_px=96)
    encoded = tiny.codec.encode(whole, drawn, on=torch.device("cpu")).numpy()
    place = {"row_init": 0, "row_end": 64, "col_init": 0, "col_end": 96}
    image = {"type": "image2image", **place, "reference_image": "p"}

    def distance(strength: float) -> float:
        regions = (text_region(0, 64, 0, 96, "sky"), {**image, "strength": strength})
        job = canvas(64, 96, *regions, scheduler="ddim", num_inference_steps=10)
        return relative_error(latents(job, tiny, {"p": picture}), encoded)

    assert distance(0.0) > distance(0.5) > distance(1.0)


def test_a_run_tells_its_phases_steps_previews_and_step_pictures(tiny: Model) -> None:
    job = read_job(canvas(64, 96, *THREE, decode_steps=True))
    events = list(generate(job, tiny, preview_every_s=1e-9))
    assert [e.phase for e in events if isinstance(e, PhaseBegan)] == [
        "encoding",
        "sampling",
        "decoding",
    ]
    steps = [e for e in events if isinstance(e, StepDone)]
    assert [e.step for e in steps] == list(range(1, steps[-1].steps + 1))
    assert steps[-1].remaining_s == 0
    previews = [e.picture for e in events if isinstance(e, Preview)]
    assert {p.shape for p in previews} == {(8, 12, 3)}
    pictures = pictures_of(events)
    assert list(pictures) == [*(step.step for step in steps), None]
    assert {p.shape for p in pictures.values()} == {(64, 96, 3)}


def test_no_preview_is_made_unless_asked_for(tiny: Model) -> None:
    events = generate(read_job(canvas(64, 96, *THREE)), tiny)
    assert not any(isinstance(event, Preview) for event in events)


def test_cancel_takes_effect_within_one_denoiser_call(tiny: Model) -> None:
    job = read_job(canvas(64, 96, *THREE, num_inference_steps=20))
    heard: list[GenerateEvent] = []
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    def run() -> None:
        for event in generate(job, tiny, is_cancelled=is_cancelled):
            heard.append(event)

    with pytest.raises(Cancelled):
        run()
    assert asked == 6
    assert not any(isinstance(e, StepDone) and e.step > 3 for e in heard)
