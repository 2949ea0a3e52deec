"""The base pass: held to a plain second implementation, and what it must leave as it is."""

from __future__ import annotations

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from engine.contract.base_pass import base_share, base_size
from engine.contract.families import FAMILIES
from engine.contract.schedulers import SCHEDULERS
from engine.families.base import Model
from engine.families.loading import model_of
from engine.families.schedules import Schedule, build_scheduler
from engine.runtime.devices import choose_device
from engine.sampling.base_pass import plans_of
from engine.sampling.events import Warned
from engine.sampling.generate import generate
from engine.sampling.ranks import ALONE, Ranks
from engine.sampling.region_windows import region_windows
from engine.sampling.scaling import Scaling
from tests.engine.conftest import TINY_SD
from tests.engine.flow_families import CASES, FlowCase
from tests.engine.plain_flow_mixture import plain_flow_mixture
from tests.engine.plain_mixture import plain_mixture
from tests.engine.runs import canvas, latents, read_job, relative_error, text_region
from tests.engine.test_kept import again, first, keeping
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")
BASE: dict[str, Any] = {
    "base_prompt": "a town by the sea",
    "base_guidance_scale": 3.0,
    "base_strength": 0.6,
}


def town(width: int = 128, **more: Any) -> dict[str, Any]:
    """Return a job of three regions, on a canvas that they cover."""
    half = width // 2
    regions = (
        text_region(0, 64, 0, half + 16, "sky", guidance_scale=2.0),
        text_region(0, 64, half - 16, width, "a house", mask_type="quartic", guidance_scale=4.0),
        text_region(0, 64, 0, width, "road", mask_type="constant", mask_weight=0.1),
    )
    return canvas(64, width, *regions, **{"num_inference_steps": 4, **more})


def beside(guidance: float = 4.0, **more: Any) -> dict[str, Any]:
    """Return a job of three regions of 64 × 64 pixels, beside each other."""
    regions = [
        text_region(0, 64, left, left + 64, prompt, guidance_scale=guidance)
        for left, prompt in ((0, "sky"), (48, "a house"), (96, "road"))
    ]
    return canvas(64, 160, *regions, **{"num_inference_steps": 4, **more})


def sd() -> Any:
    return diffusers.StableDiffusionPipeline.from_pretrained(
        TINY_SD, safety_checker=None, requires_safety_checker=False
    )


def with_scheduler(pipeline: Any, name: str, **settings: Any) -> Any:
    own = {**pipeline.scheduler.config, "_class_name": "DDIMScheduler", "clip_sample": False}
    own.pop("_use_default_values", None)  # they would go before what is set here
    config = {**own, **settings}
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(config)
    return build_scheduler(name, config)


