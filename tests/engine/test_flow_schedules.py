"""Schedules of flows, on a flow that is known: pictures whose cells are normally distributed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from engine.contract.effort import largest_tokens
from engine.contract.errors import EngineError
from engine.contract.families import FAMILIES
from engine.contract.schedulers import FLOW_SCHEDULERS
from engine.families.flow import shift_by_tokens
from engine.families.flow_schedules import FlowSchedule, flow_schedule
from tests.engine.runs import canvas, read_job, text_region

MEAN, DEVIATION = 0.7, 0.4


def config(**settings: Any) -> dict[str, Any]:
    scheduler = FlowMatchEulerDiscreteScheduler(**settings)
    return {**scheduler.config, "_class_name": type(scheduler).__name__}


def velocity(latents: Tensor, level: float) -> Tensor:
    """Return the velocity of the flow from standard noise to such pictures at a level."""
    spread = (1 - level) ** 2 * DEVIATION**2 + level**2
    away = latents - (1 - level) * MEAN
    picture = MEAN + (1 - level) * DEVIATION**2 / spread * away
    return level / spread * away - picture


def arrival(schedule: FlowSchedule, noise: Tensor) -> Tensor:
    latents = noise.clone()
    for t in schedule.timesteps:
        level = schedule.add_noise(torch.zeros(1), torch.ones(1), t).item()
        latents = schedule.step(velocity(latents, level), t, latents, torch.Generator())
    return latents


@pytest.mark.parametrize("name", [None, *FLOW_SCHEDULERS])
@pytest.mark.parametrize("settings", [{"shift": 3.0}, {"use_dynamic_shifting": True}], ids=str)
def test_every_scheduler_arrives_where_the_flow_leads(
    name: str | None, settings: dict[str, Any]
) -> None:
    noise = torch.randn((1, 1, 10, 20), generator=torch.Generator().manual_seed(0))
    mu = 1.1 if "shift" not in settings else None
    expected = MEAN + DEVIATION * noise
    errors = [
        (arrival(flow_schedule(name, config(**settings), steps, mu=mu), noise) - expected)
        .abs()
        .max()
        .item()
        for steps in (10, 40)
    ]
    assert errors[1] < 0.12
    assert errors[1] < errors[0] / 2


def test_levels_are_shifted_once_and_start_as_models_expect() -> None:
    steps = flow_schedule(None, config(shift=3.0), 4).timesteps
    assert steps.tolist() == pytest.approx([1000, 900, 750, 500])
    uneven = flow_schedule(None, config(shift=3.0), 4, even=False).timesteps
    own = FlowMatchEulerDiscreteScheduler(shift=3.0)
    own.set_timesteps(4)
    assert uneven.tolist() == own.timesteps.tolist()


def test_a_single_step_begins_at_noise_also_where_levels_end_elsewhere() -> None:
    settings = config(use_dynamic_shifting=True, shift_terminal=0.02)
    assert flow_schedule(None, settings, 1, mu=0.5).timesteps.tolist() == [1000]


@pytest.mark.parametrize("name", FLOW_SCHEDULERS)
def test_a_picture_is_held_at_the_level_of_the_next_step(name: str) -> None:
    schedule = flow_schedule(name, config(shift=3.0), 4)
    clean, noise = torch.full((1,), 5.0), torch.full((1,), -1.0)
    for index, t in enumerate(schedule.timesteps[1:]):
        assert torch.equal(schedule.held(clean, noise, index), schedule.add_noise(clean, noise, t))
    assert torch.equal(schedule.held(clean, noise, 3), clean)


def test_the_largest_window_shifts_the_levels_and_no_canvas_does() -> None:
    small, large = text_region(0, 512, 0, 512, "a"), text_region(0, 1024, 0, 2048, "b")
    job = canvas(1024, 4096, small, large)
    assert largest_tokens(read_job(job)) == 64 * 128
    assert largest_tokens(read_job({**job, "max_region_px": 1024})) == 64 * 64
    settings = config(use_dynamic_shifting=True)
    assert shift_by_tokens(256, settings) == pytest.approx(0.5)
    assert shift_by_tokens(4096, settings) == pytest.approx(1.15)
    assert shift_by_tokens(10**6, settings) == pytest.approx(1.15)


def test_a_scheduler_for_noise_is_named_as_none_for_flows() -> None:
    with pytest.raises(EngineError, match="PNDMScheduler") as caught:
        flow_schedule(None, {"_class_name": "PNDMScheduler"}, 4)
    assert "euler" in caught.value.advice


def test_families_of_flows_offer_no_schedulers_for_noise() -> None:
    for family in FAMILIES.values():
        is_flow = family.network == "transformer"
        assert (set(family.schedulers) <= set(FLOW_SCHEDULERS)) is is_flow
