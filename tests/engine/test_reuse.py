"""Attention reused between steps: what is left out, where it is asked for, and never mixed up."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.families.components import Components
from engine.families.loading import load_components
from engine.families.sd import UNetDenoiser
from engine.process.quiet import silence_libraries
from engine.runtime.capacity import Capacity
from engine.runtime.devices import choose_device
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, latents, relative_error, text_region

SAME = text_region(0, 64, 0, 64, "a")
STEPS = 20
JOB = canvas(
    64,
    160,
    SAME,
    {**SAME, "col_init": 32, "col_end": 96, "prompt": "b"},
    text_region(0, 64, 64, 160, "a wide one", guidance_scale=1),
    scheduler="ddim",
    num_inference_steps=STEPS,
    seed=3,
)
REUSING = {**JOB, "reuse_attention": True}


@pytest.fixture(scope="module")
def tiny() -> Components:
    """A model of these tests' own: once asked, its layers keep their hooks."""
    silence_libraries()
    return load_components(str(TINY_SD), choose_device("cpu", "float32"))


def fresh(tiny: Components, capacity: Capacity | None = None) -> Components:
    """The tiny model, by a denoiser that has seen nothing yet."""
    assert isinstance(tiny.denoiser, UNetDenoiser)
    return replace(tiny, denoiser=UNetDenoiser(tiny.denoiser._pipeline, capacity=capacity))


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passes each computed attention was for."""
    counts: list[int] = []
    fused = torch.nn.functional.scaled_dot_product_attention

    def noted(query: Tensor, *arguments: Any, **named: Any) -> Tensor:
        counts.append(len(query))
        return fused(query, *arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    return counts


def test_every_other_step_between_the_timesteps_takes_attention_over(
    tiny: Components, attended: list[int]
) -> None:
    components = fresh(tiny)
    latents(JOB, components)  # with the texts' own attention
    attended.clear()
    exact = latents(JOB, components)
    whole = len(attended) - 1  # without the autoencoder's
    attended.clear()
    reused = latents(REUSING, components)
    timesteps = range(951, 0, -50)  # of DDIM in twenty steps
    left_out = sum(100 < t < 800 and index % 2 == 1 for index, t in enumerate(timesteps))
    assert left_out == 7
    assert len(attended) - 1 == whole * (STEPS - left_out) // STEPS
    assert 1e-4 < relative_error(reused, exact) < 0.2


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_calls_of_one_step_do_not_take_what_another_gave(passes: int, tiny: Components) -> None:
    together = latents(REUSING, fresh(tiny))
    apart = latents(REUSING, fresh(tiny, Capacity(torch.device("cpu"), most_passes=passes)))
    assert relative_error(apart, together) < 1e-5


def test_a_job_is_the_same_whatever_ran_before_it(tiny: Components) -> None:
    exact, reused = latents(JOB, fresh(tiny)), latents(REUSING, fresh(tiny))
    components = fresh(tiny)
    for job, expected in ((REUSING, reused), (JOB, exact), (REUSING, reused), (REUSING, reused)):
        np.testing.assert_array_equal(latents(job, components), expected)


def test_what_is_remembered_goes_with_the_job(tiny: Components) -> None:
    components = fresh(tiny)
    assert not kept_by(JOB, components)
    assert not kept_by(REUSING, components)


def kept_by(job: dict[str, Any], components: Components) -> int:
    """Count the tensors that are there after a second job and were not after the first."""
    latents(job, components)
    before = tensors()
    latents(job, components)
    return tensors() - before


def tensors() -> int:
    gc.collect()
    return sum(issubclass(type(one), Tensor) for one in gc.get_objects())


def test_where_the_memory_is_short_everything_is_computed_from_then_on(
    tiny: Components, attended: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    components = fresh(tiny)
    latents(JOB, components)
    denoiser: Any = components.denoiser
    attended.clear()
    latents(JOB, components)
    passes = sum(attended)
    last_block = denoiser._unet.up_blocks[-1]
    forward, calls = last_block.forward, []

    def short(*arguments: Any, **named: Any) -> Any:
        calls.append(sum(attended))
        if len(calls) == 9:  # the first of two calls of the fifth step, before anything is reused
            raise torch.OutOfMemoryError("out of memory")
        return forward(*arguments, **named)

    monkeypatch.setattr(last_block, "forward", short)
    attended.clear()
    latents(REUSING, components)
    lost = calls[8] - 4 * (passes - 1) // STEPS  # one pass is the autoencoder's
    assert lost > 0
    assert sum(attended) == passes + lost