@pytest.mark.parametrize("most", [None, 64], ids=["whole", "smaller"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("build", [sd, tiny_sdxl])
def test_it_equals_a_plain_second_implementation(
    build: Any, prediction: str, most: int | None
) -> None:
    pipeline = build()
    for name in ("ddim", "euler"):
        scheduler = with_scheduler(pipeline, name, prediction_type=prediction)
        job = beside(**BASE, base_end=0.8, max_region_px=most, scheduler=name)
        found = latents(job, model_of(pipeline, CPU))
        expected = plain_mixture(pipeline, scheduler, job).numpy()
        assert relative_error(found, expected) < 1e-5
        without = latents({**job, "base_strength": 0.0, "base_prompt": ""}, model_of(pipeline, CPU))
        assert relative_error(found, without) > 1e-2


@pytest.mark.parametrize("most", [None, 64], ids=["whole", "smaller"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label or case.name)
def test_velocities_equal_a_plain_second_implementation_too(
    case: FlowCase, most: int | None
) -> None:
    pipeline = case.build()
    base = {**BASE, "base_guidance_scale": case.guidance, "base_end": 1.0}
    job = beside(case.guidance, **base, max_region_px=most)
    expected = plain_flow_mixture(case, pipeline, job).numpy()
    found = latents(job, model_of(pipeline, CPU))
    assert relative_error(found, expected) < 1e-5


def test_its_share_falls_in_a_line_to_nothing() -> None:
    job = read_job(town(**{**BASE, "base_strength": 0.4}, base_end=0.5))
    shares = [base_share(job, index, 8) for index in range(8)]
    assert shares == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0])
    whole = read_job(town(**BASE, base_end=1.0))
    assert base_share(whole, 7, 8) == pytest.approx(0.6 / 8)
    assert base_share(read_job(town(**BASE, base_end=0.0)), 0, 8) == 0


def test_a_larger_canvas_is_seen_with_as_many_pixels_as_a_window_has() -> None:
    def seen(
        height: int, width: int, most: int | None, grid: int = 8, side: int | None = None
    ) -> tuple[int, int]:
        region = text_region(0, height, 0, width, "a")
        job = canvas(height, width, region, max_region_px=most, **BASE)
        return base_size(read_job(job), grid, side)

    assert seen(640, 1408, None) == (640, 1408)
    assert seen(640, 1408, 512) == (344, 760)
    assert seen(640, 1408, 512, 16) == (352, 752)
    assert seen(512, 512, 512) == (512, 512)
    assert seen(512, 8192, 1024, 16, 3072) == (192, 3072)
    assert seen(64, 4096, 128, 16) == (16, 1024)


def test_without_strength_it_changes_not_a_bit(tiny: Model) -> None:
    plain = latents(town(), tiny)
    off = {**BASE, "base_strength": 0.0, "base_end": 0.9}
    assert np.array_equal(latents(town(**off), tiny), plain)
    assert not np.array_equal(latents(town(**BASE), tiny), plain)


def test_noise_stays_white_and_pictures_are_stronger_by_the_factor() -> None:
    noise = torch.randn((1, 64, 20, 44), generator=torch.Generator().manual_seed(0))
    scaling = Scaling.between(noise, 13, 31)
    rows, columns = scaling.rows.double(), scaling.columns.double()
    assert torch.allclose(rows @ rows.T, torch.eye(13).double(), atol=1e-6)
    assert torch.allclose(columns @ columns.T, torch.eye(31).double(), atol=1e-6)
    assert scaling.down(noise).std().item() == pytest.approx(1, abs=0.02)
    even = torch.full((1, 1, 20, 44), 3.0)
    assert torch.allclose(scaling.down(even), torch.tensor(3 * scaling.factor), atol=1e-4)
    assert torch.allclose(scaling.up(scaling.down(even)), even, atol=1e-4)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_levels_are_what_the_network_sees(name: str) -> None:
    own = sd().scheduler.config
    schedule = Schedule(build_scheduler(name, {**own, "_class_name": "PNDMScheduler"}), 6)
    one, zero = torch.ones(1), torch.zeros(1)
    for index, t in enumerate(schedule.timesteps[:-1]):
        level = schedule.level(index)
        kept, added = (schedule.add_noise(*pair, t) for pair in ((one, zero), (zero, one)))
        scheduler: Any = schedule._scheduler
        if hasattr(scheduler, "_step_index"):
            scheduler._step_index = index
        seen = [schedule.scale_model_input(value, t).item() for value in (kept, added)]
        assert [level.picture, level.noise] == pytest.approx(seen, rel=1e-4)
        near = schedule.level_of(level.sigma)
        assert near.timestep.item() == pytest.approx(t.item(), abs=0.6)
        assert (near.picture, near.noise) == pytest.approx((level.picture, level.noise))


def test_a_smaller_level_has_less_noise_and_ends_where_training_did() -> None:
    schedule = Schedule(build_scheduler("ddim", sd().scheduler.config), 6)
    level = schedule.level(2)
    below = schedule.level_of(level.sigma / 2)
    assert below.timestep < level.timestep
    assert below.sigma == pytest.approx(level.sigma / 2)
    assert schedule.level_of(0).timestep == 0
    assert schedule.level_of(float("inf")).timestep == 999


def test_a_schedule_that_begins_at_noise_alone_has_levels_too() -> None:
    config = {**sd().scheduler.config, "rescale_betas_zero_snr": True}
    schedule = Schedule(build_scheduler("ddim_trailing", config), 4)
    level = schedule.level(0)
    assert (level.picture, level.noise) == (0, 1)
    assert schedule.level_of(level.sigma / 2).timestep == 999


def test_ranks_share_its_work_and_their_sum_is_the_whole(tiny: Model) -> None:
    job = read_job(beside(**BASE, max_region_px=64, scheduler="ddim"))
    schedule, start = tiny.make_schedule(job), torch.randn((1, 4, 8, 20))
    windows = region_windows(job, 8, {})
    parts = [plans_of(job, tiny, windows, start, Ranks(number, 2))[1] for number in range(2)]
    _, alone = plans_of(job, tiny, windows, start, ALONE)
    assert alone is not None
    whole, shares = torch.ones_like(start), [torch.full_like(start, part) for part in (0.3, 0.7)]
    alone.add_(whole, start, schedule, 0)
    for part, mixed in zip(parts, shares, strict=True):
        assert part is not None
        part.add_(mixed, start, schedule, 0)
    assert [part is not None and part.plan is not None for part in parts].count(True) == 1
    assert torch.allclose(shares[0] + shares[1], whole, atol=1e-5)
    assert not torch.allclose(whole, torch.ones_like(start), atol=1e-2)


def test_gaps_stay_without_a_prediction_and_what_is_kept_the_same_bytes(tiny: Model) -> None:
    regions = town()["regions"][:2]
    gap = [{**one, "row_end": 40} for one in regions]
    job = {**town(**BASE, max_region_px=64), "regions": gap}
    without = {**job, "base_strength": 0.0}
    assert np.isfinite(latents(job, tiny)).all()
    assert relative_error(latents(job, tiny), latents(without, tiny)) > 1e-3
    named = [{**one, "name": name} for one, name in zip(town()["regions"], "abc", strict=True)]
    document = {**town(**BASE), "regions": named}
    earlier = first(tiny, document)
    picture, made = again(tiny, keeping(document, "b"), earlier)
    assert earlier.latents is not None
    assert np.array_equal(made.numpy()[..., :6], earlier.latents[..., :6])
    assert np.array_equal(picture[:, :48], earlier.pixels[:, :48])
    assert not np.array_equal(picture[:, 80:], earlier.pixels[:, 80:])


def test_a_text_too_long_for_the_model_is_told(tiny: Model) -> None:
    long = {**BASE, "base_prompt": "a tower " * 100 + "in fog"}
    events = generate(read_job(town(**long)), tiny)
    told = [event.problem for event in events if isinstance(event, Warned)]
    assert [problem.field for problem in told] == ["base_prompt"]


def test_families_of_transformers_are_shifted_by_the_base_pass_too() -> None:
    case = next(case for case in CASES if case.name == "flux" and case.label == "flux dev")
    model = model_of(case.build(), CPU)
    regions = [text_region(0, 64, left, left + 64, "a") for left in (0, 64)]
    job = canvas(64, 128, *regions, num_inference_steps=4)
    without, base = (model.make_schedule(read_job({**job, **more})) for more in ({}, BASE))
    one = canvas(64, 128, text_region(0, 64, 0, 128, "a"), num_inference_steps=4)
    assert torch.equal(base.timesteps, model.make_schedule(read_job(one)).timesteps)
    assert not torch.equal(base.timesteps, without.timesteps)
    assert FAMILIES["flux"].grid_px == 16
