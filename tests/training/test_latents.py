"""Batches of the denoiser: anchored patterns keep their corner, others are cut anywhere."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
from training.latents import NATIVE, SKETCH, Batch, LatentSets, training_batch  # noqa: E402
from training.painting.prompts import Wish  # noqa: E402
from training.painting.storybook.landscape import Landscape  # noqa: E402
from training.settings import DenoiserSettings  # noqa: E402


def corners(concept: str) -> set[float]:
    """Draw many crops of latents that hold their own place, and tell which corners come up."""
    places = torch.arange(20 * 20).reshape(1, 1, 20, 20).float().expand(1, 4, 20, 20)
    sets = LatentSets(
        small=places,
        large=places,
        small_wishes=[Wish(concept=concept)],
        large_wishes=[Wish(concept=concept)],
        scaling_factor=1.0,
    )
    own = DenoiserSettings(landscape_share=0.0, large_share=0.0, foreign_share=0.0)
    batch = training_batch(sets, 64, own, np.random.default_rng(1))
    assert batch.latents.shape == (64, 4, NATIVE, NATIVE)
    return set(batch.latents[:, 0, 0, 0].tolist())


def test_an_anchored_pattern_keeps_its_upper_left_corner() -> None:
    assert corners("bricks") == {0.0}


def test_what_has_no_courses_is_cut_anywhere() -> None:
    assert len(corners("marble")) > 10


def landscapes(foreign_share: float) -> Batch:
    """Draw a batch of landscapes whose latents hold their number and their row."""
    rows = torch.arange(32.0)[None, None, :, None].expand(8, 2, 32, 32)
    numbers = torch.arange(8.0)[:, None, None, None].expand(8, 2, 32, 32)
    sets = LatentSets(
        small=torch.zeros(0),
        large=torch.zeros(0),
        small_wishes=[],
        large_wishes=[],
        scaling_factor=1.0,
        landscapes=(torch.cat([rows, numbers], 1),),
        landscape_wishes=([Landscape(subject="house")] * 8,),
    )
    own = DenoiserSettings(landscape_share=1.0, foreign_share=foreign_share)
    return training_batch(sets, 40, own, np.random.default_rng(1))


def test_a_batch_of_landscapes_is_whole_and_of_the_same_area() -> None:
    batch = landscapes(0.0)
    assert batch.latents.shape == (10, 4, 32, 32)
    assert all("hou" in p or "home" in p for p in batch.prompts)
    assert torch.equal(batch.latents[0, 0, :, 5], torch.arange(32.0))


def test_a_landscape_meets_its_neighbour_at_one_horizon() -> None:
    batch = landscapes(1.0)
    rows = batch.latents[:, 0]
    torch.testing.assert_close(rows, torch.arange(32.0)[None, :, None].expand_as(rows))
    assert (batch.latents[:, 2].std((1, 2)) > 0).any()
    counted = batch.mask[:, 0]
    assert torch.equal(counted, counted[:, :1].expand_as(counted)), "whole columns count, or none"


def test_sketches_come_first_and_full_landscapes_later() -> None:
    sets = LatentSets(
        small=torch.zeros(0),
        large=torch.zeros(0),
        small_wishes=[],
        large_wishes=[],
        scaling_factor=1.0,
        landscapes=(torch.zeros(8, 4, 32, 32), torch.zeros(8, 4, SKETCH, SKETCH)),
        landscape_wishes=([Landscape(subject="house")] * 8,) * 2,
    )
    own = DenoiserSettings(landscape_share=1.0, sketching=0.5, sketch_shares=(1.0, 0.0))
    for progress, side in ((0.0, SKETCH), (0.49, SKETCH), (0.5, 32), (1.0, 32)):
        batch = training_batch(sets, 40, own, np.random.default_rng(1), progress)
        assert batch.latents.shape[2:] == (side, side)
