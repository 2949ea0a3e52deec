"""Strength maps of image regions, against plain strengths and against no region at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.families.base import Model
from engine.runtime.windows import Window
from engine.sampling.sampler import ImageAnchor
from engine.sampling.strength_maps import release_map
from tests.engine.runs import canvas, latents, read_job, relative_error, text_region
from tests.engine.tiny_controls import hint_bytes

SIDE, STEPS = 64, 4
PHOTO = hint_bytes(SIDE, SIDE, 7)
REGION = {"row_init": 0, "row_end": SIDE, "col_init": 0, "col_end": SIDE}


TEXT = text_region(0, SIDE, 0, SIDE, "a tower", mask_type="constant")


def document_of(steps: int = STEPS, **image: Any) -> Any:
    photo = {"type": "image2image", **REGION, "reference_image": "photo", **image}
    return canvas(SIDE, SIDE, TEXT, photo, num_inference_steps=steps, scheduler="ddim")


def made(model: Model, grey: Any = None, **image: Any) -> Any:
    """Return the latents of a prompt and a picture over it; `grey` is the picture's map."""
    named: dict[str, Any] = {} if grey is None else {"strength_map": "map"}
    masks = {"map": np.asarray(grey, np.float32), "mask": MASK}
    return latents(document_of(**image, **named), model, {"photo": PHOTO}, masks=masks)


MASK = np.repeat([[1.0, 0.5]], SIDE, axis=0).repeat(SIDE // 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("strength", [0.3, 0.55, 0.8, 1.0])
def test_white_is_the_plain_strength(strength: float, tiny: Model) -> None:
    masks: tuple[dict[str, Any], ...] = ({}, {"mask": "mask"})
    for more in masks:
        whole = made(tiny, strength=strength, **more)
        assert np.array_equal(made(tiny, np.ones((9, 5)), strength=strength, **more), whole)
    grey = np.full((4, 4), strength)
    assert np.array_equal(made(tiny, grey, strength=1.0), made(tiny, strength=strength))


def test_black_is_no_region_at_all(tiny: Model) -> None:
    plain = canvas(SIDE, SIDE, TEXT, num_inference_steps=STEPS, scheduler="ddim")
    found = made(tiny, np.zeros((3, 3)), strength=1.0)
    assert np.array_equal(found, latents(plain, tiny))
    assert relative_error(made(tiny, strength=1.0), found) > 1e-2


@pytest.mark.parametrize("with_mask", [False, True])
def test_each_cell_is_held_for_as_long_as_its_own_strength_says(
    with_mask: bool, tiny: Model
) -> None:
    """After each step a stripe of the map is as a whole region of its strength has it."""
    job = read_job(document_of(strength=1.0, steps=12))
    schedule, window = tiny.make_schedule(job), Window(top=0, bottom=8, left=0, right=8)
    draw = torch.Generator().manual_seed(1)
    photo, noise, canvas_now = (torch.randn((1, 4, 8, 8), generator=draw) for _ in range(3))
    mask = torch.linspace(0, 1, 8).expand(8, 8) if with_mask else None
    strengths = (0.0, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0, 0.1)
    grey = np.repeat([strengths], 8, axis=0).astype(np.float32)
    (region,) = job.image_regions

    def after(index: int, strength: float, releases: Any = None) -> Any:
        latents, release = canvas_now.clone(), schedule.release_timestep(strength)
        ImageAnchor(
            window=window, latents=photo, release=release, mask=mask, releases=releases
        ).hold_(latents, noise, schedule, index)
        return latents

    releases = release_map(grey, region, schedule, 8)
    for index in range(12):
        found = after(index, 1.0, releases)
        for column, strength in enumerate(strengths):
            whole = after(index, strength) if strength else canvas_now
            assert torch.equal(found[..., column], whole[..., column])
    assert len(releases.unique()) == len(strengths) - 1  # the last two steps are free of both
